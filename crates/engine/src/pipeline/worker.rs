//! Processing of windows by workers: inputs are chunked in order; each window is read, normalised, checked and encoded in parallel.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bug::naming;
use super::{BaseRecords, CachedFile, ChangeStatus, DiagnosticBuffer, FileSummary, Input, RecordPipeline};
use chancery_check as check;
use chancery_check::OnInvalid;
use chancery_check::compare::RecordHasher;
use chancery_check::redact::{REDACTED, Redactor, Regions};
use chancery_check::references::{KeyOccurrence, Role};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Place, RecordRef, Severity, rules};
use chancery_core::source::{Format, ReadError, Source, Span};
use chancery_core::tree::Tree;
use chancery_formats::layout::header::Header;
use chancery_formats::read::directive::{self, Directive};
use chancery_formats::read::{Chunker, RecordVisitor, TopLevel, Window};
use chancery_formats::write::{self, Writer};

/// Work for the workers.
pub(super) enum WorkItem {
    /// Inputs so small that a worker opens and reads them itself.
    Small(Vec<Input>),
    Begin {
        name: Arc<str>,
        pipeline: usize,
        format: Format,
        decoded: bool,
        status: ChangeStatus,
    },
    Unopened {
        name: Arc<str>,
        why: ReadError,
    },
    Window(usize, ChangeStatus, Format, Window),
    End(Option<ReadError>),
}

/// Results of the workers.
pub(super) enum WorkResult {
    /// The results of several items, in order.
    Batch(Vec<WorkResult>),
    /// The rest of a small input that decompresses to a large one.
    Remainder(Remainder),
    /// An input that has not been read because it has a summary.
    Known {
        input: Input,
        file_summary: FileSummary,
    },
    Begin {
        name: Arc<str>,
        pipeline: usize,
        format: Format,
        decoded: bool,
        status: ChangeStatus,
    },
    Unopened {
        name: Arc<str>,
        why: ReadError,
    },
    Window(ProcessedWindow),
    End(Option<ReadError>),
}

impl WorkItem {
    /// Approximate size in bytes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Window(.., window) => window.source.len() as usize,
            _ => 0,
        }
    }
}

impl WorkResult {
    /// Approximate size in bytes.
    pub(super) fn weight(&self) -> usize {
        // Approximate size of a finding with its texts.
        const FINDING: usize = 600;
        match self {
            Self::Batch(several) => several.iter().map(Self::weight).sum(),
            Self::Window(processed) => {
                let encoded: usize = processed.encoded.iter().map(|encoded| encoded.bytes.len()).sum();
                processed.source.len() as usize + encoded + (processed.diagnostics.len() + processed.file_diagnostics.len()) * FINDING
            }
            _ => 0,
        }
    }
}

/// An input that a worker has begun.
pub(super) struct Remainder {
    name: Arc<str>,
    pipeline: usize,
    status: ChangeStatus,
    format: Format,
    chunker: Box<dyn Chunker>,
    stopped: bool,
}

/// Splits the inputs one after another.
pub(super) struct InputQueue {
    inputs: std::iter::Peekable<std::vec::IntoIter<Input>>,
    open: Option<Open>,
    number: u64,
    stopped: Stopped,
}

// The current input.
struct Open {
    name: Arc<str>,
    number: u64,
    pipeline: usize,
    status: ChangeStatus,
    format: Format,
    chunker: Box<dyn Chunker>,
}

/// Signals the queue that the rest of the current input is not needed.
#[derive(Clone, Default)]
pub(super) struct Stopped {
    // The number of inputs that were collected completely, and the index of the last input that was stopped.
    ended: Arc<AtomicU64>,
    stopped: Arc<AtomicU64>,
}

