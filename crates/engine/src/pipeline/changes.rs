//! Changes since a base version: which inputs changed, and which records in them.
//!
//! A record is unchanged if the base version of any changed input contains one with the same content. Records can
//! therefore be moved within and between files, and files reformatted.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{DiagnosticBuffer, Opened, RecordPipeline};
use chancery_check::references::Role;
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink};
use chancery_core::source::{Format, ReadError};
use chancery_core::tree::{Node, Tree};
use chancery_formats::read::{self, RecordVisitor};
use chancery_formats::write::json;

/// The change status of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeStatus {
    /// There is no base version, or everything is checked.
    #[default]
    Added,
    /// It has changed.
    Modified,
    /// It is the same.
    Unchanged,
}

/// The records of the base versions of changed inputs.
#[derive(Debug, Default)]
pub struct BaseRecords {
    contents: HashSet<[u8; 16]>,
    keys: HashSet<u128>,
}

impl BaseRecords {
    /// Reads the base version of an input, whose records now use `pipeline`.
    ///
    /// # Errors
    /// When it cannot be read completely.
    pub fn read(&mut self, pipeline: &RecordPipeline, mut opened: Opened) -> Result<(), ReadError> {
        read::read_all(&mut *opened.chunker, &mut BaseVisitor { base: self, pipeline, format: opened.format })
    }

    /// Whether a record, as read, is one of them.
    #[must_use]
    pub fn has(&self, record: Node<'_>) -> bool {
        self.contents.contains(&digest(record))
    }

    /// Whether one of them had this key.
    #[must_use]
    pub fn has_key(&self, hash: u128) -> bool {
        self.keys.contains(&hash)
    }
}

struct BaseVisitor<'t> {
    base: &'t mut BaseRecords,
    pipeline: &'t RecordPipeline,
    format: Format,
}

impl DiagnosticSink for BaseVisitor<'_> {
    // Findings about the base version are ignored.
    fn emit(&mut self, _: Diagnostic) {}
}

impl RecordVisitor for BaseVisitor<'_> {
    fn record(&mut self, tree: &mut Tree) {
        self.base.contents.insert(digest(tree.root()));
        if self.pipeline.references.is_some() {
            // Keys are compared in normal form.
            let occurrences = self.pipeline.process(tree, self.format, &mut DiagnosticBuffer::default());
            let keys = occurrences.into_iter().filter(|occurrence| occurrence.role == Role::Key);
            self.base.keys.extend(keys.map(|occurrence| occurrence.hash()));
        }
    }

    fn malformed(&mut self) {}

    fn file_diagnostic(&mut self, _: Diagnostic) {}

    fn stop(&mut self) {}
}

fn digest(record: Node<'_>) -> [u8; 16] {
    let mut text = Vec::new();
    json::compact(record, &mut text);
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(&text)[..16]);
    short
}
