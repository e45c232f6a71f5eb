//! Sensitive values under `--mask`: secrets are planted in every notation of every format, and every byte that leaves the
//! program is searched for them.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::harness::{Ran, folder, run, run_with};

const SCHEMA: &str = r##"{
  "x-key": "/id", "x-record-name": "people", "type": "object", "required": ["id"], "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "maxLength": 12},
    "size": {"maximum": 3},
    "note": {"type": "string", "maxLength": 3, "x-normalise": "text"},
    "free": {"type": "object"},
    "boss": {"x-references": true},
    "text": {"x-sensitive": true, "type": "string", "maxLength": 2, "x-normalise": "text"},
    "mail": {"x-sensitive": true, "type": "string", "x-normalise": "email", "maxLength": 9},
    "tel": {"x-sensitive": true, "type": "string", "x-normalise": "telephone", "x-check": "telephone", "maxLength": 3},
    "number": {"x-sensitive": true, "type": "number", "maximum": 3},
    "flag": {"x-sensitive": true, "type": "boolean"},
    "kind": {"x-sensitive": true, "enum": ["KIND", "other"]},
    "const": {"x-sensitive": true, "const": "other"},
    "pattern": {"x-sensitive": true, "type": "string", "pattern": "^[0-9]$", "title": "One digit"},
    "not": {"x-sensitive": true, "not": {"type": "string"}},
    "date": {"x-sensitive": true, "type": "string", "x-check": "date", "x-normalise": "date", "maxLength": 3},
    "said": {"x-sensitive": true, "maxLength": 2, "errorMessage": "no good: ${0}, ${/note}, ${}"},
    "stated": {"maxLength": 2, "errorMessage": "not ${/text} nor ${/person}"},
    "tags": {"x-sensitive": true, "type": "array", "uniqueItems": true, "items": {"type": "string"}},
    "one": {"oneOf": [{"type": "integer"}, {"type": "object", "properties": {"deep": {"x-sensitive": true, "maxLength": 2}}}]},
    "ref": {"$ref": "#/$defs/short"},
    "any": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 2, "x-sensitive": true}]},
    "code": {"type": "string", "x-check": {"check": "country", "name": "land"}},
    "land": {"x-sensitive": true, "type": "string"},
    "person": {"x-sensitive": true, "properties": {"name": {"type": "string", "maxLength": 2}}, "additionalProperties": {"maxLength": 2}},
    "book": {"type": "object", "patternProperties": {"^p": {"x-sensitive": true, "maxLength": 2}}},
    "whole": {"const": {"deep": "other"}, "properties": {"deep": {"x-sensitive": true}, "wide": true}},
    "whole2": {"enum": [{"deep": "other"}, 7], "properties": {"deep": {"x-sensitive": true}, "list": {"items": {"x-sensitive": true}}}},
    "never": {"not": {"required": ["deep"]}, "properties": {"deep": {"x-sensitive": true}}},
    "twice": {"uniqueItems": true, "items": {"properties": {"deep": {"x-sensitive": true}}}},
    "depends": {"dependentRequired": {"deep": ["other"]}, "properties": {"deep": {"x-sensitive": true}}},
    "named": {"propertyNames": {"maxLength": 3}, "patternProperties": {"^[A-Z]": {"x-sensitive": true, "type": "integer"}}},
    "cased": {"if": {"properties": {"deep": {"const": "a"}}}, "then": true, "else": {"properties": {"deep": {"x-sensitive": true, "maxLength": 2}}}},
    "holding": {"contains": {"x-sensitive": true, "const": "other"}, "maxItems": 1},
    "shut": {"properties": {"deep": {"x-sensitive": true}}, "unevaluatedProperties": false},
    "line": {"x-sensitive": true, "type": "string", "x-normalise": {"pass": "telephone", "printed": "printed", "extension": "behind"}},
    "printed": {"type": "string", "maxLength": 2},
    "behind": {"type": "string", "maxLength": 2},
    "web": {"x-sensitive": true, "type": "string", "x-normalise": {"pass": "url", "printed": "printed"}, "format": "uri", "maxLength": 2},
    "span": {"x-check": {"check": "period", "start": "from", "end": "to"}, "properties": {"from": {"x-sensitive": true, "x-check": "date"}, "to": {}}},
    "short": {"x-check": {"check": "acronym", "of": "/text"}},
    "group": {"x-check": {"check": "distinct", "by": ["deep"]}, "items": {"properties": {"deep": {"x-sensitive": true}}}},
    "rows": {"type": "array", "items": {"type": "object", "properties": {"secret": {"x-sensitive": true, "maxLength": 2}, "open": {"maximum": 3}}}}
  },
  "$defs": {"short": {"x-sensitive": true, "type": "string", "maxLength": 2}}
}"##;

