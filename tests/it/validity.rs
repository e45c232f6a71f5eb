//! Which records are valid, what is written, and totals that add up, regardless of severity flags.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Ran, folder, run};

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "required": ["id"], "properties": {
    "id": {"type": "string"}, "n": {"type": "integer"}, "of": {"type": "string", "x-references": true},
    "all": {"type": "array", "items": {"type": "string", "x-references": true}},
    "mail": {"type": "string", "x-normalise": "text"}}}"#;

fn summary(ran: &Ran) -> Value {
    let text = if ran.out.starts_with('{') { &ran.out } else { &ran.err };
    // A message may follow.
    let report: Option<Result<Value, _>> = serde_json::Deserializer::from_str(text).into_iter().next();
    report.expect("there is a report").unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))["summary"].clone()
}

fn numbers(ran: &Ran) -> [u64; 5] {
    let summary = summary(ran);
    ["records", "valid", "invalid", "written", "rejected"].map(|name| summary[name].as_u64().expect("it is a number"))
}

// `b` is duplicated, `c` refers to nothing, and `e` is in order.
const DATA: &str = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"b\",\"n\":2}\n{\"id\":\"c\",\"of\":\"gone\",\"all\":[\"x\",\"y\"]}\n{\"id\":\"e\",\"of\":\"a\"}\n";

fn flags<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, "--no-config", "--schema", "s.json", "--report", "json"], more].concat()
}

#[test]
fn an_error_across_records_makes_the_record_invalid() {
    for complete in [false, true] {
        let flag: &[&str] = if complete { &["--complete"] } else { &[] };
        let home = folder(&[("s.json", SCHEMA), ("d.ndjson", DATA)]);
        let invalid = 1 + u64::from(complete);
        let valid = 5 - invalid;
        let ran = run(home.path(), &[flags("check", &["d.ndjson"]), flag.to_vec()].concat());
        assert_eq!((ran.status, numbers(&ran)), (1, [5, valid, invalid, valid, invalid]), "{}", ran.err);
        for (on_invalid, written) in [("stop", 0), ("skip", valid), ("keep", 5)] {
            let to = ["d.ndjson", "--to", "ndjson", "-o", "out.ndjson", "--on-invalid", on_invalid];
            let ran = run(home.path(), &[flags("convert", &to), flag.to_vec()].concat());
            assert_eq!((ran.status, numbers(&ran)), (1, [5, valid, invalid, written, 5 - written]), "{on_invalid}: {}{}", ran.out, ran.err);
            let lines = fs::read_to_string(home.path().join("out.ndjson")).map_or(0, |text| text.lines().count());
            assert_eq!(lines as u64, written, "{on_invalid}");
            let _ = fs::remove_file(home.path().join("out.ndjson"));

            let ran = run(
                home.path(),
                &[flags("load", &["d.ndjson", "--into", "sqlite:d.db", "--on-invalid", on_invalid]), flag.to_vec()].concat(),
            );
            if on_invalid != "keep" {
                assert_eq!(
                    (ran.status, numbers(&ran)),
                    (1, [5, valid, invalid, written, 5 - written]),
                    "{on_invalid}: {}{}",
                    ran.out,
                    ran.err
                );
                assert_eq!(exported(home.path(), "sqlite:d.db"), written, "{on_invalid}");
            }
            let _ = fs::remove_file(home.path().join("d.db"));
        }
    }
}

fn exported(home: &Path, dsn: &str) -> u64 {
    run(home, &["export", dsn, "--to", "ndjson", "-q"]).out.lines().count() as u64
}

