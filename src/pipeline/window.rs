//! A window's way through the workers: inputs are cut in line, each window is read, normalised, checked and encoded in the shop.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bug::naming;
use super::{Account, Course, Input, Known, Novelty, Older, policy};
use crate::check::across::{Mention, Role};
use crate::check::{self, OnInvalid};
use crate::compare::Digester;
use crate::diagnostic::{Diagnostic, MAX_FINDINGS_PER_RECORD, Notes, Omitted, Place, RecordRef, Severity, hint, rules};
use crate::layout::header::Header;
use crate::read::directive::{self, Directive};
use crate::read::{Cutter, Intake, TopLevel, Window};
use crate::redact::{REDACTED, Redactor, Regions};
use crate::source::{Failure, Source, Span};
use crate::tree::Tree;
use crate::write::{self, Writer};

/// What goes to the workers.
pub(super) enum Piece {
    /// Inputs so small that a worker opens and cuts them itself.
    Small(Vec<Input>),
    Begin {
        name: Arc<str>,
        course: usize,
        format: &'static str,
        decoded: bool,
        novelty: Novelty,
    },
    Unopened {
        name: Arc<str>,
        why: Failure,
    },
    Window(usize, Novelty, &'static str, Window),
    End(Option<Failure>),
}

/// What comes back.
pub(super) enum Done {
    /// What came of several pieces, in order.
    Several(Vec<Done>),
    /// What is left of an input that was small and unpacks to much.
    Rest(Rest),
    /// An input that has not been read, since it is accounted for.
    Known {
        input: Input,
        account: Account,
    },
    Begin {
        name: Arc<str>,
        course: usize,
        format: &'static str,
        decoded: bool,
        novelty: Novelty,
    },
    Unopened {
        name: Arc<str>,
        why: Failure,
    },
    Window(Worked),
    End(Option<Failure>),
}

impl Piece {
    /// About how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Window(.., window) => window.source.len() as usize,
            _ => 0,
        }
    }
}

impl Done {
    /// About how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        // What a finding takes with its texts.
        const FINDING: usize = 600;
        match self {
            Self::Several(several) => several.iter().map(Self::weight).sum(),
            Self::Window(worked) => {
                let encoded: usize = worked.encoded.iter().map(|encoded| encoded.bytes.len()).sum();
                worked.source.len() as usize + encoded + (worked.notes.len() + worked.remarks.len()) * FINDING
            }
            _ => 0,
        }
    }
}

/// An input that a worker has begun.
pub(super) struct Rest {
    name: Arc<str>,
    course: usize,
    novelty: Novelty,
    format: &'static str,
    cutter: Box<dyn Cutter>,
    stopped: bool,
}

/// Cuts the inputs one after another.
pub(super) struct Line {
    inputs: std::iter::Peekable<std::vec::IntoIter<Input>>,
    open: Option<Open>,
    number: u64,
    stopped: Stopped,
}

// The present input.
struct Open {
    name: Arc<str>,
    number: u64,
    course: usize,
    novelty: Novelty,
    format: &'static str,
    cutter: Box<dyn Cutter>,
}

/// Tells the line that the rest of the input whose windows come out now is not wanted.
#[derive(Clone, Default)]
pub(super) struct Stopped {
    // How many inputs have come out to their end, and the number of the last input that was stopped.
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

impl Line {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self { inputs: inputs.into_iter().peekable(), open: None, number: 0, stopped: Stopped::default() }
    }

    pub(super) fn stopped(&self) -> Stopped {
        self.stopped.clone()
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        let Some(Open { name, number, course, novelty, format, cutter }) = &mut self.open else {
            let small = self.small();
            if !small.is_empty() {
                self.number += small.len() as u64;
                return Some(Piece::Small(small));
            }
            let input = self.inputs.next()?;
            self.number += 1;
            let (name, open) = (Arc::clone(&input.name), input.open);
            return Some(match naming(&name, open) {
                Ok(opened) => {
                    let (course, novelty) = (input.course, input.novelty);
                    self.open = Some(Open { name, number: self.number, course, novelty, format: opened.format, cutter: opened.cutter });
                    Piece::Begin { name: input.name, course, format: opened.format, decoded: opened.decoded, novelty }
                }
                Err(why) => Piece::Unopened { name: input.name, why },
            });
        };
        if self.stopped.is_stopped(*number) {
            self.open = None;
            return Some(Piece::End(None));
        }
        Some(match naming(name, || cutter.cut()) {
            Ok(Some(window)) => Piece::Window(*course, *novelty, format, window),
            Ok(None) => {
                self.open = None;
                Piece::End(None)
            }
            Err(why) => {
                self.open = None;
                Piece::End(Some(why))
            }
        })
    }
}

