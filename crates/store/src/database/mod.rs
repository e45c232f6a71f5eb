//! Databases as a destination and a source of records.
//!
//! A [`Database`] is opened with a lock, returns its stored [`Layout`], and is [prepared](prepare): the migrations are
//! determined, and those that would lose values are rejected. A [`writer`] then receives the records on its own thread,
//! in one transaction. [`export`] reads the records back.
#![cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "only a database needs all of it"))]

pub mod writer;
pub mod export;
pub mod watch;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::relational::migration::{self, Migration, MigrationKind};
use crate::relational::shred::Dialect;
use crate::relational::{KEY, Layout, sql};
use crate::sink::Totals;
use chancery_check::redact::Keys;
use chancery_check::references::spill_index::SpillIndex;
use chancery_core::diagnostic::{Diagnostic, Rule, log_line, rules};
use chancery_core::source::{Source, Span};
use chancery_files::checksum::InputChecksum;
use chancery_files::spool::SpoolFile;
use chancery_schema::Shape;

/// How existing and missing records are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// New records are added and changed ones updated.
    #[default]
    Upsert,
    /// Like `Upsert`; records that are not loaded are removed.
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

/// The parameters of a load.
pub struct LoadRequest {
    /// The tables.
    pub layout: Layout,
    /// The migrations.
    pub changes: Vec<Migration>,
    /// Whether there is no layout yet.
    pub is_new: bool,
    /// How to handle existing records.
    pub mode: Mode,
    /// Whether to list the changes.
    pub list: bool,
    /// Which keys may be shown.
    pub keys: Arc<Keys>,
    /// SHA-256 of the schema.
    pub schema: String,
    /// The inputs, complete after the last record.
    pub inputs: Arc<Mutex<Vec<InputChecksum>>>,
    /// The time of the commit, as text.
    pub now: fn() -> String,
}

/// The fingerprint and report of a load, stored so that the report can be repeated.
pub struct CachedReport {
    /// The fingerprint.
    pub fingerprint: String,
    /// Whether there were findings that made it fail.
    pub failed: bool,
    /// The report.
    pub report: String,
}

/// The cached result of the last load of a collection.
pub struct CachedLoad {
    /// The load.
    pub load: i64,
    /// Its inputs.
    pub inputs: Vec<InputChecksum>,
    /// The fingerprint.
    pub fingerprint: String,
    /// The content of the table of records, as returned by [`Database::content`].
    pub content: String,
    /// Whether there were findings that made it fail.
    pub failed: bool,
    /// The report.
    pub text: String,
}

/// Statistics of a load.
#[derive(Debug, Default)]
pub struct LoadStats {
    /// Added records.
    pub added: u64,
    /// Updated records.
    pub updated: u64,
    /// Unchanged records.
    pub unchanged: u64,
    /// Removed records.
    pub removed: u64,
    /// A line for each change, if they are listed.
    pub changes: Option<Changes>,
    /// Existing keys in append mode; the first few.
    pub conflicts: Vec<String>,
    /// How many of them there are.
    pub conflicting: u64,
    /// The time spent waiting for the server, if there is one.
    pub waited: Duration,
}

/// Changes by kind and key, on disk if there are many.
#[derive(Debug)]
pub struct Changes(SpoolFile);

impl Default for Changes {
    fn default() -> Self {
        Self(SpoolFile::new(1 << 20))
    }
}

impl Changes {
    /// Reports a change; `key` is as it may be shown.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn emit(&mut self, word: &str, key: &str) -> io::Result<()> {
        writeln!(self.0, "{word} {}", log_line(key))
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

impl LoadStats {
    // `key` is as it may be shown.
    fn add_conflict(&mut self, key: &str) {
        const SHOWN: usize = 20;
        self.conflicting += 1;
        if self.conflicts.len() < SHOWN {
            self.conflicts.push(key.to_owned());
        }
    }
}

/// A database opened for writing, with a lock.
pub trait Database {
    /// Its display name.
    fn shown(&self) -> &str;

    /// The types that its columns support.
    fn dialect(&self) -> Dialect;

    /// The layout that a load stored for a collection, without missing tables and columns.
    ///
    /// # Errors
    /// When the database fails.
    fn stored(&mut self, collection: &str) -> io::Result<Option<Layout>>;

    /// The layouts of all other collections, as far as they can be read.
    ///
    /// # Errors
    /// When the database fails.
    fn others(&mut self, collection: &str) -> io::Result<Vec<Layout>>;

