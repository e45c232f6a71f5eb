//! Fast paths for `format`: obviously valid texts are accepted here; all others are left to the validator, so that its verdict
//! always applies.

use std::sync::OnceLock;

use jsonschema::Validator;

use super::json_impl::{InstanceRef, TreeRef};
use super::{Engine, build_alone};

/// Whether a text is an e-mail address (RFC 5321, section 4.1.2, Mailbox), as the validator's own check has it.
// That check costs 250 ns and an allocation an address, this one 25; benches/stages.rs has both within `check`.
pub(super) fn is_email(text: &str) -> bool {
    is_plain_email(text.as_bytes()) || email_by_validator(text)
}

/// What says of a text that it is plainly in that format; where it says no, nothing is known.
pub(super) fn plain(format: &str) -> Option<fn(&[u8]) -> bool> {
    match format {
        "email" => Some(is_plain_email),
        "date" => Some(is_plain_date),
        "date-time" => Some(is_plain_moment),
        "uri" => Some(is_plain_uri),
        _ => None,
    }
}

// A day (RFC 3339, section 5.6, full-date) that every month has.
fn is_plain_date(text: &[u8]) -> bool {
    let Some((year, [b'-', month @ .., b'-', tens, ones])) = text.split_at_checked(4) else { return false };
    year.iter().all(u8::is_ascii_digit)
        && matches!(month, [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2'])
        && matches!([tens, ones], [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'9'] | [b'2', b'0'..=b'8'])
}

// A moment (RFC 3339, section 5.6, date-time) in UTC, by the second.
fn is_plain_moment(text: &[u8]) -> bool {
    let Some((date, [b'T', hour @ .., b':', m, n, b':', s, t, b'Z'])) = text.split_at_checked(10) else { return false };
    let below_sixty = |tens: u8, ones: u8| matches!(tens, b'0'..=b'5') && ones.is_ascii_digit();
    is_plain_date(date) && matches!(hour, [b'0' | b'1', b'0'..=b'9'] | [b'2', b'0'..=b'3']) && below_sixty(*m, *n) && below_sixty(*s, *t)
}

// An address (RFC 3986, section 3) of the web without port, user, escapes and fragment.
fn is_plain_uri(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"https://").or_else(|| text.strip_prefix(b"http://")) else { return false };
    rest.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'?' | b'=' | b'&' | b'+' | b','))
}

// A local part of atoms, and a domain of labels without a run of hyphens, which might be encoded characters.
fn is_plain_email(text: &[u8]) -> bool {
    const LONGEST_LOCAL: usize = 64;
    const LONGEST_DOMAIN: usize = 253;
    const LONGEST_LABEL: usize = 63;
    let Some(at) = text.iter().position(|byte| *byte == b'@') else { return false };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let is_atom = |atom: &[u8]| {
        !atom.is_empty() && atom.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'\''))
    };
    let is_label = |label: &[u8]| {
        let mut before = b'-';
        let plain = label.iter().all(|byte| {
            let fits = byte.is_ascii_alphanumeric() || (*byte == b'-' && before != b'-');
            before = *byte;
            fits
        });
        plain && before != b'-' && label.len() <= LONGEST_LABEL
    };
    local.len() <= LONGEST_LOCAL
        && domain.len() <= LONGEST_DOMAIN
        && local.split(|byte| *byte == b'.').all(is_atom)
        && domain.split(|byte| *byte == b'.').all(is_label)
}

fn email_by_validator(text: &str) -> bool {
    static VALIDATOR: OnceLock<Option<Validator<TreeRef>>> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let schema = serde_json::json!({ "format": "email" });
        jsonschema::options_for::<TreeRef>().offline().should_validate_formats(true).build(&schema).ok()
    });
    validator.as_ref().is_some_and(|validator| validator.is_valid(InstanceRef::Name(text)))
}

/// Decides whether a string has a format, as a check does that asserts it.
#[derive(Debug)]
pub struct FormatCheck {
    plain: Option<fn(&[u8]) -> bool>,
    validator: Validator<TreeRef>,
}

impl FormatCheck {
    /// That of the format of this name; `None` if it cannot be built.
    #[must_use]
    pub fn new(format: &str) -> Option<Self> {
        let validator = build_alone(&serde_json::json!({ "format": format }), true, Engine::Linear).ok()?;
        Some(Self { plain: plain(format), validator })
    }

    /// Whether the string has the format.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.plain.is_some_and(|plain| plain(text.as_bytes())) || self.validator.is_valid(InstanceRef::Name(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_addresses_are_seen_at_once() {
        for text in ["a@b", "info@example.org", "first.last+tag@mail.example-site.co.uk", "o'neill_x-y@1.2"] {
            assert!(is_plain_email(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn others_are_the_validators() {
        let long = format!("{}@b", "a".repeat(65));
        for (text, expected) in [
            ("\"a b\"@example.org", true),
            ("a@[127.0.0.1]", true),
            ("a@[IPv6:::1]", true),
            ("a{b@example.org", true),
            ("a@xn--bcher-kva.example", true),
            ("a@xx--a", false),
            ("info@", false),
            ("@b", false),
            ("a@b@c", false),
            ("a..b@c", false),
            ("a@b-", false),
            ("a@b..c", false),
            ("a@b.", false),
            ("", false),
            (&long, false),
        ] {
            assert!(!is_plain_email(text.as_bytes()), "{text}");
            assert_eq!(is_email(text), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(chancery_core::property::cases(5000))]

        #[test]
        fn nothing_is_taken_that_the_validator_refuses(text in "[a-zA-Z0-9.@_+'\"ä -]{0,12}(@|@x?n?--?)[a-zA-Z0-9.@-]{0,70}") {
            prop_assert!(!is_plain_email(text.as_bytes()) || email_by_validator(&text), "{text:?}");
        }

        #[test]
        fn no_plain_text_is_one_that_the_validator_refuses(
            text in prop_oneof![
                "[0-9]{4}-[01][0-9]-[0-3][0-9]",
                "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,2})?(Z|z|\\+01:00)?",
                "(https?|ftp|x)://[a-zA-Z0-9._~/?=&+,:@#%-]{0,12}",
                "\\PC{0,12}",
            ],
        ) {
            for format in ["date", "date-time", "uri"] {
                let validator = build_alone(&serde_json::json!({ "format": format }), true, Engine::Linear).expect("it is a schema");
                let is_plain = plain(format).expect("it is known")(text.as_bytes());
                prop_assert!(!is_plain || validator.is_valid(InstanceRef::Name(&text)), "{format} {text:?}");
            }
        }
    }

    #[test]
    fn plain_texts_of_other_formats_are_seen_at_once() {
        for (format, yes, no) in [
            ("date", "2024-02-28", ["2024-02-29", "2024-2-028", "2024-00-10"]),
            ("date-time", "1992-03-09T23:15:59Z", ["1992-03-09T24:15:00Z", "1992-03-09T23:59:60Z", "1992-03-09T23:15:00+01:00"]),
            ("uri", "https://www.example.org/en/a-b?c=d&e", ["https://[::1]/", "https://a/%zz", "mailto:a@example.org"]),
        ] {
            let plain = plain(format).expect("it is known");
            assert!(plain(yes.as_bytes()), "{yes}");
            no.iter().for_each(|text| assert!(!plain(text.as_bytes()), "{text}"));
        }
    }
}
