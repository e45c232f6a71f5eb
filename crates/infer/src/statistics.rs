//! Statistics of the values at each location of records, in bounded memory.
//!
//! Joining the statistics of two sets of records gives those of both, in whatever order they were read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::classes::Classes;
use super::distinct::{Distinct, Unique, hash};
use super::pattern::Forms;
use chancery_core::growth;
use chancery_core::tree::number::{self, Decimal};
use chancery_core::tree::{Kind, Member as TreeMember, Node, Typing, is_same, key_hash};

/// Number of names of an object, other than the record, beyond which it is a map.
const MOST_NAMES: usize = 512;

/// Number of names of a record beyond which it is a map.
const MOST_COLUMNS: usize = 8192;

/// Number of kinds of objects that are told apart at one location.
const MOST_VARIANTS: usize = 16;

/// Number of objects above a value that may be a key.
const KEY_DEPTH: u8 = 3;

/// The longest text that may be a key.
const LONGEST_KEY: usize = 128;

/// Names of members that say which kind an object is of, the most reliable first.
const TAGS: [&str; 12] = [
    "type",
    "kind",
    "@type",
    "$type",
    "_type",
    "recordType",
    "record_type",
    "statementType",
    "statement_type",
    "objectType",
    "object_type",
    "itemType",
];

/// What is known of a set of records.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    pub(super) records: u64,
    pub(super) root: Value,
    // Whether limits of numbers, lengths and lists are kept.
    limits: bool,
}

impl Statistics {
    /// Those of no records.
    #[must_use]
    pub fn new(limits: bool) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Number of records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Adds a record, or a part of one.
    pub fn add(&mut self, record: Node<'_>) {
        self.records += 1;
        let how = How { typing: record.tree().typing(), depth: 0, limits: self.limits };
        self.root.add(record, how);
    }

    /// Adds the records of others.
    pub fn join(&mut self, other: Self) {
        self.limits |= other.limits;
        self.records += other.records;
        self.root.join(other.root, 0);
    }
}

// How a value is taken.
#[derive(Clone, Copy)]
struct How {
    typing: Typing,
    // Number of objects above it, or more than any if a list is among its containers.
    depth: u8,
    limits: bool,
}

impl How {
    fn member(self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self }
    }

    fn item(self) -> Self {
        Self { depth: u8::MAX, ..self }
    }
}

/// The values at one location.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) nulls: u64,
    pub(super) booleans: u64,
    pub(super) integers: u64,
    pub(super) numbers: u64,
    pub(super) strings: u64,
    pub(super) arrays: u64,
    pub(super) objects: u64,
    // Texts of strings.
    pub(super) texts: Option<Box<Texts>>,
    // Texts whose type is a guess: numbers, and in elements also booleans, each of which is counted above as well.
    pub(super) guessed: Option<Box<Texts>>,
    // Whether values come from elements, where one item looks like no list, and whether some come from elsewhere.
    pub(super) elements: bool,
    pub(super) others: bool,
    pub(super) distinct: Distinct,
    pub(super) unique: Option<Box<Unique>>,
    pub(super) range: Option<(Decimal, Decimal)>,
    pub(super) lengths: Option<(u64, u64)>,
    pub(super) items: Option<Box<Value>>,
    pub(super) members: Option<Box<Objects>>,
    pub(super) examples: Examples,
}

impl Value {
    fn add(&mut self, node: Node<'_>, how: How) {
        growth::step();
        *(if how.typing == Typing::Elements { &mut self.elements } else { &mut self.others }) = true;
        match node.kind() {
            Kind::Null => self.nulls += 1,
            Kind::Bool => {
                self.booleans += 1;
                self.scalar(node, how);
            }
            Kind::Number => {
                self.number(node.text(), how);
                if how.typing == Typing::Cells {
                    self.guessed.get_or_insert_default().add(node.text(), how.limits);
                }
                self.scalar(node, how);
            }
            Kind::String => self.string(node, how),
            Kind::Array => {
                self.arrays += 1;
                self.examples.add(node);
                if how.limits {
                    widen(&mut self.lengths, node.len() as u64);
                }
                let how = below(node, how).item();
                if !node.is_empty() {
                    let items = self.items.get_or_insert_default();
                    node.items().for_each(|item| items.add(item, how));
                }
            }
            Kind::Object => {
                self.objects += 1;
                self.examples.add(node);
                self.members.get_or_insert_default().add(node, below(node, how));
            }
        }
    }

