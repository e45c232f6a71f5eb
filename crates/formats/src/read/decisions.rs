//! The decisions beside a handbook page: `page.decisions.yaml` for `page.txt`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::handbook::Decisions;
use super::{Options, RecordVisitor};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Severity};
use chancery_core::source::{Format, InputBuffer, Position, ReadError};
use chancery_core::tree::Tree;

/// What the name of such a file ends with.
const ENDING: &str = ".decisions.yaml";
/// No page has as many decisions as fill more.
const LARGEST: u64 = 16 << 20;

/// Whether a file of that name holds decisions, and no records.
#[must_use]
pub fn is_decisions(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// Where the decisions for a page are.
#[must_use]
pub fn beside(page: &Path) -> PathBuf {
    let mut name = page.file_stem().unwrap_or_default().to_os_string();
    name.push(ENDING);
    page.with_file_name(name)
}

/// The decisions for a page, if there are any; `file` opens one.
///
/// # Errors
/// When the file cannot be read, or holds no list of decisions.
pub fn of_page(page: &Path, file: &dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>) -> Result<Option<Arc<Decisions>>, ReadError> {
    let path = beside(page);
    let opened = match file(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let name = path.to_string_lossy().replace('\\', "/");
    let wrong = |why: &str| ReadError::Io(io::Error::new(io::ErrorKind::InvalidData, format!("the decisions in {name}: {why}")));
    let feed = InputBuffer::new(name.as_str(), Box::new(opened.take(LARGEST)), Position::START);
    let mut entries = Entries::default();
    super::read_all(&mut *super::chunker(Format::Yaml, feed, &Options::default()), &mut entries)?;
    if let Some(problem) = entries.problem {
        return Err(wrong(&problem));
    }
    Decisions::parse(entries.list.into()).map(|decisions| Some(Arc::new(decisions))).map_err(|why| wrong(&why))
}

// The items of the list, and the first error.
#[derive(Default)]
struct Entries {
    list: Vec<serde_json::Value>,
    problem: Option<String>,
}

impl DiagnosticSink for Entries {
    fn emit(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            let line = diagnostic.place.locate().start.line;
            self.problem.get_or_insert_with(|| format!("line {line}: {}", diagnostic.message));
        }
    }
}

impl RecordVisitor for Entries {
    fn record(&mut self, tree: &mut Tree) {
        let mut json = Vec::new();
        chancery_core::tree::json(tree.root(), &mut json);
        match serde_json::from_slice(&json) {
            Ok(entry) => self.list.push(entry),
            Err(error) => self.problem = Some(error.to_string()),
        }
    }

    fn malformed(&mut self) {}

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.emit(diagnostic);
    }

    fn stop(&mut self) {}
}
