//! TOML: strings keep their quotes; keys are bare if possible.

use std::fmt::Write as _;

use super::{TextEdit, own_line};
use chancery_core::diagnostic::{Member, Scalar};
use chancery_core::source::{Source, Span};

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("writing to a string cannot fail"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

// Text of several lines in the marks of one that had several.
fn lines(written: &str, text: &str) -> Option<String> {
    let mark = ["\"\"\"", "'''"].into_iter().find(|mark| written.starts_with(*mark))?;
    let plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || matches!(c, '\\' | '"' | '\''));
    // Whether line ends of two characters stay two depends on who reads them.
    let fits = text.contains('\n') && text.chars().all(plain) && !written.contains('\r');
    fits.then(|| format!("{mark}\n{text}{mark}"))
}

pub(super) fn scalar(written: &str, new: &Scalar) -> Option<String> {
    match new {
        Scalar::Text(text) if written.starts_with("'''") || written.starts_with("\"\"\"") => {
            Some(lines(written, text).unwrap_or_else(|| quoted(text)))
        }
        Scalar::Text(text) if written.starts_with('\'') && !text.contains(|c: char| c == '\'' || c.is_control()) => {
            Some(format!("'{text}'"))
        }
        Scalar::Text(text) => Some(quoted(text)),
        Scalar::Literal(literal) => (literal != "null").then(|| literal.clone()),
    }
}

pub(super) fn name(written: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare && !written.starts_with(['"', '\'']) { name.to_owned() } else { quoted(name) }
}

pub(super) fn member(source: &Source, new: &Member) -> Option<TextEdit> {
    let text = format!("{} = {}", name("", &new.name), scalar("", &new.scalar)?);
    if source.slice(new.opening).starts_with('{') {
        return Some(TextEdit::new(Span::at(new.value.end), format!(", {text}")));
    }
    // A name after a dot, or a table in one line, is not at the start of its line.
    let (at, indent, line_end) = own_line(source, new, |before| before.bytes().all(|byte| matches!(byte, b' ' | b'\t')))?;
    Some(TextEdit::new(at, format!("{line_end}{indent}{text}")))
}