impl Line {
    // The small inputs that stand next, as many as make about a window.
    fn small(&mut self) -> Vec<Input> {
        const TOGETHER: u64 = 256 * 1024;
        let mut small = Vec::new();
        let mut size = 0;
        // What it costs: opening a file as much as reading some pages of it, and what is accounted for next to nothing.
        let cost = |input: &Input| match &input.known {
            Some(Known { confirm: None, .. }) => Some(512),
            _ => input.size.map(|bytes| bytes.max(4096)),
        };
        while let Some(input) = self.inputs.next_if(|input| cost(input).is_some_and(|cost| size + cost <= TOGETHER)) {
            size += cost(&input).unwrap_or(0);
            small.push(input);
        }
        small
    }
}

/// What the workers share.
pub(super) struct Shop {
    pub(super) courses: Vec<Course>,
    pub(super) writers: Vec<Arc<dyn Writer>>,
    pub(super) on_invalid: OnInvalid,
    pub(super) keep_rejects: bool,
    /// Hashes the content of records, by which a baseline knows those without a key.
    pub(super) contents: Option<Digester>,
    pub(super) older: Older,
}

/// A unit of an input after its work: a record, or something that could not be read as one.
pub(super) struct Unit {
    /// Whether it has no error.
    pub(super) valid: bool,
    /// Whether it is one to report on.
    pub(super) fresh: bool,
    /// Whether it was encoded for every output.
    pub(super) carried: bool,
    pub(super) key: Option<String>,
    pub(super) mentions: Vec<Mention>,
    /// The hash of its content as it was read, where that is wanted.
    pub(super) content: Option<u128>,
    /// A place where it refers to another record.
    pub(super) refers: Option<Place>,
    // The record as JSON, where it may have to go to the rejected.
    reject: Option<Vec<u8>>,
    // What was read and is not in it.
    unread: Vec<String>,
}

/// The encoded records of one output.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    // Where each unit's encoding ends; it begins where the one before ends.
    ends: Vec<usize>,
}

impl Encoded {
    /// The encoding of the unit of that number; empty where it was not carried.
    pub(super) fn of(&self, unit: usize) -> &[u8] {
        let begin = unit.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[unit]]
    }
}

/// A window after its work.
pub(super) struct Worked {
    pub(super) source: Arc<Source>,
    // The text that may be shown, where that is another one.
    pub(super) redacted: Option<Arc<Source>>,
    pub(super) remarks: Vec<Diagnostic>,
    // Each with the number of its unit in this window.
    pub(super) notes: Vec<(u32, Diagnostic)>,
    pub(super) units: Vec<Unit>,
    pub(super) encoded: Vec<Encoded>,
    pub(super) directives: Vec<Directive>,
    pub(super) header: Option<Arc<Header>>,
    pub(super) stopped: bool,
    pub(super) top_level: TopLevel,
}

impl Shop {
    pub(super) fn worker(&self) -> impl FnMut(Piece) -> Done {
        let mut tree = Tree::default();
        move |piece| match piece {
            Piece::Small(inputs) => {
                let mut done = Vec::with_capacity(inputs.len() * 3);
                for input in inputs {
                    let name = Arc::clone(&input.name);
                    naming(&name, || self.whole(input, &mut tree, &mut done));
                }
                Done::Several(done)
            }
            Piece::Begin { name, course, format, decoded, novelty } => Done::Begin { name, course, format, decoded, novelty },
            Piece::Unopened { name, why } => Done::Unopened { name, why },
            Piece::End(why) => Done::End(why),
            Piece::Window(course, novelty, format, window) => {
                let name = Arc::clone(window.source.name());
                Done::Window(naming(&name, || self.work(course, novelty, format, window, &mut tree)))
            }
        }
    }

