//! Builds record batches, column by column.
//!
//! Input: shredded records. Output: Arrow batches, one for each table with its own columns. Each table of the layout
//! has a builder; with nested lists, the builder of a list becomes the items of a column of its parent.

use std::io;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StructArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, FieldRef, Fields, SchemaRef};

use super::{decoded, failed};
use crate::columnar::arrow_layout::{self, Branch, Form, Kind};
use crate::relational::gather::ListGatherer;
use crate::relational::shred::{CellValue, HASH_LENGTH};
use crate::relational::{Column, ColumnType, Layout};

/// Approximate size of a batch in bytes, or its number of records if those are small.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_RECORDS: usize = 4096;

/// The rows of some records.
pub struct RecordBatchBuilder {
    layout: Layout,
    form: Form,
    schemas: Vec<SchemaRef>,
    depths: Vec<usize>,
    gatherer: ListGatherer,
    // By table.
    tables: Vec<TableBuilder>,
    branches: Vec<Vec<Branch>>,
    // The extra values of the current record.
    extra: Vec<u8>,
    records: i64,
    waiting: usize,
    bytes: usize,
}

struct TableBuilder {
    leaves: Vec<Leaf>,
    extras: StringBuilder,
    records: Vec<i64>,
    // The outermost first.
    positions: Vec<Vec<i32>>,
    // For each nested list: where the items of each row begin.
    lists: Vec<(usize, Vec<i32>)>,
}

impl RecordBatchBuilder {
    /// Empty ones.
    #[must_use]
    pub fn new(layout: &Layout, form: Form) -> Self {
        let numbers = 0..layout.tables.len();
        let depths: Vec<usize> = numbers.clone().map(|table| layout.depth(table)).collect();
        let sheet = |table: usize| TableBuilder {
            leaves: layout.tables[table].columns.iter().map(Leaf::of).collect(),
            extras: StringBuilder::new(),
            records: Vec::new(),
            positions: vec![Vec::new(); depths[table]],
            lists: layout.lists(table).map(|(list, ..)| (list, Vec::new())).collect(),
        };
        Self {
            schemas: form.tables(layout).map(|table| Arc::new(arrow_layout::schema(layout, form, table))).collect(),
            gatherer: ListGatherer::new(layout),
            tables: numbers.clone().map(sheet).collect(),
            branches: numbers.map(|table| arrow_layout::branches(layout, table)).collect(),
            depths,
            layout: layout.clone(),
            form,
            extra: Vec::new(),
            records: 0,
            waiting: 0,
            bytes: 0,
        }
    }

    /// The schemas of the tables with their own columns.
    #[must_use]
    pub fn schemas(&self) -> &[SchemaRef] {
        &self.schemas
    }

    /// Adds an encoded record; returns its hash.
    ///
    /// # Errors
    /// When it is larger than columns can hold.
    pub fn take(&mut self, encoded: &[u8]) -> io::Result<[u8; HASH_LENGTH]> {
        let record = decoded(encoded)?;
        self.records += 1;
        self.waiting += 1;
        self.bytes += encoded.len();
        let Self { layout, depths, tables, gatherer, extra: rest, records, .. } = self;
        let form = self.form;
        rest.clear();
        record.rows(layout, depths, |table, positions, cells| {
            let Some((own, cells)) = cells.split_first() else { return Ok(()) };
            // Nested rows follow their parent.
            for list in 0..tables[table].lists.len() {
                let rows = tables[tables[table].lists[list].0].records.len();
                tables[table].lists[list].1.push(rows as i32);
            }
            let sheet = &mut tables[table];
            sheet.records.push(*records);
            for (column, position) in sheet.positions.iter_mut().zip(positions) {
                column.push(*position as i32);
            }
            for (leaf, cell) in sheet.leaves.iter_mut().zip(cells) {
                leaf.push(*cell)?;
            }
            match (form, own) {
                (Form::Nested, CellValue::Text(text)) => {
                    gatherer.add(table, positions, checked(text)?, rest);
                    Ok(())
                }
                (Form::Nested, _) => Ok(()),
                (Form::Flat, own) => text_into(&mut sheet.extras, *own),
            }
        })?;
        if self.form == Form::Nested {
            ListGatherer::end(&mut self.extra);
            let cell = if self.extra.is_empty() { CellValue::Null } else { CellValue::Text(&self.extra) };
            text_into(&mut self.tables[0].extras, cell)?;
        }
        Ok(record.hash)
    }

