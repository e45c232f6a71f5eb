//! Round trips: what is written in any format is read back as the same record, with a schema and without one.

use std::io;
use std::sync::Arc;

use chancery::check::{self, OnInvalid};
use chancery::diagnostic::{Diagnostic, Severity};
use chancery::read::{self, CollectedRecords, csv::package};
use chancery::schema::{Schema, Shape, bundled, json_impl::WholeValue};
use chancery::source::{InputBuffer, Position, Source};
use chancery::tree::Tree;
use chancery::write::{self, Memory, csv::Tables};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support;

/// Every way out: a format, and for tables a layout.
const WAYS: &[(&str, Tables)] = &[
    ("json", Tables::Wide),
    ("ndjson", Tables::Wide),
    ("yaml", Tables::Wide),
    ("xml", Tables::Wide),
    ("csv", Tables::Wide),
    ("tsv", Tables::Wide),
    ("csv", Tables::Package),
];

fn errors(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).map(|diagnostic| diagnostic.message.as_str()).collect()
}

fn written(trees: &[Tree], way: (&str, Tables), shape: &Arc<Shape>) -> Memory {
    let csv = write::csv::Layout { tables: way.1, ..write::csv::Layout::default() };
    let options = write::Options { shape: Arc::clone(shape), csv, ..write::Options::default() };
    let writer = write::Format::by_name(way.0).expect("a way is a format").writer(&options);
    let accepted = trees.iter().map(|tree| check::accept(tree, true, OnInvalid::Stop).expect("a valid record is accepted"));
    let mut diagnostics = Vec::new();
    let memory = write::collect(&*writer, accepted, &mut diagnostics).expect("memory is writable");
    assert_eq!(errors(&diagnostics), [""; 0], "{way:?}");
    memory
}

fn read_back(memory: &Memory, way: (&str, Tables), shape: &Arc<Shape>) -> Vec<Tree> {
    let options = read::Options { shape: Arc::clone(shape), ..read::Options::default() };
    let format = read::Format::by_name(way.0).expect("a way is a format");
    let collected = if way.1 == Tables::Package {
        let description = String::from_utf8(memory.named["datapackage.json"].clone()).expect("it is text");
        let description = Arc::new(Source::whole("datapackage.json", description));
        let mut table = |name: &str| {
            let bytes = memory.named.get(name).cloned().ok_or_else(|| io::Error::other("no such table"))?;
            Ok(InputBuffer::new(name, Box::new(io::Cursor::new(bytes)), Position::START))
        };
        let mut chunker = package::open(&description, &mut table, &options).expect("our own package can be read");
        let mut collected = CollectedRecords::default();
        read::read_all(&mut *chunker, &mut collected).expect("memory is readable");
        collected
    } else {
        read::collect(format, "written", &memory.main, &options).expect("our own output is UTF-8")
    };
    assert_eq!(errors(&collected.diagnostics), [""; 0], "{way:?}: {}", String::from_utf8_lossy(&memory.main));
    collected.records
}

fn json_of(tree: &Tree) -> String {
    let mut out = Vec::new();
    write::json::compact(tree.root(), &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Through every way and back: the same records, and the same bytes when written again.
fn check(records: &[Value], shape: &Arc<Shape>) {
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    let trees = read::collect(read::Format::Ndjson, "records", text.as_bytes(), &read::Options::default()).expect("JSON is UTF-8").records;
    assert_eq!(trees.len(), records.len());
    for way in WAYS {
        let memory = written(&trees, *way, shape);
        let back = read_back(&memory, *way, shape);
        assert_eq!(back.len(), trees.len(), "{way:?}: {}", String::from_utf8_lossy(&memory.main));
        for (before, after) in trees.iter().zip(&back) {
            let (before_json, after_json) = (json_of(before), json_of(after));
            let main = String::from_utf8_lossy(&memory.main);
            assert!(before.root().same(after.root()), "{way:?}:\n{before_json}\n{after_json}\n{main}");
        }
        let again = written(&back, *way, shape);
        // Where no shape orders the columns of a package they stand as they first came, lists last; then only what has
        // been through a package once is in normal form.
        let (memory, again) = if way.1 == Tables::Package && shape.root().is_any() {
            let third = written(&read_back(&again, *way, shape), *way, shape);
            (again, third)
        } else {
            (memory, again)
        };
        for (name, bytes) in &memory.named {
            let (before, after) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&again.named[name]));
            let differs = before.lines().zip(after.lines()).find(|(before, after)| before != after);
            assert!(before == after, "{way:?}, any shape {}, {name}: written again, {differs:?}", shape.root().is_any());
        }
        assert!(again.main == memory.main, "{way:?}: written again, other bytes come out");
    }
}

