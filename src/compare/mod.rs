//! The comparison: two trees in, what differs between them out.
//!
//! Values are equal as JSON says: numbers by their decimal value, so that `1.0` is `1`, members in any order, and of members
//! that are there twice the last. Missing, null and `""` are three things. Each difference is a [`Change`] with its place on
//! both sides; what [`Ignored`] names takes no part.
//!
//! Start with [`Comparer::changes`]. [`pairing`] says which record of one collection belongs to which of another, and
//! [`encoded`] turns records into bytes and back, so that they can wait for each other.

mod digest;
mod ignored;
mod list;
pub mod pairing;
pub mod encoded;

use std::sync::Arc;

use serde_json::Value;

pub use digest::{Digester, Key};
pub use ignored::Ignored;

use crate::schema::Shape;
use crate::schema::guide::{self, Guide, Station};
use crate::tree::{Kind, Node, pointer};
use ignored::Way;
use list::{Partner, Step};

/// Members by which items of a list are known where the schema names none, the surest first.
const OBVIOUS: &[&str] = &["id", "@id", "uuid", "key", "code"];

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// An item that stands elsewhere among its neighbours; what changed inside it are changes of their own.
    Moved,
}

impl What {
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

/// A value on one side: where it stands in its record, and what it is.
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
    pub what: What,
    /// The value as it was; `None` where it was added.
    pub old: Option<Found<'o>>,
    /// The value as it is; `None` where it was removed.
    pub new: Option<Found<'n>>,
}

impl Change<'_, '_> {
    /// Where it happened: in the new record, and in the old one where the new one has no such place.
    #[must_use]
    pub fn pointer(&self) -> &str {
        let new = self.new.as_ref().map(|found| found.pointer.as_str());
        new.or(self.old.as_ref().map(|found| found.pointer.as_str())).unwrap_or_default()
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'r> {
    /// Its key, where it has one.
    pub key: Option<&'r str>,
    /// By what the two were found to be the same record; `None` for one that was added or removed.
    pub by: Option<pairing::By>,
    /// The record as it was.
    pub old: Option<Node<'r>>,
    /// The record as it is.
    pub new: Option<Node<'r>>,
    /// What changed in it.
    pub changes: &'r [Change<'r, 'r>],
}

impl Difference<'_> {
    /// What happened to the record as a whole.
    #[must_use]
    pub const fn what(&self) -> What {
        match (&self.old, &self.new) {
            (None, _) => What::Added,
            (_, None) => What::Removed,
            _ => What::Changed,
        }
    }
}

/// Compares records of one schema.
#[derive(Debug)]
pub struct Comparer {
    // What the schema says items of lists are known by.
    keys: Guide<Key>,
    obvious: Vec<Key>,
    digester: Digester,
}

// Where the walk stands on both sides at once.
struct Here<'o, 'n> {
    old: Node<'o>,
    new: Node<'n>,
    station: Station,
    way: Way,
}

struct Walk<'o, 'n> {
    old: String,
    new: String,
    changes: Vec<Change<'o, 'n>>,
}

