//! Shreds a record into rows: which value is in which column, and which are extra.
//!
//! Input: a record. Output: its key, a hash of its content and its rows, as bytes that [`EncodedRow`] decodes, so that
//! any thread can shred records and another one can write the rows to a database. A value goes into its column if the
//! column can represent it; values that would not be restored exactly are also in the extra column.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::digest::digest;
use super::{Column, ColumnType, Layout, pointer_to};
use chancery_check::reference_data::date::{self, PartialDate};
use chancery_core::tree::{Kind, Node, json, json_string, key, key_hash, number};
use chancery_files::checksum;

/// The length of a record's hash.
pub const HASH_LENGTH: usize = 24;

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// The types that columns support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeSupport {
    /// Numbers are 64-bit integers or floats; dates and timestamps are text. No text with U+0000.
    Sqlite,
    /// Numbers of any length; dates are days since 1970, timestamps microseconds. No text with U+0000.
    Postgres,
    /// Numbers are 64-bit integers or floats; dates and timestamps as in PostgreSQL; lists of scalars.
    Arrow,
}

impl From<Dialect> for TypeSupport {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Self::Sqlite,
            Dialect::Postgres => Self::Postgres,
        }
    }
}

/// A value in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellValue<'a> {
    /// Nothing: the value is missing, or extra.
    Null,
    /// An integer.
    Integer(i64),
    /// A number of 64 bits.
    Real(f64),
    /// True or false.
    Boolean(bool),
    /// Text, or what the database parses from text, in UTF-8.
    Text(&'a [u8]),
    /// The items of a list, none of them a list itself; only if columns support lists.
    List(Items<'a>),
}

/// The items of a list in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    /// The items in order.
    pub fn cells(self) -> impl Iterator<Item = CellValue<'a>> {
        let mut bytes = self.0;
        std::iter::from_fn(move || {
            let (next, rest) = cell(bytes)?;
            bytes = rest;
            Some(next)
        })
    }
}

/// A longer text, or one with control characters, is replaced by its hash.
const LONGEST_KEY: usize = 200;

/// Shreds records.
#[derive(Debug)]
pub struct Shredder {
    key: Vec<String>,
    support: TypeSupport,
    // By table.
    levels: Vec<Level>,
    columns: Vec<Vec<(ColumnType, Option<ColumnType>)>>,
    // The column of the whole record, in the first table.
    whole: Option<usize>,
    // So that records are rewritten when the layout changes.
    salt: [u8; 8],
}

#[derive(Debug, Default)]
struct Level {
    members: Vec<(u32, Box<str>, Slot)>,
}

#[derive(Debug)]
enum Slot {
    Column(usize),
    Nested(Level),
    List(usize),
}

impl Level {
    fn add(&mut self, path: &[String], slot: Slot) {
        let [name, rest @ ..] = path else { return };
        if rest.is_empty() {
            return self.members.push((key_hash(name), name.as_str().into(), slot));
        }
        let found = self.members.iter().position(|(_, known, slot)| **known == **name && matches!(slot, Slot::Nested(_)));
        let at = found.unwrap_or_else(|| {
            self.members.push((key_hash(name), name.as_str().into(), Slot::Nested(Level::default())));
            self.members.len() - 1
        });
        if let Slot::Nested(level) = &mut self.members[at].2 {
            level.add(rest, slot);
        }
    }

    // Records usually have the order of the schema, so the search begins after the member found last.
    fn find(&self, hash: u32, name: &str, from: &mut usize) -> Option<&Slot> {
        let is = |(known, text, _): &&(u32, Box<str>, Slot)| *known == hash && **text == *name;
        let at = (*from..self.members.len()).chain(0..*from).find(|at| is(&&self.members[*at]))?;
        *from = at + 1;
        Some(&self.members[at].2)
    }
}

