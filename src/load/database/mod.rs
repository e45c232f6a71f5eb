//! Databases as a place for records, and as a place where records come from.
//!
//! A [`Database`] is opened with its lock held, tells which [`Layout`] it has, and is [prepared](prepare): what has to change
//! is worked out, and what would lose values is refused. A [`clerk`] then takes the records on a thread of its own, in one
//! transaction. [`lines`] gives the records back.
#![cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "only a database needs all of it"))]

pub mod clerk;
pub mod lines;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::Totals;
use crate::check::across::index::Index;
use crate::diagnostic::{Diagnostic, Rule, one_line, rules};
use crate::layout::relational::change::{self, Change, Kind};
use crate::layout::relational::rows::Dialect;
use crate::layout::relational::{KEY, Layout, sql};
use crate::schema::Shape;
use crate::source::{Source, Span};

/// What is done with records that are there already, or no longer there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// New records are added and changed ones updated.
    #[default]
    Upsert,
    /// As `Upsert`; records that are not among those loaded are removed.
    Replace,
    /// Records are only added.
    Append,
}

impl Mode {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::Append => "append",
        }
    }
}

/// An input as it was read.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Sealed {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes; `None` where it was not read to its end.
    pub sha256: Option<String>,
}

/// What a load is told before it begins.
pub struct Start {
    /// The tables.
    pub layout: Layout,
    /// What to run first.
    pub changes: Vec<Change>,
    /// Whether there is no layout yet.
    pub is_new: bool,
    /// What to do with what is there.
    pub mode: Mode,
    /// Whether to list what changes.
    pub list: bool,
    /// SHA-256 of the schema.
    pub schema: String,
    /// The inputs, complete when the last record has come.
    pub inputs: Arc<Mutex<Vec<Sealed>>>,
    /// The time when the load is settled, as text.
    pub now: fn() -> String,
}

/// What a load was asked and said, kept so that it can be said again.
pub struct Said {
    /// The hash of what it was asked.
    pub asked: String,
    /// Whether there were findings that made it fail.
    pub failed: bool,
    /// What it reported.
    pub text: String,
}

/// What the last load of a collection left.
pub struct Answer {
    /// The load.
    pub load: i64,
    /// Its inputs.
    pub inputs: Vec<Sealed>,
    /// The hash of what it was asked.
    pub asked: String,
    /// What the table of records held, as [`Database::content`] tells it.
    pub content: String,
    /// Whether there were findings that made it fail.
    pub failed: bool,
    /// What it reported.
    pub text: String,
}

/// What a load did.
#[derive(Debug, Default)]
pub struct Settled {
    /// Records that are new.
    pub added: u64,
    /// Records that were written anew.
    pub updated: u64,
    /// Records that were left as they are.
    pub unchanged: u64,
    /// Records that were taken away.
    pub removed: u64,
    /// A line for each change, where they are listed.
    pub changes: Option<Changes>,
    /// Keys that are there already where records are only added; the first few.
    pub clashes: Vec<String>,
    /// How many of them there are.
    pub clashing: u64,
    /// How long the server was waited for, where there is one.
    pub waited: Duration,
}

/// Changes by word and key, kept on disk where they are many.
#[derive(Debug)]
pub struct Changes(SpooledTempFile);

impl Default for Changes {
    fn default() -> Self {
        Self(SpooledTempFile::new(1 << 20))
    }
}

impl Changes {
    /// Notes a change.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn note(&mut self, word: &str, key: &str) -> io::Result<()> {
        writeln!(self.0, "{word} {}", one_line(key))
    }

    /// Copies the list.
    ///
    /// # Errors
    /// When it cannot be read or `out` cannot be written.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.0, out).map(|_| ())
    }
}

impl Settled {
    fn clash(&mut self, key: &str) {
        const SHOWN: usize = 20;
        self.clashing += 1;
        if self.clashes.len() < SHOWN {
            self.clashes.push(key.to_owned());
        }
    }
}

