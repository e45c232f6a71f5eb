//! A shape as text or JSON: one line per value, each part expanded at its first occurrence.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Part, Shape, Types};
use chancery_core::diagnostic::quote;

/// What is known of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeEntry {
    /// How deep it lies.
    pub depth: usize,
    /// Its name: a member's name, a pattern of names, or what an item is called.
    pub name: String,
    /// Its path from the record: member names, `*` for any item, a pattern of names in parentheses.
    pub path: String,
    /// Names of its types; none if any type may stand.
    pub types: Vec<&'static str>,
    /// Whether it has to be there.
    pub required: bool,
    /// Its format.
    pub format: Option<String>,
    /// How many values are all that can stand there.
    pub choices: Option<usize>,
    /// The path of the line under which its members are listed, where they are not listed here.
    pub see: Option<String>,
}

/// The lines of a shape, the record first.
#[must_use]
pub fn shape_listing(shape: &Shape) -> Vec<ShapeEntry> {
    let mut outline = ShapeListing { entries: Vec::new(), expanded: HashMap::new() };
    let name = shape.root().title().unwrap_or("record").to_owned();
    outline.add(shape.root(), name, "", 0, true);
    outline.entries
}

/// The lines as text.
#[must_use]
pub fn text(lines: &[ShapeEntry]) -> String {
    let mut text = String::new();
    for line in lines {
        let types = if line.types.is_empty() { "any".to_owned() } else { line.types.join(" or ") };
        let _ = write!(text, "{:indent$}{}: {types}", "", chancery_core::diagnostic::quote(&line.name, false), indent = 2 * line.depth);
        if let Some(format) = &line.format {
            let _ = write!(text, " ({})", quote(format, false));
        }
        if let Some(choices) = line.choices {
            let _ = write!(text, ", {choices} {}", if choices == 1 { "value" } else { "values" });
        }
        if line.required && line.depth > 0 {
            text.push_str(", required");
        }
        if let Some(see) = &line.see {
            let _ = write!(text, ", as {}", if see.is_empty() { "the record" } else { see });
        }
        text.push('\n');
    }
    text
}

/// The lines as JSON.
#[must_use]
pub fn to_json(lines: &[ShapeEntry]) -> Value {
    lines
        .iter()
        .map(|line| {
            json!({
                "path": line.path, "name": line.name, "types": line.types, "required": line.required,
                "format": line.format, "choices": line.choices, "see": line.see,
            })
        })
        .collect()
}

struct ShapeListing {
    entries: Vec<ShapeEntry>,
    // Where each part with something below it is unfolded.
    expanded: HashMap<u32, String>,
}

impl ShapeListing {
    fn add(&mut self, part: Part<'_>, name: String, path: &str, depth: usize, required: bool) {
        // Far deeper than any schema made by hand goes before it repeats itself.
        const DEEPEST: usize = 64;
        let has_items = part.types().allows(Types::ARRAY) && (!part.item(part.prefix_len()).is_any() || part.prefix_len() > 0);
        let below = part.members().next().is_some() || part.patterns().next().is_some() || has_items;
        let see = self.expanded.get(&part.id()).filter(|_| below).cloned();
        let types = if part.types() == Types::ANY { Vec::new() } else { part.types().names() };
        let format = part.format().map(str::to_owned);
        let choices = part.choices().map(Iterator::count);
        let unfold = below && see.is_none() && depth < DEEPEST;
        self.entries.push(ShapeEntry { depth, name, path: path.to_owned(), types, required, format, choices, see });
        if !unfold {
            return;
        }
        self.expanded.insert(part.id(), path.to_owned());
        for (name, member) in part.members() {
            let required = part.required().iter().any(|known| &**known == name);
            self.add(member, name.to_owned(), &format!("{path}/{}", chancery_core::tree::pointer::escape(name)), depth + 1, required);
        }
        for (pattern, member) in part.patterns() {
            self.add(member, format!("({pattern})"), &format!("{path}/({pattern})"), depth + 1, false);
        }
        if has_items {
            for index in 0..part.prefix_len() {
                self.add(part.item(index), index.to_string(), &format!("{path}/{index}"), depth + 1, false);
            }
            let item = part.item(part.prefix_len());
            if item.types() != Types::NONE {
                self.add(item, part.item_name().unwrap_or("item").to_owned(), &format!("{path}/*"), depth + 1, false);
            }
        }
    }
}
