//! Thins out what is drawn for people and logs; everything is counted all the same.
//!
//! Findings that stand at one place for many records, such as an unknown column at its header cell, are drawn once and
//! then counted. `--quiet` leaves out advice, and a limit ends the drawing. Neither advice that is left out nor a finding
//! that is folded uses up the limit; what is drawn, folded and said to be hidden adds up.
//!
//! What is remembered is bounded by the number of header cells, not by the number of records.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::fold::Saying;
use super::{Options, Repeated, Reporter, Tally};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Location;

/// Thins out what goes to another reporter.
pub(super) struct Thinned {
    reporter: Box<dyn Reporter>,
    folds: bool,
    lightest: Severity,
    left: u64,
    hidden: u64,
    // Findings drawn that may come again: how often they did, how grave they are and where they stand.
    drawn: BTreeMap<Saying, (u64, Severity, Location)>,
}

impl Thinned {
    /// For readers who want every finding as a thing of its own: only the limit holds.
    pub(super) fn limited(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let left = options.most.unwrap_or(u64::MAX);
        Self { reporter, folds: false, lightest: Severity::Advice, left, hidden: 0, drawn: BTreeMap::new() }
    }

    /// For programs that are to see what stands at one place once.
    pub(super) fn folding(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        Self { folds: true, ..Self::limited(reporter, options) }
    }

    /// For people and logs.
    pub(super) fn folded(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let lightest = if options.quiet { Severity::Warning } else { Severity::Advice };
        Self { lightest, ..Self::folding(reporter, options) }
    }
}

impl Reporter for Thinned {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.begin(out)
    }

    fn file(&mut self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.file(name, out)
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        if diagnostic.severity < self.lightest {
            return Ok(());
        }
        let mut again = None;
        if self.folds
            && let Some((saying, location)) = Saying::of(diagnostic)
        {
            if let Some((times, ..)) = self.drawn.get_mut(&saying) {
                *times += 1;
                return Ok(());
            }
            again = Some((saying, location));
        }
        if self.left == 0 {
            self.hidden += 1;
            return Ok(());
        }
        self.left -= 1;
        if let Some((saying, location)) = again {
            self.drawn.insert(saying, (0, diagnostic.severity, location));
        }
        self.reporter.report(diagnostic, out)
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        for (saying, (times, severity, location)) in &self.drawn {
            if *times > 0 {
                let (code, message) = (saying.code(), saying.message());
                self.reporter.again(&Repeated { location, code, severity: *severity, message, times: *times }, out)?;
            }
        }
        self.reporter.hidden(self.hidden, out)?;
        self.reporter.finish(tally, out)
    }
}
