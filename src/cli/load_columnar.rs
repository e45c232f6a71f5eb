//! `chancery load` into Parquet files and Arrow streams, and `chancery export` from them.
//!
//! Such a load replaces everything, so options about existing records or migrations are errors.

use std::io::{self, IsTerminal};
use std::path::Path;

use super::args::{self, LoadArgs, LoadMode};
use super::dsn::Dsn;
use super::overrides;
use super::reporting::ReportStream;
use super::runner::{Runner, SideOutputs};
use super::stdout::stdout;
use super::store::{collection, file, records, rejects};
use super::{CliError, ExitStatus};
use chancery_check::OnInvalid;
use chancery_engine::pipeline::{Output, Place};
use chancery_files::output::Stream;
use chancery_store::columnar::arrow_layout::Form;
use chancery_store::columnar::parquet::{self, Files};
use chancery_store::columnar::reader::ColumnarExporter;
use chancery_store::columnar::stream::{BatchStream, StreamTarget};
use chancery_store::database::export::NdjsonReader;
use chancery_store::relational::Layout;
use chancery_store::relational::shred::{Shredder, TypeSupport};
use chancery_store::row_writer::RowWriter;
use chancery_store::sink::Sink;

/// Loads records into columns.
pub fn load(dsn: &Dsn, args: LoadArgs) -> Result<ExitStatus, CliError> {
    refuse(dsn, &args)?;
    let shown = args.into;
    let quiet = args.common.quiet;
    let runner = Runner::new(args.common, &args.input)?;
    let on_invalid = overrides::on_invalid(args.invalid.on_invalid, &runner.project.settings, OnInvalid::Stop);
    let records = records(&runner.project)?;
    let form = if args.layout == Some(args::Layout::Flat) { Form::Flat } else { Form::Nested };
    let collection = collection(args.collection, records.name)?;
    let layout = form.of(Layout::new(&records.shape, &collection, &records.key, None));
    let writer = std::sync::Arc::new(RowWriter::new(Shredder::new(&layout, TypeSupport::Arrow)));
    let beside = SideOutputs { rejects: rejects(&runner, args.rejects.as_deref())?, ..SideOutputs::default() };
    let mut written = None;
    let sink: Box<dyn Sink> = match dsn {
        Dsn::Parquet(folder) => {
            runner.refuse_output(folder)?;
            let taken = parquet::taken(folder, &layout, form).map_err(|error| file(folder, error))?;
            if !taken.is_empty() {
                return Err(CliError::Findings(taken));
            }
            let files = Files::open(folder, &layout, form).map_err(|error| file(folder, error))?;
            written = Some((files.count(), files.paths().map(Path::to_path_buf).collect::<Vec<_>>()));
            Box::new(files)
        }
        Dsn::Arrow(path) if path == Path::new("-") => {
            let out = Stream::new(Box::new(stdout()), on_invalid == OnInvalid::Stop);
            Box::new(BatchStream::open(StreamTarget::Stream(out), &layout)?)
        }
        Dsn::Arrow(path) => {
            runner.refuse_output(path)?;
            let open = || BatchStream::open(StreamTarget::file(path)?, &layout);
            Box::new(open().map_err(|error| file(path, error))?)
        }
        Dsn::Sqlite(_) | Dsn::Postgres(_) => return Err(CliError::usage("a database has tables of its own")),
    };
    let result = runner.run(vec![Output { writer, place: Place::Sink(sink) }], Some(beside), on_invalid, ReportStream::Stderr)?;
    if let Some((count, paths)) = written.filter(|_| !(quiet || result.held_back || result.status == ExitStatus::Interrupted)) {
        let place = match paths.as_slice() {
            [path] => path.display().to_string(),
            paths => format!("{} files", paths.len()),
        };
        let count = count.load(std::sync::atomic::Ordering::Relaxed);
        let line = format!("{shown}, {collection}: {count} written to {place}");
        errln!("{}", chancery_core::diagnostic::log_line(&line));
    }
    Ok(result.status)
}

// Unsupported options.
fn refuse(dsn: &Dsn, args: &LoadArgs) -> Result<(), CliError> {
    let what = if matches!(dsn, Dsn::Parquet(_)) { "Parquet" } else { "Arrow" };
    let to_stdout = *dsn == Dsn::Arrow("-".into());
    let wrong = match args.mode {
        Some(LoadMode::Upsert | LoadMode::Append) => format!("a load into {what} replaces everything; use --mode replace, or omit it"),
        _ if args.dry_run => format!("a load into {what} cannot list changes; use chancery check to validate"),
        _ if args.migrate.is_some() => format!("a load into {what} replaces everything, so nothing is migrated"),
        _ if args.findings => format!("a load into {what} cannot store findings; use --report ndjson=FILE"),
        _ if args.keep_json => format!("a load into {what} has no column for whole records; use chancery export"),
        _ if what == "Arrow" && args.layout == Some(args::Layout::Flat) => {
            "an Arrow stream is one table, so its layout is always nested".to_owned()
        }
        _ if to_stdout && io::stdout().is_terminal() => {
            "refusing to write an Arrow stream to a terminal; use a pipe, or a file as in arrow:records.arrows".to_owned()
        }
        _ => return Ok(()),
    };
    Err(CliError::usage(wrong))
}

/// The records of columnar files.
pub fn lines(dsn: &Dsn, collection: Option<&str>) -> Result<NdjsonReader, CliError> {
    let (path, opened) = match dsn {
        Dsn::Parquet(path) => (path, ColumnarExporter::folder(path, collection)),
        Dsn::Arrow(path) if path == Path::new("-") => (path, ColumnarExporter::stream(io::stdin())),
        Dsn::Arrow(path) => (path, std::fs::File::open(path).and_then(ColumnarExporter::stream)),
        Dsn::Sqlite(_) | Dsn::Postgres(_) => return Err(CliError::usage("a database has tables of its own")),
    };
    let reading = opened.map_err(|error| file(path, error))?;
    let layout = reading.layout().clone();
    Ok(NdjsonReader::new(Box::new(reading), layout, TypeSupport::Arrow))
}
