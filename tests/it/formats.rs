//! How inputs are told apart and taken in, and how their top level is kept, from outside.

use super::program::{folder, run, run_with};

// What `convert` writes to standard output.
fn converted(home: &std::path::Path, args: &[&str], stdin: &str) -> String {
    let args: Vec<&str> = ["convert", "--no-config", "--quiet"].iter().chain(args).copied().collect();
    let ran = run_with(home, &args, stdin.as_bytes());
    assert_eq!(ran.status, 0, "{args:?}\n{}", ran.err);
    ran.out
}

#[test]
fn the_top_level_is_kept() {
    let home = folder(&[
        ("array.schema.json", r#"{"type":"array","items":{"type":"object"}}"#),
        ("array.json", "[\n  {\n    \"a\": 1\n  }\n]\n"),
        ("object.json", "{\n  \"a\": [\n    1\n  ]\n}\n"),
        ("scalar.json", "\"x\"\n"),
        ("object.yaml", "a: 1\n"),
        ("sequence.yaml", "- a: 1\n- a: 2\n"),
        ("one.yaml", "- a: 1\n"),
        ("empty.yaml", "[]\n"),
        ("empty.json", "[]\n"),
        ("stream.yaml", "a: 1\n---\na: 2\n"),
    ]);
    let same = |file: &str, format: &str, schema: &str| {
        let text = std::fs::read_to_string(home.path().join(file)).expect("it is there");
        assert_eq!(converted(home.path(), &[file, "--to", format, "--schema", schema], ""), text, "{file}");
        assert_eq!(converted(home.path(), &["-", "--from", format, "--to", format, "--schema", schema], &text), text, "{file}");
        // Through XML and back.
        let xml = converted(home.path(), &[file, "--to", "xml", "--schema", schema], "");
        let kept = format != "yaml" || !text.contains("---");
        if kept {
            assert_eq!(converted(home.path(), &["-", "--from", "xml", "--to", format, "--schema", schema], &xml), text, "{file}");
            assert_eq!(converted(home.path(), &["-", "--from", "xml", "--to", "xml", "--schema", schema], &xml), xml, "{file}");
        }
    };
    for file in ["array.json", "object.json", "scalar.json", "empty.json"] {
        same(file, "json", "none");
    }
    same("array.json", "json", "array.schema.json");
    for file in ["object.yaml", "sequence.yaml", "one.yaml", "empty.yaml", "stream.yaml"] {
        same(file, "yaml", "none");
    }
    same("one.yaml", "yaml", "array.schema.json");
    // From one format to another.
    let to = |file: &str, format: &str| converted(home.path(), &[file, "--to", format, "--compact", "--schema", "none"], "");
    assert_eq!(to("object.yaml", "json"), "{\"a\":1}\n");
    assert_eq!(to("one.yaml", "json"), "[\n{\"a\":1}\n]\n");
    assert_eq!(to("stream.yaml", "json"), "[\n{\"a\":1},\n{\"a\":2}\n]\n");
    assert_eq!(to("array.json", "yaml"), "- a: 1\n");
    assert_eq!(to("object.json", "yaml"), "a:\n  - 1\n");
}

#[test]
fn several_inputs_lines_tables_and_places_give_lists() {
    let home = folder(&[
        ("d/a.json", "{\"a\":1}"),
        ("b.ndjson", "{\"a\":1}\n"),
        ("c.csv", "a\n1\n"),
        ("d.json", "{\"x\":{\"a\":1}}"),
        ("e.yaml", "x: {a: 1}\n---\nx: {a: 1}\n"),
    ]);
    let to = |args: &[&str], format: &str| {
        let args: Vec<&str> = args.iter().copied().chain(["--to", format, "--compact", "--schema", "none"]).collect();
        converted(home.path(), &args, "")
    };
    for path in ["d", "d/*.json", "b.ndjson", "c.csv"] {
        assert_eq!(to(&[path], "json"), "[\n{\"a\":1}\n]\n", "{path}");
        assert_eq!(to(&[path], "yaml"), "- a: 1\n", "{path}");
    }
    assert_eq!(converted(home.path(), &["d.json", "--to", "yaml", "--schema", "none", "--records", "/x"], ""), "- a: 1\n");
    assert_eq!(converted(home.path(), &["e.yaml", "--to", "yaml", "--schema", "none", "--records", "/x"], ""), "- a: 1\n- a: 1\n");
}

#[test]
fn of_a_rejected_document_nothing_is_written() {
    let home = folder(&[("s.json", r#"{"required":["b"]}"#), ("a.json", "{\"a\":1}"), ("a.yaml", "a: 1\n")]);
    for (file, format) in [("a.json", "json"), ("a.json", "yaml"), ("a.json", "xml"), ("a.yaml", "yaml")] {
        let ran = run(home.path(), &["convert", "--no-config", file, "--schema", "s.json", "--to", format, "--on-invalid", "skip"]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{file} {format}\n{}", ran.err);
    }
}

#[test]
fn items_of_a_yaml_sequence_are_records() {
    let home = folder(&[("s.json", r#"{"required":["a"]}"#), ("a.yaml", "- a: 1\n- b: 2\n- a: 3\n")]);
    let ran = run(home.path(), &["check", "--no-config", "a.yaml", "--schema", "s.json"]);
    assert_eq!(ran.out, "a.yaml:2:3: error[S101] member \"a\" is missing\n3 records in 1 file: 2 valid, 1 invalid; 1 error\n");
    let rejected =
        run(home.path(), &["convert", "--no-config", "-q", "a.yaml", "--schema", "s.json", "--to", "yaml", "--on-invalid", "skip"]);
    assert_eq!(rejected.out, "- a: 1\n- a: 3\n");
}
