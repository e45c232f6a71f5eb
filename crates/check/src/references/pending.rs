//! Pending references, in input order; beyond a limit they are spooled to disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::KeyOccurrence;
use chancery_core::diagnostic::RecordRef;
use chancery_core::source::Position;
use chancery_files::spool::{in_temporary_folder, temporary_file};

/// A reference whose record has not been read yet.
#[derive(Debug)]
pub struct PendingReference {
    pub hash: u128,
    /// The collection that should have the key, and its name if that is not the record's own.
    pub collection: usize,
    pub to: Option<Arc<str>>,
    /// The hash of the key that differs only in being a string or a number.
    pub other_type: Option<u128>,
    pub is_number: bool,
    pub file: Arc<str>,
    pub at: Position,
    /// The bytes of the source, so that the window can be dropped.
    pub shown: String,
    pub text: Box<str>,
    pub pointer: String,
    pub record: Option<RecordRef>,
    pub fresh: bool,
}

impl PendingReference {
    /// A reference of a record.
    pub fn new(occurrence: KeyOccurrence, record: Option<&RecordRef>, fresh: bool) -> Self {
        let KeyOccurrence { hash, collection, to, other_type, is_number, place, text, pointer, .. } = occurrence;
        let (location, shown) = (place.locate(), place.source.slice(place.span).into());
        let (file, at, record) = (location.file, location.start, record.cloned());
        Self { hash, collection, to, other_type, is_number, file, at, shown, text, pointer, record, fresh }
    }
}

/// The references.
#[derive(Debug)]
pub struct PendingReferences {
    recent: Vec<PendingReference>,
    older: Option<BufWriter<File>>,
    limit: usize,
}

/// A reference on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpooledReference {
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
    record: Option<Record>,
    fresh: bool,
}

// Index, key, number in the run, and content in halves.
type Record = (u64, Option<String>, Option<u64>, Option<(u64, u64)>);

impl PendingReferences {
    /// An empty queue with at most `limit` references in memory.
    pub fn new(limit: usize) -> Self {
        Self { recent: Vec::new(), older: None, limit }
    }

    /// Adds a reference.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn push(&mut self, waiting: PendingReference) -> io::Result<()> {
        if self.recent.len() >= self.limit {
            let older = match &mut self.older {
                Some(older) => older,
                None => self.older.insert(BufWriter::new(temporary_file()?)),
            };
            for waiting in self.recent.drain(..) {
                serde_json::to_writer(&mut *older, &SpooledReference::from(waiting)).map_err(|error| in_temporary_folder(error.into()))?;
                older.write_all(b"\n").map_err(in_temporary_folder)?;
            }
        }
        self.recent.push(waiting);
        Ok(())
    }

    /// Passes on each reference, in order.
    ///
    /// # Errors
    /// Those of `take`, and when data on disk cannot be read.
    pub fn each(self, take: &mut dyn FnMut(PendingReference) -> io::Result<()>) -> io::Result<()> {
        if let Some(older) = self.older {
            let mut file = older.into_inner().map_err(|error| in_temporary_folder(error.into()))?;
            file.rewind()?;
            for line in BufReader::new(file).lines() {
                take(serde_json::from_str::<SpooledReference>(&line?)?.into())?;
            }
        }
        self.recent.into_iter().try_for_each(take)
    }
}

impl SpooledReference {
    /// The reference, at any location.
    pub(super) fn in_file(&self, file: &Arc<str>) -> PendingReference {
        let waiting = PendingReference::from(self.clone());
        // The number is that of another run.
        let record = waiting.record.map(|record| RecordRef { number: None, ..record });
        PendingReference { file: Arc::clone(file), record, ..waiting }
    }

    /// The name of its target collection, if that is not the record's own.
    pub(super) fn to(&self) -> Option<&str> {
        self.to.as_deref()
    }
}

impl From<PendingReference> for SpooledReference {
    fn from(waiting: PendingReference) -> Self {
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
            record: waiting.record.map(|RecordRef { index, key, number, content }| {
                (index, key, number, content.map(|content| (content as u64, (content >> 64) as u64)))
            }),
            fresh: waiting.fresh,
        }
    }
}

impl From<SpooledReference> for PendingReference {
    fn from(written: SpooledReference) -> Self {
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
            record: written.record.map(|(index, key, number, content)| {
                let content = content.map(|(low, high)| u128::from(high) << 64 | u128::from(low));
                RecordRef { index, key, number, content }
            }),
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
        let mut line = PendingReferences::new(10);
        let waiting = |number: u64| PendingReference {
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
            record: number.is_multiple_of(2).then(|| RecordRef {
                index: number,
                key: Some("k\n".to_owned()),
                number: number.is_multiple_of(4).then_some(number + 3),
                content: number.is_multiple_of(6).then_some(u128::from(number) << 100 | 1),
            }),
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
