//! What all commands that read records share: flags and config become a [`Job`](crate::pipeline::Job), which is run.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::args::{self, CommonArgs, InputArgs, Unclaimed};
use super::config::{Config, Group};
pub use super::interrupt::interrupted;
use super::progress::Progress;
use super::recall::{self, Ground, Judged, Kept, Ledger, Recall};
use super::revision::{self, Found, Revision};
use super::schemas;
use super::seal::Seals;
use super::since::Since;
use super::stdout::{WhileRead, stderr, stdout};
use super::summary;
use super::{Trouble, Verdict};
use crate::check::facts::{self, Facts};
use crate::check::schema::Checker;
use crate::check::{OnInvalid, across};
use crate::diagnostic::{Diagnostic, Notes, Severity, rules};
use crate::fix;
use crate::load::database::Sealed;
use crate::load::file::{Stream, Target};
use crate::load::temporary::FolderLock;
use crate::normalise::{self, Normaliser};
use crate::pipeline::baseline::{Baseline, FORMAT, Update};
use crate::pipeline::{self, Course, Job, Novelty, Older, Output, Policy, Report, ReportPlace, Stage, Suppressions};
use crate::read::csv::{Cells, Dialect, package};
use crate::read::handbook::Forms;
use crate::read::{self, Cutter, Format, Intake};
use crate::redact::{self, Redactor};
use crate::report;
use crate::schema::{Shape, bundled, lint};
use crate::source::open::{self, Folders};
use crate::source::stat::Stat;
use crate::source::{Failure, Feed, FileKind, Position, Source, Span};
use crate::tree::{Node, Tree};
use crate::write::{self, Writer};

/// Inputs up to this size in all are worked on without further threads, which cost more than they would save.
const SMALL: u64 = 256 * 1024;

/// The stream on which a command reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Stdout,
    Stderr,
}

/// Everything that is settled before the first record is read.
pub struct Session {
    common: CommonArgs,
    pub(super) config: Config,
    courses: Vec<Plan>,
    inputs: Vec<Planned>,
    problems: Vec<open::Problem>,
    // Names of inputs that no source claims.
    unclaimed: Vec<Arc<str>>,
    reports: Vec<ReportArg>,
    pub(super) policy: Policy,
    baseline: Option<(Baseline, Target)>,
    since: Option<Since>,
    // Whether the inputs are those of the config.
    whole: bool,
    // Where the sums of inputs are kept, for a place that keeps account of them.
    seals: Option<Seals>,
    // Keeps what is reported on the stream.
    copy: Option<recall::Copy>,
    // Inputs that need not be read, by name and course, where those without findings are accounted for.
    known: Option<HashMap<(Arc<str>, usize), pipeline::Known>>,
    // Whether the only input was named as one file or is standard input.
    one_file: bool,
    keep_top_level: bool,
    // Files of folders that are no data.
    skipped: u64,
    // Records that come from no file.
    stream: Option<pipeline::Input>,
}

// What the records of one schema are read with and go through.
pub(super) struct Plan {
    pub(super) shape: Arc<Shape>,
    pub(super) options: read::Options,
    pub(super) stages: Vec<Arc<dyn Stage>>,
    pub(super) across: Option<Arc<across::Plan>>,
    // Whether these are files that no source claims.
    unclaimed: bool,
    redactor: Option<Arc<Redactor>>,
    // The files that the schema is made of.
    files: Vec<PathBuf>,
    notes: Vec<Diagnostic>,
    name: String,
    // As it was named.
    schema: String,
}

pub(super) struct Planned {
    pub(super) input: open::Input,
    // The git revision to read it at.
    pub(super) at: Option<Arc<Revision>>,
    pub(super) course: usize,
    pub(super) format: Option<Format>,
    pub(super) encoding: Option<String>,
}

struct ReportArg {
    format: report::Format,
    file: Option<PathBuf>,
}

impl Session {
    /// Settles what flags and config ask for; flags win.
    pub fn new(common: CommonArgs, input: InputArgs) -> Result<Self, Trouble> {
        // The two sides of a comparison are one project, wherever a version of a file is kept.
        let paths = if common.unchecked { &[] } else { &*input.paths };
        let config = if common.no_config { Config::default() } else { Config::find(common.config.as_deref(), paths)? };
        let mut session = Self::bare(common, config, input.paths.is_empty())?;
        if session.reports.iter().filter(|report| report.file.is_none()).count() > 1 {
            return Err(Trouble::usage("two reports to one stream; give one of them a file: --report FORMAT=FILE"));
        }
        for (group, found) in session.groups(&input) {
            session.plan(&group, found, &input)?;
        }
        session.one_file = match (&*input.paths, &*session.inputs) {
            ([path], [planned]) => path == "-" || planned.at.is_some() || Path::new(path).is_file(),
            _ => false,
        };
        session.bind()?;
        if !session.common.unchecked {
            session.baseline = session.baseline(&input)?;
            session.since = session.since()?;
        }
        if session.common.verbose {
            session.inputs.iter().for_each(|planned| say!("reads {}", crate::diagnostic::log_line(&planned.input.name)));
        }
        Ok(session)
    }

    /// One whose records are lines of JSON that come from no file, and go through the stages `first` before all others.
    pub fn of_stream(common: CommonArgs, name: &str, stream: Box<dyn Read + Send>, first: Vec<Arc<dyn Stage>>) -> Result<Self, Trouble> {
        // What is deeper has been taken on purpose.
        const DEEPEST: usize = 1024;
        let config = if common.no_config { Config::default() } else { Config::find(common.config.as_deref(), &[])? };
        let mut session = Self::bare(common, config, false)?;
        let schema = session.common.schema.clone().unwrap_or_else(|| "none".to_owned());
        let input = InputArgs { max_record_bytes: Some(1 << 30), max_depth: Some(DEEPEST), ..InputArgs::default() };
        let mut plan = session.course(&schema, &Group::default(), &input)?;
        plan.stages.splice(0..0, first);
        let options = read::Options { records: None, ..plan.options.clone() };
        session.courses.push(plan);
        let name: Arc<str> = name.into();
        let feed = Feed::new(Arc::clone(&name), stream, Position::START);
        let format = Format::Ndjson;
        let open = move || Ok(pipeline::Opened { format: format.name(), decoded: false, cutter: format.cutter(feed, &options) });
        session.stream = Some(pipeline::Input { name, open: Box::new(open), course: 0, novelty: Novelty::New, size: None, known: None });
        Ok(session)
    }

    fn baseline(&self, input: &InputArgs) -> Result<Option<(Baseline, Target)>, Trouble> {
        let update = self.common.write_baseline;
        let Some(path) = self.common.baseline.clone().or_else(|| self.config.baseline.clone()) else {
            return match update {
                Some(_) => Err(Trouble::usage("--write-baseline needs a file to write: --baseline FILE")),
                None => Ok(None),
            };
        };
        let (tree, update) = match (path.exists(), update) {
            (false, None) => {
                let message = format!("the baseline {} is not there; --write-baseline makes it", path.display());
                return Err(Trouble::usage(message));
            }
            // The first one takes in whatever there is.
            (false, Some(_)) => (None, Update::Accept),
            (true, update) => {
                let tree = schemas::parse_file(&path)?;
                match baseline_format(&tree) {
                    Some(format) if format > FORMAT => {
                        let message = format!(
                            "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; update chancery",
                            path.display()
                        );
                        return Err(Trouble::usage(message));
                    }
                    // What it knows cannot be compared with what is found now.
                    Some(format) if format < FORMAT && matches!(update, Some(args::WriteBaseline::All)) => {
                        return Ok(Some((self.first_baseline(&path, input), Target::file(path))));
                    }
                    Some(format) if format < FORMAT => {
                        let message = format!(
                            "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; write it \
                             again with --write-baseline=all",
                            path.display()
                        );
                        return Err(Trouble::usage(message));
                    }
                    _ => {}
                }
                let mut notes: Vec<Diagnostic> = Vec::new();
                Checker::new(schemas::own(bundled::BASELINE, true)?).check(&tree, &mut notes);
                if !notes.is_empty() {
                    return Err(Trouble::Findings(notes));
                }
                let update = match update {
                    None => Update::Keep,
                    Some(args::WriteBaseline::Shrink) => Update::Shrink,
                    Some(args::WriteBaseline::All) => Update::Accept,
                };
                (Some(tree), update)
            }
        };
        let baseline = Baseline::new(&path, tree.as_ref(), &input.paths, update, self.baseline_from());
        Ok(Some((baseline, Target::file(path))))
    }

