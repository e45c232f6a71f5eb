//! Splits a document after the elements that are records, with a scan that only finds the ends of markup.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::build::{Frame, Records};
use crate::layout::xml;
use crate::read::limits::{TooLarge, floor_char};
use crate::read::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, TopLevel, Window};
use chancery_core::diagnostic::{Diagnostic, quote, rules};
use chancery_core::source::{InputBuffer, Position, ReadError, Source, Span};
use chancery_core::tree::Tree;

/// How many names of elements outside the records are reported, and how many are distinguished.
const NAMES_SHOWN: usize = 8;
const NAMES_KEPT: usize = 1000;

// The elements outside the records: where the first stands, and the names of all.
#[derive(Default)]
struct OutsideElements {
    first: Option<Position>,
    names: Vec<String>,
    known: BTreeSet<String>,
}

impl OutsideElements {
    fn add(&mut self, name: &str, at: impl FnOnce() -> Position) {
        self.first.get_or_insert_with(at);
        if self.known.len() < NAMES_KEPT && self.known.insert(name.to_owned()) && self.names.len() < NAMES_SHOWN {
            self.names.push(quote(name, true));
        }
    }

    fn emit(&self, source: &Arc<Source>, path: &[String]) -> Option<Diagnostic> {
        let first = self.first?;
        let names = self.names.join(", ");
        let more = match self.known.len() - self.names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let records = if path.is_empty() { "the records".to_owned() } else { path.join("/") };
        let message = format!("skipped content outside {records}: {names}{more}");
        // The element is in this window, or in one that is gone.
        let base = source.position(0);
        let name = source.text().get((first.byte.saturating_sub(base.byte)) as usize..).filter(|_| first.byte >= base.byte);
        let (source, span) = match name {
            Some(rest) => {
                let start = source.len() - rest.len() as u32;
                (Arc::clone(source), Span::new(start, start + tag_name(rest).len() as u32 + 1))
            }
            None => (Arc::new(Source::detached(Arc::clone(source.name()), first)), Span::at(0)),
        };
        Some(Diagnostic::new(&rules::OUTSIDE_RECORDS, &source, span, message))
    }
}

// Attributes that are about the document and hold no data of it.
fn is_reserved(name: &str) -> bool {
    name == "xmlns" || ["xmlns:", "xml:", "xsi:"].iter().any(|prefix| name.starts_with(prefix))
}

/// Cuts after records; the elements that are open at a cut go with the next window.
pub struct XmlChunker {
    feed: InputBuffer,
    options: Options,
    frame: Frame,
    // Names of the record's ancestors and, where `--records` gave it, of the record.
    path: Option<Vec<String>>,
    decided: bool,
    // The end of the root's start tag, where it is available.
    head: usize,
    whole: bool,
    // Whether our own form says that its only record is a whole document.
    is_document: bool,
    reported_markup: bool,
    outside: OutsideElements,
    met: bool,
    done: bool,
}

