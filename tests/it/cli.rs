//! The command line as users see it: exit statuses, streams, paths, errors.

use std::fs;

use crate::harness::{folder, run, run_with};

const GOOD: &str = r#"{"id": "a", "name": "A"}"#;
const BAD: &str = r#"{"id": "b"}"#;

#[test]
fn the_exit_status_shows_findings_from_failures() {
    let home = folder(&[("good.json", GOOD), ("bad.json", BAD), ("odd.json", r#"{"id": "a", "name": " A"}"#)]);
    let status = |args: &[&str]| run(home.path(), args).status;
    assert_eq!(status(&["check", "good.json"]), 0);
    assert_eq!(status(&["check", "bad.json"]), 1);
    assert_eq!(status(&["check", "bad.json", "--fail-on", "never"]), 0);
    assert_eq!(status(&["check", "odd.json"]), 0);
    assert_eq!(status(&["check", "odd.json", "--fail-on", "note"]), 1);
    assert_eq!(status(&["check", "odd.json", "--strict"]), 1);
    assert_eq!(status(&["check", "bad.json", "--ignore", "S101"]), 0);
    assert_eq!(status(&["check", "bad.json", "--select", "R"]), 0);
    assert_eq!(status(&["check", "bad.json", "absent.json"]), 2);
    assert_eq!(status(&["check", "absent.json", "--fail-on", "never"]), 2);
    assert_eq!(status(&["check", "good.json", "--no-such-flag"]), 2);
    assert_eq!(status(&["check", "good.json", "--select", "Q1"]), 2);
    assert_eq!(status(&["check", "good.json", "--schema", "absent.json"]), 2);
    assert_eq!(status(&["check", "good.json", "--encoding", "klingon"]), 2);
}

#[test]
fn what_cannot_be_read_does_not_stop_the_others() {
    let home = folder(&[("good.json", GOOD), ("cut.json.gz", "\u{1f}not gzip")]);
    fs::write(home.path().join("latin.json"), b"{\"id\": \"l\", \"name\": \"caf\xe9\"}").expect("the folder is writable");
    let ran = run(home.path(), &["check", "absent.json", "latin.json", "good.json"]);
    assert_eq!(ran.status, 2);
    assert!(ran.out.contains("absent.json:1:1: error[I102]"), "{}", ran.out);
    assert!(ran.out.contains("latin.json:1:25: error[I101]"), "{}", ran.out);
    assert!(ran.out.contains("1 record in 2 files: 1 valid, 0 invalid; 2 errors (2 outside records)\n"), "{}", ran.out);
    let ran = run(home.path(), &["check", "latin.json", "--encoding", "latin1"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "1 record in 1 file, all valid\n"));
}

#[test]
fn data_goes_to_standard_output_and_findings_to_standard_error() {
    let home = folder(&[("odd.json", r#"{"id": "a", "name": " A"}"#)]);
    let ran = run(home.path(), &["convert", "odd.json", "--to", "ndjson"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "{\"id\":\"a\",\"name\":\"A\"}\n"));
    assert!(ran.err.starts_with("odd.json:1:21: note[N101]"), "{}", ran.err);
    let ran = run(home.path(), &["check", "odd.json"]);
    assert!(ran.err.is_empty() && ran.out.contains("N101"), "{}", ran.err);
}

#[test]
fn standard_input_is_read_by_its_looks() {
    let home = folder(&[]);
    let ran = |args: &[&str], text: &str| run_with(home.path(), args, text.as_bytes());
    for text in
        ["id,name\na,A\n", "id: a\nname: A\n", "<r><x><id>a</id><name>A</name></x></r>", GOOD, "[{\"id\":\"a\",\"name\":\"A\"}]\r\n"]
    {
        let ran = ran(&["convert", "-", "--to", "ndjson"], text);
        assert_eq!(ran.out, "{\"id\":\"a\",\"name\":\"A\"}\n", "{text}{}", ran.err);
    }
    assert_eq!(ran(&["check", "-"], "").status, 0);
    assert_eq!(ran(&["check", "-", "--from", "klingon"], GOOD).status, 2);
}

#[test]
fn empty_inputs_hold_no_records() {
    let home = folder(&[("a.ndjson", ""), ("b.csv", ""), ("c.yaml", ""), ("e.json", "[]"), ("f.ndjson", "\n\n"), ("g.csv", "id,name\n")]);
    let ran = run(home.path(), &["check", "a.ndjson", "b.csv", "c.yaml", "e.json", "f.ndjson", "g.csv"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "0 records in 6 files\n"));
    let home = folder(&[("a.json", ""), ("b.xml", " ")]);
    assert_eq!(run(home.path(), &["check", "a.json", "b.xml", "--report", "json"]).status, 1);
}

#[test]
fn outputs_are_refused_where_they_would_do_harm() {
    let home = folder(&[("one/a.json", GOOD), ("two/a.json", GOOD), ("out/keep.txt", "")]);
    let refused = |args: &[&str], why: &str| {
        let ran = run(home.path(), args);
        assert_eq!(ran.status, 2, "{args:?}");
        assert!(ran.err.contains(why), "{args:?}: {}", ran.err);
    };
    refused(&["convert", "one/a.json", "two/a.json", "--to", "xml", "-o", "out"], "would both be written to");
    refused(&["convert", "one/a.json", "--to", "json", "-o", "one/a.json"], "is an input");
    refused(&["convert", "one/a.json", "--to", "csv", "--csv", "package"], "directory of tables");
    refused(&["convert", "one/a.json"], "--to FORMAT");
    refused(&["convert", "one/a.json", "-o", "x.doc"], "--to");
    refused(&["check", "one/a.json", "--report", "json", "--report", "plain"], "two reports");
    refused(&["run", "one", "-o", "one"], "is an input");
    assert_eq!(fs::read_to_string(home.path().join("one/a.json")).expect("it is there"), GOOD);
}

#[test]
fn a_folder_takes_an_output_for_each_input() {
    let home = folder(&[("in/a.json", GOOD), ("in/b.yaml", "id: b\nname: B\n"), ("in/.hidden.json", BAD), ("in/notes.md", "")]);
    let ran = run(home.path(), &["convert", "in", "--to", "xml", "-o", "out/"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let mut made: Vec<_> =
        fs::read_dir(home.path().join("out")).expect("it was made").map(|entry| entry.expect("readable").file_name()).collect();
    made.sort();
    assert_eq!(made, ["a.xml", "b.xml"]);
    let back = run(home.path(), &["convert", "out", "--to", "ndjson"]);
    assert_eq!(back.out, "{\"id\":\"a\",\"name\":\"A\"}\n{\"id\":\"b\",\"name\":\"B\"}\n");
}

#[test]
fn the_same_file_is_read_once_and_globs_are_known() {
    let home = folder(&[("in/a.json", GOOD), ("in/b.ndjson", "{\"id\":\"b\",\"name\":\"B\"}\n")]);
    let ran = run(home.path(), &["check", "in/a.json", "in", "./in/a.json", "in/*.json"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "2 records in 2 files, all valid\n"));
}

#[test]
fn packages_are_read_as_one_input() {
    let record = r#"{"id": "a", "name": "A", "contacts": [{"name": "X", "emails": ["x@example.org", "y@example.org"]}, {"title": "Y"}]}"#;
    let home = folder(&[("a.json", record)]);
    assert_eq!(run(home.path(), &["convert", "a.json", "--to", "csv", "-o", "tables/"]).status, 0);
    let there = run(home.path(), &["convert", "tables", "--to", "ndjson"]);
    let direct = run(home.path(), &["convert", "a.json", "--to", "ndjson"]);
    assert_eq!(there.out, direct.out, "{}", there.err);
}

#[test]
fn records_can_lie_inside_a_document() {
    let home = folder(&[("a.json", r#"{"meta": 1, "list": {"bodies": [{"id": "a", "name": "A"}]}}"#)]);
    let ran = run(home.path(), &["check", "a.json", "--records", "/list/bodies"]);
    assert_eq!(ran.status, 0);
    assert!(ran.out.starts_with("a.json:1:2: note[R107]"), "{}", ran.out);
    assert_eq!(run(home.path(), &["check", "a.json", "--records", "/nowhere"]).status, 1);
}

#[test]
fn findings_can_be_limited_and_written_to_files() {
    let home = folder(&[("a.ndjson", &format!("{BAD}\n{BAD}\n{BAD}\n"))]);
    let ran = run(home.path(), &["check", "a.ndjson", "--max-diagnostics", "1", "--report", "plain", "--report", "json=r/all.json"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("more not shown"), "{}", ran.out);
    assert!(ran.out.contains("5 errors"), "totals stay exact: {}", ran.out);
    let report = fs::read_to_string(home.path().join("r/all.json")).expect("it was written");
    assert!(report.contains("\"invalid\":3"), "{report}");
}

#[test]
fn explain_knows_rules_by_code_and_name_and_reads_files() {
    let home = folder(&[("a.json", r#"{"id": "a", "name": "A", "location": {"display": "Bonn, Germany", "country": "Germany"}}"#)]);
    let by_code = run(home.path(), &["explain", "s104"]);
    assert!(by_code.status == 0 && by_code.out.starts_with("# S104 wrong-format"), "{}", by_code.out);
    assert_eq!(run(home.path(), &["explain", "wrong-format"]).out, by_code.out);
    let unknown = run(home.path(), &["explain", "S10"]);
    assert!(unknown.status == 2 && unknown.err.contains("did you mean S10"), "{}", unknown.err);
    let file = run(home.path(), &["explain", "a.json"]).out;
    assert!(file.contains("/name = \"A\"") && file.contains("/location/country_code = \"DE\"  (derived from"), "{file}");
}

#[test]
fn small_commands_answer() {
    let home = folder(&[
        ("u.json", r#"{"x-normalise": "txt"}"#),
        ("s.json", r#"{"type": "strng"}"#),
        ("t.json", r#"{"type": "object", "properties": {"a": {"type": "integer"}}}"#),
    ]);
    let answer = |words: &[&str]| {
        let ran = run(home.path(), words);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{words:?}");
        ran.out
    };
    let first_words =
        |text: &str| -> Vec<String> { text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect() };
    let formats = first_words(&answer(&["formats"]));
    for format in ["json", "ndjson", "csv", "tsv", "xml", "yaml", "toml", "handbook"] {
        assert!(formats.iter().any(|known| known == format), "{format} in {formats:?}");
    }
    assert!(answer(&["completions", "bash"]).contains("complete -F _chancery"));
    assert!(answer(&["man"]).contains(".TH chancery 1"));
    let shown: serde_json::Value = serde_json::from_str(&answer(&["schema", "show"])).expect("a schema is JSON");
    assert_eq!(shown["$id"], "urn:chancery:profile:1");
    assert!(answer(&["schema", "docs", "t.json"]).contains("| `a` | integer | 0..1 |"));
    assert_eq!(answer(&["schema", "shape", "t.json"]).lines().last().map(str::trim), Some("a: integer"));
    let xsd = answer(&["schema", "xsd", "t.json"]);
    assert!(xsd.contains("<xs:schema ") && xsd.contains("<xs:element name=\"a\" type=\"number\" minOccurs=\"0\"/>"), "{xsd}");
    answer(&["schema", "check", "t.json"]);
    let odd = run(home.path(), &["schema", "check", "u.json"]);
    assert!(odd.status == 0 && odd.out.starts_with("u.json:1:17: warning[C130]"), "{}", odd.out);
    let broken = run(home.path(), &["schema", "check", "s.json"]);
    assert!(broken.status == 1 && broken.out.starts_with("s.json:1:10: error[C110]"), "{}", broken.out);
}

#[test]
fn run_without_arguments_reads_input_and_writes_output() {
    let home = folder(&[("input/a.json", GOOD), ("input/b.ndjson", &format!("{BAD}\n{{\"id\":\"c\",\"name\":\"C\"}}\n"))]);
    let ran = run(home.path(), &[]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    let text = |name: &str| fs::read_to_string(home.path().join("output").join(name)).expect(name);
    assert!(text("profiles.json").contains("\"c\"") && !text("profiles.json").contains("\"b\""));
    assert!(
        text("rejects.ndjson").contains("\"S101\"") && text("rejects.ndjson").contains("\"record\":{\"id\":\"b\"}"),
        "{}",
        text("rejects.ndjson")
    );
    assert!(text("report.json").contains("\"written\":2,\"rejected\":1"), "{}", text("report.json"));
    // What the next run no longer writes goes; what is not ours stays.
    fs::write(home.path().join("output/own.txt"), "mine").expect("the folder is writable");
    fs::write(home.path().join("chancery.toml"), "outputs = [\"json\"]\n").expect("the folder is writable");
    assert_eq!(run(home.path(), &["run"]).status, 1);
    assert!(!home.path().join("output/profiles.xml").exists() && !home.path().join("output/profiles.csv").exists());
    assert_eq!(text("own.txt"), "mine");
}

#[test]
fn hostile_names_and_values_do_not_reach_the_terminal() {
    let home = folder(&[("a.json", "{\"id\": \"\\u001b[31mred\", \"name\": \"A\\u202e\\u0007\"}")]);
    for report in ["plain", "pretty"] {
        let ran = run(home.path(), &["check", "a.json", "--report", report]);
        assert_eq!(ran.status, 1);
        assert!(!ran.out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{report}: {:?}", ran.out);
    }
}

#[test]
fn plain_lines_are_no_commands_to_a_ci() {
    let home = folder(&[("::error::x.json", "{\"kind\": \"##[add-mask]a\", \"id\": \"a\", \"name\": \"A\"}")]);
    let ran = run(home.path(), &["check", ".", "--report", "plain"]);
    assert!(!ran.out.lines().any(|line| line.starts_with("::") || line.contains("##[")), "{}", ran.out);
    let ran = run(home.path(), &["check", "::error::x.json", "--report", "plain"]);
    assert!(ran.out.starts_with("./::error::x.json:1:10: error[S106]"), "{}", ran.out);
}

#[test]
fn a_first_run_in_a_directory_of_its_own_says_what_to_do() {
    let home = folder(&[("größe.csv", "id\na\n")]);
    for args in [&[][..], &["run"], &["check"]] {
        let ran = run(home.path(), args);
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains("nothing to read") && ran.err.contains("chancery init"), "{args:?}: {}", ran.err);
    }
    let ran = run(home.path(), &["chekc", "größe.csv"]);
    assert!(ran.status == 2 && ran.err.contains("`chancery check`"), "{}", ran.err);
    // A path that is like no command is a path.
    let ran = run(home.path(), &["absent.csv"]);
    assert!(ran.status == 2 && (ran.out + &ran.err).contains("I102"));
}
