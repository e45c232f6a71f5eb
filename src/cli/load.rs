//! `chancery load`: checked records into a database, so that the next load of the same data is safe, quick and complete.
//!
//! What goes into columns of Parquet or Arrow instead is [`super::columns`].

use std::io::{self, Write};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::args::{LoadArgs, LoadMode, Migrate};
use super::dsn::Dsn;
use super::session::{Beside, Records, Session, To};
use super::{Trouble, Verdict, print};
use crate::check::OnInvalid;
use crate::layout::relational::rows::{Splitter, hex};
use crate::lexicon::date;
use crate::load::database::{self, Database, Mode, Settled, Start};
use crate::load::file::Target;
use crate::pipeline::{Output, Place};
use crate::write::rows::Rows;

/// Runs the command.
pub fn run(args: LoadArgs) -> Result<Verdict, Trouble> {
    let dsn = Dsn::parse(&args.into)?;
    #[cfg(feature = "parquet")]
    if matches!(dsn, Dsn::Parquet(_) | Dsn::Arrow(_)) {
        return super::columns::load(&dsn, args);
    }
    if args.layout.is_some() {
        return Err(Trouble::usage("--layout is for parquet:DIR; a database has a table for each list of objects"));
    }
    let quiet = args.common.quiet;
    let mut session = Session::new(args.common, args.input)?;
    let on_invalid = session.on_invalid(args.invalid.on_invalid, OnInvalid::Stop);
    let records = records(&session)?;
    let collection = args.collection.unwrap_or(records.name);
    let trial = args.dry_run || args.migrate == Some(Migrate::Print);
    let mut database = open(&dsn, trial, &session)?;
    let prepared = database::prepare(&mut *database, &records.shape, &collection, &records.key)?;
    if !prepared.refused.is_empty() {
        return Err(Trouble::Findings(prepared.refused));
    }
    if args.migrate == Some(Migrate::Print) {
        let statements = prepared.changes.iter().map(|change| {
            let statements: String = change.statements.iter().map(|statement| format!("{statement};\n")).collect();
            format!("-- {}\n{statements}\n", change.says)
        });
        return print(&statements.collect::<String>());
    }
    let shown = database.shown().to_owned();
    let dialect = database.dialect();
    let mode = match args.mode {
        None | Some(LoadMode::Upsert) => Mode::Upsert,
        Some(LoadMode::Replace) => Mode::Replace,
        Some(LoadMode::Append) => Mode::Append,
    };
    let writer = std::sync::Arc::new(Rows::new(Splitter::new(&prepared.layout, dialect)));
    let clerk = database.begin(Start {
        layout: prepared.layout,
        changes: prepared.changes,
        is_new: prepared.is_new,
        mode,
        list: args.dry_run,
        schema: hex(&Sha256::digest(records.schema)),
        inputs: session.seal_inputs(),
        now,
    })?;
    let settled = clerk.settled();
    let rejects = rejects(&session, args.rejects.as_deref())?;
    let beside = Beside { rejects, findings: args.findings.then(|| clerk.findings()), ..Beside::default() };
    let place = if args.dry_run { Place::Sink(Box::new(DryRun(clerk))) } else { Place::Sink(Box::new(clerk)) };
    let ran = session.run_all(vec![Output { writer, place }], Some(beside), on_invalid, To::Stderr)?;
    if ran.held_back || ran.verdict == Verdict::Interrupted {
        return Ok(ran.verdict);
    }
    let mut settled: MutexGuard<'_, Settled> = settled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(changes) = &mut settled.changes {
        let mut out = io::BufWriter::new(io::stdout().lock());
        changes.copy(&mut out)?;
        out.flush()?;
    }
    if !quiet {
        let Settled { added, updated, unchanged, removed, .. } = *settled;
        let trial = if args.dry_run { " (not done)" } else { "" };
        let place = format!("{shown}, {collection}");
        let place = crate::diagnostic::one_line(&place);
        eprintln!("{place}: {added} added, {updated} updated, {unchanged} unchanged, {removed} removed{trial}");
    }
    Ok(ran.verdict)
}

/// The records to load, which are of one schema.
pub(super) fn records(session: &Session) -> Result<Records, Trouble> {
    session.only_course()?.ok_or_else(|| {
        Trouble::usage("the inputs have several schemas; load those of one after those of another, or name a schema with --schema")
    })
}

/// Where records go that are not loaded.
pub(super) fn rejects(session: &Session, path: Option<&Path>) -> Result<Option<Target>, Trouble> {
    path.map(|path| session.refuse_input(path).map(|()| Target::file(path))).transpose()
}

#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only files are tried out, and may be inputs"))]
fn open(dsn: &Dsn, trial: bool, session: &Session) -> Result<Box<dyn Database>, Trouble> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            session.refuse_input(path)?;
            let opened = database::sqlite::Sqlite::open(path, trial).map_err(|error| file(path, error))?;
            Ok(Box::new(opened))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(Trouble::usage("this program was built without SQLite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            let (access, shown) = access(url)?;
            Ok(Box::new(database::postgres::Postgres::open(&access).map_err(|error| file(Path::new(&shown), error))?))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(Trouble::usage("this program was built without PostgreSQL")),
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(Trouble::usage("this program was built without Parquet and Arrow")),
    }
}

/// How to get to a database, and how it is shown.
#[cfg(feature = "postgres")]
pub(super) fn access(url: &str) -> Result<(database::postgres::Access, String), Trouble> {
    let access = database::postgres::Access::new(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .map_err(|error| file(Path::new("postgres"), error))?;
    let shown = access.shown.clone();
    Ok((access, shown))
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "parquet"))]
pub(super) fn file(path: &Path, error: io::Error) -> Trouble {
    Trouble::File { path: path.to_owned(), error }
}

// Everything but the last step.
struct DryRun(database::clerk::Clerk);

impl crate::load::Sink for DryRun {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.0.record(encoded)
    }

    fn settle(&mut self, totals: crate::load::Totals) -> io::Result<Vec<crate::diagnostic::Diagnostic>> {
        self.0.settle(totals)
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

// The time in UTC.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let ((year, month, day), time) = (date::of_number(seconds / 86400), seconds % 86400);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
}
