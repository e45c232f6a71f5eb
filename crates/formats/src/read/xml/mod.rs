//! Reads XML 1.0 (fifth edition): our own form, and that of others guided by the shape.
//!
//! Input: a document. Output: one record for each child of the root, for the root itself where it is a record, or for each element
//! that `--records` names. The root is a record where `--records` is empty, or where the document is not in our form and the
//! shape declares the root's first child element or one of its attributes as a member.
//! Well-formedness is judged here, all of it: what is not well-formed ends the reading of the file.

mod build;
mod chunker;
mod extent;
mod wellformed;

pub use chunker::XmlChunker;
pub use extent::{Extent, element_at};
