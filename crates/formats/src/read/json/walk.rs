//! Follows the records paths through a document that comes in parts, and finds where it can be cut.
//!
//! Input: the bytes of a document, as far as they have been read. Output: offsets after a comma, or after a bracket, of the objects
//! and arrays that paths lead into, each with what is open there. Of everything else only quotes and brackets are looked at:
//! whether it is well-formed is judged later, by the reader of the window.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::scan::{Border, Scan};
use super::{JsonChunker, MAX_RECORDS_PER_WINDOW};
use crate::read::records::{At, Found, Mark, Names, Positions, Role, Targets};
use chancery_core::source::{InputBuffer, Position};
use chancery_core::tree::Kind;

/// An object or array that is open.
#[derive(Clone)]
pub(super) struct Frame {
    pub kind: Kind,
    /// Whether nothing of it is before this place.
    pub first: bool,
    /// How many members or items of it are before this place.
    pub next: u64,
    pub content: Content,
}

/// What is in an object or array.
#[derive(Clone)]
pub(super) enum Content {
    /// Each item is a record of the target.
    Records(usize),
    /// What the targets say of each.
    Paths(Arc<[usize]>),
}

/// A step that was taken into what is open, where it is captured.
#[derive(Clone)]
pub(super) struct Key {
    pub text: String,
    pub mark: Mark,
    pub is_index: bool,
}

/// What is open at a place: as many keys as frames without the root.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub frames: Vec<Frame>,
    pub keys: Vec<Option<Key>>,
}

/// A name that the object has before.
pub(super) struct Duplicate {
    pub at: usize,
    pub length: usize,
    pub first: Mark,
}

/// What came of a look.
pub(super) enum Progress {
    /// More bytes are wanted.
    More,
    /// There is enough for a window.
    Full,
    /// The root has ended at this offset.
    Closed(usize),
    /// What is before this offset is no JSON.
    Broken(usize),
}

enum Step {
    // A member, an item or a closing bracket is next.
    Child,
    // In a value that is taken whole.
    Past(Scan),
    // A comma or a closing bracket is next.
    After,
}

// What has to be known of an open object or array beside its frame.
#[derive(Default)]
struct Open {
    is_empty: bool,
    names: Names,
    // Where each name stands, by its hash.
    seen: HashMap<u128, Position>,
}

/// Where the walk is.
pub(super) struct Walk {
    targets: Arc<Targets>,
    here: Place,
    open: Vec<Open>,
    step: Step,
    // Offset of the next byte.
    at: usize,
    // The target of the value that is being gone past, if it is a record.
    current: Option<usize>,
    positions: Positions,
    duplicates: Vec<Duplicate>,
    records: usize,
    // The last place at which the text can be cut, and whether anything has been opened or closed since.
    cut: Option<(usize, Place)>,
    changed: bool,
    pub found: Found,
}

impl Walk {
    pub(super) fn new(targets: &Arc<Targets>) -> Self {
        Self {
            targets: Arc::clone(targets),
            here: Place::default(),
            open: Vec::new(),
            step: Step::After,
            at: 0,
            current: None,
            positions: Positions::default(),
            duplicates: Vec::new(),
            records: 0,
            cut: None,
            changed: true,
            found: Found::new(targets),
        }
    }

    /// Begins behind the root's bracket; returns what is open.
    pub(super) fn enter(&mut self, kind: Kind, content: Content, at: usize) -> Place {
        self.push(kind, content, None, at);
        self.here.clone()
    }

    /// The target of the record that the walk is in, and whether it is in a value that is taken whole.
    pub(super) fn current(&self) -> Option<Option<usize>> {
        matches!(self.step, Step::Past(_)).then_some(self.current)
    }

