//! Runs each console block of README.md and docs/*.md and compares the output with the one shown.
//!
//! A line that begins with `$ ` is a command for `sh`, together with the lines of a here-document after it; the lines up to
//! the next command are its output, both streams. A line `...` stands for any lines. The blocks of a page share a directory,
//! which contains a copy of `input/`.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

struct Step {
    command: String,
    output: Vec<String>,
    line: usize,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    let mut document: Option<String> = None;
    for (number, line) in page.lines().enumerate() {
        if !inside {
            inside = line == "```console";
        } else if let Some(end) = &document {
            let step = steps.last_mut().expect("a here-document follows its command");
            step.command += &format!("\n{line}");
            if line == end {
                document = None;
            }
        } else if line == "```" {
            inside = false;
        } else if let Some(command) = line.strip_prefix("$ ") {
            document = command.split_once("<<").map(|(_, end)| end.trim_matches('\'').to_owned());
            steps.push(Step { command: command.to_owned(), output: Vec::new(), line: number + 1 });
        } else {
            steps
                .last_mut()
                .unwrap_or_else(|| panic!("line {}: output before a command", number + 1))
                .output
                .push(line.trim_end().to_owned());
        }
    }
    steps
}

// Whether `shown` is `found`, where a line `...` stands for any number of lines.
fn matches(shown: &[String], found: &[&str]) -> bool {
    match shown {
        [] => found.is_empty(),
        [dots, rest @ ..] if dots == "..." => (0..=found.len()).any(|skip| matches(rest, &found[skip..])),
        [line, rest @ ..] => found.first().is_some_and(|first| first == line) && matches(rest, &found[1..]),
    }
}

fn check(path: &Path) -> usize {
    let page = std::fs::read_to_string(path).expect("a readable page");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join("input");
    std::fs::create_dir(&input).expect("a new folder");
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/input")).expect("input/ exists") {
        let file = file.expect("a readable folder").path();
        if file.is_file() {
            std::fs::copy(&file, input.join(file.file_name().expect("a file has a name"))).expect("a copy");
        }
    }
    let program = Path::new(env!("CARGO_BIN_EXE_chancery")).parent().expect("a program lies in a folder");
    let search = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let steps = steps(&page);
    for step in &steps {
        let output = crate::harness::outside_ci(Command::new("sh"))
            .args(["-c", &format!("exec 2>&1\n{}", step.command)])
            .current_dir(folder.path())
            .env("PATH", &search)
            .env("NO_COLOR", "1")
            .output()
            .expect("sh starts");
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<&str> = found.lines().map(str::trim_end).collect();
        let shown = step.output.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        assert!(matches(&step.output[..shown], &lines[..end]), "{}:{}: $ {}\n{found}", path.display(), step.line, step.command);
    }
    steps.len()
}

#[test]
fn the_pages_show_what_the_program_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut run = check(&root.join("README.md"));
    let mut pages: Vec<_> =
        std::fs::read_dir(root.join("docs")).expect("docs/ exists").map(|page| page.expect("readable").path()).collect();
    pages.sort();
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        run += check(page);
    }
    println!("{run} commands run");
}
