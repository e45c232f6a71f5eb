//! What keeps a statement from being read: it is denied, reported, wished for or conditional.

use std::ops::Range;

use super::super::template::Template;
use super::sentences::{has, phrases};

/// Whether a sentence reports what others say, or wishes, before a part of it, or takes it back after it.
pub(super) fn is_reported(form: &Template, lower: &str, at: usize) -> bool {
    let prose = &form.prose;
    has(&lower[..at], &prose.reported) || has(lower, &prose.disputed) || has(&lower[..at], &prose.conditional)
}

/// Whether a part of a text denies.
pub(super) fn is_denied(form: &Template, lower: &str) -> bool {
    has(lower, &form.prose.negations) || lower.contains("n't ") || lower.contains("n’t ")
}

/// Where a list of what is stated ends: at words that except from it or go over to something else.
pub(super) fn scope(form: &Template, lower: &str, within: Range<usize>) -> Range<usize> {
    let part = &lower[within.clone()];
    let end = form.prose.scope_ends.iter().filter_map(|phrase| phrases(part, phrase).next()).min().unwrap_or(part.len());
    within.start..within.start + end
}
