//! The narrative of a page: blocks, quotations, note marks; and what an exact rule can read out of it.
//!
//! Whatever is read out of prose is marked as derived and comes with a note, so that a person confirms it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::notes::{Mark, mark_at, put_refs, take_marks};
use super::prose_lines::{goes_on, is_closed};
use super::record::PageReader;
use super::sections::Row;
use super::spanned_text::{SpannedText, is_space};
use super::template::Template;
use super::value::{Object, Value};
use crate::diagnostic::{quote, rules};
use crate::source::Span;
use crate::tree::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    Quotation,
    Heading,
    ListItem,
}

#[derive(Debug)]
pub(super) struct Block {
    pub text: SpannedText,
    pub kind: BlockKind,
    pub rows: usize,
    pub marks: Vec<Mark>,
}

/// A body named with its acronym, `Written Out (ACRONYM)`.
struct NamedBody {
    block: usize,
    name: SpannedText,
    acronym: SpannedText,
    // Where it is in the block's text.
    at: Range<usize>,
}

impl PageReader<'_> {
    pub(super) fn narrative(&mut self, rows: &[Row]) {
        let mut blocks = self.blocks(rows);
        let citations = take_marks(&mut blocks);
        let mut before: Option<usize> = None;
        for at in 0..blocks.len() {
            let follows = at + 1 < blocks.len();
            let after_colon = before.is_some_and(|before| blocks[before].text.text().ends_with(':'));
            let block = &mut blocks[at];
            let text = block.text.text();
            if block.kind == BlockKind::Paragraph {
                let marked = block.marks.last().is_some_and(|mark| mark.at >= text.len());
                let quoted = text.starts_with(['"', '“', '«']) && text.ends_with(['"', '”', '»']);
                let short = block.rows == 1 && text.chars().count() <= 80 && text.starts_with(|c: char| c.is_uppercase());
                if after_colon && (marked || quoted) {
                    block.kind = BlockKind::Quotation;
                } else if short && follows && block.marks.is_empty() && !is_closed(text) {
                    block.kind = BlockKind::Heading;
                }
            }
            before = Some(at);
        }
        self.put_blocks(&blocks);
        self.put_references(&blocks, citations);
        let named = bodies(self.form, &blocks);
        self.name_bodies(&named);
        self.missions(&blocks, &named);
    }

    // Rows to blocks: one a paragraph, list item or note; what a page's end cut is joined.
    fn blocks(&mut self, rows: &[Row]) -> Vec<Block> {
        const ONE_LINE: usize = 160;
        let mut blocks: Vec<Block> = Vec::new();
        let mut long_before = false;
        for row in rows {
            let text = row.piece.text();
            let bullet = self.form.bullet(text);
            let count = blocks.len();
            if let (Some(last), None) = (blocks.last_mut(), bullet) {
                let seam = row.gap && goes_on(last.text.text(), text);
                // Paragraphs without blank lines between are one line each.
                let own = long_before && is_closed(last.text.text());
                let diagnostic = !row.gap && mark_at(text, 0).is_some() && is_closed(last.text.text());
                if seam || (!row.gap && !own && !diagnostic) {
                    if seam {
                        self.seam(&row.piece, &format!("/narrative/{}", count - 1));
                    }
                    last.text.join(&row.piece);
                    last.rows += 1;
                    long_before = text.chars().count() > ONE_LINE;
                    continue;
                }
            }
            long_before = text.chars().count() > ONE_LINE;
            let sort = if bullet.is_some() { BlockKind::ListItem } else { BlockKind::Paragraph };
            let piece = row.piece.slice(bullet.unwrap_or(0)..text.len());
            blocks.push(Block { text: piece, kind: sort, rows: 1, marks: Vec::new() });
        }
        blocks
    }

    fn put_blocks(&mut self, blocks: &[Block]) {
        for block in blocks.iter().filter(|block| !block.text.is_empty()) {
            let kind = match block.kind {
                BlockKind::Paragraph => "paragraph",
                BlockKind::Quotation => "quotation",
                BlockKind::Heading => "heading",
                BlockKind::ListItem => "list_item",
            };
            let span = block.text.span();
            let mut object = Object::new(Span::at(span.start));
            object.derived("kind", kind, Span::at(span.start));
            object.text("text", block.text.clone());
            put_refs(&mut object, block.marks.iter());
            self.record.list("narrative", Span::at(span.start)).push(Value::Object(object));
        }
    }

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

    // Missions that the text names with acronym and host country are mandates; the sentence may say what they are charged with.
    fn missions(&mut self, blocks: &[Block], named: &[NamedBody]) {
        let own = match self.record.get("acronym") {
            Some(Value::Text(acronym)) => acronym.text().to_owned(),
            _ => String::new(),
        };
        let mut seen = HashSet::from([own]);
        for named in named {
            if seen.contains(named.acronym.text()) {
                continue;
            }
            let Some((country, code)) = host_country(self.form, &named.name) else { continue };
            seen.insert(named.acronym.text().to_owned());
            let block = &blocks[named.block];
            let sentence = sentence(block.text.text(), named.at.clone());
            let mut mission = Object::new(named.name.span());
            mission.text("name", named.name.clone());
            mission.text("acronym", named.acronym.clone());
            let mut host = Object::new(country.span());
            host.derived("code", code, country.span());
            host.members.insert(0, ("name".to_owned(), Span::at(country.span().start), Value::Text(country)));
            let span = named.name.span().to(named.acronym.span());
            let mut mandate = Object { derived: true, ..Object::new(span) };
            mandate.put("mission", Span::at(span.start), Value::Object(mission));
            mandate.put("host_countries", Span::at(span.start), Value::List(vec![Value::Object(host)]));
            let tasks = tasks(self.form, &block.text, sentence.clone());
            let reported: Vec<&str> = tasks.iter().map(|(code, _)| *code).collect();
            let charged = if reported.is_empty() { String::new() } else { format!(", tasks {}", reported.join(", ")) };
            if let Some((_, first)) = tasks.first() {
                let list = tasks.iter().map(|(code, span)| Value::Written((*code).to_owned(), *span)).collect();
                mandate.put("tasks", Span::at(first.start), Value::List(list));
            }
            put_refs(&mut mandate, block.marks.iter().filter(|mark| mark.at > sentence.start && mark.at <= sentence.end));
            mandate.put("derived", Span::at(span.start), Value::Derived(Kind::Bool, "true".to_owned(), span));
            let pointer = format!("/mandates/{}", self.record.count("mandates"));
            let message = format!("a mandate is read from the narrative: {}{charged}", named.acronym.text());
            self.emit(&rules::READ_FROM_PROSE, span, message, &pointer).help = Some(CONFIRM.to_owned());
            self.record.list("mandates", Span::at(span.start)).push(Value::Object(mandate));
        }
    }
}

