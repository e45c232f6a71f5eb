//! Fixes files: applies the edits of findings to the text, and leaves all other bytes unchanged.
//!
//! Input: inputs, and what their records go through. Output: the new texts, with what changed in them. Each input is fixed in
//! rounds in memory: look (`snapshot`), choose edits that do not overlap, make them, look again. A round has to prove that
//! every record is what it was except for what the edits say, and that no record has an error that it had not before. Where it
//! cannot, the fixes at fault are found by bisection and rejected, and the others are kept. Rounds go on until there is
//! nothing left to edit. Nothing is written here.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//! use chancery_check::Checker;
//! use chancery_engine::fix::{self, FileOverlay, Input, Job};
//! use chancery_engine::pipeline::{Opened, Policy, RecordPipeline};
//! use chancery_formats::read::{self, Format};
//! use chancery_schema::Schema;
//! use chancery_files::open;
//!
//! let text = br#"{"type": "object", "properties": {"size": {"type": "integer"}}}"#;
//! let mut read = read::collect(Format::Json, "sizes.schema.json", text, &read::Options::default())?;
//! let schema = Arc::new(Schema::try_from(read.records.remove(0)).expect("a good schema"));
//!
//! // Each look at an input opens it again, with the edits that have been made so far.
//! let open = |files: &FileOverlay| {
//!     let input = open::Input::new("sizes.ndjson", None);
//!     files.load(&input.name, &b"{\"size\": \"7\"}\n{ \"size\": 8 }\n"[..]);
//!     let opened = files.open(&input, None)?;
//!     let chunker = read::chunker(Format::Ndjson, opened.feed, &read::Options::default());
//!     Ok(Opened { format: Format::Ndjson, decoded: opened.decoded, chunker })
//! };
//! let job = Job {
//!     inputs: vec![Input { name: "sizes.ndjson".into(), pipeline: 0, open: Box::new(open) }],
//!     pipelines: vec![RecordPipeline { stages: vec![Arc::new(Checker::new(schema))], references: None, lenient: false, redactor: None }],
//!     complete: false,
//!     policy: Policy::default(),
//!     suppress: Vec::new(),
//!     guesses: false,
//!     jobs: 1,
//! };
//! let outcome = fix::run(&job, &AtomicBool::new(false))?;
//! assert_eq!(&*outcome.files[0].new, b"{\"size\": 7}\n{ \"size\": 8 }\n");
//! # Ok::<(), chancery_core::source::ReadError>(())
//! ```

mod bisect;
mod fix_set;
pub mod diff;
mod overlay;
mod snapshot;
pub mod patch;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::pipeline::bug::naming;
use crate::pipeline::suppress::Suppress;
use crate::pipeline::{Opened, Policy, RecordPipeline, batch};
use chancery_check::ReferentialChecker;
use chancery_check::references::{Found, KeyOccurrence, Role};
use chancery_core::diagnostic::{RecordRef, Safety};
use chancery_core::source::{Position, ReadError};

pub use self::overlay::FileOverlay;
pub use self::patch::Replacement;
pub use self::snapshot::Counts;

use self::bisect::Bisection;
use self::fix_set::FixSet;
use self::snapshot::{Candidate, Snapshot};
use self::verify::Places;

/// How often an input may be looked at in vain, besides [`VAIN_BYTES`].
const VAIN_LOOKS: usize = 64;
/// How many bytes may be looked at in vain.
const VAIN_BYTES: usize = 32 << 20;

/// An input.
pub struct Input {
    /// Its display name.
    pub name: Arc<str>,
    /// The index of the pipeline of its records.
    pub pipeline: usize,
    /// Opens it.
    pub open: Open,
}

/// Opens an input, every file of it through [`FileOverlay`].
pub type Open = Box<dyn Fn(&FileOverlay) -> Result<Opened, ReadError> + Send + Sync>;

/// A fix job.
pub struct Job {
    /// The inputs to fix.
    pub inputs: Vec<Input>,
    /// The pipelines, one for each schema.
    pub pipelines: Vec<RecordPipeline>,
    /// Whether the inputs are the complete collection.
    pub complete: bool,
    /// Which findings are fixed: those that are reported.
    pub policy: Policy,
    /// Suppressed findings, in addition to those suppressed by comments.
    pub suppress: Vec<Suppress>,
    /// Whether unsafe edits are applied too.
    pub guesses: bool,
    /// Number of workers.
    pub jobs: usize,
}

