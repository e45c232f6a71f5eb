//! `chancery run`: one set of outputs for all inputs, and what was rejected and reported beside them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::session::{Beside, Session, To};
use super::{Trouble, Verdict};
use crate::check::OnInvalid;
use crate::load::file::Target;
use crate::pipeline::{Output, Place};
use crate::write::{self, Format};

/// Lists what a run wrote, so that the next one can take away what no longer belongs.
const MANIFEST: &str = ".chancery-manifest";

/// Runs the command.
pub fn run(args: RunArgs) -> Result<Verdict, Trouble> {
    let session = Session::new(args.common, args.input)?;
    let folder = args.output.unwrap_or_else(|| session.output_folder());
    session.refuse_input(&folder)?;
    let on_invalid = session.on_invalid(args.invalid.on_invalid, OnInvalid::Skip);
    let options = write::Options {
        csv: write::csv::Layout { tables: write::csv::Tables::Package, ..write::csv::Layout::default() },
        ..session.write_options()
    };
    let mut outputs = Vec::new();
    for format in session.output_formats() {
        let target = match format {
            Format::Csv | Format::Tsv => Target::folder(&folder),
            _ => Target::file(folder.join(format!("{}.{}", options.name, format.name()))),
        };
        outputs.push(Output { writer: format.writer(&options), place: Place::Target(target) });
    }
    let (rejects, report) = (Target::file(folder.join("rejects.ndjson")), Target::file(folder.join("report.json")));
    let beside = Beside { rejects: Some(rejects), report: Some(report), findings: None };
    let ran = session.run_all(outputs, Some(beside), on_invalid, To::Stdout)?;
    if !ran.written.is_empty() {
        sweep(&folder, &ran.written)?;
    }
    // Another run into the same folder waits until its files are those of this one.
    drop(ran.locks);
    Ok(ran.verdict)
}

// Takes away files that the run before listed as its own and this one did not write, and lists this one's.
fn sweep(folder: &Path, written: &[PathBuf]) -> Result<(), Trouble> {
    let own: BTreeSet<String> =
        written.iter().filter_map(|path| path.strip_prefix(folder).ok()).map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    let manifest = folder.join(MANIFEST);
    let before = match fs::read_to_string(&manifest) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Trouble::File { path: manifest, error }),
    };
    for name in before.lines() {
        // The manifest is a file like any other: nothing outside the folder is touched on its word.
        let plain = !name.is_empty() && Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if plain && !own.contains(name) {
            let path = folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Trouble::File { path, error }),
                _ => {}
            }
        }
    }
    let list: String = own.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
    if list != before {
        let mut target = Target::file(&manifest);
        let mut finished = crate::load::file::Finished::default();
        std::io::Write::write_all(target.main()?, list.as_bytes())?;
        target.finish(&mut finished)?;
        finished.commit()?;
    }
    Ok(())
}
