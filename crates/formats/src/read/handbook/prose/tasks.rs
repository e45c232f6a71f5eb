//! The tasks that a part of a text names, by the phrases of the form.

use std::ops::Range;

use super::super::spanned_text::is_space;
use super::super::template::Template;
use super::sentences::{phrases, words};
use chancery_core::growth::steps;

/// What stands for words between the parts of a phrase.
const ANY: &str = " … ";
/// The words between the parts of a phrase are not longer.
const MOST_BETWEEN: usize = 40;

/// The codes of the tasks in a part of a text, each with its phrase, in the order of the text.
pub(super) fn tasks<'f>(form: &'f Template, text: &str, within: Range<usize>) -> Vec<(&'f str, Range<usize>)> {
    steps(within.len());
    let lower = text[within.clone()].to_ascii_lowercase();
    let mut found: Vec<(&str, Range<usize>)> = Vec::new();
    for (code, list) in &form.tasks {
        let first = list
            .iter()
            .filter_map(|phrase| {
                let mut places = occurrences(&lower, phrase);
                places.find(|range| !is_in_name(form, text, within.start + range.start..within.start + range.end))
            })
            .min_by_key(|range| range.start);
        if let Some(range) = first {
            found.push((code, within.start + range.start..within.start + range.end));
        }
    }
    found.sort_by_key(|(_, range)| range.start);
    found
}

fn occurrences<'t>(lower: &'t str, phrase: &'t str) -> Box<dyn Iterator<Item = Range<usize>> + 't> {
    match phrase.split_once(ANY) {
        None => Box::new(phrases(lower, phrase).map(|at| at..at + phrase.len())),
        Some((head, tail)) => Box::new(phrases(lower, head).filter_map(move |at| {
            let from = at + head.len();
            let to = lower.floor_char_boundary((from + MOST_BETWEEN).min(lower.len()));
            let behind = phrases(&lower[from..to], tail).next()?;
            Some(at..from + behind + tail.len())
        })),
    }
}

// Whether a phrase is part of a name: `Office for Human Rights`, `Human Rights Council`.
fn is_in_name(form: &Template, text: &str, phrase: Range<usize>) -> bool {
    const LINKS: [&str; 5] = ["for", "of", "on", "against", "and"];
    const NEAR: usize = 60;
    let in_capitals =
        words(&text[phrase.clone()]).all(|(_, word)| word.starts_with(char::is_uppercase) || LINKS.contains(&word) || word == "in");
    if !in_capitals {
        return false;
    }
    let near = text.floor_char_boundary(phrase.start.saturating_sub(NEAR));
    // Back over the capitalised words before it, up to a word for an institution.
    let before = text[near..phrase.start].trim_end_matches(is_space).rsplit(is_space);
    let named_before = before
        .take_while(|word| LINKS.contains(word) || (word.starts_with(char::is_uppercase) && word.ends_with(char::is_alphanumeric)))
        .any(|word| form.is_institution_word(word));
    let behind = text[phrase.end..].trim_start_matches(is_space);
    let next = &behind[..behind.find(|c: char| !c.is_alphanumeric()).unwrap_or(behind.len())];
    named_before || form.is_institution_word(next)
}
