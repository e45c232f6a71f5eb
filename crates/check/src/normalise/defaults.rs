//! Defaults: missing members get the schema's default. Only on request, because a default is an assumption about the
//! data.
//!
//! A supplied value is labelled at the opening of its object and counts as derived. Values inside a supplied object get
//! their own defaults, down to a depth that no real schema needs.

use std::sync::Arc;

use serde_json::Value;

use chancery_core::diagnostic::{self, Diagnostic, DiagnosticSink, Edit, Safety, Scalar, quote, rules};
use chancery_core::source::Span;
use chancery_core::tree::{Kind, Member, Node, NodeId, Tree};
use chancery_schema::Shape;
use chancery_schema::annotation_index::{self, AnnotationIndex, StateId};

const DEEPEST: usize = 32;

/// Fills in defaults.
#[derive(Debug)]
pub struct DefaultsPass {
    index: AnnotationIndex<Vec<(Box<str>, Value)>>,
}

impl DefaultsPass {
    /// The defaults of `shape`.
    #[must_use]
    pub fn new(shape: &Arc<Shape>) -> Self {
        let index = AnnotationIndex::new(shape, |part| {
            let defaults: Vec<_> = part
                .members()
                .filter_map(|(name, member)| Some((name.into(), annotation_index::compile_annotation(member, "default")?)))
                .collect();
            (!defaults.is_empty()).then_some(defaults)
        });
        Self { index }
    }

    /// Fills in missing members and emits findings.
    pub fn fill(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.value(tree, tree.root().id(), self.index.root(), 0, diagnostics);
    }

    fn value(&self, tree: &mut Tree, id: NodeId, at: StateId, supplied: usize, diagnostics: &mut dyn DiagnosticSink) {
        if !self.index.has_descendants(at) || supplied > DEEPEST {
            return;
        }
        let node = tree.node(id);
        let below: Vec<(NodeId, StateId)> = match node.kind() {
            Kind::Object => node.members().map(|member| (member.value.id(), self.index.member(at, &member).1)).collect(),
            Kind::Array => node.items().enumerate().map(|(index, item)| (item.id(), self.index.item(at, index))).collect(),
            _ => return,
        };
        let is_object = node.kind() == Kind::Object;
        for (child, state) in below {
            self.value(tree, child, state, supplied, diagnostics);
        }
        for (name, default) in self.index.annotation(at).filter(|_| is_object).into_iter().flatten() {
            let object = tree.node(id);
            if object.get(name).is_some() {
                continue;
            }
            let opening = object.opening();
            let message = format!("member {} filled in with its default {}", quote(name, true), quote(&default.to_string(), false));
            let filled = Diagnostic::new(&rules::DEFAULT_FILLED, tree.source(), opening, message).at(object.pointer());
            diagnostics.emit(match further(object, name, default) {
                Some(edit) => filled.with_edit(Safety::Safe, vec![edit]),
                None => filled,
            });
            let value = tree.insert_member(id, None, name, opening);
            build(tree, value, default, opening);
            self.value(tree, value, self.index.named(at, name).1, supplied + 1, diagnostics);
        }
    }
}

// The edit that adds the default after the last scalar of the object; `None` if there is none, or the default is not a scalar.
fn further(object: Node<'_>, name: &str, default: &Value) -> Option<Edit> {
    let scalar = match default {
        Value::String(text) => Scalar::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => return None,
        literal => Scalar::Literal(literal.to_string()),
    };
    let is_scalar = |member: &Member<'_>| !matches!(member.value.kind(), Kind::Array | Kind::Object);
    let last = object.members().filter(|member| is_scalar(member) && member.key.is_own() && member.value.is_own()).last()?;
    Some(Edit::member(diagnostic::Member {
        object: object.pointer(),
        opening: object.opening(),
        key: last.key.span(),
        value: last.value.span(),
        name: name.to_owned(),
        scalar,
        optional: false,
    }))
}

fn build(tree: &mut Tree, id: NodeId, value: &Value, span: Span) {
    match value {
        Value::Object(members) => {
            tree.set_container(id, Kind::Object, span);
            for (name, value) in members {
                let member = tree.insert_member(id, None, name, span);
                build(tree, member, value, span);
            }
        }
        Value::Array(items) => {
            tree.set_container(id, Kind::Array, span);
            for value in items {
                let item = tree.push_item(id, span);
                build(tree, item, value, span);
            }
        }
        Value::String(text) => tree.set_scalar(id, Kind::String, text, span),
        Value::Number(number) => tree.set_scalar(id, Kind::Number, &number.to_string(), span),
        Value::Bool(value) => tree.set_scalar(id, Kind::Bool, if *value { "true" } else { "false" }, span),
        Value::Null => tree.set_scalar(id, Kind::Null, "null", span),
    }
    tree.mark_derived(id);
}
