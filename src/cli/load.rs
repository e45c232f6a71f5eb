//! `chancery load`: checked records into a database, so that the next load of the same data is safe, fast and complete.
//!
//! Loads into Parquet or Arrow are in [`super::load_columnar`].

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::args::{LoadArgs, LoadMode, Migrate};
use super::dsn::Dsn;
use super::load_cache::{CachingSink, LoadFingerprint};
use super::session::{Records, ReportStream, Session, SideOutputs, draw_findings, interrupted};
use super::stdout::stdout;
use super::{CliError, ExitStatus, is_read, print};
use crate::check::OnInvalid;
use crate::diagnostic::{Diagnostic, log_line};
use crate::layout::relational::shred::{Shredder, hex};
use crate::load::database::{self, Database, LoadRequest, LoadStats, Mode};
use crate::output::{Commit, OutputTarget};
use crate::pipeline::{Output, Place};
use crate::reference_data::date;
use crate::write::row_writer::RowWriter;

/// Runs the command. An interrupted load commits nothing; where it was committed before, that is an error.
pub fn run(args: LoadArgs) -> Result<ExitStatus, CliError> {
    let mut has_committed = false;
    let done = work(args, &mut has_committed);
    match done {
        done if !interrupted().load(Ordering::Relaxed) => done,
        Ok(ExitStatus::Clean | ExitStatus::Findings) if has_committed => {
            Err(CliError::Io(io::Error::other("interrupted, but the load had already been committed")))
        }
        Err(error @ CliError::Usage(_)) => Err(error),
        Err(_) if !has_committed => Ok(ExitStatus::Interrupted),
        done => done,
    }
}

fn work(args: LoadArgs, has_committed: &mut bool) -> Result<ExitStatus, CliError> {
    let dsn = Dsn::parse(&args.into)?;
    #[cfg(feature = "parquet")]
    if matches!(dsn, Dsn::Parquet(_) | Dsn::Arrow(_)) {
        return super::load_columnar::load(&dsn, args);
    }
    if args.layout.is_some() {
        return Err(CliError::usage("--layout is for parquet:DIR; databases always have one table for each list of objects"));
    }
    let begun = Instant::now();
    let (quiet, verbose) = (args.common.quiet, args.common.verbose);
    let asked = args.clone();
    let mut session = Session::new(args.common, args.input)?;
    let on_invalid = session.on_invalid(args.invalid.on_invalid, OnInvalid::Stop);
    let records = records(&session)?;
    let collection = collection(args.collection, records.name)?;
    let question = LoadFingerprint::new(&asked, &session);
    let trial = args.dry_run || args.migrate == Some(Migrate::Print);
    let mut database = open(&dsn, trial, &session)?;
    let shown = database.shown().to_owned();
    let prepared =
        database::prepare(&mut *database, &records.shape, &collection, &records.key, args.keep_json).map_err(of_database(&shown))?;
    if !prepared.refused.is_empty() {
        return refuse(&prepared.refused);
    }
    if args.migrate == Some(Migrate::Print) {
        let statements = prepared.changes.iter().map(|change| {
            let statements: String = change.statements.iter().map(|statement| format!("{statement};\n")).collect();
            format!("-- {}\n{statements}\n", change.description)
        });
        return print(&statements.collect::<String>());
    }
    let dialect = database.dialect();
    let mode = match args.mode {
        None | Some(LoadMode::Upsert) => Mode::Upsert,
        Some(LoadMode::Replace) => Mode::Replace,
        Some(LoadMode::Append) => Mode::Append,
    };
    // In append mode, existing records are errors.
    if let Some(question) = question.as_ref().filter(|_| prepared.changes.is_empty() && mode != Mode::Append)
        && let Some(cached) = question.lookup(&mut *database, &collection, &prepared.layout.tables[0].name).map_err(of_database(&shown))?
    {
        let unchanged = database.repeat(cached.load, &now()).map_err(of_database(&shown))?;
        *has_committed = true;
        is_read(io::stderr().write_all(cached.text.as_bytes()))?;
        if !quiet {
            print_summary(&shown, &collection, &LoadStats { unchanged, ..LoadStats::default() }, false);
        }
        return Ok(if cached.failed { ExitStatus::Findings } else { ExitStatus::Clean });
    }
    let writer = std::sync::Arc::new(RowWriter::new(Shredder::new(&prepared.layout, dialect)));
    let writer_thread = database.begin(LoadRequest {
        layout: prepared.layout,
        changes: prepared.changes,
        is_new: prepared.is_new,
        mode,
        list: args.dry_run,
        keys: session.shown_keys(),
        schema: hex(&Sha256::digest(records.schema)),
        inputs: session.record_checksums(),
        now,
    });
    let writer_thread = writer_thread.map_err(of_database(&shown))?;
    let settled = writer_thread.settled();
    let rejects = rejects(&session, args.rejects.as_deref())?;
    let beside = SideOutputs { rejects, findings: args.findings.then(|| writer_thread.findings()), ..SideOutputs::default() };
    let place = Place::Sink(match question {
        _ if args.dry_run => Box::new(DryRun(writer_thread)),
        Some(question) => Box::new(CachingSink::new(writer_thread, question, session.capture_output())),
        None => Box::new(writer_thread),
    });
    let result = session.run_all(vec![Output { writer, place }], Some(beside), on_invalid, ReportStream::Stderr)?;
    if result.held_back || result.status == ExitStatus::Interrupted {
        return Ok(result.status);
    }
    *has_committed = !args.dry_run;
    let mut settled: MutexGuard<'_, LoadStats> = settled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(changes) = &mut settled.changes {
        let mut out = io::BufWriter::new(stdout());
        if !is_read(changes.copy(&mut out).and_then(|()| out.flush()))? {
            return Ok(result.status);
        }
    }
    if !quiet {
        print_summary(&shown, &collection, &settled, args.dry_run);
    }
    if verbose && !settled.waited.is_zero() {
        errln!("waited {:.2} s of {:.2} s for the server", settled.waited.as_secs_f64(), begun.elapsed().as_secs_f64());
    }
    Ok(result.status)
}