fn profile() -> Schema {
    support::schema(bundled::PROFILE.text)
}

/// Text that the profile takes: no blank at either end, no control character but LF and tab inside.
fn text() -> impl Strategy<Value = String> {
    let hard = prop_oneof![
        Just("null".to_owned()),
        Just("007".to_owned()),
        Just("1e5".to_owned()),
        Just("NO".to_owned()),
        Just("=1+1".to_owned()),
        Just("a,\"b\"; c|d\te".to_owned()),
        Just("two\nlines".to_owned()),
        Just("- x: [y] # z".to_owned()),
        Just("<&>]]>".to_owned()),
        Just("\\u0041 \u{202e}e\u{301} 😀".to_owned()),
        Just("2009-07".to_owned()),
        Just("true".to_owned()),
    ];
    prop_oneof![3 => hard, 5 => "[!-~é–’][ -~é–’\n\t]{0,12}[!-~é–’]"]
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof!["[12][0-9]{3}", "[12][0-9]{3}-0[1-9]", "[12][0-9]{3}-1[0-2]-2[0-8]", "19[0-9]{2}~"]
}

fn name() -> impl Strategy<Value = Value> {
    (text(), proptest::option::of("[A-Z]{2,6}")).prop_map(|(name, acronym)| match acronym {
        Some(acronym) => json!({"name": name, "acronym": acronym}),
        None => json!({"name": name}),
    })
}

fn phone() -> impl Strategy<Value = Value> {
    ("\\+[1-9][0-9]{6,12}", proptest::option::of(text()), proptest::option::of("[0-9]{1,4}")).prop_map(|(number, display, extension)| {
        let mut phone = json!({"number": number});
        display.into_iter().for_each(|display| phone["display"] = display.into());
        extension.into_iter().for_each(|extension| phone["extension"] = extension.into());
        phone
    })
}

fn contact() -> impl Strategy<Value = Value> {
    (text(), vec(text(), 0..3), vec(phone(), 0..3), vec("[a-z]{1,8}@example\\.(org|net)", 0..3)).prop_map(
        |(title, units, phones, mails)| {
            let mut contact = json!({"role": "focal_point", "title": title});
            if !units.is_empty() {
                contact["units"] = units.into();
            }
            if !phones.is_empty() {
                contact["telephones"] = phones.into();
            }
            let mails: std::collections::BTreeSet<String> = mails.into_iter().collect();
            if !mails.is_empty() {
                contact["emails"] = mails.into_iter().collect();
            }
            contact
        },
    )
}

fn mandate() -> impl Strategy<Value = Value> {
    (name(), vec("[A-Z]{2}", 0..3), vec((text(), date()), 0..2), any::<bool>()).prop_map(|(mission, countries, instruments, derived)| {
        let mut mandate = json!({"mission": mission, "tasks": ["human_rights", "x_own"], "derived": derived});
        if !countries.is_empty() {
            mandate["host_countries"] = countries.into_iter().map(|code| json!({"code": code})).collect();
        }
        if !instruments.is_empty() {
            mandate["instruments"] = instruments.into_iter().map(|(symbol, date)| json!({"symbol": symbol, "date": date})).collect();
        }
        mandate
    })
}

