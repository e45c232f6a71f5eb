//! Keys of all records, of which only the newest are held in memory: older ones lie on disk in sorted runs.
//!
//! In: keys as hashes, each with where it was seen. Out: where a key was seen first. A key on disk costs ten bits of memory
//! in a filter that says of almost every new key that no run has it, and now and then a key of an index; so a lookup reads
//! one piece of one run, and whether a key was there before is known at once and not only at the end. Runs of a size are
//! merged when there are a few, so that there are never many to ask.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::iter;

use crate::source::Position;

/// Where a key was seen first. Lines and columns are exact up to four thousand million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Offset in the file.
    pub byte: u64,
    /// The file's number.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Whether it is one to report on.
    pub fresh: bool,
}

impl Seen {
    /// In no file yet, at a place in it.
    #[must_use]
    pub fn at(place: Position) -> Self {
        let line = u32::try_from(place.line).unwrap_or(u32::MAX);
        Self { byte: place.byte, line, column: place.column, ..Self::default() }
    }
}

/// So many keys are held in memory, which fill a table of thirteen million bytes; older ones lie on disk.
const IN_MEMORY: usize = (1 << 18) / 8 * 7;

/// Bytes of a key on disk: hash, byte, file, line, column, fresh.
const ENTRY: usize = 16 + 8 + 4 + 4 + 4 + 1;
/// Every so many keys of a run are in its index.
const PIECE: usize = 128;
/// Bits of the filter for each key, and how many of them a key sets: about one in a hundred strangers passes.
const BITS: usize = 10;
const PROBES: u64 = 7;
/// So many runs of a size become one.
const FEW: usize = 8;

/// The keys.
#[derive(Debug)]
pub struct Keys {
    recent: HashMap<u128, Seen>,
    runs: Vec<Run>,
    limit: usize,
}

impl Default for Keys {
    fn default() -> Self {
        Self::new(IN_MEMORY)
    }
}

impl Keys {
    // None yet; at most `limit` are held in memory.
    fn new(limit: usize) -> Self {
        Self { recent: HashMap::new(), runs: Vec::new(), limit: limit.max(1) }
    }

    /// Where the key was seen, if it was.
    ///
    /// # Errors
    /// When what lies on disk cannot be read.
    pub fn get(&mut self, hash: u128) -> io::Result<Option<Seen>> {
        if let Some(seen) = self.recent.get(&hash) {
            return Ok(Some(*seen));
        }
        for run in self.runs.iter_mut().filter(|run| run.may_have(hash)) {
            if let Some(seen) = run.find(hash)? {
                return Ok(Some(seen));
            }
        }
        Ok(None)
    }

