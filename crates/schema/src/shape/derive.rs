//! Derives a [`Shape`]: parts are named by what applies to them, so that the same demands make the same part and recursive
//! schemas come to an end. Outermost parts come first; if a schema is too wide to be described in full, the rest is anything.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::{ANY, NamePattern, PartData, PartId, Shape, Types};
use crate::registry::{At, SchemaRegistry};
use chancery_core::tree::{Kind, Node, key_hash, number};

// Parts of the widest schemas in use stay below; what is cut off lies many levels deep.
const MOST_PARTS: usize = 1 << 14;
// Beyond this many subschemas, what applies to a value is held as one union.
const MOST_JOINED: usize = 64;
// Beyond this many visits to subschemas, what is not yet known is taken for anything.
const MOST_VISITS: usize = 1 << 18;

/// What applies to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Goal {
    One(At),
    All(Vec<Goal>),
    Either(Vec<Goal>),
}

impl Goal {
    fn join(self, other: Goal, all: bool) -> Goal {
        if self == other {
            return self;
        }
        let mut goals = Vec::new();
        for goal in [self, other] {
            match goal {
                Goal::All(inner) if all => goals.extend(inner),
                Goal::Either(inner) if !all => goals.extend(inner),
                goal => goals.push(goal),
            }
        }
        let mut seen = HashSet::new();
        goals.retain(|goal| seen.insert(goal.clone()));
        if goals.len() == 1 {
            return goals.swap_remove(0);
        }
        let joined = if all { Goal::All(goals) } else { Goal::Either(goals) };
        // Alternation without end, as recursive schemas can make it, would make ever new goals.
        if joined.depth() > 3 || joined.size() > MOST_JOINED {
            let mut flat = Vec::new();
            joined.flatten(&mut flat);
            flat.sort_unstable();
            flat.dedup();
            flat.truncate(MOST_JOINED);
            return Goal::Either(flat.into_iter().map(Goal::One).collect());
        }
        joined
    }

    fn depth(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::All(goals) | Self::Either(goals) => 1 + goals.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::All(goals) | Self::Either(goals) => goals.iter().map(Self::size).sum(),
        }
    }

    fn flatten(&self, flat: &mut Vec<At>) {
        match self {
            Self::One(at) => flat.push(*at),
            Self::All(goals) | Self::Either(goals) => goals.iter().for_each(|goal| goal.flatten(flat)),
        }
    }
}

/// What a subschema says, its references and branches joined.
#[derive(Clone, Default)]
struct PartFacts {
    // `None`: any type.
    types: Option<Types>,
    members: Vec<(Arc<str>, Goal)>,
    known: HashMap<Arc<str>, usize>,
    required: Vec<Arc<str>>,
    patterns: Vec<(Arc<NamePattern>, Goal)>,
    others: Option<Goal>,
    closed: bool,
    items: Option<Goal>,
    prefix: Vec<Goal>,
    choices: Option<Vec<At>>,
    described_by: Vec<At>,
    sensitive: bool,
    references: Vec<At>,
}

impl PartFacts {
    fn types(&self) -> Types {
        self.types.unwrap_or(Types::ANY)
    }

