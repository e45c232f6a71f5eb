//! Properties that hold in every format: determinism, no data loss, all or nothing, bounded memory, idempotence.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn chancery(home: &Path, args: &[&str]) -> Output {
    crate::harness::program().current_dir(home).args(args).stdin(Stdio::null()).output().expect("the program starts")
}

/// Records as NDJSON: every fifth is broken in one of four ways.
fn mixed(count: usize) -> String {
    let mut text = String::new();
    for index in 0..count {
        match index % 20 {
            4 => writeln!(text, "{{\"id\":\"r-{index}\""),
            9 => writeln!(text, "{{\"id\":\"r-{index}\"}}"),
            14 => writeln!(text, "{{\"id\":\"r-0\",\"name\":\"again\"}}"),
            19 => writeln!(text, "{{\"id\":\"r-{index}\",\"name\":\"N\",\"parent\":{{\"id\":\"nobody\"}}}}"),
            _ => {
                writeln!(text, "{{\"id\":\"r-{index}\",\"name\":\"Name {index}\",\"websites\":[{{\"url\":\"www.example.org/{index}\"}}]}}")
            }
        }
        .expect("writing to a string cannot fail");
    }
    text
}

fn names(home: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(home)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder is readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_workers_and_the_order_of_paths() {
    let home = tempfile::tempdir().expect("a folder can be made");
    fs::write(home.path().join("a.ndjson"), mixed(30_000)).expect("the folder is writable");
    fs::write(home.path().join("b.ndjson"), mixed(200)).expect("the folder is writable");
    let mut seen: Option<(Vec<u8>, Vec<u8>)> = None;
    for (jobs, paths) in [("1", ["a.ndjson", "b.ndjson"]), ("4", ["a.ndjson", "b.ndjson"]), ("3", ["b.ndjson", "a.ndjson"])] {
        let ran =
            chancery(home.path(), &["convert", paths[0], paths[1], "--to", "csv", "--on-invalid", "skip", "--report", "json", "-j", jobs]);
        let now = (ran.stdout, ran.stderr);
        match &seen {
            None => seen = Some(now),
            Some(before) => assert!(*before == now, "{jobs} workers differ"),
        }
    }
    assert!(seen.is_some_and(|(out, report)| out.len() > 100_000 && report.len() > 100_000));
}

#[test]
fn every_record_read_is_written_or_rejected_with_an_error() {
    let home = tempfile::tempdir().expect("a folder can be made");
    fs::write(home.path().join("a.ndjson"), mixed(1_000)).expect("the folder is writable");
    for (on_invalid, written) in [("skip", 850), ("keep", 950), ("stop", 0)] {
        let ran = chancery(
            home.path(),
            &["convert", "a.ndjson", "--to", "ndjson", "-o", "out.ndjson", "--on-invalid", on_invalid, "--report", "json=report.json"],
        );
        assert_eq!(ran.status.code(), Some(1));
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(home.path().join("report.json")).expect("it was written")).expect("a report is JSON");
        let summary = &report["summary"];
        let number = |name: &str| summary[name].as_u64().expect("the summary has it");
        assert_eq!((number("records"), number("written")), (1_000, written), "{on_invalid}");
        assert_eq!(number("written") + number("rejected"), 1_000);
        assert_eq!(number("valid") + number("invalid"), 1_000);
        let failed: std::collections::BTreeSet<u64> = report["diagnostics"]
            .as_array()
            .expect("it is a list")
            .iter()
            .filter(|finding| finding["severity"] == "error")
            .filter_map(|finding| finding["record"]["index"].as_u64())
            .collect();
        assert_eq!(failed.len() as u64, number("invalid"));
        let lines = fs::read_to_string(home.path().join("out.ndjson")).map_or(0, |text| text.lines().count());
        assert_eq!(lines as u64, written, "{on_invalid}");
        let _ = fs::remove_file(home.path().join("out.ndjson"));
    }
}