    /// How far it has gone.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// Goes on until the text can be cut after at least `window_bytes`, or it ends.
    pub(super) fn advance(&mut self, feed: &InputBuffer, window_bytes: usize) -> Progress {
        let bytes = feed.bytes();
        loop {
            let progress = match &mut self.step {
                Step::Past(scan) => match scan.step(bytes, &mut self.at) {
                    None => Some(Progress::More),
                    Some(Border::Comma(end)) => self.next(end, window_bytes),
                    Some(Border::End(end)) => self.close(end),
                },
                Step::Child => self.child(feed, window_bytes),
                Step::After => match skip_space(bytes, self.at) {
                    None => Some(Progress::More),
                    Some(at) => match bytes[at] {
                        b',' => self.next(at + 1, window_bytes),
                        b']' | b'}' => self.close(at + 1),
                        _ => Some(Progress::Broken(at)),
                    },
                },
            };
            if let Some(progress) = progress {
                return progress;
            }
        }
    }

    /// The last place found at which the text can be cut.
    pub(super) fn take_cut(&mut self) -> Option<(usize, Place)> {
        self.records = 0;
        self.cut.take()
    }

    /// The text before `length` has been taken; returns the duplicates in it.
    pub(super) fn consumed(&mut self, length: usize) -> Vec<Duplicate> {
        self.at = self.at.saturating_sub(length);
        let behind = self.duplicates.iter().position(|duplicate| duplicate.at >= length).unwrap_or(self.duplicates.len());
        let rest = self.duplicates.split_off(behind);
        let taken = std::mem::replace(&mut self.duplicates, rest);
        self.duplicates.iter_mut().for_each(|duplicate| duplicate.at -= length);
        taken
    }

