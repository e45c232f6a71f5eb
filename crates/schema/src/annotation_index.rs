//! What a schema asks to be done at each of its parts, compiled once, so that a tree can be walked in step with the schema.
//!
//! Normalisation, facts and references each make a [`AnnotationIndex`] of their own tasks. Parts below which there is no task are
//! known beforehand and skipped, and members are found by the hash that their keys already carry.

use std::sync::Arc;

use serde_json::Value;

use super::json_impl::to_value;
use super::shape::{Part, Shape};
use chancery_core::diagnostic::{Diagnostic, Safety, hint, quote, rules};
use chancery_core::tree::{Kind, Member, Node, key_hash, pointer};

/// Where a walk is in the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateId(u32);

/// Tasks of type `T` at the parts of a shape.
#[derive(Debug)]
pub struct AnnotationIndex<T> {
    shape: Arc<Shape>,
    // By the part's number.
    entries: Vec<Option<Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    annotation: Option<T>,
    // Whether this part or one below it has a task.
    has_descendants: bool,
    // Hash of the name and part of each declared member, in the order of the schema.
    members: Box<[(u32, StateId)]>,
}

/// A value met on a walk, with the way that leads to it.
#[derive(Clone, Copy)]
pub struct Cursor<'f, 't> {
    /// The list or object around it; `None` for the record.
    pub above: Option<&'f Cursor<'f, 't>>,
    /// How it hangs there.
    pub token: Token<'t>,
    /// The value.
    pub node: Node<'t>,
    /// Its part of the shape.
    pub state: StateId,
}

/// A step from a list or object to a value in it.
#[derive(Clone, Copy)]
pub enum Token<'t> {
    /// The member of that name; the record itself has none.
    Member(&'t str),
    /// The item of that index.
    Item(usize),
}

impl<'t> Cursor<'_, 't> {
    /// The object whose member the value is.
    #[must_use]
    pub fn object(&self) -> Option<Node<'t>> {
        self.above.map(|above| above.node).filter(|node| node.kind() == Kind::Object)
    }

    /// Its JSON pointer, without the search that [`Node::pointer`] is.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }

    /// The JSON pointer of one of its members.
    #[must_use]
    pub fn pointer_to(&self, member: &str) -> String {
        let mut pointer = self.pointer();
        pointer::push(&mut pointer, member);
        pointer
    }

    fn write(&self, pointer: &mut String) {
        let Some(above) = self.above else { return };
        above.write(pointer);
        match self.token {
            Token::Member(name) => pointer::push(pointer, name),
            Token::Item(index) => pointer::push_index(pointer, index),
        }
    }
}

impl<T> AnnotationIndex<T> {
    /// Asks `task` for what is to be done at each part.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, mut task: impl FnMut(Part<'_>) -> Option<T>) -> Self {
        let mut stops: Vec<Option<Entry<T>>> = Vec::new();
        let mut edges: Vec<(u32, u32)> = Vec::new();
        let mut next = vec![shape.root()];
        while let Some(part) = next.pop() {
            let index = part.id() as usize;
            if stops.len() <= index {
                stops.resize_with(index + 1, || None);
            }
            if stops[index].is_some() {
                continue;
            }
            let members = part.members().map(|(name, member)| (key_hash(name), StateId(member.id()))).collect();
            let task = task(part);
            stops[index] = Some(Entry { has_descendants: task.is_some(), annotation: task, members });
            let named = part.members().chain(part.patterns()).map(|(_, member)| member).chain(part.others());
            for below in named.chain((0..=part.prefix_len()).map(|item| part.item(item))) {
                edges.push((part.id(), below.id()));
                next.push(below);
            }
        }
        // A part is busy when one below it is; shapes may refer to themselves, so this runs until nothing changes.
        let busy = |stops: &[Option<Entry<T>>], id: u32| stops[id as usize].as_ref().is_some_and(|stop| stop.has_descendants);
        let mut changed = true;
        while changed {
            changed = false;
            for &(above, below) in &edges {
                if busy(&stops, below) && !busy(&stops, above) {
                    stops[above as usize].iter_mut().for_each(|stop| stop.has_descendants = true);
                    changed = true;
                }
            }
        }
        Self { shape: Arc::clone(shape), entries: stops }
    }

    fn entry(&self, at: StateId) -> Option<&Entry<T>> {
        self.entries.get(at.0 as usize)?.as_ref()
    }

    /// The record's station.
    #[must_use]
    pub fn root(&self) -> StateId {
        StateId(self.shape.root().id())
    }

    /// The start of a walk.
    #[must_use]
    pub fn record<'t>(&self, node: Node<'t>) -> Cursor<'t, 't> {
        Cursor { above: None, token: Token::Member(""), node, state: self.root() }
    }

    /// Calls `each` with the members or items of a value.
    pub fn children<'t>(&self, here: &Cursor<'_, 't>, mut each: impl FnMut(&Cursor<'_, 't>)) {
        for member in here.node.members() {
            let (_, state) = self.member(here.state, &member);
            each(&Cursor { above: Some(here), token: Token::Member(member.key.text()), node: member.value, state });
        }
        for (index, node) in here.node.items().enumerate() {
            each(&Cursor { above: Some(here), token: Token::Item(index), node, state: self.item(here.state, index) });
        }
    }

    /// Whether there is anything to do at all.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.has_descendants(self.root())
    }

    /// Whether there is anything to do here or below.
    #[must_use]
    pub fn has_descendants(&self, at: StateId) -> bool {
        self.entry(at).is_some_and(|stop| stop.has_descendants)
    }

    /// What is to be done here.
    #[must_use]
    pub fn annotation(&self, at: StateId) -> Option<&T> {
        self.entry(at)?.annotation.as_ref()
    }

    /// The station of a member, and its rank among the declared ones; others rank last.
    #[must_use]
    pub fn member(&self, at: StateId, member: &Member<'_>) -> (usize, StateId) {
        let (hash, name) = (member.hash(), member.key.text());
        let found = self.entry(at).and_then(|stop| {
            let rank = stop.members.iter().position(|(known, _)| *known == hash)?;
            Some((rank, stop.members[rank].1))
        });
        // Two names may share a hash.
        found.filter(|(rank, _)| self.shape.part(at.0).name(*rank) == Some(name)).unwrap_or_else(|| self.named(at, name))
    }

    /// As [`AnnotationIndex::member`], by name.
    #[must_use]
    pub fn named(&self, at: StateId, name: &str) -> (usize, StateId) {
        let part = self.shape.part(at.0);
        (part.position(name).unwrap_or(usize::MAX), StateId(part.member(name).id()))
    }

    /// The station of an item.
    #[must_use]
    pub fn item(&self, at: StateId, index: usize) -> StateId {
        StateId(self.shape.part(at.0).item(index).id())
    }

    /// What `probe` finds in the nearest object around a value, or in the objects below that one: those in its members
    /// that `below` names, and in the lists there.
    pub fn nearest<'t, R>(
        &self,
        here: &Cursor<'_, 't>,
        below: impl Fn(&T) -> &[Box<str>],
        mut probe: impl FnMut(&T, Node<'t>, &mut Vec<R>),
    ) -> Vec<R> {
        let mut found = Vec::new();
        let mut look = |node: Node<'t>, at: StateId, found: &mut Vec<R>| {
            if let Some(task) = self.annotation(at) {
                probe(task, node, found);
            }
        };
        let mut next = here.above;
        while let Some(frame) = next.filter(|_| found.is_empty()) {
            next = frame.above;
            let Some(task) = self.annotation(frame.state) else { continue };
            look(frame.node, frame.state, &mut found);
            for name in below(task) {
                let Some(member) = frame.node.member(name) else { continue };
                let (_, state) = self.member(frame.state, &member);
                look(member.value, state, &mut found);
                for (index, item) in member.value.items().enumerate() {
                    look(item, self.item(state, index), &mut found);
                }
            }
        }
        found
    }
}

