//! The files that other tools use to run the program: each is read as the tool reads it, and its commands are run.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{commit, folder, git, repository, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_chancery");
const SCHEMA: &str = r#"{"x-key": "/id", "required": ["id", "name"], "properties": {"size": {"maximum": 9}}}"#;

/// The documents of a YAML file of the project.
fn yaml(name: &str) -> Vec<Value> {
    let ran = run(Path::new(ROOT), &["convert", name, "--no-config", "--schema", "none", "--records", "", "--to", "ndjson", "-o", "-"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    ran.out.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Runs the action's own step as a workflow does: `bash -e` with its inputs as variables.
fn action(home: &Path, inputs: &[(&str, &str)]) -> Output {
    let action = yaml("action.yml").remove(0);
    let step = action["runs"]["steps"].as_array().expect("steps").last().expect("a step").clone();
    let bin = home.join("runner/chancery/bin");
    std::fs::create_dir_all(&bin).expect("writable");
    std::os::unix::fs::symlink(PROGRAM, bin.join("chancery"))
        .or_else(|error| if bin.join("chancery").exists() { Ok(()) } else { Err(error) })
        .expect("writable");
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().expect("a script")]).current_dir(home);
    bash.env("RUNNER_TEMP", home.join("runner")).env_remove("GITHUB_STEP_SUMMARY");
    for (variable, wanted) in step["env"].as_object().expect("variables") {
        let input = wanted.as_str().expect("text").trim_start_matches("${{ inputs.").trim_end_matches(" }}").to_owned();
        let declared = &action["inputs"][&input];
        assert!(declared["description"].is_string(), "{input} is not declared");
        let given = inputs.iter().find(|(name, _)| *name == input).map(|(_, value)| *value);
        bash.env(variable, given.or(declared["default"].as_str()).unwrap_or_default());
    }
    bash.output().expect("bash runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_action_checks_what_its_inputs_state() {
    let home =
        folder(&[("schema.json", SCHEMA), ("data/a b.json", "{\"id\": \"a\"}"), ("more/c.json", "{\"id\": \"c\", \"name\": \"C\"}")]);
    let inputs = [("schema", "schema.json"), ("paths", "data\nmore\n"), ("sarif", "found.sarif"), ("arguments", "--fail-on\nerror")];
    let ran = action(home.path(), &inputs);
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    assert!(
        text(&ran).contains("::error file=data/a b.json,line=1,endLine=1,col=1,endColumn=2,title=S101 missing-member::"),
        "{}",
        text(&ran)
    );
    let sarif = std::fs::read_to_string(home.path().join("found.sarif")).expect("it was written");
    assert!(sarif.contains("\"S101\""));
    // What looks like a command or a flag is a path, and nothing else.
    let hostile = action(home.path(), &[("schema", "schema.json"), ("paths", "$(touch owned)\n--help\n`touch owned`; touch owned")]);
    assert_eq!(hostile.status.code(), Some(2), "{}", text(&hostile));
    assert!(!home.path().join("owned").exists());
}

#[test]
fn a_pull_request_on_fifty_files_is_reported_of_its_own_faults_only() {
    let record = |id: usize, size: usize| format!("{{\"id\": \"r{id}\", \"name\": \"R\", \"size\": {size}}}\n");
    let files: Vec<(String, String)> =
        (0..50).map(|id| (format!("data/r{id:02}.json"), record(id, if id % 5 == 0 { 10 } else { 1 }))).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    files.push(("schema.json", SCHEMA));
    files.push(("chancery.toml", "schema = \"schema.json\"\nsources = [\"data\"]\n"));
    let home = repository(&files);
    git(home.path(), &["switch", "--quiet", "--create", "topic"]);
    let inputs = [("changed-since", "main")];
    let clean = action(home.path(), &inputs);
    assert_eq!(clean.status.code(), Some(0), "{}", text(&clean));
    commit(
        home.path(),
        &[
            ("data/r07.json", &record(7, 70)),
            ("data/r10.json", &record(10, 10).replace("\"R\"", "\"Renamed\"")),
            ("data/new.json", &record(7, 1)),
        ],
    );
    let ran = text(&action(home.path(), &inputs));
    let annotated: Vec<&str> =
        ran.lines().filter(|line| line.starts_with("::error file=")).map(|line| &line[13..line.find(",line").expect("a line")]).collect();
    assert_eq!(
        annotated,
        ["data/r07.json", "data/r07.json", "data/r10.json"],
        "the duplicate key, its size, and the record that was touched:\n{ran}"
    );
}

#[test]
fn the_hooks_run() {
    let hooks = yaml(".pre-commit-hooks.yaml").remove(0);
    let home = folder(&[
        ("schema.json", SCHEMA),
        ("chancery.toml", "schema = \"schema.json\"\nsources = [\"data\"]\n"),
        ("data/a.json", "{\"id\": \"a\", \"name\": \"A\"}"),
        ("data/b.json", "{\"id\": \"a\", \"name\": \"A\"}"),
    ]);
    for (id, expected) in [("chancery", 1), ("chancery-files", 0)] {
        let hook = hooks.as_array().expect("a list").iter().find(|hook| hook["id"] == id).expect("the hook");
        assert_eq!(hook["language"], "rust");
        let mut words: Vec<&str> = hook["entry"].as_str().expect("text").split(' ').skip(1).collect();
        if hook["pass_filenames"] != false {
            words.push("data/a.json");
        }
        let ran = run(home.path(), &words);
        assert_eq!(ran.status, expected, "{id}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn the_component_names_flags_and_reports_that_exist() {
    let documents = yaml("templates/check.yml");
    let job = &documents[1]["chancery"];
    let line = job["script"].as_array().expect("lines").last().expect("a line").as_str().expect("text");
    let home = folder(&[("schema.json", SCHEMA), ("data/a.json", "{\"id\": \"a\"}")]);
    let script = line.replace(".cargo/bin/chancery", PROGRAM);
    let ran = Command::new("sh")
        .args(["-c", &script])
        .current_dir(home.path())
        .env("CHANCERY_PATHS", "data")
        .env("CHANCERY_ARGUMENTS", "--schema schema.json")
        .output()
        .expect("sh runs");
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    for report in job["artifacts"]["reports"].as_object().expect("reports").values() {
        assert!(home.path().join(report.as_str().expect("a name")).exists(), "{report}");
    }
}