    /// Adds a key that is not there.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn insert(&mut self, hash: u128, seen: Seen) -> io::Result<()> {
        if self.recent.len() >= self.limit {
            let mut keys: Vec<(u128, Seen)> = self.recent.drain().collect();
            keys.sort_unstable_by_key(|(hash, _)| *hash);
            self.runs.push(Run::write(keys.len(), keys.into_iter().map(Ok))?);
            self.merge()?;
        }
        self.recent.insert(hash, seen);
        Ok(())
    }

    // Larger runs stand before smaller ones.
    fn merge(&mut self) -> io::Result<()> {
        while let Some(from) = self.runs.len().checked_sub(FEW)
            && self.runs[from].count == self.runs[self.runs.len() - 1].count
        {
            let runs = self.runs.split_off(from);
            let count = runs.iter().map(|run| run.count).sum();
            let mut runs = runs.into_iter().map(Run::read).collect::<io::Result<Vec<_>>>()?;
            let mut next = runs.iter_mut().map(Iterator::next).map(Option::transpose).collect::<io::Result<Vec<_>>>()?;
            let merged = iter::from_fn(|| {
                let first = (0..next.len()).filter(|at| next[*at].is_some()).min_by_key(|at| next[*at].map(|(hash, _)| hash))?;
                match runs[first].next().transpose() {
                    Ok(behind) => std::mem::replace(&mut next[first], behind).map(Ok),
                    Err(error) => Some(Err(error)),
                }
            });
            self.runs.push(Run::write(count, merged)?);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Run {
    file: File,
    count: usize,
    index: Vec<u128>,
    filter: Vec<u64>,
}

impl Run {
    // Of `count` keys, sorted.
    fn write(count: usize, keys: impl Iterator<Item = io::Result<(u128, Seen)>>) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 16, tempfile::tempfile()?);
        let mut filter = vec![0; (count * BITS).div_ceil(64).max(1)];
        let mut index = Vec::with_capacity(count.div_ceil(PIECE));
        for (number, key) in keys.enumerate() {
            let (hash, seen) = key?;
            if number.is_multiple_of(PIECE) {
                index.push(hash);
            }
            for bit in bits(hash, filter.len()) {
                filter[bit / 64] |= 1 << (bit % 64);
            }
            file.write_all(&hash.to_le_bytes())?;
            file.write_all(&seen.byte.to_le_bytes())?;
            for number in [seen.file, seen.line, seen.column] {
                file.write_all(&number.to_le_bytes())?;
            }
            file.write_all(&[u8::from(seen.fresh)])?;
        }
        Ok(Self { file: file.into_inner()?, count, index, filter })
    }

    // All keys, in order.
    fn read(mut self) -> io::Result<impl Iterator<Item = io::Result<(u128, Seen)>>> {
        self.file.rewind()?;
        let mut file = BufReader::with_capacity(1 << 16, self.file);
        let mut entry = [0; ENTRY];
        let next = move || file.read_exact(&mut entry).map(|()| (hash(&entry), seen(&entry)));
        Ok(iter::repeat_with(next).take(self.count))
    }

    fn may_have(&self, hash: u128) -> bool {
        bits(hash, self.filter.len()).all(|bit| self.filter[bit / 64] & (1 << (bit % 64)) != 0)
    }

    fn find(&mut self, hash: u128) -> io::Result<Option<Seen>> {
        let Some(piece) = self.index.partition_point(|first| *first <= hash).checked_sub(1) else { return Ok(None) };
        let count = (self.count - piece * PIECE).min(PIECE);
        let mut text = vec![0; count * ENTRY];
        self.file.seek(SeekFrom::Start((piece * PIECE * ENTRY) as u64))?;
        self.file.read_exact(&mut text)?;
        Ok(text.chunks_exact(ENTRY).find(|entry| entry[..16] == hash.to_le_bytes()).map(seen))
    }
}

fn hash(entry: &[u8]) -> u128 {
    entry[..16].iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn seen(entry: &[u8]) -> Seen {
    let number = |at: usize| entry[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let byte = u64::from(number(20)) << 32 | u64::from(number(16));
    Seen { byte, file: number(24), line: number(28), column: number(32), fresh: entry[36] == 1 }
}

// The filter's bits for a key, whose halves are as good as two hashes.
fn bits(hash: u128, words: usize) -> impl Iterator<Item = usize> {
    let (first, second) = (hash as u64, (hash >> 64) as u64 | 1);
    (0..PROBES).map(move |probe| (first.wrapping_add(probe.wrapping_mul(second)) % (words as u64 * 64)) as usize)
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;

    #[test]
    fn what_lies_on_disk_is_found_as_what_does_not() {
        let mut keys = Keys::new(100);
        let half = |number: (u64, u8)| u128::from(BuildHasherDefault::<DefaultHasher>::default().hash_one(number));
        let hash = |number: u64| half((number, 0)) << 64 | half((number, 1));
        let place =
            |number: u64| Seen { byte: number << 33, file: number as u32, line: 7, column: u32::MAX, fresh: number.is_multiple_of(3) };
        for number in 0..1050 {
            assert_eq!(keys.get(hash(number)).expect("readable"), None, "{number}");
            keys.insert(hash(number), place(number)).expect("writable");
        }
        // Eight runs have become one.
        assert_eq!((keys.runs.len(), keys.recent.len()), (3, 50));
        for number in 0..1050 {
            assert_eq!(keys.get(hash(number)).expect("readable"), Some(place(number)), "{number}");
        }
        let strangers = (2000..12_000).filter(|number| keys.runs.iter().any(|run| run.may_have(hash(*number)))).count();
        assert!(strangers < 600, "three filters let {strangers} of 10000 pass");
    }
}