impl Stopped {
    pub(super) fn stop(&self) {
        self.stopped.store(self.ended.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    fn is_stopped(&self, number: u64) -> bool {
        self.stopped.load(Ordering::Relaxed) == number
    }
}

impl InputQueue {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self { inputs: inputs.into_iter().peekable(), open: None, number: 0, stopped: Stopped::default() }
    }

    pub(super) fn stopped(&self) -> Stopped {
        self.stopped.clone()
    }

    pub(super) fn next(&mut self) -> Option<WorkItem> {
        let Some(Open { name, number, pipeline, status, format, chunker }) = &mut self.open else {
            let small = self.small();
            if !small.is_empty() {
                self.number += small.len() as u64;
                return Some(WorkItem::Small(small));
            }
            let input = self.inputs.next()?;
            self.number += 1;
            let (name, open) = (Arc::clone(&input.name), input.open);
            return Some(match naming(&name, open) {
                Ok(opened) => {
                    let (pipeline, status) = (input.pipeline, input.status);
                    self.open = Some(Open { name, number: self.number, pipeline, status, format: opened.format, chunker: opened.chunker });
                    WorkItem::Begin { name: input.name, pipeline, format: opened.format, decoded: opened.decoded, status }
                }
                Err(why) => WorkItem::Unopened { name: input.name, why },
            });
        };
        if self.stopped.is_stopped(*number) {
            self.open = None;
            return Some(WorkItem::End(None));
        }
        Some(match naming(name, || chunker.next_window()) {
            Ok(Some(window)) => WorkItem::Window(*pipeline, *status, *format, window),
            Ok(None) => {
                self.open = None;
                WorkItem::End(None)
            }
            Err(why) => {
                self.open = None;
                WorkItem::End(Some(why))
            }
        })
    }
}

impl InputQueue {
    // The next small inputs, as many as make about one window.
    fn small(&mut self) -> Vec<Input> {
        const SMALL_INPUTS_PER_ITEM: u64 = 256 * 1024;
        let mut small = Vec::new();
        let mut size = 0;
        // The cost: opening a file costs as much as reading some pages of it; a summarised input costs next to nothing.
        let cost = |input: &Input| match &input.cached {
            Some(CachedFile { confirm: None, .. }) => Some(512),
            _ => input.size.map(|bytes| bytes.max(4096)),
        };
        while let Some(input) = self.inputs.next_if(|input| cost(input).is_some_and(|cost| size + cost <= SMALL_INPUTS_PER_ITEM)) {
            size += cost(&input).unwrap_or(0);
            small.push(input);
        }
        small
    }
}

/// State shared by the workers.
pub(super) struct WorkerContext {
    pub(super) pipelines: Vec<RecordPipeline>,
    pub(super) writers: Vec<Arc<dyn Writer>>,
    pub(super) on_invalid: OnInvalid,
    pub(super) keep_rejects: bool,
    /// Hashes the content of records, by which a baseline knows those without a key.
    pub(super) contents: Option<RecordHasher>,
    pub(super) base: BaseRecords,
    /// Whether outputs hold their records as the only input does.
    pub(super) keep_top_level: bool,
}

/// A processed record, or a malformed unit.
pub(super) struct RecordOutcome {
    /// Whether it has no error.
    pub(super) valid: bool,
    /// Whether it is in scope.
    pub(super) in_scope: bool,
    /// Whether it was encoded for every output.
    pub(super) written: bool,
    pub(super) key: Option<String>,
    pub(super) occurrences: Vec<KeyOccurrence>,
    /// The hash of its content as it was read, where that is wanted.
    pub(super) content: Option<u128>,
    /// Whether a document begins with it, and whether that is a list.
    pub(super) document: Option<bool>,
    /// A place where it refers to another record.
    pub(super) refers: Option<Place>,
    // The record as JSON, if it may be rejected.
    rejected_text: Option<Vec<u8>>,
    // Surplus text that is not in the record.
    unread: Vec<String>,
}

/// The encoded records of one output.
#[derive(Default)]
pub(super) struct EncodedRecords {
    bytes: Vec<u8>,
    // The end of each record's encoding; it begins at the end of the previous one.
    ends: Vec<usize>,
}

impl EncodedRecords {
    /// The encoding of the record with that index; empty if it is not written.
    pub(super) fn of(&self, unit: usize) -> &[u8] {
        let begin = unit.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[unit]]
    }
}

