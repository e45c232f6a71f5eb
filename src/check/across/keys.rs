//! The keys of all records, and where each was seen first.
//!
//! A hash leads to a key's card, which holds the key itself and its place and lies in a spool. So of most keys only hash and
//! number are looked at, and one that seems to be there twice is compared with what the earlier record said, wherever that
//! came from: a pipe cannot be read again.

use std::io;

use super::index::Index;
use crate::source::Position;
use crate::spool::{self, Decoder, Spool};

/// Where a key was seen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The file's number.
    pub file: usize,
    /// The place in it.
    pub at: Position,
    /// Whether the record is one to report on.
    pub fresh: bool,
}

/// The keys.
#[derive(Debug, Default)]
pub struct Keys {
    index: Index,
    cards: Spool,
    card: Vec<u8>,
}

impl Keys {
    /// Whether there is a key with that hash.
    ///
    /// # Errors
    /// When what lies on disk cannot be read.
    pub fn has(&mut self, hash: u128) -> io::Result<bool> {
        Ok(self.index.get(hash)?.is_some())
    }

    /// Adds a key, unless it is there: then where it was seen first.
    ///
    /// # Errors
    /// When what lies on disk cannot be read, or the disk takes no more.
    pub fn take(&mut self, mut hash: u128, key: &str, seen: Seen) -> io::Result<Option<Seen>> {
        while let Some(card) = self.index.get(hash)? {
            self.cards.get(card, &mut self.card)?;
            let (other, first) = read(&self.card).ok_or(io::ErrorKind::InvalidData)?;
            if other == key {
                return Ok(Some(first));
            }
            // Another key with the same hash: this one's place is the next that is free.
            hash = hash.wrapping_add(1);
        }
        self.card.clear();
        spool::text(key, &mut self.card);
        spool::number(seen.file as u64, &mut self.card);
        spool::position(seen.at, &mut self.card);
        spool::number(u64::from(seen.fresh), &mut self.card);
        self.index.insert(hash, self.cards.put(&self.card)?)?;
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
    fn keys_are_told_apart_where_their_hashes_are_the_same() {
        let mut keys = Keys::default();
        let place = |number: u64| Seen {
            file: number as usize % 3,
            at: Position { byte: number << 33, line: number + 1, column: u32::MAX },
            fresh: number.is_multiple_of(2),
        };
        // Ten keys for each hash, and hashes that follow each other.
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
