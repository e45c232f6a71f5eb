//! `chancery diff`: changes between two versions of a data set, by record and location, across formats.
//!
//! The old side is read first and spooled, with a few numbers per record in memory. The records of the new side are
//! matched as they are read. Then the differing records are fetched, compared and rendered, in the order of the new
//! side, followed by the removed ones.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::args::{CommonArgs, DiffArgs, InputArgs};
use super::interrupt::interrupted;
use super::reporting::{ReportStream, Reporting, colour};
use super::runner::Runner;
use super::stdout::stdout;
use super::{CliError, ExitStatus, is_read, print};
use chancery_check::compare::pairing::{MatchedBy, OldRecords, Paired, Pairing};
use chancery_check::compare::spooled_record;
use chancery_check::compare::{Change, Comparer, Difference, Found, Ignored, Key, RecordHasher};
use chancery_check::redact::{Forms, REDACTED, Redactor};
use chancery_check::{Accepted, OnInvalid};
use chancery_core::diagnostic::{DiagnosticSink, log_line};
use chancery_core::tree::Tree;
use chancery_engine::pipeline::{self, Outcome, Output, Place, batch};
use chancery_engine::project::{Collection, JobBuilder, Project};
use chancery_files::output::{CommitSet, Files, OutputTarget, Stream};
use chancery_files::spool::{self, Decoder, Spool};
use chancery_formats::write::{OutputWriter, Writer};
use chancery_report::difference::{self, DiffSide, Format, Options, Overview};
use chancery_schema::Shape;

/// Number of differing records that a worker gets at once.
const BATCH: usize = 64;

/// Minimum number of differing records for which workers are started.
const LARGE: usize = 512;

/// Runs the command.
pub fn run(mut args: Box<DiffArgs>) -> Result<ExitStatus, CliError> {
    let paths = std::mem::take(&mut args.input.paths);
    if !args.git_driver {
        let [old, new] = <[String; 2]>::try_from(paths)
            .map_err(|paths| CliError::usage(format!("expected two paths, OLD and NEW, found {}", paths.len())))?;
        if old == "-" && new == "-" {
            return Err(CliError::usage("standard input can be OLD or NEW, not both"));
        }
        return compare(&args, DiffInput::new(old), DiffInput::new(new));
    }
    match asked_by_git(&paths)? {
        None => print(&format!("* Unmerged path {}\n", log_line(&paths[0]))),
        // Git treats any other status as a crash.
        Some((old, new)) => {
            compare(&args, old, new).map(|verdict| if verdict == ExitStatus::Interrupted { verdict } else { ExitStatus::Clean })
        }
    }
}

// One side, as given.
struct DiffInput {
    // What to read; nothing for a missing file.
    path: Option<String>,
    name: String,
    renamed: bool,
}

impl DiffInput {
    fn new(path: String) -> Self {
        Self { name: path.clone(), path: Some(path), renamed: false }
    }
}

// The arguments that git passes to an external diff program: path, old file, its object and mode, new file, its object
// and mode, and for a renamed file its new path and a text about it. For an unmerged path, git passes only the path.
fn asked_by_git(words: &[String]) -> Result<Option<(DiffInput, DiffInput)>, CliError> {
    let side = |file: &String, name: String| DiffInput { path: (file != "/dev/null").then(|| file.clone()), name, renamed: true };
    match words {
        [_] => Ok(None),
        [path, old, _, _, new, _, _, rest @ ..] => {
            let new_path = rest.first().unwrap_or(path);
            Ok(Some((side(old, format!("a/{path}")), side(new, format!("b/{new_path}")))))
        }
        _ => Err(CliError::usage("--git-driver expects the arguments that git passes: one, or at least seven")),
    }
}

