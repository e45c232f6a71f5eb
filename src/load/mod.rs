//! Sinks: where what was written ends up, complete or not at all.

pub mod atomic;
#[cfg(feature = "parquet")]
pub mod columnar;
pub mod database;
pub mod file;
pub mod temporary;

use std::io;

use crate::diagnostic::Diagnostic;

/// What a run came to, for a place that keeps account of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Records read.
    pub records: u64,
    /// Records that were not handed over.
    pub rejected: u64,
    /// Whether an input could not be read to its end.
    pub incomplete: bool,
    /// Whether there are findings that make the run fail.
    pub failed: bool,
}

/// A place that takes encoded records and is no file; whole or not at all: until it is told to commit it can be dropped, and
/// everything is as before.
pub trait Sink {
    /// Takes the next record, as encoded.
    ///
    /// # Errors
    /// When the place fails.
    fn record(&mut self, encoded: &[u8]) -> io::Result<()>;

    /// Ends the records and does all that may fail. Gives why it cannot be committed, if so.
    ///
    /// # Errors
    /// When the place fails.
    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>>;

    /// Puts everything into place.
    ///
    /// # Errors
    /// When the place fails; nothing is in place then.
    fn commit(self: Box<Self>) -> io::Result<()>;
}
