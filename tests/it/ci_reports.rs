//! Reports for code hosts, CI and reviewers, from outside: content, limits, and escaping of data.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, Edit, Rule, Safety, rules};
use chancery::report::top_k::TopFindings;
use chancery::report::{Format, Options, RepoRoot, Summary, reporter};
use chancery::source::{Position, Source, Span};
use serde_json::Value;

use crate::harness::{self, folder, run};
use crate::reports::{findings, screen};
use crate::support;

// What a reporter renders of a run over the files that the findings are about.
fn drawn(format: Format, options: &Options, diagnostics: &[Diagnostic]) -> String {
    let (mut out, mut summary) = (Vec::new(), Summary::default());
    let mut reporter = reporter(format, options);
    reporter.begin(&mut out).expect("a vector takes everything");
    let mut begun = BTreeSet::new();
    for diagnostic in diagnostics {
        let file = diagnostic.place.locate().file;
        if begun.insert(Arc::clone(&file)) {
            summary.files += 1;
            reporter.file(&file, &mut out).expect("a vector takes everything");
        }
        summary.count(diagnostic);
        reporter.report(diagnostic, &mut out).expect("a vector takes everything");
    }
    reporter.finish(&summary, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// This many findings of a rule, each in a line of its own.
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
            .with_edit(Safety::Safe, vec![Edit::layout(Span::new(7, 7 + text.len() as u32), text)])
    })
    .collect()
}

const CLOSED: &str = r#"{"type": "object", "x-key": "/id", "required": ["id"], "additionalProperties": false, "properties": {
    "id": {"type": "string"}, "mail": {"format": "email"}, "url": {"type": "string", "x-normalise": "url"}, "n": {"type": "integer"}}}"#;

// A directory whose files have findings of several rules and severities.
fn project() -> tempfile::TempDir {
    folder(&[
        ("closed.schema", CLOSED),
        ("data/1.csv", "id,colour\na,red\nb,blue\n"),
        ("data/2.ndjson", "{\"id\": \"é\", \"mial\": \"x@\"}\n{\"id\": \"d\", \"url\": \"EXAMPLE.org\"}\n{\"id\": \n"),
        ("data/3.json", "[{\"id\": \"a\"}, {\"id\": \"é\", \"mail\": \"info@\"}]\n"),
        ("data/good.json", "{\"id\": \"good\"}\n"),
    ])
}

const CHECK: &[&str] = &["check", "--no-config", "--schema", "closed.schema", "data", "absent.json"];

// What the program reports on that directory.
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
    let Ok(output) = Command::new(&program).args(args).env("PYTHONUTF8", "1").output() else {
        support::skip(name, "it is not installed");
        return None;
    };
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Some((output.status.success(), text))
}

