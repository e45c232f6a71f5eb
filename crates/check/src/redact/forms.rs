//! The sensitive values of a record as texts may show them, and the search for them in a text.
//!
//! A text is searched for all values at once: the values are sorted, and at each place of the text the longest one that
//! begins there is found by a binary search, so the work grows with the text and not with the number of values.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;

use super::REDACTED;
use chancery_core::diagnostic::quote;
use chancery_core::source::Span;

/// A value of fewer characters is not searched for in other texts, because it would be found in any of them.
const SHORTEST: usize = 3;
/// A value of fewer characters is found as a whole word only.
const SHORTEST_PART: usize = 6;
/// This many bytes of a value are compared. What follows a longer one is replaced to the end of the text.
const COMPARED: usize = 64;
/// This many bytes of an id that may have been made of a value are compared, because such ids are cut.
const MADE: usize = 32;

/// Sensitive values to search for.
#[derive(Debug, Default)]
pub struct Forms {
    // In lower case, sorted, each once.
    sorted: Vec<Form>,
    // By number: the longest other one that begins it.
    shorter: Vec<Option<u32>>,
    // Whether one begins with that byte.
    starts: Starts,
    // The values as they are, also the short ones. Those of one character, which anything may be equal to, are not kept.
    exact: HashSet<Box<str>>,
    is_any: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    text: Box<str>,
    // Whether the value goes on.
    is_cut: bool,
    is_part: bool,
}

#[derive(Debug)]
struct Starts([bool; 256]);

impl Default for Starts {
    fn default() -> Self {
        Self([false; 256])
    }
}

