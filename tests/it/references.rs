//! References and keys in whole runs: between collections, inside branches of a schema, by JSON value; and which files of a
//! project belong to it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{folder, git, run};

/// Code, severity, file, pointer and help of each finding of a check.
fn findings(home: &Path, args: &[&str]) -> (i32, Vec<String>) {
    let ran = run(home, &[&["check", "--no-cache", "--report", "ndjson"], args].concat());
    let rendered = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a report line is JSON");
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        (!line["code"].is_null())
            .then(|| format!("{} {} {}:{} {}", text("code"), text("severity"), text("file"), line["line"], text("pointer")))
    };
    (ran.status, ran.out.lines().filter_map(rendered).collect())
}

fn people() -> String {
    json!({"x-record-name": "people", "x-key": "/id", "type": "object", "properties": {"boss": {"x-references": true}}}).to_string()
}

fn seats() -> String {
    json!({"x-record-name": "seats", "x-key": "/no", "type": "object", "properties": {"person": {"x-references": "people"}}}).to_string()
}

const SOURCES: &str =
    "complete = true\n[[sources]]\npaths = [\"people.*\"]\nschema = \"p.json\"\n[[sources]]\npaths = [\"seats.*\"]\nschema = \"s.json\"\n";

#[test]
fn a_reference_leads_to_another_collection_of_the_run() {
    for (people_file, people_text) in [
        ("people.ndjson", "{\"id\": \"a\"}\n{\"id\": \"b\"}\n"),
        ("people.csv", "id\na\nb\n"),
        ("people.yaml", "id: a\n---\nid: b\n"),
        ("people.xml", "<l><p><id>a</id></p><p><id>b</id></p></l>"),
    ] {
        let home = folder(&[
            ("chancery.toml", SOURCES),
            ("p.json", &people()),
            ("s.json", &seats()),
            (people_file, people_text),
            (
                "seats.ndjson",
                "{\"no\": 1, \"person\": \"a\"}\n{\"no\": 2, \"person\": \"zz\"}\n{\"no\": 3, \"person\": null}\n{\"no\": 4}\n",
            ),
        ]);
        // The keys of either collection are apart: a seat may have the number of a person.
        assert_eq!(findings(home.path(), &[]), (1, vec!["X102 error seats.ndjson:2 /person".to_owned()]), "{people_file}");
    }
}

#[test]
fn the_answer_is_the_same_from_the_cache() {
    let seats_text: String = (0..60_000).map(|number| format!("{{\"no\": {number}, \"person\": \"p{number}\"}}\n")).collect();
    let people_text: String = (0..60_000).map(|number| format!("{{\"id\": \"p{number}\"}}\n")).collect();
    let home = folder(&[
        ("chancery.toml", SOURCES),
        ("p.json", &people()),
        ("s.json", &seats()),
        ("people.ndjson", &people_text),
        ("seats.ndjson", &seats_text),
    ]);
    for round in 0..2 {
        let ran = run(home.path(), &["check"]);
        assert_eq!(ran.status, 0, "{round}: {}", ran.out);
    }
    // The seats are known from before; the person is not.
    fs::write(home.path().join("people.ndjson"), people_text.replace("\"p777\"", "\"q777\"")).expect("writable");
    let ran = run(home.path(), &["check"]);
    assert!(ran.status == 1 && ran.out.contains("seats.ndjson:778:") && ran.out.contains("[X102]"), "{}", ran.out);
}