    fn first_baseline(&self, path: &Path, input: &InputArgs) -> Baseline {
        Baseline::new(path, None, &input.paths, Update::Accept, self.baseline_from())
    }

    // Lighter findings than warnings are written only where they count.
    fn baseline_from(&self) -> Severity {
        self.policy.fail_on.unwrap_or(Severity::Warning).min(Severity::Warning)
    }

    /// One without inputs.
    pub(super) fn bare(common: CommonArgs, config: Config, whole: bool) -> Result<Self, Trouble> {
        Ok(Self {
            policy: policy(&common, &config)?,
            reports: common
                .report
                .iter()
                .chain(config.report.iter().filter(|_| !common.unchecked))
                .map(|text| ReportArg::parse(text))
                .collect::<Result<_, _>>()?,
            courses: Vec::new(),
            inputs: Vec::new(),
            problems: Vec::new(),
            unclaimed: Vec::new(),
            baseline: None,
            since: None,
            whole,
            seals: None,
            copy: None,
            known: None,
            one_file: false,
            skipped: 0,
            keep_top_level: false,
            stream: None,
            common,
            config,
        })
    }

    // What is the same as before, where somebody asked.
    fn since(&self) -> Result<Option<Since>, Trouble> {
        let Some(revision) = &self.common.changed_since else { return Ok(None) };
        let since = Since::new(revision)?;
        let common = [self.config.path.as_deref()].into_iter().flatten();
        let judges = common.chain(self.courses.iter().flat_map(|plan| plan.files.iter().map(PathBuf::as_path)));
        if let Some(judge) = judges.filter(|judge| since.has_changed(judge)).min() {
            if self.common.verbose {
                say!("everything is checked anew, since {} has changed", crate::diagnostic::log_line(&judge.to_string_lossy()));
            }
            return Ok(None);
        }
        Ok(Some(since))
    }

    // What to read: the paths of the command line, or the config's sources, or input/; with the inputs where they are known.
    fn groups(&self, input: &InputArgs) -> Vec<(Group, Option<Expanded>)> {
        if input.paths.is_empty() {
            if !self.config.sources.is_empty() {
                return self.config.sources.iter().map(|group| (group.clone(), None)).collect();
            }
            let default = self.config.folder.join("input").to_string_lossy().replace('\\', "/");
            return vec![(Group { paths: vec![default], ..Group::default() }, None)];
        }
        let named = Group { paths: input.paths.clone(), ..Group::default() };
        if self.config.sources.is_empty() {
            return vec![(named, None)];
        }
        // A file of the config's sources keeps what is particular to them, also when it is named.
        let claimed = Claimed::new(&self.config.sources);
        let (inputs, problems) = expand_with(&input.paths, input.revisions);
        let mut groups: Vec<(Group, Expanded)> =
            self.config.sources.iter().map(|group| (Group { paths: Vec::new(), ..group.clone() }, Expanded::default())).collect();
        // A schema of the command line is for every file, and where nothing is checked nothing is claimed.
        let is_claimed_by_flag = self.common.schema.is_some() || self.common.unchecked;
        let (mut plain, mut unclaimed) = ((Group::default(), (Vec::new(), problems)), Expanded::default());
        for found in inputs {
            match found.input.path.as_deref().map(|path| claimed.group(path)) {
                Some(Some(group)) => groups[group].1.0.push(found),
                // What an older version of the project claimed is not known.
                Some(None) if !is_claimed_by_flag && found.at.is_none() => unclaimed.0.push(found),
                _ => plain.1.0.push(found),
            }
        }
        let is_particular = |group: &Group| group.schema.is_some() || group.from.is_some() || group.records.is_some();
        let (particular, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(group, _)| is_particular(group));
        plain.1.0.extend(others.into_iter().flat_map(|(_, (inputs, _))| inputs));
        // In the order in which the paths give them.
        plain.1.0.sort_by(|a, b| a.input.path.is_some().cmp(&b.input.path.is_some()).then_with(|| a.input.name.cmp(&b.input.name)));
        let unclaimed = (Group { unclaimed: true, ..Group::default() }, unclaimed);
        let all = std::iter::once(plain).chain(particular).chain(std::iter::once(unclaimed));
        all.filter(|(_, (inputs, problems))| !inputs.is_empty() || !problems.is_empty())
            .map(|(group, found)| (group, Some(found)))
            .collect()
    }

    fn plan(&mut self, group: &Group, found: Option<Expanded>, input: &InputArgs) -> Result<(), Trouble> {
        let schema = self.common.schema.clone().or_else(|| group.schema.clone()).or_else(|| self.config.schema.clone());
        let schema = if group.unclaimed { Some("none".to_owned()) } else { schema };
        let course = self.courses.len();
        let plan = self.course(schema.as_deref().unwrap_or("profile"), group, input)?;
        self.courses.push(plan);
        let format = input.from.as_deref().or(group.from.as_deref()).or(self.config.from.as_deref().filter(|_| !group.unclaimed));
        let format = format.map(read_format).transpose()?;
        let encoding = input.encoding.clone().or_else(|| self.config.encoding.clone());
        if let Some(name) = encoding.as_deref().filter(|name| !open::is_encoding(name)) {
            return Err(Trouble::usage(format!("no encoding is called {name}")));
        }
        let (mut inputs, problems) = found.unwrap_or_else(|| expand_with(&group.paths, input.revisions));
        if group.unclaimed {
            self.unclaimed(&mut inputs, input);
        }
        for Found { input, at } in inputs {
            let planned = Planned { input, at, course, format, encoding: encoding.clone() };
            if planned.is_other_text(&self.courses[course].options) {
                self.skipped += 1;
            } else {
                self.inputs.push(planned);
            }
        }
        self.problems.extend(problems);
        Ok(())
    }

    // Says of inputs that no source claims them, and leaves out those that are not to be read.
    fn unclaimed(&mut self, inputs: &mut Vec<Found>, input: &InputArgs) {
        let how = input.unclaimed.unwrap_or_default();
        if how == Unclaimed::Skip {
            return inputs.clear();
        }
        let config = self.config.path.as_deref().map_or_else(String::new, |path| path.to_string_lossy().replace('\\', "/"));
        let named: HashSet<&str> = input.paths.iter().map(String::as_str).collect();
        let note = |name: &str, message: String| {
            let source = Arc::new(Source::elsewhere(name, Position::START));
            let mut note = Diagnostic::new(&rules::UNCLAIMED_FILE, &source, Span::at(0), message);
            if how == Unclaimed::Error {
                note.severity = Severity::Error;
            }
            note.help("add it to sources, name a schema with --schema, or leave such files out with --unclaimed skip")
        };
        let mut notes = Vec::new();
        let mut others = 0_u64;
        for Found { input, .. } in &*inputs {
            self.unclaimed.push(Arc::clone(&input.name));
            if named.contains(&*input.name) || how == Unclaimed::Error {
                notes.push(note(&input.name, format!("no source of {config} claims this file, so only its syntax is checked")));
            } else {
                others += 1;
            }
        }
        if others > 0 {
            let files = if others == 1 { "1 file that was".to_owned() } else { format!("{others} files that were") };
            notes.push(note(&config, format!("no source claims {files} found by the given paths, so only their syntax is checked")));
        }
        // What is no data at all is not read as a page of a handbook.
        inputs.retain(|found| {
            let format = Format::by_extension(open::strip_compression(&found.input.name));
            format.is_some_and(|format| format != Format::Handbook)
        });
        if let Some(plan) = self.courses.last_mut() {
            plan.notes.extend(notes);
        }
    }

