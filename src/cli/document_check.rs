//! Checks a text in memory, such as a document in an editor, like the file of its name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::args::{CommonArgs, InputArgs};
use super::config::{Config, Group};
use super::session::{InputSpec, Session, SourceConfig, expand};
use super::{CliError, schemas};
use crate::check::OnInvalid;
use crate::check::schema::Checker;
use crate::diagnostic::{Diagnostic, DiagnosticSink, rules};
use crate::pipeline::suppress::Suppress;
use crate::pipeline::{self, BaseRecords, ChangeStatus, Job, Policy, RecordPipeline, Report, ReportPlace, Suppressions, Watch};
use crate::read::records::Records;
use crate::read::{self, Format, RecordVisitor};
use crate::report::{Reporter, Summary};
use crate::schema::{Shape, bundled};
use crate::source::open;
use crate::tree::Tree;

/// How a text is read and checked; created once and used for each of its versions.
pub struct DocumentCheck {
    config: SourceConfig,
    spec: InputSpec,
    policy: Policy,
    suppress: Vec<Suppress>,
}

impl DocumentCheck {
    /// According to `config`: a text at the path of one of its sources is checked like that source; for any other text,
    /// only the syntax is checked. `schema` takes precedence over both.
    pub fn new(config: Config, name: &str, path: Option<PathBuf>, from: Option<Format>, schema: Option<&str>) -> Result<Self, CliError> {
        let group = path.as_deref().and_then(|path| group_of(&config, path));
        let session = Session::without_inputs(CommonArgs::default(), config, false)?;
        let own = group.as_ref().map(|group| group.schema.as_deref().or(session.config.schema.as_deref()).unwrap_or("profile"));
        let schema = schema.or(own).unwrap_or("none").to_owned();
        let group = group.unwrap_or(Group { unclaimed: schema == "none", ..Group::default() });
        let plan = session.source_config(&schema, &group, &InputArgs::default())?;
        let format = group.from.as_deref().or(session.config.from.as_deref()).and_then(Format::by_name).or(from);
        let spec = InputSpec { input: open::Input::new(name, path), revision: None, pipeline: 0, format, encoding: None };
        Ok(Self { config: plan, spec, policy: session.policy, suppress: session.config.suppress })
    }

    /// A config, checked against its own schema.
    pub fn of_config(path: &Path) -> Result<Self, CliError> {
        let schema = schemas::own(bundled::CONFIG, true)?;
        let session = Session::without_inputs(CommonArgs::default(), Config::default(), false)?;
        let mut plan = session.source_config("none", &Group { records: Some(String::new()), ..Group::default() }, &InputArgs::default())?;
        plan.shape = Arc::new(Shape::of(&schema));
        plan.stages = vec![Arc::new(Checker::new(schema))];
        let input = open::Input::new(path.to_string_lossy().replace('\\', "/"), Some(path.to_owned()));
        let spec = InputSpec { input, revision: None, pipeline: 0, format: Some(Format::Toml), encoding: None };
        Ok(Self { config: plan, spec, policy: session.policy, suppress: Vec::new() })
    }

    /// The shape of its records.
    pub fn shape(&self) -> &Shape {
        &self.config.shape
    }

    /// Where its records are.
    pub fn records(&self) -> &Records {
        &self.config.options.records
    }

    /// Its delimiter, if configured.
    pub fn delimiter(&self) -> Option<u8> {
        self.config.options.csv.delimiter
    }

    /// Its format: as configured, by its name, or by its first bytes.
    pub fn format(&self, text: &str) -> Format {
        let by_name = || Format::by_extension(open::strip_compression(&self.spec.input.name));
        self.spec.format.or_else(by_name).or_else(|| Format::by_first_bytes(text.as_bytes())).unwrap_or(Format::Handbook)
    }

    /// The findings.
    pub fn check(&self, text: &str) -> Vec<Diagnostic> {
        let findings = Arc::new(Mutex::new(Vec::new()));
        let opened = self.open(text);
        let job = Job {
            inputs: vec![pipeline::Input {
                name: Arc::clone(&self.spec.input.name),
                open: Box::new(|| opened),
                pipeline: 0,
                status: ChangeStatus::Added,
                size: None,
                cached: None,
            }],
            pipelines: vec![RecordPipeline {
                stages: self.config.stages.clone(),
                references: self.config.references.clone(),
                lenient: false,
                redactor: None,
            }],
            complete: false,
            outputs: Vec::new(),
            rejects: None,
            on_invalid: OnInvalid::Skip,
            reports: vec![Report {
                reporter: Box::new(CollectingReporter(Arc::clone(&findings))),
                place: ReportPlace::Stream(Box::new(io::sink())),
            }],
            policy: self.policy.clone(),
            baseline: None,
            suppressions: Suppressions::new(self.suppress.clone(), false),
            base: BaseRecords::default(),
            unchanged_files: 0,
            skipped: 0,
            diagnostics: Vec::new(),
            jobs: 1,
            keep_summaries: false,
            keep_top_level: false,
        };
        // Nothing is written, so nothing can fail.
        let _ = pipeline::run(job, &AtomicBool::new(false), &mut NoProgress);
        let mut findings = findings.lock().map(|mut findings| std::mem::take(&mut *findings)).unwrap_or_default();
        // A referenced record may be in another file.
        findings.retain(|finding| finding.rule != &rules::DANGLING_REFERENCE);
        findings
    }

    /// Visits each record that can be read.
    pub fn read(&self, text: &str, each: &mut dyn FnMut(&mut Tree)) {
        let Ok(mut opened) = self.open(text) else { return };
        // The check reports what cannot be read.
        let _ = read::read_all(&mut *opened.chunker, &mut VisitEach(each));
    }

    fn open(&self, text: &str) -> Result<pipeline::Opened, crate::source::ReadError> {
        let table = |path: &Path| std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn io::Read + Send>);
        self.spec.open_bytes(text.as_bytes().to_vec(), &table, &self.config.options)
    }
}

// The source group of a path.
fn group_of(config: &Config, path: &Path) -> Option<Group> {
    config.path.as_ref()?;
    let default = || vec![Group { paths: vec![config.folder.join("input").to_string_lossy().into_owned()], ..Group::default() }];
    let groups = if config.sources.is_empty() { default() } else { config.sources.clone() };
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    groups.into_iter().find(|group| {
        let inside = |folder: &String| Path::new(folder).canonicalize().is_ok_and(|folder| folder.is_dir() && real.starts_with(folder));
        let named = |input: open::Input| input.path.and_then(|path| path.canonicalize().ok()).is_some_and(|input| input == real);
        group.paths.iter().any(inside) || expand(&group.paths).0.into_iter().any(named)
    })
}

struct CollectingReporter(Arc<Mutex<Vec<Diagnostic>>>);

impl Reporter for CollectingReporter {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn io::Write) -> io::Result<()> {
        if let Ok(mut findings) = self.0.lock() {
            findings.push(diagnostic.clone());
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
}

struct NoProgress;

impl Watch for NoProgress {
    fn advanced(&mut self, _bytes: u64, _records: u64) {}
}

struct VisitEach<'e>(&'e mut dyn FnMut(&mut Tree));

impl DiagnosticSink for VisitEach<'_> {
    fn emit(&mut self, _: Diagnostic) {}
}

impl RecordVisitor for VisitEach<'_> {
    fn record(&mut self, tree: &mut Tree) {
        (self.0)(tree);
    }

    fn malformed(&mut self) {}

    fn file_diagnostic(&mut self, _: Diagnostic) {}

    fn stop(&mut self) {}
}
