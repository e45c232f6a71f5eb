//! XML: what is read, what is rejected, and round trips.

use std::fmt::Write as _;
use std::sync::Arc;

use chancery::check::{OnInvalid, accept};
use chancery::read::records::Records;
use chancery::read::{Format, Options};
use chancery::schema::Shape;
use chancery::write::{self, Files, Writer};
use proptest::prelude::*;

use super::support;

fn rendered(text: &str, options: &Options) -> String {
    let gathered = support::read(Format::Xml, text.as_bytes(), options);
    let mut out = String::new();
    for record in &gathered.records {
        let _ = writeln!(out, "{}", record.as_deref().unwrap_or("broken"));
    }
    for diagnostic in &gathered.diagnostics {
        let at = diagnostic.place.locate();
        let _ = writeln!(out, "{} {}:{}-{}", diagnostic.rule.code, at.start.line, at.start.column, at.end.column);
    }
    out
}

fn check(text: &str, expected: &str) {
    assert_eq!(rendered(text, &Options::default()).trim_end(), expected, "{text}");
}

fn check_shape(schema: &str, text: &str, expected: &str) {
    let options = Options { shape: Arc::new(support::shape(schema)), ..Options::default() };
    assert_eq!(rendered(text, &options).trim_end(), expected, "{text}");
}

struct Memory(Vec<u8>);

impl Files for Memory {
    fn main(&mut self) -> std::io::Result<&mut dyn std::io::Write> {
        Ok(&mut self.0)
    }
    fn named(&mut self, _: &str) -> std::io::Result<&mut dyn std::io::Write> {
        Ok(&mut self.0)
    }
}

fn written(json: &str, shape: &Arc<Shape>, compact: bool) -> String {
    let writer = write::xml::Xml::new(&write::Options { shape: Arc::clone(shape), compact, ..write::Options::default() });
    let tree = support::tree("r.json", json);
    let (mut out, mut diagnostics, mut files) = (Vec::new(), Vec::new(), Memory(Vec::new()));
    writer.encode(accept(&tree, true, OnInvalid::Stop).expect("valid"), &mut out, &mut diagnostics);
    let mut assembler = writer.output_writer();
    assembler.record(&out, &mut files).expect("memory");
    assembler.finish(&mut files).expect("memory");
    String::from_utf8(files.0).expect("UTF-8")
}

fn round(json: &str, shape: &Arc<Shape>) {
    for compact in [true, false] {
        let xml = written(json, shape, compact);
        let options = Options { shape: Arc::clone(shape), ..Options::default() };
        let back = support::read(Format::Xml, xml.as_bytes(), &options);
        assert!(back.diagnostics.is_empty(), "{:?}\n{xml}", back.diagnostics);
        let small = support::read(Format::Xml, xml.as_bytes(), &Options { window_bytes: 1, ..options });
        assert_eq!(small.records, back.records, "in small windows");
        let record = back.records[0].as_deref().expect("a record");
        assert!(support::tree("a", record).root().same(support::tree("b", json).root()), "{json}\n{record}\n{xml}");
        assert_eq!(written(record, shape, compact), xml, "writing what was read of it");
    }
}

