//! The value at an offset of the source, and what the schema says about it, for editors.

use super::Part;
use chancery_core::source::Span;
use chancery_core::tree::{Kind, Node};

/// A value, or the key of one, at a place.
#[derive(Clone, Copy)]
pub struct NodeAtOffset<'t, 's> {
    /// The name of the member that the value is, if it is one.
    pub name: Option<&'t str>,
    /// The bytes meant: the key's, or the scalar's.
    pub span: Span,
    /// The value.
    pub node: Node<'t>,
    /// What is known of the value.
    pub part: Part<'s>,
}

/// The innermost value whose key or text holds the offset `at`.
#[must_use]
pub fn at<'t, 's>(root: Node<'t>, part: Part<'s>, at: u32) -> Option<NodeAtOffset<'t, 's>> {
    find(NodeAtOffset { name: None, span: root.opening(), node: root, part }, at)
}

fn find<'t, 's>(focus: NodeAtOffset<'t, 's>, at: u32) -> Option<NodeAtOffset<'t, 's>> {
    let NodeAtOffset { name, node, part, .. } = focus;
    for member in node.members() {
        let name = Some(member.key.text());
        let below = NodeAtOffset { name, span: member.key.span(), node: member.value, part: part.member(member.key.text()) };
        // Columns of a table have their keys in the header, far from the row.
        if holds(member.key.span(), at) {
            return Some(below);
        }
        if let Some(found) = find(below, at) {
            return Some(found);
        }
    }
    for (index, item) in node.items().enumerate() {
        let below = NodeAtOffset { name, span: item.opening(), node: item, part: part.item(index) };
        if let Some(found) = find(below, at) {
            return Some(found);
        }
    }
    let scalar = !matches!(node.kind(), Kind::Array | Kind::Object);
    (scalar && !node.is_derived() && holds(node.span(), at)).then_some(NodeAtOffset { span: node.span(), ..focus })
}

// The end counts: a cursor stands after what was typed.
fn holds(span: Span, at: u32) -> bool {
    span.start <= at && at <= span.end
}
