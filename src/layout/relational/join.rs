//! Rows as a record again: the inverse of [`super::rows`].
//!
//! In: the row of a record and those of its lists, each cell as text. Out: the record as JSON on one line, its members in the
//! order of the schema, those that the schema does not name behind them. What stands in the rest goes before the columns.

use std::borrow::Cow;
use std::ops::Range;

use super::{Holds, Layout, pointer_to};
use crate::tree::{json_string, pointer};

/// A row as it was stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Positions in the lists it lies in, the outermost first.
    pub positions: Vec<u32>,
    /// What the columns cannot say.
    pub rest: Option<String>,
    /// The columns of the layout.
    pub cells: Vec<Option<String>>,
}

/// Puts records together.
#[derive(Debug)]
pub struct Joiner {
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

// JSON in the making.
enum Value {
    Text(String),
    Object(Vec<(String, Value)>),
}

impl Joiner {
    /// One for the tables of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let parts = |number: usize| {
            // The columns say all of a record; the whole of it beside them is for others.
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

    /// Appends a record as a line of JSON. `rows` has the rows of each table that belong to it, by their positions; the first
    /// table has the record alone.
    pub fn line(&self, rows: &[&[Stored]], out: &mut Vec<u8>) {
        if let Some(record) = rows.first().and_then(|records| records.first()) {
            self.row(0, record, rows).write(out);
            out.push(b'\n');
        }
    }

    // The way from a row's object to a column's value or a list, also as a pointer.
    fn path(&self, table: usize, part: Part) -> (&[String], &str) {
        match part {
            Part::Column(at) => (&self.layout.tables[table].columns[at].path, &self.pointers[table][at]),
            Part::List(list) => (self.layout.tables[list].list.as_ref().map_or(&[], |list| &list.path), &self.lists[list]),
        }
    }

    fn row(&self, table: usize, row: &Stored, rows: &[&[Stored]]) -> Value {
        let rest = row.rest.as_deref().map_or_else(Vec::new, entries);
        if let Some((_, whole)) = rest.iter().find(|(pointer, _)| pointer.is_empty()) {
            return Value::Text(one_line(whole));
        }
        let mut object = Vec::new();
        for part in &self.parts[table] {
            let (path, pointer) = self.path(table, *part);
            if let Some((_, value)) = rest.iter().find(|(told, _)| told == pointer) {
                set(&mut object, &names(path), Value::Text(one_line(value)));
                continue;
            }
            let text = match part {
                Part::Column(at) => {
                    let Some(cell) = &row.cells[*at] else { continue };
                    shown(self.layout.tables[table].columns[*at].holds, cell)
                }
                Part::List(list) => {
                    let items = &rows[*list][within(rows[*list], &row.positions)];
                    if items.is_empty() {
                        continue;
                    }
                    let mut text = b"[".to_vec();
                    for (index, item) in items.iter().enumerate() {
                        if index > 0 {
                            text.push(b',');
                        }
                        self.row(*list, item, rows).write(&mut text);
                    }
                    text.push(b']');
                    String::from_utf8_lossy(&text).into_owned()
                }
            };
            set(&mut object, &names(path), Value::Text(text));
        }
        for (pointer, value) in &rest {
            let path: Vec<_> = pointer.split('/').skip(1).map(pointer::unescape).collect();
            set(&mut object, &path, Value::Text(one_line(value)));
        }
        Value::Object(object)
    }
}

fn names(path: &[String]) -> Vec<Cow<'_, str>> {
    path.iter().map(|name| Cow::Borrowed(name.as_str())).collect()
}

// The rows whose positions begin with these; rows stand in the order of their positions.
fn within(rows: &[Stored], positions: &[u32]) -> Range<usize> {
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

// A cell as JSON.
fn shown(holds: Holds, cell: &str) -> String {
    match holds {
        Holds::Integer | Holds::Number => cell.to_owned(),
        Holds::Boolean => if matches!(cell, "1" | "t" | "true") { "true" } else { "false" }.to_owned(),
        Holds::Json => one_line(cell),
        Holds::Text | Holds::Date | Holds::Timestamp => {
            let mut text = Vec::with_capacity(cell.len() + 2);
            json_string(cell, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

// JSON that was laid out over several lines by others; inside of strings line ends are escaped.
fn one_line(json: &str) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}

// The members of a JSON object whose names are pointers, with the text of each value. What is no such object gives none
// beyond the first fault.
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
        let mut depth = 0_usize;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    string(bytes, &mut at);
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b',' | b'}' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        found.push((name, text[start..at].trim()));
        skip(&mut at, b" \t\r\n,");
    }
    found
}

fn string(bytes: &[u8], at: &mut usize) {
    *at += 1;
    while let Some(byte) = bytes.get(*at) {
        *at += 1;
        match byte {
            b'\\' => *at += 1,
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
}
