//! The only value type: a flat arena of nodes, each with the span of its bytes in the source.
//!
//! A reader fills a [`Tree`] ([`Tree::open`], [`Tree::key`], [`Tree::scalar`], [`Tree::close`]), normalisation edits it in place,
//! and the check and the writers visit it through [`Node`] handles. A tree holds one record and is cleared and reused for the next,
//! so its buffers are allocated once per worker.
//!
//! A slot is 28 bytes. A member takes two: its key, followed by its value; children are linked by `next`, so a member can be
//! added, removed or moved without shifting the others.

mod edit;
pub mod key;
pub mod number;
pub mod pattern;
pub mod pointer;

use std::sync::Arc;

use crate::source::{Source, Span};

/// What a node is, in the terms of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`; the text says which
    Bool,
    /// A number in the grammar of RFC 8259; the text keeps it as written
    Number,
    /// A string; the text is its value, without escapes
    String,
    /// An array
    Array,
    /// An object; duplicate members are kept
    Object,
}

impl Kind {
    /// The word for it in messages: `null`, `boolean`, `number`, `string`, `array`, `object`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// The same with its article.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The name of a node inside its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The slot's number: distinct for each node of a tree.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

/// Where a node's text stands: in the source as it is, or decoded and passed on.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// These bytes of the source are the text.
    Source(Span),
    /// The text differs from what the source has there.
    Owned(&'a str),
}

const NONE: u32 = u32::MAX;

const OWNED: u8 = 1; // the text is in `scratch`
const DERIVED: u8 = 2; // not written in the source: supplied, or read out of prose
const ALTERED: u8 = 4; // normalised since it was read
const QUOTED: u8 = 8; // the source put it in quotes
const SHADOWED: u8 = 16; // a key: a later member of its object has the same name
const SHARED: u8 = 32; // its bytes are not its alone: an alias, an item of a split cell, a name that several places spell
const REPEATED: u8 = 64; // other records may hold it too: an alias, or what one stands for
const CAPTURED: u8 = 128; // a key: its member stands for a name or an index outside the record

#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: Kind,
    flags: u8,
    // Containers: how many bytes of `span` are the opening (brace, start tag, a row's first byte).
    opening: u16,
    span: Span,
    // Scalars and keys: start and length of the text. Containers: first and last child.
    a: u32,
    b: u32,
    next: u32,
    // Containers: number of children. Keys: a hash of the text, so that most comparisons of names end here.
    len: u32,
}

/// One record as a flat arena of spanned nodes.
#[derive(Clone, Debug)]
pub struct Tree {
    source: Arc<Source>,
    slots: Vec<Slot>,
    scratch: String,
    // Containers still open, innermost last; only while a reader builds.
    stack: Vec<u32>,
    // The key that waits for its value.
    pending: u32,
    root: u32,
    // Whether the source has every value as `json` writes it; edits end that.
    compact: bool,
}

/// A node of a tree: a handle of two words, free to copy.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    slot: u32,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new(&Arc::new(Source::whole("", "")))
    }
}

