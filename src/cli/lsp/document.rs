//! The text of an open document, with positions and changes in the protocol's units.

use chancery_core::growth::{step, steps};
use lsp_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

/// How columns are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
    Utf32,
}

impl Encoding {
    /// The best encoding that the client offers; every client supports UTF-16.
    pub fn negotiated(offered: Option<&[PositionEncodingKind]>) -> Self {
        let offers = |kind: &PositionEncodingKind| offered.is_some_and(|offered| offered.contains(kind));
        if offers(&PositionEncodingKind::UTF8) {
            Self::Utf8
        } else if offers(&PositionEncodingKind::UTF32) {
            Self::Utf32
        } else {
            Self::Utf16
        }
    }

    fn length(self, c: char) -> u32 {
        match self {
            Self::Utf8 => c.len_utf8() as u32,
            Self::Utf16 => c.len_utf16() as u32,
            Self::Utf32 => 1,
        }
    }
}

impl From<Encoding> for PositionEncodingKind {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::UTF8,
            Encoding::Utf16 => Self::UTF16,
            Encoding::Utf32 => Self::UTF32,
        }
    }
}

/// A text with the starts of its lines.
pub struct Document {
    text: String,
    version: i32,
    encoding: Encoding,
    // Byte offsets of line starts. In the protocol, a lone carriage return ends a line too.
    lines: Vec<usize>,
    // Of long lines, every this many bytes: the byte and its column, so that a place in one is found without counting from its
    // beginning. In order.
    columns: Vec<(usize, u32)>,
}

/// This many bytes of a line are counted through at most.
const STRIDE: usize = 1024;

impl Document {
    pub fn new(text: String, version: i32, encoding: Encoding) -> Self {
        let lines = lines(&text);
        let columns = columns(&text, &lines, encoding);
        Self { text, version, encoding, lines, columns }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn version(&self) -> i32 {
        self.version
    }

    /// Applies changes in order; a change without a range replaces the whole text.
    pub fn change(&mut self, changes: Vec<TextDocumentContentChangeEvent>, version: i32) {
        for change in changes {
            match change.range {
                Some(range) => {
                    let (start, end) = (self.offset(range.start), self.offset(range.end));
                    self.text.replace_range(start.min(end)..end.max(start), &change.text);
                }
                None => self.text = change.text,
            }
            self.lines = lines(&self.text);
            self.columns = columns(&self.text, &self.lines, self.encoding);
        }
        self.version = version;
    }

    /// The byte at a position; a position after the end of a line is the end of the line.
    pub fn offset(&self, position: Position) -> usize {
        let Some(start) = self.lines.get(position.line as usize).copied() else { return self.text.len() };
        let next_line = self.lines.get(position.line as usize + 1).copied().unwrap_or(usize::MAX);
        let (from, to) = (self.columns.partition_point(|(at, _)| *at < start), self.columns.partition_point(|(at, _)| *at < next_line));
        let known = self.columns[from..to].partition_point(|(_, column)| *column <= position.character);
        let (mut at, column) = known.checked_sub(1).map_or((start, 0), |before| self.columns[from + before]);
        let mut left = position.character - column;
        for c in self.line(at).chars() {
            let length = self.encoding.length(c);
            if left < length {
                break;
            }
            left -= length;
            at += c.len_utf8();
        }
        at
    }

    /// The position of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset) - 1;
        let known = self.columns.partition_point(|(at, _)| *at <= offset).checked_sub(1).map(|before| self.columns[before]);
        let (from, column) = known.filter(|(at, _)| *at >= self.lines[line]).unwrap_or((self.lines[line], 0));
        step();
        steps(offset - from);
        let further: u32 = self.text[from..offset].chars().map(|c| self.encoding.length(c)).sum();
        Position { line: line as u32, character: column + further }
    }

    pub fn range(&self, start: usize, end: usize) -> Range {
        Range { start: self.position(start), end: self.position(end) }
    }

    fn line(&self, start: usize) -> &str {
        let rest = &self.text[start..];
        &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())]
    }
}

fn lines(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    std::iter::once(0).chain((0..bytes.len()).filter(ends).map(|at| at + 1)).collect()
}

fn columns(text: &str, lines: &[usize], encoding: Encoding) -> Vec<(usize, u32)> {
    let mut columns = Vec::new();
    for (number, start) in lines.iter().enumerate() {
        let end = lines.get(number + 1).copied().unwrap_or(text.len());
        if end - start <= STRIDE {
            continue;
        }
        let (mut last, mut column) = (*start, 0);
        for (at, c) in text[*start..end].char_indices() {
            if start + at >= last + STRIDE {
                last = start + at;
                columns.push((last, column));
            }
            column += encoding.length(c);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_long_lines_are_found_too() {
        let text = format!("short\n{}\r\n{}", "a\u{e9}\u{1f600}".repeat(1000), "x".repeat(3000));
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let document = Document::new(text.clone(), 1, encoding);
            for (at, _) in text.char_indices().filter(|(at, c)| !matches!(c, '\r' | '\n') && (at % 7 == 0 || at % 1024 < 8)) {
                let position = document.position(at);
                let line = document.lines[position.line as usize];
                let column: u32 = text[line..at].chars().map(|c| encoding.length(c)).sum();
                assert_eq!((position.character, document.offset(position)), (column, at));
            }
            assert_eq!(document.offset(Position::new(1, 99_999)), 6 + 7000, "a column behind the line is its end");
        }
    }

    #[test]
    fn positions_and_bytes_turn_into_each_other() {
        let text = "a\u{e9}\u{1f600}b\r\nx\ry\n";
        for (encoding, columns) in [(Encoding::Utf8, 8), (Encoding::Utf16, 5), (Encoding::Utf32, 4)] {
            let document = Document::new(text.to_owned(), 1, encoding);
            assert_eq!(document.position(8), Position::new(0, columns));
            assert_eq!(document.offset(Position::new(0, columns)), 8);
            assert_eq!(document.offset(Position::new(0, 99)), 8, "a column behind the line is its end");
            assert_eq!(document.position(10), Position::new(1, 0));
            assert_eq!(document.position(12), Position::new(2, 0));
            assert_eq!(document.position(99), Position::new(3, 0));
            assert_eq!(document.offset(Position::new(9, 9)), text.len());
            for (at, _) in text.char_indices().filter(|(_, c)| !matches!(c, '\r' | '\n')) {
                assert_eq!(document.offset(document.position(at)), at);
            }
        }
    }

    #[test]
    fn changes_are_applied_in_order() {
        let mut document = Document::new("one\ntwo\n".to_owned(), 1, Encoding::Utf16);
        let change = |range: Option<Range>, text: &str| TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() };
        let range = |line, from, to| Some(Range { start: Position::new(line, from), end: Position::new(line, to) });
        document.change(vec![change(range(1, 0, 3), "2\n3"), change(range(2, 1, 1), "!")], 2);
        assert_eq!((document.text(), document.version()), ("one\n2\n3!\n", 2));
        document.change(vec![change(None, "new")], 3);
        assert_eq!(document.text(), "new");
    }
}
