//! Reads a package of tables: a `datapackage.json` (Frictionless) that names a root table and, for each list of objects, a
//! child table whose rows name their parent's row.
//!
//! Input: the description, and a way to open the tables it names. Output: one record for each row of the root table, with the rows
//! of its lists in place. Child tables are in the order of their parents, so all tables are read side by side: a window
//! has some rows of the root table and the rows of every child table that belong to them, each as a segment of its own.

use std::io;
use std::sync::Arc;

use serde::Deserialize;

use super::header_plan::{HeaderPlan, Role};
use super::lex::{self, End};
use super::rows::{Frame, RowReader, Table, number};
use super::{FirstRow, Head, LargeRow, RowRange, cut_rows};
use crate::layout::column::{self, Column};
use crate::layout::header::{self, Header};
use crate::read::limits::floor_char;
use crate::read::{Options, Reader, RecordVisitor, Window};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::Tree;
use chancery_schema::shape::Part;

/// Why a package cannot be read.
#[derive(Debug)]
pub enum Refusal {
    /// Its description cannot be used.
    Description(Box<Diagnostic>),
    /// A table cannot be opened or read.
    Table(ReadError),
}

impl From<ReadError> for Refusal {
    fn from(failure: ReadError) -> Self {
        Self::Table(failure)
    }
}

/// Why a table is not opened: it is no file of the package's directory.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ForeignTable(pub String);

/// Whether a file of that name describes a package.
#[must_use]
pub fn is_description(path: &str) -> bool {
    path.rsplit(['/', '\\']).next() == Some("datapackage.json")
}

#[derive(Deserialize)]
struct Package {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    path: String,
    list: Option<String>,
    dialect: Option<Dialect>,
    schema: Option<TableSchema>,
}

#[derive(Deserialize)]
struct Dialect {
    delimiter: Option<char>,
}

#[derive(Deserialize)]
struct TableSchema {
    #[serde(rename = "foreignKeys", default)]
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Deserialize)]
struct ForeignKey {
    reference: Reference,
}

#[derive(Deserialize)]
struct Reference {
    resource: String,
}

/// The tables that a description names, as it writes their paths.
///
/// # Errors
/// When the description cannot be used.
pub fn tables(description: &Arc<Source>) -> Result<Vec<String>, Box<Diagnostic>> {
    Ok(parse_description(description)?.resources.into_iter().map(|resource| resource.path).collect())
}

fn bad(description: &Arc<Source>, at: Span, message: String) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(&rules::BAD_PACKAGE, description, at, message)
            .help("a package is written by `convert --to csv -o DIR`; read other tables one by one"),
    )
}

fn parse_description(description: &Arc<Source>) -> Result<Package, Box<Diagnostic>> {
    let package: Package = serde_json::from_str(description.text()).map_err(|error| {
        let line = description.text().split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let mut at = (line + error.column().saturating_sub(1)).min(description.text().len());
        while !description.text().is_char_boundary(at) {
            at -= 1;
        }
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        bad(description, Span::at(at as u32), format!("expected the description of a package: {text}"))
    })?;
    if package.resources.is_empty() {
        return Err(bad(description, Span::at(0), "expected at least one table under resources, found none".to_owned()));
    }
    for resource in &package.resources {
        let path = &resource.path;
        if path.is_empty() || path.starts_with('/') || path.contains([':', '\\']) || path.split('/').any(|part| part == "..") {
            let at = description.text().find(path.as_str()).unwrap_or(0) as u32;
            let found = chancery_core::diagnostic::quote(path, true);
            let span = Span::new(at, at + path.len() as u32);
            return Err(bad(description, span, format!("expected the path of a file in the package's directory, found {found}")));
        }
    }
    Ok(package)
}

