//! Renders a code quality report, which GitLab shows in merge requests: a JSON array with one object per finding.
//!
//! GitLab drops all but the first of equal fingerprints and identifies findings across runs by them, so a fingerprint
//! is unique and does not depend on the location. The format has no columns, help texts and totals.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{self, cut};
use super::fingerprint::{self, Occurrences};
use super::json_array::JsonArray;
use super::repo_root::RepoRoot;
use super::top_k::{TopFindings, omitted_text};
use super::{Options, Reporter, Summary};
use chancery_core::diagnostic::{Diagnostic, Severity, one_line, rules};

/// More findings are useless in a merge request, and GitLab reads the whole report for each view of it.
const MOST: usize = 10_000;
/// The size of all of them.
const ROOM: usize = 10_000_000;
/// A longer message is cut.
const LONGEST: usize = 2_000;

/// A code quality report.
pub(super) struct Gitlab {
    issues: TopFindings<(String, Issue)>,
    checkout: RepoRoot,
}

#[derive(Clone, Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: IssueLocation,
}

#[derive(Clone, Serialize)]
struct IssueLocation {
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
        Self { issues: TopFindings::new(most, ROOM), checkout: options.checkout.clone() }
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

    fn finish(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
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
        if let Some(rest) = omitted_text(&self.issues.omitted()) {
            // An issue needs a location; the first file with a finding is used.
            let path = issues.first().map_or_else(|| "-".to_owned(), |first| first.location.path.clone());
            issues.push(Issue {
                description: rest,
                check_name: "chancery".to_owned(),
                fingerprint: "chancery-rest".to_owned(),
                severity: "info",
                location: IssueLocation { path, lines: Lines { begin: 1 } },
            });
        }
        out.write_all(b"[")?;
        let mut array = JsonArray::default();
        for issue in &issues {
            array.item(escape::json(issue)?.as_bytes(), out)?;
        }
        array.end(out)?;
        out.write_all(b"\n")
    }
}

impl Issue {
    fn new(diagnostic: &Diagnostic, checkout: &RepoRoot) -> Self {
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
                Severity::Note => "info",
            },
            location: IssueLocation { path: checkout.path(&location.file), lines: Lines { begin: location.start.line } },
        }
    }
}
