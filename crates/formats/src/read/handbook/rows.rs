//! Rows: the lines of an entry that are its text, without page furniture.

use super::spanned_text::SpannedText;

/// A line of a section or of the narrative.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub piece: SpannedText,
    /// Whether blank lines or page furniture are before it.
    pub gap: bool,
}
