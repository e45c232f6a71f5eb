//! Databases: loaded records are exported unchanged, after any number of loads and after failures.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use chancery::tree::{Kind, Node};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::harness::{self, folder, run, run_with};
use crate::support;

/// A schema with a column of each sort, lists in lists, a map, names that SQL knows, and names that become the same.
pub const SCHEMA: &str = r##"{"type": "object", "x-key": "/id", "x-record-name": "things", "description": "It's a thing; -- no /* comment */",
  "properties": {
    "id": {"type": "string", "description": "its key"},
    "select": {"type": "string"},
    "Order By": {"type": ["integer", "null"]},
    "order_by": {"type": "integer"},
    "size": {"type": "number"},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "either": {"type": ["string", "number"]},
    "tags": {"type": "array", "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "place": {"type": "object", "properties": {"town": {"type": "string"}, "geo": {"type": "object", "properties": {"lat": {"type": "number"}}}}},
    "parent": {"type": "string", "x-references": true},
    "_id": {"type": "string"},
    "'); DROP TABLE things; --": {"type": "string"},
    "lists": {"type": "array", "items": {"type": "object", "properties": {
      "name": {"type": "string"},
      "table": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}, "again": {"$ref": "#"}}}}}}}
  }}"##;

const NAMES: &[&str] = &[
    "select",
    "Order By",
    "order_by",
    "size",
    "flag",
    "day",
    "moment",
    "either",
    "tags",
    "map",
    "place",
    "parent",
    "_id",
    "'); DROP TABLE things; --",
    "lists",
    "other",
    "a/b~c",
    "",
    "_extra",
    "_key",
];

/// A database that tests run on.
pub trait Base {
    /// Its name, for the program; an empty one each time.
    fn fresh(&mut self, home: &Path) -> String;

    /// Runs statements, as somebody would who works with the database by hand.
    fn run(&mut self, home: &Path, dsn: &str, statements: &str);

    /// The rows of a query, the values of each with a stroke between them.
    fn rows(&mut self, home: &Path, dsn: &str, query: &str) -> Vec<String>;
}

/// Files of SQLite.
pub struct Sqlite(pub u32);

fn connection(home: &Path, dsn: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(home.join(dsn.trim_start_matches("sqlite:"))).expect("a file of SQLite")
}

impl Base for Sqlite {
    fn fresh(&mut self, _home: &Path) -> String {
        self.0 += 1;
        format!("sqlite:things-{}.db", self.0)
    }

    fn run(&mut self, home: &Path, dsn: &str, statements: &str) {
        connection(home, dsn).execute_batch(statements).unwrap_or_else(|error| panic!("{error}: {statements}"));
    }

    fn rows(&mut self, home: &Path, dsn: &str, query: &str) -> Vec<String> {
        let connection = connection(home, dsn);
        let mut query = connection.prepare(query).expect("a query");
        let columns = query.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let value = |at: usize| match row.get_ref(at).expect("a value") {
                rusqlite::types::ValueRef::Null => String::new(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => number.to_string(),
                rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
            };
            Ok((0..columns).map(value).collect::<Vec<_>>().join("|"))
        };
        query.query_map([], row).expect("it runs").map(|row| row.expect("a row")).collect()
    }
}

/// A record with its members sorted and the text of every number kept.
pub fn canonical(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Object => {
            let mut members: Vec<String> =
                node.members().map(|member| format!("{:?}:{}", member.key.text(), canonical(member.value))).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        Kind::Array => format!("[{}]", node.items().map(canonical).collect::<Vec<_>>().join(",")),
        Kind::String => format!("{:?}", node.text()),
        _ => node.text().to_owned(),
    }
}

/// The same of each line.
pub fn canonical_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| canonical(support::tree("line", line).root())).collect()
}

/// Loads a text; returns what the program says of it last.
pub fn load(home: &Path, dsn: &str, text: &str, flags: &[&str]) -> String {
    let mut args = vec!["load", "-", "--from", "ndjson", "--no-config", "--schema", "schema.json", "--into", dsn, "--fail-on", "never"];
    args.extend(flags);
    let ran = run_with(home, &args, text.as_bytes());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let last = ran.err.lines().last().unwrap_or_default();
    last.rsplit_once(": ").map_or(last, |(_, counts)| counts).to_owned()
}

