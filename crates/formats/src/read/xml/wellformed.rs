//! The well-formedness rules of XML 1.0, fifth edition.
//!
//! Tags without attributes and text without references are checked here, at a third of the cost. quick-xml locates everything else;
//! its events are checked here against the grammar, which quick-xml does not fully enforce: names, characters, references,
//! attributes, the declaration. Rejected text is scanned again to report what was expected.

use std::collections::HashMap;
use std::sync::Arc;

use quick_xml::events::Event as Raw;

use crate::layout::xml;
use chancery_core::diagnostic::{Diagnostic, quote, rules};
use chancery_core::source::{Source, Span};

pub(super) type Read<T> = Result<T, Box<Diagnostic>>;

/// An attribute: name, value as written without quotes, and the value where it differs.
pub(super) struct Attribute {
    pub name: Span,
    pub value: Span,
    pub decoded: Option<String>,
}

/// A start tag.
pub(super) struct Tag {
    pub name: Span,
    pub span: Span,
    pub attributes: Vec<Attribute>,
    pub empty: bool,
}

/// What is in a text, judged to be well-formed by itself.
pub(super) enum Event {
    Start(Tag),
    /// The name of an end tag.
    End(Span),
    /// Text and references up to markup, and the text where it differs.
    Text(Span, Option<String>),
    /// The text of a CDATA section.
    Cdata(Span),
    /// What is no data: comments, processing instructions, declarations.
    Other,
    Eof,
}

// The bytes of a plain name, as its first and after it, and of text that is what it says and that XML allows. Above ASCII only
// the first byte of U+FFFE and U+FFFF is none.
const NAME_START: u8 = 1;
const NAME: u8 = 2;
const TEXT: u8 = 4;
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() || byte == b'_' {
            class[at] |= NAME_START;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':') {
            class[at] |= NAME;
        }
        if matches!(byte, b'\t' | b'\n' | b' '..) && !matches!(byte, b'<' | b'&' | b']' | 0xef) {
            class[at] |= TEXT;
        }
        at += 1;
    }
    class
};

/// Goes through a text.
pub(super) struct Scanner<'s> {
    pub source: &'s Arc<Source>,
    text: &'s str,
    pub at: usize,
    events: quick_xml::Reader<&'s [u8]>,
    // Where the events begin.
    base: usize,
    is_start: bool,
    // Whether a document type declaration may follow.
    prolog: bool,
}

// The events of a text from a place on, and where they begin.
fn events(text: &str, from: usize) -> (quick_xml::Reader<&[u8]>, usize) {
    // quick-xml would drop a mark without counting it, be it the file's or a character of its text.
    let rest = text[from..].trim_start_matches('\u{feff}');
    let mut events = quick_xml::Reader::from_str(rest);
    let config = events.config_mut();
    config.trim_text(false);
    config.expand_empty_elements = false;
    // Judged here, with the place of the errors.
    config.check_end_names = false;
    config.check_comments = false;
    // What was opened in an earlier window may close in this one.
    config.allow_unmatched_ends = true;
    (events, text.len() - rest.len())
}

impl<'s> Scanner<'s> {
    /// `end`: where the text ends; `started`: whether markup is before the text; `prolog`: whether the root does not.
    pub fn new(source: &'s Arc<Source>, end: usize, started: bool, prolog: bool) -> Self {
        let text = source.text().get(..end).unwrap_or(source.text());
        let (events, base) = events(text, 0);
        Self { source, text, at: if started { 0 } else { base.min(3) }, events, base, is_start: !started, prolog }
    }

    /// What stands next.
    // Inlined, so that what is plain need not go through memory to its reader.
    #[inline]
    pub fn next(&mut self) -> Read<Event> {
        match self.plain() {
            Some(event) => Ok(event),
            None => self.event(),
        }
    }

