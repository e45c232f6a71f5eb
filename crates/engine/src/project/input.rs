//! An input before it is opened, and the ways to open it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::revision::Revision;
use crate::fix::FileOverlay;
use crate::pipeline::{self, ChangeStatus};
use chancery_core::source::{Format, ReadError, Source};
use chancery_files::checksum::ChecksumRecorder;
use chancery_files::open::{self, Input};
use chancery_formats::read::csv::package;
use chancery_formats::read::open::{Opened, Tables, start};
use chancery_formats::read::{self, decisions};

/// An input that has not been opened.
#[derive(Clone)]
pub struct InputSpec {
    /// Its name and path.
    pub input: Input,
    /// The git revision to read it at.
    pub revision: Option<Arc<Revision>>,
    /// The index of its collection.
    pub collection: usize,
    /// Its format, where that is set.
    pub format: Option<Format>,
    /// Its encoding if it has no byte order mark.
    pub encoding: Option<String>,
}

impl InputSpec {
    /// Opens it, and records its checksum if that is wanted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&self, options: &read::Options, recorder: Option<&ChecksumRecorder>) -> Result<Opened, ReadError> {
        let encoding = self.encoding.as_deref();
        if let (Some(revision), Some(path)) = (&self.revision, &self.input.path) {
            let opened = open::open_stream(&self.input.name, revision.file(path)?, encoding)?;
            let tables = Tables { open: &|path| revision.file(path), shown: &|path| revision.shown(path), encoding };
            return start(&self.input, opened, self.format, &tables, options);
        }
        let Some(recorder) = recorder.filter(|recorder| recorder.is_recorded(self.input.stat.as_ref())) else {
            let opened = open::open(&self.input, encoding)?;
            return self.start(opened, &file, options);
        };
        let raw: Box<dyn Read + Send> = match &self.input.path {
            Some(path) => file(path)?,
            None => Box::new(io::stdin()),
        };
        let opened = open::open_stream(&self.input.name, recorder.reader(&self.input.name, raw), encoding)?;
        self.start(opened, &|path| Ok(recorder.reader(&shown(path), file(path)?)), options)
    }

    /// Another version of it; `table` returns the tables of a package.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_bytes(
        &self,
        bytes: Vec<u8>,
        table: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
        options: &read::Options,
    ) -> Result<Opened, ReadError> {
        let opened = open::open_stream(&self.input.name, Box::new(io::Cursor::new(bytes)), self.encoding.as_deref())?;
        self.start(opened, table, options)
    }

    /// It with the edits made so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_edited(&self, files: &FileOverlay, options: &read::Options) -> Result<Opened, ReadError> {
        let encoding = self.encoding.as_deref();
        let opened = files.open(&self.input, encoding)?;
        self.start(opened, &|path| files.read(&Input::new(shown(path), Some(path.to_owned())), encoding), options)
    }

    fn start(
        &self,
        opened: open::Opened,
        table: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
        options: &read::Options,
    ) -> Result<Opened, ReadError> {
        let folder = self.input.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let own = |path: &Path| in_folder(folder, path).and_then(|()| table(path));
        start(&self.input, opened, self.format, &Tables { open: &own, shown: &shown, encoding: self.encoding.as_deref() }, options)
    }

    /// A removed file that was read like this one.
    #[must_use]
    pub fn beside(&self, removed: &Path) -> Self {
        Self { input: Input::new(shown(removed), Some(removed.to_owned())), revision: None, ..self.clone() }
    }

    /// Its files; several for a package of tables.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let Some(path) = &self.input.path else { return Vec::new() };
        let folder = path.parent().unwrap_or(Path::new(""));
        std::iter::once(path.clone()).chain(package_tables(path).into_iter().map(|table| folder.join(table))).collect()
    }

    /// Whether it is a text found in a directory that is no page of a handbook.
    pub(super) fn is_other_text(&self, options: &read::Options) -> bool {
        let by_name = Format::by_extension(open::strip_compression(&self.input.name));
        let is_unsure = self.input.in_folder && self.format.is_none() && by_name == Some(Format::Handbook);
        is_unsure && matches!(self.open(options, None), Err(ReadError::UnknownFormat { .. }))
    }

    /// The input of a job.
    pub(super) fn into_input(self, options: &read::Options, status: ChangeStatus, recorder: Option<ChecksumRecorder>) -> pipeline::Input {
        let options = options.clone();
        pipeline::Input {
            name: Arc::clone(&self.input.name),
            pipeline: self.collection,
            status,
            // A package of tables is larger than its description.
            size: self.input.stat.filter(|file| file.is_file && !package::is_description(&self.input.name)).map(|file| file.stamp.length),
            cached: None,
            open: Box::new(move || self.open(&options, recorder.as_ref())),
        }
    }
}

/// The tables that a package's description stands for, and the decisions beside a page.
pub(super) fn package_tables(path: &Path) -> Vec<PathBuf> {
    if Format::by_extension(&path.to_string_lossy()) == Some(Format::Handbook) {
        let beside = decisions::beside(path);
        return if beside.exists() { beside.file_name().map(PathBuf::from).into_iter().collect() } else { Vec::new() };
    }
    tables_of(path, &|| std::fs::read_to_string(path).ok())
}

/// Those of a description with this text.
pub(super) fn tables_of(path: &Path, text: &dyn Fn() -> Option<String>) -> Vec<PathBuf> {
    let name = path.to_string_lossy();
    let Some(text) = package::is_description(&name).then(text).flatten() else { return Vec::new() };
    let description = Arc::new(Source::whole(&*name, text));
    package::tables(&description).map_or_else(|_| Vec::new(), |tables| tables.into_iter().map(PathBuf::from).collect())
}

/// Whether files of that name in directories are read.
pub(super) fn is_input(name: &str) -> bool {
    Format::by_extension(name).is_some() && !decisions::is_decisions(name)
}

/// The display name of a path.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn file(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>)
}

// Rejects a table that is not a regular file, or a symbolic link that leads out of the package's directory. Missing
// files are reported when they are opened.
fn in_folder(folder: &Path, path: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (Ok(home), Ok(file), Ok(found)) = (folder.canonicalize(), path.canonicalize(), std::fs::metadata(path)) else { return Ok(()) };
    let shown = path.display();
    let why = if !file.starts_with(&home) {
        format!("the table {shown} is a symbolic link that leads out of the package's directory")
    } else if !found.is_file() {
        format!("the table {shown} is not a regular file")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, package::ForeignTable(why)))
}
