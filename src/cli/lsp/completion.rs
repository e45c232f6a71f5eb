//! Completions at the cursor: names that the schema declares and the object does not have, and values of enumerations.

use std::ops::Range;

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTag, CompletionTextEdit, Documentation, InsertTextFormat, MarkupContent, MarkupKind,
    Position, TextEdit,
};

use super::cursor::{self, CompletionTarget, CursorContext};
use super::document::Document;
use chancery_core::tree::{Kind, Node};
use chancery_engine::project::document_check::DocumentCheck;
use chancery_formats::layout::column::{self, Step, step_into};
use chancery_formats::layout::{cell, xml};
use chancery_formats::read::{Format, records};
use chancery_formats::write;
use chancery_schema::{Part, Types, docs};

/// The completions at a position, required members first.
pub fn complete(document: &Document, judge: &DocumentCheck, position: Position, snippets: bool) -> Vec<CompletionItem> {
    let text = document.text();
    let cursor = document.offset(position);
    let format = judge.format(text);
    let Some((part, spot)) = place(text, cursor, judge, format) else { return Vec::new() };
    let choice = Choice { document, format, typed: spot.typed, snippets };
    match spot.want {
        CompletionTarget::Name { present, parted } if matches!(format, Format::Csv | Format::Tsv) => choice.columns(part, &present, parted),
        CompletionTarget::Name { present, parted } => {
            // An item of a list is typed where the list is: as an element of that name, or after a dash.
            let part = if column::is_list(part, false) && !part.is_any() { part.item(0) } else { part };
            choice.names(part, &present, parted)
        }
        CompletionTarget::Value => choice.values(part),
    }
}

fn place<'j>(text: &str, cursor: usize, judge: &'j DocumentCheck, format: Format) -> Option<(Part<'j>, CursorContext)> {
    let root = judge.shape().root();
    let spot = match format {
        Format::Json => cursor::json(text, cursor)?,
        Format::Ndjson => {
            let begin = text[..cursor].rfind('\n').map_or(0, |end| end + 1);
            let end = text[cursor..].find('\n').map_or(text.len(), |end| cursor + end);
            let spot = cursor::json(&text[begin..end], cursor - begin)?;
            CursorContext { typed: spot.typed.start + begin..spot.typed.end + begin, ..spot }
        }
        Format::Yaml => cursor::yaml(text, cursor)?,
        Format::Xml => {
            let (names, want, typed) = cursor::markup(text, cursor)?;
            let above = match judge.records().claims().first() {
                Some(claim) => claim.path.steps().len(),
                None if names.first().is_some_and(|name| name == xml::record_name(root)) => 1,
                None => 2,
            };
            CursorContext { path: cursor::elements(names.get(above..)?, root), want, typed }
        }
        Format::Csv | Format::Tsv => {
            let delimiter = if format == Format::Tsv { b'\t' } else { judge.delimiter().unwrap_or_else(|| likely_delimiter(text)) };
            cursor::table(text, cursor, delimiter, root)?
        }
        _ => return None,
    };
    let path = if matches!(format, Format::Json | Format::Yaml | Format::Ndjson) { in_record(&spot.path, judge)? } else { &spot.path };
    Some((path.iter().fold(root, |part, step| step_into(part, step)), spot.clone()))
}

// The part of a path inside a record.
fn in_record<'p>(path: &'p [Step], judge: &DocumentCheck) -> Option<&'p [Step]> {
    let records = judge.records();
    let steps = records.claims().first().map_or(&[][..], |claim| claim.path.steps());
    let mut path = path;
    for step in steps {
        let (first, rest) = path.split_first()?;
        path = match (step, first) {
            (records::Step::Name(wanted), Step::Name(name)) => wanted == name,
            (records::Step::Name(wanted), Step::Index(index)) => chancery_core::tree::pointer::index(wanted) == Some(*index),
            _ => true,
        }
        .then_some(rest)?;
    }
    let is_list = match steps.last() {
        Some(step) => matches!(step, records::Step::Name(_)),
        None => !records.is_whole() && !judge.shape().is_array_only(),
    };
    Some(match path.split_first() {
        Some((Step::Index(_), rest)) if is_list => rest,
        _ => path,
    })
}

fn likely_delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(count).unwrap_or(b',')
}

struct Choice<'c> {
    document: &'c Document,
    format: Format,
    typed: Range<usize>,
    snippets: bool,
}

