//! Proves a round of edits: every record is what it was but for what the edits say, and has no error that it had not before.
//!
//! In: looks at the input before and after, and what was mended. Out: what to take back, which is nothing where all is well.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::Chosen;
use super::look::{Candidate, Effect, Fault, Leaf, Leaves, Look, Unit, key};
use crate::tree::{Kind, pointer};

/// Fixes that are not made, since they would do harm.
#[derive(Clone, Debug, Default)]
pub(super) struct Banned {
    // By unit (none where the edit is shared), code and pointer.
    findings: BTreeSet<(Option<usize>, &'static str, Option<String>)>,
    // What is at or around a place of a record.
    places: BTreeSet<(usize, String)>,
    units: BTreeSet<usize>,
    shared: bool,
    all: bool,
}

impl Banned {
    /// Nothing is mended at these places, each of a unit.
    pub fn places(places: BTreeSet<(usize, String)>) -> Self {
        Self { places, ..Self::default() }
    }

    /// Nothing is mended any more.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    pub fn holds(&self, unit: usize, candidate: &Candidate) -> bool {
        self.all
            || self.units.contains(&unit)
            || self.shared && candidate.shared
            || self.findings.contains(&Self::name(unit, candidate))
            || self.places.iter().any(|(of, pointer)| *of == unit && candidate.touches(pointer))
    }

    fn name(unit: usize, candidate: &Candidate) -> (Option<usize>, &'static str, Option<String>) {
        ((!candidate.shared).then_some(unit), candidate.rule.code, candidate.pointer.clone())
    }

    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.places.is_empty() && self.units.is_empty() && !self.shared && !self.all
    }

    pub fn join(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.places.extend(other.places);
        self.units.extend(other.units);
        self.shared |= other.shared;
        self.all |= other.all;
    }
}

/// What of a round has to be taken back.
pub(super) fn disprove(before: &Look, after: &Look, chosen: &Chosen) -> Banned {
    let mut trial = Trial { before, mended: BTreeMap::new(), banned: Banned::default() };
    for (unit, number) in &chosen.mended {
        trial.mended.entry(*unit).or_default().push(*number);
    }
    let shape = |look: &Look| look.units.iter().map(|unit| unit.broken).collect::<Vec<_>>();
    let (shapes, shapes_after) = (shape(before), shape(after));
    if after.failure.is_some() || shapes != shapes_after {
        // Records stand where they stood up to the first that cannot be read any more.
        let first = shapes.iter().zip(&shapes_after).take_while(|(a, b)| a == b).count();
        trial.blame(first, None);
    } else if !new_errors(&before.errors, &after.errors).is_empty() {
        trial.blame_shared();
    } else {
        for (index, (before, after)) in before.units.iter().zip(&after.units).enumerate() {
            trial.unit(index, before, after);
        }
    }
    trial.banned
}

// Errors of `after` that are not in `before`.
fn new_errors<'f>(before: &[Fault], after: &'f [Fault]) -> Vec<&'f Fault> {
    // Of a list the check tells the first item that is wrong in a way; what is told then was wrong before.
    let list = |fault: &Fault| match place(fault.pointer.as_deref().unwrap_or_default()) {
        (above, Some(_)) => Some((fault.code, above.to_owned())),
        _ => None,
    };
    let mut known: BTreeMap<&Fault, usize> = BTreeMap::new();
    for fault in before {
        *known.entry(fault).or_default() += 1;
    }
    let new: Vec<&Fault> = after.iter().filter(|fault| !take_one(&mut known, fault)).collect();
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

struct Trial<'t> {
    before: &'t Look,
    // By unit.
    mended: BTreeMap<usize, Vec<usize>>,
    banned: Banned,
}

