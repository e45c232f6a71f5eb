//! Builds the jobs of a project.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::collection::Collection;
use super::input::InputSpec;
use super::{Error, Project};
use crate::fix;
use crate::pipeline::{self, BaseRecords, CachedFile, ChangeStatus, Job, Output, RecordPipeline, Report, Suppressions};
use chancery_check::OnInvalid;
use chancery_core::diagnostic::Diagnostic;
use chancery_core::source::ReadError;
use chancery_files::checksum::ChecksumRecorder;
use chancery_files::open::InputError;
use chancery_files::output::OutputTarget;
use chancery_formats::read;

/// A job that reads the inputs of a project. Without outputs and reports it only checks.
pub struct JobBuilder {
    project: Project,
    outputs: Vec<Output>,
    rejects: Option<OutputTarget>,
    on_invalid: OnInvalid,
    reports: Vec<Report>,
    checksums: Option<ChecksumRecorder>,
    cached: Option<CachedFiles>,
    keeps_top_level: bool,
}

/// Inputs that may not need to be read, by name and collection.
pub type CachedFiles = HashMap<(Arc<str>, usize), CachedFile>;

impl JobBuilder {
    /// A job for this project.
    #[must_use]
    pub fn new(project: Project) -> Self {
        Self {
            project,
            outputs: Vec::new(),
            rejects: None,
            on_invalid: OnInvalid::Skip,
            reports: Vec::new(),
            checksums: None,
            cached: None,
            keeps_top_level: false,
        }
    }

    /// Writes the records to these outputs.
    #[must_use]
    pub fn outputs(self, outputs: Vec<Output>, on_invalid: OnInvalid) -> Self {
        Self { outputs, on_invalid, ..self }
    }

    /// Writes records that are not written elsewhere to this file.
    #[must_use]
    pub fn rejects(self, rejects: Option<OutputTarget>) -> Self {
        Self { rejects, ..self }
    }

    /// Draws these reports.
    #[must_use]
    pub fn reports(self, reports: Vec<Report>) -> Self {
        Self { reports, ..self }
    }

    /// Records the checksums of the inputs.
    #[must_use]
    pub fn checksums(self, recorder: Option<ChecksumRecorder>) -> Self {
        Self { checksums: recorder, ..self }
    }

    /// Uses summaries of inputs, and keeps those of the inputs without findings.
    #[must_use]
    pub fn cached(self, cached: Option<CachedFiles>) -> Self {
        Self { cached, ..self }
    }

    /// Writes the records as they are held in the input (a list, a document, a stream), where that is one file.
    #[must_use]
    pub fn keep_top_level(self, keeps: bool) -> Self {
        Self { keeps_top_level: keeps, ..self }
    }

    /// The job.
    ///
    /// # Errors
    /// When the base versions of changed inputs cannot be read.
    pub fn build(mut self) -> Result<Job, Error> {
        let Project { settings, collections, inputs, baseline, changed_since, .. } = self.project;
        let jobs = settings.jobs(inputs.total_bytes());
        let (options, diagnostics, mut pipelines) = prepare(collections);
        // Written records must be free of errors.
        pipelines.iter_mut().for_each(|pipeline| pipeline.lenient &= self.outputs.is_empty());
        let mut base = BaseRecords::default();
        if let Some(since) = &changed_since {
            since.read_base(&inputs.specs, &options, &pipelines, &mut base)?;
        }
        // The run reports missing inputs, so that they are in every report.
        let mut all: Vec<pipeline::Input> = inputs.missing.into_iter().map(missing).collect();
        let mut unchanged_files = 0;
        for spec in inputs.specs {
            let status = changed_since.as_ref().map_or(ChangeStatus::Added, |since| since.status(&spec));
            // Unchanged files are read only for their keys, or if they are written.
            if status == ChangeStatus::Unchanged && pipelines[spec.collection].references.is_none() && self.outputs.is_empty() {
                unchanged_files += 1;
                continue;
            }
            let cached = self.cached.as_mut().and_then(|cached| cached.remove(&(Arc::clone(&spec.input.name), spec.collection)));
            let options = &options[spec.collection];
            all.push(pipeline::Input { cached, ..spec.into_input(options, status, self.checksums.clone()) });
        }
        all.extend(inputs.stream);
        Ok(Job {
            baseline,
            suppressions: Suppressions::new(settings.suppress, inputs.is_whole && unchanged_files == 0),
            base,
            unchanged_files,
            skipped: inputs.skipped,
            complete: settings.complete,
            outputs: self.outputs,
            rejects: self.rejects,
            on_invalid: self.on_invalid,
            reports: self.reports,
            policy: settings.policy,
            diagnostics,
            jobs,
            keep_summaries: self.cached.is_some(),
            keep_top_level: self.keeps_top_level && inputs.is_one_file,
            ..Job::new(all, pipelines)
        })
    }
}

/// The job that fixes the inputs of a project.
#[must_use]
pub fn fix(project: Project, guesses: bool) -> fix::Job {
    let Project { settings, collections, inputs, changed_since, .. } = project;
    let jobs = settings.jobs(inputs.total_bytes());
    let (options, _, pipelines) = prepare(collections);
    let absent = inputs.missing.into_iter().map(|problem| {
        let (name, reason) = (problem.name().into(), problem.reason());
        fix::Input { name, pipeline: 0, open: Box::new(move |_| Err(ReadError::Io(io::Error::other(reason.clone())))) }
    });
    // Neither unchanged files nor those that no source claims are fixed.
    let is_unchanged = |spec: &InputSpec| changed_since.as_ref().is_some_and(|since| since.status(spec) == ChangeStatus::Unchanged);
    let to_fix = inputs.specs.into_iter().filter(|spec| !pipelines[spec.collection].lenient && !is_unchanged(spec)).map(|spec| {
        let (name, pipeline, options) = (Arc::clone(&spec.input.name), spec.collection, options[spec.collection].clone());
        fix::Input { name, pipeline, open: Box::new(move |files| spec.open_edited(files, &options)) }
    });
    fix::Job {
        inputs: absent.chain(to_fix).collect(),
        complete: settings.complete,
        policy: settings.policy,
        suppress: settings.suppress,
        guesses,
        jobs,
        pipelines,
    }
}

// How the inputs of each collection are read and processed, and the findings about the schemas.
fn prepare(mut collections: Vec<Collection>) -> (Vec<read::Options>, Vec<Diagnostic>, Vec<RecordPipeline>) {
    // Collections with one schema say the same.
    let mut seen = HashSet::new();
    let mut is_new = |diagnostic: &Diagnostic| {
        let at = diagnostic.place.locate();
        seen.insert((diagnostic.rule.code, at.file, at.start.byte, diagnostic.message.clone()))
    };
    let all = collections.iter_mut().flat_map(|collection| std::mem::take(&mut collection.diagnostics));
    let diagnostics = all.filter(|diagnostic| is_new(diagnostic)).collect();
    let options = collections.iter().map(|collection| collection.options.clone()).collect();
    (options, diagnostics, collections.into_iter().map(Collection::into_pipeline).collect())
}

fn missing(problem: InputError) -> pipeline::Input {
    pipeline::Input {
        name: problem.name().into(),
        pipeline: 0,
        status: ChangeStatus::Added,
        size: None,
        cached: None,
        open: Box::new(move || Err(ReadError::Io(io::Error::other(problem.reason())))),
    }
}