#[test]
fn what_is_reported_changes_nothing_about_what_is_written() {
    for more in [
        &["--ignore", "X102"][..],
        &["--ignore", "X"],
        &["--fail-on", "never"],
        &["--select", "S"],
        &["--baseline", "known.json", "--write-baseline"],
    ] {
        let home = folder(&[("s.json", SCHEMA), ("d.ndjson", DATA)]);
        let to = ["d.ndjson", "--complete", "--to", "ndjson", "-o", "out.ndjson", "--on-invalid", "skip"];
        let ran = run(home.path(), &[flags("convert", &to), more.to_vec()].concat());
        assert_eq!(numbers(&ran), [5, 3, 2, 3, 2], "{more:?}: {}{}", ran.out, ran.err);
        assert_eq!(fs::read_to_string(home.path().join("out.ndjson")).expect("written").lines().count(), 3, "{more:?}");
        // Held back even where nothing is reported.
        let _ = fs::remove_file(home.path().join("out.ndjson"));
        let to = ["d.ndjson", "--complete", "--to", "ndjson", "-o", "out.ndjson"];
        let ran = run(home.path(), &[flags("convert", &to), more[..2].to_vec()].concat());
        assert_eq!(numbers(&ran), [5, 3, 2, 0, 5], "{more:?}: {}{}", ran.out, ran.err);
        assert!(!home.path().join("out.ndjson").exists(), "{more:?}");
    }
}

#[test]
fn a_run_keeps_what_it_rejects_in_order_and_with_its_errors() {
    let config = "schema = \"s.json\"\ncomplete = true\noutputs = [\"ndjson\", \"csv\"]\n";
    for data in [
        ("input/d.ndjson", DATA.replace("{\"id\":\"a\"}", "{\"id\":\"a\",\"n\":\"x\"}")),
        ("input/d.json", format!("[{}]", DATA.replace("{\"id\":\"a\"}", "{\"id\":\"a\",\"n\":\"x\"}").trim_end().replace('\n', ","))),
    ] {
        let home = folder(&[("s.json", SCHEMA), ("chancery.toml", config), (data.0, &data.1)]);
        let ran = run(home.path(), &["run", "--report", "json"]);
        // `a` is invalid, `b` the second is a duplicate, `c` refers to nothing and `e` to `a`.
        assert_eq!((ran.status, numbers(&ran)), (1, [5, 1, 4, 1, 4]), "{}{}", ran.out, ran.err);
        let rejects = fs::read_to_string(home.path().join("output/rejects.ndjson")).expect("it is written");
        let lines: Vec<Value> = rejects.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        let rendered: Vec<(u64, String, Vec<&str>)> = lines
            .iter()
            .map(|line| {
                let codes = line["errors"].as_array().expect("a list").iter().map(|error| error["code"].as_str().expect("text"));
                (line["index"].as_u64().expect("a number"), line["record"]["id"].to_string(), codes.collect())
            })
            .collect();
        let expected = [(0, "\"a\"", vec!["S103"]), (2, "\"b\"", vec!["X101"]), (3, "\"c\"", vec!["X102"; 3]), (4, "\"e\"", vec!["X102"])];
        assert_eq!(rendered, expected.map(|(index, id, codes)| (index, id.to_owned(), codes)));
        assert!(lines.iter().all(|line| line["file"] == data.0), "{rejects}");
        let written = find(&home.path().join("output"), "ndjson");
        assert_eq!(written, ["{\"id\":\"b\"}\n"]);
    }
}

// The texts of the outputs of a format.
fn find(folder: &Path, extension: &str) -> Vec<String> {
    let mut found: Vec<_> = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    let meant =
        found.into_iter().filter(|path| path.extension().is_some_and(|other| other == extension) && !path.ends_with("rejects.ndjson"));
    meant.map(|path| fs::read_to_string(path).expect("text")).collect()
}