impl Shredder {
    /// One for the tables of `layout`.
    #[must_use]
    pub fn new(layout: &Layout, support: impl Into<TypeSupport>) -> Self {
        let support = support.into();
        let mut levels: Vec<Level> = layout.tables.iter().map(|_| Level::default()).collect();
        for (number, table) in layout.tables.iter().enumerate() {
            for (at, column) in table.columns.iter().enumerate() {
                levels[number].add(&column.path, Slot::Column(at));
            }
            if let Some(list) = &table.list {
                levels[list.of].add(&list.path, Slot::List(number));
            }
        }
        // Comments and names do not affect what is stored.
        let mut salt = Sha256::new();
        salt.update([support as u8]);
        for (number, table) in layout.tables.iter().enumerate() {
            salt.update(layout.path(number));
            for column in &table.columns {
                salt.update([0, column.column_type as u8]);
                salt.update(pointer_to(&column.path));
            }
        }
        let salt = salt.finalize();
        let salt = salt.first_chunk().copied().unwrap_or_default();
        let column_type = |column: &Column| (column.column_type, column.items.filter(|_| support == TypeSupport::Arrow));
        let columns = layout.tables.iter().map(|table| table.columns.iter().map(column_type).collect()).collect();
        let whole = layout.tables.first().and_then(|table| table.columns.iter().position(Column::is_whole));
        Self { key: layout.key.clone(), support, levels, columns, whole, salt }
    }

    /// What the hashes of records end with that were stored by this layout.
    #[must_use]
    pub fn salt(&self) -> [u8; 8] {
        self.salt
    }

    /// Appends a record as bytes for [`EncodedRow`].
    pub fn encode(&self, record: Node<'_>, out: &mut Vec<u8>) {
        // A record without a key is identified by its content, regardless of its layout.
        let key = self.key(record).unwrap_or_else(|| {
            let mut text = Vec::new();
            json(record, &mut text);
            format!("#{}", checksum::hex(&Sha256::digest(&text)[..16]))
        });
        out.extend_from_slice(&(key.len() as u16).to_le_bytes());
        out.extend_from_slice(key.as_bytes());
        let hash = out.len();
        out.extend_from_slice(&digest(record));
        out.extend_from_slice(&self.salt);
        debug_assert_eq!(out.len() - hash, HASH_LENGTH);
        self.row(0, record, &mut RowScratch::default(), out);
    }

    // The text that identifies a record. A plain key never begins with `#`, which marks all others.
    fn key(&self, record: Node<'_>) -> Option<String> {
        let parts: Option<Vec<Cow<'_, str>>> =
            self.key.iter().map(|pointer| record.at(pointer).filter(|part| key::is_part(*part)).map(key::part)).collect();
        let text = match parts?.as_slice() {
            [] => return None,
            [one] => one.clone().into_owned(),
            parts => {
                let mut text = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    text.push(if index == 0 { b'[' } else { b',' });
                    json_string(part, &mut text);
                }
                text.push(b']');
                String::from_utf8_lossy(&text).into_owned()
            }
        };
        let plain = text.len() <= LONGEST_KEY && !text.starts_with('#') && !text.is_empty() && !text.contains(char::is_control);
        Some(if plain { text } else { format!("#key {}", checksum::hex(&Sha256::digest(&text)[..16])) })
    }

    // Lists of this row and of nested rows are stored one after the other in `scratch`, so that nothing is allocated per row.
    fn row<'t>(&self, table: usize, node: Node<'t>, scratch: &mut RowScratch<'t>, out: &mut Vec<u8>) {
        let (cells, rest, lists) = (scratch.cells.len(), scratch.extra.len(), scratch.lists.len());
        scratch.cells.resize(cells + self.columns[table].len(), ScalarValue::Null);
        let mut row = Row { shredder: self, table, first: cells, scratch };
        if table == 0 {
            row.object(&self.levels[table], node);
        } else {
            // An object with duplicate members is not an item of such a list.
            row.members(&self.levels[table], node);
        }
        if let Some(whole) = self.whole.filter(|_| table == 0) {
            scratch.cells[cells + whole] = ScalarValue::Json(node);
        }
        out.extend_from_slice(&(table as u16).to_le_bytes());
        scratch.positions.iter().for_each(|position| out.extend_from_slice(&position.to_le_bytes()));
        write_extra(&scratch.extra[rest..], out);
        scratch.cells[cells..].iter().for_each(|cell| cell.write(out));
        scratch.cells.truncate(cells);
        scratch.extra.truncate(rest);
        // Each row comes after its parent.
        for at in lists..scratch.lists.len() {
            let (table, list) = scratch.lists[at];
            for (position, item) in list.items().enumerate() {
                scratch.positions.push(position as u32);
                self.row(table, item, scratch, out);
                scratch.positions.pop();
            }
        }
        scratch.lists.truncate(lists);
    }
}

