//! Readers: each fills a [`Tree`] per record from text in its format, and reports errors in the text.
//!
//! Reading has two stages. A [`Chunker`] goes through an input once, in order, and splits it into [`Window`]s at record boundaries;
//! it parses only what it needs for that. A [`Reader`] then reads one window independently of the others, so it can run on any thread.
//! Reading never fails as a whole: it returns what it could read and reports the rest.
//!
//! Start with [`ndjson`]; the other readers have the same structure for more complex formats.

pub mod csv;
#[cfg(feature = "handbook")]
pub mod decisions;
pub mod directive;
mod guess;
#[cfg(feature = "handbook")]
pub mod handbook;
pub mod json;
mod limits;
pub mod ndjson;
pub mod open;
pub mod records;
#[cfg(feature = "toml")]
pub mod toml;
#[cfg(feature = "xml")]
pub mod xml;
#[cfg(feature = "yaml")]
pub mod yaml;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::layout::header::Header;
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Edit, Safety, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::{Member, Node, NodeId, Tree};
use chancery_schema::Shape;
use directive::Comments;
use records::Records;

pub use chancery_core::source::Format;

/// A piece of an input that holds whole records, with the reader that understands it.
pub struct Window {
    /// The text.
    pub source: Arc<Source>,
    /// Reads it.
    pub reader: Arc<dyn Reader>,
    /// What the cutter determined about the file.
    pub diagnostics: Vec<Diagnostic>,
    /// How the file holds its records; the same in all windows of a file.
    pub top_level: TopLevel,
    /// The header of a table.
    pub header: Option<Arc<Header>>,
}

impl Window {
    /// A window of a list, without notes.
    #[must_use]
    pub fn new(source: Source, reader: &Arc<dyn Reader>) -> Self {
        let source = Arc::new(source);
        Self { source, reader: Arc::clone(reader), diagnostics: Vec::new(), top_level: TopLevel::List, header: None }
    }

    /// The same window of a file with this top level.
    #[must_use]
    pub fn of(self, top_level: TopLevel) -> Self {
        Self { top_level, ..self }
    }
}

/// How a file holds its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopLevel {
    /// As a list of any length: an array, a YAML sequence, rows, lines, the children of an XML root.
    #[default]
    List,
    /// The whole document is the only record.
    Document,
    /// As a stream of YAML documents.
    Stream,
}

impl TopLevel {
    /// That of a file which is read as one document, where `records` says where in it the records are.
    #[must_use]
    pub fn of_whole(records: &Records) -> Self {
        if records.is_default() || records.is_whole() { Self::Document } else { Self::List }
    }
}

/// Cuts one input into windows.
pub trait Chunker: Send {
    /// The next window, `None` at the end.
    ///
    /// # Errors
    /// When the input cannot be read on.
    fn next_window(&mut self) -> Result<Option<Window>, ReadError>;
}

/// Reads the records of one window.
pub trait Reader: Send + Sync {
    /// Fills `tree` with each record in turn and hands it to `intake`.
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor);

    /// How the format writes comments; `None` if it has none.
    fn comments(&self) -> Option<Comments> {
        None
    }
}

/// Takes what a reader finds.
///
/// A note belongs to the record that comes next, by [`RecordVisitor::record`] or [`RecordVisitor::malformed`].
pub trait RecordVisitor: DiagnosticSink {
    /// The collection of the records and broken units that come next: the number that [`records::Claim`] gives it. Without
    /// paths, and before the first call in a window, it is that of the file.
    fn collection(&mut self, _number: usize) {}
    /// A record.
    fn record(&mut self, tree: &mut Tree);
    /// Text of the record that comes next which is in no value of it, such as cells beyond the header. It is kept with the
    /// rejected records.
    fn surplus(&mut self, _span: Span) {}
    /// A document of a stream begins: its only record, or with `is_list` the items of its root, comes next.
    fn document(&mut self, _is_list: bool) {}
    /// A unit of the input (a line, a row, an item) that could not be read as a record; reported before.
    fn malformed(&mut self);
    /// A note about the file as a whole.
    fn file_diagnostic(&mut self, diagnostic: Diagnostic);
    /// Nothing that follows in this file can be trusted; what windows after this one hold is not read.
    fn stop(&mut self);
}

/// What reading depends on besides the input.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the records are expected to look like.
    pub shape: Arc<Shape>,
    /// Where the records are.
    pub records: Records,
    /// Windows are about this large.
    pub window_bytes: usize,
    /// A larger record is rejected.
    pub max_record_bytes: usize,
    /// Deeper values are rejected.
    pub max_depth: usize,
    /// How CSV and TSV are written, where that is known.
    pub csv: csv::Dialect,
    /// Which forms handbook pages may have; `None` for those that come with the program, which are read when a page is.
    #[cfg(feature = "handbook")]
    pub forms: Option<Arc<handbook::Templates>>,
    /// The decisions on values that a handbook page probably states.
    #[cfg(feature = "handbook")]
    pub decisions: Option<Arc<handbook::Decisions>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shape: Arc::new(Shape::any()),
            records: Records::default(),
            window_bytes: 1 << 18,
            max_record_bytes: 64 << 20,
            max_depth: 256,
            csv: csv::Dialect::default(),
            #[cfg(feature = "handbook")]
            forms: None,
            #[cfg(feature = "handbook")]
            decisions: None,
        }
    }
}

