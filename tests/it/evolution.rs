//! Schema changes and their effect on data: a table of pairs with known verdicts, and the property that no verdict is wrong.

use chancery::compat::{Compatibility, Direction, Meaning, Proof, Verdict, compare};
use chancery::schema::Schema;
use chancery::schema::json_impl;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{commit, folder, repository, run};
use crate::support;

fn schema(value: &Value) -> Schema {
    support::schema(&value.to_string())
}

fn evolution(old: &Value, new: &Value) -> Compatibility {
    compare(&schema(old), &schema(new), Direction::Backward)
}

fn lines(evolution: &Compatibility) -> Vec<String> {
    let sign = |meaning: Meaning| match meaning {
        Meaning::Breaking => "x",
        Meaning::Undecided => "?",
        Meaning::Compatible => "ok",
        Meaning::Wording => "-",
    };
    evolution.changes.iter().map(|change| format!("{} {}: {}", sign(change.meaning), change.pointer, change.message)).collect()
}

fn is_valid(schema: &Schema, value: &Value) -> bool {
    schema.is_valid(json_impl::to_tree(value).root())
}

/// Whether every example is what it claims to be.
fn examples_hold(old: &Value, new: &Value, evolution: &Compatibility) {
    let (old_schema, new_schema) = (schema(old), schema(new));
    for example in evolution.changes.iter().filter_map(|change| change.example.as_ref()).chain(&evolution.example) {
        assert!(is_valid(&old_schema, example) && !is_valid(&new_schema, example), "{example} for {old} and {new}");
    }
}

const COMPATIBLE: Verdict = Verdict::Compatible;
const BREAKING: Verdict = Verdict::Breaking;
const UNKNOWN: Verdict = Verdict::Unknown;

/// Old, new, the verdict, and the changes; the other way round the verdict is the last.
#[track_caller]
fn check(old: Value, new: Value, verdict: Verdict, changes: &[&str], reverse: Verdict) {
    let found = evolution(&old, &new);
    assert_eq!((found.verdict, lines(&found)), (verdict, changes.iter().map(|line| (*line).to_owned()).collect()), "{old} to {new}");
    examples_hold(&old, &new, &found);
    if verdict == BREAKING && found.proof == Proof::Example {
        let any = found.example.is_some() || found.changes.iter().any(|change| change.example.is_some());
        assert!(any, "{old} to {new}: no example");
    }
    let back = evolution(&new, &old);
    assert_eq!(back.verdict, reverse, "{new} to {old}: {:?}", lines(&back));
    examples_hold(&new, &old, &back);
    let forward = compare(&schema(&old), &schema(&new), Direction::Forward);
    assert_eq!(forward.verdict, reverse, "{old} to {new}, forward");
}

#[test]
fn types() {
    check(json!({"type": "integer"}), json!({"type": "string"}), BREAKING, &["x : type integer → string"], BREAKING);
    check(json!({"type": "integer"}), json!({"type": "number"}), COMPATIBLE, &["ok : type integer → number"], BREAKING);
    check(json!({"type": ["string", "null"]}), json!({"type": "string"}), BREAKING, &["x : type null or string → string"], COMPATIBLE);
    check(json!({}), json!({"type": "object"}), BREAKING, &["x : type any → object"], COMPATIBLE);
    check(json!(true), json!({}), COMPATIBLE, &[], COMPATIBLE);
    check(json!({}), json!(false), BREAKING, &["x : no value is accepted any more"], COMPATIBLE);
    check(json!(false), json!({"type": "string"}), COMPATIBLE, &["ok : values are accepted now, none were before"], BREAKING);
}

#[test]
fn lists_of_values() {
    check(json!({"enum": ["a", "b"]}), json!({"enum": ["a"]}), BREAKING, &["x : enum lost \"b\""], COMPATIBLE);
    check(json!({"enum": ["a"]}), json!({"enum": ["b", "a"]}), COMPATIBLE, &["ok : enum gained \"b\""], BREAKING);
    check(json!({"enum": [1, 2.0]}), json!({"enum": [2, 1.0]}), COMPATIBLE, &[], COMPATIBLE);
    check(json!({"const": 1}), json!({"const": 2}), BREAKING, &["x : const 1 → 2"], BREAKING);
    check(json!({"const": 1}), json!({"enum": [1, 2]}), COMPATIBLE, &["ok : enum gained 2"], BREAKING);
    check(
        json!({"type": "string"}),
        json!({"enum": ["a"]}),
        BREAKING,
        &["ok : type string → any", "x : only \"a\" is accepted now"],
        COMPATIBLE,
    );
    check(
        json!({"enum": ["a"]}),
        json!({"type": "string"}),
        COMPATIBLE,
        &["ok : type any → string", "ok : no longer limited to \"a\""],
        BREAKING,
    );
    check(
        json!({"type": "boolean"}),
        json!({"type": "boolean", "enum": [true, false]}),
        COMPATIBLE,
        &["ok : only true or false is accepted now"],
        COMPATIBLE,
    );
}

