//! Compiles a schema to demands. A subschema with a keyword that is not known here is hard: its values are the validator's.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::{Acceptor, ArrayDemand, Branch, Choices, Declared, Demand, DemandId, Further, Left, ObjectDemand, Range, TextDemand, exact};
use crate::schema::library::{At, Library};
use crate::schema::{Engine, Types, formats, spanned};
use crate::tree::{Kind, Member, Node, key_hash};

// A wider schema is the validator's.
const MOST_DEMANDS: usize = 1 << 14;

/// The demands of the subschema `root`; `None` for a dialect that is not known here.
pub(in crate::schema) fn acceptor(library: &Library, root: At, formats: bool, engine: Engine) -> Option<Acceptor> {
    let draft = library.draft_at(root);
    let dialect = match draft {
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        Draft::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        _ => return None,
    };
    if !library.is_plain(draft) {
        return None;
    }
    let mut compiler = Compiler {
        library,
        draft,
        dialect,
        formats,
        engine,
        demands: vec![Demand::hard()],
        known: HashMap::new(),
        waiting: Vec::new(),
        lefts: HashMap::new(),
        patterns: HashMap::new(),
    };
    let root = compiler.demand(root);
    while let Some((at, id)) = compiler.waiting.pop() {
        compiler.demands[id as usize] = compiler.subschema(at).unwrap_or_else(Demand::hard);
    }
    let mut demands = compiler.demands;
    end_circles(&mut demands);
    // Where the root is hard, every record is the validator's.
    (!demands[root as usize].hard).then_some(Acceptor { demands, root })
}

const HARD: DemandId = 0;

struct Compiler<'l> {
    library: &'l Library,
    draft: Draft,
    dialect: &'static str,
    formats: bool,
    engine: Engine,
    demands: Vec<Demand>,
    known: HashMap<At, DemandId>,
    waiting: Vec<(At, DemandId)>,
    // By text.
    lefts: HashMap<String, Arc<Left>>,
    patterns: HashMap<String, Arc<Pattern>>,
}

