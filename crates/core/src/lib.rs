//! The types that every other crate of chancery shares: text that knows its place in a file, records as trees with
//! spans, and diagnostics as values.
//!
//! ```
//! use chancery_core::source::{Source, Span};
//!
//! let source = Source::whole("names.txt", "one\ntwo\n");
//! let place = source.locate(Span::new(4, 7));
//! assert_eq!((place.start.line, place.start.column), (2, 1));
//! ```

pub mod source;
pub mod tree;
pub mod diagnostic;
pub mod growth;
#[cfg(any(test, feature = "testing"))]
pub mod property;
