//! Schema files: which are rejected, warnings about them, which files they may refer to, and schemas with exploding work.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Ran, folder, run};

fn check(home: &Path, schema: &str) -> Ran {
    run(home, &["check", "--no-config", "--no-cache", "--schema", schema, "data.json"])
}

/// Codes and places of the findings in a report.
fn codes(text: &str) -> Vec<String> {
    let code = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned());
    text.lines().filter(|line| line.contains(".json:")).filter_map(code).collect()
}

/// The findings of a check of an object by a schema.
fn found(schema: &Value) -> (i32, Vec<String>, String) {
    let home = folder(&[("schema.json", &schema.to_string()), ("data.json", "{\"id\": \"a\"}")]);
    let ran = check(home.path(), "schema.json");
    let all = format!("{}{}", ran.out, ran.err);
    (ran.status, codes(&all), all)
}

/// A chain of definitions, each of which refers twice to the next.
fn doubled(levels: usize, link: impl Fn(usize) -> Value, last: Value) -> Value {
    let mut defs: serde_json::Map<String, Value> = (0..levels).map(|level| (format!("l{level}"), link(level + 1))).collect();
    defs.insert(format!("l{levels}"), last);
    json!({"$ref": "#/$defs/l0", "$defs": defs})
}

#[test]
fn schemas_with_too_many_ways_to_a_value_are_refused() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let bomb =
            doubled(40, |next| json!({keyword: [{"$ref": format!("#/$defs/l{next}")}, {"$ref": format!("#/$defs/l{next}")}]}), json!(true));
        let (status, codes, all) = found(&bomb);
        assert_eq!((status, codes), (2, vec!["C113".to_owned()]), "{keyword}: {all}");
    }
    let dynamic = |next: usize| {
        let next = json!({"$dynamicRef": format!("#a{next}")});
        json!({"allOf": [next, next]})
    };
    let mut bomb = doubled(40, dynamic, json!({"type": "object"}));
    for level in 0..=40 {
        bomb["$defs"][format!("l{level}")]["$dynamicAnchor"] = json!(format!("a{level}"));
    }
    let (status, codes, all) = found(&bomb);
    assert_eq!((status, codes), (2, vec!["C113".to_owned()]), "{all}");
    let mixed = doubled(
        40,
        |next| json!({"if": {"$ref": format!("#/$defs/l{next}")}, "then": {"not": {"$ref": format!("#/$defs/l{next}")}}}),
        json!({"type": "object"}),
    );
    let (status, codes, all) = found(&mixed);
    assert_eq!((status, codes), (2, vec!["C113".to_owned()]), "{all}");
}

