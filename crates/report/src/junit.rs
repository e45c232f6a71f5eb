//! Renders `JUnit` XML as read by Jenkins and other test dashboards: one suite, a test case for each file.
//!
//! A file with errors is one failure, and a file that could not be read is one error, because dashboards show only the
//! first of several in a test case; all its errors are in the text. Warnings and notes are output of the test case. A
//! file without findings is a passed test. Counts are exact; only the most important lines are written.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::escape::{cut, xml};
use super::top_k::TopFindings;
use super::{Options, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, Severity, rules};

/// Dashboards hold a whole report in memory, and people read only its first lines.
const MOST: usize = 10_000;
/// The size of all lines.
const ROOM: usize = 10_000_000;
/// A longer message is cut.
const LONGEST: usize = 2_000;

/// `JUnit` XML.
pub(super) struct Junit {
    // In the order in which they begin; files that are not inputs, such as the tables of a package, when their findings occur.
    cases: Vec<Case>,
    by_name: BTreeMap<String, usize>,
    lines: TopFindings<CaseEntry>,
}

#[derive(Default)]
struct Case {
    name: String,
    errors: u64,
    others: u64,
    unreadable: bool,
    // The first error, or why the file could not be read: the short text of the failure.
    first: Option<(&'static str, String)>,
}

struct CaseEntry {
    case: usize,
    text: String,
}

impl Junit {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        Self { cases: Vec::new(), by_name: BTreeMap::new(), lines: TopFindings::new(most, ROOM) }
    }

    fn case(&mut self, name: &str) -> usize {
        if let Some(case) = self.by_name.get(name) {
            return *case;
        }
        let case = self.cases.len();
        self.cases.push(Case { name: name.to_owned(), ..Case::default() });
        self.by_name.insert(name.to_owned(), case);
        case
    }
}

impl Reporter for Junit {
    fn file(&mut self, name: &str, _out: &mut dyn Write) -> io::Result<()> {
        self.case(name);
        Ok(())
    }

    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        let location = diagnostic.place.locate();
        let number = self.case(&location.file);
        let (case, rule, message) = (&mut self.cases[number], diagnostic.rule, cut(&diagnostic.message, LONGEST));
        if diagnostic.severity == Severity::Error {
            case.errors += 1;
            let unreadable = *rule == rules::UNREADABLE || *rule == rules::BAD_BYTES;
            if case.first.is_none() || (unreadable && !case.unreadable) {
                case.first = Some((rule.code, format!("{} {}: {message}", rule.code, rule.name)));
            }
            case.unreadable |= unreadable;
        } else {
            case.others += 1;
        }
        self.lines.take(diagnostic, || {
            let (file, start, severity) = (&location.file, location.start, diagnostic.severity.word());
            let mut text = format!("{file}:{}:{}: {severity}[{}] {message}", start.line, start.column, rule.code);
            if let Some(help) = &diagnostic.help {
                text.push_str(&format!("; {}", cut(help, LONGEST)));
            }
            let text = xml(&text);
            let size = text.len();
            (CaseEntry { case: number, text }, size)
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut texts: Vec<[Lines; 2]> = self.cases.iter().map(|case| [Lines::new(case.errors), Lines::new(case.others)]).collect();
        for kept in self.lines.in_order() {
            let [errors, others] = &mut texts[kept.drawn.case];
            let lines = if kept.severity == Severity::Error { errors } else { others };
            lines.add(&kept.drawn.text, kept.times);
        }
        let errors = self.cases.iter().filter(|case| case.unreadable).count();
        let failures = self.cases.iter().filter(|case| case.errors > 0).count() - errors;
        let counts = format!("name=\"chancery\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", self.cases.len());
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n<testsuite {counts} skipped=\"0\">")?;
        for (case, [errors, others]) in self.cases.iter().zip(texts) {
            case.draw(errors, others, out)?;
        }
        writeln!(out, "<system-out>{}</system-out>\n</testsuite>\n</testsuites>", xml(&summary_line(summary)))
    }
}

// The written lines of a test case, and how many findings were omitted.
struct Lines {
    text: String,
    left: u64,
}

impl Lines {
    fn new(count: u64) -> Self {
        Self { text: String::new(), left: count }
    }

    fn add(&mut self, line: &str, times: u64) {
        self.left -= times;
        self.text.push_str(line);
        if times > 1 {
            self.text.push_str(&format!(" (in {times} records)"));
        }
        self.text.push('\n');
    }

    fn finish(mut self) -> String {
        if self.left > 0 {
            self.text.push_str(&format!("{} more not shown\n", self.left));
        }
        self.text
    }
}

impl Case {
    fn draw(&self, errors: Lines, others: Lines, out: &mut dyn Write) -> io::Result<()> {
        let name = xml(&self.name);
        write!(out, "<testcase name=\"{name}\" classname=\"chancery\" file=\"{name}\"")?;
        if self.errors + self.others == 0 {
            return writeln!(out, "/>");
        }
        writeln!(out, ">")?;
        if let Some((code, first)) = &self.first {
            let element = if self.unreadable { "error" } else { "failure" };
            let more = match self.errors {
                1 => String::new(),
                2 => "; and 1 more error".to_owned(),
                count => format!("; and {} more errors", count - 1),
            };
            let message = xml(&format!("{first}{more}"));
            writeln!(out, "<{element} message=\"{message}\" type=\"{code}\">\n{}</{element}>", errors.finish())?;
        }
        if self.others > 0 {
            writeln!(out, "<system-out>\n{}</system-out>", others.finish())?;
        }
        writeln!(out, "</testcase>")
    }
}