#[test]
fn numbers() {
    check(json!({"maximum": 10}), json!({"maximum": 5}), BREAKING, &["x : maximum 10 → 5"], COMPATIBLE);
    check(json!({"minimum": 1}), json!({"minimum": 1.0}), COMPATIBLE, &[], COMPATIBLE);
    check(
        json!({"type": "integer", "minimum": 1}),
        json!({"type": "integer", "exclusiveMinimum": 0}),
        COMPATIBLE,
        &["ok : minimum 1 removed", "ok : exclusiveMinimum 0 added"],
        COMPATIBLE,
    );
    check(
        json!({"minimum": 1}),
        json!({"exclusiveMinimum": 1}),
        BREAKING,
        &["ok : minimum 1 removed", "x : exclusiveMinimum 1 added"],
        COMPATIBLE,
    );
    check(json!({"multipleOf": 10}), json!({"multipleOf": 5}), COMPATIBLE, &["ok : multipleOf 10 → 5"], BREAKING);
    check(json!({"multipleOf": 2}), json!({"multipleOf": 3}), BREAKING, &["x : multipleOf 2 → 3"], BREAKING);
    check(json!({"enum": [3, 4]}), json!({"enum": [3, 4], "minimum": 1}), COMPATIBLE, &["ok : minimum 1 added"], COMPATIBLE);
}

#[test]
fn texts() {
    check(json!({"maxLength": 9}), json!({"maxLength": 8}), BREAKING, &["x : maxLength 9 → 8"], COMPATIBLE);
    check(json!({"minLength": 0}), json!({}), COMPATIBLE, &[], COMPATIBLE);
    check(json!({"type": "string"}), json!({"type": "string", "minLength": 1}), BREAKING, &["x : minLength 1 added"], COMPATIBLE);
    check(json!({"pattern": "^[a-z]+$"}), json!({"pattern": "^[b-z]+$"}), BREAKING, &["x : pattern \"^[a-z]+$\" → \"^[b-z]+$\""], UNKNOWN);
    check(json!({"type": "string", "format": "date"}), json!({"type": "string"}), COMPATIBLE, &["ok : format \"date\" removed"], BREAKING);
    check(json!({"format": "date"}), json!({"format": "email"}), BREAKING, &["x : format \"date\" → \"email\""], BREAKING);
}

#[test]
fn members() {
    let of = |members: Value| json!({"type": "object", "properties": members});
    check(json!({}), json!({"required": ["a"]}), BREAKING, &["x /a: became required"], COMPATIBLE);
    check(
        of(json!({"a": {"type": "string"}})),
        of(json!({"a": {"type": "integer"}})),
        BREAKING,
        &["x /a: type string → integer"],
        BREAKING,
    );
    check(of(json!({"a/b": {"minimum": 1}})), of(json!({"a/b": {"minimum": 0}})), COMPATIBLE, &["ok /a~1b: minimum 1 → 0"], BREAKING);
    check(
        of(json!({})),
        of(json!({"a": {"type": "string"}})),
        BREAKING,
        &["x /a: has a schema now, anything was accepted before"],
        COMPATIBLE,
    );
    check(of(json!({})), of(json!({"a": true})), COMPATIBLE, &[], COMPATIBLE);
    let closed = |members: Value| json!({"type": "object", "properties": members, "additionalProperties": false});
    check(closed(json!({"a": {}})), closed(json!({"a": {}, "b": {"type": "string"}})), COMPATIBLE, &["ok /b: is allowed now"], BREAKING);
    check(closed(json!({"a": {}, "b": {}})), closed(json!({"a": {}})), BREAKING, &["x /b: is not allowed any more"], COMPATIBLE);
    check(
        of(json!({"a": {}})),
        closed(json!({"a": {}})),
        BREAKING,
        &["x /(others): additionalProperties closed: others are not allowed any more"],
        COMPATIBLE,
    );
    check(
        json!({"additionalProperties": {"type": "string"}}),
        json!({"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": ["string", "null"]}}),
        COMPATIBLE,
        &["ok /(others): type string → null or string"],
        BREAKING,
    );
    check(
        json!({"patternProperties": {"^x-": {"type": "string"}}}),
        json!({"patternProperties": {"^x-": {"type": "integer"}}}),
        BREAKING,
        &["x /(^x-): type string → integer"],
        BREAKING,
    );
    check(
        json!({}),
        json!({"patternProperties": {"^x-": false}}),
        BREAKING,
        &["x /(^x-): these members have their own schema now"],
        COMPATIBLE,
    );
    check(json!({"minProperties": 1}), json!({"minProperties": 2}), BREAKING, &["x : minProperties 1 → 2"], COMPATIBLE);
    check(json!({"maxProperties": 3}), json!({"maxProperties": 2}), BREAKING, &["x : maxProperties 3 → 2"], COMPATIBLE);
    check(json!({}), json!({"propertyNames": {"maxLength": 3}}), BREAKING, &["x /(names): maxLength 3 added"], COMPATIBLE);
    check(
        json!({"dependentRequired": {"a": ["b"]}}),
        json!({"dependentRequired": {"a": ["b", "c"]}}),
        BREAKING,
        &["x /c: became required beside \"a\""],
        COMPATIBLE,
    );
    check(json!({}), json!({"dependentSchemas": {"a": {"required": ["b"]}}}), BREAKING, &["x : more is required beside \"a\""], COMPATIBLE);
    check(
        json!({"dependentSchemas": {"a": {"properties": {"b": {"maximum": 3}}}}}),
        json!({"dependentSchemas": {"a": {"properties": {"b": {"maximum": 2}}}}}),
        BREAKING,
        &["x /b: maximum 3 → 2"],
        COMPATIBLE,
    );
}

