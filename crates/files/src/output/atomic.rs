//! Output files that are either complete or absent.
//!
//! Everything that the program writes to a path goes through an [`AtomicFile`]. Where the system supports unnamed files, the directory
//! shows nothing until the output is complete; elsewhere the file has a temporary name (see [`super::temporary`]) until it is renamed.
//! A symbolic link is followed, and its target is replaced. A target that is not a regular file (a device, a pipe, `/dev/stdout`) is
//! never replaced: the output is spooled until it is complete and then written into it. Errors name the target, never a temporary file.

use std::collections::BTreeMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::syscall::{self, File};
use super::temporary::{self, Exclusive, FolderLock, Made, Temporary, exclusive};
use crate::spool::SpoolFile;

/// Outputs into a device or a pipe are held in memory up to this size, then in an unnamed file.
const HELD: usize = 8 << 20;

/// An output in the making, which leaves nothing after when it is dropped.
pub struct AtomicFile {
    // As it was named.
    shown: PathBuf,
    place: Place,
}

enum Place {
    // Put into place when it is complete.
    Staged(Staged),
    // Written into when it is complete.
    Stream { out: File, held: SpoolFile },
}

struct Staged {
    file: File,
    // Its name; an unnamed file has none.
    temporary: Option<Temporary>,
    target: PathBuf,
    // Dropped last: directories that are empty then go.
    _made: Made,
}

/// Whether unnamed files are used where the system has them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Unnamed,
    #[cfg(test)]
    Named,
}

impl AtomicFile {
    /// Begins the file at `path`, whose directory is made where it is absent.
    ///
    /// # Errors
    /// When the file cannot be created, or what is at `path` cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::begin(path, Naming::Unnamed)
    }

    fn begin(path: &Path, naming: Naming) -> io::Result<Self> {
        let place = match resolve(path).map_err(|error| about(path, error))? {
            Resolved::Stream(out) => Place::Stream { out, held: SpoolFile::new(HELD) },
            Resolved::File(target, there) => {
                Place::Staged(Staged::begin(target, there.is_some(), naming).map_err(|error| about(path, error))?)
            }
        };
        Ok(Self { shown: path.to_owned(), place })
    }

    /// Where it goes, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// Whether it will be a file of its own; not what is written into a device or a pipe.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.place, Place::Staged(_))
    }

    /// Puts it into place.
    ///
    /// # Errors
    /// When the disk is full or the target rejects it; the target is as before then, unless it is a device or a pipe.
    pub fn commit(self) -> io::Result<()> {
        commit(vec![self]).map(drop)
    }

    /// Puts it into place where nothing is there yet.
    ///
    /// # Errors
    /// As [`AtomicFile::commit`], and [`io::ErrorKind::AlreadyExists`] where something is there.
    pub fn commit_new(mut self) -> io::Result<()> {
        self.prepare()?;
        let Self { shown, place } = self;
        let done = match place {
            Place::Staged(staged) => staged.publish_new(&mut exclusive()),
            Place::Stream { .. } => Err(io::ErrorKind::AlreadyExists.into()),
        };
        done.map_err(|error| about(&shown, error))
    }

    // Does all that may fail for want of space.
    fn prepare(&mut self) -> io::Result<()> {
        let done = match &mut self.place {
            Place::Staged(staged) => staged.prepare(),
            Place::Stream { .. } => Ok(()),
        };
        done.map_err(|error| about(&self.shown, error))
    }

    // Writes what was held back for a device or a pipe.
    fn release(&mut self) -> io::Result<()> {
        let Place::Stream { out, held } = &mut self.place else { return Ok(()) };
        let done = held.rewind().and_then(|()| io::copy(held, out)).and_then(|_| out.flush());
        done.map_err(|error| about(&self.shown, error))
    }

    fn publish(self, exclusive: &mut Exclusive) -> io::Result<()> {
        let Self { shown, place } = self;
        match place {
            Place::Staged(staged) => staged.publish(exclusive).map_err(|error| about(&shown, error)),
            Place::Stream { .. } => Ok(()),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.place {
            Place::Staged(staged) => staged.file.write(bytes),
            Place::Stream { held, .. } => held.write(bytes),
        };
        written.map_err(|error| about(&self.shown, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.place {
            Place::Staged(staged) => staged.file.flush(),
            Place::Stream { held, .. } => held.flush(),
        };
        flushed.map_err(|error| about(&self.shown, error))
    }
}

// What is written so far can be read back and changed.
impl Read for AtomicFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.place {
            Place::Staged(staged) => staged.file.read(bytes),
            Place::Stream { held, .. } => held.read(bytes),
        };
        read.map_err(|error| about(&self.shown, error))
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let sought = match &mut self.place {
            Place::Staged(staged) => staged.file.seek(to),
            Place::Stream { held, .. } => held.seek(to),
        };
        sought.map_err(|error| about(&self.shown, error))
    }
}

