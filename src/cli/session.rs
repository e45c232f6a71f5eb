//! Shared by all commands that read records: flags and config become a [`Job`](crate::pipeline::Job), which is run.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::args::{self, CommonArgs, InputArgs, Unclaimed};
use super::cache::{self, CacheDependencies, CachedInput, CachedResult, FileCache, ResultCache};
use super::changed_since::ChangedFiles;
use super::checksum::ChecksumRecorder;
use super::config::{Config, Group};
pub use super::interrupt::interrupted;
use super::progress::Progress;
use super::revision::{self, ResolvedInput, Revision};
use super::schemas;
use super::stdout::{WhileRead, stderr, stdout};
use super::summary;
use super::{CliError, ExitStatus};
use crate::check::schema::Checker;
use crate::check::semantic::{self, SemanticChecks};
use crate::check::{OnInvalid, references};
use crate::diagnostic::{Diagnostic, DiagnosticSink, Severity, rules};
use crate::fix;
use crate::load::database::InputChecksum;
use crate::load::output::{OutputTarget, Stream};
use crate::load::temporary::FolderLock;
use crate::normalise::{self, Normaliser};
use crate::pipeline::baseline::{Baseline, FORMAT, Update};
use crate::pipeline::{self, BaseRecords, ChangeStatus, Job, Output, Policy, RecordPipeline, Report, ReportPlace, Stage, Suppressions};
use crate::read::csv::{Cells, Dialect, package};
use crate::read::handbook::Templates;
use crate::read::{self, Chunker, Format, RecordVisitor};
use crate::redact::{self, Redactor};
use crate::report;
use crate::schema::{Shape, bundled, lint};
use crate::source::open::{self, DirectoryRules};
use crate::source::stat::FileMetadata;
use crate::source::{FileKind, InputBuffer, Position, ReadError, Source, Span};
use crate::tree::{Node, Tree};
use crate::write::{self, Writer};

/// Inputs up to this total size are processed without worker threads, which would cost more than they save.
const SINGLE_THREAD_BYTES: u64 = 256 * 1024;

/// The stream that a command reports on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportStream {
    Stdout,
    Stderr,
}

/// All settings, resolved before the first record is read.
pub struct Session {
    common: CommonArgs,
    pub(super) config: Config,
    pipelines: Vec<SourceConfig>,
    inputs: Vec<InputSpec>,
    problems: Vec<open::InputError>,
    // Names of inputs that no source claims.
    unclaimed: Vec<Arc<str>>,
    reports: Vec<ReportArg>,
    pub(super) policy: Policy,
    baseline: Option<(Baseline, OutputTarget)>,
    changed_since: Option<ChangedFiles>,
    // Whether the inputs are those of the config.
    whole: bool,
    // Records the checksums of inputs, if needed.
    checksums: Option<ChecksumRecorder>,
    // Captures the report.
    captured: Option<cache::CapturedOutput>,
    // Inputs that may not need to be read, by name and pipeline, if summaries are used.
    cached_files: Option<HashMap<(Arc<str>, usize), pipeline::CachedFile>>,
    // Whether the only input was named as one file or is standard input.
    one_file: bool,
    keep_top_level: bool,
    // Files of directories that are no data.
    skipped: u64,
    // Records that come from no file.
    stream: Option<pipeline::Input>,
}

// How the records of one schema are read and processed.
pub(super) struct SourceConfig {
    pub(super) shape: Arc<Shape>,
    pub(super) options: read::Options,
    pub(super) stages: Vec<Arc<dyn Stage>>,
    pub(super) references: Option<Arc<references::KeyDeclarations>>,
    // Whether these are files that no source claims.
    unclaimed: bool,
    redactor: Option<Arc<Redactor>>,
    // The files of the schema.
    files: Vec<PathBuf>,
    diagnostics: Vec<Diagnostic>,
    name: String,
    // As it was named.
    schema: String,
}

pub(super) struct InputSpec {
    pub(super) input: open::Input,
    // The git revision to read it at.
    pub(super) revision: Option<Arc<Revision>>,
    pub(super) pipeline: usize,
    pub(super) format: Option<Format>,
    pub(super) encoding: Option<String>,
}

struct ReportArg {
    format: report::Format,
    file: Option<PathBuf>,
}

impl Session {
    /// Resolves flags and config; flags take precedence.
    pub fn new(common: CommonArgs, input: InputArgs) -> Result<Self, CliError> {
        // The two sides of a comparison are one project, wherever a version of a file is.
        let paths = if common.unchecked { &[] } else { &*input.paths };
        let config = if common.no_config { Config::default() } else { Config::find(common.config.as_deref(), paths)? };
        let mut session = Self::without_inputs(common, config, input.paths.is_empty())?;
        if session.reports.iter().filter(|report| report.file.is_none()).count() > 1 {
            return Err(CliError::usage("two reports write to the same stream; write one to a file: --report FORMAT=FILE"));
        }
        if input.paths.is_empty() && session.config.sources.is_empty() && !session.default_input().exists() {
            let message = "no paths are given, no sources are configured, and the directory input/ does not exist; \
                           name files or directories, or run `chancery init`";
            return Err(CliError::usage(format!("nothing to read: {message}")));
        }
        for (group, found) in session.groups(&input) {
            session.plan(&group, found, &input)?;
        }
        session.one_file = match (&*input.paths, &*session.inputs) {
            ([path], [spec]) => path == "-" || spec.revision.is_some() || Path::new(path).is_file(),
            _ => false,
        };
        session.bind()?;
        if !session.common.unchecked {
            session.baseline = session.baseline(&input)?;
            session.changed_since = session.since()?;
        }
        if session.common.verbose {
            session.inputs.iter().for_each(|spec| errln!("reads {}", crate::diagnostic::log_line(&spec.input.name)));
        }
        Ok(session)
    }

    /// One whose records are lines of JSON that come from no file, and go through the stages `first` before all others.
    pub fn of_stream(common: CommonArgs, name: &str, stream: Box<dyn Read + Send>, first: Vec<Arc<dyn Stage>>) -> Result<Self, CliError> {
        // Deeper values were accepted when they were loaded.
        const DEEPEST: usize = 1024;
        let config = if common.no_config { Config::default() } else { Config::find(common.config.as_deref(), &[])? };
        let mut session = Self::without_inputs(common, config, false)?;
        let schema = session.common.schema.clone().unwrap_or_else(|| "none".to_owned());
        let input = InputArgs { max_record_bytes: Some(1 << 30), max_depth: Some(DEEPEST), ..InputArgs::default() };
        let mut plan = session.source_config(&schema, &Group::default(), &input)?;
        plan.stages.splice(0..0, first);
        let options = read::Options { records: None, ..plan.options.clone() };
        session.pipelines.push(plan);
        let name: Arc<str> = name.into();
        let feed = InputBuffer::new(Arc::clone(&name), stream, Position::START);
        let format = Format::Ndjson;
        let open = move || Ok(pipeline::Opened { format: format.name(), decoded: false, chunker: format.chunker(feed, &options) });
        session.stream =
            Some(pipeline::Input { name, open: Box::new(open), pipeline: 0, status: ChangeStatus::Added, size: None, cached: None });
        Ok(session)
    }

