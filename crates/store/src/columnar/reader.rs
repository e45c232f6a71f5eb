//! Reads records back from columns, a batch at a time.
//!
//! Input: files that a load wrote, identified by their metadata. Output: pages of rows, as from a database. Other files
//! are rejected, because their columns cannot be mapped to records.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType, Schema};

use super::checksum::{self, VerifyingReader};
use super::failed;
use super::parquet::{FileMetadata, file_name, files, metadata_of};
use crate::columnar::arrow_layout::{self, Branch, FORM, Form, Kind, LAYOUT};
use crate::database::export::{PAGE, Page, PageReader};
use crate::database::{choose, layout_of, no_records};
use crate::relational::Layout;
use crate::relational::assemble::StoredRow;
use crate::relational::gather::ListGatherer;
use chancery_check::reference_data::date;
use chancery_core::tree::json_string;
use chancery_files::guard::guarded;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Records in columns.
pub struct ColumnarExporter {
    layout: Layout,
    rows: Rows,
}

enum Rows {
    // With the rest of the current batch.
    Nested { batches: Batches, nesting: NestedReader, next: i64, waiting: Option<RecordBatch> },
    Flat(Vec<Table>),
}

impl ColumnarExporter {
    /// The records of a collection, or of the only one, in the files of `folder`.
    ///
    /// # Errors
    /// When there are none, or their files were changed after the load.
    pub fn folder(folder: &Path, collection: Option<&str>) -> io::Result<Self> {
        let (mut known, mut foreign, mut damaged) = (Vec::new(), None, Vec::new());
        for path in files(folder)? {
            if let Err(error) = checksum::verify(&path) {
                damaged.push((path, error));
                continue;
            }
            match metadata_of(&path) {
                Some(FileMetadata { layout: Some(text), table: Some(table), form: Some(form), set: Some(set) }) => {
                    let layout = layout_of(&text)?;
                    if layout.tables[0].name == table && path.ends_with(file_name(&layout, 0)) {
                        known.push(((layout.collection, text), form, set));
                    }
                }
                _ => foreign = foreign.or(Some(path)),
            }
        }
        // The collection of a damaged file is not known for certain.
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
                    io::Error::other(format!("{name} was not written by chancery load, so its columns cannot be mapped to records"))
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
            let metadata = metadata_of(&path)
                .ok_or_else(|| io::Error::other(format!("{name} is missing or damaged, and belongs to {}", file_name(&layout, 0))))?;
            if metadata.set.as_ref() != Some(set) {
                return Err(io::Error::other(format!("{name} and {} are from different loads; load again", file_name(&layout, 0))));
            }
            tables.push(Table {
                batches: batches(path, &arrow_layout::schema(&layout, form, table))?,
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
    /// When it is not a stream that a load wrote.
    pub fn stream(stream: impl io::Read + Send + 'static) -> io::Result<Self> {
        let stream = VerifyingReader::new(BufReader::new(stream));
        let reader = guarded("the schema", || StreamReader::try_new(stream, None).map_err(failed))?;
        let metadata = reader.schema().metadata().clone();
        let (Some(layout), Some(form)) = (metadata.get(LAYOUT), metadata.get(FORM)) else {
            return Err(io::Error::other("the stream was not written by chancery load, so its columns cannot be mapped to records"));
        };
        let layout = layout_of(layout)?;
        if form_of(form)? != Form::Nested {
            return Err(io::Error::other("the stream is one of several tables, not whole records"));
        }
        compare(&reader.schema(), &arrow_layout::schema(&layout, Form::Nested, 0))?;
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
    Form::by_word(word).ok_or_else(|| io::Error::other(format!("unknown layout {word}; it may be from a newer version")))
}

fn compare(found: &Schema, expected: &Schema) -> io::Result<()> {
    let column =
        |schema: &Schema| schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>();
    if column(found) == column(expected) { Ok(()) } else { Err(io::Error::other("the columns were changed after the load")) }
}

// The batches of a file, each within a row group, which limits the memory.
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

impl PageReader for ColumnarExporter {
    fn read_page(&mut self, _after: i64) -> io::Result<Option<Page>> {
        guarded("a batch", || self.next_page())
    }
}

impl ColumnarExporter {
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

// A separate table, read in order.
struct Table {
    batches: Batches,
    depth: usize,
    present: Option<RecordBatch>,
    row: usize,
}

impl Table {
    // The next rows, up to those of a record, and at most `most`.
    fn rows(&mut self, last: i64, most: usize) -> io::Result<Vec<(i64, StoredRow)>> {
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
            rows.push((record, StoredRow { positions, extra: text(rest, row), cells, hash: None }));
            self.row += 1;
        }
        Ok(rows)
    }
}

// How lists and objects are nested.
struct NestedReader {
    gatherer: ListGatherer,
    // By table.
    branches: Vec<Vec<Branch>>,
    columns: Vec<usize>,
}

// The columns of a table's rows and its lists, at any nesting.
#[derive(Default)]
struct FlattenedRow {
    cells: Vec<Option<ArrayRef>>,
    lists: Vec<(usize, ArrayRef, FlattenedRow)>,
}

impl Rows {
    fn nested(layout: &Layout, batches: Batches) -> Self {
        let branches = (0..layout.tables.len()).map(|table| arrow_layout::branches(layout, table)).collect();
        let columns = layout.tables.iter().map(|table| table.columns.len()).collect();
        Self::Nested { batches, nesting: NestedReader { gatherer: ListGatherer::new(layout), branches, columns }, next: 1, waiting: None }
    }
}

impl NestedReader {
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

    fn spread(&self, table: usize, columns: &[ArrayRef]) -> FlattenedRow {
        let mut spread = FlattenedRow { cells: vec![None; self.columns[table]], lists: Vec::new() };
        self.branch(&self.branches[table], columns, &mut spread);
        spread
    }

    fn branch(&self, branches: &[Branch], columns: &[ArrayRef], spread: &mut FlattenedRow) {
        for (branch, column) in branches.iter().zip(columns) {
            match &branch.kind {
                Kind::Column(at) => spread.cells[*at] = Some(ArrayRef::clone(column)),
                // If an object is missing, so are its parts.
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

impl FlattenedRow {
    fn row(&self, table: usize, row: usize, positions: &[u32], rows: &mut [Vec<StoredRow>]) {
        let cells = self.cells.iter().map(|column| column.as_ref().and_then(|column| text(column, row))).collect();
        rows[table].push(StoredRow { positions: positions.to_vec(), extra: None, cells, hash: None });
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

// A value as text, as a database would print it.
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
            let microseconds = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let seconds = microseconds.div_euclid(1_000_000);
            let (time, part) = (seconds.rem_euclid(86_400), microseconds.rem_euclid(1_000_000));
            let fraction = if part == 0 { String::new() } else { format!(".{part:06}").trim_end_matches('0').to_owned() };
            format!("{}T{:02}:{:02}:{:02}{fraction}Z", day(seconds.div_euclid(86_400)), time / 3600, time / 60 % 60, time % 60)
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
