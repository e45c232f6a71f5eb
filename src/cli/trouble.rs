//! Why the program could not do its work, and how that is said.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;

/// Why the program could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Mistakes in the config or a schema.
    #[error("mistakes in the config or a schema")]
    Findings(Vec<Diagnostic>),
    /// Git could not tell what was before.
    #[error("{0}")]
    Git(#[from] crate::source::git::Error),
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Trouble {
    /// A mistake on the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Whether nobody reads our output any more, which ends the program quietly.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Says it on standard error.
    pub fn show(&self) {
        match self {
            Self::Findings(notes) => super::session::show_findings(notes),
            other => say!("error: {}", crate::diagnostic::log_line(&other.to_string())),
        }
    }
}