/// Puts files into place, one after another, when all that is likely to fail has been done for each of them.
///
/// # Errors
/// When a disk is full or a target rejects its file; those before it are in place then.
pub fn commit(files: Vec<AtomicFile>) -> io::Result<Vec<FolderLock>> {
    let mut prepared = Prepared::new(files)?;
    prepared.release()?;
    prepared.publish()
}

/// Complete files that wait to be put into place.
pub struct Prepared(Vec<AtomicFile>);

impl Prepared {
    /// Does for each file what may fail for want of space.
    ///
    /// # Errors
    /// When a disk is full or a target rejects its file; nothing is in place then.
    pub fn new(mut files: Vec<AtomicFile>) -> io::Result<Self> {
        files.iter_mut().try_for_each(AtomicFile::prepare)?;
        Ok(Self(files))
    }

    /// Writes into devices and pipes what is for them. A pipe that nobody reads any more is no error.
    ///
    /// # Errors
    /// When one of them takes no more.
    pub fn release(&mut self) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|file| match file.release() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            released => released,
        })
    }

    /// Puts the files into place. A signal does not end the process in between. Another process that puts several files into
    /// the same directory waits until the locks that this gives are dropped.
    ///
    /// # Errors
    /// When a target rejects its file; those before it are in place then.
    pub fn publish(self) -> io::Result<Vec<FolderLock>> {
        let locks = self.lock();
        let mut exclusive = exclusive();
        let mut files = self.0.into_iter();
        let done = files.by_ref().try_for_each(|file| file.publish(&mut exclusive));
        // Files that are left remove their temporary names, for which they lock the list themselves.
        drop(exclusive);
        drop(files);
        done.map(|()| locks)
    }

    // Folders that take several files, in the same order in each process.
    fn lock(&self) -> Vec<FolderLock> {
        let mut folders = BTreeMap::new();
        for file in &self.0 {
            if let Place::Staged(staged) = &file.place
                && let Ok(folder) = folder_of(&staged.target).canonicalize()
            {
                *folders.entry(folder).or_insert(0) += 1;
            }
        }
        folders.iter().filter(|(_, count)| **count > 1).filter_map(|(folder, _)| FolderLock::take(folder)).collect()
    }
}

impl Staged {
    fn begin(target: PathBuf, private: bool, naming: Naming) -> io::Result<Self> {
        let folder = folder_of(&target);
        let made = Made::folder(folder)?;
        temporary::sweep(folder);
        let (file, temporary) = match unnamed(folder, private).filter(|_| naming == Naming::Unnamed) {
            Some(file) => (file, None),
            None => Temporary::create(folder, private).map(|(file, temporary)| (file, Some(temporary)))?,
        };
        Ok(Self { file, temporary, target, _made: made })
    }

    fn prepare(&mut self) -> io::Result<()> {
        match fs::metadata(&self.target) {
            Ok(there) if there.is_file() => {
                own(&self.file, &there);
                self.file.set_permissions(&there.permissions())?;
            }
            Ok(_) => return Err(io::Error::other("it is not a regular file any more")),
            // The user's mask has been applied when the file was created.
            Err(error) if error.kind() == io::ErrorKind::NotFound => syscall::create_dir_all(folder_of(&self.target))?,
            Err(error) => return Err(error),
        }
        self.file.sync_data()
    }

    fn publish(self, exclusive: &mut Exclusive) -> io::Result<()> {
        let Self { file, temporary, target, _made } = self;
        match temporary {
            Some(temporary) => temporary.publish(&target, exclusive),
            None => match link(&file, &target) {
                // A link replaces nothing, so the file needs a name for the moment until it is renamed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let name = link_to_temporary(&file, folder_of(&target))?;
                    syscall::rename(&name, &target).inspect_err(|_| drop(syscall::remove_file(&name)))
                }
                linked => linked,
            },
        }
    }

    fn publish_new(self, exclusive: &mut Exclusive) -> io::Result<()> {
        match self.temporary {
            Some(temporary) => temporary.publish_new(&self.target, exclusive),
            None => link(&self.file, &self.target),
        }
    }
}

fn link_to_temporary(file: &File, folder: &Path) -> io::Result<PathBuf> {
    loop {
        let name = folder.join(temporary::next_name());
        match link(file, &name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked.map(|()| name),
        }
    }
}

