//! SQLite: records into a file, and out of it.
//!
//! A load is one transaction that begins before the first record is read, so that two loads never mix: the second one waits.
//! A file that is not there yet is made beside its place and renamed when all is done; meanwhile the folder is locked against
//! other loads that would make it too.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Statement, ToSql};
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use super::clerk::{Clerk, Ledger};
use super::lines::{PAGE, Page, Pages};
use super::{Answer, Changes, Database, Mode, Said, Seen, Settled, Start, nth_key};
use crate::layout::relational::join::Stored;
use crate::layout::relational::rows::{Cell, Dialect, Encoded, hex};
use crate::layout::relational::{HASH, ID, KEY, LOAD, Layout, RECORD, REST, position_column, sql};
use crate::load::Totals;

/// So long a load waits for another one to end.
const PATIENCE: Duration = Duration::from_mins(10);

/// A page of records is cut short behind so many bytes.
const PAGE_BYTES: usize = 4 << 20;

/// How the name of a file in the making begins and ends.
const MAKING: [&str; 2] = [".chancery-database-", ".tmp"];

/// A file that was opened for a load.
pub struct Sqlite {
    connection: Connection,
    fresh: Option<Fresh>,
    shown: String,
}

// A file in the making.
struct Fresh {
    making: TempPath,
    place: PathBuf,
    // Held until the file is in place.
    _folder: Option<File>,
}

fn failed(error: rusqlite::Error) -> io::Error {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => io::Error::other("another program is writing to the database"),
        Some(ErrorCode::NotADatabase) => io::Error::other("not a database of SQLite"),
        Some(ErrorCode::DiskFull) => io::Error::new(io::ErrorKind::StorageFull, error),
        _ => io::Error::other(error),
    }
}

