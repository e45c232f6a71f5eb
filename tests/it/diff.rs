//! `chancery diff` as users see it: outputs, exit statuses, revisions, the git diff driver, errors.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Ran, commit, folder, git, repository, run, run_with};

const OLD: &str = "id,name,size,/tags/0,/tags/1\na,Alpha,1,x,y\nb,Beta,2,,\nc,Gamma,3,,\n";
const NEW: &str = r#"[{"name": "Delta", "id": "d"},
 {"id": "b", "name": "Bet", "size": 2.0, "tags": ["n"]},
 {"size": 1.0, "id": "a", "name": "Alpha", "tags": ["w", "x", "y"]}]
"#;

fn sides() -> tempfile::TempDir {
    folder(&[("old.csv", OLD), ("new.json", NEW)])
}

fn diff(home: &Path, args: &[&str]) -> Ran {
    run(home, &[&["diff", "--schema", "none"], args].concat())
}

#[test]
fn records_are_compared_by_key_across_formats() {
    let home = sides();
    let ran = diff(home.path(), &["old.csv", "new.json", "--key", "/id"]);
    let expected = "\
+ d (new.json:1)
~ b (old.csv:3, new.json:2)
    /name: \"Beta\" → \"Bet\"
    /tags: added [\"n\"]
~ a (old.csv:2, new.json:3)
    /tags/0: added \"w\"
- c (old.csv:4)
3 records in old.csv, 3 in new.json: 0 unchanged, 2 changed, 1 added, 1 removed; paired by /id
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (1, expected, ""));
    let ran = diff(home.path(), &["new.json", "old.csv", "--key", "/id", "-v"]);
    assert!(ran.out.contains("    /tags/0: removed \"w\" (new.json:3:53)\n"), "{}", ran.out);
    assert!(ran.out.contains("    /name: \"Bet\" → \"Beta\" (new.json:2:22, old.csv:3:3)\n"), "{}", ran.out);
}

#[test]
fn without_a_key_by_content_then_by_position() {
    let home = folder(&[
        ("old.ndjson", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n"),
        ("new.csv", "n\n4\n1\n9\n2\n33\n"),
        ("both.ndjson", "{\"id\":\"a\",\"n\":1}\n{\"n\":4}\n"),
    ]);
    let ran = diff(home.path(), &["old.ndjson", "new.csv"]);
    let expected = "\
+ record (new.csv:4)
~ record (old.ndjson:3, new.csv:6; paired by position)
    /n: 3 → 33
4 records in old.ndjson, 5 in new.csv: 3 unchanged, 1 changed, 1 added, 0 removed; paired 3 by equal content, 1 by position
";
    assert_eq!((ran.status, ran.out.as_str()), (1, expected));
    let ran = diff(home.path(), &["both.ndjson", "both.ndjson", "--key", "/id"]);
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (
            0,
            "2 records in both.ndjson, 2 in both.ndjson: 2 unchanged, 0 changed, 0 added, 0 removed; paired 1 by /id, 1 by equal content\n"
        )
    );
}

#[test]
fn records_that_share_a_key_are_paired_in_order_and_it_is_reported() {
    let home = folder(&[("old.csv", "id,n\na,1\na,2\na,3\n"), ("new.csv", "id,n\na,1\na,5\nb,1\nb,2\n")]);
    let ran = diff(home.path(), &["old.csv", "new.csv", "--key", "/id"]);
    let expected = "\
~ a (old.csv:3, new.csv:3)
    /n: 2 → 5
+ b (new.csv:4)
+ b (new.csv:5)
- a (old.csv:4)
3 records in old.csv, 4 in new.csv: 1 unchanged, 1 changed, 2 added, 1 removed; paired by /id
4 records have the key of an earlier one and were paired in order: 2 in old.csv, 2 in new.csv
";
    assert_eq!((ran.status, ran.out.as_str()), (1, expected));
}

