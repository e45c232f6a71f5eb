//! `chancery schema infer`: makes schemas of data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::args::{Explain, InferArgs};
use super::runner::Runner;
use super::{CliError, ExitStatus, gather, print};
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_files::output::{CommitSet, Files as _, OutputTarget};
use chancery_formats::write::{OutputWriter, Writer};
use chancery_infer as infer;
use chancery_infer::{Format, Group, Inferred, Options, Statistics};
use chancery_report::json_text;

/// Up to this number of inputs, each is compared with the others; of more, those of one directory are one collection.
const FEW_INPUTS: usize = 64;

/// What was found in the inputs.
pub struct Found {
    /// A schema of each collection.
    pub inferred: Vec<Inferred>,
    /// The inputs of each collection, or their directories if there are many.
    pub inputs: Vec<Vec<String>>,
    pub status: ExitStatus,
}

/// Runs the command.
pub fn run(args: &InferArgs) -> Result<ExitStatus, CliError> {
    let source = gather::open(args, "none")?;
    if let Some(output) = &args.output {
        source.refuse_output(output)?;
    }
    match collect(args, source)? {
        Ok(found) if found.inferred.is_empty() => Err(CliError::usage("the inputs have no records to infer a schema from")),
        Ok(found) => write(args, &found.inferred).map(|()| found.status),
        Err(status) => Ok(status),
    }
}

/// Infers the schemas of all records; a status if not all could be read.
pub fn collect(args: &InferArgs, source: Runner) -> Result<Result<Found, ExitStatus>, CliError> {
    let by_collection = gather::inputs_by_collection(&source);
    let gatherers: Vec<Gatherer> = by_collection
        .iter()
        .map(|inputs| Gatherer {
            // A config says which inputs belong together.
            apart: match () {
                () if args.collection.is_some() || by_collection.len() > 1 => Apart::Never,
                () if inputs.len() <= FEW_INPUTS => Apart::ByFile,
                () => Apart::ByFolder,
            },
            limits: args.with_limits,
            pool: Arc::default(),
        })
        .collect();
    let pools: Vec<Pool> = gatherers.iter().map(|gatherer| Arc::clone(&gatherer.pool)).collect();
    let outcomes = gather::read(source, gatherers.into_iter().map(|gatherer| Arc::new(gatherer) as Arc<dyn Writer>).collect())?;
    if let Some(status) = gather::stopped(&outcomes) {
        return Ok(Err(status));
    }
    let mut groups: Vec<Group> = Vec::new();
    for (pool, inputs) in pools.into_iter().zip(by_collection) {
        let mut found = infer::grouped(joined(&pool));
        if let [only] = &mut *found {
            // Not every input has a name of its own in the statistics.
            only.inputs = inputs;
        }
        groups.extend(found.into_iter().filter(|group| group.statistics.records() > 0));
    }
    let names = names(&groups, args.collection.as_deref());
    let (inputs, statistics): (Vec<_>, Vec<_>) = groups.into_iter().map(|group| (group.inputs, group.statistics)).unzip();
    let inferred = infer::schemas(names.into_iter().zip(statistics).collect(), Options { limits: args.with_limits });
    let failed = outcomes.iter().any(|outcome| outcome.failed || outcome.summary.rejected > 0);
    Ok(Ok(Found { inferred, inputs, status: if failed { ExitStatus::Findings } else { ExitStatus::Clean } }))
}

fn write(args: &InferArgs, inferred: &[Inferred]) -> Result<(), CliError> {
    match &args.output {
        None if args.explain.is_some() => {}
        None => {
            let [only] = inferred else { return Err(several(inferred)) };
            print(&json_text(&only.schema.pretty()))?;
        }
        Some(output) => {
            let is_folder = output.is_dir() || output.to_string_lossy().ends_with(['/', '\\']);
            let targets: Vec<(PathBuf, &Inferred)> = match inferred {
                all if is_folder => all.iter().map(|one| (output.join(format!("{}.schema.json", one.name)), one)).collect(),
                [only] => vec![(output.clone(), only)],
                _ => return Err(several(inferred)),
            };
            let mut finished = CommitSet::default();
            for (path, one) in targets {
                let mut target = OutputTarget::file(path);
                target.main()?.write_all(one.schema.pretty().as_bytes())?;
                target.finish(&mut finished)?;
            }
            finished.commit()?;
        }
    }
    if let Some(explain) = args.explain {
        let format = match explain {
            Explain::Text => Format::Text,
            Explain::Markdown => Format::Markdown,
            Explain::Json => Format::Json,
        };
        print(&infer::render(format, inferred, args.mask))?;
    }
    Ok(())
}

