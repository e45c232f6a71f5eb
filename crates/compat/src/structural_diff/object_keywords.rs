//! Keywords about members: those that are declared, those that a pattern names, and the others.

use super::{DiffPath, DiffWalk, Effect, Step};
use crate::samples;
use crate::schema_view::SchemaView;
use chancery_core::diagnostic::{Place, quote};
use chancery_schema::registry::At;

impl DiffWalk<'_> {
    pub(super) fn members(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let (old, new) = (self.old.named(subs.0, "properties"), self.new.named(subs.1, "properties"));
        let known = |list: &[(&str, At)], name: &str| list.iter().find(|(known, _)| *known == name).map(|(_, sub)| *sub);
        for (name, was) in &old {
            let here = here.member(name);
            match (known(&new, name), self.new.undeclared(subs.1, name)) {
                (Some(is), _) => self.pair(Some(*was), Some(is), &here),
                // A pattern that cannot be tried may fit the name.
                (None, None) => self.unclear(subs, &here, "has no schema of its own any more", Some((*name).to_owned())),
                (None, Some(governing)) => self.member_gone(*was, &governing, subs.1, &here),
            }
        }
        for (name, is) in new.iter().filter(|(name, _)| known(&old, name).is_none()) {
            let here = here.member(name);
            match self.old.undeclared(subs.0, name) {
                None => self.unclear(subs, &here, "has its own schema now", Some((*name).to_owned())),
                Some(governing) => self.member_come(*is, governing.first().copied(), subs.0, &here),
            }
        }
        self.patterns(subs, here);
        let (old_others, new_others) = (self.old.sub(subs.0, "additionalProperties"), self.new.sub(subs.1, "additionalProperties"));
        self.others(subs, "additionalProperties", (old_others, new_others), here);
        let names = here.below("(names)", Step::Name);
        self.pair(self.old.sub(subs.0, "propertyNames"), self.new.sub(subs.1, "propertyNames"), &names);
        self.beside(subs, here);
    }

    // A change below an object whose meaning depends on the whole object; `name` is that of a member it is about.
    pub(super) fn unclear(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath, message: &str, name: Option<String>) {
        let mut around = here.clone();
        around.alternatives.0.pop();
        around.alternatives.1.pop();
        self.emit(&around, subs, "", message, Effect::Both);
        if let Some(found) = self.last() {
            found.beside = name;
        }
    }

    pub(super) fn member_gone(&mut self, was: At, governing: &[At], around: Option<At>, here: &DiffPath) {
        match governing {
            [] if self.old.is_any(Some(was)) => {}
            [] => self.emit(here, (Some(was), None), "", "has no schema any more", Effect::Widens),
            _ => {
                for is in governing {
                    if self.new.is_none(Some(*is)) && !self.old.is_none(Some(was)) {
                        self.emit(here, (Some(was), Some(*is)), "", "is not allowed any more", Effect::Narrows);
                        let place = self.new.place(around, "additionalProperties");
                        if let Some(found) = self.last() {
                            found.new = place.or(found.new.take());
                        }
                    } else {
                        self.pair(Some(was), Some(*is), here);
                    }
                }
            }
        }
    }

    pub(super) fn member_come(&mut self, is: At, governing: Option<At>, around: Option<At>, here: &DiffPath) {
        match governing {
            None if self.new.is_any(Some(is)) => {}
            None => self.emit(here, (None, Some(is)), "", "has a schema now, anything was accepted before", Effect::Narrows),
            Some(was) if self.old.is_none(Some(was)) && !self.new.is_none(Some(is)) => {
                self.emit(here, (Some(was), Some(is)), "", "is allowed now", Effect::Widens);
                let place = self.old.place(around, "additionalProperties");
                if let Some(found) = self.last() {
                    found.old = place.or(found.old.take());
                }
            }
            Some(was) => self.pair(Some(was), Some(is), here),
        }
    }

    pub(super) fn patterns(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let (old, new) = (self.old.named(subs.0, "patternProperties"), self.new.named(subs.1, "patternProperties"));
        let known = |list: &[(&str, At)], pattern: &str| list.iter().find(|(known, _)| *known == pattern).map(|(_, sub)| *sub);
        for (pattern, was) in &old {
            let here = here.pattern(pattern);
            match known(&new, pattern) {
                Some(is) => self.pair(Some(*was), Some(is), &here),
                None => match self.new.sub(subs.1, "additionalProperties") {
                    None if self.old.is_any(Some(*was)) => {}
                    None => self.emit(&here, (Some(*was), None), "", "these members have no schema any more", Effect::Widens),
                    Some(is) if self.new.is_none(Some(is)) && !self.old.is_none(Some(*was)) => {
                        self.emit(&here, (Some(*was), Some(is)), "", "these members are not allowed any more", Effect::Narrows);
                    }
                    Some(is) => self.pair(Some(*was), Some(is), &here),
                },
            }
        }
        for (pattern, is) in new.iter().filter(|(pattern, _)| known(&old, pattern).is_none()) {
            let here = here.pattern(pattern);
            let was = self.old.sub(subs.0, "additionalProperties");
            let free = self.old.named(subs.0, "properties").iter().all(|(name, _)| self.old.fits(pattern, name) == Some(false));
            let forbidden = self.old.is_none(was) && old.is_empty() && free;
            if forbidden {
                self.emit(&here, (was, Some(*is)), "", "these members are allowed now", Effect::Widens);
            } else if !self.new.is_any(Some(*is)) {
                // What held for them before is said in several places.
                let name = samples::matching(pattern, 0).into_iter().next();
                self.unclear(subs, &here, "these members have their own schema now", name);
                let keyword = Some(self.new.node(*is));
                if let Some(found) = self.last() {
                    found.keywords.1 = keyword;
                    found.new = keyword.map(|node| Place::new(node.tree().source(), node.opening()));
                }
            } else if !self.old.is_any(was) {
                self.emit(&here, (was, Some(*is)), "", "these members have no schema any more", Effect::Widens);
            }
        }
    }

    // What is said of members (or items) without a rule of their own.
    pub(super) fn others(&mut self, subs: (Option<At>, Option<At>), keyword: &str, others: (Option<At>, Option<At>), here: &DiffPath) {
        let phrase = match (self.old.is_none(others.0), self.new.is_none(others.1)) {
            (false, true) => Some(("closed: others are not allowed any more", Effect::Narrows)),
            (true, false) => Some(("opened: others are allowed now", Effect::Widens)),
            _ => None,
        };
        let below = here.others();
        match phrase {
            Some((phrase, effect)) => {
                self.emit(here, subs, keyword, &format!("{keyword} {phrase}"), effect);
                if let Some(found) = self.last() {
                    found.pointer = below.pointer;
                }
            }
            None => self.pair(others.0, others.1, &below),
        }
    }

    pub(super) fn beside(&mut self, subs: (Option<At>, Option<At>), here: &DiffPath) {
        let (old, new) = (self.old.holding_beside(subs.0), self.new.holding_beside(subs.1));
        let known = |list: &[(&str, At)], name: &str| list.iter().find(|(known, _)| *known == name).map(|(_, sub)| *sub);
        let keyword =
            |side: SchemaView<'_>, at| if side.keyword(at, "dependentSchemas").is_some() { "dependentSchemas" } else { "dependencies" };
        for (trigger, was) in &old {
            match known(&new, trigger) {
                Some(is) => {
                    let mut inside = here.inside(Some(*was), Some(is));
                    inside.alternatives.0.push(Step::Beside((*trigger).to_owned()));
                    inside.alternatives.1.push(Step::Beside((*trigger).to_owned()));
                    self.pair(Some(*was), Some(is), &inside);
                }
                None if self.old.is_any(Some(*was)) => {}
                None => {
                    let message = format!("nothing more is required beside {}", quote(trigger, true));
                    self.emit(here, subs, keyword(self.old, subs.0), &message, Effect::Widens);
                }
            }
        }
        let come = new.iter().filter(|(trigger, is)| known(&old, trigger).is_none() && !self.new.is_any(Some(*is)));
        for (trigger, _) in come.collect::<Vec<_>>() {
            self.emit(here, subs, keyword(self.new, subs.1), &format!("more is required beside {}", quote(trigger, true)), Effect::Narrows);
            if let Some(found) = self.last() {
                found.beside = Some((*trigger).to_owned());
            }
        }
    }
}
