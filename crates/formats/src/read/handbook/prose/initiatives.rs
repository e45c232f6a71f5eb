//! Initiatives: who launched them and when, who takes part, whom they support.

use std::ops::Range;

use super::super::notes::put_refs;
use super::super::record::PageReader;
use super::super::value::{Object, Value};
use super::guards::{is_denied, is_reported, scope};
use super::mentions::NamedBody;
use super::sentences::{SMALL, first_of, has, trimmed, words};
use super::tasks::tasks;
use super::{Prose, certain, evidence};
use chancery_core::diagnostic::rules;
use chancery_core::source::Span;

impl PageReader<'_> {
    pub(super) fn initiatives(&mut self, prose: &Prose<'_>) {
        for block in 0..prose.blocks.len() {
            for number in 0..prose.parts[block].sentences.len() {
                if let Some(initiative) = self.initiative(prose, block, number) {
                    let opening = initiative.opening;
                    let pointer = format!("/initiatives/{}", self.record.count("initiatives"));
                    let message = "an initiative is read from the narrative".to_owned();
                    self.emit(&rules::READ_FROM_PROSE, opening, message, &pointer).help = Some(super::CONFIRM.to_owned());
                    self.record.list("initiatives", opening).push(Value::Object(initiative));
                }
            }
        }
    }

    // `the NAME, which was launched by A in MONTH YEAR and brings together B and C in support of D`.
    fn initiative(&self, prose: &Prose<'_>, block: usize, number: usize) -> Option<Object> {
        let words = &self.form.prose;
        let parts = &prose.parts[block];
        let (text, at) = (prose.text(block), parts.sentences[number].clone());
        let lower = &parts.lower;
        let verb = first_of(&lower[at.clone()], &words.launched)?;
        let verb = at.start + verb.start..at.start + verb.end;
        let name = initiative_name(text, at.start..verb.start, &words.initiative_nouns)?;
        // Only the relative pronoun and `was` stand between the name and the verb.
        let link = lower[name.end..verb.start].trim_matches(|c: char| c == ',' || c.is_whitespace());
        let fits = ["which was", "that was", "was", "which has been", "has been", "which were", ""].contains(&link);
        let head = &lower[at.start..verb.end];
        if !fits || is_reported(self.form, &lower[at.clone()], verb.start - at.start) || is_denied(self.form, head) {
            return None;
        }
        let mut initiative = Object { derived: true, ..Object::new(prose.piece(block, name.clone()).span()) };
        initiative.text("name", prose.piece(block, name.clone()));
        // Who launched it.
        let by = lower[verb.end..at.end].trim_start().strip_prefix("by ").map(|rest| at.end - rest.len());
        let mut own_role = None;
        let mut end = verb.end;
        if let Some(by) = by {
            let to = by + lower[by..at.end].find([',', ';']).unwrap_or(at.end - by);
            let to = first_of(&lower[by..to], &words.launch_ends).map_or(to, |found| by + found.start);
            end = to;
            if prose.own.is_in(&text[by..to]) {
                own_role = Some(("initiator", trimmed(text, by..to)));
            }
        }
        let date_end =
            first_of(&lower[end..at.end], words.brings_together.iter().chain(&words.supports)).map_or(at.end, |found| end + found.start);
        let date = [" in ", " on "].into_iter().flat_map(|word| lower[verb.end..date_end].match_indices(word)).find_map(|(from, word)| {
            let (date, range) = self.date_at(text, verb.end + from + word.len())?;
            (range.end <= date_end).then_some((date, range))
        });
        // Who takes part, and whom it supports.
        let joins = first_of(&lower[end..at.end], &words.brings_together).map(|found| end + found.start..end + found.end);
        let supports = first_of(&lower[end..at.end], &words.supports).map(|found| end + found.start..end + found.end);
        let partners_end = supports.as_ref().map_or(at.end, |supports| supports.start);
        let partners: Vec<&NamedBody> = match &joins {
            Some(joins) => prose.named_in(block, joins.end..partners_end.max(joins.end)).collect(),
            None => Vec::new(),
        };
        if let Some(joins) = &joins
            && own_role.is_none()
            && prose.own.is_in(&text[joins.end..partners_end.max(joins.end)])
        {
            own_role = Some(("partner", joins.clone()));
        }
        if let Some((role, range)) = own_role {
            initiative.put(
                "role",
                prose.piece(block, range.clone()).span(),
                Value::Written(role.to_owned(), prose.piece(block, range).span()),
            );
        }
        if let Some((date, range)) = date {
            let span = prose.piece(block, range).span();
            initiative.put("start_date", Span::at(span.start), Value::Written(date, span));
        }
        for partner in partners.iter().filter(|partner| partner.acronym.text() != prose.own.acronym) {
            let value = Value::Object(partner.reference());
            initiative.list("partners", partner.name.span()).push(value);
        }
        if let Some(supports) = &supports {
            // The body that the words of support stand before; what follows is its plan.
            let direct = prose.named_in(block, supports.end..at.end).next();
            let direct = direct.filter(|body| matches!(text[supports.end..body.at.start].trim(), "" | "the"));
            if let Some(body) = direct {
                initiative.list("beneficiaries", body.name.span()).push(Value::Object(body.reference()));
            }
        }
        let mut stated: Vec<(String, Span)> = Vec::new();
        let mut sentences: Vec<Range<usize>> = vec![at.clone()];
        let whole = scope(self.form, lower, end..at.end);
        add(&mut stated, prose, block, tasks(self.form, text, whole));
        // `The initiative seeks to ...`.
        if let Some(next) = parts.sentences.get(number + 1).cloned() {
            let noun = text[name.clone()].rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
            let part = &lower[next.clone()];
            let goes_on = part.strip_prefix("the ").is_some_and(|rest| rest.starts_with(noun.as_str())) || part.starts_with("it ");
            let guarded =
                is_denied(self.form, part) || has(part, &words.reported) || has(part, &words.modals) || has(part, &words.disputed);
            if goes_on && !guarded {
                add(&mut stated, prose, block, tasks(self.form, text, next.clone()));
                sentences.push(next);
            }
        }
        for (code, span) in stated {
            initiative.list("tasks", Span::at(span.start)).push(Value::Written(code, span));
        }
        let marks: Vec<_> = sentences.iter().flat_map(|sentence| prose.marks(block, sentence)).collect();
        put_refs(&mut initiative, marks.into_iter());
        let proof: Vec<_> = sentences.iter().map(|sentence| certain("initiative", block, sentence)).collect();
        evidence::put(&mut initiative, self.source, prose.blocks, &proof);
        Some(initiative)
    }
}

fn add(stated: &mut Vec<(String, Span)>, prose: &Prose<'_>, block: usize, found: Vec<(&str, Range<usize>)>) {
    for (code, range) in found {
        if !stated.iter().any(|(known, _)| known == code) {
            stated.push((code.to_owned(), prose.piece(block, range).span()));
        }
    }
}

// The capitalised words that end in a noun for an initiative, the last such name before the verb.
fn initiative_name(text: &str, within: Range<usize>, nouns: &[String]) -> Option<Range<usize>> {
    let part = &text[within.clone()];
    let all: Vec<(Range<usize>, &str)> = words(part).collect();
    let last = all.iter().rposition(|(_, word)| nouns.iter().any(|noun| noun == word))?;
    let mut first = last;
    while let Some(before) = first.checked_sub(1) {
        let (range, word) = &all[before];
        let between = &part[range.end..all[first].0.start];
        if !between.chars().all(char::is_whitespace) || !(word.starts_with(char::is_uppercase) || SMALL.contains(word)) {
            break;
        }
        first = before;
    }
    while first < last && (SMALL.contains(&all[first].1) || all[first].1 == "The") {
        first += 1;
    }
    (first < last).then(|| within.start + all[first].0.start..within.start + all[last].0.end)
}