    /// An input from its beginning to its end.
    pub(super) fn whole(&self, mut input: Input, tree: &mut Tree, done: &mut Vec<Done>) {
        // More windows than this come of no small file, unless it is packed.
        const WINDOWS: usize = 4;
        if let Some(account) = input.known.take().and_then(Known::settle) {
            return done.push(Done::Known { input, account });
        }
        let Input { name, open, course, novelty, .. } = input;
        let opened = match open() {
            Ok(opened) => opened,
            Err(why) => return done.push(Done::Unopened { name, why }),
        };
        let begin = Done::Begin { name: Arc::clone(&name), course, format: opened.format, decoded: opened.decoded, novelty };
        done.push(begin);
        let mut rest = Rest { name, course, novelty, format: opened.format, cutter: opened.cutter, stopped: false };
        for _ in 0..WINDOWS {
            let next = self.next(&mut rest, tree);
            let ended = matches!(next, Done::End(_));
            done.push(next);
            if ended {
                return;
            }
        }
        done.push(Done::Rest(rest));
    }

    /// The next window of an input that no longer stands in line, or its end.
    pub(super) fn next(&self, rest: &mut Rest, tree: &mut Tree) -> Done {
        if rest.stopped {
            return Done::End(None);
        }
        let name = Arc::clone(&rest.name);
        naming(&name, || match rest.cutter.cut() {
            Ok(Some(window)) => {
                let worked = self.work(rest.course, rest.novelty, rest.format, window, tree);
                rest.stopped = worked.stopped;
                Done::Window(worked)
            }
            Ok(None) => Done::End(None),
            Err(why) => Done::End(Some(why)),
        })
    }

    fn work(&self, course: usize, novelty: Novelty, format: &'static str, window: Window, tree: &mut Tree) -> Worked {
        let directives = window.reader.comments().map_or_else(Vec::new, |comments| directive::find(window.source.text(), comments));
        let encoded = self.writers.iter().map(|_| Encoded::default()).collect();
        let mut bench = Bench {
            shop: self,
            course: &self.courses[course],
            novelty,
            format,
            noted: Noted::default(),
            unread: Vec::new(),
            redacting: Redacting::default(),
            costly: 0,
            worked: Worked {
                source: Arc::clone(&window.source),
                redacted: None,
                remarks: window.notes,
                notes: Vec::new(),
                units: Vec::new(),
                encoded,
                directives,
                header: window.header,
                stopped: false,
                top_level: window.top_level,
            },
        };
        window.reader.read(&window.source, tree, &mut bench);
        // A tree holds its source, and a large one is not kept until the next window.
        if window.source.len() > super::LARGE_WINDOW {
            *tree = Tree::default();
        }
        // Notes behind the last unit are about the file.
        bench.noted.close();
        bench.worked.remarks.append(&mut bench.noted.notes);
        if let Some(redactor) = &bench.course.redactor {
            bench.redacting.close(redactor, &mut bench.worked);
        }
        bench.worked
    }
}

// The notes of the unit at work, and whether one is an error.
#[derive(Default)]
struct Noted {
    notes: Vec<Diagnostic>,
    errors: usize,
    omitted: Omitted,
    // Candidates that suggestions about the window's records have looked at.
    hints: u64,
}

impl Notes for Noted {
    fn note(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(policy::is_error(&diagnostic));
        if self.notes.len() < MAX_FINDINGS_PER_RECORD {
            self.notes.push(diagnostic);
        } else {
            self.omitted.add(diagnostic);
        }
    }

    fn omit(&mut self, omitted: Omitted) {
        self.errors += usize::from(omitted.has_error());
        self.omitted.join(omitted);
    }

    fn hints(&self) -> hint::Budget {
        hint::Budget::new(hint::PER_RECORD.min(hint::PER_WINDOW.saturating_sub(self.hints)))
    }

    fn spend_hints(&mut self, candidates: u64) {
        self.hints += candidates;
    }
}

impl Noted {
    // Ends a unit's findings: one stands for those that were left out.
    fn close(&mut self) {
        self.notes.extend(std::mem::take(&mut self.omitted).into_finding());
    }
}

struct Bench<'s> {
    shop: &'s Shop,
    course: &'s Course,
    novelty: Novelty,
    format: &'static str,
    noted: Noted,
    unread: Vec<String>,
    redacting: Redacting,
    // Findings of values and records that cost too much to check.
    costly: u64,
    worked: Worked,
}

