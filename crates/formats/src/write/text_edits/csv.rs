//! CSV and TSV: quotes cells that were quoted or need quotes, edits the last step of a header's path, fills empty cells.

use super::TextEdit;
use crate::layout::{cell, column};
use crate::read::csv::{column_of, vacant};
use chancery_core::diagnostic::{Member, Scalar};
use chancery_core::source::{Source, Span};
use chancery_core::tree::Kind;
use chancery_schema::{Shape, Types};

pub(super) fn scalar(written: &str, new: &Scalar) -> Option<String> {
    let text = match new {
        Scalar::Text(text) => text,
        // A bare cell that was read as text in spite of what it looks like would be so again.
        Scalar::Literal(literal) => return written.starts_with('"').then(|| literal.clone()),
    };
    // Whatever the delimiter is, and whether the column is typed or not.
    let needs = || [b',', b';', b'\t', b'|'].into_iter().any(|delimiter| cell::needs_quotes(text, delimiter));
    let looks_typed = || !matches!(cell::read(Types::ANY, text, false), cell::Reading::Scalar(Kind::String, _));
    if written.starts_with('"') || needs() || looks_typed() {
        let mut quoted = String::new();
        cell::quote(text, &mut quoted);
        return Some(quoted);
    }
    Some(text.clone())
}

// The header cell names the member at `pointer`, alone or after a path.
pub(super) fn name(source: &Source, span: Span, pointer: Option<&str>, name: &str) -> Option<String> {
    let written = source.slice(span);
    let (header, quoted) = (column_of(written), written.starts_with('"'));
    let above = match pointer.and_then(chancery_core::tree::pointer::split_last) {
        Some((_, present)) if present == *header => "",
        Some((_, present)) => {
            header.strip_suffix(&*chancery_core::tree::pointer::escape(&present)).filter(|above| above.ends_with(['/', '.']))?
        }
        None => header.rfind('/').map_or("", |at| &header[..=at]),
    };
    // A name that a path spells in another way is left to people, and so is one that would count items.
    let plain = column::name(&[column::Step::Name(name.to_owned())], false, false, Shape::any().root());
    let is_other_in_path = !above.is_empty() && name.contains(['/', '.', '[', '~']);
    if plain != name || is_other_in_path || header.ends_with("~json") || chancery_core::tree::pointer::index(name).is_some() {
        return None;
    }
    let text = format!("{above}{name}");
    // Where every header cell is quoted, quotes mean nothing in the table; so they stay as they are.
    let mut out = String::new();
    if quoted {
        cell::quote(&text, &mut out);
    } else if name.contains([',', ';', '\t', '|', '"', '\r', '\n', ' ']) {
        return None;
    } else {
        out = text;
    }
    Some(out)
}

pub(super) fn member(source: &Source, new: &Member) -> Option<TextEdit> {
    let span = vacant(source, new)?;
    // What fills a bare cell is typed by the column, or else by its look.
    let text = match &new.scalar {
        Scalar::Literal(literal) => literal.clone(),
        text @ Scalar::Text(_) => scalar(source.slice(span), text)?,
    };
    Some(TextEdit::new(span, text))
}
