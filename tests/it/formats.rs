//! How input formats are detected and read, and how their top level is kept, from outside.

use super::harness::{folder, run, run_with};

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

// The status, and the report on standard output.
fn checked(home: &std::path::Path, args: &[&str], stdin: &[u8]) -> (i32, String) {
    let args: Vec<&str> = ["check", "--no-config", "--schema", "none"].iter().chain(args).copied().collect();
    let ran = run_with(home, &args, stdin);
    (ran.status, format!("{}{}", ran.out, ran.err))
}

#[test]
fn what_has_no_known_format_is_not_guessed() {
    let prose = "The office was set up in 1990.\nIt has three units.\n";
    let home = folder(&[
        ("table.psv", "a|b\n1|2\n"),
        ("README", prose),
        ("notes.txt", prose),
        ("list.txt", "milk\neggs\n"),
        ("one.txt", "Opening hours\n\nContact: the office\n"),
        ("page.txt", "Office of Examples (OEX)\n\nLocation: Nairobi, Kenya\n\nTelephone: 020 762 1234\n"),
        ("d/notes.txt", prose),
        ("d/a.json", "{\"a\":1}"),
        ("d/page.txt", "Office of Examples (OEX)\n\nLocation: Nairobi, Kenya\n\nTelephone: 020 762 1234\n"),
    ]);
    for path in ["table.psv", "README", "notes.txt", "list.txt", "one.txt", "d/notes.txt"] {
        let (status, out) = checked(home.path(), &[path], b"");
        assert_eq!(status, 2, "{path}\n{out}");
        assert!(out.contains(&format!("{path}:1:1: error[I103]")), "{out}");
        assert!(out.contains("0 records in 1 file") || out.contains("0 records in 0 files"), "{out}");
    }
    for text in ["name\nx\ny\n", prose, "x", "a|b\n1|2\n"] {
        let (status, out) = checked(home.path(), &["-"], text.as_bytes());
        assert_eq!(status, 2, "{text}\n{out}");
        assert!(out.contains("-:1:1: error[I103]"), "{out}");
    }
    // Pages of a form are read, and whatever is named a page.
    for args in [&["page.txt"][..], &["--from", "handbook", "README"]] {
        let (status, out) = checked(home.path(), args, b"");
        assert!(status < 2 && out.contains("1 record in 1 file"), "{args:?}\n{out}");
    }
    let (status, out) = checked(home.path(), &["--from", "csv", "table.psv"], b"");
    assert_eq!((status, out.as_str()), (0, "1 record in 1 file, all valid\n"));
    // In a directory they are skipped and counted.
    let (status, out) = checked(home.path(), &["d"], b"");
    assert!(status < 2 && out.contains("2 records in 2 files") && out.contains("1 file skipped"), "{status} {out}");
    let (_, report) = checked(home.path(), &["d", "--report", "json"], b"");
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(report["summary"]["skipped_files"], 1);
}