impl Trial<'_> {
    fn candidates(&self, unit: usize) -> impl Iterator<Item = &Candidate> {
        let numbers = self.mended.get(&unit).into_iter().flatten();
        numbers.filter_map(move |number| self.before.units.get(unit)?.candidates.get(*number))
    }

    // Takes back what was done at or around a place of a record; all of the record's where nothing was.
    fn blame(&mut self, unit: usize, pointer: Option<&str>) {
        let near = |candidate: &&Candidate| pointer.is_some_and(|pointer| candidate.touches(pointer));
        let guilty: Vec<_> = self.candidates(unit).filter(near).map(|candidate| Banned::name(unit, candidate)).collect();
        if !guilty.is_empty() {
            self.banned.findings.extend(guilty);
        } else if self.candidates(unit).any(|candidate| !candidate.shared) {
            self.banned.units.insert(unit);
        } else {
            self.blame_shared();
        }
    }

    // Takes back what is in many records at once; all where nothing is.
    fn blame_shared(&mut self) {
        let shared = self.mended.keys().any(|unit| self.candidates(*unit).any(|candidate| candidate.shared));
        self.banned.shared |= shared;
        self.banned.all |= !shared;
    }

    fn unit(&mut self, index: usize, before: &Unit, after: &Unit) {
        for fault in new_errors(&before.errors, &after.errors) {
            self.blame(index, fault.pointer.as_deref());
        }
        let (key_before, key_after) = (key(&before.mentions), key(&after.mentions));
        if key_before.is_some_and(|key| key_after.is_none_or(|after| after.text != key.text)) {
            // Others may refer to it.
            return self.blame(index, None);
        }
        if self.candidates(index).next().is_none() {
            if before.written != after.written {
                self.blame(index, None);
            }
            return;
        }
        let (Some(old), Some(new)) = (&before.leaves, &after.leaves) else { return self.blame(index, None) };
        let (written, normal) = &**old;
        let (written_after, normal_after) = &**new;
        let effects: Vec<&Effect> = self.candidates(index).flat_map(|candidate| &candidate.effects).collect();
        let (mut wanted, mut found) = (expected(written, &effects), written_after.clone());
        for effect in effects.iter().filter(|effect| matches!(effect, Effect::Name { .. })) {
            // Under its new name a value may have another type: CSV and XML are typed by the schema. Its text stays.
            let name = effect.becomes();
            if texts(&mut wanted, &name) != texts(&mut found, &name) {
                return self.blame(index, Some(&name));
            }
        }
        // Of two members of one name either may be meant; and an alias comes to normal form with the value it stands for.
        let is_meant = |leaf: &Leaf| {
            let mut edited = effects.iter().filter_map(|effect| match effect {
                Effect::Value { pointer, kind, text } if *pointer == leaf.0 => Some((kind, text)),
                _ => None,
            });
            let is_normal = || normal.binary_search_by(|known| known.0.cmp(&leaf.0)).is_ok_and(|at| normal[at] == *leaf);
            match edited.next() {
                Some(first) => std::iter::once(first).chain(edited).any(|value| value == (&leaf.1, &leaf.2)),
                None => is_normal(),
            }
        };
        if let Some(pointer) = first_difference(&wanted, &found, is_meant) {
            return self.blame(index, Some(&pointer));
        }
        // Bringing values to normal form changes nothing for who reads them in normal form.
        if self.candidates(index).all(Candidate::is_normal)
            && let Some(pointer) = first_difference(normal, normal_after, |_| false)
        {
            self.blame(index, Some(&pointer));
        }
    }
}