    /// The names of inputs that no source of the config claims, and whether they are errors.
    pub fn unclaimed_files(&self) -> &[Arc<str>] {
        &self.unclaimed
    }

    // Settles which records are one collection, and to which one references lead. Sources of one name, or of one schema, are one
    // collection. What could not be compared is an error, since the run would pass without having compared it.
    fn bind(&mut self) -> Result<(), Trouble> {
        let mut numbers: HashMap<(bool, &str), usize> = HashMap::new();
        let mut own = Vec::with_capacity(self.courses.len());
        let mut by_name: HashMap<String, across::Collection> = HashMap::new();
        for (course, plan) in self.courses.iter().enumerate() {
            let name = plan.across.as_ref().and_then(|across| across.name());
            let number = match (name, &*plan.schema) {
                (Some(name), _) => *numbers.entry((true, name)).or_insert(course),
                (None, "none") => course,
                (None, schema) => *numbers.entry((false, schema)).or_insert(course),
            };
            own.push(number);
            let has_key = plan.across.as_ref().is_some_and(|across| !across.pointers().is_empty());
            if let Some(name) = plan.shape.root().keyword("x-record-name").map(Node::text) {
                by_name.entry(name.to_owned()).or_insert(across::Collection { number, has_key });
            }
        }
        let hidden: HashSet<usize> = self
            .courses
            .iter()
            .zip(&own)
            .filter(|(plan, _)| plan.redactor.as_ref().is_some_and(|redactor| redactor.hides_keys()))
            .map(|(_, number)| *number)
            .collect();
        let mut faults: Vec<Diagnostic> = Vec::new();
        for (plan, own) in self.courses.iter_mut().zip(own) {
            if let Some(redactor) = plan.redactor.as_mut().and_then(Arc::get_mut) {
                let name = plan.across.as_ref().and_then(|across| across.name());
                let number = |to: &str| if name == Some(to) { Some(own) } else { by_name.get(to).map(|other| other.number) };
                redactor.refer(&|to| to.map_or(Some(own), number).is_some_and(|number| hidden.contains(&number)));
            }
            let Some(across) = plan.across.as_mut().and_then(Arc::get_mut) else { continue };
            faults.extend(across.bind(own, &|name| by_name.get(name).copied()));
            faults.extend(across.mistakes().iter().cloned());
        }
        if faults.is_empty() || self.common.unchecked {
            return Ok(());
        }
        // Sources with one schema say the same.
        let mut seen = HashSet::new();
        faults.retain(|note| {
            let at = note.place.locate();
            seen.insert((note.rule.code, at.file, at.start.byte))
        });
        Err(Trouble::Findings(faults))
    }

    pub(super) fn course(&self, schema: &str, group: &Group, input: &InputArgs) -> Result<Plan, Trouble> {
        let (common, config) = (&self.common, &self.config);
        let dirs: Vec<PathBuf> = common.schema_dir.iter().chain(&config.schema_dir).cloned().collect();
        if common.verbose {
            say!("schema {}", crate::diagnostic::log_line(schema));
        }
        let named = schema.to_owned();
        let schema = schemas::load(schema, &dirs, !common.no_format)?;
        let shape = Arc::new(schema.as_ref().map_or_else(Shape::any, |schema| Shape::of(schema)));
        let doubts = schema.as_ref().filter(|_| named != "profile" && !common.unchecked).map(|schema| lint::warnings(schema));
        let notes = doubts.into_iter().flatten().chain(normalise::mistakes(&shape)).chain(facts::mistakes(&shape)).collect();
        let mut stages: Vec<Arc<dyn Stage>> = Vec::new();
        if !common.no_normalise {
            let options = normalise::Options { defaults: common.defaults || config.defaults, ..config.normalise.clone() };
            let normaliser = Normaliser::new(&shape, &options);
            if !normaliser.is_idle() {
                stages.push(Arc::new(normaliser));
            }
        }
        if let Some(schema) = schema.as_ref().filter(|_| !common.unchecked) {
            stages.push(Arc::new(Checker::new(Arc::clone(schema))));
            let facts = Facts::new(&shape);
            if !facts.is_idle() {
                stages.push(Arc::new(facts));
            }
        }
        let across = (!group.unclaimed).then(|| across::Plan::new(&shape, common.key.as_deref().or(config.key.as_deref())));
        if group.unclaimed {
            stages.clear();
        }
        let key = across.as_ref().map_or_else(Vec::new, |across| across.pointers().to_vec());
        let redactor = (common.mask || config.mask).then(|| Arc::new(Redactor::new(&shape, &key)));
        Ok(Plan {
            unclaimed: group.unclaimed,
            options: self.read_options(&shape, group, input)?,
            name: collection_name(&shape),
            schema: named,
            files: schema.as_ref().map_or_else(Vec::new, |schema| schemas::files(schema)),
            redactor,
            shape,
            stages,
            // Mistakes in what is declared are told even where nothing else is.
            across: across.filter(|across| !across.is_idle() || !across.mistakes().is_empty()).map(Arc::new),
            notes,
        })
    }

    fn read_options(&self, shape: &Arc<Shape>, group: &Group, input: &InputArgs) -> Result<read::Options, Trouble> {
        let (config, default) = (&self.config, read::Options::default());
        Ok(read::Options {
            shape: Arc::clone(shape),
            records: input
                .records
                .clone()
                .or_else(|| group.records.clone())
                .or_else(|| config.records.clone().filter(|_| !group.unclaimed)),
            max_record_bytes: input.max_record_bytes.or(config.max_record_bytes).unwrap_or(default.max_record_bytes),
            max_depth: input.max_depth.or(config.max_depth).unwrap_or(default.max_depth),
            csv: dialect(input, config)?,
            forms: match input.form.as_deref().or(config.form.as_deref()) {
                Some(name) => Some(Arc::new(schemas::forms(name)?)),
                None => default.forms,
            },
            ..read::Options::default()
        })
    }

    /// What to do with invalid records: the flag, the config, or `default`.
    pub fn on_invalid(&self, flag: Option<args::OnInvalid>, default: OnInvalid) -> OnInvalid {
        match flag {
            Some(args::OnInvalid::Stop) => OnInvalid::Stop,
            Some(args::OnInvalid::Skip) => OnInvalid::Skip,
            Some(args::OnInvalid::Keep) => OnInvalid::Keep,
            None => self.config.on_invalid.unwrap_or(default),
        }
    }

    /// How outputs are written, as far as the schema and the config say.
    pub fn write_options(&self) -> write::Options {
        // Records of several schemas in one output are written as what every one of them admits: anything.
        let (shape, name) = match &*self.courses {
            [plan] => (Arc::clone(&plan.shape), plan.name.clone()),
            _ => (Arc::new(Shape::any()), "records".to_owned()),
        };
        write::Options { shape, name, ..write::Options::default() }
    }

