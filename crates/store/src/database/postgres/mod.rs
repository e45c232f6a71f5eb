//! PostgreSQL: loads records into tables, and exports them.
//!
//! A load is one transaction under its own lock, so that two loads never mix: the second one waits. Records are copied
//! into temporary tables and merged by a few set-based statements, by key.

mod config;
mod binary;
mod tls;

use std::io::{self, Write};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

pub use config::ConnectionConfig;

use super::export::{Page, PageReader};
use super::watch::{self, Flag, Watch};
use super::writer::{LoadTransaction, WriterThread};
use super::{CachedLoad, CachedReport, Changes, Database, LoadRequest, LoadStats, Mode, Seen, nth_key};
use crate::relational::assemble::StoredRow;
use crate::relational::migration::timestamp_text;
use crate::relational::shred::{Dialect, EncodedRow};
use crate::relational::{ColumnType, EXTRA, HASH, ID, KEY, LOAD, Layout, RECORD, position_column, sql};
use crate::sink::Totals;

/// Bytes buffered before they are copied.
const HELD: usize = 8 << 20;

/// The advisory lock of loads; an arbitrary number that others are unlikely to use.
const LOCK: i64 = 0x6368_616e_6365_7279;

fn failed(error: postgres::Error) -> io::Error {
    io::Error::other(server_message(&error))
}

// A failure of a load without what the server says of it, which may quote values.
fn redacted(error: io::Error) -> io::Error {
    let report = error.to_string();
    match report.split_once("(SQLSTATE ").and_then(|(_, behind)| behind.split_once(')')) {
        Some((state, _)) => io::Error::other(format!(
            "the server refused the load (SQLSTATE {state}); its message may quote sensitive values and is not shown with --mask"
        )),
        None => error,
    }
}

// The message of a server or client error, with the SQLSTATE and the context from the server.
fn server_message(error: &postgres::Error) -> String {
    let mut text;
    if let Some(report) = error.as_db_error() {
        text = format!("{} (SQLSTATE {})", report.message(), report.code().code());
        for (label, more) in [("", report.detail()), ("hint: ", report.hint()), ("context: ", report.where_())] {
            if let Some(more) = more {
                text.push_str("; ");
                text.push_str(label);
                text.push_str(more);
            }
        }
        if let Some(table) = report.table() {
            text.push_str("; table ");
            text.push_str(table);
        }
    } else {
        text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(why) = source {
            text.push_str(": ");
            text.push_str(&why.to_string());
            source = why.source();
        }
    }
    text
}

/// A database that was opened for a load.
pub struct Postgres {
    client: Client,
    shown: String,
    watch: Watch,
    flag: Flag,
}

impl Postgres {
    /// Opens a database for a load, and waits until no other load uses it.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open(access: &ConnectionConfig, flag: Flag) -> io::Result<Self> {
        let (mut client, watch) = access.connect_watched(flag)?;
        let busy = watch.busy();
        begin(&mut client, "")?;
        client.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})")).map_err(failed)?;
        drop(busy);
        Ok(Self { client, shown: access.shown.clone(), watch, flag })
    }
}

fn begin(client: &mut Client, how: &str) -> io::Result<()> {
    client
        .batch_execute(&format!(
            "BEGIN {how}; SET LOCAL client_min_messages = warning; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'; \
             SET LOCAL standard_conforming_strings = on; SET LOCAL bytea_output = hex"
        ))
        .map_err(failed)?;
    let encoding: String = client.query_one("SHOW server_encoding", &[]).and_then(|row| row.try_get(0)).map_err(failed)?;
    if encoding == "UTF8" { Ok(()) } else { Err(io::Error::other(format!("the database encoding is {encoding}; it must be UTF8"))) }
}

fn is_there(client: &mut Client, name: &str) -> io::Result<bool> {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&sql::name(name)]).and_then(|row| row.try_get(0)).map_err(failed)
}

// The number of records, and a checksum of their keys and hashes.
fn content(client: &mut Client, table: &str) -> io::Result<String> {
    let sum = format!("sum(hashtextextended(\"{KEY}\" || ' ' || encode(\"{HASH}\", 'hex'), 0))");
    let query = format!("SELECT count(*) || ' ' || coalesce({sum}, 0) FROM {}", sql::name(table));
    client.query_one(&query, &[]).and_then(|row| row.try_get(0)).map_err(failed)
}

