//! Tells whether a record is valid by demands that a schema's plain keywords are compiled to, in two thirds of the time that
//! the validator's walk takes: members are found by the hashes that the reader has made of their names, most of them where
//! the schema's order lets expect them, and patterns are automata.
//!
//! An [`Acceptor`] has no say of its own. What it does not know, it leaves to the validator: a keyword by compiling that one
//! alone, a subschema that is more than that by leaving the record. What is wrong with a record, the validator tells.

mod compile;
mod pattern;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::Value;

use super::spanned::{self, Instance, Spanned};
use super::{Engine, Types, budget};
use crate::tree::{Kind, Member, Node, NodeId, is_same, number};
pub(super) use compile::acceptor;
use pattern::Pattern;

/// The demands of a schema.
pub(super) struct Acceptor {
    demands: Vec<Demand>,
    root: DemandId,
}

type DemandId = u32;

/// What is known on the way through one record.
#[derive(Default)]
struct Walk {
    // How often a value met a demand.
    meetings: Cell<usize>,
    // From when on outcomes are kept.
    few: usize,
    known: RefCell<HashMap<(DemandId, NodeId), bool>>,
}

/// What a subschema demands.
struct Demand {
    // Whether there is more to it than can be said here.
    hard: bool,
    types: Types,
    text: Option<Box<TextDemand>>,
    range: Option<Box<Range>>,
    array: Option<Box<ArrayDemand>>,
    object: Option<Box<ObjectDemand>>,
    // Few values have any of it.
    further: Option<Box<Further>>,
}

/// What is demanded of values of several types.
#[derive(Default)]
struct Further {
    choices: Vec<Choices>,
    left: Option<Arc<Left>>,
    branches: Vec<Branch>,
}

/// The values of an `enum` or a `const`.
struct Choices {
    // The strings, those of many by hash.
    texts: Vec<Box<str>>,
    many: HashSet<Box<str>>,
    // The others, each in the place of its hash.
    others: HashMap<u64, Vec<Value>>,
}

/// Length in characters and patterns of a string.
struct TextDemand {
    least: u64,
    most: u64,
    patterns: Vec<Arc<Pattern>>,
}

/// Limits of a number, all of them below 2^53.
#[derive(Default)]
struct Range {
    least: Option<f64>,
    most: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
}

struct ArrayDemand {
    least: usize,
    most: usize,
    unique: bool,
    prefix: Vec<DemandId>,
    items: Option<DemandId>,
}

struct ObjectDemand {
    least: usize,
    most: usize,
    // In the order of the schema.
    declared: Vec<Declared>,
    // Open addressing by hash: numbers of `declared` plus one, 0 where it is free. The length is a power of two.
    table: Vec<u32>,
    required: usize,
    patterns: Vec<(Arc<Pattern>, DemandId)>,
    // Where the first is there, the others have to be.
    dependent: Vec<(Box<str>, Vec<Box<str>>)>,
    others: Option<DemandId>,
    names: Option<DemandId>,
}

struct Declared {
    hash: u32,
    name: Box<str>,
    // `None` for a name that is required only.
    demand: Option<DemandId>,
    required: bool,
}

/// What applies to the same value.
enum Branch {
    All(Vec<DemandId>),
    Any(Vec<DemandId>),
    One(Vec<DemandId>),
    Not(DemandId),
    When { condition: DemandId, then: Option<DemandId>, otherwise: Option<DemandId> },
}

/// Keywords that are left to the validator, which is compiled when a value first needs it.
struct Left {
    // What they can refuse.
    types: Types,
    schema: Value,
    formats: bool,
    engine: Engine,
    // Says of a text that they plainly admit it.
    plain: Option<fn(&[u8]) -> bool>,
    validator: OnceLock<Option<Validator<Spanned>>>,
}

impl Acceptor {
    /// Whether the record is valid; `None` where only the validator can tell.
    pub(super) fn accepts(&self, record: Node<'_>) -> Option<bool> {
        // Most schemas meet a value a few times. Where it is more, demands are reached in several ways, and each outcome is
        // better kept than found again.
        const FEW: usize = 1024;
        const EACH: usize = 32;
        let walk = Walk { few: FEW + EACH * record.tree().slots(), ..Walk::default() };
        self.holds(self.root, record, &walk)
    }

