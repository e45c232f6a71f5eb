//! Reads memberships: one entry per line or bullet, with a status and remarks in parentheses after it.

use super::record::{PageReader, is_acronym, number_of_item};
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::fold;
use super::value::{Object, Value};
use chancery_core::source::Span;

// What the parentheses after a group say.
#[derive(Default)]
struct Remarks {
    status: Option<(String, SpannedText)>,
    // With the place of the word before it.
    start: Option<(SpannedText, Span)>,
    end: Option<(SpannedText, Span)>,
    note: Option<SpannedText>,
}

impl PageReader<'_> {
    pub(super) fn memberships(&mut self, section: &Section) {
        let label = section.label.span();
        let body = section.named.clone().unwrap_or_else(|| section.label.clone());
        for item in self.rows_of_list(section, "/memberships") {
            if self.none(label, &item) {
                continue;
            }
            let mut membership = Object::new(item.span());
            let mut organization = Object::new(body.span());
            organization.text(if is_acronym(body.text()) { "acronym" } else { "name" }, body.clone());
            membership.put("organization", label, Value::Object(organization));
            let mut group = item.trim_matches(|c| is_space(c) || matches!(c, ';' | ','));
            let mut key = Span::at(group.span().start);
            if let Some(length) = number_of_item(group.text()) {
                key = group.slice(0..length).trim().span();
                group = group.slice(length..group.text().len());
            }
            let mut remarks = Remarks::default();
            if group.text().ends_with(')')
                && let Some(open) = group.text().rfind('(')
                && let Some(found) = self.remarks(&group.slice(open + 1..group.text().len() - 1))
            {
                remarks = found;
                group = group.slice(0..open).trim();
            }
            if !group.is_empty() {
                membership.put("group", key, Value::Text(group.clone()));
            }
            match remarks.status {
                Some((code, printed)) => {
                    let at = printed.span();
                    let differs = fold(printed.text()).replace(['-', ' '], "_") != code;
                    membership.put("status", Span::at(at.start), Value::Written(code, at));
                    if differs && remarks.note.is_none() {
                        remarks.note = Some(printed);
                    }
                }
                None => membership.derived("status", "member", group.span()),
            }
            for (name, date) in [("start_date", remarks.start), ("end_date", remarks.end)] {
                if let Some((year, word)) = date {
                    membership.put(name, word, Value::Text(year));
                }
            }
            if let Some(note) = remarks.note {
                membership.text("note", note);
            }
            self.record.list("memberships", label).push(Value::Object(membership));
        }
    }

    // `lead; co-chair with WCO`, `lead until 2010`, `observer since 2011`: a status first, then dates and remarks.
    fn remarks(&self, inner: &SpannedText) -> Option<Remarks> {
        let mut remarks = Remarks::default();
        let mut parts = inner.split(|c| matches!(c, ';' | ',')).into_iter();
        let first = parts.next()?;
        let rest = match self.status(&first) {
            Some((status, rest)) => {
                remarks.status = Some((status.0, first.slice(0..status.1)));
                rest.trim()
            }
            // Dates alone.
            None => first,
        };
        let year = |text: &SpannedText, word: &str| {
            let digits = text.text().strip_prefix(word)?.trim_matches(is_space);
            (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| {
                let at = text.text().len() - digits.len();
                (text.slice(at..text.text().len()), text.slice(0..word.trim_end().len()).span())
            })
        };
        let find = |text: &SpannedText, words: &[&str]| words.iter().find_map(|word| year(text, word));
        let mut others: Vec<SpannedText> = Vec::new();
        for part in std::iter::once(rest).chain(parts).filter(|part| !part.is_empty()) {
            if let Some(start) = find(&part, &["since ", "from ", "as of "]) {
                remarks.start = Some(start);
            } else if let Some(end) = find(&part, &["until ", "till ", "to "]) {
                remarks.end = Some(end);
            } else if let Some((start, end)) = years(&part) {
                let place = start.span();
                remarks.start = Some((start, place));
                remarks.end = Some((end.clone(), end.span()));
            } else {
                others.push(part);
            }
        }
        // Without a status or a date the parentheses are part of the name.
        if remarks.status.is_none() && (!others.is_empty() || (remarks.start.is_none() && remarks.end.is_none())) {
            return None;
        }
        if let (Some(first), Some(last)) = (others.first(), others.last()) {
            let start = inner.offset_of(first)?;
            let end = inner.offset_of(last)? + last.text().len();
            remarks.note = Some(inner.slice(start..end));
        }
        Some(remarks)
    }

    // The status that opens a text, with the length of its words, and what stands after it.
    fn status(&self, text: &SpannedText) -> Option<((String, usize), SpannedText)> {
        let whole = text.text();
        let ends = whole.match_indices(' ').map(|(at, _)| at).chain([whole.len()]);
        let found = ends.rev().find_map(|end| Some((self.form.statuses.get(&fold(&whole[..end]))?.clone(), end)))?;
        let rest = text.slice(found.1..whole.len());
        Some((found, rest))
    }
}

// `2005-2009`.
fn years(text: &SpannedText) -> Option<(SpannedText, SpannedText)> {
    let whole = text.text();
    let (first, last) = ["-", "–", " to "].iter().find_map(|mark| whole.split_once(mark))?;
    let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    (is_year(first) && is_year(last)).then(|| (text.slice(0..4), text.slice(whole.len() - 4..whole.len())))
}
