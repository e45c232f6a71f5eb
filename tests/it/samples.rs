//! The samples: `output/` is what `run` writes for `input/`; the same for each directory of `docs/samples`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        found.insert(name, fs::read_to_string(&path).expect("outputs are text"));
    }
    found
}

/// Runs in `home` into a new directory and compares that with `home/output`; `UPDATE=1` writes it instead.
fn check(home: &Path) {
    let made = tempfile::tempdir().expect("a folder can be made");
    let update = std::env::var_os("UPDATE").is_some();
    let folder = if update { home.join("output") } else { made.path().to_owned() };
    let run = crate::harness::program().current_dir(home).args(["run", "-o"]).arg(&folder).output().expect("the program starts");
    assert_eq!(run.status.code(), Some(0), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let (kept, made) = (files(&home.join("output")), files(&folder));
    assert_eq!(kept.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
    for (name, text) in &kept {
        assert_eq!(text, &made[name], "{name} is not what run makes; UPDATE=1 writes it anew");
    }
}

#[test]
fn output_is_what_run_makes_of_input() {
    check(Path::new(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn the_sample_with_a_schema_of_its_own() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/library"));
}
