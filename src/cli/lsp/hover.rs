//! Schema documentation for the member or value under the cursor.

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::document::Document;
use chancery_engine::project::document_check::DocumentCheck;
use chancery_schema::{docs, node_at_offset};

/// The hover text at a position; nothing if the schema does not describe it.
pub fn hover(document: &Document, judge: &DocumentCheck, position: Position) -> Option<Hover> {
    let at = document.offset(position) as u64;
    let mut found = None;
    judge.read(document.text(), &mut |tree| {
        let source = tree.source();
        if found.is_some() {
            return;
        }
        let Some(offset) = source.offset_of(source.name(), at) else { return };
        let Some(focus) = node_at_offset::at(tree.root(), judge.shape().root(), offset) else { return };
        let card = docs::card(focus.name, focus.part);
        let location = source.locate(focus.span);
        if !focus.part.is_any() && !card.is_empty() {
            found = Some((card, location.start.byte as usize, location.end.byte as usize));
        }
    });
    let (card, start, end) = found?;
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: card }),
        range: Some(document.range(start, end)),
    })
}
