//! The data that a schema describes: members and their order, which are lists, and the
//! types of scalars. It guides the readers and writers of CSV and XML, member order, help texts and documentation.
//!
//! A [`Shape`] does not validate: where branches of a schema differ, it has the union; where the schema says nothing, it allows anything.

mod derive;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::registry::{At, SchemaRegistry};
use super::{Engine, Schema};
use chancery_core::diagnostic::Place;
use chancery_core::tree::{Kind, Node, key_hash};

/// A set of JSON Schema types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Types(u8);

impl Types {
    /// `null`
    pub const NULL: Self = Self(1);
    /// `boolean`
    pub const BOOLEAN: Self = Self(2);
    /// `integer`
    pub const INTEGER: Self = Self(4);
    /// `number`, integers included
    pub const NUMBER: Self = Self(4 | 8);
    /// `string`
    pub const STRING: Self = Self(16);
    /// `array`
    pub const ARRAY: Self = Self(32);
    /// `object`
    pub const OBJECT: Self = Self(64);
    /// Every type
    pub const ANY: Self = Self(127);
    /// No type
    pub const NONE: Self = Self(0);

    /// The type of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    /// The type of values of that kind; numbers count as `number`.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Null => Self::NULL,
            Kind::Bool => Self::BOOLEAN,
            Kind::Number => Self::NUMBER,
            Kind::String => Self::STRING,
            Kind::Array => Self::ARRAY,
            Kind::Object => Self::OBJECT,
        }
    }

    /// Whether the sets have a type in common.
    #[must_use]
    pub const fn allows(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Names of the types, those of JSON Schema; `number` stands for `integer` too.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let all = ["null", "boolean", "integer", "number", "string", "array", "object"];
        let known = |name: &&str| Self::named(name).is_some_and(|types| types.within(self));
        all.into_iter().filter(known).filter(|name| *name != "integer" || !Self::NUMBER.within(self)).collect()
    }

    /// Whether every type of this set is in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Types in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Types in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Types of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// The shape of a schema: parts that refer to each other, so that recursive schemas are finite.
#[derive(Debug)]
pub struct Shape {
    registry: Arc<SchemaRegistry>,
    parts: Vec<PartData>,
    root: PartId,
    // `None` for the shape of which nothing is known.
    origin: Option<Origin>,
}

/// The subschema that a shape is made of, and how it is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) root: At,
    pub(super) formats: bool,
    pub(super) engine: Engine,
}

type PartId = u32;

#[derive(Clone, Debug)]
struct PartData {
    types: Types,
    members: Vec<(Arc<str>, PartId)>,
    // Their names' hashes, in the same order, to search through.
    hashes: Vec<u32>,
    // Names to indexes of `members`, where there are many.
    index: HashMap<Arc<str>, u32>,
    required: Vec<Arc<str>>,
    patterns: Vec<(Arc<NamePattern>, PartId)>,
    others: Option<PartId>,
    closed: bool,
    items: Option<PartId>,
    prefix: Vec<PartId>,
    choices: Option<Vec<At>>,
    // Subschemas that hold for every value here, the outermost first.
    described_by: Vec<At>,
    // Whether a subschema that may apply here, in whatever branch, says `x-sensitive`.
    sensitive: bool,
    // The values of `x-references` of the subschemas that may apply here.
    references: Vec<At>,
    first: Option<At>,
    // Found by search, so only when it is asked for.
    pointer: OnceLock<String>,
}

/// What the shape says of one value.
#[derive(Clone, Copy)]
pub struct Part<'s> {
    shape: &'s Shape,
    id: PartId,
}

const ANY: PartId = 0;

impl Shape {
    /// The shape of which nothing is known.
    #[must_use]
    pub fn any() -> Self {
        Self { registry: Arc::default(), parts: vec![PartData::any()], root: ANY, origin: None }
    }

    /// The shape of what `schema` allows.
    #[must_use]
    pub fn of(schema: &Schema) -> Self {
        let origin = Origin { root: schema.root_at(), formats: schema.formats, engine: schema.engine };
        Self { origin: Some(origin), ..derive::shape(schema.registry(), schema.root_at()) }
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        self.origin
    }

    pub(super) fn registry(&self) -> &Arc<SchemaRegistry> {
        &self.registry
    }

    /// The record's part.
    #[must_use]
    pub fn root(&self) -> Part<'_> {
        Part { shape: self, id: self.root }
    }

    // The part of that number.
    pub(super) fn part(&self, id: PartId) -> Part<'_> {
        Part { shape: self, id }
    }

    /// Whether any object of the shape declares a member whose name meets `test`.
    pub fn declares_name(&self, test: impl Fn(&str) -> bool) -> bool {
        self.parts.iter().flat_map(|part| &part.members).any(|(name, _)| test(name))
    }

    /// Whether a value that the schema describes is marked with `x-sensitive`.
    #[must_use]
    pub fn has_sensitive(&self) -> bool {
        self.parts.iter().any(|part| part.sensitive)
    }

    /// The names of all members that the schema declares, each object's in turn.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| &part.members).map(|(name, _)| &**name)
    }

    /// All parts of the shape.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        (0..self.parts.len()).map(|id| Part { shape: self, id: id as PartId })
    }

    /// Whether only an array can be valid.
    #[must_use]
    pub fn is_array_only(&self) -> bool {
        self.root().types() == Types::ARRAY
    }
}

