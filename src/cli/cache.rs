//! The cache of `check` results, in the directory `.chancery-cache`.
//!
//! Input: the command line. Out, where nothing has changed: the report and the verdict of the run before, without a schema
//! being built or a record read. An entry holds for one command line; it lists everything that the answer depends on. A
//! file whose size, times and number are as they were is the same; another one is compared by its hash. Entries are
//! files of their own that appear whole, so that runs at the same time do not disturb each other. A run whose entry cannot be
//! written says so in a warning and is not affected otherwise. If something has changed, the [`FileCache`] identifies the unchanged files.

mod file_cache;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::ExitStatus;
use super::args::{CommonArgs, InputArgs};
use super::config::Config;
use super::session::expand;
use crate::diagnostic::one_line;
use crate::layout::relational::shred::hex;
use crate::load::database::InputChecksum;
use crate::output::{AtomicFile, remove_file};
use crate::pipeline::SummarisedFile;
use crate::source::stat::{FileMetadata, FileStamp};
pub use file_cache::FileCache;

/// The directory, next to the config or in the working directory.
const FOLDER: &str = ".chancery-cache";
/// The first line of an entry: its kind and the number of its format. After it stands a checksum of all that follows.
const HEAD: &str = "chancery-cache 2";
/// Larger files are identified by size and times only.
pub const LARGEST_HASHED: u64 = 8 << 20;
/// Longer reports are not cached.
const LONGEST_REPORT: usize = 1 << 20;
/// Maximum number of entries.
const ENTRIES: usize = 64;
/// A file that changed this shortly before it was looked up may change again within the resolution of its clock.
const TICK: u64 = 2_000_000_000;

/// The entry for a command line.
pub struct ResultCache {
    place: PathBuf,
    file_cache: PathBuf,
    // Nanoseconds since 1970, before any file was looked up.
    started: u64,
    quiet: bool,
}

/// What a result depends on.
pub struct CacheDependencies {
    /// The paths that were given, by group; together they determine the inputs.
    pub groups: Vec<Vec<String>>,
    /// Config, schemas and the like.
    pub config_files: Vec<PathBuf>,
    /// The files that are read: the inputs in order, and the files that belong to them.
    pub files: Vec<CachedInput>,
}

/// A file that is read.
pub struct CachedInput {
    /// Its display name.
    pub name: String,
    /// Whether it is an input itself.
    pub is_input: bool,
    stamp: FileStamp,
    sum: Option<String>,
}

/// A copy of the report, unless it is too long.
#[derive(Clone)]
pub struct CapturedOutput(Rc<RefCell<Option<Vec<u8>>>>);

