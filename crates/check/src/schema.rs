//! The check against a schema: the validator walks the tree in place, and its errors are mapped to findings.
//!
//! Input: a record. Output: its findings, in source order. A valid record costs only the validator's walk; the errors
//! of an invalid one are listed in a second pass.

use std::sync::{Arc, OnceLock};

use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, quote, rules};
use chancery_core::tree::{Node, Tree, pointer};
use chancery_schema::budget::Exceeded;
use chancery_schema::error_mapping::{ErrorMapper, Index};
use chancery_schema::json_impl::{ErrorBudget, WholeValue};
use chancery_schema::{Part, Schema, Shape};

/// Checks records against one schema.
pub struct Checker {
    schema: Arc<Schema>,
    // Derived for the first invalid record.
    shape: OnceLock<Shape>,
    deprecates: bool,
}

impl Checker {
    /// Checks against `schema`.
    #[must_use]
    pub fn new(schema: Arc<Schema>) -> Self {
        let deprecates = schema.registry().references_from("\"deprecated\"");
        Self { schema, shape: OnceLock::new(), deprecates }
    }

    /// Emits the findings about the record.
    pub fn check(&self, tree: &Tree, diagnostics: &mut dyn DiagnosticSink) {
        let root = tree.root();
        // Checking validity first costs a fifth less than listing errors.
        let verdict = if self.deprecates { Ok(false) } else { self.schema.verdict(root) };
        if verdict == Ok(true) {
            return;
        }
        let record = WholeValue::new(root);
        let shape = self.shape.get_or_init(|| Shape::of(&self.schema));
        let hints = diagnostics.hints();
        let explainer =
            ErrorMapper { root, schema: Some(&self.schema), shape, hints: &hints, limit: diagnostics.limit(), index: Index::default() };
        let budget = ErrorBudget::start(root);
        let errors = verdict.and_then(|_| self.schema.try_errors(&record));
        let trusted = budget.end();
        let (mut findings, omitted) = match errors {
            Ok(errors) => explainer.explain(errors, trusted),
            Err(exceeded) => {
                // The first error can usually be reported even if not all can.
                let budget = ErrorBudget::start(root);
                let first = if verdict.is_ok() { self.schema.first_error(&record).ok().flatten() } else { None };
                let trusted = budget.end();
                let (mut findings, omitted) = explainer.explain(first.into_iter(), trusted);
                findings.push(beyond(root, exceeded, !findings.is_empty()));
                (findings, omitted)
            }
        };
        diagnostics.spend_hints(hints.used());
        if self.deprecates {
            deprecated(root, shape.root(), &mut String::new(), &mut findings);
        }
        for finding in sorted(findings) {
            diagnostics.emit(finding);
        }
        diagnostics.omit(omitted);
    }
}

// Reports that a record was not checked completely.
fn beyond(root: Node<'_>, exceeded: Exceeded, reported: bool) -> Diagnostic {
    let (message, help) = match exceeded {
        Exceeded::Work if reported => (
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

// In source order; duplicates, which several branches may emit, are dropped.
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
                finding = finding.related("declared in the schema here", place);
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
