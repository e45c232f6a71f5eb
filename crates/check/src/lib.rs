//! The check: findings about a record, and the only place where a record becomes [`Accepted`].

pub mod compare;
pub mod reference_data;
pub mod normalise;
pub mod redact;
pub mod references;
pub mod semantic;
pub mod schema;

pub use references::ReferentialChecker;
pub use schema::Checker;
pub use semantic::SemanticChecks;

use chancery_core::tree::{Node, Tree};

/// A record that may be written: it is valid, or the user chose to keep invalid ones.
#[derive(Clone, Copy)]
pub struct Accepted<'t>(Node<'t>);

impl<'t> Accepted<'t> {
    /// The record.
    #[must_use]
    pub fn node(self) -> Node<'t> {
        self.0
    }
}

/// How to handle invalid records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// Write nothing.
    #[default]
    Stop,
    /// Skip the record.
    Skip,
    /// Write it anyway.
    Keep,
}

/// Returns the record if it may be written; `valid`: it has no error finding.
#[must_use]
pub fn accept(tree: &Tree, valid: bool, on_invalid: OnInvalid) -> Option<Accepted<'_>> {
    (valid || on_invalid == OnInvalid::Keep).then(|| Accepted(tree.root()))
}
