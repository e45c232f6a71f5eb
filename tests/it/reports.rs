//! Reporters, from outside: the rendering of the same findings in each format, and unusual findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, Place, Severity, rules};
use chancery::report::{Format, Options, Summary, reporter};
use chancery::source::{Position, Source, Span};
use serde_json::Value;

/// What a reporter renders of these findings.
pub fn draw(format: Format, options: &Options, diagnostics: &[Diagnostic]) -> String {
    let (mut out, mut summary) = (Vec::new(), Summary::default());
    let mut reporter = reporter(format, options);
    reporter.begin(&mut out).expect("a vector takes everything");
    for diagnostic in diagnostics {
        summary.count(diagnostic);
        reporter.report(diagnostic, &mut out).expect("a vector takes everything");
    }
    reporter.finish(&summary, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn any_span_of_any_text_can_be_drawn() {
    for text in ["", "\r\n", "a\r\nb\r\n", "{\"a\": \"\r\n\"}\r\n", "é\t日本\u{202e}\0\r\nx", "a\n\nb", "\n\n"] {
        let source = Arc::new(Source::window("w.json", text, Position { byte: 900, line: 101, column: 1 }));
        let ends: Vec<u32> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| at as u32).collect();
        for (number, start) in ends.iter().enumerate() {
            for end in &ends[number..] {
                let diagnostic = Diagnostic::new(&rules::SYNTAX, &source, Span::new(*start, *end), "m").label("l");
                for format in Format::ALL {
                    let drawn = draw(*format, &Options::default(), std::slice::from_ref(&diagnostic));
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
fn a_column_is_reported_once_and_does_not_use_up_the_limit() {
    let expected = "t.csv:1:3: error[S102] unknown member \"zz\"\n\
                    t.csv:101:1: error[S101] member \"b\" is missing\n\
                    t.csv:1:3: the same in 2 more records: [S102] unknown member \"zz\"\n";
    let at_most = |most| draw(Format::Plain, &Options { most: Some(most), quiet: true, ..Options::default() }, &table());
    assert_eq!(at_most(9), expected);
    assert_eq!(at_most(2), expected);
    // 1 rendered, 2 folded, 1 hidden: 4 in all.
    assert!(at_most(1).contains("the same in 2 more records") && at_most(1).contains("1 more not shown"));
    assert_eq!(at_most(0), "4 more not shown\n");
}

#[test]
fn advice_that_is_left_out_does_not_use_up_the_limit() {
    let mut diagnostics = table();
    diagnostics[0].severity = Severity::Note;
    diagnostics[1].severity = Severity::Note;
    diagnostics[2].severity = Severity::Note;
    let options = Options { most: Some(1), quiet: true, ..Options::default() };
    assert_eq!(draw(Format::Plain, &options, &diagnostics), "t.csv:101:1: error[S101] member \"b\" is missing\n");
}

#[test]
fn a_finding_is_one_line_of_plain() {
    let source = Arc::new(Source::whole("a\nb\u{1b}[31m.json", "x"));
    let diagnostic = Diagnostic::new(&rules::SYNTAX, &source, Span::new(0, 1), "one\r\ntwo\u{202e}");
    let options = Options { quiet: true, ..Options::default() };
    assert_eq!(draw(Format::Plain, &options, &[diagnostic]), "a\\nb\\u001b[31m.json:1:1: error[R101] one\\r\\ntwo\\u202e\n");
}

#[test]
fn where_the_text_is_not_at_hand_the_place_is_shown() {
    let source = Arc::new(Source::detached("x.json", Position { byte: 7, line: 3, column: 2 }));
    let diagnostic = Diagnostic::new(&rules::BAD_BYTES, &source, Span::at(0), "cannot be read");
    let drawn = draw(Format::Pretty, &Options::default(), &[diagnostic]);
    assert!(drawn.contains("x.json:3:2") && !drawn.contains('╭'), "{drawn}");
}

#[test]
fn a_window_in_the_middle_of_a_file_shows_its_true_lines() {
    let mut diagnostic = table().remove(3);
    diagnostic
        .related
        .push(chancery::diagnostic::Related { message: "the header".into(), place: Place::new(&diagnostic.place.source, Span::new(0, 1)) });
    let drawn = draw(Format::Pretty, &Options::default(), &[diagnostic]);
    assert!(drawn.contains("[t.csv:101:1]") && drawn.contains("\n 101 │ 1,2\n") && drawn.contains("the header: t.csv:1:1"), "{drawn}");
}

const CLOSED: &str = r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}"#;

// What the program reports on a directory that has mistakes in several formats, and a file that cannot be decoded.
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
    let output = crate::harness::program()
        .current_dir(folder.path())
        .args(["check", "--no-config", "--schema", "closed.schema", "--report", report])
        .args(["1.csv", "2.ndjson", "3.json", "4.yaml"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

fn described(part: &str, instance: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).expect("the schema is JSON");
    let schema = match part {
        "" => schema,
        part => serde_json::json!({"$ref": part, "$defs": schema["$defs"]}),
    };
    let validator = jsonschema::options().offline().build(&schema).expect("the schema is a schema");
    let faults: Vec<String> = validator.iter_errors(instance).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{instance:#}");
}

#[test]
fn the_json_report_is_what_its_schema_states_and_adds_up() {
    let report: Value = serde_json::from_str(&program("json")).expect("the report is JSON");
    described("", &report);
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).expect(pointer);
    assert_eq!(number("/summary/records"), number("/summary/valid") + number("/summary/invalid"));
    assert_eq!(number("/summary/records"), number("/summary/written") + number("/summary/rejected"));
    let listed = report["diagnostics"].as_array().expect("a list").len() as u64;
    let by_code: u64 = report["summary"]["by_code"].as_object().expect("an object").values().filter_map(Value::as_u64).sum();
    let by_severity = ["error", "warning", "note"].map(|severity| number(&format!("/summary/findings/{severity}"))).iter().sum::<u64>();
    assert!(listed > 5 && listed == by_code && listed == by_severity, "{report:#}");
}

#[test]
fn the_ndjson_report_states_the_same_a_line_each() {
    let whole: Value = serde_json::from_str(&program("json")).expect("the report is JSON");
    let lines: Vec<Value> = program("ndjson").lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    for line in &lines {
        described("#/$defs/line", line);
    }
    let (last, findings) = lines.split_last().expect("there is a summary");
    assert_eq!((&whole["diagnostics"], &whole["summary"]), (&serde_json::json!(findings), &last["summary"]));
}

#[test]
fn a_fingerprint_does_not_depend_on_where_the_record_stands() {
    let fingerprint = |line: u64, index, key: Option<&str>| {
        let source = Arc::new(Source::window("a.json", "x", Position { byte: line * 10, line, column: 1 }));
        let mut diagnostic = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(0, 1), "m").at("/a");
        diagnostic.record = Some(chancery::diagnostic::RecordRef { index, key: key.map(str::to_owned), ..Default::default() });
        let drawn = draw(Format::Ndjson, &Options::default(), &[diagnostic]);
        let line: Value = serde_json::from_str(drawn.lines().next().expect("a finding")).expect("JSON");
        line["fingerprint"].clone()
    };
    assert_eq!(fingerprint(1, 0, Some("dpko")), fingerprint(9, 4, Some("dpko")));
    assert_ne!(fingerprint(1, 0, Some("dpko")), fingerprint(1, 0, Some("ocha")));
    assert_ne!(fingerprint(1, 0, None), fingerprint(1, 1, None));
}

// The bad example of a rule's page: the name of its file, its text, the flags, and the schema of its own if it has one.
fn bad_example(page: &Path) -> Option<(String, String, Vec<String>, Option<String>)> {
    let text = std::fs::read_to_string(page).ok()?.replace("\r\n", "\n");
    let mut rest = text.split_once("## Bad\n")?.1.split_once("## Good")?.0;
    let mut schema = None;
    loop {
        let (info, fenced) = rest.split_once("~~~")?.1.split_once('\n')?;
        let (block, after) = fenced.split_once("~~~\n")?;
        if info == "schema" {
            schema = Some(block.to_owned());
            rest = after;
            continue;
        }
        let mut words = info.split(' ').map(str::to_owned);
        let format = chancery::read::Format::by_name(&words.next()?)?;
        let name = format!("{}.{}", page.file_stem()?.to_string_lossy(), format.extensions()[0]);
        return Some((name, block.to_owned(), words.collect(), schema));
    }
}

// The object and the lines that the program reports; none if it cannot begin, as with a broken schema.
fn report(folder: &Path, flags: &[String]) -> Option<(String, String)> {
    let output = crate::harness::program()
        .args(["check", "in", "--no-config", "--report", "json", "--report", "ndjson=lines"])
        .args(flags)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let object = String::from_utf8(output.stdout).expect("a report is UTF-8");
    if object.is_empty() {
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some((object, std::fs::read_to_string(folder.join("lines")).expect("the second report")))
}

#[test]
fn reports_for_programs_are_what_their_schema_states() {
    // Examples with the same flags and schema are checked together.
    let mut groups = BTreeMap::new();
    for page in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules")).expect("docs/rules exists") {
        let page = page.expect("a readable folder").path();
        if let Some((name, text, flags, schema)) = bad_example(&page) {
            groups.entry((flags, schema)).or_insert_with(Vec::new).push((name, text));
        }
    }
    let mut codes = BTreeSet::new();
    for ((mut flags, own), examples) in groups {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("in")).expect("a new folder");
        for (name, text) in examples {
            std::fs::write(folder.path().join("in").join(name), text).expect("a writable folder");
        }
        if let Some(own) = own {
            std::fs::write(folder.path().join("schema.json"), own).expect("a writable folder");
            flags.extend(["--schema", "schema.json"].map(str::to_owned));
        }
        let Some((object, lines)) = report(folder.path(), &flags) else { continue };
        // Both say the same, and the totals add up.
        let object: Value = serde_json::from_str(&object).expect("the report is JSON");
        described("", &object);
        let diagnostics = object["diagnostics"].as_array().expect("checked before");
        let mut printed: Vec<Value> = lines.lines().map(|text| serde_json::from_str(text).expect("each line is JSON")).collect();
        for line in &printed {
            described("#/$defs/line", line);
        }
        assert_eq!(printed.pop().expect("a summary")["summary"], object["summary"]);
        assert_eq!(&printed, diagnostics);
        let number = |name: &str| object["summary"][name].as_u64().expect("checked before");
        assert_eq!(number("records"), number("written") + number("rejected"));
        assert_eq!(number("records"), number("valid") + number("invalid"));
        codes.extend(diagnostics.iter().filter_map(|finding| finding["code"].as_str()).map(str::to_owned));
    }
    println!("reports with findings of {} rules", codes.len());
    assert!(codes.len() >= 70, "only {} rules: {codes:?}", codes.len());
}

#[test]
fn the_schema_of_reports_refuses_what_is_no_report() {
    let good = r#"{"tool":"chancery","version":"0.1.0","diagnostics":[],"summary":{"files":0,"records":0,"valid":0,"invalid":0,"written":0,"rejected":0,"findings":{"error":0,"warning":0,"note":0},"suppressed":{"baseline":0,"suppressions":0,"unchanged":0},"unchanged_files":0,"skipped_files":0,"by_code":{}}}"#;
    described("", &serde_json::from_str(good).expect("JSON"));
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).expect("the schema is JSON");
    let validator = jsonschema::options().offline().build(&schema).expect("the schema is a schema");
    for (from, to) in [("[]", "[{}]"), ("\"files\":0", "\"files\":-1"), ("\"tool\"", "\"tol\""), ("{}", r#"{"S101":0}"#)] {
        let bad: Value = serde_json::from_str(&good.replacen(from, to, 1)).expect("still JSON");
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

// A finding of `rule` at the bytes of `text` that `wrong` is first found at.
fn finding(source: &Arc<Source>, wrong: &str, message: &str) -> Diagnostic {
    Diagnostic::new(&rules::WRONG_FORMAT, source, find(source, wrong), message)
}

fn find(source: &Source, wrong: &str) -> Span {
    let at = source.text().find(wrong).expect("the text holds it") as u32;
    Span::new(at, at + wrong.len() as u32)
}

/// Findings of all sorts, which every reporter renders.
pub fn findings() -> Vec<Diagnostic> {
    let table =
        Arc::new(Source::window("profiles.csv", "dpko,Unit,info@,+1 212 555 0100\n", Position { byte: 70_000, line: 1001, column: 1 }));
    let mut parts = Source::window("t.csv", "dpko,red\niaea,blue\n", Position { byte: 900, line: 101, column: 1 });
    let header = parts.append("t.csv", "id,colour\n", Position::START);
    let parts = Arc::new(parts);
    let colour = Span::new(header + 3, header + 9);
    let json = Arc::new(Source::whole("a.json", "{\n  \"name\": \"A\",\n  \"name\": \"B\",\n  \"o\": {\n    \"x\": 1\n  }\n}\n"));
    let wide = Arc::new(Source::whole("日本.json", "{\"名\": \"東京\", \"é\": \"e\u{301}\", \"mail\": \"x@\"}"));
    let hostile = Arc::new(Source::whole("bad\n\u{1b}[31mname.json", "{\"a\":\t\"\u{1b}[2J\u{202e}evil\u{7}\", \"b\": \"x@\"}"));
    let long = format!("{{\"a\": \"{}\", \"mail\": \"x@\", \"b\": \"{}\"}}", "é".repeat(300), "z".repeat(300));
    let long = Arc::new(Source::whole("long.json", long));
    let value = Arc::new(Source::whole("value.json", format!("{{\"a\": \"{}\"}}", "v".repeat(500))));
    let crlf = Arc::new(Source::whole("crlf.csv", "id,name\r\na,b\r\n"));
    let cut = Arc::new(Source::whole("cut.json", "{\"a\": 1"));
    let empty = Arc::new(Source::whole("empty.json", ""));
    let schema = Arc::new(Source::detached("schema.json", Position { byte: 90, line: 7, column: 5 }));
    vec![
        finding(&table, "info@", "expected an e-mail address, found \"info@\"")
            .label("expected name@domain")
            .help("write the part after the @, as in \"info@example.org\"")
            .related("declared in the schema here", Place::new(&schema, Span::at(0))),
        Diagnostic::new(&rules::UNKNOWN_MEMBER, &parts, colour, "unknown member \"colour\""),
        Diagnostic::new(&rules::UNKNOWN_MEMBER, &parts, colour, "unknown member \"colour\""),
        Diagnostic::new(&rules::UNKNOWN_MEMBER, &parts, colour, "unknown member \"colour\""),
        Diagnostic::new(&rules::WRONG_TYPE, &parts, find(&parts, "blue"), "expected integer, found string \"blue\""),
        Diagnostic::new(&rules::DUPLICATE_MEMBER, &json, Span::new(19, 25), "member \"name\" is duplicated")
            .label("second")
            .related("first", Place::new(&json, Span::new(4, 10))),
        finding(&json, "{\n    \"x\": 1\n  }", "expected string, found an object"),
        finding(&wide, "\"x@\"", "after wide characters").label("here").related("the name", Place::new(&wide, find(&wide, "\"東京\""))),
        finding(&hostile, "\"x@\"", "a message\nof two lines, \u{1b}[1mbold, \u{202e}reversed").label("la\nbel\u{7}").help("he\u{1b}lp"),
        finding(&hostile, "\u{1b}[2J\u{202e}evil\u{7}", "disturbing characters"),
        finding(&long, "\"x@\"", "in the middle of a long line"),
        finding(&value, &format!("\"{}\"", "v".repeat(500)), "a long value"),
        finding(&crlf, "b", "before a CRLF"),
        Diagnostic::new(&rules::SYNTAX, &crlf, Span::at(8), "at the LF of a CRLF"),
        Diagnostic::new(&rules::SYNTAX, &cut, Span::at(7), "expected \",\" or \"}\", found the end of the file"),
        Diagnostic::new(&rules::NO_RECORDS, &empty, Span::at(0), "expected a value, found the end of the file"),
        Diagnostic::new(&rules::URL_FORM, &table, find(&table, "Unit"), "a note"),
        Diagnostic::new(&rules::SHORT_ROW, &table, find(&table, "dpko"), "a warning"),
    ]
}

/// A screen of known width.
pub fn screen() -> Options {
    Options { width: Some(100), ..Options::default() }
}

#[test]
fn plain_is_a_line_a_finding() {
    insta::assert_snapshot!(draw(Format::Plain, &screen(), &findings()));
}

#[test]
fn pretty_draws_what_is_wrong() {
    insta::assert_snapshot!(draw(Format::Pretty, &screen(), &findings()));
}

#[test]
fn nothing_in_the_data_disturbs_a_terminal() {
    for format in [Format::Plain, Format::Pretty] {
        let drawn = draw(format, &screen(), &findings());
        assert!(!drawn.contains(|c| c != '\n' && chancery::diagnostic::is_unprintable(c)), "{drawn:?}");
    }
}
