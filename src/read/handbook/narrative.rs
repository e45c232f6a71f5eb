//! The narrative of a page: paragraphs, quotations, headings and list items.
//!
//! Input: the lines of the running text. Output: `narrative` and `references`. `prose` reads what the blocks state.

use super::notes::{Mark, mark_at, put_refs, take_marks};
use super::prose_lines::{goes_on, is_closed};
use super::record::PageReader;
use super::sections::Row;
use super::spanned_text::{SpannedText, is_space};
use super::value::{Object, Value};
use crate::source::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    Quotation,
    Heading,
    ListItem,
}

#[derive(Debug)]
pub(super) struct Block {
    pub text: SpannedText,
    pub kind: BlockKind,
    pub rows: usize,
    pub marks: Vec<Mark>,
}

impl PageReader<'_> {
    pub(super) fn narrative(&mut self, rows: &[Row]) {
        let mut blocks = self.blocks(rows);
        let citations = take_marks(&mut blocks);
        let mut before: Option<usize> = None;
        for at in 0..blocks.len() {
            let follows = at + 1 < blocks.len();
            let after_colon = before.is_some_and(|before| blocks[before].text.text().ends_with(':'));
            let block = &mut blocks[at];
            let text = block.text.text();
            if block.kind == BlockKind::Paragraph {
                let marked = block.marks.last().is_some_and(|mark| mark.at >= text.len());
                let quoted = text.starts_with(['"', '“', '«']) && text.ends_with(['"', '”', '»']);
                let short = block.rows == 1 && text.chars().count() <= 80 && text.starts_with(|c: char| c.is_uppercase());
                if after_colon && (marked || quoted) {
                    block.kind = BlockKind::Quotation;
                } else if short && follows && block.marks.is_empty() && !is_closed(text) {
                    block.kind = BlockKind::Heading;
                }
            }
            before = Some(at);
        }
        self.put_blocks(&blocks);
        self.put_references(&blocks, citations);
        self.prose(&blocks);
    }

    // Rows to blocks: one a paragraph, list item or note; what a page's end cut is joined.
    fn blocks(&mut self, rows: &[Row]) -> Vec<Block> {
        const ONE_LINE: usize = 160;
        let mut blocks: Vec<Block> = Vec::new();
        let mut long_before = false;
        for row in rows {
            let text = row.piece.text();
            let bullet = self.form.bullet(text);
            let count = blocks.len();
            if let (Some(last), None) = (blocks.last_mut(), bullet) {
                let seam = row.gap && goes_on(last.text.text(), text);
                // Paragraphs without blank lines between are one line each.
                let own = long_before && is_closed(last.text.text());
                let diagnostic = !row.gap && mark_at(text, 0).is_some() && is_closed(last.text.text());
                if seam || (!row.gap && !own && !diagnostic) {
                    if seam {
                        self.seam(&row.piece, &format!("/narrative/{}", count - 1));
                    }
                    last.text.join(&row.piece);
                    last.rows += 1;
                    long_before = text.chars().count() > ONE_LINE;
                    continue;
                }
            }
            long_before = text.chars().count() > ONE_LINE;
            let sort = if bullet.is_some() { BlockKind::ListItem } else { BlockKind::Paragraph };
            let piece = row.piece.slice(bullet.unwrap_or(0)..text.len());
            blocks.push(Block { text: piece, kind: sort, rows: 1, marks: Vec::new() });
        }
        blocks
    }

    fn put_blocks(&mut self, blocks: &[Block]) {
        for block in blocks.iter().filter(|block| !block.text.is_empty()) {
            let kind = match block.kind {
                BlockKind::Paragraph => "paragraph",
                BlockKind::Quotation => "quotation",
                BlockKind::Heading => "heading",
                BlockKind::ListItem => "list_item",
            };
            let span = block.text.span();
            let mut object = Object::new(Span::at(span.start));
            object.derived("kind", kind, Span::at(span.start));
            object.text("text", block.text.clone());
            put_refs(&mut object, block.marks.iter());
            self.record.list("narrative", Span::at(span.start)).push(Value::Object(object));
        }
    }
}
