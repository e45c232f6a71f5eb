//! Damage: a changed byte in a stored file gives the same records or a failure, never other records, and never a panic.

use std::fs;
use std::path::Path;

use crate::harness::{Ran, folder, run};
use crate::load::load;

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "properties": {
  "id": {"type": "string"}, "size": {"type": "number"}, "flag": {"type": "boolean"}, "day": {"type": "string", "format": "date"},
  "tags": {"type": "array", "items": {"type": "string"}},
  "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}, "name": {"type": "string"}}}}}}"#;

fn records() -> String {
    (0..12)
        .map(|at| {
            format!(
                "{{\"id\":\"k{at}\",\"size\":{at}.50,\"flag\":true,\"day\":\"2024-02-0{}\",\"tags\":[\"t{at}\",\"u\"],\"rows\":[{{\"x\":{at},\"name\":\"n{at}\"}},{{\"x\":7}}],\"other\":{at}}}\n",
                at % 9 + 1
            )
        })
        .collect()
}

fn export(home: &Path, dsn: &str) -> Ran {
    run(home, &["export", dsn, "--to", "ndjson", "--no-config", "--quiet"])
}

/// Changes bytes of a file one after the other, `tries` of them over the whole length, a bit or all bits of each.
fn each_change(home: &Path, dsn: &str, file: &str, tries: usize) {
    let path = home.join(file);
    let whole = fs::read(&path).expect("it was loaded");
    let good = export(home, dsn);
    assert_eq!((good.status, good.out.lines().count()), (0, 12), "{}", good.err);
    let mut refused = 0;
    // Databases are padded with zeros, which say nothing.
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0 || at % 64 == 0).collect();
    for at in (0..tries).map(|step| used[step * used.len() / tries]) {
        for mask in [1 << (at % 8), 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            fs::write(&path, bytes).expect("writable");
            let ran = export(home, dsn);
            assert!(!ran.err.contains("panicked"), "{dsn}, byte {at}: {}", ran.err);
            match ran.status {
                0 => assert!(ran.out == good.out, "{dsn}, byte {at} ^ {mask:#x}: other records: {}\n{}", ran.out, ran.err),
                1 | 2 => {
                    assert!(!ran.err.is_empty(), "{dsn}, byte {at}: no message");
                    refused += 1;
                }
                other => panic!("{dsn}, byte {at}: status {other}: {}", ran.err),
            }
        }
    }
    assert!(refused > tries / 8, "{dsn}: {refused} of {tries} were noticed");
    fs::write(&path, &whole).expect("writable");
    assert_eq!(export(home, dsn).out, good.out);
}

fn loaded(dsn: &str, flags: &[&str]) -> tempfile::TempDir {
    let home = folder(&[("schema.json", SCHEMA)]);
    load(home.path(), dsn, &records(), flags);
    home
}

#[test]
fn damaged_parquet() {
    each_change(loaded("parquet:lake", &[]).path(), "parquet:lake", "lake/things.parquet", 250);
}

#[test]
fn damaged_parquet_of_several_tables() {
    each_change(loaded("parquet:lake", &["--layout", "flat"]).path(), "parquet:lake", "lake/things_rows.parquet", 100);
}

#[test]
fn damaged_arrow() {
    each_change(loaded("arrow:things.arrows", &[]).path(), "arrow:things.arrows", "things.arrows", 250);
}

#[test]
fn an_arrow_stream_that_is_cut_or_has_more_is_refused() {
    let home = loaded("arrow:things.arrows", &[]);
    let path = home.path().join("things.arrows");
    let whole = fs::read(&path).expect("it was loaded");
    for length in [whole.len() - 1, whole.len() - 8, whole.len() / 2, 12, 3, 0] {
        fs::write(&path, &whole[..length]).expect("writable");
        let ran = export(home.path(), "arrow:things.arrows");
        assert!(ran.status == 2 && ran.out.is_empty() && !ran.err.is_empty(), "{length}: {} {}", ran.status, ran.err);
    }
    fs::write(&path, [&whole[..], b"more"].concat()).expect("writable");
    assert_eq!(export(home.path(), "arrow:things.arrows").status, 2);
}

#[test]
fn damaged_sqlite() {
    each_change(loaded("sqlite:things.db", &[]).path(), "sqlite:things.db", "things.db", 150);
}

/// The page claims more rows than it has, whose numbers are anything, so that there is always one after the last.
#[test]
fn damaged_sqlite_without_an_end() {
    let home = loaded("sqlite:things.db", &[]);
    let path = home.path().join("things.db");
    let (page, size) = rusqlite::Connection::open(&path)
        .and_then(|connection| {
            let page = "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'things'";
            connection.query_row(page, [], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)))
        })
        .expect("a table");
    let at = ((page - 1) * size) as usize;
    let mut bytes = fs::read(&path).expect("it was loaded");
    assert_eq!(bytes[at..at + 5], [13, 0, 0, 0, 12], "a leaf with twelve rows");
    for rows in [13, 16, 28, 60] {
        bytes[at + 4] = rows;
        fs::write(&path, &bytes).expect("writable");
        let ran = export(home.path(), "sqlite:things.db");
        assert!([1, 2].contains(&ran.status) && ran.err.contains("damaged"), "{rows}: {} {}", ran.status, ran.err);
    }
}

