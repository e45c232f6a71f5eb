//! The buffered text of one input, from which windows are taken.

use std::io::{self, Read};
use std::sync::Arc;

use super::{Position, Source};

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;
/// Initial capacity before more data is known to exist.
const FIRST: usize = 16 * 1024;
/// Maximum bytes read at a time, so that a buffer near a limit does not exceed it by much.
const MOST: usize = 4 * 1024 * 1024;
/// A larger empty buffer is freed.
const KEPT: usize = 4 * 1024 * 1024;

/// Why an input could not be read completely.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system returned an error, or a compressed stream is damaged.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Invalid bytes in the encoding of the input.
    #[error("bytes that are not {encoding}")]
    Encoding {
        /// The encoding's name.
        encoding: &'static str,
        /// Where the first invalid byte is.
        at: Position,
    },
    /// The encoding that the input declares is unknown, or contradicts its bytes.
    #[error("{why}")]
    Declaration {
        /// The errors.
        why: String,
        /// What to do about it.
        help: String,
        /// Where the name of the encoding stands.
        at: Position,
    },
    /// A file of a kind that no reader reads.
    #[error("it is {}{}", kind.name, if *packed { ", compressed" } else { "" })]
    Kind {
        /// The kind.
        kind: &'static super::FileKind,
        /// Whether it was unpacked to find out.
        packed: bool,
    },
    /// Nothing says which format the input has.
    #[error("its format cannot be determined")]
    UnknownFormat {
        /// What to do about it.
        help: &'static str,
    },
}

/// The error of a decoding stream at invalid bytes.
#[derive(Debug, thiserror::Error)]
#[error("bytes that are not {0}")]
pub struct InvalidBytes(pub &'static str);

/// An input as a stream of bytes that are inspected, then consumed as windows.
pub struct InputBuffer {
    name: Arc<str>,
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    // How much of the buffer has been consumed.
    consumed: usize,
    ended: bool,
    position: Position,
    // Position of an LF that belongs to an already consumed CR.
    split: Option<Position>,
}

impl InputBuffer {
    /// The stream `input`, whose first byte is at `from`; it must be UTF-8.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, input: Box<dyn Read + Send>, from: Position) -> Self {
        Self { name: name.into(), input, buffer: Vec::new(), consumed: 0, ended: false, position: from, split: None }
    }

    /// The display name of the file.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The bytes read and not yet consumed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    /// The position of the first byte of [`InputBuffer::bytes`].
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Reads more; returns whether there is more than before.
    ///
    /// # Errors
    /// When the system returns an error.
    pub fn fill(&mut self) -> Result<bool, ReadError> {
        if self.ended {
            return Ok(false);
        }
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
            if self.buffer.capacity() > KEPT && self.buffer.len() < KEPT / 4 {
                self.buffer.shrink_to(KEPT / 4);
            }
        }
        let before = self.buffer.len();
        // Proportional growth keeps the number of calls low for large records.
        let want = CHUNK.max(before / 2).min(MOST.max(before / 8));
        // A small file is read at once, without growing the buffer in steps.
        self.buffer.reserve(if before == 0 { FIRST } else { want });
        let read = match self.input.by_ref().take(want as u64).read_to_end(&mut self.buffer) {
            Ok(read) => read,
            Err(error) => return Err(self.explain(error)),
        };
        self.ended = read < want;
        Ok(read > 0)
    }

    // Bytes before an error are available, so undecodable bytes are after them.
    fn explain(&self, error: io::Error) -> ReadError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<InvalidBytes>()) {
            Some(InvalidBytes(encoding)) => {
                let before = String::from_utf8_lossy(self.bytes());
                ReadError::Encoding { encoding, at: self.position.after(&before) }
            }
            None => ReadError::Io(error),
        }
    }

    /// Reads until at least `length` bytes are available or the input ends.
    ///
    /// # Errors
    /// When the system returns an error.
    pub fn fill_from_stream(&mut self, length: usize) -> Result<(), ReadError> {
        while self.bytes().len() < length && self.fill()? {}
        Ok(())
    }

    /// Whether the input has ended; [`InputBuffer::bytes`] is then the rest.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Drops the next `length` bytes, which are blanks or line ends, without copying.
    ///
    /// # Errors
    /// When they are not UTF-8; nothing is dropped then.
    pub fn skip(&mut self, length: usize) -> Result<(), ReadError> {
        let bytes = &self.buffer[self.consumed..self.consumed + length];
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                self.position = self.position.after(text);
                self.consumed += length;
                Ok(())
            }
            Err(error) => Err(self.not_utf8(error.valid_up_to())),
        }
    }

    // The error at the first byte that is not UTF-8, after this many valid bytes.
    fn not_utf8(&self, valid: usize) -> ReadError {
        let good = std::str::from_utf8(&self.bytes()[..valid]).unwrap_or_default();
        ReadError::Encoding { encoding: "UTF-8", at: self.position.after(good) }
    }

    /// Consumes the next `length` bytes as a window.
    ///
    /// # Errors
    /// When they are not UTF-8; nothing is consumed then.
    pub fn consume(&mut self, length: usize) -> Result<Source, ReadError> {
        if length > KEPT && self.consumed == 0 && length == self.buffer.len() {
            return self.consume_buffer();
        }
        let bytes = &self.buffer[self.consumed..self.consumed + length];
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                let base = self.split.take().filter(|_| text.starts_with('\n')).unwrap_or(self.position);
                self.position = base.after(text);
                self.split = text.ends_with('\r').then(|| base.after_return(text));
                self.consumed += length;
                Ok(Source::window(Arc::clone(&self.name), text, base))
            }
            Err(error) => Err(self.not_utf8(error.valid_up_to())),
        }
    }

    // Consumes all available bytes without a copy, because a large window would be held twice.
    fn consume_buffer(&mut self) -> Result<Source, ReadError> {
        if let Err(error) = simdutf8::compat::from_utf8(&self.buffer) {
            return Err(self.not_utf8(error.valid_up_to()));
        }
        match String::from_utf8(std::mem::take(&mut self.buffer)) {
            Ok(text) => {
                let base = self.position;
                self.position = base.after(&text);
                Ok(Source::window(Arc::clone(&self.name), text, base))
            }
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                self.buffer = error.into_bytes();
                Err(self.not_utf8(valid))
            }
        }
    }

    /// Consumes the rest of the input as one window.
    ///
    /// # Errors
    /// When the input cannot be read further, or is not UTF-8.
    pub fn consume_all(&mut self) -> Result<Source, ReadError> {
        while self.fill()? {}
        self.consume(self.bytes().len())
    }
}