fn compare(args: &DiffArgs, old: DiffInput, new: DiffInput) -> Result<ExitStatus, CliError> {
    let format = Format::by_name(&args.format).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        CliError::usage(format!("unknown diff format {}; formats are {}", args.format, names.join(", ")))
    })?;
    let ignored = Ignored::new(&args.ignore_path).map_err(|refused| CliError::usage(format!("--ignore-path: {refused}")))?;
    let digester = RecordHasher::new(ignored);
    let (old_side, new_side) = (side_of(args, &old, true)?, side_of(args, &new, false)?);
    if let Some(output) = &args.output {
        [&old_side, &new_side].into_iter().flatten().try_for_each(|(project, _)| project.inputs.refuse_output(output))?;
    }
    let types = |side: &Option<Side>| side.iter().flat_map(|(project, _)| &project.collections).map(RecordType::of).collect::<Vec<_>>();
    let (old_types, new_types) = (types(&old_side), types(&new_side));
    let key = new_types.iter().chain(&old_types).map(|record_type| record_type.key.clone()).find(|key| !key.is_empty()).unwrap_or_default();

    let jobs = [&old_side, &new_side]
        .into_iter()
        .flatten()
        .map(|(project, _)| project.settings.jobs(project.inputs.total_bytes()))
        .max()
        .unwrap_or(1);
    let side = Arc::new(Mutex::new(OldSide::default()));
    let old_outcomes = read(old_side, &old_types, &digester, &side)?;
    let OldSide { records, spool: old_spool } = take(&side);
    let side = Arc::new(Mutex::new(NewSide { pairing: Pairing::new(records), spool: Spool::default() }));
    let new_outcomes = read(new_side, &new_types, &digester, &side)?;
    let NewSide { pairing, spool: new_spool } = take(&side);
    if old_outcomes.iter().chain(&new_outcomes).any(|outcome| outcome.interrupted) {
        return Ok(ExitStatus::Interrupted);
    }
    // A partly read file would make other records look removed or added.
    if old_outcomes.iter().chain(&new_outcomes).any(|outcome| outcome.unreadable > 0) {
        if args.git_driver {
            print(&format!("{} and {} cannot be compared\n", log_line(&old.name), log_line(&new.name)))?;
        }
        return Ok(ExitStatus::Unable);
    }
    let paired = pairing.finish();
    let overview = Overview { old: overview(old.name, &old_outcomes), new: overview(new.name, &new_outcomes), counts: paired.counts, key };
    let terminal = io::stdout().is_terminal() || std::env::var_os("GIT_PAGER_IN_USE").is_some_and(|value| value == "true");
    let options = Options { color: args.output.is_none() && colour(args.color, terminal), places: args.verbose, only_counts: args.stat };
    let comparers = new_types.iter().map(|record_type| Comparer::new(&record_type.shape, digester.clone())).collect();
    let redactors =
        |types: &[RecordType]| types.iter().map(|kind| kind.redactor.clone().map(|redactor| (redactor, kind.key.clone()))).collect();
    let (old_redactors, new_redactors) = (redactors(&old_types), redactors(&new_types));
    let paired = if args.stat { Paired { counts: paired.counts, ..Paired::default() } } else { paired };
    let jobs = if paired.differing.len() + paired.removed.len() < LARGE { 1 } else { jobs };
    let mut shelves = RecordSpools { old: old_spool, new: new_spool };
    let drawing = DiffRun { comparers, old_redactors, new_redactors, format, options, overview, jobs };
    let done = match &args.output {
        None => {
            let mut out = BufWriter::new(stdout());
            let mut done = false;
            let drawn = drawing.render(&paired, &mut shelves, &mut out).map(|is_done| done = is_done).and_then(|()| out.flush());
            // What nobody reads is rendered to the end.
            done | !is_read(drawn)?
        }
        Some(path) => {
            let mut target = OutputTarget::file(path);
            let done = drawing.render(&paired, &mut shelves, target.main()?)?;
            if done {
                let mut finished = CommitSet::default();
                target.finish(&mut finished)?;
                finished.commit()?;
            }
            done
        }
    };
    let outcomes = || old_outcomes.iter().chain(&new_outcomes);
    Ok(match () {
        () if !done => ExitStatus::Interrupted,
        () if paired.counts.differ() || outcomes().any(|outcome| outcome.failed || outcome.summary.rejected > 0) => ExitStatus::Findings,
        () => ExitStatus::Clean,
    })
}

// One side: what is read, and how findings about it are reported.
type Side = (Project, Reporting);

fn side_of(args: &DiffArgs, given: &DiffInput, is_old: bool) -> Result<Option<Side>, CliError> {
    let Some(path) = &given.path else { return Ok(None) };
    let own = |own: &Option<String>, both: &Option<String>| own.clone().filter(|_| is_old).or_else(|| both.clone());
    let input = InputArgs {
        paths: vec![path.clone()],
        revisions: !given.renamed,
        from: own(&args.from_old, &args.input.from),
        records: own(&args.records_old, &args.input.records),
        ..args.input.clone()
    };
    let common = CommonArgs {
        schema: args.schema.clone(),
        schema_dir: args.schema_dir.clone(),
        key: args.key.clone(),
        no_normalise: args.no_normalise,
        defaults: args.defaults,
        jobs: args.jobs,
        mask: args.mask,
        color: args.color,
        verbose: args.verbose,
        no_progress: args.no_progress || args.git_driver,
        config: args.config.clone(),
        no_config: args.no_config,
        unchecked: true,
        ..CommonArgs::default()
    };
    let Runner { mut project, reporting, .. } = Runner::new(common, &input)?;
    if given.renamed {
        project.inputs.specs.iter_mut().for_each(|spec| spec.input.name = given.name.as_str().into());
    }
    Ok(Some((project, reporting)))
}