// A file of a directory that has no name yet; `None` if the system or the file system has no such files.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, private: bool) -> Option<File> {
    // It is linked to its name by way of this directory.
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let file = File::unnamed(folder, if private { 0o600 } else { 0o666 }).ok()?;
    temporary::lock(&file);
    Some(file)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_folder: &Path, _private: bool) -> Option<File> {
    None
}

// Returns an unnamed file its name.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    file.link(path)
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

// What is at a path.
enum Resolved {
    // A regular file, or nothing yet.
    File(PathBuf, Option<Metadata>),
    // Something that is written into.
    Stream(File),
}

// Follows links to what they stand for.
fn resolve(path: &Path) -> io::Result<Resolved> {
    const MOST: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..MOST {
        if let Some(out) = descriptor(&place) {
            return out.map(Resolved::Stream);
        }
        let there = match fs::symlink_metadata(&place) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Resolved::File(place, None)),
            Err(error) => return Err(error),
        };
        if there.is_symlink() {
            place = folder_of(&place).join(fs::read_link(&place)?);
        } else if there.is_file() {
            return Ok(Resolved::File(place, Some(there)));
        } else if there.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        } else {
            return File::open(OpenOptions::new().write(true), &place).map(Resolved::Stream);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "too many links"))
}

// An open file that a path names by its number, such as `/dev/stdout` or what a shell gives for `>(command)`. It is written
// into where it is, also where it is a regular file.
#[cfg(unix)]
fn descriptor(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd;
    let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let own = Path::new("/proc").join(std::process::id().to_string());
    let is_own = folder == Path::new("/dev/fd") || folder.starts_with(&own) && folder.ends_with("fd");
    let is_other = folder.starts_with("/proc") && folder.ends_with("fd");
    if !is_own && !is_other {
        return None;
    }
    Some(match number {
        // What else is written to the same open file is before or after it.
        1 if is_own => io::stdout().as_fd().try_clone_to_owned().map(|out| fs::File::from(out).into()),
        2 if is_own => io::stderr().as_fd().try_clone_to_owned().map(|out| fs::File::from(out).into()),
        _ => File::open(OpenOptions::new().append(true), path),
    })
}

#[cfg(not(unix))]
fn descriptor(_path: &Path) -> Option<io::Result<File>> {
    None
}

/// The directory a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path of the file that a link stands for, or would; any other path as it is.
///
/// # Errors
/// When a link cannot be read.
pub fn follow(path: &Path) -> io::Result<PathBuf> {
    match resolve(path)? {
        Resolved::File(path, _) => Ok(path),
        Resolved::Stream(_) => Ok(path.to_owned()),
    }
}

// Only root may give files away; for everybody else the file is theirs already, or becomes so.
#[cfg(unix)]
fn own(file: &File, like: &Metadata) {
    let _ = file.set_owner(like);
}

#[cfg(not(unix))]
fn own(_file: &File, _like: &Metadata) {}

/// An error that names the file it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
struct About {
    path: PathBuf,
    error: io::Error,
}

/// Names the file that an error is about, unless it does already. The kind stays.
pub fn about(path: &Path, error: io::Error) -> io::Error {
    if names_file(&error) {
        return error;
    }
    io::Error::new(error.kind(), About { path: path.to_owned(), error })
}

/// Whether an error names the file it is about.
pub fn names_file(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<About>()).is_some()
}

/// What became of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The new text is in place.
    Done,
    /// The file held another text than the old one, and still does.
    Changed,
}

/// Puts `new` into the place of `old` in the file at `path`, only while it still is `old`.
///
/// The file keeps its permissions and, where the system lets it, its owner. Other names of the same file (hard links) keep the
/// old text.
///
/// # Errors
/// When the file is none that can be read and written, or its directory takes no other; nothing has changed then.
pub fn replace(path: &Path, old: &[u8], new: &[u8]) -> io::Result<Replaced> {
    replace_with(path, old, new, Naming::Unnamed)
}

