//! Predicts member names: records of one type have their members in much the same order, so after one name
//! the next is expected and only has to be compared.

use chancery_core::tree::is_same;

/// Longer names are not learned.
const LONGEST: usize = 24;
/// This many names are kept; the number is a power of two.
const KEPT: usize = 128;

/// What has been learned of names.
pub(super) struct Names {
    entries: [Name; KEPT],
    last: u8,
}

#[derive(Clone, Copy)]
struct Name {
    text: [u8; LONGEST],
    // 0 where none is kept.
    length: u8,
    // The number of the name that followed it last.
    next: u8,
    hash: u32,
}

impl Default for Names {
    fn default() -> Self {
        Self { entries: [Name { text: [0; LONGEST], length: 0, next: 0, hash: 0 }; KEPT], last: 0 }
    }
}

impl Names {
    /// Whether `rest` begins with the name that is expected next, in quotes: its length with them, and its hash.
    #[inline]
    pub(super) fn next(&mut self, rest: &[u8]) -> Option<(usize, u32)> {
        let number = self.entries[self.last as usize % KEPT].next;
        let name = &self.entries[number as usize % KEPT];
        let length = name.length as usize;
        let (quoted, text) = (rest.get(..length + 2)?, name.text.get(..length)?);
        let is_it = length > 0 && quoted[0] == b'"' && quoted[length + 1] == b'"' && is_same(&quoted[1..=length], text);
        is_it.then(|| {
            self.last = number;
            (length + 2, name.hash)
        })
    }

    /// Takes note of a name that was not expected.
    pub(super) fn insert(&mut self, name: &str, hash: u32) {
        let number = hash as usize % KEPT;
        self.entries[self.last as usize % KEPT].next = number as u8;
        self.last = number as u8;
        let known = &mut self.entries[number];
        if name.len() > LONGEST {
            known.length = 0;
        } else if known.hash != hash || known.text[..known.length as usize] != *name.as_bytes() {
            known.text[..name.len()].copy_from_slice(name.as_bytes());
            (known.length, known.hash) = (name.len() as u8, hash);
        }
    }
}
