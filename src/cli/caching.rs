//! When the result of a command may be cached, besides the conditions of [`chancery_engine::project::cache`].

use std::fmt::Debug;
use std::io::{self, IsTerminal};
use std::sync::Once;

use super::args::CommonArgs;
use super::reporting::ReportStream;
use chancery_core::diagnostic::one_line;

/// All that the report of a command depends on besides settings and files; `None` if it goes elsewhere than to the
/// stream of the command, or says more than its findings.
pub fn caller(common: &CommonArgs, to: ReportStream) -> Option<impl Debug + use<>> {
    // A report of the run itself that goes only to the terminal.
    let is_plain = |report: &String| !report.contains('=') && report != "github";
    if common.verbose || !common.report.iter().all(is_plain) {
        return None;
    }
    let variables = ["NO_COLOR", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"].map(std::env::var_os);
    let is_terminal = match to {
        ReportStream::Stdout => io::stdout().is_terminal(),
        ReportStream::Stderr => io::stderr().is_terminal(),
    };
    Some((common.report.clone(), common.max_diagnostics, common.color, common.quiet, variables, is_terminal))
}

/// Warns that the cache could not be written, once.
pub fn warn(written: io::Result<()>, quiet: bool) {
    static ONCE: Once = Once::new();
    if let Some(error) = written.err().filter(|_| !quiet) {
        // Where one entry cannot be written, the next one cannot either.
        ONCE.call_once(|| errln!("warning: the cache was not written: {}; --no-cache runs without it", one_line(&error.to_string())));
    }
}