/// Members whose string values are sensitive, as JSON with `@` for the value.
const MEMBERS: &[&str] = &[
    r#""text": "@""#,
    r#""text": "  @ ""#,
    r#""mail": "Anna <@@EXAMPLE.org>""#,
    r#""number": "@""#,
    r#""flag": "@""#,
    r#""kind": "@""#,
    r#""const": "@""#,
    r#""pattern": "@""#,
    r#""not": "@""#,
    r#""date": "@""#,
    r#""said": "@""#,
    r#""text": "@", "stated": "@@@""#,
    r#""person": {"name": "@"}, "stated": "xxx""#,
    r#""text": "@", "note": "so says @ twice: @""#,
    r#""text": "@", "note": "a text in which the value is cut off by the quote at @""#,
    r#""text": "@", "size": 9, "note": "@""#,
    r#""tags": ["@", "@"]"#,
    r#""one": {"deep": "@"}"#,
    r#""ref": "@""#,
    r#""any": "@""#,
    r#""code": "XQ", "land": "@""#,
    r#""person": {"name": "@"}"#,
    r#""person": {"@": "@"}"#,
    r#""person": {"other": ["@", {"x": "@"}]}"#,
    r#""person": "@""#,
    r#""book": {"p@": "xxx"}"#,
    r#""book": {"p1": "@"}"#,
    r#""rows": [{"secret": "@", "open": 9}, {"open": 8, "secret": "@"}]"#,
    r#""unknown": "@", "size": 9"#,
    r#""texts": "@""#,
    r#""free": {"any": "@"}, "size": 9"#,
    r#""text": "@", "text": "@""#,
    r#""text": {"@": ["@"]}"#,
    r#""note": "@", "text": "@", "boss": "@""#,
    r#""text": "@\nand more\n@", "note": "@\nand more""#,
    r#""whole": {"deep": "@", "wide": 1}"#,
    r#""whole2": {"deep": "@", "list": ["@"]}"#,
    r#""never": {"deep": "@"}"#,
    r#""twice": [{"deep": "@"}, {"deep": "@"}]"#,
    r#""depends": {"deep": "@"}"#,
    r#""named": {"Z@": "@"}"#,
    r#""named": {"A@": 1}"#,
    r#""cased": {"deep": "@"}"#,
    r#""holding": ["@", "@"]"#,
    r#""shut": {"deep": "@", "@": "@"}"#,
    r#""web": " HTTP://@.example.org/@ ""#,
    r#""web": "@.example.org""#,
    r#""span": {"from": "@", "to": "1999"}"#,
    r#""text": "@", "short": "QQQ""#,
    r#""group": [{"deep": "@"}, {"deep": "@"}]"#,
    r#""text": "@", "note": "percent %40@ and &lt;@&gt; and ^@^ and @@""#,
];

/// Members whose values are sensitive numbers, with `@` for nine digits.
const NUMBERS: &[&str] = &[
    r#""number": @"#,
    r#""number": -@.50"#,
    r#""number": @e3, "note": "it is @""#,
    r#""number": "@""#,
    r#""flag": @"#,
    r#""text": @, "size": @"#,
    r#""tel": "+44 20 @""#,
    r#""tel": "0044 (20) @ ext. 12""#,
    r#""line": "+44 20@""#,
    r#""line": "+44 20 7946 0958 ext. @""#,
    r#""date": "@""#,
    r#""said": @"#,
    r#""kind": @"#,
    r#""const": @"#,
    r#""not": "@""#,
    r#""tags": [@, @]"#,
    r#""one": {"deep": "@"}"#,
    r#""any": @"#,
    r#""named": {"A@": "@"}"#,
    r#""twice": [{"deep": @}, {"deep": @.0}]"#,
    r#""span": {"from": @, "to": "1999"}"#,
];

