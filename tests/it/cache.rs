//! The result cache of `check`: a cached report is used exactly as long as no dependency has changed.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::harness::{Ran, folder, run};

const SCHEMA: &str = r#"{"type": "object", "properties": {"id": {"type": "string"}, "size": {"type": "integer"}}}"#;

fn data() -> tempfile::TempDir {
    folder(&[("schema.json", SCHEMA), ("data/a.json", r#"{"id": "a", "size": 1}"#), ("data/b.json", r#"{"id": "b", "size": "2"}"#)])
}

fn check(home: &Path) -> Ran {
    run(home, &["check", "data", "--schema", "schema.json"])
}

fn entries(home: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(home.join(".chancery-cache")) else { return Vec::new() };
    folder.map(|entry| entry.expect("an entry").path()).filter(|path| path.file_name().is_some_and(|name| name.len() == 32)).collect()
}

/// Marks what is kept, so that it differs from a computed one.
fn mark(home: &Path) {
    let [entry] = &*entries(home) else { panic!("one entry, found {:?}", entries(home)) };
    let text = fs::read_to_string(entry).expect("text");
    let (first, text) = text.split_once('\n').expect("it has a head");
    let (dependencies, report) = text.split_once('\n').expect("a report");
    fs::write(entry, with_checksum(first, &format!("{dependencies}\nREMEMBERED {report}"))).expect("written");
}

/// A text with the checksum that belongs to it, after the same kind and format as are in the first line `first`.
pub fn with_checksum(first: &str, text: &str) -> String {
    let kind = first.rsplit_once(' ').expect("a checksum stands last").0;
    let sum: String = sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{kind} {sum}\n{text}")
}

#[test]
fn a_damaged_entry_is_not_believed() {
    let home = data();
    let first = check(home.path());
    let [entry] = &*entries(home.path()) else { panic!("one entry") };
    let kept = fs::read(entry).expect("it is there");
    assert!(kept.starts_with(b"chancery-cache 3 "));
    let again = |bytes: &[u8], what: &str| {
        fs::write(entry, bytes).expect("written");
        let ran = check(home.path());
        assert_eq!((ran.status, &ran.out, &ran.err), (first.status, &first.out, &first.err), "{what}");
        // What was worked out again is kept in its place.
        assert!(fs::read(entry).expect("it is there").starts_with(b"chancery-cache 3 "), "{what}");
    };
    for at in (0..kept.len()).step_by(11) {
        let mut flipped = kept.clone();
        flipped[at] ^= 1;
        again(&flipped, &format!("bit 0 of byte {at}"));
    }
    let text = String::from_utf8(kept.clone()).expect("text");
    for (what, forged) in [
        ("an outcome", text.replace("\"failed\":true", "\"failed\":false")),
        ("a report", text.replace("error[S103]", "error[S999]")),
        ("less", text.replacen("}\n", "}\n ", 1)),
        ("an older format", text.replace("chancery-cache 3", "chancery-cache 2")),
        ("a newer format", text.replace("chancery-cache 3", "chancery-cache 4")),
        ("cut short", text[..text.len() - 1].to_owned()),
        ("more", text.clone() + "x"),
        ("empty", String::new()),
    ] {
        assert_ne!(text, forged, "{what}");
        again(forged.as_bytes(), what);
    }
}

fn is_remembered(ran: &Ran) -> bool {
    ran.out.starts_with("REMEMBERED ")
}

#[test]
fn the_same_is_reported_again() {
    let home = data();
    let first = check(home.path());
    assert_eq!(first.status, 1, "{}", first.err);
    assert!(first.out.contains("data/b.json:1:21: error[S103]"), "{}", first.out);
    let again = check(home.path());
    assert_eq!((again.status, &again.out, &again.err), (first.status, &first.out, &first.err));
    mark(home.path());
    let remembered = check(home.path());
    assert!(is_remembered(&remembered) && remembered.out.ends_with(&first.out), "{}", remembered.out);
    assert_eq!(remembered.status, 1);
    // Other flags ask another question.
    assert!(!is_remembered(&run(home.path(), &["check", "data", "--schema", "schema.json", "--quiet"])));
    assert!(!is_remembered(&run(home.path(), &["check", "data", "--schema", "schema.json", "--no-cache"])));
}

#[test]
fn what_has_changed_is_looked_at() {
    type Change<'c> = (&'c str, &'c dyn Fn(&Path));
    let changes: [Change<'_>; 6] = [
        // Of the same length, and within a tick of the clock.
        ("a value", &|home| fs::write(home.join("data/a.json"), r#"{"id": "a", "size": x}"#).expect("written")),
        ("the schema", &|home| fs::write(home.join("schema.json"), SCHEMA.replace("integer", "boolean")).expect("written")),
        ("a new file", &|home| fs::write(home.join("data/c.json"), r#"{"id": 3}"#).expect("written")),
        ("a file that went", &|home| fs::remove_file(home.join("data/b.json")).expect("removed")),
        ("a config", &|home| fs::write(home.join("chancery.toml"), "fail-on = \"never\"\n").expect("written")),
        ("ignored by git", &|home| fs::write(home.join("data/.gitignore"), "b.json\n").expect("written")),
    ];
    for (what, change) in changes {
        let home = data();
        check(home.path());
        mark(home.path());
        change(home.path());
        let ran = check(home.path());
        assert!(!is_remembered(&ran), "{what}");
        let anew = run(home.path(), &["check", "data", "--schema", "schema.json", "--no-cache"]);
        assert_eq!((ran.status, ran.out, ran.err), (anew.status, anew.out, anew.err), "{what}");
    }
}

#[test]
fn a_file_that_was_only_touched_is_known_by_its_content() {
    let home = data();
    check(home.path());
    mark(home.path());
    let text = fs::read(home.path().join("data/a.json")).expect("there");
    fs::remove_file(home.path().join("data/a.json")).expect("removed");
    fs::write(home.path().join("data/a.json"), text).expect("written");
    assert!(is_remembered(&check(home.path())));
}

#[test]
fn tables_of_a_package_count() {
    let home = folder(&[("schema.json", SCHEMA), ("all.ndjson", "{\"id\":\"a\",\"size\":1}\n")]);
    let made = run(home.path(), &["convert", "all.ndjson", "--schema", "schema.json", "--to", "csv", "--csv", "package", "-o", "data/"]);
    assert_eq!(made.status, 0, "{}", made.err);
    check(home.path());
    mark(home.path());
    assert!(is_remembered(&check(home.path())));
    let table = fs::read_dir(home.path().join("data")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let table = table.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "csv")).expect("a table");
    let text = fs::read_to_string(&table).expect("text");
    fs::write(&table, text.replace(",1", ",x")).expect("written");
    let ran = check(home.path());
    assert!(!is_remembered(&ran) && ran.status == 1, "{}", ran.out);
}

#[test]
fn nothing_is_kept_where_it_cannot_be_or_is_not_wanted() {
    let home = data();
    for flags in [&["--no-cache"][..], &["--verbose"], &["--report", "json=report.json"], &["--schema-dir", "."]] {
        run(home.path(), &[&["check", "data", "--schema", "schema.json"], flags].concat());
        assert!(!home.path().join(".chancery-cache").exists(), "{flags:?}");
    }
    fs::write(home.path().join(".chancery-cache"), "in the way").expect("written");
    assert_eq!(check(home.path()).status, 1);
    fs::remove_file(home.path().join(".chancery-cache")).expect("removed");
    // What cannot be read may be there the next time.
    assert_eq!(run(home.path(), &["check", "data", "gone.json", "--schema", "schema.json"]).status, 2);
    assert!(entries(home.path()).is_empty());
}

#[test]
fn a_broken_entry_is_none() {
    let home = data();
    let first = check(home.path());
    let with_checksum = |text: &str| with_checksum("chancery-cache 3 x", text);
    let entry =
        |started: &str| format!("{{\"started\":{started},\"failed\":false,\"sources\":[],\"config_files\":[],\"files\":[]}}\nfooled");
    for text in ["", "chancery-cache 3", &with_checksum(""), &with_checksum(&entry("x")), &with_checksum(&entry("1"))] {
        let [entry] = &*entries(home.path()) else { panic!("one entry") };
        fs::write(entry, text).expect("written");
        let ran = check(home.path());
        assert_eq!((ran.status, &ran.out), (1, &first.out), "{text}");
    }
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let home = data();
    let first = run(home.path(), &["check", "data", "--schema", "schema.json", "--no-cache"]);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| (0..5).map(|_| check(home.path()).out).collect::<Vec<_>>())).collect();
        for ran in runs.into_iter().flat_map(|ran| ran.join().expect("ended")) {
            assert_eq!(ran, first.out);
        }
    });
    let left = fs::read_dir(home.path().join(".chancery-cache")).expect("a folder").count();
    assert_eq!(left, 3, "one entry and two notes for others");
}