// Scratch buffers for rows.
#[derive(Default)]
struct RowScratch<'t> {
    path: Vec<&'t str>,
    positions: Vec<u32>,
    cells: Vec<ScalarValue<'t>>,
    extra: Vec<(String, Node<'t>)>,
    lists: Vec<(usize, Node<'t>)>,
}

#[derive(Clone, Copy)]
enum ScalarValue<'t> {
    Null,
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Text(&'t str),
    Json(Node<'t>),
    List(Node<'t>, ColumnType, TypeSupport),
}

impl ScalarValue<'_> {
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0),
            Self::Integer(number) => {
                out.push(1);
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Real(number) => {
                out.push(2);
                out.extend_from_slice(&number.to_le_bytes());
            }
            Self::Boolean(flag) => out.push(if flag { 5 } else { 4 }),
            Self::Text(text) => measured(3, out, |out| out.extend_from_slice(text.as_bytes())),
            Self::Json(node) => measured(3, out, |out| json(node, out)),
            Self::List(node, items, support) => {
                measured(6, out, |out| node.items().for_each(|item| convert(items, item, support).0.write(out)));
            }
        }
    }
}

fn measured(tag: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[tag, 0, 0, 0, 0]);
    let start = out.len();
    write(out);
    let length = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&length.to_le_bytes());
}