/// What no parser takes as a whole, by the end of the file's name.
const BROKEN: &[(&str, &str)] = &[
    ("json", r#"[{"id": "k1", "text": "@" "x"}]"#),
    ("json", r#"[{"id": "k1", "text": "@"#),
    ("json", r#"[{"id": "k1", "text": @}]"#),
    ("json", r#"{"id": "k1", "text": "\q@"}"#),
    ("json", r#"{"id": "k1", "text": "\ud800@"}"#),
    ("json", r#"{"id": "k1", "text": 1@}"#),
    ("json", "{\"id\": \"k1\", \"text\": \"@\u{1}\"}"),
    ("json", r#"{"id": "k1"} @"#),
    ("ndjson", "{\"id\": \"k1\", \"size\": 9}\n{\"id\": \"k2\", \"text\": \"@\" 1}\n@\n{\"id\": \"k3\", \"size\": 9}\n"),
    ("yaml", "id: k1\ntext: \"@\n"),
    ("yaml", "id: k1\ntext: *@\n"),
    ("yaml", "id: k1\ntext: !@ x\n"),
    ("yaml", "id: k1\ntext: !!int @\nsize: 9\n"),
    ("yaml", "id: k1\ntext: @: @: @\n"),
    ("yaml", "id: k1\n\ttext: @\n"),
    ("yaml", "id: k1\ntext: \"\\q@\"\n"),
    ("yaml", "id: k1\n[@]: @\n"),
    ("yaml", "id: k1\n<<: {text: @}\nsize: 9\n"),
    ("yaml", "a: &x @\n---\nid: k1\ntext: *x\n"),
    ("yaml", "- id: k1\n  text: &a @\n  note: *a\n"),
    ("yaml", "id: k1\ntext: [@, @\nsize: 9\n"),
    ("xml", "<people><person><id>k1</id><text>@</txt></person></people>"),
    ("xml", "<people><person><id>k1</id><text>&@;</text></person></people>"),
    ("xml", "<people><person><id>k1</id><text a=@>x</text></person></people>"),
    ("xml", "<people><person><id>k1</id><text a='@' a='@'>x</text></person></people>"),
    ("xml", "<people><person><id>k1</id>@<text>@</text></person></people>"),
    ("xml", "<people><person><id>k1</id><text>@<"),
    ("xml", "<!DOCTYPE @ [<!ENTITY @ '@'>]><people/>"),
    ("xml", "<people><person><id>k1</id><size>9</size><!-- @ --><?x @?></person></people>"),
    ("toml", "id = \"k1\"\ntext = \"@\n"),
    ("toml", "id = \"k1\"\ntext = @\n"),
    ("toml", "id = \"k1\"\ntext = \"\\q@\"\n"),
    ("toml", "id = \"k1\"\n\"@\" = 1\n\"@\" = 1\n"),
    ("csv", "id,text,size\nk1,\"@\n"),
    ("csv", "id,text,size\nk1,a\"@,9\n"),
    ("csv", "id,text,size\nk1,@,9,@\n"),
    ("csv", "id,size,text\nk1,9,x,\"@\",@\n"),
    ("csv", "id,text,note\nk1,x,y,@\nk2,x,@,z\n"),
    ("csv", "id,text,note\nk1\n@,@\n"),
    ("csv", "id,text,text\nk1,@,@\n"),
    ("csv", "k1,@,9\nk2,@,9\n"),
    ("csv", "id,,text\nk1,@,@\n"),
    ("csv", "id,tags/0,tags\nk1,@,\"[\"\"@\"\"]\"\n"),
    ("csv", "id,text,size\nk1,@,9\nk2,@\n@,@,@,@\n"),
    ("csv", "id;text;size\nk1;@;9\n"),
    ("csv", "\"id\",\"person\"\n\"k1\",\"{\"\"name\"\": @}\"\n"),
    ("ndjson", "{\"id\": \"k1\", \"text\": \"@\"} @\n\"@\"\n[\"@\"]\n"),
    ("json", "[\"@\", [\"@\"], {\"@\": {\"@\": 1}}]"),
    ("json", "\"@\""),
    ("xml", "<people><person id='k1' text='@' size='9'><text>@</text></person><person><@>@</@></person></people>"),
    ("xml", "<@><x>@</x></@>"),
    ("xml", "<?xml version='1.0' encoding='utf-8'?><people><person><text>@</text></person></people>"),
    ("txt", "@\n\nTelephone: @\nE-Mail: @\n\nsome text about @\n"),
];

/// Documents that are read, by the end of the file's name: the notations of one value.
const NOTATIONS: &[(&str, &str)] = &[
    ("yaml", "id: k1\ntext: @\n"),
    ("yaml", "id: k1\ntext: '@'\nnote: '@'\n"),
    ("yaml", "id: k1\ntext: \"\\x5a\\x20@\"\nnote: \"Z @\"\n"),
    ("yaml", "id: k1\ntext: |\n  @\n  and @\nnote: >-\n  @\n  and @\nsize: 9\n"),
    ("yaml", "id: k1\nnote: &a @\ntext: *a\n"),
    ("yaml", "id: k1\ntext: &a @\nnote: *a\nsize: 9\n"),
    ("yaml", "id: k1\nperson: &a {name: @}\nfree: *a\n"),
    ("yaml", "id: k1 # @\ntext: @ # chancery: ignore S999\nsize: 9 # @ chancery: ignore S107\n"),
    ("yaml", "id: k1\ntext: x\n# chancery: ignore S104 -- @\nnote: y\n"),
    ("yaml", "id: k1\ntext: x\n# chancery: ignore @\nnote: y\n"),
    ("xml", "<people><person><id>k1</id><text>@</text><note>@</note></person></people>"),
    ("xml", "<people><person><id>k1</id><text>&lt;@&#38;</text><note>&#60;@&amp;</note></person></people>"),
    ("xml", "<people><person><id>k1</id><text><![CDATA[@]]></text><note>x<![CDATA[@]]></note></person></people>"),
    ("xml", "<people><person id='k1' text='@' note=\"@\" other='@'><size>9</size></person></people>"),
    ("toml", "id = \"k1\"\ntext = \"\\u005a @\"\nnote = \"Z @\"\n"),
    ("toml", "id = 'k1'\ntext = '@'\nnote = '''\n@'''\n"),
    ("toml", "id = 'k1'\ntext = \"\"\"\n@ \\\n  @\"\"\"\nsize = 9 # @\n"),
    ("toml", "id = 'k1'\nnumber = inf\nsize = 9\n[person]\nname = '@'\n\"@\" = '@'\n"),
    ("csv", "id,text,note,size\nk1,\"@ \"\"x\"\"\",\"@ \"\"x\"\"\",9\n"),
    ("csv", "id,person,rows/0/secret,rows/0/open,tags\nk1,\"{\"\"name\"\": \"\"@\"\"}\",@,9,\"[\"\"@\"\", \"\"@\"\"]\"\n"),
    ("tsv", "id\ttext\tsize\nk1\t@\t9\n"),
    ("yaml", "id: k1\ntext: \"@ \\\n  @\"\nnote: >\n  @\n\n  @\nsize: 9\n"),
    ("yaml", "id: k1\ntext: !!str @\nsize: 9\n"),
    ("yaml", "id: k1\ntags: &t [@, b@]\nfree: {x: *t}\nholding: *t\nsize: 9\n"),
    ("toml", "id = 'k1'\n\"te\\u0078t\" = '@'\nsize = 9\nrows = [{secret = '@', open = 9}]\n[[group]]\ndeep = '@'\n"),
    ("xml", "<people><person id='k1'><text xml:lang='@'>@</text><size>9</size></person></people>"),
    ("csv", "id,text,size,printed\nk1,@,9,@\nk2,\"a\n@\",9,\"@\n\"\n"),
    ("txt", "Organization of @ (OX)\n\nE-Mail: <@>\nTelephone: @\nDirect line: @\nFounded: @\n\n@ said that @.<sup>9</sup>\n"),
];

const REPORTS: &[&str] = &["pretty", "plain", "json", "ndjson", "sarif", "github", "gitlab", "junit", "rdjsonl", "markdown", "html"];

/// Files with the secret in them.
fn documents(secret: &str, members: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let escaped: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    for (number, member) in members.iter().enumerate() {
        for (how, secret) in [("plain", secret), ("escaped", &escaped)] {
            let member = member.replace('@', secret).replace("EXAMPLE", "@EXAMPLE");
            files.push((format!("data/{number}-{how}.json"), format!("{{\"id\": \"k1\", {member}}}\n")));
            files.push((
                format!("data/{number}-{how}.ndjson"),
                format!("{{\"id\": \"k{number}\", {member}}}\n{{\"id\": \"k2\", \"size\": 9}}\n"),
            ));
        }
    }
    // A table and what belongs to it, described as a package.
    let package = r#"{"resources": [{"name": "people", "path": "people.csv"},
        {"name": "people-rows", "path": "people-rows.csv", "list": "rows",
         "schema": {"foreignKeys": [{"fields": "_parent", "reference": {"resource": "people", "fields": "_row"}}]}}]}"#;
    files.push(("data/package/datapackage.json".to_owned(), package.to_owned()));
    files.push(("data/package/people.csv".to_owned(), format!("_row,id,text,size\n1,k1,{secret},9\n2,k2,{secret},9,{secret}\n")));
    let rows = format!("_parent,_position,secret,open\n1,0,{secret},9\n7,0,{secret},9\n{secret},0,{secret},9\n1,0,{secret},9,{secret}\n");
    files.push(("data/package/people-rows.csv".to_owned(), rows));
    for (number, (end, text)) in BROKEN.iter().chain(NOTATIONS).enumerate() {
        files.push((format!("data/n{number}.{end}"), text.replace('@', secret)));
    }
    files
}

/// Texts that must not are in what is printed: every piece of six characters of the secret, in the ways in which programs
/// write texts.
fn needles(secret: &str) -> Vec<String> {
    let letters: Vec<char> = secret.chars().collect();
    let mut needles = Vec::new();
    for piece in letters.windows(6) {
        let text: String = piece.iter().collect();
        needles.push(text.bytes().map(|byte| format!("%{byte:02x}")).collect());
        needles.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
        needles.push(text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect());
        needles.push(piece.iter().map(|c| format!("&#{};", u32::from(*c))).collect());
        needles.push(piece.iter().map(|c| format!("&#x{:x};", u32::from(*c))).collect());
        needles
            .push(text.bytes().map(|byte| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect());
        needles.push(piece.iter().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(*c)) }).collect());
        needles.push(text);
    }
    needles.iter_mut().for_each(|needle| *needle = needle.to_lowercase());
    needles.sort();
    needles.dedup();
    needles
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The secret in base 64, wherever in a longer text it stands: the letters that do not depend on what is around it.
fn in_base64(secret: &str) -> Vec<String> {
    let one = |skip: usize| {
        let bytes: Vec<u8> = secret.bytes().skip(skip).collect();
        let whole = bytes.chunks_exact(3).flat_map(|three| {
            let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift) as usize % 64]))
        });
        whole.collect::<String>()
    };
    (0..3).map(one).filter(|text| text.len() >= 8).map(|text| text[..8].to_owned()).collect()
}

