//! Which findings are reported and with which severity: selected and ignored rules, changed severities, and when a run fails.
//!
//! A policy changes reports and the exit status, never which records are written.

use super::scope::{self, Scope};
use chancery_core::diagnostic::{Diagnostic, Severity, rules};
use chancery_report::Summary;

/// Which findings are reported, with which severity.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Codes, code prefixes, or names; if not empty, only these are reported.
    pub select: Vec<String>,
    /// Codes, code prefixes, or names that are not reported.
    pub ignore: Vec<String>,
    /// Severities that override those of the rules; the last match applies; `None` is off.
    pub severities: Vec<(String, Option<Severity>)>,
    /// Severities of certain findings, with precedence over those of rules; the last match applies.
    pub overrides: Vec<Override>,
    /// Normalisations are errors.
    pub strict: bool,
    /// Minimum severity that fails the run; `None` is never.
    pub fail_on: Option<Severity>,
}

/// A severity for certain findings.
#[derive(Clone, Debug)]
pub struct Override {
    /// The findings.
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
    /// Whether the finding is reported; sets its severity according to the policy.
    pub fn filter(&self, diagnostic: &mut Diagnostic) -> bool {
        let rule = diagnostic.rule;
        let fits = |pattern: &String| scope::is_of(rule, pattern);
        if (!self.select.is_empty() && !self.select.iter().any(fits)) || self.ignore.iter().any(fits) {
            return false;
        }
        if self.strict && rule.code.starts_with('N') {
            diagnostic.severity = Severity::Error;
        }
        let special = self.overrides.iter().rev().find(|special| special.scope.matches(diagnostic)).map(|special| special.severity);
        let general = || self.severities.iter().rev().find(|(pattern, _)| fits(pattern)).map(|(_, severity)| *severity);
        match special.or_else(general) {
            Some(None) => false,
            Some(Some(severity)) => {
                diagnostic.severity = severity;
                true
            }
            None => true,
        }
    }

    /// Whether findings of a rule with this code or name can be reported at all.
    #[must_use]
    pub fn is_enabled(&self, code: &str) -> bool {
        let off = |(pattern, severity): &(String, Option<Severity>)| severity.is_none() && covers(pattern, code);
        self.select.is_empty() && !self.ignore.iter().any(|pattern| covers(pattern, code)) && !self.severities.iter().any(off)
    }

    /// Whether a run with these totals fails.
    #[must_use]
    pub fn fails(&self, summary: &Summary) -> bool {
        self.fail_on.is_some_and(|from| summary.max_severity() >= Some(from))
    }

    /// Patterns that match no rule.
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

/// Whether a pattern is a rule's code, code prefix or name.
#[must_use]
pub fn is_known(pattern: &str) -> bool {
    !pattern.is_empty() && rules::ALL.iter().any(|rule| scope::is_of(rule, pattern))
}

/// Whether a finding, with its original severity, makes a record invalid.
#[must_use]
pub fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}