impl Sqlite {
    /// Opens the file at `path` for a load, and waits until no other load has it. It is made when the load is done, where it
    /// is not there yet. A `trial` is never put into place.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no database.
    pub fn open(path: &Path, trial: bool) -> io::Result<Self> {
        let shown = format!("sqlite:{}", path.display());
        if !path.exists() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if !trial {
                fs::create_dir_all(folder)?;
            }
            // Folders can be locked on most systems; elsewhere, the second of two loads is told that the file is there now.
            let lock = File::open(folder).ok().filter(|folder| !trial && folder.lock().is_ok());
            if !path.exists() {
                if lock.is_some() {
                    sweep(folder);
                }
                let build = |prefix, folder: &Path| tempfile::Builder::new().prefix(prefix).suffix(MAKING[1]).tempfile_in(folder);
                let making = if trial { build(".chancery-", &std::env::temp_dir())? } else { build(MAKING[0], folder)? }.into_temp_path();
                let connection = Connection::open(&making).map_err(failed)?;
                // Nobody else knows of the file, and a broken one is thrown away.
                connection
                    .execute_batch(
                        "PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE",
                    )
                    .map_err(failed)?;
                let fresh = Fresh { making, place: path.to_owned(), _folder: lock };
                return Self::begun(connection, Some(fresh), shown);
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        Self::begun(connection, None, shown)
    }

    fn begun(connection: Connection, fresh: Option<Fresh>, shown: String) -> io::Result<Self> {
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA cache_size = -32768; BEGIN IMMEDIATE").map_err(failed)?;
        // For columns of numbers that become JSON.
        connection
            .create_scalar_function("chancery_number", 1, rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC, |context| {
                Ok(shown_value(context.get_raw(0)))
            })
            .map_err(failed)?;
        Ok(Self { connection, fresh, shown })
    }
}

// Takes away what killed loads have left. Whoever makes such a file holds the lock of its folder, as the caller does.
fn sweep(folder: &Path) {
    let [begins, ends] = MAKING;
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(begins) && name.ends_with(ends)) {
            // It does no harm where it is.
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Database for Sqlite {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn stored(&mut self, collection: &str) -> io::Result<Option<Layout>> {
        stored(&self.connection, Some(collection))
    }

    fn others(&mut self, collection: &str) -> io::Result<Vec<Layout>> {
        Ok(super::others(&layouts(&self.connection)?, collection))
    }

    fn has_row(&mut self, query: &str) -> io::Result<bool> {
        self.connection.prepare(query).and_then(|mut query| query.exists([])).map_err(failed)
    }

    fn has_table(&mut self, name: &str) -> io::Result<bool> {
        has_table(&self.connection, name).map_err(failed)
    }

    fn answer(&mut self, collection: &str) -> io::Result<Option<Answer>> {
        if !has_table(&self.connection, "_chancery_answer").map_err(failed)? {
            return Ok(None);
        }
        let answer = self.connection.query_row(super::ANSWER, [collection], |row| {
            Ok(Answer {
                load: row.get(0)?,
                inputs: super::inputs(&row.get::<_, String>(1)?),
                asked: row.get(2)?,
                content: row.get(3)?,
                failed: row.get::<_, i64>(4)? != 0,
                text: row.get(5)?,
            })
        });
        answer.optional().map_err(failed)
    }

    fn content(&mut self, table: &str) -> io::Result<String> {
        Content::of(&self.connection, table).map(Content::text).map_err(failed)
    }

    fn repeat(self: Box<Self>, load: i64, now: &str) -> io::Result<u64> {
        let [repeat, renew] = super::REPEAT;
        let connection = &self.connection;
        let (load, records): (i64, i64) =
            connection.query_row(repeat, rusqlite::params![now, load], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        connection.execute(renew, [load]).map_err(failed)?;
        connection.execute_batch("COMMIT").map_err(failed)?;
        Ok(records.unsigned_abs())
    }

    fn begin(self: Box<Self>, start: Start) -> io::Result<Clerk> {
        let Self { connection, fresh, shown } = *self;
        Clerk::start(&shown, start.mode, move |orders| {
            let committed = orders.serve(&mut Book::open(&connection, start).map_err(failed)?)?;
            // What is not committed goes with the connection.
            connection.close().map_err(|(_, error)| failed(error))?;
            match fresh {
                Some(fresh) if committed => fresh.put_into_place(),
                _ => Ok(()),
            }
        })
    }
}

impl Fresh {
    fn put_into_place(self) -> io::Result<()> {
        let file = File::options().read(true).write(true).open(&self.making)?;
        if let Some(permissions) = crate::load::file::new_file_permissions() {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        self.making.persist_noclobber(&self.place).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => {
                io::Error::new(error.error.kind(), "another program has made the database meanwhile; load again to add to it")
            }
            _ => error.error,
        })
    }
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')")?.exists([name])
}

// How many records there are, and a sum that tells their keys and hashes from others.
#[derive(Clone, Copy, Default)]
struct Content {
    count: u64,
    sum: u128,
}

impl Content {
    fn of(connection: &Connection, table: &str) -> rusqlite::Result<Self> {
        let mut query = connection.prepare(&format!("SELECT \"{KEY}\", \"{HASH}\" FROM {}", sql::name(table)))?;
        let mut rows = query.query([])?;
        let mut content = Self::default();
        while let Some(row) = rows.next()? {
            content.add(bytes(row.get_ref(0)?), bytes(row.get_ref(1)?));
        }
        Ok(content)
    }

    fn add(&mut self, key: &[u8], hash: &[u8]) {
        let digest: [u8; 32] = Sha256::new().chain_update(key).chain_update([0]).chain_update(hash).finalize().into();
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(*half));
    }

    fn text(self) -> String {
        format!("{} {:x}", self.count, self.sum)
    }
}

// Whatever somebody has put there instead is something else.
fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    }
}

// The layouts of all collections, as text.
fn layouts(connection: &Connection) -> io::Result<Vec<(String, String)>> {
    if !has_table(connection, "_chancery_layout").map_err(failed)? {
        return Ok(Vec::new());
    }
    connection
        .prepare("SELECT \"collection\", \"layout\" FROM \"_chancery_layout\" ORDER BY \"collection\"")
        .and_then(|mut query| query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(failed)
}

// The layout of a collection, or of the only one; less tables and columns that somebody has taken away.
fn stored(connection: &Connection, collection: Option<&str>) -> io::Result<Option<Layout>> {
    let Some(mut layout) = super::choose(&layouts(connection)?, collection)? else { return Ok(None) };
    let mut columns = Vec::new();
    for table in &layout.tables {
        let names: rusqlite::Result<Vec<String>> = connection
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .and_then(|mut query| query.query_map([&table.name], |row| row.get(0))?.collect());
        columns.push(names.map_err(failed)?);
    }
    layout.keep(&columns);
    Ok(if layout.tables.is_empty() { None } else { Some(layout) })
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null | Self::List(_) => ToSqlOutput::Owned(Value::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Self::Boolean(flag) => ToSqlOutput::Owned(Value::Integer(i64::from(*flag))),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text)),
        })
    }
}

