//! Parity: the same record with the same fault gives the same code, pointer and message in every format.
//!
//! Each directory of `tests/cases/parity` is one subject: `record.*` in as many formats as can express the fault, and
//! `expected.txt` with a line `CODE pointer message` for each finding they must all give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn findings(file: &Path, schema: Option<&Path>) -> Vec<String> {
    let mut command = crate::harness::program();
    command.args(["check", "--no-config", "--report", "ndjson"]).arg(file);
    if let Some(schema) = schema {
        command.arg("--schema").arg(schema);
    }
    let output = command.output().expect("the program starts");
    let mut found: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a report line is JSON");
            Some(format!("{} {} {}", line["code"].as_str()?, line["pointer"].as_str().unwrap_or("-"), line["message"].as_str()?))
        })
        .collect();
    assert!(!found.is_empty(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    found.sort();
    found
}

#[test]
fn the_same_fault_reads_the_same_in_every_format() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/parity");
    let mut wrong = Vec::new();
    let mut subjects = 0;
    for subject in fs::read_dir(&cases).expect("the cases are there") {
        let folder = subject.expect("the folder is readable").path();
        subjects += 1;
        let schema = Some(folder.join("schema.json")).filter(|path| path.exists());
        let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in fs::read_dir(&folder).expect("the case is readable") {
            let path = entry.expect("the case is readable").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if name.starts_with("record") {
                by_file.insert(name, findings(&path, schema.as_deref()));
            }
        }
        let expected = folder.join("expected.txt");
        if std::env::var_os("UPDATE").is_some()
            && let Some(found) = by_file.get("record.json")
        {
            fs::write(&expected, found.join("\n") + "\n").expect("the case is writable");
        }
        let expected: Vec<String> = fs::read_to_string(&expected).unwrap_or_default().lines().map(str::to_owned).collect();
        assert!(by_file.len() >= 3, "{}: a parity of fewer than three formats shows little", folder.display());
        for (name, found) in by_file {
            if found != expected {
                wrong.push(format!("{}/{name}:\n  {}\nexpected:\n  {}", folder.display(), found.join("\n  "), expected.join("\n  ")));
            }
        }
    }
    assert!(subjects >= 5, "the cases are there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
