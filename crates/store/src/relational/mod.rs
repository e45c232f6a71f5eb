//! Records as rows of tables: the tables and columns for the shape of a schema, for databases and other stores of tables.
//!
//! A [`Layout`] has a table for the records and one for each list of objects. Nested objects are flattened; scalars
//! have a typed column; lists of scalars, maps and members of several types are columns of JSON text. Values that a
//! column cannot represent exactly are in the row's [extra column](EXTRA), a JSON object from pointers to values, so
//! that null, missing and "" stay distinct, numbers keep their text, and no record is rejected.
//!
//! [`shred`] splits records into rows, [`assemble`] restores them, [`sql`] generates SQL, [`migration`] compares
//! layouts. [`gather`] is for stores in which the lists of a record are in its own row.

pub mod migration;
pub mod digest;
pub mod gather;
pub mod assemble;
pub(super) mod names;
pub mod shred;
pub mod sql;

use serde::{Deserialize, Serialize};

use self::names::Names;
use chancery_core::tree::pointer;
use chancery_schema::Shape;
use chancery_schema::annotation_index;
use chancery_schema::shape::{Part, Types};

/// The column of a record's number in its table.
pub const ID: &str = "_id";
/// The column of the text that identifies a record.
pub const KEY: &str = "_key";
/// The column of the hash of a record's content.
pub const HASH: &str = "_hash";
/// The column of the load that wrote a record last.
pub const LOAD: &str = "_load";
/// The column of values that the others cannot represent.
pub const EXTRA: &str = "_extra";
/// The column of the whole record as JSON, if requested.
pub const WHOLE: &str = "_json";
/// The column of the record to which a row of a list belongs.
pub const RECORD: &str = "_record";
/// The column of a row's position in its list, from 0.
pub const POSITION: &str = "_position";

/// Beyond these, the rest is in columns of JSON text or in the extra column; databases do not allow many more.
const MOST_TABLES: usize = 400;
const MOST_COLUMNS: usize = 500;

/// The tables of a collection of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The name of the collection.
    pub collection: String,
    /// JSON pointers to the parts of a record's key; none if records have no key.
    pub key: Vec<String>,
    /// The table of records, then those of lists, each after its parent.
    pub tables: Vec<Table>,
    /// The name of the view with one row per record, in which lists are JSON.
    pub view: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// For a list: the table of the object that contains it, and the path from that object to the list.
    pub list: Option<List>,
    /// Its columns for values, in the order of the schema.
    pub columns: Vec<Column>,
    /// The description in the schema.
    pub comment: Option<String>,
}

/// The location of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The index of the table whose rows have the list.
    pub of: usize,
    /// Names of the members that lead from a row's object to the list.
    pub path: Vec<String>,
    /// The name of the list's column in the view.
    pub column: String,
    /// The position of the list among its sibling members.
    pub order: usize,
}

/// A column for values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Names of the members that lead from a row's object to the value; none if the value is the whole record.
    pub path: Vec<String>,
    /// Its type.
    pub column_type: ColumnType,
    /// The type of the items, if the value is a list of scalars; stores without lists have them as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ColumnType>,
    /// The position of the value among its sibling members.
    pub order: usize,
    /// The name of its index, for keys and references.
    pub index: Option<String>,
    /// The description in the schema.
    pub comment: Option<String>,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Any text.
    Text,
    /// An integer of 64 bits.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date.
    Date,
    /// A timestamp.
    Timestamp,
    /// Any value as JSON text.
    Json,
}

/// Why a collection cannot have that name in any store; `None` if it can.
#[must_use]
pub fn refused_name(collection: &str) -> Option<&'static str> {
    let table = names::plain(&[collection.to_owned()]);
    let is_of = |owner: &str| table.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    if !collection.chars().any(char::is_alphanumeric) {
        Some("it has no letters")
    } else if collection.len() > names::LONGEST {
        Some("it is too long")
    } else if collection.chars().any(char::is_control) {
        Some("it has a control character")
    } else if is_of("sqlite") || is_of("pg") {
        Some("the names of its tables are reserved by the database")
    } else if collection.starts_with("_chancery") {
        Some("it is reserved for chancery's own tables")
    } else {
        None
    }
}

impl Layout {
    /// The tables for records of `shape`. Names of `stored` are kept for the same paths.
    #[must_use]
    pub fn new(shape: &Shape, collection: &str, key: &[String], stored: Option<&Layout>) -> Self {
        Self::among(&[], shape, collection, key, stored)
    }

