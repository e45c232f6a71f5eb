//! Migrates a stored layout to the wanted one: the statements, and which of them would lose data.
//!
//! New tables and columns and wider types are added automatically. A change that would lose values has a query that
//! checks whether there are any; the user must run it.

use super::shred::Dialect;
use super::sql::{self, name};
use super::{Column, ColumnType, Layout, Table};

/// A step from one layout to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What happens, and why.
    pub description: String,
    /// The statements.
    pub statements: Vec<String>,
    /// A query that returns a row if values would be lost.
    pub data_loss_check: Option<String>,
    /// The kind of step.
    pub kind: MigrationKind,
}

/// The kind of a migration step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationKind {
    /// Something new, or a wider type.
    Extend,
    /// The schema no longer has a member or list.
    Removed,
    /// A column would get a narrower type.
    Narrower,
    /// Records would have another key.
    Key,
}

/// The steps from `stored` to `wanted`.
#[must_use]
pub fn compare(stored: &Layout, wanted: &Layout, dialect: Dialect) -> Vec<Migration> {
    let mut changes = Vec::new();
    if stored.key != wanted.key {
        let record = name(&stored.tables[0].name);
        let key = |layout: &Layout| if layout.key.is_empty() { "no key".to_owned() } else { layout.key.join(" ") };
        changes.push(Migration {
            description: format!("records have the key {}, but the schema declares {}", key(stored), key(wanted)),
            // Not every shell enforces foreign keys.
            statements: stored.tables.iter().rev().map(|table| format!("DELETE FROM {}", name(&table.name))).collect(),
            data_loss_check: Some(format!("SELECT 1 FROM {record} LIMIT 1")),
            kind: MigrationKind::Key,
        });
    }
    for (number, table) in wanted.tables.iter().enumerate() {
        match stored.find(&wanted.path(number)) {
            None => changes.push(new_table(wanted, number, dialect)),
            Some(found) => columns(&stored.tables[found], table, dialect, &mut changes),
        }
    }
    // Nested tables are dropped first.
    for (number, table) in stored.tables.iter().enumerate().rev() {
        if wanted.find(&stored.path(number)).is_none() {
            let table_name = name(&table.name);
            changes.push(Migration {
                description: format!("the schema no longer has the list {} of table {}", stored.path(number), table.name),
                // A database rejects to drop a table that others refer to.
                statements: below(stored, number)
                    .map(|below| format!("DROP TABLE IF EXISTS {}", name(&stored.tables[below].name)))
                    .collect(),
                data_loss_check: Some(format!("SELECT 1 FROM {table_name} LIMIT 1")),
                kind: MigrationKind::Removed,
            });
        }
    }
    changes
}

// The tables of the lists in a table's rows, the deepest first, and the table itself.
fn below(layout: &Layout, number: usize) -> impl Iterator<Item = usize> {
    let is_below = move |mut table: usize| {
        while let Some(list) = layout.tables[table].list.as_ref().filter(|_| table != number) {
            table = list.of;
        }
        table == number
    };
    (number..layout.tables.len()).rev().filter(move |table| is_below(*table))
}

fn new_table(wanted: &Layout, number: usize, dialect: Dialect) -> Migration {
    let table = &wanted.tables[number];
    let mut statements = vec![sql::table(wanted, number, dialect)];
    statements.extend(table.columns.iter().filter_map(|column| sql::comment(table, column, dialect)));
    statements.extend(table.columns.iter().filter_map(|column| sql::index(table, column, dialect)));
    Migration { description: format!("new table {}", table.name), statements, data_loss_check: None, kind: MigrationKind::Extend }
}

