//! Lint of schema files: finds documents that are not schemas, misspelt keywords and formats, keywords of another draft,
//! operands of annotations that have the wrong form, and schemas that cannot reject anything.
//!
//! Only places that hold a subschema are looked at. Names of properties and definitions, and the contents of `const`, `enum`,
//! `default` and `examples` are data. Keywords that resemble none of ours belong to other tools and are left alone.

use std::collections::HashMap;

use jsonschema::Draft;

use super::registry::{At, SchemaRegistry};
use super::ways::Graph;
use super::{Schema, Types};
use chancery_core::diagnostic::{Diagnostic, Rule, quote, rules};
use chancery_core::tree::{Kind, Member, Node};

/// What the value of a keyword looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// An object or a boolean.
    Schema,
    /// A list of schemas that is not empty.
    Schemas,
    /// A schema or a list of schemas.
    Items,
    /// An object whose members are schemas.
    Map,
    /// An object whose members are schemas or lists.
    Dependencies,
    /// The name of a type or a list of them.
    Type,
    /// A list.
    List,
    /// A list of strings.
    Names,
    Text,
    Number,
    Flag,
    /// A number, or a boolean in draft 4.
    Bound,
    Any,
}

/// Drafts 4, 6, 7, 2019-09 and 2020-12 are 4, 6, 7, 8 and 9 here.
type Age = u8;

/// A keyword, the form of its value, the first and the last draft that has it, and whether a document that has it is a schema.
struct Keyword {
    name: &'static str,
    form: Form,
    drafts: (Age, Age),
    is_distinctive: bool,
}

const fn keyword(name: &'static str, form: Form, first: Age, last: Age) -> Keyword {
    Keyword { name, form, drafts: (first, last), is_distinctive: true }
}

const fn detail(name: &'static str, form: Form) -> Keyword {
    Keyword { name, form, drafts: (4, 9), is_distinctive: false }
}

const KEYWORDS: &[Keyword] = &[
    keyword("$ref", Form::Text, 4, 9),
    keyword("$dynamicRef", Form::Text, 9, 9),
    keyword("$recursiveRef", Form::Text, 8, 8),
    keyword("$defs", Form::Map, 4, 9),
    keyword("definitions", Form::Map, 4, 9),
    keyword("type", Form::Type, 4, 9),
    keyword("enum", Form::List, 4, 9),
    keyword("const", Form::Any, 6, 9),
    keyword("allOf", Form::Schemas, 4, 9),
    keyword("anyOf", Form::Schemas, 4, 9),
    keyword("oneOf", Form::Schemas, 4, 9),
    keyword("not", Form::Schema, 4, 9),
    keyword("if", Form::Schema, 7, 9),
    keyword("then", Form::Schema, 7, 9),
    keyword("else", Form::Schema, 7, 9),
    keyword("properties", Form::Map, 4, 9),
    keyword("patternProperties", Form::Map, 4, 9),
    keyword("additionalProperties", Form::Schema, 4, 9),
    keyword("unevaluatedProperties", Form::Schema, 8, 9),
    keyword("propertyNames", Form::Schema, 6, 9),
    keyword("required", Form::Names, 4, 9),
    keyword("dependentRequired", Form::Dependencies, 8, 9),
    keyword("dependentSchemas", Form::Map, 8, 9),
    keyword("dependencies", Form::Dependencies, 4, 7),
    keyword("items", Form::Items, 4, 9),
    keyword("prefixItems", Form::Schemas, 9, 9),
    keyword("additionalItems", Form::Schema, 4, 8),
    keyword("unevaluatedItems", Form::Schema, 8, 9),
    keyword("contains", Form::Schema, 6, 9),
    Keyword { drafts: (8, 9), ..detail("maxContains", Form::Number) },
    Keyword { drafts: (8, 9), ..detail("minContains", Form::Number) },
    detail("minProperties", Form::Number),
    detail("maxProperties", Form::Number),
    detail("minItems", Form::Number),
    detail("maxItems", Form::Number),
    detail("uniqueItems", Form::Flag),
    detail("minLength", Form::Number),
    detail("maxLength", Form::Number),
    detail("pattern", Form::Text),
    detail("format", Form::Text),
    detail("minimum", Form::Number),
    detail("maximum", Form::Number),
    detail("exclusiveMinimum", Form::Bound),
    detail("exclusiveMaximum", Form::Bound),
    detail("multipleOf", Form::Number),
    detail("contentEncoding", Form::Text),
    detail("contentMediaType", Form::Text),
    detail("contentSchema", Form::Schema),
    detail("title", Form::Text),
    detail("description", Form::Text),
    detail("default", Form::Any),
    detail("examples", Form::List),
    detail("deprecated", Form::Flag),
    detail("readOnly", Form::Flag),
    detail("writeOnly", Form::Flag),
    detail("$schema", Form::Text),
    detail("$id", Form::Text),
    detail("$anchor", Form::Text),
    detail("$comment", Form::Text),
    detail("$vocabulary", Form::Any),
    Keyword { drafts: (9, 9), ..detail("$dynamicAnchor", Form::Text) },
    Keyword { drafts: (8, 8), ..detail("$recursiveAnchor", Form::Flag) },
    detail("errorMessage", Form::Any),
    detail("x-record-name", Form::Any),
    detail("x-key", Form::Any),
    detail("x-references", Form::Any),
    detail("x-item-name", Form::Any),
    detail("x-sensitive", Form::Any),
    detail("x-normalise", Form::Any),
    detail("x-check", Form::Any),
];