/// A changed file.
#[derive(Clone, Debug)]
pub struct FixedFile {
    /// Its display name.
    pub name: Arc<str>,
    /// Where it is; `None` for standard input and for a text in memory.
    pub path: Option<PathBuf>,
    /// Its old content.
    pub old: Arc<[u8]>,
    /// Its new content.
    pub new: Arc<[u8]>,
    /// The differences, in positions of the old text.
    pub changes: Vec<Replacement>,
    /// Number of fixes by the rule of their finding.
    pub fixed: BTreeMap<&'static str, u64>,
}

/// A fix that was dropped because it would have done harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedFix {
    /// The file.
    pub file: Arc<str>,
    /// Where the finding is.
    pub at: Position,
    /// The finding's rule.
    pub code: &'static str,
}

/// The outcome.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Changed files, in the order of the inputs.
    pub files: Vec<FixedFile>,
    /// Number of unsafe fixes that were not requested.
    pub guesses: u64,
    /// Fixes that would have done harm.
    pub rejected: Vec<RejectedFix>,
    /// Number of fixes by the file in which they were not tried, because too many others were tried in vain.
    pub untried: BTreeMap<Arc<str>, u64>,
    /// Number of fixes by the file that they cannot be written to, because it is compressed or in another encoding.
    pub without_edit: BTreeMap<Arc<str>, u64>,
    /// Findings without an edit.
    pub unfixable: Counts,
    /// Inputs that could not be read completely, which are not changed.
    pub unreadable: Vec<(Arc<str>, ReadError)>,
    /// The content of standard input, or the text in memory.
    pub stdin: Option<Arc<[u8]>>,
    /// Whether the user interrupted the run.
    pub interrupted: bool,
}

/// Fixes the inputs in memory.
///
/// # Errors
/// When keys that had to be spooled on disk cannot be written or read.
pub fn run(job: &Job, interrupted: &AtomicBool) -> io::Result<Outcome> {
    let mut next = job.inputs.iter();
    let mut done: Vec<RoundResult> = Vec::with_capacity(job.inputs.len());
    let mut unfixable = Counts::default();
    let mut failed = None;
    let mut references = ReferentialChecker::new(job.complete);
    let mut count = |found: Vec<Found>| {
        for (mut diagnostic, _) in found {
            if job.policy.filter(&mut diagnostic) {
                unfixable.add(diagnostic.severity);
            }
        }
    };
    batch::ordered(
        job.jobs,
        || if interrupted.load(Ordering::Relaxed) { None } else { next.next() },
        || |input: &Input| naming(&input.name, || fix_input(job, input, &Places::default(), FileOverlay::default(), interrupted)),
        |mut result: RoundResult| {
            for (index, occurrences) in std::mem::take(&mut result.occurrences) {
                match references.take(occurrences, Some(&RecordRef { index, ..RecordRef::default() }), true) {
                    Ok(found) => count(found),
                    Err(error) => failed = Some(error),
                }
            }
            done.push(result);
            failed.is_none()
        },
    );
    if let Some(error) = failed {
        return Err(error);
    }
    if interrupted.load(Ordering::Relaxed) {
        return Ok(Outcome { interrupted: true, ..Outcome::default() });
    }
    for (number, places) in shared_files(job, &done, &mut references)? {
        let files = std::mem::take(&mut done[number].files);
        files.reset();
        let input = &job.inputs[number];
        done[number] = naming(&input.name, || fix_input(job, input, &places, files, interrupted));
    }
    references.finish(&|_| false, &mut |found| {
        count(vec![found]);
        Ok(())
    })?;
    let mut outcome = Outcome { unfixable, ..Outcome::default() };
    for (input, done) in job.inputs.iter().zip(done) {
        outcome.join(&input.name, done);
    }
    Ok(outcome)
}

