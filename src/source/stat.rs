//! What the system says of a file.

use std::fs::{self, Metadata};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A file as it is found, without its content.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// By which it is seen that the file has changed.
    pub stamp: Stamp,
    /// Number of the device that it lies on; 0 where the system has none.
    pub device: u64,
    /// Whether it is neither a folder nor a pipe or the like.
    pub is_file: bool,
}

/// What changes whenever a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Length in bytes.
    pub length: u64,
    /// When its content last changed, in nanoseconds since 1970.
    pub modified: u64,
    /// When anything of it last changed, in nanoseconds since 1970; 0 where the system does not tell.
    pub changed: u64,
    /// Its number on the device; 0 where the system has none.
    pub number: u64,
}

impl Stat {
    /// The file at `path`, links followed; `None` where there is none or nobody may look.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// The file of which the system says this.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let is_file = metadata.is_file();
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let since = |seconds: i64, rest: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(rest as u64);
            let stamp = Stamp {
                length: metadata.len(),
                modified: since(metadata.mtime(), metadata.mtime_nsec()),
                changed: since(metadata.ctime(), metadata.ctime_nsec()),
                number: metadata.ino(),
            };
            Self { stamp, device: metadata.dev(), is_file }
        }
        #[cfg(not(unix))]
        {
            let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
            let modified = metadata.modified().map_or(0, since);
            Self { stamp: Stamp { length: metadata.len(), modified, changed: 0, number: 0 }, device: 0, is_file }
        }
    }
}
