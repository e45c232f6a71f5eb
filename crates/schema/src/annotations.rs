//! Where an annotation applies in a record: the schema is walked together with the record, and of `oneOf`, `anyOf`, `if`,
//! `dependentSchemas` and `contains` only the branches that hold for the value current are entered.
//!
//! Input: a shape and the name of an annotation, such as `x-references`. Output: for each record, the values to which the
//! annotation applies, in the order of the record, and beforehand the annotations that can never be evaluated. Subschemas
//! without the annotation are known beforehand and skipped.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, Validator};
use regex::Regex;
use serde_json::json;

use super::fast_path::{self, FastValidator};
use super::json_impl::{InstanceRef, TreeRef};
use super::registry::{At, SchemaRegistry};
use super::shape::{Origin, Shape};
use super::{build, registry, validation_options};
use chancery_core::tree::{Kind, Node};

/// A number for a subschema on the way to an annotation.
type Step = u32;

/// The number of an annotation in [`Annotations::found`].
pub type Number = usize;

/// The annotations of one name in a schema.
#[derive(Debug, Default)]
pub struct Annotations {
    registry: Arc<SchemaRegistry>,
    subschemas: Vec<Subschema>,
    root: Step,
    // The values of the annotation.
    found: Vec<At>,
    // Those among which the walk never comes, and why.
    unreachable: Vec<(At, &'static str)>,
}

#[derive(Debug, Default)]
struct Subschema {
    annotation: Option<Number>,
    // Whether it or a subschema below has the annotation.
    leads: bool,
    in_place: Vec<(Applicability, Step)>,
    properties: HashMap<Box<str>, Step>,
    // All names that `properties` declares, to which `additionalProperties` does not apply.
    declared: HashSet<Box<str>>,
    patterns: Vec<(Regex, Option<Step>)>,
    additional: Option<Step>,
    prefix: Vec<Step>,
    // `items`, which applies after `prefix`.
    items: Option<Step>,
    contains: Option<(Arc<Condition>, Step)>,
}

/// When a subschema in the same place applies.
#[derive(Debug)]
enum Applicability {
    Always,
    Holds(Arc<Condition>),
    Fails(Arc<Condition>),
    Has(Box<str>),
}

/// Whether a value is valid by a subschema.
struct Condition {
    registry: Arc<SchemaRegistry>,
    at: At,
    origin: Origin,
    fast_path: OnceLock<Option<FastValidator>>,
    validator: OnceLock<Option<Validator<TreeRef>>>,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.at).finish()
    }
}

impl Annotations {
    /// The annotations called `name` in the schema of `shape`.
    #[must_use]
    pub fn new(shape: &Shape, name: &str) -> Self {
        let Some(origin) = shape.origin() else { return Self::default() };
        let registry = shape.registry();
        let mut compiler = Compiler {
            registry,
            origin,
            name,
            steps: HashMap::new(),
            waiting: Vec::new(),
            conditions: HashMap::new(),
            made: Self::default(),
        };
        let root = compiler.step(origin.root);
        while let Some((at, step)) = compiler.waiting.pop() {
            let subschema = compiler.subschema(at);
            compiler.made.subschemas[step as usize] = subschema;
        }
        let mut made = Self { registry: Arc::clone(registry), root, ..compiler.made };
        made.mark();
        made
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The values of the annotation, by number.
    pub fn values(&self) -> impl Iterator<Item = Node<'_>> {
        self.found.iter().map(|at| self.registry.node(*at))
    }

    /// The annotations that no record can reach, each with the keyword under which it stands.
    pub fn unreachable(&self) -> impl Iterator<Item = (Node<'_>, &'static str)> {
        self.unreachable.iter().map(|(at, keyword)| (self.registry.node(*at), *keyword))
    }

