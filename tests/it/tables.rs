//! Tables as found in practice, from outside: column names, preserved headers, line endings, packages.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{self, folder};

// Standard output of a conversion of `a.csv`, and its exit status.
fn convert(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = harness::program().current_dir(home).args(args).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn to(format: &str, text: &str, schema: Option<&str>) -> String {
    let home = folder(&[("a.csv", text), ("s.json", schema.unwrap_or("{}"))]);
    let schema = if schema.is_some() { "s.json" } else { "none" };
    let (status, out, err) = convert(home.path(), &["convert", "-q", "--schema", schema, "a.csv", "--to", format]);
    assert_eq!(status, Some(0), "{text:?}: {err}");
    out
}

#[test]
fn headers_are_names() {
    for text in [
        "id,Q/1,Q/2\nx,,7\ny,8,\n",
        "1/22/20,1/23/20,N/A\n1,2,3\n",
        "a.b,a/b,~,~1,0,1/2,_row,x~json,é\n1,2,3,4,5,6,7,8,9\n",
        "/~1a,/,/a/b\n1,2,3\n",
    ] {
        let text = text.replace("_row", "/_row");
        assert_eq!(to("csv", &text, None), text);
        let open = r#"{"properties": {"zz": {}}}"#;
        assert_eq!(to("csv", &text, Some(open)), text);
    }
    assert_eq!(to("ndjson", "N/A,1/22/20\n1,2\n", None), "{\"N/A\":1,\"1/22/20\":2}\n");
    let closed = r#"{"properties": {"Country/Region": {"type": "string"}, "l": {"type": "array", "items": {"properties": {"n": {}}}}},
        "additionalProperties": false}"#;
    assert_eq!(to("ndjson", "Country/Region,l/0/n\nX,1\n", Some(closed)), "{\"Country/Region\":\"X\",\"l\":[{\"n\":1}]}\n");
    assert_eq!(to("csv", "l/0/n,Country/Region\n1,X\n", Some(closed)), "l/0/n,Country/Region\n1,X\n");
}

#[test]
fn a_table_keeps_its_header() {
    for text in ["z,q,a\n1,,2\n3,,4\n", "z,q,a\n", "only\n", "b,a\n,\n", "b,a,_record\n1,2,\n,,{}\n"] {
        assert_eq!(to("csv", text, None), text, "{text:?}");
    }
    let schema = r#"{"properties": {"a": {"type": "string"}, "q": {"type": "string"}, "z": {"type": "string"}, "l": {"type": "array"}}}"#;
    for text in ["z,q,a\n1,,2\n", "z,a,q\n", "l,a\n\"[1,2]\",x\n"] {
        assert_eq!(to("csv", text, Some(schema)), text, "{text:?}");
    }
    let home = folder(&[("a.csv", "c,b\n1,\n"), ("b.csv", "a,b,c\n,,2\n")]);
    let (_, out, _) = convert(home.path(), &["convert", "-q", "--schema", "none", "a.csv", "b.csv", "--to", "csv"]);
    assert_eq!(out, "c,b,a\n1,,\n2,,\n");
    convert(home.path(), &["convert", "-q", "--schema", "none", "b.csv", "--to", "csv", "-o", "out/"]);
    assert_eq!(fs::read_to_string(home.path().join("out/records.csv")).expect("it was written"), "a,b,c\n,,2\n");
}

#[test]
fn a_lone_cr_ends_a_line() {
    assert_eq!(to("ndjson", "a,b\r1,2\r", None), "{\"a\":1,\"b\":2}\n");
    assert_eq!(to("ndjson", "a,b\r\"x\ry\",2\n3,4\r\n5,6\r", None), "{\"a\":\"x\\ry\",\"b\":2}\n{\"a\":3,\"b\":4}\n{\"a\":5,\"b\":6}\n");
    let home = folder(&[("a.tsv", "a\tb\r1\t2\r3\t4\t5\r")]);
    let (_, out, _) = convert(home.path(), &["check", "--schema", "none", "a.tsv"]);
    assert!(out.starts_with("a.tsv:3:5: error[R111]"), "{out}");
}

#[test]
fn rejects_hold_what_was_read() {
    let home = folder(&[
        ("s.json", "{\"properties\": {\"a\": {}}}"),
        ("a.csv", "a,b\n1,2,three,four\n5,6\n7,\"open\n"),
        ("b.ndjson", "{\"a\":1}\n{\"a\": kept}\n{\"a\":1,\"a\":2}\n"),
        ("c.yaml", "a: [lost\n"),
        ("d.xml", "<r><x><a>1</a>mixed</x></r>"),
    ]);
    convert(home.path(), &["run", "--schema", "s.json", "-o", "out", "a.csv", "b.ndjson", "c.yaml", "d.xml"]);
    let rejects = fs::read_to_string(home.path().join("out/rejects.ndjson")).expect("it was written");
    for part in [
        "\"record\":{\"a\":1,\"b\":2},\"unread\":[\"three\",\"four\"]",
        "\"unread\":[\"7,\\\"open\\n\"]",
        "\"unread\":[\"{\\\"a\\\": kept}\"]",
        "{\"a\":1,\"a\":2}",
        "lost",
        "mixed",
    ] {
        assert!(rejects.contains(part), "{part}\n{rejects}");
    }
}

#[test]
fn a_package_is_what_its_description_names() {
    let home = folder(&[("a.ndjson", "{\"id\":1,\"l\":[{\"x\":1}]}\n")]);
    let run = |args: &[&str]| convert(home.path(), args);
    run(&["convert", "-q", "--schema", "none", "a.ndjson", "--to", "csv", "-o", "out/"]);
    for name in ["mine.csv", "stale.json", "mine.txt"] {
        fs::write(home.path().join("out").join(name), "x\n9\n").expect("writable");
    }
    let (status, out, err) = run(&["convert", "-q", "--schema", "none", "out", "--to", "ndjson"]);
    assert_eq!((status, out.as_str()), (Some(0), "{\"id\":1,\"l\":[{\"x\":1}]}\n"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_package_does_not_lead_elsewhere() {
    let home = folder(&[("secret.csv", "a\n1\n"), ("p/in.csv", "a\n1\n")]);
    let at = home.path().join("p");
    std::os::unix::fs::symlink(home.path().join("secret.csv"), at.join("link.csv")).expect("links can be made");
    std::os::unix::fs::symlink(at.join("in.csv"), at.join("inner.csv")).expect("links can be made");
    let made = Command::new("mkfifo").arg(at.join("pipe.csv")).status().is_ok_and(|status| status.success());
    let mut refused = vec!["link.csv", "../secret.csv", "/etc/passwd", "http://example.org/a.csv"];
    if made {
        refused.push("pipe.csv");
    } else {
        crate::support::skip("mkfifo", "it cannot be run");
    }
    for (path, is_refused) in refused.into_iter().map(|path| (path, true)).chain([("inner.csv", false)]) {
        let text = format!("{{\"resources\": [{{\"name\": \"a\", \"path\": \"{path}\"}}]}}");
        fs::write(at.join("datapackage.json"), text).expect("writable");
        let (status, out, _) = convert(home.path(), &["check", "--schema", "none", "p/datapackage.json"]);
        assert_eq!((status, out.contains("R118") && out.contains(path)), (Some(i32::from(is_refused)), is_refused), "{path}: {out}");
    }
}
