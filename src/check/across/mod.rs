//! Keys and references across records and files.
//!
//! The schema says what they are: `x-key` on the record holds the JSON pointer of its key (or a list of them for a key of
//! several parts), `x-references` on a member says that it holds the key of another record: `true`, or the
//! `x-record-name` of the collection it refers to.
//!
//! Two halves, as with reading and writing. A [`Plan`] takes the [`Mention`]s out of a record, anywhere; [`Across`] takes
//! them in input order. It keeps each key with its place, and each reference until its key turns up. A key that is there twice
//! is compared itself; references are matched by hashes of 128 bits.

pub mod index;
mod keys;
mod line;
mod register;

use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Place, RecordRef, Severity, quote, rules};
use crate::schema::Shape;
use crate::schema::guide::{self, Guide, Station};
use crate::source::{Source, Span};
use crate::tree::{Kind, Node, Tree};
use keys::{Keys, Seen};
use line::{Line, Waiting};
pub use register::Register;

/// What keys and references records have.
#[derive(Debug)]
pub struct Plan {
    key: Vec<String>,
    references: Guide<()>,
}

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
    /// The key as it is shown, its parts joined by a blank.
    pub text: Box<str>,
    /// Where it stands.
    pub place: Place,
    /// JSON pointer inside the record.
    pub pointer: String,
    hash: u128,
    // The key itself, where `text` is not.
    exact: Option<Box<str>>,
    hidden: bool,
}

impl Plan {
    /// What `shape` declares; `key` takes the place of the record's key there.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, key: Option<&str>) -> Self {
        let root = shape.root();
        let declared = match guide::annotation(root, "x-key") {
            Some(Value::String(pointer)) => vec![pointer],
            Some(Value::Array(list)) => list.iter().filter_map(|pointer| pointer.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let name = root.keyword("x-record-name").map(Node::text);
        let references = Guide::new(shape, |part| match guide::annotation(part, "x-references")? {
            Value::Bool(true) => Some(()),
            Value::String(other) if name.is_none_or(|name| name == other) => Some(()),
            _ => None,
        });
        Self { key: key.map_or(declared, |key| vec![key.to_owned()]), references }
    }

    /// Whether records have neither keys nor references.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.key.is_empty() && self.references.is_idle()
    }

    /// The key of a record, as it is shown.
    #[must_use]
    pub fn key(&self, record: Node<'_>) -> Option<String> {
        self.parts(record).map(|parts| join(&parts))
    }

    /// JSON pointers to the parts of a record's key.
    #[must_use]
    pub fn pointers(&self) -> &[String] {
        &self.key
    }

    /// The parts of a record's key, if it has one.
    #[must_use]
    pub fn parts<'t>(&self, record: Node<'t>) -> Option<Vec<Node<'t>>> {
        let parts: Option<Vec<Node<'t>>> = self.key.iter().map(|pointer| record.at(pointer).filter(|part| is_key(*part))).collect();
        parts.filter(|parts| !parts.is_empty())
    }

    /// The keys in a record, its own first.
    #[must_use]
    pub fn extract(&self, tree: &Tree) -> Vec<Mention> {
        let mut mentions = Vec::new();
        if let Some(parts) = self.parts(tree.root()) {
            mentions.push(Mention::new(Role::Key, &parts, self.key[0].clone()));
        }
        self.value(tree.root(), self.references.root(), &mut mentions);
        mentions
    }

    fn value(&self, node: Node<'_>, at: Station, mentions: &mut Vec<Mention>) {
        if !self.references.is_busy(at) {
            return;
        }
        if self.references.task(at).is_some() && is_key(node) {
            mentions.push(Mention::new(Role::Reference, &[node], node.pointer()));
        }
        for member in node.members() {
            self.value(member.value, self.references.member(at, &member).1, mentions);
        }
        for (index, item) in node.items().enumerate() {
            self.value(item, self.references.item(at, index), mentions);
        }
    }
}

