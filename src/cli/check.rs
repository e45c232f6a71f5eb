//! `chancery check`: diagnostics only, on standard output.

use std::io::Write;

use super::args::CheckArgs;
use super::overrides::overrides;
use super::reporting::ReportStream;
use super::runner::Runner;
use super::stdout::stdout;
use super::{CliError, ExitStatus, caching, is_read};
use chancery_check::OnInvalid;
use chancery_engine::project::cache::ResultCache;

/// Runs the command.
pub fn run(args: CheckArgs) -> Result<ExitStatus, CliError> {
    let quiet = args.common.quiet;
    let overrides = overrides(&args.common, &args.input)?;
    let caller = if args.no_cache { None } else { caching::caller(&args.common, ReportStream::Stdout) };
    let cache = caller.and_then(|caller| ResultCache::new(&overrides, &caller));
    if let Some(cached) = cache.as_ref().and_then(ResultCache::lookup) {
        caching::warn(cached.renewed, quiet);
        let mut out = stdout();
        is_read(out.write_all(&cached.report).and_then(|()| out.flush()))?;
        return Ok(if cached.failed { ExitStatus::Findings } else { ExitStatus::Clean });
    }
    let mut runner = Runner::new(args.common, &args.input)?;
    let prepared = cache.filter(|_| !runner.reporting.has_other_reports()).and_then(|cache| {
        let (pending, cached_files) = cache.prepare(&overrides, &runner.project)?;
        runner.cached_files = cached_files;
        runner.checksums = Some(pending.checksums.clone());
        runner.captured = Some(pending.report.clone());
        Some((cache, pending))
    });
    let result = runner.run(Vec::new(), None, OnInvalid::Skip, ReportStream::Stdout)?;
    if let (Some((cache, pending)), true) = (prepared, result.is_complete)
        && let ExitStatus::Clean | ExitStatus::Findings = result.status
    {
        caching::warn(cache.store(pending, result.summaries, result.status == ExitStatus::Findings), quiet);
    }
    Ok(result.status)
}
