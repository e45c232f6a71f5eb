//! `chancery fix`: the edits of findings, shown as a diff or written in place.

use std::io::{self, IsTerminal, Write};

use super::args::{FixArgs, Unclaimed};
use super::interrupt::interrupted;
use super::reporting::colour;
use super::runner::resolve;
use super::stdout::stdout;
use super::{CliError, ExitStatus};
use chancery_core::diagnostic::{inert, is_unprintable};
use chancery_engine::fix::diff::{self, Sign};
use chancery_engine::fix::{self, Counts, FixedFile, Outcome};
use chancery_engine::project::job;
use chancery_files::output::atomic::{Replaced, replace};

/// Maximum number of dropped edits that are reported individually.
const MAX_SHOWN: usize = 20;

/// Runs the command.
pub fn run(args: FixArgs) -> Result<ExitStatus, CliError> {
    let FixArgs { input, write, guesses, common } = args;
    for (given, flag) in [
        (!common.report.is_empty(), "--report"),
        (common.fail_on.is_some(), "--fail-on"),
        (common.max_diagnostics.is_some(), "--max-diagnostics"),
        (common.write_baseline.is_some(), "--write-baseline"),
    ] {
        if given {
            return Err(CliError::usage(format!("{flag} is not supported by fix, which reports no findings; use check")));
        }
    }
    let quiet = common.quiet;
    let refuses_unclaimed = input.unclaimed == Some(Unclaimed::Error);
    let color = colour(common.color, io::stdout().is_terminal());
    let project = resolve(&common, &input)?;
    if project.collections.iter().any(|collection| collection.redactor.is_some()) && !write {
        return Err(CliError::usage("a diff would show redacted values; use --write"));
    }
    let unclaimed = project.inputs.unclaimed.clone();
    if refuses_unclaimed || !quiet {
        let word = if refuses_unclaimed { "error" } else { "note" };
        unclaimed.iter().for_each(|name| print_summary(&format!("{word}: no source in the config claims {name}, so it is not changed")));
    }
    let outcome = fix::run(&job::fix(project, guesses), interrupted())?;
    if outcome.interrupted {
        return Ok(ExitStatus::Interrupted);
    }
    let mut unable = !outcome.unreadable.is_empty();
    let mut done: Vec<&FixedFile> = outcome.files.iter().collect();
    // A closed pipe is not an error.
    let is_read;
    for (name, why) in &outcome.unreadable {
        print_summary(&format!("error: {name} cannot be read and is not changed: {why}"));
    }
    if write {
        (done, is_read) = self::write(&outcome)?;
        unable |= done.len() < outcome.files.len();
    } else {
        is_read = super::is_read(show(&outcome.files, color))?;
    }
    let warn = |line: &str| {
        if is_read {
            print_summary(line);
        }
    };
    for (name, count) in &outcome.without_edit {
        let fixes = counted(*count, "fix", "fixes");
        warn(&format!("warning: {name} is compressed or not in UTF-8, so its {fixes} cannot be written"));
    }
    for fix::RejectedFix { file, at, code } in outcome.rejected.iter().take(MAX_SHOWN) {
        warn(&format!(
            "warning: {file}:{}:{}: the edit for {code} was dropped: it would introduce an error or change other values",
            at.line, at.column
        ));
    }
    if outcome.rejected.len() > MAX_SHOWN {
        warn(&format!("warning: {} more edits were dropped for the same reason", outcome.rejected.len() - MAX_SHOWN));
    }
    for (name, count) in &outcome.untried {
        let fixes = counted(*count, "fix was", "fixes were");
        warn(&format!(
            "warning: {name}: {fixes} not tried, since too many others failed; correct by hand what is left out, and run fix again"
        ));
    }
    if !quiet {
        warn(&summary(&outcome, &done, write));
    }
    Ok(match () {
        () if unable || write && !outcome.without_edit.is_empty() => ExitStatus::Unable,
        () if refuses_unclaimed && !unclaimed.is_empty() => ExitStatus::Findings,
        () if !write && (!outcome.files.is_empty() || !outcome.without_edit.is_empty()) => ExitStatus::Findings,
        () => ExitStatus::Clean,
    })
}

