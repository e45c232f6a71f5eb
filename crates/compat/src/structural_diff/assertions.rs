//! Keywords that ask something of a value by itself: its type, its limits, its text, and which members it must have.

use super::{DiffPath, DiffWalk, Effect, OLD_FORMATS, effect, shown};
use crate::schema_view::SchemaView;
use chancery_core::diagnostic::{Place, quote};
use chancery_core::tree::number::Decimal;
use chancery_core::tree::{Kind, Node, pointer};
use chancery_schema::messages;
use chancery_schema::registry::At;
use chancery_schema::shape::Types;

impl<'s> DiffWalk<'s> {
    pub(super) fn types(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let old = types(self.old.keyword(subs.0, "type"));
        let new = types(self.new.keyword(subs.1, "type"));
        if old == new {
            return;
        }
        let words = |types: Types| if types == Types::ANY { "any".to_owned() } else { types.names().join(" or ") };
        let (lost, gained) = (old.without(new) != Types::NONE, new.without(old) != Types::NONE);
        self.emit(here, subs, "type", &format!("type {} → {}", words(old), words(new)), effect(lost, gained));
    }

    pub(super) fn choices(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let keyword = |side: SchemaView<'s>, at: Option<At>| if side.keyword(at, "const").is_some() { "const" } else { "enum" };
        let choices = |side: SchemaView<'s>, at: Option<At>| {
            let list = side.keyword(at, "enum").map(|list| list.items().collect::<Vec<_>>());
            match (side.keyword(at, "const"), list) {
                (Some(one), Some(list)) => Some(list.into_iter().filter(|node| node.same(one)).collect()),
                (Some(one), None) => Some(vec![one]),
                (None, list) => list,
            }
        };
        let names = (keyword(self.old, subs.0), keyword(self.new, subs.1));
        let shown = |list: &[Node<'_>]| messages::either(list.iter().map(|node| shown(*node)).collect());
        match (choices(self.old, subs.0), choices(self.new, subs.1)) {
            (None, None) => {}
            (None, Some(new)) => self.emit(here, subs, names.1, &format!("only {} is accepted now", shown(&new)), Effect::Narrows),
            (Some(old), None) => self.emit(here, subs, names.0, &format!("no longer limited to {}", shown(&old)), Effect::Widens),
            (Some(old), Some(new)) => {
                let without = |list: &[Node<'s>], other: &[Node<'s>]| -> Vec<Node<'s>> {
                    list.iter().filter(|node| !other.iter().any(|other| other.same(**node))).copied().collect()
                };
                let (lost, gained) = (without(&old, &new), without(&new, &old));
                if names == ("const", "const") && !lost.is_empty() {
                    return self.emit(here, subs, "const", &format!("const {} → {}", shown(&old), shown(&new)), Effect::Both);
                }
                let all = |nodes: &[Node<'_>]| messages::list(nodes.iter().map(|node| self::shown(*node)).collect(), "and");
                if !lost.is_empty() {
                    self.emit(here, subs, names.1, &format!("{} lost {}", names.1, all(&lost)), Effect::Narrows);
                    if let Some(found) = self.last() {
                        // The values that went are in the old schema.
                        found.old = lost.first().map(|node| Place::new(node.tree().source(), node.span()));
                    }
                }
                if !gained.is_empty() {
                    self.emit(here, subs, names.1, &format!("{} gained {}", names.1, all(&gained)), Effect::Widens);
                    if let Some(found) = self.last() {
                        found.new = gained.first().map(|node| Place::new(node.tree().source(), node.span()));
                    }
                }
            }
        }
    }

    pub(super) fn bounds(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        for (keyword, upper) in [
            ("maximum", true),
            ("exclusiveMaximum", true),
            ("minimum", false),
            ("exclusiveMinimum", false),
            ("maxLength", true),
            ("minLength", false),
            ("maxItems", true),
            ("minItems", false),
            ("maxProperties", true),
            ("minProperties", false),
        ] {
            self.bound(subs, keyword, upper, here);
        }
    }

