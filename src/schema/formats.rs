//! Formats that are checked faster here than by the validator: what is plainly right is seen at once, and whatever is not
//! goes to the validator's own check, whose verdict is thus always ours.

use std::sync::OnceLock;

use jsonschema::Validator;

use super::spanned::{Instance, Spanned};

/// Whether a text is an e-mail address (RFC 5321, section 4.1.2, Mailbox), as the validator's own check has it.
// That check costs 250 ns and an allocation an address, this one 25; benches/stages.rs has both within `check`.
pub(super) fn is_email(text: &str) -> bool {
    is_plain_email(text) || by_validator(text)
}

// A local part of atoms, and a domain of labels without a run of hyphens, which might be encoded characters.
fn is_plain_email(text: &str) -> bool {
    const LONGEST_LOCAL: usize = 64;
    const LONGEST_DOMAIN: usize = 253;
    const LONGEST_LABEL: usize = 63;
    let Some(at) = text.bytes().position(|byte| byte == b'@') else { return false };
    let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
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

fn by_validator(text: &str) -> bool {
    static VALIDATOR: OnceLock<Option<Validator<Spanned>>> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let schema = serde_json::json!({ "format": "email" });
        jsonschema::options_for::<Spanned>().offline().should_validate_formats(true).build(&schema).ok()
    });
    validator.as_ref().is_some_and(|validator| validator.is_valid(Instance::Name(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_addresses_are_seen_at_once() {
        for text in ["a@b", "desk@example.org", "first.last+tag@mail.example-site.co.uk", "o'neill_x-y@1.2"] {
            assert!(is_plain_email(text), "{text}");
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
            ("desk@", false),
            ("@b", false),
            ("a@b@c", false),
            ("a..b@c", false),
            ("a@b-", false),
            ("a@b..c", false),
            ("a@b.", false),
            ("", false),
            (&long, false),
        ] {
            assert!(!is_plain_email(text), "{text}");
            assert_eq!(is_email(text), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn nothing_is_taken_that_the_validator_refuses(text in "[a-zA-Z0-9.@_+'\"ä -]{0,12}(@|@x?n?--?)[a-zA-Z0-9.@-]{0,70}") {
            prop_assert!(!is_plain_email(&text) || by_validator(&text), "{text:?}");
        }
    }
}
