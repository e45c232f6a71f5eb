//! What a schema declares of keys and references, and where they stand in a record.
//!
//! In: a shape, then the collections of a run, then records. Out: mistakes in the declarations; the keys and references of a
//! record; and findings about those that cannot be compared: a part of a key that is missing, a value of a type that no key has.
//!
//! A reference inside `oneOf`, `anyOf` or `if` counts where that branch holds for the record.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Mention, Role};
use crate::diagnostic::{Diagnostic, Rule, Severity, quote, rules};
use crate::schema::annotations::Annotations;
use crate::schema::{Shape, Types};
use crate::tree::{Kind, Node, Tree, key, pointer};

const KEY: &str = "x-key";
const REFERENCES: &str = "x-references";

/// What keys and references records have.
#[derive(Debug)]
pub struct Plan {
    key: Vec<String>,
    // Which parts the schema itself requires, by their order in `key`.
    required: Vec<bool>,
    // Whether a part may be a string or a number.
    mixed: bool,
    name: Option<Arc<str>>,
    own: Target,
    references: Annotations,
    // By the number of the annotation; `None` for one that is not compared.
    targets: Vec<Option<Target>>,
    mistakes: Vec<Diagnostic>,
}

/// The collection whose keys a mention is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its number in the run.
    pub collection: usize,
    /// Its name, where it is not the record's own collection.
    pub name: Option<Arc<str>>,
}

/// A collection of a run, as others refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its number.
    pub number: usize,
    /// Whether its records have a key.
    pub has_key: bool,
}

impl Plan {
    /// What `shape` declares; `key` takes the place of the record's key there. References to other collections are not
    /// compared before [`Plan::bind`].
    #[must_use]
    pub fn new(shape: &Arc<Shape>, key: Option<&str>) -> Self {
        let root = shape.root();
        let references = Annotations::new(shape, REFERENCES);
        let mut mistakes = Vec::new();
        let declared: Vec<String> = match root.keyword(KEY) {
            Some(node) if node.kind() == Kind::Array => node.items().map(|item| item.text().to_owned()).collect(),
            Some(node) => vec![node.text().to_owned()],
            None => Vec::new(),
        };
        mistakes_of_keys(shape, &mut mistakes);
        for (node, keyword) in references.unreachable() {
            mistakes.push(unchecked(node, REFERENCES, &format!("below {keyword}, where it is never compared")));
        }
        let key = key.map_or(declared, |key| vec![key.to_owned()]);
        let required = key.iter().map(|pointer| is_required(shape, pointer)).collect();
        let mixed = key.iter().any(|pointer| {
            let part = pointer.split('/').skip(1).map(pointer::unescape).fold(root, |part, token| part.member(&token));
            part.types().admits(Types::STRING) && part.types().admits(Types::NUMBER)
        });
        let name = root.keyword("x-record-name").map(|node| node.text().into());
        let mut plan = Self { key, required, mixed, name, own: Target::default(), references, targets: Vec::new(), mistakes };
        let mut operands = Vec::new();
        plan.targets = plan.references.values().map(|node| plan.target(node, &|_| None, &mut operands)).collect();
        plan.mistakes.extend(operands.into_iter().filter(|note: &Diagnostic| note.rule == &rules::BAD_KEY_OPERAND));
        plan
    }

    /// Settles in a run which collections the references lead to: `own` is the number of the records' own one, `find` knows the
    /// others by their names. Returns references that cannot be compared, each at its place in the schema.
    pub fn bind(&mut self, own: usize, find: &dyn Fn(&str) -> Option<Collection>) -> Vec<Diagnostic> {
        self.own = Target { collection: own, name: None };
        let mut faults = Vec::new();
        self.targets = self.references.values().map(|node| self.target(node, find, &mut faults)).collect();
        faults.retain(|note| note.rule != &rules::BAD_KEY_OPERAND);
        faults
    }

