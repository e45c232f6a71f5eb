//! What running text states: mandates of missions, initiatives, contributions, ties, other names, the founding.
//!
//! Input: the blocks of a narrative, without note marks. Output: members of the record, each with its evidence. A statement is written
//! only where a rule can prove it: the clause says it of that body in the page's own voice. What a rule finds likely is suggested.

mod contributions;
mod evidence;
mod frames;
mod guards;
mod initiatives;
mod instruments;
mod mandates;
pub(super) mod mentions;
mod sentences;
mod suggestions;
mod tasks;
mod ties;

use std::collections::HashMap;
use std::ops::Range;

use self::evidence::{Confidence, Evidence};
use self::mentions::{MissionMention, NamedBody};
use super::blocks::Block;
use super::record::PageReader;
use super::spanned_text::SpannedText;
use super::value::Value;
use chancery_core::diagnostic::{quote, rules};
use chancery_core::source::Span;
use chancery_core::tree::Kind;

/// A longer sentence is no sentence, and is not read.
const LONGEST: usize = 4000;

/// The narrative, taken apart once for all rules.
pub(super) struct Prose<'b> {
    blocks: &'b [Block],
    named: Vec<NamedBody>,
    /// By block: the text in lower case, sentences, missions.
    parts: Vec<BlockParts>,
    own: OwnNames,
}

struct BlockParts {
    lower: String,
    sentences: Vec<Range<usize>>,
    missions: Vec<MissionMention>,
    /// Which of the named bodies stand in this block.
    named: Range<usize>,
}

/// What the record is called.
#[derive(Default)]
struct OwnNames {
    name: String,
    acronym: String,
}

impl OwnNames {
    /// Whether a part of a text names the body.
    fn is_in(&self, text: &str) -> bool {
        let named = |name: &str| {
            !name.is_empty()
                && text.match_indices(name).any(|(at, _)| {
                    let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                    free(text[..at].chars().next_back()) && free(text[at + name.len()..].chars().next())
                })
        };
        named(&self.acronym) || named(&self.name)
    }

    /// Whether a sentence has the body as its subject, by its name, as `it` or as `the office`.
    fn is_subject(&self, head: &str) -> bool {
        let bare = head.strip_prefix("The ").or_else(|| head.strip_prefix("the ")).unwrap_or(head);
        let begins = |name: &str| !name.is_empty() && bare.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if begins(&self.name) || begins(&self.acronym) {
            return true;
        }
        let word = head.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        if word == "It" {
            return true;
        }
        // `The Commission is`, of the African Union Commission.
        let noun = bare.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        bare.len() < head.len() && noun.len() > 3 && self.name.split(' ').any(|word| word.eq_ignore_ascii_case(noun))
    }
}

impl PageReader<'_> {
    /// Reads what the blocks state into the record.
    pub(super) fn prose(&mut self, blocks: &[Block]) {
        let prose = self.take_apart(blocks);
        self.name_bodies(&prose.named);
        self.mandates(&prose);
        self.initiatives(&prose);
        self.contributions(&prose);
        self.ties(&prose);
        self.suggestions(&prose);
    }

    fn take_apart<'b>(&self, blocks: &'b [Block]) -> Prose<'b> {
        let text = |member: &str| match self.record.get(member) {
            Some(Value::Text(text)) => text.text().to_owned(),
            _ => String::new(),
        };
        let mut own = OwnNames { name: text("name"), acronym: text("acronym") };
        if own.acronym.is_empty() {
            // The initials, by which a text may call the body.
            let initials: String = own.name.split(' ').filter_map(|word| word.chars().next()).filter(|c| c.is_uppercase()).collect();
            own.acronym = if initials.len() > 2 { initials } else { String::new() };
        }
        let named = mentions::bodies(self.form, blocks);
        let mut parts = Vec::with_capacity(blocks.len());
        let mut from = 0;
        for (number, block) in blocks.iter().enumerate() {
            let to = from + named[from..].iter().take_while(|body| body.block == number).count();
            let bodies: Vec<&NamedBody> = named[from..to].iter().collect();
            let mut sentences = sentences::sentences(block.text.text());
            sentences.retain(|sentence| sentence.len() <= LONGEST);
            parts.push(BlockParts {
                lower: block.text.text().to_ascii_lowercase(),
                sentences,
                missions: mentions::missions(self.form, block, &bodies),
                named: from..to,
            });
            from = to;
        }
        Prose { blocks, named, parts, own }
    }
}

impl PageReader<'_> {
    // Bodies that the header names by acronym alone get the name that the text gives them.
    fn name_bodies(&mut self, named: &[NamedBody]) {
        let Some(at) = self.record.members.iter().position(|(name, ..)| name == "memberships") else { return };
        let mut by_acronym: HashMap<&str, &NamedBody> = HashMap::new();
        for named in named {
            by_acronym.entry(named.acronym.text()).or_insert(named);
        }
        let mut reported: Vec<String> = Vec::new();
        let mut diagnostics = Vec::new();
        if let Value::List(memberships) = &mut self.record.members[at].2 {
            for (number, membership) in memberships.iter_mut().enumerate() {
                let Value::Object(membership) = membership else { continue };
                let Some((.., Value::Object(body))) = membership.members.iter_mut().find(|(name, ..)| name == "organization") else {
                    continue;
                };
                let Some(Value::Text(acronym)) = body.get("acronym") else { continue };
                let Some(found) = by_acronym.get(acronym.text()) else { continue };
                let acronym = acronym.text().to_owned();
                let span = found.name.span();
                body.members
                    .insert(0, ("name".to_owned(), Span::at(span.start), Value::Derived(Kind::String, found.name.text().to_owned(), span)));
                if !reported.contains(&acronym) {
                    let message =
                        format!("the name of {} is read from the narrative: {}", quote(&acronym, true), quote(found.name.text(), true));
                    diagnostics.push((span, message, format!("/memberships/{number}/organization/name")));
                    reported.push(acronym);
                }
            }
        }
        for (span, message, pointer) in diagnostics {
            self.emit(&rules::READ_FROM_PROSE, span, message, &pointer).help = Some(CONFIRM.to_owned());
        }
    }
}

const CONFIRM: &str = "compare it with the text; values derived from prose need confirmation";

/// Evidence of a sentence that states a value.
fn certain(rule: &'static str, block: usize, sentence: &Range<usize>) -> Evidence {
    Evidence { rule, block, sentence: sentence.clone(), confidence: Confidence::Certain }
}

impl Prose<'_> {
    fn text(&self, block: usize) -> &str {
        self.blocks[block].text.text()
    }

    fn piece(&self, block: usize, range: Range<usize>) -> SpannedText {
        self.blocks[block].text.slice(range)
    }

    /// The bodies written out in a part of a block.
    fn named_in(&self, block: usize, within: Range<usize>) -> impl Iterator<Item = &NamedBody> {
        self.named[self.parts[block].named.clone()].iter().filter(move |body| within.contains(&body.at.start))
    }

    /// The note marks in a part of a block, or right after it.
    fn marks(&self, block: usize, within: &Range<usize>) -> impl Iterator<Item = &super::blocks::Mark> {
        let within = within.clone();
        self.blocks[block].marks.iter().filter(move |mark| mark.at > within.start && mark.at <= within.end)
    }
}