#[test]
fn commands_on_schemas_end_with_doubled_properties() {
    let link = |next: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/l{next}")}, "b": {"$ref": format!("#/$defs/l{next}")}}});
    let schema = doubled(40, link, json!({"type": "string"})).to_string();
    let home = folder(&[("schema.json", &schema), ("data.json", "{\"a\": {\"b\": {\"a\": 1}}}")]);
    for args in [
        &["schema", "check", "schema.json"][..],
        &["schema", "docs", "schema.json"],
        &["schema", "xsd", "schema.json"],
        &["schema", "sql", "--dialect", "sqlite", "schema.json"],
        &["schema", "shape", "schema.json"],
        &["schema", "diff", "schema.json", "schema.json"],
        &["check", "--no-cache", "--schema", "schema.json", "data.json"],
    ] {
        let ran = run(home.path(), args);
        assert_eq!(ran.status, 0, "{args:?}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn a_value_is_met_in_many_ways_and_judged_once() {
    // Two ways for each level of the record: a million million for forty.
    let link = |next: usize| {
        let below = json!({"properties": {"a": {"$ref": format!("#/$defs/l{next}")}}});
        json!({"allOf": [below, below]})
    };
    let schema = doubled(20, link, json!({"type": "object"})).to_string();
    let nested = |inner: &str| (0..20).fold(inner.to_owned(), |value, _| format!("{{\"a\":{value}}}"));
    let home = folder(&[("schema.json", &schema), ("data.json", &nested("5"))]);
    let ran = check(home.path(), "schema.json");
    assert!(ran.status == 1 && ran.out.contains("[S103]") && ran.out.contains("0 valid, 1 invalid"), "{} {}", ran.out, ran.err);
}

#[test]
fn listing_the_errors_of_many_branches_is_bounded() {
    let branches: Vec<Value> = (0..200).map(|number| json!({"required": [format!("k{number}")]})).collect();
    let schema = json!({"properties": {"list": {"items": {"anyOf": branches}}}}).to_string();
    let items: Vec<Value> = (0..3_000).map(|number| json!({"id": number})).collect();
    let home = folder(&[("schema.json", &schema), ("data.json", &json!({"list": items}).to_string())]);
    let ran = check(home.path(), "schema.json");
    // More than is listed is said to be there.
    assert!(ran.status == 1 && ran.out.contains("[R190]") && ran.out.lines().count() < 1_000, "{} {}", ran.out.len(), ran.err);
}

#[test]
fn a_file_that_is_no_schema_is_refused() {
    for (schema, what) in [
        (json!({"id": "a", "name": "Ada"}), "data"),
        (json!({"id": "a"}), "data"),
        (json!({"title": "Dune", "author": "Herbert", "year": 1965}), "data"),
        (json!([{"id": 1}]), "an array"),
        (json!("text"), "a string"),
        (json!(5), "a number"),
        (json!(null), "a null"),
        (json!({"type": "FeatureCollection", "features": []}), "data"),
        (json!({"name": "p", "resources": [{"name": "t", "path": "t.csv"}]}), "a data package"),
        (json!({"fields": [{"name": "id", "type": "string"}], "primaryKey": "id"}), "a table schema"),
        (json!({"type": "record", "name": "r", "fields": [{"name": "id", "type": "string"}]}), "an Avro schema"),
        (json!({"openapi": "3.1.0", "info": {"title": "t"}, "components": {"schemas": {}}}), "an OpenAPI document"),
        (json!({"swagger": "2.0", "definitions": {}}), "an OpenAPI document"),
        (json!({"name": "package", "version": "1.0.0", "dependencies": {"left-pad": "1"}}), "data"),
        (json!({"sources": [{"paths": ["a"], "schema": "b"}]}), "a config"),
    ] {
        let (status, codes, all) = found(&schema);
        assert_eq!((status, codes), (2, vec!["C115".to_owned()]), "{schema}: {all}");
        assert!(all.contains(&format!("found {what}")), "{schema}: {all}");
    }
    let home = folder(&[("chancery.toml", "paths = [\"a\"]\nschema = \"b\"\n"), ("data.json", "{}"), ("x.yaml", "id: a\nage: 3\n")]);
    for (file, what) in [("chancery.toml", "a config"), ("x.yaml", "data"), ("data.json", "")] {
        let ran = check(home.path(), file);
        assert_eq!(ran.status == 2 && ran.err.contains("[C115]"), !what.is_empty(), "{file}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(what), "{file}: {}", ran.err);
    }
    for command in ["check", "docs", "shape"] {
        let ran = run(home.path(), &["schema", command, "x.yaml"]);
        assert!(ran.status > 0 && format!("{}{}", ran.out, ran.err).contains("[C115]"), "{command}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn doubtful_keywords_are_warnings_at_their_place() {
    for (schema, expected, words) in [
        (json!({"propertys": {"id": {"type": "string"}}}), vec!["C116", "C119"], "\"properties\""),
        (json!({"type": "object", "requierd": ["id"]}), vec!["C116"], "\"required\""),
        (json!({"properties": {"n": {"type": "number", "minimun": 3}}}), vec!["C116"], "\"minimum\""),
        (json!({"properties": {"n": {"type": "string", "MaxLength": 3}}}), vec!["C116"], "\"maxLength\""),
        (json!({"type": "object", "properties": {"n": {"x-refrences": true}}}), vec!["C116"], "\"x-references\""),
        (json!({"type": "object", "additionalproperties": false}), vec!["C116"], "\"additionalProperties\""),
        (json!({"properties": {"n": {"type": "string", "format": "emial"}}}), vec!["C118"], "\"email\""),
        (json!({"properties": {"n": {"type": "string", "format": "datetime"}}}), vec!["C118"], "\"date-time\""),
        (json!({"type": "object", "dependencies": {"a": ["b"]}}), vec!["C117"], "dependentRequired"),
        (
            json!({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"prefixItems": [true]}}}),
            vec!["C117"],
            "comes with draft 2020-12",
        ),
        (json!({"type": "object", "$recursiveRef": "#"}), vec!["C117"], "$dynamicRef"),
        (json!({"type": "object", "divisibleBy": 2}), vec!["C117"], "multipleOf"),
        (json!({"title": "a", "properties": {"id": {"description": "key"}}}), vec!["C119"], "accepts every value"),
        (json!({}), vec!["C119"], "accepts every value"),
        (json!(true), vec!["C119"], "accepts every value"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [true, {"$ref": "#/$defs/a"}]}, "b": {"type": "string"}}}), vec!["C119"], ""),
    ] {
        let (status, codes, all) = found(&schema);
        assert_eq!((status, codes), (0, expected.into_iter().map(str::to_owned).collect()), "{schema}: {all}");
        let home = folder(&[("schema.json", &schema.to_string()), ("data.json", "{}")]);
        let ran = run(home.path(), &["check", "--no-config", "--report", "pretty", "--schema", "schema.json", "data.json"]);
        assert!(ran.out.contains(words), "{schema}: {}", ran.out);
    }
}

