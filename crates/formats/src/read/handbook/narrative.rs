//! The narrative of a page: paragraphs, quotations, headings and list items.
//!
//! Input: the lines of the running text. Output: `narrative` and `references`. `prose` reads what the blocks state.

use super::blocks::{Block, BlockKind, note_number};
use super::notes::{mark_at, put_refs, take_marks};
use super::prose_lines::{goes_on, is_closed, is_mark, is_open, is_prose};
use super::record::PageReader;
use super::rows::Row;
use super::value::{Object, Value};
use chancery_core::source::Span;

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
        let full = full_line(rows);
        let mut blocks: Vec<Block> = Vec::new();
        // The row before, and whether a colon is before the block.
        let mut before: &str = "";
        let mut after_colon = false;
        for (number, row) in rows.iter().enumerate() {
            let text = row.piece.text();
            let bullet = self.form.bullet(text);
            let numbered = bullet.is_none() && is_numbered_item(text) && (row.gap || is_closed(before) || is_numbered_item(before));
            let count = blocks.len();
            if let (Some(last), None, false) = (blocks.last_mut(), bullet, numbered) {
                let seam = row.gap && goes_on(last.text.text(), text);
                if seam || (!row.gap && !parts_blocks(last, before, text, after_colon, full, rows.get(number + 1))) {
                    if seam {
                        self.seam(&row.piece, &format!("/narrative/{}", count - 1));
                    }
                    last.text.join(&row.piece);
                    last.rows += 1;
                    before = text;
                    continue;
                }
            }
            after_colon = blocks.last().is_some_and(|last| last.text.text().ends_with(':'));
            before = text;
            let kind = if bullet.is_some() || numbered { BlockKind::ListItem } else { BlockKind::Paragraph };
            let piece = row.piece.slice(bullet.unwrap_or(0)..text.len());
            blocks.push(Block { text: piece, kind, rows: 1, marks: Vec::new() });
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

// The length of a line that the printer filled; `None` where lines are paragraphs, or too few to tell.
fn full_line(rows: &[Row]) -> Option<usize> {
    const FEW: usize = 6;
    const PARAGRAPH: usize = 160;
    const SEVERAL: usize = 3;
    let mut lengths: Vec<usize> = rows.iter().map(|row| row.piece.text().chars().count()).collect();
    lengths.sort_unstable();
    let middle = *lengths.get(lengths.len() / 2)?;
    // Where blank lines part the paragraphs, the length of a line says nothing.
    let parted = rows.windows(2).filter(|pair| pair[1].gap && is_closed(pair[0].piece.text())).count() >= SEVERAL;
    (lengths.len() >= FEW && middle < PARAGRAPH && !parted).then_some(middle)
}

// `1. `, `2) `: an item of a list, or a note.
fn is_numbered_item(row: &str) -> bool {
    let rest = row.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=2).contains(&(row.len() - rest.len())) && [". ", ") "].iter().any(|mark| rest.starts_with(mark))
}

// Whether a row without a blank line above it begins a block of its own.
fn parts_blocks(last: &Block, before: &str, row: &str, after_colon: bool, full: Option<usize>, next: Option<&Row>) -> bool {
    const ONE_LINE: usize = 160;
    let closed = is_closed(last.text.text());
    let length = before.chars().count();
    let capital = row.starts_with(|c: char| !c.is_lowercase());
    // A list item ends where running text begins.
    if last.kind == BlockKind::ListItem {
        return capital && !is_open(before) && (closed || is_prose(&[row]) || is_prose(&[row, next.map_or("", |next| next.piece.text())]));
    }
    // Paragraphs without blank lines between are one line each.
    if length > ONE_LINE && closed {
        return true;
    }
    // A note begins with its mark.
    if closed
        && (mark_at(row, 0).is_some()
            || note_number(row).is_some_and(|number| note_number(last.text.text()).is_some_and(|known| known < number)))
    {
        return true;
    }
    let Some(full) = full.filter(|_| closed && capital) else { return false };
    // A passage after a colon is quoted up to its note mark.
    let is_marked = before.ends_with(|c: char| is_mark(c) || c.is_ascii_digit() || c == ']' || c == '>');
    before.ends_with(':') || (after_colon && is_marked) || length * 100 < full * 93
}
