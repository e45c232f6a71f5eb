//! Renders differences for programs: one JSON object, or one object per line. `schemas/diff.schema.json` describes both.
//!
//! Values are written as they are, numbers with their own digits.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::escape;
use super::super::json_array::JsonArray;
use super::{DiffRenderer, DiffSide, Options, Overview};
use chancery_check::compare::{Change, Difference, Found};
use chancery_core::tree::{Node, json};

/// One object.
pub(super) struct Json {
    records: JsonArray,
    only_counts: bool,
}

impl Json {
    pub(super) fn new(options: Options) -> Self {
        Self { records: JsonArray::default(), only_counts: options.only_counts }
    }
}

impl DiffRenderer for Json {
    fn begin(&mut self, _overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"tool\":\"chancery\",\"version\":\"{}\",", env!("CARGO_PKG_VERSION"))?;
        if self.only_counts { Ok(()) } else { out.write_all(b"\"records\":[") }
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.records.item(drawn, out)
    }

    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        if !self.only_counts {
            self.records.end(out)?;
            out.write_all(b",\n")?;
        }
        writeln!(out, "\"summary\":{}}}", escape::json(&Summary::new(overview))?)
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
        #[derive(Serialize)]
        struct Line<'t> {
            summary: Summary<'t>,
        }
        writeln!(out, "{}", escape::json(&Line { summary: Summary::new(overview) })?)
    }
}

/// A record with its changes.
pub(super) fn record(difference: &Difference<'_>) -> io::Result<Vec<u8>> {
    // An added or removed record is written whole; a changed one by its changes.
    let whole = difference.old.is_none() || difference.new.is_none();
    let side = |node: Option<Node<'_>>| node.map(|node| Side::new(node, None, whole)).transpose();
    let record = Record {
        kind: difference.kind().word(),
        key: difference.key,
        paired_by: difference.matched_by.map(chancery_check::compare::pairing::MatchedBy::word),
        old: side(difference.old)?,
        new: side(difference.new)?,
        changes: difference.changes.iter().map(RecordChange::new).collect::<io::Result<_>>()?,
    };
    Ok(escape::json(&record)?.into_bytes())
}

#[derive(Serialize)]
struct Record<'t> {
    kind: &'static str,
    key: Option<&'t str>,
    paired_by: Option<&'static str>,
    old: Option<Side<'t>>,
    new: Option<Side<'t>>,
    changes: Vec<RecordChange<'t>>,
}

#[derive(Serialize)]
struct RecordChange<'t> {
    kind: &'static str,
    pointer: &'t str,
    old: Option<Side<'t>>,
    new: Option<Side<'t>>,
}

impl<'t> RecordChange<'t> {
    fn new(change: &'t Change<'t, 't>) -> io::Result<Self> {
        let side = |found: &'t Found<'t>| Side::new(found.node, Some(&found.pointer), true);
        let (old, new) = (change.old.as_ref().map(side).transpose()?, change.new.as_ref().map(side).transpose()?);
        Ok(Self { kind: change.kind.word(), pointer: change.pointer(), old, new })
    }
}

#[derive(Serialize)]
struct Side<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'t str>,
    file: String,
    line: u64,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
}

impl<'t> Side<'t> {
    fn new(node: Node<'_>, pointer: Option<&'t str>, is_whole: bool) -> io::Result<Self> {
        let location = node.tree().source().locate(node.opening());
        let (line, column) = (location.start.line, location.start.column);
        Ok(Self { pointer, file: location.file.to_string(), line, column, value: is_whole.then(|| value(node)).transpose()? })
    }
}

// As it is written, but as in reports without anything that a terminal or a log would act upon.
fn value(node: Node<'_>) -> io::Result<Box<RawValue>> {
    let mut text = Vec::new();
    json(node, &mut text);
    Ok(RawValue::from_string(escape::json_text(&String::from_utf8_lossy(&text)).into_owned())?)
}

#[derive(Serialize)]
struct Summary<'t> {
    old: &'t DiffSide,
    new: &'t DiffSide,
    unchanged: u64,
    changed: u64,
    added: u64,
    removed: u64,
    key: &'t [String],
    paired: Paired,
    repeated_keys: RepeatedKeys,
}

#[derive(Serialize)]
struct Paired {
    key: u64,
    content: u64,
    position: u64,
}

#[derive(Serialize)]
struct RepeatedKeys {
    old: u64,
    new: u64,
}

impl<'t> Summary<'t> {
    fn new(overview: &'t Overview) -> Self {
        let Overview { old, new, counts, key } = overview;
        Self {
            old,
            new,
            unchanged: counts.unchanged,
            changed: counts.changed,
            added: counts.added,
            removed: counts.removed,
            key,
            paired: Paired { key: counts.by_key, content: counts.by_content, position: counts.by_position },
            repeated_keys: RepeatedKeys { old: counts.repeated_old, new: counts.repeated_new },
        }
    }
}