/// A window ends after this many records even where it is short, so that the findings about it stay few.
const MAX_RECORDS_PER_WINDOW: usize = 4096;

impl Options {
    /// How many values and names a record may have: each takes memory of its own, however few bytes write it.
    #[must_use]
    pub fn max_values(&self) -> usize {
        max_values_for(self.max_record_bytes)
    }

    /// How many columns a table may have.
    #[must_use]
    pub fn max_columns(&self) -> usize {
        (self.max_record_bytes / 1024).max(1024)
    }

    /// How many lines a page of a handbook may have.
    #[must_use]
    pub fn max_lines(&self) -> usize {
        (self.max_record_bytes / 256).max(4096)
    }
}

/// See [`Options::max_values`].
#[must_use]
pub fn max_values_for(max_record_bytes: usize) -> usize {
    (max_record_bytes / 24).max(1 << 16)
}

/// The finding about a record that has more of something than the record limit leaves room for; `what` are values, columns
/// or lines.
#[must_use]
pub fn too_many(source: &Arc<Source>, at: Span, limit: usize, what: &str) -> Diagnostic {
    Diagnostic::new(&rules::TOO_LARGE, source, at, format!("record has more than {limit} {what}"))
        .help("split the record, or raise --max-record-bytes: the limit grows with it")
}

/// The format that the first bytes of an input look like, if its name does not show it; `None` for what looks like none.
/// Handbook pages are not detected by it.
#[must_use]
pub fn format_of(first: &[u8]) -> Option<Format> {
    guess::format(first)
}

/// Starts reading `feed` as `format`. Where the reader of the format is not part of this build, reading is an error.
#[must_use]
pub fn chunker(format: Format, feed: InputBuffer, options: &Options) -> Box<dyn Chunker> {
    match format {
        Format::Json => Box::new(json::JsonChunker::new(feed, options)),
        Format::Ndjson => Box::new(ndjson::NdjsonChunker::new(feed, options)),
        Format::Csv => Box::new(csv::CsvChunker::new(feed, None, options)),
        Format::Tsv => Box::new(csv::CsvChunker::new(feed, Some(b'\t'), options)),
        #[cfg(feature = "xml")]
        Format::Xml => Box::new(xml::XmlChunker::new(feed, options)),
        #[cfg(feature = "yaml")]
        Format::Yaml => Box::new(yaml::YamlChunker::new(feed, options)),
        #[cfg(feature = "toml")]
        Format::Toml => Box::new(toml::TomlChunker::new(feed, options)),
        #[cfg(feature = "handbook")]
        Format::Handbook => Box::new(handbook::HandbookChunker::new(feed, options)),
        #[cfg(not(all(feature = "xml", feature = "yaml", feature = "toml", feature = "handbook")))]
        format => Box::new(NotBuilt(format)),
    }
}

// For a format whose reader is not part of this build.
#[cfg(not(all(feature = "xml", feature = "yaml", feature = "toml", feature = "handbook")))]
struct NotBuilt(Format);

#[cfg(not(all(feature = "xml", feature = "yaml", feature = "toml", feature = "handbook")))]
impl Chunker for NotBuilt {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        Err(ReadError::NotBuilt { format: self.0 })
    }
}

/// A cutter for an input that was rejected as a whole: it says why, and that is all.
#[must_use]
pub fn refused(why: Diagnostic) -> Box<dyn Chunker> {
    struct RefusedInput(Option<Diagnostic>);

    impl Chunker for RefusedInput {
        fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
            let source = || Source::whole("", "");
            let reader: Arc<dyn Reader> = Arc::new(EmptyReader);
            Ok(self.0.take().map(|why| Window { diagnostics: vec![why], ..Window::new(source(), &reader) }))
        }
    }

    struct EmptyReader;

    impl Reader for EmptyReader {
        fn read(&self, _source: &Arc<Source>, _tree: &mut Tree, _visitor: &mut dyn RecordVisitor) {}
    }

    Box::new(RefusedInput(Some(why)))
}

/// Reads an input window by window on this thread, completely or until a reader calls [`RecordVisitor::stop`]. Windows after that
/// one are not read.
///
/// # Errors
/// When the input cannot be read on.
pub fn read_all(chunker: &mut dyn Chunker, visitor: &mut dyn RecordVisitor) -> Result<(), ReadError> {
    let mut tree = Tree::default();
    let mut visitor = StoppableVisitor { visitor, stopped: false };
    while !visitor.stopped
        && let Some(window) = chunker.next_window()?
    {
        for diagnostic in window.diagnostics {
            visitor.file_diagnostic(diagnostic);
        }
        window.reader.read(&window.source, &mut tree, &mut visitor);
    }
    Ok(())
}

