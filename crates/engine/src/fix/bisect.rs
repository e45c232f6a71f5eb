//! Finds the fixes at fault: where a round fails the re-check, only the fixes that cause this are rejected.
//!
//! Input: the fixes of a round that were refuted, by record. Output: which fixes the next trial may make. The fixes of a record
//! that failed are split into groups, which are tried one after the other: a group that passes is kept, one that fails is
//! split again, and a single fix that fails is rejected. So no fix is rejected that did not fail by itself, or together with
//! others that each caused a fault of their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::snapshot::{Candidate, FixId, Snapshot};
use super::verify::Refuted;

/// Which fixes were rejected, and which have to wait.
#[derive(Debug, Default)]
pub(super) struct Bisection {
    rejected: BTreeSet<FixId>,
    // By record; without one for fixes that are in many records at once, such as in the header of a table. The first group is
    // the one that is tried.
    groups: BTreeMap<Option<usize>, VecDeque<BTreeSet<FixId>>>,
}

impl Bisection {
    /// Whether a fix may be tried now.
    pub fn allows(&self, record: usize, candidate: &Candidate) -> bool {
        if self.rejected.is_empty() && self.groups.is_empty() {
            return true;
        }
        let id = candidate.id();
        let has_to_wait = || self.groups.get(&None).is_some_and(|groups| groups.iter().skip(1).any(|group| group.contains(&id)));
        let own = || self.groups.get(&Some(record)).and_then(VecDeque::front);
        !self.rejected.contains(&id) && !has_to_wait() && (candidate.shared || own().is_none_or(|first| first.contains(&id)))
    }

    /// Whether a fix was rejected.
    pub fn rejects(&self, candidate: &Candidate) -> bool {
        self.rejected.contains(&candidate.id())
    }

    /// Goes on to the next groups; returns whether there were any.
    pub fn advance(&mut self) -> bool {
        let had_any = !self.groups.is_empty();
        self.groups.retain(|_, groups| {
            groups.pop_front();
            !groups.is_empty()
        });
        had_any
    }

    /// Takes what a trial refuted. `chosen` holds the numbers of the candidates that were tried, by record.
    pub fn narrow(&mut self, look: &Snapshot, chosen: &BTreeMap<usize, Vec<usize>>, refuted: &[Refuted]) {
        let candidate = |record: usize, number: usize| look.records.get(record).and_then(|record| record.candidates.get(number));
        let ids = |record: usize, numbers: &mut dyn Iterator<Item = usize>, shared: bool| -> BTreeSet<FixId> {
            let candidates = numbers.filter_map(|number| candidate(record, number));
            candidates.filter(|candidate| candidate.shared == shared).map(Candidate::id).collect()
        };
        // What is in many records fails once, whichever records show it.
        let mut common: Option<(BTreeSet<FixId>, BTreeSet<FixId>)> = None;
        for Refuted { record, accused, suspects } in refuted {
            let Some(record) = *record else {
                common.get_or_insert_default();
                continue;
            };
            let tried = chosen.get(&record).map_or(&[][..], Vec::as_slice);
            let own = ids(record, &mut tried.iter().copied(), false);
            let shared_accused = ids(record, &mut accused.iter().copied(), true);
            if own.is_empty() || !shared_accused.is_empty() {
                let (all_accused, all_suspects) = common.get_or_insert_default();
                all_accused.extend(shared_accused);
                all_suspects.extend(ids(record, &mut suspects.iter().copied(), true));
                continue;
            }
            let own_accused = ids(record, &mut accused.iter().copied(), false);
            let shares = tried.iter().any(|number| candidate(record, *number).is_some_and(|candidate| candidate.shared));
            if own_accused.is_empty() && shares {
                // Either may be at fault, so the record's own fixes wait until those in many records are settled.
                self.split(Some(record), BTreeSet::new(), own);
            } else {
                let own_suspects = ids(record, &mut suspects.iter().copied(), false);
                self.fail(Some(record), own, &own_accused, &own_suspects);
            }
        }
        if let Some((accused, suspects)) = common {
            let of = |shared: Option<bool>| -> BTreeSet<FixId> {
                let all = chosen.iter().flat_map(|(record, numbers)| numbers.iter().filter_map(|number| candidate(*record, *number)));
                all.filter(|candidate| shared.is_none_or(|shared| candidate.shared == shared)).map(Candidate::id).collect()
            };
            let shared = of(Some(true));
            let tried = if shared.is_empty() { of(None) } else { shared };
            self.fail(None, tried, &accused, &suspects);
        }
    }

