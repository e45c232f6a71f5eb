//! The records of a collection as lines of JSON, read from a database a page at a time.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::layout::relational::Layout;
use crate::layout::relational::join::{Edited, Joiner, Stored};
use crate::layout::relational::rows::{HASH_LENGTH, Splitter, Takes};

/// A page holds so many records.
pub const PAGE: usize = 128;

/// Rows of each table: those of the records of a page, with the number of the record they belong to, in order.
pub type Page = Vec<Vec<(i64, Stored)>>;

/// Reads pages.
pub trait Pages: Send {
    /// The rows of the records behind the one of that number; `None` behind the last.
    ///
    /// # Errors
    /// When the database fails.
    fn page(&mut self, after: i64) -> io::Result<Option<Page>>;

    /// Whether nobody but a load has written to the place, so that a record that differs from its hash is damaged.
    fn is_unedited(&self) -> bool {
        false
    }
}

/// What is known of a record besides its text.
#[derive(Debug, Default)]
pub struct Remark {
    /// The digest of its content when it was stored; `None` where the place keeps none, empty where it was lost.
    pub digest: Option<Vec<u8>>,
    /// What was edited by hand, as far as that is known.
    pub edited: Edited,
    /// Whether a record that differs from its digest is damaged, and not edited.
    pub is_unedited: bool,
}

/// Remarks on the records of a stream that have not been looked at yet, by line from 1.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    are_any: Arc<AtomicBool>,
    by_line: Arc<Mutex<HashMap<u64, Remark>>>,
}

impl Remarks {
    fn add(&self, line: u64, remark: Remark) {
        self.are_any.store(true, Ordering::Release);
        self.by_line.lock().unwrap_or_else(PoisonError::into_inner).insert(line, remark);
    }

    /// Takes the remark on the record of that line.
    #[must_use]
    pub fn take(&self, line: u64) -> Option<Remark> {
        if !self.are_any.load(Ordering::Acquire) {
            return None;
        }
        self.by_line.lock().unwrap_or_else(PoisonError::into_inner).remove(&line)
    }
}

/// The records as a stream of NDJSON.
pub struct Lines {
    pages: Box<dyn Pages>,
    joiner: Joiner,
    after: i64,
    text: Vec<u8>,
    taken: usize,
    ended: bool,
    line: u64,
    remarks: Remarks,
    // What the hashes of rows end with that this layout stored.
    salt: [u8; 8],
}

impl Lines {
    /// All records that `pages` has, which are rows of `layout`.
    #[must_use]
    pub fn new(pages: Box<dyn Pages>, layout: Layout, takes: impl Into<Takes>) -> Self {
        let salt = Splitter::new(&layout, takes).salt();
        let (text, remarks) = (Vec::new(), Remarks::default());
        Self { pages, joiner: Joiner::new(layout), after: i64::MIN, text, taken: 0, ended: false, line: 0, remarks, salt }
    }

    /// What there is to say about the records, complete for each before it can be read.
    #[must_use]
    pub fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }

    /// What the records are called.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.joiner.layout().collection
    }

    fn turn(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        let Some(page) = self.pages.page(self.after)? else {
            self.ended = true;
            return Ok(());
        };
        let tables: Vec<(Vec<i64>, Vec<Stored>)> = page.into_iter().map(|rows| rows.into_iter().unzip()).collect();
        let Some((records, _)) = tables.first() else { return Ok(()) };
        for record in records {
            // A damaged file may give the same records again and again.
            if self.line > 0 && self.after >= *record {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the database is damaged: record {record} comes behind record {}; restore it from a backup", self.after),
                ));
            }
            let rows: Vec<&[Stored]> = tables
                .iter()
                .map(|(of, rows)| &rows[of.partition_point(|of| of < record)..of.partition_point(|of| of <= record)])
                .collect();
            let hash = rows.first().and_then(|records| records.first()).and_then(|record| record.hash.as_deref());
            let parts = hash.and_then(|hash| hash.split_last_chunk::<8>()).filter(|_| hash.is_some_and(|hash| hash.len() == HASH_LENGTH));
            let edited = self.joiner.line(&rows, parts.is_some_and(|(_, salt)| *salt == self.salt), &mut self.text);
            self.line += 1;
            // A record that was stored before the tables were migrated may be written in another way: 1.0 in a wider column is 1.
            let is_migrated = parts.is_some_and(|(_, salt)| *salt != self.salt);
            let digest = hash.filter(|_| !is_migrated).map(|_| parts.map_or_else(Vec::new, |(digest, _)| digest.to_vec()));
            if digest.is_some() || !edited.is_empty() {
                let is_unedited = self.pages.is_unedited() && !is_migrated;
                self.remarks.add(self.line, Remark { digest, edited, is_unedited });
            }
            self.after = *record;
        }
        Ok(())
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.ended {
            self.turn()?;
        }
        let length = buffer.len().min(self.text.len() - self.taken);
        buffer[..length].copy_from_slice(&self.text[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}
