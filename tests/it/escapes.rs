//! No output contains anything that a terminal or a CI runner would interpret, whatever data, names and schemas contain.

use std::fs;
use std::path::Path;

use chancery::report::Format;
use serde_json::Value;

use crate::harness::{self, folder, run, run_with};

// A command of each kind, and characters that change what a terminal shows.
const HOSTILE: &str =
    "##[add-matcher]x ##vso[task.setvariable]y\n::add-mask::z\n  ::error::w\u{1b}[31m\u{85}\u{9b}\u{202e}\u{2028}\u{2029}\u{feff}\u{7f}";

// The errors with an output, if anything is.
fn fault(out: &str) -> Option<String> {
    if let Some(c) = out.chars().find(|c| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{2066}'..='\u{2069}')
    }) {
        return Some(format!("{c:?}"));
    }
    let command = |line: &&str| {
        let text = line.trim_start();
        // The program's own commands are in the report for GitHub.
        let own = [
            "::error file",
            "::error title",
            "::warning file",
            "::warning title",
            "::notice file",
            "::notice title",
            "::group::chancery",
            "::endgroup::",
        ];
        // A runner looks for the older form only where a line is none of these.
        !own.iter().any(|own| text.starts_with(own)) && (line.contains("##[") || line.contains("##vso[") || text.starts_with("::"))
    };
    out.lines().find(command).map(str::to_owned)
}

fn data() -> [(&'static str, String); 6] {
    let quoted = serde_json::to_string(&HOSTILE).expect("JSON");
    let raw = HOSTILE.replace('\n', "\\n").replace('\u{1b}', "\\u001b").replace('\u{7f}', "\\u007f");
    [
        (
            "d.json",
            format!(
                "[{{\"id\":{quoted},\"n\":{quoted},{quoted}:1,\"mail\":{quoted}}},{{\"id\":\"{raw}\",\"n\":\"{raw}\",\"of\":\"{raw}\"}}]"
            ),
        ),
        ("d.ndjson", format!("{{\"id\":\"{raw}\",\"n\":\"{raw}\",\"{raw}\":1}}\n{{\"id\":\"{raw}\", ##[add-matcher]x\n::add-mask::z\n")),
        ("d.csv", format!("id,n,\"{HOSTILE}\",mail\n\"{HOSTILE}\",\"{HOSTILE}\",2,\"{HOSTILE}\"\n::add-mask::a,##[b]x\n")),
        ("d.yaml", format!("id: {quoted}\nn: {quoted}\n{quoted}: 1\nmail: '##[add-mask]x \u{202e}'\n")),
        ("d.toml", "id = \"##[x]y\"\nn = '''\n::add-mask::\u{202e}'''\n\"##[z]\" = 1\n".to_owned()),
        ("d.xml", "<r><record><id>##[x]y &#x85;</id><n>\n::add-mask::z \u{202e}</n></record></r>".to_owned()),
    ]
}

fn schema() -> String {
    let hostile = serde_json::to_string(&HOSTILE).expect("JSON");
    format!(
        "{{\"type\":\"object\",\"x-key\":\"/id\",\"title\":{hostile},\"description\":{hostile},\"required\":[\"id\",{hostile}],\"additionalProperties\":false,
        \"properties\":{{\"id\":{{\"type\":\"string\",\"description\":{hostile}}},\"n\":{{\"type\":\"integer\",\"title\":{hostile}}},
        \"mail\":{{\"x-normalise\":\"text\",\"enum\":[{hostile}],\"default\":{hostile}}},\"of\":{{\"x-references\":true}},
        \"##[p]\":{{\"const\":{hostile},\"examples\":[{hostile}]}}}}}}"
    )
}

fn home() -> tempfile::TempDir {
    let home = folder(&[
        ("s.json", &schema()),
        ("odd/::add-mask::q##[m]\u{202e}.json", "{\"n\":\"x\"}"),
        ("bad.toml", "nonsense = \"##[x]\u{202e}\"\n"),
    ]);
    for (name, text) in data() {
        fs::write(home.path().join(name), text).expect("written");
    }
    fs::write(home.path().join("t.json"), schema().replace("\"integer\"", "\"string\"")).expect("written");
    home
}

fn names() -> Vec<&'static str> {
    data().map(|(name, _)| name).into_iter().collect()
}

#[test]
fn no_report_holds_anything_to_act_upon() {
    let home = home();
    for format in Format::ALL {
        for name in names().into_iter().chain(["odd"]) {
            let ran = run(home.path(), &["check", "--no-config", "--schema", "s.json", "--report", format.name(), name]);
            assert_eq!(ran.status, 1, "{format:?} {name}: {}", ran.err);
            assert_eq!((fault(&ran.out), fault(&ran.err)), (None, None), "{format:?} {name}: {}", ran.out);
        }
    }
}

