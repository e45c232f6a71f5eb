//! Reports for code hosts, CI and reviewers, from outside: what each draws, its limits, and that no data leaves its place.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, Rule, rules};
use chancery::report::{Format, Options, Tally, reporter};
use chancery::source::{Source, Span};
use serde_json::Value;

use crate::program::{folder, run};
use crate::reports::{findings, screen};
use crate::support;

// What a reporter draws of a run over the files that the findings are about.
fn drawn(format: Format, options: &Options, notes: &[Diagnostic]) -> String {
    let (mut out, mut tally) = (Vec::new(), Tally::default());
    let mut reporter = reporter(format, options);
    reporter.begin(&mut out).expect("a vector takes everything");
    let mut begun = BTreeSet::new();
    for note in notes {
        let file = note.place.locate().file;
        if begun.insert(Arc::clone(&file)) {
            tally.files += 1;
            reporter.file(&file, &mut out).expect("a vector takes everything");
        }
        tally.count(note);
        reporter.report(note, &mut out).expect("a vector takes everything");
    }
    reporter.finish(&tally, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// So many findings of a rule, each in a line of its own.
fn many(rule: &'static Rule, count: usize) -> Vec<Diagnostic> {
    let text = "x\n".repeat(count);
    let source = Arc::new(Source::whole("many.json", text));
    (0..count).map(|at| Diagnostic::new(rule, &source, Span::new(at as u32 * 2, at as u32 * 2 + 1), format!("number {at}"))).collect()
}

// A finding whose file name, message and texts try to break out of whatever they are put into.
fn hostile() -> Vec<Diagnostic> {
    [
        "::error::x",
        "\n::error::x",
        "%0A::warning::y,file=z",
        "]]><!--",
        "<script>alert(1)</script>",
        "a|b\\|c",
        "`` ` ``` code",
        "@everyone #1 [x](http://evil.example) https://evil.example www.evil.example",
        "##[add-mask]a",
        "\u{202e}gnp.exe\u{2066}\0\u{1b}[31m\u{fffe}\u{85}",
        "&amp;'\"=$(x)",
        "{0} {1}",
        " ",
    ]
    .into_iter()
    .map(|text| {
        let source = Arc::new(Source::whole(format!("{text}.json"), format!("{{\"a\": \"{text}\"}}")));
        Diagnostic::new(&rules::WRONG_FORMAT, &source, Span::new(6, 8 + text.len() as u32), format!("expected x, found {text}"))
            .label(text)
            .help(text)
            .at(format!("/{text}"))
            .related(text, chancery::diagnostic::Place::new(&source, Span::new(0, 1)))
            .fix(chancery::diagnostic::Safety::Safe, Span::new(7, 7 + text.len() as u32), text)
    })
    .collect()
}

const CLOSED: &str = r#"{"type": "object", "properties": {"id": {"type": "string"}, "mail": {"format": "email"}, "url": {"type": "string", "x-normalise": "url"}, "n": {"type": "integer"}}, "required": ["id"], "additionalProperties": false, "x-key": "/id"}"#;

// A folder whose files have findings of several rules and severities.
fn project() -> tempfile::TempDir {
    folder(&[
        ("closed.schema", CLOSED),
        ("data/1.csv", "id,colour\na,red\nb,blue\n"),
        ("data/2.ndjson", "{\"id\": \"é\", \"mial\": \"x@\"}\n{\"id\": \"d\", \"url\": \"EXAMPLE.org\"}\n{\"id\": \n"),
        ("data/3.json", "[{\"id\": \"a\"}, {\"id\": \"é\", \"mail\": \"desk@\"}]\n"),
        ("data/good.json", "{\"id\": \"good\"}\n"),
    ])
}

const CHECK: &[&str] = &["check", "--no-config", "--schema", "closed.schema", "data", "absent.json"];

// What the program reports on that folder.
fn reported(format: &str) -> String {
    let folder = project();
    let ran = run(folder.path(), &[CHECK, &["--report", &format!("{format}=out")]].concat());
    assert_eq!(ran.status, 2, "{}", ran.err);
    std::fs::read_to_string(folder.path().join("out")).expect("a report")
}

// Runs a tool that may be absent; what it prints, and `None`, said aloud, where it is absent.
fn tool(name: &str, args: &[&str]) -> Option<(bool, String)> {
    // Tools for the tests alone are put there by the gate.
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    let program = if own.exists() { own } else { name.into() };
    match Command::new(&program).args(args).env("PYTHONUTF8", "1").output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            Some((output.status.success(), text))
        }
        Err(_) => {
            eprintln!("SKIPPED: {name} is absent");
            None
        }
    }
}

// Runs a Python program that needs a package which may be absent.
fn python(package: &str, program: &str, args: &[&str]) -> Option<String> {
    let (found, _) = tool("python3", &["-c", &format!("import {package}")])?;
    if !found {
        eprintln!("SKIPPED: the Python package {package} is absent");
        return None;
    }
    let (worked, text) = tool("python3", &[&["-c", program], args].concat())?;
    assert!(worked, "{text}");
    Some(text)
}

// SARIF

// A log without what changes with every version and page.
fn plain_sarif(text: &str) -> String {
    let mut log = json(text);
    let driver = &mut log["runs"][0]["tool"]["driver"];
    driver["version"] = "0".into();
    driver["semanticVersion"] = "0".into();
    for rule in driver["rules"].as_array_mut().expect("rules") {
        assert!(rule["help"]["markdown"].as_str().is_some_and(|page| page.starts_with("# ")), "{rule}");
        rule["help"] = "its page".into();
    }
    serde_json::to_string_pretty(&log).expect("JSON")
}