#[test]
fn a_collection_that_is_not_read_is_no_passing_verdict() {
    let home = folder(&[("p.json", &people()), ("s.json", &seats()), ("x.json", "{\"no\": 1, \"person\": \"a\"}"), ("chancery.toml", "")]);
    fs::create_dir(home.path().join("out")).expect("writable");
    for args in [
        &["check", "--schema", "s.json", "x.json"][..],
        &["check", "--schema", "s.json", "--complete", "x.json"],
        &["fix", "--schema", "s.json", "x.json"],
        &["convert", "--schema", "s.json", "--to", "json", "x.json"],
        &["run", "--schema", "s.json", "x.json"],
    ] {
        let ran = run(home.path(), args);
        assert!(ran.status == 2 && ran.err.contains("s.json:1:") && ran.err.contains("[C140]"), "{args:?}: {} {}", ran.out, ran.err);
        assert_eq!(ran.out, "", "{args:?}");
    }
    // Where nothing is judged, nothing is missing.
    assert_eq!(run(home.path(), &["diff", "--schema", "s.json", "x.json", "x.json"]).status, 0);
    assert_eq!(run(home.path(), &["check", "--schema", "none", "x.json"]).status, 0);
}

#[test]
fn declarations_that_cannot_be_compared_are_refused() {
    for (schema, code) in [
        (json!({"properties": {"a": {"x-references": true}}}), "C143"),
        (json!({"x-key": "/id", "properties": {"a": {"x-references": 5}}}), "C141"),
        (json!({"x-key": "/id", "properties": {"a": {"x-references": {"collection": "b"}}}}), "C141"),
        (json!({"x-key": 5}), "C141"),
        (json!({"x-key": []}), "C141"),
        (json!({"x-key": ["/id", "name"]}), "C141"),
        (json!({"x-key": "/id", "not": {"properties": {"a": {"x-references": true}}}}), "C142"),
        (json!({"x-key": "/id", "propertyNames": {"x-references": true}}), "C142"),
        (json!({"if": {"required": ["id"]}, "then": {"x-key": "/id"}, "else": {"x-key": "/code"}}), "C142"),
        (json!({"anyOf": [{"x-key": "/id"}, {"x-key": "/code"}]}), "C142"),
    ] {
        let home = folder(&[("s.json", &schema.to_string()), ("x.json", "{\"id\": \"a\"}")]);
        let ran = run(home.path(), &["check", "--no-config", "--schema", "s.json", "x.json"]);
        assert!(ran.status == 2 && ran.err.contains(code), "{schema}: {} {}", ran.out, ran.err);
        let ran = run(home.path(), &["schema", "check", "s.json"]);
        assert!(ran.status == 2 && ran.out.contains(code), "{schema}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn a_reference_in_a_branch_counts_where_the_branch_holds() {
    let own = json!({"x-references": true});
    let kind = |word: &str| json!({"properties": {"kind": {"const": word}}, "required": ["kind"]});
    let branch = |word: &str| json!({"properties": {"kind": {"const": word}, "to": own}, "required": ["kind"]});
    for schema in [
        json!({"x-key": "/id", "oneOf": [branch("ref"), kind("text")]}),
        json!({"x-key": "/id", "anyOf": [kind("text"), branch("ref")]}),
        json!({"x-key": "/id", "if": kind("ref"), "then": {"properties": {"to": own}}}),
        json!({"x-key": "/id", "if": kind("text"), "else": {"properties": {"to": own}}}),
        json!({"x-key": "/id", "allOf": [{"oneOf": [{"$ref": "#/$defs/r"}, kind("text")]}], "$defs": {"r": branch("ref")}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "x-key": "/id", "oneOf": [{"$ref": "#/definitions/r"}, kind("text")],
               "definitions": {"r": branch("ref")}}),
        json!({"x-key": "/id", "anyOf": [{"$ref": "#/$defs/r"}, kind("text")],
               "$defs": {"r": {"properties": {"kind": {"pattern": "^(?!text)"}}, "patternProperties": {"^t": own}}}}),
        json!({"x-key": "/id", "properties": {"kind": true, "id": true, "list": {"items": {"anyOf": [{"type": "string", "x-references": true}, true]}}},
               "oneOf": [branch("ref"), kind("text")]}),
    ] {
        let home = folder(&[
            ("s.json", &schema.to_string()),
            (
                "x.ndjson",
                "{\"id\": \"a\", \"kind\": \"text\", \"to\": \"nobody\"}\n{\"id\": \"b\", \"kind\": \"ref\", \"to\": \"a\"}\n{\"id\": \"c\", \"kind\": \"ref\", \"to\": \"nobody\"}\n",
            ),
        ]);
        let found = findings(home.path(), &["--no-config", "--complete", "--schema", "s.json", "x.ndjson"]);
        assert_eq!(found, (1, vec!["X102 error x.ndjson:3 /to".to_owned()]), "{schema}");
    }
    // On items, in what depends on another member, and in items that a list has to contain.
    for (schema, record, expected) in [
        (
            json!({"x-key": "/id", "properties": {"l": {"items": {"oneOf": [{"type": "string", "x-references": true}, {"type": "object"}]}}}}),
            "{\"id\": \"a\", \"l\": [\"a\", {}, \"x\"]}",
            "/l/2",
        ),
        (
            json!({"x-key": "/id", "dependentSchemas": {"kind": {"properties": {"to": own}}}}),
            "{\"id\": \"a\", \"kind\": 1, \"to\": \"x\"}",
            "/to",
        ),
        (
            json!({"x-key": "/id", "properties": {"l": {"contains": {"type": "string", "x-references": true}}}}),
            "{\"id\": \"a\", \"l\": [1, \"a\", \"x\"]}",
            "/l/2",
        ),
        (
            json!({"x-key": "/id", "additionalProperties": {"anyOf": [{"minLength": 3, "x-references": true}, {"maxLength": 2}]}}),
            "{\"id\": \"a\", \"o\": \"xx\", \"p\": \"xxx\"}",
            "/p",
        ),
    ] {
        let home = folder(&[("s.json", &schema.to_string()), ("x.ndjson", record)]);
        let found = findings(home.path(), &["--no-config", "--schema", "s.json", "x.ndjson"]);
        assert_eq!(found, (0, vec![format!("X102 warning x.ndjson:1 {expected}")]), "{schema}");
    }
}

const OWN: &str = r#"{"x-key": "/id", "type": "object", "properties": {"to": {"x-references": true}}}"#;

#[test]
fn keys_are_equal_by_json_value() {
    let check = |text: &str| {
        let home = folder(&[("s.json", OWN), ("x.ndjson", text)]);
        findings(home.path(), &["--no-config", "--schema", "s.json", "x.ndjson"]).1
    };
    let none: [&str; 0] = [];
    for (a, b) in [("1", "1.0"), ("1", "1e0"), ("100", "1E2"), ("0", "-0"), ("\"a\"", "\"\\u0061\""), ("\"\"", "\"\"")] {
        assert_eq!(check(&format!("{{\"id\": {a}}}\n{{\"id\": {b}}}\n")), ["X101 error x.ndjson:2 /id"], "{a} {b}");
        assert_eq!(check(&format!("{{\"id\": {a}, \"to\": {b}}}\n")), none, "{a} {b}");
    }
    for (a, b) in
        [("1", "\"1\""), ("1.0", "\"1.0\""), ("\"1\"", "\"1.0\""), ("\"a\"", "\"A\""), ("\"\"", "\" \""), ("\"\\u00e9\"", "\"e\\u0301\"")]
    {
        assert_eq!(check(&format!("{{\"id\": {a}}}\n{{\"id\": {b}}}\n")), none, "{a} {b}");
        assert_eq!(check(&format!("{{\"id\": {a}, \"to\": {b}}}\n")), ["X102 warning x.ndjson:1 /to"], "{a} {b}");
    }
    for bad in ["true", "[1]", "{}"] {
        assert_eq!(check(&format!("{{\"id\": {bad}}}\n")), ["X104 error x.ndjson:1 /id"], "{bad}");
        assert_eq!(check(&format!("{{\"id\": 1, \"to\": {bad}}}\n")), ["X104 error x.ndjson:1 /to"], "{bad}");
    }
    assert_eq!(
        check("{\"to\": null}\n{\"id\": null}\n"),
        ["X103 error x.ndjson:1 -", "X103 error x.ndjson:2 /id"].map(|line| line.replace(" -", " "))
    );
}

#[test]
fn a_dangling_reference_states_when_the_type_is_the_cause() {
    let help = |text: &str| {
        let home = folder(&[("s.json", OWN), ("x.ndjson", text)]);
        let ran = run(home.path(), &["check", "--no-config", "--report", "ndjson", "--schema", "s.json", "x.ndjson"]);
        let line: Value = serde_json::from_str(ran.out.lines().next().expect("a finding")).expect("JSON");
        line["help"].as_str().expect("help").to_owned()
    };
    assert!(help("{\"id\": \"7\", \"to\": 7.0}\n{\"id\": \"7.0\"}").contains("as a string"));
    assert!(help("{\"id\": 7, \"to\": \"7\"}").contains("as a number"));
    assert!(help("{\"id\": 7, \"to\": \"8\"}").contains("correct the reference"));
}

#[test]
fn a_key_of_several_parts_needs_them_all() {
    let schema = r#"{"x-key": ["/a", "/b"], "type": "object", "required": ["a"]}"#;
    let home = folder(&[
        ("s.json", schema),
        ("x.ndjson", "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 1.0, \"b\": \"x\"}\n{\"a\": \"1\", \"b\": \"x\"}\n{\"a\": 2}\n{\"b\": 1}\n"),
    ]);
    let (status, found) = findings(home.path(), &["--no-config", "--schema", "s.json", "x.ndjson"]);
    assert_eq!(status, 1);
    assert_eq!(found, ["X101 error x.ndjson:2 /a", "X103 error x.ndjson:4 ", "S101 error x.ndjson:5 "]);
}

#[test]
fn versions_and_databases_know_records_by_the_same_keys() {
    let schema = r#"{"x-key": "/id", "type": "object", "properties": {"id": {}, "n": {"type": "integer"}}}"#;
    let home = folder(&[
        ("s.json", schema),
        ("a.ndjson", "{\"id\": 1, \"n\": 1}\n{\"id\": \"1\", \"n\": 2}\n"),
        ("b.ndjson", "{\"id\": \"1\", \"n\": 2}\n{\"id\": 1.0, \"n\": 3}\n"),
    ]);
    let ran = run(home.path(), &["diff", "--no-config", "--schema", "s.json", "--format", "json", "a.ndjson", "b.ndjson"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err));
    let summary = &report["summary"];
    assert_eq!((&summary["changed"], &summary["added"], &summary["removed"]), (&json!(1), &json!(0), &json!(0)), "{}", ran.out);
    if cfg!(feature = "sqlite") {
        for input in ["a.ndjson", "b.ndjson"] {
            let ran = run(home.path(), &["load", "--no-config", "--schema", "s.json", "--into", "sqlite:d.db", input]);
            assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        }
        let ran = run(home.path(), &["export", "sqlite:d.db", "--to", "ndjson"]);
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines.len(), 2, "{}", ran.out);
        assert!(ran.out.contains("\"n\":3") && !ran.out.contains("\"n\":1"), "{}", ran.out);
    }
}

const PACKAGE: &str = "{\"name\": \" x\", \"id\": \"a\", \"founding_date\": \"1.2.1999\", \"email\": \"<A@B.ORG>\"}\n";

#[test]
fn a_file_that_no_source_claims_is_neither_judged_nor_fixed() {
    for config in [
        "sources = [\"data\"]\n",
        "schema = \"profile\"\nsources = [\"data/*.json\"]\n",
        "[[sources]]\npaths = [\"data\"]\nschema = \"none\"\n",
    ] {
        let home = folder(&[
            ("chancery.toml", config),
            ("data/a.json", "{\"id\": \"a\", \"name\": \"A\"}"),
            ("package.json", PACKAGE),
            ("broken.yaml", "a: [\n"),
        ]);
        let ran = run(home.path(), &["fix", "--write", "package.json"]);
        assert_eq!(
            (ran.status, fs::read_to_string(home.path().join("package.json")).expect("readable").as_str()),
            (0, PACKAGE),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("package.json"), "{}", ran.err);
        let (status, found) = findings(home.path(), &["package.json", "data/a.json"]);
        assert_eq!((status, found), (0, vec!["C144 note package.json:1 -".to_owned()]), "{config}");
        let (status, found) = findings(home.path(), &["broken.yaml"]);
        assert!(status == 0 && found.len() == 2 && found[1].starts_with("R101 warning broken.yaml:"), "{config}: {status} {found:?}");
        assert_eq!(findings(home.path(), &["--unclaimed", "skip", "broken.yaml", "package.json"]), (0, vec![]), "{config}");
        let (status, found) = findings(home.path(), &["--unclaimed", "error", "package.json"]);
        assert_eq!((status, found), (1, vec!["C144 error package.json:1 -".to_owned()]), "{config}");
        assert_eq!(run(home.path(), &["fix", "--unclaimed", "error", "package.json"]).status, 1);
        // Who names a schema asks for it.
        let (status, found) = findings(home.path(), &["--schema", "profile", "package.json"]);
        assert!(status == 1 && found.iter().any(|line| line.starts_with("S102 error")), "{found:?}");
        // A directory that holds unclaimed files gives one note of them all.
        let (_, found) = findings(home.path(), &["."]);
        assert_eq!(found.iter().filter(|line| line.starts_with("C144")).count(), 1, "{found:?}");
    }
}

#[test]
fn the_config_is_the_nearest_above_each_file() {
    let home = folder(&[
        ("a/chancery.toml", "schema = \"s.json\"\n"),
        ("a/s.json", "{\"required\": [\"n\"]}"),
        ("a/d/x.json", "{}"),
        ("b/chancery.toml", "schema = \"none\"\n"),
        ("b/y.json", "{}"),
        ("z.json", "{\"id\": \"z\", \"name\": \"Z\"}"),
        ("a/b", ""),
    ]);
    let expected = (1, vec!["S101 error a/d/x.json:1 ".to_owned()]);
    for path in ["a/d/x.json", "a/d", "a/d/*.json", "./a/d/x.json", "b/../a/d/x.json"] {
        let (status, found) = findings(home.path(), &[path]);
        assert!(status == 1 && found.len() == 1 && found[0].starts_with("S101"), "{path}: {found:?}");
    }
    assert_eq!(findings(home.path(), &["a/d/x.json"]), expected);
    let absolute = home.path().join("a/d/x.json").to_string_lossy().into_owned();
    assert_eq!(findings(&home.path().join("b"), &[&absolute]).0, 1);
    assert_eq!(findings(&home.path().join("b"), &["../a/d/x.json"]).0, 1);
    // Files of several projects are not checked by the schema of one.
    for paths in [["a/d/x.json", "b/y.json"], ["b/y.json", "a/d/x.json"], ["z.json", "b/y.json"]] {
        let ran = run(home.path(), &[&["check"][..], &paths].concat());
        assert!(ran.status == 2 && ran.err.contains("b/chancery.toml"), "{paths:?}: {}", ran.err);
    }
    assert_eq!(findings(home.path(), &["--no-config", "a/d/x.json", "b/y.json"]).0, 1);
    assert_eq!(findings(home.path(), &["--config", "b/chancery.toml", "a/d/x.json", "b/y.json"]).0, 0);
    // A directory is not left for the project inside it.
    let (status, found) = findings(home.path(), &["."]);
    assert_eq!((status, found), (0, vec![]));
}

#[test]
fn the_search_for_a_config_stops_at_the_repository() {
    let home = folder(&[("chancery.toml", "schema = \"none\"\n"), ("r/x.json", "{}"), ("r/d/y.json", "{}")]);
    assert_eq!(findings(home.path(), &["r/x.json"]).0, 0);
    git(&home.path().join("r"), &["init", "--quiet"]);
    assert_eq!(findings(home.path(), &["r/x.json"]).0, 1);
    assert_eq!(findings(&home.path().join("r/d"), &["y.json"]).0, 1);
}
