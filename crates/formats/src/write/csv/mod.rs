//! Writes CSV and TSV: `wide`, one table whose columns are paths; or a `package`, one table for each list of objects.
//!
//! Input: one record. Output: its rows, with each cell under the name of its column. The columns of a table are known only after the
//! last record; until then rows wait in a spool ([`spool`]). The notation of each cell is chosen by checking how it would be read; what a
//! path or a cell cannot express is JSON text in a column of its own, so nothing has to be rejected.

mod package;
mod spool;

use std::io;
use std::sync::Arc;

use super::{Files, Options, OutputWriter, Writer, json};
use crate::layout::cell::{self, Reading};
use crate::layout::column;
use crate::layout::header::Header;
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_core::tree::{Kind, Node, pointer};
use chancery_schema::Shape;
use chancery_schema::shape::{Part, Types};
use spool::TableSpool;

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
    /// One table for the records and one for each list of objects, in a directory with a `datapackage.json`.
    Package,
}

/// CSV or TSV, as the layout's delimiter says.
pub struct Csv {
    shape: Arc<Shape>,
    name: String,
    layout: Layout,
    // Whether a declared name could be taken for a path, so that each row has to be looked at.
    has_names_like_paths: bool,
}

impl Csv {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let has_names_like_paths = options.shape.declares_name(|name| name.starts_with('/'));
        Self { shape: Arc::clone(&options.shape), name: options.name.clone(), layout: options.csv.clone(), has_names_like_paths }
    }
}

impl Writer for Csv {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        self.rows(record, None, out);
    }

    fn encode_row(&self, record: Accepted<'_>, header: &Header, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        let is_alike = header.is_package() == (self.layout.tables == Tables::Package);
        self.rows(record, is_alike.then_some(header), out);
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        let spool = TableSpool::new(&self.shape, &self.layout);
        Box::new(CsvOutput { spool, name: self.name.clone(), layout: self.layout.clone() })
    }
}

// The tables, which are written after the last record.
struct CsvOutput {
    spool: TableSpool,
    name: String,
    layout: Layout,
}

impl OutputWriter for CsvOutput {
    fn header(&mut self, header: &Header) {
        self.spool.header(header);
    }

    fn record(&mut self, encoded: &[u8], _files: &mut dyn Files) -> io::Result<()> {
        self.spool.record(encoded)
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        if self.layout.tables == Tables::Wide {
            return self.spool.write(0, files.main()?);
        }
        self.spool.sort_tables();
        let description = package::describe(&self.spool, &self.name, &self.layout);
        for (table, name) in package::file_names(&self.spool, &self.name, &self.layout).iter().enumerate() {
            self.spool.write(table, files.named(name)?)?;
        }
        files.named("datapackage.json")?.write_all(description.as_bytes())
    }
}

impl Csv {
    fn rows(&self, record: Accepted<'_>, header: Option<&Header>, out: &mut Vec<u8>) {
        let mut flat = Flat {
            layout: &self.layout,
            has_names_like_paths: self.has_names_like_paths,
            header,
            is_root: true,
            out,
            rows: 0,
            pointer: String::new(),
            items: 0,
            lists: Vec::new(),
            text: String::new(),
        };
        flat.row(record.node(), self.shape.root(), &[], 0, 0);
    }
}

/// A record as rows, which go where they are wanted as they come; nothing is allocated for a cell.
struct Flat<'a, 't> {
    layout: &'a Layout,
    has_names_like_paths: bool,
    // The header of the table that the record comes from, where it was laid out like this one.
    header: Option<&'a Header>,
    // Whether the row current is that of the record.
    is_root: bool,
    out: &'a mut Vec<u8>,
    // How many rows the record has so far.
    rows: u32,
    // JSON pointer from the row to the value current, and how many of its steps lead to items.
    pointer: String,
    items: usize,
    // Lists of the row current that are in tables of their own.
    lists: Vec<(String, Node<'t>, Part<'a>)>,
    // Room for a text in the making.
    text: String,
}

// How a value is in its cell.
enum Form {
    Bare,
    Quoted,
    Guarded,
    Json,
}

impl<'a, 't> Flat<'a, 't> {
    // Adds the row of one object, then those of its lists, so that rows of every table are in the order of their parents.
    fn row(&mut self, node: Node<'t>, part: Part<'a>, table: &[String], parent: u32, position: u32) {
        let number = self.rows;
        self.is_root = table.is_empty();
        self.rows += 1;
        let cells = spool::begin_row(self.out, table, parent, position);
        let is_blank = node.is_empty() && table.is_empty() && !self.header.is_some_and(Header::keeps_empty_rows);
        if node.kind() != Kind::Object || is_blank || node.has_duplicates() {
            spool::text(self.out, |out| out.extend_from_slice(column::RECORD.as_bytes()));
            self.json(node);
            return spool::end_row(self.out, cells);
        }
        let outer = std::mem::take(&mut self.lists);
        let path = (std::mem::take(&mut self.pointer), std::mem::take(&mut self.items));
        for member in node.members() {
            self.member(member.key.text(), member.value, part);
        }
        (self.pointer, self.items) = path;
        if self.has_names_like_paths && !self.all_have_names(cells, part) {
            self.out.truncate(cells);
            self.lists = outer;
            spool::text(self.out, |out| out.extend_from_slice(column::RECORD.as_bytes()));
            self.json(node);
            return spool::end_row(self.out, cells);
        }
        spool::end_row(self.out, cells);
        for (column, list, part) in std::mem::replace(&mut self.lists, outer) {
            let path: Vec<String> = table.iter().cloned().chain([column]).collect();
            for (position, item) in list.items().enumerate() {
                self.row(item, part, &path, number, position as u32);
            }
        }
    }

