//! Renders one line per finding: `path:line:column: severity[CODE] message`, for logs and editors.

use std::io::{self, Write};

use super::{Options, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, inert, one_line};

/// Lines.
pub(super) struct Plain {
    quiet: bool,
}

impl Plain {
    pub(super) fn new(options: &Options) -> Self {
        Self { quiet: options.quiet }
    }
}

impl Reporter for Plain {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        let location = diagnostic.place.locate();
        let (start, rule) = (location.start, diagnostic.rule);
        let severity = diagnostic.severity.word();
        let (file, message) = (one_line(&location.file), one_line(&diagnostic.message));
        // In a log of CI a line that begins with two colons is a command.
        let begin = if file.starts_with(':') { "./" } else { "" };
        let line = format!("{begin}{file}:{}:{}: {severity}[{}] {message}", start.line, start.column, rule.code);
        writeln!(out, "{}", inert(&line))
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        if count > 0 { writeln!(out, "{count} more not shown") } else { Ok(()) }
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(out, "{}", summary_line(summary)) }
    }
}