/// Keywords of drafts before 4, which no supported draft has.
const ANCIENT: &[(&str, &str)] =
    &[("divisibleBy", "write multipleOf"), ("disallow", "write not with type"), ("extends", "write allOf with $ref")];

/// Keywords of other tools that resemble one of ours.
const FOREIGN: &[&str] = &["example", "descriptions", "titles", "patterns", "formats", "deprecation", "note", "notes", "x-keyword"];

const TYPES: &[&str] = &["null", "boolean", "object", "array", "number", "string", "integer"];

/// Formats of JSON Schema, then those of `OpenAPI` and others that are no mistakes.
const FORMATS: &[&str] = &[
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];
const OTHER_FORMATS: &[&str] = &[
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double", "byte", "binary", "password", "color",
    "phone", "style", "urn", "times",
];

/// The finding for a document that is not a schema.
pub fn refuse(registry: &SchemaRegistry, document: usize) -> Option<Diagnostic> {
    let root = registry.node(registry.root(document));
    let (what, help) = what_else(registry, root)?;
    let message = format!("expected a JSON Schema, found {what}");
    let finding = Diagnostic::new(&rules::NOT_A_SCHEMA, root.tree().source(), root.opening(), message).at("");
    Some(finding.help(help))
}

// What a document is that is not a schema, and what to do.
fn what_else(registry: &SchemaRegistry, root: Node<'_>) -> Option<(String, &'static str)> {
    const DATA: &str = "name the schema with --schema, and the data as an input; or read without a schema: --schema none";
    match root.kind() {
        Kind::Bool => return None,
        Kind::Object => {}
        kind => return Some((format!("{} {}", if kind == Kind::Array { "an" } else { "a" }, kind.word()), DATA)),
    }
    let kind_of = |name: &str| root.get(name).map(Node::kind);
    let declared = root.get("$schema").filter(|name| name.kind() == Kind::String);
    if let Some(name) = declared {
        // One that is not available is a draft that is not supported.
        if Draft::from_schema_uri(name.text()) != Draft::Unknown || !registry.has(name.text()) {
            return None;
        }
    }
    let extract = "write the schema of the records to a file of its own, and name that with --schema";
    if kind_of("openapi") == Some(Kind::String) || kind_of("swagger") == Some(Kind::String) {
        return Some(("an OpenAPI document".to_owned(), extract));
    }
    if kind_of("asyncapi") == Some(Kind::String) {
        return Some(("an AsyncAPI document".to_owned(), extract));
    }
    if root.members().any(|member| !member.is_shadowed() && is_distinctive_member(member)) {
        return None;
    }
    let has_list = |name: &str| kind_of(name) == Some(Kind::Array);
    let of_objects = |name: &str| root.get(name).is_some_and(|list| list.items().all(|item| item.kind() == Kind::Object));
    if has_list("resources") && of_objects("resources") {
        return Some(("a data package".to_owned(), "name a JSON Schema with --schema, and the data package as an input"));
    }
    if has_list("fields") && of_objects("fields") {
        let avro = root.get("type").is_some_and(|kind| kind.text() == "record");
        let what = if avro { "an Avro schema" } else { "a table schema of a data package" };
        return Some((what.to_owned(), "write a JSON Schema for the records, and name that with --schema"));
    }
    if root.get("@context").is_some() {
        return Some(("a JSON-LD or CSVW document".to_owned(), DATA));
    }
    if has_list("sources") || (kind_of("paths") == Some(Kind::Array) && kind_of("schema") == Some(Kind::String)) {
        return Some(("a config".to_owned(), "name it with --config, and the schema with --schema"));
    }
    let unknown: Vec<Member<'_>> = root.members().filter(|member| !member.is_shadowed() && is_unknown(*member)).collect();
    let misspelt =
        unknown.iter().filter(|member| misspelt(member.key.text(), member.value).is_some_and(|known| known.is_distinctive)).count();
    if unknown.is_empty() || 2 * misspelt >= unknown.len() {
        return None;
    }
    let names: Vec<String> = unknown.iter().take(3).map(|member| quote(member.key.text(), true)).collect();
    Some((format!("data: {} {} no keyword of JSON Schema", names.join(", "), if names.len() == 1 { "is" } else { "are" }), DATA))
}

fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|known| known.name == name)
}

fn is_distinctive_member(member: Member<'_>) -> bool {
    find(member.key.text()).is_some_and(|known| known.is_distinctive && known.form.fits(member.value))
}

// Whether a member belongs to neither JSON Schema nor another tool.
fn is_unknown(member: Member<'_>) -> bool {
    let name = member.key.text();
    !name.starts_with("x-") && !name.starts_with('$') && find(name).is_none_or(|known| !known.form.fits(member.value))
}

impl Form {
    fn fits(self, value: Node<'_>) -> bool {
        let kind = value.kind();
        let is_schema = |value: Node<'_>| matches!(value.kind(), Kind::Object | Kind::Bool);
        match self {
            Self::Schema | Self::Items => is_schema(value),
            Self::Schemas => kind == Kind::Array && !value.is_empty() && value.items().all(is_schema),
            Self::Map => kind == Kind::Object && value.members().all(|member| is_schema(member.value)),
            Self::Dependencies => {
                kind == Kind::Object && value.members().all(|member| is_schema(member.value) || member.value.kind() == Kind::Array)
            }
            Self::Type => {
                let is_type = |value: Node<'_>| value.kind() == Kind::String && nearest(value.text(), TYPES.iter().copied(), 1).is_some();
                is_type(value) || (kind == Kind::Array && !value.is_empty() && value.items().all(is_type))
            }
            Self::List => kind == Kind::Array,
            Self::Names => kind == Kind::Array && value.items().all(|item| item.kind() == Kind::String),
            Self::Text => kind == Kind::String,
            Self::Number => kind == Kind::Number,
            Self::Flag => kind == Kind::Bool,
            Self::Bound => matches!(kind, Kind::Number | Kind::Bool),
            Self::Any => true,
        }
    }
}

// The keyword that a name most likely stands for, of those whose value has that form.
fn misspelt(name: &str, value: Node<'_>) -> Option<&'static Keyword> {
    if find(name).is_some() || FOREIGN.contains(&name) || ANCIENT.iter().any(|(known, _)| *known == name) || name == "id" {
        return None;
    }
    let fitting = KEYWORDS.iter().filter(|known| known.form.fits(value)).map(|known| known.name);
    nearest(name, fitting, 4).and_then(find)
}

// The known word that differs from the given one in case and separators only, or in one letter, or in two of a long word.
// Shorter words than `least` have to be the same except for the case.
fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>, least: usize) -> Option<&'k str> {
    const LONGEST: usize = 40;
    let plain = |word: &str| -> Vec<char> { word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect() };
    if word.len() > LONGEST {
        return None;
    }
    let wanted = plain(word);
    let within = if wanted.len() < least { 0 } else { 1 + usize::from(wanted.len() > 7) };
    let distances = known.filter_map(|known| {
        let letters = plain(known);
        // "property" for "properties".
        let singular = letters.strip_suffix(&['i', 'e', 's']).is_some_and(|stem| wanted.strip_suffix(&['y']) == Some(stem));
        let distance = if singular { 1 } else { distance(&wanted, &letters) };
        (distance <= within && 2 * distance < letters.len()).then_some((distance, known))
    });
    distances.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

