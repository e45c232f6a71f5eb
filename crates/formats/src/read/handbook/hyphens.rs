//! Tells the hyphens that a printer put in at line ends from those of the words.
//!
//! A hyphen is undone where the joined word stands elsewhere in the record, and kept where the hyphenated one does. Where neither
//! does, it is undone on pages whose lines are broken that way again and again, unless both parts are words of the record.

use std::collections::HashSet;

use super::rows::Row;
use super::spanned_text::{SOFT, is_space};
use chancery_check::reference_data::Mission;

/// Marks the hyphens at line ends that are undone.
pub(super) fn mark(rows: &mut [Row]) {
    const OFTEN: usize = 3;
    let broken: Vec<usize> = (0..rows.len().saturating_sub(1)).filter(|at| parts(rows, *at).is_some()).collect();
    if broken.is_empty() {
        return;
    }
    let words: HashSet<String> = rows.iter().flat_map(|row| words(row.piece.text())).collect();
    let decided: Vec<(usize, Option<bool>)> = broken
        .into_iter()
        .filter_map(|at| {
            let (head, tail) = parts(rows, at)?;
            let tail_is_capital = tail.starts_with(char::is_uppercase);
            let (head, tail) = (head.to_lowercase(), tail.to_lowercase());
            let last = head.rsplit('-').next().unwrap_or(&head).to_owned();
            let known = |word: &str| words.contains(word);
            let decision = if known(&format!("{head}-{tail}")) {
                Some(false)
            } else if tail_is_capital || known(&format!("{head}{tail}")) || known(&format!("{last}{tail}")) {
                Some(true)
            } else if known(&last) && known(&tail) {
                Some(false)
            } else {
                None
            };
            Some((at, decision))
        })
        .collect();
    // On a page that is typeset with hyphenation most broken words are no compounds.
    let is_typeset = decided.iter().filter(|(_, decision)| *decision != Some(false)).count() >= OFTEN;
    for (at, decision) in decided {
        if decision.unwrap_or(is_typeset) {
            rows[at].piece.replace_last(SOFT);
        }
    }
}

// The parts of a word that is broken at the end of a line: letters on both sides, the second in lower case.
fn parts(rows: &[Row], at: usize) -> Option<(&str, &str)> {
    let head = rows[at].piece.text().strip_suffix('-')?;
    let head = head.rsplit(|c: char| !c.is_alphanumeric() && c != '-').next().filter(|head| head.ends_with(char::is_alphabetic))?;
    let tail = rows.get(at + 1)?.piece.text();
    let tail = &tail[..tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len())];
    // An acronym in capitals is broken where the whole of it is known.
    if Mission::by_acronym(&format!("{head}{tail}")).is_some() {
        return Some((head, tail));
    }
    // `customs- and border management` leaves a part out.
    (tail.starts_with(char::is_lowercase) && !matches!(tail, "and" | "or" | "to" | "und" | "et")).then_some((head, tail))
}

fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split(is_space)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-'))
        .filter(|word| word.len() > 1 && !word.starts_with('-') && !word.ends_with('-'))
        .map(str::to_lowercase)
}
