//! Compiles a schema to demands. A subschema with a keyword that is not known here is hard: its values are the validator's.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::{
    Applicator, Applicators, ArrayNode, Enum, Fallback, FastValidator, IrNode, IrNodeId, ObjectNode, Property, Range, StringNode, exact,
};
use crate::registry::{At, SchemaRegistry};
use crate::{Engine, Types, formats, json_impl};
use chancery_core::tree::{Kind, Member, Node, key_hash};

// A wider schema is the validator's.
const MAX_NODES: usize = 1 << 14;

/// The demands of the subschema `root`; `None` for a dialect that is not known here.
pub(crate) fn compile(registry: &SchemaRegistry, root: At, formats: bool, engine: Engine) -> Option<FastValidator> {
    let draft = registry.draft_at(root);
    let dialect = match draft {
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        Draft::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        _ => return None,
    };
    if !registry.is_plain(draft) {
        return None;
    }
    let mut compiler = Compiler {
        registry,
        draft,
        dialect,
        formats,
        engine,
        nodes: vec![IrNode::unsupported()],
        known: HashMap::new(),
        waiting: Vec::new(),
        fallbacks: HashMap::new(),
        patterns: HashMap::new(),
    };
    let root = compiler.node(root);
    while let Some((at, id)) = compiler.waiting.pop() {
        compiler.nodes[id as usize] = compiler.subschema(at).unwrap_or_else(IrNode::unsupported);
    }
    let mut nodes = compiler.nodes;
    break_cycles(&mut nodes);
    // Where the root is hard, every record is the validator's.
    (!nodes[root as usize].unsupported).then_some(FastValidator { nodes, root })
}

const UNSUPPORTED_KEYWORDS: IrNodeId = 0;

struct Compiler<'l> {
    registry: &'l SchemaRegistry,
    draft: Draft,
    dialect: &'static str,
    formats: bool,
    engine: Engine,
    nodes: Vec<IrNode>,
    known: HashMap<At, IrNodeId>,
    waiting: Vec<(At, IrNodeId)>,
    // By text.
    fallbacks: HashMap<String, Arc<Fallback>>,
    patterns: HashMap<String, Arc<Pattern>>,
}

