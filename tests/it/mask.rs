//! Masked reports: sensitive values are in no report, and every finding keeps its location.

use crate::harness::{folder, run};

const SCHEMA: &str = r#"{
  "x-key": "/id", "type": "object", "required": ["id"],
  "properties": {
    "id": {"type": "string"},
    "mail": {"x-sensitive": true, "type": "string", "format": "email", "errorMessage": "no address: ${0}"},
    "number": {"x-sensitive": true, "type": "integer", "maximum": 9},
    "person": {"x-sensitive": true, "properties": {"name": {"type": "string", "maxLength": 5}}},
    "kind": {"x-sensitive": true, "enum": ["secretive", "open"]},
    "size": {"maximum": 3},
    "note": {"maxLength": 3}
  }
}"#;

const REPORTS: &[&str] = &["pretty", "plain", "json", "ndjson", "sarif", "github", "gitlab", "junit", "rdjsonl", "markdown"];

fn reports(files: &[(&str, &str)], flags: &[&str], secrets: &[&str]) -> Vec<String> {
    let home = folder(files);
    let report = |report: &&str| {
        let args = [&["check", "--schema", "schema.json", "--report", report, "--mask", "data"], flags].concat();
        let ran = run(home.path(), &args);
        assert_eq!(ran.status, 1, "{}", ran.err);
        for secret in secrets {
            assert!(!ran.out.contains(secret), "{report} shows {secret}:\n{}", ran.out);
        }
        ran.out
    };
    REPORTS.iter().map(report).collect()
}

#[test]
fn personal_values_stand_in_no_report() {
    let records = "{\"id\": \"a\", \"mail\": \"anna.at.example\", \"number\": 12345, \"size\": 7,\n\"person\": {\"name\": \"Jos\u{e9} Zo\u{eb}\"}, \"kind\": \"secretiv\", \"note\": \"ask anna.at.example\"}\n";
    let secrets = ["anna.at", "12345", "Jos", "Zo", "\"secretiv\""];
    let drawn = reports(&[("schema.json", SCHEMA), ("data/a.json", records)], &[], &secrets);
    insta::assert_snapshot!(drawn[0]);
    insta::assert_snapshot!(drawn[1]);
}

