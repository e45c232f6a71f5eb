//! Verifies a round of edits: every record is unchanged except for its edits, and has no error that it did not have before.
//!
//! Input: snapshots of the input before and after, and the fixes. Output: where this does not hold, and which fixes may be the
//! cause. The work is proportional to the number of values and edits (except for the logarithm of searches in sorted lists).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::snapshot::{Candidate, Effect, ErrorKey, Leaf, Leaves, RecordSlot, Snapshot, key};
use chancery_core::growth::{step, steps};
use chancery_core::tree::{Kind, pointer};

/// A record that a round has made worse, or all of the input where no record is known.
#[derive(Debug, Default)]
pub(super) struct Refuted {
    pub record: Option<usize>,
    /// Numbers of the candidates that each caused a fault, going by its place.
    pub accused: BTreeSet<usize>,
    /// Numbers of the candidates that may have caused one, where several may.
    pub suspects: BTreeSet<usize>,
}

/// Places in records at which nothing is to be edited.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_unit: BTreeMap<usize, BTreeSet<String>>,
}

impl Places {
    /// Adds a place.
    pub fn add(&mut self, record: usize, pointer: String) {
        self.by_unit.entry(record).or_default().insert(pointer);
    }

    /// Whether a fix changes something at, around or in one of the places.
    pub fn touches(&self, record: usize, candidate: &Candidate) -> bool {
        let Some(places) = self.by_unit.get(&record) else { return false };
        let is_near = |at: &str| {
            let below = format!("{at}/");
            step();
            prefixes(at).any(|around| places.contains(around))
                || places.range(below.clone()..).next().is_some_and(|place| place.starts_with(&below))
        };
        candidate.effects.iter().any(|effect| is_near(effect.pointer()) || is_near(&effect.becomes()))
    }
}

/// What a round has made worse. `chosen` holds the numbers of the candidates whose edits were made, by record.
pub(super) fn verify(before: &Snapshot, after: &Snapshot, chosen: &BTreeMap<usize, Vec<usize>>) -> Vec<Refuted> {
    let shape = |look: &Snapshot| look.records.iter().map(|record| record.malformed).collect::<Vec<_>>();
    let (shapes, shapes_after) = (shape(before), shape(after));
    if after.failure.is_some() || shapes != shapes_after {
        // Records stand where they stood up to the first that cannot be read any more; what keeps it from being read may be in
        // the one before.
        let first = shapes.iter().zip(&shapes_after).take_while(|(a, b)| a == b).count();
        let record = chosen.range(..=first).next_back().map(|(record, _)| *record);
        return vec![Refuted { record, ..Refuted::default() }];
    }
    if !new_errors(&before.errors, &after.errors).is_empty() {
        return vec![Refuted::default()];
    }
    let records = before.records.iter().zip(&after.records).enumerate();
    let refuted = records.filter_map(|(index, (before, after))| {
        let numbers = chosen.get(&index).map_or(&[][..], Vec::as_slice);
        let chosen = numbers.iter().filter_map(|number| Some((*number, before.candidates.get(*number)?))).collect();
        Verification { before, after, chosen }.refute().map(|refuted| Refuted { record: Some(index), ..refuted })
    });
    refuted.collect()
}

// Errors of `after` that are not in `before`.
fn new_errors<'f>(before: &[ErrorKey], after: &'f [ErrorKey]) -> Vec<&'f ErrorKey> {
    // For a list, the check reports the first wrong item of a kind; the one reported now was already wrong.
    let list = |fault: &ErrorKey| match place(fault.pointer.as_deref().unwrap_or_default()) {
        (above, Some(_)) => Some((fault.code, above.to_owned())),
        _ => None,
    };
    let mut known: BTreeMap<&ErrorKey, usize> = BTreeMap::new();
    for fault in before {
        *known.entry(fault).or_default() += 1;
    }
    let new: Vec<&ErrorKey> = after.iter().filter(|fault| !take_one(&mut known, fault)).collect();
    let mut lists: BTreeMap<_, usize> = BTreeMap::new();
    for (fault, count) in known {
        *lists.entry(list(fault)).or_default() += count;
    }
    lists.remove(&None);
    new.into_iter().filter(|fault| !take_one(&mut lists, &list(fault))).collect()
}