// The layouts of all collections, as text.
fn layouts(client: &mut Client) -> io::Result<Vec<(String, String)>> {
    if !is_there(client, "_chancery_layout")? {
        return Ok(Vec::new());
    }
    let rows = client.query("SELECT \"collection\", \"layout\" FROM \"_chancery_layout\" ORDER BY 1", &[]).map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>().map_err(failed)
}

// The layout of a collection, or of the only one, without missing tables and columns.
fn stored(client: &mut Client, collection: Option<&str>) -> io::Result<Option<Layout>> {
    let Some(mut layout) = super::choose(&layouts(client)?, collection)? else { return Ok(None) };
    let mut columns = Vec::new();
    for table in &layout.tables {
        let query = "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let rows = client.query(query, &[&sql::name(&table.name)]).map_err(failed)?;
        columns.push(rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>().map_err(failed)?);
    }
    layout.keep(&columns);
    Ok(if layout.tables.is_empty() { None } else { Some(layout) })
}

impl Database for Postgres {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn stored(&mut self, collection: &str) -> io::Result<Option<Layout>> {
        stored(&mut self.client, Some(collection))
    }

    fn others(&mut self, collection: &str) -> io::Result<Vec<Layout>> {
        Ok(super::others(&layouts(&mut self.client)?, collection))
    }

    fn has_row(&mut self, query: &str) -> io::Result<bool> {
        self.client.query_opt(query, &[]).map(|row| row.is_some()).map_err(failed)
    }

    fn has_table(&mut self, name: &str) -> io::Result<bool> {
        is_there(&mut self.client, name)
    }

    fn cached_load(&mut self, collection: &str) -> io::Result<Option<CachedLoad>> {
        if !is_there(&mut self.client, "_chancery_load_cache")? {
            return Ok(None);
        }
        let Some(row) = self.client.query_opt(super::LOAD_CACHE, &[&collection]).map_err(failed)? else { return Ok(None) };
        let answer = || {
            Ok(CachedLoad {
                load: row.try_get(0)?,
                inputs: super::inputs(row.try_get(1)?),
                fingerprint: row.try_get(2)?,
                content: row.try_get(3)?,
                failed: row.try_get::<_, i64>(4)? != 0,
                text: row.try_get(5)?,
            })
        };
        answer().map(Some).map_err(failed)
    }

    fn content(&mut self, table: &str) -> io::Result<String> {
        content(&mut self.client, table)
    }

    fn repeat(mut self: Box<Self>, load: i64, now: &str) -> io::Result<u64> {
        let [repeat, renew] = super::REPEAT;
        let row = self.client.query_one(repeat, &[&now, &load]).map_err(failed)?;
        let (load, records): (i64, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        self.client.execute(renew, &[&load]).map_err(failed)?;
        self.client.batch_execute("COMMIT").map_err(failed)?;
        Ok(records.unsigned_abs())
    }

    fn begin(self: Box<Self>, start: LoadRequest) -> io::Result<WriterThread> {
        let Self { client, shown, watch, flag } = *self;
        WriterThread::start(&shown, start.mode, move |orders| {
            let redacts = start.keys.redacts();
            // Uncommitted changes are rolled back with the connection.
            let served = PostgresLoad::open(client, start, watch, flag).and_then(|mut book| orders.run(&mut book).map(|_| ()));
            served.map_err(|error| if redacts { redacted(error) } else { error })
        })
    }
}

// A load in progress.
struct PostgresLoad {
    client: Client,
    start: LoadRequest,
    // Rows to be copied, by table; findings are last.
    held: Vec<Vec<u8>>,
    bytes: usize,
    number: u64,
    findings: u64,
    seen: Seen,
    depths: Vec<usize>,
    // The number of the load, once it is settled.
    load: i64,
    // The time spent copying records.
    waited: Duration,
    watch: Watch,
    flag: Flag,
}

impl PostgresLoad {
    fn open(mut client: Client, start: LoadRequest, watch: Watch, flag: Flag) -> io::Result<Self> {
        let busy = watch.busy();
        for statement in start.changes.iter().flat_map(|change| &change.statements) {
            client.batch_execute(statement).map_err(failed)?;
        }
        for (number, table) in start.layout.tables.iter().enumerate() {
            let mut columns = vec!["\"_seq\" bigint".to_owned()];
            match &table.list {
                None => columns.push(format!("\"{KEY}\" text, \"{HASH}\" bytea, \"{ID}\" bigint, \"_same\" boolean")),
                Some(_) => columns.extend(positions(&start.layout, number).iter().map(|column| format!("{column} bigint"))),
            }
            columns.push(format!("\"{EXTRA}\" json"));
            columns.extend(
                table
                    .columns
                    .iter()
                    .map(|column| format!("{} {}", sql::name(&column.name), sql::type_of(column.column_type, Dialect::Postgres))),
            );
            let statement = format!("CREATE TEMP TABLE \"_in_{number}\" ({}) ON COMMIT DROP", columns.join(", "));
            client.batch_execute(&statement).map_err(failed)?;
        }
        client.batch_execute("CREATE TEMP TABLE \"_in_findings\" (LIKE \"_chancery_findings\") ON COMMIT DROP").map_err(failed)?;
        drop(busy);
        let tables = start.layout.tables.len();
        let depths = (0..tables).map(|table| start.layout.depth(table)).collect();
        Ok(Self {
            client,
            held: vec![Vec::new(); tables + 1],
            bytes: 0,
            number: 0,
            findings: 0,
            seen: Seen::default(),
            depths,
            load: 0,
            waited: Duration::ZERO,
            watch,
            flag,
            start,
        })
    }