/// A database that has been opened for writing, with its lock held.
pub trait Database {
    /// How it is shown.
    fn shown(&self) -> &str;

    /// What its columns take.
    fn dialect(&self) -> Dialect;

    /// The layout that a load left for a collection, less what is no longer there.
    ///
    /// # Errors
    /// When the database fails.
    fn stored(&mut self, collection: &str) -> io::Result<Option<Layout>>;

    /// The layouts of all other collections, as far as they can be read.
    ///
    /// # Errors
    /// When the database fails.
    fn others(&mut self, collection: &str) -> io::Result<Vec<Layout>>;

    /// Whether a query gives a row.
    ///
    /// # Errors
    /// When the database fails.
    fn has_row(&mut self, query: &str) -> io::Result<bool>;

    /// Whether there is a table or view of that name.
    ///
    /// # Errors
    /// When the database fails.
    fn has_table(&mut self, name: &str) -> io::Result<bool>;

    /// What the last load of a collection left; `None` where it left nothing.
    ///
    /// # Errors
    /// When the database fails.
    fn answer(&mut self, collection: &str) -> io::Result<Option<Answer>>;

    /// The keys and hashes of all records of a table, in few letters.
    ///
    /// # Errors
    /// When the database fails.
    fn content(&mut self, table: &str) -> io::Result<String>;

    /// Puts down that a load was done again and changed nothing. Gives the number of its records.
    ///
    /// # Errors
    /// When the database fails.
    fn repeat(self: Box<Self>, load: i64, now: &str) -> io::Result<u64>;

    /// Begins a load.
    ///
    /// # Errors
    /// When the database fails.
    fn begin(self: Box<Self>, start: Start) -> io::Result<clerk::Clerk>;
}

/// What a database needs for records of a shape.
pub struct Prepared {
    /// The tables.
    pub layout: Layout,
    /// What to run first, in order.
    pub changes: Vec<Change>,
    /// Whether there is no layout yet.
    pub is_new: bool,
    /// Why it cannot be done.
    pub refused: Vec<Diagnostic>,
}

/// Compares what a database has with what records of `shape` need, and whether `whole` records shall stand beside their columns.
///
/// # Errors
/// When the database fails.
pub fn prepare(database: &mut dyn Database, shape: &Shape, collection: &str, key: &[String], whole: bool) -> io::Result<Prepared> {
    let stored = database.stored(collection)?;
    let mut layout = Layout::among(&database.others(collection)?, shape, collection, key, stored.as_ref());
    if whole {
        layout.keep_whole();
    }
    let dialect = database.dialect();
    let mut refused = Vec::new();
    let source = Arc::new(Source::whole(database.shown(), ""));
    let mut refuse = |rule: &'static Rule, message: String, help: String| {
        refused.push(Diagnostic::new(rule, &source, Span::at(0), message).help(help));
    };
    let mut changes = Vec::new();
    let Some(stored) = &stored else {
        for name in layout.tables.iter().map(|table| &table.name).chain([&layout.view]) {
            if database.has_table(name)? {
                let message = format!("expected no table {name}, found one that no load has made");
                refuse(&rules::TABLE_TAKEN, message, "name another collection with --collection, or rename the table".to_owned());
            }
        }
        let statements = sql::create(&layout, dialect);
        changes.push(Change { says: format!("new collection {collection}"), statements, loses: None, kind: Kind::More });
        return Ok(Prepared { layout, changes, is_new: true, refused });
    };
    let drop_view = format!("DROP VIEW IF EXISTS {}", sql::name(&stored.view));
    let mut compared = Vec::new();
    for change in change::compare(stored, &layout, dialect) {
        let rule = match change.kind {
            Kind::More => None,
            Kind::Gone => Some(&rules::WOULD_LOSE_VALUES),
            Kind::Narrower => Some(&rules::WOULD_NARROW),
            Kind::Key => Some(&rules::KEY_CHANGED),
        };
        let loses = match &change.loses {
            Some(query) => database.has_row(query)?,
            None => false,
        };
        match rule.filter(|_| loses) {
            Some(rule) => {
                let statements =
                    std::iter::once(&drop_view).chain(&change.statements).fold(String::new(), |all, next| all + " " + next + ";");
                refuse(rule, format!("{}, and there are values", change.says), format!("if they can go, run{statements} and load again"));
            }
            None => compared.push(change),
        }
    }
    // The view stands in the way of changes, and shows what is new only when it is made anew.
    if stored != &layout || !database.has_table(&stored.view)? {
        let view =
            |statement: String, says: &str| Change { says: says.to_owned(), statements: vec![statement], loses: None, kind: Kind::More };
        changes.push(view(drop_view, "the view goes"));
        changes.append(&mut compared);
        changes.push(view(sql::view(&layout, dialect), "and comes anew"));
    }
    Ok(Prepared { layout, changes, is_new: false, refused })
}

