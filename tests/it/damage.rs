//! Damage: a changed byte in a stored file gives the same records or a failure, never other records, and never a panic.

use std::fs;
use std::path::Path;

use crate::load::load;
use crate::program::{Ran, folder, run};

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
    for at in (0..tries).map(|step| step * whole.len() / tries) {
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
    assert!(refused > tries / 4, "{dsn}: {refused} of {tries} were noticed");
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