impl Choice<'_> {
    fn names(&self, part: Part<'_>, present: &[String], parted: bool) -> Vec<CompletionItem> {
        let free = |(name, member): &(&str, Part<'_>)| {
            let repeated = self.format == Format::Xml && column::is_list(*member, false) && !member.is_any();
            repeated || !present.iter().any(|known| known == name)
        };
        part.members().filter(free).map(|(name, member)| self.name(name, member, part, parted)).collect()
    }

    fn name(&self, name: &str, member: Part<'_>, of: Part<'_>, parted: bool) -> CompletionItem {
        let required = of.required().iter().any(|known| **known == *name);
        let (text, snippet) = match self.format {
            Format::Yaml => (format!("{}{}", write::text_edits::text(Format::Yaml, name), if parted { "" } else { ": " }), false),
            Format::Xml if parted => (name.to_owned(), false),
            Format::Xml if self.snippets => (format!("{name}>$0</{name}>"), true),
            Format::Xml => (format!("{name}></{name}>"), false),
            _ => (format!("{}{}", write::text_edits::text(Format::Json, name), if parted { "" } else { ": " }), false),
        };
        self.item(name, text, snippet, member, required)
    }

    // Columns for the scalars of a row, and of the first item of each list.
    fn columns(&self, row: Part<'_>, present: &[String], _parted: bool) -> Vec<CompletionItem> {
        let mut found = Vec::new();
        let mut path = Vec::new();
        columns(row, row, &mut path, true, &mut found);
        let free = |(name, ..): &(String, Part<'_>, bool)| !present.contains(name);
        found.into_iter().filter(free).map(|(name, part, required)| self.item(&name, name.clone(), false, part, required)).collect()
    }

    fn values(&self, part: Part<'_>) -> Vec<CompletionItem> {
        let nodes: Vec<Node<'_>> = match part.choices() {
            Some(choices) => choices.collect(),
            None if part.types() == Types::BOOLEAN => return ["true", "false"].iter().map(|word| self.value(word, false, part)).collect(),
            None => part.examples().chain(part.default_value()).filter(|node| !matches!(node.kind(), Kind::Array | Kind::Object)).collect(),
        };
        nodes.into_iter().map(|node| self.value(node.text(), node.kind() == Kind::String, part)).collect()
    }

    fn value(&self, text: &str, string: bool, part: Part<'_>) -> CompletionItem {
        let written = match self.format {
            Format::Xml => write::text_edits::text(Format::Xml, text),
            Format::Csv | Format::Tsv => {
                let delimiter = if self.format == Format::Tsv { b'\t' } else { b',' };
                let mut quoted = String::new();
                if cell::needs_quotes(text, delimiter) {
                    cell::quote(text, &mut quoted);
                } else {
                    quoted.push_str(text);
                }
                quoted
            }
            Format::Yaml if string => write::text_edits::text(Format::Yaml, text),
            _ if string => write::text_edits::text(Format::Json, text),
            _ => text.to_owned(),
        };
        let item = self.item(text, written, false, part, false);
        CompletionItem { kind: Some(CompletionItemKind::ENUM_MEMBER), sort_text: None, ..item }
    }

    fn item(&self, label: &str, text: String, snippet: bool, part: Part<'_>, required: bool) -> CompletionItem {
        let card = docs::card(None, part);
        let sort = docs::in_words(part).map(|words| words.replace(['`', '\\'], ""));
        let detail = [required.then(|| "required".to_owned()), sort].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let typed = &self.document.text()[self.typed.clone()];
        CompletionItem {
            label: label.to_owned(),
            kind: Some(CompletionItemKind::FIELD),
            detail: (!detail.is_empty()).then_some(detail),
            documentation: (!card.is_empty())
                .then_some(Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value: card })),
            tags: part.is_deprecated().then(|| vec![CompletionItemTag::DEPRECATED]),
            sort_text: Some(format!("{}{label}", i32::from(!required))),
            // Editors compare this with the replaced bytes, including the quote.
            filter_text: Some(if typed.starts_with('"') { format!("\"{label}\"") } else { label.to_owned() }),
            insert_text_format: Some(if snippet { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT }),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit {
                range: self.document.range(self.typed.start, self.typed.end),
                new_text: text,
            })),
            ..CompletionItem::default()
        }
    }
}

fn columns<'p>(row: Part<'p>, part: Part<'p>, path: &mut Vec<Step>, required: bool, found: &mut Vec<(String, Part<'p>, bool)>) {
    const DEEPEST: usize = 6;
    if path.len() > DEEPEST {
        return;
    }
    for (name, member) in part.members() {
        let needed = required && part.required().iter().any(|known| **known == *name);
        path.push(Step::Name(name.to_owned()));
        if column::is_list(member, false) && !member.is_any() {
            path.push(Step::Index(0));
            below(row, member.item(0), path, needed, found);
            path.pop();
        } else {
            below(row, member, path, needed, found);
        }
        path.pop();
    }
}

fn below<'p>(row: Part<'p>, part: Part<'p>, path: &mut Vec<Step>, required: bool, found: &mut Vec<(String, Part<'p>, bool)>) {
    if part.members().next().is_some() {
        columns(row, part, path, required, found);
    } else {
        found.push((column::name(path, false, false, row), part, required));
    }
}
