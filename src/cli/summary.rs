//! The step summary of a GitHub workflow: a file to which the programs of a step append Markdown.
//!
//! A summary that cannot be written is a warning and never fails the run.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use chancery_core::diagnostic::log_line;
use chancery_engine::pipeline::{Report, ReportPlace};
use chancery_files::output::append;
use chancery_report as report;

/// Maximum size of a step summary; a larger one is not shown at all.
const MOST: u64 = 1024 * 1024;

/// A report that is appended to the step summary; `None` outside of a workflow.
pub fn report(options: &report::Options) -> Option<Report> {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)?;
    let there = fs::metadata(&path).map_or(0, |file| file.len());
    let room = usize::try_from(MOST.saturating_sub(there)).unwrap_or(0);
    let Some(reporter) = report::summary(options, room) else {
        write_summary(&path, "it is full");
        return None;
    };
    Some(Report { reporter, place: ReportPlace::Stream(Box::new(Appended { path, text: Vec::new() })) })
}

fn write_summary(path: &std::path::Path, why: &str) {
    errln!("warning: cannot append to the summary {}: {}", log_line(&path.to_string_lossy()), log_line(why));
}

// Collects the report and appends it at once when it is flushed.
struct Appended {
    path: PathBuf,
    text: Vec<u8>,
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            append(&self.path, &text).unwrap_or_else(|error| write_summary(&self.path, &error.to_string()));
        }
        Ok(())
    }
}
