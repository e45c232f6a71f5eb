//! The wording of errors and warnings that belong to no rule. It is pinned here and nowhere else: other tests assert the status,
//! the file and the place.

use std::fmt::Write as _;

use crate::harness::{commit, folder, git, run};

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "additionalProperties": false, "properties": {
    "id": {"type": "string"}, "count": {"type": "integer", "minimum": 0}, "lists": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}}}"#;

#[test]
fn errors_of_commands() {
    let home = folder(&[
        ("schema.json", SCHEMA),
        ("a.ndjson", "{\"id\": \"a\", \"lists\": [{\"name\": \"1\"}]}\n"),
        ("b.ndjson", "{\"id\": \"a\", \"lists\": [{\"name\": \"2\"}]}\n"),
        ("range.json", "{\"id\": \"a\", \"count\": \"-1\"}"),
        ("text.db", "no database, but a text of some length, which is longer than a header of a hundred bytes would be ...."),
        ("empty/.keep", ""),
    ]);
    let home = home.path();
    std::fs::write(home.join("bad.ndjson"), b"{\"id\": \"\xff\"}\n").expect("writable");
    let utf16: Vec<u8> = "\u{feff}{\"count\": \"1\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(home.join("wide.json"), utf16).expect("writable");
    let mut shown = String::new();
    let mut show = |args: &[&str]| {
        let ran = run(home, args);
        writeln!(shown, "$ chancery {}\n{}[{}]\n", args.join(" "), ran.err, ran.status).expect("memory is there");
    };
    show(&["check", "a.ndjson", "--schema", "schema.json", "--baseline", "absent.json"]);
    show(&["check", "a.ndjson", "--schema", "schema.json", "--changed-since", "main"]);
    show(&["fix", "range.json", "--schema", "schema.json"]);
    show(&["fix", "none.json", "wide.json", "bad.ndjson", "--schema", "schema.json"]);
    show(&["load", "a.ndjson", "--schema", "schema.json", "--into", "sqlite:text.db"]);
    show(&["load", "a.ndjson", "--schema", "schema.json", "--into", "sqlite:a.ndjson"]);
    show(&["export", "sqlite:absent.db", "--to", "ndjson"]);
    show(&["export", "parquet:empty", "--to", "ndjson"]);
    for (input, lake) in [("a.ndjson", "parquet:one"), ("b.ndjson", "parquet:two")] {
        assert_eq!(run(home, &["load", input, "--schema", "schema.json", "--into", lake, "--layout", "flat"]).status, 0);
    }
    std::fs::copy(home.join("one/things_lists.parquet"), home.join("two/things_lists.parquet")).expect("writable");
    show(&["export", "parquet:two", "--to", "ndjson"]);
    std::fs::remove_file(home.join("two/things_lists.parquet")).expect("it is there");
    show(&["export", "parquet:two", "--to", "ndjson"]);
    git(home, &["init", "--quiet", "--initial-branch=main"]);
    commit(home, &[]);
    show(&["check", "a.ndjson", "--schema", "schema.json", "--changed-since", "nowhere"]);
    // The directory has another name in every run.
    insta::assert_snapshot!(shown.replace(&*home.to_string_lossy(), "HOME"));
}