    // Limits the buffered records and findings.
    fn copy_if_full(&mut self) -> io::Result<()> {
        if self.bytes > HELD { self.copy() } else { Ok(()) }
    }

    fn copy(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        let _busy = self.watch.busy();
        for number in 0..self.held.len() {
            if self.held[number].is_empty() {
                continue;
            }
            let statement = match self.start.layout.tables.get(number) {
                None => "COPY \"_in_findings\" FROM STDIN (FORMAT binary)".to_owned(),
                Some(table) => {
                    let mut columns = vec!["\"_seq\"".to_owned()];
                    match &table.list {
                        None => columns.push(format!("\"{KEY}\", \"{HASH}\"")),
                        Some(_) => columns.extend(positions(&self.start.layout, number)),
                    }
                    columns.push(sql::name(EXTRA));
                    columns.extend(table.columns.iter().map(|column| sql::name(&column.name)));
                    format!("COPY \"_in_{number}\" ({}) FROM STDIN (FORMAT binary)", columns.join(", "))
                }
            };
            let mut copy = self.client.copy_in(&statement).map_err(failed)?;
            [binary::HEAD, &self.held[number], binary::END].into_iter().try_for_each(|part| copy.write_all(part)).map_err(plain)?;
            copy.finish().map_err(failed)?;
            self.held[number].clear();
        }
        self.bytes = 0;
        self.waited += begun.elapsed();
        Ok(())
    }

    fn run(&mut self, statement: &str) -> io::Result<u64> {
        self.client.execute(statement, &[]).map_err(failed)
    }

    // Determines which records exist, and which of them are unchanged.
    fn compare(&mut self) -> io::Result<LoadStats> {
        let record = sql::name(&self.start.layout.tables[0].name);
        for table in 0..self.start.layout.tables.len() {
            self.client.batch_execute(&format!("ANALYZE \"_in_{table}\"")).map_err(failed)?;
        }
        let find = format!(
            "UPDATE \"_in_0\" i SET \"{ID}\" = r.\"{ID}\", \"_same\" = r.\"{HASH}\" = i.\"{HASH}\" FROM {record} r WHERE r.\"{KEY}\" = i.\"{KEY}\""
        );
        self.run(&find)?;
        let mut stats = LoadStats::default();
        if self.start.mode == Mode::Append {
            self.append(&mut stats, &record)?;
        }
        let counts = self
            .client
            .query_one(
                &format!("SELECT count(*) FILTER (WHERE \"{ID}\" IS NULL), count(*) FILTER (WHERE NOT \"_same\"), count(*) FILTER (WHERE \"_same\") FROM \"_in_0\""),
                &[],
            )
            .map_err(failed)?;
        let count = |at: usize| counts.try_get::<_, i64>(at).map(i64::unsigned_abs).map_err(failed);
        (stats.added, stats.updated, stats.unchanged) = (count(0)?, count(1)?, count(2)?);
        if self.start.list {
            let mut changes = Changes::default();
            let keys = std::sync::Arc::clone(&self.start.keys);
            let mut list = |client: &mut Client, query: &str| -> io::Result<()> {
                let mut rows = client.query_raw(query, std::iter::empty::<&(dyn ToSql + Sync)>()).map_err(failed)?;
                while let Some(row) = rows.next().map_err(failed)? {
                    let (done, key): (&str, &str) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
                    changes.emit(done, if done == "removed" { keys.unread(key) } else { keys.shown(key) })?;
                }
                Ok(())
            };
            list(
                &mut self.client,
                &format!(
                    "SELECT CASE WHEN \"{ID}\" IS NULL THEN 'added' ELSE 'updated' END, \"{KEY}\" FROM \"_in_0\" WHERE \"_same\" IS NOT TRUE ORDER BY \"_seq\""
                ),
            )?;
            if self.start.mode == Mode::Replace {
                let gone = format!("SELECT 'removed', r.\"{KEY}\" FROM {record} r WHERE {} ORDER BY r.\"{KEY}\" COLLATE \"C\"", gone());
                list(&mut self.client, &gone)?;
            }
            stats.changes = Some(changes);
        }
        Ok(stats)
    }

