//! Column names as paths into a record, in both directions.
//!
//! A header is the name of a member. It is a path into the record in two cases:
//!
//! - It begins with a slash: then it is a JSON pointer (`/contacts/0/name`), unless the shape declares a member of exactly that
//!   name. A member whose own name begins with a slash is therefore written `/~1name`.
//! - The shape knows every step of it and declares no member of that name: `contacts/0/name`, `contacts.0.name` and
//!   `contacts[0].name` for a declared list of objects.
//!
//! `~json` after a path means that the cells contain JSON text. Reserved names (`_record` and the like) are written
//! `/_record` if they are members. [`parse`] and [`name`] are inverse: [`name`] returns only what [`parse`] reads as
//! the same column.

use std::borrow::Cow;

use chancery_core::tree::pointer;
use chancery_schema::shape::{Part, Types};

/// A step from a value to one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To a member of an object.
    Name(String),
    /// To an item of an array.
    Index(usize),
}

/// The purpose of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// A value at this path.
    Value {
        /// The path from the row to the value.
        path: Vec<Step>,
        /// Whether the cells are JSON text, regardless of the shape.
        json: bool,
    },
    /// The whole record as JSON text, if no path can express it.
    Record,
    /// No cells: its presence means that strings that a spreadsheet would run are guarded.
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

/// The meaning of a header cell in a table of rows of shape `row`. Columns that link tables have that meaning only in a package.
#[must_use]
pub fn parse(header: &str, row: Part<'_>, package: bool) -> Column {
    if let Some(column) = reserved(header).filter(|column| package || matches!(column, Column::Record | Column::Guarded)) {
        return column;
    }
    let member = |name: &str, json: bool| Column::Value { path: vec![Step::Name(name.to_owned())], json };
    if row.declared(header).is_some() {
        return member(header, false);
    }
    if header.starts_with('/') {
        return stored(header, row);
    }
    if let Some(path) = known(header, row) {
        return Column::Value { path, json: false };
    }
    if let Some(name) = header.strip_suffix(JSON) {
        if row.declared(name).is_some() {
            return member(name, true);
        }
        if let Some(path) = known(name, row) {
            return Column::Value { path, json: true };
        }
    }
    member(header, false)
}

/// The column of a JSON pointer, with `~json` after it if cells contain JSON text; or the column of whole records.
#[must_use]
pub fn stored(text: &str, row: Part<'_>) -> Column {
    if text == RECORD {
        return Column::Record;
    }
    // No pointer ends like this: a tilde in a name is `~0`.
    let (pointer, json) = text.strip_suffix(JSON).map_or((text, false), |pointer| (pointer, true));
    Column::Value { path: steps(pointer.strip_prefix('/').unwrap_or(pointer), row), json }
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

/// Whether a number in a path below `part` is an item index; a row itself is always an object.
#[must_use]
pub fn is_list(part: Part<'_>, is_row: bool) -> bool {
    !is_row && part.types().allows(Types::ARRAY)
}

/// What is known after a step.
#[must_use]
pub fn step_into<'s>(part: Part<'s>, step: &Step) -> Part<'s> {
    match step {
        Step::Name(name) => part.member(name),
        Step::Index(index) => part.item(*index),
    }
}

// The path of a header without a leading slash, if the shape knows every step of it.
fn known(header: &str, row: Part<'_>) -> Option<Vec<Step>> {
    if header.contains('/') {
        let (path, is_declared) = walk(header.split('/').map(pointer::unescape), row)?;
        // A pattern that matches the whole header makes it a name.
        return (is_declared || row.by_pattern(header).is_none()).then_some(path);
    }
    if header.contains(['.', '[']) {
        let tokens = header.split(['.', '[']).map(|token| Cow::Borrowed(token.strip_suffix(']').unwrap_or(token)));
        let (path, is_declared) = walk(tokens, row)?;
        return is_declared.then_some(path);
    }
    None
}

