//! One of two schemas that are walked side by side: what a subschema holds, regardless of its draft calls it.

use std::cell::RefCell;
use std::collections::HashMap;

use jsonschema::Draft;
use regex::Regex;

use chancery_core::diagnostic::Place;
use chancery_core::tree::{Kind, Node};
use chancery_schema::Schema;
use chancery_schema::registry::{At, SchemaRegistry};

/// Keywords that ask nothing of data.
const WORDING: &[&str] =
    &["title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "errorMessage"];

/// Keywords that name and hold subschemas.
const STRUCTURE: &[&str] =
    &["$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", "$defs", "definitions"];

/// Keywords of ours that the check asserts.
const EXTENSIONS: &[&str] = &["x-check", "x-key"];

/// Keywords that hold one subschema.
const ONE: &[&str] = &[
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
];

/// Keywords that hold a subschema for each name.
const NAMED: &[&str] = &["properties", "patternProperties", "dependentSchemas"];

/// Keywords that hold a list of subschemas.
const LISTED: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];

/// What the keyword holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubschemaForm {
    /// A subschema.
    One,
    /// A subschema, or a list of them.
    OneOrList,
    /// A subschema for each name.
    Named,
    /// A subschema or a list of names for each name.
    NamedOrNames,
    /// A list of subschemas.
    Listed,
    /// The address of a subschema.
    Reference,
    /// A plain value.
    Plain,
}

/// What a keyword is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks something of data.
    Asserts(SubschemaForm),
    /// It asks something of records that is not a matter of JSON Schema.
    Extension,
    /// It asserts something about data.
    Wording,
    /// It names or holds subschemas.
    Structure,
}

/// A schema.
#[derive(Clone, Copy)]
pub struct SchemaView<'s> {
    /// The schema.
    pub schema: &'s Schema,
    /// Its documents.
    pub registry: &'s SchemaRegistry,
    patterns: &'s Patterns,
}

/// Patterns, each compiled once.
#[derive(Default)]
pub struct Patterns(RefCell<HashMap<String, Option<Regex>>>);

impl Patterns {
    // Whether the pattern fits; `None` if it cannot be tried.
    fn fit(&self, pattern: &str, text: &str) -> Option<bool> {
        let mut known = self.0.borrow_mut();
        if !known.contains_key(pattern) {
            known.insert(pattern.to_owned(), Regex::new(pattern).ok());
        }
        known.get(pattern)?.as_ref().map(|regex| regex.is_match(text))
    }
}

impl<'s> SchemaView<'s> {
    pub fn new(schema: &'s Schema, patterns: &'s Patterns) -> Self {
        Self { schema, registry: schema.registry(), patterns }
    }

