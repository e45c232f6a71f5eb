//! The check against a schema: the validator walks the tree in place, and what it finds is explained.
//!
//! In: a record. Out: its findings, in the order in which they stand in the source. A valid record costs the validator's walk
//! and nothing else; only one that is not is gone through for everything that is wrong.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Diagnostic, Notes, quote, rules};
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
        if !self.deprecates && self.schema.is_valid(root) {
            return;
        }
        let record = Whole::new(root);
        let budget = ErrorBudget::start();
        let errors = self.schema.errors(&record);
        let trusted = budget.end();
        let shape = self.shape.get_or_init(|| Shape::of(&self.schema));
        let hints = notes.hints();
        let explainer = Explainer { root, schema: Some(&self.schema), shape, hints: &hints, limit: notes.limit(), index: Index::default() };
        let (mut findings, omitted) = explainer.explain(errors, trusted);
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
