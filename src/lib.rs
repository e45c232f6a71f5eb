//! chancery reads records from JSON, NDJSON, CSV, TSV, XML, YAML, TOML and plain-text pages, checks them against a JSON
//! Schema, and writes them in another format without losing anything. The program is a thin layer over these crates:
//! none of them prints or exits, and nothing is global.
//!
//! # Crates
//!
//! This package is the program and a facade: its modules are the crates of the workspace. Each crate depends only on crates
//! above it, and can be used alone.
//!
//! | crate | modules | |
//! | --- | --- | --- |
//! | `chancery-core` | [`source`], [`tree`], [`diagnostic`] | text that knows its place in a file; records as trees with the place of every value; findings as values |
//! | `chancery-files` | [`files`] | inputs that are found, opened and decoded; outputs that appear complete or not at all |
//! | `chancery-schema` | [`schema`] | a compiled schema, and the [`schema::Shape`] that it gives to data |
//! | `chancery-check` | [`check`], [`normalise`], [`compare`], [`redact`], [`reference_data`] | findings about records; records in one form; differences; what may be printed |
//! | `chancery-infer` | [`infer`] | schemas inferred from records, with evidence |
//! | `chancery-formats` | [`read`], [`write`](mod@write), [`layout`] | text to records and back, by a layout that both share |
//! | `chancery-compat` | [`compat`] | what a change of a schema means for data |
//! | `chancery-report` | [`report`] | findings for people and programs |
//! | `chancery-store` | [`store`] | records in SQLite, PostgreSQL, Parquet and Arrow; one feature each |
//! | `chancery-engine` | [`engine`], [`pipeline`], [`fix`] | all stages, over many inputs and on many cores, in bounded memory; texts fixed by the edits of findings |
//!
//! # Reading any format
//!
//! ```
//! use chancery::read::{self, Format, Options};
//!
//! let page = "id: un-dpko\nname: Department of Peacekeeping Operations\n";
//! let read = read::collect(Format::Yaml, "dpko.yaml", page.as_bytes(), &Options::default())?;
//! let name = read.records[0].root().get("name").expect("it has a name");
//! assert_eq!(name.text(), "Department of Peacekeeping Operations");
//!
//! // Every value knows where it was written.
//! let place = read.records[0].source().locate(name.span());
//! assert_eq!((place.start.line, place.start.column), (2, 7));
//! # Ok::<(), chancery::source::ReadError>(())
//! ```
//!
//! Inputs that do not fit into memory are read through [`read::Format::chunker`] and [`read::read_all`], one record at a time.
//!
//! # Checking against a schema
//!
//! Findings are values: a rule, a message, a location, and optionally a help text and an edit.
//!
//! ```
//! use std::sync::Arc;
//! use chancery::check::Checker;
//! use chancery::diagnostic::Severity;
//! use chancery::read::{self, Format, Options};
//! use chancery::schema::{Schema, Shape};
//!
//! // A schema is read as data is; one that refers to other files is put together in a `schema::SchemaRegistry`.
//! let text = br#"{"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}"#;
//! let mut read = read::collect(Format::Json, "sizes.schema.json", text, &Options::default())?;
//! let schema = Schema::try_from(read.records.remove(0)).expect("a good schema");
//! let schema = Arc::new(schema);
//!
//! // CSV is typed by the schema, so reading is given its shape.
//! let options = Options { shape: Arc::new(Shape::of(&schema)), ..Options::default() };
//! let read = read::collect(Format::Csv, "sizes.csv", b"size\n7\n12\n", &options)?;
//!
//! let checker = Checker::new(schema);
//! let mut findings = read.diagnostics;
//! for record in &read.records {
//!     checker.check(record, &mut findings);
//! }
//! let [finding] = findings.as_slice() else { panic!("12 is too large, 7 is not") };
//! assert_eq!((finding.rule.code, finding.severity), ("S107", Severity::Error));
//! assert_eq!(finding.message, "expected at most 9, found 12");
//! assert_eq!(finding.pointer.as_deref(), Some("/size"));
//! assert_eq!(finding.place.locate().start.line, 3);
//! # Ok::<(), chancery::source::ReadError>(())
//! ```
//!
//! A [`report::Reporter`] renders findings; [`diagnostic::rules`] lists all rules.
//!
//! # Writing another format
//!
//! Writers accept records that passed the check: [`check::accept`] creates [`check::Accepted`] from a valid one.
//!
//! ```
//! use chancery::check::{OnInvalid, accept};
//! use chancery::{read, write};
//!
//! let text = "{\"id\":\"a\",\"tags\":[\"x\",\"y\"]}\n{\"id\":\"b\"}\n";
//! let read = read::collect(read::Format::Ndjson, "a.ndjson", text.as_bytes(), &read::Options::default())?;
//!
//! let writer = write::Format::Csv.writer(&write::Options::default());
//! let records = read.records.iter().filter_map(|record| accept(record, true, OnInvalid::Stop));
//! let mut findings = Vec::new();
//! let files = write::collect(&*writer, records, &mut findings)?;
//! assert_eq!(files.main, b"id,/tags/0,/tags/1\na,x,y\nb,,\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

/// The program.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use chancery_check as check;
pub use chancery_check::{compare, normalise, redact, reference_data};
pub use chancery_compat as compat;
pub use chancery_core::{diagnostic, source, tree};
pub use chancery_engine as engine;
pub use chancery_engine::{fix, pipeline, project};
pub use chancery_files as files;
pub use chancery_files::output;
pub use chancery_formats::{layout, read, write};
pub use chancery_infer as infer;
pub use chancery_report as report;
pub use chancery_schema as schema;
pub use chancery_store as store;
