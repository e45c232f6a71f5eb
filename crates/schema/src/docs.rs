//! Schema documentation in Markdown: a section for each type of object, a row for each member.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use super::{Part, Schema, Shape, Types};
use chancery_core::tree::{Kind, Node};

/// The page.
#[must_use]
pub fn markdown(schema: &Schema) -> String {
    let shape = Shape::of(schema);
    let mut page = Page { names: HashMap::new(), taken: HashSet::new(), waiting: VecDeque::new() };
    let root = shape.root();
    let title = root.title().unwrap_or("Record");
    let mut text = format!("# {}\n", line(title));
    if let Some(description) = root.description() {
        let _ = write!(text, "\n{}\n", line(description));
    }
    // A list of records is described by its items.
    let first = if root.is_list() { root.item(0) } else { root };
    page.name(first, title);
    page.section(first, &mut text);
    while let Some((part, name)) = page.waiting.pop_front() {
        let _ = write!(text, "\n## {name}\n");
        if let Some(description) = part.description() {
            let _ = write!(text, "\n{}\n", line(description));
        }
        page.section(part, &mut text);
    }
    text
}

/// What the schema says of one value, as a few paragraphs.
#[must_use]
pub fn card(name: Option<&str>, part: Part<'_>) -> String {
    let mut text = String::new();
    if let Some(name) = name {
        let _ = write!(text, "**{}**", line(name));
    }
    let title = part.title().filter(|title| name != Some(title));
    if let Some(title) = title {
        let _ = write!(text, "{}{}", if text.is_empty() { "" } else { ": " }, line(title));
    }
    let mut paragraph = |sentence: String| {
        let _ = write!(text, "{}{sentence}", if text.is_empty() { "" } else { "\n\n" });
    };
    if part.is_deprecated() {
        paragraph("*Deprecated.*".to_owned());
    }
    if let Some(description) = part.description() {
        paragraph(line(description));
    }
    if let Some(types) = in_words(part) {
        paragraph(types);
    }
    if let Some(default) = part.default_value() {
        paragraph(format!("Default: `{}`.", code(&shown(default))));
    }
    let examples: Vec<String> = part.examples().take(3).map(|example| format!("`{}`", code(&shown(example)))).collect();
    if !examples.is_empty() {
        paragraph(format!("For example {}.", examples.join(", ")));
    }
    text
}

/// The types of a value in a few words, or what it can be; `None` if anything goes.
#[must_use]
pub fn in_words(part: Part<'_>) -> Option<String> {
    if let Some(choices) = part.choices() {
        return Some(choices.map(|choice| format!("`{}`", code(&shown(choice)))).collect::<Vec<_>>().join(", "));
    }
    if part.is_list() {
        let item = in_words(part.item(part.prefix_len()));
        return Some(item.map_or_else(|| "list".to_owned(), |item| format!("list of {item}")));
    }
    let types = (part.types() != Types::ANY).then(|| part.types().names().join(" or "));
    match (types, part.format().map(line)) {
        (Some(types), Some(format)) => Some(format!("{types}, {format}")),
        (types, format) => types.or(format),
    }
}

struct Page<'s> {
    // Name of the section for each subschema that declares members.
    names: HashMap<String, String>,
    taken: HashSet<String>,
    waiting: VecDeque<(Part<'s>, String)>,
}

impl<'s> Page<'s> {
    // The name of the section about a part, and whether it is new.
    fn name(&mut self, part: Part<'s>, fallback: &str) -> (String, bool) {
        let origin = part.origin().unwrap_or_default();
        if let Some(name) = self.names.get(&origin) {
            return (name.clone(), false);
        }
        let defined = origin.rsplit_once('/').filter(|(folder, _)| matches!(folder.rsplit('/').next(), Some("$defs" | "definitions")));
        let wanted = line(defined.map_or(fallback, |(_, name)| name));
        let mut name = wanted.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted} {number}");
            number += 1;
        }
        self.names.insert(origin, name.clone());
        (name, true)
    }

    fn section(&mut self, part: Part<'s>, text: &mut String) {
        let rows: Vec<_> = part.members().map(|(name, member)| (format!("`{}`", code(name)), member, name)).collect();
        let patterns: Vec<_> =
            part.patterns().map(|(pattern, member)| (format!("names that match `{}`", code(pattern)), member, pattern)).collect();
        if rows.is_empty() && patterns.is_empty() {
            let _ = write!(text, "\n{}.\n", self.sort(part, "value"));
            return;
        }
        text.push_str("\n| member | type | how many | description |\n| --- | --- | --- | --- |\n");
        for (shown, member, name) in rows.into_iter().chain(patterns) {
            let required = part.required().iter().any(|known| &**known == name);
            let _ = writeln!(text, "| {shown} | {} | {} | {} |", self.sort(member, name), often(member, required), documented(member));
        }
        if !part.is_open() {
            text.push_str("\nNo other members.\n");
        }
    }

    // The type in words, with a link where there is a section for it.
    fn sort(&mut self, part: Part<'s>, name: &str) -> String {
        if let Some(choices) = part.choices() {
            return choices.map(|choice| format!("`{}`", code(&shown(choice)))).collect::<Vec<_>>().join(", ");
        }
        if part.is_list() {
            let item = part.item(part.prefix_len());
            return format!("list of {}", self.sort(item, part.item_name().unwrap_or(name)));
        }
        if part.members().next().is_some() {
            let (section, new) = self.name(part, name);
            if new {
                self.waiting.push_back((part, section.clone()));
            }
            return format!("[{section}](#{})", anchor(&section));
        }
        let types = if part.types() == Types::ANY { "any".to_owned() } else { part.types().names().join(" or ") };
        match part.format() {
            Some(format) => format!("{types}, {}", line(format)),
            None => types,
        }
    }
}

impl Part<'_> {
    // Lists, also those that may be null or absent in another way.
    fn is_list(self) -> bool {
        self.types().without(Types::NULL) == Types::ARRAY
    }
}

fn often(part: Part<'_>, required: bool) -> String {
    if !part.is_list() {
        return if required { "1" } else { "0..1" }.to_owned();
    }
    let limit = |name| part.keyword(name).filter(|node| node.kind() == Kind::Number).map(Node::text);
    let least = if required { limit("minItems").unwrap_or("0") } else { "0" };
    format!("{least}..{}", limit("maxItems").unwrap_or("n"))
}

fn documented(part: Part<'_>) -> String {
    let mut sentence = part.description().or(part.title()).map(line).unwrap_or_default();
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    if let Some(example) = part.examples().next() {
        let _ = write!(sentence, "{}Example: `{}`.", if sentence.is_empty() { "" } else { " " }, code(&shown(example)));
    }
    if part.is_deprecated() {
        sentence.insert_str(0, "Deprecated. ");
    }
    sentence.trim_end().to_owned()
}

fn shown(value: Node<'_>) -> String {
    match value.kind() {
        Kind::Array | Kind::Object => super::json_impl::to_value(value).to_string(),
        _ => value.text().to_owned(),
    }
}

// One line of text that breaks no table and is no markup.
fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '|' | '<' | '>' | '[' | ']' | '`' | '*' | '_' | '\\' | '#') {
            line.push('\\');
        }
        line.push(c);
    }
    line
}

// Text between backticks.
fn code(text: &str) -> String {
    text.replace('`', "'").replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

// The anchor that common renderers give to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}