/// Begins a load of what it is fed.
pub fn begin(home: &Path, dsn: &str) -> Child {
    harness::program()
        .current_dir(home)
        .args(["load", "-", "--from", "ndjson", "--no-config", "--schema", "schema.json", "--into", dsn])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// All records of a place.
pub fn export(home: &Path, dsn: &str) -> String {
    let ran = run(home, &["export", dsn, "--to", "ndjson", "--no-config", "--quiet"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    ran.out
}

fn json(text: impl Into<String>) -> Just<String> {
    Just(text.into())
}

/// Any JSON as text, with the numbers and texts that databases bend.
fn value() -> impl Strategy<Value = String> {
    let quoted = |text: String| serde_json::to_string(&text).expect("text is JSON");
    let number = prop_oneof![
        json("1.0"),
        json("1e400"),
        json("-0"),
        json("-0.0"),
        json("12345678901234567890123"),
        json("1E+2"),
        json("0.10"),
        json("1e-7"),
        json("9223372036854775807"),
        json("9223372036854775808"),
        json("0.1"),
        json("100000000000000000000000"),
        json("1e100000000000"),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(|number| number.to_string()),
        any::<f32>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(|number| number.to_string()),
    ];
    let text = prop_oneof![
        json(""),
        json("\0"),
        json("a\0b"),
        json("null"),
        json("\\N"),
        json("\\."),
        json("'); DROP TABLE things; --"),
        json("\"quoted\" 'text'"),
        json("a\tb\nc\rd\\e"),
        json("1.0"),
        json("true"),
        json("\u{feff}x\u{202e}😀 e\u{301}"),
        json("{\"a\":1}"),
        json("2024-02-29"),
        json("2023-02-29"),
        json("0000-01-01"),
        json("9999-12-31"),
        json("2024-05-06T07:08:09Z"),
        json("2024-05-06T07:08:09.120+02:00"),
        json("2016-12-31T23:59:60Z"),
        json("infinity"),
        json("epoch"),
        "\\PC{0,8}".prop_map(|text| text),
        "[\\x00-\\x7f]{0,6}".prop_map(|text| text),
    ];
    let leaf = prop_oneof![json("null"), json("true"), json("false"), json("[]"), json("{}"), number, text.prop_map(quoted)];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let name = proptest::sample::select(vec!["name", "table", "x", "again", "town", "geo", "lat", "id", "a.b", "", "select", "/"]);
        let member = (name, inner.clone()).prop_map(|(name, value)| (name.to_owned(), value));
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map(member.clone().prop_map(|(name, _)| name), member.prop_map(|(_, value)| value), 0..4).prop_map(
                |members| {
                    let members: Vec<String> = members
                        .iter()
                        .map(|(name, value)| format!("{}:{value}", serde_json::to_string(name).expect("text is JSON")))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }
            ),
        ]
    })
}

/// Records with any values anywhere; also some that are no objects.
fn record() -> impl Strategy<Value = String> {
    let object = proptest::collection::btree_map(proptest::sample::select(NAMES), value(), 0..8).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}:{value}", serde_json::to_string(name).expect("text is JSON"))).collect();
        members.join(",")
    });
    let id = prop_oneof!["[a-z]{1,6}", json("#x"), json(""), json("a\0"), json("é".repeat(3000)), json("'\"")];
    prop_oneof![
        20 => (id, object).prop_map(|(id, members)| {
            let comma = if members.is_empty() { "" } else { "," };
            format!("{{\"id\":{}{comma}{members}}}", serde_json::to_string(&id).expect("text is JSON"))
        }),
        1 => value(),
    ]
}

/// Rounds of sixty records of any kind, a line each; the same ones every time.
pub fn hostile() -> impl Iterator<Item = String> {
    let mut runner = TestRunner::deterministic();
    let records = proptest::collection::vec(record(), 60);
    (0..6).map(move |_| records.new_tree(&mut runner).expect("a strategy gives values").current().join("\n") + "\n")
}

