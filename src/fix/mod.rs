//! Mends files: the edits that findings carry are made in the text, and every byte besides stays what it was.
//!
//! In: inputs, and what their records go through. Out: the new texts, with what changed in them. Each input is mended in
//! rounds in memory: look ([`look`](self)), choose edits that do not overlap, make them, look again. A round has to prove that
//! every record is what it was but for what the edits say, and that no record has an error that it had not before. Where it
//! cannot, the fixes at fault are found by bisection and rejected, and the others are kept. Rounds go on until there is
//! nothing left to edit. Nothing is written here.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//! use chancery::check::Checker;
//! use chancery::fix::{self, Files, Input, Job};
//! use chancery::pipeline::{Course, Opened, Policy};
//! use chancery::read::{self, Format};
//! use chancery::schema::Schema;
//! use chancery::source::open;
//!
//! let text = br#"{"type": "object", "properties": {"size": {"type": "integer"}}}"#;
//! let mut read = read::collect(Format::Json, "sizes.schema.json", text, &read::Options::default())?;
//! let schema = Arc::new(Schema::try_from(read.records.remove(0)).expect("a good schema"));
//!
//! // Each look at an input opens it anew, with the edits that have been made so far.
//! let open = |files: &Files| {
//!     let input = open::Input::new("sizes.ndjson", None);
//!     files.hold(&input.name, &b"{\"size\": \"7\"}\n{ \"size\": 8 }\n"[..]);
//!     let opened = files.open(&input, None)?;
//!     let cutter = Format::Ndjson.cutter(opened.feed, &read::Options::default());
//!     Ok(Opened { format: Format::Ndjson.name(), decoded: opened.decoded, cutter })
//! };
//! let job = Job {
//!     inputs: vec![Input { name: "sizes.ndjson".into(), course: 0, open: Box::new(open) }],
//!     courses: vec![Course { stages: vec![Arc::new(Checker::new(schema))], across: None, lenient: false, redactor: None }],
//!     complete: false,
//!     policy: Policy::default(),
//!     suppress: Vec::new(),
//!     guesses: false,
//!     jobs: 1,
//! };
//! let outcome = fix::run(&job, &AtomicBool::new(false))?;
//! assert_eq!(&*outcome.files[0].new, b"{\"size\": 7}\n{ \"size\": 8 }\n");
//! # Ok::<(), chancery::source::Failure>(())
//! ```

mod bisect;
mod choose;
pub mod diff;
mod held;
mod look;
pub mod patch;
mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::check::Across;
use crate::check::across::{Found, Mention, Role};
use crate::diagnostic::{RecordRef, Safety};
use crate::pipeline::bug::naming;
use crate::pipeline::suppress::Suppress;
use crate::pipeline::{Course, Opened, Policy, batch};
use crate::source::{Failure, Position};

pub use self::held::Files;
pub use self::look::Counts;
pub use self::patch::Replacement;

use self::bisect::Bisection;
use self::choose::Chosen;
use self::look::{Candidate, Look};
use self::proof::Places;

/// How often an input may be looked at in vain, besides [`VAIN_BYTES`].
const VAIN_LOOKS: usize = 64;
/// How many bytes may be looked at in vain.
const VAIN_BYTES: usize = 32 << 20;

/// An input.
pub struct Input {
    /// Its name as it is shown.
    pub name: Arc<str>,
    /// The number of the course that its records go through.
    pub course: usize,
    /// Opens it.
    pub open: Open,
}

/// Opens an input, every file of it through [`Files`].
pub type Open = Box<dyn Fn(&Files) -> Result<Opened, Failure> + Send + Sync>;

/// What is to be done.
pub struct Job {
    /// What to mend.
    pub inputs: Vec<Input>,
    /// The ways that records go, one for each schema.
    pub courses: Vec<Course>,
    /// Whether the inputs are the whole collection.
    pub complete: bool,
    /// Which findings are mended: those that are reported.
    pub policy: Policy,
    /// Findings that are not to be seen, besides those that comments leave out.
    pub suppress: Vec<Suppress>,
    /// Whether guesses are made too.
    pub guesses: bool,
    /// Number of workers.
    pub jobs: usize,
}

/// A file that changes.
#[derive(Clone, Debug)]
pub struct Mended {
    /// Its name as it is shown.
    pub name: Arc<str>,
    /// Where it is; `None` for standard input and for a text that was at hand.
    pub path: Option<PathBuf>,
    /// What it held.
    pub old: Arc<[u8]>,
    /// What it is to hold.
    pub new: Arc<[u8]>,
    /// What differs, in places of the old text.
    pub changes: Vec<Replacement>,
    /// Number of fixes by the rule of their finding.
    pub fixed: BTreeMap<&'static str, u64>,
}

/// A fix that was not made, since it would have done harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub file: Arc<str>,
    /// Where the finding is.
    pub at: Position,
    /// The finding's rule.
    pub code: &'static str,
}

