//! PostgreSQL: the same properties as for SQLite, on a server that runs for the duration of the test.
//!
//! `CHANCERY_TEST_POSTGRES` names a server whose user may create databases; otherwise one is started from the installed
//! programs. If neither is available, the test is skipped.
#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::{Client, NoTls, SimpleQueryMessage};
use tempfile::TempDir;

use crate::harness::{self, folder, run, run_with};
use crate::load::{self, Base};
use crate::load_cache;
use crate::migrate;
use crate::untrusted_input;
use crate::waits;

const PASSWORD: &str = "cl0se%20mouthed";

/// A server on a port of this machine.
struct Server {
    bin: PathBuf,
    home: TempDir,
    url: String,
    port: u16,
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

// The server rejects to run for root, so that it runs for the user that came with it.
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
        let url = format!("postgres://tester:{PASSWORD}@127.0.0.1:{port}");
        let server = Self { bin, home, url, port };
        (made && server.launch()).then_some(server)
    }

    fn control(&self, words: &[&str]) -> bool {
        let mut command = command(&self.bin.join("pg_ctl"));
        command.current_dir(self.home.path()).args(words).arg("-D").arg(self.home.path().join("data"));
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn launch(&self) -> bool {
        let (port, home) = (self.port, self.home.path().display());
        let options = format!("-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=20");
        self.control(&["start", "-w", "-l", "log", "-o", &options])
    }

    /// Takes encrypted connections only, with a certificate for `localhost` from the root in `root.crt` of a directory, which also
    /// gets a `wrong.crt`.
    fn secure(&self, folder: &Path) -> bool {
        let run = |words: &[&str]| {
            let mut command = Command::new("openssl");
            command.current_dir(folder).args(words).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let root = |name: &str| {
            let (key, out, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
            run(&[
                "req", "-new", "-x509", "-nodes", "-days", "3650", "-newkey", "rsa:2048", "-subj", &subject, "-keyout", &key, "-out", &out,
            ])
        };
        fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").expect("written");
        let request =
            ["req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
        let sign = ["x509", "-req", "-days", "3650", "-in", "server.csr", "-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial"];
        if !(root("root") && root("wrong") && run(&request) && run(&[&sign[..], &["-extfile", "names", "-out", "server.crt"]].concat())) {
            return false;
        }
        let data = self.home.path().join("data");
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n")
            .expect("written");
        let settings = fs::read_to_string(data.join("postgresql.conf")).expect("settings");
        fs::write(data.join("postgresql.conf"), settings + "\nssl = on\n").expect("written");
        self.certify(folder)
    }

    /// Takes the certificate of a directory, and begins again.
    fn certify(&self, folder: &Path) -> bool {
        let data = self.home.path().join("data");
        for name in ["server.key", "server.crt"] {
            fs::copy(folder.join(name), data.join(name)).expect("copied");
        }
        allow(&data.join("server.key"), 0o600);
        if is_root() {
            Command::new("chown").args(["-R", "postgres"]).arg(&data).status().expect("chown is installed");
        }
        self.control(&["stop", "-w", "-m", "fast"]) && self.launch()
    }

    /// Ends the server as a power cut would: all of its programs at once, or only the one that has started the others.
    fn die(&self, all: bool) {
        if all {
            assert!(self.control(&["stop", "-m", "immediate"]), "the server can be stopped");
            return;
        }
        let text = fs::read_to_string(self.home.path().join("data/postmaster.pid")).expect("the server has a number");
        let number = text.lines().next().expect("a number");
        assert!(Command::new("kill").args(["-9", number]).status().expect("kill is installed").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
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

    fn run(&mut self, _home: &Path, dsn: &str, statements: &str) {
        let mut client = self.client(dsn.rsplit('/').next().expect("a name"));
        client.batch_execute(statements).unwrap_or_else(|error| panic!("{error}: {statements}"));
    }

    fn rows(&mut self, _home: &Path, dsn: &str, query: &str) -> Vec<String> {
        let rows = self.client(dsn.rsplit('/').next().expect("a name")).simple_query(query).expect("a query");
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).unwrap_or_default()).collect::<Vec<_>>().join("|")),
            _ => None,
        };
        rows.iter().filter_map(row).collect()
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
        crate::support::skip("postgres", "no server is installed, and CHANCERY_TEST_POSTGRES names none");
        return;
    };
    let mut base = Postgres { url: url.trim_end_matches('/').to_owned(), count: 0 };
    load::anything_comes_back(&mut base);
    load::modes_do_what_they_say(&mut base);
    load::invalid_records_are_stopped_skipped_or_kept(&mut base);
    load::tables_follow_the_schema(&mut base);
    load::loads_do_not_mix(&mut base);
    load::a_killed_load_leaves_nothing_half_done(&mut base);
    load_cache::the_same_is_reported_again(&mut base);
    load_cache::whole_records_stand_beside_their_columns(&mut base);
    migrate::tables_follow_each_step(&mut base);
    migrate::views_of_others(&mut base);
    migrate::names_of_collections(&mut base);
    untrusted_input::names_and_values_stay_what_they_are(&mut base, &psql);
    untrusted_input::large_values_and_many_members(&mut base);
    untrusted_input::an_interrupted_load_is_taken_back(&mut base);
    an_interrupt_ends_waiting_and_work(&mut base);
    load::copies_are_numbered(&mut base);
    load::edits_by_hand_take_precedence(&mut base);
    columns_are_typed(&mut base);
    passwords_are_not_shown(&mut base);
    if let Some(server) = &server {
        statements_do_not_grow(&mut base, server);
        a_server_may_be_full(&mut base);
    }
}

fn psql(_home: &Path, dsn: &str, query: &str) -> Option<String> {
    let Ok(output) = Command::new("psql").args(["-X", "-A", "-t", dsn, "-c", query]).output() else {
        crate::support::skip("psql", "it is not installed");
        return None;
    };
    assert!(output.status.success(), "{}: {query}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A load that waits says for whom; an interrupt ends it, also while the server works, and nothing is committed.
fn an_interrupt_ends_waiting_and_work(base: &mut Postgres) {
    let home = waits::home();
    let home = home.path();
    let dsn = base.fresh(home);
    load::load(home, &dsn, "{\"id\":\"old\"}\n", &[]);
    let mut other = base.client(dsn.rsplit('/').next().expect("a name"));
    let expected = ["postgres://127.0.0.1", "waiting for a lock held by process", "user tester, application \"somebody\""];
    for lock in ["SELECT pg_advisory_xact_lock(7163082334074663545)", "LOCK TABLE things"] {
        other.batch_execute(&format!("BEGIN; SET LOCAL application_name = 'somebody'; {lock}")).expect("a lock");
        waits::interrupted(home, &dsn, &expected);
        if lock.starts_with("LOCK") {
            waits::interrupted_export(home, &dsn, &expected);
        }
        other.batch_execute("ROLLBACK").expect("the lock ends");
        assert_eq!(load::export(home, &dsn), "{\"id\":\"old\"}\n");
    }
    // Work that does not end, when the records are put into place and when they are committed.
    other
        .batch_execute("CREATE FUNCTION work() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3600); RETURN new; END'")
        .expect("a function");
    for trigger in ["CREATE TRIGGER work BEFORE INSERT", "CREATE CONSTRAINT TRIGGER work AFTER INSERT"] {
        let deferred = if trigger.contains("CONSTRAINT") { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
        other.batch_execute(&format!("{trigger} ON things {deferred} FOR EACH ROW EXECUTE FUNCTION work()")).expect("a trigger");
        let child = waits::begin(home, &dsn);
        let works = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while other.query(works, &[]).expect("an answer").is_empty() {}
        waits::interrupt(child);
        // Waits until the server has noticed.
        other.batch_execute("DROP TRIGGER work ON things").expect("no trigger");
        assert_eq!(load::export(home, &dsn), "{\"id\":\"old\"}\n");
    }
}

/// Records without a key are appended by the same number of statements, however many copies there are, and findings are copied
/// before many of them wait in memory. The server's log has the statements.
fn statements_do_not_grow(base: &mut Postgres, server: &Server) {
    let home = folder(&[("schema.json", r#"{"type":"object","x-record-name":"things","properties":{"size":{"type":"integer"}}}"#)]);
    let home = home.path();
    let dsn = base.fresh(home);
    base.run(home, &dsn, &format!("ALTER DATABASE {} SET log_statement = 'all'", dsn.rsplit('/').next().expect("a name")));
    let log = || String::from_utf8_lossy(&fs::read(server.home.path().join("log")).expect("the server writes it")).into_owned();
    let mut statements = Vec::new();
    for copies in [20, 20, 20, 200, 20] {
        let before = log().len();
        let text = "{\"size\":1}\n{\"size\":2}\n".repeat(copies);
        load::load(home, &dsn, &text, &["--mode", "append", "--no-cache"]);
        let log = log();
        statements.push([" statement: ", " execute "].map(|what| log[before..].matches(what).count()).iter().sum::<usize>());
    }
    // The first load makes the tables and finds no copies.
    assert!(statements[1] > 0 && statements[1..].iter().all(|count| *count == statements[1]), "{statements:?}");
    let before = log().len();
    let text = "{\"size\":\"large\"}\n".repeat(40_000);
    let args = [
        "load",
        "-",
        "--from",
        "ndjson",
        "--schema",
        "schema.json",
        "--no-config",
        "--quiet",
        "--on-invalid",
        "skip",
        "--findings",
        "--into",
    ];
    let ran = run_with(home, &[&args[..], &[&dsn]].concat(), text.as_bytes());
    assert_eq!(ran.status, 1, "{}", ran.err);
    let copies = log()[before..].matches("COPY \"_in_findings\"").count();
    assert!(copies > 1, "{copies}");
    assert_eq!(base.rows(home, &dsn, "SELECT count(*) FROM _chancery_findings"), ["40000"]);
}

/// A server that has no more connections to give says so, and so does the program.
fn a_server_may_be_full(base: &mut Postgres) {
    let home = folder(&[("a.json", "{\"id\":\"a\",\"name\":\"A\"}")]);
    let dsn = base.fresh(home.path());
    let mut clients = Vec::new();
    while let Ok(client) = Client::connect(&format!("{}/postgres?sslmode=disable", base.url), NoTls) {
        clients.push(client);
    }
    let ran = run(home.path(), &["load", "a.json", "--into", &dsn]);
    assert!(ran.status == 2 && ran.err.contains("error: postgres://") && ran.err.contains("SQLSTATE 53300"), "{}", ran.err);
    drop(clients);
}

/// The server dies in the middle of a load: the program says so, the database is as before, and the next load is complete.
#[test]
fn a_killed_server_leaves_nothing_half_done() {
    let Some(server) = Server::start() else {
        crate::support::skip("postgres", "no server is installed");
        return;
    };
    let mut base = Postgres { url: server.url.clone(), count: 0 };
    let home = folder(&[(
        "schema.json",
        r#"{"type":"object","x-key":"/id","x-record-name":"things","properties":{"id":{"type":"string"},"text":{"type":"string"}}}"#,
    )]);
    let home = home.path();
    let text =
        |what: &str| (0..12).map(|number| format!("{{\"id\":\"k{number}\",\"text\":\"{}\"}}\n", what.repeat(1 << 20))).collect::<String>();
    let (old, new) = (text("o"), text("n"));
    for all in [true, false] {
        let dsn = base.fresh(home);
        load::load(home, &dsn, &old, &[]);
        let mut child = load::begin(home, &dsn);
        let mut stdin = child.stdin.take().expect("it is piped");
        // So much that some of it is on the server, and the transaction is under way.
        stdin.write_all(&new.as_bytes()[..11 << 20]).expect("it reads");
        let mut client = base.client("postgres");
        let copying = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'chancery' AND query LIKE 'COPY%'";
        while client.query_opt(copying, &[]).expect("the server is there").is_none() {
            assert!(child.try_wait().expect("it can be asked").is_none(), "the program has ended");
        }
        server.die(all);
        // What is fed to a program that has given up is not read.
        let _ = stdin.write_all(&new.as_bytes()[11 << 20..]);
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(printed.contains("error: postgres://127.0.0.1:") && !printed.contains("panicked"), "{printed}");
        // The last of its programs may still be on the way out.
        while !server.launch() {}
        assert!(load::export(home, &dsn) == old, "as before");
        assert_eq!(load::load(home, &dsn, &new, &[]), "0 added, 12 updated, 0 unchanged, 0 removed");
        assert!(load::export(home, &dsn) == new, "complete");
    }
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

/// What the server's certificate has to be, by `sslmode`; and where a password may come from.
#[test]
fn the_way_to_a_server_is_secured() {
    let Some(server) = Server::start() else {
        crate::support::skip("postgres", "no server is installed");
        return;
    };
    let home = folder(&[("a.json", "{\"id\":\"a\",\"name\":\"A\"}")]);
    let home = home.path();
    if !server.secure(home) {
        crate::support::skip("openssl", "it is not installed");
        return;
    }
    let load = |host: &str, query: &str, environment: &[(&str, &str)]| {
        let dsn = format!("postgres://tester@{host}:{}/postgres{query}", server.port);
        let mut command = harness::program();
        command.current_dir(home).args(["load", "a.json", "--no-config", "--into", &dsn]).env("HOME", home).env_remove("PGPASSFILE");
        let password = PASSWORD.replace("%20", " ");
        command.env("PGPASSWORD", password).envs(environment.iter().copied()).stdin(Stdio::null());
        let output = command.output().expect("the program runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!printed.contains("mouthed"), "{printed}");
        (output.status.code().unwrap_or(-1), printed)
    };
    let (near, other) = ("localhost", "127.0.0.1");
    for (host, query, environment, expected) in [
        // The server takes no connection without TLS.
        (near, "?sslmode=disable", &[][..], Err("no encryption")),
        (near, "", &[], Ok(())),
        (other, "?sslmode=prefer", &[], Ok(())),
        (other, "?sslmode=require", &[], Ok(())),
        (other, "?sslmode=require&sslrootcert=root.crt", &[], Ok(())),
        (other, "?sslmode=require&sslrootcert=wrong.crt", &[], Err("certificate")),
        (other, "?sslmode=verify-ca&sslrootcert=root.crt", &[], Ok(())),
        (other, "?sslmode=verify-ca&sslrootcert=wrong.crt", &[], Err("certificate")),
        (near, "?sslmode=verify-full&sslrootcert=root.crt", &[], Ok(())),
        (near, "?sslmode=verify-full&sslrootcert=wrong.crt", &[], Err("certificate")),
        (other, "?sslmode=verify-full&sslrootcert=root.crt", &[], Err("certificate")),
        (near, "?sslmode=verify-full", &[], Err("")),
        (near, "?sslmode=verify-full&sslrootcert=none.crt", &[], Err("none.crt")),
        (near, "", &[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "root.crt")], Ok(())),
        (other, "", &[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "root.crt")], Err("certificate")),
    ] {
        let (status, printed) = load(host, query, environment);
        match expected {
            Ok(()) => assert_eq!(status, 0, "{host}{query}: {printed}"),
            Err(why) => {
                assert!(status == 2 && printed.contains(why) && printed.starts_with("error: "), "{host}{query}: {status} {printed}");
            }
        }
    }

    // A certificate that the server has signed itself is its own root.
    let own = ["req", "-new", "-x509", "-nodes", "-days", "3650", "-newkey", "rsa:2048", "-subj", "/CN=localhost"];
    let own = [&own[..], &["-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key", "-out", "server.crt"]].concat();
    let made = Command::new("openssl").current_dir(home).args(own).stderr(Stdio::null()).status();
    assert!(made.is_ok_and(|status| status.success()) && server.certify(home), "another certificate");
    for (host, mode, status) in [(near, "verify-full", 0), (other, "verify-full", 2), (other, "verify-ca", 0), (other, "require", 0)] {
        let ran = load(host, &format!("?sslmode={mode}&sslrootcert=server.crt"), &[]);
        assert_eq!(ran.0, status, "{host} {mode}: {}", ran.1);
        let ran = load(host, &format!("?sslmode={mode}&sslrootcert=root.crt"), &[]);
        assert!(ran.0 == 2 && ran.1.contains("certificate"), "{host} {mode}: {}", ran.1);
    }

    // Passwords from a file, which nobody else may read.
    let (listed, empty) = (home.join("listed"), [("PGPASSWORD", "")]);
    let password = PASSWORD.replace("%20", " ");
    for path in [&listed, &home.join(".pgpass")] {
        fs::write(path, format!("# servers\nelsewhere:*:*:*:wrong\nlocalhost:{}:*:tester:{password}\n", server.port)).expect("written");
        let mut environment = empty.to_vec();
        let name = listed.to_string_lossy();
        if path == &listed {
            environment.push(("PGPASSFILE", &name));
        }
        allow(path, 0o644);
        let (status, printed) = load(near, "", &environment);
        assert!(status == 2 && printed.contains("is ignored, because other users can read the file"), "{printed}");
        allow(path, 0o600);
        let (status, printed) = load(near, "", &environment);
        assert_eq!(status, 0, "{printed}");
        assert_eq!(load(other, "", &environment).0, 2, "the password is that of another host");
    }
    let (status, printed) = load(near, "", &[("PGPASSWORD", "wr0ng")]);
    assert!(status == 2 && printed.contains("password authentication failed") && !printed.contains("wr0ng"), "{printed}");
}

fn allow(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
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