    /// The same for a schema that is available for a shorter time.
    pub fn of<'t>(self, schema: &'t Schema) -> SchemaView<'t>
    where
        's: 't,
    {
        SchemaView { schema, registry: schema.registry(), patterns: self.patterns }
    }

    /// Whether a pattern fits a text; `None` if it cannot be tried.
    pub fn fits(self, pattern: &str, text: &str) -> Option<bool> {
        self.patterns.fit(pattern, text)
    }

    pub fn node(self, at: At) -> Node<'s> {
        self.registry.node(at)
    }

    /// The draft that holds in a subschema.
    pub fn draft(self, at: At) -> Draft {
        self.registry.draft_at(at)
    }

    /// As [`Side::draft`], of nothing the newest.
    pub fn draft_of(self, at: Option<At>) -> Draft {
        at.map_or_else(Draft::default, |at| self.draft(at))
    }

    /// What a keyword is for where it stands.
    pub fn role(self, at: At, keyword: &str) -> Role {
        let draft = self.draft(at);
        if !known_in(keyword, draft) {
            return Role::Wording;
        }
        let holds = match keyword {
            "$ref" | "$dynamicRef" | "$recursiveRef" => SubschemaForm::Reference,
            _ if self.registry.only_ref(at) && self.node(at).get("$ref").is_some() => return Role::Wording,
            "items" => SubschemaForm::OneOrList,
            "dependencies" => SubschemaForm::NamedOrNames,
            _ if ONE.contains(&keyword) => SubschemaForm::One,
            _ if NAMED.contains(&keyword) => SubschemaForm::Named,
            _ if LISTED.contains(&keyword) => SubschemaForm::Listed,
            "format" => return if self.schema.asserts_formats() { Role::Asserts(SubschemaForm::Plain) } else { Role::Wording },
            "type" | "contentMediaType" | "contentEncoding" | "enum" | "const" | "multipleOf" | "maximum" | "exclusiveMaximum"
            | "minimum" | "exclusiveMinimum" | "maxLength" | "minLength" | "pattern" | "maxItems" | "minItems" | "uniqueItems"
            | "maxContains" | "minContains" | "maxProperties" | "minProperties" | "required" | "dependentRequired" => SubschemaForm::Plain,
            _ if EXTENSIONS.contains(&keyword) => return Role::Extension,
            _ if STRUCTURE.contains(&keyword) => return Role::Structure,
            _ => return Role::Wording,
        };
        Role::Asserts(holds)
    }

    /// Whether the keyword is one that every reader of schemas knows to be wording, or one of our own.
    pub fn is_known_wording(keyword: &str) -> bool {
        WORDING.contains(&keyword) || keyword.starts_with("x-")
    }

    /// The keyword's value, if it asks something of data.
    pub fn keyword(self, at: Option<At>, name: &str) -> Option<Node<'s>> {
        let at = at?;
        self.node(at).get(name).filter(|_| matches!(self.role(at, name), Role::Asserts(_)))
    }

    /// The subschema that a keyword holds.
    pub fn sub(self, at: Option<At>, name: &str) -> Option<At> {
        Some(SchemaRegistry::relative_to(at?, self.keyword(at, name)?))
    }

    /// The subschemas that a keyword holds by name.
    pub fn named(self, at: Option<At>, name: &str) -> Vec<(&'s str, At)> {
        let (Some(here), Some(node)) = (at, self.keyword(at, name)) else { return Vec::new() };
        node.members()
            .filter(|member| !member.is_shadowed())
            .map(|member| (member.key.text(), SchemaRegistry::relative_to(here, member.value)))
            .collect()
    }

    /// The subschemas that a keyword lists.
    pub fn listed(self, at: Option<At>, name: &str) -> Vec<At> {
        let (Some(here), Some(node)) = (at, self.keyword(at, name)) else { return Vec::new() };
        node.items().map(|item| SchemaRegistry::relative_to(here, item)).collect()
    }

    /// What is said of items one by one, and of those after.
    pub fn items(self, at: Option<At>) -> (Vec<At>, Option<At>) {
        let list = self.keyword(at, "items").filter(|items| items.kind() == Kind::Array);
        if list.is_some() {
            return (self.listed(at, "items"), self.sub(at, "additionalItems"));
        }
        (self.listed(at, "prefixItems"), self.sub(at, "items"))
    }

    /// Members that have to be there beside another one.
    pub fn needed_beside(self, at: Option<At>) -> Vec<(&'s str, Vec<&'s str>)> {
        let of = |name: &str| self.keyword(at, name).into_iter().flat_map(Node::members);
        let lists = of("dependentRequired").chain(of("dependencies")).filter(|member| member.value.kind() == Kind::Array);
        lists.map(|member| (member.key.text(), member.value.items().map(Node::text).collect())).collect()
    }

    /// Subschemas that hold where a member is there.
    pub fn holding_beside(self, at: Option<At>) -> Vec<(&'s str, At)> {
        let mut found = self.named(at, "dependentSchemas");
        found.extend(self.named(at, "dependencies").into_iter().filter(|(_, sub)| self.node(*sub).kind() != Kind::Array));
        found
    }

    /// Where a reference beside other keywords leads.
    pub fn reference_target(self, at: Option<At>) -> Vec<At> {
        let Some(here) = at else { return Vec::new() };
        let target = |name: &str| {
            let text = self.keyword(at, name)?.text();
            if name == "$ref" {
                self.registry.resolve(here, text)
            } else {
                self.registry.resolve_dynamic(here, text, self.schema.root_at())
            }
        };
        ["$ref", "$dynamicRef", "$recursiveRef"].into_iter().filter_map(target).collect()
    }

    /// A reference to what is not available, such as a metaschema that the validator brings along.
    pub fn unknown_keyword(self, at: At) -> Option<&'s str> {
        let text = self.keyword(Some(at), "$ref")?.text();
        self.registry.resolve(at, text).is_none().then_some(text)
    }

    /// The subschema itself, or what it refers to where it says nothing else.
    pub fn followed(self, at: Option<At>) -> Option<At> {
        const HOPS: usize = 64;
        let mut here = at?;
        for _ in 0..HOPS {
            let mut asserting = self.node(here).members().filter(|member| matches!(self.role(here, member.key.text()), Role::Asserts(_)));
            let (Some(only), None) = (asserting.next(), asserting.next()) else { return Some(here) };
            if only.key.text() != "$ref" {
                return Some(here);
            }
            match self.registry.resolve(here, only.value.text()) {
                Some(target) => here = target,
                None => return Some(here),
            }
        }
        Some(here)
    }

    /// Whether it takes anything.
    pub fn is_any(self, at: Option<At>) -> bool {
        let Some(at) = at else { return true };
        let node = self.node(at);
        match node.kind() {
            Kind::Bool => node.text() == "true",
            _ => !node.members().any(|member| matches!(self.role(at, member.key.text()), Role::Asserts(_))),
        }
    }

    /// Whether it takes nothing, by its own word.
    pub fn is_none(self, at: Option<At>) -> bool {
        at.is_some_and(|at| self.node(at).kind() == Kind::Bool && self.node(at).text() == "false")
    }

    /// What holds for a member that is not declared: by the patterns that fit, else what is said of others. `None` if a
    /// pattern cannot be tried.
    pub fn undeclared(self, at: Option<At>, name: &str) -> Option<Vec<At>> {
        let mut fitting = Vec::new();
        for (pattern, sub) in self.named(at, "patternProperties") {
            if self.fits(pattern, name)? {
                fitting.push(sub);
            }
        }
        if fitting.is_empty() {
            fitting.extend(self.sub(at, "additionalProperties"));
        }
        Some(fitting)
    }

    /// The place of a keyword, or of the subschema itself.
    pub fn place(self, at: Option<At>, keyword: &str) -> Option<Place> {
        let at = at?;
        let below = if keyword.is_empty() { String::new() } else { format!("/{}", chancery_core::tree::pointer::escape(keyword)) };
        self.registry.place_below(at, &below)
    }
}

// Whether the keyword means something to a draft; those that all of them know are not listed.
fn known_in(keyword: &str, draft: Draft) -> bool {
    let age = match draft {
        Draft::Draft4 => 4,
        Draft::Draft6 => 6,
        Draft::Draft7 => 7,
        Draft::Draft201909 => 8,
        _ => 9,
    };
    let known = match keyword {
        "const" | "contains" | "propertyNames" => 6..=9,
        "contentMediaType" | "contentEncoding" => 6..=7,
        "if" | "then" | "else" => 7..=9,
        "$recursiveRef" => 8..=8,
        "dependentRequired" | "dependentSchemas" | "unevaluatedProperties" | "unevaluatedItems" | "minContains" | "maxContains" => 8..=9,
        "prefixItems" | "$dynamicRef" => 9..=9,
        _ => 4..=9,
    };
    known.contains(&age)
}