fn write_extra(rest: &[(String, Node<'_>)], out: &mut Vec<u8>) {
    if rest.is_empty() {
        return out.push(0);
    }
    measured(3, out, |out| {
        for (index, (pointer, node)) in rest.iter().enumerate() {
            out.push(if index == 0 { b'{' } else { b',' });
            json_string(pointer, out);
            out.push(b':');
            json(*node, out);
        }
        out.push(b'}');
    });
}

// A row being built.
struct Row<'a, 't> {
    shredder: &'a Shredder,
    table: usize,
    // Where its cells begin.
    first: usize,
    scratch: &'a mut RowScratch<'t>,
}

impl<'t> Row<'_, 't> {
    fn object(&mut self, level: &Level, node: Node<'t>) {
        // Duplicate members have no columns for both; and an empty object would be read as missing, unless it is a row.
        if node.kind() != Kind::Object || (node.is_empty() && !self.scratch.path.is_empty()) || node.has_duplicates() {
            return self.keep(node);
        }
        self.members(level, node);
    }

    fn members(&mut self, level: &Level, node: Node<'t>) {
        let mut from = 0;
        for member in node.members() {
            let (name, value) = (member.key.text(), member.value);
            self.scratch.path.push(name);
            match level.find(member.hash(), name, &mut from) {
                Some(Slot::Column(at)) => self.column(*at, value),
                Some(Slot::Nested(level)) => self.object(level, value),
                Some(Slot::List(table)) if is_list(value) => self.scratch.lists.push((*table, value)),
                Some(Slot::List(_)) | None => self.keep(value),
            }
            self.scratch.path.pop();
        }
    }

    fn column(&mut self, at: usize, node: Node<'t>) {
        let support = self.shredder.support;
        let (value, exact) = match self.shredder.columns[self.table][at] {
            (_, Some(items)) => list(items, node, support),
            (column_type, None) => convert(column_type, node, support),
        };
        self.scratch.cells[self.first + at] = value;
        if !exact {
            self.keep(node);
        }
    }

    // Adds a value to the extra column.
    fn keep(&mut self, node: Node<'t>) {
        let pointer = pointer_to(&self.scratch.path);
        self.scratch.extra.push((pointer, node));
    }
}

fn is_list(node: Node<'_>) -> bool {
    node.kind() == Kind::Array && !node.is_empty() && node.items().all(|item| item.kind() == Kind::Object && !item.has_duplicates())
}

// The value of a list column: each item as nearly as possible.
fn list(items: ColumnType, node: Node<'_>, support: TypeSupport) -> (ScalarValue<'_>, bool) {
    if node.kind() != Kind::Array {
        return (ScalarValue::Null, false);
    }
    let exact = node.items().all(|item| item.kind() == Kind::Null || convert(items, item, support).1);
    (ScalarValue::List(node, items, support), exact)
}

// The value of a column, and whether it represents the original exactly.
fn convert(column_type: ColumnType, node: Node<'_>, support: TypeSupport) -> (ScalarValue<'_>, bool) {
    let nothing = (ScalarValue::Null, false);
    let text = node.text();
    match (column_type, node.kind()) {
        (ColumnType::Json, _) => (ScalarValue::Json(node), true),
        (ColumnType::Boolean, Kind::Bool) => (ScalarValue::Boolean(text == "true"), true),
        (ColumnType::Integer, Kind::Number) => integer(text),
        (ColumnType::Number, Kind::Number) => match support {
            TypeSupport::Sqlite | TypeSupport::Arrow => real(text),
            TypeSupport::Postgres => decimal(text),
        },
        // SQLite's own functions stop at U+0000, and PostgreSQL does not allow it.
        (ColumnType::Text | ColumnType::Date | ColumnType::Timestamp, Kind::String)
            if support != TypeSupport::Arrow && text.contains('\0') =>
        {
            nothing
        }
        (ColumnType::Date, Kind::String) if support != TypeSupport::Sqlite => {
            day(text).map_or(nothing, |day| (ScalarValue::Integer(day), true))
        }
        (ColumnType::Timestamp, Kind::String) if support != TypeSupport::Sqlite => {
            timestamp(text).map_or(nothing, |timestamp| (ScalarValue::Integer(timestamp.microseconds), timestamp.plain))
        }
        (ColumnType::Text | ColumnType::Date | ColumnType::Timestamp, Kind::String) => (ScalarValue::Text(text), true),
        _ => nothing,
    }
}

fn integer(text: &str) -> (ScalarValue<'_>, bool) {
    if let Ok(number) = text.parse::<i64>() {
        return (ScalarValue::Integer(number), text != "-0");
    }
    // `1.0` and `1e2` are integers in a schema; the notation is in the extra column.
    let float = text.parse::<f64>().ok().filter(|float| float.abs() < 9e15 && number::is_integer(text));
    (float.map_or(ScalarValue::Null, |float| ScalarValue::Integer(float as i64)), false)
}

fn real(text: &str) -> (ScalarValue<'_>, bool) {
    match text.parse::<f64>() {
        // The digits that restore a float are those that it prints, without an exponent.
        Ok(float) if float.is_finite() => {
            let exact = (text.len() <= 15 && !text.starts_with("-0") && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
                || (float != 0.0 && text.len() <= 400 && float.to_string() == text);
            (ScalarValue::Real(float), exact)
        }
        _ => (ScalarValue::Null, false),
    }
}

fn decimal(text: &str) -> (ScalarValue<'_>, bool) {
    const MOST_DIGITS: usize = 1000;
    let (digits, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(digits, exponent)| (digits, Some(exponent)));
    let held = text.len() <= MOST_DIGITS && exponent.is_none_or(|exponent| exponent.parse::<i32>().is_ok_and(|size| size.abs() < 1000));
    let negative_zero = digits.starts_with('-') && digits.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    (if held { ScalarValue::Text(text) } else { ScalarValue::Null }, held && exponent.is_none() && !negative_zero)
}

// The day number of an existing date.
fn day(text: &str) -> Option<i64> {
    let date = PartialDate::parse(text).filter(|date| text.len() == 10 && (1..=9999).contains(&date.year) && date.exists())?;
    Some(date::number(date.year, date.month?, date.day?))
}

// A timestamp that columns represent exactly.
struct Timestamp {
    // Since 1970-01-01 in UTC.
    microseconds: i64,
    // Whether it is written as a column returns it.
    plain: bool,
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, time) = (text.get(..10)?, text.get(10..)?);
    let year: i32 = date.get(..4)?.parse().ok()?;
    if !(2..9999).contains(&year) {
        return None;
    }
    let clock = time.get(..9)?.as_bytes();
    let two = |at: usize, most: i64| {
        let number = (clock[at].is_ascii_digit() && clock[at + 1].is_ascii_digit())
            .then(|| i64::from(clock[at] - b'0') * 10 + i64::from(clock[at + 1] - b'0'));
        number.filter(|number| *number <= most)
    };
    if !(clock[0] == b'T' && clock[3] == b':' && clock[6] == b':') {
        return None;
    }
    let seconds = (day(date)? * 24 + two(1, 23)?) * 3600 + two(4, 59)? * 60 + two(7, 59)?;
    let behind = &time[9..];
    let (fraction, zone) = behind.split_at(behind.find(['Z', '+', '-'])?);
    let part = match fraction.strip_prefix('.') {
        Some(digits) if (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse::<i64>().ok()? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ if fraction.is_empty() => 0,
        _ => return None,
    };
    let minutes = match zone.as_bytes() {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), ten @ b'0'..=b'1', one @ b'0'..=b'9', b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9'] => {
            let number = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let hours = Some(number(*ten, *one)).filter(|hours| *hours < 15)?;
            let ahead = hours * 60 + number(*tens, *ones);
            if *sign == b'-' { -ahead } else { ahead }
        }
        _ => return None,
    };
    Some(Timestamp { microseconds: (seconds - minutes * 60) * 1_000_000 + part, plain: fraction.is_empty() && zone == "Z" })
}

