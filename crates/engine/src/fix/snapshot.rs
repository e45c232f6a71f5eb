//! A snapshot of an input: its records, their findings, and the possible edits.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::overlay::FileOverlay;
use super::{Input, Job};
use crate::pipeline::{DiagnosticBuffer, Opened, Policy, RecordPipeline, Suppressions};
use chancery_check::references::{KeyOccurrence, Role};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, EditKind, Omitted, Rule, Safety, Scalar, Severity, rules};
use chancery_core::source::{Format, ReadError};
use chancery_core::tree::{Kind, Node, Tree, pointer};
use chancery_formats::read::RecordVisitor;
use chancery_formats::read::directive::{self, Directive};

/// A snapshot.
#[derive(Default)]
pub(super) struct Snapshot {
    pub records: Vec<RecordSlot>,
    /// Errors that belong to no record.
    pub errors: Vec<ErrorKey>,
    /// Number of findings of each severity without a fix.
    pub unfixable: Counts,
    /// Why it could not be read completely.
    pub failure: Option<ReadError>,
}

/// A record, or a malformed unit.
#[derive(Default)]
pub(super) struct RecordSlot {
    pub malformed: bool,
    /// A hash of the record as written.
    pub written: u64,
    /// The record as written and in normal form; kept if edits must be verified.
    pub leaves: Option<Box<(Leaves, Leaves)>>,
    pub errors: Vec<ErrorKey>,
    /// How many more errors there may be that are not listed.
    pub unlisted: u64,
    pub candidates: Vec<Candidate>,
    pub occurrences: Vec<KeyOccurrence>,
}

/// An error, identified independently of edits elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ErrorKey {
    pub code: &'static str,
    pub pointer: Option<String>,
    pub message: String,
}

/// How many errors and warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings of severity error.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
}

impl Counts {
    pub(super) fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.errors += other.errors;
        self.warnings += other.warnings;
    }
}

/// A finding with edits.
pub(super) struct Candidate {
    pub rule: &'static Rule,
    pub safety: Safety,
    /// Where the finding is shown.
    pub place: (Arc<str>, usize),
    /// Whether an edit is shared by many records, such as in the header of a table.
    pub shared: bool,
    pub edits: Vec<Placed>,
    pub effects: Vec<Effect>,
    /// Where its first edit is in the text as it was opened.
    pub origin: usize,
}

/// What makes a fix the same one in every pass over the text: its rule, and what its first edit puts where in the text as it
/// was opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FixId {
    origin: usize,
    code: &'static str,
    text: String,
    file: Arc<str>,
}

/// An edit at its position in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub file: Arc<str>,
    pub start: usize,
    pub end: usize,
    pub text: String,
    /// Whether it inserts only punctuation, next to which nothing else can be inserted.
    pub marks: bool,
}

/// What an edit does to the record as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Value {
        pointer: String,
        kind: Kind,
        text: String,
    },
    Name {
        pointer: String,
        name: String,
    },
    /// An item of a list, or the first of two duplicate members.
    Gone {
        pointer: String,
    },
}

/// Every value of a record by its pointer, in pointer order.
pub(super) type Leaves = Vec<Leaf>;

/// A pointer, and the kind and text of the value.
pub(super) type Leaf = (String, Kind, String);

impl Candidate {
    fn new(diagnostic: &Diagnostic) -> Option<Self> {
        let fix = diagnostic.fix.as_ref().filter(|fix| !fix.edits.is_empty())?;
        let source = &diagnostic.place.source;
        let at = |span| {
            let found = source.locate_edit(span);
            (found.file, found.start.byte as usize, found.end.byte as usize)
        };
        let mut effects = Vec::new();
        let mut edits = Vec::new();
        for edit in &fix.edits {
            let (file, start, end) = at(edit.span);
            edits.push(Placed { file, start, end, text: edit.text.clone(), marks: edit.new == EditKind::Layout });
            let here = || edit.pointer.clone().unwrap_or_default();
            match &edit.new {
                EditKind::Scalar(scalar) => effects.push(Effect::value(here(), scalar)),
                EditKind::Name(name) => effects.push(Effect::Name { pointer: here(), name: name.clone() }),
                EditKind::Member(member) => {
                    let mut at = member.object.clone();
                    pointer::push(&mut at, &member.name);
                    effects.push(Effect::value(at, &member.scalar));
                }
                EditKind::Remove => effects.push(Effect::Gone { pointer: here() }),
                EditKind::Layout => {}
            }
        }
        let (file, start, _) = at(diagnostic.place.span);
        Some(Self {
            rule: diagnostic.rule,
            safety: fix.safety,
            place: (file, start),
            shared: fix.edits.iter().any(|edit| source.is_shared(source.anchor(edit.span))),
            edits,
            effects,
            origin: 0,
        })
    }

