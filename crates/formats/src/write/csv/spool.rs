//! Stores rows until all columns are known: in memory while there are few, then in a temporary file.
//!
//! Columns from the headers of the inputs keep that order, even if no row has a cell for them. The others follow in the
//! order of the shape, then in order of first occurrence; list items in order of their index.

use std::collections::HashMap;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::sync::Arc;

use super::{Layout, Tables, written};
use crate::layout::cell;
use crate::layout::column::{self, Column, Step};
use crate::layout::header::Header;
use chancery_files::spool::{Decoder, SpoolFile, number};
use chancery_schema::Shape;
use chancery_schema::shape::Part;

/// How much of a table is held in memory.
const HELD: usize = 1 << 20;

// A row travels from the encoder to the spool as numbers and texts: the parent's number among the rows of the record, the
// position, the lists on the way, the length of all cells; then each cell after its column's pointer.

/// Begins a row; `table` holds the lists on the way to it, each by its column in the table before, none for a record. Gives
/// the place that [`end_row`] asks for.
pub(super) fn begin_row(out: &mut Vec<u8>, table: &[String], parent: u32, position: u32) -> usize {
    out.extend_from_slice(&parent.to_le_bytes());
    out.extend_from_slice(&position.to_le_bytes());
    text(out, |out| table.iter().for_each(|list| text(out, |out| out.extend_from_slice(list.as_bytes()))));
    out.extend_from_slice(&[0; 4]);
    out.len()
}

/// Ends a row after its cells.
pub(super) fn end_row(out: &mut [u8], cells: usize) {
    let length = (out.len() - cells) as u32;
    out[cells - 4..cells].copy_from_slice(&length.to_le_bytes());
}

/// Appends what `write` writes, after its length.
pub(super) fn text(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    write(out);
    let length = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&length.to_le_bytes());
}

// Reads back what was written so.
struct EncodedCells<'a>(&'a [u8]);

impl<'a> EncodedCells<'a> {
    fn number(&mut self) -> u32 {
        let (number, rest) = self.0.split_first_chunk().expect("the encoder writes whole numbers");
        self.0 = rest;
        u32::from_le_bytes(*number)
    }

    fn text(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }
}

/// The columns of a row's cells, as they travel.
pub(super) fn columns(cells: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cells = EncodedCells(cells);
    std::iter::from_fn(move || {
        (!cells.0.is_empty()).then(|| {
            let name = cells.text();
            cells.text();
            name
        })
    })
}

/// One table in the making.
pub(super) struct TableRows {
    /// The lists on the way to it.
    pub path: Vec<String>,
    /// The table that holds the parents.
    pub parent: Option<usize>,
    /// By number, as pointers.
    pub columns: Vec<String>,
    known: HashMap<Vec<u8>, u32>,
    // The column that came after each the last time; at the front, the one that came first.
    follows: Vec<u32>,
    // By number: whether a row has a cell of it.
    filled: Vec<bool>,
    // Columns that the header of an input names, in order, and by number whether they stay where no row has a cell of them.
    given: Vec<u32>,
    kept: HashMap<u32, bool>,
    rows: BufWriter<SpoolFile>,
    pub count: u64,
}

impl TableRows {
    fn new(path: Vec<String>, parent: Option<usize>) -> Self {
        let rows = BufWriter::new(SpoolFile::new(HELD));
        Self {
            path,
            parent,
            columns: Vec::new(),
            known: HashMap::new(),
            follows: vec![0],
            filled: Vec::new(),
            given: Vec::new(),
            kept: HashMap::new(),
            rows,
            count: 0,
        }
    }

    // The number of a column; `before` is that of the one before it in its row, plus one. Most rows are like the last one.
    fn column(&mut self, name: &[u8], before: usize) -> u32 {
        let guess = self.follows[before];
        if self.columns.get(guess as usize).is_some_and(|column| column.as_bytes() == name) {
            self.filled[guess as usize] = true;
            return guess;
        }
        let id = self.known.get(name).copied().unwrap_or_else(|| self.add(name));
        self.filled[id as usize] = true;
        self.follows[before] = id;
        id
    }

    fn add(&mut self, name: &[u8]) -> u32 {
        let id = self.columns.len() as u32;
        self.columns.push(String::from_utf8_lossy(name).into_owned());
        self.known.insert(name.to_owned(), id);
        self.follows.push(0);
        self.filled.push(false);
        id
    }

    // Returns a column that a header names its place, unless it has one.
    fn give(&mut self, name: &str, keep: bool) {
        let id = self.known.get(name.as_bytes()).copied().unwrap_or_else(|| self.add(name.as_bytes()));
        let kept = self.kept.entry(id).or_insert_with(|| {
            self.given.push(id);
            false
        });
        *kept |= keep;
    }
}

