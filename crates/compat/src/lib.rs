//! What a change of a schema means for data: two schemas in; out, what changed, and whether data that was valid stays valid.
//!
//! Three witnesses are heard, in this order of trust. An example, made from the schema that accepts and tried with both
//! validators: it proves a break. The canonical form of the `jsonschema` crate, which can prove that one schema takes all
//! that another does. And the walk through both schemas side by side, which names every change and knows of each keyword
//! whether it asks for more or for less. If none of them can decide, the verdict states that.

mod instance_generator;
mod bundle;
mod subsumption;
mod schema_view;
mod samples;
mod counterexample;
mod structural_diff;

use serde_json::Value;

use chancery_core::diagnostic::Place;
use chancery_schema::Schema;

/// Whose data has to stay valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Data of the old schema, under the new one.
    #[default]
    Backward,
    /// Data of the new schema, under the old one.
    Forward,
}

/// What the change of a schema comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All valid data stays valid.
    Compatible,
    /// Some valid data does not.
    Breaking,
    /// Neither could be proved.
    Unknown,
}

impl Verdict {
    /// `compatible`, `breaking` or `unknown`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Breaking => "breaking",
            Self::Unknown => "unknown",
        }
    }
}

/// What one change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It makes valid data invalid; the example is such data.
    Breaking,
    /// It asks for more, or for something else, and no example was found.
    Undecided,
    /// It makes no valid data invalid.
    Compatible,
    /// Validity has nothing to do with it: a title, a description, a default.
    Wording,
}

impl Meaning {
    /// `breaking`, `undecided`, `compatible` or `wording`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Undecided => "undecided",
            Self::Compatible => "compatible",
            Self::Wording => "wording",
        }
    }
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where it bears on data: a JSON pointer, in which `*` stands for any item, `(others)` for members without a rule of
    /// their own, and a pattern in parentheses for members whose name matches it.
    pub pointer: String,
    /// What changed: `maximum 10 → 5`.
    pub message: String,
    /// What it means.
    pub meaning: Meaning,
    /// Where it was written.
    pub old: Option<Place>,
    /// Where it is written.
    pub new: Option<Place>,
    /// A record that was valid and is not any more, for this reason.
    pub example: Option<Value>,
}

/// By what a verdict was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A record that one schema takes and the other rejects.
    Example,
    /// The canonical forms of both schemas.
    Canonical,
    /// Every change by itself.
    Changes,
    /// Nothing: it is unknown.
    None,
}

impl Proof {
    /// `example`, `canonical`, `changes` or `none`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Example => "example",
            Self::Canonical => "canonical",
            Self::Changes => "changes",
            Self::None => "none",
        }
    }
}

/// What became of a schema.
#[derive(Clone, Debug)]
pub struct Compatibility {
    /// Whose data was looked at.
    pub direction: Direction,
    /// Whether it stays valid.
    pub verdict: Verdict,
    /// By what that was found.
    pub proof: Proof,
    /// What changed, in the order of the old schema.
    pub changes: Vec<Change>,
    /// A record that breaks and that no single change accounts for.
    pub example: Option<Value>,
}

impl Compatibility {
    /// How many changes mean that.
    #[must_use]
    pub fn count(&self, meaning: Meaning) -> usize {
        self.changes.iter().filter(|change| change.meaning == meaning).count()
    }
}

/// Compares two versions of a schema.
#[must_use]
pub fn compare(old: &Schema, new: &Schema, direction: Direction) -> Compatibility {
    let patterns = schema_view::Patterns::default();
    let (old, new) = (schema_view::SchemaView::new(old, &patterns), schema_view::SchemaView::new(new, &patterns));
    let walked = structural_diff::structural_diff(old, new);
    let proof = subsumption::Canonical::new(old, new, direction);
    let trial = counterexample::CounterexampleSearch::new(old, new, direction);
    let covered = proof.covers(old.schema.root_at(), new.schema.root_at());
    let mut evolution = Compatibility { direction, verdict: Verdict::Unknown, proof: Proof::None, changes: Vec::new(), example: None };
    let mut harmless = match direction {
        Direction::Backward => !walked.opaque,
        Direction::Forward => is_harmless(new, old),
    };
    // What JSON Schema has no say in cannot be proved by its means.
    let foreign = walked.found.iter().any(|found| found.foreign && found.harms(direction));
    for found in walked.found {
        let harm = found.harms(direction);
        let mut change = Change {
            pointer: found.pointer.clone(),
            message: found.message.clone(),
            meaning: if found.wording { Meaning::Wording } else { Meaning::Compatible },
            old: found.old.clone(),
            new: found.new.clone(),
            example: None,
        };
        let covered = covered == Some(true) && !found.foreign;
        if harm && !covered && !proof.settles(&found) {
            let (example, other) = trial.example(&found, &proof);
            change.meaning = if example.is_some() { Meaning::Breaking } else { Meaning::Undecided };
            change.example = example;
            evolution.example = evolution.example.or(other);
        }
        harmless &= !harm || (change.meaning == Meaning::Compatible && !covered);
        evolution.changes.push(change);
    }
    let proved = evolution.count(Meaning::Breaking) > 0;
    if !proved && evolution.example.is_none() && covered != Some(true) && !harmless {
        evolution.example = trial.any(&proof);
    }
    (evolution.verdict, evolution.proof) = match covered {
        _ if proved || evolution.example.is_some() => (Verdict::Breaking, Proof::Example),
        _ if harmless => (Verdict::Compatible, Proof::Changes),
        Some(true) if !foreign => (Verdict::Compatible, Proof::Canonical),
        Some(false) => (Verdict::Breaking, Proof::Canonical),
        _ => (Verdict::Unknown, Proof::None),
    };
    if proved {
        evolution.example = None;
    }
    evolution
}

// Whether each change by itself leaves the data of the first schema valid by the second one.
fn is_harmless(from: schema_view::SchemaView<'_>, to: schema_view::SchemaView<'_>) -> bool {
    let walked = structural_diff::structural_diff(from, to);
    let proof = subsumption::Canonical::new(from, to, Direction::Backward);
    !walked.opaque && walked.found.iter().all(|found| !found.harms(Direction::Backward) || proof.settles(found))
}
