//! Schemas: loaded with spans, references resolved without the network, compiled once; and the [`Shape`] they give to data.
//!
//! Whoever reads files puts them into a [`SchemaRegistry`], asks it what is still [`SchemaRegistry::missing`], and builds a [`Schema`] of
//! one of its documents.
//!
//! ```
//! use chancery_formats::read::{self, Format, Options};
//! use chancery_schema::{Schema, Shape};
//!
//! let text = br#"{"type": "object", "properties": {"size": {"type": "integer"}, "name": {"type": "string"}}}"#;
//! let mut read = read::collect(Format::Json, "s.json", text, &Options::default())?;
//! let schema = Schema::try_from(read.records.remove(0)).expect("a schema");
//!
//! // Readers of untyped formats and writers follow the shape: members in order, their types, and lists.
//! let shape = Shape::of(&schema);
//! assert!(shape.root().declared("size").is_some());
//! # Ok::<(), chancery_core::source::ReadError>(())
//! ```

mod fast_path;
pub mod annotations;
mod error_message;
pub mod budget;
pub mod bundled;
pub mod docs;
pub mod error_mapping;
mod schema_errors;
pub mod node_at_offset;
pub mod formats;
pub mod annotation_index;
pub mod registry;
pub mod lint;
pub mod shape_listing;
pub mod shape;
pub mod json_impl;
mod ways;
pub mod messages;

use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, ErrorIterator, PatternOptions, Registry, Retrieve, ValidationError, ValidationOptions, Validator};
use serde_json::Value;

pub use annotation_index::AnnotationIndex;
use budget::{Exceeded, Limits};
use chancery_core::diagnostic::{Diagnostic, Place};
use chancery_core::tree::{Kind, Node, Tree, pointer};
use fast_path::FastValidator;
use json_impl::{InstanceRef, TreeRef, WholeValue};
pub use registry::SchemaRegistry;
pub use shape::{Part, Shape, Types};

/// What building a schema depends on besides its documents.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether `format` is asserted.
    pub formats: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { formats: true }
    }
}

/// A compiled schema, with the documents it is made of.
pub struct Schema {
    registry: Arc<SchemaRegistry>,
    root: usize,
    // Compiled with the schema; of one that is known to be right, for the first record that may not be.
    validator: OnceLock<Validator<TreeRef>>,
    engine: Engine,
    // Compiled for the first record.
    fast_path: OnceLock<Option<FastValidator>>,
    formats: bool,
    // Computed for the first finding.
    error_messages: OnceLock<bool>,
}

impl Schema {
    /// Compiles the document of that number.
    ///
    /// # Errors
    /// The errors with the schema, each at its place in the schema file.
    pub fn build(registry: SchemaRegistry, root: usize, options: Options) -> Result<Self, Vec<Diagnostic>> {
        let registry = Arc::new(registry);
        let value = json_impl::to_value(registry.node(registry.root(root)));
        if let Some(fault) = schema_errors::draft(&registry, root) {
            return Err(vec![fault]);
        }
        if let Some(fault) = ways::refuse(&registry, registry.root(root)) {
            return Err(vec![fault]);
        }
        match Self::compile(&registry, root, &value, options) {
            Ok((validator, engine)) => Ok(Self::of(registry, root, validator.into(), engine, options)),
            Err(error) => Err(schema_errors::to_diagnostic(&registry, root, &value, &error)),
        }
    }

    /// A schema that comes with the program: known to be right, so that its validator can wait until it is needed.
    #[must_use]
    pub fn bundled(name: &str, tree: Tree, options: Options) -> Self {
        let mut registry = SchemaRegistry::new();
        let root = registry.add(name, tree);
        Self::of(Arc::new(registry), root, OnceLock::new(), Engine::Linear, options)
    }

    fn of(registry: Arc<SchemaRegistry>, root: usize, validator: OnceLock<Validator<TreeRef>>, engine: Engine, options: Options) -> Self {
        Self { registry, root, validator, engine, fast_path: OnceLock::new(), formats: options.formats, error_messages: OnceLock::new() }
    }

    /// Whether its patterns can be tried in linear time.
    pub fn is_linear(&self) -> bool {
        self.engine == Engine::Linear
    }

    fn validator(&self) -> &Validator<TreeRef> {
        self.validator.get_or_init(|| {
            let value = json_impl::to_value(self.registry.node(self.root_at()));
            let (validator, engine) = Self::compile(&self.registry, self.root, &value, Options { formats: self.formats })
                .expect("schemas of the program are right");
            debug_assert!(engine == self.engine, "its patterns need not look around");
            validator
        })
    }

