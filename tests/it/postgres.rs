//! PostgreSQL: the same laws as for SQLite, on a server of our own that lives as long as the test.
//!
//! `CHANCERY_TEST_POSTGRES` names a server whose user may make databases; else one is started from the programs that are
//! installed. Where there is neither, the test says so and passes.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::{Client, NoTls};
use tempfile::TempDir;

use crate::load::{self, Base};
use crate::program::{folder, run, run_with};

const PASSWORD: &str = "cl0se%20mouthed";

/// A server on a port of this machine.
struct Server {
    bin: PathBuf,
    home: TempDir,
    url: String,
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    versions.sort();
    folders.splice(0..0, versions.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

// The server refuses to run for root, so that it runs for the user that came with it.
fn command(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Server {
    fn start() -> Option<Self> {
        let bin = installed()?;
        let home = tempfile::tempdir().ok()?;
        fs::write(home.path().join("password"), PASSWORD.replace("%20", " ")).ok()?;
        if is_root() && !Command::new("chown").args(["-R", "postgres"]).arg(home.path()).status().ok()?.success() {
            return None;
        }
        let quiet = |command: &mut Command| {
            command.current_dir(home.path()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        let data = home.path().join("data");
        let made = quiet(
            command(&bin.join("initdb"))
                .args([
                    "--no-sync",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--username=tester",
                    "--auth=scram-sha-256",
                    "--pwfile=password",
                    "-D",
                ])
                .arg(&data),
        );
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let options = format!("-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=20", home.path().display());
        let started = made && quiet(command(&bin.join("pg_ctl")).args(["-w", "-l", "log", "-o", &options, "-D"]).arg(&data).arg("start"));
        let url = format!("postgres://tester:{PASSWORD}@127.0.0.1:{port}");
        let server = Self { bin, home, url };
        started.then_some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.home.path().join("data");
        let _ = command(&self.bin.join("pg_ctl"))
            .args(["-m", "immediate", "-D"])
            .arg(&data)
            .arg("stop")
            .current_dir(self.home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

struct Postgres {
    url: String,
    count: u32,
}

impl Postgres {
    fn client(&self, database: &str) -> Client {
        Client::connect(&format!("{}/{database}?sslmode=disable", self.url), NoTls).expect("the server lets us in")
    }
}

impl Base for Postgres {
    fn fresh(&mut self, _home: &Path) -> String {
        self.count += 1;
        let name = format!("chancery_test_{}_{}", std::process::id(), self.count);
        let mut client = self.client("postgres");
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).expect("a database can be made");
        format!("{}/{name}", self.url)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for number in 1..=self.count {
            let name = format!("chancery_test_{}_{number}", std::process::id());
            let _ = self.client("postgres").batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

#[test]
fn postgres_keeps_the_same_laws() {
    let given = std::env::var("CHANCERY_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    let server = if given.is_some() { None } else { Server::start() };
    let Some(url) = given.or_else(|| server.as_ref().map(|server| server.url.clone())) else {
        eprintln!("SKIPPED: no server of PostgreSQL is installed, and CHANCERY_TEST_POSTGRES names none");
        return;
    };
    let mut base = Postgres { url: url.trim_end_matches('/').to_owned(), count: 0 };
    load::anything_comes_back(&mut base);
    load::modes_do_what_they_say(&mut base);
    load::invalid_records_are_stopped_skipped_or_kept(&mut base);
    load::tables_follow_the_schema(&mut base);
    load::loads_do_not_mix(&mut base);
    load::a_killed_load_leaves_nothing_half_done(&mut base);
    columns_are_typed(&mut base);
    passwords_are_not_shown(&mut base);
}

/// Columns hold what SQL can reckon with, and the view joins everything.
fn columns_are_typed(base: &mut Postgres) {
    let schema = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "properties": {
      "id": {"type": "string", "description": "It's a key"}, "count": {"type": "integer"}, "price": {"type": "number"}, "day": {"type": "string", "format": "date"},
      "at": {"type": "string", "format": "date-time"}, "flag": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}},
      "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}}}}"#;
    let home = folder(&[("schema.json", schema)]);
    let dsn = base.fresh(home.path());
    let text = "{\"id\":\"a\",\"count\":1,\"price\":12345678901234567890.10,\"day\":\"2024-02-29\",\"at\":\"2024-05-06T09:08:09+02:00\",\"flag\":true,\
                \"tags\":[\"x\"],\"rows\":[{\"x\":1},{\"x\":2}]}\n";
    let ran =
        run_with(home.path(), &["load", "-", "--from", "ndjson", "--schema", "schema.json", "--into", &dsn, "--quiet"], text.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let mut client = base.client(dsn.rsplit('/').next().expect("a name"));
    let row = client
        .query_one(
            "SELECT count + 1, (price * 2)::text, (day + 1)::text, (at AT TIME ZONE 'UTC')::text, flag, tags ->> 0, rows::text FROM things_view",
            &[],
        )
        .expect("the view is there");
    assert_eq!(row.get::<_, i64>(0), 2);
    let texts: Vec<Option<String>> = [1, 2, 3, 5].map(|at| row.get(at)).into();
    let expected = ["24691357802469135780.20", "2024-03-01", "2024-05-06 07:08:09", "x"];
    assert_eq!(texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect::<Vec<_>>(), expected);
    assert!(row.get::<_, bool>(4));
    assert!(row.get::<_, String>(6).contains("\"x\":2"));
    let comment: Option<String> =
        client.query_one("SELECT col_description('things'::regclass, 6)", &[]).expect("comments are there").get(0);
    assert_eq!(comment.as_deref(), Some("It's a key"));
    assert_eq!(load::export(home.path(), &dsn), text);
}

/// Whatever goes wrong, the password stays where it is.
fn passwords_are_not_shown(base: &mut Postgres) {
    let home = folder(&[("a.json", "{\"id\":\"a\",\"name\":\"A\"}")]);
    let home = home.path();
    let dsn = base.fresh(home);
    let closed = "postgres://u:s3cret@127.0.0.1:1/d".to_owned();
    for dsn in
        [closed, dsn.replace("tester:", "tester:s3cret"), dsn.replace("postgres://", "postgres://[:"), dsn.clone() + "?sslmode=perhaps"]
    {
        let ran = run(home, &["load", "a.json", "--into", &dsn]);
        assert_eq!(ran.status, 2, "{}", ran.err);
        for secret in ["s3cret", PASSWORD, "mouthed"] {
            assert!(!ran.err.contains(secret), "{}", ran.err);
        }
    }
    let ran = run(home, &["load", "a.json", "--into", &(dsn.clone() + "?sslmode=verify-full")]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    let ran = run(home, &["load", "a.json", "--into", &dsn]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(!ran.err.contains("mouthed"), "{}", ran.err);
}
