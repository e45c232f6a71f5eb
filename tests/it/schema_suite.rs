//! Third-party verdicts: the JSON Schema Test Suite, the instances of `SchemaStore`, and the validator's own conformance test
//! on our tree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chancery::schema::json_impl::{InstanceRef, TreeRef, WholeValue};
use chancery::schema::{Options, Schema, SchemaRegistry, registry};
use chancery::tree::Tree;
use chancery::write::json;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{self, shared, tree};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_valid(schema: &Schema, tree: &Tree) -> bool {
    schema.is_valid(tree.root())
}

// A part of a document as a tree of its own.
fn part(node: chancery::tree::Node<'_>, name: &str) -> Tree {
    let mut text = Vec::new();
    json::compact(node, &mut text);
    tree(name, &String::from_utf8(text).expect("JSON is UTF-8"))
}

struct Suite {
    // By address.
    remotes: BTreeMap<String, String>,
}

impl Suite {
    fn load(root: &Path) -> Self {
        let remotes = root.join("remotes");
        let address = |path: &Path| {
            let below = path.strip_prefix(&remotes).expect("it was found there").to_string_lossy().replace('\\', "/");
            format!("http://localhost:1234/{below}")
        };
        Self { remotes: files(&remotes).iter().map(|path| (address(path), read(path))).collect() }
    }

    // A schema without `$schema` is of the draft whose directory it is in.
    fn in_draft(text: &str, draft: &str) -> String {
        let uri = match draft {
            "draft4" => "http://json-schema.org/draft-04/schema#",
            "draft6" => "http://json-schema.org/draft-06/schema#",
            "draft7" => "http://json-schema.org/draft-07/schema#",
            "draft2019-09" => "https://json-schema.org/draft/2019-09/schema",
            _ => "https://json-schema.org/draft/2020-12/schema",
        };
        let rest = text.trim_start().strip_prefix('{').map(str::trim_start);
        match rest {
            Some(rest) if !text.contains("\"$schema\"") => {
                format!("{{\"$schema\":\"{uri}\"{}{rest}", if rest.starts_with('}') { "" } else { "," })
            }
            _ => text.to_owned(),
        }
    }

    fn build(&self, text: &str, draft: &str, formats: bool) -> Result<Schema, Vec<chancery::diagnostic::Diagnostic>> {
        let mut registry = SchemaRegistry::new();
        let root = registry.add("http://example.test/schema.json", tree("schema.json", &Self::in_draft(text, draft)));
        registry.fill(|missing| {
            let text = self.remotes.get(&missing.uri)?;
            Some((missing.uri.clone(), tree(&missing.uri, &Self::in_draft(text, draft))))
        });
        Schema::build(registry, root, Options { formats })
    }

    // Runs the cases of some files: how many passed, and what failed.
    fn run(&self, paths: &[PathBuf], draft: &str, formats: bool) -> (usize, Vec<String>) {
        let mut passed = 0;
        let mut failed = Vec::new();
        for path in paths {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let groups = tree(&file, &read(path));
            for group in groups.root().items() {
                let printed = |node: chancery::tree::Node<'_>| node.get("description").map_or("", |text| text.text()).to_owned();
                let mut text = Vec::new();
                json::compact(group.get("schema").expect("a group has a schema"), &mut text);
                let text = String::from_utf8(text).expect("JSON is UTF-8");
                let schema = match self.build(&text, draft, formats) {
                    Ok(schema) => schema,
                    Err(faults) => {
                        let messages: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                        failed.push(format!("{draft}/{file}: {}: {}", printed(group), messages.join("; ")));
                        continue;
                    }
                };
                for case in group.get("tests").into_iter().flat_map(chancery::tree::Node::items) {
                    let data = part(case.get("data").expect("a case has data"), "data.json");
                    let expected = case.get("valid").is_some_and(|valid| valid.text() == "true");
                    let errors = schema.errors(&WholeValue::new(data.root())).count();
                    if is_valid(&schema, &data) == expected && (errors == 0) == expected {
                        passed += 1;
                    } else {
                        failed.push(format!("{draft}/{file}: {}: {}", printed(group), printed(case)));
                    }
                    explain_without_panic(&schema, &data);
                }
            }
        }
        (passed, failed)
    }
}

