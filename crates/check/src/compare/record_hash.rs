//! Hashes of values: equal values have the same hash, and different ones practically never do.
//!
//! A value is written in a canonical form, which is hashed to 128 bits with seeds of this run, so that nobody can
//! construct collisions.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::ignored::{IgnorePath, Ignored};
use chancery_core::tree::number::Decimal;
use chancery_core::tree::{Kind, Member, Node, key};

/// Computes hashes; only those of one hasher and its clones are comparable.
#[derive(Clone, Debug)]
pub struct RecordHasher {
    ignored: Arc<Ignored>,
    seeds: [RandomState; 2],
}

/// The pointers to the key of a record or a list item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    pointers: Vec<String>,
}

impl Key {
    /// A key with these parts; without any, nothing has a key.
    #[must_use]
    pub fn new(pointers: Vec<String>) -> Self {
        Self { pointers }
    }

    /// Its pointers.
    #[must_use]
    pub fn pointers(&self) -> &[String] {
        &self.pointers
    }

    fn parts<'t>(&self, node: Node<'t>) -> Option<Vec<Node<'t>>> {
        let part = |pointer: &String| node.at(pointer).filter(|part| key::is_part(*part));
        self.pointers.iter().map(part).collect::<Option<Vec<_>>>().filter(|parts| !parts.is_empty())
    }

    /// The key for display.
    #[must_use]
    pub fn text(&self, node: Node<'_>) -> Option<String> {
        self.parts(node).map(|parts| key::shown(&parts, false))
    }
}

impl RecordHasher {
    /// A hasher that skips `ignored` locations.
    #[must_use]
    pub fn new(ignored: Ignored) -> Self {
        Self { ignored: Arc::new(ignored), seeds: [RandomState::new(), RandomState::new()] }
    }

    pub(super) fn ignored(&self) -> &Ignored {
        &self.ignored
    }

    /// Of a record.
    #[must_use]
    pub fn record(&self, record: Node<'_>) -> u128 {
        self.value(record, &self.ignored.start())
    }

    /// Of a record, the same in every run and on every machine.
    #[must_use]
    pub fn content(&self, record: Node<'_>) -> u128 {
        let mut form = Vec::new();
        self.write(record, &self.ignored.start(), &mut form);
        let sum = Sha256::digest(&form);
        sum.iter().take(16).fold(0, |hash, byte| hash << 8 | u128::from(*byte))
    }

    /// Of a key.
    #[must_use]
    pub fn key(&self, known_by: &Key, node: Node<'_>) -> Option<u128> {
        Some(self.hash(key::text(&known_by.parts(node)?).as_bytes()))
    }

    /// Of a value at `path`.
    pub(super) fn value(&self, node: Node<'_>, path: &IgnorePath) -> u128 {
        let mut form = Vec::new();
        self.write(node, path, &mut form);
        self.hash(&form)
    }

    fn hash(&self, form: &[u8]) -> u128 {
        let run = |seed: &RandomState| {
            let mut hasher = seed.build_hasher();
            hasher.write(form);
            u128::from(hasher.finish())
        };
        run(&self.seeds[0]) << 64 | run(&self.seeds[1])
    }

    // Each value starts with its type and length, so that different values cannot give the same bytes.
    fn write(&self, node: Node<'_>, path: &IgnorePath, form: &mut Vec<u8>) {
        match node.kind() {
            Kind::Null => form.push(b'n'),
            Kind::Bool => form.push(if node.text() == "true" { b't' } else { b'f' }),
            Kind::Number => {
                form.push(b'd');
                match Decimal::parse(node.text()) {
                    Some(number) => text(&number.to_string(), form),
                    None => text(node.text(), form),
                }
            }
            Kind::String => {
                form.push(b's');
                text(node.text(), form);
            }
            Kind::Array => {
                form.push(b'[');
                for (index, item) in node.items().enumerate() {
                    if let Some(path) = self.ignored.item(path, index) {
                        self.write(item, &path, form);
                    }
                }
                form.push(b']');
            }
            Kind::Object => {
                let mut members: Vec<Member<'_>> = node.members().collect();
                // Stable, so that the last of duplicates is the last of its name.
                members.sort_by(|a, b| a.key.text().cmp(b.key.text()));
                form.push(b'{');
                for (at, member) in members.iter().enumerate() {
                    let name = member.key.text();
                    if members.get(at + 1).is_some_and(|next| next.key.text() == name) {
                        continue;
                    }
                    if let Some(path) = self.ignored.below(path, name) {
                        form.push(b'k');
                        text(name, form);
                        self.write(member.value, &path, form);
                    }
                }
                form.push(b'}');
            }
        }
    }
}

fn text(text: &str, form: &mut Vec<u8>) {
    form.extend_from_slice(&(text.len() as u64).to_le_bytes());
    form.extend_from_slice(text.as_bytes());
}
