//! CSV and TSV: cells and their bytes, dialects, ragged rows, and round trips of both layouts.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::sync::Arc;

use chancery::check::{self, OnInvalid};
use chancery::diagnostic::{Diagnostic, DiagnosticSink};
use chancery::read::csv::{Cells, Dialect, package};
use chancery::read::{self, Format, RecordVisitor};
use chancery::schema::Shape;
use chancery::source::{InputBuffer, Position, Source};
use chancery::tree::{Node, Tree};
use chancery::write::csv::{Csv, Layout, Tables};
use chancery::write::{self, Files, Writer};
use proptest::prelude::*;

use crate::support::{self, Gathered};

fn tree(json: &str) -> Tree {
    support::tree("json", json)
}

#[derive(Default)]
struct Folder {
    main: Vec<u8>,
    named: BTreeMap<String, Vec<u8>>,
}

impl Files for Folder {
    fn main(&mut self) -> io::Result<&mut dyn Write> {
        Ok(&mut self.main)
    }

    fn named(&mut self, name: &str) -> io::Result<&mut dyn Write> {
        Ok(self.named.entry(name.to_owned()).or_default())
    }
}

fn write(records: &[String], options: &write::Options) -> Folder {
    let writer = Csv::new(options);
    let mut assembler = writer.output_writer();
    let mut folder = Folder::default();
    for record in records {
        let record = tree(record);
        let accepted = check::accept(&record, true, OnInvalid::Keep).expect("it is said to be valid");
        let (mut encoded, mut diagnostics) = (Vec::new(), Vec::new());
        writer.encode(accepted, &mut encoded, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assembler.record(&encoded, &mut folder).expect("memory takes all");
    }
    assembler.finish(&mut folder).expect("memory takes all");
    folder
}

fn feed(name: &str, bytes: &[u8]) -> InputBuffer {
    InputBuffer::new(name, Box::new(Cursor::new(bytes.to_vec())), Position::START)
}

fn read_package(folder: &Folder, options: &read::Options) -> Gathered {
    let descriptor = Source::whole("datapackage.json", String::from_utf8(folder.named["datapackage.json"].clone()).expect("text"));
    let mut open =
        |name: &str| folder.named.get(name).map(|bytes| feed(name, bytes)).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
    let mut chunker = match package::open(&Arc::new(descriptor), &mut open, options) {
        Ok(chunker) => chunker,
        Err(failure) => panic!("{failure:?}"),
    };
    let mut gathered = Gathered::default();
    assert!(read::read_all(&mut *chunker, &mut gathered).is_ok());
    gathered
}

// Every record comes back, and writing what came back gives the same bytes.
fn there_and_back(shape: &Arc<Shape>, records: &[String], layout: Layout, window_bytes: usize) {
    let Layout { tables, delimiter, .. } = layout;
    let shape = Arc::clone(shape);
    let options = write::Options { csv: layout, shape: Arc::clone(&shape), ..write::Options::default() };
    let from = read::Options { window_bytes, shape: Arc::clone(&shape), ..read::Options::default() };
    let again = |folder: &Folder| match tables {
        Tables::Wide => support::read(if delimiter == b'\t' { Format::Tsv } else { Format::Csv }, &folder.main, &from),
        Tables::Package => read_package(folder, &from),
    };
    let folder = write(records, &options);
    let shown = || {
        let files = folder.named.values().chain([&folder.main]);
        files.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect::<Vec<_>>().join("\n---\n")
    };
    let found = again(&folder);
    assert!(found.diagnostics.is_empty(), "{:?}\n{}", found.diagnostics, shown());
    let back: Vec<String> = found.records.into_iter().map(|record| record.expect("no record is broken")).collect();
    assert_eq!(back.len(), records.len(), "{}", shown());
    for (record, back) in records.iter().zip(&back) {
        let (expected, found) = (tree(record), tree(back));
        assert!(same(expected.root(), found.root()), "{record}\n{back}\n{}", shown());
    }
    if let ([record], [back], Tables::Wide, true) = (records, &back[..], tables, shape.root().is_any()) {
        let mut expected = Vec::new();
        write::json::compact(tree(record).root(), &mut expected);
        assert_eq!(&String::from_utf8_lossy(&expected), back, "a single record keeps the order of its members");
    }
    let second = write(&back, &options);
    assert_eq!(String::from_utf8_lossy(&folder.main), String::from_utf8_lossy(&second.main));
    assert_eq!(folder.named, second.named);
}

// As `Node::same`, with numbers by their text.
fn same(a: Node<'_>, b: Node<'_>) -> bool {
    let text = |node: Node<'_>| match node.kind() {
        chancery::tree::Kind::Number => node.text().to_owned(),
        _ => String::new(),
    };
    a.same(b)
        && text(a) == text(b)
        && a.items().zip(b.items()).all(|(a, b)| same(a, b))
        && a.members().all(|member| b.get(member.key.text()).is_some_and(|other| same(member.value, other)))
}