/// Building: what a reader calls.
impl Tree {
    /// An empty tree over `source`.
    #[must_use]
    pub fn new(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            slots: Vec::new(),
            scratch: String::new(),
            stack: Vec::new(),
            pending: NONE,
            root: NONE,
            compact: false,
        }
    }

    /// Empties the tree and sets it over `source`; buffers are kept.
    pub fn reset(&mut self, source: &Arc<Source>) {
        if !Arc::ptr_eq(&self.source, source) {
            self.source = Arc::clone(source);
        }
        self.clear();
    }

    /// Empties the tree; source and buffers are kept, unless a very large record has made the buffers large.
    pub fn clear(&mut self) {
        const KEPT_SLOTS: usize = 1 << 18;
        const KEPT_SCRATCH: usize = 1 << 22;
        self.slots.clear();
        self.slots.shrink_to(KEPT_SLOTS);
        self.scratch.clear();
        self.scratch.shrink_to(KEPT_SCRATCH);
        self.stack.clear();
        self.pending = NONE;
        self.root = NONE;
        self.compact = false;
    }

    /// Says of a tree that is built that its source has every value, byte for byte, as [`json`] writes it.
    pub fn mark_compact(&mut self) {
        self.compact = true;
    }

    /// Whether nothing has been built.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root == NONE
    }

    /// How many slots are taken: one for each value and one for each name.
    #[must_use]
    #[inline]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// How many containers are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stack.len()
    }

    /// The innermost open container.
    #[must_use]
    pub fn innermost(&self) -> Option<(Kind, NodeId)> {
        self.stack.last().map(|id| (self.slots[*id as usize].kind, NodeId(*id)))
    }

    /// Opens an array or object; `opening` covers its brace, start tag or first byte.
    pub fn open(&mut self, kind: Kind, opening: Span) -> NodeId {
        debug_assert!(matches!(kind, Kind::Array | Kind::Object));
        let length = u16::try_from(opening.len()).unwrap_or(u16::MAX);
        let id = self.place(Slot { kind, flags: 0, opening: length, span: opening, a: NONE, b: NONE, next: NONE, len: 0 });
        self.stack.push(id);
        NodeId(id)
    }

    /// Closes the innermost container; `end` is the offset after its last byte.
    pub fn close(&mut self, end: u32) {
        if let Some(id) = self.stack.pop() {
            let span = &mut self.slots[id as usize].span;
            span.end = span.end.max(end);
        }
    }

    /// Names the member that comes next; `span` covers the key as written, quotes included.
    pub fn key(&mut self, span: Span, text: Text<'_>) {
        self.pending = self.push_key(span, text);
    }

    /// As [`Tree::key`] for a name that stands as it is between its quotes, and whose [`key_hash`] is available.
    #[inline]
    pub fn plain_key(&mut self, span: Span, hash: u32) {
        let slot = Slot { kind: Kind::String, flags: 0, opening: 0, span, a: span.start + 1, b: span.len() - 2, next: NONE, len: hash };
        self.pending = self.push(slot);
    }

    fn push_key(&mut self, span: Span, text: Text<'_>) -> u32 {
        let hash = match text {
            Text::Source(span) => key_hash(self.source.slice(span)),
            Text::Owned(text) => key_hash(text),
        };
        let (a, b, flags) = self.keep(text);
        self.push(Slot { kind: Kind::String, flags, opening: 0, span, a, b, next: NONE, len: hash })
    }

    /// Adds a scalar; `span` covers it as written, quotes included.
    #[inline]
    pub fn scalar(&mut self, kind: Kind, span: Span, text: Text<'_>) -> NodeId {
        debug_assert!(!matches!(kind, Kind::Array | Kind::Object));
        let (a, b, flags) = self.keep(text);
        NodeId(self.place(Slot { kind, flags, opening: 0, span, a, b, next: NONE, len: 0 }))
    }

    // Puts a value where the builder stands: root, item of the open array, or value of the pending key.
    #[expect(clippy::inline_always, reason = "a slot that goes through memory costs as much as all the rest of reading a value")]
    #[inline(always)]
    fn place(&mut self, slot: Slot) -> u32 {
        let id = self.push(slot);
        let Some(&parent) = self.stack.last() else {
            self.root = id;
            return id;
        };
        let key = std::mem::replace(&mut self.pending, NONE);
        debug_assert_eq!(self.slots[parent as usize].kind == Kind::Object, key != NONE, "a member has a key, an item has none");
        debug_assert!(key == NONE || id == key + 1, "a value stands behind its key");
        self.link_last(parent, if key == NONE { id } else { key });
        id
    }

    #[inline]
    fn link_last(&mut self, parent: u32, child: u32) {
        let last = self.slots[parent as usize].b;
        if last == NONE {
            self.slots[parent as usize].a = child;
        } else {
            self.slots[last as usize].next = child;
        }
        let parent = &mut self.slots[parent as usize];
        parent.b = child;
        parent.len += 1;
    }

    #[expect(clippy::inline_always, reason = "as for `place`")]
    #[inline(always)]
    fn push(&mut self, slot: Slot) -> u32 {
        let id = u32::try_from(self.slots.len()).expect("a window of 4 GiB holds fewer nodes");
        self.slots.push(slot);
        id
    }

    #[inline]
    fn keep(&mut self, text: Text<'_>) -> (u32, u32, u8) {
        match text {
            Text::Source(span) => (span.start, span.len(), 0),
            Text::Owned(text) => {
                let start = u32::try_from(self.scratch.len()).expect("decoded text is bounded by the window");
                self.scratch.push_str(text);
                (start, u32::try_from(text.len()).expect("decoded text is bounded by the window"), OWNED)
            }
        }
    }
}

