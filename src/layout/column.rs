//! Column names as paths into a record, both ways.
//!
//! A column is a JSON pointer without its leading slash: `contacts/0/name`. A name that could be taken for something else
//! (one with `.` or `[`, an empty one, a reserved one) keeps the slash. Dots and brackets, as other tools write them, split a
//! name only where the shape knows every part. A column that ends in `~json`, which no pointer does, holds JSON text.

use std::borrow::Cow;

use crate::schema::shape::{Part, Types};
use crate::tree::pointer;

/// A step from a value to one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To a member of an object.
    Name(String),
    /// To an item of an array.
    Index(usize),
}

/// What a column is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// A value at this path.
    Value {
        /// The way from the row to the value.
        path: Vec<Step>,
        /// Whether the cells are JSON text, whatever the shape says.
        json: bool,
    },
    /// The whole record as JSON text, where no path could say it.
    Record,
    /// No cells: its presence tells that text a spreadsheet would run is guarded.
    Guarded,
    /// Number of the row, to which child tables refer.
    Row,
    /// In a child table: number of the parent's row.
    Parent,
    /// In a child table: position in the list, from 0.
    Position,
}

/// The column of whole records.
pub const RECORD: &str = "_record";
/// The column that marks a guarded table.
pub const GUARDED: &str = "_guarded";
/// The column of row numbers.
pub const ROW: &str = "_row";
/// The column of the parent's row number.
pub const PARENT: &str = "_parent";
/// The column of positions.
pub const POSITION: &str = "_position";

/// The end of the name of a column of JSON text.
pub const JSON: &str = "~json";

fn reserved(name: &str) -> Option<Column> {
    Some(match name {
        RECORD => Column::Record,
        GUARDED => Column::Guarded,
        ROW => Column::Row,
        PARENT => Column::Parent,
        POSITION => Column::Position,
        _ => return None,
    })
}

/// What a header cell means in a table of rows of shape `row`. Columns that tie tables together mean that only in a package.
#[must_use]
pub fn parse(header: &str, row: Part<'_>, package: bool) -> Column {
    if let Some(column) = reserved(header).filter(|column| package || matches!(column, Column::Record | Column::Guarded)) {
        return column;
    }
    let (name, json) = header.strip_suffix(JSON).map_or((header, false), |name| (name, true));
    let path = if let Some(pointer) = name.strip_prefix('/') {
        steps(pointer, row)
    } else if name.contains('/') {
        steps(name, row)
    } else if name.contains(['.', '[']) && row.declared(name).is_none() {
        foreign(name, row).unwrap_or_else(|| steps(name, row))
    } else {
        steps(name, row)
    };
    Column::Value { path, json }
}

fn steps(pointer: &str, row: Part<'_>) -> Vec<Step> {
    let mut part = row;
    let mut path = Vec::new();
    for token in pointer.split('/') {
        let step = match pointer::index(token) {
            Some(index) if is_list(part, path.is_empty()) => Step::Index(index),
            _ => Step::Name(pointer::unescape(token).into_owned()),
        };
        part = step_into(part, &step);
        path.push(step);
    }
    path
}

/// Whether a number in a path below `part` counts items; a row itself is always an object.
#[must_use]
pub fn is_list(part: Part<'_>, is_row: bool) -> bool {
    !is_row && part.types().admits(Types::ARRAY)
}

/// What is known behind a step.
#[must_use]
pub fn step_into<'s>(part: Part<'s>, step: &Step) -> Part<'s> {
    match step {
        Step::Name(name) => part.member(name),
        Step::Index(index) => part.item(*index),
    }
}

// `contacts.0.name` and `contacts[0].name`, if the shape knows every step.
fn foreign(name: &str, row: Part<'_>) -> Option<Vec<Step>> {
    let mut part = row;
    let mut path = Vec::new();
    for token in name.split(['.', '[']) {
        let token = token.strip_suffix(']').unwrap_or(token);
        let step = match pointer::index(token) {
            Some(index) if !part.is_any() && is_list(part, path.is_empty()) => Step::Index(index),
            _ => {
                part.declared(token)?;
                Step::Name(token.to_owned())
            }
        };
        part = step_into(part, &step);
        path.push(step);
    }
    Some(path)
}

/// The header cell of a path; [`parse`] gives the path again. In a `guarded` table it is no formula either.
#[must_use]
pub fn name(path: &[Step], json: bool, guarded: bool) -> String {
    spelled(&pointer(path), json, guarded)
}

/// As [`name`], of a path given as a JSON pointer.
#[must_use]
pub fn spelled(pointer: &str, json: bool, guarded: bool) -> String {
    let doubtful = |name: &str| name.is_empty() || name.starts_with('/') || name.contains(['.', '[']) || reserved(name).is_some();
    let bare = pointer.strip_prefix('/').unwrap_or(pointer);
    let keeps_slash = doubtful(bare) || guarded && super::cell::needs_guard(bare);
    let mut name = if keeps_slash { pointer.to_owned() } else { bare.to_owned() };
    if json {
        name.push_str(JSON);
    }
    name
}

/// Whether a member of that name below `part` could be taken for an item.
#[must_use]
pub fn is_doubtful(name: &str, part: Part<'_>, is_row: bool) -> bool {
    is_list(part, is_row) && pointer::index(name).is_some()
}

/// A path as a JSON pointer.
#[must_use]
pub fn pointer(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Name(token) => pointer::push(&mut text, token),
            Step::Index(index) => pointer::push_index(&mut text, *index),
        }
    }
    text
}

/// The text of a step.
#[must_use]
pub fn word(step: &Step) -> Cow<'_, str> {
    match step {
        Step::Name(name) => Cow::Borrowed(name),
        Step::Index(index) => Cow::Owned(index.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Shape;

    #[test]
    fn names_and_paths_turn_into_each_other() {
        let shape = Shape::any();
        let name_of = |text: &str| Step::Name(text.to_owned());
        for (path, expected) in [
            (vec![name_of("a")], "a"),
            (vec![name_of("contacts"), Step::Index(0), name_of("name")], "contacts/0/name"),
            (vec![name_of("a.b")], "/a.b"),
            (vec![name_of("a[0]")], "/a[0]"),
            (vec![name_of("a/b")], "a~1b"),
            (vec![name_of("")], "/"),
            (vec![name_of(""), name_of("a")], "//a"),
            (vec![name_of("a"), name_of("")], "a/"),
            (vec![name_of("33")], "33"),
            (vec![name_of("_record")], "/_record"),
            (vec![name_of("~json")], "~0json"),
            (vec![name_of("@id")], "@id"),
        ] {
            assert_eq!(name(&path, false, false), expected);
            for (json, guarded) in [(false, false), (true, false), (false, true), (true, true)] {
                let name = name(&path, json, guarded);
                assert_eq!(parse(&name, shape.root(), true), Column::Value { path: path.clone(), json });
            }
        }
        assert_eq!(name(&[name_of("=1+1")], false, true), "/=1+1");
    }

    #[test]
    fn dots_are_text_where_the_shape_is_silent() {
        let shape = Shape::any();
        assert_eq!(parse("a.b", shape.root(), false), Column::Value { path: vec![Step::Name("a.b".to_owned())], json: false });
    }
}