#[test]
fn documents_of_others() {
    check("<r><a><id>x</id><n>1</n></a></r>", "{\"id\":\"x\",\"n\":\"1\"}");
    check("<r><a k=\"1\">t</a></r>", "{\"@k\":\"1\",\"#text\":\"t\"}");
    check("<r><a><t>1</t><t>2</t></a></r>", "{\"t\":[\"1\",\"2\"]}");
    check("<r><a>x<id>a</id></a><b><c>1</c></b></r>", "broken\n{\"c\":\"1\"}\nR121 1:7-8");
    check("<r><a>x</b></r>", "broken\nR101 1:10-11");
    check("<!DOCTYPE r [<!ENTITY e \"x\">]><r>&e;</r>", "broken\nR120 1:1-13");
    check("", "broken\nR101 1:1-1");
    check("<r><!-- c --><a><id>1</id></a></r>", "{\"id\":\"1\"}\nR122 1:4-14");
    let schema = r#"{"type":"object","properties":{"id":{"type":"string"},"n":{"type":"integer"},
        "tags":{"type":"array","items":{"type":"string"}},
        "contacts":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"}}}}}}"#;
    check_shape(schema, "<r><a id=\"x\"><n> 1 </n></a></r>", "{\"id\":\"x\",\"n\":1}");
    check_shape(schema, "<a><id>x</id><tags>t</tags></a>", "{\"id\":\"x\",\"tags\":[\"t\"]}");
    check_shape(schema, "<a><contacts><contact><kind>k</kind></contact></contacts></a>", "{\"contacts\":[{\"kind\":\"k\"}]}");
    check_shape(schema, "<a><contacts><kind>k</kind></contacts></a>", "{\"contacts\":[{\"kind\":\"k\"}]}");
    check_shape(schema, "<a><id>x</id><id>y</id></a>", "{\"id\":\"x\",\"id\":\"y\"}\nR102 1:15-17");
}

#[test]
fn records_by_path() {
    let options = Options { records: Records::at("r/o").expect("a path"), window_bytes: 8, ..Options::default() };
    assert_eq!(rendered("<r><v>1</v><o><a>1</a></o><o><a>2</a></o></r>", &options), "{\"a\":\"1\"}\n{\"a\":\"2\"}\nR107 1:4-6\n");
}

#[test]
fn what_the_root_of_a_collection_states_is_named() {
    let rendered_so = "{\"a\":\"1\"}\nR107 1:1-3\n";
    assert_eq!(rendered("<r k=\"x\" xmlns:s=\"u\"><o><a>1</a></o></r>", &Options::default()), rendered_so);
    assert_eq!(rendered("<r xmlns:s=\"u\"><o><a>1</a></o></r>", &Options::default()), "{\"a\":\"1\"}\n");
}

#[test]
fn what_lies_outside_the_records_is_named_once() {
    let others: Vec<_> = (0..10).map(|at| format!("<m{at}/><m{at}/>")).collect();
    let others = others.concat();
    let text = format!("<r><o><a>1</a></o>{others}<o><a>2</a></o></r>");
    for window_bytes in [8, 1 << 20] {
        let options = Options { records: Records::at("r/o").expect("a path"), window_bytes, ..Options::default() };
        let diagnostics = support::read(Format::Xml, text.as_bytes(), &options).diagnostics;
        assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
        let names = r#""m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7" and 2 more"#;
        assert_eq!(diagnostics[0].message, format!("skipped content outside r/o: {names}"));
        assert_eq!(diagnostics[0].place.locate().start.column, 19);
    }
}

#[test]
fn another_version_is_reported_once_at_the_version() {
    let text = format!("<r xmlns:c=\"urn:chancery:1\" c:version=\"9\">{}</r>", "<a/>".repeat(9));
    assert_eq!(rendered(&text, &Options { window_bytes: 8, ..Options::default() }), "R123 1:40-41\n");
}

