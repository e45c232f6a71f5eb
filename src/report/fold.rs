//! Tells findings that say the same at one place for many records, such as an unknown column at its header cell.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Location;

/// What is said at one place: file and byte, code and message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Saying(Arc<str>, u64, &'static str, String);

impl Saying {
    /// What a finding says, where it can come again at the same place.
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

/// A finding that was drawn once and came again at the same place.
#[derive(Debug)]
pub struct Repeated<'d> {
    /// Where.
    pub location: &'d Location,
    /// The rule's code.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: &'d str,
    /// For how many records more.
    pub times: u64,
}
