//! The wording of what a schema requires and what was found: the same in every input format.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use chancery_core::diagnostic::{is_unprintable, quote};
use chancery_core::tree::{Kind, Node};

/// What is there: a scalar quoted, a container by its kind.
pub(super) fn found(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Array if node.is_empty() => "an empty array".to_owned(),
        Kind::Object if node.is_empty() => "an empty object".to_owned(),
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
        kind => quote(node.text(), kind == Kind::String),
    }
}

/// As [`found`], with the type in front.
pub(super) fn found_type(node: Node<'_>) -> String {
    match node.kind() {
        Kind::String | Kind::Number | Kind::Bool => format!("{} {}", node.kind().word(), found(node)),
        kind => kind.word().to_owned(),
    }
}

/// A value of the schema as a message shows it.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text, true),
        other => quote(&other.to_string(), false),
    }
}

/// `a`, `a or b`, `a, b or c`, and no more than eight of them.
pub fn either(items: Vec<String>) -> String {
    list(items, "or")
}

/// As [`either`], with the word that joins the last.
pub fn list(items: Vec<String>, word: &str) -> String {
    list_of(items.into_iter(), |item| item, word)
}

/// As [`list`], of items of which only those that are shown are put into words.
pub(super) fn list_of<T>(items: impl ExactSizeIterator<Item = T>, show: impl Fn(T) -> String, word: &str) -> String {
    const SHOWN: usize = 8;
    let more = if items.len() > SHOWN { items.len() - (SHOWN - 2) } else { 0 };
    let mut items: Vec<String> = items.take(if more > 0 { SHOWN - 2 } else { SHOWN }).map(show).collect();
    if more > 0 {
        items.push(format!("{more} others"));
    }
    let Some(last) = items.pop() else { return "nothing".to_owned() };
    if items.is_empty() { last } else { format!("{} {word} {last}", items.join(", ")) }
}

/// Names of the types asked for.
pub(super) fn types(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(kind) => vec![kind.as_str()],
        TypeKind::Multiple(kinds) => kinds.iter().map(jsonschema::JsonType::as_str).collect(),
    }
}

/// `1 item`, `2 items`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A text of the schema that is shown as it is, except for what would disturb a line.
pub(super) fn plain(text: &str) -> String {
    plain_up_to(text, 160)
}

/// As [`plain`], at most this many characters.
pub(super) fn plain_up_to(text: &str, longest: usize) -> String {
    let mut shown: String = text.chars().take(longest).map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
    if text.chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// A format in words, and a good example of it.
pub fn format(name: &str) -> (String, Option<&'static str>) {
    let (words, example) = match name {
        "email" | "idn-email" => ("an e-mail address", "info@example.org"),
        "uri" | "iri" => ("an absolute URI", "https://www.example.org/page"),
        "uri-reference" | "iri-reference" => ("a URI or a relative reference", "page.html#part"),
        "uri-template" => ("a URI template", "https://www.example.org/{id}"),
        "date" => ("a date", "2009-07-31"),
        "date-time" => ("a date and time with its zone", "2009-07-31T12:00:00Z"),
        "time" => ("a time with its zone", "12:00:00Z"),
        "duration" => ("a duration", "P1Y6M"),
        "hostname" | "idn-hostname" => ("a host name", "www.example.org"),
        "ipv4" => ("an IPv4 address", "192.0.2.1"),
        "ipv6" => ("an IPv6 address", "2001:db8::1"),
        "uuid" => ("a UUID", "123e4567-e89b-12d3-a456-426614174000"),
        "json-pointer" => ("a JSON pointer", "/contacts/0/name"),
        "relative-json-pointer" => ("a relative JSON pointer", "1/name"),
        "regex" => ("a regular expression", "^[a-z]+$"),
        "color" => ("a colour", "#336699"),
        other => return (format!("text in the format {}", quote(other, true)), None),
    };
    (words.to_owned(), Some(example))
}

/// What a keyword asks of a value, and what was found; `None` for keywords with their own messages.
pub(super) fn message(kind: &ValidationErrorKind, node: Node<'_>) -> Option<String> {
    let (expected, found) = match kind {
        ValidationErrorKind::Type { kind } => (either(types(kind).into_iter().map(str::to_owned).collect()), found_type(node)),
        ValidationErrorKind::Enum { options } => {
            (list_of(options.as_array().map(Vec::as_slice).unwrap_or_default().iter(), value, "or"), found(node))
        }
        ValidationErrorKind::Constant { expected_value } => (value(expected_value), found(node)),
        ValidationErrorKind::Minimum { limit } => (format!("at least {limit}"), found(node)),
        ValidationErrorKind::ExclusiveMinimum { limit } => (format!("more than {limit}"), found(node)),
        ValidationErrorKind::Maximum { limit } => (format!("at most {limit}"), found(node)),
        ValidationErrorKind::ExclusiveMaximum { limit } => (format!("less than {limit}"), found(node)),
        ValidationErrorKind::MultipleOf { multiple_of } => (format!("a multiple of {multiple_of}"), found(node)),
        ValidationErrorKind::MinLength { limit } => (format!("at least {}", count(*limit, "character")), length(node)),
        ValidationErrorKind::MaxLength { limit } => (format!("at most {}", count(*limit, "character")), length(node)),
        ValidationErrorKind::MinItems { limit } => (format!("at least {}", count(*limit, "item")), node.len().to_string()),
        ValidationErrorKind::MaxItems { limit } => (format!("at most {}", count(*limit, "item")), node.len().to_string()),
        ValidationErrorKind::AdditionalItems { limit } => (format!("at most {}", count(*limit as u64, "item")), node.len().to_string()),
        ValidationErrorKind::MinProperties { limit } => (format!("at least {}", count(*limit, "member")), node.len().to_string()),
        ValidationErrorKind::MaxProperties { limit } => (format!("at most {}", count(*limit, "member")), node.len().to_string()),
        ValidationErrorKind::Format { format: name } => (format(name).0, found(node)),
        ValidationErrorKind::Pattern { pattern } => (format!("text that matches {}", plain(pattern)), found(node)),
        ValidationErrorKind::ContentEncoding { content_encoding } => (format!("text encoded as {}", plain(content_encoding)), found(node)),
        ValidationErrorKind::FromUtf8 { .. } => ("encoded text that is UTF-8".to_owned(), found(node)),
        ValidationErrorKind::ContentMediaType { content_media_type } => {
            (format!("text that holds {}", plain(content_media_type)), found(node))
        }
        ValidationErrorKind::AdditionalProperties { .. }
        | ValidationErrorKind::UnevaluatedProperties { .. }
        | ValidationErrorKind::UnevaluatedItems { .. }
        | ValidationErrorKind::AnyOf { .. }
        | ValidationErrorKind::OneOfNotValid { .. }
        | ValidationErrorKind::OneOfMultipleValid { .. }
        | ValidationErrorKind::Contains
        | ValidationErrorKind::UniqueItems
        | ValidationErrorKind::PropertyNames { .. }
        | ValidationErrorKind::Required { .. }
        | ValidationErrorKind::Not { .. }
        | ValidationErrorKind::FalseSchema
        | ValidationErrorKind::Custom { .. }
        | ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. }
        | ValidationErrorKind::Referencing(_) => return None,
    };
    Some(format!("expected {expected}, found {found}"))
}

fn length(node: Node<'_>) -> String {
    let length = node.text().chars().count();
    if length == 0 { "empty text".to_owned() } else { format!("{length}: {}", found(node)) }
}
