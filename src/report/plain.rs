//! Draws a finding to a line: `path:line:column: severity[CODE] message`, for logs and editors.

use std::io::{self, Write};

use super::{Reporter, Tally};
use crate::diagnostic::{Diagnostic, one_line};

/// Lines.
pub struct Plain;

impl Reporter for Plain {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        let location = diagnostic.place.locate();
        let (start, rule) = (location.start, diagnostic.rule);
        let severity = diagnostic.severity.word();
        let (file, message) = (one_line(&location.file), one_line(&diagnostic.message));
        writeln!(out, "{file}:{}:{}: {severity}[{}] {message}", start.line, start.column, rule.code)
    }

    fn finish(&mut self, _tally: &Tally, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
