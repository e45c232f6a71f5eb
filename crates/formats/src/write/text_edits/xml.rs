//! XML: text, attribute values and CDATA sections, each with what has to be escaped there; a name in both tags.

use super::TextEdit;
use crate::layout::xml::{is_char, is_plain_name};
use crate::read::xml::element_at;
use chancery_core::diagnostic::{Member, Scalar};
use chancery_core::source::{Source, Span};

// What a text is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    // With its quotation mark.
    Attribute(char),
    Cdata,
}

impl Place {
    // Where `span` stands; `None` if it covers markup.
    fn of(source: &Source, span: Span) -> Option<Self> {
        let span = source.clamp_span(span);
        let (before, behind) = (&source.text()[..span.start as usize], &source.text()[span.end as usize..]);
        if source.slice(span).contains('<') && !before.ends_with("<![CDATA[") {
            return None;
        }
        // A text begins after markup or, where it is a number, after blanks, and never after a quotation mark.
        match before.chars().next_back()? {
            mark @ ('"' | '\'') => behind.starts_with(mark).then_some(Self::Attribute(mark)),
            '[' if before.ends_with("<![CDATA[") => behind.starts_with("]]>").then_some(Self::Cdata),
            _ => behind.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('<').then_some(Self::Text),
        }
    }

    // The text as written there. A backslash before a `u` is a mark of our own form, and is left to people.
    fn write(self, text: &str) -> Option<String> {
        if !text.chars().all(is_char) || text.contains("\\u") {
            return None;
        }
        if self == Self::Cdata {
            return (!text.contains("]]>") && !text.contains('\r')).then(|| text.to_owned());
        }
        let attribute = matches!(self, Self::Attribute(_));
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '\r' => out.push_str("&#13;"),
                '\t' if attribute => out.push_str("&#9;"),
                '\n' if attribute => out.push_str("&#10;"),
                '"' if self == Self::Attribute('"') => out.push_str("&quot;"),
                '\'' if self == Self::Attribute('\'') => out.push_str("&apos;"),
                c => out.push(c),
            }
        }
        Some(out)
    }
}

/// Text that can are in an element or, in whatever quotes, in an attribute.
pub(super) fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}

// The schema or a marker determines the type of a value, so a text cannot be made a number by other text.
pub(super) fn scalar(source: &Source, span: Span, new: &Scalar) -> Option<String> {
    match new {
        Scalar::Text(text) if !text.is_empty() => Place::of(source, span)?.write(text),
        _ => None,
    }
}

pub(super) fn name(source: &Source, span: Span, name: &str) -> Option<Vec<TextEdit>> {
    let span = source.clamp_span(span);
    let before = &source.text()[..span.start as usize];
    if before.ends_with(['"', '\'']) {
        // The name of a member in our own form, where an element cannot bear it.
        let text = Place::of(source, span)?.write(name)?;
        return Some(vec![TextEdit::new(span, text)]);
    }
    if !is_plain_name(name) {
        return None;
    }
    let mut places = vec![TextEdit::new(span, name)];
    if before.ends_with('<') {
        places.extend(element_at(source.text(), span)?.end_name.map(|end| TextEdit::new(end, name)));
    }
    Some(places)
}

pub(super) fn member(source: &Source, new: &Member) -> Option<TextEdit> {
    if !is_plain_name(&new.name) || new.scalar.text().is_empty() {
        return None;
    }
    let text = source.text();
    let before = &text[..new.key.start as usize];
    if before.ends_with([' ', '\t', '\r', '\n']) {
        let mark = text[..new.value.start as usize].chars().next_back()?;
        let value = Place::Attribute(mark).write(new.scalar.text())?;
        let at = Span::at(new.value.end + 1);
        return Some(TextEdit::new(at, format!(" {}={mark}{value}{mark}", new.name)));
    }
    let beside = before.ends_with('<').then(|| element_at(text, new.key)).flatten()?;
    let before = &text[..beside.whole.start as usize];
    let gap = &before[before.trim_end_matches([' ', '\t', '\r', '\n']).len()..];
    let value = Place::Text.write(new.scalar.text())?;
    Some(TextEdit::new(Span::at(beside.whole.end), format!("{gap}<{0}>{value}</{0}>", new.name)))
}
