//! Across records.

use crate::diagnostic::{Diagnostic, Notes};
use crate::tree::Tree;

pub struct Plan {}
pub struct Mention {}
pub struct Across {}
impl Plan {
    pub fn extract(&self, _tree: &Tree, _mentions: &mut Vec<Mention>) {}
}
impl Across {
    pub fn new(_complete: bool) -> Self {
        Self {}
    }
    pub fn take(&mut self, _mentions: &[Mention], _notes: &mut Vec<Diagnostic>) {}
    pub fn finish(self, _notes: &mut dyn Notes) {}
}
