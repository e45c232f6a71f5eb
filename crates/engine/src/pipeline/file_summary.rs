//! Summary of an input without findings, from which it can be counted without being read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use chancery_check::references::{FileKeys, KeyOccurrence};
use chancery_core::diagnostic::RecordRef;

/// Keys and references of an input that take more bytes are not kept.
const MAX_FILE_BYTES: usize = 1 << 20;
/// Nor are those of inputs that together take more.
pub(super) const MAX_TOTAL_BYTES: usize = 8 << 20;

/// An input whose records are all valid and that has no findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// Number of its records.
    pub records: u64,
    /// Its length in bytes, decompressed and decoded.
    pub bytes: u64,
    /// Its keys and references.
    pub keys: FileKeys,
}

/// The summary of an input of a run.
#[derive(Debug)]
pub struct SummarisedFile {
    /// Its name.
    pub name: Arc<str>,
    /// The index of its pipeline.
    pub pipeline: usize,
    /// Its summary.
    pub summary: FileSummary,
    /// Whether it was read in this run.
    pub was_read: bool,
}

/// An input with a cached summary.
pub struct CachedFile {
    /// The summary.
    pub summary: FileSummary,
    /// Checks whether it is still valid, if that is uncertain; called by a worker.
    pub confirm: Option<Box<dyn FnOnce() -> bool + Send>>,
}

impl CachedFile {
    /// The summary, if it is valid.
    pub(super) fn validate(self) -> Option<FileSummary> {
        let Self { summary: file_summary, confirm } = self;
        confirm.is_none_or(|holds| holds()).then_some(file_summary)
    }
}

impl FileSummary {
    /// Adds a valid record. Its keys are stored on disk, so there is no summary of a record with redacted keys, nor of
    /// too many.
    #[must_use]
    pub(super) fn with(mut self, occurrences: &[KeyOccurrence], record: &RecordRef) -> Option<Self> {
        if occurrences.iter().any(KeyOccurrence::is_hidden) {
            return None;
        }
        self.records += 1;
        self.keys.record(occurrences, record);
        (self.keys.weight() <= MAX_FILE_BYTES).then_some(self)
    }
}
