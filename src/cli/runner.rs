//! Runs a job on a project, with reports and progress on the terminal.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{CommonArgs, InputArgs};
use super::interrupt::interrupted;
use super::reporting::{ReportStream, Reporting};
use super::{CliError, ExitStatus, overrides};
use chancery_check::OnInvalid;
use chancery_core::diagnostic::log_line;
use chancery_engine::pipeline::{self, Output, Report, ReportPlace, Stage, SummarisedFile};
use chancery_engine::project::cache::CapturedOutput;
use chancery_engine::project::job::CachedFiles;
use chancery_engine::project::{JobBuilder, Project};
use chancery_files::checksum::ChecksumRecorder;
use chancery_files::output::OutputTarget;
use chancery_files::output::temporary::FolderLock;
use chancery_formats::write;
use chancery_report as report;
use chancery_schema::Shape;

/// A project as flags and config describe it, and what a run of it records.
pub struct Runner {
    pub project: Project,
    pub reporting: Reporting,
    /// Writes the records as they are held in the input, where that is one file.
    pub keeps_top_level: bool,
    /// Records the checksums of inputs, if needed.
    pub checksums: Option<ChecksumRecorder>,
    /// Captures the report.
    pub captured: Option<CapturedOutput>,
    /// Inputs that may not need to be read, if summaries are used.
    pub cached_files: Option<CachedFiles>,
}

/// The result of a run.
pub struct RunResult {
    pub status: ExitStatus,
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// As long as they live, no other process puts a set of files where this run has put one.
    pub locks: Vec<FolderLock>,
    /// Whether outputs were held back.
    pub held_back: bool,
    /// Whether all was done and reported; not where nobody reads it any more.
    pub is_complete: bool,
    /// The inputs without findings.
    pub summaries: Vec<SummarisedFile>,
}

/// Outputs besides the records.
#[derive(Default)]
pub struct SideOutputs {
    pub rejects: Option<OutputTarget>,
    pub report: Option<OutputTarget>,
    /// Receives each finding as a line of the `ndjson` report.
    pub findings: Option<Box<dyn Write>>,
}

impl Runner {
    /// Resolves flags and config; flags take precedence.
    pub fn new(common: CommonArgs, input: &InputArgs) -> Result<Self, CliError> {
        let project = resolve(&common, input)?;
        Self::of(common, project)
    }

    /// Records that come from no file, and go through the stages `first` before all others.
    pub fn of_stream(common: CommonArgs, name: &str, stream: Box<dyn Read + Send>, first: Vec<Arc<dyn Stage>>) -> Result<Self, CliError> {
        // Deeper values were accepted when they were loaded.
        const DEEPEST: usize = 1024;
        let input = InputArgs { max_record_bytes: Some(1 << 30), max_depth: Some(DEEPEST), ..InputArgs::default() };
        let project = Project::of_stream(&overrides::overrides(&common, &input)?, name, stream, first)?;
        list(&common, &project);
        Self::of(common, project)
    }

    fn of(common: CommonArgs, project: Project) -> Result<Self, CliError> {
        let reporting = Reporting::new(common, &project.settings)?;
        Ok(Self { project, reporting, keeps_top_level: false, checksums: None, captured: None, cached_files: None })
    }

    /// How outputs are written, according to the schema.
    pub fn write_options(&self) -> write::Options {
        // Records of several schemas in one output have the shape that all schemas allow: anything.
        let (shape, name) = match &*self.project.collections {
            [collection] => (Arc::clone(&collection.shape), collection.name.clone()),
            _ => (Arc::new(Shape::any()), "records".to_owned()),
        };
        write::Options { shape, name, ..write::Options::default() }
    }

    /// Rejects an output that is an input, or a directory that contains inputs.
    pub fn refuse_output(&self, output: &Path) -> Result<(), CliError> {
        Ok(self.project.inputs.refuse_output(output)?)
    }

    /// Runs the job, with rejected records, a report and findings written to `beside`.
    pub fn run(
        self,
        outputs: Vec<Output>,
        beside: Option<SideOutputs>,
        on_invalid: OnInvalid,
        to: ReportStream,
    ) -> Result<RunResult, CliError> {
        let mut progress = self.reporting.progress(self.project.inputs.total_bytes());
        let goes_on = !outputs.is_empty() || beside.is_some() || self.project.settings.write_baseline.is_some();
        let mut reports = self.reporting.reports(to, &self.project.inputs, &progress, goes_on, self.captured.as_ref())?;
        let SideOutputs { rejects, report, findings } = beside.unwrap_or_default();
        let targets = report.map(|target| (report::Format::Json, ReportPlace::Target(target)));
        let streams = findings.map(|stream| (report::Format::Ndjson, ReportPlace::Stream(stream)));
        let more = targets.into_iter().chain(streams);
        reports.extend(more.map(|(format, place)| Report { reporter: report::reporter(format, &report::Options::default()), place }));
        let job = JobBuilder::new(self.project)
            .outputs(outputs, on_invalid)
            .rejects(rejects)
            .reports(reports)
            .checksums(self.checksums)
            .cached(self.cached_files)
            .keep_top_level(self.keeps_top_level)
            .build()?;
        let outcome = pipeline::run(job, interrupted(), &mut progress)?;
        progress.clear();
        if outcome.closed_pipe {
            // Nobody reads.
        } else if outcome.refused {
            errln!("error: nothing was written");
        } else if outcome.held_back {
            errln!(
                "error: nothing was written, because some records are invalid; use --on-invalid skip to skip them, or keep to write them"
            );
        }
        let status = match () {
            () if outcome.interrupted => ExitStatus::Interrupted,
            () if outcome.unreadable > 0 => ExitStatus::Unable,
            () if outcome.failed => ExitStatus::Findings,
            () => ExitStatus::Clean,
        };
        Ok(RunResult {
            status,
            written: outcome.written,
            locks: outcome.locks,
            held_back: outcome.held_back || outcome.closed_pipe,
            is_complete: !outcome.closed_pipe,
            summaries: outcome.summaries,
        })
    }
}

/// Resolves flags and config, and lists what is used if that is wanted.
pub fn resolve(common: &CommonArgs, input: &InputArgs) -> Result<Project, CliError> {
    let project = Project::resolve(&overrides::overrides(common, input)?)?;
    list(common, &project);
    Ok(project)
}

fn list(common: &CommonArgs, project: &Project) {
    if !common.verbose {
        return;
    }
    project.collections.iter().for_each(|collection| errln!("schema {}", log_line(&collection.schema)));
    if let Some(file) = &project.changed_config {
        errln!("everything is checked, because {} has changed", log_line(&file.to_string_lossy()));
    }
    project.inputs.specs.iter().for_each(|spec| errln!("reads {}", log_line(&spec.input.name)));
}
