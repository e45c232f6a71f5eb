//! Reporters: each renders diagnostics for one kind of consumer, a person or a program.
//!
//! A [`Reporter`] receives every diagnostic in input order and finally the [`Summary`]. Start with `plain`. Reporters
//! whose consumers have limits keep the most important findings ([`top_k`]) and count the rest.
//!
//! ```
//! use std::sync::Arc;
//!
//! use chancery_core::diagnostic::{Diagnostic, rules};
//! use chancery_core::source::{Source, Span};
//! use chancery_report::{Format, Options, Summary, reporter};
//!
//! let source = Arc::new(Source::whole("sizes.json", "{\"size\": \"7\"}"));
//! let finding = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(9, 12), "expected integer, found string");
//! let (mut reporter, mut out) = (reporter(Format::Plain, &Options::default()), Vec::new());
//! reporter.report(&finding, &mut out)?;
//! reporter.finish(&Summary::default(), &mut out)?;
//! assert!(out.starts_with(b"sizes.json:1:10: error["));
//! # Ok::<(), std::io::Error>(())
//! ```

mod repo_root;
mod escape;
pub mod difference;
pub mod evolution;
pub mod fingerprint;
mod group;
mod github;
mod gitlab;
mod html;
pub mod top_k;
mod json;
mod json_array;
mod junit;
mod markdown;
mod plain;
mod rdjsonl;
mod sarif;
mod limit;

use std::collections::BTreeMap;
use std::io::{self, Write};

use chancery_core::diagnostic::{Diagnostic, Severity, inert, one_line};

pub use escape::json_text;
pub use group::Repeated;
use limit::LimitedReporter;
pub use repo_root::RepoRoot;

/// Findings that were not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// By the baseline.
    pub baseline: u64,
    /// By a comment or the config.
    pub suppressions: u64,
    /// In unchanged records.
    pub unchanged: u64,
}

/// The summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files read.
    pub files: u64,
    /// Records read: every unit, including malformed ones.
    pub records: u64,
    /// Records without an error.
    pub valid: u64,
    /// Records with an error.
    pub invalid: u64,
    /// Records written, or that would be written if there were an output.
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
    /// Findings of severity note.
    pub notes: u64,
    /// Suppressed findings, by reason.
    pub suppressed: Suppressed,
    /// Unchanged files that were not read.
    pub unchanged_files: u64,
    /// Files of directories that were omitted, because they are no data.
    pub skipped: u64,
    /// Findings by rule code.
    pub by_code: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Counts a finding.
    pub fn count(&mut self, diagnostic: &Diagnostic) {
        match diagnostic.severity {
            Severity::Error => {
                self.errors += 1;
                self.outside += u64::from(diagnostic.record.is_none());
            }
            Severity::Warning => self.warnings += 1,
            Severity::Note => self.notes += 1,
        }
        *self.by_code.entry(diagnostic.rule.code).or_default() += 1;
    }

    /// The highest severity found.
    #[must_use]
    pub fn max_severity(&self) -> Option<Severity> {
        [(self.errors, Severity::Error), (self.warnings, Severity::Warning), (self.notes, Severity::Note)]
            .into_iter()
            .find(|(count, _)| *count > 0)
            .map(|(_, severity)| severity)
    }
}

/// Renders diagnostics.
pub trait Reporter: Send {
    /// Renders the text before the first finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let _ = out;
        Ok(())
    }

    /// Called for each input, in order, when it begins or cannot be opened.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn file(&mut self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let _ = (name, out);
        Ok(())
    }

    /// Renders a finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()>;

    /// Renders how often a shown finding was repeated at the same location; called before the end, once for each.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn repeated(&mut self, finding: &Repeated<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Repeated { location, code, message, times, .. } = finding;
        let (file, start, records) = (one_line(&location.file), location.start, if *times == 1 { "record" } else { "records" });
        let (line, column, message) = (start.line, start.column, one_line(message));
        let begin = if file.starts_with(':') { "./" } else { "" };
        let line = format!("{begin}{file}:{line}:{column}: the same in {times} more {records}: [{code}] {message}");
        writeln!(out, "{}", inert(&line))
    }

    /// Renders the number of findings that are not shown; called before the end, also with 0.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        let _ = (count, out);
        Ok(())
    }

    /// Renders the end, with the totals, which include findings that were not shown.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// A report format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: each finding with the lines it is about.
    Pretty,
    /// One line per finding.
    Plain,
    /// One JSON object.
    Json,
    /// One JSON object per finding and line, and the summary on the last line.
    Ndjson,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// A GitLab code quality report.
    Gitlab,
    /// `JUnit` XML, one test case per file.
    Junit,
    /// The diagnostic format of reviewdog, one finding per line.
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

/// Makes a reporter.
pub type MakeReporter = fn(&Options) -> Box<dyn Reporter>;