/// What it came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Files that change, in the order of the inputs.
    pub files: Vec<Mended>,
    /// Number of fixes that are guesses, and were not asked for.
    pub guesses: u64,
    /// Fixes that would have done harm.
    pub left_out: Vec<LeftOut>,
    /// Number of fixes by the file in which they were not tried, since too many others were tried in vain.
    pub untried: BTreeMap<Arc<str>, u64>,
    /// Number of fixes by the file that they cannot be written to, since it is compressed or in another encoding.
    pub out_of_reach: BTreeMap<Arc<str>, u64>,
    /// Findings that no edit mends.
    pub unmended: Counts,
    /// Inputs that could not be read to their end, which are left as they are.
    pub unreadable: Vec<(Arc<str>, Failure)>,
    /// What standard input held, or the text that was at hand in its place.
    pub stdin: Option<Arc<[u8]>>,
    /// Whether it was broken off by the user.
    pub interrupted: bool,
}

/// Mends the inputs in memory.
///
/// # Errors
/// When keys that had to be put aside on disk cannot be written or read.
pub fn run(job: &Job, interrupted: &AtomicBool) -> io::Result<Outcome> {
    let mut next = job.inputs.iter();
    let mut done: Vec<Done> = Vec::with_capacity(job.inputs.len());
    let mut unmended = Counts::default();
    let mut failed = None;
    let mut across = Across::new(job.complete);
    let mut count = |found: Vec<Found>| {
        for (mut note, _) in found {
            if job.policy.admits(&mut note) {
                unmended.add(note.severity);
            }
        }
    };
    batch::ordered(
        job.jobs,
        || if interrupted.load(Ordering::Relaxed) { None } else { next.next() },
        || |input: &Input| naming(&input.name, || mend(job, input, &Places::default(), Files::default(), interrupted)),
        |mut mended: Done| {
            for (index, mentions) in std::mem::take(&mut mended.mentions) {
                match across.take(mentions, Some(&RecordRef { index, ..RecordRef::default() }), true) {
                    Ok(found) => count(found),
                    Err(error) => failed = Some(error),
                }
            }
            done.push(mended);
            failed.is_none()
        },
    );
    if let Some(error) = failed {
        return Err(error);
    }
    if interrupted.load(Ordering::Relaxed) {
        return Ok(Outcome { interrupted: true, ..Outcome::default() });
    }
    for (number, places) in clashes(job, &done, &mut across)? {
        let files = std::mem::take(&mut done[number].files);
        files.reset();
        let input = &job.inputs[number];
        done[number] = naming(&input.name, || mend(job, input, &places, files, interrupted));
    }
    across.finish(&|_| false, &mut |found| {
        count(vec![found]);
        Ok(())
    })?;
    let mut outcome = Outcome { unmended, ..Outcome::default() };
    for (input, done) in job.inputs.iter().zip(done) {
        outcome.join(&input.name, done);
    }
    Ok(outcome)
}

// Places in records that edits would give a key which another record has, or a reference to a record that is not there; by
// input.
fn clashes(job: &Job, done: &[Done], across: &mut Across) -> io::Result<Clashes> {
    let mut clashes = Clashes::new();
    let mut keys: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (number, done) in done.iter().enumerate() {
        for (unit, mention) in &done.gained {
            let is_known = across.knows(mention)?;
            let wrong = match mention.role {
                Role::Key => is_known || !keys.insert((mention.collection, mention.exact())),
                Role::Reference => job.complete && !is_known,
            };
            if wrong {
                clashes.entry(number).or_default().add(*unit, mention.pointer.clone());
            }
        }
    }
    Ok(clashes)
}

type Clashes = BTreeMap<usize, Places>;

// An input that has been mended as far as can be.
#[derive(Default)]
struct Done {
    files: Files,
    fixed: BTreeMap<Arc<str>, BTreeMap<&'static str, u64>>,
    guesses: u64,
    left_out: Vec<LeftOut>,
    untried: BTreeMap<Arc<str>, u64>,
    out_of_reach: BTreeMap<Arc<str>, u64>,
    unmended: Counts,
    failure: Option<Failure>,
    // Keys and references of the records as they were, by unit.
    mentions: Vec<(u64, Vec<Mention>)>,
    // Those that edits brought.
    gained: Vec<(usize, Mention)>,
}

