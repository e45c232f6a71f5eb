//! SHA-256 checksums as text: of bytes, of files, and of inputs while they are read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::hash;
use crate::stat::FileMetadata;

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksum of a text.
#[must_use]
pub fn of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The checksum of a file.
///
/// # Errors
/// When it cannot be read.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    hash::update(&mut sum, File::open(path)?)?;
    Ok(hex(&sum.finalize()))
}

/// The checksum of an input.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct InputChecksum {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes; `None` if it was not read completely.
    pub sha256: Option<String>,
}

/// The inputs read so far, shared with all users.
#[derive(Clone, Default)]
pub struct ChecksumRecorder {
    list: Arc<Mutex<Vec<InputChecksum>>>,
    // Larger files are skipped.
    largest: Option<u64>,
}

impl ChecksumRecorder {
    /// The list, which is complete when everything has been read.
    #[must_use]
    pub fn list(&self) -> Arc<Mutex<Vec<InputChecksum>>> {
        Arc::clone(&self.list)
    }

    /// For files up to `bytes`.
    #[must_use]
    pub fn of_files_up_to(bytes: u64) -> Self {
        Self { largest: Some(bytes), ..Self::default() }
    }

    /// Whether the checksum of a file with this metadata is recorded.
    #[must_use]
    pub fn is_recorded(&self, file: Option<&FileMetadata>) -> bool {
        self.largest.is_none_or(|largest| file.is_some_and(|file| file.stamp.length <= largest))
    }

    /// The same stream, whose checksum is recorded under this name.
    #[must_use]
    pub fn reader(&self, name: &str, stream: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let at = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.push(InputChecksum { name: name.to_owned(), sha256: None });
            list.len() - 1
        };
        Box::new(HashingReader { stream, sum: Sha256::new(), at, recorder: self.clone() })
    }
}

struct HashingReader {
    stream: Box<dyn Read + Send>,
    sum: Sha256,
    at: usize,
    recorder: ChecksumRecorder,
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.sum.update(&buffer[..length]);
        if length == 0 && !buffer.is_empty() {
            let sum = hex(&self.sum.clone().finalize());
            self.recorder.list.lock().unwrap_or_else(PoisonError::into_inner)[self.at].sha256 = Some(sum);
        }
        Ok(length)
    }
}
