//! Renders Markdown for a comment or a workflow summary: totals, findings by rule, and findings in tables by file.
//!
//! Text from the data is formatted as code, so that it cannot contain markup, links or mentions. The length is limited
//! by the destination; the most important findings are shown and the rest is counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::escape::{self, cut};
use super::top_k::{Kept, TopFindings, omitted_text};
use super::{Options, Reporter, Summary, suppressed_notes};
use chancery_core::diagnostic::{Diagnostic, Severity, rules};

/// A comment on GitHub has at most 65,536 characters.
const COMMENT: usize = 60_000;
/// Longer pages are not read.
const MOST: usize = 2_000;
/// The part before the findings: totals and as many rules.
const RULES: usize = 40;
const HEAD: usize = 10_000;
/// A longer message, or path, is cut.
const LONGEST: usize = 300;

/// The minimum size of a summary.
pub(super) const LEAST: usize = 2 * HEAD;

/// Markdown.
pub(super) struct Markdown {
    findings: TopFindings<Row>,
    room: usize,
    quiet: bool,
}

struct Row {
    file: String,
    cells: String,
}

impl Markdown {
    /// For a comment.
    pub(super) fn new(options: &Options) -> Self {
        Self::within(options, COMMENT)
    }

    /// For a destination with a size limit.
    pub(super) fn within(options: &Options, room: usize) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        let room = room.saturating_sub(HEAD);
        Self { findings: TopFindings::new(most, room), room, quiet: options.quiet }
    }
}

impl Reporter for Markdown {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        if self.quiet && diagnostic.severity == Severity::Note {
            return Ok(());
        }
        self.findings.take(diagnostic, || {
            let row = Row::new(diagnostic);
            let size = row.line(1).len();
            (row, size)
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.make_room();
        writeln!(out, "### chancery: {}\n", verdict(summary))?;
        totals(summary, out)?;
        for suppressed in suppressed_notes(summary) {
            writeln!(out, "\n{suppressed}")?;
        }
        self.rules(out)?;
        self.files(out)?;
        match omitted_text(&self.findings.omitted()) {
            Some(rest) => writeln!(out, "\n{rest}"),
            None => Ok(()),
        }
    }
}

fn verdict(summary: &Summary) -> String {
    match (summary.errors, summary.warnings) {
        (0, 0) => "no errors".to_owned(),
        (0, 1) => "1 warning".to_owned(),
        (0, count) => format!("{count} warnings"),
        (1, _) => "1 error".to_owned(),
        (count, _) => format!("{count} errors"),
    }
}

fn totals(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let Summary { files, records, valid, invalid, written, rejected, errors, warnings, notes, .. } = *summary;
    let columns = [
        ("files", files),
        ("records", records),
        ("valid", valid),
        ("invalid", invalid),
        ("written", written),
        ("rejected", rejected),
        ("errors", errors),
        ("warnings", warnings),
        ("notes", notes),
    ];
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    writeln!(out, "{}", line(columns.iter().map(|(name, _)| (*name).to_owned()).collect()))?;
    writeln!(out, "{}", line(columns.iter().map(|_| "---:".to_owned()).collect()))?;
    writeln!(out, "{}", line(columns.iter().map(|(_, count)| count.to_string()).collect()))
}

impl Markdown {
    // Each file needs a heading and a table header, which is known only now.
    fn make_room(&mut self) {
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        let mut size = 0;
        for Kept { drawn, times, .. } in self.findings.by_importance() {
            size += drawn.line(*times).len();
            *files.entry(drawn.file.clone()).or_default() += 1;
        }
        size += files.keys().map(|file| heading(file)).sum::<usize>();
        while size > self.room {
            let Some(gone) = self.findings.drop_last() else { break };
            size -= gone.drawn.line(gone.times).len();
            if let Some(count) = files.get_mut(&gone.drawn.file) {
                *count -= 1;
                if *count == 0 {
                    size -= heading(&gone.drawn.file);
                }
            }
        }
    }

    fn rules(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut seen: Vec<(Severity, &str, u64)> = self.findings.seen().collect();
        if seen.is_empty() {
            return Ok(());
        }
        seen.sort_by_key(|(severity, _, count)| (std::cmp::Reverse(*severity), std::cmp::Reverse(*count)));
        writeln!(out, "\n| rule | severity | findings | what |\n| --- | --- | ---: | --- |")?;
        for (severity, code, count) in seen.iter().take(RULES) {
            let (name, summary) = rules::find(code).map_or(("", ""), |rule| (rule.name, rule.summary));
            writeln!(out, "| {code} {name} | {} | {count} | {summary} |", severity.word())?;
        }
        if seen.len() > RULES {
            let others: u64 = seen[RULES..].iter().map(|(.., count)| count).sum();
            writeln!(out, "| {} other rules | | {others} | |", seen.len() - RULES)?;
        }
        Ok(())
    }

    // Files are in the order of their first finding that is shown.
    fn files(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut files: Vec<(&str, String)> = Vec::new();
        let mut numbers = BTreeMap::new();
        for kept in self.findings.in_order() {
            let file = kept.drawn.file.as_str();
            let number = *numbers.entry(file).or_insert_with(|| {
                files.push((file, String::new()));
                files.len() - 1
            });
            files[number].1.push_str(&kept.drawn.line(kept.times));
        }
        for (file, rows) in files {
            write!(out, "\n#### {file}\n\n| place | rule | message |\n| --- | --- | --- |\n{rows}")?;
        }
        Ok(())
    }
}

// The heading of a file and the header of its table.
fn heading(file: &str) -> usize {
    file.len() + 60
}

impl Row {
    fn line(&self, times: u64) -> String {
        let cells = &self.cells;
        if times > 1 { format!("{cells} in {times} records |\n") } else { format!("{cells} |\n") }
    }

    fn new(diagnostic: &Diagnostic) -> Self {
        let location = diagnostic.place.locate();
        let (start, rule) = (location.start, diagnostic.rule);
        let file = cut(&location.file, LONGEST);
        let place = escape::markdown(&format!("{file}:{}:{}", start.line, start.column));
        let message = escape::markdown(&cut(&diagnostic.message, LONGEST));
        let cells = format!("| {place} | {} {} | {message}", diagnostic.severity.word(), rule.code);
        Self { file: escape::markdown(&file), cells }
    }
}
