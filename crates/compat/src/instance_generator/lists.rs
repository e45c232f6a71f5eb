//! Arrays and objects.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{InstanceGenerator, LONGEST};
use crate::samples;
use chancery_core::tree::Node;
use chancery_schema::registry::At;

impl InstanceGenerator<'_> {
    pub(super) fn arrays(&self, elements: &[At], depth: usize) -> Vec<Value> {
        let least = self.count(elements, "minItems", true).unwrap_or(0);
        let most = self.count(elements, "maxItems", false).unwrap_or(usize::MAX);
        let asked = usize::from(elements.iter().any(|at| self.side.sub(Some(*at), "contains").is_some()));
        let listed = elements.iter().map(|at| self.side.items(Some(*at)).0.len()).max().unwrap_or(0);
        let mut sizes = vec![least.max(asked), least.max(1), least + 1, least + 2, listed, listed + 1];
        sizes.extend(Some(most).filter(|most| *most <= 64));
        let mut seen = HashSet::new();
        sizes.retain(|size| *size >= least && *size <= most && seen.insert(*size));
        let mut made: Vec<Value> =
            sizes.into_iter().filter_map(|size| self.array(elements, size, false, depth)).map(Value::Array).collect();
        // The same thing twice, for lists in which nothing may come again.
        let twice = made.iter().filter_map(Value::as_array).find(|list| list.len() == 1).map(|list| json!([list[0], list[0]]));
        made.extend(twice);
        made
    }

    pub(super) fn item(&self, elements: &[At], index: usize) -> Vec<At> {
        let of = |at: &At| {
            let (listed, rest) = self.side.items(Some(*at));
            listed.get(index).copied().or(rest)
        };
        elements.iter().filter_map(of).collect()
    }

    // An array of that size, of which the last item or every one is of the kind that is searched for.
    pub(super) fn array(&self, elements: &[At], size: usize, every: bool, depth: usize) -> Option<Vec<Value>> {
        if size > LONGEST || self.is_exhausted() {
            return None;
        }
        let distinct = elements.iter().any(|at| self.side.keyword(Some(*at), "uniqueItems").is_some_and(|flag| flag.text() == "true"));
        let asked: Vec<At> = elements.iter().filter_map(|at| self.side.sub(Some(*at), "contains")).collect();
        let mut list: Vec<Value> = Vec::new();
        for index in 0..size {
            let mut all = self.item(elements, index);
            if every || index + 1 == size {
                all.extend(&asked);
            }
            let mut choice = if all.is_empty() { vec![json!(1), json!("x"), json!(2)] } else { self.values(&all, depth - 1) };
            if distinct {
                choice.retain(|value| !list.contains(value));
            }
            // A list of many is filled with whatever distinguishes its items.
            let filler = || json!(index + 100);
            let value = choice.into_iter().next().or_else(|| (all.is_empty() && distinct).then(filler))?;
            list.push(value);
        }
        Some(list)
    }

    // What holds for a member.
    pub(super) fn member(&self, elements: &[At], name: &str) -> Vec<At> {
        elements
            .iter()
            .flat_map(|at| {
                let declared = self.side.named(Some(*at), "properties").into_iter().find(|(known, _)| *known == name).map(|(_, sub)| sub);
                let undeclared = self.side.undeclared(Some(*at), name).unwrap_or_default();
                let fitting =
                    |sub: &At| declared.is_none() || self.side.named(Some(*at), "patternProperties").iter().any(|(_, known)| known == sub);
                declared.into_iter().chain(undeclared.into_iter().filter(fitting)).collect::<Vec<_>>()
            })
            .collect()
    }

    pub(super) fn objects(&self, elements: &[At], depth: usize) -> Vec<Value> {
        let least = self.count(elements, "minProperties", true).unwrap_or(0);
        let mut declared: Vec<&str> = Vec::new();
        for at in elements {
            for (name, _) in self.side.named(Some(*at), "properties") {
                if !declared.contains(&name) {
                    declared.push(name);
                }
            }
        }
        let mut wanted: Vec<Vec<String>> = vec![Vec::new()];
        wanted.extend(declared.iter().take(12).map(|name| vec![(*name).to_owned()]));
        wanted.push(declared.iter().take(32).map(|name| (*name).to_owned()).collect());
        let patterns = elements.iter().flat_map(|at| self.side.named(Some(*at), "patternProperties"));
        wanted.extend(patterns.take(4).filter_map(|(pattern, _)| samples::matching(pattern, 0).into_iter().next()).map(|name| vec![name]));
        wanted.push(vec![self.undeclared_name(elements)]);
        let mut made: Vec<Value> = Vec::new();
        for names in wanted {
            if let Some(object) = self.object(elements, &names, least, depth).map(Value::Object)
                && !made.contains(&object)
            {
                made.push(object);
            }
        }
        made
    }

    // A name without a rule of its own.
    pub(super) fn undeclared_name(&self, elements: &[At]) -> String {
        let free = |name: &str| {
            elements.iter().all(|at| {
                let here = Some(*at);
                self.side.named(here, "properties").iter().all(|(known, _)| *known != name)
                    && self.side.named(here, "patternProperties").iter().all(|(pattern, _)| self.side.fits(pattern, name) == Some(false))
            })
        };
        let by_rule = elements.iter().filter_map(|at| self.side.sub(Some(*at), "propertyNames")).flat_map(|names| self.values(&[names], 2));
        let by_rule = by_rule.filter_map(|name| name.as_str().map(str::to_owned));
        let plain = ["other", "x", "Other", "0", "_other", "other-1", "~"].map(str::to_owned);
        by_rule.chain(plain).find(|name| free(name)).unwrap_or_else(|| "other".to_owned())
    }

    // An object with the members that are required, these, and as many more as it takes.
    pub(super) fn object(&self, elements: &[At], names: &[String], least: usize, depth: usize) -> Option<Map<String, Value>> {
        if self.is_exhausted() || least > LONGEST {
            return None;
        }
        let mut elements = elements.to_vec();
        let mut wanted: Vec<String> = Vec::new();
        let want = |name: &str, wanted: &mut Vec<String>| {
            if !wanted.iter().any(|known| known == name) {
                wanted.push(name.to_owned());
            }
        };
        names.iter().for_each(|name| want(name, &mut wanted));
        // What is asked for beside a member may ask for more.
        for _ in 0..4 {
            for at in elements.clone() {
                let required = self.side.keyword(Some(at), "required").into_iter().flat_map(Node::items);
                required.for_each(|name| want(name.text(), &mut wanted));
                for (trigger, names) in self.side.needed_beside(Some(at)) {
                    if wanted.iter().any(|known| known == trigger) {
                        names.iter().for_each(|name| want(name, &mut wanted));
                    }
                }
                for (trigger, sub) in self.side.holding_beside(Some(at)) {
                    if wanted.iter().any(|known| known == trigger) && !elements.contains(&sub) {
                        elements.extend(self.flat(&[sub]).0);
                    }
                }
            }
        }
        let declared: Vec<&str> = elements.iter().flat_map(|at| self.side.named(Some(*at), "properties")).map(|(name, _)| name).collect();
        for name in declared {
            if wanted.len() < least {
                want(name, &mut wanted);
            }
        }
        let mut number = 0;
        while wanted.len() < least {
            number += 1;
            want(&format!("{}{number}", self.undeclared_name(&elements)), &mut wanted);
        }
        let mut object = Map::new();
        for name in wanted {
            let all = self.member(&elements, &name);
            let value = if all.is_empty() { json!(1) } else { self.values(&all, depth.checked_sub(1)?).into_iter().next()? };
            object.insert(name, value);
        }
        Some(object)
    }
}
