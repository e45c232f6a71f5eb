//! Note marks in running text, and the notes they refer to.
//!
//! A mark is a raised number, a number in brackets, or digits glued to a stop or a word that go on with the count. Marks leave the
//! text; each becomes an entry of `references`, with the note's text where it is on the page.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::blocks::{Block, Mark, note_number};
use super::prose_lines::is_mark;
use super::record::PageReader;
use super::spanned_text::{SpannedText, is_space};
use super::value::{Object, Value};
use chancery_core::diagnostic::rules;
use chancery_core::growth::step;
use chancery_core::source::Span;

impl PageReader<'_> {
    // An entry for each note that is referred to or is on the page.
    pub(super) fn put_references(&mut self, blocks: &[Block], citations: Vec<(Mark, SpannedText)>) {
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
}

fn put_id(object: &mut Object, mark: &Mark) {
    let span = mark.id.span();
    object.put("id", Span::at(span.start), mark_value(mark));
}

pub(super) fn mark_value(mark: &Mark) -> Value {
    if mark.id.text() == mark.digits { Value::Text(mark.id.clone()) } else { Value::Written(mark.digits.clone(), mark.id.span()) }
}

pub(super) fn put_refs<'m>(object: &mut Object, marks: impl Iterator<Item = &'m Mark>) {
    let mut once: Vec<&Mark> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for mark in marks {
        if let Some(at) = known.get(mark.digits.as_str()) {
            // The last of a number's marks is pointed at: it may stand after the text, the others are in it.
            once[*at] = mark;
        } else {
            known.insert(&mark.digits, once.len());
            once.push(mark);
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
pub(super) struct MarkMatch {
    whole: Range<usize>,
    numbers: Vec<Range<usize>>,
    notation: Notation,
    // Whether it is a mark.
    sure: bool,
}

// How a mark is written, and so what else it could be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    // Raised: nothing else.
    Raised,
    // In brackets: also an insertion, as in `Article [5]`, or the code of a country.
    Bracketed,
    // Digits glued to a stop after a word.
    Glued,
    // Digits glued to a word, as where a raised mark lost its height.
    OnWord,
    // Digits glued to the stop after a number: also a fraction.
    OnNumber,
}

impl MarkMatch {
    // A mark that is a number and nothing else.
    fn one(whole: Range<usize>, notation: Notation) -> Self {
        Self { numbers: std::iter::once(whole.clone()).collect(), whole, notation, sure: notation == Notation::Raised }
    }
}

// A mark with signs of its own, at this offset.
pub(super) fn mark_at(text: &str, at: usize) -> Option<MarkMatch> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    if is_mark(first) {
        let length = rest.find(|c| !is_mark(c)).unwrap_or(rest.len());
        // `500 km²` is a measure.
        let near = &text[text.floor_char_boundary(at.saturating_sub(4))..at];
        let unit = near.rsplit(|c: char| is_space(c) || c.is_ascii_digit()).next().unwrap_or_default();
        let measure = matches!(unit, "m" | "km" | "cm" | "mm" | "dm")
            && text[..at - unit.len()].trim_end_matches(is_space).ends_with(|c: char| c.is_ascii_digit());
        return (!measure && length <= 24).then(|| MarkMatch::one(at..at + length, Notation::Raised));
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
    let end = start + length + close.len();
    if open != "[" {
        return Some(MarkMatch { whole: at..end, numbers, notation: Notation::Raised, sure: true });
    }
    // `Article [5] of`: a mark stands right after a word or a stop, or right before a stop.
    let before = text[..at].chars().next_back();
    let spaced = before.is_some_and(is_space);
    let closes = text[..at].trim_end_matches(is_space).ends_with(['.', '!', '?', '"', '”']);
    let stops = text[end..].chars().next().is_none_or(|c| matches!(c, '.' | ',' | ';' | ':' | '?' | '!'));
    (!spaced || closes || stops || at == 0).then_some(MarkMatch { whole: at..end, numbers, notation: Notation::Bracketed, sure: false })
}

// Digits glued to a stop, a closing quote or a word: a mark only where they go on with the count.
fn glued_at(text: &str, at: usize) -> Option<MarkMatch> {
    const LONG_WORD: usize = 4;
    let length = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let ends = text[at + length..].chars().next().is_none_or(|c| is_space(c) || matches!(c, ')' | '"' | '”'));
    if !(1..=3).contains(&length) || !ends {
        return None;
    }
    let mut before = text[..at].chars().rev();
    let stop = before.next()?;
    let notation = if stop.is_lowercase() {
        let word = text[..at].chars().rev().take(LONG_WORD).take_while(|c| c.is_alphabetic()).count();
        (word == LONG_WORD).then_some(Notation::OnWord)?
    } else if matches!(stop, '.' | ',' | ';' | ':' | '?' | '!' | '"' | '”' | '’' | ')' | ']') {
        let letter = before.find(|c| !matches!(c, '.' | ',' | '"' | '”' | '’' | ')' | ']'))?;
        match letter {
            letter if letter.is_alphabetic() => Notation::Glued,
            letter if letter.is_ascii_digit() && stop == '.' => Notation::OnNumber,
            _ => return None,
        }
    } else {
        return None;
    };
    Some(MarkMatch::one(at..at + length, notation))
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
pub(super) fn take_marks(blocks: &mut Vec<Block>) -> Vec<(Mark, SpannedText)> {
    let mut found: Vec<Vec<MarkMatch>> = blocks.iter().map(|block| marks_in(block.text.text())).collect();
    decide(blocks, &mut found);
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

// Decides which matches are marks: a raised one is, another where it goes on with the count, begins one that goes on, or has its note
// on the page.
fn decide(blocks: &[Block], found: &mut [Vec<MarkMatch>]) {
    let noted: HashSet<u32> = blocks.iter().filter_map(|block| note_number(block.text.text())).collect();
    let number = |block: usize, range: &Range<usize>| digits(&blocks[block].text.text()[range.clone()]).parse::<u32>().ok();
    let mut order = Vec::new();
    for (block, list) in found.iter().enumerate() {
        for (at, mark) in list.iter().enumerate() {
            let first = mark.numbers.first().and_then(|range| number(block, range));
            let last = mark.numbers.last().and_then(|range| number(block, range));
            order.push((block, at, first.zip(last), mark.notation));
        }
    }
    let latest: HashMap<u32, usize> =
        order.iter().enumerate().filter_map(|(at, (_, _, value, _))| value.map(|(first, _)| (first, at))).collect();
    let mut last: Option<u32> = None;
    let mut seen: HashSet<u32> = HashSet::new();
    for (at, &(block, index, value, notation)) in order.iter().enumerate() {
        step();
        let Some((first, end)) = value else { continue };
        let next = last.and_then(|last| last.checked_add(1));
        let goes_on = next == Some(first);
        let begins = last.is_none() && latest.get(&end.saturating_add(1)).is_some_and(|later| *later > at);
        let is_noted = noted.contains(&first) && !seen.contains(&first) && next.is_none_or(|next| first <= next);
        let counts = match notation {
            Notation::Raised => true,
            Notation::Bracketed => goes_on || begins || seen.contains(&first) || is_noted || last.is_none(),
            Notation::Glued => goes_on || begins || is_noted,
            Notation::OnWord => goes_on,
            Notation::OnNumber => is_noted,
        };
        if counts {
            // A mark that refers back does not set the count back.
            last = Some(last.map_or(end, |last| last.max(end)));
            seen.extend(first..=end.min(first.saturating_add(9)));
            found[block][index].sure = true;
        }
    }
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
