//! What is new since an older version: which inputs changed, and inside them which records.
//!
//! A record is what it was if the older version of any changed input holds one with the same content: so records may be
//! moved within and between files, and files laid out anew.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::Course;
use crate::check::across::Role;
use crate::diagnostic::{Diagnostic, Notes};
use crate::read::{self, Cutter, Intake};
use crate::source::Failure;
use crate::tree::{Node, Tree};
use crate::write::json;

/// How an input stands to its older version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Novelty {
    /// There is none, or everything is to be looked at anew.
    #[default]
    New,
    /// It has changed.
    Changed,
    /// It is the same.
    Same,
}

/// The records of the older versions of inputs that changed.
#[derive(Debug, Default)]
pub struct Older {
    contents: HashSet<[u8; 16]>,
    keys: HashSet<u128>,
}

impl Older {
    /// Takes the older version of an input, whose records go through `course` now.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub fn take(&mut self, course: &Course, cutter: &mut dyn Cutter) -> Result<(), Failure> {
        read::read_all(cutter, &mut Taking { older: self, course })
    }

    /// Whether a record, as it was read, is one of them.
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

struct Taking<'t> {
    older: &'t mut Older,
    course: &'t Course,
}

impl Notes for Taking<'_> {
    // What was wrong with it then is no concern of today's.
    fn note(&mut self, _: Diagnostic) {}
}

impl Intake for Taking<'_> {
    fn record(&mut self, tree: &mut Tree) {
        self.older.contents.insert(digest(tree.root()));
        if let Some(plan) = &self.course.across {
            // Keys are compared in normal form.
            self.course.stages.iter().for_each(|stage| stage.work(tree, &mut Vec::new()));
            let keys = plan.extract(tree).into_iter().filter(|mention| mention.role == Role::Key);
            self.older.keys.extend(keys.map(|mention| mention.hash()));
        }
    }

    fn broken(&mut self) {}

    fn remark(&mut self, _: Diagnostic) {}

    fn stop(&mut self) {}
}

fn digest(record: Node<'_>) -> [u8; 16] {
    let mut text = Vec::new();
    json::compact(record, &mut text);
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(&text)[..16]);
    short
}
