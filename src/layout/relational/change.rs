//! From the layout that a database has to the one that is wanted: what to run, and what of it would lose something.
//!
//! New tables and columns, and types that hold all that the old ones do, are made without being asked for. What would take
//! values away is a change with a query that tells whether there are any; it is for people to run.

use super::rows::Dialect;
use super::sql::{self, name};
use super::{Column, Holds, Layout, Table};

/// A step from one layout to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happens, and why.
    pub says: String,
    /// What to run.
    pub statements: Vec<String>,
    /// A query that gives a row where values would be lost.
    pub loses: Option<String>,
    /// What kind of step it is.
    pub kind: Kind,
}

/// What kind of step a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something new, or wider.
    More,
    /// The schema no longer has a member or list.
    Gone,
    /// A column would hold less than before.
    Narrower,
    /// Records would be known by another key.
    Key,
}

/// The steps from `stored` to `wanted`.
#[must_use]
pub fn compare(stored: &Layout, wanted: &Layout, dialect: Dialect) -> Vec<Change> {
    let mut changes = Vec::new();
    if stored.key != wanted.key {
        let record = name(&stored.tables[0].name);
        let key = |layout: &Layout| if layout.key.is_empty() { "no key".to_owned() } else { layout.key.join(" ") };
        changes.push(Change {
            says: format!("records have the key {}, and would be known by {}", key(stored), key(wanted)),
            // Not every shell looks at foreign keys.
            statements: stored.tables.iter().rev().map(|table| format!("DELETE FROM {}", name(&table.name))).collect(),
            loses: Some(format!("SELECT 1 FROM {record} LIMIT 1")),
            kind: Kind::Key,
        });
    }
    for (number, table) in wanted.tables.iter().enumerate() {
        match stored.find(&wanted.path(number)) {
            None => changes.push(new_table(wanted, number, dialect)),
            Some(found) => columns(&stored.tables[found], table, dialect, &mut changes),
        }
    }
    // Those below others go first.
    for (number, table) in stored.tables.iter().enumerate().rev() {
        if wanted.find(&stored.path(number)).is_none() {
            let table_name = name(&table.name);
            changes.push(Change {
                says: format!("the schema no longer has the list {} of table {}", stored.path(number), table.name),
                // A database does not let go of a table to which others refer.
                statements: below(stored, number)
                    .map(|below| format!("DROP TABLE IF EXISTS {}", name(&stored.tables[below].name)))
                    .collect(),
                loses: Some(format!("SELECT 1 FROM {table_name} LIMIT 1")),
                kind: Kind::Gone,
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

fn new_table(wanted: &Layout, number: usize, dialect: Dialect) -> Change {
    let table = &wanted.tables[number];
    let mut statements = vec![sql::table(wanted, number, dialect)];
    statements.extend(table.columns.iter().filter_map(|column| sql::comment(table, column, dialect)));
    statements.extend(table.columns.iter().filter_map(|column| sql::index(table, column, dialect)));
    Change { says: format!("new table {}", table.name), statements, loses: None, kind: Kind::More }
}

fn columns(stored: &Table, wanted: &Table, dialect: Dialect, changes: &mut Vec<Change>) {
    let table = name(&wanted.name);
    let drop_index = |column: &Column| column.index.as_ref().map(|index| format!("DROP INDEX {}", name(index)));
    for column in &wanted.columns {
        let column_name = name(&column.name);
        let Some(before) = stored.columns.iter().find(|before| before.path == column.path) else {
            let mut statements = vec![format!("ALTER TABLE {table} ADD COLUMN {column_name} {}", sql::type_of(column.holds, dialect))];
            statements.extend(sql::comment(wanted, column, dialect));
            statements.extend(sql::index(wanted, column, dialect));
            let says = format!("new column {} of table {}", column.name, wanted.name);
            changes.push(Change { says, statements, loses: None, kind: Kind::More });
            continue;
        };
        if before.holds != column.holds {
            let says = |how: &str| {
                let (from, to) = (sql::type_of(before.holds, dialect), sql::type_of(column.holds, dialect));
                format!("column {} of table {} {how} {to} instead of {from}", column.name, wanted.name)
            };
            if let Some(mut statements) = widen(&table, &column_name, before.holds, column.holds, dialect) {
                if !statements.is_empty() {
                    statements.splice(0..0, drop_index(before));
                    statements.extend(sql::index(wanted, column, dialect));
                }
                changes.push(Change { says: says("becomes"), statements, loses: None, kind: Kind::More });
            } else {
                let mut statements: Vec<String> = drop_index(before).into_iter().collect();
                statements.push(format!("ALTER TABLE {table} DROP COLUMN {column_name}"));
                let mut change = Change { says: says("would be"), statements, loses: None, kind: Kind::Narrower };
                change.loses = Some(format!("SELECT 1 FROM {table} WHERE {column_name} IS NOT NULL LIMIT 1"));
                changes.push(change);
                let mut statements = vec![format!("ALTER TABLE {table} ADD COLUMN {column_name} {}", sql::type_of(column.holds, dialect))];
                statements.extend(sql::index(wanted, column, dialect));
                changes.push(Change { says: says("is"), statements, loses: None, kind: Kind::More });
            }
        } else if before.index != column.index {
            let statements: Vec<String> = drop_index(before).into_iter().chain(sql::index(wanted, column, dialect)).collect();
            let says = format!("index of column {} of table {}", column.name, wanted.name);
            changes.push(Change { says, statements, loses: None, kind: Kind::More });
        }
    }
    for column in stored.columns.iter().filter(|before| wanted.columns.iter().all(|column| column.path != before.path)) {
        let column_name = name(&column.name);
        let mut statements: Vec<String> = drop_index(column).into_iter().collect();
        statements.push(format!("ALTER TABLE {table} DROP COLUMN {column_name}"));
        changes.push(Change {
            says: format!("the schema no longer has {}, column {} of table {}", super::pointer_to(&column.path), column.name, wanted.name),
            statements,
            loses: Some(format!("SELECT 1 FROM {table} WHERE {column_name} IS NOT NULL LIMIT 1")),
            kind: Kind::Gone,
        });
    }
}

// What makes a column hold more; `None` where it would hold less.
fn widen(table: &str, column: &str, from: Holds, to: Holds, dialect: Dialect) -> Option<Vec<String>> {
    let is_text = |holds: Holds| matches!(holds, Holds::Text | Holds::Date | Holds::Timestamp);
    match dialect {
        // All of these are the same to SQLite, which also keeps any number in a column of integers.
        Dialect::Sqlite if is_text(from) && is_text(to) || (from, to) == (Holds::Integer, Holds::Number) => Some(Vec::new()),
        Dialect::Sqlite if to == Holds::Json && is_text(from) => {
            Some(vec![format!("UPDATE {table} SET {column} = json_quote({column}) WHERE {column} IS NOT NULL")])
        }
        Dialect::Sqlite if to == Holds::Json => {
            let old = format!("{}_before\"", column.trim_end_matches('"'));
            let text = match from {
                Holds::Boolean => format!("CASE {old} WHEN 0 THEN 'false' ELSE 'true' END"),
                Holds::Integer => format!("CAST({old} AS TEXT)"),
                // SQLite would round; the function is known while a load runs.
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
                Holds::Date => format!("{column}::text"),
                Holds::Timestamp => moment_text(column),
                _ => column.to_owned(),
            };
            let value = match (from, to) {
                (Holds::Integer, Holds::Number) => format!("{column}::numeric"),
                (_, Holds::Json) => format!("to_json({text})"),
                (Holds::Date | Holds::Timestamp, Holds::Text) => text,
                _ => return None,
            };
            Some(vec![format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {} USING {value}", sql::type_of(to, dialect))])
        }
    }
}

/// A moment of PostgreSQL as text, with as many digits of a fraction as it has. What is no moment of a calendar comes as
/// PostgreSQL shows it.
#[must_use]
pub fn moment_text(column: &str) -> String {
    let digits = format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')");
    format!("coalesce(rtrim(rtrim({digits}, '0'), '.') || 'Z', {column}::text)")
}
