//! The walk through two schemas side by side, which names what changed, each at the data it bears on.
//!
//! Of each change it says whether it asks for more (narrows), for less (widens), or may do both. That is a sound judgement of
//! the whole where nothing narrows: every demand of the new schema is then met by a demand of the old one in the same place.
//! (Not so where nothing widens; that is asked by walking the other way round.) Where a schema looks back at what other parts
//! of it have seen (`unevaluatedProperties` and its like), the walk is opaque.

mod object_keywords;
mod applicators;
mod equivalence;
mod assertions;

use std::collections::HashSet;

use super::Direction;
use super::schema_view::{Role, SchemaView};
use chancery_core::diagnostic::{Place, quote};
use chancery_core::tree::{self, Kind, Node, pointer};
use chancery_schema::registry::At;
use jsonschema::Draft;

/// Formats that every draft knows.
const OLD_FORMATS: &[&str] = &["date-time", "email", "hostname", "ipv4", "ipv6", "uri"];

/// What the walk came to.
pub struct StructuralDiff<'s> {
    /// The changes, in the order of the old schema.
    pub found: Vec<StructuralChange<'s>>,
    /// Whether the changes are incomplete.
    pub opaque: bool,
}

/// A step from the record towards the value that a change bears on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the member of that name.
    Member(String),
    /// To a member whose name matches.
    Pattern(String),
    /// To a member without a rule of its own.
    Other,
    /// To the item of that index.
    Item(usize),
    /// To the name of a member.
    Name,
    /// To an item that is searched for.
    Contains,
    /// Nowhere: this subschema has to hold for the value.
    In(At),
    /// Nowhere: the value has a member of that name.
    Beside(String),
    /// To where no example can be made to order: below `not`.
    Away,
}

/// Whether a demand counts as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Polarity {
    /// More there is more in all.
    Same,
    /// More there is less in all.
    Reversed,
    /// Any change may be either.
    Either,
}

/// A change.
pub struct StructuralChange<'s> {
    pub pointer: String,
    pub message: String,
    pub old: Option<Place>,
    pub new: Option<Place>,
    pub wording: bool,
    /// The subschemas where it stands; `None` for anything.
    pub subs: (Option<At>, Option<At>),
    /// The keyword that changed; empty for a subschema as a whole.
    pub keyword: String,
    /// The values of the keyword that changed.
    pub keywords: (Option<Node<'s>>, Option<Node<'s>>),
    /// The member that a demand for members is about.
    pub member: Option<String>,
    /// The member beside which something is asked.
    pub beside: Option<String>,
    pub alternatives: (Vec<Step>, Vec<Step>),
    pub polarity: Polarity,
    narrows: bool,
    widens: bool,
    /// Whether JSON Schema has no say in it.
    pub foreign: bool,
}

impl StructuralChange<'_> {
    /// Whether it may make data invalid that has to stay valid.
    pub fn harms(&self, direction: Direction) -> bool {
        match (self.polarity, direction) {
            (Polarity::Either, _) => self.narrows || self.widens,
            (Polarity::Same, Direction::Backward) | (Polarity::Reversed, Direction::Forward) => self.narrows,
            _ => self.widens,
        }
    }
}

// What a change does to the set of values that are taken.
#[derive(Clone, Copy)]
enum Effect {
    Narrows,
    Widens,
    Both,
    Neither,
}

// Where the walk stands.
#[derive(Clone)]
struct DiffPath {
    pointer: String,
    alternatives: (Vec<Step>, Vec<Step>),
    polarity: Polarity,
}

impl DiffPath {
    fn below(&self, token: &str, step: Step) -> Self {
        let mut below = self.clone();
        below.pointer.push('/');
        below.pointer.push_str(token);
        below.alternatives.0.push(step.clone());
        below.alternatives.1.push(step);
        below
    }

    fn member(&self, name: &str) -> Self {
        self.below(&pointer::escape(name), Step::Member(name.to_owned()))
    }

    fn pattern(&self, pattern: &str) -> Self {
        self.below(&format!("({pattern})"), Step::Pattern(pattern.to_owned()))
    }

    fn others(&self) -> Self {
        self.below("(others)", Step::Other)
    }

    fn inside(&self, old: Option<At>, new: Option<At>) -> Self {
        let mut inside = self.clone();
        inside.alternatives.0.extend(old.map(Step::In));
        inside.alternatives.1.extend(new.map(Step::In));
        inside
    }

    fn turned(&self, polarity: Polarity) -> Self {
        let polarity = match (self.polarity, polarity) {
            (Polarity::Either, _) | (_, Polarity::Either) => Polarity::Either,
            (one, other) if one == other => Polarity::Same,
            _ => Polarity::Reversed,
        };
        Self { polarity, ..self.clone() }
    }
}

struct DiffWalk<'s> {
    old: SchemaView<'s>,
    new: SchemaView<'s>,
    seen: HashSet<(Option<At>, Option<At>, Polarity)>,
    walked: StructuralDiff<'s>,
}

/// Walks through both.
pub fn structural_diff<'s>(old: SchemaView<'s>, new: SchemaView<'s>) -> StructuralDiff<'s> {
    let mut walk = DiffWalk { old, new, seen: HashSet::new(), walked: StructuralDiff { found: Vec::new(), opaque: false } };
    let here = DiffPath { pointer: String::new(), alternatives: (Vec::new(), Vec::new()), polarity: Polarity::Same };
    walk.draft(&here);
    walk.pair(Some(old.schema.root_at()), Some(new.schema.root_at()), &here);
    walk.walked
}

