//! Older versions of files, read with the `git` program.
//!
//! Input: a revision in git's notation and paths as given. Output: the bytes of a file at the revision, and which files
//! have changed. Nothing is written to the repository, and a revision is never interpreted as an option.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why git failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot be started.
    #[error("cannot run git: {0}")]
    Program(#[from] io::Error),
    /// The directory is not in a repository.
    #[error("{} is not in a git repository", .0.display())]
    NoRepository(PathBuf),
    /// No commit has that name.
    #[error("unknown git revision {0:?}")]
    NoRevision(String),
    /// Two commits have no common ancestor here.
    #[error("{0:?} and the current revision have no common ancestor; the clone may be shallow")]
    Unrelated(String),
    /// Any other error message of git.
    #[error("git: {0}")]
    Refused(String),
}

/// A repository with a working tree.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(String);

impl Repository {
    /// The repository that contains `folder` (empty: the working directory).
    ///
    /// # Errors
    /// When there is no git, or the directory is not in a repository.
    pub fn discover(folder: &Path) -> Result<Self, Error> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match output(folder, ["rev-parse", "--show-toplevel"])? {
            Ok(root) => Ok(Self { root: path(root.trim_ascii_end()) }),
            Err(_) => Err(Error::NoRepository(folder.to_path_buf())),
        }
    }

    /// The top of the working tree, as an absolute path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that `revision` names.
    ///
    /// # Errors
    /// When there is none.
    pub fn commit(&self, revision: &str) -> Result<Commit, Error> {
        let wanted = format!("{revision}^{{commit}}");
        match self.run_git(["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])? {
            Ok(name) => Ok(Commit(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())),
            Err(_) => Err(Error::NoRevision(revision.to_owned())),
        }
    }

    /// The merge base of `revision` and the current revision: what a merge request is compared with.
    ///
    /// # Errors
    /// When there is no such revision, or no common ancestor.
    pub fn merge_base(&self, revision: &str) -> Result<Commit, Error> {
        let commit = self.commit(revision)?;
        match self.run_git(["merge-base", &commit.0, "HEAD"])? {
            Ok(name) => Ok(Commit(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())),
            Err(_) => Err(Error::Unrelated(revision.to_owned())),
        }
    }

    /// The files of the working tree that differ from `commit`, including new and deleted ones, as absolute paths;
    /// ignored files are excluded.
    ///
    /// # Errors
    /// When git fails.
    pub fn changed_since(&self, commit: &Commit) -> Result<Vec<PathBuf>, Error> {
        let known = self.run_checked(["diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", &commit.0, "--"])?;
        let new = self.run_checked(["ls-files", "--others", "--exclude-standard", "-z", "--"])?;
        let mut changed: Vec<PathBuf> = names(&known).chain(names(&new)).map(|name| self.root.join(name)).collect();
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    /// The bytes of a file at `commit`; `None` if it had no such file. Relative paths are relative to the working
    /// directory.
    ///
    /// # Errors
    /// When the file is outside the repository or git fails.
    pub fn file_at(&self, commit: &Commit, file: &Path) -> Result<Option<Vec<u8>>, Error> {
        let inside = self.inside(file)?;
        let listed = self.run_checked(["ls-tree", "--full-tree", "-z", "--name-only", &commit.0, "--", &inside])?;
        if !names(&listed).any(|name| name == Path::new(&inside)) {
            return Ok(None);
        }
        self.run_checked(["cat-file", "blob", &format!("{}:{inside}", commit.0)]).map(Some)
    }

    /// The files below `folder` at `commit`, as absolute paths, in git's order; the file itself if it is one.
    ///
    /// # Errors
    /// When the directory is outside the repository or git fails.
    pub fn files_at(&self, commit: &Commit, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let inside = self.inside(folder)?;
        // Without a path, all files are listed.
        let paths: &[&str] = if inside.is_empty() { &[] } else { &[&inside] };
        let listed = self.run_checked(["ls-tree", "-r", "--full-tree", "-z", "--name-only", &commit.0, "--"].iter().chain(paths))?;
        Ok(names(&listed).map(|name| self.root.join(name)).collect())
    }

    /// The files below `folder` at `commit`, as relative paths, in git's order; the empty path if it is a file itself.
    ///
    /// # Errors
    /// When the directory is outside the repository or git fails.
    pub fn files_below(&self, commit: &Commit, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let top = self.root.join(self.inside(folder)?);
        let files = self.files_at(commit, folder)?;
        Ok(files.into_iter().filter_map(|file| file.strip_prefix(&top).map(Path::to_path_buf).ok()).collect())
    }

    // A path as git names it: relative to the root of the working tree, with `/`. The file and its directories may be gone.
    fn inside(&self, file: &Path) -> Result<String, Error> {
        let absolute = std::path::absolute(file)?;
        let (known, rest) = absolute
            .ancestors()
            .find_map(|above| Some((above.canonicalize().ok()?, absolute.strip_prefix(above).ok()?)))
            .unwrap_or((absolute.clone(), Path::new("")));
        let root = self.root.canonicalize()?;
        let whole = if rest.as_os_str().is_empty() { known } else { known.join(rest) };
        let inside = whole.strip_prefix(&root).map_err(|_| Error::NoRepository(file.to_path_buf()))?;
        Ok(inside.to_string_lossy().replace('\\', "/"))
    }

    fn run_git<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Result<Result<Vec<u8>, String>, Error> {
        output(&self.root, words)
    }

    fn run_checked<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Result<Vec<u8>, Error> {
        self.run_git(words)?.map_err(Error::Refused)
    }
}

// The output or error of git. Paths are literal, never patterns.
fn output<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>) -> Result<Result<Vec<u8>, String>, Error> {
    let output = Command::new("git")
        .args(["--no-pager", "--no-optional-locks", "--literal-pathspecs", "-c", "core.quotepath=off"])
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Ok(Err(stderr.lines().next().unwrap_or("it failed without a message").trim_start_matches("fatal: ").to_owned()))
}

fn names(listed: &[u8]) -> impl Iterator<Item = PathBuf> {
    listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(path)
}

fn path(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}