/// A processed window.
pub(super) struct ProcessedWindow {
    pub(super) source: Arc<Source>,
    // The text that may be shown, where that is another one.
    pub(super) redacted: Option<Arc<Source>>,
    pub(super) file_diagnostics: Vec<Diagnostic>,
    // Each with the index of its record in this window.
    pub(super) diagnostics: Vec<(u32, Diagnostic)>,
    pub(super) records: Vec<RecordOutcome>,
    pub(super) encoded: Vec<EncodedRecords>,
    pub(super) directives: Vec<Directive>,
    pub(super) header: Option<Arc<Header>>,
    pub(super) stopped: bool,
    pub(super) top_level: TopLevel,
}

impl WorkerContext {
    pub(super) fn worker(&self) -> impl FnMut(WorkItem) -> WorkResult {
        let mut tree = Tree::default();
        move |piece| match piece {
            WorkItem::Small(inputs) => {
                let mut done = Vec::with_capacity(inputs.len() * 3);
                for input in inputs {
                    let name = Arc::clone(&input.name);
                    naming(&name, || self.whole(input, &mut tree, &mut done));
                }
                WorkResult::Batch(done)
            }
            WorkItem::Begin { name, pipeline, format, decoded, status } => WorkResult::Begin { name, pipeline, format, decoded, status },
            WorkItem::Unopened { name, why } => WorkResult::Unopened { name, why },
            WorkItem::End(why) => WorkResult::End(why),
            WorkItem::Window(pipeline, status, format, window) => {
                let name = Arc::clone(window.source.name());
                WorkResult::Window(naming(&name, || self.work(pipeline, status, format, window, &mut tree)))
            }
        }
    }

    /// A complete input.
    pub(super) fn whole(&self, mut input: Input, tree: &mut Tree, done: &mut Vec<WorkResult>) {
        // A small file has no more windows than this, unless it is compressed.
        const WINDOWS: usize = 4;
        if let Some(file_summary) = input.cached.take().and_then(CachedFile::validate) {
            return done.push(WorkResult::Known { input, file_summary });
        }
        let Input { name, open, pipeline, status, .. } = input;
        let opened = match open() {
            Ok(opened) => opened,
            Err(why) => return done.push(WorkResult::Unopened { name, why }),
        };
        let begin = WorkResult::Begin { name: Arc::clone(&name), pipeline, format: opened.format, decoded: opened.decoded, status };
        done.push(begin);
        let mut rest = Remainder { name, pipeline, status, format: opened.format, chunker: opened.chunker, stopped: false };
        for _ in 0..WINDOWS {
            let next = self.next(&mut rest, tree);
            let ended = matches!(next, WorkResult::End(_));
            done.push(next);
            if ended {
                return;
            }
        }
        done.push(WorkResult::Remainder(rest));
    }

    /// The next window of an input that is no longer queued, or its end.
    pub(super) fn next(&self, rest: &mut Remainder, tree: &mut Tree) -> WorkResult {
        if rest.stopped {
            return WorkResult::End(None);
        }
        let name = Arc::clone(&rest.name);
        naming(&name, || match rest.chunker.next_window() {
            Ok(Some(window)) => {
                let processed = self.work(rest.pipeline, rest.status, rest.format, window, tree);
                rest.stopped = processed.stopped;
                WorkResult::Window(processed)
            }
            Ok(None) => WorkResult::End(None),
            Err(why) => WorkResult::End(Some(why)),
        })
    }

