//! `schema infer`: what it claims, that data satisfy what was inferred from them, and that order, split and format do not matter.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{folder, run, run_with};

fn inferred(home: &Path, args: &[&str]) -> Value {
    let all = [&["schema", "infer"], args].concat();
    let ran = run(home, &all);
    assert_eq!(ran.status, 0, "{args:?}: {}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

fn people(count: usize) -> String {
    let mut dice = Dice(7);
    let mut text = String::new();
    for number in 0..count {
        let parent = if number == 0 { "null".to_owned() } else { format!("\"P{:06}\"", dice.below(number as u64)) };
        let extra = if number % 3 == 0 { ",\"note\":\"free text of its own\"" } else { "" };
        let status = dice.pick(&["active", "closed", "planned"]);
        let contact = if dice.below(2) == 0 {
            format!("{{\"type\":\"mail\",\"email\":\"p{number}@example.org\"}}")
        } else {
            format!("{{\"type\":\"phone\",\"number\":\"+43 1 26060 {number:04}\",\"hours\":{}}}", dice.below(24))
        };
        writeln!(
            text,
            "{{\"id\":\"P{number:06}\",\"name\":\"Name of person {number}\",\"status\":\"{status}\",\"parent\":{parent},\
             \"birth_date\":\"19{:02}-0{}-1{}\",\"size\":{},\"share\":0.{number},\"url\":\"https://example.org/{number}\",\
             \"country\":\"{}\",\"lang\":\"{}\",\"tags\":[\"t{}\"],\"contacts\":[{contact}]{extra}}}",
            dice.below(100),
            1 + dice.below(9),
            dice.below(9),
            dice.below(5000),
            dice.pick(&["AT", "DE", "FR", "CH", "IT", "ES"]),
            dice.pick(&["en", "fr", "de"]),
            dice.below(30),
        )
        .expect("writing to a string cannot fail");
    }
    text
}

#[test]
fn a_schema_says_what_a_person_would() {
    let home = folder(&[("people.ndjson", &people(200))]);
    let schema = inferred(home.path(), &["people.ndjson"]);
    let member = |name: &str| &schema["properties"][name];
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!((&schema["x-key"], &schema["x-record-name"]), (&json!("/id"), &json!("people")));
    assert_eq!(member("id"), &json!({"type": "string", "pattern": r"^P\d{6}$"}));
    assert_eq!(member("status"), &json!({"type": "string", "enum": ["active", "closed", "planned"]}));
    assert_eq!((&member("parent")["type"], &member("parent")["x-references"]), (&json!(["string", "null"]), &json!(true)));
    assert_eq!((&member("birth_date")["format"], &member("birth_date")["x-sensitive"]), (&json!("date"), &json!(true)));
    assert_eq!(member("size"), &json!({"type": "integer"}), "no limit is taken from the sample");
    assert_eq!(member("share"), &json!({"type": "number"}));
    assert_eq!(member("url")["format"], "uri");
    assert_eq!(member("country")["x-check"], "country");
    assert!(member("lang")["pattern"].is_string() && member("lang")["enum"].is_null());
    assert_eq!(member("tags")["x-item-name"], "tag");
    assert_eq!(member("name"), &json!({"type": "string"}));
    let required = schema["required"].as_array().expect("it is a list");
    assert!(required.contains(&json!("parent")) && !required.contains(&json!("note")));
    // The order is that of the data.
    let text = run(home.path(), &["schema", "infer", "people.ndjson"]).out;
    assert!(text.find("\"id\": {") < text.find("\"name\": {") && text.find("\"name\": {") < text.find("\"contacts\": {"));
    let contact = &member("contacts")["items"];
    assert_eq!(contact["required"], json!(["type"]));
    let branches = contact["oneOf"].as_array().expect("contacts are of two kinds");
    assert_eq!(branches.len(), 2);
    assert_eq!(branches[0]["properties"]["type"], json!({"const": "mail"}));
    assert_eq!((&branches[0]["required"], &branches[1]["required"]), (&json!(["email"]), &json!(["number", "hours"])));
    assert_eq!(branches[0]["properties"]["email"], json!({"type": "string", "format": "email", "x-sensitive": true}));
    assert_eq!(branches[1]["properties"]["number"]["x-sensitive"], true);
    // Only if asked for.
    let limited = inferred(home.path(), &["people.ndjson", "--with-limits"]);
    assert!(limited["properties"]["size"]["maximum"].is_number() && limited["properties"]["name"]["maxLength"].is_number());
    assert_eq!(limited["properties"]["tags"]["maxItems"], 1);
}

#[test]
fn digits_of_identifiers_are_no_numbers() {
    let mut table = String::from("zip,code,long,year,amount,mixed,missing,price\n");
    for number in 0..30 {
        let missing = if number == 7 { "N/A".to_owned() } else { number.to_string() };
        writeln!(
            table,
            "{:05},{},12345678901234567{number:02},{},{},{}-1,{missing},{number}.5",
            900 + number * 731,
            4000 + number,
            1990 + number,
            number * 37,
            number
        )
        .expect("writing to a string cannot fail");
    }
    table.push_str("99999,5000,1234567890123456799,2024,5,12,3,1\n");
    let home = folder(&[("a.csv", &table)]);
    let schema = inferred(home.path(), &["a.csv"]);
    for (name, expected) in [
        ("zip", json!("string")),
        ("code", json!("string")),
        ("long", json!("string")),
        ("year", json!("integer")),
        ("amount", json!("integer")),
        ("mixed", json!("string")),
        ("missing", json!(["string", "integer"])),
        ("price", json!("number")),
    ] {
        assert_eq!(schema["properties"][name]["type"], expected, "{name}");
    }
    fs::write(home.path().join("s.json"), schema.to_string()).expect("the folder is writable");
    let ran = run(home.path(), &["check", "a.csv", "--schema", "s.json"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    // JSON says which digits are numbers.
    let json: String = (0..30).map(|number| format!("{{\"code\":{}}}\n", 4000 + number)).collect();
    fs::write(home.path().join("b.ndjson"), json).expect("the folder is writable");
    assert_eq!(inferred(home.path(), &["b.ndjson"])["properties"]["code"]["type"], "integer");
}

#[test]
fn maps_are_told_from_objects() {
    let mut text = String::new();
    for number in 0..40 {
        let counts: Vec<String> = (0..5).map(|step| format!("\"k{}\":{{\"n\":{step}}}", number * 5 + step)).collect();
        writeln!(
            text,
            "{{\"counts\":{{{}}},\"names\":{{\"en\":\"a\",\"fr\":\"b\"}},\"years\":{{\"{}\":1,\"{}\":2}}}}",
            counts.join(","),
            1990 + number % 9,
            2000 + number % 7
        )
        .expect("writing to a string cannot fail");
    }
    let home = folder(&[("a.ndjson", &text)]);
    let schema = inferred(home.path(), &["a.ndjson"]);
    let member = |name: &str| &schema["properties"][name];
    assert_eq!(member("counts")["additionalProperties"]["properties"]["n"], json!({"type": "integer"}));
    assert!(member("counts")["properties"].is_null());
    assert_eq!(member("counts")["propertyNames"], json!({"pattern": r"^k\d+$"}));
    assert_eq!(member("years")["additionalProperties"], json!({"type": "integer"}));
    assert_eq!(member("names")["required"], json!(["en", "fr"]));
}

#[test]
fn elements_are_typed_as_their_texts_look() {
    let text = "<l><o id='7'><n>1</n><tag>x</tag><tag>y</tag><f>true</f><t lang='en'>A</t></o>\
                <o id='8'><n>2</n><tag>x</tag><f>false</f><t>B</t></o></l>";
    let home = folder(&[("a.xml", text)]);
    let schema = inferred(home.path(), &["a.xml"]);
    let member = |name: &str| &schema["properties"][name];
    assert_eq!((&member("n")["type"], &member("f")["type"]), (&json!("integer"), &json!("boolean")));
    assert_eq!(member("tag"), &json!({"type": "array", "items": {"type": "string"}}));
    assert_eq!(member("t")["type"], json!(["string", "object"]));
    fs::write(home.path().join("s.json"), schema.to_string()).expect("the folder is writable");
    let ran = run(home.path(), &["check", "a.xml", "--schema", "s.json"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
}

// A value that is as odd as values are; `depth` bounds lists and objects.
fn value(dice: &mut Dice, depth: u32) -> Value {
    match dice.below(if depth == 0 { 10 } else { 13 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.below(2) == 0),
        2 => json!(dice.below(1000)),
        3 => serde_json::from_str(dice.pick(&["-0.5", "1.0", "1e3", "12345678901", "0", "-7"])).expect("it is a number"),
        4 | 5 => json!(dice.pick(&["", " a ", "007", "12", "true", "null", "NO", "x\ny", "=1+1", "1e5", "[1]", "{}", "ü", "-", "a,b\"c"])),
        6 => json!(dice.pick(&["2024-01-31", "2024-02-30", "a@example.org", "https://example.org/a", "+43 1 26060", "AT", "en"])),
        7 => json!(format!("Q{}", dice.below(500))),
        8 => json!(format!("{:08x}", dice.below(1 << 32))),
        9 => json!(dice.pick(&["red", "green", "blue"])),
        10 => Value::Array((0..dice.below(4)).map(|_| value(dice, depth - 1)).collect()),
        11 => {
            let kind = dice.pick(&["a", "b"]);
            json!({ "type": kind, (format!("of_{kind}")): value(dice, depth - 1) })
        }
        _ => Value::Object((0..dice.below(4)).map(|_| (dice.pick(&NAMES).to_owned(), value(dice, depth - 1))).collect()),
    }
}

const NAMES: [&str; 14] = ["id", "type", "name", "size", "33", "a.b", "a/b", "a b", "@id", "#text", "~0", "ü", "tags", "xml"];

// Records whose members have one kind of value, or any.
fn records(seed: u64) -> Vec<Value> {
    let mut dice = Dice(seed * 0x9E37_79B9 + 1);
    let members = 1 + dice.below(8);
    let is_mixed = dice.below(2) == 0;
    let kinds: Vec<u64> = (0..members).map(|_| 1 + dice.below(1 << 40)).collect();
    let record = |number: u64, dice: &mut Dice| {
        let mut record = serde_json::Map::new();
        record.insert("id".to_owned(), json!(format!("r-{number}")));
        for (name, kind) in NAMES.iter().skip(1).zip(&kinds) {
            if dice.below(8) > 0 {
                let chosen = if is_mixed { value(dice, 2) } else { value(&mut Dice(kind + dice.below(3)), 2) };
                record.insert((*name).to_owned(), chosen);
            }
        }
        Value::Object(record)
    };
    (0..60).map(|number| record(number, &mut dice)).collect()
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

#[test]
fn data_satisfy_what_was_inferred_from_them_in_every_format() {
    for seed in 0..6 {
        let home = folder(&[("a.ndjson", &lines(&records(seed)))]);
        for format in ["ndjson", "json", "yaml", "csv", "tsv", "xml"] {
            let file = format!("b.{format}");
            let ran = run(home.path(), &["convert", "a.ndjson", "--schema", "none", "--on-invalid", "skip", "-o", &file]);
            assert!(ran.status < 2, "{seed} {format}: {}", ran.err);
            for limits in [&[][..], &["--with-limits"]] {
                let args = [&["schema", "infer", &file, "-o", "s.json"], limits].concat();
                let ran = run(home.path(), &args);
                assert_eq!(ran.status, 0, "{seed} {format}: {}", ran.err);
                let ran = run(home.path(), &["check", &file, "--schema", "s.json"]);
                let schema = || fs::read_to_string(home.path().join("s.json")).unwrap_or_default();
                assert_eq!(ran.status, 0, "{seed} {format} {limits:?}: {}\n{}", ran.out, schema());
            }
        }
    }
}

#[test]
fn order_split_and_workers_do_not_matter() {
    for seed in 0..6 {
        let all = records(seed);
        let mut other: Vec<Value> = all.clone();
        other.reverse();
        other.rotate_left(17);
        let home = folder(&[
            ("a.ndjson", &lines(&all)),
            ("b.ndjson", &lines(&other)),
            ("c/1.ndjson", &lines(&other[..20])),
            ("c/2.ndjson", &lines(&other[20..])),
        ]);
        let of = |paths: &[&str]| {
            let ran = run(home.path(), &[&["schema", "infer", "--collection", "r"], paths].concat());
            assert_eq!(ran.status, 0, "{}", ran.err);
            ran.out
        };
        let first = of(&["a.ndjson"]);
        assert_eq!(first, of(&["b.ndjson"]), "{seed}");
        assert_eq!(first, of(&["c"]), "{seed}");
        assert_eq!(first, of(&["a.ndjson", "-j", "4"]), "{seed}");
        assert_eq!(
            run_with(home.path(), &["schema", "infer", "--collection", "r", "-", "--from", "ndjson"], lines(&all).as_bytes()).out,
            first
        );
    }
}

#[test]
fn every_format_gives_the_same_schema() {
    let home = folder(&[("a.ndjson", &people(80))]);
    let first = inferred(home.path(), &["a.ndjson", "--collection", "r"]);
    for format in ["json", "yaml", "csv", "tsv", "xml"] {
        let file = format!("b.{format}");
        let ran = run(home.path(), &["convert", "a.ndjson", "--schema", "none", "-o", &file]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert_eq!(inferred(home.path(), &[&file, "--collection", "r"]), first, "{format}");
    }
}

#[test]
fn types_and_required_members_of_a_known_schema_are_found() {
    let home = folder(&[("people.ndjson", &people(120))]);
    let known = inferred(home.path(), &["people.ndjson"]);
    fs::write(home.path().join("known.json"), known.to_string()).expect("the folder is writable");
    // Half of the data gives the same types and required members, and the other half satisfies them.
    let all = people(240);
    let half: Vec<&str> = all.lines().collect();
    fs::write(home.path().join("held.ndjson"), half[120..].join("\n")).expect("the folder is writable");
    let again = inferred(home.path(), &["held.ndjson"]);
    assert_eq!(again["required"], known["required"]);
    // The first record alone has no parent.
    for (name, member) in known["properties"].as_object().expect("it has members").iter().filter(|(name, _)| *name != "parent") {
        assert_eq!(again["properties"][name]["type"], member["type"], "{name}");
    }
    let ran = run(home.path(), &["check", "held.ndjson", "--schema", "known.json", "--report", "json", "--ignore", "X102"]);
    let report: Value = serde_json::from_str(&ran.out).expect("a report is JSON");
    assert_eq!(report["summary"]["invalid"], 0, "{}", ran.out);
}

#[test]
fn collections_refer_to_each_other() {
    let mut people = String::new();
    let mut seats = String::from("person,committee,role\n");
    for number in 0..40 {
        writeln!(people, "{{\"id\":\"P{number:03}\",\"name\":\"N {number}\"}}").expect("writing to a string cannot fail");
        writeln!(seats, "P{:03},C{},member", number * 7 % 40, number % 5).expect("writing to a string cannot fail");
    }
    let committees: String = (0..6).map(|number| format!("- code: C{number}\n  title: T {number}\n")).collect();
    let home = folder(&[("people.ndjson", &people), ("seats.csv", &seats), ("committees.yaml", &committees)]);
    let paths = ["people.ndjson", "seats.csv", "committees.yaml"];
    let ran = run(home.path(), &[&["schema", "infer"], &paths[..]].concat());
    assert_eq!((ran.status, &*ran.out), (2, ""), "there is one standard output");
    assert!(["people", "seats", "committees"].iter().all(|name| ran.err.contains(name)), "{}", ran.err);
    let ran = run(home.path(), &[&["schema", "infer", "-o", "schemas/"], &paths[..]].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let seats: Value = serde_json::from_str(&fs::read_to_string(home.path().join("schemas/seats.schema.json")).expect("it was written"))
        .expect("it is JSON");
    assert_eq!(seats["properties"]["person"]["x-references"], "people");
    assert_eq!(seats["properties"]["committee"]["x-references"], "committees");
    let config: String = ["people.ndjson", "seats.csv", "committees.yaml"]
        .iter()
        .map(|file| {
            format!("[[sources]]\npaths = [{file:?}]\nschema = \"schemas/{}.schema.json\"\n", file.split('.').next().unwrap_or_default())
        })
        .collect();
    fs::write(home.path().join("chancery.toml"), config).expect("the folder is writable");
    let ran = run(home.path(), &["check", "--complete"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    // One of many is not a key: it is mentioned.
    fs::write(home.path().join("seats.csv"), fs::read_to_string(home.path().join("seats.csv")).expect("it is there") + "P999,C1,chair\n")
        .expect("the folder is writable");
    let ran = run(home.path(), &[&["schema", "infer", "--no-config", "--explain"], &paths[..]].concat());
    assert!(ran.out.contains("x-references \"people\" (not in the schema): 40 of 41"), "{}", ran.out);
}

#[test]
fn claims_come_with_evidence_and_places() {
    let home = folder(&[("people.ndjson", &people(50))]);
    let ran = run(home.path(), &["schema", "infer", "people.ndjson", "--explain=json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let all: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    let claims = all[0]["claims"].as_array().expect("it is a list");
    let claim = |path: &str, keyword: &str| {
        claims
            .iter()
            .find(|claim| claim["path"] == path && claim["keyword"] == keyword)
            .unwrap_or_else(|| panic!("{path} {keyword}: {}", ran.out))
    };
    let pattern = claim("/id", "pattern");
    assert_eq!((&pattern["values"], &pattern["distinct"], &pattern["written"]), (&json!(50), &json!(50), &json!(true)));
    assert_eq!(pattern["examples"][0], json!({"value": "P000000", "file": "people.ndjson", "line": 1, "column": 7}));
    assert_eq!(pattern["examples"].as_array().map(Vec::len), Some(3));
    claim("/contacts/*", "oneOf");
    claim("", "required");
    // The same claims in other forms; the schema goes to the file.
    for format in ["text", "markdown"] {
        let ran = run(home.path(), &["schema", "infer", "people.ndjson", "-o", "s.json", &format!("--explain={format}")]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(ran.out.contains("people.ndjson:1:7") && ran.out.contains("P000000"), "{}", ran.out);
        assert!(home.path().join("s.json").exists());
    }
    let masked = run(home.path(), &["schema", "infer", "people.ndjson", "--explain", "--mask"]).out;
    assert!(!masked.contains("@example.org") && !masked.contains("+43 1") && masked.contains("***"), "{masked}");
}

#[test]
fn an_update_changes_what_data_contradict_and_nothing_else() {
    let schema = "{\n  \"title\": \"Thing\",\n  \"description\": \"Kept as it is\",\n  \"type\": \"object\",\n  \"required\": [\"a\", \"b\"],\n  \
                  \"properties\": {\n    \"a\": { \"type\": \"string\",   \"format\": \"date\" },\n    \"b\": { \"enum\": [\"x\"] },\n    \
                  \"c\": { \"$ref\": \"#/$defs/c\" }\n  },\n  \"additionalProperties\": false,\n  \"$defs\": { \"c\": { \"type\": \"integer\", \"maximum\": 4 } }\n}\n";
    let data = "{\"a\":\"x\",\"b\":\"y\",\"c\":5,\"f\":1}\n{\"a\":1,\"c\":\"q\"}\n{\"a\":null,\"c\":9}\n";
    let home = folder(&[("s.json", schema), ("d.ndjson", data)]);
    let ran = run(home.path(), &["schema", "infer", "d.ndjson", "--update", "s.json"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("compatible"), "{}", ran.out);
    let expected = "{\n  \"title\": \"Thing\",\n  \"description\": \"Kept as it is\",\n  \"type\": \"object\",\n  \"required\": [\"a\"],\n  \
                    \"properties\": {\n    \"a\": { \"type\": [\"string\", \"integer\", \"null\"] },\n    \"b\": { \"enum\": [\"x\", \"y\"] },\n    \
                    \"c\": { \"$ref\": \"#/$defs/c\" },\n    \"f\": { \"type\": \"integer\" }\n  },\n  \"additionalProperties\": false,\n  \
                    \"$defs\": { \"c\": { \"type\": [\"integer\", \"string\"], \"maximum\": 9 } }\n}\n";
    assert_eq!(fs::read_to_string(home.path().join("s.json")).expect("it is there"), expected);
    assert_eq!(run(home.path(), &["check", "d.ndjson", "--schema", "s.json", "--no-cache"]).status, 0);
    // Nothing is left to do, and nothing else is in the directory.
    let ran = run(home.path(), &["schema", "infer", "d.ndjson", "--update", "s.json"]);
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert_eq!(fs::read_to_string(home.path().join("s.json")).expect("it is there"), expected);
    assert_eq!(fs::read_dir(home.path()).expect("it is there").count(), 2);
}

#[test]
fn an_update_keeps_the_comments_of_yaml() {
    let schema = "# Things\ntype: object # always\nrequired:\n  - a\n  # may go\n  - b\nproperties:\n  a:\n    type: string\n    # a day\n    \
                  format: date\n  b:\n    enum:\n      - x # the first\n  c:\n    maximum: 4 # few\nadditionalProperties: false\n";
    let data = "{\"a\":\"x\",\"b\":\"y\",\"c\":5,\"f\":[1]}\n{\"a\":\"z\"}\n";
    let home = folder(&[("s.yaml", schema), ("d.ndjson", data)]);
    let ran = run(home.path(), &["schema", "infer", "d.ndjson", "--update", "s.yaml", "-o", "new.yaml"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(fs::read_to_string(home.path().join("s.yaml")).expect("it is there"), schema);
    let new = fs::read_to_string(home.path().join("new.yaml")).expect("it was written");
    let gone = ["  - b\n", "    format: date\n"];
    let kept: Vec<&str> =
        schema.lines().filter(|line| !gone.contains(&&*format!("{line}\n")) && !line.contains("maximum") && *line != "  c:").collect();
    kept.iter().for_each(|line| assert!(new.lines().any(|new| new == *line), "{line}\n{new}"));
    assert!(new.contains("    maximum: 5 # few\n") && new.contains("      - \"y\""), "{new}");
    let ran = run(home.path(), &["check", "d.ndjson", "--schema", "new.yaml"]);
    assert_eq!(ran.status, 0, "{}\n{new}", ran.out);
}

#[test]
fn what_an_update_cannot_decide_is_listed() {
    let schema = "{\"properties\":{\"a\":{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]},\"b\":{\"maxLength\":1}}}";
    let home = folder(&[("s.json", schema), ("d.ndjson", "{\"a\":1,\"b\":\"xyz\"}\n")]);
    let ran = run(home.path(), &["schema", "infer", "d.ndjson", "--update", "s.json"]);
    assert_eq!(ran.status, 1, "{}", ran.out);
    assert!(ran.out.contains("/properties/a/oneOf") && ran.out.contains("d.ndjson:1:6"), "{}", ran.out);
    assert!(fs::read_to_string(home.path().join("s.json")).expect("it is there").contains("\"maxLength\":3"));
    let ran = run_with(home.path(), &["schema", "infer", "-", "--update", "s.json"], b"{}");
    assert_eq!(ran.status, 2);
}

#[test]
fn what_cannot_be_read_gives_no_schema() {
    let home = folder(&[("a.ndjson", "{\"a\":1}\n{\"a\":\n{\"a\":2}\n"), ("empty.ndjson", "")]);
    let ran = run(home.path(), &["schema", "infer", "a.ndjson"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert!(ran.err.contains("a.ndjson:") && ran.out.contains("\"a\": { \"type\": \"integer\" }"), "{}{}", ran.out, ran.err);
    let ran = run(home.path(), &["schema", "infer", "missing.ndjson"]);
    assert_eq!((ran.status, &*ran.out), (2, ""));
    let ran = run(home.path(), &["schema", "infer", "empty.ndjson"]);
    assert_eq!((ran.status, &*ran.out), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("no records"), "{}", ran.err);
}

#[test]
fn a_directory_with_data_is_set_up_and_checked() {
    let mut people = String::new();
    for number in 0..30 {
        writeln!(people, "{{\"id\":\"P{number:03}\",\"name\":\"N {number}\",\"team\":\"T{}\"}}", number % 4)
            .expect("writing to a string cannot fail");
    }
    let teams = "id,title\nT0,Zero\nT1,One\nT2,Two\nT3,Three\n";
    let home = folder(&[
        ("data/people/a.ndjson", &people[..=people.len() / 2 + people[people.len() / 2..].find('\n').unwrap_or(0)]),
        ("data/people/b.ndjson", &people[people.len() / 2 + people[people.len() / 2..].find('\n').unwrap_or(0) + 1..]),
        ("data/teams.csv", teams),
        (".pre-commit-config.yaml", "# mine\n"),
    ]);
    let ran = run(home.path(), &["init"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let config = fs::read_to_string(home.path().join("chancery.toml")).expect("it was written");
    assert!(config.contains("paths = [\"data/people/*.ndjson\"]") && config.contains("paths = [\"data/teams.csv\"]"), "{config}");
    let schema: Value = serde_json::from_str(&fs::read_to_string(home.path().join("schemas/people.schema.json")).expect("it was written"))
        .expect("it is JSON");
    assert_eq!((&schema["x-key"], &schema["properties"]["team"]["x-references"]), (&json!("/id"), &json!("teams")));
    assert!(ran.out.contains("34 records in 3 files, all valid") && ran.out.contains("kept  ./.pre-commit-config.yaml"), "{}", ran.out);
    // What is set up stays as it is.
    fs::write(home.path().join("chancery.toml"), config.clone() + "# mine\n").expect("the folder is writable");
    assert_eq!(run(home.path(), &["init"]).status, 0);
    assert_eq!(fs::read_to_string(home.path().join("chancery.toml")).expect("it is there"), config + "# mine\n");
}