/// Appends a string in quotes; only quotes, backslashes and control characters are escaped.
pub fn json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, behind) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = behind.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes from the start stand for themselves in a JSON string: neither quote, backslash nor control character.
#[must_use]
pub fn plain_length(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Marks the highest bit of bytes below a limit, up to the first one exactly (S. E. Anderson, Bit Twiddling Hacks).
    let below = |word: u64, limit: u64| word.wrapping_sub(LOW * limit) & !word;
    // A quote is the one byte above the control characters that changing its second bit moves completely.
    let stops = |word: u64| (below(word ^ (LOW * 0x02), 0x21) | below(word ^ (LOW * 0x5C), 1)) & HIGH;
    let mut at = 0;
    // Two words at a time: most strings end in the first two, and the processor need not guess in which.
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let word = u128::from_le_bytes(*chunk);
        let (first, second) = (stops(word as u64), stops((word >> 64) as u64));
        if first | second != 0 {
            let bits = if first == 0 { 64 + second.trailing_zeros() } else { first.trailing_zeros() };
            return at + (bits / 8) as usize;
        }
        at += 16;
    }
    at + bytes[at..].iter().take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count()
}

/// Appends a value on one line, without white space between tokens.
pub fn json(node: Node<'_>, out: &mut Vec<u8>) {
    if node.tree.compact {
        return out.extend_from_slice(node.written().as_bytes());
    }
    match node.kind() {
        Kind::String => json_string(node.text(), out),
        Kind::Array => {
            out.push(b'[');
            for (index, item) in node.items().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json(item, out);
            }
            out.push(b']');
        }
        Kind::Object => {
            out.push(b'{');
            for (index, member) in node.members().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json_string(member.key.text(), out);
                out.push(b':');
                json(member.value, out);
            }
            out.push(b'}');
        }
        _ => out.extend_from_slice(node.text().as_bytes()),
    }
}

/// The hash by which member names are compared before their text is.
#[must_use]
pub fn key_hash(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let four = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from(u32::from_le_bytes(*word)));
    let eight = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    // Whole words alone, of which the last two may overlap: names are short, and copying their ends costs more than this.
    let mut hash = bytes.len() as u64;
    match bytes.len() {
        0 => {}
        length @ 1..4 => {
            let [first, middle, last] = [0, length / 2, length - 1].map(|at| u64::from(bytes[at]));
            hash = mix(hash, first | middle << 8 | last << 16);
        }
        length @ 4..8 => hash = mix(hash, four(0) | four(length - 4) << 32),
        length => {
            for at in (0..length - 8).step_by(8) {
                hash = mix(hash, eight(at));
            }
            hash = mix(hash, eight(length - 8));
        }
    }
    (hash >> 32) as u32
}

/// Whether two short texts are the same; for long ones it is as fast as `==`.
#[must_use]
#[inline]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    // Two words that may overlap are compared in place, where `==` calls a function.
    let ends = |bytes: &[u8]| Some((*bytes.first_chunk::<8>()?, *bytes.last_chunk::<8>()?));
    let small_ends = |bytes: &[u8]| Some((*bytes.first_chunk::<4>()?, *bytes.last_chunk::<4>()?));
    left.len() == right.len()
        && match left.len() {
            0 => true,
            1..4 => [0, left.len() / 2, left.len() - 1].iter().all(|at| left[*at] == right[*at]),
            4..8 => small_ends(left) == small_ends(right),
            8..=16 => ends(left) == ends(right),
            _ => left == right,
        }
}

/// Walking.
impl Tree {
    /// The source that spans refer to.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The root.
    ///
    /// # Panics
    /// On an empty tree: a reader hands out only trees that it has filled.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        assert!(self.root != NONE, "a reader fills a tree before it hands it on");
        Node { tree: self, slot: self.root }
    }

    /// Makes a node below the root the root, so that a part of a document can be handed on as a record.
    pub fn set_root_to(&mut self, id: NodeId) {
        self.root = id.0;
    }

    /// The node of that name; it must be of this tree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node { tree: self, slot: id.0 }
    }
}

