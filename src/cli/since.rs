//! `--changed-since`: which inputs are what they were in git, and what the others held.

use std::collections::HashSet;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::Trouble;
use super::session::Planned;
use crate::pipeline::{Course, Novelty, Older};
use crate::read::{self, Format};
use crate::source::git::{Commit, Repository};
use crate::source::open;

/// A commit, and the files that are no longer what they were then.
pub struct Since {
    repository: Repository,
    commit: Commit,
    changed: HashSet<PathBuf>,
    known: HashSet<PathBuf>,
}

impl Since {
    /// Since the present state and `revision` went apart.
    pub fn new(revision: &str) -> Result<Self, Trouble> {
        let repository = Repository::around(Path::new(""))?;
        let commit = repository.fork(revision)?;
        let changed = repository.changed_since(&commit)?.into_iter().collect();
        let known = repository.files_at(&commit, repository.root())?.into_iter().collect();
        Ok(Self { repository, commit, changed, known })
    }

    /// Whether a file is not what it was. Of one that git does not know nothing is said.
    pub fn has_changed(&self, file: &Path) -> bool {
        self.changed.contains(&real(file))
    }

    /// How an input stands to what it was. What comes from elsewhere is new, and so is what git ignores.
    pub fn novelty(&self, planned: &Planned) -> Novelty {
        let files: Vec<PathBuf> = planned.files().iter().map(|file| real(file)).collect();
        let known = |file: &PathBuf| self.known.contains(file);
        if files.first().is_none_or(|file| !known(file) && !self.changed.contains(file)) {
            Novelty::New
        } else if files.iter().any(|file| self.changed.contains(file) || !known(file)) {
            Novelty::Changed
        } else {
            Novelty::Same
        }
    }

    /// Reads the older versions of the inputs that changed, and of the files that are gone.
    pub fn read_older(&self, planned: &[Planned], options: &[read::Options], courses: &[Course], older: &mut Older) -> Result<(), Trouble> {
        for planned in planned.iter().filter(|planned| self.novelty(planned) == Novelty::Changed) {
            if let Some(path) = &planned.input.path {
                self.read_one(planned, path, options, courses, older)?;
            }
        }
        let mut gone: Vec<&PathBuf> = self.changed.iter().filter(|file| self.known.contains(*file) && !file.exists()).collect();
        gone.sort();
        for file in gone.into_iter().filter(|file| Format::by_extension(open::strip_compression(&file.to_string_lossy())).is_some()) {
            // It was read as the inputs nearest to it are.
            let shared = |other: &Path| real(other).components().zip(file.components()).take_while(|(one, other)| one == other).count();
            let nearest = planned.iter().max_by_key(|planned| planned.input.path.as_deref().map_or(0, shared));
            if let Some(nearest) = nearest {
                self.read_one(&nearest.beside(file), file, options, courses, older)?;
            }
        }
        Ok(())
    }

    fn read_one(
        &self,
        planned: &Planned,
        path: &Path,
        options: &[read::Options],
        courses: &[Course],
        older: &mut Older,
    ) -> Result<(), Trouble> {
        let Some(bytes) = self.repository.file_at(&self.commit, &real(path))? else { return Ok(()) };
        let table = |path: &Path| -> io::Result<Box<dyn Read + Send>> {
            let bytes = self.repository.file_at(&self.commit, &real(path)).map_err(io::Error::other)?;
            let bytes = bytes.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it was not there"))?;
            Ok(Box::new(Cursor::new(bytes)))
        };
        // What could not be read then has no records that are the same now.
        if let Ok(mut opened) = planned.open_bytes(bytes, &table, &options[planned.course]) {
            let _ = older.take(&courses[planned.course], &mut *opened.cutter);
        }
        Ok(())
    }
}

// The path as git names it, without links; the file may be gone.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute.canonicalize().unwrap_or(absolute)
}
