//! What may be left of a text that is about something sensitive.
//!
//! Input: a message, a label or a help as a stage wrote it. Output: the same with the parts that come from the schema, and without
//! those that may come from the data. A message whose parts cannot be distinguished becomes the summary of its rule.

use super::REDACTED;
use super::forms::Forms;
use chancery_core::diagnostic::{Rule, rules};

/// Rules whose messages quote names of members and no values.
const NAMES: &[&Rule] = &[
    &rules::DUPLICATE_MEMBER,
    &rules::OUTSIDE_RECORDS,
    &rules::NO_RECORDS,
    &rules::DUPLICATE_COLUMN,
    &rules::UNNAMED_COLUMN,
    &rules::MISSING_MEMBER,
    &rules::UNKNOWN_MEMBER,
    &rules::WRONG_NAME,
    &rules::DEPRECATED,
];

/// Rules whose messages come from the schema, or count.
const SCHEMA_ONLY: &[&Rule] = &[
    &rules::TOO_DEEP,
    &rules::TOO_LARGE,
    &rules::LONG_ROW,
    &rules::SHORT_ROW,
    &rules::MANY_FINDINGS,
    &rules::WRONG_COUNT,
    &rules::MANY_BRANCHES,
    &rules::WRONG_ITEMS,
    &rules::MISSING_KEY,
    &rules::WRONG_KEY_TYPE,
    &rules::REPEATED_ENTRY,
];

/// Beginnings of helps whose rest comes from the schema.
const SCHEMA_HELP: &[&str] = &[
    "for example ",
    "it must match ",
    "the schema describes it: ",
    "the schema calls it ",
    "leave ",
    "make it a list",
    "write null",
    "write the pattern",
    "fix the first ",
    "give the record a key",
];

/// Words that say what kind of value stands somewhere.
const KINDS: &[&str] = &["a", "an", "array", "boolean", "empty", "integer", "null", "number", "object", "string", "text", "nothing"];

/// Says which names may stay in a text.
pub(super) type Keep<'k> = &'k dyn Fn(&str) -> bool;

/// A message about something sensitive.
pub(super) fn message(rule: &'static Rule, text: &str, keep: Keep<'_>, forms: &Forms) -> String {
    if SCHEMA_ONLY.contains(&rule) {
        return known(text, forms);
    }
    let names = NAMES.contains(&rule) || (rule == &rules::FORBIDDEN && text.starts_with("member "));
    let (expected, found) = match text.split_once(", found ") {
        Some((expected, found)) => (expected, Some(found)),
        None => (text, None),
    };
    match found {
        _ if names => {
            quoted(&known(expected, forms), keep) + &found.map_or_else(String::new, |found| format!(", found {}", kind(found, rule)))
        }
        Some(found) if rule.code.starts_with('S') && expected.starts_with("expected ") => {
            // What is expected comes from the schema. Redacting a part of it would reveal that the value resembles it.
            format!("{expected}, found {}", kind(found, rule))
        }
        None if rule == &rules::NOT_UNIQUE => match text.split_once(": ") {
            Some((items, _)) => format!("{}: {REDACTED}", known(items, forms)),
            None => rule.summary.to_owned(),
        },
        _ => rule.summary.to_owned(),
    }
}

/// A message that the author of the schema wrote, with values of the record in it. `own` is the value that it is about.
pub(super) fn authored(rule: &'static Rule, text: &str, own: &str, forms: &Forms) -> String {
    // A whole object or list, which may be cut anywhere.
    if text.contains(['{', '[']) {
        return rule.summary.to_owned();
    }
    word(&quoted(&known(text, forms), &|_| false), own)
}

/// A help about something sensitive, where something may be left of it.
pub(super) fn help(rule: &'static Rule, text: &str, keep: Keep<'_>, forms: &Forms) -> Option<String> {
    if NAMES.contains(&rule) {
        return Some(quoted(&known(text, forms), keep));
    }
    SCHEMA_HELP.iter().any(|begin| text.starts_with(begin)).then(|| known(text, forms))
}