impl PartData {
    fn any() -> Self {
        Self {
            types: Types::ANY,
            members: Vec::new(),
            hashes: Vec::new(),
            index: HashMap::new(),
            required: Vec::new(),
            patterns: Vec::new(),
            others: None,
            closed: false,
            items: None,
            prefix: Vec::new(),
            choices: None,
            described_by: Vec::new(),
            sensitive: false,
            references: Vec::new(),
            first: None,
            pointer: OnceLock::new(),
        }
    }
}

impl<'s> Part<'s> {
    fn data(self) -> &'s PartData {
        &self.shape.parts[self.id as usize]
    }

    fn part(self, id: PartId) -> Part<'s> {
        Part { shape: self.shape, id }
    }

    /// A number that is the same for the same part of a shape: recursive schemas come back to it.
    #[must_use]
    pub fn id(self) -> u32 {
        self.id
    }

    /// Whether the schema says nothing of this value.
    #[must_use]
    pub fn is_any(self) -> bool {
        let data = self.data();
        let silent = data.members.is_empty() && data.patterns.is_empty() && data.others.is_none() && !data.closed;
        data.types == Types::ANY && silent && data.items.is_none() && data.prefix.is_empty()
    }

    /// Whether a subschema describes this value: members and items for which there is none share the part that says nothing.
    #[must_use]
    pub fn is_described(self) -> bool {
        self.id != ANY
    }

    /// Whether the schema marks the value with `x-sensitive`, in any branch that may apply to it.
    #[must_use]
    pub fn is_sensitive(self) -> bool {
        self.data().sensitive
    }

    /// Whether a pattern of names marks the member of that name with `x-sensitive`. A pattern that cannot be evaluated here
    /// counts as one that matches.
    #[must_use]
    pub fn is_sensitive_name(self, name: &str) -> bool {
        let marks = |(pattern, id): &(Arc<NamePattern>, PartId)| self.part(*id).is_sensitive() && pattern.may_match(name);
        self.data().patterns.iter().any(marks)
    }

    /// The values of `x-references` of all subschemas that may apply here.
    pub fn references(self) -> impl Iterator<Item = Node<'s>> {
        self.data().references.iter().map(move |at| self.shape.registry.node(*at))
    }

    /// Types the value may have.
    #[must_use]
    pub fn types(self) -> Types {
        self.data().types
    }

    /// Declared members in the order of the schema.
    pub fn members(self) -> impl ExactSizeIterator<Item = (&'s str, Part<'s>)> {
        self.data().members.iter().map(move |(name, id)| (&**name, self.part(*id)))
    }

    /// The declared member of that name.
    #[must_use]
    pub fn declared(self, name: &str) -> Option<Part<'s>> {
        self.position(name).map(|at| self.part(self.data().members[at].1))
    }

    // The name of the declared member at `position`.
    pub(super) fn name(self, position: usize) -> Option<&'s str> {
        self.data().members.get(position).map(|(name, _)| &**name)
    }

    /// Where the declared member of that name is in the order of the schema.
    #[must_use]
    pub fn position(self, name: &str) -> Option<usize> {
        let data = self.data();
        if !data.index.is_empty() {
            return data.index.get(name).map(|at| *at as usize);
        }
        let hash = key_hash(name);
        let same = |at: &usize| data.hashes[*at] == hash && *data.members[*at].0 == *name;
        (0..data.hashes.len()).find(same)
    }

    /// What is known of a member of that name, declared or not: by pattern, by what the schema says of all others, or nothing.
    #[must_use]
    pub fn member(self, name: &str) -> Part<'s> {
        let known = self.declared(name).or_else(|| self.by_pattern(name));
        known.unwrap_or_else(|| self.part(self.data().others.unwrap_or(ANY)))
    }

    /// The member of that name if a pattern of the schema matches it.
    #[must_use]
    pub fn by_pattern(self, name: &str) -> Option<Part<'s>> {
        self.data().patterns.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, id)| self.part(*id))
    }

    /// Whether the schema says that the value may be a list, instead of leaving it open.
    #[must_use]
    pub fn declares_items(self) -> bool {
        let data = self.data();
        data.types.allows(Types::ARRAY) && (data.types != Types::ANY || data.items.is_some() || !data.prefix.is_empty())
    }

    /// Members known by a pattern of their names, with that pattern.
    pub fn patterns(self) -> impl Iterator<Item = (&'s str, Part<'s>)> {
        self.data().patterns.iter().map(move |(pattern, id)| (pattern.text(), self.part(*id)))
    }

    /// What the schema says of members that it neither declares nor knows by pattern.
    #[must_use]
    pub fn others(self) -> Option<Part<'s>> {
        self.data().others.map(|id| self.part(id))
    }

    /// Whether members may have a name that is not declared.
    #[must_use]
    pub fn is_open(self) -> bool {
        !self.data().closed || !self.data().patterns.is_empty()
    }

    /// Members without which the value cannot be valid.
    #[must_use]
    pub fn required(self) -> &'s [Arc<str>] {
        &self.data().required
    }

    /// What is known of the item at `index`.
    #[must_use]
    pub fn item(self, index: usize) -> Part<'s> {
        let data = self.data();
        self.part(data.prefix.get(index).copied().or(data.items).unwrap_or(ANY))
    }

    /// How many items the schema speaks of one by one.
    #[must_use]
    pub fn prefix_len(self) -> usize {
        self.data().prefix.len()
    }

    /// The name of an item where items need one (`x-item-name`).
    #[must_use]
    pub fn item_name(self) -> Option<&'s str> {
        self.text("x-item-name")
    }

    /// JSON pointer of the subschema in its file, of the first where several are joined.
    #[must_use]
    pub fn pointer(self) -> &'s str {
        let data = self.data();
        data.pointer.get_or_init(|| data.first.map_or_else(String::new, |at| self.shape.registry.node(at).pointer()))
    }
}

