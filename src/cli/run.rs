//! `chancery run`: one set of outputs for all inputs, with the rejected records and the report.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::overrides;
use super::reporting::ReportStream;
use super::runner::{Runner, SideOutputs};
use super::{CliError, ExitStatus};
use chancery_check::OnInvalid;
use chancery_engine::pipeline::{Output, Place};
use chancery_files::output::{CommitSet, Files, OutputTarget, remove_file};
use chancery_formats::write::{self, Format};

/// Lists the files that a run wrote, so that the next run can remove stale ones.
const MANIFEST: &str = ".chancery-manifest";

/// Runs the command.
pub fn run(args: RunArgs) -> Result<ExitStatus, CliError> {
    let runner = Runner::new(args.common, &args.input)?;
    let settings = &runner.project.settings;
    let folder = args.output.unwrap_or_else(|| settings.output_folder.clone());
    runner.refuse_output(&folder)?;
    let on_invalid = overrides::on_invalid(args.invalid.on_invalid, settings, OnInvalid::Skip);
    let options = write::Options {
        csv: write::csv::Layout { tables: write::csv::Tables::Package, ..write::csv::Layout::default() },
        ..runner.write_options()
    };
    let mut outputs = Vec::new();
    for format in &settings.output_formats {
        let target = match format {
            Format::Csv | Format::Tsv => OutputTarget::folder(&folder),
            _ => OutputTarget::file(folder.join(format!("{}.{}", options.name, format.name()))),
        };
        outputs.push(Output { writer: format.writer(&options), place: Place::Target(target) });
    }
    let (rejects, report) = (OutputTarget::file(folder.join("rejects.ndjson")), OutputTarget::file(folder.join("report.json")));
    let beside = SideOutputs { rejects: Some(rejects), report: Some(report), findings: None };
    let result = runner.run(outputs, Some(beside), on_invalid, ReportStream::Stdout)?;
    if !result.written.is_empty() {
        sweep(&folder, &result.written)?;
    }
    // Another run into the same directory waits until its files are those of this one.
    drop(result.locks);
    Ok(result.status)
}

// Removes files that the previous run listed and this one did not write, and lists this run's files.
fn sweep(folder: &Path, written: &[PathBuf]) -> Result<(), CliError> {
    let own: BTreeSet<String> =
        written.iter().filter_map(|path| path.strip_prefix(folder).ok()).map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    let manifest = folder.join(MANIFEST);
    let before = match fs::read_to_string(&manifest) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(CliError::File { path: manifest, error }),
    };
    for name in before.lines() {
        // The manifest is untrusted: files outside the directory are never touched.
        let plain = !name.is_empty() && Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if plain && !own.contains(name) {
            let path = folder.join(name);
            match remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(CliError::File { path, error }),
                _ => {}
            }
        }
    }
    let list: String = own.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
    if list != before {
        let mut target = OutputTarget::file(&manifest);
        let mut finished = CommitSet::default();
        std::io::Write::write_all(target.main()?, list.as_bytes())?;
        target.finish(&mut finished)?;
        finished.commit()?;
    }
    Ok(())
}
