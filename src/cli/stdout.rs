//! Standard output, whose errors name it.
//!
//! A closed pipe keeps its kind, by which it is known (see [`super::Trouble::is_closed_pipe`]).

use std::io::{self, Write};

use crate::load::atomic::about;

/// Standard output.
#[derive(Debug)]
pub struct StandardOutput(io::Stdout);

/// Standard output.
pub fn stdout() -> StandardOutput {
    StandardOutput(io::stdout())
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    about("standard output".as_ref(), error)
}
