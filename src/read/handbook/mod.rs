//! Reads handbook pages: the profiles of a printed directory as plain text.
//!
//! In: a text of pages, each a heading, values under labels, and narrative. Out: one record a page.
//! [`Forms`] says which labels there are and what stands under them; nothing of a directory is in code. A page goes through
//! `page` (heading, sections, what the printer put in), `record` (values by the kind of their field, with `address`, `contact`
//! and `reach`) and `prose` (blocks, note marks, missions named in the text). Every byte ends in a member or in a note.

mod address;
mod contact;
mod form;
mod page;
mod piece;
mod prose;
mod reach;
mod record;
mod value;

use std::sync::Arc;

pub use form::Forms;

use self::form::Form;
use self::value::Value;
use super::ndjson::TooLarge;
use super::{Intake, Options, Reader, Window, too_many};
use crate::source::{Failure, Feed, Source, Span};
use crate::tree::Tree;

/// Cuts between two pages, at a heading whose label has been seen.
pub struct Cutter {
    feed: Feed,
    window_bytes: usize,
    max_record_bytes: usize,
    max_lines: usize,
    forms: Arc<Forms>,
    // Chosen by the first window, for the whole file.
    reader: Option<(Arc<Form>, Arc<dyn Reader>)>,
    done: bool,
}

impl Cutter {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: Feed, options: &Options) -> Self {
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

    // The text at hand, without a character that has only half been read. Bytes that are no text are left to `Feed::take`.
    fn text(&self) -> &str {
        let bytes = self.feed.bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl super::Cutter for Cutter {
    fn cut(&mut self) -> Result<Option<Window>, Failure> {
        if self.done {
            return Ok(None);
        }
        self.feed.fill(self.window_bytes)?;
        if self.feed.bytes().is_empty() {
            return Ok(None);
        }
        let (form, reader) = if let Some((form, reader)) = &self.reader {
            (Arc::clone(form), Arc::clone(reader))
        } else {
            let form = self.forms.best(self.text());
            let (max_record_bytes, max_lines) = (self.max_record_bytes, self.max_lines);
            let reader: Arc<dyn Reader> = Arc::new(Pages { form: Arc::clone(&form), max_record_bytes, max_lines });
            self.reader = Some((Arc::clone(&form), Arc::clone(&reader)));
            (form, reader)
        };
        loop {
            if self.feed.is_ended() {
                self.done = true;
                return Ok(Some(Window::new(self.feed.take(self.feed.bytes().len())?, &reader)));
            }
            if self.feed.bytes().len() > self.window_bytes + self.window_bytes / 2
                && memchr::memchr2_iter(b'\n', 0x0c, self.feed.bytes()).count() > self.max_lines
            {
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(LargePage { limit: self.max_lines, what: Some("lines") });
                let shown = super::ndjson::floor_char(self.feed.bytes(), 80);
                return Ok(Some(Window::new(self.feed.take(shown)?, &reader)));
            }
            let text = self.text();
            let lines = page::lines(text, 0, text.len());
            let starts = page::record_starts(&form, text, &lines);
            if let Some(start) = starts.last().map(|start| lines[*start].start as usize).filter(|start| *start > 0 && starts.len() > 1) {
                return Ok(Some(Window::new(self.feed.take(start)?, &reader)));
            }
            if self.feed.bytes().len() > self.max_record_bytes {
                // Nothing shows where the next page begins.
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(LargePage { limit: self.max_record_bytes, what: None });
                let shown = super::ndjson::floor_char(self.feed.bytes(), 80);
                return Ok(Some(Window::new(self.feed.take(shown)?, &reader)));
            }
            self.feed.more()?;
        }
    }
}

struct LargePage {
    limit: usize,
    // What there is more of than the limit, if not bytes.
    what: Option<&'static str>,
}

impl Reader for LargePage {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, intake: &mut dyn Intake) {
        intake.note(match self.what {
            Some(what) => too_many(source, Span::at(0), self.limit, what),
            None => TooLarge::note(source, 0, self.limit),
        });
        intake.broken();
        intake.stop();
    }
}

/// Reads the pages of a window.
struct Pages {
    form: Arc<Form>,
    max_record_bytes: usize,
    max_lines: usize,
}

impl Reader for Pages {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, intake: &mut dyn Intake) {
        let text = source.text();
        if memchr::memchr2_iter(b'\n', 0x0c, text.as_bytes()).count() > self.max_lines.saturating_mul(2) {
            intake.note(too_many(source, Span::at(0), self.max_lines, "lines"));
            intake.broken();
            return intake.stop();
        }
        let lines = page::lines(text, 0, text.len());
        let starts = page::record_starts(&self.form, text, &lines);
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(lines.len());
            let (first, last) = (lines[start].start, lines.get(end).map_or(source.len(), |line| line.start));
            if (last - first) as usize > self.max_record_bytes {
                intake.note(TooLarge::note(source, lines[start].span.start, self.max_record_bytes));
                intake.broken();
                continue;
            }
            if end - start > self.max_lines {
                intake.note(too_many(source, lines[start].span, self.max_lines, "lines"));
                intake.broken();
                continue;
            }
            let page = page::take_apart(source, &self.form, &lines[start..end]);
            let (record, notes) = record::read(source, &self.form, &page, Span::at(lines[start].span.start));
            tree.reset(source);
            Value::Object(record).build(tree);
            for note in notes {
                intake.note(note);
            }
            let root = tree.root().id();
            super::note_duplicates(tree, root, intake);
            intake.record(tree);
        }
    }
}