    fn string(&mut self, node: Node<'_>, how: How) {
        let text = node.text();
        let guess = how.typing == Typing::Elements;
        if guess && number::is_number(text) {
            self.number(text, how);
            self.guessed.get_or_insert_default().add(text, how.limits);
        } else if guess && matches!(text, "true" | "false") {
            self.booleans += 1;
            self.guessed.get_or_insert_default().add(text, how.limits);
        } else {
            self.strings += 1;
            self.texts.get_or_insert_default().add(text, how.limits);
        }
        self.scalar(node, how);
    }

    fn number(&mut self, text: &str, how: How) {
        // `1.0` is an integer for a validator, and not for the person who wrote it.
        *(if is_whole(text) { &mut self.integers } else { &mut self.numbers }) += 1;
        if how.limits
            && let Some(number) = Decimal::parse(text)
        {
            self.range = Some(match self.range.take() {
                None => (number.clone(), number),
                Some((least, most)) => (least.min(number.clone()), most.max(number)),
            });
        }
    }

    fn scalar(&mut self, node: Node<'_>, how: How) {
        let key = node.text();
        self.distinct.add(key, 1);
        self.examples.add(node);
        if how.depth <= KEY_DEPTH {
            let unique = self.unique.get_or_insert_default();
            let is_token = node.kind() != Kind::Bool && key.len() <= LONGEST_KEY && !key.bytes().any(|byte| byte.is_ascii_whitespace());
            if is_token { unique.add(hash(key.as_bytes())) } else { unique.give_up() }
        }
    }

    pub(super) fn join(&mut self, other: Self, depth: u8) {
        let pairs = [
            (&mut self.nulls, other.nulls),
            (&mut self.booleans, other.booleans),
            (&mut self.integers, other.integers),
            (&mut self.numbers, other.numbers),
            (&mut self.strings, other.strings),
            (&mut self.arrays, other.arrays),
            (&mut self.objects, other.objects),
        ];
        for (own, others) in pairs {
            *own += others;
        }
        self.elements |= other.elements;
        self.others |= other.others;
        join_texts(&mut self.texts, other.texts);
        join_texts(&mut self.guessed, other.guessed);
        self.distinct.join(&other.distinct);
        self.unique = match (self.unique.take(), other.unique) {
            (Some(mut own), Some(others)) => {
                own.join(*others);
                Some(own)
            }
            (own, others) => own.or(others),
        };
        self.range = match (self.range.take(), other.range) {
            (Some(own), Some(others)) => Some((own.0.min(others.0), own.1.max(others.1))),
            (own, others) => own.or(others),
        };
        for length in other.lengths.into_iter().flat_map(|(least, most)| [least, most]) {
            widen(&mut self.lengths, length);
        }
        match (&mut self.items, other.items) {
            (Some(own), Some(others)) => own.join(*others, u8::MAX),
            (own @ None, others) => *own = others,
            _ => {}
        }
        match (&mut self.members, other.members) {
            (Some(own), Some(others)) => own.join(*others, depth),
            (own @ None, others) => *own = others,
            _ => {}
        }
        self.examples.join(other.examples);
    }

    /// All values, null included.
    pub(super) fn count(&self) -> u64 {
        self.nulls + self.scalars() + self.arrays + self.objects
    }

    /// All values that are no containers, and not null.
    pub(super) fn scalars(&self) -> u64 {
        self.booleans + self.integers + self.numbers + self.strings
    }
}

