//! Draws the diagnostic format of reviewdog, an object a finding to a line; its suggestions are our edits, ready to be taken.
//!
//! Columns count bytes of UTF-8. reviewdog stops at a line of 64 KiB, so a line stays well below that: a fix or a place that
//! would make it longer is left out, and a long message is cut.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{self, cut};
use super::{Options, Repeated, Reporter, Tally};
use crate::diagnostic::{Diagnostic, Fix, Place, Severity, one_line};
use crate::source::{Source, Span};

/// A longer line does without the fix and further places.
const LINE: usize = 60_000;
/// The text of a message, and of a fix, has at most so many characters.
const LONGEST: usize = 2_000;
/// As many further places are drawn.
const RELATED: usize = 20;

/// Lines for reviewdog.
#[derive(Default)]
pub(super) struct Rdjsonl {
    // The file of the last finding drawn, at which the number of those that are not drawn is told.
    last: String,
}

impl Rdjsonl {
    pub(super) fn new(_options: &Options) -> Self {
        Self::default()
    }

    fn line(&mut self, mut line: Line, out: &mut dyn Write) -> io::Result<()> {
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
        let line = Line {
            message,
            location: Whereabouts::new(&diagnostic.place),
            severity: severity(diagnostic.severity),
            source: SOURCE,
            code: Some(Code { value: diagnostic.rule.code }),
            suggestions: diagnostic.fix.iter().filter(|_| !diagnostic.decoded).filter_map(|fix| Suggestion::new(fix, diagnostic)).collect(),
            related_locations: related
                .map(|related| Related {
                    message: one_line(&cut(&related.message, 200)).into_owned(),
                    location: Whereabouts::new(&related.place),
                })
                .collect(),
        };
        self.line(line, out)
    }

    fn again(&mut self, finding: &Repeated<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Repeated { location, code, message, times, .. } = finding;
        let records = if *times == 1 { "record" } else { "records" };
        let line = Line {
            message: format!("the same in {times} more {records}: {}", one_line(&cut(message, LONGEST))),
            location: Whereabouts { path: location.file.to_string(), range: Some(Range::line(location.start.line)) },
            ..Line::remark(Some(Code { value: code }))
        };
        self.line(line, out)
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let location = Whereabouts { path: self.last.clone(), range: None };
        let line = Line { message: format!("{count} more findings are not shown"), location, ..Line::remark(None) };
        self.line(line, out)
    }

    fn finish(&mut self, _tally: &Tally, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

const SOURCE: Tool = Tool { name: "chancery" };

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Advice => "INFO",
    }
}

#[derive(Serialize)]
struct Line {
    message: String,
    location: Whereabouts,
    severity: &'static str,
    source: Tool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    // Known to reviewdog since 0.18, and refused by older ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related>,
}

impl Line {
    // What is said of findings, not of the data.
    fn remark(code: Option<Code>) -> Self {
        let location = Whereabouts { path: String::new(), range: None };
        Self {
            message: String::new(),
            location,
            severity: severity(Severity::Advice),
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
    location: Whereabouts,
}

#[derive(Serialize)]
struct Whereabouts {
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

impl Whereabouts {
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
    // A suggestion is one range with one text, so what lies between several edits is part of it. `None` where they do not lie
    // in one piece of a file, or its columns are not known.
    fn new(fix: &Fix, diagnostic: &Diagnostic) -> Option<Self> {
        let source = &diagnostic.place.source;
        let mut edits: Vec<_> = fix.edits.iter().collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let (first, last) = (edits.first()?, edits.last()?);
        let span = source.fit(Span::new(first.span.start, last.span.end));
        source.byte_columns(span)?;
        // What is added at the end of a stretch belongs to that one, and not to the next.
        if source.stretch_at(source.anchor(span).start) != source.stretch_at(span.start) {
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