// Mends an input, but for what touches the places.
fn mend(job: &Job, input: &Input, places: &Places, files: Files, interrupted: &AtomicBool) -> Done {
    let mut fixed: BTreeMap<Arc<str>, BTreeMap<&'static str, u64>> = BTreeMap::new();
    let mut touched = BTreeSet::new();
    let mut last = look::look(job, input, &files, &BTreeSet::new());
    let mut mentions: BTreeMap<u64, Vec<Mention>> = BTreeMap::new();
    for (index, unit) in last.units.iter_mut().enumerate().filter(|(_, unit)| !unit.mentions.is_empty()) {
        mentions.insert(index as u64, unit.mentions.clone());
    }
    let mut rounds = Rounds::new(job, input, places, &files, interrupted);
    let mut fewest = last.findings();
    while last.failure.is_none()
        && let Some((chosen, after)) = rounds.next(&last)
    {
        for (file, code) in &chosen.fixes {
            *fixed.entry(Arc::clone(file)).or_default().entry(code).or_default() += 1;
        }
        touched.extend(chosen.mended.keys().copied());
        last = after;
        // A round may uncover as many findings as it mends, but not for ever.
        if last.findings() < fewest {
            fewest = last.findings();
        } else if !rounds.spend() {
            break;
        }
    }
    let mut gained = Vec::new();
    for unit in touched {
        let before = mentions.get(&(unit as u64)).map_or(&[][..], Vec::as_slice);
        let name = |mention: &Mention| (mention.role == Role::Key, mention.exact().to_owned());
        let before: BTreeSet<_> = before.iter().map(name).collect();
        let is_new = |mention: &&Mention| !before.contains(&name(mention));
        gained.extend(last.units[unit].mentions.iter().filter(is_new).map(|mention| (unit, mention.clone())));
    }
    let mut done = Done { fixed, gained, unmended: last.unmended, mentions: mentions.into_iter().collect(), ..Done::default() };
    if last.failure.is_none() {
        done.tell_rest(&last, &rounds);
    }
    files.release();
    Done { files, failure: last.failure, ..done }
}

// The rounds in which an input is mended.
struct Rounds<'r> {
    job: &'r Job,
    input: &'r Input,
    places: &'r Places,
    files: &'r Files,
    interrupted: &'r AtomicBool,
    bisection: Bisection,
    // How often it may still be looked at in vain.
    vain: usize,
}

impl<'r> Rounds<'r> {
    fn new(job: &'r Job, input: &'r Input, places: &'r Places, files: &'r Files, interrupted: &'r AtomicBool) -> Self {
        let vain = VAIN_LOOKS + VAIN_BYTES / (files.size() + 1);
        Self { job, input, places, files, interrupted, bisection: Bisection::default(), vain }
    }

    // Counts a look in vain; whether there may be another.
    fn spend(&mut self) -> bool {
        self.vain = self.vain.saturating_sub(1);
        self.vain > 0 && !self.interrupted.load(Ordering::Relaxed)
    }

    // Makes the edits that prove to do no harm, and looks again; `None` where there are none.
    fn next(&mut self, last: &Look) -> Option<(Chosen, Look)> {
        let state = self.files.state();
        loop {
            let chosen = Chosen::of(last, |unit, candidate| {
                self.reason_against(unit, candidate).is_none() && self.bisection.admits(unit, candidate)
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
            let units: BTreeSet<usize> = chosen.mended.keys().copied().collect();
            let after = look::look(self.job, self.input, self.files, &units);
            let refuted = proof::disprove(last, &after, &chosen.mended);
            if refuted.is_empty() {
                self.bisection.advance();
                return Some((chosen, after));
            }
            self.bisection.narrow(last, &chosen.mended, &refuted);
            self.files.restore(state.clone());
            if !self.spend() {
                return None;
            }
        }
    }

    // Why a fix is not made, whatever it does.
    fn reason_against(&self, unit: usize, candidate: &Candidate) -> Option<Against> {
        if let Some(edit) = candidate.edits.iter().find(|edit| self.files.is_decoded(&edit.file)) {
            Some(Against::Encoding(Arc::clone(&edit.file)))
        } else if candidate.safety == Safety::Unsafe && !self.job.guesses {
            Some(Against::Guess)
        } else if self.places.touches(unit, candidate) || self.bisection.rejects(candidate) {
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

impl Done {
    // Counts the fixes that were not made, by the reason.
    fn tell_rest(&mut self, last: &Look, rounds: &Rounds<'_>) {
        let mut known = BTreeSet::new();
        let (mut places, mut codes) = (Vec::new(), Vec::new());
        let origins = rounds.files.origins();
        for (index, unit) in last.units.iter().enumerate() {
            for candidate in &unit.candidates {
                // One edit that mends many findings is one fix, made or not.
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
        self.left_out.extend(left_out.map(|(((file, _), at), code)| LeftOut { file, at, code }));
    }
}

impl Outcome {
    fn join(&mut self, name: &Arc<str>, mut done: Done) {
        self.guesses += done.guesses;
        self.left_out.extend(done.left_out);
        for (file, count) in done.untried {
            *self.untried.entry(file).or_default() += count;
        }
        for (file, count) in done.out_of_reach {
            *self.out_of_reach.entry(file).or_default() += count;
        }
        self.unmended.join(done.unmended);
        self.unreadable.extend(done.failure.map(|failure| (Arc::clone(name), failure)));
        for held in done.files.into_held() {
            if held.path.is_none() {
                self.stdin = Some(Arc::clone(&held.original));
            }
            let changes = held.patch.changes();
            if !changes.is_empty() {
                let fixed = done.fixed.remove(&held.name).unwrap_or_default();
                self.files.push(Mended { name: held.name, path: held.path, old: held.original, new: held.now, changes, fixed });
            }
        }
    }
}