// Whether there was one left.
fn take_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) -> bool {
    counts.get_mut(key).filter(|count| **count > 0).map(|count| *count -= 1).is_some()
}

// A record before and after a round.
struct Verification<'t> {
    before: &'t RecordSlot,
    after: &'t RecordSlot,
    // The candidates whose edits were made, with their numbers.
    chosen: Vec<(usize, &'t Candidate)>,
}

// Where a record is not what it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    // At a place; the texts that are there before and after, where a value changed that no edit is about.
    At(String, Option<(String, String)>),
    // Nobody knows where.
    Somewhere,
}

impl Verification<'_> {
    fn refute(&self) -> Option<Refuted> {
        let wrong = self.wrong();
        if wrong.is_empty() {
            return None;
        }
        let near = Near::new(&self.chosen);
        let mut copies = None;
        let mut refuted = Refuted::default();
        for wrong in wrong {
            let Wrong::At(pointer, texts) = wrong else { continue };
            let mut found = near.find(&pointer);
            if found.is_empty()
                && let Some((old, new)) = texts
            {
                // A value that changed along with another, as that of an alias does, changed in the same way.
                let copies = copies.get_or_insert_with(|| self.by_texts());
                found = copies.get(&(old, new)).cloned().unwrap_or_default();
            }
            if found.len() == 1 {
                refuted.accused.extend(found);
            } else {
                refuted.suspects.extend(found);
            }
        }
        Some(refuted)
    }

    // Candidates by the texts that they replace and put in.
    fn by_texts(&self) -> HashMap<(String, String), BTreeSet<usize>> {
        let mut by_texts: HashMap<_, BTreeSet<usize>> = HashMap::new();
        let Some(leaves) = &self.before.leaves else { return by_texts };
        for (number, candidate) in &self.chosen {
            for effect in &candidate.effects {
                if let Effect::Value { pointer, text, .. } = effect
                    && let Some((_, _, old)) = leaves.0.get(at(&leaves.0, pointer).start).filter(|leaf| leaf.0 == *pointer)
                {
                    by_texts.entry((old.clone(), text.clone())).or_default().insert(*number);
                }
            }
        }
        by_texts
    }

    fn wrong(&self) -> BTreeSet<Wrong> {
        let Self { before, after, chosen } = self;
        let mut wrong = BTreeSet::new();
        self.errors(&mut wrong);
        let (key_before, key_after) = (key(&before.occurrences), key(&after.occurrences));
        if let Some(key) = key_before.filter(|key| key_after.is_none_or(|after| after.text != key.text)) {
            // Other records may refer to it.
            wrong.insert(Wrong::At(key.pointer.clone(), None));
        }
        if chosen.is_empty() {
            if before.written != after.written {
                wrong.insert(Wrong::Somewhere);
            }
            return wrong;
        }
        let (Some(old), Some(new)) = (&before.leaves, &after.leaves) else {
            wrong.insert(Wrong::Somewhere);
            return wrong;
        };
        let (written, normal) = &**old;
        let (written_after, normal_after) = &**new;
        let effects: Vec<&Effect> = chosen.iter().flat_map(|(_, candidate)| &candidate.effects).collect();
        let (expected, names) = expected(written, &effects);
        // Under its new name a value may have another type: CSV and XML are typed by the schema. Its text stays.
        let (mut settled, mut settled_after) = (vec![false; expected.len()], vec![false; written_after.len()]);
        for name in &names {
            if texts(&expected, name, &mut settled) != texts(written_after, name, &mut settled_after) {
                wrong.insert(Wrong::At(name.clone(), None));
            }
        }
        let open = |leaves: &'_ Leaves, settled: &[bool]| -> Vec<usize> { (0..leaves.len()).filter(|at| !settled[*at]).collect() };
        let (open, open_after) = (open(&expected, &settled), open(written_after, &settled_after));
        // Either of two duplicate members may be meant, and an alias is normalised together with its value.
        let mut edited: BTreeMap<&str, Vec<(&Kind, &String)>> = BTreeMap::new();
        for effect in &effects {
            if let Effect::Value { pointer, kind, text } = effect {
                edited.entry(pointer).or_default().push((kind, text));
            }
        }
        let is_meant = |leaf: &Leaf| {
            let is_normal = || normal.binary_search_by(|known| known.0.cmp(&leaf.0)).is_ok_and(|at| normal[at] == *leaf);
            edited.get(&*leaf.0).map_or_else(is_normal, |values| values.contains(&(&leaf.1, &leaf.2)))
        };
        let pick = |leaves: &'_ Leaves, open: &[usize]| -> Leaves { open.iter().map(|at| leaves[*at].clone()).collect() };
        if names.is_empty() {
            differences(&expected, written_after, is_meant, &mut wrong);
        } else {
            differences(&pick(&expected, &open), &pick(written_after, &open_after), is_meant, &mut wrong);
        }
        // Normalisation changes nothing for those who read normalised values.
        if wrong.is_empty() && chosen.iter().all(|(_, candidate)| candidate.is_normal()) {
            differences(normal, normal_after, |_| false, &mut wrong);
        }
        wrong
    }

    fn errors(&self, wrong: &mut BTreeSet<Wrong>) {
        let (before, after) = (self.before, self.after);
        let mut new = new_errors(&before.errors, &after.errors);
        if before.unlisted > 0 {
            // Of a record with more errors than are listed, some come to be listed as others go.
            let near = Near::new(&self.chosen);
            let mut left = before.unlisted;
            new.retain(|fault| {
                let is_near = fault.pointer.as_deref().is_none_or(|pointer| !near.find(pointer).is_empty());
                let is_listed_now = !is_near && left > 0;
                left -= u64::from(is_listed_now);
                !is_listed_now
            });
        } else if after.unlisted > 0 {
            wrong.insert(Wrong::Somewhere);
        }
        wrong.extend(new.into_iter().map(|fault| match &fault.pointer {
            Some(pointer) => Wrong::At(pointer.clone(), None),
            None => Wrong::Somewhere,
        }));
    }
}