// Whether a number is written without a fraction and without an exponent.
fn is_whole(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn widen(range: &mut Option<(u64, u64)>, value: u64) {
    let (least, most) = range.unwrap_or((value, value));
    *range = Some((least.min(value), most.max(value)));
}

fn join_texts(own: &mut Option<Box<Texts>>, others: Option<Box<Texts>>) {
    match (own, others) {
        (Some(own), Some(others)) => own.join(&others),
        (own @ None, others) => *own = others,
        _ => {}
    }
}

// What is written as JSON in a cell has types of its own.
fn below(container: Node<'_>, how: How) -> How {
    let is_json = how.typing == Typing::Cells && container.written().trim_start_matches('"').starts_with(['[', '{']);
    if is_json { How { typing: Typing::Source, ..how } } else { how }
}

/// Texts of one location.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    pub(super) count: u64,
    pub(super) classes: Classes,
    pub(super) forms: Forms,
    // In bytes.
    pub(super) longest: usize,
    pub(super) shortest: usize,
    // In characters, if limits are kept.
    pub(super) lengths: Option<(u64, u64)>,
    // Whether each has digits alone, and whether one of those begins with a zero and has more digits.
    pub(super) all_digits: bool,
    pub(super) leading_zero: bool,
    pub(super) has_digit: bool,
    pub(super) has_blank: bool,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            count: 0,
            classes: Classes::ALL,
            forms: Forms::default(),
            longest: 0,
            shortest: usize::MAX,
            lengths: None,
            all_digits: true,
            leading_zero: false,
            has_digit: false,
            has_blank: false,
        }
    }
}

impl Texts {
    pub(super) fn add(&mut self, text: &str, limits: bool) {
        self.count += 1;
        self.classes = self.classes.narrow(text);
        self.forms.add(text);
        self.longest = self.longest.max(text.len());
        self.shortest = self.shortest.min(text.len());
        if limits {
            widen(&mut self.lengths, text.chars().count() as u64);
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        self.all_digits &= digits;
        self.leading_zero |= digits && text.len() > 1 && text.starts_with('0');
        self.has_digit |= text.bytes().any(|byte| byte.is_ascii_digit());
        self.has_blank |= text.bytes().any(|byte| byte.is_ascii_whitespace());
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.classes = self.classes.and(other.classes);
        self.forms.join(&other.forms);
        self.longest = self.longest.max(other.longest);
        self.shortest = self.shortest.min(other.shortest);
        for length in other.lengths.into_iter().flat_map(|(least, most)| [least, most]) {
            widen(&mut self.lengths, length);
        }
        self.all_digits &= other.all_digits;
        self.leading_zero |= other.leading_zero;
        self.has_digit |= other.has_digit;
        self.has_blank |= other.has_blank;
    }
}

/// The objects at one location: by their kind, while there are few.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    // By name and value of the member that tells the kind.
    pub(super) variants: BTreeMap<Option<(&'static str, Box<str>)>, Members>,
    // Whether there are too many kinds to tell them apart.
    mixed: bool,
}

impl Objects {
    fn add(&mut self, node: Node<'_>, how: How) {
        let tag = if self.mixed { None } else { tag(node) };
        if let Some((name, value)) = tag {
            // Mostly it is one that is known.
            let known = self.variants.iter_mut().find(|(tag, _)| tag.as_ref().is_some_and(|tag| tag.0 == name && *tag.1 == *value));
            match known {
                Some((_, members)) => members.add(node, how),
                None => self.variants.entry(Some((name, value.into()))).or_default().add(node, how),
            }
            self.limit(how.depth);
        } else {
            self.variants.entry(None).or_default().add(node, how);
        }
    }

    fn join(&mut self, other: Self, depth: u8) {
        self.mixed |= other.mixed;
        for (tag, members) in other.variants {
            self.variants.entry(tag).or_default().join(members, depth);
        }
        self.limit(depth);
    }

    fn limit(&mut self, depth: u8) {
        self.mixed |= self.variants.len() > MOST_VARIANTS;
        if self.mixed && (self.variants.len() > 1 || !self.variants.contains_key(&None)) {
            let all = std::mem::take(&mut self.variants);
            let mut joined = Members::default();
            all.into_values().for_each(|members| joined.join(members, depth));
            self.variants.insert(None, joined);
        }
    }

