//! Writes records as rows of tables, for places that are not files: see [`crate::relational`].

use std::io;

use crate::relational::shred::Shredder;
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_formats::write::{Files, OutputWriter, Writer};

/// Takes records apart for a database.
pub struct RowWriter {
    shredder: Shredder,
}

impl RowWriter {
    /// A writer for the tables that `splitter` knows.
    #[must_use]
    pub fn new(shredder: Shredder) -> Self {
        Self { shredder }
    }
}

impl Writer for RowWriter {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        self.shredder.encode(record.node(), out);
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(NullOutput)
    }
}

// Rows are taken by a database, not by files.
struct NullOutput;

impl OutputWriter for NullOutput {
    fn record(&mut self, _encoded: &[u8], _files: &mut dyn Files) -> io::Result<()> {
        Err(io::Error::other("rows go into a database, not into a file"))
    }

    fn finish(&mut self, _files: &mut dyn Files) -> io::Result<()> {
        Ok(())
    }
}