    /// Whether the batches should be built.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.waiting >= BATCH_RECORDS
    }

    /// Builds the batches, one for each of the [schemas](Self::schemas).
    ///
    /// # Errors
    /// When columns do not match their schema, which cannot happen.
    pub fn batches(&mut self) -> io::Result<Vec<RecordBatch>> {
        (self.waiting, self.bytes) = (0, 0);
        let schemas = self.schemas.clone();
        let batch = |(table, schema): (usize, SchemaRef)| {
            let columns = match self.form {
                Form::Nested => {
                    let branches = std::mem::take(&mut self.branches[table]);
                    let mut columns = self.nested(table, &branches, schema.fields());
                    self.branches[table] = branches;
                    let sheet = &mut self.tables[table];
                    sheet.records.clear();
                    if let Ok(columns) = &mut columns {
                        columns.push(Arc::new(sheet.extras.finish()));
                    }
                    columns
                }
                Form::Flat => Ok(self.tables[table].flat()),
            };
            columns.and_then(|columns| RecordBatch::try_new(schema, columns).map_err(failed))
        };
        schemas.into_iter().enumerate().map(batch).collect()
    }

    // The columns of a table as fields of a struct.
    fn nested(&mut self, table: usize, branches: &[Branch], fields: &Fields) -> io::Result<Vec<ArrayRef>> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(branches.len());
        for (branch, field) in branches.iter().zip(fields) {
            columns.push(match (&branch.kind, field.data_type()) {
                (Kind::Object(inner), DataType::Struct(fields)) => {
                    let parts = self.nested(table, inner, fields)?;
                    let present = any_present(&parts);
                    Arc::new(StructArray::try_new(fields.clone(), parts, present).map_err(failed)?)
                }
                (Kind::List(list), DataType::List(item)) => Arc::new(self.list(table, *list, item)?),
                (Kind::Column(at), _) => self.tables[table].leaves[*at].finish(),
                _ => Arc::new(Int32Array::from(self.tables[table].positions.last().cloned().unwrap_or_default())),
            });
        }
        Ok(columns)
    }

    fn list(&mut self, table: usize, list: usize, item: &FieldRef) -> io::Result<ListArray> {
        let DataType::Struct(fields) = item.data_type() else { return Err(io::Error::other("items of a list of objects are structs")) };
        let branches = std::mem::take(&mut self.branches[list]);
        let columns = self.nested(list, &branches, fields);
        self.branches[list] = branches;
        let sheet = &mut self.tables[list];
        let end = sheet.records.len();
        sheet.clear();
        let items = StructArray::try_new_with_length(fields.clone(), columns?, None, end).map_err(failed)?;
        let starts = self.tables[table].lists.iter_mut().find(|(of, _)| *of == list).map(|(_, starts)| std::mem::take(starts));
        let mut offsets = starts.unwrap_or_default();
        offsets.push(end as i32);
        // A list without rows is missing, or extra.
        let present: NullBuffer = offsets.windows(2).map(|pair| pair[0] < pair[1]).collect::<BooleanBuffer>().into();
        ListArray::try_new(Arc::clone(item), OffsetBuffer::new(offsets.into()), Arc::new(items), Some(present)).map_err(failed)
    }
}

