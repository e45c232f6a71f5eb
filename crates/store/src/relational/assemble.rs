//! Restores a record from rows: the inverse of [`super::shred`].
//!
//! Input: the row of a record and those of its lists, each cell as text. Output: the record as JSON on one line, its members in the
//! order of the schema, those that the schema does not name after them. What is in the rest says more exactly what a column
//! says, and goes before it; a column that says something else was edited by hand, and goes before the rest.

use std::borrow::Cow;
use std::ops::Range;

use super::shred::{is_held, microseconds};
use super::{ColumnType, Layout, pointer_to};
use chancery_core::tree::number::{self, Decimal};
use chancery_core::tree::{json_string, pointer};

/// A stored row.
#[derive(Clone, Debug, Default)]
pub struct StoredRow {
    /// Positions in the enclosing lists, the outermost first.
    pub positions: Vec<u32>,
    /// Values without a column.
    pub extra: Option<String>,
    /// The columns of the layout.
    pub cells: Vec<Option<String>>,
    /// The hash of a record, where the place keeps one.
    pub hash: Option<Vec<u8>>,
}

/// What was edited by hand in the rows of a record: JSON pointers inside the record.
pub type Edited = Vec<String>;

/// Assembles records.
#[derive(Debug)]
pub struct Assembler {
    layout: Layout,
    // By table: its columns and lists in the order of the schema.
    parts: Vec<Vec<Part>>,
    // By table: pointers to the values of its columns, and to the list that it is.
    pointers: Vec<Vec<String>>,
    lists: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Column(usize),
    List(usize),
}

// JSON being built.
enum Value {
    Text(String),
    Object(Vec<(String, Value)>),
}

impl Assembler {
    /// One for the tables of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let parts = |number: usize| {
            // The columns represent the record completely; the whole record beside them is for other programs.
            let columns = layout.tables[number].columns.iter().enumerate().filter(|(_, column)| !column.is_whole());
            let columns = columns.map(|(at, column)| (column.order, Part::Column(at)));
            let mut parts: Vec<(usize, Part)> = columns.collect();
            parts.extend(layout.lists(number).map(|(list, _, place)| (place.order, Part::List(list))));
            parts.sort_by_key(|(order, _)| *order);
            parts.into_iter().map(|(_, part)| part).collect()
        };
        let parts = (0..layout.tables.len()).map(parts).collect();
        let pointers = layout.tables.iter().map(|table| table.columns.iter().map(|column| pointer_to(&column.path)).collect()).collect();
        let lists = layout.tables.iter().map(|table| table.list.as_ref().map_or_else(String::new, |list| pointer_to(&list.path))).collect();
        Self { layout, parts, pointers, lists }
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Appends a record as a line of JSON, and says what was edited. `rows` has the rows of each table that belong to it, by
    /// their positions; the first table has the record alone. Where the rows `are_current`, this layout stored them, and an empty
    /// column was emptied by hand if the rest has a value that it would hold.
    pub fn line(&self, rows: &[&[StoredRow]], are_current: bool, out: &mut Vec<u8>) -> Edited {
        let mut edited = Vec::new();
        if let Some(record) = rows.first().and_then(|records| records.first()) {
            self.row(0, record, rows, are_current, "", &mut edited).write(out);
            out.push(b'\n');
        }
        edited
    }

    // The path from a row's object to a column's value or a list, also as a pointer.
    fn path(&self, table: usize, part: Part) -> (&[String], &str) {
        match part {
            Part::Column(at) => (&self.layout.tables[table].columns[at].path, &self.pointers[table][at]),
            Part::List(list) => (self.layout.tables[list].list.as_ref().map_or(&[], |list| &list.path), &self.lists[list]),
        }
    }

    fn row(&self, table: usize, row: &StoredRow, rows: &[&[StoredRow]], are_current: bool, prefix: &str, edited: &mut Edited) -> Value {
        let rest = row.extra.as_deref().map_or_else(Vec::new, entries);
        // Which entries of the rest a column or list has answered for.
        let mut done = vec![false; rest.len()];
        let mut object = Vec::new();
        for part in &self.parts[table] {
            let (path, pointer) = self.path(table, *part);
            let exact = rest.iter().position(|(known, _)| known == pointer);
            let text = match part {
                Part::Column(at) => row.cells[*at].as_ref().map(|cell| shown(self.layout.tables[table].columns[*at].column_type, cell)),
                Part::List(list) => self.list(*list, row, rows, are_current, &format!("{prefix}{pointer}"), edited),
            };
            let text = match (text, exact) {
                (Some(text), Some(at)) => {
                    done[at] = true;
                    let is_float = match part {
                        Part::Column(column) => {
                            let column = &self.layout.tables[table].columns[*column];
                            column.items.unwrap_or(column.column_type) == ColumnType::Number
                        }
                        Part::List(_) => false,
                    };
                    // A column that was migrated has what the narrower one held.
                    let is_float = is_float || !are_current;
                    if is_same(&text, rest[at].1, is_float) {
                        one_line(rest[at].1)
                    } else {
                        edited.push(format!("{prefix}{pointer}"));
                        text
                    }
                }
                (Some(text), None) => text,
                (None, Some(at)) => {
                    done[at] = true;
                    if let Part::Column(column) = part
                        && are_current
                        && is_held(self.layout.tables[table].columns[*column].column_type, rest[at].1)
                    {
                        edited.push(prefix.to_owned());
                        continue;
                    }
                    one_line(rest[at].1)
                }
                (None, None) => continue,
            };
            set(&mut object, &names(path), Value::Text(text));
        }
        for ((pointer, value), _) in rest.iter().zip(done).filter(|(_, done)| !done) {
            let path: Vec<_> = pointer.split('/').skip(1).map(pointer::unescape).collect();
            if path.is_empty() && object.is_empty() {
                return Value::Text(one_line(value));
            }
            // Columns below a value that is in the rest as a whole were empty when it was stored.
            if add(&mut object, &path, value) {
                edited.push(format!("{prefix}{pointer}"));
            }
        }
        Value::Object(object)
    }

    fn list(
        &self,
        list: usize,
        row: &StoredRow,
        rows: &[&[StoredRow]],
        are_current: bool,
        prefix: &str,
        edited: &mut Edited,
    ) -> Option<String> {
        let items = &rows[list][within(rows[list], &row.positions)];
        if items.is_empty() {
            return None;
        }
        let mut text = b"[".to_vec();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            self.row(list, item, rows, are_current, &format!("{prefix}/{index}"), edited).write(&mut text);
        }
        text.push(b']');
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

