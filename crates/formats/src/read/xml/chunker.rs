//! Splits a document after the elements that are records, with a scan that only finds the ends of markup.

use std::sync::Arc;

use super::build::{Frame, OpenElement, Records};
use crate::layout::xml;
use crate::read::limits::{TooLarge, floor_char};
use crate::read::records::{At, Found, Level, Mark, Names, Positions, Role, Targets};
use crate::read::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, TopLevel, Window};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::{Kind, Tree};

// Attributes that are about the document and hold no data of it.
fn is_reserved(name: &str) -> bool {
    name == "xmlns" || ["xmlns:", "xml:", "xsi:"].iter().any(|prefix| name.starts_with(prefix))
}

/// Cuts after records; the elements that are open at a cut go with the next window.
pub struct XmlChunker {
    feed: InputBuffer,
    options: Options,
    frame: Frame,
    targets: Arc<Targets>,
    // Whether paths say what the records are.
    by_path: bool,
    decided: bool,
    // The end of the root's start tag, where it is available.
    head: usize,
    whole: bool,
    // Whether our own form says that its only record is a whole document.
    is_document: bool,
    reported_markup: bool,
    positions: Positions,
    found: Found,
    root: Mark,
    done: bool,
}

// An element that is taken whole: how many are open around it, and the target of the record that it is.
#[derive(Clone, Copy)]
struct Unit {
    depth: usize,
    target: Option<usize>,
}

