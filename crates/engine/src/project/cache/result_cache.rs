//! The cache of check results.
//!
//! Input: the settings of a run. Output, if nothing has changed: the report and the outcome of the run before, without
//! a schema being built or a record read. An entry holds for one [`RunKey`]; it lists everything that the result
//! depends on. A file whose size, times and inode are unchanged is the same; another one is compared by its checksum.
//! Entries are files of their own that appear whole, so that concurrent runs do not disturb each other.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::captured::CapturedOutput;
use super::file_cache::FileCache;
use super::run_key::{Dependencies, RunKey, checksums};
use super::{TICK, entry};
use crate::pipeline::SummarisedFile;
use crate::project::inputs::InputSet;
use crate::project::job::CachedFiles;
use crate::project::paths::expand;
use crate::project::settings::InputOverrides;
use crate::project::{Overrides, Project};
use chancery_files::checksum::{self, ChecksumRecorder};
use chancery_files::stat::{FileMetadata, FileStamp};
use chancery_formats::read::csv::package;

/// The directory, next to the config or in the working directory.
const FOLDER: &str = ".chancery-cache";
/// The kind of an entry and the number of its format. The first line of its content is an [`Entry`], and the rest is the
/// report.
const KIND: &str = "chancery-cache 3";
/// Larger files are identified by size and times only.
const LARGEST_HASHED: u64 = 8 << 20;

/// The entry for a run.
pub struct ResultCache {
    place: PathBuf,
    file_cache: PathBuf,
    // Nanoseconds since 1970, before any file was looked up.
    started: u64,
}

/// A result and what it depends on.
#[derive(Serialize, Deserialize)]
struct Entry {
    started: u64,
    failed: bool,
    // The paths that were given, by source; together they determine the inputs.
    sources: Vec<Vec<String>>,
    // Config, schemas and the like, with their checksums.
    config_files: Vec<(PathBuf, String)>,
    // The inputs in order, and the files that belong to them.
    files: Vec<CachedInput>,
}

/// A file that is read.
#[derive(Serialize, Deserialize)]
struct CachedInput {
    name: String,
    // Whether it is an input itself.
    is_input: bool,
    stamp: FileStamp,
    sum: Option<String>,
}

/// The cached result of a check.
pub struct CachedCheck {
    /// The report.
    pub report: Vec<u8>,
    /// Whether findings reach the severity that fails the run.
    pub failed: bool,
    /// Whether the entry could be renewed, if it had to be.
    pub renewed: io::Result<()>,
}

/// What a run records so that its result can be stored.
pub struct PendingResult {
    sources: Vec<Vec<String>>,
    config_files: Vec<PathBuf>,
    files: Vec<CachedInput>,
    file_cache: Option<FileCache>,
    /// Records the checksums of the inputs.
    pub checksums: ChecksumRecorder,
    /// Captures the report.
    pub report: CapturedOutput,
}

