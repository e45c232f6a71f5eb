//! Tells lines of running text from lines of a header.

use super::spanned_text::is_space;

/// Superscript digits, from both of their Unicode blocks.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}' | '\u{2074}'..='\u{2079}')
}

/// Whether a block of lines is running text: a long line, a sentence, or lines that were wrapped.
pub(super) fn is_prose(rows: &[&str]) -> bool {
    const LONG: usize = 80;
    const WRAPPED: usize = 50;
    let Some(first) = rows.first() else { return false };
    let length = |row: &str| row.chars().count();
    let words = first.split(is_space).count();
    let small = first.split(is_space).filter(|word| word.starts_with(char::is_lowercase)).count();
    let sentence = first.trim_end_matches(is_mark).ends_with(['.', '!', '?', '”']) || first.ends_with(".\"");
    length(first) > LONG
        || (sentence && words >= 5 && small >= 2)
        || (rows.len() > 1 && length(first) >= WRAPPED && words >= 7 && small >= 3)
}

/// Whether a text ends as a sentence or a quotation does.
pub(super) fn is_closed(text: &str) -> bool {
    // Marks and quotes after a stop are few.
    const NEAR: usize = 200;
    let text = &text[text.floor_char_boundary(text.len().saturating_sub(NEAR))..];
    let text = text.strip_suffix("</sup>").unwrap_or(text);
    let mark = |c: char| is_mark(c) || c.is_ascii_digit() || matches!(c, '"' | '”' | '’' | '\'' | ')' | ']' | '[' | '»' | '>');
    let text = text.trim_end_matches(mark);
    let text = text.strip_suffix("<sup").unwrap_or(text);
    text.ends_with(['.', '!', '?', ':', ';'])
}

/// Whether the next line goes on with a text that a page's end broke.
pub(super) fn goes_on(before: &str, row: &str) -> bool {
    row.starts_with(char::is_lowercase) && !is_closed(before)
}

/// Whether a line ends in a word after which a phrase goes on.
pub(super) fn is_open(row: &str) -> bool {
    const OPEN: [&str; 20] =
        ["of", "for", "and", "the", "on", "in", "to", "with", "by", "a", "an", "&", "at", "from", "or", "de", "des", "du", "et", "against"];
    row.ends_with([',', '-', '/']) || row.rsplit(is_space).next().is_some_and(|last| OPEN.contains(&last))
}
