//! What an earlier run of the same command said of the same data, kept in the folder `.chancery-cache`.
//!
//! In: the command line. Out, where nothing has changed: the report and the verdict of the run before, without a schema
//! being built or a record read. An entry holds for one command line; it lists everything that the answer depends on. A
//! file whose size, times and number are as they were is the same; another one is compared by its hash. Entries are
//! files of their own that appear whole, so that runs at the same time do not disturb each other. Who cannot write there
//! runs without. Where something has changed, a [`Ledger`] tells which files have not.

mod ledger;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::Verdict;
use super::args::{CommonArgs, InputArgs};
use super::config::Config;
use super::session::expand;
use crate::layout::relational::rows::hex;
use crate::load::database::Sealed;
use crate::pipeline::Accounted;
use crate::source::stat::{Stamp, Stat};
pub use ledger::Ledger;

/// The folder, beside the config or in the working directory.
const FOLDER: &str = ".chancery-cache";
/// The first line of an entry.
const HEAD: &str = "chancery-cache 1";
/// Larger files are known by size and times alone.
pub const LARGEST_HASHED: u64 = 8 << 20;
/// Longer reports are made anew.
const LONGEST_REPORT: usize = 1 << 20;
/// So many entries are kept.
const ENTRIES: usize = 64;
/// A file that changed so shortly before it was looked at may have changed again within a tick of its clock.
const TICK: u64 = 2_000_000_000;

/// The entry for a command line.
pub struct Recall {
    place: PathBuf,
    ledger: PathBuf,
    // Nanoseconds since 1970, before anything was looked at.
    started: u64,
}

/// What an answer depends on.
pub struct Ground {
    /// The paths that were given, by group; together they mean the inputs.
    pub groups: Vec<Vec<String>>,
    /// Config, schemas and the like.
    pub judges: Vec<PathBuf>,
    /// The files that are read: the inputs in order, and what they bring along.
    pub files: Vec<Judged>,
}

/// A file that is read.
pub struct Judged {
    /// Its name as it is shown.
    pub name: String,
    /// Whether it is an input by itself.
    pub is_input: bool,
    stamp: Stamp,
    sum: Option<String>,
}

/// A copy of what is reported, as long as it is not too long.
#[derive(Clone)]
pub struct Copy(Rc<RefCell<Option<Vec<u8>>>>);

impl Recall {
    /// The entry for this command line; `None` where an answer depends on more than files.
    pub fn new(common: &CommonArgs, input: &InputArgs) -> Option<Self> {
        let elsewhere = common.verbose || common.changed_since.is_some() || common.write_baseline.is_some();
        if elsewhere || !common.schema_dir.is_empty() || !common.report.iter().all(|report| is_plain(report)) {
            return None;
        }
        let config = if common.no_config { None } else { Config::locate(common.config.as_deref(), &input.paths).ok()? };
        let program = Stat::at(&std::env::current_exe().ok()?)?.stamp;
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
        let ledger = place(&of_any_paths)?.with_extension("ledger");
        Some(Self { place: place(input)?, ledger, started: nanoseconds(SystemTime::now()) })
    }

    /// The files that are known, for these judges.
    pub fn ledger(&self, judges: &[PathBuf]) -> Option<Ledger> {
        let sums: Option<Vec<String>> = judges.iter().map(|judge| hash(judge)).collect();
        Some(Ledger::open(self.ledger.clone(), &sums?, self.started))
    }

