//! Locations in text: a [`Span`] counts bytes inside one [`Source`](super::Source), a [`Position`] counts from the file's start.

/// A range of bytes inside one [`Source`](super::Source): `start` inclusive, `end` exclusive.
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

/// A position in a file: byte offset from 0, line and column from 1.
///
/// Columns count Unicode scalar values; LF, CRLF and a lone CR end a line. A byte order mark
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

    /// The position after `text`, which does not end between CR and LF.
    #[must_use]
    pub fn after(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let byte = self.byte + bytes.len() as u64;
        let returns = memchr::memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n'));
        match memchr::memrchr2(b'\n', b'\r', bytes) {
            None => Self { byte, line: self.line, column: self.column.saturating_add(count(text)) },
            Some(last) => {
                let lines = memchr::memchr_iter(b'\n', bytes).count() + returns.count();
                Self { byte, line: self.line + lines as u64, column: 1 + count(&text[last + 1..]) }
            }
        }
    }

    /// Like [`Position::after`], with an LF that belongs to a CR at the end of `text`.
    #[must_use]
    pub(super) fn after_return(self, text: &str) -> Self {
        let before = self.after(text.strip_suffix('\r').unwrap_or(text));
        Self { byte: before.byte + 1, line: before.line, column: before.column.saturating_add(1) }
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
