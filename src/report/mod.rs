//! Reporters: each draws diagnostics for one kind of reader, a person or a program.
//!
//! A [`Reporter`] gets every diagnostic in input order and at the end the [`Tally`]. Start with `plain`. Those whose readers
//! take no more than so much keep the most [`important`] findings and count the rest.

mod checkout;
mod escape;
pub mod difference;
pub mod evolution;
pub mod fingerprint;
mod fold;
mod github;
mod gitlab;
mod html;
pub mod important;
mod json;
mod junit;
mod markdown;
mod plain;
mod pretty;
mod rdjsonl;
mod sarif;
mod thin;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, Severity, inert, one_line};

pub use checkout::Checkout;
pub use escape::json_text;
pub use fold::Repeated;
use thin::Thinned;

/// Findings that were not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Known in the baseline.
    pub baseline: u64,
    /// Left out by a comment or by the config.
    pub suppressed: u64,
    /// In records that did not change.
    pub unchanged: u64,
}

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
    /// Of those, the ones that are less by their rule: raised by `--strict` or the config, they make no record invalid.
    pub raised: u64,
    /// Findings of severity error that are about no record.
    pub outside: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Findings of severity advice.
    pub advice: u64,
    /// Findings that were not reported, and why.
    pub left_out: LeftOut,
    /// Files that were not read, since they are what they were before.
    pub passed_over: u64,
    /// Files of folders that were left out, since they are no data.
    pub skipped: u64,
    /// Findings by code of the rule.
    pub by_code: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a finding.
    pub fn count(&mut self, diagnostic: &Diagnostic) {
        match diagnostic.severity {
            Severity::Error => {
                self.errors += 1;
                self.outside += u64::from(diagnostic.record.is_none());
            }
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

    /// Learns that an input begins, or that it cannot be opened; called for each, in order.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn file(&mut self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let _ = (name, out);
        Ok(())
    }

    /// Draws a finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()>;

    /// Says how often a finding that was drawn came again at the same place; called before the end, once for each.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn again(&mut self, finding: &Repeated<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Repeated { location, code, message, times, .. } = finding;
        let (file, start, records) = (one_line(&location.file), location.start, if *times == 1 { "record" } else { "records" });
        let (line, column, message) = (start.line, start.column, one_line(message));
        let begin = if file.starts_with(':') { "./" } else { "" };
        let line = format!("{begin}{file}:{line}:{column}: the same in {times} more {records}: [{code}] {message}");
        writeln!(out, "{}", inert(&line))
    }

    /// Says that so many further findings are not drawn; called before the end, also with 0.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        let _ = (count, out);
        Ok(())
    }

    /// Draws the end, with the totals, which count also findings that were not drawn.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()>;
}

/// A report format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: each finding with the lines it is about.
    Pretty,
    /// A line a finding.
    Plain,
    /// One JSON object.
    Json,
    /// A JSON object a finding to a line, and the summary on the last.
    Ndjson,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// Workflow commands of GitHub.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// `JUnit` XML, a test case a file.
    Junit,
    /// The diagnostic format of reviewdog, a finding to a line.
    Rdjsonl,
    /// Markdown, for a comment or a page.
    Markdown,
    /// One page for a browser.
    Html,
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: &[Self] = &[
        Self::Pretty,
        Self::Plain,
        Self::Json,
        Self::Ndjson,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
        Self::Rdjsonl,
        Self::Markdown,
        Self::Html,
    ];

    /// The name used for flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Rdjsonl => "rdjsonl",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// What a report depends on besides the findings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether to use colours (`pretty`).
    pub color: bool,
    /// Whether to show errors and warnings only, and no summary (`pretty`, `plain`, `github`, `markdown`).
    pub quiet: bool,
    /// At most so many findings are drawn; all are counted.
    pub most: Option<u64>,
    /// Width of the screen in columns, where it is known (`pretty`).
    pub width: Option<usize>,
    /// Where the working directory lies in the checkout, for reports whose readers go by the checkout's root.
    pub checkout: Checkout,
}

/// A reporter of that format.
#[must_use]
pub fn reporter(format: Format, options: &Options) -> Box<dyn Reporter> {
    Box::new(match format {
        Format::Sarif => return Box::new(sarif::Sarif::new(options)),
        Format::Github => return Box::new(github::Github::new(options)),
        Format::Gitlab => return Box::new(gitlab::Gitlab::new(options)),
        Format::Junit => return Box::new(junit::Junit::new(options)),
        Format::Html => return Box::new(html::Html::new(options)),
        Format::Markdown => return Box::new(markdown::Markdown::new(options)),
        Format::Rdjsonl => Thinned::folding(Box::new(rdjsonl::Rdjsonl::new(options)), options),
        Format::Pretty => Thinned::folded(Box::new(pretty::Pretty::new(options)), options),
        Format::Plain => Thinned::folded(Box::new(plain::Plain::new(options)), options),
        Format::Json => Thinned::limited(Box::new(json::Json::new()), options),
        Format::Ndjson => Thinned::limited(Box::new(json::Ndjson), options),
    })
}

