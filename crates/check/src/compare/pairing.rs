//! Matches the records of an old and a new collection.
//!
//! Records with a key are matched by it, duplicates in order. Those without are matched by equal content, in order; of
//! the rest, those after the same pair, then by position.
//!
//! Input: a few numbers per record, the old collection first. Output: which new records to compare, in the order of the
//! new collection, and which old ones were removed. Memory is about sixty bytes for each old record, and half of that
//! for each new one that is not unchanged.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;

use chancery_core::growth::step;

const NONE: u32 = u32::MAX;

/// How two records were matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// Their key.
    Key,
    /// Their content, which is equal.
    Content,
    /// Their position among the rest.
    Position,
}

impl MatchedBy {
    /// `key`, `content` or `position`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Content => "content",
            Self::Position => "position",
        }
    }
}

/// The number of records of each kind. Pairs are the unchanged and the changed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pairs without a difference.
    pub unchanged: u64,
    /// Pairs with a difference.
    pub changed: u64,
    /// New records without a partner.
    pub added: u64,
    /// Old records without a partner.
    pub removed: u64,
    /// Pairs by key.
    pub by_key: u64,
    /// Pairs by content.
    pub by_content: u64,
    /// Pairs by position.
    pub by_position: u64,
    /// Old records with a duplicate key.
    pub repeated_old: u64,
    /// New records with a duplicate key.
    pub repeated_new: u64,
}

impl Counts {
    /// Whether anything differs.
    #[must_use]
    pub const fn differ(&self) -> bool {
        self.changed + self.added + self.removed > 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    // The key, or the content of a record that has none.
    lookup: u128,
    content: u128,
    at: u64,
    keyed: bool,
}

impl Entry {
    fn order(&self) -> (bool, u128) {
        (self.keyed, self.lookup)
    }
}

/// The old collection.
#[derive(Debug, Default)]
pub struct OldRecords {
    entries: Vec<Entry>,
}

impl OldRecords {
    /// Adds the next record: its key and its content as numbers, and where it is spooled.
    pub fn push(&mut self, key: Option<u128>, content: u128, at: u64) {
        self.entries.push(Entry { lookup: key.unwrap_or(content), content, at, keyed: key.is_some() });
    }
}

/// A new record that is not unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedRecord {
    /// Where it is spooled.
    pub at: u64,
    /// Where its partner is spooled, and how it was matched; `None` for an added record.
    pub partner: Option<(u64, MatchedBy)>,
}

/// The records to compare.
#[derive(Debug, Default)]
pub struct Paired {
    /// New records that are changed or added, in their order.
    pub differing: Vec<ChangedRecord>,
    /// Where removed old records are spooled, in their order.
    pub removed: Vec<u64>,
    /// The counts.
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug)]
struct SpooledRecord {
    at: u64,
    // The partner's index.
    old: u32,
    // For a record without a key: the old record of the last pair before it.
    behind: u32,
    keyed: bool,
}

/// Matches new records.
#[derive(Debug, Default)]
pub struct Pairing {
    entries: Vec<Entry>,
    // Indices of entries, sorted by their lookup key.
    order: Vec<u32>,
    // At the first place of each group of `order`: how many of the group have a partner.
    used: Vec<u32>,
    taken: Vec<bool>,
    spooled: Vec<SpooledRecord>,
    // Keys of new records that no old one has.
    unmatched: HashSet<u128>,
    last: u32,
    counts: Counts,
}

impl Pairing {
    /// The old collection is complete.
    #[must_use]
    pub fn new(old: OldRecords) -> Self {
        let entries = old.entries;
        let mut order: Vec<u32> = (0..u32::try_from(entries.len()).unwrap_or(NONE)).collect();
        order.sort_unstable_by_key(|at| (entries[*at as usize].order(), *at));
        let repeated = order.windows(2).filter(|pair| {
            let (a, b) = (&entries[pair[0] as usize], &entries[pair[1] as usize]);
            a.keyed && a.order() == b.order()
        });
        let counts = Counts { repeated_old: repeated.count() as u64, ..Counts::default() };
        let (used, taken) = (vec![0; order.len()], vec![false; order.len()]);
        Self { entries, order, used, taken, spooled: Vec::new(), unmatched: HashSet::new(), last: NONE, counts }
    }

