//! Reads records back from columns, a batch at a time.
//!
//! In: files that a load wrote, which are known by their metadata. Out: pages of rows, as a database gives them. Files of others are refused,
//! since nothing tells how their columns stand for records.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType, Schema};

use super::checksum::{self, Verified};
use super::failed;
use super::parquet::{Told, file_name, files, told_by};
use crate::guard::guarded;
use crate::layout::columnar::{self, Branch, FORM, Form, Kind, LAYOUT};
use crate::layout::relational::Layout;
use crate::layout::relational::gather::Gatherer;
use crate::layout::relational::join::Stored;
use crate::lexicon::date;
use crate::load::database::lines::{PAGE, Page, Pages};
use crate::load::database::{choose, layout_of, no_records};
use crate::tree::json_string;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Records in columns.
pub struct Reading {
    layout: Layout,
    rows: Rows,
}

enum Rows {
    // With what is left of the present batch.
    Nested { batches: Batches, nesting: Nesting, next: i64, waiting: Option<RecordBatch> },
    Flat(Vec<Table>),
}

impl Reading {
    /// The records of a collection, or of the only one, among the files of `folder`.
    ///
    /// # Errors
    /// When there are none, or their files are not as a load left them.
    pub fn folder(folder: &Path, collection: Option<&str>) -> io::Result<Self> {
        let (mut known, mut foreign, mut damaged) = (Vec::new(), None, Vec::new());
        for path in files(folder)? {
            if let Err(error) = checksum::verify(&path) {
                damaged.push((path, error));
                continue;
            }
            match told_by(&path) {
                Some(Told { layout: Some(text), table: Some(table), form: Some(form), set: Some(set) }) => {
                    let layout = layout_of(&text)?;
                    if layout.tables[0].name == table && path.ends_with(file_name(&layout, 0)) {
                        known.push(((layout.collection, text), form, set));
                    }
                }
                _ => foreign = foreign.or(Some(path)),
            }
        }
        // Which collection a damaged file belongs to is not known for certain.
        if let Some((_, error)) = damaged.pop_if(|_| collection.is_none()) {
            return Err(error);
        }
        known.sort();
        let all: Vec<(String, String)> = known.iter().map(|(pair, ..)| pair.clone()).collect();
        let Some(layout) = choose(&all, collection)? else {
            if let Some((_, error)) = damaged.pop() {
                return Err(error);
            }
            return Err(match foreign {
                Some(path) if all.is_empty() => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    io::Error::other(format!("{name} was not written by a load, so nothing tells how its columns stand for records"))
                }
                _ => no_records(collection),
            });
        };
        let Some((_, form, set)) = known.iter().find(|((name, _), ..)| *name == layout.collection) else {
            return Err(no_records(collection));
        };
        let form = form_of(form)?;
        let mut tables = Vec::new();
        for table in form.tables(&layout) {
            let name = file_name(&layout, table);
            let path = folder.join(&name);
            if let Some(at) = damaged.iter().position(|(damaged, _)| *damaged == path) {
                return Err(damaged.swap_remove(at).1);
            }
            let told = told_by(&path)
                .ok_or_else(|| io::Error::other(format!("{name} is missing or broken, and belongs to {}", file_name(&layout, 0))))?;
            if told.set.as_ref() != Some(set) {
                return Err(io::Error::other(format!("{name} and {} are of different loads; load again", file_name(&layout, 0))));
            }
            tables.push(Table {
                batches: batches(path, &columnar::schema(&layout, form, table))?,
                depth: layout.depth(table),
                present: None,
                row: 0,
            });
        }
        let rows = match form {
            Form::Flat => Rows::Flat(tables),
            Form::Nested => Rows::nested(&layout, tables.remove(0).batches),
        };
        Ok(Self { layout, rows })
    }

    /// The records of a stream.
    ///
    /// # Errors
    /// When it is no stream that a load wrote.
    pub fn stream(stream: impl io::Read + Send + 'static) -> io::Result<Self> {
        let stream = Verified::new(BufReader::new(stream));
        let reader = guarded("the schema", || StreamReader::try_new(stream, None).map_err(failed))?;
        let metadata = reader.schema().metadata().clone();
        let (Some(layout), Some(form)) = (metadata.get(LAYOUT), metadata.get(FORM)) else {
            return Err(io::Error::other("the stream was not written by a load, so nothing tells how its columns stand for records"));
        };
        let layout = layout_of(layout)?;
        if form_of(form)? != Form::Nested {
            return Err(io::Error::other("the stream is a table of several, and not whole records"));
        }
        compare(&reader.schema(), &columnar::schema(&layout, Form::Nested, 0))?;
        let rows = Rows::nested(&layout, Box::new(reader));
        Ok(Self { layout, rows })
    }

    /// The tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

