//! Loads schemas and their references, from files only.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::revision::{self, Revision};
use super::{CONFIG_NAME, Error};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Place, rules};
use chancery_core::source::{InputBuffer, Position, Source};
use chancery_core::tree::Tree;
use chancery_files::open::{self, Input};
use chancery_formats::read::handbook::Templates;
use chancery_formats::read::{self, Format, RecordVisitor};
use chancery_schema as schema;
use chancery_schema::bundled::{self, Bundled};
use chancery_schema::{Schema, SchemaRegistry, lint, registry};

/// The schema that `name` means: a file, `profile` for the bundled one, or `none`.
///
/// # Errors
/// When the schema or one that it refers to is invalid or cannot be read.
pub fn load(name: &str, dirs: &[PathBuf], formats: bool) -> Result<Option<Arc<Schema>>, Error> {
    read_schema(name, dirs, formats, Files { at: None })
}

/// Like [`load`]; the name may also be a file at a git revision, which then also applies to referenced files.
///
/// # Errors
/// When the schema or one that it refers to is invalid or cannot be read, or git fails.
pub fn load_version(name: &str, dirs: &[PathBuf], formats: bool) -> Result<Option<Arc<Schema>>, Error> {
    match revision::split(name) {
        Some((at, path)) => {
            let revision = Revision::find(at, Path::new(path))?;
            read_schema(path, dirs, formats, Files { at: Some(&revision) })
        }
        None => load(name, dirs, formats),
    }
}

fn read_schema(name: &str, dirs: &[PathBuf], formats: bool, files: Files<'_>) -> Result<Option<Arc<Schema>>, Error> {
    if name == "none" {
        return Ok(None);
    }
    if name == "profile" {
        return own(bundled::PROFILE, formats).map(Some);
    }
    let mut registry = SchemaRegistry::new();
    let path = Path::new(name);
    let root = files.add(&mut registry, path)?;
    complete(&mut registry, dirs, &Allowed::of(path, dirs), files)?;
    if let Some(finding) = lint::refuse(&registry, root) {
        return Err(Error::Findings(vec![finding]));
    }
    let schema = Schema::build(registry, root, schema::Options { formats }).map_err(Error::Findings)?;
    let mistakes = lint::mistakes(&schema);
    if !mistakes.is_empty() {
        return Err(Error::Findings(mistakes));
    }
    Ok(Some(Arc::new(schema)))
}

// The directories below which a reference may lead: that of the schema, those the user names, and the project.
struct Allowed(Vec<PathBuf>);

impl Allowed {
    fn of(schema: &Path, dirs: &[PathBuf]) -> Self {
        let own = std::path::absolute(schema).ok().and_then(|path| path.parent().map(Path::to_owned));
        let here = std::env::current_dir().ok();
        let projects = [own.as_deref(), here.as_deref()].into_iter().flatten().filter_map(project).map(Path::to_owned).collect::<Vec<_>>();
        let all = own.into_iter().chain(projects).chain(dirs.iter().cloned());
        Self(all.filter_map(|dir| dir.canonicalize().ok()).collect())
    }

    // Whether a file is in one of them, when links are followed.
    fn has(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.0.iter().any(|dir| path.starts_with(dir)))
    }
}

// The nearest directory upwards that holds a config or is the root of a repository.
fn project(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(CONFIG_NAME).is_file() || folder.join(".git").exists())
}

/// The files of a schema; none for the bundled one.
pub fn files(schema: &Schema) -> Vec<PathBuf> {
    schema.registry().origins().filter_map(registry::file_path).collect()
}

/// A bundled schema.
///
/// # Errors
/// When it is not JSON, which would be a bug.
pub fn own(schema: Bundled, formats: bool) -> Result<Arc<Schema>, Error> {
    let tree = parse(InputBuffer::new(schema.name, Box::new(schema.text.as_bytes()), Position::START))?;
    Ok(Arc::new(Schema::bundled(schema.name, tree, schema::Options { formats })))
}

/// The form of handbook pages that `name` means: a bundled one, or a file.
///
/// # Errors
/// When there is no such form, or its file is invalid or cannot be read.
pub fn forms(name: &str) -> Result<Templates, Error> {
    if let Some(forms) = Templates::named(name) {
        return Ok(forms);
    }
    let path = Path::new(name);
    if !path.exists() {
        let names: Vec<String> = Templates::default().names().map(str::to_owned).collect();
        return Err(Error::setting(format!("no form or file named {name}; forms are {}", names.join(", "))));
    }
    let text = fs::read_to_string(path).map_err(|error| Error::File { path: path.to_owned(), error })?;
    Templates::parse(&Arc::new(Source::whole(name, text))).map_err(Error::Findings)
}

