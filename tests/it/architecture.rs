//! The layers of the crate: which module may use which others, and what no stage does.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rows from the ground up; a module uses only modules of rows before its own.
const ROWS: &[&[&str]] = &[
    &["source"],
    &["tree", "diagnostic", "reference_data", "spool", "checksum", "guard", "growth"],
    &["schema", "output"],
    &["layout"],
    &["read", "normalise", "check", "compare", "redact"],
    &["infer"],
    &["write", "load", "report"],
    &["pipeline"],
    &["fix"],
    &["project"],
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

/// The paths that a use declaration names, such as `a::{b, c as d}`: `a::b` and `a::c`.
fn paths_of(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, list)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) else {
        return vec![tree.split(" as ").next().unwrap_or(tree).trim().to_owned()];
    };
    let mut depth = 0;
    let items = list.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let items: Vec<&str> = items.filter(|item| !item.trim().is_empty()).collect();
    items.into_iter().flat_map(paths_of).map(|path| format!("{prefix}{path}")).collect()
}

/// Each module that is a file: its path from the root, as in `read/csv`, and the absolute paths that it names; those that it
/// re-exports are marked.
fn modules() -> HashMap<String, Vec<(bool, Vec<String>)>> {
    let files: Vec<(String, String)> = files()
        .into_iter()
        .filter(|(_, name, _)| !matches!(name.as_str(), "lib.rs" | "main.rs"))
        .map(|(_, name, code)| (name.trim_end_matches(".rs").trim_end_matches("/mod").to_owned(), code))
        .collect();
    let names: HashSet<&str> = files.iter().map(|(name, _)| &**name).collect();
    let absolute = |module: &str, path: &str| {
        let mut base: Vec<String> = module.split('/').map(str::to_owned).collect();
        let mut steps = path.split("::").map(str::trim).peekable();
        match steps.peek().copied() {
            Some("crate") => base.clear(),
            Some("self" | "super") => {}
            Some(child) if names.contains(format!("{module}/{child}").as_str()) => {}
            _ => return None,
        }
        while let Some(step) = steps.next_if(|step| matches!(*step, "crate" | "self" | "super")) {
            if step == "super" {
                base.pop();
            }
        }
        base.extend(steps.map(str::to_owned));
        Some(base)
    };
    let of_module = |(module, code): &(String, String)| {
        let mut paths = Vec::new();
        let mut rest = String::new();
        for statement in code.split_inclusive(';') {
            let Some(at) = statement.rfind("use ").filter(|at| statement[..*at].ends_with([' ', '\n']) || *at == 0) else {
                rest.push_str(statement);
                continue;
            };
            let line = statement[..at].rfind('\n').map_or(0, |line| line + 1);
            rest.push_str(&statement[..line]);
            let is_public = statement[line..at].trim_start().starts_with("pub");
            let listed = paths_of(statement[at + 4..].trim_end_matches(';'));
            paths.extend(listed.iter().filter_map(|path| Some((is_public, absolute(module, path)?))));
        }
        for word in rest.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':')) {
            if ["crate::", "super::", "self::"].iter().any(|start| word.starts_with(start)) {
                paths.extend(absolute(module, word).map(|path| (false, path)));
            }
        }
        (module.clone(), paths)
    };
    files.iter().map(of_module).collect()
}

/// The modules that each module uses. A module declares and re-exports those below it, which is no use of them.
fn dependencies() -> HashMap<String, HashSet<String>> {
    let modules = modules();
    let mut exports: HashMap<(String, String), Vec<String>> = HashMap::new();
    for (module, paths) in &modules {
        for (_, path) in paths.iter().filter(|(is_public, _)| *is_public) {
            exports.extend(path.last().map(|name| ((module.clone(), name.clone()), path.clone())));
        }
    }
    let file = |path: &[String]| {
        let mut path = path.to_vec();
        // Re-exports of re-exports; no path goes round for ever.
        for _ in 0..8 {
            let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length].join("/")))?;
            let module = path[..length].join("/");
            match path.get(length).and_then(|name| exports.get(&(module.clone(), name.clone()))) {
                Some(exported) if *exported != path => path = exported.iter().chain(&path[length + 1..]).cloned().collect(),
                _ => return Some(module),
            }
        }
        None
    };
    let used = |(module, paths): (&String, &Vec<(bool, Vec<String>)>)| {
        let is_other = |used: &String| used != module && !used.starts_with(&format!("{module}/"));
        (module.clone(), paths.iter().filter_map(|(_, path)| file(path)).filter(is_other).collect())
    };
    modules.iter().map(used).collect()
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    let mut left = dependencies();
    assert!(left["pipeline"].contains("check/references") && left["read/csv"].contains("layout/header"), "paths are found");
    // Files that use nothing that is left are in no circle, nor are those that nothing uses.
    loop {
        let used: HashSet<String> = left.values().flatten().cloned().collect();
        let free: Vec<String> = left
            .iter()
            .filter(|(module, uses)| !used.contains(*module) || !uses.iter().any(|other| left.contains_key(other)))
            .map(|(module, _)| module.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|module| drop(left.remove(module)));
    }
    let mut circles: Vec<String> = left
        .iter()
        .map(|(module, uses)| format!("{module} uses {:?}", uses.iter().filter(|other| left.contains_key(*other)).collect::<Vec<_>>()))
        .collect();
    circles.sort();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn stages_neither_print_nor_exit() {
    let words = ["println!", "print!", "eprint", "process::exit", "std::env::var"];
    let wrong: Vec<String> = files()
        .into_iter()
        // `property` is part of tests only.
        .filter(|(module, ..)| !matches!(module.as_str(), "cli" | "main" | "property"))
        .flat_map(|(_, name, code)| {
            words.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_module_creates_renames_and_removes_files() {
    let words = [
        "OpenOptions",
        "File::create",
        "File::options",
        "fs::write",
        "fs::copy",
        "fs::rename",
        "fs::remove_",
        "fs::create_dir",
        "hard_link",
        "fs::set_permissions",
        "set_len(",
        "fs::symlink(",
        "linkat",
        "rustix::fs",
        "tempfile",
    ];
    // Only the calls to the system are in the first, options for them in the others of `output`.
    let is_allowed = |name: &str, word: &str| match name {
        "output/syscall.rs" => true,
        "output/atomic.rs" | "output/temporary.rs" => word == "OpenOptions",
        // A marker for tests.
        "output/fault.rs" => word == "fs::write",
        // Files that never have a name.
        "spool.rs" => word == "tempfile",
        _ => false,
    };
    let wrong: Vec<String> = files()
        .into_iter()
        .flat_map(|(_, name, code)| {
            let code = code.replace("AtomicFile::create", "").replace("syscall::hard_link", "");
            let found = words.iter().filter(|word| code.contains(**word) && !is_allowed(&name, word));
            found.map(|word| format!("{name}: {word}")).collect::<Vec<_>>()
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
        // The names themselves, and the table `csv` of the config.
        .filter(|(_, name, _)| !matches!(name.as_str(), "source/format.rs" | "project/config.rs"))
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
