//! Writes records as rows of tables, for places that are not files: see [`crate::layout::relational`].

use std::io;

use super::{Assembler, Files, Writer};
use crate::check::Accepted;
use crate::diagnostic::Notes;
use crate::layout::relational::rows::Splitter;

/// Takes records apart for a database.
pub struct Rows {
    splitter: Splitter,
}

impl Rows {
    /// A writer for the tables that `splitter` knows.
    #[must_use]
    pub fn new(splitter: Splitter) -> Self {
        Self { splitter }
    }
}

impl Writer for Rows {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _notes: &mut dyn Notes) {
        self.splitter.encode(record.node(), out);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(NoFile)
    }
}

// Rows are taken by a database, not by files.
struct NoFile;

impl Assembler for NoFile {
    fn record(&mut self, _encoded: &[u8], _files: &mut dyn Files) -> io::Result<()> {
        Err(io::Error::other("rows go into a database, not into a file"))
    }

    fn finish(&mut self, _files: &mut dyn Files) -> io::Result<()> {
        Ok(())
    }
}
