//! Named temporary files next to outputs, and their removal.
//!
//! The name of a temporary file contains the id and the start time of the process that owns it. The owner removes the file when its
//! output is abandoned; [`remove_all`] does so before the process exits; [`sweep`] removes the files of killed processes.
//! Nothing else is removed: a file must have a name of this form, no running owner, and no lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::syscall::{self, File};

const PREFIX: &str = ".chancery-";
const SUFFIX: &str = ".tmp";

// The temporary files of this process. A signal may end the process from another thread, so every change of what is in a
// directory happens while this is locked.
static LIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

// Folders that this process has made and that hold no output yet. Locked after LIVE, where both are.
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// As long as this lives, no other thread creates, publishes or removes a file.
pub struct Exclusive(MutexGuard<'static, BTreeSet<PathBuf>>);

/// Waits until no other thread changes what is in a directory.
pub fn exclusive() -> Exclusive {
    Exclusive(LIVE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Removes the temporary files of this process. None is created, and no output appears, while the result lives, which is
/// meant to be until the process exits.
#[must_use]
pub fn remove_all() -> Exclusive {
    let mut exclusive = exclusive();
    for path in std::mem::take(&mut *exclusive.0) {
        // One that cannot be removed now is removed by the next run.
        let _ = syscall::remove_file(&path);
    }
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    // The innermost first; one that holds something stays.
    for folder in std::mem::take(&mut *folders).iter().rev() {
        let _ = syscall::remove_dir(folder);
    }
    exclusive
}

/// A named temporary file, which goes when this is dropped.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
}

impl Temporary {
    /// Creates a file in a directory: for its owner alone where it is `private`, else as the user's mask says. The file is locked as
    /// long as it is open.
    ///
    /// # Errors
    /// When the directory takes no file.
    pub fn create(folder: &Path, private: bool) -> io::Result<(File, Self)> {
        let mut exclusive = exclusive();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        set_private(&mut options, private);
        loop {
            let path = folder.join(next_name());
            match File::open(&options, &path) {
                Ok(file) => {
                    lock(&file);
                    exclusive.0.insert(path.clone());
                    return Ok((file, Self { path }));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to `target`, whatever is there.
    ///
    /// # Errors
    /// When it cannot be renamed; it is gone then.
    pub fn publish(self, target: &Path, exclusive: &mut Exclusive) -> io::Result<()> {
        let renamed = syscall::rename(&self.path, target);
        self.forget(renamed.is_err(), exclusive);
        renamed
    }

    /// Renames it to `target`, where nothing is there yet.
    ///
    /// # Errors
    /// When something is there, or it cannot be renamed; it is gone then.
    pub fn publish_new(self, target: &Path, exclusive: &mut Exclusive) -> io::Result<()> {
        let renamed = syscall::rename_new(&self.path, target);
        let is_unsupported = |error: &io::Error| matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput);
        if !renamed.as_ref().is_err_and(is_unsupported) {
            self.forget(renamed.is_err(), exclusive);
            return renamed;
        }
        let linked = match syscall::hard_link(&self.path, target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) if fs::symlink_metadata(target).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => return self.publish(target, exclusive),
            Ok(()) => Ok(()),
        };
        self.forget(true, exclusive);
        linked
    }

    // What `drop` does, for whoever has locked the list already.
    fn forget(self, is_there: bool, exclusive: &mut Exclusive) {
        if is_there {
            let _ = syscall::remove_file(&self.path);
        }
        exclusive.0.remove(&self.path);
        std::mem::forget(self);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut exclusive = exclusive();
        if exclusive.0.remove(&self.path) {
            let _ = syscall::remove_file(&self.path);
        }
    }
}

/// A directory for files to come, and those around it, as far as they are not there yet. What is empty in the end goes again.
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a directory.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(folder: &Path) -> io::Result<Self> {
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        let absent = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = Self(absent.map(Path::to_path_buf).collect());
        folders.extend(made.0.iter().cloned());
        // Those that were made before one could not be made go again.
        drop(folders);
        syscall::create_dir_all(folder)?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in &self.0 {
            // A directory that holds something stays.
            let _ = syscall::remove_dir(folder);
            folders.remove(folder);
        }
    }
}

/// A directory that no other process puts a set of files into as long as this lives. The threads of a process share the lock.
#[derive(Debug)]
pub struct FolderLock(Arc<fs::File>);

/// Another process has the directory.
#[derive(Debug)]
pub struct Busy;

impl FolderLock {
    /// Takes the directory unless another process has it; `None` if the directory cannot be locked.
    ///
    /// # Errors
    /// When another process has it.
    pub fn try_take(folder: &Path) -> Result<Option<Self>, Busy> {
        Self::locked(folder, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Err(Busy),
            Err(TryLockError::Error(_)) => Ok(false),
        })
    }

    /// Waits until no other process has the directory; `None` if the directory cannot be locked.
    #[must_use]
    pub fn take(folder: &Path) -> Option<Self> {
        Self::locked(folder, |file| Ok(file.lock().is_ok())).unwrap_or_default()
    }

    fn locked(folder: &Path, lock: impl FnOnce(&fs::File) -> Result<bool, Busy>) -> Result<Option<Self>, Busy> {
        static TAKEN: Mutex<BTreeMap<PathBuf, Weak<fs::File>>> = Mutex::new(BTreeMap::new());
        let Ok(folder) = folder.canonicalize() else { return Ok(None) };
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = taken.get(&folder).and_then(Weak::upgrade) {
            return Ok(Some(Self(lock)));
        }
        let Ok(file) = fs::File::open(&folder).map(Arc::new) else { return Ok(None) };
        if !lock(&file)? {
            return Ok(None);
        }
        taken.insert(folder, Arc::downgrade(&file));
        Ok(Some(Self(file)))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The lock goes with the file; a child process may have it open a little longer.
        if Arc::strong_count(&self.0) == 1 {
            let _ = self.0.unlock();
        }
    }
}

/// Locks a file that is about to become a temporary one, so that no other process takes it for abandoned.
pub fn lock(file: &File) {
    // If files cannot be locked, only the name is used.
    let _ = file.try_lock();
}

/// A name that no other file has, of this process.
pub fn next_name() -> String {
    static OWNER: OnceLock<String> = OnceLock::new();
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let owner = OWNER.get_or_init(|| {
        let own = std::process::id();
        let started = if let Process::Running(started) = process(own) { started } else { 0 };
        format!("{own}-{started}")
    });
    format!("{PREFIX}{owner}-{}{SUFFIX}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

#[cfg(unix)]
fn set_private(options: &mut OpenOptions, private: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    if private {
        options.mode(0o600);
    }
}

#[cfg(not(unix))]
fn set_private(_options: &mut OpenOptions, _private: bool) {}

/// Removes the temporary files that killed processes have left in a directory. Each directory is looked at once in the life of the process.
pub fn sweep(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        remove_abandoned(folder);
    }
}

fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let Some((number, started)) = entry.file_name().to_str().and_then(owner_of) else { continue };
        if entry.file_type().is_ok_and(|kind| kind.is_file()) && is_abandoned(&entry.path(), number, started) {
            // It does no harm where it is.
            let _ = syscall::remove_file(&entry.path());
        }
    }
}

// The process in a temporary file's name, and when it started.
fn owner_of(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split('-');
    let owner = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let _number: u64 = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(owner)
}

// A process of another machine or container is not to be seen from here, but its lock is.
fn is_abandoned(path: &Path, number: u32, started: u64) -> bool {
    let process = process(number);
    if process == Process::Running(started) {
        return false;
    }
    let Ok(file) = fs::File::open(path) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => process != Process::Unknown,
    }
}

