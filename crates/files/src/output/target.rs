//! Outputs of a run: one file, or several of one directory, or a stream.
//!
//! Files are put into place when the run has come completely (see [`super::atomic`]). Whatever happens before, the places are left
//! as they were.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::atomic::{AtomicFile, Prepared};
use super::temporary::FolderLock;
use super::{Commit, Files};
use crate::spool::SpoolFile;

/// Output into one file, or into several of one directory.
pub struct OutputTarget {
    main: Option<PathBuf>,
    folder: Option<PathBuf>,
    // By path, so that they are put into place in the same order each time.
    open: BTreeMap<PathBuf, BufWriter<AtomicFile>>,
}

/// What is done to the end and waits to be put into place.
#[derive(Default)]
pub struct CommitSet {
    files: Vec<AtomicFile>,
    sinks: Vec<Box<dyn Commit>>,
}

impl OutputTarget {
    /// Into the file at `path`, whose directory is made where it is absent.
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
                let file = AtomicFile::create(free.key())?;
                Ok(free.insert(BufWriter::with_capacity(1 << 16, file)))
            }
        }
    }

    /// Ends the files and hands them to `finished`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self, finished: &mut CommitSet) -> io::Result<()> {
        for file in self.open.into_values() {
            finished.files.push(file.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
        Ok(())
    }
}

impl Files for OutputTarget {
    fn main(&mut self) -> io::Result<&mut dyn Write> {
        let path = self.main.clone().ok_or_else(|| io::Error::other("the output is a directory and needs file names"))?;
        self.at(path)
    }

    fn named(&mut self, name: &str) -> io::Result<&mut dyn Write> {
        let folder = self.folder.clone().ok_or_else(|| io::Error::other("the output is one file, but several are needed"))?;
        self.at(folder.join(name))
    }
}

impl CommitSet {
    /// The paths of the files that will be written; not of what goes into devices and pipes.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter(|file| file.is_file()).map(AtomicFile::path)
    }

    /// Takes a file that is done, for its place.
    pub fn place(&mut self, file: AtomicFile) {
        self.files.push(file);
    }

    /// Takes what else is finished, to be put into place together.
    pub fn join(&mut self, other: Self) {
        self.files.extend(other.files);
        self.sinks.extend(other.sinks);
    }

    /// Keeps a place that is no file until everything is put into place.
    pub fn add(&mut self, sink: Box<dyn Commit>) {
        self.sinks.push(sink);
    }

    /// Puts everything into place: what may still fail first, which are devices and pipes, then places that are no files. Gives
    /// the locks of directories into which several files were put.
    ///
    /// # Errors
    /// When a place fails or a file cannot be renamed; those before it are in place then.
    pub fn commit(self) -> io::Result<Vec<FolderLock>> {
        let mut prepared = Prepared::new(self.files)?;
        prepared.release()?;
        for sink in self.sinks {
            sink.commit()?;
        }
        prepared.publish()
    }
}

/// Standard output, or any other stream that takes one file.
///
/// A held stream keeps everything back (in memory, past 8 MiB in a temporary file) until it is released.
pub struct Stream {
    out: Box<dyn Write + Send>,
    held: Option<SpoolFile>,
}

impl Stream {
    /// Writes through to `out`, or holds everything until [`Stream::release`].
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, hold: bool) -> Self {
        Self { out, held: hold.then(|| SpoolFile::new(8 << 20)) }
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

impl Files for Stream {
    fn main(&mut self) -> io::Result<&mut dyn Write> {
        Ok(self.writer())
    }

    fn named(&mut self, _name: &str) -> io::Result<&mut dyn Write> {
        Err(io::Error::other("standard output takes one file, but several are needed"))
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