    pub fn id(&self) -> FixId {
        let first = self.edits.first();
        FixId {
            origin: self.origin,
            code: self.rule.code,
            text: first.map(|edit| edit.text.clone()).unwrap_or_default(),
            file: first.map_or_else(|| Arc::clone(&self.place.0), |edit| Arc::clone(&edit.file)),
        }
    }

    /// Whether it only normalises, so that it changes nothing for those who normalise.
    pub fn is_normal(&self) -> bool {
        self.safety == Safety::Safe && (self.rule.code.starts_with('N') || self.effects.is_empty())
    }
}

impl Effect {
    fn value(pointer: String, scalar: &Scalar) -> Self {
        let (kind, text) = match scalar {
            Scalar::Text(text) => (Kind::String, text),
            Scalar::Literal(text) => {
                let kind = match text.as_str() {
                    "null" => Kind::Null,
                    "true" | "false" => Kind::Bool,
                    _ => Kind::Number,
                };
                (kind, text)
            }
        };
        Self::Value { pointer, kind, text: text.clone() }
    }
}

/// The values of a record; reused for each record, because most are never needed.
#[derive(Default)]
struct SourceValues {
    // Concatenated pointers and texts.
    text: String,
    // The end of the pointer, and the text after it.
    values: Vec<(Kind, usize, usize)>,
}

impl SourceValues {
    fn take(&mut self, node: Node<'_>) {
        self.text.clear();
        self.values.clear();
        self.walk(node, &mut String::new());
    }

    // Readers limit the depth.
    fn walk(&mut self, node: Node<'_>, at: &mut String) {
        self.text.push_str(at);
        let middle = self.text.len();
        self.text.push_str(node.text());
        self.values.push((node.kind(), middle, self.text.len()));
        let length = at.len();
        for member in node.members() {
            pointer::push(at, member.key.text());
            self.walk(member.value, at);
            at.truncate(length);
        }
        for (index, item) in node.items().enumerate() {
            pointer::push_index(at, index);
            self.walk(item, at);
            at.truncate(length);
        }
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.text, &self.values).hash(&mut hasher);
        hasher.finish()
    }

    fn leaves(&self) -> Leaves {
        let mut from = 0;
        let leaf = |(kind, middle, end): &(Kind, usize, usize)| {
            let start = std::mem::replace(&mut from, *end);
            (self.text[start..*middle].to_owned(), *kind, self.text[*middle..*end].to_owned())
        };
        let mut leaves: Leaves = self.values.iter().map(leaf).collect();
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
        leaves
    }
}

/// Takes a snapshot of an input. `proves` selects the records whose values are kept, besides those with candidates.
pub(super) fn take_snapshot(job: &Job, input: &Input, files: &FileOverlay, proves: &BTreeSet<usize>) -> Snapshot {
    let opened = match (input.open)(files) {
        Ok(opened) => opened,
        Err(failure) => return Snapshot { failure: Some(failure), ..Snapshot::default() },
    };
    let mut reading = SnapshotVisitor {
        pipeline: &job.pipelines[input.pipeline],
        policy: &job.policy,
        suppressions: Suppressions::new(job.suppress.clone(), false),
        directives: Vec::new(),
        proves,
        format: opened.format,
        noted: DiagnosticBuffer::with_limit(MAX_FINDINGS),
        pending: Vec::new(),
        written: SourceValues::default(),
        snapshot: Snapshot::default(),
        stopped: false,
    };
    if let Err(failure) = reading.all(opened) {
        reading.snapshot.failure = Some(failure);
    }
    let origins = files.origins();
    for candidate in reading.snapshot.records.iter_mut().flat_map(|record| &mut record.candidates) {
        let first = candidate.edits.first().and_then(|edit| Some(origins.get(&edit.file)?.of(edit.start)));
        candidate.origin = first.unwrap_or_default();
    }
    reading.snapshot
}

impl Snapshot {
    /// How many findings there are.
    pub fn findings(&self) -> u64 {
        let with_fix: usize = self.records.iter().map(|record| record.candidates.len()).sum();
        let unlisted = self.records.iter().fold(0_u64, |sum, record| sum.saturating_add(record.unlisted));
        (with_fix as u64 + self.unfixable.errors + self.unfixable.warnings).saturating_add(unlisted)
    }
}

/// How many findings about one record are kept at once. More than `check` lists, because each further pass over a record takes
/// time proportional to its length; the rest is considered once these are fixed.
const MAX_FINDINGS: usize = 1 << 16;

struct SnapshotVisitor<'r> {
    pipeline: &'r RecordPipeline,
    policy: &'r Policy,
    suppressions: Suppressions,
    // Suppression comments of the current window.
    directives: Vec<Directive>,
    proves: &'r BTreeSet<usize>,
    format: Format,
    // For the next record.
    noted: DiagnosticBuffer,
    // For the records of the current window, each with the record's index.
    pending: Vec<(usize, DiagnosticBuffer)>,
    // The current record, before the stages change it.
    written: SourceValues,
    snapshot: Snapshot,
    stopped: bool,
}