/// What was found of a secret in what the program printed and kept.
struct Search<'s> {
    secret: &'s str,
    needles: Vec<String>,
    found: Vec<String>,
}

impl<'s> Search<'s> {
    fn new(secret: &'s str) -> Self {
        Self { secret, needles: needles(secret), found: Vec::new() }
    }

    fn text(&mut self, what: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let lower = text.to_lowercase();
        if let Some((at, needle)) = self.needles.iter().find_map(|needle| Some((lower.find(needle)?, needle))) {
            let from = lower.floor_char_boundary(at.saturating_sub(300));
            let to = lower.floor_char_boundary(at + 60);
            self.found.push(format!("{what} holds {needle:?}: {}", &lower[from..to]));
        }
        if in_base64(self.secret).iter().any(|needle| text.contains(needle)) {
            self.found.push(format!("{what} holds it in base 64"));
        }
    }

    fn both(&mut self, what: &str, ran: &Ran) {
        self.text(&format!("the output of {what}"), ran.out.as_bytes());
        self.text(&format!("the error output of {what}"), ran.err.as_bytes());
        assert!(ran.status <= 2, "{what} ends: {}", ran.err);
    }

    fn file(&mut self, path: &Path) {
        self.text(&path.to_string_lossy(), &fs::read(path).expect("the file is readable"));
    }

