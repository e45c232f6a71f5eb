//! What the canonical form of the `jsonschema` crate can prove of two schemas, or of two parts of them.
//!
//! That module of the crate calls itself experimental, so nothing but its proofs is taken from it: where it does not know,
//! or gives up in whatever way, nothing is known.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jsonschema::canonical::{self, CanonicalSchema, Containment, Satisfiability};
use serde_json::Value;

use super::Direction;
use super::bundle;
use super::schema_view::SchemaView;
use super::structural_diff::{Polarity, StructuralChange};
use chancery_schema::registry::At;

// Two parts, and whether the new one is asked to cover the old one.
type Question = (Option<At>, Option<At>, bool);

// A part, and whether it is of the old schema.
type Part = (bool, Option<At>);

/// Asks the canonical form.
pub struct Canonical<'s> {
    old: SchemaView<'s>,
    new: SchemaView<'s>,
    direction: Direction,
    // What has been asked before, by the two parts and the direction.
    known: RefCell<HashMap<Question, Option<bool>>>,
    // Canonical forms, by the side and the part.
    forms: RefCell<HashMap<Part, Option<CanonicalSchema>>>,
}

impl<'s> Canonical<'s> {
    pub fn new(old: SchemaView<'s>, new: SchemaView<'s>, direction: Direction) -> Self {
        Self { old, new, direction, known: RefCell::default(), forms: RefCell::default() }
    }

    /// Whether the part that rejects takes all that the part that accepts does; `None` if that is not known.
    pub fn covers(&self, old: impl Into<Option<At>>, new: impl Into<Option<At>>) -> Option<bool> {
        self.cached_question(old.into(), new.into(), self.direction == Direction::Backward)
    }

    /// Whether a change does no harm, as far as its own parts of the schemas show.
    pub fn settles(&self, found: &StructuralChange<'_>) -> bool {
        let (old, new) = found.subs;
        let backward = self.direction == Direction::Backward;
        let asked = |backward: bool| self.cached_question(old, new, backward) == Some(true);
        !found.foreign
            && match found.polarity {
                Polarity::Same => asked(backward),
                Polarity::Reversed => asked(!backward),
                Polarity::Either => asked(true) && asked(false),
            }
    }

    fn cached_question(&self, old: Option<At>, new: Option<At>, backward: bool) -> Option<bool> {
        if let Some(known) = self.known.borrow().get(&(old, new, backward)) {
            return *known;
        }
        let answer = guarded(|| {
            let (old, new) = self.both(old, new)?;
            let (accepts, refuses) = if backward { (old, new) } else { (new, old) };
            match refuses.covers(&accepts).ok()? {
                Containment::Yes => Some(true),
                Containment::No => Some(false),
                Containment::Unknown => None,
            }
        });
        self.known.borrow_mut().insert((old, new, backward), answer);
        answer
    }

    /// A schema of what the one part accepts and the other does not, where it can be made.
    pub fn difference(&self, old: Option<At>, new: Option<At>) -> Option<Value> {
        guarded(|| {
            let (old, new) = self.both(old, new)?;
            let (accepts, refuses) = if self.direction == Direction::Backward { (old, new) } else { (new, old) };
            let difference = accepts.subtract(&refuses).ok()?;
            (difference.satisfiability() != Satisfiability::No).then(|| difference.to_json_schema())
        })
    }

    fn both(&self, old: Option<At>, new: Option<At>) -> Option<(CanonicalSchema, CanonicalSchema)> {
        let drafts = (self.old.draft(self.old.schema.root_at()), self.new.draft(self.new.schema.root_at()));
        if drafts.0 != drafts.1 {
            return None;
        }
        let canonical = |is_old: bool, side: SchemaView<'_>, at: Option<At>| {
            if let Some(known) = self.forms.borrow().get(&(is_old, at)) {
                return known.clone();
            }
            let made = bundle::document(side, at).and_then(|document| {
                let options = canonical::options().with_draft(drafts.0).should_validate_formats(side.schema.asserts_formats()).offline();
                options.canonicalize(&document).ok()
            });
            self.forms.borrow_mut().insert((is_old, at), made.clone());
            made
        };
        Some((canonical(true, self.old, old)?, canonical(false, self.new, new)?))
    }
}

// A panic of the crate over somebody's schema is no reason to end: nothing is known then.
fn guarded<T>(ask: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten()
}