/// Whatever the records are, they come back to the last byte of each number; loaded again, nothing changes.
pub fn anything_comes_back(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA)]);
    for (round, text) in hostile().enumerate() {
        let dsn = base.fresh(home.path());
        let done = load(home.path(), &dsn, &text, &["--on-invalid", "keep"]);
        assert_eq!(done, "60 added, 0 updated, 0 unchanged, 0 removed");
        let exported = run(home.path(), &["export", &dsn, "--to", "ndjson", "--no-config", "--report", "ndjson"]);
        assert!(exported.status == 0 && !exported.err.contains("\"W13"), "none was edited: {}", exported.err);
        let (before, after) = (canonical_lines(&text), canonical_lines(&exported.out));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "round {round}");
        }
        assert_eq!(before.len(), after.len());
        let again = load(home.path(), &dsn, &text, &["--on-invalid", "keep"]);
        assert_eq!(again, "0 added, 0 updated, 60 unchanged, 0 removed");
        let again = load(home.path(), &dsn, &text, &["--on-invalid", "keep", "--mode", "replace"]);
        assert_eq!(again, "0 added, 0 updated, 60 unchanged, 0 removed");
    }
}

/// Added, updated, removed, appended; and nothing at all in a trial.
pub fn modes_do_what_they_say(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let first = "{\"id\":\"a\",\"lists\":[{\"name\":\"x\",\"table\":[{\"x\":1},{\"x\":2}]},{\"name\":\"y\"}]}\n{\"id\":\"b\",\"size\":1}\n";
    assert_eq!(load(home, &dsn, first, &[]), "2 added, 0 updated, 0 unchanged, 0 removed");
    assert_eq!(export(home, &dsn), first);
    let second = "{\"id\":\"b\",\"size\":2}\n{\"id\":\"c\",\"lists\":[{\"name\":\"z\"}]}\n";

    let args = ["load", "-", "--from", "ndjson", "--schema", "schema.json", "--into", &dsn, "--dry-run", "--quiet", "--mode"];
    let trial = run_with(home, &[&args[..], &["replace"]].concat(), second.as_bytes());
    assert_eq!((trial.out.as_str(), trial.status), ("updated b\nadded c\nremoved a\n", 0), "{}", trial.err);
    assert_eq!(export(home, &dsn), first);

    let append = run_with(home, &[&args[..8], &["--mode", "append"]].concat(), second.as_bytes());
    assert_eq!(append.status, 1, "{}", append.err);
    assert!(append.err.contains("error[W133]") && append.err.contains("\"b\""), "{}", append.err);
    assert_eq!(export(home, &dsn), first);

    assert_eq!(load(home, &dsn, second, &[]), "1 added, 1 updated, 0 unchanged, 0 removed");
    let lines: Vec<&str> = first.lines().chain(second.lines()).collect();
    assert_eq!(export(home, &dsn), [lines[0], lines[2], lines[3], ""].join("\n"));
    assert_eq!(load(home, &dsn, second, &["--mode", "replace"]), "0 added, 0 updated, 2 unchanged, 1 removed");
    assert_eq!(export(home, &dsn), second);
    assert_eq!(load(home, &dsn, "", &["--mode", "replace"]), "0 added, 0 updated, 0 unchanged, 2 removed");
    assert_eq!(export(home, &dsn), "");
}

