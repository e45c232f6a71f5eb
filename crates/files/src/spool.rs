//! Byte strings kept for later: in memory while they are few, then in a temporary file.
//!
//! Input: bytes, usually written with [`number`] and [`text`]. Output: the same bytes at the place returned by
//! [`Spool::put`], read with a [`Decoder`].

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use chancery_core::source::Position;

/// Maximum bytes in memory.
const HELD: usize = 8 << 20;

/// Bytes in memory up to a size, then in an unnamed temporary file. Errors name the directory of temporary files.
#[derive(Debug)]
pub struct SpoolFile(SpooledTempFile);

impl SpoolFile {
    /// Keeps up to `size` bytes in memory.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self(SpooledTempFile::new(size))
    }
}

impl Read for SpoolFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).map_err(in_temporary_folder)
    }
}

impl Write for SpoolFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(in_temporary_folder)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(in_temporary_folder)
    }
}

impl Seek for SpoolFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to).map_err(in_temporary_folder)
    }
}

/// An unnamed temporary file.
///
/// # Errors
/// When the directory of temporary files takes none.
pub fn temporary_file() -> io::Result<File> {
    tempfile::tempfile().map_err(in_temporary_folder)
}

/// An error of an unnamed temporary file: names the directory and the variable that chooses it. An error that must be retried stays as it is.
pub fn in_temporary_folder(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    let folder = std::env::temp_dir();
    io::Error::new(error.kind(), format!("temporary files in {} (TMPDIR chooses another folder): {error}", folder.display()))
}

/// Byte strings, each identified by the place at which it was put.
#[derive(Debug)]
pub struct Spool {
    file: SpoolFile,
    // Bytes to be written.
    waiting: Vec<u8>,
    length: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: SpoolFile::new(HELD), waiting: Vec::new(), length: 0 }
    }
}

impl Spool {
    /// Appends a byte string and returns its place.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn put(&mut self, piece: &[u8]) -> io::Result<u64> {
        let at = self.length;
        self.waiting.extend_from_slice(&(piece.len() as u64).to_le_bytes());
        self.waiting.extend_from_slice(piece);
        self.length += 8 + piece.len() as u64;
        if self.waiting.len() > 1 << 16 {
            self.write()?;
        }
        Ok(at)
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// Reads the byte string at a place returned by [`Spool::put`] into `piece`.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn get(&mut self, at: u64, piece: &mut Vec<u8>) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.write()?;
        }
        self.file.seek(SeekFrom::Start(at))?;
        let mut length = [0; 8];
        self.file.read_exact(&mut length)?;
        piece.clear();
        let length = u64::from_le_bytes(length);
        if Read::by_ref(&mut self.file).take(length).read_to_end(piece)? as u64 == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// Appends a number, as [`Decoder::number`] reads it.
pub fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a text with its length, as [`Decoder::text`] reads it.
pub fn text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a place in a file, as [`Decoder::position`] reads it.
pub fn position(at: Position, out: &mut Vec<u8>) {
    number(at.line, out);
    number(u64::from(at.column), out);
    number(at.byte, out);
}

/// Reads encoded values from the beginning.
pub struct Decoder<'b>(&'b [u8]);

impl<'b> Decoder<'b> {
    /// At the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The unread rest.
    #[must_use]
    pub fn rest(&self) -> &'b [u8] {
        self.0
    }

    /// The next number.
    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// As many bytes as the next number states.
    pub fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next text.
    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// The next position.
    pub fn position(&mut self) -> Option<Position> {
        let line = self.number()?;
        let column = u32::try_from(self.number()?).ok()?;
        Some(Position { byte: self.number()?, line, column })
    }
}