    fn folder(&mut self, folder: &Path) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        entries.map(|entry| self.file(&entry.expect("the folder is readable").path())).count()
    }

    fn end(self) {
        assert!(self.found.is_empty(), "{:?} leaves in {} places:\n{}", self.secret, self.found.len(), self.found.join("\n"));
    }
}

fn write(home: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
}

// Everything that judges or compares the documents, with a look at all that it prints and keeps.
fn nothing_leaves(secret: &str, members: &[&str]) {
    let files = documents(secret, members);
    let mut search = Search::new(secret);
    let home = folder(&[("schema.json", SCHEMA)]);
    let home = home.path();
    write(home, &files);
    let open = run(home, &["check", "--no-cache", "--schema", "schema.json", "--report", "json", "data"]);
    let masked = run(home, &["check", "--no-cache", "--schema", "schema.json", "--report", "json", "--mask", "data"]);
    let found = |ran: &Ran| {
        let report: serde_json::Value = serde_json::from_str(&ran.out).expect("a report is JSON");
        let place = |finding: &serde_json::Value| {
            ["code", "file", "line", "column", "end_line", "end_column", "severity"].map(|name| finding[name].to_string()).join(" ")
        };
        report["diagnostics"].as_array().expect("a list").iter().map(place).collect::<Vec<_>>()
    };
    for (masked, open) in found(&masked).iter().zip(found(&open)) {
        assert_eq!(*masked, open, "every finding is where it was");
    }
    assert_eq!(found(&masked).len(), found(&open).len());
    for (name, text) in files.iter().filter(|(name, _)| !name.ends_with("datapackage.json")) {
        assert!(text.contains(secret) || text.contains("\\u00"), "{name} holds the secret: {text}");
        assert!(open.out.contains(name), "something is found in {name}: {text}");
    }
    assert!(open.out.contains(&secret[..6]), "without the flag it is shown");
    for report in REPORTS {
        search.both(report, &run(home, &["check", "--schema", "schema.json", "--report", report, "--mask", "data"]));
    }
    assert!(search.folder(&home.join(".chancery-cache")) > 0, "answers are kept");
    let report = run(
        home,
        &["check", "--schema", "schema.json", "--mask", "--report", "html=report.html", "--report", "sarif=report.sarif", "data"],
    );
    search.both("reports in files", &report);
    for name in ["report.html", "report.sarif"] {
        search.file(&home.join(name));
    }
    let flags = ["--baseline", "baseline.json", "--schema", "schema.json", "--mask", "data"];
    search.both("a new baseline", &run(home, &[&["check", "--write-baseline"], &flags[..]].concat()));
    search.file(&home.join("baseline.json"));
    search.both("a baseline", &run(home, &[&["check"], &flags[..]].concat()));
    // One file of seven, others each time.
    let first = secret.bytes().map(usize::from).sum::<usize>() % 7;
    for (name, _) in files.iter().skip(first).step_by(7) {
        search.both(&format!("explain {name}"), &run(home, &["explain", "--schema", "schema.json", "--mask", name]));
    }
    search.both("fix", &run(home, &["fix", "--schema", "schema.json", "--mask", "data"]));
    search.both("convert", &run(home, &["convert", "--schema", "schema.json", "--mask", "--to", "json", "data", "-o", "out.json"]));
    let skip = ["--on-invalid", "skip", "--rejects", "r.ndjson", "--schema", "schema.json", "--mask", "data"];
    let load = run(home, &[&["load", "--into", "sqlite:x.db", "--dry-run"], &skip[..]].concat());
    search.both("load", &load);
    fs::create_dir(home.join("empty")).expect("writable");
    write(home, &[("new.ndjson".to_owned(), new_side(secret)), ("old.ndjson".to_owned(), old_side(secret))]);
    for format in ["text", "markdown", "json", "ndjson"] {
        let args = ["diff", "old.ndjson", "new.ndjson", "--schema", "schema.json", "-v", "--format", format];
        assert!(run(home, &args).out.to_lowercase().contains(&secret[..6].to_lowercase()), "without the flag {format} shows it");
        search.both(&format!("diff {format}"), &run(home, &[&args[..], &["--mask"]].concat()));
    }
    let (name, text) = &files[0];
    both_ways(home, &mut search);
    let piped = run_with(home, &["check", "--schema", "schema.json", "--mask", "--from", "json", "-"], text.as_bytes());
    search.both(&format!("{name} from a pipe"), &piped);
    search.end();
}