// A load in the making.
struct Book<'c> {
    connection: &'c Connection,
    start: Start,
    load: i64,
    next: i64,
    // Whether there was no record before.
    empty: bool,
    // What the table holds, where it was empty.
    content: Content,
    find: Statement<'c>,
    update: Statement<'c>,
    // By table.
    insert: Vec<Statement<'c>>,
    clear: Vec<Statement<'c>>,
    note: Statement<'c>,
    finding: Statement<'c>,
    findings: i64,
    seen: Seen,
    depths: Vec<usize>,
    settled: Settled,
    // Indexes that are made when all is in.
    later: Vec<String>,
    // Whether the copies of records without a key have been counted.
    counts_copies: bool,
}

impl<'c> Book<'c> {
    fn open(connection: &'c Connection, start: Start) -> rusqlite::Result<Self> {
        let mut later = Vec::new();
        for statement in start.changes.iter().flat_map(|change| &change.statements) {
            if start.is_new && ["CREATE INDEX", "CREATE UNIQUE INDEX"].iter().any(|index| statement.starts_with(index)) {
                later.push(statement.clone());
            } else {
                connection.execute_batch(statement)?;
            }
        }
        let layout = &start.layout;
        let record = sql::name(&layout.tables[0].name);
        connection.execute_batch("CREATE TEMP TABLE \"_seen\" (\"id\" INTEGER PRIMARY KEY)")?;
        let (mut insert, mut clear) = (Vec::new(), Vec::new());
        for (number, table) in layout.tables.iter().enumerate() {
            let mut columns = match &table.list {
                None => vec![ID.to_owned(), KEY.to_owned(), HASH.to_owned(), LOAD.to_owned()],
                Some(_) => own_columns(layout, number),
            };
            columns.push(REST.to_owned());
            columns.extend(table.columns.iter().map(|column| column.name.clone()));
            let names: Vec<String> = columns.iter().map(|column| sql::name(column)).collect();
            let places = vec!["?"; columns.len()].join(", ");
            let name = sql::name(&table.name);
            insert.push(connection.prepare(&format!("INSERT INTO {name} ({}) VALUES ({places})", names.join(", ")))?);
            if table.list.is_some() {
                clear.push(connection.prepare(&format!("DELETE FROM {name} WHERE \"{RECORD}\" = ?1"))?);
            }
        }
        let columns = layout.tables[0].columns.iter().map(|column| format!(", {} = ?", sql::name(&column.name)));
        let update =
            format!("UPDATE {record} SET \"{HASH}\" = ?, \"{LOAD}\" = ?, \"{REST}\" = ?{} WHERE \"{ID}\" = ?", columns.collect::<String>());
        let last: i64 = connection.query_row(&format!("SELECT coalesce(max(\"{ID}\"), 0) FROM {record}"), [], |row| row.get(0))?;
        let load = connection.query_row("SELECT coalesce(max(\"id\"), 0) + 1 FROM \"_chancery_load\"", [], |row| row.get(0))?;
        Ok(Self {
            connection,
            load,
            next: last + 1,
            empty: last == 0,
            content: Content::default(),
            find: connection.prepare(&format!("SELECT \"{ID}\", \"{HASH}\" FROM {record} WHERE \"{KEY}\" = ?1"))?,
            update: connection.prepare(&update)?,
            insert,
            clear,
            note: connection.prepare("INSERT INTO temp.\"_seen\" VALUES (?1)")?,
            finding: connection.prepare("INSERT INTO \"_chancery_findings\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?,
            findings: 0,
            seen: Seen::default(),
            depths: (0..layout.tables.len()).map(|table| layout.depth(table)).collect(),
            settled: Settled { changes: start.list.then(Changes::default), ..Settled::default() },
            start,
            later,
            counts_copies: false,
        })
    }

    fn take(&mut self, record: &Encoded<'_>) -> io::Result<Option<(&'static str, String)>> {
        let nth = self.seen.nth(record.key)?;
        let mut key = if nth == 1 { record.key.to_owned() } else { nth_key(record.key, nth) };
        let mut found = if self.empty { None } else { self.find(&key, record.hash)? };
        if self.start.mode == Mode::Append && found.is_some() {
            // Without a key of its own, a record is one more of the same.
            if !record.key.starts_with('#') || record.key.starts_with("#key ") {
                self.settled.clash(&key);
                return Ok(None);
            }
            key = nth_key(record.key, self.next_copy(record.key)?);
            found = None;
        }
        let (id, done) = match found {
            Some((id, true)) => {
                self.settled.unchanged += 1;
                self.seen_in_place(id)?;
                return Ok(None);
            }
            Some((id, _)) => {
                self.settled.updated += 1;
                for clear in &mut self.clear {
                    clear.execute([id]).map_err(failed)?;
                }
                (id, "updated")
            }
            None => {
                self.settled.added += 1;
                self.next += 1;
                (self.next - 1, "added")
            }
        };
        self.seen_in_place(id)?;
        let is_new = done == "added";
        if self.empty {
            self.content.add(key.as_bytes(), &record.hash);
        }
        let (insert, update, load) = (&mut self.insert, &mut self.update, self.load);
        record
            .rows(&self.start.layout, &self.depths, |table, positions, cells| {
                if table == 0 && !is_new {
                    update.raw_bind_parameter(1, &record.hash[..])?;
                    update.raw_bind_parameter(2, load)?;
                    bind(update, 3, cells)?;
                    update.raw_bind_parameter(3 + cells.len(), id)?;
                    return update.raw_execute().map(|_| ());
                }
                let insert = &mut insert[table];
                insert.raw_bind_parameter(1, id)?;
                let mut at = 2;
                if table == 0 {
                    insert.raw_bind_parameter(2, key.as_str())?;
                    insert.raw_bind_parameter(3, &record.hash[..])?;
                    insert.raw_bind_parameter(4, load)?;
                    at = 5;
                }
                for position in positions {
                    insert.raw_bind_parameter(at, position)?;
                    at += 1;
                }
                bind(insert, at, cells)?;
                insert.raw_execute().map(|_| ())
            })
            .map_err(failed)?;
        Ok(Some((done, key)))
    }

    // The number of the next copy of a record without a key. The copies that exist are counted once, in one pass.
    fn next_copy(&mut self, base: &str) -> io::Result<u32> {
        if !self.counts_copies {
            let copies = super::copies(&sql::name(&self.start.layout.tables[0].name), Dialect::Sqlite);
            let make = format!(
                "CREATE TEMP TABLE \"_copies\" (\"base\" TEXT PRIMARY KEY, \"nth\" INTEGER NOT NULL) WITHOUT ROWID; \
                 INSERT INTO temp.\"_copies\" {copies}"
            );
            self.connection.execute_batch(&make).map_err(failed)?;
            self.counts_copies = true;
        }
        let count =
            "INSERT INTO temp.\"_copies\" VALUES (?1, 1) ON CONFLICT (\"base\") DO UPDATE SET \"nth\" = \"nth\" + 1 RETURNING \"nth\"";
        let count = self.connection.prepare_cached(count).and_then(|mut count| count.query_row([base], |row| row.get(0)));
        count.map_err(failed)
    }

    // The record with a key, and whether it is the same.
    fn find(&mut self, key: &str, hash: [u8; 16]) -> io::Result<Option<(i64, bool)>> {
        self.find.query_row([key], |row| Ok((row.get(0)?, bytes(row.get_ref(1)?) == hash))).optional().map_err(failed)
    }

    // Only what replaces the whole has to know what there still is.
    fn seen_in_place(&mut self, id: i64) -> io::Result<()> {
        if self.start.mode == Mode::Replace && !self.empty {
            self.note.execute([id]).map_err(failed)?;
        }
        Ok(())
    }

    fn remove(&mut self) -> io::Result<()> {
        let layout = &self.start.layout;
        let record = sql::name(&layout.tables[0].name);
        let gone = format!("SELECT \"{ID}\" FROM {record} WHERE \"{ID}\" NOT IN (SELECT \"id\" FROM temp.\"_seen\")");
        self.connection.execute_batch(&format!("CREATE TEMP TABLE \"_gone\" AS {gone}")).map_err(failed)?;
        let of_gone = "IN (SELECT * FROM temp.\"_gone\")";
        if let Some(changes) = &mut self.settled.changes {
            let mut query =
                self.connection.prepare(&format!("SELECT \"{KEY}\" FROM {record} WHERE \"{ID}\" {of_gone} ORDER BY 1")).map_err(failed)?;
            let mut rows = query.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                changes.note("removed", &row.get::<_, String>(0).map_err(failed)?)?;
            }
        }
        for table in layout.tables.iter().filter(|table| table.list.is_some()) {
            self.connection.execute(&format!("DELETE FROM {} WHERE \"{RECORD}\" {of_gone}", sql::name(&table.name)), []).map_err(failed)?;
        }
        let removed = self.connection.execute(&format!("DELETE FROM {record} WHERE \"{ID}\" {of_gone}"), []).map_err(failed)?;
        self.settled.removed = removed as u64;
        Ok(())
    }