    fn holds(&self, id: DemandId, node: Node<'_>, walk: &Walk) -> Option<bool> {
        // Beyond this many outcomes the memory counts for more than the time.
        const MOST_KNOWN: usize = 1 << 20;
        let demand = &self.demands[id as usize];
        if demand.hard {
            return None;
        }
        budget::step();
        let met = walk.meetings.get();
        walk.meetings.set(met + 1);
        if met < walk.few || !demand.leads_on() {
            return self.judge(demand, node, walk);
        }
        if let Some(holds) = walk.known.borrow().get(&(id, node.id())) {
            return Some(*holds);
        }
        let holds = self.judge(demand, node, walk)?;
        let mut known = walk.known.borrow_mut();
        if known.len() < MOST_KNOWN {
            known.insert((id, node.id()), holds);
        }
        Some(holds)
    }

    fn judge(&self, demand: &Demand, node: Node<'_>, walk: &Walk) -> Option<bool> {
        let plain = match node.kind() {
            Kind::String => demand.types.admits(Types::STRING) && demand.text.as_ref().map_or(Some(true), |text| text.holds(node))?,
            Kind::Number => demand.takes_number(node.text())?,
            Kind::Array => {
                demand.types.admits(Types::ARRAY) && demand.array.as_ref().map_or(Some(true), |array| self.items(array, node, walk))?
            }
            Kind::Object => {
                demand.types.admits(Types::OBJECT)
                    && demand.object.as_ref().map_or(Some(true), |object| self.members(object, node, walk))?
            }
            kind => demand.types.admits(Types::of(kind)),
        };
        match &demand.further {
            Some(further) if plain => self.further(further, node, walk),
            _ => Some(plain),
        }
    }

