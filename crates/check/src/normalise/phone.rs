//! Telephone and fax numbers: ITU-T E.164, by a port of libphonenumber.
//!
//! A number with its country (`+`, `00`, `[43]`) is accepted if its length is valid for that country. A number without
//! is parsed with the countries around it, and accepted only if exactly one of them has such a number. Everything else
//! is left as printed, for the schema to reject.

use rlibphonenumber::{NumberLengthType, PhoneNumber, PhoneNumberFormat, Region};

use crate::reference_data::Country;

/// A number in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// `+` and digits.
    pub number: String,
    /// The extension.
    pub extension: Option<String>,
    /// The country that was not written but taken from the context.
    pub supplied: Option<Country>,
}

/// Whether `text` is in normal form: decided without the library, whose initialisation takes milliseconds.
#[must_use]
pub fn is_normal(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (4..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// The number in `text`; the countries around it are requested only if it has none.
#[must_use]
pub fn read(text: &str, countries: impl FnOnce() -> Vec<Country>) -> Option<Phone> {
    let text = prepare(text.trim())?;
    if text.starts_with('+') {
        let number = PhoneNumber::parse(&text, None).ok()?;
        let fits = matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible));
        return if fits { phone(&number, None) } else { None };
    }
    let mut found: Option<Phone> = None;
    for country in countries() {
        let Ok(region) = country.code().parse::<Region>() else { continue };
        let Ok(number) = PhoneNumber::parse(&text, Some(region)) else { continue };
        if !number.is_valid() {
            continue;
        }
        let reading = phone(&number, Some(country))?;
        match &found {
            Some(other) if other.number != reading.number => return None,
            Some(_) => {}
            None => found = Some(reading),
        }
    }
    found
}

fn phone(number: &PhoneNumber, supplied: Option<Country>) -> Option<Phone> {
    let extension = number.extension.clone().filter(|digits| !digits.is_empty());
    let number = number.format_as(PhoneNumberFormat::E164).into_owned();
    is_normal(&number).then_some(Phone { number, extension, supplied })
}

