//! Changes since a base version: which inputs changed, and which records in them.
//!
//! A record is unchanged if the base version of any changed input contains one with the same content. Records can
//! therefore be moved within and between files, and files reformatted.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::RecordPipeline;
use crate::check::references::Role;
use crate::diagnostic::{Diagnostic, DiagnosticSink};
use crate::read::{self, Chunker, RecordVisitor};
use crate::source::ReadError;
use crate::tree::{Node, Tree};
use crate::write::json;

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
    pub fn read(&mut self, pipeline: &RecordPipeline, chunker: &mut dyn Chunker) -> Result<(), ReadError> {
        read::read_all(chunker, &mut BaseVisitor { base: self, pipeline })
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
}

impl DiagnosticSink for BaseVisitor<'_> {
    // Findings about the base version are ignored.
    fn emit(&mut self, _: Diagnostic) {}
}

impl RecordVisitor for BaseVisitor<'_> {
    fn record(&mut self, tree: &mut Tree) {
        self.base.contents.insert(digest(tree.root()));
        if let Some(plan) = &self.pipeline.references {
            // Keys are compared in normal form.
            self.pipeline.stages.iter().for_each(|stage| stage.work(tree, &mut Vec::new()));
            let keys = plan.extract(tree).into_iter().filter(|occurrence| occurrence.role == Role::Key);
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