    fn baseline(&self, input: &InputArgs) -> Result<Option<(Baseline, OutputTarget)>, CliError> {
        let update = self.common.write_baseline;
        let Some(path) = self.common.baseline.clone().or_else(|| self.config.baseline.clone()) else {
            return match update {
                Some(_) => Err(CliError::usage("--write-baseline requires --baseline FILE")),
                None => Ok(None),
            };
        };
        let (tree, update) = match (path.exists(), update) {
            (false, None) => {
                let message = format!("the baseline {} does not exist; create it with --write-baseline", path.display());
                return Err(CliError::usage(message));
            }
            // The first baseline contains all findings.
            (false, Some(_)) => (None, Update::Accept),
            (true, update) => {
                let tree = schemas::parse_file(&path)?;
                match baseline_format(&tree) {
                    Some(format) if format > FORMAT => {
                        let message = format!(
                            "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; update chancery",
                            path.display()
                        );
                        return Err(CliError::usage(message));
                    }
                    // What it knows cannot be compared with what is found now.
                    Some(format) if format < FORMAT && matches!(update, Some(args::WriteBaseline::All)) => {
                        return Ok(Some((self.first_baseline(&path, input), OutputTarget::file(path))));
                    }
                    Some(format) if format < FORMAT => {
                        let message = format!(
                            "the baseline {} has format {format}, and this version of chancery reads format {FORMAT}; write it \
                             again with --write-baseline=all",
                            path.display()
                        );
                        return Err(CliError::usage(message));
                    }
                    _ => {}
                }
                let mut diagnostics: Vec<Diagnostic> = Vec::new();
                Checker::new(schemas::own(bundled::BASELINE, true)?).check(&tree, &mut diagnostics);
                if !diagnostics.is_empty() {
                    return Err(CliError::Findings(diagnostics));
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
        Ok(Some((baseline, OutputTarget::file(path))))
    }

    fn first_baseline(&self, path: &Path, input: &InputArgs) -> Baseline {
        Baseline::new(path, None, &input.paths, Update::Accept, self.baseline_from())
    }

    // Lighter findings than warnings are written only where they count.
    fn baseline_from(&self) -> Severity {
        self.policy.fail_on.unwrap_or(Severity::Warning).min(Severity::Warning)
    }

    /// A session without inputs.
    pub(super) fn without_inputs(common: CommonArgs, config: Config, whole: bool) -> Result<Self, CliError> {
        Ok(Self {
            policy: policy(&common, &config)?,
            reports: common
                .report
                .iter()
                .chain(config.report.iter().filter(|_| !common.unchecked))
                .map(|text| ReportArg::parse(text))
                .collect::<Result<_, _>>()?,
            pipelines: Vec::new(),
            inputs: Vec::new(),
            problems: Vec::new(),
            unclaimed: Vec::new(),
            baseline: None,
            changed_since: None,
            whole,
            checksums: None,
            captured: None,
            cached_files: None,
            one_file: false,
            skipped: 0,
            keep_top_level: false,
            stream: None,
            common,
            config,
        })
    }

    // The unchanged files, if requested.
    fn since(&self) -> Result<Option<ChangedFiles>, CliError> {
        let Some(revision) = &self.common.changed_since else { return Ok(None) };
        let since = ChangedFiles::new(revision)?;
        let common = [self.config.path.as_deref()].into_iter().flatten();
        let config_files = common.chain(self.pipelines.iter().flat_map(|plan| plan.files.iter().map(PathBuf::as_path)));
        if let Some(judge) = config_files.filter(|judge| since.has_changed(judge)).min() {
            if self.common.verbose {
                errln!("everything is checked, because {} has changed", crate::diagnostic::log_line(&judge.to_string_lossy()));
            }
            return Ok(None);
        }
        Ok(Some(since))
    }

    fn default_input(&self) -> PathBuf {
        self.config.folder.join("input")
    }

    // What to read: the paths of the command line, else the config's sources, else input/; with the inputs if they are known.
    fn groups(&self, input: &InputArgs) -> Vec<(Group, Option<Expanded>)> {
        if input.paths.is_empty() {
            if !self.config.sources.is_empty() {
                return self.config.sources.iter().map(|group| (group.clone(), None)).collect();
            }
            let default = self.default_input().to_string_lossy().replace('\\', "/");
            return vec![(Group { paths: vec![default], ..Group::default() }, None)];
        }
        let named = Group { paths: input.paths.clone(), ..Group::default() };
        if self.config.sources.is_empty() {
            return vec![(named, None)];
        }
        // A file of the config's sources keeps its settings when it is named.
        let claimed = Claimed::new(&self.config.sources);
        let (inputs, problems) = expand_with(&input.paths, input.revisions);
        let mut groups: Vec<(Group, Expanded)> =
            self.config.sources.iter().map(|group| (Group { paths: Vec::new(), ..group.clone() }, Expanded::default())).collect();
        // A schema on the command line applies to every file, and without a check nothing is claimed.
        let is_claimed_by_flag = self.common.schema.is_some() || self.common.unchecked;
        let (mut plain, mut unclaimed) = ((Group::default(), (Vec::new(), problems)), Expanded::default());
        for found in inputs {
            match found.input.path.as_deref().map(|path| claimed.group(path)) {
                Some(Some(group)) => groups[group].1.0.push(found),
                // The sources of an older version of the project are unknown.
                Some(None) if !is_claimed_by_flag && found.revision.is_none() => unclaimed.0.push(found),
                _ => plain.1.0.push(found),
            }
        }
        let is_particular = |group: &Group| group.schema.is_some() || group.from.is_some() || group.records.is_some();
        let (particular, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(group, _)| is_particular(group));
        plain.1.0.extend(others.into_iter().flat_map(|(_, (inputs, _))| inputs));
        // In the order of the paths.
        plain.1.0.sort_by(|a, b| a.input.path.is_some().cmp(&b.input.path.is_some()).then_with(|| a.input.name.cmp(&b.input.name)));
        let unclaimed = (Group { unclaimed: true, ..Group::default() }, unclaimed);
        let all = std::iter::once(plain).chain(particular).chain(std::iter::once(unclaimed));
        all.filter(|(_, (inputs, problems))| !inputs.is_empty() || !problems.is_empty())
            .map(|(group, found)| (group, Some(found)))
            .collect()
    }

    fn plan(&mut self, group: &Group, found: Option<Expanded>, input: &InputArgs) -> Result<(), CliError> {
        let schema = self.common.schema.clone().or_else(|| group.schema.clone()).or_else(|| self.config.schema.clone());
        let schema = if group.unclaimed { Some("none".to_owned()) } else { schema };
        let pipeline = self.pipelines.len();
        let plan = self.source_config(schema.as_deref().unwrap_or("profile"), group, input)?;
        self.pipelines.push(plan);
        let format = input.from.as_deref().or(group.from.as_deref()).or(self.config.from.as_deref().filter(|_| !group.unclaimed));
        let format = format.map(read_format).transpose()?;
        let encoding = input.encoding.clone().or_else(|| self.config.encoding.clone());
        if let Some(name) = encoding.as_deref().filter(|name| !open::is_encoding(name)) {
            return Err(CliError::usage(format!("unknown encoding {name}")));
        }
        let (mut inputs, problems) = found.unwrap_or_else(|| expand_with(&group.paths, input.revisions));
        if group.unclaimed {
            self.unclaimed(&mut inputs, input);
        }
        for ResolvedInput { input, revision: at } in inputs {
            let spec = InputSpec { input, revision: at, pipeline, format, encoding: encoding.clone() };
            if spec.is_other_text(&self.pipelines[pipeline].options) {
                self.skipped += 1;
            } else {
                self.inputs.push(spec);
            }
        }
        self.problems.extend(problems);
        Ok(())
    }

    // Reports inputs that no source claims, and removes those that are skipped.
    fn unclaimed(&mut self, inputs: &mut Vec<ResolvedInput>, input: &InputArgs) {
        let how = input.unclaimed.unwrap_or_default();
        if how == Unclaimed::Skip {
            return inputs.clear();
        }
        let config = self.config.path.as_deref().map_or_else(String::new, |path| path.to_string_lossy().replace('\\', "/"));
        let named: HashSet<&str> = input.paths.iter().map(String::as_str).collect();
        let diagnostic = |name: &str, message: String| {
            let source = Arc::new(Source::detached(name, Position::START));
            let mut diagnostic = Diagnostic::new(&rules::UNCLAIMED_FILE, &source, Span::at(0), message);
            if how == Unclaimed::Error {
                diagnostic.severity = Severity::Error;
            }
            diagnostic.help("add it to sources, set a schema with --schema, or skip such files with --unclaimed skip")
        };
        let mut diagnostics = Vec::new();
        let mut others = 0_u64;
        for ResolvedInput { input, .. } in &*inputs {
            self.unclaimed.push(Arc::clone(&input.name));
            if named.contains(&*input.name) || how == Unclaimed::Error {
                diagnostics.push(diagnostic(&input.name, format!("no source of {config} claims this file; only its syntax is checked")));
            } else {
                others += 1;
            }
        }
        if others > 0 {
            let files = if others == 1 { "1 file".to_owned() } else { format!("{others} files") };
            diagnostics.push(diagnostic(&config, format!("no source claims {files} found by the given paths; only the syntax is checked")));
        }
        // Files that are not data are not read as handbook pages.
        inputs.retain(|found| {
            let format = Format::by_extension(open::strip_compression(&found.input.name));
            format.is_some_and(|format| format != Format::Handbook)
        });
        if let Some(plan) = self.pipelines.last_mut() {
            plan.diagnostics.extend(diagnostics);
        }
    }

    /// The names of inputs that no source of the config claims, and whether they are errors.
    pub fn unclaimed_files(&self) -> &[Arc<str>] {
        &self.unclaimed
    }

    // Resolves which records form one collection, and which collection references lead to. Sources with the same name
    // or schema are one collection. Declarations that cannot be checked are errors, because the run would otherwise
    // pass without checking them.
    fn bind(&mut self) -> Result<(), CliError> {
        let mut numbers: HashMap<(bool, &str), usize> = HashMap::new();
        let mut own = Vec::with_capacity(self.pipelines.len());
        let mut by_name: HashMap<String, references::Collection> = HashMap::new();
        for (pipeline, plan) in self.pipelines.iter().enumerate() {
            let name = plan.references.as_ref().and_then(|references| references.name());
            let number = match (name, &*plan.schema) {
                (Some(name), _) => *numbers.entry((true, name)).or_insert(pipeline),
                (None, "none") => pipeline,
                (None, schema) => *numbers.entry((false, schema)).or_insert(pipeline),
            };
            own.push(number);
            let has_key = plan.references.as_ref().is_some_and(|references| !references.pointers().is_empty());
            if let Some(name) = plan.shape.root().keyword("x-record-name").map(Node::text) {
                by_name.entry(name.to_owned()).or_insert(references::Collection { number, has_key });
            }
        }
        let hidden: HashSet<usize> = self
            .pipelines
            .iter()
            .zip(&own)
            .filter(|(plan, _)| plan.redactor.as_ref().is_some_and(|redactor| redactor.hides_keys()))
            .map(|(_, number)| *number)
            .collect();
        let mut faults: Vec<Diagnostic> = Vec::new();
        for (plan, own) in self.pipelines.iter_mut().zip(own) {
            if let Some(redactor) = plan.redactor.as_mut().and_then(Arc::get_mut) {
                let name = plan.references.as_ref().and_then(|references| references.name());
                let number = |to: &str| if name == Some(to) { Some(own) } else { by_name.get(to).map(|other| other.number) };
                redactor.refer(&|to| to.map_or(Some(own), number).is_some_and(|number| hidden.contains(&number)));
            }
            let Some(references) = plan.references.as_mut().and_then(Arc::get_mut) else { continue };
            faults.extend(references.bind(own, &|name| by_name.get(name).copied()));
            faults.extend(references.mistakes().iter().cloned());
        }
        if faults.is_empty() || self.common.unchecked {
            return Ok(());
        }
        // Sources with one schema have the same declarations.
        let mut seen = HashSet::new();
        faults.retain(|diagnostic| {
            let at = diagnostic.place.locate();
            seen.insert((diagnostic.rule.code, at.file, at.start.byte))
        });
        Err(CliError::Findings(faults))
    }

    pub(super) fn source_config(&self, schema: &str, group: &Group, input: &InputArgs) -> Result<SourceConfig, CliError> {
        let (common, config) = (&self.common, &self.config);
        let dirs: Vec<PathBuf> = common.schema_dir.iter().chain(&config.schema_dir).cloned().collect();
        if common.verbose {
            errln!("schema {}", crate::diagnostic::log_line(schema));
        }
        let named = schema.to_owned();
        let schema = schemas::load(schema, &dirs, !common.no_format)?;
        let shape = Arc::new(schema.as_ref().map_or_else(Shape::any, |schema| Shape::of(schema)));
        let doubts = schema.as_ref().filter(|_| named != "profile" && !common.unchecked).map(|schema| lint::warnings(schema));
        let diagnostics = doubts.into_iter().flatten().chain(normalise::mistakes(&shape)).chain(semantic::operand_errors(&shape)).collect();
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
            let facts = SemanticChecks::new(&shape);
            if !facts.is_idle() {
                stages.push(Arc::new(facts));
            }
        }
        let references =
            (!group.unclaimed).then(|| references::KeyDeclarations::new(&shape, common.key.as_deref().or(config.key.as_deref())));
        if group.unclaimed {
            stages.clear();
        }
        let key = references.as_ref().map_or_else(Vec::new, |references| references.pointers().to_vec());
        let redactor = (common.mask || config.mask).then(|| Arc::new(Redactor::new(&shape, &key)));
        Ok(SourceConfig {
            unclaimed: group.unclaimed,
            options: self.read_options(&shape, group, input)?,
            name: collection_name(&shape),
            schema: named,
            files: schema.as_ref().map_or_else(Vec::new, |schema| schemas::files(schema)),
            redactor,
            shape,
            stages,
            // Errors in declarations are always reported.
            references: references.filter(|references| !references.is_idle() || !references.mistakes().is_empty()).map(Arc::new),
            diagnostics,
        })
    }

    fn read_options(&self, shape: &Arc<Shape>, group: &Group, input: &InputArgs) -> Result<read::Options, CliError> {
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

    /// How to handle invalid records: the flag, the config, or `default`.
    pub fn on_invalid(&self, flag: Option<args::OnInvalid>, default: OnInvalid) -> OnInvalid {
        match flag {
            Some(args::OnInvalid::Stop) => OnInvalid::Stop,
            Some(args::OnInvalid::Skip) => OnInvalid::Skip,
            Some(args::OnInvalid::Keep) => OnInvalid::Keep,
            None => self.config.on_invalid.unwrap_or(default),
        }
    }

    /// How outputs are written, according to schema and config.
    pub fn write_options(&self) -> write::Options {
        // Records of several schemas in one output have the shape that all schemas allow: anything.
        let (shape, name) = match &*self.pipelines {
            [plan] => (Arc::clone(&plan.shape), plan.name.clone()),
            _ => (Arc::new(Shape::any()), "records".to_owned()),
        };
        write::Options { shape, name, ..write::Options::default() }
    }

    /// Writes the records as they are held in the input (a list, a document, a stream), where that is one file.
    pub fn keep_top_level(&mut self) {
        self.keep_top_level = self.one_file;
    }

    /// Whether some values are redacted in reports.
    pub fn masks(&self) -> bool {
        self.pipelines.iter().any(|plan| plan.redactor.is_some())
    }

    /// Decides what may be shown of the records, where not everything may; of the first schema where there are several.
    pub fn redactor(&self) -> Option<&Redactor> {
        self.pipelines.first().and_then(|plan| plan.redactor.as_deref())
    }

    /// Which keys of records may be shown.
    pub fn shown_keys(&self) -> Arc<redact::Keys> {
        self.redactor().map(Redactor::keys).unwrap_or_default()
    }

    /// The names of the inputs, in order.
    pub fn input_names(&self) -> Vec<String> {
        let names = self.inputs.iter().map(|spec| &spec.input.name).chain(self.stream.iter().map(|stream| &stream.name));
        names.map(ToString::to_string).collect()
    }

    /// The names of the inputs of each pipeline.
    pub fn inputs_by_pipeline(&self) -> Vec<Vec<String>> {
        let of =
            |pipeline: usize| self.inputs.iter().filter(|spec| spec.pipeline == pipeline).map(|spec| spec.input.name.to_string()).collect();
        (0..self.pipelines.len()).map(of).collect()
    }

    /// The record type, if all records have one schema.
    pub fn only_pipeline(&self) -> Result<Option<Records>, CliError> {
        let [plan] = &*self.pipelines else { return Ok(None) };
        let mut schema = if plan.schema == "none" { Vec::new() } else { schemas::text(&plan.schema)?.into_bytes() };
        for file in &plan.files {
            schema.extend(std::fs::read(file).map_err(|error| CliError::File { path: file.clone(), error })?);
        }
        Ok(Some(Records {
            shape: Arc::clone(&plan.shape),
            name: plan.name.clone(),
            key: plan.references.as_ref().map_or_else(Vec::new, |references| references.pointers().to_vec()),
            schema,
        }))
    }

    /// Records the checksums of the inputs in a list, which is complete when they have been read.
    pub fn record_checksums(&mut self) -> Arc<Mutex<Vec<InputChecksum>>> {
        self.checksums.get_or_insert_default().list()
    }

    /// Stores the result of this session with its dependencies; `None` if it depends on more than files.
    pub fn store_result(&mut self, cache: &ResultCache, paths: &[String], form: Option<&str>) -> Option<CachedResult> {
        let has_other_reports = self.reports.iter().any(|report| report.file.is_some() || report.format == report::Format::Github);
        let partial = !self.problems.is_empty() || self.inputs.iter().any(|spec| spec.revision.is_some());
        if has_other_reports || partial || !self.config.schema_dir.is_empty() {
            return None;
        }
        let groups = if paths.is_empty() {
            self.groups(&InputArgs::default()).into_iter().map(|(group, _)| group.paths).collect()
        } else {
            vec![paths.to_vec()]
        };
        let mut inputs: Vec<&InputSpec> = self.inputs.iter().collect();
        if !paths.is_empty() {
            inputs.sort_by(|a, b| a.input.name.cmp(&b.input.name));
        }
        let mut files = Vec::new();
        for spec in inputs {
            files.push(CachedInput::new(spec.input.name.to_string(), true, spec.input.stat?));
            for table in spec.files().iter().skip(1) {
                files.push(CachedInput::new(table.to_str()?.to_owned(), false, FileMetadata::at(table)?));
            }
        }
        let config_files = self.config_dependencies(form);
        let file_cache = self.lookup(cache, &config_files);
        let recorder = self.checksums.insert(ChecksumRecorder::of_files_up_to(cache::LARGEST_HASHED));
        let report = cache::CapturedOutput::default();
        self.captured = Some(report.clone());
        Some(CachedResult { dependencies: CacheDependencies { groups, config_files, files }, sums: recorder.list(), report, file_cache })
    }

    // Looks up inputs that are known to have no findings; `None` if that is not worthwhile, or if more is needed.
    fn lookup(&mut self, cache: &ResultCache, config_files: &[PathBuf]) -> Option<FileCache> {
        const LITTLE: u64 = 1 << 20;
        // Looking up a smaller file takes as long as checking it.
        const SMALL: u64 = 8 << 10;
        let total = self.total()?;
        if self.baseline.is_some() || total < LITTLE || total < SMALL * self.inputs.len() as u64 {
            return None;
        }
        let mut file_cache = cache.file_cache(config_files)?;
        let known = self.cached_files.insert(HashMap::new());
        for spec in &self.inputs {
            // A package of tables is more than its description, and a name that is not UTF-8 may be that of several files.
            let is_one = !package::is_description(&spec.input.name) && !spec.input.name.contains('\u{fffd}');
            if let Some(stat) = spec.input.stat.filter(|stat| stat.is_file && is_one) {
                let plan = &self.pipelines[spec.pipeline];
                let path = format!("{} {:?} {:?} {:?}", plan.schema, plan.options.records, spec.format, spec.encoding);
                let (name, pipeline) = (&spec.input.name, spec.pipeline);
                let of_input = file_cache.lookup(name, pipeline, stat.stamp, path);
                known.extend(of_input.map(|of_input| ((Arc::clone(name), pipeline), of_input)));
            }
        }
        Some(file_cache)
    }

    // Config, schemas and the like.
    fn config_dependencies(&self, form: Option<&str>) -> Vec<PathBuf> {
        let (config, baseline) = (&self.config, self.common.baseline.as_ref().or(self.config.baseline.as_ref()));
        let form = form.or(config.form.as_deref()).map(PathBuf::from).filter(|form| form.exists());
        let schemas = self.pipelines.iter().flat_map(|plan| plan.files.iter().cloned());
        config.path.iter().chain(baseline).cloned().chain(form).chain(schemas).collect()
    }

    /// The files that a load depends on; `None` if it depends on more than files, or writes more of them.
    pub fn cache_inputs(&self, form: Option<&str>) -> Option<CacheInputs> {
        let has_other_reports = self.reports.iter().any(|report| report.file.is_some() || report.format == report::Format::Github);
        let partial =
            !self.problems.is_empty() || self.common.changed_since.is_some() || self.inputs.iter().any(|spec| spec.revision.is_some());
        if has_other_reports || partial || self.common.write_baseline.is_some() {
            return None;
        }
        let mut inputs = Vec::new();
        for spec in &self.inputs {
            inputs.push((spec.input.name.to_string(), spec.input.path.clone()?));
            inputs.extend(spec.files().into_iter().skip(1).map(|table| (table.to_string_lossy().replace('\\', "/"), table)));
        }
        Some(CacheInputs { inputs, dependencies: self.config_dependencies(form) })
    }

    /// Captures the report.
    pub fn capture_output(&mut self) -> cache::CapturedOutput {
        self.captured.get_or_insert_default().clone()
    }

    /// The default output directory of `run`.
    pub fn output_folder(&self) -> PathBuf {
        self.config.output.clone().unwrap_or_else(|| self.config.folder.join("output"))
    }

    /// The output formats of `run`.
    pub fn output_formats(&self) -> Vec<write::Format> {
        if self.config.outputs.is_empty() {
            vec![write::Format::Json, write::Format::Csv, write::Format::Xml]
        } else {
            self.config.outputs.clone()
        }
    }

    /// Rejects an output that is an input, or a directory that contains inputs.
    pub fn refuse_input(&self, output: &Path) -> Result<(), CliError> {
        let Ok(output_path) = output.canonicalize() else { return Ok(()) };
        // A device or a pipe is not replaced, and may be both.
        if !output_path.is_file() && !output_path.is_dir() {
            return Ok(());
        }
        let inside = |input: &Path| input.canonicalize().is_ok_and(|input| input == output_path || input.parent() == Some(&output_path));
        let now = self.inputs.iter().filter(|spec| spec.revision.is_none());
        match now.filter_map(|spec| spec.input.path.as_deref()).find(|input| inside(input)) {
            Some(input) => {
                let message = format!("{} is an input that {} would overwrite or join", input.display(), output.display());
                Err(CliError::usage(format!("{message}; choose another output with --output")))
            }
            None => Ok(()),
        }
    }

    /// Normalises and checks one record.
    pub fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        for stage in self.pipelines.iter().flat_map(|plan| &plan.stages) {
            stage.work(tree, diagnostics);
        }
    }

    /// Reads the first input on this thread, without any stage.
    pub fn read_first(&self, visitor: &mut dyn RecordVisitor) -> Result<(), CliError> {
        if let Some(problem) = self.problems.first() {
            return Err(CliError::usage(problem.to_string()));
        }
        let Some(spec) = self.inputs.first() else { return Ok(()) };
        let unreadable = |failure| CliError::File { path: PathBuf::from(&*spec.input.name), error: io::Error::other(failure) };
        let mut opened = spec.open(&self.pipelines[spec.pipeline].options, None).map_err(unreadable)?;
        read::read_all(&mut *opened.chunker, visitor).map_err(unreadable)
    }

    /// Runs the job and returns its status.
    pub fn run(self, outputs: Vec<Output>, on_invalid: OnInvalid, to: ReportStream) -> Result<ExitStatus, CliError> {
        self.run_all(outputs, None, on_invalid, to).map(|result| result.status)
    }

    /// Like [`Session::run`], with rejected records, a report and findings written to `beside`.
    pub fn run_all(
        mut self,
        outputs: Vec<Output>,
        beside: Option<SideOutputs>,
        on_invalid: OnInvalid,
        to: ReportStream,
    ) -> Result<RunResult, CliError> {
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
        let options: Vec<read::Options> = self.pipelines.iter().map(|plan| plan.options.clone()).collect();
        // The run reports missing inputs, so that they are in every report.
        let absent = std::mem::take(&mut self.problems).into_iter().map(absent);
        // Collections with one schema say the same.
        let mut seen = HashSet::new();
        let mut is_new = |diagnostic: &Diagnostic| {
            let at = diagnostic.place.locate();
            seen.insert((diagnostic.rule.code, at.file, at.start.byte, diagnostic.message.clone()))
        };
        let diagnostics = self
            .pipelines
            .iter_mut()
            .flat_map(|plan| std::mem::take(&mut plan.diagnostics))
            .filter(|diagnostic| is_new(diagnostic))
            .collect();
        let mut pipelines: Vec<RecordPipeline> = std::mem::take(&mut self.pipelines).into_iter().map(SourceConfig::ready).collect();
        // Written records must be free of errors.
        pipelines.iter_mut().for_each(|pipeline| pipeline.lenient &= outputs.is_empty());
        let spec = std::mem::take(&mut self.inputs);
        let (mut inputs, mut base, mut unchanged_files) = (Vec::new(), BaseRecords::default(), 0);
        if let Some(since) = &self.changed_since {
            since.read_base(&spec, &options, &pipelines, &mut base)?;
        }
        for spec in spec {
            let status = self.changed_since.as_ref().map_or(ChangeStatus::Added, |since| since.status(&spec));
            // Unchanged files are read only for their keys, or if they are written.
            if status == ChangeStatus::Unchanged && pipelines[spec.pipeline].references.is_none() && outputs.is_empty() {
                unchanged_files += 1;
            } else {
                let known = self.cached_files.as_mut().and_then(|known| known.remove(&(Arc::clone(&spec.input.name), spec.pipeline)));
                inputs.push(pipeline::Input { cached: known, ..spec.ready(&options, status, self.checksums.clone()) });
            }
        }
        let job = Job {
            inputs: absent.chain(inputs).chain(self.stream.take()).collect(),
            pipelines,
            baseline: self.baseline.take(),
            suppressions: Suppressions::new(std::mem::take(&mut self.config.suppress), self.whole && unchanged_files == 0),
            base,
            unchanged_files,
            skipped: self.skipped,
            complete: self.common.complete || self.config.complete,
            outputs,
            rejects,
            on_invalid,
            reports,
            policy: self.policy,
            diagnostics,
            jobs,
            keep_summaries: self.cached_files.is_some(),
            keep_top_level: self.keep_top_level,
        };
        let outcome = pipeline::run(job, interrupted(), &mut progress)?;
        progress.clear();
        if outcome.closed_pipe {
            // Nobody reads.
        } else if outcome.refused {
            errln!("error: nothing was written");
        } else if outcome.held_back {
            errln!(
                "error: nothing was written, because some records are invalid; use --on-invalid skip to skip them, or keep to write them"
            );
        }
        let verdict = match () {
            () if outcome.interrupted => ExitStatus::Interrupted,
            () if outcome.unreadable > 0 => ExitStatus::Unable,
            () if outcome.failed => ExitStatus::Findings,
            () => ExitStatus::Clean,
        };
        Ok(RunResult {
            status: verdict,
            written: outcome.written,
            locks: outcome.locks,
            held_back: outcome.held_back || outcome.closed_pipe,
            is_complete: !outcome.closed_pipe,
            summaries: outcome.summaries,
        })
    }

    /// The job that fixes the inputs.
    pub fn fix_job(self, guesses: bool) -> fix::Job {
        let jobs = self.jobs(self.total());
        let options: Vec<read::Options> = self.pipelines.iter().map(|plan| plan.options.clone()).collect();
        let absent = self.problems.into_iter().map(|problem| {
            let (name, reason) = (problem.name().into(), problem.reason());
            fix::Input { name, pipeline: 0, open: Box::new(move |_| Err(ReadError::Io(io::Error::other(reason.clone())))) }
        });
        // Unchanged files are not fixed.
        let is_meant = |spec: &InputSpec| self.changed_since.as_ref().is_none_or(|since| since.status(spec) != ChangeStatus::Unchanged);
        let unclaimed: Vec<bool> = self.pipelines.iter().map(|plan| plan.unclaimed).collect();
        let is_claimed = |spec: &InputSpec| !unclaimed[spec.pipeline];
        let to_fix = self.inputs.into_iter().filter(is_claimed).filter(is_meant).map(|spec| {
            let (name, pipeline, options) = (Arc::clone(&spec.input.name), spec.pipeline, options[spec.pipeline].clone());
            fix::Input { name, pipeline, open: Box::new(move |files| spec.open_held(files, &options)) }
        });
        fix::Job {
            inputs: absent.chain(to_fix).collect(),
            pipelines: self.pipelines.into_iter().map(SourceConfig::ready).collect(),
            complete: self.common.complete || self.config.complete,
            policy: self.policy,
            suppress: self.config.suppress,
            guesses,
            jobs,
        }
    }

    /// Returns the only input another display name.
    pub fn rename(&mut self, name: &str) {
        self.inputs.iter_mut().for_each(|spec| spec.input.name = name.into());
    }

    /// The record types of this session, in the order of the pipelines.
    pub fn kinds(&self) -> Vec<RecordType> {
        let key = |plan: &SourceConfig| plan.references.as_ref().map_or_else(Vec::new, |references| references.pointers().to_vec());
        let kind = |plan: &SourceConfig| RecordType { shape: Arc::clone(&plan.shape), key: key(plan), redactor: plan.redactor.clone() };
        self.pipelines.iter().map(kind).collect()
    }

    /// Reads every record into the writers, one for each pipeline; syntax errors are reported on standard error.
    pub fn read_into(mut self, writers: Vec<Arc<dyn Writer>>) -> Result<Vec<pipeline::Outcome>, CliError> {
        let total = self.total();
        let jobs = self.jobs(total);
        let mut progress = self.progress(total);
        let options: Vec<read::Options> = self.pipelines.iter().map(|plan| plan.options.clone()).collect();
        let mut absent: Vec<pipeline::Input> = std::mem::take(&mut self.problems).into_iter().map(absent).collect();
        let mut outcomes = Vec::new();
        for (pipeline, writer) in writers.into_iter().enumerate() {
            let (inputs, rest) = std::mem::take(&mut self.inputs).into_iter().partition(|spec| spec.pipeline == pipeline);
            self.inputs = rest;
            let inputs: Vec<InputSpec> = inputs;
            let plan = &mut self.pipelines[pipeline];
            let stages = std::mem::take(&mut plan.stages);
            let redactor = plan.redactor.clone();
            let diagnostics = std::mem::take(&mut plan.diagnostics);
            let ready = inputs.into_iter().map(|spec| pipeline::Input { pipeline: 0, ..spec.ready(&options, ChangeStatus::Added, None) });
            let job = Job {
                inputs: std::mem::take(&mut absent).into_iter().chain(ready).collect(),
                pipelines: vec![RecordPipeline { stages, references: None, lenient: false, redactor }],
                baseline: None,
                suppressions: Suppressions::default(),
                base: BaseRecords::default(),
                unchanged_files: 0,
                skipped: self.skipped,
                complete: false,
                outputs: vec![Output { writer, place: pipeline::Place::Stream(Stream::new(Box::new(io::sink()), false)) }],
                rejects: None,
                on_invalid: OnInvalid::Keep,
                reports: self.reports(ReportStream::Stderr, &progress, true)?,
                policy: self.policy.clone(),
                diagnostics,
                jobs,
                keep_summaries: false,
                keep_top_level: false,
            };
            outcomes.push(pipeline::run(job, interrupted(), &mut progress)?);
            progress.clear();
        }
        Ok(outcomes)
    }

    /// Whether only essential output is printed.
    #[cfg(feature = "postgres")]
    pub fn is_quiet(&self) -> bool {
        self.common.quiet
    }

    /// The number of workers for these inputs.
    pub fn workers(&self) -> usize {
        self.jobs(self.total())
    }

    fn jobs(&self, total: Option<u64>) -> usize {
        let jobs = self.common.jobs.or(self.config.jobs).unwrap_or_else(|| match total {
            Some(bytes) if bytes <= SINGLE_THREAD_BYTES => 1,
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        });
        jobs.max(1)
    }

    fn progress(&self, total: Option<u64>) -> Progress {
        let quiet = self.common.quiet || self.common.no_progress;
        Progress::new(!quiet && io::stderr().is_terminal() && std::env::var_os("CI").is_none(), total)
    }

    // Total bytes to read, if known.
    fn total(&self) -> Option<u64> {
        if self.stream.is_some() {
            return None;
        }
        self.inputs.iter().map(|spec| spec.input.stat.map(|stat| stat.stamp.length)).sum()
    }

    // `goes_on` says that the run has something to do even where nobody reads its reports.
    fn reports(&self, to: ReportStream, progress: &Progress, goes_on: bool) -> Result<Vec<Report>, CliError> {
        let terminal = match to {
            ReportStream::Stdout => io::stdout().is_terminal(),
            ReportStream::Stderr => io::stderr().is_terminal(),
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
                ReportPlace::Target(OutputTarget::file(path))
            } else {
                let out: Box<dyn Write> = if to == ReportStream::Stdout { Box::new(stdout()) } else { Box::new(stderr()) };
                let out: Box<dyn Write> = if goes_on { Box::new(WhileRead::new(out)) } else { out };
                ReportPlace::Stream(match &self.captured {
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

// The number of a baseline's format; the first one had a version in its place. `None` if there is no number.
fn baseline_format(tree: &Tree) -> Option<u64> {
    let root = tree.root();
    root.get("format").or_else(|| root.get("version"))?.text().parse().ok()
}

/// What a schema declares about the records of one pipeline.
#[derive(Clone)]
pub struct RecordType {
    pub shape: Arc<Shape>,
    /// JSON pointers to the record's key; none if it has none.
    pub key: Vec<String>,
    /// Decides what may be shown of the records, where not everything may.
    pub redactor: Option<Arc<Redactor>>,
}

/// The result of a run.
pub struct RunResult {
    pub status: ExitStatus,
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// As long as they live, no other process puts a set of files where this run has put one.
    pub locks: Vec<FolderLock>,
    /// Whether outputs were held back.
    pub held_back: bool,
    /// Whether all was done and reported; not where nobody reads it any more.
    pub is_complete: bool,
    /// The inputs without findings.
    pub summaries: Vec<pipeline::SummarisedFile>,
}

/// The records of one schema, for a store that lays them out in tables.
pub struct Records {
    pub shape: Arc<Shape>,
    pub name: String,
    pub key: Vec<String>,
    /// The text of the schema and of the schemas it refers to.
    pub schema: Vec<u8>,
}

/// The files that a load depends on.
pub struct CacheInputs {
    /// The inputs by their names.
    pub inputs: Vec<(String, PathBuf)>,
    /// Config, schemas and the like.
    pub dependencies: Vec<PathBuf>,
}

/// Outputs besides the records.
#[derive(Default)]
pub struct SideOutputs {
    pub rejects: Option<OutputTarget>,
    pub report: Option<OutputTarget>,
    /// Receives each finding as a line of the `ndjson` report.
    pub findings: Option<Box<dyn io::Write>>,
}

impl SourceConfig {
    fn ready(self) -> RecordPipeline {
        RecordPipeline { stages: self.stages, references: self.references, lenient: self.unclaimed, redactor: self.redactor }
    }
}

impl InputSpec {
    fn open(&self, options: &read::Options, recorder: Option<ChecksumRecorder>) -> Result<pipeline::Opened, ReadError> {
        let encoding = self.encoding.as_deref();
        if let (Some(revision), Some(path)) = (&self.revision, &self.input.path) {
            let opened = open::open_stream(&self.input.name, revision.file(path)?, encoding)?;
            return self.cut(opened, &|path| revision.file(path), options);
        }
        let Some(recorder) = recorder.filter(|recorder| recorder.is_recorded(self.input.stat.as_ref())) else {
            let opened = open::open(&self.input, encoding)?;
            let file = |path: &Path| File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>);
            return self.cut(opened, &file, options);
        };
        let raw: Box<dyn Read + Send> = match &self.input.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        let opened = open::open_stream(&self.input.name, recorder.reader(&self.input.name, raw), encoding)?;
        let file = |path: &Path| {
            let shown = path.to_string_lossy().replace('\\', "/");
            File::open(path).map(|file| recorder.reader(&shown, Box::new(file)))
        };
        self.cut(opened, &file, options)
    }

    /// A removed file that was read like `self`.
    pub(super) fn beside(&self, gone: &Path) -> Self {
        Self { input: named(gone), revision: None, pipeline: self.pipeline, format: self.format, encoding: self.encoding.clone() }
    }

    /// The base version of the input, if its bytes are available; `file` returns those of a package's tables.
    pub(super) fn open_bytes(
        &self,
        bytes: Vec<u8>,
        file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
        options: &read::Options,
    ) -> Result<pipeline::Opened, ReadError> {
        let opened = open::open_stream(&self.input.name, Box::new(io::Cursor::new(bytes)), self.encoding.as_deref())?;
        self.cut(opened, file, options)
    }

    // A package of tables is larger than its description.
    fn size(&self) -> Option<u64> {
        let file = self.input.stat.filter(|file| file.is_file && !package::is_description(&self.input.name))?;
        Some(file.stamp.length)
    }

    /// The input with the edits made so far.
    fn open_held(&self, files: &fix::FileOverlay, options: &read::Options) -> Result<pipeline::Opened, ReadError> {
        let opened = files.open(&self.input, self.encoding.as_deref())?;
        let table = |path: &Path| files.read(&named(path), self.encoding.as_deref());
        self.cut(opened, &table, options)
    }

    /// The files of the input; several for a package of tables.
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
    ) -> Result<pipeline::Opened, ReadError> {
        let format = self.format_of(&mut opened, options)?;
        if let Some(path) = self.input.path.as_deref().filter(|_| format == Format::Json && package::is_description(&self.input.name)) {
            let description = Arc::new(opened.feed.consume_all()?);
            let folder = path.parent().unwrap_or(Path::new(""));
            let shown = |path: &Path| match &self.revision {
                Some(revision) => revision.shown(path),
                None => path.to_string_lossy().replace('\\', "/"),
            };
            let own = |path: &Path| match &self.revision {
                Some(_) => file(path),
                None => in_folder(folder, path).and_then(|()| file(path)),
            };
            let chunker = open_package(&description, folder, self.encoding.as_deref(), &shown, &own, options)?;
            return Ok(pipeline::Opened { format: Format::Csv.name(), decoded: opened.decoded, chunker });
        }
        Ok(pipeline::Opened { format: format.name(), decoded: opened.decoded, chunker: format.chunker(opened.feed, options) })
    }

    // The format: as named, by the name of the file, or by its first bytes.
    fn format_of(&self, opened: &mut open::Opened, options: &read::Options) -> Result<Format, ReadError> {
        let by_name = Format::by_extension(open::strip_compression(&self.input.name));
        let wrong = |kind: &FileKind| match (self.format, by_name) {
            (Some(_), _) => kind.is_certain,
            (None, Some(_)) => by_name == Some(Format::Handbook) || !kind.is_markup(),
            (None, None) => true,
        };
        if let Some(kind) = opened.kind.filter(|kind| wrong(kind)) {
            return Err(ReadError::Kind { kind, packed: opened.packed });
        }
        match self.format.or(by_name) {
            None | Some(Format::Handbook) if self.format.is_none() && open::peek(&mut opened.feed)?.trim_ascii().is_empty() => {
                // Nothing holds no records, regardless of its format.
                Ok(Format::Handbook)
            }
            Some(Format::Handbook) if self.format.is_none() => {
                let text = String::from_utf8_lossy(open::peek(&mut opened.feed)?);
                let is_page = options.forms.as_ref().map_or_else(|| Templates::default().know(&text), |forms| forms.know(&text));
                let help =
                    "no label of a form was found at its start: pass --from handbook if it is a page, else name its format with --from";
                if is_page { Ok(Format::Handbook) } else { Err(ReadError::UnknownFormat { help }) }
            }
            Some(format) => Ok(format),
            None => {
                let help = "name the format with --from, such as --from csv; chancery formats lists them";
                Format::by_first_bytes(open::peek(&mut opened.feed)?).ok_or(ReadError::UnknownFormat { help })
            }
        }
    }

    // Whether it is a text found in a directory that is no page of a handbook.
    fn is_other_text(&self, options: &read::Options) -> bool {
        let by_name = Format::by_extension(open::strip_compression(&self.input.name));
        let is_unsure = self.input.in_folder && self.format.is_none() && by_name == Some(Format::Handbook);
        is_unsure && matches!(self.open(options, None), Err(ReadError::UnknownFormat { .. }))
    }

    fn ready(self, options: &[read::Options], status: ChangeStatus, recorder: Option<ChecksumRecorder>) -> pipeline::Input {
        let options = options[self.pipeline].clone();
        pipeline::Input {
            name: Arc::clone(&self.input.name),
            pipeline: self.pipeline,
            status,
            size: self.size(),
            cached: None,
            open: Box::new(move || self.open(&options, recorder)),
        }
    }
}

// Inputs, and paths without inputs.
type Expanded = (Vec<ResolvedInput>, Vec<open::InputError>);

// The files that sources claim, each with the index of the first source that does.
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
pub(super) fn expand(paths: &[String]) -> (Vec<open::Input>, Vec<open::InputError>) {
    let known = |name: &str| Format::by_extension(name).is_some();
    open::expand(paths, &DirectoryRules { known: &known, package_tables: &claims, config_name: super::config::NAME })
}

// Like `expand`; paths may be at a git revision.
fn expand_with(paths: &[String], revisions: bool) -> (Vec<ResolvedInput>, Vec<open::InputError>) {
    let (old, now): (Vec<String>, Vec<String>) = paths.iter().cloned().partition(|path| revisions && revision::split(path).is_some());
    let (inputs, mut problems) = expand(&now);
    let mut found: Vec<ResolvedInput> = inputs.into_iter().map(|input| ResolvedInput { input, revision: None }).collect();
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

fn absent(problem: open::InputError) -> pipeline::Input {
    let name = problem.name().into();
    pipeline::Input {
        name,
        pipeline: 0,
        status: ChangeStatus::Added,
        size: None,
        cached: None,
        open: Box::new(move || Err(ReadError::Io(io::Error::other(problem.reason())))),
    }
}

// A file with its display name.
fn named(path: &Path) -> open::Input {
    open::Input::new(path.to_string_lossy().replace('\\', "/"), Some(path.to_owned()))
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

// The tables of a package are read side by side; an unusable package is reported as a finding.
fn open_package(
    description: &Arc<Source>,
    folder: &Path,
    encoding: Option<&str>,
    shown: &dyn Fn(&Path) -> String,
    file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
    options: &read::Options,
) -> Result<Box<dyn Chunker>, ReadError> {
    let mut table = |name: &str| {
        let path = folder.join(name);
        open::open_stream(&shown(&path).into(), file(&path)?, encoding).map(|opened| opened.feed).map_err(io::Error::other)
    };
    match package::open(description, &mut table, options) {
        Ok(chunker) => Ok(chunker),
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

fn dialect(input: &InputArgs, config: &Config) -> Result<Dialect, CliError> {
    let one = |what: &str, text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(CliError::usage(format!("{what} is one ASCII character, found {text:?}"))),
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
    fn parse(text: &str) -> Result<Self, CliError> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
        let format = report::Format::by_name(name).ok_or_else(|| {
            let names: Vec<&str> = report::Format::ALL.iter().map(|format| format.name()).collect();
            CliError::usage(format!("unknown report format {name}; formats are {}", names.join(", ")))
        })?;
        Ok(Self { format, file })
    }
}

/// The name of a collection: the schema's `x-record-name` or title, as a plain name.
pub fn collection_name(shape: &Shape) -> String {
    let root = shape.root();
    let name = root.keyword("x-record-name").map(crate::tree::Node::text).or_else(|| root.title()).unwrap_or("records");
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    if plain.is_empty() { "records".to_owned() } else { plain.to_owned() }
}

fn read_format(name: &str) -> Result<Format, CliError> {
    Format::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        CliError::usage(format!("{name} cannot be read; formats are {}", names.join(", ")))
    })
}

pub fn colour(when: Option<args::Color>, terminal: bool) -> bool {
    match when.unwrap_or_default() {
        args::Color::Always => true,
        args::Color::Never => false,
        args::Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn policy(common: &CommonArgs, config: &Config) -> Result<Policy, CliError> {
    let policy = Policy {
        select: if common.select.is_empty() { config.select.clone() } else { common.select.clone() },
        ignore: common.ignore.iter().chain(&config.ignore).cloned().collect(),
        severities: config.severities.clone(),
        overrides: config.overrides.clone(),
        strict: common.strict || config.strict,
        fail_on: match common.fail_on {
            Some(args::FailOn::Error) => Some(Severity::Error),
            Some(args::FailOn::Warning) => Some(Severity::Warning),
            Some(args::FailOn::Note) => Some(Severity::Note),
            Some(args::FailOn::Never) => None,
            None => config.fail_on.unwrap_or(Some(Severity::Error)),
        },
    };
    match policy.unknown().first() {
        Some(code) => Err(CliError::usage(format!("no rule has a code or name starting with {code:?}"))),
        None => Ok(policy),
    }
}

// The working directory relative to the repository root, in a GitHub workflow or GitLab job.
fn checkout() -> Option<report::RepoRoot> {
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(|name| {
        let root = PathBuf::from(std::env::var_os(name).filter(|root| !root.is_empty())?);
        let below = here.strip_prefix(root.canonicalize().ok()?).ok()?.to_string_lossy().replace('\\', "/");
        let root = root.to_string_lossy().replace('\\', "/").trim_end_matches('/').to_owned();
        Some(report::RepoRoot { root, below: if below.is_empty() { below } else { below + "/" } })
    })
}

/// Prints findings about config or schema on standard error.
pub fn show_findings(diagnostics: &[Diagnostic]) {
    // Nothing can be done if standard error is closed.
    let _ = draw_findings(diagnostics, io::stderr().is_terminal(), &mut io::stderr().lock());
}

/// Prints findings that belong to no run.
pub fn draw_findings(diagnostics: &[Diagnostic], terminal: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let format = if terminal { report::Format::Pretty } else { report::Format::Plain };
    let options = report::Options { color: colour(None, terminal), quiet: true, ..report::Options::default() };
    let mut reporter = report::reporter(format, &options);
    reporter.begin(out)?;
    diagnostics.iter().try_for_each(|diagnostic| reporter.report(diagnostic, out))?;
    reporter.finish(&report::Summary::default(), out)?;
    out.flush()
}

impl Stage for Normaliser {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.normalise(tree, diagnostics);
    }
}

impl Stage for Checker {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.check(tree, diagnostics);
    }
}

impl Stage for SemanticChecks {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.check(tree, diagnostics);
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