    /// Like [`Layout::new`], in a database with tables of other collections, whose names are taken.
    #[must_use]
    pub fn among(others: &[Layout], shape: &Shape, collection: &str, key: &[String], stored: Option<&Layout>) -> Self {
        let mut names = Names::default();
        others.iter().for_each(|other| names.reserve(other));
        if let Some(stored) = stored {
            names.reserve(stored);
        }
        let root = shape.root();
        let name = names.table(stored.map(|stored| &*stored.tables[0].name), collection, collection);
        let view = names.table(stored.map(|stored| &*stored.view), &format!("{collection}_view"), "view");
        let mut derived = LayoutBuilder {
            layout: Self { collection: collection.to_owned(), key: key.to_vec(), tables: Vec::new(), view },
            stored,
            names,
            order: 0,
        };
        let table = Table { name, list: None, columns: Vec::new(), comment: comment(root) };
        derived.table(table, root, &mut Vec::new());
        let mut layout = derived.layout;
        if stored.is_some_and(|stored| stored.tables[0].columns.iter().any(Column::is_whole)) {
            layout.keep_whole();
        }
        layout
    }

    /// Adds the column of whole records. A database that has it keeps it.
    pub fn keep_whole(&mut self) {
        let columns = &mut self.tables[0].columns;
        if columns.iter().any(Column::is_whole) {
            return;
        }
        let comment = Some("The whole record.".to_owned());
        columns.push(Column {
            name: WHOLE.to_owned(),
            path: Vec::new(),
            column_type: ColumnType::Json,
            items: None,
            order: usize::MAX,
            index: None,
            comment,
        });
    }

    /// Whether the tables are in order: records first, each list after its parent.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut tables = self.tables.iter().enumerate();
        !self.tables.is_empty() && tables.all(|(number, table)| table.list.as_ref().map_or(number == 0, |list| list.of < number))
    }

    /// The same without columns of lists.
    #[must_use]
    pub fn flat(mut self) -> Self {
        self.tables.iter_mut().flat_map(|table| &mut table.columns).for_each(|column| column.items = None);
        self
    }

    /// The tables of lists directly below a table, with their indices.
    pub fn lists(&self, of: usize) -> impl Iterator<Item = (usize, &Table, &List)> {
        let tables = self.tables.iter().enumerate();
        tables.filter_map(move |(number, table)| table.list.as_ref().filter(|list| list.of == of).map(|list| (number, table, list)))
    }

    /// The nesting depth of a table: 0 for records.
    #[must_use]
    pub fn depth(&self, table: usize) -> usize {
        self.tables[table].list.as_ref().map_or(0, |list| 1 + self.depth(list.of))
    }

    /// The path from the record to a table's lists, which identifies a table: member names, and `*` for items.
    #[must_use]
    pub fn path(&self, table: usize) -> String {
        self.tables[table].list.as_ref().map_or_else(String::new, |list| self.list_path(list.of, &list.path))
    }

    fn list_path(&self, of: usize, list: &[String]) -> String {
        let mut path = self.path(of);
        if of != 0 {
            path.push_str("/*");
        }
        list.iter().for_each(|name| pointer::push(&mut path, name));
        path
    }

    /// Removes missing tables and columns: `columns` has the names of existing ones, by table. Without the table of
    /// records nothing is left.
    pub fn keep(&mut self, columns: &[Vec<String>]) {
        let mut numbers = vec![None; self.tables.len()];
        let mut kept = Vec::new();
        for (number, mut table) in std::mem::take(&mut self.tables).into_iter().enumerate() {
            let of = table.list.as_ref().map(|list| numbers[list.of]);
            if columns[number].is_empty() || of == Some(None) {
                continue;
            }
            table.columns.retain(|column| columns[number].contains(&column.name));
            if let (Some(list), Some(Some(of))) = (&mut table.list, of) {
                list.of = of;
            }
            numbers[number] = Some(kept.len());
            kept.push(table);
        }
        self.tables = kept;
    }

    /// The index of the table with that path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        (0..self.tables.len()).find(|table| self.path(*table) == path)
    }
}

impl Column {
    /// Whether the column contains the whole record.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.path.is_empty()
    }
}

/// A path of member names as a JSON pointer.
#[must_use]
pub fn pointer_to<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().fold(String::new(), |mut text, name| {
        pointer::push(&mut text, name.as_ref());
        text
    })
}

/// The name of the position column of the list at nesting depth `depth`, for rows that are nested deeper.
#[must_use]
pub fn position_column(depth: usize, own: usize) -> String {
    if depth == own { POSITION.to_owned() } else { format!("{POSITION}_{depth}") }
}

struct LayoutBuilder<'a> {
    layout: Layout,
    stored: Option<&'a Layout>,
    names: Names,
    order: usize,
}