// How many letters have to be inserted, removed, replaced or swapped.
fn distance(left: &[char], right: &[char]) -> usize {
    const FAR: usize = usize::MAX;
    if left.len().abs_diff(right.len()) > 2 {
        return FAR;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != other);
            let mut fewest = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && left[row - 1] == *other && *letter == right[column - 1] {
                fewest = fewest.min(before[column - 1] + 1);
            }
            next.push(fewest);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[right.len()]
}

fn age(draft: Draft) -> Option<Age> {
    match draft {
        Draft::Draft4 => Some(4),
        Draft::Draft6 => Some(6),
        Draft::Draft7 => Some(7),
        Draft::Draft201909 => Some(8),
        Draft::Draft202012 => Some(9),
        _ => None,
    }
}

fn draft_name(age: Age) -> &'static str {
    match age {
        4 => "draft 4",
        6 => "draft 6",
        7 => "draft 7",
        8 => "draft 2019-09",
        _ => "draft 2020-12",
    }
}

fn at_key(rule: &'static Rule, member: Member<'_>, message: String) -> Diagnostic {
    Diagnostic::new(rule, member.key.tree().source(), member.key.span(), message).schema_at(member.value.pointer())
}

/// What is doubtful in a schema that can be used.
pub fn warnings(schema: &Schema) -> Vec<Diagnostic> {
    let registry = schema.registry();
    let mut found = Vec::new();
    // A name stands for the same keyword wherever its values have the same form.
    let mut known: HashMap<(&str, Kind), Option<&'static Keyword>> = HashMap::new();
    for (at, draft) in registry.subschemas() {
        for member in registry.node(at).members().filter(|member| !member.is_shadowed()) {
            let (name, value) = (member.key.text(), member.value);
            match find(name) {
                Some(keyword) => other_draft(keyword, member, age(draft), &mut found),
                None => {
                    if let Some((_, help)) = ANCIENT.iter().find(|(known, _)| *known == name) {
                        let message = format!("keyword {} has no meaning since draft 4", quote(name, true));
                        found.push(at_key(&rules::OTHER_DRAFT, member, message).help(*help));
                    } else if let Some(keyword) = *known.entry((name, value.kind())).or_insert_with(|| misspelt(name, value)) {
                        let message = format!("expected keyword {:?}, found {}, which has no effect", keyword.name, quote(name, true));
                        found.push(at_key(&rules::MISSPELT_KEYWORD, member, message).help("correct the name of the keyword"));
                    }
                }
            }
            if name == "format" && value.kind() == Kind::String {
                found.extend(format(value));
            }
        }
    }
    found.extend(never_rejects(schema));
    found
}

fn other_draft(keyword: &Keyword, member: Member<'_>, age: Option<Age>, found: &mut Vec<Diagnostic>) {
    let (first, last) = keyword.drafts;
    let Some(age) = age.filter(|age| *age < first || *age > last) else { return };
    let since = if age < first { format!("comes with {}", draft_name(first)) } else { format!("ends with {}", draft_name(last)) };
    let name = quote(keyword.name, true);
    let message = format!("keyword {name} {since}, and the schema is of {}", draft_name(age));
    let help = match keyword.name {
        "dependencies" => "write dependentRequired for lists of names, and dependentSchemas for schemas",
        "additionalItems" => "write items for the items behind prefixItems",
        "$recursiveRef" => "write $dynamicRef",
        "$recursiveAnchor" => "write $dynamicAnchor",
        _ => "name the draft that has it with $schema, or write it in keywords of this one",
    };
    found.push(at_key(&rules::OTHER_DRAFT, member, message).help(help));
}

fn format(value: Node<'_>) -> Option<Diagnostic> {
    let name = value.text();
    if FORMATS.contains(&name) || OTHER_FORMATS.contains(&name) {
        return None;
    }
    let nearest = nearest(name, FORMATS.iter().copied(), 3)?;
    let message = format!("expected format {nearest:?}, found {}, which is not checked", quote(name, true));
    let finding = Diagnostic::new(&rules::MISSPELT_FORMAT, value.tree().source(), value.span(), message).schema_at(value.pointer());
    Some(finding.help("correct the name of the format"))
}