    // The collection that an annotation names.
    fn target(&self, node: Node<'_>, find: &dyn Fn(&str) -> Option<Collection>, faults: &mut Vec<Diagnostic>) -> Option<Target> {
        let mut fault = |rule: &'static Rule, message: String, help: &str| {
            let finding = Diagnostic::new(rule, node.tree().source(), node.opening(), message);
            faults.push(finding.schema_at(node.pointer()).help(help));
            None
        };
        let is_own = match node.kind() {
            Kind::Bool if node.text() == "true" => true,
            Kind::Bool => return None,
            Kind::String => self.name.as_deref() == Some(node.text()),
            kind => {
                let message = format!("expected true or the name of a collection in {REFERENCES}, found {}", shown(kind));
                return fault(
                    &rules::BAD_KEY_OPERAND,
                    message,
                    "write true for the record's own collection, or the x-record-name of another",
                );
            }
        };
        if is_own {
            if self.key.is_empty() {
                let message = "the records refer to each other, and have no key".to_owned();
                return fault(&rules::NO_KEY, message, "declare the key with x-key in the schema, or name it with --key");
            }
            return Some(self.own.clone());
        }
        let name = quote(node.text(), true);
        match find(node.text()) {
            Some(Collection { number, has_key: true }) => Some(Target { collection: number, name: Some(node.text().into()) }),
            Some(_) => {
                let message = format!("the records of {name} have no key to which a reference could lead");
                fault(&rules::NO_KEY, message, "declare their key with x-key in their schema")
            }
            None => {
                let message = format!("references lead to {name}, and no records of that name are read in this run");
                let help = "give the files of that collection a [[sources]] table with their schema in chancery.toml, have their schema \
                            say the same x-record-name, and run without paths; or check without a schema: --schema none";
                fault(&rules::UNKNOWN_COLLECTION, message, help)
            }
        }
    }

    /// Declarations of keys and references that mean nothing, each at its place in the schema.
    #[must_use]
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.mistakes
    }

    /// The name that records of this schema have as a collection.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The collection that the records are in.
    #[must_use]
    pub fn own(&self) -> usize {
        self.own.collection
    }

    /// The collection of that name to which references lead; the records' own one without a name.
    #[must_use]
    pub fn collection(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else { return Some(self.own.collection) };
        self.targets.iter().flatten().find(|target| target.name.as_deref() == Some(name)).map(|target| target.collection)
    }

    /// Whether records have neither keys nor references.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.key.is_empty() && self.references.is_empty()
    }

    /// The key of a record, as it is shown.
    #[must_use]
    pub fn key(&self, record: Node<'_>) -> Option<String> {
        self.parts(record).map(|parts| key::shown(&parts, self.mixed))
    }

    /// JSON pointers to the parts of a record's key.
    #[must_use]
    pub fn pointers(&self) -> &[String] {
        &self.key
    }

    /// The parts of a record's key, if it has one.
    #[must_use]
    pub fn parts<'t>(&self, record: Node<'t>) -> Option<Vec<Node<'t>>> {
        let parts: Option<Vec<Node<'t>>> = self.key.iter().map(|pointer| record.at(pointer).filter(|part| key::is_part(*part))).collect();
        parts.filter(|parts| !parts.is_empty())
    }

    /// The keys in a record, its own first.
    #[must_use]
    pub fn extract(&self, tree: &Tree) -> Vec<Mention> {
        let mut mentions = Vec::new();
        if let Some(parts) = self.parts(tree.root()) {
            mentions.push(Mention::new(Role::Key, &parts, self.key[0].clone(), &self.own));
        }
        self.references.walk(tree.root(), &mut |node, number| {
            if let Some(target) = &self.targets[number]
                && key::is_part(node)
            {
                mentions.push(Mention::new(Role::Reference, &[node], node.pointer(), target));
            }
        });
        mentions
    }

    /// Parts of keys and references that cannot be compared, as findings; `known` are those that the record already has, which
    /// are not repeated in other words.
    #[must_use]
    pub fn check(&self, tree: &Tree, known: &[Diagnostic]) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = Vec::new();
        let root = tree.root();
        for (pointer, is_required) in self.key.iter().zip(&self.required) {
            let name = quote(pointer, true);
            match root.at(pointer) {
                Some(part) if key::is_part(part) => {}
                Some(part) if part.kind() == Kind::Null => {
                    let message = format!("the key of the record is null at {name}");
                    found.push(Diagnostic::new(&rules::MISSING_KEY, tree.source(), part.opening(), message).at(part.pointer()));
                }
                Some(part) => found.push(wrong_type(tree, part)),
                None if *is_required => {}
                None => {
                    let message = format!("the record has no key: nothing stands at {name}");
                    found.push(Diagnostic::new(&rules::MISSING_KEY, tree.source(), root.opening(), message).at(""));
                }
            }
        }
        let mut seen = HashSet::new();
        self.references.walk(root, &mut |node, number| {
            let is_compared = key::is_part(node) || node.kind() == Kind::Null;
            if !is_compared && self.targets[number].is_some() && seen.insert(node.id()) {
                found.push(wrong_type(tree, node));
            }
        });
        if !found.is_empty() {
            let of_values: HashSet<&str> =
                known.iter().filter(|note| note.severity == Severity::Error).filter_map(|note| note.pointer.as_deref()).collect();
            // What is said of the record itself may be about any of its members, unless it has none.
            let has_members = root.kind() == Kind::Object;
            found.retain(|note| note.pointer.as_deref().is_none_or(|at| (at.is_empty() && has_members) || !of_values.contains(at)));
            found.iter_mut().filter(|note| note.rule == &rules::MISSING_KEY).for_each(|note| {
                note.help = Some("give the record a key: a string or a number".to_owned());
            });
        }
        found
    }
}