// What may be shown of a window, gathered while its records are read.
#[derive(Default)]
struct Redacting {
    regions: Regions,
    is_broken: bool,
}

impl Redacting {
    // Replaces the window in everything that was found in it.
    fn close(self, redactor: &Redactor, worked: &mut Worked) {
        if !redactor.is_active() && !self.is_broken {
            return;
        }
        worked.remarks.iter_mut().for_each(|note| redactor.outside(note, &worked.source));
        let nothing_found = worked.remarks.is_empty() && worked.notes.is_empty() && worked.directives.is_empty();
        if nothing_found && worked.units.iter().all(|unit| unit.mentions.is_empty()) {
            return;
        }
        let redacted = Arc::new(redactor.window(&worked.source, self.regions));
        let replace = |source: &mut Arc<Source>| {
            if Arc::ptr_eq(source, &worked.source) {
                *source = Arc::clone(&redacted);
            }
        };
        for note in worked.remarks.iter_mut().chain(worked.notes.iter_mut().map(|(_, note)| note)) {
            replace(&mut note.place.source);
            note.related.iter_mut().for_each(|related| replace(&mut related.place.source));
        }
        worked.units.iter_mut().flat_map(|unit| &mut unit.mentions).for_each(|mention| replace(&mut mention.place.source));
        worked.redacted = Some(redacted);
    }
}

impl Notes for Bench<'_> {
    fn note(&mut self, diagnostic: Diagnostic) {
        self.noted.note(diagnostic);
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

pub(super) fn is_costly(note: &Diagnostic) -> bool {
    note.rule == &rules::BEYOND_LIMITS
}

impl Intake for Bench<'_> {
    fn record(&mut self, tree: &mut Tree) {
        if self.costly >= MAX_COSTLY {
            return;
        }
        if !self.worked.directives.is_empty() {
            directive::settle(&mut self.worked.directives, tree.root());
        }
        // As it was read: normal forms may be new while the data is not.
        let fresh = match self.novelty {
            Novelty::New => true,
            Novelty::Changed => !self.shop.older.has(tree.root()),
            Novelty::Same => false,
        };
        let redactor = self.course.redactor.as_deref();
        let before = redactor.map(|redactor| redactor.before(tree)).unwrap_or_default();
        let content = self.shop.contents.as_ref().map(|digester| digester.content(tree.root()));
        for stage in &self.course.stages {
            stage.work(tree, &mut self.noted);
        }
        self.noted.close();
        // While the source is at hand as it was read.
        self.noted.notes.iter_mut().for_each(|note| write::notation::settle(note, self.format));
        let across = self.course.across.as_deref();
        for note in across.map_or_else(Vec::new, |plan| plan.check(tree, &self.noted.notes)) {
            self.noted.note(note);
        }
        let valid = self.noted.errors == 0;
        let mut mentions = across.map_or_else(Vec::new, |plan| plan.extract(tree));
        let mut carried = false;
        if let Some(accepted) = check::accept(tree, valid, self.shop.on_invalid) {
            let errors = self.noted.errors;
            for (writer, encoded) in self.shop.writers.iter().zip(&mut self.worked.encoded) {
                match &self.worked.header {
                    Some(header) => writer.encode_row(accepted, header, &mut encoded.bytes, &mut self.noted),
                    None => writer.encode(accepted, &mut encoded.bytes, &mut self.noted),
                }
            }
            carried = self.noted.errors == errors;
        }
        if !carried {
            for encoded in &mut self.worked.encoded {
                encoded.bytes.truncate(encoded.ends.last().copied().unwrap_or(0));
            }
        }
        // What only findings need is made only where there are, or may yet be, some.
        let mut key = if self.noted.notes.is_empty() && mentions.is_empty() { None } else { across.and_then(|plan| plan.key(tree.root())) };
        if let Some(redactor) = redactor.filter(|_| !self.noted.notes.is_empty() || !mentions.is_empty()) {
            self.noted.close();
            let redaction = redactor.record(tree, before, &self.noted.notes);
            self.noted.notes.iter_mut().for_each(|note| redaction.note(note));
            let parts = across.and_then(|plan| plan.parts(tree.root())).unwrap_or_default();
            let hides_key = redaction.hides_key(&parts);
            for mention in &mut mentions {
                let hides = match mention.role {
                    Role::Key => hides_key,
                    Role::Reference => redaction.hides(&mention.pointer, &mention.text),
                };
                if hides {
                    mention.hide(REDACTED);
                }
                mention.pointer = redaction.pointer(&mention.pointer);
            }
            key.take_if(|_| hides_key);
            redaction.add_to(&mut self.redacting.regions);
        } else if redactor.is_some_and(Redactor::is_active) {
            self.redacting.regions.hide(tree.root());
        }
        let reject = (self.shop.keep_rejects && (!carried || !mentions.is_empty())).then(|| {
            let mut text = Vec::new();
            write::json::compact(tree.root(), &mut text);
            text
        });
        let unread = std::mem::take(&mut self.unread);
        self.costly += self.noted.notes.iter().filter(|note| is_costly(note)).count() as u64;
        if self.costly >= MAX_COSTLY {
            self.worked.stopped = true;
        }
        self.unit(Unit { valid: self.noted.errors == 0, fresh, carried, key, mentions, content, refers: None, reject, unread });
    }

    fn broken(&mut self) {
        if let Some(redactor) = &self.course.redactor {
            self.redacting.is_broken = true;
            self.noted.close();
            self.noted.notes.iter_mut().for_each(|note| redactor.outside(note, &self.worked.source));
        }
        let fresh = self.novelty != Novelty::Same;
        let unread = std::mem::take(&mut self.unread);
        self.unit(Unit {
            valid: false,
            fresh,
            carried: false,
            key: None,
            mentions: Vec::new(),
            content: None,
            refers: None,
            reject: None,
            unread,
        });
    }

    fn unread(&mut self, span: Span) {
        if self.shop.keep_rejects {
            self.unread.push(self.worked.source.slice(span).to_owned());
        }
    }

    fn remark(&mut self, diagnostic: Diagnostic) {
        self.worked.remarks.push(diagnostic);
    }

    fn stop(&mut self) {
        self.worked.stopped = true;
    }
}

