//! `chancery load` into files of Parquet and streams of Arrow, and `chancery export` out of them.
//!
//! Such a load writes everything anew, so what is about single records of an earlier load, or about tables that change, is a mistake.

use std::io::{self, IsTerminal};
use std::path::Path;

use super::args::{self, LoadArgs, LoadMode};
use super::dsn::Dsn;
use super::load::{file, records, rejects};
use super::session::{Beside, Session, To};
use super::{Trouble, Verdict};
use crate::check::OnInvalid;
use crate::layout::columnar::Form;
use crate::layout::relational::Layout;
use crate::layout::relational::rows::{Splitter, Takes};
use crate::load::Sink;
use crate::load::columnar::parquet::{self, Files};
use crate::load::columnar::reading::Reading;
use crate::load::columnar::stream::{Batches, Outlet};
use crate::load::database::lines::Lines;
use crate::load::file::Stream;
use crate::pipeline::{Output, Place};
use crate::write::rows::Rows;

/// Puts records into columns.
pub fn load(dsn: &Dsn, args: LoadArgs) -> Result<Verdict, Trouble> {
    refuse(dsn, &args)?;
    let shown = args.into;
    let quiet = args.common.quiet;
    let session = Session::new(args.common, args.input)?;
    let on_invalid = session.on_invalid(args.invalid.on_invalid, OnInvalid::Stop);
    let records = records(&session)?;
    let form = if args.layout == Some(args::Layout::Flat) { Form::Flat } else { Form::Nested };
    let collection = super::load::collection(args.collection, records.name)?;
    let layout = form.of(Layout::new(&records.shape, &collection, &records.key, None));
    let writer = std::sync::Arc::new(Rows::new(Splitter::new(&layout, Takes::Arrow)));
    let beside = Beside { rejects: rejects(&session, args.rejects.as_deref())?, ..Beside::default() };
    let mut told = None;
    let sink: Box<dyn Sink> = match dsn {
        Dsn::Parquet(folder) => {
            session.refuse_input(folder)?;
            let taken = parquet::taken(folder, &layout, form).map_err(|error| file(folder, error))?;
            if !taken.is_empty() {
                return Err(Trouble::Findings(taken));
            }
            let files = Files::open(folder, &layout, form).map_err(|error| file(folder, error))?;
            told = Some((files.count(), files.paths().map(Path::to_path_buf).collect::<Vec<_>>()));
            Box::new(files)
        }
        Dsn::Arrow(path) if path == Path::new("-") => {
            let out = Stream::new(Box::new(io::stdout()), on_invalid == OnInvalid::Stop);
            Box::new(Batches::open(Outlet::Stream(out), &layout)?)
        }
        Dsn::Arrow(path) => {
            session.refuse_input(path)?;
            let open = || Batches::open(Outlet::file(path)?, &layout);
            Box::new(open().map_err(|error| file(path, error))?)
        }
        Dsn::Sqlite(_) | Dsn::Postgres(_) => return Err(Trouble::usage("a database has tables of its own")),
    };
    let ran = session.run_all(vec![Output { writer, place: Place::Sink(sink) }], Some(beside), on_invalid, To::Stderr)?;
    if let Some((count, paths)) = told.filter(|_| !(quiet || ran.held_back || ran.verdict == Verdict::Interrupted)) {
        let place = match paths.as_slice() {
            [path] => path.display().to_string(),
            paths => format!("{} files", paths.len()),
        };
        let count = count.load(std::sync::atomic::Ordering::Relaxed);
        let line = format!("{shown}, {collection}: {count} written to {place}");
        eprintln!("{}", crate::diagnostic::one_line(&line));
    }
    Ok(ran.verdict)
}

// What is asked for and cannot be.
fn refuse(dsn: &Dsn, args: &LoadArgs) -> Result<(), Trouble> {
    let what = if matches!(dsn, Dsn::Parquet(_)) { "Parquet" } else { "Arrow" };
    let to_stdout = *dsn == Dsn::Arrow("-".into());
    let wrong = match args.mode {
        Some(LoadMode::Upsert | LoadMode::Append) => format!("a load into {what} writes everything anew; --mode is replace, or left out"),
        _ if args.dry_run => format!("a load into {what} has no changes to list; chancery check tells what is valid"),
        _ if args.migrate.is_some() => format!("a load into {what} writes everything anew, so that nothing has to be migrated"),
        _ if args.findings => format!("a load into {what} has no table of findings; write them with --report ndjson=FILE"),
        _ if args.keep_json => format!("a load into {what} has no column for records as a whole; chancery export gives them"),
        _ if what == "Arrow" && args.layout == Some(args::Layout::Flat) => {
            "a stream of Arrow is one table, so its layout is nested".to_owned()
        }
        _ if to_stdout && io::stdout().is_terminal() => {
            "a stream of Arrow is nothing to read on a terminal; send it through a pipe, or name a file as in arrow:records.arrows"
                .to_owned()
        }
        _ => return Ok(()),
    };
    Err(Trouble::usage(wrong))
}

/// The records of columns.
pub fn lines(dsn: &Dsn, collection: Option<&str>) -> Result<Lines, Trouble> {
    let (path, opened) = match dsn {
        Dsn::Parquet(path) => (path, Reading::folder(path, collection)),
        Dsn::Arrow(path) if path == Path::new("-") => (path, Reading::stream(io::stdin())),
        Dsn::Arrow(path) => (path, std::fs::File::open(path).and_then(Reading::stream)),
        Dsn::Sqlite(_) | Dsn::Postgres(_) => return Err(Trouble::usage("a database has tables of its own")),
    };
    let reading = opened.map_err(|error| file(path, error))?;
    let layout = reading.layout().clone();
    Ok(Lines::new(Box::new(reading), layout))
}
