//! What a record goes through after it was read. Every caller processes records here: runs, fixes, the base versions of
//! changed inputs, and explanations.

use std::sync::Arc;

use super::policy;
use chancery_check::normalise::Normaliser;
use chancery_check::redact::Redactor;
use chancery_check::references::{KeyDeclarations, KeyOccurrence};
use chancery_check::{Checker, SemanticChecks};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, MAX_FINDINGS_PER_RECORD, Omitted, hint};
use chancery_core::source::Format;
use chancery_core::tree::Tree;
use chancery_formats::write::text_edits;

/// A step of a pipeline: it may change the record and emits findings.
pub trait Stage: Send + Sync {
    /// Processes one record.
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink);
}

impl Stage for Normaliser {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.normalise(tree, diagnostics);
    }
}

impl Stage for Checker {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.check(tree, diagnostics);
    }
}

impl Stage for SemanticChecks {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        self.check(tree, diagnostics);
    }
}

/// The steps for the records of one collection.
#[derive(Clone, Default)]
pub struct RecordPipeline {
    /// Steps before the check across records, in order: normalisation, then checks.
    pub stages: Vec<Arc<dyn Stage>>,
    /// Keys and references to compare across records.
    pub references: Option<Arc<KeyDeclarations>>,
    /// Whether syntax errors are reported as warnings.
    pub lenient: bool,
    /// Decides what reports may show of the records; `None` if they may show everything.
    pub redactor: Option<Arc<Redactor>>,
}

impl RecordPipeline {
    /// Normalises and checks a record of an input in this format. `found` holds what was found while it was read.
    /// Returns its key and references.
    pub fn process(&self, tree: &mut Tree, format: Format, found: &mut DiagnosticBuffer) -> Vec<KeyOccurrence> {
        for stage in &self.stages {
            stage.work(tree, found);
        }
        // While the source is available as read.
        found.diagnostics.iter_mut().for_each(|diagnostic| text_edits::resolve(diagnostic, Some(format)));
        let Some(references) = &self.references else { return Vec::new() };
        for diagnostic in references.check(tree, &found.diagnostics) {
            found.emit(diagnostic);
        }
        references.extract(tree)
    }
}

/// The findings about one record, and the number of errors among them.
pub struct DiagnosticBuffer {
    /// The findings that are kept.
    pub diagnostics: Vec<Diagnostic>,
    /// Number of errors, including omitted ones.
    pub errors: usize,
    /// The findings that are not kept.
    pub omitted: Omitted,
    limit: usize,
    // Number of candidates compared for suggestions about the records of a window.
    hints: u64,
}

impl Default for DiagnosticBuffer {
    fn default() -> Self {
        Self::with_limit(MAX_FINDINGS_PER_RECORD)
    }
}

impl DiagnosticBuffer {
    /// One that keeps at most `limit` findings.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { diagnostics: Vec::new(), errors: 0, omitted: Omitted::default(), limit, hints: 0 }
    }

    /// Ends the findings of a record: one finding stands for those that were omitted.
    pub fn close(&mut self) {
        self.diagnostics.extend(std::mem::take(&mut self.omitted).into_finding());
    }
}

impl DiagnosticSink for DiagnosticBuffer {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(policy::is_error(&diagnostic));
        if self.diagnostics.len() < self.limit {
            self.diagnostics.push(diagnostic);
        } else {
            self.omitted.add(diagnostic);
        }
    }

    fn omit(&mut self, omitted: Omitted) {
        self.errors += usize::from(omitted.has_error());
        self.omitted.join(omitted);
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn hints(&self) -> hint::Budget {
        hint::Budget::new(hint::PER_RECORD.min(hint::PER_WINDOW.saturating_sub(self.hints)))
    }

    fn spend_hints(&mut self, candidates: u64) {
        self.hints += candidates;
    }
}
