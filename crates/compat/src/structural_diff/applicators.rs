//! Keywords about items, and keywords that hold for the same value: all of these, one of these, if this, not this.

use jsonschema::Draft;

use super::{DiffPath, DiffWalk, Effect, Polarity, Step, effect, shown};
use crate::schema_view::SchemaView;
use chancery_core::diagnostic::quote;
use chancery_core::tree::Node;
use chancery_core::tree::number::Decimal;
use chancery_schema::messages;
use chancery_schema::registry::At;

impl<'s> DiffWalk<'s> {
    pub(super) fn items(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let ((old, old_rest), (new, new_rest)) = (self.old.items(subs.0), self.new.items(subs.1));
        let longest = old.len().max(new.len());
        for index in 0..longest {
            let was = old.get(index).copied().or(old_rest);
            let is = new.get(index).copied().or(new_rest);
            self.pair(was, is, &here.below(&index.to_string(), Step::Item(index)));
        }
        self.pair(old_rest, new_rest, &here.below("*", Step::Item(longest)));
    }

    pub(super) fn contains(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let (old, new) = (self.old.sub(subs.0, "contains"), self.new.sub(subs.1, "contains"));
        let least = |side: SchemaView<'s>, at: Option<At>| side.keyword(at, "minContains").filter(|_| !is_old(side.draft_of(at)));
        let most = |side: SchemaView<'s>, at: Option<At>| side.keyword(at, "maxContains").filter(|_| !is_old(side.draft_of(at)));
        let (old_most, new_most) = (most(self.old, subs.0), most(self.new, subs.1));
        let none = |node: Option<Node<'_>>| node.is_some_and(|node| node.text() == "0");
        match (old, new) {
            (None, None) => return,
            (None, Some(_)) if none(least(self.new, subs.1)) && new_most.is_none() => return,
            (None, Some(_)) => return self.emit(here, subs, "contains", "an item of a certain kind is required now", Effect::Narrows),
            (Some(_), None) => return self.emit(here, subs, "contains", "no item of a certain kind is required any more", Effect::Widens),
            (Some(old), Some(new)) => {
                let polarity = if old_most.is_some() || new_most.is_some() { Polarity::Either } else { Polarity::Same };
                self.pair(Some(old), Some(new), &here.turned(polarity).below("*", Step::Contains));
            }
        }
        let number = |node: Option<Node<'_>>| node.map_or(Decimal::parse("1"), |node| Decimal::parse(node.text()));
        let (old_least, new_least) = (least(self.old, subs.0), least(self.new, subs.1));
        if number(old_least) != number(new_least) {
            let words = |node: Option<Node<'_>>| node.map_or_else(|| "1".to_owned(), shown);
            let narrows = number(new_least) > number(old_least);
            self.emit(
                here,
                subs,
                "minContains",
                &format!("minContains {} → {}", words(old_least), words(new_least)),
                effect(narrows, !narrows),
            );
        }
        self.bound(subs, "maxContains", true, here);
    }