/// Records without a key that are appended again and again are as many as they should be, whichever copies exist.
pub fn copies_are_numbered(base: &mut dyn Base) {
    let home = folder(&[("schema.json", r#"{"type":"object","x-record-name":"things","properties":{"size":{"type":"integer"}}}"#)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let text = "{\"size\":1}\n{\"size\":2}\n{\"size\":1}\n";
    for round in 1..=4 {
        assert_eq!(load(home, &dsn, text, &["--mode", "append"]), "3 added, 0 updated, 0 unchanged, 0 removed");
        assert_eq!(export(home, &dsn), text.repeat(round));
    }
    // A copy is gone, whose number is not taken again.
    base.run(home, &dsn, "DELETE FROM things WHERE \"_key\" LIKE '#3 %'");
    let before = export(home, &dsn);
    assert_eq!(load(home, &dsn, text, &["--mode", "append"]), "3 added, 0 updated, 0 unchanged, 0 removed");
    assert_eq!(export(home, &dsn), before + text);
    let numbers = base.rows(home, &dsn, "SELECT \"_key\" FROM things ORDER BY \"_id\" DESC LIMIT 3");
    assert!(numbers[0].starts_with("#10 ") && numbers[1].starts_with("#5 ") && numbers[2].starts_with("#9 "), "{numbers:?}");
}

/// What was edited by hand comes out as edited, whatever `_extra` says, with a note at its place.
pub fn edits_by_hand_take_precedence(base: &mut dyn Base) {
    let home = folder(&[(
        "schema.json",
        r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"},"size":{"type":"number"},
           "count":{"type":"integer"},"name":{"type":"string"},"moment":{"type":"string","format":"date-time"},"flag":{"type":"boolean"},
           "place":{"type":"object","properties":{"town":{"type":"string"}}},
           "rows":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"}}}}}}"#,
    )]);
    let home = home.path();
    let rest = "\"size\":1e2,\"count\":1.0,\"name\":null,\"moment\":\"2024-05-06T07:08:09.5+02:00\",\"flag\":true,\"place\":{},\"rows\":[{\"x\":2.0}],\"other\":1";
    let text = format!("{{\"id\":\"a\",{rest}}}\n{{\"id\":\"b\",{rest}}}\n");
    let dsn = base.fresh(home);
    let row = "(SELECT \"_id\" FROM things WHERE id = 'a')";
    // SQLite holds moments as text, so that nothing of them is in the rest.
    let moment = if dsn.starts_with("sqlite:") { "" } else { "/moment" };
    for (edit, before, after, pointer) in [
        ("UPDATE things SET size = 7.25 WHERE id = 'a'", "\"size\":1e2", "\"size\":7.25", "/size"),
        ("UPDATE things SET size = NULL WHERE id = 'a'", "\"size\":1e2,", "", ""),
        ("UPDATE things SET count = 8 WHERE id = 'a'", "\"count\":1.0", "\"count\":8", "/count"),
        ("UPDATE things SET name = 'n' WHERE id = 'a'", "\"name\":null", "\"name\":\"n\"", "/name"),
        ("UPDATE things SET moment = '2025-01-02T03:04:05Z' WHERE id = 'a'", "2024-05-06T07:08:09.5+02:00", "2025-01-02T03:04:05Z", moment),
        (
            "UPDATE things SET moment = '2024-05-06T05:08:09.75Z' WHERE id = 'a'",
            "2024-05-06T07:08:09.5+02:00",
            "2024-05-06T05:08:09.75Z",
            moment,
        ),
        ("UPDATE things SET place_town = 't' WHERE id = 'a'", "\"place\":{}", "\"place\":{\"town\":\"t\"}", "/place"),
        (&format!("UPDATE things_rows SET x = 9 WHERE \"_record\" = {row}"), "\"rows\":[{\"x\":2.0}]", "\"rows\":[{\"x\":9}]", "/rows/0/x"),
        // What has no entry in the rest is found by the checksum.
        ("UPDATE things SET flag = NOT flag WHERE id = 'a'", "\"flag\":true", "\"flag\":false", ""),
        (&format!("DELETE FROM things_rows WHERE \"_record\" = {row}"), ",\"rows\":[{\"x\":2.0}]", "", ""),
    ] {
        let dsn = base.fresh(home);
        load(home, &dsn, &text, &["--on-invalid", "keep"]);
        assert_eq!(canonical_lines(&export(home, &dsn)), canonical_lines(&text));
        base.run(home, &dsn, edit);
        let ran = run(home, &["export", &dsn, "--to", "ndjson", "--no-config", "--report", "ndjson"]);
        assert_eq!(ran.status, 0, "{edit}: {}", ran.err);
        let expected = text.replacen(before, after, 1);
        assert_eq!(canonical_lines(&ran.out), canonical_lines(&expected), "{edit}");
        let diagnostics: Vec<&str> = ran.err.lines().filter(|line| line.contains("\"code\":\"W136\"")).collect();
        assert_eq!(diagnostics.len(), 1, "{edit}: {}", ran.err);
        assert!(
            diagnostics[0].contains(&format!("\"pointer\":\"{pointer}\"")) && diagnostics[0].contains("\"line\":1,"),
            "{edit}: {}",
            diagnostics[0]
        );
    }
    // A column that came later is empty, and what it would hold still is in the rest.
    load(home, &dsn, &text, &["--on-invalid", "keep"]);
    let schema = fs::read_to_string(home.join("schema.json")).expect("it is there");
    fs::write(home.join("schema.json"), schema.replace("\"flag\":", "\"other\":{\"type\":\"integer\"},\"flag\":")).expect("writable");
    load(home, &dsn, "{\"id\":\"c\",\"other\":2}\n", &[]);
    let ran = run(home, &["export", &dsn, "--to", "ndjson", "--no-config", "--report", "ndjson"]);
    assert_eq!(canonical_lines(&ran.out), canonical_lines(&format!("{text}{{\"id\":\"c\",\"other\":2}}\n")));
    assert!(!ran.err.contains("W136"), "{}", ran.err);
}

#[test]
fn sqlite_edits_by_hand_take_precedence() {
    edits_by_hand_take_precedence(&mut Sqlite(1000));
}

/// SQLite takes anything in a column; whatever it is, one value comes out of it.
#[test]
fn sqlite_columns_with_values_of_other_types() {
    let home = folder(&[(
        "schema.json",
        r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"},"n":{"type":"integer"},"f":{"type":"boolean"},"j":{"type":["string","integer"]}}}"#,
    )]);
    let home = home.path();
    load(home, "sqlite:a.db", "{\"id\":\"a\",\"n\":1,\"f\":true,\"j\":1}\n", &[]);
    Sqlite(0).run(home, "sqlite:a.db", "UPDATE things SET n = '1,\"x\":2', f = 'maybe', j = '{bad'");
    let exported = export(home, "sqlite:a.db");
    assert_eq!(exported, "{\"id\":\"a\",\"n\":\"1,\\\"x\\\":2\",\"f\":\"maybe\",\"j\":\"{bad\"}\n");
}

#[test]
fn sqlite_copies_are_numbered() {
    copies_are_numbered(&mut Sqlite(900));
}

/// What is invalid stops the load, is omitted, or is kept, as asked for.
pub fn invalid_records_are_stopped_skipped_or_kept(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let good = "{\"id\":\"a\",\"size\":1}\n";
    load(home, &dsn, good, &[]);
    let text = "{\"id\":\"b\"}\n{\"id\":\"c\",\"size\":\"large\"}\nbroken\n";
    let args = ["load", "-", "--from", "ndjson", "--schema", "schema.json", "--into", &dsn];
    let stopped = run_with(home, &args, text.as_bytes());
    assert_eq!(stopped.status, 1, "{}", stopped.err);
    assert!(stopped.err.contains("nothing was written"), "{}", stopped.err);
    assert_eq!(export(home, &dsn), good);
    let skipped =
        run_with(home, &[&args[..], &["--on-invalid", "skip", "--rejects", "rejects.ndjson", "--findings"]].concat(), text.as_bytes());
    assert_eq!(skipped.status, 1, "{}", skipped.err);
    assert_eq!(export(home, &dsn), good.to_owned() + "{\"id\":\"b\"}\n");
    let rejects = fs::read_to_string(home.join("rejects.ndjson")).expect("rejects were written");
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    assert!(rejects.contains("\"record\":{\"id\":\"c\",\"size\":\"large\"}"), "{rejects}");
    let kept = run_with(home, &[&args[..], &["--on-invalid", "keep"]].concat(), text.as_bytes());
    assert_eq!(kept.status, 1, "{}", kept.err);
    assert!(export(home, &dsn).ends_with("{\"id\":\"c\",\"size\":\"large\"}\n"));
}

/// New members and wider types are taken in; what would lose values is rejected, with the statement to run.
pub fn tables_follow_the_schema(base: &mut dyn Base) {
    let schema = |properties: &str| {
        format!(
            "{{\"type\":\"object\",\"x-key\":\"/id\",\"x-record-name\":\"things\",\"properties\":{{\"id\":{{\"type\":\"string\"}},{properties}}}}}"
        )
    };
    let home = folder(&[(
        "schema.json",
        &schema(r#""a":{"type":"integer"},"b":{"type":"number"},"c":{"type":"string"},"d":{"type":"string","format":"date"}"#),
    )]);
    let home = home.path();
    let dsn = base.fresh(home);
    let text = "{\"id\":\"x\",\"a\":1,\"b\":0.1,\"c\":\"t\",\"d\":\"2024-01-02\",\"e\":[{\"f\":1.50}]}\n";
    load(home, &dsn, text, &[]);
    let write = |properties: &str| fs::write(home.join("schema.json"), schema(properties)).expect("the folder is writable");

    write(
        r#""a":{"type":"number"},"b":{"type":["number","string"]},"c":{},"d":{"type":"string"},"e":{"type":"array","items":{"type":"object","properties":{"f":{"type":"number"}}}},"g":{"type":"boolean"}"#,
    );
    let args = ["load", "-", "--from", "ndjson", "--schema", "schema.json", "--into", &dsn];
    let plan = run_with(home, &[&args[..], &["--migrate", "print"]].concat(), b"");
    assert_eq!(plan.status, 0, "{}", plan.err);
    assert!(plan.out.contains("-- new table things_e\nCREATE TABLE \"things_e\" ("), "{}", plan.out);
    assert!(plan.out.contains("ALTER TABLE \"things\" ADD COLUMN \"g\" "), "{}", plan.out);
    assert_eq!(
        load(home, &dsn, "{\"id\":\"y\",\"a\":1.5,\"b\":\"z\",\"c\":[1.0],\"d\":\"someday\",\"g\":true}\n", &[]),
        "1 added, 0 updated, 0 unchanged, 0 removed"
    );
    let exported = export(home, &dsn);
    let lines: Vec<String> = canonical_lines(&exported);
    assert_eq!(lines[0], canonical_lines(text)[0]);
    assert_eq!(exported.lines().nth(1), Some("{\"id\":\"y\",\"a\":1.5,\"b\":\"z\",\"c\":[1.0],\"d\":\"someday\",\"g\":true}"));
    // What stood in the rest moves into its place when the record comes again.
    assert_eq!(load(home, &dsn, text, &[]), "0 added, 1 updated, 0 unchanged, 0 removed");
    assert_eq!(canonical_lines(&export(home, &dsn)), lines);

    write(r#""a":{"type":"integer"},"b":{"type":["number","string"]},"c":{},"d":{"type":"string"}"#);
    let refused = run_with(home, &args, b"{\"id\":\"z\"}\n");
    assert_eq!(refused.status, 2, "{}", refused.err);
    // No record has a value for g that would be lost, but y does.
    for (code, what) in [("W131", "column a of table things"), ("W130", "list /e of table things_e"), ("W130", "column g of table things")]
    {
        let found = refused.err.lines().any(|line| line.contains(&format!("error[{code}]")) && line.contains(what));
        assert!(found, "{code} {what}: {}", refused.err);
    }
    assert_eq!(canonical_lines(&export(home, &dsn)), lines);

    fs::write(home.join("schema.json"), schema("\"a\":{}").replace("/id", "/a")).expect("the folder is writable");
    let refused = run_with(home, &args, b"{\"id\":\"z\"}\n");
    assert!(refused.err.contains("error[W134]"), "{}", refused.err);
}

/// Two at once: one waits for the other, and both are in.
pub fn loads_do_not_mix(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    for round in 0..4 {
        let dsn = base.fresh(home);
        if round % 2 == 1 {
            load(home, &dsn, "{\"id\":\"first\"}\n", &[]);
        }
        let start = |name: &str| {
            let text: String = (0..200).map(|number| format!("{{\"id\":\"{name}{number}\",\"lists\":[{{\"name\":\"n\"}}]}}\n")).collect();
            let mut child = begin(home, &dsn);
            child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
            child
        };
        let children = [start("a"), start("b")];
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let ids: Vec<String> = export(home, &dsn)
            .lines()
            .map(|line| line.split('"').nth(3).unwrap_or_default().to_owned())
            .filter(|id| id != "first")
            .collect();
        let (first, second) = ids.split_at(200);
        let of = |ids: &[String], name: &str| ids.iter().all(|id| id.starts_with(name));
        assert!(of(first, "a") && of(second, "b") || of(first, "b") && of(second, "a"), "{ids:?}");
        assert_eq!(ids.len(), 400);
    }
}

/// Killed at any moment, a load leaves the database as before, or has done all; the next one completes it.
pub fn a_killed_load_leaves_nothing_half_done(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    // Texts so large that pages have to leave the cache.
    let large = "x".repeat(5 << 20);
    let text: String =
        (0..9).map(|number| format!("{{\"id\":\"k{number}\",\"select\":\"{large}\",\"lists\":[{{\"name\":\"n{number}\"}}]}}\n")).collect();
    let old: String =
        (0..3).map(|number| format!("{{\"id\":\"k{number}\",\"select\":\"old\",\"lists\":[{{\"name\":\"old\"}}]}}\n")).collect();
    for there in [false, true] {
        for bytes in [1000, text.len() - 10, text.len()] {
            let dsn = base.fresh(home);
            if there {
                load(home, &dsn, &old, &[]);
            }
            let mut child = begin(home, &dsn);
            let mut stdin = child.stdin.take().expect("it is piped");
            stdin.write_all(&text.as_bytes()[..bytes]).expect("it reads");
            if bytes == text.len() {
                // Everything has been read, and what follows is on its way.
                drop(stdin);
            }
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            let temporary = || {
                let names = fs::read_dir(home).expect("a folder").map(|file| file.expect("readable").file_name());
                names.filter(|name| name.to_string_lossy().starts_with(".chancery-")).count()
            };
            // It has read almost everything, so that the new file is there under its temporary name.
            assert!(temporary() == 1 || there || bytes != text.len() - 10 || !dsn.starts_with("sqlite:"), "the test kills it too early");
            let left = run(home, &["export", &dsn, "--to", "ndjson", "--quiet"]);
            let before = if there { left.out == old } else { left.status == 2 };
            assert!(before || left.out.len() > text.len(), "there {there}, {bytes} bytes: {}", left.err);
            load(home, &dsn, &text, &[]);
            assert!(export(home, &dsn) == text, "there {there}, {bytes} bytes");
            assert_eq!(temporary(), 0, "there {there}, {bytes} bytes");
        }
    }
}

#[test]
fn sqlite_anything_comes_back() {
    anything_comes_back(&mut Sqlite(0));
}

#[test]
fn sqlite_modes_do_what_they_state() {
    modes_do_what_they_say(&mut Sqlite(0));
}

#[test]
fn sqlite_invalid_records_are_stopped_skipped_or_kept() {
    invalid_records_are_stopped_skipped_or_kept(&mut Sqlite(0));
}

#[test]
fn sqlite_tables_follow_the_schema() {
    tables_follow_the_schema(&mut Sqlite(0));
}

#[test]
fn sqlite_loads_do_not_mix() {
    loads_do_not_mix(&mut Sqlite(0));
}

#[test]
fn sqlite_a_killed_load_leaves_nothing_half_done() {
    a_killed_load_leaves_nothing_half_done(&mut Sqlite(0));
}

#[test]
fn a_held_back_load_makes_no_file() {
    let home = folder(&[("schema.json", SCHEMA), ("a.ndjson", "{\"id\":1}\n")]);
    let ran = run(home.path(), &["load", "a.ndjson", "--schema", "schema.json", "--into", "sqlite:new.db"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    let names: Vec<_> = fs::read_dir(home.path()).expect("a folder").map(|file| file.expect("readable").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let ran = run(home.path(), &["load", "a.ndjson", "--schema", "schema.json", "--into", "sqlite:a.ndjson"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    fs::write(
        home.path().join("text.db"),
        "no database, but a text of some length, which is longer than a header of a hundred bytes would be ....",
    )
    .expect("writable");
    let ran = run(home.path(), &["load", "a.ndjson", "--schema", "schema.json", "--into", "sqlite:text.db"]);
    assert!(ran.status == 2 && ran.err.starts_with("error: text.db: "), "{}", ran.err);
}