fn form_of(word: &str) -> io::Result<Form> {
    Form::by_word(word).ok_or_else(|| io::Error::other(format!("the form {word} is not known; a newer version may have written it")))
}

fn compare(found: &Schema, expected: &Schema) -> io::Result<()> {
    let column =
        |schema: &Schema| schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>();
    if column(found) == column(expected) { Ok(()) } else { Err(io::Error::other("the columns are not as a load left them")) }
}

// The batches of a file, each within a group of rows, which bounds what is in memory.
fn batches(path: PathBuf, schema: &Schema) -> io::Result<Batches> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.file_name().unwrap_or_default().to_string_lossy()));
    let file = File::open(&path).map_err(named)?;
    let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(failed);
    let metadata = guarded("the metadata", load).map_err(named)?;
    compare(metadata.schema(), schema).map_err(named)?;
    let groups = 0..metadata.metadata().num_row_groups();
    let group = move |group: usize| {
        let opened = file.try_clone().map_err(ArrowError::from).and_then(|file| {
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
            reader.with_row_groups(vec![group]).with_batch_size(PAGE).build().map_err(ArrowError::from)
        });
        let (reader, error) = match opened {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Err(error))),
        };
        reader.into_iter().flatten().chain(error)
    };
    Ok(Box::new(groups.flat_map(group)))
}

impl Pages for Reading {
    fn page(&mut self, _after: i64) -> io::Result<Option<Page>> {
        guarded("a batch", || self.next_page())
    }
}

impl Reading {
    fn next_page(&mut self) -> io::Result<Option<Page>> {
        match &mut self.rows {
            Rows::Nested { batches, nesting, next, waiting } => loop {
                let batch = match waiting.take() {
                    Some(batch) => batch,
                    None => match batches.next() {
                        Some(batch) => batch.map_err(failed)?,
                        None => return Ok(None),
                    },
                };
                if batch.num_rows() > PAGE {
                    *waiting = Some(batch.slice(PAGE, batch.num_rows() - PAGE));
                }
                let batch = batch.slice(0, batch.num_rows().min(PAGE));
                if batch.num_rows() > 0 {
                    return Ok(Some(nesting.page(&batch, next)));
                }
            },
            Rows::Flat(tables) => {
                let Some((records, lists)) = tables.split_first_mut() else { return Ok(None) };
                let rows = records.rows(i64::MAX, PAGE)?;
                let Some((last, _)) = rows.last() else { return Ok(None) };
                let last = *last;
                let mut page = vec![rows];
                for list in lists {
                    page.push(list.rows(last, usize::MAX)?);
                }
                Ok(Some(page))
            }
        }
    }
}

// A table of its own, read in order.
struct Table {
    batches: Batches,
    depth: usize,
    present: Option<RecordBatch>,
    row: usize,
}

impl Table {
    // The next rows, up to those of a record, and not more than `most`.
    fn rows(&mut self, last: i64, most: usize) -> io::Result<Vec<(i64, Stored)>> {
        let mut rows = Vec::new();
        while rows.len() < most {
            let Some(batch) = self.present.as_ref().filter(|batch| self.row < batch.num_rows()) else {
                let Some(next) = self.batches.next() else { break };
                self.present = Some(next.map_err(failed)?);
                self.row = 0;
                continue;
            };
            let (columns, row) = (batch.columns(), self.row);
            let record = columns[0].as_primitive::<Int64Type>().value(row);
            if record > last {
                break;
            }
            let (own, cells) = columns[1..].split_at(self.depth);
            let Some((rest, cells)) = cells.split_last() else { break };
            let positions = own.iter().map(|column| column.as_primitive::<Int32Type>().value(row) as u32).collect();
            let cells = cells.iter().map(|column| text(column, row)).collect();
            rows.push((record, Stored { positions, rest: text(rest, row), cells }));
            self.row += 1;
        }
        Ok(rows)
    }
}

// How lists and objects lie in each other.
struct Nesting {
    gatherer: Gatherer,
    // By table.
    branches: Vec<Vec<Branch>>,
    columns: Vec<usize>,
}

