//! Settings: what the caller asks for takes precedence over the config, and the config over the defaults.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{Config, Group};
use super::{Error, discovery, schemas};
use crate::pipeline::Policy;
use crate::pipeline::baseline::Update;
use crate::pipeline::suppress::Suppress;
use chancery_check::OnInvalid;
use chancery_check::normalise;
use chancery_core::diagnostic::Severity;
use chancery_files::open;
use chancery_formats::read::csv::{Cells, Dialect};
use chancery_formats::read::{self, Format};
use chancery_formats::write;
use chancery_schema::Shape;

/// Inputs up to this total size are processed without worker threads, which would cost more than they save.
const SINGLE_THREAD_BYTES: u64 = 256 * 1024;

/// What a caller sets. Everything unset is taken from the config.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The config file; by default the nearest one above the inputs.
    pub config: Option<PathBuf>,
    /// Whether config files are ignored.
    pub no_config: bool,
    /// What to read, and how.
    pub input: InputOverrides,
    /// The schema of all records: a file, `profile` for the bundled one, or `none`.
    pub schema: Option<String>,
    /// Directories of additional schemas.
    pub schema_dir: Vec<PathBuf>,
    /// JSON pointer to a record's key.
    pub key: Option<String>,
    /// Whether records are checked as written.
    pub no_normalise: bool,
    /// Whether `format` is not checked.
    pub no_format: bool,
    /// Whether the schema's defaults are filled in.
    pub defaults: bool,
    /// Whether the inputs are the complete collection.
    pub complete: bool,
    /// Whether normalisations are errors.
    pub strict: bool,
    /// Number of workers.
    pub jobs: Option<usize>,
    /// Minimum severity that fails the run; `Some(None)` is never.
    pub fail_on: Option<Option<Severity>>,
    /// The rules to report.
    pub select: Vec<String>,
    /// Rules that are not reported.
    pub ignore: Vec<String>,
    /// The file of known findings.
    pub baseline: Option<PathBuf>,
    /// How that file is updated.
    pub write_baseline: Option<Update>,
    /// The git revision since which changes are reported.
    pub changed_since: Option<String>,
    /// Whether sensitive values are redacted.
    pub mask: bool,
    /// Whether records are only read and normalised.
    pub unchecked: bool,
}

impl Overrides {
    /// Where the config of a run with these settings is, if it has one.
    ///
    /// # Errors
    /// When its paths belong to several projects.
    pub fn config_file(&self) -> Result<Option<PathBuf>, Error> {
        if self.no_config { Ok(None) } else { discovery::locate(self.config.as_deref(), &self.input.paths) }
    }
}

/// What a caller sets about the inputs.
#[derive(Clone, Debug, Default)]
pub struct InputOverrides {
    /// Files, directories, globs, or `-`; by default those of the config.
    pub paths: Vec<String>,
    /// Whether `REV:PATH` is accepted as a path.
    pub revisions: bool,
    /// The format.
    pub from: Option<Format>,
    /// Location of the records.
    pub records: Option<String>,
    /// The encoding of inputs without a byte order mark.
    pub encoding: Option<String>,
    /// How CSV is written.
    pub csv: DialectOverrides,
    /// The form of handbook pages: a name or a file.
    pub form: Option<String>,
    /// How to handle files that no source of the config claims.
    pub unclaimed: Unclaimed,
    /// Maximum record size.
    pub max_record_bytes: Option<usize>,
    /// Maximum nesting depth.
    pub max_depth: Option<usize>,
}

/// What a caller sets about CSV.
#[derive(Clone, Debug, Default)]
pub struct DialectOverrides {
    /// The delimiter.
    pub delimiter: Option<u8>,
    /// Whether the first row is data.
    pub no_header: bool,
    /// The beginning of a comment line.
    pub comment: Option<u8>,
    /// Texts that are null.
    pub null_words: Vec<String>,
    /// The separator of list items.
    pub list_separator: Option<String>,
    /// How cells are typed.
    pub cells: Option<Cells>,
}

/// How to handle files that no source of the config claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unclaimed {
    /// Check the syntax only; syntax errors are warnings.
    #[default]
    Check,
    /// Skip them.
    Skip,
    /// Report each as an error.
    Error,
}