/// A reporter of the Markdown that a place with room for so many bytes takes; `None` where that is too little.
#[must_use]
pub fn summary(options: &Options, room: usize) -> Option<Box<dyn Reporter>> {
    (room >= markdown::LEAST).then(|| Box::new(markdown::Markdown::within(options, room)) as Box<dyn Reporter>)
}

// The totals as a sentence for people.
fn sentence(tally: &Tally) -> String {
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut text = format!("{} in {}", count(tally.records, "record", "records"), count(tally.files, "file", "files"));
    text.push_str(&match tally.invalid {
        0 if tally.records == 0 => String::new(),
        0 if tally.errors == 0 => ", all valid".to_owned(),
        invalid => format!(": {} valid, {invalid} invalid", tally.valid),
    });
    if tally.written != tally.valid {
        text.push_str(&format!("; {} written, {} rejected", tally.written, tally.rejected));
    }
    let found = [(tally.errors, "error", "errors"), (tally.warnings, "warning", "warnings"), (tally.advice, "advice", "pieces of advice")];
    let found: Vec<String> = found.iter().filter(|(number, ..)| *number > 0).map(|(number, one, many)| count(*number, one, many)).collect();
    if !found.is_empty() {
        text.push_str(&format!("; {}", found.join(", ")));
    }
    if let Some(why) = errors_without_invalid_records(tally) {
        text.push_str(&format!(" ({why})"));
    }
    for untold in untold(tally) {
        text.push_str(&format!("; {untold}"));
    }
    text
}

// Why there are errors although no record is invalid.
fn errors_without_invalid_records(tally: &Tally) -> Option<String> {
    if tally.errors == 0 || tally.invalid > 0 || tally.records == 0 {
        return None;
    }
    let parts = [(tally.raised, "raised by --strict or the config"), (tally.outside, "outside records")];
    let parts: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

// What was found or not even read, and is not told, in words.
fn untold(tally: &Tally) -> Vec<String> {
    let LeftOut { baseline, suppressed, unchanged } = tally.left_out;
    let left_out = [(baseline, "in the baseline"), (suppressed, "suppressed"), (unchanged, "in what did not change")];
    let left_out: Vec<String> = left_out.iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")).collect();
    let mut untold = Vec::new();
    if !left_out.is_empty() {
        untold.push(format!("not told: {}", left_out.join(", ")));
    }
    match tally.passed_over {
        0 => {}
        1 => untold.push("1 file unchanged not read".to_owned()),
        files => untold.push(format!("{files} files unchanged not read")),
    }
    match tally.skipped {
        0 => {}
        1 => untold.push("1 file skipped".to_owned()),
        files => untold.push(format!("{files} files skipped")),
    }
    untold
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{Edit, Place, Safety, rules};
    use crate::source::{Source, Span, counted_bytes};

    // Bytes that are looked at to draw so many findings in one line.
    fn looked_at(format: Format, findings: u32) -> u64 {
        let item = "{\"n\":\"é\",\"mail\":\"x\"},";
        let len = item.len() as u32;
        let source = Arc::new(Source::whole("a.json", item.repeat(findings as usize)));
        let mut reporter = reporter(format, &Options::default());
        let mut out = Vec::new();
        let before = counted_bytes();
        reporter.begin(&mut out).expect("memory");
        reporter.file("a.json", &mut out).expect("memory");
        for at in (0..findings).map(|number| number * len) {
            let note = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(at + 5, at + 9), "expected integer, found string")
                .label("here")
                .help("correct it")
                .related("the other", Place::new(&source, Span::new(at + 10, at + 16)))
                .mend(Safety::Safe, vec![Edit::layout(Span::new(at + 5, at + 9), "1")]);
            reporter.report(&note, &mut out).expect("memory");
        }
        reporter.finish(&Tally::default(), &mut out).expect("memory");
        assert!(!out.is_empty());
        counted_bytes() - before
    }

    #[test]
    fn twice_as_many_findings_in_one_line_take_twice_the_work() {
        let mut counted = 0;
        for format in Format::ALL {
            let (once, twice) = (looked_at(*format, 600), looked_at(*format, 1200));
            counted += usize::from(once > 0);
            assert!(twice * 2 <= once * 5, "{format:?}: {once} bytes, then {twice}");
        }
        assert!(counted >= 9, "{counted} of the formats look for places");
    }
}
