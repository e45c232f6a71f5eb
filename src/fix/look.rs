//! One look at an input: its records as they stand, what is found in them, and what could be done about it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::held::Files;
use super::{Input, Job};
use crate::check::across::{Mention, Role};
use crate::diagnostic::{Diagnostic, New, Notes, Omitted, Rule, Safety, Scalar, Severity, rules};
use crate::pipeline::{Course, Policy, Suppressions};
use crate::read::Intake;
use crate::read::directive::{self, Directive};
use crate::source::Failure;
use crate::tree::{Kind, Node, Tree, pointer};
use crate::write::notation;

/// What was seen.
#[derive(Default)]
pub(super) struct Look {
    pub units: Vec<Unit>,
    /// Errors that belong to no record.
    pub errors: Vec<Fault>,
    /// How many findings of each severity have no fix.
    pub unmended: Counts,
    /// Why it could not be read to its end.
    pub failure: Option<Failure>,
}

/// A record, or what could not be read as one.
#[derive(Default)]
pub(super) struct Unit {
    pub broken: bool,
    /// A hash of the record as it is written.
    pub written: u64,
    /// The record as it is written and in normal form; kept where edits are to be proved.
    pub leaves: Option<Box<(Leaves, Leaves)>>,
    pub errors: Vec<Fault>,
    /// How many more errors there may be that are not listed.
    pub unlisted: u64,
    pub candidates: Vec<Candidate>,
    pub mentions: Vec<Mention>,
}

/// An error, by what makes it the same after an edit elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
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
            Severity::Advice => {}
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.errors += other.errors;
        self.warnings += other.warnings;
    }
}

/// A finding that carries edits.
pub(super) struct Candidate {
    pub rule: &'static Rule,
    pub safety: Safety,
    /// Where the finding is shown.
    pub place: (Arc<str>, usize),
    /// Whether an edit stands where many records have their part of it, such as in the header of a table.
    pub shared: bool,
    pub edits: Vec<Placed>,
    pub effects: Vec<Effect>,
    /// Where its first edit stands in the text as it was opened.
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

/// An edit at its place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub file: Arc<str>,
    pub start: usize,
    pub end: usize,
    pub text: String,
    /// Whether it is marks of the format alone, beside which nothing else can be put in.
    pub marks: bool,
}

/// What an edit does to the record as it is written.
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
    /// An item of a list, or the first of two members of one name.
    Gone {
        pointer: String,
    },
}

/// Every value of a record by its pointer, in order of the pointers.
pub(super) type Leaves = Vec<Leaf>;

/// A pointer, and the kind and text of what is there.
pub(super) type Leaf = (String, Kind, String);