#[test]
fn findings_stay_where_they_were() {
    let files = [("schema.json", SCHEMA), ("data/a.csv", "id,mail,number,size\na,\"anna \"\"at\"\"\",77,9\nb,b@example.org,1,9\n")];
    let home = folder(&files);
    let places = |flags: &[&str]| {
        let out = run(home.path(), &[&["check", "--schema", "schema.json", "--report", "json", "data"], flags].concat()).out;
        let report: serde_json::Value = serde_json::from_str(&out).expect("a report is JSON");
        let place = |finding: &serde_json::Value| {
            ["code", "line", "column", "end_column", "byte_start", "byte_end", "pointer"].map(|name| finding[name].to_string()).join(" ")
        };
        report["diagnostics"].as_array().expect("a list").iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(places(&["--mask"]), places(&[]));
    assert_eq!(places(&[]).len(), 4);
    reports(&files, &[], &["anna", "b@example.org", "77"]);
}

#[test]
fn of_a_broken_record_nothing_is_shown() {
    let broken = "{\"id\": \"a\", \"mail\": \"anna@example.org\" \"x\"}\n{\"id\": \"b\", \"size\": 9}\n";
    let drawn = reports(&[("schema.json", SCHEMA), ("data/a.ndjson", broken)], &[], &["anna"]);
    assert!(drawn[1].contains("data/a.ndjson:1:40: error[R101]"), "{}", drawn[1]);
    assert!(drawn[0].contains("\"size\": 9"), "what is not personal is shown:\n{}", drawn[0]);
}

#[test]
fn keys_of_other_records_are_hidden_where_they_are_personal() {
    let schema = r#"{"x-key": "/mail", "properties": {"mail": {"x-sensitive": true}}}"#;
    let drawn =
        reports(&[("schema.json", schema), ("data/a.json", "[{\"mail\": \"anna@b.org\"}, {\"mail\": \"anna@b.org\"}]")], &[], &["anna"]);
    assert!(drawn[1].contains("error[X101] duplicate key \"***\""), "{}", drawn[1]);
}

#[test]
fn a_key_is_hidden_where_one_of_its_parts_is_personal() {
    let schema = r#"{"x-key": ["/unit", "/mail"], "properties": {"mail": {"x-sensitive": true}, "size": {"maximum": 3}}}"#;
    let records = "[{\"unit\": 1, \"mail\": \"anna@b.org\", \"size\": 9}, {\"unit\": 1, \"mail\": \"anna@b.org\"}]";
    let drawn = reports(&[("schema.json", schema), ("data/a.json", records)], &[], &["anna"]);
    assert!(drawn[1].contains("error[X101] duplicate key \"***\""), "{}", drawn[1]);
    assert!(drawn[1].contains("error[S"), "the other finding is there too: {}", drawn[1]);
}

#[test]
fn a_key_is_hidden_where_it_repeats_what_is_personal() {
    let schema = r#"{"x-key": ["/unit", "/name"], "properties": {"mail": {"x-sensitive": true}, "boss": {"x-references": true}}}"#;
    let record = r#"{"unit": 1, "name": "anna@b.org", "mail": "anna@b.org", "boss": "anna@b.org"}"#;
    let drawn = reports(&[("schema.json", schema), ("data/a.ndjson", &format!("{record}\n{record}\n"))], &[], &["anna"]);
    assert!(drawn[1].contains("error[X101]") && drawn[1].contains("[X102]"), "{}", drawn[1]);
    let schema = r#"{"x-key": ["/n", "/e~mail"], "properties": {"e~mail": {"x-sensitive": true}}}"#;
    let record = r#"{"n": 1, "e~mail": "anna@b.org"}"#;
    let drawn = reports(&[("schema.json", schema), ("data/a.ndjson", &format!("{record}\n{record}\n"))], &[], &["anna"]);
    assert!(drawn[1].contains("error[X101]"), "{}", drawn[1]);
}

#[test]
fn what_an_alias_shares_with_a_sensitive_member_of_another_record_is_hidden() {
    let secret = "anna.at.example";
    for records in [
        "- {id: a, mail: &m @, size: 9}\n- {id: b, note: *m, size: 9}\n",
        "- {id: a, note: &m @, size: 9}\n- {id: b, mail: *m}\n",
        "- {id: a, note: {text: &m @}, size: 9}\n- {id: b, mail: *m}\n",
        "- {id: a, person: &m {name: @}}\n- {id: b, note: *m, size: 9}\n",
        "- {id: a, person: &m [@], size: 9}\n- {id: b, note: *m}\n",
        "- {id: a, mail: &m @}\n- {id: b, *m : 1, size: 9}\n",
        "- {id: a, size: 9, &m @ : 1}\n- {id: b, mail: *m}\n",
    ] {
        let records = records.replace('@', secret);
        let files = [("schema.json", SCHEMA), ("data/a.yaml", &records), ("old.yaml", "- {id: a}\n- {id: b}\n")];
        reports(&files, &[], &[secret]);
        let home = folder(&files);
        let command = |args: &[&str]| {
            let ran = run(home.path(), args);
            ran.out + &ran.err
        };
        for args in
            [&["explain", "data/a.yaml"][..], &["diff", "-v", "old.yaml", "data/a.yaml"], &["diff", "-v", "data/a.yaml", "old.yaml"]]
        {
            let args = [args, &["--schema", "schema.json"]].concat();
            assert!(command(&args).contains(secret), "without the flag {args:?} shows it");
            let masked = command(&[&args[..], &["--mask"]].concat());
            assert!(!masked.contains(secret), "{args:?}, {records}:\n{masked}");
        }
    }
}

#[test]
fn what_an_alias_repeats_within_a_record_is_shown_where_it_is_not_sensitive() {
    let home = folder(&[("schema.json", SCHEMA), ("a.yaml", "id: a\nmail: x@b.org\nnote: &n harmless\nsize: *n\n")]);
    let shown = run(home.path(), &["explain", "--schema", "schema.json", "--mask", "a.yaml"]).out;
    assert!(shown.contains("/note = \"harmless\"") && shown.contains("/size = \"harmless\""), "{shown}");
}

#[test]
fn the_schema_of_the_first_input_decides_what_is_explained() {
    let files = [
        (
            "chancery.toml",
            "[[sources]]\npaths = [\"a.json\"]\nschema = \"open.json\"\n[[sources]]\npaths = [\"b.json\"]\nschema = \"schema.json\"\n",
        ),
        ("open.json", r#"{"type": "object", "properties": {"mail": {"type": "integer"}}}"#),
        ("schema.json", SCHEMA),
        ("a.json", r#"{"mail": 1}"#),
        ("b.json", r#"{"id": "a", "mail": "anna@example.org"}"#),
    ];
    let home = folder(&files);
    let shown = run(home.path(), &["explain", "--mask", "b.json"]);
    assert!(shown.out.contains("/mail = \"***\"") && !shown.out.contains("anna"), "{}{}", shown.out, shown.err);
    assert!(!shown.out.contains("error["), "the record is checked by its own schema alone: {}", shown.out);
}

#[test]
fn without_the_flag_values_are_shown_and_the_config_can_ask_for_it() {
    let files = [("schema.json", SCHEMA), ("data/a.json", "{\"id\": \"a\", \"mail\": \"anna\"}"), ("chancery.toml", "mask = true\n")];
    let home = folder(&files);
    let masked = run(home.path(), &["check", "--schema", "schema.json", "data"]).out;
    assert!(masked.contains("no address: \"***\""), "{masked}");
    let shown = run(home.path(), &["check", "--schema", "schema.json", "--no-config", "data"]).out;
    assert!(shown.contains("no address: \"anna\""), "{shown}");
}
