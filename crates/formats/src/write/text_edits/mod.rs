//! Edits in the notation of the edited format.
//!
//! Input: a finding whose edits contain the new values. Output: the same finding with the texts to insert, in the style of
//! the surrounding text: the same quotes, indentation and line endings. If the format has no notation for a value, or no place
//! for a new member, the finding has no fix.

mod csv;
mod json;
mod toml;
mod xml;
mod yaml;

use chancery_core::diagnostic::{Diagnostic, Edit, EditKind, Fix, Member, Safety, Scalar};
use chancery_core::source::{Format, Source, Span};

/// Puts the edits of a finding about an input of `format` into that format's notation; done once for each finding. Without a
/// format, only text in quotes can be edited.
pub fn resolve(diagnostic: &mut Diagnostic, format: Option<Format>) {
    if let Some(fix) = diagnostic.fix.take() {
        diagnostic.fix = written(fix, &diagnostic.place.source, diagnostic.pointer.as_deref(), format);
    }
}

/// A text or a name as it is rewritten, where nothing stands yet.
#[must_use]
pub fn text(format: Format, text: &str) -> String {
    match format {
        Format::Xml => xml::text(text),
        Format::Yaml => yaml::name("", text),
        Format::Json | Format::Ndjson | Format::Csv | Format::Tsv | Format::Toml | Format::Handbook => json::text(text),
    }
}

/// A text and the bytes in whose place it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TextEdit {
    span: Span,
    text: String,
}

impl TextEdit {
    fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

fn written(fix: Fix, source: &Source, pointer: Option<&str>, format: Option<Format>) -> Option<Fix> {
    let mut safety = fix.safety;
    let mut edits = Vec::with_capacity(fix.edits.len());
    for edit in fix.edits {
        let pieces = match &edit.new {
            EditKind::Layout => vec![TextEdit::new(edit.span, edit.text.as_str())],
            EditKind::Remove => vec![gone(format, source, edit.span)?],
            EditKind::Scalar(new) => vec![scalar(format, source, edit.span, new)?],
            EditKind::Name(name) => self::name(format, source, edit.span, edit.pointer.as_deref().or(pointer), name)?,
            EditKind::Member(new) => match member(format, source, new) {
                Some(piece) => vec![piece],
                None if new.optional => {
                    safety = Safety::Unsafe;
                    continue;
                }
                None => return None,
            },
        };
        // What is new is at the first place; others, such as the name in an end tag, follow from it.
        let mut new = Some(edit.new);
        for TextEdit { span, text } in pieces {
            edits.push(Edit { span, text, new: new.take().unwrap_or(EditKind::Layout), pointer: edit.pointer.clone() });
        }
    }
    (!edits.is_empty()).then_some(Fix { safety, edits })
}

fn scalar(format: Option<Format>, source: &Source, span: Span, new: &Scalar) -> Option<TextEdit> {
    let text = match format {
        Some(Format::Json | Format::Ndjson) => Some(json::scalar(new)),
        Some(Format::Csv | Format::Tsv) => csv::scalar(source.slice(span), new),
        Some(Format::Xml) => xml::scalar(source, span, new),
        Some(Format::Yaml) => return yaml::scalar(source, span, new),
        Some(Format::Toml) => toml::scalar(source.slice(span), new),
        Some(Format::Handbook) | None => plain(source.slice(span), new),
    };
    // What is spelled the same would be read the same: its type is determined elsewhere.
    text.filter(|text| text != source.slice(span)).map(|text| TextEdit::new(span, text))
}

fn name(format: Option<Format>, source: &Source, span: Span, pointer: Option<&str>, name: &str) -> Option<Vec<TextEdit>> {
    let text = match format {
        Some(Format::Json | Format::Ndjson) => Some(json::text(name)),
        Some(Format::Csv | Format::Tsv) => csv::name(source, span, pointer, name),
        Some(Format::Xml) => return xml::name(source, span, name),
        Some(Format::Yaml) => Some(yaml::name(source.slice(span), name)),
        Some(Format::Toml) => Some(toml::name(source.slice(span), name)),
        Some(Format::Handbook) | None => None,
    };
    text.map(|text| vec![TextEdit::new(span, text)])
}

fn member(format: Option<Format>, source: &Source, new: &Member) -> Option<TextEdit> {
    match format {
        Some(Format::Json | Format::Ndjson) => json::member(source, new),
        Some(Format::Csv | Format::Tsv) => csv::member(source, new),
        Some(Format::Xml) => xml::member(source, new),
        Some(Format::Yaml) => yaml::member(source, new),
        Some(Format::Toml) => toml::member(source, new),
        Some(Format::Handbook) | None => None,
    }
}

// Takes an item or a member out, with the mark on one side of it, or with its line.
fn gone(format: Option<Format>, source: &Source, span: Span) -> Option<TextEdit> {
    let text = source.slice(span);
    let is_free = match format {
        Some(Format::Json | Format::Ndjson) => true,
        // What somebody says about it in a comment goes with nothing.
        Some(Format::Yaml | Format::Toml) => !text.contains('#'),
        Some(Format::Csv | Format::Tsv | Format::Xml | Format::Handbook) | None => false,
    };
    (is_free && !text.is_empty()).then(|| TextEdit::new(span, ""))
}

// Text that has no notation, such as that of a page; texts of a schema are in quotes.
fn plain(written: &str, new: &Scalar) -> Option<String> {
    match new {
        Scalar::Text(text) if written.starts_with('"') => Some(json::text(text)),
        Scalar::Text(text) if !text.contains(['\n', '\r']) => Some(text.clone()),
        _ => None,
    }
}

// The place after a member that has its lines to itself, and what is before its name and ends its line; `None` if
// other data is in these lines. `indents` says whether something before the name only indents it.
fn own_line<'s>(source: &'s Source, member: &Member, indents: impl Fn(&str) -> bool) -> Option<(Span, &'s str, &'static str)> {
    let text = source.text();
    let start = text[..member.key.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let before = text[start..member.key.start as usize].trim_start_matches('\u{feff}');
    let from = member.value.end as usize;
    let end = text[from..].find('\n').map(|at| from + at);
    let rest = &text[from..end.unwrap_or(text.len())];
    let bare = rest.strip_suffix('\r').unwrap_or(rest);
    let comment = bare.trim_start_matches([' ', '\t']);
    if !indents(before) || !(comment.is_empty() || comment.starts_with('#') && comment.len() < bare.len()) {
        return None;
    }
    // The last line has no end of its own.
    let like = end.or_else(|| text.find('\n')).map_or("", |end| &text[..end]);
    let line_end = if like.ends_with('\r') { "\r\n" } else { "\n" };
    Some((Span::at((from + bare.len()) as u32), before, line_end))
}

#[cfg(test)]
mod tests;