/// Starts reading the package that `description` describes; `open` opens the file at a path as the description writes it.
///
/// # Errors
/// When the description cannot be used, or a table cannot be opened.
pub fn open(
    description: &Arc<Source>,
    open: &mut dyn FnMut(&str) -> io::Result<InputBuffer>,
    options: &Options,
) -> Result<Box<dyn crate::read::Chunker>, Refusal> {
    let package = parse_description(description).map_err(Refusal::Description)?;
    let shape = Arc::clone(&options.shape);
    let mut feeds = Vec::new();
    let mut plans: Vec<HeaderPlan> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut delimiter = b',';
    let mut diagnostics = Vec::new();
    let mut tables: Vec<header::Table> = Vec::new();
    for (index, resource) in package.resources.iter().enumerate() {
        let at = description.text().find(&format!("\"{}\"", resource.path)).map_or(0, |at| at as u32 + 1);
        let span = Span::new(at, at + if at == 0 { 0 } else { resource.path.len() as u32 });
        let refuse = |message: String| Refusal::Description(bad(description, span, message));
        let (part, path) = if index == 0 {
            (shape.root(), Vec::new())
        } else {
            let mut keys = resource.schema.iter().flat_map(|schema| &schema.foreign_keys);
            let parent = keys.find_map(|key| package.resources[..index].iter().position(|other| other.name == key.reference.resource));
            let (Some(parent), Some(list)) = (parent, &resource.list) else {
                return Err(refuse(format!("expected table {} to name the parent table and list of its rows", resource.name)));
            };
            let Column::Value { path, .. } = column::parse(list, parts[parent], true) else {
                return Err(refuse(format!("expected the path of a list, found {list}")));
            };
            if path.len() > options.max_depth || parents.len() >= options.max_depth {
                return Err(refuse(format!("tables are nested deeper than {} levels", options.max_depth)));
            }
            parents.push(parent);
            (path.iter().fold(parts[parent], column::step_into).item(0), vec![(parent, path)])
        };
        let given = resource.dialect.as_ref().and_then(|dialect| dialect.delimiter).filter(char::is_ascii).map(|delimiter| delimiter as u8);
        let given = given.or((index > 0).then_some(delimiter));
        let mut feed =
            open(&resource.path).map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<ForeignTable>()) {
                Some(foreign) => refuse(foreign.to_string()),
                None => Refusal::Table(ReadError::from(error)),
            })?;
        let plan = match Head::read(&mut feed, given, options)? {
            Head::Cells(FirstRow { cells, length, delimiter: found }) => {
                if index > 0 && found != delimiter {
                    return Err(refuse("expected all tables to have the same delimiter".to_owned()));
                }
                delimiter = found;
                let base = feed.position();
                let header = feed.consume(length)?.into_text();
                HeaderPlan::new(feed.name(), header, base, &cells, part, true, options.max_depth)
            }
            Head::Empty => HeaderPlan::new(feed.name(), String::new(), feed.position(), &[], part, true, options.max_depth),
            Head::Broken(_) => return Err(refuse(format!("expected a header in {}, found an unclosed quote", resource.path))),
        };
        diagnostics.extend(plan.diagnostics());
        let mut lists = Vec::new();
        for (parent, path) in path {
            lists.clone_from(&tables[parent].lists);
            lists.push(column::pointer(&path));
            plans[parent].attach(path, index, parts[parent]);
        }
        tables.push(header::Table { lists, columns: plan.stored() });
        parts.push(part);
        plans.push(plan);
        feeds.push(feed);
    }
    let table = Arc::new(Table::new(plans, delimiter, options));
    let header = Arc::new(Header::of_package(tables));
    Ok(Box::new(PackageChunker { feeds, parents, table, options: options.clone(), diagnostics, header, done: false }))
}

struct PackageChunker {
    feeds: Vec<InputBuffer>,
    // Of every table but the first.
    parents: Vec<usize>,
    table: Arc<Table>,
    options: Options,
    diagnostics: Vec<Diagnostic>,
    header: Arc<Header>,
    done: bool,
}