// Findings exist exactly where there are errors, and each can be located.
fn explain_without_panic(schema: &Schema, data: &Tree) {
    let shape = chancery::schema::Shape::of(schema);
    let hints = chancery::diagnostic::hint::Budget::default();
    let explainer = chancery::schema::error_mapping::ErrorMapper {
        root: data.root(),
        schema: Some(schema),
        shape: &shape,
        hints: &hints,
        limit: chancery::diagnostic::MAX_FINDINGS_PER_RECORD,
        index: chancery::schema::error_mapping::Index::default(),
    };
    let record = WholeValue::new(data.root());
    for error in schema.errors(&record) {
        let (findings, _) = explainer.explain(std::iter::once(error), None);
        assert!(!findings.is_empty());
        for finding in findings {
            let _ = finding.place.locate();
            assert!(!finding.message.is_empty());
        }
    }
}

const DRAFTS: [&str; 5] = ["draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"];

#[test]
fn required_cases_of_all_drafts_pass() {
    let Some(root) = shared("data/json-schema-test-suite") else { return };
    let suite = Suite::load(&root);
    for draft in DRAFTS {
        let paths: Vec<PathBuf> =
            files(&root.join("tests").join(draft)).into_iter().filter(|path| !path.to_string_lossy().contains("optional")).collect();
        let (passed, failed) = suite.run(&paths, draft, false);
        eprintln!("{draft}: {passed} passed, {} failed", failed.len());
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(passed > 500);
    }
}

#[test]
fn optional_cases_stay_at_least_as_good() {
    let Some(root) = shared("data/json-schema-test-suite") else { return };
    let suite = Suite::load(&root);
    let mut rendered = String::new();
    let mut total = 0;
    for draft in DRAFTS {
        let paths: Vec<PathBuf> = files(&root.join("tests").join(draft).join("optional"));
        let (formats, others): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.to_string_lossy().contains("format"));
        for (sort, paths, formats) in [("format", formats, true), ("other", others, false)] {
            let (passed, failed) = suite.run(&paths, draft, formats);
            let _ = writeln!(rendered, "{draft} optional {sort}: {passed} passed, {} failed", failed.len());
            for failed in failed {
                let _ = writeln!(rendered, "  {failed}");
            }
            total += passed;
        }
    }
    eprintln!("{rendered}{total} passed in all");
    assert!(total >= FLOOR_OF_OPTIONAL, "{rendered}");
}

const FLOOR_OF_OPTIONAL: usize = 3385;
const FLOOR_OF_SCHEMASTORE: usize = 1128;

// A line of the table; names may be quoted.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("there is one from the start").push(c),
        }
    }
    cells
}

