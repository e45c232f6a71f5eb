//! Contributions that a text enumerates, `(1) ..., (2) ...`, and the pillars of the strategy that it claims for them.

use chancery_core::growth::step;
use std::ops::Range;

use super::super::record::PageReader;
use super::super::value::{Object, Value};
use super::guards::{is_denied, is_reported};
use super::sentences::{clauses, has, trimmed};
use super::tasks::tasks;
use super::{Prose, certain, evidence};
use chancery_core::diagnostic::rules;
use chancery_core::source::Span;

/// The pillars, with the ordinals that name them.
const PILLARS: [(&str, &str); 4] = [("I", "first"), ("II", "second"), ("III", "third"), ("IV", "fourth")];

impl PageReader<'_> {
    pub(super) fn contributions(&mut self, prose: &Prose<'_>) {
        for block in 0..prose.blocks.len() {
            let parts = &prose.parts[block];
            let text = prose.text(block);
            let mut claimed = None;
            for at in &parts.sentences {
                let items = items(text, at.clone());
                let Some(first) = items.first() else { continue };
                let head = &parts.lower[at.start..first.start];
                let is_own = prose.own.is_in(&text[at.start..first.start]) || has(head, &["its".to_owned(), "it".to_owned()]);
                if items.len() < 2
                    || !head.contains("contribut")
                    || !is_own
                    || has(head, &self.form.prose.reported)
                    || has(head, &self.form.prose.negations)
                {
                    continue;
                }
                let pillars = claimed.get_or_insert_with(|| self.pillars(prose, block, &parts.sentences)).clone();
                for item in items {
                    let mut object = Object { derived: true, ..Object::new(prose.piece(block, item.clone()).span()) };
                    let opening = object.opening;
                    object.text("summary", prose.piece(block, item.clone()));
                    for (pillar, range, _) in &pillars {
                        let span = prose.piece(block, range.clone()).span();
                        object.list("pillars", Span::at(span.start)).push(Value::Written((*pillar).to_owned(), span));
                    }
                    for (code, range) in tasks(self.form, text, item) {
                        let span = prose.piece(block, range).span();
                        object.list("tasks", Span::at(span.start)).push(Value::Written(code.to_owned(), span));
                    }
                    let mut proof = vec![certain("contribution", block, at)];
                    for (_, _, sentence) in &pillars {
                        let pillar = certain("pillar", block, sentence);
                        if !proof.contains(&pillar) {
                            proof.push(pillar);
                        }
                    }
                    evidence::put(&mut object, self.source, prose.blocks, &proof);
                    let pointer = format!("/contributions/{}", self.record.count("contributions"));
                    let message = "a contribution is read from the narrative".to_owned();
                    self.emit(&rules::READ_FROM_PROSE, opening, message, &pointer).help = Some(super::CONFIRM.to_owned());
                    self.record.list("contributions", Span::at(opening.start)).push(Value::Object(object));
                }
            }
        }
    }

    /// The pillars that sentences of a block claim, each with its words and its sentence.
    pub(super) fn pillars(
        &self,
        prose: &Prose<'_>,
        block: usize,
        sentences: &[Range<usize>],
    ) -> Vec<(&'static str, Range<usize>, Range<usize>)> {
        let parts = &prose.parts[block];
        let text = prose.text(block);
        let mut found: Vec<(&'static str, Range<usize>, Range<usize>)> = Vec::new();
        for at in sentences {
            for clause in clauses(text, at.clone(), &self.form.prose.clause_borders) {
                step();
                let lower = &parts.lower[clause.clone()];
                for (at_word, word) in lower.match_indices("pillar") {
                    if is_denied(self.form, &lower[..at_word]) || is_reported(self.form, lower, at_word) {
                        continue;
                    }
                    for (pillar, ordinal) in PILLARS {
                        let before = lower[..at_word].trim_end();
                        let ordinal = before.ends_with(ordinal).then(|| before.len() - ordinal.len()..at_word + word.len());
                        let range =
                            ordinal.or_else(|| numeral(text, clause.start + at_word, pillar).map(|end| at_word..end - clause.start));
                        if let Some(range) = range
                            && !found.iter().any(|(known, ..)| *known == pillar)
                        {
                            found.push((pillar, clause.start + range.start..clause.start + range.end, at.clone()));
                        }
                    }
                }
            }
        }
        found.sort_by_key(|(pillar, ..)| PILLARS.iter().position(|(known, _)| known == pillar));
        found
    }
}

// Whether `Pillar III`, or `pillars I and III`, names a numeral; where it ends.
fn numeral(text: &str, at: usize, pillar: &str) -> Option<usize> {
    let rest = &text[at..];
    let word = if rest[1..].starts_with("illars") { "pillars" } else { "pillar" };
    let mut here = at + word.len();
    loop {
        let start = here + (text[here..].len() - text[here..].trim_start().len());
        let length = text[start..].bytes().take_while(|byte| matches!(byte, b'I' | b'V')).count();
        if length == 0 || text[start + length..].starts_with(char::is_alphanumeric) {
            return None;
        }
        if &text[start..start + length] == pillar {
            return Some(start + length);
        }
        let behind = &text[start + length..];
        let link = [", and ", " and ", ", ", " & "].into_iter().find(|link| behind.starts_with(link))?;
        here = start + length + link.len();
    }
}

// The items of an enumeration: `(1)`, `(2)` and so on, each up to the next.
fn items(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    const MOST: usize = 20;
    let mut borders = Vec::new();
    let mut from = within.start;
    for number in 1..=MOST {
        let mark = format!("({number})");
        let Some(at) = text[from..within.end].find(&mark) else { break };
        borders.push((from + at, from + at + mark.len()));
        from += at + mark.len();
    }
    let ends = borders.iter().skip(1).map(|(start, _)| *start).chain([within.end]);
    borders
        .iter()
        .zip(ends)
        .map(|((_, start), end)| {
            let part = trimmed(text, *start..end);
            let bare = text[part.clone()].trim_end_matches([' ', ',', ';', '.']);
            let bare = bare.strip_suffix(" and").or_else(|| bare.strip_suffix(" or")).unwrap_or(bare).trim_end_matches([' ', ',', ';']);
            part.start..part.start + bare.len()
        })
        .collect()
}