    /// The annotations of the record itself, not of its members, that hold only where a branch does.
    pub fn in_branches(&self) -> Vec<Node<'_>> {
        let (mut steps, mut seen) = (vec![(self.root, false)], HashSet::new());
        let mut found = Vec::new();
        while let Some((step, in_branch)) = steps.pop() {
            let Some(subschema) = self.subschemas.get(step as usize).filter(|_| seen.insert((step, in_branch))) else { continue };
            found.extend(subschema.annotation.filter(|_| in_branch));
            steps.extend(subschema.in_place.iter().map(|(when, below)| (*below, in_branch || !matches!(when, Applicability::Always))));
        }
        found.sort_unstable();
        found.into_iter().map(|number| self.registry.node(self.found[number])).collect()
    }

    // A subschema leads to an annotation when one below it does. Runs backwards along the edges, each once.
    fn mark(&mut self) {
        let mut above: Vec<Vec<Step>> = vec![Vec::new(); self.subschemas.len()];
        for (number, subschema) in self.subschemas.iter().enumerate() {
            subschema.below().for_each(|below| above[below as usize].push(number as Step));
        }
        let has = |(number, subschema): (usize, &Subschema)| subschema.annotation.map(|_| number as Step);
        let mut waiting: Vec<Step> = self.subschemas.iter().enumerate().filter_map(has).collect();
        while let Some(step) = waiting.pop() {
            if !std::mem::replace(&mut self.subschemas[step as usize].leads, true) {
                waiting.extend(&above[step as usize]);
            }
        }
        let leads: Vec<bool> = self.subschemas.iter().map(|subschema| subschema.leads).collect();
        let is_kept = |step: &Step| leads[*step as usize];
        for subschema in &mut self.subschemas {
            subschema.in_place.retain(|(_, step)| is_kept(step));
            subschema.properties.retain(|_, step| is_kept(step));
            subschema.patterns.iter_mut().for_each(|(_, step)| *step = step.filter(is_kept));
            subschema.additional = subschema.additional.filter(is_kept);
            subschema.items = subschema.items.filter(is_kept);
            subschema.contains = subschema.contains.take().filter(|(_, step)| is_kept(step));
        }
    }

    /// Calls `each` with every value of a record to which an annotation applies, and the annotation's number.
    pub fn walk<'t>(&self, record: Node<'t>, each: &mut dyn FnMut(Node<'t>, Number)) {
        if !self.found.is_empty() {
            self.value(record, vec![self.root], each);
        }
    }

    fn value<'t>(&self, node: Node<'t>, steps: Vec<Step>, each: &mut dyn FnMut(Node<'t>, Number)) {
        let steps = self.applying(node, steps);
        let mut numbers: Vec<Number> = steps.iter().filter_map(|step| self.subschemas[*step as usize].annotation).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().for_each(|number| each(node, number));
        let subschemas = || steps.iter().map(|step| &self.subschemas[*step as usize]);
        match node.kind() {
            Kind::Object if subschemas().any(Subschema::has_members) => {
                for member in node.members() {
                    let below: Vec<Step> = subschemas().flat_map(|subschema| subschema.member(member.key.text())).collect();
                    if !below.is_empty() {
                        self.value(member.value, below, each);
                    }
                }
            }
            Kind::Array if subschemas().any(Subschema::has_items) => {
                for (index, item) in node.items().enumerate() {
                    let below: Vec<Step> = subschemas().flat_map(|subschema| subschema.item(index, item)).collect();
                    if !below.is_empty() {
                        self.value(item, below, each);
                    }
                }
            }
            _ => {}
        }
    }

    // The given subschemas and those in the same place that apply to the value, each once.
    fn applying(&self, node: Node<'_>, steps: Vec<Step>) -> Vec<Step> {
        let mut seen: HashSet<Step> = HashSet::new();
        let mut found: Vec<Step> = steps.into_iter().filter(|step| self.subschemas[*step as usize].leads && seen.insert(*step)).collect();
        let mut next = 0;
        while let Some(step) = found.get(next) {
            let in_place = &self.subschemas[*step as usize].in_place;
            next += 1;
            for (when, below) in in_place {
                if !seen.contains(below) && when.is_met(node) {
                    seen.insert(*below);
                    found.push(*below);
                }
            }
        }
        found
    }
}

impl Subschema {
    fn below(&self) -> impl Iterator<Item = Step> {
        let in_place = self.in_place.iter().map(|(_, step)| *step);
        let members = self.properties.values().copied().chain(self.patterns.iter().filter_map(|(_, step)| *step)).chain(self.additional);
        let items = self.prefix.iter().copied().chain(self.items).chain(self.contains.iter().map(|(_, step)| *step));
        in_place.chain(members).chain(items)
    }

