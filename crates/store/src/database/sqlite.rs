//! SQLite: loads records into a file, and exports them.
//!
//! A load is one transaction that begins before the first record is read, so that two loads never mix: the second one
//! waits. A new file is created next to its final path and renamed at the end; meanwhile, the directory is locked
//! against other loads that would create it too.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Statement, ToSql};
use sha2::{Digest, Sha256};

use super::export::{PAGE, Page, PageReader};
use super::watch::{self, Flag, Watch};
use super::writer::{LoadTransaction, WriterThread};
use super::{CachedLoad, CachedReport, Changes, Database, LoadRequest, LoadStats, Mode, Seen, nth_key};
use crate::relational::assemble::StoredRow;
use crate::relational::shred::{CellValue, Dialect, EncodedRow, HASH_LENGTH};
use crate::relational::{EXTRA, HASH, ID, KEY, LOAD, Layout, RECORD, position_column, sql};
use crate::sink::Totals;
use chancery_files::checksum::hex;
use chancery_files::output;
use chancery_files::output::temporary::{self, FolderLock, Made, Temporary};

/// How long a load waits for another one.
const PATIENCE: Duration = Duration::from_mins(10);

/// A page of records ends after this many bytes.
const PAGE_BYTES: usize = 4 << 20;

/// A file that was opened for a load.
pub struct Sqlite {
    connection: Connection,
    new_database: Option<NewDatabase>,
    shown: String,
    watch: Watch,
    flag: Flag,
    // Dropped last, because closing a file releases the locks of all its users in the program (POSIX).
    file: Option<File>,
}

// A new file.
struct NewDatabase {
    // Locked while it is open.
    file: output::File,
    making: Temporary,
    place: PathBuf,
    // Held until the file is in place.
    _folder: Option<FolderLock>,
    // Dropped last: directories that are empty then go.
    _made: Option<Made>,
}

fn failed(error: rusqlite::Error) -> io::Error {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => io::Error::other("another program is writing to the database"),
        Some(ErrorCode::NotADatabase) => io::Error::other("not an SQLite database"),
        Some(ErrorCode::DiskFull) => io::Error::new(io::ErrorKind::StorageFull, error),
        _ => io::Error::other(error),
    }
}

