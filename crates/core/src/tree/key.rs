//! Keys by JSON value: which parts of a record can be a key, and when two keys are equal.
//!
//! Input: the values that make up a key. Output: a text that is the same for two keys exactly if they are equal. Strings are compared by
//! their bytes, numbers by their exact decimal values (`1`, `1.0` and `1e0` are equal), and a number never equals a string.
//! All comparisons of keys use this text: references, duplicates, `diff`, databases and the baseline.

use std::borrow::Cow;

use super::number::{self, Decimal};
use super::{Kind, Node};

/// Whether a value can be a key or a part of one.
#[must_use]
pub fn is_part(node: Node<'_>) -> bool {
    matches!(node.kind(), Kind::String | Kind::Number)
}

/// One part as text. A string stands for itself, unless it could be taken for a number or for a string in quotes: then it is
/// put in quotes. A number is written in its shortest plain form.
#[must_use]
pub fn part(node: Node<'_>) -> Cow<'_, str> {
    if node.kind() == Kind::Number { of_number(node.text()) } else { of_string(node.text()) }
}

/// The whole key as text: its parts with a blank between them. Of several parts, those that hold a blank are put in quotes.
#[must_use]
pub fn text(parts: &[Node<'_>]) -> String {
    if let [one] = parts {
        return part(*one).into_owned();
    }
    let mut key = String::new();
    for (number, node) in parts.iter().enumerate() {
        if number > 0 {
            key.push(' ');
        }
        let text = part(*node);
        if text.is_empty() || (text.contains(' ') && !text.starts_with('"')) { key.push_str(&quoted(&text)) } else { key.push_str(&text) }
    }
    key
}

/// The key as people know it: its parts as they are written, numbers in their shortest form. Where strings and numbers may stand
/// beside each other, `mixed` keeps them apart as [`text`] does.
#[must_use]
pub fn shown(parts: &[Node<'_>], mixed: bool) -> String {
    if mixed {
        return text(parts);
    }
    let part = |node: &Node<'_>| if node.kind() == Kind::Number { of_number(node.text()).into_owned() } else { node.text().to_owned() };
    parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

/// The text that the key of one part would have as the other type: of `1` that of `"1"`, and the other way round. `None` for a
/// string that is not a number.
#[must_use]
pub fn as_other_type(node: Node<'_>) -> Option<String> {
    match node.kind() {
        Kind::Number => Some(of_string(node.text()).into_owned()),
        Kind::String => number::is_number(node.text()).then(|| of_number(node.text()).into_owned()),
        _ => None,
    }
}

fn of_number(text: &str) -> Cow<'_, str> {
    let integer = text.strip_prefix('-').unwrap_or(text);
    let is_plain = !integer.is_empty() && integer.bytes().all(|byte| byte.is_ascii_digit()) && text != "-0";
    match Decimal::parse(text) {
        Some(number) if !is_plain => Cow::Owned(number.plain()),
        _ => Cow::Borrowed(text),
    }
}

fn of_string(text: &str) -> Cow<'_, str> {
    if text.starts_with('"') || number::is_number(text) { Cow::Owned(quoted(text)) } else { Cow::Borrowed(text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::{Source, Span};
    use crate::tree::{Text, Tree};

    fn key(parts: &[(Kind, &str)]) -> String {
        let source = Arc::new(Source::whole("key", parts.iter().map(|(_, text)| *text).collect::<String>()));
        let mut tree = Tree::new(&source);
        tree.open(Kind::Array, Span::at(0));
        let mut from = 0;
        for (kind, text) in parts {
            let span = Span::new(from, from + text.len() as u32);
            tree.scalar(*kind, span, Text::Source(span));
            from = span.end;
        }
        tree.close(from);
        super::text(&tree.root().items().collect::<Vec<_>>())
    }

    #[test]
    fn equal_keys_share_their_text() {
        let number = |text| key(&[(Kind::Number, text)]);
        for same in
            [&["1", "1.0", "1e0", "10e-1"][..], &["0", "-0", "0.0", "0e9"], &["1.5", "15e-1"], &["1e400", "10e399"], &["-20", "-2E1"]]
        {
            for other in same {
                assert_eq!(number(same[0]), number(other), "{same:?}");
            }
        }
        assert_eq!((number("1.50"), number("1e2"), number("-0.05")), ("1.5".to_owned(), "100".to_owned(), "-0.05".to_owned()));
    }

    #[test]
    fn different_keys_have_different_texts() {
        use Kind::{Number, String as Text};
        let keys: &[&[(Kind, &str)]] = &[
            &[(Number, "1")],
            &[(Text, "1")],
            &[(Text, "1.0")],
            &[(Text, "\"1\"")],
            &[(Text, "01")],
            &[(Text, "")],
            &[(Number, "10")],
            &[(Number, "-1")],
            &[(Number, "0.1")],
            &[(Number, "1e400")],
            &[(Number, "1e-400")],
            &[(Text, "a")],
            &[(Text, "A")],
            &[(Text, "e\u{301}")],
            &[(Text, "\u{e9}")],
        ];
        let pairs: &[&[(Kind, &str)]] = &[
            &[(Text, "a b"), (Text, "c")],
            &[(Text, "a"), (Text, "b c")],
            &[(Text, ""), (Text, "")],
            &[(Text, ""), (Text, "\"\"")],
            &[(Text, "\""), (Text, "\"")],
            &[(Number, "1"), (Number, "2")],
            &[(Text, "1"), (Number, "2")],
            &[(Number, "1"), (Text, "2")],
            &[(Text, "a \\"), (Text, "b")],
            &[(Text, "a"), (Text, "\\ b")],
            &[(Text, "a \" b"), (Text, "c")],
            &[(Text, "a"), (Text, "b\" \"c")],
        ];
        for keys in [keys, pairs] {
            let texts: std::collections::BTreeSet<String> = keys.iter().map(|parts| key(parts)).collect();
            assert_eq!(texts.len(), keys.len(), "{texts:?}");
        }
    }
}
