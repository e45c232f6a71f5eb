//! Reporters, from outside: what each draws of the same findings, and that none stumbles over what it is given.

use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, Place, Severity, rules};
use chancery::report::{Format, Options, Tally, reporter};
use chancery::source::{Position, Source, Span};

fn draw(format: Format, options: &Options, notes: &[Diagnostic]) -> String {
    let (mut out, mut tally) = (Vec::new(), Tally::default());
    let mut reporter = reporter(format, options);
    reporter.begin(&mut out).expect("a vector takes everything");
    for note in notes {
        tally.count(note);
        reporter.report(note, &mut out).expect("a vector takes everything");
    }
    reporter.finish(&tally, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn any_span_of_any_text_can_be_drawn() {
    for text in ["", "\r\n", "a\r\nb\r\n", "{\"a\": \"\r\n\"}\r\n", "é\t日本\u{202e}\0\r\nx", "a\n\nb", "\n\n"] {
        let source = Arc::new(Source::window("w.json", text, Position { byte: 900, line: 101, column: 1 }));
        let ends: Vec<u32> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| at as u32).collect();
        for (number, start) in ends.iter().enumerate() {
            for end in &ends[number..] {
                let note = Diagnostic::new(&rules::SYNTAX, &source, Span::new(*start, *end), "m").label("l");
                for format in Format::ALL {
                    let drawn = draw(*format, &Options::default(), std::slice::from_ref(&note));
                    assert!(!drawn.contains(['\t', '\0', '\r', '\u{202e}']), "{format:?} of {text:?}: {drawn:?}");
                }
            }
        }
    }
}

// A finding at the header cell of a table, as each of its records has it, and one at a row.
fn table() -> Vec<Diagnostic> {
    let mut source = Source::whole("t.csv", "a,zz\n");
    let row = source.append("t.csv", "1,2\n", Position { byte: 900, line: 101, column: 1 });
    let source = Arc::new(source);
    let unknown = Diagnostic::new(&rules::UNKNOWN_MEMBER, &source, Span::new(2, 4), "unknown member \"zz\"");
    let missing = Diagnostic::new(&rules::MISSING_MEMBER, &source, Span::new(row, row + 1), "member \"b\" is missing");
    vec![unknown.clone(), unknown.clone(), unknown, missing]
}

#[test]
fn a_column_is_told_once_and_does_not_use_up_the_limit() {
    let expected = "t.csv:1:3: error[S102] unknown member \"zz\"\n\
                    t.csv:101:1: error[S101] member \"b\" is missing\n\
                    t.csv:1:3: the same in 2 more records: [S102] unknown member \"zz\"\n";
    let at_most = |most| draw(Format::Plain, &Options { most: Some(most), quiet: true, ..Options::default() }, &table());
    assert_eq!(at_most(9), expected);
    assert_eq!(at_most(2), expected);
    // 1 drawn, 2 folded, 1 hidden: 4 in all.
    assert!(at_most(1).contains("the same in 2 more records") && at_most(1).contains("1 more not shown"));
    assert_eq!(at_most(0), "4 more not shown\n");
}

#[test]
fn advice_that_is_left_out_does_not_use_up_the_limit() {
    let mut notes = table();
    notes[0].severity = Severity::Advice;
    notes[1].severity = Severity::Advice;
    notes[2].severity = Severity::Advice;
    let options = Options { most: Some(1), quiet: true, ..Options::default() };
    assert_eq!(draw(Format::Plain, &options, &notes), "t.csv:101:1: error[S101] member \"b\" is missing\n");
}

#[test]
fn a_finding_is_one_line_of_plain() {
    let source = Arc::new(Source::whole("a\nb\u{1b}[31m.json", "x"));
    let note = Diagnostic::new(&rules::SYNTAX, &source, Span::new(0, 1), "one\r\ntwo\u{202e}");
    let options = Options { quiet: true, ..Options::default() };
    assert_eq!(draw(Format::Plain, &options, &[note]), "a\\nb\\u001b[31m.json:1:1: error[R101] one\\r\\ntwo\\u202e\n");
}

#[test]
fn where_the_text_is_not_at_hand_the_place_is_shown() {
    let source = Arc::new(Source::elsewhere("x.json", Position { byte: 7, line: 3, column: 2 }));
    let note = Diagnostic::new(&rules::BAD_BYTES, &source, Span::at(0), "cannot be read");
    let drawn = draw(Format::Pretty, &Options::default(), &[note]);
    assert!(drawn.contains("x.json:3:2") && !drawn.contains('╭'), "{drawn}");
}

#[test]
fn a_window_in_the_middle_of_a_file_shows_its_true_lines() {
    let mut note = table().remove(3);
    note.related
        .push(chancery::diagnostic::Related { message: "the header".into(), place: Place::new(&note.place.source, Span::new(0, 1)) });
    let drawn = draw(Format::Pretty, &Options::default(), &[note]);
    assert!(drawn.contains("[t.csv:101:1]") && drawn.contains("\n 101 │ 1,2\n") && drawn.contains("the header: t.csv:1:1"), "{drawn}");
}

const CLOSED: &str = r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}"#;

