//! Findings of the check against a schema: code, pointer and message, and what the label covers.

use std::sync::Arc;

use chancery::check::schema::Checker;
use chancery::diagnostic::Diagnostic;
use chancery::schema::Schema;

use crate::harness::{folder, run};
use crate::support::{schema, tree};

fn findings(schema_text: &str, record: &str) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    Checker::new(Arc::new(schema(schema_text))).check(&tree("record.json", record), &mut diagnostics);
    diagnostics
}

// Each expected line is `code pointer [what the label covers] message`.
fn check(schema_text: &str, record: &str, expected: &[&str]) {
    let found: Vec<String> = findings(schema_text, record)
        .iter()
        .map(|diagnostic| {
            let covered = diagnostic.place.source.slice(diagnostic.place.span);
            format!("{} {} [{covered}] {}", diagnostic.rule.code, diagnostic.pointer.as_deref().unwrap_or("-"), diagnostic.message)
        })
        .collect();
    assert_eq!(found, expected, "\n{schema_text}\n{record}");
}

fn helps(schema_text: &str, record: &str) -> Vec<String> {
    findings(schema_text, record).into_iter().map(|diagnostic| diagnostic.help.unwrap_or_default()).collect()
}

#[test]
fn names_of_members() {
    let schema = r#"{"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},"name":{"description":"The name as used. More."},"sub":{"properties":{"start_date":true},"additionalProperties":false}},"additionalProperties":false}"#;
    check(schema, r#"{"id":"a"}"#, &[r#"S101  [{] member "name" is missing"#]);
    check(
        schema,
        r#"{"id":"a","name":1,"nmae":2,"z":3}"#,
        &[r#"S102 /nmae ["nmae"] unknown member "nmae""#, r#"S102 /z ["z"] unknown member "z""#],
    );
    check(schema, r#"{"id":"a","name":1,"sub":{"startDate":1}}"#, &[r#"S102 /sub/startDate ["startDate"] unknown member "startDate""#]);
    assert_eq!(helps(schema, r#"{"id":"a"}"#), [r#"add "name": The name as used"#]);
    assert_eq!(helps(schema, r#"{"id":"a","nmae":1}"#), [r#"add "name": The name as used"#, r#"did you mean "name"?"#]);
    assert_eq!(helps(schema, r#"{"id":"a","name":1,"sub":{"q":1}}"#), [r#"known here: "start_date""#]);
    check(
        r#"{"propertyNames":{"pattern":"^[a-z]+$"}}"#,
        r#"{"Ab":1}"#,
        &[r#"S114 /Ab ["Ab"] name "Ab" may not be used: expected text that matches ^[a-z]+$"#],
    );
    check(r#"{"properties":{"fax":false}}"#, r#"{"fax":1}"#, &[r#"S113 /fax ["fax"] member "fax" is not allowed here"#]);
    check(r#"{"dependentRequired":{"a":["b"]}}"#, r#"{"a":1}"#, &[r#"S101  [{] member "b" is missing beside "a""#]);
    check(
        r##"{"$ref":"#/$defs/x","$defs":{"x":{"dependentRequired":{"a":["b"]}}}}"##,
        r#"{"a":1}"#,
        &[r#"S101  [{] member "b" is missing beside "a""#],
    );
    check(r#"{"properties":{"a":true},"unevaluatedProperties":false}"#, r#"{"b":1}"#, &[r#"S102 /b ["b"] unknown member "b""#]);
}

#[test]
fn values() {
    check(r#"{"properties":{"y":{"type":"integer"}}}"#, r#"{"y":"1948"}"#, &[r#"S103 /y ["1948"] expected integer, found string "1948""#]);
    check(r#"{"type":"integer"}"#, "1.5", &["S103  [1.5] expected integer, found number 1.5"]);
    check(r#"{"type":["string","null"]}"#, "[1,2]", &["S103  [[] expected null or string, found array"]);
    check(r#"{"format":"email"}"#, r#""info@""#, &[r#"S104  ["info@"] expected an e-mail address, found "info@""#]);
    check(r#"{"pattern":"^a$"}"#, r#""b""#, &[r#"S105  ["b"] expected text that matches ^a$, found "b""#]);
    check(r#"{"title":"Two letters","pattern":"^[a-z]{2}$"}"#, r#""b""#, &[r#"S105  ["b"] expected two letters, found "b""#]);
    check(r#"{"enum":["lead","member"]}"#, r#""leed""#, &[r#"S106  ["leed"] expected "lead" or "member", found "leed""#]);
    check(r#"{"const":1}"#, "2", &["S106  [2] expected 1, found 2"]);
    check(r#"{"minimum":3}"#, "2", &["S107  [2] expected at least 3, found 2"]);
    check(r#"{"exclusiveMaximum":3}"#, "3", &["S107  [3] expected less than 3, found 3"]);
    check(r#"{"multipleOf":2}"#, "3", &["S107  [3] expected a multiple of 2, found 3"]);
    check(r#"{"minLength":1}"#, r#""""#, &[r#"S108  [""] expected at least 1 character, found empty text"#]);
    check(r#"{"maxLength":1}"#, r#""ab""#, &[r#"S108  ["ab"] expected at most 1 character, found 2: "ab""#]);
    check(r#"{"minItems":1}"#, "[]", &["S109  [[] expected at least 1 item, found 0"]);
    check(r#"{"maxItems":1}"#, "[1,22,3]", &["S109  [22] expected at most 1 item, found 3"]);
    check(r#"{"uniqueItems":true}"#, "[1,2,1.0]", &["S110 /2 [1.0] items 1 and 3 are equal: 1.0"]);
    check(r#"{"not":{"type":"string"}}"#, r#""a""#, &[r#"S113  ["a"] "a" is excluded by the schema"#]);
    check(r#"{"prefixItems":[true],"items":false}"#, "[1,2]", &["S115 /1 [2] item 2 is not allowed by the schema"]);
    check(r#"{"prefixItems":[true],"unevaluatedItems":false}"#, "[1,2]", &["S115 /1 [2] item 2 is not allowed by the schema"]);
    check(r#"{"contains":{"type":"string"}}"#, "[1]", &["S109  [[] too few items match `contains`"]);
    assert_eq!(helps(r#"{"enum":["lead","member"]}"#, r#""leed""#), [r#"did you mean "lead"?"#]);
    assert_eq!(helps(r#"{"format":"email"}"#, r#""info@""#), [r#"for example "info@example.org""#]);
}

#[test]
fn branches() {
    let tagged = r#"{"oneOf":[
        {"properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},
        {"properties":{"kind":{"const":"b"},"y":{"type":"integer"}},"required":["kind","y"]}]}"#;
    check(tagged, r#"{"kind":"b","y":"1"}"#, &[r#"S103 /y ["1"] expected integer, found string "1""#]);
    check(tagged, r#"{"kind":"a"}"#, &[r#"S101  [{] member "x" is missing"#]);
    check(tagged, r#"{"kind":"aa","x":1}"#, &[r#"S106 /kind ["aa"] expected "a" or "b", found "aa""#]);
    let typed = r#"{"anyOf":[{"type":"null"},{"type":"array","items":{"type":"string"}}]}"#;
    check(typed, "[1]", &["S103 /0 [1] expected string, found number 1"]);
    check(r#"{"anyOf":[{"minimum":2}]}"#, "1", &["S107  [1] expected at least 2, found 1"]);
    check(typed, "1", &["S103  [1] expected null or array, found number 1"]);
    check(
        r#"{"anyOf":[{"required":["name"]},{"required":["id"]}]}"#,
        "{}",
        &[r#"S101  [{] one of the members "name" or "id" is required"#],
    );
    check(
        r#"{"anyOf":[{"enum":["mine_action"]},{"pattern":"^x_"}]}"#,
        r#""mine-action""#,
        &[
            r#"S111  ["mine-action"] "mine-action" matches none of the 2 alternatives in the schema; nearest: expected "mine_action", found "mine-action""#,
        ],
    );
    check(
        r##"{"oneOf":[{"$ref":"#/$defs/a"},{"minimum":0}],"$defs":{"a":{"title":"A"}}}"##,
        "1",
        &[r#"S112  [1] matches 2 alternatives where the schema allows only one: "A" and /oneOf/1"#],
    );
}

#[test]
fn the_schema_is_shown() {
    let diagnostics =
        findings("{\n \"properties\": {\n  \"a\": {\"$ref\": \"#/$defs/t\"}\n },\n \"$defs\": {\"t\": {\"minimum\": 3}}\n}", r#"{"a":1}"#);
    let place = diagnostics[0].related[0].place.locate();
    assert_eq!((&*place.file, place.start.line, place.start.column), ("schema.json", 5, 29));
    assert_eq!(diagnostics[0].schema_pointer.as_deref(), Some("/$defs/t/minimum"));
}

#[test]
fn deprecated_members_are_warned_of() {
    check(
        r#"{"properties":{"a":{"properties":{"fax":{"deprecated":true}}}}}"#,
        r#"{"a":{"fax":1}}"#,
        &[r#"S117 /a/fax ["fax"] member "fax" is deprecated"#],
    );
}

// Each expected line is `code line:column message`.
fn broken(text: &str, expected: &[&str]) {
    let faults = Schema::try_from(tree("schema.json", text)).err().unwrap_or_default();
    let found: Vec<String> = faults
        .iter()
        .map(|fault| {
            let start = fault.place.locate().start;
            format!("{} {}:{} {}", fault.rule.code, start.line, start.column, fault.message)
        })
        .collect();
    assert_eq!(found, expected, "\n{text}");
}

#[test]
fn faults_of_schemas() {
    broken(
        r#"{"type": "strng"}"#,
        &[r#"C110 1:10 keyword "type": expected "array", "boolean", "integer", "null", "number", "object" or "string", found "strng""#],
    );
    broken(r#"{"properties": {"a": {"required": "id"}}}"#, &[r#"C110 1:35 keyword "required": expected array, found string "id""#]);
    broken("{\n  \"minLength\": -1\n}", &[r#"C110 2:16 keyword "minLength": expected at least 0, found -1"#]);
    broken(r#"{"properties": {"a": {"pattern": "(["}}}"#, &[r#"C110 1:34 expected a regular expression, found "([""#]);
    broken(r##"{"properties": {"a": {"$ref": "#/$defs/b"}}}"##, &[r##"C111 1:31 reference "#/$defs/b" cannot be resolved"##]);
    broken(r#"{"properties": {"a": {"$ref": "other.json"}}}"#, &[r#"C111 1:31 reference "other.json" cannot be resolved"#]);
    broken(
        r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#,
        &[r#"C112 1:13 expected a supported JSON Schema draft, found "http://json-schema.org/draft-03/schema#""#],
    );
    broken("3", &["C110 1:1 expected boolean or object, found number 3"]);
}

#[test]
fn a_pattern_that_costs_too_much_is_a_finding() {
    let record = format!("{{\"code\":\"{}!\"}}", "a".repeat(40));
    let diagnostics = findings(r#"{"properties":{"code":{"pattern":"^((?=a)a+)+$"}}}"#, &record);
    assert_eq!(
        diagnostics.iter().map(|diagnostic| (diagnostic.rule.code, diagnostic.pointer.as_deref())).collect::<Vec<_>>(),
        [("S118", Some("/code"))]
    );
}

#[test]
fn of_members_that_are_there_twice_the_last_counts() {
    let schema = r#"{"properties":{"n":{"type":"string"}},"additionalProperties":false}"#;
    check(schema, r#"{"n":5,"n":6,"n":"b"}"#, &[]);
    check(schema, r#"{"n":"a","n":5}"#, &["S103 /n [5] expected string, found number 5"]);
}

#[test]
fn of_a_member_that_is_there_twice_the_last_counts_whatever_the_format() {
    let schema = r#"{"type": "object", "properties": {"a": {"type": "integer"}}}"#;
    let home = folder(&[
        ("schema.json", schema),
        ("a.csv", "a,a\n1.5,1\n"),
        ("a.json", r#"{"a": 1.5, "a": 1}"#),
        ("a.xml", "<list><r><a>1.5</a><a>1</a></r></list>"),
        ("a.yaml", "a: 1.5\na: 1\n"),
    ]);
    for file in ["a.csv", "a.json", "a.xml", "a.yaml"] {
        let ran = run(home.path(), &["check", file, "--schema", "schema.json", "--quiet"]);
        let codes: Vec<&str> = ran.out.lines().filter_map(|line| line.split_once('[')?.1.split_once(']')).map(|(code, _)| code).collect();
        // A table says it of the column too.
        assert_eq!(codes, if file == "a.csv" { &["R110", "R102"][..] } else { &["R102"] }, "{}", ran.out);
    }
}

#[test]
fn of_a_member_that_is_there_twice_the_last_counts_also_in_copies() {
    let schema = r#"{"type": "object", "properties": {"x": {"type": "object", "properties": {"a": {"type": "integer"}}}}}"#;
    let home = folder(&[
        ("schema.json", schema),
        ("cell.csv", "id,x\n1,\"{\"\"a\"\":1.5,\"\"a\"\":1}\"\n"),
        ("alias.yaml", "p: &k {a: 1.5, a: 1}\nx: *k\n"),
    ]);
    for file in ["cell.csv", "alias.yaml"] {
        let ran = run(home.path(), &["check", file, "--schema", "schema.json", "--quiet"]);
        assert!(ran.out.contains("R102") && !ran.out.contains("S103"), "{}", ran.out);
        let flags = ["--schema", "schema.json", "--quiet", "--on-invalid", "keep", "--fail-on", "never"];
        let kept = run(home.path(), &[&["convert", file, "--to", "csv", "-o", "kept.csv"], &flags[..]].concat());
        let again = run(home.path(), &[&["convert", "kept.csv", "--to", "ndjson"], &flags[..]].concat());
        assert!(again.out.contains(r#""a":1.5,"a":1"#), "{} {}", kept.err, again.out);
    }
}
