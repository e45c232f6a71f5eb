//! Widens a schema as little as data require: keywords that reject records are changed where they are, and nothing else.
//!
//! Input: findings of a check against the schema. Output: edits of its text, and what a person has to decide.

use std::collections::{BTreeMap, BTreeSet};

use super::describe::part;
use super::statistics::Statistics;
use chancery_core::diagnostic::{Diagnostic, Severity};
use chancery_core::source::Span;
use chancery_core::tree::number::{self, Decimal};
use chancery_core::tree::{Kind, Member, Node, Tree, json, json_string, pointer};

/// Largest number of values that are added to an enumeration; where more are missing, it is removed.
const MOST_VALUES: usize = 50;

/// What data contradict, by the pointer of the keyword.
#[derive(Debug, Default)]
pub struct Contradictions(BTreeMap<String, Contradiction>);

#[derive(Debug, Default)]
struct Contradiction {
    values: u64,
    types: BTreeSet<&'static str>,
    // The values as JSON, up to one more than the most that are added.
    texts: BTreeSet<String>,
    // Numbers, lengths or counts.
    range: Option<(Decimal, Decimal)>,
    missing: BTreeSet<String>,
    unknown: BTreeMap<String, Statistics>,
    // The first finding by place, so that the same one is shown in every run.
    example: Option<Example>,
}

type Example = (String, u64, String);

/// A keyword that cannot be widened without a decision.
#[derive(Debug)]
pub struct Open {
    /// JSON pointer of the keyword.
    pub pointer: String,
    /// Number of values that it rejects.
    pub values: u64,
    /// Place and message of the first.
    pub example: String,
}

/// Changes of a schema's text.
#[derive(Debug, Default)]
pub struct Edits {
    /// The text of each span, in order and apart from each other.
    pub edits: Vec<(Span, String)>,
    /// What is left.
    pub open: Vec<Open>,
}

impl Contradictions {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a finding about a record; those that are no errors of the schema are ignored.
    pub fn add(&mut self, finding: &Diagnostic, record: Node<'_>, schema: &Tree) {
        let Some(keyword) = finding.schema_pointer.as_deref().filter(|_| finding.severity == Severity::Error) else { return };
        let contradiction = self.0.entry(keyword.to_owned()).or_default();
        contradiction.values += 1;
        let at = finding.place.locate();
        let example =
            (at.file.to_string(), at.start.byte, format!("{}:{}:{}: {}", at.file, at.start.line, at.start.column, finding.message));
        if contradiction.example.as_ref().is_none_or(|known| example < *known) {
            contradiction.example = Some(example);
        }
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        if let Some(value) = record.at(pointer) {
            contradiction.value(keyword, pointer, value, schema);
        }
    }

    /// Adds those of others.
    pub fn join(&mut self, other: Self) {
        for (keyword, others) in other.0 {
            let own = self.0.entry(keyword).or_default();
            own.values += others.values;
            own.types.extend(others.types);
            own.texts.extend(others.texts);
            own.missing.extend(others.missing);
            if let Some((least, most)) = others.range {
                own.widen(least);
                own.widen(most);
            }
            for (name, statistics) in others.unknown {
                own.unknown.entry(name).or_default().join(statistics);
            }
            own.example = match (own.example.take(), others.example) {
                (Some(own), Some(other)) => Some(own.min(other)),
                (own, other) => own.or(other),
            };
        }
    }

    /// The edits that let a schema accept what it rejects.
    #[must_use]
    pub fn edits(&self, schema: &Tree) -> Edits {
        let mut edits = Edits::default();
        for (keyword, contradiction) in &self.0 {
            let found = find(schema.root(), keyword).and_then(|(subschema, member)| contradiction.edit(subschema, member));
            match found {
                Some(found) => edits.edits.extend(found),
                None => edits.open.push(Open {
                    pointer: keyword.clone(),
                    values: contradiction.values,
                    example: contradiction.example.as_ref().map(|(.., text)| text.clone()).unwrap_or_default(),
                }),
            }
        }
        // Two edits of one place are made one after the other, each against the text as it is then.
        edits.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut end = 0;
        edits.edits.retain(|(span, _)| {
            let is_free = span.start >= end;
            end = if is_free { span.end.max(span.start + 1) } else { end };
            is_free
        });
        edits
    }
}

// The keyword's member and the subschema that holds it.
fn find<'t>(root: Node<'t>, keyword: &str) -> Option<(Node<'t>, Member<'t>)> {
    let (subschema, name) = pointer::split_last(keyword)?;
    let subschema = root.at(subschema)?;
    Some((subschema, subschema.member(&name)?))
}