#[test]
fn items() {
    check(
        json!({"items": {"type": "string"}}),
        json!({"items": {"type": "integer"}}),
        BREAKING,
        &["x /*: type string → integer"],
        BREAKING,
    );
    check(json!({"minItems": 1}), json!({"minItems": 3}), BREAKING, &["x : minItems 1 → 3"], COMPATIBLE);
    check(json!({"maxItems": 3}), json!({}), COMPATIBLE, &["ok : maxItems 3 removed"], BREAKING);
    check(
        json!({"items": {"type": "integer"}}),
        json!({"items": {"type": "integer"}, "uniqueItems": true}),
        BREAKING,
        &["x : uniqueItems added"],
        COMPATIBLE,
    );
    check(
        json!({"prefixItems": [{"type": "string"}]}),
        json!({"prefixItems": [{"type": "string"}, {"type": "integer"}]}),
        BREAKING,
        &["x /1: type any → integer"],
        COMPATIBLE,
    );
    check(
        json!({"prefixItems": [true]}),
        json!({"prefixItems": [true], "items": false}),
        BREAKING,
        &["x /*: no value is accepted any more"],
        COMPATIBLE,
    );
    check(json!({}), json!({"contains": {"type": "string"}}), BREAKING, &["x : an item of a certain kind is required now"], COMPATIBLE);
    check(
        json!({"contains": {"type": "string"}, "minContains": 2}),
        json!({"contains": {"type": "string"}, "minContains": 1, "maxContains": 4}),
        BREAKING,
        &["ok : minContains 2 → 1", "x : maxContains 4 added"],
        BREAKING,
    );
    check(
        json!({"contains": {"type": "integer"}}),
        json!({"contains": {"type": "number"}}),
        COMPATIBLE,
        &["ok /*: type integer → number"],
        BREAKING,
    );
    // More kinds of item make it easier to be too many.
    check(
        json!({"contains": {"type": "integer"}, "maxContains": 1}),
        json!({"contains": {"type": "number"}, "maxContains": 1}),
        BREAKING,
        &["? /*: type integer → number"],
        BREAKING,
    );
}

