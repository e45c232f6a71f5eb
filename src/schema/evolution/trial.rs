//! The trial: looks for a record that the one schema accepts and the other refuses, with both validators as judges.
//!
//! Candidates come from what the canonical form says is the difference, from the limits and lists of both schemas, and from
//! what the accepting schema describes. No candidate is trusted before it was tried.

use std::cell::Cell;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use super::Direction;
use super::maker::{self, Maker};
use super::proof::Canonical;
use super::side::Side;
use super::walk::{Found, Step};
use crate::schema::Schema;
use crate::schema::library::At;
use crate::schema::spanned::{self, Whole};
use crate::tree::{Node, Tree};

/// So many records are tried for one change.
const TRIES: u32 = 1500;

/// So many that break are compared, to show a short one.
const FOUND: usize = 24;

/// Tries candidates.
pub struct Trial<'s> {
    accepts: Side<'s>,
    refuses: Side<'s>,
    direction: Direction,
    left: Cell<u32>,
}

impl<'s> Trial<'s> {
    pub fn new(old: Side<'s>, new: Side<'s>, direction: Direction) -> Self {
        let (accepts, refuses) = if direction == Direction::Backward { (old, new) } else { (new, old) };
        Self { accepts, refuses, direction, left: Cell::new(0) }
    }

    fn turn<T>(&self, (old, new): (T, T)) -> (T, T) {
        if self.direction == Direction::Backward { (old, new) } else { (new, old) }
    }

    /// A record that breaks for this change, and one that breaks for another reason.
    pub fn example(&self, found: &Found<'_>, canonical: &Canonical<'_>) -> (Option<Value>, Option<Value>) {
        let (way, _) = self.turn((&found.ways.0, &found.ways.1));
        let (sub, refusing) = self.turn(found.subs);
        if found.foreign || way.contains(&Step::Away) {
            return (None, None);
        }
        self.left.set(TRIES);
        let maker = Maker::new(self.accepts);
        let root = self.accepts.schema.root_at();
        let frames = maker.frames(root, way);
        let mut all = maker.holding(root, way);
        all.extend(sub.filter(|sub| !all.contains(sub)));
        let (mut own, mut other): (Vec<Value>, Option<Value>) = (Vec::new(), None);
        let mut candidates = self.candidates(&maker, &all, refusing, canonical.difference(found.subs.0, found.subs.1));
        let beside = way.iter().rev().map_while(|step| if let Step::Beside(name) = step { Some(name) } else { None });
        for name in found.beside.iter().chain(beside) {
            candidates.splice(0..0, maker.with_member(&all, name));
        }
        for record in candidates.iter().flat_map(|value| frames.iter().filter_map(|frame| maker::fill(frame, value))) {
            let tree = spanned::to_tree(&record);
            if self.breaks(&tree) {
                if self.blames(found, &tree) {
                    own.push(record);
                } else {
                    other.get_or_insert(record);
                }
            }
            if own.len() >= FOUND || self.left.get() == 0 {
                break;
            }
        }
        own.sort_by_cached_key(|record| record.to_string().len());
        (own.into_iter().next(), other)
    }

    /// A record that breaks for whatever reason.
    pub fn any(&self, canonical: &Canonical<'_>) -> Option<Value> {
        let (old, new) = self.turn((self.accepts.schema.root_at(), self.refuses.schema.root_at()));
        let (root, refusing) = self.turn((old, new));
        self.left.set(TRIES);
        let maker = Maker::new(self.accepts);
        let candidates = self.candidates(&maker, &[root], Some(refusing), canonical.difference(Some(old), Some(new)));
        candidates.into_iter().find(|record| self.breaks(&spanned::to_tree(record)))
    }

    fn breaks(&self, tree: &Tree) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0 && self.accepts.schema.is_valid(tree.root()) && self.refuses.schema.verdict(tree.root()) == Ok(false)
    }

    // Values for the place where a change stands.
    fn candidates(&self, maker: &Maker<'_>, all: &[At], refusing: Option<At>, difference: Option<Value>) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        let mut add = |value: Value| {
            if !values.contains(&value) {
                values.push(value);
            }
        };
        let difference = difference.and_then(|schema| Schema::try_from(spanned::to_tree(&schema)).ok());
        if let Some(schema) = &difference {
            Maker::new(self.accepts.of(schema)).some(&[schema.root_at()]).into_iter().for_each(&mut add);
        }
        maker.some(all).into_iter().for_each(&mut add);
        let (mut listed, mut numbers) = maker::mentioned(self.refuses, refusing);
        for at in all {
            let (more, limits) = maker::mentioned(self.accepts, Some(*at));
            listed.extend(more);
            numbers.extend(limits);
        }
        listed.into_iter().for_each(&mut add);
        for number in numbers {
            for near in [number, number + 1.0, number - 1.0, number + 0.5, number - 0.5] {
                add(maker::number(near));
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
    fn blames(&self, found: &Found<'_>, tree: &Tree) -> bool {
        let (_, keyword) = self.turn(found.keywords);
        // A condition is told by what it asks for.
        let (_, sub) = self.turn(found.subs);
        let asked = ["then", "else"].into_iter().filter(|_| found.keyword == "if").filter_map(|name| self.refuses.keyword(sub, name));
        let keywords: Vec<Node<'_>> = keyword.into_iter().chain(asked).collect();
        let whole = Whole::new(tree.root());
        let errors = self.refuses.schema.try_errors(&whole).into_iter().flatten();
        errors.into_iter().any(|error| keywords.iter().any(|keyword| self.is_about(&error, *keyword, found)))
    }

    fn is_about(&self, error: &ValidationError<'_>, keyword: Node<'_>, found: &Found<'_>) -> bool {
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
        below || self.stands(error, keyword)
    }

    // Whether the demand that an error is about lies in the keyword, or the keyword in it.
    fn stands(&self, error: &ValidationError<'_>, keyword: Node<'_>) -> bool {
        let Some((resource, below)) = self.refuses.schema.location(error) else { return false };
        let Some(node) = self.refuses.node(resource).at(&below) else { return false };
        let inside = |one: Node<'_>, other: Node<'_>| other.span().start <= one.span().start && one.span().end <= other.span().end;
        std::ptr::eq(node.tree(), keyword.tree()) && (inside(node, keyword) || inside(keyword, node))
    }
}
