//! `chancery convert`: the same records in another format; data on standard output, diagnostics on standard error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{self, ConvertArgs, CsvLayout};
use super::overrides;
use super::reporting::ReportStream;
use super::runner::Runner;
use super::stdout::stdout;
use super::{CliError, ExitStatus};
use chancery_check::OnInvalid;
use chancery_engine::pipeline::{Output, Place};
use chancery_files::output::{OutputTarget, Stream};
use chancery_formats::write::csv::Tables;
use chancery_formats::write::{self, Format};

/// The output as the user named it.
enum OutputKind {
    Stdout,
    File(PathBuf),
    Folder(PathBuf),
}

/// How and where records are written.
pub struct ConvertTarget {
    pub to: Option<String>,
    pub output: Option<PathBuf>,
    pub compact: bool,
    pub csv_layout: Option<CsvLayout>,
    pub spreadsheet_safe: bool,
    pub on_invalid: Option<args::OnInvalid>,
}

/// Runs the command.
pub fn run(args: ConvertArgs) -> Result<ExitStatus, CliError> {
    let outlet = ConvertTarget {
        to: args.to,
        output: args.output,
        compact: args.compact,
        csv_layout: args.csv_layout,
        spreadsheet_safe: args.spreadsheet_safe,
        on_invalid: args.invalid.on_invalid,
    };
    write(outlet, || Runner::new(args.common, &args.input))
}

/// Writes the records of a project.
pub fn write(args: ConvertTarget, runner: impl FnOnce() -> Result<Runner, CliError>) -> Result<ExitStatus, CliError> {
    let goal = goal(args.output.as_deref());
    let format = format(args.to.as_deref(), &goal)?;
    let tables = matches!(format, Format::Csv | Format::Tsv);
    let package = match (args.csv_layout, &goal) {
        (Some(CsvLayout::Package), OutputKind::Stdout | OutputKind::File(_)) if tables => {
            return Err(CliError::usage("a package is a directory of tables: use --output DIR/"));
        }
        (Some(layout), _) => layout == CsvLayout::Package,
        (None, goal) => matches!(goal, OutputKind::Folder(_)),
    };
    let runner = Runner { keeps_top_level: true, ..runner()? };
    let options = write::Options {
        compact: args.compact,
        csv: write::csv::Layout {
            tables: if package { Tables::Package } else { Tables::Wide },
            spreadsheet_safe: args.spreadsheet_safe,
            ..write::csv::Layout::default()
        },
        ..runner.write_options()
    };
    let on_invalid = overrides::on_invalid(args.on_invalid, &runner.project.settings, OnInvalid::Stop);
    let names = runner.project.inputs.names();
    let writer = format.writer(&options);
    let place = match goal {
        OutputKind::Stdout => Place::Stream(Stream::new(Box::new(stdout()), on_invalid == OnInvalid::Stop)),
        OutputKind::File(path) => {
            runner.refuse_output(&path)?;
            Place::Target(OutputTarget::file(path))
        }
        OutputKind::Folder(folder) => {
            let targets = targets(&names, &folder, format, package && tables)?;
            for path in targets.values() {
                runner.refuse_output(path)?;
            }
            let package = package && tables;
            Place::PerInput(Box::new(move |name| match targets.get(name) {
                Some(path) if package => OutputTarget::folder(path),
                Some(path) => OutputTarget::file(path),
                None => OutputTarget::folder(&folder),
            }))
        }
    };
    runner.run(vec![Output { writer, place }], None, on_invalid, ReportStream::Stderr).map(|result| result.status)
}

fn goal(output: Option<&Path>) -> OutputKind {
    match output {
        None => OutputKind::Stdout,
        Some(path) if path == Path::new("-") => OutputKind::Stdout,
        Some(path) if path.is_dir() || path.to_string_lossy().ends_with(['/', '\\']) => OutputKind::Folder(path.to_owned()),
        Some(path) => OutputKind::File(path.to_owned()),
    }
}

fn format(to: Option<&str>, goal: &OutputKind) -> Result<Format, CliError> {
    let names = || Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    match (to, goal) {
        (Some(name), _) => {
            Format::by_name(name).ok_or_else(|| CliError::usage(format!("{name} cannot be written; formats are {}", names())))
        }
        (None, OutputKind::File(path)) => Format::by_extension(&path.to_string_lossy())
            .ok_or_else(|| CliError::usage(format!("cannot infer the output format from {}; use --to ({})", path.display(), names()))),
        (None, _) => Err(CliError::usage(format!("choose the output format with --to FORMAT ({})", names()))),
    }
}

// An output for each input, named after it; a package of tables is a directory, or `folder` itself if there is one input.
fn targets(names: &[String], folder: &Path, format: Format, package: bool) -> Result<BTreeMap<String, PathBuf>, CliError> {
    let mut taken: BTreeMap<PathBuf, &String> = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for name in names {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let file = chancery_files::open::strip_compression(file);
        let stem = if file == "-" { "stdin" } else { file.rsplit_once('.').map_or(file, |(stem, _)| stem) };
        let path = match (package, names.len()) {
            (true, 1) => folder.to_owned(),
            (true, _) => folder.join(stem),
            (false, _) => folder.join(format!("{stem}.{}", format.name())),
        };
        if let Some(other) = taken.insert(path.clone(), name) {
            let message = format!("{other} and {name} would both be written to {}", path.display());
            return Err(CliError::usage(format!("{message}; convert them separately, or into one file")));
        }
        targets.insert(name.clone(), path);
    }
    Ok(targets)
}