#[test]
fn alternatives() {
    let any = |list: Value| json!({"anyOf": list});
    let one = |list: Value| json!({"oneOf": list});
    check(
        any(json!([{"type": "string"}, {"type": "integer"}])),
        any(json!([{"type": "integer"}])),
        BREAKING,
        &["x : anyOf lost this alternative"],
        COMPATIBLE,
    );
    check(
        any(json!([{"maximum": 3}])),
        any(json!([{"type": "string"}, {"maximum": 3}])),
        COMPATIBLE,
        &["ok : anyOf gained this alternative"],
        COMPATIBLE,
    );
    check(
        any(json!([{"type": "integer"}, {"type": "string"}])),
        any(json!([{"type": "string"}, {"type": "integer"}])),
        COMPATIBLE,
        &[],
        COMPATIBLE,
    );
    check(one(json!([{"const": 1}, {"const": 2}])), one(json!([{"const": 1}, {"const": 3}])), BREAKING, &["x : const 2 → 3"], BREAKING);
    // An alternative that overlaps with another makes what fits both fit none.
    check(
        one(json!([{"type": "integer"}])),
        one(json!([{"type": "integer"}, {"type": "number"}])),
        BREAKING,
        &["x : oneOf gained this alternative"],
        BREAKING,
    );
    check(
        one(json!([{"type": "integer"}])),
        one(json!([{"type": "integer"}, {"type": "string"}])),
        COMPATIBLE,
        &["ok : oneOf gained this alternative"],
        BREAKING,
    );
    check(json!({}), any(json!([{"type": "string"}])), BREAKING, &["x : anyOf: 1 alternative now"], COMPATIBLE);
    check(
        json!({"allOf": [{"type": "integer"}]}),
        json!({"allOf": [{"type": "integer"}, {"maximum": 3}]}),
        BREAKING,
        &["x : this is also required now"],
        COMPATIBLE,
    );
    check(
        json!({"type": "integer", "maximum": 3}),
        json!({"allOf": [{"type": "integer"}, {"maximum": 3}]}),
        COMPATIBLE,
        &["ok : type integer → any", "ok : maximum 3 removed", "ok : this is also required now", "ok : this is also required now"],
        COMPATIBLE,
    );
    check(
        json!({"not": {"type": "string"}}),
        json!({"not": {"type": ["string", "null"]}}),
        BREAKING,
        &["? : type string → null or string"],
        COMPATIBLE,
    );
    check(json!({}), json!({"not": {"const": 5}}), BREAKING, &["x : not: values are excluded now"], COMPATIBLE);
    let when = |then: Value| json!({"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": then});
    check(when(json!({"required": ["b"]})), when(json!({"required": ["b", "c"]})), BREAKING, &["x /c: became required"], COMPATIBLE);
    check(json!({}), when(json!({"required": ["b"]})), BREAKING, &["x : a condition was added"], COMPATIBLE);
}

