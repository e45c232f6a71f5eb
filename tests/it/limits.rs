//! What the record limit bounds besides bytes: white space, values, columns, cells, lines and findings.

use std::fmt::Write as _;

use chancery::read::{Format, Options};

use crate::harness::{folder, run};
use crate::support::read;

// A limit of a megabyte leaves room for 65,536 values and 1,024 columns.
fn small() -> Options {
    Options { max_record_bytes: 1 << 20, ..Options::default() }
}

// The codes found, with the first byte of each place, and how many units there are.
fn codes(format: Format, text: &str) -> (Vec<(&'static str, u64)>, usize) {
    let gathered = read(format, text.as_bytes(), &small());
    let place = |diagnostic: &chancery::diagnostic::Diagnostic| diagnostic.place.locate().start.byte;
    (gathered.diagnostics.iter().map(|diagnostic| (diagnostic.rule.code, place(diagnostic))).collect(), gathered.records.len())
}

#[test]
fn white_space_around_a_document_takes_no_part_of_the_limit() {
    let blank = " \n".repeat(1 << 20);
    assert_eq!(codes(Format::Json, &format!("{blank}{{}}")), (Vec::new(), 1));
    assert_eq!(codes(Format::Json, &format!("{blank}[{{}},{{}}]{blank}")), (Vec::new(), 2));
    // What stands after it is still found, at its place.
    assert_eq!(codes(Format::Json, &format!("[{{}}]{blank}é")), (vec![("R101", 4 + (2 << 20))], 1));
}

#[test]
fn many_values_are_refused_in_every_format() {
    let many = 66_000;
    let zeros = "0,".repeat(many);
    assert_eq!(codes(Format::Json, &format!("{{\"a\":[{zeros}0]}}")), (vec![("R104", 6 + 2 * 65_533)], 1));
    // The items and lines around a rejected one are read.
    let (found, units) = codes(Format::Json, &format!("[1,[{zeros}0],2]"));
    assert_eq!((found.len(), found[0].0, units), (1, "R104", 3));
    let (found, units) = codes(Format::Ndjson, &format!("1\n[{zeros}0]\n2\n"));
    assert_eq!((found.len(), found[0].0, units), (1, "R104", 3));
    let (found, units) = codes(Format::Xml, &format!("<r><x>{}</x><x>1</x></r>", "<a/>".repeat(many)));
    assert_eq!((found, units), (vec![("R104", 3)], 2));
    let (found, units) = codes(Format::Yaml, &format!("a:\n{}", "- 1\n".repeat(many)));
    assert_eq!((found.len(), found[0].0, units), (1, "R104", 1));
    let toml = (0..many).fold(String::new(), |mut toml, number| {
        let _ = writeln!(toml, "a{number}=1");
        toml
    });
    let (found, units) = codes(Format::Toml, &toml);
    assert_eq!((found.len(), found[0].0, units), (1, "R104", 1));
}

#[test]
fn many_columns_and_cells_are_refused() {
    let (found, units) = codes(Format::Csv, &format!("{}\n1\n", ",".repeat(5_000)));
    assert_eq!((found, units), (vec![("R104", 0)], 1));
    let (found, units) = codes(Format::Csv, &format!("a,b\n1,2\n{}\n3,4\n", ",".repeat(5_000)));
    assert_eq!((found, units), (vec![("R104", 8)], 3));
    let (found, units) = codes(Format::Handbook, &"\n".repeat(500_000));
    assert_eq!((found, units), (vec![("R104", 0)], 1));
}

#[test]
fn findings_beyond_the_limit_are_counted() {
    let home = folder(&[
        ("s.json", r#"{"type":"object","properties":{"a":{"items":{"type":"string"}}}}"#),
        ("any.json", r#"{"properties":{"a":{"items":{"anyOf":[{"minimum":1},{"minimum":2},{"minimum":3},{"minimum":4}]}}}}"#),
        ("few.ndjson", &format!("{{\"a\":[{}0]}}\n", "0,".repeat(999))),
        ("many.ndjson", &format!("{{\"a\":[{}0]}}\n", "0,".repeat(4_499))),
        ("more.ndjson", &format!("{{\"a\":[{}0]}}\n", "0,".repeat(60_000))),
    ]);
    let check = |schema: &str, file: &str| {
        let ran = run(home.path(), &["check", "--no-config", "--report", "ndjson", "--schema", schema, file]);
        assert_eq!(ran.status, 1, "{}", ran.err);
        let lines: Vec<serde_json::Value> = ran.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of = |code: &str| lines.iter().filter(|line| line["code"] == code).count();
        let rendered = lines.iter().find(|line| line["code"] == "R190").map(|line| line["message"].to_string());
        (of("S103") + of("S107") + of("S111"), rendered)
    };
    assert_eq!(check("s.json", "few.ndjson"), (1000, None));
    let (listed, rendered) = check("s.json", "many.ndjson");
    assert_eq!((listed, rendered.as_deref()), (1000, Some("\"3500 more findings about this record are not listed\"")));
    // Where the validator itself had to end, the number is not claimed to be exact.
    let (listed, rendered) = check("any.json", "more.ndjson");
    assert!(listed <= 1000 && rendered.as_deref().is_some_and(|rendered| rendered.contains("at least")), "{listed}: {rendered:?}");
}

#[test]
fn repeated_members_are_each_found_once() {
    let members: Vec<String> = (0..32_000).map(|number| format!("\"a\":{number}")).collect();
    let gathered = read(Format::Json, format!("{{{}}}", members.join(",")).as_bytes(), &small());
    assert_eq!(gathered.diagnostics.len(), 31_999);
    assert!(gathered.diagnostics.iter().all(|diagnostic| diagnostic.pointer.as_deref() == Some("/a")));
}
