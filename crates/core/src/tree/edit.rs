//! Edits of a built tree, for normalisation and for readers that collect scattered parts.
//!
//! Spans stay those of the source text; a supplied value has the span of the value that it is derived from.

use super::{ALTERED, CAPTURED, DERIVED, Kind, NONE, NodeId, QUOTED, REPEATED, SHADOWED, SHARED, Slot, Text, Tree};
use crate::source::Span;

impl Tree {
    /// Makes `id` a scalar with a new text; its span stays. The node counts as altered.
    pub fn replace(&mut self, id: NodeId, kind: Kind, text: &str) {
        self.compact = false;
        let (a, b, flags) = self.keep(Text::Owned(text));
        let slot = &mut self.slots[id.0 as usize];
        let kept = slot.flags & (DERIVED | QUOTED | SHARED | REPEATED);
        *slot = Slot { kind, flags: flags | kept | ALTERED, a, b, len: 0, opening: 0, ..*slot };
    }

    /// Makes `id` a scalar with this text and span; not counted as altered.
    pub fn set_scalar(&mut self, id: NodeId, kind: Kind, text: &str, span: Span) {
        self.compact = false;
        let (a, b, flags) = self.keep(Text::Owned(text));
        let slot = &mut self.slots[id.0 as usize];
        *slot = Slot {
            kind,
            flags: flags | (slot.flags & (DERIVED | QUOTED | SHARED | REPEATED)),
            span,
            a,
            b,
            len: 0,
            opening: 0,
            next: slot.next,
        };
    }

    /// Makes `id` an empty array or object whose opening is `opening`.
    pub fn set_container(&mut self, id: NodeId, kind: Kind, opening: Span) {
        self.compact = false;
        let slot = &mut self.slots[id.0 as usize];
        let length = u16::try_from(opening.len()).unwrap_or(u16::MAX);
        *slot = Slot {
            kind,
            flags: slot.flags & (DERIVED | REPEATED),
            opening: length,
            span: opening,
            a: NONE,
            b: NONE,
            next: slot.next,
            len: 0,
        };
    }

    /// Adds a member to `object`, after the value `after` or at the end, and gives its value, null until it is set.
    pub fn insert_member(&mut self, object: NodeId, after: Option<NodeId>, key: &str, key_span: Span) -> NodeId {
        self.insert_member_text(object, after, Text::Owned(key), key_span)
    }

    /// As [`Tree::insert_member`], for a key that may are in the source.
    pub fn insert_member_text(&mut self, object: NodeId, after: Option<NodeId>, key: Text<'_>, key_span: Span) -> NodeId {
        let key = self.push_key(key_span, key);
        let value = self.push_null(key_span);
        match after {
            None => self.link_last(object.0, key),
            Some(after) => {
                // A member's value stands right after its key.
                let before = (after.0 - 1) as usize;
                self.slots[key as usize].next = self.slots[before].next;
                self.slots[before].next = key;
                let object = &mut self.slots[object.0 as usize];
                object.len += 1;
                if object.b == after.0 - 1 {
                    object.b = key;
                }
            }
        }
        NodeId(value)
    }

    /// Adds a member to `object` before all others, and gives its value, null until it is set.
    pub fn insert_first_member(&mut self, object: NodeId, key: Text<'_>, key_span: Span) -> NodeId {
        let key = self.push_key(key_span, key);
        let value = self.push_null(key_span);
        let first = std::mem::replace(&mut self.slots[object.0 as usize].a, key);
        self.slots[key as usize].next = first;
        let object = &mut self.slots[object.0 as usize];
        object.len += 1;
        if first == NONE {
            object.b = key;
        }
        NodeId(value)
    }

    /// Returns the member with this value another name.
    pub fn rename_member(&mut self, value: NodeId, name: &str) {
        self.compact = false;
        let (a, b, flags) = self.keep(Text::Owned(name));
        // A member's name stands right before its value.
        let slot = &mut self.slots[(value.0 - 1) as usize];
        *slot = Slot { flags: flags | (slot.flags & (SHADOWED | SHARED | REPEATED)), a, b, len: super::key_hash(name), ..*slot };
    }

    /// Adds an item at the end of `array` and gives it, null until it is set.
    pub fn push_item(&mut self, array: NodeId, span: Span) -> NodeId {
        let item = self.push_null(span);
        self.link_last(array.0, item);
        NodeId(item)
    }

    /// Makes an empty tree's root, null until it is set.
    pub fn set_root(&mut self, span: Span) -> NodeId {
        self.root = self.push_null(span);
        NodeId(self.root)
    }