/// Report options.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether to use colours (`pretty`).
    pub color: bool,
    /// Whether to show only errors and warnings, without a summary (`pretty`, `plain`, `github`, `markdown`).
    pub quiet: bool,
    /// Maximum number of findings shown; all are counted.
    pub most: Option<u64>,
    /// Width of the terminal in columns, if known (`pretty`).
    pub width: Option<usize>,
    /// Draws [`Format::Pretty`]. The program has what draws for a terminal; without it, findings are lines as in `plain`.
    pub pretty: Option<MakeReporter>,
    /// The working directory relative to the repository root, for reports with paths relative to that root.
    pub checkout: RepoRoot,
}

/// Creates the reporter of a format.
#[must_use]
pub fn reporter(format: Format, options: &Options) -> Box<dyn Reporter> {
    Box::new(match format {
        Format::Sarif => return Box::new(sarif::Sarif::new(options)),
        Format::Github => return Box::new(github::Github::new(options)),
        Format::Gitlab => return Box::new(gitlab::Gitlab::new(options)),
        Format::Junit => return Box::new(junit::Junit::new(options)),
        Format::Html => return Box::new(html::Html::new(options)),
        Format::Markdown => return Box::new(markdown::Markdown::new(options)),
        Format::Rdjsonl => LimitedReporter::folding(Box::new(rdjsonl::Rdjsonl::new(options)), options),
        Format::Pretty => {
            let pretty = options.pretty.map_or_else(|| Box::new(plain::Plain::new(options)) as Box<dyn Reporter>, |pretty| pretty(options));
            LimitedReporter::folded(pretty, options)
        }
        Format::Plain => LimitedReporter::folded(Box::new(plain::Plain::new(options)), options),
        Format::Json => LimitedReporter::limited(Box::new(json::Json::default()), options),
        Format::Ndjson => LimitedReporter::limited(Box::new(json::Ndjson), options),
    })
}

/// A Markdown reporter with a size limit; `None` if the limit is too small.
#[must_use]
pub fn summary(options: &Options, room: usize) -> Option<Box<dyn Reporter>> {
    (room >= markdown::LEAST).then(|| Box::new(markdown::Markdown::within(options, room)) as Box<dyn Reporter>)
}

/// The totals as a sentence for people.
#[must_use]
pub fn summary_line(summary: &Summary) -> String {
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut text = format!("{} in {}", count(summary.records, "record", "records"), count(summary.files, "file", "files"));
    text.push_str(&match summary.invalid {
        0 if summary.records == 0 => String::new(),
        0 if summary.errors == 0 => ", all valid".to_owned(),
        invalid => format!(": {} valid, {invalid} invalid", summary.valid),
    });
    if summary.written != summary.valid {
        text.push_str(&format!("; {} written, {} rejected", summary.written, summary.rejected));
    }
    let found = [(summary.errors, "error", "errors"), (summary.warnings, "warning", "warnings"), (summary.notes, "note", "notes")];
    let found: Vec<String> = found.iter().filter(|(number, ..)| *number > 0).map(|(number, one, many)| count(*number, one, many)).collect();
    if !found.is_empty() {
        text.push_str(&format!("; {}", found.join(", ")));
    }
    if let Some(why) = errors_without_invalid_records(summary) {
        text.push_str(&format!(" ({why})"));
    }
    for suppressed in suppressed_notes(summary) {
        text.push_str(&format!("; {suppressed}"));
    }
    text
}

// Why there are errors although no record is invalid.
fn errors_without_invalid_records(summary: &Summary) -> Option<String> {
    if summary.errors == 0 || summary.invalid > 0 || summary.records == 0 {
        return None;
    }
    let parts = [(summary.raised, "raised by --strict or the config"), (summary.outside, "outside records")];
    let parts: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

// Suppressed findings and skipped files as text.
fn suppressed_notes(summary: &Summary) -> Vec<String> {
    let Suppressed { baseline, suppressions: suppressed, unchanged } = summary.suppressed;
    let suppressed_counts = [
        (baseline, "suppressed by the baseline"),
        (suppressed, "suppressed by comments or config"),
        (unchanged, "suppressed in unchanged records"),
    ];
    let suppressed_counts: Vec<String> =
        suppressed_counts.iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")).collect();
    let mut suppressed = Vec::new();
    if !suppressed_counts.is_empty() {
        suppressed.push(suppressed_counts.join(", "));
    }
    match summary.unchanged_files {
        0 => {}
        1 => suppressed.push("1 unchanged file not read".to_owned()),
        files => suppressed.push(format!("{files} unchanged files not read")),
    }
    match summary.skipped {
        0 => {}
        1 => suppressed.push("1 file skipped".to_owned()),
        files => suppressed.push(format!("{files} files skipped")),
    }
    suppressed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::*;
    use chancery_core::diagnostic::{Edit, Place, Safety, rules};
    use chancery_core::source::{Source, Span, counted_bytes};

    // Bytes that are looked at to draw this many findings in one line.
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
            let diagnostic = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(at + 5, at + 9), "expected integer, found string")
                .label("here")
                .help("correct it")
                .related("the other", Place::new(&source, Span::new(at + 10, at + 16)))
                .with_edit(Safety::Safe, vec![Edit::layout(Span::new(at + 5, at + 9), "1")]);
            reporter.report(&diagnostic, &mut out).expect("memory");
        }
        reporter.finish(&Summary::default(), &mut out).expect("memory");
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
