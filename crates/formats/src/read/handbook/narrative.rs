//! The narrative of a page: blocks, quotations, note marks, and values that exact rules derive from the text.
//!
//! Every value derived from running text is marked as derived and reported in a note, so that a person can confirm it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::record::{PageReader, fits, goes_on};
use super::sections::{Row, is_mark};
use super::spanned_text::{SpannedText, is_space};
use super::template::Template;
use super::value::{Object, Value};
use chancery_core::diagnostic::{quote, rules};
use chancery_core::source::Span;
use chancery_core::tree::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockKind {
    Paragraph,
    Quotation,
    Heading,
    ListItem,
}

#[derive(Debug)]
struct Block {
    text: SpannedText,
    kind: BlockKind,
    rows: usize,
    marks: Vec<Mark>,
}

/// A note mark: its number, its place, and where it stood in the text without marks.
#[derive(Clone, Debug)]
struct Mark {
    id: SpannedText,
    digits: String,
    at: usize,
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
                } else if short && follows && block.marks.is_empty() && !super::sections::is_closed(text) {
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
                let own = long_before && super::sections::is_closed(last.text.text());
                let diagnostic = !row.gap && mark_at(text, 0).is_some() && super::sections::is_closed(last.text.text());
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

    // An entry for each note that is referred to or is on the page.
    fn put_references(&mut self, blocks: &[Block], citations: Vec<(Mark, SpannedText)>) {
        let mut entries: Vec<(Mark, Option<(Mark, SpannedText)>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for mark in blocks.iter().flat_map(|block| &block.marks) {
            known.entry(mark.digits.clone()).or_insert_with(|| {
                entries.push((mark.clone(), None));
                entries.len() - 1
            });
        }
        for diagnostic in citations {
            match known.get(&diagnostic.0.digits).map(|at| &mut entries[*at].1) {
                Some(entry @ None) => *entry = Some(diagnostic),
                _ => entries.push((diagnostic.0.clone(), Some(diagnostic))),
            }
        }
        let missing: Vec<u32> =
            entries.iter().filter(|(_, text)| text.is_none()).filter_map(|(mark, _)| mark.digits.parse().ok()).collect();
        if let Some((first, _)) = entries.iter().find(|(_, text)| text.is_none()) {
            let (what, are) = if missing.len() == 1 { ("note", "is") } else { ("notes", "are") };
            let message = format!("{what} {} {are} referred to but {are} not on the page", ranges(&missing));
            self.emit(&rules::MISSING_NOTES, first.id.span(), message, "/references").help =
                Some("add the text of the notes after the narrative, each after its mark".to_owned());
        }
        let mut numbers: Vec<u32> = entries.iter().filter_map(|(mark, _)| mark.digits.parse().ok()).collect();
        numbers.sort_unstable();
        let gaps: Vec<u32> = numbers.windows(2).flat_map(|pair| (pair[0] + 1..pair[1]).take(100)).collect();
        if let (Some((first, _)), false) = (entries.first(), gaps.is_empty()) {
            let message =
                format!("the marks count from {} to {}; there is none for {}", numbers[0], numbers[numbers.len() - 1], ranges(&gaps));
            self.emit(&rules::NOTE_GAP, first.id.span(), message, "/references");
        }
        for (mark, citation) in entries {
            let mut reference = Object::new(mark.id.span());
            put_id(&mut reference, &mark);
            if let Some((mark, citation)) = citation {
                reference.put("citation", mark.id.span(), Value::Text(citation));
            }
            self.record.list("references", Span::at(mark.id.span().start)).push(Value::Object(reference));
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

fn put_id(object: &mut Object, mark: &Mark) {
    let span = mark.id.span();
    object.put("id", Span::at(span.start), mark_value(mark));
}

fn mark_value(mark: &Mark) -> Value {
    if mark.id.text() == mark.digits { Value::Text(mark.id.clone()) } else { Value::Written(mark.digits.clone(), mark.id.span()) }
}

fn put_refs<'m>(object: &mut Object, marks: impl Iterator<Item = &'m Mark>) {
    let mut once: Vec<&Mark> = Vec::new();
    for mark in marks {
        match once.iter_mut().find(|known| known.digits == mark.digits) {
            // The last of a number's marks is pointed at: it may stand after the text, the others are in it.
            Some(known) => *known = mark,
            None => once.push(mark),
        }
    }
    for mark in once {
        object.list("refs", Span::at(mark.id.span().start)).push(mark_value(mark));
    }
}

// Numbers as `33 to 35, 37`.
fn ranges(numbers: &[u32]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let ranges = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

// A mark found in a text: all of it, and the digits of each number in it.
struct MarkMatch {
    whole: Range<usize>,
    numbers: Vec<Range<usize>>,
    // Whether it cannot be anything else.
    sure: bool,
}

impl MarkMatch {
    // A mark that is a number and nothing else.
    fn one(whole: Range<usize>, sure: bool) -> Self {
        Self { numbers: std::iter::once(whole.clone()).collect(), whole, sure }
    }
}

// A mark that cannot be anything else, at this offset.
fn mark_at(text: &str, at: usize) -> Option<MarkMatch> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    if is_mark(first) {
        let length = rest.find(|c| !is_mark(c)).unwrap_or(rest.len());
        // `500 km²` is a measure.
        let near = &text[text.floor_char_boundary(at.saturating_sub(4))..at];
        let unit = near.rsplit(|c: char| is_space(c) || c.is_ascii_digit()).next().unwrap_or_default();
        let measure = matches!(unit, "m" | "km" | "cm" | "mm" | "dm")
            && text[..at - unit.len()].trim_end_matches(is_space).ends_with(|c: char| c.is_ascii_digit());
        return (!measure && length <= 24).then(|| MarkMatch::one(at..at + length, true));
    }
    let (open, close) = if rest.starts_with('[') {
        ("[", "]")
    } else if rest.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("<sup>")) {
        (&rest[..5], "</sup>")
    } else {
        return None;
    };
    let start = at + open.len();
    let length = text[start..].find(|c: char| !(c.is_ascii_digit() || c == ',' || is_space(c)))?;
    if !text[start + length..].get(..close.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(close)) {
        return None;
    }
    let mut numbers = Vec::new();
    let mut digits = start;
    for part in text[start..start + length].split(',') {
        let number = part.trim_matches(is_space);
        if number.is_empty() || number.len() > 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let from = digits + (part.len() - part.trim_start_matches(is_space).len());
        numbers.push(from..from + number.len());
        digits += part.len() + 1;
    }
    Some(MarkMatch { whole: at..start + length + close.len(), numbers, sure: true })
}

// Digits glued to a stop or a closing quote: a mark only where it goes on with the count.
fn glued_at(text: &str, at: usize) -> Option<MarkMatch> {
    let mut before = text[..at].chars().rev();
    let stop = before.next().filter(|c| matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '"' | '”' | '’' | ')'))?;
    let letter = before.find(|c| !matches!(c, '.' | ',' | '"' | '”' | '’' | ')'))?;
    let length = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let ends = text[at + length..].chars().next().is_none_or(|c| is_space(c) || matches!(c, ')' | '"' | '”'));
    let number = MarkMatch::one(at..at + length, false);
    ((1..=3).contains(&length) && letter.is_alphabetic() && ends && (stop != ':' || letter.is_alphabetic())).then_some(number)
}

fn marks_in(text: &str) -> Vec<MarkMatch> {
    let mut found: Vec<MarkMatch> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let mark = mark_at(text, at).or_else(|| if c.is_ascii_digit() { glued_at(text, at) } else { None });
        match mark {
            Some(mark) => {
                at = mark.whole.end;
                found.push(mark);
            }
            // Digits in the middle of a number are none of their own.
            None if c.is_ascii_digit() => at += text[at..].bytes().take_while(u8::is_ascii_digit).count(),
            None => at += c.len_utf8(),
        }
    }
    found
}

