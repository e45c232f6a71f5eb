//! The file cache: of many files, only changed ones are read, and the report is the same as if all were read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::with_checksum;
use crate::harness::{Ran, folder, run};

const SCHEMA: &str = r#"{
    "type": "object",
    "x-key": "/id",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "size": {"type": "integer"},
        "of": {"type": "string", "x-references": true}
    }
}"#;

/// Eighty files of one record each, long enough to be worth knowing; every third refers to another.
fn many() -> tempfile::TempDir {
    let home = folder(&[("schema.json", SCHEMA)]);
    fs::create_dir(home.path().join("data")).expect("a folder");
    for number in 0..80 {
        let of = if number % 3 == 0 { format!(r#","of":"n{:02}""#, (number + 47) % 80) } else { String::new() };
        let diagnostic = "x".repeat(16 << 10);
        put(home.path(), &format!("{number:02}.json"), &format!(r#"{{"id":"n{number:02}","size":1{of},"note":"{diagnostic}"}}"#));
    }
    home
}

fn put(home: &Path, name: &str, text: &str) {
    fs::write(home.join("data").join(name), text).expect("written");
}

fn check(home: &Path, flags: &[&str]) -> Ran {
    run(home, &[&["check", "data", "--schema", "schema.json"], flags].concat())
}

fn cache_file(home: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(home.join(".chancery-cache")).ok()?;
    entries.map(|entry| entry.expect("an entry").path()).find(|path| path.extension().is_some_and(|extension| extension == "files"))
}

/// Changes what is kept, so that it differs from a computed one.
fn forge(home: &Path, name: &str) {
    let place = cache_file(home).expect("a file cache");
    let mut forged = String::new();
    let text = fs::read_to_string(&place).expect("text");
    let (head, text) = text.split_once('\n').expect("it has a head");
    for line in text.lines() {
        let line = if line.contains(name) { line.replace(r#""records":1,"#, r#""records":1001,"#) } else { line.to_owned() };
        writeln!(forged, "{line}").expect("a string takes everything");
    }
    // With the checksum that belongs to it.
    fs::write(place, with_checksum(head, &forged)).expect("written");
}

#[test]
fn what_has_not_changed_is_not_read() {
    let home = many();
    let first = check(home.path(), &[]);
    assert_eq!((first.status, &*first.out), (0, "80 records in 80 files, all valid\n"), "{}", first.err);
    forge(home.path(), "data/10.json");
    put(home.path(), "20.json", r#"{"id":"n20","size":20}"#);
    assert_eq!(check(home.path(), &[]).out, "1080 records in 80 files, all valid\n");
    // It stays known, under other paths too, and without what has gone.
    fs::remove_file(home.path().join("data/31.json")).expect("removed");
    let names: Vec<String> = (0..80).filter(|number| *number != 31).map(|number| format!("data/{number:02}.json")).collect();
    let words: Vec<&str> = ["check", "--schema", "schema.json"].into_iter().chain(names.iter().map(String::as_str)).collect();
    assert_eq!(run(home.path(), &words).out, "1079 records in 79 files, all valid\n");
    assert!(!fs::read_to_string(cache_file(home.path()).expect("a file cache")).expect("text").contains("data/31.json"));
    // A file that was only touched is known by its content.
    let text = fs::read(home.path().join("data/10.json")).expect("there");
    fs::remove_file(home.path().join("data/10.json")).expect("removed");
    fs::write(home.path().join("data/10.json"), text).expect("written");
    put(home.path(), "21.json", r#"{"id":"n21","size":21}"#);
    assert_eq!(check(home.path(), &[]).out, "1079 records in 79 files, all valid\n");
    put(home.path(), "10.json", r#"{"id":"n10","size":2}"#);
    assert_eq!(check(home.path(), &[]).out, "79 records in 79 files, all valid\n");
}

#[test]
fn what_is_reported_is_as_if_all_were_read() {
    type Change<'c> = (&'c str, &'c dyn Fn(&Path));
    let changes: [Change<'_>; 14] = [
        ("nothing", &|_| ()),
        ("a bad value", &|home| put(home, "03.json", r#"{"id":"n03","size":"x"}"#)),
        ("a bad value of the same length", &|home| put(home, "04.json", r#"{"id":"n04","size":x}"#)),
        ("both fixed", &|home| {
            put(home, "03.json", r#"{"id":"n03","size":3}"#);
            put(home, "04.json", r#"{"id":"n04","size":4}"#);
        }),
        ("the key of an earlier file", &|home| put(home, "50.json", r#"{"id":"n01","size":1}"#)),
        ("the key of a later file", &|home| put(home, "02.json", r#"{"id":"n70","size":1}"#)),
        ("a reference to nothing", &|home| put(home, "05.json", r#"{"id":"n05","of":"n99"}"#)),
        ("a record that others refer to is gone", &|home| fs::remove_file(home.join("data/47.json")).expect("removed")),
        ("a new file of several records", &|home| {
            put(home, "90.ndjson", "{\"id\":\"n90\"}\n{\"id\":\"n91\",\"of\":\"n90\"}\n{\"id\":\"n05\"}\n");
        }),
        ("a finding that is not to be seen", &|home| put(home, "91.yaml", "id: n92\nsize: x # chancery: ignore S103 -- as printed\n")),
        ("and one that is gone", &|home| put(home, "91.yaml", "id: n92\nsize: 1 # chancery: ignore S103 -- as printed\n")),
        ("a file that is broken", &|home| put(home, "06.json", r#"{"id":"n06""#)),
        ("the schema", &|home| fs::write(home.join("schema.json"), SCHEMA.replace("integer", "number")).expect("written")),
        ("a config", &|home| fs::write(home.join("chancery.toml"), "ignore = [\"X102\"]\n").expect("written")),
    ];
    let home = many();
    for (what, change) in changes {
        change(home.path());
        let all = check(home.path(), &["--no-cache"]);
        for time in ["at first", "again"] {
            let ran = check(home.path(), &[]);
            assert_eq!((ran.status, &ran.out, &ran.err), (all.status, &all.out, &all.err), "{what}, {time}");
            assert!(cache_file(home.path()).is_some(), "{what}");
        }
    }
}

#[test]
fn small_files_and_broken_caches_are_read() {
    let home = many();
    for number in 0..80 {
        put(home.path(), &format!("{number:02}.json"), &format!(r#"{{"id":"n{number:02}"}}"#));
    }
    check(home.path(), &[]);
    assert_eq!(cache_file(home.path()), None);

    let home = many();
    check(home.path(), &[]);
    let place = cache_file(home.path()).expect("a file cache");
    let text = fs::read_to_string(&place).expect("text");
    let broken = [
        "",
        "chancery-file-cache 4",
        &text[..text.len() / 2],
        &text.replace("\"records\":1", "\"records\":x"),
        // Well formed, but not what the checksum belongs to.
        &text.replace("\"records\":1", "\"records\":7"),
        &text.replace("chancery-file-cache 4", "chancery-file-cache 3"),
    ];
    for (number, broken) in broken.iter().enumerate() {
        fs::write(&place, broken).expect("written");
        put(home.path(), "20.json", &format!(r#"{{"id":"n20","size":{number}}}"#));
        assert_eq!(check(home.path(), &[]).out, "80 records in 80 files, all valid\n");
    }
}

#[test]
fn a_file_may_be_judged_by_several_schemas() {
    let home = many();
    let other = SCHEMA.replace("integer", "number");
    fs::write(home.path().join("other.json"), other).expect("written");
    let groups = "[[sources]]\npaths = [\"data\"]\nschema = \"schema.json\"\n\n[[sources]]\npaths = [\"data\"]\nschema = \"other.json\"\n";
    fs::write(home.path().join("chancery.toml"), groups).expect("written");
    put(home.path(), "08.json", r#"{"id":"n08","size":1.5}"#);
    for size in 1..4 {
        let ran = run(home.path(), &["check"]);
        let all = run(home.path(), &["check", "--no-cache"]);
        assert_eq!((ran.status, &ran.out, &ran.err), (1, &all.out, &all.err), "{size}");
        put(home.path(), "20.json", &format!(r#"{{"id":"n20","size":{size}0}}"#));
    }
    assert!(cache_file(home.path()).is_some());
}

#[test]
fn what_is_wrong_and_not_reported_is_counted() {
    let home = many();
    put(home.path(), "90.ndjson", "{\"id\":\"a\"}\n{\"id\":\"a\"}\n");
    for size in 1..4 {
        let ran = check(home.path(), &["--ignore", "X101"]);
        let all = check(home.path(), &["--ignore", "X101", "--no-cache"]);
        assert_eq!((ran.status, &ran.out), (all.status, &all.out), "{size}");
        assert!(ran.out.contains("1 invalid"), "{}", ran.out);
        put(home.path(), "20.json", &format!(r#"{{"id":"n20","size":{size}0}}"#));
    }
}

#[test]
fn a_key_is_compared_itself_and_not_by_its_hash() {
    let home = many();
    check(home.path(), &[]);
    let place = cache_file(home.path()).expect("a file cache");
    let text = fs::read_to_string(&place).expect("text");
    let hash = |name: &str| {
        let line = text.lines().find(|line| line.contains(name)).expect("it is known");
        let start = line.find(r#""keys":[{"hash":"#).expect("it has a key");
        &line[start..start + line[start..].find(']').expect("an end")]
    };
    let forged = text.replace(hash("data/10.json"), hash("data/20.json"));
    assert_ne!(forged, text);
    fs::write(&place, forged).expect("written");
    put(home.path(), "20.json", r#"{"id":"n20","size":20}"#);
    assert_eq!(check(home.path(), &[]).out, "80 records in 80 files, all valid\n");
}

#[test]
fn of_long_keys_there_is_no_account() {
    let home = many();
    let long = "k".repeat(300 << 10);
    let records: String = (0..4).map(|number| format!("{{\"id\":\"{long}{number}\"}}\n")).collect();
    put(home.path(), "90.ndjson", &records);
    check(home.path(), &[]);
    let kept = fs::read_to_string(cache_file(home.path()).expect("a file cache")).expect("text");
    assert!(kept.contains("data/10.json") && !kept.contains("data/90.ndjson"));
    put(home.path(), "20.json", r#"{"id":"n20","size":20}"#);
    assert_eq!(check(home.path(), &[]).out, "84 records in 81 files, all valid\n");
}

#[test]
fn files_with_hidden_keys_are_not_kept() {
    let home = many();
    fs::write(home.path().join("schema.json"), SCHEMA.replace(r#""id": {"#, r#""id": {"x-sensitive": true, "#)).expect("written");
    assert_eq!(check(home.path(), &["--mask"]).out, "80 records in 80 files, all valid\n");
    assert_eq!(cache_file(home.path()), None);
    check(home.path(), &[]);
    assert!(cache_file(home.path()).is_some(), "without the flag nothing is to be hidden");
}