#[test]
fn references() {
    let tree = |value: Value| json!({"$defs": {"node": {"type": "object", "properties": {"v": value, "next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"});
    check(
        tree(json!({"type": "integer"})),
        tree(json!({"type": "integer", "minimum": 0})),
        BREAKING,
        &["x /v: minimum 0 added"],
        COMPATIBLE,
    );
    check(tree(json!({"type": "integer"})), tree(json!({"type": "integer"})), COMPATIBLE, &[], COMPATIBLE);
    let own = |value: Value| json!({"properties": {"v": value, "next": {"$ref": "#"}}});
    check(own(json!({"minimum": 1})), own(json!({"minimum": 0})), COMPATIBLE, &["ok /v: minimum 1 → 0"], BREAKING);
    // A name for what was written in place.
    check(
        json!({"properties": {"a": {"type": "string"}}}),
        json!({"properties": {"a": {"$ref": "#/$defs/text"}}, "$defs": {"text": {"type": "string"}}}),
        COMPATIBLE,
        &[],
        COMPATIBLE,
    );
    check(
        json!({"properties": {"a": {"$ref": "#/$defs/t", "maxLength": 4}}, "$defs": {"t": {"type": "string"}}}),
        json!({"properties": {"a": {"$ref": "#/$defs/t", "maxLength": 4}}, "$defs": {"t": {"type": "string", "minLength": 1}}}),
        BREAKING,
        &["x /a: minLength 1 added"],
        COMPATIBLE,
    );
}

#[test]
fn what_looks_back_is_not_taken_for_proved() {
    let closed = |members: Value| json!({"properties": members, "unevaluatedProperties": false});
    check(closed(json!({"a": {}})), closed(json!({"a": {}, "b": {}})), COMPATIBLE, &[], BREAKING);
    check(
        json!({"allOf": [{"properties": {"a": {}}}]}),
        json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}),
        BREAKING,
        &["x /(others): unevaluatedProperties closed: others are not allowed any more"],
        COMPATIBLE,
    );
}

#[test]
fn drafts() {
    let seven = "http://json-schema.org/draft-07/schema#";
    let four = "http://json-schema.org/draft-04/schema#";
    check(
        json!({"$schema": seven, "definitions": {"a": {"type": "string"}}, "items": [{"$ref": "#/definitions/a"}], "additionalItems": false}),
        json!({"$defs": {"a": {"type": "string"}}, "prefixItems": [{"$ref": "#/$defs/a"}], "items": false}),
        COMPATIBLE,
        &["ok : draft 7 → 2020-12"],
        COMPATIBLE,
    );
    check(
        json!({"$schema": seven, "maximum": 3}),
        json!({"maximum": 2}),
        BREAKING,
        &["ok : draft 7 → 2020-12", "x : maximum 3 → 2"],
        COMPATIBLE,
    );
    check(
        json!({"$schema": seven, "dependencies": {"a": ["b"]}}),
        json!({"dependentRequired": {"a": ["b"]}}),
        COMPATIBLE,
        &["ok : draft 7 → 2020-12"],
        COMPATIBLE,
    );
    check(json!({"$schema": four, "type": "integer"}), json!({"type": "integer"}), COMPATIBLE, &["ok : draft 4 → 2020-12"], BREAKING);
    check(
        json!({"$schema": seven, "$ref": "#/definitions/a", "maximum": 2, "definitions": {"a": {}}}),
        json!({"$schema": seven}),
        COMPATIBLE,
        &[],
        COMPATIBLE,
    );
}

#[test]
fn words_are_no_demands() {
    check(
        json!({"title": "A", "properties": {"a": {"description": "x", "x-item-name": "b"}}}),
        json!({"title": "B", "properties": {"a": {"default": 1, "patern": "x"}}, "description": "new"}),
        COMPATIBLE,
        &[
            "- : description added",
            "- : title changed",
            "- /a: default added",
            "- /a: description removed",
            "- /a: patern added, which is not a keyword",
            "- /a: x-item-name removed",
        ],
        COMPATIBLE,
    );
    // What the check asserts beyond JSON Schema cannot be proved by it.
    check(json!({}), json!({"x-key": "/id"}), UNKNOWN, &["? : x-key added, which the check of records asserts"], COMPATIBLE);
}

#[test]
fn nothing_changes_between_a_schema_and_itself() {
    for text in [
        include_str!("../../schemas/profile.schema.json"),
        include_str!("../../schemas/report.schema.json"),
        include_str!("../../schemas/config.schema.json"),
        include_str!("../../schemas/diff.schema.json"),
    ] {
        let schema = support::schema(text);
        let found = compare(&schema, &schema, Direction::Backward);
        assert_eq!((found.verdict, found.proof, found.changes.len()), (COMPATIBLE, Proof::Changes, 0));
    }
}

#[test]
fn a_change_deep_in_a_real_schema_is_found_and_proved() {
    let text = include_str!("../../schemas/profile.schema.json");
    let old: Value = serde_json::from_str(text).expect("the schema is JSON");
    let mut new = old.clone();
    let contacts = new.pointer("/properties/contacts").expect("profiles have contacts").clone();
    let target = contacts.pointer("/items/$ref").and_then(Value::as_str).map(|reference| reference.trim_start_matches('#').to_owned());
    let person = new.pointer_mut(&target.expect("contacts refer to a person")).expect("the reference leads somewhere");
    person["required"] = json!(["name"]);
    let found = evolution(&old, &new);
    assert_eq!(found.verdict, BREAKING, "{:?}", lines(&found));
    let change = found.changes.iter().find(|change| change.meaning == Meaning::Breaking).expect("one change breaks");
    assert_eq!((change.pointer.as_str(), change.message.as_str()), ("/contacts/*/name", "became required"));
    examples_hold(&old, &new, &found);
}

/// Every two neighbours of the JSON Schema test suite, judged by the data of both.
#[test]
fn no_verdict_is_refuted_by_the_test_suite() {
    let Some(root) = support::shared("data/json-schema-test-suite/tests") else { return };
    let mut summary = std::collections::BTreeMap::new();
    // All four drafts and more pairs take minutes; the newest and the oldest keywords are in these.
    for draft in ["draft2020-12", "draft4"] {
        let mut files: Vec<_> = std::fs::read_dir(root.join(draft)).expect("a folder").map(|file| file.expect("readable").path()).collect();
        files.sort();
        let name = match draft {
            "draft2020-12" => "https://json-schema.org/draft/2020-12/schema",
            "draft2019-09" => "https://json-schema.org/draft/2019-09/schema",
            "draft7" => "http://json-schema.org/draft-07/schema#",
            _ => "http://json-schema.org/draft-04/schema#",
        };
        for file in files.iter().filter(|file| file.is_file()) {
            let groups: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).expect("readable")).expect("JSON");
            let known: Vec<(Schema, Value, Vec<Value>)> = groups
                .iter()
                .filter_map(|group| {
                    let mut text = group["schema"].clone();
                    if let Some(members) = text.as_object_mut() {
                        members.entry("$schema").or_insert_with(|| name.into());
                    }
                    let schema = Schema::try_from(support::tree("schema.json", &text.to_string())).ok()?;
                    let data = group["tests"].as_array()?.iter().map(|test| test["data"].clone()).collect();
                    Some((schema, text, data))
                })
                .collect();
            for (at, (old, old_text, old_data)) in known.iter().enumerate() {
                for (new, new_text, new_data) in known.iter().skip(at + 1).take(1) {
                    let found = compare(old, new, Direction::Backward);
                    *summary.entry((found.verdict.word(), found.proof.word())).or_insert(0) += 1;
                    if found.verdict == COMPATIBLE {
                        for value in old_data.iter().chain(new_data) {
                            assert!(
                                !is_valid(old, value) || is_valid(new, value),
                                "{value} refutes {old_text} to {new_text}: {:?}",
                                lines(&found)
                            );
                        }
                    }
                    for example in found.changes.iter().filter_map(|change| change.example.as_ref()).chain(&found.example) {
                        assert!(is_valid(old, example) && !is_valid(new, example), "{example}: {old_text} to {new_text}");
                    }
                }
            }
        }
    }
    println!("{summary:?}");
}

