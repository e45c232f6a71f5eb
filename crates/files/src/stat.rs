//! File metadata.

use std::fs::{self, Metadata};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The metadata of a file, without its content.
#[derive(Clone, Copy, Debug)]
pub struct FileMetadata {
    /// Detects changes of the file.
    pub stamp: FileStamp,
    /// Number of its device; 0 if the system has none.
    pub device: u64,
    /// Whether it is a regular file.
    pub is_file: bool,
}

/// Metadata that changes whenever a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Length in bytes.
    pub length: u64,
    /// Last change of its content, in nanoseconds since 1970.
    pub modified: u64,
    /// Last change of its metadata, in nanoseconds since 1970; 0 if unknown.
    pub changed: u64,
    /// Its inode; 0 if the system has none.
    pub inode: u64,
}

impl FileMetadata {
    /// The file at `path`, following links; `None` if it is missing or not accessible.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// From the system's metadata.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let is_file = metadata.is_file();
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let since = |seconds: i64, rest: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(rest as u64);
            let stamp = FileStamp {
                length: metadata.len(),
                modified: since(metadata.mtime(), metadata.mtime_nsec()),
                changed: since(metadata.ctime(), metadata.ctime_nsec()),
                inode: metadata.ino(),
            };
            Self { stamp, device: metadata.dev(), is_file }
        }
        #[cfg(not(unix))]
        {
            let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
            let modified = metadata.modified().map_or(0, since);
            Self { stamp: FileStamp { length: metadata.len(), modified, changed: 0, number: 0 }, device: 0, is_file }
        }
    }
}
