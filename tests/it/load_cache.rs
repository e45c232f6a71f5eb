//! Loading again: nothing is done if nothing has changed, and everything if something may have.

use std::fs;
use std::path::Path;

use crate::harness::{Ran, folder, run};
use crate::load::{Base, Sqlite, export};

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "required": ["id"], "properties": {
  "id": {"type": "string"}, "size": {"type": "number"}, "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}}}}"#;

const RECORDS: &str = "{\"id\":\"a\",\"size\":1.50,\"rows\":[{\"x\":1}]}\n{\"id\":\"b\",\"size\":\"wide\"}\n{\"size\":3}\n";

fn load(home: &Path, dsn: &str, flags: &[&str]) -> Ran {
    let mut args = vec!["load", "things.ndjson", "--no-config", "--schema", "schema.json", "--into", dsn, "--on-invalid", "keep"];
    args.extend(flags);
    run(home, &args)
}

/// The report comes from the database, marked so that it differs from a computed one.
fn is_said_again(base: &mut dyn Base, home: &Path, dsn: &str, flags: &[&str]) -> bool {
    base.run(home, dsn, "UPDATE \"_chancery_load_cache\" SET \"report\" = 'REMEMBERED ' || replace(\"report\", 'REMEMBERED ', '')");
    let ran = load(home, dsn, flags);
    assert_eq!(ran.status, 1, "{}", ran.err);
    ran.err.contains("REMEMBERED ")
}

/// Asked the same of the same data, a load says the same, and is put down; anything else is a load like the first.
pub fn the_same_is_reported_again(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA), ("things.ndjson", RECORDS)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let first = load(home, &dsn, &[]);
    assert_eq!(first.status, 1, "{}", first.err);
    let again = load(home, &dsn, &[]);
    assert_eq!((again.status, again.err), (1, first.err.replace("3 added, 0 updated, 0 unchanged", "0 added, 0 updated, 3 unchanged")));
    assert!(is_said_again(base, home, &dsn, &[]));
    let loads =
        "SELECT \"added\", \"unchanged\", \"records\", \"rejected\", length(\"inputs\") > 80 FROM \"_chancery_load\" ORDER BY \"id\"";
    let loads: Vec<String> = base.rows(home, &dsn, loads).iter().map(|row| row.replace("|t", "|1")).collect();
    assert_eq!(loads, ["3|0|3|0|1", "0|3|3|0|1", "0|3|3|0|1"]);

    // Another question.
    assert!(!is_said_again(base, home, &dsn, &["--no-cache"]));
    assert!(!is_said_again(base, home, &dsn, &["--mode", "replace"]));
    assert!(is_said_again(base, home, &dsn, &["--mode", "replace"]));
    assert!(!is_said_again(base, home, &dsn, &["--mode", "replace", "--findings"]));
    load(home, &dsn, &[]);

    // Other data, another schema.
    fs::write(home.join("things.ndjson"), RECORDS.replace("1.50", "1.51")).expect("written");
    assert!(!is_said_again(base, home, &dsn, &[]));
    assert!(export(home, &dsn).contains("1.51"));
    assert!(is_said_again(base, home, &dsn, &[]));
    fs::write(home.join("schema.json"), SCHEMA.replace("\"required\"", "\"title\":\"Things\",\"required\"")).expect("written");
    assert!(!is_said_again(base, home, &dsn, &[]));
    assert!(is_said_again(base, home, &dsn, &[]));
    let full = export(home, &dsn);

    // What somebody has changed by hand is noticed as ever: rows that went, rows that are to be rewritten, tables, the view.
    for (statement, counts) in [
        ("DELETE FROM \"things\" WHERE \"id\" = 'a'", "1 added, 0 updated, 2 unchanged, 0 removed"),
        ("UPDATE \"things\" SET \"_hash\" = 'x', \"id\" = 'q' WHERE \"id\" = 'b'", "0 added, 1 updated, 2 unchanged, 0 removed"),
        ("DROP VIEW \"things_view\"", "0 added, 0 updated, 3 unchanged, 0 removed"),
        ("DELETE FROM \"things\"; DELETE FROM \"things_rows\"", "3 added, 0 updated, 0 unchanged, 0 removed"),
        ("DELETE FROM \"_chancery_load\"", "0 added, 0 updated, 3 unchanged, 0 removed"),
    ] {
        base.run(home, &dsn, "UPDATE \"_chancery_load_cache\" SET \"report\" = 'REMEMBERED ' || replace(\"report\", 'REMEMBERED ', '')");
        base.run(home, &dsn, "DELETE FROM \"things_rows\" WHERE 1 = 0");
        base.run(home, &dsn, statement);
        let ran = load(home, &dsn, &[]);
        assert!(!ran.err.contains("REMEMBERED") && ran.err.contains(counts), "{statement}: {}", ran.err);
        let (mut now, mut before): (Vec<String>, Vec<&str>) =
            (export(home, &dsn).lines().map(str::to_owned).collect(), full.lines().collect());
        now.sort_unstable();
        before.sort_unstable();
        assert_eq!(now, before, "{statement}");
    }

    // A load of something else in between does not take the answer away from what is still the same.
    let other = run(
        home,
        &[
            "load",
            "things.ndjson",
            "--no-config",
            "--schema",
            "schema.json",
            "--into",
            &dsn,
            "--on-invalid",
            "keep",
            "--collection",
            "others",
        ],
    );
    assert_eq!(other.status, 1, "{}", other.err);
    assert!(is_said_again(base, home, &dsn, &[]));
}

/// Asked for, each record stands as a whole beside its columns, from then on.
pub fn whole_records_stand_beside_their_columns(base: &mut dyn Base) {
    let home = folder(&[("schema.json", SCHEMA), ("things.ndjson", RECORDS)]);
    let home = home.path();
    let dsn = base.fresh(home);
    load(home, &dsn, &[]);
    // Records that are there are rewritten, so that the column is full.
    let ran = load(home, &dsn, &["--keep-json"]);
    assert!(ran.err.contains("0 added, 3 updated, 0 unchanged"), "{}", ran.err);
    let whole = "SELECT \"_json\" FROM \"things_view\" ORDER BY \"_id\"";
    assert_eq!(base.rows(home, &dsn, whole), RECORDS.lines().collect::<Vec<_>>());
    assert_eq!(export(home, &dsn), RECORDS);
    // Once there, it need not be asked for again.
    fs::write(home.join("things.ndjson"), RECORDS.replace("1.50", "\"\\u0000\"")).expect("written");
    let ran = load(home, &dsn, &[]);
    assert!(ran.err.contains("0 added, 1 updated, 2 unchanged"), "{}", ran.err);
    assert_eq!(base.rows(home, &dsn, whole)[0], "{\"id\":\"a\",\"size\":\"\\u0000\",\"rows\":[{\"x\":1}]}");
    base.run(home, &dsn, "DROP VIEW \"things_view\"; ALTER TABLE \"things\" DROP COLUMN \"_json\"");
    assert!(load(home, &dsn, &[]).err.contains("0 added, 3 updated, 0 unchanged"));
    let dsn = base.fresh(home);
    load(home, &dsn, &["--keep-json"]);
    assert_eq!(base.rows(home, &dsn, "SELECT count(\"_json\") FROM \"things\""), ["3"]);
}

#[test]
fn sqlite_the_same_is_reported_again() {
    the_same_is_reported_again(&mut Sqlite(100));
}

#[test]
fn sqlite_whole_records_stand_beside_their_columns() {
    whole_records_stand_beside_their_columns(&mut Sqlite(200));
}
