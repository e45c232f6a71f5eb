//! Members that can be the key of a collection, and members that refer to keys.

use super::distinct::Distinct;
use super::names;
use super::settle::{data_order, settled};
use super::statistics::{Members, Statistics, Value};
use chancery_core::tree::pointer;

/// The number of values of a sample of a reference that must be keys, in percent, for it to be mentioned.
const WORTH_MENTIONING: usize = 90;

/// A member that has another value in each record.
pub(super) struct Key {
    pub(super) pointer: String,
    pub(super) name: String,
    pub(super) is_integer: bool,
    rank: u32,
    hashes: Vec<u64>,
}

/// The best key of a collection, if there is one, and members that there are too many of to decide.
pub(super) fn of(statistics: &mut Statistics) -> (Option<Key>, Vec<String>) {
    let records = statistics.records;
    let mut search = Search { records, best: None, undecided: Vec::new() };
    if records > 1
        && let Some(objects) = statistics.root.members.as_deref().filter(|_| statistics.root.objects == records)
    {
        search.members(objects.joined(0), "", None);
    }
    (search.best, search.undecided)
}

struct Search {
    records: u64,
    best: Option<Key>,
    undecided: Vec<String>,
}

impl Search {
    fn members(&mut self, members: Members, path: &str, parent: Option<&str>) {
        let mut named = members.named;
        // In the order of the data, so that the first of equals is the first there.
        named.sort_by(data_order);
        let records = self.records;
        for mut member in named.into_iter().filter(|member| member.count == records) {
            let mut at = path.to_owned();
            pointer::push(&mut at, &member.name);
            let (nulls, objects) = (member.value.nulls, member.value.objects);
            if objects == records {
                if let Some(inner) = member.value.members.take() {
                    self.members(inner.joined(1), &at, Some(&member.name));
                }
            } else if nulls == 0 {
                self.scalar(member.value, at, &member.name, parent);
            }
        }
    }

    fn scalar(&mut self, mut value: Value, pointer: String, name: &str, parent: Option<&str>) {
        if let Some(unique) = &mut value.unique {
            unique.settle();
        }
        let value = settled(&value, name);
        let Some(unique) = &value.unique else { return };
        let is_integer = value.integers == self.records;
        if !is_integer && value.strings != self.records {
            return;
        }
        let has_pattern = value
            .texts
            .as_ref()
            .is_some_and(|texts| texts.count >= 20 && (texts.forms.of_places().is_some() || texts.forms.of_runs().is_some()));
        let rank = names::key_rank(name, parent).max(if has_pattern { 40 } else { 0 });
        if rank == 0 || is_integer && rank < 60 {
            return;
        }
        if unique.is_unknown() {
            self.undecided.push(pointer);
        } else if let Some(hashes) = unique.keys()
            && hashes.len() as u64 == self.records
            && self.best.as_ref().is_none_or(|best| best.rank < rank)
        {
            self.best = Some(Key { pointer, name: name.to_owned(), is_integer, rank, hashes: hashes.to_vec() });
        }
    }
}

/// How many values of a member are keys of a collection.
pub(super) struct Share {
    pub(super) found: usize,
    pub(super) of: usize,
    /// Whether all distinct values were compared, not a sample of them.
    pub(super) is_exact: bool,
}

impl Share {
    pub(super) fn is_whole(&self) -> bool {
        self.found == self.of
    }
}

/// Compares values with a key; `None` if too few are keys for that to mean something.
pub(super) fn share(distinct: &Distinct, key: &Key) -> Option<Share> {
    let sample = distinct.sample();
    let hashes = sample.hashes();
    let of = hashes.len();
    let found = hashes.filter(|hash| key.hashes.binary_search(hash).is_ok()).count();
    let share = Share { found, of, is_exact: distinct.number().1 };
    (of >= 2 && 100 * found >= WORTH_MENTIONING * of).then_some(share)
}