    // Existing keys are errors. Records without a key are numbered after the existing copies, by a fixed number of
    // statements over all of them.
    fn append(&mut self, stats: &mut LoadStats, record: &str) -> io::Result<()> {
        let mut rows = self
            .client
            .query_raw(
                &format!(
                    "SELECT \"{KEY}\" FROM \"_in_0\" WHERE \"{ID}\" IS NOT NULL AND {} IS NULL ORDER BY \"_seq\"",
                    super::keyless_base(KEY, Dialect::Postgres)
                ),
                std::iter::empty::<&(dyn ToSql + Sync)>(),
            )
            .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            stats.add_conflict(self.start.keys.shown(row.try_get(0).map_err(failed)?));
        }
        drop(rows);
        if stats.conflicting > 0 {
            return Ok(());
        }
        let base = super::keyless_base(KEY, Dialect::Postgres);
        let copies = super::copies(record, Dialect::Postgres);
        self.client
            .batch_execute(&format!(
                "CREATE TEMP TABLE \"_copies\" ON COMMIT DROP AS {copies} HAVING {base} IN \
                 (SELECT {base} FROM \"_in_0\" WHERE \"{ID}\" IS NOT NULL)"
            ))
            .map_err(failed)?;
        self.run(&format!(
            "UPDATE \"_in_0\" i SET \"{KEY}\" = '#' || n.\"nth\" || ' ' || n.\"base\", \"{ID}\" = NULL, \"_same\" = NULL FROM \
             (SELECT s.\"_seq\", c.\"base\", c.\"nth\" + row_number() OVER (PARTITION BY c.\"base\" ORDER BY s.\"_seq\") AS \"nth\" \
             FROM (SELECT \"_seq\", {base} AS \"base\" FROM \"_in_0\") s JOIN \"_copies\" c ON c.\"base\" = s.\"base\") n \
             WHERE n.\"_seq\" = i.\"_seq\""
        ))
        .map(|_| ())
    }

    fn account(&mut self, totals: Totals, stats: &LoadStats) -> io::Result<i64> {
        let inputs = self.start.inputs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let inputs = serde_json::to_string(&inputs).map_err(io::Error::other)?;
        let layout = serde_json::to_string(&self.start.layout).map_err(io::Error::other)?;
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let collection = self.start.layout.collection.clone();
        let load = self
            .client
            .query_one(
                // Not from a sequence, which loses its last steps when a copy of a database crashes.
                "INSERT INTO \"_chancery_load\" (\"id\", \"collection\", \"mode\", \"schema_sha256\", \"inputs\", \"records\", \"added\", \"updated\", \
                 \"unchanged\", \"removed\", \"rejected\", \"ended\") VALUES ((SELECT coalesce(max(\"id\"), 0) + 1 FROM \"_chancery_load\"), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING \"id\"",
                &[
                    &collection,
                    &self.start.mode.word(),
                    &self.start.schema,
                    &inputs,
                    &count(totals.records),
                    &count(stats.added),
                    &count(stats.updated),
                    &count(stats.unchanged),
                    &count(stats.removed),
                    &count(totals.rejected),
                    &(self.start.now)(),
                ],
            )
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        self.client
            .execute(
                "INSERT INTO \"_chancery_layout\" VALUES ($1, $2) ON CONFLICT (\"collection\") DO UPDATE SET \"layout\" = excluded.\"layout\"",
                &[&collection, &layout],
            )
            .map_err(failed)?;
        Ok(load)
    }

