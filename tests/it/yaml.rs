//! YAML and TOML: what is read, its locations, and what is rejected.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chancery::read::records::Records;
use chancery::read::{Format, Options};

use super::support::{self, Gathered};

// The records, one to a line, `broken` for what was rejected, then the findings as `CODE line:column pointer`.
fn rendered(gathered: &Gathered) -> String {
    let mut out = String::new();
    for record in &gathered.records {
        let _ = writeln!(out, "{}", record.as_deref().unwrap_or("broken"));
    }
    for diagnostic in &gathered.diagnostics {
        let at = diagnostic.place.locate().start;
        let pointer = diagnostic.pointer.as_deref().unwrap_or("-");
        let _ = writeln!(out, "{}", format!("{} {}:{} {pointer}", diagnostic.rule.code, at.line, at.column).trim_end());
    }
    out
}

fn check(format: Format, text: &str, expected: &str) {
    check_with(format, text, expected, &Options::default());
}

fn check_with(format: Format, text: &str, expected: &str, options: &Options) {
    let expected = expected.lines().fold(String::new(), |all, line| all + line.trim() + "\n");
    assert_eq!(rendered(&support::read(format, text.as_bytes(), options)), expected, "{text:.1000}");
}

#[test]
fn scalars_of_the_core_schema() {
    for (yaml, json) in [
        ("", "null"),
        ("~", "null"),
        ("Null", "null"),
        ("nULL", "\"nULL\""),
        ("TRUE", "true"),
        ("False", "false"),
        ("no", "\"no\""),
        ("NO", "\"NO\""),
        ("on", "\"on\""),
        ("0", "0"),
        ("-0", "-0"),
        ("007", "7"),
        ("-012", "-12"),
        ("+1", "1"),
        ("1_000", "\"1_000\""),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("0xffffffffffffffffffffff", "309485009821345068724781055"),
        ("-0x1F", "\"-0x1F\""),
        ("0b11", "\"0b11\""),
        ("12345678901234567890123", "12345678901234567890123"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1.", "1.0"),
        ("1.e3", "1.0e3"),
        ("1e3", "1e3"),
        ("+01.50E+3", "1.50E+3"),
        ("1e400", "1e400"),
        ("1.0000000000000000000001", "1.0000000000000000000001"),
        (".", "\".\""),
        ("+", "\"+\""),
        ("1e", "\"1e\""),
        ("1.2.3", "\"1.2.3\""),
        ("2,0333", "\"2,0333\""),
        ("2001-12-14", "\"2001-12-14\""),
        ("12:30:45", "\"12:30:45\""),
        ("'1'", "\"1\""),
        ("\"null\"", "\"null\""),
        ("\"\\x41\\u00e9\\U0001F600\\N\"", "\"Aé😀\u{85}\""),
        ("!!str 1", "\"1\""),
        ("!!str", "\"\""),
        ("! 1", "\"1\""),
        ("!!int '3'", "3"),
        ("!!float 3", "3"),
        ("!!null ''", "null"),
        ("!!bool true", "true"),
        ("!!seq [1]", "[1]"),
        ("!!map {a: 1}", "{\"a\":1}"),
    ] {
        check(Format::Yaml, &format!("v: {yaml}\n"), &format!("{{\"v\":{json}}}"));
    }
    for (yaml, code) in [
        (".inf", "R140"),
        ("-.Inf", "R140"),
        (".NAN", "R140"),
        ("!!timestamp 2001-12-14", "R141"),
        ("!local x", "R141"),
        ("!!int x", "R141"),
        ("!!int 1.5", "R141"),
        ("!!bool no", "R141"),
        ("!!null x", "R141"),
        ("!!str [x]", "R141"),
        ("!!map [x]", "R141"),
        ("!!set {x}", "R141"),
    ] {
        check(Format::Yaml, &format!("v: {yaml}\n"), &format!("broken\n{code} 1:4 /v"));
    }
    let long = format!("0x{}", "f".repeat(1001));
    check(Format::Yaml, &long, "broken\nR140 1:1");
}

// What `convert` makes of a YAML text with these flags, and the codes and pointers of its findings.
fn converted(text: &str, files: &[(&str, &str)], flags: &[&str]) -> (String, Vec<(u64, String)>) {
    let home = crate::harness::folder(files);
    std::fs::write(home.path().join("a.yaml"), text).expect("writable");
    let ran = crate::harness::run(home.path(), &[&["convert", "a.yaml", "--report", "ndjson"], flags].concat());
    let findings = ran.err.lines().filter_map(|line| {
        let finding: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((finding["line"].as_u64()?, finding["code"].as_str()?.to_owned()))
    });
    (ran.out, findings.collect())
}

#[test]
fn each_document_of_a_stream_stays_what_it_is() {
    let stays = |text: &str| assert_eq!(converted(text, &[], &["--schema", "none", "--to", "yaml"]), (text.to_owned(), vec![]));
    stays("- a: 1\n- a: 2\n---\n- a: 3\n");
    stays("a: 1\n---\n- a: 2\n- a: 3\n---\na: 4\n---\na: 5\n");
    stays("- 1\n---\n2\n---\n- 3\n- - 4\n---\n- 5\n");
    stays(&format!("{}---\n{}---\nx: 1\n", "- a: 1\n".repeat(40_000), "- b: 1\n".repeat(40_000)));
    let flags = ["--schema", "none", "--to", "yaml", "--on-invalid", "skip"];
    let broken = "- a: 1\n---\n- b: [\n- c: 2\n---\n- &x 1\n- *y\n---\nd: 1\n";
    assert_eq!(
        converted(broken, &[], &flags),
        ("- a: 1\n---\n- c: 2\n---\nd: 1\n".to_owned(), vec![(3, "R101".to_owned()), (7, "R143".to_owned())])
    );
    // Several files become one list.
    let home = crate::harness::folder(&[("a.yaml", "a: 1\n---\n- a: 2\n"), ("b.yaml", "- a: 3\n---\na: 4\n")]);
    let ran = crate::harness::run(home.path(), &["convert", "a.yaml", "b.yaml", "--schema", "none", "--to", "yaml"]);
    assert_eq!(ran.out, "- a: 1\n- a: 2\n- a: 3\n- a: 4\n", "{}", ran.err);
}

#[test]
fn documents_stay_what_they_are_where_records_wait_for_references() {
    let files = [
        ("schema.json", r#"{"x-key": "/id", "properties": {"to": {"x-references": true}}}"#),
        ("chancery.toml", "schema = \"schema.json\"\ncomplete = true\n"),
    ];
    let text = "- id: a\n  to: x\n- id: b\n---\nid: c\nto: a\n---\n- id: d\n  to: b\n---\nid: e\n";
    let (out, findings) = converted(text, &files, &["--to", "yaml", "--on-invalid", "skip"]);
    assert_eq!(out, "- id: b\n---\n- id: d\n  to: b\n---\nid: e\n");
    assert_eq!(findings, [(2, "X102".to_owned()), (6, "X102".to_owned())]);
}

#[test]
fn arrays_that_json_would_join_are_refused() {
    let files = [("schema.json", r#"{"type": "array"}"#)];
    let flags = |to| ["--schema", "schema.json", "--to", to, "--on-invalid", "skip"];
    let (text, array) = ("- 1\n---\n- 2\n", "[\n  1\n]\n");
    assert_eq!(converted(text, &files, &flags("json")), ("[]\n".to_owned(), vec![(1, "W140".to_owned()), (3, "W140".to_owned())]));
    assert_eq!(converted(text, &files, &flags("yaml")), (text.to_owned(), vec![]));
    assert_eq!(converted(text, &files, &flags("ndjson")), ("[1]\n[2]\n".to_owned(), vec![]));
    assert_eq!(converted("- 1\n", &files, &flags("json")), (array.to_owned(), vec![]));
}

// With a schema that allows only arrays, a root sequence is one record.
fn sequences_whole() -> Options {
    Options { shape: std::sync::Arc::new(support::shape("{\"type\":\"array\"}")), ..Options::default() }
}

#[test]
fn documents_are_records() {
    let yaml = |text: &str, expected: &str| check(Format::Yaml, text, expected);
    yaml("", "");
    yaml("# nothing\n", "");
    yaml("---\n", "null");
    yaml("- 1\n- 2\n", "1\n2");
    yaml("[1, 2]\n", "1\n2");
    yaml("# c\n---\n- a: 1\n\n- 'x\n  y'\n-\n  - 3\n", "{\"a\":1}\n\"x y\"\n[3]");
    yaml("- 1\n---\n- 2\n...\n---\na: 3\n", "1\n2\n{\"a\":3}");
    // A broken item costs itself alone, unless an alias may lead to it.
    yaml("- a: 1\n- a: [\n- a: 3\n", "{\"a\":1}\nbroken\n{\"a\":3}\nR101 2:6 -");
    yaml("- &a 1\n- *a\n- b: &b [x]\n- *b\n", "1\n1\n{\"b\":[\"x\"]}\n[\"x\"]");
    yaml("- 1\n- &a 2\n- *a\n", "1\n2\n2");
    check_with(Format::Yaml, "- 1\n- 2\n", "[1,2]", &sequences_whole());
    check_with(Format::Yaml, "- 1\n- 2\n", "[1,2]", &Options { records: Records::whole(), ..Options::default() });
    yaml("a: 1\n---\na: 2\n...\n# c\n---\n---\na: 3", "{\"a\":1}\n{\"a\":2}\nnull\n{\"a\":3}");
    yaml("%YAML 1.2\n---\na: 1\n...\n%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1\n", "{\"a\":1}\n{\"a\":\"1\"}");
    yaml("a: |\n  text\n  --- no border\n---\nb: \"x\n ---\n y\"\n", "{\"a\":\"text\\n--- no border\\n\"}\n{\"b\":\"x --- y\"}");
    yaml("\u{feff}a: 1\r\n---\r\nb: 2\r\n", "{\"a\":1}\n{\"b\":2}");
    // A broken document costs itself alone.
    yaml("a: 'x\n---\na: 2\n---\na: [1\n...\na: 3\n", "broken\n{\"a\":2}\nbroken\n{\"a\":3}\nR101 1:4 -\nR101 5:4 -");
    yaml("a: b: c\n", "broken\nR101 1:5 -");
    yaml("a: {b: [1, 2}\n", "broken\nR101 1:8 -");
    yaml("a: 1\n\tb: 2\n", "broken\nR101 2:1 -");
    yaml("a:\n\tb: 2\n", "broken\nR101 2:1 -");
    yaml("a: @b\n", "broken\nR101 1:4 -");
    yaml("a: b\u{1}\n", "broken\nR101 1:5 -");
    yaml("a: \"é\\\\ \\x41 \\q\"\n", "broken\nR101 1:14 -");
    yaml("a: \"\\ud83d\\ude00 \\ud83d\"\n", "broken\nR105 1:18 -");
    yaml("a: \"\\udc00\"\n", "broken\nR105 1:5 -");
    yaml("a: \"\\ud83dx\"\n", "broken\nR105 1:5 -");
    yaml("a: \"\\x4\"\n", "broken\nR101 1:5 -");
    yaml("a: \"\\U00110000\"\n", "broken\nR101 1:5 -");
    yaml("a: 1\r---\rb: 2\r", "{\"a\":1}\n{\"b\":2}");
}

#[test]
fn keys_are_taken_by_their_text_through_aliases_too() {
    let yaml = |text: &str, expected: &str| check(Format::Yaml, text, expected);
    yaml("a: {? &x 0x1F : 1}\nb: {*x : 2}\nc: *x\n", r#"{"a":{"0x1F":1},"b":{"0x1F":2},"c":31}"#);
    yaml("a: &x 0x1F\nb: {*x : 2}\nc: *x\n", r#"{"a":31,"b":{"0x1F":2},"c":31}"#);
    yaml("a: &x 007\nb: {*x : 2}\nc: &y ~\nd: {*y : 3}\n", r#"{"a":7,"b":{"007":2},"c":null,"d":{"~":3}}"#);
    yaml("&x True: 1\nb: *x\nc: {*x : 1}\n", r#"{"True":1,"b":true,"c":{"True":1}}"#);
    yaml("&x '1': 1\nb: *x\n", r#"{"1":1,"b":"1"}"#);
    // A key may be what no value can be.
    yaml("&x .inf: 1\nb: {*x : 2}\n", r#"{".inf":1,"b":{".inf":2}}"#);
    yaml("&x .inf: 1\nb: *x\n", "broken\nR140 2:4 /b");
    yaml("a: &x .inf\nb: *x\n", "broken\nR140 1:7 /a");
}

#[test]
fn further_lines_are_indented_by_blanks() {
    let yaml = |text: &str, expected: &str| check(Format::Yaml, text, expected);
    yaml("foo: \"bar\n\tbaz\"\n", "broken\nR101 2:1 -");
    yaml("foo: \"bar\n \tbaz\"\n", "{\"foo\":\"bar baz\"}");
    yaml("foo: \"bar\n\t\n  baz\"\n", "{\"foo\":\"bar\\nbaz\"}");
    yaml("quoted: \"a\nb\nc\"\n", "broken\nR101 2:1 -");
    yaml("quoted: 'a\n b\nc'\n", "broken\nR101 3:1 -");
    yaml("a:\n  b: 'x\n  y'\n", "broken\nR101 3:3 -");
    yaml("a:\n  b: 'x\n   y'\n", "{\"a\":{\"b\":\"x y\"}}");
    yaml("k: ['x\ny']\n", "broken\nR101 2:1 -");
    yaml("k: [\n\ta,\n b]\n", "broken\nR101 2:1 -");
    yaml("k: [\n \ta,\n b]\n", "{\"k\":[\"a\",\"b\"]}");
    yaml("k: {\n\ta: 1}\n", "broken\nR101 2:1 -");
    yaml("- 'x\ny'\n", "broken\nR101 2:1 -");
    // Nothing is around these.
    yaml("\"a\nb\"\n", "\"a b\"");
    yaml("--- 'a\n\tb'\n", "\"a b\"");
    yaml("{k: 'a\nb'}\n", "{\"k\":\"a b\"}");
}

#[test]
fn members_and_aliases() {
    let yaml = |text: &str, expected: &str| check(Format::Yaml, text, expected);
    yaml("a: 1\nb: 2\n\"a\": 3\n", "{\"a\":1,\"b\":2,\"a\":3}\nR102 3:1 /a");
    yaml(
        "1: x\ntrue: y\n~: z\n: e\n0x1F: h\n.inf: i\n",
        "{\"1\":\"x\",\"true\":\"y\",\"~\":\"z\",\"\":\"e\",\"0x1F\":\"h\",\".inf\":\"i\"}",
    );
    yaml("? a\n: 1\n? b\n", "{\"a\":1,\"b\":null}");
    yaml("k: [a: 1, {b: 2}, \"c\":3]\n", "{\"k\":[{\"a\":1},{\"b\":2},{\"c\":3}]}");
    yaml("? [a, {b: c}]\n: 1\nd: 2\n", "broken\nR142 1:3 -");
    yaml("[a]: 1\n{b: 1}: 2\n", "broken\nR142 1:1 -\nR142 2:1 -");
    yaml("--- |+\n\n", "\"\\n\"");
    yaml("{[a]: 1}\n", "broken\nR142 1:2 -");
    yaml("a: &x {k: [1, 'q']}\nb: *x\nc: [*x]\n", "{\"a\":{\"k\":[1,\"q\"]},\"b\":{\"k\":[1,\"q\"]},\"c\":[{\"k\":[1,\"q\"]}]}");
    yaml("&k 12: &v x\nb: *k\n*v : 1\n", "{\"12\":\"x\",\"b\":12,\"x\":1}");
    yaml("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
    yaml("a: *x\n", "broken\nR143 1:4 /a");
    yaml("a: &x 1\n---\nb: *x\n", "{\"a\":1}\nbroken\nR143 3:4 /b");
    yaml("a: &x [1, *x]\n", "broken\nR143 1:11 -");
    yaml("a: &x [1]\n*x : 2\n", "broken\nR142 2:1 -");
    yaml("a: &x .nan\nb: *x\n", "broken\nR140 1:7 /a");
    yaml("a: &x {p: 1}\nb: {<<: *x}\nc: {'<<': 1}\n", "{\"a\":{\"p\":1},\"b\":{\"<<\":{\"p\":1}},\"c\":{\"<<\":1}}\nR144 2:5 -");
    let mut bomb = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let _ = writeln!(bomb, "l{level}: &l{level} [{}]", vec![format!("*l{}", level - 1); 10].join(", "));
    }
    yaml(&bomb, "broken\nR145 5:45 -");
    let deep = Options { max_depth: 3, ..Options::default() };
    check_with(Format::Yaml, "a: [[1]]\n", "{\"a\":[[1]]}", &deep);
    check_with(Format::Yaml, "a: [[[1]]]\n", "broken\nR103 1:6 -", &deep);
    check_with(Format::Yaml, "- - - - 1\n", "broken\nR103 1:7 -", &deep);
    check_with(Format::Yaml, &"[".repeat(100_000), "broken\nR103 1:4 -", &deep);
    check_with(Format::Yaml, &"- ".repeat(100_000), "broken\nR103 1:7 -", &deep);
    check_with(Format::Yaml, "a: &x [[1]]\nb: [*x]\n", "broken\nR103 2:5 -", &deep);
}

#[test]
fn records_stand_at_a_pointer() {
    let at = Options { records: Records::at("/list").expect("a path"), ..Options::default() };
    check_with(Format::Yaml, "v: 1\nlist:\n  - a: 1\n  - a: 2\n", "{\"a\":1}\n{\"a\":2}\nR107 1:1 -", &at);
    check_with(Format::Toml, "v = 1\n[[list]]\na = 1\n[[list]]\na = 2\n", "{\"a\":1}\n{\"a\":2}\nR107 1:1 -", &at);
}

#[test]
fn windows_change_nothing() {
    let text = "a: 1\n---\n- é\n- |\n  x\n\n  y\n...\n%YAML 1.2\n---\nb: 'q\n---\nc: [d, d]\n...\n...\n# end\n---\n";
    let whole = rendered(&support::read(Format::Yaml, text.as_bytes(), &Options::default()));
    for window_bytes in 1..text.len() {
        check_with(Format::Yaml, text, &whole, &Options { window_bytes, ..Options::default() });
    }
    let large = format!("a: 1\n---\nb: {}\n---\nc: 1\n", "x".repeat(600_000));
    for window_bytes in [1, 100, 1 << 20] {
        let options = Options { window_bytes, max_record_bytes: 1000, ..Options::default() };
        check_with(Format::Yaml, &large, "{\"a\":1}\nbroken\n{\"c\":1}\nR104 2:1 -", &options);
    }
}

// Spans as `kind:written` in order of the tree; keys first.
fn spans(format: Format, text: &str) -> String {
    struct Spans(String);
    impl chancery::diagnostic::DiagnosticSink for Spans {
        fn emit(&mut self, diagnostic: chancery::diagnostic::Diagnostic) {
            panic!("{}", diagnostic.message);
        }
    }
    fn walk(node: chancery::tree::Node<'_>, out: &mut String) {
        let source = node.tree().source();
        let _ = write!(out, "<{}|{}>", source.slice(node.opening()), node.written());
        for member in node.members() {
            let _ = write!(out, " {}=", member.key.written());
            walk(member.value, out);
        }
        for item in node.items() {
            out.push(' ');
            walk(item, out);
        }
    }
    impl chancery::read::RecordVisitor for Spans {
        fn record(&mut self, tree: &mut chancery::tree::Tree) {
            walk(tree.root(), &mut self.0);
        }
        fn malformed(&mut self) {
            panic!("broken");
        }
        fn file_diagnostic(&mut self, _diagnostic: chancery::diagnostic::Diagnostic) {}
        fn stop(&mut self) {}
    }
    let feed =
        chancery::source::InputBuffer::new("input", Box::new(std::io::Cursor::new(text.to_owned())), chancery::source::Position::START);
    let mut found = Spans(String::new());
    chancery::read::read_all(&mut *chancery::read::chunker(format, feed, &Options::default()), &mut found).expect("it is read");
    found.0
}

#[test]
fn every_part_knows_its_bytes() {
    for (text, expected) in [
        ("a: 1\nb: 'é'\n", "<a|a: 1\nb: 'é'> a=<1|1> b=<'é'|'é'>"),
        ("- x\n-  - y\n", "<x|x><-|- y> <y|y>"),
        ("a:\n - x\n -  - y\n", "<a|a:\n - x\n -  - y> a=<-|- x\n -  - y> <x|x> <-|- y> <y|y>"),
        ("{a: [1 , 2 ]}", "<{|{a: [1 , 2 ]}> a=<[|[1 , 2 ]> <1|1> <2|2>"),
        (
            "a: |- # c | d\n\n  x\n  y\n\nb: \n",
            "<a|a: |- # c | d\n\n  x\n  y\n\nb> a=<|- # c | d\n\n  x\n  y||- # c | d\n\n  x\n  y> b=<|>",
        ),
        ("a: &x !!str 1\nb: *x\n", "<a|a: &x !!str 1\nb: *x> a=<1|1> b=<*x|*x>"),
        ("? k\n: >\n v\n", "<?|? k\n: >\n v> k=<>\n v|>\n v>"),
    ] {
        assert_eq!(spans(Format::Yaml, text), expected);
    }
    for (text, expected) in [
        ("a = 1\nb = 'é'\n", "<a|a = 1\nb = 'é'> a=<1|1> b=<'é'|'é'>"),
        (
            "x.y = [1, 2]\n[t]\nk = {a = 1}\n",
            "<x|x.y = [1, 2]\n[t]\nk = {a = 1}> x=<y|y = [1, 2]> y=<[|[1, 2]> <1|1> <2|2> t=<[t]|[t]\nk = {a = 1}> k=<{|{a = 1}> a=<1|1>",
        ),
    ] {
        assert_eq!(spans(Format::Toml, text), expected);
    }
}

#[test]
fn toml_is_one_record() {
    let toml = |text: &str, expected: &str| check(Format::Toml, text, expected);
    toml("", "{}");
    toml("# c\n", "{}");
    toml("a = 1\n[b]\nc = \"x\\ty\"\n[[d]]\ne = 'q'\n[[d]]\n", "{\"a\":1,\"b\":{\"c\":\"x\\ty\"},\"d\":[{\"e\":\"q\"},{}]}");
    toml("a.b.c = 1\na.b.d = 2\n\"x.y\" = 3\n", "{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"x.y\":3}");
    toml("a = [0x1F, 0o17, 0b11, 1_000, +5, -0]\n", "{\"a\":[31,15,3,1000,5,-0]}");
    toml("a = [1.0, 1e3, +1.5e-2, 1_0.5, -0.0]\n", "{\"a\":[1.0,1e3,1.5e-2,10.5,-0.0]}");
    toml("a = [1979-05-27, 07:32:00, 1979-05-27T07:32:00Z, true]\n", "{\"a\":[\"1979-05-27\",\"07:32:00\",\"1979-05-27T07:32:00Z\",true]}");
    toml("a = inf\nb = [-nan]\n", "broken\nR140 1:5 /a\nR140 2:6 /b/0");
    toml("a = 1\na = 2\n", "broken\nR102 2:1 -");
    toml("a = \n", "broken\nR101 1:5 -");
    toml("a = 9223372036854775808\n", "broken\nR101 1:5 -");
    let deep = Options { max_depth: 2, ..Options::default() };
    check_with(Format::Toml, "a.b = 1\n", "{\"a\":{\"b\":1}}", &deep);
    check_with(Format::Toml, "a.b.c = 1\n", "broken\nR103 1:5 -", &deep);
    let small = Options { max_record_bytes: 10, ..Options::default() };
    check_with(Format::Toml, "a = 'long text'\n", "broken\nR104 1:1 -", &small);
}

// Cases of the suite that are read otherwise on purpose, or that the parser takes otherwise.
const OTHERWISE: &[(&str, &str)] = &[
    ("565N-0", "foreign tag: !!binary"),
    ("5TYM-0", "foreign tag"),
    ("6BFJ-0", "a collection as name of a member"),
    ("CC74-0", "foreign tag"),
    ("CUP7-0", "foreign tag"),
    ("LX3P-0", "a collection as name of a member"),
    ("M2N8-0", "a collection as name of a member"),
    ("M2N8-1", "a collection as name of a member"),
    ("SBG9-0", "a collection as name of a member"),
    ("UGM3-0", "foreign tag"),
    ("ZYU8-2", "a %YAML directive with two versions"),
];

#[test]
fn yaml_test_suite() {
    let Some(root) = support::shared("data/yaml-test-suite") else { return };
    let list = std::fs::read_to_string(root.join("expected.csv")).expect("the list is there");
    let reasons: BTreeMap<_, _> = OTHERWISE.iter().copied().collect();
    let (mut passed, mut total, mut wrong) = (0, 0, Vec::new());
    for line in list.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (Some(case), Some(expected)) = (cells.next(), cells.next()) else { continue };
        let yaml = std::fs::read(root.join("cases").join(format!("{case}.yaml"))).expect("the case is there");
        let gathered = support::read(Format::Yaml, &yaml, &sequences_whole());
        let refused = gathered.records.iter().any(Option::is_none);
        let as_expected = match expected {
            "json" => {
                let json = std::fs::read_to_string(root.join("cases").join(format!("{case}.json"))).expect("its value is there");
                let values: Vec<serde_json::Value> =
                    serde_json::Deserializer::from_str(&json).into_iter().collect::<Result<_, _>>().expect("the value is JSON");
                let found: Vec<serde_json::Value> =
                    gathered.records.iter().flatten().map(|record| serde_json::from_str(record).expect("we write JSON")).collect();
                !refused && found == values
            }
            "reject" => refused,
            _ => !refused,
        };
        total += 1;
        passed += usize::from(as_expected);
        let items = support::read(Format::Yaml, &yaml, &Options { window_bytes: 1, ..Options::default() });
        if refused {
            assert!(items.records.iter().any(Option::is_none), "{case}: {}", rendered(&items));
        } else {
            let whole = gathered.records.iter().flatten().flat_map(|record| match serde_json::from_str(record).expect("we write JSON") {
                serde_json::Value::Array(items) => items,
                other => vec![other],
            });
            let found = items.records.iter().map(|item| item.as_ref().map(|item| serde_json::from_str(item).expect("we write JSON")));
            assert_eq!(found.collect::<Vec<Option<serde_json::Value>>>(), whole.map(Some).collect::<Vec<_>>(), "{case}");
        }
        if as_expected == reasons.contains_key(case) {
            wrong.push(format!("{case} ({expected}):\n{}{}", String::from_utf8_lossy(&yaml), rendered(&gathered)));
        }
    }
    println!("YAML test suite: {passed} of {total}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
    assert!(passed >= 187, "{passed}");
}

// Takes records on to YAML, as `convert` does, and keeps each as compact JSON too.
#[derive(Default)]
struct Through {
    yaml: Memory,
    json: Vec<String>,
    top_level: chancery::read::TopLevel,
    documents: Option<Box<dyn chancery::write::OutputWriter>>,
}

impl chancery::diagnostic::DiagnosticSink for Through {
    fn emit(&mut self, diagnostic: chancery::diagnostic::Diagnostic) {
        panic!("{}", diagnostic.message);
    }
}

#[derive(Default)]
struct Memory(Vec<u8>);

impl chancery::write::Files for Memory {
    fn main(&mut self) -> std::io::Result<&mut dyn std::io::Write> {
        Ok(&mut self.0)
    }
    fn named(&mut self, _name: &str) -> std::io::Result<&mut dyn std::io::Write> {
        Ok(&mut self.0)
    }
}

impl chancery::read::RecordVisitor for Through {
    fn record(&mut self, tree: &mut chancery::tree::Tree) {
        let writer = chancery::write::Format::Yaml.writer(&chancery::write::Options::default());
        let mut json = Vec::new();
        chancery::write::json::compact(tree.root(), &mut json);
        self.json.push(String::from_utf8(json).expect("JSON is UTF-8"));
        let record = chancery::check::accept(tree, true, chancery::check::OnInvalid::Keep).expect("it is kept");
        let mut encoded = Vec::new();
        writer.encode(record, &mut encoded, &mut Vec::new());
        let documents = self.documents.get_or_insert_with(|| writer.output_writer());
        documents.top_level(self.top_level);
        documents.record(&encoded, &mut self.yaml).expect("memory takes everything");
    }
    fn malformed(&mut self) {
        panic!("broken");
    }
    fn file_diagnostic(&mut self, diagnostic: chancery::diagnostic::Diagnostic) {
        panic!("{}", diagnostic.message);
    }
    fn stop(&mut self) {}
}

// The records of NDJSON as YAML, as a stream of documents or as a sequence; reading that has to give the same records.
fn through(ndjson: &str, top_level: chancery::read::TopLevel) -> String {
    let feed =
        chancery::source::InputBuffer::new("input", Box::new(std::io::Cursor::new(ndjson.to_owned())), chancery::source::Position::START);
    let mut through = Through { top_level, ..Through::default() };
    chancery::read::read_all(&mut *chancery::read::chunker(Format::Ndjson, feed, &Options::default()), &mut through).expect("it is read");
    let options = if top_level == chancery::read::TopLevel::List { Options::default() } else { sequences_whole() };
    let again = support::read(Format::Yaml, &through.yaml.0, &options);
    let yaml = String::from_utf8(through.yaml.0).expect("YAML is UTF-8");
    assert!(again.diagnostics.is_empty(), "{}\n{yaml}", rendered(&again));
    assert_eq!(again.records.into_iter().flatten().collect::<Vec<_>>(), through.json, "{yaml}");
    yaml
}

#[test]
fn records_are_written_as_documents() {
    for (json, yaml) in [
        ("", ""),
        ("{}\n[]\n\"\"\nnull\n1.50\n", "{}\n---\n[]\n---\n\"\"\n---\nnull\n---\n1.50\n"),
        (
            r#"{"a":"x y","b":[1,{"c":null,"d":[]},[true,["z"]]],"e":{"f":{}}}"#,
            "a: x y\nb:\n  - 1\n  - c: null\n    d: []\n  - - true\n    - - z\ne:\n  f: {}\n",
        ),
        (
            r#"{"a":"x\ny\n","b":"x\n\n  y","c":"x\n\n","d":" x\ny","e":"x \ny","f":"\n"}"#,
            "a: |\n  x\n  y\nb: |-\n  x\n\n    y\nc: \"x\\n\\n\"\nd: \" x\\ny\"\ne: \"x \\ny\"\nf: \"\\n\"\n",
        ),
        (
            r#"["007","1e5","NO","2,0333","2001-12-14","~","true","- a","a: b","a #b","a#b","é","\u0085\u2028\ufeff\u0000\u007f"," a","<<","a:",".5","0x1F","it's","\"q\""]"#,
            "- \"007\"\n- \"1e5\"\n- \"NO\"\n- \"2,0333\"\n- \"2001-12-14\"\n- \"~\"\n- \"true\"\n- \"- a\"\n- \"a: b\"\n- \"a #b\"\n- a#b\n- é\n- \"\\x85\\u2028\\ufeff\\x00\\x7f\"\n- \" a\"\n- \"<<\"\n- \"a:\"\n- \".5\"\n- \"0x1F\"\n- it's\n- \"\\\"q\\\"\"\n",
        ),
        ("[[],[[1e400,-0,12345678901234567890123]]]", "- []\n- - - 1e400\n    - -0\n    - 12345678901234567890123\n"),
        (
            r##"{"":1,"a.b":2,"33":3,"#t":4,"x\ny":5,"null":6,"---":7}"##,
            "\"\": 1\na.b: 2\n\"33\": 3\n\"#t\": 4\n\"x\\ny\": 5\n\"null\": 6\n\"---\": 7\n",
        ),
    ] {
        assert_eq!(through(json, chancery::read::TopLevel::Stream), yaml);
    }
    let long = "k".repeat(3000);
    let long_key = format!("[{{\"{long}\":{{\"a\":1}}}}]");
    assert_eq!(through(&long_key, chancery::read::TopLevel::Stream), format!("- ? {long}\n  :\n    a: 1\n"));
    let list = |json: &str| through(json, chancery::read::TopLevel::List);
    assert_eq!(list("{\"a\":1,\"b\":[2]}\n[[3],4]\n\"x\\n\\n  y\"\n"), "- a: 1\n  b:\n    - 2\n- - - 3\n  - 4\n- |-\n    x\n\n      y\n");
    assert_eq!(list("{}\n[]\nnull\n"), "- {}\n- []\n- null\n");
}

fn text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "\n", "\r", "\t", " ", "  ", "---", "...", "- ", ": ", ":", " #", "#", "\"", "'", "\\", "{", "}", "[", "]", ",", "&a", "*a", "!t", "%", "@", "`", "|", ">",
            "?", "~", "null", "no", "true", "0", "1", "0x1F", ".5", "1e5", "+", "<<", "=", "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "\u{1b}", "\u{7f}", "\u{fffe}", "\u{a0}", "\"\\x", "\\ud83d", "\\udc00", "\\u+123", "4é",
            "é", "😀", "x", "a b",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::Value;
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1000_i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #![proptest_config(crate::property::cases(400))]

    #[test]
    fn what_is_written_reads_as_it_was(values in proptest::collection::vec(value(), 1..4)) {
        let ndjson = values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        through(&ndjson, chancery::read::TopLevel::Stream);
        through(&ndjson, chancery::read::TopLevel::List);
    }

    #[test]
    fn no_text_breaks_the_reader(pieces in proptest::collection::vec(text(), 0..12)) {
        let text = pieces.concat();
        let whole = rendered(&support::read(Format::Yaml, text.as_bytes(), &Options::default()));
        for window_bytes in [1, 7] {
            check_with(Format::Yaml, &text, &whole, &Options { window_bytes, ..Options::default() });
        }
        support::read(Format::Toml, text.as_bytes(), &Options::default());
    }
}

// PyYAML reads YAML 1.1, and takes what we write for the same all the same; but it wants a point in front of an exponent.
#[test]
fn another_reader_reads_the_same() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    const SCRIPT: &str = "
import json, sys, yaml
text = open(sys.argv[1], encoding='utf-8', newline='').read()
found = list(yaml.load_all(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader)))
found = found[0] if sys.argv[3] == 'list' else found
expected = [json.loads(line) for line in open(sys.argv[2], encoding='utf-8', newline='').read().split('\\n') if line]
wrong = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
assert len(found) == len(expected) and not wrong, (len(found), len(expected), wrong[:1])
";
    let python = |arguments: &[&std::ffi::OsStr]| std::process::Command::new("python3").arg("-c").args(arguments).output();
    if !python(&["import yaml".as_ref()]).is_ok_and(|output| output.status.success()) {
        return support::skip("python-yaml", "python3 has no module yaml");
    }
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = value();
    let values: Vec<String> = (0..500).map(|_| strategy.new_tree(&mut runner).expect("it generates").current().to_string()).collect();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (yaml, json) = (folder.path().join("a.yaml"), folder.path().join("a.ndjson"));
    let ndjson = values.join("\n");
    std::fs::write(&json, &ndjson).expect("files can be written");
    for (top_level, name) in [(chancery::read::TopLevel::Stream, "stream"), (chancery::read::TopLevel::List, "list")] {
        std::fs::write(&yaml, through(&ndjson, top_level)).expect("files can be written");
        let output = python(&[SCRIPT.as_ref(), yaml.as_os_str(), json.as_os_str(), name.as_ref()]).expect("it ran before");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_whole_document_without_content_is_null() {
    let whole = Options { records: Records::whole(), ..Options::default() };
    for text in ["", "# only a comment\n", "\n\n"] {
        assert_eq!(support::read(Format::Yaml, text.as_bytes(), &whole).records, [Some("null".to_owned())], "{text:?}");
        assert_eq!(support::read(Format::Yaml, text.as_bytes(), &Options::default()).records, [None::<String>; 0], "{text:?}");
    }
}