// Where candidates change something.
struct Near<'t> {
    // In order of the pointers.
    places: Vec<(Cow<'t, str>, usize)>,
}

impl<'t> Near<'t> {
    fn new(chosen: &[(usize, &'t Candidate)]) -> Self {
        let mut places = Vec::new();
        for (number, candidate) in chosen {
            for effect in &candidate.effects {
                places.push((Cow::Borrowed(effect.pointer()), *number));
                if let Effect::Name { .. } = effect {
                    places.push((effect.becomes(), *number));
                }
            }
        }
        places.sort();
        places.dedup();
        Self { places }
    }

    // The candidates that change something at a place, around it or in it.
    fn find(&self, pointer: &str) -> BTreeSet<usize> {
        let from = |bound: &str| {
            self.places.partition_point(|(place, _)| {
                step();
                **place < *bound
            })
        };
        let below = format!("{pointer}/");
        let inside = self.places[from(&below)..].iter().take_while(|(place, _)| place.starts_with(&below));
        let around = prefixes(pointer).flat_map(|around| self.places[from(around)..].iter().take_while(move |(place, _)| *place == around));
        let found: BTreeSet<usize> = around.chain(inside).map(|(_, number)| *number).collect();
        steps(found.len());
        found
    }
}

// A pointer, and those of all that it is in.
fn prefixes(pointer: &str) -> impl Iterator<Item = &str> {
    let ends = pointer.match_indices('/').map(|(end, _)| end);
    ends.chain([pointer.len()]).map(|end| &pointer[..end])
}

impl Effect {
    fn pointer(&self) -> &str {
        let (Self::Value { pointer, .. } | Self::Name { pointer, .. } | Self::Gone { pointer }) = self;
        pointer
    }

    // The pointer of the same value afterwards.
    fn becomes(&self) -> Cow<'_, str> {
        match self {
            Self::Value { pointer, .. } | Self::Gone { pointer } => Cow::Borrowed(pointer),
            Self::Name { pointer, name } => {
                let mut renamed = pointer::split_last(pointer).map_or_else(String::new, |(above, _)| above.to_owned());
                pointer::push(&mut renamed, name);
                Cow::Owned(renamed)
            }
        }
    }
}

// The leaves with this pointer.
fn at(leaves: &Leaves, pointer: &str) -> Range<usize> {
    let count = |leaf: &Leaf| {
        step();
        *leaf.0 < *pointer
    };
    let start = leaves.partition_point(count);
    let length = leaves[start..].iter().take_while(|leaf| leaf.0 == pointer).count();
    start..start + length
}

// The record as the edits have it, and the pointers of what they give another name.
fn expected(written: &Leaves, effects: &[&Effect]) -> (Leaves, Vec<String>) {
    let mut leaves = written.clone();
    let mut added: BTreeMap<&str, (Kind, &str)> = BTreeMap::new();
    for effect in effects {
        if let Effect::Value { pointer, kind, text } = effect {
            // A pointer does not distinguish duplicate members.
            match at(written, pointer) {
                known if known.len() == 1 => (leaves[known.start].1, leaves[known.start].2) = (*kind, text.clone()),
                known if known.is_empty() => _ = added.insert(pointer, (*kind, text)),
                _ => {}
            }
        }
    }
    let plan = Moves::new(written, effects);
    if !added.is_empty() {
        leaves.extend(added.into_iter().map(|(pointer, (kind, text))| (pointer.to_owned(), kind, text.to_owned())));
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
    }
    if plan.is_empty() {
        return (leaves, Vec::new());
    }
    let mut names: Vec<String> = Vec::new();
    for effect in effects {
        if let Effect::Name { pointer, .. } = effect {
            names.extend(plan.walk(pointer).map(|(moved, _)| moved));
        }
    }
    let mut left = Vec::with_capacity(leaves.len());
    // How many leaves of the pointer current have gone.
    let mut gone = 0;
    for (number, (pointer, kind, text)) in leaves.iter().enumerate() {
        if number.checked_sub(1).is_none_or(|before| leaves[before].0 != *pointer) {
            gone = 0;
        }
        let Some((moved, repeats)) = plan.walk(pointer) else { continue };
        // Of members of one name only one goes that says the same as the next.
        let is_repeated = || leaves.get(number + 1).is_some_and(|next| next.0 == *pointer && next.1 == *kind && next.2 == *text);
        if gone < repeats && is_repeated() {
            gone += 1;
        } else {
            left.push((moved, *kind, text.clone()));
        }
    }
    left.sort_by(|a, b| a.0.cmp(&b.0));
    (left, names)
}

// Where the values of a record come to stand when items and members go and members get other names: a tree of the pointers
// that edits are about.
#[derive(Default)]
struct Moves<'e> {
    steps: Vec<Move<'e>>,
    below: HashMap<(usize, &'e str), usize>,
}

#[derive(Default)]
struct Move<'e> {
    name: Option<&'e str>,
    // Whether it goes with all that is in it.
    is_gone: bool,
    // How many members of this name go that are there again.
    repeats: usize,
    // Items of it that go, in order.
    items: Vec<usize>,
}

