//! Reads NDJSON: one JSON document to a line.
//!
//! Input: a window that ends at a line end. Output: one record for each line that is not blank, or those at the places in it that
//! `--records` names.
//! A broken line costs that line alone; the next is read as if nothing had happened.

use std::ops::Range;
use std::sync::Arc;

use super::json::Parser;
use super::records::{Mark, Records, Targets, hand_out, hand_out_document};
use super::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, Window};
use crate::diagnostic::{Diagnostic, rules};
use crate::source::{InputBuffer, ReadError, Source, Span};
use crate::tree::Tree;

/// Cuts after the last line end of each stretch of about a window's size.
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

/// The length of the lines at the start of `bytes`, as many as a window may hold.
pub(super) fn few_lines(bytes: &[u8]) -> usize {
    if memchr::memchr_iter(b'\n', bytes).count() <= MAX_RECORDS_PER_WINDOW {
        return bytes.len();
    }
    memchr::memchr_iter(b'\n', bytes).nth(MAX_RECORDS_PER_WINDOW - 1).map_or(bytes.len(), |end| end + 1)
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

/// The largest length up to `most` at which `bytes` can be cut without splitting a UTF-8 sequence.
pub(super) fn floor_char(bytes: &[u8], most: usize) -> usize {
    let mut length = most.min(bytes.len());
    let continues = |byte: u8| byte & 0xC0 == 0x80;
    if length == bytes.len() {
        // The last sequence may go on in what has not been read yet.
        let mut start = length;
        while start > 0 && length - start < 4 && continues(bytes[start - 1]) {
            start -= 1;
        }
        if start > 0 && bytes[start - 1] >= 0xC0 {
            length = start - 1;
        }
        return length;
    }
    while length > 0 && continues(bytes[length]) {
        length -= 1;
    }
    length
}

/// The note on a record over the size limit, and a reader that says it.
pub(super) struct TooLarge {
    pub limit: usize,
}

impl TooLarge {
    pub(super) fn diagnostic(source: &Arc<Source>, at: u32, limit: usize) -> Diagnostic {
        Diagnostic::new(&rules::TOO_LARGE, source, Span::at(at), format!("record is larger than {limit} bytes"))
            .help("if this size is intended, raise --max-record-bytes")
    }
}

impl Reader for TooLarge {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        visitor.emit(Self::diagnostic(source, 0, self.limit));
        visitor.malformed();
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