    fn work(&self, pipeline: usize, status: ChangeStatus, format: Format, window: Window, tree: &mut Tree) -> ProcessedWindow {
        let directives = window.reader.comments().map_or_else(Vec::new, |comments| directive::find(window.source.text(), comments));
        let encoded = self.writers.iter().map(|_| EncodedRecords::default()).collect();
        let mut processor = RecordProcessor {
            context: self,
            pipeline: &self.pipelines[pipeline],
            status,
            format,
            buffer: DiagnosticBuffer::default(),
            unread: Vec::new(),
            document: None,
            redacting: Redacting::default(),
            costly: 0,
            processed: ProcessedWindow {
                source: Arc::clone(&window.source),
                redacted: None,
                file_diagnostics: window.diagnostics,
                diagnostics: Vec::new(),
                records: Vec::new(),
                encoded,
                directives,
                header: window.header,
                stopped: false,
                top_level: window.top_level,
            },
        };
        window.reader.read(&window.source, tree, &mut processor);
        // A tree holds its source, and a large one is not kept until the next window.
        if window.source.len() > super::LARGE_WINDOW {
            *tree = Tree::default();
        }
        // Findings after the last record are about the file.
        processor.buffer.close();
        processor.processed.file_diagnostics.append(&mut processor.buffer.diagnostics);
        if let Some(redactor) = &processor.pipeline.redactor {
            processor.redacting.close(redactor, &mut processor.processed);
        }
        processor.processed
    }
}

struct RecordProcessor<'s> {
    context: &'s WorkerContext,
    pipeline: &'s RecordPipeline,
    status: ChangeStatus,
    format: Format,
    buffer: DiagnosticBuffer,
    unread: Vec<String>,
    // Of the document that has begun: whether it is a list.
    document: Option<bool>,
    redacting: Redacting,
    // Findings of values and records that cost too much to check.
    costly: u64,
    processed: ProcessedWindow,
}

// What may be shown of a window, gathered while its records are read.
#[derive(Default)]
struct Redacting {
    regions: Regions,
    is_broken: bool,
}

impl Redacting {
    // Replaces the window in everything that was found in it.
    fn close(self, redactor: &Redactor, processed: &mut ProcessedWindow) {
        if !redactor.is_active() && !self.is_broken {
            return;
        }
        processed.file_diagnostics.iter_mut().for_each(|diagnostic| redactor.outside(diagnostic, &processed.source));
        let nothing_found = processed.file_diagnostics.is_empty() && processed.diagnostics.is_empty() && processed.directives.is_empty();
        if nothing_found && processed.records.iter().all(|unit| unit.occurrences.is_empty()) {
            return;
        }
        let redacted = Arc::new(redactor.window(&processed.source, self.regions));
        let replace = |source: &mut Arc<Source>| {
            if Arc::ptr_eq(source, &processed.source) {
                *source = Arc::clone(&redacted);
            }
        };
        for diagnostic in processed.file_diagnostics.iter_mut().chain(processed.diagnostics.iter_mut().map(|(_, diagnostic)| diagnostic)) {
            replace(&mut diagnostic.place.source);
            diagnostic.related.iter_mut().for_each(|related| replace(&mut related.place.source));
        }
        processed.records.iter_mut().flat_map(|unit| &mut unit.occurrences).for_each(|occurrence| replace(&mut occurrence.place.source));
        processed.redacted = Some(redacted);
    }
}

impl DiagnosticSink for RecordProcessor<'_> {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.buffer.emit(diagnostic);
    }
}

/// Findings of records that cost too much to check, after which an input is not checked further.
pub(super) const MAX_COSTLY: u64 = 100;

/// The finding that ends an input in which too many records cost too much to check.
pub(super) fn too_costly(source: &Arc<Source>) -> Diagnostic {
    let message = format!("checking stops here: {MAX_COSTLY} values or records cost too much to check");
    let end = Span::at(source.len());
    Diagnostic::new(&rules::BEYOND_LIMITS, source, end, message).help("simplify the patterns of the schema, or split the input")
}

pub(super) fn is_costly(diagnostic: &Diagnostic) -> bool {
    diagnostic.rule == &rules::BEYOND_LIMITS
}