#[test]
fn one_giant_costs_itself() {
    let limited = |max_record_bytes| Options { window_bytes: 64, max_record_bytes, ..Options::default() };
    let record = |text: &str| format!("<a><id>{text}</id></a>");
    for middle in ["x".repeat(900_000), "<b>y</b>".repeat(100_000), format!("<![CDATA[{}]]>", "</a>".repeat(200))] {
        let text = format!("<r>{}{}{}</r>", record("1"), record(&middle), record("2"));
        let gathered = support::read(Format::Xml, text.as_bytes(), &limited(500));
        let records: Vec<_> = gathered.records.iter().map(Option::as_deref).collect();
        assert_eq!(records, [Some(r#"{"id":"1"}"#), None, Some(r#"{"id":"2"}"#)]);
        assert_eq!(gathered.diagnostics.iter().map(|diagnostic| diagnostic.rule.code).collect::<Vec<_>>(), ["R104"]);
        assert_eq!(gathered.diagnostics[0].place.locate().start.column, 21);
    }
    // Markup past the limit ends the reading, and says so.
    for text in [format!("<r k='{}'><a/></r>", "x".repeat(900_000)), format!("<r><a><b k='{}'/></a><a/></r>", "x".repeat(900_000))] {
        let gathered = support::read(Format::Xml, text.as_bytes(), &limited(500));
        assert!(gathered.stopped && gathered.records == [None], "{:?}", gathered.records);
        assert!(gathered.diagnostics[0].message.ends_with("the rest is not read"), "{}", gathered.diagnostics[0].message);
    }
    // Records that are small one by one are not large together.
    let text = format!("<r>{}</r>", record("1").repeat(200));
    assert_eq!(support::read(Format::Xml, text.as_bytes(), &limited(100)).records.len(), 200);
}

#[test]
fn depth_is_bounded() {
    let deep = |depth: usize| format!("<r>{}{}</r>", "<a>".repeat(depth), "</a>".repeat(depth));
    let options = Options { max_depth: 5, ..Options::default() };
    assert!(support::read(Format::Xml, deep(5).as_bytes(), &options).diagnostics.is_empty());
    assert_eq!(rendered(&deep(6), &options), "broken\nR103 1:19-22\n");
    assert_eq!(rendered(&deep(200_000), &options).lines().last(), Some("R103 1:19-22"));
}

#[test]
fn places_are_exact() {
    // A reference to no character, a byte order mark inside, a line end in a value, text over several events.
    check("<r><a>x&#1;y</a></r>", "broken\nR101 1:8-12");
    check("<r>\u{feff}<a><id>1</id></a></r>", "{\"id\":\"1\"}\nR121 1:4-5");
    check("\u{feff}<r><a><id>1</id></a></r>", "{\"id\":\"1\"}");
    check("<r><a k='1\r\n2'>a &amp;\r\n<![CDATA[<b>]]>&#33;</a></r>", "{\"@k\":\"1 2\",\"#text\":\"a &\\n<b>!\"}");
    check("\n &x;<r/>", "broken\nR101 2:2-3");
    check("<r/> <![CDATA[]]>", "broken\nR101 1:6-7");
    check("<r><a><b>x]]>y</b></a></r>", "broken\nR101 1:11-12");
    check("<r><a>x&y</a></r>", "broken\nR101 1:10-11");
    check("<r><a b='1' c='2' b='3'/></r>", "broken\nR101 1:19-20");
}

#[test]
fn duplicate_members_are_reported_as_in_json() {
    let schema = r#"{"type":"object","properties":{"id":{"type":"string"}}}"#;
    let options = Options { shape: Arc::new(support::shape(schema)), ..Options::default() };
    let xml = support::read(Format::Xml, b"<a><id>x</id><id>y</id></a>", &options).diagnostics;
    let json = support::read(Format::Json, br#"{"id":"x","id":"y"}"#, &options).diagnostics;
    let rendered = |diagnostics: &[chancery::diagnostic::Diagnostic]| {
        diagnostics
            .iter()
            .map(|diagnostic| (diagnostic.rule.code, diagnostic.message.clone(), diagnostic.label.clone(), diagnostic.help.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(rendered(&xml), rendered(&json));
    assert_eq!(xml.len(), 1);
}

#[test]
fn small_windows_change_nothing() {
    let text = "<?xml version='1.0'?>\n<r>\n<a><id>1</id></a>\n<!-- > --><a b='>'><id><![CDATA[</a>]]></id></a></r>\n";
    let small = Options { window_bytes: 1, ..Options::default() };
    assert_eq!(
        rendered(text, &small).lines().take(2).collect::<Vec<_>>(),
        rendered(text, &Options::default()).lines().take(2).collect::<Vec<_>>()
    );
}

#[test]
fn hard_values_come_back() {
    let any = Arc::new(Shape::any());
    for json in [
        "null",
        "\"\"",
        "\" \"",
        "[]",
        "{}",
        "[[]]",
        "[[1],[\"1\"]]",
        "1.0",
        "{\"a\":null,\"b\":\"\",\"c\":[],\"d\":{}}",
        r##"{"xml":1,"a b":"x","":"","c:d":true,"@x":"1","#text":"t"}"##,
        r#"{"s":"\u0000\r\n\t]]> \\u0041 \\ \uffff"}"#,
        r#"["\r","\n"," a "]"#,
        // What breaks others.
        r#"{"a":"007","b":1460,"c":"1460","d":1.0,"e":1,"f":12345678901234567890,"g":1e400,"h":-0,"i":"NO","j":"2,0333","k":"1e5"}"#,
        r##"{"33":1,"a.b":2,"a/b":3,"a b":4,"xml":5,"@id":6,"#text":7,"~0":8,"":9,"😀":10,"xmlns":11,"c:member":12}"##,
        r#"{"a":"=1","b":"+1","c":" x ","d":"\t","e":"\ufffe","f":"e\u0301","g":"\u200f","h":"2010-01","i":[[]],"j":[{}],"k":[1]}"#,
        r#"{"\u0001":"\\u","member":{"name":"x"},"name":["a"]}"#,
    ] {
        round(json, &any);
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = prop_oneof![".{0,6}", "[\\x00-\\x20\\\\u0-9&<>\\]]{0,8}", Just("\r\n".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let name = prop_oneof![text.clone(), "[a-e]".prop_map(String::from)];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_comes_back(value in value()) {
        round(&value.to_string(), &Arc::new(Shape::any()));
        let shape = r#"{"properties":{"a":{"type":["number","null"]},"b":{"type":"array","items":{"type":"boolean"}},"c":{"type":"object"},"d":{"type":["string","array"]}}}"#;
        round(&value.to_string(), &Arc::new(support::shape(shape)));
    }

    #[test]
    fn nothing_panics(at in 0usize..120, byte in 0u8..128, cut in 0usize..140, window in 1usize..64) {
        let mut bytes = b"<?xml version='1.0'?><!DOCTYPE r><r k='v'><!-- c --><a x=\"&amp;\">t&#13;<![CDATA[z]]></a><?p q?><b><c/></b></r>".to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(cut);
        support::read(Format::Xml, &bytes, &Options { window_bytes: window, ..Options::default() });
    }
}

fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0xEF, 0xBB, 0xBF, ..] => encoding_rs::UTF_8.decode(bytes).0,
        _ => {
            let head = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned();
            let label = head.split_once("encoding=").and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next());
            let encoding = label.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes())).unwrap_or(encoding_rs::UTF_8);
            let (text, _, bad) = encoding.decode(bytes);
            if bad {
                return None;
            }
            text
        }
    };
    Some(text.into_owned())
}

#[test]
fn verdicts_of_the_conformance_suite() {
    let Some(folder) = support::shared("data/xml-wellformed") else { return };
    let mut rows = csv::Reader::from_path(folder.join("verdicts.csv")).expect("readable");
    let (mut passed, mut total, mut wrong) = (0, 0, Vec::new());
    for row in rows.records().map(|row| row.expect("a row")).filter(|row| &row[5] == "no" && &row[9] == "yes") {
        let bytes = std::fs::read(folder.join("cases").join(&row[0])).expect("a case");
        // Bytes that do not decode are rejected by the opener.
        let taken = decode(&bytes).is_some_and(|text| {
            !support::read(Format::Xml, text.as_bytes(), &Options::default())
                .diagnostics
                .iter()
                .any(|diagnostic| matches!(diagnostic.rule.code, "R101" | "R120"))
        });
        total += 1;
        if taken == (&row[6] == "wf") { passed += 1 } else { wrong.push(row[0].to_owned()) }
    }
    println!("{passed}/{total}");
    assert!(wrong.is_empty() && total > 0, "{passed}/{total} {wrong:#?}");
}

// Runs xmllint in `folder`; `None`, said aloud, where it is absent.
fn xmllint(folder: &std::path::Path, args: &[&str]) -> Option<String> {
    match std::process::Command::new("xmllint").current_dir(folder).arg("--noout").args(args).output() {
        Ok(run) if run.status.success() => Some(String::new()),
        Ok(run) => Some(String::from_utf8_lossy(&run.stderr).into_owned()),
        Err(error) => {
            support::skip("xmllint", error);
            None
        }
    }
}

#[test]
fn the_xsd_takes_what_is_written() {
    let shape = Arc::new(support::shape(
        r#"{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"n":{"type":["integer","null"]},
        "tags":{"type":"array","items":{"type":"string"}},"free":true}}"#,
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let options = write::Options { shape: Arc::clone(&shape), ..write::Options::default() };
    std::fs::write(folder.path().join("a.xsd"), write::xsd::schema(&options)).expect("written");
    // What is free may bear the names of the root and of records.
    let json = r#"{"id":"x","n":null,"tags":["a"],"more":{"b":[1]},"free":{"records":{"a":1},"record":2,"c":["x"]}}"#;
    std::fs::write(folder.path().join("a.xml"), written(json, &shape, false)).expect("written");
    if let Some(errors) = xmllint(folder.path(), &["--schema", "a.xsd", "a.xml"]) {
        assert_eq!(errors, "");
    }
}

#[test]
fn profiles_keep_to_their_xsd_and_come_back() {
    let home = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str], inputs: &[std::path::PathBuf], output: &str| {
        let mut command = crate::harness::program();
        let run = command.current_dir(folder.path()).args(args).args(inputs).args(["-o", output]).output().expect("runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        std::fs::read_to_string(folder.path().join(output)).expect("written")
    };
    let mut inputs: Vec<_> = std::fs::read_dir(home.join("input")).expect("samples").map(|entry| entry.expect("readable").path()).collect();
    inputs.sort();
    assert!(inputs.len() > 5);
    let json = run(&["convert", "--to", "json"], &inputs, "a.json");
    let xml = run(&["convert", "--to", "xml"], &inputs, "a.xml");
    assert!(xml.contains("<profiles ") && xml.contains("<profile>"));
    assert_eq!(run(&["convert", "--to", "json"], &["a.xml".into()], "b.json"), json);
    assert_eq!(run(&["convert", "--to", "xml"], &["a.xml".into()], "b.xml"), xml);
    let text = std::fs::read_to_string(home.join("schemas/profile.schema.json")).expect("the schema");
    let options = write::Options { shape: Arc::new(support::shape(&text)), name: "profiles".to_owned(), ..write::Options::default() };
    std::fs::write(folder.path().join("a.xsd"), write::xsd::schema(&options)).expect("written");
    if let Some(errors) = xmllint(folder.path(), &["--schema", "a.xsd", "a.xml"]) {
        assert_eq!(errors, "");
    }
}

#[test]
fn others_take_what_is_written() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let folder = tempfile::tempdir().expect("a folder");
    let any = Arc::new(Shape::any());
    let names: Vec<String> = (0..200)
        .map(|at| {
            let json = value().new_tree(&mut runner).expect("a value").current().to_string();
            std::fs::write(folder.path().join(format!("{at}.xml")), written(&json, &any, at % 2 == 0)).expect("written");
            format!("{at}.xml")
        })
        .collect();
    if let Some(errors) = xmllint(folder.path(), &names.iter().map(String::as_str).collect::<Vec<_>>()) {
        assert_eq!(errors, "");
    }
}

#[test]
fn escapes_may_be_spelled_by_references() {
    let form = r#"<r xmlns:c="urn:chancery:1" c:version="1"><record>"#;
    check(&format!(r"{form}<a>\u0041</a></record></r>"), r#"{"a":"A"}"#);
    check(&format!(r"{form}<a>&#92;u0041</a></record></r>"), r#"{"a":"A"}"#);
    check(&format!(r#"{form}<c:member name="&#92;u0041">1</c:member></record></r>"#), r#"{"A":"1"}"#);
    check(&format!(r#"{form}<c:member name="\u0041">1</c:member><b/></record></r>"#), r#"{"A":"1","b":""}"#);
    check(r"<r><record><a>\u0041</a></record></r>", r#"{"a":"\\u0041"}"#);
}