#[test]
fn what_is_no_mistake_is_not_reported() {
    for schema in [
        // Names of properties and definitions, and data.
        json!({"type": "object", "properties": {"propertys": {"type": "string"}, "minimun": {}, "format": {}}, "$defs": {"requierd": {}}}),
        json!({"type": "object", "default": {"propertys": 1}, "examples": [{"requierd": 1}], "properties": {"a": {"const": {"tpye": 1}}}}),
        json!({"type": "object", "properties": {"a": {"enum": [{"propertys": 1, "format": "emial"}]}}}),
        // Keywords and formats of others.
        json!({"type": "object", "markdownDescription": "a", "tsType": "b", "x-intellij-html-description": "c", "allowTrailingCommas": true}),
        json!({"type": "object", "nullable": true, "example": 1, "discriminator": {}, "xml": {}, "propertyOrder": 1, "x-order": 2}),
        json!({"type": "object", "properties": {"a": {"format": "int32"}, "b": {"format": "sku"}, "c": {"type": "string", "format": "uri"}}}),
        json!({"type": "object", "definitions": {"a": {}}}),
        json!({"$ref": "https://json-schema.org/draft/2020-12/schema"}),
        json!({"properties": {"a": {"x-check": "date"}}}),
        json!({"additionalProperties": false, "properties": {"id": {}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}}),
    ] {
        let (_, codes, all) = found(&schema);
        assert!(codes.iter().all(|code| !code.starts_with('C')), "{schema}: {all}");
    }
}

#[test]
fn warnings_fail_a_run_only_where_asked_and_come_once() {
    let home = folder(&[
        ("schema.json", "{\"type\": \"object\",\n \"requierd\": [\"x\"]}"),
        ("a.json", "{}"),
        ("b.json", "{}"),
        (
            "chancery.toml",
            "[[sources]]\npaths = [\"a.json\"]\nschema = \"schema.json\"\n[[sources]]\npaths = [\"b.json\"]\nschema = \"schema.json\"\n",
        ),
    ]);
    let ran = run(home.path(), &["check", "--no-cache"]);
    assert_eq!((ran.status, ran.out.matches("schema.json:2:2: warning[C116]").count()), (0, 1), "{} {}", ran.out, ran.err);
    let ran = run(home.path(), &["check", "--no-cache", "--fail-on", "warning"]);
    assert_eq!(ran.status, 1, "{} {}", ran.out, ran.err);
    let ran = run(home.path(), &["check", "--no-cache", "--ignore", "C116", "--fail-on", "warning"]);
    assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
}

