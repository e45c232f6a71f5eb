//! Source text that knows its file and its position in that file.
//!
//! A [`Source`] is one window of one input. Most contain a single segment of a file; a window that needs text from
//! elsewhere (the header of a CSV table, the rows of a child table) consists of several segments, each with its own
//! file and position.

mod feed;
mod format;
pub mod kind;
mod span;

use std::sync::{Arc, OnceLock};

pub use feed::{InputBuffer, InvalidBytes, ReadError};
pub use format::Format;
pub use kind::Kind as FileKind;
pub use span::{Position, Span};

/// A window of input as UTF-8 text, with the file and position of each byte.
///
/// Offsets into it are [`Span`]s, so a window is shorter than 4 GiB.
#[derive(Debug)]
pub struct Source {
    text: String,
    // In order of `start`, the first at 0; never empty.
    segments: Vec<Segment>,
    // Offset and position about every `LINE_INDEX_STEP` bytes, computed on first use: otherwise a window of many
    // records would be scanned from its start for each key.
    line_index: OnceLock<Vec<LinePosition>>,
}

// A place in a window.
#[derive(Clone, Copy, Debug)]
struct LinePosition {
    at: u32,
    position: Position,
    // The start of its line, if it is in the segment.
    line: u32,
}

const LINE_INDEX_STEP: usize = 4096;

#[derive(Debug)]
struct Segment {
    start: u32,
    name: Arc<str>,
    base: Position,
}

impl Segment {
    fn begin(&self) -> LinePosition {
        LinePosition { at: self.start, position: self.base, line: self.start }
    }
}

// Counts the bytes that are looked at to find places, so that a test can measure how that grows.
#[cfg(not(any(test, feature = "testing")))]
fn count_bytes(_: usize) {}

#[cfg(any(test, feature = "testing"))]
thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[cfg(any(test, feature = "testing"))]
fn count_bytes(bytes: usize) {
    BYTES.with(|count| count.set(count.get() + bytes as u64));
}

/// The bytes that were looked at to find places so far.
#[cfg(any(test, feature = "testing"))]
pub fn counted_bytes() -> u64 {
    BYTES.with(std::cell::Cell::get)
}

/// The location of a span in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The display name of the file.
    pub file: Arc<str>,
    /// The first byte covered.
    pub start: Position,
    /// One past the last byte covered.
    pub end: Position,
}

/// The lines around a span, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snippet<'s> {
    /// Whole lines of the window that the span touches, without the last line end.
    pub text: &'s str,
    /// Where `text` begins in the window.
    pub start: u32,
}

impl Source {
    /// A whole file.
    #[must_use]
    pub fn whole(name: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        Self::window(name, text, Position::START)
    }

    /// A part of a file that begins at `base`.
    #[must_use]
    pub fn window(name: impl Into<Arc<str>>, text: impl Into<String>, base: Position) -> Self {
        Self { text: text.into(), segments: vec![Segment { start: 0, name: name.into(), base }], line_index: OnceLock::new() }
    }

    /// A location in a file whose text is not available: an empty window.
    #[must_use]
    pub fn detached(name: impl Into<Arc<str>>, base: Position) -> Self {
        Self::window(name, String::new(), base)
    }

    /// Adds a segment of another file, or of another part of the same file, and returns its offset.
    pub fn append(&mut self, name: impl Into<Arc<str>>, text: &str, base: Position) -> u32 {
        let start = self.len();
        self.text.push_str(text);
        self.segments.push(Segment { start, name: name.into(), base });
        self.line_index.take();
        start
    }

    /// The offset of the byte `at` of a file, if the window contains it.
    #[must_use]
    pub fn offset_of(&self, file: &str, at: u64) -> Option<u32> {
        let ends = self.segments.iter().skip(1).map(|next| next.start).chain([self.len()]);
        self.segments.iter().zip(ends).find_map(|(segment, end)| {
            let into = at.checked_sub(segment.base.byte).filter(|into| *into <= u64::from(end - segment.start))?;
            (*segment.name == *file).then(|| segment.start + into as u32)
        })
    }

