//! Limits the findings that are shown in reports for people and logs; all are counted.
//!
//! Findings at one location for many records, such as an unknown column at its header cell, are shown once and then
//! counted. `--quiet` hides notes, and a limit ends the output. Hidden notes and grouped findings do not use up the
//! limit; shown, grouped and hidden findings add up.
//!
//! Memory is bounded by the number of header cells, not by the number of records.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::group::FindingGroup;
use super::{Options, Repeated, Reporter, Summary};
use chancery_core::diagnostic::{Diagnostic, Severity};
use chancery_core::source::Location;

/// Limits what another reporter receives.
pub(super) struct LimitedReporter {
    reporter: Box<dyn Reporter>,
    groups: bool,
    min_severity: Severity,
    left: u64,
    hidden: u64,
    // Shown findings that may be repeated: how often, with which severity, and where.
    drawn: BTreeMap<FindingGroup, (u64, Severity, Location)>,
}

impl LimitedReporter {
    /// For consumers that need every finding: only the limit applies.
    pub(super) fn limited(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let left = options.most.unwrap_or(u64::MAX);
        Self { reporter, groups: false, min_severity: Severity::Note, left, hidden: 0, drawn: BTreeMap::new() }
    }

    /// For programs that need each group once.
    pub(super) fn folding(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        Self { groups: true, ..Self::limited(reporter, options) }
    }

    /// For people and logs.
    pub(super) fn folded(reporter: Box<dyn Reporter>, options: &Options) -> Self {
        let lightest = if options.quiet { Severity::Warning } else { Severity::Note };
        Self { min_severity: lightest, ..Self::folding(reporter, options) }
    }
}

impl Reporter for LimitedReporter {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.begin(out)
    }

    fn file(&mut self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.file(name, out)
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        if diagnostic.severity < self.min_severity {
            return Ok(());
        }
        let mut again = None;
        if self.groups
            && let Some((saying, location)) = FindingGroup::of(diagnostic)
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

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        for (saying, (times, severity, location)) in &self.drawn {
            if *times > 0 {
                let (code, message) = (saying.code(), saying.message());
                self.reporter.repeated(&Repeated { location, code, severity: *severity, message, times: *times }, out)?;
            }
        }
        self.reporter.hidden(self.hidden, out)?;
        self.reporter.finish(summary, out)
    }
}