    /// All objects, whatever their kind.
    pub(super) fn joined(&self, depth: u8) -> Members {
        let mut all = self.variants.values().cloned();
        let mut joined = all.next().unwrap_or_default();
        all.for_each(|members| joined.join(members, depth));
        joined
    }
}

// Name and value of the member that says which kind an object is of.
fn tag(node: Node<'_>) -> Option<(&'static str, &str)> {
    static HASHES: std::sync::LazyLock<[u32; TAGS.len()]> = std::sync::LazyLock::new(|| TAGS.map(key_hash));
    let rank = |member: &TreeMember<'_>| {
        let at = HASHES.iter().position(|hash| *hash == member.hash())?;
        (member.key.text() == TAGS[at]).then_some(at)
    };
    let tagged = node.members().filter(|member| !member.is_shadowed()).filter_map(|member| Some((rank(&member)?, member.value)));
    let (rank, value) = tagged.min_by_key(|(rank, _)| *rank)?;
    let is_word = value.kind() == Kind::String && (1..=48).contains(&value.text().len());
    is_word.then(|| (TAGS[rank], value.text()))
}

/// Members of objects, by name or as a map.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) objects: u64,
    pub(super) named: Vec<Member>,
    // Indexes of `named` by the hash of the name.
    index: HashMap<u32, Vec<u32>>,
    // The names and values, once there are too many names.
    pub(super) map: Option<Box<(Texts, Value)>>,
    pub(super) lengths: Option<(u64, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    hash: u32,
    pub(super) count: u64,
    // Sum of the positions among the other members.
    pub(super) position: u64,
    pub(super) value: Value,
}

impl Members {
    fn add(&mut self, node: Node<'_>, how: How) {
        self.objects += 1;
        let mut last = usize::MAX;
        let inner = how.member();
        for (position, member) in node.members().filter(|member| !member.is_shadowed()).enumerate() {
            if let Some(map) = &mut self.map {
                map.0.add(member.key.text(), how.limits);
                map.1.add(member.value, inner.item());
                continue;
            }
            // Members mostly come in one order.
            let at = self.find(last.wrapping_add(1), member.hash(), member.key.text());
            last = at;
            let own = &mut self.named[at];
            own.count += 1;
            own.position += position as u64;
            own.value.add(member.value, inner);
            self.limit(how.depth);
        }
        if how.limits {
            widen(&mut self.lengths, node.len() as u64);
        }
    }

    fn find(&mut self, hint: usize, hash: u32, name: &str) -> usize {
        let is_it = |member: &Member| member.hash == hash && is_same(member.name.as_bytes(), name.as_bytes());
        if self.named.get(hint).is_some_and(is_it) {
            return hint;
        }
        let known = self.index.entry(hash).or_default();
        if let Some(at) = known.iter().find(|at| is_it(&self.named[**at as usize])) {
            return *at as usize;
        }
        known.push(self.named.len() as u32);
        self.named.push(Member { name: name.into(), hash, count: 0, position: 0, value: Value::default() });
        self.named.len() - 1
    }

    fn limit(&mut self, depth: u8) {
        if self.named.len() > if depth == 0 { MOST_COLUMNS } else { MOST_NAMES } {
            self.index = HashMap::new();
            let mut map = Box::<(Texts, Value)>::default();
            std::mem::take(&mut self.named).into_iter().for_each(|member| map.take(member));
            self.map = Some(map);
        }
    }

    pub(super) fn join(&mut self, other: Self, depth: u8) {
        self.objects += other.objects;
        for length in other.lengths.into_iter().flat_map(|(least, most)| [least, most]) {
            widen(&mut self.lengths, length);
        }
        if let Some(others) = other.map {
            let mut map = self.map.take().unwrap_or_default();
            std::mem::take(&mut self.named).into_iter().for_each(|member| map.take(member));
            self.index = HashMap::new();
            map.0.join(&others.0);
            map.1.join(others.1, u8::MAX);
            self.map = Some(map);
        }
        for member in other.named {
            if let Some(map) = &mut self.map {
                map.take(member);
                continue;
            }
            let at = self.find(self.named.len(), member.hash, &member.name);
            let own = &mut self.named[at];
            own.count += member.count;
            own.position += member.position;
            own.value.join(member.value, depth.saturating_add(1));
            self.limit(depth);
        }
    }

