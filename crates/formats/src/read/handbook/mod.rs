//! Reads handbook pages: the profiles of a printed directory as plain text.
//!
//! Input: the text of pages, each with a heading, values under labels, and a narrative. Output: one record per page.
//! [`Templates`] define the labels and the types of their values; no directory is hard-coded. A page goes through
//! `sections` (heading, sections, page furniture), `record` (values by the kind of their field, with `address`, `contact`
//! and `contact_points`) and `narrative` (blocks, note marks, missions named in the text). Every byte becomes part of a member or of a
//! finding.

mod address;
mod contact;
mod template;
mod sections;
mod spanned_text;
mod narrative;
mod contact_points;
mod record;
mod value;

use std::sync::Arc;

pub use template::Templates;

use self::template::Template;
use self::value::Value;
use super::limits::TooLarge;
use super::{Options, Reader, RecordVisitor, Window, too_many};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::Tree;

/// Cuts between two pages, at a heading whose label has been seen.
pub struct HandbookChunker {
    feed: InputBuffer,
    window_bytes: usize,
    max_record_bytes: usize,
    max_lines: usize,
    forms: Arc<Templates>,
    // Chosen by the first window, for the whole file.
    reader: Option<(Arc<Template>, Arc<dyn Reader>)>,
    done: bool,
}

impl HandbookChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        let Options { window_bytes, max_record_bytes, .. } = *options;
        let max_lines = options.max_lines();
        Self {
            feed,
            window_bytes,
            max_record_bytes,
            max_lines,
            forms: options.forms.clone().unwrap_or_default(),
            reader: None,
            done: false,
        }
    }

    // The text current, without a character that has only half been read. Bytes that are no text are left to `InputBuffer::consume`.
    fn text(&self) -> &str {
        let bytes = self.feed.bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl super::Chunker for HandbookChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        if self.done {
            return Ok(None);
        }
        self.feed.fill_from_stream(self.window_bytes)?;
        if self.feed.bytes().is_empty() {
            return Ok(None);
        }
        let (form, reader) = if let Some((form, reader)) = &self.reader {
            (Arc::clone(form), Arc::clone(reader))
        } else {
            let form = self.forms.best_match(self.text());
            let (max_record_bytes, max_lines) = (self.max_record_bytes, self.max_lines);
            let reader: Arc<dyn Reader> = Arc::new(Pages { form: Arc::clone(&form), max_record_bytes, max_lines });
            self.reader = Some((Arc::clone(&form), Arc::clone(&reader)));
            (form, reader)
        };
        loop {
            if self.feed.is_ended() {
                self.done = true;
                return Ok(Some(Window::new(self.feed.consume(self.feed.bytes().len())?, &reader)));
            }
            if self.feed.bytes().len() > self.window_bytes + self.window_bytes / 2
                && memchr::memchr2_iter(b'\n', 0x0c, self.feed.bytes()).count() > self.max_lines
            {
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(LargePage { limit: self.max_lines, what: Some("lines") });
                let shown = super::limits::floor_char(self.feed.bytes(), 80);
                return Ok(Some(Window::new(self.feed.consume(shown)?, &reader)));
            }
            let text = self.text();
            let lines = sections::lines(text, 0, text.len());
            let starts = sections::record_starts(&form, text, &lines);
            if let Some(start) = starts.last().map(|start| lines[*start].start as usize).filter(|start| *start > 0 && starts.len() > 1) {
                return Ok(Some(Window::new(self.feed.consume(start)?, &reader)));
            }
            if self.feed.bytes().len() > self.max_record_bytes {
                // Nothing shows where the next page begins.
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(LargePage { limit: self.max_record_bytes, what: None });
                let shown = super::limits::floor_char(self.feed.bytes(), 80);
                return Ok(Some(Window::new(self.feed.consume(shown)?, &reader)));
            }
            self.feed.fill()?;
        }
    }
}

struct LargePage {
    limit: usize,
    // What there is more of than the limit, if not bytes.
    what: Option<&'static str>,
}

impl Reader for LargePage {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        visitor.emit(match self.what {
            Some(what) => too_many(source, Span::at(0), self.limit, what),
            None => TooLarge::diagnostic(source, 0, self.limit),
        });
        visitor.malformed();
        visitor.stop();
    }
}

/// Reads the pages of a window.
struct Pages {
    form: Arc<Template>,
    max_record_bytes: usize,
    max_lines: usize,
}

impl Reader for Pages {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let text = source.text();
        if memchr::memchr2_iter(b'\n', 0x0c, text.as_bytes()).count() > self.max_lines.saturating_mul(2) {
            visitor.emit(too_many(source, Span::at(0), self.max_lines, "lines"));
            visitor.malformed();
            return visitor.stop();
        }
        let lines = sections::lines(text, 0, text.len());
        let starts = sections::record_starts(&self.form, text, &lines);
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(lines.len());
            let (first, last) = (lines[start].start, lines.get(end).map_or(source.len(), |line| line.start));
            if (last - first) as usize > self.max_record_bytes {
                visitor.emit(TooLarge::diagnostic(source, lines[start].span.start, self.max_record_bytes));
                visitor.malformed();
                continue;
            }
            if end - start > self.max_lines {
                visitor.emit(too_many(source, lines[start].span, self.max_lines, "lines"));
                visitor.malformed();
                continue;
            }
            let page = sections::split_sections(source, &self.form, &lines[start..end]);
            let (record, diagnostics) = record::read(source, &self.form, &page, Span::at(lines[start].span.start));
            tree.reset(source);
            Value::Object(record).build(tree);
            for diagnostic in diagnostics {
                visitor.emit(diagnostic);
            }
            let root = tree.root().id();
            super::note_duplicates(tree, root, visitor);
            visitor.record(tree);
        }
    }
}