fn wrong_type(tree: &Tree, node: Node<'_>) -> Diagnostic {
    let message = format!("expected a string or a number as a key, found {}", shown(node.kind()));
    let help = match node.kind() {
        Kind::Array => "keys are single values; where a list holds references, the schema says x-references of its items",
        _ => "keys are strings or numbers; null or nothing refers to nothing",
    };
    Diagnostic::new(&rules::WRONG_KEY_TYPE, tree.source(), node.opening(), message).at(node.pointer()).help(help)
}

fn shown(kind: Kind) -> String {
    let word = kind.word();
    format!("{} {word}", if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

// Whether the schema itself asks for the value at a pointer, so that its absence is a finding already.
fn is_required(shape: &Shape, pointer: &str) -> bool {
    let mut part = shape.root();
    pointer.split('/').skip(1).map(pointer::unescape).all(|token| {
        let is_required = part.required().iter().any(|name| **name == *token);
        part = part.member(&token);
        is_required
    })
}

fn unchecked(node: Node<'_>, keyword: &str, place: &str) -> Diagnostic {
    let message = format!("{keyword} stands {place}");
    let finding = Diagnostic::new(&rules::UNCHECKED_KEY, node.tree().source(), node.opening(), message).schema_at(node.pointer());
    finding.help(format!("move {keyword} to where it holds for the record: beside properties, or inside allOf, anyOf, oneOf or if"))
}

// Operands of `x-key` that are no pointers, and `x-key` in branches, which no record is known by.
fn mistakes_of_keys(shape: &Arc<Shape>, mistakes: &mut Vec<Diagnostic>) {
    let at_root = shape.root().keyword(KEY);
    if let Some(node) = at_root {
        let list: Vec<Node<'_>> = if node.kind() == Kind::Array { node.items().collect() } else { vec![node] };
        if list.is_empty() {
            mistakes.push(bad_key(node, "an empty list".to_owned()));
        }
        for one in list {
            if one.kind() != Kind::String {
                mistakes.push(bad_key(one, shown(one.kind())));
            } else if !one.text().starts_with('/') {
                mistakes.push(bad_key(one, quote(one.text(), true)));
            }
        }
    }
    for node in Annotations::new(shape, KEY).in_branches() {
        if at_root.is_none_or(|known| known.pointer() != node.pointer() || !Arc::ptr_eq(known.tree().source(), node.tree().source())) {
            let message = format!("{KEY} stands in a branch of the schema, where no record is known by it");
            let finding = Diagnostic::new(&rules::UNCHECKED_KEY, node.tree().source(), node.opening(), message);
            mistakes.push(finding.schema_at(node.pointer()).help("put x-key at the top of the schema, where it holds for every record"));
        }
    }
}

fn bad_key(node: Node<'_>, found: String) -> Diagnostic {
    let message = format!("expected a JSON pointer or a list of them in {KEY}, found {found}");
    let finding = Diagnostic::new(&rules::BAD_KEY_OPERAND, node.tree().source(), node.opening(), message).schema_at(node.pointer());
    finding.help("write a pointer that begins with a slash, such as \"/id\"")
}