    /// The report and the verdict of the run before, where they still hold.
    pub fn answer(&self) -> Option<(Vec<u8>, Verdict)> {
        let (mut ground, sums, verdict, report, before) = read(&fs::read(&self.place).ok()?)?;
        if !ground.judges.iter().zip(&sums).all(|(judge, sum)| hash(judge).is_some_and(|now| now == *sum)) {
            return None;
        }
        let mut inputs = Vec::new();
        for group in &ground.groups {
            let (found, problems) = expand(group);
            if !problems.is_empty() {
                return None;
            }
            inputs.extend(found);
        }
        let mut inputs = inputs.into_iter();
        let mut renewed = false;
        for file in &mut ground.files {
            let stat = if file.is_input {
                inputs.next().filter(|input| *input.name == *file.name)?.stat?
            } else {
                Stat::at(Path::new(&file.name))?
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
        if inputs.next().is_some() || ground.files.is_empty() {
            return None;
        }
        if renewed {
            self.write(&ground, &sums, verdict, &report);
        }
        Some((report, verdict))
    }

    /// Keeps what a run said, where that can be said again.
    pub fn keep(&self, kept: Kept, accounts: Vec<Accounted>, verdict: Verdict) {
        let Kept { mut ground, sums, report, ledger } = kept;
        let (Verdict::Clean | Verdict::Findings) = verdict else { return };
        let judges: Option<Vec<String>> = ground.judges.iter().map(|judge| hash(judge)).collect();
        let Some(judges) = judges else { return };
        let sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sums: HashMap<&str, &String> = sums.iter().filter_map(|seal| Some((&*seal.name, seal.sha256.as_ref()?))).collect();
        // A file that was not read has the sum that it had.
        let known = ledger.as_ref().map_or_else(HashMap::new, |ledger| ledger.sums(&accounts));
        let sum = |name: &str| sums.get(name).or_else(|| known.get(name)).map(ToString::to_string);
        ground.files.iter_mut().for_each(|file| file.sum = sum(&file.name));
        if let Some(report) = &*report.0.borrow() {
            self.write(&ground, &judges, verdict, report);
        }
        drop(known);
        if let Some(ledger) = ledger.filter(|ledger| ledger.is_for(&judges)) {
            ledger.keep(accounts, &sums);
        }
    }

    // Nothing depends on the entry being there.
    fn write(&self, ground: &Ground, sums: &[String], verdict: Verdict, report: &[u8]) {
        let names = ground.groups.iter().flatten().chain(ground.files.iter().map(|file| &file.name));
        if names.into_iter().any(|name| name.contains('\n')) || ground.judges.iter().any(|judge| judge.to_str().is_none()) {
            return;
        }
        let _ = self.try_write(ground, sums, verdict, report);
    }

    fn try_write(&self, ground: &Ground, sums: &[String], verdict: Verdict, report: &[u8]) -> io::Result<()> {
        let mut text = Vec::with_capacity(64 * ground.files.len() + report.len());
        writeln!(text, "{HEAD}\nstarted {}", self.started)?;
        writeln!(text, "verdict {}", if verdict == Verdict::Clean { "clean" } else { "findings" })?;
        for (number, path) in ground.groups.iter().enumerate().flat_map(|(number, group)| group.iter().map(move |path| (number, path))) {
            writeln!(text, "path {number} {path}")?;
        }
        for (judge, sum) in ground.judges.iter().zip(sums) {
            writeln!(text, "judge {sum} {}", judge.display())?;
        }
        for Judged { name, is_input, stamp: Stamp { length, modified, changed, number }, sum } in &ground.files {
            let (word, sum) = (if *is_input { "input" } else { "table" }, sum.as_deref().unwrap_or("-"));
            writeln!(text, "{word} {length} {modified} {changed} {number} {sum} {name}")?;
        }
        writeln!(text, "report")?;
        text.extend_from_slice(report);
        put(&self.place, &text)
    }
}

// Writes a file of the folder, which appears whole.
fn put(place: &Path, text: &[u8]) -> io::Result<()> {
    let Some(folder) = place.parent() else { return Ok(()) };
    if !folder.is_dir() {
        fs::create_dir(folder)?;
        // Nobody wants it in a repository or a backup.
        fs::write(folder.join(".gitignore"), "*\n")?;
        fs::write(folder.join("CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n")?;
    }
    let mut file = tempfile::Builder::new().prefix(".chancery-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text)?;
    file.persist(place).map_err(|error| error.error)?;
    sweep(folder)
}

// Takes the oldest entries away where there are too many.
fn sweep(folder: &Path) -> io::Result<()> {
    // Of answers and ledgers, whose names are longer than those of other files.
    let is_entry = |entry: &fs::DirEntry| entry.file_name().len() >= 32;
    let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.filter_map(Result::ok).filter(is_entry).collect();
    if entries.len() > ENTRIES {
        let mut by_age: Vec<_> = entries.iter().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        by_age.sort();
        by_age.iter().take(entries.len() - ENTRIES).try_for_each(|(_, path)| fs::remove_file(path))?;
    }
    Ok(())
}

type Entry = (Ground, Vec<String>, Verdict, Vec<u8>, u64);

// An entry by its bytes; `None` for what is none.
fn read(bytes: &[u8]) -> Option<Entry> {
    let mut rest = bytes;
    let mut line = || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
        Some(line)
    };
    if line()? != HEAD {
        return None;
    }
    let started = line()?.strip_prefix("started ")?.parse().ok()?;
    let verdict = match line()? {
        "verdict clean" => Verdict::Clean,
        "verdict findings" => Verdict::Findings,
        _ => return None,
    };
    let mut ground = Ground { groups: Vec::new(), judges: Vec::new(), files: Vec::new() };
    let mut sums = Vec::new();
    loop {
        let line = line()?;
        if line == "report" {
            return Some((ground, sums, verdict, rest.to_vec(), started));
        }
        let (word, what) = line.split_once(' ')?;
        match word {
            "path" => {
                let (number, path) = what.split_once(' ')?;
                if number.parse::<usize>().ok()? >= ground.groups.len() {
                    ground.groups.push(Vec::new());
                }
                ground.groups.last_mut()?.push(path.to_owned());
            }
            "judge" => {
                let (sum, path) = what.split_once(' ')?;
                sums.push(sum.to_owned());
                ground.judges.push(PathBuf::from(path));
            }
            _ => {
                let mut parts = what.splitn(6, ' ');
                let mut number = || parts.next()?.parse().ok();
                let stamp = Stamp { length: number()?, modified: number()?, changed: number()?, number: number()? };
                let sum = parts.next().filter(|sum| *sum != "-").map(str::to_owned);
                ground.files.push(Judged { name: parts.next()?.to_owned(), is_input: word == "input", stamp, sum });
            }
        }
    }
}

// A report of the run itself that goes to the screen and nowhere else.
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

impl Judged {
    /// A file as it was when it was looked for.
    pub fn new(name: String, is_input: bool, stat: Stat) -> Self {
        Self { name, is_input, stamp: stat.stamp, sum: None }
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Some(Vec::new()))))
    }
}

impl Copy {
    /// What was reported, unless that is too long.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.0.borrow().clone()?).ok()
    }

    /// A stream into `out` of which this is a copy.
    pub fn of<W: Write>(&self, out: W) -> Copied<W> {
        Copied { out, copy: self.clone() }
    }
}

/// A stream of which a copy is kept.
pub struct Copied<W> {
    out: W,
    copy: Copy,
}

impl<W: Write> Write for Copied<W> {
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

/// What a session hands over so that its answer can be kept.
pub struct Kept {
    pub ground: Ground,
    pub sums: Arc<Mutex<Vec<Sealed>>>,
    pub report: Copy,
    pub ledger: Option<Ledger>,
}