/// The microseconds since 1970 of a moment that a column can hold.
pub(super) fn microseconds(text: &str) -> Option<i64> {
    timestamp(text).map(|timestamp| timestamp.microseconds)
}

/// Whether a column of that kind holds something of a value, given as JSON, that it cannot say exactly.
pub(super) fn is_held(column_type: ColumnType, value: &str) -> bool {
    match column_type {
        ColumnType::Integer => !matches!(integer(value).0, ScalarValue::Null),
        ColumnType::Number => !matches!(real(value).0, ScalarValue::Null),
        ColumnType::Timestamp => serde_json::from_str::<String>(value).is_ok_and(|text| timestamp(&text).is_some()),
        _ => false,
    }
}

/// A shredded record.
pub struct EncodedRow<'a> {
    /// The text that identifies the record; one that begins with `#` replaces a missing or long key.
    pub key: &'a str,
    /// The hash by which a stored record is known to be the same: the [digest](super::digest) of its content, then what stands
    /// for the layout.
    pub hash: [u8; HASH_LENGTH],
    rows: &'a [u8],
}

impl<'a> EncodedRow<'a> {
    /// Decodes the output of [`Shredder::encode`]; `None` for other bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (hash, rows) = rest.split_first_chunk::<HASH_LENGTH>()?;
        Some(Self { key: std::str::from_utf8(key).ok()?, hash: *hash, rows })
    }

    /// Passes each row with the index of its table, its positions in the enclosing lists, the outermost first, and its
    /// cells, the extra column first.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn rows<E>(
        &self,
        layout: &Layout,
        depths: &[usize],
        mut each: impl FnMut(usize, &[u32], &[CellValue<'a>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bytes = self.rows;
        let (mut positions, mut cells) = (Vec::new(), Vec::new());
        while let Some((table, rest)) = bytes.split_first_chunk::<2>() {
            let table = usize::from(u16::from_le_bytes(*table));
            bytes = rest;
            positions.clear();
            for _ in 0..depths[table] {
                let Some((position, rest)) = bytes.split_first_chunk::<4>() else { return Ok(()) };
                positions.push(u32::from_le_bytes(*position));
                bytes = rest;
            }
            cells.clear();
            for _ in 0..=layout.tables[table].columns.len() {
                let Some((cell, rest)) = cell(bytes) else { return Ok(()) };
                cells.push(cell);
                bytes = rest;
            }
            each(table, &positions, &cells)?;
        }
        Ok(())
    }
}

