//! The keys and references that a schema declares, and their locations in a record.
//!
//! Input: a shape, then the collections of a run, then records. Output: errors in the declarations; the keys and
//! references of a record; and findings about those that cannot be compared: a missing part of a key, a value of a type
//! that cannot be a key.
//!
//! A reference inside `oneOf`, `anyOf` or `if` applies where that branch holds for the record.

use std::collections::HashSet;
use std::sync::Arc;

use super::{KeyOccurrence, Role};
use chancery_core::diagnostic::{Diagnostic, Rule, Severity, quote, rules};
use chancery_core::tree::{Kind, Node, Tree, key, pointer};
use chancery_schema::annotations::Annotations;
use chancery_schema::{Shape, Types};

const KEY: &str = "x-key";
const REFERENCES: &str = "x-references";

/// The keys and references of records.
#[derive(Debug)]
pub struct KeyDeclarations {
    key: Vec<String>,
    // Which parts the schema itself requires, in the order of `key`.
    required: Vec<bool>,
    // Whether a part may be a string or a number.
    mixed: bool,
    collection: Option<Arc<str>>,
    own: Target,
    references: Annotations,
    // By the index of the annotation; `None` for one that is not compared.
    targets: Vec<Option<Target>>,
    errors: Vec<Diagnostic>,
}

/// The collection whose keys a reference is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its number in the run.
    pub collection: usize,
    /// Its name, if it is not the record's own collection.
    pub name: Option<Arc<str>>,
}

/// A collection of a run, as a reference target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its number.
    pub number: usize,
    /// Whether its records have a key.
    pub has_key: bool,
}

impl KeyDeclarations {
    /// The declarations of `shape`; `key` overrides the record's key. References to other collections are not compared
    /// before [`KeyDeclarations::bind`].
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
            part.types().allows(Types::STRING) && part.types().allows(Types::NUMBER)
        });
        let name = root.keyword("x-record-name").map(|node| node.text().into());
        let mut plan =
            Self { key, required, mixed, collection: name, own: Target::default(), references, targets: Vec::new(), errors: mistakes };
        let mut operands = Vec::new();
        plan.targets = plan.references.values().map(|node| plan.target(node, &|_| None, &mut operands)).collect();
        plan.errors.extend(operands.into_iter().filter(|diagnostic: &Diagnostic| diagnostic.rule == &rules::BAD_KEY_OPERAND));
        plan
    }

    /// Resolves the target collections of references: `own` is the number of the records' own one, `find` returns the
    /// others by name. Returns references that cannot be compared, each with its location in the schema.
    pub fn bind(&mut self, own: usize, find: &dyn Fn(&str) -> Option<Collection>) -> Vec<Diagnostic> {
        self.own = Target { collection: own, name: None };
        let mut faults = Vec::new();
        self.targets = self.references.values().map(|node| self.target(node, find, &mut faults)).collect();
        faults.retain(|diagnostic| diagnostic.rule != &rules::BAD_KEY_OPERAND);
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
            Kind::String => self.collection.as_deref() == Some(node.text()),
            kind => {
                let message = format!("expected true or the name of a collection in {REFERENCES}, found {}", shown(kind));
                return fault(
                    &rules::BAD_KEY_OPERAND,
                    message,
                    "use true for the record's own collection, or the x-record-name of another one",
                );
            }
        };
        if is_own {
            if self.key.is_empty() {
                let message = "the records refer to each other but have no key".to_owned();
                return fault(&rules::NO_KEY, message, "declare the key with x-key in the schema, or name it with --key");
            }
            return Some(self.own.clone());
        }
        let name = quote(node.text(), true);
        match find(node.text()) {
            Some(Collection { number, has_key: true }) => Some(Target { collection: number, name: Some(node.text().into()) }),
            Some(_) => {
                let message = format!("the records of {name} have no key, so they cannot be referenced");
                fault(&rules::NO_KEY, message, "declare their key with x-key in their schema")
            }
            None => {
                let message = format!("references lead to {name}, but no records of that name are read in this run");
                let help = "give the files of that collection a [[sources]] table with their schema in chancery.toml, have their schema \
                            say the same x-record-name, and run without paths; or check without a schema: --schema none";
                fault(&rules::UNKNOWN_COLLECTION, message, help)
            }
        }
    }

    /// Invalid declarations of keys and references, each with its location in the schema.
    #[must_use]
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The collection name of records of this schema.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.collection.as_deref()
    }

    /// The collection of the records.
    #[must_use]
    pub fn own(&self) -> usize {
        self.own.collection
    }

    /// The target collection of that name; the records' own one without a name.
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

    /// The key of a record, for display.
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
    pub fn extract(&self, tree: &Tree) -> Vec<KeyOccurrence> {
        let mut occurrences = Vec::new();
        if let Some(parts) = self.parts(tree.root()) {
            occurrences.push(KeyOccurrence::new(Role::Key, &parts, self.key[0].clone(), &self.own));
        }
        self.references.walk(tree.root(), &mut |node, number| {
            if let Some(target) = &self.targets[number]
                && key::is_part(node)
            {
                occurrences.push(KeyOccurrence::new(Role::Reference, &[node], node.pointer(), target));
            }
        });
        occurrences
    }

    /// Parts of keys and references that cannot be compared, as findings; `known` are the record's other findings,
    /// which are not repeated in other words.
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
                    let message = format!("the record has no key: nothing found at {name}");
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
            let of_values: HashSet<&str> = known
                .iter()
                .filter(|diagnostic| diagnostic.severity == Severity::Error)
                .filter_map(|diagnostic| diagnostic.pointer.as_deref())
                .collect();
            // A finding about the record itself may be about any of its members, unless it has none.
            let has_members = root.kind() == Kind::Object;
            found.retain(|diagnostic| {
                diagnostic.pointer.as_deref().is_none_or(|at| (at.is_empty() && has_members) || !of_values.contains(at))
            });
            found.iter_mut().filter(|diagnostic| diagnostic.rule == &rules::MISSING_KEY).for_each(|diagnostic| {
                diagnostic.help = Some("give the record a key: a string or a number".to_owned());
            });
        }
        found
    }
}

