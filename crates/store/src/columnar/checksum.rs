//! Checksums of Parquet files and Arrow streams, so that damage is noticed before anything is decoded.
//!
//! A Parquet file has one SHA-256 of the whole file in its key-value metadata, computed with zeros in its own place. A file
//! that another program has rewritten keeps the metadata but has another `created_by`, and is not compared.
//!
//! Each message of an Arrow stream has a SHA-256 of all messages so far, in 64 bytes after its metadata. The length of
//! the metadata includes it, and other readers skip it as padding (Arrow columnar format, "Encapsulated message
//! format"). Other programs do not copy the padding; a stream without any checksum is read without verification.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use arrow_ipc::root_as_message;
use memchr::memmem;
use sha2::{Digest, Sha256};

use chancery_files::checksum::hex;
use chancery_files::hash;

/// The metadata key of a Parquet file's checksum.
pub const CHECKSUM: &str = "chancery_checksum";
/// The `created_by` of a Parquet file.
pub const CREATED_BY: &str = concat!("chancery version ", env!("CARGO_PKG_VERSION"));
const CREATOR: &str = "chancery version ";

const PREFIX: &str = "chancery-sha256:";
const DIGITS: usize = 64;

/// The value of the checksum before it is known.
#[must_use]
pub fn placeholder() -> String {
    format!("{PREFIX}{}", "0".repeat(DIGITS))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is damaged: its checksum does not match; load the records again"))
}

// Where the digits of the checksum are in a file, and whether chancery wrote the file.
struct Footer {
    digits: Option<u64>,
    is_own: bool,
}

fn footer(file: &mut (impl Read + Seek)) -> io::Result<Footer> {
    const TAIL: u64 = 8;
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; TAIL as usize];
    let none = Footer { digits: None, is_own: false };
    if length < TAIL {
        return Ok(none);
    }
    file.seek(SeekFrom::Start(length - TAIL))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, ..] = tail;
    let size = u64::from(u32::from_le_bytes([a, b, c, d]));
    // A damaged length leaves too much or too little to search, which cannot make a wrong checksum match.
    let start = (length - TAIL).saturating_sub(size);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(length - TAIL - start).read_to_end(&mut bytes)?;
    let digits = memmem::rfind(&bytes, PREFIX.as_bytes()).map(|at| start + (at + PREFIX.len()) as u64);
    Ok(Footer { digits: digits.filter(|at| at + DIGITS as u64 <= length), is_own: memmem::rfind(&bytes, CREATOR.as_bytes()).is_some() })
}

// The checksum of a file whose digits are at `digits`.
fn sum(file: &mut (impl Read + Seek), digits: u64) -> io::Result<String> {
    let mut sum = Sha256::new();
    file.seek(SeekFrom::Start(0))?;
    hash::update(&mut sum, Read::by_ref(file).take(digits))?;
    sum.update("0".repeat(DIGITS));
    file.seek(SeekFrom::Start(digits + DIGITS as u64))?;
    hash::update(&mut sum, file)?;
    Ok(hex(&sum.finalize()))
}

/// Writes the checksum of a finished Parquet file into its place.
///
/// # Errors
/// When the file cannot be read or written.
pub fn append_checksum(file: &mut (impl Read + Write + Seek)) -> io::Result<()> {
    let Footer { digits: Some(digits), .. } = footer(file)? else { return Err(io::Error::other("the file has no space for its checksum")) };
    let sum = sum(file, digits)?;
    file.seek(SeekFrom::Start(digits))?;
    file.write_all(sum.as_bytes())
}

/// Verifies the checksum of a Parquet file that chancery wrote.
///
/// # Errors
/// When the file cannot be read, is damaged, or has lost its checksum.
pub fn verify(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut file = File::open(path)?;
    match footer(&mut file)? {
        Footer { is_own: false, .. } => Ok(()),
        Footer { digits: None, .. } => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{name} has no checksum, so it is damaged or was written by an older version; load the records again"),
        )),
        Footer { digits: Some(digits), .. } => {
            let expected = sum(&mut file, digits)?;
            let mut found = [0; DIGITS];
            file.seek(SeekFrom::Start(digits))?;
            file.read_exact(&mut found)?;
            if found == expected.as_bytes() { Ok(()) } else { Err(damaged(&name)) }
        }
    }
}

const TAG: &[u8; 16] = b"chancery-sha256\0";
// Keeps the alignment of what follows.
const CHECKSUM_MESSAGE: usize = 64;
const CONTINUATION: [u8; 4] = [0xff; 4];

