//! A map from hashes to numbers, of which only the newest are in memory: older ones are in sorted runs on disk.
//!
//! A hash on disk costs ten bits of memory in a filter, which excludes almost every new one, and a few fence keys that
//! locate the block of a run that contains it. A lookup therefore reads one block of one run, and duplicates are known
//! immediately. Runs of similar size are merged, so that there are never many.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::iter;

use chancery_files::spool::{in_temporary_folder, temporary_file};

/// Maximum number in memory, which fills a table of 6.5 million bytes; older ones are on disk.
const IN_MEMORY: usize = (1 << 18) / 8 * 7;

/// Bytes of a hash and its number on disk.
const ENTRY: usize = 16 + 8;
/// The first hash of each block is in memory.
const BLOCK: usize = 128;
/// Bits of the filter for each hash, and how many of them a hash sets: the false positive rate is about one percent.
const BITS: usize = 10;
const PROBES: u64 = 7;
/// Number of runs of similar size that are merged.
const MERGE_FANOUT: usize = 8;

// A hash in halves, the higher one first: the alignment of u128 would make an entry a third larger.
type HashHalves = (u64, u64);

/// The numbers.
#[derive(Debug)]
pub struct SpillIndex {
    recent: HashMap<HashHalves, u64>,
    runs: Vec<SortedRun>,
    limit: usize,
}

impl Default for SpillIndex {
    fn default() -> Self {
        Self::new(IN_MEMORY)
    }
}

impl SpillIndex {
    // An empty index with at most `limit` entries in memory.
    fn new(limit: usize) -> Self {
        Self { recent: HashMap::new(), runs: Vec::new(), limit: limit.max(1) }
    }

    /// The number of a hash, if it has one.
    ///
    /// # Errors
    /// When data on disk cannot be read.
    pub fn get(&mut self, hash: u128) -> io::Result<Option<u64>> {
        if let Some(number) = self.recent.get(&halves(hash)) {
            return Ok(Some(*number));
        }
        for run in self.runs.iter_mut().filter(|run| run.may_have(hash)) {
            if let Some(number) = run.find(hash)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Assigns a number to a new hash.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn insert(&mut self, hash: u128, number: u64) -> io::Result<()> {
        if self.recent.len() >= self.limit {
            let mut entries: Vec<(HashHalves, u64)> = self.recent.drain().collect();
            entries.sort_unstable_by_key(|(hash, _)| *hash);
            let count = entries.len();
            self.runs.push(SortedRun::write(count, entries.into_iter().map(|(hash, number)| Ok((whole(hash), number))))?);
            self.merge()?;
        }
        self.recent.insert(halves(hash), number);
        Ok(())
    }

    // Larger runs come before smaller ones.
    fn merge(&mut self) -> io::Result<()> {
        while let Some(from) = self.runs.len().checked_sub(MERGE_FANOUT)
            && self.runs[from].count == self.runs[self.runs.len() - 1].count
        {
            let runs = self.runs.split_off(from);
            let count = runs.iter().map(|run| run.count).sum();
            let mut runs = runs.into_iter().map(SortedRun::read).collect::<io::Result<Vec<_>>>()?;
            let mut next = runs.iter_mut().map(Iterator::next).map(Option::transpose).collect::<io::Result<Vec<_>>>()?;
            let merged = iter::from_fn(|| {
                let first = (0..next.len()).filter(|at| next[*at].is_some()).min_by_key(|at| next[*at].map(|(hash, _)| hash))?;
                match runs[first].next().transpose() {
                    Ok(behind) => std::mem::replace(&mut next[first], behind).map(Ok),
                    Err(error) => Some(Err(error)),
                }
            });
            self.runs.push(SortedRun::write(count, merged)?);
        }
        Ok(())
    }
}

/// Numbers by hash, of which a hash may have several; only the newest are in memory.
#[derive(Debug)]
pub struct SpillMultimap {
    recent: Vec<(HashHalves, u64)>,
    is_sorted: bool,
    // Of any size: sorted runs are not merged, as each has a filter.
    runs: Vec<SortedRun>,
    limit: usize,
}

impl Default for SpillMultimap {
    fn default() -> Self {
        Self::new(IN_MEMORY)
    }
}

impl SpillMultimap {
    // An empty map with at most `limit` entries in memory.
    pub(crate) fn new(limit: usize) -> Self {
        Self { recent: Vec::new(), is_sorted: true, runs: Vec::new(), limit: limit.max(1) }
    }

    /// Adds a number of a hash.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, hash: u128, number: u64) -> io::Result<()> {
        if self.recent.len() >= self.limit {
            self.sort();
            let entries = self.recent.drain(..).map(|(hash, number)| Ok((whole(hash), number)));
            self.runs.push(SortedRun::write(entries.len(), entries)?);
        }
        self.recent.push((halves(hash), number));
        self.is_sorted = false;
        Ok(())
    }

    fn sort(&mut self) {
        if !std::mem::replace(&mut self.is_sorted, true) {
            self.recent.sort_unstable();
        }
    }

    /// Passes on each number of a hash.
    ///
    /// # Errors
    /// Those of `take`, and when data on disk cannot be read.
    pub fn each(&mut self, hash: u128, take: &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        for run in self.runs.iter_mut().filter(|run| run.may_have(hash)) {
            run.each(hash, take)?;
        }
        self.sort();
        let from = self.recent.partition_point(|(other, _)| *other < halves(hash));
        self.recent[from..].iter().take_while(|(other, _)| *other == halves(hash)).try_for_each(|(_, number)| take(*number))
    }
}

#[derive(Debug)]
struct SortedRun {
    file: File,
    count: usize,
    fence_keys: Vec<u128>,
    filter: Vec<u64>,
}

impl SortedRun {
    // With `count` sorted hashes.
    fn write(count: usize, entries: impl Iterator<Item = io::Result<(u128, u64)>>) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 16, temporary_file()?);
        let mut filter = vec![0; (count * BITS).div_ceil(64).max(1)];
        let mut firsts = Vec::with_capacity(count.div_ceil(BLOCK));
        for (place, entry) in entries.enumerate() {
            let (hash, number) = entry?;
            if place.is_multiple_of(BLOCK) {
                firsts.push(hash);
            }
            for bit in bits(hash, filter.len()) {
                filter[bit / 64] |= 1 << (bit % 64);
            }
            file.write_all(&hash.to_le_bytes()).map_err(in_temporary_folder)?;
            file.write_all(&number.to_le_bytes()).map_err(in_temporary_folder)?;
        }
        Ok(Self { file: file.into_inner().map_err(|error| in_temporary_folder(error.into()))?, count, fence_keys: firsts, filter })
    }

    // All of them, in order.
    fn read(mut self) -> io::Result<impl Iterator<Item = io::Result<(u128, u64)>>> {
        self.file.rewind()?;
        let mut file = BufReader::with_capacity(1 << 16, self.file);
        let mut entry = [0; ENTRY];
        let next = move || file.read_exact(&mut entry).map(|()| parse(&entry));
        Ok(iter::repeat_with(next).take(self.count))
    }

    fn may_have(&self, hash: u128) -> bool {
        bits(hash, self.filter.len()).all(|bit| self.filter[bit / 64] & (1 << (bit % 64)) != 0)
    }

    fn find(&mut self, hash: u128) -> io::Result<Option<u64>> {
        let Some(piece) = self.fence_keys.partition_point(|first| *first <= hash).checked_sub(1) else { return Ok(None) };
        let text = self.block(piece)?;
        Ok(text.chunks_exact(ENTRY).find(|entry| entry[..16] == hash.to_le_bytes()).map(|entry| parse(entry).1))
    }

    // Passes on each number of a hash, which may be in several blocks.
    fn each(&mut self, hash: u128, take: &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        let first = self.fence_keys.partition_point(|first| *first < hash).saturating_sub(1);
        let behind = self.fence_keys.partition_point(|first| *first <= hash);
        for piece in first..behind {
            let text = self.block(piece)?;
            let of_hash = text.chunks_exact(ENTRY).filter(|entry| entry[..16] == hash.to_le_bytes());
            of_hash.map(|entry| parse(entry).1).try_for_each(&mut *take)?;
        }
        Ok(())
    }

    fn block(&mut self, number: usize) -> io::Result<Vec<u8>> {
        let count = (self.count - number * BLOCK).min(BLOCK);
        let mut text = vec![0; count * ENTRY];
        self.file.seek(SeekFrom::Start((number * BLOCK * ENTRY) as u64))?;
        self.file.read_exact(&mut text)?;
        Ok(text)
    }
}

