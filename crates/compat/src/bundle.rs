//! A subschema with all that it refers to as one plain document: what the canonical form can be made of.
//!
//! Only what asks something of data is taken along; references lead to definitions of the document itself, whatever file
//! they led to. What depends on the way by which it is reached cannot be taken out of its place.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::schema_view::{Role, SchemaView, SubschemaForm};
use chancery_core::tree::{Kind, Node};
use chancery_schema::json_impl;
use chancery_schema::registry::{At, SchemaRegistry};

/// The document; `None` if it cannot be made.
pub fn document(side: SchemaView<'_>, at: Option<At>) -> Option<Value> {
    let Some(at) = at else { return Some(Value::Bool(true)) };
    let mut packer = Bundler { side, root: at, known: HashMap::new(), waiting: Vec::new() };
    let mut document = packer.copy(at)?;
    let mut definitions = Map::new();
    while let Some((name, target)) = packer.waiting.pop() {
        let copied = packer.copy(target)?;
        definitions.insert(name, copied);
    }
    if !definitions.is_empty() {
        document.as_object_mut()?.insert(packer.word().to_owned(), Value::Object(definitions));
    }
    Some(document)
}

struct Bundler<'s> {
    side: SchemaView<'s>,
    root: At,
    known: HashMap<At, String>,
    waiting: Vec<(String, At)>,
}

impl Bundler<'_> {
    // What definitions are called in the draft.
    fn word(&self) -> &'static str {
        use jsonschema::Draft;
        if matches!(self.side.draft(self.root), Draft::Draft4 | Draft::Draft6 | Draft::Draft7) { "definitions" } else { "$defs" }
    }

    fn copy(&mut self, at: At) -> Option<Value> {
        let node = self.side.node(at);
        if self.side.draft(at) != self.side.draft(self.root) {
            return None;
        }
        match node.kind() {
            Kind::Bool => return Some(Value::Bool(node.text() == "true")),
            Kind::Object => {}
            _ => return None,
        }
        let mut copied = Map::new();
        let mut members: Vec<_> = node.members().filter(|member| !member.is_shadowed()).collect();
        members.sort_by_key(|member| member.key.text());
        for member in members {
            let name = member.key.text();
            let Role::Asserts(holds) = self.side.role(at, name) else { continue };
            copied.insert(name.to_owned(), self.value(at, name, member.value, holds)?);
        }
        Some(Value::Object(copied))
    }

    fn value(&mut self, at: At, name: &str, value: Node<'_>, holds: SubschemaForm) -> Option<Value> {
        let list = value.kind() == Kind::Array;
        match holds {
            SubschemaForm::One => self.copy(SchemaRegistry::relative_to(at, value)),
            SubschemaForm::OneOrList if !list => self.copy(SchemaRegistry::relative_to(at, value)),
            SubschemaForm::OneOrList | SubschemaForm::Listed => {
                value.items().map(|item| self.copy(SchemaRegistry::relative_to(at, item))).collect()
            }
            SubschemaForm::Named | SubschemaForm::NamedOrNames => {
                let mut named = Map::new();
                for member in value.members().filter(|member| !member.is_shadowed()) {
                    let held = match (holds, member.value.kind()) {
                        (SubschemaForm::NamedOrNames, Kind::Array) => json_impl::to_value(member.value),
                        _ => self.copy(SchemaRegistry::relative_to(at, member.value))?,
                    };
                    named.insert(member.key.text().to_owned(), held);
                }
                Some(Value::Object(named))
            }
            SubschemaForm::Reference if name == "$ref" => {
                let target = self.side.registry.resolve(at, value.text())?;
                let number = self.known.len();
                if !self.known.contains_key(&target) {
                    self.waiting.push((format!("part{number}"), target));
                    self.known.insert(target, format!("part{number}"));
                }
                Some(json!(format!("#/{}/{}", self.word(), self.known[&target])))
            }
            SubschemaForm::Reference => None,
            SubschemaForm::Plain => Some(json_impl::to_value(value)),
        }
    }
}
