//! The check against a schema: the validator walks the tree in place, and what it finds is explained.
//!
//! In: a record. Out: its findings, in the order in which they stand in the source. A valid record costs the validator's walk
//! and nothing else; only one that is not is gone through for everything that is wrong.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Diagnostic, Notes, quote, rules};
use crate::schema::budget::Exceeded;
use crate::schema::explain::{Explainer, Index};
use crate::schema::spanned::{ErrorBudget, Whole};
use crate::schema::{Part, Schema, Shape};
use crate::tree::{Node, Tree, pointer};

/// Checks records against one schema.
pub struct Checker {
    schema: Arc<Schema>,
    // Derived when the first record has something wrong.
    shape: OnceLock<Shape>,
    deprecates: bool,
}

impl Checker {
    /// Checks against `schema`.
    #[must_use]
    pub fn new(schema: Arc<Schema>) -> Self {
        let deprecates = schema.library().mentions("\"deprecated\"");
        Self { schema, shape: OnceLock::new(), deprecates }
    }

    /// Notes what is wrong with the record.
    pub fn check(&self, tree: &Tree, notes: &mut dyn Notes) {
        let root = tree.root();
        // Whether anything is wrong costs a fifth less to know than that nothing is listed.
        let verdict = if self.deprecates { Ok(false) } else { self.schema.verdict(root) };
        if verdict == Ok(true) {
            return;
        }
        let record = Whole::new(root);
        let shape = self.shape.get_or_init(|| Shape::of(&self.schema));
        let hints = notes.hints();
        let explainer = Explainer { root, schema: Some(&self.schema), shape, hints: &hints, limit: notes.limit(), index: Index::default() };
        let budget = ErrorBudget::start(root);
        let errors = verdict.and_then(|_| self.schema.try_errors(&record));
        let trusted = budget.end();
        let (mut findings, omitted) = match errors {
            Ok(errors) => explainer.explain(errors, trusted),
            Err(exceeded) => {
                // What comes first can mostly be told even where not everything can.
                let budget = ErrorBudget::start(root);
                let first = if verdict.is_ok() { self.schema.first_error(&record).ok().flatten() } else { None };
                let trusted = budget.end();
                let (mut findings, omitted) = explainer.explain(first.into_iter(), trusted);
                findings.push(beyond(root, exceeded, !findings.is_empty()));
                (findings, omitted)
            }
        };
        notes.spend_hints(hints.used());
        if self.deprecates {
            deprecated(root, shape.root(), &mut String::new(), &mut findings);
        }
        for finding in sorted(findings) {
            notes.note(finding);
        }
        notes.omit(omitted);
    }
}

// Says that a record was not checked to its end.
fn beyond(root: Node<'_>, exceeded: Exceeded, told: bool) -> Diagnostic {
    let (message, help) = match exceeded {
        Exceeded::Work if told => (
            "listing the faults of the record takes more steps than the limit",
            "correct the first one and check again, or let the schema have fewer branches and shorter lists of values",
        ),
        Exceeded::Work => (
            "checking the record takes more steps than the limit",
            "let the schema have fewer branches and shorter lists of values, or split the record",
        ),
        Exceeded::Depth => (
            "the record and the schema are nested too deeply to be checked",
            "nest the record less deeply, or let the schema's references follow each other in fewer steps",
        ),
        Exceeded::Interrupted => ("the check was interrupted", "run it again"),
    };
    Diagnostic::new(&rules::BEYOND_LIMITS, root.tree().source(), root.opening(), message.to_owned()).at("").help(help)
}

// In the order of the source; the same said twice, as several branches may do, is said once.
fn sorted(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.sort_by(|a, b| {
        let key = |finding: &Diagnostic| (finding.place.span.start, finding.rule.code);
        key(a).cmp(&key(b)).then_with(|| a.pointer.cmp(&b.pointer)).then_with(|| a.message.cmp(&b.message))
    });
    findings.dedup_by(|a, b| a.rule == b.rule && a.pointer == b.pointer && a.message == b.message);
    findings
}

fn deprecated(node: Node<'_>, part: Part<'_>, at: &mut String, findings: &mut Vec<Diagnostic>) {
    let length = at.len();
    for member in node.members() {
        pointer::push(at, member.key.text());
        let known = part.member(member.key.text());
        if known.is_deprecated() {
            let name = quote(member.key.text(), true);
            let mut finding =
                Diagnostic::new(&rules::DEPRECATED, node.tree().source(), member.key.span(), format!("member {name} is deprecated"))
                    .at(at.as_str())
                    .schema_at(format!("{}/deprecated", known.pointer()));
            finding.help = known.description().map(str::to_owned);
            if let Some(place) = known.place() {
                finding = finding.related("the schema says so here", place);
            }
            findings.push(finding);
        }
        deprecated(member.value, known, at, findings);
        at.truncate(length);
    }
    for (index, item) in node.items().enumerate() {
        pointer::push_index(at, index);
        deprecated(item, part.item(index), at, findings);
        at.truncate(length);
    }
}
