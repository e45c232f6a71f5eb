//! Renders the diagnostic format of reviewdog, one object per finding and line; its suggestions are our edits.
//!
//! Columns count UTF-8 bytes. reviewdog stops at a line of 64 KiB, so a fix or a location that would make a line longer
//! is omitted, and a long message is cut.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{self, cut};
use super::{Options, Repeated, Reporter, Summary};
use chancery_core::diagnostic::{Diagnostic, Fix, Place, Severity, one_line};
use chancery_core::source::{Source, Span};

/// A longer line has no fix and related locations.
const LINE: usize = 60_000;
/// Maximum length of a message, and of a fix, in characters.
const LONGEST: usize = 2_000;
/// Maximum number of related locations.
const RELATED: usize = 20;

/// Lines for reviewdog.
#[derive(Default)]
pub(super) struct Rdjsonl {
    // The file of the last finding, where the number of omitted ones is reported.
    last: String,
}

impl Rdjsonl {
    pub(super) fn new(_options: &Options) -> Self {
        Self::default()
    }

    fn line(&mut self, mut line: RdjsonlDiagnostic, out: &mut dyn Write) -> io::Result<()> {
        let mut text = escape::json(&line)?;
        if text.len() > LINE {
            (line.suggestions, line.related_locations) = (Vec::new(), Vec::new());
            text = escape::json(&line)?;
        }
        self.last = line.location.path;
        writeln!(out, "{text}")
    }
}

impl Reporter for Rdjsonl {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        let mut message = one_line(&cut(&diagnostic.message, LONGEST)).into_owned();
        if let Some(help) = &diagnostic.help {
            message.push('\n');
            message.push_str(&one_line(&cut(help, LONGEST)));
        }
        let related = diagnostic.related.iter().take(RELATED);
        let line = RdjsonlDiagnostic {
            message,
            location: RdjsonlLocation::new(&diagnostic.place),
            severity: severity(diagnostic.severity),
            source: SOURCE,
            code: Some(Code { value: diagnostic.rule.code }),
            suggestions: diagnostic.fix.iter().filter(|_| !diagnostic.decoded).filter_map(|fix| Suggestion::new(fix, diagnostic)).collect(),
            related_locations: related
                .map(|related| Related {
                    message: one_line(&cut(&related.message, 200)).into_owned(),
                    location: RdjsonlLocation::new(&related.place),
                })
                .collect(),
        };
        self.line(line, out)
    }

    fn repeated(&mut self, finding: &Repeated<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Repeated { location, code, message, times, .. } = finding;
        let records = if *times == 1 { "record" } else { "records" };
        let line = RdjsonlDiagnostic {
            message: format!("the same in {times} more {records}: {}", one_line(&cut(message, LONGEST))),
            location: RdjsonlLocation { path: location.file.to_string(), range: Some(Range::line(location.start.line)) },
            ..RdjsonlDiagnostic::diagnostic(Some(Code { value: code }))
        };
        self.line(line, out)
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let location = RdjsonlLocation { path: self.last.clone(), range: None };
        let line =
            RdjsonlDiagnostic { message: format!("{count} more findings are not shown"), location, ..RdjsonlDiagnostic::diagnostic(None) };
        self.line(line, out)
    }

    fn finish(&mut self, _summary: &Summary, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

const SOURCE: Tool = Tool { name: "chancery" };

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Note => "INFO",
    }
}

#[derive(Serialize)]
struct RdjsonlDiagnostic {
    message: String,
    location: RdjsonlLocation,
    severity: &'static str,
    source: Tool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    // Supported by reviewdog since 0.18; older versions reject it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related>,
}

impl RdjsonlDiagnostic {
    // A message about findings, not about the data.
    fn diagnostic(code: Option<Code>) -> Self {
        let location = RdjsonlLocation { path: String::new(), range: None };
        Self {
            message: String::new(),
            location,
            severity: severity(Severity::Note),
            source: SOURCE,
            code,
            suggestions: Vec::new(),
            related_locations: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
}

#[derive(Serialize)]
struct Related {
    message: String,
    location: RdjsonlLocation,
}

#[derive(Serialize)]
struct RdjsonlLocation {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

#[derive(Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

impl RdjsonlLocation {
    fn new(place: &Place) -> Self {
        let location = place.locate();
        Self { path: location.file.to_string(), range: Some(Range::new(&place.source, place.span)) }
    }
}

impl Range {
    fn new(source: &Source, span: Span) -> Self {
        let location = source.locate(span);
        let (start, end) = source.byte_columns(span).unzip();
        Self { start: Position { line: location.start.line, column: start }, end: Position { line: location.end.line, column: end } }
    }

    fn line(line: u64) -> Self {
        Self { start: Position { line, column: None }, end: Position { line, column: None } }
    }
}

impl Suggestion {
    // A suggestion is one range with one text, so it includes the text between several edits. `None` if they are not in
    // one part of a file, or if the columns are unknown.
    fn new(fix: &Fix, diagnostic: &Diagnostic) -> Option<Self> {
        let source = &diagnostic.place.source;
        let mut edits: Vec<_> = fix.edits.iter().collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let (first, last) = (edits.first()?, edits.last()?);
        let span = source.clamp_span(Span::new(first.span.start, last.span.end));
        source.byte_columns(span)?;
        // An insertion at the end of a segment belongs to that segment, not to the next.
        if source.segment_at(source.anchor(span).start) != source.segment_at(span.start) {
            return None;
        }
        let location = source.locate(span);
        let apart = edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
        if !apart || location.end.byte - location.start.byte != u64::from(span.len()) {
            return None;
        }
        let mut text = String::new();
        let mut at = span.start;
        for edit in edits {
            text.push_str(source.slice(Span::new(at, edit.span.start)));
            text.push_str(&edit.text);
            at = edit.span.end;
        }
        (text.len() <= LONGEST).then(|| Self { range: Range::new(source, span), text })
    }
}
