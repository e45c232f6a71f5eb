//! The header of the tables that records were read from, for a table writer that keeps it.

use std::collections::HashSet;

use super::column::JSON;

/// The columns of an input, in order. Special columns, such as row numbers, are not included.
#[derive(Debug)]
pub struct Header {
    is_package: bool,
    tables: Vec<Table>,
    // Columns of the first table whose cells contain whole values, without columns for parts of them.
    whole: HashSet<String>,
    keeps_empty_rows: bool,
}

/// One table of an input.
#[derive(Debug)]
pub struct Table {
    /// The lists on the path to it, each as a JSON pointer inside the parent row.
    pub lists: Vec<String>,
    /// The columns, in the form of [`stored`](super::column::stored).
    pub columns: Vec<String>,
}

impl Header {
    /// The header of one table; `has_records`: it also has a column of whole records.
    #[must_use]
    pub fn of_table(columns: Vec<String>, has_records: bool) -> Self {
        let mut header = Self::new(vec![Table { lists: Vec::new(), columns }], false);
        let pointers: HashSet<&str> = header.whole.iter().map(|name| name.strip_suffix(JSON).unwrap_or(name)).collect();
        // A row with one empty cell would be a blank line.
        header.keeps_empty_rows = pointers.len() > 1 && !has_records;
        header
    }

    /// The headers of a package, whose lists have their own tables; the first is that of the records.
    #[must_use]
    pub fn of_package(tables: Vec<Table>) -> Self {
        Self::new(tables, true)
    }

    fn new(tables: Vec<Table>, is_package: bool) -> Self {
        let columns = tables.first().map_or(&[][..], |table| &table.columns);
        let pointers = columns.iter().map(|name| name.strip_suffix(JSON).unwrap_or(name));
        let parents: HashSet<&str> = pointers.flat_map(|name| name.match_indices('/').map(|(at, _)| &name[..at])).collect();
        let whole = columns.iter().filter(|name| !parents.contains(name.as_str())).cloned().collect();
        Self { is_package, tables, whole, keeps_empty_rows: false }
    }

    /// Whether the tables are those of a package.
    #[must_use]
    pub fn is_package(&self) -> bool {
        self.is_package
    }

    /// The tables, each after its parents.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Whether a record without members is a row of empty cells.
    #[must_use]
    pub fn keeps_empty_rows(&self) -> bool {
        self.keeps_empty_rows
    }

    /// Whether a column of the first table contains the whole value at `pointer`; with `~json` after it, as JSON text.
    #[must_use]
    pub fn is_whole(&self, column: &str) -> bool {
        self.whole.contains(column)
    }
}