/// Any JSON, with the names and texts that break converters.
fn anything() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![text(), "\\PC{0,6}", "[\\x00-\\x1f\u{fffe}\u{85}\u{2028} \"'\\\\,;|]{0,4}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    let keys = prop_oneof![
        Just("33".to_owned()),
        Just("a.b".to_owned()),
        Just("a/b".to_owned()),
        Just("a b".to_owned()),
        Just("xml".to_owned()),
        Just("@id".to_owned()),
        Just("#text".to_owned()),
        Just("~0".to_owned()),
        Just(String::new()),
        Just("😀".to_owned()),
        Just("_record".to_owned()),
        "[a-c]{1,2}",
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(keys.clone().boxed(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    let places = (vec(contact(), 0..3), vec(mandate(), 0..3), vec((name(), text()), 0..3), vec(text(), 0..3));
    ("[a-z]{1,6}(-[a-z0-9]{1,4}){0,2}", text(), proptest::option::of(date()), places, proptest::option::of(anything())).prop_map(
        |(id, name, founded, (contacts, mandates, memberships, functions), own)| {
            let mut record = json!({"id": id, "name": name});
            founded.into_iter().for_each(|date| record["founding_date"] = date.into());
            own.into_iter().for_each(|own| record["x_own"] = own);
            if !contacts.is_empty() {
                record["contacts"] = contacts.into();
            }
            if !mandates.is_empty() {
                record["mandates"] = mandates.into();
            }
            if !memberships.is_empty() {
                record["memberships"] =
                    memberships.into_iter().map(|(organization, group)| json!({"organization": organization, "group": group})).collect();
            }
            // An empty list is not a missing one.
            record["functions"] = functions.into();
            record
        },
    )
}

/// A schema with what makes a layout hard: unions, null, lists in lists, open and patterned members.
const USERS: &str = r#"{"type": "object", "properties": {
    "id": {"type": "string"},
    "count": {"type": ["integer", "null"]},
    "either": {"type": ["string", "number", "boolean", "null"]},
    "rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    "tags": {"type": "array", "items": {"type": "string"}},
    "part": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}]},
    "free": {}
  }, "patternProperties": {"^n_": {"type": "integer"}}}"#;

fn users_record() -> impl Strategy<Value = Value> {
    let either = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    let part =
        prop_oneof![text().prop_map(Value::from), (any::<i16>(), text()).prop_map(|(a, b)| json!({"a": a, "b": b})), Just(json!({}))];
    let rows = vec(vec(any::<i16>(), 0..3), 0..3);
    (text(), proptest::option::of(any::<u64>()), either, rows, vec(text(), 0..3), part, proptest::option::of(anything()), any::<i8>())
        .prop_map(|(id, count, either, rows, tags, part, free, number)| {
            let mut record = json!({"id": id, "count": count, "either": either, "rows": rows, "tags": tags, "part": part, "n_1": number});
            free.into_iter().for_each(|free| record["free"] = free);
            record
        })
}

#[test]
fn valid_profiles_come_back_through_every_format() {
    let schema = profile();
    let (shape, any_shape) = (Arc::new(Shape::of(&schema)), Arc::new(Shape::any()));
    proptest!(crate::property::cases(64), |(records in vec(record(), 1..4))| {
        for record in &records {
            let tree = support::tree("record.json", &record.to_string());
            let faults: Vec<String> = schema.errors(&WholeValue::new(tree.root())).map(|error| error.to_string()).collect();
            prop_assert!(faults.is_empty(), "the generator makes valid records: {faults:?}");
        }
        check(&records, &shape);
        check(&records, &any_shape);
    });
}

#[test]
fn records_of_a_schema_of_ones_own_come_back_through_every_format() {
    let shape = Arc::new(support::shape(USERS));
    proptest!(crate::property::cases(64), |(records in vec(users_record(), 1..4))| check(&records, &shape));
}

#[test]
fn any_json_comes_back_through_every_format() {
    let shape = Arc::new(Shape::any());
    proptest!(crate::property::cases(64), |(records in vec(anything(), 1..4))| check(&records, &shape));
}

#[test]
fn numbers_keep_their_value_to_the_last_digit() {
    let shape = Arc::new(Shape::any());
    let text = r#"{"a":[1.0,1,-0,1e400,12345678901234567890123,0.10,1E+2,1.0000000000000000000001]}"#;
    let trees = read::collect(read::Format::Json, "numbers", text.as_bytes(), &read::Options::default()).expect("JSON is UTF-8").records;
    for way in WAYS {
        let back = read_back(&written(&trees, *way, &shape), *way, &shape);
        assert!(trees[0].root().same(back[0].root()), "{way:?}: {}", json_of(&back[0]));
    }
}