// The answer for a collection.
const ANSWER: &str = "SELECT a.\"load\", l.\"inputs\", a.\"asked\", a.\"content\", a.\"failed\", a.\"said\" FROM \"_chancery_answer\" a JOIN \
                      \"_chancery_load\" l ON l.\"id\" = a.\"load\" WHERE a.\"collection\" = $1";

// Puts a load down once more, at another time, and the answer as that of the newer one. The values come in the order in which
// they stand, since SQLite numbers them so.
const REPEAT: [&str; 2] = [
    "INSERT INTO \"_chancery_load\" (\"id\", \"collection\", \"mode\", \"schema_sha256\", \"inputs\", \"records\", \"added\", \"updated\", \"unchanged\", \
     \"removed\", \"rejected\", \"ended\") SELECT (SELECT max(\"id\") + 1 FROM \"_chancery_load\"), \"collection\", \"mode\", \
     \"schema_sha256\", \"inputs\", \"records\", 0, 0, \"added\" + \"updated\" + \"unchanged\", 0, \"rejected\", $1 FROM \"_chancery_load\" WHERE \"id\" = $2 \
     RETURNING \"id\", \"unchanged\"",
    "UPDATE \"_chancery_answer\" SET \"load\" = $1 WHERE \"collection\" = (SELECT \"collection\" FROM \"_chancery_load\" WHERE \"id\" = $1)",
];

// Inputs as a load put them down.
fn inputs(text: &str) -> Vec<Sealed> {
    serde_json::from_str(text).unwrap_or_default()
}

// Tells the records of one load apart that have the same key.
#[derive(Debug, Default)]
struct Seen {
    // Which there were; their numbers say nothing.
    keys: Index,
    // How often those came that came more than once, which are few.
    again: HashMap<u128, u32>,
}

impl Seen {
    // The number of this record among those with its key, from 1.
    fn nth(&mut self, key: &str) -> io::Result<u32> {
        let sum: [u8; 32] = Sha256::digest(key).into();
        let (half, _) = sum.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let hash = u128::from_le_bytes(*half);
        if let Some(count) = self.again.get_mut(&hash) {
            *count += 1;
            return Ok(*count);
        }
        if self.keys.get(hash)?.is_none() {
            self.keys.insert(hash, 0)?;
            return Ok(1);
        }
        self.again.insert(hash, 2);
        Ok(2)
    }
}

// An SQL expression: the content by which a record without a key is known (`#HASH`), of a key column that may number its
// copies (`#2 #HASH`); null for a record with a key of its own.
fn keyless_base(key: &str, dialect: Dialect) -> String {
    let key = sql::name(key);
    let space = match dialect {
        Dialect::Sqlite => format!("instr({key}, ' ')"),
        Dialect::Postgres => format!("strpos({key}, ' ')"),
    };
    // `#key HASH` stands for a key that is long.
    format!(
        "CASE WHEN {key} LIKE '#%' AND {space} = 0 THEN {key} WHEN {key} LIKE '#% #%' AND substr({key}, {space} + 1) NOT LIKE '#key %' \
         THEN substr({key}, {space} + 1) END"
    )
}

