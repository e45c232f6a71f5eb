//! `chancery init` in a directory with data: a schema for each collection that is found there, a config that names them, and
//! a first check.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::made;
use crate::cli::args::{CheckArgs, CommonArgs, InferArgs, InputArgs};
use crate::cli::infer::{self, Found};
use crate::cli::runner::Runner;
use crate::cli::{CliError, ExitStatus, check, gather, print};
use chancery_core::diagnostic::log_line;
use chancery_engine::project::CONFIG_NAME;
use chancery_infer::{Inferred, Json};

const WORKFLOW: &str = include_str!("workflow.yml");

const HOOKS: &str = "# Checks the data before each commit.\nrepos:\n  - repo: local\n    hooks:\n      - id: chancery\n        name: chancery check\n        \
                     entry: chancery check --quiet\n        language: system\n        pass_filenames: false\n        always_run: true\n";

/// The data of a directory that has no config yet; `None` if there is none.
pub fn find(folder: &Path) -> Result<Option<Runner>, CliError> {
    if !folder.is_dir() || folder.join(CONFIG_NAME).exists() {
        return Ok(None);
    }
    let mut source = gather::open(&args(folder), "none")?;
    // Schemas are no data, nor is what this command writes.
    source.project.inputs.specs.retain(|spec| {
        let name = spec.input.name.replace('\\', "/");
        !name.split('/').any(|part| part == "schemas" || part.contains(".schema."))
    });
    Ok((!source.project.inputs.specs.is_empty()).then_some(source))
}

fn args(folder: &Path) -> InferArgs {
    let input = InputArgs { paths: vec![folder.to_string_lossy().into_owned()], ..InputArgs::default() };
    InferArgs { input, no_config: true, ..InferArgs::default() }
}

/// Sets up the directory.
pub fn run(folder: &Path, source: Runner) -> Result<ExitStatus, CliError> {
    let all = source.project.inputs.names();
    let found = match infer::collect(&args(folder), source)? {
        Ok(found) => found,
        Err(status) => return Ok(status),
    };
    if found.inferred.is_empty() {
        return Err(CliError::usage("the files in the directory have no records to infer a schema from"));
    }
    let mut text = String::new();
    for one in &found.inferred {
        text.push_str(&made(&folder.join(schema_path(one)), &one.schema.pretty())?);
    }
    text.push_str(&made(&folder.join(CONFIG_NAME), &config(folder, &found, &all))?);
    text.push_str(&made(&folder.join(".github/workflows/chancery.yml"), WORKFLOW)?);
    text.push_str(&made(&folder.join(".pre-commit-config.yaml"), HOOKS)?);
    text.push('\n');
    found.inferred.iter().for_each(|one| describe(one, &mut text));
    text.push_str("\nFirst look at the keys and references in schemas/; `chancery schema infer --explain` shows why they are there.\n\n");
    print(&text)?;
    let common = CommonArgs { config: Some(folder.join(CONFIG_NAME)), ..CommonArgs::default() };
    check::run(CheckArgs { input: InputArgs::default(), common, no_cache: true })
}

fn schema_path(one: &Inferred) -> String {
    format!("schemas/{}.schema.json", one.name)
}

fn config(folder: &Path, found: &Found, all: &[String]) -> String {
    let mut text = String::from("# What chancery checks: a source for each collection of records. See docs/config.md for all keys.\n");
    for (one, inputs) in found.inferred.iter().zip(&found.inputs) {
        let paths: BTreeSet<String> = paths(folder, inputs, all);
        let paths: Vec<String> = paths.iter().map(|path| Json::text(path).compact()).collect();
        let _ = write!(text, "\n[[sources]]\npaths = [{}]\nschema = {}\n", paths.join(", "), Json::text(schema_path(one)).compact());
    }
    text
}

// Paths of a collection, relative to the directory: its files, or a pattern for all files of one kind in a directory.
fn paths(folder: &Path, inputs: &[String], all: &[String]) -> BTreeSet<String> {
    let relative = |name: &str| Path::new(name).strip_prefix(folder).unwrap_or(Path::new(name)).to_string_lossy().replace('\\', "/");
    let pattern = |name: &str| {
        let (place, file) = name.rsplit_once('/').map_or(("", name), |(place, file)| (&name[..=place.len()], file));
        file.rsplit_once('.').map(|(_, extension)| format!("{place}*.{extension}"))
    };
    let own: BTreeSet<String> = inputs.iter().map(|name| relative(name)).collect();
    let others: BTreeSet<String> = all.iter().map(|name| relative(name)).filter(|name| !own.contains(name)).collect();
    let taken: BTreeSet<String> = others.iter().filter_map(|name| pattern(name)).collect();
    let several = |shape: &str| own.iter().filter(|name| pattern(name).as_deref() == Some(shape)).count() > 1;
    own.iter().map(|name| pattern(name).filter(|shape| !taken.contains(shape) && several(shape)).unwrap_or_else(|| name.clone())).collect()
}

fn describe(one: &Inferred, text: &mut String) {
    let _ = write!(text, "{}: {} records", one.name, one.records);
    let claims = |keyword: &'static str| one.claims.iter().filter(move |claim| claim.keyword == keyword && claim.written);
    match claims("x-key").next() {
        Some(key) => {
            let _ = write!(text, ", key {}", log_line(&key.value));
        }
        None => text.push_str(", no key"),
    }
    for reference in claims("x-references") {
        let _ = write!(text, ", {} refers to {}", log_line(&reference.path), log_line(&reference.value));
    }
    text.push('\n');
}