// A column that a header names: its place, and whether there are cells for its value, in this column or in others.
struct Given {
    place: usize,
    is_moved: bool,
}

// Where a column stands: for each step its place in the shape, and when it came first.
type Key = Vec<(usize, usize)>;

/// The tables of an output.
pub(super) struct TableSpool {
    shape: Arc<Shape>,
    layout: Layout,
    tables: Vec<TableRows>,
    // By the texts of its path as they travel.
    by_path: HashMap<Vec<u8>, usize>,
}

impl TableSpool {
    pub fn new(shape: &Arc<Shape>, layout: &Layout) -> Self {
        let root = TableRows::new(Vec::new(), None);
        Self { shape: Arc::clone(shape), layout: layout.clone(), tables: vec![root], by_path: HashMap::from([(Vec::new(), 0)]) }
    }

    fn table(&mut self, path: &[u8], parent: usize) -> usize {
        if let Some(known) = self.by_path.get(path) {
            return *known;
        }
        let id = self.tables.len();
        let mut lists = EncodedCells(path);
        let mut names = Vec::new();
        while !lists.0.is_empty() {
            names.push(String::from_utf8_lossy(lists.text()).into_owned());
        }
        self.tables.push(TableRows::new(names, Some(parent)));
        self.by_path.insert(path.to_owned(), id);
        id
    }

    /// Puts the tables in the order of the shape, each after its parent; where that says nothing, as they first came.
    pub(super) fn sort_tables(&mut self) {
        let mut order: Vec<usize> = (0..self.tables.len()).collect();
        let keys: Vec<Vec<usize>> = order.iter().map(|table| self.table_key(*table)).collect();
        order.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        let mut tables: Vec<Option<TableRows>> = std::mem::take(&mut self.tables).into_iter().map(Some).collect();
        self.tables = order.iter().filter_map(|table| tables[*table].take()).collect();
        for table in &mut self.tables {
            table.parent = table.parent.and_then(|parent| order.iter().position(|table| *table == parent));
        }
    }

    // For each list on the way to a table: where its steps are in the shape, then when its table first came.
    fn table_key(&self, table: usize) -> Vec<usize> {
        let Some(parent) = self.tables[table].parent else { return Vec::new() };
        let mut key = self.table_key(parent);
        let mut part = self.part(parent);
        if let Some(list) = self.tables[table].path.last()
            && let Column::Value { path, .. } = column::stored(list, part)
        {
            for step in &path {
                key.push(match step {
                    Step::Name(name) => part.position(name).unwrap_or(usize::MAX),
                    Step::Index(index) => *index,
                });
                part = column::step_into(part, step);
            }
        }
        key.push(table);
        key
    }