impl Contradiction {
    fn value(&mut self, keyword: &str, at: &str, value: Node<'_>, schema: &Tree) {
        let (_, name) = pointer::split_last(keyword).unwrap_or_default();
        match &*name {
            "type" => {
                self.types.insert(type_of(value));
            }
            "enum" | "const" if self.texts.len() <= MOST_VALUES => {
                let mut text = Vec::new();
                json(value, &mut text);
                self.texts.insert(String::from_utf8_lossy(&text).into_owned());
            }
            "required" => {
                let listed = schema.root().at(keyword);
                let missing = listed.into_iter().flat_map(Node::items).filter(|name| value.get(name.text()).is_none());
                self.missing.extend(missing.map(|name| name.text().to_owned()));
            }
            "additionalProperties" | "unevaluatedProperties" => {
                if let Some((_, name)) = pointer::split_last(at) {
                    self.unknown.entry(name.into_owned()).or_default().add(value);
                }
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                Decimal::parse(value.text()).into_iter().for_each(|number| self.widen(number));
            }
            "minLength" | "maxLength" => self.count(value.text().chars().count()),
            "minItems" | "maxItems" | "minProperties" | "maxProperties" => self.count(value.len()),
            _ => {}
        }
    }

    fn count(&mut self, count: usize) {
        Decimal::parse(&count.to_string()).into_iter().for_each(|count| self.widen(count));
    }

    fn widen(&mut self, number: Decimal) {
        self.range = Some(match self.range.take() {
            None => (number.clone(), number),
            Some((least, most)) => (least.min(number.clone()), most.max(number)),
        });
    }

    // `None` if a person has to decide.
    fn edit(&self, subschema: Node<'_>, keyword: Member<'_>) -> Option<Vec<(Span, String)>> {
        let replaced = |text: String| Some(vec![(keyword.value.span(), text)]);
        let limit = |limit: Option<&Decimal>| limit.map(Decimal::plain).map(|text| (keyword.value.span(), text));
        let (least, most) = self.range.as_ref().map(|(least, most)| (least, most)).unzip();
        match keyword.key.text() {
            "type" => replaced(self.widened_type(keyword.value)?),
            "enum" if self.texts.len() <= MOST_VALUES => {
                let final_item = keyword.value.items().last()?;
                Some(vec![appended_items(keyword.value, final_item, self.texts.iter())])
            }
            "const" => {
                let mut text = vec![b'['];
                json(keyword.value, &mut text);
                let values = self.texts.iter().fold(String::from_utf8_lossy(&text).into_owned(), |list, value| format!("{list}, {value}"));
                Some(vec![renamed(keyword, "enum"), (keyword.value.span(), format!("{values}]"))])
            }
            "required" => self.without_missing(subschema, keyword),
            "additionalProperties" | "unevaluatedProperties" => self.with_members(subschema, keyword),
            "minimum" | "minLength" | "minItems" | "minProperties" => limit(least).map(|edit| vec![edit]),
            "maximum" | "maxLength" | "maxItems" | "maxProperties" => limit(most).map(|edit| vec![edit]),
            "exclusiveMinimum" => Some(vec![renamed(keyword, "minimum"), limit(least)?]),
            "exclusiveMaximum" => Some(vec![renamed(keyword, "maximum"), limit(most)?]),
            // No other value of these accepts what this one rejects and not everything.
            "enum" | "pattern" | "format" | "multipleOf" | "uniqueItems" | "propertyNames" => removal(subschema, keyword),
            _ => None,
        }
    }