fn columns(stored: &Table, wanted: &Table, dialect: Dialect, changes: &mut Vec<Migration>) {
    let table = name(&wanted.name);
    let drop_index = |column: &Column| column.index.as_ref().map(|index| format!("DROP INDEX {}", name(index)));
    for column in &wanted.columns {
        let column_name = name(&column.name);
        let Some(before) = stored.columns.iter().find(|before| before.path == column.path) else {
            let mut statements =
                vec![format!("ALTER TABLE {table} ADD COLUMN {column_name} {}", sql::type_of(column.column_type, dialect))];
            statements.extend(sql::comment(wanted, column, dialect));
            statements.extend(sql::index(wanted, column, dialect));
            let describe = format!("new column {} of table {}", column.name, wanted.name);
            changes.push(Migration { description: describe, statements, data_loss_check: None, kind: MigrationKind::Extend });
            continue;
        };
        if before.column_type != column.column_type {
            let describe = |how: &str| {
                let (from, to) = (sql::type_of(before.column_type, dialect), sql::type_of(column.column_type, dialect));
                format!("column {} of table {} {how} {to} instead of {from}", column.name, wanted.name)
            };
            if let Some(mut statements) = widen(&table, &column_name, before.column_type, column.column_type, dialect) {
                if !statements.is_empty() {
                    statements.splice(0..0, drop_index(before));
                    statements.extend(sql::index(wanted, column, dialect));
                }
                changes.push(Migration {
                    description: describe("becomes"),
                    statements,
                    data_loss_check: None,
                    kind: MigrationKind::Extend,
                });
            } else {
                let mut statements: Vec<String> = drop_index(before).into_iter().collect();
                statements.push(format!("ALTER TABLE {table} DROP COLUMN {column_name}"));
                let mut change =
                    Migration { description: describe("would be"), statements, data_loss_check: None, kind: MigrationKind::Narrower };
                change.data_loss_check = Some(format!("SELECT 1 FROM {table} WHERE {column_name} IS NOT NULL LIMIT 1"));
                changes.push(change);
                let mut statements =
                    vec![format!("ALTER TABLE {table} ADD COLUMN {column_name} {}", sql::type_of(column.column_type, dialect))];
                statements.extend(sql::index(wanted, column, dialect));
                changes.push(Migration { description: describe("is"), statements, data_loss_check: None, kind: MigrationKind::Extend });
            }
        } else if before.index != column.index {
            let statements: Vec<String> = drop_index(before).into_iter().chain(sql::index(wanted, column, dialect)).collect();
            let describe = format!("index of column {} of table {}", column.name, wanted.name);
            changes.push(Migration { description: describe, statements, data_loss_check: None, kind: MigrationKind::Extend });
        }
    }
    for column in stored.columns.iter().filter(|before| wanted.columns.iter().all(|column| column.path != before.path)) {
        let column_name = name(&column.name);
        let mut statements: Vec<String> = drop_index(column).into_iter().collect();
        statements.push(format!("ALTER TABLE {table} DROP COLUMN {column_name}"));
        changes.push(Migration {
            description: format!(
                "the schema no longer has {}, column {} of table {}",
                super::pointer_to(&column.path),
                column.name,
                wanted.name
            ),
            statements,
            data_loss_check: Some(format!("SELECT 1 FROM {table} WHERE {column_name} IS NOT NULL LIMIT 1")),
            kind: MigrationKind::Removed,
        });
    }
}

// The statements that widen a column; `None` if it would become narrower.
fn widen(table: &str, column: &str, from: ColumnType, to: ColumnType, dialect: Dialect) -> Option<Vec<String>> {
    let is_text = |column_type: ColumnType| matches!(column_type, ColumnType::Text | ColumnType::Date | ColumnType::Timestamp);
    match dialect {
        // These types are the same in SQLite, which also stores any number in an integer column.
        Dialect::Sqlite if is_text(from) && is_text(to) || (from, to) == (ColumnType::Integer, ColumnType::Number) => Some(Vec::new()),
        Dialect::Sqlite if to == ColumnType::Json && is_text(from) => {
            Some(vec![format!("UPDATE {table} SET {column} = json_quote({column}) WHERE {column} IS NOT NULL")])
        }
        Dialect::Sqlite if to == ColumnType::Json => {
            let old = format!("{}_before\"", column.trim_end_matches('"'));
            let text = match from {
                ColumnType::Boolean => format!("CASE {old} WHEN 0 THEN 'false' ELSE 'true' END"),
                ColumnType::Integer => format!("CAST({old} AS TEXT)"),
                // SQLite would round; the function is registered during a load.
                _ => format!("chancery_number({old})"),
            };
            Some(vec![
                format!("ALTER TABLE {table} RENAME COLUMN {column} TO {old}"),
                format!("ALTER TABLE {table} ADD COLUMN {column} TEXT"),
                format!("UPDATE {table} SET {column} = {text} WHERE {old} IS NOT NULL"),
                format!("ALTER TABLE {table} DROP COLUMN {old}"),
            ])
        }
        Dialect::Sqlite => None,
        Dialect::Postgres => {
            let text = match from {
                ColumnType::Date => format!("{column}::text"),
                ColumnType::Timestamp => timestamp_text(column),
                _ => column.to_owned(),
            };
            let value = match (from, to) {
                (ColumnType::Integer, ColumnType::Number) => format!("{column}::numeric"),
                (_, ColumnType::Json) => format!("to_json({text})"),
                (ColumnType::Date | ColumnType::Timestamp, ColumnType::Text) => text,
                _ => return None,
            };
            Some(vec![format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {} USING {value}", sql::type_of(to, dialect))])
        }
    }
}

/// A moment of PostgreSQL as text, with as many digits of a fraction as it has. What is no moment of a calendar comes as
/// PostgreSQL shows it.
#[must_use]
pub fn timestamp_text(column: &str) -> String {
    let digits = format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')");
    format!("coalesce(rtrim(rtrim({digits}, '0'), '.') || 'Z', {column}::text)")
}
