//! What a result depends on: the same conditions for everything that is cached.

use std::fmt::Debug;
use std::path::PathBuf;

use crate::project::{Overrides, Project};
use chancery_files::checksum;
use chancery_files::stat::FileMetadata;

/// The identity of a run. Two runs with the same one have the same result, as long as no file has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunKey(String);

impl RunKey {
    /// The identity of a run with these settings and the config in that file; `caller` is all else that its result
    /// depends on. `None` if the result depends on more than files.
    pub fn new(overrides: &Overrides, config: Option<&PathBuf>, caller: &impl Debug) -> Option<Self> {
        if overrides.changed_since.is_some() || overrides.write_baseline.is_some() || !overrides.schema_dir.is_empty() {
            return None;
        }
        let program = FileMetadata::at(&std::env::current_exe().ok()?)?.stamp;
        let key = (env!("CARGO_PKG_VERSION"), program, std::env::current_dir().ok()?, config, overrides, caller);
        Some(Self(checksum::of(format!("{key:?}").as_bytes())))
    }

    /// It as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The files that the result of a run depends on.
pub struct Dependencies {
    /// The inputs by their names, each followed by the files that belong to it.
    pub inputs: Vec<(String, PathBuf)>,
    /// Config, schemas and the like.
    pub config_files: Vec<PathBuf>,
}

impl Dependencies {
    /// Those of a project; `None` if its result depends on more than files, or on files that are not all known.
    #[must_use]
    pub fn of(project: &Project) -> Option<Self> {
        let Project { inputs, settings, changed_since, .. } = project;
        let is_partial = !inputs.missing.is_empty() || inputs.stream.is_some() || changed_since.is_some();
        if is_partial || !settings.schema_dirs.is_empty() || inputs.specs.iter().any(|spec| spec.revision.is_some()) {
            return None;
        }
        let mut files = Vec::new();
        for spec in &inputs.specs {
            files.push((spec.input.name.to_string(), spec.input.path.clone()?));
            files.extend(spec.files().into_iter().skip(1).map(|table| (super::super::input::shown(&table), table)));
        }
        Some(Self { inputs: files, config_files: project.dependencies() })
    }

    /// The checksums of config, schemas and the like; `None` if one cannot be read.
    #[must_use]
    pub fn config_checksums(&self) -> Option<Vec<(PathBuf, String)>> {
        checksums(&self.config_files)
    }
}

/// The checksums of files; `None` if one cannot be read.
pub(super) fn checksums(files: &[PathBuf]) -> Option<Vec<(PathBuf, String)>> {
    files.iter().map(|file| Some((file.clone(), checksum::of_file(file).ok()?))).collect()
}
