//! Keys and references across records and files.
//!
//! The schema declares them: `x-key` on the record is the JSON pointer of its key (or a list of them for a key of
//! several parts), `x-references` on a member states that it contains the key of another record: `true`, or the
//! `x-record-name` of the target collection.
//!
//! Two halves, as with reading and writing. [`KeyDeclarations`] extracts the [`KeyOccurrence`]s from a record, on any
//! thread; [`ReferentialChecker`] receives them in input order. It stores the keys of each collection with their
//! locations, and each reference until its key is found. Possible duplicate keys are compared exactly; references are
//! matched by 128-bit hashes. [`chancery_core::tree::key`] defines when two keys are equal.

pub mod spill_index;
mod keys;
mod pending;
mod declarations;
mod file_keys;

use std::hash::Hasher;
use std::io;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher13};

use chancery_core::diagnostic::{Diagnostic, Place, RecordRef, Severity, quote, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Kind, Node, key};
pub use declarations::{Collection, KeyDeclarations, Target};
pub use file_keys::FileKeys;
use keys::{Keys, Seen};
use pending::{PendingReference, PendingReferences};

/// Whether a record has a key or refers to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The record's own key.
    Key,
    /// The key of another record.
    Reference,
}

/// An occurrence of a key in a record.
#[derive(Clone, Debug)]
pub struct KeyOccurrence {
    /// Its role.
    pub role: Role,
    /// The number of the collection that has the key, or should have it.
    pub collection: usize,
    /// The key for display, its parts joined by a blank.
    pub text: Box<str>,
    /// Its location.
    pub place: Place,
    /// JSON pointer inside the record.
    pub pointer: String,
    // The name of the collection, if it is another one.
    to: Option<Arc<str>>,
    hash: u128,
    // For a reference: the hash of the key that differs from this one only in being a string or a number.
    other_type: Option<u128>,
    // The key itself, if it differs from `text`.
    key_text: Option<Box<str>>,
    is_number: bool,
    hidden: bool,
}

impl KeyOccurrence {
    /// The same for the same key, in every run and on every machine.
    #[must_use]
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Shows a replacement for the key, which is personal.
    pub fn hide(&mut self, mark: &str) {
        let text = std::mem::replace(&mut self.text, mark.into());
        self.key_text.get_or_insert(text);
        self.hidden = true;
    }

    /// Whether a replacement is shown.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Unique among keys with the same number of parts.
    #[must_use]
    pub fn exact(&self) -> &str {
        self.key_text.as_deref().unwrap_or(&self.text)
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
        Self { role, collection, text, place, pointer, to, hash, other_type, key_text: exact, is_number, hidden: false }
    }
}

