//! Records as columns: to Parquet files and Arrow streams, and back.
//!
//! Both take records as rows, like databases ([`crate::relational`]). [`batch_builder`] builds batches of
//! columns; [`parquet`] writes a set of files that replaces the previous one atomically; [`stream`] feeds another
//! program; [`reader`] reads the records back.

pub mod arrow_layout;
pub mod checksum;
pub mod parquet;
pub mod reader;
pub mod batch_builder;
pub mod stream;

use std::error::Error;
use std::io;

use crate::relational::shred::EncodedRow;

// The error of a format's crate, with the system error inside it.
fn failed(error: impl Error + Send + Sync + 'static) -> io::Error {
    let mut cause: &(dyn Error + 'static) = &error;
    loop {
        if let Some(inner) = cause.downcast_ref::<io::Error>() {
            return io::Error::new(inner.kind(), inner.to_string());
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => return io::Error::other(error),
        }
    }
}

// Columns count the bytes of a batch with 32 bits.
const LARGEST: usize = 1 << 30;

fn decoded(bytes: &[u8]) -> io::Result<EncodedRow<'_>> {
    if bytes.len() > LARGEST {
        return Err(io::Error::other("a record has more than 1 GiB of values"));
    }
    EncodedRow::new(bytes).ok_or_else(|| io::Error::other("a record is encoded incorrectly"))
}
