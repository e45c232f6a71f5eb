//! Cached results, and when they are still valid.
//!
//! A result is identified by a [`RunKey`] and depends on the files in [`Dependencies`], whatever is cached:
//! [`ResultCache`] stores the report of a check in the directory `.chancery-cache`, and the database keeps that of a
//! load ([`LoadFingerprint`]). If something has changed since, the [`FileCache`] identifies the unchanged files.

mod captured;
mod entry;
mod file_cache;
mod load_cache;
mod result_cache;
mod run_key;

pub use captured::{CapturedOutput, TeeWriter};
pub use file_cache::FileCache;
pub use load_cache::{CachingSink, LoadFingerprint};
pub use result_cache::{CachedCheck, PendingResult, ResultCache};
pub use run_key::{Dependencies, RunKey};

/// A file that changed this shortly before it was looked up may change again within the resolution of its clock.
const TICK: u64 = 2_000_000_000;
