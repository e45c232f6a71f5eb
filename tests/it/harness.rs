//! Runs the program as a user does, and creates directories and repositories for it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a run printed, and its exit status.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// A directory with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is writable");
        fs::write(path, text).expect("the folder is writable");
    }
    folder
}

/// What a CI runner sets and the program reads; the tests may run in a workflow themselves.
const RUNNER: [&str; 8] =
    ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "NO_COLOR", "FORCE_COLOR", "GIT_PAGER_IN_USE"];

/// The program, as if started outside a CI runner.
pub fn program() -> Command {
    outside_ci(Command::new(env!("CARGO_BIN_EXE_chancery")))
}

/// A command that starts the program, as if outside a CI runner.
pub fn outside_ci(mut command: Command) -> Command {
    for variable in RUNNER {
        command.env_remove(variable);
    }
    command
}

/// Runs the program in a directory, with something on its standard input.
pub fn run_with(home: &Path, args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = program()
        .current_dir(home)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that rejects its flags does not read.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what is printed is UTF-8");
    Ran { status: output.status.code().expect("it was not killed"), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Runs the program in a directory.
pub fn run(home: &Path, args: &[&str]) -> Ran {
    run_with(home, args, b"")
}

/// A new repository with these files, committed. The user's own settings have no part in it.
pub fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    commit(folder.path(), files);
    folder
}

/// Writes these files and commits everything.
pub fn commit(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder can be made");
        fs::write(path, text).expect("it can be written");
    }
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "commit"]);
}

/// Runs git, which must succeed.
pub fn git(folder: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
