//! Schemas: loaded with spans, references resolved without the network, compiled once; and the [`Shape`] they give to data.
//!
//! Whoever reads files puts them into a [`Library`], asks it what is still [`Library::missing`], and builds a [`Schema`] of
//! one of its documents.

pub mod bundled;
mod fault;
pub mod guide;
pub mod library;
pub mod shape;
pub mod spanned;

use std::sync::Arc;

use jsonschema::{PatternOptions, ValidationError, Validator};

use crate::diagnostic::{Diagnostic, Place};
use crate::tree::Tree;
pub use guide::Guide;
pub use library::Library;
pub use shape::{Part, Shape, Types};
use spanned::Spanned;

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
    library: Arc<Library>,
    root: usize,
    validator: Validator<Spanned>,
}

impl Schema {
    /// Compiles the document of that number.
    ///
    /// # Errors
    /// What is wrong with the schema, each at its place in the schema file.
    pub fn build(library: Library, root: usize, options: Options) -> Result<Self, Vec<Diagnostic>> {
        let library = Arc::new(library);
        let value = spanned::to_value(library.node(library.root(root)));
        let build = jsonschema::options_for::<Spanned>()
            .with_retriever(library::Shelf(Arc::clone(&library)))
            .with_base_uri(library.uri(root))
            .should_validate_formats(options.formats);
        // The linear engine holds against hostile data; patterns that look around need the other one, which is bounded.
        let built = build.clone().with_pattern_options(PatternOptions::regex()).build(&value);
        let built = built.or_else(|_| build.with_pattern_options(PatternOptions::fancy_regex()).build(&value));
        match built {
            Ok(validator) => Ok(Self { library, root, validator }),
            Err(error) => Err(fault::explain(&library, root, &error)),
        }
    }

    /// The validator.
    #[must_use]
    pub fn validator(&self) -> &Validator<Spanned> {
        &self.validator
    }

    /// The documents.
    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    pub(in crate::schema) fn root_at(&self) -> library::At {
        self.library.root(self.root)
    }

    /// The place in a schema file of the keyword that an error is about.
    #[must_use]
    pub fn place_of(&self, error: &ValidationError<'_>) -> Option<Place> {
        let location = error.absolute_keyword_location().and_then(|location| self.library.place(location.as_str()));
        location.or_else(|| self.library.place_below(self.library.root(self.root), error.schema_path().as_str()))
    }
}

impl TryFrom<Tree> for Schema {
    type Error = Vec<Diagnostic>;

    /// A schema of one document that refers to no other.
    fn try_from(tree: Tree) -> Result<Self, Self::Error> {
        let mut library = Library::new();
        let name = tree.source().name().to_string();
        let root = library.add(&name, tree);
        Self::build(library, root, Options::default())
    }
}