    fn widened_type(&self, listed: Node<'_>) -> Option<String> {
        let mut types: Vec<&str> = match listed.kind() {
            Kind::String => vec![listed.text()],
            Kind::Array => listed.items().map(Node::text).collect(),
            _ => return None,
        };
        for kind in &self.types {
            if *kind == "number" {
                types.retain(|known| *known != "integer");
            }
            if !(types.contains(kind) || *kind == "integer" && types.contains(&"number")) {
                types.push(kind);
            }
        }
        Some(match &*types {
            [only] => quoted(only),
            several => format!("[{}]", several.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")),
        })
    }

    fn without_missing(&self, subschema: Node<'_>, keyword: Member<'_>) -> Option<Vec<(Span, String)>> {
        let kept: Vec<String> =
            keyword.value.items().filter(|name| !self.missing.contains(name.text())).map(|name| quoted(name.text())).collect();
        if self.missing.is_empty() {
            return None;
        }
        if kept.is_empty() {
            return removal(subschema, keyword);
        }
        if is_flow(keyword.value) {
            return Some(vec![(keyword.value.span(), format!("[{}]", kept.join(", ")))]);
        }
        // One line for each item.
        let items = keyword.value.items().filter(|name| self.missing.contains(name.text()));
        Some(items.map(|item| (whole_lines(item, item.span()), String::new())).collect())
    }

    fn with_members(&self, subschema: Node<'_>, keyword: Member<'_>) -> Option<Vec<(Span, String)>> {
        if keyword.value.text() != "false" || self.unknown.is_empty() {
            return None;
        }
        let schemas = self.unknown.iter().map(|(name, statistics)| format!("{}: {}", quoted(name), part(statistics).compact()));
        let Some(properties) = subschema.get("properties") else {
            let list = schemas.collect::<Vec<_>>().join(", ");
            return Some(vec![inserted(subschema, keyword.value, &format!("\"properties\": {{ {list} }}"))]);
        };
        let Some(last) = properties.members().last() else {
            return Some(vec![(properties.span(), format!("{{ {} }}", schemas.collect::<Vec<_>>().join(", ")))]);
        };
        let lines: Vec<String> = schemas.collect();
        let edits: Vec<(Span, String)> = lines.iter().map(|line| inserted(properties, last.value, line)).collect();
        Some(vec![(edits.first()?.0, edits.into_iter().map(|(_, text)| text).collect())])
    }
}

fn type_of(value: Node<'_>) -> &'static str {
    match value.kind() {
        Kind::Null => "null",
        Kind::Bool => "boolean",
        Kind::Number if number::is_integer(value.text()) => "integer",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    json_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

// Whether a container is written with brackets, as in JSON, and not by lines, as in YAML.
fn is_flow(container: Node<'_>) -> bool {
    container.written().starts_with(['[', '{'])
}

fn renamed(keyword: Member<'_>, name: &str) -> (Span, String) {
    let is_quoted = keyword.key.written().starts_with(['"', '\'']);
    (keyword.key.span(), if is_quoted { quoted(name) } else { name.to_owned() })
}

// What stands before the first character of a line that begins at a node.
fn indentation(node: Node<'_>) -> String {
    let before = &node.tree().source().text()[..node.span().start as usize];
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

// Adds items behind the last one.
fn appended_items<'s>(list: Node<'_>, final_item: Node<'_>, values: impl Iterator<Item = &'s String>) -> (Span, String) {
    let at = behind_line(list, final_item);
    let indent = indentation(final_item);
    let is_broken = list.written().contains('\n');
    let text = values.map(|value| match (is_flow(list), is_broken) {
        (true, false) => format!(", {value}"),
        (true, true) => format!(",\n{indent}{value}"),
        (false, _) => format!("\n{indent}- {value}"),
    });
    (at, text.collect())
}

// Adds a member behind a value of its object.
fn inserted(object: Node<'_>, last: Node<'_>, member: &str) -> (Span, String) {
    let first = object.members().next().map(|first| first.key);
    let indent = first.map(indentation).unwrap_or_default();
    let is_broken = object.written().contains('\n');
    let text = match (is_flow(object), is_broken) {
        (true, false) => format!(", {member}"),
        (true, true) => format!(",\n{indent}{member}"),
        (false, _) => format!("\n{indent}{member}"),
    };
    (behind_line(object, last), text)
}

// Where something is added behind the last value of a container: behind it, or where parts have lines, behind its line.
fn behind_line(container: Node<'_>, last: Node<'_>) -> Span {
    let end = last.span().end as usize;
    if is_flow(container) {
        return Span::at(last.span().end);
    }
    let text = last.tree().source().text();
    // A value of several lines may end with its last line.
    let end = end - usize::from(text[..end].ends_with('\n'));
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    Span::at(end as u32)
}

// Takes a member away, with the comma or the line that it has.
fn removal(object: Node<'_>, member: Member<'_>) -> Option<Vec<(Span, String)>> {
    let span = Span::new(member.key.span().start, member.value.span().end);
    if !is_flow(object) {
        // An object without lines would be null.
        return (object.len() > 1).then(|| vec![(whole_lines(member.key, span), String::new())]);
    }
    let mut before = None;
    let mut members = object.members();
    while let Some(other) = members.next() {
        if other.key.id() == member.key.id() {
            let span = match (members.next(), before) {
                (Some(next), _) => Span::new(span.start, next.key.span().start),
                (None, Some(end)) => Span::new(end, span.end),
                (None, None) => span,
            };
            return Some(vec![(span, String::new())]);
        }
        before = Some(other.value.span().end);
    }
    None
}

// The lines of a part of a block of YAML, with the line's end; its first line begins with it.
fn whole_lines(node: Node<'_>, span: Span) -> Span {
    let text = node.tree().source().text();
    let start = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let end = span.end as usize - usize::from(text[..span.end as usize].ends_with('\n'));
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Span::new(start as u32, end as u32)
}
