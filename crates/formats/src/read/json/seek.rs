//! Finds an array inside a document, so that its items can be cut without reading the rest of the document first.
//!
//! Input: the bytes of a document, as far as they have been read, and the names that lead to the array. Output: where its first
//! item may stand, or that there is no such array. Of the members beside the way only quotes and brackets are looked at;
//! whether they are well-formed is judged later, from what is before and after the array.

use super::{Border, JsonChunker, Scan};
use chancery_core::tree::pointer;

/// The way to an array; it goes on where it was when more bytes are available.
pub(super) struct PathSeek {
    // Names that lead to it.
    names: Vec<String>,
    // How many of them have been met.
    matched: usize,
    at: usize,
    step: Step,
}

enum Step {
    // A value is here: the object, or array, that the names so far lead to.
    Value,
    // A name or the end of the object.
    Name,
    // Past a value that lies beside the way.
    Past(Scan),
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SeekResult {
    /// Offset after the opening bracket.
    Array(usize),
    /// There is no such array, or what is here is no JSON.
    None,
    /// More bytes are wanted.
    Unknown,
}

impl PathSeek {
    /// The way that a pointer describes.
    pub(super) fn new(pointer: &str) -> Self {
        let names = pointer.split('/').skip(1).map(|token| pointer::unescape(token).into_owned()).collect();
        Self { names, matched: 0, at: 0, step: Step::Value }
    }

    /// Looks on; `bytes` begin where they began before.
    pub(super) fn seek(&mut self, bytes: &[u8]) -> SeekResult {
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
                    Some(Border::End(_)) => Some(SeekResult::None),
                    None => Some(SeekResult::Unknown),
                },
            };
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn value(&mut self, bytes: &[u8]) -> Option<SeekResult> {
        let Some(at) = skip_scalar(bytes, self.at) else { return Some(SeekResult::Unknown) };
        let wanted = if self.matched == self.names.len() { b'[' } else { b'{' };
        if bytes[at] != wanted {
            return Some(SeekResult::None);
        }
        self.at = at + 1;
        if wanted == b'[' {
            return Some(SeekResult::Array(self.at));
        }
        self.step = Step::Name;
        None
    }

    fn name(&mut self, bytes: &[u8]) -> Option<SeekResult> {
        let Some(start) = skip_scalar(bytes, self.at) else { return Some(SeekResult::Unknown) };
        match bytes[start] {
            b'"' => {}
            // The end of the object, or what is no JSON.
            _ => return Some(SeekResult::None),
        }
        let Some(end) = closing_quote(bytes, start + 1) else { return Some(SeekResult::Unknown) };
        let Some(colon) = skip_scalar(bytes, end + 1) else { return Some(SeekResult::Unknown) };
        if bytes[colon] != b':' {
            return Some(SeekResult::None);
        }
        let name = serde_json::from_slice::<String>(&bytes[start..=end]);
        self.at = colon + 1;
        if name.is_ok_and(|name| name == self.names[self.matched]) {
            self.matched += 1;
            self.step = Step::Value;
        } else {
            self.step = Step::Past(Scan::default());
        }
        None
    }
}

// The next byte that is no white space.
fn skip_scalar(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|byte| !JsonChunker::is_space(*byte)).map(|at| from + at)
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
    fn check(pointer: &str, text: &str, expected: &SeekResult) {
        for chunk in 1..=text.len() {
            let mut path = PathSeek::new(pointer);
            let mut length = 0;
            let found = loop {
                length = (length + chunk).min(text.len());
                match path.seek(&text.as_bytes()[..length]) {
                    SeekResult::Unknown if length < text.len() => {}
                    found => break found,
                }
            };
            assert_eq!(found, *expected, "{pointer} in {text} by {chunk}");
        }
    }

    #[test]
    fn arrays_are_found_behind_their_names() {
        check("/a", r#"{"a": [1]}"#, &SeekResult::Array(7));
        check("/a/b", r#" {"x": {"b": [], "s": "]}\"{"}, "\u0061" : {"c": 1, "b":["#, &SeekResult::Array(57));
        check("/a~1b", r#"{"a/b":[1]}"#, &SeekResult::Array(8));
        check("/a", r#"{"b": 1}"#, &SeekResult::None);
        check("/a", r"{}", &SeekResult::None);
        check("/a", r#"{"a": {}}"#, &SeekResult::None);
        check("/a/0", r#"{"a": [[1]]}"#, &SeekResult::None);
        check("/a", r#"[{"a": []}]"#, &SeekResult::None);
        check("/a", r#"{"a" [1]}"#, &SeekResult::None);
        check("/a", r#"{"b": 1, "#, &SeekResult::Unknown);
    }
}
