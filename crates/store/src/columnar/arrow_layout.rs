//! A layout as Arrow columns, which are also those of Parquet: names and types of the fields.
//!
//! [`Form::Nested`] is one table with objects as structs and lists as lists, under the members' own names.
//! [`Form::Flat`] has a table for each table of the layout, as in a database, joined by [`ID`] and [`RECORD`]. In both,
//! the metadata contain the layout, so that the records can be restored.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::extension::{ExtensionType, Json};
use arrow_schema::{DataType, Field, Fields, Metadata, Schema, TimeUnit};

use crate::relational::names::take;
use crate::relational::{Column, ColumnType, EXTRA, ID, Layout, POSITION, RECORD, pointer_to, position_column};

/// The metadata key of the layout, as JSON.
pub const LAYOUT: &str = "chancery_layout";
/// The metadata key of the form.
pub const FORM: &str = "chancery_form";
/// The metadata key of the table's name.
pub const TABLE: &str = "chancery_table";
/// The metadata key of the set: a hash of all records, shared by the files of one load.
pub const SET: &str = "chancery_set";

/// The layout of columnar files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One table; objects are structs, lists are lists.
    #[default]
    Nested,
    /// A table for the records and one for each list of objects.
    Flat,
}

impl Form {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nested => "nested",
            Self::Flat => "flat",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn by_word(word: &str) -> Option<Self> {
        [Self::Nested, Self::Flat].into_iter().find(|form| form.word() == word)
    }

    /// The layout as far as columns of this form use it.
    #[must_use]
    pub fn of(self, layout: Layout) -> Layout {
        match self {
            Self::Nested => layout,
            Self::Flat => layout.flat(),
        }
    }

    /// The indices of the tables with their own columns, and therefore their own file.
    pub fn tables(self, layout: &Layout) -> std::ops::Range<usize> {
        match self {
            Self::Nested => 0..1,
            Self::Flat => 0..layout.tables.len(),
        }
    }
}

/// A field of a struct, which represents a part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What the field is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The column with that index.
    Column(usize),
    /// An object.
    Object(Vec<Branch>),
    /// A list, whose items are the rows of the table with that index.
    List(usize),
    /// The position of an item, if nothing else is known about it: a struct needs a field.
    Position,
}

/// The fields of a table's rows with nested objects and lists, in the order of the schema.
#[must_use]
pub fn branches(layout: &Layout, table: usize) -> Vec<Branch> {
    let columns = layout.tables[table].columns.iter().enumerate().map(|(at, column)| (column.order, &column.path, Kind::Column(at)));
    let lists = layout.lists(table).map(|(number, _, list)| (list.order, &list.path, Kind::List(number)));
    let mut places: Vec<_> = columns.chain(lists).collect();
    places.sort_by_key(|(order, ..)| *order);
    let places: Vec<(&[String], Kind)> = places.into_iter().map(|(_, path, kind)| (path.as_slice(), kind)).collect();
    let mut branches = level(&places, if table == 0 { &[EXTRA] } else { &[] });
    if branches.is_empty() && table > 0 {
        branches.push(Branch { name: POSITION.to_owned(), kind: Kind::Position });
    }
    branches
}

// Parts of one object are adjacent.
fn level(places: &[(&[String], Kind)], reserved: &[&str]) -> Vec<Branch> {
    let mut taken: BTreeSet<String> = reserved.iter().map(|name| (*name).to_owned()).collect();
    let mut branches = Vec::new();
    for group in places.chunk_by(|(one, _), (other, _)| one.first() == other.first()) {
        let Some((path, kind)) = group.first() else { continue };
        let Some(member) = path.first() else { continue };
        let kind = if path.len() == 1 {
            kind.clone()
        } else {
            let inner: Vec<_> = group.iter().map(|(path, kind)| (&path[1..], kind.clone())).collect();
            Kind::Object(level(&inner, &[]))
        };
        branches.push(Branch { name: named(&mut taken, member), kind });
    }
    branches
}

