//! Sums of what is read, for those who keep account of it.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::layout::relational::rows::hex;
use crate::load::database::Sealed;
use crate::source::stat::Stat;

/// The inputs that were read so far, shared with whoever asks for them.
#[derive(Clone, Default)]
pub struct Seals {
    list: Arc<Mutex<Vec<Sealed>>>,
    // Larger files are left out.
    largest: Option<u64>,
}

impl Seals {
    /// The list, which is complete when everything has been read.
    pub fn list(&self) -> Arc<Mutex<Vec<Sealed>>> {
        Arc::clone(&self.list)
    }

    /// For files that are not larger than `bytes`.
    pub fn of_files_up_to(bytes: u64) -> Self {
        Self { largest: Some(bytes), ..Self::default() }
    }

    /// Whether the sum of a file of which the system says this is wanted.
    pub fn wants(&self, file: Option<&Stat>) -> bool {
        self.largest.is_none_or(|largest| file.is_some_and(|file| file.stamp.length <= largest))
    }

    /// The same stream, whose sum is kept under this name.
    pub fn seal(&self, name: &str, stream: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let at = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            list.push(Sealed { name: name.to_owned(), sha256: None });
            list.len() - 1
        };
        Box::new(Sealing { stream, sum: Sha256::new(), at, seals: self.clone() })
    }
}

struct Sealing {
    stream: Box<dyn Read + Send>,
    sum: Sha256,
    at: usize,
    seals: Seals,
}

impl Read for Sealing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.sum.update(&buffer[..length]);
        if length == 0 && !buffer.is_empty() {
            let sum = hex(&self.sum.clone().finalize());
            self.seals.list.lock().unwrap_or_else(PoisonError::into_inner)[self.at].sha256 = Some(sum);
        }
        Ok(length)
    }
}
