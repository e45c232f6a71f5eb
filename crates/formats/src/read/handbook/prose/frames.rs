//! Frames of verbs: who is charged with what, in one clause.
//!
//! `X is mandated to ...`, `X's mandate covers ...`, `mandates of X call for ...`, `X was set up by ... to ...`, `tasked X with ...`.
//! A frame holds only where its subject stands right at its verb, and neither is denied.

use std::ops::Range;

use super::super::spanned_text::is_space;
use super::super::template::Template;
use super::guards::{is_denied, is_reported, scope};
use super::mentions::MissionMention;
use super::sentences::{first_of, has, phrases};
use chancery_core::growth::steps;

/// No clause has more verbs of one kind.
const MOST_VERBS: usize = 8;

/// What a clause states of missions.
pub(super) struct Frame {
    /// Indices of the mentions it is about.
    pub subjects: Vec<usize>,
    /// Where the tasks stand.
    pub scope: Range<usize>,
}

/// A sentence with what is needed to read it. Offsets are of the block's text.
pub(super) struct Sentence<'s> {
    pub form: &'s Template,
    pub text: &'s str,
    /// The text in lower case, with the same offsets.
    pub lower: &'s str,
    pub at: Range<usize>,
    pub clauses: &'s [Range<usize>],
    pub mentions: &'s [MissionMention],
}

