//! Errors in a schema, as findings that point into the schema file.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError};
use serde_json::Value;

use super::error_mapping::{ErrorMapper, Index};
use super::registry::is_metaschema;
use super::{SchemaRegistry, Shape};
use chancery_core::diagnostic::hint::Budget;
use chancery_core::diagnostic::{Diagnostic, MAX_FINDINGS_PER_RECORD, Place, quote, rules};
use chancery_core::tree::{Kind, Node};

const DRAFTS: &str = "supported drafts are 4, 6, 7, 2019-09 and 2020-12, as in \"https://json-schema.org/draft/2020-12/schema\"";

/// The finding for a schema of a draft that is not supported, and whose metaschema is not available either.
pub(super) fn draft(registry: &SchemaRegistry, root: usize) -> Option<Diagnostic> {
    let name = registry.node(registry.root(root)).get("$schema").filter(|name| name.kind() == Kind::String)?;
    if Draft::from_schema_uri(name.text()) != Draft::Unknown || registry.has(name.text()) {
        return None;
    }
    let message = format!("expected a supported JSON Schema draft, found {}", quote(name.text(), true));
    Some(Diagnostic::new(&rules::UNSUPPORTED_DRAFT, name.tree().source(), name.span(), message).at("/$schema").help(DRAFTS))
}

/// The findings for a schema that could not be compiled.
pub(super) fn to_diagnostic(registry: &SchemaRegistry, root: usize, value: &Value, error: &ValidationError<'_>) -> Vec<Diagnostic> {
    if let ValidationErrorKind::Referencing(cause) = error.kind() {
        let dangling: Vec<Diagnostic> = registry.dangling(is_metaschema).into_iter().map(dangling).collect();
        return if dangling.is_empty() { vec![at_root(registry, root, cause.to_string())] } else { dangling };
    }
    let broken = broken(registry.node(registry.root(root)), value);
    if !broken.is_empty() {
        return broken;
    }
    // The schema keeps the rules of its draft, but a keyword in it cannot be used: usually a pattern.
    let location = error.absolute_keyword_location().and_then(|location| registry.locate(location.as_str()));
    let (resource, below) = location.unwrap_or_else(|| (registry.root(root), error.instance_path().as_str().to_owned()));
    let (message, help) = match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => match registry.node(resource).at(&below) {
            Some(node) if node.kind() == Kind::String => of_pattern(node.text()),
            // The name of a member of `patternProperties`.
            _ => chancery_core::tree::pointer::split_last(&below)
                .map_or_else(|| ("expected a regular expression".to_owned(), None), |(_, name)| of_pattern(&name)),
        },
        _ => (format!("the schema cannot be used: {}", error.masked()), None),
    };
    let mut finding = match registry.place_below(resource, &below) {
        Some(Place { source, span }) => Diagnostic::new(&rules::INVALID_SCHEMA, &source, span, message).at(below),
        None => at_root(registry, root, message),
    };
    if let Some(help) = help {
        finding = finding.help(help);
    }
    vec![finding]
}

// The errors with a pattern that does not compile, and what to do.
fn of_pattern(pattern: &str) -> (String, Option<String>) {
    let shown = quote(pattern, true);
    if let Some(limit) = too_large(pattern) {
        let message = format!("regular expression {shown} is too large: compiled, it would take more than {limit} bytes");
        return (message, Some("lower the counts of its repetitions, or limit the length with maxLength".to_owned()));
    }
    let translated = jsonschema_regex::to_rust_regex(pattern).ok();
    let cause = translated.and_then(|pattern| match regex_syntax::parse(&pattern) {
        Err(regex_syntax::Error::Parse(error)) => Some(error.kind().to_string()),
        Err(regex_syntax::Error::Translate(error)) => Some(error.kind().to_string()),
        _ => None,
    });
    // Patterns that look around are for another engine, which may mean something else.
    let cause = cause.filter(|_| !LOOKS.iter().any(|look| pattern.contains(look)));
    (format!("expected a regular expression, found {shown}"), cause.map(|cause| format!("the pattern does not parse: {cause}")))
}

const LOOKS: [&str; 4] = ["(?=", "(?!", "(?<=", "(?<!"];

// The limit in bytes that a pattern exceeds when it is compiled.
fn too_large(pattern: &str) -> Option<usize> {
    // What a pattern looks around for counts like what it matches.
    let plain = LOOKS.iter().fold(pattern.to_owned(), |pattern, look| pattern.replace(look, "(?:"));
    match regex::Regex::new(&jsonschema_regex::to_rust_regex(&plain).ok()?) {
        Err(regex::Error::CompiledTooBig(limit)) => Some(limit),
        _ => None,
    }
}

// What the metaschema finds wrong.
fn broken(root: Node<'_>, value: &Value) -> Vec<Diagnostic> {
    let Ok(validator) = jsonschema::meta::validator_for(value) else { return Vec::new() };
    let shape = Shape::any();
    let hints = Budget::default();
    let explainer =
        ErrorMapper { root, schema: None, shape: &shape, hints: &hints, limit: MAX_FINDINGS_PER_RECORD, index: Index::default() };
    let (mut findings, omitted) = explainer.explain(validator.iter_errors(value), None);
    findings.extend(omitted.into_finding());
    for finding in &mut findings {
        finding.rule = &rules::INVALID_SCHEMA;
        finding.schema_pointer = None;
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        let pattern = root.at(pointer).filter(|node| node.kind() == Kind::String && pointer.ends_with("/pattern"));
        if let Some(pattern) = pattern.filter(|pattern| too_large(pattern.text()).is_some()) {
            let (message, help) = of_pattern(pattern.text());
            finding.message = message;
            finding.help = help;
        } else if let Some((_, keyword)) = chancery_core::tree::pointer::split_last(pointer) {
            finding.message = format!("keyword {}: {}", quote(&keyword, true), finding.message);
        }
    }
    findings.sort_by_key(|finding| finding.place.span.start);
    findings.dedup_by(|a, b| a.pointer == b.pointer && a.message == b.message);
    findings
}

fn dangling(reference: Node<'_>) -> Diagnostic {
    let message = format!("reference {} cannot be resolved", quote(reference.text(), true));
    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, reference.tree().source(), reference.span(), message)
        .at(reference.pointer())
        .help("correct it, or add the schema's directory with --schema-dir; nothing is fetched from the network")
}

fn at_root(registry: &SchemaRegistry, root: usize, message: String) -> Diagnostic {
    let node = registry.node(registry.root(root));
    Diagnostic::new(&rules::INVALID_SCHEMA, node.tree().source(), node.opening(), message).at("")
}