impl<'t> Node<'t> {
    fn slot(self) -> &'t Slot {
        &self.tree.slots[self.slot as usize]
    }

    /// Its tree.
    #[must_use]
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    /// Its name, to find it again after an edit.
    #[must_use]
    pub fn id(self) -> NodeId {
        NodeId(self.slot)
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.slot().kind
    }

    /// All bytes of the value as written.
    #[must_use]
    pub fn span(self) -> Span {
        self.slot().span
    }

    /// The opening brace, start tag or first byte of a container; all of a scalar.
    #[must_use]
    pub fn opening(self) -> Span {
        let slot = self.slot();
        match slot.kind {
            // A start tag longer than the length can count is cut, perhaps inside a character.
            Kind::Array | Kind::Object => {
                self.tree.source.clamp_span(Span::new(slot.span.start, slot.span.start.saturating_add(u32::from(slot.opening))))
            }
            _ => slot.span,
        }
    }

    /// A scalar's text: a string's value, a number as written, `true`, `false`, `null`. Empty for containers.
    #[must_use]
    pub fn text(self) -> &'t str {
        let slot = self.slot();
        if matches!(slot.kind, Kind::Array | Kind::Object) {
            return "";
        }
        let range = slot.a as usize..(slot.a + slot.b) as usize;
        if slot.flags & OWNED == 0 { &self.tree.source.text()[range] } else { &self.tree.scratch[range] }
    }

    /// The bytes of [`Node::text`].
    #[must_use]
    pub fn bytes(self) -> &'t [u8] {
        let slot = self.slot();
        if matches!(slot.kind, Kind::Array | Kind::Object) {
            return &[];
        }
        let range = slot.a as usize..(slot.a + slot.b) as usize;
        let all = if slot.flags & OWNED == 0 { self.tree.source.text() } else { &self.tree.scratch };
        &all.as_bytes()[range]
    }

    /// The value as the source has it.
    #[must_use]
    pub fn written(self) -> &'t str {
        self.tree.source.slice(self.span())
    }

    /// Whether the text is the source's own, byte for byte.
    #[must_use]
    pub fn is_verbatim(self) -> bool {
        self.slot().flags & OWNED == 0
    }

    /// Whether it was supplied or read out of prose, not written as a value.
    #[must_use]
    pub fn is_derived(self) -> bool {
        self.slot().flags & DERIVED != 0
    }

    /// Whether normalisation changed it.
    #[must_use]
    pub fn is_altered(self) -> bool {
        self.slot().flags & ALTERED != 0
    }

    /// Whether the source put the scalar in quotes.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        self.slot().flags & QUOTED != 0
    }

    /// Whether its bytes are its alone, so that another value or name can be written in their place.
    #[must_use]
    pub fn is_own(self) -> bool {
        self.slot().flags & (SHARED | DERIVED) == 0
    }

    /// Whether other records of its document may hold the same value, because an alias stands for it.
    #[must_use]
    pub fn is_repeated(self) -> bool {
        self.slot().flags & REPEATED != 0
    }

    /// Number of members or items; 0 for scalars.
    #[must_use]
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array | Kind::Object => self.slot().len as usize,
            _ => 0,
        }
    }

    /// Whether it has no members and no items.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Items of an array in order; nothing for any other node.
    #[must_use]
    pub fn items(self) -> Items<'t> {
        let first = if self.kind() == Kind::Array { self.slot().a } else { NONE };
        Items { tree: self.tree, next: first }
    }

    /// Members of an object in order, duplicates included; nothing for any other node.
    #[must_use]
    pub fn members(self) -> Members<'t> {
        let first = if self.kind() == Kind::Object { self.slot().a } else { NONE };
        Members { tree: self.tree, next: first }
    }

    /// The value of the member `key`, the last one where it is duplicated.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.member(key).map(|member| member.value)
    }

    /// The member `key`, the last one where it is duplicated.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Member<'t>> {
        self.member_hashed(key_hash(key), key)
    }

    /// As [`Node::member`], with the [`key_hash`] of the name current.
    #[must_use]
    pub fn member_hashed(self, hash: u32, key: &str) -> Option<Member<'t>> {
        // Linear: objects of profiles have about ten members.
        self.members().filter(|member| member.is_named(hash, key.as_bytes())).last()
    }

    /// Whether a member is duplicated, as far as the reader has marked it.
    #[must_use]
    pub fn has_duplicates(self) -> bool {
        self.members().any(|member| member.is_shadowed())
    }

    /// Pairs of members of the same name: the first, and each later one.
    #[must_use]
    pub fn duplicates(self) -> Vec<(Member<'t>, Member<'t>)> {
        const FEW: usize = 24;
        let mut found = Vec::new();
        if !self.may_have_duplicates() {
            return found;
        }
        if self.len() <= FEW {
            for (at, member) in self.members().enumerate() {
                let hash = member.hash();
                if let Some(first) = self.members().take(at).find(|other| other.is_named(hash, member.key.bytes())) {
                    found.push((first, member));
                }
            }
        } else {
            let mut seen: std::collections::HashMap<&str, Member<'t>> = std::collections::HashMap::with_capacity(self.len());
            for member in self.members() {
                match seen.entry(member.key.text()) {
                    std::collections::hash_map::Entry::Occupied(first) => found.push((*first.get(), member)),
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(member);
                    }
                }
            }
        }
        found
    }

    // Whether two members share the last ten bits of their hash, as hardly any do: this is asked of every object.
    fn may_have_duplicates(self) -> bool {
        let mut met = [0_u64; 16];
        let mut shared = 0;
        for member in self.members() {
            let (word, bit) = (&mut met[member.hash() as usize / 64 % 16], 1 << (member.hash() % 64));
            shared |= *word & bit;
            *word |= bit;
        }
        shared != 0
    }

    /// Whether two values are equal as JSON: numbers by decimal value, members in any order, the last of duplicates.
    #[must_use]
    pub fn same(self, other: Node<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Number, Kind::Number) => number::equal(self.text(), other.text()),
            (Kind::Array, Kind::Array) => self.len() == other.len() && self.items().zip(other.items()).all(|(a, b)| a.same(b)),
            (Kind::Object, Kind::Object) => {
                let covers = |a: Node<'_>, b: Node<'_>| a.members().all(|m| b.get(m.key.text()).is_some());
                covers(self, other)
                    && covers(other, self)
                    && self.members().all(|m| {
                        let name = m.key.text();
                        matches!((self.get(name), other.get(name)), (Some(a), Some(b)) if a.same(b))
                    })
            }
            (a, b) => a == b && self.text() == other.text(),
        }
    }

    /// A hash that equal values ([`Node::same`]) share.
    #[must_use]
    pub fn hash_value(self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.kind().hash(&mut hasher);
        match self.kind() {
            Kind::Number => number::Decimal::parse(self.text()).hash(&mut hasher),
            Kind::Array => self.items().for_each(|item| item.hash_value().hash(&mut hasher)),
            // Members count in any order, and of duplicates the last alone.
            Kind::Object => {
                let members = self.members().filter(|member| !member.is_shadowed());
                let sum = members.fold(0_u64, |sum, member| {
                    let mut one = DefaultHasher::new();
                    (member.key.text(), member.value.hash_value()).hash(&mut one);
                    sum.wrapping_add(one.finish())
                });
                sum.hash(&mut hasher);
            }
            _ => self.text().hash(&mut hasher),
        }
        hasher.finish()
    }

    /// The JSON pointer (RFC 6901) from the root to this node, found by search: for findings, not for the happy path.
    #[must_use]
    pub fn pointer(self) -> String {
        let mut pointer = String::new();
        if self.tree.root != NONE {
            self.tree.root().find(self.slot, &mut pointer);
        }
        pointer
    }

    // Extends `pointer` to the node in `slot` and says whether it lies below this one. Depth is bounded by the readers.
    fn find(self, slot: u32, pointer: &mut String) -> bool {
        if self.slot == slot {
            return true;
        }
        let length = pointer.len();
        for member in self.members() {
            pointer::push(pointer, member.key.text());
            if member.key.slot == slot || member.value.find(slot, pointer) {
                return true;
            }
            pointer.truncate(length);
        }
        for (index, item) in self.items().enumerate() {
            pointer::push_index(pointer, index);
            if item.find(slot, pointer) {
                return true;
            }
            pointer.truncate(length);
        }
        false
    }

    /// The node at a JSON pointer (RFC 6901) below this one.
    #[must_use]
    pub fn at(self, pointer: &str) -> Option<Node<'t>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| match node.kind() {
            Kind::Object => node.get(&pointer::unescape(token)),
            Kind::Array => pointer::index(token).and_then(|index| node.items().nth(index)),
            _ => None,
        })
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            Kind::Array => f.debug_list().entries(self.items()).finish(),
            Kind::Object => f.debug_map().entries(self.members().map(|m| (m.key.text(), m.value))).finish(),
            Kind::String => write!(f, "{:?}", self.text()),
            _ => f.write_str(self.text()),
        }
    }
}