    /// Writes the records as they are held in the input (a list, a document, a stream), where that is one file.
    pub fn keep_top_level(&mut self) {
        self.keep_top_level = self.one_file;
    }

    /// Whether values of some members are hidden in what is shown.
    pub fn masks(&self) -> bool {
        self.courses.iter().any(|plan| plan.redactor.is_some())
    }

    /// Decides what may be shown of the records, where not everything may; of the first schema where there are several.
    pub fn redactor(&self) -> Option<&Redactor> {
        self.courses.first().and_then(|plan| plan.redactor.as_deref())
    }

    /// Which keys of records may be shown.
    pub fn shown_keys(&self) -> Arc<redact::Keys> {
        self.redactor().map(Redactor::keys).unwrap_or_default()
    }

    /// The names of the inputs, in order.
    pub fn input_names(&self) -> Vec<String> {
        let names = self.inputs.iter().map(|planned| &planned.input.name).chain(self.stream.iter().map(|stream| &stream.name));
        names.map(ToString::to_string).collect()
    }

    /// What the records are, where all are of one schema.
    pub fn only_course(&self) -> Result<Option<Records>, Trouble> {
        let [plan] = &*self.courses else { return Ok(None) };
        let mut schema = if plan.schema == "none" { Vec::new() } else { schemas::text(&plan.schema)?.into_bytes() };
        for file in &plan.files {
            schema.extend(std::fs::read(file).map_err(|error| Trouble::File { path: file.clone(), error })?);
        }
        Ok(Some(Records {
            shape: Arc::clone(&plan.shape),
            name: plan.name.clone(),
            key: plan.across.as_ref().map_or_else(Vec::new, |across| across.pointers().to_vec()),
            schema,
        }))
    }

    /// Keeps the sums of the inputs in a list, which is complete when they have been read.
    pub fn seal_inputs(&mut self) -> Arc<Mutex<Vec<Sealed>>> {
        self.seals.get_or_insert_default().list()
    }

    /// Keeps what the answer of this session depends on, and the answer; `None` where that is more than files.
    pub fn keep_answer(&mut self, recall: &Recall, paths: &[String], form: Option<&str>) -> Option<Kept> {
        let told_elsewhere = self.reports.iter().any(|report| report.file.is_some() || report.format == report::Format::Github);
        let partial = !self.problems.is_empty() || self.inputs.iter().any(|planned| planned.at.is_some());
        if told_elsewhere || partial || !self.config.schema_dir.is_empty() {
            return None;
        }
        let groups = if paths.is_empty() {
            self.groups(&InputArgs::default()).into_iter().map(|(group, _)| group.paths).collect()
        } else {
            vec![paths.to_vec()]
        };
        let mut inputs: Vec<&Planned> = self.inputs.iter().collect();
        if !paths.is_empty() {
            inputs.sort_by(|a, b| a.input.name.cmp(&b.input.name));
        }
        let mut files = Vec::new();
        for planned in inputs {
            files.push(Judged::new(planned.input.name.to_string(), true, planned.input.stat?));
            for table in planned.files().iter().skip(1) {
                files.push(Judged::new(table.to_str()?.to_owned(), false, Stat::at(table)?));
            }
        }
        let judges = self.judges(form);
        let ledger = self.look_up(recall, &judges);
        let seals = self.seals.insert(Seals::of_files_up_to(recall::LARGEST_HASHED));
        let report = recall::Copy::default();
        self.copy = Some(report.clone());
        Some(Kept { ground: Ground { groups, judges, files }, sums: seals.list(), report, ledger })
    }

    // Looks up which inputs are known to be without findings; `None` where that is not worth it, or not all that counts.
    fn look_up(&mut self, recall: &Recall, judges: &[PathBuf]) -> Option<Ledger> {
        const LITTLE: u64 = 1 << 20;
        // To look up a smaller file takes as long as to check it.
        const SMALL: u64 = 8 << 10;
        let total = self.total()?;
        if self.baseline.is_some() || total < LITTLE || total < SMALL * self.inputs.len() as u64 {
            return None;
        }
        let mut ledger = recall.ledger(judges)?;
        let known = self.known.insert(HashMap::new());
        for planned in &self.inputs {
            // A package of tables is more than its description, and a name that is not text may be that of several files.
            let is_one = !package::is_description(&planned.input.name) && !planned.input.name.contains('\u{fffd}');
            if let Some(stat) = planned.input.stat.filter(|stat| stat.is_file && is_one) {
                let plan = &self.courses[planned.course];
                let way = format!("{} {:?} {:?} {:?}", plan.schema, plan.options.records, planned.format, planned.encoding);
                let (name, course) = (&planned.input.name, planned.course);
                let of_input = ledger.known(name, course, stat.stamp, way);
                known.extend(of_input.map(|of_input| ((Arc::clone(name), course), of_input)));
            }
        }
        Some(ledger)
    }

    // Config, schemas and the like.
    fn judges(&self, form: Option<&str>) -> Vec<PathBuf> {
        let (config, baseline) = (&self.config, self.common.baseline.as_ref().or(self.config.baseline.as_ref()));
        let form = form.or(config.form.as_deref()).map(PathBuf::from).filter(|form| form.exists());
        let schemas = self.courses.iter().flat_map(|plan| plan.files.iter().cloned());
        config.path.iter().chain(baseline).cloned().chain(form).chain(schemas).collect()
    }

    /// The files that a load depends on; `None` where it depends on more than files, or writes more of them.
    pub fn ground(&self, form: Option<&str>) -> Option<Footing> {
        let told_elsewhere = self.reports.iter().any(|report| report.file.is_some() || report.format == report::Format::Github);
        let partial =
            !self.problems.is_empty() || self.common.changed_since.is_some() || self.inputs.iter().any(|planned| planned.at.is_some());
        if told_elsewhere || partial || self.common.write_baseline.is_some() {
            return None;
        }
        let mut inputs = Vec::new();
        for planned in &self.inputs {
            inputs.push((planned.input.name.to_string(), planned.input.path.clone()?));
            inputs.extend(planned.files().into_iter().skip(1).map(|table| (table.to_string_lossy().replace('\\', "/"), table)));
        }
        Some(Footing { inputs, judges: self.judges(form) })
    }

    /// Keeps a copy of what is reported.
    pub fn keep_copy(&mut self) -> recall::Copy {
        self.copy.get_or_insert_default().clone()
    }

    /// The folder that `run` writes to where no flag says.
    pub fn output_folder(&self) -> PathBuf {
        self.config.output.clone().unwrap_or_else(|| self.config.folder.join("output"))
    }

    /// The formats that `run` writes.
    pub fn output_formats(&self) -> Vec<write::Format> {
        if self.config.outputs.is_empty() {
            vec![write::Format::Json, write::Format::Csv, write::Format::Xml]
        } else {
            self.config.outputs.clone()
        }
    }

    /// Refuses to write to a file that is read, or into a folder from which files are read.
    pub fn refuse_input(&self, output: &Path) -> Result<(), Trouble> {
        let Ok(output_path) = output.canonicalize() else { return Ok(()) };
        // A device or a pipe is not replaced, and may be both.
        if !output_path.is_file() && !output_path.is_dir() {
            return Ok(());
        }
        let inside = |input: &Path| input.canonicalize().is_ok_and(|input| input == output_path || input.parent() == Some(&output_path));
        let now = self.inputs.iter().filter(|planned| planned.at.is_none());
        match now.filter_map(|planned| planned.input.path.as_deref()).find(|input| inside(input)) {
            Some(input) => {
                let message = format!("{} is an input and {} would be written over it or beside it", input.display(), output.display());
                Err(Trouble::usage(format!("{message}; name another place with --output")))
            }
            None => Ok(()),
        }
    }

