//! Text with the source location of every byte.
//!
//! A value of a page can extend over several lines, with a note mark or a page break inside. A [`SpannedText`] is such a text after
//! joining, and keeps its locations while it is split, trimmed and joined.

use std::ops::Range;

use chancery_core::source::{Source, Span};
use chancery_core::tree::Text;

/// What a line ends with in place of a hyphen that is undone: the soft hyphen of Unicode, which is not shown.
pub(super) const SOFT: char = '\u{ad}';

/// A text and the offset in the source of each of its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct SpannedText {
    text: String,
    // As long as `text`. A blank put in between two lines stands where the first ends.
    spans: Vec<u32>,
}

impl SpannedText {
    /// What `span` of the source has.
    pub(super) fn of(source: &Source, span: Span) -> Self {
        Self { text: source.slice(span).to_owned(), spans: (span.start..span.end).collect() }
    }

    /// A text whose bytes stand at those places.
    pub(super) fn at(text: &str, places: &[u32]) -> Self {
        Self { text: text.to_owned(), spans: places.to_vec() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts another character in the place of the last one.
    pub(super) fn replace_last(&mut self, c: char) {
        if self.text.pop().is_some() {
            let place = self.spans[self.text.len()];
            self.spans.truncate(self.text.len());
            self.text.push(c);
            self.spans.resize(self.text.len(), place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// From the first byte to the last, with what the source has in between.
    pub(super) fn span(&self) -> Span {
        match (self.spans.first(), self.spans.last()) {
            (Some(&first), Some(&last)) => Span::new(first, last + 1),
            _ => Span::default(),
        }
    }

    /// Where a part of this text begins in it.
    pub(super) fn offset_of(&self, part: &Self) -> Option<usize> {
        let first = part.spans.first()?;
        self.spans.iter().position(|place| place == first)
    }

    /// For a tree: the source's own bytes where they are the text.
    pub(super) fn as_text(&self) -> Text<'_> {
        let span = self.span();
        // Offsets grow but at a blank that was put in; so as many bytes as the span covers, each once, are all of them.
        if span.len() as usize == self.text.len() && self.spans.windows(2).all(|pair| pair[0] < pair[1]) {
            Text::Source(span)
        } else {
            Text::Owned(&self.text)
        }
    }

    /// A part of the text; the range has to lie at borders of characters.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        Self { text: self.text[range.clone()].to_owned(), spans: self.spans[range].to_vec() }
    }

    /// Without white space around.
    pub(super) fn trim(&self) -> Self {
        self.trim_matches(is_space)
    }

    /// Without such characters around.
    pub(super) fn trim_matches(&self, what: impl Fn(char) -> bool) -> Self {
        let start = self.text.len() - self.text.trim_start_matches(&what).len();
        let end = start + self.text[start..].trim_end_matches(&what).len();
        self.slice(start..end)
    }

    /// Adds a blank and `other`; none if a word is broken at a hyphen, or where one of the two is empty. A hyphen that a printer put
    /// in is dropped.
    pub(super) fn join(&mut self, other: &Self) {
        if self.text.ends_with(SOFT) && !other.is_empty() {
            self.text.pop();
            self.spans.truncate(self.text.len());
        } else if !self.is_empty() && !other.is_empty() && (!ends_in_hyphen(&self.text) || leaves_part_out(&other.text)) {
            let last = self.spans[self.spans.len() - 1];
            self.text.push(' ');
            self.spans.push(last);
        }
        self.push(other);
    }

    /// Adds `other` as it is.
    pub(super) fn push(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.spans.extend_from_slice(&other.spans);
    }

    /// The parts between such characters, trimmed; empty ones are omitted.
    pub(super) fn split(&self, what: impl Fn(char) -> bool) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        for (at, c) in self.text.char_indices().filter(|(_, c)| what(*c)).chain([(self.text.len(), ' ')]) {
            let part = self.slice(start..at).trim();
            if !part.is_empty() {
                parts.push(part);
            }
            start = (at + c.len_utf8()).min(self.text.len());
        }
        parts
    }

    /// The parts between commas that stand outside brackets, trimmed.
    pub(super) fn split_list(&self) -> Vec<Self> {
        self.split_outside(',')
    }

    /// The parts between such marks that stand outside brackets, trimmed.
    pub(super) fn split_outside(&self, mark: char) -> Vec<Self> {
        let mut depth = 0_i32;
        let mut borders = Vec::new();
        for (at, c) in self.text.char_indices() {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                c if c == mark && depth <= 0 => borders.push(at),
                _ => {}
            }
        }
        let mut parts = Vec::new();
        let mut start = 0;
        for at in borders.into_iter().chain([self.text.len()]) {
            let part = self.slice(start..at).trim();
            if !part.is_empty() {
                parts.push(part);
            }
            start = (at + 1).min(self.text.len());
        }
        parts
    }
}

// A hyphen after a letter, at the end of a line.
fn ends_in_hyphen(text: &str) -> bool {
    let mut back = text.chars().rev();
    back.next() == Some('-') && back.next().is_some_and(char::is_alphabetic)
}

// A word after a hyphen that stands for a part left out, as in `customs- and border management`.
fn leaves_part_out(text: &str) -> bool {
    ["and ", "or ", "to "].iter().any(|word| text.starts_with(word))
}

/// White space as it comes from pages: that of Unicode, a byte order mark and the blank of no width included.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_text_points_from_its_first_byte_to_its_last() {
        let source = Source::whole("p", "one\n two-\nthree, four");
        let mut piece = SpannedText::of(&source, Span::new(0, 3));
        piece.join(&SpannedText::of(&source, Span::new(5, 9)));
        piece.join(&SpannedText::of(&source, Span::new(10, 21)));
        assert_eq!(piece.text(), "one two-three, four");
        assert_eq!(piece.span(), Span::new(0, 21));
        let parts = piece.split(|c| c == ',');
        assert_eq!((parts[0].span(), parts[1].span()), (Span::new(0, 15), Span::new(17, 21)));
        assert!(matches!(parts[0].as_text(), Text::Owned("one two-three")));
        assert!(matches!(parts[1].as_text(), Text::Source(_)));
    }
}