// What a schema declares about the records of one collection.
struct RecordType {
    shape: Arc<Shape>,
    key: Vec<String>,
    redactor: Option<Arc<Redactor>>,
}

impl RecordType {
    fn of(collection: &Collection) -> Self {
        Self { shape: Arc::clone(&collection.shape), key: collection.key.clone(), redactor: collection.redactor.clone() }
    }
}

// Reads the records of each collection; syntax errors are reported on standard error.
fn read<S: RecordSide + 'static>(
    side: Option<Side>,
    types: &[RecordType],
    digester: &RecordHasher,
    records: &Arc<Mutex<S>>,
) -> Result<Vec<Outcome>, CliError> {
    let Some((project, reporting)) = side else { return Ok(Vec::new()) };
    let mut progress = reporting.progress(project.inputs.total_bytes());
    let mut outcomes = Vec::new();
    for (pipeline, (project, kind)) in project.into_collections().zip(types).enumerate() {
        let key = Key::new(kind.key.clone());
        let writer: Arc<dyn Writer> = Arc::new(RecordGatherer { pipeline, key, digester: digester.clone(), side: Arc::clone(records) });
        let place = Place::Stream(Stream::new(Box::new(io::sink()), false));
        let reports = reporting.reports(ReportStream::Stderr, &project.inputs, &progress, true, None)?;
        let job = JobBuilder::new(project).outputs(vec![Output { writer, place }], OnInvalid::Keep).reports(reports).build()?;
        outcomes.push(pipeline::run(job, interrupted(), &mut progress)?);
        progress.clear();
    }
    Ok(outcomes)
}

fn take<S: Default>(side: &Mutex<S>) -> S {
    std::mem::take(&mut *side.lock().unwrap_or_else(PoisonError::into_inner))
}

fn overview(name: String, outcomes: &[Outcome]) -> DiffSide {
    DiffSide {
        name,
        records: outcomes.iter().map(|outcome| outcome.summary.records).sum(),
        unreadable: outcomes.iter().map(|outcome| outcome.summary.rejected).sum(),
        complete: outcomes.iter().all(|outcome| outcome.cut_short == 0),
    }
}

// Receives records from the pipeline: key, content, and the spooled record.
trait RecordSide: Send {
    fn take(&mut self, key: Option<u128>, content: u128, piece: &[u8]) -> io::Result<()>;
}

#[derive(Default)]
struct OldSide {
    records: OldRecords,
    spool: Spool,
}

impl RecordSide for OldSide {
    fn take(&mut self, key: Option<u128>, content: u128, piece: &[u8]) -> io::Result<()> {
        let at = self.spool.put(piece)?;
        self.records.push(key, content, at);
        Ok(())
    }
}

#[derive(Default)]
struct NewSide {
    pairing: Pairing,
    spool: Spool,
}

impl RecordSide for NewSide {
    fn take(&mut self, key: Option<u128>, content: u128, piece: &[u8]) -> io::Result<()> {
        self.pairing.take(key, content, || self.spool.put(piece))
    }
}

// A writer whose output is not a file but one side of the comparison.
struct RecordGatherer<S> {
    pipeline: usize,
    key: Key,
    digester: RecordHasher,
    side: Arc<Mutex<S>>,
}

impl<S: RecordSide + 'static> Writer for RecordGatherer<S> {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        let record = record.node();
        let key = self.digester.key(&self.key, record);
        out.push(u8::from(key.is_some()));
        out.extend_from_slice(&key.unwrap_or_default().to_le_bytes());
        out.extend_from_slice(&self.digester.record(record).to_le_bytes());
        spool::number(self.pipeline as u64, out);
        spool::number(u64::from(key.is_some()), out);
        spool::text(&self.key.text(record).unwrap_or_default(), out);
        spooled_record::encode(record, out);
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(GatheringOutput { side: Arc::clone(&self.side) })
    }
}