    /// The same window with mask characters for every character in the spans `hidden`. They are as long as the
    /// characters, so that spans, lines and columns stay valid.
    #[must_use]
    pub fn redacted(&self, hidden: &[Span]) -> Self {
        let mut text = String::with_capacity(self.text.len());
        let mut hidden = hidden.to_vec();
        hidden.sort_by_key(|span| span.start);
        for span in hidden.into_iter().map(|span| self.clamp_span(span)) {
            // Spans may overlap: an alias and its anchor, a value and a derived one.
            let (start, end) = (span.start.max(text.len() as u32), span.end);
            if start < end {
                text.push_str(&self.text[text.len()..start as usize]);
                text.extend(self.text[start as usize..end as usize].chars().map(|c| match c.len_utf8() {
                    _ if matches!(c, '\n' | '\r') => c,
                    1 => '*',
                    2 => '\u{b7}',
                    3 => '\u{2022}',
                    _ => '\u{1f512}',
                }));
            }
        }
        text.push_str(&self.text[text.len()..]);
        let segments =
            self.segments.iter().map(|Segment { start, name, base }| Segment { start: *start, name: Arc::clone(name), base: *base });
        Self { text, segments: segments.collect(), line_index: OnceLock::new() }
    }

    /// The window's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The window's text, so that its buffer can be reused.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.text.len()).expect("a window is shorter than 4 GiB")
    }

    /// Whether the window has no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The name of the file of the first segment.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.segments[0].name
    }

    /// The text of a span; if the span is not on character boundaries, that of [`Source::clamp_span`].
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        match self.text.get(span.range()) {
            Some(text) => text,
            None => &self.text[self.clamp_span(span).range()],
        }
    }

    /// The span limited to the text and widened to whole characters, so that it can be used to slice the text. A span
    /// that ends before it starts becomes an empty one at its start.
    #[must_use]
    pub fn clamp_span(&self, span: Span) -> Span {
        if span.start <= span.end && self.text.get(span.range()).is_some() {
            return span;
        }
        let start = self.floor(span.start as usize);
        let mut end = (span.end.max(start) as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Span::new(start, u32::try_from(end).unwrap_or(start))
    }

    /// The span of the character at `at`, or the empty span at `end`.
    #[must_use]
    pub fn character(&self, at: u32, end: u32) -> Span {
        if at < end { self.clamp_span(Span::new(at, at + 1)) } else { Span::at(at) }
    }

    /// The position of the byte at offset `at`.
    #[must_use]
    pub fn position(&self, at: u32) -> Position {
        let at = self.floor(at as usize);
        let segment = self.segment(at);
        if at > segment.start && self.is_inside_line_end(at as usize) {
            let Position { byte, line, column } = self.position(at - 1);
            return Position { byte: byte + 1, line, column: column.saturating_add(1) };
        }
        let from = self.nearest_position(at, segment);
        let text = &self.text[from.at as usize..at as usize];
        count_bytes(text.len());
        from.position.after(text)
    }

    // The last place known at or before `at`.
    fn nearest_position(&self, at: u32, segment: &Segment) -> LinePosition {
        let known = if self.text.len() > LINE_INDEX_STEP { self.line_index().get(at as usize / LINE_INDEX_STEP) } else { None };
        known.copied().filter(|known| known.at >= segment.start && known.at <= at).unwrap_or_else(|| segment.begin())
    }

    fn line_index(&self) -> &[LinePosition] {
        self.line_index.get_or_init(|| {
            let mut found: Vec<LinePosition> = Vec::with_capacity(self.text.len() / LINE_INDEX_STEP + 1);
            for at in (0..self.text.len()).step_by(LINE_INDEX_STEP) {
                let at = self.floor(at);
                let at = if self.is_inside_line_end(at as usize) { at - 1 } else { at };
                let segment = self.segment(at);
                let last = found.last().copied().filter(|last| last.at >= segment.start).unwrap_or_else(|| segment.begin());
                let text = &self.text[last.at as usize..at as usize];
                count_bytes(text.len());
                let end_of_line = memchr::memrchr2(b'\n', b'\r', text.as_bytes());
                let line = end_of_line.map_or(last.line, |end| last.at + end as u32 + 1);
                found.push(LinePosition { at, position: last.position.after(text), line });
            }
            found
        })
    }

    // Whether a byte is an LF after a CR, with which it ends one line.
    fn is_inside_line_end(&self, at: usize) -> bool {
        at > 0 && self.text.as_bytes().get(at) == Some(&b'\n') && self.text.as_bytes()[at - 1] == b'\r'
    }

    // The start of the character that contains the byte at `at`; the end of the text if `at` is after it.
    fn floor(&self, at: usize) -> u32 {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        u32::try_from(at).expect("a window is shorter than 4 GiB")
    }

    /// The file and positions of a span. If the span extends into another segment, it is limited to the first.
    #[must_use]
    pub fn locate(&self, span: Span) -> Location {
        let span = self.clamp_span(span);
        let segment = self.segment(span.start);
        let start = self.position(span.start);
        let end = span.end.min(self.end_of(span.start));
        let text = self.text.get(span.start as usize..end as usize).unwrap_or("");
        let is_split = !text.is_empty() && end < self.end_of(span.start) && self.is_inside_line_end(end as usize);
        let end = if is_split { start.after_return(text) } else { start.after(text) };
        Location { file: Arc::clone(&segment.name), start, end }
    }

    /// Like [`Source::locate`], for bytes to be replaced: an insertion is located after the byte before it, in the file
    /// of that byte.
    #[must_use]
    pub fn locate_edit(&self, span: Span) -> Location {
        if !span.is_empty() || span.start == 0 {
            return self.locate(span);
        }
        let Location { file, end, .. } = self.locate(self.anchor(span));
        Location { file, start: end, end }
    }

    /// The bytes that determine an edit's file: its own, or the character before it.
    #[must_use]
    pub fn anchor(&self, span: Span) -> Span {
        let span = self.clamp_span(span);
        let at = span.start as usize;
        if span.is_empty() && at > 0 { Span::new(self.floor(at - 1), span.start) } else { span }
    }

    /// The columns of a span's start and end in bytes, from 1; `None` if the line begins before the window, so that its
    /// first bytes are unknown.
    #[must_use]
    pub fn byte_columns(&self, span: Span) -> Option<(u64, u64)> {
        let span = self.clamp_span(span);
        let segment = self.segment(span.start);
        let column = |at: u32| {
            let is_split = at > segment.start && self.is_inside_line_end(at as usize);
            let from = self.nearest_position(at - u32::from(is_split), segment);
            let text = self.text.get(from.at as usize..(at - u32::from(is_split)) as usize)?;
            count_bytes(text.len());
            let end_of_line = memchr::memrchr2(b'\n', b'\r', text.as_bytes());
            let line = end_of_line.map_or(from.line, |end| from.at + end as u32 + 1);
            let column = u64::from(at - line) + 1;
            match line == segment.start {
                // On the first line of a file, the bytes before the window are those of the line.
                true if segment.base.line == 1 => Some(segment.base.byte + column),
                true if segment.base.column != 1 => None,
                _ => Some(column),
            }
        };
        Some((column(span.start)?, column(span.end.min(self.end_of(span.start)))?))
    }

    /// Whether a span is in a segment shared by many windows, such as the header of a table.
    #[must_use]
    pub fn is_shared(&self, span: Span) -> bool {
        // Of several segments, only a shared one begins where its file begins.
        let base = self.segment(span.start).base;
        self.segments.len() > 1 && (base.line, base.column) == (1, 1)
    }

    /// The segment that contains the byte at `at`.
    #[must_use]
    pub fn segment_at(&self, at: u32) -> Span {
        Span::new(self.segment(at).start, self.end_of(at))
    }

    /// Whether two bytes are in the same segment, so that the text between them connects them.
    #[must_use]
    pub fn is_one_segment(&self, from: u32, to: u32) -> bool {
        std::ptr::eq(self.segment(from), self.segment(to))
    }

    /// The lines that a span touches, within its segment.
    #[must_use]
    pub fn snippet(&self, span: Span) -> Snippet<'_> {
        self.snippet_around(span, 0, usize::MAX)
    }

    /// The lines that a span touches and this many lines of context, within its segment and `reach` bytes on either
    /// side: a longer line is cut, and costs no more than a short one.
    #[must_use]
    pub fn snippet_around(&self, span: Span, lines: usize, reach: usize) -> Snippet<'_> {
        let span = self.clamp_span(span);
        let bytes = self.text.as_bytes();
        let (first, end_of_segment) = (span.start as usize, self.end_of(span.start) as usize);
        let last = (span.end.max(span.start) as usize).min(end_of_segment);
        // A span that ends with a line end does not touch the next line.
        let last = if last > first && matches!(bytes[last - 1], b'\n' | b'\r') { last - 1 } else { last };
        let from = (self.segment(span.start).start as usize).max(self.floor(first.saturating_sub(reach)) as usize);
        let to = end_of_segment.min(self.floor(last.saturating_add(reach).min(bytes.len())) as usize);
        count_bytes(to - from);
        let start_of_line = |at: usize| {
            let at = if at > from && self.is_inside_line_end(at) { at - 1 } else { at };
            memchr::memrchr2(b'\n', b'\r', &bytes[from..at]).map_or(from, |end| from + end + 1)
        };
        // At the first byte of a line end.
        let end_of_line = |at: usize| {
            let at = if at > from && self.is_inside_line_end(at) { at - 1 } else { at };
            memchr::memchr2(b'\n', b'\r', &bytes[at..to]).map_or(to, |end| at + end)
        };
        let (mut start, mut end) = (start_of_line(first), end_of_line(last));
        for _ in 0..lines {
            if start > from {
                start = start_of_line(start - 1);
            }
            // There is no line after the last line end.
            let next = end + 1 + usize::from(self.is_inside_line_end(end + 1));
            if next < to {
                end = end_of_line(next);
            }
        }
        let text = &self.text[start..end];
        Snippet { text: text.strip_suffix('\r').unwrap_or(text), start: u32::try_from(start).unwrap_or(u32::MAX) }
    }

    // The segment that contains the byte at `at`; the end of the text belongs to the last.
    fn segment(&self, at: u32) -> &Segment {
        let after = self.segments.partition_point(|segment| segment.start <= at);
        &self.segments[after.max(1) - 1]
    }

    fn end_of(&self, at: u32) -> u32 {
        let after = self.segments.partition_point(|segment| segment.start <= at).max(1);
        self.segments.get(after).map_or(self.len(), |next| next.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_at_lf_cr_and_both() {
        let source = Source::whole("a.txt", "é\r\nb\rc");
        assert_eq!(source.position(2), Position { byte: 2, line: 1, column: 2 });
        assert_eq!(source.position(4), Position { byte: 4, line: 2, column: 1 });
        assert_eq!(source.position(3), Position { byte: 3, line: 1, column: 3 });
        assert_eq!(source.position(6), Position { byte: 6, line: 3, column: 1 });
        assert_eq!(source.locate(Span::new(2, 3)).end, Position { byte: 3, line: 1, column: 3 });
        assert_eq!(source.snippet(Span::new(4, 5)).text, "b");
        assert_eq!(source.snippet_around(Span::new(4, 5), 1, 99).text, "é\r\nb\rc");
        assert_eq!(source.byte_columns(Span::new(6, 7)), Some((1, 2)));
    }

    #[test]
    fn each_segment_keeps_its_place() {
        let mut source = Source::whole("t.csv", "a,b\n");
        let at = source.append("t.csv", "1,2\n3,4\n", Position { byte: 900, line: 101, column: 1 });
        let found = source.locate(Span::new(at + 4, at + 5));
        assert_eq!((found.start.byte, found.start.line, found.end.column), (904, 102, 2));
        assert_eq!(source.locate(Span::new(2, 3)).start, Position { byte: 2, line: 1, column: 3 });
        assert_eq!(source.snippet(Span::new(at + 4, at + 5)).text, "3,4");
        assert_eq!(source.snippet(Span::new(0, 1)).text, "a,b");
        // An insertion at the end of a segment belongs to that segment.
        source.append("t.csv", "a,b\n", Position::START);
        let found = source.locate_edit(Span::at(at + 8));
        assert_eq!((found.start.byte, found.end.byte, source.is_shared(Span::at(at + 8))), (908, 908, true));
        assert!(!source.is_shared(source.anchor(Span::at(at + 8))));
    }

    #[test]
    fn lines_around_end_with_their_segment_and_reach() {
        let mut source = Source::whole("t.csv", "a,b\n");
        let at = source.append("t.csv", "1,2\n3,4\né,6\n7,8\n", Position { byte: 900, line: 101, column: 1 });
        let around = |from, to, lines, reach| source.snippet_around(Span::new(at + from, at + to), lines, reach).text;
        assert_eq!(around(4, 5, 1, 99), "1,2\n3,4\né,6");
        assert_eq!(around(0, 1, 9, 99), "1,2\n3,4\né,6\n7,8");
        assert_eq!(around(4, 8, 1, 99), "1,2\n3,4\né,6");
        assert_eq!(around(13, 14, 2, 99), "3,4\né,6\n7,8");
        assert_eq!(around(17, 17, 1, 99), "7,8\n");
        assert_eq!(around(11, 12, 1, 2), "é,6\n7");
        assert_eq!(around(5, 6, 1, 0), ",");
        assert_eq!(source.snippet_around(Span::new(1, 2), 2, 99).text, "a,b");
    }

    #[test]
    fn places_in_long_windows_are_those_that_counting_gives() {
        let text = "aé\r\n€ b c d e f g\n\n".repeat(900) + &"é".repeat(5000);
        let base = Position { byte: 70, line: 8, column: 3 };
        let mut source = Source::window("t", text.clone(), base);
        assert_eq!(source.position(source.len()), base.after(&text));
        let at = source.append("u", &text, base);
        for offset in (0..source.len()).filter(|at| source.text.is_char_boundary(*at as usize)).step_by(37).chain([at, source.len()]) {
            let from = if offset < at { 0 } else { at };
            if source.is_inside_line_end(offset as usize) {
                assert_eq!(source.position(offset).line, source.position(offset - 1).line);
                continue;
            }
            let counted = base.after(&source.text()[from as usize..offset as usize]);
            assert_eq!(source.position(offset), counted, "{offset}");
        }
    }

    #[test]
    fn columns_in_bytes() {
        let source = Source::whole("a", "é=1\n日=2");
        assert_eq!(source.byte_columns(Span::new(3, 4)), Some((4, 5)));
        assert_eq!(source.byte_columns(Span::new(3, 9)), Some((4, 5)));
        let window = |line, column| Source::window("a", "éx\ny", Position { byte: 70, line, column });
        assert_eq!(window(1, 40).byte_columns(Span::new(2, 3)), Some((73, 74)));
        assert_eq!(window(9, 1).byte_columns(Span::new(2, 3)), Some((3, 4)));
        assert_eq!(window(9, 40).byte_columns(Span::new(2, 3)), None);
        assert_eq!(window(9, 40).byte_columns(Span::new(4, 5)), Some((1, 2)));
    }

    #[test]
    fn a_place_without_text_is_kept() {
        let base = Position { byte: 7, line: 3, column: 2 };
        assert_eq!(Source::detached("x.json", base).locate(Span::at(0)).start, base);
    }
}
