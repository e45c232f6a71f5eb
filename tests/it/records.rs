//! Where records are: paths with wildcards and captures, in every format, and several paths over one file.

use std::fmt::Write as _;
use std::io::Cursor;

use chancery::diagnostic::Diagnostic;
use chancery::read::records::{Claim, Records, RecordsError};
use chancery::read::{self, Format, Options};
use chancery::source::{InputBuffer, Position};
use chancery::tree::{Node, Tree};
use proptest::prelude::*;

use super::harness::{folder, run};

// The paths in order, each with its index as the collection.
fn claims(paths: &[&str]) -> Records {
    let claim = |(collection, path): (usize, &&str)| Claim { path: path.parse().expect("a path"), collection, shape: None };
    Records::new(paths.iter().enumerate().map(claim).collect()).expect("paths that do not overlap")
}

fn json(tree: &Tree) -> String {
    let mut out = Vec::new();
    chancery::tree::json(tree.root(), &mut out);
    String::from_utf8(out).expect("it is text")
}

fn place(diagnostic: &Diagnostic) -> String {
    let start = diagnostic.place.locate().start;
    format!("{} {}:{} {}", diagnostic.rule.code, start.line, start.column, diagnostic.pointer.as_deref().unwrap_or("-"))
}

// The records with their collections, then how many could not be read, then the findings.
fn rendered(format: Format, text: &str, options: &Options) -> String {
    let read = read::collect(format, "input", text.as_bytes(), options).expect("it can be read");
    let mut out = String::new();
    for (record, collection) in read.records.iter().zip(&read.collections) {
        let _ = writeln!(out, "{collection} {}", json(record));
    }
    if read.broken > 0 {
        let _ = writeln!(out, "{} broken", read.broken);
    }
    for diagnostic in &read.diagnostics {
        let _ = writeln!(out, "{}", place(diagnostic));
    }
    out
}

fn at(paths: &[&str]) -> Options {
    Options { records: claims(paths), ..Options::default() }
}

fn check(format: Format, text: &str, paths: &[&str], expected: &str) {
    for window_bytes in [1, 7, 64, 1 << 20] {
        let options = Options { window_bytes, ..at(paths) };
        assert_eq!(rendered(format, text, &options), expected, "{format:?} {paths:?} by {window_bytes}: {text}");
    }
}

#[test]
fn wildcards_are_the_same_in_every_format() {
    let json = r#"{"HSAG": [{"id": "a"}, {"id": "b"}], "HSAS": [{"id": "c"}]}"#;
    let yaml = "HSAG:\n- id: a\n- id: b\nHSAS:\n  - id: c\n";
    let toml = "[[HSAG]]\nid = 'a'\n[[HSAG]]\nid = 'b'\n[[HSAS]]\nid = 'c'\n";
    let xml = "<m><HSAG><s><id>a</id></s><s><id>b</id></s></HSAG><HSAS><s><id>c</id></s></HSAS></m>";
    let captured =
        "0 {\"committee\":\"HSAG\",\"id\":\"a\"}\n0 {\"committee\":\"HSAG\",\"id\":\"b\"}\n0 {\"committee\":\"HSAS\",\"id\":\"c\"}\n";
    let plain = "0 {\"id\":\"a\"}\n0 {\"id\":\"b\"}\n0 {\"id\":\"c\"}\n";
    for (format, text) in [(Format::Json, json), (Format::Ndjson, json), (Format::Yaml, yaml), (Format::Toml, toml)] {
        check(format, text, &["/{committee}/*"], captured);
        check(format, text, &["/*/*"], plain);
    }
    check(Format::Xml, xml, &["m/{committee}/*"], captured);
    check(Format::Xml, xml, &["*/*/*"], plain);
    check(Format::Xml, xml, &["m/*/s"], plain);
}

