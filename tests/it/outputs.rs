//! Where outputs go: devices, pipes, links and full disks; what signals leave behind; and closed pipes.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use chancery::output::OutputTarget;
use chancery::pipeline;
use chancery::read::{self, Format};
use chancery::source::{InputBuffer, Position, ReadError};
use tempfile::TempDir;

use crate::harness::{self, folder};

const SCHEMA: &str = r#"{"type": "object", "x-key": "/id", "x-record-name": "things", "required": ["id"],
  "properties": {"id": {"type": "string"}, "n": {"type": "integer"}}}"#;
const GOOD: &str = "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":2}\n";
const BAD: &str = "{\"n\":1}\n{\"id\":\"b\",\"n\":[]}\n";
const FORMATS: [&str; 6] = ["json", "ndjson", "csv", "tsv", "xml", "yaml"];
const REPORTS: [&str; 11] = ["pretty", "plain", "json", "ndjson", "sarif", "github", "gitlab", "junit", "rdjsonl", "markdown", "html"];

fn home() -> TempDir {
    folder(&[("s.json", SCHEMA), ("t.json", r#"{"type": "object", "required": ["id", "n"]}"#), ("good.ndjson", GOOD), ("bad.ndjson", BAD)])
}

// The program, or what `wrapper` makes of it: a script for sh in which `"$@"` is the program and its arguments.
fn command(home: &Path, wrapper: Option<&str>, args: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_chancery");
    let mut command = match wrapper {
        Some(script) => {
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh", program]);
            command
        }
        None => Command::new(program),
    };
    command.current_dir(home).args(args);
    let mut command = harness::outside_ci(command);
    command.stdin(Stdio::null());
    command
}

fn ran(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn pipe_at(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo is there").success());
}

// Nodes of our own that are what /dev/null and /dev/full are; `None`, said aloud, where this user may not make or open them.
fn devices(home: &Path) -> Option<()> {
    for (name, minor) in [("null", "3"), ("full", "7")] {
        let made = Command::new("mknod").arg(home.join(name)).args(["c", "1", minor]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) || File::options().write(true).open(home.join(name)).is_err() {
            eprintln!("SKIPPED: this user cannot make devices");
            return None;
        }
    }
    Some(())
}

fn is_device(path: &Path) -> bool {
    fs::symlink_metadata(path).expect("it is there").file_type().is_char_device()
}

// Command lines that write to the file TARGET, with the exit status where that works, except for those that write tables.
fn writers(target: &str) -> Vec<(String, i32)> {
    let mut lines = Vec::new();
    for format in FORMATS {
        lines.push((format!("convert good.ndjson --schema s.json --to {format} -o {target}"), 0));
    }
    for report in REPORTS {
        lines.push((format!("check bad.ndjson --no-cache --schema s.json --report {report}={target}"), 1));
    }
    lines.push((format!("check bad.ndjson --no-cache --schema s.json --baseline {target} --write-baseline"), 0));
    for format in ["text", "json", "markdown", "ndjson"] {
        lines.push((format!("diff good.ndjson bad.ndjson --schema s.json --format {format} -o {target}"), 1));
    }
    lines.push((format!("schema diff s.json t.json -o {target}"), 1));
    if cfg!(feature = "parquet") {
        lines.push((format!("load good.ndjson --schema s.json --into arrow:{target}"), 0));
    }
    if cfg!(feature = "sqlite") {
        lines.push((format!("load bad.ndjson --schema s.json --on-invalid skip --into sqlite:new.db --rejects {target}"), 1));
    }
    lines
}

#[test]
fn a_device_is_written_into_and_stays() {
    let home = home();
    if devices(home.path()).is_none() {
        return;
    }
    for (line, expected) in writers("null") {
        let _ = fs::remove_file(home.path().join("new.db"));
        let output = ran(command(home.path(), None, &words(&line)));
        // A baseline is read first, and a device holds none.
        if !line.contains("baseline") {
            assert_eq!(status(&output), Some(expected), "{line}: {}", err(&output));
        }
        assert!(is_device(&home.path().join("null")), "{line}");
    }
    let before = names(home.path());
    for (line, _) in writers("full") {
        let _ = fs::remove_file(home.path().join("new.db"));
        let output = ran(command(home.path(), None, &words(&line)));
        assert_eq!(status(&output), Some(2), "{line}: {}", err(&output));
        assert!(err(&output).contains("full"), "{line}: {}", err(&output));
        assert!(is_device(&home.path().join("full")), "{line}");
        assert!(names(home.path()).iter().all(|name| before.contains(name)), "{line}");
    }
    // Files of a directory, too.
    for device in ["null", "full"] {
        let _ = fs::remove_dir_all(home.path().join("out"));
        fs::create_dir(home.path().join("out")).expect("the folder is writable");
        fs::rename(home.path().join(device), home.path().join("out/report.json")).expect("it can be moved");
        let output = ran(command(home.path(), None, &words("run good.ndjson --schema s.json -o out")));
        assert_eq!(status(&output), Some(if device == "null" { 0 } else { 2 }), "{}", err(&output));
        assert!(is_device(&home.path().join("out/report.json")));
        assert_eq!(home.path().join("out/rejects.ndjson").exists(), device == "null");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_device_or_a_pipe_is_no_database() {
    let home = home();
    pipe_at(&home.path().join("pipe"));
    for line in ["load good.ndjson --schema s.json --into sqlite:pipe", "export sqlite:pipe --to json"] {
        let output = ran(command(home.path(), None, &words(line)));
        assert_eq!(status(&output), Some(2), "{line}");
        assert!(err(&output).contains("pipe: a database is a regular file"), "{}", err(&output));
    }
}

#[test]
fn a_pipe_is_written_into_and_stays() {
    let home = home();
    let pipe = home.path().join("pipe");
    pipe_at(&pipe);
    for (line, expected) in writers("pipe") {
        let _ = fs::remove_file(home.path().join("new.db"));
        // It would be read before it is written.
        if line.contains("baseline") {
            continue;
        }
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe)
        });
        let output = ran(command(home.path(), None, &words(&line)));
        assert_eq!(status(&output), Some(expected), "{line}: {}", err(&output));
        let through = reader.join().expect("it does not panic").expect("it can be read");
        assert!(fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo(), "{line}");
        let _ = fs::remove_file(home.path().join("new.db"));
        let output = ran(command(home.path(), None, &words(&line.replace("pipe", "file"))));
        assert_eq!(status(&output), Some(expected), "{line}");
        assert!(!through.is_empty() || line.contains("github"), "{line}");
        assert_eq!(through, fs::read(home.path().join("file")).expect("it is there"), "{line}");
    }
}

// As a shell names what it opens for `>(command)`, and as /dev/stdout does.
#[test]
fn an_open_file_is_written_into() {
    let home = home();
    symlink("/proc/self/fd/1", home.path().join("link")).expect("a link can be made");
    let ways =
        [("/dev/fd/1", "exec \"$@\""), ("link", "exec \"$@\""), ("/dev/fd/2", "exec \"$@\" 2>&1"), ("/dev/fd/7", "exec \"$@\" 7>&1")];
    for ((line, _), (target, redirection)) in writers("target").into_iter().zip(ways.into_iter().cycle()) {
        if line.contains("baseline") {
            continue;
        }
        let _ = fs::remove_file(home.path().join("new.db"));
        let output = ran(command(home.path(), None, &words(&line)));
        let expected = fs::read(home.path().join("target")).expect("it is there");
        let _ = fs::remove_file(home.path().join("new.db"));
        let there = ran(command(home.path(), Some(redirection), &words(&line.replace("target", target))));
        assert_eq!(status(&there), status(&output), "{line} {target}: {}", err(&there));
        let found = there.stdout.windows(expected.len().max(1)).any(|window| window == expected) || expected.is_empty();
        assert!(found, "{line} {target}: {}", String::from_utf8_lossy(&there.stdout));
        assert!(home.path().join("link").is_symlink(), "{line}");
    }
}

#[test]
fn a_link_stays_and_its_file_is_replaced_with_its_mode() {
    for (line, expected) in writers("link") {
        let home = home();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("real")).expect("the folder is writable");
        symlink("real/file", at("middle")).expect("a link can be made");
        symlink("middle", at("link")).expect("a link can be made");
        for first in [true, false] {
            let _ = fs::remove_file(at("new.db"));
            let output = ran(command(home.path(), None, &words(&line)));
            assert_eq!(status(&output), Some(expected), "{line}: {}", err(&output));
            assert!(at("link").is_symlink() && at("middle").is_symlink(), "{line}");
            let file = fs::symlink_metadata(at("real/file")).expect("it is there");
            assert!(file.is_file(), "{line}");
            if first {
                fs::set_permissions(at("real/file"), fs::Permissions::from_mode(0o604)).expect("it is ours");
            } else {
                assert_eq!(file.mode() & 0o777, 0o604, "{line}");
            }
        }
        assert_eq!(names(&at("real")), ["file"], "{line}");
    }
}

// Ignoring the signal makes a file that would become too long an error of the write; this is what a full disk is, too.
const LITTLE_ROOM: &str = "trap '' XFSZ; ulimit -f 16; exec \"$@\"";

fn large(records: usize) -> String {
    (0..records).map(|number| format!("{{\"id\":\"key{number}\",\"n\":{number}}}\n")).collect()
}

#[test]
fn a_full_disk_leaves_what_was_there_and_the_error_names_the_target() {
    let home = home();
    fs::write(home.path().join("good.ndjson"), large(1_500)).expect("the folder is writable");
    fs::write(home.path().join("bad.ndjson"), "{\"n\":1}\n".repeat(1_500)).expect("the folder is writable");
    let before = names(home.path());
    for (line, _) in writers("target.x") {
        if line.contains("schema diff") || line.contains("baseline") {
            continue;
        }
        let is_database = line.contains("new.db");
        for is_there in [false, true] {
            if is_there {
                fs::write(home.path().join("target.x"), "as before").expect("the folder is writable");
            }
            let output = ran(command(home.path(), Some(LITTLE_ROOM), &words(&line)));
            assert_eq!(status(&output), Some(2), "{line}: {}", err(&output));
            let named = err(&output).contains("target.x") || is_database && err(&output).contains("new.db");
            let in_temporary_folder = err(&output).contains("temporary files in ");
            assert!((named || in_temporary_folder) && !err(&output).contains(".tmp"), "{line}: {}", err(&output));
            if is_there {
                assert_eq!(read(&home.path().join("target.x")), "as before");
                fs::remove_file(home.path().join("target.x")).expect("it is ours");
            }
            assert_eq!(names(home.path()), before, "{line}");
        }
    }
}

#[test]
fn where_memory_ends_the_process_aborts_and_outputs_are_as_before() {
    let home = home();
    let target = home.path().join("target.json");
    fs::write(home.path().join("long.ndjson"), format!("{GOOD}{{\"id\":\"{}\"}}\n", "x".repeat(48 << 20))).expect("the folder is writable");
    fs::write(&target, "as before").expect("the folder is writable");
    let before = names(home.path());
    // How much is needed to begin with depends on the system; the record alone needs more than all of these leave.
    let abort = 6;
    let mut aborted = 0;
    for kilobytes in [300_000, 350_000, 400_000] {
        let script = format!("ulimit -v {kilobytes}; exec \"$@\"");
        let output = ran(command(home.path(), Some(&script), &words("convert long.ndjson --schema none --jobs 1 -o target.json")));
        assert!(!output.status.success(), "{}", err(&output));
        aborted += usize::from(std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(abort));
        assert_eq!((read(&target).as_str(), names(home.path())), ("as before", before.clone()), "{}", err(&output));
    }
    assert!(aborted > 0, "memory did not end");
}

#[test]
fn a_full_disk_for_a_baseline_or_temporary_files_is_named() {
    let home = home();
    let many: String = (0..5000).map(|number| format!("{{\"id\":\"key{number}\",\"n\":\"x\"}}\n")).collect();
    fs::write(home.path().join("bad.ndjson"), many).expect("the folder is writable");
    let before = names(home.path());
    let line = "check bad.ndjson --no-cache --schema s.json --baseline known.json --write-baseline";
    let output = ran(command(home.path(), Some(LITTLE_ROOM), &words(line)));
    assert_eq!(status(&output), Some(2), "{}", err(&output));
    assert!(err(&output).starts_with("error: known.json: "), "{}", err(&output));
    assert_eq!(names(home.path()), before);
    // What is held back until all records are valid goes to a temporary file when it is large.
    fs::write(home.path().join("good.ndjson"), large(100_000)).expect("the folder is writable");
    let mut convert = command(home.path(), Some(LITTLE_ROOM), &words("convert good.ndjson --schema s.json --to csv"));
    convert.env("TMPDIR", home.path());
    let output = ran(convert);
    assert_eq!((status(&output), output.stdout.len()), (Some(2), 0), "{}", err(&output));
    assert!(err(&output).contains(&format!("temporary files in {}", home.path().display())), "{}", err(&output));
    assert_eq!(names(home.path()), before);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let home = home();
    fs::write(home.path().join(".chancery-cache"), "in the way").expect("the folder is writable");
    for (input, expected) in [("good.ndjson", 0), ("bad.ndjson", 1)] {
        let output = ran(command(home.path(), None, &["check", input, "--schema", "s.json"]));
        assert_eq!(status(&output), Some(expected), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
        assert!(err(&output).starts_with("warning: the cache was not written: .chancery-cache"), "{}", err(&output));
        for flag in ["--no-cache", "-q"] {
            assert_eq!(err(&ran(command(home.path(), None, &["check", input, "--schema", "s.json", flag]))), "");
        }
    }
}

#[test]
fn an_output_below_a_file_is_an_error_that_names_it() {
    let home = home();
    for (line, _) in writers("good.ndjson/x") {
        let output = ran(command(home.path(), None, &words(&line)));
        assert_eq!(status(&output), Some(2), "{line}");
        assert!(err(&output).contains("good.ndjson/x: ") && !err(&output).contains(".tmp"), "{line}: {}", err(&output));
        assert_eq!(read(&home.path().join("good.ndjson")), GOOD);
    }
}

// Standard output and standard error.

// Every command that writes to standard output.
fn speakers() -> Vec<String> {
    let mut lines: Vec<String> = [
        "--help",
        "--version",
        "check --help",
        "load --help",
        "schema --help",
        "completions bash",
        "man",
        "formats",
        "explain S101",
        "explain good.ndjson --schema s.json",
        "schema show s.json",
        "schema check s.json",
        "schema check bad.schema.json",
        "schema docs s.json",
        "schema xsd s.json",
        "schema shape s.json",
        "schema diff s.json t.json",
        "schema sql s.json --dialect postgres",
        "fix edits.ndjson --schema s.json",
        "fix - --write --from ndjson --schema s.json",
        "init made",
        "run good.ndjson --schema s.json -o made",
        "check bad.ndjson -q --schema s.json",
        "check bad.ndjson --schema s.json",
    ]
    .map(str::to_owned)
    .into();
    lines.extend(REPORTS.map(|report| format!("check bad.ndjson --no-cache --schema s.json --report {report}")));
    lines.extend(FORMATS.map(|format| format!("convert good.ndjson --schema s.json --to {format}")));
    lines.extend(
        ["text", "json", "markdown", "ndjson"].map(|format| format!("diff good.ndjson bad.ndjson --schema s.json --format {format}")),
    );
    if cfg!(feature = "parquet") {
        lines.push("load good.ndjson --schema s.json --into arrow:-".to_owned());
    }
    if cfg!(feature = "sqlite") {
        lines.push("load good.ndjson --schema s.json --into sqlite:new.db --dry-run".to_owned());
        lines.push("load good.ndjson --schema s.json --into sqlite:new.db --migrate print".to_owned());
        lines.extend(FORMATS.map(|format| format!("export sqlite:there.db --to {format}")));
    }
    lines
}

// A directory in which all of `speakers` have something to say.
fn stage() -> TempDir {
    let home = home();
    for (name, text) in [("edits.ndjson", "{\"id\":\"c\",\"n\":\"7\"}\n"), ("bad.schema.json", r#"{"type": "objet"}"#)] {
        fs::write(home.path().join(name), text).expect("the folder is writable");
    }
    if cfg!(feature = "sqlite") {
        let output = ran(command(home.path(), None, &words("load good.ndjson --schema s.json --into sqlite:there.db")));
        assert_eq!(status(&output), Some(0), "{}", err(&output));
    }
    home
}

fn with_input(mut command: Command, line: &str) -> Command {
    if line.contains("fix - ") {
        let (input, mut writer) = std::io::pipe().expect("a pipe can be made");
        writer.write_all(b"{\"id\":\"c\",\"n\":\"7\"}\n").expect("it has room");
        command.stdin(input);
    }
    command
}

#[test]
fn standard_output_that_cannot_be_written_is_an_error_of_every_command() {
    let full = File::options().write(true).open("/dev/full").expect("the system has it");
    let home = stage();
    for line in speakers() {
        let mut command = with_input(command(home.path(), None, &words(&line)), &line);
        command.stdout(full.try_clone().expect("it is open"));
        let output = ran(command);
        assert_eq!(status(&output), Some(2), "{line}: {}", err(&output));
        // The cause, as reported by the system.
        let cause = "error: standard output: No space left on device (os error 28)\n";
        assert!(err(&output).ends_with(cause), "{line}: {}", err(&output));
    }
}

#[test]
fn a_closed_pipe_is_quiet_for_every_command() {
    let home = stage();
    for line in speakers() {
        let before = names(home.path());
        let run = |stdout: Stdio| {
            let mut command = with_input(command(home.path(), None, &words(&line)), &line);
            command.stdout(stdout);
            ran(command)
        };
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let output = run(writer.into());
        for name in names(home.path()).iter().filter(|name| !before.contains(name) && *name != "made") {
            assert_eq!(name, ".chancery-cache", "{line}");
        }
        let there = run(Stdio::piped());
        assert_eq!(status(&output), status(&there), "{line}: {}", err(&output));
        assert!(!err(&output).contains("error") && !err(&output).contains("pipe"), "{line}: {}", err(&output));
        assert!(!there.stdout.is_empty(), "{line} prints");
    }
}

// Reads one byte of what a command prints, and goes away.
fn head(mut child: Child) -> Output {
    let mut byte = [0];
    child.stdout.take().expect("it is piped").read_exact(&mut byte).expect("something is printed");
    child.wait_with_output().expect("the program ends")
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

#[test]
fn a_reader_that_goes_away_leaves_the_status_of_the_findings() {
    let home = home();
    fs::write(home.path().join("good.ndjson"), large(8_000)).expect("the folder is writable");
    fs::write(home.path().join("bad.ndjson"), format!("{{\"n\":1}}\n{}", large(8_000))).expect("the folder is writable");
    fs::write(home.path().join("worse.ndjson"), "{\"n\":[]}\n".repeat(3_000)).expect("the folder is writable");
    let mut lines = Vec::new();
    for format in FORMATS {
        lines.push((format!("convert good.ndjson --schema s.json --to {format}"), 0));
        lines.push((format!("convert bad.ndjson --schema s.json --to {format} --on-invalid skip"), 1));
        lines.push((format!("convert bad.ndjson --schema s.json --to {format} --on-invalid keep"), 1));
    }
    for report in REPORTS {
        lines.push((format!("check worse.ndjson --no-cache --schema s.json --report {report}"), 1));
    }
    lines.push(("check worse.ndjson --no-cache --schema s.json --fail-on never".to_owned(), 0));
    // What was reported to nobody is not cached.
    lines.push(("check worse.ndjson --schema s.json".to_owned(), 1));
    lines.push(("diff good.ndjson worse.ndjson --schema s.json".to_owned(), 1));
    lines.push(("diff worse.ndjson good.ndjson --schema s.json --format json".to_owned(), 1));
    if cfg!(feature = "parquet") {
        lines.push(("load bad.ndjson --schema s.json --on-invalid skip --into arrow:-".to_owned(), 1));
    }
    for (line, expected) in lines {
        let output = head(spawn(command(home.path(), None, &words(&line))));
        assert_eq!(status(&output), Some(expected), "{line}: {}", err(&output));
        assert!(!err(&output).contains("ipe") && !err(&output).contains("os error"), "{line}: {}", err(&output));
        assert_eq!(names(home.path()), ["bad.ndjson", "good.ndjson", "s.json", "t.json", "worse.ndjson"], "{line}: nothing is left");
    }
}

#[test]
fn what_nobody_reads_does_not_keep_outputs_from_being_written() {
    let home = home();
    fs::write(home.path().join("good.ndjson"), large(100)).expect("the folder is writable");
    let worse = format!("{}{}", "{\"n\":[]}\n".repeat(5_000), large(100));
    fs::write(home.path().join("worse.ndjson"), worse).expect("the folder is writable");
    let mut lines = vec![
        ("run worse.ndjson --schema s.json -o out", "out/rejects.ndjson"),
        ("check worse.ndjson --schema s.json --report plain --report json=out/report.json", "out/report.json"),
        ("check worse.ndjson --schema s.json --baseline out/known.json --write-baseline", "out/known.json"),
        ("convert worse.ndjson --schema s.json --on-invalid skip --to csv -o out/things.csv", "out/things.csv"),
        ("diff worse.ndjson good.ndjson --schema s.json -o out/diff.txt", "out/diff.txt"),
    ];
    if cfg!(feature = "sqlite") {
        lines.push(("load worse.ndjson --schema s.json --on-invalid skip --into sqlite:out/things.db", "out/things.db"));
    }
    for (line, made) in lines {
        let expected = i32::from(!line.contains("baseline"));
        let mut command = command(home.path(), None, &words(line));
        // Findings come on either stream.
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        command.stderr(writer.try_clone().expect("it is open")).stdout(writer);
        let status = command.status().expect("the program starts");
        assert_eq!(status.code(), Some(expected), "{line}");
        assert!(home.path().join(made).is_file(), "{line}");
        fs::remove_dir_all(home.path().join("out")).expect("it is ours");
    }
}

// Signals.

// A run that has read its first records and waits for more.
struct Waiting {
    child: Child,
    input: ChildStdin,
}

impl Waiting {
    // Waits until `has_begun`.
    fn new(mut command: Command, has_begun: impl Fn(u32) -> bool) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(large(10).as_bytes()).expect("it reads");
        while !has_begun(child.id()) {
            assert!(child.try_wait().expect("it is ours").is_none(), "it ended");
            std::thread::yield_now();
        }
        Self { child, input }
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    // The input stays open until the program has ended.
    fn end(self) -> Output {
        let Self { child, input } = self;
        let output = child.wait_with_output().expect("the program ends");
        drop(input);
        output
    }
}

fn temporary_files(folder: &Path) -> Vec<String> {
    if !folder.is_dir() {
        return Vec::new();
    }
    names(folder)
        .into_iter()
        .filter(|name| name.starts_with(".chancery-") && Path::new(name).extension().is_some_and(|end| end == "tmp"))
        .collect()
}

// Whether a process has an unnamed file of this directory open.
#[cfg(target_os = "linux")]
fn has_unnamed(process: u32, folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().filter_map(Result::ok);
    open.filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|file| file.starts_with(&folder) && file.to_string_lossy().ends_with(" (deleted)"))
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_in_the_making_is_not_to_be_seen_and_a_signal_leaves_nothing() {
    for (signal, expected) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let home = home();
        let out = home.path().join("out/deep");
        let waiting = Waiting::new(
            command(home.path(), None, &words("check - --from ndjson --schema s.json --report json=out/deep/report.json")),
            |process| has_unnamed(process, &out),
        );
        assert_eq!(names(&out), [""; 0]);
        waiting.send(signal);
        let output = waiting.end();
        assert_eq!(status(&output), Some(expected), "{signal}: {}", err(&output));
        assert_eq!(names(home.path()), ["bad.ndjson", "good.ndjson", "s.json", "t.json"], "{signal}");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_signal_leaves_no_named_temporary_file_either() {
    for (signal, expected) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let home = home();
        let out = home.path().join("out");
        let waiting =
            Waiting::new(command(home.path(), None, &words("load - --from ndjson --schema s.json --into sqlite:out/things.db")), |_| {
                !temporary_files(&out).is_empty()
            });
        waiting.send(signal);
        let output = waiting.end();
        assert_eq!(status(&output), Some(expected), "{signal}: {}", err(&output));
        assert_eq!(names(home.path()), ["bad.ndjson", "good.ndjson", "s.json", "t.json"], "{signal}");
    }
}

// The worker waits for input and never looks whether it has been interrupted.
#[test]
fn a_second_signal_ends_a_run_that_does_not_end_by_itself() {
    let home = home();
    let waiting = Waiting::new(
        command(home.path(), None, &words("check - --from ndjson --no-cache --schema s.json --report json=out/report.json")),
        |_| home.path().join("out").is_dir(),
    );
    waiting.send("INT");
    // It may have ended already.
    let _ = Command::new("kill").args(["-TERM", &waiting.child.id().to_string()]).stderr(Stdio::null()).status();
    let output = waiting.end();
    assert!(matches!(status(&output), Some(130 | 143)), "{:?}: {}", output.status, err(&output));
    assert_eq!(names(home.path()), ["bad.ndjson", "good.ndjson", "s.json", "t.json"]);
}

#[test]
fn a_run_that_was_started_to_outlive_its_terminal_does() {
    let home = home();
    let out = home.path().join("out");
    let line = words("check - --from ndjson --no-cache --schema s.json --report json=out/report.json");
    let waiting = Waiting::new(command(home.path(), Some("trap '' HUP; exec \"$@\""), &line), |_| out.is_dir());
    waiting.send("HUP");
    let Waiting { child, input } = waiting;
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(status(&output), Some(0), "{}", err(&output));
    assert_eq!(names(&out), ["report.json"]);
}

#[cfg(feature = "sqlite")]
#[test]
fn the_next_run_removes_what_killed_ones_have_left_and_nothing_else() {
    let home = home();
    let out = home.path().join("out");
    let own = |process: u32| {
        let start = format!(".chancery-{process}-");
        temporary_files(&out).into_iter().find(|name| name.starts_with(&start))
    };
    let load = |name: &str| {
        let dsn = format!("sqlite:out/{name}");
        let args = ["load", "-", "--from", "ndjson", "--schema", "s.json", "--into", &dsn];
        Waiting::new(command(home.path(), None, &args), |process| own(process).is_some())
    };
    let killed = load("a.db");
    killed.send("KILL");
    killed.end();
    assert_eq!(temporary_files(&out).len(), 1);
    let output = ran(command(home.path(), None, &words("convert good.ndjson --schema s.json --to json -o out/x.json")));
    assert_eq!(status(&output), Some(0), "{}", err(&output));
    assert_eq!(names(&out), ["x.json"]);
    // Names that are alike, and one of a process that lives.
    let others = [".chancery-.tmp", ".chancery-mine.tmp", ".chancery-1-2.tmp", "x.tmp", ".chancery-1-2-3-4.tmp", ".chancery-1-2-3.tmp.bak"];
    for name in others {
        fs::write(out.join(name), "x").expect("the folder is writable");
    }
    fs::create_dir(out.join(".chancery-1-2-3.tmp")).expect("the folder is writable");
    let living = load("b.db");
    let output = ran(command(home.path(), None, &words("convert good.ndjson --schema s.json --to json -o out/x.json")));
    assert_eq!(status(&output), Some(0), "{}", err(&output));
    let mut expected: Vec<String> = others.iter().map(|name| (*name).to_owned()).chain(own(living.child.id())).collect();
    expected.extend(["x.json".to_owned(), ".chancery-1-2-3.tmp".to_owned()]);
    expected.sort();
    assert_eq!(names(&out), expected);
    // The one that lives is not disturbed.
    let Waiting { child, input } = living;
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(status(&output), Some(0), "{}", err(&output));
    assert!(out.join("b.db").is_file());
}

#[test]
fn two_runs_into_a_folder_do_not_mix_their_files() {
    let home = home();
    let config = "schema = \"s.json\"\noutputs = [\"json\", \"ndjson\", \"csv\", \"xml\", \"yaml\"]\n";
    fs::write(home.path().join("chancery.toml"), config).expect("the folder is writable");
    for word in ["one", "two"] {
        let text: String = (0..200).map(|number| format!("{{\"id\":\"{word}{number}\",\"n\":{number}}}\n")).collect();
        fs::write(home.path().join(format!("{word}.ndjson")), text).expect("the folder is writable");
    }
    for _ in 0..4 {
        let both = ["one.ndjson", "two.ndjson"].map(|input| spawn(command(home.path(), None, &["run", input, "-o", "out"])));
        for child in both {
            let output = child.wait_with_output().expect("the program ends");
            assert_eq!(status(&output), Some(0), "{}", err(&output));
        }
        let files = names(&home.path().join("out"));
        let texts: Vec<String> = files.iter().map(|name| read(&home.path().join("out").join(name))).collect();
        assert!(files.iter().filter(|name| name.contains("things")).count() >= 5, "{files:?}");
        let (ones, twos) = (texts.iter().any(|text| text.contains("one17")), texts.iter().any(|text| text.contains("two17")));
        assert!(ones != twos, "one set of files is of one run");
    }
}

// Bugs in chancery, as far as they can be made: through the library, with an input whose reader panics.

struct Panicking(Option<read::Window>);

impl read::Chunker for Panicking {
    fn next_window(&mut self) -> Result<Option<read::Window>, ReadError> {
        Ok(Some(self.0.take().expect("a bug")))
    }
}

fn input(name: &str, text: &'static str, size: Option<u64>, then: fn(Box<dyn read::Chunker>) -> Box<dyn read::Chunker>) -> pipeline::Input {
    let named = name.to_owned();
    let open = move || {
        let feed = InputBuffer::new(named.as_str(), Box::new(text.as_bytes()), Position::START);
        Ok(pipeline::Opened {
            format: Format::Ndjson,
            decoded: false,
            chunker: then(read::chunker(Format::Ndjson, feed, &read::Options::default())),
        })
    };
    pipeline::Input { name: name.into(), open: Box::new(open), pipeline: 0, status: pipeline::ChangeStatus::Added, size, cached: None }
}

#[test]
fn a_panic_names_the_input_and_writes_nothing() {
    struct Nobody;
    impl pipeline::Watch for Nobody {
        fn advanced(&mut self, _: u64, _: u64) {}
    }
    let panicking: fn(Box<dyn read::Chunker>) -> Box<dyn read::Chunker> = |mut chunker| {
        let window = chunker.next_window().unwrap_or_else(|failure| panic!("{failure}"));
        Box::new(Panicking(window))
    };
    for jobs in [1, 2, 5] {
        // Small files are read by workers, others by whoever cuts.
        for size in [None, Some(10)] {
            let home = folder(&[]);
            let place = pipeline::Place::Target(OutputTarget::file(home.path().join("out/records.json")));
            let writer = chancery::write::Format::Json.writer(&chancery::write::Options::default());
            let inputs = vec![
                input("first", GOOD, size, |chunker| chunker),
                input("second", GOOD, size, panicking),
                input("third", GOOD, size, |chunker| chunker),
            ];
            let job = pipeline::Job {
                outputs: vec![pipeline::Output { writer, place }],
                rejects: Some(OutputTarget::file(home.path().join("out/rejects.ndjson"))),
                on_invalid: chancery::check::OnInvalid::Keep,
                jobs,
                ..pipeline::Job::new(inputs, vec![pipeline::RecordPipeline::default()])
            };
            let interrupted = std::sync::atomic::AtomicBool::new(false);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pipeline::run(job, &interrupted, &mut Nobody)));
            let panic = done.expect_err("the reader panics");
            let bug = panic.downcast_ref::<pipeline::bug::Bug>().expect("the input is known");
            assert_eq!((&*bug.input, &*bug.message), ("second", "a bug"), "{jobs} workers, {size:?}");
            assert_eq!(names(home.path()), [""; 0], "{jobs} workers, {size:?}");
        }
    }
}
