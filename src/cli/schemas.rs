//! Loads schemas and what they refer to, from files alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Trouble;
use super::revision::{self, Revision};
use crate::diagnostic::{Diagnostic, Notes};
use crate::read::handbook::Forms;
use crate::read::{self, Format, Intake};
use crate::schema::bundled::{self, Bundled};
use crate::schema::{self, Library, Schema, library};
use crate::source::open::{self, Input};
use crate::source::{Feed, Position, Source};
use crate::tree::Tree;

/// The schema that `name` means: a file, `profile` for the bundled one, or `none`.
pub fn load(name: &str, dirs: &[PathBuf], formats: bool) -> Result<Option<Arc<Schema>>, Trouble> {
    read_schema(name, dirs, formats, Files { at: None })
}

/// As [`load`]; the name may also be a file at a git revision, which then holds for what the schema refers to as well.
pub fn load_version(name: &str, dirs: &[PathBuf], formats: bool) -> Result<Option<Arc<Schema>>, Trouble> {
    match revision::split(name) {
        Some((at, path)) => {
            let revision = Revision::find(at, Path::new(path))?;
            read_schema(path, dirs, formats, Files { at: Some(&revision) })
        }
        None => load(name, dirs, formats),
    }
}

fn read_schema(name: &str, dirs: &[PathBuf], formats: bool, files: Files<'_>) -> Result<Option<Arc<Schema>>, Trouble> {
    if name == "none" {
        return Ok(None);
    }
    if name == "profile" {
        return own(bundled::PROFILE, formats).map(Some);
    }
    let mut library = Library::new();
    let root = files.add(&mut library, Path::new(name))?;
    complete(&mut library, dirs, files)?;
    let schema = Schema::build(library, root, schema::Options { formats }).map_err(Trouble::Findings)?;
    Ok(Some(Arc::new(schema)))
}

/// The files that a schema is made of; none for the bundled one.
pub fn files(schema: &Schema) -> Vec<PathBuf> {
    schema.library().origins().filter_map(library::file_path).collect()
}

/// A schema that comes with the program.
pub fn own(schema: Bundled, formats: bool) -> Result<Arc<Schema>, Trouble> {
    let tree = parse(Feed::new(schema.name, Box::new(schema.text.as_bytes()), Position::START), Format::Json)?;
    Ok(Arc::new(Schema::bundled(schema.name, tree, schema::Options { formats })))
}

/// The form of handbook pages that `name` means: one that comes with the program, or a file.
pub fn forms(name: &str) -> Result<Forms, Trouble> {
    if let Some(forms) = Forms::named(name) {
        return Ok(forms);
    }
    let path = Path::new(name);
    if !path.exists() {
        let names: Vec<String> = Forms::default().names().map(str::to_owned).collect();
        return Err(Trouble::usage(format!("no form and no file is called {name}; forms are {}", names.join(", "))));
    }
    let text = fs::read_to_string(path).map_err(|error| Trouble::File { path: path.to_owned(), error })?;
    Forms::parse(&Arc::new(Source::whole(name, text))).map_err(Trouble::Findings)
}

/// The text of the schema that `name` means.
pub fn text(name: &str) -> Result<String, Trouble> {
    if name == "profile" {
        return Ok(bundled::PROFILE.text.to_owned());
    }
    fs::read_to_string(name).map_err(|error| Trouble::File { path: name.into(), error })
}