    // What is known of the rows of a table.
    fn part(&self, table: usize) -> Part<'_> {
        self.tables[table].path.iter().fold(self.shape.root(), |row, list| {
            let Column::Value { path, .. } = column::stored(list, row) else { return row };
            path.iter().fold(row, column::step_into).item(0)
        })
    }

    /// The columns of a table in order, as places in [`TableRows::columns`], and their paths.
    pub fn order(&self, table: usize) -> Vec<(u32, Column)> {
        let row = self.part(table);
        let rows = &self.tables[table];
        let given = self.given(table);
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut sorted: Vec<(usize, Key, bool, u32, Column)> = Vec::new();
        for (id, name) in rows.columns.iter().enumerate() {
            let column = column::stored(name, row);
            let Column::Value { path, json } = &column else {
                sorted.push((usize::MAX, vec![(usize::MAX, usize::MAX)], true, id as u32, column));
                continue;
            };
            let mut key = Vec::with_capacity(path.len());
            let mut part = row;
            // What came in one column and is in several takes the place of the one.
            let mut place = usize::MAX;
            for (length, step) in path.iter().enumerate() {
                let count = first.len();
                let pointer = column::pointer(&path[..=length]);
                place = given.get(&pointer).map_or(place, |given| given.place);
                let came = *first.entry(pointer).or_insert(count);
                key.push(match step {
                    Step::Name(name) => (part.position(name).unwrap_or(usize::MAX - 1), came),
                    Step::Index(index) => (*index, 0),
                });
                part = column::step_into(part, step);
            }
            let is_moved = given.get(&column::pointer(path)).is_some_and(|given| given.is_moved);
            let is_kept = !is_moved && rows.kept.get(&(id as u32)).is_some_and(|kept| *kept);
            if rows.filled[id] || is_kept {
                sorted.push((place, key, *json, id as u32, column));
            }
        }
        sorted.sort_by(|a, b| (a.0, &a.1, a.2, a.3).cmp(&(b.0, &b.1, b.2, b.3)));
        sorted.into_iter().map(|(_, _, _, id, column)| (id, column)).collect()
    }

    // The columns that headers name, by their pointers.
    fn given(&self, table: usize) -> HashMap<String, Given> {
        let rows = &self.tables[table];
        let mut given = HashMap::new();
        if rows.given.is_empty() {
            return given;
        }
        let pointer = |id: u32| {
            let name = &rows.columns[id as usize];
            name.strip_suffix(column::JSON).unwrap_or(name)
        };
        for (place, id) in rows.given.iter().enumerate() {
            given.entry(pointer(*id).to_owned()).or_insert(Given { place, is_moved: false });
        }
        let filled = (0..rows.columns.len() as u32).filter(|id| rows.filled[*id as usize]).map(pointer);
        let below = self.tables.iter().filter(|other| other.parent == Some(table)).filter_map(|other| other.path.last());
        for pointer in filled.chain(below.map(String::as_str)) {
            let ends = pointer.match_indices('/').skip(1).map(|(at, _)| at).chain([pointer.len()]);
            for end in ends {
                if let Some(given) = given.get_mut(&pointer[..end]) {
                    given.is_moved = true;
                }
            }
        }
        given
    }

    /// The header of the list that a table holds, in the table of its parents.
    pub fn list(&self, table: usize) -> Option<String> {
        let (list, parent) = (self.tables[table].path.last()?, self.part(self.tables[table].parent?));
        match column::stored(list, parent) {
            Column::Value { path, .. } => Some(column::name(&path, false, false, parent)),
            _ => None,
        }
    }

    /// What is known of the cells of a column.
    pub fn types(&self, table: usize, column: &Column) -> chancery_schema::shape::Types {
        match column {
            Column::Value { path, json: false } => path.iter().fold(self.part(table), column::step_into).types(),
            _ => chancery_schema::shape::Types::ANY,
        }
    }

    /// Columns that tie a table to others, in front of its own.
    pub fn ties(&self, table: usize) -> Vec<&'static str> {
        let mut ties = Vec::new();
        if self.tables.iter().any(|other| other.parent == Some(table)) {
            ties.push(column::ROW);
        }
        if table > 0 {
            ties.extend([column::PARENT, column::POSITION]);
        }
        ties
    }

    pub fn tables(&self) -> &[TableRows] {
        &self.tables
    }

    /// All names of a table's header, in order.
    pub fn names(&self, table: usize, order: &[(u32, Column)]) -> Vec<String> {
        let guarded = self.layout.spreadsheet_safe;
        let row = self.part(table);
        let mut names: Vec<String> = self.ties(table).into_iter().map(str::to_owned).collect();
        names.extend(order.iter().map(|(id, column)| match column {
            Column::Value { path, json } => column::name(path, *json, guarded, row),
            _ => self.tables[table].columns[*id as usize].clone(),
        }));
        if guarded {
            names.push(column::GUARDED.to_owned());
        } else if names.iter().all(|name| needs_quotes(name)) || (names.len() == 1 && !matches!(self.layout.delimiter, b',' | b'\t')) {
            // One unquoted name shows that quotes have a meaning; two show the delimiter.
            names.push(column::RECORD.to_owned());
        }
        names
    }

    // Writes a table: its header, then every row with a cell for every column.
    /// Writes a table.
    pub(super) fn write(&mut self, table: usize, out: &mut dyn Write) -> io::Result<()> {
        if self.tables[table].count == 0 && self.tables[table].given.is_empty() {
            return out.write_all(b"");
        }
        let order = self.order(table);
        let names = self.names(table, &order);
        let ties = self.ties(table);
        // Cells come in the form in which they are written: whether to quote is a matter of what they mean.
        let mut out = csv::WriterBuilder::new()
            .delimiter(self.layout.delimiter)
            .quote_style(csv::QuoteStyle::Never)
            .buffer_capacity(1 << 16)
            .from_writer(out);
        for name in &names {
            if needs_quotes(name) {
                let mut quoted = String::new();
                cell::quote(name, &mut quoted);
                out.write_field(quoted).map_err(cause)?;
            } else {
                out.write_field(written(name, self.layout.delimiter)).map_err(cause)?;
            }
        }
        out.write_record(None::<&[u8]>).map_err(cause)?;
        let mut place = vec![0; self.tables[table].columns.len()];
        for (index, (id, _)) in order.iter().enumerate() {
            place[*id as usize] = ties.len() + index;
        }
        let rows = &mut self.tables[table];
        rows.rows.flush()?;
        let file = rows.rows.get_mut();
        file.rewind()?;
        let mut input = BufReader::with_capacity(1 << 16, file);
        let mut buffer = Vec::new();
        // Where each cell goes, and where it is in the buffer.
        let mut cells: Vec<(usize, Range<usize>)> = Vec::new();
        for number in 1..=rows.count {
            let mut length = [0; 8];
            input.read_exact(&mut length)?;
            buffer.resize(u64::from_le_bytes(length) as usize, 0);
            input.read_exact(&mut buffer)?;
            let mut row = Decoder::new(&buffer);
            let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
            let parent = row.number().ok_or_else(cut)?;
            let position = row.number().ok_or_else(cut)?;
            for tie in &ties {
                let value = match *tie {
                    column::ROW => number,
                    column::PARENT => parent,
                    _ => position,
                };
                out.write_field(value.to_string()).map_err(cause)?;
            }
            cells.clear();
            while !row.rest().is_empty() {
                let column = row.number().ok_or_else(cut)? as usize;
                let length = row.bytes().ok_or_else(cut)?.len();
                let end = buffer.len() - row.rest().len();
                cells.push((place[column], end - length..end));
            }
            cells.sort_by_key(|(place, _)| *place);
            let mut at = ties.len();
            for (place, cell) in &cells {
                for _ in at..*place {
                    out.write_field("").map_err(cause)?;
                }
                out.write_field(&buffer[cell.clone()]).map_err(cause)?;
                at = place + 1;
            }
            for _ in at..names.len() {
                out.write_field("").map_err(cause)?;
            }
            out.write_record(None::<&[u8]>).map_err(cause)?;
        }
        out.flush()
    }
}

