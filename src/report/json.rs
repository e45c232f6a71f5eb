//! Draws the report for programs: one JSON object, or an object to a line. `schemas/report.schema.json` describes both.
//!
//! Findings are written as they come and the summary last, so that a report of any length needs no memory.

use std::io::{self, Write};

use serde::Serialize;

use super::{Reporter, Tally, escape, fingerprint};
use crate::diagnostic::{Diagnostic, Fix, Related, Safety};

/// One object.
pub(super) struct Json {
    first: bool,
}

impl Json {
    pub(super) fn new() -> Self {
        Self { first: true }
    }
}

impl Reporter for Json {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"tool\":\"chancery\",\"version\":\"{}\",\"diagnostics\":[", env!("CARGO_PKG_VERSION"))
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })?;
        out.write_all(escape::json(&Finding::new(diagnostic))?.as_bytes())
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.first { b"],\n\"summary\":" } else { b"\n],\n\"summary\":" })?;
        serde_json::to_writer(&mut *out, &Summary::new(tally)).map_err(io::Error::from)?;
        out.write_all(b"}\n")
    }
}

/// An object to a line.
pub(super) struct Ndjson;

impl Reporter for Ndjson {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(escape::json(&Finding::new(diagnostic))?.as_bytes())?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'t> {
            summary: Summary<'t>,
        }
        serde_json::to_writer(&mut *out, &Line { summary: Summary::new(tally) }).map_err(io::Error::from)?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct Summary<'t> {
    files: u64,
    records: u64,
    valid: u64,
    invalid: u64,
    written: u64,
    rejected: u64,
    findings: Findings,
    left_out: LeftOut,
    files_passed_over: u64,
    skipped_files: u64,
    by_code: &'t std::collections::BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct LeftOut {
    baseline: u64,
    suppressed: u64,
    unchanged: u64,
}

#[derive(Serialize)]
struct Findings {
    error: u64,
    warning: u64,
    advice: u64,
}

impl<'t> Summary<'t> {
    fn new(tally: &'t Tally) -> Self {
        let Tally {
            files,
            records,
            valid,
            invalid,
            written,
            rejected,
            errors,
            warnings,
            advice,
            left_out,
            passed_over,
            skipped,
            ref by_code,
            ..
        } = *tally;
        let findings = Findings { error: errors, warning: warnings, advice };
        let super::LeftOut { baseline, suppressed, unchanged } = left_out;
        let left_out = LeftOut { baseline, suppressed, unchanged };
        Self {
            files,
            records,
            valid,
            invalid,
            written,
            rejected,
            findings,
            left_out,
            files_passed_over: passed_over,
            skipped_files: skipped,
            by_code,
        }
    }
}

#[derive(Serialize)]
struct Finding<'d> {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    message: &'d str,
    help: Option<&'d str>,
    #[serde(flatten)]
    place: Place,
    format: Option<&'static str>,
    // Whether byte offsets count the unpacked or decoded text.
    decoded: bool,
    record: Option<Record<'d>>,
    pointer: Option<&'d str>,
    schema_pointer: Option<&'d str>,
    related: Vec<RelatedPlace<'d>>,
    fix: Option<FixEdits>,
    fingerprint: String,
}

#[derive(Serialize)]
struct Place {
    file: String,
    line: u64,
    column: u32,
    end_line: u64,
    end_column: u32,
    byte_start: u64,
    byte_end: u64,
}

#[derive(Serialize)]
struct Record<'d> {
    index: u64,
    key: Option<&'d str>,
}

#[derive(Serialize)]
struct RelatedPlace<'d> {
    message: &'d str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct FixEdits {
    safety: &'static str,
    edits: Vec<Edit>,
}

#[derive(Serialize)]
struct Edit {
    byte_start: u64,
    byte_end: u64,
    text: String,
}

impl<'d> Finding<'d> {
    fn new(diagnostic: &'d Diagnostic) -> Self {
        Self {
            code: diagnostic.rule.code,
            name: diagnostic.rule.name,
            severity: diagnostic.severity.word(),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            place: Place::new(&diagnostic.place),
            format: (!diagnostic.format.is_empty()).then_some(diagnostic.format),
            decoded: diagnostic.decoded,
            record: diagnostic.record.as_ref().map(|record| Record { index: record.index, key: record.key.as_deref() }),
            pointer: diagnostic.pointer.as_deref(),
            schema_pointer: diagnostic.schema_pointer.as_deref(),
            related: diagnostic
                .related
                .iter()
                .map(|Related { message, place }| RelatedPlace { message, place: Place::new(place) })
                .collect(),
            fix: diagnostic.fix.as_ref().map(|fix| FixEdits::new(fix, diagnostic)),
            fingerprint: fingerprint::exact(diagnostic),
        }
    }
}

impl Place {
    fn new(place: &crate::diagnostic::Place) -> Self {
        let location = place.locate();
        Self {
            file: location.file.to_string(),
            line: location.start.line,
            column: location.start.column,
            end_line: location.end.line,
            end_column: location.end.column,
            byte_start: location.start.byte,
            byte_end: location.end.byte,
        }
    }
}

impl FixEdits {
    fn new(fix: &Fix, diagnostic: &Diagnostic) -> Self {
        let source = &diagnostic.place.source;
        let edits = fix.edits.iter().map(|edit| {
            let location = source.locate_edit(edit.span);
            Edit { byte_start: location.start.byte, byte_end: location.end.byte, text: edit.text.clone() }
        });
        Self { safety: if fix.safety == Safety::Safe { "safe" } else { "unsafe" }, edits: edits.collect() }
    }
}