/// The settings of a project that do not depend on the collection.
#[derive(Clone, Debug)]
pub struct ResolvedSettings {
    /// The config file.
    pub config_file: Option<PathBuf>,
    /// Its directory; empty for the working directory.
    pub folder: PathBuf,
    /// Which findings are reported, and their severities.
    pub policy: Policy,
    /// Findings that the config suppresses.
    pub suppress: Vec<Suppress>,
    /// The file of known findings.
    pub baseline: Option<PathBuf>,
    /// How that file is updated.
    pub write_baseline: Option<Update>,
    /// The git revision since which changes are reported.
    pub changed_since: Option<String>,
    /// Whether the inputs are the complete collection.
    pub complete: bool,
    /// How to handle invalid records.
    pub on_invalid: Option<OnInvalid>,
    /// The reports that the config names.
    pub reports: Vec<String>,
    /// The output directory of `run`.
    pub output_folder: PathBuf,
    /// The output formats of `run`.
    pub output_formats: Vec<write::Format>,
    /// The form of handbook pages.
    pub form: Option<String>,
    /// Directories of additional schemas that the config names.
    pub schema_dirs: Vec<PathBuf>,
    /// Whether records are only read and normalised.
    pub unchecked: bool,
    jobs: Option<usize>,
}

impl ResolvedSettings {
    /// Settings of a config, as far as a caller does not set them.
    pub(super) fn new(overrides: &Overrides, config: &Config) -> Result<Self, Error> {
        Ok(Self {
            config_file: config.path.clone(),
            folder: config.folder.clone(),
            policy: policy(overrides, config)?,
            suppress: if overrides.unchecked { Vec::new() } else { config.suppress.clone() },
            baseline: overrides.baseline.clone().or_else(|| config.baseline.clone()),
            write_baseline: overrides.write_baseline,
            changed_since: overrides.changed_since.clone(),
            complete: overrides.complete || config.complete,
            on_invalid: config.on_invalid,
            reports: if overrides.unchecked { Vec::new() } else { config.report.clone() },
            output_folder: config.output.clone().unwrap_or_else(|| config.folder.join("output")),
            output_formats: if config.outputs.is_empty() { write::Format::DEFAULT.to_vec() } else { config.outputs.clone() },
            form: overrides.input.form.clone().or_else(|| config.form.clone()),
            schema_dirs: config.schema_dir.clone(),
            unchecked: overrides.unchecked,
            jobs: overrides.jobs.or(config.jobs),
        })
    }

    /// The number of workers for inputs of `total` bytes, if that is known.
    #[must_use]
    pub fn jobs(&self, total: Option<u64>) -> usize {
        let jobs = self.jobs.unwrap_or_else(|| match total {
            Some(bytes) if bytes <= SINGLE_THREAD_BYTES => 1,
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        });
        jobs.max(1)
    }
}

fn policy(overrides: &Overrides, config: &Config) -> Result<Policy, Error> {
    let policy = Policy {
        select: if overrides.select.is_empty() { config.select.clone() } else { overrides.select.clone() },
        ignore: overrides.ignore.iter().chain(&config.ignore).cloned().collect(),
        severities: config.severities.clone(),
        overrides: config.overrides.clone(),
        strict: overrides.strict || config.strict,
        fail_on: overrides.fail_on.or(config.fail_on).unwrap_or(Some(Severity::Error)),
    };
    match policy.unknown().first() {
        Some(code) => Err(Error::setting(format!("no rule has a code or name starting with {code:?}"))),
        None => Ok(policy),
    }
}