fn digits(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{b9}' => Some(1),
        '\u{b2}' => Some(2),
        '\u{b3}' => Some(3),
        '\u{2070}'..='\u{2079}' => Some(u32::from(c) - 0x2070),
        c => c.to_digit(10),
    };
    text.chars().filter_map(plain).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

// Takes marks out of the blocks' texts, and out of the list the blocks that are notes; returns the notes.
fn take_marks(blocks: &mut Vec<Block>) -> Vec<(Mark, SpannedText)> {
    let mut found: Vec<Vec<MarkMatch>> = blocks.iter().map(|block| marks_in(block.text.text())).collect();
    // Glued digits count when they go on with the number before, or begin a count that goes on.
    let number = |block: usize, found: &MarkMatch| {
        found.numbers.last().and_then(|range| digits(&blocks[block].text.text()[range.clone()]).parse::<u32>().ok())
    };
    let order: Vec<(usize, usize, Option<u32>, bool)> = found
        .iter()
        .enumerate()
        .flat_map(|(block, list)| list.iter().enumerate().map(move |(at, found)| (block, at, found)))
        .map(|(block, at, found)| (block, at, number(block, found), found.sure))
        .collect();
    let latest: HashMap<u32, usize> =
        order.iter().enumerate().filter_map(|(at, &(_, _, value, _))| value.map(|value| (value, at))).collect();
    let mut last: Option<u32> = None;
    for (at, &(block, index, value, sure)) in order.iter().enumerate() {
        let Some(value) = value else { continue };
        let counts = match last {
            Some(last) => last.checked_add(1) == Some(value),
            None => latest.get(&value.saturating_add(1)).is_some_and(|later| *later > at),
        };
        if sure || counts {
            // A mark that refers back does not set the count back.
            last = Some(last.map_or(value, |last| last.max(value)));
            found[block][index].sure = true;
        }
    }
    let cited: HashSet<String> = found
        .iter()
        .zip(blocks.iter())
        .flat_map(|(list, block)| {
            list.iter().filter(|found| found.sure).flat_map(|found| &found.numbers).map(|range| digits(&block.text.text()[range.clone()]))
        })
        .collect();
    let mut diagnostics = Vec::new();
    let mut kept: Vec<Block> = Vec::new();
    for (block, list) in blocks.drain(..).zip(found) {
        if let Some(diagnostic) = diagnostic(&block, &list, &cited) {
            diagnostics.push(diagnostic);
            continue;
        }
        let bare = without_marks(&block, &list);
        match kept.last_mut() {
            // Marks that a page's end has parted from their text.
            Some(before) if bare.text.is_empty() => {
                let at = before.text.text().len();
                before.marks.extend(bare.marks.into_iter().map(|mark| Mark { at, ..mark }));
            }
            None if bare.text.is_empty() => kept.push(block),
            _ => kept.push(bare),
        }
    }
    *blocks = kept;
    diagnostics
}

