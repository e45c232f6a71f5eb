//! `--changed-since`: which inputs changed since a git revision, and what the changed ones contained.

use std::collections::HashSet;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::Error;
use super::input::InputSpec;
use crate::git::{Commit, Repository};
use crate::pipeline::{BaseRecords, ChangeStatus, RecordPipeline};
use chancery_files::open;
use chancery_formats::read::{self, Format};

/// A commit, and the files that have changed since.
pub struct ChangedFiles {
    repository: Repository,
    commit: Commit,
    changed: HashSet<PathBuf>,
    status_by_path: HashSet<PathBuf>,
}

impl ChangedFiles {
    /// Since the merge base with `revision`.
    pub fn new(revision: &str) -> Result<Self, Error> {
        let repository = Repository::discover(Path::new(""))?;
        let commit = repository.merge_base(revision)?;
        let changed = repository.changed_since(&commit)?.into_iter().collect();
        let known = repository.files_at(&commit, repository.root())?.into_iter().collect();
        Ok(Self { repository, commit, changed, status_by_path: known })
    }

    /// Whether a file has changed. Files outside the repository count as unknown.
    pub fn has_changed(&self, file: &Path) -> bool {
        self.changed.contains(&real(file))
    }

    /// The change status of an input. Inputs from elsewhere are new, and so are files that git ignores.
    pub fn status(&self, spec: &InputSpec) -> ChangeStatus {
        let files: Vec<PathBuf> = spec.files().iter().map(|file| real(file)).collect();
        let known = |file: &PathBuf| self.status_by_path.contains(file);
        if files.first().is_none_or(|file| !known(file) && !self.changed.contains(file)) {
            ChangeStatus::Added
        } else if files.iter().any(|file| self.changed.contains(file) || !known(file)) {
            ChangeStatus::Modified
        } else {
            ChangeStatus::Unchanged
        }
    }

    /// Reads the base versions of the changed inputs and of removed files.
    pub fn read_base(
        &self,
        spec: &[InputSpec],
        options: &[read::Options],
        pipelines: &[RecordPipeline],
        base: &mut BaseRecords,
    ) -> Result<(), Error> {
        for spec in spec.iter().filter(|spec| self.status(spec) == ChangeStatus::Modified) {
            if let Some(path) = &spec.input.path {
                self.read_one(spec, path, options, pipelines, base)?;
            }
        }
        let mut gone: Vec<&PathBuf> = self.changed.iter().filter(|file| self.status_by_path.contains(*file) && !file.exists()).collect();
        gone.sort();
        for file in gone.into_iter().filter(|file| Format::by_extension(open::strip_compression(&file.to_string_lossy())).is_some()) {
            // It is read like the inputs nearest to it.
            let shared = |other: &Path| real(other).components().zip(file.components()).take_while(|(one, other)| one == other).count();
            let nearest = spec.iter().max_by_key(|spec| spec.input.path.as_deref().map_or(0, shared));
            if let Some(nearest) = nearest {
                self.read_one(&nearest.beside(file), file, options, pipelines, base)?;
            }
        }
        Ok(())
    }

    fn read_one(
        &self,
        spec: &InputSpec,
        path: &Path,
        options: &[read::Options],
        pipelines: &[RecordPipeline],
        base: &mut BaseRecords,
    ) -> Result<(), Error> {
        let Some(bytes) = self.repository.file_at(&self.commit, &real(path))? else { return Ok(()) };
        let table = |path: &Path| -> io::Result<Box<dyn Read + Send>> {
            let bytes = self.repository.file_at(&self.commit, &real(path)).map_err(io::Error::other)?;
            let bytes = bytes.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it was not there"))?;
            Ok(Box::new(Cursor::new(bytes)))
        };
        // A base version that could not be read has no unchanged records.
        if let Ok(opened) = spec.open_bytes(bytes, &table, &options[spec.collection]) {
            let _ = base.read(&pipelines[spec.collection], opened);
        }
        Ok(())
    }
}

// The path as git names it, without symbolic links; the file may be gone.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute.canonicalize().unwrap_or(absolute)
}
