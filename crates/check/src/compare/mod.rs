//! Compares two trees.
//!
//! Values are equal as in JSON: numbers by their decimal value, so that `1.0` is `1`, members in any order, and of
//! duplicate members the last. Missing, null and `""` are distinct. Each difference is a [`Change`] with its location
//! on both sides; [`Ignored`] locations are not compared.
//!
//! Start with [`Comparer::changes`]. [`pairing`] matches the records of two collections, and [`spooled_record`]
//! converts records to bytes and back, so that they can be spooled.

mod record_hash;
mod ignored;
mod list;
pub mod pairing;
pub mod spooled_record;

use std::sync::Arc;

use serde_json::Value;

pub use ignored::Ignored;
pub use record_hash::{Key, RecordHasher};

use chancery_core::tree::{Kind, Node, pointer};
use chancery_schema::Shape;
use chancery_schema::annotation_index::{self, AnnotationIndex, StateId};
use ignored::IgnorePath;
use list::{Partner, Step};

/// Members that identify items of a list if the schema names none, the most reliable first.
const OBVIOUS: &[&str] = &["id", "@id", "uuid", "key", "code"];

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// An item at another position among its neighbours; changes inside it are separate.
    Moved,
}

impl ChangeKind {
    /// `added`, `removed`, `changed` or `moved`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }
}

/// A value on one side: its location in the record, and the value.
#[derive(Clone, Debug)]
pub struct Found<'t> {
    /// JSON pointer inside the record.
    pub pointer: String,
    /// The value.
    pub node: Node<'t>,
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Change<'o, 'n> {
    /// What happened.
    pub kind: ChangeKind,
    /// The old value; `None` if it was added.
    pub old: Option<Found<'o>>,
    /// The new value; `None` if it was removed.
    pub new: Option<Found<'n>>,
}

impl Change<'_, '_> {
    /// The location: in the new record, or in the old one if the new one has no such location.
    #[must_use]
    pub fn pointer(&self) -> &str {
        let new = self.new.as_ref().map(|found| found.pointer.as_str());
        new.or(self.old.as_ref().map(|found| found.pointer.as_str())).unwrap_or_default()
    }
}

/// The change of a record.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'r> {
    /// Its key, if it has one.
    pub key: Option<&'r str>,
    /// How the two records were matched; `None` for one that was added or removed.
    pub matched_by: Option<pairing::MatchedBy>,
    /// The old record.
    pub old: Option<Node<'r>>,
    /// The new record.
    pub new: Option<Node<'r>>,
    /// The changes in it.
    pub changes: &'r [Change<'r, 'r>],
}

impl Difference<'_> {
    /// The change of the whole record.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        }
    }
}

/// Compares records of one schema.
#[derive(Debug)]
pub struct Comparer {
    // The keys of list items in the schema.
    keys: AnnotationIndex<Key>,
    obvious: Vec<Key>,
    digester: RecordHasher,
}

// The position of the walk on both sides.
struct ComparedPair<'o, 'n> {
    old: Node<'o>,
    new: Node<'n>,
    state: StateId,
    path: IgnorePath,
}

struct Walk<'o, 'n> {
    old: String,
    new: String,
    changes: Vec<Change<'o, 'n>>,
}

impl<'o, 'n> Walk<'o, 'n> {
    fn emit(&mut self, what: ChangeKind, old: Option<Node<'o>>, new: Option<Node<'n>>) {
        self.changes.push(Change {
            kind: what,
            old: old.map(|node| Found { pointer: self.old.clone(), node }),
            new: new.map(|node| Found { pointer: self.new.clone(), node }),
        });
    }

    // Runs `work` one step further down on the sides that have such a step.
    fn below(&mut self, old: Option<impl FnOnce(&mut String)>, new: Option<impl FnOnce(&mut String)>, work: impl FnOnce(&mut Self)) {
        let (old_length, new_length) = (self.old.len(), self.new.len());
        if let Some(push) = old {
            push(&mut self.old);
        }
        if let Some(push) = new {
            push(&mut self.new);
        }
        work(self);
        self.old.truncate(old_length);
        self.new.truncate(new_length);
    }
}

