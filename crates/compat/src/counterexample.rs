//! The trial: looks for a record that the one schema accepts and the other rejects, with both validators as judges.
//!
//! Candidates come from what the canonical form says is the difference, from the limits and lists of both schemas, and from
//! what the accepting schema describes. No candidate is trusted before it was tried.

use std::cell::Cell;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use super::Direction;
use super::instance_generator::{self, InstanceGenerator};
use super::schema_view::SchemaView;
use super::structural_diff::{Step, StructuralChange};
use super::subsumption::Canonical;
use chancery_core::tree::{Node, Tree};
use chancery_schema::Schema;
use chancery_schema::json_impl::{self, WholeValue};
use chancery_schema::registry::At;

/// This many records are tried for one change.
const TRIES: u32 = 1500;

/// This many that break are compared, to show a short one.
const FOUND: usize = 24;

/// Tries candidates.
pub struct CounterexampleSearch<'s> {
    accepts: SchemaView<'s>,
    refuses: SchemaView<'s>,
    direction: Direction,
    remaining: Cell<u32>,
}

impl<'s> CounterexampleSearch<'s> {
    pub fn new(old: SchemaView<'s>, new: SchemaView<'s>, direction: Direction) -> Self {
        let (accepts, refuses) = if direction == Direction::Backward { (old, new) } else { (new, old) };
        Self { accepts, refuses, direction, remaining: Cell::new(0) }
    }

    fn reversed<T>(&self, (old, new): (T, T)) -> (T, T) {
        if self.direction == Direction::Backward { (old, new) } else { (new, old) }
    }

    /// A record that breaks for this change, and one that breaks for another reason.
    pub fn example(&self, found: &StructuralChange<'_>, canonical: &Canonical<'_>) -> (Option<Value>, Option<Value>) {
        let (path, _) = self.reversed((&found.alternatives.0, &found.alternatives.1));
        let (sub, refusing) = self.reversed(found.subs);
        if found.foreign || path.contains(&Step::Away) {
            return (None, None);
        }
        self.remaining.set(TRIES);
        let maker = InstanceGenerator::new(self.accepts);
        let root = self.accepts.schema.root_at();
        let frames = maker.templates(root, path);
        let mut all = maker.holding(root, path);
        all.extend(sub.filter(|sub| !all.contains(sub)));
        let (mut own, mut other): (Vec<Value>, Option<Value>) = (Vec::new(), None);
        let mut candidates = self.candidates(&maker, &all, refusing, canonical.difference(found.subs.0, found.subs.1));
        let beside = path.iter().rev().map_while(|step| if let Step::Beside(name) = step { Some(name) } else { None });
        for name in found.beside.iter().chain(beside) {
            candidates.splice(0..0, maker.with_member(&all, name));
        }
        for record in candidates.iter().flat_map(|value| frames.iter().filter_map(|frame| instance_generator::fill(frame, value))) {
            let tree = json_impl::to_tree(&record);
            if self.breaks(&tree) {
                if self.blames(found, &tree) {
                    own.push(record);
                } else {
                    other.get_or_insert(record);
                }
            }
            if own.len() >= FOUND || self.remaining.get() == 0 {
                break;
            }
        }
        own.sort_by_cached_key(|record| record.to_string().len());
        (own.into_iter().next(), other)
    }

    /// A record that breaks for whatever reason.
    pub fn any(&self, canonical: &Canonical<'_>) -> Option<Value> {
        let (old, new) = self.reversed((self.accepts.schema.root_at(), self.refuses.schema.root_at()));
        let (root, refusing) = self.reversed((old, new));
        self.remaining.set(TRIES);
        let maker = InstanceGenerator::new(self.accepts);
        let candidates = self.candidates(&maker, &[root], Some(refusing), canonical.difference(Some(old), Some(new)));
        candidates.into_iter().find(|record| self.breaks(&json_impl::to_tree(record)))
    }

