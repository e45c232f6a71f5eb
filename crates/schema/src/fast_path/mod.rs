//! Decides whether a record is valid by a fast path compiled from a schema's plain keywords, in two thirds of the time that
//! the validator's walk takes: members are found by the hashes that the reader has made of their names, most of them where
//! the schema's order lets expect them, and patterns are automata.
//!
//! An [`FastValidator`] has no say of its own. What it does not know, it leaves to the validator: a keyword by compiling that one
//! alone, a subschema that is more than that by leaving the record. The validator reports the errors of a record.

mod compile;
mod pattern;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::Value;

use super::json_impl::{self, InstanceRef, TreeRef};
use super::{Engine, Types, budget};
use chancery_core::tree::{Kind, Member, Node, NodeId, is_same, number};
pub(super) use compile::compile;
use pattern::Pattern;

/// The demands of a schema.
pub(super) struct FastValidator {
    nodes: Vec<IrNode>,
    root: IrNodeId,
}

type IrNodeId = u32;

/// What is known on the way through one record.
#[derive(Default)]
struct Walk {
    // How often a value met a demand.
    meetings: Cell<usize>,
    // From when on outcomes are kept.
    few: usize,
    known: RefCell<HashMap<(IrNodeId, NodeId), bool>>,
}

/// What a subschema demands.
struct IrNode {
    // Whether there is more to it than can be said here.
    unsupported: bool,
    types: Types,
    text: Option<Box<StringNode>>,
    range: Option<Box<Range>>,
    array: Option<Box<ArrayNode>>,
    object: Option<Box<ObjectNode>>,
    // Few values have any of it.
    applicators: Option<Box<Applicators>>,
}

/// What is demanded of values of several types.
#[derive(Default)]
struct Applicators {
    allowed: Vec<Enum>,
    fallback: Option<Arc<Fallback>>,
    branches: Vec<Applicator>,
}

/// The values of an `enum` or a `const`.
struct Enum {
    // The strings, those of many by hash.
    texts: Vec<Box<str>>,
    many: HashSet<Box<str>>,
    // The others, each in the place of its hash.
    others: HashMap<u64, Vec<Value>>,
}

/// Length in characters and patterns of a string.
struct StringNode {
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

struct ArrayNode {
    least: usize,
    most: usize,
    unique: bool,
    prefix: Vec<IrNodeId>,
    items: Option<IrNodeId>,
}

struct ObjectNode {
    least: usize,
    most: usize,
    // In the order of the schema.
    properties: Vec<Property>,
    // Open addressing by hash: numbers of `declared` plus one, 0 where it is free. The length is a power of two.
    table: Vec<u32>,
    required: usize,
    patterns: Vec<(Arc<Pattern>, IrNodeId)>,
    // Where the first is there, the others have to be.
    dependent: Vec<(Box<str>, Vec<Box<str>>)>,
    others: Option<IrNodeId>,
    names: Option<IrNodeId>,
}

struct Property {
    hash: u32,
    name: Box<str>,
    // `None` for a name that is required only.
    node: Option<IrNodeId>,
    required: bool,
}

/// What applies to the same value.
enum Applicator {
    AllOf(Vec<IrNodeId>),
    AnyOf(Vec<IrNodeId>),
    OneOf(Vec<IrNodeId>),
    Not(IrNodeId),
    IfThenElse { condition: IrNodeId, then: Option<IrNodeId>, otherwise: Option<IrNodeId> },
}

/// Keywords that are left to the validator, which is compiled when a value first needs it.
struct Fallback {
    // What they can reject.
    types: Types,
    schema: Value,
    formats: bool,
    engine: Engine,
    // Says of a text that they plainly admit it.
    plain: Option<fn(&[u8]) -> bool>,
    validator: OnceLock<Option<Validator<TreeRef>>>,
}

impl FastValidator {
    /// Whether the record is valid; `None` if only the validator can decide.
    pub(super) fn accepts(&self, record: Node<'_>) -> Option<bool> {
        // Most schemas meet a value a few times. Where it is more, demands are reached in several ways, and each outcome is
        // better kept than found again.
        const FEW: usize = 1024;
        const EACH: usize = 32;
        let walk = Walk { few: FEW + EACH * record.tree().slots(), ..Walk::default() };
        self.holds(self.root, record, &walk)
    }

