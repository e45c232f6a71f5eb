//! Reads handbook pages: the profiles of a directory as plain text, as HTML or as a Word document.
//!
//! Input: a text of entries, each a title, values under labels, and narrative. Output: one record an entry.
//! [`Templates`] says which labels there are and what stands under them; nothing of a directory is in code. A file goes through
//! `adapter` (the text of a marked-up file), `entries` (where records begin), `furniture`, `hyphens` and `heading` (the lines that are
//! the text, and its title), `sections` (what stands under which label), `record` (values by the kind of their field) and `narrative`
//! (blocks, note marks, what prose states). Every byte ends in a member or in a note.

mod adapter;
mod address;
mod blocks;
mod contact;
mod contact_points;
mod coverage;
mod dates;
mod decisions;
mod document;
mod entries;
mod furniture;
mod heading;
mod hyphens;
mod memberships;
mod narrative;
mod notes;
mod place;
mod prose;
mod prose_lines;
mod record;
mod rows;
mod sections;
mod spanned_text;
mod template;
mod value;

use std::sync::Arc;

pub use decisions::{Decision, Decisions};
pub use template::Templates;

use self::document::Document;
use self::template::Template;
use self::value::Value;
use super::limits::TooLarge;
use super::{Options, Reader, RecordVisitor, Window, too_many};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::Tree;

/// Cuts between two pages, at a heading whose label has been seen.
pub struct HandbookChunker {
    feed: InputBuffer,
    window_bytes: usize,
    max_record_bytes: usize,
    max_lines: usize,
    forms: Arc<Templates>,
    decisions: Option<Arc<Decisions>>,
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
            decisions: options.decisions.clone(),
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
        if adapter::docx::is_archive(self.feed.bytes()) {
            return self.word_document().map(Some);
        }
        let is_html = self.reader.is_none() && adapter::html::is_page(self.text());
        if is_html {
            return self.html().map(Some);
        }
        let (form, reader) = if let Some((form, reader)) = &self.reader {
            (Arc::clone(form), Arc::clone(reader))
        } else {
            let form = self.forms.best_match(self.text());
            let reader = self.pages(&form, false);
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
                return self.too_large(LargePage { limit: self.max_lines, what: Some("lines") });
            }
            let text = self.text();
            let lines = document::lines(text);
            let starts = entries::starts(&form, text, &lines);
            if let Some(start) = starts.last().map(|start| lines[*start].start as usize).filter(|start| *start > 0 && starts.len() > 1) {
                return Ok(Some(Window::new(self.feed.consume(start)?, &reader)));
            }
            if self.feed.bytes().len() > self.max_record_bytes {
                // Nothing shows where the next page begins.
                return self.too_large(LargePage { limit: self.max_record_bytes, what: None });
            }
            self.feed.fill()?;
        }
    }
}

impl HandbookChunker {
    fn pages(&self, form: &Arc<Template>, is_html: bool) -> Arc<dyn Reader> {
        let (form, decisions) = (Arc::clone(form), self.decisions.clone());
        Arc::new(Pages { form, decisions, max_record_bytes: self.max_record_bytes, max_lines: self.max_lines, is_html })
    }

    fn too_large(&mut self, reader: LargePage) -> Result<Option<Window>, ReadError> {
        self.done = true;
        let reader: Arc<dyn Reader> = Arc::new(reader);
        let shown = super::limits::floor_char(self.feed.bytes(), 80);
        Ok(Some(Window::new(self.feed.consume(shown)?, &reader)))
    }

    // Reads all of a file that has to be seen whole; whether it is within the limit.
    fn whole(&mut self) -> Result<bool, ReadError> {
        while self.feed.bytes().len() <= self.max_record_bytes && self.feed.fill()? {}
        self.done = true;
        Ok(self.feed.bytes().len() <= self.max_record_bytes)
    }

    fn html(&mut self) -> Result<Window, ReadError> {
        if !self.whole()? {
            let reader: Arc<dyn Reader> = Arc::new(LargePage { limit: self.max_record_bytes, what: None });
            let shown = super::limits::floor_char(self.feed.bytes(), 80);
            return Ok(Window::new(self.feed.consume(shown)?, &reader));
        }
        let source = self.feed.consume(self.feed.bytes().len())?;
        let text = adapter::html::document(&Arc::new(Source::whole("", source.text()))).text().to_owned();
        let form = self.forms.best_match(&text);
        Ok(Window::new(source, &self.pages(&form, true)))
    }

