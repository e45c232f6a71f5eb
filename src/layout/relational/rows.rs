//! A record as rows: what stands in which column, and what stays for the rest.
//!
//! In: a record. Out: its key, a hash of its content and its rows, as bytes that [`Encoded`] gives back, so that any thread
//! can take records apart and another one put the rows into a database. A value goes into its column only as far as the column
//! says it truly; whatever would not come back to the last byte stands in the rest too.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{Column, Holds, Layout, pointer_to};
use crate::lexicon::date::{self, PartialDate};
use crate::tree::{Kind, Node, json, json_string, key, key_hash, number};

/// A kind of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// That of SQLite.
    Sqlite,
    /// That of PostgreSQL.
    Postgres,
}

/// What columns take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Numbers are integers or floats of 64 bits; dates and moments are text. No text with U+0000.
    Sqlite,
    /// Numbers of any length; dates are days since 1970, moments microseconds. No text with U+0000.
    Postgres,
    /// Numbers are integers or floats of 64 bits; dates and moments as in PostgreSQL; lists of scalars.
    Arrow,
}

impl From<Dialect> for Takes {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Self::Sqlite,
            Dialect::Postgres => Self::Postgres,
        }
    }
}

/// A value in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: the value is missing, or stands in the rest.
    Null,
    /// An integer.
    Integer(i64),
    /// A number of 64 bits.
    Real(f64),
    /// True or false.
    Boolean(bool),
    /// Text, or what the database reads from text, in UTF-8.
    Text(&'a [u8]),
    /// The items of a list, none of them a list itself; only where columns take lists.
    List(Items<'a>),
}

/// The items of a list in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    /// The items in order.
    pub fn cells(self) -> impl Iterator<Item = Cell<'a>> {
        let mut bytes = self.0;
        std::iter::from_fn(move || {
            let (next, rest) = cell(bytes)?;
            bytes = rest;
            Some(next)
        })
    }
}

/// A text that is longer, or that does not print, is known by its hash.
const LONGEST_KEY: usize = 200;

/// Takes records apart.
#[derive(Debug)]
pub struct Splitter {
    key: Vec<String>,
    takes: Takes,
    // By table.
    levels: Vec<Level>,
    columns: Vec<Vec<(Holds, Option<Holds>)>>,
    // The column of the whole record, in the first table.
    whole: Option<usize>,
    // So that records are written anew when the layout changes.
    salt: [u8; 32],
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

    // Records mostly come in the order of the schema, so the search begins behind the member found last.
    fn find(&self, hash: u32, name: &str, from: &mut usize) -> Option<&Slot> {
        let is = |(known, text, _): &&(u32, Box<str>, Slot)| *known == hash && **text == *name;
        let at = (*from..self.members.len()).chain(0..*from).find(|at| is(&&self.members[*at]))?;
        *from = at + 1;
        Some(&self.members[at].2)
    }
}

impl Splitter {
    /// One for the tables of `layout`.
    #[must_use]
    pub fn new(layout: &Layout, takes: impl Into<Takes>) -> Self {
        let takes = takes.into();
        let mut levels: Vec<Level> = layout.tables.iter().map(|_| Level::default()).collect();
        for (number, table) in layout.tables.iter().enumerate() {
            for (at, column) in table.columns.iter().enumerate() {
                levels[number].add(&column.path, Slot::Column(at));
            }
            if let Some(list) = &table.list {
                levels[list.of].add(&list.path, Slot::List(number));
            }
        }
        // What comments and names say does not change what is stored.
        let mut salt = Sha256::new();
        salt.update([takes as u8]);
        for (number, table) in layout.tables.iter().enumerate() {
            salt.update(layout.path(number));
            for column in &table.columns {
                salt.update([0, column.holds as u8]);
                salt.update(pointer_to(&column.path));
            }
        }
        let holds = |column: &Column| (column.holds, column.items.filter(|_| takes == Takes::Arrow));
        let columns = layout.tables.iter().map(|table| table.columns.iter().map(holds).collect()).collect();
        let whole = layout.tables.first().and_then(|table| table.columns.iter().position(Column::is_whole));
        Self { key: layout.key.clone(), takes, levels, columns, whole, salt: salt.finalize().into() }
    }

