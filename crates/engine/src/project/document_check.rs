//! Checks a text in memory, such as a document in an editor, like the file of its name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::collection::Collection;
use super::config::{Config, Group};
use super::input::{InputSpec, shown};
use super::inputs::sources;
use super::paths::expand;
use super::settings::{CollectionSettings, Overrides, ResolvedSettings};
use super::{Error, schemas};
use crate::pipeline::suppress::Suppress;
use crate::pipeline::{self, ChangeStatus, Job, Policy, RecordPipeline, Report, ReportPlace, Suppressions, Watch};
use chancery_check::schema::Checker;
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, rules};
use chancery_core::tree::Tree;
use chancery_files::open;
use chancery_formats::read::records::Records;
use chancery_formats::read::{self, Format, RecordVisitor};
use chancery_report::{Reporter, Summary};
use chancery_schema::{Shape, bundled};

/// How a text is read and checked; created once and used for each of its versions.
pub struct DocumentCheck {
    collection: Collection,
    spec: InputSpec,
    policy: Policy,
    suppress: Vec<Suppress>,
}

impl DocumentCheck {
    /// According to `config`: a text at the path of one of its sources is checked like that source; for any other text,
    /// only the syntax is checked. `schema` takes precedence over both.
    ///
    /// # Errors
    /// When the config or the schema is invalid or cannot be read.
    pub fn new(config: &Config, name: &str, path: Option<PathBuf>, from: Option<Format>, schema: Option<&str>) -> Result<Self, Error> {
        let overrides = Overrides { schema: schema.map(str::to_owned), ..Overrides::default() };
        let source = path.as_deref().and_then(|path| source_of(config, path));
        let without_source = Group { unclaimed: schema.is_none_or(|schema| schema == "none"), ..Group::default() };
        let settings = CollectionSettings::new(&overrides, config, &source.unwrap_or(without_source))?;
        let ResolvedSettings { policy, suppress, .. } = ResolvedSettings::new(&overrides, config)?;
        let collection = Collection::compile(&settings)?;
        let format = collection.format.or(config.from).or(from);
        let spec = InputSpec { input: open::Input::new(name, path), revision: None, collection: 0, format, encoding: None };
        Ok(Self { collection, spec, policy, suppress })
    }

    /// A config, checked against its own schema.
    ///
    /// # Errors
    /// When that schema is invalid.
    pub fn of_config(path: &Path) -> Result<Self, Error> {
        let schema = schemas::own(bundled::CONFIG, true)?;
        let mut check = Self::new(&Config::default(), &shown(path), Some(path.to_owned()), Some(Format::Toml), None)?;
        check.collection.options.records = Records::whole();
        check.collection.shape = Arc::new(Shape::of(&schema));
        check.collection.stages = vec![Arc::new(Checker::new(schema))];
        Ok(check)
    }

    /// The shape of its records.
    pub fn shape(&self) -> &Shape {
        &self.collection.shape
    }

    /// Where its records are.
    pub fn records(&self) -> &Records {
        &self.collection.options.records
    }

    /// Its delimiter, if configured.
    pub fn delimiter(&self) -> Option<u8> {
        self.collection.options.csv.delimiter
    }

    /// Its format: as configured, by its name, or by its first bytes.
    pub fn format(&self, text: &str) -> Format {
        let by_name = || Format::by_extension(open::strip_compression(&self.spec.input.name));
        self.spec.format.or_else(by_name).or_else(|| read::format_of(text.as_bytes())).unwrap_or(Format::Handbook)
    }

    /// The findings.
    pub fn check(&self, text: &str) -> Vec<Diagnostic> {
        let findings = Arc::new(Mutex::new(Vec::new()));
        let opened = self.open(text);
        let input = pipeline::Input {
            name: Arc::clone(&self.spec.input.name),
            open: Box::new(|| opened),
            pipeline: 0,
            status: ChangeStatus::Added,
            size: None,
            cached: None,
        };
        let (stages, references) = (self.collection.stages.clone(), self.collection.references.clone());
        let reporter = Box::new(CollectingReporter(Arc::clone(&findings)));
        let job = Job {
            reports: vec![Report { reporter, place: ReportPlace::Stream(Box::new(io::sink())) }],
            policy: self.policy.clone(),
            suppressions: Suppressions::new(self.suppress.clone(), false),
            ..Job::new(vec![input], vec![RecordPipeline { stages, references, lenient: false, redactor: None }])
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

    fn open(&self, text: &str) -> Result<pipeline::Opened, chancery_core::source::ReadError> {
        let table = |path: &Path| std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn io::Read + Send>);
        self.spec.open_bytes(text.as_bytes().to_vec(), &table, &self.collection.options)
    }
}

// The source of the config that a path belongs to.
fn source_of(config: &Config, path: &Path) -> Option<Group> {
    config.path.as_ref()?;
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    sources(config).into_iter().find(|source| {
        let inside = |folder: &String| Path::new(folder).canonicalize().is_ok_and(|folder| folder.is_dir() && real.starts_with(folder));
        let named = |input: open::Input| input.path.and_then(|path| path.canonicalize().ok()).is_some_and(|input| input == real);
        source.paths.iter().any(inside) || expand(&source.paths).0.into_iter().any(named)
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
