//! A stream of one input's text, from which windows are cut.

use std::io::{self, Read};
use std::sync::Arc;

use super::{Position, Source};

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// What is made room for before it is known that there is more.
const FIRST: usize = 16 * 1024;
/// The most that is read at a time, so that a buffer near a limit does not overshoot it by much.
const MOST: usize = 4 * 1024 * 1024;
/// A buffer that is emptied and larger than this is given back.
const KEPT: usize = 4 * 1024 * 1024;

/// Why an input could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system, or a broken compressed stream, said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Bytes that are not text in the encoding of the input.
    #[error("bytes that are not {encoding}")]
    Encoding {
        /// The encoding's name.
        encoding: &'static str,
        /// Where the first such byte lies.
        at: Position,
    },
    /// The encoding that the input declares is unknown, or contradicts its bytes.
    #[error("{why}")]
    Declaration {
        /// What is wrong.
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

/// What a decoding stream fails with at bytes that are not text in its encoding, which it names.
#[derive(Debug, thiserror::Error)]
#[error("bytes that are not {0}")]
pub(super) struct BadBytes(pub &'static str);

/// An input as a stream of bytes that are looked at, then taken as windows.
pub struct Feed {
    name: Arc<str>,
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    // How much of the buffer has been taken.
    taken: usize,
    ended: bool,
    position: Position,
    // Where an LF stands that belongs to a CR which was taken before it.
    split: Option<Position>,
}

impl Feed {
    /// The stream `input`, whose first byte lies at `from`; it has to be UTF-8.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, input: Box<dyn Read + Send>, from: Position) -> Self {
        Self { name: name.into(), input, buffer: Vec::new(), taken: 0, ended: false, position: from, split: None }
    }

    /// The file's name as it is shown.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The bytes read and not yet taken.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// Where the first byte of [`Feed::bytes`] lies.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Reads on; says whether there is more than before.
    ///
    /// # Errors
    /// When the system cannot read on.
    pub fn more(&mut self) -> Result<bool, Failure> {
        if self.ended {
            return Ok(false);
        }
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            if self.buffer.capacity() > KEPT && self.buffer.len() < KEPT / 4 {
                self.buffer.shrink_to(KEPT / 4);
            }
        }
        let before = self.buffer.len();
        // Growing in proportion keeps the number of calls low when one record is large.
        let want = CHUNK.max(before / 2).min(MOST.max(before / 8));
        // A small file is read at once, not in the steps in which an empty buffer grows.
        self.buffer.reserve(if before == 0 { FIRST } else { want });
        let read = match self.input.by_ref().take(want as u64).read_to_end(&mut self.buffer) {
            Ok(read) => read,
            Err(error) => return Err(self.explain(error)),
        };
        self.ended = read < want;
        Ok(read > 0)
    }

    // What was read before a failure is at hand, so bytes that could not be decoded lie behind it.
    fn explain(&self, error: io::Error) -> Failure {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<BadBytes>()) {
            Some(BadBytes(encoding)) => {
                let before = String::from_utf8_lossy(self.bytes());
                Failure::Encoding { encoding, at: self.position.after(&before) }
            }
            None => Failure::Io(error),
        }
    }

    /// Reads until at least `length` bytes are at hand or the input ends.
    ///
    /// # Errors
    /// When the system cannot read on.
    pub fn fill(&mut self, length: usize) -> Result<(), Failure> {
        while self.bytes().len() < length && self.more()? {}
        Ok(())
    }

    /// Whether the input has ended; [`Feed::bytes`] is then all that is left.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Drops the next `length` bytes, which are blanks or line ends; nothing is copied.
    ///
    /// # Errors
    /// When they are not UTF-8; nothing is dropped then.
    pub fn skip(&mut self, length: usize) -> Result<(), Failure> {
        let bytes = &self.buffer[self.taken..self.taken + length];
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                self.position = self.position.after(text);
                self.taken += length;
                Ok(())
            }
            Err(error) => Err(self.not_utf8(error.valid_up_to())),
        }
    }

    // The failure at the first byte that is not UTF-8, behind so many that are.
    fn not_utf8(&self, valid: usize) -> Failure {
        let good = std::str::from_utf8(&self.bytes()[..valid]).unwrap_or_default();
        Failure::Encoding { encoding: "UTF-8", at: self.position.after(good) }
    }

    /// Takes the next `length` bytes as a window.
    ///
    /// # Errors
    /// When they are not UTF-8; nothing is taken then.
    pub fn take(&mut self, length: usize) -> Result<Source, Failure> {
        if length > KEPT && self.taken == 0 && length == self.buffer.len() {
            return self.take_buffer();
        }
        let bytes = &self.buffer[self.taken..self.taken + length];
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                let base = self.split.take().filter(|_| text.starts_with('\n')).unwrap_or(self.position);
                self.position = base.after(text);
                self.split = text.ends_with('\r').then(|| base.after_return(text));
                self.taken += length;
                Ok(Source::window(Arc::clone(&self.name), text, base))
            }
            Err(error) => Err(self.not_utf8(error.valid_up_to())),
        }
    }

    // Takes all that is at hand without a copy, since a large window would be held twice.
    fn take_buffer(&mut self) -> Result<Source, Failure> {
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

    /// Takes everything to the end as one window.
    ///
    /// # Errors
    /// When the input cannot be read on, or is not UTF-8.
    pub fn take_all(&mut self) -> Result<Source, Failure> {
        while self.more()? {}
        self.take(self.bytes().len())
    }
}
