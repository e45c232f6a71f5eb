//! Dates with year, month or day precision, with the marks of EDTF level 1 for uncertainty.

use std::cmp::Ordering;

/// A date of year, month or day precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialDate {
    /// Year of the proleptic Gregorian calendar.
    pub year: i32,
    /// 1 to 12 in valid text.
    pub month: Option<u8>,
    /// 1 to 31 in valid text.
    pub day: Option<u8>,
}

impl PartialDate {
    /// Reads `1948`, `2009-07` or `2006-09-08`, with `?`, `~` or `%` at the end, and with a minus for years before 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix(['?', '~', '%']).unwrap_or(text);
        let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let mut parts = rest.split('-');
        let year = sign * digits(parts.next()?, 4)? as i32;
        let mut next = || parts.next().map(|part| digits(part, 2).map(|number| number as u8));
        let (month, day) = (next(), next());
        if parts.next().is_some() || month == Some(None) || day == Some(None) {
            return None;
        }
        Some(Self { year, month: month.flatten(), day: day.flatten() })
    }

    /// Whether the date exists.
    #[must_use]
    pub fn exists(self) -> bool {
        match (self.month, self.day) {
            (None, None) => true,
            (Some(month), None) => (1..=12).contains(&month),
            (Some(month), Some(day)) => (1..=12).contains(&month) && (1..=days(self.year, month)).contains(&day),
            (None, Some(_)) => false,
        }
    }

    /// Order, if it is known: `2009` and `2009-07` cannot be ordered.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let known = |left: Option<u8>, right: Option<u8>| left.zip(right).map_or(Ordering::Equal, |(left, right)| left.cmp(&right));
        self.year.cmp(&other.year).then_with(|| match known(self.month, other.month) {
            Ordering::Equal if self.month.is_some() && other.month.is_some() => known(self.day, other.day),
            order => order,
        })
    }
}

// A number of exactly `count` ASCII digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    if text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Number of days in a month of 1 to 12.
#[must_use]
pub fn days(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The day number, counted from 1970-01-01.
#[must_use]
pub fn number(year: i32, month: u8, day: u8) -> i64 {
    // Years begin in March, so that the leap day is the last day; 400 years are an era of 146,097 days.
    let (month, year) = (i64::from(month), i64::from(year) - i64::from(month <= 2));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day number: the inverse of [`number`].
#[must_use]
pub fn of_number(number: i64) -> (i64, i64, i64) {
    let day = number + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_profile_allows() {
        for good in ["1948", "2009-07", "2006-09-08", "1948~", "-0044-03-15", "2024-02-29", "0000"] {
            assert!(PartialDate::parse(good).is_some_and(PartialDate::exists), "{good}");
        }
        for impossible in ["2023-02-29", "2023-02-30", "1900-02-29", "2023-13", "2023-00", "2023-04-31", "2023-01-00"] {
            assert!(PartialDate::parse(impossible).is_some_and(|date| !date.exists()), "{impossible}");
        }
        for bad in ["", "48", "1948-7", "1948-", "1948-07-01-02", "+1948", "1948-07-01T00:00", "１９４８", "1948??"] {
            assert_eq!(PartialDate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_have_numbers() {
        for (date, expected) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 2, 29), 11_016),
            ((2024, 3, 1), 19_783),
            ((1, 1, 1), -719_162),
            ((9999, 12, 31), 2_932_896),
        ] {
            let (year, month, day) = date;
            assert_eq!(number(year, month, day), expected, "{date:?}");
            assert_eq!(of_number(expected), (i64::from(year), i64::from(month), i64::from(day)));
        }
        assert!((-719_162..=2_932_896).step_by(97).all(|day| {
            let (year, month, of_month) = of_number(day);
            number(year as i32, month as u8, of_month as u8) == day
        }));
    }

    #[test]
    fn compares_at_common_precision() {
        let compare = |left, right| PartialDate::parse(left).zip(PartialDate::parse(right)).map(|(l, r)| l.compare(r));
        assert_eq!(compare("2009", "2009-07"), Some(Ordering::Equal));
        assert_eq!(compare("2009-08", "2009-07-31"), Some(Ordering::Greater));
        assert_eq!(compare("2009-07-30", "2009-07-31?"), Some(Ordering::Less));
        assert_eq!(compare("-0002", "-0001"), Some(Ordering::Less));
    }
}