    fn compile(
        registry: &Arc<SchemaRegistry>,
        root: usize,
        value: &Value,
        options: Options,
    ) -> Result<(Validator<TreeRef>, Engine), ValidationError<'static>> {
        let retriever = registry::LocalRetriever(Arc::clone(registry));
        let mut options = validation_options(options.formats).with_retriever(retriever.clone()).with_base_uri(registry.uri(root));
        // A metaschema of the user's own has to be known before the draft can be.
        let own = value.get("$schema").and_then(Value::as_str).filter(|name| Draft::from_schema_uri(name) == Draft::Unknown);
        let registry = own
            .map(|name| -> Result<_, jsonschema::ReferencingError> {
                let metaschema = retriever.find(name).unwrap_or_default();
                Registry::new().retriever(retriever).add(name, metaschema)?.prepare()
            })
            .transpose()?;
        if let Some(registry) = &registry {
            options = options.with_registry(registry);
        }
        let linear = build(options.clone(), value, Engine::Linear).map(|validator| (validator, Engine::Linear));
        linear.or_else(|_| Ok((build(options, value, Engine::Bounded)?, Engine::Bounded)))
    }

    /// The validator's errors for a record.
    #[must_use]
    pub fn errors<'a>(&'a self, record: &'a WholeValue<'a>) -> ErrorIterator<'a> {
        self.validator().iter_errors(InstanceRef::Root(record))
    }

    /// As [`Schema::errors`], within the limits of what one record may cost.
    ///
    /// # Errors
    /// The limit that was reached.
    pub fn try_errors<'a>(&'a self, record: &'a WholeValue<'a>) -> Result<ErrorIterator<'a>, Exceeded> {
        let validator = self.validator();
        budget::within(Limits::of(record.node().tree().slots()), || validator.iter_errors(InstanceRef::Root(record)))
    }

    /// The first of the errors that [`Schema::errors`] would give.
    ///
    /// # Errors
    /// The limit that was reached.
    pub fn first_error<'a>(&'a self, record: &'a WholeValue<'a>) -> Result<Option<ValidationError<'a>>, Exceeded> {
        let validator = self.validator();
        budget::within(Limits::of(record.node().tree().slots()), || validator.validate(InstanceRef::Root(record)).err())
    }

    /// Whether a record is valid; one that costs too much to check is not.
    #[must_use]
    pub fn is_valid(&self, record: Node<'_>) -> bool {
        self.verdict(record) == Ok(true)
    }

    /// Whether a record is valid.
    ///
    /// # Errors
    /// The limit that was reached before anything was certain.
    pub fn verdict(&self, record: Node<'_>) -> Result<bool, Exceeded> {
        let limits = Limits::of(record.tree().slots());
        let by_validator = || {
            let validator = self.validator();
            budget::within(limits, || validator.is_valid(InstanceRef::Node(record)))
        };
        let fast_path = self.fast_path.get_or_init(|| fast_path::compile(&self.registry, self.root_at(), self.formats, self.engine));
        let accepted = match fast_path {
            Some(fast_path) => budget::within(limits, || fast_path.accepts(record)),
            None => Ok(None),
        };
        match accepted {
            Ok(Some(accepted)) => {
                debug_assert!(by_validator().is_err() || by_validator() == Ok(accepted), "the demands and the validator say the same");
                Ok(accepted)
            }
            Ok(None) => by_validator(),
            Err(exceeded) => Err(exceeded),
        }
    }

    /// The documents.
    #[must_use]
    pub fn registry(&self) -> &Arc<SchemaRegistry> {
        &self.registry
    }

    // Whether its author wrote messages.
    fn has_error_messages(&self) -> bool {
        *self.error_messages.get_or_init(|| self.registry.references_from("\"errorMessage\""))
    }

    /// Whether `format` is asserted.
    pub fn asserts_formats(&self) -> bool {
        self.formats
    }

    /// Where its root is in its registry.
    pub fn root_at(&self) -> registry::At {
        self.registry.root(self.root)
    }

    /// The place in a schema file of the keyword that an error is about.
    #[must_use]
    pub fn place_of(&self, error: &ValidationError<'_>) -> Option<Place> {
        let (resource, below) = self.location(error)?;
        self.registry.place_below(resource, &below)
    }

    /// The subschema whose keyword an error is about.
    #[must_use]
    pub fn subschema_of(&self, error: &ValidationError<'_>) -> Option<Node<'_>> {
        let (resource, below) = self.location(error)?;
        let (parent, _) = pointer::split_last(&below)?;
        self.registry.node(resource).at(parent)
    }

    /// The subschemas on the way to the keyword of an error, the outermost first, each with the number of steps into the
    /// data that lead to it.
    pub(crate) fn chain_of(&self, error: &ValidationError<'_>) -> Option<Vec<(Node<'_>, usize)>> {
        let (resource, below) = self.location(error)?;
        let (parent, _) = pointer::split_last(&below)?;
        let (mut node, mut steps) = (self.registry.node(resource), 0);
        let mut chain = vec![(node, 0)];
        let mut tokens = parent.split('/').skip(1).map(pointer::unescape);
        while let Some(keyword) = tokens.next() {
            node = node.get(&keyword)?;
            let named =
                matches!(&*keyword, "properties" | "patternProperties" | "dependentSchemas" | "dependencies" | "$defs" | "definitions");
            if named || node.kind() == Kind::Array {
                let name = tokens.next()?;
                node = node.at(&format!("/{}", pointer::escape(&name)))?;
            }
            match &*keyword {
                // What is defined here is reached by reference, from wherever it may be.
                "$defs" | "definitions" => {
                    chain.clear();
                    steps = 0;
                }
                "properties"
                | "patternProperties"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "items"
                | "prefixItems"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains" => steps += 1,
                _ => {}
            }
            chain.push((node, steps));
        }
        Some(chain)
    }

    /// The place of a branch of the `oneOf` that an error is about.
    pub(crate) fn place_of_branch(&self, error: &ValidationError<'_>, branch: usize) -> Option<Place> {
        let (resource, below) = self.location(error)?;
        self.registry.place_below(resource, &format!("{below}/{branch}"))
    }

    /// The title of a branch, or of what it refers to.
    pub(crate) fn title_below(&self, error: &ValidationError<'_>, branch: usize) -> Option<&str> {
        const HOPS: usize = 8;
        let (resource, below) = self.location(error)?;
        let mut at = SchemaRegistry::relative_to(resource, self.registry.node(resource).at(&format!("{below}/{branch}"))?);
        for _ in 0..HOPS {
            let node = self.registry.node(at);
            if let Some(title) = node.get("title").filter(|title| title.kind() == Kind::String) {
                return Some(title.text());
            }
            at = self.registry.resolve(at, node.get("$ref")?.text())?;
        }
        None
    }

    /// The resource and the pointer in it where an error's keyword stands. The validator counts on below the keyword where
    /// a demand is one of several, so what does not exist is left off.
    pub fn location(&self, error: &ValidationError<'_>) -> Option<(registry::At, String)> {
        let located = error.absolute_keyword_location().and_then(|location| self.registry.locate(location.as_str()));
        let (resource, mut below) = located.unwrap_or_else(|| (self.root_at(), error.schema_path().as_str().to_owned()));
        while self.registry.node(resource).at(&below).is_none() {
            below.truncate(below.rfind('/')?);
        }
        Some((resource, below))
    }
}

