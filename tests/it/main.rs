//! The tests of the built program: one binary, one module per subject.

mod cross_record;
mod load_cache;
mod error_message;
mod ci_reports;
mod check;
mod cli;
mod compare;
mod config;
mod csv;
#[cfg(all(feature = "sqlite", feature = "parquet"))]
mod damage;
mod diff;
#[cfg(all(feature = "sqlite", feature = "parquet"))]
mod docs;
mod ecosystem;
mod escapes;
mod evolution;
mod benchmark_faults;
#[cfg(debug_assertions)]
mod faults;
mod fix;
mod formats;
mod baseline;
mod git;
mod handbook;
mod handbook_pages;
mod untrusted_input;
mod architecture;
mod html;
mod json_suite;
mod properties;
#[path = "../../crates/core/src/property.rs"]
mod property;
mod file_cache;
mod limits;
mod lists;
mod load;
mod lsp;
mod mask;
mod text_edits;
mod migrate;
mod normalise;
mod open;
mod outputs;
mod parity;
#[cfg(feature = "parquet")]
mod parquet;
mod postgres;
mod harness;
mod cache;
mod records;
mod references;
mod reports;
mod roundtrip;
mod rules;
mod samples;
mod secrets;
mod schema_files;
mod schema_suite;
mod shape;
mod spans;
mod stop;
mod support;
mod tables;
mod validity;
#[cfg(feature = "sqlite")]
mod waits;
#[cfg(all(feature = "sqlite", feature = "parquet"))]
mod wording;
mod xml;
mod yaml;
