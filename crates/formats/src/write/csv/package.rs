//! The description of a package of tables: a Frictionless `datapackage.json` with the tables, the types of their columns,
//! their relations, and the notation of missing values, null and "".

use serde::Serialize;

use super::Layout;
use super::spool::TableSpool;
use crate::layout::column;
use chancery_schema::shape::Types;

#[derive(Serialize)]
struct Package<'a> {
    profile: &'static str,
    name: &'a str,
    description: &'static str,
    resources: Vec<Resource>,
}

#[derive(Serialize)]
struct Resource {
    profile: &'static str,
    name: String,
    path: String,
    format: &'static str,
    encoding: &'static str,
    // The column of the parent's table whose list this table holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<String>,
    dialect: Dialect,
    schema: TableSchema,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dialect {
    delimiter: char,
    line_terminator: &'static str,
    quote_char: char,
    double_quote: bool,
    skip_initial_space: bool,
    header: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableSchema {
    fields: Vec<Field>,
    missing_values: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ForeignKey {
    fields: &'static str,
    reference: Reference,
}

#[derive(Serialize)]
struct Reference {
    resource: String,
    fields: &'static str,
}

const DESCRIPTION: &str = "An empty cell is a missing value, \"\" in quotes is the empty string, null without quotes is null. \
A column is named after its member; a name that begins with a slash is a JSON pointer into the record. Where a type is any, a cell without quotes is a JSON literal if it reads as one, \
else text, and one in quotes is text; the cells of a column whose pointer ends in ~json are JSON text. Rows of a child table name their parent's \
_row in _parent and stand in its order. Where there is a column _guarded, an apostrophe before a text is to be taken off.";

/// The description as text.
pub(super) fn describe(spool: &TableSpool, name: &str, layout: &Layout) -> String {
    let files = file_names(spool, name, layout);
    let names: Vec<String> = files.iter().map(|file| file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem).to_owned()).collect();
    let resources = spool.tables().iter().enumerate().map(|(table, rows)| {
        let order = spool.order(table);
        let ties = spool.ties(table);
        let kinds = order.iter().map(|(_, column)| kind(spool.types(table, column)));
        let kinds: Vec<_> = ties.iter().map(|_| "integer").chain(kinds).collect();
        let fields = spool.names(table, &order).into_iter().enumerate();
        let fields = fields.map(|(index, name)| Field { name, kind: kinds.get(index).copied().unwrap_or("any") }).collect();
        let reference = rows.parent.map(|parent| Reference { resource: names[parent].clone(), fields: column::ROW });
        Resource {
            profile: "tabular-data-resource",
            name: names[table].clone(),
            path: files[table].clone(),
            format: if layout.delimiter == b'\t' { "tsv" } else { "csv" },
            encoding: "utf-8",
            list: spool.list(table),
            dialect: Dialect {
                delimiter: char::from(layout.delimiter),
                line_terminator: "\n",
                quote_char: '"',
                double_quote: true,
                skip_initial_space: false,
                header: true,
            },
            schema: TableSchema {
                fields,
                missing_values: [""],
                primary_key: ties.contains(&column::ROW).then_some(column::ROW),
                foreign_keys: reference.map(|reference| ForeignKey { fields: column::PARENT, reference }).into_iter().collect(),
            },
        }
    });
    let package = Package { profile: "tabular-data-package", name, description: DESCRIPTION, resources: resources.collect() };
    let mut text = serde_json::to_string_pretty(&package).expect("plain structs turn into JSON");
    text.push('\n');
    text
}

fn kind(types: Types) -> &'static str {
    let types = types.without(Types::NULL);
    if types == Types::STRING {
        "string"
    } else if types == Types::BOOLEAN {
        "boolean"
    } else if types == Types::INTEGER {
        "integer"
    } else if types == Types::NUMBER {
        "number"
    } else {
        "any"
    }
}

/// The file of each table: the collection's name and the lists on the way, in letters that every file system takes.
pub(super) fn file_names(spool: &TableSpool, name: &str, layout: &Layout) -> Vec<String> {
    let extension = if layout.delimiter == b'\t' { "tsv" } else { "csv" };
    let mut names: Vec<String> = Vec::new();
    for table in spool.tables() {
        let mut stem = String::new();
        for word in std::iter::once(name).chain(table.path.iter().map(String::as_str)) {
            if !stem.is_empty() {
                stem.push('-');
            }
            stem.extend(
                word.trim_start_matches('/')
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' }),
            );
        }
        stem.truncate(80);
        let plain = stem.clone();
        let mut count = 1;
        while names.iter().any(|known| known.strip_suffix(extension).and_then(|known| known.strip_suffix('.')) == Some(&stem)) {
            count += 1;
            stem = format!("{plain}-{count}");
        }
        names.push(format!("{stem}.{extension}"));
    }
    names
}