    // What stands next, as the events have it.
    #[cold]
    fn event(&mut self) -> Read<Event> {
        let start = self.at;
        if start > self.end_of_event() {
            (self.events, self.base) = events(self.text, start);
        }
        if start < self.base {
            self.at = self.base;
            return Ok(Event::Text(Span::new(start as u32, self.at as u32), None));
        }
        let is_start = std::mem::take(&mut self.is_start);
        let raw = self.events.read_event();
        let event = match raw {
            Ok(Raw::Eof) => return Ok(Event::Eof),
            Ok(Raw::Text(_) | Raw::GeneralRef(_)) => return self.characters(raw.ok()),
            Ok(Raw::Start(_) | Raw::Empty(_)) => {
                self.prolog = false;
                Event::Start(self.start_tag()?)
            }
            Ok(Raw::End(_)) => Event::End(self.end_tag()?),
            Ok(Raw::CData(_)) => Event::Cdata(self.cdata()?),
            Ok(Raw::Comment(_)) => {
                self.comment()?;
                Event::Other
            }
            Ok(Raw::Decl(_) | Raw::PI(_)) => {
                if !(is_start && self.declaration()?) {
                    self.instruction()?;
                }
                Event::Other
            }
            Ok(Raw::DocType(_)) => {
                self.doctype()?;
                Event::Other
            }
            Err(_) => return self.refused(),
        };
        if self.at != self.end_of_event() {
            self.at = start;
            return self.unexpected("well-formed markup");
        }
        Ok(event)
    }

    // Tags of nothing but a plain name and text that stands for itself, which are nearly all of a document: they are read and
    // judged in one pass. Everything else is left to the events.
    #[expect(clippy::inline_always, reason = "as for `next`")]
    #[inline(always)]
    fn plain(&mut self) -> Option<Event> {
        let bytes = &self.text.as_bytes()[self.at..];
        let at = self.at as u32;
        let name = |from: usize| {
            let starts = bytes.get(from).is_some_and(|byte| CLASS[*byte as usize] & NAME_START != 0);
            let length = bytes.get(from..)?.iter().position(|byte| CLASS[*byte as usize] & NAME == 0)?;
            starts.then(|| (Span::new(at + from as u32, at + (from + length) as u32), from + length))
        };
        let (event, length) = match bytes {
            [] => return None,
            [b'<', b'/', ..] => {
                let (name, end) = name(2)?;
                (Event::End(name), if bytes.get(end) == Some(&b'>') { end + 1 } else { return None })
            }
            [b'<', ..] => {
                let (name, end) = name(1)?;
                let empty = bytes.get(end) == Some(&b'/');
                let length = end + usize::from(empty) + 1;
                if bytes.get(length - 1) != Some(&b'>') {
                    return None;
                }
                self.prolog = false;
                (Event::Start(Tag { name, span: Span::new(at, at + length as u32), attributes: Vec::new(), empty }), length)
            }
            _ => {
                let length = bytes.iter().position(|byte| CLASS[*byte as usize] & TEXT == 0)?;
                if bytes[length] != b'<' {
                    return None;
                }
                (Event::Text(Span::new(at, at + length as u32), None), length)
            }
        };
        self.is_start = false;
        self.at += length;
        Some(event)
    }

    /// Outside the root: that no text follows, except for white space.
    pub fn no_text(&mut self, expected: &str) -> Read<()> {
        let start = self.at;
        self.skip_space();
        if !self.is_end() && (!self.starts("<") || self.starts("<![CDATA[")) {
            return self.unexpected(expected);
        }
        self.at = start;
        Ok(())
    }

    fn end_of_event(&self) -> usize {
        self.base + self.events.buffer_position() as usize
    }