    fn breaks(&self, tree: &Tree) -> bool {
        let left = self.remaining.get();
        self.remaining.set(left.saturating_sub(1));
        left > 0 && self.accepts.schema.is_valid(tree.root()) && self.refuses.schema.verdict(tree.root()) == Ok(false)
    }

    // Values for the place where a change stands.
    fn candidates(&self, maker: &InstanceGenerator<'_>, all: &[At], refusing: Option<At>, difference: Option<Value>) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        let mut add = |value: Value| {
            if !values.contains(&value) {
                values.push(value);
            }
        };
        let difference = difference.and_then(|schema| Schema::try_from(json_impl::to_tree(&schema)).ok());
        if let Some(schema) = &difference {
            InstanceGenerator::new(self.accepts.of(schema)).some(&[schema.root_at()]).into_iter().for_each(&mut add);
        }
        maker.some(all).into_iter().for_each(&mut add);
        let (mut listed, mut numbers) = instance_generator::literals(self.refuses, refusing);
        for at in all {
            let (more, limits) = instance_generator::literals(self.accepts, Some(*at));
            listed.extend(more);
            numbers.extend(limits);
        }
        listed.into_iter().for_each(&mut add);
        for number in numbers {
            for near in [number, number + 1.0, number - 1.0, number + 0.5, number - 0.5] {
                add(instance_generator::number(near));
                if (0.0..=512.0).contains(&near) && near.fract() == 0.0 {
                    add(Value::from("x".repeat(near as usize)));
                    if near <= 64.0 {
                        maker.of_size(all, near as usize).into_iter().for_each(&mut add);
                    }
                }
            }
        }
        for value in
            [json!(null), json!(true), json!(0), json!(1.0), json!(1.5), json!(""), json!("x"), json!([]), json!({}), json!({"other": 1})]
        {
            add(value);
        }
        values
    }

    // Whether the refusing schema names the keyword of this change as a reason.
    fn blames(&self, found: &StructuralChange<'_>, tree: &Tree) -> bool {
        let (_, keyword) = self.reversed(found.keywords);
        // A condition is recognised by its requirements.
        let (_, sub) = self.reversed(found.subs);
        let asked = ["then", "else"].into_iter().filter(|_| found.keyword == "if").filter_map(|name| self.refuses.keyword(sub, name));
        let keywords: Vec<Node<'_>> = keyword.into_iter().chain(asked).collect();
        let whole = WholeValue::new(tree.root());
        let errors = self.refuses.schema.try_errors(&whole).into_iter().flatten();
        errors.into_iter().any(|error| keywords.iter().any(|keyword| self.is_about(&error, *keyword, found)))
    }

    fn is_about(&self, error: &ValidationError<'_>, keyword: Node<'_>, found: &StructuralChange<'_>) -> bool {
        let inner = |branches: &[Vec<ValidationError<'_>>]| branches.iter().flatten().any(|error| self.is_about(error, keyword, found));
        let below = match error.kind() {
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context }
            | ValidationErrorKind::OneOfMultipleValid { context } => inner(context),
            ValidationErrorKind::PropertyNames { error } => self.is_about(error, keyword, found),
            // One keyword asks for many members.
            ValidationErrorKind::Required { property }
                if found.member.as_deref().is_some_and(|member| property.as_str() != Some(member)) =>
            {
                return false;
            }
            _ => false,
        };
        below || self.is_confirmed(error, keyword)
    }

    // Whether the demand that an error is about is in the keyword, or the keyword in it.
    fn is_confirmed(&self, error: &ValidationError<'_>, keyword: Node<'_>) -> bool {
        let Some((resource, below)) = self.refuses.schema.location(error) else { return false };
        let Some(node) = self.refuses.node(resource).at(&below) else { return false };
        let inside = |one: Node<'_>, other: Node<'_>| other.span().start <= one.span().start && one.span().end <= other.span().end;
        std::ptr::eq(node.tree(), keyword.tree()) && (inside(node, keyword) || inside(keyword, node))
    }
}