fn wrong_type(tree: &Tree, node: Node<'_>) -> Diagnostic {
    let message = format!("expected a string or a number as a key, found {}", shown(node.kind()));
    let help = match node.kind() {
        Kind::Array => "keys are single values; for a list of references, put x-references on its items",
        _ => "keys are strings or numbers; a null or missing reference refers to nothing",
    };
    Diagnostic::new(&rules::WRONG_KEY_TYPE, tree.source(), node.opening(), message).at(node.pointer()).help(help)
}

fn shown(kind: Kind) -> String {
    let word = kind.word();
    format!("{} {word}", if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

// Whether the schema requires the value at a pointer, so that its absence already is a finding.
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
    finding.help(format!("move {keyword} to where it applies to the record: beside properties, or inside allOf, anyOf, oneOf or if"))
}

// Values of `x-key` that are not pointers, and `x-key` in branches, if it has no effect.
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
            let message = format!("{KEY} is inside a branch of the schema, where it identifies no record");
            let finding = Diagnostic::new(&rules::UNCHECKED_KEY, node.tree().source(), node.opening(), message);
            mistakes.push(finding.schema_at(node.pointer()).help("put x-key at the top of the schema, where it applies to every record"));
        }
    }
}

fn bad_key(node: Node<'_>, found: String) -> Diagnostic {
    let message = format!("expected a JSON pointer or a list of them in {KEY}, found {found}");
    let finding = Diagnostic::new(&rules::BAD_KEY_OPERAND, node.tree().source(), node.opening(), message).schema_at(node.pointer());
    finding.help("use a pointer that begins with a slash, such as \"/id\"")
}
