//! Files and streams: inputs that are found, opened, decompressed and decoded; outputs that appear complete or not at all.
//!
//! ```
//! use std::io::Write as _;
//!
//! use chancery_files::output::AtomicFile;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("out.txt");
//! let mut file = AtomicFile::create(&path)?;
//! file.write_all(b"complete")?;
//! assert!(!path.exists(), "nothing is in place before the commit");
//! file.commit()?;
//! assert_eq!(std::fs::read(&path)?, b"complete");
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod checksum;
pub mod guard;
pub mod hash;
pub mod open;
pub mod output;
pub mod spool;
pub mod stat;
