//! The pipeline: a [`Job`] says what to read, how to judge it and where to put it; [`run`] does it and gives an [`Outcome`].
//!
//! Windows are read, normalised, checked and encoded by workers ([`batch`]); everything that depends on order happens here
//! on one thread: counting records, comparing keys across files, assembling outputs, reporting. Nothing is printed but
//! through the reporters, and nothing is in place before all is done.

pub mod account;
pub mod baseline;
pub mod batch;
pub mod bug;
mod deferred;
pub mod policy;
pub mod scope;
pub mod since;
pub mod suppress;
mod window;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::check::{OnInvalid, across};
use crate::compare::{Digester, Ignored};
use crate::diagnostic::{Diagnostic, Notes, RecordRef, Severity, rules};
use crate::layout::header::Header;
use crate::load::file::{Finished, Stream, Target};
use crate::load::temporary::FolderLock;
use crate::load::{Sink, Totals};
use crate::read::{Cutter, TopLevel};
use crate::redact::{self, Redactor};
use crate::report::{Reporter, Tally};
use crate::source::{Failure, Position, Source, Span};
use crate::tree::Tree;
use crate::write::{self, Assembler, Files, Writer};

pub use account::{Account, Accounted, Known};
pub use baseline::Baseline;
pub use policy::Policy;
pub use since::{Novelty, Older};
pub use suppress::Suppressions;

use deferred::{Deferred, Event, Facts};
use window::{Done, Encoded, Line, Piece, Shop, Stopped, Unit, Worked};

/// An input that has not been opened yet.
pub struct Input {
    /// Its name as it is shown.
    pub name: Arc<str>,
    /// Opens it.
    pub open: Box<dyn FnOnce() -> Result<Opened, Failure> + Send>,
    /// The number of the [`Course`] that its records go through.
    pub course: usize,
    /// Whether it is one to report on.
    pub novelty: Novelty,
    /// Its length in bytes, where that is known.
    pub size: Option<u64>,
    /// What it came to before, where that may still hold; only for a run without outputs.
    pub known: Option<Known>,
}

/// An input ready to be cut.
pub struct Opened {
    /// The name of its format.
    pub format: &'static str,
    /// Whether byte offsets count unpacked or decoded text instead of the file's own bytes.
    pub decoded: bool,
    /// Cuts it.
    pub cutter: Box<dyn Cutter>,
}

/// A step that a record goes through: it may change the record and notes what it has to say.
pub trait Stage: Send + Sync {
    /// Works on one record.
    fn work(&self, tree: &mut Tree, notes: &mut dyn Notes);
}

/// What the records of one schema go through.
pub struct Course {
    /// Steps before the record's verdict, in order: normalisation, then checks.
    pub stages: Vec<Arc<dyn Stage>>,
    /// Keys and references to compare across records.
    pub across: Option<Arc<across::Plan>>,
    /// Whether errors of syntax are reported as warnings.
    pub lenient: bool,
    /// Decides what reports may show of the records; `None` where they may show everything.
    pub redactor: Option<Arc<Redactor>>,
}

/// Where an output goes.
pub enum Place {
    /// Into a stream such as standard output.
    Stream(Stream),
    /// All records into one target.
    Target(Target),
    /// The records of each input into a target of its own, made from the input's name.
    PerInput(Box<dyn Fn(&str) -> Target>),
    /// Into a place that is no file.
    Sink(Box<dyn Sink>),
}

/// What to write.
pub struct Output {
    /// Lays records out.
    pub writer: Arc<dyn Writer>,
    /// Takes them.
    pub place: Place,
}

/// A report to draw.
pub struct Report {
    /// Draws it.
    pub reporter: Box<dyn Reporter>,
    /// Takes it; a target appears when the run is done.
    pub place: ReportPlace,
}

/// Where a report goes.
pub enum ReportPlace {
    /// A stream, drawn as the run goes on.
    Stream(Box<dyn Write>),
    /// A file.
    Target(Target),
}