    /// Whether a query returns a row.
    ///
    /// # Errors
    /// When the database fails.
    fn has_row(&mut self, query: &str) -> io::Result<bool>;

    /// Whether there is a table or view of that name.
    ///
    /// # Errors
    /// When the database fails.
    fn has_table(&mut self, name: &str) -> io::Result<bool>;

    /// The cached result of the last load of a collection; `None` if there is none.
    ///
    /// # Errors
    /// When the database fails.
    fn cached_load(&mut self, collection: &str) -> io::Result<Option<CachedLoad>>;

    /// The keys and hashes of all records of a table, as a short text.
    ///
    /// # Errors
    /// When the database fails.
    fn content(&mut self, table: &str) -> io::Result<String>;

    /// Stores that a load was repeated and changed nothing. Returns the number of its records.
    ///
    /// # Errors
    /// When the database fails.
    fn repeat(self: Box<Self>, load: i64, now: &str) -> io::Result<u64>;

    /// Begins a load.
    ///
    /// # Errors
    /// When the database fails.
    fn begin(self: Box<Self>, start: LoadRequest) -> io::Result<writer::WriterThread>;
}

/// The changes needed for records of a shape.
pub struct Prepared {
    /// The tables.
    pub layout: Layout,
    /// What to run first, in order.
    pub changes: Vec<Migration>,
    /// Whether there is no layout yet.
    pub is_new: bool,
    /// Why it is impossible.
    pub refused: Vec<Diagnostic>,
}

/// Compares a database with what records of `shape` need, and whether `whole` records are stored too.
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
                let message = format!("expected no table {name}, found one that was not created by a load");
                refuse(&rules::TABLE_TAKEN, message, "use another collection with --collection, or rename the table".to_owned());
            }
        }
        let statements = sql::create(&layout, dialect);
        changes.push(Migration {
            description: format!("new collection {collection}"),
            statements,
            data_loss_check: None,
            kind: MigrationKind::Extend,
        });
        return Ok(Prepared { layout, changes, is_new: true, refused });
    };
    let drop_view = format!("DROP VIEW IF EXISTS {}", sql::name(&stored.view));
    let mut compared = Vec::new();
    for change in migration::compare(stored, &layout, dialect) {
        let rule = match change.kind {
            MigrationKind::Extend => None,
            MigrationKind::Removed => Some(&rules::WOULD_LOSE_VALUES),
            MigrationKind::Narrower => Some(&rules::WOULD_NARROW),
            MigrationKind::Key => Some(&rules::KEY_CHANGED),
        };
        let loses = match &change.data_loss_check {
            Some(query) => database.has_row(query)?,
            None => false,
        };
        match rule.filter(|_| loses) {
            Some(rule) => {
                let statements =
                    std::iter::once(&drop_view).chain(&change.statements).fold(String::new(), |all, next| all + " " + next + ";");
                refuse(
                    rule,
                    format!("{}, but there are values", change.description),
                    format!("to discard them, run{statements} and load again"),
                );
            }
            None => compared.push(change),
        }
    }
    // The view prevents changes, and shows new columns only when it is recreated.
    if stored != &layout || !database.has_table(&stored.view)? {
        let view = |statement: String, description: &str| Migration {
            description: description.to_owned(),
            statements: vec![statement],
            data_loss_check: None,
            kind: MigrationKind::Extend,
        };
        changes.push(view(drop_view, "drop the view"));
        changes.append(&mut compared);
        changes.push(view(sql::view(&layout, dialect), "create the view"));
    }
    Ok(Prepared { layout, changes, is_new: false, refused })
}

// The cached result of a collection.
const LOAD_CACHE: &str = "SELECT a.\"load\", l.\"inputs\", a.\"fingerprint\", a.\"content\", a.\"failed\", a.\"report\" FROM \"_chancery_load_cache\" a JOIN \
                      \"_chancery_load\" l ON l.\"id\" = a.\"load\" WHERE a.\"collection\" = $1";

// Stores a load again with another time, and assigns the cached result to it. The values are in the order of their use,
// because SQLite numbers them so.
const REPEAT: [&str; 2] = [
    "INSERT INTO \"_chancery_load\" (\"id\", \"collection\", \"mode\", \"schema_sha256\", \"inputs\", \"records\", \"added\", \"updated\", \"unchanged\", \
     \"removed\", \"rejected\", \"ended\") SELECT (SELECT max(\"id\") + 1 FROM \"_chancery_load\"), \"collection\", \"mode\", \
     \"schema_sha256\", \"inputs\", \"records\", 0, 0, \"added\" + \"updated\" + \"unchanged\", 0, \"rejected\", $1 FROM \"_chancery_load\" WHERE \"id\" = $2 \
     RETURNING \"id\", \"unchanged\"",
    "UPDATE \"_chancery_load_cache\" SET \"load\" = $1 WHERE \"collection\" = (SELECT \"collection\" FROM \"_chancery_load\" WHERE \"id\" = $1)",
];

