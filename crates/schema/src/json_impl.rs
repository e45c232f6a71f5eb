//! The spanned tree as an instance for the `jsonschema` crate, which then validates it in place.
//!
//! Numbers are compared by their text: integers beyond 64 bits and `1e400` reach the validator unchanged.
//! The limits in a schema are the crate's, 64-bit floats or integers.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::OnceLock;

use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object};
use jsonschema::types::JsonType;
use jsonschema_value::LazyInstance;
use serde_json::Value;

use super::budget;
use chancery_core::tree::{self, Kind, Node, Tree, number};

/// Names the representation for the validator's type.
pub struct TreeRef;

/// What the validator looks at.
#[derive(Clone, Copy)]
pub enum InstanceRef<'a> {
    /// The record.
    Root(&'a WholeValue<'a>),
    /// A node of it.
    Node(Node<'a>),
    /// The name of a member.
    Name(&'a str),
}

/// A record to validate. Where a pattern costs too much to try, the validator wants the record as a plain value; that is
/// made at most once.
pub struct WholeValue<'a> {
    node: Node<'a>,
    value: OnceLock<Value>,
}

impl<'a> WholeValue<'a> {
    /// The record with this root.
    #[must_use]
    pub fn new(node: Node<'a>) -> Self {
        Self { node, value: OnceLock::new() }
    }

    pub fn node(&self) -> Node<'a> {
        self.node
    }
}

/// Bounds the errors that the validator makes for one record: it keeps them all before it gives the first one away, and
/// with many branches for each of many items they would take any amount of memory. Each error it makes is counted; when
/// there are too many, the containers of the record look as if they had no more children, so that it comes to an end.
pub struct ErrorBudget(u64);

thread_local! {
    // How many errors may still be made on this thread; `None` if there is no limit.
    static ERRORS_LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

impl ErrorBudget {
    /// How many errors the validator may make for one record, those inside branches included.
    pub const MOST: u64 = 100_000;

    /// Counts from here on. Below this value, the deepest place decides how much memory an error takes, which names the way
    /// there three times.
    #[must_use]
    pub fn start(root: Node<'_>) -> Self {
        const SHALLOW: u64 = 16;
        let most = Self::MOST * SHALLOW / depth(root).max(SHALLOW);
        ERRORS_LEFT.set(Some(most));
        Self(most)
    }

    /// Counts no more. Where too many errors were made, says how many of them, in their order, were made before that.
    #[must_use]
    pub fn end(self) -> Option<u64> {
        (ERRORS_LEFT.get() == Some(0)).then_some(self.0)
    }

    fn count() {
        if let Some(left) = ERRORS_LEFT.get() {
            ERRORS_LEFT.set(Some(left.saturating_sub(1)));
        }
    }

    // Whether children are counted while they are visited.
    fn is_counting() -> bool {
        ERRORS_LEFT.get().is_some()
    }

    fn is_spent() -> bool {
        ERRORS_LEFT.get() == Some(0)
    }
}

// How deeply a value is nested; the readers bound it.
fn depth(node: Node<'_>) -> u64 {
    let members = node.members().map(|member| member.value);
    1 + members.chain(node.items()).map(depth).max().unwrap_or(0)
}

impl Drop for ErrorBudget {
    fn drop(&mut self) {
        ERRORS_LEFT.set(None);
    }
}

impl<'a> InstanceRef<'a> {
    // Whatever the validator asks comes through here, and is counted.
    #[inline]
    fn node(&self) -> Option<Node<'a>> {
        budget::step();
        match self {
            Self::Root(whole) => Some(whole.node),
            Self::Node(node) => Some(*node),
            Self::Name(_) => None,
        }
    }

    fn of_kind(&self, kind: Kind) -> Option<Node<'a>> {
        self.node().filter(|node| node.kind() == kind)
    }
}

/// A member's name with its hash, made once when a schema is compiled.
pub struct Key {
    hash: u32,
    name: Box<str>,
}

impl Json for TreeRef {
    type Node<'a> = InstanceRef<'a>;
    type PreparedKey = Key;
    type StringBuffer = ();