impl XmlChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        let whole = options.records.is_whole();
        let targets = Targets::of(options);
        Self {
            root: Mark { position: feed.position(), text: String::new() },
            feed,
            options: options.clone(),
            frame: Frame::default(),
            found: Found::new(&targets),
            targets,
            by_path: !whole && !options.records.is_default(),
            decided: false,
            head: 0,
            whole,
            is_document: false,
            reported_markup: false,
            positions: Positions::default(),
            done: false,
        }
    }

    // The most elements that may be open around a record.
    fn depth(&self) -> usize {
        match (self.whole, self.by_path) {
            (true, _) => 0,
            (false, true) => self.targets.depth().saturating_sub(1),
            (false, false) => 1,
        }
    }

    // Reads as far as the root's first child, or what ends the root, and decides what a record is.
    fn choose_record_path(&mut self) -> Result<(), ReadError> {
        self.decided = true;
        let mut at = 0;
        let mut root: Option<(usize, usize)> = None;
        loop {
            match markup(self.feed.bytes(), at) {
                Some((kind, start, end)) => {
                    at = end;
                    match (kind, root) {
                        (Markup::Start { .. }, None) => {
                            root = Some((start, end));
                            self.head = end;
                            let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]).into_owned();
                            self.root = Mark { position: self.positions.at(&self.feed, start), text: format!("<{}", tag_name(&tag)) };
                            self.frame.mark = mark(&tag);
                            self.is_document = self.frame.mark.as_ref().is_some_and(|(prefix, _)| {
                                attributes(&tag).any(|(name, value)| name.strip_prefix(prefix) == Some(":document") && value == "true")
                            });
                            let part = self.options.shape.root();
                            let known = attributes(&tag).any(|(name, _)| part.declared(name).is_some());
                            if self.frame.mark.is_some() || self.by_path || self.whole {
                                return Ok(());
                            }
                            if known {
                                self.whole = true;
                                return Ok(());
                            }
                            if kind == (Markup::Start { empty: true }) {
                                return Ok(());
                            }
                        }
                        (Markup::Start { .. }, Some(_)) => {
                            let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]).into_owned();
                            self.whole = self.options.shape.root().declared(tag_name(&tag)).is_some();
                            return Ok(());
                        }
                        (Markup::End, Some((_, from))) => {
                            // A root that holds only text is itself the record.
                            let text = &self.feed.bytes()[from..start];
                            self.whole = text.iter().any(|byte| !byte.is_ascii_whitespace());
                            return Ok(());
                        }
                        _ => {}
                    }
                }
                None if self.feed.bytes().len() > self.options.max_record_bytes || !self.feed.fill()? => return Ok(()),
                None => {}
            }
        }
    }

    fn window(&mut self, length: usize, frame: Frame, dropped: Option<Span>) -> Result<Window, ReadError> {
        let mut source = self.feed.consume(length)?;
        let end = source.len() as usize;
        let levels = frame.open.iter().map(|element| {
            let span = element.mark.as_ref().map_or(Span::at(0), |mark| {
                let name = Arc::clone(source.name());
                Span::new(source.append(name, &mark.text, mark.position), source.len())
            });
            Level { text: element.name.clone(), span, is_index: false }
        });
        let levels = levels.collect();
        let ending = frame.last.then(|| (std::mem::replace(&mut self.found, Found::new(&self.targets)), self.root.clone()));
        let reader: Arc<dyn Reader> = Arc::new(Records {
            targets: Arc::clone(&self.targets),
            by_path: self.by_path,
            depth: self.depth(),
            max_depth: self.options.max_depth,
            max_values: self.options.max_values(),
            max_record_bytes: self.options.max_record_bytes,
            end,
            levels,
            frame,
            ending,
        });
        let top_level = if self.whole || self.is_document { TopLevel::Document } else { TopLevel::List };
        let mut window = Window::new(source, &reader).of(top_level);
        if let Some(span) = dropped.filter(|span| span.end as usize <= length) {
            self.reported_markup = true;
            let message = "skipped comments and processing instructions";
            window.diagnostics.push(Diagnostic::new(&rules::DROPPED_MARKUP, &window.source, span, message));
        }
        Ok(window)
    }

    // Passes on the start of a record past the limit as a broken one, and drops the rest of it unread; `now` is open at `at`,
    // which is as far as the markup has been gone through. Markup that is itself past the limit ends the reading.
    fn skip_outside(&mut self, mut now: Frame, unit: Option<Unit>, mut at: usize) -> Result<Window, ReadError> {
        let limit = self.options.max_record_bytes;
        let depth = unit.map_or_else(|| self.depth(), |unit| unit.depth);
        let shown = floor_char(self.feed.bytes(), if at == 0 { 80 } else { at.min(80) });
        let text = self.feed.consume(shown)?;
        let inside = at > 0;
        at = at.saturating_sub(shown);
        let stopped = !inside
            || loop {
                let length = if at > 0 { at } else { memchr::memchr(b'<', self.feed.bytes()).unwrap_or(self.feed.bytes().len()) };
                let length = floor_char(self.feed.bytes(), length);
                self.feed.consume(length)?;
                at = 0;
                match markup(self.feed.bytes(), 0) {
                    Some((kind, _, end)) => {
                        match kind {
                            // They only have to be counted.
                            Markup::Start { empty: false } => {
                                now.root_seen = true;
                                now.open.push(OpenElement::default());
                            }
                            Markup::End => drop(now.open.pop()),
                            _ => {}
                        }
                        at = end;
                        if now.open.len() <= depth && kind != (Markup::Start { empty: false }) {
                            self.feed.consume(end)?;
                            self.frame = now;
                            break false;
                        }
                    }
                    None if self.feed.bytes().len() > limit || (!self.feed.fill()? && self.feed.is_ended()) => break true,
                    None => {}
                }
            };
        self.done = stopped;
        let collection = unit.and_then(|unit| unit.target).map(|target| self.targets.get(target).collection);
        let reader: Arc<dyn Reader> = Arc::new(RecordTooLarge { limit, stopped, collection });
        Ok(Window::new(text, &reader))
    }

    // Takes the element whose start tag is at `start`, in no unit; returns it, or that it is one.
    fn element(&mut self, now: &mut Frame, name: &str, start: usize, empty: bool) -> Result<OpenElement, Unit> {
        let depth = now.open.len();
        let mut element = OpenElement { name: name.to_owned(), ..OpenElement::default() };
        let mut target = None;
        if self.by_path {
            let within = now.open.last().map_or(self.targets.all(), |open| &open.within);
            match self.targets.child(within, depth, At::Name(name), Kind::Object) {
                Role::Record(found) | Role::List(found) => {
                    self.found.meet(found);
                    target = Some(found);
                }
                Role::Inside(within) => {
                    if empty {
                        self.found.close(&within, depth + 1, Kind::Object, true, &Names::default());
                    }
                    element.within = within;
                }
                Role::Outside if within.is_empty() => {}
                Role::Outside => {
                    let (feed, positions) = (&self.feed, &mut self.positions);
                    self.found.outside(name, || Mark { position: positions.at(feed, start), text: format!("<{name}") });
                }
            }
            if let Some(open) = now.open.last_mut() {
                open.has_elements = true;
            }
            if target.is_none() && self.targets.captures(depth) {
                element.mark = Some(Mark { position: self.positions.at(&self.feed, start + 1), text: name.to_owned() });
            }
        }
        if target.is_some() || depth >= self.depth() { Err(Unit { depth, target }) } else { Ok(element) }
    }
}