// The inputs stored by a load.
fn inputs(text: &str) -> Vec<InputChecksum> {
    serde_json::from_str(text).unwrap_or_default()
}

// Distinguishes the records of one load with the same key.
#[derive(Debug, Default)]
struct Seen {
    // The existing keys; their numbers have no meaning.
    keys: SpillIndex,
    // How often repeated keys occurred, which are few.
    again: HashMap<u128, u32>,
}

impl Seen {
    // The index of this record among those with its key, from 1.
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

// An SQL expression: the content hash of a record without a key (`#HASH`), from a key column that may number its copies
// (`#2 #HASH`); null for a record with a key of its own.
fn keyless_base(key: &str, dialect: Dialect) -> String {
    let key = sql::name(key);
    let space = match dialect {
        Dialect::Sqlite => format!("instr({key}, ' ')"),
        Dialect::Postgres => format!("strpos({key}, ' ')"),
    };
    // `#key HASH` stands for a long key.
    format!(
        "CASE WHEN {key} LIKE '#%' AND {space} = 0 THEN {key} WHEN {key} LIKE '#% #%' AND substr({key}, {space} + 1) NOT LIKE '#key %' \
         THEN substr({key}, {space} + 1) END"
    )
}

// A query: how many copies of each record without a key a table has. A condition may follow with HAVING.
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
fn commit_blockers(shown: &str, stats: &LoadStats, mode: Mode, totals: Totals) -> Vec<Diagnostic> {
    let source = Arc::new(Source::whole(shown, ""));
    let mut found = Vec::new();
    for key in &stats.conflicts {
        let message = format!("key {} already exists", chancery_core::diagnostic::quote(key, true));
        found.push(Diagnostic::new(&rules::KEY_PRESENT, &source, Span::at(0), message).help("update it with --mode upsert"));
    }
    let unlisted = stats.conflicting - stats.conflicts.len() as u64;
    if unlisted > 0 {
        let message = format!("{unlisted} more keys already exist");
        found.push(Diagnostic::new(&rules::KEY_PRESENT, &source, Span::at(0), message));
    }
    if mode == Mode::Replace && totals.incomplete {
        found.push(incomplete(shown));
    }
    found
}

/// Why existing records are not replaced.
pub(super) fn incomplete(shown: &str) -> Diagnostic {
    let message = "some inputs could not be read completely, so records to remove are unknown";
    Diagnostic::new(&rules::INCOMPLETE_REPLACE, &Arc::new(Source::whole(shown, "")), Span::at(0), message)
}

// A finding of the report of a load.
#[derive(serde::Deserialize)]
struct StoredFinding {
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

impl StoredFinding {
    // The last line of a report is not a finding.
    fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

// The stored layout of a collection, or of the only one.
pub(super) fn choose(all: &[(String, String)], collection: Option<&str>) -> io::Result<Option<Layout>> {
    let found = match collection {
        Some(name) => all.iter().find(|(known, _)| known == name),
        None if all.len() > 1 => {
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("there are several collections; choose one with --collection ({})", names.join(", "));
            return Err(io::Error::other(message));
        }
        None => all.first(),
    };
    let Some((name, text)) = found else { return Ok(None) };
    layout_of(text).map(Some).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

/// A stored layout.
pub(super) fn layout_of(text: &str) -> io::Result<Layout> {
    let unreadable = |why: &str| {
        io::Error::other(format!(
            "another version of chancery has written its layout ({why}); export it with that version, or drop the tables and load again"
        ))
    };
    let layout: Layout = serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
    if layout.is_sound() { Ok(layout) } else { Err(unreadable("its tables are inconsistent")) }
}

fn others(all: &[(String, String)], collection: &str) -> Vec<Layout> {
    all.iter().filter(|(name, _)| name != collection).filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
}

pub(super) fn no_records(collection: Option<&str>) -> io::Error {
    io::Error::other(
        collection
            .map_or_else(|| "no records were loaded here".to_owned(), |collection| format!("no records of {collection} were loaded here")),
    )
}