// Locations in records that edits would give a key that another record has, or a reference to a missing record; by
// input.
fn shared_files(job: &Job, done: &[RoundResult], references: &mut ReferentialChecker) -> io::Result<SharedFiles> {
    let mut clashes = SharedFiles::new();
    let mut keys: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (number, done) in done.iter().enumerate() {
        for (record, occurrence) in &done.gained {
            let is_known = references.has_key(occurrence)?;
            let wrong = match occurrence.role {
                Role::Key => is_known || !keys.insert((occurrence.collection, occurrence.exact())),
                Role::Reference => job.complete && !is_known,
            };
            if wrong {
                clashes.entry(number).or_default().add(*record, occurrence.pointer.clone());
            }
        }
    }
    Ok(clashes)
}

type SharedFiles = BTreeMap<usize, Places>;

// A fixed input.
#[derive(Default)]
struct RoundResult {
    files: FileOverlay,
    fixed: BTreeMap<Arc<str>, BTreeMap<&'static str, u64>>,
    guesses: u64,
    rejected: Vec<RejectedFix>,
    untried: BTreeMap<Arc<str>, u64>,
    out_of_reach: BTreeMap<Arc<str>, u64>,
    unfixable: Counts,
    failure: Option<ReadError>,
    // Keys and references of the original records, by record.
    occurrences: Vec<(u64, Vec<KeyOccurrence>)>,
    // Those that edits added.
    gained: Vec<(usize, KeyOccurrence)>,
}

// Fixes an input, except for what touches the places.
fn fix_input(job: &Job, input: &Input, places: &Places, files: FileOverlay, interrupted: &AtomicBool) -> RoundResult {
    let mut fixed: BTreeMap<Arc<str>, BTreeMap<&'static str, u64>> = BTreeMap::new();
    let mut touched = BTreeSet::new();
    let mut last = snapshot::take_snapshot(job, input, &files, &BTreeSet::new());
    let mut occurrences: BTreeMap<u64, Vec<KeyOccurrence>> = BTreeMap::new();
    for (index, record) in last.records.iter_mut().enumerate().filter(|(_, record)| !record.occurrences.is_empty()) {
        occurrences.insert(index as u64, record.occurrences.clone());
    }
    let mut rounds = Rounds::new(job, input, places, &files, interrupted);
    let mut fewest = last.findings();
    while last.failure.is_none()
        && let Some((chosen, after)) = rounds.next(&last)
    {
        for (file, code) in &chosen.fixes {
            *fixed.entry(Arc::clone(file)).or_default().entry(code).or_default() += 1;
        }
        touched.extend(chosen.fixed.keys().copied());
        last = after;
        // A round may reveal as many findings as it fixes, but not forever.
        if last.findings() < fewest {
            fewest = last.findings();
        } else if !rounds.spend() {
            break;
        }
    }
    let mut gained = Vec::new();
    for record in touched {
        let before = occurrences.get(&(record as u64)).map_or(&[][..], Vec::as_slice);
        let name = |occurrence: &KeyOccurrence| (occurrence.role == Role::Key, occurrence.exact().to_owned());
        let before: BTreeSet<_> = before.iter().map(name).collect();
        let is_new = |occurrence: &&KeyOccurrence| !before.contains(&name(occurrence));
        gained.extend(last.records[record].occurrences.iter().filter(is_new).map(|occurrence| (record, occurrence.clone())));
    }
    let mut done =
        RoundResult { fixed, gained, unfixable: last.unfixable, occurrences: occurrences.into_iter().collect(), ..RoundResult::default() };
    if last.failure.is_none() {
        done.count_remaining(&last, &rounds);
    }
    files.release();
    RoundResult { files, failure: last.failure, ..done }
}

// The rounds in which an input is fixed.
struct Rounds<'r> {
    job: &'r Job,
    input: &'r Input,
    places: &'r Places,
    files: &'r FileOverlay,
    interrupted: &'r AtomicBool,
    bisection: Bisection,
    // How often it may still be looked at in vain.
    vain: usize,
}

impl<'r> Rounds<'r> {
    fn new(job: &'r Job, input: &'r Input, places: &'r Places, files: &'r FileOverlay, interrupted: &'r AtomicBool) -> Self {
        let vain = VAIN_LOOKS + VAIN_BYTES / (files.size() + 1);
        Self { job, input, places, files, interrupted, bisection: Bisection::default(), vain }
    }

