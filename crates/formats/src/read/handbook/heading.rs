//! Finds the title of an entry among the lines above its first label.
//!
//! Each block of lines is an alternative and gets a score: an acronym that fits, words of institutions, that the text below names it
//! again; against it, that it is an address, a sentence or a number. What stands above the title belongs to the book.

use std::ops::Range;

use super::prose_lines::{is_open, is_prose};
use super::rows::Row;
use super::spanned_text::{SpannedText, is_space};
use super::template::{Template, fold};

/// A title is looked for among so many lines.
const MOST_LINES: usize = 40;

/// The lines of the title.
pub(super) fn find(form: &Template, rows: &[Row]) -> Range<usize> {
    let limit = rows.iter().take(MOST_LINES).position(|row| form.label(row.piece.text()).is_some()).unwrap_or(rows.len().min(MOST_LINES));
    let limit = limit.max(rows.len().min(1));
    let below: String = rows[limit.min(rows.len())..].iter().take(MOST_LINES).map(|row| fold(row.piece.text()) + " ").collect();
    let mut best: Option<(i32, Range<usize>)> = None;
    let mut from = 0;
    while from < limit {
        let to = (from + 1..limit).find(|at| rows[*at].gap).unwrap_or(limit);
        let title = from..from + title_length(form, &rows[from..to]);
        let score = score(form, rows, &title, from == 0, &below);
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            best = Some((score, title));
        }
        from = to;
    }
    let Some((_, mut title)) = best else { return 0..0 };
    // An acronym may stand below its name.
    if let Some(next) = rows.get(title.end).filter(|_| title.end < limit) {
        let text = next.piece.text();
        if text.starts_with('(') && text.ends_with(')') && !rows[title.end - 1].piece.text().ends_with(')') {
            title.end += 1;
        }
    }
    title
}

fn score(form: &Template, rows: &[Row], title: &Range<usize>, is_first: bool, below: &str) -> i32 {
    let text = joined(&rows[title.clone()]);
    let mut score = 0;
    if acronym(&text).is_some() {
        score += 6;
    }
    let is_institution = |word: &str| form.is_institution_word(word);
    if text.text().split(is_space).any(|word| is_institution(word.trim_matches(|c: char| !c.is_alphanumeric()))) {
        score += 2;
    }
    if is_titled(text.text()) {
        score += 2;
    }
    if is_first {
        score += 3;
    }
    let name = fold(acronym(&text).map_or(text.text(), |(name, _)| &text.text()[name]));
    if name.len() > 5 && below.contains(name.as_str()) {
        score += 3;
    }
    let lines: Vec<&str> = rows[title.clone()].iter().map(|row| row.piece.text()).collect();
    if is_prose(&lines) || text.text().ends_with(['.', ';', ':']) {
        score -= 8;
    }
    if form.is_address_line(lines[0]) {
        score -= 5;
    }
    if form.bullet(lines[0]).is_some() || !text.text().contains(char::is_alphabetic) {
        score -= 8;
    }
    score
}

// How many lines of a block are the title; the others are what stands right below it.
fn title_length(form: &Template, block: &[Row]) -> usize {
    const LONGEST: usize = 4;
    let text = |at: usize| block[at].piece.text();
    let most = block.len().min(LONGEST);
    // Where an acronym closes it.
    let address = (1..block.len()).find(|at| form.is_address_line(text(*at)));
    let closed =
        (0..most).take_while(|at| address.is_none_or(|address| *at < address)).find(|at| acronym(&joined(&block[..=*at])).is_some());
    if let Some(at) = closed {
        return at + 1;
    }
    let mut length = 1;
    while length < most {
        let (before, next) = (text(length - 1), text(length));
        let goes_on = is_open(before) || next.starts_with(char::is_lowercase);
        let is_more = address.is_none() && form.unknown_label(next).is_none() && is_titled(next) && !next.starts_with('[');
        if address == Some(length) || is_prose(&[next]) || !(goes_on || is_more) {
            break;
        }
        length += 1;
    }
    length
}

/// The lines as one text.
pub(super) fn joined(rows: &[Row]) -> SpannedText {
    let mut text = SpannedText::default();
    rows.iter().for_each(|row| text.join(&row.piece));
    text
}

/// The name and the acronym of a title that ends in one, as ranges of it.
pub(super) fn acronym(title: &SpannedText) -> Option<(Range<usize>, Range<usize>)> {
    let text = title.text();
    let open = text.strip_suffix(')')?.rfind('(')?;
    let inner = text[open + 1..text.len() - 1].trim_matches(is_space);
    let before = text[..open].trim_end_matches(is_space);
    let big = inner.chars().filter(|c| c.is_uppercase() || c.is_ascii_digit()).count();
    let short = (2..=16).contains(&inner.chars().count()) && inner.split(is_space).count() <= 2;
    let start = open + 1 + (text[open + 1..].len() - text[open + 1..].trim_start_matches(is_space).len());
    (short && !before.is_empty() && (big >= 2 || (big == 1 && fits(inner, before)))).then(|| (0..before.len(), start..start + inner.len()))
}

// Whether the long words of a text begin with capitals.
fn is_titled(text: &str) -> bool {
    const LONG_WORD: usize = 4;
    const LONGEST: usize = 100;
    let mut words = text.split(is_space).filter(|word| word.chars().count() > LONG_WORD || word.starts_with(char::is_uppercase));
    text.chars().count() <= LONGEST && text.starts_with(char::is_uppercase) && words.all(|word| !word.starts_with(char::is_lowercase))
}

/// Whether an acronym can stand for a name: its letters come in the name in their order, the first at its beginning.
pub(super) fn fits(acronym: &str, name: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (acronym, name) = (letters(acronym), letters(name));
    let mut rest = name.iter();
    !acronym.is_empty() && acronym.first() == name.first() && acronym.iter().all(|letter| rest.any(|other| other == letter))
}
