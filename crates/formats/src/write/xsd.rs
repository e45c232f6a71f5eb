//! An XML Schema (XSD 1.0) for valid records as written by [`super::xml`], derived from the shape.
//!
//! It describes the layout: names, order, lists and the types of text. Other constraints are left to the JSON Schema.
//! Markers in chancery's namespace are allowed everywhere and not validated.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Options;
use crate::layout::xml;
use chancery_schema::shape::{Part, Types};

const MARKS: &str = "<xs:anyAttribute namespace=\"urn:chancery:1\" processContents=\"skip\"/>";
const MEMBERS: &str = "<xs:any namespace=\"urn:chancery:1\" processContents=\"skip\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>";
const NUMBER: &str = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?";

/// The schema for documents of records of `options.shape`.
#[must_use]
pub fn schema(options: &Options) -> String {
    let record = options.shape.root();
    let mut types = Definitions { text: String::new(), known: BTreeSet::new(), queue: Vec::new() };
    let of_record = types.refer(record);
    while let Some(part) = types.queue.pop() {
        types.define(part);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n");
    let (root, name) = (xml::root_name(&options.name), xml::record_name(record));
    let _ = writeln!(out, "  <xs:element name=\"{root}\">\n    <xs:complexType>\n      <xs:sequence>");
    let _ = writeln!(out, "        <xs:element name=\"{name}\"{of_record} minOccurs=\"0\" maxOccurs=\"unbounded\"/>");
    let _ = writeln!(out, "      </xs:sequence>\n      {MARKS}\n    </xs:complexType>\n  </xs:element>");
    for (name, pattern) in [("number", NUMBER.to_owned()), ("boolean", "true|false".to_owned()), ("null", String::new())] {
        // `nil` elements are empty, so each has a form that allows nothing as well.
        for (suffix, pattern) in [("", pattern.clone()), ("-or-null", format!("({pattern})?"))] {
            let _ = writeln!(out, "  <xs:simpleType name=\"{name}{suffix}-text\">\n    <xs:restriction base=\"xs:string\">");
            let _ = writeln!(out, "      <xs:pattern value=\"{pattern}\"/>\n    </xs:restriction>\n  </xs:simpleType>");
            simple(&mut out, &format!("{name}{suffix}"), &format!("{name}{suffix}-text"));
        }
    }
    simple(&mut out, "string", "xs:string");
    // Not `xs:anyType`, whose elements are judged where they bear the name of the root.
    out.push_str("  <xs:complexType name=\"any\" mixed=\"true\">\n    <xs:sequence>\n");
    out.push_str("      <xs:any processContents=\"skip\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\n");
    out.push_str("    </xs:sequence>\n    <xs:anyAttribute processContents=\"skip\"/>\n  </xs:complexType>\n");
    out.push_str(&types.text);
    out.push_str("</xs:schema>\n");
    out
}

fn simple(out: &mut String, name: &str, base: &str) {
    let _ = writeln!(
        out,
        "  <xs:complexType name=\"{name}\">\n    <xs:simpleContent>\n      <xs:extension base=\"{base}\">{MARKS}</xs:extension>"
    );
    let _ = writeln!(out, "    </xs:simpleContent>\n  </xs:complexType>");
}

struct Definitions<'s> {
    text: String,
    known: BTreeSet<u32>,
    queue: Vec<Part<'s>>,
}

impl<'s> Definitions<'s> {
    // The type attribute for values of this part.
    fn refer(&mut self, part: Part<'s>) -> String {
        let types = part.types();
        let nullable = if types.allows(Types::NULL) { "-or-null" } else { "" };
        let plain = types.without(Types::NULL);
        let name = if part.is_any() {
            "any".to_owned()
        } else if plain == Types::STRING {
            "string".to_owned()
        } else if plain == Types::NONE {
            "null".to_owned()
        } else if plain == Types::BOOLEAN {
            format!("boolean{nullable}")
        } else if plain.within(Types::NUMBER) {
            format!("number{nullable}")
        } else if plain == Types::OBJECT || plain == Types::ARRAY {
            if self.known.insert(part.id()) {
                self.queue.push(part);
            }
            format!("part-{}", part.id())
        } else if plain.within(Types::STRING.or(Types::NUMBER).or(Types::BOOLEAN)) {
            "string".to_owned()
        } else {
            "any".to_owned()
        };
        format!(" type=\"{name}\"")
    }

    fn define(&mut self, part: Part<'s>) {
        let nullable = part.types().allows(Types::NULL);
        let mut body = String::new();
        if part.types().allows(Types::ARRAY) {
            let item = if part.prefix_len() == 0 { self.refer(part.item(0)) } else { " type=\"any\"".to_owned() };
            let name = xml::item_name(part);
            let _ = writeln!(body, "      <xs:element name=\"{name}\"{item} minOccurs=\"0\" maxOccurs=\"unbounded\"/>");
        } else {
            let mut others = part.is_open();
            for (name, member) in part.members() {
                if !xml::has_element(part, name) {
                    others = true;
                    continue;
                }
                let needed = !nullable && part.required().iter().any(|required| &**required == name);
                let least = if needed { "" } else { " minOccurs=\"0\"" };
                let of = self.refer(member);
                let _ = writeln!(body, "      <xs:element name=\"{name}\"{of}{least}/>");
            }
            if others {
                let _ = writeln!(body, "      {MEMBERS}");
            }
        }
        let id = part.id();
        let _ = write!(
            self.text,
            "  <xs:complexType name=\"part-{id}\">\n    <xs:sequence>\n{body}    </xs:sequence>\n    {MARKS}\n  </xs:complexType>\n"
        );
    }
}