    /// Appends a record as bytes for [`Encoded`].
    pub fn encode(&self, record: Node<'_>, out: &mut Vec<u8>) {
        // Without a key a record is known by its content, however that is laid out.
        let key = self.key(record).unwrap_or_else(|| {
            let mut text = Vec::new();
            json(record, &mut text);
            format!("#{}", hex(&Sha256::digest(&text)[..16]))
        });
        out.extend_from_slice(&(key.len() as u16).to_le_bytes());
        out.extend_from_slice(key.as_bytes());
        let hash = out.len();
        out.extend_from_slice(&[0; 16]);
        self.row(0, record, &mut Desk::default(), out);
        // The rows say all of the record, so they stand for its content.
        let sum = Sha256::new().chain_update(self.salt).chain_update(&out[hash + 16..]).finalize();
        out[hash..hash + 16].copy_from_slice(&sum[..16]);
    }

    // The text by which a record is known again. A plain key never begins with `#`, which marks all others.
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
        Some(if plain { text } else { format!("#key {}", hex(&Sha256::digest(&text)[..16])) })
    }

    // Lists of this row and of those below it stand one behind the other in `desk`, so that nothing is allocated for a row.
    fn row<'t>(&self, table: usize, node: Node<'t>, desk: &mut Desk<'t>, out: &mut Vec<u8>) {
        let (cells, rest, lists) = (desk.cells.len(), desk.rest.len(), desk.lists.len());
        desk.cells.resize(cells + self.columns[table].len(), Value::Null);
        let mut row = Row { splitter: self, table, first: cells, desk };
        if table == 0 {
            row.object(&self.levels[table], node);
        } else {
            // What has a member twice is no item of such a list.
            row.members(&self.levels[table], node);
        }
        if let Some(whole) = self.whole.filter(|_| table == 0) {
            desk.cells[cells + whole] = Value::Json(node);
        }
        out.extend_from_slice(&(table as u16).to_le_bytes());
        desk.positions.iter().for_each(|position| out.extend_from_slice(&position.to_le_bytes()));
        write_rest(&desk.rest[rest..], out);
        desk.cells[cells..].iter().for_each(|cell| cell.write(out));
        desk.cells.truncate(cells);
        desk.rest.truncate(rest);
        // Each row stands behind the one that it belongs to.
        for at in lists..desk.lists.len() {
            let (table, list) = desk.lists[at];
            for (position, item) in list.items().enumerate() {
                desk.positions.push(position as u32);
                self.row(table, item, desk, out);
                desk.positions.pop();
            }
        }
        desk.lists.truncate(lists);
    }
}