const CONFIRM: &str = "compare it with the text; values derived from prose need confirmation";

/// Whether an acronym can stand for a name: its letters come in the name in their order, the first at its beginning.
pub(super) fn fits(acronym: &str, name: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (acronym, name) = (letters(acronym), letters(name));
    let mut rest = name.iter();
    !acronym.is_empty() && acronym.first() == name.first() && acronym.iter().all(|letter| rest.any(|other| other == letter))
}

// Every `Written Out (ACRONYM)` of the text, in order.
fn bodies(form: &Template, blocks: &[Block]) -> Vec<NamedBody> {
    const NAME: usize = 240;
    let mut named = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let text = block.text.text();
        for (open, _) in text.match_indices('(') {
            let Some(close) = text[open..].find(')').map(|at| open + at) else { break };
            let inner = text[open + 1..close].trim_matches(is_space);
            let capitals = inner.chars().filter(|c| c.is_uppercase()).count();
            if capitals < 2 || inner.chars().count() > 16 || inner.split(is_space).count() > 2 {
                continue;
            }
            // Names are short; looking no further keeps a text of many brackets cheap.
            let near = text.floor_char_boundary(open.saturating_sub(NAME));
            let before = block.text.slice(near..open);
            if let Some(name) = written_out(form, &before, inner) {
                let acronym = block.text.slice(open + 1..close).trim();
                named.push(NamedBody { block: number, name: before.slice(name.clone()), acronym, at: near + name.start..close + 1 });
            }
        }
    }
    named
}