/// What is to be done.
pub struct Job {
    /// What to read, in order.
    pub inputs: Vec<Input>,
    /// The ways that records go, one for each schema.
    pub courses: Vec<Course>,
    /// Whether the inputs are the whole collection, so that a reference to an absent record is an error.
    pub complete: bool,
    /// What to write.
    pub outputs: Vec<Output>,
    /// Takes records that are not written, one JSON object to a line.
    pub rejects: Option<Target>,
    /// What to do with records that have an error.
    pub on_invalid: OnInvalid,
    /// Reports to draw.
    pub reports: Vec<Report>,
    /// What is reported and how gravely.
    pub policy: Policy,
    /// Findings that are known.
    pub baseline: Option<(Baseline, Target)>,
    /// Findings that are not to be seen.
    pub suppressions: Suppressions,
    /// The older versions of inputs that changed.
    pub older: Older,
    /// Number of inputs that are not read, since they are the same.
    pub passed_over: u64,
    /// How many files of folders are no data and were left out.
    pub skipped: u64,
    /// Findings from before the first record, such as about the schema's annotations.
    pub notes: Vec<Diagnostic>,
    /// Number of workers; 1 works on the caller's thread.
    pub jobs: usize,
    /// Whether inputs without findings are to be accounted for.
    pub keep_accounts: bool,
    /// Whether the only input is one file, whose top level the outputs keep.
    pub keep_top_level: bool,
}

/// Watches a run from outside.
pub trait Watch {
    /// A window with so many bytes and records has been dealt with.
    fn advanced(&mut self, bytes: u64, records: u64);
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The totals.
    pub tally: Tally,
    /// Number of inputs that could not be read to their end; each has a finding that says why.
    pub unreadable: u64,
    /// Number of inputs of which a rest was not read, since nothing in it could be trusted.
    pub cut_short: u64,
    /// Whether findings reach the severity at which the run counts as failed.
    pub failed: bool,
    /// Whether outputs were held back because a record is invalid.
    pub held_back: bool,
    /// Whether outputs were held back because a place that is no file does not take the records.
    pub refused: bool,
    /// Whether the run was broken off by the user.
    pub interrupted: bool,
    /// Whether the run ended early, since nobody reads an output or a report any more. Nothing was put into place then.
    pub closed_pipe: bool,
    /// Paths of the files that were put into place, in order.
    pub written: Vec<std::path::PathBuf>,
    /// As long as they live, no other process puts a set of files where this run has put one.
    pub locks: Vec<FolderLock>,
    /// The inputs without findings, if accounts are kept.
    pub accounts: Vec<Accounted>,
}

/// Runs a job.
///
/// # Errors
/// When an output or a report cannot be written; nothing has been put into place then. A pipe that nobody reads any more is no
/// error.
pub fn run(job: Job, interrupted: &AtomicBool, watch: &mut dyn Watch) -> io::Result<Outcome> {
    let Job { inputs, courses, complete, outputs, rejects, on_invalid, reports, policy, notes, jobs, .. } = job;
    let across = across::Across::new(complete);
    let lenient = courses.iter().map(|course| course.lenient).collect();
    let redacts = courses.iter().flat_map(|course| &course.redactor).any(|redactor| redactor.is_active());
    // With `Stop` everything waits for the end anyway, and with `Keep` nothing depends on it.
    let waits = on_invalid == OnInvalid::Skip && complete && (!outputs.is_empty() || rejects.is_some());
    let deferred = (waits && courses.iter().any(|course| course.across.is_some())).then(Deferred::default);
    let shop = Shop {
        courses,
        writers: outputs.iter().map(|output| Arc::clone(&output.writer)).collect(),
        on_invalid,
        keep_rejects: rejects.is_some(),
        contents: job.baseline.is_some().then(|| Digester::new(Ignored::default())),
        older: job.older,
    };
    let mut desk = Desk {
        outputs: outputs.into_iter().map(OpenOutput::new).collect(),
        rejects,
        on_invalid,
        reports,
        policy,
        baseline: job.baseline,
        suppressions: job.suppressions,
        across,
        redacts,
        costly: 0,
        records: 0,
        refused: Vec::new(),
        deferred,
        lenient,
        keep_accounts: job.keep_accounts,
        keep_top_level: job.keep_top_level,
        accounted: 0,
        outcome: Outcome::default(),
        finished: Finished::default(),
        input: None,
        error: None,
        interrupted,
    };
    desk.outcome.tally.passed_over = job.passed_over;
    desk.outcome.tally.skipped = job.skipped;
    let done = desk.begin(notes).and_then(|()| desk.work(&shop, inputs, jobs, watch));
    let closed_pipe = done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !closed_pipe {
        return done.map(|()| desk.outcome);
    }
    let failed = desk.policy.fails(&desk.outcome.tally);
    Ok(Outcome { closed_pipe, failed, written: Vec::new(), ..desk.outcome })
}

