//! `chancery check`: diagnostics only, on standard output.

use std::io::Write;

use super::args::CheckArgs;
use super::cache::ResultCache;
use super::session::{ReportStream, Session};
use super::stdout::stdout;
use super::{CliError, ExitStatus, is_read};
use crate::check::OnInvalid;

/// Runs the command.
pub fn run(args: CheckArgs) -> Result<ExitStatus, CliError> {
    let cache = if args.no_cache { None } else { ResultCache::new(&args.common, &args.input) };
    if let Some((report, verdict)) = cache.as_ref().and_then(ResultCache::lookup) {
        let mut out = stdout();
        is_read(out.write_all(&report).and_then(|()| out.flush()))?;
        return Ok(verdict);
    }
    let (paths, form) = (args.input.paths.clone(), args.input.form.clone());
    let mut session = Session::new(args.common, args.input)?;
    let kept = cache.as_ref().and_then(|cache| session.store_result(cache, &paths, form.as_deref()));
    let result = session.run_all(Vec::new(), None, OnInvalid::Skip, ReportStream::Stdout)?;
    if let (Some(cache), Some(kept), true) = (cache, kept, result.is_complete) {
        cache.store(kept, result.summaries, result.status);
    }
    Ok(result.status)
}
