//! Opens the baseline of a project.

use std::path::Path;

use super::settings::ResolvedSettings;
use super::{Error, schemas};
use crate::pipeline::baseline::{Baseline, FORMAT, Update};
use chancery_check::Checker;
use chancery_core::diagnostic::{Diagnostic, Severity};
use chancery_core::tree::Tree;
use chancery_files::output::OutputTarget;
use chancery_schema::bundled;

/// The baseline of a run over `paths`, and where it is updated; `None` if the project has none.
pub(super) fn open(settings: &ResolvedSettings, paths: &[String]) -> Result<Option<(Baseline, OutputTarget)>, Error> {
    let update = settings.write_baseline;
    let Some(path) = &settings.baseline else {
        return match update {
            Some(_) => Err(Error::setting("--write-baseline requires --baseline FILE")),
            None => Ok(None),
        };
    };
    let (tree, update) = match (path.exists(), update) {
        (false, None) => {
            let message = format!("the baseline {} does not exist; create it with --write-baseline", path.display());
            return Err(Error::setting(message));
        }
        // The first baseline contains all findings.
        (false, Some(_)) => (None, Update::Accept),
        (true, update) => (read(path, update)?, update.unwrap_or_default()),
    };
    // Lighter findings than warnings are written only where they count.
    let from = settings.policy.fail_on.unwrap_or(Severity::Warning).min(Severity::Warning);
    Ok(Some((Baseline::new(path, tree.as_ref(), paths, update, from), OutputTarget::file(path))))
}

// The file as a tree; `None` if it is replaced without being read.
fn read(path: &Path, update: Option<Update>) -> Result<Option<Tree>, Error> {
    let tree = schemas::parse_file(path)?;
    match format(&tree) {
        Some(format) if format > FORMAT => {
            let message = format!(
                "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; update chancery",
                path.display()
            );
            return Err(Error::setting(message));
        }
        // What it knows cannot be compared with what is found now.
        Some(format) if format < FORMAT && update == Some(Update::Accept) => return Ok(None),
        Some(format) if format < FORMAT => {
            let message = format!(
                "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; write it again with \
                 --write-baseline=all",
                path.display()
            );
            return Err(Error::setting(message));
        }
        _ => {}
    }
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    Checker::new(schemas::own(bundled::BASELINE, true)?).check(&tree, &mut diagnostics);
    if diagnostics.is_empty() { Ok(Some(tree)) } else { Err(Error::Findings(diagnostics)) }
}

// The number of the file's format; the first one had a version in its place. `None` if there is no number.
fn format(tree: &Tree) -> Option<u64> {
    let root = tree.root();
    root.get("format").or_else(|| root.get("version"))?.text().parse().ok()
}
