//! A value as the text of a cell: the only place that defines the meaning of a cell, for reader and writer.
//!
//! Input: the types that the shape allows, the cell's text, and whether it was quoted. Output: its value. The writer
//! calls the same function before it writes, so whatever it writes is read back the same.

use std::borrow::Cow;
use std::cell::RefCell;

use csv_core::{Reader, ReaderBuilder, Terminator};

use chancery_core::tree::{Kind, number};
use chancery_schema::shape::Types;

/// The value of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// Nothing: the member is missing.
    Missing,
    /// A scalar with this text.
    Scalar(Kind, &'a str),
    /// An array or object if the text is JSON for one, else a string.
    Json,
}

/// The value of a cell if `types` are allowed.
///
/// If no string is allowed, the text is read as the allowed type, and quotes have no meaning. If only strings are
/// allowed, it is one. Otherwise, a quoted cell is a string, and an unquoted one is a JSON literal if it is one of an
/// allowed type.
#[must_use]
pub fn read(types: Types, text: &str, quoted: bool) -> Reading<'_> {
    if text.is_empty() && !quoted {
        return Reading::Missing;
    }
    let string = Reading::Scalar(Kind::String, text);
    if !types.allows(Types::STRING) {
        let trimmed = text.trim_matches([' ', '\t']);
        return match literal(trimmed) {
            Some(Literal::Scalar(kind)) if types.allows(Types::of(kind)) => Reading::Scalar(kind, trimmed),
            Some(Literal::Container(kind)) if types.allows(kind) => Reading::Json,
            _ => string,
        };
    }
    if quoted {
        return string;
    }
    match literal(text) {
        // If strings are allowed, a fraction is not an integer.
        Some(Literal::Scalar(Kind::Number))
            if !(Types::NUMBER.within(types) || types.allows(Types::INTEGER) && number::is_integer(text)) =>
        {
            string
        }
        Some(Literal::Scalar(kind)) if types.allows(Types::of(kind)) => Reading::Scalar(kind, text),
        Some(Literal::Container(kind)) if types.allows(kind) => Reading::Json,
        _ => string,
    }
}

enum Literal {
    Scalar(Kind),
    Container(Types),
}

// The JSON literal that `text` may be, by its first and last bytes for arrays and objects.
fn literal(text: &str) -> Option<Literal> {
    match text.as_bytes() {
        b"null" => Some(Literal::Scalar(Kind::Null)),
        b"true" | b"false" => Some(Literal::Scalar(Kind::Bool)),
        [b'{', .., b'}'] => Some(Literal::Container(Types::OBJECT)),
        [b'[', .., b']'] => Some(Literal::Container(Types::ARRAY)),
        [b'-' | b'0'..=b'9', ..] if number::is_number(text) => Some(Literal::Scalar(Kind::Number)),
        _ => None,
    }
}

/// The guard before a cell, which the reader removes.
pub const GUARD: char = '\'';

/// Whether a spreadsheet might run the text as a formula, or the text looks like a guarded cell.
#[must_use]
pub fn needs_guard(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', GUARD])
}

/// Whether a text must be quoted to be one cell with these bytes, for any delimiter.
#[must_use]
pub fn needs_quotes(text: &str, delimiter: u8) -> bool {
    text.is_empty()
        || text.bytes().any(|byte| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n'))
        || text.starts_with([' ', '\t', '\u{feff}'])
        || text.ends_with([' ', '\t'])
}

/// Appends a quoted cell.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for (index, piece) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(piece);
    }
    out.push('"');
}

thread_local! {
    // Creating the state machine costs more than running it over a cell. The cell is already separate, so nothing in it
    // ends it: bytes that no UTF-8 text contains are used as terminators.
    static QUOTED: RefCell<Reader> = RefCell::new(ReaderBuilder::new().delimiter(0xFF).terminator(Terminator::Any(0xFE)).build());
}

/// The text of a quoted cell, from its opening quote completely; text after the closing quote is part of it.
#[must_use]
pub fn unquote(raw: &str) -> Cow<'_, str> {
    let inner = raw.strip_prefix('"').unwrap_or(raw);
    if let Some(body) = inner.strip_suffix('"')
        && !body.contains('"')
    {
        return Cow::Borrowed(body);
    }
    let mut text = vec![0; raw.len()];
    let length = QUOTED.with_borrow_mut(|reader| {
        reader.reset();
        reader.read_field(raw.as_bytes(), &mut text).2
    });
    text.truncate(length);
    Cow::Owned(String::from_utf8(text).expect("the text of a cell is its bytes less some quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(types: Types, text: &str, quoted: bool, expected: Option<Kind>) {
        let found = match read(types, text, quoted) {
            Reading::Missing => None,
            Reading::Scalar(kind, _) => Some(kind),
            Reading::Json => Some(Kind::Array),
        };
        assert_eq!(found, expected, "{text:?} quoted {quoted} in {types:?}");
    }

    #[test]
    fn quoting_decides_where_the_shape_does_not() {
        for (text, quoted, expected) in [
            ("", false, None),
            ("", true, Some(Kind::String)),
            ("5", false, Some(Kind::Number)),
            ("5", true, Some(Kind::String)),
            ("007", false, Some(Kind::String)),
            ("null", false, Some(Kind::Null)),
            ("null", true, Some(Kind::String)),
            ("true", false, Some(Kind::Bool)),
            ("NO", false, Some(Kind::String)),
            ("[]", false, Some(Kind::Array)),
            ("[]", true, Some(Kind::String)),
        ] {
            check(Types::ANY, text, quoted, expected);
        }
    }

    #[test]
    fn the_shape_decides_where_it_can() {
        check(Types::STRING, "5", false, Some(Kind::String));
        check(Types::STRING, "null", false, Some(Kind::String));
        check(Types::INTEGER, "5", true, Some(Kind::Number));
        check(Types::INTEGER, " 5", false, Some(Kind::Number));
        check(Types::INTEGER, "1.5", false, Some(Kind::Number));
        check(Types::INTEGER, "five", false, Some(Kind::String));
        check(Types::STRING.or(Types::NULL), "null", false, Some(Kind::Null));
        check(Types::STRING.or(Types::NULL), "5", false, Some(Kind::String));
        check(Types::STRING.or(Types::INTEGER), "1.5", false, Some(Kind::String));
    }

    #[test]
    fn quotes_come_off_as_they_went_on() {
        for text in ["", "a", "a\"b", "\"", "\"\"", "a,\nb"] {
            let mut cell = String::new();
            quote(text, &mut cell);
            assert_eq!(unquote(&cell), text);
        }
        assert_eq!(unquote("\"a\"b\"c"), "ab\"c");
    }
}
