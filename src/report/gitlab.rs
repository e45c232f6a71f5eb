//! Draws a code quality report, which GitLab shows in merge requests: a JSON array with an object a finding.
//!
//! GitLab drops all but the first of equal fingerprints and takes a finding for the same one as before where they agree, so
//! a fingerprint does not depend on the place and is unique. Columns, helps and totals have no place here.

use std::io::{self, Write};

use serde::Serialize;

use super::checkout::Checkout;
use super::escape::{self, cut};
use super::fingerprint::{self, Occurrences};
use super::important::{Important, rest_in_words};
use super::{Options, Reporter, Tally};
use crate::diagnostic::{Diagnostic, Severity, one_line, rules};

/// A merge request with more findings says nothing to anybody, and GitLab reads the whole report for each view of it.
const MOST: usize = 10_000;
/// The size of all of them.
const ROOM: usize = 10_000_000;
/// A longer message is cut.
const LONGEST: usize = 2_000;

/// A code quality report.
pub(super) struct Gitlab {
    issues: Important<(String, Issue)>,
    checkout: Checkout,
}

#[derive(Clone, Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Whereabouts,
}

#[derive(Clone, Serialize)]
struct Whereabouts {
    path: String,
    lines: Lines,
}

#[derive(Clone, Serialize)]
struct Lines {
    begin: u64,
}

impl Gitlab {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        Self { issues: Important::new(most, ROOM), checkout: options.checkout.clone() }
    }
}

impl Reporter for Gitlab {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        self.issues.take(diagnostic, || {
            let issue = Issue::new(diagnostic, &self.checkout);
            let size = issue.description.len() + issue.location.path.len() + 150;
            ((fingerprint::exact(diagnostic), issue), size)
        });
        Ok(())
    }

    fn finish(&mut self, _tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        let mut occurrences = Occurrences::default();
        let mut issues = Vec::new();
        for kept in self.issues.in_order() {
            let (fingerprint, mut issue) = kept.drawn.clone();
            issue.fingerprint = occurrences.name(&fingerprint);
            if kept.times > 1 {
                issue.description.push_str(&format!(" (in {} records)", kept.times));
            }
            issues.push(issue);
        }
        if let Some(rest) = rest_in_words(&self.issues.rest()) {
            // An issue needs a place; the first file with a finding is as good as any.
            let path = issues.first().map_or_else(|| "-".to_owned(), |first| first.location.path.clone());
            issues.push(Issue {
                description: rest,
                check_name: "chancery".to_owned(),
                fingerprint: "chancery-rest".to_owned(),
                severity: "info",
                location: Whereabouts { path, lines: Lines { begin: 1 } },
            });
        }
        out.write_all(b"[")?;
        for (at, issue) in issues.iter().enumerate() {
            out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
            out.write_all(escape::json(issue)?.as_bytes())?;
        }
        out.write_all(if issues.is_empty() { b"]\n" } else { b"\n]\n" })
    }
}

impl Issue {
    fn new(diagnostic: &Diagnostic, checkout: &Checkout) -> Self {
        let (location, rule) = (diagnostic.place.locate(), diagnostic.rule);
        Self {
            description: format!("{}: {}", rule.code, one_line(&cut(&diagnostic.message, LONGEST))),
            check_name: format!("{} {}", rule.code, rule.name),
            fingerprint: String::new(),
            severity: match diagnostic.severity {
                // A file that could not be read was not checked at all.
                _ if *rule == rules::UNREADABLE || *rule == rules::BAD_BYTES => "critical",
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Advice => "info",
            },
            location: Whereabouts { path: checkout.path(&location.file), lines: Lines { begin: location.start.line } },
        }
    }
}