    fn has_members(&self) -> bool {
        !self.properties.is_empty() || self.additional.is_some() || self.patterns.iter().any(|(_, step)| step.is_some())
    }

    fn has_items(&self) -> bool {
        !self.prefix.is_empty() || self.items.is_some() || self.contains.is_some()
    }

    fn member(&self, name: &str) -> Vec<Step> {
        let mut steps: Vec<Step> = self.properties.get(name).copied().into_iter().collect();
        let mut is_other = !self.declared.contains(name);
        if self.additional.is_some() || self.patterns.iter().any(|(_, step)| step.is_some()) {
            for (_, step) in self.patterns.iter().filter(|(pattern, _)| pattern.is_match(name)) {
                is_other = false;
                steps.extend(step);
            }
        }
        if is_other {
            steps.extend(self.additional);
        }
        steps
    }

    fn item(&self, index: usize, item: Node<'_>) -> Vec<Step> {
        let mut steps: Vec<Step> = self.prefix.get(index).copied().or(self.items).into_iter().collect();
        if let Some((condition, step)) = &self.contains
            && condition.holds(item)
        {
            steps.push(*step);
        }
        steps
    }
}

impl Applicability {
    fn is_met(&self, node: Node<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Holds(condition) => condition.holds(node),
            Self::Fails(condition) => !condition.holds(node),
            Self::Has(name) => node.kind() == Kind::Object && node.get(name).is_some(),
        }
    }
}

impl Condition {
    fn holds(&self, node: Node<'_>) -> bool {
        let Origin { formats, engine, .. } = self.origin;
        let fast_path = self.fast_path.get_or_init(|| fast_path::compile(&self.registry, self.at, formats, engine));
        if let Some(accepted) = fast_path.as_ref().and_then(|fast_path| fast_path.accepts(node)) {
            return accepted;
        }
        // The whole schema has been compiled, so a part of it can be. Should it not be, the branch counts as one that holds:
        // then too much is compared, and nothing passes unseen.
        self.validator.get_or_init(|| self.compile()).as_ref().is_none_or(|validator| validator.is_valid(InstanceRef::Node(node)))
    }

    fn compile(&self) -> Option<Validator<TreeRef>> {
        let schema = json!({ "$ref": self.registry.uri_of(self.at) });
        let options = validation_options(self.origin.formats)
            .with_draft(match self.registry.draft_at(self.at) {
                Draft::Unknown => Draft::default(),
                draft => draft,
            })
            .with_retriever(registry::LocalRetriever(Arc::clone(&self.registry)));
        build(options, &schema, self.origin.engine).ok()
    }
}

struct Compiler<'c> {
    registry: &'c Arc<SchemaRegistry>,
    origin: Origin,
    name: &'c str,
    steps: HashMap<At, Step>,
    waiting: Vec<(At, Step)>,
    conditions: HashMap<At, Arc<Condition>>,
    made: Annotations,
}