#[test]
fn an_output_appears_whole_or_stays_as_it_was() {
    let home = tempfile::tempdir().expect("a folder can be made");
    fs::write(home.path().join("a.ndjson"), mixed(50)).expect("the folder is writable");
    fs::write(home.path().join("out.json"), "before").expect("the folder is writable");
    let ran = chancery(home.path(), &["convert", "a.ndjson", "--to", "json", "-o", "out.json"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("nothing was written"));
    assert_eq!(fs::read_to_string(home.path().join("out.json")).expect("it is there"), "before");
    assert_eq!(names(home.path()), ["a.ndjson", "out.json"], "no temporary file is left");
    // An input that ends in the middle is not a reason to write half.
    fs::write(home.path().join("cut.ndjson"), b"{\"id\":\"a\",\"name\":\"A\"}\n\xff\n").expect("the folder is writable");
    let ran = chancery(home.path(), &["convert", "cut.ndjson", "--to", "json", "-o", "out.json"]);
    assert_eq!(ran.status.code(), Some(2));
    assert_eq!(fs::read_to_string(home.path().join("out.json")).expect("it is there"), "before");
    // Nothing comes out of a pipe either.
    assert!(chancery(home.path(), &["convert", "a.ndjson", "--to", "json"]).stdout.is_empty());
}

#[cfg(unix)]
#[test]
fn a_run_that_is_broken_off_leaves_nothing() {
    let home = tempfile::tempdir().expect("a folder can be made");
    fs::write(home.path().join("out.ndjson"), "before").expect("the folder is writable");
    let mut child = crate::harness::program()
        .current_dir(home.path())
        .args(["convert", "-", "--from", "ndjson", "--to", "ndjson", "-o", "out.ndjson", "-j", "2", "-q"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let line = "{\"id\":\"a\",\"name\":\"A\"}\n".repeat(60_000);
    stdin.write_all(line.as_bytes()).expect("it reads");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill is there").success());
    // It may still wait for input; the end of it lets it see the interruption.
    let _ = stdin.write_all(line.as_bytes());
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(fs::read_to_string(home.path().join("out.ndjson")).expect("it is there"), "before");
    assert_eq!(names(home.path()), ["out.ndjson"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_check_leaves_reports_as_they_were() {
    let home = crate::harness::folder(&[("report.json", "before"), ("baseline.json", "{\"version\": 2}")]);
    let home = home.path();
    assert!(Command::new("mkfifo").arg(home.join("a.ndjson")).status().expect("mkfifo is there").success());
    let before = names(home);
    let mut child = crate::harness::program()
        .current_dir(home)
        .args(["check", "a.ndjson", "--schema", "none", "--report", "json=report.json", "--report", "html=new.html", "-j", "2", "-q"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    // Waits until the program reads.
    let mut pipe = fs::OpenOptions::new().write(true).open(home.join("a.ndjson")).expect("it is read");
    let records = "{\"id\":\"a\"}\n".repeat(10_000);
    pipe.write_all(records.as_bytes()).expect("it is read");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill is there").success());
    // There are records until nobody reads any more.
    while pipe.write_all(records.as_bytes()).is_ok() {}
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(fs::read_to_string(home.join("report.json")).expect("it is there"), "before");
    assert_eq!(names(home), before);
}

/// Where the system refuses threads, a run makes do with those that it gets.
#[cfg(target_os = "linux")]
#[test]
fn refused_threads_are_done_without() {
    let home = crate::harness::folder(&[("a.ndjson", &"{\"id\":\"a\"}\n".repeat(30_000))]);
    let run = |jobs: &str, limit: &str| {
        let script = format!("ulimit -v {limit} && exec \"$0\" convert a.ndjson --schema none --to ndjson -q -j {jobs}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_chancery")]).current_dir(home.path());
        crate::harness::outside_ci(shell).output().expect("sh is there")
    };
    let (few, many) = (run("1", "unlimited"), run("200", "2000000"));
    // Each thread takes 64 MiB of address space for its stack, so not all of them fit.
    assert_eq!((many.status.code(), String::from_utf8_lossy(&many.stderr).as_ref()), (Some(0), ""));
    assert!(few.status.success() && few.stdout == many.stdout);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let home = tempfile::tempdir().expect("a folder can be made");
    fs::write(home.path().join("a.ndjson"), "{\"id\":\"a\",\"name\":\"A\"}\n".repeat(40_000)).expect("the folder is writable");
    let mut child = crate::harness::program()
        .current_dir(home.path())
        .args(["convert", "a.ndjson", "--schema", "none", "--to", "json", "--on-invalid", "skip", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn converting_a_normal_form_to_itself_changes_no_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for format in ["json", "ndjson", "csv", "tsv", "xml", "yaml"] {
        let home = tempfile::tempdir().expect("a folder can be made");
        let first = chancery(root, &["convert", "input", "--to", format]);
        assert_eq!(first.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&first.stderr));
        let file = format!("a.{format}");
        fs::write(home.path().join(&file), &first.stdout).expect("the folder is writable");
        let second = chancery(home.path(), &["convert", &file, "--to", format, "--report", "ndjson"]);
        assert!(first.stdout == second.stdout, "{format}");
        let report = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(!report.contains("\"code\":\"N"), "{format}: nothing is left to normalise: {report}");
    }
}

/// Peak memory of a check in KiB, as the system counts it.
#[cfg(target_os = "linux")]
fn peak(home: &Path, file: &str, jobs: &str) -> Option<u64> {
    let output = Command::new("python3")
        .current_dir(home)
        .args([
            "-c",
            "import resource,subprocess,sys; subprocess.run(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
        ])
        .arg(env!("CARGO_BIN_EXE_chancery"))
        .args(["check", file, "--schema", "none", "-q", "-j", jobs])
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number of KiB")),
        Err(error) => {
            crate::support::skip("python3", error);
            None
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_depends_on_the_workers_and_not_on_the_input() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let line = "{\"id\":\"a\",\"name\":\"A name that is as long as names are\",\"list\":[1,2,3,{\"x\":\"y\"}]}";
    let item = |count: usize| vec![line; count].join(",\n");
    for (name, count) in [("small", 90_000), ("large", 540_000)] {
        fs::write(home.path().join(format!("{name}.ndjson")), format!("{line}\n").repeat(count)).expect("the folder is writable");
        fs::write(home.path().join(format!("{name}.json")), format!("[{}]", item(count))).expect("the folder is writable");
    }
    for (extension, jobs) in [("ndjson", "2"), ("json", "1")] {
        let peak = |size: &str| peak(home.path(), &format!("{size}.{extension}"), jobs);
        let (Some(small), Some(large)) = (peak("small"), peak("large")) else { return };
        // Six times the input; what differs is the allocator's doing.
        assert!(large <= small + 12 * 1024, "{extension}: {small} KiB for 8 MB, {large} KiB for 46 MB");
    }
}
