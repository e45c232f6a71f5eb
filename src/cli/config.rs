//! Config placeholder.

use std::path::{Path, PathBuf};

use super::Trouble;
use crate::check::OnInvalid;
use crate::diagnostic::Severity;
use crate::normalise;
use crate::write;

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub paths: Vec<String>,
    pub schema: Option<String>,
    pub from: Option<String>,
    pub records: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Config {
    pub folder: PathBuf,
    pub sources: Vec<Group>,
    pub schema: Option<String>,
    pub schema_dir: Vec<PathBuf>,
    pub from: Option<String>,
    pub records: Option<String>,
    pub encoding: Option<String>,
    pub key: Option<String>,
    pub jobs: Option<usize>,
    pub on_invalid: Option<OnInvalid>,
    pub fail_on: Option<Option<Severity>>,
    pub select: Vec<String>,
    pub ignore: Vec<String>,
    pub severities: Vec<(String, Option<Severity>)>,
    pub normalise: normalise::Options,
    pub defaults: bool,
    pub complete: bool,
    pub strict: bool,
    pub report: Vec<String>,
    pub max_record_bytes: Option<usize>,
    pub max_depth: Option<usize>,
    pub form: Option<String>,
    pub csv: crate::read::csv::Dialect,
    pub output: Option<PathBuf>,
    pub outputs: Vec<write::Format>,
}

impl Config {
    pub fn find(_named: Option<&Path>) -> Result<Self, Trouble> {
        Ok(Self::default())
    }
}