    fn further(&self, further: &Further, node: Node<'_>, walk: &Walk) -> Option<bool> {
        if !further.choices.iter().all(|choices| choices.contain(node)) {
            return Some(false);
        }
        if let Some(left) = &further.left
            && left.types.admits(Types::of(node.kind()))
            && !left.plain.is_some_and(|plain| plain(node.bytes()))
            && !left.holds(Instance::Node(node))?
        {
            return Some(false);
        }
        for branch in &further.branches {
            if !self.branch(branch, node, walk)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn branch(&self, branch: &Branch, node: Node<'_>, walk: &Walk) -> Option<bool> {
        Some(match branch {
            Branch::All(demands) => {
                for demand in demands {
                    if !self.holds(*demand, node, walk)? {
                        return Some(false);
                    }
                }
                true
            }
            Branch::Any(demands) => {
                for demand in demands {
                    if self.holds(*demand, node, walk)? {
                        return Some(true);
                    }
                }
                false
            }
            Branch::One(demands) => {
                let mut found = false;
                for demand in demands {
                    let holds = self.holds(*demand, node, walk)?;
                    if holds && found {
                        return Some(false);
                    }
                    found |= holds;
                }
                found
            }
            Branch::Not(demand) => !self.holds(*demand, node, walk)?,
            Branch::When { condition, then, otherwise } => {
                let next = if self.holds(*condition, node, walk)? { then } else { otherwise };
                next.map_or(Some(true), |demand| self.holds(demand, node, walk))?
            }
        })
    }

    fn items(&self, array: &ArrayDemand, node: Node<'_>, walk: &Walk) -> Option<bool> {
        if !(array.least..=array.most).contains(&node.len()) {
            return Some(false);
        }
        for (index, item) in node.items().enumerate() {
            if let Some(demand) = array.prefix.get(index).or(array.items.as_ref())
                && !self.holds(*demand, item, walk)?
            {
                return Some(false);
            }
        }
        Some(!array.unique || spanned::first_repeat(node).is_none())
    }

    fn members(&self, object: &ObjectDemand, node: Node<'_>, walk: &Walk) -> Option<bool> {
        let (mut expected, mut count, mut required) = (0, 0, 0);
        for member in node.members().filter(|member| !member.is_shadowed()) {
            count += 1;
            let mut judged = false;
            if let Some(at) = object.find(member, expected) {
                expected = at + 1;
                let declared = &object.declared[at];
                required += usize::from(declared.required);
                if let Some(demand) = declared.demand {
                    judged = true;
                    if !self.holds(demand, member.value, walk)? {
                        return Some(false);
                    }
                }
            }
            for (pattern, demand) in &object.patterns {
                if pattern.matches(member.key)? {
                    judged = true;
                    if !self.holds(*demand, member.value, walk)? {
                        return Some(false);
                    }
                }
            }
            if let Some(demand) = object.others
                && !judged
                && !self.holds(demand, member.value, walk)?
            {
                return Some(false);
            }
            if let Some(demand) = object.names
                && !self.holds(demand, member.key, walk)?
            {
                return Some(false);
            }
        }
        let has = |name: &str| node.get(name).is_some();
        let dependent = || object.dependent.iter().all(|(name, others)| !has(name) || others.iter().all(|other| has(other)));
        Some(required == object.required && (object.least..=object.most).contains(&count) && dependent())
    }
}

impl Demand {
    // Whether it is about more than the value alone.
    fn leads_on(&self) -> bool {
        self.array.is_some() || self.object.is_some() || self.further.as_ref().is_some_and(|further| !further.branches.is_empty())
    }

    fn takes_number(&self, text: &str) -> Option<bool> {
        let typed = Types::NUMBER.within(self.types) || (self.types.admits(Types::INTEGER) && number::is_integer(text));
        if !typed {
            return Some(false);
        }
        self.range.as_ref().map_or(Some(true), |range| range.contains(text))
    }
}

impl Choices {
    fn contain(&self, node: Node<'_>) -> bool {
        match node.kind() {
            Kind::String if self.many.is_empty() => self.texts.iter().any(|text| is_same(text.as_bytes(), node.bytes())),
            Kind::String => self.many.contains(node.text()),
            _ if self.others.is_empty() => false,
            _ => self.others.get(&node.hash_value()).is_some_and(|alike| alike.iter().any(|value| spanned::equals(node, value))),
        }
    }
}

impl TextDemand {
    fn holds(&self, string: Node<'_>) -> Option<bool> {
        let is_limited = self.least > 0 || self.most < u64::MAX;
        if is_limited && !spanned::length_within(string.text(), self.least, self.most) {
            return Some(false);
        }
        for pattern in &self.patterns {
            if !pattern.matches(string)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

impl Range {
    fn contains(&self, text: &str) -> Option<bool> {
        let value = exact(text)?;
        Some(
            self.least.is_none_or(|limit| value >= limit)
                && self.most.is_none_or(|limit| value <= limit)
                && self.above.is_none_or(|limit| value > limit)
                && self.below.is_none_or(|limit| value < limit),
        )
    }
}

// A number that the validator, too, compares as a float: below 2^53.
fn exact(text: &str) -> Option<f64> {
    const SAFE: f64 = 9_007_199_254_740_992.0;
    short(text).or_else(|| text.parse().ok()).filter(|value| value.abs() < SAFE)
}

// The float nearest to a number of at most fifteen digits: it and the power of ten are floats without a rest, so that their
// quotient is rounded once (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990).
fn short(text: &str) -> Option<f64> {
    const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    if !(1..=16).contains(&digits.len()) {
        return None;
    }
    let (mut value, mut fraction) = (0_u64, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => value = value * 10 + u64::from(byte - b'0'),
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return None,
        }
        fraction = fraction.map(|places| places + usize::from(*byte != b'.'));
    }
    if digits.len() == 16 && fraction.is_none() {
        return None;
    }
    let value = value as f64 / TENS[fraction.unwrap_or(0)];
    Some(if text.starts_with('-') { -value } else { value })
}

impl ObjectDemand {
    // The number of the declared member of that name. Records mostly have their members in the order of the schema.
    fn find(&self, member: Member<'_>, expected: usize) -> Option<usize> {
        let is = |at: usize| self.declared.get(at).is_some_and(|known| member.is_named(known.hash, known.name.as_bytes()));
        if is(expected) {
            return Some(expected);
        }
        let mut slot = member.hash() as usize;
        loop {
            slot &= self.table.len() - 1;
            let at = (*self.table.get(slot)?).checked_sub(1)? as usize;
            if is(at) {
                return Some(at);
            }
            slot += 1;
        }
    }

    // Fills the table from `declared`. It stays half empty, so that a search ends.
    fn index(&mut self) {
        self.table = vec![0; (self.declared.len() * 2).next_power_of_two().max(2)];
        for (at, declared) in self.declared.iter().enumerate() {
            let mut slot = declared.hash as usize & (self.table.len() - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (self.table.len() - 1);
            }
            self.table[slot] = at as u32 + 1;
        }
    }
}

impl Left {
    fn holds(&self, instance: Instance<'_>) -> Option<bool> {
        let build = || super::build_alone(&self.schema, self.formats, self.engine).ok();
        let is_valid = self.validator.get_or_init(build).as_ref()?.is_valid(instance);
        // A pattern that cannot be tried to its end makes the whole record invalid, whatever stands around it.
        (is_valid || self.engine == Engine::Linear).then_some(is_valid)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_numbers_are_the_floats_that_they_name(text in "-?(0|[1-9][0-9]{0,16})([.][0-9]{1,16})?") {
            if let Some(value) = short(&text) {
                prop_assert_eq!(text.parse(), Ok(value));
            } else {
                prop_assert!(text.len() > 15, "{}", text);
            }
        }
    }
}
