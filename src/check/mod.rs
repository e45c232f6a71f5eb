//! The check: findings about a record, and the only place where a record becomes [`Accepted`].

pub mod across;
pub mod facts;
pub mod schema;

pub use across::Across;
pub use facts::Facts;
pub use schema::Checker;

use crate::tree::{Node, Tree};

/// A record that may be written: it is valid, or the user said to keep what is not.
#[derive(Clone, Copy)]
pub struct Accepted<'t>(Node<'t>);

impl<'t> Accepted<'t> {
    /// The record.
    #[must_use]
    pub fn node(self) -> Node<'t> {
        self.0
    }
}

/// What to do with records that have an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// Write nothing at all.
    #[default]
    Stop,
    /// Leave the record out and go on.
    Skip,
    /// Write it all the same.
    Keep,
}

/// The record as one that may be written, if it may: `valid` says whether it has no error finding.
#[must_use]
pub fn accept(tree: &Tree, valid: bool, on_invalid: OnInvalid) -> Option<Accepted<'_>> {
    (valid || on_invalid == OnInvalid::Keep).then(|| Accepted(tree.root()))
}