/// Schemas with few names and small numbers, so that small values distinguish them.
fn small_schema() -> impl Strategy<Value = Value> {
    let number = -1..4;
    let size = 0..3_u32;
    let types = prop_oneof![Just("string"), Just("integer"), Just("number"), Just("object"), Just("array"), Just("null"), Just("boolean")];
    let value = prop_oneof![
        Just(json!(1)),
        Just(json!("a")),
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(0.5)),
        Just(json!(true))
    ];
    let name = || prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("ab".to_owned())];
    let leaf = prop_oneof![
        4 => types.clone().prop_map(|name| json!({"type": name})),
        1 => vec(types, 1..3).prop_map(|mut names| { names.sort_unstable(); names.dedup(); json!({"type": names}) }),
        2 => vec(value.clone(), 1..4).prop_map(|values| json!({"enum": values})),
        1 => value.prop_map(|value| json!({"const": value})),
        2 => (number.clone(), prop_oneof![Just("minimum"), Just("maximum"), Just("exclusiveMinimum"), Just("exclusiveMaximum")])
            .prop_map(|(limit, keyword)| json!({keyword: limit})),
        1 => (1..4_u32).prop_map(|step| json!({"multipleOf": step})),
        2 => (size, prop_oneof![Just("minLength"), Just("maxLength"), Just("minItems"), Just("maxItems"), Just("minProperties"), Just("maxProperties")])
            .prop_map(|(limit, keyword)| json!({keyword: limit})),
        1 => vec(name(), 1..3).prop_map(|names| { let mut names = names; names.sort(); names.dedup(); json!({"required": names}) }),
        1 => prop_oneof![Just("^a"), Just("b"), Just("^.$")].prop_map(|pattern| json!({"pattern": pattern})),
        1 => Just(json!({"uniqueItems": true})),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            3 => btree_map(name(), inner.clone(), 1..3).prop_map(|members| json!({"properties": members})),
            1 => (btree_map(name(), inner.clone(), 0..2), inner.clone()).prop_map(|(members, others)| json!({"properties": members, "additionalProperties": others})),
            1 => (prop_oneof![Just("^a"), Just("b")], inner.clone()).prop_map(|(pattern, sub)| json!({"patternProperties": {pattern: sub}})),
            1 => inner.clone().prop_map(|sub| json!({"propertyNames": sub})),
            2 => inner.clone().prop_map(|sub| json!({"items": sub})),
            1 => (vec(inner.clone(), 1..3), inner.clone()).prop_map(|(list, rest)| json!({"prefixItems": list, "items": rest})),
            1 => (inner.clone(), 0..3_u32, 1..3_u32).prop_map(|(sub, least, most)| json!({"contains": sub, "minContains": least, "maxContains": most})),
            1 => vec(inner.clone(), 1..3).prop_map(|list| json!({"allOf": list})),
            2 => vec(inner.clone(), 1..4).prop_map(|list| json!({"anyOf": list})),
            2 => vec(inner.clone(), 1..4).prop_map(|list| json!({"oneOf": list})),
            1 => inner.clone().prop_map(|sub| json!({"not": sub})),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(condition, then, otherwise)| json!({"if": condition, "then": then, "else": otherwise})),
            1 => (name(), inner.clone()).prop_map(|(trigger, sub)| json!({"dependentSchemas": {trigger: sub}})),
            1 => (name(), vec(name(), 1..2)).prop_map(|(trigger, names)| json!({"dependentRequired": {trigger: names}})),
            1 => (btree_map(name(), inner.clone(), 1..2), inner.clone()).prop_map(|(members, rest)| json!({"allOf": [{"properties": members}], "unevaluatedProperties": rest})),
            1 => (vec(inner.clone(), 1..2), inner.clone()).prop_map(|(list, rest)| json!({"anyOf": [{"prefixItems": list}, true], "unevaluatedItems": rest})),
            2 => (inner.clone(), inner).prop_map(|(one, other)| match (one, other) {
                (Value::Object(mut one), Value::Object(other)) => { one.extend(other); Value::Object(one) }
                (one, _) => one,
            }),
        ]
    })
}