#[test]
fn escapes_in_json_leave_the_values_as_they_are() {
    let home = home();
    let ran = run(home.path(), &["check", "--no-config", "--schema", "s.json", "--report", "json", "odd"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(report["diagnostics"][0]["file"], "odd/::add-mask::q##[m]\u{202e}.json");
    let ran = run(home.path(), &["schema", "show", "s.json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).expect("JSON"), serde_json::from_str::<Value>(&schema()).expect("JSON"));
    let ran = run(home.path(), &["diff", "--no-config", "--schema", "none", "--format", "ndjson", "d.json", "d.ndjson"]);
    assert!(ran.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", ran.out);
}

#[test]
fn no_command_prints_anything_to_act_upon() {
    let home = home();
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["schema", "show", "s.json"],
        vec!["schema", "check", "s.json"],
        vec!["schema", "docs", "s.json"],
        vec!["schema", "xsd", "s.json"],
        vec!["schema", "shape", "s.json"],
        vec!["schema", "check", "odd/::add-mask::q##[m]\u{202e}.json"],
        vec!["check", "--config", "bad.toml", "d.json"],
        vec!["check", "--no-config", "absent ##[x]\u{202e}.json"],
        vec!["check", "--no-config", "--schema", "##[absent]", "d.json"],
        vec!["check", "--no-config", "-v", "--schema", "s.json", "odd"],
        vec!["check", "--no-config", "--select", "##[x]", "d.json"],
        vec!["explain", "##[x]"],
        vec!["export", "sqlite:##[x].db"],
    ];
    for format in ["text", "markdown", "json"] {
        commands.push(vec!["schema", "diff", "--format", format, "s.json", "t.json"]);
        commands.push(vec!["schema", "diff", "-v", "--format", format, "t.json", "s.json"]);
    }
    for name in names() {
        commands.push(vec!["explain", name, "--schema", "s.json"]);
        commands.push(vec!["explain", name, "--schema", "none"]);
        for format in ["text", "json", "ndjson", "markdown"] {
            for other in names() {
                commands.push(vec!["diff", "--no-config", "--schema", "none", "--format", format, name, other]);
            }
        }
        commands.push(vec!["fix", "--no-config", "--schema", "s.json", "--unsafe", "--color", "always", name]);
    }
    let mut rendered = 0;
    for command in commands {
        let ran = run(home.path(), &command);
        assert!(!ran.err.contains("panicked"), "{command:?}: {}", ran.err);
        let mut out = ran.out;
        rendered += usize::from(!out.is_empty());
        // Its own colours.
        if command.contains(&"always") {
            for color in ["\u{1b}[1m", "\u{1b}[36m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[0m"] {
                out = out.replace(color, "");
            }
        }
        assert_eq!((fault(&out), fault(&ran.err)), (None, None), "{command:?}: {out}{}", ran.err);
    }
    assert!(rendered > 100, "{rendered}");
}

#[test]
fn a_patch_in_the_log_of_a_run_is_escaped_and_one_in_a_file_can_be_applied() {
    let schema = r#"{"properties": {"mail": {"type": "string", "x-normalise": "text"}}}"#;
    let text = "{\n  ::add-mask::x\n";
    let data = "{\"mail\":\n \" x \",\n \"n\": \"##[add-matcher]y\"}\n";
    let home = folder(&[("s.json", schema), ("d.json", data), ("other", text)]);
    let fix = |ci: bool, file: Option<&Path>| {
        let mut command = harness::program();
        command.current_dir(home.path()).args(["fix", "--no-config", "--schema", "s.json", "d.json"]);
        if ci {
            command.env("CI", "true");
        }
        if let Some(file) = file {
            command.stdout(fs::File::create(file).expect("it can be made"));
        }
        let output = command.output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (text(output.stdout), text(output.stderr))
    };
    let (raw, _) = fix(false, None);
    assert!(raw.contains("##[add-matcher]y"), "{raw}");
    let (shown, warning) = fix(true, None);
    assert!(fault(&shown).is_none() && shown.contains("+ \"x\",") && warning.contains("write it to a file"), "{shown}{warning}");
    let patch = home.path().join("p.diff");
    fix(true, Some(&patch));
    assert_eq!(fs::read_to_string(patch).expect("written"), raw);
    // Nothing is escaped where nothing has to be.
    fs::write(home.path().join("d.json"), data.replace("##[", "##")).expect("written");
    assert_eq!(fix(true, None).0, fix(false, None).0);
}

#[test]
fn a_file_whose_name_begins_with_blanks_and_colons_begins_no_command() {
    let home = folder(&[("s.json", r#"{"required": ["id"]}"#), ("  ::error::x.json", "{}")]);
    let ran = run_with(home.path(), &["check", "--no-config", "--schema", "s.json", "--report", "plain", "  ::error::x.json"], b"");
    assert!(ran.status == 1 && fault(&ran.out).is_none(), "{}", ran.out);
}