    fn account(&self, totals: Totals) -> rusqlite::Result<()> {
        let start = &self.start;
        let json = |value: serde_json::Result<String>| value.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)));
        let inputs = start.inputs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let Settled { added, updated, unchanged, removed, .. } = self.settled;
        self.connection.execute(
            "INSERT INTO \"_chancery_load\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rusqlite::params![
                self.load,
                start.layout.collection,
                start.mode.word(),
                start.schema,
                json(serde_json::to_string(&inputs))?,
                count(totals.records),
                count(added),
                count(updated),
                count(unchanged),
                count(removed),
                count(totals.rejected),
                (start.now)(),
            ],
        )?;
        self.connection.execute(
            "INSERT INTO \"_chancery_layout\" VALUES (?1, ?2) ON CONFLICT (\"collection\") DO UPDATE SET \"layout\" = excluded.\"layout\"",
            rusqlite::params![start.layout.collection, json(serde_json::to_string(&start.layout))?],
        )?;
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, mut at: usize, cells: &[Cell<'_>]) -> rusqlite::Result<()> {
    for cell in cells {
        statement.raw_bind_parameter(at, cell)?;
        at += 1;
    }
    Ok(())
}

// The columns that say where a row of a list belongs.
fn own_columns(layout: &Layout, table: usize) -> Vec<String> {
    let depth = layout.depth(table);
    std::iter::once(RECORD.to_owned()).chain((1..=depth).map(|at| position_column(at, depth))).collect()
}