// Engines do not distinguish names by case, and reject empty names and control characters.
fn named(taken: &mut BTreeSet<String>, member: &str) -> String {
    let plain: String = member.chars().map(|letter| if letter.is_control() { '_' } else { letter }).collect();
    take(taken, if plain.is_empty() { "value" } else { &plain }, member, usize::MAX)
}

/// The schema of a table of that form.
#[must_use]
pub fn schema(layout: &Layout, form: Form, table: usize) -> Schema {
    let mut fields = Vec::new();
    match form {
        Form::Nested => {
            fields.extend(nested(layout, table, &branches(layout, table)));
            fields.push(extra());
        }
        Form::Flat => {
            let depth = layout.depth(table);
            let own = if table == 0 { ID } else { RECORD };
            fields.push(Field::new(own, DataType::Int64, false));
            fields.extend((1..=depth).map(|at| Field::new(position_column(at, depth), DataType::Int32, false)));
            fields.extend(layout.tables[table].columns.iter().map(|column| field(&column.name, column)));
            fields.push(extra());
        }
    }
    let comment = layout.tables[table].comment.as_deref();
    Schema::new(fields).with_metadata(described(comment))
}

/// The metadata of a table besides its schema, in order.
///
/// # Errors
/// When the layout cannot be serialised, which cannot happen.
pub fn metadata(layout: &Layout, form: Form, table: usize) -> serde_json::Result<[(&'static str, String); 3]> {
    let name = layout.tables[table].name.clone();
    Ok([(FORM, form.word().to_owned()), (LAYOUT, serde_json::to_string(layout)?), (TABLE, name)])
}

fn nested(layout: &Layout, table: usize, branches: &[Branch]) -> Vec<Field> {
    let field = |branch: &Branch| match &branch.kind {
        Kind::Column(at) => field(&branch.name, &layout.tables[table].columns[*at]),
        Kind::Object(inner) => Field::new(&branch.name, DataType::Struct(nested(layout, table, inner).into()), true),
        Kind::List(list) => {
            let comment = layout.tables[*list].comment.as_deref();
            Field::new(&branch.name, DataType::List(item(layout, *list)), true).with_metadata(described(comment))
        }
        Kind::Position => Field::new(&branch.name, DataType::Int32, false),
    };
    branches.iter().map(field).collect()
}

/// The items of a list of objects.
#[must_use]
pub fn item(layout: &Layout, table: usize) -> Arc<Field> {
    let fields: Fields = nested(layout, table, &branches(layout, table)).into();
    Arc::new(Field::new(ITEM, DataType::Struct(fields), false))
}

/// Parquet's name of an item of a list.
const ITEM: &str = "element";

/// The items of a list of scalars.
#[must_use]
pub fn scalar_item(holds: ColumnType) -> Arc<Field> {
    Arc::new(Field::new(ITEM, type_of(holds), true))
}

fn field(name: &str, column: &Column) -> Field {
    let mut metadata = described(column.comment.as_deref());
    metadata.insert("pointer", pointer_to(&column.path));
    let field = match column.items {
        Some(items) => Field::new(name, DataType::List(scalar_item(items)), true),
        None => Field::new(name, type_of(column.column_type), true),
    };
    let is_json = column.items.is_none() && column.column_type == ColumnType::Json;
    json(field.with_metadata(metadata), is_json)
}

fn extra() -> Field {
    json(Field::new(EXTRA, DataType::Utf8, true), true)
}

// Engines with a JSON type use it for such a column; for the others it is text.
fn json(field: Field, is_json: bool) -> Field {
    if !is_json {
        return field;
    }
    let mut metadata = field.metadata().clone();
    metadata.insert(arrow_schema::extension::EXTENSION_TYPE_NAME_KEY, Json::NAME);
    metadata.insert(arrow_schema::extension::EXTENSION_TYPE_METADATA_KEY, "");
    field.with_metadata(metadata)
}

fn described(comment: Option<&str>) -> Metadata {
    let mut metadata = Metadata::new();
    if let Some(comment) = comment {
        metadata.insert("description", comment);
    }
    metadata
}

fn type_of(holds: ColumnType) -> DataType {
    match holds {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}