// A block that is a note: it begins with a mark, or with the number of a note that the text refers to.
fn diagnostic(block: &Block, found: &[MarkMatch], cited: &HashSet<String>) -> Option<(Mark, SpannedText)> {
    let text = block.text.text();
    if let Some(first) = found.first().filter(|first| first.whole.start == 0 && first.sure && first.numbers.len() == 1) {
        let id = block.text.slice(first.numbers[0].clone());
        let digits = digits(id.text());
        let rest = block.text.slice(first.whole.end..text.len()).trim_matches(|c| is_space(c) || c == '.');
        let rest = if rest.is_empty() { rest } else { block.text.slice(first.whole.end..text.len()).trim() };
        return (!rest.is_empty()).then_some((Mark { id, digits, at: 0 }, rest));
    }
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[length..].strip_prefix('.').unwrap_or(&text[length..]);
    if length == 0 || !rest.starts_with(is_space) || !cited.contains(&text[..length]) {
        return None;
    }
    let id = block.text.slice(0..length);
    Some((Mark { digits: id.text().to_owned(), id, at: 0 }, block.text.slice(text.len() - rest.len()..text.len()).trim()))
}

fn without_marks(block: &Block, found: &[MarkMatch]) -> Block {
    let whole = block.text.text();
    let mut text = SpannedText::default();
    let mut marks = Vec::new();
    let mut at = 0;
    for found in found.iter().filter(|found| found.sure) {
        let mut before = block.text.slice(at..found.whole.start);
        let parts = before.text().trim_matches(|c| is_space(c) || c == ',');
        if parts.is_empty() && !marks.is_empty() && !before.is_empty() {
            // A comma or a blank between two marks goes with them.
            before = SpannedText::default();
        } else {
            // The blank before a mark goes with it, where a word or a stop ends there.
            let end = before.text().trim_end_matches(is_space).len();
            before = before.slice(0..end);
        }
        text.push(&before);
        for number in &found.numbers {
            let id = block.text.slice(number.clone());
            marks.push(Mark { digits: digits(id.text()), id, at: text.text().len() });
        }
        at = found.whole.end;
    }
    text.push(&block.text.slice(at..whole.len()));
    let end = text.text().trim_end_matches(is_space).len();
    let start = text.text().len() - text.text().trim_start_matches(is_space).len();
    for mark in &mut marks {
        mark.at = mark.at.min(end).saturating_sub(start);
    }
    Block { text: text.trim(), marks, ..*block }
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
