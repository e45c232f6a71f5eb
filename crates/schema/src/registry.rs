//! The schema documents current: which resources and anchors they hold, and what their references mean.
//!
//! Input: spanned trees that somebody else has read, each with the address it was read from. Output: the subschema a reference
//! points at, the place of a pointer, the addresses that are still missing. Nothing is fetched from anywhere.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonschema::{Draft, Retrieve, Uri, uri};
use serde_json::Value;

use super::json_impl;
use chancery_core::diagnostic::Place;
use chancery_core::tree::{Kind, Node, NodeId, Tree, pointer};

/// A document: a tree, the address others know it by, and where it was read.
#[derive(Debug)]
struct Document {
    uri: Uri<String>,
    read_from: Uri<String>,
    tree: Tree,
}

/// Schema documents that may refer to each other.
#[derive(Debug, Default)]
pub struct SchemaRegistry {
    documents: Vec<Document>,
    resources: HashMap<String, At>,
    // By `resource#name`.
    anchors: HashMap<String, At>,
    bases: Vec<Base>,
    // Where a subschema that refers to others stands: an index into `bases`.
    referring: HashMap<At, u32>,
    references: Vec<Reference>,
    // The members of objects that have many, by name: references lead there, and a search would go through all of them.
    wide: HashMap<At, HashMap<Box<str>, NodeId>>,
    // Every object that is in the place of a subschema, with the draft that holds there.
    subschemas: Vec<(At, Draft)>,
}

/// A subschema: a document's number and a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    document: u32,
    node: NodeId,
}

#[derive(Debug)]
struct Base {
    uri: Uri<String>,
    root: At,
    draft: Draft,
}

#[derive(Debug)]
struct Reference {
    from: At,
    // The value that holds the reference's text.
    text: At,
}

/// A document that others refer to and that is not available.
#[derive(Debug)]
pub struct Missing {
    /// Its address as the schema's own base address gives it; no fragment.
    pub uri: String,
    /// Its address beside the file that refers to it, where that differs.
    pub in_directory: Option<String>,
    /// The first reference to it.
    pub place: Place,
}

/// The address of a file, for [`SchemaRegistry::add`].
#[must_use]
pub fn file_uri(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok()?;
    url::Url::from_file_path(absolute).ok().map(String::from)
}

