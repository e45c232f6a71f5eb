//! Reads a window of a document that the records paths lead through: the records, and strictly all that is between them.

use std::sync::Arc;

use super::walk::{Content, Duplicate, Frame};
use super::{Parser, Read};
use crate::read::limits::TooLarge;
use crate::read::records::{At, Found, Level, Mark, Role, Targets, hand_out};
use crate::read::{Reader, RecordVisitor};
use chancery_core::diagnostic::{Diagnostic, Place, quote, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Kind, Tree};

/// A window that begins and ends between members or items.
pub(super) struct Fragment {
    pub targets: Arc<Targets>,
    pub max_depth: usize,
    pub max_values: usize,
    pub max_record_bytes: usize,
    /// Where the text ends. The names that lead to its first record are after it.
    pub end: usize,
    /// What is open at the start; `None` where the document begins.
    pub frames: Option<Vec<Frame>>,
    pub levels: Vec<Level>,
    pub duplicates: Vec<Duplicate>,
    /// Whether no window of the root follows.
    pub last: bool,
    /// What was found in the whole document, where it ends in this window, and its root.
    pub ending: Option<(Found, Mark)>,
}

impl Reader for Fragment {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let parser = Parser::new(source, 0, self.end, self.max_depth).up_to(self.max_values);
        let mut reading = Reading {
            window: self,
            source,
            parser,
            frames: self.frames.clone().unwrap_or_default(),
            levels: self.levels.clone(),
            duplicates: &self.duplicates,
        };
        match reading.root(tree, visitor) {
            Ok(()) => {}
            Err(Fault::InRecord) => visitor.stop(),
            Err(Fault::Between(diagnostic)) => {
                visitor.file_diagnostic(*diagnostic);
                visitor.stop();
            }
        }
    }
}

/// Why reading ends.
enum Fault {
    /// Reported with its record.
    InRecord,
    Between(Box<Diagnostic>),
}

impl From<Box<Diagnostic>> for Fault {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Between(diagnostic)
    }
}

struct Reading<'w> {
    window: &'w Fragment,
    source: &'w Arc<Source>,
    parser: Parser<'w>,
    frames: Vec<Frame>,
    // One for each frame but the root's.
    levels: Vec<Level>,
    // Those not reported yet.
    duplicates: &'w [Duplicate],
}