impl Compiler<'_> {
    fn node(&mut self, at: At) -> IrNodeId {
        let Some(at) = self.followed(at) else { return UNSUPPORTED_KEYWORDS };
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        if self.nodes.len() >= MAX_NODES {
            return UNSUPPORTED_KEYWORDS;
        }
        let id = self.nodes.len() as IrNodeId;
        self.nodes.push(IrNode::unsupported());
        self.known.insert(at, id);
        self.waiting.push((at, id));
        id
    }

    // A subschema that is nothing but a reference is what it refers to.
    fn followed(&self, mut at: At) -> Option<At> {
        const HOPS: usize = 16;
        for _ in 0..HOPS {
            let node = self.registry.node(at);
            let Some(text) = node.get("$ref").filter(|_| node.len() == 1 || self.registry.only_ref(at)) else { return Some(at) };
            at = self.target(at, text.text())?;
        }
        None
    }

    // Where a reference leads. An empty one the validator passes over, and one to a dynamic anchor it takes for dynamic.
    fn target(&self, at: At, text: &str) -> Option<At> {
        let target = self.registry.resolve(at, text).filter(|_| !text.is_empty())?;
        self.registry.node(target).get("$dynamicAnchor").is_none().then_some(target)
    }

    fn subschema(&mut self, at: At) -> Option<IrNode> {
        let node = self.registry.node(at);
        match node.kind() {
            Kind::Bool => Some(IrNode { types: if node.text() == "true" { Types::ANY } else { Types::NONE }, ..IrNode::any() }),
            Kind::Object => self.keywords(at, node),
            _ => None,
        }
    }

    fn keywords(&mut self, at: At, node: Node<'_>) -> Option<IrNode> {
        let mut ir = IrNode::any();
        let mut applicators = Applicators::default();
        let mut text = StringNode { least: 0, most: u64::MAX, patterns: Vec::new() };
        let mut range = Range::default();
        let (mut is_text, mut is_range, mut is_array, mut is_object) = (false, false, false, false);
        let mut fallback = Map::new();
        let mut left_types = Types::NONE;
        for member in node.members().filter(|member| !member.is_shadowed()) {
            let value = member.value;
            match member.key.text() {
                "$ref" => {
                    let target = self.target(at, value.text())?;
                    applicators.branches.push(Applicator::AllOf(vec![self.node(target)]));
                }
                "$schema" if Draft::from_schema_uri(value.text()) != self.draft => return None,
                "type" => {
                    let types = match value.kind() {
                        Kind::Array => value.items().try_fold(Types::NONE, |types, name| Some(types.or(Types::named(name.text())?)))?,
                        _ => Types::named(value.text())?,
                    };
                    ir.types = ir.types.and(types);
                }
                // Not always by its decimal value, which is how numbers are compared everywhere else.
                "const" if value.kind() == Kind::Number => {
                    ir.types = ir.types.and(Types::NUMBER);
                    fallback.insert("const".to_owned(), json_impl::to_value(value));
                    left_types = left_types.or(Types::NUMBER);
                }
                "enum" => applicators.allowed.push(Enum::of(value.items())),
                "const" => applicators.allowed.push(Enum::of([value])),
                "minLength" => (is_text, text.least) = (true, value.text().parse().ok()?),
                "maxLength" => (is_text, text.most) = (true, value.text().parse().ok()?),
                "pattern" => {
                    is_text = true;
                    text.patterns.push(self.pattern(value.text()));
                }
                "minimum" => (is_range, range.least) = (true, Some(exact(value.text())?)),
                "maximum" => (is_range, range.most) = (true, Some(exact(value.text())?)),
                "exclusiveMinimum" => (is_range, range.above) = (true, Some(exact(value.text())?)),
                "exclusiveMaximum" => (is_range, range.below) = (true, Some(exact(value.text())?)),
                "minItems" | "maxItems" | "uniqueItems" | "items" | "prefixItems" => is_array = true,
                "properties"
                | "required"
                | "additionalProperties"
                | "patternProperties"
                | "propertyNames"
                | "minProperties"
                | "maxProperties" => is_object = true,
                "dependentRequired" if self.draft >= Draft::Draft201909 => is_object = true,
                "format" if !self.formats => {}
                name @ ("format" | "contentEncoding" | "contentMediaType" | "multipleOf" | "dependentRequired") => {
                    fallback.insert(name.to_owned(), json_impl::to_value(value));
                    left_types = left_types.or(match name {
                        "multipleOf" => Types::NUMBER,
                        "dependentRequired" => Types::OBJECT,
                        _ => Types::STRING,
                    });
                }
                "allOf" => applicators.branches.push(Applicator::AllOf(self.list(at, value))),
                "anyOf" => applicators.branches.push(Applicator::AnyOf(self.list(at, value))),
                "oneOf" => applicators.branches.push(Applicator::OneOf(self.list(at, value))),
                "not" => applicators.branches.push(Applicator::Not(self.node(SchemaRegistry::relative_to(at, value)))),
                "if" if self.draft != Draft::Draft6 => {
                    let mut below = |name| node.get(name).map(|value| self.node(SchemaRegistry::relative_to(at, value)));
                    let (then, otherwise) = (below("then"), below("else"));
                    applicators.branches.push(Applicator::IfThenElse {
                        condition: self.node(SchemaRegistry::relative_to(at, value)),
                        then,
                        otherwise,
                    });
                }
                "additionalItems"
                | "contains"
                | "minContains"
                | "maxContains"
                | "dependentSchemas"
                | "dependencies"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "$dynamicRef"
                | "$recursiveRef" => return None,
                // The rest says something of the value, and demands nothing.
                _ => {}
            }
        }
        ir.text = is_text.then(|| Box::new(text));
        ir.range = is_range.then(|| Box::new(range));
        ir.array = if is_array { Some(Box::new(self.array(at, node)?)) } else { None };
        ir.object = if is_object { Some(Box::new(self.object(at, node)?)) } else { None };
        applicators.fallback = (!fallback.is_empty()).then(|| self.fallback(fallback, left_types));
        let is_further = !applicators.allowed.is_empty() || applicators.fallback.is_some() || !applicators.branches.is_empty();
        ir.applicators = is_further.then(|| Box::new(applicators));
        Some(ir)
    }

    fn list(&mut self, at: At, list: Node<'_>) -> Vec<IrNodeId> {
        list.items().map(|item| self.node(SchemaRegistry::relative_to(at, item))).collect()
    }

    fn below(&mut self, at: At, node: Node<'_>, name: &str) -> Option<IrNodeId> {
        node.get(name).map(|value| self.node(SchemaRegistry::relative_to(at, value)))
    }

    fn array(&mut self, at: At, node: Node<'_>) -> Option<ArrayNode> {
        // Single items were declared by `items` before they had a keyword of their own.
        if node.get("items").is_some_and(|items| items.kind() == Kind::Array) {
            return None;
        }
        let has_prefix = self.draft == Draft::Draft202012;
        Some(ArrayNode {
            least: limit(node, "minItems")?.unwrap_or(0),
            most: limit(node, "maxItems")?.unwrap_or(usize::MAX),
            unique: node.get("uniqueItems").is_some_and(|flag| flag.text() == "true"),
            prefix: node.get("prefixItems").filter(|_| has_prefix).map(|list| self.list(at, list)).unwrap_or_default(),
            items: self.below(at, node, "items"),
        })
    }

    fn object(&mut self, at: At, node: Node<'_>) -> Option<ObjectNode> {
        let mut declared: Vec<Property> = Vec::new();
        let members = |name| node.get(name).into_iter().flat_map(Node::members).filter(|member| !member.is_shadowed());
        for member in members("properties") {
            let ir = Some(self.node(SchemaRegistry::relative_to(at, member.value)));
            declared.push(Property { hash: member.hash(), name: member.key.text().into(), node: ir, required: false });
        }
        let mut known: HashMap<Box<str>, usize> = declared.iter().enumerate().map(|(at, known)| (known.name.clone(), at)).collect();
        for name in node.get("required").into_iter().flat_map(Node::items).map(Node::text) {
            let at = *known.entry(name.into()).or_insert_with(|| {
                declared.push(Property { hash: key_hash(name), name: name.into(), node: None, required: true });
                declared.len() - 1
            });
            declared[at].required = true;
        }
        let patterns = members("patternProperties")
            .map(|member| (self.pattern(member.key.text()), self.node(SchemaRegistry::relative_to(at, member.value))))
            .collect();
        let mut object = ObjectNode {
            least: limit(node, "minProperties")?.unwrap_or(0),
            most: limit(node, "maxProperties")?.unwrap_or(usize::MAX),
            required: declared.iter().filter(|known| known.required).count(),
            properties: declared,
            table: Vec::new(),
            patterns,
            dependent: if self.draft >= Draft::Draft201909 { members("dependentRequired").map(dependent).collect() } else { Vec::new() },
            others: self.below(at, node, "additionalProperties"),
            names: self.below(at, node, "propertyNames"),
        };
        object.index();
        Some(object)
    }

    fn pattern(&mut self, text: &str) -> Arc<Pattern> {
        if let Some(pattern) = self.patterns.get(text) {
            return Arc::clone(pattern);
        }
        let keyword = Map::from_iter([("pattern".to_owned(), Value::from(text))]);
        let pattern = Arc::new(Pattern::new(text, self.fallback(keyword, Types::STRING)));
        self.patterns.insert(text.to_owned(), Arc::clone(&pattern));
        pattern
    }

    fn fallback(&mut self, mut keywords: Map<String, Value>, types: Types) -> Arc<Fallback> {
        let plain = keywords.get("format").filter(|_| keywords.len() == 1).and_then(Value::as_str).and_then(formats::plain);
        keywords.insert("$schema".to_owned(), Value::from(self.dialect));
        let schema = Value::Object(keywords);
        let (formats, engine) = (self.formats, self.engine);
        let fallback = || Arc::new(Fallback { types, schema: schema.clone(), formats, engine, plain, validator: OnceLock::new() });
        Arc::clone(self.fallbacks.entry(schema.to_string()).or_insert_with(fallback))
    }
}