    // A lookup walks the members, so one pass over them replaces many lookups.
    const KEYS_PER_LOOKUP: usize = 64;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Key {
        Key { hash: tree::key_hash(key), name: key.into() }
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(InstanceRef<'_>) -> T) -> T {
        f(InstanceRef::Name(string))
    }
}

static NULL: Value = Value::Null;

impl<'a> JsonNode<'a, TreeRef> for InstanceRef<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        self.of_kind(Kind::Object).map(Members)
    }

    fn as_array(&self) -> Option<Items<'a>> {
        self.of_kind(Kind::Array).map(Items)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Name(name) => {
                budget::step();
                Some(Cow::Borrowed(name))
            }
            _ => self.of_kind(Kind::String).map(|node| Cow::Borrowed(node.text())),
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        self.of_kind(Kind::Number).map(|node| Number(node.text()))
    }

    fn as_boolean(&self) -> Option<bool> {
        self.of_kind(Kind::Bool).map(|node| node.text() == "true")
    }

    fn is_null(&self) -> bool {
        self.of_kind(Kind::Null).is_some()
    }

    fn is_number(&self) -> bool {
        self.of_kind(Kind::Number).is_some()
    }

    fn is_string(&self) -> bool {
        matches!(self, Self::Name(_)) || self.of_kind(Kind::String).is_some()
    }

    fn json_type(&self) -> JsonType {
        match self.node().map(Node::kind) {
            None | Some(Kind::String) => JsonType::String,
            Some(Kind::Null) => JsonType::Null,
            Some(Kind::Bool) => JsonType::Boolean,
            Some(Kind::Number) => JsonType::Number,
            Some(Kind::Array) => JsonType::Array,
            Some(Kind::Object) => JsonType::Object,
        }
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        self.as_string().map(|text| length_within(&text, min, max))
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self {
            Self::Name(name) => expected.as_str() == Some(*name),
            _ => self.node().is_some_and(|node| equals(node, expected)),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        match self {
            Self::Root(whole) => Cow::Borrowed(whole.value.get_or_init(|| to_value(whole.node))),
            Self::Node(node) => Cow::Owned(to_value(*node)),
            Self::Name(name) => Cow::Owned(Value::from(*name)),
        }
    }

    // Findings are made from the tree, never from the value an error carries; so most nodes are not rebuilt. A name cannot
    // be found again there, and in the record as a whole the validator itself looks for the place of a pattern.
    fn lazy_value(&self) -> LazyInstance<'a> {
        // As a plain value, a record takes several times the memory.
        const LARGEST: usize = 100_000;
        ErrorBudget::count();
        LazyInstance::Ready(match self {
            Self::Node(_) => Cow::Borrowed(&NULL),
            Self::Root(whole) if whole.node.tree().slots() > LARGEST => Cow::Borrowed(&NULL),
            Self::Root(_) | Self::Name(_) => self.to_value(),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        self.node().map(|node| {
            let address = std::ptr::from_ref::<Tree>(node.tree()) as usize;
            NodeIdentity::tagged(address, node.id().index())
        })
    }
}

/// An object's members.
#[derive(Clone, Copy)]
pub struct Members<'a>(Node<'a>);

impl<'a> Object<'a, TreeRef> for Members<'a> {
    type Node = InstanceRef<'a>;
    type MemberName = &'a str;
    type MembersIter = Named<'a>;

    fn len(&self) -> usize {
        self.members().count()
    }

    fn get(&self, key: &Key) -> Option<InstanceRef<'a>> {
        self.0.member_hashed(key.hash, &key.name).map(|member| InstanceRef::Node(member.value))
    }

    fn members(&self) -> Self::MembersIter {
        Named { members: self.0.members(), counted: ErrorBudget::is_counting() }
    }
}

/// An object's members, each with its name. Of those that are there twice the last alone counts, as it does for `get`.
// A type of its own, because a closure would have to be called by its address.
pub struct Named<'a> {
    members: tree::Members<'a>,
    counted: bool,
}

impl<'a> Iterator for Named<'a> {
    type Item = (&'a str, InstanceRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        budget::step();
        if self.counted && ErrorBudget::is_spent() {
            return None;
        }
        let member = self.members.find(|member| !member.is_shadowed())?;
        Some((member.key.text(), InstanceRef::Node(member.value)))
    }
}

/// An array's items.
#[derive(Clone, Copy)]
pub struct Items<'a>(Node<'a>);

impl<'a> Array<'a, TreeRef> for Items<'a> {
    type Node = InstanceRef<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        Elements { items: self.0.items(), counted: ErrorBudget::is_counting() }
    }

    fn is_unique(&self) -> bool {
        first_repeat(self.0).is_none()
    }
}

/// An array's items, one by one.
pub struct Elements<'a> {
    items: tree::Items<'a>,
    counted: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = InstanceRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        budget::step();
        if self.counted && ErrorBudget::is_spent() {
            return None;
        }
        self.items.next().map(InstanceRef::Node)
    }
}

