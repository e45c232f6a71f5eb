//! Coverage: how much of what a page states reached members of the record, and not its running text alone.
//!
//! Counted are labels, years, telephone numbers, mail addresses and symbols of instruments. A page that yields little gives a warning;
//! one that yields next to nothing, an error: the form does not fit it.

use super::record::PageReader;
use super::sections::Page;
use super::spanned_text::{SpannedText, is_space};
use super::value::{Object, Value};
use chancery_core::diagnostic::{quote, rules};
use chancery_core::source::Span;

/// Fewer facts tell nothing.
const FEW: usize = 5;
/// As many of the missing ones are named.
const SHOWN: usize = 5;
/// Members that repeat the text instead of stating facts.
const TEXT: [&str; 4] = ["id", "narrative", "references", "evidence"];

impl PageReader<'_> {
    pub(super) fn coverage(&mut self, page: &Page) {
        let facts: Vec<SpannedText> = page.lines.iter().flat_map(facts).collect();
        let mut spans = Vec::new();
        for (.., value) in self.record.members.iter().filter(|(name, ..)| !TEXT.contains(&name.as_str())) {
            collect(value, &mut spans);
        }
        spans.sort_unstable_by_key(|span| span.start);
        let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        let is_covered = |fact: &SpannedText| {
            let at = joined.partition_point(|span| span.end <= fact.span().start);
            joined.get(at).is_some_and(|span| span.start <= fact.span().start)
        };
        let missing: Vec<&SpannedText> = facts.iter().filter(|fact| !is_covered(fact)).collect();
        let labels = page.sections.len();
        let total = facts.len() + labels + page.labels_in_text.len();
        let covered = facts.len() - missing.len() + labels;
        let stated =
            self.record.members.iter().any(|(name, ..)| !TEXT.contains(&name.as_str()) && !matches!(name.as_str(), "name" | "acronym"));
        let Some(place) = missing.first().map(|fact| fact.span()).or_else(|| (!stated).then_some(self.record.opening)) else { return };
        let names: Vec<String> = missing.iter().take(SHOWN).map(|fact| quote(fact.text(), true)).collect();
        let (rule, message) = if !stated {
            (&rules::LITTLE_READ, "the record has a name and running text alone".to_owned())
        } else if total < FEW || covered * 2 >= total {
            return;
        } else {
            let rule = if covered * 10 < total { &rules::LITTLE_READ } else { &rules::LOW_COVERAGE };
            let message = format!(
                "{covered} of {total} labels, years, numbers and addresses of the page reached a member; missing are {}",
                names.join(", ")
            );
            (rule, message)
        };
        self.emit(rule, place, message, "").help = Some("name the page's form with --form, or define it (docs/handbook.md)".to_owned());
    }
}

// The places of all texts of a value.
fn collect(value: &Value, spans: &mut Vec<Span>) {
    match value {
        Value::Text(piece) | Value::Number(piece) => spans.push(piece.span()),
        Value::Written(_, span) | Value::Derived(_, _, span) => spans.push(*span),
        Value::List(items) => items.iter().for_each(|item| collect(item, spans)),
        Value::Object(Object { members, .. }) => {
            members.iter().filter(|(name, ..)| name != "evidence").for_each(|(_, _, value)| collect(value, spans));
        }
    }
}

// The facts that a line can be seen to state, whatever it means.
fn facts(line: &SpannedText) -> Vec<SpannedText> {
    const PHONE: usize = 7;
    let text = line.text();
    let mut found = Vec::new();
    let mut start = 0;
    for part in text.split_inclusive(is_space) {
        let word = part.trim_matches(|c: char| {
            is_space(c) || matches!(c, '(' | ')' | ',' | '.' | ';' | ':' | '<' | '>' | '[' | ']' | '"' | '“' | '”')
        });
        let at = start + part.find(word).unwrap_or(0);
        start += part.len();
        let is_year =
            word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_mail = word.contains('@') && word.rsplit('@').next().is_some_and(|domain| domain.contains('.'));
        let is_symbol = ["S/RES/", "A/RES/", "S/PRST/"].iter().any(|series| word.starts_with(series));
        if is_year || is_mail || is_symbol {
            found.push(line.slice(at..at + word.len()));
        }
    }
    // A number with a plus or a country code in brackets.
    for (at, _) in text.match_indices(['+', '[']) {
        let rest = &text[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || is_space(c) || matches!(c, '+' | '[' | ']' | '(' | ')' | '-' | '.')))
            .unwrap_or(rest.len());
        if rest[..end].bytes().filter(u8::is_ascii_digit).count() >= PHONE {
            found.push(line.slice(at..at + rest[..end].trim_end_matches(|c: char| !c.is_ascii_digit()).len()));
        }
    }
    found
}