/// The schema with one of its parts exchanged, so that most of it stays.
fn mutated(schema: &Value, at: usize, part: &Value) -> Value {
    fn walk(value: &mut Value, left: &mut usize, part: &Value) -> bool {
        if *left == 0 {
            *value = part.clone();
            return true;
        }
        *left -= 1;
        let Value::Object(members) = value else { return false };
        for (name, member) in members.iter_mut() {
            let done = match (name.as_str(), &mut *member) {
                ("properties" | "patternProperties" | "dependentSchemas", Value::Object(named)) => {
                    named.values_mut().any(|sub| walk(sub, left, part))
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(list)) => list.iter_mut().any(|sub| walk(sub, left, part)),
                (
                    "items"
                    | "contains"
                    | "not"
                    | "if"
                    | "then"
                    | "else"
                    | "propertyNames"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "unevaluatedItems",
                    sub,
                ) => walk(sub, left, part),
                _ => false,
            };
            if done {
                return true;
            }
        }
        false
    }
    let mut mutated = schema.clone();
    if !walk(&mut mutated, &mut { at }, part)
        && let (Value::Object(members), Value::Object(more)) = (&mut mutated, part)
    {
        members.extend(more.clone());
    }
    mutated
}

fn small_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..5).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(1.5)].prop_map(Value::from),
        prop_oneof![Just(""), Just("a"), Just("b"), Just("ab"), Just("abc")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("ab".to_owned()), Just("c".to_owned())];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name, inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
        ]
    })
}

proptest! {
    #![proptest_config(crate::property::cases(800))]

    #[test]
    fn what_is_compatible_stays_valid(old in small_schema(), part in small_schema(), at in 0..6_usize, values in vec(small_value(), 60)) {
        let new = mutated(&old, at, &part);
        let (old_schema, new_schema) = (schema(&old), schema(&new));
        let found = compare(&old_schema, &new_schema, Direction::Backward);
        for example in found.changes.iter().filter_map(|change| change.example.as_ref()).chain(&found.example) {
            prop_assert!(is_valid(&old_schema, example) && !is_valid(&new_schema, example), "{example}");
        }
        if found.verdict == Verdict::Compatible {
            for value in &values {
                prop_assert!(!is_valid(&old_schema, value) || is_valid(&new_schema, value), "{value} refutes {old} to {new}: {:?} by {}", lines(&found), found.proof.word());
            }
        }
        // The other way round is the other direction.
        let back = compare(&new_schema, &old_schema, Direction::Forward);
        prop_assert!((back.verdict == Verdict::Compatible) == (found.verdict == Verdict::Compatible) || back.verdict == Verdict::Unknown || found.verdict == Verdict::Unknown);
    }
}

const OLD: &str = r#"{
  "title": "Part",
  "required": ["sku"],
  "properties": {
    "sku": {"type": "string"},
    "count": {"type": "integer", "maximum": 10},
    "colour": {"enum": ["red", "green"]}
  }
}
"#;
const NEW: &str = r#"{
  "title": "A part",
  "required": ["sku", "count"],
  "properties": {
    "sku": {"type": "string"},
    "count": {"type": "integer", "maximum": 5},
    "colour": {"enum": ["red", "green", "blue"]}
  }
}
"#;