/// Declared members of `part` that `holds` is true of, or whose items it is true of: where [`AnnotationIndex::nearest`] looks.
pub fn below(part: Part<'_>, holds: impl Fn(Part<'_>) -> bool) -> Vec<Box<str>> {
    part.members().filter(|(_, member)| holds(*member) || holds(member.item(0))).map(|(name, _)| name.into()).collect()
}

/// What the schema says at `part` under a keyword of ours.
#[must_use]
pub fn compile_annotation(part: Part<'_>, keyword: &str) -> Option<Value> {
    part.keyword(keyword).map(to_value)
}

/// What an annotation such as `x-normalise` asks for: a name, an object with a name under `word` and operands, or a list of either.
pub fn requested_names<'s>(annotation: Option<&'s Value>, word: &'s str) -> impl Iterator<Item = (&'s str, &'s Value)> {
    let list = match annotation {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(move |one| Some((one.as_str().or_else(|| one.get(word)?.as_str())?, one)))
}

/// Names in the annotation `keyword` that mean nothing: each at its place in the schema, with the nearest that does.
#[must_use]
pub fn operand_errors(shape: &Arc<Shape>, keyword: &str, word: &str, known: &[&str]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let budget = hint::Budget::default();
    let _ = AnnotationIndex::<()>::new(shape, |part| {
        let annotation = part.keyword(keyword)?;
        let list: Vec<Node<'_>> = if annotation.kind() == Kind::Array { annotation.items().collect() } else { vec![annotation] };
        for one in list {
            let name = if one.kind() == Kind::Object { one.get(word).unwrap_or(one) } else { one };
            if name.kind() == Kind::String && known.contains(&name.text()) {
                continue;
            }
            let shown = if name.kind() == Kind::String { quote(name.text(), true) } else { format!("an {}", name.kind().word()) };
            let message = format!("expected one of {} in {keyword}, found {shown}", known.join(", "));
            let mut diagnostic = Diagnostic::new(&rules::UNKNOWN_ANNOTATION, name.tree().source(), name.opening(), message);
            diagnostic = diagnostic.schema_at(name.pointer());
            if let Some(nearest) = hint::nearest(name.text(), known.iter().copied(), |_| true, &budget) {
                diagnostic = diagnostic.help(format!("did you mean {nearest:?}?")).fix(Safety::Unsafe, name.span(), nearest);
            }
            // Several parts may come from one subschema.
            let same = |other: &Diagnostic| {
                other.schema_pointer == diagnostic.schema_pointer && Arc::ptr_eq(&other.place.source, &diagnostic.place.source)
            };
            if !found.iter().any(same) {
                found.push(diagnostic);
            }
        }
        None
    });
    found
}

/// An operand of an annotation as the name of a member.
#[must_use]
pub fn operand(asked: &Value, name: &str) -> Option<Box<str>> {
    asked.get(name)?.as_str().map(Into::into)
}