struct GatheringOutput<S> {
    side: Arc<Mutex<S>>,
}

impl<S: RecordSide> OutputWriter for GatheringOutput<S> {
    fn record(&mut self, encoded: &[u8], _files: &mut dyn Files) -> io::Result<()> {
        let parts = || {
            let (keyed, rest) = encoded.split_first()?;
            let (key, rest) = rest.split_first_chunk()?;
            let (content, piece) = rest.split_first_chunk()?;
            Some(((*keyed == 1).then(|| u128::from_le_bytes(*key)), u128::from_le_bytes(*content), piece))
        };
        let (key, content, piece) = parts().ok_or_else(lost)?;
        self.side.lock().unwrap_or_else(PoisonError::into_inner).take(key, content, piece)
    }

    fn finish(&mut self, _files: &mut dyn Files) -> io::Result<()> {
        Ok(())
    }
}

fn lost() -> io::Error {
    io::Error::other("a spooled record cannot be read back")
}

// The spooled records.
struct RecordSpools {
    old: Spool,
    new: Spool,
}

// How differences are rendered.
struct DiffRun {
    // One for each pipeline of the new side.
    comparers: Vec<Comparer>,
    // One for each pipeline of either side.
    old_redactors: Vec<Option<KeyedRedactor>>,
    new_redactors: Vec<Option<KeyedRedactor>>,
    format: Format,
    options: Options,
    overview: Overview,
    jobs: usize,
}

// The bytes of a record of either side, or of both and how they were matched.
enum DiffItem {
    Added(Vec<u8>),
    Removed(Vec<u8>),
    Changed(Vec<u8>, Vec<u8>, MatchedBy),
}

impl DiffRun {
    // Returns whether it reached the end.
    fn render(&self, paired: &Paired, shelves: &mut RecordSpools, out: &mut dyn Write) -> io::Result<bool> {
        let interrupted = || interrupted().load(Ordering::Relaxed);
        let mut sheet = self.format.renderer(self.options);
        sheet.begin(&self.overview, out)?;
        let mut differing = paired.differing.iter();
        let mut removed = paired.removed.iter();
        let mut next = || {
            let get = |spool: &mut Spool, at: u64| {
                let mut bytes = Vec::new();
                spool.get(at, &mut bytes).map(|()| bytes)
            };
            let Some(record) = differing.next() else {
                return removed.next().map(|at| get(&mut shelves.old, *at).map(DiffItem::Removed));
            };
            let new = get(&mut shelves.new, record.at);
            Some(match record.partner {
                None => new.map(DiffItem::Added),
                Some((at, by)) => new.and_then(|new| Ok(DiffItem::Changed(get(&mut shelves.old, at)?, new, by))),
            })
        };
        let cut = || {
            let pieces: Vec<io::Result<DiffItem>> = std::iter::from_fn(&mut next).take(BATCH).collect();
            (!pieces.is_empty() && !interrupted()).then_some(pieces)
        };
        let worker = || {
            |pieces: Vec<io::Result<DiffItem>>| -> io::Result<Vec<Vec<u8>>> {
                pieces.into_iter().map(|piece| self.rendered(&piece?).ok_or_else(lost)?).collect()
            }
        };
        let mut written = Ok(());
        batch::ordered(self.jobs, cut, worker, |drawn| {
            written = drawn.and_then(|drawn| drawn.iter().try_for_each(|drawn| sheet.difference(drawn, out)));
            written.is_ok()
        });
        written?;
        if interrupted() {
            return Ok(false);
        }
        sheet.finish(&self.overview, out)?;
        Ok(true)
    }