#[test]
fn the_program_names_what_breaks_and_where() {
    let home = folder(&[("old.json", OLD), ("new.json", NEW)]);
    let ran = run(home.path(), &["schema", "diff", "old.json", "new.json"]);
    let expected = "\
breaking: new.json rejects data that old.json accepts
✗ /count: became required (old.json:3:3, new.json:3:23)
    refused now: {\"sku\":\"x\"}
✗ /count: maximum 10 → 5 (old.json:6:45, new.json:6:45)
    refused now: {\"count\":6,\"sku\":\"x\"}
✓ /colour: enum gained \"blue\" (old.json:7:16, new.json:7:41)
2 breaking changes, 1 compatible, 1 change of wording (shown with --verbose)
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (1, expected, ""));
    let ran = run(home.path(), &["schema", "diff", "old.json", "new.json", "--forward", "-v"]);
    let expected = "\
breaking: old.json rejects data that new.json accepts
✗ /colour: enum gained \"blue\" (old.json:7:16, new.json:7:41)
    refused before: {\"colour\":\"blue\",\"count\":5,\"sku\":\"x\"}
✓ /count: became required (old.json:3:3, new.json:3:23)
✓ /count: maximum 10 → 5 (old.json:6:45, new.json:6:45)
· the record: title changed (old.json:2:12, new.json:2:12)
1 breaking change, 2 compatible, 1 change of wording
";
    assert_eq!((ran.status, ran.out.as_str()), (1, expected));
    let ran = run(home.path(), &["schema", "diff", "old.json", "old.json"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "compatible: old.json accepts all data that old.json accepts\nno changes\n"));
}

#[test]
fn json_fits_its_schema_and_examples_are_records() {
    let shape: Value = serde_json::from_str(include_str!("../../schemas/schema-diff.schema.json")).expect("the schema is JSON");
    let shape = jsonschema::validator_for(&shape).expect("a good schema");
    let home = folder(&[("old.json", OLD), ("new.json", NEW), ("odd.json", r#"{"not": {"pattern": "^(?!a)"}, "x-key": "/a"}"#)]);
    for (old, new) in
        [("old.json", "new.json"), ("new.json", "old.json"), ("old.json", "odd.json"), ("odd.json", "odd.json"), ("profile", "old.json")]
    {
        let ran = run(home.path(), &["schema", "diff", old, new, "--format", "json", "-o", "out.json"]);
        let text = std::fs::read_to_string(home.path().join("out.json")).expect("it was written");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(shape.iter_errors(&value).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0], "{text}");
        assert_eq!(ran.status, i32::from(value["verdict"] != "compatible"), "{text}");
        for example in
            value["changes"].as_array().expect("a list").iter().map(|change| &change["example"]).filter(|example| !example.is_null())
        {
            std::fs::write(home.path().join("example.json"), example.to_string()).expect("the folder is writable");
            let check =
                |schema: &str| run(home.path(), &["check", "--schema", schema, "--no-normalise", "--records", "", "example.json"]).status;
            if old != "profile" {
                assert_eq!((check(old), check(new)), (0, 1), "{example}");
            }
        }
    }
}

#[test]
fn schemas_of_several_files_are_compared_at_a_revision() {
    let main = r#"{"$ref": "parts/part.json#/$defs/part"}"#;
    let part = |most: u32| format!(r#"{{"$defs": {{"part": {{"properties": {{"n": {{"maximum": {most}}}}}}}}}}}"#);
    let home = repository(&[
        ("s/main.json", main),
        ("s/parts/part.json", &part(10)),
        ("lib/gone.json", r#"{"$id": "urn:gone", "type": "string"}"#),
    ]);
    commit(home.path(), &[("s/parts/part.json", &part(5))]);
    let ran = run(home.path(), &["schema", "diff", "HEAD~1:s/main.json", "s/main.json"]);
    let expected = "\
breaking: s/main.json rejects data that HEAD~1:s/main.json accepts
✗ /n: maximum 10 → 5 (HEAD~1:s/parts/part.json:1:53, s/parts/part.json:1:53)
    refused now: {\"n\":6}
1 breaking change
";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (1, expected, ""));
    assert_eq!(run(home.path(), &["schema", "diff", "main:s/main.json", "s/main.json"]).status, 0);
    // A directory of schemas is that of the revision too.
    commit(home.path(), &[("user.json", r#"{"properties": {"a": {"$ref": "urn:gone"}}}"#)]);
    std::fs::remove_file(home.path().join("lib/gone.json")).expect("it is there");
    std::fs::write(home.path().join("lib/new.json"), r#"{"$id": "urn:gone", "type": ["string", "null"]}"#).expect("the folder is writable");
    let ran = run(home.path(), &["schema", "diff", "main:user.json", "user.json", "--schema-dir", "lib"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("✓ /a: type string → null or string (main:lib/gone.json:1:29, lib/new.json:1:21)"), "{}", ran.out);
    for (old, why) in [
        ("main:absent.json", "absent.json"),
        ("absent:user.json", "unknown git revision"),
        ("absent.json", "absent.json"),
        ("none", "none is not a schema"),
    ] {
        let ran = run(home.path(), &["schema", "diff", old, "user.json"]);
        assert!(ran.status == 2 && ran.err.contains(why), "{old}: {}", ran.err);
    }
    let broken = run(home.path(), &["schema", "diff", "user.json", "user.json"]);
    assert!(broken.status == 2 && broken.err.contains("C111"), "{}", broken.err);
}

#[test]
fn hostile_schemas_are_text_wherever_they_are_drawn() {
    let old = "{\"properties\": {\"\\u001b[31m|`<b>\": {\"enum\": [\"\\u202e@all\", \"x\"]}}}";
    let new = "{\"properties\": {\"\\u001b[31m|`<b>\": {\"enum\": [\"x\"]}}}";
    let home = folder(&[("o\u{1b}.json", old), ("n|.json", new)]);
    for format in ["text", "markdown"] {
        let ran = run(home.path(), &["schema", "diff", "o\u{1b}.json", "n|.json", "--format", format]);
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.out);
        if format == "markdown" {
            let bare = ran.out.replace("<code>", "").replace("</code>", "").replace("**", "");
            assert!(!bare.contains(['<', '>', '`', '@', '[', ']', '*', '_']), "{bare}");
            assert!(
                ran.out.lines().filter(|line| line.starts_with("| breaking")).all(|line| line.matches('|').count() == 5),
                "{}",
                ran.out
            );
        }
    }
}
