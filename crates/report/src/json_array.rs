//! Writes an array of a JSON report with one item per line, as the items come, so that it needs no memory.

use std::io::{self, Write};

/// The part of an array that is written.
#[derive(Default)]
pub(super) struct JsonArray {
    has_items: bool,
}

impl JsonArray {
    /// Writes an item, which is JSON already; the first after the opening bracket, which belongs to the text around.
    pub(super) fn item(&mut self, json: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if std::mem::replace(&mut self.has_items, true) { b",\n" } else { b"\n" })?;
        out.write_all(json)
    }

    /// Writes the closing bracket.
    pub(super) fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.has_items { b"\n]" } else { b"]" })
    }
}