impl Forms {
    /// The forms of these values.
    #[must_use]
    pub fn new<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let mut forms = Self::default();
        for value in values {
            forms.is_any = true;
            if value.chars().nth(1).is_some() && forms.exact.insert(value.into()) {
                forms.add(value);
            }
        }
        forms.sorted.sort();
        // Of two that share the bytes that are compared, the one that goes on is kept.
        forms.sorted.dedup_by(|next, kept| {
            let is_same = next.text == kept.text;
            kept.is_cut |= is_same && next.is_cut;
            is_same
        });
        let mut open: Vec<u32> = Vec::new();
        for (number, form) in forms.sorted.iter().enumerate() {
            while open.last().is_some_and(|last| !form.text.starts_with(&*forms.sorted[*last as usize].text)) {
                open.pop();
            }
            forms.shorter.push(open.last().copied());
            open.push(number as u32);
            forms.starts.0[usize::from(form.text.as_bytes().first().copied().unwrap_or_default())] = true;
        }
        forms
    }

    fn add(&mut self, value: &str) {
        let trimmed = value.trim();
        let inner = ['"', '\''].iter().find_map(|quote| trimmed.strip_prefix(*quote)?.strip_suffix(*quote));
        let trimmed = inner.unwrap_or(trimmed);
        self.push(trimmed);
        // As ids made of names have it.
        let words: String = trimmed.nfkd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect();
        let dashed = words.split_whitespace().collect::<Vec<_>>().join("-");
        if dashed.len() >= SHORTEST_PART && !trimmed.eq_ignore_ascii_case(&dashed) {
            self.push_up_to(&dashed, MADE);
        }
        if trimmed.contains(|c: char| c == '"' || c == '\\' || chancery_core::diagnostic::is_unprintable(c)) {
            // As messages write it: with escapes, and line by line where it has several.
            let compared: String = trimmed.chars().take(COMPARED).collect();
            let quoted = quote(&compared, true);
            self.push(quoted[1..quoted.len() - 1].trim_end_matches('…'));
            self.push(&chancery_core::diagnostic::one_line(&compared));
            trimmed.lines().map(str::trim).filter(|line| line.chars().nth(SHORTEST_PART - 1).is_some()).for_each(|line| self.push(line));
        }
    }

    fn push(&mut self, text: &str) {
        self.push_up_to(text, COMPARED);
    }

    fn push_up_to(&mut self, text: &str, compared: usize) {
        if text.chars().nth(SHORTEST - 1).is_none() {
            return;
        }
        let mut end = text.len().min(compared);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let is_part = text.chars().nth(SHORTEST_PART - 1).is_some();
        self.sorted.push(Form { text: lower(&text[..end]).into(), is_cut: end < text.len(), is_part });
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_any
    }

    /// Whether a text is one of the values or holds one.
    #[must_use]
    pub fn hits(&self, text: &str) -> bool {
        self.exact.contains(text) || self.find(text, &lower(text), 0).is_some()
    }

    /// The text with every value in it replaced; `None` if it holds none.
    #[must_use]
    pub fn redact(&self, text: &str) -> Option<String> {
        let found = self.places(text);
        if found.is_empty() {
            return None;
        }
        let mut redacted = String::with_capacity(text.len());
        let mut at = 0;
        for span in found {
            redacted.push_str(&text[at..span.start as usize]);
            redacted.push_str(REDACTED);
            at = span.end as usize;
        }
        redacted.push_str(&text[at..]);
        Some(redacted)
    }

    /// Where a text holds values, in order, each with the rest of the word in which it stands.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<Span> {
        let mut found: Vec<Span> = Vec::new();
        let (lower, mut from) = (lower(text), 0);
        while let Some((start, end)) = self.find(text, &lower, from) {
            from = end;
            found.push(Span::new(start as u32, end as u32));
        }
        // A text that was cut may end inside a value.
        for (at, mark) in text.match_indices('…') {
            if let Some(start) = self.cut(text, at) {
                found.push(Span::new(start as u32, (at + mark.len()) as u32));
            }
        }
        found.sort_unstable();
        found.dedup_by(|next, kept| {
            let overlaps = next.start <= kept.end;
            if overlaps {
                kept.end = kept.end.max(next.end);
            }
            overlaps
        });
        found
    }

    // The first value at or after `from`, widened to whole words.
    fn find(&self, text: &str, lower: &str, from: usize) -> Option<(usize, usize)> {
        if self.sorted.is_empty() {
            return None;
        }
        let bytes = lower.as_bytes();
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            if !self.starts.0[usize::from(*byte)] || !lower.is_char_boundary(at) {
                continue;
            }
            let Some(length) = self.longest(lower, at) else { continue };
            let Some(length) = length else { return Some((word_start(text, at), text.len())) };
            return Some((word_start(text, at).max(from), word_end(text, at + length)));
        }
        None
    }

    // The length of the longest value that is at `at`; `None` inside for one whose end is not known.
    fn longest(&self, lower: &str, at: usize) -> Option<Option<usize>> {
        let rest = &lower[at..];
        let is_before = |form: &Form| {
            #[cfg(test)]
            tests::COMPARISONS.set(tests::COMPARISONS.get() + 1);
            *form.text <= *rest
        };
        let mut next = self.sorted.partition_point(is_before).checked_sub(1);
        while let Some(number) = next {
            let form = &self.sorted[number];
            if rest.starts_with(&*form.text) && (form.is_part || is_word(lower, at, at + form.text.len())) {
                return Some((!form.is_cut).then_some(form.text.len()));
            }
            next = self.shorter[number].map(|shorter| shorter as usize);
        }
        None
    }

    // Where the text before `end` begins to be the beginning of a value.
    fn cut(&self, text: &str, end: usize) -> Option<usize> {
        let lower = lower(&text[..end]);
        let first = lower.char_indices().rev().nth(COMPARED - 1).map_or(0, |(at, _)| at);
        let last = lower.char_indices().rev().nth(SHORTEST - 1)?.0;
        (first..=last).filter(|at| lower.is_char_boundary(*at)).find(|at| {
            let rest = &lower[*at..];
            let behind = self.sorted.partition_point(|form| *form.text < *rest);
            self.sorted.get(behind).is_some_and(|form| form.text.starts_with(rest))
        })
    }
}