    /// Adds the next new record; `keep` spools it and returns its place, and is called only if it is not unchanged.
    ///
    /// # Errors
    /// Those of `keep`.
    pub fn take(&mut self, key: Option<u128>, content: u128, keep: impl FnOnce() -> io::Result<u64>) -> io::Result<()> {
        let old = self.partner((key.is_some(), key.unwrap_or(content)));
        if let Some(old) = old {
            let counted = if key.is_some() { &mut self.counts.by_key } else { &mut self.counts.by_content };
            *counted += 1;
            self.taken[old as usize] = true;
            if key.is_none() {
                self.last = old;
            }
            if self.entries[old as usize].content == content {
                self.counts.unchanged += 1;
                return Ok(());
            }
        }
        self.spooled.push(SpooledRecord { at: keep()?, old: old.unwrap_or(NONE), behind: self.last, keyed: key.is_some() });
        Ok(())
    }

    // The first old record of the group that has no partner.
    fn partner(&mut self, wanted: (bool, u128)) -> Option<u32> {
        let order = |at: &u32| {
            step();
            self.entries[*at as usize].order()
        };
        let first = self.order.partition_point(|at| order(at) < wanted);
        let known = self.order.get(first).is_some_and(|at| order(at) == wanted);
        let repeated = if known { self.used[first] > 0 } else { wanted.0 && !self.unmatched.insert(wanted.1) };
        self.counts.repeated_new += u64::from(repeated && wanted.0);
        if !known {
            return None;
        }
        let at = first + self.used[first] as usize;
        let found = *self.order.get(at).filter(|at| order(at) == wanted)?;
        self.used[first] += 1;
        Some(found)
    }

    /// The new collection is complete.
    #[must_use]
    pub fn finish(mut self) -> Paired {
        self.pair_the_rest();
        let mut counts = self.counts;
        let differing = self.spooled.iter().map(|kept| {
            let by = if kept.keyed { MatchedBy::Key } else { MatchedBy::Position };
            ChangedRecord { at: kept.at, partner: (kept.old != NONE).then(|| (self.entries[kept.old as usize].at, by)) }
        });
        let differing: Vec<ChangedRecord> = differing.collect();
        let gone = self.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        let removed: Vec<u64> = gone.map(|(entry, _)| entry.at).collect();
        counts.changed = differing.iter().filter(|record| record.partner.is_some()).count() as u64;
        counts.added = differing.len() as u64 - counts.changed;
        counts.removed = removed.len() as u64;
        Paired { differing, removed, counts }
    }

