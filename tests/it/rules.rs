//! The catalogue and its pages: every page's bad example raises its rule, every good one raises no error and no warning.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use chancery::diagnostic::{Rule, rules};

/// What a page runs: flags, the input's format and text.
struct Example {
    flags: Vec<String>,
    format: String,
    text: String,
    files: Vec<(String, String)>,
}

/// The fenced blocks of a section, `~~~schema` and `~~~form` ones becoming flags of the block after them.
fn example(page: &str, section: &str) -> Option<Example> {
    let body = page.split(&format!("\n## {section}\n")).nth(1)?;
    let body = body.split("\n## ").next()?;
    let (mut flags, mut files) = (Vec::new(), Vec::new());
    let mut blocks = body.split("~~~").skip(1).step_by(2);
    blocks.find_map(|block| {
        let (info, text) = block.split_once('\n')?;
        let mut words = info.split_whitespace().map(str::to_owned);
        let format = words.next()?;
        if format == "schema" || format == "form" {
            let file = format!("{format}.{}", if format == "schema" { "json" } else { "toml" });
            flags.extend([format!("--{format}"), file.clone()]);
            files.push((file, text.to_owned()));
            return None;
        }
        flags.extend(words);
        Some(Example { flags: flags.clone(), format, text: text.to_owned(), files: std::mem::take(&mut files) })
    })
}

/// What `check` does with an example.
fn checked(example: &Example) -> Output {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in &example.files {
        fs::write(folder.path().join(name), text).expect("the folder is writable");
    }
    let mut child = crate::harness::program()
        .current_dir(folder.path())
        .args(["check", "--no-config", "--report", "ndjson", "--from", &example.format])
        .args(&example.flags)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that rejects its flags does not read.
    let _ = child.stdin.take().expect("it is piped").write_all(example.text.as_bytes());
    child.wait_with_output().expect("the program ends")
}

/// The lines of the report.
fn reported(example: &Example) -> Vec<serde_json::Value> {
    let out = checked(example).stdout;
    String::from_utf8_lossy(&out).lines().map(|line| serde_json::from_str(line).expect("a report line is JSON")).collect()
}

/// Codes and severities that `check` finds; a schema that cannot be used counts by its code.
fn findings(example: &Example) -> BTreeSet<(String, String)> {
    let output = checked(example);
    let mut found = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a report line is JSON");
        if let (Some(code), Some(severity)) = (line["code"].as_str(), line["severity"].as_str()) {
            found.insert((code.to_owned(), severity.to_owned()));
        }
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if let Some((severity, code)) =
            line.split_once('[').and_then(|(before, rest)| Some((before.rsplit(' ').next()?, rest.split(']').next()?)))
        {
            found.insert((code.to_owned(), severity.to_owned()));
        }
    }
    assert!(output.status.code().is_some_and(|code| code <= 2), "{}", String::from_utf8_lossy(&output.stderr));
    found
}

fn problems(rule: &Rule) -> Vec<String> {
    let mut problems = Vec::new();
    let head = format!("# {} {}", rule.code, rule.name);
    if rule.page.lines().next() != Some(&head) {
        problems.push(format!("{}: the page begins with {:?}, not {head:?}", rule.code, rule.page.lines().next()));
    }
    if !rule.page.contains("\n## Why\n") {
        problems.push(format!("{}: the page does not say why", rule.code));
    }
    // Some rules are about several files, a broken disk or the config, which no block can show; their pages say so.
    if rule.page.contains("\n## No example\n") {
        return problems;
    }
    match (example(rule.page, "Bad"), example(rule.page, "Good")) {
        (Some(bad), Some(good)) => {
            let found = findings(&bad);
            if !found.iter().any(|(code, _)| code == rule.code) {
                problems.push(format!("{}: the bad block raises {found:?}", rule.code));
            }
            let found = findings(&good);
            if found.iter().any(|(code, severity)| code == rule.code || severity != "note") {
                problems.push(format!("{}: the good block raises {found:?}", rule.code));
            }
        }
        _ => problems.push(format!("{}: the page has no bad and good block, nor a section \"No example\"", rule.code)),
    }
    problems
}

#[test]
fn every_page_shows_its_rule() {
    let problems: Vec<String> = rules::ALL.iter().flat_map(|rule| problems(rule)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The wording of findings is pinned here and nowhere else; other tests assert codes and places.
#[test]
fn the_wording_of_each_rule() {
    let mut wording = String::new();
    for rule in rules::ALL {
        let Some(bad) = example(rule.page, "Bad") else { continue };
        for finding in reported(&bad).into_iter().filter(|finding| finding["code"] == rule.code) {
            let text = |name: &str| finding[name].as_str().unwrap_or_default();
            writeln!(wording, "{} {}:{} {}", rule.code, finding["line"], finding["column"], text("message")).expect("memory is there");
            for name in ["label", "help"] {
                if !text(name).is_empty() {
                    writeln!(wording, "    {name}: {}", text(name)).expect("memory is there");
                }
            }
        }
    }
    insta::assert_snapshot!(wording);
}

#[test]
fn codes_and_names_are_used_once_and_sorted() {
    let place = |rule: &&Rule| ("IRNSXCWB".find(&rule.code[..1]).expect("a letter of the catalogue"), rule.code);
    assert!(rules::ALL.is_sorted_by(|a, b| place(a) < place(b)), "the table is sorted by letter and number");
    let names: BTreeSet<_> = rules::ALL.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules::ALL.len());
}

#[test]
fn the_index_lists_every_rule() {
    let mut index = String::from(
        "# Rules\n\n`chancery explain CODE` shows the same pages.\n\n| code | name | severity | what |\n| --- | --- | --- | --- |\n",
    );
    for rule in rules::ALL {
        writeln!(index, "| [{0}]({0}.md) | {1} | {2} | {3} |", rule.code, rule.name, rule.severity.word(), rule.summary)
            .expect("writing to a string cannot fail");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules/README.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &index).expect("the page is writable");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), index, "UPDATE=1 writes it anew");
    let pages = fs::read_dir(path.parent().expect("it is in a folder")).expect("the folder is there").count();
    assert_eq!(pages, rules::ALL.len() + 1, "a page without a rule");
}
