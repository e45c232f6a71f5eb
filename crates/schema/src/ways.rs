//! Counts the ways in which a schema applies to the same value, before any value is checked.
//!
//! A subschema applies others to the same value: by `allOf`, `$ref`, `if` and the like. If each of forty
//! levels refers to the next one twice, there are a million million paths to the last, and a validator follows each of them.
//! Such a schema is rejected, and so is one whose chain of references would overflow the stack.

use std::collections::{HashMap, HashSet};

use super::registry::{At, SchemaRegistry};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::tree::{Kind, Node};

/// The most ways on which one value may be met. Schemas in use stay below a thousand.
const MOST_WAYS: u64 = 1 << 17;
/// The most subschemas that may follow each other for one value.
const DEEPEST: usize = 1 << 10;

/// The finding for a schema that is too expensive to validate with.
pub(super) fn refuse(registry: &SchemaRegistry, root: At) -> Option<Diagnostic> {
    let graph = Graph::of(registry, root);
    let (at, excess) = graph.excess()?;
    let node = registry.node(at);
    let message = match excess {
        Excess::Ways => format!("subschema applies further subschemas to one value in more than {MOST_WAYS} ways"),
        Excess::Depth => format!("subschema applies further subschemas to one value more than {DEEPEST} levels deep"),
    };
    let finding = Diagnostic::new(&rules::TOO_MANY_WAYS, node.tree().source(), node.opening(), message).at(node.pointer());
    Some(finding.help("let each subschema refer to another one once: leave out repeated branches of \"allOf\", \"anyOf\" and \"oneOf\""))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Excess {
    Ways,
    Depth,
}

// The subschemas that can be reached, and which of them each applies to the same value.
pub(super) struct Graph {
    all: Vec<At>,
    applied: Vec<Vec<u32>>,
}

impl Graph {
    pub(super) fn of(registry: &SchemaRegistry, root: At) -> Self {
        let mut graph = Self { all: vec![root], applied: Vec::new() };
        let mut known = HashMap::from([(root, 0_u32)]);
        let mut next = 0;
        while next < graph.all.len() {
            let at = graph.all[next];
            next += 1;
            let mut applied = Vec::new();
            each(registry, at, root, |below, to_same_value| {
                let number = *known.entry(below).or_insert_with(|| {
                    graph.all.push(below);
                    (graph.all.len() - 1) as u32
                });
                if to_same_value {
                    applied.push(number);
                }
            });
            graph.applied.push(applied);
        }
        graph
    }

    /// The subschemas that can be reached.
    pub(super) fn subschemas(&self) -> impl Iterator<Item = At> {
        self.all.iter().copied()
    }

    // The first subschema from which there are too many ways, or too deep ones.
    fn excess(&self) -> Option<(At, Excess)> {
        let count = self.all.len();
        let mut open: Vec<usize> = self.applied.iter().map(Vec::len).collect();
        let mut above: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (from, applied) in self.applied.iter().enumerate() {
            applied.iter().for_each(|to| above[*to as usize].push(from as u32));
        }
        let mut ways = vec![1_u64; count];
        let mut depth = vec![1_usize; count];
        let mut done: Vec<u32> = (0..count as u32).filter(|at| open[*at as usize] == 0).collect();
        let mut known = vec![false; count];
        while let Some(at) = done.pop() {
            let at = at as usize;
            known[at] = true;
            if ways[at] > MOST_WAYS {
                return Some((self.all[at], Excess::Ways));
            }
            if depth[at] > DEEPEST {
                return Some((self.all[at], Excess::Depth));
            }
            for from in &above[at] {
                let from = *from as usize;
                ways[from] = ways[from].saturating_add(ways[at]);
                depth[from] = depth[from].max(depth[at] + 1);
                open[from] -= 1;
                if open[from] == 0 {
                    done.push(from as u32);
                }
            }
        }
        // What applies itself to the same value, over whatever detours: a validator ends each way where it closes, so that
        // the ways have to be gone to be counted.
        let mut steps = 0;
        let closed = (0..count).filter(|at| !known[*at]);
        closed.into_iter().find_map(|at| self.go(at, &known, &ways, &mut steps).map(|excess| (self.all[at], excess)))
    }

    fn go(&self, from: usize, known: &[bool], ways: &[u64], steps: &mut u64) -> Option<Excess> {
        let mut on_way = HashSet::from([from]);
        let mut stack = vec![(from, 0)];
        while let Some((at, next)) = stack.last_mut() {
            let Some(below) = self.applied[*at].get(*next) else {
                on_way.remove(at);
                stack.pop();
                continue;
            };
            let below = *below as usize;
            *next += 1;
            *steps += if known[below] { ways[below] } else { 1 };
            if *steps > MOST_WAYS {
                return Some(Excess::Ways);
            }
            if !known[below] && on_way.insert(below) {
                stack.push((below, 0));
                if stack.len() > DEEPEST {
                    return Some(Excess::Depth);
                }
            }
        }
        None
    }
}

// Calls `visit` with each subschema that `at` names, and whether it applies to the same value.
fn each(registry: &SchemaRegistry, at: At, root: At, mut visit: impl FnMut(At, bool)) {
    let node = registry.node(at);
    if node.kind() != Kind::Object {
        return;
    }
    let only_ref = registry.only_ref(at) && node.get("$ref").is_some();
    for member in node.members().filter(|member| !member.is_shadowed()) {
        let (value, is_object) = (member.value, member.value.kind() == Kind::Object);
        let mut beside = |node: Node<'_>, to_same_value| visit(SchemaRegistry::relative_to(at, node), to_same_value);
        match member.key.text() {
            "$ref" if value.kind() == Kind::String => {
                if let Some(target) = registry.resolve(at, value.text()) {
                    visit(target, true);
                }
            }
            _ if only_ref => {}
            "$dynamicRef" | "$recursiveRef" if value.kind() == Kind::String => {
                if let Some(target) = registry.resolve_dynamic(at, value.text(), root) {
                    visit(target, true);
                }
            }
            "allOf" | "anyOf" | "oneOf" => value.items().for_each(|item| beside(item, true)),
            "not" | "if" | "then" | "else" if is_object => beside(value, true),
            "dependentSchemas" | "dependencies" => value.members().for_each(|member| beside(member.value, true)),
            "properties" | "patternProperties" => value.members().for_each(|member| beside(member.value, false)),
            "items" | "prefixItems" => {
                value.items().for_each(|item| beside(item, false));
                if is_object {
                    beside(value, false);
                }
            }
            "additionalItems" | "unevaluatedItems" | "contains" | "additionalProperties" | "unevaluatedProperties" | "propertyNames"
                if is_object =>
            {
                beside(value, false);
            }
            _ => {}
        }
    }
}