/// What the schema says beside the structure.
impl<'s> Part<'s> {
    /// The subschemas that hold for every value here, the outermost first.
    pub(super) fn description_nodes(self) -> impl Iterator<Item = Node<'s>> {
        self.data().described_by.iter().map(|at| self.shape.registry.node(*at))
    }

    /// The value of a keyword in the outermost subschema that has it and holds for every value here.
    #[must_use]
    pub fn keyword(self, name: &str) -> Option<Node<'s>> {
        self.description_nodes().find_map(|node| node.get(name))
    }

    fn text(self, name: &str) -> Option<&'s str> {
        self.keyword(name).filter(|node| node.kind() == Kind::String).map(Node::text)
    }

    /// `title`
    #[must_use]
    pub fn title(self) -> Option<&'s str> {
        self.text("title")
    }

    /// `description`
    #[must_use]
    pub fn description(self) -> Option<&'s str> {
        self.text("description")
    }

    /// `format`
    #[must_use]
    pub fn format(self) -> Option<&'s str> {
        self.text("format")
    }

    /// `pattern`
    #[must_use]
    pub fn pattern(self) -> Option<&'s str> {
        self.text("pattern")
    }

    /// `default`
    #[must_use]
    pub fn default_value(self) -> Option<Node<'s>> {
        self.keyword("default")
    }

    /// `examples`, or the `example` of other dialects.
    pub fn examples(self) -> impl Iterator<Item = Node<'s>> {
        self.keyword("examples").into_iter().flat_map(Node::items).chain(self.keyword("example"))
    }

    /// `deprecated`
    #[must_use]
    pub fn is_deprecated(self) -> bool {
        self.keyword("deprecated").is_some_and(|flag| flag.text() == "true")
    }

    /// The values of `enum` and `const`, where they are all that can stand here.
    #[must_use]
    pub fn choices(self) -> Option<impl Iterator<Item = Node<'s>>> {
        let registry = &self.shape.registry;
        self.data().choices.as_ref().map(|choices| choices.iter().map(|at| registry.node(*at)))
    }

    /// JSON pointer of the subschema that declares the members here: parts that refer to the same one share it.
    #[must_use]
    pub fn origin(self) -> Option<String> {
        let registry = &self.shape.registry;
        self.data().described_by.iter().map(|at| registry.node(*at)).find(|node| node.get("properties").is_some()).map(Node::pointer)
    }

    /// The place of the subschema in its file.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        let node = self.shape.registry.node(self.data().first?);
        Some(Place::new(node.tree().source(), node.opening()))
    }
}

/// A pattern of member names, compiled when it is first needed.
#[derive(Debug)]
struct NamePattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl NamePattern {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), compiled: OnceLock::new() }
    }

    fn text(&self) -> &str {
        &self.text
    }

    // As `matches`, and true if that is unknown.
    fn may_match(&self, name: &str) -> bool {
        self.matches(name) || self.compiled.get().is_some_and(Option::is_none)
    }

    // A pattern that looks around matches nothing here: the shape then knows less, which does no harm.
    fn matches(&self, name: &str) -> bool {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'@' | b'/'));
        match self.text.strip_prefix('^') {
            Some(".*" | ".*$") => true,
            Some(start) if plain(start) => name.starts_with(start),
            _ => self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref().is_some_and(|regex| regex.is_match(name)),
        }
    }
}
