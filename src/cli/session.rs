//! What all commands that read records share: flags and config become a [`Job`](crate::pipeline::Job), which is run.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::{self, CommonArgs, InputArgs};
use super::config::{Config, Group};
use super::progress::Progress;
use super::schemas;
use super::{Trouble, Verdict};
use crate::check::OnInvalid;
use crate::check::across;
use crate::check::facts::Facts;
use crate::check::schema::Checker;
use crate::diagnostic::{Diagnostic, Notes, Severity};
use crate::load::file::Target;
use crate::normalise::{self, Normaliser};
use crate::pipeline::{self, Course, Job, Output, Policy, Report, ReportPlace, Stage};
use crate::read::{self, Format, Intake};
use crate::report;
use crate::schema::{Schema, Shape};
use crate::source::open::{self, Folders};
use crate::tree::Tree;
use crate::write;

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
    config: Config,
    courses: Vec<Plan>,
    inputs: Vec<Planned>,
    problems: Vec<open::Problem>,
    reports: Vec<ReportArg>,
    policy: Policy,
}

// What the records of one schema are read with and go through.
struct Plan {
    shape: Arc<Shape>,
    options: read::Options,
    stages: Vec<Arc<dyn Stage>>,
    across: Option<across::Plan>,
    key: Option<String>,
    name: String,
}

struct Planned {
    input: open::Input,
    course: usize,
    format: Option<Format>,
    encoding: Option<String>,
}

struct ReportArg {
    format: report::Format,
    file: Option<PathBuf>,
}

impl Session {
    /// Settles what flags and config ask for; flags win.
    pub fn new(common: CommonArgs, input: InputArgs) -> Result<Self, Trouble> {
        let config = if common.no_config { Config::default() } else { Config::find(common.config.as_deref())? };
        let mut session = Self {
            policy: policy(&common, &config)?,
            reports: common.report.iter().chain(&config.report).map(|text| ReportArg::parse(text)).collect::<Result<_, _>>()?,
            courses: Vec::new(),
            inputs: Vec::new(),
            problems: Vec::new(),
            common,
            config,
        };
        if session.reports.iter().filter(|report| report.file.is_none()).count() > 1 {
            return Err(Trouble::usage("two reports to one stream; give one of them a file: --report FORMAT=FILE"));
        }
        for group in session.groups(&input) {
            session.plan(&group, &input)?;
        }
        Ok(session)
    }

    // What to read: the paths of the command line with one schema, or the config's sources with theirs, or input/.
    fn groups(&self, input: &InputArgs) -> Vec<Group> {
        let schema = || self.common.schema.clone().or_else(|| self.config.schema.clone());
        if !input.paths.is_empty() {
            // A file of the config's sources keeps their schema, also when it is named.
            return vec![Group { paths: input.paths.clone(), schema: schema(), ..Group::default() }];
        }
        if !self.config.sources.is_empty() {
            return self.config.sources.clone();
        }
        vec![Group { paths: vec![self.config.folder.join("input").to_string_lossy().replace('\\', "/")], schema: schema(), ..Group::default() }]
    }

    fn plan(&mut self, group: &Group, input: &InputArgs) -> Result<(), Trouble> {
        let schema = self.common.schema.clone().or_else(|| group.schema.clone()).or_else(|| self.config.schema.clone());
        let course = self.courses.len();
        let plan = self.course(schema.as_deref().unwrap_or("profile"), group, input)?;
        self.courses.push(plan);
        let format = input.from.as_deref().or(group.from.as_deref()).or(self.config.from.as_deref());
        let format = format.map(read_format).transpose()?;
        let encoding = input.encoding.clone().or_else(|| self.config.encoding.clone());
        if let Some(name) = encoding.as_deref().filter(|name| !open::is_encoding(name)) {
            return Err(Trouble::usage(format!("no encoding is called {name}")));
        }
        let known = |name: &str| Format::by_extension(name).is_some();
        let (inputs, problems) = open::expand(&group.paths, &Folders { known: &known, claims: &read::csv::package::claims });
        for input in inputs {
            self.inputs.push(Planned { input, course, format, encoding: encoding.clone() });
        }
        self.problems.extend(problems);
        Ok(())
    }

    fn course(&self, schema: &str, group: &Group, input: &InputArgs) -> Result<Plan, Trouble> {
        let (common, config) = (&self.common, &self.config);
        let dirs: Vec<PathBuf> = common.schema_dir.iter().chain(&config.schema_dir).cloned().collect();
        let schema = schemas::load(schema, &dirs, !common.no_format)?;
        let shape = Arc::new(schema.as_ref().map_or_else(Shape::any, |schema| Shape::of(schema)));
        let mut stages: Vec<Arc<dyn Stage>> = Vec::new();
        if !common.no_normalise {
            let options = normalise::Options { defaults: common.defaults || config.defaults, ..config.normalise.clone() };
            stages.push(Arc::new(Normaliser::new(&shape, &options)));
        }
        if let Some(schema) = &schema {
            stages.push(Arc::new(Checker::new(Arc::clone(schema))));
            stages.push(Arc::new(Facts::new(&shape)));
        }
        let across = across::Plan::new(&shape);
        let key = common.key.clone().or_else(|| config.key.clone()).or_else(|| across.key().map(str::to_owned));
        Ok(Plan {
            options: read_options(&shape, group, input, config)?,
            name: shape.root().record_name().unwrap_or("records").to_owned(),
            shape,
            stages,
            across: Some(across),
            key,
        })
    }
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