// A path whose first step is declared and whose other steps are declared or at least described by the schema; returns
// whether all of them are declared.
fn walk<'t>(tokens: impl Iterator<Item = Cow<'t, str>>, row: Part<'_>) -> Option<(Vec<Step>, bool)> {
    let mut part = row;
    let mut path = Vec::new();
    let mut is_declared = true;
    for token in tokens {
        let step = match pointer::index(&token) {
            Some(index) if !path.is_empty() && part.declares_items() => Step::Index(index),
            _ if part.declared(&token).is_some() => Step::Name(token.into_owned()),
            _ if !path.is_empty() && (part.by_pattern(&token).is_some() || part.others().is_some_and(|others| !others.is_any())) => {
                is_declared = false;
                // A possible item index must be read the same by every reader.
                if is_doubtful(&token, part, false) {
                    return None;
                }
                Step::Name(token.into_owned())
            }
            _ => return None,
        };
        part = step_into(part, &step);
        path.push(step);
    }
    Some((path, is_declared))
}

/// The header cell of a path in a table of rows of shape `row`; [`parse`] returns the path. In a `guarded` table it is
/// not a formula either.
///
/// A member name is used unchanged, and so is a path of which the shape declares every step. Any other path is a JSON
/// pointer with a leading slash.
#[must_use]
pub fn name(path: &[Step], json: bool, guarded: bool, row: Part<'_>) -> String {
    let pointer = pointer(path);
    let suffix = if json { JSON } else { "" };
    let bare = match path {
        [Step::Name(name)] => name,
        _ => &pointer[1..],
    };
    let is_special = bare.is_empty() || bare.starts_with('/') || guarded && super::cell::needs_guard(bare);
    if !is_special && (path.len() == 1 || is_declared(path, row)) {
        let header = format!("{bare}{suffix}");
        if is(&header, path, json, row) {
            return header;
        }
    }
    pointer + suffix
}

// Whether a header is read as that column, in every table layout.
fn is(header: &str, path: &[Step], json: bool, row: Part<'_>) -> bool {
    matches!(parse(header, row, true), Column::Value { path: found, json: also } if found == path && also == json)
}

fn is_declared(path: &[Step], row: Part<'_>) -> bool {
    let mut part = row;
    path.iter().all(|step| {
        let known = match step {
            Step::Name(name) => part.declared(name).is_some(),
            Step::Index(_) => part.declares_items(),
        };
        part = step_into(part, step);
        known
    })
}

/// Whether a column given as by [`stored`] has a header that is read as the same column. It has none if the shape
/// declares a member whose name is the path's pointer.
#[must_use]
pub fn has_name(text: &str, row: Part<'_>) -> bool {
    match stored(text, row) {
        Column::Value { path, json } => {
            is(&name(&path, json, false, row), &path, json, row) && is(&name(&path, json, true, row), &path, json, row)
        }
        _ => true,
    }
}

