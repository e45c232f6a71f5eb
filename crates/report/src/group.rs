//! Groups findings that are the same at one location for many records, such as an unknown column at its header cell.

use std::sync::Arc;

use chancery_core::diagnostic::{Diagnostic, Severity};
use chancery_core::source::Location;

/// What identifies a group: file and byte, code and message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FindingGroup(Arc<str>, u64, &'static str, String);

impl FindingGroup {
    /// The group of a finding that can be repeated at the same location.
    pub(super) fn of(diagnostic: &Diagnostic) -> Option<(Self, Location)> {
        diagnostic.place.source.is_shared(diagnostic.place.span).then(|| {
            let location = diagnostic.place.locate();
            let saying = Self(Arc::clone(&location.file), location.start.byte, diagnostic.rule.code, diagnostic.message.clone());
            (saying, location)
        })
    }

    pub(super) fn code(&self) -> &'static str {
        self.2
    }

    pub(super) fn message(&self) -> &str {
        &self.3
    }
}

/// A finding that was rendered once and repeated at the same location.
#[derive(Debug)]
pub struct Repeated<'d> {
    /// Where.
    pub location: &'d Location,
    /// The rule's code.
    pub code: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// The errors.
    pub message: &'d str,
    /// For how many more records.
    pub times: u64,
}
