//! A layout in SQL: tables with keys, indexes and comments, and a view with one row per record.

use std::fmt::Write as _;

use super::shred::Dialect;
use super::{Column, ColumnType, EXTRA, HASH, ID, KEY, LOAD, Layout, POSITION, RECORD, Table, position_column};

/// A name as an identifier.
#[must_use]
pub fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A text as a literal.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The type of a column.
#[must_use]
pub fn type_of(column_type: ColumnType, dialect: Dialect) -> &'static str {
    match (column_type, dialect) {
        (ColumnType::Integer, Dialect::Sqlite) => "INTEGER",
        (ColumnType::Number, Dialect::Sqlite) => "REAL",
        (ColumnType::Boolean, Dialect::Sqlite) => "BOOLEAN",
        (_, Dialect::Sqlite) => "TEXT",
        (ColumnType::Text, Dialect::Postgres) => "text",
        (ColumnType::Integer, Dialect::Postgres) => "bigint",
        (ColumnType::Number, Dialect::Postgres) => "numeric",
        (ColumnType::Boolean, Dialect::Postgres) => "boolean",
        (ColumnType::Date, Dialect::Postgres) => "date",
        (ColumnType::Timestamp, Dialect::Postgres) => "timestamp with time zone",
        // Not jsonb, which changes the text of numbers and rejects some texts.
        (ColumnType::Json, Dialect::Postgres) => "json",
    }
}

/// Statements that create everything, in order, without semicolons.
#[must_use]
pub fn create(layout: &Layout, dialect: Dialect) -> Vec<String> {
    let mut statements = own(dialect);
    for number in 0..layout.tables.len() {
        statements.push(table(layout, number, dialect));
        // SQLite sorts the keys of a first load at its end if the index is separate.
        if number == 0 && dialect == Dialect::Sqlite {
            let record = &layout.tables[0].name;
            statements.push(format!("CREATE UNIQUE INDEX {} ON {} (\"{KEY}\")", name(&format!("{record}_{KEY}")), name(record)));
        }
        statements.extend(comments(&layout.tables[number], dialect));
        let columns = layout.tables[number].columns.iter();
        statements.extend(columns.filter_map(|column| index(&layout.tables[number], column, dialect)));
    }
    statements.push(view(layout, dialect));
    statements
}

/// The tables that all collections share: of loads, layouts, findings, and cached results.
#[must_use]
pub fn own(dialect: Dialect) -> Vec<String> {
    let (id, number, bytes) = match dialect {
        Dialect::Sqlite => ("INTEGER PRIMARY KEY", "INTEGER", "TEXT"),
        Dialect::Postgres => ("bigint PRIMARY KEY", "bigint", "text"),
    };
    let counts =
        ["records", "added", "updated", "unchanged", "removed", "rejected"].map(|name| format!("  \"{name}\" {number} NOT NULL,\n"));
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS \"_chancery_load\" (\n  \"id\" {id},\n  \"collection\" {bytes} NOT NULL,\n  \"mode\" {bytes} NOT NULL,\n  \
             \"schema_sha256\" {bytes} NOT NULL,\n  \"inputs\" {bytes} NOT NULL,\n{}  \"ended\" {bytes} NOT NULL\n)",
            counts.concat()
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS \"_chancery_layout\" (\n  \"collection\" {bytes} NOT NULL PRIMARY KEY,\n  \"layout\" {bytes} NOT NULL\n)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS \"_chancery_findings\" (\n  \"load\" {number} NOT NULL REFERENCES \"_chancery_load\" (\"id\") ON DELETE \
             CASCADE,\n  \"position\" {number} NOT NULL,\n  \"code\" {bytes} NOT NULL,\n  \"severity\" {bytes} NOT NULL,\n  \"message\" {bytes} \
             NOT NULL,\n  \"file\" {bytes},\n  \"line\" {number},\n  \"record\" {number},\n  \"key\" {bytes},\n  \"pointer\" {bytes},\n  \
             \"finding\" {bytes} NOT NULL,\n  PRIMARY KEY (\"load\", \"position\")\n)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS \"_chancery_load_cache\" (\n  \"collection\" {bytes} NOT NULL PRIMARY KEY,\n  \"load\" {number} NOT NULL \
             REFERENCES \"_chancery_load\" (\"id\") ON DELETE CASCADE,\n  \"fingerprint\" {bytes} NOT NULL,\n  \"content\" {bytes} NOT \
             NULL,\n  \"failed\" {number} NOT NULL,\n  \"report\" {bytes} NOT NULL\n)"
        ),
    ]
}

