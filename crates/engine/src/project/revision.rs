//! Paths on the command line at a git revision, written `REV:PATH`: `main:data.csv`, `HEAD~2:data/`.
//!
//! Input: the argument. Output: the files, each with its revision. An existing file of that name and a Windows drive
//! letter take precedence. Paths are relative to the working directory.

use std::collections::HashSet;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::git::{self, Commit, Repository};
use chancery_files::open::{self, Input, InputError};

/// A file to read.
#[derive(Clone, Debug)]
pub struct ResolvedInput {
    /// Its name and path; for a file at a revision, its path in the working tree.
    pub input: Input,
    /// The revision to read it at; `None` for the current file.
    pub revision: Option<Arc<Revision>>,
}

/// A commit, as the user named it.
#[derive(Debug)]
pub struct Revision {
    repository: Repository,
    commit: Commit,
    name: String,
}

impl Revision {
    /// Finds the commit in the repository that contains `path`, whose directories may be gone.
    pub fn find(name: &str, path: &Path) -> Result<Self, git::Error> {
        let absolute = std::path::absolute(path)?;
        let folder = absolute.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new(""));
        let repository = Repository::discover(folder)?;
        let commit = repository.commit(name)?;
        Ok(Self { repository, commit, name: name.to_owned() })
    }

    /// The bytes of a file at this revision.
    pub fn file(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.repository.file_at(&self.commit, path).map_err(io::Error::other)?;
        let bytes = bytes.ok_or_else(|| io::Error::other(format!("no such file at {}", self.name)))?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    /// Whether the revision has that file; `None` outside of the repository.
    pub fn has(&self, path: &Path) -> Option<bool> {
        self.repository.file_at(&self.commit, path).ok().map(|file| file.is_some())
    }

    /// The files of supported formats in a directory.
    pub fn folder(&self, folder: &Path, known: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, git::Error> {
        self.files(&folder.to_string_lossy(), known)
    }

    /// The display name of a file at this revision.
    pub fn shown(&self, path: &Path) -> String {
        format!("{}:{}", self.name, path.to_string_lossy().replace('\\', "/"))
    }

    fn text(&self, path: &Path) -> Option<String> {
        String::from_utf8(self.repository.file_at(&self.commit, path).ok()??).ok()
    }

    // The files that `given` means: one file, those of supported formats in a directory, or those that match a pattern.
    fn files(&self, given: &str, known: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, git::Error> {
        let given = Path::new(if given.is_empty() { "." } else { given });
        let below = self.repository.files_below(&self.commit, given)?;
        // A file whose name looks like a pattern is tried before the pattern.
        if below.is_empty() && glob(given) {
            return self.matching(given);
        }
        if below.iter().any(|file| file.as_os_str().is_empty()) {
            return Ok(vec![given.to_path_buf()]);
        }
        let plain =
            |file: &PathBuf| !hidden(file) && file.file_name().is_some_and(|name| known(open::strip_compression(&name.to_string_lossy())));
        Ok(below.into_iter().filter(plain).map(|file| given.join(file)).collect())
    }

    fn matching(&self, pattern: &Path) -> Result<Vec<PathBuf>, git::Error> {
        let fixed: PathBuf = pattern.components().take_while(|part| !glob(Path::new(part.as_os_str()))).collect();
        let glob = globset::GlobBuilder::new(&pattern.to_string_lossy()).literal_separator(true).build();
        let matcher = glob.map_err(|error| git::Error::Refused(error.to_string()))?.compile_matcher();
        let start = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
        let files = self.repository.files_below(&self.commit, start)?;
        Ok(files.into_iter().filter(|file| !hidden(file)).map(|file| fixed.join(file)).filter(|file| matcher.is_match(file)).collect())
    }
}

fn hidden(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
}

fn glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// The revision and the path in `given`, if it has that form.
pub fn split(given: &str) -> Option<(&str, &str)> {
    // Braces contain dates and searches: `main@{2026-01-01 10:00}:data.csv`.
    let mut depth = 0;
    let mut ends = given.char_indices().filter(|(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        *c == ':' && depth == 0
    });
    let at = ends.next()?.0;
    let (name, path) = (&given[..at], &given[at + 1..]);
    let drive = name.len() == 1 && name.as_bytes()[0].is_ascii_alphabetic() && (cfg!(windows) || path.starts_with(['/', '\\']));
    (!drive && !Path::new(given).exists()).then_some((name, path))
}

/// The files of a path at a revision, in the order of their names. `known` decides whether a file in a directory is
/// read, `claims` names the files that a file stands for.
pub fn expand(
    given: &str,
    known: impl Fn(&str) -> bool,
    claims: impl Fn(&Path, &dyn Fn() -> Option<String>) -> Vec<PathBuf>,
) -> Result<Vec<ResolvedInput>, InputError> {
    let refused = |error: io::Error| InputError::Io { name: given.to_owned(), error };
    let (name, path) = split(given).unwrap_or(("", given));
    let revision = Arc::new(Revision::find(name, Path::new(path)).map_err(|error| refused(io::Error::other(error)))?);
    let mut files = revision.files(path, known).map_err(|error| refused(io::Error::other(error)))?;
    if files.is_empty() {
        return Err(refused(io::Error::other(format!("no such file, and no directory with files of a supported format, at {name}"))));
    }
    files.sort_by_key(|file| revision.shown(file));
    let claimed: HashSet<PathBuf> = files
        .iter()
        .flat_map(|file| {
            let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
            claims(file, &|| revision.text(file)).into_iter().map(move |table| folder.join(table))
        })
        .collect();
    files.retain(|file| !claimed.contains(file));
    let in_folder = files.len() != 1 || files[0].file_name() != Path::new(path).file_name();
    let found = |path: PathBuf| ResolvedInput {
        input: Input { in_folder, ..Input::new(revision.shown(&path), Some(path)) },
        revision: Some(Arc::clone(&revision)),
    };
    Ok(files.into_iter().map(found).collect())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn revisions_are_distinguished_from_paths() {
        assert_eq!(split("main:data.csv"), Some(("main", "data.csv")));
        assert_eq!(split("HEAD~2:data/"), Some(("HEAD~2", "data/")));
        assert_eq!(split("main@{2026-01-01 10:00}:a"), Some(("main@{2026-01-01 10:00}", "a")));
        assert_eq!(split("main:"), Some(("main", "")));
        assert_eq!(split("data.csv"), None);
        assert_eq!(split("C:\\data.csv"), None);
        assert_eq!(split("c:/data.csv"), None);
        assert_eq!(split("-"), None);
    }
}
