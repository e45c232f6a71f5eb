//! Reads dates under labels: a year, a month or a day, and what else stands there as a remark.

use super::record::PageReader;
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, fold};
use super::value::Value;
use chancery_core::diagnostic::{quote, rules};

impl PageReader<'_> {
    pub(super) fn date(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows).trim_matches(|c| is_space(c) || matches!(c, '.' | ','));
        let label = section.label.span();
        let (date, remark) = match self.partial_date(text.text()) {
            Some(date) => (Some((date, text.clone())), None),
            None => match self.date_with_remark(&text) {
                Some((date, printed, remark)) => (Some((date, printed)), Some(remark)),
                None => (None, None),
            },
        };
        match date {
            Some((date, printed)) if date == printed.text() => self.put(field.member(), label, Value::Text(printed)),
            Some((date, printed)) => self.put(field.member(), label, Value::Written(date, printed.span())),
            None => {
                let name = format!("x_{}", field.member());
                let message = format!("expected a year, a month or a day, found {}", quote(text.text(), true));
                self.emit(&rules::UNREAD_DATE, text.span(), message, &format!("/{name}")).help = Some(format!("kept as {name}"));
                self.put(&name, label, Value::Text(text));
            }
        }
        if let Some(remark) = remark {
            let name = match field.member().strip_suffix("_date") {
                Some(event) if !event.starts_with("x_") => format!("{event}_note"),
                _ => format!("x_{}_note", field.member().trim_start_matches("x_")),
            };
            self.put(&name, label, Value::Text(remark));
        }
    }

    // `2005 (institutionalized in 2009)`, `22 June 1984, in Cartagena, Colombia`: a date, then parentheses or a comma.
    fn date_with_remark(&self, text: &SpannedText) -> Option<(String, SpannedText, SpannedText)> {
        let whole = text.text();
        let border = |at: usize| matches!(whole.as_bytes()[at], b'(' | b',' | b';');
        let borders = (0..whole.len()).filter(|at| border(*at));
        borders.take(8).find_map(|at| {
            let printed = text.slice(0..at).trim();
            let date = self.partial_date(printed.text())?;
            let remark = text.slice(at..whole.len()).trim_matches(|c| is_space(c) || matches!(c, ',' | ';'));
            let inner =
                remark.text().strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).filter(|inner| !inner.contains(['(', ')']));
            let remark = inner.map_or_else(|| remark.clone(), |inner| remark.slice(1..1 + inner.len())).trim();
            (!remark.is_empty()).then_some((date, printed, remark))
        })
    }

    // `1948`, `July 2009`, `4 August 1963`, `August 4, 1963`, `1963-08-04`, each after words that say nothing of the date.
    pub(super) fn partial_date(&self, text: &str) -> Option<String> {
        let mut rest = text;
        while let Some((word, behind)) = rest.split_once(is_space)
            && self.form.date_words.iter().any(|known| known.eq_ignore_ascii_case(word))
        {
            rest = behind.trim_start_matches(is_space);
        }
        let words: Vec<&str> = rest.split(|c: char| is_space(c) || c == ',').filter(|word| !word.is_empty()).collect();
        let year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        let day = |word: &str| {
            word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.').parse::<u8>().ok().filter(|day| (1..=31).contains(day))
        };
        let month = |word: &str| {
            let word = fold(word);
            let found = self.form.months.iter().position(|month| {
                let month = fold(month);
                word == month || (word.chars().count() >= 3 && month.starts_with(&word))
            });
            found.map(|at| at + 1)
        };
        Some(match words[..] {
            [only] if year(only) => only.to_owned(),
            [only]
                if only.len() >= 7
                    && only.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }) =>
            {
                only.to_owned()
            }
            [name, last] if year(last) => format!("{last}-{:02}", month(name)?),
            [one, two, last] if year(last) => match (day(one), month(two)) {
                (Some(day), Some(month)) => format!("{last}-{month:02}-{day:02}"),
                _ => format!("{last}-{:02}-{:02}", month(one)?, day(two)?),
            },
            _ => return None,
        })
    }
}