impl<'e> Moves<'e> {
    fn new(written: &Leaves, effects: &[&'e Effect]) -> Self {
        let mut moves = Self { steps: vec![Move::default()], below: HashMap::new() };
        for effect in effects {
            match effect {
                Effect::Value { .. } => {}
                Effect::Name { pointer, name } => {
                    let (_, step) = moves.add(pointer);
                    moves.steps[step].name = Some(name);
                }
                Effect::Gone { pointer } => {
                    let (above, step) = moves.add(pointer);
                    if at(written, pointer).len() > 1 {
                        moves.steps[step].repeats += 1;
                    } else if !std::mem::replace(&mut moves.steps[step].is_gone, true)
                        && let (_, Some(index)) = place(pointer)
                    {
                        moves.steps[above].items.push(index);
                    }
                }
            }
        }
        moves.steps.iter_mut().for_each(|step| step.items.sort_unstable());
        moves
    }

    fn is_empty(&self) -> bool {
        self.below.is_empty()
    }

    // The steps that stand for what a pointer is in and for itself.
    fn add(&mut self, pointer: &'e str) -> (usize, usize) {
        let (mut above, mut here) = (0, 0);
        for token in pointer.split('/').skip(1) {
            let next = *self.below.entry((here, token)).or_insert(self.steps.len());
            if next == self.steps.len() {
                self.steps.push(Move::default());
            }
            (above, here) = (here, next);
        }
        (above, here)
    }

    // Where the value at a pointer comes to stand, and how many members on the way go that are there again; `None` if it goes.
    fn walk(&self, pointer: &str) -> Option<(String, usize)> {
        let mut moved = String::with_capacity(pointer.len());
        let mut repeats = 0;
        let mut here = Some(0);
        for token in pointer.split('/').skip(1) {
            step();
            let (above, next) = (here, here.and_then(|here| self.below.get(&(here, token)).copied()));
            let step = next.map(|next| &self.steps[next]);
            if step.is_some_and(|step| step.is_gone) {
                return None;
            }
            repeats += step.map_or(0, |step| step.repeats);
            let items = above.map_or(&[][..], |above| &self.steps[above].items);
            match (step.and_then(|step| step.name), pointer::index(token)) {
                (Some(name), _) => pointer::push(&mut moved, name),
                (None, Some(index)) if !items.is_empty() => {
                    pointer::push_index(&mut moved, index - items.partition_point(|gone| *gone < index));
                }
                _ => {
                    moved.push('/');
                    moved.push_str(token);
                }
            }
            here = next;
        }
        Some((moved, repeats))
    }
}

// The pointer of the list, and the item's index.
fn place(pointer: &str) -> (&str, Option<usize>) {
    pointer.rsplit_once('/').map_or(("", None), |(above, token)| (above, pointer::index(token)))
}

// The texts at and below a pointer that are not settled yet, in order; they are settled now.
fn texts<'l>(leaves: &'l Leaves, pointer: &str, settled: &mut [bool]) -> Vec<&'l str> {
    let below = format!("{pointer}/");
    let start = leaves.partition_point(|leaf| leaf.0 < below);
    let inside = leaves[start..].iter().take_while(|leaf| leaf.0.starts_with(&below)).count();
    let mut texts = Vec::new();
    for number in at(leaves, pointer).chain(start..start + inside) {
        step();
        let (_, kind, text) = &leaves[number];
        if !std::mem::replace(&mut settled[number], true) && !matches!(kind, Kind::Array | Kind::Object) {
            texts.push(text.trim());
        }
    }
    texts.sort_unstable();
    texts
}