// Passes everything on and remembers whether the reader asked to stop.
struct StoppableVisitor<'i> {
    visitor: &'i mut dyn RecordVisitor,
    stopped: bool,
}

impl DiagnosticSink for StoppableVisitor<'_> {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.visitor.emit(diagnostic);
    }
}

impl RecordVisitor for StoppableVisitor<'_> {
    fn collection(&mut self, number: usize) {
        self.visitor.collection(number);
    }

    fn record(&mut self, tree: &mut Tree) {
        self.visitor.record(tree);
    }

    fn document(&mut self, is_list: bool) {
        self.visitor.document(is_list);
    }

    fn malformed(&mut self) {
        self.visitor.malformed();
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.visitor.file_diagnostic(diagnostic);
    }

    fn stop(&mut self) {
        self.stopped = true;
        self.visitor.stop();
    }
}

/// Everything that was read, kept: for inputs that are small enough to be held whole.
#[derive(Default)]
pub struct CollectedRecords {
    /// The records, in order.
    pub records: Vec<Tree>,
    /// The collection of each record.
    pub collections: Vec<usize>,
    /// What was reported about them and about the file.
    pub diagnostics: Vec<Diagnostic>,
    /// How many units could not be read as a record.
    pub broken: u64,
    /// Whether reading stopped before the end, because nothing after could be trusted.
    pub stopped: bool,
    collection: usize,
}

impl DiagnosticSink for CollectedRecords {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

impl RecordVisitor for CollectedRecords {
    fn collection(&mut self, number: usize) {
        self.collection = number;
    }

    fn record(&mut self, tree: &mut Tree) {
        self.records.push(tree.clone());
        self.collections.push(self.collection);
    }

    fn malformed(&mut self) {
        self.broken += 1;
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

/// Reads a whole input that is available, such as the bytes of a file; `name` is how findings call it.
///
/// # Errors
/// When the bytes are not UTF-8.
pub fn collect(format: Format, name: &str, bytes: &[u8], options: &Options) -> Result<CollectedRecords, ReadError> {
    let feed = InputBuffer::new(name, Box::new(std::io::Cursor::new(bytes.to_vec())), chancery_core::source::Position::START);
    let mut collected = CollectedRecords::default();
    read_all(&mut *chunker(format, feed, options), &mut collected)?;
    Ok(collected)
}

/// Notes members of `object` that are there twice, and marks all but the last of a name, which alone counts; for readers
/// to call when an object closes. The work is proportional to the number of members.
pub fn note_duplicates(tree: &mut Tree, object: NodeId, diagnostics: &mut dyn DiagnosticSink) {
    let repeated = tree.node(object);
    let pairs = repeated.duplicates();
    if pairs.is_empty() {
        return;
    }
    // The last member of each name stays; those before it are shadowed.
    let mut last: HashMap<NodeId, Member<'_>> = HashMap::with_capacity(pairs.len());
    let mut shadowed = Vec::with_capacity(pairs.len());
    let here = repeated.pointer();
    let ends = ends_of(repeated, &pairs);
    for (first, second) in &pairs {
        let source = tree.source();
        let name = chancery_core::diagnostic::quote(second.key.text(), true);
        let mut at = here.clone();
        chancery_core::tree::pointer::push(&mut at, second.key.text());
        let mut diagnostic = Diagnostic::new(&rules::DUPLICATE_MEMBER, source, second.key.span(), format!("member {name} is duplicated"))
            .label("second")
            .at(at)
            .related("first", chancery_core::diagnostic::Place::new(source, first.key.span()))
            .help("remove one of them; which one other programs read varies");
        let before = last.insert(first.key.id(), *second).unwrap_or(*first);
        if let Some(span) = ends.get(&before.key.id())
            && before.value.same(second.value)
        {
            diagnostic = diagnostic.with_edit(Safety::Safe, vec![Edit::removal(*span)]);
        }
        diagnostics.emit(diagnostic);
        shadowed.push(before.value.id());
    }
    for value in shadowed {
        tree.mark_shadowed(value);
    }
}

// Of each member that is repeated, by its key: the bytes up to the member after it, where both have bytes of their own.
fn ends_of(object: Node<'_>, pairs: &[(Member<'_>, Member<'_>)]) -> HashMap<NodeId, Span> {
    let wanted: HashSet<NodeId> = pairs.iter().flat_map(|(first, second)| [first.key.id(), second.key.id()]).collect();
    let following = object.members().zip(object.members().skip(1)).filter(|(member, _)| wanted.contains(&member.key.id()));
    let span = |(member, next): (Member<'_>, Member<'_>)| {
        let (start, end) = (member.key.span().start, next.key.span().start);
        let own = member.key.is_own() && next.key.is_own() && member.value.span().end <= end && start < end;
        own.then(|| (member.key.id(), Span::new(start, end)))
    };
    following.filter_map(span).collect()
}

/// The note on a value that is nested too deeply.
#[must_use]
pub fn too_deep(source: &Arc<Source>, at: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(&rules::TOO_DEEP, source, at, format!("nested deeper than {limit} levels"))
        .help("if this depth is intended, raise --max-depth")
}
