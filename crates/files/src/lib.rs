//! Files and streams: inputs that are found, opened, decompressed and decoded; outputs that appear complete or not at all.
//!
//! ```
//! use std::io::Write;
//! # let folder = std::env::temp_dir();
//! assert_eq!(chancery_files::open::strip_compression("records.csv.gz"), "records.csv");
//! ```

pub mod checksum;
pub mod guard;
pub mod hash;
pub mod open;
pub mod output;
pub mod spool;
pub mod stat;
