//! Where and how findings are printed.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::args::{Color, CommonArgs};
use super::progress::Progress;
use super::stdout::{WhileRead, stderr, stdout};
use super::{CliError, summary};
use chancery_core::diagnostic::Diagnostic;
use chancery_engine::pipeline::{Report, ReportPlace};
use chancery_engine::project::cache::CapturedOutput;
use chancery_engine::project::{InputSet, ResolvedSettings};
use chancery_files::output::OutputTarget;
use chancery_report as report;

/// The stream that a command reports on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportStream {
    Stdout,
    Stderr,
}

/// The reports of a run.
#[derive(Clone)]
pub struct Reporting {
    common: CommonArgs,
    reports: Vec<ReportArg>,
}

#[derive(Clone)]
struct ReportArg {
    format: report::Format,
    file: Option<PathBuf>,
}

impl Reporting {
    /// The reports that flags and config name.
    pub fn new(common: CommonArgs, settings: &ResolvedSettings) -> Result<Self, CliError> {
        let reports = common.report.iter().chain(&settings.reports).map(|text| ReportArg::parse(text)).collect::<Result<Vec<_>, _>>()?;
        if reports.iter().filter(|report| report.file.is_none()).count() > 1 {
            return Err(CliError::usage("two reports write to the same stream; write one to a file: --report FORMAT=FILE"));
        }
        Ok(Self { common, reports })
    }

    /// Whether only essential output is printed.
    #[cfg(feature = "postgres")]
    pub fn is_quiet(&self) -> bool {
        self.common.quiet
    }

    /// Whether a report goes elsewhere than to the stream of the command.
    pub fn has_other_reports(&self) -> bool {
        self.reports.iter().any(|report| report.file.is_some() || report.format == report::Format::Github)
    }

    /// Progress over `total` bytes, if it is shown.
    pub fn progress(&self, total: Option<u64>) -> Progress {
        let quiet = self.common.quiet || self.common.no_progress;
        Progress::new(!quiet && io::stderr().is_terminal() && std::env::var_os("CI").is_none(), total)
    }

    /// The reports of a run over these inputs. `goes_on` says that the run has something to do even where nobody reads
    /// its reports; `captured` gets a copy of what is printed.
    pub fn reports(
        &self,
        to: ReportStream,
        inputs: &InputSet,
        progress: &Progress,
        goes_on: bool,
        captured: Option<&CapturedOutput>,
    ) -> Result<Vec<Report>, CliError> {
        let terminal = match to {
            ReportStream::Stdout => io::stdout().is_terminal(),
            ReportStream::Stderr => io::stderr().is_terminal(),
        };
        let options = report::Options {
            color: colour(self.common.color, terminal),
            quiet: self.common.quiet || self.common.unchecked,
            most: self.common.max_diagnostics,
            checkout: checkout().unwrap_or_default(),
            ..report::Options::default()
        };
        let mut reports = Vec::new();
        let default = if terminal { report::Format::Pretty } else { report::Format::Plain };
        let named = self.reports.iter().map(|report| (report.format, report.file.clone()));
        let own = (!self.reports.iter().any(|report| report.file.is_none())).then_some((default, None));
        let goes_on = goes_on || self.reports.iter().any(|report| report.file.is_some());
        for (format, file) in named.chain(own) {
            let place = if let Some(path) = file {
                inputs.refuse_output(&path)?;
                ReportPlace::Target(OutputTarget::file(path))
            } else {
                let out: Box<dyn Write> = if to == ReportStream::Stdout { Box::new(stdout()) } else { Box::new(stderr()) };
                let out: Box<dyn Write> = if goes_on { Box::new(WhileRead::new(out)) } else { out };
                ReportPlace::Stream(match captured {
                    Some(copy) => progress.beside(copy.of(out)),
                    None => progress.beside(out),
                })
            };
            let options =
                if matches!(place, ReportPlace::Target(_)) { report::Options { color: false, ..options.clone() } } else { options.clone() };
            reports.push(Report { reporter: report::reporter(format, &options), place });
        }
        if self.reports.iter().any(|report| report.format == report::Format::Github) {
            reports.extend(summary::report(&options));
        }
        Ok(reports)
    }
}

impl ReportArg {
    fn parse(text: &str) -> Result<Self, CliError> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(PathBuf::from(file))));
        let format = report::Format::by_name(name).ok_or_else(|| {
            let names: Vec<&str> = report::Format::ALL.iter().map(|format| format.name()).collect();
            CliError::usage(format!("unknown report format {name}; formats are {}", names.join(", ")))
        })?;
        Ok(Self { format, file })
    }
}

pub fn colour(when: Option<Color>, terminal: bool) -> bool {
    match when.unwrap_or_default() {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

// The working directory relative to the repository root, in a GitHub workflow or GitLab job.
fn checkout() -> Option<report::RepoRoot> {
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(|name| {
        let root = PathBuf::from(std::env::var_os(name).filter(|root| !root.is_empty())?);
        let below = here.strip_prefix(root.canonicalize().ok()?).ok()?.to_string_lossy().replace('\\', "/");
        let root = root.to_string_lossy().replace('\\', "/").trim_end_matches('/').to_owned();
        Some(report::RepoRoot { root, below: if below.is_empty() { below } else { below + "/" } })
    })
}

/// Prints findings about config or schema on standard error.
pub fn show_findings(diagnostics: &[Diagnostic]) {
    // Nothing can be done if standard error is closed.
    let _ = draw_findings(diagnostics, io::stderr().is_terminal(), &mut io::stderr().lock());
}

/// Prints findings that belong to no run.
pub fn draw_findings(diagnostics: &[Diagnostic], terminal: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let format = if terminal { report::Format::Pretty } else { report::Format::Plain };
    let options = report::Options { color: colour(None, terminal), quiet: true, ..report::Options::default() };
    let mut reporter = report::reporter(format, &options);
    reporter.begin(out)?;
    diagnostics.iter().try_for_each(|diagnostic| reporter.report(diagnostic, out))?;
    reporter.finish(&report::Summary::default(), out)?;
    out.flush()
}