    /// Goes to the border after the value that is too large to be taken, as far as there are bytes. Returns how many are to be dropped,
    /// and what is open after it if its end has been found.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> (usize, Option<Place>) {
        let border = match &mut self.step {
            Step::Past(scan) => scan.step(bytes, &mut self.at),
            _ => return (0, None),
        };
        let dropped = match border {
            None => return (crate::read::limits::floor_char(bytes, self.at), None),
            Some(Border::Comma(end)) => {
                self.next(end, usize::MAX);
                end
            }
            Some(Border::End(end)) => {
                // What is left looks like the end of an empty object or array, and is right as such.
                if let Some(frame) = self.here.frames.last_mut() {
                    frame.first = true;
                }
                self.at = end - 1;
                self.expect_child();
                end - 1
            }
        };
        self.take_cut();
        (dropped, Some(self.here.clone()))
    }

    fn expect_child(&mut self) {
        self.step = match self.here.frames.last().map(|frame| &frame.content) {
            Some(Content::Records(target)) => {
                self.current = Some(*target);
                Step::Past(Scan::default())
            }
            _ => Step::Child,
        };
    }

    fn push(&mut self, kind: Kind, content: Content, key: Option<Key>, at: usize) {
        if !self.here.frames.is_empty() {
            self.here.keys.push(key);
        }
        self.here.frames.push(Frame { kind, first: true, next: 0, content });
        self.open.push(Open { is_empty: true, ..Open::default() });
        self.changed = true;
        self.at = at;
        self.expect_child();
    }

    // After a comma.
    fn next(&mut self, at: usize, window_bytes: usize) -> Option<Progress> {
        if let (Some(frame), Some(open)) = (self.here.frames.last_mut(), self.open.last_mut()) {
            (frame.first, open.is_empty) = (false, false);
            frame.next += 1;
        }
        self.at = at;
        self.records += 1;
        self.expect_child();
        self.can_cut(at, window_bytes)
    }

    // Notes that the text can be cut here.
    fn can_cut(&mut self, at: usize, window_bytes: usize) -> Option<Progress> {
        match &mut self.cut {
            Some((end, place)) if !self.changed => {
                *end = at;
                if let (Some(cut), Some(frame)) = (place.frames.last_mut(), self.here.frames.last()) {
                    (cut.first, cut.next) = (frame.first, frame.next);
                }
            }
            cut => *cut = Some((at, self.here.clone())),
        }
        self.changed = false;
        (at >= window_bytes || self.records >= MAX_RECORDS_PER_WINDOW).then_some(Progress::Full)
    }

    // After a closing bracket.
    fn close(&mut self, at: usize) -> Option<Progress> {
        let depth = self.here.frames.len().saturating_sub(1);
        if let (Some(frame), Some(open)) = (self.here.frames.pop(), self.open.pop())
            && let Content::Paths(within) = &frame.content
        {
            self.found.close(within, depth, frame.kind, open.is_empty, &open.names);
        }
        self.here.keys.truncate(depth.saturating_sub(1));
        self.changed = true;
        self.at = at;
        self.step = Step::After;
        // A value that has just ended makes what it is in not empty.
        match self.open.last_mut() {
            None => Some(Progress::Closed(at)),
            Some(open) => {
                open.is_empty = false;
                None
            }
        }
    }

    // Where a member, an item or a closing bracket is next: nothing is changed until all bytes that decide are available.
    fn child(&mut self, feed: &InputBuffer, window_bytes: usize) -> Option<Progress> {
        let bytes = feed.bytes();
        let Some(start) = skip_space(bytes, self.at) else { return Some(Progress::More) };
        if matches!(bytes[start], b']' | b'}') {
            return self.close(start + 1);
        }
        let depth = self.here.frames.len() - 1;
        let (Some(frame), Some(open)) = (self.here.frames.last(), self.open.last_mut()) else { return Some(Progress::Broken(start)) };
        let Content::Paths(within) = &frame.content else { return Some(Progress::Broken(start)) };
        let (mut name, mut value, mut end) = (String::new(), start, start + 1);
        if frame.kind == Kind::Object {
            if bytes[start] != b'"' {
                return Some(Progress::Broken(start));
            }
            let Some(quote) = closing_quote(bytes, start + 1) else { return Some(Progress::More) };
            end = quote + 1;
            let Some(colon) = skip_space(bytes, end) else { return Some(Progress::More) };
            let read = serde_json::from_slice::<String>(&bytes[start..end]);
            match read {
                Ok(read) if bytes[colon] == b':' => name = read,
                _ => return Some(Progress::Broken(colon)),
            }
            match skip_space(bytes, colon + 1) {
                None => return Some(Progress::More),
                Some(at) => value = at,
            }
        }
        let kind = match bytes[value] {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        };
        let at = if frame.kind == Kind::Object { At::Name(&name) } else { At::Index(frame.next) };
        let is_index = frame.kind == Kind::Array;
        let positions = &mut self.positions;
        let mut mark = || Mark { position: positions.at(feed, start), text: String::from_utf8_lossy(&bytes[start..end]).into_owned() };
        if !is_index {
            open.names.add(&name);
            let here = mark();
            let known = open.seen.entry(hash(&name));
            if let std::collections::hash_map::Entry::Occupied(first) = known {
                let first = Mark { position: *first.get(), text: here.text };
                self.duplicates.push(Duplicate { at: start, length: end - start, first });
            } else {
                known.or_insert(here.position);
            }
        }
        let role = self.targets.child(within, depth, at, kind);
        let key = |mark: Mark| Key { text: at.to_string(), mark, is_index };
        let (content, target) = match role {
            Role::List(target) => (Content::Records(target), Some(target)),
            Role::Inside(within) => (Content::Paths(within), None),
            role => {
                self.current = if let Role::Record(target) = role {
                    self.found.meet(target);
                    Some(target)
                } else {
                    self.found.outside(&at.to_string(), mark);
                    let within = Arc::clone(within);
                    self.found.scalar(&within, depth, at, kind);
                    None
                };
                open.is_empty = false;
                self.at = value;
                self.step = Step::Past(Scan::default());
                return None;
            }
        };
        target.into_iter().for_each(|target| self.found.meet(target));
        let key = self.targets.captures(depth).then(|| key(mark()));
        self.push(kind, content, key, value + 1);
        self.can_cut(value + 1, window_bytes)
    }
}

// Two names of one hash of this length will not be met.
fn hash(name: &str) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

// The next byte that is no white space.
fn skip_space(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|byte| !JsonChunker::is_space(*byte)).map(|at| from + at)
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
