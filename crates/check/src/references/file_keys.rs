//! The keys and references of a file, which replace reading it.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::Seen;
use super::pending::{PendingReference, SpooledReference};
use super::{KeyDeclarations, KeyOccurrence, ReferentialChecker, Role};
use chancery_core::diagnostic::RecordRef;
use chancery_core::source::Position;

/// The keys and references of a file, each in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileKeys {
    keys: Vec<Key>,
    references: Vec<SpooledReference>,
    #[serde(skip)]
    approx_bytes: usize,
}

/// Bytes of a key or a reference besides its texts.
const ENTRY: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    // In halves.
    hash: (u64, u64),
    exact: Box<str>,
    // Offset, line, column.
    at: (u64, u64, u32),
}

impl FileKeys {
    /// Adds the keys and references of a record.
    pub fn record(&mut self, occurrences: &[KeyOccurrence], record: &RecordRef) {
        for occurrence in occurrences {
            self.approx_bytes += ENTRY + occurrence.exact().len() + occurrence.pointer.len();
            match occurrence.role {
                Role::Key => {
                    let Position { byte, line, column } = occurrence.place.locate().start;
                    let hash = (occurrence.hash as u64, (occurrence.hash >> 64) as u64);
                    self.keys.push(Key { hash, exact: occurrence.exact().into(), at: (byte, line, column) });
                }
                Role::Reference => {
                    let waiting = PendingReference::new(occurrence.clone(), Some(record), true);
                    self.references.push(PendingReference { file: "".into(), ..waiting }.into());
                }
            }
        }
    }

    /// Approximate size in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.approx_bytes
    }
}

impl Key {
    fn hash(&self) -> u128 {
        u128::from(self.hash.1) << 64 | u128::from(self.hash.0)
    }
}

impl ReferentialChecker {
    /// Takes the keys and references of the next file in input order, whose declarations are `plan`, unless one of its
    /// keys has been taken before or one of its references has an unknown collection: these findings require reading
    /// the file.
    ///
    /// # Errors
    /// When keys on disk cannot be read, or the disk is full.
    pub fn take_file_keys(&mut self, file: &Arc<str>, register: &FileKeys, plan: &KeyDeclarations) -> io::Result<bool> {
        let own = plan.own();
        if register.references.iter().any(|written| plan.collection(written.to()).is_none()) {
            return Ok(false);
        }
        for key in &register.keys {
            if self.keys(own).has(key.hash())? {
                return Ok(false);
            }
        }
        for key in &register.keys {
            let (byte, line, column) = key.at;
            let seen = Seen { file: self.file(file), at: Position { byte, line, column }, fresh: true };
            self.keys(own).take(key.hash(), &key.exact, seen)?;
        }
        for written in &register.references {
            let collection = plan.collection(written.to()).unwrap_or(own);
            let waiting = PendingReference { collection, ..written.in_file(file) };
            if !self.keys(collection).has(waiting.hash)? {
                self.waiting.push(waiting)?;
            }
        }
        Ok(true)
    }
}
