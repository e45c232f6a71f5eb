//! Sinks: destinations of written records that are not files, all or nothing.

use std::io;

use chancery_core::diagnostic::Diagnostic;
use chancery_files::output::Commit;

/// Totals of a run, for a store that records them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Records read.
    pub records: u64,
    /// Records that were not passed on.
    pub rejected: u64,
    /// Whether an input could not be read completely.
    pub incomplete: bool,
    /// Whether there are findings that make the run fail.
    pub failed: bool,
}

/// A destination for encoded records that is not a file, all or nothing: until it commits it can be dropped, and
/// everything is unchanged.
pub trait Sink: Commit {
    /// Writes the next encoded record.
    ///
    /// # Errors
    /// When the destination fails.
    fn record(&mut self, encoded: &[u8]) -> io::Result<()>;

    /// Ends the records and does everything that may fail. Returns why it cannot be committed, if so.
    ///
    /// # Errors
    /// When the destination fails.
    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>>;
}