    // Merges new and changed records.
    fn place(&mut self, load: i64) -> io::Result<()> {
        let layout = self.start.layout.clone();
        let record = sql::name(&layout.tables[0].name);
        let changed = "i.\"_same\" IS NOT TRUE";
        // Lists of changed records; nested lists are deleted with them.
        for (_, table, _) in layout.lists(0) {
            let table = sql::name(&table.name);
            self.run(&format!("DELETE FROM {table} t USING \"_in_0\" i WHERE t.\"{RECORD}\" = i.\"{ID}\" AND {changed}"))?;
        }
        let columns: Vec<String> =
            std::iter::once(sql::name(EXTRA)).chain(layout.tables[0].columns.iter().map(|column| sql::name(&column.name))).collect();
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = i.{column}")).collect();
        self.run(&format!(
            "UPDATE {record} r SET \"{HASH}\" = i.\"{HASH}\", \"{LOAD}\" = {load}, {} FROM \"_in_0\" i WHERE r.\"{ID}\" = i.\"{ID}\" AND NOT i.\"_same\"",
            set.join(", ")
        ))?;
        // Numbers in input order, after the existing ones.
        self.run(&format!(
            "UPDATE \"_in_0\" i SET \"{ID}\" = n.\"number\" FROM (SELECT \"_seq\", row_number() OVER (ORDER BY \"_seq\") + \
             (SELECT coalesce(max(\"{ID}\"), 0) FROM {record}) AS \"number\" FROM \"_in_0\" WHERE \"{ID}\" IS NULL) n WHERE n.\"_seq\" = i.\"_seq\""
        ))?;
        let of_in: Vec<String> = columns.iter().map(|column| format!("i.{column}")).collect();
        self.run(&format!(
            "INSERT INTO {record} (\"{ID}\", \"{KEY}\", \"{HASH}\", \"{LOAD}\", {}) SELECT i.\"{ID}\", i.\"{KEY}\", i.\"{HASH}\", {load}, {} FROM \"_in_0\" i \
             WHERE i.\"_same\" IS NULL ORDER BY i.\"_seq\"",
            columns.join(", "),
            of_in.join(", ")
        ))?;
        for (number, table) in layout.tables.iter().enumerate().filter(|(_, table)| table.list.is_some()) {
            let mut columns = positions(&layout, number);
            let order: Vec<String> = columns.iter().map(|column| format!("c.{column}")).collect();
            columns.push(sql::name(EXTRA));
            columns.extend(table.columns.iter().map(|column| sql::name(&column.name)));
            let of_in: Vec<String> = columns.iter().map(|column| format!("c.{column}")).collect();
            self.run(&format!(
                "INSERT INTO {} (\"{RECORD}\", {}) SELECT i.\"{ID}\", {} FROM \"_in_{number}\" c JOIN \"_in_0\" i ON i.\"_seq\" = c.\"_seq\" WHERE {changed} \
                 ORDER BY c.\"_seq\", {}",
                sql::name(&table.name),
                columns.join(", "),
                of_in.join(", "),
                order.join(", ")
            ))?;
        }
        self.client
            .execute("UPDATE \"_in_findings\" SET \"load\" = $1", &[&load])
            .and_then(|_| self.client.execute("INSERT INTO \"_chancery_findings\" SELECT * FROM \"_in_findings\"", &[]))
            .map(|_| ())
            .map_err(failed)
    }
}

// Whether a record `r` is not among those loaded.
fn gone() -> String {
    format!("NOT EXISTS (SELECT 1 FROM \"_in_0\" i WHERE i.\"{KEY}\" = r.\"{KEY}\")")
}

// The error of a copy is wrapped by its writer.
fn plain(error: io::Error) -> io::Error {
    match error.downcast::<postgres::Error>() {
        Ok(error) => failed(error),
        Err(error) => error,
    }
}