fn cell(bytes: &[u8]) -> Option<(CellValue<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    Some(match tag {
        1 => rest.split_first_chunk().map(|(number, rest)| (CellValue::Integer(i64::from_le_bytes(*number)), rest))?,
        2 => rest.split_first_chunk().map(|(number, rest)| (CellValue::Real(f64::from_le_bytes(*number)), rest))?,
        3 => {
            let (length, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (CellValue::Text(text), rest)
        }
        6 => {
            let (length, rest) = rest.split_first_chunk()?;
            let (items, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (CellValue::List(Items(items)), rest)
        }
        4 | 5 => (CellValue::Boolean(*tag == 5), rest),
        _ => (CellValue::Null, rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: (ScalarValue<'_>, bool), expected: &str) {
        let (value, exact) = held;
        let value = match value {
            ScalarValue::Null => "nothing".to_owned(),
            ScalarValue::Integer(number) => number.to_string(),
            ScalarValue::Real(number) => number.to_string(),
            ScalarValue::Text(text) => format!("text {text}"),
            ScalarValue::Boolean(_) | ScalarValue::Json(_) | ScalarValue::List(..) => "something else".to_owned(),
        };
        assert_eq!(format!("{value}{}", if exact { "" } else { ", not exactly" }), expected);
    }

    #[test]
    fn integers() {
        for (text, expected) in [
            ("0", "0"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "nothing, not exactly"),
            ("-0", "0, not exactly"),
            ("1.0", "1, not exactly"),
            ("1e2", "100, not exactly"),
            ("1e400", "nothing, not exactly"),
            ("1.5", "nothing, not exactly"),
        ] {
            check(integer(text), expected);
        }
    }

    #[test]
    fn numbers() {
        for (text, sqlite, postgres) in [
            ("1", "1", "text 1"),
            ("1.5", "1.5", "text 1.5"),
            ("1.0", "1, not exactly", "text 1.0"),
            ("-0", "-0, not exactly", "text -0, not exactly"),
            ("-0.0", "-0, not exactly", "text -0.0, not exactly"),
            ("1e400", "nothing, not exactly", "text 1e400, not exactly"),
            ("1e4000", "nothing, not exactly", "nothing, not exactly"),
            ("12345678901234567890123", "12345678901234568000000, not exactly", "text 12345678901234567890123"),
        ] {
            check(real(text), sqlite);
            check(decimal(text), postgres);
        }
    }

    #[test]
    fn moments() {
        for (text, expected) in [
            ("2024-05-06T07:08:09Z", Some(true)),
            ("2024-05-06T07:08:09.5Z", Some(false)),
            ("2024-05-06T07:08:09+02:00", Some(false)),
            ("2024-05-06T07:08:09.1234567Z", None),
            ("2024-05-06T07:08:60Z", None),
            ("2024-05-06t07:08:09z", None),
            ("2024-02-30T07:08:09Z", None),
            ("2024-05-06T07:08:09+24:00", None),
            ("2024-05-06", None),
            ("é", None),
        ] {
            assert_eq!(timestamp(text).map(|timestamp| timestamp.plain), expected, "{text}");
        }
        let microseconds = |text: &str| timestamp(text).map(|timestamp| timestamp.microseconds);
        assert_eq!(microseconds("1970-01-02T00:00:01.25Z"), Some(86_401_250_000));
        assert_eq!(microseconds("2024-05-06T07:08:09+02:30"), microseconds("2024-05-06T04:38:09Z"));
        assert_eq!(microseconds("1969-12-31T23:00:00-02:00"), Some(3_600_000_000));
        assert!(day("2024-02-29").is_some() && ["2023-02-29", "0000-01-01", "2024-02"].iter().all(|text| day(text).is_none()));
    }
}
