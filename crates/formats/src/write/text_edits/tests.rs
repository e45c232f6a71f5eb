//! What edits look like in each format.

use std::sync::Arc;

use super::*;

#[test]
fn scalars_are_in_the_notation_of_the_format() {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let literal = |text: &str| Scalar::Literal(text.to_owned());
    for (format, written, new, expected) in [
        ("json", "\"a\"", text("b\"c"), Some(r#""b\"c""#)),
        ("json", "5", text("five"), Some("\"five\"")),
        ("json", "\"5\"", literal("5"), Some("5")),
        ("ndjson", "\"a\"", text("b"), Some("\"b\"")),
        ("csv", "a", text("b"), Some("b")),
        ("csv", "a", text("b;c"), Some("\"b;c\"")),
        ("csv", "\"a\"", text("b"), Some("\"b\"")),
        ("csv", "5", text("5"), Some("\"5\"")),
        ("csv", "\"5\"", literal("5"), Some("5")),
        ("csv", "5", literal("5"), None),
        ("csv", "a", text(" b"), Some("\" b\"")),
        ("tsv", "a", text("b\""), Some("\"b\"\"\"")),
        ("yaml", "a", text("b"), Some("b")),
        ("yaml", "a", text("+41"), Some("\"+41\"")),
        ("yaml", "a", text("no"), Some("\"no\"")),
        ("yaml", "a", text("b: c"), Some("\"b: c\"")),
        ("yaml", "a", text("b, c"), Some("\"b, c\"")),
        ("yaml", "'a'", text("it's"), Some("'it''s'")),
        ("yaml", "'a'", text("b\nc"), Some("\"b\\nc\"")),
        ("yaml", "\"a\"", text("b"), Some("\"b\"")),
        ("yaml", "'5'", literal("5"), Some("5")),
        ("yaml", "|\n  a\n", text("a"), Some("|-\n  a\n")),
        ("yaml", ">2+ # why\r\n  a\r\n  b\r\n", text("a b"), Some(">2- # why\r\n  a\r\n  b\r\n")),
        ("yaml", "|\n   a \n\n   b\n", text("a\n\nc"), Some("|-\n   a\n\n   c")),
        ("yaml", ">\n  a\n  b\n", text("a c"), Some(">-\n  a c")),
        ("yaml", "|\n  a\n", text("a\u{1}"), Some("\"a\\x01\"")),
        ("toml", "a", text("b"), Some("\"b\"")),
        ("toml", "'a'", text("b\\c"), Some("'b\\c'")),
        ("toml", "'a'", text("it's\u{7f}"), Some("\"it's\\u007F\"")),
        ("toml", "\"5\"", literal("5"), Some("5")),
        ("toml", "\"\"\"\n a\nb \"\"\"", text("a\nb"), Some("\"\"\"\na\nb\"\"\"")),
        ("toml", "''' a'''", text("a"), Some("\"a\"")),
        ("toml", "\"\"", literal("null"), None),
        ("handbook", "a", text("b \"c\""), Some("b \"c\"")),
        ("handbook", "a", text("b\nc"), None),
        ("handbook", "a", literal("5"), None),
    ] {
        let source = Source::whole("a", written);
        let found = scalar(Format::by_name(format), &source, Span::new(0, source.len()), &new).map(|spelled| spelled.text);
        assert_eq!(found.as_deref(), expected, "{format}: {written:?} to {new:?}");
    }
}

// The text with the edit made to what stands between the marks.
fn edited(format: &str, marked: &str, edit: impl FnOnce(Span) -> Edit) -> Option<String> {
    let (start, end) = (marked.find('⟦').expect("a mark") as u32, marked.find('⟧').expect("a mark") as u32 - 3);
    let source = Arc::new(Source::whole("a", marked.replace(['⟦', '⟧'], "")));
    let rule = &chancery_core::diagnostic::rules::SYNTAX;
    let mut diagnostic = Diagnostic::new(rule, &source, Span::at(0), "").with_edit(Safety::Safe, vec![edit(Span::new(start, end))]);
    resolve(&mut diagnostic, Format::by_name(format));
    let mut text = source.text().to_owned();
    for edit in diagnostic.fix?.edits.iter().rev() {
        text.replace_range(edit.span.range(), &edit.text);
    }
    Some(text)
}

#[test]
fn xml_has_text_attributes_and_cdata() {
    let set = |marked: &str, text: &str| edited("xml", marked, |span| Edit::scalar(span, Scalar::Text(text.to_owned())));
    for (marked, text, expected) in [
        ("<a>⟦x⟧</a>", "<b> & \"c\"", Some("<a>&lt;b&gt; &amp; \"c\"</a>")),
        ("<a> ⟦5⟧ </a>", "6", Some("<a> 6 </a>")),
        ("<a b='⟦x⟧'/>", "it's \"so\"\n", Some("<a b='it&apos;s \"so\"&#10;'/>")),
        ("<a b=\"⟦x⟧\"/>", "it's \"so\"", Some("<a b=\"it's &quot;so&quot;\"/>")),
        ("<a><![CDATA[⟦<x>⟧]]></a>", "<b> & c", Some("<a><![CDATA[<b> & c]]></a>")),
        ("<a><![CDATA[⟦x⟧]]></a>", "]]>", None),
        ("<a>⟦x<!-- why -->y⟧</a>", "z", None),
        ("<a>⟦x<![CDATA[y⟧]]></a>", "z", None),
        ("<a>⟦x⟧</a>", "\u{1}", None),
        ("<a c:type='number'>⟦5⟧</a>", "5", None),
        ("<a>⟦x⟧</a>", "\\u0041", None),
        ("⟦<a/>⟧", "x", None),
    ] {
        assert_eq!(set(marked, text).as_deref(), expected, "{marked}");
    }
}

#[test]
fn names_change_wherever_they_stand() {
    for (format, marked, name, expected) in [
        ("json", r#"{⟦"nmae"⟧: 1}"#, "name", Some(r#"{"name": 1}"#)),
        ("yaml", "⟦nmae⟧: 1", "name", Some("name: 1")),
        ("yaml", "⟦'nmae'⟧: 1", "no", Some("'no': 1")),
        ("toml", "⟦nmae⟧ = 1", "name", Some("name = 1")),
        ("toml", "⟦nmae⟧ = 1", "a b", Some("\"a b\" = 1")),
        ("xml", "<r><⟦nmae⟧ x='1'><nmae/></nmae ></r>", "name", Some("<r><name x='1'><nmae/></name ></r>")),
        ("xml", "<r ⟦nmae⟧='a'/>", "name", Some("<r name='a'/>")),
        ("xml", "<r><⟦nmae⟧/></r>", "a b", None),
        ("csv", "id,⟦nmae⟧\n", "name", Some("id,name\n")),
        ("csv", "id,⟦\"at/nmae\"⟧\n", "name", Some("id,\"at/name\"\n")),
        ("csv", "id,⟦nmae⟧\n", "a.b", Some("id,a.b\n")),
        ("csv", "id,⟦at/nmae⟧\n", "a.b", None),
        ("csv", "id,⟦nmae⟧\n", "_record", None),
        ("handbook", "⟦Nmae⟧: a", "name", None),
    ] {
        assert_eq!(edited(format, marked, |span| Edit::name(span, name)).as_deref(), expected, "{marked}");
    }
}

// Adds `more: x` after the member whose name and value are marked, in an object that opens at the first byte.
fn added(format: &str, marked: &str, scalar: Scalar) -> Option<String> {
    let (key, value) = marked.split_once('|').expect("two marks");
    let offset = |text: &str, mark: char| text.find(mark).expect("a mark") as u32;
    let (start, end) = (offset(key, '⟦'), offset(key, '⟧') - 3);
    let base = key.len() as u32 - 6;
    let value_span = Span::new(base + offset(value, '⟦'), base + offset(value, '⟧') - 3);
    let source = Arc::new(Source::whole("a", format!("{key}{value}").replace(['⟦', '⟧'], "")));
    let opening = source.text().find(['{', '[']).map_or(Span::at(0), |at| Span::new(at as u32, at as u32 + 1));
    let member = Member {
        object: String::new(),
        opening,
        key: Span::new(start, end),
        value: value_span,
        name: "more".to_owned(),
        scalar,
        optional: false,
    };
    let rule = &chancery_core::diagnostic::rules::SYNTAX;
    let mut diagnostic = Diagnostic::new(rule, &source, Span::at(0), "").with_edit(Safety::Safe, vec![Edit::member(member)]);
    resolve(&mut diagnostic, Format::by_name(format));
    let mut text = source.text().to_owned();
    for edit in &diagnostic.fix?.edits {
        text.replace_range(edit.span.range(), &edit.text);
    }
    Some(text)
}

#[test]
fn members_are_added_in_the_manner_of_the_one_before() {
    for (format, marked, expected) in [
        ("json", "{⟦\"a\"⟧|:⟦1⟧,\"z\":2}", Some("{\"a\":1,\"more\":\"x\",\"z\":2}")),
        ("json", "{⟦\"a\"⟧|: ⟦1⟧}", Some("{\"a\": 1, \"more\": \"x\"}")),
        ("json", "{\r\n\t⟦\"a\"⟧| :\t⟦1⟧\r\n}", Some("{\r\n\t\"a\" :\t1,\r\n\t\"more\" :\t\"x\"\r\n}")),
        ("yaml", "- ⟦a⟧|: ⟦b⟧ # why\n  z: 1\n", Some("- a: b # why\n  more: x\n  z: 1\n")),
        ("yaml", "  ⟦a⟧|: ⟦'b'⟧", Some("  a: 'b'\n  more: 'x'")),
        ("yaml", "{⟦a⟧|: ⟦b⟧ } # why", Some("{a: b, more: x } # why")),
        ("yaml", "r: 1\r\n⟦a⟧|: ⟦b⟧", Some("r: 1\r\na: b\r\nmore: x")),
        ("yaml", "? ⟦a⟧|\n: ⟦b⟧", None),
        ("yaml", "&x ⟦a⟧|: ⟦b⟧", None),
        ("toml", "  ⟦a⟧| = ⟦\"b\"⟧ # why\n", Some("  a = \"b\" # why\n  more = \"x\"\n")),
        ("toml", "{ ⟦a⟧| = ⟦\"b\"⟧ }", Some("{ a = \"b\", more = \"x\" }")),
        ("toml", "t.⟦a⟧| = ⟦\"b\"⟧\n", None),
        ("xml", "<r>\n  <⟦a⟧|>⟦b⟧</a>\n</r>", Some("<r>\n  <a>b</a>\n  <more>x</more>\n</r>")),
        ("xml", "<r ⟦a⟧|='⟦b⟧'/>", Some("<r a='b' more='x'/>")),
        ("handbook", "⟦a⟧|: ⟦b⟧", None),
    ] {
        assert_eq!(added(format, marked, Scalar::Text("x".to_owned())).as_deref(), expected, "{marked}");
    }
}
