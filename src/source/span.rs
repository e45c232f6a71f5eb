//! Places in text: a [`Span`] counts bytes inside one [`Source`](super::Source), a [`Position`] counts from the file's start.

/// A run of bytes inside one [`Source`](super::Source): `start` included, `end` left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset one past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`, both byte offsets inside one source.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The empty span before byte `at`.
    #[must_use]
    pub const fn at(at: u32) -> Self {
        Self { start: at, end: at }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether no byte is covered.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a range for slicing.
    #[must_use]
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place in a file: byte offset from 0, line and column from 1.
///
/// Columns count Unicode scalar values; LF and CRLF end a line, a lone CR does not. A byte order mark
/// counts in `byte` and not in `column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Offset in bytes from the start of the file, from 0.
    pub byte: u64,
    /// Line, from 1.
    pub line: u64,
    /// Column in Unicode scalar values, from 1.
    pub column: u32,
}

impl Position {
    /// The start of a file.
    pub const START: Self = Self { byte: 0, line: 1, column: 1 };

    /// The place reached from here by reading past `text`.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let byte = self.byte + bytes.len() as u64;
        match memchr::memrchr(b'\n', bytes) {
            None => Self { byte, line: self.line, column: self.column.saturating_add(count(text)) },
            Some(last) => {
                Self { byte, line: self.line + memchr::memchr_iter(b'\n', bytes).count() as u64, column: 1 + count(&text[last + 1..]) }
            }
        }
    }
}

impl Default for Position {
    fn default() -> Self {
        Self::START
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