fn positions(layout: &Layout, table: usize) -> Vec<String> {
    let depth = layout.depth(table);
    (1..=depth).map(|at| sql::name(&position_column(at, depth))).collect()
}

// U+0000 is not allowed; only findings can still contain one.
fn put_text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        None => binary::null(out),
        Some(text) if text.contains('\0') => binary::bytes(text.replace('\0', "\u{fffd}").as_bytes(), out),
        Some(text) => binary::bytes(text.as_bytes(), out),
    }
}

fn put_count(number: Option<i64>, out: &mut Vec<u8>) {
    match number {
        None => binary::null(out),
        Some(number) => binary::integer(number, out),
    }
}

impl LoadTransaction for PostgresLoad {
    fn record(&mut self, record: &EncodedRow<'_>) -> io::Result<()> {
        let nth = self.seen.nth(record.key)?;
        let key = if nth == 1 { record.key.to_owned() } else { nth_key(record.key, nth) };
        self.number += 1;
        let number = self.number as i64;
        let (held, bytes, layout) = (&mut self.held, &mut self.bytes, &self.start.layout);
        record.rows(layout, &self.depths, |table, positions, cells| {
            let out = &mut held[table];
            let before = out.len();
            let own = if table == 0 { 2 } else { positions.len() };
            binary::row(1 + own + cells.len(), out);
            binary::integer(number, out);
            if table == 0 {
                binary::bytes(key.as_bytes(), out);
                binary::bytes(&record.hash, out);
            }
            positions.iter().for_each(|position| binary::integer(i64::from(*position), out));
            // The extra column comes before the others.
            let holds = std::iter::once(ColumnType::Json).chain(layout.tables[table].columns.iter().map(|column| column.column_type));
            cells.iter().zip(holds).for_each(|(cell, holds)| binary::cell(cell, holds, out));
            *bytes += out.len() - before;
            Ok::<(), io::Error>(())
        })?;
        self.copy_if_full()
    }

    fn finding(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(finding) = super::StoredFinding::read(line) else { return Ok(()) };
        self.findings += 1;
        let line = String::from_utf8_lossy(line);
        let record = finding.record.as_ref();
        let Some(out) = self.held.last_mut() else { return Ok(()) };
        let before = out.len();
        binary::row(11, out);
        [0, self.findings as i64].into_iter().for_each(|number| binary::integer(number, out));
        [&finding.code, &finding.severity, &finding.message].into_iter().for_each(|text| put_text(Some(text), out));
        put_text(finding.file.as_deref(), out);
        put_count(finding.line, out);
        put_count(record.map(|record| record.index), out);
        put_text(record.and_then(|record| record.key.as_deref()), out);
        put_text(finding.pointer.as_deref(), out);
        put_text(Some(line.trim_end()), out);
        self.bytes += out.len() - before;
        self.copy_if_full()
    }

    fn settle(&mut self, totals: Totals) -> io::Result<LoadStats> {
        self.copy()?;
        let begun = Instant::now();
        let _busy = self.watch.busy();
        let mut stats = self.compare()?;
        if stats.conflicting > 0 {
            return Ok(stats);
        }
        if self.start.mode == Mode::Replace && !totals.incomplete {
            let record = sql::name(&self.start.layout.tables[0].name);
            stats.removed = self.run(&format!("DELETE FROM {record} r WHERE {}", gone()))?;
        }
        self.load = self.account(totals, &stats)?;
        self.place(self.load)?;
        stats.waited = self.waited + begun.elapsed();
        Ok(stats)
    }

    fn commit(&mut self, report: Option<CachedReport>) -> io::Result<()> {
        watch::check(self.flag)?;
        let busy = self.watch.busy();
        let layout = &self.start.layout;
        if is_there(&mut self.client, "_chancery_load_cache")? {
            let collection = &layout.collection;
            self.client.execute("DELETE FROM \"_chancery_load_cache\" WHERE \"collection\" = $1", &[collection]).map_err(failed)?;
            if let Some(CachedReport { fingerprint, failed: has_failed, report: text }) = report {
                let content = content(&mut self.client, &layout.tables[0].name)?;
                let insert = "INSERT INTO \"_chancery_load_cache\" VALUES ($1, $2, $3, $4, $5, $6)";
                let answer: [&(dyn ToSql + Sync); 6] = [collection, &self.load, &fingerprint, &content, &i64::from(has_failed), &text];
                self.client.execute(insert, &answer).map_err(failed)?;
            }
        }
        watch::check(self.flag)?;
        self.client.batch_execute("COMMIT").map_err(failed)?;
        drop(busy);
        Ok(())
    }
}