impl Sentence<'_> {
    /// The frames of the sentence.
    pub(super) fn mandates(&self) -> Vec<Frame> {
        let mut found = Vec::new();
        for (number, clause) in self.clauses.iter().enumerate() {
            self.participles(number, clause, &mut found);
            self.nouns(number, clause, &mut found);
            self.founded(number, clause, &mut found);
        }
        found
    }

    fn lower(&self, range: Range<usize>) -> &str {
        &self.lower[range]
    }

    /// Whether what is stated at an offset is reported or wished for.
    pub(super) fn is_reported(&self, at: usize) -> bool {
        is_reported(self.form, self.lower(self.at.clone()), at - self.at.start)
    }

    // `is mandated to`, and `tasked X with`.
    fn participles(&self, number: usize, clause: &Range<usize>, found: &mut Vec<Frame>) {
        for word in &self.form.prose.charged {
            for at in phrases(self.lower(clause.clone()), word).take(MOST_VERBS) {
                let at = clause.start + at;
                let end = at + word.len();
                if self.is_reported(at) {
                    continue;
                }
                let subjects = match self.copula(clause.start, at) {
                    Some(None) => continue,
                    Some(Some(copula)) => self.subjects_before(clause.start, copula),
                    None if self.is_denied(clause.start..at) || has(self.lower(clause.start..at), &self.form.prose.modals) => continue,
                    None => self.object_after(end, clause.end).into_iter().collect(),
                };
                let from = subjects.iter().map(|subject| self.mentions[*subject].at.end).max().unwrap_or(0).max(end);
                self.push(subjects, from, number, found);
            }
        }
    }

    // `X's mandate covers`, `the mandate of X includes`, `In X and Y, mandates call for`, `X has a mandate to`.
    fn nouns(&self, number: usize, clause: &Range<usize>, found: &mut Vec<Frame>) {
        for word in ["mandate", "mandates"] {
            for at in phrases(self.lower(clause.clone()), word).take(MOST_VERBS) {
                let at = clause.start + at;
                let mut end = at + word.len();
                if self.is_reported(at) {
                    continue;
                }
                let mut before = self.trim_end(clause.start, at);
                // Words between the owner and the noun: `current`, `peacekeeping`.
                for known in &self.form.prose.mandate_adjectives {
                    if self.lower(clause.start..before).ends_with(known.as_str()) {
                        before = self.trim_end(clause.start, before - known.len());
                    }
                }
                let owner = ["'s", "’s", "'", "’"].into_iter().find_map(|mark| {
                    let stem = self.text[clause.start..before].strip_suffix(mark)?;
                    self.mention_ending(clause.start + stem.len())
                });
                let mut subjects: Vec<usize> = owner.into_iter().collect();
                if subjects.is_empty()
                    && let Some(of) = self.lower(end..clause.end).strip_prefix(" of ")
                {
                    subjects = self.objects_after(clause.end - of.len(), clause.end);
                    end = subjects.last().map_or(end, |subject| self.mentions[*subject].at.end);
                }
                if subjects.is_empty() {
                    let has = ["has a", "has the", "have a", "have the", "had a", "had the"].into_iter();
                    let has = has.filter(|has| self.lower(clause.start..before).ends_with(has)).map(|has| before - has.len()).next();
                    if let Some(has) = has {
                        subjects = self.subjects_before(clause.start, has);
                        let to = [" to ", " for "].into_iter().any(|to| self.lower(end..clause.end).starts_with(to));
                        if to {
                            self.push(subjects, end, number, found);
                        }
                        continue;
                    }
                    if self.lower(clause.start..before).starts_with("in ") && self.text[clause.start..before].ends_with(',') {
                        subjects = self.within(clause.start..before);
                    }
                }
                // `the mandate of X, revised in 2005, includes`.
                let inserted = self.lower(end..clause.end).strip_prefix(", ").and_then(|rest| rest.find(',')).map(|at| end + 2 + at + 1);
                let verb = self.verb(end, clause.end, &self.form.prose.mandate_verbs);
                let verb = verb.or_else(|| self.verb(inserted?, clause.end, &self.form.prose.mandate_verbs));
                if let Some(verb) = verb {
                    self.push(subjects, verb, number, found);
                }
            }
        }
    }

    // `X was set up by resolution 1 to`: what stands after the infinitive.
    fn founded(&self, number: usize, clause: &Range<usize>, found: &mut Vec<Frame>) {
        let Some(verb) = first_of(self.lower(clause.clone()), &self.form.prose.establishes) else { return };
        let (at, end) = (clause.start + verb.start, clause.start + verb.end);
        let Some(Some(copula)) = self.copula(clause.start, at) else { return };
        if self.is_reported(at) {
            return;
        }
        let subjects = self.subjects_before(clause.start, copula);
        if let Some(to) = phrases(self.lower(end..clause.end), "to").next() {
            self.push(subjects, end + to, number, found);
        }
    }

    fn push(&self, subjects: Vec<usize>, from: usize, number: usize, found: &mut Vec<Frame>) {
        if subjects.is_empty() {
            return;
        }
        // Further clauses in the infinitive go on with the list.
        let goes_on = |clause: &&Range<usize>| ["to ", "and to "].iter().any(|word| self.lower((*clause).clone()).starts_with(word));
        let end = self.clauses[number + 1..].iter().take_while(goes_on).last().map_or(self.clauses[number].end, |clause| clause.end);
        let next = self.mentions.iter().map(|mention| mention.at.start).find(|start| *start >= from);
        let within = from..next.unwrap_or(end).min(end).max(from);
        found.push(Frame { subjects, scope: scope(self.form, self.lower, within) });
    }

    /// Where the `is` or `has been` before a participle begins: `None` if there is none, `Some(None)` if it is denied.
    pub(super) fn copula(&self, from: usize, participle: usize) -> Option<Option<usize>> {
        let mut before = self.trim_end(from, participle);
        let mut denied = false;
        loop {
            let head = self.lower(from..before);
            let word = head.rsplit(is_space).next().unwrap_or_default();
            if word.is_empty() {
                return None;
            }
            let start = before - word.len();
            if matches!(word, "is" | "was" | "are" | "were") {
                return Some((!denied).then_some(start));
            }
            if word == "been" {
                let rest = self.lower(from..self.trim_end(from, start));
                let has = rest.rsplit(is_space).next().unwrap_or_default();
                let at = self.trim_end(from, start) - has.len();
                return matches!(has, "has" | "have" | "had").then_some((!denied).then_some(at));
            }
            if is_denied(self.form, word) || word == "longer" {
                denied = true;
            } else if !self.form.prose.adverbs.iter().any(|adverb| adverb == word) {
                return None;
            }
            before = self.trim_end(from, start);
        }
    }

    // The end of a verb after a noun: `covers`, `have also called for`.
    fn verb(&self, from: usize, to: usize, verbs: &[String]) -> Option<usize> {
        const NEAR: usize = 60;
        let near = self.lower.floor_char_boundary((from + NEAR).min(to));
        let verb = first_of(self.lower(from..near), verbs)?;
        let between = self.lower(from..from + verb.start);
        let fits = between
            .split(is_space)
            .filter(|word| !word.is_empty())
            .all(|word| matches!(word, "has" | "have" | "had") || self.form.prose.adverbs.iter().any(|adverb| adverb == word));
        fits.then_some(from + verb.end)
    }

    fn trim_end(&self, from: usize, to: usize) -> usize {
        from + self.text[from..to].trim_end_matches(is_space).len()
    }

    fn mention_ending(&self, at: usize) -> Option<usize> {
        steps(self.mentions.len());
        self.mentions.iter().position(|mention| mention.at.end == at)
    }

    fn within(&self, range: Range<usize>) -> Vec<usize> {
        let inside = |mention: &MissionMention| range.contains(&mention.at.start);
        self.mentions.iter().enumerate().filter(|(_, mention)| inside(mention)).map(|(at, _)| at).collect()
    }

    // The mention right after a verb, perhaps after an article.
    fn object_after(&self, from: usize, to: usize) -> Option<usize> {
        let rest = self.text[from..to].trim_start_matches(is_space);
        let rest = rest.strip_prefix("the ").unwrap_or(rest);
        let at = to - rest.len();
        self.mentions.iter().position(|mention| mention.at.start == at)
    }

    // The mentions right after a word, and those that are listed with the first.
    fn objects_after(&self, from: usize, to: usize) -> Vec<usize> {
        let mut objects: Vec<usize> = self.object_after(from, to).into_iter().collect();
        while let Some(last) = objects.last().copied()
            && last + 1 < self.mentions.len()
            && self.mentions[last + 1].at.end <= to
            && self.are_listed(last, last + 1)
        {
            objects.push(last + 1);
        }
        objects
    }

    // Whether nothing but a comma, `and` and an article stands between two mentions.
    fn are_listed(&self, first: usize, second: usize) -> bool {
        let between = self.text[self.mentions[first].at.end..self.mentions[second].at.start].trim_matches(is_space);
        matches!(between, "and" | "," | ", and" | "and the" | ", the" | ", and the")
    }

    /// The mentions that are the subject of a verb at `verb`: right before it, before a relative pronoun, or before what is put in
    /// between commas.
    pub(super) fn subjects_before(&self, from: usize, verb: usize) -> Vec<usize> {
        let mut end = self.trim_end(from, verb);
        let mut relative = false;
        for pronoun in ["which", "that", "who"] {
            let head = self.lower(from..end);
            if let Some(rest) = head.strip_suffix(pronoun).filter(|rest| rest.ends_with(is_space)) {
                end = self.trim_end(from, from + rest.len());
                relative = true;
            }
        }
        let bare = from + self.text[from..end].trim_end_matches(',').len();
        let mut subject = self.mention_ending(end).or_else(|| self.mention_ending(bare).filter(|_| relative));
        if subject.is_none() && bare < end {
            // `X, set up by ..., is`: no other mission stands in between.
            let last = self.mentions.iter().rposition(|mention| mention.at.start >= from && mention.at.end < bare);
            subject = last.filter(|last| self.text[self.mentions[*last].at.end..].starts_with(','));
        }
        let Some(subject) = subject else { return Vec::new() };
        if relative {
            return vec![subject];
        }
        // `A, B and C are`.
        let mut subjects = vec![subject];
        let is_plural = ["are", "were", "have"].iter().any(|word| self.lower[verb..].starts_with(word));
        while is_plural && let Some(before) = subjects[0].checked_sub(1).filter(|before| self.mentions[*before].at.start >= from) {
            if !self.are_listed(before, subjects[0]) {
                break;
            }
            subjects.insert(0, before);
        }
        // `the head of X is` is not about X.
        let head = self.lower(from..self.mentions[subjects[0]].at.start).trim_end_matches(is_space);
        let head = head.strip_suffix("the").map_or(head, |head| head.trim_end_matches(is_space));
        let word = head.rsplit(is_space).next().unwrap_or_default();
        let is_object = self.form.prose.prepositions.iter().any(|known| known == word);
        // `neither X nor Y is`.
        if is_object || is_denied(self.form, word) { Vec::new() } else { subjects }
    }

    /// Whether a part of the sentence denies.
    pub(super) fn is_denied(&self, range: Range<usize>) -> bool {
        is_denied(self.form, self.lower(range))
    }
}
