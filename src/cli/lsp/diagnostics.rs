//! Findings in the form that an editor shows.

use std::path::Path;

use lsp_types::{DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, NumberOrString, Position, Range, Uri};

use super::document::Document;
use super::uri_of;
use chancery_core::diagnostic::{Diagnostic, Place, Severity, rules};

/// The findings of the document called `name`.
pub fn all(findings: &[Diagnostic], document: &Document, uri: &Uri, name: &str) -> Vec<lsp_types::Diagnostic> {
    findings.iter().map(|finding| one(finding, document, uri, name)).collect()
}

/// One finding.
pub fn one(finding: &Diagnostic, document: &Document, uri: &Uri, name: &str) -> lsp_types::Diagnostic {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let related: Vec<_> = finding
        .related
        .iter()
        .filter_map(|related| {
            let location = place(&related.place, document, uri, name)?;
            Some(DiagnosticRelatedInformation { location, message: related.message.clone() })
        })
        .collect();
    let tag = if std::ptr::eq(finding.rule, &raw const rules::DEPRECATED) {
        Some(DiagnosticTag::DEPRECATED)
    } else if std::ptr::eq(finding.rule, &raw const rules::UNUSED_SUPPRESSION) {
        Some(DiagnosticTag::UNNECESSARY)
    } else {
        None
    };
    lsp_types::Diagnostic {
        range: range(&finding.place, document),
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(finding.rule.code.to_owned())),
        source: Some("chancery".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: tag.map(|tag| vec![tag]),
        ..lsp_types::Diagnostic::default()
    }
}

/// A place of the document.
pub fn range(place: &Place, document: &Document) -> Range {
    let location = place.locate();
    document.range(location.start.byte as usize, location.end.byte as usize)
}

fn place(place: &Place, document: &Document, uri: &Uri, name: &str) -> Option<Location> {
    let location = place.locate();
    if *location.file == *name {
        return Some(Location { uri: uri.clone(), range: range(place, document) });
    }
    let path = Path::new(&*location.file);
    let uri = path.exists().then(|| uri_of(path))??;
    let position = |line: u64, column: u32| Position::new(line.saturating_sub(1) as u32, column.saturating_sub(1));
    let (start, end) = (location.start, location.end);
    Some(Location { uri, range: Range { start: position(start.line, start.column), end: position(end.line, end.column) } })
}
