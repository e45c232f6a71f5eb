//! A file of pages as one text with lines, whatever file it was.
//!
//! Plain text is taken as it is; an adapter gives the text of a marked-up file, with the place of each of its bytes in the file.
//! Spans of lines are of the document's text; a [`SpannedText`] made of one points into the source.

use std::sync::Arc;

use super::spanned_text::{SpannedText, is_space};
use chancery_core::source::{Source, Span};

/// The text of a source, and where it stands.
pub(super) struct Document {
    pub source: Arc<Source>,
    // The text an adapter made, and for each of its bytes the place in the source.
    adapted: Option<(String, Vec<u32>)>,
}

impl Document {
    /// A source that is the text.
    pub(super) fn plain(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), adapted: None }
    }

    /// A text made of a source; `places` has the place of each byte of `text`.
    pub(super) fn adapted(source: &Arc<Source>, text: String, places: Vec<u32>) -> Self {
        debug_assert_eq!(text.len(), places.len(), "each byte has a place");
        Self { source: Arc::clone(source), adapted: Some((text, places)) }
    }

    pub(super) fn text(&self) -> &str {
        self.adapted.as_ref().map_or(self.source.text(), |(text, _)| text)
    }

    /// What `span` of the text has.
    pub(super) fn piece(&self, span: Span) -> SpannedText {
        match &self.adapted {
            Some((text, places)) => SpannedText::at(&text[span.range()], &places[span.range()]),
            None => SpannedText::of(&self.source, span),
        }
    }

    /// The place in the source of an offset of the text.
    pub(super) fn place(&self, offset: u32) -> u32 {
        match &self.adapted {
            Some((_, places)) => places.get(offset as usize).copied().unwrap_or(self.source.len()),
            None => offset,
        }
    }
}

/// A line without the white space around it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where the whole line begins.
    pub start: u32,
    pub span: Span,
    pub indent: u32,
    /// Whether a form feed is before it.
    pub fed: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.span.is_empty()
    }

    pub(super) fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span.range()]
    }
}

/// The lines of a text; a form feed ends a line too.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut fed = false;
    while start < text.len() {
        let end = text[start..].find(['\n', '\u{c}']).map_or(text.len(), |at| start + at);
        let line = &text[start..end];
        let inner = line.trim_start_matches(is_space);
        let first = start + (line.len() - inner.len());
        let indent = line.chars().take_while(|c| is_space(*c)).filter(|c| *c != '\u{feff}').count();
        let last = first + inner.trim_end_matches(is_space).len();
        lines.push(Line { start: start as u32, span: Span::new(first as u32, last as u32), indent: indent as u32, fed });
        fed = text[end..].starts_with('\u{c}');
        start = end + 1;
    }
    lines
}