fn everywhere(records: &[&str]) {
    let shape = Arc::new(Shape::any());
    let records: Vec<String> = records.iter().map(|record| (*record).to_owned()).collect();
    for tables in [Tables::Wide, Tables::Package] {
        for spreadsheet_safe in [false, true] {
            for delimiter in *b",;\t|" {
                there_and_back(&shape, &records, Layout { tables, delimiter, spreadsheet_safe }, 64);
            }
        }
    }
}

#[test]
fn traps_come_back() {
    for value in [
        r#""007""#,
        r#""1460""#,
        "1.0",
        "1",
        "12345678901234567890123",
        "1e400",
        "-0",
        r#""""#,
        "null",
        "[]",
        "{}",
        r#"["a"]"#,
        "[[1],[2]]",
        "[[]]",
        r"[{}]",
        r"[null]",
        r#"[""]"#,
        r#""null""#,
        r#""true""#,
        "true",
        r#""NO""#,
        r#""2,0333""#,
        r#""1e5""#,
        r#""[]""#,
        r#""{}""#,
        r#""[1]""#,
        r#""a\r\nb""#,
        r#""\r""#,
        r#""\n""#,
        r#"" a ""#,
        r#""\t""#,
        r#""\u0000\u001f""#,
        r#""\ufffe""#,
        r#""\ufeffa""#,
        r#""e\u0301""#,
        r#""\u202eabc""#,
        r#""=1+1""#,
        r#""+1""#,
        r#""@x""#,
        r#""-5""#,
        "-5",
        r#""'a""#,
        r#""say \"hi\"""#,
        r#""\"""#,
        r##""#x""##,
        r#""a;b|c""#,
        r#"{"33":1}"#,
        r#"{"0":1,"a":2}"#,
        r#"{"a":{"b":[{"c":1},{"d":[{"e":null}]}]}}"#,
        r#"[{"a":1},{"b":[{"c":1},{"c":2}]},{}]"#,
        r#"[1,{"a":2},[3]]"#,
    ] {
        everywhere(&[&format!(r#"{{"v":{value}}}"#)]);
        everywhere(&[&format!(r#"{{"id":1,"v":{value}}}"#), "{}", r#"{"id":2}"#, r#"{"v":"x"}"#, r#"{"v":{"y":1}}"#, r#"{"v":[{"y":1}]}"#]);
        everywhere(&[value]);
    }
    for name in [
        "33",
        "a.b",
        "a/b",
        "a b",
        " a",
        "xml",
        "@id",
        "#text",
        "~0",
        "~json",
        "a~json",
        "",
        "😀",
        "a[0]",
        "_record",
        "_row",
        "_parent",
        "_position",
        "_guarded",
        "a;b",
        "a,b,c",
        "a\\tb",
        "=x",
        "'x",
        "/",
        "//",
        "a\\\"b",
        "a\\nb",
        "\\ufeffa",
        "0",
        "null",
    ] {
        everywhere(&[&format!(r#"{{"{name}":1}}"#)]);
        everywhere(&[&format!(r#"{{"x":{{"{name}":"a"}},"{name}":{{"{name}":[{{"{name}":2}}]}}}}"#), r#"{"z":1}"#]);
    }
    everywhere(&[]);
    everywhere(&["{}", "{}"]);
}

fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-c]{0,3}", "[=+@'\"',;|\t\r\n \\[\\]{}~/.0-9-]{0,4}", any::<String>()]
        .prop_map(|text| serde_json::to_string(&text).expect("text turns into JSON"));
    let name = prop_oneof!["[a-c]", "[a-c./~\\[0-2]{0,2}", "_record|_row|", any::<String>()];
    let scalar = prop_oneof![
        text,
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        Just("1.50e-7".to_owned())
    ];
    scalar.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..4).prop_map(object),
        ]
    })
}

fn object(members: Vec<(String, String)>) -> String {
    let mut seen = std::collections::HashSet::new();
    let members = members.into_iter().filter(|(name, _)| seen.insert(name.clone()));
    let members = members.map(|(name, value)| format!("{}:{value}", serde_json::to_string(&name).expect("text turns into JSON")));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

// A shape that meets the members of `json`, valid or not.
fn typed() -> Arc<Shape> {
    Arc::new(support::shape(
        r#"{"type":"object","properties":{
            "c":{"type":"string"},
            "b":{"type":"array","items":{"type":"object","properties":{"b":{"type":["string","null"]},"a":{"type":"integer"},"c":{"type":"array","items":{"type":"string"}}}}},
            "a":{"type":"object","additionalProperties":{"type":["number","string"]},"properties":{"a":{"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}]}}}
        }}"#,
    ))
}

fn with_shape(schema: &str, text: &str, records: &[&str]) {
    let options = read::Options { shape: Arc::new(support::shape(schema)), ..read::Options::default() };
    let found = support::read(Format::Csv, text.as_bytes(), &options);
    assert_eq!(found.records.iter().map(|record| record.as_deref().unwrap_or("broken")).collect::<Vec<_>>(), records, "{text}");
    assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
}

#[test]
fn the_shape_types_cells_and_splits_names() {
    let schema = r#"{"type":"object","properties":{
        "id":{"type":"string"},"year":{"type":["integer","null"]},"note":{"type":["string","null"]},"open":{"type":"boolean"},
        "contacts":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}}}}},
        "seats":{"type":"object","additionalProperties":{"type":"integer"}}}}"#;
    with_shape(
        schema,
        "id,year,note,open\n007,\"1\",null,true\n1,null,5,x\n",
        &[r#"{"id":"007","year":1,"note":null,"open":true}"#, r#"{"id":"1","year":null,"note":"5","open":"x"}"#],
    );
    for header in
        ["contacts.0.name,contacts.0.tags.0,v1.2", "contacts[0].name,contacts[0].tags[0],v1.2", "contacts/0/name,contacts/0/tags/0,/v1.2"]
    {
        with_shape(schema, &format!("{header}\n1,2,3\n"), &[r#"{"contacts":[{"name":"1","tags":["2"]}],"v1.2":3}"#]);
    }
    with_shape(schema, "id,seats/33\na,2\n", &[r#"{"id":"a","seats":{"33":2}}"#]);
    with_shape(schema, "id,contacts\na,\"[{\"\"name\"\":\"\"N\"\"}]\"\n", &[r#"{"id":"a","contacts":[{"name":"N"}]}"#]);
}

proptest! {
    #![proptest_config(crate::property::cases(256))]

    #[test]
    fn any_json_comes_back(records in prop::collection::vec(json(), 0..5), spreadsheet_safe: bool, tab: bool, window in 1_usize..200) {
        let delimiter = if tab { b'\t' } else { b',' };
        for shape in [Arc::new(Shape::any()), typed()] {
            for tables in [Tables::Wide, Tables::Package] {
                there_and_back(&shape, &records, Layout { tables, delimiter, spreadsheet_safe }, window);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(text in "[a,;\"\r\n#é]{0,60}", window in 1_usize..20) {
        let from = |window_bytes| read::Options { window_bytes, ..read::Options::default() };
        let whole = support::read(Format::Csv, text.as_bytes(), &from(1 << 20));
        let pieces = support::read(Format::Csv, text.as_bytes(), &from(window));
        prop_assert_eq!(whole.records, pieces.records);
        let codes = |diagnostics: &[Diagnostic]| diagnostics.iter().map(|diagnostic| (diagnostic.rule.code, diagnostic.place.locate())).collect::<Vec<_>>();
        prop_assert_eq!(codes(&whole.diagnostics), codes(&pieces.diagnostics));
    }
}

/// Reads and shows records, and code, line, column and covered text of each note.
fn check(text: &str, dialect: Dialect, records: &[&str], diagnostics: &[(&str, u64, u32, &str)]) {
    for window_bytes in [1, 1 << 20] {
        let options = read::Options { csv: dialect.clone(), window_bytes, ..read::Options::default() };
        let found = support::read(Format::Csv, text.as_bytes(), &options);
        let shown: Vec<&str> = found.records.iter().map(|record| record.as_deref().unwrap_or("broken")).collect();
        assert_eq!(shown, records, "{text:?}");
        let shown: Vec<_> = found
            .diagnostics
            .iter()
            .map(|diagnostic| {
                let start = diagnostic.place.locate().start;
                (diagnostic.rule.code, start.line, start.column, diagnostic.place.source.slice(diagnostic.place.span))
            })
            .collect();
        assert_eq!(shown, diagnostics, "{text:?}");
    }
}

#[test]
fn rows_are_records() {
    let plain = Dialect::default;
    check("a,b\n1,x\r\n\n2,\"y\"\n", plain(), &[r#"{"a":1,"b":"x"}"#, r#"{"a":2,"b":"y"}"#], &[]);
    check("a,b\n,\n1,\n,\"\"", plain(), &["{}", r#"{"a":1}"#, r#"{"b":""}"#], &[]);
    check("\"a\",\"b\"\n\"1\",\"\"\n", plain(), &[r#"{"a":1}"#], &[]);
    check("/x/0/n,/x/1/n,/y/z\nA,B,C\n", plain(), &[r#"{"x":[{"n":"A"},{"n":"B"}],"y":{"z":"C"}}"#], &[]);
    check("a;b\n1,5;2\n", plain(), &[r#"{"a":"1,5","b":2}"#], &[]);
    check("", plain(), &[], &[]);
    check("a,b", plain(), &[], &[]);
    check("v\na\n\nb\n", plain(), &[r#"{"v":"a"}"#, r#"{"v":"b"}"#], &[]);
    check("a\r1\r\r2\r", plain(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[]);
    check("a,b\r1,\"x\ry\"\n2,z\r\n3,w", plain(), &[r#"{"a":1,"b":"x\ry"}"#, r#"{"a":2,"b":"z"}"#, r#"{"a":3,"b":"w"}"#], &[]);
    check("/a~json,b\n\"{\"\"x\"\": [1, \"\"y\"\"]}\",2\n", plain(), &[r#"{"a":{"x":[1,"y"]},"b":2}"#], &[]);
}

#[test]
fn dialects_are_followed() {
    let with = |change: fn(&mut Dialect)| {
        let mut dialect = Dialect::default();
        change(&mut dialect);
        dialect
    };
    check("1,2\n", with(|d| d.no_header = true), &[r#"{"column1":1,"column2":2}"#], &[]);
    check("# \"x\na,b\n# y\n1,2\n", with(|d| d.comment = Some(b'#')), &[r#"{"a":1,"b":2}"#], &[]);
    check("a,b\n-,\"-\"\n", with(|d| d.null_words = vec!["-".to_owned()]), &[r#"{"a":null,"b":"-"}"#], &[]);
    check("a,b\nx; 2,y\n", with(|d| d.list_separator = Some(";".to_owned())), &[r#"{"a":["x",2],"b":"y"}"#], &[]);
    check("a,b\n1,\n", with(|d| d.cells = Cells::Text), &[r#"{"a":"1","b":""}"#], &[]);
    check("a:b\n1:2\n", with(|d| d.delimiter = Some(b':')), &[r#"{"a":1,"b":2}"#], &[]);
}

#[test]
fn faults_are_located() {
    let plain = Dialect::default;
    check("a,b\n1,2,3,4\n5,6\n", plain(), &[r#"{"a":1,"b":2}"#, r#"{"a":5,"b":6}"#], &[("R111", 2, 5, "3,4")]);
    check("a,b\n1\n", plain(), &[r#"{"a":1}"#], &[("R112", 2, 1, "1")]);
    check("a,b,a\n1,2,3\n,,4\n", plain(), &[r#"{"a":1,"a":3,"b":2}"#, r#"{"a":4}"#], &[("R110", 1, 5, "a"), ("R102", 2, 5, "3")]);
    check("a,\n1,\n", plain(), &[r#"{"a":1}"#], &[("R113", 1, 3, "")]);
    check("a,/a/b\n1,2\n3,\n,4\n", plain(), &[r#"{"a":1}"#, r#"{"a":3}"#, r#"{"a":{"b":4}}"#], &[("R114", 2, 3, "2")]);
    check("a,b\n5\" x,\"y\"z\n", plain(), &[r#"{"a":"5\" x","b":"yz"}"#], &[("R115", 2, 2, "\""), ("R115", 2, 8, "\"")]);
    check("a,b\n1,2\n3,\"4\n5,6\n", plain(), &[r#"{"a":1,"b":2}"#, "broken"], &[("R116", 3, 3, "\"")]);
    check("/a~json,b\n\"{\"\"x\"\": }\",2\n3,4\n", plain(), &["broken", r#"{"a":3,"b":4}"#], &[("R101", 2, 10, "}")]);
    check("a,b\r1,2\r3,4,5\r", plain(), &[r#"{"a":1,"b":2}"#, r#"{"a":3,"b":4}"#], &[("R111", 3, 5, "5")]);
    check("/a~json,b\n\"{\"\"x\"\":1,\"\"x\"\":2}\",2\n", plain(), &[r#"{"a":{"x":1,"x":2},"b":2}"#], &[("R102", 2, 11, "\"\"x\"\"")]);
}

/// Gathers the bytes of every node.
#[derive(Default)]
struct Spans(Vec<(String, String, u64)>);

impl DiagnosticSink for Spans {
    fn emit(&mut self, diagnostic: Diagnostic) {
        panic!("{diagnostic:?}");
    }
}

impl RecordVisitor for Spans {
    fn record(&mut self, tree: &mut Tree) {
        fn walk(node: Node<'_>, out: &mut Vec<(String, String, u64)>) {
            let mut add = |node: Node<'_>, what: &str| {
                let at = node.tree().source().locate(node.opening()).start.byte;
                out.push((format!("{what}{}", node.pointer()), node.tree().source().slice(node.opening()).to_owned(), at));
            };
            add(node, "");
            node.members().for_each(|member| add(member.key, "key "));
            node.items().chain(node.members().map(|member| member.value)).for_each(|child| walk(child, out));
        }
        walk(tree.root(), &mut self.0);
    }

    fn malformed(&mut self) {
        panic!("broken");
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        panic!("{diagnostic:?}");
    }

    fn stop(&mut self) {}
}

#[test]
fn every_node_knows_its_bytes() {
    let text = "id,\"/p/q\"\r\n1,x\r\n22,\"a \"\"b\"\"\"\r\n";
    for window_bytes in [1, 1 << 20] {
        let options = read::Options { window_bytes, ..read::Options::default() };
        let mut spans = Spans::default();
        assert!(read::read_all(&mut *read::chunker(Format::Csv, feed("t.csv", text.as_bytes()), &options), &mut spans).is_ok());
        let found: Vec<(&str, &str, u64)> = spans.0.iter().map(|(what, text, at)| (what.as_str(), text.as_str(), *at)).collect();
        assert_eq!(
            found,
            [
                ("", "1", 11),
                ("key /id", "id", 0),
                ("key /p", "\"/p/q\"", 3),
                ("/id", "1", 11),
                ("/p", "1", 11),
                ("key /p/q", "\"/p/q\"", 3),
                ("/p/q", "x", 13),
                ("", "2", 16),
                ("key /id", "id", 0),
                ("key /p", "\"/p/q\"", 3),
                ("/id", "22", 16),
                ("/p", "2", 16),
                ("key /p/q", "\"/p/q\"", 3),
                ("/p/q", "\"a \"\"b\"\"\"", 19),
            ]
        );
    }
}

#[test]
fn the_package_describes_itself() {
    let records = [r#"{"id":"a","tags":["x"],"contacts":[{"name":"N","phones":[{"n":1},{"n":2}]},{}]}"#, r#"{"id":"b","contacts":[]}"#];
    let options = write::Options { csv: Layout { tables: Tables::Package, ..Layout::default() }, ..write::Options::default() };
    let folder = write(&records.map(str::to_owned), &options);
    let text = |name: &str| String::from_utf8_lossy(&folder.named[name]).into_owned();
    assert_eq!(text("records.csv"), "_row,id,/tags/0,contacts\n1,a,x,\n2,b,,[]\n");
    assert_eq!(text("records-contacts.csv"), "_row,_parent,_position,name\n1,1,0,N\n2,1,1,\n");
    assert_eq!(text("records-contacts-phones.csv"), "_parent,_position,n\n1,0,1\n1,1,2\n");
    let description: serde_json::Value = serde_json::from_str(&text("datapackage.json")).expect("it is JSON");
    assert_eq!(description["resources"][2]["schema"]["foreignKeys"][0]["reference"]["resource"], "records-contacts");
    assert_eq!(description["resources"][0]["schema"]["primaryKey"], "_row");
}

#[test]
fn rows_without_a_parent_are_found() {
    let records = [r#"{"a":[{"b":1},{"b":2}]}"#, r#"{"a":[{"b":3}]}"#].map(str::to_owned);
    let options = write::Options { csv: Layout { tables: Tables::Package, ..Layout::default() }, ..write::Options::default() };
    let mut folder = write(&records, &options);
    folder.named.insert("records-a.csv".to_owned(), b"_parent,_position,b\n0,0,9\n1,0,1\n2,0,3\n1,1,2\n7,0,8\n".to_vec());
    let found = read_package(&folder, &read::Options::default());
    assert_eq!(found.records, [Some(r#"{"a":[{"b":1}]}"#.to_owned()), Some(r#"{"a":[{"b":3}]}"#.to_owned())]);
    let places: Vec<_> = found
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.rule.code, diagnostic.place.locate().start.line, diagnostic.place.locate().file))
        .collect();
    let file: Arc<str> = Arc::from("records-a.csv");
    assert_eq!(places, [2, 5, 6].map(|line| ("R117", line, Arc::clone(&file))));
}

#[test]
fn the_profile_comes_back() {
    let Some(folder) = support::shared("design") else { return };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the file can be read");
    let shape = Arc::new(support::shape(&text("profile.schema.json")));
    let records = vec![text("dpko.json"), r#"{"id":"x","kind":"agency","name":"X"}"#.to_owned()];
    for tables in [Tables::Wide, Tables::Package] {
        there_and_back(&shape, &records, Layout { tables, ..Layout::default() }, 64);
    }
}

#[test]
fn a_row_past_the_limit_is_refused() {
    let text = format!("a,b\n1,2\n3,\"{}\"\n5,6\n", "x".repeat(600_000));
    let options = read::Options { window_bytes: 16, max_record_bytes: 1000, ..read::Options::default() };
    let found = support::read(Format::Csv, text.as_bytes(), &options);
    assert_eq!(found.records, [Some(r#"{"a":1,"b":2}"#.to_owned()), None, Some(r#"{"a":5,"b":6}"#.to_owned())]);
    let places: Vec<_> = found.diagnostics.iter().map(|diagnostic| (diagnostic.rule.code, diagnostic.place.locate().start.line)).collect();
    assert_eq!(places, [("R104", 3)]);
}

/// Data by others: each table, and what it is to give.
#[test]
fn csv_spectrum_is_equal() {
    let Some(folder) = support::shared("data/csv-spectrum") else { return };
    let (mut passed, mut total) = (0, 0);
    let options = read::Options { csv: Dialect { cells: Cells::Text, ..Dialect::default() }, ..read::Options::default() };
    for entry in std::fs::read_dir(folder.join("csvs")).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_stem().expect("files have names").to_string_lossy().into_owned();
        let found = support::read(Format::Csv, &std::fs::read(&path).expect("the file can be read"), &options);
        let expected = std::fs::read(folder.join("json").join(format!("{name}.json"))).expect("the file can be read");
        let expected = support::read(Format::Json, &expected, &read::Options::default());
        total += 1;
        if found.records == expected.records && found.diagnostics.is_empty() {
            passed += 1;
        } else {
            eprintln!("{name}: {:?}\n  {:?}\n  {:?}", found.records, expected.records, found.diagnostics);
        }
    }
    println!("csv-spectrum: {passed} of {total}");
    assert!(total >= 11 && passed == total);
}

#[test]
fn csv_hard_loses_no_row() {
    let Some(folder) = support::shared("data/csv-hard") else { return };
    let (mut tables, mut rows) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let name = path.file_name().expect("files have names").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("the file can be read");
        let text = String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().iter().map(|byte| char::from(*byte)).collect());
        let mut dialect = Dialect::default();
        if ["matrix-with-comment.csv", "skip-blank-at-the-end.csv", "skip-rows-before-headers.csv"].contains(&&*name) {
            dialect.comment = Some(b'#');
        }
        dialect.no_header = name.ends_with("headless.csv");
        // Rows and cells by a reader that is not ours.
        let plain = support::read(Format::Csv, text.as_bytes(), &read::Options { csv: dialect.clone(), ..read::Options::default() });
        let delimiter = if text.lines().find(|line| !line.starts_with('#')).is_some_and(|line| line.contains(';')) { b';' } else { b',' };
        let mut other = csv::ReaderBuilder::new();
        other.flexible(true).has_headers(false).delimiter(delimiter).comment(dialect.comment);
        let other: Vec<csv::StringRecord> = other.from_reader(text.as_bytes()).records().map(|row| row.expect("text")).collect();
        let columns = other[0].len();
        let expected = if dialect.no_header { other.len() } else { other.len() - 1 };
        assert_eq!(plain.records.len(), expected, "{name}");
        assert!(plain.records.iter().all(Option::is_some), "{name}");
        let ragged = other.iter().filter(|row| row.len() != columns).count();
        let located = plain.diagnostics.iter().filter(|diagnostic| matches!(diagnostic.rule.code, "R111" | "R112")).count();
        assert_eq!(located, ragged, "{name}");
        tables += 1;
        rows += expected;
    }
    println!("csv-hard: {tables} tables, {rows} rows, none lost");
    assert!(tables >= 35 && rows >= 983);
}