fn several(inferred: &[Inferred]) -> CliError {
    let list: Vec<String> = inferred.iter().map(|one| format!("{} ({} records)", one.name, one.records)).collect();
    CliError::usage(format!(
        "the inputs hold several collections: {}; write a schema for each with --output DIR/, or treat them as one with --collection NAME",
        list.join(", ")
    ))
}

// Names of collections: given, or after their inputs.
fn names(groups: &[Group], given: Option<&str>) -> Vec<String> {
    let mut taken = BTreeMap::<String, usize>::new();
    groups
        .iter()
        .map(|group| {
            let name = given.map_or_else(|| name_of(&group.inputs), collection_name);
            let number = taken.entry(name.clone()).or_default();
            *number += 1;
            if *number == 1 { name } else { format!("{name}-{number}") }
        })
        .collect()
}

// The file's name, or that of the directory of several files.
fn name_of(inputs: &[String]) -> String {
    if let [only] = inputs {
        let file = only.rsplit(['/', '\\']).next().unwrap_or(only);
        let file = chancery_files::open::strip_compression(file);
        return collection_name(file.split_once('.').map_or(file, |(stem, _)| stem));
    }
    let folder = inputs.first().and_then(|first| Path::new(first).parent()).and_then(Path::file_name);
    collection_name(&folder.map(|name| name.to_string_lossy()).unwrap_or_default())
}

// A name that a collection can have.
fn collection_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || !name.is_empty() && c.is_ascii_digit() => name.push(c),
            '_' if !name.is_empty() => name.push('_'),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "records".to_owned() } else { name.to_owned() }
}

// What separates statistics while it is not known which inputs belong together.
#[derive(Clone, Copy)]
enum Apart {
    Never,
    ByFile,
    ByFolder,
}

// Statistics of the workers, by input; each takes one, adds a record, and puts it back.
type Pool = Arc<Mutex<Vec<BTreeMap<String, Statistics>>>>;

struct Gatherer {
    apart: Apart,
    limits: bool,
    pool: Pool,
}

impl Writer for Gatherer {
    fn encode(&self, record: Accepted<'_>, _: &mut Vec<u8>, _: &mut dyn DiagnosticSink) {
        let node = record.node();
        let file = &**node.tree().source().name();
        let input = match self.apart {
            Apart::Never => "",
            Apart::ByFile => file,
            Apart::ByFolder => file.rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder),
        };
        let pool = || self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = pool().pop().unwrap_or_default();
        match own.get_mut(input) {
            Some(statistics) => statistics.add(node),
            None => own.entry(input.to_owned()).or_insert_with(|| Statistics::new(self.limits)).add(node),
        }
        pool().push(own);
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        gather::nothing()
    }
}

fn joined(pool: &Pool) -> BTreeMap<String, Statistics> {
    let all = std::mem::take(&mut *pool.lock().unwrap_or_else(PoisonError::into_inner));
    let mut joined = BTreeMap::<String, Statistics>::new();
    for (input, statistics) in all.into_iter().flatten() {
        joined.entry(input).or_default().join(statistics);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_named_after_their_inputs() {
        for (inputs, expected) in [
            (&["data/Parts List.csv"][..], "parts-list"),
            (&["2024_orgs.json.gz"], "orgs"),
            (&["-"], "records"),
            (&["data/ror/a.json", "data/ror/b.json"], "ror"),
            (&["a.json", "b.json"], "records"),
        ] {
            let inputs: Vec<String> = inputs.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(name_of(&inputs), expected, "{inputs:?}");
        }
    }
}
