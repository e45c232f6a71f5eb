//! Writes YAML 1.2: a sequence of all records, or documents separated by `---` if the input is a stream of documents.
//!
//! Input: accepted records. Output: block style, indented by two blanks. Numbers are written as in the source, which the core schema
//! reads as the same decimals. A string is plain only if every reader takes it for that string, including YAML 1.1 readers, which
//! take `no` for false and `2001-12-14` for a date; all other strings are quoted.

use std::io;

use super::{Files, Options, OutputWriter, Writer};
use crate::read::TopLevel;
use chancery_check::Accepted;
use chancery_core::diagnostic::{DiagnosticSink, is_unprintable};
use chancery_core::tree::{Kind, Node};

/// Keys longer than this are written in the explicit form: others have to fit into 1024 characters.
const LONGEST_KEY: usize = 1000;

/// YAML: a sequence of all records, a stream of documents, or one document.
pub struct Yaml {
    // Whether records are sequences, so that a sequence of them would be read as one record.
    array_only: bool,
}

impl Yaml {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { array_only: options.shape.is_array_only() }
    }
}

impl Writer for Yaml {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        let node = record.node();
        if node.is_empty() {
            inline(node, 0, out);
        } else {
            block(node, 0, out);
        }
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(Records { array_only: self.array_only, is_list: !self.array_only, top_level: None, document: None, empty: true })
    }
}

struct Records {
    // Whether the schema allows only arrays, so that a list of records would be one record.
    array_only: bool,
    // Whether the document that is written is a list of records, and not one record.
    is_list: bool,
    // That of the input, where it is kept.
    top_level: Option<TopLevel>,
    // Whether the document that begins with the next record is a list.
    document: Option<bool>,
    empty: bool,
}

impl OutputWriter for Records {
    fn top_level(&mut self, of_input: TopLevel) {
        if self.top_level.replace(of_input).is_none() {
            self.is_list = of_input == TopLevel::List && !self.array_only;
        }
    }

    fn document(&mut self, is_list: bool) {
        self.document = self.top_level.map(|_| is_list);
    }

    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()> {
        let file = files.main()?;
        let document = self.document.take();
        self.is_list = document.unwrap_or(self.is_list);
        let goes_on = self.is_list && document.is_none();
        if !std::mem::replace(&mut self.empty, false) && !goes_on {
            file.write_all(b"---\n")?;
        }
        if self.is_list { write_item(encoded, file) } else { file.write_all(encoded) }
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        match self.top_level {
            Some(TopLevel::Document) => Ok(()),
            _ if self.empty && self.is_list => files.main()?.write_all(b"[]\n"),
            _ => files.main()?.write_all(b""),
        }
    }
}

// A document as an item of a sequence. Its lines are block style, whose text stays the same where all lines are indented alike;
// blank lines are left as they are.
fn write_item(document: &[u8], file: &mut dyn io::Write) -> io::Result<()> {
    let mut indent: &[u8] = b"- ";
    for line in document.split_inclusive(|byte| *byte == b'\n') {
        if line != b"\n" {
            file.write_all(indent)?;
        }
        file.write_all(line)?;
        indent = b"  ";
    }
    Ok(())
}

// Members or items, each on its own line; the first one begins where the line stands.
fn block(node: Node<'_>, level: usize, out: &mut Vec<u8>) {
    let mut first = true;
    let mut line = |out: &mut Vec<u8>| {
        if !std::mem::replace(&mut first, false) {
            indent(level, out);
        }
    };
    for item in node.items() {
        line(out);
        out.extend_from_slice(b"- ");
        if item.is_empty() { inline(item, level, out) } else { block(item, level + 1, out) }
    }
    for member in node.members() {
        line(out);
        key(member.key.text(), level, out);
        let value = member.value;
        if value.is_empty() {
            out.push(b' ');
            inline(value, level, out);
        } else {
            out.push(b'\n');
            indent(level + 1, out);
            block(value, level + 1, out);
        }
    }
}

fn indent(level: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + 2 * level, b' ');
}

fn key(text: &str, level: usize, out: &mut Vec<u8>) {
    let start = out.len();
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        quoted(text, out);
    }
    if out.len() - start > LONGEST_KEY {
        out.splice(start..start, *b"? ");
        out.push(b'\n');
        indent(level, out);
    }
    out.push(b':');
}

// A scalar or an empty container, to the end of its line or of its lines.
fn inline(node: Node<'_>, level: usize, out: &mut Vec<u8>) {
    match node.kind() {
        Kind::Array => out.extend_from_slice(b"[]"),
        Kind::Object => out.extend_from_slice(b"{}"),
        Kind::String if is_literal(node.text()) => return literal(node.text(), level, out),
        Kind::String if !is_plain(node.text()) => quoted(node.text(), out),
        _ => out.extend_from_slice(node.text().as_bytes()),
    }
    out.push(b'\n');
}

// Whether bare text is that text to every reader.
pub(super) fn is_plain(text: &str) -> bool {
    // What the core schema or YAML 1.1 takes for something else; numbers and dates are ruled out by their first character.
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let Some(first) = text.chars().next() else { return false };
    let bare_start =
        first.is_alphabetic() || matches!(first, '_' | '/' | '(' | '$' | ';' | '\\' | '^') || (!first.is_ascii() && !first.is_whitespace());
    bare_start
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !text.chars().any(needs_escape)
}

// Characters that are in double quotes alone, as an escape.
pub(super) fn needs_escape(c: char) -> bool {
    is_unprintable(c) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

// Whether text of several lines is exactly itself in a literal block, and stays so when an editor trims line ends.
fn is_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && !body.is_empty()
        && !body.split('\n').any(|line| line.ends_with(char::is_whitespace) || line.starts_with('\t'))
        && !body.chars().any(|c| c != '\n' && needs_escape(c))
}

fn literal(text: &str, level: usize, out: &mut Vec<u8>) {
    let body = text.strip_suffix('\n');
    out.extend_from_slice(if body.is_some() { b"|\n" } else { b"|-\n" });
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(level + 1, out);
            out.extend_from_slice(line.as_bytes());
        }
        out.push(b'\n');
    }
}

pub(super) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if needs_escape(c) && u32::from(c) < 0x100 => out.extend_from_slice(format!("\\x{:02x}", u32::from(c)).as_bytes()),
            c if needs_escape(c) => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