#[test]
fn operands_of_annotations_have_their_form() {
    let on = |annotation: &str, value: Value| json!({"type": "object", "properties": {"list": {annotation: value}}});
    for schema in [
        on("x-check", json!({"check": "distinct", "by": ["/id/b"]})),
        on("x-check", json!({"check": "distinct", "by": []})),
        on("x-check", json!({"check": "distinct"})),
        on("x-check", json!({"check": "distinct", "by": ["id"], "on": 1})),
        on("x-check", json!("period")),
        on("x-check", json!({"check": "period", "start": "a", "end": 5})),
        on("x-check", json!({"check": "entry", "of": "notes", "key": "id"})),
        on("x-check", json!({"check": "acronym", "of": ["name"]})),
        on("x-check", json!({"check": "other-body", "by": 3})),
        on("x-check", json!(5)),
        on("x-check", json!([["date"]])),
        on("x-normalise", json!({"pass": "telephone", "printed": ["display"]})),
        on("x-normalise", json!({"pass": "country", "from": "/name"})),
        on("x-normalise", json!({"printed": "display"})),
        on("x-normalise", json!([{"pass": "text", "printed": "display"}])),
        on("x-sensitive", json!("yes")),
        on("x-item-name", json!(5)),
        json!({"type": "object", "x-record-name": ["people"]}),
        json!({"type": "object", "properties": {"list": {"items": {"x-key": {"a": 1}}}}}),
    ] {
        let (status, codes, all) = found(&schema);
        assert_eq!((status, codes), (2, vec!["C120".to_owned()]), "{schema}: {all}");
    }
    for schema in [json!({"type": "object", "x-key": 5}), json!({"type": "object", "properties": {"a": {"x-references": 5}}})] {
        let (status, codes, all) = found(&schema);
        assert_eq!((status, codes), (2, vec!["C141".to_owned()]), "{schema}: {all}");
    }
    for annotation in [
        json!("date"),
        json!({"check": "distinct", "by": "id"}),
        json!(["date", {"check": "acronym", "of": ["/name", "/other_names/*/name"]}]),
        json!({"check": "country"}),
    ] {
        let (_, codes, all) = found(&on("x-check", annotation.clone()));
        assert!(codes.is_empty(), "{annotation}: {all}");
    }
}

#[test]
fn a_check_of_the_schema_alone_states_more() {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": ["string", "null"], "oneOf": [{"type": "integer"}, {"const": "x"}, {"$ref": "#/$defs/n"}, false]}},
        "$defs": {"n": {"enum": [1, 2]}},
    });
    let home = folder(&[("schema.json", &schema.to_string()), ("data.json", "{}")]);
    let ran = run(home.path(), &["schema", "check", "schema.json"]);
    assert_eq!((ran.status, codes(&ran.out)), (0, ["C121", "C122", "C122", "C122"].map(str::to_owned).to_vec()), "{}", ran.out);
    let ran = check(home.path(), "schema.json");
    assert_eq!((ran.status, codes(&ran.out)), (0, vec![]), "{}", ran.out);
    let profile = run(home.path(), &["schema", "show", "profile"]).out;
    fs::write(home.path().join("profile.json"), profile).expect("writable");
    let ran = run(home.path(), &["schema", "check", "profile.json"]);
    assert!(ran.status == 0 && ran.out.contains("no mistakes"), "{}", ran.out);
}