/// The first item that equals an earlier one, with that earlier one: JSON equality, numbers by value.
#[must_use]
pub fn first_repeat(array: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    const FEW: usize = 16;
    if array.len() <= FEW {
        return array
            .items()
            .enumerate()
            .find_map(|(at, item)| array.items().take(at).find(|earlier| earlier.same(item)).map(|earlier| (earlier, item)));
    }
    repeated(array).next()
}

/// All items that equal an earlier one, each with the first that it equals.
#[must_use]
pub fn repeats(array: Node<'_>) -> Vec<(Node<'_>, Node<'_>)> {
    repeated(array).collect()
}

fn repeated(array: Node<'_>) -> impl Iterator<Item = (Node<'_>, Node<'_>)> {
    let mut seen: std::collections::HashMap<u64, Vec<Node<'_>>> = std::collections::HashMap::with_capacity(array.len());
    array.items().filter_map(move |item| {
        let alike = seen.entry(item.hash_value()).or_default();
        let first = alike.iter().find(|earlier| earlier.same(item)).copied();
        if first.is_none() {
            alike.push(item);
        }
        first.map(|first| (first, item))
    })
}

/// A number's text.
#[derive(Clone, Copy)]
pub struct Number<'a>(&'a str);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(to_number(self.0))
    }

    fn is_integer(&self) -> bool {
        number::is_integer(self.0)
    }

    fn is_written_as_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }
}

// A number out of a float's range becomes the largest float: nothing reads it but texts of errors that are not shown.
fn to_number(text: &str) -> serde_json::Number {
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    let float: f64 = text.parse().unwrap_or(0.0);
    serde_json::Number::from_f64(float.clamp(f64::MIN, f64::MAX)).unwrap_or_else(|| 0.into())
}

/// Whether a text has between `min` and `max` characters.
pub(super) fn length_within(text: &str, min: u64, max: u64) -> bool {
    // A character takes one to four bytes, which decides most cases without counting.
    let bytes = text.len() as u64;
    let fewest = bytes.div_ceil(4);
    bytes >= min && fewest <= max && ((min <= fewest && bytes <= max) || (min..=max).contains(&(text.chars().count() as u64)))
}

/// A copy of a node as a `serde_json` value: for schemas, which the `jsonschema` crate takes in that form.
#[must_use]
pub fn to_value(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(node.text() == "true"),
        Kind::Number => Value::Number(to_number(node.text())),
        Kind::String => Value::from(node.text()),
        Kind::Array => node.items().map(to_value).collect(),
        Kind::Object => Value::Object(node.members().map(|member| (member.key.text().to_owned(), to_value(member.value))).collect()),
    }
}

/// A plain value as a tree, which lies nowhere: for instances that are made to be tried.
#[must_use]
pub fn to_tree(value: &Value) -> Tree {
    let mut tree = Tree::default();
    let nowhere = chancery_core::source::Span::at(0);
    let root = tree.set_root(nowhere);
    fill(&mut tree, root, value);
    tree
}

fn fill(tree: &mut Tree, id: tree::NodeId, value: &Value) {
    let nowhere = chancery_core::source::Span::at(0);
    match value {
        Value::Null => tree.set_scalar(id, Kind::Null, "null", nowhere),
        Value::Bool(flag) => tree.set_scalar(id, Kind::Bool, if *flag { "true" } else { "false" }, nowhere),
        Value::Number(number) => tree.set_scalar(id, Kind::Number, &number.to_string(), nowhere),
        Value::String(text) => tree.set_scalar(id, Kind::String, text, nowhere),
        Value::Array(items) => {
            tree.set_container(id, Kind::Array, nowhere);
            for item in items {
                let below = tree.push_item(id, nowhere);
                fill(tree, below, item);
            }
        }
        Value::Object(members) => {
            tree.set_container(id, Kind::Object, nowhere);
            for (name, member) in members {
                let below = tree.insert_member(id, None, name, nowhere);
                fill(tree, below, member);
            }
        }
    }
}

/// Whether a node equals a plain value; members that are there twice count once, by their last value.
pub(super) fn equals(node: Node<'_>, expected: &Value) -> bool {
    match (node.kind(), expected) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool, Value::Bool(expected)) => (node.text() == "true") == *expected,
        (Kind::Number, Value::Number(expected)) => number::equal(node.text(), &expected.to_string()),
        (Kind::String, Value::String(expected)) => node.text() == expected,
        (Kind::Array, Value::Array(expected)) => {
            node.len() == expected.len() && node.items().zip(expected).all(|(item, expected)| equals(item, expected))
        }
        (Kind::Object, Value::Object(expected)) => {
            node.members().all(|member| expected.contains_key(member.key.text()))
                && expected.iter().all(|(name, expected)| node.get(name).is_some_and(|value| equals(value, expected)))
        }
        _ => false,
    }
}
