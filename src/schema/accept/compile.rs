//! Compiles a schema to rules. A subschema with a keyword that is not known here is hard: its values are the validator's.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::{Acceptor, ArrayRule, Branch, Choices, Declared, Further, Left, ObjectRule, Range, Rule, RuleId, TextPattern, TextRule, exact};
use crate::schema::library::{At, Library};
use crate::schema::{Types, formats, spanned};
use crate::tree::{Kind, Node, key_hash};

// A wider schema is the validator's.
const MOST_RULES: usize = 1 << 14;

/// The rules of the subschema `root`; `None` for a dialect that is not known here.
pub(in crate::schema) fn acceptor(library: &Library, root: At, formats: bool) -> Option<Acceptor> {
    let draft = library.draft_at(root);
    let dialect = match draft {
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        Draft::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        _ => return None,
    };
    if !library.is_all_of(draft) {
        return None;
    }
    let mut compiler = Compiler {
        library,
        draft,
        dialect,
        formats,
        rules: vec![Rule::hard()],
        known: HashMap::new(),
        waiting: Vec::new(),
        lefts: HashMap::new(),
        patterns: HashMap::new(),
    };
    let root = compiler.rule(root);
    while let Some((at, id)) = compiler.waiting.pop() {
        let rule = compiler.subschema(at).unwrap_or_else(Rule::hard);
        compiler.rules[id as usize] = rule;
    }
    let mut rules = compiler.rules;
    end_circles(&mut rules);
    Some(Acceptor { rules, root })
}

const HARD: RuleId = 0;

struct Compiler<'l> {
    library: &'l Library,
    draft: Draft,
    dialect: &'static str,
    formats: bool,
    rules: Vec<Rule>,
    known: HashMap<At, RuleId>,
    waiting: Vec<(At, RuleId)>,
    // By text.
    lefts: HashMap<String, Arc<Left>>,
    patterns: HashMap<String, TextPattern>,
}