    fn holds(&self, id: IrNodeId, node: Node<'_>, walk: &Walk) -> Option<bool> {
        // Beyond this many outcomes the memory counts for more than the time.
        const MOST_KNOWN: usize = 1 << 20;
        let ir = &self.nodes[id as usize];
        if ir.unsupported {
            return None;
        }
        budget::step();
        let met = walk.meetings.get();
        walk.meetings.set(met + 1);
        if met < walk.few || !ir.leads_on() {
            return self.judge(ir, node, walk);
        }
        if let Some(holds) = walk.known.borrow().get(&(id, node.id())) {
            return Some(*holds);
        }
        let holds = self.judge(ir, node, walk)?;
        let mut known = walk.known.borrow_mut();
        if known.len() < MOST_KNOWN {
            known.insert((id, node.id()), holds);
        }
        Some(holds)
    }

    fn judge(&self, ir: &IrNode, node: Node<'_>, walk: &Walk) -> Option<bool> {
        let plain = match node.kind() {
            Kind::String => ir.types.allows(Types::STRING) && ir.text.as_ref().map_or(Some(true), |text| text.holds(node))?,
            Kind::Number => ir.takes_number(node.text())?,
            Kind::Array => ir.types.allows(Types::ARRAY) && ir.array.as_ref().map_or(Some(true), |array| self.items(array, node, walk))?,
            Kind::Object => {
                ir.types.allows(Types::OBJECT) && ir.object.as_ref().map_or(Some(true), |object| self.members(object, node, walk))?
            }
            kind => ir.types.allows(Types::of(kind)),
        };
        match &ir.applicators {
            Some(applicators) if plain => self.applicators(applicators, node, walk),
            _ => Some(plain),
        }
    }

