//! What a schema says of a value as seen from outside: which members it has and in what order, which are lists, which
//! types a scalar may have. It guides CSV and XML both ways, the order of members, hints and documentation.
//!
//! A [`Shape`] never judges: where branches of a schema differ it holds the union, and where the schema is silent, anything.

use std::sync::Arc;

use super::Schema;
use crate::tree::Kind;

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
    pub const fn admits(self, other: Self) -> bool {
        self.0 & other.0 != 0
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
    parts: Vec<PartData>,
    root: PartId,
}

pub(super) type PartId = u32;

#[derive(Clone, Debug, Default)]
pub(super) struct PartData {
    pub types: Option<Types>,
    pub members: Vec<(Arc<str>, PartId)>,
    pub required: Vec<Arc<str>>,
    pub closed: bool,
    pub items: Option<PartId>,
    pub prefix: Vec<PartId>,
    pub item_name: Option<Arc<str>>,
    pub pointer: String,
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
        Self { parts: vec![PartData::default()], root: ANY }
    }

    /// The shape of what `schema` admits.
    #[must_use]
    pub fn of(_schema: &Schema) -> Self {
        Self::any()
    }

    /// The record's part.
    #[must_use]
    pub fn root(&self) -> Part<'_> {
        Part { shape: self, id: self.root }
    }

    /// Whether only an array can be valid.
    #[must_use]
    pub fn is_array_only(&self) -> bool {
        self.root().types() == Types::ARRAY
    }
}

impl<'s> Part<'s> {
    fn data(self) -> &'s PartData {
        &self.shape.parts[self.id as usize]
    }

    fn part(self, id: PartId) -> Part<'s> {
        Part { shape: self.shape, id }
    }

    /// Whether the schema says nothing of this value.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.id == ANY
    }

    /// Types the value may have.
    #[must_use]
    pub fn types(self) -> Types {
        self.data().types.unwrap_or(Types::ANY)
    }

    /// Declared members in the order of the schema.
    pub fn members(self) -> impl Iterator<Item = (&'s str, Part<'s>)> {
        self.data().members.iter().map(move |(name, id)| (&**name, self.part(*id)))
    }

    /// The declared member of that name.
    #[must_use]
    pub fn declared(self, name: &str) -> Option<Part<'s>> {
        self.data().members.iter().find(|(known, _)| &**known == name).map(|(_, id)| self.part(*id))
    }

    /// What is known of a member of that name, declared or not: by pattern, by what the schema says of all others, or nothing.
    #[must_use]
    pub fn member(self, name: &str) -> Part<'s> {
        self.declared(name).unwrap_or(self.part(ANY))
    }

    /// Whether members may have a name that is not declared.
    #[must_use]
    pub fn is_open(self) -> bool {
        !self.data().closed
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

    /// The name of an item where items need one (`x-item-name`).
    #[must_use]
    pub fn item_name(self) -> Option<&'s str> {
        self.data().item_name.as_deref()
    }

    /// JSON pointer of the subschema in its file, of the first where several are joined.
    #[must_use]
    pub fn pointer(self) -> &'s str {
        &self.data().pointer
    }
}