#[test]
fn damaged_sqlite_after_several_loads() {
    let home = loaded("sqlite:things.db", &[]);
    let home = home.path();
    load(home, "sqlite:things.db", "{\"id\":\"a\"}\n", &["--collection", "others"]);
    load(home, "sqlite:things.db", &records(), &[]);
    load(home, "sqlite:things.db", &records(), &["--no-cache"]);
    // A letter of a value that stands nowhere else.
    let path = home.join("things.db");
    let mut bytes = fs::read(&path).expect("it was loaded");
    let at = bytes.windows(3).position(|part| part == b"n11").expect("the value is there");
    bytes[at] = b'm';
    fs::write(&path, &bytes).expect("writable");
    let args = ["export", "sqlite:things.db", "--to", "ndjson", "--no-config", "--collection"];
    let ran = run(home, &[&args[..], &["things"]].concat());
    assert!(ran.status == 1 && ran.out.is_empty() && ran.err.contains("things:12:1: error[W137]"), "{}", ran.err);
    let ran = run(home, &[&args[..], &["others"]].concat());
    assert!(ran.status == 0 && ran.out == "{\"id\":\"a\"}\n" && !ran.err.contains("W13"), "{}", ran.err);
}

#[test]
fn damage_in_a_record_from_before_a_migration() {
    let text = |value: &str| format!("{{\"id\":\"a\",\"tags\":[\"{value}\"]}}\n{{\"id\":\"b\",\"size\":1.0,\"tags\":[\"{value}b\"]}}\n");
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    load(home, "sqlite:things.db", &text("walnuts"), &[]);
    let wider = SCHEMA.replace(r#""size": {"type": "number"}"#, r#""size": {"type": ["number", "string"]}, "new": {"type": "string"}"#);
    fs::write(home.join("schema.json"), wider).expect("writable");
    load(home, "sqlite:things.db", "{\"id\":\"c\",\"size\":\"x\",\"new\":\"y\"}\n", &[]);
    let good = export(home, "sqlite:things.db");
    assert!(good.status == 0 && !good.err.contains("W136") && !good.err.contains("W137"), "{}", good.err);
    let path = home.join("things.db");
    let whole = fs::read(&path).expect("it was loaded");
    let places: Vec<usize> = (0..whole.len() - 8).filter(|at| whole[*at..].starts_with(b"walnuts")).collect();
    assert!(!places.is_empty(), "the values are there");
    // A damaged value is reported as such, and as one that cannot be compared where the record has numbers.
    let mut found = std::collections::BTreeSet::new();
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] = b'v';
        fs::write(&path, bytes).expect("writable");
        let ran = run(home, &["export", "sqlite:things.db", "--to", "ndjson", "--no-config", "--on-invalid", "skip", "--report", "ndjson"]);
        for line in ran.err.lines().filter(|line| line.contains("\"code\":\"W13")) {
            let finding: serde_json::Value = serde_json::from_str(line).expect("JSON");
            found.insert((finding["line"].as_u64().expect("a number"), finding["code"].as_str().expect("a text").to_owned()));
        }
        assert!(ran.out != good.out && !ran.err.is_empty(), "damage at {at} passes silently: {}", ran.out);
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(1, "W137".to_owned()), (2, "W138".to_owned())]);
}

#[test]
fn a_file_that_was_edited_is_not_called_damaged() {
    use crate::load::{Base as _, Sqlite};
    let home = loaded("sqlite:things.db", &[]);
    let home = home.path();
    Sqlite(0).run(home, "sqlite:things.db", "UPDATE things SET day = '2025-01-01' WHERE id = 'k3'; DELETE FROM things WHERE id = 'k4'");
    // Neither this one nor what is loaded afterwards makes the edit look like damage.
    for _ in 0..2 {
        let ran = run(home, &["export", "sqlite:things.db", "--to", "ndjson", "--no-config", "--report", "ndjson"]);
        assert_eq!((ran.status, ran.out.lines().count()), (0, 11), "{}", ran.err);
        assert!(ran.out.contains("2025-01-01") && ran.err.matches("\"code\":\"W136\"").count() == 1, "{}", ran.err);
        load(
            home,
            "sqlite:things.db",
            "{\"id\":\"k1\",\"size\":1.50,\"flag\":true,\"day\":\"2024-02-02\",\"tags\":[\"t1\",\"u\"],\"rows\":[{\"x\":1,\"name\":\"n1\"},{\"x\":7}],\"other\":1}\n",
            &[],
        );
    }
}