// An object is present if any part of it is.
fn any_present(parts: &[ArrayRef]) -> Option<NullBuffer> {
    let mut present: Option<BooleanBuffer> = None;
    for part in parts {
        let own = part.nulls()?.inner();
        present = Some(present.map_or_else(|| own.clone(), |present| &present | own));
    }
    present.map(NullBuffer::new)
}

impl TableBuilder {
    fn clear(&mut self) {
        self.records.clear();
        self.positions.iter_mut().for_each(Vec::clear);
    }

    // The columns of a separate table.
    fn flat(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(std::mem::take(&mut self.records)))];
        columns.extend(self.positions.iter_mut().map(|positions| Arc::new(Int32Array::from(std::mem::take(positions))) as ArrayRef));
        columns.extend(self.leaves.iter_mut().map(Leaf::finish));
        columns.push(Arc::new(self.extras.finish()));
        self.lists.iter_mut().for_each(|(_, starts)| starts.clear());
        columns
    }
}

// A column being built.
enum Leaf {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    List { items: Box<Leaf>, item: FieldRef, ends: Vec<i32>, present: Vec<bool>, length: i32 },
}

impl Leaf {
    fn of(column: &Column) -> Self {
        match column.items {
            Some(items) => {
                let item = arrow_layout::scalar_item(items);
                Self::List { items: Box::new(Self::new(items)), item, ends: Vec::new(), present: Vec::new(), length: 0 }
            }
            None => Self::new(column.column_type),
        }
    }

    fn new(holds: ColumnType) -> Self {
        match holds {
            ColumnType::Text | ColumnType::Json => Self::Text(StringBuilder::new()),
            ColumnType::Integer => Self::Integer(Int64Builder::new()),
            ColumnType::Number => Self::Number(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn push(&mut self, cell: CellValue<'_>) -> io::Result<()> {
        match (self, cell) {
            (Self::Text(texts), cell) => text_into(texts, cell)?,
            (Self::Integer(numbers), cell) => numbers.append_option(integer(cell)),
            (Self::Number(numbers), cell) => numbers.append_option(if let CellValue::Real(number) = cell { Some(number) } else { None }),
            (Self::Boolean(flags), cell) => flags.append_option(if let CellValue::Boolean(flag) = cell { Some(flag) } else { None }),
            (Self::Date(days), cell) => days.append_option(integer(cell).and_then(|day| i32::try_from(day).ok())),
            (Self::Timestamp(moments), cell) => moments.append_option(integer(cell)),
            (Self::List { items, ends, present, length, .. }, cell) => {
                present.push(matches!(cell, CellValue::List(_)));
                if let CellValue::List(list) = cell {
                    for cell in list.cells() {
                        items.push(cell)?;
                        *length += 1;
                    }
                }
                ends.push(*length);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Integer(numbers) => Arc::new(numbers.finish()),
            Self::Number(numbers) => Arc::new(numbers.finish()),
            Self::Boolean(flags) => Arc::new(flags.finish()),
            Self::Date(days) => Arc::new(days.finish()),
            Self::Timestamp(moments) => Arc::new(moments.finish()),
            Self::List { items, item, ends, present, length } => {
                *length = 0;
                let offsets: Vec<i32> = std::iter::once(0).chain(std::mem::take(ends)).collect();
                let present = NullBuffer::from(std::mem::take(present));
                Arc::new(ListArray::new(Arc::clone(item), OffsetBuffer::new(offsets.into()), items.finish(), Some(present)))
            }
        }
    }
}

fn integer(cell: CellValue<'_>) -> Option<i64> {
    if let CellValue::Integer(number) = cell { Some(number) } else { None }
}

fn text_into(texts: &mut StringBuilder, cell: CellValue<'_>) -> io::Result<()> {
    match cell {
        CellValue::Text(text) => texts.append_value(checked(text)?),
        _ => texts.append_null(),
    }
    Ok(())
}

fn checked(text: &[u8]) -> io::Result<&str> {
    simdutf8::basic::from_utf8(text).map_err(io::Error::other)
}