// Whether `inner` is `outer` or a part of it.
fn is_below(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Candidate {
    // Whether what it changes is at that place, around it or in it.
    fn touches(&self, pointer: &str) -> bool {
        let touches = |at: &str| is_below(pointer, at) || is_below(at, pointer);
        self.effects.iter().any(|effect| touches(effect.pointer()) || touches(&effect.becomes()))
    }
}

impl Effect {
    fn pointer(&self) -> &str {
        let (Self::Value { pointer, .. } | Self::Name { pointer, .. } | Self::Gone { pointer }) = self;
        pointer
    }

    // The pointer of the same value afterwards.
    fn becomes(&self) -> String {
        match self {
            Self::Value { pointer, .. } | Self::Gone { pointer } => pointer.clone(),
            Self::Name { pointer, name } => {
                let mut renamed = pointer::split_last(pointer).map_or_else(String::new, |(above, _)| above.to_owned());
                pointer::push(&mut renamed, name);
                renamed
            }
        }
    }
}

// The record as the edits have it.
fn expected(written: &Leaves, effects: &[&Effect]) -> Leaves {
    let mut leaves = written.clone();
    for effect in effects {
        if let Effect::Value { pointer, kind, text } = effect {
            // Which of two members of one name is meant, a pointer does not say.
            let mut known = leaves.iter_mut().filter(|(at, ..)| at == pointer);
            match (known.next(), known.next()) {
                (Some(leaf), None) => (leaf.1, leaf.2) = (*kind, text.clone()),
                (None, _) => leaves.push((pointer.clone(), *kind, text.clone())),
                _ => {}
            }
        }
    }
    let mut gone: Vec<&str> =
        effects.iter().filter(|effect| matches!(effect, Effect::Gone { .. })).map(|effect| effect.pointer()).collect();
    // Later items first, so that the numbers of those before them stay true.
    gone.sort_by_key(|pointer| std::cmp::Reverse(place(pointer)));
    gone.dedup();
    gone.into_iter().for_each(|pointer| take_out(&mut leaves, pointer));
    let mut renamed: Vec<(&str, String)> =
        effects.iter().filter(|effect| matches!(effect, Effect::Name { .. })).map(|effect| (effect.pointer(), effect.becomes())).collect();
    // The inner ones first, whose pointers hold the outer names.
    renamed.sort_by_key(|(pointer, _)| std::cmp::Reverse(pointer.matches('/').count()));
    for (from, to) in renamed {
        for (at, ..) in &mut leaves {
            if is_below(at, from) {
                at.replace_range(..from.len(), &to);
            }
        }
    }
    leaves.sort_by(|a, b| a.0.cmp(&b.0));
    leaves
}

// The pointer of what an item is in, and the item's number.
fn place(pointer: &str) -> (&str, Option<usize>) {
    pointer.rsplit_once('/').map_or(("", None), |(above, token)| (above, pointer::index(token)))
}

// Without the first of two members of one name, or without an item, whose followers move up.
fn take_out(leaves: &mut Leaves, pointer: &str) {
    let first = leaves.iter().position(|(at, ..)| at == pointer);
    let twice = leaves.iter().filter(|(at, ..)| at == pointer).count() > 1;
    match first {
        // The other one may have parts, which stay.
        Some(first) if twice && !matches!(leaves[first].1, Kind::Array | Kind::Object) => {
            leaves.remove(first);
        }
        _ => {
            let mut seen = BTreeSet::new();
            leaves.retain(|(at, ..)| !is_below(at, pointer) || twice && !seen.insert(at.clone()));
        }
    }
    let (above, Some(index)) = place(pointer) else { return };
    if twice {
        return;
    }
    for (at, ..) in leaves {
        let Some(rest) = at.strip_prefix(above).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let (token, below) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        if let Some(number) = pointer::index(token).filter(|number| *number > index) {
            *at = format!("{above}/{}{below}", number - 1);
        }
    }
}

// The texts at and below a pointer, taken out.
fn texts(leaves: &mut Leaves, pointer: &str) -> Vec<String> {
    let mut texts: Vec<String> = leaves
        .extract_if(.., |(at, ..)| is_below(at, pointer))
        .filter(|(_, kind, _)| !matches!(kind, Kind::Array | Kind::Object))
        .map(|(.., text)| text.trim().to_owned())
        .collect();
    texts.sort();
    texts
}

// The first place at which a record is neither what is expected nor what else is meant.
fn first_difference(expected: &Leaves, found: &Leaves, is_meant: impl Fn(&Leaf) -> bool) -> Option<String> {
    if expected.len() != found.len() {
        let first = expected.iter().zip(found).find(|(a, b)| a.0 != b.0).map(|(a, _)| a.0.clone());
        return Some(first.unwrap_or_default());
    }
    expected.iter().zip(found).find(|(expected, found)| expected != found && !is_meant(found)).map(|(expected, _)| expected.0.clone())
}