// Runs a Python program that needs a package which may be absent.
fn python(package: &str, program: &str, args: &[&str]) -> Option<String> {
    let (found, _) = tool("python3", &["-c", &format!("import {package}")])?;
    if !found {
        support::skip(package, "the Python package is not installed");
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
fn sarif_is_what_its_schema_states() {
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
    let mut diagnostics = many(&rules::URL_FORM, 3000);
    diagnostics.extend(many(&rules::SHORT_ROW, 10));
    diagnostics.extend(many(&rules::WRONG_FORMAT, 5990));
    diagnostics.extend(many(&rules::MISSING_MEMBER, 1));
    let log = json(&drawn(Format::Sarif, &Options::default(), &diagnostics));
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 5000);
    assert!(results.iter().all(|result| result["level"] == "error"));
    assert_eq!(results[4999]["ruleId"], "S101", "every rule of the severity is there");
    let notice = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("what is left out is counts");
    assert_eq!(notice, "left out: 991 more errors, 10 warnings, 3000 notes: N103 url-form 3000, S104 wrong-format 991, R112 short-row 10");
    let prints: BTreeSet<&str> = results.iter().filter_map(|result| result["partialFingerprints"]["chancery/v1"].as_str()).collect();
    assert_eq!(prints.len(), 5000, "fingerprints are unique");
}

#[test]
fn sarif_stays_below_the_size_that_code_hosts_take() {
    let long = "x".repeat(3_900);
    let diagnostics: Vec<Diagnostic> =
        many(&rules::WRONG_FORMAT, 4000).into_iter().map(|diagnostic| diagnostic.help(long.clone())).collect();
    let text = drawn(Format::Sarif, &Options::default(), &diagnostics);
    assert!(text.len() < 10_000_000 && text.len() > 8_000_000, "{}", text.len());
    assert!(text.contains("left out: "));
}

// Applies the replacements of a result by bytes, and by lines and columns.
fn fixed(text: &str, result: &Value) -> (String, String) {
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
fn fixes_in_sarif_fix_the_file() {
    let text = "{\"id\": \"é\"}\n{\"id\": \"ü\", \"mial\": \"a@example.org\"}\n";
    let folder = folder(&[("closed.schema", CLOSED), ("a.ndjson", text)]);
    let ran = run(folder.path(), &["check", "--no-config", "--schema", "closed.schema", "--report", "sarif", "a.ndjson"]);
    let log = json(&ran.out);
    let expected = text.replace("mial", "mail");
    assert_eq!(fixed(text, &log["runs"][0]["results"][0]), (expected.clone(), expected));
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

// GitHub

type Properties = Vec<(String, String)>;

// What the runner makes of a line: the name, the properties and the text of a command. It looks for `::` at the start of a
// line and else for `##[` anywhere in it.
fn command(line: &str) -> Option<(String, Properties, String)> {
    let undo = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%");
    let Some(rest) = line.trim_start().strip_prefix("::") else {
        assert!(!line.contains("##["), "{line}");
        return None;
    };
    let (info, text) = rest.split_once("::").expect("a command ends");
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
    Some((name.to_owned(), pairs.map(|(name, value)| (name.to_owned(), undo(value))).collect(), undo(text)))
}

#[test]
fn github_of_the_shared_findings() {
    insta::assert_snapshot!(drawn(Format::Github, &screen(), &findings()));
}

#[test]
fn github_of_a_run() {
    insta::assert_snapshot!(reported("github"));
}

#[test]
fn no_data_becomes_a_command() {
    let diagnostics = hostile();
    let text = drawn(Format::Github, &Options::default(), &diagnostics);
    let commands: Vec<_> = text.lines().filter_map(command).collect();
    let names: Vec<&str> = commands.iter().map(|(name, ..)| name.as_str()).collect();
    let expected: Vec<&str> = std::iter::once("group").chain(["endgroup"]).chain(["error"; 10]).collect();
    assert_eq!(names, expected, "{text}");
    for ((_, properties, text), diagnostic) in commands[2..11].iter().zip(&diagnostics) {
        let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
        let columns: &[&str] = if properties[1].1 == properties[2].1 { &["col", "endColumn"] } else { &[] };
        assert_eq!(keys, [&["file", "line", "endLine"], columns, &["title"]].concat());
        let shown = |text: &str| chancery::diagnostic::one_line(text).into_owned();
        assert_eq!(properties[0].1, shown(&RepoRoot::default().path(&diagnostic.place.locate().file)));
        assert_eq!(*text, format!("{}\n{}", shown(&diagnostic.message), shown(diagnostic.help.as_deref().unwrap_or_default())));
    }
}

#[test]
fn github_shows_the_most_important_and_counts_the_rest() {
    let mut diagnostics = many(&rules::URL_FORM, 11);
    diagnostics.extend(many(&rules::SHORT_ROW, 10));
    diagnostics.extend(many(&rules::WRONG_FORMAT, 1200));
    diagnostics.extend(many(&rules::MISSING_MEMBER, 2));
    let text = drawn(Format::Github, &Options::default(), &diagnostics);
    let commands: Vec<_> = text.lines().filter_map(command).filter(|(name, ..)| !name.ends_with("group")).collect();
    let of = |level: &str| commands.iter().filter(|(name, ..)| name == level).map(|(.., text)| text.as_str()).collect::<Vec<_>>();
    let errors = of("error");
    assert_eq!(errors.len(), 10);
    assert_eq!(errors[..3], ["number 0", "number 0", "number 1"], "each rule's first comes first");
    assert_eq!(errors[9], "and 1193 more errors: S104 wrong-format 1192, S101 missing-member 1");
    assert_eq!((of("warning").len(), of("warning")[9]), (10, "number 9"));
    assert_eq!((of("notice").len(), of("notice")[9]), (10, "and 2 more notes: N103 url-form 2"));
    assert!(text.contains("\n223 more not shown\n::endgroup::\n"), "{text}");
    assert!(text.ends_with("1202 errors, 10 warnings, 11 notes\n"), "{text}");
    // A limit of the user's counts for all levels together.
    let text = drawn(Format::Github, &Options { most: Some(12), quiet: true, ..Options::default() }, &diagnostics);
    let levels = |level: &str| text.lines().filter(|line| line.starts_with(&format!("::{level}"))).count();
    assert_eq!((levels("error"), levels("warning"), levels("notice")), (10, 4, 0), "{text}");
}

// GitLab

#[test]
fn gitlab_of_the_shared_findings() {
    insta::assert_snapshot!(drawn(Format::Gitlab, &screen(), &findings()));
}

#[test]
fn gitlab_of_a_run() {
    insta::assert_snapshot!(reported("gitlab"));
}

#[test]
fn gitlab_has_a_fingerprint_of_its_own_for_each_finding() {
    let mut diagnostics = many(&rules::WRONG_FORMAT, 300);
    diagnostics.extend(many(&rules::WRONG_FORMAT, 300));
    diagnostics.extend(hostile());
    let issues = json(&drawn(Format::Gitlab, &Options::default(), &diagnostics));
    let issues = issues.as_array().expect("a list");
    let prints: BTreeSet<&str> = issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!((issues.len(), prints.len()), (diagnostics.len(), diagnostics.len()));
    // What moves keeps its fingerprint.
    let moved = |line: u64| {
        let source = Arc::new(Source::window("a.json", "x", Position { byte: line * 10, line, column: 1 }));
        let diagnostic = Diagnostic::new(&rules::WRONG_TYPE, &source, Span::new(0, 1), "m");
        json(&drawn(Format::Gitlab, &Options::default(), &[diagnostic]))[0]["fingerprint"].clone()
    };
    assert_eq!(moved(1), moved(9));
}

#[test]
fn gitlab_counts_what_is_left_out() {
    let issues = json(&drawn(Format::Gitlab, &Options { most: Some(2), ..Options::default() }, &many(&rules::WRONG_FORMAT, 5)));
    let issues = issues.as_array().expect("a list");
    assert_eq!(issues.len(), 3);
    assert_eq!(issues[2]["description"], "and 3 more errors: S104 wrong-format 3");
    assert_eq!(json(&drawn(Format::Gitlab, &Options::default(), &[])), serde_json::json!([]));
}

// reviewdog

#[test]
fn rdjsonl_of_the_shared_findings() {
    insta::assert_snapshot!(drawn(Format::Rdjsonl, &screen(), &findings()));
}

#[test]
fn rdjsonl_of_a_run() {
    insta::assert_snapshot!(reported("rdjsonl"));
}

#[test]
fn suggestions_in_rdjsonl_fix_the_file() {
    let lines = [
        "{\"id\": \"é\"}\n{\"id\": \"ü\", \"mial\": \"a@example.org\"}\n",
        "\u{feff}{\"id\": \"ü\", \"mial\": \"a@example.org\"}\n",
        // A finding far after the start of a line that holds everything.
        &format!("[{}{{\"id\": \"日\", \"mial\": \"a@example.org\"}}]", "{\"id\": \"ü\"}, ".repeat(9)),
    ];
    for (text, name) in lines.iter().zip(["a.ndjson", "b.ndjson", "c.json"]) {
        let schema = CLOSED.replace("\"x-key\": \"/id\", ", "");
        let folder = folder(&[("closed.schema", &schema), (name, text)]);
        let ran = run(folder.path(), &["check", "--no-config", "--schema", "closed.schema", "--report", "rdjsonl", name]);
        let finding = json(ran.out.lines().next().expect("a finding"));
        let suggestion = &finding["suggestions"][0];
        let offset = |end: &str| {
            let at = &suggestion["range"][end];
            let (line, column) = (at["line"].as_u64().expect("a line") as usize, at["column"].as_u64().expect("a column") as usize);
            text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>() + column - 1
        };
        let fixed = format!("{}{}{}", &text[..offset("start")], suggestion["text"].as_str().expect("text"), &text[offset("end")..]);
        assert_eq!(fixed, text.replace("mial", "mail"), "{finding}");
    }
}

#[test]
fn several_edits_are_one_suggestion() {
    let source = Arc::new(Source::whole("a.json", "{\"a\": 1, \"b\": 2}"));
    let edited = |start, end, text: &str| {
        let diagnostic = Diagnostic::new(&rules::WRONG_NAME, &source, Span::new(1, 4), "m");
        diagnostic.with_edit(Safety::Safe, vec![Edit::layout(Span::new(start, end), text)])
    };
    let (mut diagnostic, other) = (edited(9, 12, "\"y\""), edited(1, 4, "\"x\""));
    diagnostic.fix.as_mut().expect("just given").edits.extend(other.fix.expect("just given").edits);
    let line = json(&drawn(Format::Rdjsonl, &Options::default(), &[diagnostic]));
    assert_eq!(line["suggestions"][0]["text"], "\"x\": 1, \"y\"");
    assert_eq!(line["suggestions"][0]["range"]["end"], serde_json::json!({"line": 1, "column": 13}));
}

#[test]
fn a_line_of_rdjsonl_is_never_too_long() {
    let path = "\u{1}".repeat(4_000);
    let source = Arc::new(Source::whole(path, "x"));
    let long = "\u{202e}".repeat(100_000);
    let mut diagnostic = Diagnostic::new(&rules::WRONG_NAME, &source, Span::new(0, 1), long.clone()).help(long.clone());
    diagnostic = diagnostic.with_edit(Safety::Safe, vec![Edit::layout(Span::new(0, 1), long.clone())]);
    for _ in 0..50 {
        diagnostic = diagnostic.related(long.clone(), chancery::diagnostic::Place::new(&source, Span::at(0)));
    }
    let text = drawn(Format::Rdjsonl, &Options::default(), &[diagnostic]);
    assert!(text.lines().count() == 1 && text.len() < 65_536, "{}", text.len());
}

#[test]
fn rdjsonl_states_how_many_are_not_shown() {
    let text = drawn(Format::Rdjsonl, &Options { most: Some(2), ..Options::default() }, &many(&rules::WRONG_FORMAT, 5));
    let lines: Vec<Value> = text.lines().map(json).collect();
    assert_eq!((lines.len(), lines[2]["message"].as_str()), (3, Some("3 more findings are not shown")));
}

// JUnit

#[test]
fn junit_of_the_shared_findings() {
    insta::assert_snapshot!(drawn(Format::Junit, &screen(), &findings()));
}

#[test]
fn junit_of_a_run() {
    insta::assert_snapshot!(reported("junit"));
}

// What two independent readers of JUnit XML make of a report: the numbers, and of each test case its name, its outcome, the
// short text of the failure, whether it has a long one, and what it printed.
const JUNITPARSER: &str = "import json, sys, junitparser\n\
    report = junitparser.JUnitXml.fromfile(sys.argv[1])\n\
    counts = [report.tests, report.failures, report.errors]\n\
    report.update_statistics()\n\
    assert counts == [report.tests, report.failures, report.errors], counts\n\
    cases = [case for suite in report for case in suite]\n\
    print(json.dumps({'counts': counts, 'cases': [[case.name, [type(result).__name__.lower() for result in case.result],\n\
        [result.message for result in case.result], [result.text for result in case.result], case.system_out] for case in cases]}))";
const JUNIT2HTML: &str = "import json, sys\n\
    from junit2htmlreport.parser import Junit\n\
    report = Junit(sys.argv[1])\n\
    cases = [case for suite in report.suites for case in suite.all()]\n\
    failed = sum(len(suite.failed()) for suite in report.suites)\n\
    assert '<html' in report.html()\n\
    counts = [[case.name, case.failure_msg, case.failure, case.stdout] for case in cases]\n\
    print(json.dumps({'counts': [len(cases), failed], 'cases': counts}))";

fn last_line(text: &str) -> Value {
    json(text.lines().last().unwrap_or_default())
}

#[test]
fn junit_is_read_by_others() {
    let reports = [
        drawn(Format::Junit, &Options::default(), &[]),
        drawn(Format::Junit, &Options::default(), &findings()),
        drawn(Format::Junit, &Options::default(), &hostile()),
        reported("junit"),
    ];
    let names = ["0.xml", "1.xml", "2.xml", "3.xml"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(reports.iter().map(String::as_str)).collect();
    let folder = folder(&files);
    let counts = [[0, 0, 0], [10, 10, 0], [hostile().len(), hostile().len(), 0], [5, 3, 1]];
    for (name, [tests, failures, errors]) in names.into_iter().zip(counts) {
        let path = folder.path().join(name).display().to_string();
        if let Some((good, text)) = tool("xmllint", &["--noout", &path]) {
            assert!(good, "{text}");
        }
        let first = python("junitparser", JUNITPARSER, &[&path]).map(|text| last_line(&text));
        let second = python("junit2htmlreport", JUNIT2HTML, &[&path]).map(|text| last_line(&text));
        if let Some(first) = &first {
            assert_eq!(first["counts"], serde_json::json!([tests, failures, errors]), "{name}");
        }
        if let Some(second) = &second {
            assert_eq!(second["counts"], serde_json::json!([tests, failures + errors]), "{name}");
        }
        let (Some(first), Some(second)) = (first, second) else { continue };
        for (one, other) in first["cases"].as_array().expect("cases").iter().zip(second["cases"].as_array().expect("cases")) {
            assert_eq!((&one[0], &one[2][0], &one[3][0], &one[4]), (&other[0], &other[1], &other[2], &other[3]));
            assert!(one[1].as_array().is_some_and(|results| results.len() < 2), "one result a test case: {one}");
        }
    }
}

#[test]
fn a_junit_test_case_for_each_file_whatever_is_in_it() {
    let text = reported("junit");
    for case in [
        "<testcase name=\"data/good.json\" classname=\"chancery\" file=\"data/good.json\"/>",
        "<error message=\"I102 unreadable: cannot be read: no such file or directory\" type=\"I102\">",
    ] {
        assert!(text.contains(case), "{case}\n{text}");
    }
    // Numbers stay exact where lines are limited.
    let text = drawn(Format::Junit, &Options { most: Some(2), ..Options::default() }, &many(&rules::WRONG_FORMAT, 5));
    assert!(text.contains("; and 4 more errors\"") && text.contains("\n3 more not shown\n</failure>"), "{text}");
}

// Markdown

#[test]
fn markdown_of_the_shared_findings() {
    insta::assert_snapshot!(drawn(Format::Markdown, &screen(), &findings()));
}

#[test]
fn markdown_of_a_run() {
    insta::assert_snapshot!(reported("markdown"));
}

#[test]
fn markdown_stays_within_a_comment_and_counts_the_rest() {
    let mut diagnostics = many(&rules::WRONG_FORMAT, 3000);
    diagnostics.extend(many(&rules::SHORT_ROW, 5));
    let text = drawn(Format::Markdown, &Options::default(), &diagnostics);
    assert!(text.len() < 60_000 && text.len() > 30_000, "{}", text.len());
    assert!(text.contains("| S104 wrong-format | error | 3000 |"), "{text}");
    let shown = text.lines().filter(|line| line.contains("| error S104 |")).count();
    assert!(text.ends_with(&format!(
        "\nand {} more errors, 5 warnings: S104 wrong-format {}, R112 short-row 5\n",
        3000 - shown,
        3000 - shown
    )));
    // However long the paths, each of which needs a table of its own.
    let long: Vec<Diagnostic> = (0..900)
        .map(|at| {
            let source = Arc::new(Source::whole(format!("{at}{}", "|".repeat(500)), "x"));
            Diagnostic::new(&rules::WRONG_FORMAT, &source, Span::new(0, 1), "|".repeat(500))
        })
        .collect();
    let text = drawn(Format::Markdown, &Options::default(), &long);
    assert!(text.len() < 60_000 && text.contains("\nand "), "{}", text.len());
}

// GitHub's own parser: the tags, the number of cells of each row, and the text of each piece of code.
const CMARK: &str = "import cmarkgfm, html.parser, json, sys\n\
    class Seen(html.parser.HTMLParser):\n\
    \x20   def __init__(self):\n\
    \x20       super().__init__()\n\
    \x20       self.tags, self.rows, self.codes, self.inside = set(), [], [], False\n\
    \x20   def handle_starttag(self, tag, attributes):\n\
    \x20       self.tags.add(tag)\n\
    \x20       if tag == 'tr': self.rows.append(0)\n\
    \x20       if tag == 'td': self.rows[-1] += 1\n\
    \x20       if tag == 'code': self.codes.append('')\n\
    \x20       self.inside = tag == 'code'\n\
    \x20   def handle_endtag(self, tag): self.inside = False\n\
    \x20   def handle_data(self, data):\n\
    \x20       if self.inside: self.codes[-1] += data\n\
    seen = Seen()\n\
    options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE\n\
    seen.feed(cmarkgfm.github_flavored_markdown_to_html(open(sys.argv[1]).read(), options))\n\
    print(json.dumps({'tags': sorted(seen.tags), 'rows': seen.rows, 'codes': seen.codes}))";

#[test]
fn nothing_in_markdown_is_markup_of_the_data() {
    let diagnostics = hostile();
    let text = drawn(Format::Markdown, &Options::default(), &diagnostics);
    let folder = folder(&[("a.md", &text)]);
    let path = folder.path().join("a.md").display().to_string();
    let Some(seen) = python("cmarkgfm", CMARK, &[&path]) else { return };
    let seen = last_line(&seen);
    assert_eq!(seen["tags"], serde_json::json!(["code", "h3", "h4", "table", "tbody", "td", "th", "thead", "tr"]), "{text}");
    // A row of totals, one of rules, and one for each finding.
    let cells: Vec<u64> = seen["rows"].as_array().expect("rows").iter().filter_map(Value::as_u64).filter(|cells| *cells > 0).collect();
    assert_eq!(cells, [vec![9, 4], vec![3; diagnostics.len()]].concat(), "{text}");
    let shown = |text: &str| Value::from(chancery::diagnostic::log_line(text));
    let expected: Vec<Value> = diagnostics
        .iter()
        .flat_map(|diagnostic| {
            let location = diagnostic.place.locate();
            let place = format!("{}:{}:{}", location.file, location.start.line, location.start.column);
            [shown(&location.file), shown(&place), shown(&diagnostic.message)]
        })
        .collect();
    assert_eq!(seen["codes"], Value::from(expected), "{text}");
}

// The summary of a step

fn with_environment(home: &Path, variables: &[(&str, &Path)], args: &[&str]) -> (String, String) {
    let output = harness::program().current_dir(home).args(args).envs(variables.iter().copied()).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_summary_of_a_step_is_appended_to() {
    let folder = project();
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "# Before\n\n").expect("written");
    let variables = [("GITHUB_STEP_SUMMARY", summary.as_path())];
    let (out, err) = with_environment(folder.path(), &variables, &[CHECK, &["--report", "github"]].concat());
    assert_eq!(err, "");
    assert!(out.contains("::endgroup::"));
    let text = std::fs::read_to_string(&summary).expect("a summary");
    assert_eq!(text, format!("# Before\n\n{}", reported("markdown")));
    // Other reports leave it alone.
    with_environment(folder.path(), &variables, &[CHECK, &["--report", "markdown"]].concat());
    assert_eq!(std::fs::read_to_string(&summary).expect("a summary"), text);
}

#[test]
fn a_summary_that_cannot_be_written_is_reported_and_fails_nothing() {
    let folder = project();
    let args = [CHECK, &["--report", "github"]].concat();
    let variables = [("GITHUB_STEP_SUMMARY", folder.path())];
    let (out, err) = with_environment(folder.path(), &variables, &args);
    assert!(out.contains("::endgroup::") && err.starts_with("warning: cannot append to the summary "), "{err}");
    let full = folder.path().join("summary.md");
    std::fs::write(&full, "x".repeat(1_048_000)).expect("written");
    let (_, err) = with_environment(folder.path(), &[("GITHUB_STEP_SUMMARY", full.as_path())], &args);
    assert!(err.ends_with("it is full\n"), "{err}");
    assert_eq!(std::fs::metadata(&full).expect("it is there").len(), 1_048_000);
}

#[test]
fn a_summary_stays_within_its_limit() {
    let folder = folder(&[("a.ndjson", &"{\"id\": 1}\n".repeat(20_000)), ("closed.schema", CLOSED)]);
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "x\n".repeat(450_000)).expect("written");
    let args = ["check", "--no-config", "--schema", "closed.schema", "a.ndjson", "absent.json", "--report", "github"];
    with_environment(folder.path(), &[("GITHUB_STEP_SUMMARY", &summary)], &args);
    let text = std::fs::read_to_string(&summary).expect("a summary");
    assert!(text.len() > 920_000 && text.len() < 1_048_576, "{}", text.len());
}

#[test]
fn paths_are_distinguished_from_the_root_of_the_checkout() {
    let folder = project();
    let data = folder.path().join("data");
    let absolute = data.join("3.json").display().to_string();
    let args = ["check", "--no-config", "--schema", "../closed.schema", "2.ndjson", &absolute, "../absent.json", "--report"];
    for (format, paths) in [
        ("github", ["file=data/2.ndjson,", "file=data/3.json,", "file=absent.json,"]),
        ("gitlab", ["\"path\":\"data/2.ndjson\"", "\"path\":\"data/3.json\"", "\"path\":\"absent.json\""]),
        ("sarif", ["\"uri\":\"data/2.ndjson\"", "\"uri\":\"data/3.json\"", "\"uri\":\"absent.json\""]),
    ] {
        let root = [("GITHUB_WORKSPACE", folder.path()), ("GITHUB_STEP_SUMMARY", Path::new(""))];
        let (out, _) = with_environment(&data, &root, &[&args[..], &[format]].concat());
        assert!(paths.iter().all(|path| out.contains(path)), "{format}: {out}");
        let (out, _) = with_environment(&data, &[("CI_PROJECT_DIR", folder.path())], &[&args[..], &[format]].concat());
        assert!(paths.iter().all(|path| out.contains(path)), "{format}: {out}");
    }
}

// All of them

#[test]
fn reports_are_the_same_whatever_the_number_of_workers() {
    let folder = project();
    let more: String = (0..3000).map(|at| format!("{{\"id\": \"{at}\", \"n\": \"x\", \"zz\": {at}}}\n")).collect();
    std::fs::write(folder.path().join("data/4.ndjson"), more).expect("written");
    let formats = ["sarif", "github", "gitlab", "junit", "rdjsonl", "markdown"];
    let rendered = |jobs: &str| {
        let reports: Vec<String> = formats.iter().flat_map(|format| ["--report".to_owned(), format!("{format}={format}.out")]).collect();
        let args: Vec<&str> = CHECK.iter().copied().chain(reports.iter().map(String::as_str)).chain(["--jobs", jobs]).collect();
        run(folder.path(), &args);
        formats.map(|format| std::fs::read_to_string(folder.path().join(format!("{format}.out"))).expect(format))
    };
    let alone = rendered("1");
    assert!(alone.iter().all(|report| report.len() > 1000));
    assert!(alone == rendered("4"));
}

#[test]
fn no_report_disturbs_a_terminal() {
    for format in Format::ALL.iter().filter(|format| !matches!(format, Format::Json | Format::Ndjson)) {
        for diagnostics in [findings(), hostile()] {
            let text = drawn(*format, &screen(), &diagnostics);
            let wrong = text.chars().find(|c| *c != '\n' && chancery::diagnostic::is_unprintable(*c));
            assert_eq!(wrong, None, "{format:?}: {text}");
        }
    }
}

// What is kept of a sequence of findings, by the words of the rule: the longest beginning of the order of importance that fits.
fn kept_by_the_book(findings: &[(usize, usize)], most: usize, room: usize) -> Vec<usize> {
    let severity = |rule: usize| std::cmp::Reverse(RULES[rule].severity);
    let first = |at: usize| !findings[..at].iter().any(|(rule, _)| *rule == findings[at].0);
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| (severity(findings[*at].0), !first(*at), *at));
    let mut size = 0;
    let fits = |at: &usize| {
        size += findings[*at].1;
        size <= room
    };
    order.into_iter().take(most).take_while(fits).collect()
}

const RULES: [&Rule; 5] = [&rules::WRONG_FORMAT, &rules::MISSING_MEMBER, &rules::SHORT_ROW, &rules::URL_FORM, &rules::TEXT_FORM];

// Rules by number, and sizes.
fn sequence() -> impl proptest::strategy::Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0_usize..5, 0_usize..9), 0..40)
}

