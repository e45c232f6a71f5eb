//! Shapes, from outside: the data that a schema describes.

use std::fmt::Write as _;

use chancery::schema::{Part, Shape, Types};

use crate::support::{schema, shape, shared, tree};

// A part in one line: types, and the members, items and choices it declares, `levels` deep.
fn draw(part: Part<'_>, levels: usize) -> String {
    if part.is_any() {
        return "any".to_owned();
    }
    let mut drawn = if part.types() == Types::ANY { "*".to_owned() } else { part.types().names().join("|") };
    if levels == 0 {
        return drawn;
    }
    let members: Vec<String> = part
        .members()
        .map(|(name, member)| {
            let required = if part.required().iter().any(|known| &**known == name) { "!" } else { "" };
            format!("{name}{required}:{}", draw(member, levels - 1))
        })
        .collect();
    if !members.is_empty() || !part.is_open() {
        let open = if part.is_open() { ",.." } else { "" };
        let _ = write!(drawn, "{{{}{open}}}", members.join(","));
    }
    if part.types().allows(Types::ARRAY) && !part.item(0).is_any() {
        let _ = write!(drawn, "[{}]", draw(part.item(0), levels - 1));
    }
    if let Some(choices) = part.choices() {
        let _ = write!(drawn, "={:?}", choices.collect::<Vec<_>>());
    }
    drawn
}

fn check(text: &str, expected: &str) {
    assert_eq!(draw(shape(text).root(), 4), expected, "{text}");
}