    /// Puts one record through normalisation and check.
    pub fn work(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        for stage in self.courses.iter().flat_map(|plan| &plan.stages) {
            stage.work(tree, notes);
        }
    }

    /// Reads the first input on this thread, without any stage.
    pub fn read_first(&self, intake: &mut dyn Intake) -> Result<(), Trouble> {
        if let Some(problem) = self.problems.first() {
            return Err(Trouble::usage(problem.to_string()));
        }
        let Some(planned) = self.inputs.first() else { return Ok(()) };
        let unreadable = |failure| Trouble::File { path: PathBuf::from(&*planned.input.name), error: io::Error::other(failure) };
        let mut opened = planned.open(&self.courses[planned.course].options, None).map_err(unreadable)?;
        read::read_all(&mut *opened.cutter, intake).map_err(unreadable)
    }

    /// Runs the job; says how it came out.
    pub fn run(self, outputs: Vec<Output>, on_invalid: OnInvalid, to: To) -> Result<Verdict, Trouble> {
        self.run_all(outputs, None, on_invalid, to).map(|ran| ran.verdict)
    }

    /// As [`Session::run`], with the rejected records, a report and findings put into `beside`.
    pub fn run_all(mut self, outputs: Vec<Output>, beside: Option<Beside>, on_invalid: OnInvalid, to: To) -> Result<Ran, Trouble> {
        let total = self.total();
        let jobs = self.jobs(total);
        let mut progress = self.progress(total);
        let goes_on = !outputs.is_empty() || beside.is_some() || self.common.write_baseline.is_some();
        let mut reports = self.reports(to, &progress, goes_on)?;
        let mut rejects = None;
        if let Some(beside) = beside {
            rejects = beside.rejects;
            if let Some(target) = beside.report {
                let reporter = report::reporter(report::Format::Json, &report::Options::default());
                reports.push(Report { reporter, place: ReportPlace::Target(target) });
            }
            if let Some(stream) = beside.findings {
                let reporter = report::reporter(report::Format::Ndjson, &report::Options::default());
                reports.push(Report { reporter, place: ReportPlace::Stream(stream) });
            }
        }
        let options: Vec<read::Options> = self.courses.iter().map(|plan| plan.options.clone()).collect();
        // What is not there is told by the run, so that it stands in every report.
        let absent = std::mem::take(&mut self.problems).into_iter().map(absent);
        // Collections with one schema say the same.
        let mut seen = HashSet::new();
        let mut is_new = |note: &Diagnostic| {
            let at = note.place.locate();
            seen.insert((note.rule.code, at.file, at.start.byte, note.message.clone()))
        };
        let notes = self.courses.iter_mut().flat_map(|plan| std::mem::take(&mut plan.notes)).filter(|note| is_new(note)).collect();
        let mut courses: Vec<Course> = std::mem::take(&mut self.courses).into_iter().map(Plan::ready).collect();
        // What is written has to be free of errors.
        courses.iter_mut().for_each(|course| course.lenient &= outputs.is_empty());
        let planned = std::mem::take(&mut self.inputs);
        let (mut inputs, mut older, mut passed_over) = (Vec::new(), Older::default(), 0);
        if let Some(since) = &self.since {
            since.read_older(&planned, &options, &courses, &mut older)?;
        }
        for planned in planned {
            let novelty = self.since.as_ref().map_or(Novelty::New, |since| since.novelty(&planned));
            // What is the same is read for its keys only, and where it is written.
            if novelty == Novelty::Same && courses[planned.course].across.is_none() && outputs.is_empty() {
                passed_over += 1;
            } else {
                let known = self.known.as_mut().and_then(|known| known.remove(&(Arc::clone(&planned.input.name), planned.course)));
                inputs.push(pipeline::Input { known, ..planned.ready(&options, novelty, self.seals.clone()) });
            }
        }
        let job = Job {
            inputs: absent.chain(inputs).chain(self.stream.take()).collect(),
            courses,
            baseline: self.baseline.take(),
            suppressions: Suppressions::new(std::mem::take(&mut self.config.suppress), self.whole && passed_over == 0),
            older,
            passed_over,
            skipped: self.skipped,
            complete: self.common.complete || self.config.complete,
            outputs,
            rejects,
            on_invalid,
            reports,
            policy: self.policy,
            notes,
            jobs,
            keep_accounts: self.known.is_some(),
            keep_top_level: self.keep_top_level,
        };
        let outcome = pipeline::run(job, interrupted(), &mut progress)?;
        progress.clear();
        if outcome.closed_pipe {
            // Nobody reads.
        } else if outcome.refused {
            say!("error: nothing was written");
        } else if outcome.held_back {
            say!("error: nothing was written, since not every record is valid; --on-invalid skip leaves the others out, keep writes them");
        }
        let verdict = match () {
            () if outcome.interrupted => Verdict::Interrupted,
            () if outcome.unreadable > 0 => Verdict::Unable,
            () if outcome.failed => Verdict::Findings,
            () => Verdict::Clean,
        };
        Ok(Ran {
            verdict,
            written: outcome.written,
            locks: outcome.locks,
            held_back: outcome.held_back || outcome.closed_pipe,
            is_complete: !outcome.closed_pipe,
            accounts: outcome.accounts,
        })
    }

    /// The job of mending the inputs.
    pub fn mending(self, guesses: bool) -> fix::Job {
        let jobs = self.jobs(self.total());
        let options: Vec<read::Options> = self.courses.iter().map(|plan| plan.options.clone()).collect();
        let absent = self.problems.into_iter().map(|problem| {
            let (name, reason) = (problem.name().into(), problem.reason());
            fix::Input { name, course: 0, open: Box::new(move |_| Err(Failure::Io(io::Error::other(reason.clone())))) }
        });
        // What is the same as it was is left as it is.
        let is_meant = |planned: &Planned| self.since.as_ref().is_none_or(|since| since.novelty(planned) != Novelty::Same);
        let unclaimed: Vec<bool> = self.courses.iter().map(|plan| plan.unclaimed).collect();
        let is_claimed = |planned: &Planned| !unclaimed[planned.course];
        let mended = self.inputs.into_iter().filter(is_claimed).filter(is_meant).map(|planned| {
            let (name, course, options) = (Arc::clone(&planned.input.name), planned.course, options[planned.course].clone());
            fix::Input { name, course, open: Box::new(move |files| planned.open_held(files, &options)) }
        });
        fix::Job {
            inputs: absent.chain(mended).collect(),
            courses: self.courses.into_iter().map(Plan::ready).collect(),
            complete: self.common.complete || self.config.complete,
            policy: self.policy,
            suppress: self.config.suppress,
            guesses,
            jobs,
        }
    }

    /// Gives the only input another name to be shown by.
    pub fn rename(&mut self, name: &str) {
        self.inputs.iter_mut().for_each(|planned| planned.input.name = name.into());
    }

    /// What the schemas of this session say of records, in the order of the courses.
    pub fn kinds(&self) -> Vec<Kind> {
        let key = |plan: &Plan| plan.across.as_ref().map_or_else(Vec::new, |across| across.pointers().to_vec());
        let kind = |plan: &Plan| Kind { shape: Arc::clone(&plan.shape), key: key(plan), redactor: plan.redactor.clone() };
        self.courses.iter().map(kind).collect()
    }

