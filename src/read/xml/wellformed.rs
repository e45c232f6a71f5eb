//! The well-formedness of XML 1.0, fifth edition, and nothing else: goes through a text and hands out what stands there.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, quote, rules};
use crate::layout::xml;
use crate::source::{Source, Span};

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

/// Goes through a text.
pub(super) struct Scanner<'s> {
    pub source: &'s Arc<Source>,
    text: &'s str,
    pub at: usize,
}

impl<'s> Scanner<'s> {
    pub fn new(source: &'s Arc<Source>) -> Self {
        Self { source, text: source.text(), at: 0 }
    }

    pub fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    pub fn starts(&self, with: &str) -> bool {
        self.rest().starts_with(with)
    }

    pub fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn skip_space(&mut self) -> bool {
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

    pub fn name(&mut self) -> Read<Span> {
        let from = self.at;
        if !self.peek().is_some_and(xml::is_name_start) {
            return self.unexpected("a name");
        }
        self.at += self.rest().find(|c| !xml::is_name_char(c)).unwrap_or(self.rest().len());
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

    /// The XML declaration, where there is one.
    pub fn declaration(&mut self) -> Read<()> {
        if !self.starts("<?xml") || self.rest()[5..].starts_with(xml::is_name_char) {
            return Ok(());
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
        self.eat("?>", "?>")
    }

    /// A document type declaration that declares nothing.
    pub fn doctype(&mut self) -> Read<()> {
        let start = self.at;
        self.at += "<!DOCTYPE".len();
        if !self.skip_space() {
            return self.unexpected("white space");
        }
        self.name()?;
        self.skip_space();
        if self.starts("SYSTEM") || self.starts("PUBLIC") || self.starts("[") {
            let span = Span::new(start as u32, self.at as u32);
            let message = "a document type declaration that declares something is not read";
            return Err(Box::new(
                Diagnostic::new(&rules::DOCTYPE, self.source, span, message)
                    .help("take the declaration out and write the text of its entities where they are used"),
            ));
        }
        self.eat(">", ">")
    }

    fn chars(&mut self, end: usize) -> Read<()> {
        if let Some(bad) = self.text[self.at..end].find(|c| !xml::is_char(c)) {
            self.at += bad;
            return self.unexpected("a character that XML allows");
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

    pub fn comment(&mut self) -> Read<()> {
        self.at += "<!--".len();
        let end = self.rest().find("--").map_or(self.text.len(), |found| self.at + found);
        self.chars(end)?;
        self.eat("--", "-->")?;
        self.eat(">", "> behind the two hyphens")
    }

    pub fn instruction(&mut self) -> Read<()> {
        self.at += 2;
        let start = self.at;
        let name = self.name()?;
        if self.source.slice(name).eq_ignore_ascii_case("xml") {
            self.at = start;
            return self.unexpected("another target than xml");
        }
        if !self.starts("?>") && !self.skip_space() {
            return self.unexpected("white space or ?>");
        }
        self.until("?>")
    }

    /// A CDATA section; gives the span of its text.
    pub fn cdata(&mut self) -> Read<Span> {
        self.at += "<![CDATA[".len();
        let start = self.at as u32;
        self.until("]]>")?;
        Ok(Span::new(start, self.at as u32 - 3))
    }

    pub fn start_tag(&mut self) -> Read<Tag> {
        let start = self.at as u32;
        self.at += 1;
        let name = self.name()?;
        let mut attributes: Vec<Attribute> = Vec::new();
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
            let same = |other: &&Attribute| self.source.slice(other.name) == self.source.slice(name);
            if let Some(first) = attributes.iter().find(same) {
                let message = format!("attribute {} is there twice", quote(self.source.slice(name), true));
                self.at = from;
                return Err(Box::new(
                    Diagnostic::new(&rules::SYNTAX, self.source, name, message)
                        .related("first", crate::diagnostic::Place::new(self.source, first.name)),
                ));
            }
            self.skip_space();
            self.eat("=", "=")?;
            self.skip_space();
            let Some(mark @ ('"' | '\'')) = self.peek() else { return self.unexpected("a quotation mark") };
            self.at += 1;
            let (value, decoded) = self.text(Some(mark))?;
            self.eat(mark.encode_utf8(&mut [0; 4]), "a quotation mark")?;
            attributes.push(Attribute { name, value, decoded });
        }
    }

    pub fn end_tag(&mut self) -> Read<Span> {
        self.at += 2;
        let name = self.name()?;
        self.skip_space();
        self.eat(">", ">")?;
        Ok(name)
    }

    /// Text up to markup, or the value of an attribute up to its quotation mark; with it, the text where it differs.
    pub fn text(&mut self, mark: Option<char>) -> Read<(Span, Option<String>)> {
        let from = self.at;
        let mut decoded: Option<String> = None;
        let mut plain = self.at;
        while let Some(c) = self.peek() {
            let start = self.at;
            let put = match c {
                '<' if mark.is_none() => break,
                '<' => return self.unexpected("&lt; or the end of the value"),
                c if Some(c) == mark => break,
                '&' => self.reference()?,
                '\r' => {
                    self.at += if self.starts("\r\n") { 2 } else { 1 };
                    if mark.is_some() { ' ' } else { '\n' }
                }
                '\t' | '\n' if mark.is_some() => {
                    self.at += 1;
                    ' '
                }
                ']' if mark.is_none() && self.starts("]]>") => return self.unexpected("text without ]]>"),
                c if xml::is_char(c) => {
                    self.at += c.len_utf8();
                    continue;
                }
                _ => return self.unexpected("a character that XML allows"),
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
                let message = "expected a reference to a character that XML allows, found another".to_owned();
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
