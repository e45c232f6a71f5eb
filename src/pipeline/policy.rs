//! What is reported and how gravely: rules chosen and left out, severities changed, and when a run counts as failed.
//!
//! A policy changes what is said and the exit status, never which records are admitted to an output.

use super::scope::{self, Scope};
use crate::diagnostic::{Diagnostic, Severity, rules};
use crate::report::Tally;

/// Which findings are reported, with which severity.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Codes, prefixes of codes, or names; where not empty, only these are reported.
    pub select: Vec<String>,
    /// Codes, prefixes of codes, or names that are not reported.
    pub ignore: Vec<String>,
    /// Severities instead of the rules' own, the last that fits counts; `None` is off.
    pub severities: Vec<(String, Option<Severity>)>,
    /// Severities of certain findings, before those of their rules; the last that fits counts.
    pub overrides: Vec<Override>,
    /// Normalisations count as errors.
    pub strict: bool,
    /// The severity from which on the run counts as failed; `None` is never.
    pub fail_on: Option<Severity>,
}

/// A severity for findings of a certain sort, file or place.
#[derive(Clone, Debug)]
pub struct Override {
    /// The findings meant.
    pub scope: Scope,
    /// Their severity; `None` is off.
    pub severity: Option<Severity>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            select: Vec::new(),
            ignore: Vec::new(),
            severities: Vec::new(),
            overrides: Vec::new(),
            strict: false,
            fail_on: Some(Severity::Error),
        }
    }
}

impl Policy {
    /// Whether the finding is to be reported; its severity is changed as the policy says.
    pub fn admits(&self, note: &mut Diagnostic) -> bool {
        let rule = note.rule;
        let fits = |pattern: &String| scope::is_of(rule, pattern);
        if (!self.select.is_empty() && !self.select.iter().any(fits)) || self.ignore.iter().any(fits) {
            return false;
        }
        if self.strict && rule.code.starts_with('N') {
            note.severity = Severity::Error;
        }
        let special = self.overrides.iter().rev().find(|special| special.scope.holds(note)).map(|special| special.severity);
        let general = || self.severities.iter().rev().find(|(pattern, _)| fits(pattern)).map(|(_, severity)| *severity);
        match special.or_else(general) {
            Some(None) => false,
            Some(Some(severity)) => {
                note.severity = severity;
                true
            }
            None => true,
        }
    }

    /// Whether findings of a rule with this code or name can be reported at all.
    #[must_use]
    pub fn hears(&self, code: &str) -> bool {
        let off = |(pattern, severity): &(String, Option<Severity>)| severity.is_none() && covers(pattern, code);
        self.select.is_empty() && !self.ignore.iter().any(|pattern| covers(pattern, code)) && !self.severities.iter().any(off)
    }

    /// Whether a run with these totals counts as failed.
    #[must_use]
    pub fn fails(&self, tally: &Tally) -> bool {
        self.fail_on.is_some_and(|from| tally.gravest() >= Some(from))
    }

    /// Patterns that fit no rule: mistakes of whoever wrote them.
    #[must_use]
    pub fn unknown(&self) -> Vec<&str> {
        let named = self.select.iter().chain(&self.ignore).chain(self.severities.iter().map(|(pattern, _)| pattern));
        let named = named.chain(self.overrides.iter().flat_map(|special| &special.scope.codes));
        named.map(String::as_str).filter(|pattern| !is_known(pattern)).collect()
    }
}

// Whether a pattern and a code have a rule in common.
fn covers(pattern: &str, code: &str) -> bool {
    rules::ALL.iter().any(|rule| scope::is_of(rule, pattern) && scope::is_of(rule, code))
}

/// Whether a pattern is the code of a rule, the beginning of one, or a rule's name.
#[must_use]
pub fn is_known(pattern: &str) -> bool {
    !pattern.is_empty() && rules::ALL.iter().any(|rule| scope::is_of(rule, pattern))
}

/// Whether a finding, as its stage made it, makes a record invalid.
#[must_use]
pub fn is_error(note: &Diagnostic) -> bool {
    note.severity == Severity::Error
}
