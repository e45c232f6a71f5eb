//! `chancery load`: checked records into a database, so that the next load of the same data is safe, fast and complete.
//!
//! Loads into Parquet or Arrow are in [`super::load_columnar`].

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::args::{LoadArgs, LoadMode, Migrate};
use super::dsn::Dsn;
use super::interrupt::interrupted;
use super::overrides::{self, overrides};
use super::reporting::{ReportStream, draw_findings};
use super::runner::{Runner, SideOutputs};
use super::stdout::stdout;
use super::store::{collection, file, records, rejects};
use super::{CliError, ExitStatus, caching, is_read, print};
use chancery_check::OnInvalid;
use chancery_check::redact::Redactor;
use chancery_check::reference_data::date;
use chancery_core::diagnostic::{Diagnostic, log_line};
use chancery_engine::pipeline::{Output, Place};
use chancery_engine::project::cache::{CachingSink, LoadFingerprint, RunKey};
use chancery_files::checksum;
use chancery_files::output::Commit;
use chancery_store::database::{self, Database, LoadRequest, LoadStats, Mode};
use chancery_store::relational::shred::Shredder;
use chancery_store::row_writer::RowWriter;

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
    #[cfg(not(feature = "parquet"))]
    if matches!(dsn, Dsn::Parquet(_) | Dsn::Arrow(_)) {
        return Err(super::dsn::not_built("Parquet and Arrow", "parquet"));
    }
    if args.layout.is_some() {
        return Err(CliError::usage("--layout is for parquet:DIR; databases always have one table for each list of objects"));
    }
    let begun = Instant::now();
    let (quiet, verbose) = (args.common.quiet, args.common.verbose);
    let key = run_key(&args)?;
    let mut runner = Runner::new(args.common, &args.input)?;
    let on_invalid = overrides::on_invalid(args.invalid.on_invalid, &runner.project.settings, OnInvalid::Stop);
    let records = records(&runner.project)?;
    let collection = collection(args.collection, records.name)?;
    let key = key.filter(|_| !runner.reporting.has_other_reports());
    let question = key.and_then(|key| LoadFingerprint::new(&key, &runner.project));
    let trial = args.dry_run || args.migrate == Some(Migrate::Print);
    let mut database = open(&dsn, trial, &runner)?;
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
    let writer = Arc::new(RowWriter::new(Shredder::new(&prepared.layout, dialect)));
    // Of the first schema where there are several.
    let redactor = runner.project.collections.first().and_then(|collection| collection.redactor.as_deref());
    let writer_thread = database.begin(LoadRequest {
        layout: prepared.layout,
        changes: prepared.changes,
        is_new: prepared.is_new,
        mode,
        list: args.dry_run,
        keys: redactor.map(Redactor::keys).unwrap_or_default(),
        schema: checksum::of(&records.schema),
        inputs: runner.checksums.get_or_insert_default().list(),
        now,
    });
    let writer_thread = writer_thread.map_err(of_database(&shown))?;
    let settled = writer_thread.settled();
    let rejects = rejects(&runner, args.rejects.as_deref())?;
    let beside = SideOutputs { rejects, findings: args.findings.then(|| writer_thread.findings()), ..SideOutputs::default() };
    let place = Place::Sink(match question {
        _ if args.dry_run => Box::new(DryRun(writer_thread)),
        Some(question) => Box::new(CachingSink::new(writer_thread, question, runner.captured.get_or_insert_default().clone())),
        None => Box::new(writer_thread),
    });
    let result = runner.run(vec![Output { writer, place }], Some(beside), on_invalid, ReportStream::Stderr)?;
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

// The identity of this load; `None` if its result depends on more than files.
fn run_key(args: &LoadArgs) -> Result<Option<RunKey>, CliError> {
    let has_other_outputs = args.findings || args.rejects.is_some() || args.dry_run;
    let Some(caller) = caching::caller(&args.common, ReportStream::Stderr).filter(|_| !has_other_outputs && !args.no_cache) else {
        return Ok(None);
    };
    let overrides = overrides(&args.common, &args.input)?;
    let config = overrides.config_file()?;
    // The address may contain a password, and does not affect the report.
    let own = (args.mode, args.layout, args.migrate, &args.collection, args.keep_json, args.invalid.on_invalid);
    Ok(RunKey::new(&overrides, config.as_ref(), &(caller, own)))
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
fn open(dsn: &Dsn, trial: bool, runner: &Runner) -> Result<Box<dyn Database>, CliError> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            runner.refuse_output(path)?;
            let opened = database::sqlite::Sqlite::open(path, trial, interrupted()).map_err(|error| file(path, error))?;
            Ok(Box::new(opened))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(super::dsn::not_built("SQLite", "sqlite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            let (access, shown) = super::store::access(url, runner.reporting.is_quiet())?;
            Ok(Box::new(database::postgres::Postgres::open(&access, interrupted()).map_err(|error| file(Path::new(&shown), error))?))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(super::dsn::not_built("PostgreSQL", "postgres")),
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(CliError::usage("Parquet files and Arrow streams are not databases")),
    }
}

// Everything but the last step.
struct DryRun(database::writer::WriterThread);

impl chancery_store::sink::Sink for DryRun {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.0.record(encoded)
    }

    fn settle(&mut self, totals: chancery_store::sink::Totals) -> io::Result<Vec<Diagnostic>> {
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
