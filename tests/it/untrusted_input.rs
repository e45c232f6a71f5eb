//! Malicious names and values, and failures of the machine.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use chancery::files::checksum::hex;

use crate::harness::{folder, run};
use crate::load::{self, Base, Sqlite, canonical_lines, export};

const NAMES: &[&str] = &[
    "'); DROP TABLE things; --",
    "\"quoted\"",
    "back\\slash",
    "n\u{0}ul",
    "line\nend",
    "select",
    "Select",
    "SELECT",
    "from where",
    "größe",
    "GRÖSSE",
    "Größe",
    "名前",
    "😀",
    "_id",
    "_key",
    "_extra",
    "_json",
    "%s $1 ?1 :a @b {}",
    "a.b",
    "a/b~c",
    "",
    " ",
];

const VALUES: &[&str] = &[
    "'); DROP TABLE things; --",
    "\"quoted\" and 'quoted'",
    "back\\slash \\n \\N \\\\",
    "\\.",
    "\\N",
    "n\u{0}ul",
    "a\tb\r\nc\u{b}\u{c}\u{7f}",
    "NULL",
    "",
    " ",
    "\u{feff}\u{202e}\u{2028}😀 e\u{301}",
    "$1 ?1 :a @b {} %s",
    "\u{1}\u{2}",
];

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// What a shell of a database prints for a query; `None` if there is none.
type Shell<'s> = &'s dyn Fn(&str) -> Option<String>;

