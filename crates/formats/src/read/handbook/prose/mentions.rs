//! Bodies that running text names: written out with an acronym, or by the acronym of a mission that is known.

use chancery_core::growth::step;
use std::ops::Range;

use super::super::blocks::Block;
use super::super::heading::fits;
use super::super::spanned_text::{SpannedText, is_space};
use super::super::template::Template;
use super::sentences::words;
use chancery_check::reference_data::Mission;

/// A body named with its acronym, `Written Out (ACRONYM)`.
pub(super) struct NamedBody {
    pub block: usize,
    pub name: SpannedText,
    pub acronym: SpannedText,
    /// Where it is in the block's text.
    pub at: Range<usize>,
}

/// A mission where a block names it.
pub(super) struct MissionMention {
    /// From its name to the end of its acronym.
    pub at: Range<usize>,
    pub acronym: Range<usize>,
    pub name: Option<Range<usize>>,
    /// The host country that its name has, with its code.
    pub host: Option<(SpannedText, String)>,
    pub known: Option<&'static Mission>,
}

/// The missions that a block names, in order.
pub(super) fn missions(form: &Template, block: &Block, named: &[&NamedBody]) -> Vec<MissionMention> {
    let text = block.text.text();
    let mut found: Vec<MissionMention> = Vec::new();
    for body in named {
        let known = Mission::by_acronym(body.acronym.text());
        let host = host_country(form, &body.name);
        if known.is_none() && host.is_none() {
            continue;
        }
        let name = body.at.start..body.at.start + body.name.text().len();
        let end = body.at.end - 1;
        let acronym = text[..end].rfind(body.acronym.text()).unwrap_or(body.at.start);
        found.push(MissionMention {
            at: body.at.clone(),
            acronym: acronym..acronym + body.acronym.text().len(),
            name: Some(name),
            host,
            known,
        });
    }
    let mut written = named.iter().map(|body| &body.at).peekable();
    for (range, word) in words(text) {
        step();
        while written.next_if(|at| at.end <= range.start).is_some() {}
        let acronym = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
        let is_acronym = acronym.len() >= 4 && acronym.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_acronym || written.peek().is_some_and(|at| at.contains(&range.start)) {
            continue;
        }
        // `UNOSOM II`.
        let numbered = [" III", " II", " I"].into_iter().find_map(|number| {
            let end = range.start + acronym.len() + number.len();
            let whole = text.get(range.start..end)?;
            let free = !text[end..].starts_with(char::is_alphanumeric);
            (free && whole.ends_with(number)).then(|| Mission::by_acronym(whole).map(|mission| (mission, end))).flatten()
        });
        let plain = || Mission::by_acronym(acronym).map(|mission| (mission, range.start + acronym.len()));
        if let Some((mission, end)) = numbered.or_else(plain) {
            let acronym = range.start..end;
            // In parentheses after words that are not its name.
            let is_inside = text[..range.start].ends_with('(') && text[end..].starts_with(')');
            let at = if is_inside { range.start - 1..end + 1 } else { acronym.clone() };
            found.push(MissionMention { acronym, at, name: None, host: None, known: Some(mission) });
        }
    }
    found.sort_by_key(|mention| mention.at.start);
    found
}

/// A country named in a part of a text, where `wanted` takes its code.
pub(super) fn country(form: &Template, text: &str, within: Range<usize>, wanted: impl Fn(&str) -> bool) -> Option<(Range<usize>, String)> {
    const MOST_WORDS: usize = 6;
    let part = &text[within.clone()];
    let all: Vec<(Range<usize>, &str)> = words(part).collect();
    for (number, (first, word)) in all.iter().enumerate() {
        if !word.starts_with(char::is_uppercase) {
            continue;
        }
        for (last, _) in all[number..all.len().min(number + MOST_WORDS)].iter().rev() {
            let name = part[first.start..last.end].trim_end_matches("'s").trim_end_matches("’s");
            if let Some(code) = form.country(name).filter(|code| wanted(code)) {
                let start = within.start + first.start;
                return Some((start..start + name.len(), code.to_owned()));
            }
        }
    }
    None
}

// Every `Written Out (ACRONYM)` of the text, in order.
pub(super) fn bodies(form: &Template, blocks: &[Block]) -> Vec<NamedBody> {
    const NAME: usize = 240;
    let mut named = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let text = block.text.text();
        for (open, _) in text.match_indices('(') {
            step();
            // Acronyms are short too.
            let far = text.floor_char_boundary(text.len().min(open + NAME));
            let Some(close) = text[open..far].find(')').map(|at| open + at) else { continue };
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
pub(super) fn host_country(form: &Template, name: &SpannedText) -> Option<(SpannedText, String)> {
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
