//! Rows and cells in bytes: RFC 4180 with common extensions.
//!
//! A quote opens a quoted cell only at the start of the cell; anywhere else it is text. Text after a closing quote
//! belongs to the cell. LF, CRLF and a lone CR end a row outside quotes.

use chancery_core::source::Span;

/// One cell as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// All its bytes, quotes included.
    pub span: Span,
    pub quoted: bool,
    /// The bytes between the quotes are the text.
    pub plain: bool,
    /// A quote that does not stand as RFC 4180 has it.
    pub stray: Option<u32>,
}

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a line end.
    Line,
    /// With the bytes, or with a CR that is the last of them: an LF may follow.
    Input,
    /// With the bytes, inside a quoted cell that began here.
    Quoted(usize),
}

/// Reads one row from `at`, which is left after its line end.
pub(super) fn row(bytes: &[u8], at: &mut usize, delimiter: u8, cells: &mut Vec<Cell>) -> End {
    row_up_to(bytes, at, delimiter, cells, usize::MAX).0
}

/// As [`row`]; no more than `most` cells are kept, and their number is returned too.
pub(super) fn row_up_to(bytes: &[u8], at: &mut usize, delimiter: u8, cells: &mut Vec<Cell>, most: usize) -> (End, usize) {
    cells.clear();
    let mut count = 0;
    loop {
        let start = *at;
        let mut plain = true;
        let mut stray = None;
        let quoted = bytes.get(start) == Some(&b'"');
        if quoted {
            let mut from = start + 1;
            loop {
                let Some(found) = memchr::memchr(b'"', &bytes[from..]) else {
                    *at = bytes.len();
                    return (End::Quoted(start), count);
                };
                from += found + 1;
                if bytes.get(from) != Some(&b'"') {
                    break;
                }
                plain = false;
                from += 1;
            }
            *at = from;
        }
        let behind = *at;
        let stop = memchr::memchr3(delimiter, b'\n', b'\r', &bytes[behind..]).map_or(bytes.len(), |found| behind + found);
        if quoted && stop > behind {
            plain = false;
            stray = Some(behind as u32 - 1);
        } else if !quoted {
            stray = memchr::memchr(b'"', &bytes[start..stop]).map(|found| (start + found) as u32);
        }
        count += 1;
        if count <= most {
            cells.push(Cell { span: Span::new(start as u32, stop as u32), quoted, plain, stray });
        }
        match line_end(bytes, stop) {
            Some(length) => {
                *at = stop + length;
                return (End::Line, count);
            }
            None if bytes.get(stop) == Some(&delimiter) => *at = stop + 1,
            None => {
                *at = bytes.len();
                return (End::Input, count);
            }
        }
    }
}

/// Length of the line end that is at `at`; `None` if there is none, or a CR that is the last byte.
pub(super) fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at)?, bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(2),
        (b'\n', _) | (b'\r', Some(_)) => Some(1),
        _ => None,
    }
}

/// The offset after the next line end from `at` on, if it is whole.
pub(super) fn next_line(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + memchr::memchr2(b'\n', b'\r', bytes.get(at..)?)?;
    line_end(bytes, end).map(|length| end + length)
}

/// Length of the whole rows at the start of `bytes`, found by jumping from quote to quote.
pub(super) fn whole_rows(bytes: &[u8], delimiter: u8, comment: Option<u8>) -> usize {
    let mut whole = 0;
    let mut at = 0;
    loop {
        let quote = memchr::memchr(b'"', &bytes[at..]).map(|found| at + found);
        let outside = &bytes[at..quote.unwrap_or(bytes.len())];
        // An LF may follow a CR that is the last byte.
        let outside = if quote.is_none() { outside.strip_suffix(b"\r").unwrap_or(outside) } else { outside };
        if let Some(line) = memchr::memrchr2(b'\n', b'\r', outside) {
            whole = at + line + 1;
        }
        let Some(quote) = quote else { return whole };
        if comment.is_some() && bytes.get(whole).copied() == comment {
            // A quote in a comment is none.
            let Some(end) = next_line(bytes, quote) else { return whole };
            at = end;
            whole = at;
            continue;
        }
        at = quote + 1;
        if quote > 0 && !(bytes[quote - 1] == delimiter || matches!(bytes[quote - 1], b'\n' | b'\r')) {
            continue;
        }
        loop {
            let Some(found) = memchr::memchr(b'"', &bytes[at..]) else { return whole };
            at += found + 1;
            match bytes.get(at) {
                Some(b'"') => at += 1,
                Some(_) => break,
                // It may be the first of two.
                None => return whole,
            }
        }
    }
}

/// Goes over a row too large to be held, piece by piece.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Skip {
    /// Where a cell begins.
    #[default]
    Cell,
    /// In text without quotes, or after a closing quote.
    Bare,
    /// Inside quotes.
    Quoted,
    /// After a quote that closes, or is the first of two.
    Quote,
    /// After a CR that ends the row; an LF may belong to it.
    Return,
}

impl Skip {
    /// The offset after the row's line end, if that is in the next `bytes`.
    pub fn over(&mut self, bytes: &[u8], delimiter: u8) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            *self = match (*self, *byte) {
                (Self::Return, b'\n') => return Some(at + 1),
                (Self::Return, _) => return Some(at),
                (Self::Quoted, b'"') => Self::Quote,
                (Self::Cell | Self::Quote, b'"') | (Self::Quoted, _) => Self::Quoted,
                (_, b'\n') => return Some(at + 1),
                (_, b'\r') => Self::Return,
                (_, byte) if byte == delimiter => Self::Cell,
                _ => Self::Bare,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_and_reading_agree() {
        let text = "a,\"x\ny\",5\" pipe\n\"\"\"\",b\"\n,\"\"\"\n\"\"\",z\nrest,\"no end\n";
        for text in [text.to_owned(), text.replace('\n', "\r"), text.replace('\n', "\r\n"), text.replace("pipe\n", "pipe\r\r\n")] {
            borders_agree(&text);
        }
    }

    fn borders_agree(text: &str) {
        let mut borders = Vec::new();
        let mut at = 0;
        let mut cells = Vec::new();
        while row(text.as_bytes(), &mut at, b',', &mut cells) == End::Line {
            borders.push(at);
        }
        for length in 0..=text.len() {
            // An LF may follow a CR at the end.
            let is_open = text[..length].ends_with('\r');
            let is_whole = |border: &usize| *border < length || *border == length && !is_open;
            let last = borders.iter().copied().filter(is_whole).max().unwrap_or(0);
            assert_eq!(whole_rows(&text.as_bytes()[..length], b',', None), last, "of the first {length} bytes");
        }
    }

    #[test]
    fn a_quote_in_a_comment_is_none() {
        assert_eq!(whole_rows(b"a,b\n# x,\"y\n1,2\n3", b',', Some(b'#')), 15);
    }
}
