//! Collections: records with one schema, and how they are read, processed and compared.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::settings::CollectionSettings;
use super::{Error, schemas};
use crate::pipeline::{RecordPipeline, Stage};
use chancery_check::normalise::{self, Normaliser};
use chancery_check::redact::Redactor;
use chancery_check::references::{self, KeyDeclarations};
use chancery_check::semantic;
use chancery_check::{Checker, SemanticChecks};
use chancery_core::diagnostic::Diagnostic;
use chancery_core::source::Format;
use chancery_core::tree::Node;
use chancery_formats::read;
use chancery_schema::{Shape, lint};

/// A collection whose schema is compiled.
pub struct Collection {
    /// Its name: that of its schema.
    pub name: String,
    /// What its records look like.
    pub shape: Arc<Shape>,
    /// JSON pointers to a record's key; none if it has none.
    pub key: Vec<String>,
    /// Decides what may be shown of the records, where not everything may.
    pub redactor: Option<Arc<Redactor>>,
    /// Its schema as it was named.
    pub schema: String,
    /// The files of the schema.
    pub schema_files: Vec<PathBuf>,
    /// Whether these are files that no source claims.
    pub unclaimed: bool,
    /// The format of its inputs, where it is set.
    pub format: Option<Format>,
    /// The encoding of inputs without a byte order mark.
    pub encoding: Option<String>,
    /// How its inputs are read.
    pub options: read::Options,
    pub(super) stages: Vec<Arc<dyn Stage>>,
    pub(super) references: Option<Arc<KeyDeclarations>>,
    // Findings about the schema's annotations.
    pub(super) diagnostics: Vec<Diagnostic>,
    // Whether keys and references are compared.
    is_compared: bool,
}

impl Collection {
    /// Compiles the schema of a collection.
    pub(super) fn compile(settings: &CollectionSettings) -> Result<Self, Error> {
        let schema = schemas::load(&settings.schema, &settings.schema_dirs, settings.check_formats)?;
        let shape = Arc::new(schema.as_ref().map_or_else(Shape::any, |schema| Shape::of(schema)));
        let doubts = schema.as_ref().filter(|_| settings.schema != "profile" && !settings.unchecked).map(|schema| lint::warnings(schema));
        let diagnostics = doubts.into_iter().flatten().chain(normalise::mistakes(&shape)).chain(semantic::operand_errors(&shape)).collect();
        let mut stages: Vec<Arc<dyn Stage>> = Vec::new();
        if let Some(options) = settings.normalise.as_ref().filter(|_| !settings.unclaimed) {
            let normaliser = Normaliser::new(&shape, options);
            if !normaliser.is_idle() {
                stages.push(Arc::new(normaliser));
            }
        }
        if let Some(schema) = schema.as_ref().filter(|_| !settings.unchecked && !settings.unclaimed) {
            stages.push(Arc::new(Checker::new(Arc::clone(schema))));
            let semantic_checks = SemanticChecks::new(&shape);
            if !semantic_checks.is_idle() {
                stages.push(Arc::new(semantic_checks));
            }
        }
        let references = (!settings.unclaimed).then(|| KeyDeclarations::new(&shape, settings.key.as_deref()));
        let key = references.as_ref().map_or_else(Vec::new, |references| references.pointers().to_vec());
        Ok(Self {
            unclaimed: settings.unclaimed,
            options: settings.read_options(&shape)?,
            name: collection_name(&shape),
            schema: settings.schema.clone(),
            schema_files: schema.as_ref().map_or_else(Vec::new, |schema| schemas::files(schema)),
            redactor: settings.mask.then(|| Arc::new(Redactor::new(&shape, &key))),
            format: settings.format,
            encoding: settings.encoding.clone(),
            key,
            shape,
            stages,
            // Errors in declarations are always reported.
            references: references.filter(|references| !references.is_idle() || !references.mistakes().is_empty()).map(Arc::new),
            diagnostics,
            is_compared: !settings.unchecked,
        })
    }

    /// What its records go through.
    #[must_use]
    pub fn into_pipeline(self) -> RecordPipeline {
        RecordPipeline {
            stages: self.stages,
            references: self.references.filter(|_| self.is_compared),
            lenient: self.unclaimed,
            redactor: self.redactor,
        }
    }
}

/// The name of a collection: the schema's `x-record-name` or title, as a plain name.
#[must_use]
pub fn collection_name(shape: &Shape) -> String {
    let root = shape.root();
    let name = root.keyword("x-record-name").map(Node::text).or_else(|| root.title()).unwrap_or("records");
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    if plain.is_empty() { "records".to_owned() } else { plain.to_owned() }
}

/// Resolves which records are compared with each other, and to which records references lead. Sources with the same
/// name or schema are one collection. Returns declarations that cannot be checked: the run would otherwise pass without
/// checking them.
pub(super) fn bind(collections: &mut [Collection]) -> Vec<Diagnostic> {
    let mut numbers: HashMap<(bool, &str), usize> = HashMap::new();
    let mut own = Vec::with_capacity(collections.len());
    let mut by_name: HashMap<String, references::Collection> = HashMap::new();
    for (at, collection) in collections.iter().enumerate() {
        let name = collection.references.as_ref().and_then(|references| references.name());
        let number = match (name, &*collection.schema) {
            (Some(name), _) => *numbers.entry((true, name)).or_insert(at),
            (None, "none") => at,
            (None, schema) => *numbers.entry((false, schema)).or_insert(at),
        };
        own.push(number);
        let has_key = collection.references.as_ref().is_some_and(|references| !references.pointers().is_empty());
        if let Some(name) = collection.shape.root().keyword("x-record-name").map(Node::text) {
            by_name.entry(name.to_owned()).or_insert(references::Collection { number, has_key });
        }
    }
    let hides_keys = |collection: &Collection| collection.redactor.as_ref().is_some_and(|redactor| redactor.hides_keys());
    let hidden: HashSet<usize> =
        collections.iter().zip(&own).filter(|(collection, _)| hides_keys(collection)).map(|(_, number)| *number).collect();
    let mut faults: Vec<Diagnostic> = Vec::new();
    for (collection, own) in collections.iter_mut().zip(own) {
        if let Some(redactor) = collection.redactor.as_mut().and_then(Arc::get_mut) {
            let name = collection.references.as_ref().and_then(|references| references.name());
            let number = |to: &str| if name == Some(to) { Some(own) } else { by_name.get(to).map(|other| other.number) };
            redactor.refer(&|to| to.map_or(Some(own), number).is_some_and(|number| hidden.contains(&number)));
        }
        let Some(references) = collection.references.as_mut().and_then(Arc::get_mut) else { continue };
        faults.extend(references.bind(own, &|name| by_name.get(name).copied()));
        faults.extend(references.mistakes().iter().cloned());
    }
    // Sources with one schema have the same declarations.
    let mut seen = HashSet::new();
    faults.retain(|diagnostic| {
        let at = diagnostic.place.locate();
        seen.insert((diagnostic.rule.code, at.file, at.start.byte))
    });
    faults
}