// The checksums of the messages of a stream, each of which includes the one before.
#[derive(Default)]
struct Chain([u8; 32]);

impl Chain {
    fn next(&mut self, metadata: &[u8], body: &[u8]) -> [u8; 32] {
        let sum = Sha256::new().chain_update(self.0).chain_update(metadata).chain_update(body).finalize();
        self.0 = sum.into();
        self.0
    }
}

fn body_length(metadata: &[u8]) -> io::Result<usize> {
    let message = root_as_message(metadata).map_err(|_| broken("a message has no valid metadata"))?;
    usize::try_from(message.bodyLength()).map_err(|_| broken("a message has no valid length"))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the stream is damaged: {why}; load the records again"))
}

/// Adds checksums to the messages of a stream.
#[derive(Default)]
pub struct ChecksumWriter(Chain);

impl ChecksumWriter {
    /// Writes whole messages with their checksums.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&mut self, mut messages: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let cut = || io::Error::other("a message of the stream is incomplete");
        while !messages.is_empty() {
            let (head, rest) = messages.split_at_checked(8).ok_or_else(cut)?;
            let (_, length) = head.split_last_chunk::<4>().ok_or_else(cut)?;
            let length = u32::from_le_bytes(*length);
            if length == 0 {
                out.write_all(head)?;
                messages = rest;
                continue;
            }
            let (metadata, rest) = rest.split_at_checked(length as usize).ok_or_else(cut)?;
            let (body, rest) = rest.split_at_checked(body_length(metadata)?).ok_or_else(cut)?;
            let sum = self.0.next(metadata, body);
            let zeros = [0; CHECKSUM_MESSAGE - 48];
            for part in [&CONTINUATION[..], &(length + CHECKSUM_MESSAGE as u32).to_le_bytes(), metadata, TAG, &sum, &zeros, body] {
                out.write_all(part)?;
            }
            messages = rest;
        }
        Ok(())
    }
}

/// Returns the bytes of a stream, a whole message at a time, after verifying its checksum.
pub struct VerifyingReader<R> {
    stream: R,
    chain: Chain,
    message: Vec<u8>,
    consumed: usize,
    count: u64,
    // Whether the first message has a checksum.
    has_checksum: bool,
    ended: bool,
}

impl<R: Read> VerifyingReader<R> {
    /// The messages of `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, chain: Chain::default(), message: Vec::new(), consumed: 0, count: 0, has_checksum: false, ended: false }
    }

    fn read_exactly(&mut self, length: usize) -> io::Result<()> {
        let before = self.message.len();
        // Missing bytes are not allocated, however large a damaged length is.
        self.stream.by_ref().take(length as u64).read_to_end(&mut self.message)?;
        if self.message.len() - before == length { Ok(()) } else { Err(broken("it ends without an end marker")) }
    }

    fn next_message(&mut self) -> io::Result<()> {
        self.message.clear();
        self.consumed = 0;
        self.read_exactly(4)?;
        if self.message == CONTINUATION {
            self.read_exactly(4)?;
        }
        let length = self.message.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
        if length == 0 {
            self.ended = true;
            let mut more = [0];
            return if self.stream.read(&mut more)? == 0 { Ok(()) } else { Err(broken("there is data after its end")) };
        }
        let start = self.message.len();
        self.read_exactly(length)?;
        let end = self.message.len();
        self.read_exactly(body_length(&self.message[start..])?)?;
        let (metadata, body) = (&self.message[start..end], &self.message[end..]);
        self.count += 1;
        let checksum = metadata.split_last_chunk::<CHECKSUM_MESSAGE>().filter(|(_, checksum)| checksum.starts_with(TAG));
        let has_checksum = checksum.is_some();
        if self.count == 1 {
            self.has_checksum = has_checksum;
        }
        if self.has_checksum != has_checksum {
            return Err(broken("a message has no checksum"));
        }
        if let Some((metadata, checksum)) = checksum
            && checksum[TAG.len()..TAG.len() + 32] != self.chain.next(metadata, body)
        {
            return Err(broken(&format!("the checksum of message {} does not match", self.count)));
        }
        Ok(())
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.consumed == self.message.len() && !self.ended {
            self.next_message()?;
        }
        let length = buffer.len().min(self.message.len() - self.consumed);
        buffer[..length].copy_from_slice(&self.message[self.consumed..self.consumed + length]);
        self.consumed += length;
        Ok(length)
    }
}
