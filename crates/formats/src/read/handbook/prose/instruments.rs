//! Resolutions of the Security Council that a text names: number, year, date.

use std::ops::Range;

use super::super::record::PageReader;
use super::super::spanned_text::is_space;

/// A resolution where it is named.
#[derive(Clone, Debug)]
pub(super) struct Resolution {
    pub number: u32,
    pub year: Option<String>,
    pub date: Option<(String, Range<usize>)>,
    pub at: Range<usize>,
}

impl PageReader<'_> {
    /// The resolutions that a part of a text names, in order.
    pub(super) fn resolutions(&self, text: &str, within: Range<usize>) -> Vec<Resolution> {
        const SYMBOL: &str = "S/RES/";
        let part = &text[within.clone()];
        let mut found = Vec::new();
        for (at, symbol) in part.match_indices(SYMBOL) {
            let at = within.start + at;
            if let Some((number, end)) = number(text, at + symbol.len()) {
                let (year, end) = year(text, end).map_or((None, end), |(year, end)| (Some(year), end));
                found.push(Resolution { number, year, date: None, at: at..end });
            }
        }
        for (at, word) in part.match_indices("esolution") {
            let mut here = within.start + at + word.len();
            here += usize::from(text[here..].starts_with('s'));
            // `resolutions 1608 (2005), 1702 (2006) and 1743 (2007)`.
            while let Some((number, end)) = number(text, skip(text, here)) {
                let start = skip(text, here);
                let (year, mut end) = year(text, end).map_or((None, end), |(year, end)| (Some(year), end));
                let date = self.date_after(text, end);
                if let Some((_, range)) = &date {
                    end = range.end;
                }
                let year = year.or_else(|| date.as_ref().map(|(date, _)| date[..4].to_owned()));
                found.push(Resolution { number, year, date, at: start..end });
                let rest = &text[end..];
                let Some(link) = [", and ", " and ", ", "].into_iter().find(|link| rest.starts_with(link)) else { break };
                here = end + link.len();
            }
        }
        found.sort_by_key(|resolution| resolution.at.start);
        found.dedup_by_key(|resolution| resolution.at.start);
        found.retain(|resolution| resolution.at.start < within.end);
        found
    }

    // ` of 30 April 2004`.
    fn date_after(&self, text: &str, at: usize) -> Option<(String, Range<usize>)> {
        text[at..].strip_prefix(" of ").and_then(|_| self.date_at(text, at + " of ".len())).filter(|(date, _)| date.len() > 4)
    }

    /// The date that begins at `at`: the longest of a day, a month and a year.
    pub(super) fn date_at(&self, text: &str, at: usize) -> Option<(String, Range<usize>)> {
        let mut ends = Vec::new();
        let mut here = at;
        for _ in 0..3 {
            let start = skip(text, here);
            let word = &text[start..start + text[start..].find(is_space).unwrap_or(text.len() - start)];
            if word.is_empty() {
                break;
            }
            here = start + word.len();
            ends.push(start + word.trim_end_matches(|c: char| !c.is_alphanumeric()).len());
        }
        ends.into_iter().rev().find_map(|end| Some((self.partial_date(text.get(at..end)?)?, at..end)))
    }
}

fn skip(text: &str, at: usize) -> usize {
    at + (text[at..].len() - text[at..].trim_start_matches(is_space).len())
}

// A number of up to four digits that no further digit or slash follows.
fn number(text: &str, at: usize) -> Option<(u32, usize)> {
    let length = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let end = at + length;
    let follows = text[end..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '/');
    ((1..=4).contains(&length) && !follows).then_some((text[at..end].parse().ok()?, end))
}

// The year in parentheses after a number.
fn year(text: &str, at: usize) -> Option<(String, usize)> {
    let rest = text[at..].trim_start_matches(is_space);
    let inner = rest.strip_prefix('(')?;
    let (year, _) = inner.split_once(')')?;
    (year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| (year.to_owned(), text.len() - inner.len() + year.len() + 1))
}