impl XmlChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        let path = options.records.as_deref().filter(|path| !path.is_empty());
        let path = path.map(|path| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect());
        let whole = options.records.as_deref() == Some("");
        Self {
            feed,
            options: options.clone(),
            frame: Frame::default(),
            path,
            decided: false,
            head: 0,
            whole,
            is_document: false,
            reported_markup: false,
            outside: OutsideElements::default(),
            met: false,
            done: false,
        }
    }

    // How many elements are open around a record.
    fn depth(&self) -> usize {
        if self.whole { 0 } else { self.path.as_ref().map_or(1, |path| path.len().saturating_sub(1)) }
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
                            self.frame.mark = mark(&tag);
                            self.is_document = self.frame.mark.as_ref().is_some_and(|(prefix, _)| {
                                attributes(&tag).any(|(name, value)| name.strip_prefix(prefix) == Some(":document") && value == "true")
                            });
                            let part = self.options.shape.root();
                            let known = attributes(&tag).any(|(name, _)| part.declared(name).is_some());
                            if self.frame.mark.is_some() || self.path.is_some() || self.whole {
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
        let reader: Arc<dyn Reader> = Arc::new(Records {
            shape: Arc::clone(&self.options.shape),
            path: self.path.clone(),
            depth: self.depth(),
            max_depth: self.options.max_depth,
            max_values: self.options.max_values(),
            max_record_bytes: self.options.max_record_bytes,
            frame,
        });
        let top_level = if self.whole || self.is_document { TopLevel::Document } else { TopLevel::List };
        let mut window = Window::new(self.feed.consume(length)?, &reader).of(top_level);
        if let Some(span) = dropped.filter(|span| span.end as usize <= length) {
            self.reported_markup = true;
            let message = "skipped comments and processing instructions";
            window.diagnostics.push(Diagnostic::new(&rules::DROPPED_MARKUP, &window.source, span, message));
        }
        Ok(window)
    }

    // Passes on the start of a record past the limit as a broken one, and drops the rest of it unread; `now` is open at `at`,
    // which is as far as the markup has been gone through. Markup that is itself past the limit ends the reading.
    fn skip_outside(&mut self, mut now: Frame, mut at: usize) -> Result<Window, ReadError> {
        let limit = self.options.max_record_bytes;
        let depth = self.depth();
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
                    Some((kind, start, end)) => {
                        match kind {
                            // Deeper ones only have to be counted.
                            Markup::Start { empty: false } if now.open.len() > depth + self.options.max_depth => {
                                now.open.push(String::new());
                            }
                            Markup::Start { empty: false } => {
                                let name = tag_name(&String::from_utf8_lossy(&self.feed.bytes()[start..end])).to_owned();
                                now.root_seen = true;
                                now.open.push(name);
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
        let reader: Arc<dyn Reader> = Arc::new(RecordTooLarge { limit, stopped });
        Ok(Window::new(text, &reader))
    }

    fn is_outside(&self, open: &[String], name: &str) -> bool {
        let Some(path) = &self.path else { return false };
        let wanted = path.get(open.len());
        open.len() < path.len() && open.iter().zip(path).all(|(a, b)| a == b) && wanted.is_none_or(|wanted| wanted != name)
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
        let mut now = self.frame.clone();
        let mut safe: Option<(usize, Frame)> = None;
        let mut changed = false;
        let mut dropped = None;
        let here = self.feed.position();
        let mut at = 0;
        let mut records = 0;
        loop {
            while let Some((kind, start, end)) = markup(self.feed.bytes(), at) {
                at = end;
                let span = Span::new(start as u32, end as u32);
                match kind {
                    // Inside a record only the number of open elements counts.
                    Markup::Start { empty: false } if now.open.len() > depth => now.open.push(String::new()),
                    Markup::Start { empty: true } if now.open.len() > depth => {}
                    Markup::Start { empty } => {
                        let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]);
                        let name = tag_name(&tag);
                        if now.open.is_empty() && !self.whole && self.frame.mark.is_none() {
                            // What the root of a collection says of itself belongs to no record.
                            for (attribute, _) in attributes(&tag).filter(|(name, _)| !is_reserved(name)) {
                                let before = &self.feed.bytes()[..start];
                                self.outside.add(&format!("@{attribute}"), || here.after(&String::from_utf8_lossy(before)));
                            }
                        }
                        if self.is_outside(&now.open, name) {
                            self.outside.add(name, || here.after(&String::from_utf8_lossy(&self.feed.bytes()[..start])));
                        }
                        if self
                            .path
                            .as_ref()
                            .is_some_and(|path| path.last().is_some_and(|last| last == name) && now.open.len() + 1 == path.len())
                        {
                            self.met = true;
                        }
                        changed |= now.open.len() < depth || !now.root_seen;
                        now.root_seen = true;
                        if !empty {
                            now.open.push(name.to_owned());
                        }
                    }
                    Markup::End => {
                        now.open.pop();
                        changed |= now.open.len() < depth;
                    }
                    Markup::Dropped if !self.reported_markup => {
                        dropped.get_or_insert(span);
                    }
                    _ => {}
                }
                changed |= !now.started;
                now.started = true;
                if now.open.len() <= depth {
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
                return self.skip_outside(now, at).map(Some);
            }
            if !self.feed.fill()? && self.feed.is_ended() {
                self.done = true;
                let mut frame = self.frame.clone();
                frame.last = true;
                frame.missing = self.path.is_some() && !self.met;
                let length = self.feed.bytes().len();
                let mut window = self.window(length, frame, dropped)?;
                window.diagnostics.extend(self.outside.emit(&window.source, self.path.as_deref().unwrap_or_default()));
                return Ok(Some(window));
            }
        }
    }
}

// Reports that a record is past the limit, and whether what follows it is not read.
struct RecordTooLarge {
    limit: usize,
    stopped: bool,
}

impl Reader for RecordTooLarge {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let at = memchr::memchr(b'<', source.text().as_bytes()).unwrap_or(0);
        let mut diagnostic = TooLarge::diagnostic(source, at as u32, self.limit);
        if self.stopped {
            diagnostic.message.push_str("; its end was not found, so the rest is not read");
        }
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