    /// The names and values as those of a map.
    pub(super) fn as_map(&self) -> (Texts, Value) {
        let mut map = self.map.as_deref().cloned().unwrap_or_default();
        self.named.iter().cloned().for_each(|member| map.take(member));
        map
    }
}

trait TakesMembers {
    fn take(&mut self, member: Member);
}

impl TakesMembers for (Texts, Value) {
    fn take(&mut self, mut member: Member) {
        self.0.add(&member.name, false);
        // A name stands for each of its objects.
        self.0.count += member.count - 1;
        member.value.unique = None;
        self.1.join(member.value, u8::MAX);
    }
}

/// The first three distinct values, by file and place.
#[derive(Clone, Debug, Default)]
pub(super) struct Examples(Vec<Example>);

/// A value and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The value, shortened if it is long.
    pub text: Box<str>,
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    byte: u64,
}

impl Examples {
    const MOST: usize = 3;
    const LONGEST: usize = 60;

    fn add(&mut self, node: Node<'_>) {
        let source = node.tree().source();
        let (file, byte) = source.byte(node.span().start);
        let is_late = |last: &Example| (Arc::ptr_eq(&last.file, file) || last.file == *file) && last.byte <= byte || *last.file < **file;
        if self.0.len() == Self::MOST && self.0.last().is_some_and(is_late) {
            return;
        }
        let text = match node.kind() {
            // The first place of a container stands for all.
            Kind::Array => "[",
            Kind::Object => "{",
            _ => shortened(node.text(), Self::LONGEST),
        };
        if self.0.iter().any(|known| *known.text == *text && is_late(known)) {
            return;
        }
        let position = source.position(node.span().start);
        self.insert(Example { text: text.into(), file: Arc::clone(file), line: position.line, column: position.column.into(), byte });
    }

    fn insert(&mut self, example: Example) {
        let order = |example: &Example| (Arc::clone(&example.file), example.byte);
        match self.0.iter_mut().find(|known| known.text == example.text) {
            Some(known) if order(known) <= order(&example) => {}
            Some(known) => *known = example,
            None => self.0.push(example),
        }
        self.0.sort_by_key(order);
        self.0.truncate(Self::MOST);
    }

    fn join(&mut self, other: Self) {
        other.0.into_iter().for_each(|example| self.insert(example));
    }

    pub(super) fn all(&self) -> &[Example] {
        &self.0
    }
}

fn shortened(text: &str, longest: usize) -> &str {
    text.char_indices().nth(longest).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::source::{Source, Span};
    use chancery_core::tree::{Text, Tree};

    // An object with `size` members, each a list of `size` numbers.
    fn record(size: usize) -> Tree {
        let mut tree = Tree::new(&Arc::new(Source::whole("a", "")));
        tree.open(Kind::Object, Span::at(0));
        for member in 0..size {
            tree.key(Span::at(0), Text::Owned(&format!("m{member}")));
            tree.open(Kind::Array, Span::at(0));
            tree.scalar(Kind::Number, Span::at(0), Text::Owned(&member.to_string()));
            tree.close(0);
        }
        tree.close(0);
        tree
    }

    #[test]
    fn work_grows_with_the_records() {
        growth::assert_linear(100, |size| {
            let mut statistics = Statistics::new(false);
            (0..size).for_each(|_| statistics.add(record(10).root()));
        });
        growth::assert_linear(2_000, |size| Statistics::new(false).add(record(size).root()));
    }

    #[test]
    fn memory_is_bounded_where_names_and_values_grow() {
        let mut statistics = Statistics::new(false);
        (0..20).for_each(|_| statistics.add(record(MOST_COLUMNS + 1).root()));
        let objects = statistics.root.members.expect("records are objects");
        let members = &objects.variants[&None];
        assert!(members.named.is_empty() && members.index.is_empty());
        assert_eq!(members.map.as_ref().map(|map| map.1.count()), Some(20 * (MOST_COLUMNS as u64 + 1)));
    }
}
