//! Faults of the file system: each call that changes a file fails once. Outputs are complete or unchanged, the error names the
//! output, no temporary file is left, and the next run succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::harness::{folder, program};

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "required": ["id"], "properties": {
  "id": {"type": "string"}, "n": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}},
  "note": {"type": "string", "x-normalise": "text"}}}"#;
const OLD: &str = "{\"id\":\"a\",\"n\":1,\"tags\":[\"x\"]}\n{\"n\":1}\n";
const NEW: &str = "{\"id\":\"a\",\"n\":2}\n{\"id\":\"b\",\"n\":3}\n{\"n\":2}\n{\"n\":3}\n";
const VALID: &str = "{\"id\":\"a\",\"n\":2,\"tags\":[\"y\",\"z\"]}\n{\"id\":\"b\",\"n\":3,\"tags\":[]}\n";

/// What goes wrong (see `src/output/fault.rs`), and whether the program has to cope with it.
const FAULTS: [(&str, bool); 6] =
    [("full", false), ("io", false), ("refused", false), ("sync", false), ("interrupted", true), ("short", true)];

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A run in a directory that holds its inputs and, where it replaces some, its outputs.
struct Scenario {
    home: TempDir,
    args: &'static [&'static str],
    /// What the path of each output begins with.
    target: &'static str,
    /// Whether a run whose outputs fail succeeds.
    is_optional: bool,
    /// What stands for the content of an output that differs from run to run.
    content: fn(&Path) -> Option<Vec<u8>>,
}

fn scenario(args: &'static [&'static str], target: &'static str, files: &[(&str, &str)]) -> Scenario {
    let home = folder(&[&[("schema.json", SCHEMA)], files].concat());
    Scenario { home, args, target, is_optional: false, content: |path| fs::read(path).ok() }
}

impl Scenario {
    /// Tries each fault at each call. Returns the calls that failed.
    fn assert(&self) -> BTreeSet<String> {
        let home = self.home.path();
        let begin = files(home, |path| fs::read(path).ok());
        let before = files(home, self.content);
        let done = run(home, self.args, None);
        assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
        let after = files(home, self.content);
        assert!(self.is_optional || before != after, "the run has outputs");
        let markers = folder(&[]);
        let marker = markers.path().join("call");
        let mut calls = BTreeSet::new();
        for (kind, is_survived) in FAULTS {
            for number in 1.. {
                reset(home, &begin);
                let _ = fs::remove_file(&marker);
                let ran = run(home, self.args, Some(&format!("{kind} {number} {}", marker.display())));
                let Ok(call) = fs::read_to_string(&marker) else { break };
                let err = String::from_utf8_lossy(&ran.stderr).into_owned();
                let shown = format!("{kind} at call {number} ({call}): {:?} {err}", ran.status.code());
                let found = files(home, self.content);
                let (left, found): (Files, Files) = found.into_iter().partition(|(path, _)| is_temporary(path));
                let may_fail = !is_survived && !self.is_optional;
                if may_fail && ran.status.code() == Some(2) {
                    assert!(err.contains(self.target) && !err.contains(".tmp"), "the error names no output: {shown}");
                    for path in found.keys().chain(before.keys()) {
                        let now = found.get(path);
                        assert!(now == before.get(path) || now == after.get(path), "{} is incomplete: {shown}", path.display());
                    }
                } else {
                    assert_eq!((ran.status, &ran.stdout), (done.status, &done.stdout), "{shown}");
                    assert!(!may_fail || !matches!(&*call, "Write" | "Sync" | "Rename"), "the fault was not noticed: {shown}");
                    assert!(found == after, "the outputs are not complete: {shown}");
                }
                // What cannot be removed is left to the next run.
                assert!(left.is_empty() || call == "Remove", "{:?} is left: {shown}", left.keys());
                if ran.status != done.status || !left.is_empty() || self.is_optional {
                    let next = run(home, self.args, None);
                    assert_eq!((next.status, &next.stdout), (done.status, &done.stdout), "the next run after {shown}: {next:?}");
                    assert!(files(home, self.content) == after, "the next run after {shown}");
                }
                calls.insert(format!("{kind} {call}"));
            }
        }
        calls
    }
}

fn run(home: &Path, args: &[&str], fault: Option<&str>) -> Output {
    let mut program = program();
    program.current_dir(home).args(args);
    if let Some(fault) = fault {
        program.env("CHANCERY_FAULT", fault);
    }
    program.output().expect("the program starts")
}

fn files(folder: &Path, content: fn(&Path) -> Option<Vec<u8>>) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path, content));
        } else if let Some(content) = content(&path) {
            found.insert(path, content);
        }
    }
    found
}

fn reset(home: &Path, begin: &Files) {
    for entry in fs::read_dir(home).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("the folder is writable");
    }
    for (path, bytes) in begin {
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is writable");
        fs::write(path, bytes).expect("the folder is writable");
    }
}

fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmp")
}

/// Runs the program, so that the outputs of a scenario are replaced.
fn prepared(scenario: Scenario, args: &[&str], then: &[(&str, &str)]) -> Scenario {
    let home = scenario.home.path();
    let ran = run(home, args, None);
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{ran:?}");
    for (name, text) in then {
        fs::write(home.join(name), text).expect("the folder is writable");
    }
    scenario
}

fn assert_tried(calls: &BTreeSet<String>, expected: &[&str]) {
    for call in expected {
        assert!(calls.contains(*call), "{call} was not tried: {calls:?}");
    }
}

