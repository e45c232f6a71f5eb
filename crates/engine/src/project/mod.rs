//! A project: its settings, its collections, and what to read. Everything that reads records starts here.
//!
//! Input: what a caller sets ([`Overrides`]) and the config. [`Project::resolve`] merges the two into
//! [`ResolvedSettings`], compiles the schema of each [`Collection`], and finds the inputs ([`InputSet`]).
//! [`JobBuilder`] makes the job of them. The commands, the language server and other callers share this, so nothing
//! here prints, or knows flags.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use chancery_engine::pipeline::{self, Watch};
//! use chancery_engine::project::settings::InputOverrides;
//! use chancery_engine::project::{JobBuilder, Overrides, Project};
//!
//! struct NoProgress;
//! impl Watch for NoProgress {
//!     fn advanced(&mut self, _bytes: u64, _records: u64) {}
//! }
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("sizes.json");
//! std::fs::write(&path, r#"[{"size": 7}, {"size": "8"}]"#)?;
//! let schema = folder.path().join("size.schema.json");
//! std::fs::write(&schema, r#"{"properties": {"size": {"type": "integer"}}}"#)?;
//!
//! let project = Project::resolve(&Overrides {
//!     schema: Some(schema.to_string_lossy().into_owned()),
//!     input: InputOverrides { paths: vec![path.to_string_lossy().into_owned()], ..InputOverrides::default() },
//!     no_config: true,
//!     ..Overrides::default()
//! })?;
//! let job = JobBuilder::new(project).build()?;
//! let outcome = pipeline::run(job, &AtomicBool::new(false), &mut NoProgress)?;
//! assert_eq!((outcome.summary.valid, outcome.summary.invalid), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod baseline;
pub mod cache;
mod changed_since;
pub mod collection;
pub mod config;
mod discovery;
pub mod document_check;
mod error;
pub mod input;
pub mod inputs;
pub mod job;
mod paths;
mod revision;
pub mod schemas;
pub mod settings;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::pipeline::{self, Baseline, ChangeStatus, Stage};
use chancery_core::source::{Format, InputBuffer, Position};
use chancery_files::output::OutputTarget;
use chancery_formats::read;

pub use collection::Collection;
pub use error::Error;
pub use inputs::InputSet;
pub use job::JobBuilder;
pub use settings::{Overrides, ResolvedSettings};

use changed_since::ChangedFiles;
use config::{Config, Group};
use input::InputSpec;
use paths::{Expanded, expand_with};
use revision::ResolvedInput;
use settings::CollectionSettings;

/// The file name of a config.
pub const CONFIG_NAME: &str = "chancery.toml";

/// Everything that is known before the first record is read.
pub struct Project {
    /// Settings that do not depend on the collection.
    pub settings: ResolvedSettings,
    /// The collections.
    pub collections: Vec<Collection>,
    /// What to read.
    pub inputs: InputSet,
    /// Known findings.
    pub baseline: Option<(Baseline, OutputTarget)>,
    /// The files that have changed, if only those are reported.
    pub changed_since: Option<ChangedFiles>,
    /// The changed config or schema because of which everything is reported after all.
    pub changed_config: Option<PathBuf>,
}

impl Project {
    /// Resolves a project.
    ///
    /// # Errors
    /// When settings, the config or a schema are invalid, or cannot be read.
    pub fn resolve(overrides: &Overrides) -> Result<Self, Error> {
        // The two sides of a comparison are one project, wherever a version of a file is.
        let paths: &[String] = if overrides.unchecked { &[] } else { &overrides.input.paths };
        let config = config(overrides, paths)?;
        let mut project = Self::without_inputs(overrides, &config)?;
        let paths = &overrides.input.paths;
        project.inputs.is_whole = paths.is_empty();
        if paths.is_empty() && config.sources.is_empty() && !inputs::default_input(&config).exists() {
            let message = "no paths are given, no sources are configured, and the directory input/ does not exist; \
                           name files or directories, or run `chancery init`";
            return Err(Error::setting(format!("nothing to read: {message}")));
        }
        let groups = inputs::groups(overrides, &config);
        project.inputs.sources = groups.iter().map(|(group, _)| group.paths.clone()).collect();
        for (group, found) in groups {
            project.add(overrides, &config, &group, found)?;
        }
        project.inputs.set_one_file(paths);
        let faults = collection::bind(&mut project.collections);
        if !overrides.unchecked {
            if !faults.is_empty() {
                return Err(Error::Findings(faults));
            }
            project.baseline = baseline::open(&project.settings, paths)?;
            project.find_changes()?;
        }
        Ok(project)
    }