// Whether a column, as JSON, says the same as a more exact value. Columns of floats hold the nearest one.
fn is_same(column: &str, exact: &str, is_float: bool) -> bool {
    if number::is_number(column) && number::is_number(exact) {
        let float = |text: &str| text.parse::<f64>().ok().filter(|float| float.is_finite() && is_float);
        return Decimal::parse(column) == Decimal::parse(exact)
            || float(column).zip(float(exact)).is_some_and(|(held, exact)| held.total_cmp(&exact).is_eq() && held.to_string() == column);
    }
    if column.starts_with('"') && exact.starts_with('"') {
        let text = |json: &str| serde_json::from_str::<String>(json).ok();
        let (Some(column), Some(exact)) = (text(column), text(exact)) else { return false };
        return column == exact || microseconds(&exact).is_some_and(|timestamp| microseconds(&column) == Some(timestamp));
    }
    if column.starts_with('[') && exact.starts_with('[') {
        let (column, exact) = (items(column), items(exact));
        // An item that a list's type does not take is null there.
        return column.len() == exact.len()
            && column.iter().zip(exact).all(|(column, exact)| *column == "null" || is_same(column, exact, is_float));
    }
    column == exact
}

fn names(path: &[String]) -> Vec<Cow<'_, str>> {
    path.iter().map(|name| Cow::Borrowed(name.as_str())).collect()
}

// The rows whose positions begin with these; rows are in the order of their positions.
fn within(rows: &[StoredRow], positions: &[u32]) -> Range<usize> {
    let start = rows.partition_point(|row| row.positions.as_slice() < positions);
    let length = rows[start..].iter().take_while(|row| row.positions.starts_with(positions)).count();
    start..start + length
}