    // Counts a look in vain; whether there may be another.
    fn spend(&mut self) -> bool {
        self.vain = self.vain.saturating_sub(1);
        self.vain > 0 && !self.interrupted.load(Ordering::Relaxed)
    }

    // Makes the edits that prove to do no harm, and looks again; `None` if there are none.
    fn next(&mut self, last: &Snapshot) -> Option<(FixSet, Snapshot)> {
        let state = self.files.state();
        loop {
            let chosen = FixSet::of(last, |record, candidate| {
                self.reason_against(record, candidate).is_none() && self.bisection.allows(record, candidate)
            });
            if chosen.is_empty() {
                if self.bisection.advance() {
                    continue;
                }
                return None;
            }
            self.files.edit(&chosen.edits());
            if self.files.is_same(&state) {
                return None;
            }
            let records: BTreeSet<usize> = chosen.fixed.keys().copied().collect();
            let after = snapshot::take_snapshot(self.job, self.input, self.files, &records);
            let refuted = verify::verify(last, &after, &chosen.fixed);
            if refuted.is_empty() {
                self.bisection.advance();
                return Some((chosen, after));
            }
            self.bisection.narrow(last, &chosen.fixed, &refuted);
            self.files.restore(state.clone());
            if !self.spend() {
                return None;
            }
        }
    }

    // Why a fix is not made, whatever it does.
    fn reason_against(&self, record: usize, candidate: &Candidate) -> Option<Against> {
        if let Some(edit) = candidate.edits.iter().find(|edit| self.files.is_decoded(&edit.file)) {
            Some(Against::Encoding(Arc::clone(&edit.file)))
        } else if candidate.safety == Safety::Unsafe && !self.job.guesses {
            Some(Against::Guess)
        } else if self.places.touches(record, candidate) || self.bisection.rejects(candidate) {
            Some(Against::Harm)
        } else {
            None
        }
    }
}

enum Against {
    // The file is compressed, or in another encoding.
    Encoding(Arc<str>),
    Guess,
    Harm,
}

impl RoundResult {
    // Counts the fixes that were not applied, by reason.
    fn count_remaining(&mut self, last: &Snapshot, rounds: &Rounds<'_>) {
        let mut known = BTreeSet::new();
        let (mut places, mut codes) = (Vec::new(), Vec::new());
        let origins = rounds.files.origins();
        for (index, record) in last.records.iter().enumerate() {
            for candidate in &record.candidates {
                // One edit that fixes many findings is one fix.
                if !known.insert(&candidate.edits) {
                    continue;
                }
                let (file, offset) = &candidate.place;
                match rounds.reason_against(index, candidate) {
                    Some(Against::Encoding(file)) => *self.out_of_reach.entry(file).or_default() += 1,
                    Some(Against::Guess) => self.guesses += 1,
                    Some(Against::Harm) => {
                        places.push((Arc::clone(file), origins.get(file).map_or(0, |origins| origins.of(*offset))));
                        codes.push(candidate.rule.code);
                    }
                    None => *self.untried.entry(Arc::clone(file)).or_default() += 1,
                }
            }
        }
        let positions = rounds.files.positions(&places);
        let left_out = places.into_iter().zip(positions).zip(codes);
        self.rejected.extend(left_out.map(|(((file, _), at), code)| RejectedFix { file, at, code }));
    }
}

impl Outcome {
    fn join(&mut self, name: &Arc<str>, mut done: RoundResult) {
        self.guesses += done.guesses;
        self.rejected.extend(done.rejected);
        for (file, count) in done.untried {
            *self.untried.entry(file).or_default() += count;
        }
        for (file, count) in done.out_of_reach {
            *self.without_edit.entry(file).or_default() += count;
        }
        self.unfixable.join(done.unfixable);
        self.unreadable.extend(done.failure.map(|failure| (Arc::clone(name), failure)));
        for held in done.files.into_held() {
            if held.path.is_none() {
                self.stdin = Some(Arc::clone(&held.original));
            }
            let changes = held.patch.changes();
            if !changes.is_empty() {
                let fixed = done.fixed.remove(&held.name).unwrap_or_default();
                self.files.push(FixedFile { name: held.name, path: held.path, old: held.original, new: held.now, changes, fixed });
            }
        }
    }
}
