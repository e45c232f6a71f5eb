//! Makes instances of a schema: short ones, of every type and alternative, at the limits that it sets.
//!
//! They are candidates. Whoever needs a valid one tries them; a schema that nothing can be guessed of gives none.

mod alternatives;
mod templates;
mod lists;

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Value, json};

pub use templates::fill;

use super::samples;
use super::schema_view::SchemaView;
use chancery_core::tree::{Kind, Node};
use chancery_schema::json_impl;
use chancery_schema::registry::{At, SchemaRegistry};
use chancery_schema::shape::Types;

/// Values nested more deeply are not made.
const DEPTH: usize = 12;

/// This many parts of values are made for one question, and for a small one.
const WORK: u32 = 40_000;
const LITTLE: u32 = 3_000;

/// This many candidates are given for one value.
const MOST: usize = 40;

/// Longer texts and lists are not made.
const LONGEST: usize = 4096;

/// Makes instances.
pub struct InstanceGenerator<'s> {
    side: SchemaView<'s>,
    remaining: Cell<u32>,
}

impl<'s> InstanceGenerator<'s> {
    pub fn new(side: SchemaView<'s>) -> Self {
        Self { side, remaining: Cell::new(WORK) }
    }

    /// Candidates for a value for which all of these subschemas hold.
    pub fn some(&self, all: &[At]) -> Vec<Value> {
        self.remaining.set(WORK);
        self.values(all, DEPTH)
    }

    /// Objects with a member of that name.
    pub fn with_member(&self, all: &[At], name: &str) -> Vec<Value> {
        self.remaining.set(LITTLE);
        let with = [name.to_owned()];
        let made = self.combinations(all).into_iter().filter_map(|elements| self.object(&elements, &with, 0, DEPTH));
        made.map(Value::Object).collect()
    }

    /// Arrays and objects of this many items or members for which all of these subschemas hold.
    pub fn of_size(&self, all: &[At], size: usize) -> Vec<Value> {
        self.remaining.set(LITTLE);
        let mut made = Vec::new();
        for elements in self.combinations(all) {
            for every in [false, true] {
                made.extend(self.array(&elements, size, every, DEPTH).map(Value::Array));
            }
            made.extend(self.object(&elements, &[], size, DEPTH).map(Value::Object));
        }
        made
    }

    // Takes a piece of work off what is left.
    fn is_exhausted(&self) -> bool {
        let left = self.remaining.get();
        self.remaining.set(left.saturating_sub(1));
        left == 0
    }

    fn values(&self, all: &[At], depth: usize) -> Vec<Value> {
        if depth == 0 || self.is_exhausted() {
            return Vec::new();
        }
        let mut made: Vec<Value> = Vec::new();
        for elements in self.combinations(all) {
            for value in self.plain(&elements, depth) {
                if made.len() < MOST && !made.contains(&value) {
                    made.push(value);
                }
            }
        }
        made
    }

    // Values by the keywords of subschemas that hold together.
    fn plain(&self, elements: &[At], depth: usize) -> Vec<Value> {
        if elements.iter().any(|at| self.side.is_none(Some(*at))) {
            return Vec::new();
        }
        let mut lists = elements.iter().flat_map(|at| {
            let list = self.side.keyword(Some(*at), "enum").map(|list| list.items().map(json_impl::to_value).collect::<Vec<_>>());
            let one = self.side.keyword(Some(*at), "const").map(|one| vec![json_impl::to_value(one)]);
            list.into_iter().chain(one)
        });
        if let Some(first) = lists.next() {
            let rest: Vec<Vec<Value>> = lists.collect();
            return first.into_iter().filter(|value| rest.iter().all(|list| list.contains(value))).take(MOST).collect();
        }
        let types = self.types(elements);
        let mut made: Vec<Value> = elements.iter().flat_map(|at| self.stated_examples(*at)).take(4).collect();
        let mut kinds = vec![Types::STRING, Types::INTEGER, Types::NUMBER, Types::BOOLEAN, Types::NULL];
        // What keywords speak of comes first.
        for (kind, keywords) in [
            (Types::ARRAY, &["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"][..]),
            (Types::OBJECT, &["properties", "required", "patternProperties", "additionalProperties", "minProperties", "propertyNames"][..]),
            (Types::NUMBER, &["minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"][..]),
        ] {
            let spoken = elements.iter().any(|at| keywords.iter().any(|keyword| self.side.keyword(Some(*at), keyword).is_some()));
            let at = if spoken { 0 } else { kinds.len() };
            kinds.retain(|known| *known != kind);
            kinds.insert(at.min(kinds.len()), kind);
        }
        for kind in kinds.into_iter().filter(|kind| types.allows(*kind)) {
            match kind {
                Types::NULL => made.push(Value::Null),
                Types::BOOLEAN => made.extend([json!(true), json!(false)]),
                Types::INTEGER => made.extend(self.numbers(elements, true)),
                Types::NUMBER => {
                    if Types::NUMBER.within(types) {
                        made.extend(self.numbers(elements, false));
                    }
                }
                Types::STRING => made.extend(self.strings(elements)),
                Types::ARRAY => made.extend(self.arrays(elements, depth)),
                _ => made.extend(self.objects(elements, depth)),
            }
        }
        made
    }

