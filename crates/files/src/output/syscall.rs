//! The calls to the operating system that change files. Nothing else in the program creates, writes, renames or removes one.
//!
//! In debug builds, each call can be made to fail (see `fault`); in others, these functions are those of the standard
//! library. A call that a signal has interrupted is repeated, except for `write`, whose callers do so.

use std::fs::{self, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Call;

/// An open file that can be written to.
#[derive(Debug)]
pub struct File(fs::File);

impl File {
    /// Opens a file as `options` say.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    pub fn open(options: &OpenOptions, path: &Path) -> io::Result<Self> {
        call(Call::Open, || options.open(path)).map(Self)
    }

    /// A file of a directory that has no name yet.
    ///
    /// # Errors
    /// When the system or the file system has no such files, or the directory cannot be written to.
    #[cfg(target_os = "linux")]
    pub fn unnamed(folder: &Path, mode: u32) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = call(Call::Open, || Ok(open(folder, flags, Mode::from_raw_mode(mode))?))?;
        Ok(Self(file.into()))
    }

    /// Returns an unnamed file its name.
    ///
    /// # Errors
    /// When the name is taken or the directory cannot be written to.
    #[cfg(target_os = "linux")]
    pub fn link(&self, path: &Path) -> io::Result<()> {
        use rustix::fs::{AtFlags, CWD, linkat};
        use std::os::fd::AsRawFd;
        let unnamed = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        call(Call::Link, || Ok(linkat(CWD, &unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?))
    }

    /// As [`fs::File::sync_data`].
    ///
    /// # Errors
    /// When the disk fails or is full.
    pub fn sync_data(&self) -> io::Result<()> {
        call(Call::Sync, || self.0.sync_data())
    }

    /// As [`fs::File::sync_all`].
    ///
    /// # Errors
    /// When the disk fails or is full.
    pub fn sync_all(&self) -> io::Result<()> {
        call(Call::Sync, || self.0.sync_all())
    }

    /// As [`fs::File::set_permissions`].
    ///
    /// # Errors
    /// When they cannot be changed.
    pub fn set_permissions(&self, permissions: &Permissions) -> io::Result<()> {
        call(Call::Mode, || self.0.set_permissions(permissions.clone()))
    }

    /// Gives the file the owner and the group of another one.
    ///
    /// # Errors
    /// When the user may not.
    #[cfg(unix)]
    pub fn set_owner(&self, like: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, fchown};
        call(Call::Mode, || fchown(&self.0, Some(like.uid()), Some(like.gid())))
    }

    /// As [`fs::File::try_lock`].
    ///
    /// # Errors
    /// When another process has locked it, or it cannot be locked.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.0.try_lock()
    }
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> Self {
        Self(file)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(debug_assertions)]
        let bytes = super::fault::shortened(bytes)?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// As [`fs::rename`].
///
/// # Errors
/// When the file cannot be renamed.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    call(Call::Rename, || fs::rename(from, to))
}

/// Renames a file to a name that is not taken.
///
/// # Errors
/// When the name is taken, or with [`io::ErrorKind::Unsupported`] or [`io::ErrorKind::InvalidInput`] where this cannot be done
/// in one step.
#[cfg(target_os = "linux")]
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    call(Call::Rename, || Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?))
}

/// Where this cannot be done in one step.
///
/// # Errors
/// With [`io::ErrorKind::Unsupported`].
#[cfg(not(target_os = "linux"))]
pub fn rename_new(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// As [`fs::hard_link`].
///
/// # Errors
/// When the name is taken, or the file system has no links.
pub fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    call(Call::Link, || fs::hard_link(from, to))
}

/// As [`fs::remove_file`].
///
/// # Errors
/// When the file cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<()> {
    call(Call::Remove, || fs::remove_file(path))
}

/// As [`fs::remove_dir`].
///
/// # Errors
/// When the directory is not empty or cannot be removed.
pub fn remove_dir(path: &Path) -> io::Result<()> {
    call(Call::Remove, || fs::remove_dir(path))
}

/// As [`fs::create_dir_all`].
///
/// # Errors
/// When a directory cannot be created.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    call(Call::MakeDir, || fs::create_dir_all(path))
}

/// Appends bytes to a file that others append to as well.
///
/// # Errors
/// When the file cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::open(OpenOptions::new().create(true).append(true), path)?.write_all(bytes)
}

#[cfg_attr(not(debug_assertions), allow(unused_variables))]
fn call<T>(kind: Call, mut run: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        #[cfg(debug_assertions)]
        let done = super::fault::check(kind).and_then(|()| run());
        #[cfg(not(debug_assertions))]
        let done = run();
        match done {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