// The capitalised words right before a bracket for which the acronym can stand. Missions often have the acronym of another
// language (MINUSCA): there it is enough that the words name a mission with its country.
fn written_out(form: &Template, before: &SpannedText, acronym: &str) -> Option<Range<usize>> {
    const SMALL: [&str; 17] =
        ["of", "the", "and", "for", "in", "on", "to", "a", "an", "against", "with", "de", "des", "du", "la", "et", "&"];
    let text = before.text();
    let end = text.trim_end_matches(|c: char| is_space(c) || matches!(c, '\'' | '’')).len();
    let mut start = end;
    let mut capitals = 0;
    loop {
        let word_start =
            text[..start].rfind(|c: char| is_space(c) || c == '/').map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        let word = &text[word_start..start];
        if word.is_empty() || (start < end && word.ends_with([',', '.', ';', ':', ')', '"', '”'])) {
            return None;
        }
        if word.starts_with(char::is_uppercase) {
            capitals += 1;
            let name = word_start..end;
            if capitals >= 2 && (fits(acronym, &text[name.clone()]) || host_country(form, &before.slice(name.clone())).is_some()) {
                return Some(name);
            }
        } else if !SMALL.contains(&word) {
            return None;
        }
        let rest = text[..word_start].trim_end_matches(is_space);
        if rest.is_empty() || rest.ends_with('/') {
            return None;
        }
        start = rest.len();
    }
}

// The country at the end of a mission's name.
fn host_country(form: &Template, name: &SpannedText) -> Option<(SpannedText, String)> {
    let text = name.text();
    let missions = &form.missions;
    let begins = missions.begins.iter().any(|begin| text.strip_prefix(begin.as_str()).is_some_and(|rest| rest.starts_with(is_space)));
    let noun = text.split(is_space).any(|word| missions.nouns.iter().any(|noun| noun == word));
    if !begins || !noun {
        return None;
    }
    let mut places: Vec<usize> = missions
        .host_after
        .iter()
        .flat_map(|word| text.match_indices(&format!(" {word} ")).map(|(at, found)| at + found.len()).collect::<Vec<_>>())
        .collect();
    places.sort_unstable();
    places.into_iter().find_map(|at| {
        let country = name.slice(at..text.len()).trim();
        let code = form.country(country.text())?.to_owned();
        Some((country, code))
    })
}

// The sentence around a part of a text; of a very long one the middle.
fn sentence(text: &str, part: Range<usize>) -> Range<usize> {
    const LONGEST: usize = 2000;
    let from = text.floor_char_boundary(part.start.saturating_sub(LONGEST));
    let to = text.ceil_char_boundary(part.end.saturating_add(LONGEST).min(text.len()));
    let ends = |at: &usize| {
        let rest = text[at + 1..].trim_start_matches(['"', '”', ')']);
        rest.is_empty() || (rest.starts_with(is_space) && rest.trim_start_matches(is_space).starts_with(|c: char| !c.is_lowercase()))
    };
    let stops =
        |within: Range<usize>| text[within.clone()].match_indices(['.', '!', '?']).map(move |(at, _)| within.start + at).filter(ends);
    let start = stops(from..part.start).next_back().map_or(from, |at| at + 1);
    let end = stops(part.end..to).next().map_or(to, |at| at + 1);
    start..end
}

// The tasks that a sentence names, in its order, where it speaks of a charge.
fn tasks<'f>(form: &'f Template, text: &SpannedText, sentence: Range<usize>) -> Vec<(&'f str, Span)> {
    // Lower-casing ASCII alone keeps offsets.
    let lower = text.text()[sentence.clone()].to_ascii_lowercase();
    let word = |phrase: &str| {
        lower.match_indices(phrase).map(|(at, _)| at).find(|at| {
            let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            free(lower[..*at].chars().next_back()) && free(lower[at + phrase.len()..].chars().next())
        })
    };
    if !form.missions.charged.iter().any(|phrase| word(phrase).is_some()) {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str, Span)> = Vec::new();
    for (code, phrases) in &form.tasks {
        let first = phrases.iter().filter_map(|phrase| word(phrase).map(|at| (at, phrase.len()))).min();
        if let Some((at, length)) = first {
            let start = sentence.start + at;
            found.push((at, code, text.slice(start..start + length).span()));
        }
    }
    found.sort_by_key(|(at, ..)| *at);
    found.into_iter().map(|(_, code, span)| (code, span)).collect()
}
