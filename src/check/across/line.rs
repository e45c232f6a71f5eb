//! References that wait for their key, in input order; past a limit they wait on disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Mention;
use crate::diagnostic::RecordRef;
use crate::source::Position;

/// A reference whose record has not been read yet.
#[derive(Debug)]
pub struct Waiting {
    pub hash: u128,
    /// The collection that should have the key, and its name where that is not the record's own.
    pub collection: usize,
    pub to: Option<Arc<str>>,
    /// The hash of the key that differs only in being a string or a number.
    pub other_type: Option<u128>,
    pub is_number: bool,
    pub file: Arc<str>,
    pub at: Position,
    /// The bytes of the source, so that the window can go.
    pub shown: String,
    pub text: Box<str>,
    pub pointer: String,
    pub record: Option<RecordRef>,
    pub fresh: bool,
}

impl Waiting {
    /// What a mention of a record refers to.
    pub fn new(mention: Mention, record: Option<&RecordRef>, fresh: bool) -> Self {
        let Mention { hash, collection, to, other_type, is_number, place, text, pointer, .. } = mention;
        let (location, shown) = (place.locate(), place.source.slice(place.span).into());
        let (file, at, record) = (location.file, location.start, record.cloned());
        Self { hash, collection, to, other_type, is_number, file, at, shown, text, pointer, record, fresh }
    }
}

/// The references.
#[derive(Debug)]
pub struct Line {
    recent: Vec<Waiting>,
    older: Option<BufWriter<File>>,
    limit: usize,
}

/// A reference on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    hash: (u64, u64),
    collection: usize,
    to: Option<Box<str>>,
    other_type: Option<(u64, u64)>,
    is_number: bool,
    file: String,
    at: (u64, u64, u32),
    shown: String,
    text: Box<str>,
    pointer: String,
    record: Option<(u64, Option<String>)>,
    fresh: bool,
}

impl Line {
    /// None yet; at most `limit` are held in memory.
    pub fn new(limit: usize) -> Self {
        Self { recent: Vec::new(), older: None, limit }
    }

    /// Adds one behind the others.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn push(&mut self, waiting: Waiting) -> io::Result<()> {
        if self.recent.len() >= self.limit {
            let older = match &mut self.older {
                Some(older) => older,
                None => self.older.insert(BufWriter::new(tempfile::tempfile()?)),
            };
            for waiting in self.recent.drain(..) {
                serde_json::to_writer(&mut *older, &Written::from(waiting))?;
                older.write_all(b"\n")?;
            }
        }
        self.recent.push(waiting);
        Ok(())
    }

    /// Hands over each, in order.
    ///
    /// # Errors
    /// Those of `take`, and when what lies on disk cannot be read.
    pub fn each(self, take: &mut dyn FnMut(Waiting) -> io::Result<()>) -> io::Result<()> {
        if let Some(older) = self.older {
            let mut file = older.into_inner()?;
            file.rewind()?;
            for line in BufReader::new(file).lines() {
                take(serde_json::from_str::<Written>(&line?)?.into())?;
            }
        }
        self.recent.into_iter().try_for_each(take)
    }
}

impl Written {
    /// The reference, wherever it stands.
    pub(super) fn in_file(&self, file: &Arc<str>) -> Waiting {
        Waiting { file: Arc::clone(file), ..self.clone().into() }
    }

    /// The name of the collection that it leads to, where that is not the record's own.
    pub(super) fn to(&self) -> Option<&str> {
        self.to.as_deref()
    }
}

impl From<Waiting> for Written {
    fn from(waiting: Waiting) -> Self {
        let Position { byte, line, column } = waiting.at;
        Self {
            hash: halves(waiting.hash),
            collection: waiting.collection,
            to: waiting.to.as_deref().map(Into::into),
            other_type: waiting.other_type.map(halves),
            is_number: waiting.is_number,
            file: waiting.file.to_string(),
            at: (byte, line, column),
            shown: waiting.shown,
            text: waiting.text,
            pointer: waiting.pointer,
            record: waiting.record.map(|record| (record.index, record.key)),
            fresh: waiting.fresh,
        }
    }
}

impl From<Written> for Waiting {
    fn from(written: Written) -> Self {
        let (byte, line, column) = written.at;
        Self {
            hash: whole(written.hash),
            collection: written.collection,
            to: written.to.as_deref().map(Into::into),
            other_type: written.other_type.map(whole),
            is_number: written.is_number,
            file: written.file.into(),
            at: Position { byte, line, column },
            shown: written.shown,
            text: written.text,
            pointer: written.pointer,
            record: written.record.map(|(index, key)| RecordRef { index, key }),
            fresh: written.fresh,
        }
    }
}

fn halves(hash: u128) -> (u64, u64) {
    (hash as u64, (hash >> 64) as u64)
}

fn whole((low, high): (u64, u64)) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept_over_the_disk() {
        let mut line = Line::new(10);
        let waiting = |number: u64| Waiting {
            hash: u128::from(number) << 70 | 5,
            collection: number as usize % 3,
            to: number.is_multiple_of(4).then(|| "others".into()),
            other_type: number.is_multiple_of(2).then_some(7 << 90),
            is_number: number.is_multiple_of(2),
            file: "a\n\u{1f600}.json".into(),
            at: Position { byte: number, line: number + 1, column: 3 },
            shown: "\"k\\\"".to_owned(),
            text: format!("k{number}").into(),
            pointer: "/a/0".to_owned(),
            record: number.is_multiple_of(2).then(|| RecordRef { index: number, key: Some("k\n".to_owned()) }),
            fresh: number.is_multiple_of(3),
        };
        for number in 0..35 {
            line.push(waiting(number)).expect("writable");
        }
        let mut found = Vec::new();
        line.each(&mut |waiting| {
            found.push(format!("{waiting:?}"));
            Ok(())
        })
        .expect("readable");
        assert_eq!(found, (0..35).map(|number| format!("{:?}", waiting(number))).collect::<Vec<_>>());
    }
}
