//! Keys and references across records and files.
//!
//! The schema says what they are: `x-key` on the record holds the JSON pointer of its key (or a list of them for a key of
//! several parts), `x-references` on a member says that it holds the key of another record: `true`, or the
//! `x-record-name` of the collection it refers to.
//!
//! Two halves, as with reading and writing. A [`Plan`] takes the [`Mention`]s out of a record, anywhere; [`Across`] takes
//! them in input order. It keeps the keys of each collection with their places, and each reference until its key turns up. A key
//! that is there twice is compared itself; references are matched by hashes of 128 bits. When two keys are equal is defined in
//! [`crate::tree::key`].

pub mod index;
mod keys;
mod line;
mod plan;
mod register;

use std::hash::Hasher;
use std::io;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::diagnostic::{Diagnostic, Place, RecordRef, Severity, quote, rules};
use crate::source::{Source, Span};
use crate::tree::{Kind, Node, key};
use keys::{Keys, Seen};
use line::{Line, Waiting};
pub use plan::{Collection, Plan, Target};
pub use register::Register;

/// Whether a record has a key or refers to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The record's own key.
    Key,
    /// The key of another record.
    Reference,
}

/// A key as it stands in a record.
#[derive(Clone, Debug)]
pub struct Mention {
    /// What it is for.
    pub role: Role,
    /// The number of the collection that has the key, or should have it.
    pub collection: usize,
    /// The key as it is shown, its parts joined by a blank.
    pub text: Box<str>,
    /// Where it stands.
    pub place: Place,
    /// JSON pointer inside the record.
    pub pointer: String,
    // The name of the collection, where that is another one.
    to: Option<Arc<str>>,
    hash: u128,
    // Of a reference: the hash of the key that differs from this one only in being a string or a number.
    other_type: Option<u128>,
    // The key itself, where `text` is not.
    exact: Option<Box<str>>,
    is_number: bool,
    hidden: bool,
}

impl Mention {
    /// The same for the same key, in every run and on every machine.
    #[must_use]
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Shows something else in place of the key, which is personal.
    pub fn hide(&mut self, mark: &str) {
        let text = std::mem::replace(&mut self.text, mark.into());
        self.exact.get_or_insert(text);
        self.hidden = true;
    }

    /// Whether something else is shown in place of the key.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The same for the same key and for no other one of as many parts.
    #[must_use]
    pub fn exact(&self) -> &str {
        self.exact.as_deref().unwrap_or(&self.text)
    }

