//! Parquet and Arrow: records are exported unchanged, other readers see the same values, and a set of files is complete.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{self, Ran, folder, run, run_with};
use crate::load::{SCHEMA, canonical_lines, export, hostile, load};

const ARGS: [&str; 8] = ["load", "-", "--from", "ndjson", "--no-config", "--schema", "schema.json", "--into"];

/// Runs a load of `text` with the flags after `--into`.
fn into(home: &Path, flags: &[&str], text: &str) -> Ran {
    run_with(home, &[&ARGS[..], flags].concat(), text.as_bytes())
}

/// The files of a directory with what they hold.
fn held(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    files.map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("readable"))).collect()
}

fn names(folder: &Path) -> Vec<String> {
    held(folder).into_keys().collect()
}

/// Python with the readers of others, where it could be had.
fn python() -> Option<&'static str> {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/python");
    let found = Command::new(python).args(["-c", "import duckdb, pyarrow"]).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    crate::support::skip("pyarrow", format_args!("{python} with duckdb and pyarrow is absent; .ci/run installs them"));
    None
}

/// What a script prints.
fn ask(home: &Path, script: &str, args: &[&str], stdin: Stdio) -> Option<String> {
    let output = Command::new(python()?).current_dir(home).args(["-c", script]).args(args).stdin(stdin).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn anything_comes_back() {
    let home = folder(&[("schema.json", SCHEMA)]);
    for (round, text) in hostile().enumerate() {
        for (dsn, layout) in [("parquet:lake", "nested"), ("parquet:lake", "flat"), ("arrow:things.arrows", "nested")] {
            load(home.path(), dsn, &text, &["--on-invalid", "keep", "--layout", layout]);
            let (before, after) = (canonical_lines(&text), canonical_lines(&export(home.path(), dsn)));
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after, "round {round}, {dsn} {layout}");
            }
            assert_eq!(before.len(), after.len());
        }
    }
}

#[test]
fn a_batch_of_columns_is_no_border() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    let text: String = (0..9000)
        .map(|number| {
            let rows: Vec<String> =
                (0..number % 4).map(|row| format!("{{\"name\":\"{row}\",\"table\":[{{\"x\":{number}}},{{\"x\":1.0}}]}}")).collect();
            let lists = if rows.is_empty() { String::new() } else { format!(",\"lists\":[{}]", rows.join(",")) };
            format!("{{\"id\":\"k{number}\",\"size\":{number},\"tags\":[\"t{number}\"]{lists}}}\n")
        })
        .collect();
    for layout in ["nested", "flat"] {
        let printed = load(home, "parquet:lake", &text, &["--layout", layout, "-j1"]);
        assert!(printed.starts_with("9000 written to "), "{printed}");
        let alone = held(&home.join("lake"));
        assert!(export(home, "parquet:lake") == text, "{layout}");
        load(home, "parquet:lake", &text, &["--layout", layout, "-j3"]);
        assert!(held(&home.join("lake")) == alone, "{layout}: the same bytes again");
    }
}

