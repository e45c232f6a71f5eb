//! Findings about records: what breaks the schema, what a schema cannot express, and keys and references across records.
//!
//! Records are brought into one form by [`normalise`] before they are checked. Only this crate turns a record into an
//! [`Accepted`] one, which is what writers take. [`compare`] tells how two records differ, and [`redact`] what may be
//! printed of a record that holds sensitive values.
//!
//! ```
//! use std::sync::Arc;
//!
//! use chancery_check::{Checker, OnInvalid, accept};
//! use chancery_formats::read::{self, Format, Options};
//! use chancery_schema::Schema;
//!
//! let text = br#"{"type": "object", "required": ["id"]}"#;
//! let mut read = read::collect(Format::Json, "s.json", text, &Options::default())?;
//! let checker = Checker::new(Arc::new(Schema::try_from(read.records.remove(0)).expect("a schema")));
//!
//! let read = read::collect(Format::Ndjson, "a.ndjson", b"{\"id\": 1}\n{}\n", &Options::default())?;
//! let mut findings = Vec::new();
//! checker.check(&read.records[0], &mut findings);
//! assert!(findings.is_empty());
//! checker.check(&read.records[1], &mut findings);
//! assert_eq!(findings[0].place.locate().start.line, 2);
//! assert!(accept(&read.records[1], false, OnInvalid::Stop).is_none());
//! # Ok::<(), chancery_core::source::ReadError>(())
//! ```

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
