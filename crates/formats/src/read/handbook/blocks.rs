//! Blocks of running text, with the note marks that were taken out of them.

use super::spanned_text::{SpannedText, is_space};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    Quotation,
    Heading,
    ListItem,
}

#[derive(Debug)]
pub(super) struct Block {
    pub text: SpannedText,
    pub kind: BlockKind,
    pub rows: usize,
    pub marks: Vec<Mark>,
}

/// A note mark: its number, its place, and where it stood in the text without marks.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub id: SpannedText,
    pub digits: String,
    pub at: usize,
}

/// The number that a note begins with, before its text.
pub(super) fn note_number(row: &str) -> Option<u32> {
    let digits = row.bytes().take_while(u8::is_ascii_digit).count();
    let rest = row[digits..].strip_prefix('.').unwrap_or(&row[digits..]);
    let text = rest.trim_start_matches(is_space);
    let begins = text.len() < rest.len() && text.starts_with(|c: char| c.is_uppercase() || matches!(c, '"' | '“'));
    ((1..=4).contains(&digits) && begins).then(|| row[..digits].parse().ok()).flatten()
}