fn is_key(node: Node<'_>) -> bool {
    matches!(node.kind(), Kind::String | Kind::Number)
}

fn join(parts: &[Node<'_>]) -> String {
    parts.iter().map(|part| part.text()).collect::<Vec<_>>().join(" ")
}

impl Mention {
    /// The same for the same key.
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

    // The same for the same key and for no other one of as many parts.
    fn exact(&self) -> &str {
        self.exact.as_deref().unwrap_or(&self.text)
    }

    fn new(role: Role, parts: &[Node<'_>], pointer: String) -> Self {
        let text: Box<str> = join(parts).into();
        // Of several parts the lengths tell where each ends.
        let lengths = || parts.iter().map(|part| part.text().len().to_string()).collect::<Vec<_>>().join(" ");
        let exact: Option<Box<str>> = (parts.len() > 1).then(|| format!("{} {text}", lengths()).into());
        // Two runs that begin differently make 128 bits.
        let run = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(seed);
            hasher.write_usize(parts.len());
            hasher.write(exact.as_deref().unwrap_or(&text).as_bytes());
            u128::from(hasher.finish())
        };
        let hash = run(0) << 64 | run(1);
        let place = Place::new(parts[0].tree().source(), parts[0].span());
        Self { role, text, place, pointer, hash, exact, hidden: false }
    }
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
    keys: Keys,
    waiting: Line,
}

impl Across {
    /// None yet. `complete` says that the inputs are the whole collection, so that a dangling reference is an error.
    #[must_use]
    pub fn new(complete: bool) -> Self {
        Self { complete, files: Vec::new(), keys: Keys::default(), waiting: Line::new(WAITING) }
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
                Role::Reference if self.keys.has(mention.hash)? => {}
                Role::Reference => self.waiting.push(Waiting::new(mention, record, fresh))?,
            }
        }
        Ok(found)
    }

    fn key(&mut self, mention: Mention, record: Option<&RecordRef>, fresh: bool) -> io::Result<Option<Found>> {
        let location = mention.place.locate();
        let seen = Seen { file: self.file(&location.file), at: location.start, fresh };
        let Some(first) = self.keys.take(mention.hash, mention.exact(), seen)? else { return Ok(None) };
        let place = Place::new(&Arc::new(Source::elsewhere(Arc::clone(&self.files[first.file]), first.at)), Span::at(0));
        let message = format!("expected a key of its own, found {}, which an earlier record has", quote(&mention.text, true));
        let mut note = Diagnostic::new(&rules::DUPLICATE_KEY, &mention.place.source, mention.place.span, message)
            .at(mention.pointer)
            .related("first record with this key", place)
            .help("give one of the records another key, or take it out if it is the same");
        note.record = record.cloned();
        Ok(Some((note, fresh || first.fresh)))
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
        self.keys.has(mention.hash)
    }

    /// The references whose record did not turn up, in input order. `was` says whether a record that is to be looked at anew
    /// had a key before.
    ///
    /// # Errors
    /// When keys that lie on disk cannot be read.
    pub fn finish(mut self, was: &dyn Fn(u128) -> bool) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let (keys, complete) = (&mut self.keys, self.complete);
        self.waiting.each(&mut |waiting| {
            if !keys.has(waiting.hash)? {
                let message = format!("expected the key of a record, found {}, which no record has", quote(&waiting.text, true));
                let span = Span::new(0, u32::try_from(waiting.shown.len()).unwrap_or(0));
                let source = Arc::new(Source::window(waiting.file, waiting.shown, waiting.at));
                let mut note = Diagnostic::new(&rules::DANGLING_REFERENCE, &source, span, message)
                    .at(waiting.pointer)
                    .help("correct the key, or add the record it names");
                if complete {
                    note.severity = Severity::Error;
                }
                note.record = waiting.record;
                found.push((note, waiting.fresh || was(waiting.hash)));
            }
            Ok(())
        })?;
        Ok(found)
    }
}
