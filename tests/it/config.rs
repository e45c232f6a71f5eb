//! The config file: discovery, validation, effect, and complete documentation.

use std::fs;
use std::path::Path;

/// Runs in `home/below` after writing the files, and gives exit status and what was printed.
fn run(home: &Path, below: &str, files: &[(&str, &str)], args: &[&str]) -> (i32, String) {
    for (name, text) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is writable");
        fs::write(path, text).expect("the folder is writable");
    }
    fs::create_dir_all(home.join(below)).expect("the folder is writable");
    let output = crate::harness::program().current_dir(home.join(below)).args(args).output().expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it was not killed"), String::from_utf8(text).expect("what is printed is UTF-8"))
}

const GOOD: (&str, &str) = ("data/a.json", r#"{"id": "a", "name": " A"}"#);

#[test]
fn it_is_found_upwards_and_its_paths_are_its_own() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let (status, text) = run(home.path(), "deep/er", &[GOOD, ("chancery.toml", "sources = [\"data\"]\n")], &["check"]);
    assert_eq!((status, text.lines().next()), (0, Some("../../data/a.json:1:21: note[N101] text \" A\" became \"A\"")), "{text}");
}

#[test]
fn flags_win() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let files = [GOOD, ("chancery.toml", "sources = [\"data\"]\nfail-on = \"note\"\nschema = \"absent.json\"\n")];
    assert_eq!(run(home.path(), "", &files, &["check", "--schema", "profile"]).0, 1);
    assert_eq!(run(home.path(), "", &files, &["check", "--schema", "profile", "--fail-on", "error"]).0, 0);
    assert_eq!(run(home.path(), "", &files, &["check"]).0, 2);
    assert_eq!(run(home.path(), "", &files, &["check", "--no-config", "data"]).0, 0);
    assert_eq!(run(home.path(), "", &[("other.toml", "ignore = [\"N\"]\n")], &["check", "--config", "other.toml", "data"]).0, 0);
}

#[test]
fn rules_are_silenced_and_sharpened() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let off = run(home.path(), "", &[GOOD, ("chancery.toml", "[severity]\ntext-form = \"off\"\n")], &["check", "data"]);
    assert_eq!(off, (0, "1 record in 1 file, all valid\n".to_owned()));
    let error = run(home.path(), "", &[("chancery.toml", "[severity]\nN = \"warning\"\nN101 = \"error\"\n")], &["check", "data"]);
    assert!(error.0 == 1 && error.1.contains("error[N101]"), "{error:?}");
    let none = run(home.path(), "", &[("chancery.toml", "[normalise]\noff = [\"text\"]\n")], &["check", "data"]);
    assert!(none.0 == 1 && none.1.contains("S105"), "{none:?}");
}