// What rows are made on.
#[derive(Default)]
struct Desk<'t> {
    path: Vec<&'t str>,
    positions: Vec<u32>,
    cells: Vec<Value<'t>>,
    rest: Vec<(String, Node<'t>)>,
    lists: Vec<(usize, Node<'t>)>,
}

#[derive(Clone, Copy)]
enum Value<'t> {
    Null,
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Text(&'t str),
    Json(Node<'t>),
    List(Node<'t>, Holds, Takes),
}

impl Value<'_> {
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
            Self::List(node, items, takes) => {
                measured(6, out, |out| node.items().for_each(|item| fit(items, item, takes).0.write(out)));
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

fn write_rest(rest: &[(String, Node<'_>)], out: &mut Vec<u8>) {
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

// One row in the making.
struct Row<'a, 't> {
    splitter: &'a Splitter,
    table: usize,
    // Where its cells begin.
    first: usize,
    desk: &'a mut Desk<'t>,
}

impl<'t> Row<'_, 't> {
    fn object(&mut self, level: &Level, node: Node<'t>) {
        // What has a member twice has no columns for both; and what is empty would be taken for missing, but for a row.
        if node.kind() != Kind::Object || (node.is_empty() && !self.desk.path.is_empty()) || node.has_duplicates() {
            return self.keep(node);
        }
        self.members(level, node);
    }

    fn members(&mut self, level: &Level, node: Node<'t>) {
        let mut from = 0;
        for member in node.members() {
            let (name, value) = (member.key.text(), member.value);
            self.desk.path.push(name);
            match level.find(member.hash(), name, &mut from) {
                Some(Slot::Column(at)) => self.column(*at, value),
                Some(Slot::Nested(level)) => self.object(level, value),
                Some(Slot::List(table)) if is_list(value) => self.desk.lists.push((*table, value)),
                Some(Slot::List(_)) | None => self.keep(value),
            }
            self.desk.path.pop();
        }
    }

    fn column(&mut self, at: usize, node: Node<'t>) {
        let takes = self.splitter.takes;
        let (value, exact) = match self.splitter.columns[self.table][at] {
            (_, Some(items)) => list(items, node, takes),
            (holds, None) => fit(holds, node, takes),
        };
        self.desk.cells[self.first + at] = value;
        if !exact {
            self.keep(node);
        }
    }

    // Puts a value into the rest.
    fn keep(&mut self, node: Node<'t>) {
        let pointer = pointer_to(&self.desk.path);
        self.desk.rest.push((pointer, node));
    }
}

fn is_list(node: Node<'_>) -> bool {
    node.kind() == Kind::Array && !node.is_empty() && node.items().all(|item| item.kind() == Kind::Object && !item.has_duplicates())
}

// What a column of lists holds of a value: each item as nearly as it can.
fn list(items: Holds, node: Node<'_>, takes: Takes) -> (Value<'_>, bool) {
    if node.kind() != Kind::Array {
        return (Value::Null, false);
    }
    let exact = node.items().all(|item| item.kind() == Kind::Null || fit(items, item, takes).1);
    (Value::List(node, items, takes), exact)
}

// What a column holds of a value, and whether that says all of it.
fn fit(holds: Holds, node: Node<'_>, takes: Takes) -> (Value<'_>, bool) {
    let nothing = (Value::Null, false);
    let text = node.text();
    match (holds, node.kind()) {
        (Holds::Json, _) => (Value::Json(node), true),
        (Holds::Boolean, Kind::Bool) => (Value::Boolean(text == "true"), true),
        (Holds::Integer, Kind::Number) => integer(text),
        (Holds::Number, Kind::Number) => match takes {
            Takes::Sqlite | Takes::Arrow => real(text),
            Takes::Postgres => decimal(text),
        },
        // SQLite's own functions stop at U+0000, and PostgreSQL has no place for it.
        (Holds::Text | Holds::Date | Holds::Timestamp, Kind::String) if takes != Takes::Arrow && text.contains('\0') => nothing,
        (Holds::Date, Kind::String) if takes != Takes::Sqlite => day(text).map_or(nothing, |day| (Value::Integer(day), true)),
        (Holds::Timestamp, Kind::String) if takes != Takes::Sqlite => {
            moment(text).map_or(nothing, |moment| (Value::Integer(moment.microseconds), moment.plain))
        }
        (Holds::Text | Holds::Date | Holds::Timestamp, Kind::String) => (Value::Text(text), true),
        _ => nothing,
    }
}

fn integer(text: &str) -> (Value<'_>, bool) {
    if let Ok(number) = text.parse::<i64>() {
        return (Value::Integer(number), text != "-0");
    }
    // `1.0` and `1e2` are integers to a schema; the notation stands in the rest.
    let float = text.parse::<f64>().ok().filter(|float| float.abs() < 9e15 && number::is_integer(text));
    (float.map_or(Value::Null, |float| Value::Integer(float as i64)), false)
}

fn real(text: &str) -> (Value<'_>, bool) {
    match text.parse::<f64>() {
        // The digits that lead back to a float are those that it prints, without an exponent.
        Ok(float) if float.is_finite() => {
            let exact = (text.len() <= 15 && !text.starts_with("-0") && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
                || (float != 0.0 && text.len() <= 400 && float.to_string() == text);
            (Value::Real(float), exact)
        }
        _ => (Value::Null, false),
    }
}

fn decimal(text: &str) -> (Value<'_>, bool) {
    const MOST_DIGITS: usize = 1000;
    let (digits, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(digits, exponent)| (digits, Some(exponent)));
    let held = text.len() <= MOST_DIGITS && exponent.is_none_or(|exponent| exponent.parse::<i32>().is_ok_and(|size| size.abs() < 1000));
    let negative_zero = digits.starts_with('-') && digits.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    (if held { Value::Text(text) } else { Value::Null }, held && exponent.is_none() && !negative_zero)
}

// The number of a day that the calendar has.
fn day(text: &str) -> Option<i64> {
    let date = PartialDate::parse(text).filter(|date| text.len() == 10 && (1..=9999).contains(&date.year) && date.exists())?;
    Some(date::number(date.year, date.month?, date.day?))
}

// A moment that columns hold exactly.
struct Moment {
    // Since the beginning of 1970 in UTC.
    microseconds: i64,
    // Whether it is written as a column gives it back.
    plain: bool,
}

fn moment(text: &str) -> Option<Moment> {
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
    Some(Moment { microseconds: (seconds - minutes * 60) * 1_000_000 + part, plain: fraction.is_empty() && zone == "Z" })
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record that was taken apart.
pub struct Encoded<'a> {
    /// The text by which the record is known again; one that begins with `#` stands for what has no short key.
    pub key: &'a str,
    /// The hash of its content.
    pub hash: [u8; 16],
    rows: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// What [`Splitter::encode`] made; `None` for other bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (hash, rows) = rest.split_first_chunk::<16>()?;
        Some(Self { key: std::str::from_utf8(key).ok()?, hash: *hash, rows })
    }

    /// Hands over each row with the number of its table, its positions in the lists it lies in, the outermost first, and its
    /// cells, the rest before all others.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn rows<E>(
        &self,
        layout: &Layout,
        depths: &[usize],
        mut each: impl FnMut(usize, &[u32], &[Cell<'a>]) -> Result<(), E>,
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

fn cell(bytes: &[u8]) -> Option<(Cell<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    Some(match tag {
        1 => rest.split_first_chunk().map(|(number, rest)| (Cell::Integer(i64::from_le_bytes(*number)), rest))?,
        2 => rest.split_first_chunk().map(|(number, rest)| (Cell::Real(f64::from_le_bytes(*number)), rest))?,
        3 => {
            let (length, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (Cell::Text(text), rest)
        }
        6 => {
            let (length, rest) = rest.split_first_chunk()?;
            let (items, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (Cell::List(Items(items)), rest)
        }
        4 | 5 => (Cell::Boolean(*tag == 5), rest),
        _ => (Cell::Null, rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: (Value<'_>, bool), expected: &str) {
        let (value, exact) = held;
        let value = match value {
            Value::Null => "nothing".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => format!("text {text}"),
            Value::Boolean(_) | Value::Json(_) | Value::List(..) => "something else".to_owned(),
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
            assert_eq!(moment(text).map(|moment| moment.plain), expected, "{text}");
        }
        let microseconds = |text: &str| moment(text).map(|moment| moment.microseconds);
        assert_eq!(microseconds("1970-01-02T00:00:01.25Z"), Some(86_401_250_000));
        assert_eq!(microseconds("2024-05-06T07:08:09+02:30"), microseconds("2024-05-06T04:38:09Z"));
        assert_eq!(microseconds("1969-12-31T23:00:00-02:00"), Some(3_600_000_000));
        assert!(day("2024-02-29").is_some() && ["2023-02-29", "0000-01-01", "2024-02"].iter().all(|text| day(text).is_none()));
    }
}