// Stored between runs, so it must not depend on the version of the compiler or on the machine.
fn hash(parts: usize, text: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(&(parts as u64).to_le_bytes());
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

/// A finding across records, and whether one of the records is in scope.
pub type Found = (Diagnostic, bool);

/// Maximum number of references in memory.
const PENDING_IN_MEMORY: usize = 1 << 14;

/// Keys and references of all records read so far.
#[derive(Debug)]
pub struct ReferentialChecker {
    complete: bool,
    files: Vec<Arc<str>>,
    // By the number of their collection.
    keys: Vec<Keys>,
    waiting: PendingReferences,
}

impl ReferentialChecker {
    /// An empty checker. `complete`: the inputs are the complete collection, so that a dangling reference is an error.
    #[must_use]
    pub fn new(complete: bool) -> Self {
        Self { complete, files: Vec::new(), keys: Vec::new(), waiting: PendingReferences::new(PENDING_IN_MEMORY) }
    }

    /// Adds the key occurrences of the next record in input order. An error found here makes that record invalid.
    /// `fresh`: whether the record is in scope.
    ///
    /// # Errors
    /// When keys on disk cannot be read, or the disk is full.
    pub fn take(&mut self, occurrences: Vec<KeyOccurrence>, record: Option<&RecordRef>, fresh: bool) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for occurrence in occurrences {
            match occurrence.role {
                Role::Key => found.extend(self.key(occurrence, record, fresh)?),
                Role::Reference if self.keys(occurrence.collection).has(occurrence.hash)? => {}
                Role::Reference => self.waiting.push(PendingReference::new(occurrence, record, fresh))?,
            }
        }
        Ok(found)
    }

    fn key(&mut self, occurrence: KeyOccurrence, record: Option<&RecordRef>, fresh: bool) -> io::Result<Option<Found>> {
        let location = occurrence.place.locate();
        let seen = Seen { file: self.file(&location.file), at: location.start, fresh };
        let Some(first) = self.keys(occurrence.collection).take(occurrence.hash, occurrence.exact(), seen)? else { return Ok(None) };
        let place = Place::new(&Arc::new(Source::detached(Arc::clone(&self.files[first.file]), first.at)), Span::at(0));
        let message = format!("duplicate key {}", quote(&occurrence.text, !occurrence.is_number));
        let mut diagnostic = Diagnostic::new(&rules::DUPLICATE_KEY, &occurrence.place.source, occurrence.place.span, message)
            .at(occurrence.pointer)
            .related("first record with this key", place)
            .help("change the key of one of the records, or remove one if they are the same");
        diagnostic.record = record.cloned();
        Ok(Some((diagnostic, fresh || first.fresh)))
    }

    fn keys(&mut self, collection: usize) -> &mut Keys {
        if self.keys.len() <= collection {
            self.keys.resize_with(collection + 1, Keys::default);
        }
        &mut self.keys[collection]
    }

    // The index of a file. Records of a file are consecutive, so it is the last one or a new one.
    fn file(&mut self, name: &Arc<str>) -> usize {
        if self.files.last().is_none_or(|last| last != name) {
            self.files.push(Arc::clone(name));
        }
        self.files.len() - 1
    }

    /// Whether there is a record with that key.
    ///
    /// # Errors
    /// When keys on disk cannot be read.
    pub fn has_key(&mut self, occurrence: &KeyOccurrence) -> io::Result<bool> {
        self.keys(occurrence.collection).has(occurrence.hash)
    }

    /// Passes on the references whose record did not turn up, in input order, one by one, because there may be many. `was` says
    /// whether a record that is to be looked at again had a key before.
    ///
    /// # Errors
    /// Those of `take`, and when keys that lie on disk cannot be read.
    pub fn finish(mut self, was: &dyn Fn(u128) -> bool, take: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        let waiting = std::mem::replace(&mut self.waiting, PendingReferences::new(PENDING_IN_MEMORY));
        waiting.each(&mut |waiting| {
            let keys = self.keys(waiting.collection);
            if keys.has(waiting.hash)? {
                return Ok(());
            }
            let has_other_type = match waiting.other_type {
                Some(hash) => keys.has(hash)?,
                None => false,
            };
            let message = format!("reference to unknown record {}", quote(&waiting.text, !waiting.is_number));
            let help = match (has_other_type, waiting.is_number) {
                (true, true) => "a record has this key as a string, and a number never equals a string: write the reference as a string",
                (true, false) => "a record has this key as a number, and a string never equals a number: write the reference as a number",
                (false, _) => "correct the reference, or add the record that it names",
            };
            let span = Span::new(0, u32::try_from(waiting.shown.len()).unwrap_or(0));
            let source = Arc::new(Source::window(waiting.file, waiting.shown, waiting.at));
            let mut diagnostic = Diagnostic::new(&rules::DANGLING_REFERENCE, &source, span, message).at(waiting.pointer).help(help);
            if self.complete {
                diagnostic.severity = Severity::Error;
            }
            diagnostic.record = waiting.record;
            take((diagnostic, waiting.fresh || was(waiting.hash)))
        })
    }
}

#[cfg(test)]
mod tests {
    // Hashes are stored between runs: a changed value here requires a new version of the cache.
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
