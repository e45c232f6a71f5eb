//! The edits applied in a round: in the order of the findings, each completely or not at all, and none that overlaps an
//! earlier one. The others are considered again in the next round.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::patch::Replacement;
use super::snapshot::{Candidate, Placed, Snapshot};

/// The edits of a round.
#[derive(Debug, Default)]
pub(super) struct FixSet {
    /// Numbers of the candidates whose edits they are, by unit.
    pub fixed: BTreeMap<usize, Vec<usize>>,
    /// The rule of each fix, by the file in which it begins; one that fixes a finding of many records counts once.
    pub fixes: Vec<(Arc<str>, &'static str)>,
    files: BTreeMap<Arc<str>, OccupiedRanges>,
}

// The edits accepted in a file.
#[derive(Debug, Default)]
struct OccupiedRanges {
    // Replaced bytes: end by start.
    ranges: BTreeMap<usize, usize>,
    // Where something is inserted, and whether it is punctuation.
    points: BTreeMap<usize, bool>,
    edits: Vec<Placed>,
    known: BTreeSet<Placed>,
}

impl OccupiedRanges {
    fn is_free(&self, edit: &Placed) -> bool {
        let Placed { start, end, .. } = *edit;
        let inside = end > start + 1 && self.points.range(start + 1..end).next().is_some();
        let beside = start == end && self.points.get(&start).is_some_and(|marks| *marks || edit.marks);
        !inside && !beside && self.ranges.range(..end.max(start)).next_back().is_none_or(|(_, taken)| *taken <= start)
    }

    fn take(&mut self, edit: &Placed) {
        if edit.start == edit.end {
            self.points.insert(edit.start, edit.marks);
        } else {
            self.ranges.insert(edit.start, edit.end);
        }
        self.edits.push(edit.clone());
        self.known.insert(edit.clone());
    }
}

impl FixSet {
    /// Accepts the candidates that are compatible.
    pub fn of(look: &Snapshot, wanted: impl Fn(usize, &Candidate) -> bool) -> Self {
        let mut chosen = Self::default();
        for (index, record) in look.records.iter().enumerate() {
            for (number, candidate) in record.candidates.iter().enumerate() {
                if wanted(index, candidate) && chosen.take(candidate) {
                    chosen.fixed.entry(index).or_default().push(number);
                }
            }
        }
        chosen
    }

    fn take(&mut self, candidate: &Candidate) -> bool {
        let known = |chosen: &Self, edit: &Placed| chosen.files.get(&edit.file).is_some_and(|taken| taken.known.contains(edit));
        let new: Vec<&Placed> = candidate.edits.iter().filter(|edit| !known(self, edit)).collect();
        if new.iter().any(|edit| self.files.get(&edit.file).is_some_and(|taken| !taken.is_free(edit))) {
            return false;
        }
        if let Some(first) = new.first() {
            self.fixes.push((Arc::clone(&first.file), candidate.rule.code));
        }
        for edit in new {
            self.files.entry(Arc::clone(&edit.file)).or_default().take(edit);
        }
        true
    }

    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// The edits of each file, in order.
    pub fn edits(&self) -> Vec<(Arc<str>, Vec<Replacement>)> {
        let of_file = |(file, taken): (&Arc<str>, &OccupiedRanges)| {
            let mut edits: Vec<Replacement> = taken
                .edits
                .iter()
                .map(|Placed { start, end, text, .. }| Replacement { range: *start..*end, text: text.as_bytes().to_vec() })
                .collect();
            edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
            (Arc::clone(file), edits)
        };
        self.files.iter().map(of_file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::snapshot::RecordSlot;
    use chancery_core::diagnostic::{Safety, rules};

    fn candidate(edits: &[(usize, usize, &str)]) -> Candidate {
        let placed = |(start, end, text): &(usize, usize, &str)| Placed {
            file: "x".into(),
            start: *start,
            end: *end,
            text: (*text).to_owned(),
            marks: *text == ",",
        };
        Candidate {
            rule: &rules::TEXT_FORM,
            safety: Safety::Safe,
            place: ("x".into(), 0),
            shared: false,
            edits: edits.iter().map(placed).collect(),
            effects: Vec::new(),
            origin: 0,
        }
    }

    // The indices of the accepted candidates, and the text that they make of `0123456789`.
    fn check(candidates: &[&[(usize, usize, &str)]], taken: &[usize], expected: &str) {
        let record = RecordSlot { candidates: candidates.iter().map(|edits| candidate(edits)).collect(), ..RecordSlot::default() };
        let chosen = FixSet::of(&Snapshot { records: vec![record], ..Snapshot::default() }, |_, _| true);
        assert_eq!(chosen.fixed.get(&0).map_or(&[][..], Vec::as_slice), taken);
        let mut patch = crate::fix::patch::Patch::new(b"0123456789"[..].into());
        chosen.edits().iter().for_each(|(_, edits)| patch.apply(edits));
        assert_eq!(String::from_utf8_lossy(&patch.text()), expected);
    }

    #[test]
    fn the_first_of_those_that_overlap_is_made() {
        check(&[&[(2, 4, "a")], &[(3, 5, "b")], &[(4, 6, "c")]], &[0, 2], "01ac6789");
        check(&[&[(2, 4, "a")], &[(2, 4, "b")]], &[0], "01a456789");
        check(&[&[(2, 8, "a")], &[(4, 4, "b")], &[(2, 2, "c")], &[(8, 8, "d")]], &[0, 2, 3], "01cad89");
        check(&[&[(4, 4, "a")], &[(2, 8, "b")], &[(4, 5, "c")]], &[0, 2], "0123ac56789");
    }

    #[test]
    fn a_fix_is_made_whole_or_not_at_all() {
        check(&[&[(1, 2, "a")], &[(8, 9, "b"), (1, 3, "c")], &[(8, 9, "d")]], &[0, 2], "0a234567d9");
    }

    #[test]
    fn what_several_state_is_done_once() {
        check(&[&[(1, 2, "a")], &[(1, 2, "a")], &[(1, 2, "a"), (5, 5, "b")]], &[0, 1, 2], "0a234b56789");
        check(&[&[(5, 5, "a")], &[(5, 5, "b")]], &[0, 1], "01234ab56789");
        check(&[&[(5, 5, ",")], &[(5, 5, "b")]], &[0], "01234,56789");
        check(&[&[(5, 5, "b")], &[(5, 5, ",")]], &[0], "01234b56789");
    }
}