impl Candidate {
    fn new(note: &Diagnostic) -> Option<Self> {
        let fix = note.fix.as_ref().filter(|fix| !fix.edits.is_empty())?;
        let source = &note.place.source;
        let at = |span| {
            let found = source.locate_edit(span);
            (found.file, found.start.byte as usize, found.end.byte as usize)
        };
        let mut effects = Vec::new();
        let mut edits = Vec::new();
        for edit in &fix.edits {
            let (file, start, end) = at(edit.span);
            edits.push(Placed { file, start, end, text: edit.text.clone(), marks: edit.new == New::Layout });
            let here = || edit.pointer.clone().unwrap_or_default();
            match &edit.new {
                New::Scalar(scalar) => effects.push(Effect::value(here(), scalar)),
                New::Name(name) => effects.push(Effect::Name { pointer: here(), name: name.clone() }),
                New::Member(member) => {
                    let mut at = member.object.clone();
                    pointer::push(&mut at, &member.name);
                    effects.push(Effect::value(at, &member.scalar));
                }
                New::Gone => effects.push(Effect::Gone { pointer: here() }),
                New::Layout => {}
            }
        }
        let (file, start, _) = at(note.place.span);
        Some(Self {
            rule: note.rule,
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

    /// Whether normal form is what it brings, so that it changes nothing for those who normalise.
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

/// A record at one moment; filled again for each, since most are never asked for.
#[derive(Default)]
struct Snapshot {
    // Pointers and texts, one behind the other.
    text: String,
    // Where the pointer ends, and the text behind it.
    values: Vec<(Kind, usize, usize)>,
}

impl Snapshot {
    fn take(&mut self, node: Node<'_>) {
        self.text.clear();
        self.values.clear();
        self.walk(node, &mut String::new());
    }

    // Depth is bounded by the readers.
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

/// Looks at an input. `proves` says of which records to keep all values, besides those that have candidates.
pub(super) fn look(job: &Job, input: &Input, files: &Files, proves: &BTreeSet<usize>) -> Look {
    let mut reading = Reading {
        course: &job.courses[input.course],
        policy: &job.policy,
        suppressions: Suppressions::new(job.suppress.clone(), false),
        directives: Vec::new(),
        proves,
        format: "",
        noted: Noted::default(),
        pending: Vec::new(),
        written: Snapshot::default(),
        look: Look::default(),
        stopped: false,
    };
    if let Err(failure) = reading.all(input, files) {
        reading.look.failure = Some(failure);
    }
    let origins = files.origins();
    for candidate in reading.look.units.iter_mut().flat_map(|unit| &mut unit.candidates) {
        let first = candidate.edits.first().and_then(|edit| Some(origins.get(&edit.file)?.of(edit.start)));
        candidate.origin = first.unwrap_or_default();
    }
    reading.look
}

impl Look {
    /// How many findings there are.
    pub fn findings(&self) -> u64 {
        let with_fix: usize = self.units.iter().map(|unit| unit.candidates.len()).sum();
        let unlisted = self.units.iter().fold(0_u64, |sum, unit| sum.saturating_add(unit.unlisted));
        (with_fix as u64 + self.unmended.errors + self.unmended.warnings).saturating_add(unlisted)
    }
}

/// How many findings about one record are kept at once. More than `check` lists, since each further pass over a record takes
/// time proportional to its length; what is beyond is looked at once these are mended.
const MAX_FINDINGS: usize = 1 << 16;

// The findings about the next unit, as far as they are kept.
#[derive(Default)]
struct Noted {
    list: Vec<Diagnostic>,
    omitted: Omitted,
}

impl Notes for Noted {
    fn note(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(diagnostic);
        } else {
            self.omitted.add(diagnostic);
        }
    }

    fn omit(&mut self, omitted: Omitted) {
        self.omitted.join(omitted);
    }

    fn limit(&self) -> usize {
        MAX_FINDINGS
    }
}

struct Reading<'r> {
    course: &'r Course,
    policy: &'r Policy,
    suppressions: Suppressions,
    // Comments of the window at hand that leave findings out.
    directives: Vec<Directive>,
    proves: &'r BTreeSet<usize>,
    format: &'static str,
    // Of the next unit.
    noted: Noted,
    // Of the units of the window at hand, each with the number of its unit.
    pending: Vec<(usize, Noted)>,
    // The record at hand, before the stages change it.
    written: Snapshot,
    look: Look,
    stopped: bool,
}

impl Reading<'_> {
    fn all(&mut self, input: &Input, files: &Files) -> Result<(), Failure> {
        let mut opened = (input.open)(files)?;
        self.format = opened.format;
        let mut tree = Tree::default();
        while let Some(window) = opened.cutter.cut()? {
            window.notes.into_iter().for_each(|note| self.remark(note));
            let comments = window.reader.comments();
            self.directives = comments.map_or_else(Vec::new, |comments| directive::find(window.source.text(), comments));
            window.reader.read(&window.source, &mut tree, self);
            // Notes behind the last unit are about the file.
            let Noted { list, omitted } = std::mem::take(&mut self.noted);
            list.into_iter().chain(omitted.into_finding()).for_each(|note| self.remark(note));
            // What is wrong with the comments themselves has no edits.
            let complaints = self.suppressions.take(&window.source, &window.source, &self.directives, true);
            complaints.into_iter().for_each(|note| self.remark(note));
            self.judge();
            if self.stopped {
                break;
            }
        }
        Ok(())
    }

    // Takes what is to be mended of the findings in a window, once all its comments are known.
    fn judge(&mut self) {
        for (index, Noted { list: mut notes, omitted }) in std::mem::take(&mut self.pending) {
            notes.sort_by_key(|note| note.place.span.start);
            let unit = &mut self.look.units[index];
            unit.unlisted = omitted.number();
            for mut note in notes.into_iter().chain(omitted.into_finding()) {
                // These say that there may be more, and change with the number of the others.
                if note.rule == &rules::BEYOND_LIMITS {
                    unit.unlisted = u64::MAX;
                } else if note.rule != &rules::MANY_FINDINGS {
                    unit.errors.extend(Fault::of(&note));
                }
                note.format = self.format;
                let candidate = Candidate::new(&note);
                // What is not to be reported is not to be mended either.
                if self.policy.admits(&mut note) && self.suppressions.admits(&note) {
                    // What could not be read cannot be proved either.
                    match candidate.filter(|_| !unit.broken) {
                        Some(candidate) => unit.candidates.push(candidate),
                        None => self.look.unmended.add(note.severity),
                    }
                }
            }
        }
    }

    fn unit(&mut self, unit: Unit) {
        self.pending.push((self.look.units.len(), std::mem::take(&mut self.noted)));
        self.look.units.push(unit);
    }
}

impl Fault {
    fn of(note: &Diagnostic) -> Option<Self> {
        let fault = || Self { code: note.rule.code, pointer: note.pointer.clone(), message: note.message.clone() };
        (note.severity == Severity::Error).then(fault)
    }
}

impl Notes for Reading<'_> {
    fn note(&mut self, diagnostic: Diagnostic) {
        self.noted.note(diagnostic);
    }

    fn omit(&mut self, omitted: Omitted) {
        self.noted.omit(omitted);
    }

    fn limit(&self) -> usize {
        MAX_FINDINGS
    }
}

impl Intake for Reading<'_> {
    fn record(&mut self, tree: &mut Tree) {
        directive::settle(&mut self.directives, tree.root());
        self.written.take(tree.root());
        for stage in &self.course.stages {
            stage.work(tree, &mut self.noted);
        }
        self.noted.list.iter_mut().for_each(|note| notation::settle(note, self.format));
        if let Some(plan) = &self.course.across {
            let found = plan.check(tree, &self.noted.list);
            found.into_iter().for_each(|note| self.noted.note(note));
        }
        let mentions = self.course.across.as_ref().map_or_else(Vec::new, |plan| plan.extract(tree));
        let mut unit = Unit { written: self.written.hash(), mentions, ..Unit::default() };
        if self.proves.contains(&self.look.units.len()) || self.noted.list.iter().any(|note| note.fix.is_some()) {
            let mut normal = Snapshot::default();
            normal.take(tree.root());
            unit.leaves = Some(Box::new((self.written.leaves(), normal.leaves())));
        }
        self.unit(unit);
    }

    fn broken(&mut self) {
        self.unit(Unit { broken: true, ..Unit::default() });
    }

    fn remark(&mut self, mut note: Diagnostic) {
        self.look.errors.extend(Fault::of(&note));
        note.format = self.format;
        if self.policy.admits(&mut note) && self.suppressions.admits(&note) {
            self.look.unmended.add(note.severity);
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
    }
}

/// The key among mentions.
pub(super) fn key(mentions: &[Mention]) -> Option<&Mention> {
    mentions.iter().find(|mention| mention.role == Role::Key)
}
