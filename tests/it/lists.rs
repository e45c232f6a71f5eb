//! Lists that are written in several places agree with the program: report formats, formats, keys, flags, names in the docs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chancery::{normalise, read, report, write};
use serde_json::Value;

use crate::harness::run;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("it is part of the project")
}

fn has_end(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

#[test]
fn every_report_format_is_reported_wherever_they_are_listed() {
    let schema: Value = serde_json::from_str(&text("schemas/config.schema.json")).expect("it is JSON");
    let described = schema["properties"]["report"]["description"].as_str().expect("it is described").to_owned();
    let template = text("src/cli/init/chancery.toml");
    let template = template.lines().find(|line| line.contains("report =")).expect("the template shows reports").to_owned();
    let help = run(root(), &["check", "--help"]).out;
    let help = help.split("--report <").nth(1).and_then(|rest| rest.split("\n      --").next()).expect("it is a flag").to_owned();
    let listed = text("docs/reports.md");
    let listed = listed.split("\n## ").next().expect("there is a beginning");
    for (place, list) in [("the config schema", &*described), ("the template", &template), ("--help", &help), ("docs/reports.md", listed)] {
        let words = words(list);
        let missing: Vec<_> = report::Format::ALL.iter().map(|format| format.name()).filter(|name| !words.contains(name)).collect();
        assert!(missing.is_empty(), "{place} does not name {missing:?}: {list}");
    }
}

#[test]
fn the_schema_of_the_config_lists_what_the_program_knows() {
    let schema: Value = serde_json::from_str(&text("schemas/config.schema.json")).expect("it is JSON");
    let list = |pointer: &str| -> Vec<String> {
        let list = schema.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{pointer} is a list"));
        list.iter().map(|name| name.as_str().expect("it is a name").to_owned()).collect()
    };
    assert_eq!(list("/$defs/format/enum"), read::Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>());
    assert_eq!(list("/properties/outputs/items/enum"), write::Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>());
    let asked = normalise::Pass::ALL.iter().filter(|pass| **pass != normalise::Pass::Defaults);
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(list("/$defs/pass/enum")), sorted(asked.map(|pass| pass.name().to_owned()).collect()));
}

#[test]
fn the_program_reads_every_key_that_the_schema_of_the_config_admits() {
    let schema: Value = serde_json::from_str(&text("schemas/config.schema.json")).expect("it is JSON");
    let code = text("crates/engine/src/project/config.rs");
    let keys: Vec<&String> = schema["properties"].as_object().expect("it has properties").keys().collect();
    assert!(keys.len() > 20, "{keys:?}");
    let unread: Vec<_> = keys.into_iter().filter(|key| !code.contains(&format!("\"{key}\""))).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}");
}

// Pages for people who use the program.
fn pages() -> Vec<(String, String)> {
    let mut names: Vec<String> = fs::read_dir(root().join("docs"))
        .expect("it is there")
        .map(|entry| format!("docs/{}", entry.expect("readable").file_name().to_string_lossy()))
        .filter(|name| has_end(name, "md") && name != "docs/ARCHITECTURE.md")
        .collect();
    names.push("README.md".to_owned());
    names.sort();
    names.into_iter().map(|name| (text(&name), name)).map(|(text, name)| (name, text)).collect()
}

// The flags of the program, with two hyphens, by all its commands.
fn flags() -> BTreeSet<String> {
    let commands: &[&[&str]] = &[
        &[],
        &["run"],
        &["check"],
        &["convert"],
        &["load"],
        &["export"],
        &["fix"],
        &["diff"],
        &["explain"],
        &["init"],
        &["lsp"],
        &["formats"],
        &["completions"],
        &["man"],
        &["schema"],
        &["schema", "show"],
        &["schema", "check"],
        &["schema", "docs"],
        &["schema", "xsd"],
        &["schema", "sql"],
        &["schema", "shape"],
        &["schema", "diff"],
        &["schema", "infer"],
    ];
    let mut found = BTreeSet::new();
    for command in commands {
        let ran = run(root(), &[command, &["--help"][..]].concat());
        assert_eq!(ran.status, 0, "{command:?}: {}", ran.err);
        for line in ran.out.lines() {
            let line = line.trim_start();
            let line = line.strip_prefix('-').filter(|rest| rest.chars().nth(1) == Some(',')).map_or(line, |rest| rest[2..].trim_start());
            if let Some(name) = line.strip_prefix("--") {
                found.insert(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default().to_owned());
            }
        }
    }
    assert!(found.len() > 50, "{found:?}");
    found
}

#[test]
fn every_flag_is_reported_in_the_docs_and_every_flag_in_the_docs_exists() {
    let flags = flags();
    let pages = pages();
    // A config key documents the flag of the same name.
    let is_told = |flag: &String| {
        let (long, key) = (format!("--{flag}"), format!("`{flag}`"));
        pages.iter().any(|(name, text)| text.contains(&long) || name == "docs/config.md" && text.contains(&key))
    };
    let undocumented: Vec<_> = flags.iter().filter(|flag| !matches!(&***flag, "help" | "version") && !is_told(flag)).collect();
    assert!(undocumented.is_empty(), "no page documents {undocumented:?}");
    let of_cargo = ["features", "no-default-features", "all-features", "profile"];
    let mut wrong = Vec::new();
    for (name, text) in &pages {
        for line in text.lines() {
            // In running text a flag is in a span of code, and in an example after the program's name.
            let spans = line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("--") || span.starts_with("chancery "));
            let examples =
                line.strip_prefix("$ ").into_iter().flat_map(|line| line.split('|')).filter_map(|part| part.split_once("chancery "));
            for span in spans.chain(examples.map(|(_, flags)| flags.split([';', '>']).next().unwrap_or_default())) {
                for flag in span.split_whitespace().filter_map(|word| word.strip_prefix("--")) {
                    let flag = flag.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
                    if !flag.is_empty() && !flags.contains(flag) && !of_cargo.contains(&flag) {
                        wrong.push(format!("{name}: --{flag}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

#[test]
fn what_the_page_on_the_architecture_names_exists() {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    sources(&root().join("crates"), &mut paths);
    let paths: Vec<String> = paths.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    let code: String = paths.iter().filter(|path| has_end(path, "rs")).map(|path| fs::read_to_string(path).expect("text")).collect();
    let manifest = text("Cargo.toml");
    let known: BTreeSet<&str> = words(&code).into_iter().chain(words(&manifest)).collect();
    let page = text("docs/ARCHITECTURE.md");
    // Examples in fences are no names.
    let page: String = page.split("```").step_by(2).collect();
    let (mut names, mut wrong) = (0, Vec::new());
    for span in page.split('`').skip(1).step_by(2) {
        names += 1;
        let exists = if span.contains('/') {
            root().join(span).exists() || ["src", "crates"].iter().any(|at| root().join(at).join(format!("{span}.rs")).exists())
        } else if span.starts_with(['-', 'c']) && span.contains(' ') {
            // A command line of the program or of cargo.
            true
        } else {
            span.split([':', '.', ' ', '(', ')', '<', '>', ',', '`']).filter(|part| !part.is_empty()).all(|part| {
                known.contains(part)
                    || paths.iter().any(|path| path.ends_with(&format!("/{part}")) || path.ends_with(&format!("/{part}.rs")))
            })
        };
        if !exists {
            wrong.push(span);
        }
    }
    assert!(names > 20 && wrong.is_empty(), "{names}, of which not in the code: {wrong:?}");
}