// Commands that write data, which hold the values in what they write and nowhere else.
fn both_ways(home: &Path, search: &mut Search<'_>) {
    let schema = ["--schema", "schema.json", "--mask"];
    for to in ["csv", "xml", "yaml", "ndjson"] {
        let args = [&["convert", "--to", to, "-o", "out", "--on-invalid", "keep", "data"], &schema[..]].concat();
        search.both(&format!("convert to {to}"), &run(home, &args));
    }
    let stores = [("sqlite:y.db", cfg!(feature = "sqlite")), ("parquet:y", cfg!(feature = "parquet"))];
    for (into, _) in stores.into_iter().filter(|(_, is_built)| *is_built) {
        let args = [&["load", "--into", into, "--on-invalid", "skip", "--rejects", "r.ndjson", "data"], &schema[..]].concat();
        search.both(&format!("load into {into}"), &run(home, &args));
    }
    search.both("run", &run(home, &[&["run", "-o", "run", "--on-invalid", "skip", "data"], &schema[..]].concat()));
    for flags in [
        &["--records", "/rows/*"][..],
        &["--records", "/{text}/*"],
        &["--records", "*/{text}"],
        &["--key", "/text"],
        &["--key", "/person/name"],
        &["--no-normalise"],
        &["--strict"],
        &["--cells", "text"],
    ] {
        let args = [&["check", "--report", "json", "data"], flags, &schema[..]].concat();
        search.both(&format!("check {}", flags.join(" ")), &run(home, &args));
    }
    for flags in [&["--max-record-bytes", "40"][..], &["--max-depth", "2"]] {
        let args = [&["check", "--report", "pretty", "data"], flags, &schema[..]].concat();
        search.both(&format!("check {}", flags.join(" ")), &run(home, &args));
    }
    search.both("check without a schema", &run(home, &["check", "--schema", "none", "--mask", "--report", "html", "data"]));
    search.both("fix", &run(home, &[&["fix", "--write", "data"], &schema[..]].concat()));
}