#[test]
fn the_schema_states_what_is_in_the_columns() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    load(home, "parquet:lake", "", &[]);
    assert_eq!(export(home, "parquet:lake"), "");
    assert_eq!(names(&home.join("lake")), ["things.parquet"]);
    insta::assert_snapshot!(schema_of(&home.join("lake/things.parquet")), @r"
    message arrow_schema {
      OPTIONAL BYTE_ARRAY id (STRING);
      OPTIONAL BYTE_ARRAY select (STRING);
      OPTIONAL INT64 Order By;
      OPTIONAL INT64 order_by;
      OPTIONAL DOUBLE size;
      OPTIONAL BOOLEAN flag;
      OPTIONAL INT32 day (DATE);
      OPTIONAL INT64 moment (TIMESTAMP(MICROS,true));
      OPTIONAL BYTE_ARRAY either (JSON);
      OPTIONAL group tags (LIST) {
        REPEATED group list {
          OPTIONAL BYTE_ARRAY element (STRING);
        }
      }
      OPTIONAL BYTE_ARRAY map (JSON);
      OPTIONAL group place {
        OPTIONAL BYTE_ARRAY town (STRING);
        OPTIONAL group geo {
          OPTIONAL DOUBLE lat;
        }
      }
      OPTIONAL BYTE_ARRAY parent (STRING);
      OPTIONAL BYTE_ARRAY _id (STRING);
      OPTIONAL BYTE_ARRAY '); DROP TABLE things; -- (STRING);
      OPTIONAL group lists (LIST) {
        REPEATED group list {
          REQUIRED group element {
            OPTIONAL BYTE_ARRAY name (STRING);
            OPTIONAL group table (LIST) {
              REPEATED group list {
                REQUIRED group element {
                  OPTIONAL INT64 x;
                  OPTIONAL BYTE_ARRAY again (JSON);
                }
              }
            }
          }
        }
      }
      OPTIONAL BYTE_ARRAY _extra (JSON);
    }
    ");
    load(home, "parquet:lake", "", &["--layout", "flat"]);
    assert_eq!(names(&home.join("lake")), ["things.parquet", "things_lists.parquet", "things_lists_table.parquet"]);
    insta::assert_snapshot!(schema_of(&home.join("lake/things_lists_table.parquet")), @r"
    message arrow_schema {
      REQUIRED INT64 _record;
      REQUIRED INT32 _position_1;
      REQUIRED INT32 _position;
      OPTIONAL INT64 x;
      OPTIONAL BYTE_ARRAY again (JSON);
      OPTIONAL BYTE_ARRAY _extra (JSON);
    }
    ");
}

/// The schema of a file as Parquet has it.
fn schema_of(path: &Path) -> String {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let reader = SerializedFileReader::new(fs::File::open(path).expect("it is there")).expect("it is a file of Parquet");
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, reader.metadata().file_metadata().schema());
    String::from_utf8(text).expect("UTF-8")
}

/// Records of each sort, some of which columns cannot say.
const MIXED: &str = r#"{"id":"a","select":"x\u0000y 😀","Order By":1,"order_by":2,"size":0.1,"flag":true,"day":"2024-02-29","moment":"2024-05-06T07:08:09Z","either":"1","tags":["p",null,""],"map":{"k":1},"place":{"town":"Nairobi","geo":{"lat":-1.28}},"lists":[{"name":"n","table":[{"x":1},{"x":2}]},{}]}
{"id":"b","size":1.50,"day":"0044-03-15","moment":"1969-12-31T23:59:59.5-02:00","tags":[],"place":{},"other":[1],"lists":[{"name":"m"}]}
{"id":"c","size":1e400,"Order By":12345678901234567890,"moment":null,"flag":null,"lists":[]}
"#;

const SEEN: &str = r#"
import datetime, json, sys, duckdb, pyarrow.parquet as pq
path, out = sys.argv[1], []
def plain(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
arrow = [plain(row) for row in pq.read_table(path).to_pylist()]
found = duckdb.sql(f"set timezone = 'UTC'") or duckdb.sql(f"from '{path}'")
names = [name for name, *_ in found.description]
duck = [plain(dict(zip(names, row))) for row in found.fetchall()]
assert duck == arrow, (duck, arrow)
for row in arrow:
    print(json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False))
"#;