impl<'a> LayoutBuilder<'a> {
    fn table(&mut self, table: Table, part: Part<'_>, above: &mut Vec<u32>) {
        let number = self.layout.tables.len();
        self.layout.tables.push(table);
        let path = self.layout.path(number);
        let stored = self.stored.and_then(|stored| stored.find(&path).map(|found| (stored, found)));
        self.names.begin_table(stored);
        let mut lists = Vec::new();
        above.push(part.id());
        self.members(number, part, &mut Vec::new(), above, &mut lists, stored);
        for (path, name, item, order) in lists {
            let wanted = format!("{}_{}", self.layout.tables[number].name, names::plain(&path));
            let identity = self.layout.list_path(number, &path);
            let known = self.stored.and_then(|stored| stored.find(&identity).map(|found| &*stored.tables[found].name));
            let list = Table {
                name: self.names.table(known, &wanted, &identity),
                list: Some(List { of: number, path, column: name, order }),
                columns: Vec::new(),
                comment: comment(item),
            };
            self.table(list, item, above);
        }
        above.pop();
    }

    fn members<'s>(
        &mut self,
        table: usize,
        part: Part<'s>,
        path: &mut Vec<String>,
        above: &mut Vec<u32>,
        lists: &mut Vec<(Vec<String>, String, Part<'s>, usize)>,
        stored: Option<(&'a Layout, usize)>,
    ) {
        for (name, member) in part.members() {
            let types = member.types().without(Types::NULL);
            if types == Types::NONE {
                continue;
            }
            path.push(name.to_owned());
            let declares = |part: Part<'_>| part.members().next().is_some() && !above.contains(&part.id());
            let item = member.item(0);
            if types == Types::OBJECT && declares(member) {
                above.push(member.id());
                self.members(table, member, path, above, lists, stored);
                above.pop();
            } else if types == Types::ARRAY
                && member.prefix_len() == 0
                && item.types() == Types::OBJECT
                && declares(item)
                && self.layout.tables.len() + lists.len() < MOST_TABLES
            {
                let known = stored.and_then(|(stored, found)| stored.lists(found).find(|(_, _, list)| list.path == *path));
                let column = self.names.column(known.map(|(_, _, list)| &*list.column), path);
                lists.push((path.clone(), column, item, self.order));
                self.order += 1;
            } else if self.layout.tables[table].columns.len() < MOST_COLUMNS {
                self.column(table, member, types, path, stored);
            }
            path.pop();
        }
    }

    fn column(&mut self, table: usize, part: Part<'_>, types: Types, path: &[String], stored: Option<(&Layout, usize)>) {
        let known = stored.and_then(|(stored, found)| stored.tables[found].columns.iter().find(|column| column.path == path));
        let name = self.names.column(known.map(|column| &*column.name), path);
        let pointer = pointer_to(path);
        let column_type = column_type_of(part, types);
        let is_key = self.layout.tables[table].list.is_none() && self.layout.key.contains(&pointer);
        let looked_for = is_key || annotation_index::compile_annotation(part, "x-references").is_some();
        let index = (looked_for && column_type != ColumnType::Json).then(|| {
            let wanted = format!("{}_{name}_index", self.layout.tables[table].name);
            let identity = format!("index {} {pointer}", self.layout.path(table));
            self.names.table(known.and_then(|column| column.index.as_deref()), &wanted, &identity)
        });
        let items = (types == Types::ARRAY && part.prefix_len() == 0)
            .then(|| part.item(0))
            .map(|item| column_type_of(item, item.types().without(Types::NULL)))
            .filter(|items| *items != ColumnType::Json);
        let column = Column { name, path: path.to_vec(), column_type, items, order: self.order, index, comment: comment(part) };
        self.layout.tables[table].columns.push(column);
        self.order += 1;
    }
}

fn column_type_of(part: Part<'_>, types: Types) -> ColumnType {
    match types {
        Types::BOOLEAN => ColumnType::Boolean,
        Types::INTEGER => ColumnType::Integer,
        Types::STRING => match part.format() {
            Some("date") => ColumnType::Date,
            Some("date-time") => ColumnType::Timestamp,
            _ => ColumnType::Text,
        },
        types if types.within(Types::NUMBER) => ColumnType::Number,
        _ => ColumnType::Json,
    }
}

fn comment(part: Part<'_>) -> Option<String> {
    let text = part.description().or_else(|| part.title())?;
    // Control characters are not allowed in a comment, and a database rejects one of them.
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(plain.trim().to_owned()).filter(|text| !text.is_empty())
}
