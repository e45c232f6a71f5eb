//! Infers a JSON Schema from records, with the evidence for each of its claims.
//!
//! Records are added to [`Statistics`], one at a time and on as many threads as there are; those of several threads or
//! inputs are joined. [`schemas`] makes the schemas of one or more collections of them. A schema accepts every record that it
//! was made from, whatever their order.
//!
//! Memory is bounded: a member's values are counted while there are at most 64 short ones, and then sampled by their
//! smallest 512 hashes; hashes of possible keys are kept up to 4,194,304 for each member, beyond which it is not proposed
//! as a key; an object of more than 512 names (a record of more than 8,192) is a map; at most 16 kinds of objects are told
//! apart at one location.
//!
//! ```
//! use chancery_formats::read::{self, Format, Options};
//! use chancery_infer::{Statistics, schemas};
//!
//! let text = b"{\"id\": \"a\", \"size\": 7}\n{\"id\": \"b\"}\n";
//! let read = read::collect(Format::Ndjson, "sizes.ndjson", text, &Options::default())?;
//! let mut statistics = Statistics::new(false);
//! read.records.iter().for_each(|record| statistics.add(record.root()));
//!
//! let inferred = schemas(vec![("sizes".to_owned(), statistics)], chancery_infer::Options { limits: false });
//! assert_eq!(inferred[0].schema.get("required").map(|names| names.compact()), Some("[\"id\"]".to_owned()));
//! # Ok::<(), chancery_core::source::ReadError>(())
//! ```

mod classes;
mod describe;
mod distinct;
mod document;
mod explain;
mod group;
mod keys;
mod names;
mod pattern;
mod settle;
mod statistics;
pub mod widen;

pub use describe::{Claim, Inferred, Options, part, schemas};
pub use document::Json;
pub use explain::{Format, render};
pub use group::{Group, grouped};
pub use statistics::{Example, Statistics};