#[test]
fn other_readers_see_the_same_values() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    load(home, "parquet:lake", MIXED, &["--on-invalid", "keep"]);
    let Some(seen) = ask(home, SEEN, &["lake/things.parquet"], Stdio::null()) else { return };
    insta::assert_snapshot!(seen, @r#"
    {"id": "a", "select": "x\u0000y 😀", "Order By": 1, "order_by": 2, "size": 0.1, "flag": true, "day": "2024-02-29", "moment": "2024-05-06T07:08:09+00:00", "either": "\"1\"", "tags": ["p", null, ""], "map": "{\"k\":1}", "place": {"town": "Nairobi", "geo": {"lat": -1.28}}, "lists": [{"name": "n", "table": [{"x": 1, "again": null}, {"x": 2, "again": null}]}, {"name": null, "table": null}]}
    {"id": "b", "size": 1.5, "day": "0044-03-15", "moment": "1970-01-01T01:59:59.500000+00:00", "tags": [], "lists": [{"name": "m", "table": null}], "_extra": "{\"/size\":1.50,\"/moment\":\"1969-12-31T23:59:59.5-02:00\",\"/place\":{},\"/other\":[1]}"}
    {"id": "c", "_extra": "{\"/size\":1e400,\"/Order By\":12345678901234567890,\"/moment\":null,\"/flag\":null,\"/lists\":[]}"}
    "#);
    load(home, "parquet:lake", MIXED, &["--on-invalid", "keep", "--layout", "flat"]);
    let all: String = ["things", "things_lists", "things_lists_table"]
        .iter()
        .filter_map(|table| ask(home, SEEN, &[&format!("lake/{table}.parquet")], Stdio::null()))
        .collect();
    insta::assert_snapshot!(all, @r#"
    {"_id": 1, "id": "a", "select": "x\u0000y 😀", "order_by": 1, "order_by_066fd901": 2, "size": 0.1, "flag": true, "day": "2024-02-29", "moment": "2024-05-06T07:08:09+00:00", "either": "\"1\"", "tags": "[\"p\",null,\"\"]", "map": "{\"k\":1}", "place_town": "Nairobi", "place_geo_lat": -1.28}
    {"_id": 2, "id": "b", "size": 1.5, "day": "0044-03-15", "moment": "1970-01-01T01:59:59.500000+00:00", "tags": "[]", "_extra": "{\"/size\":1.50,\"/moment\":\"1969-12-31T23:59:59.5-02:00\",\"/place\":{},\"/other\":[1]}"}
    {"_id": 3, "id": "c", "_extra": "{\"/size\":1e400,\"/Order By\":12345678901234567890,\"/moment\":null,\"/flag\":null,\"/lists\":[]}"}
    {"_record": 1, "_position": 0, "name": "n"}
    {"_record": 1, "_position": 1}
    {"_record": 2, "_position": 0, "name": "m"}
    {"_record": 1, "_position_1": 0, "_position": 0, "x": 1}
    {"_record": 1, "_position_1": 0, "_position": 1, "x": 2}
    "#);
    let joined = "import duckdb; print(duckdb.sql(\"select sum(x) from 'lake/things.parquet' join 'lake/things_lists_table.parquet' on _id = _record where id = 'a'\").fetchall()[0][0])";
    assert_eq!(ask(home, joined, &[], Stdio::null()).as_deref(), Some("3\n"));
}

#[test]
fn names_that_engines_cannot_tell_apart_differ() {
    // An object of which nothing is known, and a reference to itself besides.
    let schema = r#"{"type": "object", "x-record-name": "things", "properties": {"id": {"type": "string"}, "ID": {"type": "string"},
      "": {"type": "integer"}, "_EXTRA": {"type": "integer"}, "a\tb": {"type": "integer"},
      "in": {"type": "object", "properties": {"É": {"type": "string"}, "é": {"type": "string"}}},
      "hollow": {"type": "array", "items": {"type": "object", "properties": {"never": false}}}}}"#;
    let home = folder(&[("schema.json", schema)]);
    let text = "{\"id\":\"1\",\"ID\":\"2\",\"\":3,\"_EXTRA\":4,\"a\\tb\":5,\"in\":{\"É\":\"6\",\"é\":\"7\"},\"hollow\":[{},{\"x\":8}]}\n";
    for layout in ["flat", "nested"] {
        load(home.path(), "parquet:lake", text, &["--layout", layout]);
        assert_eq!(export(home.path(), "parquet:lake"), text);
    }
    let Some(seen) = ask(home.path(), SEEN, &["lake/things.parquet"], Stdio::null()) else { return };
    insta::assert_snapshot!(seen, @r#"{"id": "1", "ID_7732e4f2": "2", "value": 3, "_EXTRA_a4418c89": 4, "a_b": 5, "in": {"É": "6", "é_78effcb4": "7"}, "hollow": [{"_position": 0}, {"_position": 1}], "_extra": "{\"/hollow/1/x\":8}"}"#);
}