    fn goal(&self, name: &str) -> Option<Goal> {
        if let Some(at) = self.known.get(name) {
            return Some(self.members[*at].1.clone());
        }
        let mut matching = self.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, goal)| goal.clone());
        match matching.next() {
            Some(first) => Some(matching.fold(first, |all, goal| all.join(goal, true))),
            None => self.others.clone(),
        }
    }

    fn declare(&mut self, name: &Arc<str>, goal: Goal) {
        self.known.insert(Arc::clone(name), self.members.len());
        self.members.push((Arc::clone(name), goal));
    }

    // Joins the members of both: where only one side declares a name, what the other says of undeclared ones counts too.
    fn join_members(&mut self, other: &PartFacts, all: bool) {
        let mut joined = PartFacts::default();
        for (name, goal) in &self.members {
            let goal = other.goal(name).map_or_else(|| goal.clone(), |theirs| goal.clone().join(theirs, all));
            joined.declare(name, goal);
        }
        for (name, goal) in &other.members {
            if !self.known.contains_key(name) {
                let goal = self.goal(name).map_or_else(|| goal.clone(), |ours| ours.join(goal.clone(), all));
                joined.declare(name, goal);
            }
        }
        self.members = joined.members;
        self.known = joined.known;
        self.patterns.extend(other.patterns.iter().cloned());
    }

    fn join_items(&mut self, other: &PartFacts, all: bool) {
        let join = |ours: Option<Goal>, theirs: Option<Goal>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some(ours.join(theirs, all)),
            (ours, theirs) => ours.or(theirs),
        };
        let at = |facts: &PartFacts, index: usize| facts.prefix.get(index).cloned().or_else(|| facts.items.clone());
        let longest = self.prefix.len().max(other.prefix.len());
        let prefix = (0..longest).filter_map(|index| join(at(self, index), at(other, index))).collect();
        self.items = join(self.items.take(), other.items.clone());
        self.prefix = prefix;
    }

    fn and(&mut self, other: PartFacts) {
        self.types = match (self.types, other.types) {
            (Some(ours), Some(theirs)) => Some(ours.and(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.join_members(&other, true);
        self.join_items(&other, true);
        self.others = match (self.others.take(), other.others) {
            (Some(ours), Some(theirs)) => Some(ours.join(theirs, true)),
            (ours, theirs) => ours.or(theirs),
        };
        for name in other.required {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
        self.closed |= other.closed;
        self.choices = self.choices.take().or(other.choices);
        self.described_by.extend(other.described_by);
        self.mark(other.sensitive, &other.references);
    }

    // Adds what the subschemas of another branch say of how the value is to be treated.
    fn mark(&mut self, sensitive: bool, references: &[At]) {
        self.sensitive |= sensitive;
        for reference in references {
            if !self.references.contains(reference) {
                self.references.push(*reference);
            }
        }
    }

    fn or(&mut self, other: PartFacts) {
        self.mark(other.sensitive, &other.references);
        let both_objects = self.types().allows(Types::OBJECT) && other.types().allows(Types::OBJECT);
        if both_objects {
            self.required.retain(|name| other.required.contains(name));
            self.closed &= other.closed;
        } else if other.types().allows(Types::OBJECT) {
            self.required.clone_from(&other.required);
            self.closed = other.closed;
        }
        self.join_members(&other, false);
        self.join_items(&other, false);
        self.others = match (self.others.take(), other.others) {
            (Some(ours), Some(theirs)) => Some(ours.join(theirs, false)),
            (ours, theirs) => ours.or(theirs),
        };
        self.choices = match (self.choices.take(), other.choices) {
            (Some(mut ours), Some(theirs)) => {
                ours.extend(theirs);
                Some(ours)
            }
            _ => None,
        };
        self.types = match (self.types, other.types) {
            (Some(ours), Some(theirs)) => Some(ours.or(theirs)),
            _ => None,
        };
        self.described_by = Vec::new();
    }
}

struct Deriver<'l> {
    registry: &'l SchemaRegistry,
    root: At,
    parts: HashMap<Goal, PartId>,
    waiting: VecDeque<(Goal, PartId)>,
    made: Vec<PartData>,
    patterns: HashMap<String, Arc<NamePattern>>,
    // Subschemas being looked at, against references in a circle.
    open: Vec<At>,
    // The lowest index into `open` at which a circle was cut: what was found above it depends on the way that led there.
    cut: usize,
    visits: usize,
    // How often each subschema was looked at, and what it says where that was more than once and depends on no circle.
    visited: HashMap<At, Option<PartFacts>>,
}

/// The shape of the subschema `root`.
pub(super) fn shape(registry: &Arc<SchemaRegistry>, root: At) -> Shape {
    let mut deriver = Deriver {
        registry,
        root,
        parts: HashMap::new(),
        waiting: VecDeque::new(),
        made: vec![PartData::any()],
        patterns: HashMap::new(),
        open: Vec::new(),
        cut: usize::MAX,
        visits: 0,
        visited: HashMap::new(),
    };
    let root = deriver.part(Goal::One(root));
    while let Some((goal, id)) = deriver.waiting.pop_front() {
        let facts = deriver.facts(&goal);
        deriver.made[id as usize] = deriver.finish(&goal, facts);
    }
    Shape { registry: Arc::clone(registry), parts: deriver.made, root, origin: None }
}

impl Deriver<'_> {
    fn part(&mut self, goal: Goal) -> PartId {
        let goal = self.followed(goal);
        if let Some(id) = self.parts.get(&goal) {
            return *id;
        }
        if self.made.len() >= MOST_PARTS {
            return ANY;
        }
        let id = self.made.len() as PartId;
        self.made.push(PartData::any());
        self.parts.insert(goal.clone(), id);
        self.waiting.push_back((goal, id));
        id
    }

    // A subschema that is nothing but a reference is what it refers to.
    fn followed(&self, goal: Goal) -> Goal {
        const HOPS: usize = 16;
        let Goal::One(mut at) = goal else { return goal };
        for _ in 0..HOPS {
            let node = self.registry.node(at);
            let target = node.get("$ref").filter(|_| node.len() == 1).and_then(|text| self.registry.resolve(at, text.text()));
            let Some(target) = target else { break };
            at = target;
        }
        Goal::One(at)
    }

    fn finish(&mut self, goal: &Goal, facts: PartFacts) -> PartData {
        const FEW: usize = 64;
        let types = facts.types();
        let index = if facts.members.len() > FEW {
            facts.members.iter().enumerate().map(|(at, (name, _))| (Arc::clone(name), at as u32)).collect()
        } else {
            HashMap::new()
        };
        PartData {
            types,
            hashes: facts.members.iter().map(|(name, _)| key_hash(name)).collect(),
            members: facts.members.into_iter().map(|(name, goal)| (name, self.part(goal))).collect(),
            index,
            required: facts.required,
            patterns: facts.patterns.into_iter().map(|(pattern, goal)| (pattern, self.part(goal))).collect(),
            others: facts.others.map(|goal| self.part(goal)),
            closed: facts.closed,
            items: facts.items.map(|goal| self.part(goal)),
            prefix: facts.prefix.into_iter().map(|goal| self.part(goal)).collect(),
            choices: facts.choices,
            described_by: facts.described_by,
            sensitive: facts.sensitive,
            references: facts.references,
            first: first(goal),
            pointer: std::sync::OnceLock::new(),
        }
    }

    fn facts(&mut self, goal: &Goal) -> PartFacts {
        match goal {
            Goal::One(at) => self.subschema(*at),
            Goal::All(goals) => {
                let mut facts = PartFacts::default();
                for goal in goals {
                    let more = self.facts(goal);
                    facts.and(more);
                }
                facts
            }
            Goal::Either(goals) => {
                let branches = goals.iter().map(|goal| self.facts(goal)).collect();
                either(branches)
            }
        }
    }

    fn subschema(&mut self, at: At) -> PartFacts {
        if let Some(Some(facts)) = self.visited.get(&at) {
            return facts.clone();
        }
        // Deep chains of references say nothing that matters here, and would cost the stack.
        let circle = self.open.iter().position(|open| *open == at);
        if circle.is_some() || self.open.len() > 100 || self.visits >= MOST_VISITS {
            self.cut = self.cut.min(circle.unwrap_or(0));
            return PartFacts::default();
        }
        self.visits += 1;
        let node = self.registry.node(at);
        match node.kind() {
            Kind::Bool if node.text() == "false" => return PartFacts { types: Some(Types::NONE), ..PartFacts::default() },
            Kind::Object => {}
            _ => return PartFacts::default(),
        }
        let outside = std::mem::replace(&mut self.cut, usize::MAX);
        self.open.push(at);
        let mut facts = self.object(at, node);
        facts.settle();
        self.open.pop();
        if self.cut >= self.open.len() {
            // Only what is shared is worth the memory.
            let known = self.visited.contains_key(&at).then(|| facts.clone());
            self.visited.insert(at, known);
            self.cut = outside;
        } else {
            self.cut = self.cut.min(outside);
        }
        facts
    }

    fn object(&mut self, at: At, node: Node<'_>) -> PartFacts {
        let reference = node.get("$ref").filter(|text| text.kind() == Kind::String);
        let mut facts = if reference.is_some() && self.registry.only_ref(at) {
            // Beside a reference that is alone nothing is asserted, but a mark is no assertion.
            let sensitive = node.get("x-sensitive").is_some_and(|flag| flag.text() == "true");
            PartFacts { described_by: vec![at], sensitive, ..PartFacts::default() }
        } else {
            self.own(at, node)
        };
        if let Some(text) = reference
            && let Some(target) = self.registry.resolve(at, text.text())
        {
            let more = self.subschema(target);
            facts.and(more);
        }
        if reference.is_some() && self.registry.only_ref(at) {
            return facts;
        }
        if let Some(text) = node.get("$dynamicRef").or_else(|| node.get("$recursiveRef"))
            && let Some(target) = self.registry.resolve_dynamic(at, text.text(), self.root)
        {
            let more = self.subschema(target);
            facts.and(more);
        }
        for branch in node.get("allOf").into_iter().flat_map(Node::items) {
            let more = self.subschema(SchemaRegistry::relative_to(at, branch));
            facts.and(more);
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(list) = node.get(name).filter(|list| !list.is_empty()) {
                let branches = list.items().map(|branch| self.subschema(SchemaRegistry::relative_to(at, branch))).collect();
                facts.and(either(branches));
            }
        }
        self.conditions(at, node, &mut facts);
        facts
    }

    // What `if` decides: members of both ways; a type only where both ways narrow it.
    fn conditions(&mut self, at: At, node: Node<'_>, facts: &mut PartFacts) {
        if node.get("if").is_some() {
            let branches: Vec<PartFacts> = ["then", "else"]
                .into_iter()
                .map(|name| {
                    node.get(name).map_or_else(PartFacts::default, |branch| self.subschema(SchemaRegistry::relative_to(at, branch)))
                })
                .collect();
            facts.and(either(branches));
        }
        for list in ["dependentSchemas", "dependencies"] {
            for member in node.get(list).into_iter().flat_map(Node::members).filter(|member| member.value.kind() == Kind::Object) {
                let branch = self.subschema(SchemaRegistry::relative_to(at, member.value));
                facts.and(either(vec![branch, PartFacts::default()]));
            }
        }
    }

    // What the subschema says by itself.
    fn own(&mut self, at: At, node: Node<'_>) -> PartFacts {
        let mut facts = PartFacts { described_by: vec![at], ..PartFacts::default() };
        for member in node.members() {
            let value = member.value;
            let goal = || Goal::One(SchemaRegistry::relative_to(at, value));
            match member.key.text() {
                "type" => {
                    let named = |node: Node<'_>| Types::named(node.text()).unwrap_or(Types::ANY);
                    let types = match value.kind() {
                        Kind::Array => value.items().map(named).fold(Types::NONE, Types::or),
                        _ => named(value),
                    };
                    facts.narrow(types);
                }
                "enum" => {
                    facts.narrow(value.items().map(type_of).fold(Types::NONE, Types::or));
                    facts.choices = Some(value.items().map(|item| SchemaRegistry::relative_to(at, item)).collect());
                }
                "const" => {
                    facts.narrow(type_of(value));
                    facts.choices = Some(vec![SchemaRegistry::relative_to(at, value)]);
                }
                "required" => facts.required = value.items().map(|name| name.text().into()).collect(),
                "patternProperties" => {
                    for member in value.members() {
                        let text = member.key.text();
                        let pattern = self.patterns.entry(text.to_owned()).or_insert_with(|| Arc::new(NamePattern::new(text)));
                        facts.patterns.push((Arc::clone(pattern), Goal::One(SchemaRegistry::relative_to(at, member.value))));
                    }
                }
                "additionalProperties" | "unevaluatedProperties" => match value.kind() {
                    Kind::Bool => facts.closed |= value.text() == "false",
                    _ => facts.others = Some(goal()),
                },
                "items" if value.kind() == Kind::Array => {
                    facts.prefix = value.items().map(|item| Goal::One(SchemaRegistry::relative_to(at, item))).collect();
                }
                "prefixItems" => facts.prefix = value.items().map(|item| Goal::One(SchemaRegistry::relative_to(at, item))).collect(),
                "items" | "unevaluatedItems" => facts.items = Some(goal()),
                "x-sensitive" => facts.sensitive |= value.text() == "true",
                "x-references" => facts.references.push(SchemaRegistry::relative_to(at, value)),
                // Which items these are is not known before a record is read.
                "contains" => facts.sensitive |= value.get("x-sensitive").is_some_and(|flag| flag.text() == "true"),
                "additionalItems" if node.get("items").is_some_and(|items| items.kind() == Kind::Array) => facts.items = Some(goal()),
                _ => {}
            }
        }
        // After the rest, so that patterns of names are known.
        for member in node.get("properties").into_iter().flat_map(Node::members) {
            let name: Arc<str> = member.key.text().into();
            let goal = Goal::One(SchemaRegistry::relative_to(at, member.value));
            let patterns = facts.patterns.iter().filter(|(pattern, _)| pattern.matches(&name));
            let goal = patterns.fold(goal, |goal, (_, more)| goal.join(more.clone(), true));
            if facts.known.contains_key(&name) {
                continue;
            }
            facts.declare(&name, goal);
        }
        facts
    }
}

impl PartFacts {
    // Omits what several branches repeat, without which shared branches would double it at each level.
    fn settle(&mut self) {
        let mut seen = HashSet::new();
        self.described_by.retain(|at| seen.insert(*at));
        if let Some(choices) = &mut self.choices {
            seen.clear();
            choices.retain(|at| seen.insert(*at));
        }
        let mut seen = HashSet::new();
        self.patterns.retain(|(pattern, goal)| seen.insert((Arc::as_ptr(pattern), goal.clone())));
    }

    fn narrow(&mut self, types: Types) {
        self.types = Some(self.types().and(types));
    }
}

// Branches of which one holds. A branch that nothing satisfies does not count, and one for null alone adds only that type.
fn either(mut branches: Vec<PartFacts>) -> PartFacts {
    let sensitive = branches.iter().any(|branch| branch.sensitive);
    let references: Vec<At> = branches.iter().flat_map(|branch| branch.references.iter().copied()).collect();
    branches.retain(|branch| branch.types() != Types::NONE);
    let null = |branch: &PartFacts| branch.types() == Types::NULL && branch.choices.is_none();
    let nullable = branches.iter().any(null) && !branches.iter().all(null);
    if nullable {
        branches.retain(|branch| !null(branch));
    }
    let mut branches = branches.into_iter();
    let Some(mut facts) = branches.next() else {
        return PartFacts { types: Some(Types::NONE), sensitive, references, ..PartFacts::default() };
    };
    facts.mark(sensitive, &references);
    for branch in branches {
        facts.or(branch);
    }
    if nullable {
        facts.types = facts.types.map(|types| types.or(Types::NULL));
    }
    facts
}

fn type_of(value: Node<'_>) -> Types {
    match value.kind() {
        Kind::Number if number::is_integer(value.text()) => Types::INTEGER,
        kind => Types::of(kind),
    }
}

// The first subschema of a goal: the one to point at.
fn first(goal: &Goal) -> Option<At> {
    match goal {
        Goal::One(at) => Some(*at),
        Goal::All(goals) | Goal::Either(goals) => goals.first().and_then(first),
    }
}
