//! Waiting for a lock: the load reports whom it waits for, and an interrupt ends the wait with nothing committed.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::harness::{self, folder};
use crate::load::{Sqlite, load};

/// Begins a load.
pub fn begin(home: &Path, dsn: &str) -> Child {
    start(home, &["load", "new.ndjson", "--no-config", "--schema", "schema.json", "--no-cache", "--quiet", "--into", dsn])
}

fn start(home: &Path, args: &[&str]) -> Child {
    harness::program()
        .current_dir(home)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Interrupts the program, which ends at once.
pub fn interrupt(mut child: Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is installed").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

/// Begins a load that has to wait, reads what it says of that, and interrupts it.
pub fn interrupted(home: &Path, dsn: &str, expected: &[&str]) {
    waits(begin(home, dsn), expected);
}

/// The same of an export.
pub fn interrupted_export(home: &Path, dsn: &str, expected: &[&str]) {
    waits(start(home, &["export", dsn, "--to", "ndjson", "--no-config", "--quiet"]), expected);
}

fn waits(mut child: Child, expected: &[&str]) {
    let mut err = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    err.read_line(&mut line).expect("it says something");
    for part in expected {
        assert!(line.contains(part), "{part}: {line}");
    }
    interrupt(child);
}

/// A directory with a schema, and a record to load.
pub fn home() -> tempfile::TempDir {
    folder(&[
        ("schema.json", r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"}}}"#),
        ("new.ndjson", "{\"id\":\"new\"}\n"),
    ])
}

#[test]
fn an_interrupt_ends_the_wait_for_a_file_of_sqlite() {
    use crate::load::Base as _;
    let home = home();
    let dsn = Sqlite(1).fresh(home.path());
    load(home.path(), &dsn, "{\"id\":\"old\"}\n", &[]);
    let other = rusqlite::Connection::open(home.path().join(dsn.trim_start_matches("sqlite:"))).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    interrupted(home.path(), &dsn, &[&dsn, "waiting for another process that has locked the file"]);
    other.execute_batch("ROLLBACK; BEGIN EXCLUSIVE").expect("another lock");
    interrupted_export(home.path(), &dsn, &[&dsn, "waiting for another process that has locked the file"]);
    other.execute_batch("ROLLBACK").expect("the lock ends");
    assert_eq!(crate::load::export(home.path(), &dsn), "{\"id\":\"old\"}\n");
}

/// Nobody knows how long a server takes that does not answer.
#[test]
fn an_interrupt_ends_the_wait_for_a_server_that_does_not_answer() {
    let home = home();
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = begin(home.path(), &format!("postgres://me@{}/base?sslmode=disable", server.local_addr().expect("it has one")));
    let connection = server.accept().expect("the program connects");
    interrupt(child);
    drop(connection);
}

#[test]
fn names_that_databases_reserve_are_refused_everywhere() {
    let home = home();
    for name in ["sqlite_master", "sqlite", "pg_class", "_chancery_load", "", "'\"", &"x".repeat(64)] {
        let columnar = ["parquet:lake", "arrow:a.arrows"].into_iter().filter(|_| cfg!(feature = "parquet"));
        for dsn in columnar.chain(["sqlite:a.db"]) {
            let args = ["load", "new.ndjson", "--no-config", "--schema", "schema.json", "--into", dsn, "--collection", name];
            let ran = crate::harness::run(home.path(), &args);
            assert!(ran.status == 2 && ran.err.contains("cannot be the name of a collection"), "{name} {dsn}: {}", ran.err);
        }
    }
}
