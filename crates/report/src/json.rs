//! Renders the report for programs: one JSON object, or one object per line. `schemas/report.schema.json` describes both.
//!
//! Findings are written as they occur and the summary last, so that a report of any length needs no memory.

use std::io::{self, Write};

use serde::Serialize;

use super::json_array::JsonArray;
use super::{Reporter, Summary, escape, fingerprint};
use chancery_core::diagnostic::{Diagnostic, Fix, Related, Safety};
use chancery_core::source::Format;

/// One object.
#[derive(Default)]
pub(super) struct Json {
    findings: JsonArray,
}

impl Reporter for Json {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"tool\":\"chancery\",\"version\":\"{}\",\"diagnostics\":[", env!("CARGO_PKG_VERSION"))
    }

    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        self.findings.item(escape::json(&Finding::new(diagnostic))?.as_bytes(), out)
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.findings.end(out)?;
        out.write_all(b",\n\"summary\":")?;
        serde_json::to_writer(&mut *out, &JsonSummary::new(summary)).map_err(io::Error::from)?;
        out.write_all(b"}\n")
    }
}

/// One object per line.
pub(super) struct Ndjson;

impl Reporter for Ndjson {
    fn report(&mut self, diagnostic: &Diagnostic, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(escape::json(&Finding::new(diagnostic))?.as_bytes())?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'t> {
            summary: JsonSummary<'t>,
        }
        serde_json::to_writer(&mut *out, &Line { summary: JsonSummary::new(summary) }).map_err(io::Error::from)?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct JsonSummary<'t> {
    files: u64,
    records: u64,
    valid: u64,
    invalid: u64,
    written: u64,
    rejected: u64,
    findings: Findings,
    suppressed: JsonSuppressed,
    unchanged_files: u64,
    skipped_files: u64,
    by_code: &'t std::collections::BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct JsonSuppressed {
    baseline: u64,
    suppressions: u64,
    unchanged: u64,
}

#[derive(Serialize)]
struct Findings {
    error: u64,
    warning: u64,
    note: u64,
}

impl<'t> JsonSummary<'t> {
    fn new(summary: &'t Summary) -> Self {
        let Summary {
            files,
            records,
            valid,
            invalid,
            written,
            rejected,
            errors,
            warnings,
            notes,
            suppressed,
            unchanged_files,
            skipped,
            ref by_code,
            ..
        } = *summary;
        let findings = Findings { error: errors, warning: warnings, note: notes };
        let super::Suppressed { baseline, suppressions: suppressed, unchanged } = suppressed;
        let suppressed = JsonSuppressed { baseline, suppressions: suppressed, unchanged };
        Self { files, records, valid, invalid, written, rejected, findings, suppressed, unchanged_files, skipped_files: skipped, by_code }
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
    // Whether byte offsets count decompressed or decoded text.
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
            format: diagnostic.format.map(Format::name),
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
    fn new(place: &chancery_core::diagnostic::Place) -> Self {
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