// Whether a subschema demands nothing by itself.
fn is_idle(node: Node<'_>) -> bool {
    const CAN_REJECT: &[&str] = &[
        "type",
        "enum",
        "const",
        "not",
        "oneOf",
        "required",
        "dependentRequired",
        "contains",
        "format",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "contentEncoding",
        "contentMediaType",
        "deprecated",
        "x-key",
        "x-references",
        "x-normalise",
        "x-check",
    ];
    match node.kind() {
        Kind::Bool => node.text() == "true",
        // Required names of `dependencies`.
        Kind::Array => false,
        _ => {
            let lists = |member: Member<'_>| member.value.kind() == Kind::Array && !member.value.is_empty();
            let of_names = node.get("dependencies").is_some_and(|list| list.members().any(lists));
            let closing = ["additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "items"];
            let is_closed =
                closing.iter().any(|name| node.get(name).is_some_and(|value| value.kind() == Kind::Bool && value.text() == "false"));
            !of_names && !is_closed && !CAN_REJECT.iter().any(|name| node.get(name).is_some())
        }
    }
}

fn never_rejects(schema: &Schema) -> Option<Diagnostic> {
    let registry = schema.registry();
    let root = schema.root_at();
    // A reference that is not followed leads to a metaschema, which rejects things.
    let refers_out = |at: At| {
        let references = ["$ref", "$dynamicRef", "$recursiveRef"].into_iter().filter_map(|name| registry.node(at).get(name));
        references.into_iter().any(|text| registry.resolve(at, text.text()).is_none())
    };
    if Graph::of(registry, root).subschemas().any(|at| !is_idle(registry.node(at)) || refers_out(at)) {
        return None;
    }
    let node = registry.node(root);
    let finding =
        Diagnostic::new(&rules::REJECTS_NOTHING, node.tree().source(), node.opening(), "schema accepts every value").schema_at("");
    Some(finding.help("state what records have to be, with keywords such as \"type\", \"properties\" and \"required\""))
}

/// What only someone who works on the schema wants to know.
pub fn diagnostics(schema: &Schema) -> Vec<Diagnostic> {
    let registry = schema.registry();
    let root = registry.node(schema.root_at());
    let mut found = Vec::new();
    if root.kind() == Kind::Object && root.get("$schema").is_none() {
        let finding = Diagnostic::new(&rules::NO_DRAFT, root.tree().source(), root.opening(), "schema does not name its draft");
        found.push(finding.schema_at("").help("add \"$schema\": \"https://json-schema.org/draft/2020-12/schema\""));
    }
    for (at, _) in registry.subschemas() {
        let node = registry.node(at);
        let outer = types(registry, at, false);
        for member in node.members().filter(|member| matches!(member.key.text(), "anyOf" | "oneOf")) {
            for branch in member.value.items() {
                if types(registry, SchemaRegistry::relative_to(at, branch), true).and(outer) == Types::NONE {
                    let message = format!("branch of {} never matches: no type of a value fits it", member.key.text());
                    let finding = Diagnostic::new(&rules::DEAD_BRANCH, branch.tree().source(), branch.opening(), message);
                    found.push(finding.schema_at(branch.pointer()).help("correct its \"type\", or remove the branch"));
                }
            }
        }
    }
    found
}

// The types of values that a subschema may accept, by its own keywords and those of what it refers to.
fn types(registry: &SchemaRegistry, mut at: At, follow: bool) -> Types {
    const HOPS: usize = 8;
    let mut types = Types::ANY;
    for _ in 0..HOPS {
        let node = registry.node(at);
        match node.kind() {
            Kind::Bool if node.text() == "false" => return Types::NONE,
            Kind::Object => {}
            _ => return types,
        }
        let reference = node.get("$ref").filter(|text| text.kind() == Kind::String);
        if reference.is_none() || !registry.only_ref(at) {
            types = types.and(own_types(node));
        }
        let Some(target) = reference.filter(|_| follow).and_then(|text| registry.resolve(at, text.text())) else { return types };
        at = target;
    }
    types
}

fn own_types(node: Node<'_>) -> Types {
    let union = |nodes: &mut dyn Iterator<Item = Types>| nodes.fold(Types::NONE, Types::or);
    let named = |name: Node<'_>| Types::named(name.text()).unwrap_or(Types::ANY);
    let named = match node.get("type") {
        Some(list) if list.kind() == Kind::Array => union(&mut list.items().map(named)),
        Some(name) => named(name),
        None => Types::ANY,
    };
    let of = |value: Node<'_>| Types::of(value.kind());
    let listed = match (node.get("const"), node.get("enum")) {
        (Some(value), _) => of(value),
        (None, Some(list)) if list.kind() == Kind::Array => union(&mut list.items().map(of)),
        _ => Types::ANY,
    };
    named.and(listed)
}

/// The form of an operand of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    /// The name of a member.
    Name,
    /// Names of members.
    Names,
    Pointer,
    Pointers,
    /// The order of day, month and year in a date of digits.
    DateOrder,
}

