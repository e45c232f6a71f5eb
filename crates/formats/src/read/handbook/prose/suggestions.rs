//! Values that a text probably states. They are not written: each is suggested, with a key under which a person decides.

use std::ops::Range;

use super::super::decisions::Decision;
use super::super::record::{PageReader, hash};
use super::super::value::{Object, Value};
use super::Prose;
use super::evidence::{self, Confidence, Evidence};
use super::guards::is_denied;
use super::sentences::{first_of, has};
use super::tasks::tasks;
use chancery_core::diagnostic::rules;
use chancery_core::source::Span;

impl PageReader<'_> {
    pub(super) fn suggestions(&mut self, prose: &Prose<'_>) {
        for block in 0..prose.blocks.len() {
            let mut before: Vec<(String, Range<usize>)> = Vec::new();
            for at in prose.parts[block].sentences.clone() {
                self.activity(prose, block, &at);
                self.pillars_of_functions(prose, block, &at, &before);
                let stated = tasks(self.form, prose.text(block), at);
                for (code, range) in stated {
                    if !before.iter().any(|(known, _)| known == code) {
                        before.push((code.to_owned(), range));
                    }
                }
            }
        }
    }

    // A sentence about what the body or its operations do, with tasks: perhaps a contribution.
    fn activity(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>) {
        let words = &self.form.prose;
        let lower = &prose.parts[block].lower[at.clone()];
        let text = prose.text(block);
        if !(prose.own.is_in(&text[at.clone()]) || has(lower, &words.actors)) || self.is_read(prose, block, at) {
            return;
        }
        let stated = tasks(self.form, text, at.clone());
        let (Some((_, first)), Some((_, last))) = (stated.first(), stated.last()) else { return };
        let (first, last) = (first.start - at.start, last.end - at.start);
        if is_denied(self.form, &lower[..last])
            || has(lower, &words.reported)
            || has(lower, &words.disputed)
            || has(&lower[..first], &words.modals)
        {
            return;
        }
        let mut object = Self::contribution(prose, block, at);
        for (code, range) in stated {
            let span = prose.piece(block, range).span();
            object.list("tasks", Span::at(span.start)).push(Value::Written(code.to_owned(), span));
        }
        self.suggest(prose, block, at, "activity", object);
    }

    // `These functions are of relevance to Pillar III`: what the paragraph named before, towards that pillar.
    fn pillars_of_functions(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>, before: &[(String, Range<usize>)]) {
        let lower = &prose.parts[block].lower[at.clone()];
        let points_back = self.form.prose.functions.iter().any(|word| lower.starts_with(word.as_str()));
        if !points_back || before.is_empty() {
            return;
        }
        let pillars = self.pillars(prose, block, std::slice::from_ref(at));
        let mut object = Self::contribution(prose, block, at);
        for (pillar, range, _) in &pillars {
            let span = prose.piece(block, range.clone()).span();
            object.list("pillars", Span::at(span.start)).push(Value::Written((*pillar).to_owned(), span));
        }
        if object.get("pillars").is_none() {
            return;
        }
        for (code, range) in before {
            let span = prose.piece(block, range.clone()).span();
            object.list("tasks", Span::at(span.start)).push(Value::Written(code.clone(), span));
        }
        self.suggest(prose, block, at, "pillar_of_functions", object);
    }

    fn contribution(prose: &Prose<'_>, block: usize, at: &Range<usize>) -> Object {
        let summary = prose.piece(block, at.clone());
        let span = summary.span();
        let mut object = Object { derived: true, ..Object::new(Span::at(span.start)) };
        object.put("summary", Span::at(span.start), Value::Written(summary.text().to_owned(), span));
        object
    }

    // Whether a certain rule has read the sentence.
    fn is_read(&self, prose: &Prose<'_>, block: usize, at: &Range<usize>) -> bool {
        let lower = &prose.parts[block].lower[at.clone()];
        prose.parts[block].missions.iter().any(|mention| at.contains(&mention.at.start))
            || first_of(lower, &self.form.prose.launched).is_some()
            || lower.contains("(1)")
    }

    fn suggest(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>, rule: &'static str, object: Object) {
        const MEMBER: &str = "contributions";
        let sentence = &prose.text(block)[at.clone()];
        let key = hash(&format!("{rule}\n{sentence}"));
        let proof = Evidence { rule, block, sentence: at.clone(), confidence: Confidence::Likely };
        let place = prose.piece(block, at.clone()).span();
        let shown = Value::Object(object).json();
        let value = match self.decisions.and_then(|decisions| decisions.get(&key)) {
            Some(Decision::Reject) => return,
            Some(Decision::Edit(value)) => Value::of_json(value, place),
            Some(Decision::Accept) => Value::of_json(&shown, place),
            None => {
                let message = format!("a value is suggested for /{MEMBER}: {shown}");
                self.emit(&rules::SUGGESTED_VALUE, place, message, "").help =
                    Some(format!("decide in the file NAME.decisions.yaml beside the page: accept, reject or edit the key {key}"));
                return;
            }
        };
        let Value::Object(mut object) = value else { return };
        object.derived = true;
        evidence::put(&mut object, self.source, prose.blocks, &[proof]);
        self.record.list(MEMBER, Span::at(place.start)).push(Value::Object(object));
    }
}
