//! Files that appear whole or not at all.
//!
//! Everything is written to temporary files beside its place and renamed when the run has come to its end. Whatever
//! happens before, the places are left as they were and the temporary files are gone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Sink;

/// Output into one file, or into several of one folder.
pub struct Target {
    main: Option<PathBuf>,
    folder: Option<PathBuf>,
    // By path, so that they are put into place in the same order each time.
    open: BTreeMap<PathBuf, BufWriter<NamedTempFile>>,
}

/// What is done to the end and waits to be put into place.
#[derive(Default)]
pub struct Finished {
    files: Vec<(NamedTempFile, PathBuf)>,
    sinks: Vec<Box<dyn Sink>>,
}

impl Target {
    /// Into the file at `path`, whose folder is made where it is absent.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { main: Some(path.into()), folder: None, open: BTreeMap::new() }
    }

    /// Into named files of `folder`.
    #[must_use]
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self { main: None, folder: Some(folder.into()), open: BTreeMap::new() }
    }

    fn at(&mut self, path: PathBuf) -> io::Result<&mut dyn Write> {
        use std::collections::btree_map::Entry;
        match self.open.entry(path) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => {
                let folder = folder_of(free.key());
                fs::create_dir_all(folder)?;
                let file = begin(folder)?;
                Ok(free.insert(BufWriter::with_capacity(1 << 16, file)))
            }
        }
    }

    /// Ends the files and hands them to `finished`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self, finished: &mut Finished) -> io::Result<()> {
        for (path, file) in self.open {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_data()?;
            finished.files.push((file, path));
        }
        Ok(())
    }
}

impl Target {
    /// The one file.
    ///
    /// # Errors
    /// When it cannot be created, or the target is a folder.
    pub fn main(&mut self) -> io::Result<&mut dyn Write> {
        let path = self.main.clone().ok_or_else(|| io::Error::other("the output is a folder and needs file names"))?;
        self.at(path)
    }

    /// The file of that name in the folder; the same one when named again.
    ///
    /// # Errors
    /// When it cannot be created, or the target is one file.
    pub fn named(&mut self, name: &str) -> io::Result<&mut dyn Write> {
        let folder = self.folder.clone().ok_or_else(|| io::Error::other("the output is one file and cannot hold several"))?;
        self.at(folder.join(name))
    }
}

impl Finished {
    /// The paths that will be written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, path)| path.as_path())
    }

    /// Takes a file that is done, for its place.
    pub fn place(&mut self, file: NamedTempFile, path: PathBuf) {
        self.files.push((file, path));
    }

    /// Keeps a place that is no file until everything is put into place.
    pub fn add(&mut self, sink: Box<dyn Sink>) {
        self.sinks.push(sink);
    }

    /// Puts everything into place: what may still fail first, which are no files.
    ///
    /// # Errors
    /// When a place fails or a file cannot be renamed; those before it are in place then.
    pub fn commit(self) -> io::Result<()> {
        for sink in self.sinks {
            sink.commit()?;
        }
        for (file, path) in self.files {
            // A file that is there keeps its permissions; a new one gets those that any program would give it.
            let permissions = fs::metadata(&path).map_or_else(|_| new_file_permissions(), |there| Some(there.permissions()));
            if let Some(permissions) = permissions {
                file.as_file().set_permissions(permissions)?;
            }
            file.persist(&path).map_err(|error| error.error)?;
        }
        Ok(())
    }
}

/// A folder for files to come, and those around it, as far as they are not there yet. What is empty in the end goes again.
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(folder: &Path) -> io::Result<Self> {
        let absent = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = Self(absent.map(Path::to_path_buf).collect());
        fs::create_dir_all(folder)?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // A folder that holds something stays.
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Begins a file of a folder, under a name that goes when the file does.
///
/// # Errors
/// When the folder takes no file.
pub(super) fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".chancery-").suffix(".tmp").tempfile_in(folder)
}

/// The folder a path lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

// Temporary files are for their owner alone; an output follows the user's mask, which only a new file tells.
#[cfg(unix)]
pub(super) fn new_file_permissions() -> Option<fs::Permissions> {
    let probe = tempfile::tempdir().ok()?;
    let path = probe.path().join("probe");
    fs::File::create(&path).ok()?;
    fs::metadata(&path).ok().map(|made| made.permissions())
}

#[cfg(not(unix))]
pub(super) fn new_file_permissions() -> Option<fs::Permissions> {
    None
}

/// Standard output, or any other stream that takes one file.
///
/// A held stream keeps everything back (in memory, past 8 MiB in a temporary file) until it is released.
pub struct Stream {
    out: Box<dyn Write + Send>,
    held: Option<tempfile::SpooledTempFile>,
}

impl Stream {
    /// Writes through to `out`, or holds everything until [`Stream::release`].
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, hold: bool) -> Self {
        Self { out, held: hold.then(|| tempfile::SpooledTempFile::new(8 << 20)) }
    }

    /// Lets out what was held, and flushes.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn release(mut self) -> io::Result<()> {
        if let Some(mut held) = self.held.take() {
            io::Seek::rewind(&mut held)?;
            io::copy(&mut held, &mut self.out)?;
        }
        self.out.flush()
    }
}

impl Stream {
    /// What is written to.
    pub fn writer(&mut self) -> &mut dyn Write {
        match &mut self.held {
            Some(held) => held,
            None => &mut self.out,
        }
    }
}
