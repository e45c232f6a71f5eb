//! Renders differences for programs: one JSON object, or one object per line. `schemas/diff.schema.json` describes both.
//!
//! Values are written as they are, numbers with their own digits.

use std::borrow::Cow;
use std::io::{self, Write};

use super::super::escape;
use super::{DiffRenderer, DiffSide, Options, Overview};
use crate::compare::{Change, Difference, Found};
use crate::tree::{Node, json, json_string};

/// One object.
pub(super) struct Json {
    first: bool,
    only_counts: bool,
}

impl Json {
    pub(super) fn new(options: Options) -> Self {
        Self { first: true, only_counts: options.only_counts }
    }
}

impl DiffRenderer for Json {
    fn begin(&mut self, _overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"tool\":\"chancery\",\"version\":\"{}\",", env!("CARGO_PKG_VERSION"))?;
        if self.only_counts { Ok(()) } else { out.write_all(b"\"records\":[") }
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })?;
        out.write_all(drawn)
    }

    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        if !self.only_counts {
            out.write_all(if self.first { b"],\n" } else { b"\n],\n" })?;
        }
        writeln!(out, "{}}}", escape::json_text(&summary(overview)))
    }
}

/// One object per line.
pub(super) struct Ndjson;

impl DiffRenderer for Ndjson {
    fn begin(&mut self, _overview: &Overview, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(drawn)?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{{{}}}", escape::json_text(&summary(overview)))
    }
}

/// A record with its changes.
pub(super) fn record(difference: &Difference<'_>) -> Vec<u8> {
    let mut out = format!("{{\"kind\":\"{}\",\"key\":", difference.kind().word()).into_bytes();
    match difference.key {
        Some(key) => json_string(key, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"paired_by\":");
    match difference.matched_by {
        Some(by) => json_string(by.word(), &mut out),
        None => out.extend_from_slice(b"null"),
    }
    // An added or removed record is written whole; a changed one by its changes.
    let whole = difference.old.is_none() || difference.new.is_none();
    for (name, node) in [("old", difference.old), ("new", difference.new)] {
        member(name, &mut out);
        side(node, None, whole, &mut out);
    }
    member("changes", &mut out);
    out.push(b'[');
    for (number, change) in difference.changes.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        self::change(change, &mut out);
    }
    out.extend_from_slice(b"]}");
    // As in reports, nothing that a terminal or a log would act upon.
    match escape::json_text(&String::from_utf8_lossy(&out)) {
        Cow::Borrowed(_) => out,
        Cow::Owned(text) => text.into_bytes(),
    }
}

fn change(change: &Change<'_, '_>, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"kind\":\"{}\",\"pointer\":", change.kind.word()).as_bytes());
    json_string(change.pointer(), out);
    member("old", out);
    found(change.old.as_ref(), out);
    member("new", out);
    found(change.new.as_ref(), out);
    out.push(b'}');
}

fn found(found: Option<&Found<'_>>, out: &mut Vec<u8>) {
    side(found.map(|found| found.node), found.map(|found| found.pointer.as_str()), true, out);
}

fn side(node: Option<Node<'_>>, pointer: Option<&str>, value: bool, out: &mut Vec<u8>) {
    let Some(node) = node else { return out.extend_from_slice(b"null") };
    let location = node.tree().source().locate(node.opening());
    out.push(b'{');
    if let Some(pointer) = pointer {
        out.extend_from_slice(b"\"pointer\":");
        json_string(pointer, out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"file\":");
    json_string(&location.file, out);
    out.extend_from_slice(format!(",\"line\":{},\"column\":{}", location.start.line, location.start.column).as_bytes());
    if value {
        member("value", out);
        json(node, out);
    }
    out.push(b'}');
}

fn member(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
}

fn summary(overview: &Overview) -> String {
    let side = |side: &DiffSide| {
        let mut name = Vec::new();
        json_string(&side.name, &mut name);
        let DiffSide { records, unreadable, complete, .. } = side;
        format!("{{\"name\":{},\"records\":{records},\"unreadable\":{unreadable},\"complete\":{complete}}}", String::from_utf8_lossy(&name))
    };
    let mut key = b"[".to_vec();
    for (number, pointer) in overview.key.iter().enumerate() {
        if number > 0 {
            key.push(b',');
        }
        json_string(pointer, &mut key);
    }
    key.push(b']');
    let counts = &overview.counts;
    format!(
        "\"summary\":{{\"old\":{},\"new\":{},\"unchanged\":{},\"changed\":{},\"added\":{},\"removed\":{},\"key\":{},\"paired\":{{\"key\":{},\"content\":{},\"position\":{}}},\"repeated_keys\":{{\"old\":{},\"new\":{}}}}}",
        side(&overview.old),
        side(&overview.new),
        counts.unchanged,
        counts.changed,
        counts.added,
        counts.removed,
        String::from_utf8_lossy(&key),
        counts.by_key,
        counts.by_content,
        counts.by_position,
        counts.repeated_old,
        counts.repeated_new
    )
}