#[test]
fn several_steps_are_captured_in_their_order() {
    let json = r#"{"x": {"m": {"k": {"id": 1}, "l": {"id": 2}}}, "y": {"n": {"k": {"id": 3}}}}"#;
    let yaml = "x:\n  m:\n    k: {id: 1}\n    l: {id: 2}\ny: {n: {k: {id: 3}}}\n";
    let toml = "[x.m.k]\nid = 1\n[x.m.l]\nid = 2\n[y.n.k]\nid = 3\n";
    let expected = "0 {\"a\":\"x\",\"b\":\"k\",\"id\":1}\n0 {\"a\":\"x\",\"b\":\"l\",\"id\":2}\n0 {\"a\":\"y\",\"b\":\"k\",\"id\":3}\n";
    for (format, text) in [(Format::Json, json), (Format::Ndjson, json), (Format::Yaml, yaml), (Format::Toml, toml)] {
        check(format, text, &["/{a}/*/{b}"], expected);
    }
    let xml = "<r><x><m><k><id>1</id></k></m></x><y><m><k><id>3</id></k></m></y></r>";
    check(Format::Xml, xml, &["r/{a}/*/{b}"], "0 {\"a\":\"x\",\"b\":\"k\",\"id\":\"1\"}\n0 {\"a\":\"y\",\"b\":\"k\",\"id\":\"3\"}\n");
    // The index of an item is an integer.
    let lists = r#"[{"rows": [{"id": 1}, {"id": 2}]}, {"rows": []}, {"rows": [{"id": 3}]}]"#;
    let expected = "0 {\"i\":0,\"j\":0,\"id\":1}\n0 {\"i\":0,\"j\":1,\"id\":2}\n0 {\"i\":2,\"j\":0,\"id\":3}\n";
    check(Format::Json, lists, &["/{i}/rows/{j}"], expected);
    check(Format::Yaml, lists, &["/{i}/rows/{j}"], expected);
}

