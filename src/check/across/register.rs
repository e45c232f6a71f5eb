//! The keys and references of a file, from which they can be taken again without reading it.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::Seen;
use super::line::{Waiting, Written};
use super::{Across, Mention, Plan, Role};
use crate::diagnostic::RecordRef;
use crate::source::Position;

/// The keys and references of a file, each kind in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    keys: Vec<Key>,
    references: Vec<Written>,
    #[serde(skip)]
    weight: usize,
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

impl Register {
    /// Adds what a record mentions.
    pub fn enter(&mut self, mentions: &[Mention], record: &RecordRef) {
        for mention in mentions {
            self.weight += ENTRY + mention.exact().len() + mention.pointer.len();
            match mention.role {
                Role::Key => {
                    let Position { byte, line, column } = mention.place.locate().start;
                    let hash = (mention.hash as u64, (mention.hash >> 64) as u64);
                    self.keys.push(Key { hash, exact: mention.exact().into(), at: (byte, line, column) });
                }
                Role::Reference => {
                    let waiting = Waiting::new(mention.clone(), Some(record), true);
                    self.references.push(Waiting { file: "".into(), ..waiting }.into());
                }
            }
        }
    }

    /// About how many bytes what was entered takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }
}

impl Key {
    fn hash(&self) -> u128 {
        u128::from(self.hash.1) << 64 | u128::from(self.hash.0)
    }
}

impl Across {
    /// Takes the keys and references of the next file in input order, whose records are those of `plan`, unless one of its keys
    /// has been taken before or one of its references leads to a collection that is not known: what is wrong then, only the file
    /// itself can show.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read, or the disk takes no more.
    pub fn take_register(&mut self, file: &Arc<str>, register: &Register, plan: &Plan) -> io::Result<bool> {
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
            let waiting = Waiting { collection, ..written.in_file(file) };
            if !self.keys(collection).has(waiting.hash)? {
                self.waiting.push(waiting)?;
            }
        }
        Ok(true)
    }
}