// Any text, with signs that mean something to some reader more often than not.
fn hostile_text() -> impl proptest::strategy::Strategy<Value = String> {
    let signs = "[a-z0-9 :#%|`\\[\\](){}<>&\"'@/\\\\\u{0}\n\r\u{85}\u{202e}\u{fffe}]{0,20}";
    proptest::prop_oneof![signs, "\\PC{0,9}"]
}

proptest::proptest! {
    #[test]
    fn the_most_important_are_kept(findings in sequence(), most in 0_usize..20, room in 0_usize..60) {
        let source = Arc::new(Source::whole("a", "x"));
        let mut important = TopFindings::new(most, room);
        for (at, (rule, size)) in findings.iter().enumerate() {
            important.take(&Diagnostic::new(RULES[*rule], &source, Span::at(0), "m"), || (at, *size));
        }
        let kept: Vec<usize> = important.by_importance().map(|kept| kept.drawn).collect();
        let rest: u64 = important.omitted().iter().map(|rest| rest.count).sum();
        proptest::prop_assert_eq!(rest, (findings.len() - kept.len()) as u64);
        proptest::prop_assert_eq!(kept, kept_by_the_book(&findings, most, room));
    }

    #[test]
    fn any_text_can_be_told(name in hostile_text(), text in hostile_text()) {
        let source = Arc::new(Source::whole(format!("f{name}"), text.clone()));
        let diagnostic = Diagnostic::new(&rules::WRONG_FORMAT, &source, Span::new(0, text.len() as u32), format!("m{text}")).help(text.clone());
        let diagnostics = [diagnostic];
        let draw = |format| drawn(format, &Options::default(), &diagnostics);
        let shown = |text: &str| chancery::diagnostic::one_line(text).into_owned();
        let path = RepoRoot::default().path(&format!("f{name}"));

        let result = json(&draw(Format::Sarif))["runs"][0]["results"][0].clone();
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI").to_owned();
        proptest::prop_assert!(!uri.contains([':', '?', '#', ' ', '\\']), "{}", uri);
        proptest::prop_assert_eq!(percent_decoded(&uri), path.clone());

        let issue = json(&draw(Format::Gitlab))[0].clone();
        proptest::prop_assert_eq!(issue["location"]["path"].as_str(), Some(path.as_str()));
        let line = json(&draw(Format::Rdjsonl));
        let message = format!("m{}\n{}", shown(&text), shown(&text));
        proptest::prop_assert_eq!(line["message"].as_str(), Some(message.as_str()));

        let log = draw(Format::Github);
        let commands: Vec<_> = log.lines().filter_map(command).collect();
        proptest::prop_assert_eq!(commands.len(), 3, "{}", log);
        proptest::prop_assert_eq!(&commands[2].1[0].1, &shown(&path));
        proptest::prop_assert_eq!(&commands[2].2, &message);

        let page = draw(Format::Markdown);
        let row = page.lines().find(|line| line.contains("| error S104 |")).expect("a row");
        proptest::prop_assert_eq!(row.matches('|').count(), 4, "{}", row);

        // The program's own reader of XML rejects what is not well-formed.
        let gathered = support::read(chancery::read::Format::Xml, draw(Format::Junit).as_bytes(), &chancery::read::Options::default());
        proptest::prop_assert!(gathered.diagnostics.iter().all(|diagnostic| diagnostic.rule.code != "R101"), "{:?}", gathered.diagnostics);
    }
}

fn percent_decoded(uri: &str) -> String {
    let mut pieces = uri.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}
