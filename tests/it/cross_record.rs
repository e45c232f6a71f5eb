//! Semantic checks within a record, and keys and references across records, from outside.

use std::sync::{Arc, LazyLock};

use chancery::check::references::{KeyDeclarations, ReferentialChecker};
use chancery::check::semantic::SemanticChecks;
use chancery::diagnostic::{Diagnostic, RecordRef};
use chancery::schema::Shape;
use serde_json::json;

use crate::support;

static PROFILE: LazyLock<Arc<Shape>> = LazyLock::new(|| Arc::new(support::shape(include_str!("../../schemas/profile.schema.json"))));

fn shape_of(schema: &serde_json::Value) -> Arc<Shape> {
    Arc::new(support::shape(&schema.to_string()))
}

fn line(diagnostic: &Diagnostic) -> String {
    let location = diagnostic.place.locate();
    let pointer = diagnostic.pointer.as_deref().unwrap_or("-");
    format!(
        "{}:{} {}[{}] {pointer} {}",
        location.file,
        location.start.column,
        diagnostic.severity.word(),
        diagnostic.rule.code,
        diagnostic.message
    )
}

/// Checks members of a profile; returns code, pointer and the text under the label of each finding.
#[track_caller]
fn check(members: &str, expected: &[(&str, &str, &str)]) {
    let tree = support::tree("input", &format!(r#"{{"id":"a","name":"Body of Things",{members}}}"#));
    let mut diagnostics = Vec::new();
    SemanticChecks::new(&PROFILE).check(&tree, &mut diagnostics);
    let found: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| {
            (diagnostic.rule.code, diagnostic.pointer.as_deref().unwrap_or("-"), diagnostic.place.source.slice(diagnostic.place.span))
        })
        .collect();
    assert_eq!(found, expected, "{:?}", diagnostics.iter().map(line).collect::<Vec<_>>());
    for diagnostic in &diagnostics {
        assert!(diagnostic.help.is_some(), "{}", diagnostic.message);
    }
}

#[test]
fn dates() {
    check(r#""founding_date":"2023-02-30""#, &[("X121", "/founding_date", r#""2023-02-30""#)]);
    check(r#""founding_date":"2024-02-29","dissolution_date":"2024""#, &[]);
    check(r#""founding_date":"2010","dissolution_date":"2009-12""#, &[("X120", "/dissolution_date", r#""2009-12""#)]);
    check(
        r#""memberships":[{"organization":{"name":"B"},"start_date":"2009-07","end_date":"2009-06-30"}]"#,
        &[("X120", "/memberships/0/end_date", r#""2009-06-30""#)],
    );
    check(r#""initiatives":[{"name":"I","start_date":"2009-07","end_date":"2009"}]"#, &[]);
}

#[test]
fn notes_and_their_marks() {
    check(
        r#""narrative":[{"kind":"paragraph","text":"T","refs":["1","3"]}],"references":[{"id":"1"},{"id":"2"}]"#,
        &[("X122", "/narrative/0/refs/1", r#""3""#), ("X123", "/references/1/id", r#""2""#)],
    );
    check(r#""references":[{"id":"9"}]"#, &[("X123", "/references/0/id", r#""9""#)]);
    check(r#""mandates":[{"mission_description":"M","refs":["9"]}]"#, &[("X122", "/mandates/0/refs/0", r#""9""#)]);
}

#[test]
fn countries() {
    check(r#""location":{"country_code":"QQ"}"#, &[("X124", "/location/country_code", r#""QQ""#)]);
    check(r#""location":{"country":"USA","country_code":"FR"}"#, &[("X125", "/location/country_code", r#""FR""#)]);
    check(r#""location":{"country":"United States","country_code":"US"}"#, &[]);
    check(r#""location":{"country":"Kosovo","country_code":"XK"}"#, &[]);
    // A code of the wrong shape is for the schema.
    check(r#""location":{"country_code":"us1"}"#, &[]);
    let numbers = |address: &str, number: &str| {
        format!(
            r#""addresses":[{{"lines":["L"],"country_code":"{address}"}}],"contacts":[{{"name":"N","telephones":[{{"number":"{number}"}}]}}]"#
        )
    };
    check(&numbers("US", "+19173672222"), &[]);
    check(&numbers("CA", "+19173672222"), &[]);
    check(&numbers("US", "+870773111222"), &[]);
    check(&numbers("US", "+43123602045"), &[("X126", "/contacts/0/telephones/0/number", r#""+43123602045""#)]);
}

#[test]
fn bodies() {
    check(
        r#""memberships":[{"organization":{"name":"B"},"group":"G"},{"organization":{"name":"B"},"group":"H"},{"group":"G","organization":{"name":"B"}}]"#,
        &[("X127", "/memberships/2", "{")],
    );
    check(r#""memberships":[{"organization":{"id":"a"}}]"#, &[("X128", "/memberships/0/organization/id", r#""a""#)]);
    check(r#""parent":{"name":"body of things"}"#, &[("X128", "/parent/name", r#""body of things""#)]);
    check(r#""parent":{"id":"b","name":"Body of Things"}"#, &[]);
    check(r#""acronym":"BoT""#, &[]);
    check(r#""acronym":"XYZ""#, &[("X129", "/acronym", r#""XYZ""#)]);
    check(r#""acronym":"XYZ 2","other_names":[{"name":"Xylophone Yard Zone"}]"#, &[]);
}

#[test]
fn the_sample_record_has_no_finding() {
    let Some(path) = support::shared("design/dpko.json") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    let mut diagnostics = Vec::new();
    SemanticChecks::new(&PROFILE).check(&support::tree("input", &text), &mut diagnostics);
    assert_eq!(diagnostics.iter().map(line).collect::<Vec<_>>(), Vec::<String>::new());
}

/// Takes records of several files in turn; returns a line for each finding.
fn references(shape: &Arc<Shape>, complete: bool, records: &[(&str, &str)]) -> Vec<String> {
    let plan = KeyDeclarations::new(shape, None);
    let mut references = ReferentialChecker::new(complete);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for (index, (file, text)) in records.iter().enumerate() {
        let tree = support::tree(file, text);
        let record = RecordRef { index: index as u64, key: plan.key(tree.root()), ..RecordRef::default() };
        diagnostics.extend(
            references
                .take(plan.extract(&tree), Some(&record), true)
                .expect("nothing is on disk")
                .into_iter()
                .map(|(diagnostic, _)| diagnostic),
        );
    }
    let mut take = |(diagnostic, _)| {
        diagnostics.push(diagnostic);
        Ok(())
    };
    references.finish(&|_| false, &mut take).expect("nothing is on disk");
    diagnostics
        .iter()
        .map(|diagnostic| {
            let related: Vec<_> = diagnostic.related.iter().map(|related| related.place.locate()).collect();
            let related: Vec<_> = related.iter().map(|place| format!(" <- {}:{}", place.file, place.start.column)).collect();
            format!("{}{} #{}", line(diagnostic), related.concat(), diagnostic.record.as_ref().map_or(99, |record| record.index))
        })
        .collect()
}

#[test]
fn a_key_is_used_once_across_files() {
    let found = references(
        &PROFILE,
        false,
        &[
            ("a.json", r#"{"id":"x"}"#),
            ("b.json", r#"{"id":"y"}"#),
            ("b.json", r#"{"name":"no key"}"#),
            ("c.json", r#"{"name":"N","id":"x"}"#),
        ],
    );
    assert_eq!(found, [r#"c.json:18 error[X101] /id duplicate key "x" <- a.json:7 #3"#]);
}

#[test]
fn references_may_point_forward_but_not_nowhere() {
    let records = [
        ("a.json", r#"{"id":"x","parent":{"id":"y"},"relationships":[{"kind":"partner","organization":{"id":"z"}}]}"#),
        ("b.json", r#"{"id":"y","parent":{"name":"only a name"}}"#),
    ];
    let message = r#"[X102] /relationships/0/organization/id reference to unknown record "z" #0"#;
    assert_eq!(references(&PROFILE, false, &records), [format!("a.json:87 warning{message}")]);
    assert_eq!(references(&PROFILE, true, &records), [format!("a.json:87 error{message}")]);
}

#[test]
fn schemas_of_users_declare_their_own_keys() {
    let shape = shape_of(&json!({
        "x-key": ["/list", "/number"], "type": "object",
        "properties": {"list": {"type": "string"}, "number": {"type": "integer"}},
    }));
    let found = references(
        &shape,
        false,
        &[
            ("a", r#"{"list":"l","number":1}"#),
            ("a", r#"{"list":"l","number":2}"#),
            ("a", r#"{"list":"l1","number":null}"#),
            ("a", r#"{"list":"l","number":1}"#),
        ],
    );
    assert_eq!(found.len(), 1);
    assert!(KeyDeclarations::new(&shape_of(&json!({"type": "object"})), None).is_idle());
    assert_eq!(KeyDeclarations::new(&Arc::new(Shape::any()), Some("/k")).extract(&support::tree("input", r#"{"k":"v"}"#)).len(), 1);
}

#[test]
fn a_key_of_several_parts_is_no_key_of_one() {
    let schema = r#"{"x-key": ["/a", "/b"], "properties": {"boss": {"x-references": true}}}"#;
    // However the parts are separated internally.
    for boss in ["1 2 1 xy", "1 xy", "1xy"] {
        let record = format!(r#"{{"a": "1", "b": "xy", "boss": "{boss}"}}"#);
        let home = crate::harness::folder(&[("s.json", schema), ("a.json", &record)]);
        let ran = crate::harness::run(home.path(), &["check", "--schema", "s.json", "a.json"]);
        assert!(ran.out.contains("[X102]"), "{boss}: {}", ran.out);
    }
}
