//! PostgreSQL: records into tables, and out of them.
//!
//! A load is one transaction under a lock of its own, so that two loads never mix: the second one waits. Records are copied into
//! temporary tables and put into place by a few statements over all of them, by their keys.

mod access;
mod binary;
mod tls;

use std::io::{self, Write};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

pub use access::Access;

use super::clerk::{Clerk, Ledger};
use super::lines::{Page, Pages};
use super::{Answer, Changes, Database, Mode, Said, Seen, Settled, Start, nth_key};
use crate::layout::relational::change::moment_text;
use crate::layout::relational::join::Stored;
use crate::layout::relational::rows::{Dialect, Encoded};
use crate::layout::relational::{HASH, Holds, ID, KEY, LOAD, Layout, RECORD, REST, position_column, sql};
use crate::load::Totals;

/// So many bytes are held before they are copied.
const HELD: usize = 8 << 20;

/// The lock under which records are loaded; any number that others are not likely to take.
const LOCK: i64 = 0x6368_616e_6365_7279;

fn failed(error: postgres::Error) -> io::Error {
    io::Error::other(told(&error))
}

// What the server or the client says of a failure, with the SQLSTATE and the context that the server gives.
fn told(error: &postgres::Error) -> String {
    let mut text;
    if let Some(said) = error.as_db_error() {
        text = format!("{} (SQLSTATE {})", said.message(), said.code().code());
        for (label, more) in [("", said.detail()), ("hint: ", said.hint()), ("context: ", said.where_())] {
            if let Some(more) = more {
                text.push_str("; ");
                text.push_str(label);
                text.push_str(more);
            }
        }
        if let Some(table) = said.table() {
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
}

impl Postgres {
    /// Opens a database for a load, and waits until no other load has it.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open(access: &Access) -> io::Result<Self> {
        let mut client = access.connect()?;
        begin(&mut client, "")?;
        client.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})")).map_err(failed)?;
        Ok(Self { client, shown: access.shown.clone() })
    }
}

fn begin(client: &mut Client, how: &str) -> io::Result<()> {
    client
        .batch_execute(&format!(
            "BEGIN {how}; SET LOCAL client_min_messages = warning; SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'; \
             SET LOCAL standard_conforming_strings = on"
        ))
        .map_err(failed)?;
    let encoding: String = client.query_one("SHOW server_encoding", &[]).and_then(|row| row.try_get(0)).map_err(failed)?;
    if encoding == "UTF8" { Ok(()) } else { Err(io::Error::other(format!("the database holds text as {encoding}, and has to hold UTF8"))) }
}

fn is_there(client: &mut Client, name: &str) -> io::Result<bool> {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&sql::name(name)]).and_then(|row| row.try_get(0)).map_err(failed)
}

// How many records there are, and a sum that tells their keys and hashes from others.
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