/// A database opened for export.
pub struct PostgresExporter {
    client: Client,
    layout: Layout,
    page: usize,
    watch: Watch,
}

impl PostgresExporter {
    /// Opens a database for its records of `collection`, or of the only collection that it has.
    ///
    /// # Errors
    /// When the database cannot be opened, or has no such records.
    pub fn open(access: &ConnectionConfig, collection: Option<&str>, flag: Flag) -> io::Result<Self> {
        let (mut client, watch) = access.connect_watched(flag)?;
        let busy = watch.busy();
        // All pages are from one snapshot.
        begin(&mut client, "ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let layout = stored(&mut client, collection)?.ok_or_else(|| super::no_records(collection))?;
        drop(busy);
        Ok(Self { client, layout, page: 16, watch })
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn rows(&mut self, table: usize, condition: &str, bytes: &mut usize) -> io::Result<Vec<(i64, StoredRow)>> {
        let layout = &self.layout;
        let number = sql::name(if table == 0 { ID } else { RECORD });
        let positions = positions(layout, table);
        let mut columns = vec![number.clone()];
        columns.extend(positions.iter().cloned());
        columns.push(sql::name(EXTRA));
        columns.extend(layout.tables[table].columns.iter().map(|column| {
            let name = sql::name(&column.name);
            if column.column_type == ColumnType::Timestamp { timestamp_text(&name) } else { name }
        }));
        if table == 0 {
            columns.push(sql::name(HASH));
        }
        let order = std::iter::once(&number).chain(&positions).map(String::as_str).collect::<Vec<_>>().join(", ");
        let (columns, name) = (columns.join(", "), sql::name(&layout.tables[table].name));
        let query = format!("SELECT {columns} FROM {name} WHERE {number} {condition} ORDER BY {order}");
        // Everything as text, which is exact to the last digit.
        let query = if table == 0 { format!("{query} LIMIT {}", self.page) } else { query };
        let mut found = Vec::new();
        for message in self.client.simple_query(&query).map_err(failed)? {
            if let SimpleQueryMessage::Row(row) = message {
                let (of, stored) =
                    self::row(&row, positions.len(), table == 0, bytes).ok_or_else(|| io::Error::other("a row has no number"))?;
                found.push((of, stored));
            }
        }
        Ok(found)
    }
}

fn row(row: &SimpleQueryRow, depth: usize, has_hash: bool, bytes: &mut usize) -> Option<(i64, StoredRow)> {
    let mut cell = |at: usize| {
        let text = row.get(at).map(str::to_owned);
        *bytes += text.as_ref().map_or(0, String::len);
        text
    };
    let mut stored = StoredRow::default();
    for at in 1..=depth {
        stored.positions.push(row.get(at)?.parse().ok()?);
    }
    stored.extra = cell(depth + 1);
    let end = row.len() - usize::from(has_hash);
    stored.cells = (depth + 2..end).map(&mut cell).collect();
    // The text of bytes is `\x` and hexadecimal digits.
    stored.hash = has_hash.then(|| unhex(row.get(end).unwrap_or_default().trim_start_matches("\\x")));
    Some((row.get(0)?.parse().ok()?, stored))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

impl PageReader for PostgresExporter {
    fn read_page(&mut self, after: i64) -> io::Result<Option<Page>> {
        let mut bytes = 0;
        let _busy = self.watch.busy();
        let records = self.rows(0, &format!("> {after}"), &mut bytes)?;
        let Some((last, _)) = records.last() else { return Ok(None) };
        let condition = format!("> {after} AND \"{RECORD}\" <= {last}");
        let mut page = vec![records];
        for table in 1..self.layout.tables.len() {
            page.push(self.rows(table, &condition, &mut bytes)?);
        }
        // Pages grow while records are small, because each costs a round trip for each table.
        self.page = if bytes > 4 << 20 {
            (self.page / 4).max(1)
        } else if bytes < 1 << 20 {
            (self.page * 2).min(1024)
        } else {
            self.page
        };
        Ok(Some(page))
    }
}