// What the program reports on a folder that has mistakes in several formats, and a file that cannot be decoded.
fn program(report: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let files: [(&str, &[u8]); 5] = [
        ("closed.schema", CLOSED.as_bytes()),
        ("1.csv", b"a,zz\n1,2\n3,4\n"),
        ("2.ndjson", b"{\"a\": 1}\n{\"a\": \n{\"a\": \"x\", \"a\": \"y\"}\n"),
        ("3.json", b"{\"a\": \"\xff\"}"),
        ("4.yaml", b"a: x\n"),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("the folder takes files");
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_chancery"))
        .current_dir(folder.path())
        .args(["check", "--no-config", "--schema", "closed.schema", "--report", report])
        .args(["1.csv", "2.ndjson", "3.json", "4.yaml"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

fn described(part: &str, instance: &serde_json::Value) {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).expect("the schema is JSON");
    let schema = match part {
        "" => schema,
        part => serde_json::json!({"$ref": part, "$defs": schema["$defs"]}),
    };
    let validator = jsonschema::options().offline().build(&schema).expect("the schema is a schema");
    let faults: Vec<String> = validator.iter_errors(instance).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{instance:#}");
}

#[test]
fn the_json_report_is_what_its_schema_says_and_adds_up() {
    let report: serde_json::Value = serde_json::from_str(&program("json")).expect("the report is JSON");
    described("", &report);
    let number = |pointer: &str| report.pointer(pointer).and_then(serde_json::Value::as_u64).expect(pointer);
    assert_eq!(number("/summary/records"), number("/summary/valid") + number("/summary/invalid"));
    assert_eq!(number("/summary/records"), number("/summary/written") + number("/summary/rejected"));
    let listed = report["diagnostics"].as_array().expect("a list").len() as u64;
    let by_code: u64 = report["summary"]["by_code"].as_object().expect("an object").values().filter_map(serde_json::Value::as_u64).sum();
    let by_severity = ["error", "warning", "advice"].map(|severity| number(&format!("/summary/findings/{severity}"))).iter().sum::<u64>();
    assert!(listed > 5 && listed == by_code && listed == by_severity, "{report:#}");
}

#[test]
fn the_ndjson_report_says_the_same_a_line_each() {
    let whole: serde_json::Value = serde_json::from_str(&program("json")).expect("the report is JSON");
    let lines: Vec<serde_json::Value> =
        program("ndjson").lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    lines.iter().for_each(|line| described("#/$defs/line", line));
    let (last, findings) = lines.split_last().expect("there is a summary");
    assert_eq!((&whole["diagnostics"], &whole["summary"]), (&serde_json::json!(findings), &last["summary"]));
}

#[test]
fn a_fingerprint_does_not_depend_on_where_the_record_stands() {
    let fingerprint = |line: u64, index, key: Option<&str>| {
        let source = Arc::new(Source::window("a.json", "x", Position { byte: line * 10, line, column: 1 }));
        let mut note = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(0, 1), "m").at("/a");
        note.record = Some(chancery::diagnostic::RecordRef { index, key: key.map(str::to_owned) });
        let drawn = draw(Format::Ndjson, &Options::default(), &[note]);
        let line: serde_json::Value = serde_json::from_str(drawn.lines().next().expect("a finding")).expect("JSON");
        line["fingerprint"].clone()
    };
    assert_eq!(fingerprint(1, 0, Some("dpko")), fingerprint(9, 4, Some("dpko")));
    assert_ne!(fingerprint(1, 0, Some("dpko")), fingerprint(1, 0, Some("ocha")));
    assert_ne!(fingerprint(1, 0, None), fingerprint(1, 1, None));
}
