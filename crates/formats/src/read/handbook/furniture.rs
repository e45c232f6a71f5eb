//! Page furniture: page numbers, running heads and feet, entries of a table of contents.
//!
//! Input: lines. Output: which of them belong to the book and not to its text. [`local`] looks at a line and its neighbours alone, so
//! that a file can be cut anywhere; [`of_record`] adds what repeats within a record.

use std::collections::HashMap;

use super::document::Line;
use super::spanned_text::is_space;
use super::template::{Template, fold};

/// A head is not longer.
const LONGEST: usize = 100;

/// Which lines are furniture by what stands around them. `opens` says whether the first line is the first of a record; the head
/// above its title is then furniture too.
pub(super) fn local(form: &Template, text: &str, lines: &[Line], opens: bool) -> Vec<bool> {
    let mut found: Vec<bool> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let row = line.of(text);
            !row.is_empty()
                && (form.is_furniture(row)
                    || (is_number(row) && is_isolated(lines, at))
                    || (is_numbered_head(form, row) && (is_top(lines, at) || is_isolated(lines, at))))
        })
        .collect();
    let filled: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].is_blank()).collect();
    for (first, second) in filled.iter().zip(filled.iter().skip(1)) {
        pair(form, text, lines, &mut found, *first, *second);
    }
    // At the top of a page its number and its head may stand apart.
    for (index, &at) in filled.iter().enumerate() {
        if !(if index == 0 { opens } else { fed_between(lines, filled[index - 1], at) }) {
            continue;
        }
        let Some(&next) = filled.get(index + 1) else { continue };
        // The head of the first page is the title, unless another one is below it.
        let titled = index > 0 || filled.get(index + 2).is_some_and(|third| form.label(lines[*third].of(text)).is_none());
        let (number, head) = if is_number(lines[at].of(text)) { (at, next) } else { (next, at) };
        if titled
            && is_number(lines[number].of(text))
            && is_isolated(lines, number)
            && is_isolated(lines, head)
            && is_head(form, lines[head].of(text), index == 0)
        {
            found[number] = true;
            found[head] = true;
        }
    }
    found
}

// A number and a head in capitals, one under the other and alone.
fn pair(form: &Template, text: &str, lines: &[Line], found: &mut [bool], first: usize, second: usize) {
    let (above, below) = (lines[first].of(text), lines[second].of(text));
    let is_pair = (is_number(above) && is_head(form, below, true)) || (is_number(below) && is_head(form, above, true));
    if is_pair && second == first + 1 && is_free_above(lines, first) && is_free_below(lines, second) {
        found[first] = true;
        found[second] = true;
    }
}

/// Which lines of a record are furniture: also what stands more than once where pages end.
pub(super) fn of_record(form: &Template, text: &str, lines: &[Line]) -> Vec<bool> {
    let mut found = local(form, text, lines, true);
    let plain = |line: &Line| fold(line.of(text).trim_matches(|c: char| c.is_ascii_digit() || is_space(c)));
    let filled: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].is_blank()).collect();
    for at in &filled {
        found[*at] |= form.is_separator(lines[*at].of(text));
    }
    // A page ends at a form feed, and where a page number stands.
    let mut edges: Vec<usize> = Vec::new();
    for (index, &at) in filled.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| filled[before]);
        let is_edge = before.is_some_and(|before| fed_between(lines, before, at)) || is_number(lines[at].of(text));
        if is_edge {
            edges.extend(before);
            edges.push(at);
            edges.extend(filled.get(index + 1).filter(|_| is_number(lines[at].of(text))));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    let mut times: HashMap<String, usize> = HashMap::new();
    for at in &edges {
        *times.entry(plain(&lines[*at])).or_default() += 1;
    }
    let title = filled.iter().find(|at| !found[**at]).copied();
    let heading = title.map(|title| plain(&lines[title]));
    for &at in edges.iter().filter(|at| Some(**at) != title) {
        let row = plain(&lines[at]);
        let again = times.get(&row).is_some_and(|times| *times > 1) || heading.as_ref() == Some(&row);
        if again && !row.is_empty() && lines[at].of(text).chars().count() <= LONGEST && form.label(lines[at].of(text)).is_none() {
            found[at] = true;
        }
    }
    found
}

fn fed_between(lines: &[Line], before: usize, at: usize) -> bool {
    lines[before + 1..=at].iter().any(|line| line.fed)
}

// Whether a line is the first of a page.
fn is_top(lines: &[Line], at: usize) -> bool {
    lines[..=at].iter().rev().take_while(|line| line.is_blank() || line.start == lines[at].start).any(|line| line.fed)
        || lines[..at].iter().all(Line::is_blank)
}

fn is_free_above(lines: &[Line], at: usize) -> bool {
    lines[at].fed || at.checked_sub(1).is_none_or(|before| lines[before].is_blank())
}

fn is_free_below(lines: &[Line], at: usize) -> bool {
    lines.get(at + 1).is_none_or(|next| next.is_blank() || next.fed)
}

fn is_isolated(lines: &[Line], at: usize) -> bool {
    is_free_above(lines, at) && is_free_below(lines, at)
}

/// Whether a line is a page number: digits, or a small Roman numeral.
pub(super) fn is_number(row: &str) -> bool {
    let digits = (1..=4).contains(&row.len()) && row.bytes().all(|byte| byte.is_ascii_digit());
    let roman = (1..=6).contains(&row.len()) && row.bytes().all(|byte| matches!(byte, b'i' | b'v' | b'x' | b'l'));
    digits || roman
}

// A head with a page number at one of its ends, set apart by white space.
fn is_numbered_head(form: &Template, row: &str) -> bool {
    const APART: usize = 3;
    let apart = |text: &str| text.len() - text.trim_start_matches(is_space).len() >= APART;
    let rest = row.trim_start_matches(|c: char| c.is_ascii_digit());
    let head = if rest.len() < row.len() && row.len() - rest.len() <= 4 && apart(rest) {
        rest.trim_start_matches(is_space)
    } else {
        let rest = row.trim_end_matches(|c: char| c.is_ascii_digit());
        let gap = rest.len() - rest.trim_end_matches(is_space).len();
        if rest.len() == row.len() || row.len() - rest.len() > 4 || gap < APART {
            return false;
        }
        rest.trim_end_matches(is_space)
    };
    head.chars().count() <= LONGEST && head.chars().filter(|c| c.is_alphabetic()).count() >= 3 && form.label(row).is_none()
}

// A short line that could be a running head: in capitals, or with a capital at each long word.
fn is_head(form: &Template, row: &str, capitals: bool) -> bool {
    const LONG_WORD: usize = 4;
    let letters = row.chars().filter(|c| c.is_alphabetic()).count();
    let in_capitals = !row.chars().any(char::is_lowercase);
    let titled = row.split(is_space).filter(|word| word.chars().count() > LONG_WORD).all(|word| !word.starts_with(char::is_lowercase));
    letters >= LONG_WORD
        && row.chars().count() <= LONGEST
        && row.split(is_space).nth(1).is_some()
        && !row.ends_with(['.', ',', ';', ':', '?', '!', ')', '-'])
        && (in_capitals || (titled && !capitals))
        && form.label(row).is_none()
}