    // References beside other keywords and `allOf`: all of them have to hold.
    pub(super) fn in_place(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let all = |side: SchemaView<'s>, at: Option<At>| {
            let mut all = side.reference_target(at);
            all.extend(side.listed(at, "allOf"));
            all
        };
        let (old, new) = (all(self.old, subs.0), all(self.new, subs.1));
        let (pairs, gone, come) = self.matched(&old, &new);
        for (was, is) in pairs {
            self.pair(Some(was), Some(is), &here.inside(Some(was), Some(is)));
        }
        for was in gone.into_iter().filter(|was| !self.old.is_any(Some(*was))).collect::<Vec<_>>() {
            self.emit(here, (Some(was), None), "", "this is not required any more", Effect::Widens);
            if let Some(found) = self.last() {
                found.subs.1 = subs.1;
            }
        }
        for is in come.into_iter().filter(|is| !self.new.is_any(Some(*is))).collect::<Vec<_>>() {
            self.emit(here, (None, Some(is)), "", "this is also required now", Effect::Narrows);
            if let Some(found) = self.last() {
                // What it asks for is to be compared with all that was asked for in this place.
                found.subs.0 = subs.0;
            }
        }
        let strange = (subs.0.and_then(|at| self.old.unknown_keyword(at)), subs.1.and_then(|at| self.new.unknown_keyword(at)));
        if strange.0 != strange.1 {
            let words = |text: Option<&str>| text.map_or_else(|| "none".to_owned(), |text| quote(text, true));
            self.emit(here, subs, "$ref", &format!("reference {} → {}", words(strange.0), words(strange.1)), Effect::Both);
        }
        let dynamic = |side: SchemaView<'s>, at| ["$dynamicRef", "$recursiveRef"].iter().any(|name| side.keyword(at, name).is_some());
        self.walked.opaque |= dynamic(self.old, subs.0) || dynamic(self.new, subs.1);
    }

    pub(super) fn alternatives(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        for (keyword, strict) in [("anyOf", false), ("oneOf", true)] {
            let (old, new) = (self.old.listed(subs.0, keyword), self.new.listed(subs.1, keyword));
            match (old.is_empty(), new.is_empty()) {
                (true, true) => continue,
                (true, false) => {
                    self.emit(
                        here,
                        subs,
                        keyword,
                        &format!("{keyword}: {} now", messages::count(new.len() as u64, "alternative")),
                        Effect::Narrows,
                    );
                    continue;
                }
                (false, true) => {
                    self.emit(here, subs, keyword, &format!("{keyword}: no alternatives any more"), Effect::Widens);
                    continue;
                }
                (false, false) => {}
            }
            let (pairs, gone, come) = self.matched(&old, &new);
            let polarity = if strict { Polarity::Either } else { Polarity::Same };
            for (was, is) in pairs {
                self.pair(Some(was), Some(is), &here.turned(polarity).inside(Some(was), Some(is)));
            }
            for was in gone {
                let effect = if strict { Effect::Both } else { Effect::Narrows };
                self.emit(&here.inside(Some(was), None), (Some(was), None), "", &format!("{keyword} lost this alternative"), effect);
                let place = self.new.place(subs.1, keyword);
                let node = self.new.keyword(subs.1, keyword);
                if let Some(found) = self.last() {
                    (found.new, found.keywords.1, found.subs.1) = (place, node, subs.1);
                }
            }
            for is in come {
                let effect = if strict { Effect::Both } else { Effect::Widens };
                self.emit(&here.inside(None, Some(is)), (None, Some(is)), "", &format!("{keyword} gained this alternative"), effect);
                let place = self.old.place(subs.0, keyword);
                let node = self.old.keyword(subs.0, keyword);
                let list = self.new.keyword(subs.1, keyword);
                if let Some(found) = self.last() {
                    (found.old, found.keywords.0, found.subs.0) = (place, node, subs.0);
                    found.keywords.1 = list;
                    found.subs.1 = subs.1;
                }
            }
        }
    }

    pub(super) fn conditions(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let part = |side: SchemaView<'s>, at: Option<At>, name: &str| side.sub(at, name).filter(|_| side.sub(at, "if").is_some());
        let asks = |side: SchemaView<'s>, at: Option<At>| ["then", "else"].iter().any(|name| !side.is_any(part(side, at, name)));
        let (old_asks, new_asks) = (asks(self.old, subs.0), asks(self.new, subs.1));
        match (self.old.sub(subs.0, "if").filter(|_| old_asks), self.new.sub(subs.1, "if").filter(|_| new_asks)) {
            (None, None) => {}
            (None, Some(_)) => self.emit(here, subs, "if", "a condition was added", Effect::Narrows),
            (Some(_), None) => self.emit(here, subs, "if", "the condition was removed", Effect::Widens),
            (Some(old), Some(new)) if self.alike(old, new) => {
                let branches = [("then", true), ("else", false)];
                for (name, holds) in branches {
                    let (was, is) = (part(self.old, subs.0, name), part(self.new, subs.1, name));
                    let here = if holds { here.inside(Some(old), Some(new)) } else { here.clone() };
                    self.pair(was, is, &here.inside(was, is));
                }
            }
            (Some(_), Some(_)) => self.emit(here, subs, "if", "the condition changed", Effect::Both),
        }
    }

    pub(super) fn not(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        match (self.old.sub(subs.0, "not"), self.new.sub(subs.1, "not")) {
            (None, None) => {}
            (None, Some(_)) => self.emit(here, subs, "not", "not: values are excluded now", Effect::Narrows),
            (Some(_), None) => self.emit(here, subs, "not", "not: no values are excluded any more", Effect::Widens),
            (old, new) => {
                let mut here = here.turned(Polarity::Reversed);
                here.alternatives.0.push(Step::Away);
                here.alternatives.1.push(Step::Away);
                self.pair(old, new, &here);
            }
        }
    }

    pub(super) fn unevaluated(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            let others = (self.old.sub(subs.0, keyword), self.new.sub(subs.1, keyword));
            if others.0.is_some() || others.1.is_some() {
                self.walked.opaque = true;
                self.others(subs, keyword, others, here);
            }
        }
    }
}

fn is_old(draft: Draft) -> bool {
    matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7)
}