    /// Reads every record into the writers, one for each course; what is wrong with the text is said on standard error.
    pub fn read_into(mut self, writers: Vec<Arc<dyn Writer>>) -> Result<Vec<pipeline::Outcome>, Trouble> {
        let total = self.total();
        let jobs = self.jobs(total);
        let mut progress = self.progress(total);
        let options: Vec<read::Options> = self.courses.iter().map(|plan| plan.options.clone()).collect();
        let mut absent: Vec<pipeline::Input> = std::mem::take(&mut self.problems).into_iter().map(absent).collect();
        let mut outcomes = Vec::new();
        for (course, writer) in writers.into_iter().enumerate() {
            let (inputs, rest) = std::mem::take(&mut self.inputs).into_iter().partition(|planned| planned.course == course);
            self.inputs = rest;
            let inputs: Vec<Planned> = inputs;
            let plan = &mut self.courses[course];
            let stages = std::mem::take(&mut plan.stages);
            let redactor = plan.redactor.clone();
            let notes = std::mem::take(&mut plan.notes);
            let ready = inputs.into_iter().map(|planned| pipeline::Input { course: 0, ..planned.ready(&options, Novelty::New, None) });
            let job = Job {
                inputs: std::mem::take(&mut absent).into_iter().chain(ready).collect(),
                courses: vec![Course { stages, across: None, lenient: false, redactor }],
                baseline: None,
                suppressions: Suppressions::default(),
                older: Older::default(),
                passed_over: 0,
                skipped: self.skipped,
                complete: false,
                outputs: vec![Output { writer, place: pipeline::Place::Stream(Stream::new(Box::new(io::sink()), false)) }],
                rejects: None,
                on_invalid: OnInvalid::Keep,
                reports: self.reports(To::Stderr, &progress, true)?,
                policy: self.policy.clone(),
                notes,
                jobs,
                keep_accounts: false,
                keep_top_level: false,
            };
            outcomes.push(pipeline::run(job, interrupted(), &mut progress)?);
            progress.clear();
        }
        Ok(outcomes)
    }

    /// Whether only the most necessary is printed.
    #[cfg(feature = "postgres")]
    pub fn is_quiet(&self) -> bool {
        self.common.quiet
    }

    /// How many workers there are for these inputs.
    pub fn workers(&self) -> usize {
        self.jobs(self.total())
    }

    fn jobs(&self, total: Option<u64>) -> usize {
        let jobs = self.common.jobs.or(self.config.jobs).unwrap_or_else(|| match total {
            Some(bytes) if bytes <= SMALL => 1,
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        });
        jobs.max(1)
    }

    fn progress(&self, total: Option<u64>) -> Progress {
        let quiet = self.common.quiet || self.common.no_progress;
        Progress::new(!quiet && io::stderr().is_terminal() && std::env::var_os("CI").is_none(), total)
    }

    // Bytes to be read, where they are known.
    fn total(&self) -> Option<u64> {
        if self.stream.is_some() {
            return None;
        }
        self.inputs.iter().map(|planned| planned.input.stat.map(|stat| stat.stamp.length)).sum()
    }

    // `goes_on` says that the run has something to do even where nobody reads its reports.
    fn reports(&self, to: To, progress: &Progress, goes_on: bool) -> Result<Vec<Report>, Trouble> {
        let terminal = match to {
            To::Stdout => io::stdout().is_terminal(),
            To::Stderr => io::stderr().is_terminal(),
        };
        let options = report::Options {
            color: colour(self.common.color, terminal),
            quiet: self.common.quiet || self.common.unchecked,
            most: self.common.max_diagnostics,
            checkout: checkout().unwrap_or_default(),
            ..report::Options::default()
        };
        let mut reports = Vec::new();
        let default = if terminal { report::Format::Pretty } else { report::Format::Plain };
        let named = self.reports.iter().map(|report| (report.format, report.file.clone()));
        let own = (!self.reports.iter().any(|report| report.file.is_none())).then_some((default, None));
        let goes_on = goes_on || self.reports.iter().any(|report| report.file.is_some());
        for (format, file) in named.chain(own) {
            let place = if let Some(path) = file {
                self.refuse_input(&path)?;
                ReportPlace::Target(Target::file(path))
            } else {
                let out: Box<dyn Write> = if to == To::Stdout { Box::new(stdout()) } else { Box::new(stderr()) };
                let out: Box<dyn Write> = if goes_on { Box::new(WhileRead::new(out)) } else { out };
                ReportPlace::Stream(match &self.copy {
                    Some(copy) => progress.beside(copy.of(out)),
                    None => progress.beside(out),
                })
            };
            let options =
                if matches!(place, ReportPlace::Target(_)) { report::Options { color: false, ..options.clone() } } else { options.clone() };
            reports.push(Report { reporter: report::reporter(format, &options), place });
        }
        if self.reports.iter().any(|report| report.format == report::Format::Github) {
            reports.extend(summary::report(&options));
        }
        Ok(reports)
    }
}

// The number of a baseline's format; the first one had a version in its place. `None` where there is no number.
fn baseline_format(tree: &Tree) -> Option<u64> {
    let root = tree.root();
    root.get("format").or_else(|| root.get("version"))?.text().parse().ok()
}

/// What a schema says of the records of one course.
#[derive(Clone)]
pub struct Kind {
    pub shape: Arc<Shape>,
    /// JSON pointers to the record's key; none where it has none.
    pub key: Vec<String>,
    /// Decides what may be shown of the records, where not everything may.
    pub redactor: Option<Arc<Redactor>>,
}

/// How a run came out.
pub struct Ran {
    pub verdict: Verdict,
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// As long as they live, no other process puts a set of files where this run has put one.
    pub locks: Vec<FolderLock>,
    /// Whether outputs were held back.
    pub held_back: bool,
    /// Whether all was done and reported; not where nobody reads it any more.
    pub is_complete: bool,
    /// The inputs without findings.
    pub accounts: Vec<pipeline::Accounted>,
}

/// What records of one schema are, for a place that lays them out in tables.
pub struct Records {
    pub shape: Arc<Shape>,
    pub name: String,
    pub key: Vec<String>,
    /// The text of the schema and of those it refers to.
    pub schema: Vec<u8>,
}

/// The files that a load depends on.
pub struct Footing {
    /// The inputs by their names.
    pub inputs: Vec<(String, PathBuf)>,
    /// Config, schemas and the like.
    pub judges: Vec<PathBuf>,
}

/// What is written beside outputs.
#[derive(Default)]
pub struct Beside {
    pub rejects: Option<Target>,
    pub report: Option<Target>,
    /// Takes each finding as a line of the `ndjson` report.
    pub findings: Option<Box<dyn io::Write>>,
}

impl Plan {
    fn ready(self) -> Course {
        Course { stages: self.stages, across: self.across, lenient: self.unclaimed, redactor: self.redactor }
    }
}

