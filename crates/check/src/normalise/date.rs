//! Partial dates: `2009-07` for `July 2009`, `1948` for the number 1948.
//!
//! Only forms that can mean one date are taken. Whether `03/04/2009` begins with the day or the month is not decided by its
//! value, because values of one column then came out differently: the schema has to give the order. Nothing is made more exact
//! than it was written, and marks of doubt stay.

use crate::reference_data::PartialDate;

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// The order in which numbers of a date are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

impl Order {
    /// The names of all orders.
    pub const NAMES: [&'static str; 3] = ["dmy", "mdy", "ymd"];

    /// The order of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "dmy" => Some(Self::Dmy),
            "mdy" => Some(Self::Mdy),
            "ymd" => Some(Self::Ymd),
            _ => None,
        }
    }
}

/// A date in numbers, whose order is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderUnknown;

/// The normal form of `text`, if it is a date in another form.
///
/// # Errors
/// When it begins with the day or the month, and `order` does not say with which.
pub fn read(text: &str, order: Option<Order>) -> Result<Option<String>, OrderUnknown> {
    match (normal(text, order), order) {
        // With an order it would be a date.
        (None, None) if normal(text, Some(Order::Dmy)).or_else(|| normal(text, Some(Order::Mdy))).is_some() => Err(OrderUnknown),
        (found, _) => Ok(found),
    }
}

fn normal(text: &str, order: Option<Order>) -> Option<String> {
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
    let (year, month, day) = year_alone(body).or_else(|| by_numbers(body, order)).or_else(|| by_words(body))?;
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

// Year first, or day and month in the order that is given.
fn by_numbers(text: &str, order: Option<Order>) -> Option<Parts> {
    let mark = ['/', '.', '-'].into_iter().find(|mark| text.matches(*mark).count() == 2)?;
    let mut parts = text.split(mark);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if let Some(year) = year(first) {
        return Some((year, Some(number(second, 2)? as u8), Some(number(third, 2)? as u8)));
    }
    let (a, b, year) = (number(first, 2)? as u8, number(second, 2)? as u8, year(third)?);
    match order {
        Some(Order::Dmy) => Some((year, Some(b), Some(a))),
        Some(Order::Mdy) => Some((year, Some(a), Some(b))),
        Some(Order::Ymd) | None => None,
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
            assert_eq!(super::normal(text, None).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_order_of_numbers_is_never_taken_from_a_value() {
        use super::{Order, OrderUnknown, read};
        for text in ["25.12.2009", "12/25/2009", "05/05/2009", "26.3.1994", "1.12.1984", "c. 1.12.1984"] {
            assert_eq!(read(text, None), Err(OrderUnknown), "{text}");
        }
        for (text, order, expected) in [
            ("26.3.1994", Order::Dmy, Some("1994-03-26")),
            ("1.12.1984", Order::Dmy, Some("1984-12-01")),
            ("1.12.1984", Order::Mdy, Some("1984-01-12")),
            ("26.3.1994", Order::Mdy, None),
            ("1.12.1984", Order::Ymd, None),
            ("1984-12-1", Order::Dmy, Some("1984-12-01")),
            ("31.4.1994", Order::Dmy, None),
        ] {
            assert_eq!(read(text, Some(order)), Ok(expected.map(str::to_owned)), "{text} {order:?}");
        }
        assert_eq!(read("45.13.1994", None), Ok(None));
    }
}