impl crate::read::Chunker for PackageChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        if self.done {
            return Ok(None);
        }
        let delimiter = self.table.delimiter;
        let window_bytes = self.table.plans.iter().map(|plan| plan.header.len()).fold(self.options.window_bytes, usize::max);
        let mut source = match cut_rows(&mut self.feeds[0], delimiter, &self.options, window_bytes)? {
            RowRange::Rows(source) => source,
            RowRange::TooLarge(window) => return Ok(Some(window)),
            // Rows may be left in child tables.
            RowRange::None => Source::detached(Arc::clone(self.feeds[0].name()), self.feeds[0].position()),
        };
        self.feeds[0].fill_from_stream(1)?;
        self.done = self.feeds[0].bytes().is_empty();
        let mut last = vec![None; self.feeds.len()];
        let mut frames = Vec::new();
        let end = source.len();
        last[0] = self.last_number(0, source.text().as_bytes());
        let header = self.table.append_header(0, &mut source);
        frames.push((0, end, header));
        for table in 1..self.feeds.len() {
            let limit = if self.done { u64::MAX } else { last[self.parents[table - 1]].unwrap_or(0) };
            let (name, base) = (Arc::clone(self.feeds[table].name()), self.feeds[table].position());
            let Some(length) = self.rows_of(table, limit)? else {
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(LargeRow { limit: self.options.max_record_bytes, is_header: true });
                let shown = floor_char(self.feeds[table].bytes(), 80);
                return Ok(Some(Window::new(self.feeds[table].consume(shown)?, &reader)));
            };
            let text = self.feeds[table].consume(length)?.into_text();
            last[table] = self.last_number(table, text.as_bytes()).or(Some(0));
            let start = source.append(name, &text, base);
            let end = source.len();
            let header = self.table.append_header(table, &mut source);
            frames.push((start, end, header));
        }
        let reader: Arc<dyn Reader> = Arc::new(Rows { table: Arc::clone(&self.table), frames });
        Ok(Some(Window {
            diagnostics: std::mem::take(&mut self.diagnostics),
            header: Some(Arc::clone(&self.header)),
            ..Window::new(source, &reader)
        }))
    }
}

impl PackageChunker {
    // The number of the last row that has one.
    fn last_number(&self, table: usize, bytes: &[u8]) -> Option<u64> {
        let column = self.table.plans[table].role(Role::Row)?;
        let text = std::str::from_utf8(bytes).ok()?;
        let (mut at, mut cells, mut last) = (0, Vec::new(), None);
        while at < bytes.len() {
            lex::row(bytes, &mut at, self.table.delimiter, &mut cells);
            last = cells.get(column).and_then(|cell| number(text, cell)).or(last);
        }
        last
    }

    // How many bytes of a child table are rows whose parent is not after row `limit`; `None` if they are more than a
    // record may have.
    fn rows_of(&mut self, table: usize, limit: u64) -> Result<Option<usize>, ReadError> {
        let max_record_bytes = self.options.max_record_bytes;
        let column = self.table.plans[table].role(Role::Parent);
        let mut cells = Vec::new();
        let mut whole = 0;
        loop {
            let feed = &mut self.feeds[table];
            let bytes = feed.bytes();
            let mut at = whole;
            while at < bytes.len() {
                let end = lex::row(bytes, &mut at, self.table.delimiter, &mut cells);
                if end != End::Line && !feed.is_ended() {
                    break;
                }
                // Text that is not UTF-8 is found when the rows are taken.
                let text = std::str::from_utf8(&bytes[whole..at]).unwrap_or_default();
                for cell in &mut cells {
                    cell.span = Span::new(cell.span.start - whole as u32, cell.span.end - whole as u32);
                }
                let parent = column.and_then(|column| cells.get(column)).filter(|_| !text.is_empty()).and_then(|cell| number(text, cell));
                if parent.is_some_and(|parent| parent > limit) {
                    return Ok(Some(whole));
                }
                whole = at;
                if whole > max_record_bytes {
                    return Ok(None);
                }
            }
            // At the end every row has been looked at: the last one needs no line end.
            if feed.is_ended() {
                return Ok(Some(whole));
            }
            if bytes.len() > max_record_bytes {
                return Ok(None);
            }
            feed.fill()?;
        }
    }
}

/// Reads one window of all tables.
struct Rows {
    table: Arc<Table>,
    frames: Vec<(u32, u32, u32)>,
}

impl Reader for Rows {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let frames = self.frames.iter().map(|(start, end, header)| Frame::new(*start, *end, *header)).collect();
        RowReader::new(&self.table, source, frames).read(tree, visitor);
    }
}
