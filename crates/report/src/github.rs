//! Renders workflow commands, which a GitHub workflow shows as annotations of the changed lines.
//!
//! GitHub shows the first ten annotations per level and step and silently drops the rest. The most important ones are
//! therefore written, and the tenth states how many more there are. Every finding is also a line of the log, in a
//! collapsed group, up to a limit.

use std::io::{self, Write};

use super::escape::{self, cut};
use super::limit::LimitedReporter;
use super::repo_root::RepoRoot;
use super::top_k::{Kept, TopFindings, omitted_text};
use super::{Options, Repeated, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, Severity};

/// Maximum number of annotations per level.
const PER_LEVEL: usize = 10;
/// Maximum number of findings in the log.
const LINES: u64 = 1_000;
/// A longer message is cut.
const LONGEST: usize = 2_000;

/// Workflow commands.
pub(super) struct Github {
    log: LimitedReporter,
    levels: [Level; 3],
    left: usize,
    quiet: bool,
    checkout: RepoRoot,
}

struct Level {
    severity: Severity,
    command: &'static str,
    annotations: TopFindings<Annotation>,
}

// The properties and the text of the command.
struct Annotation {
    properties: String,
    text: String,
    help: Option<String>,
}

impl Github {
    pub(super) fn new(options: &Options) -> Self {
        let level = |severity, command| Level { severity, command, annotations: TopFindings::new(PER_LEVEL, usize::MAX) };
        let lines = Options { most: Some(options.most.unwrap_or(LINES).min(LINES)), ..options.clone() };
        Self {
            log: LimitedReporter::folded(Box::new(Log::default()), &lines),
            levels: [level(Severity::Error, "error"), level(Severity::Warning, "warning"), level(Severity::Note, "notice")],
            left: options.most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)),
            quiet: options.quiet,
            checkout: options.checkout.clone(),
        }
    }
}

impl Reporter for Github {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        if self.quiet && diagnostic.severity == Severity::Note {
            return Ok(());
        }
        self.log.report(diagnostic, out)?;
        for level in &mut self.levels {
            if level.severity == diagnostic.severity {
                level.annotations.take(diagnostic, || (Annotation::new(diagnostic, &self.checkout), 0));
            }
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.log.finish(summary, out)?;
        for Level { command, annotations, .. } in &mut self.levels {
            while annotations.by_importance().count() > self.left {
                annotations.drop_last();
            }
            if !annotations.omitted().is_empty() && annotations.by_importance().count() == PER_LEVEL {
                annotations.drop_last();
            }
            for kept in annotations.by_importance() {
                self.left -= 1;
                kept.draw(command, out)?;
            }
            if let Some(rest) = omitted_text(&annotations.omitted()) {
                writeln!(out, "::{command} title=chancery::{}", escape::data(&rest))?;
            }
        }
        if self.quiet { Ok(()) } else { writeln!(out, "{}", summary_line(summary)) }
    }
}

impl Annotation {
    fn new(diagnostic: &Diagnostic, checkout: &RepoRoot) -> Self {
        let location = diagnostic.place.locate();
        let (start, end, rule) = (location.start, location.end, diagnostic.rule);
        let mut properties = String::new();
        if &*location.file != "-" {
            properties.push_str(&format!(
                "file={},line={},endLine={},",
                escape::property(&checkout.path(&location.file)),
                start.line,
                end.line
            ));
            // Columns have a meaning only within one line.
            if start.line == end.line {
                properties.push_str(&format!("col={},endColumn={},", start.column, end.column));
            }
        }
        properties.push_str(&format!("title={} {}", rule.code, rule.name));
        let text = escape::data(&cut(&diagnostic.message, LONGEST));
        Self { properties, text, help: diagnostic.help.as_deref().map(|help| escape::data(&cut(help, LONGEST))) }
    }
}

impl Kept<Annotation> {
    fn draw(&self, command: &str, out: &mut dyn Write) -> io::Result<()> {
        let Annotation { properties, text, help } = &self.drawn;
        write!(out, "::{command} {properties}::{text}")?;
        if self.times > 1 {
            write!(out, " (in {} records)", self.times)?;
        }
        if let Some(help) = help {
            write!(out, "%0A{help}")?;
        }
        writeln!(out)
    }
}

// The lines of the log.
#[derive(Default)]
struct Log {
    open: bool,
}

impl Log {
    fn line(&mut self, line: &str, out: &mut dyn Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.open, true) {
            writeln!(out, "::group::chancery: all findings")?;
        }
        writeln!(out, "{}", escape::log(line))
    }
}

// The severity is first, so that no line begins with text from the data.
impl Reporter for Log {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        let location = diagnostic.place.locate();
        let (file, line, column) = (&location.file, location.start.line, location.start.column);
        let (severity, code, message) = (diagnostic.severity.word(), diagnostic.rule.code, cut(&diagnostic.message, LONGEST));
        self.line(&format!("{severity}[{code}] {file}:{line}:{column}: {message}"), out)
    }

    fn repeated(&mut self, finding: &Repeated<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Repeated { location, code, severity, message, times } = finding;
        let (file, line, column) = (&location.file, location.start.line, location.start.column);
        let records = if *times == 1 { "record" } else { "records" };
        let message = cut(message, LONGEST);
        self.line(&format!("{}[{code}] {file}:{line}:{column}: the same in {times} more {records}: {message}", severity.word()), out)
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        if count > 0 { self.line(&format!("{count} more not shown"), out) } else { Ok(()) }
    }

    fn finish(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if self.open { writeln!(out, "::endgroup::") } else { Ok(()) }
    }
}
