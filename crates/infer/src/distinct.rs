//! Sets of values in bounded memory, which can be joined in any order.
//!
//! | set | holds | limit |
//! | --- | --- | --- |
//! | [`Distinct`] | short values, each with its number | 64 values of 64 bytes; beyond that a [`Sample`] |
//! | [`Sample`] | the smallest hashes: a fair sample of the distinct values, which also estimates how many there are | 512 |
//! | [`Unique`] | a hash of each value, as long as no value repeats | 4,194,304; beyond that nothing is known |

use std::collections::{BTreeMap, BTreeSet};

/// A hash that is the same on every machine and in every run.
pub(super) fn hash(text: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        (product as u64) ^ (product >> 64) as u64
    };
    let mut hash = mix(FACTOR, text.len() as u64);
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        hash = mix(hash.rotate_left(23), u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = mix(hash.rotate_left(23), u64::from_le_bytes(last));
    }
    mix(hash.rotate_left(31), FACTOR)
}

/// The distinct values: all of them with their numbers while there are few short ones, else a sample.
#[derive(Clone, Debug)]
pub(super) enum Distinct {
    Few(BTreeMap<Box<str>, u64>),
    Many(Sample),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(BTreeMap::new())
    }
}

impl Distinct {
    const MOST: usize = 64;
    const LONGEST: usize = 64;

    pub(super) fn add(&mut self, text: &str, count: u64) {
        match self {
            Self::Few(counts) => {
                if let Some(known) = counts.get_mut(text) {
                    *known += count;
                } else if counts.len() == Self::MOST || text.len() > Self::LONGEST {
                    let mut sample = self.sample();
                    sample.add(hash(text.as_bytes()));
                    *self = Self::Many(sample);
                } else {
                    counts.insert(text.into(), count);
                }
            }
            Self::Many(sample) => sample.add(hash(text.as_bytes())),
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        match other {
            Self::Few(others) => others.iter().for_each(|(text, count)| self.add(text, *count)),
            Self::Many(others) => {
                let mut sample = self.sample();
                sample.join(others);
                *self = Self::Many(sample);
            }
        }
    }

    /// The hashes of the values, or of a sample of them.
    pub(super) fn sample(&self) -> Sample {
        match self {
            Self::Few(counts) => {
                let mut sample = Sample::default();
                counts.keys().for_each(|text| sample.add(hash(text.as_bytes())));
                sample
            }
            Self::Many(sample) => sample.clone(),
        }
    }

    /// How many values there are, and whether that is exact.
    pub(super) fn number(&self) -> (u64, bool) {
        match self {
            Self::Few(counts) => (counts.len() as u64, true),
            Self::Many(sample) => sample.distinct(),
        }
    }
}

/// The smallest hashes of the values.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(BTreeSet<u64>);

impl Sample {
    const MOST: usize = 512;

    pub(super) fn add(&mut self, hash: u64) {
        if self.0.len() < Self::MOST {
            self.0.insert(hash);
        } else if self.0.last().is_some_and(|last| hash < *last) && self.0.insert(hash) {
            self.0.pop_last();
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|hash| self.add(*hash));
    }

    pub(super) fn hashes(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    /// How many distinct values there are, and whether that is exact.
    pub(super) fn distinct(&self) -> (u64, bool) {
        match self.0.last() {
            Some(last) if self.0.len() == Self::MOST => {
                let share = *last as f64 / u64::MAX as f64;
                (((Self::MOST - 1) as f64 / share) as u64, false)
            }
            _ => (self.0.len() as u64, true),
        }
    }
}

/// The hashes of all values, until one repeats.
#[derive(Clone, Debug)]
pub(super) struct Unique {
    sorted: Vec<u64>,
    // Not yet compared with the others.
    recent: Vec<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Unique,
    // There are too many to know.
    Unknown,
    Repeated,
}

impl Default for Unique {
    fn default() -> Self {
        Self { sorted: Vec::new(), recent: Vec::new(), state: State::Unique }
    }
}

impl Unique {
    const MOST: usize = 1 << 22;
    const RECENT: usize = 1024;

    pub(super) fn add(&mut self, hash: u64) {
        if self.state == State::Unique {
            self.recent.push(hash);
            if self.recent.len() >= Self::RECENT.max(self.sorted.len() / 2) {
                self.settle();
            }
        }
    }

    /// Says that values are not identifiers, so nothing needs to be kept.
    pub(super) fn give_up(&mut self) {
        self.end(State::Repeated);
    }

    fn end(&mut self, state: State) {
        self.state = self.state.max(state);
        self.sorted = Vec::new();
        self.recent = Vec::new();
    }

    pub(super) fn settle(&mut self) {
        if self.state != State::Unique || self.recent.is_empty() {
            return;
        }
        self.recent.sort_unstable();
        let mut all = Vec::with_capacity(self.sorted.len() + self.recent.len());
        let (mut left, mut right) = (self.sorted.iter().peekable(), self.recent.iter().peekable());
        while let Some(next) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a <= b => left.next(),
            (Some(_), None) => left.next(),
            _ => right.next(),
        } {
            if all.last() == Some(next) {
                return self.end(State::Repeated);
            }
            all.push(*next);
        }
        self.sorted = all;
        self.recent.clear();
        if self.sorted.len() > Self::MOST {
            self.end(State::Unknown);
        }
    }

    pub(super) fn join(&mut self, mut other: Self) {
        other.settle();
        self.settle();
        if other.state != State::Unique {
            self.end(other.state);
        } else if self.state == State::Unique {
            self.recent = other.sorted;
            self.settle();
        }
    }

    /// The sorted hashes, if no value repeats; call [`Unique::settle`] before.
    pub(super) fn keys(&self) -> Option<&[u64]> {
        debug_assert!(self.recent.is_empty());
        (self.state == State::Unique && !self.sorted.is_empty()).then_some(&*self.sorted)
    }

    /// Whether there were too many values to decide.
    pub(super) fn is_unknown(&self) -> bool {
        self.state == State::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_estimates_and_joins_in_any_order() {
        let of = |range: std::ops::Range<u32>| {
            let mut sample = Sample::default();
            range.for_each(|number| sample.add(hash(number.to_string().as_bytes())));
            sample
        };
        assert_eq!(of(0..500).distinct(), (500, true));
        let (estimate, exact) = of(0..20_000).distinct();
        assert!(!exact && (17_000..23_000).contains(&estimate), "{estimate}");
        let mut joined = of(9_000..20_000);
        joined.join(&of(0..12_000));
        assert_eq!(joined.0, of(0..20_000).0);
    }

    #[test]
    fn a_repetition_is_found_wherever_it_is() {
        let of = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut unique = Unique::default();
            numbers.for_each(|number| unique.add(hash(&number.to_le_bytes())));
            unique.settle();
            unique
        };
        assert_eq!(of(&mut (0..5_000)).keys().map(<[u64]>::len), Some(5_000));
        assert!(of(&mut (0..5_000).chain([17])).keys().is_none());
        let mut joined = of(&mut (0..3_000));
        joined.join(of(&mut (3_000..6_000)));
        assert_eq!(joined.keys().map(<[u64]>::len), Some(6_000));
        joined.join(of(&mut (5_999..6_001)));
        assert!(joined.keys().is_none());
    }
}
