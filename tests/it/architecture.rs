//! The order of the house: which module may use which, and what no stage does.

use std::fs;
use std::path::{Path, PathBuf};

/// Rows from the ground up; a module uses only modules of rows before its own.
const ROWS: &[&[&str]] = &[
    &["source"],
    &["tree", "diagnostic", "reference_data", "spool", "guard", "growth"],
    &["schema"],
    &["layout"],
    &["read", "normalise", "check", "compare", "redact"],
    &["infer"],
    &["write", "load", "report"],
    &["pipeline"],
    &["fix"],
    &["cli"],
];

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each source file: its module, its path and its text without tests and comments.
fn files() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    let file = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("it lies in src").to_string_lossy().replace('\\', "/");
        let module = name.split(['/', '.']).next().expect("a path has a first part").to_owned();
        let text = fs::read_to_string(&path).expect("source is text");
        let code = text.split("\n#[cfg(test)]").next().unwrap_or(&text);
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (module, name, code.join("\n"))
    };
    paths.into_iter().map(file).collect()
}

#[test]
fn a_module_uses_only_rows_before_its_own() {
    let mut wrong = Vec::new();
    for (module, name, code) in files() {
        let Some(own) = row(&module) else { continue };
        for used in code.split("crate::").skip(1) {
            let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            match row(used) {
                Some(_) if used == module => {}
                Some(other) if other < own => {}
                Some(other) => wrong.push(format!("{name} (row {own}) uses {used} (row {other})")),
                None => wrong.push(format!("{name} uses {used}, which has no row")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn stages_neither_print_nor_exit() {
    let words = ["println!", "print!", "eprint", "process::exit", "std::env::var"];
    let wrong: Vec<String> = files()
        .into_iter()
        .filter(|(module, ..)| !matches!(module.as_str(), "cli" | "main"))
        .flat_map(|(_, name, code)| {
            words.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_outside_reading_and_writing_names_a_format() {
    let words = ["\"json\"", "\"ndjson\"", "\"csv\"", "\"xml\"", "\"yaml\"", "Format::Csv", "Format::Xml", "Format::Yaml"];
    // Layout is what the two share; a report has formats of its own.
    let wrong: Vec<String> = files()
        .into_iter()
        .filter(|(module, ..)| !matches!(module.as_str(), "layout" | "read" | "write" | "cli" | "report"))
        .flat_map(|(_, name, code)| {
            words.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        sources(&root.join(folder), &mut paths);
    }
    let wrong: Vec<_> = paths.into_iter().filter(|path| !fs::read_to_string(path).expect("source is text").starts_with("//! ")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