// The places at which a record is neither what is expected nor what else is meant.
fn differences(expected: &Leaves, found: &Leaves, is_meant: impl Fn(&Leaf) -> bool, wrong: &mut BTreeSet<Wrong>) {
    let (mut old, mut new) = (expected.iter().peekable(), found.iter().peekable());
    loop {
        step();
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => old.0.cmp(&new.0),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return,
        };
        let old = if order.is_le() { old.next() } else { None };
        let new = if order.is_ge() { new.next() } else { None };
        match (old, new) {
            (Some(old), Some(new)) if old != new && !is_meant(new) => {
                wrong.insert(Wrong::At(new.0.clone(), Some((old.2.clone(), new.2.clone()))));
            }
            (Some(only), None) | (None, Some(only)) => _ = wrong.insert(Wrong::At(only.0.clone(), None)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::growth::assert_linear;

    fn leaf(pointer: &str, text: &str) -> Leaf {
        (pointer.to_owned(), Kind::String, text.to_owned())
    }

    fn sorted(leaves: impl IntoIterator<Item = Leaf>) -> Leaves {
        let mut leaves: Leaves = leaves.into_iter().collect();
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
        leaves
    }

    fn value(pointer: &str, text: &str) -> Effect {
        Effect::Value { pointer: pointer.to_owned(), kind: Kind::String, text: text.to_owned() }
    }

    fn gone(pointer: &str) -> Effect {
        Effect::Gone { pointer: pointer.to_owned() }
    }

    fn name(pointer: &str, name: &str) -> Effect {
        Effect::Name { pointer: pointer.to_owned(), name: name.to_owned() }
    }

    fn check(before: &[(&str, &str)], effects: &[Effect], after: &[(&str, &str)]) {
        let leaves = |list: &[(&str, &str)]| sorted(list.iter().map(|(pointer, text)| leaf(pointer, text)));
        let (found, _) = expected(&leaves(before), &effects.iter().collect::<Vec<_>>());
        assert_eq!(found, leaves(after), "{effects:?}");
    }

    #[test]
    fn effects_are_foretold() {
        check(&[("/a", "1"), ("/b", "2")], &[value("/a", "3"), value("/c", "4")], &[("/a", "3"), ("/b", "2"), ("/c", "4")]);
        check(
            &[("/l/0", "a"), ("/l/1", "b"), ("/l/2", "c"), ("/l/3", "d"), ("/l/10", "k")],
            &[gone("/l/1"), gone("/l/2"), value("/l/10", "K")],
            &[("/l/0", "a"), ("/l/1", "d"), ("/l/8", "K")],
        );
        // All but one of members of one name that say the same go, and others stay.
        check(&[("/z", "1"), ("/z", "1"), ("/z", "1")], &[gone("/z"), gone("/z")], &[("/z", "1")]);
        check(&[("/z", "1"), ("/z", "1"), ("/z", "2"), ("/z", "2")], &[gone("/z"), gone("/z")], &[("/z", "1"), ("/z", "2")]);
        check(&[("/o/a", "1"), ("/o/b", "2")], &[name("/o", "p"), name("/o/a", "c/d")], &[("/p/c~1d", "1"), ("/p/b", "2")]);
        check(&[("/l/0/a", "1"), ("/l/1/a", "2")], &[gone("/l/0"), name("/l/1/a", "b")], &[("/l/0/b", "2")]);
    }

    #[test]
    fn work_grows_with_values_and_edits() {
        assert_linear(2_000, |size| {
            let before = sorted((0..size).flat_map(|number| [leaf(&format!("/a/{number}"), "x"), leaf(&format!("/m{number}"), "x")]));
            let mut effects = Vec::new();
            for number in 0..size {
                effects.push(if number % 2 == 0 { gone(&format!("/a/{number}")) } else { value(&format!("/a/{number}"), "y") });
                effects.push(name(&format!("/m{number}"), &format!("n{number}")));
            }
            let (found, names) = expected(&before, &effects.iter().collect::<Vec<_>>());
            assert_eq!((found.len(), names.len()), (size / 2 + size, size));
            let mut settled = vec![false; found.len()];
            names.iter().for_each(|name| assert_eq!(texts(&found, name, &mut settled), ["x"]));
            let mut wrong = BTreeSet::new();
            differences(&before, &found, |_| false, &mut wrong);
            assert!(wrong.len() > size);
        });
    }
}