const CONVERT: &[&str] = &["convert", "in.ndjson", "--schema", "schema.json", "-o", "out/out.xml"];

#[test]
fn convert_creates_a_file_or_none() {
    let calls = scenario(CONVERT, "out/out.xml", &[("in.ndjson", VALID)]).assert();
    assert_tried(&calls, &["full MakeDir", "full Open", "full Write", "sync Sync", "refused Link", "short Write", "interrupted Write"]);
}

#[test]
fn convert_replaces_a_file_or_leaves_it() {
    let calls = scenario(CONVERT, "out/out.xml", &[("in.ndjson", VALID), ("out/out.xml", "old")]).assert();
    assert_tried(&calls, &["io Mode", "full Write", "sync Sync", "full Link", "refused Rename"]);
}

#[test]
fn run_replaces_each_file_or_leaves_it() {
    const ARGS: &[&str] = &["run", "in.ndjson", "--schema", "schema.json", "-o", "out"];
    // A file of the run before is no output any more.
    let stale = [("in.ndjson", NEW), ("out/.chancery-manifest", "stale.csv\n"), ("out/stale.csv", "id\n")];
    let calls = prepared(scenario(ARGS, "out", &[("in.ndjson", OLD)]), ARGS, &stale).assert();
    assert_tried(&calls, &["full Open", "full Write", "sync Sync", "full Link", "refused Rename", "io Remove"]);
}

#[test]
fn a_report_is_replaced_or_left() {
    const ARGS: &[&str] = &["check", "in.ndjson", "--schema", "schema.json", "--no-cache", "--report", "html=report.html"];
    let calls = scenario(ARGS, "report.html", &[("in.ndjson", OLD), ("report.html", "old")]).assert();
    assert_tried(&calls, &["full Write", "sync Sync", "refused Rename"]);
}

#[test]
fn a_baseline_is_replaced_or_left() {
    const ARGS: &[&str] = &["check", "in.ndjson", "--schema", "schema.json", "--no-cache", "--baseline", "known.json", "--write-baseline"];
    let calls = prepared(scenario(ARGS, "known.json", &[("in.ndjson", NEW)]), ARGS, &[("in.ndjson", VALID)]).assert();
    assert_tried(&calls, &["full Write", "sync Sync", "refused Rename"]);
}

#[test]
fn fixed_files_are_replaced_or_left() {
    const ARGS: &[&str] = &["fix", "--write", "data", "--schema", "schema.json"];
    let bad = "{\"id\": \"a\", \"note\": \" a  b\"}\n";
    let calls = scenario(ARGS, "data", &[("data/a.ndjson", bad), ("data/b.ndjson", &bad.replace("\"a\"", "\"b\""))]).assert();
    assert_tried(&calls, &["full Write", "sync Sync", "refused Rename"]);
}

#[test]
fn a_cache_is_optional() {
    const ARGS: &[&str] = &["check", "data", "--schema", "schema.json"];
    let long = VALID.replace('y', &"y".repeat(1 << 16));
    let mut scenario = scenario(ARGS, ".chancery-cache", &[("data/a.ndjson", &long), ("data/b.ndjson", "{}")]);
    scenario.is_optional = true;
    // Its files hold times.
    scenario.content = |path| if path.parent()?.ends_with(".chancery-cache") && !is_temporary(path) { None } else { fs::read(path).ok() };
    let calls = scenario.assert();
    assert_tried(&calls, &["full MakeDir", "full Write", "sync Sync", "refused Link"]);
}

#[cfg(feature = "sqlite")]
#[test]
fn a_database_is_created_or_not() {
    const ARGS: &[&str] = &["load", "in.ndjson", "--schema", "schema.json", "--into", "sqlite:new/things.db"];
    let mut scenario = scenario(ARGS, "things.db", &[("in.ndjson", VALID)]);
    // It holds the time of the load.
    scenario.content = |path| if path.extension()? == "db" { Some(rows(path)) } else { fs::read(path).ok() };
    let calls = scenario.assert();
    assert_tried(&calls, &["full MakeDir", "full Open", "sync Sync", "refused Rename"]);
}

#[cfg(feature = "sqlite")]
fn rows(database: &Path) -> Vec<u8> {
    let connection = rusqlite::Connection::open(database).expect("it can be opened");
    let text = |query: &str| connection.query_row(query, [], |row| row.get::<_, String>(0)).expect("it is a database");
    let rows = text("SELECT count(*) || ' ' || total(n) FROM things");
    format!("{} {rows}", text("PRAGMA integrity_check")).into_bytes()
}

#[cfg(feature = "parquet")]
#[test]
fn each_file_of_columns_is_replaced_or_left() {
    const ARGS: &[&str] = &["load", "in.ndjson", "--schema", "schema.json", "--into", "parquet:sets"];
    const FLAT: &[&str] = &["load", "in.ndjson", "--schema", "schema.json", "--into", "parquet:sets", "--layout", "flat"];
    // Of two tables the second has no file in the other layout.
    let schema = r#"{"x-key": "/id", "x-record-name": "things", "properties": {
      "id": {"type": "string"}, "parts": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}"#;
    let data = "{\"id\":\"a\",\"parts\":[{\"n\":1}]}\n";
    let scenario = scenario(ARGS, "sets", &[("schema.json", schema), ("in.ndjson", data)]);
    let calls = prepared(scenario, FLAT, &[("in.ndjson", &data.replace('1', "2"))]).assert();
    assert_tried(&calls, &["full Write", "sync Sync", "refused Rename", "io Remove"]);
}