    fn applicators(&self, applicators: &Applicators, node: Node<'_>, walk: &Walk) -> Option<bool> {
        if !applicators.allowed.iter().all(|choices| choices.contain(node)) {
            return Some(false);
        }
        if let Some(fallback) = &applicators.fallback
            && fallback.types.allows(Types::of(node.kind()))
            && !fallback.plain.is_some_and(|plain| plain(node.bytes()))
            && !fallback.holds(InstanceRef::Node(node))?
        {
            return Some(false);
        }
        for branch in &applicators.branches {
            if !self.applicator(branch, node, walk)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn applicator(&self, branch: &Applicator, node: Node<'_>, walk: &Walk) -> Option<bool> {
        Some(match branch {
            Applicator::AllOf(nodes) => {
                for ir in nodes {
                    if !self.holds(*ir, node, walk)? {
                        return Some(false);
                    }
                }
                true
            }
            Applicator::AnyOf(nodes) => {
                for ir in nodes {
                    if self.holds(*ir, node, walk)? {
                        return Some(true);
                    }
                }
                false
            }
            Applicator::OneOf(nodes) => {
                let mut found = false;
                for ir in nodes {
                    let holds = self.holds(*ir, node, walk)?;
                    if holds && found {
                        return Some(false);
                    }
                    found |= holds;
                }
                found
            }
            Applicator::Not(ir) => !self.holds(*ir, node, walk)?,
            Applicator::IfThenElse { condition, then, otherwise } => {
                let next = if self.holds(*condition, node, walk)? { then } else { otherwise };
                next.map_or(Some(true), |ir| self.holds(ir, node, walk))?
            }
        })
    }

    fn items(&self, array: &ArrayNode, node: Node<'_>, walk: &Walk) -> Option<bool> {
        if !(array.least..=array.most).contains(&node.len()) {
            return Some(false);
        }
        for (index, item) in node.items().enumerate() {
            if let Some(ir) = array.prefix.get(index).or(array.items.as_ref())
                && !self.holds(*ir, item, walk)?
            {
                return Some(false);
            }
        }
        Some(!array.unique || json_impl::first_repeat(node).is_none())
    }

    fn members(&self, object: &ObjectNode, node: Node<'_>, walk: &Walk) -> Option<bool> {
        let (mut expected, mut count, mut required) = (0, 0, 0);
        for member in node.members().filter(|member| !member.is_shadowed()) {
            count += 1;
            let mut judged = false;
            if let Some(at) = object.find(member, expected) {
                expected = at + 1;
                let declared = &object.properties[at];
                required += usize::from(declared.required);
                if let Some(ir) = declared.node {
                    judged = true;
                    if !self.holds(ir, member.value, walk)? {
                        return Some(false);
                    }
                }
            }
            for (pattern, ir) in &object.patterns {
                if pattern.matches(member.key)? {
                    judged = true;
                    if !self.holds(*ir, member.value, walk)? {
                        return Some(false);
                    }
                }
            }
            if let Some(ir) = object.others
                && !judged
                && !self.holds(ir, member.value, walk)?
            {
                return Some(false);
            }
            if let Some(ir) = object.names
                && !self.holds(ir, member.key, walk)?
            {
                return Some(false);
            }
        }
        let has = |name: &str| node.get(name).is_some();
        let dependent = || object.dependent.iter().all(|(name, others)| !has(name) || others.iter().all(|other| has(other)));
        Some(required == object.required && (object.least..=object.most).contains(&count) && dependent())
    }
}

impl IrNode {
    // Whether it is about more than the value alone.
    fn leads_on(&self) -> bool {
        self.array.is_some()
            || self.object.is_some()
            || self.applicators.as_ref().is_some_and(|applicators| !applicators.branches.is_empty())
    }

    fn takes_number(&self, text: &str) -> Option<bool> {
        let typed = Types::NUMBER.within(self.types) || (self.types.allows(Types::INTEGER) && number::is_integer(text));
        if !typed {
            return Some(false);
        }
        self.range.as_ref().map_or(Some(true), |range| range.contains(text))
    }
}

impl Enum {
    fn contain(&self, node: Node<'_>) -> bool {
        match node.kind() {
            Kind::String if self.many.is_empty() => self.texts.iter().any(|text| is_same(text.as_bytes(), node.bytes())),
            Kind::String => self.many.contains(node.text()),
            _ if self.others.is_empty() => false,
            _ => self.others.get(&node.hash_value()).is_some_and(|alike| alike.iter().any(|value| json_impl::equals(node, value))),
        }
    }
}

impl StringNode {
    fn holds(&self, string: Node<'_>) -> Option<bool> {
        let is_limited = self.least > 0 || self.most < u64::MAX;
        if is_limited && !json_impl::length_within(string.text(), self.least, self.most) {
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

impl ObjectNode {
    // The number of the declared member of that name. Records usually have their members in the order of the schema.
    fn find(&self, member: Member<'_>, expected: usize) -> Option<usize> {
        let is = |at: usize| self.properties.get(at).is_some_and(|known| member.is_named(known.hash, known.name.as_bytes()));
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
        self.table = vec![0; (self.properties.len() * 2).next_power_of_two().max(2)];
        for (at, declared) in self.properties.iter().enumerate() {
            let mut slot = declared.hash as usize & (self.table.len() - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (self.table.len() - 1);
            }
            self.table[slot] = at as u32 + 1;
        }
    }
}

impl Fallback {
    fn holds(&self, instance: InstanceRef<'_>) -> Option<bool> {
        let build = || super::build_alone(&self.schema, self.formats, self.engine).ok();
        let is_valid = self.validator.get_or_init(build).as_ref()?.is_valid(instance);
        // A pattern that cannot be tried completely makes the whole record invalid, whatever stands around it.
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