impl SnapshotVisitor<'_> {
    fn all(&mut self, mut opened: Opened) -> Result<(), ReadError> {
        let mut tree = Tree::default();
        while let Some(window) = opened.chunker.next_window()? {
            window.diagnostics.into_iter().for_each(|diagnostic| self.file_diagnostic(diagnostic));
            let comments = window.reader.comments();
            self.directives = comments.map_or_else(Vec::new, |comments| directive::find(window.source.text(), comments));
            window.reader.read(&window.source, &mut tree, self);
            // Findings after the last record are about the file.
            let DiagnosticBuffer { diagnostics, omitted, .. } = self.take_noted();
            diagnostics.into_iter().chain(omitted.into_finding()).for_each(|diagnostic| self.file_diagnostic(diagnostic));
            // Findings about suppression comments have no edits.
            let unused = self.suppressions.take(&window.source, &window.source, &self.directives, true);
            unused.into_iter().for_each(|diagnostic| self.file_diagnostic(diagnostic));
            self.judge();
            if self.stopped {
                break;
            }
        }
        Ok(())
    }

    // Keeps the findings of a window that are to be fixed, once all its comments are known.
    fn judge(&mut self) {
        for (index, DiagnosticBuffer { mut diagnostics, omitted, .. }) in std::mem::take(&mut self.pending) {
            diagnostics.sort_by_key(|diagnostic| diagnostic.place.span.start);
            let record = &mut self.snapshot.records[index];
            record.unlisted = omitted.number();
            for mut diagnostic in diagnostics.into_iter().chain(omitted.into_finding()) {
                // These say that there may be more, and change with the number of the others.
                if diagnostic.rule == &rules::BEYOND_LIMITS {
                    record.unlisted = u64::MAX;
                } else if diagnostic.rule != &rules::MANY_FINDINGS {
                    record.errors.extend(ErrorKey::of(&diagnostic));
                }
                diagnostic.format = Some(self.format);
                let candidate = Candidate::new(&diagnostic);
                // Suppressed findings are not fixed.
                if self.policy.filter(&mut diagnostic) && self.suppressions.filter(&diagnostic) {
                    // Malformed records cannot be verified.
                    match candidate.filter(|_| !record.malformed) {
                        Some(candidate) => record.candidates.push(candidate),
                        None => self.snapshot.unfixable.add(diagnostic.severity),
                    }
                }
            }
        }
    }

    fn take_noted(&mut self) -> DiagnosticBuffer {
        std::mem::replace(&mut self.noted, DiagnosticBuffer::with_limit(MAX_FINDINGS))
    }

    fn unit(&mut self, record: RecordSlot) {
        let noted = self.take_noted();
        self.pending.push((self.snapshot.records.len(), noted));
        self.snapshot.records.push(record);
    }
}

impl ErrorKey {
    fn of(diagnostic: &Diagnostic) -> Option<Self> {
        let fault = || Self { code: diagnostic.rule.code, pointer: diagnostic.pointer.clone(), message: diagnostic.message.clone() };
        (diagnostic.severity == Severity::Error).then(fault)
    }
}

impl DiagnosticSink for SnapshotVisitor<'_> {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.noted.emit(diagnostic);
    }

    fn omit(&mut self, omitted: Omitted) {
        self.noted.omit(omitted);
    }

    fn limit(&self) -> usize {
        MAX_FINDINGS
    }
}

impl RecordVisitor for SnapshotVisitor<'_> {
    fn record(&mut self, tree: &mut Tree) {
        directive::resolve_spans(&mut self.directives, tree.root());
        self.written.take(tree.root());
        let occurrences = self.pipeline.process(tree, self.format, &mut self.noted);
        let mut record = RecordSlot { written: self.written.hash(), occurrences, ..RecordSlot::default() };
        if self.proves.contains(&self.snapshot.records.len()) || self.noted.diagnostics.iter().any(|diagnostic| diagnostic.fix.is_some()) {
            let mut normal = SourceValues::default();
            normal.take(tree.root());
            record.leaves = Some(Box::new((self.written.leaves(), normal.leaves())));
        }
        self.unit(record);
    }

    fn malformed(&mut self) {
        self.unit(RecordSlot { malformed: true, ..RecordSlot::default() });
    }

    fn file_diagnostic(&mut self, mut diagnostic: Diagnostic) {
        self.snapshot.errors.extend(ErrorKey::of(&diagnostic));
        diagnostic.format = Some(self.format);
        if self.policy.filter(&mut diagnostic) && self.suppressions.filter(&diagnostic) {
            self.snapshot.unfixable.add(diagnostic.severity);
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

/// The key among the occurrences.
pub(super) fn key(occurrences: &[KeyOccurrence]) -> Option<&KeyOccurrence> {
    occurrences.iter().find(|occurrence| occurrence.role == Role::Key)
}
