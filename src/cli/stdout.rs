//! Standard output and standard error, whose errors name them.
//!
//! A closed pipe keeps its kind, by which it is known (see [`super::CliError::is_closed_pipe`]).

use std::io::{self, Write};

use chancery_files::output::atomic::about;

/// A standard stream.
#[derive(Debug)]
pub struct Standard<W> {
    out: W,
    name: &'static str,
}

/// Standard output.
pub fn stdout() -> Standard<io::Stdout> {
    Standard { out: io::stdout(), name: "standard output" }
}

/// Standard error.
pub fn stderr() -> Standard<io::Stderr> {
    Standard { out: io::stderr(), name: "standard error" }
}

impl<W: Write> Write for Standard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|error| about(self.name.as_ref(), error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| about(self.name.as_ref(), error))
    }
}

/// A stream that is written to while somebody reads it. What is written afterwards is dropped.
pub struct WhileRead<W> {
    out: W,
    is_closed: bool,
}

impl<W: Write> WhileRead<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, is_closed: false }
    }

    fn unless_closed<T>(&mut self, done: io::Result<T>, instead: T) -> io::Result<T> {
        self.is_closed |= done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if self.is_closed { Ok(instead) } else { done }
    }
}

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes);
        self.unless_closed(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.unless_closed(flushed, ())
    }
}