impl Ledger for Book<'_> {
    fn record(&mut self, record: &Encoded<'_>) -> io::Result<()> {
        if let Some((done, key)) = self.take(record)?
            && let Some(changes) = &mut self.settled.changes
        {
            changes.note(done, &key)?;
        }
        Ok(())
    }

    fn finding(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(finding) = super::Finding::read(line) else { return Ok(()) };
        self.findings += 1;
        let (load, position) = (self.load, self.findings);
        self.finding
            .execute(rusqlite::params![
                load,
                position,
                finding.code,
                finding.severity,
                finding.message,
                finding.file,
                finding.line,
                finding.record.as_ref().map(|record| record.index),
                finding.record.as_ref().and_then(|record| record.key.as_deref()),
                finding.pointer,
                String::from_utf8_lossy(line).trim_end(),
            ])
            .map(|_| ())
            .map_err(failed)
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Settled> {
        if self.start.mode == Mode::Replace && !self.empty && !totals.incomplete {
            self.remove()?;
        }
        for index in &self.later {
            self.connection.execute_batch(index).map_err(failed)?;
        }
        self.account(totals).map_err(failed)?;
        Ok(std::mem::take(&mut self.settled))
    }

    fn commit(&mut self, said: Option<Said>) -> io::Result<()> {
        let layout = &self.start.layout;
        if has_table(self.connection, "_chancery_answer").map_err(failed)? {
            let collection = &layout.collection;
            self.connection.execute("DELETE FROM \"_chancery_answer\" WHERE \"collection\" = ?", [collection]).map_err(failed)?;
            if let Some(Said { asked, failed: has_failed, text }) = said {
                // What was empty holds what has been added; else the records that did not come count too.
                let content =
                    if self.empty { self.content } else { Content::of(self.connection, &layout.tables[0].name).map_err(failed)? };
                let answer = rusqlite::params![collection, self.load, asked, content.text(), i64::from(has_failed), text];
                self.connection.execute("INSERT INTO \"_chancery_answer\" VALUES (?, ?, ?, ?, ?, ?)", answer).map_err(failed)?;
            }
        }
        self.connection.execute_batch("COMMIT").map_err(failed)
    }
}