/// The table of SQLite that says what each collection held when it was loaded last, and how often the file had been changed then.
#[must_use]
pub fn checksums() -> String {
    "CREATE TABLE IF NOT EXISTS \"_chancery_checksum\" (\n  \"collection\" TEXT NOT NULL PRIMARY KEY,\n  \"content\" TEXT NOT NULL,\n  \
     \"change_counter\" INTEGER NOT NULL\n)"
        .to_owned()
}

/// The statement that creates a table.
#[must_use]
pub fn table(layout: &Layout, number: usize, dialect: Dialect) -> String {
    let table = &layout.tables[number];
    let sqlite = dialect == Dialect::Sqlite;
    let (number_type, text, bytes) = if sqlite { ("INTEGER", "TEXT", "BLOB") } else { ("bigint", "text", "bytea") };
    // The lines, and the descriptions in the schema.
    let mut lines: Vec<(String, Option<&str>)> = Vec::new();
    let mut keys = Vec::new();
    if let Some(list) = &table.list {
        let depth = layout.depth(number);
        let own = (1..=depth).map(|at| position_column(at, depth));
        let record = name(&layout.tables[0].name);
        lines.push((format!("\"{RECORD}\" {number_type} NOT NULL"), None));
        lines.extend(own.clone().map(|column| (format!("\"{column}\" {number_type} NOT NULL"), None)));
        let columns = |depth: usize, own: usize| {
            let positions = (1..=depth).map(|at| name(&position_column(at, own)));
            std::iter::once(name(RECORD)).chain(positions).collect::<Vec<_>>().join(", ")
        };
        keys.push(format!("PRIMARY KEY ({})", columns(depth, depth)));
        keys.push(if list.of == 0 {
            format!("FOREIGN KEY (\"{RECORD}\") REFERENCES {record} (\"{ID}\") ON DELETE CASCADE")
        } else {
            let (here, there) = (columns(depth - 1, depth), columns(depth - 1, depth - 1));
            format!("FOREIGN KEY ({here}) REFERENCES {} ({there}) ON DELETE CASCADE", name(&layout.tables[list.of].name))
        });
    } else {
        lines.push((format!("\"{ID}\" {number_type} PRIMARY KEY"), None));
        lines.push((format!("\"{KEY}\" {text} NOT NULL{}", if sqlite { "" } else { " UNIQUE" }), None));
        lines.push((format!("\"{HASH}\" {bytes} NOT NULL"), None));
        lines.push((format!("\"{LOAD}\" {number_type} NOT NULL"), None));
    }
    lines.push((format!("\"{EXTRA}\" {}", type_of(ColumnType::Json, dialect)), None));
    for column in &table.columns {
        lines.push((format!("{} {}", name(&column.name), type_of(column.column_type, dialect)), column.comment.as_deref()));
    }
    lines.extend(keys.into_iter().map(|key| (key, None)));
    let mut text = String::new();
    if let Some(comment) = table.comment.as_deref().filter(|_| sqlite) {
        let _ = writeln!(text, "-- {comment}");
    }
    let _ = writeln!(text, "CREATE TABLE {} (", name(&table.name));
    let last = lines.len() - 1;
    for (at, (line, comment)) in lines.iter().enumerate() {
        let comma = if at == last { "" } else { "," };
        let comment = comment.filter(|_| sqlite).map_or_else(String::new, |comment| format!(" -- {comment}"));
        let _ = writeln!(text, "  {line}{comma}{comment}");
    }
    // Rows are read in key order, so they are stored in it.
    text.push_str(if sqlite && table.list.is_some() { ") WITHOUT ROWID" } else { ")" });
    text
}

fn comments(table: &Table, dialect: Dialect) -> Vec<String> {
    if dialect == Dialect::Sqlite {
        return Vec::new();
    }
    let of_table = table.comment.iter().map(|comment| format!("COMMENT ON TABLE {} IS {}", name(&table.name), literal(comment)));
    of_table.chain(table.columns.iter().filter_map(|column| comment(table, column, dialect))).collect()
}