fn dependent(member: Member<'_>) -> (Box<str>, Vec<Box<str>>) {
    (member.key.text().into(), member.value.items().map(|name| name.text().into()).collect())
}

impl IrNode {
    fn any() -> Self {
        Self { unsupported: false, types: Types::ANY, text: None, range: None, array: None, object: None, applicators: None }
    }

    fn unsupported() -> Self {
        Self { unsupported: true, ..Self::any() }
    }

    // Those that judge the same value.
    fn beside(&self) -> impl Iterator<Item = IrNodeId> {
        self.applicators.iter().flat_map(|applicators| &applicators.branches).flat_map(|branch| match branch {
            Applicator::AllOf(nodes) | Applicator::AnyOf(nodes) | Applicator::OneOf(nodes) => nodes.clone(),
            Applicator::Not(ir) => vec![*ir],
            Applicator::IfThenElse { condition, then, otherwise } => [Some(*condition), *then, *otherwise].into_iter().flatten().collect(),
        })
    }
}

impl Enum {
    fn of<'a>(values: impl IntoIterator<Item = Node<'a>>) -> Self {
        const FEW: usize = 24;
        let (texts, rest): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.kind() == Kind::String);
        let texts: Vec<Box<str>> = texts.into_iter().map(|value| value.text().into()).collect();
        let mut others: HashMap<u64, Vec<Value>> = HashMap::new();
        for value in rest {
            others.entry(value.hash_value()).or_default().push(json_impl::to_value(value));
        }
        let many = if texts.len() > FEW { texts.iter().cloned().collect() } else { HashSet::new() };
        Self { texts, many, others }
    }
}

// A limit that may be missing; `None` if it is not written as a plain count.
fn limit(node: Node<'_>, name: &str) -> Option<Option<usize>> {
    node.get(name).map(|value| value.text().parse().ok()).map_or(Some(None), |count| count.map(Some))
}

// Makes hard what refers to itself for the same value, and whatever leads there.
fn break_cycles(nodes: &mut [IrNode]) {
    let mut leads: Vec<Vec<IrNodeId>> = nodes.iter().map(|ir| ir.beside().collect()).collect();
    let mut open: Vec<usize> = leads.iter().map(Vec::len).collect();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (from, to) in leads.iter_mut().enumerate() {
        to.drain(..).for_each(|to| back[to as usize].push(from));
    }
    let mut done: Vec<usize> = (0..nodes.len()).filter(|ir| open[*ir] == 0).collect();
    while let Some(ir) = done.pop() {
        for from in std::mem::take(&mut back[ir]) {
            open[from] -= 1;
            if open[from] == 0 {
                done.push(from);
            }
        }
    }
    nodes.iter_mut().zip(open).filter(|(_, open)| *open > 0).for_each(|(ir, _)| ir.unsupported = true);
}
