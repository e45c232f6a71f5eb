//! Records as columns: into files of Parquet and streams of Arrow, and back.
//!
//! Both take records as rows, as databases do ([`crate::layout::relational`]). [`sheet`] makes columns of them, a batch at a
//! time; [`parquet`] writes a set of files that replaces the one before as a whole; [`stream`] feeds another program;
//! [`reading`] gives the records back.

pub mod checksum;
pub mod parquet;
pub mod reading;
pub mod sheet;
pub mod stream;

use std::error::Error;
use std::io;

use crate::layout::relational::rows::Encoded;

// What the formats' crates say, with what the system said inside it.
fn failed(error: impl Error + Send + Sync + 'static) -> io::Error {
    let mut cause: &(dyn Error + 'static) = &error;
    loop {
        if let Some(told) = cause.downcast_ref::<io::Error>() {
            return io::Error::new(told.kind(), told.to_string());
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => return io::Error::other(error),
        }
    }
}

// Columns count the bytes of a batch with 32 bits.
const LARGEST: usize = 1 << 30;

fn decoded(bytes: &[u8]) -> io::Result<Encoded<'_>> {
    if bytes.len() > LARGEST {
        return Err(io::Error::other("a record has more than 1 GiB of values"));
    }
    Encoded::new(bytes).ok_or_else(|| io::Error::other("a record was not encoded as it should be"))
}