#[test]
fn structure() {
    check("true", "any");
    check("{}", "any");
    check(r#"{"type":["string","null"]}"#, "null|string");
    check(r#"{"properties":{"b":{"type":"integer"},"a":true},"required":["a"]}"#, "*{b:integer,a!:any,..}");
    check(r#"{"properties":{"a":true},"additionalProperties":false}"#, "*{a:any}");
    check(r#"{"type":"array","items":{"type":"number"}}"#, "array[number]");
    check(r#"{"enum":["a",1,null]}"#, r#"null|integer|string=["a", 1, null]"#);
    check(r#"{"const":1.5}"#, "number=[1.5]");
}

#[test]
fn references() {
    check(r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}"##, "string");
    check(r##"{"$ref":"#x","$defs":{"a":{"$anchor":"x","type":"string"}}}"##, "string");
    check(r#"{"$id":"http://e/s","$ref":"a","$defs":{"a":{"$id":"a","type":"string"}}}"#, "string");
    check(
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/a","type":"null","definitions":{"a":{"type":"string"}}}"##,
        "string",
    );
    check(r##"{"properties":{"a":{"$ref":"#/$defs/a%25~1b"}},"$defs":{"a%/b":{"type":"null"}}}"##, "*{a:null,..}");
    check(
        r##"{"properties":{"child":{"$ref":"#"},"n":{"type":"null"}},"additionalProperties":false}"##,
        "*{child:*{child:*{child:*{child:*,n:null},n:null},n:null},n:null}",
    );
    check(
        r##"{"$ref":"base","$id":"http://e/s","$dynamicAnchor":"node","properties":{"x":true},"$defs":{"b":{"$id":"base","$dynamicAnchor":"node","properties":{"kids":{"items":{"$dynamicRef":"#node"}}}}}}"##,
        "*{x:any,kids:*[*{x:any,kids:*[*],..}],..}",
    );
}

#[test]
fn branches() {
    check(
        r#"{"allOf":[{"properties":{"a":{"type":["string","null"]}}},{"properties":{"a":{"type":["string","integer"]},"b":true}}]}"#,
        "*{a:string,b:any,..}",
    );
    check(
        r#"{"oneOf":[{"properties":{"a":{"type":"string"}}},{"properties":{"a":{"type":"integer"},"b":true}}]}"#,
        "*{a:integer|string,b:any,..}",
    );
    check(
        r#"{"properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}],"additionalProperties":false}"#,
        "*{a:string}",
    );
    check(r#"{"anyOf":[{"type":"null"},{"type":"object","properties":{"a":true},"required":["a"]}]}"#, "null|object{a!:any,..}");
    check(r#"{"oneOf":[{"const":"a"},{"const":"b"}]}"#, r#"string=["a", "b"]"#);
    check(
        r#"{"if":{"required":["a"]},"then":{"properties":{"b":{"type":"null"}}},"else":{"properties":{"c":{"type":"null"}}}}"#,
        "*{b:null,c:null,..}",
    );
    check(r#"{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}"#, "string|array[string]");
    check(r#"{"anyOf":[false,{"type":"string"}]}"#, "string");
}

#[test]
fn members_by_pattern_and_others() {
    let shape = shape(
        r#"{"properties":{"x_a":{"minimum":1}},"patternProperties":{"^x_":{"type":"integer"},"[0-9]$":{"type":"string"}},"additionalProperties":{"type":"null"}}"#,
    );
    let types = |name| shape.root().member(name).types();
    assert_eq!(types("x_a"), Types::INTEGER);
    assert_eq!(types("x_b"), Types::INTEGER);
    assert_eq!(types("b1"), Types::STRING);
    assert_eq!(types("b"), Types::NULL);
    assert!(shape.root().is_open());
}

#[test]
fn what_is_reported() {
    let shape = shape(
        r##"{"properties":{"a":{"$ref":"#/$defs/t","description":"near","x-key":true}},"$defs":{"t":{"description":"far","title":"T","format":"email","default":{"b":1},"examples":["x"]}}}"##,
    );
    let a = shape.root().member("a");
    assert_eq!((a.description(), a.title(), a.format()), (Some("near"), Some("T"), Some("email")));
    assert_eq!(a.keyword("x-key").map(chancery::tree::Node::text), Some("true"));
    assert_eq!(format!("{:?}", a.default_value()), r#"Some({"b": 1})"#);
    assert_eq!(a.examples().count(), 1);
    assert_eq!(a.pointer(), "/properties/a");
}

#[test]
fn recursion_through_branches_ends() {
    let shape = shape(
        r##"{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{
            "a":{"anyOf":[{"properties":{"x":{"$ref":"#"}}},{"properties":{"x":{"$ref":"#/$defs/b"},"y":{"$ref":"#/$defs/a"}}}]},
            "b":{"oneOf":[{"properties":{"x":{"allOf":[{"$ref":"#"},{"$ref":"#/$defs/a"}]}}},{"properties":{"y":{"$ref":"#"}}}]}}}"##,
    );
    let mut part = shape.root();
    for _ in 0..1000 {
        part = part.member("x");
    }
    assert!(part.types().allows(Types::OBJECT));
}

#[test]
fn schemas_in_use_have_a_shape() {
    let Some(folder) = shared("data/schemastore/schemas") else { return };
    let (mut shapes, mut with_members) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).expect("schemas are UTF-8");
        let Ok(schema) = chancery::schema::Schema::try_from(tree(&name, &text)) else { continue };
        shapes += 1;
        with_members += usize::from(Shape::of(&schema).root().members().len() > 0);
    }
    assert!(shapes >= 100 && 2 * with_members > shapes, "{shapes} shapes, {with_members} with members");
}

#[test]
fn shapes_and_schemas_can_be_read() {
    let text = r##"{"title":"Body","description":"A body.","required":["name"],"properties":{
        "name":{"type":"string","description":"As | used.","examples":["A"]},"kind":{"enum":["a","b"]},
        "kids":{"type":"array","minItems":1,"x-item-name":"kid","items":{"$ref":"#/$defs/kid"}},"parent":{"$ref":"#"}},
        "patternProperties":{"^x_":true},"additionalProperties":false,
        "$defs":{"kid":{"type":"object","properties":{"mail":{"type":"string","format":"email"}}}}}"##;
    let schema = schema(text);
    let lines = chancery::schema::shape_listing::shape_listing(&Shape::of(&schema));
    assert_eq!(
        chancery::schema::shape_listing::text(&lines),
        "Body: any\n  name: string, required\n  kind: string, 2 values\n  kids: array\n    kid: object\n      mail: string (email)\n  \
         parent: any, as the record\n  (^x_): any\n"
    );
    let page = chancery::schema::docs::markdown(&schema);
    assert!(page.starts_with("# Body\n\nA body.\n\n| member |"), "{page}");
    assert!(page.contains("| `name` | string | 1 | As \\| used. Example: `A`. |"), "{page}");
    assert!(page.contains("| `kind` | `a`, `b` | 0..1 |"), "{page}");
    assert!(page.contains("| `kids` | list of [kid](#kid) | 0..n |"), "{page}");
    assert!(page.contains("| `parent` | [Body](#body) | 0..1 |"), "{page}");
    assert!(page.contains("\n## kid\n"), "{page}");
}

#[test]
fn the_bundled_schema_can_be_read() {
    let profile = schema(chancery::schema::bundled::PROFILE.text);
    let page = chancery::schema::docs::markdown(&profile);
    assert!(page.contains("## contact\n"), "{page}");
    let lines = chancery::schema::shape_listing::shape_listing(&Shape::of(&profile));
    assert!(lines.iter().any(|line| line.path == "/telephones/*/number"));
    assert!(profile.registry().has("urn:chancery:profile:1"));
}