#[test]
fn schemas_in_use_get_few_warnings() {
    let Some(schemas) = crate::support::shared("data/schemastore/schemas") else { return };
    let home = folder(&[]);
    let mut files: Vec<_> = fs::read_dir(schemas).expect("it is a folder").map(|entry| entry.expect("it is readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut doubtful, mut refused) = (Vec::new(), Vec::new());
    // Every fourth, for the time it takes.
    for file in files.iter().step_by(4) {
        let ran = run(home.path(), &["schema", "check", &file.to_string_lossy()]);
        let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
        doubtful
            .extend(ran.out.lines().filter(|line| line.contains("[C116]") || line.contains("[C118]")).map(|line| format!("{name}{line}")));
        refused.extend(ran.out.contains("[C115]").then_some(name));
    }
    assert!(files.len() > 100 && refused.is_empty(), "{refused:?}");
    assert!(doubtful.len() < files.len() / 20, "{}", doubtful.join("\n"));
}

#[cfg(unix)]
#[test]
fn references_lead_to_files_of_the_project_only() {
    let secret = "{\"type\": \"string\", \"title\": \"top secret\"}";
    let home = folder(&[
        ("outside/secret.json", secret),
        ("outside/text", "top secret, no JSON"),
        ("own/schemas/deep/part.json", "{\"type\": \"object\"}"),
        ("own/parts/part.json", "{\"type\": \"object\"}"),
    ]);
    let own = home.path().join("own");
    std::os::unix::fs::symlink("../../outside/secret.json", own.join("schemas/link.json")).expect("a link can be made");
    std::os::unix::fs::symlink("/dev/zero", own.join("schemas/zero.json")).expect("a link can be made");
    fs::write(own.join("data.json"), "{}").expect("writable");
    let absolute = home.path().join("outside/secret.json").to_string_lossy().into_owned();
    let try_with = |reference: &str, flags: &[&str]| {
        fs::write(own.join("schemas/schema.json"), json!({"type": "object", "allOf": [{"$ref": reference}]}).to_string())
            .expect("writable");
        let ran = run(&own, &[&["check", "--no-cache", "--schema", "schemas/schema.json", "data.json"], flags].concat());
        (ran.status, format!("{}{}", ran.out, ran.err))
    };
    for reference in [
        &*absolute,
        &format!("file://{absolute}"),
        "../../outside/secret.json",
        "..%2f../outside/text",
        "../../outside/text",
        "link.json",
        "zero.json",
        "/dev/zero",
        "/etc/passwd",
        "/proc/self/environ",
        // Beside the directory of the schema, but in no project.
        "../parts/part.json",
    ] {
        let (status, all) = try_with(reference, &[]);
        assert!(status == 2 && !all.contains("top secret") && !all.contains("root:"), "{reference}: {all}");
        assert!(all.contains("[C114]") || (reference.contains('%') && all.contains("[C111]")), "{reference}: {all}");
        assert!(all.contains("schemas/schema.json:1:"), "{reference}: {all}");
    }
    assert_eq!(try_with("deep/part.json", &[]).0, 0);
    assert_eq!(try_with("../parts/part.json", &["--schema-dir", "parts"]).0, 0);
    // A directory that is named may lie anywhere; the string that it demands is no object.
    assert_eq!(try_with("../../outside/secret.json", &["--schema-dir", "../outside"]).0, 1);
    fs::write(own.join("chancery.toml"), "").expect("writable");
    assert_eq!(try_with("../parts/part.json", &[]).0, 0);
    assert_eq!(try_with("../../outside/secret.json", &[]).0, 2);
}

#[test]
fn a_pattern_that_is_too_large_is_reported_to_be() {
    let draft_7 = "http://json-schema.org/draft-07/schema#";
    for schema in [
        json!({"properties": {"a": {"pattern": "(a{1000}){1000}"}}}),
        json!({"patternProperties": {"^(\\w{500}){500}$": {}}}),
        json!({"pattern": "(?=a)(b{900}){900}"}),
        json!({"$schema": draft_7, "pattern": "(a{1000}){1000}"}),
    ] {
        let (status, codes, all) = found(&schema);
        assert_eq!((status, codes), (2, vec!["C110".to_owned()]), "{schema}: {all}");
        assert!(all.contains("too large") && all.contains("}){"), "{schema}: {all}");
    }
    let (status, codes, all) = found(&json!({"pattern": "(a"}));
    assert_eq!((status, codes), (2, vec!["C110".to_owned()]), "{all}");
    assert!(all.contains("expected a regular expression, found \"(a\"") && !all.contains("large"), "{all}");
}

#[test]
fn costly_patterns_end_a_run() {
    let schema = r#"{"type": "object", "properties": {"a": {"pattern": "^((?!b)x+)+$"}}}"#;
    let line = format!("{{\"a\": \"{}?\"}}\n", "x".repeat(60));
    let home = folder(&[("schema.json", schema), ("in.ndjson", &line.repeat(120))]);
    let ran = run(home.path(), &["check", "--no-cache", "--report", "json", "--schema", "schema.json", "in.ndjson"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).expect("a report is JSON");
    let findings = report["diagnostics"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["code"] == "S118"));
    assert_eq!(findings.len(), 101, "as many as are allowed, and that checking stops");
}

#[test]
fn a_schema_file_without_an_extension_is_recognised_by_its_text() {
    for (schema, status, expected) in [
        ("{\"properties\": {\"id\": {\"type\": \"integer\"}}}\n", 1, "S103"),
        ("---\nproperties:\n  id: {type: integer}\n", 1, "S103"),
        ("neither of the two\n", 2, "no known format"),
    ] {
        let home = folder(&[("schema", schema), ("data.json", "{\"id\": \"a\"}")]);
        let ran = check(home.path(), "schema");
        assert_eq!(ran.status, status, "{schema}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(expected) || ran.err.contains(expected), "{schema}: {}{}", ran.out, ran.err);
    }
}
