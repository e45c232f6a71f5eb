//! Shared by reading and writing: how values are laid out in tables and elements, guided by the shape.

pub mod cell;
pub mod column;
pub mod header;
pub mod xml;
