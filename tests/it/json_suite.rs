//! JSON and NDJSON: the parsing test suite, and independence of the result from window boundaries.

use std::io::Cursor;
use std::path::Path;

use chancery::diagnostic::{Diagnostic, DiagnosticSink};
use chancery::read::records::Records;
use chancery::read::{self, Format, Options, RecordVisitor};
use chancery::source::{InputBuffer, Position, ReadError};
use chancery::tree::{Node, Tree};
use proptest::prelude::*;

use super::support;

// What was read, until nothing more could be trusted: records with the place of each part, and findings with theirs.
#[derive(Default)]
struct Found {
    units: Vec<String>,
    findings: Vec<String>,
    codes: Vec<&'static str>,
    stopped: bool,
}

impl DiagnosticSink for Found {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.file_diagnostic(diagnostic);
    }
}

impl RecordVisitor for Found {
    fn record(&mut self, tree: &mut Tree) {
        if !self.stopped {
            let mut unit = String::new();
            describe(tree.root(), &mut unit);
            self.units.push(unit);
        }
    }

    fn malformed(&mut self) {
        if !self.stopped {
            self.units.push("broken".to_owned());
        }
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        if !self.stopped {
            let (start, end) = (diagnostic.place.locate().start, diagnostic.place.locate().end);
            let at = format!("{}-{} {}:{}", start.byte, end.byte, start.line, start.column);
            self.findings.push(format!("{} {at} {}", diagnostic.rule.code, diagnostic.message));
            self.codes.push(diagnostic.rule.code);
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

fn describe(node: Node<'_>, out: &mut String) {
    use std::fmt::Write as _;
    let at = node.tree().source().locate(node.span());
    let _ = write!(out, "{}-{}@{}:{}", at.start.byte, at.end.byte, at.start.line, at.start.column);
    for item in node.items() {
        out.push(' ');
        describe(item, out);
    }
    for member in node.members() {
        let _ = write!(out, " {:?}=", member.key.text());
        describe(member.value, out);
    }
    if node.is_empty() {
        let _ = write!(out, " {node:?}");
    }
}

fn read(format: Format, bytes: &[u8], options: &Options) -> Result<Found, ReadError> {
    let feed = InputBuffer::new("input", Box::new(Cursor::new(bytes.to_vec())), Position::START);
    let mut found = Found::default();
    read::read_all(&mut *read::chunker(format, feed, options), &mut found).map(|()| found)
}

// The first finding, or what the input failed with, as `CODE first-last line:column message`.
fn first_fault(format: Format, bytes: &[u8]) -> Option<String> {
    match read(format, bytes, &Options::default()) {
        Ok(found) => found.findings.into_iter().find(|finding| !finding.starts_with("R102")),
        Err(ReadError::Encoding { at, .. }) => Some(format!("I101 {} {}:{}", at.byte, at.line, at.column)),
        Err(failure) => panic!("{failure}"),
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), std::fs::read(&path).expect("it can be read")))
        .collect();
    files.sort();
    files
}

#[test]
fn parsing_test_suite() {
    let Some(folder) = support::shared("data/json-parsing/test_parsing") else { return };
    let (mut passed, mut total) = (0, 0);
    let mut wrong = Vec::new();
    for (name, bytes) in files(&folder) {
        let fault = first_fault(Format::Json, &bytes);
        // A document of one line is the same as a line of NDJSON; a line that is blank is no record there, and no fault.
        let one_line = !bytes.trim_ascii().contains(&b'\n') && !bytes.trim_ascii().is_empty();
        let line_fault = one_line.then(|| first_fault(Format::Ndjson, bytes.trim_ascii_end()));
        let right = match name.split('_').next() {
            Some("y") => fault.is_none() && line_fault.as_ref().is_none_or(Option::is_none),
            Some("n") => {
                let code = fault.as_deref().is_some_and(|fault| ["R101", "R103", "R105", "I101"].contains(&&fault[..4]));
                code && line_fault.as_ref().is_none_or(Option::is_some)
            }
            _ => true,
        };
        total += 1;
        passed += usize::from(right);
        if !right {
            wrong.push(format!("{name}: {fault:?} {line_fault:?}"));
        }
    }
    println!("JSON parsing suite: {passed} of {total}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed >= 318, "{passed}");
}

#[test]
fn faults_are_located() {
    let check = |text: &str, expected: &str| {
        assert_eq!(first_fault(Format::Json, text.as_bytes()).as_deref().unwrap_or("none"), expected, "{text}");
        if !text.contains('\n') && !text.is_empty() && !text.starts_with('[') {
            assert_eq!(
                first_fault(Format::Ndjson, text.as_bytes()).as_deref().unwrap_or("none"),
                expected.replace("the end of the file", "the end of the document")
            );
        }
    };
    check("", "R101 0-0 1:1 expected a value, found the end");
    check("[", "R101 1-1 1:2 expected a value, found the end");
    check("[1", "R101 2-2 1:3 expected a comma or the end of the array, found the end");
    check("[1,", "R101 3-3 1:4 expected a value, found the end");
    check("[1,]", "R101 3-4 1:4 expected a value, found \"]\"");
    check("[1 2]", "R101 3-4 1:4 expected a comma or the end of the array, found \"2\"");
    check("[1}", "R101 2-3 1:3 expected a comma or the end of the array, found \"}\"");
    check("[1]\n[2]", "R101 4-5 2:1 expected the end of the file, found \"[\"");
    check("{\"a\":1,}", "R101 7-8 1:8 expected a member name, found \"}\"");
    check("{\"a\" 1}", "R101 5-6 1:6 expected a colon, found \"1\"");
    check("{a: 1}", "R101 1-2 1:2 expected a member name or }, found \"a\"");
    check("{\"é\":1 \"b\":2}", "R101 8-9 1:8 expected a comma or }, found \"\\\"\"");
    check("tru", "R101 3-3 1:4 expected true, found the end");
    check("nul1", "R101 3-4 1:4 expected null, found \"1\"");
    check("-", "R101 0-1 1:1 not a JSON number: -");
    check("012", "R101 0-3 1:1 not a JSON number: 012");
    check("+1", "R101 0-1 1:1 expected a value, found \"+\"");
    check("1.e5", "R101 0-4 1:1 not a JSON number: 1.e5");
    check("{\"a\":1} x", "R101 8-9 1:9 expected the end of the document, found \"x\"");
    check("\"a\tb\"", "R101 2-3 1:3 control character U+0009 inside a string");
    check("\"a", "R101 2-2 1:3 expected a closing quote, found the end");
    check("\"\\x\"", "R101 2-3 1:3 expected an escape: one of \" \\ / b f n r t u, found \"x\"");
    check("\"\\u12g4\"", "R101 5-6 1:6 expected four hexadecimal digits, found \"g\"");
    check("\"\\ud800\"", "R105 1-7 1:2 \\ud800 is an unpaired surrogate");
    check("\"\\udc00\\ud800\"", "R105 1-7 1:2 \\udc00 is an unpaired surrogate");
    check("\"\\ud800\\u0041\"", "R105 1-7 1:2 \\ud800 is an unpaired surrogate");
}

#[test]
fn records_and_their_faults() {
    let check = |format: Format, text: &str, options: &Options, units: usize, codes: &[&str]| {
        let found = read(format, text.as_bytes(), options).expect("it is text");
        assert_eq!((found.units.len(), &found.codes[..]), (units, codes), "{text}");
    };
    let plain = Options::default();
    check(Format::Json, "[]", &plain, 0, &[]);
    check(Format::Json, " [ ] ", &plain, 0, &[]);
    check(Format::Json, "[1,[2],{}]", &plain, 3, &[]);
    check(Format::Json, "{\"a\":1}", &plain, 1, &[]);
    check(Format::Json, "{\"a\":1,\"a\":1,\"b\":{\"c\":0,\"\\u0063\":0}}", &plain, 1, &["R102", "R102"]);
    check(Format::Json, "[1,2] 3", &plain, 2, &["R101"]);
    check(Format::Json, "[1,x,2]", &plain, 2, &["R101"]);
    check(Format::Ndjson, "1\n\nx\n2\r\n \t\n{}", &plain, 4, &["R101"]);
    let deep = Options { max_depth: 2, ..Options::default() };
    check(Format::Ndjson, "[[1]]\n[[[1]]]\n{\"a\":{\"b\":[]}}\n1\n", &deep, 4, &["R103", "R103"]);
    let whole = Options { records: Records::whole(), ..Options::default() };
    check(Format::Json, "[1,2]", &whole, 1, &[]);
    let inside = Options { records: Records::at("/a/b").expect("a path"), ..Options::default() };
    check(Format::Json, "{\"a\":{\"b\":[1,2,3]},\"c\":0}", &inside, 3, &["R107"]);
    check(Format::Json, "{\"a\":1}", &inside, 0, &["R106"]);
    // An item past the limit costs itself alone, however large the pieces are in which the file is read.
    for length in [200, 300_000, 900_000] {
        let long = "\\\\é".repeat(length / 4);
        let small = Options { max_record_bytes: 100, window_bytes: 1, ..Options::default() };
        check(Format::Json, &format!("[1,\"{long}\",2]"), &small, 3, &["R104"]);
        check(Format::Json, &format!("[1,{{\"{long}\":[\"]\"]}}]"), &small, 2, &["R104"]);
        check(Format::Json, &format!("[\"{long}\"]"), &small, 1, &["R104"]);
        check(Format::Json, &format!("{{\"a\":\"{long}\"}}"), &small, 1, &["R104"]);
        check(Format::Ndjson, &format!("1\n\"{long}\"\n2\n"), &small, 3, &["R104"]);
    }
}

#[test]
fn numbers_keep_their_text() {
    let numbers = "[1.0,1e400,-0,-0.0,12345678901234567890123,1E+2,1.0000000000000000000001,0.10]";
    let records = support::read(Format::Json, numbers.as_bytes(), &Options::default()).records;
    assert_eq!(format!("[{}]", records.into_iter().flatten().collect::<Vec<_>>().join(",")), numbers);
}

#[test]
fn naughty_strings() {
    let Some(file) = support::shared("data/naughty-strings/blns.json") else { return };
    let strings: Vec<String> = serde_json::from_slice(&std::fs::read(file).expect("it can be read")).expect("it is JSON");
    let ndjson = strings.iter().map(|text| serde_json::json!({ "text": text }).to_string()).collect::<Vec<_>>().join("\n");
    let gathered = support::read(Format::Ndjson, ndjson.as_bytes(), &Options::default());
    let found = gathered.records.iter().flatten().map(|record| serde_json::from_str::<serde_json::Value>(record).expect("we write JSON"));
    assert_eq!(
        found.map(|record| record["text"].as_str().map(str::to_owned)).collect::<Vec<_>>(),
        strings.into_iter().map(Some).collect::<Vec<_>>()
    );
    assert!(gathered.diagnostics.is_empty() && gathered.records.len() >= 500);
}

// Pieces are read 256 KiB at a time: an escape, a character and a comma that lie across the border.
#[test]
fn pieces_change_nothing() {
    let (left, right) = ("a".repeat((256 << 10) - 10), "[\\\"é\\\\\",\"x\"]");
    for shift in 0..24 {
        let text = format!("[0,\"{left}{}{right},{{\"b\":\"\\\\\"}},1]", "a".repeat(shift));
        let found = read(Format::Json, text.as_bytes(), &Options { window_bytes: 1, ..Options::default() }).expect("it is text");
        let whole = read(Format::Json, text.as_bytes(), &Options { window_bytes: 1 << 30, ..Options::default() }).expect("it is text");
        assert_eq!((&found.units, &found.findings), (&whole.units, &whole.findings));
    }
}

fn token() -> impl Strategy<Value = String> {
    let fixed = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        "\r\n",
        " ",
        "tru",
        "1.5e3",
        "-",
        "é",
        "\"a\":",
        "\"\\n\\u00e9\"",
        "{\"b\": [1, \"]\"]}",
        "\u{0}",
    ];
    proptest::sample::select(fixed.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(crate::property::cases(300))]

    #[test]
    fn windows_change_nothing(items in proptest::collection::vec(value(), 0..8), pretty: bool) {
        let array = serde_json::Value::from(items);
        let text = if pretty { format!(" {array:#}\r\n") } else { array.to_string() };
        same_in_windows(Format::Json, &text)?;
    }

    #[test]
    fn windows_change_nothing_in_broken_text(tokens in proptest::collection::vec(token(), 0..24)) {
        let text = tokens.concat();
        same_in_windows(Format::Json, &text)?;
        same_in_windows(Format::Json, &format!("[1,{text}"))?;
        same_in_windows(Format::Ndjson, &text)?;
    }
}

fn same_in_windows(format: Format, text: &str) -> Result<(), TestCaseError> {
    let whole = read(format, text.as_bytes(), &Options { window_bytes: 1 << 20, ..Options::default() }).expect("it is text");
    for window_bytes in [1, 2, 3, 7, 20] {
        let found = read(format, text.as_bytes(), &Options { window_bytes, ..Options::default() }).expect("it is text");
        prop_assert_eq!(&found.units, &whole.units);
        prop_assert_eq!(&found.findings, &whole.findings);
    }
    if format == Format::Json && whole.findings.is_empty() {
        prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
    }
    Ok(())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a\"\\\\\\]},:\né]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a\"\\\\é]{0,3}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn an_array_inside_a_document_is_cut_at_its_items() {
    let items: Vec<String> = (0..400).map(|id| format!("{{\"id\": \"r{id}\", \"size\": {}}}", if id == 399 { 10 } else { 1 })).collect();
    let document =
        |after: &str| format!("{{\"meta\": {{\"n\": [1, \"]\"]}},\n \"a\": {{\"b\": [\n{}\n], \"c\": 1}}{after}", items.join(",\n"));
    let options =
        Options { records: Records::at("/a/b").expect("a path"), window_bytes: 1000, max_record_bytes: 2000, ..Options::default() };
    // The document is larger than a record may be, and read all the same.
    let rendered = |text: &str| {
        let read = support::read(Format::Json, text.as_bytes(), &options);
        let diagnostics = read.diagnostics.iter().map(|diagnostic| {
            let place = diagnostic.place.locate();
            format!("{}:{}@{} {} {}", place.start.line, place.start.column, place.start.byte, diagnostic.rule.code, diagnostic.message)
        });
        (read.records.len(), read.stopped, diagnostics.collect::<Vec<_>>())
    };
    let (count, stopped, diagnostics) = rendered(&document(", \"d\": []}\n"));
    assert_eq!((count, stopped), (400, false));
    assert_eq!(diagnostics, ["1:2@1 R107 skipped content outside /a/b: \"meta\", \"c\", \"d\""]);
    // What stands after the array is judged too, at its own place.
    let broken = document(", \"d\" []}");
    let at = broken.rfind("[]").expect("it is there");
    assert_eq!(
        rendered(&broken).2,
        [format!("403:{}@{at} R101 expected a colon, found \"[\"", at - broken.rfind("\n]").expect("it is there"))]
    );
    let twice = document(", \"a\": {\"b\": [{\"id\": \"x\"}]}}");
    let (count, _, diagnostics) = rendered(&twice);
    assert_eq!((count, diagnostics.iter().filter(|diagnostic| diagnostic.contains("R102")).count()), (401, 1), "{diagnostics:?}");
    // A document that ends in the midst of the array says so.
    let (count, stopped, diagnostics) = rendered(&document("")[..200]);
    assert!(count > 2 && stopped && diagnostics.len() == 1 && diagnostics[0].contains("R101"), "{diagnostics:?}");
}