/// The records to load, which have one schema.
pub(super) fn records(session: &Session) -> Result<Records, CliError> {
    session.only_pipeline()?.ok_or_else(|| CliError::usage("the inputs have several schemas; load them separately, or use --schema"))
}

/// The collection: the one given, else the schema's.
pub(super) fn collection(named: Option<String>, of_schema: String) -> Result<String, CliError> {
    let collection = named.unwrap_or(of_schema);
    match crate::layout::relational::refused_name(&collection) {
        Some(why) => Err(CliError::usage(format!(
            "{collection:?} cannot be the name of a collection: {why}; a name begins with a letter, has at most 63 bytes, and does not begin with \
             sqlite_, pg_ or _chancery; choose another one with --collection"
        ))),
        None => Ok(collection),
    }
}

/// Where rejected records go.
pub(super) fn rejects(session: &Session, path: Option<&Path>) -> Result<Option<OutputTarget>, CliError> {
    path.map(|path| session.refuse_input(path).map(|()| OutputTarget::file(path))).transpose()
}

fn print_summary(shown: &str, collection: &str, settled: &LoadStats, is_trial: bool) {
    let LoadStats { added, updated, unchanged, removed, .. } = settled;
    let trial = if is_trial { " (not done)" } else { "" };
    let place = format!("{shown}, {collection}");
    let place = log_line(&place);
    errln!("{place}: {added} added, {updated} updated, {unchanged} unchanged, {removed} removed{trial}");
}

// The database failed.
fn of_database(shown: &str) -> impl Fn(io::Error) -> CliError {
    move |error| file(Path::new(shown), error)
}

// The statements must be readable even where a finding takes one line.
fn refuse(diagnostics: &[Diagnostic]) -> Result<ExitStatus, CliError> {
    let (terminal, mut out) = (io::stderr().is_terminal(), io::stderr().lock());
    for diagnostic in diagnostics {
        draw_findings(std::slice::from_ref(diagnostic), terminal, &mut out)?;
        if let Some(help) = diagnostic.help.as_deref().filter(|_| !terminal) {
            writeln!(out, "  help: {}", log_line(help))?;
        }
    }
    Ok(ExitStatus::Unable)
}

#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only file outputs are checked against the inputs"))]
fn open(dsn: &Dsn, trial: bool, session: &Session) -> Result<Box<dyn Database>, CliError> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            session.refuse_input(path)?;
            let opened = database::sqlite::Sqlite::open(path, trial, interrupted()).map_err(|error| file(path, error))?;
            Ok(Box::new(opened))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(CliError::usage("this program was built without SQLite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            let (access, shown) = access(url, session.is_quiet())?;
            Ok(Box::new(database::postgres::Postgres::open(&access, interrupted()).map_err(|error| file(Path::new(&shown), error))?))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(CliError::usage("this program was built without PostgreSQL")),
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(CliError::usage("this program was built without Parquet and Arrow")),
    }
}

/// How to connect to a database, and its display name.
#[cfg(feature = "postgres")]
pub(super) fn access(url: &str, quiet: bool) -> Result<(database::postgres::ConnectionConfig, String), CliError> {
    let access = database::postgres::ConnectionConfig::new(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .map_err(|error| file(Path::new("postgres"), error))?;
    let shown = access.shown.clone();
    if access.exposes_password && !quiet {
        errln!(
            "warning: other users of this machine can see the password in the address, as with ps; set PGPASSWORD or use the password file (~/.pgpass)"
        );
    }
    Ok((access, shown))
}

pub(super) fn file(path: &Path, error: io::Error) -> CliError {
    if crate::output::atomic::names_file(&error) { CliError::Io(error) } else { CliError::File { path: path.to_owned(), error } }
}

// Everything but the last step.
struct DryRun(database::writer::WriterThread);

impl crate::load::Sink for DryRun {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.0.record(encoded)
    }

    fn settle(&mut self, totals: crate::load::Totals) -> io::Result<Vec<Diagnostic>> {
        self.0.settle(totals)
    }
}

impl Commit for DryRun {
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