#[test]
fn schemastore_verdicts_agree() {
    let Some(root) = shared("data/schemastore") else { return };
    let mut schemas: BTreeMap<String, Result<Schema, String>> = BTreeMap::new();
    let mut passed = 0;
    let mut unread = 0;
    let mut failed = Vec::new();
    for line in read(&root.join("verdicts.csv")).lines().skip(1) {
        let row = cells(line);
        let [schema_path, instance, format, expected, _, _, judge] = row.as_slice() else { panic!("{line}") };
        if judge != "yes" {
            continue;
        }
        let schema = schemas.entry(schema_path.clone()).or_insert_with(|| {
            let mut registry = SchemaRegistry::new();
            let path = root.join(schema_path);
            let uri = registry::file_uri(&path).expect("a path makes an address");
            let first = registry.add(&uri, tree(schema_path, read(&path).trim_start_matches('\u{feff}')));
            registry.fill(|missing| {
                let path = registry::file_path(missing.in_directory.as_ref().unwrap_or(&missing.uri))?;
                let path = [path.with_extension("json"), path].into_iter().find(|path| path.exists())?;
                Some((registry::file_uri(&path)?, tree(&path.to_string_lossy(), &read(&path))))
            });
            Schema::build(registry, first, Options { formats: false })
                .map_err(|faults| faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "))
        });
        let schema = match schema {
            Ok(schema) => schema,
            Err(message) => {
                failed.push(format!("{schema_path}: {message}"));
                continue;
            }
        };
        let bytes = std::fs::read(root.join(instance)).unwrap_or_else(|error| panic!("{instance}: {error}"));
        let Some(record) = support::whole(format, &bytes) else {
            unread += 1;
            eprintln!("not read: {instance}");
            continue;
        };
        if is_valid(schema, &record) == (expected == "valid") {
            passed += 1;
        } else {
            failed.push(format!("{schema_path} {instance}: expected {expected}"));
        }
    }
    eprintln!("SchemaStore: {passed} agree, {} differ, {unread} not read", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(passed >= FLOOR_OF_SCHEMASTORE);
}

#[test]
fn registers_of_organisations_have_schemas_that_work() {
    // Each says so where it is absent.
    if let Some(folder) = shared("data/ror") {
        for (schema, record) in [("ror_schema_v2_0.json", "example_record_v2_0.json"), ("ror_schema_v2_1.json", "example_record_v2_1.json")]
        {
            let schema = support::schema(&read(&folder.join(schema)));
            assert!(is_valid(&schema, &tree(record, &read(&folder.join(record)))), "{record}");
        }
    }
    if let Some(folder) = shared("data/popolo-spec/schemas") {
        let paths = files(&folder);
        assert!(paths.len() >= 5, "{} schemas in {}", paths.len(), folder.display());
        for path in paths {
            let Err(faults) = Schema::try_from(tree("popolo.json", &read(&path))) else { panic!("{} is of draft 3", path.display()) };
            assert_eq!(faults[0].rule.code, "C112");
        }
    }
}

#[test]
fn the_tree_keeps_the_validators_law() {
    let document = jsonschema::json::conformance::document();
    let built = tree("conformance.json", &document.to_string());
    jsonschema::json::conformance::assert_conformance::<TreeRef>(&InstanceRef::Node(built.root()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5i64..5).prop_map(Value::from),
        any::<f64>().prop_filter_map("a number", |float| serde_json::Number::from_f64(float).map(Value::Number)),
        (-4i32..4).prop_map(|halves| Value::from(f64::from(halves) / 2.0)),
        "[a-c]{0,3}|\\PC{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-e]", inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const DEMANDS: &str = r##"{
  "type": ["object", "array", "number", "null"], "required": ["a"], "minProperties": 1, "maxItems": 3, "uniqueItems": true,
  "properties": {"a": {"type": ["integer", "string"], "minimum": -2, "maxLength": 2}, "b": {"enum": [1, "a", [], {"a": 1}, 0.5]}, "c": {"$ref": "#"}},
  "patternProperties": {"^d": {"multipleOf": 0.5}}, "additionalProperties": false, "propertyNames": {"maxLength": 1},
  "items": {"anyOf": [{"type": "integer"}, {"const": {"a": 1}}, {"$ref": "#"}]}, "contains": {"type": "number"}
}"##;

proptest! {
    #[test]
    fn verdicts_and_places_agree_with_plain_values(value in any_value()) {
        static BOTH: std::sync::LazyLock<(Validator, Validator<TreeRef>)> = std::sync::LazyLock::new(|| {
            let demands: Value = serde_json::from_str(DEMANDS).expect("it is JSON");
            let plain = jsonschema::options().build(&demands).expect("it is a schema");
            (plain, jsonschema::options_for::<TreeRef>().build(&demands).expect("it is a schema"))
        });
        let (plain, spanned) = &*BOTH;
        let record = tree("record.json", &value.to_string());
        prop_assert_eq!(plain.is_valid(&value), spanned.is_valid(InstanceRef::Node(record.root())));
        let place = |error: &jsonschema::ValidationError<'_>| format!("{} {} {}", error.instance_path().as_str(), error.schema_path().as_str(), error.kind().keyword());
        let mut expected: Vec<String> = plain.iter_errors(&value).map(|error| place(&error)).collect();
        let mut found: Vec<String> = spanned.iter_errors(InstanceRef::Node(record.root())).map(|error| place(&error)).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(expected, found);
    }
}

/// Corners in which the fast path might differ from the validator, which has the last word.
#[test]
fn what_is_valid_has_no_errors() {
    let long = format!("{}!", "a".repeat(40));
    let long = format!(r#"{{"code":"{long}","{long}":1}}"#);
    let cases: &[(&str, &[&str])] = &[
        // Patterns that cannot be tried completely.
        (r#"{"properties":{"code":{"not":{"pattern":"^((?=a)a+)+$"}}}}"#, &[&long, r#"{"code":"aa"}"#, r#"{"code":"b"}"#]),
        (r#"{"patternProperties":{"^((?=a)a+)+$":false}}"#, &[&long, r#"{"aa":1}"#]),
        (r#"{"properties":{"p":{"pattern":"^a++a$"},"q":{"pattern":"(?!x)y"}}}"#, &[r#"{"p":"aa"}"#]),
        // Numbers that are compared as floats.
        (r#"{"const":9007199254740993}"#, &["9007199254740993.0", "9007199254740993", "9007199254740992.0", "\"9007199254740993\""]),
        (r#"{"not":{"const":0.1}}"#, &["0.10000000000000001", "0.1", "0.2"]),
        (r#"{"not":{"const":5}}"#, &["5.0000000000000000001", "5", "5.0", "6", "null"]),
        (r#"{"enum":[5,0.1,"a",null,[1]]}"#, &["5.0", "0.10", "0.10000000000000001", "\"a\"", "[1.0]", "[]"]),
        (r#"{"minimum":-0.0,"exclusiveMaximum":1e2}"#, &["-0", "0", "-1e-400", "100", "99.99999999999999999999", "1e400"]),
        // A draft that knows no conditions.
        (r#"{"$schema":"http://json-schema.org/draft-06/schema#","not":{"if":true,"then":false}}"#, &["5"]),
        // References through dynamic anchors, bases of parts, names that an older draft does not know, and to nothing.
        (
            r##"{"$id":"https://e.org/root","$ref":"inner","$defs":{"outer":{"$dynamicAnchor":"n","type":"integer"},
                "inner":{"$id":"inner","$ref":"#n","$defs":{"x":{"$dynamicAnchor":"n","type":"string"}}}}}"##,
            &["\"s\"", "5"],
        ),
        (
            r##"{"$ref":"#/$defs/inner/x/thing","$defs":{"y":{"type":"integer"},
                "inner":{"$id":"inner.json","x":{"thing":{"$ref":"#/$defs/y"}},"$defs":{"y":{"type":"string"}}}}}"##,
            &["\"s\"", "5"],
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://e.org/r","properties":{"a":{"$ref":"#/$defs/inner"}},
                "definitions":{"y":{"type":"integer"}},"$defs":{"inner":{"$id":"http://e.org/i","allOf":[{"$ref":"#/definitions/y"}],
                "definitions":{"y":{"type":"string"}}}}}"##,
            &[r#"{"a":"x"}"#, r#"{"a":5}"#],
        ),
        (r#"{"type":"object","properties":{"a":{"not":{"$ref":""}}}}"#, &[r#"{"a":5}"#, r#"{"a":{}}"#]),
        // Names that need others; older drafts do not know the keyword.
        (
            r#"{"dependentRequired":{"a":["b","c"],"d":[],"":["a"]},"properties":{"a":true}}"#,
            &["{}", r#"{"a":1}"#, r#"{"a":1,"b":1,"c":1}"#, r#"{"d":1}"#, r#"{"":1}"#, r#"{"b":1,"a":1,"a":2}"#, "[]"],
        ),
        (r#"{"$schema":"http://json-schema.org/draft-07/schema#","dependentRequired":{"a":["b"]}}"#, &[r#"{"a":1}"#, r#"{"a":1,"b":1}"#]),
        // Members that are there twice count once.
        (
            r#"{"properties":{"a":{},"b":{}},"required":["a","b"],"additionalProperties":false,"minProperties":2,"maxProperties":2}"#,
            &[r#"{"a":1,"a":2}"#, r#"{"a":1,"b":1,"b":2}"#, r#"{"a":1,"b":1}"#],
        ),
    ];
    for (text, instances) in cases {
        let schema = Schema::try_from(tree("schema.json", text)).unwrap_or_else(|faults| panic!("{text}: {}", faults[0].message));
        for instance in *instances {
            let data = tree("data.json", instance);
            let errors = schema.errors(&WholeValue::new(data.root())).count();
            assert_eq!(is_valid(&schema, &data), errors == 0, "{text} {instance}");
        }
    }
}