    // The text of a Word document has positions of its own: lines and columns of the text, not of the archive.
    fn word_document(&mut self) -> Result<Window, ReadError> {
        let is_whole = self.whole()?;
        let name = Arc::clone(self.feed.name());
        let found = if is_whole {
            adapter::docx::text(self.feed.bytes(), self.max_record_bytes)
        } else {
            Err(adapter::docx::DocxError::TooLarge(self.max_record_bytes))
        };
        match found {
            Ok(text) => {
                let form = self.forms.best_match(&text);
                Ok(Window::new(Source::whole(name, text), &self.pages(&form, false)))
            }
            Err(error) => {
                let reader: Arc<dyn Reader> = Arc::new(DamagedDocument(error.to_string()));
                Ok(Window::new(Source::whole(name, ""), &reader))
            }
        }
    }
}

struct DamagedDocument(String);

impl Reader for DamagedDocument {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let message = format!("the Word document cannot be read: {}", self.0);
        let diagnostic = Diagnostic::new(&rules::BAD_DOCUMENT, source, Span::at(0), message);
        visitor.emit(diagnostic.help("save it again as .docx, or as plain text"));
        visitor.malformed();
        visitor.stop();
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
    decisions: Option<Arc<Decisions>>,
    max_record_bytes: usize,
    max_lines: usize,
    is_html: bool,
}

impl Reader for Pages {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let document = if self.is_html { adapter::html::document(source) } else { Document::plain(source) };
        let text = document.text();
        if memchr::memchr2_iter(b'\n', 0x0c, text.as_bytes()).count() > self.max_lines.saturating_mul(2) {
            visitor.emit(too_many(source, Span::at(0), self.max_lines, "lines"));
            visitor.malformed();
            return visitor.stop();
        }
        let lines = document::lines(text);
        let starts = entries::starts(&self.form, text, &lines);
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(lines.len());
            let (first, last) = (lines[start].start, lines.get(end).map_or(text.len() as u32, |line| line.start));
            let at = Span::at(document.place(lines[start].span.start));
            if (last - first) as usize > self.max_record_bytes {
                visitor.emit(TooLarge::diagnostic(source, at.start, self.max_record_bytes));
                visitor.malformed();
                continue;
            }
            if end - start > self.max_lines {
                visitor.emit(too_many(source, at, self.max_lines, "lines"));
                visitor.malformed();
                continue;
            }
            let page = sections::split_sections(&document, &self.form, &lines[start..end]);
            let (record, diagnostics) = record::read(source, &self.form, self.decisions.as_deref(), &page, at);
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

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::diagnostic::DiagnosticSink;
    use chancery_core::growth::assert_linear;

    struct Ignored;

    impl DiagnosticSink for Ignored {
        fn emit(&mut self, _diagnostic: Diagnostic) {}
    }

    impl RecordVisitor for Ignored {
        fn record(&mut self, _tree: &mut Tree) {}
        fn malformed(&mut self) {}
        fn file_diagnostic(&mut self, _diagnostic: Diagnostic) {}
        fn stop(&mut self) {}
    }

    fn read(text: String) {
        let form = Templates::default().best_match(&text);
        let pages = Pages { form, decisions: None, max_record_bytes: 64 << 20, max_lines: 1 << 20, is_html: false };
        pages.read(&Arc::new(Source::whole("page.txt", text)), &mut Tree::default(), &mut Ignored);
    }

    #[test]
    fn work_grows_with_the_page() {
        const HEAD: &str = "Office of Samples (OS)\n\nLocation: Rome, Italy\n\nEstablished: 1999\n\n";
        for repeated in [
            "UNMIL is mandated to support elections in Liberia, and it was set up by resolution 1509 (2003). ",
            "UNMIL, UNOCI and UNMIS, and the office, ",
            "It is old. OS contributes in two ways: (1) police training, (2) mine action. These functions fall under Pillar II. ",
            "It shows salt[5] and more of it.6 ",
            "Tel: +43 1 11 22 33\n",
            "United Nations Mission in Chad (UNMIC) ",
        ] {
            assert_linear(200, |size| read(format!("{HEAD}{}\n", repeated.repeat(size))));
        }
    }
}
