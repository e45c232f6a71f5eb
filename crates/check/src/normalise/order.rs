//! Member order: that of the schema, members it does not declare last, in their own order.
//!
//! Order has no meaning in JSON, so this is the only pass without findings.

use chancery_core::tree::{NodeId, Tree};
use chancery_schema::annotation_index::{AnnotationIndex, StateId};

/// Sorts the members of one object.
pub fn sort<T>(tree: &mut Tree, object: NodeId, index: &AnnotationIndex<T>, at: StateId) {
    tree.order_members(object, |name| index.named(at, name).0);
}