impl crate::read::Chunker for XmlChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        if self.done {
            return Ok(None);
        }
        if !self.decided {
            self.choose_record_path()?;
            if self.frame.is_strange() {
                self.done = true;
                let length = self.head;
                let frame = self.frame.clone();
                return self.window(length, frame, None).map(Some);
            }
        }
        self.feed.fill_from_stream(self.options.window_bytes)?;
        let depth = self.depth();
        let mut unit: Option<Unit> = None;
        let mut now = self.frame.clone();
        let mut safe: Option<(usize, Frame)> = None;
        let mut changed = false;
        let mut dropped = None;
        let mut at = 0;
        let mut records = 0;
        loop {
            while let Some((kind, start, end)) = markup(self.feed.bytes(), at) {
                at = end;
                let span = Span::new(start as u32, end as u32);
                match kind {
                    // Inside a record only the number of open elements counts.
                    Markup::Start { empty: false } if unit.is_some() => now.open.push(OpenElement::default()),
                    Markup::Start { empty: true } if unit.is_some() => {}
                    Markup::Start { empty } => {
                        let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]).into_owned();
                        let name = tag_name(&tag);
                        if now.open.is_empty() && !self.whole && self.frame.mark.is_none() {
                            // What the root of a collection says of itself belongs to no record.
                            for (attribute, _) in attributes(&tag).filter(|(name, _)| !is_reserved(name)) {
                                let root = &self.root;
                                self.found.outside(&format!("@{attribute}"), || root.clone());
                            }
                        }
                        changed |= !now.root_seen || now.open.last().is_some_and(|open| !open.has_elements);
                        match self.element(&mut now, name, start, empty) {
                            Ok(element) => {
                                changed = true;
                                if !empty {
                                    now.open.push(element);
                                }
                            }
                            Err(found) if !empty => {
                                unit = Some(found);
                                now.open.push(OpenElement::default());
                            }
                            Err(_) => {}
                        }
                        now.root_seen = true;
                    }
                    Markup::End => {
                        let closed = now.open.pop();
                        match (unit, closed) {
                            (Some(around), _) => unit = unit.filter(|_| now.open.len() > around.depth),
                            (None, closed) => {
                                changed = true;
                                if let Some(element) = closed.filter(|element| !element.has_elements) {
                                    self.found.close(&element.within, now.open.len() + 1, Kind::Object, true, &Names::default());
                                }
                            }
                        }
                    }
                    Markup::Dropped if !self.reported_markup => {
                        dropped.get_or_insert(span);
                    }
                    _ => {}
                }
                changed |= !now.started;
                now.started = true;
                if unit.is_none() {
                    match &mut safe {
                        // Nothing but the records' own elements has been opened or closed since.
                        Some((safe, _)) if !changed => *safe = end,
                        _ => safe = Some((end, now.clone())),
                    }
                    changed = false;
                    records += 1;
                    if end >= self.options.window_bytes || records >= MAX_RECORDS_PER_WINDOW {
                        break;
                    }
                }
                // The reader rejects what is so deep, and nothing after it is read.
                if now.open.len() > depth + self.options.max_depth + 1 {
                    self.done = true;
                    let frame = self.frame.clone();
                    return self.window(at, frame, dropped).map(Some);
                }
            }
            let is_over = self.feed.bytes().len() > self.options.max_record_bytes;
            let is_full = records >= MAX_RECORDS_PER_WINDOW;
            let wanted = |end: usize| end >= self.options.window_bytes || !self.feed.is_ended() || is_over || is_full;
            if let Some((end, after)) = safe.take_if(|(end, _)| wanted(*end)) {
                let before = std::mem::replace(&mut self.frame, after);
                return Ok(Some(self.window(end, before, dropped)?));
            }
            if is_over {
                return self.skip_outside(now, unit, at).map(Some);
            }
            if !self.feed.fill()? && self.feed.is_ended() {
                self.done = true;
                let mut frame = self.frame.clone();
                frame.last = true;
                let length = self.feed.bytes().len();
                return self.window(length, frame, dropped).map(Some);
            }
        }
    }
}

