//! Normalisation from outside: the normalised record and the notes for each record.

use std::sync::{Arc, LazyLock};

use chancery::diagnostic::{Diagnostic, Severity};
use chancery::normalise::{ConfiguredPass, Normaliser, Options, Pass};
use chancery::schema::Shape;
use chancery::source::Source;
use chancery::tree::pattern::Pattern;
use chancery::tree::{Kind, Tree};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support;

static PROFILE: LazyLock<Arc<Shape>> = LazyLock::new(|| Arc::new(support::shape(include_str!("../../schemas/profile.schema.json"))));

fn with(shape: &Arc<Shape>, options: &Options, text: &str) -> (Tree, Vec<Diagnostic>) {
    let mut tree = support::tree("input", text);
    let mut diagnostics = Vec::new();
    Normaliser::new(shape, options).normalise(&mut tree, &mut diagnostics);
    (tree, diagnostics)
}

fn json_of(tree: &Tree) -> String {
    let mut out = Vec::new();
    chancery::write::json::compact(tree.root(), &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Normalises members of a profile; returns them back with a line for each note: code, pointer, message.
fn profile(members: &str) -> (String, Vec<String>) {
    let text = format!(r#"{{"id":"a","name":"A",{members}}}"#);
    let (tree, diagnostics) = with(&PROFILE, &Options::default(), &text);
    let out = json_of(&tree);
    let rest = out.strip_prefix(r#"{"id":"a","name":"A","#).and_then(|rest| rest.strip_suffix('}')).unwrap_or(&out);
    (rest.to_owned(), diagnostics.iter().map(line).collect())
}

fn shape_of(schema: &serde_json::Value) -> Arc<Shape> {
    Arc::new(support::shape(&schema.to_string()))
}

fn line(diagnostic: &Diagnostic) -> String {
    assert_eq!(diagnostic.severity, Severity::Note);
    format!("{} {} {}", diagnostic.rule.code, diagnostic.pointer.as_deref().unwrap_or("-"), diagnostic.message)
}

#[track_caller]
fn check(members: &str, expected: &str, diagnostics: &[&str]) {
    let (found, found_notes) = profile(members);
    assert_eq!(found, expected);
    assert_eq!(found_notes, diagnostics);
}

#[test]
fn the_fax_without_plus_gets_the_country_of_the_address() {
    let (found, diagnostics) =
        profile(r#""addresses":[{"lines":["USA"],"country":"USA"}],"contacts":[{"name":"N","faxes":[{"number":"1 917 367 2222"}]}]"#);
    assert_eq!(
        found,
        r#""addresses":[{"lines":["USA"],"country":"USA","country_code":"US"}],"contacts":[{"name":"N","faxes":[{"number":"+19173672222","display":"1 917 367 2222"}]}]"#
    );
    assert_eq!(
        diagnostics,
        [
            r#"N106 /addresses/0/country country code "US" supplied for "USA""#,
            r#"N102 /contacts/0/faxes/0/number telephone number "1 917 367 2222" became "+19173672222", its country US taken from the record"#,
        ]
    );
}

#[test]
fn telephones() {
    check(
        r#""telephones":[{"number":"+1 212 963 3452 ext. 123"}]"#,
        r#""telephones":[{"number":"+12129633452","extension":"123","display":"+1 212 963 3452 ext. 123"}]"#,
        &[r#"N102 /telephones/0/number telephone number "+1 212 963 3452 ext. 123" became "+12129633452", extension "123""#],
    );
    // A display that is there stays; an extension that says otherwise keeps the number as printed.
    check(
        r#""telephones":[{"number":"+32 (0)2 707 41 11","display":"D"}]"#,
        r#""telephones":[{"number":"+3227074111","display":"D"}]"#,
        &[r#"N102 /telephones/0/number telephone number "+32 (0)2 707 41 11" became "+3227074111""#],
    );
    check(
        r#""telephones":[{"number":"+1 212 963 3452 x1","extension":"2"}]"#,
        r#""telephones":[{"number":"+1 212 963 3452 x1","extension":"2"}]"#,
        &[],
    );
    // Not a number, or of an unknown country: left for the schema to reject.
    check(r#""telephones":[{"number":"1 917 367 2222"}]"#, r#""telephones":[{"number":"1 917 367 2222"}]"#, &[]);
    // Where a mission works says nothing about the telephones of the department.
    check(
        r#""telephones":[{"number":"1 917 367 2222"}],"mandates":[{"host_countries":[{"code":"US"}]}]"#,
        r#""telephones":[{"number":"1 917 367 2222"}],"mandates":[{"host_countries":[{"code":"US"}]}]"#,
        &[],
    );
}

#[test]
fn every_other_pass() {
    check(
        r#""websites":[{"url":"www.UN.org/en/"}]"#,
        r#""websites":[{"url":"https://www.un.org/en/","display":"www.UN.org/en/"}]"#,
        &[r#"N103 /websites/0/url web address "www.UN.org/en/" became "https://www.un.org/en/""#],
    );
    check(
        r#""emails":["<Info@UN.org>."]"#,
        r#""emails":["Info@un.org"]"#,
        &[r#"N104 /emails/0 e-mail address "<Info@UN.org>." became "Info@un.org""#],
    );
    check(r#""founding_date":1948"#, r#""founding_date":"1948""#, &[r#"N105 /founding_date date 1948 became "1948""#]);
    check(
        r#""founding_date":"4 August 1963""#,
        r#""founding_date":"1963-08-04""#,
        &[r#"N105 /founding_date date "4 August 1963" became "1963-08-04""#],
    );
    check(
        r#""location":{"country":"Cote d'Ivoire"}"#,
        r#""location":{"country":"Cote d'Ivoire","country_code":"CI"}"#,
        &[r#"N106 /location/country country code "CI" supplied for "Cote d'Ivoire""#],
    );
    check(
        r#""location":{"country_code":"usa"}"#,
        r#""location":{"country_code":"US"}"#,
        &[r#"N106 /location/country_code country code "usa" became "US""#],
    );
    check(
        r#""contacts":[{"role":"Focal Point","title":"Chief"}]"#,
        r#""contacts":[{"role":"focal_point","title":"Chief"}]"#,
        &[r#"N107 /contacts/0/role value "Focal Point" became "focal_point""#],
    );
    check(
        r#""mandates":[{"mission_description":"M","tasks":["Mine Action","x_own"]}]"#,
        r#""mandates":[{"mission_description":"M","tasks":["mine_action","x_own"]}]"#,
        &[r#"N107 /mandates/0/tasks/0 value "Mine Action" became "mine_action""#],
    );
    check(r#""acronym":" A\u0301B ""#, r#""acronym":"ÁB""#, &["N101 /acronym text \" A\u{301}B \" became \"ÁB\""]);
    // Free room is nobody's but the user's.
    check(r#""x_phone":{"number":" 1 "}"#, r#""x_phone":{"number":" 1 "}"#, &[]);
}

#[test]
fn members_take_the_order_of_the_schema_in_silence() {
    let (tree, diagnostics) =
        with(&PROFILE, &Options::default(), r#"{"x_b":1,"name":"A","x_a":{"z":1,"a":2},"parent":{"name":"P","id":"p"},"id":"a"}"#);
    assert_eq!(json_of(&tree), r#"{"id":"a","name":"A","parent":{"id":"p","name":"P"},"x_b":1,"x_a":{"z":1,"a":2}}"#);
    assert!(diagnostics.is_empty());
}

#[test]
fn each_pass_can_be_turned_off() {
    let text = r#"{"name":" A ","id":"a","emails":["a@B.org"],"telephones":[{"number":"+1 917 367 2222"}],"websites":[{"url":"un.org"}],
        "founding_date":1948,"location":{"country":"USA"},"kind":"Office"}"#;
    for pass in Pass::ALL {
        let (tree, diagnostics) = with(&PROFILE, &Options { off: vec![*pass], ..Options::default() }, text);
        assert!(diagnostics.iter().all(|diagnostic| Some(diagnostic.rule) != pass.rule()), "{pass:?}");
        let sorted = tree.root().members().next().is_some_and(|first| first.key.text() == "id");
        assert_eq!(sorted, *pass != Pass::Order);
        assert_eq!(Pass::find(pass.name()), Some(*pass));
    }
    let (tree, diagnostics) = with(&PROFILE, &Options { off: Pass::ALL.to_vec(), ..Options::default() }, text);
    assert_eq!(json_of(&tree), json_of(&support::tree("input", text)));
    assert!(diagnostics.is_empty());
}

#[test]
fn nothing_is_done_unasked() {
    let shape = shape_of(&json!({"type": "object", "properties": {"phone": {"type": "string"}, "kind": {"enum": ["a_b"]}}}));
    let text = r#"{"phone":" +1 917 367 2222 ","kind":"A B"}"#;
    let (tree, diagnostics) = with(&shape, &Options::default(), text);
    assert_eq!(json_of(&tree), text);
    assert!(diagnostics.is_empty());
}

#[test]
fn a_pass_that_does_not_exist_is_a_mistake_in_the_schema() {
    use chancery::{check::semantic, normalise};
    assert!(normalise::mistakes(&PROFILE).is_empty() && semantic::operand_errors(&PROFILE).is_empty());
    let shape = shape_of(&json!({"$defs": {"p": {"x-normalise": ["text", {"pass": "telefone"}], "x-check": 1}},
        "properties": {"a": {"$ref": "#/$defs/p"}, "b": {"$ref": "#/$defs/p"}}}));
    let [mistake] = &normalise::mistakes(&shape)[..] else { panic!("one mistake") };
    assert_eq!(mistake.schema_pointer.as_deref(), Some("/$defs/p/x-normalise/1/pass"));
    assert_eq!(mistake.place.source.slice(mistake.place.span), "\"telefone\"");
    assert_eq!(mistake.help.as_deref(), Some("did you mean \"telephone\"?"));
    assert_eq!(semantic::operand_errors(&shape).len(), 1);
}

#[test]
fn configuration_asks_by_place() {
    let asked = |pointer: &str, passes: Value| ConfiguredPass { pattern: Pattern::new(pointer).expect("a pattern"), passes };
    let options = Options {
        configured: vec![
            asked("/people/*/mail", json!("email")),
            asked("/phone", json!(["text", {"pass": "telephone", "printed": "as_printed"}])),
            asked("/code", json!({"pass": "country", "from": "land"})),
        ],
        ..Options::default()
    };
    let text = r#"{"people":[{"mail":"a@B.org"},{"mail":"mailto:c@d.org"}],"phone":" +1 917 367 2222 ","land":"Peru"}"#;
    let (tree, diagnostics) = with(&Arc::new(Shape::any()), &options, text);
    assert_eq!(
        json_of(&tree),
        r#"{"people":[{"mail":"a@b.org"},{"mail":"c@d.org"}],"phone":"+19173672222","as_printed":"+1 917 367 2222","land":"Peru","code":"PE"}"#
    );
    assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.rule.code).collect::<Vec<_>>(), ["N104", "N104", "N101", "N102", "N106"]);
}

#[test]
fn a_printed_form_has_a_place_only_beside_its_own_value() {
    let shape = shape_of(&json!({"properties": {"phones": {"items": {"x-normalise": {"pass": "telephone", "printed": "display"}}},
        "a~/b": {"x-normalise": "email"}}}));
    let (tree, diagnostics) = with(&shape, &Options::default(), r#"{"phones":["+1 917 367 2222","+1 917 367 2205 x3"],"a~/b":"<a@b.c>"}"#);
    // The extension has no place, so the second number stays as printed.
    assert_eq!(json_of(&tree), r#"{"phones":["+19173672222","+1 917 367 2205 x3"],"a~/b":"a@b.c"}"#);
    assert_eq!(diagnostics.iter().filter_map(|diagnostic| diagnostic.pointer.as_deref()).collect::<Vec<_>>(), ["/phones/0", "/a~0~1b"]);
}

#[test]
fn defaults_only_when_asked() {
    let shape = shape_of(&json!({"type": "object", "properties": {
        "a": {"default": 1.50}, "list": {"items": {"properties": {"kind": {"default": "k"}}}},
        "o": {"default": {}, "properties": {"deep": {"default": [true, null, "t"]}}}}}));
    let text = r#"{"list":[{},{"kind":"own"}]}"#;
    assert_eq!(json_of(&with(&shape, &Options::default(), text).0), text);
    let options = Options { defaults: true, ..Options::default() };
    let (tree, diagnostics) = with(&shape, &options, text);
    let found: Value = serde_json::from_str(&json_of(&tree)).expect("JSON");
    assert_eq!(found, json!({"a": 1.5, "list": [{"kind": "k"}, {"kind": "own"}], "o": {"deep": [true, null, "t"]}}));
    assert_eq!(diagnostics.len(), 4);
    let supplied = tree.root().at("/list/0/kind").expect("supplied");
    assert!(supplied.is_derived());
    assert_eq!((supplied.span().start, supplied.span().end), (9, 10));
    let again = with(&shape, &options, &json_of(&tree));
    assert_eq!(json_of(&again.0), json_of(&tree));
    assert!(again.1.is_empty());
}

#[test]
fn spans_survive_and_labels_cover_what_was_written() {
    let text = r#"{"id":"a","name":"A","location":{"country":"USA"},"telephones":[{"number":"1 917 367 2222"}]}"#;
    let (tree, diagnostics) = with(&PROFILE, &Options::default(), text);
    let written = |pointer: &str| tree.root().at(pointer).expect("there").written();
    assert_eq!(written("/telephones/0/number"), r#""1 917 367 2222""#);
    assert_eq!(written("/telephones/0/display"), r#""1 917 367 2222""#);
    assert_eq!(written("/location/country_code"), r#""USA""#);
    let node = |pointer: &str| tree.root().at(pointer).expect("there");
    assert!(node("/telephones/0/number").is_altered() && !node("/telephones/0/number").is_derived());
    assert!(node("/telephones/0/display").is_derived() && node("/location/country_code").is_derived());
    for diagnostic in diagnostics {
        let covered = diagnostic.place.source.slice(diagnostic.place.span);
        assert!(covered == r#""USA""# || covered == r#""1 917 367 2222""#, "{covered}");
    }
}

#[test]
fn the_sample_record_is_in_normal_form() {
    let Some(path) = support::shared("design/dpko.json") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    let (tree, diagnostics) = with(&PROFILE, &Options::default(), &text);
    assert_eq!(diagnostics.iter().map(line).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(json_of(&tree), json_of(&support::tree("input", &text)));
}

/// Time a record: `cargo test --release --test it normalise::bench -- --ignored --nocapture`.
#[test]
#[ignore = "prints a time"]
fn bench() {
    let Some(path) = support::shared("design/dpko.json") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    let mut tree = support::tree("input", &text);
    LazyLock::force(&PROFILE);
    let start = std::time::Instant::now();
    let normaliser = Normaliser::new(&PROFILE, &Options::default());
    println!("normaliser made in {:?}", start.elapsed());
    let start = std::time::Instant::now();
    let facts = chancery::check::SemanticChecks::new(&PROFILE);
    let plan = chancery::check::references::KeyDeclarations::new(&PROFILE, None);
    println!("facts and keys made in {:?}", start.elapsed());
    let rounds = 20_000;
    let time = |name: &str, work: &mut dyn FnMut(&mut Tree)| {
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            work(&mut tree);
        }
        println!("{name}: {:?} a record of {} bytes", start.elapsed() / rounds, text.len());
    };
    let mut time = time;
    time("normalise", &mut |tree| normaliser.normalise(tree, &mut Vec::new()));
    time("facts", &mut |tree| facts.check(tree, &mut Vec::new()));
    time("keys", &mut |tree| drop(plan.extract(tree)));
}

/// What people and machines put where a phone, a date or a name should be.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "+",
        "00",
        "1 917 367 2222",
        "(0)",
        "[43]",
        " ",
        "\u{a0}",
        "\r\n",
        "e\u{301}",
        "\u{feff}",
        "ext. 12",
        "www.",
        "UN.org",
        ":443",
        "//",
        "HTTP://",
        "ä",
        "<",
        ">",
        "mailto:",
        "@",
        ".",
        ",",
        ";",
        "July",
        "2009",
        "4",
        "/",
        "-",
        "~",
        "circa ",
        "31",
        "USA",
        "us",
        "Focal Point",
        "_",
        "\u{0}",
        "\u{2000}",
        "\u{340}",
        "²",
        "x",
        "?",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat()), any::<String>(), "[+0-9 ()/.-]{0,24}",]
}

proptest! {
    #![proptest_config(crate::property::cases(400))]

    #[test]
    fn normalising_twice_is_normalising_once(values in prop::collection::vec(hostile(), 12), supplied in any::<bool>()) {
        let v = |index: usize| Value::from(values[index].as_str());
        let mut record = json!({
            "id": "a", "name": v(0), "acronym": v(1), "kind": v(2), "founding_date": v(3),
            "addresses": [{"lines": [v(4)], "country": v(5)}],
            "telephones": [{"number": v(6)}, {"number": v(7), "display": v(8)}],
            "emails": [v(9)], "websites": [{"url": v(10)}],
            "contacts": [{"role": v(11), "name": "n", "faxes": [{"number": v(6)}]}],
            "mandates": [{"tasks": [v(2)], "host_countries": [{"name": v(5), "code": v(11)}]}],
        });
        if supplied {
            record["location"] = json!({"country": "USA", "country_code": v(5)});
        }
        let (once, _) = with(&PROFILE, &Options::default(), &record.to_string());
        let normal = json_of(&once);
        let (twice, mut diagnostics) = with(&PROFILE, &Options::default(), &normal);
        prop_assert_eq!(&json_of(&twice), &normal);
        diagnostics.retain(|diagnostic| !matches!(diagnostic.rule.code, "N110" | "N111"));
        prop_assert!(diagnostics.is_empty(), "{:?}", diagnostics.iter().map(line).collect::<Vec<_>>());
    }

    #[test]
    fn each_pass_is_idempotent_and_its_spans_lie_in_the_source(text in hostile(), name in prop::sample::select(Pass::ALL)) {
        let options = Options { configured: vec![ConfiguredPass { pattern: Pattern::new("").expect("a pattern"), passes: json!(name.name()) }], ..Options::default() };
        let source = Arc::new(Source::whole("t", text.clone()));
        let mut tree = Tree::new(&source);
        let span = chancery::source::Span::new(0, source.len());
        tree.scalar(Kind::String, span, chancery::tree::Text::Source(span));
        let normaliser = Normaliser::new(&Arc::new(Shape::any()), &options);
        normaliser.normalise(&mut tree, &mut Vec::new());
        prop_assert_eq!(tree.root().span(), span);
        let once = tree.root().text().to_owned();
        let mut diagnostics = Vec::new();
        normaliser.normalise(&mut tree, &mut diagnostics);
        prop_assert_eq!(tree.root().text(), once);
        // What is left as it is, is said each time.
        diagnostics.retain(|diagnostic| !matches!(diagnostic.rule.code, "N110" | "N111"));
        prop_assert!(diagnostics.is_empty());
    }
}