impl Sqlite {
    /// Opens the file at `path` for a load, and waits until no other load uses it. A missing file is created when the
    /// load is done. A `trial` is never renamed into place.
    ///
    /// # Errors
    /// When the file cannot be opened, or is not a database.
    pub fn open(path: &Path, trial: bool, flag: Flag) -> io::Result<Self> {
        let shown = format!("sqlite:{}", path.display());
        if !path.exists() {
            // A link may stand for a file that is not there yet.
            let path = &output::atomic::follow(path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let made = if trial { None } else { Some(Made::folder(folder)?) };
            // Directories can be locked on most systems; elsewhere, the second of two loads gets the error that the file exists now.
            let lock = if trial { None } else { lock_folder(folder, &shown, flag)? };
            if !path.exists() {
                let folder = if trial { &std::env::temp_dir() } else { folder };
                temporary::sweep(folder);
                // SQLite opens files by their names, so this one cannot go without.
                let (file, making) = Temporary::create(folder, trial)?;
                let connection = Connection::open(making.path()).map_err(failed)?;
                // Nobody else uses the file, and a damaged one is discarded.
                connection
                    .execute_batch(
                        "PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE",
                    )
                    .map_err(failed)?;
                let fresh = NewDatabase { file, making, place: path.to_owned(), _folder: lock, _made: made };
                return Self::begun(connection, Some(fresh), shown, flag, None);
            }
        }
        refuse_special(path)?;
        let file = File::open(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        Self::begun(connection, None, shown, flag, Some(file))
    }

    fn begun(mut connection: Connection, fresh: Option<NewDatabase>, shown: String, flag: Flag, file: Option<File>) -> io::Result<Self> {
        let watch = watch(&mut connection, &shown, flag)?;
        let begun = connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA cache_size = -32768; BEGIN IMMEDIATE");
        watch::check(flag)?;
        begun.map_err(failed)?;
        // For number columns that become JSON.
        connection
            .create_scalar_function("chancery_number", 1, rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC, |context| {
                Ok(shown_value(context.get_raw(0)))
            })
            .map_err(failed)?;
        Ok(Self { connection, new_database: fresh, shown, watch, flag, file })
    }
}

// Interrupts the connection with the run; a wait for the lock ends with it too, and is reported.
fn watch(connection: &mut Connection, shown: &str, flag: Flag) -> io::Result<Watch> {
    let (handle, shown) = (connection.get_interrupt_handle(), shown.to_owned());
    let mut begun = Instant::now();
    let mut reported = false;
    let wait = move |attempts: i32| {
        if attempts == 0 {
            (begun, reported) = (Instant::now(), false);
        }
        if begun.elapsed() >= watch::LONG && !reported {
            reported = true;
            watch::report(&format!("{shown}: waiting for another process that has locked the file"));
        }
        std::thread::sleep(watch::STEP.min(begun.elapsed() + Duration::from_millis(1)));
        !flag.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE
    };
    connection.busy_handler(Some(wait)).map_err(failed)?;
    // The wait says by itself that it is one.
    Watch::start(flag, move || handle.interrupt(), || true)
}

// Waits until no other load makes a file in the directory. Not every system can lock directories.
fn lock_folder(folder: &Path, shown: &str, flag: Flag) -> io::Result<Option<FolderLock>> {
    let begun = Instant::now();
    let mut reported = false;
    loop {
        match FolderLock::try_take(folder) {
            Ok(lock) => return Ok(lock),
            Err(temporary::Busy) => watch::check(flag)?,
        }
        if begun.elapsed() >= watch::LONG && !reported {
            reported = true;
            watch::report(&format!("{shown}: waiting for another process that writes into the folder"));
        }
        std::thread::sleep(watch::STEP);
    }
}

// SQLite would put a journal beside a device, and wait for ever for the other end of a pipe.
fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => Err(io::Error::new(io::ErrorKind::InvalidInput, "a database is a regular file, which this is not")),
        // SQLite says what else is wrong.
        _ => Ok(()),
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

    fn cached_load(&mut self, collection: &str) -> io::Result<Option<CachedLoad>> {
        if !has_table(&self.connection, "_chancery_load_cache").map_err(failed)? {
            return Ok(None);
        }
        let answer = self.connection.query_row(super::LOAD_CACHE, [collection], |row| {
            Ok(CachedLoad {
                load: row.get(0)?,
                inputs: super::inputs(&row.get::<_, String>(1)?),
                fingerprint: row.get(2)?,
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
        let before = self.file.as_ref().map(change_counter).transpose()?.flatten();
        count_change(connection, before).map_err(failed)?;
        connection.execute_batch("COMMIT").map_err(failed)?;
        Ok(records.unsigned_abs())
    }

    fn begin(self: Box<Self>, start: LoadRequest) -> io::Result<WriterThread> {
        let Self { file, connection, new_database: fresh, shown, watch, flag } = *self;
        WriterThread::start(&shown, start.mode, move |orders| {
            // Captured, and dropped after the connection.
            let file = file;
            let connection = connection;
            let before = match &file {
                Some(file) => change_counter(file)?,
                None => Some(0),
            };
            let _busy = watch.busy();
            let committed = orders.run(&mut SqliteLoad::open(&connection, start, flag, before).map_err(failed)?)?;
            // Uncommitted changes are rolled back with the connection.
            connection.close().map_err(|(_, error)| failed(error))?;
            match fresh {
                Some(fresh) if committed => fresh.put_into_place(),
                _ => Ok(()),
            }
        })
    }
}

impl NewDatabase {
    fn put_into_place(self) -> io::Result<()> {
        self.file.sync_all()?;
        self.making.publish_new(&self.place, &mut temporary::exclusive()).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                io::Error::new(error.kind(), "another program created the database in the meantime; load again to add to it")
            }
            _ => error,
        })
    }
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')")?.exists([name])
}

// The number of records, and a checksum of their keys and hashes.
#[derive(Clone, Copy, Default)]
struct Content {
    count: u64,
    sum: u128,
}

impl Content {
    fn of(connection: &Connection, table: &str) -> rusqlite::Result<Self> {
        let mut query = connection.prepare(&format!("SELECT \"{ID}\", \"{KEY}\", \"{HASH}\" FROM {}", sql::name(table)))?;
        let mut rows = query.query([])?;
        let mut content = Self::default();
        while let Some(row) = rows.next()? {
            content.add(row.get(0)?, bytes_of(row.get_ref(1)?), bytes_of(row.get_ref(2)?));
        }
        Ok(content)
    }

    fn add(&mut self, id: i64, key: &[u8], hash: &[u8]) {
        let digest: [u8; 32] =
            Sha256::new().chain_update(id.to_le_bytes()).chain_update(key).chain_update([0]).chain_update(hash).finalize().into();
        let (half, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(*half));
    }

    fn text(self) -> String {
        format!("{} {:x}", self.count, self.sum)
    }
}

// How many transactions have changed a file (SQLite file format, 1.3.7); `None` if its journal mode does not count them.
fn change_counter(file: &File) -> io::Result<Option<i64>> {
    let mut header = [0; 28];
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    let [.., a, b, c, d] = header;
    let has_log = header[18] == 2 || header[19] == 2;
    Ok((!has_log).then(|| i64::from(u32::from_be_bytes([a, b, c, d]))))
}

// The content of a collection and its layout, which says how the tables become records again.
fn content_and_layout(connection: &Connection, content: Content, collection: &str) -> rusqlite::Result<String> {
    let query = "SELECT \"layout\" FROM \"_chancery_layout\" WHERE \"collection\" = ?1";
    let digest = connection.query_row(query, [collection], |row| Ok(Sha256::digest(bytes_of(row.get_ref(0)?))))?;
    Ok(format!("{} {}", content.text(), hex(&digest[..8])))
}

// The content of a collection when it was loaded last, and the change counter of the file then.
fn checksum(connection: &Connection, collection: &str) -> rusqlite::Result<Option<(String, i64)>> {
    if !has_table(connection, "_chancery_checksum")? {
        return Ok(None);
    }
    let query = "SELECT \"content\", \"change_counter\" FROM \"_chancery_checksum\" WHERE \"collection\" = ?1";
    connection.query_row(query, [collection], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

// Keeps it known for which collections only loads have changed the file, whose counter this transaction moves on.
fn count_change(connection: &Connection, before: Option<i64>) -> rusqlite::Result<()> {
    if !has_table(connection, "_chancery_checksum")? {
        return Ok(());
    }
    let count = "UPDATE \"_chancery_checksum\" SET \"change_counter\" = ?1 WHERE \"change_counter\" = ?2";
    connection.execute(count, [before.map_or(NOT_KNOWN, |before| before + 1), before.unwrap_or(NOT_KNOWN)]).map(|_| ())
}

// Stands for an unknown change counter.
const NOT_KNOWN: i64 = -1;

// A value of another type was changed manually.
fn bytes_of(value: ValueRef<'_>) -> &[u8] {
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

// The layout of a collection, or of the only one, without missing tables and columns.
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

impl ToSql for CellValue<'_> {
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

// A load in progress.
struct SqliteLoad<'c> {
    connection: &'c Connection,
    start: LoadRequest,
    load: i64,
    next: i64,
    // Whether the table was empty.
    empty: bool,
    // The content of the table, if it was empty.
    content: Content,
    find: Statement<'c>,
    update: Statement<'c>,
    // By table.
    insert: Vec<Statement<'c>>,
    clear: Vec<Statement<'c>>,
    diagnostic: Statement<'c>,
    finding: Statement<'c>,
    findings: i64,
    seen: Seen,
    depths: Vec<usize>,
    stats: LoadStats,
    // Indexes that are created at the end.
    later: Vec<String>,
    // Whether the copies of records without a key have been counted.
    counts_copies: bool,
    // The change counter of the file.
    before: Option<i64>,
    flag: Flag,
}

impl<'c> SqliteLoad<'c> {
    fn open(connection: &'c Connection, start: LoadRequest, flag: Flag, before: Option<i64>) -> rusqlite::Result<Self> {
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
            columns.push(EXTRA.to_owned());
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
        let update = format!(
            "UPDATE {record} SET \"{HASH}\" = ?, \"{LOAD}\" = ?, \"{EXTRA}\" = ?{} WHERE \"{ID}\" = ?",
            columns.collect::<String>()
        );
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
            diagnostic: connection.prepare("INSERT INTO temp.\"_seen\" VALUES (?1)")?,
            finding: connection.prepare("INSERT INTO \"_chancery_findings\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?,
            findings: 0,
            seen: Seen::default(),
            depths: (0..layout.tables.len()).map(|table| layout.depth(table)).collect(),
            stats: LoadStats { changes: start.list.then(Changes::default), ..LoadStats::default() },
            start,
            later,
            counts_copies: false,
            before,
            flag,
        })
    }

    fn take(&mut self, record: &EncodedRow<'_>) -> io::Result<Option<(&'static str, String)>> {
        let nth = self.seen.nth(record.key)?;
        let mut key = if nth == 1 { record.key.to_owned() } else { nth_key(record.key, nth) };
        let mut found = if self.empty { None } else { self.find(&key, record.hash)? };
        if self.start.mode == Mode::Append && found.is_some() {
            // Without a key of its own, a record is another copy.
            if !record.key.starts_with('#') || record.key.starts_with("#key ") {
                self.stats.add_conflict(self.start.keys.shown(&key));
                return Ok(None);
            }
            key = nth_key(record.key, self.next_copy(record.key)?);
            found = None;
        }
        let (id, done) = match found {
            Some((id, true)) => {
                self.stats.unchanged += 1;
                self.seen_in_place(id)?;
                return Ok(None);
            }
            Some((id, _)) => {
                self.stats.updated += 1;
                for clear in &mut self.clear {
                    clear.execute([id]).map_err(failed)?;
                }
                (id, "updated")
            }
            None => {
                self.stats.added += 1;
                self.next += 1;
                (self.next - 1, "added")
            }
        };
        self.seen_in_place(id)?;
        let is_new = done == "added";
        if self.empty {
            self.content.add(id, key.as_bytes(), &record.hash);
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

    // Only loads have changed the collection if that was so before, or if it had no records.
    fn keep_checksum(&self, content: Content) -> rusqlite::Result<()> {
        let (connection, collection) = (self.connection, &self.start.layout.collection);
        connection.execute_batch(&sql::checksums())?;
        let was_unedited = self.empty || checksum(connection, collection)?.is_some_and(|(_, at)| Some(at) == self.before);
        count_change(connection, self.before)?;
        let counter = self.before.filter(|_| was_unedited).map_or(NOT_KNOWN, |before| before + 1);
        let keep = "INSERT INTO \"_chancery_checksum\" VALUES (?1, ?2, ?3) ON CONFLICT (\"collection\") DO UPDATE SET \
                    \"content\" = excluded.\"content\", \"change_counter\" = excluded.\"change_counter\"";
        let content = content_and_layout(connection, content, collection)?;
        connection.execute(keep, rusqlite::params![collection, content, counter]).map(|_| ())
    }

    // The number of the next copy of a record without a key. Existing copies are counted once, in one pass.
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

    // The record with a key, and whether it is unchanged.
    fn find(&mut self, key: &str, hash: [u8; HASH_LENGTH]) -> io::Result<Option<(i64, bool)>> {
        self.find.query_row([key], |row| Ok((row.get(0)?, bytes_of(row.get_ref(1)?) == hash))).optional().map_err(failed)
    }

    // Only a replacing load needs to know the existing records.
    fn seen_in_place(&mut self, id: i64) -> io::Result<()> {
        if self.start.mode == Mode::Replace && !self.empty {
            self.diagnostic.execute([id]).map_err(failed)?;
        }
        Ok(())
    }

    fn remove(&mut self) -> io::Result<()> {
        let layout = &self.start.layout;
        let record = sql::name(&layout.tables[0].name);
        let gone = format!("SELECT \"{ID}\" FROM {record} WHERE \"{ID}\" NOT IN (SELECT \"id\" FROM temp.\"_seen\")");
        self.connection.execute_batch(&format!("CREATE TEMP TABLE \"_gone\" AS {gone}")).map_err(failed)?;
        let of_gone = "IN (SELECT * FROM temp.\"_gone\")";
        if let Some(changes) = &mut self.stats.changes {
            let mut query =
                self.connection.prepare(&format!("SELECT \"{KEY}\" FROM {record} WHERE \"{ID}\" {of_gone} ORDER BY 1")).map_err(failed)?;
            let mut rows = query.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                changes.emit("removed", self.start.keys.unread(&row.get::<_, String>(0).map_err(failed)?))?;
            }
        }
        for table in layout.tables.iter().filter(|table| table.list.is_some()) {
            self.connection.execute(&format!("DELETE FROM {} WHERE \"{RECORD}\" {of_gone}", sql::name(&table.name)), []).map_err(failed)?;
        }
        let removed = self.connection.execute(&format!("DELETE FROM {record} WHERE \"{ID}\" {of_gone}"), []).map_err(failed)?;
        self.stats.removed = removed as u64;
        Ok(())
    }

    fn account(&self, totals: Totals) -> rusqlite::Result<()> {
        let start = &self.start;
        let json = |value: serde_json::Result<String>| value.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)));
        let inputs = start.inputs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let LoadStats { added, updated, unchanged, removed, .. } = self.stats;
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

fn bind(statement: &mut Statement<'_>, mut at: usize, cells: &[CellValue<'_>]) -> rusqlite::Result<()> {
    for cell in cells {
        statement.raw_bind_parameter(at, cell)?;
        at += 1;
    }
    Ok(())
}

// The columns that link a list row to its record.
fn own_columns(layout: &Layout, table: usize) -> Vec<String> {
    let depth = layout.depth(table);
    std::iter::once(RECORD.to_owned()).chain((1..=depth).map(|at| position_column(at, depth))).collect()
}

impl LoadTransaction for SqliteLoad<'_> {
    fn record(&mut self, record: &EncodedRow<'_>) -> io::Result<()> {
        if let Some((done, key)) = self.take(record)?
            && let Some(changes) = &mut self.stats.changes
        {
            changes.emit(done, self.start.keys.shown(&key))?;
        }
        Ok(())
    }

    fn finding(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(finding) = super::StoredFinding::read(line) else { return Ok(()) };
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

    fn settle(&mut self, totals: Totals) -> io::Result<LoadStats> {
        if self.start.mode == Mode::Replace && !self.empty && !totals.incomplete {
            self.remove()?;
        }
        for index in &self.later {
            self.connection.execute_batch(index).map_err(failed)?;
        }
        self.account(totals).map_err(failed)?;
        Ok(std::mem::take(&mut self.stats))
    }

    fn commit(&mut self, report: Option<CachedReport>) -> io::Result<()> {
        let layout = &self.start.layout;
        // What was empty holds what has been added; else the records that did not come count too.
        let content = if self.empty { self.content } else { Content::of(self.connection, &layout.tables[0].name).map_err(failed)? };
        self.keep_checksum(content).map_err(failed)?;
        if has_table(self.connection, "_chancery_load_cache").map_err(failed)? {
            let collection = &layout.collection;
            self.connection.execute("DELETE FROM \"_chancery_load_cache\" WHERE \"collection\" = ?", [collection]).map_err(failed)?;
            if let Some(CachedReport { fingerprint, failed: has_failed, report: text }) = report {
                let answer = rusqlite::params![collection, self.load, fingerprint, content.text(), i64::from(has_failed), text];
                self.connection.execute("INSERT INTO \"_chancery_load_cache\" VALUES (?, ?, ?, ?, ?, ?)", answer).map_err(failed)?;
            }
        }
        watch::check(self.flag)?;
        self.connection.execute_batch("COMMIT").map_err(failed)
    }
}

/// A file opened for export.
pub struct SqliteExporter {
    connection: Connection,
    layout: Layout,
    watch: Watch,
    // What has been read, and what there was when the file was written last by a load, if by nobody else since.
    content: RefCell<Content>,
    unedited: Option<String>,
    // Closing the file would release the connection's locks (POSIX), so it is dropped last.
    _file: File,
}

impl SqliteExporter {
    /// Opens the file at `path` for its records of `collection`, or of the only collection that it has.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or has no such records.
    pub fn open(path: &Path, collection: Option<&str>, flag: Flag) -> io::Result<Self> {
        fs::metadata(path)?;
        refuse_special(path)?;
        let file = File::open(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let watch = watch(&mut connection, &format!("sqlite:{}", path.display()), flag)?;
        // All pages are from one snapshot.
        connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(failed)?;
        let layout = stored(&connection, collection)?.ok_or_else(|| super::no_records(collection))?;
        let unedited = checksum(&connection, &layout.collection).map_err(failed)?;
        let counter = change_counter(&file)?;
        let unedited = unedited.filter(|(_, at)| Some(*at) == counter).map(|(content, _)| content);
        // Nobody has taken away columns or tables either.
        if unedited.is_some() && super::choose(&layouts(&connection)?, collection)?.as_ref() != Some(&layout) {
            return Err(damaged());
        }
        Ok(Self { connection, layout, watch, content: RefCell::default(), unedited, _file: file })
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn rows(&self, table: usize, after: i64, last: i64, stop: usize) -> rusqlite::Result<Vec<(i64, StoredRow)>> {
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

    fn row(&self, table: usize, row: &Row<'_>, bytes: &mut usize) -> rusqlite::Result<(i64, StoredRow)> {
        let depth = self.layout.depth(table);
        let mut stored = StoredRow::default();
        for at in 1..=depth {
            stored.positions.push(row.get(at)?);
        }
        let mut cell = |at: usize| {
            let text = shown_value(row.get_ref(at)?);
            *bytes += text.as_ref().map_or(0, String::len);
            Ok::<_, rusqlite::Error>(text)
        };
        stored.extra = cell(depth + 1)?;
        stored.cells = (0..self.layout.tables[table].columns.len()).map(|at| cell(depth + 2 + at)).collect::<Result<_, _>>()?;
        if depth == 0 {
            // The key and the hash stand after the columns.
            let at = 2 + stored.cells.len();
            let hash = bytes_of(row.get_ref(at + 1)?).to_vec();
            if self.unedited.is_some() {
                self.content.borrow_mut().add(row.get(0)?, bytes_of(row.get_ref(at)?), &hash);
            }
            stored.hash = Some(hash);
        }
        Ok((row.get(0)?, stored))
    }
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file is damaged: its records are not those that were loaded, and only chancery has written to it since; restore it from a backup, or \
         load the records into a new file",
    )
}

fn select(layout: &Layout, table: usize) -> String {
    let depth = layout.depth(table);
    let mut columns = if depth == 0 { vec![ID.to_owned()] } else { own_columns(layout, table) };
    columns.push(EXTRA.to_owned());
    columns.extend(layout.tables[table].columns.iter().map(|column| column.name.clone()));
    if depth == 0 {
        columns.extend([KEY, HASH].map(str::to_owned));
    }
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

impl PageReader for SqliteExporter {
    fn read_page(&mut self, after: i64) -> io::Result<Option<Page>> {
        let _busy = self.watch.busy();
        let records = self.rows(0, after, 0, PAGE).map_err(failed)?;
        let Some((last, _)) = records.last() else {
            if let Some(expected) = &self.unedited
                && *expected != content_and_layout(&self.connection, *self.content.borrow(), &self.layout.collection).map_err(failed)?
            {
                return Err(damaged());
            }
            return Ok(None);
        };
        let last = *last;
        let mut page = vec![records];
        for table in 1..self.layout.tables.len() {
            page.push(self.rows(table, after, last, usize::MAX).map_err(failed)?);
        }
        Ok(Some(page))
    }

    fn is_unedited(&self) -> bool {
        self.unedited.is_some()
    }
}
