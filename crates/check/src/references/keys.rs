//! The keys of all records, and where each was first seen.
//!
//! A hash leads to a key's entry, which contains the key and its location and is spooled. For most keys, only hash and
//! number are compared; a possible duplicate is compared with the entry of the earlier record, because a pipe cannot be
//! read again.

use std::io;

use super::spill_index::SpillIndex;
use chancery_core::source::Position;
use chancery_files::spool::{self, Decoder, Spool};

/// Where a key was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The file's index.
    pub file: usize,
    /// The place in it.
    pub at: Position,
    /// Whether the record is in scope.
    pub fresh: bool,
}

/// The keys.
#[derive(Debug, Default)]
pub struct Keys {
    index: SpillIndex,
    entries: Spool,
    entry: Vec<u8>,
}

impl Keys {
    /// Whether there is a key with that hash.
    ///
    /// # Errors
    /// When data on disk cannot be read.
    pub fn has(&mut self, hash: u128) -> io::Result<bool> {
        Ok(self.index.get(hash)?.is_some())
    }

    /// Adds a key, or returns where it was first seen.
    ///
    /// # Errors
    /// When data on disk cannot be read, or the disk is full.
    pub fn take(&mut self, mut hash: u128, key: &str, seen: Seen) -> io::Result<Option<Seen>> {
        while let Some(card) = self.index.get(hash)? {
            self.entries.get(card, &mut self.entry)?;
            let (other, first) = read(&self.entry).ok_or(io::ErrorKind::InvalidData)?;
            if other == key {
                return Ok(Some(first));
            }
            // Another key with the same hash: its place is the next free one.
            hash = hash.wrapping_add(1);
        }
        self.entry.clear();
        spool::text(key, &mut self.entry);
        spool::number(seen.file as u64, &mut self.entry);
        spool::position(seen.at, &mut self.entry);
        spool::number(u64::from(seen.fresh), &mut self.entry);
        self.index.insert(hash, self.entries.put(&self.entry)?)?;
        Ok(None)
    }
}

fn read(card: &[u8]) -> Option<(&str, Seen)> {
    let mut card = Decoder::new(card);
    let key = card.text()?;
    let file = usize::try_from(card.number()?).ok()?;
    Some((key, Seen { file, at: card.position()?, fresh: card.number()? == 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinguished_where_their_hashes_are_the_same() {
        let mut keys = Keys::default();
        let place = |number: u64| Seen {
            file: number as usize % 3,
            at: Position { byte: number << 33, line: number + 1, column: u32::MAX },
            fresh: number.is_multiple_of(2),
        };
        // Ten keys for each hash, and consecutive hashes.
        let hash = |number: u64| u128::from(number % 100).wrapping_sub(50);
        for number in 0..1000 {
            assert_eq!(keys.take(hash(number), &format!("k{number}"), place(number)).expect("writable"), None, "{number}");
        }
        for number in 0..1000 {
            assert!(keys.has(hash(number)).expect("readable"), "{number}");
            assert_eq!(keys.take(hash(number), &format!("k{number}"), place(0)).expect("readable"), Some(place(number)), "{number}");
        }
        assert!(!keys.has(1 << 70).expect("readable"));
    }
}