    // Records without a key and without an equal: those after the same pair, then by position.
    fn pair_the_rest(&mut self) {
        let mut behind: HashMap<u32, VecDeque<u32>> = HashMap::new();
        let mut last = NONE;
        for at in (0..self.entries.len()).filter(|at| !self.entries[*at].keyed) {
            if self.taken[at] {
                last = at as u32;
            } else {
                behind.entry(last).or_default().push_back(at as u32);
            }
        }
        for kept in self.spooled.iter_mut().filter(|kept| !kept.keyed) {
            step();
            if let Some(old) = behind.get_mut(&kept.behind).and_then(VecDeque::pop_front) {
                kept.old = old;
            }
        }
        let mut rest: Vec<u32> = behind.into_values().flatten().collect();
        rest.sort_unstable();
        let mut rest = rest.into_iter();
        for kept in self.spooled.iter_mut().filter(|kept| !kept.keyed) {
            if kept.old == NONE
                && let Some(old) = rest.next()
            {
                kept.old = old;
            }
            if kept.old != NONE {
                self.taken[kept.old as usize] = true;
                self.counts.by_position += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Records are a letter for the key (`.` for none) and a digit for the content.
    fn pair(old: &str, new: &str) -> (String, Counts) {
        let record = |text: &str| {
            let key = text.as_bytes()[0];
            ((key != b'.').then_some(u128::from(key)), u128::from(text.as_bytes()[1]))
        };
        let mut olds = OldRecords::default();
        for (at, text) in old.split_whitespace().enumerate() {
            let (key, content) = record(text);
            olds.push(key, content, at as u64);
        }
        let mut pairing = Pairing::new(olds);
        for (at, text) in new.split_whitespace().enumerate() {
            let (key, content) = record(text);
            pairing.take(key, content, || Ok(at as u64)).expect("nothing is kept on disk");
        }
        let paired = pairing.finish();
        let differing = paired.differing.iter().map(|record| match record.partner {
            Some((old, _)) => format!("{old}~{} ", record.at),
            None => format!("+{} ", record.at),
        });
        let text: String = differing.chain(paired.removed.iter().map(|at| format!("-{at} "))).collect();
        (text.trim_end().to_owned(), paired.counts)
    }

    // The key and the content of the record of a number.
    type Numbered = fn(u128) -> (Option<u128>, u128);

    #[test]
    fn work_grows_with_the_records() {
        chancery_core::growth::assert_linear(1_000, |size| {
            // One key for all, a key each, and none, where nothing is equal and everything is.
            let kinds: [Numbered; 4] = [|_| (Some(1), 2), |at| (Some(at), at % 2), |at| (None, at), |_| (None, 7)];
            for record in kinds {
                let mut olds = OldRecords::default();
                (0..size as u128).map(record).for_each(|(key, content)| olds.push(key, content, 0));
                let mut pairing = Pairing::new(olds);
                for (key, content) in (0..size as u128).rev().map(record) {
                    pairing.take(key, content + 1, || Ok(0)).expect("nothing is kept on disk");
                }
                let counts = pairing.finish().counts;
                assert_eq!((counts.unchanged + counts.changed, counts.added), (size as u64, 0));
            }
        });
    }

    #[test]
    fn by_key_in_any_order() {
        let (text, counts) = pair("a1 b1 c1 d1", "d1 e1 b2 a1");
        assert_eq!(text, "+1 1~2 -2");
        assert_eq!((counts.unchanged, counts.changed, counts.added, counts.removed, counts.by_key), (2, 1, 1, 1, 3));
    }

    #[test]
    fn shared_keys_in_order() {
        let (text, counts) = pair("a1 a2 a3", "a1 a9 b1 b2");
        assert_eq!(text, "1~1 +2 +3 -2");
        assert_eq!((counts.repeated_old, counts.repeated_new, counts.by_key), (2, 2, 2));
        let (text, counts) = pair("a1", "a1 a1");
        assert_eq!((text.as_str(), counts.repeated_new), ("+1", 1));
    }

    #[test]
    fn without_keys_by_content_then_by_position() {
        let (text, counts) = pair(".1 .2 .3", ".3 .1 .2");
        assert_eq!((text.as_str(), counts.by_content), ("", 3));
        // The record after an equal one is the same one; the inserted ones are new.
        let (text, counts) = pair(".1 .2 .3 .4", ".1 .9 .2 .3 .8");
        assert_eq!(text, "+1 3~4");
        assert_eq!((counts.by_content, counts.by_position, counts.added), (3, 1, 1));
        assert_eq!(pair(".1 .1", ".1").0, "-1");
        assert_eq!(pair(".1 .2", ".3 .4 .5").0, "0~0 1~1 +2");
    }

    #[test]
    fn records_with_and_without_keys_do_not_mix() {
        let (text, counts) = pair("a1 .1", ".1 a2");
        assert_eq!((text.as_str(), counts.by_key, counts.by_content), ("0~1", 1, 1));
    }
}