impl Comparer {
    /// For records of that shape, whose `x-key` at items of lists determines how those are matched.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, digester: RecordHasher) -> Self {
        let keys = AnnotationIndex::new(shape, |part| {
            let pointers = match annotation_index::compile_annotation(part, "x-key")? {
                Value::String(pointer) => vec![pointer],
                Value::Array(list) => list.iter().filter_map(|pointer| pointer.as_str().map(str::to_owned)).collect(),
                _ => return None,
            };
            Some(Key::new(pointers))
        });
        let obvious = OBVIOUS.iter().map(|name| Key::new(vec![format!("/{name}")])).collect();
        Self { keys, obvious, digester }
    }

    /// A number that only equal records share.
    #[must_use]
    pub fn digest(&self, record: Node<'_>) -> u128 {
        self.digester.record(record)
    }

    /// The differences between two records: members in the order of the new one, removed ones last.
    #[must_use]
    pub fn changes<'o, 'n>(&self, old: Node<'o>, new: Node<'n>) -> Vec<Change<'o, 'n>> {
        let mut walk = Walk { old: String::new(), new: String::new(), changes: Vec::new() };
        let here = ComparedPair { old, new, state: self.keys.root(), path: self.digester.ignored().start() };
        self.value(&here, &mut walk);
        walk.changes
    }

    fn value<'o, 'n>(&self, here: &ComparedPair<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        match (here.old.kind(), here.new.kind()) {
            (Kind::Object, Kind::Object) => self.object(here, walk),
            (Kind::Array, Kind::Array) => self.list(here, walk),
            _ if here.old.same(here.new) => {}
            _ => walk.emit(ChangeKind::Changed, Some(here.old), Some(here.new)),
        }
    }

    fn object<'o, 'n>(&self, here: &ComparedPair<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        let ignored = self.digester.ignored();
        for member in here.new.members() {
            let name = member.key.text();
            // The last of duplicates is visited once, at its own place.
            if here.new.get(name).is_none_or(|last| last.id() != member.value.id()) {
                continue;
            }
            let Some(path) = ignored.below(&here.path, name) else { continue };
            let push = |text: &mut String| pointer::push(text, name);
            match here.old.get(name) {
                Some(old) => walk.below(Some(push), Some(push), |walk| {
                    let (_, state) = self.keys.member(here.state, &member);
                    self.value(&ComparedPair { old, new: member.value, state, path }, walk);
                }),
                None => walk.below(None::<fn(&mut String)>, Some(push), |walk| walk.emit(ChangeKind::Added, None, Some(member.value))),
            }
        }
        for member in here.old.members() {
            let name = member.key.text();
            let last = here.old.get(name).is_some_and(|last| last.id() == member.value.id());
            if last && here.new.get(name).is_none() && ignored.below(&here.path, name).is_some() {
                let push = |text: &mut String| pointer::push(text, name);
                walk.below(Some(push), None::<fn(&mut String)>, |walk| walk.emit(ChangeKind::Removed, Some(member.value), None));
            }
        }
    }

    fn list<'o, 'n>(&self, here: &ComparedPair<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        let (old, new) = (self.items(here.old, here), self.items(here.new, here));
        let partners = self.partners(&old, &new);
        for step in list::steps(old.len(), &partners) {
            match step {
                Step::Both { old: at, new: to, moved } => {
                    let (old, new) = (&old[at], &new[to]);
                    let push = |index: usize| move |text: &mut String| pointer::push_index(text, index);
                    walk.below(Some(push(old.index)), Some(push(new.index)), |walk| {
                        if moved {
                            walk.emit(ChangeKind::Moved, Some(old.node), Some(new.node));
                        }
                        let path = new.path.clone();
                        self.value(&ComparedPair { old: old.node, new: new.node, state: new.state, path }, walk);
                    });
                }
                Step::Removed(at) => {
                    let item = &old[at];
                    let push = |text: &mut String| pointer::push_index(text, item.index);
                    walk.below(Some(push), None::<fn(&mut String)>, |walk| walk.emit(ChangeKind::Removed, Some(item.node), None));
                }
                Step::Added(at) => {
                    let item = &new[at];
                    let push = |text: &mut String| pointer::push_index(text, item.index);
                    walk.below(None::<fn(&mut String)>, Some(push), |walk| walk.emit(ChangeKind::Added, None, Some(item.node)));
                }
            }
        }
    }

    fn items<'t>(&self, list: Node<'t>, here: &ComparedPair<'_, '_>) -> Vec<Item<'t>> {
        let items = list.items().enumerate().filter_map(|(index, node)| {
            let path = self.digester.ignored().item(&here.path, index)?;
            Some(Item { index, node, path, state: self.keys.item(here.state, index) })
        });
        items.collect()
    }

    // The partner of each new item: by the schema's key, by an obvious one, else by equality and similarity.
    fn partners(&self, old: &[Item<'_>], new: &[Item<'_>]) -> Vec<Option<Partner>> {
        if old.is_empty() || new.is_empty() {
            return vec![None; new.len()];
        }
        for key in self.keys.annotation(new[0].state).into_iter().chain(&self.obvious) {
            if let (Some(old), Some(new)) = (self.distinct(key, old), self.distinct(key, new)) {
                return list::by_key(&old, &new);
            }
        }
        let digests = |items: &[Item<'_>]| items.iter().map(|item| self.digester.value(item.node, &item.path)).collect::<Vec<_>>();
        list::by_equality(&digests(old), &digests(new), |a, b| self.likeness(&old[a], &new[b]))
    }

    // The keys of all items, if they are unique.
    fn distinct(&self, key: &Key, items: &[Item<'_>]) -> Option<Vec<u128>> {
        let keys: Vec<u128> = items.iter().map(|item| self.digester.key(key, item.node)).collect::<Option<_>>()?;
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(keys)
    }

    // The similarity of two different items, from 0 for unrelated ones.
    fn likeness(&self, old: &Item<'_>, new: &Item<'_>) -> u32 {
        match (old.node.kind(), new.node.kind()) {
            (Kind::Object, Kind::Object) => {
                let digest = |item: &Item<'_>, name: &str| {
                    let path = self.digester.ignored().below(&item.path, name)?;
                    Some(self.digester.value(item.node.get(name)?, &path))
                };
                let counts = |item: &Item<'_>| item.node.members().filter(|member| digest(item, member.key.text()).is_some()).count();
                let both =
                    new.node.members().map(|member| member.key.text()).filter_map(|name| Some((digest(old, name)?, digest(new, name)?)));
                let both: Vec<(u128, u128)> = both.collect();
                let same = both.iter().filter(|(old, new)| old == new).count();
                let all = counts(old) + counts(new) - both.len();
                if same == 0 && all > 1 { 0 } else { 1 + (100 * same / all.max(1)) as u32 }
            }
            (Kind::Array, Kind::Array) => 1,
            (Kind::Object | Kind::Array, _) | (_, Kind::Object | Kind::Array) => 0,
            _ => 1,
        }
    }
}

// An item that is compared.
struct Item<'t> {
    index: usize,
    node: Node<'t>,
    path: IgnorePath,
    state: StateId,
}