#[test]
fn whatever_the_records_are_other_readers_can_read_them() {
    let home = folder(&[("schema.json", SCHEMA)]);
    for text in hostile().take(2) {
        for layout in ["nested", "flat"] {
            load(home.path(), "parquet:lake", &text, &["--on-invalid", "keep", "--layout", layout]);
            for name in names(&home.path().join("lake")) {
                if ask(home.path(), SEEN, &[&format!("lake/{name}")], Stdio::null()).is_none() {
                    return;
                }
            }
        }
    }
}

fn arrow_pipe(home: &Path, text: &str) -> (std::process::Child, Stdio) {
    fs::write(home.join("in.ndjson"), text).expect("writable");
    let mut child = harness::program()
        .current_dir(home)
        .args([
            "load",
            "in.ndjson",
            "--no-config",
            "--schema",
            "schema.json",
            "--into",
            "arrow:-",
            "--on-invalid",
            "keep",
            "--fail-on",
            "never",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = child.stdout.take().expect("it is piped").into();
    (child, out)
}

#[test]
fn arrow_goes_through_a_pipe() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let script = "import sys, pyarrow.ipc as ipc\nfor row in ipc.open_stream(sys.stdin.buffer).read_all().to_pylist(): print(row['id'], row['tags'])";
    for (text, expected) in [(MIXED, "a ['p', None, '']\nb []\nc None\n"), ("", "")] {
        let (child, out) = arrow_pipe(home.path(), text);
        let printed = ask(home.path(), script, &[], out);
        let output = child.wait_with_output().expect("it ends");
        if let Some(printed) = printed {
            assert_eq!(printed, expected);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        // And through our own reader.
        let (child, out) = arrow_pipe(home.path(), text);
        let back = harness::program()
            .args(["export", "arrow:-", "--to", "ndjson", "--no-config", "--quiet"])
            .stdin(out)
            .output()
            .expect("the program starts");
        assert_eq!(canonical_lines(&String::from_utf8_lossy(&back.stdout)), canonical_lines(text));
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let text: String = (0..20_000).map(|number| format!("{{\"id\":\"k{number}\",\"select\":\"{number:0>200}\"}}\n")).collect();
    let (child, out) = arrow_pipe(home.path(), &text);
    drop(out);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()), (Some(0), String::new()));
}

#[test]
fn a_set_is_replaced_as_a_whole_or_not_at_all() {
    let home = folder(&[("schema.json", SCHEMA), ("lake/notes.txt", "mine"), ("lake/things_lists_old.parquet", "not of Parquet")]);
    let (home, lake) = (home.path(), home.path().join("lake"));
    let record = "{\"id\":\"a\",\"lists\":[{\"name\":\"n\"}]}\n";
    load(home, "parquet:lake", record, &["--layout", "flat"]);
    // Other collections in the same directory, one of which has a table that is called as one of the first.
    load(home, "parquet:lake", record, &["--collection", "others"]);
    let taken = into(home, &["parquet:lake", "--collection", "things lists"], record);
    assert_eq!(taken.status, 2);
    let rendered =
        "parquet:lake:1:1: error[W132] expected no file things_lists.parquet, found one that was not created by a load of things lists";
    assert!(taken.err.starts_with(rendered), "{}", taken.err);
    let before = held(&lake);
    for (flags, text) in [(&[][..], "{\"id\":1}\n"), (&["--on-invalid", "skip", "nowhere.json"], record)] {
        let ran = into(home, &[&["parquet:lake"], flags].concat(), text);
        assert!(ran.status > 0 && ran.err.contains("nothing was written"), "{}", ran.err);
        assert!(held(&lake) == before, "{flags:?}");
    }
    load(home, "parquet:lake", record, &["--mode", "replace"]);
    assert_eq!(names(&lake), ["notes.txt", "others.parquet", "things.parquet", "things_lists_old.parquet"]);
}

#[test]
fn files_of_different_loads_are_no_set() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    for (dsn, name) in [("parquet:one", "1"), ("parquet:two", "2")] {
        load(home, dsn, &format!("{{\"id\":\"a\",\"lists\":[{{\"name\":\"{name}\"}}]}}\n"), &["--layout", "flat"]);
    }
    fs::copy(home.join("one/things_lists.parquet"), home.join("two/things_lists.parquet")).expect("writable");
    let ran = run(home, &["export", "parquet:two", "--to", "ndjson"]);
    assert!(ran.status == 2 && ran.err.contains("things_lists.parquet"), "{}", ran.err);
    fs::remove_file(home.join("two/things_lists.parquet")).expect("it is there");
    let ran = run(home, &["export", "parquet:two", "--to", "ndjson"]);
    assert!(ran.status == 2 && ran.err.contains("things_lists.parquet"), "{}", ran.err);
    let whole = fs::read(home.join("one/things.parquet")).expect("readable");
    fs::write(home.join("one/things.parquet"), &whole[..whole.len() - 9]).expect("writable");
    let ran = run(home, &["export", "parquet:one", "--to", "ndjson"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
}

#[test]
fn files_of_others_are_refused() {
    let home = folder(&[("schema.json", SCHEMA)]);
    fs::create_dir(home.path().join("lake")).expect("writable");
    let args = ["export", "parquet:lake", "--to", "ndjson"];
    let ran = run(home.path(), &args);
    assert!(ran.status == 2 && ran.err.starts_with("error: lake: "), "{}", ran.err);
    let script = "import pyarrow as pa, pyarrow.parquet as pq; pq.write_table(pa.table({'id': [1]}), 'lake/other.parquet')";
    if ask(home.path(), script, &[], Stdio::null()).is_some() {
        let ran = run(home.path(), &args);
        assert!(ran.status == 2 && ran.err.starts_with("error: lake: other.parquet "), "{}", ran.err);
        let taken = into(home.path(), &["parquet:lake", "--collection", "other"], "{\"id\":\"a\"}\n");
        assert!(taken.status == 2 && taken.err.contains("error[W132]") && taken.err.contains("other.parquet"), "{}", taken.err);
        load(home.path(), "parquet:lake", "{\"id\":\"a\"}\n", &[]);
        assert_eq!(names(&home.path().join("lake")), ["other.parquet", "things.parquet"]);
        assert_eq!(export(home.path(), "parquet:lake"), "{\"id\":\"a\"}\n");
    }
}

#[test]
fn what_cannot_be_is_reported() {
    let home = folder(&[("schema.json", SCHEMA), ("file", "text"), ("in/things.ndjson", "{\"id\":\"a\"}\n")]);
    let home = home.path();
    for (flags, rendered) in [
        (&["parquet:lake", "--mode", "upsert"][..], "replaces everything; use --mode replace"),
        (&["parquet:lake", "--mode", "append"], "replaces everything; use --mode replace"),
        (&["parquet:lake", "--dry-run"], "cannot list changes"),
        (&["parquet:lake", "--migrate", "print"], "nothing is migrated"),
        (&["parquet:lake", "--findings"], "--report ndjson=FILE"),
        (&["parquet:lake", "--keep-json"], "use chancery export"),
        (&["arrow:-", "--layout", "flat"], "its layout is always nested"),
        (&["sqlite:a.db", "--layout", "flat"], "--layout is for parquet:DIR"),
        (&["parquet:", "--mode", "replace"], "expected a path after parquet:"),
        (&["parquet:file"], "file: "),
        (&["parquet:file/lake"], "file/lake: "),
        (&["parquet:in", "in"], "is an input"),
        (&["arrow:in/things.ndjson", "in"], "is an input"),
    ] {
        let ran = into(home, flags, "{\"id\":\"a\"}\n");
        assert_eq!(ran.status, 2, "{flags:?}: {}", ran.err);
        assert!(ran.err.contains(rendered), "{flags:?}: {}", ran.err);
    }
    assert_eq!(names_of(home), ["file", "in", "schema.json"], "nothing was made");
    for place in ["parquet:a/b/lake", "arrow:a/b/things.arrows"] {
        let ran = into(home, &[place], "{\"id\":1}\n");
        assert_eq!(ran.status, 1, "{}", ran.err);
    }
    assert_eq!(names_of(home), ["file", "in", "schema.json"], "nothing is left");
    // A name of the collection is no path.
    load(home, "parquet:lake", "{\"id\":\"a\"}\n", &["--collection", "../../Escaped"]);
    assert_eq!(names(&home.join("lake")), ["escaped.parquet"]);
    load(home, "parquet:lake", "{\"id\":\"b\"}\n", &["--rejects", "rejects.ndjson", "--on-invalid", "skip"]);
    assert_eq!(fs::read_to_string(home.join("rejects.ndjson")).expect("it was written"), "");
    let ran = run(home, &["export", "parquet:lake", "--to", "ndjson"]);
    assert!(ran.status == 2 && ran.err.contains("(../../Escaped, things)"), "{}", ran.err);
    let ran = run(home, &["export", "parquet:lake", "--to", "ndjson", "--collection", "things", "--quiet"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "{\"id\":\"b\"}\n"), "{}", ran.err);
}

fn names_of(folder: &Path) -> Vec<String> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()).collect();
    names.sort();
    names.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

/// Killed at any moment, a load leaves the set as before, or has done all.
#[test]
fn a_killed_load_leaves_nothing_half_done() {
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    let old = "{\"id\":\"old\",\"lists\":[{\"name\":\"old\"}]}\n";
    let text: String = (0..9).map(|number| format!("{{\"id\":\"k{number}\",\"select\":\"{}\"}}\n", "x".repeat(1 << 20))).collect();
    load(home, "parquet:lake", old, &["--layout", "flat"]);
    for bytes in [1000, text.len() - 10] {
        let mut child = harness::program()
            .current_dir(home)
            .args([&ARGS[..], &["parquet:lake", "--layout", "flat", "--quiet"]].concat())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("it is piped").write_all(&text.as_bytes()[..bytes]).expect("it reads");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert_eq!(export(home, "parquet:lake"), old);
    }
}

#[test]
fn a_stream_that_is_cut_is_no_whole() {
    let home = folder(&[("schema.json", SCHEMA), ("a.ndjson", "{\"id\":\"a\"}\n")]);
    let load = |input: &str| {
        let flags = ["--schema", "schema.json", "--into", "arrow:a.arrows", "--no-config", "--quiet", "--on-invalid", "skip"];
        run(home.path(), &[&["load", input], &flags[..]].concat())
    };
    assert_eq!(load("a.ndjson").status, 0);
    let whole = fs::read(home.path().join("a.arrows")).expect("it is there");
    // After the last batch there are eight bytes.
    fs::write(home.path().join("cut.arrows"), &whole[..whole.len() - 8]).expect("written");
    let cut = run(home.path(), &["export", "arrow:cut.arrows", "--to", "ndjson", "--no-config"]);
    assert!(cut.status == 2 && cut.err.contains("ends without an end marker"), "{} {}", cut.status, cut.err);
    // What cannot be read completely leaves everything as it was.
    fs::write(home.path().join("b.ndjson.gz"), b"\x1f\x8b\x08\x00no gzip").expect("written");
    let broken = load("b.ndjson.gz");
    assert_eq!(broken.status, 2, "{}", broken.err);
    assert!(broken.err.contains("W135"), "{}", broken.err);
    assert_eq!(fs::read(home.path().join("a.arrows")).expect("it is there"), whole);
}