#[test]
fn sarif_of_the_shared_findings() {
    insta::assert_snapshot!(plain_sarif(&drawn(Format::Sarif, &screen(), &findings())));
}

#[test]
fn sarif_of_a_run() {
    insta::assert_snapshot!(plain_sarif(&reported("sarif")));
}

// Judged by the program itself and by an independent checker.
fn valid_sarif(logs: &[String]) {
    let Some(schema) = support::shared("data/sarif/sarif-2.1.0.schema.json") else { return };
    let schema = schema.canonicalize().expect("it is there");
    let schema = schema.to_str().expect("a plain path");
    let names: Vec<String> = (0..logs.len()).map(|at| format!("{at}.json")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(logs.iter().map(String::as_str)).collect();
    let folder = folder(&files);
    let ran = run(folder.path(), &["check", "--no-config", "--schema", schema, "--records", "", "--report", "plain", "."]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    let judge = "import json, sys, jsonschema\n\
                 checker = jsonschema.Draft7Validator(json.load(open(sys.argv[1])), format_checker=jsonschema.FormatChecker())\n\
                 for name in sys.argv[2:]:\n    checker.validate(json.load(open(name)))\nprint('good')";
    let paths: Vec<String> = names.iter().map(|name| folder.path().join(name).display().to_string()).collect();
    let args: Vec<&str> = std::iter::once(schema).chain(paths.iter().map(String::as_str)).collect();
    if let Some(text) = python("jsonschema", judge, &args) {
        assert!(text.contains("good"), "{text}");
    }
    if let Some((good, text)) = tool("check-jsonschema", &[&["--schemafile"], args.as_slice()].concat()) {
        assert!(good, "{text}");
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    let options = Options::default();
    let logs = [
        drawn(Format::Sarif, &options, &[]),
        drawn(Format::Sarif, &options, &findings()),
        drawn(Format::Sarif, &options, &hostile()),
        drawn(Format::Sarif, &Options { most: Some(3), ..Options::default() }, &findings()),
        reported("sarif"),
    ];
    valid_sarif(&logs);
}

#[test]
fn sarif_keeps_what_matters_within_the_limits() {
    let mut notes = many(&rules::URL_FORM, 3000);
    notes.extend(many(&rules::SHORT_ROW, 10));
    notes.extend(many(&rules::WRONG_FORMAT, 5990));
    notes.extend(many(&rules::MISSING_MEMBER, 1));
    let log = json(&drawn(Format::Sarif, &Options::default(), &notes));
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 5000);
    assert!(results.iter().all(|result| result["level"] == "error"));
    assert_eq!(results[4999]["ruleId"], "S101", "every rule of the severity is there");
    let notice = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("what is left out is told");
    assert_eq!(notice, "left out: 991 more errors, 10 warnings, 3000 advice: N103 url-form 3000, S104 wrong-format 991, R112 short-row 10");
    let prints: BTreeSet<&str> = results.iter().filter_map(|result| result["partialFingerprints"]["chancery/v1"].as_str()).collect();
    assert_eq!(prints.len(), 5000, "fingerprints are unique");
}

#[test]
fn sarif_stays_below_the_size_that_code_hosts_take() {
    let long = "x".repeat(3_900);
    let notes: Vec<Diagnostic> = many(&rules::WRONG_FORMAT, 4000).into_iter().map(|note| note.help(long.clone())).collect();
    let text = drawn(Format::Sarif, &Options::default(), &notes);
    assert!(text.len() < 10_000_000 && text.len() > 8_000_000, "{}", text.len());
    assert!(text.contains("left out: "));
}

// Applies the replacements of a result by bytes, and by lines and columns.
fn mended(text: &str, result: &Value) -> (String, String) {
    let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    let region = &change["deletedRegion"];
    let number = |name: &str| region[name].as_u64().unwrap_or_else(|| panic!("{name} of {region}")) as usize;
    let insert = change["insertedContent"]["text"].as_str().expect("text");
    let splice = |start: usize, end: usize| format!("{}{insert}{}", &text[..start], &text[end..]);
    let offset = |line: usize, column: usize| {
        let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        before + text[before..].char_indices().nth(column - 1).map_or(text.len() - before, |(at, _)| at)
    };
    let bytes = splice(number("byteOffset"), number("byteOffset") + number("byteLength"));
    (bytes, splice(offset(number("startLine"), number("startColumn")), offset(number("endLine"), number("endColumn"))))
}

#[test]
fn fixes_in_sarif_mend_the_file() {
    let text = "{\"id\": \"é\"}\n{\"id\": \"ü\", \"mial\": \"a@example.org\"}\n";
    let folder = folder(&[("closed.schema", CLOSED), ("a.ndjson", text)]);
    let ran = run(folder.path(), &["check", "--no-config", "--schema", "closed.schema", "--report", "sarif", "a.ndjson"]);
    let log = json(&ran.out);
    let expected = text.replace("mial", "mail");
    assert_eq!(mended(text, &log["runs"][0]["results"][0]), (expected.clone(), expected));
}

#[test]
fn sarif_of_a_decoded_input_has_no_bytes_and_no_fixes() {
    let folder = folder(&[("closed.schema", CLOSED)]);
    let utf16: Vec<u8> = "\u{feff}{\"id\": \"d\", \"mial\": \"a@example.org\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("a.json"), utf16).expect("written");
    let ran = run(folder.path(), &["check", "--no-config", "--schema", "closed.schema", "--report", "sarif", "a.json"]);
    let result = &json(&ran.out)["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "S102", "{}", ran.out);
    assert!(result.get("fixes").is_none(), "{result}");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert!(region.get("byteOffset").is_none() && region["startColumn"] == 13, "{region}");
}
