//! Tables follow the schema: new or wider members are migrated; changes that would lose values are rejected, with statements
//! that work.

use std::fs;
use std::path::Path;

use crate::harness::{Ran, folder, run_with};
use crate::load::{Base, Sqlite, canonical_lines, export};

const START: &str =
    r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "properties": {"id": {"type": "string"}, PROPERTIES}}"#;

fn write_schema(home: &Path, properties: &str) {
    let schema = if properties.starts_with('{') { properties.to_owned() } else { START.replace("PROPERTIES", properties) };
    fs::write(home.join("schema.json"), schema).expect("the folder is writable");
}

fn load(home: &Path, dsn: &str, text: &str) -> Ran {
    let args = [
        "load",
        "-",
        "--from",
        "ndjson",
        "--no-config",
        "--schema",
        "schema.json",
        "--into",
        dsn,
        "--on-invalid",
        "keep",
        "--fail-on",
        "never",
    ];
    run_with(home, &args, text.as_bytes())
}

/// What the findings say is to be run, in their order.
fn statements(err: &str) -> Vec<String> {
    let rendered = err.lines().filter_map(|line| line.split_once("to discard them, run ")?.1.strip_suffix(" and load again"));
    rendered.map(str::to_owned).collect()
}

/// From one schema to the next.
struct Step {
    name: &'static str,
    from: &'static str,
    records: &'static str,
    to: &'static str,
    more: &'static str,
    /// The codes with which it is rejected; none if it is done.
    refused: &'static [&'static str],
    /// Records of the second load of the first data, by what becomes of them.
    again: &'static str,
}

const LIST: &str = r#""e":{"type":"array","items":{"type":"object","properties":{"f":{"type":"number"},"g":{"type":"array","items":{"type":"object","properties":{"h":{"type":"string"}}}}}}}"#;