    fn types(&self, elements: &[At]) -> Types {
        let one = |node: Node<'_>| Types::named(node.text()).unwrap_or(Types::NONE);
        let of = |node: Node<'_>| if node.kind() == Kind::Array { node.items().map(one).fold(Types::NONE, Types::or) } else { one(node) };
        elements.iter().filter_map(|at| self.side.keyword(Some(*at), "type")).map(of).fold(Types::ANY, Types::and)
    }

    // What the schema's author gave as examples.
    fn stated_examples(&self, at: At) -> Vec<Value> {
        let node = self.side.node(at);
        let examples = node.get("examples").into_iter().flat_map(Node::items);
        examples.chain(node.get("example")).chain(node.get("default")).map(json_impl::to_value).collect()
    }

    fn limit(&self, elements: &[At], keyword: &str, largest: bool) -> Option<f64> {
        let numbers = elements.iter().filter_map(|at| self.side.keyword(Some(*at), keyword)?.text().parse::<f64>().ok());
        numbers.reduce(|a, b| if largest { a.max(b) } else { a.min(b) })
    }

    fn count(&self, elements: &[At], keyword: &str, largest: bool) -> Option<usize> {
        self.limit(elements, keyword, largest).filter(|limit| *limit >= 0.0 && *limit < 1e9).map(|limit| limit as usize)
    }

    fn numbers(&self, elements: &[At], whole: bool) -> Vec<Value> {
        let lowest = ["minimum", "exclusiveMinimum"].iter().filter_map(|keyword| self.limit(elements, keyword, true)).reduce(f64::max);
        let highest = ["maximum", "exclusiveMaximum"].iter().filter_map(|keyword| self.limit(elements, keyword, false)).reduce(f64::min);
        let mut wanted = vec![];
        for limit in lowest.into_iter().chain(highest) {
            wanted.extend([limit, limit + 1.0, limit - 1.0, limit.ceil(), limit.floor(), limit + 0.5, limit - 0.5]);
        }
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            wanted.push(f64::midpoint(lowest, highest));
        }
        wanted.extend([1.0, 0.0, -1.0, 2.0, 7.0, 0.5, 1.5, 1000.0]);
        if let Some(step) = self.limit(elements, "multipleOf", true).filter(|step| *step > 0.0) {
            let near: Vec<f64> = wanted.iter().flat_map(|number| [(number / step).ceil() * step, (number / step).floor() * step]).collect();
            wanted = near;
            wanted.extend([step, 3.0 * step]);
        }
        let fits = |number: &f64| {
            lowest.is_none_or(|lowest| *number >= lowest)
                && highest.is_none_or(|highest| *number <= highest)
                && (!whole || number.fract() == 0.0)
        };
        let mut made: Vec<Value> = Vec::new();
        for value in wanted.into_iter().filter(fits).map(number) {
            if !made.contains(&value) && made.len() < 16 {
                made.push(value);
            }
        }
        made
    }

    fn strings(&self, elements: &[At]) -> Vec<Value> {
        let least = self.count(elements, "minLength", true).unwrap_or(0);
        let most = self.count(elements, "maxLength", false);
        let texts = |keyword: &str| -> Vec<&str> {
            elements.iter().filter_map(|at| self.side.keyword(Some(*at), keyword)).map(Node::text).collect()
        };
        let patterns = texts("pattern");
        let mut made: Vec<String> = texts("format").iter().filter_map(|format| samples::in_format(format)).map(str::to_owned).collect();
        made.extend(patterns.iter().flat_map(|pattern| samples::matching(pattern, least)));
        if patterns.is_empty() {
            made.push("x".repeat(least.clamp(1, LONGEST)));
            made.extend([String::new(), "1".to_owned(), "x".repeat(least.min(LONGEST)), "é".repeat(least.clamp(1, LONGEST))]);
            made.extend(most.filter(|most| *most <= LONGEST).map(|most| "x".repeat(most)));
        }
        let fits = |text: &String| {
            let length = text.chars().count();
            length >= least
                && most.is_none_or(|most| length <= most)
                && patterns.iter().all(|pattern| self.side.fits(pattern, text) != Some(false))
        };
        made.into_iter().filter(fits).map(Value::from).collect()
    }
}

/// A number as JSON has it.
pub fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

/// Every value that a schema mentions below a subschema: those it lists, and its numbers and their neighbours.
pub fn literals(side: SchemaView<'_>, at: Option<At>) -> (Vec<Value>, Vec<f64>) {
    let (mut values, mut numbers) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut next: Vec<At> = at.into_iter().collect();
    while let Some(at) = next.pop() {
        if !seen.insert(at) || seen.len() > 200 {
            continue;
        }
        next.extend(side.reference_target(Some(at)));
        for member in side.node(at).members() {
            match (member.key.text(), member.value.kind()) {
                ("enum" | "examples", Kind::Array) => values.extend(member.value.items().take(16).map(json_impl::to_value)),
                ("const" | "default" | "example", _) => values.push(json_impl::to_value(member.value)),
                (_, Kind::Number) => numbers.extend(member.value.text().parse::<f64>().ok()),
                (_, Kind::Object) => {
                    next.push(SchemaRegistry::relative_to(at, member.value));
                }
                (_, Kind::Array) => {
                    next.extend(
                        member.value.items().filter(|item| item.kind() == Kind::Object).map(|item| SchemaRegistry::relative_to(at, item)),
                    );
                }
                _ => {}
            }
        }
    }
    values.truncate(64);
    numbers.truncate(24);
    (values, numbers)
}