impl Member<'_> {
    /// Whether a later member of the object has the same name, so that only that one counts.
    #[must_use]
    pub fn is_shadowed(&self) -> bool {
        self.key.slot().flags & SHADOWED != 0
    }

    /// Whether the path to the record gave it this member.
    #[must_use]
    pub fn is_captured(&self) -> bool {
        self.key.slot().flags & CAPTURED != 0
    }
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub struct Member<'t> {
    /// The key, itself a string node: [`Node::text`] and [`Node::span`].
    pub key: Node<'t>,
    /// The value.
    pub value: Node<'t>,
}

impl Member<'_> {
    /// The [`key_hash`] of the key's text.
    #[must_use]
    pub fn hash(&self) -> u32 {
        self.key.slot().len
    }

    /// Whether the key is this one, whose [`key_hash`] is available.
    #[must_use]
    #[inline]
    pub fn is_named(&self, hash: u32, name: &[u8]) -> bool {
        self.hash() == hash && is_same(self.key.bytes(), name)
    }
}

/// See [`Node::items`].
#[derive(Clone)]
pub struct Items<'t> {
    tree: &'t Tree,
    next: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.next == NONE {
            return None;
        }
        let node = Node { tree: self.tree, slot: self.next };
        self.next = node.slot().next;
        Some(node)
    }
}