#[test]
fn who_refers_to_a_rejected_record_is_rejected_too_until_nothing_changes() {
    // Each refers to the next, in both directions of the file; the last is invalid. `z` refers to itself and is in order.
    for backwards in [false, true] {
        let mut lines: Vec<String> = (0..300).map(|n| format!("{{\"id\":\"k{n}\",\"of\":\"k{}\"}}", n + 1)).collect();
        lines.push("{\"id\":\"k300\",\"n\":\"x\"}".to_owned());
        lines.push("{\"id\":\"z\",\"of\":\"z\"}".to_owned());
        if backwards {
            lines.reverse();
        }
        let home = folder(&[("s.json", SCHEMA), ("d.ndjson", &(lines.join("\n") + "\n"))]);
        let to = ["d.ndjson", "--to", "ndjson", "-o", "out.ndjson", "--on-invalid", "skip"];
        let ran = run(home.path(), &[flags("convert", &to), vec!["--complete"]].concat());
        assert_eq!((ran.status, numbers(&ran)), (1, [302, 1, 301, 1, 301]), "{}{}", ran.out, ran.err);
        assert_eq!(fs::read_to_string(home.path().join("out.ndjson")).expect("written"), "{\"id\":\"z\",\"of\":\"z\"}\n");
        // The check takes a reference to an invalid record as resolved.
        let ran = run(home.path(), &[flags("check", &["d.ndjson"]), vec!["--complete"]].concat());
        assert_eq!(numbers(&ran), [302, 301, 1, 301, 1]);
    }
}

#[test]
fn strict_makes_errors_of_notes_and_leaves_the_records_valid() {
    let schema = r#"{"type": "object", "properties": {"mail": {"type": "string", "x-normalise": "text"}}}"#;
    let home = folder(&[("s.json", schema), ("d.ndjson", "{\"mail\":\" a  b \"}\n{\"mail\":\"c\"}\n")]);
    let plain = run(home.path(), &["check", "--no-config", "--schema", "s.json", "--report", "plain", "d.ndjson"]);
    assert!(plain.status == 0 && plain.out.contains("note[N"), "{}{}", plain.out, plain.err);
    for format in ["plain", "pretty", "github"] {
        let ran = run(home.path(), &["check", "--strict", "--no-config", "--schema", "s.json", "--report", format, "d.ndjson"]);
        let last = ran.out.lines().last().unwrap_or_default();
        assert_eq!(ran.status, 1);
        assert_eq!(last, "2 records in 1 file: 2 valid, 0 invalid; 1 error (1 raised by --strict or the config)", "{format}");
    }
    for format in ["plain", "pretty", "github", "html", "markdown", "junit"] {
        let ran = run(home.path(), &["check", "--strict", "--no-config", "--schema", "s.json", "--report", format, "d.ndjson"]);
        let out = ran.out.to_lowercase();
        assert!(ran.status == 1 && !out.contains("all valid") && !out.contains("outside of records"), "{format}: {}", ran.out);
    }
    let to = ["d.ndjson", "--strict", "--to", "ndjson", "-o", "out.ndjson"];
    let ran = run(home.path(), &flags("convert", &to));
    assert_eq!((ran.status, numbers(&ran)), (1, [2, 2, 0, 2, 0]), "{}", ran.err);
    assert_eq!(fs::read_to_string(home.path().join("out.ndjson")).expect("written"), "{\"mail\":\"a  b\"}\n{\"mail\":\"c\"}\n");
}

#[test]
fn a_summary_with_an_error_never_states_that_all_is_valid() {
    let home = folder(&[("s.json", SCHEMA), ("d.ndjson", "{\"id\":\"a\",\"of\":\"b\"}\n"), ("e.json", "{\"id\":\"a\"}")]);
    for more in [&["--complete"][..], &["--baseline", "known.json", "--write-baseline"], &["absent.json"], &["e.json"]] {
        let flags = ["check", "--no-config", "--schema", "s.json", "--report", "plain", "d.ndjson"];
        let ran = run(home.path(), &[&flags[..], more].concat());
        let last = ran.out.lines().last().unwrap_or_default();
        assert!(!(last.contains("error") && last.contains("all valid")), "{more:?}: {last}");
    }
}