const STEPS: &[Step] = &[
    Step {
        name: "a new column takes what stood in the rest",
        from: r#""a":{"type":"string"}"#,
        records: "{\"id\":\"x\",\"a\":\"t\",\"b\":1.50}\n{\"id\":\"y\",\"b\":null}\n{\"id\":\"z\"}\n",
        to: r#""b":{"type":"number"},"a":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"a\":\"u\",\"b\":2}\n",
        refused: &[],
        again: "0 added, 3 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a new list takes what stood in the rest",
        from: r#""a":{"type":"string"}"#,
        records: "{\"id\":\"x\",\"e\":[{\"f\":1,\"g\":[{\"h\":\"1\"},{\"h\":\"2\"}]},{\"f\":2}]}\n{\"id\":\"y\",\"e\":[]}\n{\"id\":\"z\",\"e\":\"text\"}\n",
        to: LIST,
        more: "{\"id\":\"n\",\"e\":[{\"g\":[{\"h\":\"3\"}]}]}\n",
        refused: &[],
        again: "0 added, 3 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "wider types",
        from: r#""a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"number"},"d":{"type":"boolean"},"k":{"type":"string","format":"date"},"m":{"type":"string","format":"date-time"},"n":{"type":"string"}"#,
        records: "{\"id\":\"x\",\"a\":1,\"b\":2,\"c\":0.1,\"d\":true,\"k\":\"2024-02-29\",\"m\":\"2024-05-06T07:08:09Z\",\"n\":\"it's \\\"n\\\"\"}\n{\"id\":\"y\",\"a\":1.0,\"b\":9007199254740993,\"c\":12345678901234567890,\"d\":false,\"k\":\"no day\",\"m\":\"2024-05-06T07:08:09+02:00\",\"n\":\"\\u0000\"}\n{\"id\":\"z\"}\n",
        to: r#""a":{"type":"number"},"b":{"type":["integer","string"]},"c":{},"d":{"type":["boolean","object"]},"k":{"type":"string"},"m":{"type":["string","integer"]},"n":{"type":["string","array"]}"#,
        more: "{\"id\":\"n\",\"a\":1.5,\"b\":\"s\",\"c\":[1.0],\"d\":{\"x\":1},\"k\":\"someday\",\"m\":7,\"n\":[1]}\n",
        refused: &[],
        again: "0 added, 3 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "the key's column becomes wider, with its index",
        from: r#""a":{"type":"integer","x-references":true},"b":{"type":"number","x-references":true}"#,
        records: "{\"id\":\"x\",\"a\":1,\"b\":0.5}\n",
        to: r#""a":{"type":"number","x-references":true},"b":{"type":["number","string"],"x-references":true}"#,
        more: "{\"id\":\"n\",\"a\":1.5,\"b\":\"s\"}\n",
        refused: &[],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a scalar becomes a list of scalars",
        from: r#""a":{"type":"string"},"b":{"type":"number"}"#,
        records: "{\"id\":\"x\",\"a\":\"t\",\"b\":0.30000000000000004}\n",
        to: r#""a":{"type":"array","items":{"type":"string"}},"b":{"type":"array","items":{"type":"number"}}"#,
        more: "{\"id\":\"n\",\"a\":[\"t\"],\"b\":[1.0]}\n",
        refused: &[],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a scalar becomes a list of objects",
        from: r#""e":{"type":"string"},"a":{"type":"string"}"#,
        records: "{\"id\":\"x\",\"e\":\"t\",\"a\":\"kept\"}\n",
        to: r#""e":{"type":"array","items":{"type":"object","properties":{"f":{"type":"string"}}}},"a":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"e\":[{\"f\":\"t\"}]}\n",
        refused: &["W130"],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a list of objects becomes a scalar",
        from: LIST,
        records: "{\"id\":\"x\",\"e\":[{\"f\":1,\"g\":[{\"h\":\"1\"}]}]}\n",
        to: r#""e":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"e\":\"t\"}\n",
        refused: &["W130", "W130"],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a list that is gone, though no row has the list in it",
        from: LIST,
        records: "{\"id\":\"x\",\"e\":[{\"f\":1},{\"f\":2}]}\n",
        to: r#""a":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"a\":\"t\"}\n",
        refused: &["W130"],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "members that are gone, with values and without",
        from: r#""a":{"type":"string","x-references":true},"b":{"type":"string"},"c":{"type":"integer"}"#,
        records: "{\"id\":\"x\",\"a\":\"t\",\"c\":1}\n",
        to: r#""c":{"type":"integer"}"#,
        more: "{\"id\":\"n\",\"c\":2}\n",
        refused: &["W130"],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "a narrower type",
        from: r#""a":{"type":"number"},"b":{"type":"array","items":{"type":"string"}}"#,
        records: "{\"id\":\"x\",\"a\":1.5,\"b\":[\"t\"]}\n",
        to: r#""a":{"type":"integer"},"b":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"a\":2,\"b\":\"t\"}\n",
        refused: &["W131", "W131"],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "narrower types without values",
        from: r#""a":{"type":"number"},"b":{"type":"array","items":{"type":"string"}}"#,
        records: "{\"id\":\"x\"}\n",
        to: r#""a":{"type":"integer"},"b":{"type":"string"}"#,
        more: "{\"id\":\"n\",\"a\":2,\"b\":\"t\"}\n",
        refused: &[],
        again: "0 added, 1 updated, 0 unchanged, 0 removed",
    },
    Step {
        name: "another key",
        from: LIST,
        records: "{\"id\":\"x\",\"other\":\"1\",\"e\":[{\"f\":1,\"g\":[{\"h\":\"1\"}]}]}\n{\"id\":\"y\",\"other\":\"2\"}\n",
        to: r#"{"type": "object", "x-key": "/other", "x-record-name": "things", "properties": {"id": {"type": "string"}, "other": {"type": "string"}, "e":{"type":"array","items":{"type":"object","properties":{"f":{"type":"number"},"g":{"type":"array","items":{"type":"object","properties":{"h":{"type":"string"}}}}}}}}}"#,
        more: "{\"id\":\"n\",\"other\":\"3\",\"e\":[{\"f\":1,\"g\":[{\"h\":\"1\"}]}]}\n",
        refused: &["W134"],
        again: "2 added, 0 updated, 0 unchanged, 0 removed",
    },
];

/// Each step, up to the load that comes after it.
pub fn tables_follow_each_step(base: &mut dyn Base) {
    let home = folder(&[]);
    let home = home.path();
    for Step { name, from, records, to, more, refused, again } in STEPS {
        let dsn = base.fresh(home);
        write_schema(home, from);
        let ran = load(home, &dsn, records);
        assert_eq!(ran.status, 0, "{name}: {}", ran.err);
        let before = canonical_lines(&export(home, &dsn));
        assert_eq!(before, canonical_lines(records), "{name}");
        write_schema(home, to);
        let mut ran = load(home, &dsn, more);
        let codes: Vec<&str> = ran.err.lines().filter_map(|line| line.split_once("error[")?.1.get(..4)).collect();
        assert_eq!(codes, *refused, "{name}: {}", ran.err);
        if !refused.is_empty() {
            assert_eq!(canonical_lines(&export(home, &dsn)), before, "{name}");
            let statements = statements(&ran.err);
            assert_eq!(statements.len(), refused.len(), "{name}: {}", ran.err);
            for statement in statements {
                // As the shells of the databases run it, of which that of SQLite does not look at foreign keys.
                let shell = if dsn.starts_with("sqlite") { "PRAGMA foreign_keys = OFF; " } else { "" };
                base.run(home, &dsn, &format!("{shell}{statement}"));
            }
            ran = load(home, &dsn, more);
        }
        assert_eq!(ran.status, 0, "{name}: {}", ran.err);
        let now = canonical_lines(&export(home, &dsn));
        assert_eq!(now.last(), canonical_lines(more).last(), "{name}");
        if refused.is_empty() {
            assert_eq!(now[..now.len() - 1], before, "{name}: nothing is lost");
            let ran = run_with(home, &["export", &dsn, "--to", "ndjson", "--no-config"], b"");
            assert!(
                !ran.err.contains("W136") && !ran.err.contains("W137"),
                "{name}: what is migrated is neither edited nor damaged: {}",
                ran.err
            );
        }
        let ran = load(home, &dsn, records);
        assert!(ran.err.contains(again), "{name}: {}", ran.err);
        let mut now = canonical_lines(&export(home, &dsn));
        let mut all = [canonical_lines(records), canonical_lines(more)].concat();
        now.sort();
        all.sort();
        assert_eq!(now, all, "{name}: loaded again, everything is there");
        let ran = load(home, &dsn, records);
        assert!(ran.err.contains("0 added, 0 updated"), "{name}: {}", ran.err);
        assert!(!base.rows(home, &dsn, "SELECT * FROM \"things_view\"").is_empty(), "{name}");
    }
}