impl<'o, 'n> Walk<'o, 'n> {
    fn note(&mut self, what: What, old: Option<Node<'o>>, new: Option<Node<'n>>) {
        self.changes.push(Change {
            what,
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
    /// For records of that shape, whose `x-key` at items of lists says how those are paired.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, digester: Digester) -> Self {
        let keys = Guide::new(shape, |part| {
            let pointers = match guide::annotation(part, "x-key")? {
                Value::String(pointer) => vec![pointer],
                Value::Array(list) => list.iter().filter_map(|pointer| pointer.as_str().map(str::to_owned)).collect(),
                _ => return None,
            };
            Some(Key::new(pointers))
        });
        let obvious = OBVIOUS.iter().map(|name| Key::new(vec![format!("/{name}")])).collect();
        Self { keys, obvious, digester }
    }

    /// A number that equal records share, and others do not.
    #[must_use]
    pub fn digest(&self, record: Node<'_>) -> u128 {
        self.digester.record(record)
    }

    /// What differs between two records: members in the order of the new one, those that are gone behind them.
    #[must_use]
    pub fn changes<'o, 'n>(&self, old: Node<'o>, new: Node<'n>) -> Vec<Change<'o, 'n>> {
        let mut walk = Walk { old: String::new(), new: String::new(), changes: Vec::new() };
        let here = Here { old, new, station: self.keys.root(), way: self.digester.ignored().start() };
        self.value(&here, &mut walk);
        walk.changes
    }

    fn value<'o, 'n>(&self, here: &Here<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        match (here.old.kind(), here.new.kind()) {
            (Kind::Object, Kind::Object) => self.object(here, walk),
            (Kind::Array, Kind::Array) => self.list(here, walk),
            _ if here.old.same(here.new) => {}
            _ => walk.note(What::Changed, Some(here.old), Some(here.new)),
        }
    }

    fn object<'o, 'n>(&self, here: &Here<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        let ignored = self.digester.ignored();
        for member in here.new.members() {
            let name = member.key.text();
            // The last of duplicates is met once, at its own place.
            if here.new.get(name).is_none_or(|last| last.id() != member.value.id()) {
                continue;
            }
            let Some(way) = ignored.below(&here.way, name) else { continue };
            let push = |text: &mut String| pointer::push(text, name);
            match here.old.get(name) {
                Some(old) => walk.below(Some(push), Some(push), |walk| {
                    let (_, station) = self.keys.member(here.station, &member);
                    self.value(&Here { old, new: member.value, station, way }, walk);
                }),
                None => walk.below(None::<fn(&mut String)>, Some(push), |walk| walk.note(What::Added, None, Some(member.value))),
            }
        }
        for member in here.old.members() {
            let name = member.key.text();
            let last = here.old.get(name).is_some_and(|last| last.id() == member.value.id());
            if last && here.new.get(name).is_none() && ignored.below(&here.way, name).is_some() {
                let push = |text: &mut String| pointer::push(text, name);
                walk.below(Some(push), None::<fn(&mut String)>, |walk| walk.note(What::Removed, Some(member.value), None));
            }
        }
    }

    fn list<'o, 'n>(&self, here: &Here<'o, 'n>, walk: &mut Walk<'o, 'n>) {
        let (old, new) = (self.items(here.old, here), self.items(here.new, here));
        let partners = self.partners(&old, &new);
        for step in list::steps(old.len(), &partners) {
            match step {
                Step::Both { old: at, new: to, moved } => {
                    let (old, new) = (&old[at], &new[to]);
                    let push = |index: usize| move |text: &mut String| pointer::push_index(text, index);
                    walk.below(Some(push(old.index)), Some(push(new.index)), |walk| {
                        if moved {
                            walk.note(What::Moved, Some(old.node), Some(new.node));
                        }
                        let way = new.way.clone();
                        self.value(&Here { old: old.node, new: new.node, station: new.station, way }, walk);
                    });
                }
                Step::Removed(at) => {
                    let item = &old[at];
                    let push = |text: &mut String| pointer::push_index(text, item.index);
                    walk.below(Some(push), None::<fn(&mut String)>, |walk| walk.note(What::Removed, Some(item.node), None));
                }
                Step::Added(at) => {
                    let item = &new[at];
                    let push = |text: &mut String| pointer::push_index(text, item.index);
                    walk.below(None::<fn(&mut String)>, Some(push), |walk| walk.note(What::Added, None, Some(item.node)));
                }
            }
        }
    }

    fn items<'t>(&self, list: Node<'t>, here: &Here<'_, '_>) -> Vec<Item<'t>> {
        let items = list.items().enumerate().filter_map(|(index, node)| {
            let way = self.digester.ignored().item(&here.way, index)?;
            Some(Item { index, node, way, station: self.keys.item(here.station, index) })
        });
        items.collect()
    }

    // Which old item each new one is: by the schema's key, by an obvious one, else by what is equal and what is alike.
    fn partners(&self, old: &[Item<'_>], new: &[Item<'_>]) -> Vec<Option<Partner>> {
        if old.is_empty() || new.is_empty() {
            return vec![None; new.len()];
        }
        for key in self.keys.task(new[0].station).into_iter().chain(&self.obvious) {
            if let (Some(old), Some(new)) = (self.distinct(key, old), self.distinct(key, new)) {
                return list::by_key(&old, &new);
            }
        }
        let digests = |items: &[Item<'_>]| items.iter().map(|item| self.digester.value(item.node, &item.way)).collect::<Vec<_>>();
        list::by_equality(&digests(old), &digests(new), |a, b| self.likeness(&old[a], &new[b]))
    }

    // The keys of all items, if each has one of its own.
    fn distinct(&self, key: &Key, items: &[Item<'_>]) -> Option<Vec<u128>> {
        let keys: Vec<u128> = items.iter().map(|item| self.digester.key(key, item.node)).collect::<Option<_>>()?;
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(keys)
    }

    // How much two items that differ have in common, from 0 for things that are not the same one.
    fn likeness(&self, old: &Item<'_>, new: &Item<'_>) -> u32 {
        match (old.node.kind(), new.node.kind()) {
            (Kind::Object, Kind::Object) => {
                let digest = |item: &Item<'_>, name: &str| {
                    let way = self.digester.ignored().below(&item.way, name)?;
                    Some(self.digester.value(item.node.get(name)?, &way))
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

// An item that takes part.
struct Item<'t> {
    index: usize,
    node: Node<'t>,
    way: Way,
    station: Station,
}