/// A label of a place that may be about something sensitive.
pub(super) fn label(rule: &'static Rule, text: &str, keep: Keep<'_>, forms: &Forms) -> String {
    if text.starts_with("written as ") {
        return quoted(text, &|_| false);
    }
    // What says only how places belong together.
    if !text.contains(['"', '…']) && !text.contains("found") && !text.chars().any(char::is_numeric) {
        return known(text, forms);
    }
    message(rule, text, keep, forms)
}

/// A message about something that is not sensitive, without the values of the record that are.
pub(super) fn other(rule: &'static Rule, text: &str, forms: &Forms) -> String {
    match text.split_once(", found ").filter(|(expected, _)| rule.code.starts_with('S') && expected.starts_with("expected ")) {
        Some((expected, found)) => format!("{expected}, found {}", known(found, forms)),
        None => known(text, forms),
    }
}

/// A text without the values that are known to be sensitive.
pub(super) fn known(text: &str, forms: &Forms) -> String {
    forms.redact(text).unwrap_or_else(|| text.to_owned())
}

/// A text in which only names that may be shown are in quotes.
pub(super) fn quoted(text: &str, keep: Keep<'_>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('"') {
        shown.push_str(before);
        let mut escaped = false;
        let end = behind.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        // A quote that is not closed was cut.
        let (inner, after) = end.map_or((behind, ""), |end| (&behind[..end], &behind[end + 1..]));
        shown.push('"');
        shown.push_str(if keep(inner) { inner } else { REDACTED });
        shown.push('"');
        rest = after;
    }
    shown.push_str(rest);
    shown
}

// What was found, by its kind and, where that was counted, its length.
fn kind(found: &str, rule: &Rule) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let found = quoted(found, &|_| false);
    for word in found.split_whitespace() {
        let is_length =
            rule == &rules::WRONG_LENGTH && shown.is_empty() && word.trim_end_matches(':').bytes().all(|byte| byte.is_ascii_digit());
        let word = if is_length || KINDS.contains(&word) || word == "\"***\"" { word } else { REDACTED };
        if shown.last() != Some(&word) {
            shown.push(word);
        }
    }
    shown.join(" ")
}

// A text without a word.
fn word(text: &str, word: &str) -> String {
    if word.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for (start, _) in text.match_indices(word) {
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if start >= at && !joins(text[..start].chars().next_back()) && !joins(text[start + word.len()..].chars().next()) {
            shown.push_str(&text[at..start]);
            shown.push_str(REDACTED);
            at = start + word.len();
        }
    }
    shown.push_str(&text[at..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_what_the_schema_states() {
        let forms = Forms::new(["secretiv"].into_iter());
        let keep: Keep<'_> = &|name| name == "mail";
        for (rule, text, expected) in [
            (&rules::OUT_OF_RANGE, "expected at most 9, found 12345", "expected at most 9, found ***"),
            (
                &rules::WRONG_LENGTH,
                "expected at most 5 characters, found 8: \"a b \\\" c\"",
                "expected at most 5 characters, found 8: \"***\"",
            ),
            (&rules::WRONG_TYPE, "expected string, found number 12", "expected string, found number ***"),
            (&rules::WRONG_TYPE, "expected string, found boolean true", "expected string, found boolean ***"),
            (&rules::DUPLICATE_MEMBER, "member \"mail\" is duplicated", "member \"mail\" is duplicated"),
            (&rules::UNKNOWN_MEMBER, "unknown member \"anna\"", "unknown member \"***\""),
            (&rules::NOT_UNIQUE, "items 1 and 2 are equal: 7", "items 1 and 2 are equal: ***"),
            (&rules::FORBIDDEN, "12 is excluded by the schema", rules::FORBIDDEN.summary),
            (&rules::TELEPHONE_FORM, "telephone number \"1\" became \"2\", extension \"3\"", rules::TELEPHONE_FORM.summary),
        ] {
            assert_eq!(message(rule, text, keep, &forms), expected);
        }
        assert_eq!(help(&rules::NOT_IN_ENUM, "did you mean \"secretive\"?", keep, &forms), None);
        assert_eq!(help(&rules::UNKNOWN_MEMBER, "did you mean \"mail\"?", keep, &forms).as_deref(), Some("did you mean \"mail\"?"));
        assert_eq!(authored(&rules::WRONG_FORMAT, "12 is no \"x\" of 12", "12", &forms), "*** is no \"***\" of ***");
    }
}