impl Bench<'_> {
    fn unit(&mut self, unit: Unit) {
        self.noted.close();
        let number = self.worked.units.len();
        self.worked.notes.extend(self.noted.notes.drain(..).map(|note| (number as u32, note)));
        self.noted.errors = 0;
        for encoded in &mut self.worked.encoded {
            encoded.ends.push(encoded.bytes.len());
        }
        self.worked.units.push(unit);
    }
}

/// Writes a line of the reject file: where the record stood, what is wrong with it, the record as far as it was read, and the
/// text that was read and is not in it.
pub(super) fn write_reject(
    unit: &Unit,
    notes: &[(Diagnostic, bool)],
    record: &RecordRef,
    format: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let notes = notes.iter().map(|(note, _)| note);
    let errors = notes.clone().filter(|note| note.severity == Severity::Error);
    let mut line = b"{\"file\":".to_vec();
    let first = notes.clone().next().map(|note| note.place.locate());
    let file = first.as_ref().map_or("", |location| &*location.file);
    write::json::string(file, &mut line);
    line.extend_from_slice(b",\"format\":");
    write::json::string(format, &mut line);
    write!(line, ",\"index\":{}", record.index)?;
    line.extend_from_slice(b",\"errors\":[");
    for (number, note) in errors.enumerate() {
        if number > 0 {
            line.push(b',');
        }
        line.extend_from_slice(&reject_error(note));
    }
    line.extend_from_slice(b"],\"record\":");
    line.extend_from_slice(unit.reject.as_deref().unwrap_or(b"null"));
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

/// An error as it stands in a line of the reject file.
pub(super) fn reject_error(note: &Diagnostic) -> Vec<u8> {
    let location = note.place.locate();
    let (code, line, column) = (note.rule.code, location.start.line, location.start.column);
    let mut out = format!("{{\"code\":\"{code}\",\"line\":{line},\"column\":{column},\"pointer\":").into_bytes();
    match &note.pointer {
        Some(pointer) => write::json::string(pointer, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"message\":");
    write::json::string(&note.message, &mut out);
    out.push(b'}');
    out
}
