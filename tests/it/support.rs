//! Shared by the tests: reading text into records, and finding data that is not part of the project.

use std::io::Cursor;
use std::path::PathBuf;

use chancery::diagnostic::{Diagnostic, DiagnosticSink};
use chancery::read::{self, Format, RecordVisitor};
use chancery::schema::{Schema, Shape};
use chancery::source::{InputBuffer, Position};
use chancery::tree::Tree;

/// Everything a reader passed on: each record as compact JSON, `None` for a broken unit, and all notes.
#[derive(Default)]
pub struct Gathered {
    pub records: Vec<Option<String>>,
    pub diagnostics: Vec<Diagnostic>,
    pub stopped: bool,
}

impl DiagnosticSink for Gathered {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

impl RecordVisitor for Gathered {
    fn record(&mut self, tree: &mut Tree) {
        let mut out = Vec::new();
        chancery::write::json::compact(tree.root(), &mut out);
        self.records.push(Some(String::from_utf8(out).expect("JSON is UTF-8")));
    }

    fn malformed(&mut self) {
        self.records.push(None);
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

/// Reads `bytes` as `format`.
pub fn read(format: Format, bytes: &[u8], options: &read::Options) -> Gathered {
    let feed = InputBuffer::new("input", Box::new(Cursor::new(bytes.to_vec())), Position::START);
    let mut gathered = Gathered::default();
    if let Err(failure) = read::read_all(&mut *read::chunker(format, feed, options), &mut gathered) {
        panic!("{failure}");
    }
    gathered
}

/// Reports that a test does not run, because a tool or data is absent. The gate names in `CHANCERY_EXPECT` what it found; a test
/// that needs one of these must run.
#[track_caller]
pub fn skip(tool: &str, why: impl std::fmt::Display) {
    let expected = std::env::var("CHANCERY_EXPECT").unwrap_or_default();
    assert!(!is_expected(tool, &expected), "{tool} should be here, as CHANCERY_EXPECT says: {why}");
    eprintln!("SKIPPED: {tool}: {why}");
}

fn is_expected(tool: &str, expected: &str) -> bool {
    expected.split(',').any(|expected| expected.trim() == tool)
}

#[test]
fn what_is_expected_may_not_be_skipped() {
    assert!(is_expected("xmllint", "git, xmllint") && is_expected("git", "git,xmllint"));
    assert!(!is_expected("xml", "git,xmllint") && !is_expected("git", ""));
}

/// Asserts that twice the work takes at most 2.5 times the count: `count` is called with `size` and with twice that, and gives
/// how much was done, in something that is the same in every run, such as steps, bytes written or values looked at; never time.
#[track_caller]
pub fn assert_linear(size: usize, mut count: impl FnMut(usize) -> u64) {
    let (once, twice) = (count(size), count(2 * size));
    assert!(once > 0 && 2 * twice <= 5 * once, "{once} for {size}, {twice} for {}", 2 * size);
}

/// A directory of data that stands beside the project, by its path below `CHANCERY_SHARED` (default `../shared`).
/// `None`, said aloud, where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CHANCERY_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    skip("shared", format_args!("{} is absent", found.display()));
    None
}

/// A JSON text as a tree.
pub fn tree(name: &str, text: &str) -> Tree {
    let source = std::sync::Arc::new(chancery::source::Source::whole(name, text));
    let mut tree = Tree::new(&source);
    let mut diagnostics = Vec::new();
    let read = read::json::Parser::new(&source, 0, text.len(), 512).document(&mut tree, &mut diagnostics);
    read.unwrap_or_else(|diagnostic| panic!("{name}: {}", diagnostic.message));
    tree
}

/// The only record of a whole document, `None` if the document cannot be read.
pub fn whole(format: &str, bytes: &[u8]) -> Option<Tree> {
    struct Only(Option<Tree>);
    impl DiagnosticSink for Only {
        fn emit(&mut self, _: Diagnostic) {}
    }
    impl RecordVisitor for Only {
        fn record(&mut self, tree: &mut Tree) {
            self.0.get_or_insert(std::mem::take(tree));
        }
        fn malformed(&mut self) {}
        fn file_diagnostic(&mut self, _: Diagnostic) {}
        fn stop(&mut self) {}
    }
    let options = read::Options { records: read::records::Records::whole(), ..read::Options::default() };
    let feed = InputBuffer::new("input", Box::new(Cursor::new(bytes.to_vec())), Position::START);
    let mut only = Only(None);
    read::read_all(&mut *read::chunker(Format::by_extension(&format!(".{format}"))?, feed, &options), &mut only).ok()?;
    only.0
}

/// The schema that a JSON text holds.
pub fn schema(text: &str) -> Schema {
    Schema::try_from(tree("schema.json", text)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The shape that a schema gives.
pub fn shape(text: &str) -> Shape {
    Shape::of(&schema(text))
}
