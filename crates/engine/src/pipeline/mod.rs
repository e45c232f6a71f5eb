//! The pipeline: a [`Job`] states what to read, how to check it and where to write it; [`run`] runs it and returns an [`Outcome`].
//!
//! Windows are read, normalised, checked and encoded by workers ([`batch`]); everything that depends on order happens
//! here on one thread: counting records, comparing keys across files, writing outputs, reporting. Only reporters print,
//! and no output is in place before everything is done.

pub mod file_summary;
pub mod baseline;
pub mod batch;
pub mod bug;
mod deferred;
pub mod policy;
mod record;
pub mod scope;
pub mod changes;
pub mod suppress;
mod worker;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chancery_check::compare::{Ignored, RecordHasher};
use chancery_check::redact;
use chancery_check::{OnInvalid, references};
use chancery_core::diagnostic::{Diagnostic, RecordRef, Severity, rules};
use chancery_core::source::{Format, Position, ReadError, Source, Span};
use chancery_core::tree::Tree;
use chancery_files::output::temporary::FolderLock;
use chancery_files::output::{CommitSet, Files, OutputTarget, Stream};
use chancery_formats::layout::header::Header;
use chancery_formats::read::TopLevel;
use chancery_formats::write::{self, OutputWriter, Writer};
use chancery_report::{Reporter, Summary};
use chancery_store::sink::{Sink, Totals};

pub use baseline::Baseline;
pub use chancery_formats::read::open::Opened;
pub use changes::{BaseRecords, ChangeStatus};
pub use file_summary::{CachedFile, FileSummary, SummarisedFile};
pub use policy::Policy;
pub use record::{DiagnosticBuffer, RecordPipeline, Stage};
pub use suppress::Suppressions;

use deferred::{Deferred, Event, Facts};
use worker::{EncodedRecords, InputQueue, ProcessedWindow, RecordOutcome, Stopped, WorkItem, WorkResult, WorkerContext};

/// An input that has not been opened yet.
pub struct Input {
    /// Its display name.
    pub name: Arc<str>,
    /// Opens it.
    pub open: Box<dyn FnOnce() -> Result<Opened, ReadError> + Send>,
    /// The index of the [`RecordPipeline`] of its records.
    pub pipeline: usize,
    /// Whether its findings are in scope.
    pub status: ChangeStatus,
    /// Its length in bytes, if known.
    pub size: Option<u64>,
    /// Its summary in a previous run, if that may still be valid; only for a run without outputs.
    pub cached: Option<CachedFile>,
}

/// The destination of an output.
pub enum Place {
    /// A stream such as standard output.
    Stream(Stream),
    /// All records into one file.
    Target(OutputTarget),
    /// The records of each input into a file of its own, named after the input.
    PerInput(Box<dyn Fn(&str) -> OutputTarget>),
    /// A destination that is not a file.
    Sink(Box<dyn Sink>),
}

/// An output.
pub struct Output {
    /// Encodes records.
    pub writer: Arc<dyn Writer>,
    /// Receives them.
    pub place: Place,
}

/// A report.
pub struct Report {
    /// Renders it.
    pub reporter: Box<dyn Reporter>,
    /// Its destination; a file appears when the run is done.
    pub place: ReportPlace,
}

/// The destination of a report.
pub enum ReportPlace {
    /// A stream, written during the run.
    Stream(Box<dyn Write>),
    /// A file.
    Target(OutputTarget),
}

