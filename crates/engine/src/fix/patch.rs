//! A text with edits: which parts were kept, which are new, and in which order.
//!
//! Edits come in rounds, each in positions of the text after the previous rounds. The total is expressed in positions
//! of the original text, so that no comparison is needed to find the differences.

use std::ops::Range;
use std::sync::Arc;

/// A text in place of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The replaced bytes; empty for an insertion.
    pub range: Range<usize>,
    /// The new text.
    pub text: Vec<u8>,
}

/// A text with edits.
#[derive(Clone, Debug)]
pub struct Patch {
    original: Arc<[u8]>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    // A part of the original.
    Kept(Range<usize>),
    New(Vec<u8>),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::New(text) => text.len(),
        }
    }

    // The parts of the piece before and after an offset.
    fn split(self, at: usize) -> (Self, Self) {
        match self {
            Self::Kept(Range { start, end }) => (Self::Kept(start..start + at), Self::Kept(start + at..end)),
            Self::New(mut text) => {
                let behind = text.split_off(at);
                (Self::New(text), Self::New(behind))
            }
        }
    }
}

impl Patch {
    /// The current text.
    #[must_use]
    pub fn new(original: Arc<[u8]>) -> Self {
        let all = 0..original.len();
        Self { original, pieces: vec![Piece::Kept(all)] }
    }

    /// Applies edits, which are in order and do not overlap; of several at one place, the first comes first.
    pub fn apply(&mut self, edits: &[Replacement]) {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.reverse();
        let mut take = |mut length: usize, mut sink: Option<&mut Vec<Piece>>| {
            while length > 0 {
                let Some(piece) = pieces.pop() else { return };
                let piece = if piece.len() > length {
                    let (piece, rest) = piece.split(length);
                    pieces.push(rest);
                    piece
                } else {
                    piece
                };
                length -= piece.len();
                if let Some(sink) = &mut sink {
                    sink.push(piece);
                }
            }
        };
        let mut at = 0;
        for edit in edits {
            take(edit.range.start - at, Some(&mut self.pieces));
            self.pieces.push(Piece::New(edit.text.clone()));
            take(edit.range.len(), None);
            at = edit.range.end;
        }
        take(usize::MAX, Some(&mut self.pieces));
    }

    /// The text with all edits.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.original.len() + 64);
        for piece in &self.pieces {
            text.extend_from_slice(match piece {
                Piece::Kept(range) => &self.original[range.clone()],
                Piece::New(new) => new,
            });
        }
        text
    }

    /// The differences from the original, in its positions: in order, separate, and minimal.
    #[must_use]
    pub fn changes(&self) -> Vec<Replacement> {
        let mut changes = Vec::new();
        let mut at = 0;
        let mut new: Vec<u8> = Vec::new();
        let end = Piece::Kept(self.original.len()..self.original.len());
        for piece in self.pieces.iter().chain([&end]) {
            match piece {
                Piece::New(text) => new.extend_from_slice(text),
                // An empty part keeps nothing, except the end of the text.
                Piece::Kept(range) if range.is_empty() && range.start < self.original.len() => {}
                Piece::Kept(range) => {
                    changes.extend(self.difference(at..range.start, std::mem::take(&mut new)));
                    at = range.end;
                }
            }
        }
        changes
    }

    // Without the common prefix and suffix.
    fn difference(&self, range: Range<usize>, mut text: Vec<u8>) -> Option<Replacement> {
        let old = &self.original[range.clone()];
        let same = |(a, b): &(&u8, &u8)| a == b;
        let before = old.iter().zip(&text).take_while(same).count();
        let behind = old[before..].iter().rev().zip(text[before..].iter().rev()).take_while(same).count();
        text.truncate(text.len() - behind);
        text.drain(..before);
        let range = range.start + before..range.end - behind;
        (!range.is_empty() || !text.is_empty()).then_some(Replacement { range, text })
    }

    /// Where in the original the bytes of the edited text come from.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let mut ranges = Vec::with_capacity(self.pieces.len());
        let (mut start, mut origin) = (0, 0);
        for piece in self.pieces.iter().filter(|piece| piece.len() > 0) {
            let end = start + piece.len();
            match piece {
                Piece::Kept(range) => {
                    ranges.push(MappedRange { start, end, origin: range.start, is_kept: true });
                    origin = range.end;
                }
                Piece::New(_) => ranges.push(MappedRange { start, end, origin, is_kept: false }),
            }
            start = end;
        }
        Origins { ranges, end: origin }
    }
}

/// Where in the original the bytes of an edited text come from.
#[derive(Debug)]
pub struct Origins {
    // In order, without gaps.
    ranges: Vec<MappedRange>,
    // The end of what was kept of the original.
    end: usize,
}

#[derive(Debug)]
struct MappedRange {
    start: usize,
    end: usize,
    // Where its first byte comes from, or where in the original a new text stands.
    origin: usize,
    is_kept: bool,
}

impl Origins {
    /// Where the byte at an offset of the edited text comes from, or what is in its place.
    #[must_use]
    pub fn of(&self, offset: usize) -> usize {
        let at = self.ranges.partition_point(|range_at| {
            chancery_core::growth::step();
            range_at.end <= offset
        });
        match self.ranges.get(at) {
            Some(range_at) if range_at.is_kept => range_at.origin + (offset - range_at.start),
            Some(range_at) => range_at.origin,
            None => self.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Replacement {
        Replacement { range, text: text.as_bytes().to_vec() }
    }

    fn patch(text: &str) -> Patch {
        Patch::new(text.as_bytes().into())
    }

    #[test]
    fn rounds_come_to_one_set_of_changes() {
        let mut patch = patch("one two three");
        patch.apply(&[edit(0..3, "1"), edit(4..7, "2"), edit(13..13, "!"), edit(13..13, "?")]);
        assert_eq!(patch.text(), b"1 2 three!?");
        assert_eq!(patch.origins().of(4), 8);
        patch.apply(&[edit(0..3, "both")]);
        assert_eq!(patch.text(), b"both three!?");
        assert_eq!(patch.changes(), [edit(0..7, "both"), edit(13..13, "!?")]);
        patch.apply(&[edit(0..4, "one two"), edit(10..12, "")]);
        assert_eq!(patch.text(), b"one two three");
        assert_eq!(patch.changes(), []);
    }

    #[test]
    fn no_more_is_changed_than_has_to_be() {
        let mut patch = patch("{\"number\": \"12\"}");
        patch.apply(&[edit(11..15, "\"13\"")]);
        assert_eq!(patch.changes(), [edit(13..14, "3")]);
    }

    proptest! {
        #[test]
        fn changes_made_to_the_original_give_the_text(
            text in "[ab\n]{0,20}",
            rounds in prop::collection::vec(prop::collection::vec((0usize..30, 0usize..4, "[xy\n]{0,3}"), 0..4), 0..4),
        ) {
            let mut patched = patch(&text);
            let mut plain = text.clone().into_bytes();
            for round in rounds {
                let mut edits = Vec::new();
                let mut from = 0;
                for (gap, length, new) in round {
                    let start = (from + gap).min(plain.len());
                    let end = (start + length).min(plain.len());
                    edits.push(edit(start..end, &new));
                    from = end;
                }
                patched.apply(&edits);
                for edit in edits.iter().rev() {
                    plain.splice(edit.range.clone(), edit.text.iter().copied());
                }
            }
            prop_assert_eq!(patched.text(), plain.clone());
            let mut again = text.into_bytes();
            for change in patched.changes().iter().rev() {
                again.splice(change.range.clone(), change.text.iter().copied());
            }
            prop_assert_eq!(again, plain);
        }
    }
}