/// Whether `text` has digits of more than one number, so that it is ambiguous.
#[must_use]
pub fn is_several(text: &str) -> bool {
    let (number, _) = split_extension(text);
    let runs = number.split([',', ';', '/', '|', '&', '\n']).flat_map(|part| part.split(char::is_alphabetic));
    // The last digits of a further number after a stroke; other strokes part the area.
    let is_short = number.split_once('/').is_some_and(|(before, behind)| digits(before) >= 6 && digits(behind) < 5);
    runs.filter(|run| digits(run) >= 3).nth(1).is_some() && (is_short || !is_single(text))
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

// Whether there is nothing in `text` but one number, perhaps after a label, and an extension that says what it is.
fn is_single(text: &str) -> bool {
    let (number, _) = split_extension(text);
    let number = number.trim_start_matches(|c: char| c.is_alphabetic() || matches!(c, '.' | ':' | ' ' | '\u{a0}'));
    let allowed =
        |c: char| c.is_ascii_digit() || c.is_whitespace() || "+()[]-./\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}".contains(c);
    // Both sides of a stroke that could each be a whole number.
    let is_pair = number.split_once('/').is_some_and(|(before, behind)| digits(before) >= 8 && digits(behind) >= 5);
    number.chars().all(allowed) && number.matches('/').count() <= 1 && !is_pair
}

// The number, and the extension after a word or sign for one.
fn split_extension(text: &str) -> (&str, Option<&str>) {
    const SIGNS: [&str; 9] = [";ext=", "extension", "extn", "ext", "anexo", "ramal", "int", "x", "#"];
    let bare = text.trim_end_matches([')', ']', '.', ' ']);
    let extension = &bare[bare.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
    let before = bare[..bare.len() - extension.len()].trim_end_matches([' ', '.', ':', '\u{a0}']);
    let sign = SIGNS.iter().find(|sign| {
        let start = before.len().checked_sub(sign.len());
        start.and_then(|start| before.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(sign))
    });
    let Some(sign) = sign.filter(|_| (1..=9).contains(&extension.len())) else { return (text, None) };
    let number = &before[..before.len() - sign.len()];
    if number.ends_with(char::is_alphabetic) || digits(number) < 4 {
        return (text, None);
    }
    (number.trim_end_matches([' ', ',', ';', '(', '[', '\u{a0}']), Some(extension))
}

// One number in the notation of the library; `None` if it is not a single number.
fn prepare(text: &str) -> Option<String> {
    const LONGEST: usize = 60;
    if text.len() > LONGEST || text.contains('\n') {
        return None;
    }
    let text = text.strip_prefix("tel:").unwrap_or(text).trim_start();
    if !is_single(text) {
        return None;
    }
    // `+43 1/2360 2045` separates the area code; `+39 06 5705 1/2` contains two numbers.
    if let Some((_, behind)) = text.split_once('/')
        && behind.bytes().filter(u8::is_ascii_digit).count() < 5
    {
        return None;
    }
    // Several country codes are several numbers.
    if text.matches('+').count() > 1 {
        return None;
    }
    let bare = text.trim_start_matches(['(', '[', ' ']);
    let printed_code = bare.len() < text.len() && bare.starts_with('+');
    if printed_code {
        return Some(bare.replacen([')', ']'], " ", 1));
    }
    if let Some((code, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && (1..=3).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(format!("+{code} {rest}"));
    }
    match text.strip_prefix("00") {
        Some(rest) if rest.trim_start().starts_with(|c: char| matches!(c, '1'..='9')) => Some(format!("+{}", rest.trim_start())),
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, countries: &[&str], expected: Option<(&str, Option<&str>)>) {
        let around = || countries.iter().filter_map(|code| Country::coded(code)).collect();
        let found = read(text, around);
        let found = found.as_ref().map(|phone| (phone.number.as_str(), phone.extension.as_deref()));
        assert_eq!(found, expected, "{text} {countries:?}");
    }

    #[test]
    fn numbers_that_state_their_country() {
        for (text, expected) in [
            ("+1 917 367 2205", "+19173672205"),
            ("+1.917.367.2205", "+19173672205"),
            ("(+1) 917 367-2205", "+19173672205"),
            ("+32 (0)2 707 41 11", "+3227074111"),
            ("[43] (1) 2360 2045", "+43123602045"),
            ("00 43 1 2360 2045", "+43123602045"),
            ("0041 22 917 12 34", "+41229171234"),
            ("+43 1/2360 2045", "+43123602045"),
            ("+39 06 57051", "+390657051"),
            ("+870 773 111 222", "+870773111222"),
            ("tel:+1-917-367-2205", "+19173672205"),
        ] {
            check(text, &[], Some((expected, None)));
        }
        check("+1 212 963 3452 ext. 123", &[], Some(("+12129633452", Some("123"))));
        check("+1 212 963 3452;ext=123", &[], Some(("+12129633452", Some("123"))));
        check("+1 212 963 3452 (ext. 123)", &[], Some(("+12129633452", Some("123"))));
        check("+44 (0)20 7946 0000 x12", &[], Some(("+442079460000", Some("12"))));
    }

    #[test]
    fn numbers_that_do_not() {
        check("1 917 367 2222", &["US"], Some(("+19173672222", None)));
        check("(212) 963-4275", &["US"], Some(("+12129634275", None)));
        check("022 917 12 34", &["CH"], Some(("+41229171234", None)));
        check("022 917 12 34", &["US", "CH"], Some(("+41229171234", None)));
        check("43 1 2360 2045", &["AT"], Some(("+43123602045", None)));
        check("1 917 367 2222", &[], None);
        check("1 917 367 2222", &["FR"], None);
        // Ambiguous.
        check("1 917 367 2222", &["US", "AT"], None);
    }

    #[test]
    fn what_is_no_number_is_left() {
        for text in [
            "",
            "[965] 2451580, 2451588",
            "[66] (2) 2829161 through 2829200",
            "+1 212 963 4275 / 4276",
            "+1 212 963 4275 or 4276",
            "+1 212 963 4275; 4276",
            "+1 212 963 4275, 4276",
            "+49 30 1234567 / 7654321",
            "+1 212 963 4275 & 76",
            "+1 212 963 4275 - ask for x 5 or 6",
            "+1 212 963 4275 y 4276",
            "+1 212 963 4275 to 80",
            "123",
            "+1 123",
            "+999 123 45678",
            "see website",
            "+39 06 5705 1/2",
            "+1 212 963 1234 / +1 212 963 9999",
            "n/a",
            "+",
            "++",
        ] {
            check(text, &["US"], None);
        }
    }
}
