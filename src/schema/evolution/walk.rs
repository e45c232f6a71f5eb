//! The walk through two schemas side by side, which names what changed, each at the data it bears on.
//!
//! Of each change it says whether it asks for more (narrows), for less (widens), or may do both. That is a sound judgement of
//! the whole where nothing narrows: every demand of the new schema is then met by a demand of the old one in the same place.
//! (Not so where nothing widens; that is asked by walking the other way round.) Where a schema looks back at what other parts
//! of it have seen (`unevaluatedProperties` and its like), the walk is opaque.

mod members;
mod parts;
mod same;
mod values;

use std::collections::HashSet;

use super::Direction;
use super::side::{Role, Side};
use crate::diagnostic::{Place, quote};
use crate::schema::library::At;
use crate::tree::{self, Kind, Node, pointer};
use jsonschema::Draft;

/// Formats that every draft knows.
const OLD_FORMATS: &[&str] = &["date-time", "email", "hostname", "ipv4", "ipv6", "uri"];

/// What the walk came to.
pub struct Walked<'s> {
    /// The changes, in the order of the old schema.
    pub found: Vec<Found<'s>>,
    /// Whether the changes do not tell everything.
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

/// Whether a demand counts as it stands.
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
pub struct Found<'s> {
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
    pub ways: (Vec<Step>, Vec<Step>),
    pub polarity: Polarity,
    narrows: bool,
    widens: bool,
    /// Whether JSON Schema has no say in it.
    pub foreign: bool,
}

impl Found<'_> {
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
struct Here {
    pointer: String,
    ways: (Vec<Step>, Vec<Step>),
    polarity: Polarity,
}

impl Here {
    fn below(&self, token: &str, step: Step) -> Self {
        let mut below = self.clone();
        below.pointer.push('/');
        below.pointer.push_str(token);
        below.ways.0.push(step.clone());
        below.ways.1.push(step);
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
        inside.ways.0.extend(old.map(Step::In));
        inside.ways.1.extend(new.map(Step::In));
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

struct Walk<'s> {
    old: Side<'s>,
    new: Side<'s>,
    seen: HashSet<(Option<At>, Option<At>, Polarity)>,
    walked: Walked<'s>,
}

/// Walks through both.
pub fn walk<'s>(old: Side<'s>, new: Side<'s>) -> Walked<'s> {
    let mut walk = Walk { old, new, seen: HashSet::new(), walked: Walked { found: Vec::new(), opaque: false } };
    let here = Here { pointer: String::new(), ways: (Vec::new(), Vec::new()), polarity: Polarity::Same };
    walk.draft(&here);
    walk.pair(Some(old.schema.root_at()), Some(new.schema.root_at()), &here);
    walk.walked
}

impl<'s> Walk<'s> {
    fn draft(&mut self, here: &Here) {
        let (old, new) = (self.old.schema.root_at(), self.new.schema.root_at());
        let drafts = (self.old.draft(old), self.new.draft(new));
        // A metaschema of the user's own may give keywords another meaning.
        self.walked.opaque |= drafts.0 == Draft::Unknown || drafts.1 == Draft::Unknown;
        if drafts.0 != drafts.1 {
            // In draft 4 a number such as 1.0 is no integer; for the rest, drafts mean the same by what they share.
            let effect = effect(drafts.1 == Draft::Draft4, drafts.0 == Draft::Draft4);
            let message = format!("draft {} → {}", draft_name(drafts.0), draft_name(drafts.1));
            self.note(here, (Some(old), Some(new)), "$schema", &message, effect);
        }
    }

    // Notes a change of a keyword.
    fn note(&mut self, here: &Here, subs: (Option<At>, Option<At>), keyword: &str, message: &str, effect: Effect) {
        let node =
            |side: Side<'s>, at: Option<At>| if keyword.is_empty() { at.map(|at| side.node(at)) } else { side.node(at?).get(keyword) };
        let keywords = (node(self.old, subs.0), node(self.new, subs.1));
        let place = |side: Side<'s>, at: Option<At>, node: Option<Node<'s>>| node.and_then(|_| side.place(at, keyword));
        self.walked.found.push(Found {
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
            ways: here.ways.clone(),
            polarity: here.polarity,
            narrows: matches!(effect, Effect::Narrows | Effect::Both),
            widens: matches!(effect, Effect::Widens | Effect::Both),
            foreign: false,
        });
    }

    fn last(&mut self) -> Option<&mut Found<'s>> {
        self.walked.found.last_mut()
    }

    fn pair(&mut self, old: Option<At>, new: Option<At>, here: &Here) {
        let subs = (self.old.followed(old), self.new.followed(new));
        if self.same(subs.0, subs.1, true, &mut HashSet::new()) || !self.seen.insert((subs.0, subs.1, here.polarity)) {
            return;
        }
        match (self.old.is_none(subs.0), self.new.is_none(subs.1)) {
            (true, true) => return,
            (false, true) => return self.note(here, subs, "", "nothing is taken here any more", Effect::Narrows),
            (true, false) => return self.note(here, subs, "", "values are taken here now, none were before", Effect::Widens),
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

    fn wording(&mut self, subs: (Option<At>, Option<At>), here: &Here) {
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
            let noted = if Side::is_known_wording(name) { String::new() } else { ", which is no keyword".to_owned() };
            self.note(here, subs, name, &format!("{} {what}{noted}", quote(name, false)), Effect::Neither);
            if let Some(found) = self.last() {
                found.wording = true;
            }
        }
    }

    fn ours(&mut self, subs: (Option<At>, Option<At>), here: &Here) {
        for keyword in ["x-key", "x-check"] {
            let get = |side: Side<'s>, at: Option<At>| side.node(at?).get(keyword);
            let (what, effect) = match (get(self.old, subs.0), get(self.new, subs.1)) {
                (Some(old), Some(new)) if !old.same(new) => ("changed", Effect::Both),
                (None, Some(_)) => ("added", Effect::Narrows),
                (Some(_), None) => ("removed", Effect::Widens),
                _ => continue,
            };
            self.note(here, subs, keyword, &format!("{keyword} {what}, which the check of records asserts"), effect);
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