    // Whether the columns of the row whose cells begin there, and those of its lists, have headers that are read as these.
    fn all_have_names(&self, cells: usize, row: Part<'_>) -> bool {
        self.lists.iter().all(|(list, ..)| column::has_name(list, row))
            && spool::columns(&self.out[cells..]).all(|name| column::has_name(&String::from_utf8_lossy(name), row))
    }

    fn member(&mut self, name: &str, value: Node<'t>, part: Part<'a>) {
        let length = self.pointer.len();
        pointer::push(&mut self.pointer, name);
        self.value(value, part.member(name));
        self.pointer.truncate(length);
    }

    fn value(&mut self, node: Node<'t>, part: Part<'a>) {
        let fits = match node.kind() {
            _ if node.is_empty() => false,
            Kind::Object => !node.has_duplicates() && !node.members().any(|m| column::is_doubtful(m.key.text(), part, false)),
            // Lists in lists would be columns by the square.
            Kind::Array => column::is_list(part, false) && !node.items().any(|item| item.kind() == Kind::Array),
            _ => false,
        };
        if let Some(header) = self.header.filter(|_| self.is_root && !node.is_empty())
            && self.whole(header, node, part.types())
        {
            return;
        }
        if !fits {
            return self.cell(node, part.types());
        }
        if node.kind() == Kind::Object {
            for member in node.members() {
                self.member(member.key.text(), member.value, part);
            }
        } else if self.is_table(node) {
            self.lists.push((self.pointer.clone(), node, part.item(0)));
        } else {
            let length = self.pointer.len();
            self.items += 1;
            for (index, item) in node.items().enumerate() {
                pointer::push_index(&mut self.pointer, index);
                self.value(item, part.item(index));
                self.pointer.truncate(length);
            }
            self.items -= 1;
        }
    }

    // Whether a list is in a table of its own: it is one of objects, and not itself below an item.
    fn is_table(&self, list: Node<'_>) -> bool {
        self.layout.tables == Tables::Package && self.items == 0 && list.items().all(|item| item.kind() == Kind::Object)
    }

    // Writes a list or object as JSON text into the one cell in which it came.
    fn whole(&mut self, header: &Header, node: Node<'t>, types: Types) -> bool {
        if !matches!(node.kind(), Kind::Array | Kind::Object) {
            return false;
        }
        let length = self.pointer.len();
        self.pointer.push_str(column::JSON);
        let is_json = header.is_whole(&self.pointer);
        if !is_json {
            self.pointer.truncate(length);
            if !header.is_whole(&self.pointer) {
                return false;
            }
            let mut text = Vec::new();
            json::compact(node, &mut text);
            let text = String::from_utf8_lossy(&text);
            // Where a text may stand as well, quotes would make it one.
            if cell::read(types, &text, cell::needs_quotes(&text, self.layout.delimiter)) != Reading::Json {
                return false;
            }
        }
        spool::text(self.out, |out| out.extend_from_slice(self.pointer.as_bytes()));
        self.pointer.truncate(length);
        self.json(node);
        true
    }

    // A cell after the name of its column, which is a pointer here.
    fn cell(&mut self, node: Node<'_>, types: Types) {
        let (form, text) = self.form(node, types);
        spool::text(self.out, |out| {
            out.extend_from_slice(self.pointer.as_bytes());
            if matches!(form, Form::Json) {
                out.extend_from_slice(column::JSON.as_bytes());
            }
        });
        self.text.clear();
        match form {
            Form::Json => return self.json(node),
            Form::Bare => return spool::text(self.out, |out| out.extend_from_slice(text.as_bytes())),
            Form::Quoted => cell::quote(text, &mut self.text),
            Form::Guarded => self.text.push_str(&written(&format!("{}{text}", cell::GUARD), self.layout.delimiter)),
        }
        spool::text(self.out, |out| out.extend_from_slice(self.text.as_bytes()));
    }

    // How a value has to stand so that it is read as this value, and its text.
    fn form<'n>(&self, node: Node<'n>, types: Types) -> (Form, &'n str) {
        let delimiter = self.layout.delimiter;
        let (text, expected) = match node.kind() {
            Kind::Array if node.is_empty() => ("[]", Reading::Json),
            Kind::Object if node.is_empty() => ("{}", Reading::Json),
            Kind::Array | Kind::Object => return (Form::Json, ""),
            kind => (node.text(), Reading::Scalar(kind, node.text())),
        };
        let form = if node.kind() == Kind::String && self.layout.spreadsheet_safe && cell::needs_guard(text) {
            Form::Guarded
        } else if !cell::needs_quotes(text, delimiter) && cell::read(types, text, false) == expected {
            Form::Bare
        } else if cell::read(types, text, true) == expected {
            Form::Quoted
        } else {
            Form::Json
        };
        (form, text)
    }

    fn json(&mut self, node: Node<'_>) {
        let mut text = Vec::new();
        json::compact(node, &mut text);
        let cell = written(&String::from_utf8_lossy(&text), self.layout.delimiter);
        spool::text(self.out, |out| out.extend_from_slice(cell.as_bytes()));
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
