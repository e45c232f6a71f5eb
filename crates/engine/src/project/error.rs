//! Why a project cannot be resolved.

use std::io;
use std::path::PathBuf;

use crate::git;
use chancery_core::diagnostic::Diagnostic;

/// An error in settings, or a failure of the system while they are resolved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is invalid, or does not fit the others.
    #[error("{0}")]
    Setting(String),
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Errors in the config or a schema.
    #[error("errors in the config or a schema")]
    Findings(Vec<Diagnostic>),
    /// Git failed.
    #[error("{0}")]
    Git(#[from] git::Error),
    /// The system returned an error.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Error {
    /// An error in a setting.
    pub fn setting(message: impl Into<String>) -> Self {
        Self::Setting(message.into())
    }
}