// What every validator is built with.
fn validation_options<'i>(formats: bool) -> ValidationOptions<'i, Arc<dyn Retrieve>, TreeRef> {
    jsonschema::options_for::<TreeRef>().with_format("email", formats::is_email).should_validate_formats(formats)
}

/// How often a pattern that looks around may go back on one value; some milliseconds.
const MAX_BACKTRACKS: usize = 100_000;

/// What tries patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// In linear time, which holds against hostile data.
    Linear,
    /// Patterns that look around too, in bounded time.
    Bounded,
}

type Built = Result<Validator<TreeRef>, ValidationError<'static>>;

fn build(options: ValidationOptions<'_, Arc<dyn Retrieve>, TreeRef>, schema: &Value, engine: Engine) -> Built {
    match engine {
        Engine::Linear => options.with_pattern_options(PatternOptions::regex()).build(schema),
        Engine::Bounded => options.with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(MAX_BACKTRACKS)).build(schema),
    }
}

// The validator of a schema that refers to nothing.
fn build_alone(schema: &Value, formats: bool, engine: Engine) -> Built {
    build(validation_options(formats).offline(), schema, engine)
}

impl TryFrom<Tree> for Schema {
    type Error = Vec<Diagnostic>;

    /// A schema of one document that refers to no other.
    fn try_from(tree: Tree) -> Result<Self, Self::Error> {
        let mut registry = SchemaRegistry::new();
        let name = tree.source().name().to_string();
        let root = registry.add(&name, tree);
        Self::build(registry, root, Options::default())
    }
}