/// The settings of one collection.
#[derive(Clone, Debug)]
pub struct CollectionSettings {
    /// Its schema: a file, `profile` for the bundled one, or `none`.
    pub schema: String,
    /// JSON pointer to a record's key; by default that of the schema.
    pub key: Option<String>,
    /// The format of its inputs.
    pub format: Option<Format>,
    /// The encoding of inputs without a byte order mark.
    pub encoding: Option<String>,
    /// Whether these are files that no source claims: only their syntax is checked.
    pub unclaimed: bool,
    /// Whether sensitive values are redacted.
    pub mask: bool,
    /// How records are normalised; `None` if they are not.
    pub normalise: Option<normalise::Options>,
    /// Whether records are only read and normalised.
    pub unchecked: bool,
    /// Whether `format` is checked.
    pub check_formats: bool,
    /// Directories of additional schemas.
    pub schema_dirs: Vec<PathBuf>,
    records: Option<String>,
    csv: Dialect,
    form: Option<String>,
    max_record_bytes: Option<usize>,
    max_depth: Option<usize>,
}

impl CollectionSettings {
    /// Those of a source of the config.
    pub(super) fn new(overrides: &Overrides, config: &Config, source: &Group) -> Result<Self, Error> {
        let Overrides { input, .. } = overrides;
        // The config's own defaults do not apply to files that it does not claim.
        let unless_unclaimed = |text: &Option<String>| text.clone().filter(|_| !source.unclaimed);
        let schema = overrides.schema.clone().or_else(|| source.schema.clone()).or_else(|| config.schema.clone());
        let encoding = input.encoding.clone().or_else(|| config.encoding.clone());
        if let Some(name) = encoding.as_deref().filter(|name| !open::is_encoding(name)) {
            return Err(Error::setting(format!("unknown encoding {name}")));
        }
        Ok(Self {
            schema: if source.unclaimed { "none".to_owned() } else { schema.unwrap_or_else(|| "profile".to_owned()) },
            key: overrides.key.clone().or_else(|| config.key.clone()),
            format: input.from.or(source.from).or(config.from.filter(|_| !source.unclaimed)),
            encoding,
            unclaimed: source.unclaimed,
            mask: overrides.mask || config.mask,
            normalise: (!overrides.no_normalise)
                .then(|| normalise::Options { defaults: overrides.defaults || config.defaults, ..config.normalise.clone() }),
            unchecked: overrides.unchecked,
            check_formats: !overrides.no_format,
            schema_dirs: overrides.schema_dir.iter().chain(&config.schema_dir).cloned().collect(),
            records: input.records.clone().or_else(|| source.records.clone()).or_else(|| unless_unclaimed(&config.records)),
            csv: dialect(&input.csv, &config.csv),
            form: input.form.clone().or_else(|| config.form.clone()),
            max_record_bytes: input.max_record_bytes.or(config.max_record_bytes),
            max_depth: input.max_depth.or(config.max_depth),
        })
    }

    /// How its inputs are read.
    pub(super) fn read_options(&self, shape: &Arc<Shape>) -> Result<read::Options, Error> {
        let default = read::Options::default();
        let records = self.records.as_deref().map(read::records::Records::at).transpose();
        Ok(read::Options {
            shape: Arc::clone(shape),
            records: records.map_err(|error| Error::setting(error.to_string()))?.unwrap_or_default(),
            max_record_bytes: self.max_record_bytes.unwrap_or(default.max_record_bytes),
            max_depth: self.max_depth.unwrap_or(default.max_depth),
            csv: self.csv.clone(),
            forms: match self.form.as_deref() {
                Some(name) => Some(Arc::new(schemas::forms(name)?)),
                None => default.forms,
            },
            ..read::Options::default()
        })
    }
}

fn dialect(own: &DialectOverrides, config: &Dialect) -> Dialect {
    Dialect {
        delimiter: own.delimiter.or(config.delimiter),
        no_header: own.no_header || config.no_header,
        comment: own.comment.or(config.comment),
        null_words: if own.null_words.is_empty() { config.null_words.clone() } else { own.null_words.clone() },
        list_separator: own.list_separator.clone().or_else(|| config.list_separator.clone()),
        cells: own.cells.unwrap_or(config.cells),
    }
}

/// The files besides the inputs and schemas that the result of a run depends on.
pub(super) fn config_files(settings: &ResolvedSettings) -> impl Iterator<Item = PathBuf> {
    let form = settings.form.as_deref().map(Path::new).filter(|form| form.exists()).map(Path::to_owned);
    settings.config_file.iter().chain(&settings.baseline).cloned().chain(form)
}