    // Takes that the fixes tried together failed: each of those accused caused a fault of its own, and each of the suspects may
    // have caused one.
    fn fail(&mut self, key: Option<usize>, tried: BTreeSet<FixId>, accused: &BTreeSet<FixId>, suspects: &BTreeSet<FixId>) {
        let of_tried = |ids: &BTreeSet<FixId>| -> BTreeSet<FixId> { ids.intersection(&tried).cloned().collect() };
        let (accused, suspects) = (of_tried(accused), of_tried(suspects));
        if tried.len() <= 1 || accused == tried {
            if let Some(groups) = self.groups.get_mut(&key) {
                groups.pop_front();
            }
            self.groups.retain(|_, groups| !groups.is_empty());
            self.rejected.extend(tried);
            return;
        }
        let apart: BTreeSet<FixId> = if !accused.is_empty() {
            accused
        } else if !suspects.is_empty() && suspects.len() < tried.len() {
            suspects
        } else {
            tried.iter().skip(tried.len() / 2).cloned().collect()
        };
        let first = tried.difference(&apart).cloned().collect();
        self.split(key, first, apart);
    }

    fn split(&mut self, key: Option<usize>, first: BTreeSet<FixId>, second: BTreeSet<FixId>) {
        let groups = self.groups.entry(key).or_default();
        groups.pop_front();
        groups.push_front(second);
        groups.push_front(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::snapshot::RecordSlot;
    use chancery_core::diagnostic::{Safety, rules};

    fn candidate(origin: usize, shared: bool) -> Candidate {
        let place = ("x".into(), origin);
        Candidate { rule: &rules::TEXT_FORM, safety: Safety::Safe, place, shared, edits: Vec::new(), effects: Vec::new(), origin }
    }

    // Tries fixes of one record until none is left, where `fails` says what a trial refutes; returns which were made, and how
    // many trials that took.
    fn check(number: usize, fails: impl Fn(&BTreeSet<usize>) -> Option<Refuted>, expected: &BTreeSet<usize>, most: usize) {
        let record = RecordSlot { candidates: (0..number).map(|origin| candidate(origin, false)).collect(), ..RecordSlot::default() };
        let look = Snapshot { records: vec![record], ..Snapshot::default() };
        let (mut bisection, mut made, mut trials) = (Bisection::default(), BTreeSet::new(), 0);
        loop {
            let is_tried = |at: &usize| !made.contains(at) && bisection.allows(0, &look.records[0].candidates[*at]);
            let tried: BTreeSet<usize> = (0..number).filter(is_tried).collect();
            if tried.is_empty() {
                if bisection.advance() {
                    continue;
                }
                break;
            }
            trials += 1;
            match fails(&tried) {
                None => {
                    made.extend(tried);
                    bisection.advance();
                }
                Some(refuted) => {
                    let chosen = BTreeMap::from([(0, tried.into_iter().collect())]);
                    bisection.narrow(&look, &chosen, &[Refuted { record: Some(0), ..refuted }]);
                }
            }
        }
        assert_eq!((&made, trials <= most), (expected, true), "{trials} trials");
    }

    #[test]
    fn only_fixes_at_fault_are_rejected() {
        let all = |number: usize, but: &[usize]| -> BTreeSet<usize> { (0..number).filter(|at| !but.contains(at)).collect() };
        for bad in [&[][..], &[0], &[63], &[5, 6], &[1, 20, 40, 62]] {
            // It is unknown which edit is the cause.
            let unknown = |tried: &BTreeSet<usize>| bad.iter().any(|at| tried.contains(at)).then(Refuted::default);
            check(64, unknown, &all(64, bad), 1 + 13 * bad.len());
            // Where each shows.
            let known = |tried: &BTreeSet<usize>| {
                let accused: BTreeSet<usize> = bad.iter().copied().filter(|at| tried.contains(at)).collect();
                (!accused.is_empty()).then(|| Refuted { accused, ..Refuted::default() })
            };
            check(64, known, &all(64, bad), 3);
        }
        // Where a fault shows at another fix than the one that causes it.
        let misleading = |tried: &BTreeSet<usize>| tried.contains(&3).then(|| Refuted { accused: [2].into(), ..Refuted::default() });
        check(8, misleading, &all(8, &[3]), 10);
        check(100, |_| Some(Refuted::default()), &all(0, &[]), 200);
    }
}
