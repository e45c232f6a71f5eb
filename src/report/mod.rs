//! Reporters: each draws diagnostics for one kind of reader, a person or a program.
//!
//! A [`Reporter`] gets every diagnostic in input order and at the end the [`Tally`]. Start with [`plain`].

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, Severity};

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files read.
    pub files: u64,
    /// Records read: every unit that was cut out, broken ones included.
    pub records: u64,
    /// Records without an error.
    pub valid: u64,
    /// Records with an error.
    pub invalid: u64,
    /// Records written; where nothing is written, those that would be.
    pub written: u64,
    /// Records not written.
    pub rejected: u64,
    /// Findings of severity error.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Findings of severity advice.
    pub advice: u64,
    /// Findings by code of the rule.
    pub by_code: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a finding.
    pub fn count(&mut self, diagnostic: &Diagnostic) {
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Advice => self.advice += 1,
        }
        *self.by_code.entry(diagnostic.rule.code).or_default() += 1;
    }

    /// The gravest severity found.
    #[must_use]
    pub fn gravest(&self) -> Option<Severity> {
        [(self.errors, Severity::Error), (self.warnings, Severity::Warning), (self.advice, Severity::Advice)]
            .into_iter()
            .find(|(count, _)| *count > 0)
            .map(|(_, severity)| severity)
    }
}

/// Draws diagnostics.
pub trait Reporter: Send {
    /// Draws what stands before the first finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let _ = out;
        Ok(())
    }

    /// Draws a finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()>;

    /// Draws the end, with the totals, which count also findings that were not drawn.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()>;
}

pub mod plain;

/// A report format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Pretty,
    Plain,
    Json,
    Ndjson,
}

impl Format {
    pub const ALL: &[Self] = &[Self::Pretty, Self::Plain, Self::Json, Self::Ndjson];
    pub fn name(self) -> &'static str {
        "plain"
    }
    pub fn by_name(_name: &str) -> Option<Self> {
        Some(Self::Plain)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub color: bool,
    pub quiet: bool,
    pub most: Option<u64>,
}

pub fn reporter(_format: Format, _options: &Options) -> Box<dyn Reporter> {
    Box::new(plain::Plain)
}