/// The statement that comments a column, if it has a description.
#[must_use]
pub fn comment(table: &Table, column: &Column, dialect: Dialect) -> Option<String> {
    let text = column.comment.as_deref().filter(|_| dialect == Dialect::Postgres)?;
    Some(format!("COMMENT ON COLUMN {}.{} IS {}", name(&table.name), name(&column.name), literal(text)))
}

/// The statement that creates a column's index, if it has one.
#[must_use]
pub fn index(table: &Table, column: &Column, dialect: Dialect) -> Option<String> {
    let index = column.index.as_deref()?;
    // Other PostgreSQL index types reject long texts.
    let using = if dialect == Dialect::Postgres && column.column_type == ColumnType::Text { " USING hash" } else { "" };
    Some(format!("CREATE INDEX {} ON {}{using} ({})", name(index), name(&table.name), name(&column.name)))
}

/// The statement that creates the view: a row for each record, with lists as JSON.
#[must_use]
pub fn view(layout: &Layout, dialect: Dialect) -> String {
    let record = &layout.tables[0];
    let mut columns = vec![format!("r.\"{ID}\""), format!("r.\"{KEY}\""), format!("r.\"{EXTRA}\"")];
    columns.extend(record.columns.iter().map(|column| format!("r.{}", name(&column.name))));
    columns.extend(layout.lists(0).map(|(number, _, list)| format!("{} AS {}", items(layout, number, dialect), name(&list.column))));
    format!("CREATE VIEW {} AS\nSELECT\n  {}\nFROM {} r", name(&layout.view), columns.join(",\n  "), name(&record.name))
}

// The items of a list as a subquery that returns JSON.
fn items(layout: &Layout, number: usize, dialect: Dialect) -> String {
    let table = &layout.tables[number];
    let depth = layout.depth(number);
    let of = table.list.as_ref().map_or(0, |list| list.of);
    let above = if of == 0 { "r".to_owned() } else { format!("t{of}") };
    let here = format!("t{number}");
    let mut condition = format!("\"{RECORD}\" = {above}.\"{}\"", if of == 0 { ID } else { RECORD });
    for at in 1..depth {
        let _ = write!(condition, " AND \"{}\" = {above}.\"{}\"", position_column(at, depth), position_column(at, depth - 1));
    }
    // In list order: an aggregate takes rows in any order.
    let rows = format!("(SELECT * FROM {} WHERE {condition} ORDER BY \"{POSITION}\") {here}", name(&table.name));
    let lists: Vec<(String, String)> =
        layout.lists(number).map(|(below, _, list)| (list.column.clone(), items(layout, below, dialect))).collect();
    let rest = format!("{here}.\"{EXTRA}\"");
    match dialect {
        Dialect::Sqlite => {
            let json = |value: &str| format!("json({value})");
            let mut pairs = vec![(EXTRA.to_owned(), json(&rest))];
            for column in &table.columns {
                let value = format!("{here}.{}", name(&column.name));
                let value = match column.column_type {
                    ColumnType::Json => json(&value),
                    ColumnType::Boolean => json(&format!("CASE {value} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END")),
                    _ => value,
                };
                pairs.push((column.name.clone(), value));
            }
            pairs.extend(lists.into_iter().map(|(column, items)| (column, json(&items))));
            // A function takes at most 127 arguments.
            let mut objects = pairs.chunks(60).map(|pairs| {
                let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}, {value}", literal(name))).collect();
                format!("json_object({})", pairs.join(", "))
            });
            let first = objects.next().unwrap_or_default();
            let object = objects.fold(first, |all, object| format!("json_patch({all}, {object})"));
            format!("(SELECT nullif(json_group_array({object}), '[]') FROM {rows})")
        }
        Dialect::Postgres => {
            let mut columns = vec![rest];
            columns.extend(table.columns.iter().map(|column| format!("{here}.{}", name(&column.name))));
            columns.extend(lists.into_iter().map(|(column, items)| format!("{items} AS {}", name(&column))));
            let columns = columns.join(", ");
            format!("(SELECT json_agg(row_to_json(v{number})) FROM (SELECT {columns} FROM {rows}) v{number})")
        }
    }
}
