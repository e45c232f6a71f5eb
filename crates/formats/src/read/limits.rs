//! How much text is read at once: where a window is cut, and what stands for a record over the size limit.

use std::sync::Arc;

use super::{MAX_RECORDS_PER_WINDOW, Reader, RecordVisitor};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::Tree;

/// The length of the lines at the start of `bytes`, as many as a window may hold.
pub(super) fn few_lines(bytes: &[u8]) -> usize {
    if memchr::memchr_iter(b'\n', bytes).count() <= MAX_RECORDS_PER_WINDOW {
        return bytes.len();
    }
    memchr::memchr_iter(b'\n', bytes).nth(MAX_RECORDS_PER_WINDOW - 1).map_or(bytes.len(), |end| end + 1)
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
