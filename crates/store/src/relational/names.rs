//! Names of tables and columns: lower-case letters, digits and underscores, derived from the members' names; never
//! longer than a database allows, unique, and the same in every run.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Layout;

/// PostgreSQL truncates longer names, in bytes.
pub const LONGEST: usize = 63;

/// The names in use.
#[derive(Default)]
pub struct Names {
    tables: BTreeSet<String>,
    columns: BTreeSet<String>,
}

impl Names {
    /// Reserves the names of a stored layout.
    pub fn reserve(&mut self, stored: &Layout) {
        self.tables.insert(stored.view.clone());
        for table in &stored.tables {
            self.tables.extend([table.name.clone(), primary(&table.name)]);
            self.tables.extend(table.columns.iter().filter_map(|column| column.index.clone()));
        }
    }

    /// A name among tables, views and indexes: the stored one, else one like `wanted`.
    pub fn table(&mut self, known: Option<&str>, wanted: &str, identity: &str) -> String {
        let name = known.map_or_else(|| take(&mut self.tables, &snake(wanted), identity, LONGEST), str::to_owned);
        self.tables.insert(primary(&name));
        name
    }

    /// Begins the columns of a table.
    pub fn begin_table(&mut self, stored: Option<(&Layout, usize)>) {
        self.columns.clear();
        if let Some((stored, table)) = stored {
            self.columns.extend(stored.tables[table].columns.iter().map(|column| column.name.clone()));
            self.columns.extend(stored.lists(table).map(|(_, _, list)| list.column.clone()));
        }
    }

    /// The name of a column.
    pub fn column(&mut self, known: Option<&str>, path: &[String]) -> String {
        known.map_or_else(|| take(&mut self.columns, &plain(path), &path.join("\u{0}"), LONGEST), str::to_owned)
    }
}

// PostgreSQL's name for the index of a table's primary key.
fn primary(table: &str) -> String {
    format!("{table}_pkey")
}

/// A path as a name.
pub fn plain(path: &[String]) -> String {
    path.iter().map(|name| snake(name)).collect::<Vec<_>>().join("_")
}

// `focalPoints` and `Focal points` become `focal_points`; only chancery's own names begin with an underscore.
fn snake(name: &str) -> String {
    let mut plain = String::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            let hump = letter.is_uppercase()
                && before.is_some_and(|before: char| {
                    before.is_lowercase()
                        || before.is_numeric()
                        || before.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase())
                });
            if hump && !plain.ends_with('_') {
                plain.push('_');
            }
            plain.extend(letter.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
        before = Some(letter);
    }
    let plain = plain.trim_end_matches('_');
    if plain.is_empty() { "value".to_owned() } else { plain.to_owned() }
}

/// Reserves a name like `wanted` that is not in use, regardless of case, and not longer than `longest`.
pub fn take(taken: &mut BTreeSet<String>, wanted: &str, identity: &str, longest: usize) -> String {
    let mut name = wanted.to_owned();
    let mut attempt = 0_u32;
    while name.len() > longest || taken.contains(&name.to_lowercase()) {
        let sum = Sha256::digest(format!("{attempt}\u{0}{identity}"));
        let tail: String = sum.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let mut end = wanted.len().min(longest - 1 - tail.len());
        while !wanted.is_char_boundary(end) {
            end -= 1;
        }
        name = format!("{}_{tail}", wanted[..end].trim_end_matches('_'));
        attempt += 1;
    }
    taken.insert(name.to_lowercase());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, expected) in [
            ("id", "id"),
            ("focalPoints", "focal_points"),
            ("poBox", "po_box"),
            ("HTTPServer", "http_server"),
            ("SELECT", "select"),
            ("_id", "id"),
            ("a.b c", "a_b_c"),
            ("@id", "id"),
            ("Größe", "größe"),
            ("'); DROP", "drop"),
            ("", "value"),
            ("😀", "value"),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    #[test]
    fn names_are_short_and_differ() {
        let mut names = Names::default();
        let long = vec!["é".repeat(60)];
        let first = names.column(None, &long);
        assert!(first.len() <= LONGEST, "{first}");
        let mut again = Names::default();
        assert_eq!(again.column(None, &long), first);
        let (one, other) = (names.column(None, &["a b".to_owned()]), names.column(None, &["a_b".to_owned()]));
        assert_eq!(one, "a_b");
        assert!(other.starts_with("a_b_") && other != one, "{other}");
    }
}