    fn push_null(&mut self, span: Span) -> u32 {
        self.compact = false;
        let (a, b, flags) = self.keep(Text::Owned("null"));
        self.push(Slot { kind: Kind::Null, flags, opening: 0, span, a, b, next: NONE, len: 0 })
    }

    /// Takes the member with this value out of `object`; the nodes stay in the arena until it is cleared.
    pub fn remove_member(&mut self, object: NodeId, value: NodeId) {
        self.unlink(object, value.0 - 1);
    }

    /// Takes an item out of `array`.
    pub fn remove_item(&mut self, array: NodeId, item: NodeId) {
        self.unlink(array, item.0);
    }

    fn unlink(&mut self, parent: NodeId, child: u32) {
        self.compact = false;
        let after = self.slots[child as usize].next;
        let container = self.slots[parent.0 as usize];
        let mut before = NONE;
        let mut at = container.a;
        while at != NONE && at != child {
            before = at;
            at = self.slots[at as usize].next;
        }
        if at == NONE {
            return;
        }
        if before != NONE {
            self.slots[before as usize].next = after;
        }
        let container = &mut self.slots[parent.0 as usize];
        if container.a == child {
            container.a = after;
        }
        if container.b == child {
            container.b = before;
        }
        container.len -= 1;
        self.slots[child as usize].next = NONE;
    }

    /// Sorts the members of `object` by `rank` of the key; equal ranks keep their order. Says whether anything moved.
    pub fn order_members(&mut self, object: NodeId, rank: impl Fn(&str) -> usize) -> bool {
        let mut keys: Vec<(usize, u32)> = self.node(object).members().map(|m| (rank(m.key.text()), m.key.slot)).collect();
        if keys.is_sorted_by_key(|(rank, _)| *rank) {
            return false;
        }
        self.compact = false;
        keys.sort_by_key(|(rank, _)| *rank);
        for pair in keys.windows(2) {
            self.slots[pair[0].1 as usize].next = pair[1].1;
        }
        let (first, last) = (keys[0].1, keys[keys.len() - 1].1);
        self.slots[last as usize].next = NONE;
        let slot = &mut self.slots[object.0 as usize];
        slot.a = first;
        slot.b = last;
        true
    }

    /// Marks a node as supplied or read out of prose.
    pub fn mark_derived(&mut self, id: NodeId) {
        self.slots[id.0 as usize].flags |= DERIVED;
    }

    /// Marks the member with this value as one that a later member of the same name shadows.
    pub fn mark_shadowed(&mut self, value: NodeId) {
        self.slots[value.0 as usize - 1].flags |= SHADOWED;
    }

    /// As [`Tree::mark_shadowed`], for the member that was added last to the object that is open.
    pub fn mark_last_shadowed(&mut self) {
        let last = self.stack.last().map_or(NONE, |open| self.slots[*open as usize].b);
        if last != NONE {
            self.slots[last as usize].flags |= SHADOWED;
        }
    }

    /// Marks a scalar as quoted in the source.
    pub fn mark_quoted(&mut self, id: NodeId) {
        self.slots[id.0 as usize].flags |= QUOTED;
    }

    /// Marks a scalar whose bytes are not its alone.
    pub fn mark_shared(&mut self, id: NodeId) {
        self.slots[id.0 as usize].flags |= SHARED;
    }

    /// Marks the member with this value as one that the path to the record gave it.
    pub fn mark_captured(&mut self, value: NodeId) {
        self.slots[value.0 as usize - 1].flags |= SHARED | CAPTURED;
        self.slots[value.0 as usize].flags |= SHARED;
    }

    /// Marks the name that waits for its value as one whose bytes are not its alone.
    pub fn mark_key_shared(&mut self) {
        if self.pending != NONE {
            self.slots[self.pending as usize].flags |= SHARED;
        }
    }

    /// Marks a value that other records of the document may hold too.
    pub fn mark_repeated(&mut self, id: NodeId) {
        self.slots[id.0 as usize].flags |= REPEATED;
    }

    /// Marks the name that waits for its value as one that other records of the document may hold too.
    pub fn mark_key_repeated(&mut self) {
        if self.pending != NONE {
            self.slots[self.pending as usize].flags |= REPEATED;
        }
    }

    /// Sets where a node ends, for one whose end was not known when it was made.
    pub fn set_end(&mut self, id: NodeId, end: u32) {
        let span = &mut self.slots[id.0 as usize].span;
        span.end = span.end.max(end);
    }
}