/// The operands of a pass or a check: name, form, and whether it is needed.
type Operands = &'static [(&'static str, Operand, bool)];

const PASSES: &[(&str, Operands)] = &[
    ("text", &[]),
    ("telephone", &[("printed", Operand::Name, false), ("extension", Operand::Name, false)]),
    ("url", &[("printed", Operand::Name, false)]),
    ("email", &[]),
    ("date", &[("order", Operand::DateOrder, false)]),
    ("country", &[("from", Operand::Name, false)]),
    ("enum", &[]),
    ("order", &[]),
];

const CHECKS: &[(&str, Operands)] = &[
    ("date", &[]),
    ("period", &[("start", Operand::Name, true), ("end", Operand::Name, true)]),
    ("country", &[("name", Operand::Name, false)]),
    ("telephone", &[]),
    ("entry", &[("of", Operand::Pointer, true), ("key", Operand::Name, true)]),
    ("distinct", &[("by", Operand::Names, true)]),
    ("other-body", &[("by", Operand::Names, true)]),
    ("mission", &[("mission", Operand::Name, true), ("hosts", Operand::Name, true), ("start", Operand::Name, true)]),
    ("acronym", &[("of", Operand::Pointers, true)]),
];

impl Operand {
    fn fits(self, value: Node<'_>) -> bool {
        let is_name = |value: Node<'_>| value.kind() == Kind::String && !value.text().is_empty() && !value.text().starts_with('/');
        let is_pointer = |value: Node<'_>| value.kind() == Kind::String && value.text().starts_with('/');
        let all =
            |fits: &dyn Fn(Node<'_>) -> bool| fits(value) || (value.kind() == Kind::Array && !value.is_empty() && value.items().all(fits));
        match self {
            Self::Name => is_name(value),
            Self::Names => all(&is_name),
            Self::Pointer => is_pointer(value),
            Self::Pointers => all(&is_pointer),
            Self::DateOrder => value.kind() == Kind::String && matches!(value.text(), "dmy" | "mdy" | "ymd"),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Name => "the name of a member",
            Self::Names => "the name of a member or a list of names",
            Self::Pointer => "a JSON pointer such as \"/notes\"",
            Self::Pointers => "a JSON pointer or a list of them, such as [\"/name\"]",
            Self::DateOrder => "dmy, mdy or ymd",
        }
    }
}

/// Operands of annotations that have the wrong form, with which nothing would be checked.
pub fn mistakes(schema: &Schema) -> Vec<Diagnostic> {
    let registry = schema.registry();
    let mut found = Vec::new();
    for (at, _) in registry.subschemas() {
        for member in registry.node(at).members().filter(|member| !member.is_shadowed()) {
            let value = member.value;
            let is_word = value.kind() == Kind::String && !value.text().is_empty();
            match member.key.text() {
                name @ ("x-record-name" | "x-item-name") if !is_word => found.push(bad(value, &format!("a name in {name}"))),
                "x-sensitive" if value.kind() != Kind::Bool => found.push(bad(value, "true or false in x-sensitive")),
                // That of the record is checked with the references.
                "x-key" if !Operand::Pointers.fits(value) && at != schema.root_at() => {
                    found.push(bad(value, "a JSON pointer or a list of them in x-key"));
                }
                "x-normalise" => asked(value, "x-normalise", "pass", PASSES, &mut found),
                "x-check" => asked(value, "x-check", "check", CHECKS, &mut found),
                _ => {}
            }
        }
    }
    found
}

fn bad(value: Node<'_>, expected: &str) -> Diagnostic {
    let shown = match value.kind() {
        Kind::String | Kind::Number | Kind::Bool => quote(value.text(), value.kind() == Kind::String),
        kind => kind.word().to_owned(),
    };
    let message = format!("expected {expected}, found {shown}");
    let finding = Diagnostic::new(&rules::BAD_OPERAND, value.tree().source(), value.opening(), message).schema_at(value.pointer());
    finding.help("docs/annotations.md lists the annotations and their operands")
}

fn asked(annotation: Node<'_>, keyword: &str, word: &str, known: &[(&str, Operands)], found: &mut Vec<Diagnostic>) {
    if annotation.kind() == Kind::Array {
        annotation.items().filter(|item| item.kind() != Kind::Array).for_each(|item| asked(item, keyword, word, known, found));
        found.extend(annotation.items().filter(|item| item.kind() == Kind::Array).map(|item| bad(item, &format!("a {word} in {keyword}"))));
        return;
    }
    let name = match annotation.kind() {
        Kind::String => annotation,
        Kind::Object => match annotation.get(word) {
            Some(name) if name.kind() == Kind::String => name,
            Some(name) => return found.push(bad(name, &format!("the name of a {word} in {keyword}"))),
            None => return found.push(bad(annotation, &format!("an object with the member {word:?} in {keyword}"))),
        },
        _ => return found.push(bad(annotation, &format!("the name of a {word} or an object with operands in {keyword}"))),
    };
    // Names that do not exist are C130.
    let Some((name, operands)) = known.iter().find(|(known, _)| *known == name.text()) else { return };
    let given = |operand: &str| if annotation.kind() == Kind::Object { annotation.get(operand) } else { None };
    let lacking: Vec<String> = operands
        .iter()
        .filter(|(operand, _, needed)| *needed && given(operand).is_none())
        .map(|(operand, ..)| format!("{operand:?}"))
        .collect();
    if !lacking.is_empty() {
        let message = format!("{word} {name:?} lacks its operand {}", lacking.join(" and "));
        let finding = Diagnostic::new(&rules::BAD_OPERAND, annotation.tree().source(), annotation.opening(), message);
        found.push(finding.schema_at(annotation.pointer()).help("docs/annotations.md lists the annotations and their operands"));
    }
    for (operand, form, _) in *operands {
        match given(operand) {
            Some(value) if form.fits(value) => {}
            Some(value) => found.push(bad(value, &format!("{} as operand {operand:?} of {word} {name:?}", form.words()))),
            None => {}
        }
    }
    for member in annotation.members().filter(|member| !member.is_shadowed() && member.key.text() != word) {
        if !operands.iter().any(|(operand, ..)| *operand == member.key.text()) {
            let names: Vec<&str> = operands.iter().map(|(operand, ..)| *operand).collect();
            let support = if names.is_empty() { "no operands".to_owned() } else { format!("only {}", names.join(", ")) };
            let message = format!("{word} {name:?} takes {support}, found {}", quote(member.key.text(), true));
            found.push(at_key(&rules::BAD_OPERAND, member, message).help("docs/annotations.md lists the annotations and their operands"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_have_a_nearest_one() {
        let known = || KEYWORDS.iter().map(|known| known.name);
        for (word, expected) in [
            ("propertys", Some("properties")),
            ("property", Some("properties")),
            ("requierd", Some("required")),
            ("minimun", Some("minimum")),
            ("min_length", Some("minLength")),
            ("MAXLENGTH", Some("maxLength")),
            ("additonalProperties", Some("additionalProperties")),
            ("tpye", Some("type")),
            ("x-refrences", Some("x-references")),
            ("x-normalize", Some("x-normalise")),
            ("tsType", None),
            ("markdownDescription", None),
            ("x-intellij-language-injection", None),
            ("allowTrailingCommas", None),
            ("name", None),
            ("on", None),
        ] {
            assert_eq!(nearest(word, known(), 4), expected, "{word}");
        }
    }
}
