//! The keys and references of a file, from which they can be taken again without reading it.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::Seen;
use super::line::{Waiting, Written};
use super::{Across, Mention, Role};
use crate::diagnostic::RecordRef;

/// The keys and references of a file, each kind in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    // Hash in two halves, offset, line, column.
    keys: Vec<((u64, u64), u64, u32, u32)>,
    references: Vec<Written>,
}

impl Register {
    /// Adds what a record mentions.
    pub fn enter(&mut self, mentions: &[Mention], record: &RecordRef) {
        for mention in mentions {
            match mention.role {
                Role::Key => {
                    let seen = Seen::at(mention.place.locate().start);
                    self.keys.push(((mention.hash as u64, (mention.hash >> 64) as u64), seen.byte, seen.line, seen.column));
                }
                Role::Reference => {
                    let waiting = Waiting::new(mention.clone(), Some(record), true);
                    self.references.push(Waiting { file: "".into(), ..waiting }.into());
                }
            }
        }
    }

    /// Number of keys and references.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.references.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn keys(&self) -> impl Iterator<Item = (u128, Seen)> {
        self.keys.iter().map(|((low, high), byte, line, column)| {
            let seen = Seen { byte: *byte, file: 0, line: *line, column: *column, fresh: true };
            (u128::from(*high) << 64 | u128::from(*low), seen)
        })
    }
}

impl Across {
    /// Takes the keys and references of the next file in input order, unless one of its keys has been taken before: what is
    /// wrong then, only the file itself can show.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read, or the disk takes no more.
    pub fn take_register(&mut self, file: &Arc<str>, register: &Register) -> io::Result<bool> {
        for (hash, _) in register.keys() {
            if self.keys.get(hash)?.is_some() {
                return Ok(false);
            }
        }
        for (hash, seen) in register.keys() {
            let file = self.file(file);
            self.keys.insert(hash, Seen { file, ..seen })?;
        }
        for written in &register.references {
            let waiting = written.in_file(file);
            if self.keys.get(waiting.hash)?.is_none() {
                self.waiting.push(waiting)?;
            }
        }
        Ok(true)
    }
}
