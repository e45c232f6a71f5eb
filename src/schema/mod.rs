//! Schemas: loaded with spans, references resolved without the network, compiled once; and the [`Shape`] they give to data.

pub mod shape;
pub mod spanned;

pub use shape::{Part, Shape, Types};

/// A compiled schema.
pub struct Schema {}