    fn rendered(&self, piece: &DiffItem) -> Option<io::Result<Vec<u8>>> {
        let draw = |difference: &Difference<'_>| difference::render(self.format, self.options, difference);
        Some(match piece {
            DiffItem::Added(bytes) => {
                let new = Record::read(bytes, &self.new_redactors)?;
                let shown = new.shown(&[]);
                draw(&Difference { key: new.key(&[]), matched_by: None, old: None, new: Some(shown.root()), changes: &[] })
            }
            DiffItem::Removed(bytes) => {
                let old = Record::read(bytes, &self.old_redactors)?;
                let shown = old.shown(&[]);
                draw(&Difference { key: old.key(&[]), matched_by: None, old: Some(shown.root()), new: None, changes: &[] })
            }
            DiffItem::Changed(old, new, by) => {
                let (old, new) = (Record::read(old, &self.old_redactors)?, Record::read(new, &self.new_redactors)?);
                let changes = self.comparers.get(new.pipeline)?.changes(old.tree.root(), new.tree.root());
                // A value may have gone to another member.
                let (of_old, of_new) = (old.forms(), new.forms());
                let forms: Vec<&Forms> = [&of_old, &of_new].into_iter().flatten().collect();
                let (before, now) = (old.shown(&forms), new.shown(&forms));
                // Findings are about the redacted records.
                let seen = |change: Change<'_, '_>| Change {
                    kind: change.kind,
                    old: change.old.map(|found| shown_place(&before, found)),
                    new: change.new.map(|found| shown_place(&now, found)),
                };
                let changes: Vec<Change<'_, '_>> = changes.into_iter().map(seen).collect();
                let key = new.key(&forms);
                draw(&Difference { key, matched_by: Some(*by), old: Some(before.root()), new: Some(now.root()), changes: &changes })
            }
        })
    }
}

// The same value in the record as it may be shown, whose names may be others.
fn shown_place<'t>(shown: &'t Tree, found: Found<'_>) -> Found<'t> {
    let node = shown.node(found.node.id());
    let is_renamed =
        found.node.tree().root().at(&found.pointer).is_some() && shown.root().at(&found.pointer).is_none_or(|at| at.id() != node.id());
    Found { pointer: if is_renamed { node.pointer() } else { found.pointer }, node }
}

// Decides what is shown of records of one schema, whose key has these parts.
type KeyedRedactor = (Arc<Redactor>, Vec<String>);

// A spooled record.
struct Record<'b> {
    pipeline: usize,
    key: Option<&'b str>,
    tree: Tree,
    // What decides about it, where not everything is shown.
    redactor: Option<&'b KeyedRedactor>,
}

impl<'b> Record<'b> {
    fn read(bytes: &'b [u8], redactors: &'b [Option<KeyedRedactor>]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let pipeline = usize::try_from(decoder.number()?).ok()?;
        let keyed = decoder.number()? == 1;
        let key = decoder.text()?;
        let tree = spooled_record::decode(decoder.rest())?;
        Some(Self { pipeline, key: keyed.then_some(key), tree, redactor: redactors.get(pipeline)?.as_ref() })
    }

    // The sensitive values of the record.
    fn forms(&self) -> Option<Forms> {
        self.redactor.map(|(redactor, _)| redactor.forms(&self.tree))
    }

    // The record as it may be shown; `forms` are sensitive values of both sides, or nothing if there is one side.
    fn shown(&self, forms: &[&Forms]) -> Cow<'_, Tree> {
        match (self.redactor, forms) {
            (None, _) => Cow::Borrowed(&self.tree),
            (Some((redactor, _)), []) => Cow::Owned(redactor.tree(&self.tree, &[&redactor.forms(&self.tree)])),
            (Some((redactor, _)), forms) => Cow::Owned(redactor.tree(&self.tree, forms)),
        }
    }

    fn key(&self, forms: &[&Forms]) -> Option<&str> {
        let key = self.key?;
        let Some((redactor, parts)) = self.redactor.filter(|(redactor, _)| redactor.is_active()) else { return Some(key) };
        let own = redactor.forms(&self.tree);
        let hits = |text: &str| own.hits(text) || forms.iter().any(|forms| forms.hits(text));
        let hides = redactor.hides_keys() || parts.iter().any(|part| self.tree.root().at(part).is_some_and(|part| hits(part.text())));
        Some(if hides { REDACTED } else { key })
    }
}

#[cfg(test)]
mod tests {
    use super::asked_by_git;

    #[test]
    fn git_calls_in_three_ways() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(matches!(asked_by_git(&words("p.csv")), Ok(None)));
        let Ok(Some((old, new))) = asked_by_git(&words("p.csv /tmp/x_p.csv 11 100644 /dev/null . .")) else { panic!("seven words") };
        assert_eq!((old.path.as_deref(), old.name.as_str()), (Some("/tmp/x_p.csv"), "a/p.csv"));
        assert_eq!((new.path, new.name.as_str()), (None, "b/p.csv"));
        let Ok(Some((_, new))) = asked_by_git(&words("p.csv old 11 100644 new 22 100644 q.csv similarity")) else { panic!("nine words") };
        assert_eq!(new.name, "b/q.csv");
        assert!(asked_by_git(&words("a b")).is_err());
    }
}