// What the system said, so that a closed pipe is known as one.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("a row cannot be written: {other:?}")),
    }
}

// A name is in quotes also where another delimiter would cut it, so that the delimiter is found from the header.
fn needs_quotes(name: &str) -> bool {
    name.contains([',', ';', '\t', '|']) || cell::needs_quotes(name, b',')
}

impl TableSpool {
    /// Takes the header of a table from which records come.
    pub(super) fn header(&mut self, header: &Header) {
        let is_package = self.layout.tables == Tables::Package;
        for (number, table) in header.tables().iter().enumerate() {
            if number > 0 && !is_package {
                break;
            }
            // A table comes after that of its parents.
            let mut at = 0;
            for end in 1..=table.lists.len() {
                let mut path = Vec::new();
                table.lists[..end].iter().for_each(|list| text(&mut path, |out| out.extend_from_slice(list.as_bytes())));
                at = self.table(&path, at);
            }
            let row = self.part(at);
            let has_item = |name: &str| match column::stored(name, row) {
                Column::Value { path, .. } => path.iter().any(|step| matches!(step, Step::Index(_))),
                _ => false,
            };
            // In a package, lists of objects are in tables of their own, so a column for an item may have become a table.
            let columns: Vec<(&String, bool)> =
                table.columns.iter().map(|name| (name, header.is_package() || !is_package || !has_item(name))).collect();
            columns.into_iter().for_each(|(name, keep)| self.tables[at].give(name, keep));
        }
    }

    /// Takes the rows of the next record, as encoded.
    pub(super) fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        let mut encoded = EncodedCells(encoded);
        // Table and number of each row of this record.
        let mut placed: Vec<(usize, u64)> = Vec::new();
        let mut buffer = Vec::new();
        while !encoded.0.is_empty() {
            let (parent, position) = (encoded.number() as usize, encoded.number());
            let path = encoded.text();
            let (parent_table, parent_row) = placed.get(parent).copied().unwrap_or_default();
            let table = self.table(path, parent_table);
            let rows = &mut self.tables[table];
            buffer.clear();
            number(parent_row, &mut buffer);
            number(u64::from(position), &mut buffer);
            let mut cells = EncodedCells(encoded.text());
            let mut before = 0;
            while !cells.0.is_empty() {
                let column = rows.column(cells.text(), before);
                before = column as usize + 1;
                let cell = cells.text();
                number(u64::from(column), &mut buffer);
                number(cell.len() as u64, &mut buffer);
                buffer.extend_from_slice(cell);
            }
            rows.count += 1;
            placed.push((table, rows.count));
            rows.rows.write_all(&(buffer.len() as u64).to_le_bytes())?;
            rows.rows.write_all(&buffer)?;
        }
        Ok(())
    }
}
