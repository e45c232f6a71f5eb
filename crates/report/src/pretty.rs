//! Renders findings for people with miette: the source lines, the error in them, and what to do.

use std::fmt;
use std::io::{self, Write};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
    ThemeCharacters, ThemeStyles,
};

use super::{Options, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, Severity, inert, is_unprintable, one_line};
use chancery_core::source::Span;

/// Snippets.
pub(super) struct Pretty {
    handler: GraphicalReportHandler,
    // Maximum number of characters shown of a line.
    room: usize,
    quiet: bool,
}

/// Approximate width of line number and frame.
const GUTTER: usize = 14;
/// Fewer characters of a line are useless, however narrow the terminal.
const LEAST: usize = 40;

impl Pretty {
    pub(super) fn new(options: &Options) -> Self {
        let styles = if options.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
        let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
        let width = options.width.unwrap_or(100);
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(width).with_context_lines(0);
        Self { handler, room: width.saturating_sub(GUTTER).max(LEAST), quiet: options.quiet }
    }
}

impl Reporter for Pretty {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        self.handler.render_report(&mut text, &Rendered::new(diagnostic, self.room)).map_err(io::Error::other)?;
        writeln!(out, "{}", inert(text.trim_end_matches('\n').trim_start_matches('\n')))?;
        writeln!(out)
    }

    fn hidden(&mut self, count: u64, out: &mut dyn Write) -> io::Result<()> {
        if count > 0 { writeln!(out, "{count} more not shown") } else { Ok(()) }
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(out, "{}", summary_line(summary)) }
    }
}

// A diagnostic in miette's terms.
struct Rendered<'d> {
    diagnostic: &'d Diagnostic,
    message: String,
    help: Option<String>,
    snippet: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl<'d> Rendered<'d> {
    fn new(diagnostic: &'d Diagnostic, room: usize) -> Self {
        let mut snippet = Excerpt::new(diagnostic, room);
        let source = &diagnostic.place.source;
        let mut labels = Vec::new();
        let own = snippet.map(source.clamp_span(diagnostic.place.span));
        let label = diagnostic.label.as_deref().map(|label| one_line(label).into_owned());
        labels.push(LabeledSpan::new_primary_with_span(label, own));
        let mut elsewhere = Vec::new();
        for related in &diagnostic.related {
            let message = one_line(&related.message);
            let span = source.clamp_span(related.place.span);
            let near = std::sync::Arc::ptr_eq(&related.place.source, source) && snippet.covers(span);
            if near {
                labels.push(LabeledSpan::new_with_span(Some(message.into_owned()), snippet.map(span)));
            } else {
                let location = related.place.locate();
                elsewhere.push(format!("{message}: {}:{}:{}", one_line(&location.file), location.start.line, location.start.column));
            }
        }
        snippet.finish();
        let help = diagnostic.help.iter().map(|help| one_line(help).into_owned()).chain(elsewhere).collect::<Vec<_>>();
        let mut message = one_line(&diagnostic.message).into_owned();
        if source.is_empty() {
            // The text is not available, so only the location is shown.
            let (line, column) = snippet.at;
            message.push_str(&format!("\nat {}:{}:{}", snippet.name, line + 1, column + 1));
        }
        Self { diagnostic, message, help: (!help.is_empty()).then(|| help.join("\n")), snippet, labels }
    }
}

impl fmt::Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rendered<'_> {}

impl miette::Diagnostic for Rendered<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{} {}", self.diagnostic.rule.code, self.diagnostic.rule.name)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.diagnostic.place.source.is_empty()).then_some(&self.snippet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source_code().map(|_| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

// The shown lines: their escaped text, the mapping of their bytes, and their location in the file.
struct Excerpt {
    name: String,
    text: String,
    // For each byte of the snippet from `from` on: its offset in `text`.
    offsets: Vec<usize>,
    from: u32,
    line: usize,
    // Line and column of the finding, from 0.
    at: (usize, usize),
}

impl Excerpt {
    fn new(diagnostic: &Diagnostic, room: usize) -> Self {
        let source = &diagnostic.place.source;
        let span = source.clamp_span(diagnostic.place.span);
        let location = source.locate(span);
        // Of a finding that covers many lines, such as an object, the first is shown.
        // Nor are more bytes looked at than may be shown: there may be many findings in a long line. Those that are cut off
        // hold at least one character more than there is room for.
        let reach = room * 4 + 8;
        let inside = source.clamp_span(Span::new(span.start, span.end.min(span.start.saturating_add(reach as u32))));
        let first = source.slice(inside).find('\n').map_or(inside, |end| Span::new(span.start, span.start + end as u32));
        let lines = source.snippet_around(first, 0, reach);
        // The finding may be at the end of the line, which the snippet omits.
        let (lead, rest) = lines.text.split_at(((span.start - lines.start) as usize).min(lines.text.len()));
        let (inside, tail) = rest.split_at((first.len() as usize).min(rest.len()));
        // Text that does not fit is cut at both ends, and at the end of a long finding.
        let count = |text: &str| text.chars().take(room).count();
        let spare = room - count(inside).min(room * 3 / 4);
        let behind = count(tail).min(spare - count(lead).min(spare / 2));
        let before = count(lead).min(spare - behind);
        let skip = lead.char_indices().rev().take(before).last().map_or(lead.len(), |(at, _)| at);
        let most = room - before;
        let end = rest.char_indices().nth(most).map_or(rest.len(), |(at, _)| at);
        let shown = &lines.text[skip..lead.len() + end];
        let mut snippet = Self {
            name: one_line(&location.file).into_owned(),
            text: String::with_capacity(shown.len() + 8),
            offsets: Vec::with_capacity(shown.len() + 1),
            from: lines.start + skip as u32,
            line: location.start.line as usize - 1,
            at: (location.start.line as usize - 1, location.start.column as usize - 1),
        };
        if skip > 0 {
            snippet.text.push('…');
        }
        for c in shown.chars() {
            snippet.offsets.resize(snippet.offsets.len() + c.len_utf8(), snippet.text.len());
            // One character for one character, so that marks stay in place.
            snippet.text.push(match c {
                '\t' => ' ',
                '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
                c if is_unprintable(c) => '\u{fffd}',
                c => c,
            });
        }
        snippet.offsets.push(snippet.text.len());
        if lead.len() + end < lines.text.len() {
            snippet.text.push('…');
        }
        snippet
    }

    fn covers(&self, span: Span) -> bool {
        span.start >= self.from && ((span.start - self.from) as usize) < self.offsets.len()
    }

    fn map(&self, span: Span) -> SourceSpan {
        let last = self.offsets.len() - 1;
        let offset = |at: u32| self.offsets[(at.saturating_sub(self.from) as usize).min(last)];
        let (start, end) = (offset(span.start), offset(span.end));
        (start, end.saturating_sub(start)).into()
    }

    fn finish(&mut self) {
        self.text.push('\n');
        self.offsets = Vec::new();
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(&'a self, span: &SourceSpan, _before: usize, _after: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let _ = span;
        let whole: SourceSpan = (0, self.text.len()).into();
        let contents = MietteSpanContents::new_named(self.name.clone(), self.text.as_bytes(), whole, self.line, self.at.1, 1);
        Ok(Box::new(contents))
    }
}