// A record to a line for each member, which the other side has differently.
fn new_side(secret: &str) -> String {
    let line = |(number, member): (usize, &&str)| format!("{{\"id\": \"k{number}\", {}}}\n", member.replace('@', secret));
    MEMBERS.iter().enumerate().map(line).collect()
}

fn old_side(secret: &str) -> String {
    // What was sensitive is repeated where it is not.
    (0..MEMBERS.len())
        .step_by(2)
        .map(|number| format!("{{\"id\": \"k{number}\", \"text\": \"{secret}\", \"size\": 1}}\n"))
        .collect::<String>()
        + &format!(
            "{{\"id\": \"gone\", \"note\": \"{secret}\", \"text\": \"{secret}\"}}\n{{\"id\": \"{secret}\", \"text\": \"{secret}\"}}\n"
        )
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, ..crate::property::cases(1) })]

    #[test]
    fn no_secret_leaves_the_program(secret in "[A-Z][a-z]{2}[0-9][a-z]{3}[0-9][a-z]{4}", letter in "[éëö]") {
        nothing_leaves(&secret, MEMBERS);
        nothing_leaves(&format!("{}{letter}{}", &secret[..7], &secret[7..]), MEMBERS);
    }

    #[test]
    fn no_sensitive_number_leaves_the_program(secret in "[1-9]{9}") {
        nothing_leaves(&secret, NUMBERS);
    }
}

