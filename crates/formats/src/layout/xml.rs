//! XML names and characters, the marker of chancery's layout, and the typing of text: shared by reader, writer and XSD.
//!
//! Chancery's layout is recognised by `version` in [`NAMESPACE`] on the root element. Only under this marker, a
//! character that XML 1.0 cannot represent is written `\uXXXX`, and a backslash before a `u` is written `\u005C`; other
//! backslashes are not changed.

use chancery_core::tree::{Kind, number};
use chancery_schema::shape::{Part, Types};

/// The namespace of chancery's markers.
pub const NAMESPACE: &str = "urn:chancery:1";
/// The version of chancery's layout.
pub const VERSION: &str = "1";
/// The default name of list items.
pub const ITEM: &str = "item";
/// The default name of record elements.
pub const RECORD: &str = "record";

/// Whether a document may contain the character (XML 1.0, production 2).
#[must_use]
pub const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Whether a name may begin with the character (fifth edition, production 4).
#[must_use]
pub const fn is_name_start(c: char) -> bool {
    matches!(c, ':' | '_' | 'A'..='Z' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Whether a name may contain the character (fifth edition, production 4a).
#[must_use]
pub const fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether a member name can be used as an element name: a name without colon that does not begin with `xml`, and that
/// parsers of the fourth edition, such as libxml2 and expat, also accept.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let start =
        |c: char| c.is_ascii_alphabetic() || c == '_' || matches!(c, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{FF}');
    let rest = |c: char| start(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    let reserved = name.get(..3).is_some_and(|first| first.eq_ignore_ascii_case("xml"));
    name.chars().next().is_some_and(start) && name.chars().all(rest) && !reserved
}

/// Whether `name` has its own element in an object of this shape; others are `c:member`, placed last.
#[must_use]
pub fn has_element(part: Part<'_>, name: &str) -> bool {
    is_plain_name(name) && (part.is_any() || part.declared(name).is_some())
}

/// The name of a list's items.
#[must_use]
pub fn item_name(part: Part<'_>) -> &str {
    part.item_name().filter(|name| is_plain_name(name)).unwrap_or(ITEM)
}

/// The name of a record's element.
#[must_use]
pub fn record_name(part: Part<'_>) -> &str {
    part.item_name().filter(|name| is_plain_name(name)).unwrap_or(RECORD)
}

/// The name of the root element for a collection of that name.
#[must_use]
pub fn root_name(collection: &str) -> &str {
    if is_plain_name(collection) { collection } else { "records" }
}

/// The type of an element or attribute without markers: text is typed if the shape allows one type, and is a string otherwise.
#[must_use]
pub fn implied(part: Part<'_>, text: &str) -> Kind {
    let types = part.types();
    if types.allows(Types::STRING) {
        return Kind::String;
    }
    let trimmed = trim(text);
    if types.allows(Types::BOOLEAN) && matches!(trimmed, "true" | "false") {
        Kind::Bool
    } else if types.allows(Types::NUMBER) && number::is_number(trimmed) {
        Kind::Number
    } else {
        Kind::String
    }
}

/// The type of an element with child elements, without markers.
#[must_use]
pub fn implied_container(part: Part<'_>) -> Kind {
    let types = part.types();
    if types.allows(Types::ARRAY) && !types.allows(Types::OBJECT) { Kind::Array } else { Kind::Object }
}

/// Without surrounding XML white space.
#[must_use]
pub fn trim(text: &str) -> &str {
    let start = text.bytes().take_while(|byte| is_space(*byte)).count();
    let end = text.len() - text.bytes().rev().take_while(|byte| is_space(*byte)).count();
    &text[start.min(end)..end]
}

/// Whether a byte is XML white space (1.0, section 2.3).
#[must_use]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Appends text to a document in chancery's layout.
pub fn escape(text: &str, attribute: bool, out: &mut Vec<u8>) {
    // Most texts are unchanged; of non-ASCII characters, only some that begin like U+FFFE are not allowed.
    let stands = |byte: u8| match byte {
        b'&' | b'<' | b'>' | b'\\' | 0xef => false,
        b'"' | b'\t' | b'\n' => !attribute,
        byte => byte >= b' ',
    };
    if text.bytes().all(stands) {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let reference = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\r' => "&#13;",
            '"' if attribute => "&quot;",
            '\t' if attribute => "&#9;",
            '\n' if attribute => "&#10;",
            '\\' if text[at + 1..].starts_with('u') => "\\u005C",
            c if is_char(c) => continue,
            _ => "",
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + c.len_utf8();
        if reference.is_empty() {
            out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes());
        } else {
            out.extend_from_slice(reference.as_bytes());
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}

/// Undoes the `\uXXXX` escapes; `None` if there are none.
#[must_use]
pub fn unescape(text: &str) -> Option<String> {
    // Few texts have a backslash.
    memchr::memchr(b'\\', text.as_bytes())?;
    text.find("\\u")?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(c) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            out.push(c);
            rest = &rest[at + 6..];
        } else {
            out.push_str("\\u");
            rest = &rest[at + 2..];
        }
    }
    out.push_str(rest);
    Some(out)
}
