//! Checksums of the inputs, for the cache and the load metadata.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::layout::relational::shred::hex;
use crate::load::database::InputChecksum;
use crate::source::hash;
use crate::source::stat::FileMetadata;

/// The inputs read so far, shared with all users.
#[derive(Clone, Default)]
pub struct ChecksumRecorder {
    list: Arc<Mutex<Vec<InputChecksum>>>,
    // Larger files are skipped.
    largest: Option<u64>,
}

impl ChecksumRecorder {
    /// The list, which is complete when everything has been read.
    pub fn list(&self) -> Arc<Mutex<Vec<InputChecksum>>> {
        Arc::clone(&self.list)
    }

    /// For files up to `bytes`.
    pub fn of_files_up_to(bytes: u64) -> Self {
        Self { largest: Some(bytes), ..Self::default() }
    }

    /// Whether the checksum of a file with this metadata is recorded.
    pub fn is_recorded(&self, file: Option<&FileMetadata>) -> bool {
        self.largest.is_none_or(|largest| file.is_some_and(|file| file.stamp.length <= largest))
    }

    /// The same stream, whose checksum is recorded under this name.
    pub fn reader(&self, name: &str, stream: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let at = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.push(InputChecksum { name: name.to_owned(), sha256: None });
            list.len() - 1
        };
        Box::new(HashingReader { stream, sum: Sha256::new(), at, recorder: self.clone() })
    }
}

/// The checksum of a file.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    hash::update(&mut sum, File::open(path)?)?;
    Ok(hex(&sum.finalize()))
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