// Adds what the documents refer to, and what that refers to, until nothing is missing that can be found.
fn complete(library: &mut Library, dirs: &[PathBuf], from: Files<'_>) -> Result<(), Trouble> {
    let mut searched = false;
    loop {
        let mut found = false;
        let missing = library.missing(0);
        for missing in &missing {
            let addresses = [Some(&missing.uri), missing.beside.as_ref()];
            let files = addresses.into_iter().flatten().filter_map(|uri| library::file_path(uri));
            let file = files.chain(in_dirs(&missing.uri, dirs)).find(|path| from.has(path));
            if let Some(path) = file {
                let tree = from.parse(&path)?;
                library.add_as(&missing.uri, &library::file_uri(&path).unwrap_or_else(|| missing.uri.clone()), tree);
                found = true;
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if !found {
            // Whatever is left may be the `$id` of any file in the folders. Else the reference is a finding of the build.
            if searched {
                return Ok(());
            }
            searched = true;
            from.add_folders(library, dirs)?;
        }
    }
}

// Files in the folders whose path ends as the address does.
fn in_dirs<'d>(uri: &'d str, dirs: &'d [PathBuf]) -> impl Iterator<Item = PathBuf> + 'd {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let tails = path.char_indices().filter(|(_, c)| *c == '/').map(move |(at, _)| &path[at + 1..]);
    tails
        .filter(|tail| !tail.is_empty() && !tail.split('/').any(|part| part == ".."))
        .flat_map(move |tail| dirs.iter().map(move |dir| dir.join(tail)))
}

// Where schema files are read: as they are now, or as they were.
#[derive(Clone, Copy)]
struct Files<'r> {
    at: Option<&'r Revision>,
}

impl Files<'_> {
    fn has(self, path: &Path) -> bool {
        self.at.and_then(|revision| revision.has(path)).unwrap_or_else(|| path.is_file())
    }

    fn parse(self, path: &Path) -> Result<Tree, Trouble> {
        // What a reference leads to is shown as it is reached from here.
        let here = std::env::current_dir().unwrap_or_default();
        let path = path.strip_prefix(here).unwrap_or(path);
        let Some(revision) = self.at.filter(|revision| revision.has(path).is_some()) else { return parse_file(path) };
        let trouble = |error: std::io::Error| Trouble::File { path: revision.shown(path).into(), error };
        let bytes = revision.file(path).map_err(trouble)?;
        let opened = open::open_stream(&revision.shown(path).into(), bytes, None);
        let opened = opened.map_err(|failure| trouble(std::io::Error::other(failure)))?;
        parse(opened.feed, Format::by_extension(&path.to_string_lossy()).unwrap_or(Format::Json))
    }

    fn add(self, library: &mut Library, path: &Path) -> Result<usize, Trouble> {
        let name = path.to_string_lossy().replace('\\', "/");
        let tree = self.parse(path)?;
        Ok(library.add(&library::file_uri(path).unwrap_or(name), tree))
    }

    fn add_folders(self, library: &mut Library, dirs: &[PathBuf]) -> Result<(), Trouble> {
        let known = |name: &str| matches!(Format::by_extension(name), Some(Format::Json | Format::Yaml));
        let mut paths = Vec::new();
        for dir in dirs {
            let then = self.at.and_then(|revision| revision.folder(dir, known).ok());
            let Some(then) = then else {
                let given = dir.to_string_lossy().into_owned();
                let (inputs, problems) = open::expand(&[given], &open::Folders { known: &known, claims: &|_| Vec::new(), border: "" });
                if let Some(problem) = problems.first() {
                    return Err(Trouble::usage(problem.to_string()));
                }
                paths.extend(inputs.into_iter().filter_map(|input| input.path));
                continue;
            };
            paths.extend(then);
        }
        for path in paths {
            if library::file_uri(&path).is_some_and(|uri| !library.has(&uri)) {
                // A folder of schemas may hold other files; one that is wanted and broken shows as an unresolved reference.
                let _ = self.add(library, &path);
            }
        }
        Ok(())
    }
}

/// Reads a file that is one document: a schema or a config.
pub fn parse_file(path: &Path) -> Result<Tree, Trouble> {
    let name: Arc<str> = path.to_string_lossy().replace('\\', "/").into();
    let format = Format::by_extension(&name).unwrap_or(Format::Json);
    let trouble = |error| Trouble::File { path: path.to_owned(), error };
    let opened = open::open(&Input::new(name, Some(path.to_owned())), None).map_err(|failure| trouble(std::io::Error::other(failure)))?;
    parse(opened.feed, format)
}

fn parse(feed: Feed, format: Format) -> Result<Tree, Trouble> {
    let name = Arc::clone(feed.name());
    let options = read::Options { records: Some(String::new()), ..read::Options::default() };
    let mut first = First::default();
    read::read_all(&mut *format.cutter(feed, &options), &mut first)
        .map_err(|failure| Trouble::File { path: PathBuf::from(&*name), error: std::io::Error::other(failure) })?;
    match first.tree {
        Some(tree) if first.errors.is_empty() => Ok(tree),
        None if first.errors.is_empty() => Err(Trouble::usage(format!("{name} is empty"))),
        _ => Err(Trouble::Findings(first.errors)),
    }
}

// Keeps the first record and the errors.
#[derive(Default)]
struct First {
    tree: Option<Tree>,
    errors: Vec<Diagnostic>,
}

impl Notes for First {
    fn note(&mut self, diagnostic: Diagnostic) {
        if crate::pipeline::policy::is_error(&diagnostic) {
            self.errors.push(diagnostic);
        }
    }
}

impl Intake for First {
    fn record(&mut self, tree: &mut Tree) {
        if self.tree.is_none() {
            self.tree = Some(std::mem::take(tree));
        }
    }

    fn broken(&mut self) {}

    fn remark(&mut self, diagnostic: Diagnostic) {
        self.note(diagnostic);
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
            let feed = Feed::new(schema.name, Box::new(schema.text.as_bytes()), Position::START);
            let mut library = Library::new();
            let root = library.add(schema.name, parse(feed, Format::Json).unwrap_or_else(|_| panic!("{} is JSON", schema.name)));
            let built = Schema::build(library, root, schema::Options { formats });
            assert!(built.is_ok_and(|built| built.is_linear()), "{}", schema.name);
        }
    }
}
