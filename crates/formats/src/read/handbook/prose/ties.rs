//! Ties to other bodies, other names, and the founding of the body itself.

use std::ops::Range;

use super::super::record::PageReader;
use super::super::spanned_text::SpannedText;
use super::super::value::{Object, Value};
use super::evidence::Evidence;
use super::guards::is_denied;
use super::mentions::NamedBody;
use super::sentences::{first_of, has, proper_name};
use super::{Prose, certain, evidence};
use chancery_core::diagnostic::rules;
use chancery_core::source::Span;

impl PageReader<'_> {
    pub(super) fn ties(&mut self, prose: &Prose<'_>) {
        for block in 0..prose.blocks.len() {
            for at in prose.parts[block].sentences.clone() {
                self.partners(prose, block, &at);
                self.succession(prose, block, &at);
                self.founding(prose, block, &at);
                self.former_name(prose, block, &at);
            }
        }
        self.names_in_remarks();
    }

    fn is_own_voice(&self, prose: &Prose<'_>, block: usize, at: &Range<usize>, to: usize) -> bool {
        let lower = &prose.parts[block].lower;
        let head = &lower[at.start..to];
        !is_denied(self.form, head)
            && !super::guards::is_reported(self.form, &lower[at.clone()], to - at.start)
            && !has(head, &self.form.prose.modals)
    }

    // `..., in partnership with the NAME (ACR)`, in a sentence about the body itself.
    fn partners(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>) {
        let lower = &prose.parts[block].lower;
        let Some(found) = first_of(&lower[at.clone()], &self.form.prose.partnership) else { return };
        let (start, end) = (at.start + found.start, at.start + found.end);
        let text = prose.text(block);
        if !prose.own.is_subject(&text[at.clone()]) || !self.is_own_voice(prose, block, at, start) {
            return;
        }
        let Some(body) = prose.named_in(block, end..at.end).next() else { return };
        if matches!(text[end..body.at.start].trim(), "" | "the") && body.acronym.text() != prose.own.acronym {
            let reference = body.reference();
            self.relationship(prose, block, at, "partner", start..end, reference);
        }
    }

    // `It is the successor to the NAME`, `X succeeded a NAME (ACR)`.
    fn succession(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>) {
        let words = &self.form.prose;
        let lower = &prose.parts[block].lower;
        let text = prose.text(block);
        let lists = [("successor", &words.succeeded_by), ("predecessor", &words.succeeds)];
        let found = lists.into_iter().find_map(|(kind, list)| Some((kind, first_of(&lower[at.clone()], list)?)));
        let Some((kind, found)) = found else { return };
        let (start, end) = (at.start + found.start, at.start + found.end);
        let own_mission = chancery_check::reference_data::Mission::by_acronym(&prose.own.acronym).is_some()
            && words.mission_nouns.iter().any(|noun| lower[at.start..start].trim_start_matches("the ").starts_with(noun.as_str()));
        if !(prose.own.is_subject(&text[at.clone()]) || own_mission) || !self.is_own_voice(prose, block, at, start) {
            return;
        }
        let named = prose.named_in(block, end..at.end).next();
        let named = named.filter(|body| matches!(text[end..body.at.start].trim(), "" | "the" | "a" | "an"));
        let reference = if let Some(body) = named {
            body.reference()
        } else {
            let Some(name) = proper_name(text, end) else { return };
            let name = prose.piece(block, name);
            let mut reference = Object::new(name.span());
            reference.text("name", name);
            reference
        };
        self.relationship(prose, block, at, kind, start..end, reference);
    }

    fn relationship(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>, kind: &str, words: Range<usize>, body: Object) {
        let opening = body.opening;
        let mut object = Object { derived: true, ..Object::new(opening) };
        let words = prose.piece(block, words).span();
        object.put("kind", Span::at(words.start), Value::Written(kind.to_owned(), words));
        object.put("organization", Span::at(opening.start), Value::Object(body));
        evidence::put(&mut object, self.source, prose.blocks, &[certain("relationship", block, at)]);
        let pointer = format!("/relationships/{}", self.record.count("relationships"));
        let message = format!("a relationship is read from the narrative: {kind}");
        self.emit(&rules::READ_FROM_PROSE, opening, message, &pointer).help = Some(super::CONFIRM.to_owned());
        self.record.list("relationships", Span::at(opening.start)).push(Value::Object(object));
    }

    // `X was established on 1 June 2004`, `Established in 1952 as the NAME, ...`.
    fn founding(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>) {
        let text = prose.text(block);
        let lower = &prose.parts[block].lower;
        let Some(verb) = first_of(&lower[at.clone()], &self.form.prose.establishes) else { return };
        let (start, end) = (at.start + verb.start, at.start + verb.end);
        let head = text[at.start..start].trim();
        let is_opening = head.is_empty();
        // The name, perhaps with the acronym, then `was`.
        let link = lower[at.start..start].trim().strip_suffix(" was").map(|_| &text[at.start..at.start + head.len() - " was".len()]);
        let is_own = link
            .is_some_and(|subject| prose.own.is_subject(subject) && subject.len() <= prose.own.name.len() + prose.own.acronym.len() + 10);
        let date = ["in ", "on "].into_iter().find_map(|word| {
            let rest = text[end..at.end].strip_prefix(' ')?.strip_prefix(word)?;
            self.date_at(text, at.end - rest.len())
        });
        let Some((date, range)) = date else { return };
        // After `Established in 1952 as ...,` the sentence goes on with the body itself.
        let opening_is_own = is_opening && prose.own.is_in(&text[range.end..at.end]);
        if !(is_own || opening_is_own) || !self.is_own_voice(prose, block, at, start) {
            return;
        }
        let behind = &text[range.end..at.end];
        if let Some(rest) = behind.strip_prefix(" as ")
            && let Some(name) = proper_name(text, at.end - rest.len())
        {
            let name = prose.piece(block, name);
            let proof = certain("other_name", block, at);
            self.other_name(name, "former", Some((prose, proof)));
        }
        if self.record.get("founding_date").is_none() {
            let span = prose.piece(block, range).span();
            self.record.put("founding_date", Span::at(span.start), Value::Derived(chancery_core::tree::Kind::String, date, span));
            let proof = certain("founding", block, at);
            let value = evidence::value(self.source, prose.blocks, &proof, Some("/founding_date"));
            self.record.list("evidence", Span::at(span.start)).push(value);
            let message = "the founding date is read from the narrative".to_owned();
            self.emit(&rules::READ_FROM_PROSE, span, message, "/founding_date").help = Some(super::CONFIRM.to_owned());
        }
    }

    // `[Formerly NAME]`, `formerly known as NAME`, at the start of a sentence or about the body itself.
    fn former_name(&mut self, prose: &Prose<'_>, block: usize, at: &Range<usize>) {
        let text = prose.text(block);
        let lower = &prose.parts[block].lower;
        let Some(word) = first_of(&lower[at.clone()], &self.form.prose.formerly) else { return };
        let (start, end) = (at.start + word.start, at.start + word.end);
        let alone = text[at.start..start].trim_matches(['[', '(', ' ']).is_empty();
        let head = &text[at.start..start];
        let own = prose.own.is_subject(head) && head.len() <= prose.own.name.len() + prose.own.acronym.len() + 12;
        if !(alone || own) || !self.is_own_voice(prose, block, at, start) {
            return;
        }
        if let Some(name) = proper_name(text, end) {
            let name = prose.piece(block, name);
            let proof = certain("other_name", block, at);
            self.other_name(name, "former", Some((prose, proof)));
        }
    }

    // `also known as NAME` in a remark under a label.
    fn names_in_remarks(&mut self) {
        let remarks: Vec<SpannedText> = self
            .record
            .members
            .iter()
            .filter(|(name, ..)| name.starts_with("x_"))
            .filter_map(|(.., value)| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        for remark in remarks {
            let lower = remark.text().to_ascii_lowercase();
            for (list, kind) in [(&self.form.prose.also_known, "alias"), (&self.form.prose.formerly, "former")] {
                let Some(word) = first_of(&lower, list) else { continue };
                if is_denied(self.form, &lower[..word.start]) || !lower[..word.start].trim().is_empty() {
                    continue;
                }
                if let Some(name) = proper_name(remark.text(), word.end) {
                    let name = remark.slice(name);
                    self.other_name(name, kind, None);
                }
            }
        }
    }

    fn other_name(&mut self, name: SpannedText, kind: &str, proof: Option<(&Prose<'_>, Evidence)>) {
        let opening = name.span();
        let mut object = Object { derived: true, ..Object::new(opening) };
        object.text("name", name);
        object.derived("kind", kind, opening);
        if let Some((prose, proof)) = proof {
            evidence::put(&mut object, self.source, prose.blocks, &[proof]);
        }
        let pointer = format!("/other_names/{}", self.record.count("other_names"));
        let message = "another name is read from the text".to_owned();
        self.emit(&rules::READ_FROM_PROSE, opening, message, &pointer).help = Some(super::CONFIRM.to_owned());
        self.record.list("other_names", Span::at(opening.start)).push(Value::Object(object));
    }
}

impl NamedBody {
    /// The body as a reference to it.
    pub(super) fn reference(&self) -> Object {
        let mut object = Object::new(self.name.span());
        object.text("name", self.name.clone());
        object.text("acronym", self.acronym.clone());
        object
    }
}