/// A file whose records are read.
pub struct Reading {
    connection: Connection,
    layout: Layout,
}

impl Reading {
    /// Opens the file at `path` for its records of `collection`, or of the only collection that it has.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, or has no such records.
    pub fn open(path: &Path, collection: Option<&str>) -> io::Result<Self> {
        fs::metadata(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // All pages are of one moment.
        connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(failed)?;
        let layout = stored(&connection, collection)?.ok_or_else(|| super::no_records(collection))?;
        Ok(Self { connection, layout })
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn rows(&self, table: usize, after: i64, last: i64, stop: usize) -> rusqlite::Result<Vec<(i64, Stored)>> {
        let mut query = self.connection.prepare_cached(&select(&self.layout, table))?;
        let mut rows = if table == 0 { query.query([after])? } else { query.query([after, last])? };
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let (record, stored) = self.row(table, row, &mut bytes)?;
            found.push((record, stored));
            if table == 0 && (bytes > PAGE_BYTES || found.len() >= stop) {
                break;
            }
        }
        Ok(found)
    }

    fn row(&self, table: usize, row: &Row<'_>, bytes: &mut usize) -> rusqlite::Result<(i64, Stored)> {
        let depth = self.layout.depth(table);
        let mut stored = Stored::default();
        for at in 1..=depth {
            stored.positions.push(row.get(at)?);
        }
        let mut cell = |at: usize| {
            let text = shown_value(row.get_ref(at)?);
            *bytes += text.as_ref().map_or(0, String::len);
            Ok::<_, rusqlite::Error>(text)
        };
        stored.rest = cell(depth + 1)?;
        stored.cells = (0..self.layout.tables[table].columns.len()).map(|at| cell(depth + 2 + at)).collect::<Result<_, _>>()?;
        Ok((row.get(0)?, stored))
    }
}

fn select(layout: &Layout, table: usize) -> String {
    let depth = layout.depth(table);
    let mut columns = if depth == 0 { vec![ID.to_owned()] } else { own_columns(layout, table) };
    columns.push(REST.to_owned());
    columns.extend(layout.tables[table].columns.iter().map(|column| column.name.clone()));
    let columns: Vec<String> = columns.iter().map(|column| sql::name(column)).collect();
    let (columns, name) = (columns.join(", "), sql::name(&layout.tables[table].name));
    if depth == 0 {
        return format!("SELECT {columns} FROM {name} WHERE \"{ID}\" > ?1 ORDER BY \"{ID}\"");
    }
    let order: Vec<String> = own_columns(layout, table).iter().map(|column| sql::name(column)).collect();
    format!("SELECT {columns} FROM {name} WHERE \"{RECORD}\" > ?1 AND \"{RECORD}\" <= ?2 ORDER BY {}", order.join(", "))
}

fn shown_value(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => hex(bytes),
    })
}

impl Pages for Reading {
    fn page(&mut self, after: i64) -> io::Result<Option<Page>> {
        let records = self.rows(0, after, 0, PAGE).map_err(failed)?;
        let Some((last, _)) = records.last() else { return Ok(None) };
        let last = *last;
        let mut page = vec![records];
        for table in 1..self.layout.tables.len() {
            page.push(self.rows(table, after, last, usize::MAX).map_err(failed)?);
        }
        Ok(Some(page))
    }
}