#[test]
fn every_format_of_the_same_records_is_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = folder(&[]);
    let input = root.join("input").to_string_lossy().into_owned();
    for to in ["json", "ndjson", "csv", "tsv", "xml", "yaml"] {
        let ran = run(home.path(), &["convert", "-q", &input, "--to", to, "-o", &format!("all.{to}"), "--report", "plain"]);
        assert_eq!(ran.status, 0, "{to}: {}", ran.err);
    }
    assert_eq!(run(home.path(), &["convert", "-q", "all.json", "--to", "csv", "-o", "tables/"]).status, 0);
    for other in ["all.ndjson", "all.csv", "all.tsv", "all.xml", "all.yaml", "tables", "tables/datapackage.json", "all.j*n"] {
        let ran = run(home.path(), &["diff", "all.json", other]);
        assert!(ran.status == 0 && ran.out.contains(" 0 changed, 0 added, 0 removed"), "{other}: {}{}", ran.out, ran.err);
        assert_eq!(ran.err, "", "{other}");
    }
}

#[test]
fn what_normalisation_removes_is_no_difference() {
    let office =
        |number: &str| format!(r#"{{"id":"a","name":"A","location":{{"country":"Kenya"}},"telephones":[{{"number":"{number}"}}]}}"#);
    let home = folder(&[("old.json", &office("020 762 1234")), ("new.json", &office("+254 20 7621234"))]);
    let ran = run(home.path(), &["diff", "old.json", "new.json"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    assert!(ran.out.contains("/telephones/0/display: \"020 762 1234\" → ") && !ran.out.contains("/number"), "{}", ran.out);
    let ran = run(home.path(), &["diff", "old.json", "new.json", "--ignore-path", "/telephones/*/display"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    let ran = run(home.path(), &["diff", "old.json", "new.json", "--no-normalise"]);
    assert!(ran.status == 1 && ran.out.contains("/telephones/0/number: \"020 762 1234\" → \"+254 20 7621234\"\n"), "{}", ran.out);
}

#[test]
fn invalid_records_are_compared_like_others() {
    let home = folder(&[("old.json", r#"{"id": "a"}"#), ("new.json", r#"{"id": "a", "size": -1}"#)]);
    let ran = run(home.path(), &["diff", "old.json", "new.json"]);
    assert!(ran.status == 1 && ran.err.is_empty() && ran.out.contains("/size: added -1"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_cannot_be_read_is_reported_and_counted() {
    let home = folder(&[
        ("old.ndjson", "{\"id\":\"a\"}\n{\"id\":\n{\"id\":\"c\"}\n"),
        ("new.ndjson", "{\"id\":\"a\"}\n{\"id\":\"c\"}\n"),
        ("cut.json", "[{\"id\":\"a\"}, {\"id\" \"b\"}, {\"id\":\"c\"}]"),
        ("open.json", "[{\"id\":\"a\"}, {\"id\":\"c\""),
    ]);
    let ran = diff(home.path(), &["old.ndjson", "new.ndjson", "--key", "/id"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, "old.ndjson:2:7: error[R101] expected a value, found the end\n"));
    assert_eq!(
        ran.out,
        "3 records in old.ndjson, 2 in new.ndjson: 2 unchanged, 0 changed, 0 added, 0 removed; paired by /id\n1 record of old.ndjson could not be read\n"
    );
    let ran = diff(home.path(), &["new.ndjson", "open.json", "--key", "/id"]);
    assert!(ran.status == 1 && ran.err.contains("error[R101]"), "{}{}", ran.out, ran.err);
    assert!(ran.err.starts_with("open.json:1:23: error[R101]"), "{}", ran.err);
    assert!(ran.out.contains("\n1 record of open.json could not be read\nopen.json was not read completely: "), "{}", ran.out);
    let ran = diff(home.path(), &["new.ndjson", "cut.json", "--key", "/id", "--format", "json"]);
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    adds_up(&json["summary"]);
    // A side that is not there at all is not compared: everything would look removed.
    for pair in [["new.ndjson", "absent.json"], ["absent.json", "new.ndjson"]] {
        let ran = diff(home.path(), &pair);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains("absent.json:1:1: error[I102]"), "{}", ran.err);
    }
}

fn adds_up(summary: &Value) {
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {summary}"));
    let pairs = number("/unchanged") + number("/changed");
    assert_eq!(number("/old/records"), pairs + number("/removed") + number("/old/unreadable"), "{summary}");
    assert_eq!(number("/new/records"), pairs + number("/added") + number("/new/unreadable"), "{summary}");
    assert_eq!(pairs, number("/paired/key") + number("/paired/content") + number("/paired/position"), "{summary}");
}

#[test]
fn json_and_ndjson_fit_their_schema_and_state_the_same() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/diff.schema.json")).expect("the schema is JSON");
    let whole = jsonschema::validator_for(&schema).expect("a good schema");
    let line = serde_json::json!({"$ref": "#/$defs/line", "$defs": schema["$defs"]});
    let line = jsonschema::validator_for(&line).expect("a good schema");
    let home = folder(&[
        ("old.csv", OLD),
        ("new.json", NEW),
        ("odd.ndjson", "{\"k\":\"\u{202e}\",\"n\":1e30}\n{\"k\":[1,{\"a\":2}]}\nx\n"),
        ("odder.ndjson", "{\"k\":\"\",\"n\":100000000000000000000000001}\n"),
    ]);
    for (old, new, key) in [
        ("old.csv", "new.json", "/id"),
        ("new.json", "old.csv", "/nothing"),
        ("odd.ndjson", "odder.ndjson", "/n"),
        ("old.csv", "old.csv", "/id"),
    ] {
        let json = diff(home.path(), &[old, new, "--key", key, "--format", "json"]);
        let value: Value = serde_json::from_str(&json.out).unwrap_or_else(|error| panic!("{error}: {}", json.out));
        assert_eq!(whole.iter_errors(&value).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0], "{}", json.out);
        adds_up(&value["summary"]);
        let lines = diff(home.path(), &[old, new, "--key", key, "--format", "ndjson"]);
        assert_eq!(lines.status, json.status);
        let lines: Vec<Value> = lines.out.lines().map(|text| serde_json::from_str(text).expect("JSON")).collect();
        assert!(lines.iter().all(|value| line.is_valid(value)));
        let (summary, records) = lines.split_last().expect("a summary");
        assert_eq!(summary["summary"], value["summary"]);
        assert_eq!(Value::from(records.to_vec()), value["records"]);
        let stat = diff(home.path(), &[old, new, "--key", key, "--format", "json", "--stat"]);
        let stat: Value = serde_json::from_str(&stat.out).expect("JSON");
        assert!(whole.is_valid(&stat) && stat.get("records").is_none() && stat["summary"] == value["summary"]);
    }
    let ran = diff(home.path(), &["odd.ndjson", "odder.ndjson", "--format", "json"]);
    assert!(ran.out.contains("\"value\":1e30}"), "numbers keep their digits: {}", ran.out);
}

#[test]
fn markdown_is_for_a_comment() {
    let home = sides();
    let ran = diff(home.path(), &["old.csv", "new.json", "--key", "/id", "--format", "markdown"]);
    let expected = "\
| records | <code>old&#46;csv</code> | <code>new&#46;json</code> |
| --- | ---: | ---: |
| unchanged | 0 | 0 |
| changed | 2 | 2 |
| added | | 1 |
| removed | 1 | |
| all | 3 | 3 |

Records are paired by /id.

<details><summary><code>d</code>: added (<code>new&#46;json&#58;1</code>)</summary>

<code>&#123;\"name\"&#58;\"Delta\",\"id\"&#58;\"d\"&#125;</code>

</details>

<details><summary><code>b</code>: 2 changes (<code>old&#46;csv&#58;3</code>, <code>new&#46;json&#58;2</code>)</summary>

| | where | old | new |
| --- | --- | --- | --- |
| changed | <code>/name</code> | <code>\"Beta\"</code> | <code>\"Bet\"</code> |
| added | <code>/tags</code> |  | <code>&#91;\"n\"&#93;</code> |

</details>

<details><summary><code>a</code>: 1 change (<code>old&#46;csv&#58;2</code>, <code>new&#46;json&#58;3</code>)</summary>

| | where | old | new |
| --- | --- | --- | --- |
| added | <code>/tags/0</code> |  | <code>\"w\"</code> |

</details>

<details><summary><code>c</code>: removed (<code>old&#46;csv&#58;4</code>)</summary>

<code>&#123;\"id\"&#58;\"c\",\"name\"&#58;\"Gamma\",\"size\"&#58;3&#125;</code>

</details>
";
    assert_eq!((ran.status, ran.out.as_str()), (1, expected));
}

#[test]
fn a_comment_has_an_end_and_counts_what_it_leaves_out() {
    let records = |value: &str| (0..3000).map(|n| format!("{{\"id\":\"r-{n}\",\"v\":\"{value}\"}}\n")).collect::<String>();
    let home = folder(&[("old.ndjson", &records("a")), ("new.ndjson", &records("b"))]);
    let ran = diff(home.path(), &["old.ndjson", "new.ndjson", "--key", "/id", "--format", "markdown"]);
    assert!(ran.out.len() < 65_000, "{}", ran.out.len());
    let shown = ran.out.matches("<details>").count();
    assert!(shown > 100 && ran.out.ends_with(&format!("\n{} more records differ and are not shown.\n", 3000 - shown)));
}

const HOSTILE: &str =
    "[{\"id\": \"\\u001b[31m|<b>@all\", \"v\\n\\u202e\": \"`x` </code></details> | [a](http://x) \\u0007\", \"n\": {\"\\u009b\": 1}}]";

#[test]
fn hostile_data_is_text_wherever_it_is_drawn() {
    let home = folder(&[("a.json", "[{\"id\": \"\\u001b[31m|<b>@all\"}]"), ("b\u{1b}[2J.json", HOSTILE), ("c.json", "[]")]);
    for format in ["text", "markdown"] {
        for (old, new) in [("a.json", "b\u{1b}[2J.json"), ("b\u{1b}[2J.json", "a.json"), ("c.json", "b\u{1b}[2J.json")] {
            let ran = diff(home.path(), &[old, new, "--key", "/id", "--format", format, "-v"]);
            assert_eq!(ran.status, 1);
            assert!(!ran.out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']), "{format}: {:?}", ran.out);
            if format == "markdown" {
                let bare = ran.out.replace("<code>", "").replace("</code>", "").replace("<details><summary>", "");
                let bare = bare.replace("</summary>", "").replace("</details>", "");
                assert!(!bare.contains(['<', '>', '`', '@', '[', ']', '*', '_']), "{bare}");
                let rows = ran.out.lines().filter(|line| line.starts_with("| added") || line.starts_with("| changed <"));
                assert!(rows.clone().all(|row| row.matches('|').count() == 5 || row.starts_with("| added | |")), "{}", ran.out);
            }
        }
    }
    let ran = diff(home.path(), &["a.json", "c.json", "--color", "always", "--key", "/id"]);
    assert!(ran.out.starts_with("\u{1b}[31m-\u{1b}[0m \\u001b[31m|<b>@all \u{1b}[2m(a.json:1)\u{1b}[0m\n"), "{:?}", ran.out);
}

#[test]
fn personal_values_are_hidden_where_it_is_asked() {
    let schema = r#"{"x-key":"/mail","properties":{"mail":{"x-sensitive":true},"unit":{"x-sensitive":true,"properties":{"tel":{},"fax":{},"to":{}}},"n":{}}}"#;
    let home = folder(&[
        ("s.json", schema),
        ("old.json", r#"[{"mail":"a@x","unit":{"tel":1,"to":["Ann"]},"n":1},{"mail":"b@x"}]"#),
        ("new.json", r#"[{"mail":"a@x","unit":{"tel":2,"to":["Ann"],"fax":3},"n":2},{"mail":"c@x","n":7}]"#),
    ]);
    for format in ["text", "markdown", "json", "ndjson"] {
        let ran = run(home.path(), &["diff", "old.json", "new.json", "--schema", "s.json", "--mask", "--format", format, "-v"]);
        assert_eq!(ran.status, 1);
        assert!(!ran.out.contains("@x") && !ran.out.contains("Ann") && !ran.out.contains("64;x"), "{format}: {}", ran.out);
    }
    let ran = run(home.path(), &["diff", "old.json", "new.json", "--schema", "s.json", "--mask"]);
    let expected = "\
~ *** (old.json:1, new.json:1)
    /unit/tel: \"***\" → \"***\"
    /unit/fax: added \"***\"
    /n: 1 → 2
+ *** (new.json:1)
- *** (old.json:1)
";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
}

#[test]
fn long_values_are_cut_where_they_differ() {
    let long = |end: &str| format!("{{\"t\":\"{}{end}\",\"l\":[\"{}\"]}}", "a long text ".repeat(20), end.repeat(90));
    let home = folder(&[("old.json", &long("x")), ("new.json", &long("y"))]);
    let ran = diff(home.path(), &["old.json", "new.json"]);
    assert!(ran.out.contains("    /t: \"…a long text x\" → \"…a long text y\"\n"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() < 200), "{}", ran.out);
}

#[test]
fn standard_input_and_output_files() {
    let home = sides();
    let ran = run_with(home.path(), &["diff", "--schema", "none", "--key", "/id", "-", "old.csv", "--stat"], OLD.as_bytes());
    assert_eq!(
        (ran.status, ran.out.as_str()),
        (0, "3 records in -, 3 in old.csv: 3 unchanged, 0 changed, 0 added, 0 removed; paired by /id\n")
    );
    let ran = diff(home.path(), &["old.csv", "new.json", "-o", "sub/out.txt", "--color", "always"]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    let out = fs::read_to_string(home.path().join("sub/out.txt")).expect("it was written");
    assert!(out.contains("~ record") && !out.contains('\u{1b}'), "{out}");
    let refused = |args: &[&str], why: &str| {
        let ran = diff(home.path(), args);
        assert!(ran.status == 2 && ran.err.contains(why), "{args:?}: {} {}", ran.status, ran.err);
    };
    refused(&["-", "-"], "OLD or NEW, not both");
    refused(&["old.csv"], "OLD and NEW, found 1");
    refused(&["old.csv", "new.json", "old.csv"], "OLD and NEW, found 3");
    refused(&["old.csv", "new.json", "-o", "new.json"], "is an input");
    refused(&["old.csv", "new.json", "--format", "yaml"], "formats are text, markdown, json, ndjson");
    refused(&["old.csv", "new.json", "--ignore-path", "id"], "not a JSON pointer");
    refused(&["old.csv", "new.json", "--ignore-path", "/**"], "ignores everything");
    assert_eq!(fs::read_to_string(home.path().join("new.json")).expect("it is there"), NEW);
}

#[test]
fn each_side_may_be_read_in_its_own_way() {
    let home = folder(&[
        ("old.dat", "a;1\nb;2\n"),
        ("new.json", r#"{"list": [{"column1": "a", "column2": 1}, {"column1": "b", "column2": 3}]}"#),
        ("old.xml", "<all><meta>x</meta><org><n>1</n></org></all>"),
        ("new.yaml", "orgs:\n  - n: 1\n"),
    ]);
    let ran = diff(home.path(), &["old.dat", "new.json", "--from-old", "csv", "--no-header", "--records", "/list", "--key", "/column1"]);
    assert!(ran.status == 1 && ran.out.starts_with("~ b (old.dat:2, new.json:1)\n    /column2: 2 → 3\n"), "{}{}", ran.out, ran.err);
    let ran = diff(home.path(), &["old.xml", "new.yaml", "--records-old", "all/org", "--records", "/orgs"]);
    assert!(ran.out.contains("/n: \"1\" → 1"), "{}{}", ran.out, ran.err);
}

#[test]
fn the_config_rules_here_too_but_its_reports_are_for_other_commands() {
    let home = folder(&[
        ("chancery.toml", "schema = \"none\"\nkey = \"/sku\"\nreport = [\"json=report.json\"]\n"),
        ("old.csv", "sku,n\na,1\nb,2\n"),
        ("new.csv", "sku,n\nb,2\na,1\n"),
    ]);
    let ran = run(home.path(), &["diff", "old.csv", "new.csv"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("paired by /sku") && !home.path().join("report.json").exists(), "{}", ran.out);
}

#[test]
fn the_order_is_that_of_the_new_side_whatever_the_workers() {
    let text = |range: &mut dyn Iterator<Item = u32>, value: u32| {
        range.map(|n| format!("{{\"id\":\"r-{n}\",\"v\":{},\"name\":\"a name that takes some room\"}}\n", n % value)).collect::<String>()
    };
    let home = folder(&[("old.ndjson", &text(&mut (0..30_000), 7)), ("new.ndjson", &text(&mut (10_000..40_000).rev(), 11))]);
    let mut seen: Option<String> = None;
    for jobs in ["1", "2", "5"] {
        let ran = diff(home.path(), &["old.ndjson", "new.ndjson", "--key", "/id", "-j", jobs]);
        let first = seen.get_or_insert_with(|| ran.out.clone());
        assert!(ran.status == 1 && *first == ran.out, "{jobs} workers differ");
    }
    let out = seen.expect("it ran");
    assert!(out.starts_with("+ r-39999 (new.ndjson:1)\n"), "{}", &out[..100]);
    assert!(out.contains("\n- r-0 (old.ndjson:1)\n- r-1 (old.ndjson:2)\n"));
    assert!(
        out.ends_with(
            "30000 records in old.ndjson, 30000 in new.ndjson: 1820 unchanged, 18180 changed, 10000 added, 10000 removed; paired by /id\n"
        ),
        "{}",
        &out[out.len() - 200..]
    );
}

#[test]
fn revisions_are_read_from_git() {
    let home = repository(&[
        ("data/a.csv", "id,n\na,1\n"),
        ("data/b.json", "[{\"id\":\"b\",\"n\":1}]"),
        ("data/.hidden.json", "x"),
        ("data/notes.md", "x"),
    ]);
    commit(home.path(), &[("data/a.csv", "id,n\na,2\n"), ("moved.ndjson", "{\"id\":\"a\",\"n\":2}\n{\"id\":\"b\",\"n\":1}\n")]);
    fs::remove_file(home.path().join("data/b.json")).expect("it is there");
    let printed = |home: &Path, args: &[&str]| {
        let ran = diff(home, &[args, &["--key", "/id"]].concat());
        (ran.status, format!("{}{}", ran.out, ran.err))
    };
    let (status, out) = printed(home.path(), &["HEAD~1:data/a.csv", "data/a.csv"]);
    assert_eq!(status, 1);
    assert_eq!(
        out,
        "~ a (HEAD~1:data/a.csv:2, data/a.csv:2)\n    /n: 1 → 2\n1 record in HEAD~1:data/a.csv, 1 in data/a.csv: 0 unchanged, 1 changed, 0 added, 0 removed; paired by /id\n"
    );
    // A whole directory, files that are gone included; hidden ones and those of no known format omitted as in any directory.
    assert_eq!(printed(home.path(), &["main:data", "moved.ndjson"]).0, 0);
    assert_eq!(printed(home.path(), &["main:data/*.json", "HEAD~1:data/b.json"]).0, 0);
    assert_eq!(printed(home.path(), &["main~1:data/", "main:data/"]).0, 1);
    // As any path, one at a revision is taken from the working directory.
    let data = home.path().join("data");
    assert_eq!(printed(&data, &["main:.", "main:../moved.ndjson"]).0, 0);
    assert_eq!(printed(&data, &["main:b.json", "main:./b.json"]).0, 0);
    for (given, why) in [
        ("main:absent.csv", "no such file, and no directory with files of a supported format, at main"),
        ("absent:data/a.csv", "unknown git revision \"absent\""),
        ("--all:data/a.csv", "unexpected argument"),
        ("main:../../x.csv", "is not in a git repository"),
    ] {
        let (status, out) = printed(home.path(), &[given, "data/a.csv"]);
        assert!(status == 2 && out.contains(why), "{given}: {out}");
    }
    // A file of that name wins.
    fs::write(home.path().join("main:x.json"), "[{\"id\":\"a\"}]").expect("the folder is writable");
    assert_eq!(printed(home.path(), &["main:x.json", "./main:x.json"]).0, 0);
    let outside = folder(&[("a.csv", "id\n")]);
    assert!(printed(outside.path(), &["main:a.csv", "a.csv"]).1.contains("is not in a git repository"));
}

#[test]
fn packages_and_packed_files_are_read_at_a_revision() {
    let home = repository(&[("a.json", r#"[{"id":"a","l":[{"x":1},{"x":2}]},{"id":"b"}]"#)]);
    assert_eq!(diff_convert(home.path(), &["a.json", "--to", "csv", "-o", "tables/"]), 0);
    assert_eq!(diff_convert(home.path(), &["a.json", "--to", "ndjson", "-o", "a.ndjson"]), 0);
    git(home.path(), &["add", "--all"]);
    git(home.path(), &["commit", "--quiet", "--message", "tables"]);
    for file in ["tables/records.csv", "tables/records-l.csv"] {
        fs::write(home.path().join(file), "").expect("the folder is writable");
    }
    let ran = diff(home.path(), &["main:tables", "a.ndjson", "--key", "/id"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let ran = diff(home.path(), &["main:tables", "tables", "--key", "/id"]);
    assert!(ran.status == 1 && ran.out.contains("- a (main:tables/records.csv:2)"), "{}{}", ran.out, ran.err);
}

fn diff_convert(home: &Path, args: &[&str]) -> i32 {
    run(home, &[&["convert", "-q", "--schema", "none"], args].concat()).status
}

/// What git prints when it calls the program for CSV files.
fn by_git(home: &Path, words: &[&str]) -> String {
    let command = format!("diff.chancery.command={} diff --git-driver --schema none --key /id", env!("CARGO_BIN_EXE_chancery"));
    let output = Command::new("git")
        .args(["-c", &command, "-c", "user.name=A", "-c", "user.email=a@example.org", "--no-pager"])
        .args(words)
        .current_dir(home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git is installed");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?}: {printed}");
    printed
}

#[test]
fn git_calls_it_as_a_diff_driver() {
    let home = repository(&[
        (".gitattributes", "*.csv diff=chancery\n"),
        ("sub/a.csv", "id,n\na,1\nb,2\n"),
        ("c.csv", "id\nc\n"),
        ("same.csv", "id\ns\n"),
    ]);
    fs::write(home.path().join("sub/a.csv"), "id,n\nb,2\na,9\n").expect("the folder is writable");
    fs::write(home.path().join("same.csv"), "id\r\n\"s\"\r\n").expect("the folder is writable");
    assert_eq!(
        by_git(home.path(), &["diff"]),
        "1 record in a/same.csv, 1 in b/same.csv: 1 unchanged, 0 changed, 0 added, 0 removed; paired by /id\n\
         ~ a (a/sub/a.csv:2, b/sub/a.csv:3)\n    /n: 1 → 9\n\
         2 records in a/sub/a.csv, 2 in b/sub/a.csv: 1 unchanged, 1 changed, 0 added, 0 removed; paired by /id\n"
    );
    // Added, deleted and renamed files; also from a directory below.
    fs::remove_file(home.path().join("c.csv")).expect("it is there");
    commit(home.path(), &[("new.csv", "id\nn\n")]);
    let shown = by_git(&home.path().join("sub"), &["log", "-1", "--format=", "-p", "--ext-diff", "--no-renames"]);
    assert!(shown.contains("- c (a/c.csv:2)\n1 record in a/c.csv, 0 in b/c.csv: 0 unchanged, 0 changed, 0 added, 1 removed\n"), "{shown}");
    assert!(
        shown.contains("+ n (b/new.csv:2)\n0 records in a/new.csv, 1 in b/new.csv: 0 unchanged, 0 changed, 1 added, 0 removed\n"),
        "{shown}"
    );
    git(home.path(), &["mv", "new.csv", "other.csv"]);
    let renamed = by_git(home.path(), &["diff", "--cached", "--find-renames"]);
    assert!(renamed.is_empty() || renamed.contains("b/other.csv"), "{renamed}");
    // What cannot be read does not stop git from going on.
    commit(home.path(), &[("z.csv", "id\nz\n")]);
    fs::write(home.path().join("other.csv"), b"id\n\xff\n").expect("the folder is writable");
    fs::write(home.path().join("z.csv"), "id\ny\n").expect("the folder is writable");
    let shown = by_git(home.path(), &["diff"]);
    assert!(shown.contains("b/other.csv:2:1: error[I101]") && shown.contains("a/other.csv and b/other.csv cannot be compared"), "{shown}");
    assert!(shown.contains("- z (a/z.csv:2)"), "{shown}");
}

#[test]
fn git_shows_it_of_paths_that_are_unmerged() {
    let home = repository(&[(".gitattributes", "*.csv diff=chancery\n"), ("a.csv", "id,n\na,1\n")]);
    git(home.path(), &["switch", "--quiet", "--create", "topic"]);
    commit(home.path(), &[("a.csv", "id,n\na,2\n")]);
    git(home.path(), &["switch", "--quiet", "main"]);
    commit(home.path(), &[("a.csv", "id,n\na,3\n")]);
    let merge = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "merge", "topic"])
        .current_dir(home.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output();
    assert!(!merge.expect("git is installed").status.success(), "the branches are in conflict");
    let shown = by_git(home.path(), &["diff", "--cached"]);
    assert!(shown.contains("* Unmerged path a.csv\n"), "{shown}");
    assert_eq!(run(home.path(), &["diff", "--git-driver", "a\u{1b}.csv"]).out, "* Unmerged path a\\u001b.csv\n");
    assert_eq!(run(home.path(), &["diff", "--git-driver", "a", "b"]).status, 2);
}