impl RecordVisitor for RecordProcessor<'_> {
    fn record(&mut self, tree: &mut Tree) {
        if self.costly >= MAX_COSTLY {
            return;
        }
        if !self.processed.directives.is_empty() {
            directive::resolve_spans(&mut self.processed.directives, tree.root());
        }
        // As it was read: the normal form may change while the data does not.
        let fresh = match self.status {
            ChangeStatus::Added => true,
            ChangeStatus::Modified => !self.context.base.has(tree.root()),
            ChangeStatus::Unchanged => false,
        };
        let redactor = self.pipeline.redactor.as_deref();
        let before = redactor.map(|redactor| redactor.before(tree)).unwrap_or_default();
        let content = self.context.contents.as_ref().map(|digester| digester.content(tree.root()));
        let mut occurrences = self.pipeline.process(tree, self.format, &mut self.buffer);
        let references = self.pipeline.references.as_deref();
        let valid = self.buffer.errors == 0;
        let mut carried = false;
        if let Some(accepted) = check::accept(tree, valid, self.context.on_invalid) {
            let errors = self.buffer.errors;
            let top_level = if self.context.keep_top_level { self.processed.top_level } else { TopLevel::List };
            for (writer, encoded) in self.context.writers.iter().zip(&mut self.processed.encoded) {
                if let Some(help) = writer.refuses(top_level) {
                    let root = accepted.node();
                    let message = "the output format cannot hold this record";
                    self.buffer
                        .emit(Diagnostic::new(&rules::NOT_REPRESENTABLE, root.tree().source(), root.opening(), message).help(help).at(""));
                    continue;
                }
                match &self.processed.header {
                    Some(header) => writer.encode_row(accepted, header, &mut encoded.bytes, &mut self.buffer),
                    None => writer.encode(accepted, &mut encoded.bytes, &mut self.buffer),
                }
            }
            carried = self.buffer.errors == errors;
        }
        if !carried {
            for encoded in &mut self.processed.encoded {
                encoded.bytes.truncate(encoded.ends.last().copied().unwrap_or(0));
            }
        }
        // Computed only if there are, or may be, findings.
        let mut key = if self.buffer.diagnostics.is_empty() && occurrences.is_empty() {
            None
        } else {
            references.and_then(|plan| plan.key(tree.root()))
        };
        if let Some(redactor) = redactor.filter(|_| !self.buffer.diagnostics.is_empty() || !occurrences.is_empty()) {
            self.buffer.close();
            let redaction = redactor.record(tree, before, &self.buffer.diagnostics);
            self.buffer.diagnostics.iter_mut().for_each(|diagnostic| redaction.emit(diagnostic));
            let parts = references.and_then(|plan| plan.parts(tree.root())).unwrap_or_default();
            let hides_key = redaction.hides_key(&parts);
            for occurrence in &mut occurrences {
                let hides = match occurrence.role {
                    Role::Key => hides_key,
                    Role::Reference => redaction.hides(&occurrence.pointer, &occurrence.text),
                };
                if hides {
                    occurrence.hide(REDACTED);
                }
                occurrence.pointer = redaction.pointer(&occurrence.pointer);
            }
            key.take_if(|_| hides_key);
            redaction.add_to(&mut self.redacting.regions);
        } else if redactor.is_some_and(Redactor::is_active) {
            self.redacting.regions.hide(tree.root());
        }
        let reject = (self.context.keep_rejects && (!carried || !occurrences.is_empty())).then(|| {
            let mut text = Vec::new();
            write::json::compact(tree.root(), &mut text);
            text
        });
        let unread = std::mem::take(&mut self.unread);
        self.costly += self.buffer.diagnostics.iter().filter(|diagnostic| is_costly(diagnostic)).count() as u64;
        if self.costly >= MAX_COSTLY {
            self.processed.stopped = true;
        }
        self.finish_record(RecordOutcome {
            valid: self.buffer.errors == 0,
            in_scope: fresh,
            written: carried,
            key,
            occurrences,
            content,
            document: None,
            refers: None,
            rejected_text: reject,
            unread,
        });
    }

    fn malformed(&mut self) {
        if let Some(redactor) = &self.pipeline.redactor {
            self.redacting.is_broken = true;
            self.buffer.close();
            self.buffer.diagnostics.iter_mut().for_each(|diagnostic| redactor.outside(diagnostic, &self.processed.source));
        }
        let fresh = self.status != ChangeStatus::Unchanged;
        let unread = std::mem::take(&mut self.unread);
        self.finish_record(RecordOutcome {
            valid: false,
            in_scope: fresh,
            written: false,
            key: None,
            occurrences: Vec::new(),
            content: None,
            document: None,
            refers: None,
            rejected_text: None,
            unread,
        });
    }

    fn document(&mut self, is_list: bool) {
        self.document = Some(is_list);
    }

    fn surplus(&mut self, span: Span) {
        if self.context.keep_rejects {
            self.unread.push(self.processed.source.slice(span).to_owned());
        }
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.processed.file_diagnostics.push(diagnostic);
    }

    fn stop(&mut self) {
        self.processed.stopped = true;
    }
}