impl ResultCache {
    /// The entry for this command line; `None` if the result depends on more than files.
    pub fn new(common: &CommonArgs, input: &InputArgs) -> Option<Self> {
        let elsewhere = common.verbose || common.changed_since.is_some() || common.write_baseline.is_some();
        if elsewhere || !common.schema_dir.is_empty() || !common.report.iter().all(|report| is_plain(report)) {
            return None;
        }
        let config = if common.no_config { None } else { Config::locate(common.config.as_deref(), &input.paths).ok()? };
        let program = FileMetadata::at(&std::env::current_exe().ok()?)?.stamp;
        let folder = config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let variables = ["NO_COLOR", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"].map(std::env::var_os);
        let place = |input: &InputArgs| {
            let key = (
                (env!("CARGO_PKG_VERSION"), program),
                std::env::current_dir().ok()?,
                (&config, common, input),
                (&variables, io::IsTerminal::is_terminal(&io::stdout())),
            );
            Some(folder.join(FOLDER).join(hex(&Sha256::digest(format!("{key:?}"))[..16])))
        };
        let of_any_paths = InputArgs { paths: Vec::new(), ..input.clone() };
        let file_cache = place(&of_any_paths)?.with_extension("files");
        Some(Self { place: place(input)?, file_cache, started: nanoseconds(SystemTime::now()), quiet: common.quiet })
    }

    /// The cached files for this configuration.
    pub fn file_cache(&self, config_files: &[PathBuf]) -> Option<FileCache> {
        let sums: Option<Vec<String>> = config_files.iter().map(|judge| hash(judge)).collect();
        Some(FileCache::open(self.file_cache.clone(), &sums?, self.started))
    }

    /// The report and exit status of the previous run, if they are still valid.
    pub fn lookup(&self) -> Option<(Vec<u8>, ExitStatus)> {
        let (mut dependencies, sums, verdict, report, before) = read(&fs::read(&self.place).ok()?)?;
        if !dependencies.config_files.iter().zip(&sums).all(|(judge, sum)| hash(judge).is_some_and(|now| now == *sum)) {
            return None;
        }
        let mut inputs = Vec::new();
        for group in &dependencies.groups {
            let (found, problems) = expand(group);
            if !problems.is_empty() {
                return None;
            }
            inputs.extend(found);
        }
        let mut inputs = inputs.into_iter();
        let mut renewed = false;
        for file in &mut dependencies.files {
            let stat = if file.is_input {
                inputs.next().filter(|input| *input.name == *file.name)?.stat?
            } else {
                FileMetadata::at(Path::new(&file.name))?
            };
            let stamp = stat.stamp;
            if stamp != file.stamp || stamp.modified.max(stamp.changed) + TICK > before {
                if stamp.length != file.stamp.length || hash(Path::new(&file.name)) != Some(file.sum.clone()?) {
                    return None;
                }
                file.stamp = stamp;
                renewed = true;
            }
        }
        if inputs.next().is_some() || dependencies.files.is_empty() {
            return None;
        }
        if renewed {
            self.write(&dependencies, &sums, verdict, &report);
        }
        Some((report, verdict))
    }

    /// Stores the result of a run, if it can be reused.
    pub fn store(&self, kept: CachedResult, summaries: Vec<SummarisedFile>, verdict: ExitStatus) {
        let CachedResult { mut dependencies, sums, report, file_cache } = kept;
        let (ExitStatus::Clean | ExitStatus::Findings) = verdict else { return };
        let config_files: Option<Vec<String>> = dependencies.config_files.iter().map(|judge| hash(judge)).collect();
        let Some(config_files) = config_files else { return };
        let sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sums: HashMap<&str, &String> = sums.iter().filter_map(|checksum| Some((&*checksum.name, checksum.sha256.as_ref()?))).collect();
        // A file that was not read has the checksum that it had.
        let known = file_cache.as_ref().map_or_else(HashMap::new, |file_cache| file_cache.sums(&summaries));
        let sum = |name: &str| sums.get(name).or_else(|| known.get(name)).map(ToString::to_string);
        dependencies.files.iter_mut().for_each(|file| file.sum = sum(&file.name));
        if let Some(report) = &*report.0.borrow() {
            self.write(&dependencies, &config_files, verdict, report);
        }
        drop(known);
        if let Some(file_cache) = file_cache.filter(|file_cache| file_cache.is_for(&config_files)) {
            self.warn(file_cache.store(summaries, &sums));
        }
    }

    // The entry is optional.
    fn write(&self, dependencies: &CacheDependencies, sums: &[String], verdict: ExitStatus, report: &[u8]) {
        let names = dependencies.groups.iter().flatten().chain(dependencies.files.iter().map(|file| &file.name));
        if names.into_iter().any(|name| name.contains('\n')) || dependencies.config_files.iter().any(|judge| judge.to_str().is_none()) {
            return;
        }
        self.warn(self.try_write(dependencies, sums, verdict, report));
    }

    fn warn(&self, written: io::Result<()>) {
        static ONCE: Once = Once::new();
        if let Some(error) = written.err().filter(|_| !self.quiet) {
            // Where one entry cannot be written, the next one cannot either.
            ONCE.call_once(|| errln!("warning: the cache was not written: {}; --no-cache runs without it", one_line(&error.to_string())));
        }
    }

    fn try_write(&self, dependencies: &CacheDependencies, sums: &[String], verdict: ExitStatus, report: &[u8]) -> io::Result<()> {
        let mut text = Vec::with_capacity(64 * dependencies.files.len() + report.len());
        writeln!(text, "started {}", self.started)?;
        writeln!(text, "verdict {}", if verdict == ExitStatus::Clean { "clean" } else { "findings" })?;
        for (number, path) in
            dependencies.groups.iter().enumerate().flat_map(|(number, group)| group.iter().map(move |path| (number, path)))
        {
            writeln!(text, "path {number} {path}")?;
        }
        for (judge, sum) in dependencies.config_files.iter().zip(sums) {
            writeln!(text, "judge {sum} {}", judge.display())?;
        }
        for CachedInput { name, is_input, stamp: FileStamp { length, modified, changed, inode: number }, sum } in &dependencies.files {
            let (word, sum) = (if *is_input { "input" } else { "table" }, sum.as_deref().unwrap_or("-"));
            writeln!(text, "{word} {length} {modified} {changed} {number} {sum} {name}")?;
        }
        writeln!(text, "report")?;
        text.extend_from_slice(report);
        put(&self.place, &with_checksum(HEAD, &text))
    }
}

// A text after its head and a checksum.
fn with_checksum(head: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{head} {}\n", hex(&Sha256::digest(text))).into_bytes();
    bytes.extend_from_slice(text);
    bytes
}

// The text after a head and its checksum; `None` if it is of another format, damaged or cut short.
fn strip_checksum<'b>(head: &str, bytes: &'b [u8]) -> Option<&'b [u8]> {
    let rest = bytes.strip_prefix(head.as_bytes())?.strip_prefix(b" ")?;
    let end = memchr::memchr(b'\n', rest)?;
    let text = &rest[end + 1..];
    (rest[..end] == *hex(&Sha256::digest(text)).as_bytes()).then_some(text)
}