/// A job.
pub struct Job {
    /// What to read, in order.
    pub inputs: Vec<Input>,
    /// The pipelines, one for each schema.
    pub pipelines: Vec<RecordPipeline>,
    /// Whether the inputs are the complete collection, so that a dangling reference is an error.
    pub complete: bool,
    /// What to write.
    pub outputs: Vec<Output>,
    /// Receives records that are not written, one JSON object per line.
    pub rejects: Option<OutputTarget>,
    /// How to handle invalid records.
    pub on_invalid: OnInvalid,
    /// Reports to draw.
    pub reports: Vec<Report>,
    /// Which findings are reported, and their severities.
    pub policy: Policy,
    /// Known findings.
    pub baseline: Option<(Baseline, OutputTarget)>,
    /// Suppressed findings.
    pub suppressions: Suppressions,
    /// The base versions of changed inputs.
    pub base: BaseRecords,
    /// Number of unchanged inputs that are not read.
    pub unchanged_files: u64,
    /// How many files of directories are no data and were omitted.
    pub skipped: u64,
    /// Findings from before the first record, such as about the schema's annotations.
    pub diagnostics: Vec<Diagnostic>,
    /// Number of workers; 1 uses the caller's thread.
    pub jobs: usize,
    /// Whether inputs without findings are summarised.
    pub keep_summaries: bool,
    /// Whether the only input is one file, whose top level the outputs keep.
    pub keep_top_level: bool,
}

impl Job {
    /// A job that reads and checks these inputs with one worker, and reports to nobody.
    #[must_use]
    pub fn new(inputs: Vec<Input>, pipelines: Vec<RecordPipeline>) -> Self {
        Self {
            inputs,
            pipelines,
            complete: false,
            outputs: Vec::new(),
            rejects: None,
            on_invalid: OnInvalid::Skip,
            reports: Vec::new(),
            policy: Policy::default(),
            baseline: None,
            suppressions: Suppressions::default(),
            base: BaseRecords::default(),
            unchanged_files: 0,
            skipped: 0,
            diagnostics: Vec::new(),
            jobs: 1,
            keep_summaries: false,
            keep_top_level: false,
        }
    }
}

/// Observes the progress of a run.
pub trait Watch {
    /// A window with this many bytes and records has been processed.
    fn advanced(&mut self, bytes: u64, records: u64);
}

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The totals.
    pub summary: Summary,
    /// Number of inputs that could not be read completely; each has a finding that says why.
    pub unreadable: u64,
    /// Number of inputs of which a rest was not read because it could not be interpreted.
    pub cut_short: u64,
    /// Whether findings reach the severity that fails the run.
    pub failed: bool,
    /// Whether outputs were held back because a record is invalid.
    pub held_back: bool,
    /// Whether outputs were held back because a sink rejected the records.
    pub refused: bool,
    /// Whether the user interrupted the run.
    pub interrupted: bool,
    /// Whether the run ended early, because nobody reads an output or a report any more. Nothing was put into place then.
    pub closed_pipe: bool,
    /// Paths of the files that were written, in order.
    pub written: Vec<std::path::PathBuf>,
    /// As long as they live, no other process puts a set of files where this run has put one.
    pub locks: Vec<FolderLock>,
    /// The inputs without findings, if summaries are kept.
    pub summaries: Vec<SummarisedFile>,
}

/// Runs a job.
///
/// # Errors
/// When an output or a report cannot be written; nothing has been put into place then. A pipe that nobody reads any more is no
/// error.
pub fn run(job: Job, interrupted: &AtomicBool, watch: &mut dyn Watch) -> io::Result<Outcome> {
    let Job { inputs, pipelines, complete, outputs, rejects, on_invalid, reports, policy, diagnostics, jobs, .. } = job;
    let references = references::ReferentialChecker::new(complete);
    let lenient = pipelines.iter().map(|pipeline| pipeline.lenient).collect();
    let redacts = pipelines.iter().flat_map(|pipeline| &pipeline.redactor).any(|redactor| redactor.is_active());
    // With `Entry` everything waits for the end anyway, and with `Keep` nothing depends on it.
    let waits = on_invalid == OnInvalid::Skip && complete && (!outputs.is_empty() || rejects.is_some());
    let deferred = (waits && pipelines.iter().any(|pipeline| pipeline.references.is_some())).then(Deferred::default);
    let context = WorkerContext {
        pipelines,
        writers: outputs.iter().map(|output| Arc::clone(&output.writer)).collect(),
        on_invalid,
        keep_rejects: rejects.is_some(),
        contents: job.baseline.is_some().then(|| RecordHasher::new(Ignored::default())),
        base: job.base,
        keep_top_level: job.keep_top_level,
    };
    let mut collector = OrderedCollector {
        outputs: outputs.into_iter().map(OpenOutput::new).collect(),
        rejects,
        on_invalid,
        reports,
        policy,
        baseline: job.baseline,
        suppressions: job.suppressions,
        references,
        redacts,
        costly: 0,
        records: 0,
        refused: Vec::new(),
        deferred,
        lenient,
        keep_summaries: job.keep_summaries,
        keep_top_level: job.keep_top_level,
        summary_bytes: 0,
        outcome: Outcome::default(),
        finished: CommitSet::default(),
        input: None,
        error: None,
        interrupted,
    };
    collector.outcome.summary.unchanged_files = job.unchanged_files;
    collector.outcome.summary.skipped = job.skipped;
    let done = collector.begin(diagnostics).and_then(|()| collector.work(&context, inputs, jobs, watch));
    let closed_pipe = done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !closed_pipe {
        return done.map(|()| collector.outcome);
    }
    let failed = collector.policy.fails(&collector.outcome.summary);
    Ok(Outcome { closed_pipe, failed, written: Vec::new(), ..collector.outcome })
}