/// What is known of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    /// It started then, in the system's own unit.
    Running(u64),
    /// There is none.
    Gone,
    /// Unknown on this system.
    Unknown,
}

#[cfg(target_os = "linux")]
fn process(number: u32) -> Process {
    let text = match fs::read_to_string(format!("/proc/{number}/stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && Path::new("/proc/self/stat").exists() => return Process::Gone,
        Err(_) => return Process::Unknown,
    };
    // proc_pid_stat(5): the name of the program is in brackets and may hold any byte; the state is the first field after it,
    // the start the twentieth.
    let mut fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
    match fields.next() {
        Some("Z" | "X" | "x") => Process::Gone,
        Some(_) => fields.nth(18).and_then(|started| started.parse().ok()).map_or(Process::Unknown, Process::Running),
        None => Process::Unknown,
    }
}

#[cfg(not(target_os = "linux"))]
fn process(_number: u32) -> Process {
    Process::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dropped_file_is_removed_and_a_published_one_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        drop(Temporary::create(folder.path(), true).expect("the folder is writable"));
        assert!(names(folder.path()).is_empty());
        let (_, file) = Temporary::create(folder.path(), false).expect("the folder is writable");
        assert_eq!(owner_of(&names(folder.path())[0]).map(|(number, _)| number), Some(std::process::id()));
        file.publish_new(&folder.path().join("a"), &mut exclusive()).expect("it can be renamed");
        let (_, file) = Temporary::create(folder.path(), false).expect("the folder is writable");
        let error = file.publish_new(&folder.path().join("a"), &mut exclusive()).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let (_, file) = Temporary::create(folder.path(), false).expect("the folder is writable");
        file.publish(&folder.path().join("a"), &mut exclusive()).expect("it can be renamed");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn only_abandoned_files_are_swept() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (open, live) = Temporary::create(folder.path(), true).expect("the folder is writable");
        let live_name = live.path().file_name().expect("it has a name").to_str().expect("UTF-8").to_owned();
        // No process has number 0; the same number with another start is another process.
        let dead = [".chancery-0-1-2.tmp".to_owned(), format!(".chancery-{}-1-0.tmp", std::process::id())];
        let others =
            [".chancery-x.tmp", ".chancery-0-1-2.tmp.txt", ".chancery-0-1.tmp", ".chancery-manifest", "0-1-2.tmp", ".chancery-0-1-2-3.tmp"];
        for name in dead.iter().map(String::as_str).chain(others) {
            fs::write(folder.path().join(name), "x").expect("the folder is writable");
        }
        fs::create_dir(folder.path().join(".chancery-0-9-9.tmp")).expect("the folder is writable");
        // The owner is not to be seen here, but holds the lock.
        let elsewhere = File::from(fs::File::create(folder.path().join(".chancery-0-5-5.tmp")).expect("the folder is writable"));
        lock(&elsewhere);
        remove_abandoned(folder.path());
        let mut expected: Vec<&str> = others.into_iter().chain([&*live_name, ".chancery-0-5-5.tmp", ".chancery-0-9-9.tmp"]).collect();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
        drop((open, live, elsewhere));
        remove_abandoned(folder.path());
        assert!(!names(folder.path()).contains(&".chancery-0-5-5.tmp".to_owned()));
    }

    #[test]
    fn a_folder_is_shared_by_the_threads_of_a_process_and_by_no_other() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        // A lock of another open file counts like one of another process.
        let other = fs::File::open(folder.path()).expect("it can be opened");
        let Some(lock) = FolderLock::take(folder.path()) else { panic!("it can be locked") };
        let second = std::thread::scope(|scope| scope.spawn(|| FolderLock::take(folder.path())).join().expect("no panic"));
        assert!(second.is_some());
        drop(lock);
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)), "the second one still has it");
        drop(second);
        other.try_lock().expect("nobody has it");
        // Who waits gets it when the other has gone.
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| FolderLock::take(folder.path()));
            other.unlock().expect("it was locked");
            assert!(waiting.join().expect("no panic").is_some());
        });
    }

    #[test]
    fn folders_that_stay_empty_go_again() {
        let home = tempfile::tempdir().expect("a folder can be made");
        let made = Made::folder(&home.path().join("a/b")).expect("the folder is writable");
        fs::write(home.path().join("a/x"), "x").expect("the folder is writable");
        assert_eq!(FOLDERS.lock().expect("no panic").iter().filter(|folder| folder.starts_with(home.path())).count(), 2);
        drop(made);
        assert_eq!(names(&home.path().join("a")), ["x"]);
        assert!(FOLDERS.lock().expect("no panic").iter().all(|folder| !folder.starts_with(home.path())));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_known_by_its_start() {
        let own = process(std::process::id());
        assert!(matches!(own, Process::Running(started) if started > 0), "{own:?}");
        assert_eq!(process(u32::MAX), Process::Gone);
    }
}