/// The text of the schema that `name` means.
///
/// # Errors
/// When it cannot be read.
pub fn text(name: &str) -> Result<String, Error> {
    if name == "profile" {
        return Ok(bundled::PROFILE.text.to_owned());
    }
    fs::read_to_string(name).map_err(|error| Error::File { path: name.into(), error })
}

// Adds referenced documents recursively until no missing one can be found.
fn complete(registry: &mut SchemaRegistry, dirs: &[PathBuf], allowed: &Allowed, from: Files<'_>) -> Result<(), Error> {
    let mut searched = false;
    loop {
        let mut found = false;
        let mut refused: Vec<Diagnostic> = Vec::new();
        let missing = registry.missing(0);
        for missing in &missing {
            let addresses = [Some(&missing.uri), missing.in_directory.as_ref()];
            let files = addresses.into_iter().flatten().filter_map(|uri| registry::file_path(uri));
            let candidates: Vec<PathBuf> = files.chain(in_dirs(&missing.uri, dirs)).collect();
            let file = candidates.iter().find(|path| from.has(path) && (from.is_old(path) || allowed.has(path)));
            if file.is_none() {
                refused.extend(candidates.iter().find_map(|path| outside(missing, path)));
            }
            if let Some(path) = file {
                let tree = from.parse(path)?;
                registry.add_as(&missing.uri, &registry::file_uri(path).unwrap_or_else(|| missing.uri.clone()), tree);
                found = true;
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if !found {
            // The rest may be the `$id` of any file in the directories. Otherwise the reference is a finding of the build.
            if searched {
                return if refused.is_empty() { Ok(()) } else { Err(Error::Findings(refused)) };
            }
            searched = true;
            from.add_folders(registry, dirs, allowed)?;
        }
    }
}

// The finding for a reference to something that is there and may not be read.
fn outside(missing: &registry::Missing, path: &Path) -> Option<Diagnostic> {
    let what = path.metadata().ok().filter(|what| !what.is_dir())?;
    let Place { source, span } = &missing.place;
    let (message, help) = if what.is_file() {
        (
            "reference leads to a file outside the directories that schemas may be read from",
            "name the directory of the file with --schema-dir, or move the file beside the schema",
        )
    } else {
        ("reference leads to something that is not a regular file", "copy the schema to a regular file beside this one")
    };
    Some(Diagnostic::new(&rules::REFERENCE_OUTSIDE, source, *span, message).help(help))
}

// Files in the directories whose path ends like the address.
fn in_dirs<'d>(uri: &'d str, dirs: &'d [PathBuf]) -> impl Iterator<Item = PathBuf> + 'd {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let tails = path.char_indices().filter(|(_, c)| *c == '/').map(move |(at, _)| &path[at + 1..]);
    tails
        .filter(|tail| !tail.is_empty() && !tail.split('/').any(|part| part == ".."))
        .flat_map(move |tail| dirs.iter().map(move |dir| dir.join(tail)))
}

// Where schema files are read: the current ones, or those at a revision.
#[derive(Clone, Copy)]
struct Files<'r> {
    at: Option<&'r Revision>,
}

impl Files<'_> {
    fn has(self, path: &Path) -> bool {
        self.at.and_then(|revision| revision.has(path)).unwrap_or_else(|| path.is_file())
    }

    // Whether it is read at a revision, where only the repository can be read.
    fn is_old(self, path: &Path) -> bool {
        self.at.is_some_and(|revision| revision.has(path).is_some())
    }

    fn parse(self, path: &Path) -> Result<Tree, Error> {
        // Paths of referenced files are shown relative to the working directory.
        let here = std::env::current_dir().unwrap_or_default();
        let path = path.strip_prefix(here).unwrap_or(path);
        let Some(revision) = self.at.filter(|revision| revision.has(path).is_some()) else { return parse_file(path) };
        let error = |error: std::io::Error| Error::File { path: revision.shown(path).into(), error };
        let bytes = revision.file(path).map_err(error)?;
        let opened = open::open_stream(&revision.shown(path).into(), bytes, None);
        let opened = opened.map_err(|failure| error(std::io::Error::other(failure)))?;
        parse(opened.feed)
    }

    fn add(self, registry: &mut SchemaRegistry, path: &Path) -> Result<usize, Error> {
        let name = path.to_string_lossy().replace('\\', "/");
        let tree = self.parse(path)?;
        Ok(registry.add(&registry::file_uri(path).unwrap_or(name), tree))
    }

    fn add_folders(self, registry: &mut SchemaRegistry, dirs: &[PathBuf], allowed: &Allowed) -> Result<(), Error> {
        let known = |name: &str| Format::by_extension(name).is_some_and(Format::may_be_schema);
        let mut paths = Vec::new();
        for dir in dirs {
            let then = self.at.and_then(|revision| revision.folder(dir, known).ok());
            let Some(then) = then else {
                let given = dir.to_string_lossy().into_owned();
                let (inputs, problems) =
                    open::expand(&[given], &open::DirectoryRules { known: &known, package_tables: &|_| Vec::new(), config_name: "" });
                if let Some(problem) = problems.first() {
                    return Err(Error::setting(problem.to_string()));
                }
                paths.extend(inputs.into_iter().filter_map(|input| input.path));
                continue;
            };
            paths.extend(then);
        }
        for path in paths {
            let is_allowed = self.is_old(&path) || allowed.has(&path);
            if is_allowed && registry::file_uri(&path).is_some_and(|uri| !registry.has(&uri)) {
                // A schema directory may contain other files; a malformed one shows as an unresolved reference.
                let _ = self.add(registry, &path);
            }
        }
        Ok(())
    }
}