// A query: how many copies of each record without a key a table has numbered. A condition may follow with HAVING.
fn copies(table: &str, dialect: Dialect) -> String {
    let (base, key) = (keyless_base(KEY, dialect), sql::name(KEY));
    let nth = match dialect {
        Dialect::Sqlite => format!("CAST(substr({key}, 2, instr({key}, ' ') - 2) AS INTEGER)"),
        Dialect::Postgres => format!("CAST(substr({key}, 2, strpos({key}, ' ') - 2) AS bigint)"),
    };
    format!(
        "SELECT {base} AS \"base\", max(CASE WHEN {key} LIKE '#% #%' THEN {nth} ELSE 1 END) AS \"nth\" FROM {table} \
         WHERE {base} IS NOT NULL GROUP BY {base}"
    )
}

// The key of the nth record with it. Plain keys do not begin with `#`.
fn nth_key(key: &str, nth: u32) -> String {
    format!("#{nth} {key}")
}

// Why a load cannot be committed.
fn objections(shown: &str, settled: &Settled, mode: Mode, totals: Totals) -> Vec<Diagnostic> {
    let source = Arc::new(Source::whole(shown, ""));
    let mut found = Vec::new();
    for key in &settled.clashes {
        let message = format!("expected a new key, found {}, which is there already", crate::diagnostic::quote(key, true));
        found.push(Diagnostic::new(&rules::KEY_PRESENT, &source, Span::at(0), message).help("update it with --mode upsert"));
    }
    let unlisted = settled.clashing - settled.clashes.len() as u64;
    if unlisted > 0 {
        let message = format!("{unlisted} more keys are there already");
        found.push(Diagnostic::new(&rules::KEY_PRESENT, &source, Span::at(0), message));
    }
    if mode == Mode::Replace && totals.incomplete {
        found.push(incomplete(shown));
    }
    found
}

/// Why what is there is not replaced.
pub(super) fn incomplete(shown: &str) -> Diagnostic {
    let message = "not every input could be read to its end, so it is not known what to remove";
    Diagnostic::new(&rules::INCOMPLETE_REPLACE, &Arc::new(Source::whole(shown, "")), Span::at(0), message)
}

// A finding, as the report that goes with a load has it.
#[derive(serde::Deserialize)]
struct Finding {
    code: String,
    severity: String,
    message: String,
    file: Option<String>,
    line: Option<i64>,
    record: Option<Record>,
    pointer: Option<String>,
}

#[derive(serde::Deserialize)]
struct Record {
    index: i64,
    key: Option<String>,
}

impl Finding {
    // The last line of a report is no finding.
    fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

// The layout of a collection among all that are stored; of the only one, where none is named.
pub(super) fn choose(all: &[(String, String)], collection: Option<&str>) -> io::Result<Option<Layout>> {
    let found = match collection {
        Some(name) => all.iter().find(|(known, _)| known == name),
        None if all.len() > 1 => {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("there are records of several collections; choose one with --collection ({})", names.join(", "));
            return Err(io::Error::other(message));
        }
        None => all.first(),
    };
    let Some((name, text)) = found else { return Ok(None) };
    layout_of(text).map(Some).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

/// A layout as a load left it.
pub(super) fn layout_of(text: &str) -> io::Result<Layout> {
    let told = |why: &str| io::Error::other(format!("the layout cannot be read; a newer version may have written it: {why}"));
    let layout: Layout = serde_json::from_str(text).map_err(|error| told(&error.to_string()))?;
    if layout.is_sound() { Ok(layout) } else { Err(told("tables do not lie in each other")) }
}

fn others(all: &[(String, String)], collection: &str) -> Vec<Layout> {
    all.iter().filter(|(name, _)| name != collection).filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
}

pub(super) fn no_records(collection: Option<&str>) -> io::Error {
    io::Error::other(
        collection.map_or_else(
            || "no load has put records here".to_owned(),
            |collection| format!("no load has put records of {collection} here"),
        ),
    )
}
