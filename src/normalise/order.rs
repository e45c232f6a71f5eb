//! Member order: that of the schema, members it does not declare last, in their own order.
//!
//! Order carries no meaning in JSON, so this is the only pass that notes nothing.

use crate::schema::guide::{Guide, Station};
use crate::tree::{NodeId, Tree};

/// Brings the members of one object in order.
pub fn sort<T>(tree: &mut Tree, object: NodeId, guide: &Guide<T>, at: Station) {
    tree.order_members(object, |name| guide.named(at, name).0);
}