impl ResultCache {
    /// The entry for a run with these settings; `caller` is all else that its report depends on. `None` if the result
    /// depends on more than files.
    pub fn new(overrides: &Overrides, caller: &impl Debug) -> Option<Self> {
        let config = overrides.config_file().ok()?;
        let folder = config.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).join(FOLDER);
        let place = |overrides: &Overrides| Some(folder.join(&RunKey::new(overrides, config.as_ref(), caller)?.text()[..32]));
        let of_any_paths = Overrides { input: InputOverrides { paths: Vec::new(), ..overrides.input.clone() }, ..overrides.clone() };
        let file_cache = place(&of_any_paths)?.with_extension("files");
        Some(Self { place: place(overrides)?, file_cache, started: nanoseconds(SystemTime::now()) })
    }

    /// The result of the previous run, if it is still valid.
    #[must_use]
    pub fn lookup(&self) -> Option<CachedCheck> {
        let content = entry::read(&self.place, KIND)?;
        let end = memchr::memchr(b'\n', &content)?;
        let mut entry: Entry = serde_json::from_slice(&content[..end]).ok()?;
        let report = content[end + 1..].to_vec();
        if !entry.config_files.iter().all(|(file, sum)| checksum::of_file(file).is_ok_and(|now| now == *sum)) {
            return None;
        }
        let mut inputs = Vec::new();
        for paths in &entry.sources {
            let (found, missing) = expand(paths);
            if !missing.is_empty() {
                return None;
            }
            inputs.extend(found);
        }
        let mut inputs = inputs.into_iter();
        let mut is_renewed = false;
        for file in &mut entry.files {
            let stat = if file.is_input {
                inputs.next().filter(|input| *input.name == *file.name)?.stat?
            } else {
                FileMetadata::at(Path::new(&file.name))?
            };
            let stamp = stat.stamp;
            if stamp != file.stamp || stamp.modified.max(stamp.changed) + TICK > entry.started {
                if stamp.length != file.stamp.length || checksum::of_file(Path::new(&file.name)).ok() != Some(file.sum.clone()?) {
                    return None;
                }
                file.stamp = stamp;
                is_renewed = true;
            }
        }
        if inputs.next().is_some() || entry.files.is_empty() {
            return None;
        }
        entry.started = self.started;
        let renewed = if is_renewed { self.write(&entry, &report) } else { Ok(()) };
        Some(CachedCheck { report, failed: entry.failed, renewed })
    }

    /// Prepares to store the result of a run, and looks up the inputs that need not be read. `None` if the result
    /// depends on more than files.
    #[must_use]
    pub fn prepare(&self, overrides: &Overrides, project: &Project) -> Option<(PendingResult, Option<CachedFiles>)> {
        let Dependencies { inputs, config_files } = Dependencies::of(project)?;
        let paths = &overrides.input.paths;
        let sources = if paths.is_empty() { project.inputs.sources.clone() } else { vec![paths.clone()] };
        let by_name: HashMap<&str, FileMetadata> =
            project.inputs.specs.iter().filter_map(|spec| Some((&*spec.input.name, spec.input.stat?))).collect();
        let mut files: Vec<Vec<CachedInput>> = Vec::new();
        for (name, path) in inputs {
            let stat = by_name.get(&*name).copied();
            let is_input = stat.is_some();
            let file = CachedInput { is_input, stamp: stat.or_else(|| FileMetadata::at(&path))?.stamp, sum: None, name };
            match files.last_mut().filter(|_| !is_input) {
                Some(of_input) => of_input.push(file),
                None => files.push(vec![file]),
            }
        }
        if !paths.is_empty() {
            files.sort_by(|a, b| a[0].name.cmp(&b[0].name));
        }
        let mut file_cache = self.file_cache(project, &config_files);
        let cached = file_cache.as_mut().map(|file_cache| known(file_cache, project));
        let pending = PendingResult {
            sources,
            config_files,
            files: files.into_iter().flatten().collect(),
            file_cache,
            checksums: ChecksumRecorder::of_files_up_to(LARGEST_HASHED),
            report: CapturedOutput::default(),
        };
        Some((pending, cached))
    }

    // The cached files for this configuration; `None` if looking them up is not worthwhile, or if more is needed.
    fn file_cache(&self, project: &Project, config_files: &[PathBuf]) -> Option<FileCache> {
        const LITTLE: u64 = 1 << 20;
        // Looking up a smaller file takes as long as checking it.
        const SMALL: u64 = 8 << 10;
        let inputs: &InputSet = &project.inputs;
        let total = inputs.total_bytes()?;
        if project.baseline.is_some() || total < LITTLE || total < SMALL * inputs.specs.len() as u64 {
            return None;
        }
        Some(FileCache::open(self.file_cache.clone(), &checksums(config_files)?, self.started))
    }

    /// Stores the result of a run.
    ///
    /// # Errors
    /// When it cannot be written; it is optional.
    pub fn store(&self, pending: PendingResult, summaries: Vec<SummarisedFile>, failed: bool) -> io::Result<()> {
        let PendingResult { sources, config_files, mut files, file_cache, checksums: recorder, report } = pending;
        let Some(config_files) = checksums(&config_files) else { return Ok(()) };
        let sums = recorder.list();
        let sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sums: HashMap<&str, &String> = sums.iter().filter_map(|checksum| Some((&*checksum.name, checksum.sha256.as_ref()?))).collect();
        // A file that was not read has the checksum that it had.
        let known = file_cache.as_ref().map_or_else(HashMap::new, |file_cache| file_cache.sums(&summaries));
        let sum = |name: &str| sums.get(name).or_else(|| known.get(name)).map(ToString::to_string);
        files.iter_mut().for_each(|file| file.sum = sum(&file.name));
        drop(known);
        let file_cache = file_cache.filter(|file_cache| file_cache.is_for(&config_files));
        let mut written = Ok(());
        if let Some(report) = report.text() {
            written = self.write(&Entry { started: self.started, failed, sources, config_files, files }, report.as_bytes());
        }
        written.and(file_cache.map_or(Ok(()), |file_cache| file_cache.store(summaries, &sums)))
    }

    fn write(&self, entry: &Entry, report: &[u8]) -> io::Result<()> {
        // A path that is not UTF-8 has no entry.
        let Ok(mut content) = serde_json::to_vec(entry) else { return Ok(()) };
        content.push(b'\n');
        content.extend_from_slice(report);
        entry::write(&self.place, KIND, &content)
    }
}

// The inputs that are known to have no findings.
fn known(file_cache: &mut FileCache, project: &Project) -> CachedFiles {
    let mut cached = CachedFiles::new();
    for spec in &project.inputs.specs {
        // A package of tables is more than its description, a page with decisions more than its text, and a name that is not UTF-8
        // may be that of several files.
        let is_one = !package::is_description(&spec.input.name) && !spec.input.name.contains('\u{fffd}') && spec.files().len() <= 1;
        if let Some(stat) = spec.input.stat.filter(|stat| stat.is_file && is_one) {
            let collection = &project.collections[spec.collection];
            let how = format!("{} {:?} {:?} {:?}", collection.schema, collection.options.records, spec.format, spec.encoding);
            let (name, number) = (&spec.input.name, spec.collection);
            let of_input = file_cache.lookup(name, number, stat.stamp, how);
            cached.extend(of_input.map(|of_input| ((Arc::clone(name), number), of_input)));
        }
    }
    cached
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
