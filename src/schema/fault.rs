//! What is wrong with a schema, as findings that point into the schema file.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError};
use serde_json::Value;

use super::explain::{Explainer, Index};
use super::library::is_metaschema;
use super::{Library, Shape};
use crate::diagnostic::hint::Budget;
use crate::diagnostic::{Diagnostic, MAX_FINDINGS_PER_RECORD, Place, quote, rules};
use crate::tree::{Kind, Node};

const DRAFTS: &str = "supported are drafts 4, 6, 7, 2019-09 and 2020-12, as in \"https://json-schema.org/draft/2020-12/schema\"";

/// The finding for a schema of a draft that is not supported, and whose metaschema is not at hand either.
pub(super) fn draft(library: &Library, root: usize) -> Option<Diagnostic> {
    let name = library.node(library.root(root)).get("$schema").filter(|name| name.kind() == Kind::String)?;
    if Draft::from_schema_uri(name.text()) != Draft::Unknown || library.has(name.text()) {
        return None;
    }
    let message = format!("expected a draft of JSON Schema that is supported, found {}", quote(name.text(), true));
    Some(Diagnostic::new(&rules::UNSUPPORTED_DRAFT, name.tree().source(), name.span(), message).at("/$schema").help(DRAFTS))
}

/// The findings for a schema that could not be compiled.
pub(super) fn explain(library: &Library, root: usize, value: &Value, error: &ValidationError<'_>) -> Vec<Diagnostic> {
    if let ValidationErrorKind::Referencing(cause) = error.kind() {
        let dangling: Vec<Diagnostic> = library.dangling(is_metaschema).into_iter().map(dangling).collect();
        return if dangling.is_empty() { vec![at_root(library, root, cause.to_string())] } else { dangling };
    }
    let broken = broken(library.node(library.root(root)), value);
    if !broken.is_empty() {
        return broken;
    }
    // The schema keeps the rules of its draft, but a keyword in it cannot be used: mostly a pattern.
    let location = error.absolute_keyword_location().and_then(|location| library.locate(location.as_str()));
    let (resource, below) = location.unwrap_or_else(|| (library.root(root), error.instance_path().as_str().to_owned()));
    let message = match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            let found = library.node(resource).at(&below).map_or_else(String::new, |node| format!(", found {}", quote(node.text(), true)));
            format!("expected a regular expression{found}")
        }
        _ => format!("the schema cannot be used: {}", error.masked()),
    };
    match library.place_below(resource, &below) {
        Some(Place { source, span }) => vec![Diagnostic::new(&rules::INVALID_SCHEMA, &source, span, message).at(below)],
        None => vec![at_root(library, root, message)],
    }
}

// What the metaschema finds wrong.
fn broken(root: Node<'_>, value: &Value) -> Vec<Diagnostic> {
    let Ok(validator) = jsonschema::meta::validator_for(value) else { return Vec::new() };
    let shape = Shape::any();
    let hints = Budget::default();
    let explainer = Explainer { root, schema: None, shape: &shape, hints: &hints, limit: MAX_FINDINGS_PER_RECORD, index: Index::default() };
    let (mut findings, omitted) = explainer.explain(validator.iter_errors(value), None);
    findings.extend(omitted.into_finding());
    for finding in &mut findings {
        finding.rule = &rules::INVALID_SCHEMA;
        finding.schema_pointer = None;
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        if let Some((_, keyword)) = crate::tree::pointer::split_last(pointer) {
            finding.message = format!("keyword {}: {}", quote(&keyword, true), finding.message);
        }
    }
    findings.sort_by_key(|finding| finding.place.span.start);
    findings.dedup_by(|a, b| a.pointer == b.pointer && a.message == b.message);
    findings
}

fn dangling(reference: Node<'_>) -> Diagnostic {
    let message = format!("reference {} leads nowhere", quote(reference.text(), true));
    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, reference.tree().source(), reference.span(), message)
        .at(reference.pointer())
        .help("mend it, or give the folder of the schema it means with --schema-dir; nothing is fetched from the network")
}

fn at_root(library: &Library, root: usize, message: String) -> Diagnostic {
    let node = library.node(library.root(root));
    Diagnostic::new(&rules::INVALID_SCHEMA, node.tree().source(), node.opening(), message).at("")
}