impl Planned {
    fn open(&self, options: &read::Options, seals: Option<Seals>) -> Result<pipeline::Opened, Failure> {
        let encoding = self.encoding.as_deref();
        if let (Some(revision), Some(path)) = (&self.at, &self.input.path) {
            let opened = open::open_stream(&self.input.name, revision.file(path)?, encoding)?;
            return self.cut(opened, &|path| revision.file(path), options);
        }
        let Some(seals) = seals.filter(|seals| seals.wants(self.input.stat.as_ref())) else {
            let opened = open::open(&self.input, encoding)?;
            let file = |path: &Path| File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>);
            return self.cut(opened, &file, options);
        };
        let raw: Box<dyn Read + Send> = match &self.input.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        let opened = open::open_stream(&self.input.name, seals.seal(&self.input.name, raw), encoding)?;
        let file = |path: &Path| {
            let shown = path.to_string_lossy().replace('\\', "/");
            File::open(path).map(|file| seals.seal(&shown, Box::new(file)))
        };
        self.cut(opened, &file, options)
    }

    /// A file that is gone, which was read as `self` is.
    pub(super) fn beside(&self, gone: &Path) -> Self {
        Self { input: named(gone), at: None, course: self.course, format: self.format, encoding: self.encoding.clone() }
    }

    /// The input as it was, where its bytes are at hand; `file` gives those of a package's tables.
    pub(super) fn open_bytes(
        &self,
        bytes: Vec<u8>,
        file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
        options: &read::Options,
    ) -> Result<pipeline::Opened, Failure> {
        let opened = open::open_stream(&self.input.name, Box::new(io::Cursor::new(bytes)), self.encoding.as_deref())?;
        self.cut(opened, file, options)
    }

    // A package of tables is larger than its description.
    fn size(&self) -> Option<u64> {
        let file = self.input.stat.filter(|file| file.is_file && !package::is_description(&self.input.name))?;
        Some(file.stamp.length)
    }

    /// The input with the edits that have been made in its files.
    fn open_held(&self, files: &fix::Files, options: &read::Options) -> Result<pipeline::Opened, Failure> {
        let opened = files.open(&self.input, self.encoding.as_deref())?;
        let table = |path: &Path| files.read(&named(path), self.encoding.as_deref());
        self.cut(opened, &table, options)
    }

    /// The files that it is made of, which are several for a package of tables.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let Some(path) = &self.input.path else { return Vec::new() };
        let folder = path.parent().unwrap_or(Path::new(""));
        std::iter::once(path.clone()).chain(claims(path).into_iter().map(|table| folder.join(table))).collect()
    }

    fn cut(
        &self,
        mut opened: open::Opened,
        file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
        options: &read::Options,
    ) -> Result<pipeline::Opened, Failure> {
        let format = self.format_of(&mut opened, options)?;
        if let Some(path) = self.input.path.as_deref().filter(|_| format == Format::Json && package::is_description(&self.input.name)) {
            let description = Arc::new(opened.feed.take_all()?);
            let folder = path.parent().unwrap_or(Path::new(""));
            let shown = |path: &Path| match &self.at {
                Some(revision) => revision.shown(path),
                None => path.to_string_lossy().replace('\\', "/"),
            };
            let own = |path: &Path| match &self.at {
                Some(_) => file(path),
                None => in_folder(folder, path).and_then(|()| file(path)),
            };
            let cutter = open_package(&description, folder, self.encoding.as_deref(), &shown, &own, options)?;
            return Ok(pipeline::Opened { format: Format::Csv.name(), decoded: opened.decoded, cutter });
        }
        Ok(pipeline::Opened { format: format.name(), decoded: opened.decoded, cutter: format.cutter(opened.feed, options) })
    }

    // The format: as named, by the name of the file, or by its first bytes.
    fn format_of(&self, opened: &mut open::Opened, options: &read::Options) -> Result<Format, Failure> {
        let by_name = Format::by_extension(open::strip_compression(&self.input.name));
        let wrong = |kind: &FileKind| match (self.format, by_name) {
            (Some(_), _) => kind.is_certain,
            (None, Some(_)) => by_name == Some(Format::Handbook) || !kind.is_markup(),
            (None, None) => true,
        };
        if let Some(kind) = opened.kind.filter(|kind| wrong(kind)) {
            return Err(Failure::Kind { kind, packed: opened.packed });
        }
        match self.format.or(by_name) {
            None | Some(Format::Handbook) if self.format.is_none() && open::peek(&mut opened.feed)?.trim_ascii().is_empty() => {
                // Nothing holds no records, whatever its format.
                Ok(Format::Handbook)
            }
            Some(Format::Handbook) if self.format.is_none() => {
                let text = String::from_utf8_lossy(open::peek(&mut opened.feed)?);
                let is_page = options.forms.as_ref().map_or_else(|| Forms::default().know(&text), |forms| forms.know(&text));
                let help =
                    "no label of a form was found at its start: pass --from handbook if it is a page, else name its format with --from";
                if is_page { Ok(Format::Handbook) } else { Err(Failure::UnknownFormat { help }) }
            }
            Some(format) => Ok(format),
            None => {
                let help = "name the format with --from, such as --from csv; chancery formats lists them";
                Format::by_first_bytes(open::peek(&mut opened.feed)?).ok_or(Failure::UnknownFormat { help })
            }
        }
    }

    // Whether it is a text found in a folder that is no page of a handbook.
    fn is_other_text(&self, options: &read::Options) -> bool {
        let by_name = Format::by_extension(open::strip_compression(&self.input.name));
        let is_unsure = self.input.in_folder && self.format.is_none() && by_name == Some(Format::Handbook);
        is_unsure && matches!(self.open(options, None), Err(Failure::UnknownFormat { .. }))
    }

    fn ready(self, options: &[read::Options], novelty: Novelty, seals: Option<Seals>) -> pipeline::Input {
        let options = options[self.course].clone();
        pipeline::Input {
            name: Arc::clone(&self.input.name),
            course: self.course,
            novelty,
            size: self.size(),
            known: None,
            open: Box::new(move || self.open(&options, seals)),
        }
    }
}

// Inputs, and paths that gave none.
type Expanded = (Vec<Found>, Vec<open::Problem>);

// The files that sources claim, each with the number of the first source that does.
struct Claimed<P = PathBuf>(HashMap<P, usize>);

impl Claimed {
    fn new(sources: &[Group]) -> Self {
        let files = |group: &Group| expand(&group.paths).0.into_iter().filter_map(|input| input.path?.canonicalize().ok()).collect();
        Self::of(sources.iter().map(files).collect())
    }

    fn group(&self, path: &Path) -> Option<usize> {
        self.find(&path.canonicalize().ok()?)
    }
}

impl<P: Eq + std::hash::Hash> Claimed<P> {
    fn of(sources: Vec<Vec<P>>) -> Self {
        let mut claimed = HashMap::new();
        for (number, path) in sources.into_iter().enumerate().flat_map(|(number, files)| files.into_iter().map(move |path| (number, path)))
        {
            claimed.entry(path).or_insert(number);
        }
        Self(claimed)
    }

    fn find(&self, path: &P) -> Option<usize> {
        self.0.get(path).copied()
    }
}

/// The inputs that paths mean.
pub(super) fn expand(paths: &[String]) -> (Vec<open::Input>, Vec<open::Problem>) {
    let known = |name: &str| Format::by_extension(name).is_some();
    open::expand(paths, &Folders { known: &known, claims: &claims, border: super::config::NAME })
}

// As `expand`; paths may be paths at a git revision.
fn expand_with(paths: &[String], revisions: bool) -> (Vec<Found>, Vec<open::Problem>) {
    let (old, now): (Vec<String>, Vec<String>) = paths.iter().cloned().partition(|path| revisions && revision::split(path).is_some());
    let (inputs, mut problems) = expand(&now);
    let mut found: Vec<Found> = inputs.into_iter().map(|input| Found { input, at: None }).collect();
    for path in &old {
        let known = |name: &str| Format::by_extension(name).is_some();
        let claims = |path: &Path, text: &dyn Fn() -> Option<String>| tables(path, text);
        match revision::expand(path, known, claims) {
            Ok(files) => found.extend(files),
            Err(problem) => problems.push(problem),
        }
    }
    (found, problems)
}

fn absent(problem: open::Problem) -> pipeline::Input {
    let name = problem.name().into();
    pipeline::Input {
        name,
        course: 0,
        novelty: Novelty::New,
        size: None,
        known: None,
        open: Box::new(move || Err(Failure::Io(io::Error::other(problem.reason())))),
    }
}

// A file as it is shown.
fn named(path: &Path) -> open::Input {
    open::Input::new(path.to_string_lossy().replace('\\', "/"), Some(path.to_owned()))
}

