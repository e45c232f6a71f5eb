//! Finds an array inside a document, so that its items can be cut without reading the rest of the document first.
//!
//! In: the bytes of a document, as far as they have been read, and the names that lead to the array. Out: where its first
//! item may stand, or that there is no such array. Of the members beside the way only quotes and brackets are looked at;
//! whether they are well-formed is judged later, from what stands before and behind the array.

use super::{Border, Cutter, Scan};
use crate::tree::pointer;

/// The way to an array; it goes on where it was when more bytes are at hand.
pub(super) struct Way {
    // Names that lead to it.
    names: Vec<String>,
    // How many of them have been met.
    met: usize,
    at: usize,
    step: Step,
}

enum Step {
    // A value stands here: the object, or array, that the names so far lead to.
    Value,
    // A name or the end of the object.
    Name,
    // Past a value that lies beside the way.
    Past(Scan),
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Offset behind the opening bracket.
    Array(usize),
    /// There is no such array, or what stands here is no JSON.
    None,
    /// More bytes are wanted.
    Unknown,
}

impl Way {
    /// The way that a pointer describes.
    pub(super) fn new(pointer: &str) -> Self {
        let names = pointer.split('/').skip(1).map(|token| pointer::unescape(token).into_owned()).collect();
        Self { names, met: 0, at: 0, step: Step::Value }
    }

    /// Looks on; `bytes` begin where they began before.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Found {
        loop {
            let found = match &mut self.step {
                Step::Value => self.value(bytes),
                Step::Name => self.name(bytes),
                Step::Past(scan) => match scan.step(bytes, &mut self.at) {
                    Some(Border::Comma(_)) => {
                        self.step = Step::Name;
                        None
                    }
                    // The object ends and has no such member.
                    Some(Border::End(_)) => Some(Found::None),
                    None => Some(Found::Unknown),
                },
            };
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn value(&mut self, bytes: &[u8]) -> Option<Found> {
        let Some(at) = solid(bytes, self.at) else { return Some(Found::Unknown) };
        let wanted = if self.met == self.names.len() { b'[' } else { b'{' };
        if bytes[at] != wanted {
            return Some(Found::None);
        }
        self.at = at + 1;
        if wanted == b'[' {
            return Some(Found::Array(self.at));
        }
        self.step = Step::Name;
        None
    }

    fn name(&mut self, bytes: &[u8]) -> Option<Found> {
        let Some(start) = solid(bytes, self.at) else { return Some(Found::Unknown) };
        match bytes[start] {
            b'"' => {}
            // The end of the object, or what is no JSON.
            _ => return Some(Found::None),
        }
        let Some(end) = closing_quote(bytes, start + 1) else { return Some(Found::Unknown) };
        let Some(colon) = solid(bytes, end + 1) else { return Some(Found::Unknown) };
        if bytes[colon] != b':' {
            return Some(Found::None);
        }
        let name = serde_json::from_slice::<String>(&bytes[start..=end]);
        self.at = colon + 1;
        if name.is_ok_and(|name| name == self.names[self.met]) {
            self.met += 1;
            self.step = Step::Value;
        } else {
            self.step = Step::Past(Scan::default());
        }
        None
    }
}

// The next byte that is no white space.
fn solid(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|byte| !Cutter::is_space(*byte)).map(|at| from + at)
}

fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // However the bytes come in, the same is found.
    fn check(pointer: &str, text: &str, expected: &Found) {
        for chunk in 1..=text.len() {
            let mut way = Way::new(pointer);
            let mut length = 0;
            let found = loop {
                length = (length + chunk).min(text.len());
                match way.look(&text.as_bytes()[..length]) {
                    Found::Unknown if length < text.len() => {}
                    found => break found,
                }
            };
            assert_eq!(found, *expected, "{pointer} in {text} by {chunk}");
        }
    }

    #[test]
    fn arrays_are_found_behind_their_names() {
        check("/a", r#"{"a": [1]}"#, &Found::Array(7));
        check("/a/b", r#" {"x": {"b": [], "s": "]}\"{"}, "\u0061" : {"c": 1, "b":["#, &Found::Array(57));
        check("/a~1b", r#"{"a/b":[1]}"#, &Found::Array(8));
        check("/a", r#"{"b": 1}"#, &Found::None);
        check("/a", r"{}", &Found::None);
        check("/a", r#"{"a": {}}"#, &Found::None);
        check("/a/0", r#"{"a": [[1]]}"#, &Found::None);
        check("/a", r#"[{"a": []}]"#, &Found::None);
        check("/a", r#"{"a" [1]}"#, &Found::None);
        check("/a", r#"{"b": 1, "#, &Found::Unknown);
    }
}
