//! Hides personal values in findings, so that a public log can show where something is wrong and not what stands there.
//!
//! In: the findings of a window, its personal values and its text. Out: the same findings at the same places; texts that
//! hold a personal value have [`HIDDEN`] instead, and the source that excerpts are cut from has marks of the same length.

use std::sync::Arc;

use crate::check::sensitive::Secret;
use crate::diagnostic::{Diagnostic, quote};
use crate::source::{Source, Span};

/// What stands for a personal value.
pub const HIDDEN: &str = "***";

/// Shorter values are hidden at their own place only, since they would be found in any text.
const TELLING: usize = 3;

/// Hides a record's personal values in what a finding says. Edits that would show one are taken away.
pub fn hide(note: &mut Diagnostic, secrets: &[Secret]) {
    let own = |secret: &&Secret| note.pointer.as_deref() == Some(&secret.pointer);
    let mut words: Vec<String> = secrets.iter().filter(own).flat_map(spellings).collect();
    words.extend(secrets.iter().flat_map(spellings).filter(|word| word.chars().count() >= TELLING));
    words.retain(|word| !word.is_empty());
    // Longer ones first: a short one may be a part of them.
    words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    let without = |text: &mut String| {
        for word in &words {
            if text.contains(word.as_str()) {
                let pieces: Vec<Span> = whole(text, word).collect();
                pieces.iter().rev().for_each(|piece| text.replace_range(piece.range(), HIDDEN));
            }
        }
    };
    without(&mut note.message);
    note.label.iter_mut().for_each(without);
    note.help.iter_mut().for_each(without);
    note.related.iter_mut().for_each(|related| without(&mut related.message));
    let shows = |text: &str| words.iter().any(|word| whole(text, word).next().is_some());
    let touches = |span: Span| secrets.iter().any(|secret| secret.span.start < span.end && span.start < secret.span.end);
    // A report may join several edits by the text between them, which holds marks then.
    let several = |fix: &crate::diagnostic::Fix| fix.edits.len() > 1 && !secrets.is_empty();
    if note
        .fix
        .as_ref()
        .is_some_and(|fix| several(fix) || fix.edits.iter().any(|edit| shows(&edit.text) || shows(edit.value()) || touches(edit.span)))
    {
        note.fix = None;
    }
}

/// Hides whatever a finding quotes: of a record that could not be read nobody knows what is personal in it.
pub fn hide_quoted(note: &mut Diagnostic) {
    let without = |text: &mut String| {
        let pieces: Vec<&str> = text.split('"').collect();
        let last = pieces.len() - 1;
        let piece = |(number, piece): (usize, &&str)| {
            let quoted = number % 2 == 1 && number < last;
            if quoted && piece.chars().count() >= TELLING { HIDDEN.to_owned() } else { (*piece).to_owned() }
        };
        *text = pieces.iter().enumerate().map(piece).collect::<Vec<_>>().join("\"");
    };
    without(&mut note.message);
    note.label.iter_mut().for_each(without);
    note.help.iter_mut().for_each(without);
    note.fix = None;
}

// A value as texts may show it: as it is, and as it looks in quotes, where long ones are cut.
fn spellings(secret: &Secret) -> impl Iterator<Item = String> {
    secret.texts.iter().flat_map(|text| {
        let quoted = quote(text, true);
        let inner = quoted[1..quoted.len() - 1].trim_end_matches('…').to_owned();
        [text.trim_matches('"').to_owned(), inner]
    })
}

// Where a text has a word that is no part of a longer one.
fn whole<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = Span> {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).map(|(at, word)| (at, at + word.len())).filter_map(move |(start, end)| {
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let inside =
            (is_part(first) && is_part(text[..start].chars().next_back())) || (is_part(last) && is_part(text[end..].chars().next()));
        (!inside).then(|| Span::new(start as u32, end as u32))
    })
}

/// Where a record's personal values stand in its text: each at its own place, and wherever else it is repeated.
#[must_use]
pub fn places(source: &Source, record: Span, secrets: &[Secret]) -> Vec<Span> {
    let text = source.slice(record);
    let mut places: Vec<Span> = secrets.iter().map(|secret| secret.span).collect();
    for word in secrets.iter().flat_map(spellings).filter(|word| word.chars().count() >= TELLING) {
        places.extend(whole(text, &word).map(|span| Span::new(record.start + span.start, record.start + span.end)));
    }
    places
}

/// Puts a window with marks for what is personal into the place of the one that was read.
pub struct Veil {
    source: Arc<Source>,
    veiled: Arc<Source>,
}

impl Veil {
    /// Over these spans of `source`.
    #[must_use]
    pub fn new(source: &Arc<Source>, hidden: &[Span]) -> Self {
        Self { source: Arc::clone(source), veiled: Arc::new(source.veiled(hidden)) }
    }

    /// Replaces a source where it is the one read.
    pub fn over(&self, source: &mut Arc<Source>) {
        if Arc::ptr_eq(source, &self.source) {
            *source = Arc::clone(&self.veiled);
        }
    }

    /// Replaces the sources of a finding.
    pub fn over_places(&self, note: &mut Diagnostic) {
        self.over(&mut note.place.source);
        note.related.iter_mut().for_each(|related| self.over(&mut related.place.source));
    }
}