/// Whether a member of that name below `part` could be read as an item index.
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
    use chancery_core::source::Source;
    use chancery_core::tree::Tree;
    use chancery_schema::{Schema, Shape};

    fn named(text: &str) -> Step {
        Step::Name(text.to_owned())
    }

    fn shape(text: &str) -> Shape {
        let source = std::sync::Arc::new(Source::whole("schema.json", text));
        let mut tree = Tree::new(&source);
        let read = crate::read::json::Parser::new(&source, 0, text.len(), 64).document(&mut tree, &mut Vec::new());
        assert!(read.is_ok(), "{text}");
        Shape::of(&Schema::try_from(tree).expect("it is a schema"))
    }

    fn check(shape: &Shape, path: &[Step], expected: &str) {
        assert_eq!(name(path, false, false, shape.root()), expected);
        for (json, guarded) in [(false, false), (true, false), (false, true), (true, true)] {
            let name = name(path, json, guarded, shape.root());
            for package in [false, true] {
                assert_eq!(parse(&name, shape.root(), package), Column::Value { path: path.to_vec(), json }, "{name}");
            }
        }
    }

    #[test]
    fn a_header_is_a_name() {
        let shape = Shape::any();
        for (path, expected) in [
            (vec![named("a")], "a"),
            (vec![named("contacts"), Step::Index(0), named("name")], "/contacts/0/name"),
            (vec![named("a.b")], "a.b"),
            (vec![named("a[0]")], "a[0]"),
            (vec![named("a/b")], "a/b"),
            (vec![named("1/22/20")], "1/22/20"),
            (vec![named("/a")], "/~1a"),
            (vec![named("//")], "/~1~1"),
            (vec![named("~")], "~"),
            (vec![named("~1")], "~1"),
            (vec![named("a~1b")], "a~1b"),
            (vec![named("")], "/"),
            (vec![named(""), named("a")], "//a"),
            (vec![named("a"), named("")], "/a/"),
            (vec![named("33")], "33"),
            (vec![named("_record")], "/_record"),
            (vec![named("_row")], "/_row"),
            (vec![named("~json")], "~json"),
            (vec![named("x~json")], "x~json"),
            (vec![named("@id")], "@id"),
        ] {
            check(&shape, &path, expected);
        }
        assert_eq!(name(&[named("=1+1")], false, true, shape.root()), "/=1+1");
        assert_eq!(name(&[named("m")], true, false, shape.root()), "/m~json");
    }

    #[test]
    fn paths_are_those_that_the_shape_knows_and_that_are_no_names() {
        let shape = shape(
            r#"{"properties": {"id": {}, "a": {"type": "object", "properties": {"b": {}, "c/d": {}}, "additionalProperties": {"type": "integer"}},
            "l": {"type": "array", "items": {"properties": {"n": {}}}}, "a/b": {}, "l.0.n": {}, "Country/Region": {}, "m~json": {}, "m": {}}}"#,
        );
        for (path, expected) in [
            (vec![named("a"), named("b")], "/a/b"),
            (vec![named("a/b")], "a/b"),
            (vec![named("a"), named("c/d")], "a/c~1d"),
            (vec![named("a"), named("z")], "/a/z"),
            (vec![named("a/z")], "/a~1z"),
            (vec![named("l"), Step::Index(0), named("n")], "l/0/n"),
            (vec![named("l.0.n")], "l.0.n"),
            (vec![named("l.1.n")], "/l.1.n"),
            (vec![named("l"), Step::Index(0), named("z")], "/l/0/z"),
            (vec![named("Country/Region")], "Country/Region"),
            (vec![named("Q/1")], "Q/1"),
            (vec![named("id/x")], "id/x"),
            (vec![named("m~json")], "m~json"),
        ] {
            check(&shape, &path, expected);
        }
        let path_of = |header| match parse(header, shape.root(), false) {
            Column::Value { path, .. } => pointer(&path),
            other => panic!("{other:?}"),
        };
        for (header, expected) in [("l.1.n", "/l/1/n"), ("l[1].n", "/l/1/n"), ("a.b", "/a/b"), ("a/33", "/a/33"), ("id/0", "/id~10")] {
            assert_eq!(path_of(header), expected, "{header}");
        }
        assert_eq!(name(&[named("m")], true, false, shape.root()), "/m~json");
    }

    #[test]
    fn a_declared_name_may_leave_a_path_without_a_header() {
        let shape = shape(r#"{"properties": {"/a/b": {}, "/c": {}}}"#);
        assert!(!has_name("/a/b", shape.root()));
        assert!(has_name("/a/c", shape.root()) && has_name("/~1a~1b", shape.root()) && has_name("/c", shape.root()));
        assert_eq!(parse("/a/b", shape.root(), false), Column::Value { path: vec![named("/a/b")], json: false });
    }
}