// Writes a file of the directory atomically.
fn put(place: &Path, text: &[u8]) -> io::Result<()> {
    let Some(folder) = place.parent() else { return Ok(()) };
    if !folder.is_dir() {
        // Keeps the directory out of repositories and backups.
        put_file(&folder.join(".gitignore"), b"*\n")?;
        put_file(&folder.join("CACHEDIR.TAG"), b"Signature: 8a477f597d28d172789f06886806bc55\n")?;
    }
    put_file(place, text)?;
    sweep(folder)
}

fn put_file(place: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(place)?;
    file.write_all(text)?;
    file.commit()
}

// Removes the oldest entries if there are too many.
fn sweep(folder: &Path) -> io::Result<()> {
    // Results and file caches, whose names are longer than those of other files.
    let is_entry = |entry: &fs::DirEntry| entry.file_name().len() >= 32 && !entry.file_name().as_encoded_bytes().starts_with(b".");
    let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.filter_map(Result::ok).filter(is_entry).collect();
    if entries.len() > ENTRIES {
        let mut by_age: Vec<_> = entries.iter().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        by_age.sort();
        by_age.iter().take(entries.len() - ENTRIES).try_for_each(|(_, path)| remove_file(path))?;
    }
    Ok(())
}

type Entry = (CacheDependencies, Vec<String>, ExitStatus, Vec<u8>, u64);

// An entry by its bytes; `None` for what is none or is damaged.
fn read(bytes: &[u8]) -> Option<Entry> {
    let mut rest = strip_checksum(HEAD, bytes)?;
    let mut line = || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
        Some(line)
    };
    let started = line()?.strip_prefix("started ")?.parse().ok()?;
    let verdict = match line()? {
        "verdict clean" => ExitStatus::Clean,
        "verdict findings" => ExitStatus::Findings,
        _ => return None,
    };
    let mut dependencies = CacheDependencies { groups: Vec::new(), config_files: Vec::new(), files: Vec::new() };
    let mut sums = Vec::new();
    loop {
        let line = line()?;
        if line == "report" {
            return Some((dependencies, sums, verdict, rest.to_vec(), started));
        }
        let (word, what) = line.split_once(' ')?;
        match word {
            "path" => {
                let (number, path) = what.split_once(' ')?;
                if number.parse::<usize>().ok()? >= dependencies.groups.len() {
                    dependencies.groups.push(Vec::new());
                }
                dependencies.groups.last_mut()?.push(path.to_owned());
            }
            "judge" => {
                let (sum, path) = what.split_once(' ')?;
                sums.push(sum.to_owned());
                dependencies.config_files.push(PathBuf::from(path));
            }
            _ => {
                let mut parts = what.splitn(6, ' ');
                let mut number = || parts.next()?.parse().ok();
                let stamp = FileStamp { length: number()?, modified: number()?, changed: number()?, inode: number()? };
                let sum = parts.next().filter(|sum| *sum != "-").map(str::to_owned);
                dependencies.files.push(CachedInput { name: parts.next()?.to_owned(), is_input: word == "input", stamp, sum });
            }
        }
    }
}

// A report of the run itself that goes only to the terminal.
fn is_plain(report: &str) -> bool {
    !report.contains('=') && report != "github"
}

fn hash(path: &Path) -> Option<String> {
    let mut sum = Sha256::new();
    let mut file = File::open(path).ok()?;
    io::copy(&mut file, &mut sum).ok()?;
    Some(hex(&sum.finalize()))
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

impl CachedInput {
    /// A file as it was when it was looked up.
    pub fn new(name: String, is_input: bool, stat: FileMetadata) -> Self {
        Self { name, is_input, stamp: stat.stamp, sum: None }
    }
}

impl Default for CapturedOutput {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Some(Vec::new()))))
    }
}

impl CapturedOutput {
    /// The report, unless it is too long.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.0.borrow().clone()?).ok()
    }

    /// A stream to `out` that is copied here.
    pub fn of<W: Write>(&self, out: W) -> TeeWriter<W> {
        TeeWriter { out, copy: self.clone() }
    }
}

/// A stream that is copied.
pub struct TeeWriter<W> {
    out: W,
    copy: CapturedOutput,
}

impl<W: Write> Write for TeeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let mut copy = self.copy.0.borrow_mut();
        copy.take_if(|copy| copy.len() + written > LONGEST_REPORT);
        if let Some(copy) = &mut *copy {
            copy.extend_from_slice(&bytes[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What a session provides so that its result can be stored.
pub struct CachedResult {
    pub dependencies: CacheDependencies,
    pub sums: Arc<Mutex<Vec<InputChecksum>>>,
    pub report: CapturedOutput,
    pub file_cache: Option<FileCache>,
}
