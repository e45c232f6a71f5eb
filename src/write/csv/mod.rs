//! Writes CSV and TSV: `wide`, one table whose columns are paths; or a `package`, one table for each list of objects.
//!
//! In: one record. Out: its rows, each cell under the name of its column. Which columns a table has is known when the last
//! record is; until then rows wait in a spool ([`spool`]). Each cell is chosen by asking how it would be read; what a path
//! or a cell cannot say stands as JSON text in a column of its own, so nothing has to be refused.

mod package;
mod spool;

use std::sync::Arc;

use self::spool::Row;
use super::{Assembler, Options, Writer, json};
use crate::check::Accepted;
use crate::diagnostic::Notes;
use crate::layout::cell::{self, Reading};
use crate::layout::column::{self, Step};
use crate::schema::Shape;
use crate::schema::shape::{Part, Types};
use crate::tree::{Kind, Node};

/// How tables are laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// One table, or one for each list.
    pub tables: Tables,
    /// What stands between cells.
    pub delimiter: u8,
    /// Whether text that a spreadsheet would run as a formula gets a mark, which reading takes off.
    pub spreadsheet_safe: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { tables: Tables::Wide, delimiter: b',', spreadsheet_safe: false }
    }
}

/// One table, or one for each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tables {
    /// One table; items of lists have columns of their own.
    #[default]
    Wide,
    /// One table for the records and one for each list of objects, in a folder with a `datapackage.json`.
    Package,
}

/// CSV or TSV, as the layout's delimiter says.
pub struct Csv {
    shape: Arc<Shape>,
    name: String,
    layout: Layout,
}

impl Csv {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { shape: Arc::clone(&options.shape), name: options.name.clone(), layout: options.csv.clone() }
    }
}

impl Writer for Csv {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _notes: &mut dyn Notes) {
        let mut flat = Flat { layout: &self.layout, rows: Vec::new(), path: Vec::new(), lists: Vec::new() };
        flat.row(record.node(), self.shape.root(), Row::default());
        for row in &flat.rows {
            row.encode(out);
        }
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(spool::Spool::new(&self.shape, &self.name, &self.layout))
    }
}

/// A record as rows.
struct Flat<'a, 't> {
    layout: &'a Layout,
    rows: Vec<Row>,
    path: Vec<Step>,
    // Lists of the row at hand that stand in tables of their own.
    lists: Vec<(String, Node<'t>, Part<'a>)>,
}

impl<'a, 't> Flat<'a, 't> {
    // Adds the row of one object, then those of its lists, so that rows of every table stand in the order of their parents.
    fn row(&mut self, node: Node<'t>, part: Part<'a>, mut row: Row) {
        let is_record = row.table.is_empty();
        if node.kind() != Kind::Object || (node.is_empty() && is_record) || !node.duplicates().is_empty() {
            row.cells.push((column::RECORD.to_owned(), self.json(node)));
            self.rows.push(row);
            return;
        }
        let outer = std::mem::take(&mut self.lists);
        let path = std::mem::take(&mut self.path);
        for member in node.members() {
            self.member(member.key.text(), member.value, part, &mut row);
        }
        self.path = path;
        let lists = std::mem::replace(&mut self.lists, outer);
        let parent = self.rows.len() as u32;
        let table = row.table.clone();
        self.rows.push(row);
        for (column, list, part) in lists {
            for (position, item) in list.items().enumerate() {
                let mut path = table.clone();
                path.push(column.clone());
                self.row(item, part, Row { table: path, parent, position: position as u32, cells: Vec::new() });
            }
        }
    }

    fn member(&mut self, name: &str, value: Node<'t>, part: Part<'a>, row: &mut Row) {
        let step = Step::Name(name.to_owned());
        let part = column::step_into(part, &step);
        self.path.push(step);
        self.value(value, part, row);
        self.path.pop();
    }

    fn value(&mut self, node: Node<'t>, part: Part<'a>, row: &mut Row) {
        let fits = match node.kind() {
            _ if node.is_empty() => false,
            Kind::Object => node.duplicates().is_empty() && !node.members().any(|m| column::is_doubtful(m.key.text(), part, false)),
            // Lists in lists would be columns by the square.
            Kind::Array => column::is_list(part, false) && !node.items().any(|item| item.kind() == Kind::Array),
            _ => false,
        };
        if !fits {
            return self.cell(node, part.types(), row);
        }
        if node.kind() == Kind::Object {
            for member in node.members() {
                self.member(member.key.text(), member.value, part, row);
            }
        } else if self.is_table(node) {
            self.lists.push((column::name(&self.path, false, false), node, part.item(0)));
        } else {
            for (index, item) in node.items().enumerate() {
                self.path.push(Step::Index(index));
                self.value(item, part.item(index), row);
                self.path.pop();
            }
        }
    }

    // Whether a list stands in a table of its own: it is one of objects, and not itself below an item.
    fn is_table(&self, list: Node<'_>) -> bool {
        self.layout.tables == Tables::Package
            && !self.path.iter().any(|step| matches!(step, Step::Index(_)))
            && list.items().all(|item| item.kind() == Kind::Object)
    }

    fn cell(&self, node: Node<'_>, types: Types, row: &mut Row) {
        let (json, cell) = self.plain(node, types).map_or_else(|| (true, self.json(node)), |cell| (false, cell));
        row.cells.push((column::name(&self.path, json, false), cell));
    }

    // The cell that is read as this value, if there is one.
    fn plain(&self, node: Node<'_>, types: Types) -> Option<String> {
        let delimiter = self.layout.delimiter;
        let text = match node.kind() {
            Kind::Array if node.is_empty() => "[]",
            Kind::Object if node.is_empty() => "{}",
            Kind::Array | Kind::Object => return None,
            _ => node.text(),
        };
        if node.kind() == Kind::String && self.layout.spreadsheet_safe && cell::needs_guard(text) {
            return Some(written(&format!("{}{text}", cell::GUARD), delimiter));
        }
        let expected = match node.kind() {
            Kind::Array | Kind::Object => Reading::Json,
            kind => Reading::Scalar(kind, text),
        };
        if !cell::needs_quotes(text, delimiter) && cell::read(types, text, false) == expected {
            return Some(text.to_owned());
        }
        (cell::read(types, text, true) == expected).then(|| {
            let mut quoted = String::with_capacity(text.len() + 2);
            cell::quote(text, &mut quoted);
            quoted
        })
    }

    fn json(&self, node: Node<'_>) -> String {
        let mut text = Vec::new();
        json::compact(node, &mut text);
        written(&String::from_utf8_lossy(&text), self.layout.delimiter)
    }
}

// A text as a cell, in quotes where it needs them.
fn written(text: &str, delimiter: u8) -> String {
    let mut cell = String::with_capacity(text.len() + 2);
    if cell::needs_quotes(text, delimiter) {
        cell::quote(text, &mut cell);
    } else {
        cell.push_str(text);
    }
    cell
}
