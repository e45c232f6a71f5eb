//! Text: Unicode NFC, LF line endings, no surrounding white space.
//!
//! Deliberately minimal: inner blanks, no-break spaces, quotes and dashes are kept, compatibility forms (`³³`, `ﬁ`)
//! stay, and control characters are left for the schema to reject. Text that is only white space is not changed.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The normal form of `text`; borrowed if it is unchanged.
#[must_use]
pub fn normal(text: &str) -> Cow<'_, str> {
    // Nearly all text returns here.
    let bytes = text.as_bytes();
    if let ([first, .., last] | [first @ last], true) = (bytes, bytes.is_ascii())
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return lines(text);
    }
    let trimmed = text.trim_matches(is_blank);
    if trimmed.is_empty() {
        return Cow::Borrowed(text);
    }
    if trimmed.is_ascii() {
        return lines(trimmed);
    }
    if is_nfc_quick(trimmed.chars()) == IsNormalized::Yes {
        return lines(trimmed);
    }
    let composed: String = trimmed.nfc().collect();
    Cow::Owned(lines(&composed).into_owned())
}

// White space, and the byte order mark, which editors leave at the start of pasted text.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn lines(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_and_what_stays() {
        for (text, expected) in [
            (" a b ", "a b"),
            ("\u{a0}a\u{a0}b\t", "a\u{a0}b"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("Cafe\u{301}", "Café"),
            ("\u{feff}a", "a"),
            ("x³³ ﬁ", "x³³ ﬁ"),
            ("a\u{0}b", "a\u{0}b"),
            ("  ", "  "),
            ("", ""),
            ("a  b", "a  b"),
            // NFC keeps these two characters separate.
            ("\u{958}", "\u{915}\u{93c}"),
        ] {
            assert_eq!(normal(text), expected, "{text:?}");
        }
    }
}
