//! Classes of strings that are recognised by their form: formats that a check asserts, and others.

use std::sync::OnceLock;

use chancery_check::reference_data::Country;
use chancery_schema::formats::FormatCheck;

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Classes(u16);

impl Classes {
    pub(super) const DATE: Self = Self(1);
    pub(super) const DATE_TIME: Self = Self(1 << 1);
    pub(super) const EMAIL: Self = Self(1 << 2);
    pub(super) const URI: Self = Self(1 << 3);
    pub(super) const UUID: Self = Self(1 << 4);
    pub(super) const IPV4: Self = Self(1 << 5);
    pub(super) const TELEPHONE: Self = Self(1 << 6);
    pub(super) const COUNTRY: Self = Self(1 << 7);
    pub(super) const LANGUAGE: Self = Self(1 << 8);
    pub(super) const TIME: Self = Self(1 << 9);

    pub(super) const ALL: Self = Self((1 << 10) - 1);

    /// The classes that a schema names by `format`.
    pub(super) const FORMATS: [(Self, &'static str); 7] = [
        (Self::DATE, "date"),
        (Self::DATE_TIME, "date-time"),
        (Self::TIME, "time"),
        (Self::UUID, "uuid"),
        (Self::EMAIL, "email"),
        (Self::IPV4, "ipv4"),
        (Self::URI, "uri"),
    ];

    pub(super) const fn has(self, class: Self) -> bool {
        self.0 & class.0 != 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of these classes that a text belongs to.
    pub(super) fn narrow(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut left = Self(0);
        // What is cheap to see comes first: most texts belong to none.
        let is_short = bytes.len() <= 320 && !bytes.is_empty();
        let digit_first = bytes.first().is_some_and(u8::is_ascii_digit);
        let mut keep = |class: Self, seems: bool, is: &dyn Fn() -> bool| {
            if self.has(class) && seems && is() {
                left.0 |= class.0;
            }
        };
        let holds = |name: &'static str| move || check(name).is_some_and(|check| check.holds(text));
        keep(Self::DATE, bytes.len() == 10 && digit_first, &holds("date"));
        keep(Self::DATE_TIME, digit_first && matches!(bytes.get(10), Some(b'T' | b't' | b' ')), &holds("date-time"));
        keep(Self::TIME, digit_first && bytes.get(2) == Some(&b':'), &holds("time"));
        keep(Self::UUID, bytes.len() == 36, &holds("uuid"));
        keep(Self::IPV4, digit_first && (7..=15).contains(&bytes.len()), &holds("ipv4"));
        keep(Self::EMAIL, is_short && memchr::memchr(b'@', bytes).is_some(), &holds("email"));
        keep(Self::URI, has_scheme(text), &holds("uri"));
        keep(Self::TELEPHONE, is_short, &|| is_telephone(bytes));
        keep(Self::COUNTRY, bytes.len() == 2, &|| {
            bytes.iter().all(u8::is_ascii_uppercase) && Country::coded(text).is_some_and(|country| country.code() == text)
        });
        keep(Self::LANGUAGE, is_short, &|| is_language(bytes));
        left
    }
}

// Anything before a colon is a scheme; only those that are seen in data count.
fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    (2..=10).contains(&scheme.len())
        && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (text[scheme.len()..].starts_with("://") || matches!(scheme, "urn" | "mailto" | "tel" | "doi" | "geo" | "data"))
}

// A number as it is dialled from abroad.
fn is_telephone(text: &[u8]) -> bool {
    let Some((b'+', rest)) = text.split_first() else { return false };
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    (7..=15).contains(&digits)
        && rest.first().is_some_and(|first| matches!(first, b'1'..=b'9' | b'('))
        && rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
}

// A language of two or three letters, with a script or region or not.
fn is_language(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| matches!(byte, b'-' | b'_'));
    let first = parts.next().unwrap_or_default();
    matches!(first.len(), 2 | 3)
        && first.iter().all(u8::is_ascii_lowercase)
        && parts.all(|part| matches!(part.len(), 2..=4) && part.iter().all(u8::is_ascii_alphanumeric))
}

fn check(name: &'static str) -> Option<&'static FormatCheck> {
    static CHECKS: OnceLock<Vec<(&'static str, Option<FormatCheck>)>> = OnceLock::new();
    let checks = CHECKS.get_or_init(|| Classes::FORMATS.map(|(_, name)| (name, FormatCheck::new(name))).into());
    checks.iter().find(|(known, _)| *known == name)?.1.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_texts() {
        for (class, yes, no) in [
            (Classes::DATE, "2024-02-29", "2023-02-29"),
            (Classes::DATE_TIME, "2024-02-29T10:00:00.5+01:00", "2024-02-29 10:00"),
            (Classes::TIME, "10:00:00Z", "10:00"),
            (Classes::EMAIL, "a.b@example.org", "a@b@c"),
            (Classes::URI, "https://example.org/a#b", "note: 12"),
            (Classes::UUID, "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400g"),
            (Classes::IPV4, "192.0.2.1", "192.0.2.256"),
            (Classes::TELEPHONE, "+43 (1) 26060-0", "0043 1 26060"),
            (Classes::COUNTRY, "AT", "QQ"),
            (Classes::LANGUAGE, "pt-BR", "english"),
        ] {
            assert!(Classes::ALL.narrow(yes).has(class), "{yes}");
            assert!(!Classes::ALL.narrow(no).has(class), "{no}");
            assert!(!Classes(0).narrow(yes).has(class), "{yes}");
        }
    }
}