#[test]
fn a_name_at_the_end_is_a_list_or_a_record_and_a_wildcard_is_the_record() {
    check(Format::Json, r#"{"a": [[1], 2]}"#, &["/a"], "0 [1]\n0 2\n");
    check(Format::Json, r#"{"a": [[1], 2]}"#, &["/a/*"], "0 [1]\n0 2\n");
    check(Format::Json, r#"{"a": {"id": 1}, "b": {"id": 2}}"#, &["/a"], "0 {\"id\":1}\nR107 1:18 -\n");
    check(Format::Json, r#"{"a": [1], "b": [2, 3]}"#, &["/*"], "0 [1]\n0 [2,3]\n");
    check(Format::Json, r#"{"a": [[1], [2], [3]]}"#, &["/a/1"], "0 2\nR107 1:8 -\n");
}

#[test]
fn a_file_holds_several_collections() {
    let json = r#"{"meta": 1, "persons": [{"id": "p"}], "organizations": [{"id": "o"}, {"id": "q"}], "memberships": []}"#;
    let yaml = "meta: 1\npersons: [{id: p}]\norganizations:\n- id: o\n- id: q\nmemberships: []\n";
    let paths = ["/organizations/*", "/persons/*", "/memberships/*"];
    let expected = "1 {\"id\":\"p\"}\n0 {\"id\":\"o\"}\n0 {\"id\":\"q\"}\n";
    check(Format::Json, json, &paths, &format!("{expected}R107 1:2 -\n"));
    check(Format::Ndjson, json, &paths, &format!("{expected}R107 1:2 -\n"));
    check(Format::Yaml, yaml, &paths, &format!("{expected}R107 1:1 -\n"));
    let xml = "<all><persons><p><id>p</id></p></persons><organizations><o><id>o</id></o><o><id>q</id></o></organizations></all>";
    check(Format::Xml, xml, &["all/organizations/*", "all/persons/*"], expected);
    // Lines of several kinds: each has records of one of the paths.
    check(
        Format::Ndjson,
        "{\"a\":{\"id\":1}}\n{\"b\":{\"id\":2}}\n{\"c\":3}\n",
        &["/a", "/b"],
        "0 {\"id\":1}\n1 {\"id\":2}\n1 broken\nR106 3:1 -\nR106 3:1 -\n",
    );
    // Paths of different lengths.
    let deep = r#"{"a": {"x": {"id": 1}}, "b": [{"id": 2}, {"id": 3}]}"#;
    check(Format::Json, deep, &["/a/{k}", "/b"], "0 {\"k\":\"x\",\"id\":1}\n1 {\"id\":2}\n1 {\"id\":3}\n");
    let deep = "<r><b><id>2</id></b><a><x><id>1</id></x></a><b><id>3</id></b></r>";
    check(Format::Xml, deep, &["r/a/{k}", "r/b"], "1 {\"id\":\"2\"}\n0 {\"k\":\"x\",\"id\":\"1\"}\n1 {\"id\":\"3\"}\n");
}

#[test]
fn paths_that_share_a_record_are_refused() {
    let claim = |path: &str| Claim { path: path.parse().expect("a path"), collection: 0, shape: None };
    let both = |first: &str, second: &str| Records::new(vec![claim(first), claim(second)]).map(|_| ());
    assert!(matches!(both("/persons/*", "/persons/*"), Err(RecordsError::Overlap { .. })));
    assert!(matches!(both("/persons/*", "/persons/*/names/*"), Err(RecordsError::Overlap { .. })));
    assert!(matches!(both("/{kind}/*", "/persons/{id}"), Err(RecordsError::Overlap { .. })));
    assert_eq!(both("/persons/*", "/organizations/*"), Ok(()));
}

// Where the captured member stands, and that no fix may change it.
fn captured_at(format: Format, text: &str, path: &str, window_bytes: usize) -> Vec<String> {
    let options = Options { window_bytes, ..at(&[path]) };
    let read = read::collect(format, "input", text.as_bytes(), &options).expect("it can be read");
    let member = |record: &Tree| {
        let member = record.root().members().next().expect("it is captured");
        assert!(!member.key.is_own() && !member.value.is_own());
        assert_eq!(member.key.span(), member.value.span());
        let location = record.source().locate(member.key.span());
        format!("{} {}:{}-{} {}", location.file, location.start.line, location.start.column, location.end.column, member.key.written())
    };
    read.records.iter().map(member).collect()
}

#[test]
fn a_captured_member_stands_at_its_key() {
    let json = "{\n  \"HSAG\": [\n    {\"id\": 1},\n    {\"id\": 2}\n  ],\n  \"é\\n\": [{\"id\": 3}]\n}\n";
    for window_bytes in [1, 20, 1 << 20] {
        let found = captured_at(Format::Json, json, "/{c}/*", window_bytes);
        assert_eq!(found, ["input 2:3-9 \"HSAG\"", "input 2:3-9 \"HSAG\"", "input 6:3-8 \"é\\n\""], "{window_bytes}");
        let found = captured_at(Format::Json, "[[{}],\n[{}, {}]]", "/{i}/*", window_bytes);
        assert_eq!(found, ["input 1:2-3 [", "input 2:1-2 [", "input 2:1-2 ["], "{window_bytes}");
        let xml = "<m>\n <HSAG k='>'>\n  <s><id>a</id></s>\n  <s><id>b</id></s>\n </HSAG>\n</m>";
        let found = captured_at(Format::Xml, xml, "m/{c}/s", window_bytes);
        assert_eq!(found, ["input 2:3-7 HSAG", "input 2:3-7 HSAG"], "{window_bytes}");
        let found = captured_at(Format::Xml, xml, "m/HSAG/{c}", window_bytes);
        assert_eq!(found, ["input 3:4-5 s", "input 4:4-5 s"], "{window_bytes}");
    }
    assert_eq!(captured_at(Format::Yaml, "a: 0\n'H x':\n- id: 1\n", "/{c}/*", 1 << 20), ["input 2:1-6 'H x'"]);
    assert_eq!(captured_at(Format::Toml, "[[a.b]]\nid = 1\n", "/a/{c}/*", 1 << 20), ["input 1:5-6 b"]);
}

#[test]
fn a_captured_member_that_the_record_has() {
    // With the same value it stays where it is; with another one it is a duplicate.
    check(Format::Json, r#"{"x": [{"id": 1, "c": "x"}]}"#, &["/{c}/*"], "0 {\"id\":1,\"c\":\"x\"}\n");
    check(Format::Json, r#"[{"id": 1, "i": 0.0}]"#, &["/{i}"], "0 {\"id\":1,\"i\":0.0}\n");
    for (format, text, at) in [
        (Format::Json, "{\"x\": [\n{\"id\": 1, \"c\": \"y\"}]}", "2:11"),
        (Format::Yaml, "x:\n- id: 1\n  c: y\n", "3:3"),
        (Format::Toml, "[[x]]\nid = 1\nc = 'y'\n", "3:1"),
    ] {
        check(format, text, &["/{c}/*"], &format!("0 {{\"c\":\"x\",\"id\":1,\"c\":\"y\"}}\nR102 {at} /c\n"));
        let read = read::collect(format, "input", text.as_bytes(), &at_one("/{c}/*")).expect("it can be read");
        let first = read.diagnostics[0].related[0].place.locate().start;
        assert_eq!(first.line, 1, "{format:?}");
        assert!(read.diagnostics[0].fix.is_none());
        // The validator sees the last one.
        assert_eq!(read.records[0].root().get("c").map(Node::text), Some("y"));
    }
}

fn at_one(path: &str) -> Options {
    at(&[path])
}

#[test]
fn a_path_that_leads_nowhere_says_what_is_there() {
    let message = |format: Format, text: &str, path: &str| {
        let read = read::collect(format, "input", text.as_bytes(), &at_one(path)).expect("it can be read");
        assert_eq!((read.records.len(), read.diagnostics.len()), (0, 1), "{format:?} {text}: {:?}", read.diagnostics);
        assert_eq!(read.diagnostics[0].rule.code, "R106");
        read.diagnostics[0].message.clone()
    };
    let json = r#"{"data": {"people": [], "orgs": []}}"#;
    for format in [Format::Json, Format::Yaml] {
        let found = message(format, json, "/data/persons/*");
        assert!(found.contains("\"people\", \"orgs\" in data"), "{found}");
        let found = message(format, json, "/persons");
        assert!(found.contains("\"data\""), "{found}");
        assert!(message(format, r#"{"a": 5}"#, "/a/*").contains("a number in a"));
        assert!(message(format, "{}", "/a/*").contains("an empty object"));
        assert!(message(format, "3", "/a/*").contains("/a/*: found a number"));
    }
    assert!(message(Format::Xml, "<r><people/></r>", "r/persons").contains("\"people\""));
    // What may be any number of items may be none.
    for (format, text, path) in [
        (Format::Json, "{}", "/{c}/*"),
        (Format::Json, r#"{"a": []}"#, "/a/*"),
        (Format::Yaml, "a: []", "/a"),
        (Format::Xml, "<r></r>", "r/*"),
    ] {
        check(format, text, &[path], "");
    }
}

#[test]
fn a_scalar_where_a_record_is_expected() {
    // It is a record that the schema judges, unless a member has to be put into it.
    check(Format::Json, r#"{"a": [{"id": 1}, 5]}"#, &["/a/*"], "0 {\"id\":1}\n0 5\n");
    for (format, text, line) in [
        (Format::Json, "{\"a\": [{\"id\": 1},\n5]}", "2:1"),
        (Format::Yaml, "a:\n- id: 1\n- 5\n", "3:3"),
        (Format::Toml, "a = [{id = 1},\n5]\n", "2:1"),
    ] {
        check(format, text, &["/{c}/*"], &format!("0 {{\"c\":\"a\",\"id\":1}}\n1 broken\nR106 {line} \n"));
    }
    // What paths only lead through may be anything; it lies outside.
    check(Format::Json, r#"{"v": 3, "a": [{"id": 1}]}"#, &["/{c}/*"], "0 {\"c\":\"a\",\"id\":1}\nR107 1:2 -\n");
    check(Format::Yaml, "v: 3\na: [{id: 1}]", &["/{c}/*"], "0 {\"c\":\"a\",\"id\":1}\nR107 1:1 -\n");
}

#[test]
fn hostile_names() {
    let json = r#"{"*": [{"id": 1}], "{a}": [{"id": 2}], "a/b~": [{"id": 3}], "": [{"id": 4}], "\ud83d\ude00\"\n": [{"id": 5}]}"#;
    check(
        Format::Json,
        json,
        &["/~*/*", "/~{a}/*", "/a~1b~0/*", "//*"],
        "0 {\"id\":1}\n1 {\"id\":2}\n2 {\"id\":3}\n3 {\"id\":4}\nR107 1:78 -\n",
    );
    let all = "0 {\"k\":\"*\",\"id\":1}\n0 {\"k\":\"{a}\",\"id\":2}\n0 {\"k\":\"a/b~\",\"id\":3}\n0 {\"k\":\"\",\"id\":4}\n0 {\"k\":\"😀\\\"\\n\",\"id\":5}\n";
    for format in [Format::Json, Format::Yaml, Format::Ndjson] {
        check(format, json, &["/{k}/*"], all);
    }
    check(Format::Json, r#"{"a": {"id": 1}}"#, &["/{~*~1}"], "0 {\"*/\":\"a\",\"id\":1}\n");
}

#[test]
fn members_that_lead_to_records_are_there_once() {
    for window_bytes in [1, 1 << 20] {
        let options = Options { window_bytes, ..at_one("/{c}/*") };
        let text = "{\"a\": [{\"id\": 1}],\n\"b\": [],\n\"\\u0061\": [{\"id\": 2}]}";
        assert_eq!(rendered(Format::Json, text, &options), "0 {\"c\":\"a\",\"id\":1}\n0 {\"c\":\"a\",\"id\":2}\nR102 3:1 -\n");
        let read = read::collect(Format::Json, "input", text.as_bytes(), &options).expect("it can be read");
        assert_eq!(read.diagnostics[0].related[0].place.locate().start.line, 1);
    }
}

#[test]
fn a_record_past_the_limit_costs_itself_alone() {
    let long = "x".repeat(5000);
    let text = format!("{{\"a\": [{{\"id\": 1}}, {{\"id\": \"{long}\"}}, {{\"id\": 2}}], \"b\": [\"{long}\"], \"c\": {{\"id\": 3}}}}");
    for window_bytes in [1, 300, 1 << 20] {
        let options = Options { window_bytes, max_record_bytes: 1000, ..at(&["/a/*", "/b", "/c"]) };
        let read = read::collect(Format::Json, "input", text.as_bytes(), &options).expect("it can be read");
        assert_eq!(read.records.iter().map(json).collect::<Vec<_>>(), ["{\"id\":1}", "{\"id\":2}", "{\"id\":3}"], "{window_bytes}");
        assert_eq!(read.collections, [0, 0, 2]);
        assert_eq!((read.broken, read.diagnostics.iter().all(|found| found.rule.code == "R104")), (2, true));
    }
}

// A map of lists is cut at its records wherever they are, so that no window is much larger than asked for.
#[test]
fn windows_of_a_large_map_of_lists_are_small() {
    let mut text = "{\"meta\": {\"x\": [1, \"]\"]}".to_owned();
    for list in 0..300 {
        let records: Vec<String> =
            (0..list % 7 * 20).map(|id| format!("{{\"id\": {id}, \"text\": \"}}]{}\"}}", "x".repeat(id % 40))).collect();
        let _ = write!(text, ",\n \"list {list}\": [{}]", records.join(", "));
    }
    text.push('}');
    let options = Options { window_bytes: 2000, max_record_bytes: 4000, ..at_one("/{list}/*") };
    let feed = InputBuffer::new("input", Box::new(Cursor::new(text.clone().into_bytes())), Position::START);
    let mut chunker = read::chunker(Format::Json, feed, &options);
    let mut windows = 0;
    while let Some(window) = chunker.next_window().expect("it can be read") {
        assert!(window.source.len() < 2200, "{}", window.source.len());
        windows += 1;
    }
    assert!(windows > text.len() / 2200);
    let whole = rendered(Format::Json, &text, &at_one("/{list}/*"));
    assert!(whole.lines().count() > 10_000);
    assert_eq!(rendered(Format::Json, &text, &options), whole);
}

// Everything that reading finds, with all places.
fn everything(format: Format, text: &str, options: &Options) -> String {
    fn walk(node: Node<'_>, out: &mut String) {
        let location = node.tree().source().locate(node.span());
        let _ = write!(out, " {}-{}", location.start.byte, location.end.byte);
        node.members().for_each(|member| {
            let at = member.key.tree().source().locate(member.key.span());
            let _ = write!(out, " {}:{}", at.start.line, at.start.column);
            walk(member.value, out);
        });
        node.items().for_each(|item| walk(item, out));
    }
    let read = read::collect(format, "input", text.as_bytes(), options).expect("it can be read");
    let mut out = format!("{} {}\n", read.broken, read.stopped);
    for (record, collection) in read.records.iter().zip(&read.collections) {
        let _ = write!(out, "{collection} {}", json(record));
        walk(record.root(), &mut out);
        out.push('\n');
    }
    for diagnostic in &read.diagnostics {
        let location = diagnostic.place.locate();
        let _ = write!(out, "{} {} {}-{}", place(diagnostic), diagnostic.message, location.start.byte, location.end.byte);
        diagnostic.related.iter().for_each(|related| {
            let _ = write!(out, " {:?}", related.place.locate().start);
        });
        out.push('\n');
    }
    out
}

fn same_in_windows(format: Format, text: &str, paths: &[&str]) -> Result<(), TestCaseError> {
    let whole = everything(format, text, &at(paths));
    for window_bytes in [1, 2, 5, 13, 40] {
        prop_assert_eq!(&everything(format, text, &Options { window_bytes, ..at(paths) }), &whole, "{:?} by {}", paths, window_bytes);
    }
    Ok(())
}

const PATHS: &[&[&str]] = &[
    &["/a"],
    &["/*"],
    &["/{k}"],
    &["/{k}/*"],
    &["/a/{k}/b"],
    &["/a/*", "/b"],
    &["/*/{k}/{l}"],
    &["/a/b", "/b/{k}", "/c/*/a"],
    &["/0", "/1/a"],
];

const XML_PATHS: &[&[&str]] = &[&["r/a"], &["r/*"], &["r/{k}"], &["r/{k}/{l}"], &["r/a/*", "r/b"], &["*/*/{k}"], &["r/a/b", "r/c"]];

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![Just(Value::Null), any::<i16>().prop_map(Value::from), "[a\"\\\\\\]},é\n]{0,5}".prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[abc\"é]{1,2}|[abc]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_change_nothing(value in value(), pretty: bool, paths in proptest::sample::select(PATHS)) {
        let text = if pretty { format!("\n{value:#}\r\n ") } else { value.to_string() };
        same_in_windows(Format::Json, &text, paths)?;
        same_in_windows(Format::Ndjson, &format!("{value}\n{value}\n"), paths)?;
        // A document that has been read whole gives the same records.
        let records = |format| {
            let read = read::collect(format, "input", text.as_bytes(), &at(paths)).expect("it can be read");
            let codes = read.diagnostics.iter().map(|found| (found.rule.code, found.message.clone())).collect::<Vec<_>>();
            (read.records.iter().map(json).collect::<Vec<_>>(), read.collections, codes)
        };
        prop_assert_eq!(records(Format::Json), records(Format::Yaml));
    }

    #[test]
    fn windows_change_nothing_in_broken_text(
        value in value(), cut in any::<prop::sample::Index>(), insert in "[\\[\\]{}\",:1é \n]{0,3}", paths in proptest::sample::select(PATHS),
    ) {
        let text = value.to_string();
        let mut at = cut.index(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        same_in_windows(Format::Json, &format!("{}{insert}{}", &text[..at], &text[at..]), paths)?;
        same_in_windows(Format::Json, &text[..at], paths)?;
    }

    #[test]
    fn windows_change_nothing_in_xml(
        elements in proptest::collection::vec(("[abc]", proptest::collection::vec(("[abd]", "[a-z &;]{0,4}"), 0..4)), 0..5),
        paths in proptest::sample::select(XML_PATHS),
    ) {
        let mut text = "<r x='1'>\n".to_owned();
        for (name, children) in elements {
            let _ = write!(text, " <{name}>");
            children.iter().for_each(|(child, inner)| {
                let _ = writeln!(text, "<{child}><v>{}</v></{child}>", inner.replace('&', "&amp;"));
            });
            let _ = writeln!(text, "</{name}>");
        }
        text.push_str("</r>\n");
        same_in_windows(Format::Xml, &text, paths)?;
    }
}

#[test]
fn findings_about_a_captured_member_stand_at_its_key_and_are_not_fixed() {
    let text = "{\n\" hsag \": [{\"id\": 1},\n{\"id\": \"x\"}]\n}\n";
    let schema =
        r#"{"type": "object", "properties": {"c": {"type": "string", "x-normalise": "text", "maxLength": 3}, "id": {"type": "integer"}}}"#;
    let home = folder(&[("a.json", text), ("s.json", schema)]);
    let args = ["--no-config", "--schema", "s.json", "--records", "/{c}/*", "a.json"];
    let ran = run(home.path(), &[&["check"], &args[..]].concat());
    assert_eq!(ran.out.matches("a.json:2:1: error[S").count(), 2, "{}", ran.out);
    assert!(ran.out.contains("a.json:3:8: error[S"), "{}", ran.out);
    assert!(ran.out.contains("2 records in 1 file"), "{}{}", ran.out, ran.err);
    run(home.path(), &[&["fix", "--write"], &args[..]].concat());
    assert_eq!(std::fs::read_to_string(home.path().join("a.json")).expect("it is there"), text);
    let ran = run(home.path(), &["convert", "--no-config", "-q", "--schema", "none", "--records", "/{c}/*", "--to", "ndjson", "a.json"]);
    assert_eq!(ran.out, "{\"c\":\" hsag \",\"id\":1}\n{\"c\":\" hsag \",\"id\":\"x\"}\n");
    let ran = run(home.path(), &["check", "--no-config", "--schema", "none", "--records", "/{c", "a.json"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
}
