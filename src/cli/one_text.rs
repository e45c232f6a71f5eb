//! A text that is at hand, such as a document in an editor: judged as the file of its name would be.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::args::{CommonArgs, InputArgs};
use super::config::{Config, Group};
use super::session::{Plan, Planned, Session, expand};
use super::{Trouble, schemas};
use crate::check::OnInvalid;
use crate::check::schema::Checker;
use crate::diagnostic::{Diagnostic, Notes, rules};
use crate::pipeline::suppress::Suppress;
use crate::pipeline::{self, Course, Job, Novelty, Older, Policy, Report, ReportPlace, Suppressions, Watch};
use crate::read::{self, Format, Intake};
use crate::report::{Reporter, Tally};
use crate::schema::{Shape, bundled};
use crate::source::open;
use crate::tree::Tree;

/// How a text is read and judged; made once and used for each of its versions.
pub struct OneText {
    plan: Plan,
    planned: Planned,
    policy: Policy,
    suppress: Vec<Suppress>,
}

impl OneText {
    /// As `config` has it: a text at the path of one of its sources goes through what they go through; of any other only
    /// what its format asks is checked. `schema` comes before either.
    pub fn new(config: Config, name: &str, path: Option<PathBuf>, from: Option<Format>, schema: Option<&str>) -> Result<Self, Trouble> {
        let group = path.as_deref().and_then(|path| group_of(&config, path));
        let session = Session::bare(CommonArgs::default(), config, false)?;
        let own = group.as_ref().map(|group| group.schema.as_deref().or(session.config.schema.as_deref()).unwrap_or("profile"));
        let schema = schema.or(own).unwrap_or("none").to_owned();
        let group = group.unwrap_or(Group { unclaimed: schema == "none", ..Group::default() });
        let plan = session.course(&schema, &group, &InputArgs::default())?;
        let format = group.from.as_deref().or(session.config.from.as_deref()).and_then(Format::by_name).or(from);
        let planned = Planned { input: open::Input::new(name, path), at: None, course: 0, format, encoding: None };
        Ok(Self { plan, planned, policy: session.policy, suppress: session.config.suppress })
    }

    /// A config, judged by its own schema.
    pub fn of_config(path: &Path) -> Result<Self, Trouble> {
        let schema = schemas::own(bundled::CONFIG, true)?;
        let session = Session::bare(CommonArgs::default(), Config::default(), false)?;
        let mut plan = session.course("none", &Group { records: Some(String::new()), ..Group::default() }, &InputArgs::default())?;
        plan.shape = Arc::new(Shape::of(&schema));
        plan.stages = vec![Arc::new(Checker::new(schema))];
        let input = open::Input::new(path.to_string_lossy().replace('\\', "/"), Some(path.to_owned()));
        let planned = Planned { input, at: None, course: 0, format: Some(Format::Toml), encoding: None };
        Ok(Self { plan, planned, policy: session.policy, suppress: Vec::new() })
    }

    /// What is known of its records.
    pub fn shape(&self) -> &Shape {
        &self.plan.shape
    }

    /// Where its records are, if that is said.
    pub fn records(&self) -> Option<&str> {
        self.plan.options.records.as_deref()
    }

    /// What parts its cells, if that is said.
    pub fn delimiter(&self) -> Option<u8> {
        self.plan.options.csv.delimiter
    }

    /// Its format: as named, by its name, or by its first bytes.
    pub fn format(&self, text: &str) -> Format {
        let by_name = || Format::by_extension(open::strip_compression(&self.planned.input.name));
        self.planned.format.or_else(by_name).or_else(|| Format::by_first_bytes(text.as_bytes())).unwrap_or(Format::Handbook)
    }

    /// The findings.
    pub fn check(&self, text: &str) -> Vec<Diagnostic> {
        let findings = Arc::new(Mutex::new(Vec::new()));
        let opened = self.open(text);
        let job = Job {
            inputs: vec![pipeline::Input {
                name: Arc::clone(&self.planned.input.name),
                open: Box::new(|| opened),
                course: 0,
                novelty: Novelty::New,
                size: None,
                known: None,
            }],
            courses: vec![Course { stages: self.plan.stages.clone(), across: self.plan.across.clone(), lenient: false, redactor: None }],
            complete: false,
            outputs: Vec::new(),
            rejects: None,
            on_invalid: OnInvalid::Skip,
            reports: vec![Report { reporter: Box::new(Kept(Arc::clone(&findings))), place: ReportPlace::Stream(Box::new(io::sink())) }],
            policy: self.policy.clone(),
            baseline: None,
            suppressions: Suppressions::new(self.suppress.clone(), false),
            older: Older::default(),
            passed_over: 0,
            skipped: 0,
            notes: Vec::new(),
            jobs: 1,
            keep_accounts: false,
            keep_top_level: false,
        };
        // Nothing is written, so nothing can fail.
        let _ = pipeline::run(job, &AtomicBool::new(false), &mut Unwatched);
        let mut findings = findings.lock().map(|mut findings| std::mem::take(&mut *findings)).unwrap_or_default();
        // The record that a reference names may be in another file.
        findings.retain(|finding| finding.rule != &rules::DANGLING_REFERENCE);
        findings
    }

    /// Hands over each record that can be read.
    pub fn read(&self, text: &str, each: &mut dyn FnMut(&mut Tree)) {
        let Ok(mut opened) = self.open(text) else { return };
        // What cannot be read is told by the check.
        let _ = read::read_all(&mut *opened.cutter, &mut Each(each));
    }

    fn open(&self, text: &str) -> Result<pipeline::Opened, crate::source::Failure> {
        let table = |path: &Path| std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn io::Read + Send>);
        self.planned.open_bytes(text.as_bytes().to_vec(), &table, &self.plan.options)
    }
}

// The group of sources that a path belongs to.
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

struct Kept(Arc<Mutex<Vec<Diagnostic>>>);

impl Reporter for Kept {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn io::Write) -> io::Result<()> {
        if let Ok(mut findings) = self.0.lock() {
            findings.push(diagnostic.clone());
        }
        Ok(())
    }

    fn finish(&mut self, _tally: &Tally, _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
}

struct Unwatched;

impl Watch for Unwatched {
    fn advanced(&mut self, _bytes: u64, _records: u64) {}
}

struct Each<'e>(&'e mut dyn FnMut(&mut Tree));

impl Notes for Each<'_> {
    fn note(&mut self, _: Diagnostic) {}
}

impl Intake for Each<'_> {
    fn record(&mut self, tree: &mut Tree) {
        (self.0)(tree);
    }

    fn broken(&mut self) {}

    fn remark(&mut self, _: Diagnostic) {}

    fn stop(&mut self) {}
}