fn parse(entry: &[u8]) -> (u128, u64) {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte));
    (number(&entry[..16]), number(&entry[16..]) as u64)
}

fn halves(hash: u128) -> HashHalves {
    ((hash >> 64) as u64, hash as u64)
}

fn whole((high, low): HashHalves) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

// The filter bits of a hash, whose halves serve as two hashes.
fn bits(hash: u128, words: usize) -> impl Iterator<Item = usize> {
    let (second, first) = halves(hash);
    (0..PROBES).map(move |probe| (first.wrapping_add(probe.wrapping_mul(second | 1)) % (words as u64 * 64)) as usize)
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;

    #[test]
    fn every_number_of_a_hash_is_found_wherever_it_is() {
        let mut map = SpillMultimap::new(300);
        // Hash 3 fills several blocks of each run.
        let hash = |number: u64| if number.is_multiple_of(2) { 3 } else { u128::from(number % 50) << 70 };
        for number in 0..1_000 {
            map.add(hash(number), number).expect("writable");
        }
        assert_eq!((map.runs.len(), map.recent.len()), (3, 100));
        for of in [3, 7 << 70, 8 << 70] {
            let mut found = Vec::new();
            let mut keep = |number| {
                found.push(number);
                Ok(())
            };
            map.each(of, &mut keep).expect("readable");
            found.sort_unstable();
            assert_eq!(found, (0..1_000).filter(|number| hash(*number) == of).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_lies_on_disk_is_found_as_what_does_not() {
        let mut index = SpillIndex::new(100);
        let half = |number: (u64, u8)| BuildHasherDefault::<DefaultHasher>::default().hash_one(number);
        let hash = |number: u64| whole((half((number, 0)), half((number, 1))));
        for number in 0..1050 {
            assert_eq!(index.get(hash(number)).expect("readable"), None, "{number}");
            index.insert(hash(number), number << 33).expect("writable");
        }
        // Eight runs have become one.
        assert_eq!((index.runs.len(), index.recent.len()), (3, 50));
        for number in 0..1050 {
            assert_eq!(index.get(hash(number)).expect("readable"), Some(number << 33), "{number}");
        }
        let strangers = (2000..12_000).filter(|number| index.runs.iter().any(|run| run.may_have(hash(*number)))).count();
        assert!(strangers < 600, "three filters let {strangers} of 10000 pass");
    }
}