#[test]
fn each_group_has_its_schema() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let files = [
        GOOD,
        ("books/b.json", r#"{"isbn": 1}"#),
        ("book.json", r#"{"properties": {"isbn": {"type": "string"}}}"#),
        ("chancery.toml", "[[sources]]\npaths = [\"data\"]\n[[sources]]\npaths = [\"books/*.json\"]\nschema = \"book.json\"\n"),
    ];
    for args in [&["check"][..], &["check", "data", "books"], &["check", "books/b.json"]] {
        let (status, text) = run(home.path(), "", &files, args);
        assert!(status == 1 && text.contains("books/b.json:1:10: error[S103]") && !text.contains("S102"), "{args:?}: {text}");
    }
}

#[test]
fn mistakes_are_findings_at_their_place() {
    let home = tempfile::tempdir().expect("a folder can be made");
    for (config, expected) in [
        ("jobs = \"two\"\n", "chancery.toml:1:8: error[S103] expected integer, found string \"two\""),
        ("fail-on = \"warnings\"\n", "chancery.toml:1:11: error[S106]"),
        ("select = [\"Z1\"]\n", "chancery.toml:1:11: error[C101] expected a rule code or name, found \"Z1\""),
        ("[csv]\ndelimitr = \";\"\n", "chancery.toml:2:1: error[S102] unknown member \"delimitr\""),
        ("jobs = \n", "chancery.toml:1:"),
    ] {
        let (status, text) = run(home.path(), "", &[GOOD, ("chancery.toml", config)], &["check", "data"]);
        assert!(status == 2 && text.starts_with(expected), "{config}: {text}");
    }
}

#[test]
fn a_new_folder_works_as_it_is() {
    let home = tempfile::tempdir().expect("a folder can be made");
    assert_eq!(run(home.path(), "", &[], &["init", "new"]).0, 0);
    assert_eq!(run(home.path(), "new", &[], &["check"]).0, 0);
    assert_eq!(run(home.path(), "new", &[], &["run"]).0, 0);
    assert!(home.path().join("new/output/profiles.json").exists());
    let (status, text) = run(home.path(), "", &[("new/chancery.toml", "# mine\n")], &["init", "new"]);
    assert!(status == 0 && text.contains("kept  new/chancery.toml"), "{text}");
    assert_eq!(fs::read_to_string(home.path().join("new/chancery.toml")).expect("it is there"), "# mine\n");
}

/// Names of members that a schema declares, at any depth.
fn names(schema: &serde_json::Value, found: &mut Vec<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, part) in properties {
            found.push(name.clone());
            names(part, found);
        }
    }
    ["items", "additionalProperties"].iter().for_each(|keyword| names_in(&schema[keyword], found));
    schema["anyOf"].as_array().into_iter().flatten().for_each(|part| names(part, found));
}

fn names_in(part: &serde_json::Value, found: &mut Vec<String>) {
    if part.is_object() {
        names(part, found);
    }
}

#[test]
fn every_key_is_reported_in_the_docs_and_in_the_template() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |path: &str| fs::read_to_string(root.join(path)).expect("it is part of the project");
    let mut keys = Vec::new();
    names(&serde_json::from_str(&text("schemas/config.schema.json")).expect("it is JSON"), &mut keys);
    assert!(keys.len() > 30, "{keys:?}");
    for place in ["docs/config.md", "src/cli/init/chancery.toml"] {
        let page = text(place);
        let missing: Vec<_> = keys.iter().filter(|key| !page.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "{place} does not document {missing:?}");
    }
}

#[test]
fn overrides_give_severities_to_files_and_places() {
    let schema = r#"{"properties": {"a": {"maximum": 1}, "list": {"items": {"maximum": 1}}}}"#;
    let record = r#"{"a": 5, "list": [1, 5]}"#;
    let config = "schema = \"schema.json\"\n[severity]\nS = \"error\"\n\
        [[overrides]]\npointer = \"/list/*\"\nseverity = \"warning\"\n\
        [[overrides]]\nfiles = [\"data/old/**\"]\ncodes = [\"out-of-range\"]\nseverity = \"off\"\n";
    let files = [("schema.json", schema), ("data/new.json", record), ("data/old/a.json", record), ("chancery.toml", config)];
    let home = tempfile::tempdir().expect("a folder can be made");
    let out = run(home.path(), "", &files, &["check", "data"]).1;
    assert_eq!(
        out,
        "data/new.json:1:7: error[S107] expected at most 1, found 5\n\
         data/new.json:1:22: warning[S107] expected at most 1, found 5\n\
         2 records in 2 files: 0 valid, 2 invalid; 1 error, 1 warning\n"
    );
    // From another directory the same files are meant.
    let below = run(home.path(), "data", &[], &["check", "new.json", "old"]).1;
    assert!(below.starts_with("new.json:1:7: error[S107]") && below.contains("1 error, 1 warning"), "{below}");
    let bad = run(home.path(), "", &[("chancery.toml", "[[overrides]]\nfiles = [\"a/[b\"]\nseverity = \"off\"\n")], &["check", "data"]).1;
    assert!(bad.contains("chancery.toml:2:9: error[C102] expected globs"), "{bad}");
}