fn replace_with(path: &Path, old: &[u8], new: &[u8], naming: Naming) -> io::Result<Replaced> {
    let target = fs::canonicalize(path)?;
    if !fs::metadata(&target)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // A file that may not be written is left alone, though its directory would let it be replaced.
    File::open(OpenOptions::new().read(true).write(true), &target)?;
    let mut staged = Staged::begin(target, true, naming)?;
    staged.file.write_all(new)?;
    staged.prepare()?;
    // As late as can be: what somebody else has written since is not lost.
    let mut now = Vec::with_capacity(old.len());
    fs::File::open(&staged.target)?.take(old.len() as u64 + 1).read_to_end(&mut now)?;
    if now != old {
        return Ok(Replaced::Changed);
    }
    staged.publish(&mut exclusive())?;
    Ok(Replaced::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Naming; 2] = [Naming::Unnamed, Naming::Named];

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    fn begun(path: &Path, text: &str, naming: Naming) -> AtomicFile {
        let mut file = AtomicFile::begin(path, naming).expect("it can be created");
        file.write_all(text.as_bytes()).expect("the disk has space");
        file
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        for naming in BOTH {
            let home = tempfile::tempdir().expect("a folder can be made");
            let path = home.path().join("deep/er/a");
            drop(begun(&path, "x", naming));
            assert!(names(home.path()).is_empty(), "neither a file nor its folders are left");
            let file = begun(&path, "one", naming);
            #[cfg(target_os = "linux")]
            assert_eq!(names(path.parent().expect("a folder")).is_empty(), naming == Naming::Unnamed);
            file.commit().expect("it can be put into place");
            begun(&path, "two", naming).commit().expect("it can be replaced");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), "two");
            let error = begun(&path, "three", naming).commit_new().expect_err("it is there");
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(
                (fs::read_to_string(&path).expect("it is there"), names(path.parent().expect("a folder"))),
                ("two".into(), vec!["a".into()])
            );
            begun(&path.with_extension("b"), "new", naming).commit_new().expect("it is not there");
        }
    }

    #[test]
    fn all_are_prepared_before_one_is_in_place() {
        for naming in BOTH {
            let home = tempfile::tempdir().expect("a folder can be made");
            let files = ["a", "b"].map(|name| begun(&home.path().join(name), "x", naming));
            // Since it was begun, something else has come into its place.
            fs::create_dir(home.path().join("b")).expect("the folder is writable");
            let error = commit(files.into()).expect_err("it is a directory");
            assert!(error.to_string().contains("/b: "), "{error}");
            assert_eq!(names(home.path()), ["b"]);
            // One that is rejected only when it is renamed leaves no temporary file, and others leave none either.
            let files = ["c", "d", "e"].map(|name| begun(&home.path().join(name), "x", naming));
            let prepared = Prepared::new(files.into()).expect("the folder is writable");
            fs::create_dir(home.path().join("d")).expect("the folder is writable");
            let error = prepared.publish().expect_err("it is a directory");
            assert!(error.to_string().contains("/d: "), "{error}");
            assert_eq!(names(home.path()), ["b", "c", "d"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_new_one_follows_the_mask() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        for naming in BOTH {
            let home = tempfile::tempdir().expect("a folder can be made");
            let (path, like) = (home.path().join("a"), home.path().join("like"));
            fs::write(&like, "x").expect("the folder is writable");
            begun(&path, "x", naming).commit().expect("it can be put into place");
            assert_eq!(mode(&path), mode(&like));
            for kept in [0o600, 0o640, 0o755, 0o4711] {
                fs::set_permissions(&path, fs::Permissions::from_mode(kept)).expect("it is ours");
                begun(&path, "y", naming).commit().expect("it can be replaced");
                assert_eq!(mode(&path), kept);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_what_they_stand_for_is_replaced() {
        use std::os::unix::fs::symlink;
        for naming in BOTH {
            let home = tempfile::tempdir().expect("a folder can be made");
            let at = |name: &str| home.path().join(name);
            fs::create_dir(at("real")).expect("the folder is writable");
            symlink("real/a", at("one")).expect("a link can be made");
            symlink(at("one"), at("two")).expect("a link can be made");
            // At first it stands for nothing.
            for text in ["x", "y"] {
                begun(&at("two"), text, naming).commit().expect("it can be put into place");
                assert!(at("one").is_symlink() && at("two").is_symlink());
                assert_eq!(fs::read_to_string(at("real/a")).expect("it is there"), text);
            }
            symlink("loop", at("loop")).expect("a link can be made");
            assert!(AtomicFile::begin(&at("loop"), naming).is_err());
        }
    }

    #[test]
    fn only_the_old_text_gives_way() {
        for naming in BOTH {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let path = folder.path().join("a.json");
            for other in ["somebody else's", "ol", "old or new"] {
                fs::write(&path, other).expect("the folder is writable");
                assert_eq!(replace_with(&path, b"old", b"new", naming).expect("it can be read"), Replaced::Changed);
                assert_eq!(fs::read_to_string(&path).expect("it is there"), other);
            }
            fs::write(&path, "old").expect("the folder is writable");
            assert_eq!(replace_with(&path, b"old", b"new", naming).expect("it can be written"), Replaced::Done);
            assert_eq!(fs::read(&path).expect("it is there"), b"new");
            assert_eq!(names(folder.path()), ["a.json"], "no temporary file is left");
            assert!(replace_with(folder.path(), b"old", b"new", naming).is_err());
            assert!(replace_with(&folder.path().join("none"), b"", b"new", naming).is_err());
        }
    }
}
