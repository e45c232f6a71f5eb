//! Which values of a record are personal: members that the schema marks with `x-sensitive`, and everything below them.
//!
//! In: a record. Out: a [`Secret`] for each text and number. Nothing is judged and nothing is noted; reports hide what is found here.

use std::sync::Arc;

use crate::schema::{Part, Shape};
use crate::source::Span;
use crate::tree::{Kind, Node, Tree, pointer};

/// A personal value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// JSON pointer inside the record.
    pub pointer: String,
    /// Where it was written.
    pub span: Span,
    /// Its text, as it is and as it was written.
    pub texts: [String; 2],
}

/// Finds personal values in records of one shape.
pub struct Sensitive {
    shape: Arc<Shape>,
}

impl Sensitive {
    /// As `shape` marks them.
    #[must_use]
    pub fn new(shape: &Arc<Shape>) -> Self {
        Self { shape: Arc::clone(shape) }
    }

    /// The personal values of a record, in its order.
    #[must_use]
    pub fn find(&self, tree: &Tree) -> Vec<Secret> {
        let mut found = Vec::new();
        walk(tree.root(), self.shape.root(), false, &mut String::new(), &mut found);
        found
    }
}

fn walk(node: Node<'_>, part: Part<'_>, above: bool, path: &mut String, found: &mut Vec<Secret>) {
    let sensitive = above || part.keyword("x-sensitive").is_some_and(|flag| flag.text() == "true");
    let length = path.len();
    for member in node.members() {
        pointer::push(path, member.key.text());
        walk(member.value, part.member(member.key.text()), sensitive, path, found);
        path.truncate(length);
    }
    for (index, item) in node.items().enumerate() {
        pointer::push_index(path, index);
        walk(item, part.item(index), sensitive, path, found);
        path.truncate(length);
    }
    // Truth and absence are no names and numbers; hidden everywhere, they would make every text unreadable.
    if sensitive && matches!(node.kind(), Kind::String | Kind::Number) {
        found.push(Secret { pointer: path.clone(), span: node.span(), texts: [node.text().to_owned(), node.written().to_owned()] });
    }
}
