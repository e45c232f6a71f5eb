//! Reads all records for `schema infer`, without a check and without an output.

use std::io;
use std::sync::Arc;

use super::args::{CommonArgs, InferArgs};
use super::interrupt::interrupted;
use super::reporting::ReportStream;
use super::runner::Runner;
use super::{CliError, ExitStatus};
use chancery_check::OnInvalid;
use chancery_engine::pipeline::{self, Outcome, Output, Place};
use chancery_engine::project::JobBuilder;
use chancery_files::output::{Files, Stream};
use chancery_formats::write::{OutputWriter, Writer};

/// The inputs, to be read as a schema says.
pub fn open(args: &InferArgs, schema: &str) -> Result<Runner, CliError> {
    let common = CommonArgs {
        schema: Some(schema.to_owned()),
        jobs: args.jobs,
        no_progress: args.no_progress,
        config: args.config.clone(),
        no_config: args.no_config,
        unchecked: true,
        ..CommonArgs::default()
    };
    Runner::new(common, &args.input)
}

/// The names of the inputs of each collection.
pub fn inputs_by_collection(source: &Runner) -> Vec<Vec<String>> {
    let mut names = vec![Vec::new(); source.project.collections.len()];
    source.project.inputs.specs.iter().for_each(|spec| names[spec.collection].push(spec.input.name.to_string()));
    names
}

/// Gives every record to the writers, one for each collection; what cannot be read is reported on standard error.
pub fn read(source: Runner, writers: Vec<Arc<dyn Writer>>) -> Result<Vec<Outcome>, CliError> {
    let Runner { project, reporting, .. } = source;
    let mut progress = reporting.progress(project.inputs.total_bytes());
    let mut outcomes = Vec::new();
    for (project, writer) in project.into_collections().zip(writers) {
        let place = Place::Stream(Stream::new(Box::new(io::sink()), false));
        let reports = reporting.reports(ReportStream::Stderr, &project.inputs, &progress, true, None)?;
        let job = JobBuilder::new(project).outputs(vec![Output { writer, place }], OnInvalid::Keep).reports(reports).build()?;
        outcomes.push(pipeline::run(job, interrupted(), &mut progress)?);
        progress.clear();
    }
    Ok(outcomes)
}

/// The status of a run that did not read everything; a schema of a part of the data would be wrong.
pub fn stopped(outcomes: &[Outcome]) -> Option<ExitStatus> {
    let is = |what: fn(&Outcome) -> bool| outcomes.iter().any(what);
    if is(|outcome| outcome.interrupted) {
        return Some(ExitStatus::Interrupted);
    }
    is(|outcome| outcome.unreadable > 0).then_some(ExitStatus::Unable)
}

/// An output that nothing is written to.
pub fn nothing() -> Box<dyn OutputWriter> {
    Box::new(Nothing)
}

struct Nothing;

impl OutputWriter for Nothing {
    fn record(&mut self, _: &[u8], _: &mut dyn Files) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn Files) -> io::Result<()> {
        Ok(())
    }
}
