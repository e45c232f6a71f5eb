//! Reads NDJSON: one JSON document per line.
//!
//! Input: a window that ends at a line boundary. Output: one record for each line that is not blank, or the records at the
//! locations in it that `--records` names.
//! A malformed line affects only its own record; the next line is read normally.

use std::ops::Range;
use std::sync::Arc;

use super::json::Parser;
use super::limits::{TooLarge, few_lines, floor_char};
use super::records::{Mark, Records, Targets, hand_out, hand_out_document};
use super::{Options, Reader, RecordVisitor, Window};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::Tree;

/// Splits after the last line end within about the size of a window.
pub struct NdjsonChunker {
    feed: InputBuffer,
    window_bytes: usize,
    max_record_bytes: usize,
    reader: Arc<dyn Reader>,
}

impl NdjsonChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        // A line is a record even where it is an array.
        let whole = options.records.is_default() || options.records.is_whole();
        let records = if options.records.is_default() { Records::whole() } else { options.records.clone() };
        Self {
            feed,
            window_bytes: options.window_bytes,
            max_record_bytes: options.max_record_bytes,
            reader: Arc::new(Lines {
                max_depth: options.max_depth,
                max_values: options.max_values(),
                max_record_bytes: options.max_record_bytes,
                targets: Targets::of(&Options { records, ..options.clone() }),
                whole,
            }),
        }
    }
}

impl super::Chunker for NdjsonChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        self.feed.fill_from_stream(self.window_bytes)?;
        loop {
            let bytes = self.feed.bytes();
            let length = if self.feed.is_ended() { Some(bytes.len()) } else { memchr::memrchr(b'\n', bytes).map(|at| at + 1) };
            let length = length.map(|length| few_lines(&bytes[..length]));
            match length {
                Some(0) => return Ok(None),
                Some(length) => return Ok(Some(Window::new(self.feed.consume(length)?, &self.reader))),
                // One line is larger than the window: read on, up to the limit, after which `NdjsonReader` rejects it.
                None if bytes.len() > self.max_record_bytes => return self.cut_too_large(),
                None => {
                    self.feed.fill()?;
                }
            }
        }
    }
}

impl NdjsonChunker {
    // Passes on the start of a line past the limit as a broken record, and drops the rest of the line unread.
    fn cut_too_large(&mut self) -> Result<Option<Window>, ReadError> {
        let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.max_record_bytes });
        let shown = floor_char(self.feed.bytes(), 80);
        let window = Window::new(self.feed.consume(shown)?, &reader);
        loop {
            let bytes = self.feed.bytes();
            let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
            let length = end.unwrap_or(if self.feed.is_ended() { bytes.len() } else { floor_char(bytes, bytes.len()) });
            self.feed.consume(length)?;
            if end.is_some() || (self.feed.is_ended() && self.feed.bytes().is_empty()) {
                return Ok(Some(window));
            }
            if !self.feed.fill()? && length == 0 {
                return Ok(Some(window));
            }
        }
    }
}

/// Reads the lines of a window.
struct Lines {
    max_depth: usize,
    max_values: usize,
    max_record_bytes: usize,
    // Where in each line the records are.
    targets: Arc<Targets>,
    whole: bool,
}

impl Reader for Lines {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let text = source.text();
        let mut parser = Parser::new(source, 0, 0, self.max_depth).up_to(self.max_values);
        let mut start = 0;
        let mut already_reported = false;
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
            let line = text[start..end].strip_suffix('\r').unwrap_or(&text[start..end]);
            if !line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                parser.set(start, start + line.len());
                already_reported |= self.line(source, start..start + line.len(), &mut parser, tree, already_reported, visitor);
            }
            start = end + 1;
        }
    }
}

impl Lines {
    // The parser is at the line. Says whether it was reported that parts of the line are no records, which is done unless `already_reported`.
    fn line(
        &self,
        source: &Arc<Source>,
        line: Range<usize>,
        parser: &mut Parser<'_>,
        tree: &mut Tree,
        already_reported: bool,
        visitor: &mut dyn RecordVisitor,
    ) -> bool {
        tree.reset(source);
        if line.len() > self.max_record_bytes {
            visitor.emit(TooLarge::diagnostic(source, line.start as u32, self.max_record_bytes));
            visitor.malformed();
            return false;
        }
        match parser.document(tree, visitor) {
            Ok(()) if self.whole => hand_out(tree, self.targets.get(0), &[], visitor),
            Ok(()) => {
                let root = tree.root().opening();
                let found = hand_out_document(tree, &self.targets, visitor);
                // Lines may be of several kinds, so that each has records of one path alone.
                if !found.has_met() {
                    found.missing(source, &Mark::of(source, root)).into_iter().for_each(|missing| visitor.emit(missing));
                    visitor.surplus(Span::new(line.start as u32, line.end as u32));
                    visitor.malformed();
                } else if let Some(skipped) = found.skipped(source).filter(|_| !already_reported) {
                    visitor.file_diagnostic(skipped);
                    return true;
                }
            }
            Err(diagnostic) => {
                visitor.emit(*diagnostic);
                visitor.surplus(Span::new(line.start as u32, line.end as u32));
                visitor.malformed();
            }
        }
        false
    }
}
