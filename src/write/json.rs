//! Writes JSON (RFC 8259) and NDJSON: the same members in the same order, numbers as they were written.

use std::io;

use super::{Assembler, Files, Options, Writer};
use crate::check::Accepted;
use crate::diagnostic::Notes;
use crate::tree::{Kind, Node};
pub use crate::tree::{json as compact, json_string as string};

/// JSON: an array of all records, indented or one to a line.
pub struct Json {
    compact: bool,
}

impl Json {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { compact: options.compact }
    }
}

impl Writer for Json {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _notes: &mut dyn Notes) {
        if self.compact {
            compact(record.node(), out);
        } else {
            out.extend_from_slice(b"  ");
            indented(record.node(), 1, out);
        }
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Array { empty: true })
    }
}

struct Array {
    empty: bool,
}

impl Assembler for Array {
    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()> {
        let file = files.main()?;
        file.write_all(if self.empty { b"[\n" } else { b",\n" })?;
        self.empty = false;
        file.write_all(encoded)
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        files.main()?.write_all(if self.empty { b"[]\n" } else { b"\n]\n" })
    }
}

/// NDJSON: one record to a line.
pub struct Ndjson;

impl Writer for Ndjson {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _notes: &mut dyn Notes) {
        compact(record.node(), out);
        out.push(b'\n');
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Lines)
    }
}

struct Lines;

impl Assembler for Lines {
    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()> {
        files.main()?.write_all(encoded)
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        files.main()?.write_all(b"")
    }
}

/// Appends a value over several lines, two blanks a level; the first line is not indented.
pub fn indented(node: Node<'_>, level: usize, out: &mut Vec<u8>) {
    if node.is_empty() {
        return compact(node, out);
    }
    let (open, close) = if node.kind() == Kind::Array { (b'[', b']') } else { (b'{', b'}') };
    out.push(open);
    let mut first = true;
    let mut next = |out: &mut Vec<u8>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        line(level + 1, out);
    };
    for item in node.items() {
        next(out);
        indented(item, level + 1, out);
    }
    for member in node.members() {
        next(out);
        string(member.key.text(), out);
        out.extend_from_slice(b": ");
        indented(member.value, level + 1, out);
    }
    line(level, out);
    out.push(close);
}

fn line(level: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + 2 * level, b' ');
}