#[test]
fn other_kinds_of_files_are_named() {
    use std::io::Write as _;
    let home = folder(&[]);
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"%PDF-1.7\n%\xe2\xe3\n").expect("memory takes everything");
    let packed = packed.finish().expect("memory takes everything");
    let files: [(&str, &[u8], &str); 10] = [
        ("a.pdf", b"%PDF-1.4\nplain letters\n", "a PDF document"),
        ("b.txt", b"%PDF-1.4\nplain letters\n", "a PDF document"),
        ("c.csv", b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
        ("d.xlsx", b"PK\x03\x04\x14\0\0\0", "an Excel workbook"),
        ("f.json", b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        ("g", b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        ("h.csv.gz", &packed, "a PDF document, compressed"),
        ("i.db", b"SQLite format 3\0\x10\0", "an SQLite database"),
        ("j.tar", &tar, "a tar archive"),
        ("l.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "a document of an older Microsoft Office"),
    ];
    for (name, bytes, kind) in files {
        std::fs::write(home.path().join(name), bytes).expect("it can be written");
        let (status, out) = checked(home.path(), &[name], b"");
        assert_eq!(status, 2, "{name}\n{out}");
        assert!(out.contains("error[I104]") && out.contains(&format!(" {kind}\n")), "{name}\n{out}");
        let (status, out) = checked(home.path(), &["-"], bytes);
        assert!(status == 2 && out.contains("I104"), "{name}\n{out}");
    }
    // Word documents and HTML may be handbook pages; by their bytes alone they are not.
    for (name, bytes, code, expected) in
        [("e.docx", &b"PK\x03\x04\x14\0\0\0"[..], "R208", 1), ("k.html", &b"\n<!DOCTYPE html><p>x"[..], "I103", 2)]
    {
        std::fs::write(home.path().join(name), bytes).expect("it can be written");
        let (status, out) = checked(home.path(), &[name], b"");
        assert!(status == expected && out.contains(&format!("error[{code}]")), "{name}\n{out}");
        let (status, out) = checked(home.path(), &["-"], bytes);
        assert!(status == 2 && out.contains("error[I104]"), "{name}\n{out}");
    }
    // Markup that is called XML is XML, and what a text may begin with is read where its format is named.
    std::fs::write(home.path().join("x.xml"), "<html><p>x</p></html>").expect("it can be written");
    assert_eq!(checked(home.path(), &["x.xml"], b"").0, 0);
    assert_eq!(checked(home.path(), &["--from", "csv", "-"], b"%PDF-,b\n1,2\n").0, 0);
    let (status, out) = checked(home.path(), &["--from", "csv", "-"], b"PK\x03\x04\x14\0\0\0");
    assert!(status == 2 && out.contains("a ZIP archive"), "{out}");
}

#[test]
fn records_inside_of_each_line() {
    let home = folder(&[("s.json", r#"{"required":["id"]}"#)]);
    let lines = "{\"v\":1,\"rows\":[{\"id\":1},{\"id\":2}]}\n\n{\"v\":2,\"rows\":{\"id\":3}}\n{\"v\":3,\"rows\":[]}\n{\"v\":4,\"rows\":[{\"id\":5}]}\n";
    let to = |args: &[&str]| {
        let args: Vec<&str> = ["convert", "--no-config", "--schema", "s.json", "--from", "ndjson", "--to", "ndjson", "-"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        run_with(home.path(), &args, lines.as_bytes())
    };
    let ran = to(&["--records", "/rows"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":5}\n"), "{}", ran.err);
    // Skipped content is reported once.
    assert_eq!(ran.err, "-:1:2: note[R107] skipped content outside /rows: \"v\"\n4 records in 1 file, all valid; 1 note\n");
    assert_eq!(to(&["--records", "/rows/0"]).out, "");
    let ran = run_with(
        home.path(),
        &[
            "convert",
            "--no-config",
            "--schema",
            "s.json",
            "--from",
            "ndjson",
            "--to",
            "ndjson",
            "-",
            "--records",
            "/rows",
            "--on-invalid",
            "skip",
        ],
        b"{\"rows\":[{\"id\":1},{}]}\n{\"other\":1}\n{\"rows\":[{\"id\":2}]}\n",
    );
    assert_eq!((ran.status, ran.out.as_str()), (1, "{\"id\":1}\n{\"id\":2}\n"), "{}", ran.err);
    assert!(ran.err.contains("-:1:19: error[S101]") && ran.err.contains("-:2:1: error[R106]"), "{}", ran.err);
    assert!(ran.err.contains("4 records in 1 file: 2 valid, 2 invalid"), "{}", ran.err);
    // The whole line is a record.
    assert_eq!(to(&["--records", "", "--on-invalid", "keep"]).out.lines().count(), 4);
}

#[test]
fn the_encoding_of_an_xml_declaration_applies() {
    let home = folder(&[]);
    let xml = |encoding: &str, text: &[u8]| {
        let mut bytes = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<r><i><a>").into_bytes();
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(b"</a></i></r>");
        bytes
    };
    let to = |bytes: &[u8], args: &[&str]| {
        let args: Vec<&str> =
            ["convert", "--no-config", "--schema", "none", "--quiet", "--to", "ndjson", "-"].iter().chain(args).copied().collect();
        let ran = run_with(home.path(), &args, bytes);
        assert_eq!(ran.status, 0, "{}", ran.err);
        ran.out
    };
    let utf16 = |text: &[u8], little: bool| -> Vec<u8> {
        let text = std::str::from_utf8(text).expect("it is UTF-8");
        std::iter::once(0xFEFF)
            .chain(text.encode_utf16())
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    };
    for (bytes, expected) in [
        (xml("ISO-8859-1", b"caf\xe9"), "{\"a\":\"café\"}\n"),
        (xml("ISO-8859-1", b"\xc3\xa9"), "{\"a\":\"Ã©\"}\n"),
        (xml("windows-1251", b"\xcc\xe8\xf0"), "{\"a\":\"Мир\"}\n"),
        (xml("Shift_JIS", b"\x93\xfa"), "{\"a\":\"日\"}\n"),
        (xml("utf-8", "é".as_bytes()), "{\"a\":\"é\"}\n"),
        (utf16(&xml("UTF-16", "é".as_bytes()), true), "{\"a\":\"é\"}\n"),
        (utf16(&xml("UTF-16", "é".as_bytes()), false), "{\"a\":\"é\"}\n"),
        (utf16(&xml("utf-16be", "é".as_bytes()), false), "{\"a\":\"é\"}\n"),
        (["\u{feff}".as_bytes(), &xml("UTF-8", "é".as_bytes())].concat(), "{\"a\":\"é\"}\n"),
        (b"<?xml version='1.0'\n encoding = 'latin1' standalone=\"yes\"?><r><i><a>\xe9</a></i></r>".to_vec(), "{\"a\":\"é\"}\n"),
    ] {
        assert_eq!(to(&bytes, &[]), expected, "{}", String::from_utf8_lossy(&bytes));
    }
    // The flag overrides what the file says.
    assert_eq!(to(&xml("bogus", b"\xe9"), &["--encoding", "latin1"]), "{\"a\":\"é\"}\n");
    assert_eq!(to(&xml("ISO-8859-1", "é".as_bytes()), &["--encoding", "utf-8"]), "{\"a\":\"é\"}\n");
    let mark = "\u{feff}".as_bytes();
    for (bytes, at, what) in [
        (xml("UTF-16", b"x"), "1:31", "\"UTF-16\", but the file has one byte for each character"),
        (xml("utf-16le", b"x"), "1:31", "\"utf-16le\", but the file has one byte for each character"),
        (xml("bogus", b"x"), "1:31", "names an unknown encoding, \"bogus\""),
        ([mark, &xml("ISO-8859-1", b"x")].concat(), "1:31", "\"ISO-8859-1\", but the file begins with the byte order mark of UTF-8"),
        (utf16(&xml("UTF-8", b"x"), true), "1:31", "\"UTF-8\", but the file begins with the byte order mark of UTF-16LE"),
        (utf16(&xml("utf-16le", b"x"), false), "1:31", "\"utf-16le\", but the file begins with the byte order mark of UTF-16BE"),
    ] {
        let (status, out) = checked(home.path(), &["-"], &bytes);
        assert_eq!(status, 2, "{out}");
        assert!(out.starts_with(&format!("-:{at}: error[I105] cannot be read: the XML declaration names")) && out.contains(what), "{out}");
    }
    // Bytes that the declared encoding does not have are found at their place.
    let (status, out) = checked(home.path(), &["-"], &xml("windows-1252", b"ab\x81"));
    assert!(status < 2 || out.contains("-:2:12: error[I101]"), "{status} {out}");
    let (status, out) = checked(home.path(), &["-"], &xml("euc-jp", b"ab\xff"));
    assert!(status == 2 && out.contains("error[I101]"), "{status} {out}");
    // Places count the decoded text, and the report says so.
    let (_, report) = checked(home.path(), &["--report", "json", "-"], &xml("ISO-8859-1", b"\xe9<"));
    assert!(report.contains("decoded"), "{report}");
}

#[test]
fn dates_of_one_column_have_one_order() {
    let home = folder(&[
        ("any.json", r#"{"properties":{"d":{"x-normalise":"date"}}}"#),
        ("dmy.json", r#"{"properties":{"d":{"x-normalise":{"pass":"date","order":"dmy"}}}}"#),
        ("mdy.json", r#"{"properties":{"d":{"x-normalise":[{"pass":"date","order":"mdy"}]}}}"#),
        ("bad.json", r#"{"properties":{"d":{"x-normalise":{"pass":"date","order":"day first"}}}}"#),
        ("a.csv", "d\n26.3.1994\n1.12.1984\n4 March 1990\n1990/3/4\n"),
    ]);
    let to =
        |schema: &str| run(home.path(), &["convert", "--no-config", "a.csv", "--to", "csv", "--schema", schema, "--on-invalid", "keep"]);
    let ran = to("any.json");
    assert_eq!(ran.out, "d\n26.3.1994\n1.12.1984\n1990-03-04\n1990-03-04\n");
    assert_eq!(ran.err.matches("[N110]").count(), 2, "{}", ran.err);
    assert_eq!(to("dmy.json").out, "d\n1994-03-26\n1984-12-01\n1990-03-04\n1990-03-04\n");
    assert_eq!(to("mdy.json").out, "d\n26.3.1994\n1984-01-12\n1990-03-04\n1990-03-04\n");
    let ran = to("bad.json");
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("[C120]"), "{}", ran.err);
    let ran = run(home.path(), &["fix", "--no-config", "a.csv", "--schema", "any.json"]);
    assert!(!ran.out.contains("+1994") && !ran.out.contains("+1984") && ran.out.contains("+1990-03-04"), "{}", ran.out);
}

#[test]
fn several_telephone_numbers_are_left_as_printed() {
    let home = folder(&[("s.json", r#"{"properties":{"t":{"x-normalise":"telephone"}}}"#)]);
    for text in ["[965] 2451580, 2451588", "[66] (2) 2829161 through 2829200", "+1 212 963 4275 / 4276", "+1 212 963 4275; 963 4276"] {
        let line = format!("{{\"t\":\"{text}\"}}\n");
        let ran = run_with(
            home.path(),
            &["convert", "--no-config", "--from", "ndjson", "--to", "ndjson", "--schema", "s.json", "-"],
            line.as_bytes(),
        );
        assert_eq!((ran.status, ran.out.as_str()), (0, line.as_str()), "{}", ran.err);
        assert!(ran.err.contains("-:1:6: warning[N111]"), "{}", ran.err);
    }
    let page = "Office of Examples (OEX)\n\nLocation: Bangkok, Thailand\n\nFax: [66] (2) 2829161 through 2829200\n";
    let ran = run_with(
        home.path(),
        &["convert", "--no-config", "--from", "handbook", "--to", "ndjson", "--on-invalid", "keep", "-"],
        page.as_bytes(),
    );
    assert!(ran.out.contains("\"number\":\"[66] (2) 2829161 through 2829200\""), "{}", ran.out);
    assert!(ran.err.contains("[N111]") && ran.err.contains("[S105]"), "{}", ran.err);
}