impl<'s> DiffWalk<'s> {
    fn draft(&mut self, here: &DiffPath) {
        let (old, new) = (self.old.schema.root_at(), self.new.schema.root_at());
        let drafts = (self.old.draft(old), self.new.draft(new));
        // A metaschema of the user's own may give keywords another meaning.
        self.walked.opaque |= drafts.0 == Draft::Unknown || drafts.1 == Draft::Unknown;
        if drafts.0 != drafts.1 {
            // In draft 4 a number such as 1.0 is no integer; for the rest, drafts mean the same by what they share.
            let effect = effect(drafts.1 == Draft::Draft4, drafts.0 == Draft::Draft4);
            let message = format!("draft {} → {}", draft_name(drafts.0), draft_name(drafts.1));
            self.emit(here, (Some(old), Some(new)), "$schema", &message, effect);
        }
    }

    // Reports a change of a keyword.
    fn emit(&mut self, here: &DiffPath, subs: (Option<At>, Option<At>), keyword: &str, message: &str, effect: Effect) {
        let node = |side: SchemaView<'s>, at: Option<At>| {
            if keyword.is_empty() { at.map(|at| side.node(at)) } else { side.node(at?).get(keyword) }
        };
        let keywords = (node(self.old, subs.0), node(self.new, subs.1));
        let place = |side: SchemaView<'s>, at: Option<At>, node: Option<Node<'s>>| node.and_then(|_| side.place(at, keyword));
        self.walked.found.push(StructuralChange {
            pointer: here.pointer.clone(),
            message: message.to_owned(),
            old: place(self.old, subs.0, keywords.0),
            new: place(self.new, subs.1, keywords.1),
            wording: false,
            subs,
            keyword: keyword.to_owned(),
            keywords,
            member: None,
            beside: None,
            alternatives: here.alternatives.clone(),
            polarity: here.polarity,
            narrows: matches!(effect, Effect::Narrows | Effect::Both),
            widens: matches!(effect, Effect::Widens | Effect::Both),
            foreign: false,
        });
    }

    fn last(&mut self) -> Option<&mut StructuralChange<'s>> {
        self.walked.found.last_mut()
    }

    fn pair(&mut self, old: Option<At>, new: Option<At>, here: &DiffPath) {
        let subs = (self.old.followed(old), self.new.followed(new));
        if self.same(subs.0, subs.1, true, &mut HashSet::new()) || !self.seen.insert((subs.0, subs.1, here.polarity)) {
            return;
        }
        match (self.old.is_none(subs.0), self.new.is_none(subs.1)) {
            (true, true) => return,
            (false, true) => return self.emit(here, subs, "", "no value is accepted any more", Effect::Narrows),
            (true, false) => return self.emit(here, subs, "", "values are accepted now, none were before", Effect::Widens),
            (false, false) => {}
        }
        self.wording(subs, here);
        self.types(subs, here);
        self.choices(subs, here);
        self.bounds(subs, here);
        self.plain(subs, here);
        self.required(subs, here);
        self.members(subs, here);
        self.items(subs, here);
        self.contains(subs, here);
        self.in_place(subs, here);
        self.alternatives(subs, here);
        self.conditions(subs, here);
        self.not(subs, here);
        self.unevaluated(subs, here);
        self.ours(subs, here);
    }

    fn wording(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let (Some(old), Some(new)) = subs else { return };
        let (one, other) = (self.old.node(old), self.new.node(new));
        let mut names: Vec<&str> = one.members().chain(other.members()).map(|member| member.key.text()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            if self.old.role(old, name) != Role::Wording || self.new.role(new, name) != Role::Wording {
                continue;
            }
            let what = match (one.get(name), other.get(name)) {
                (Some(a), Some(b)) if a.same(b) => continue,
                (Some(_), Some(_)) => "changed",
                (Some(_), None) => "removed",
                _ => "added",
            };
            let remark = if SchemaView::is_known_wording(name) { String::new() } else { ", which is not a keyword".to_owned() };
            self.emit(here, subs, name, &format!("{} {what}{remark}", quote(name, false)), Effect::Neither);
            if let Some(found) = self.last() {
                found.wording = true;
            }
        }
    }

    fn ours(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        for keyword in ["x-key", "x-check"] {
            let get = |side: SchemaView<'s>, at: Option<At>| side.node(at?).get(keyword);
            let (what, effect) = match (get(self.old, subs.0), get(self.new, subs.1)) {
                (Some(old), Some(new)) if !old.same(new) => ("changed", Effect::Both),
                (None, Some(_)) => ("added", Effect::Narrows),
                (Some(_), None) => ("removed", Effect::Widens),
                _ => continue,
            };
            self.emit(here, subs, keyword, &format!("{keyword} {what}, which the check of records asserts"), effect);
            if let Some(found) = self.last() {
                found.foreign = true;
            }
        }
    }
}

fn effect(narrows: bool, widens: bool) -> Effect {
    match (narrows, widens) {
        (true, true) => Effect::Both,
        (true, false) => Effect::Narrows,
        (false, true) => Effect::Widens,
        (false, false) => Effect::Neither,
    }
}

// A value of a schema, cut where it is long.
fn shown(node: Node<'_>) -> String {
    if node.kind() == Kind::String {
        return quote(node.text(), true);
    }
    let mut text = Vec::new();
    tree::json(node, &mut text);
    quote(&String::from_utf8_lossy(&text), false)
}

fn draft_name(draft: Draft) -> &'static str {
    match draft {
        Draft::Draft4 => "4",
        Draft::Draft6 => "6",
        Draft::Draft7 => "7",
        Draft::Draft201909 => "2019-09",
        Draft::Draft202012 => "2020-12",
        _ => "of its own",
    }
}