// Reports that a record is past the limit, and whether what follows it is not read.
struct RecordTooLarge {
    limit: usize,
    stopped: bool,
    // The collection that it belongs to, where it is known to be a record.
    collection: Option<usize>,
}

impl Reader for RecordTooLarge {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let at = memchr::memchr(b'<', source.text().as_bytes()).unwrap_or(0);
        let mut diagnostic = TooLarge::diagnostic(source, at as u32, self.limit);
        if self.stopped {
            diagnostic.message.push_str("; its end was not found, so the rest is not read");
        }
        self.collection.into_iter().for_each(|collection| visitor.collection(collection));
        visitor.emit(diagnostic);
        visitor.malformed();
        if self.stopped {
            visitor.stop();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Start { empty: bool },
    End,
    Dropped,
    Other,
}

// The next markup at or after `at`, with its start and end; `None` if it is not available whole.
fn markup(bytes: &[u8], at: usize) -> Option<(Markup, usize, usize)> {
    let start = at + memchr::memchr(b'<', &bytes[at..])?;
    let rest = &bytes[start..];
    let until =
        |skip: usize, needle: &[u8]| memchr::memmem::find(rest.get(skip..)?, needle).map(|found| start + skip + found + needle.len());
    let shorter = |whole: &[u8]| rest.len() < whole.len() && whole.starts_with(rest);
    // A tag, as most markup is, needs none of what follows.
    let special = rest.get(1).is_none_or(|byte| matches!(byte, b'!' | b'?'));
    if special && (shorter(b"<!--") || shorter(b"<![CDATA[")) {
        return None;
    }
    if special && rest.starts_with(b"<!--") {
        return Some((Markup::Dropped, start, until(4, b"-->")?));
    }
    if special && rest.starts_with(b"<![CDATA[") {
        return Some((Markup::Other, start, until(9, b"]]>")?));
    }
    if special && rest.starts_with(b"<?") {
        let declaration = rest.starts_with(b"<?xml") && rest.get(5).is_some_and(u8::is_ascii_whitespace);
        return Some((if declaration { Markup::Other } else { Markup::Dropped }, start, until(2, b"?>")?));
    }
    // What is in quotes may hold anything.
    let mut end = 0;
    loop {
        end += rest.get(end..)?.iter().position(|byte| matches!(byte, b'>' | b'"' | b'\''))?;
        match rest[end] {
            b'>' => break,
            quote => end += 2 + memchr::memchr(quote, &rest[end + 1..])?,
        }
    }
    let kind = match rest[1] {
        b'/' => Markup::End,
        b'!' => Markup::Other,
        _ => Markup::Start { empty: rest[end - 1] == b'/' },
    };
    Some((kind, start, start + end + 1))
}

fn tag_name(tag: &str) -> &str {
    let tag = tag.trim_start_matches('<');
    tag.find([' ', '\t', '\r', '\n', '/', '>']).map_or(tag, |end| &tag[..end])
}

// Attributes of a start tag, as far as they are well written.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag.get(1 + tag_name(tag).len()..).unwrap_or("");
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, after) = behind[1..].split_once(quote)?;
        rest = after;
        Some((name.trim(), value))
    })
}

// The prefix of our namespace and the version, where the root bears our marker.
fn mark(tag: &str) -> Option<(String, String)> {
    let prefix = attributes(tag).find(|(_, value)| *value == xml::NAMESPACE)?.0.strip_prefix("xmlns:")?;
    let version = attributes(tag).find(|(name, _)| name.strip_prefix(prefix) == Some(":version"))?.1;
    Some((prefix.to_owned(), version.to_owned()))
}
