//! Partial dates: `2009-07` for `July 2009`, `1948` for the number 1948.
//!
//! Only forms that can mean one date are taken: `03/04/2009` is left for the schema to refuse. Nothing is made more
//! exact than it was written, and marks of doubt stay.

use crate::lexicon::PartialDate;

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// The normal form of `text`, where it is a date in another form.
#[must_use]
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    if PartialDate::parse(text).is_some() {
        return Some(text.to_owned());
    }
    let (circa, rest) = ["circa ", "ca. ", "ca ", "c. ", "c."]
        .iter()
        .find_map(|word| strip_word(text, word))
        .map_or((false, text), |rest| (true, rest.trim_start()));
    let (body, mark) = match rest.char_indices().last() {
        Some((at, '?' | '~' | '%')) => (rest[..at].trim_end(), &rest[at..]),
        _ => (rest, if circa { "~" } else { "" }),
    };
    let (year, month, day) = year_alone(body).or_else(|| by_numbers(body)).or_else(|| by_words(body))?;
    let date = PartialDate { year: i32::from(year), month, day };
    if !date.exists() {
        return None;
    }
    let month = month.map(|month| format!("-{month:02}")).unwrap_or_default();
    let day = day.map(|day| format!("-{day:02}")).unwrap_or_default();
    Some(format!("{year:04}{month}{day}{mark}"))
}

type Parts = (u16, Option<u8>, Option<u8>);

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

fn number(text: &str, most: usize) -> Option<u16> {
    if text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn year_alone(text: &str) -> Option<Parts> {
    year(text).map(|year| (year, None, None))
}

fn year(text: &str) -> Option<u16> {
    number(text, 4).filter(|_| text.len() == 4)
}

// Year first, or day and month in an order that only one reading allows.
fn by_numbers(text: &str) -> Option<Parts> {
    let mark = ['/', '.', '-'].into_iter().find(|mark| text.matches(*mark).count() == 2)?;
    let mut parts = text.split(mark);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if let Some(year) = year(first) {
        return Some((year, Some(number(second, 2)? as u8), Some(number(third, 2)? as u8)));
    }
    let (a, b, year) = (number(first, 2)? as u8, number(second, 2)? as u8, year(third)?);
    match (a <= 12, b <= 12) {
        (false, true) => Some((year, Some(b), Some(a))),
        (true, false) => Some((year, Some(a), Some(b))),
        (true, true) if a == b => Some((year, Some(a), Some(a))),
        _ => None,
    }
}

// `July 2009`, `4 August 1963`, `4th of August, 1963`, `August 4, 1963`.
fn by_words(text: &str) -> Option<Parts> {
    let mut words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if words.len() == 4 && words[1].eq_ignore_ascii_case("of") {
        words.remove(1);
    }
    match words[..] {
        [name, last] => Some((year(last)?, Some(month(name)?), None)),
        [first, second, last] => {
            let (name, number) = if month(first).is_some() { (first, second) } else { (second, first) };
            Some((year(last)?, Some(month(name)?), Some(day(number)?)))
        }
        _ => None,
    }
}

fn month(name: &str) -> Option<u8> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let position = MONTHS
        .iter()
        .position(|month| *month == name || (name.len() == 3 && month.starts_with(&name)) || (name == "sept" && *month == "september"));
    position.map(|at| at as u8 + 1)
}

fn day(text: &str) -> Option<u8> {
    let bare = ["st", "nd", "rd", "th"].iter().find_map(|ending| text.strip_suffix(ending)).unwrap_or(text);
    number(bare.strip_suffix('.').unwrap_or(bare), 2).filter(|_| !bare.is_empty()).map(|day| day as u8)
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        for (text, expected) in [
            ("1948", Some("1948")),
            ("2006-09-08?", Some("2006-09-08?")),
            ("2023-02-30", Some("2023-02-30")),
            (" 1948 ", Some("1948")),
            ("July 2009", Some("2009-07")),
            ("JULY 2009", Some("2009-07")),
            ("4 August 1963", Some("1963-08-04")),
            ("4th August 1963", Some("1963-08-04")),
            ("4. Aug. 1963", Some("1963-08-04")),
            ("August 4, 1963", Some("1963-08-04")),
            ("1st of May 1990", Some("1990-05-01")),
            ("2009/07/01", Some("2009-07-01")),
            ("2009-7-1", Some("2009-07-01")),
            ("25.12.2009", Some("2009-12-25")),
            ("12/25/2009", Some("2009-12-25")),
            ("05/05/2009", Some("2009-05-05")),
            ("c. 1948", Some("1948~")),
            ("circa July 2009", Some("2009-07~")),
            ("1948 ?", Some("1948?")),
            ("03/04/2009", None),
            ("2009/07", None),
            ("31 April 2009", None),
            ("30 February 2023", None),
            ("48", None),
            ("1948-1950", None),
            ("the forties", None),
            ("2009-07-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(super::normal(text).as_deref(), expected, "{text}");
        }
    }
}