/// Whatever names and values are, they are columns and values, to us and to the database's own shell.
pub fn names_and_values_stay_what_they_are(base: &mut dyn Base, shell: &dyn Fn(&Path, &str, &str) -> Option<String>) {
    let long = ["x".repeat(200), "X".repeat(200), "é".repeat(200), "x".repeat(199) + "y"];
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain(long).collect();
    let properties: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "{}: {{\"type\": \"string\", \"description\": {}, \"x-references\": true}}",
                quoted(name),
                quoted(&format!("{name} */ -- ')\n;"))
            )
        })
        .collect();
    let items: Vec<String> = names.iter().map(|name| format!("{}: {{\"type\": \"string\"}}", quoted(name))).collect();
    let list = format!("\"list\": {{\"type\": \"array\", \"items\": {{\"type\": \"object\", \"properties\": {{{}}}}}}}", items.join(","));
    let schema = format!(
        "{{\"type\": \"object\", \"x-key\": \"/id\", \"x-record-name\": \"things\", \"title\": \"'); --\\n\", \"properties\": {{\"id\": {{\"type\": \"string\"}}, {}, {list}}}}}",
        properties.join(",")
    );
    let home = folder(&[("schema.json", &schema)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let members = |shift: usize| {
        let member = |(at, name): (usize, &String)| format!("{}:{}", quoted(name), quoted(VALUES[(at + shift) % VALUES.len()]));
        names.iter().enumerate().map(member).collect::<Vec<_>>().join(",")
    };
    let records: String = (0..VALUES.len())
        .map(|at| format!("{{\"id\":{},{},\"list\":[{{{}}}]}}\n", quoted(VALUES[at]), members(at), members(at + 1)))
        .collect();
    let done = load::load(home, &dsn, &records, &[]);
    assert_eq!(done, format!("{} added, 0 updated, 0 unchanged, 0 removed", VALUES.len()));
    assert_eq!(canonical_lines(&export(home, &dsn)), canonical_lines(&records));
    assert_eq!(load::load(home, &dsn, &records, &[]), format!("0 added, 0 updated, {} unchanged, 0 removed", VALUES.len()));

    // The columns are in the order of the schema, so that what is in each is known.
    let columns = if dsn.starts_with("sqlite") {
        base.rows(home, &dsn, "SELECT name FROM pragma_table_info('things') WHERE name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY cid")
    } else {
        base.rows(
            home,
            &dsn,
            "SELECT attname FROM pg_attribute WHERE attrelid = '\"things\"'::regclass AND attnum > 0 AND attname NOT LIKE '\\_%' ORDER BY attnum",
        )
    };
    assert_eq!(columns.len(), names.len() + 1);
    assert!(columns.iter().all(|column| column.len() <= 63 && !column.contains(['"', '\''])), "{columns:?}");
    let ask: Shell<'_> = &|query| shell(home, &dsn, query);
    for (at, column) in columns[1..].iter().enumerate() {
        // In digits, because shells show some letters in their own way.
        let digits = if dsn.starts_with("sqlite") {
            format!("hex(\"{column}\")")
        } else {
            format!("encode(convert_to(\"{column}\", 'UTF8'), 'hex')")
        };
        let Some(found) = ask(&format!("SELECT {digits} FROM \"things_view\" ORDER BY \"_id\"")) else { return };
        let value = |row: usize| VALUES[(at + row) % VALUES.len()];
        // What the databases have no place for is in the rest alone.
        let held = |row: usize| if value(row).contains('\0') { "" } else { value(row) };
        let expected: String = (0..VALUES.len()).map(|row| hex(held(row).as_bytes()) + "\n").collect();
        assert_eq!(found.to_lowercase(), expected, "{column}");
    }
}

/// Values of ten megabytes, and more members than a table has columns.
pub fn large_values_and_many_members(base: &mut dyn Base) {
    let properties: Vec<String> = (0..1200).map(|number| format!("\"p{number}\":{{\"type\":\"string\"}}")).collect();
    let schema = format!(
        "{{\"type\":\"object\",\"x-key\":\"/id\",\"x-record-name\":\"things\",\"properties\":{{\"id\":{{\"type\":\"string\"}},\"text\":{{\"type\":\"string\"}},{},\
         \"list\":{{\"type\":\"array\",\"items\":{{\"type\":\"object\",\"properties\":{{{}}}}}}}}}}}",
        properties.join(","),
        properties.join(",")
    );
    let home = folder(&[("schema.json", &schema)]);
    let home = home.path();
    let dsn = base.fresh(home);
    let members: Vec<String> = (0..1200).map(|number| format!("\"p{number}\":\"v{number}\"")).collect();
    let members = members.join(",");
    let large = "ab'\\\"\\\\\u{e9}".repeat(1 << 20);
    let records =
        format!("{{\"id\":\"a\",\"text\":\"{large}\"}}\n{{\"id\":\"b\",{members},\"list\":[{{{members}}}]}}\n{{\"id\":\"{large}\"}}\n");
    assert_eq!(load::load(home, &dsn, &records, &[]), "3 added, 0 updated, 0 unchanged, 0 removed");
    assert!(canonical_lines(&export(home, &dsn)) == canonical_lines(&records));
    assert_eq!(load::load(home, &dsn, &records, &["--mode", "replace"]), "0 added, 0 updated, 3 unchanged, 0 removed");
}

/// Stopped by hand, a load leaves everything as it was.
#[cfg(unix)]
pub fn an_interrupted_load_is_taken_back(base: &mut dyn Base) {
    let home =
        folder(&[("schema.json", r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"}}}"#)]);
    let home = home.path();
    let dsn = base.fresh(home);
    load::load(home, &dsn, "{\"id\":\"old\"}\n", &[]);
    let mut child = load::begin(home, &dsn);
    let mut stdin = child.stdin.take().expect("it is piped");
    // More than a pipe holds, so that the program is at work when the signal comes.
    let record = format!("{{\"id\":\"{}\"}}\n", "new".repeat(1 << 20));
    stdin.write_all(record.as_bytes()).expect("it reads");
    let number = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &number]).status().expect("kill is installed").success());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(export(home, &dsn), "{\"id\":\"old\"}\n");
}

fn sqlite_shell(home: &Path, dsn: &str, query: &str) -> Option<String> {
    let file = dsn.trim_start_matches("sqlite:");
    let output = Command::new("sqlite3").current_dir(home).args(["-batch", "-noheader", file, query]).output();
    let Ok(output) = output else {
        crate::support::skip("sqlite3", "it is not installed");
        return None;
    };
    assert!(output.status.success(), "{}: {query}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn sqlite_names_and_values_stay_what_they_are() {
    names_and_values_stay_what_they_are(&mut Sqlite(600), &sqlite_shell);
}

#[test]
fn sqlite_large_values_and_many_members() {
    large_values_and_many_members(&mut Sqlite(700));
}

#[cfg(unix)]
#[test]
fn sqlite_an_interrupted_load_is_taken_back() {
    an_interrupted_load_is_taken_back(&mut Sqlite(800));
}

/// Where a file cannot be written, the program says why, and nothing is left.
#[cfg(unix)]
#[test]
fn sqlite_states_why_it_cannot_write() {
    let schema =
        r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"},"text":{"type":"string"}}}"#;
    let old = "{\"id\":\"old\"}\n";
    let new: String = (0..2000).map(|number| format!("{{\"id\":\"{number}\",\"text\":\"{}\"}}\n", "x".repeat(1000))).collect();
    let home = folder(&[
        ("schema.json", schema),
        ("new.ndjson", &new),
        ("folder/x", ""),
        ("short.db", "SQLite format 3\0 and no more"),
        ("file", ""),
    ]);
    let home = home.path();
    let fails = |into: &str, why: &str| {
        let ran = run(home, &["load", "new.ndjson", "--no-config", "--schema", "schema.json", "--into", into]);
        assert!(ran.status == 2 && ran.err.contains(why), "{into}: {} {}", ran.status, ran.err);
    };
    fails("sqlite:folder", "error: folder: ");
    fails("sqlite:short.db", "error: ");
    fails("sqlite:file/in.db", "error: file/in.db: ");

    // A disk that is full: files cannot grow beyond this many blocks.
    load::load(home, "sqlite:old.db", old, &[]);
    for (into, blocks) in [("sqlite:none.db", 400), ("sqlite:old.db", 400)] {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} load new.ndjson --no-config --schema schema.json --into {into}",
            env!("CARGO_BIN_EXE_chancery")
        );
        let output = Command::new("sh").current_dir(home).args(["-c", &script]).output().expect("a shell");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && printed.contains(into), "{printed}");
        assert!(printed.contains("full") || printed.contains("disk") || printed.contains("large"), "{printed}");
    }
    assert_eq!(export(home, "sqlite:old.db"), old);
    let names = fs::read_dir(home).expect("a folder").map(|file| file.expect("readable").file_name().into_string().expect("UTF-8"));
    let left: Vec<String> = names.filter(|name| name.starts_with("none") || name.starts_with(".chancery")).collect();
    assert!(left.is_empty(), "{left:?}");
}