// The columns of a table's rows and its lists, wherever they lay.
#[derive(Default)]
struct Spread {
    cells: Vec<Option<ArrayRef>>,
    lists: Vec<(usize, ArrayRef, Spread)>,
}

impl Rows {
    fn nested(layout: &Layout, batches: Batches) -> Self {
        let branches = (0..layout.tables.len()).map(|table| columnar::branches(layout, table)).collect();
        let columns = layout.tables.iter().map(|table| table.columns.len()).collect();
        Self::Nested { batches, nesting: Nesting { gatherer: Gatherer::new(layout), branches, columns }, next: 1, waiting: None }
    }
}

impl Nesting {
    fn page(&self, batch: &RecordBatch, next: &mut i64) -> Page {
        let mut page: Page = vec![Vec::new(); self.columns.len()];
        let Some((rests, columns)) = batch.columns().split_last() else { return page };
        let spread = self.spread(0, columns);
        for row in 0..batch.num_rows() {
            let mut rows = vec![Vec::new(); self.columns.len()];
            spread.row(0, row, &[], &mut rows);
            if let Some(rest) = text(rests, row) {
                self.gatherer.scatter(&rest, &mut rows);
            }
            for (all, own) in page.iter_mut().zip(rows) {
                all.extend(own.into_iter().map(|stored| (*next, stored)));
            }
            *next += 1;
        }
        page
    }

    fn spread(&self, table: usize, columns: &[ArrayRef]) -> Spread {
        let mut spread = Spread { cells: vec![None; self.columns[table]], lists: Vec::new() };
        self.branch(&self.branches[table], columns, &mut spread);
        spread
    }

    fn branch(&self, branches: &[Branch], columns: &[ArrayRef], spread: &mut Spread) {
        for (branch, column) in branches.iter().zip(columns) {
            match &branch.kind {
                Kind::Column(at) => spread.cells[*at] = Some(ArrayRef::clone(column)),
                // Where an object is not there, none of its parts is.
                Kind::Object(inner) => self.branch(inner, column.as_struct().columns(), spread),
                Kind::List(table) => {
                    let items: &StructArray = column.as_list::<i32>().values().as_struct();
                    spread.lists.push((*table, ArrayRef::clone(column), self.spread(*table, items.columns())));
                }
                Kind::Position => {}
            }
        }
    }
}

impl Spread {
    fn row(&self, table: usize, row: usize, positions: &[u32], rows: &mut [Vec<Stored>]) {
        let cells = self.cells.iter().map(|column| column.as_ref().and_then(|column| text(column, row))).collect();
        rows[table].push(Stored { positions: positions.to_vec(), rest: None, cells });
        for (list, column, items) in &self.lists {
            if column.is_null(row) {
                continue;
            }
            let offsets = column.as_list::<i32>().value_offsets();
            let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
            for item in start..end {
                let positions = [positions, &[(item - start) as u32]].concat();
                items.row(*list, item, &positions, rows);
            }
        }
    }
}

// A value as text, as a database would show it.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Date32 => day(i64::from(column.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(..) => {
            let seconds = column.as_primitive::<TimestampMicrosecondType>().value(row).div_euclid(1_000_000);
            let time = seconds.rem_euclid(86_400);
            format!("{}T{:02}:{:02}:{:02}Z", day(seconds.div_euclid(86_400)), time / 3600, time / 60 % 60, time % 60)
        }
        DataType::List(_) => list(&column.as_list::<i32>().value(row)),
        _ => column.as_string::<i32>().value(row).to_owned(),
    })
}

fn day(number: i64) -> String {
    let (year, month, day) = date::of_number(number);
    format!("{year:04}-{month:02}-{day:02}")
}

// A list of scalars as JSON.
fn list(items: &ArrayRef) -> String {
    let quoted = !matches!(items.data_type(), DataType::Int64 | DataType::Float64 | DataType::Boolean);
    let mut json = b"[".to_vec();
    for row in 0..items.len() {
        if row > 0 {
            json.push(b',');
        }
        match text(items, row) {
            None => json.extend_from_slice(b"null"),
            Some(text) if quoted => json_string(&text, &mut json),
            Some(text) => json.extend_from_slice(text.as_bytes()),
        }
    }
    json.push(b']');
    String::from_utf8_lossy(&json).into_owned()
}