/// The file that an address means, if it means one.
#[must_use]
pub fn file_path(uri: &str) -> Option<PathBuf> {
    url::Url::parse(uri).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

impl SchemaRegistry {
    /// Without documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document, read from the address `uri`, and gives its number. A document's own `$id` counts beside it.
    pub fn add(&mut self, uri: &str, tree: Tree) -> usize {
        self.add_as(uri, uri, tree)
    }

    /// Adds a document that others know by the address `uri` and that was read from another one.
    pub fn add_as(&mut self, uri: &str, read_from: &str, tree: Tree) -> usize {
        let number = self.documents.len();
        let uri = uri::from_str(without_fragment(uri))
            .or_else(|_| uri::from_str(&format!("document-{number}")))
            .expect("a number makes an address");
        let read_from = uri::from_str(without_fragment(read_from)).unwrap_or_else(|_| uri.clone());
        let root = At { document: number as u32, node: tree.root().id() };
        for address in [&uri, &read_from] {
            self.resources.entry(address.as_str().to_owned()).or_insert(root);
        }
        self.documents.push(Document { uri: uri.clone(), read_from, tree });
        let draft = self.draft(root).unwrap_or_default();
        self.bases.push(Base { uri, root, draft });
        self.index(root, (self.bases.len() - 1) as u32);
        number
    }

    /// Adds what is missing, and what is then missing in turn: `find` reads a document, and says from which address.
    pub fn fill(&mut self, mut find: impl FnMut(&Missing) -> Option<(String, Tree)>) {
        let mut from = 0;
        while from < self.documents.len() {
            let missing = self.missing(from);
            from = self.documents.len();
            for missing in missing {
                if !self.has(&missing.uri)
                    && let Some((read_from, tree)) = find(&missing)
                {
                    self.add_as(&missing.uri, &read_from, tree);
                }
            }
        }
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The addresses from which the documents were read, in order.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().map(|document| document.read_from.as_str())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Whether a document or a part of one has that address.
    #[must_use]
    pub fn has(&self, uri: &str) -> bool {
        uri::from_str(without_fragment(uri)).is_ok_and(|uri| self.resources.contains_key(uri.as_str()))
    }

    /// What documents from number `from` on refer to and is not available, in order of first mention.
    #[must_use]
    pub fn missing(&self, from: usize) -> Vec<Missing> {
        let mut seen = HashSet::new();
        let mut missing = Vec::new();
        for reference in self.references.iter().filter(|reference| reference.from.document as usize >= from) {
            let node = self.node(reference.text);
            let text = without_fragment(node.text());
            let base = self.base(reference.from);
            let Ok(wanted) = uri::resolve_against(&base.uri.borrow(), text) else { continue };
            if text.is_empty() || self.resources.contains_key(wanted.as_str()) || is_metaschema(wanted.as_str()) {
                continue;
            }
            if seen.insert(wanted.as_str().to_owned()) {
                let document = &self.documents[reference.from.document as usize];
                let beside = uri::resolve_against(&document.read_from.borrow(), text).ok().map(|uri| uri.as_str().to_owned());
                missing.push(Missing {
                    in_directory: beside.filter(|beside| beside != wanted.as_str()),
                    uri: wanted.as_str().to_owned(),
                    place: Place::new(node.tree().source(), node.span()),
                });
            }
        }
        missing
    }

    /// The resource that an address means, and the JSON pointer in it that its fragment is.
    pub(super) fn locate(&self, location: &str) -> Option<(At, String)> {
        let (address, fragment) = location.split_once('#').unwrap_or((location, ""));
        self.resources.get(address).map(|resource| (*resource, decode(fragment)))
    }

    /// The place of what is at a pointer below a resource: a scalar itself, an object or array by its key.
    pub fn place_below(&self, at: At, below: &str) -> Option<Place> {
        let node = self.node(at);
        let found = node.at(below)?;
        let span = match (found.kind(), pointer::split_last(below)) {
            (Kind::Object | Kind::Array, Some((parent, name))) => {
                node.at(parent).and_then(|parent| parent.member(&name)).map_or(found.opening(), |member| member.key.span())
            }
            _ => found.opening(),
        };
        Some(Place::new(node.tree().source(), span))
    }

    /// Whether any document has that text.
    #[must_use]
    pub fn references_from(&self, text: &str) -> bool {
        self.documents.iter().any(|document| document.tree.source().text().contains(text))
    }

    /// The references that lead nowhere, as the values that hold them, each text once.
    pub(super) fn dangling(&self, known: impl Fn(&str) -> bool) -> Vec<Node<'_>> {
        let leads = |reference: &&Reference| {
            let text = self.node(reference.text).text();
            self.resolve(reference.from, text).is_some() || self.address(reference.from, text).is_some_and(|uri| known(&uri))
        };
        let mut seen = HashSet::new();
        let dangling = self.references.iter().filter(|reference| !leads(reference)).map(|reference| self.node(reference.text));
        dangling.filter(|node| seen.insert(node.text())).collect()
    }

    /// The address a reference of the subschema means, with its fragment.
    pub(super) fn address(&self, from: At, text: &str) -> Option<String> {
        uri::resolve_against(&self.base(from).uri.borrow(), text).ok().map(|uri| uri.as_str().to_owned())
    }

    /// The subschema that a reference in `from` points at.
    pub fn resolve(&self, from: At, text: &str) -> Option<At> {
        let base = self.base(from);
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (uri, resource) = if address.is_empty() {
            (base.uri.as_str().to_owned(), base.root)
        } else {
            let uri = uri::resolve_against(&base.uri.borrow(), address).ok()?;
            let resource = *self.resources.get(uri.as_str())?;
            (uri.as_str().to_owned(), resource)
        };
        let fragment = decode(fragment);
        if fragment.is_empty() {
            Some(resource)
        } else if fragment.starts_with('/') {
            self.below(resource, &fragment)
        } else {
            self.anchors.get(&format!("{uri}#{fragment}")).copied()
        }
    }

    // What is at a JSON pointer below a node.
    fn below(&self, at: At, pointer: &str) -> Option<At> {
        pointer.strip_prefix('/')?.split('/').try_fold(at, |at, token| {
            let name = pointer::unescape(token);
            let node = match self.wide.get(&at) {
                Some(members) => *members.get(&*name)?,
                None => self.node(at).at(&format!("/{token}"))?.id(),
            };
            Some(At { node, ..at })
        })
    }

    /// Where a dynamic reference of `from` leads when `root` is the outermost schema.
    pub fn resolve_dynamic(&self, from: At, text: &str, root: At) -> Option<At> {
        let target = self.resolve(from, text)?;
        let name = text.split_once('#').map_or("", |(_, fragment)| fragment);
        let dynamic = |at: At| match name {
            "" => self.node(at).get("$recursiveAnchor").is_some_and(|flag| flag.text() == "true"),
            _ => self.node(at).get("$dynamicAnchor").is_some_and(|anchor| anchor.text() == name),
        };
        if !dynamic(target) {
            return Some(target);
        }
        let outermost = if name.is_empty() {
            Some(root).filter(|root| dynamic(*root))
        } else {
            let base = self.bases.iter().rev().find(|base| base.root == root);
            base.and_then(|base| self.anchors.get(&format!("{}#{name}", base.uri.as_str()))).copied().filter(|at| dynamic(*at))
        };
        outermost.or(Some(target))
    }

    /// The address of a subschema: its document's, with a JSON pointer as the fragment.
    pub(super) fn uri_of(&self, at: At) -> String {
        const KEPT: &percent_encoding::AsciiSet =
            &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'$').remove(b'-').remove(b'_').remove(b'.');
        let pointer = self.node(at).pointer();
        format!("{}#{}", self.uri(at.document as usize), percent_encoding::utf8_percent_encode(&pointer, KEPT))
    }

    /// Every subschema of the documents that is an object, with its draft.
    pub(super) fn subschemas(&self) -> impl Iterator<Item = (At, Draft)> {
        self.subschemas.iter().copied()
    }

    /// The node of a subschema.
    pub fn node(&self, at: At) -> Node<'_> {
        self.documents[at.document as usize].tree.node(at.node)
    }

    /// A node of the same document.
    pub fn relative_to(at: At, node: Node<'_>) -> At {
        At { document: at.document, node: node.id() }
    }

    pub(super) fn root(&self, document: usize) -> At {
        At { document: document as u32, node: self.documents[document].tree.root().id() }
    }

    pub(super) fn uri(&self, document: usize) -> &str {
        self.documents[document].uri.as_str()
    }

    /// Whether keywords beside `$ref` count for nothing if this subschema stands.
    pub fn only_ref(&self, at: At) -> bool {
        matches!(self.base(at).draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7)
    }

    /// The draft that holds where this subschema stands.
    pub fn draft_at(&self, at: At) -> Draft {
        self.base(at).draft
    }

    /// Whether every document is of that draft, and no part of one has an address of its own.
    pub(super) fn is_plain(&self, draft: Draft) -> bool {
        let is_document = |at: At| self.root(at.document as usize) == at;
        self.bases.iter().all(|base| base.draft == draft && is_document(base.root))
    }

    // The draft a subschema names, if it names one.
    fn draft(&self, at: At) -> Option<Draft> {
        self.node(at).get("$schema").map(|name| Draft::from_schema_uri(name.text()))
    }

    fn base(&self, at: At) -> &Base {
        let of_document = || self.bases.iter().position(|base| base.root.document == at.document).unwrap_or_default();
        &self.bases[self.referring.get(&at).map_or_else(of_document, |base| *base as usize)]
    }

    // Visits a subschema and those below it. The reader of the document has limited the depth.
    fn index(&mut self, at: At, base: u32) {
        if self.node(at).kind() != Kind::Object {
            return;
        }
        let base = self.enter(at, base);
        self.subschemas.push((at, self.bases[base as usize].draft));
        self.widen(at);
        let mut below = Vec::new();
        let mut references = Vec::new();
        let mut wide = Vec::new();
        let document = &self.documents[at.document as usize];
        for member in document.tree.node(at.node).members() {
            match (member.key.text(), member.value.kind()) {
                // A metaschema of the user's own is a document like any other.
                ("$ref" | "$dynamicRef" | "$recursiveRef" | "$schema", Kind::String) => references.push(member.value.id()),
                ("properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies", Kind::Object) => {
                    below.extend(member.value.members().map(|member| member.value.id()));
                    wide.push(member.value.id());
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Kind::Array) => {
                    below.extend(member.value.items().map(Node::id));
                }
                (
                    "items"
                    | "additionalItems"
                    | "unevaluatedItems"
                    | "contains"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames"
                    | "not"
                    | "if"
                    | "then"
                    | "else"
                    | "contentSchema",
                    Kind::Object,
                ) => below.push(member.value.id()),
                _ => {}
            }
        }
        if !references.is_empty() {
            self.referring.insert(at, base);
        }
        self.references.extend(references.into_iter().map(|text| Reference { from: at, text: At { node: text, ..at } }));
        wide.into_iter().for_each(|node| self.widen(At { node, ..at }));
        for node in below {
            self.index(At { node, ..at }, base);
        }
    }

    fn widen(&mut self, at: At) {
        const FEW: usize = 64;
        let node = self.documents[at.document as usize].tree.node(at.node);
        if node.len() > FEW {
            let members = node.members().filter(|member| !member.is_shadowed());
            let members = members.map(|member| (member.key.text().into(), member.value.id())).collect();
            self.wide.insert(at, members);
        }
    }

    // Takes note of what a subschema calls itself, and gives the base address that holds inside it.
    fn enter(&mut self, at: At, base: u32) -> u32 {
        let named = self.draft(at);
        let outer = &self.bases[base as usize];
        let draft = named.unwrap_or(outer.draft);
        let node = self.node(at);
        let old = matches!(draft, Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
        if old && node.get("$ref").is_some() {
            return base;
        }
        let text = |name| node.get(name).filter(|value| value.kind() == Kind::String).map(Node::text);
        let mut anchors = Vec::new();
        let mut inner = None;
        if let Some(id) = text(if draft == Draft::Draft4 { "id" } else { "$id" }) {
            match id.strip_prefix('#') {
                Some(anchor) if old => anchors.push(anchor.to_owned()),
                _ => inner = uri::resolve_against(&outer.uri.borrow(), without_fragment(id)).ok(),
            }
        }
        if !old {
            anchors.extend(["$anchor", "$dynamicAnchor"].into_iter().filter_map(text).map(str::to_owned));
        }
        let base = match inner {
            Some(uri) => {
                self.resources.entry(uri.as_str().to_owned()).or_insert(at);
                self.bases.push(Base { uri, root: at, draft });
                (self.bases.len() - 1) as u32
            }
            None => base,
        };
        for name in anchors {
            let key = format!("{}#{name}", self.bases[base as usize].uri.as_str());
            self.anchors.entry(key).or_insert(at);
        }
        base
    }
}

/// Hands documents of a library to the validator.
#[derive(Clone)]
pub(super) struct LocalRetriever(pub Arc<SchemaRegistry>);

impl LocalRetriever {
    pub(super) fn find(&self, uri: &str) -> Option<Value> {
        self.0.resources.get(without_fragment(uri)).map(|at| json_impl::to_value(self.0.node(*at)))
    }
}

impl Retrieve for LocalRetriever {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        self.find(uri.as_str()).ok_or_else(|| format!("{uri} is not available").into())
    }
}

/// Whether the address is of a metaschema that the validator brings along.
pub(super) fn is_metaschema(uri: &str) -> bool {
    let known = ["://json-schema.org/draft/2020-12/", "://json-schema.org/draft/2019-09/"];
    let uri = without_fragment(uri);
    Draft::from_schema_uri(uri) != Draft::Unknown
        || known.iter().any(|part| uri.trim_start_matches("https").trim_start_matches("http").starts_with(part))
}

fn without_fragment(uri: &str) -> &str {
    uri.split_once('#').map_or(uri, |(address, _)| address)
}

// Undoes percent encoding; what is not UTF-8 afterwards stays as it was.
fn decode(fragment: &str) -> String {
    let bytes = fragment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = fragment.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| fragment.to_owned())
}
