//! Hashes of what is read.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Adds all that is left to read.
///
/// # Errors
/// When it cannot be read.
pub fn update(sum: &mut Sha256, mut from: impl Read) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => sum.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