    pub(super) fn bound(&mut self, subs: (Option<At>, Option<At>), keyword: &str, upper: bool, here: &DiffPath) {
        let (old, new) = (self.old.keyword(subs.0, keyword), self.new.keyword(subs.1, keyword));
        let number = |node: Node<'_>| Decimal::parse(node.text());
        // A smallest number of 0 asks for nothing.
        let asks = |node: &Node<'_>| {
            node.text() != "false" && (upper || !keyword.starts_with("min") || keyword == "minimum" || node.text() != "0")
        };
        match (old.filter(asks), new.filter(asks)) {
            (Some(old), Some(new)) if !old.same(new) => {
                let effect = match (number(old), number(new)) {
                    (Some(old), Some(new)) => effect((new < old) == upper, (new < old) != upper),
                    _ => Effect::Both,
                };
                self.emit(here, subs, keyword, &format!("{keyword} {} → {}", shown(old), shown(new)), effect);
            }
            (None, Some(new)) => self.emit(here, subs, keyword, &format!("{keyword} {} added", shown(new)), Effect::Narrows),
            (Some(old), None) => self.emit(here, subs, keyword, &format!("{keyword} {} removed", shown(old)), Effect::Widens),
            _ => {}
        }
    }

    // Keywords with a plain value of which more cannot be said.
    pub(super) fn plain(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        for keyword in ["multipleOf", "pattern", "format", "contentMediaType", "contentEncoding", "uniqueItems"] {
            let asks = |node: &Node<'_>| node.text() != "false" || keyword != "uniqueItems";
            let (old, new) = (self.old.keyword(subs.0, keyword).filter(asks), self.new.keyword(subs.1, keyword).filter(asks));
            let phrase = |node: Node<'_>| if keyword == "uniqueItems" { String::new() } else { format!(" {}", shown(node)) };
            match (old, new) {
                (Some(old), Some(new)) if !old.same(new) => {
                    let effect = if keyword == "multipleOf" { multiples(old, new) } else { Effect::Both };
                    self.emit(here, subs, keyword, &format!("{keyword} {} → {}", shown(old), shown(new)), effect);
                }
                // What a draft knows as a format, it asserts; these are known to all of them.
                (Some(old), Some(_)) if keyword == "format" && self.drafts_differ(subs) && !OLD_FORMATS.contains(&old.text()) => {
                    self.emit(here, subs, keyword, &format!("format {} is read by another draft", shown(old)), Effect::Both);
                }
                (None, Some(new)) => self.emit(here, subs, keyword, &format!("{keyword}{} added", phrase(new)), Effect::Narrows),
                (Some(old), None) => self.emit(here, subs, keyword, &format!("{keyword}{} removed", phrase(old)), Effect::Widens),
                _ => {}
            }
        }
    }

    pub(super) fn required(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let names = |node: Option<Node<'s>>| -> Vec<&'s str> {
            node.into_iter().filter(|node| node.kind() == Kind::Array).flat_map(Node::items).map(Node::text).collect()
        };
        let old = names(self.old.keyword(subs.0, "required"));
        let new = names(self.new.keyword(subs.1, "required"));
        self.needed(subs, here, "required", &old, &new, "");
        let (old, new) = (self.old.needed_beside(subs.0), self.new.needed_beside(subs.1));
        let mut triggers: Vec<&str> = old.iter().chain(&new).map(|(trigger, _)| *trigger).collect();
        triggers.sort_unstable();
        triggers.dedup();
        for trigger in triggers {
            let of = |list: &[(&'s str, Vec<&'s str>)]| -> Vec<&'s str> {
                list.iter().filter(|(name, _)| *name == trigger).flat_map(|(_, names)| names.iter().copied()).collect()
            };
            let beside = format!(" beside {}", quote(trigger, true));
            let keyword = |side: SchemaView<'_>, at| {
                if side.keyword(at, "dependentRequired").is_some() { "dependentRequired" } else { "dependencies" }
            };
            let keyword = if subs.1.is_some() { keyword(self.new, subs.1) } else { keyword(self.old, subs.0) };
            let from = self.walked.found.len();
            self.needed(subs, here, keyword, &of(&old), &of(&new), &beside);
            self.walked.found[from..].iter_mut().for_each(|found| found.beside = Some(trigger.to_owned()));
        }
    }

    pub(super) fn needed(
        &mut self,
        subs: (Option<At>, Option<At>),
        here: &DiffPath,
        keyword: &str,
        old: &[&str],
        new: &[&str],
        beside: &str,
    ) {
        let changes = old
            .iter()
            .filter(|name| !new.contains(name))
            .map(|name| (*name, "is no longer required", Effect::Widens))
            .chain(new.iter().filter(|name| !old.contains(name)).map(|name| (*name, "became required", Effect::Narrows)));
        for (name, what, effect) in changes {
            self.emit(here, subs, keyword, &format!("{what}{beside}"), effect);
            if let Some(found) = self.last() {
                pointer::push(&mut found.pointer, name);
                found.member = Some(name.to_owned());
                // The name itself, where it is in a list of them.
                let item = |list: Option<Node<'_>>| {
                    list?.items().find(|item| item.text() == name).map(|item| Place::new(item.tree().source(), item.span()))
                };
                found.old = item(found.keywords.0).or(found.old.take());
                found.new = item(found.keywords.1).or(found.new.take());
            }
        }
    }
}

fn types(node: Option<Node<'_>>) -> Types {
    let Some(node) = node else { return Types::ANY };
    let one = |node: Node<'_>| Types::named(node.text()).unwrap_or(Types::NONE);
    if node.kind() == Kind::Array { node.items().map(one).fold(Types::NONE, Types::or) } else { one(node) }
}

// Multiples of ten are multiples of five.
fn multiples(old: Node<'_>, new: Node<'_>) -> Effect {
    let number = |node: Node<'_>| node.text().parse::<f64>().ok().filter(|number| *number > 0.0);
    match (number(old), number(new)) {
        (Some(old), Some(new)) if old % new == 0.0 => Effect::Widens,
        (Some(old), Some(new)) if new % old == 0.0 => Effect::Narrows,
        _ => Effect::Both,
    }
}
