//! Errors that end a command, and their messages.

use std::io;
use std::path::PathBuf;

use chancery_core::diagnostic::Diagnostic;
use chancery_engine::project;

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line is invalid.
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
    /// Errors in the config or a schema.
    #[error("errors in the config or a schema")]
    Findings(Vec<Diagnostic>),
    /// Git failed.
    #[error("{0}")]
    Git(#[from] chancery_engine::git::Error),
    /// The system returned an error.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<project::Error> for CliError {
    fn from(error: project::Error) -> Self {
        match error {
            project::Error::Setting(message) => Self::Usage(message),
            project::Error::File { path, error } => Self::File { path, error },
            project::Error::Findings(diagnostics) => Self::Findings(diagnostics),
            project::Error::Git(error) => Self::Git(error),
            project::Error::Io(error) => Self::Io(error),
        }
    }
}

impl CliError {
    /// A command line error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Whether the reader closed the pipe, which ends the program quietly.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Prints it on standard error.
    pub fn show(&self) {
        match self {
            Self::Findings(diagnostics) => super::reporting::show_findings(diagnostics),
            other => errln!("error: {}", chancery_core::diagnostic::log_line(&other.to_string())),
        }
    }
}
