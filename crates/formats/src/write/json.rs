//! Writes JSON (RFC 8259) and NDJSON: the same members in the same order, numbers as they were written.
//!
//! A JSON file is an array of all records, or the only record where the input is a document that is one record.

use std::io;

use super::{Files, Options, OutputWriter, Writer};
use crate::read::TopLevel;
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_core::tree::{Kind, Node};
pub use chancery_core::tree::{json as compact, json_string as string};

/// JSON: an array of all records or a document, indented or one record to a line.
pub struct Json {
    compact: bool,
    // Whether records are arrays, so that an array of them would be read as one record.
    array_only: bool,
}

impl Json {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { compact: options.compact, array_only: options.shape.is_array_only() }
    }
}

impl Writer for Json {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        if self.compact {
            compact(record.node(), out);
        } else {
            out.extend_from_slice(b"  ");
            indented(record.node(), 1, out);
        }
    }

    fn refuses(&self, top_level: TopLevel) -> Option<&'static str> {
        (self.array_only && top_level != TopLevel::Document)
            .then_some("the schema allows only arrays, so an array of records would be read as one record; write them with --to ndjson")
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(Array { empty: true, top_level: TopLevel::List })
    }
}

struct Array {
    empty: bool,
    top_level: TopLevel,
}

impl OutputWriter for Array {
    fn top_level(&mut self, of_input: TopLevel) {
        self.top_level = of_input;
    }

    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()> {
        if self.top_level == TopLevel::Document {
            return write_outdented(encoded, files.main()?);
        }
        let file = files.main()?;
        file.write_all(if self.empty { b"[\n" } else { b",\n" })?;
        self.empty = false;
        file.write_all(encoded)
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        if self.top_level == TopLevel::Document {
            return Ok(());
        }
        files.main()?.write_all(if self.empty { b"[]\n" } else { b"\n]\n" })
    }
}

// The record without the two blanks before each of its lines. Strings of JSON have no line ends, so every line is layout.
fn write_outdented(encoded: &[u8], file: &mut dyn io::Write) -> io::Result<()> {
    for line in encoded.split(|byte| *byte == b'\n') {
        file.write_all(line.strip_prefix(b"  ").unwrap_or(line))?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

/// NDJSON: one record to a line.
pub struct Ndjson;

impl Writer for Ndjson {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        compact(record.node(), out);
        out.push(b'\n');
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(Lines)
    }
}

struct Lines;

impl OutputWriter for Lines {
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
