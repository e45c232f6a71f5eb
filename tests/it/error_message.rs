//! Custom messages: `errorMessage`, descriptions and titles of a schema in findings.

use crate::harness::{folder, run};

/// What `check` finds in one record, as `pointer: message`.
fn findings(schema: &str, record: &str) -> Vec<String> {
    let home = folder(&[("schema.json", schema), ("record.json", record)]);
    let ran = run(home.path(), &["check", "record.json", "--schema", "schema.json", "--records", "", "--report", "ndjson"]);
    let lines = ran.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON"));
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).unwrap_or_default();
    lines.filter(|line| line["code"].is_string()).map(|line| format!("{}: {}", text(&line["pointer"]), text(&line["message"]))).collect()
}

fn check(schema: &str, record: &str, expected: &[&str]) {
    assert_eq!(findings(schema, record), expected, "{schema}\n{record}");
}

#[test]
fn a_text_stands_for_every_error_below_and_is_reported_once() {
    let schema = r#"{"type": "object", "required": ["foo"], "properties": {"foo": {"type": "integer"}}, "additionalProperties": false,
        "errorMessage": "an integer foo and nothing else"}"#;
    check(schema, r#"{"foo": "a", "bar": 2}"#, &["/foo: an integer foo and nothing else"]);
    check(schema, r"{}", &[": an integer foo and nothing else"]);
    check(schema, r#"{"foo": 1}"#, &[]);
}

#[test]
fn a_keyword_has_words_of_its_own_in_its_subschema_only() {
    let schema = r#"{"type": "object", "required": ["foo", "bar"], "properties": {"foo": {"type": "integer"}, "bar": {}},
        "additionalProperties": false,
        "errorMessage": {"type": "an object", "required": {"foo": "no foo"}, "additionalProperties": "too much"}}"#;
    check(schema, "1", &[": an object"]);
    check(schema, r#"{"foo": "a"}"#, &[": member \"bar\" is missing", "/foo: expected integer, found string \"a\""]);
    check(schema, r#"{"bar": 1, "x": 1, "y": 2}"#, &[": no foo", "/x: too much"]);
}

#[test]
fn members_and_items_have_words_for_all_that_is_wrong_in_them() {
    let schema = r#"{"properties": {"size": {"type": "object", "properties": {"x": {"type": "number"}}}, "name": {"type": "string"},
        "pair": {"items": {"type": "number"}, "errorMessage": {"items": ["first", "second"]}}},
        "errorMessage": {"properties": {"size": "x of size is a number, found ${/size/x} beside ${/name}"}, "_": "something is wrong"}}"#;
    check(schema, r#"{"size": {"x": "a"}, "name": "n"}"#, &["/size/x: x of size is a number, found \"a\" beside \"n\""]);
    check(schema, r#"{"name": 1}"#, &["/name: something is wrong"]);
    check(schema, r#"{"pair": [1, "b"]}"#, &["/pair/1: second"]);
}

#[test]
fn words_are_found_behind_references_and_in_the_branch_that_is_meant() {
    let schema = r##"{"properties": {"place": {"$ref": "#/$defs/place"}, "form": {"oneOf": [
            {"required": ["r"], "properties": {"t": {"const": "circle"}, "r": {"type": "number"}}, "errorMessage": {"required": {"r": "a circle has a radius"}, "_": "no good circle: ${0/r} in ${1/name}"}},
            {"required": ["w"], "properties": {"t": {"const": "square"}, "w": {"type": "number"}}}]}},
        "$defs": {"place": {"required": ["city"], "properties": {"city": {"minLength": 2}}, "errorMessage": "a place has a city, ${0#} has none"}}}"##;
    check(schema, r#"{"place": {}}"#, &["/place: a place has a city, \"place\" has none"]);
    check(schema, r#"{"place": {"city": "X"}}"#, &["/place/city: a place has a city, \"place\" has none"]);
    check(schema, r#"{"form": {"t": "circle"}}"#, &["/form: a circle has a radius"]);
    check(schema, r#"{"name": [1], "form": {"t": "circle", "r": "x"}}"#, &["/form/r: no good circle: \"x\" in [1]"]);
}

#[test]
fn what_is_no_message_is_skipped_and_hostile_words_stay_on_their_line() {
    check(r#"{"type": "object", "errorMessage": 5}"#, "1", &[": expected object, found number 1"]);
    check(r#"{"type": "object", "errorMessage": {"type": {"a": "b"}}}"#, "1", &[": expected object, found number 1"]);
    check(r#"{"type": "object", "errorMessage": "a ${0} b ${"}"#, "1", &[": a 1 b ${"]);
    check(r#"{"type": "object", "errorMessage": "a\n::error::b\u001b[31m"}"#, "1", &[": a ::error::b [31m"]);
    check(r#"{"type": "object", "errorMessage": "${/x} ${9/y}"}"#, "1", &[": nothing nothing"]);
}

#[test]
fn the_programs_own_words_stay_beside_and_the_schema_describes_what_is_wrong() {
    let schema = r#"{"properties": {"a": {"type": "integer", "errorMessage": "count the heads"},
        "b": {"maximum": 9, "description": "Size of the staff. In persons."}, "c": {"maxLength": 1, "title": "Initial"}}}"#;
    let home = folder(&[("schema.json", schema), ("record.json", "{\"a\": \"x\",\n \"b\": 12,\n \"c\": \"xy\"}\n")]);
    let ran = run(home.path(), &["check", "record.json", "--schema", "schema.json", "--report", "pretty", "--color", "never"]);
    insta::assert_snapshot!(ran.out);
}