impl Files for Target {
    fn main(&mut self) -> io::Result<&mut dyn Write> {
        Target::main(self)
    }

    fn named(&mut self, name: &str) -> io::Result<&mut dyn Write> {
        Target::named(self, name)
    }
}

impl Files for Stream {
    fn main(&mut self) -> io::Result<&mut dyn Write> {
        Ok(self.writer())
    }

    fn named(&mut self, _name: &str) -> io::Result<&mut dyn Write> {
        Err(io::Error::other("standard output is one file and cannot hold several"))
    }
}

struct OpenOutput {
    writer: Arc<dyn Writer>,
    place: Place,
    assembler: Option<Box<dyn Assembler>>,
    // The target of the present input.
    target: Option<Target>,
}

impl OpenOutput {
    fn new(output: Output) -> Self {
        let assembler = match output.place {
            Place::PerInput(_) | Place::Sink(_) => None,
            _ => Some(output.writer.assembler()),
        };
        Self { writer: output.writer, place: output.place, assembler, target: None }
    }

    fn begin_input(&mut self, name: &str) {
        if let Place::PerInput(target) = &self.place {
            self.target = Some(target(name));
            self.assembler = Some(self.writer.assembler());
        }
    }

    fn both(&mut self) -> Option<(&mut dyn Assembler, &mut dyn Files)> {
        let files: &mut dyn Files = match &mut self.place {
            Place::Stream(stream) => stream,
            Place::Target(target) => target,
            Place::PerInput(_) => self.target.as_mut()?,
            Place::Sink(_) => return None,
        };
        Some((self.assembler.as_deref_mut()?, files))
    }

    fn header(&mut self, header: &Header) {
        if let Some(assembler) = &mut self.assembler {
            assembler.header(header);
        }
    }

    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        if let Place::Sink(sink) = &mut self.place {
            return sink.record(encoded);
        }
        match self.both() {
            Some((assembler, files)) => assembler.record(encoded, files),
            None => Ok(()),
        }
    }

    fn end_input(&mut self, finished: &mut Finished) -> io::Result<()> {
        if let Place::PerInput(_) = self.place {
            if let Some((assembler, files)) = self.both() {
                assembler.finish(files)?;
            }
            self.assembler = None;
            if let Some(target) = self.target.take() {
                target.finish(finished)?;
            }
        }
        Ok(())
    }

    fn finish(mut self, finished: &mut Finished, held_back: bool) -> io::Result<()> {
        if held_back {
            return Ok(());
        }
        if let Some((assembler, files)) = self.both() {
            assembler.finish(files)?;
        }
        match self.place {
            Place::Stream(stream) => stream.release(),
            Place::Target(target) => target.finish(finished),
            Place::PerInput(_) => Ok(()),
            Place::Sink(sink) => {
                finished.add(sink);
                Ok(())
            }
        }
    }
}

impl Report {
    fn draw(&mut self, draw: impl FnOnce(&mut dyn Reporter, &mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match &mut self.place {
            ReportPlace::Stream(stream) => draw(&mut *self.reporter, &mut **stream),
            ReportPlace::Target(target) => draw(&mut *self.reporter, target.main()?),
        }
    }
}

/// Windows that are larger are not kept for what may have to be said later.
const LARGE_WINDOW: u32 = 4 << 20;

struct InputState {
    // Whether it was noted that parts of the file lie outside the records.
    outside_told: bool,
    name: Arc<str>,
    course: usize,
    format: &'static str,
    decoded: bool,
    novelty: Novelty,
    records: u64,
    stopped: bool,
    header: Option<Arc<Header>>,
    // The last window that came out, which tells how far reading came.
    last: Option<Arc<Source>>,
    // As long as there is nothing to report.
    account: Option<Account>,
}

fn set_top_level(outputs: &mut [OpenOutput], top_level: TopLevel) {
    let assemblers = outputs.iter_mut().filter_map(|output| output.assembler.as_deref_mut());
    assemblers.for_each(|assembler| assembler.top_level(top_level));
}

// Where everything comes together in order.
struct Desk<'r> {
    outputs: Vec<OpenOutput>,
    rejects: Option<Target>,
    on_invalid: OnInvalid,
    reports: Vec<Report>,
    policy: Policy,
    baseline: Option<(Baseline, Target)>,
    suppressions: Suppressions,
    across: across::Across,
    // Whether reports may not show everything.
    redacts: bool,
    // Findings of values and records that cost too much to check.
    costly: u64,
    // Records taken so far, those of accounts not counted.
    records: u64,
    // The numbers of invalid records with keys or references, in order.
    refused: Vec<u64>,
    // What waits until references have been compared.
    deferred: Option<Deferred>,
    // By course: whether errors of syntax are reported as warnings.
    lenient: Vec<bool>,
    keep_accounts: bool,
    keep_top_level: bool,
    // Bytes of the accounts of what was read.
    accounted: usize,
    outcome: Outcome,
    finished: Finished,
    input: Option<InputState>,
    error: Option<io::Error>,
    interrupted: &'r AtomicBool,
}

