//! What is wrong with a schema: the validator's complaint as findings that point into the schema file.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::Library;
use super::library::is_metaschema;
use crate::diagnostic::{Diagnostic, Place, quote, rules};

/// The findings for a schema that could not be compiled.
pub(super) fn explain(library: &Library, root: usize, error: &ValidationError<'_>) -> Vec<Diagnostic> {
    if let ValidationErrorKind::Referencing(cause) = error.kind() {
        let dangling = library.dangling(is_metaschema);
        if !dangling.is_empty() {
            return dangling
                .into_iter()
                .map(|node| {
                    let message = format!("reference {} leads nowhere", quote(node.text(), true));
                    Diagnostic::new(&rules::UNRESOLVED_REFERENCE, node.tree().source(), node.span(), message).at(node.pointer()).help(
                        "nothing is fetched from the network: give the folder of the other schema with --schema-dir, or mend the reference",
                    )
                })
                .collect();
        }
        return vec![at_root(library, root, cause.to_string())];
    }
    let path = error.instance_path().as_str();
    match library.place_below(library.root(root), path) {
        Some(Place { source, span }) => {
            vec![Diagnostic::new(&rules::INVALID_SCHEMA, &source, span, message(error)).at(path)]
        }
        None => vec![at_root(library, root, message(error))],
    }
}

fn message(error: &ValidationError<'_>) -> String {
    format!("the schema is not valid: {}", error.masked())
}

fn at_root(library: &Library, root: usize, message: String) -> Diagnostic {
    let node = library.node(library.root(root));
    Diagnostic::new(&rules::INVALID_SCHEMA, node.tree().source(), node.opening(), message).at("")
}