// In lower case, each character where it was: one whose lower case is longer or shorter stays as it is.
fn lower(text: &str) -> String {
    let one = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(lower), None) if lower.len_utf8() == c.len_utf8() => lower,
            _ => c,
        }
    };
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(one).collect() }
}

fn is_word(text: &str, start: usize, end: usize) -> bool {
    let (before, first) = (text[..start].chars().next_back(), text[start..].chars().next());
    let (last, behind) = (text[..end].chars().next_back(), text[end..].chars().next());
    let joins = |one: Option<char>, other: Option<char>| one.is_some_and(char::is_alphanumeric) && other.is_some_and(char::is_alphanumeric);
    !joins(before, first) && !joins(last, behind)
}

fn word_start(text: &str, at: usize) -> usize {
    if !text[at..].starts_with(char::is_alphanumeric) {
        return at;
    }
    text[..at].char_indices().rev().take_while(|(_, c)| c.is_alphanumeric()).last().map_or(at, |(start, _)| start)
}

fn word_end(text: &str, at: usize) -> usize {
    if !text[..at].ends_with(char::is_alphanumeric) {
        return at;
    }
    text[at..].find(|c: char| !c.is_alphanumeric()).map_or(text.len(), |end| at + end)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub(super) static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[test]
    fn searching_for_twice_as_many_values_in_twice_as_much_text_takes_about_twice_the_comparisons() {
        let comparisons = |count: usize| {
            let values: Vec<String> = (0..count).map(|number| format!("person-{number:06}@example.org")).collect();
            let forms = Forms::new(values.iter().map(String::as_str));
            COMPARISONS.set(0);
            let text = "person-x and person-000001@example.net, ".repeat(count);
            assert!(!forms.hits(&text));
            COMPARISONS.get()
        };
        let (some, twice) = (comparisons(1_000), comparisons(2_000));
        assert!(some > 0 && twice as f64 <= 2.5 * some as f64, "{some} and {twice} comparisons");
    }

    fn redacted(values: &[&str], text: &str) -> String {
        Forms::new(values.iter().copied()).redact(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let values = ["anna@b.org", "ann", "12345", "Zoë", "42"];
        for (text, expected) in [
            ("ask anna@b.org, or Zoë", "ask ***, or ***"),
            ("ANNA@B.ORG", "***"),
            ("ask ZOË, İ or Zoé", "ask ***, İ or Zoé"),
            ("planning for ann", "planning for ***"),
            ("42 and 12345 and 123456", "42 and *** and 123456"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redacted(&values, text), expected);
        }
        assert_eq!(redacted(&["secret"], "the secretive one"), "the *** one");
        assert_eq!(redacted(&["Zoë A. (Blank)"], "known as zoe-a-blank-zab"), "known as ***-zab");
        assert_eq!(redacted(&["say \"no\" to\nthem"], "found \"say \\\"no\\\" to\\nthem\""), "found \"***\"");
        assert_eq!(redacted(&["a first line\nand another one"], "it says and another one"), "it says ***");
    }

    #[test]
    fn a_text_that_is_cut_shows_no_beginning_of_a_value() {
        assert_eq!(redacted(&["anna@example.org"], "{\"n\":1,\"m\":\"anna@exa…"), "{\"n\":1,\"m\":\"***");
        let long = "x1 ".repeat(50);
        assert_eq!(redacted(&[&long], &format!("found {long} there")), "found ***");
    }

    #[test]
    fn short_values_are_found_where_they_are_all_there_is() {
        let forms = Forms::new(["7", "42"].into_iter());
        assert!(forms.hits("42") && !forms.hits("421") && !forms.hits("42 days") && !forms.hits("7"));
    }

    #[test]
    fn the_longest_value_is_found_among_those_that_begin_it() {
        let values: Vec<String> = (0..200).map(|number| format!("user-{number}")).collect();
        let forms = Forms::new(values.iter().map(String::as_str));
        for value in &values {
            assert_eq!(forms.redact(&format!("a {value} b")).as_deref(), Some("a *** b"));
        }
    }
}
