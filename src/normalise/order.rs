//! Member order: that of the schema, members it does not declare last, in their own order.
//!
//! Order has no meaning in JSON, so this is the only pass without findings.

use crate::schema::annotation_index::{AnnotationIndex, StateId};
use crate::tree::{NodeId, Tree};

/// Sorts the members of one object.
pub fn sort<T>(tree: &mut Tree, object: NodeId, index: &AnnotationIndex<T>, at: StateId) {
    tree.order_members(object, |name| index.named(at, name).0);
}