// The layout of a collection, or of the only one; less tables and columns that somebody has taken away.
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

    fn answer(&mut self, collection: &str) -> io::Result<Option<Answer>> {
        if !is_there(&mut self.client, "_chancery_answer")? {
            return Ok(None);
        }
        let Some(row) = self.client.query_opt(super::ANSWER, &[&collection]).map_err(failed)? else { return Ok(None) };
        let answer = || {
            Ok(Answer {
                load: row.try_get(0)?,
                inputs: super::inputs(row.try_get(1)?),
                asked: row.try_get(2)?,
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

    fn begin(self: Box<Self>, start: Start) -> io::Result<Clerk> {
        let Self { client, shown } = *self;
        Clerk::start(&shown, start.mode, move |orders| {
            // What is not committed goes with the connection.
            orders.serve(&mut Book::open(client, start)?).map(|_| ())
        })
    }
}

// A load in the making.
struct Book {
    client: Client,
    start: Start,
    // What waits to be copied, by table; findings are the last.
    held: Vec<Vec<u8>>,
    bytes: usize,
    number: u64,
    findings: u64,
    seen: Seen,
    depths: Vec<usize>,
    // The number of the load, once it is settled.
    load: i64,
    // How long records were copied.
    waited: Duration,
}

impl Book {
    fn open(mut client: Client, start: Start) -> io::Result<Self> {
        for statement in start.changes.iter().flat_map(|change| &change.statements) {
            client.batch_execute(statement).map_err(failed)?;
        }
        for (number, table) in start.layout.tables.iter().enumerate() {
            let mut columns = vec!["\"_seq\" bigint".to_owned()];
            match &table.list {
                None => columns.push(format!("\"{KEY}\" text, \"{HASH}\" bytea, \"{ID}\" bigint, \"_same\" boolean")),
                Some(_) => columns.extend(positions(&start.layout, number).iter().map(|column| format!("{column} bigint"))),
            }
            columns.push(format!("\"{REST}\" json"));
            columns.extend(
                table.columns.iter().map(|column| format!("{} {}", sql::name(&column.name), sql::type_of(column.holds, Dialect::Postgres))),
            );
            let statement = format!("CREATE TEMP TABLE \"_in_{number}\" ({}) ON COMMIT DROP", columns.join(", "));
            client.batch_execute(&statement).map_err(failed)?;
        }
        client.batch_execute("CREATE TEMP TABLE \"_in_findings\" (LIKE \"_chancery_findings\") ON COMMIT DROP").map_err(failed)?;
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
            start,
        })
    }

    // Bounds what waits in memory, records and findings alike.
    fn copy_if_full(&mut self) -> io::Result<()> {
        if self.bytes > HELD { self.copy() } else { Ok(()) }
    }

    fn copy(&mut self) -> io::Result<()> {
        let begun = Instant::now();
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
                    columns.push(sql::name(REST));
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

    // Finds out which records are there, and which of them are the same.
    fn compare(&mut self) -> io::Result<Settled> {
        let record = sql::name(&self.start.layout.tables[0].name);
        for table in 0..self.start.layout.tables.len() {
            self.client.batch_execute(&format!("ANALYZE \"_in_{table}\"")).map_err(failed)?;
        }
        let find = format!(
            "UPDATE \"_in_0\" i SET \"{ID}\" = r.\"{ID}\", \"_same\" = r.\"{HASH}\" = i.\"{HASH}\" FROM {record} r WHERE r.\"{KEY}\" = i.\"{KEY}\""
        );
        self.run(&find)?;
        let mut settled = Settled::default();
        if self.start.mode == Mode::Append {
            self.append(&mut settled, &record)?;
        }
        let counts = self
            .client
            .query_one(
                &format!("SELECT count(*) FILTER (WHERE \"{ID}\" IS NULL), count(*) FILTER (WHERE NOT \"_same\"), count(*) FILTER (WHERE \"_same\") FROM \"_in_0\""),
                &[],
            )
            .map_err(failed)?;
        let count = |at: usize| counts.try_get::<_, i64>(at).map(i64::unsigned_abs).map_err(failed);
        (settled.added, settled.updated, settled.unchanged) = (count(0)?, count(1)?, count(2)?);
        if self.start.list {
            let mut changes = Changes::default();
            let mut list = |client: &mut Client, query: &str| -> io::Result<()> {
                let mut rows = client.query_raw(query, std::iter::empty::<&(dyn ToSql + Sync)>()).map_err(failed)?;
                while let Some(row) = rows.next().map_err(failed)? {
                    changes.note(row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?)?;
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
            settled.changes = Some(changes);
        }
        Ok(settled)
    }

    // Keys that exist are refused. Records without a key are numbered after the copies that exist, by a fixed number of
    // statements over all of them.
    fn append(&mut self, settled: &mut Settled, record: &str) -> io::Result<()> {
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
            settled.clash(row.try_get(0).map_err(failed)?);
        }
        drop(rows);
        if settled.clashing > 0 {
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

    fn account(&mut self, totals: Totals, settled: &Settled) -> io::Result<i64> {
        let inputs = self.start.inputs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let inputs = serde_json::to_string(&inputs).map_err(io::Error::other)?;
        let layout = serde_json::to_string(&self.start.layout).map_err(io::Error::other)?;
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let collection = self.start.layout.collection.clone();
        let load = self
            .client
            .query_one(
                // Not from a sequence, which forgets its last steps when a copy of a database is struck down.
                "INSERT INTO \"_chancery_load\" (\"id\", \"collection\", \"mode\", \"schema_sha256\", \"inputs\", \"records\", \"added\", \"updated\", \
                 \"unchanged\", \"removed\", \"rejected\", \"ended\") VALUES ((SELECT coalesce(max(\"id\"), 0) + 1 FROM \"_chancery_load\"), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING \"id\"",
                &[
                    &collection,
                    &self.start.mode.word(),
                    &self.start.schema,
                    &inputs,
                    &count(totals.records),
                    &count(settled.added),
                    &count(settled.updated),
                    &count(settled.unchanged),
                    &count(settled.removed),
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

    // Puts into place what is new and what has changed.
    fn place(&mut self, load: i64) -> io::Result<()> {
        let layout = self.start.layout.clone();
        let record = sql::name(&layout.tables[0].name);
        let changed = "i.\"_same\" IS NOT TRUE";
        // Lists of changed records, which take the lists in them along.
        for (_, table, _) in layout.lists(0) {
            let table = sql::name(&table.name);
            self.run(&format!("DELETE FROM {table} t USING \"_in_0\" i WHERE t.\"{RECORD}\" = i.\"{ID}\" AND {changed}"))?;
        }
        let columns: Vec<String> =
            std::iter::once(sql::name(REST)).chain(layout.tables[0].columns.iter().map(|column| sql::name(&column.name))).collect();
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = i.{column}")).collect();
        self.run(&format!(
            "UPDATE {record} r SET \"{HASH}\" = i.\"{HASH}\", \"{LOAD}\" = {load}, {} FROM \"_in_0\" i WHERE r.\"{ID}\" = i.\"{ID}\" AND NOT i.\"_same\"",
            set.join(", ")
        ))?;
        // Numbers in the order of the inputs, behind those that are there.
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
            columns.push(sql::name(REST));
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

// What a copy failed with is wrapped by its writer.
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

// There is no place for U+0000; only findings could still have one.
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

impl Ledger for Book {
    fn record(&mut self, record: &Encoded<'_>) -> io::Result<()> {
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
            // The rest stands before the columns.
            let holds = std::iter::once(Holds::Json).chain(layout.tables[table].columns.iter().map(|column| column.holds));
            cells.iter().zip(holds).for_each(|(cell, holds)| binary::cell(cell, holds, out));
            *bytes += out.len() - before;
            Ok::<(), io::Error>(())
        })?;
        self.copy_if_full()
    }

    fn finding(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(finding) = super::Finding::read(line) else { return Ok(()) };
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

    fn settle(&mut self, totals: Totals) -> io::Result<Settled> {
        self.copy()?;
        let begun = Instant::now();
        let mut settled = self.compare()?;
        if settled.clashing > 0 {
            return Ok(settled);
        }
        if self.start.mode == Mode::Replace && !totals.incomplete {
            let record = sql::name(&self.start.layout.tables[0].name);
            settled.removed = self.run(&format!("DELETE FROM {record} r WHERE {}", gone()))?;
        }
        self.load = self.account(totals, &settled)?;
        self.place(self.load)?;
        settled.waited = self.waited + begun.elapsed();
        Ok(settled)
    }

    fn commit(&mut self, said: Option<Said>) -> io::Result<()> {
        let layout = &self.start.layout;
        if is_there(&mut self.client, "_chancery_answer")? {
            let collection = &layout.collection;
            self.client.execute("DELETE FROM \"_chancery_answer\" WHERE \"collection\" = $1", &[collection]).map_err(failed)?;
            if let Some(Said { asked, failed: has_failed, text }) = said {
                let content = content(&mut self.client, &layout.tables[0].name)?;
                let insert = "INSERT INTO \"_chancery_answer\" VALUES ($1, $2, $3, $4, $5, $6)";
                let answer: [&(dyn ToSql + Sync); 6] = [collection, &self.load, &asked, &content, &i64::from(has_failed), &text];
                self.client.execute(insert, &answer).map_err(failed)?;
            }
        }
        self.client.batch_execute("COMMIT").map_err(failed)
    }
}

/// A database whose records are read.
pub struct Reading {
    client: Client,
    layout: Layout,
    page: usize,
}

impl Reading {
    /// Opens a database for its records of `collection`, or of the only collection that it has.
    ///
    /// # Errors
    /// When the database cannot be opened, or has no such records.
    pub fn open(access: &Access, collection: Option<&str>) -> io::Result<Self> {
        let mut client = access.connect()?;
        // All pages are of one moment.
        begin(&mut client, "ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let layout = stored(&mut client, collection)?.ok_or_else(|| super::no_records(collection))?;
        Ok(Self { client, layout, page: 16 })
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn rows(&mut self, table: usize, condition: &str, bytes: &mut usize) -> io::Result<Vec<(i64, Stored)>> {
        let layout = &self.layout;
        let number = sql::name(if table == 0 { ID } else { RECORD });
        let positions = positions(layout, table);
        let mut columns = vec![number.clone()];
        columns.extend(positions.iter().cloned());
        columns.push(sql::name(REST));
        columns.extend(layout.tables[table].columns.iter().map(|column| {
            let name = sql::name(&column.name);
            if column.holds == Holds::Timestamp { moment_text(&name) } else { name }
        }));
        let order = std::iter::once(&number).chain(&positions).map(String::as_str).collect::<Vec<_>>().join(", ");
        let (columns, name) = (columns.join(", "), sql::name(&layout.tables[table].name));
        let query = format!("SELECT {columns} FROM {name} WHERE {number} {condition} ORDER BY {order}");
        // Everything as text, which says what a value is to the last digit.
        let query = if table == 0 { format!("{query} LIMIT {}", self.page) } else { query };
        let mut found = Vec::new();
        for message in self.client.simple_query(&query).map_err(failed)? {
            if let SimpleQueryMessage::Row(row) = message {
                let (of, stored) = self::row(&row, positions.len(), bytes).ok_or_else(|| io::Error::other("a row has no number"))?;
                found.push((of, stored));
            }
        }
        Ok(found)
    }
}

fn row(row: &SimpleQueryRow, depth: usize, bytes: &mut usize) -> Option<(i64, Stored)> {
    let mut cell = |at: usize| {
        let text = row.get(at).map(str::to_owned);
        *bytes += text.as_ref().map_or(0, String::len);
        text
    };
    let mut stored = Stored::default();
    for at in 1..=depth {
        stored.positions.push(row.get(at)?.parse().ok()?);
    }
    stored.rest = cell(depth + 1);
    stored.cells = (depth + 2..row.len()).map(&mut cell).collect();
    Some((row.get(0)?.parse().ok()?, stored))
}

impl Pages for Reading {
    fn page(&mut self, after: i64) -> io::Result<Option<Page>> {
        let mut bytes = 0;
        let records = self.rows(0, &format!("> {after}"), &mut bytes)?;
        let Some((last, _)) = records.last() else { return Ok(None) };
        let condition = format!("> {after} AND \"{RECORD}\" <= {last}");
        let mut page = vec![records];
        for table in 1..self.layout.tables.len() {
            page.push(self.rows(table, &condition, &mut bytes)?);
        }
        // Pages grow while records are small, since each costs a round trip for each table.
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