    /// A project whose records are lines of JSON that come from no file, and go through the stages `first` before all
    /// others.
    ///
    /// # Errors
    /// When settings, the config or the schema are invalid, or cannot be read.
    pub fn of_stream(overrides: &Overrides, name: &str, stream: Box<dyn Read + Send>, first: Vec<Arc<dyn Stage>>) -> Result<Self, Error> {
        let config = config(overrides, &[])?;
        let mut project = Self::without_inputs(overrides, &config)?;
        let mut collection = Collection::compile(&CollectionSettings::new(overrides, &config, &Group::default())?)?;
        collection.stages.splice(0..0, first);
        let options = read::Options { records: read::records::Records::default(), ..collection.options.clone() };
        project.collections.push(collection);
        let name: Arc<str> = name.into();
        let feed = InputBuffer::new(Arc::clone(&name), stream, Position::START);
        let format = Format::Ndjson;
        let open = move || Ok(pipeline::Opened { format, decoded: false, chunker: read::chunker(format, feed, &options) });
        project.inputs.stream =
            Some(pipeline::Input { name, open: Box::new(open), pipeline: 0, status: ChangeStatus::Added, size: None, cached: None });
        Ok(project)
    }

    fn without_inputs(overrides: &Overrides, config: &Config) -> Result<Self, Error> {
        Ok(Self {
            settings: ResolvedSettings::new(overrides, config)?,
            collections: Vec::new(),
            inputs: InputSet::default(),
            baseline: None,
            changed_since: None,
            changed_config: None,
        })
    }

    // Adds the collection of a source with its inputs.
    fn add(&mut self, overrides: &Overrides, config: &Config, group: &Group, found: Option<Expanded>) -> Result<(), Error> {
        let settings = CollectionSettings::new(overrides, config, group)?;
        let mut collection = Collection::compile(&settings)?;
        let (mut found, missing) = found.unwrap_or_else(|| expand_with(&group.paths, overrides.input.revisions));
        if group.unclaimed {
            let diagnostics;
            (found, diagnostics) = self.inputs.take_unclaimed(found, overrides, config);
            collection.diagnostics.extend(diagnostics);
        }
        for ResolvedInput { input, revision } in found {
            let (number, encoding) = (self.collections.len(), collection.encoding.clone());
            let spec = InputSpec { input, revision, collection: number, format: collection.format, encoding };
            if spec.is_other_text(&collection.options) {
                self.inputs.skipped += 1;
            } else {
                self.inputs.specs.push(spec);
            }
        }
        self.inputs.missing.extend(missing);
        self.collections.push(collection);
        Ok(())
    }

    // Everything is reported if the config or a schema has changed.
    fn find_changes(&mut self) -> Result<(), Error> {
        let Some(revision) = &self.settings.changed_since else { return Ok(()) };
        let since = ChangedFiles::new(revision)?;
        let schemas = self.collections.iter().flat_map(|collection| &collection.schema_files);
        let files = self.settings.config_file.iter().chain(schemas);
        self.changed_config = files.filter(|file| since.has_changed(file)).min().cloned();
        self.changed_since = self.changed_config.is_none().then_some(since);
        Ok(())
    }

    /// The files besides the inputs that the result depends on: config, baseline, form and schemas.
    #[must_use]
    pub fn dependencies(&self) -> Vec<PathBuf> {
        let schemas = self.collections.iter().flat_map(|collection| collection.schema_files.iter().cloned());
        settings::config_files(&self.settings).chain(schemas).collect()
    }

    /// The same project for each of its collections.
    pub fn into_collections(self) -> impl Iterator<Item = Self> {
        let Self { settings, collections, mut inputs, .. } = self;
        collections.into_iter().enumerate().map(move |(number, collection)| {
            let (specs, rest) = std::mem::take(&mut inputs.specs).into_iter().partition(|spec| spec.collection == number);
            inputs.specs = rest;
            let specs: Vec<InputSpec> = specs;
            let specs = specs.into_iter().map(|spec| InputSpec { collection: 0, ..spec }).collect();
            let missing = std::mem::take(&mut inputs.missing);
            let own = InputSet { specs, missing, skipped: inputs.skipped, ..InputSet::default() };
            Self {
                settings: settings.clone(),
                collections: vec![collection],
                inputs: own,
                baseline: None,
                changed_since: None,
                changed_config: None,
            }
        })
    }
}

fn config(overrides: &Overrides, paths: &[String]) -> Result<Config, Error> {
    if overrides.no_config { Ok(Config::default()) } else { Config::find(overrides.config.as_deref(), paths) }
}