fn set(object: &mut Vec<(String, Value)>, path: &[Cow<'_, str>], value: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let mut object = object;
    for name in above {
        let at = object.iter().position(|(known, _)| **known == **name).unwrap_or_else(|| {
            object.push((name.to_string(), Value::Object(Vec::new())));
            object.len() - 1
        });
        let Value::Object(inner) = &mut object[at].1 else { return };
        object = inner;
    }
    match object.iter_mut().find(|(known, _)| **known == **last) {
        Some((_, there)) => *there = value,
        None => object.push((last.to_string(), value)),
    }
}

// Adds a value of the rest. Where columns have put something in its place, an object keeps what they say beside its own
// members, and any other value gives way. Says whether columns were in its place.
fn add(object: &mut Vec<(String, Value)>, path: &[Cow<'_, str>], value: &str) -> bool {
    let Some((last, above)) = path.split_last() else {
        for (name, value) in entries(value) {
            if !object.iter().any(|(known, _)| *known == name) {
                object.push((name, Value::Text(one_line(value))));
            }
        }
        return true;
    };
    let mut object = object;
    for name in above {
        let at = object.iter().position(|(known, _)| **known == **name).unwrap_or_else(|| {
            object.push((name.to_string(), Value::Object(Vec::new())));
            object.len() - 1
        });
        let Value::Object(inner) = &mut object[at].1 else { return true };
        object = inner;
    }
    match object.iter_mut().find(|(known, _)| **known == **last) {
        Some((_, Value::Object(inner))) => {
            add(inner, &[], value);
            true
        }
        Some((_, Value::Text(_))) => true,
        None => {
            object.push((last.to_string(), Value::Text(one_line(value))));
            false
        }
    }
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    json_string(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

// A cell as JSON. A database that lets any column hold anything may have something else than its type in it, which is text.
fn shown(column_type: ColumnType, cell: &str) -> String {
    match (column_type, cell) {
        (ColumnType::Boolean, "1" | "t" | "true") => return "true".to_owned(),
        (ColumnType::Boolean, "0" | "f" | "false") => return "false".to_owned(),
        (ColumnType::Integer | ColumnType::Number | ColumnType::Boolean, cell) if number::is_number(cell) => return cell.to_owned(),
        (ColumnType::Json, cell) if serde_json::from_str::<serde::de::IgnoredAny>(cell).is_ok() => return one_line(cell),
        _ => {}
    }
    let mut text = Vec::with_capacity(cell.len() + 2);
    json_string(cell, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

// JSON that other programs wrote on several lines; line ends in strings are escaped.
fn one_line(json: &str) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}

// The members of a JSON object whose names are pointers, with the text of each value. Other text returns the members
// before the first error.
pub(super) fn entries(text: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    let skip = |at: &mut usize, what: &[u8]| {
        while bytes.get(*at).is_some_and(|byte| what.contains(byte)) {
            *at += 1;
        }
    };
    skip(&mut at, b" \t\r\n{");
    while bytes.get(at) == Some(&b'"') {
        let start = at;
        string(bytes, &mut at);
        let Some(name) = text.get(start..at).and_then(|name| serde_json::from_str::<String>(name).ok()) else { break };
        skip(&mut at, b" \t\r\n");
        if bytes.get(at) != Some(&b':') {
            break;
        }
        at += 1;
        skip(&mut at, b" \t\r\n");
        let start = at;
        value(bytes, &mut at);
        found.push((name, text[start..at].trim()));
        skip(&mut at, b" \t\r\n,");
    }
    found
}

// The text of each item of a JSON array.
fn items(text: &str) -> Vec<&str> {
    let inner = text.trim().strip_prefix('[').unwrap_or(text);
    let inner = inner.strip_suffix(']').unwrap_or(inner);
    let bytes = inner.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    loop {
        let start = at;
        value(bytes, &mut at);
        found.push(inner[start..at].trim());
        if at >= bytes.len() {
            break;
        }
        at += 1;
    }
    if found == [""] { Vec::new() } else { found }
}

// Moves to the comma or bracket after a value, or to the end.
fn value(bytes: &[u8], at: &mut usize) {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(*at) {
        match byte {
            b'"' => {
                string(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b',' | b']' | b'}' if depth == 0 => return,
            _ => {}
        }
        *at += 1;
    }
}

// Moves behind a string, which damaged text may not close.
fn string(bytes: &[u8], at: &mut usize) {
    *at += 1;
    while let Some(byte) = bytes.get(*at) {
        *at += 1;
        match byte {
            b'\\' if *at < bytes.len() => *at += 1,
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_taken_apart() {
        let text = r#"{"/a": 1.0,"/b~1c":{"x":["}",{"y":"\"]"}]} , "/d":null}"#;
        let found = entries(text);
        let shown: Vec<String> = found.iter().map(|(pointer, value)| format!("{pointer} {value}")).collect();
        assert_eq!(shown, ["/a 1.0", r#"/b~1c {"x":["}",{"y":"\"]"}]}"#, "/d null"]);
        assert!(entries("").is_empty() && entries("[1]").is_empty());
    }

    #[test]
    fn damaged_text_is_read_to_its_end() {
        let whole = r#"{"/a":"x\\é","/b":[1,"]\"",{}]}"#;
        for length in (0..=whole.len()).filter(|length| whole.is_char_boundary(*length)) {
            let found = entries(&whole[..length]);
            assert!(found.len() <= 2);
            found.iter().for_each(|(_, value)| assert!(items(value).len() <= 3, "{value}"));
        }
        assert_eq!(items(r#"[1,"]\"",{"x":[2,3]}]"#), ["1", r#""]\"""#, r#"{"x":[2,3]}"#]);
        assert!(items("[]").is_empty());
        assert_eq!(items(r#"["\"#), [r#""\"#]);
    }
}
