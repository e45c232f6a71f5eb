//! Thins out what is drawn for people and logs; everything is counted all the same.
//!
//! Findings that stand at one place for many records, such as an unknown column at its header cell, are drawn once and
//! then counted. `--quiet` leaves out advice, and a limit ends the drawing. Neither advice that is left out nor a finding
//! that is folded uses up the limit; what is drawn, folded and said to be hidden adds up.
//!
//! What is remembered is bounded by the number of header cells, not by the number of records.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::{Options, Reporter, Tally};
use crate::diagnostic::{Diagnostic, Severity, one_line};

// File and byte, and the code and message of what is said there.
type Saying = (Arc<str>, u64, &'static str, String);

/// Thins out what goes to another reporter.
pub(super) struct Thinned {
    reporter: Box<dyn Reporter>,
    folds: bool,
    lightest: Severity,
    left: u64,
    hidden: u64,
    // Findings drawn that may come again: how often they did, and the place in words.
    drawn: BTreeMap<Saying, (u64, String)>,
}

impl Thinned {
    /// For readers who want every finding as a thing of its own: only the limit holds.
    pub(super) fn limited(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let left = options.most.unwrap_or(u64::MAX);
        Self { reporter, folds: false, lightest: Severity::Advice, left, hidden: 0, drawn: BTreeMap::new() }
    }

    /// For people and logs.
    pub(super) fn folded(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let lightest = if options.quiet { Severity::Warning } else { Severity::Advice };
        Self { folds: true, lightest, ..Self::limited(reporter, options) }
    }
}

impl Reporter for Thinned {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.begin(out)
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        if diagnostic.severity < self.lightest {
            return Ok(());
        }
        let mut again = None;
        if self.folds && diagnostic.place.source.is_shared(diagnostic.place.span) {
            let location = diagnostic.place.locate();
            let key = (Arc::clone(&location.file), location.start.byte, diagnostic.rule.code, diagnostic.message.clone());
            if let Some((count, _)) = self.drawn.get_mut(&key) {
                *count += 1;
                return Ok(());
            }
            let place = format!("{}:{}:{}", one_line(&location.file), location.start.line, location.start.column);
            again = Some((key, place));
        }
        if self.left == 0 {
            self.hidden += 1;
            return Ok(());
        }
        self.left -= 1;
        if let Some((key, place)) = again {
            self.drawn.insert(key, (0, place));
        }
        self.reporter.report(diagnostic, out)
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        for ((.., code, message), (count, place)) in &self.drawn {
            if *count > 0 {
                let records = if *count == 1 { "record" } else { "records" };
                writeln!(out, "{place}: the same in {count} more {records}: [{code}] {}", one_line(message))?;
            }
        }
        self.reporter.hidden(self.hidden, out)?;
        self.reporter.finish(tally, out)
    }
}