impl RecordProcessor<'_> {
    fn finish_record(&mut self, mut unit: RecordOutcome) {
        self.buffer.close();
        unit.document = self.document.take();
        let number = self.processed.records.len();
        self.processed.diagnostics.extend(self.buffer.diagnostics.drain(..).map(|diagnostic| (number as u32, diagnostic)));
        self.buffer.errors = 0;
        for encoded in &mut self.processed.encoded {
            encoded.ends.push(encoded.bytes.len());
        }
        self.processed.records.push(unit);
    }
}

/// Writes a line of the reject file: the location of the record, its errors, the record as far as it was read, and
/// surplus text.
pub(super) fn write_reject(
    unit: &RecordOutcome,
    diagnostics: &[(Diagnostic, bool)],
    record: &RecordRef,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    let diagnostics = diagnostics.iter().map(|(diagnostic, _)| diagnostic);
    let errors = diagnostics.clone().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let mut line = b"{\"file\":".to_vec();
    let first = diagnostics.clone().next().map(|diagnostic| diagnostic.place.locate());
    let file = first.as_ref().map_or("", |location| &*location.file);
    write::json::string(file, &mut line);
    line.extend_from_slice(b",\"format\":");
    write::json::string(format.name(), &mut line);
    write!(line, ",\"index\":{}", record.index)?;
    line.extend_from_slice(b",\"errors\":[");
    for (number, diagnostic) in errors.enumerate() {
        if number > 0 {
            line.push(b',');
        }
        line.extend_from_slice(&reject_error(diagnostic));
    }
    line.extend_from_slice(b"],\"record\":");
    line.extend_from_slice(unit.rejected_text.as_deref().unwrap_or(b"null"));
    for (number, text) in unit.unread.iter().enumerate() {
        line.extend_from_slice(if number == 0 { b",\"unread\":[" } else { b"," });
        write::json::string(text, &mut line);
    }
    if !unit.unread.is_empty() {
        line.push(b']');
    }
    line.extend_from_slice(b"}\n");
    out.write_all(&line)
}

/// An error as it is in a line of the reject file.
pub(super) fn reject_error(diagnostic: &Diagnostic) -> Vec<u8> {
    let location = diagnostic.place.locate();
    let (code, line, column) = (diagnostic.rule.code, location.start.line, location.start.column);
    let mut out = format!("{{\"code\":\"{code}\",\"line\":{line},\"column\":{column},\"pointer\":").into_bytes();
    match &diagnostic.pointer {
        Some(pointer) => write::json::string(pointer, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"message\":");
    write::json::string(&diagnostic.message, &mut out);
    out.push(b'}');
    out
}
