//! The records of a collection as lines of JSON, read from a database a page at a time.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::relational::Layout;
use crate::relational::assemble::{Assembler, Edited, StoredRow};
use crate::relational::shred::{HASH_LENGTH, Shredder, TypeSupport};

/// Records per page.
pub const PAGE: usize = 128;

/// Rows of each table: those of the records of a page, with the number of their record, in order.
pub type Page = Vec<Vec<(i64, StoredRow)>>;

/// Reads pages.
pub trait PageReader: Send {
    /// The rows of the records after the one with that number; `None` after the last.
    ///
    /// # Errors
    /// When the database fails.
    fn read_page(&mut self, after: i64) -> io::Result<Option<Page>>;

    /// Whether nobody but a load has written to the place, so that a record that differs from its hash is damaged.
    fn is_unedited(&self) -> bool {
        false
    }
}

/// What is known of a record besides its text.
#[derive(Debug, Default)]
pub struct StoredState {
    /// The digest of its content when it was stored; `None` if the place keeps none, empty where it was lost.
    pub digest: Option<Vec<u8>>,
    /// What was edited by hand, as far as that is known.
    pub edited: Edited,
    /// Whether a record that differs from its digest is damaged, and not edited.
    pub is_unedited: bool,
    /// Whether the tables have been migrated since it was stored, so that its numbers may be written in another way: 1.0 in a wider
    /// column is 1.
    pub is_migrated: bool,
}

/// Remarks on the records of a stream that have not been looked at yet, by line from 1.
#[derive(Clone, Debug, Default)]
pub struct StoredStates {
    are_any: Arc<AtomicBool>,
    by_line: Arc<Mutex<HashMap<u64, StoredState>>>,
}

impl StoredStates {
    fn add(&self, line: u64, state: StoredState) {
        self.are_any.store(true, Ordering::Release);
        self.by_line.lock().unwrap_or_else(PoisonError::into_inner).insert(line, state);
    }

    /// Takes the remark on the record of that line.
    #[must_use]
    pub fn take(&self, line: u64) -> Option<StoredState> {
        if !self.are_any.load(Ordering::Acquire) {
            return None;
        }
        self.by_line.lock().unwrap_or_else(PoisonError::into_inner).remove(&line)
    }
}

/// The records as a stream of NDJSON.
pub struct NdjsonReader {
    pages: Box<dyn PageReader>,
    assembler: Assembler,
    after: i64,
    text: Vec<u8>,
    consumed: usize,
    ended: bool,
    line: u64,
    stored_states: StoredStates,
    // What the hashes of rows end with that this layout stored.
    salt: [u8; 8],
}

impl NdjsonReader {
    /// All records of `pages`, which are rows of `layout`.
    #[must_use]
    pub fn new(pages: Box<dyn PageReader>, layout: Layout, support: impl Into<TypeSupport>) -> Self {
        let salt = Shredder::new(&layout, support).salt();
        let (text, stored_states) = (Vec::new(), StoredStates::default());
        Self { pages, assembler: Assembler::new(layout), after: i64::MIN, text, consumed: 0, ended: false, line: 0, stored_states, salt }
    }

    /// What there is to say about the records, complete for each before it can be read.
    #[must_use]
    pub fn stored_states(&self) -> StoredStates {
        self.stored_states.clone()
    }

    /// The collection's name.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.assembler.layout().collection
    }

    fn turn(&mut self) -> io::Result<()> {
        self.text.clear();
        self.consumed = 0;
        let Some(page) = self.pages.read_page(self.after)? else {
            self.ended = true;
            return Ok(());
        };
        let tables: Vec<(Vec<i64>, Vec<StoredRow>)> = page.into_iter().map(|rows| rows.into_iter().unzip()).collect();
        let Some((records, _)) = tables.first() else { return Ok(()) };
        for record in records {
            // A damaged file may give the same records again and again.
            if self.line > 0 && self.after >= *record {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the database is damaged: record {record} comes behind record {}; restore it from a backup", self.after),
                ));
            }
            let rows: Vec<&[StoredRow]> = tables
                .iter()
                .map(|(of, rows)| &rows[of.partition_point(|of| of < record)..of.partition_point(|of| of <= record)])
                .collect();
            let hash = rows.first().and_then(|records| records.first()).and_then(|record| record.hash.as_deref());
            let parts = hash.and_then(|hash| hash.split_last_chunk::<8>()).filter(|_| hash.is_some_and(|hash| hash.len() == HASH_LENGTH));
            let edited = self.assembler.line(&rows, parts.is_some_and(|(_, salt)| *salt == self.salt), &mut self.text);
            self.line += 1;
            let is_migrated = parts.is_some_and(|(_, salt)| *salt != self.salt);
            let digest = hash.map(|_| parts.map_or_else(Vec::new, |(digest, _)| digest.to_vec()));
            if digest.is_some() || !edited.is_empty() {
                let is_unedited = self.pages.is_unedited();
                self.stored_states.add(self.line, StoredState { digest, edited, is_unedited, is_migrated });
            }
            self.after = *record;
        }
        Ok(())
    }
}

impl Read for NdjsonReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.consumed == self.text.len() && !self.ended {
            self.turn()?;
        }
        let length = buffer.len().min(self.text.len() - self.consumed);
        buffer[..length].copy_from_slice(&self.text[self.consumed..self.consumed + length]);
        self.consumed += length;
        Ok(length)
    }
}