// Refuses a table that is no regular file, or to which a link leads out of the package's folder. What is not there is
// reported when it is opened.
fn in_folder(folder: &Path, path: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (Ok(home), Ok(file), Ok(found)) = (folder.canonicalize(), path.canonicalize(), std::fs::metadata(path)) else { return Ok(()) };
    let shown = path.display();
    let why = if !file.starts_with(&home) {
        format!("the table {shown} is a link that leads out of the package's folder")
    } else if !found.is_file() {
        format!("the table {shown} is not a regular file")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, package::Foreign(why)))
}

// A package of tables is read side by side; one that cannot be used says so as a finding.
fn open_package(
    description: &Arc<Source>,
    folder: &Path,
    encoding: Option<&str>,
    shown: &dyn Fn(&Path) -> String,
    file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
    options: &read::Options,
) -> Result<Box<dyn Cutter>, Failure> {
    let mut table = |name: &str| {
        let path = folder.join(name);
        open::open_stream(&shown(&path).into(), file(&path)?, encoding).map(|opened| opened.feed).map_err(io::Error::other)
    };
    match package::open(description, &mut table, options) {
        Ok(cutter) => Ok(cutter),
        Err(package::Refusal::Description(why)) => Ok(read::refused(*why)),
        Err(package::Refusal::Table(why)) => Err(why),
    }
}

// The tables that a package's description stands for.
fn claims(path: &Path) -> Vec<PathBuf> {
    tables(path, &|| std::fs::read_to_string(path).ok())
}

fn tables(path: &Path, text: &dyn Fn() -> Option<String>) -> Vec<PathBuf> {
    let name = path.to_string_lossy();
    let Some(text) = package::is_description(&name).then(text).flatten() else { return Vec::new() };
    let description = Arc::new(Source::whole(&*name, text));
    package::tables(&description).map_or_else(|_| Vec::new(), |tables| tables.into_iter().map(PathBuf::from).collect())
}

fn dialect(input: &InputArgs, config: &Config) -> Result<Dialect, Trouble> {
    let one = |what: &str, text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(Trouble::usage(format!("{what} is one ASCII character, found {text:?}"))),
    };
    let known = &config.csv;
    Ok(Dialect {
        delimiter: match input.delimiter.as_deref() {
            Some("tab" | "\\t") => Some(b'\t'),
            Some(text) => Some(one("a delimiter", text)?),
            None => known.delimiter,
        },
        no_header: input.no_header || known.no_header,
        comment: input.comment.as_deref().map(|text| one("a comment's beginning", text)).transpose()?.or(known.comment),
        null_words: if input.null_words.is_empty() { known.null_words.clone() } else { input.null_words.clone() },
        list_separator: input.list_separator.clone().or_else(|| known.list_separator.clone()),
        cells: match input.cells {
            Some(args::Cells::Text) => Cells::Text,
            Some(args::Cells::Typed) => Cells::default(),
            None => known.cells,
        },
    })
}

impl ReportArg {
    fn parse(text: &str) -> Result<Self, Trouble> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
        let format = report::Format::by_name(name).ok_or_else(|| {
            let names: Vec<&str> = report::Format::ALL.iter().map(|format| format.name()).collect();
            Trouble::usage(format!("no report is called {name}; reports are {}", names.join(", ")))
        })?;
        Ok(Self { format, file })
    }
}

/// What a collection of the records is called: the schema's `x-record-name` or title, as a plain name.
pub fn collection_name(shape: &Shape) -> String {
    let root = shape.root();
    let name = root.keyword("x-record-name").map(crate::tree::Node::text).or_else(|| root.title()).unwrap_or("records");
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    if plain.is_empty() { "records".to_owned() } else { plain.to_owned() }
}

fn read_format(name: &str) -> Result<Format, Trouble> {
    Format::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        Trouble::usage(format!("{name} cannot be read; formats are {}", names.join(", ")))
    })
}

pub fn colour(when: Option<args::Color>, terminal: bool) -> bool {
    match when.unwrap_or_default() {
        args::Color::Always => true,
        args::Color::Never => false,
        args::Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn policy(common: &CommonArgs, config: &Config) -> Result<Policy, Trouble> {
    let policy = Policy {
        select: if common.select.is_empty() { config.select.clone() } else { common.select.clone() },
        ignore: common.ignore.iter().chain(&config.ignore).cloned().collect(),
        severities: config.severities.clone(),
        overrides: config.overrides.clone(),
        strict: common.strict || config.strict,
        fail_on: match common.fail_on {
            Some(args::FailOn::Error) => Some(Severity::Error),
            Some(args::FailOn::Warning) => Some(Severity::Warning),
            Some(args::FailOn::Advice) => Some(Severity::Advice),
            Some(args::FailOn::Never) => None,
            None => config.fail_on.unwrap_or(Some(Severity::Error)),
        },
    };
    match policy.unknown().first() {
        Some(code) => Err(Trouble::usage(format!("no rule has a code or name that begins with {code:?}"))),
        None => Ok(policy),
    }
}

// Where the working directory lies in the checkout that a workflow of GitHub or a job of GitLab works on.
fn checkout() -> Option<report::Checkout> {
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(|name| {
        let root = PathBuf::from(std::env::var_os(name).filter(|root| !root.is_empty())?);
        let below = here.strip_prefix(root.canonicalize().ok()?).ok()?.to_string_lossy().replace('\\', "/");
        let root = root.to_string_lossy().replace('\\', "/").trim_end_matches('/').to_owned();
        Some(report::Checkout { root, below: if below.is_empty() { below } else { below + "/" } })
    })
}

/// Draws findings about config or schema on standard error.
pub fn show_findings(notes: &[Diagnostic]) {
    // Nothing is left to be done where standard error is closed.
    let _ = draw_findings(notes, io::stderr().is_terminal(), &mut io::stderr().lock());
}

/// Draws findings that belong to no run.
pub fn draw_findings(notes: &[Diagnostic], terminal: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let format = if terminal { report::Format::Pretty } else { report::Format::Plain };
    let options = report::Options { color: colour(None, terminal), quiet: true, ..report::Options::default() };
    let mut reporter = report::reporter(format, &options);
    reporter.begin(out)?;
    notes.iter().try_for_each(|note| reporter.report(note, out))?;
    reporter.finish(&report::Tally::default(), out)?;
    out.flush()
}

impl Stage for Normaliser {
    fn work(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        self.normalise(tree, notes);
    }
}

impl Stage for Checker {
    fn work(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        self.check(tree, notes);
    }
}

impl Stage for Facts {
    fn work(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        self.check(tree, notes);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::Claimed;

    thread_local! {
        static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[derive(Clone, Eq)]
    struct Counted(String);

    impl std::hash::Hash for Counted {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0 == other.0
        }
    }

    fn comparisons(count: usize) -> u64 {
        COMPARISONS.set(0);
        let files: Vec<Counted> = (0..count).map(|number| Counted(format!("data/{number}.json"))).collect();
        let claimed = Claimed::of(vec![files[..count / 2].to_vec(), files[count / 4..].to_vec()]);
        for (number, file) in files.iter().enumerate() {
            assert_eq!(claimed.find(file), Some(usize::from(number >= count / 2)), "the first source that names a file has it");
        }
        assert_eq!(claimed.find(&Counted("package.json".to_owned())), None);
        COMPARISONS.get()
    }

    #[test]
    fn claiming_twice_as_many_files_takes_about_twice_the_comparisons() {
        let (some, twice) = (comparisons(2_000), comparisons(4_000));
        assert!(twice as f64 <= 2.5 * some as f64, "{some} and {twice} comparisons");
    }
}
