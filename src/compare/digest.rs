//! Numbers that stand for values: equal values have the same one, and different ones do not in any practical sense.
//!
//! A value is written in a form in which equal values are the same bytes, and that form is hashed to 128 bits with seeds of
//! this run, so that nobody can build two values that clash.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::ignored::{Ignored, Way};
use crate::tree::number::Decimal;
use crate::tree::{Kind, Member, Node, key};

/// Makes digests; only those of one digester and its clones can be compared.
#[derive(Clone, Debug)]
pub struct Digester {
    ignored: Arc<Ignored>,
    seeds: [RandomState; 2],
}

/// The pointers to what a record, or an item of a list, is known by.
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

    /// The key as it is shown.
    #[must_use]
    pub fn text(&self, node: Node<'_>) -> Option<String> {
        self.parts(node).map(|parts| key::shown(&parts, false))
    }
}

impl Digester {
    /// One that leaves out what `ignored` names.
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

    /// Of a key.
    #[must_use]
    pub fn key(&self, known_by: &Key, node: Node<'_>) -> Option<u128> {
        Some(self.hash(key::text(&known_by.parts(node)?).as_bytes()))
    }

    /// Of a value to which `way` leads.
    pub(super) fn value(&self, node: Node<'_>, way: &Way) -> u128 {
        let mut form = Vec::new();
        self.write(node, way, &mut form);
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

    // Each value says what it is and how long it is, so that no two different ones can run into the same bytes.
    fn write(&self, node: Node<'_>, way: &Way, form: &mut Vec<u8>) {
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
                    if let Some(way) = self.ignored.item(way, index) {
                        self.write(item, &way, form);
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
                    if let Some(way) = self.ignored.below(way, name) {
                        form.push(b'k');
                        text(name, form);
                        self.write(member.value, &way, form);
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