impl Compiler<'_> {
    fn demand(&mut self, at: At) -> DemandId {
        let Some(at) = self.followed(at) else { return HARD };
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        if self.demands.len() >= MOST_DEMANDS {
            return HARD;
        }
        let id = self.demands.len() as DemandId;
        self.demands.push(Demand::hard());
        self.known.insert(at, id);
        self.waiting.push((at, id));
        id
    }

    // A subschema that is nothing but a reference is what it refers to.
    fn followed(&self, mut at: At) -> Option<At> {
        const HOPS: usize = 16;
        for _ in 0..HOPS {
            let node = self.library.node(at);
            let Some(text) = node.get("$ref").filter(|_| node.len() == 1 || self.library.only_ref(at)) else { return Some(at) };
            at = self.target(at, text.text())?;
        }
        None
    }

    // Where a reference leads. An empty one the validator passes over, and one to a dynamic anchor it takes for dynamic.
    fn target(&self, at: At, text: &str) -> Option<At> {
        let target = self.library.resolve(at, text).filter(|_| !text.is_empty())?;
        self.library.node(target).get("$dynamicAnchor").is_none().then_some(target)
    }

    fn subschema(&mut self, at: At) -> Option<Demand> {
        let node = self.library.node(at);
        match node.kind() {
            Kind::Bool => Some(Demand { types: if node.text() == "true" { Types::ANY } else { Types::NONE }, ..Demand::any() }),
            Kind::Object => self.keywords(at, node),
            _ => None,
        }
    }

    fn keywords(&mut self, at: At, node: Node<'_>) -> Option<Demand> {
        let mut demand = Demand::any();
        let mut further = Further::default();
        let mut text = TextDemand { least: 0, most: u64::MAX, patterns: Vec::new() };
        let mut range = Range::default();
        let (mut is_text, mut is_range, mut is_array, mut is_object) = (false, false, false, false);
        let mut left = Map::new();
        let mut left_types = Types::NONE;
        for member in node.members().filter(|member| !member.is_shadowed()) {
            let value = member.value;
            match member.key.text() {
                "$ref" => {
                    let target = self.target(at, value.text())?;
                    further.branches.push(Branch::All(vec![self.demand(target)]));
                }
                "$schema" if Draft::from_schema_uri(value.text()) != self.draft => return None,
                "type" => {
                    let types = match value.kind() {
                        Kind::Array => value.items().try_fold(Types::NONE, |types, name| Some(types.or(Types::named(name.text())?)))?,
                        _ => Types::named(value.text())?,
                    };
                    demand.types = demand.types.and(types);
                }
                // Not always by its decimal value, which is how numbers are compared everywhere else.
                "const" if value.kind() == Kind::Number => {
                    demand.types = demand.types.and(Types::NUMBER);
                    left.insert("const".to_owned(), spanned::to_value(value));
                    left_types = left_types.or(Types::NUMBER);
                }
                "enum" => further.choices.push(Choices::of(value.items())),
                "const" => further.choices.push(Choices::of([value])),
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
                    left.insert(name.to_owned(), spanned::to_value(value));
                    left_types = left_types.or(match name {
                        "multipleOf" => Types::NUMBER,
                        "dependentRequired" => Types::OBJECT,
                        _ => Types::STRING,
                    });
                }
                "allOf" => further.branches.push(Branch::All(self.list(at, value))),
                "anyOf" => further.branches.push(Branch::Any(self.list(at, value))),
                "oneOf" => further.branches.push(Branch::One(self.list(at, value))),
                "not" => further.branches.push(Branch::Not(self.demand(Library::beside(at, value)))),
                "if" if self.draft != Draft::Draft6 => {
                    let mut below = |name| node.get(name).map(|value| self.demand(Library::beside(at, value)));
                    let (then, otherwise) = (below("then"), below("else"));
                    further.branches.push(Branch::When { condition: self.demand(Library::beside(at, value)), then, otherwise });
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
        demand.text = is_text.then(|| Box::new(text));
        demand.range = is_range.then(|| Box::new(range));
        demand.array = if is_array { Some(Box::new(self.array(at, node)?)) } else { None };
        demand.object = if is_object { Some(Box::new(self.object(at, node)?)) } else { None };
        further.left = (!left.is_empty()).then(|| self.left(left, left_types));
        let is_further = !further.choices.is_empty() || further.left.is_some() || !further.branches.is_empty();
        demand.further = is_further.then(|| Box::new(further));
        Some(demand)
    }

    fn list(&mut self, at: At, list: Node<'_>) -> Vec<DemandId> {
        list.items().map(|item| self.demand(Library::beside(at, item))).collect()
    }

    fn below(&mut self, at: At, node: Node<'_>, name: &str) -> Option<DemandId> {
        node.get(name).map(|value| self.demand(Library::beside(at, value)))
    }

    fn array(&mut self, at: At, node: Node<'_>) -> Option<ArrayDemand> {
        // Items one by one were told by `items` before they had a keyword of their own.
        if node.get("items").is_some_and(|items| items.kind() == Kind::Array) {
            return None;
        }
        let has_prefix = self.draft == Draft::Draft202012;
        Some(ArrayDemand {
            least: limit(node, "minItems")?.unwrap_or(0),
            most: limit(node, "maxItems")?.unwrap_or(usize::MAX),
            unique: node.get("uniqueItems").is_some_and(|flag| flag.text() == "true"),
            prefix: node.get("prefixItems").filter(|_| has_prefix).map(|list| self.list(at, list)).unwrap_or_default(),
            items: self.below(at, node, "items"),
        })
    }

    fn object(&mut self, at: At, node: Node<'_>) -> Option<ObjectDemand> {
        let mut declared: Vec<Declared> = Vec::new();
        let members = |name| node.get(name).into_iter().flat_map(Node::members).filter(|member| !member.is_shadowed());
        for member in members("properties") {
            let demand = Some(self.demand(Library::beside(at, member.value)));
            declared.push(Declared { hash: member.hash(), name: member.key.text().into(), demand, required: false });
        }
        let mut known: HashMap<Box<str>, usize> = declared.iter().enumerate().map(|(at, known)| (known.name.clone(), at)).collect();
        for name in node.get("required").into_iter().flat_map(Node::items).map(Node::text) {
            let at = *known.entry(name.into()).or_insert_with(|| {
                declared.push(Declared { hash: key_hash(name), name: name.into(), demand: None, required: true });
                declared.len() - 1
            });
            declared[at].required = true;
        }
        let patterns = members("patternProperties")
            .map(|member| (self.pattern(member.key.text()), self.demand(Library::beside(at, member.value))))
            .collect();
        let mut object = ObjectDemand {
            least: limit(node, "minProperties")?.unwrap_or(0),
            most: limit(node, "maxProperties")?.unwrap_or(usize::MAX),
            required: declared.iter().filter(|known| known.required).count(),
            declared,
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
        let pattern = Arc::new(Pattern::new(text, self.left(keyword, Types::STRING)));
        self.patterns.insert(text.to_owned(), Arc::clone(&pattern));
        pattern
    }

    fn left(&mut self, mut keywords: Map<String, Value>, types: Types) -> Arc<Left> {
        let plain = keywords.get("format").filter(|_| keywords.len() == 1).and_then(Value::as_str).and_then(formats::plain);
        keywords.insert("$schema".to_owned(), Value::from(self.dialect));
        let schema = Value::Object(keywords);
        let (formats, engine) = (self.formats, self.engine);
        let left = || Arc::new(Left { types, schema: schema.clone(), formats, engine, plain, validator: OnceLock::new() });
        Arc::clone(self.lefts.entry(schema.to_string()).or_insert_with(left))
    }
}

fn dependent(member: Member<'_>) -> (Box<str>, Vec<Box<str>>) {
    (member.key.text().into(), member.value.items().map(|name| name.text().into()).collect())
}

impl Demand {
    fn any() -> Self {
        Self { hard: false, types: Types::ANY, text: None, range: None, array: None, object: None, further: None }
    }

    fn hard() -> Self {
        Self { hard: true, ..Self::any() }
    }

    // Those that judge the same value.
    fn beside(&self) -> impl Iterator<Item = DemandId> {
        self.further.iter().flat_map(|further| &further.branches).flat_map(|branch| match branch {
            Branch::All(demands) | Branch::Any(demands) | Branch::One(demands) => demands.clone(),
            Branch::Not(demand) => vec![*demand],
            Branch::When { condition, then, otherwise } => [Some(*condition), *then, *otherwise].into_iter().flatten().collect(),
        })
    }
}

impl Choices {
    fn of<'a>(values: impl IntoIterator<Item = Node<'a>>) -> Self {
        const FEW: usize = 24;
        let (texts, rest): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.kind() == Kind::String);
        let texts: Vec<Box<str>> = texts.into_iter().map(|value| value.text().into()).collect();
        let mut others: HashMap<u64, Vec<Value>> = HashMap::new();
        for value in rest {
            others.entry(value.hash_value()).or_default().push(spanned::to_value(value));
        }
        let many = if texts.len() > FEW { texts.iter().cloned().collect() } else { HashSet::new() };
        Self { texts, many, others }
    }
}

// A limit that may be missing; `None` where it is not written as a plain count.
fn limit(node: Node<'_>, name: &str) -> Option<Option<usize>> {
    node.get(name).map(|value| value.text().parse().ok()).map_or(Some(None), |count| count.map(Some))
}

// Makes hard what refers to itself for the same value, and whatever leads there.
fn end_circles(demands: &mut [Demand]) {
    let mut leads: Vec<Vec<DemandId>> = demands.iter().map(|demand| demand.beside().collect()).collect();
    let mut open: Vec<usize> = leads.iter().map(Vec::len).collect();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); demands.len()];
    for (from, to) in leads.iter_mut().enumerate() {
        to.drain(..).for_each(|to| back[to as usize].push(from));
    }
    let mut done: Vec<usize> = (0..demands.len()).filter(|demand| open[*demand] == 0).collect();
    while let Some(demand) = done.pop() {
        for from in std::mem::take(&mut back[demand]) {
            open[from] -= 1;
            if open[from] == 0 {
                done.push(from);
            }
        }
    }
    demands.iter_mut().zip(open).filter(|(_, open)| *open > 0).for_each(|(demand, _)| demand.hard = true);
}
