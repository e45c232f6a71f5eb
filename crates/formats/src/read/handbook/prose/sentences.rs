//! Sentences and clauses of a text, and phrases in them.

use chancery_core::growth::step;
use std::ops::Range;

use super::super::spanned_text::is_space;

/// Words with a stop that ends no sentence.
const ABBREVIATIONS: [&str; 30] = [
    "Mr", "Mrs", "Ms", "Dr", "Prof", "Gen", "Col", "Lt", "Maj", "Capt", "Adm", "Amb", "St", "No", "Nos", "vs", "cf", "res", "Jan", "Feb",
    "Mar", "Apr", "Aug", "Sept", "Sep", "Oct", "Nov", "Dec", "approx", "Hon",
];

/// A sentence is taken apart into so many clauses; the last holds the rest.
const MOST_CLAUSES: usize = 64;

/// The sentences of a text.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, stop) in text.match_indices(['.', '!', '?']) {
        step();
        let behind = at + stop.len();
        let end = behind + (text[behind..].len() - text[behind..].trim_start_matches(['"', '”', '’', ')', ']', '\'']).len());
        let next = text[end..].trim_start_matches(is_space);
        let parted = next.len() < text[end..].len() || next.is_empty();
        let word = text[start.min(at)..at].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let is_initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
        let is_short = stop == "." && (is_initial || ABBREVIATIONS.contains(&word));
        if parted && !next.starts_with(char::is_lowercase) && (!is_short || next.is_empty()) {
            found.push(trimmed(text, start..end));
            start = end;
        }
    }
    if !text[start..].trim_matches(is_space).is_empty() {
        found.push(trimmed(text, start..text.len()));
    }
    found
}

/// The clauses of a sentence: its parts between semicolons and before words of contrast.
pub(super) fn clauses(text: &str, sentence: Range<usize>, borders: &[String]) -> Vec<Range<usize>> {
    let lower = text[sentence.clone()].to_ascii_lowercase();
    let mut cuts: Vec<usize> = lower.match_indices(';').map(|(at, _)| at + 1).collect();
    for word in borders {
        cuts.extend(phrases(&lower, word));
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts.truncate(MOST_CLAUSES);
    let mut found = Vec::new();
    let mut start = 0;
    for cut in cuts.into_iter().chain([lower.len()]) {
        let part = trimmed(text, sentence.start + start..sentence.start + cut);
        if !part.is_empty() {
            found.push(part);
        }
        start = cut;
    }
    found
}

/// Where a phrase stands in a text in lower case, as whole words.
pub(super) fn phrases<'t>(lower: &'t str, phrase: &'t str) -> impl Iterator<Item = usize> + 't {
    let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let begins = phrase.starts_with(char::is_alphanumeric);
    let ends = phrase.ends_with(char::is_alphanumeric);
    lower
        .match_indices(phrase)
        .map(|(at, _)| at)
        .filter(move |at| (!begins || free(lower[..*at].chars().next_back())) && (!ends || free(lower[at + phrase.len()..].chars().next())))
}

/// The first of several phrases in a text, as a range of it; of those at one place the longest.
pub(super) fn first_of<'p>(lower: &str, list: impl IntoIterator<Item = &'p String>) -> Option<Range<usize>> {
    let found = list.into_iter().filter_map(|phrase| phrases(lower, phrase).next().map(|at| at..at + phrase.len()));
    found.min_by_key(|range| (range.start, std::cmp::Reverse(range.end)))
}

/// Whether one of the phrases stands in a text.
pub(super) fn has<'p>(lower: &str, list: impl IntoIterator<Item = &'p String>) -> bool {
    list.into_iter().any(|phrase| phrases(lower, phrase).next().is_some())
}

/// A range without white space around it.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start_matches(is_space).len());
    let end = range.start + part.trim_end_matches(is_space).len();
    start..end.max(start)
}

/// The words of a text with their ranges, without punctuation around them.
pub(super) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> + '_ {
    text.split(is_space).filter(|word| !word.is_empty()).filter_map(move |word| {
        let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
        let start = inner.as_ptr() as usize - text.as_ptr() as usize;
        (!inner.is_empty()).then_some((start..start + inner.len(), inner))
    })
}

/// A name that begins at `at`: capitalised words, with the small words between them.
pub(super) fn proper_name(text: &str, at: usize) -> Option<Range<usize>> {
    const LONGEST: usize = 200;
    const ARTICLES: [&str; 5] = ["the ", "The ", "a ", "an ", "A "];
    let mut start = at + (text[at..].len() - text[at..].trim_start_matches(is_space).len());
    for article in ARTICLES {
        if text[start..].starts_with(article) {
            start += article.len();
            break;
        }
    }
    let mut end = start;
    let mut here = start;
    while here < text.len() && here - start < LONGEST {
        let rest = &text[here..];
        let word = &rest[..rest.find(is_space).unwrap_or(rest.len())];
        let inner = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let is_name = word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
        if !(is_name || (SMALL.contains(&word) && here > start)) || inner.is_empty() {
            break;
        }
        if is_name {
            end = here + inner.len();
        }
        // A mark after a word ends the name, but for the hyphen and the stop of an initial.
        if inner.len() < word.len() {
            break;
        }
        here += word.len();
        here += text[here..].len() - text[here..].trim_start_matches(is_space).len();
    }
    (end > start && text[start..].starts_with(char::is_uppercase)).then_some(start..end)
}

/// Small words of names.
pub(super) const SMALL: [&str; 20] =
    ["of", "the", "and", "for", "in", "on", "to", "a", "an", "against", "with", "de", "des", "du", "la", "le", "et", "sur", "pour", "&"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_stops() {
        let text = "Mr. J. Doe went to St. Louis. He saw 3.5 of \"them.\" Then he left (at 5.) and (so)";
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["Mr. J. Doe went to St. Louis.", "He saw 3.5 of \"them.\"", "Then he left (at 5.) and (so)"]);
    }

    #[test]
    fn names_are_words_with_capitals() {
        let name = |text: &'static str| proper_name(text, 0).map(|range| &text[range]);
        assert_eq!(name("the Bank of the South, which"), Some("Bank of the South"));
        assert_eq!(name("Groupe des Six not to be"), Some("Groupe des Six"));
        assert_eq!(name("it was"), None);
    }
}