/// See [`Node::members`].
#[derive(Clone)]
pub struct Members<'t> {
    tree: &'t Tree,
    next: u32,
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    fn next(&mut self) -> Option<Member<'t>> {
        if self.next == NONE {
            return None;
        }
        let key = Node { tree: self.tree, slot: self.next };
        self.next = key.slot().next;
        Some(Member { key, value: Node { tree: self.tree, slot: key.slot + 1 } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let source = Arc::new(Source::whole("t", r#"{"a":1,"b":[true],"a":2}"#));
        let mut tree = Tree::new(&source);
        tree.open(Kind::Object, Span::new(0, 1));
        tree.key(Span::new(1, 4), Text::Source(Span::new(2, 3)));
        tree.scalar(Kind::Number, Span::new(5, 6), Text::Source(Span::new(5, 6)));
        tree.key(Span::new(7, 10), Text::Source(Span::new(8, 9)));
        tree.open(Kind::Array, Span::new(11, 12));
        tree.scalar(Kind::Bool, Span::new(12, 16), Text::Source(Span::new(12, 16)));
        tree.close(17);
        tree.key(Span::new(18, 21), Text::Source(Span::new(19, 20)));
        tree.scalar(Kind::Number, Span::new(22, 23), Text::Source(Span::new(22, 23)));
        tree.close(24);
        tree
    }

    #[test]
    fn walks_members_and_keeps_duplicates() {
        let tree = sample();
        let keys: Vec<_> = tree.root().members().map(|m| m.key.text()).collect();
        assert_eq!(keys, ["a", "b", "a"]);
        assert_eq!(tree.root().get("a").map(Node::text), Some("2"));
        assert_eq!(tree.root().at("/b/0").map(Node::text), Some("true"));
        assert_eq!(tree.root().opening(), Span::new(0, 1));
        assert_eq!(tree.root().span(), Span::new(0, 24));
    }

    #[test]
    fn edits_keep_order_and_spans() {
        let mut tree = sample();
        let root = tree.root().id();
        let b = tree.root().get("b").map(Node::id).expect("the sample has b");
        tree.replace(b, Kind::String, "x\"y");
        let key = tree.insert_member(root, None, "new", Span::new(7, 10));
        tree.set_scalar(key, Kind::Null, "null", Span::new(7, 10));
        tree.order_members(root, |key| match key {
            "new" => 0,
            "b" => 1,
            _ => 2,
        });
        let found: Vec<_> = tree.root().members().map(|m| format!("{}={:?}", m.key.text(), m.value)).collect();
        assert_eq!(found, ["new=null", r#"b="x\"y""#, "a=1", "a=2"]);
        assert_eq!(tree.node(b).span(), Span::new(11, 17));
        assert!(tree.node(b).is_altered());
        tree.remove_member(root, key);
        assert_eq!(tree.root().len(), 3);
        assert_eq!(tree.root().members().next().map(|m| m.key.text()), Some("b"));
    }
}