impl Reading<'_> {
    fn root(&mut self, tree: &mut Tree, visitor: &mut dyn RecordVisitor) -> Result<(), Fault> {
        self.parser.skip_space();
        if self.window.frames.is_none() {
            let kind = self.kind();
            match self.window.targets.root(kind) {
                Role::Inside(targets) => self.open(kind, Content::Paths(targets)),
                Role::List(target) => self.open(kind, Content::Records(target)),
                Role::Record(_) | Role::Outside => return Err(self.parser.unexpected("an array or object").into()),
            }
        }
        while let Some(frame) = self.frames.last() {
            self.parser.skip_space();
            let Some(byte) = self.parser.peek().or_else(|| self.window.last.then_some(0)) else { return Ok(()) };
            let is_closed = frame.first && byte == closing(frame.kind);
            if !is_closed && self.child(tree, visitor)? {
                continue;
            }
            self.border()?;
        }
        if let Some((found, root)) = &self.window.ending {
            found.diagnostics(self.source, root).into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
        }
        self.parser.skip_space();
        match self.parser.peek() {
            Some(_) => Err(self.parser.unexpected("the end of the file").into()),
            None => Ok(()),
        }
    }

    fn kind(&self) -> Kind {
        match self.parser.peek() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    fn open(&mut self, kind: Kind, content: Content) {
        self.parser.at += 1;
        self.frames.push(Frame { kind, first: true, next: 0, content });
    }

    // Goes past a comma, or past the closing brackets up to one.
    fn border(&mut self) -> Read {
        while let Some(frame) = self.frames.last_mut() {
            self.parser.skip_space();
            match self.parser.peek() {
                Some(b',') => {
                    self.parser.at += 1;
                    frame.first = false;
                    frame.next += 1;
                    return Ok(());
                }
                Some(byte) if byte == closing(frame.kind) => {
                    self.parser.at += 1;
                    self.frames.pop();
                    self.levels.truncate(self.frames.len().saturating_sub(1));
                }
                _ => return Err(self.parser.unexpected(after(frame.kind))),
            }
        }
        Ok(())
    }

    // Reads a member or item, and says whether it is open now.
    fn child(&mut self, tree: &mut Tree, visitor: &mut dyn RecordVisitor) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last() else { return Ok(false) };
        let (index, is_index) = (frame.next, frame.kind == Kind::Array);
        let within = match &frame.content {
            Content::Records(target) => {
                let target = *target;
                self.record(target, tree, visitor)?;
                return Ok(false);
            }
            Content::Paths(within) => Arc::clone(within),
        };
        let (span, text) = if is_index {
            (Span::new(self.parser.at as u32, (self.parser.at + 1).min(self.window.end) as u32), index.to_string())
        } else {
            let (span, name) = self.parser.name()?;
            self.parser.skip_space();
            self.note_duplicates(&name, visitor);
            (span, name)
        };
        let kind = self.kind();
        let at = if is_index { At::Index(index) } else { At::Name(&text) };
        let role = self.window.targets.child(&within, self.frames.len() - 1, at, kind);
        self.levels.push(Level { text, span, is_index });
        match role {
            Role::Inside(targets) => {
                self.open(kind, Content::Paths(targets));
                return Ok(true);
            }
            Role::List(target) => {
                self.open(kind, Content::Records(target));
                return Ok(true);
            }
            Role::Record(target) => self.record(target, tree, visitor)?,
            Role::Outside => {
                tree.reset(self.source);
                let mut diagnostics: Vec<Diagnostic> = Vec::new();
                let read = self.parser.value(tree, &mut diagnostics);
                for diagnostic in diagnostics {
                    visitor.file_diagnostic(Diagnostic { pointer: None, ..diagnostic });
                }
                read?;
            }
        }
        self.levels.pop();
        Ok(false)
    }

    fn record(&mut self, target: usize, tree: &mut Tree, visitor: &mut dyn RecordVisitor) -> Result<(), Fault> {
        let window = self.window;
        let target = window.targets.get(target);
        let start = self.parser.at;
        let kind = self.frames.last().map_or(Kind::Array, |frame| frame.kind);
        tree.reset(self.source);
        let read = self.parser.value(tree, visitor).and_then(|()| {
            self.parser.skip_space();
            match self.parser.peek() {
                Some(byte) if byte == b',' || byte == closing(kind) => Ok(()),
                _ => Err(self.parser.unexpected(after(kind))),
            }
        });
        if let Err(diagnostic) = read {
            // Where its end is found, what is after it can be read.
            let is_refused = diagnostic.rule == &rules::TOO_LARGE && self.parser.move_to_border(start);
            visitor.collection(target.collection);
            visitor.emit(*diagnostic);
            visitor.surplus(Span::new(start as u32, window.end as u32));
            visitor.malformed();
            return if is_refused { Ok(()) } else { Err(Fault::InRecord) };
        }
        if self.parser.at - start > window.max_record_bytes {
            visitor.collection(target.collection);
            visitor.emit(TooLarge::diagnostic(self.source, start as u32, window.max_record_bytes));
            visitor.malformed();
        } else {
            hand_out(tree, target, &self.levels, visitor);
        }
        Ok(())
    }

    // Reports a name that has just been read, if its object has it before.
    fn note_duplicates(&mut self, name: &str, visitor: &mut dyn RecordVisitor) {
        while let Some((Duplicate { at, length, first }, rest)) = self.duplicates.split_first()
            && *at < self.parser.at
        {
            self.duplicates = rest;
            let span = Span::new(*at as u32, (*at + *length) as u32);
            let Place { source, span: at } = first.place(self.source);
            let message = format!("member {} is duplicated", quote(name, true));
            visitor.file_diagnostic(
                Diagnostic::new(&rules::DUPLICATE_MEMBER, self.source, span, message)
                    .label("second")
                    .related("first", Place::new(&source, at))
                    .help("remove one of them; which one other programs read varies"),
            );
        }
    }
}

fn closing(kind: Kind) -> u8 {
    if kind == Kind::Object { b'}' } else { b']' }
}

fn after(kind: Kind) -> &'static str {
    if kind == Kind::Object { "a comma or }" } else { "a comma or the end of the array" }
}
