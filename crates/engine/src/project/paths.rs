//! The inputs that paths mean, in the working tree and at git revisions.

use super::CONFIG_NAME;
use super::input::{is_input, package_tables, tables_of};
use super::revision::{self, ResolvedInput};
use chancery_files::open::{self, DirectoryRules, Input, InputError};

/// Inputs, and paths without inputs.
pub(super) type Expanded = (Vec<ResolvedInput>, Vec<InputError>);

/// The inputs that paths mean.
pub(super) fn expand(paths: &[String]) -> (Vec<Input>, Vec<InputError>) {
    open::expand(paths, &DirectoryRules { known: &is_input, package_tables: &package_tables, config_name: CONFIG_NAME })
}

/// Like `expand`; paths may be at a git revision.
pub(super) fn expand_with(paths: &[String], revisions: bool) -> Expanded {
    let (old, now): (Vec<String>, Vec<String>) = paths.iter().cloned().partition(|path| revisions && revision::split(path).is_some());
    let (inputs, mut missing) = expand(&now);
    let mut found: Vec<ResolvedInput> = inputs.into_iter().map(|input| ResolvedInput { input, revision: None }).collect();
    for path in &old {
        match revision::expand(path, is_input, tables_of) {
            Ok(files) => found.extend(files),
            Err(problem) => missing.push(problem),
        }
    }
    (found, missing)
}
