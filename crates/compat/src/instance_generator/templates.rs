//! Records with a gap at a certain place, into which candidates are put.

use serde_json::{Map, Value};

use super::{DEPTH, InstanceGenerator, WORK};
use crate::samples;
use crate::structural_diff::Step;
use chancery_schema::registry::At;

// Stands where something is to be filled in; no schema asks for it.
const GAP: &str = "\u{0}gap\u{0}";

impl InstanceGenerator<'_> {
    /// Records with a gap where the steps lead, to be filled with [`fill`].
    pub fn templates(&self, root: At, steps: &[Step]) -> Vec<Value> {
        self.remaining.set(WORK);
        self.placed(&[root], &[], steps, DEPTH)
    }

    /// All that holds for the value to which the steps lead.
    pub fn holding(&self, root: At, steps: &[Step]) -> Vec<At> {
        let mut all = vec![root];
        for step in steps {
            match step {
                Step::In(at) => {
                    all.push(*at);
                    continue;
                }
                Step::Beside(_) => continue,
                _ => {}
            }
            let elements = self.flat(&all).0;
            all = match step {
                Step::Member(name) => self.member(&elements, name),
                Step::Pattern(pattern) => samples::matching(pattern, 0).first().map_or_else(Vec::new, |name| self.member(&elements, name)),
                Step::Other => self.member(&elements, &self.undeclared_name(&elements)),
                Step::Item(index) => self.item(&elements, *index),
                Step::Contains => {
                    let asked = elements.iter().filter_map(|at| self.side.sub(Some(*at), "contains"));
                    self.item(&elements, 0).into_iter().chain(asked).collect()
                }
                Step::Name => elements.iter().filter_map(|at| self.side.sub(Some(*at), "propertyNames")).collect(),
                Step::In(_) | Step::Beside(_) | Step::Away => Vec::new(),
            };
        }
        all
    }

    // Values for which `all` holds and that have the members `with`, with a gap where the steps lead.
    fn placed(&self, all: &[At], with: &[String], steps: &[Step], depth: usize) -> Vec<Value> {
        const FEW: usize = 3;
        let Some((step, rest)) = steps.split_first() else { return vec![Value::from(GAP)] };
        if depth == 0 || self.is_exhausted() {
            return Vec::new();
        }
        match step {
            Step::In(at) => return self.placed(&[all, &[*at]].concat(), with, rest, depth - 1),
            Step::Beside(name) => return self.placed(all, &[with, std::slice::from_ref(name)].concat(), rest, depth - 1),
            _ => {}
        }
        let mut made = Vec::new();
        for elements in self.combinations(all).into_iter().take(2 * FEW) {
            let name = match step {
                Step::Member(name) => Some(name.clone()),
                Step::Pattern(pattern) => samples::matching(pattern, 0).into_iter().next(),
                Step::Other => Some(self.undeclared_name(&elements)),
                Step::Name => Some(GAP.to_owned()),
                _ => None,
            };
            match (step, name) {
                (Step::Item(_) | Step::Contains, _) => {
                    let index = if let Step::Item(index) = step { *index } else { 0 };
                    let least = self.count(&elements, "minItems", true).unwrap_or(0);
                    let inside = self.placed(&self.item(&elements, index), &[], rest, depth - 1);
                    let sizes = [least.max(index + 1), index + 2];
                    for base in sizes.into_iter().filter_map(|size| self.array(&elements, size, false, depth - 1)) {
                        for inner in &inside {
                            let mut base = base.clone();
                            if let Some(slot) = base.get_mut(index) {
                                *slot = inner.clone();
                                made.push(Value::Array(base));
                            }
                        }
                    }
                }
                (_, Some(name)) => {
                    let least = self.count(&elements, "minProperties", true).unwrap_or(0);
                    let members = [with, std::slice::from_ref(&name)].concat();
                    let Some(base) = self.object(&elements, &members, least, depth).or_else(|| self.object(&elements, with, 0, depth))
                    else {
                        continue;
                    };
                    let inside = if *step == Step::Name {
                        base.get(&name).cloned().into_iter().collect()
                    } else {
                        self.placed(&self.member(&elements, &name), &[], rest, depth - 1)
                    };
                    for inner in inside.into_iter().take(FEW) {
                        let mut base = base.clone();
                        base.insert(name.clone(), inner);
                        made.push(Value::Object(base));
                    }
                }
                _ => {}
            }
        }
        made.truncate(4 * FEW);
        made
    }
}

/// The frame with its gap filled; a gap that is a name takes texts only.
#[must_use]
pub fn fill(frame: &Value, value: &Value) -> Option<Value> {
    Some(match frame {
        Value::String(text) if text == GAP => value.clone(),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, value)).collect::<Option<_>>()?),
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, member) in members {
                let name = if name == GAP { value.as_str()?.to_owned() } else { name.clone() };
                filled.insert(name, fill(member, value)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}