    // Scans text that quick-xml rejects for the first error.
    fn refused(&mut self) -> Read<Event> {
        let start = self.at;
        if self.starts("</") {
            // The names do not match; who keeps what is open says so.
            return Ok(Event::End(self.end_tag()?));
        } else if self.starts("&") {
            self.reference()?;
        } else if self.starts("<!--") {
            self.comment()?;
        } else if self.starts("<![CDATA[") {
            self.cdata()?;
        } else if self.starts("<!DOCTYPE") {
            self.doctype()?;
        } else if self.starts("<?") {
            self.instruction()?;
        } else if self.starts("<") {
            self.start_tag()?;
        }
        self.at = start;
        self.unexpected("well-formed markup")
    }

    // Text and references as far as markup, of which the first event is available.
    fn characters(&mut self, mut raw: Option<Raw<'s>>) -> Read<Event> {
        let from = self.at;
        let mut decoded: Option<String> = None;
        loop {
            let start = self.at;
            if let Some(Raw::Text(_)) = raw {
                let end = self.end_of_event();
                let piece = &self.text[start..end];
                // Few texts have a bracket, and a search for three bytes has a start of its own to pay.
                let forbidden = memchr::memchr(b']', piece.as_bytes()).and_then(|_| piece.find("]]>"));
                self.chars(start + forbidden.unwrap_or(piece.len()))?;
                if self.at < end {
                    return self.unexpected("text without ]]>");
                }
                if decoded.is_some() || memchr::memchr(b'\r', piece.as_bytes()).is_some() {
                    let out = decoded.get_or_insert_with(|| self.text[from..start].to_owned());
                    out.push_str(&piece.replace("\r\n", "\n").replace('\r', "\n"));
                }
            } else {
                let c = self.reference()?;
                decoded.get_or_insert_with(|| self.text[from..start].to_owned()).push(c);
            }
            if self.is_end() || self.starts("<") {
                return Ok(Event::Text(Span::new(from as u32, self.at as u32), decoded));
            }
            raw = match self.events.read_event() {
                Ok(raw) => Some(raw),
                Err(_) => return self.refused(),
            };
        }
    }

    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn starts(&self, with: &str) -> bool {
        self.rest().starts_with(with)
    }

    fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) -> bool {
        let from = self.at;
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.at > from
    }

    pub fn unexpected<T>(&self, expected: &str) -> Read<T> {
        let at = self.at as u32;
        let (span, found) = match self.peek() {
            Some(c) => (Span::new(at, at + c.len_utf8() as u32), quote(c.encode_utf8(&mut [0; 4]), true)),
            None => (Span::at(at), "the end of the file".to_owned()),
        };
        Err(Box::new(Diagnostic::new(&rules::SYNTAX, self.source, span, format!("expected {expected}, found {found}"))))
    }

    fn eat(&mut self, wanted: &str, expected: &str) -> Read<()> {
        if !self.starts(wanted) {
            return self.unexpected(expected);
        }
        self.at += wanted.len();
        Ok(())
    }

    fn name(&mut self) -> Read<Span> {
        let from = self.at;
        let ascii = self.text.as_bytes().get(self.at).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        if !ascii && !self.peek().is_some_and(xml::is_name_start) {
            return self.unexpected("a name");
        }
        // Nearly all names are ASCII.
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
        self.at += self.rest().bytes().take_while(|byte| plain(byte)).count();
        if self.text.as_bytes().get(self.at).is_some_and(|byte| !byte.is_ascii()) {
            self.at += self.rest().find(|c| !xml::is_name_char(c)).unwrap_or(self.rest().len());
        }
        Ok(Span::new(from as u32, self.at as u32))
    }

    // A quoted text of the declaration.
    fn quoted(&mut self, name: &str, fits: impl Fn(&str) -> bool) -> Read<()> {
        self.at += name.len();
        self.skip_space();
        self.eat("=", "=")?;
        self.skip_space();
        let Some(mark @ ('"' | '\'')) = self.peek() else { return self.unexpected("a quotation mark") };
        self.at += 1;
        let end = self.rest().find(mark).unwrap_or(self.rest().len());
        if !fits(&self.rest()[..end]) {
            return self.unexpected(&format!("a value for {name}"));
        }
        self.at += end;
        self.eat(mark.encode_utf8(&mut [0; 4]), "a quotation mark")
    }

    // The XML declaration; whether there is one.
    fn declaration(&mut self) -> Read<bool> {
        if !self.starts("<?xml") || self.rest()[5..].starts_with(xml::is_name_char) {
            return Ok(false);
        }
        self.at += 5;
        self.skip_space();
        if !self.starts("version") {
            return self.unexpected("version");
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        self.quoted("version", |version| version.strip_prefix("1.").is_some_and(digits))?;
        let mut spaced = self.skip_space();
        if spaced && self.starts("encoding") {
            self.quoted("encoding", |name| {
                name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
            })?;
            spaced = self.skip_space();
        }
        if spaced && self.starts("standalone") {
            self.quoted("standalone", |word| matches!(word, "yes" | "no"))?;
            self.skip_space();
        }
        self.eat("?>", "?>")?;
        Ok(true)
    }

    // A document type declaration that declares nothing.
    fn doctype(&mut self) -> Read<()> {
        let start = self.at;
        if !std::mem::take(&mut self.prolog) {
            return self.unexpected("an element");
        }
        self.eat("<!DOCTYPE", "<!DOCTYPE")?;
        if !self.skip_space() {
            return self.unexpected("white space");
        }
        self.name()?;
        self.skip_space();
        if self.starts("SYSTEM") || self.starts("PUBLIC") || self.starts("[") {
            let span = Span::new(start as u32, self.at as u32);
            let message = "a document type declaration with declarations is not read";
            return Err(Box::new(
                Diagnostic::new(&rules::DOCTYPE, self.source, span, message)
                    .help("remove the declaration and replace its entities with their text"),
            ));
        }
        self.eat(">", ">")
    }

    fn chars(&mut self, end: usize) -> Read<()> {
        let text = &self.text[self.at..end];
        let plain = |byte: u8| (b' '..0x80).contains(&byte) || matches!(byte, b'\n' | b'\t' | b'\r');
        let bad = if text.bytes().all(plain) { None } else { text.find(|c| !xml::is_char(c)) };
        if let Some(bad) = bad {
            self.at += bad;
            return self.unexpected("a valid XML character");
        }
        self.at = end;
        Ok(())
    }

    // As far as `needle`; the end of the file where it is not there.
    fn until(&mut self, needle: &str) -> Read<()> {
        let end = self.rest().find(needle).map_or(self.text.len(), |found| self.at + found);
        self.chars(end)?;
        self.eat(needle, needle)
    }

    fn comment(&mut self) -> Read<()> {
        self.at += "<!--".len();
        let end = self.rest().find("--").map_or(self.text.len(), |found| self.at + found);
        self.chars(end)?;
        self.eat("--", "-->")?;
        self.eat(">", "> after the two hyphens")
    }

    fn instruction(&mut self) -> Read<()> {
        self.at += 2;
        let start = self.at;
        let name = self.name()?;
        if self.source.slice(name).eq_ignore_ascii_case("xml") {
            self.at = start;
            return self.unexpected("a target other than xml");
        }
        if !self.starts("?>") && !self.skip_space() {
            return self.unexpected("white space or ?>");
        }
        self.until("?>")
    }

    // A CDATA section; returns the span of its text.
    fn cdata(&mut self) -> Read<Span> {
        self.at += "<![CDATA[".len();
        let start = self.at as u32;
        self.until("]]>")?;
        Ok(Span::new(start, self.at as u32 - 3))
    }

    fn start_tag(&mut self) -> Read<Tag> {
        let start = self.at as u32;
        self.at += 1;
        let name = self.name()?;
        let mut attributes: Vec<Attribute> = Vec::new();
        // Names to places, where there are many.
        let mut index: Option<HashMap<&str, Span>> = None;
        loop {
            let spaced = self.skip_space();
            if self.starts(">") || self.starts("/>") {
                let empty = self.starts("/>");
                self.at += if empty { 2 } else { 1 };
                return Ok(Tag { name, span: Span::new(start, self.at as u32), attributes, empty });
            }
            if !spaced {
                return self.unexpected("white space, > or />");
            }
            let from = self.at;
            let name = self.name()?;
            let text = self.source.slice(name);
            let first = if attributes.len() < 16 {
                attributes.iter().map(|other| other.name).find(|other| self.source.slice(*other) == text)
            } else {
                let known = || attributes.iter().map(|other| (self.source.slice(other.name), other.name)).collect();
                index.get_or_insert_with(known).insert(text, name)
            };
            if let Some(first) = first {
                let message = format!("attribute {} is duplicated", quote(text, true));
                self.at = from;
                return Err(Box::new(
                    Diagnostic::new(&rules::SYNTAX, self.source, name, message)
                        .related("first", chancery_core::diagnostic::Place::new(self.source, first)),
                ));
            }
            self.skip_space();
            self.eat("=", "=")?;
            self.skip_space();
            let Some(mark @ ('"' | '\'')) = self.peek() else { return self.unexpected("a quotation mark") };
            self.at += 1;
            let (value, decoded) = self.value(mark)?;
            self.eat(mark.encode_utf8(&mut [0; 4]), "a quotation mark")?;
            attributes.push(Attribute { name, value, decoded });
        }
    }

    fn end_tag(&mut self) -> Read<Span> {
        self.at += 2;
        let name = self.name()?;
        self.skip_space();
        self.eat(">", ">")?;
        Ok(name)
    }

    // The value of an attribute up to its quotation mark; with it, the text where it differs.
    fn value(&mut self, mark: char) -> Read<(Span, Option<String>)> {
        let from = self.at;
        let mut decoded: Option<String> = None;
        let mut plain = self.at;
        while let Some(c) = self.peek() {
            let start = self.at;
            let put = match c {
                '<' => return self.unexpected("&lt; or the end of the value"),
                c if c == mark => break,
                '&' => self.reference()?,
                '\t' | '\n' | '\r' => {
                    self.at += if self.starts("\r\n") { 2 } else { 1 };
                    ' '
                }
                c if xml::is_char(c) => {
                    self.at += c.len_utf8();
                    continue;
                }
                _ => return self.unexpected("a valid XML character"),
            };
            let out = decoded.get_or_insert_default();
            out.push_str(&self.text[plain..start]);
            out.push(put);
            plain = self.at;
        }
        if let Some(out) = &mut decoded {
            out.push_str(&self.text[plain..self.at]);
        }
        Ok((Span::new(from as u32, self.at as u32), decoded))
    }

    fn reference(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        if self.starts("#") {
            self.at += 1;
            let radix = if self.starts("x") { 16 } else { 10 };
            self.at += usize::from(radix == 16);
            let length = self.rest().bytes().take_while(|byte| (*byte as char).is_digit(radix)).count();
            let c = u32::from_str_radix(&self.rest()[..length], radix).ok().and_then(char::from_u32).filter(|c| xml::is_char(*c));
            if length == 0 {
                return self.unexpected("a digit");
            }
            self.at += length;
            self.eat(";", ";")?;
            let Some(c) = c else {
                let span = Span::new(start as u32, self.at as u32);
                let message = format!("expected a reference to a valid XML character, found {}", quote(self.source.slice(span), true));
                return Err(Box::new(Diagnostic::new(&rules::SYNTAX, self.source, span, message)));
            };
            return Ok(c);
        }
        let name = self.name()?;
        self.eat(";", ";")?;
        Ok(match self.source.slice(name) {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            other => {
                let span = Span::new(start as u32, self.at as u32);
                let message = format!("expected amp, lt, gt, quot or apos, found the undefined entity {}", quote(other, true));
                return Err(Box::new(Diagnostic::new(&rules::SYNTAX, self.source, span, message)));
            }
        })
    }
}