impl Compiler<'_> {
    fn step(&mut self, at: At) -> Step {
        if let Some(step) = self.steps.get(&at) {
            return *step;
        }
        let step = self.made.subschemas.len() as Step;
        self.made.subschemas.push(Subschema::default());
        self.steps.insert(at, step);
        self.waiting.push((at, step));
        step
    }

    fn condition(&mut self, at: At) -> Arc<Condition> {
        let (registry, origin) = (self.registry, self.origin);
        let made = || Condition { registry: Arc::clone(registry), at, origin, fast_path: OnceLock::new(), validator: OnceLock::new() };
        Arc::clone(self.conditions.entry(at).or_insert_with(|| Arc::new(made())))
    }

    fn subschema(&mut self, at: At) -> Subschema {
        let registry = Arc::clone(self.registry);
        let node = registry.node(at);
        let mut made = Subschema::default();
        if node.kind() != Kind::Object {
            return made;
        }
        let beside = |node: Node<'_>| SchemaRegistry::relative_to(at, node);
        let reference = node.get("$ref").filter(|text| text.kind() == Kind::String);
        if let Some(target) = reference.and_then(|text| registry.resolve(at, text.text())) {
            made.in_place.push((Applicability::Always, self.step(target)));
        }
        if reference.is_some() && registry.only_ref(at) {
            if let Some(value) = node.get(self.name) {
                self.made.unreachable.push((beside(value), "$ref"));
            }
            return made;
        }
        if let Some(value) = node.get(self.name) {
            made.annotation = Some(self.made.found.len());
            self.made.found.push(beside(value));
        }
        let dynamic = node.get("$dynamicRef").or_else(|| node.get("$recursiveRef")).filter(|text| text.kind() == Kind::String);
        if let Some(target) = dynamic.and_then(|text| registry.resolve_dynamic(at, text.text(), self.origin.root)) {
            made.in_place.push((Applicability::Always, self.step(target)));
        }
        self.in_place(at, node, &mut made);
        self.members(at, node, &mut made);
        self.items(at, node, &mut made);
        for keyword in ["not", "propertyNames", "contentSchema", "unevaluatedProperties", "unevaluatedItems"] {
            if let Some(below) = node.get(keyword) {
                self.refuse(at, below, keyword);
            }
        }
        made
    }

    fn in_place(&mut self, at: At, node: Node<'_>, made: &mut Subschema) {
        let beside = |node: Node<'_>| SchemaRegistry::relative_to(at, node);
        for branch in node.get("allOf").into_iter().flat_map(Node::items) {
            made.in_place.push((Applicability::Always, self.step(beside(branch))));
        }
        for branch in ["anyOf", "oneOf"].into_iter().filter_map(|name| node.get(name)).flat_map(Node::items) {
            made.in_place.push((Applicability::Holds(self.condition(beside(branch))), self.step(beside(branch))));
        }
        if let Some(asked) = node.get("if").map(beside) {
            made.in_place.push((Applicability::Holds(self.condition(asked)), self.step(asked)));
            if let Some(then) = node.get("then").map(beside) {
                made.in_place.push((Applicability::Holds(self.condition(asked)), self.step(then)));
            }
            if let Some(otherwise) = node.get("else").map(beside) {
                made.in_place.push((Applicability::Fails(self.condition(asked)), self.step(otherwise)));
            }
        }
        for member in ["dependentSchemas", "dependencies"].into_iter().filter_map(|name| node.get(name)).flat_map(Node::members) {
            if member.value.kind() == Kind::Object {
                made.in_place.push((Applicability::Has(member.key.text().into()), self.step(beside(member.value))));
            }
        }
    }

    fn members(&mut self, at: At, node: Node<'_>, made: &mut Subschema) {
        let beside = |node: Node<'_>| SchemaRegistry::relative_to(at, node);
        for member in node.get("properties").into_iter().flat_map(Node::members) {
            made.declared.insert(member.key.text().into());
            made.properties.insert(member.key.text().into(), self.step(beside(member.value)));
        }
        for member in node.get("patternProperties").into_iter().flat_map(Node::members) {
            match Regex::new(member.key.text()) {
                Ok(pattern) => made.patterns.push((pattern, Some(self.step(beside(member.value))))),
                // Names are matched in linear time only.
                Err(_) => self.refuse(at, member.value, "patternProperties"),
            }
        }
        made.additional = node.get("additionalProperties").map(|below| self.step(beside(below)));
    }

    fn items(&mut self, at: At, node: Node<'_>, made: &mut Subschema) {
        let beside = |node: Node<'_>| SchemaRegistry::relative_to(at, node);
        let items = node.get("items");
        let tuple = node.get("prefixItems").or(items).filter(|list| list.kind() == Kind::Array);
        made.prefix = tuple.into_iter().flat_map(Node::items).map(|item| self.step(beside(item))).collect();
        let others = match items {
            Some(items) if items.kind() == Kind::Array => node.get("additionalItems"),
            items => items,
        };
        made.items = others.map(|below| self.step(beside(below)));
        if let Some(below) = node.get("contains").map(beside) {
            made.contains = Some((self.condition(below), self.step(below)));
        }
    }

    // Annotations written below a keyword whose subschemas are not entered. References from there are not followed: what
    // they lead to is entered from elsewhere, or is in `$defs` and is no demand by itself.
    fn refuse(&mut self, at: At, below: Node<'_>, keyword: &'static str) {
        for member in below.members() {
            if member.key.text() == self.name {
                self.made.unreachable.push((SchemaRegistry::relative_to(at, member.value), keyword));
            }
            self.refuse(at, member.value, keyword);
        }
        for item in below.items() {
            self.refuse(at, item, keyword);
        }
    }
}