    fn new(role: Role, parts: &[Node<'_>], pointer: String, target: &Target) -> Self {
        let text: Box<str> = parts.iter().map(|part| part.text()).collect::<Vec<_>>().join(" ").into();
        let exact = key::text(parts);
        let hash = hash(parts.len(), &exact);
        let other_type = match parts {
            [one] if role == Role::Reference => key::as_other_type(*one).map(|text| self::hash(1, &text)),
            _ => None,
        };
        let place = Place::new(parts[0].tree().source(), parts[0].span());
        let is_number = parts.len() == 1 && parts[0].kind() == Kind::Number;
        let exact = (*exact != *text).then(|| exact.into());
        let (collection, to) = (target.collection, target.name.clone());
        Self { role, collection, text, place, pointer, to, hash, other_type, exact, is_number, hidden: false }
    }
}

// Kept between runs, so it must never depend on the version of the compiler or on the machine.
fn hash(parts: usize, text: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(&(parts as u64).to_le_bytes());
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

/// A finding across records, and whether one of the records is among those to report on.
pub type Found = (Diagnostic, bool);

/// So many references wait in memory for their key.
const WAITING: usize = 1 << 14;

/// Keys and references of all records read so far.
#[derive(Debug)]
pub struct Across {
    complete: bool,
    files: Vec<Arc<str>>,
    // By the number of their collection.
    keys: Vec<Keys>,
    waiting: Line,
}

impl Across {
    /// None yet. `complete` says that the inputs are the whole collection, so that a dangling reference is an error.
    #[must_use]
    pub fn new(complete: bool) -> Self {
        Self { complete, files: Vec::new(), keys: Vec::new(), waiting: Line::new(WAITING) }
    }

    /// Takes the mentions of the next record in input order. An error found here makes that record invalid. `fresh` says
    /// whether the record is one to report on.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read, or the disk takes no more.
    pub fn take(&mut self, mentions: Vec<Mention>, record: Option<&RecordRef>, fresh: bool) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for mention in mentions {
            match mention.role {
                Role::Key => found.extend(self.key(mention, record, fresh)?),
                Role::Reference if self.keys(mention.collection).has(mention.hash)? => {}
                Role::Reference => self.waiting.push(Waiting::new(mention, record, fresh))?,
            }
        }
        Ok(found)
    }

    fn key(&mut self, mention: Mention, record: Option<&RecordRef>, fresh: bool) -> io::Result<Option<Found>> {
        let location = mention.place.locate();
        let seen = Seen { file: self.file(&location.file), at: location.start, fresh };
        let Some(first) = self.keys(mention.collection).take(mention.hash, mention.exact(), seen)? else { return Ok(None) };
        let place = Place::new(&Arc::new(Source::elsewhere(Arc::clone(&self.files[first.file]), first.at)), Span::at(0));
        let message = format!("expected a key of its own, found {}, which an earlier record has", quote(&mention.text, !mention.is_number));
        let mut note = Diagnostic::new(&rules::DUPLICATE_KEY, &mention.place.source, mention.place.span, message)
            .at(mention.pointer)
            .related("first record with this key", place)
            .help("give one of the records another key, or take it out if it is the same");
        note.record = record.cloned();
        Ok(Some((note, fresh || first.fresh)))
    }

    fn keys(&mut self, collection: usize) -> &mut Keys {
        if self.keys.len() <= collection {
            self.keys.resize_with(collection + 1, Keys::default);
        }
        &mut self.keys[collection]
    }

    // The number of a file. Records of a file come one behind the other, so it is the last one or a new one.
    fn file(&mut self, name: &Arc<str>) -> usize {
        if self.files.last().is_none_or(|last| last != name) {
            self.files.push(Arc::clone(name));
        }
        self.files.len() - 1
    }

    /// Whether a record with that key has been taken.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read.
    pub fn knows(&mut self, mention: &Mention) -> io::Result<bool> {
        self.keys(mention.collection).has(mention.hash)
    }

    /// The references whose record did not turn up, in input order. `was` says whether a record that is to be looked at anew
    /// had a key before.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read.
    pub fn finish(mut self, was: &dyn Fn(u128) -> bool) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let waiting = std::mem::replace(&mut self.waiting, Line::new(WAITING));
        waiting.each(&mut |waiting| {
            let keys = self.keys(waiting.collection);
            if keys.has(waiting.hash)? {
                return Ok(());
            }
            let has_other_type = match waiting.other_type {
                Some(hash) => keys.has(hash)?,
                None => false,
            };
            let message = format!("expected the key of a record, found {}, which no record has", quote(&waiting.text, !waiting.is_number));
            let help = match (has_other_type, waiting.is_number) {
                (true, true) => "a record has this key as a string, and a number never equals a string: write the reference as a string",
                (true, false) => "a record has this key as a number, and a string never equals a number: write the reference as a number",
                (false, _) => "correct the key, or add the record it names",
            };
            let span = Span::new(0, u32::try_from(waiting.shown.len()).unwrap_or(0));
            let source = Arc::new(Source::window(waiting.file, waiting.shown, waiting.at));
            let mut note = Diagnostic::new(&rules::DANGLING_REFERENCE, &source, span, message).at(waiting.pointer).help(help);
            if self.complete {
                note.severity = Severity::Error;
            }
            note.record = waiting.record;
            found.push((note, waiting.fresh || was(waiting.hash)));
            Ok(())
        })?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    // Hashes are kept on disk between runs: another value here needs a new version of the cache.
    #[test]
    fn the_hash_of_a_key_never_changes() {
        assert_eq!(
            [super::hash(1, "a"), super::hash(2, "a"), super::hash(1, "")],
            [
                0x97f2_a473_ba79_840c_3dcb_2dc5_4f1a_5652,
                0x68b3_a358_3c37_20ef_e21a_63a1_f1ef_094c,
                0x5d0d_f78a_f04e_f22b_a6b9_2b8d_9ed2_5eb0,
            ]
        );
    }
}
