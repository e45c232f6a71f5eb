//! Cuts a document behind the elements that are records, with a scan that knows only where markup ends.

use std::sync::Arc;

use super::build::{Frame, Records};
use crate::diagnostic::{Diagnostic, quote, rules};
use crate::layout::xml;
use crate::read::ndjson::{TooLarge, floor_char};
use crate::read::{Options, Reader, Window};
use crate::source::{Failure, Feed, Span};

/// Cuts behind records; the elements that are open at a cut go with the next window.
pub struct Cutter {
    feed: Feed,
    options: Options,
    frame: Frame,
    // Names of the record's ancestors and, where `--records` gave it, of the record.
    path: Option<Vec<String>>,
    decided: bool,
    whole: bool,
    told_markup: bool,
    told_outside: bool,
    met: bool,
    done: bool,
}

impl Cutter {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: Feed, options: &Options) -> Self {
        let path = options.records.as_deref().filter(|path| !path.is_empty());
        let path = path.map(|path| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect());
        let whole = options.records.as_deref() == Some("");
        Self {
            feed,
            options: options.clone(),
            frame: Frame::default(),
            path,
            decided: false,
            whole,
            told_markup: false,
            told_outside: false,
            met: false,
            done: false,
        }
    }

    // How many elements are open around a record.
    fn depth(&self) -> usize {
        if self.whole { 0 } else { self.path.as_ref().map_or(1, |path| path.len().saturating_sub(1)) }
    }

    // Reads as far as the root's first child, or what ends the root, and decides what a record is.
    fn decide(&mut self) -> Result<(), Failure> {
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
                            let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]).into_owned();
                            self.frame.mark = mark(&tag);
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
                None if self.feed.bytes().len() > self.options.max_record_bytes || !self.feed.more()? => return Ok(()),
                None => {}
            }
        }
    }

    fn window(&mut self, length: usize, frame: Frame, seen: &[(Span, Option<String>)]) -> Result<Window, Failure> {
        let reader: Arc<dyn Reader> = Arc::new(Records {
            shape: Arc::clone(&self.options.shape),
            path: self.path.clone(),
            depth: self.depth(),
            max_depth: self.options.max_depth,
            max_record_bytes: self.options.max_record_bytes,
            frame,
        });
        let mut window = Window::new(self.feed.take(length)?, &reader);
        for (span, outside) in seen.iter().filter(|(span, _)| span.end as usize <= length) {
            if let Some(name) = outside {
                let path = self.path.as_deref().unwrap_or_default().join("/");
                let message = format!("left out what lies outside {path}: {}", quote(name, true));
                window.notes.push(Diagnostic::new(&rules::OUTSIDE_RECORDS, &window.source, *span, message));
            } else {
                let message = "left out comments and processing instructions";
                window.notes.push(Diagnostic::new(&rules::DROPPED_MARKUP, &window.source, *span, message));
            }
        }
        Ok(window)
    }

    fn is_outside(&self, open: &[String], name: &str) -> bool {
        let Some(path) = &self.path else { return false };
        let wanted = path.get(open.len());
        open.len() < path.len() && open.iter().zip(path).all(|(a, b)| a == b) && wanted.is_none_or(|wanted| wanted != name)
    }
}

impl crate::read::Cutter for Cutter {
    fn cut(&mut self) -> Result<Option<Window>, Failure> {
        if self.done {
            return Ok(None);
        }
        if !self.decided {
            self.decide()?;
        }
        self.feed.fill(self.options.window_bytes)?;
        let depth = self.depth();
        let mut now = self.frame.clone();
        let mut safe: Option<(usize, Frame)> = None;
        let mut seen = Vec::new();
        let mut at = 0;
        loop {
            while let Some((kind, start, end)) = markup(self.feed.bytes(), at) {
                at = end;
                let span = Span::new(start as u32, end as u32);
                match kind {
                    Markup::Start { empty } => {
                        let tag = String::from_utf8_lossy(&self.feed.bytes()[start..end]).into_owned();
                        let name = tag_name(&tag);
                        if !self.told_outside && self.is_outside(&now.open, name) {
                            self.told_outside = true;
                            seen.push((span, Some(name.to_owned())));
                        }
                        if self
                            .path
                            .as_ref()
                            .is_some_and(|path| path.last().is_some_and(|last| last == name) && now.open.len() + 1 == path.len())
                        {
                            self.met = true;
                        }
                        now.root_seen = true;
                        if !empty {
                            now.open.push(name.to_owned());
                        }
                    }
                    Markup::End => {
                        now.open.pop();
                    }
                    Markup::Dropped if !self.told_markup => {
                        self.told_markup = true;
                        seen.push((span, None));
                    }
                    _ => {}
                }
                now.started = true;
                if now.open.len() <= depth {
                    safe = Some((end, now.clone()));
                    if end >= self.options.window_bytes {
                        break;
                    }
                }
            }
            if let Some((end, after)) = safe.take_if(|(end, _)| *end >= self.options.window_bytes || !self.feed.is_ended()) {
                let before = std::mem::replace(&mut self.frame, after);
                return Ok(Some(self.window(end, before, &seen)?));
            }
            if self.feed.bytes().len() > self.options.max_record_bytes {
                self.done = true;
                let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.options.max_record_bytes });
                let shown = floor_char(self.feed.bytes(), 80);
                return Ok(Some(Window::new(self.feed.take(shown)?, &reader)));
            }
            if !self.feed.more()? && self.feed.is_ended() {
                self.done = true;
                let mut frame = self.frame.clone();
                frame.last = true;
                frame.missing = self.path.is_some() && !self.met;
                let length = self.feed.bytes().len();
                return Ok(Some(self.window(length, frame, &seen)?));
            }
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

// The next markup at or behind `at`, with its start and end; `None` where it is not at hand whole.
fn markup(bytes: &[u8], at: usize) -> Option<(Markup, usize, usize)> {
    let start = at + memchr::memchr(b'<', &bytes[at..])?;
    let rest = &bytes[start..];
    let until =
        |skip: usize, needle: &[u8]| memchr::memmem::find(rest.get(skip..)?, needle).map(|found| start + skip + found + needle.len());
    let shorter = |whole: &[u8]| rest.len() < whole.len() && whole.starts_with(rest);
    if shorter(b"<!--") || shorter(b"<![CDATA[") {
        return None;
    }
    if rest.starts_with(b"<!--") {
        return Some((Markup::Dropped, start, until(4, b"-->")?));
    }
    if rest.starts_with(b"<![CDATA[") {
        return Some((Markup::Other, start, until(9, b"]]>")?));
    }
    if rest.starts_with(b"<?") {
        let declaration = rest.starts_with(b"<?xml") && rest.get(5).is_some_and(u8::is_ascii_whitespace);
        return Some((if declaration { Markup::Other } else { Markup::Dropped }, start, until(2, b"?>")?));
    }
    let mut quote = None;
    for (offset, byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'>') => {
                let kind = match rest[1] {
                    b'/' => Markup::End,
                    b'!' => Markup::Other,
                    _ => Markup::Start { empty: rest[offset - 1] == b'/' },
                };
                return Some((kind, start, start + offset + 1));
            }
            _ => {}
        }
    }
    None
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