struct OpenOutput {
    writer: Arc<dyn Writer>,
    place: Place,
    assembler: Option<Box<dyn OutputWriter>>,
    // The output file of the current input.
    target: Option<OutputTarget>,
}

impl OpenOutput {
    fn new(output: Output) -> Self {
        let assembler = match output.place {
            Place::PerInput(_) | Place::Sink(_) => None,
            _ => Some(output.writer.output_writer()),
        };
        Self { writer: output.writer, place: output.place, assembler, target: None }
    }

    fn begin_input(&mut self, name: &str) {
        if let Place::PerInput(target) = &self.place {
            self.target = Some(target(name));
            self.assembler = Some(self.writer.output_writer());
        }
    }

    fn both(&mut self) -> Option<(&mut dyn OutputWriter, &mut dyn Files)> {
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

    fn document(&mut self, is_list: bool) {
        if let Some(assembler) = &mut self.assembler {
            assembler.document(is_list);
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

    fn end_input(&mut self, finished: &mut CommitSet) -> io::Result<()> {
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

    fn finish(mut self, finished: &mut CommitSet, held_back: bool) -> io::Result<()> {
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

/// Larger windows are not kept for possible later findings.
const LARGE_WINDOW: u32 = 4 << 20;

struct InputState {
    // Whether it was reported that parts of the file lie outside the records.
    reported_outside: bool,
    name: Arc<str>,
    pipeline: usize,
    format: Format,
    decoded: bool,
    status: ChangeStatus,
    records: u64,
    stopped: bool,
    header: Option<Arc<Header>>,
    // The last window that was collected, which shows how far the input was read.
    last: Option<Arc<Source>>,
    // Present until there is a finding.
    summary: Option<FileSummary>,
}

fn set_top_level(outputs: &mut [OpenOutput], top_level: TopLevel) {
    let assemblers = outputs.iter_mut().filter_map(|output| output.assembler.as_deref_mut());
    assemblers.for_each(|assembler| assembler.top_level(top_level));
}

// Collects all results in order.
struct OrderedCollector<'r> {
    outputs: Vec<OpenOutput>,
    rejects: Option<OutputTarget>,
    on_invalid: OnInvalid,
    reports: Vec<Report>,
    policy: Policy,
    baseline: Option<(Baseline, OutputTarget)>,
    suppressions: Suppressions,
    references: references::ReferentialChecker,
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
    // By pipeline: whether syntax errors are reported as warnings.
    lenient: Vec<bool>,
    keep_summaries: bool,
    keep_top_level: bool,
    // Bytes of the summaries of the inputs read.
    summary_bytes: usize,
    outcome: Outcome,
    finished: CommitSet,
    input: Option<InputState>,
    error: Option<io::Error>,
    interrupted: &'r AtomicBool,
}

impl OrderedCollector<'_> {
    fn begin(&mut self, diagnostics: Vec<Diagnostic>) -> io::Result<()> {
        for report in &mut self.reports {
            report.draw(|reporter, out| reporter.begin(out))?;
        }
        for mut diagnostic in diagnostics {
            // These are about schemas, which JSON or YAML may hold.
            write::text_edits::resolve(&mut diagnostic, None);
            self.emit(diagnostic, None, true)?;
        }
        Ok(())
    }

    fn work(&mut self, context: &WorkerContext, inputs: Vec<Input>, jobs: usize, watch: &mut dyn Watch) -> io::Result<()> {
        let interrupted = self.interrupted;
        let mut line = InputQueue::new(inputs);
        let stopped = line.stopped();
        batch::weighed(
            jobs,
            || if interrupted.load(Ordering::Relaxed) { None } else { line.next() },
            || context.worker(),
            |done| {
                self.take(done, context, &stopped, watch);
                self.error.is_none() && !interrupted.load(Ordering::Relaxed)
            },
            WorkItem::weight,
            WorkResult::weight,
        );
        if self.is_interrupted() { Ok(()) } else { self.finish(&context.base) }
    }

    // Reports an interruption; one that comes later than this finds everything in place.
    fn is_interrupted(&mut self) -> bool {
        self.outcome.interrupted |= self.interrupted.load(Ordering::Relaxed);
        self.outcome.interrupted
    }

    fn take(&mut self, done: WorkResult, context: &WorkerContext, stopped: &Stopped, watch: &mut dyn Watch) {
        let result = match done {
            WorkResult::Batch(several) => return several.into_iter().for_each(|done| self.take(done, context, stopped, watch)),
            WorkResult::Remainder(mut rest) => {
                let mut tree = Tree::default();
                loop {
                    let next = context.next(&mut rest, &mut tree);
                    let ended = matches!(next, WorkResult::End(_));
                    self.take(next, context, stopped, watch);
                    if ended || self.error.is_some() || self.interrupted.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
            WorkResult::Begin { name, pipeline, format, decoded, status } => {
                self.outcome.summary.files += 1;
                let begun = if let Some(deferred) = &mut self.deferred {
                    deferred.begin_input(&name)
                } else {
                    self.outputs.iter_mut().for_each(|output| output.begin_input(&name));
                    Ok(())
                };
                if let Some((baseline, _)) = &mut self.baseline {
                    baseline.visit_file(&name);
                }
                let reported = begun.and_then(|()| self.report_file(&name));
                let file_summary = self.keep_summaries.then(FileSummary::default);
                self.input = Some(InputState {
                    name,
                    pipeline,
                    format,
                    decoded,
                    status,
                    records: 0,
                    stopped: false,
                    header: None,
                    reported_outside: false,
                    last: None,
                    summary: file_summary,
                });
                reported
            }
            WorkResult::Known { input, file_summary } => match self.use_cached(&input, file_summary, context, stopped, watch) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let mut done = Vec::new();
                    context.whole(input, &mut Tree::default(), &mut done);
                    return self.take(WorkResult::Batch(done), context, stopped, watch);
                }
                Err(error) => Err(error),
            },
            WorkResult::Unopened { name, why } => {
                stopped.end();
                self.report_file(&name).and_then(|()| self.unreadable(&name, Position::START, 0, &why))
            }
            WorkResult::Window(window) => self.window(window, context, stopped, watch),
            WorkResult::End(why) => {
                stopped.end();
                self.end_input(why)
            }
        };
        if let Err(error) = result {
            self.error = Some(error);
        }
    }

    // Counts an input with a summary; returns whether that was sufficient.
    fn use_cached(
        &mut self,
        input: &Input,
        file_summary: FileSummary,
        context: &WorkerContext,
        stopped: &Stopped,
        watch: &mut dyn Watch,
    ) -> io::Result<bool> {
        if let Some(plan) = &context.pipelines[input.pipeline].references
            && !self.references.take_file_keys(&input.name, &file_summary.keys, plan)?
        {
            return Ok(false);
        }
        let summary = &mut self.outcome.summary;
        summary.files += 1;
        summary.records += file_summary.records;
        summary.valid += file_summary.records;
        summary.written += file_summary.records;
        self.report_file(&input.name)?;
        watch.advanced(file_summary.bytes, file_summary.records);
        self.outcome.summaries.push(SummarisedFile {
            name: Arc::clone(&input.name),
            pipeline: input.pipeline,
            summary: file_summary,
            was_read: false,
        });
        stopped.end();
        Ok(true)
    }

    fn window(&mut self, mut window: ProcessedWindow, context: &WorkerContext, stopped: &Stopped, watch: &mut dyn Watch) -> io::Result<()> {
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
        let mut reported_outside = input.reported_outside;
        let base = input.records;
        let fresh = input.status != ChangeStatus::Unchanged;
        if self.keep_top_level {
            match &mut self.deferred {
                Some(deferred) => deferred.set_top_level(window.top_level),
                None => set_top_level(&mut self.outputs, window.top_level),
            }
        }
        input.last = Some(if window.source.len() > LARGE_WINDOW {
            // The text is not needed for the position at which it ends.
            let end = window.source.position(window.source.len());
            Arc::new(Source::detached(Arc::clone(window.source.name()), end))
        } else {
            Arc::clone(&window.source)
        });
        input.records += window.records.len() as u64;
        if let Some(file_summary) = &mut input.summary {
            file_summary.bytes += u64::from(window.source.len());
        }
        // Suppressions must be read, or they would seem unused.
        if window.stopped || !window.directives.is_empty() || !fresh {
            input.summary = None;
        }
        let costly = window.diagnostics.iter().filter(|(_, diagnostic)| worker::is_costly(diagnostic)).count() as u64;
        self.costly += costly;
        if costly > 0 && self.costly >= worker::MAX_COSTLY {
            window.stopped = true;
            window.file_diagnostics.push(worker::too_costly(&window.source));
        }
        if window.stopped {
            input.stopped = true;
            self.outcome.cut_short += 1;
            stopped.stop();
        }
        watch.advanced(u64::from(window.source.len()), window.records.len() as u64);
        let shown = window.redacted.as_ref().unwrap_or(&window.source);
        let mut unused = self.suppressions.take(&window.source, shown, &window.directives, fresh);
        if let (Some(redacted), Some(redactor)) = (&window.redacted, &context.pipelines[input.pipeline].redactor) {
            unused.iter_mut().for_each(|diagnostic| redactor.outside(diagnostic, redacted));
        }
        let remarks = std::mem::take(&mut window.file_diagnostics).into_iter().chain(unused);
        // What lies outside is reported once for a file, though each of its documents or lines may have such parts.
        let remarks: Vec<Diagnostic> = remarks
            .filter(|diagnostic| diagnostic.rule != &rules::OUTSIDE_RECORDS || !std::mem::replace(&mut reported_outside, true))
            .collect();
        if let Some(input) = &mut self.input {
            input.reported_outside = reported_outside;
        }
        for diagnostic in remarks {
            self.emit(diagnostic, None, fresh)?;
        }
        let mut diagnostics = std::mem::take(&mut window.diagnostics).into_iter().peekable();
        for (number, unit) in window.records.iter_mut().enumerate() {
            let mut valid = unit.valid;
            let record = RecordRef { index: base + number as u64, key: unit.key.take(), number: Some(self.records), content: unit.content };
            self.records += 1;
            if let Some((baseline, _)) = &mut self.baseline {
                baseline.visit_record(&record);
            }
            let mut of_unit = Vec::new();
            while let Some((_, diagnostic)) = diagnostics.next_if(|(of, _)| *of == number as u32) {
                of_unit.push((diagnostic, unit.in_scope));
            }
            if let Some(input) = &mut self.input {
                let file_summary = input.summary.take().filter(|_| valid && unit.written && unit.in_scope);
                input.summary = file_summary.and_then(|file_summary| file_summary.with(&unit.occurrences, &record));
            }
            if !unit.occurrences.is_empty() {
                let occurrences = std::mem::take(&mut unit.occurrences);
                let refers = occurrences.iter().find(|occurrence| occurrence.role == references::Role::Reference);
                unit.refers = refers.map(|occurrence| occurrence.place.clone());
                let kept = self.deferred.is_some().then(|| occurrences.clone());
                let found = self.references.take(occurrences, Some(&record), unit.in_scope)?;
                let is_first = !found.iter().any(|(diagnostic, _)| policy::is_error(diagnostic));
                valid &= is_first;
                if let (false, Some(_), Some(number)) = (valid, &unit.refers, record.number) {
                    self.refused.push(number);
                }
                if let (Some(deferred), Some(occurrences)) = (&mut self.deferred, kept) {
                    let admitted = valid && unit.written;
                    deferred
                        .occurrences(&occurrences, &Facts { record: &record, admitted, has_own_key: is_first, fresh: unit.in_scope })?;
                }
                // A file with suppressed findings has no summary either.
                if !valid && let Some(input) = &mut self.input {
                    input.summary = None;
                }
                of_unit.extend(found);
            }
            if let Some(is_list) = unit.document {
                match &mut self.deferred {
                    Some(deferred) => deferred.document(is_list)?,
                    None => self.outputs.iter_mut().for_each(|output| output.document(is_list)),
                }
            }
            let written = self.record(number, valid, unit, &window.encoded, &of_unit, &record);
            of_unit.sort_by_key(|(diagnostic, _)| diagnostic.place.span.start);
            // Findings count also where the record can no longer be written, as where nobody reads an output any more.
            let reported = of_unit.into_iter().try_for_each(|(diagnostic, fresh)| self.emit(diagnostic, Some(&record), fresh));
            written.and(reported)?;
        }
        Ok(())
    }

    // Counts a record and writes or rejects it.
    fn record(
        &mut self,
        number: usize,
        valid: bool,
        unit: &RecordOutcome,
        encoded: &[EncodedRecords],
        diagnostics: &[(Diagnostic, bool)],
        record: &RecordRef,
    ) -> io::Result<()> {
        let Some(format) = self.input.as_ref().map(|input| input.format) else { return Ok(()) };
        let summary = &mut self.outcome.summary;
        summary.records += 1;
        if valid {
            summary.valid += 1;
        } else {
            summary.invalid += 1;
        }
        let admitted = unit.written && (valid || self.on_invalid == OnInvalid::Keep);
        if admitted {
            summary.written += 1;
            if let Some(deferred) = &mut self.deferred {
                let line = match &unit.refers {
                    Some(place) if self.rejects.is_some() => {
                        // It is in for the finding that is not known yet, and has its file.
                        let stand_in = Diagnostic::new(&rules::DANGLING_REFERENCE, &place.source, place.span, "");
                        let mut line = Vec::new();
                        worker::write_reject(unit, &[(stand_in, true)], record, format, &mut line)?;
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
            summary.rejected += 1;
            match (&mut self.rejects, &mut self.deferred) {
                (Some(_), Some(deferred)) => {
                    let mut line = Vec::new();
                    worker::write_reject(unit, diagnostics, record, format, &mut line)?;
                    deferred.reject(&line)?;
                }
                (Some(rejects), None) => worker::write_reject(unit, diagnostics, record, format, rejects.main()?)?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    // `fresh`: whether the finding is in scope.
    fn emit(&mut self, mut diagnostic: Diagnostic, record: Option<&RecordRef>, fresh: bool) -> io::Result<()> {
        if diagnostic.record.is_none() {
            diagnostic.record = record.cloned();
        }
        if diagnostic.format.is_none()
            && let Some(input) = &self.input
        {
            (diagnostic.format, diagnostic.decoded) = (Some(input.format), input.decoded);
        }
        let severity = diagnostic.severity;
        if !self.policy.filter(&mut diagnostic) {
            return Ok(());
        }
        if let Some(input) = &mut self.input {
            if self.lenient[input.pipeline] && diagnostic.severity == Severity::Error {
                diagnostic.severity = Severity::Warning;
            }
            input.summary = None;
        }
        // Known findings are counted even if they are not reported, or they would seem to be fixed.
        let left_out = &mut self.outcome.summary.suppressed;
        if !self.suppressions.filter(&diagnostic) {
            left_out.suppressions += 1;
            return Ok(());
        }
        if self.baseline.as_mut().is_some_and(|(baseline, _)| !baseline.filter(&mut diagnostic)) {
            left_out.baseline += 1;
            return Ok(());
        }
        if !fresh {
            left_out.unchanged += 1;
            return Ok(());
        }
        if diagnostic.severity == Severity::Error && severity < Severity::Error {
            self.outcome.summary.raised += 1;
        }
        self.report(diagnostic)
    }

    // Passes the start of an input to the reports.
    fn report_file(&mut self, name: &str) -> io::Result<()> {
        self.reports.iter_mut().try_for_each(|report| report.draw(|reporter, out| reporter.file(name, out)))
    }

    fn report(&mut self, diagnostic: Diagnostic) -> io::Result<()> {
        self.outcome.summary.count(&diagnostic);
        for report in &mut self.reports {
            report.draw(|reporter, out| reporter.report(&diagnostic, out))?;
        }
        Ok(())
    }

    fn end_input(&mut self, why: Option<ReadError>) -> io::Result<()> {
        match &mut self.deferred {
            Some(deferred) => deferred.end_input()?,
            None => self.outputs.iter_mut().try_for_each(|output| output.end_input(&mut self.finished))?,
        }
        if why.is_none()
            && let Some(input) = &mut self.input
            && let Some(file_summary) = input.summary.take()
            && self.summary_bytes + file_summary.keys.weight() <= file_summary::MAX_TOTAL_BYTES
        {
            self.summary_bytes += file_summary.keys.weight();
            let (name, pipeline) = (Arc::clone(&input.name), input.pipeline);
            self.outcome.summaries.push(SummarisedFile { name, pipeline, summary: file_summary, was_read: true });
        }
        if let (Some(input), Some(why)) = (&self.input, why) {
            let reached = input.last.as_ref().map_or(Position::START, |last| last.position(last.len()));
            let (name, records) = (Arc::clone(&input.name), input.records);
            self.unreadable(&name, reached, records, &why)?;
        }
        self.input = None;
        Ok(())
    }

    // Reports how far an input could be read, and why not further.
    fn unreadable(&mut self, name: &Arc<str>, reached: Position, records: u64, why: &ReadError) -> io::Result<()> {
        self.outcome.unreadable += 1;
        let (rule, at) = match why {
            ReadError::Encoding { at, .. } => (&rules::BAD_BYTES, *at),
            ReadError::Declaration { at, .. } => (&rules::WRONG_DECLARATION, *at),
            ReadError::Kind { .. } => (&rules::UNSUPPORTED_KIND, reached),
            ReadError::UnknownFormat { .. } => (&rules::UNKNOWN_FORMAT, reached),
            ReadError::Io(_) => (&rules::UNREADABLE, reached),
        };
        let message = match records {
            0 => format!("cannot be read: {why}"),
            1 => format!("cannot be read further: {why}; 1 record was read"),
            records => format!("cannot be read further: {why}; {records} records were read"),
        };
        let source = Arc::new(Source::detached(Arc::clone(name), at));
        let mut diagnostic = Diagnostic::new(rule, &source, Span::at(0), message);
        match why {
            ReadError::Encoding { .. } => diagnostic = diagnostic.help("name the file's encoding with --encoding, such as windows-1252"),
            ReadError::Declaration { help, .. } => diagnostic = diagnostic.help(help.as_str()),
            ReadError::Kind { kind, .. } => diagnostic = diagnostic.help(kind.help),
            ReadError::UnknownFormat { help } => diagnostic = diagnostic.help(*help),
            ReadError::Io(_) => {}
        }
        self.report(diagnostic)
    }

    // Ends the comparison across records. A record with an error that shows only now is invalid after all.
    fn references(&mut self, base: &BaseRecords) -> io::Result<()> {
        let mut last = None;
        let references = std::mem::replace(&mut self.references, references::ReferentialChecker::new(false));
        references.finish(&|hash| base.has_key(hash), &mut |(diagnostic, fresh)| {
            self.late(&diagnostic, &mut last)?;
            self.emit(diagnostic, None, fresh)
        })?;
        let mut followers = match &mut self.deferred {
            Some(deferred) => deferred.follow()?,
            None => return Ok(()),
        };
        while let Some(deferred) = &mut self.deferred
            && let Some(found) = deferred.findings(&mut followers)?
        {
            for (diagnostic, fresh) in found {
                self.late(&diagnostic, &mut last)?;
                self.emit(diagnostic, None, fresh)?;
            }
        }
        Ok(())
    }

    // Counts a record as invalid for a finding that came after it. Findings about one record come one after the other; `last`
    // is the one counted last.
    fn late(&mut self, diagnostic: &Diagnostic, last: &mut Option<(Option<u64>, Arc<str>, u64)>) -> io::Result<()> {
        let Some(record) = diagnostic.record.as_ref().filter(|_| policy::is_error(diagnostic)) else { return Ok(()) };
        if record.number.is_some_and(|number| self.refused.binary_search(&number).is_ok()) {
            return Ok(());
        }
        if let (Some(deferred), Some(number)) = (&mut self.deferred, record.number) {
            deferred.refuse(number, &worker::reject_error(diagnostic))?;
        }
        // Those of an account have no number.
        let file = if record.number.is_none() { diagnostic.place.locate().file } else { Arc::from("") };
        let this = Some((record.number, file, record.index));
        if *last == this {
            return Ok(());
        }
        *last = this;
        let summary = &mut self.outcome.summary;
        summary.valid = summary.valid.saturating_sub(1);
        summary.invalid += 1;
        if self.on_invalid != OnInvalid::Keep {
            summary.written = summary.written.saturating_sub(1);
            summary.rejected += 1;
        }
        Ok(())
    }

    // Writes what has waited; returns whether that was all.
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
                Event::Document(is_list) => outputs.iter_mut().for_each(|output| output.document(is_list)),
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

    fn finish(&mut self, base: &BaseRecords) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.references(base)?;
        if !self.replay()? {
            self.outcome.interrupted = true;
            return Ok(());
        }
        for (diagnostic, fresh) in std::mem::take(&mut self.suppressions).unused(&self.policy) {
            self.emit(diagnostic, None, fresh)?;
        }
        let incomplete = self.outcome.unreadable > 0;
        let mut rewritten = CommitSet::default();
        if let Some((baseline, target)) = self.baseline.take() {
            for mut diagnostic in baseline.stale() {
                // The baseline may have been written by a run that showed keys.
                if self.redacts {
                    redact::detached(&mut diagnostic);
                }
                self.emit(diagnostic, None, true)?;
            }
            // Separate from the outputs, which may still be held back.
            if let Some(text) = baseline.rewritten(!incomplete) {
                let mut target = target;
                target.main()?.write_all(&text)?;
                target.finish(&mut rewritten)?;
            }
        }
        let summary = &self.outcome.summary;
        let mut held_back = self.on_invalid == OnInvalid::Stop && !self.outputs.is_empty() && (summary.rejected > 0 || incomplete);
        if !held_back {
            let failed = self.policy.fails(summary);
            let totals = Totals { records: summary.records, rejected: summary.rejected, incomplete, failed };
            let mut objections = Vec::new();
            for output in &mut self.outputs {
                if let Place::Sink(sink) = &mut output.place {
                    objections.extend(sink.settle(totals)?);
                }
            }
            held_back = !objections.is_empty();
            self.outcome.refused = held_back;
            for objection in objections {
                self.emit(objection, None, true)?;
            }
        }
        let summary = &mut self.outcome.summary;
        if held_back {
            summary.rejected += summary.written;
            summary.written = 0;
            self.finished = CommitSet::default();
        }
        self.outcome.held_back = held_back;
        self.outcome.failed = self.policy.fails(&self.outcome.summary);
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
                reporter.finish(&self.outcome.summary, out)?;
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