impl Desk<'_> {
    fn begin(&mut self, notes: Vec<Diagnostic>) -> io::Result<()> {
        for report in &mut self.reports {
            report.draw(|reporter, out| reporter.begin(out))?;
        }
        for mut note in notes {
            // These are about schemas, which JSON or YAML may hold: only texts in quotes are certain.
            write::notation::settle(&mut note, "");
            self.note(note, None, true)?;
        }
        Ok(())
    }

    fn work(&mut self, shop: &Shop, inputs: Vec<Input>, jobs: usize, watch: &mut dyn Watch) -> io::Result<()> {
        let interrupted = self.interrupted;
        let mut line = Line::new(inputs);
        let stopped = line.stopped();
        batch::weighed(
            jobs,
            || if interrupted.load(Ordering::Relaxed) { None } else { line.next() },
            || shop.worker(),
            |done| {
                self.take(done, shop, &stopped, watch);
                self.error.is_none() && !interrupted.load(Ordering::Relaxed)
            },
            Piece::weight,
            Done::weight,
        );
        if self.is_interrupted() { Ok(()) } else { self.finish(&shop.older) }
    }

    // Notes an interruption; one that comes later than this finds everything in place.
    fn is_interrupted(&mut self) -> bool {
        self.outcome.interrupted |= self.interrupted.load(Ordering::Relaxed);
        self.outcome.interrupted
    }

    fn take(&mut self, done: Done, shop: &Shop, stopped: &Stopped, watch: &mut dyn Watch) {
        let result = match done {
            Done::Several(several) => return several.into_iter().for_each(|done| self.take(done, shop, stopped, watch)),
            Done::Rest(mut rest) => {
                let mut tree = Tree::default();
                loop {
                    let next = shop.next(&mut rest, &mut tree);
                    let ended = matches!(next, Done::End(_));
                    self.take(next, shop, stopped, watch);
                    if ended || self.error.is_some() || self.interrupted.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
            Done::Begin { name, course, format, decoded, novelty } => {
                self.outcome.tally.files += 1;
                let begun = if let Some(deferred) = &mut self.deferred {
                    deferred.begin_input(&name)
                } else {
                    self.outputs.iter_mut().for_each(|output| output.begin_input(&name));
                    Ok(())
                };
                if let Some((baseline, _)) = &mut self.baseline {
                    baseline.look_at_file(&name);
                }
                let told = begun.and_then(|()| self.tell(&name));
                let account = self.keep_accounts.then(Account::default);
                self.input = Some(InputState {
                    name,
                    course,
                    format,
                    decoded,
                    novelty,
                    records: 0,
                    stopped: false,
                    header: None,
                    outside_told: false,
                    last: None,
                    account,
                });
                told
            }
            Done::Known { input, account } => match self.known(&input, account, shop, stopped, watch) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let mut done = Vec::new();
                    shop.whole(input, &mut Tree::default(), &mut done);
                    return self.take(Done::Several(done), shop, stopped, watch);
                }
                Err(error) => Err(error),
            },
            Done::Unopened { name, why } => {
                stopped.end();
                self.tell(&name).and_then(|()| self.unreadable(&name, Position::START, 0, &why))
            }
            Done::Window(window) => self.window(window, shop, stopped, watch),
            Done::End(why) => {
                stopped.end();
                self.end_input(why)
            }
        };
        if let Err(error) = result {
            self.error = Some(error);
        }
    }

    // Counts an input of which there is an account; says whether that was all.
    fn known(&mut self, input: &Input, account: Account, shop: &Shop, stopped: &Stopped, watch: &mut dyn Watch) -> io::Result<bool> {
        if let Some(plan) = &shop.courses[input.course].across
            && !self.across.take_register(&input.name, &account.register, plan)?
        {
            return Ok(false);
        }
        let tally = &mut self.outcome.tally;
        tally.files += 1;
        tally.records += account.records;
        tally.valid += account.records;
        tally.written += account.records;
        self.tell(&input.name)?;
        watch.advanced(account.bytes, account.records);
        self.outcome.accounts.push(Accounted { name: Arc::clone(&input.name), course: input.course, account, was_read: false });
        stopped.end();
        Ok(true)
    }

    fn window(&mut self, mut window: Worked, shop: &Shop, stopped: &Stopped, watch: &mut dyn Watch) -> io::Result<()> {
        let Some(input) = self.input.as_mut() else { return Ok(()) };
        if input.stopped {
            return Ok(());
        }
        // Every window of a table has the same one.
        if input.header.is_none()
            && let Some(header) = &window.header
        {
            match &mut self.deferred {
                Some(deferred) => deferred.header(header)?,
                None => self.outputs.iter_mut().for_each(|output| output.header(header)),
            }
            input.header = Some(Arc::clone(header));
        }
        let mut outside_told = input.outside_told;
        let base = input.records;
        let fresh = input.novelty != Novelty::Same;
        if self.keep_top_level {
            match &mut self.deferred {
                Some(deferred) => deferred.set_top_level(window.top_level),
                None => set_top_level(&mut self.outputs, window.top_level),
            }
        }
        input.last = Some(if window.source.len() > LARGE_WINDOW {
            // The text need not be kept for the place at which it ends.
            let end = window.source.position(window.source.len());
            Arc::new(Source::elsewhere(Arc::clone(window.source.name()), end))
        } else {
            Arc::clone(&window.source)
        });
        input.records += window.units.len() as u64;
        if let Some(account) = &mut input.account {
            account.bytes += u64::from(window.source.len());
        }
        // What suppresses findings has to be read, lest it seem to have nothing to suppress.
        if window.stopped || !window.directives.is_empty() || !fresh {
            input.account = None;
        }
        let costly = window.notes.iter().filter(|(_, note)| window::is_costly(note)).count() as u64;
        self.costly += costly;
        if costly > 0 && self.costly >= window::MAX_COSTLY {
            window.stopped = true;
            window.remarks.push(window::too_costly(&window.source));
        }
        if window.stopped {
            input.stopped = true;
            self.outcome.cut_short += 1;
            stopped.stop();
        }
        watch.advanced(u64::from(window.source.len()), window.units.len() as u64);
        let shown = window.redacted.as_ref().unwrap_or(&window.source);
        let mut complaints = self.suppressions.take(&window.source, shown, &window.directives, fresh);
        if let (Some(redacted), Some(redactor)) = (&window.redacted, &shop.courses[input.course].redactor) {
            complaints.iter_mut().for_each(|note| redactor.outside(note, redacted));
        }
        let remarks = std::mem::take(&mut window.remarks).into_iter().chain(complaints);
        // What lies outside is reported once for a file, though each of its documents or lines may have such parts.
        let remarks: Vec<Diagnostic> =
            remarks.filter(|remark| remark.rule != &rules::OUTSIDE_RECORDS || !std::mem::replace(&mut outside_told, true)).collect();
        if let Some(input) = &mut self.input {
            input.outside_told = outside_told;
        }
        for remark in remarks {
            self.note(remark, None, fresh)?;
        }
        let mut notes = std::mem::take(&mut window.notes).into_iter().peekable();
        for (number, unit) in window.units.iter_mut().enumerate() {
            let mut valid = unit.valid;
            let record = RecordRef { index: base + number as u64, key: unit.key.take(), number: Some(self.records), content: unit.content };
            self.records += 1;
            if let Some((baseline, _)) = &mut self.baseline {
                baseline.look_at_record(&record);
            }
            let mut of_unit = Vec::new();
            while let Some((_, note)) = notes.next_if(|(of, _)| *of == number as u32) {
                of_unit.push((note, unit.fresh));
            }
            if let Some(input) = &mut self.input {
                let account = input.account.take().filter(|_| valid && unit.carried && unit.fresh);
                input.account = account.and_then(|account| account.with(&unit.mentions, &record));
            }
            if !unit.mentions.is_empty() {
                let mentions = std::mem::take(&mut unit.mentions);
                let refers = mentions.iter().find(|mention| mention.role == across::Role::Reference);
                unit.refers = refers.map(|mention| mention.place.clone());
                let kept = self.deferred.is_some().then(|| mentions.clone());
                let found = self.across.take(mentions, Some(&record), unit.fresh)?;
                let is_first = !found.iter().any(|(note, _)| policy::is_error(note));
                valid &= is_first;
                if let (false, Some(_), Some(number)) = (valid, &unit.refers, record.number) {
                    self.refused.push(number);
                }
                if let (Some(deferred), Some(mentions)) = (&mut self.deferred, kept) {
                    let admitted = valid && unit.carried;
                    deferred.mentions(&mentions, &Facts { record: &record, admitted, has_own_key: is_first, fresh: unit.fresh })?;
                }
                // Nor is there an account of what is wrong and not to be told.
                if !valid && let Some(input) = &mut self.input {
                    input.account = None;
                }
                of_unit.extend(found);
            }
            let written = self.unit(number, valid, unit, &window.encoded, &of_unit, &record);
            of_unit.sort_by_key(|(note, _)| note.place.span.start);
            // Findings count also where the record can no longer be written, as where nobody reads an output any more.
            let reported = of_unit.into_iter().try_for_each(|(note, fresh)| self.note(note, Some(&record), fresh));
            written.and(reported)?;
        }
        Ok(())
    }

    // Counts a unit and writes it, or keeps it with the rejected.
    fn unit(
        &mut self,
        number: usize,
        valid: bool,
        unit: &Unit,
        encoded: &[Encoded],
        notes: &[(Diagnostic, bool)],
        record: &RecordRef,
    ) -> io::Result<()> {
        let format = self.input.as_ref().map_or("", |input| input.format);
        let tally = &mut self.outcome.tally;
        tally.records += 1;
        if valid {
            tally.valid += 1;
        } else {
            tally.invalid += 1;
        }
        let admitted = unit.carried && (valid || self.on_invalid == OnInvalid::Keep);
        if admitted {
            tally.written += 1;
            if let Some(deferred) = &mut self.deferred {
                let line = match &unit.refers {
                    Some(place) if self.rejects.is_some() => {
                        // It stands in for the finding that is not known yet, and tells the file.
                        let stand_in = Diagnostic::new(&rules::DANGLING_REFERENCE, &place.source, place.span, "");
                        let mut line = Vec::new();
                        window::write_reject(unit, &[(stand_in, true)], record, format, &mut line)?;
                        Some(line)
                    }
                    _ => None,
                };
                let encoded = encoded.iter().map(|encoded| encoded.of(number));
                return deferred.record(record.number.unwrap_or_default(), encoded, line.as_deref());
            }
            for (output, encoded) in self.outputs.iter_mut().zip(encoded) {
                output.record(encoded.of(number))?;
            }
        } else {
            tally.rejected += 1;
            match (&mut self.rejects, &mut self.deferred) {
                (Some(_), Some(deferred)) => {
                    let mut line = Vec::new();
                    window::write_reject(unit, notes, record, format, &mut line)?;
                    deferred.reject(&line)?;
                }
                (Some(rejects), None) => window::write_reject(unit, notes, record, format, rejects.main()?)?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    // `fresh` says whether the finding is about something to report on.
    fn note(&mut self, mut note: Diagnostic, record: Option<&RecordRef>, fresh: bool) -> io::Result<()> {
        if note.record.is_none() {
            note.record = record.cloned();
        }
        if note.format.is_empty()
            && let Some(input) = &self.input
        {
            (note.format, note.decoded) = (input.format, input.decoded);
        }
        let severity = note.severity;
        if !self.policy.admits(&mut note) {
            return Ok(());
        }
        if let Some(input) = &mut self.input {
            if self.lenient[input.course] && note.severity == Severity::Error {
                note.severity = Severity::Warning;
            }
            input.account = None;
        }
        // What is known of a finding is noted even where nobody is told, lest it look as if it were gone.
        let left_out = &mut self.outcome.tally.left_out;
        if !self.suppressions.admits(&note) {
            left_out.suppressed += 1;
            return Ok(());
        }
        if self.baseline.as_mut().is_some_and(|(baseline, _)| !baseline.admits(&mut note)) {
            left_out.baseline += 1;
            return Ok(());
        }
        if !fresh {
            left_out.unchanged += 1;
            return Ok(());
        }
        if note.severity == Severity::Error && severity < Severity::Error {
            self.outcome.tally.raised += 1;
        }
        self.report(note)
    }

    // Tells the reports that an input begins.
    fn tell(&mut self, name: &str) -> io::Result<()> {
        self.reports.iter_mut().try_for_each(|report| report.draw(|reporter, out| reporter.file(name, out)))
    }

    fn report(&mut self, note: Diagnostic) -> io::Result<()> {
        self.outcome.tally.count(&note);
        for report in &mut self.reports {
            report.draw(|reporter, out| reporter.report(&note, out))?;
        }
        Ok(())
    }

    fn end_input(&mut self, why: Option<Failure>) -> io::Result<()> {
        match &mut self.deferred {
            Some(deferred) => deferred.end_input()?,
            None => self.outputs.iter_mut().try_for_each(|output| output.end_input(&mut self.finished))?,
        }
        if why.is_none()
            && let Some(input) = &mut self.input
            && let Some(account) = input.account.take()
            && self.accounted + account.register.weight() <= account::HEAVIEST_OF_ALL
        {
            self.accounted += account.register.weight();
            let (name, course) = (Arc::clone(&input.name), input.course);
            self.outcome.accounts.push(Accounted { name, course, account, was_read: true });
        }
        if let (Some(input), Some(why)) = (&self.input, why) {
            let reached = input.last.as_ref().map_or(Position::START, |last| last.position(last.len()));
            let (name, records) = (Arc::clone(&input.name), input.records);
            self.unreadable(&name, reached, records, &why)?;
        }
        self.input = None;
        Ok(())
    }

    // Says how far an input could be read, and why no further.
    fn unreadable(&mut self, name: &Arc<str>, reached: Position, records: u64, why: &Failure) -> io::Result<()> {
        self.outcome.unreadable += 1;
        let (rule, at) = match why {
            Failure::Encoding { at, .. } => (&rules::BAD_BYTES, *at),
            Failure::Declaration { at, .. } => (&rules::WRONG_DECLARATION, *at),
            Failure::Kind { .. } => (&rules::UNSUPPORTED_KIND, reached),
            Failure::UnknownFormat { .. } => (&rules::UNKNOWN_FORMAT, reached),
            Failure::Io(_) => (&rules::UNREADABLE, reached),
        };
        let message = match records {
            0 => format!("cannot be read: {why}"),
            1 => format!("cannot be read on: {why}; 1 record was read before"),
            records => format!("cannot be read on: {why}; {records} records were read before"),
        };
        let source = Arc::new(Source::elsewhere(Arc::clone(name), at));
        let mut note = Diagnostic::new(rule, &source, Span::at(0), message);
        match why {
            Failure::Encoding { .. } => note = note.help("name the file's encoding with --encoding, such as windows-1252"),
            Failure::Declaration { help, .. } => note = note.help(help.as_str()),
            Failure::Kind { kind, .. } => note = note.help(kind.help),
            Failure::UnknownFormat { help } => note = note.help(*help),
            Failure::Io(_) => {}
        }
        self.report(note)
    }

    // Ends the comparison across records. A record with an error that shows only now is invalid after all.
    fn references(&mut self, older: &Older) -> io::Result<()> {
        let mut last = None;
        let across = std::mem::replace(&mut self.across, across::Across::new(false));
        across.finish(&|hash| older.has_key(hash), &mut |(note, fresh)| {
            self.late(&note, &mut last)?;
            self.note(note, None, fresh)
        })?;
        let mut followers = match &mut self.deferred {
            Some(deferred) => deferred.follow()?,
            None => return Ok(()),
        };
        while let Some(deferred) = &mut self.deferred
            && let Some(found) = deferred.findings(&mut followers)?
        {
            for (note, fresh) in found {
                self.late(&note, &mut last)?;
                self.note(note, None, fresh)?;
            }
        }
        Ok(())
    }

    // Counts a record as invalid for a finding that came after it. Findings about one record come one behind the other; `last`
    // is the one counted last.
    fn late(&mut self, note: &Diagnostic, last: &mut Option<(Option<u64>, Arc<str>, u64)>) -> io::Result<()> {
        let Some(record) = note.record.as_ref().filter(|_| policy::is_error(note)) else { return Ok(()) };
        if record.number.is_some_and(|number| self.refused.binary_search(&number).is_ok()) {
            return Ok(());
        }
        if let (Some(deferred), Some(number)) = (&mut self.deferred, record.number) {
            deferred.refuse(number, &window::reject_error(note))?;
        }
        // Those of an account have no number.
        let file = if record.number.is_none() { note.place.locate().file } else { Arc::from("") };
        let this = Some((record.number, file, record.index));
        if *last == this {
            return Ok(());
        }
        *last = this;
        let tally = &mut self.outcome.tally;
        tally.valid = tally.valid.saturating_sub(1);
        tally.invalid += 1;
        if self.on_invalid != OnInvalid::Keep {
            tally.written = tally.written.saturating_sub(1);
            tally.rejected += 1;
        }
        Ok(())
    }

    // Writes what has waited; says whether that was all.
    fn replay(&mut self) -> io::Result<bool> {
        let Some(deferred) = self.deferred.take() else { return Ok(true) };
        let (outputs, rejects, finished) = (&mut self.outputs, &mut self.rejects, &mut self.finished);
        let interrupted = self.interrupted;
        let top_level = deferred.top_level();
        deferred.replay(&mut |event| {
            match event {
                Event::Begin(name) => {
                    outputs.iter_mut().for_each(|output| output.begin_input(name));
                    if let Some(top_level) = top_level {
                        set_top_level(outputs, top_level);
                    }
                }
                Event::Header(header) => outputs.iter_mut().for_each(|output| output.header(header)),
                Event::End => outputs.iter_mut().try_for_each(|output| output.end_input(finished))?,
                Event::Record(encoded) => {
                    outputs.iter_mut().zip(encoded).try_for_each(|(output, encoded)| output.record(encoded))?;
                }
                Event::Reject(line) => {
                    if let Some(rejects) = rejects {
                        rejects.main()?.write_all(&line)?;
                    }
                }
            }
            Ok(!interrupted.load(Ordering::Relaxed))
        })?;
        Ok(!interrupted.load(Ordering::Relaxed))
    }

    fn finish(&mut self, older: &Older) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.references(older)?;
        if !self.replay()? {
            self.outcome.interrupted = true;
            return Ok(());
        }
        for (note, fresh) in std::mem::take(&mut self.suppressions).unused(&self.policy) {
            self.note(note, None, fresh)?;
        }
        let incomplete = self.outcome.unreadable > 0;
        let mut rewritten = Finished::default();
        if let Some((baseline, target)) = self.baseline.take() {
            for mut note in baseline.stale() {
                // The baseline may have been written by a run that showed keys.
                if self.redacts {
                    redact::detached(&mut note);
                }
                self.note(note, None, true)?;
            }
            // Apart from the outputs, which may yet be held back.
            if let Some(text) = baseline.rewritten(!incomplete) {
                let mut target = target;
                target.main()?.write_all(&text)?;
                target.finish(&mut rewritten)?;
            }
        }
        let tally = &self.outcome.tally;
        let mut held_back = self.on_invalid == OnInvalid::Stop && !self.outputs.is_empty() && (tally.rejected > 0 || incomplete);
        if !held_back {
            let failed = self.policy.fails(tally);
            let totals = Totals { records: tally.records, rejected: tally.rejected, incomplete, failed };
            let mut objections = Vec::new();
            for output in &mut self.outputs {
                if let Place::Sink(sink) = &mut output.place {
                    objections.extend(sink.settle(totals)?);
                }
            }
            held_back = !objections.is_empty();
            self.outcome.refused = held_back;
            for objection in objections {
                self.note(objection, None, true)?;
            }
        }
        let tally = &mut self.outcome.tally;
        if held_back {
            tally.rejected += tally.written;
            tally.written = 0;
            self.finished = Finished::default();
        }
        self.outcome.held_back = held_back;
        self.outcome.failed = self.policy.fails(&self.outcome.tally);
        if self.is_interrupted() {
            return Ok(());
        }
        for output in std::mem::take(&mut self.outputs) {
            output.finish(&mut self.finished, held_back)?;
        }
        if let Some(mut rejects) = self.rejects.take() {
            rejects.main()?;
            rejects.finish(&mut self.finished)?;
        }
        for mut report in std::mem::take(&mut self.reports) {
            report.draw(|reporter, out| {
                reporter.finish(&self.outcome.tally, out)?;
                out.flush()
            })?;
            if let ReportPlace::Target(target) = report.place {
                target.finish(&mut self.finished)?;
            }
        }
        if self.is_interrupted() {
            return Ok(());
        }
        let mut finished = std::mem::take(&mut self.finished);
        self.outcome.written = finished.paths().map(std::path::Path::to_path_buf).collect();
        finished.join(rewritten);
        self.outcome.locks = finished.commit()?;
        Ok(())
    }
}
