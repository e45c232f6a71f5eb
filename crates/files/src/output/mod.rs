//! Output files, each complete or unchanged. Every file that the program writes, replaces or removes goes through this module.
//!
//! [`atomic`] writes a file next to its target and puts it into place when it is complete; [`target`] does so for the
//! outputs of a run together. [`temporary`] names and removes what is not complete. `syscall` has the calls to the operating
//! system, which tests make fail.

pub mod atomic;
#[cfg(debug_assertions)]
pub mod fault;
mod syscall;
pub mod target;
pub mod temporary;

use std::io::{self, Write};

pub use atomic::AtomicFile;
pub use syscall::{File, append, remove_file};
pub use target::{CommitSet, OutputTarget, Stream};

/// The files of one output: one main file, or several by name in a directory.
pub trait Files {
    /// The main file (or standard output).
    ///
    /// # Errors
    /// When it cannot be created, or the output is a directory.
    fn main(&mut self) -> io::Result<&mut dyn Write>;

    /// A file of that name in the output directory; the same one when named again.
    ///
    /// # Errors
    /// When it cannot be created, or the output is one file.
    fn named(&mut self, name: &str) -> io::Result<&mut dyn Write>;
}

/// A destination that is not a file and is committed together with files.
pub trait Commit {
    /// Commits.
    ///
    /// # Errors
    /// When the destination fails; nothing is in place then.
    fn commit(self: Box<Self>) -> io::Result<()>;
}

/// The calls, as faults distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(debug_assertions), allow(dead_code))]
pub enum Call {
    /// Opens a file, which is created if it does not exist.
    Open,
    /// Writes bytes.
    Write,
    /// Waits until the bytes are on the disk.
    Sync,
    /// Changes the mode or the owner.
    Mode,
    /// Gives a file another name.
    Rename,
    /// Gives a file one more name.
    Link,
    /// Removes a name.
    Remove,
    /// Creates a directory.
    MakeDir,
}
