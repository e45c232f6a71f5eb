//! `chancery load`: checked records into a database, so that the next load of the same data is safe, quick and complete.
//!
//! What goes into columns of Parquet or Arrow instead is [`super::columns`].

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::again::{Question, Remembered};
use super::args::{LoadArgs, LoadMode, Migrate};
use super::dsn::Dsn;
use super::session::{Beside, Records, Session, To, draw_findings};
use super::{Trouble, Verdict, print};
use crate::check::OnInvalid;
use crate::diagnostic::{Diagnostic, one_line};
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
    let begun = Instant::now();
    let (quiet, verbose) = (args.common.quiet, args.common.verbose);
    let asked = args.clone();
    let mut session = Session::new(args.common, args.input)?;
    let on_invalid = session.on_invalid(args.invalid.on_invalid, OnInvalid::Stop);
    let records = records(&session)?;
    let collection = collection(args.collection, records.name)?;
    let question = Question::new(&asked, &session);
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
            format!("-- {}\n{statements}\n", change.says)
        });
        return print(&statements.collect::<String>());
    }
    let dialect = database.dialect();
    let mode = match args.mode {
        None | Some(LoadMode::Upsert) => Mode::Upsert,
        Some(LoadMode::Replace) => Mode::Replace,
        Some(LoadMode::Append) => Mode::Append,
    };
    // Records that are there already are refused, not counted, where records are only added.
    if let Some(question) = question.as_ref().filter(|_| prepared.changes.is_empty() && mode != Mode::Append)
        && let Some(answer) = question.answer(&mut *database, &collection, &prepared.layout.tables[0].name).map_err(of_database(&shown))?
    {
        let unchanged = database.repeat(answer.load, &now()).map_err(of_database(&shown))?;
        io::stderr().write_all(answer.text.as_bytes())?;
        if !quiet {
            tell(&shown, &collection, &Settled { unchanged, ..Settled::default() }, false);
        }
        return Ok(if answer.failed { Verdict::Findings } else { Verdict::Clean });
    }
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
    });
    let clerk = clerk.map_err(of_database(&shown))?;
    let settled = clerk.settled();
    let rejects = rejects(&session, args.rejects.as_deref())?;
    let beside = Beside { rejects, findings: args.findings.then(|| clerk.findings()), ..Beside::default() };
    let place = Place::Sink(match question {
        _ if args.dry_run => Box::new(DryRun(clerk)),
        Some(question) => Box::new(Remembered::new(clerk, question, session.keep_copy())),
        None => Box::new(clerk),
    });
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
        tell(&shown, &collection, &settled, args.dry_run);
    }
    if verbose && !settled.waited.is_zero() {
        eprintln!("waited {:.2} s of {:.2} s for the server", settled.waited.as_secs_f64(), begun.elapsed().as_secs_f64());
    }
    Ok(ran.verdict)
}

/// The records to load, which are of one schema.
pub(super) fn records(session: &Session) -> Result<Records, Trouble> {
    session.only_course()?.ok_or_else(|| {
        Trouble::usage("the inputs have several schemas; load those of one after those of another, or name a schema with --schema")
    })
}

/// The collection to load into: the one that is named, or the schema's.
pub(super) fn collection(named: Option<String>, of_schema: String) -> Result<String, Trouble> {
    let collection = named.unwrap_or(of_schema);
    match crate::layout::relational::refused_name(&collection) {
        Some(why) => Err(Trouble::usage(format!(
            "{collection:?} cannot be the name of a collection: {why}; a name begins with a letter, has at most 63 bytes, and does not begin with \
             sqlite_, pg_ or _chancery; choose another one with --collection"
        ))),
        None => Ok(collection),
    }
}

/// Where records go that are not loaded.
pub(super) fn rejects(session: &Session, path: Option<&Path>) -> Result<Option<Target>, Trouble> {
    path.map(|path| session.refuse_input(path).map(|()| Target::file(path))).transpose()
}

fn tell(shown: &str, collection: &str, settled: &Settled, is_trial: bool) {
    let Settled { added, updated, unchanged, removed, .. } = settled;
    let trial = if is_trial { " (not done)" } else { "" };
    let place = format!("{shown}, {collection}");
    let place = one_line(&place);
    eprintln!("{place}: {added} added, {updated} updated, {unchanged} unchanged, {removed} removed{trial}");
}

// What fails is the database's.
fn of_database(shown: &str) -> impl Fn(io::Error) -> Trouble {
    move |error| file(Path::new(shown), error)
}

// What is to be run has to be seen also where a finding takes one line.
fn refuse(notes: &[Diagnostic]) -> Result<Verdict, Trouble> {
    let (terminal, mut out) = (io::stderr().is_terminal(), io::stderr().lock());
    for note in notes {
        draw_findings(std::slice::from_ref(note), terminal, &mut out)?;
        if let Some(help) = note.help.as_deref().filter(|_| !terminal) {
            writeln!(out, "  help: {}", one_line(help))?;
        }
    }
    Ok(Verdict::Unable)
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
            let (access, shown) = access(url, session.is_quiet())?;
            Ok(Box::new(database::postgres::Postgres::open(&access).map_err(|error| file(Path::new(&shown), error))?))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(Trouble::usage("this program was built without PostgreSQL")),
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(Trouble::usage("this program was built without Parquet and Arrow")),
    }
}

/// How to get to a database, and how it is shown.
#[cfg(feature = "postgres")]
pub(super) fn access(url: &str, quiet: bool) -> Result<(database::postgres::Access, String), Trouble> {
    let access = database::postgres::Access::new(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .map_err(|error| file(Path::new("postgres"), error))?;
    let shown = access.shown.clone();
    if access.exposes_password && !quiet {
        eprintln!(
            "warning: other users of this machine can see the password in the address, as with ps; set PGPASSWORD or use the password file (~/.pgpass)"
        );
    }
    Ok((access, shown))
}

pub(super) fn file(path: &Path, error: io::Error) -> Trouble {
    Trouble::File { path: path.to_owned(), error }
}

// Everything but the last step.
struct DryRun(database::clerk::Clerk);

impl crate::load::Sink for DryRun {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.0.record(encoded)
    }

    fn settle(&mut self, totals: crate::load::Totals) -> io::Result<Vec<Diagnostic>> {
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
