//! Adapters: the text of marked-up files in the shape that plain pages have.
//!
//! A heading, a paragraph and a list become blocks parted by blank lines; an item gets a bullet; raised digits become superscript
//! digits, so that note marks are recognised however they are written.

pub(super) mod docx;
pub(super) mod html;

/// The superscript form of a digit.
fn raised(c: char) -> char {
    match c {
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        '0' | '4'..='9' => char::from_u32(0x2070 + (c as u32 - u32::from(b'0'))).unwrap_or(c),
        c => c,
    }
}
