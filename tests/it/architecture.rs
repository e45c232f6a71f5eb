//! The order of the crates: which may depend on which, and what no stage does.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates from the bottom up; a crate depends only on crates before it.
const CRATES: &[&str] = &["core", "files", "schema", "check", "infer", "formats", "compat", "report", "store", "engine"];

/// What only the program may depend on.
const PROGRAM_ONLY: &[&str] =
    &["clap", "clap_complete", "clap_mangen", "miette", "indicatif", "lsp-server", "lsp-types", "mimalloc", "ctrlc", "signal-hook"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The dependencies of a crate: names of the lines of that section of its manifest.
fn crates_used(manifest: &Path, section: &str) -> Vec<String> {
    let text = fs::read_to_string(manifest).expect("a crate has a manifest");
    let section = format!("[{section}]");
    let lines = text.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split(['.', ' ', '=']).next().map(str::to_owned))
        .collect()
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

/// A source file.
struct File {
    /// The crate, or `program`.
    owner: String,
    /// The path from the root of the repository.
    path: String,
    /// The text without tests and comments.
    code: String,
}

/// Every source file of the program and the crates.
fn files() -> Vec<File> {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    sources(&root().join("crates"), &mut paths);
    paths.sort();
    let file = |path: &PathBuf| {
        let name = path.strip_prefix(root()).expect("it lies in the repository").to_string_lossy().replace('\\', "/");
        let parts: Vec<&str> = name.split('/').collect();
        let owner = if parts[0] == "crates" { parts[1] } else { "program" };
        let text = fs::read_to_string(path).expect("source is text");
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(&text);
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        File { owner: owner.to_owned(), path: name.clone(), code: code.join("\n") }
    };
    paths.iter().filter(|path| path.components().any(|part| part.as_os_str() == "src")).map(file).collect()
}

#[test]
fn a_crate_depends_only_on_crates_before_it() {
    let mut seen = 0;
    for (place, name) in CRATES.iter().enumerate() {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        for used in crates_used(&manifest, "dependencies") {
            let Some(used) = used.strip_prefix("chancery-") else { continue };
            let at = CRATES.iter().position(|known| *known == used);
            assert!(at.is_some_and(|at| at < place), "{name} depends on {used}");
            seen += 1;
        }
    }
    assert!(seen > CRATES.len());
    let folders = fs::read_dir(root().join("crates")).expect("it is there").count();
    assert_eq!(folders, CRATES.len(), "every crate has its place in the order");
}

#[test]
fn only_the_program_depends_on_what_draws_parses_arguments_and_catches_signals() {
    for name in CRATES {
        let used = crates_used(&root().join("crates").join(name).join("Cargo.toml"), "dependencies");
        let wrong: Vec<_> = used.iter().filter(|used| PROGRAM_ONLY.contains(&used.as_str())).collect();
        assert!(wrong.is_empty(), "{name} depends on {wrong:?}");
    }
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

/// Each module that is a file: its path below its crate, as in `formats/read/csv`, and the absolute paths that it names; those that it
/// re-exports are marked.
fn modules() -> HashMap<String, Vec<(bool, Vec<String>)>> {
    let files: Vec<(String, String)> = files()
        .into_iter()
        .filter(|file| file.path != "src/main.rs")
        .map(|file| {
            let below = file.path.split_once("src/").map_or("", |(_, below)| below).trim_end_matches(".rs");
            let below = if below == "lib" { "" } else { below.trim_end_matches("/mod") };
            (format!("{}/{below}", file.owner).trim_end_matches('/').to_owned(), file.code)
        })
        .collect();
    let names: HashSet<&str> = files.iter().map(|(name, _)| &**name).collect();
    let absolute = |module: &str, path: &str| {
        let mut base: Vec<String> = module.split('/').map(str::to_owned).collect();
        let mut steps = path.split("::").map(str::trim).peekable();
        match steps.peek().copied() {
            Some("crate") => base.truncate(1),
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
    assert!(
        left["engine/fix"].contains("engine/pipeline") && left["formats/read/csv"].contains("formats/layout/header"),
        "paths are found"
    );
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
        // Settings of property tests are read from the environment.
        .filter(|file| file.owner != "program" && file.path != "crates/core/src/property.rs")
        .flat_map(|file| {
            words.iter().filter(|word| file.code.contains(**word)).map(|word| format!("{}: {word}", file.path)).collect::<Vec<_>>()
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
        "crates/files/src/output/syscall.rs" => true,
        "crates/files/src/output/atomic.rs" | "crates/files/src/output/temporary.rs" => word == "OpenOptions",
        // A marker for tests.
        "crates/files/src/output/fault.rs" => word == "fs::write",
        // Files that never have a name.
        "crates/files/src/spool.rs" => word == "tempfile",
        _ => false,
    };
    let wrong: Vec<String> = files()
        .into_iter()
        .flat_map(|file| {
            let code = file.code.replace("AtomicFile::create", "").replace("syscall::hard_link", "");
            let found = words.iter().filter(|word| code.contains(**word) && !is_allowed(&file.path, word));
            found.map(|word| format!("{}: {word}", file.path)).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_outside_reading_and_writing_names_a_format() {
    let words = ["\"json\"", "\"ndjson\"", "\"csv\"", "\"xml\"", "\"yaml\"", "Format::Csv", "Format::Xml", "Format::Yaml"];
    // A report has formats of its own.
    let wrong: Vec<String> = files()
        .into_iter()
        .filter(|file| !matches!(file.owner.as_str(), "formats" | "program" | "report"))
        // The names themselves, a type of columns, and the table `csv` of the config.
        .filter(|file| {
            !["core/src/source/format.rs", "store/src/relational/sql.rs", "engine/src/project/config.rs"]
                .iter()
                .any(|end| file.path.ends_with(end))
        })
        .flat_map(|file| {
            words.iter().filter(|word| file.code.contains(**word)).map(|word| format!("{}: {word}", file.path)).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let mut paths = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        sources(&root().join(folder), &mut paths);
    }
    let wrong: Vec<_> = paths.into_iter().filter(|path| !fs::read_to_string(path).expect("source is text").starts_with("//! ")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