#[test]
fn keys_that_are_sensitive_leave_in_no_way() {
    let secret = "Qzx7plum4tree";
    let schema = SCHEMA.replace("\"/id\"", "\"/text\"").replace("\"maxLength\": 2, \"x-normalise\": \"text\"", "\"x-normalise\": \"text\"");
    let records = format!(
        "{{\"id\": \"a\", \"text\": \"{secret}\", \"size\": 9}}\n{{\"id\": \"b\", \"text\": \"{secret}\", \"boss\": \"{secret}1\"}}\n"
    );
    let good = format!("{{\"id\": \"a\", \"text\": \"{secret}\"}}\n{{\"id\": \"b\", \"text\": \"b\", \"boss\": \"{secret}\"}}\n");
    let less = "{\"id\": \"b\", \"text\": \"b\"}\n".to_owned();
    let home = folder(&[("schema.json", &schema), ("bad.ndjson", &records), ("good.ndjson", &good), ("less.ndjson", &less)]);
    let home = home.path();
    let common = ["--schema", "schema.json", "--mask"];
    let mut search = Search::new(secret);
    let mut ran = |args: &[&str]| {
        let ran = run(home, &[args, &common].concat());
        search.both(args[0], &ran);
        ran
    };
    let checked = ran(&["check", "bad.ndjson"]);
    assert!(checked.out.contains("X101") && checked.out.contains("X102"), "{}", checked.out);
    run(home, &["check", "--schema", "schema.json", "--baseline", "b.json", "--write-baseline", "bad.ndjson"]);
    fs::write(home.join("bad.ndjson"), &good).expect("writable");
    let stale = ran(&["check", "--baseline", "b.json", "bad.ndjson"]);
    assert!(stale.out.contains("B101"), "{}", stale.out);
    let tried = ran(&["load", "--into", "sqlite:x.db", "--dry-run", "good.ndjson"]);
    assert!(tried.out.contains("added ***"), "{}", tried.out);
    ran(&["load", "--into", "sqlite:x.db", "good.ndjson"]);
    let clash = ran(&["load", "--into", "sqlite:x.db", "--mode", "append", "good.ndjson"]);
    assert!(clash.err.contains("W133"), "{}", clash.err);
    let removed = ran(&["load", "--into", "sqlite:x.db", "--dry-run", "--mode", "replace", "less.ndjson"]);
    assert!(removed.out.contains("removed ***"), "{}", removed.out);
    ran(&["diff", "good.ndjson", "less.ndjson"]);
    search.end();
}

#[test]
fn a_dry_run_shows_keys_that_are_not_sensitive() {
    let secret = "Qzx7plum4tree";
    let records = format!(
        "{{\"id\": \"alpha\", \"text\": \"xy\"}}\n{{\"id\": \"{secret}\", \"text\": \"x\", \"ref\": \"\", \"land\": \"{secret}\"}}\n"
    );
    let schema = SCHEMA.replace("\"maxLength\": 12", "\"maxLength\": 20");
    let home = folder(&[("schema.json", &schema), ("a.ndjson", &records)]);
    let ran = run(home.path(), &["load", "--into", "sqlite:x.db", "--dry-run", "--schema", "schema.json", "--mask", "a.ndjson"]);
    assert_eq!(ran.out, "added alpha\nadded ***\n", "{}", ran.err);
}

#[test]
fn what_is_not_sensitive_is_shown() {
    let records = "[{\"id\": \"k1\", \"text\": \"Anna Blank\", \"size\": 9, \"note\": \"harmless\", \"mial\": \"x@b.org\"}]";
    let home = folder(&[("schema.json", SCHEMA), ("a.json", records)]);
    let ran = run(home.path(), &["check", "--schema", "schema.json", "--mask", "--report", "pretty", "a.json"]);
    for shown in [
        "\"size\": 9",
        "\"note\": \"harmless\"",
        "found 8: \"harmless\"",
        "expected at most 3, found 9",
        "unknown member \"mial\"",
        "did you mean \"mail\"?",
    ] {
        assert!(ran.out.contains(shown), "{shown}:\n{}", ran.out);
    }
    assert!(!ran.out.contains("Anna") && !ran.out.contains("b.org"), "{}", ran.out);
}

#[test]
fn outputs_keep_the_values() {
    let home = folder(&[("schema.json", SCHEMA), ("a.json", "[{\"id\": \"k1\", \"text\": \" x\"}]")]);
    let home = home.path();
    let ran = run(home, &["convert", "--schema", "schema.json", "--mask", "--to", "ndjson", "a.json"]);
    assert_eq!(ran.out, "{\"id\":\"k1\",\"text\":\"x\"}\n", "{}", ran.err);
    let fixed = run(home, &["fix", "--schema", "schema.json", "--mask", "--write", "a.json"]);
    assert_eq!(
        (fixed.status, fs::read_to_string(home.join("a.json")).expect("it is there").as_str()),
        (0, "[{\"id\": \"k1\", \"text\": \"x\"}]")
    );
}