impl Compiler<'_> {
    fn rule(&mut self, at: At) -> RuleId {
        let Some(at) = self.followed(at) else { return HARD };
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        if self.rules.len() >= MOST_RULES {
            return HARD;
        }
        let id = self.rules.len() as RuleId;
        self.rules.push(Rule::hard());
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
            at = self.library.resolve(at, text.text())?;
        }
        None
    }

    fn subschema(&mut self, at: At) -> Option<Rule> {
        let node = self.library.node(at);
        match node.kind() {
            Kind::Bool => Some(Rule { types: if node.text() == "true" { Types::ANY } else { Types::NONE }, ..Rule::any() }),
            Kind::Object => self.keywords(at, node),
            _ => None,
        }
    }

    fn keywords(&mut self, at: At, node: Node<'_>) -> Option<Rule> {
        let mut rule = Rule::any();
        let mut further = Further::default();
        let mut text = TextRule { limited: false, least: 0, most: u64::MAX, patterns: Vec::new() };
        let mut range = Range::default();
        let (mut is_text, mut is_range, mut is_array, mut is_object) = (false, false, false, false);
        let mut left = Map::new();
        let mut left_types = Types::NONE;
        for member in node.members().filter(|member| !member.is_shadowed()) {
            let value = member.value;
            match member.key.text() {
                "$ref" => {
                    let target = self.library.resolve(at, value.text())?;
                    further.branches.push(Branch::All(vec![self.rule(target)]));
                }
                "$schema" if Draft::from_schema_uri(value.text()) != self.draft => return None,
                "type" => {
                    rule.types = match value.kind() {
                        Kind::Array => value.items().try_fold(Types::NONE, |types, name| Some(types.or(Types::named(name.text())?)))?,
                        _ => Types::named(value.text())?,
                    }
                }
                "enum" => further.choices.push(Choices::of(value.items())),
                "const" => further.choices.push(Choices::of([value])),
                "minLength" => (is_text, text.least) = (true, count(value)?),
                "maxLength" => (is_text, text.most) = (true, count(value)?),
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
                "not" => further.branches.push(Branch::Not(self.rule(Library::beside(at, value)))),
                "if" => {
                    let mut below = |name| node.get(name).map(|value| self.rule(Library::beside(at, value)));
                    let (then, otherwise) = (below("then"), below("else"));
                    further.branches.push(Branch::When { condition: self.rule(Library::beside(at, value)), then, otherwise });
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
        text.limited = text.least > 0 || text.most < u64::MAX;
        rule.text = is_text.then(|| Box::new(text));
        rule.range = is_range.then(|| Box::new(range));
        rule.array = if is_array { Some(Box::new(self.array(at, node)?)) } else { None };
        rule.object = if is_object { Some(Box::new(self.object(at, node)?)) } else { None };
        further.left = (!left.is_empty()).then(|| self.left(left, left_types));
        let is_further = !further.choices.is_empty() || further.left.is_some() || !further.branches.is_empty();
        rule.further = is_further.then(|| Box::new(further));
        Some(rule)
    }

    fn list(&mut self, at: At, list: Node<'_>) -> Vec<RuleId> {
        list.items().map(|item| self.rule(Library::beside(at, item))).collect()
    }

    fn below(&mut self, at: At, node: Node<'_>, name: &str) -> Option<RuleId> {
        node.get(name).map(|value| self.rule(Library::beside(at, value)))
    }

    fn array(&mut self, at: At, node: Node<'_>) -> Option<ArrayRule> {
        // Items one by one were told by `items` before they had a keyword of their own.
        if node.get("items").is_some_and(|items| items.kind() == Kind::Array) {
            return None;
        }
        let has_prefix = self.draft == Draft::Draft202012;
        Some(ArrayRule {
            least: limit(node, "minItems")?.unwrap_or(0),
            most: limit(node, "maxItems")?.unwrap_or(usize::MAX),
            unique: node.get("uniqueItems").is_some_and(|flag| flag.text() == "true"),
            prefix: node.get("prefixItems").filter(|_| has_prefix).map(|list| self.list(at, list)).unwrap_or_default(),
            items: self.below(at, node, "items"),
        })
    }

    fn object(&mut self, at: At, node: Node<'_>) -> Option<ObjectRule> {
        let mut declared: Vec<Declared> = Vec::new();
        let members = |name| node.get(name).into_iter().flat_map(Node::members).filter(|member| !member.is_shadowed());
        for member in members("properties") {
            let rule = Some(self.rule(Library::beside(at, member.value)));
            declared.push(Declared { hash: member.hash(), name: member.key.text().into(), rule, required: false });
        }
        let mut known: HashMap<Box<str>, usize> = declared.iter().enumerate().map(|(at, known)| (known.name.clone(), at)).collect();
        for name in node.get("required").into_iter().flat_map(Node::items).map(Node::text) {
            let at = *known.entry(name.into()).or_insert_with(|| {
                declared.push(Declared { hash: key_hash(name), name: name.into(), rule: None, required: true });
                declared.len() - 1
            });
            declared[at].required = true;
        }
        let patterns = members("patternProperties")
            .map(|member| (self.pattern(member.key.text()), self.rule(Library::beside(at, member.value))))
            .collect();
        let mut object = ObjectRule {
            least: limit(node, "minProperties")?.unwrap_or(0),
            most: limit(node, "maxProperties")?.unwrap_or(usize::MAX),
            required: declared.iter().filter(|known| known.required).count(),
            declared,
            table: Vec::new(),
            patterns,
            others: self.below(at, node, "additionalProperties"),
            names: self.below(at, node, "propertyNames"),
        };
        object.index();
        Some(object)
    }

    fn pattern(&mut self, text: &str) -> TextPattern {
        if let Some(pattern) = self.patterns.get(text) {
            return pattern.clone();
        }
        let pattern = Pattern::new(text).map_or_else(
            || {
                let keyword = Map::from_iter([("pattern".to_owned(), Value::from(text))]);
                TextPattern::Left(self.left(keyword, Types::STRING))
            },
            |pattern| TextPattern::Plain(Arc::new(pattern)),
        );
        self.patterns.insert(text.to_owned(), pattern.clone());
        pattern
    }

    fn left(&mut self, mut keywords: Map<String, Value>, types: Types) -> Arc<Left> {
        let plain = keywords.get("format").filter(|_| keywords.len() == 1).and_then(Value::as_str).and_then(formats::plain);
        keywords.insert("$schema".to_owned(), Value::from(self.dialect));
        let schema = Value::Object(keywords);
        let formats = self.formats;
        let left = || Arc::new(Left { types, schema: schema.clone(), formats, plain, validator: OnceLock::new() });
        Arc::clone(self.lefts.entry(schema.to_string()).or_insert_with(left))
    }
}

impl Rule {
    fn any() -> Self {
        Self { hard: false, types: Types::ANY, text: None, range: None, array: None, object: None, further: None }
    }

    fn hard() -> Self {
        Self { hard: true, ..Self::any() }
    }

    // The rules that judge the same value.
    fn beside(&self) -> impl Iterator<Item = RuleId> {
        self.further.iter().flat_map(|further| &further.branches).flat_map(|branch| match branch {
            Branch::All(rules) | Branch::Any(rules) | Branch::One(rules) => rules.clone(),
            Branch::Not(rule) => vec![*rule],
            Branch::When { condition, then, otherwise } => [Some(*condition), *then, *otherwise].into_iter().flatten().collect(),
        })
    }
}

impl Choices {
    fn of<'a>(values: impl IntoIterator<Item = Node<'a>>) -> Self {
        let (texts, others): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.kind() == Kind::String);
        Self {
            texts: texts.into_iter().map(|value| value.text().into()).collect(),
            others: others.into_iter().map(spanned::to_value).collect(),
        }
    }
}

fn count(value: Node<'_>) -> Option<u64> {
    value.text().parse().ok()
}

// A limit that may be missing; `None` where it is not written as a plain count.
fn limit(node: Node<'_>, name: &str) -> Option<Option<usize>> {
    node.get(name).map(|value| value.text().parse().ok()).map_or(Some(None), |count| count.map(Some))
}

// Makes hard what refers to itself for the same value, and whatever leads there.
fn end_circles(rules: &mut [Rule]) {
    let mut leads: Vec<Vec<RuleId>> = rules.iter().map(|rule| rule.beside().collect()).collect();
    let mut open: Vec<usize> = leads.iter().map(Vec::len).collect();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (from, to) in leads.iter_mut().enumerate() {
        to.drain(..).for_each(|to| back[to as usize].push(from));
    }
    let mut done: Vec<usize> = (0..rules.len()).filter(|rule| open[*rule] == 0).collect();
    while let Some(rule) = done.pop() {
        for from in std::mem::take(&mut back[rule]) {
            open[from] -= 1;
            if open[from] == 0 {
                done.push(from);
            }
        }
    }
    rules.iter_mut().zip(open).filter(|(_, open)| *open > 0).for_each(|(rule, _)| rule.hard = true);
}