/// Reads a file that is one document: a schema or a config.
///
/// # Errors
/// When it cannot be read, is empty, or has syntax errors.
pub fn parse_file(path: &Path) -> Result<Tree, Error> {
    let name: Arc<str> = path.to_string_lossy().replace('\\', "/").into();
    let error = |error| Error::File { path: path.to_owned(), error };
    let opened = open::open(&Input::new(name, Some(path.to_owned())), None).map_err(|failure| error(std::io::Error::other(failure)))?;
    parse(opened.feed)
}

fn parse(mut feed: InputBuffer) -> Result<Tree, Error> {
    let name = Arc::clone(feed.name());
    let unreadable = |failure| Error::File { path: PathBuf::from(&*name), error: std::io::Error::other(failure) };
    let by_name = Format::by_extension(open::strip_compression(&name));
    let format = match by_name {
        Some(format) => format,
        None => match read::format_of(open::peek(&mut feed).map_err(unreadable)?) {
            // One document, whatever follows it.
            Some(Format::Ndjson) => Format::Json,
            Some(format) => format,
            None => return Err(Error::setting(format!("{name} is in no known format; name it with an extension such as .json or .yaml"))),
        },
    };
    let options = read::Options { records: read::records::Records::whole(), ..read::Options::default() };
    let mut first = FirstRecord::default();
    read::read_all(&mut *read::chunker(format, feed, &options), &mut first).map_err(unreadable)?;
    match first.tree {
        Some(tree) if first.errors.is_empty() => Ok(tree),
        None if first.errors.is_empty() => Err(Error::setting(format!("{name} is empty"))),
        _ => Err(Error::Findings(first.errors)),
    }
}

// Keeps the first record and the errors.
#[derive(Default)]
struct FirstRecord {
    tree: Option<Tree>,
    errors: Vec<Diagnostic>,
}

impl DiagnosticSink for FirstRecord {
    fn emit(&mut self, diagnostic: Diagnostic) {
        if crate::pipeline::policy::is_error(&diagnostic) {
            self.errors.push(diagnostic);
        }
    }
}

impl RecordVisitor for FirstRecord {
    fn record(&mut self, tree: &mut Tree) {
        if self.tree.is_none() {
            self.tree = Some(std::mem::take(tree));
        }
    }

    fn malformed(&mut self) {}

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.emit(diagnostic);
    }

    fn stop(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_the_program_are_right() {
        let schemas = [bundled::PROFILE, bundled::CONFIG, bundled::BASELINE];
        for (schema, formats) in schemas.into_iter().flat_map(|schema| [(schema, true), (schema, false)]) {
            let feed = InputBuffer::new(schema.name, Box::new(schema.text.as_bytes()), Position::START);
            let mut registry = SchemaRegistry::new();
            let root = registry.add(schema.name, parse(feed).unwrap_or_else(|_| panic!("{} is JSON", schema.name)));
            let built = Schema::build(registry, root, schema::Options { formats });
            assert!(built.is_ok_and(|built| built.is_linear()), "{}", schema.name);
        }
    }
}