// Names and reasons come from outside.
fn print_summary(line: &str) {
    errln!("{}", chancery_core::diagnostic::log_line(line));
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

// Puts the new texts into place; returns those for which that went well, and whether somebody reads standard output.
fn write(outcome: &Outcome) -> Result<(Vec<&FixedFile>, bool), CliError> {
    let (mut done, mut is_read) = (Vec::new(), true);
    for fixed_file in &outcome.files {
        let FixedFile { name, path, old, new, .. } = fixed_file;
        match path.as_ref().map_or(Ok(Replaced::Done), |path| replace(path, old, new)) {
            Ok(Replaced::Done) => done.push(fixed_file),
            Ok(Replaced::Changed) => print_summary(&format!("error: {name} has changed since it was read and is not changed")),
            Err(error) => print_summary(&format!("error: {name} cannot be written: {error}")),
        }
    }
    if let Some(text) = &outcome.stdin {
        let fixed_file = outcome.files.iter().find(|fixed_file| fixed_file.path.is_none());
        let mut out = stdout();
        is_read = super::is_read(out.write_all(fixed_file.map_or(text, |fixed_file| &fixed_file.new)).and_then(|()| out.flush()))?;
    }
    Ok((done, is_read))
}

fn show(files: &[FixedFile], color: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(stdout());
    for FixedFile { name, old, changes, .. } in files {
        let hunks = diff::hunks(old, changes);
        if color || io::stdout().is_terminal() {
            print_diff(name, &hunks, color, &mut out)?;
            continue;
        }
        let mut patch = Vec::new();
        diff::write(name, &hunks, &mut patch)?;
        if is_log() && is_harmful(&patch) {
            print_diff(name, &hunks, false, &mut out)?;
            print_summary(&format!(
                "warning: the diff of {name} holds commands to CI runners and is shown with escapes; to apply it, write it to a file"
            ));
        } else {
            out.write_all(&patch)?;
        }
    }
    out.flush()
}

// Whether standard output may be the log of a CI run: it is no file, and a runner says that it is there.
fn is_log() -> bool {
    std::env::var_os("CI").is_some() && !is_file(&io::stdout())
}

#[cfg(unix)]
fn is_file(stream: &impl std::os::fd::AsFd) -> bool {
    let file = stream.as_fd().try_clone_to_owned().map(std::fs::File::from);
    file.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(windows)]
fn is_file(stream: &impl std::os::windows::io::AsHandle) -> bool {
    let file = stream.as_handle().try_clone_to_owned().map(std::fs::File::from);
    file.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

// Whether a patch holds what a runner or a terminal would act upon. A byte order mark shows nothing and moves nothing.
fn is_harmful(patch: &[u8]) -> bool {
    let text = String::from_utf8_lossy(patch);
    text.split('\n').any(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        inert(line) != line || line.contains(|c| is_unprintable(c) && !matches!(c, '\t' | '\u{feff}'))
    })
}

// For terminals: coloured, without control characters.
fn print_diff(name: &str, hunks: &[diff::Hunk<'_>], color: bool, out: &mut dyn Write) -> io::Result<()> {
    const BOLD: &str = "1";
    let mut line = |style: &str, text: &str| match style {
        "" => writeln!(out, "{text}"),
        style if color => writeln!(out, "\x1b[{style}m{text}\x1b[0m"),
        _ => writeln!(out, "{text}"),
    };
    line(BOLD, &format!("--- {}", diff::named('a', name).trim_end()))?;
    line(BOLD, &format!("+++ {}", diff::named('b', name).trim_end()))?;
    for hunk in hunks {
        line("36", &hunk.heading())?;
        for (sign, bytes) in &hunk.lines {
            let text = String::from_utf8_lossy(bytes);
            let shown = text.trim_end_matches('\n').trim_end_matches('\r');
            let shown: String = shown.chars().map(|c| if is_unprintable(c) && c != '\t' { '\u{fffd}' } else { c }).collect();
            let style = match sign {
                Sign::Both => "",
                Sign::Old => "31",
                Sign::New => "32",
            };
            line(style, &inert(&format!("{}{shown}", sign.mark())))?;
            if !text.ends_with('\n') {
                line("", "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

fn summary(outcome: &Outcome, done: &[&FixedFile], write: bool) -> String {
    let fixed: u64 = done.iter().flat_map(|fixed_file| fixed_file.fixed.values()).sum();
    let files = counted(done.len() as u64, "file", "files");
    let mut text = match (fixed, write) {
        (0, true) if !outcome.files.is_empty() => "nothing fixed".to_owned(),
        (0, _) => "nothing to fix".to_owned(),
        (_, true) => format!("{} in {files}", counted(fixed, "fix", "fixes")),
        (_, false) => format!("{} in {files}; run with --write to apply", counted(fixed, "fix", "fixes")),
    };
    if outcome.guesses > 0 {
        text.push_str(&format!(
            "; {} with --unsafe",
            if fixed > 0 { format!("{} more", outcome.guesses) } else { outcome.guesses.to_string() }
        ));
    }
    let Counts { errors, warnings } = outcome.unfixable;
    let left: Vec<String> = [(errors, "error", "errors"), (warnings, "warning", "warnings")]
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(*count, one, many))
        .collect();
    if !left.is_empty() {
        text.push_str(&format!("; {} without a fix", left.join(" and ")));
    }
    text
}