/// Collections do not get in each other's way, however alike their names are; one that gets another name is another one.
pub fn names_of_collections(base: &mut dyn Base) {
    let home = folder(&[]);
    let home = home.path();
    let dsn = base.fresh(home);
    let schema = |name: &str, properties: &str| {
        format!(
            r#"{{"type": "object", "x-key": "/id", "x-record-name": "{name}", "properties": {{"id": {{"type": "string"}}, {properties}}}}}"#
        )
    };
    let rows = |name: &str| {
        format!(r#""{name}": {{"type": "array", "items": {{"type": "object", "properties": {{"x": {{"type": "integer"}}}}}}}}"#)
    };
    let text = r#""text": {"type": "string", "x-references": true}, "b_c": {"type": "string", "x-references": true}, "c": {"type": "string", "x-references": true}"#;
    let lists = [rows("b"), rows("pkey"), rows("view"), rows("b_view")].join(",");
    for name in ["a", "a_b", "a_pkey", "a_view", "a_b_c_index", "a_id_index", "_chancery_load", "select", "'); DROP TABLE a; --"] {
        write_schema(home, &schema(name, &format!("{text}, {lists}")));
        let record = format!("{{\"id\":\"{name}\",\"text\":\"t\",\"b\":[{{\"x\":1}}],\"pkey\":[{{\"x\":2}}],\"view\":[{{\"x\":3}}]}}\n");
        let ran = load(home, &dsn, &record);
        assert!(ran.status == 0 && ran.err.contains("1 added"), "{name}: {}", ran.err);
        let ran = load(home, &dsn, &record);
        assert!(ran.status == 0 && ran.err.contains("1 unchanged"), "{name}: {}", ran.err);
        let collection =
            ran.err.lines().last().and_then(|line| line.rsplit_once(": ")?.0.rsplit_once(", ").map(|(_, name)| name.to_owned()));
        let args = ["export", &dsn, "--to", "ndjson", "--quiet", "--collection", &collection.expect("a name")];
        let exported = run_with(home, &args, b"");
        assert_eq!(canonical_lines(&exported.out), canonical_lines(&record), "{name}: {}", exported.err);
    }
}

/// Views that others have made stay, or the load says what is in its way and does nothing.
pub fn views_of_others(base: &mut dyn Base) {
    let home = folder(&[]);
    let home = home.path();
    for (change, is_taken_by_sqlite) in
        [(r#""a":{"type":"integer"},"b":{"type":"string"}"#, true), (r#""a":{"type":["integer","string"]}"#, false)]
    {
        let dsn = base.fresh(home);
        write_schema(home, r#""a":{"type":"integer"}"#);
        load(home, &dsn, "{\"id\":\"x\",\"a\":1}\n");
        base.run(home, &dsn, "CREATE VIEW \"mine\" AS SELECT \"id\", \"a\" FROM \"things_view\"");
        write_schema(home, change);
        let ran = load(home, &dsn, "{\"id\":\"y\",\"a\":2}\n");
        let is_sqlite = dsn.starts_with("sqlite");
        if is_sqlite && is_taken_by_sqlite {
            assert_eq!(ran.status, 0, "{change}: {}", ran.err);
            assert_eq!(base.rows(home, &dsn, "SELECT * FROM \"mine\" ORDER BY 1"), ["x|1", "y|2"]);
        } else {
            assert_eq!(ran.status, 2, "{change}: {}", ran.err);
            assert!(ran.err.contains(if is_sqlite { "view mine" } else { "view mine depends on view things_view" }), "{}", ran.err);
            assert_eq!(base.rows(home, &dsn, "SELECT * FROM \"mine\" ORDER BY 1"), ["x|1"]);
        }
    }
}

#[test]
fn sqlite_tables_follow_each_step() {
    tables_follow_each_step(&mut Sqlite(300));
}

#[test]
fn sqlite_views_of_others() {
    views_of_others(&mut Sqlite(400));
}

#[test]
fn sqlite_names_of_collections() {
    names_of_collections(&mut Sqlite(500));
}
