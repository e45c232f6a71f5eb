//! Folds findings that stand at one place for many records, such as an unknown column at its header cell: the first is
//! drawn, the others are counted.
//!
//! What is remembered is bounded by the number of header cells, not by the number of records.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::{Reporter, Tally};
use crate::diagnostic::{Diagnostic, one_line};

/// Folds what goes to another reporter.
pub(super) struct Folded<R> {
    reporter: R,
    seen: BTreeMap<Said, Folds>,
}

// File, byte, code and message.
type Said = (Arc<str>, u64, &'static str, String);

// How many were not drawn, and the place as it is shown.
type Folds = (u64, String);

impl<R> Folded<R> {
    pub(super) fn new(reporter: R) -> Self {
        Self { reporter, seen: BTreeMap::new() }
    }
}

impl<R: Reporter> Reporter for Folded<R> {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.begin(out)
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        if diagnostic.place.source.is_shared(diagnostic.place.span) {
            let location = diagnostic.place.locate();
            let key = (Arc::clone(&location.file), location.start.byte, diagnostic.rule.code, diagnostic.message.clone());
            if let Some((count, _)) = self.seen.get_mut(&key) {
                *count += 1;
                return Ok(());
            }
            let place = format!("{}:{}:{}", one_line(&location.file), location.start.line, location.start.column);
            self.seen.insert(key, (0, place));
        }
        self.reporter.report(diagnostic, out)
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        self.reporter.hidden(count, out)
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        for ((.., code, message), (count, place)) in &self.seen {
            if *count > 0 {
                let records = if *count == 1 { "record" } else { "records" };
                writeln!(out, "{place}: the same in {count} more {records}: [{code}] {}", one_line(message))?;
            }
        }
        self.reporter.finish(tally, out)
    }
}
