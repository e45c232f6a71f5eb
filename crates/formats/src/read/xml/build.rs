//! Builds the tree from elements, by the shape.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use super::wellformed::{Attribute, Event, Read, Scanner, Tag};
use crate::layout::xml;
use crate::read::directive::Comments;
use crate::read::limits::TooLarge;
use crate::read::records::{At as Step, Found, Level, Mark, Role, Target, Targets, hand_out};
use crate::read::{Reader, RecordVisitor, note_duplicates, too_deep, too_many};
use chancery_core::diagnostic::{Diagnostic, quote, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Kind, NodeId, Text, Tree};
use chancery_schema::shape::{Part, Types};

/// What a window has to know of what is before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Whether markup is before the window.
    pub started: bool,
    /// Whether the root stands, or begins, before the window.
    pub root_seen: bool,
    /// The elements that are open.
    pub open: Vec<OpenElement>,
    /// The prefix of our namespace and the version, where the document is in our form.
    pub mark: Option<(String, String)>,
    /// Whether the file ends with the window.
    pub last: bool,
}

/// An element that is open.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenElement {
    pub name: String,
    /// The targets whose paths lead into it.
    pub within: Arc<[usize]>,
    /// Where its name stands, if a path captures it.
    pub mark: Option<Mark>,
    pub has_elements: bool,
}

/// Reads the records of a window.
pub(super) struct Records {
    pub targets: Arc<Targets>,
    /// Whether paths say what the records are.
    pub by_path: bool,
    /// How many elements are open around a record, without paths.
    pub depth: usize,
    pub max_depth: usize,
    pub max_values: usize,
    pub max_record_bytes: usize,
    /// Where the text ends. The names of elements that are open at the start are after it.
    pub end: usize,
    pub levels: Vec<Level>,
    pub frame: Frame,
    /// What was found in the whole file, where it ends with the window, and its root.
    pub ending: Option<(Found, Mark)>,
}

/// How many values an element counts as.
const ELEMENT: usize = 6;
/// A list of elements that is longer is given back after its record.
const KEPT_ELEMENTS: usize = 1 << 14;

impl Frame {
    /// Whether the document is in our form, of another version.
    pub fn is_strange(&self) -> bool {
        self.mark.as_ref().is_some_and(|(_, version)| version != xml::VERSION)
    }
}

// The elements of a record in the order of their start tags; cleared and filled again for the next record.
type Elements = Vec<Element>;

struct Element {
    tag: Tag,
    // The first and the last child and the next sibling, by number; 0, the number of the record's own, if there is none.
    first: u32,
    last: u32,
    next: u32,
    // All text, the first and the last of it; the text itself if it is not one contiguous part of the source.
    text: Option<(Span, Option<String>)>,
    // Whether the text is white space alone.
    blank: bool,
    end: u32,
}

// An element among those of its record.
#[derive(Clone, Copy)]
struct At<'e> {
    all: &'e [Element],
    element: &'e Element,
}

impl Deref for At<'_> {
    type Target = Element;

    fn deref(&self) -> &Element {
        self.element
    }
}

impl<'e> At<'e> {
    fn tag(self) -> &'e Tag {
        &self.element.tag
    }

    fn number(self, number: u32) -> Option<Self> {
        if number == 0 { None } else { self.all.get(number as usize).map(|element| Self { all: self.all, element }) }
    }

    fn children(self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.number(self.element.first), |child| child.number(child.element.next))
    }
}

impl Reader for Records {
    fn comments(&self) -> Option<Comments> {
        Some(Comments::Markup)
    }

    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        if self.frame.is_strange() {
            visitor.file_diagnostic(self.strange(source));
            return visitor.stop();
        }
        if let Err(diagnostic) = self.window(source, tree, visitor) {
            visitor.emit(*diagnostic);
            visitor.malformed();
            return visitor.stop();
        }
        if let Some((found, root)) = &self.ending {
            let diagnostics = if self.by_path { found.diagnostics(source, root) } else { found.skipped(source).into_iter().collect() };
            diagnostics.into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
        }
    }
}

impl Records {
    // The note on another version of the form, at the version.
    fn strange(&self, source: &Arc<Source>) -> Diagnostic {
        let (prefix, version) = self.frame.mark.clone().unwrap_or_default();
        let mut scanner = Scanner::new(source, self.end, self.frame.started, true);
        let span = loop {
            match scanner.next() {
                Ok(Event::Start(tag)) => {
                    let wanted = |attribute: &&Attribute| source.slice(attribute.name).split_once(':') == Some((&prefix, "version"));
                    break tag.attributes.iter().find(wanted).map_or(tag.span, |attribute| attribute.value);
                }
                Ok(Event::Eof) | Err(_) => break Span::at(0),
                Ok(_) => {}
            }
        };
        let message = format!("expected layout version {}, found {}", xml::VERSION, quote(&version, true));
        Diagnostic::new(&rules::BAD_MARK, source, span, message).help("read it with the version that wrote it")
    }

    fn window(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) -> Read<()> {
        let mut scanner = Scanner::new(source, self.end, self.frame.started, !self.frame.root_seen);
        let mut open = self.frame.open.clone();
        let mut levels = self.levels.clone();
        let mut elements = Elements::new();
        let mut root_seen = self.frame.root_seen;
        // Hardly any window has a backslash, so that its texts need not be looked through one by one.
        let escapes = memchr::memchr(b'\\', source.text().as_bytes()).is_some();
        loop {
            let start = scanner.at;
            if open.is_empty() {
                scanner.no_text(if root_seen { "the end of the file" } else { "the root element" })?;
            }
            match scanner.next()? {
                Event::Start(tag) => {
                    if open.is_empty() && root_seen {
                        scanner.at = start;
                        return scanner.unexpected("the end of the file");
                    }
                    root_seen = true;
                    let name = source.slice(tag.name);
                    let role = match self.by_path {
                        true => {
                            let within = open.last().map_or(self.targets.all(), |element| &element.within);
                            self.targets.child(within, open.len(), Step::Name(name), Kind::Object)
                        }
                        false if open.len() == self.depth => Role::Record(0),
                        false => Role::Outside,
                    };
                    // One for each open element, where a path may capture its name.
                    levels.truncate(open.len());
                    levels.extend(self.by_path.then(|| Level { text: name.to_owned(), span: tag.name, is_index: false }));
                    if let Role::Record(target) | Role::List(target) = role {
                        let target = self.targets.get(target);
                        visitor.collection(target.collection);
                        if !self.element(&mut scanner, tag, &mut elements)? {
                            let limit = self.max_values / ELEMENT;
                            visitor.emit(too_many(source, Span::at(start as u32), limit, "elements and attributes"));
                            visitor.malformed();
                        } else if scanner.at - start > self.max_record_bytes {
                            visitor.emit(TooLarge::diagnostic(source, start as u32, self.max_record_bytes));
                            visitor.malformed();
                        } else {
                            self.record(source, escapes, &elements, (target, &levels), tree, visitor);
                        }
                    } else if !tag.empty {
                        let within = if let Role::Inside(within) = role { within } else { Arc::default() };
                        open.push(OpenElement { name: name.to_owned(), within, ..OpenElement::default() });
                    }
                }
                Event::End(name) => close(&mut scanner, start, name, &mut open)?,
                Event::Text(span, _) => {
                    let text = source.slice(span);
                    let blank = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
                    let span = Span::new(span.start + blank as u32, span.end);
                    if !span.is_empty() && !self.by_path {
                        visitor.file_diagnostic(stray(source, span));
                    }
                }
                Event::Cdata(span) => {
                    if !span.is_empty() && !self.by_path {
                        visitor.file_diagnostic(stray(source, span));
                    }
                }
                Event::Other => {}
                Event::Eof => break,
            }
        }
        if self.frame.last && !root_seen {
            return scanner.unexpected("the root element");
        }
        match open.last() {
            Some(OpenElement { name, .. }) if self.frame.last => scanner.unexpected(&format!("</{name}>")),
            _ => Ok(()),
        }
    }

    // Reads an element whose start tag has been read; what is open is kept on the heap, so depth costs no call stack. Says
    // whether it has no more elements and attributes than a record may have.
    fn element(&self, scanner: &mut Scanner<'_>, tag: Tag, elements: &mut Elements) -> Read<bool> {
        let source = scanner.source;
        elements.clear();
        elements.shrink_to(KEPT_ELEMENTS);
        let empty = tag.empty;
        // Elements and attributes take more memory than what they become.
        let limit = self.max_values / ELEMENT;
        let mut count = 1 + tag.attributes.len();
        elements.push(Element::new(tag));
        if empty {
            return Ok(count <= limit);
        }
        // Each open element with its number, or without one where there are too many, and its name.
        let mut stack: Vec<(Option<usize>, Span)> = Vec::with_capacity(8);
        stack.push((Some(0), elements[0].tag.name));
        loop {
            let Some(&(top, expected)) = stack.last() else { return Ok(count <= limit) };
            let event = scanner.next()?;
            let Some(top) = top else {
                // Gone through completely, so that the next record can be read.
                match event {
                    Event::End(name) => {
                        Self::end(scanner, name, expected)?;
                        stack.pop();
                    }
                    Event::Start(tag) => {
                        if stack.len() >= self.max_depth {
                            return Err(Box::new(too_deep(source, tag.span, self.max_depth)));
                        }
                        if !tag.empty {
                            stack.push((None, tag.name));
                        }
                    }
                    Event::Eof => return scanner.unexpected(&format!("</{}>", source.slice(expected))),
                    _ => {}
                }
                continue;
            };
            match event {
                Event::Other => {}
                Event::Cdata(span) => {
                    let text = source.slice(span);
                    let decoded = text.contains('\r').then(|| text.replace("\r\n", "\n").replace('\r', "\n"));
                    elements[top].add(source, span, decoded);
                }
                Event::Text(span, decoded) => elements[top].add(source, span, decoded),
                Event::End(name) => {
                    Self::end(scanner, name, expected)?;
                    elements[top].end = scanner.at as u32;
                    stack.pop();
                }
                Event::Start(tag) => {
                    if stack.len() >= self.max_depth {
                        return Err(Box::new(too_deep(source, tag.span, self.max_depth)));
                    }
                    count += 1 + tag.attributes.len();
                    if count > limit {
                        elements.clear();
                        elements.push(Element::new(Tag { attributes: Vec::new(), ..tag }));
                        let is_empty = elements[0].tag.empty;
                        stack.iter_mut().for_each(|(number, _)| *number = None);
                        if !is_empty {
                            stack.push((None, elements[0].tag.name));
                        }
                        continue;
                    }
                    let number = elements.len();
                    let last = std::mem::replace(&mut elements[top].last, number as u32) as usize;
                    if last == 0 {
                        elements[top].first = number as u32;
                    } else {
                        elements[last].next = number as u32;
                    }
                    if !tag.empty {
                        stack.push((Some(number), tag.name));
                    }
                    elements.push(Element::new(tag));
                }
                Event::Eof => return scanner.unexpected(&format!("</{}>", source.slice(expected))),
            }
        }
    }

    // Reports that an end tag is not that of the innermost element, if it is not.
    fn end(scanner: &mut Scanner<'_>, name: Span, expected: Span) -> Read<()> {
        let expected = scanner.source.slice(expected);
        if scanner.source.slice(name) == expected {
            return Ok(());
        }
        scanner.at = name.start as usize;
        scanner.unexpected(&format!("</{expected}>"))
    }

    fn record(
        &self,
        source: &Arc<Source>,
        escapes: bool,
        elements: &[Element],
        (target, levels): (&Target, &[Level]),
        tree: &mut Tree,
        visitor: &mut dyn RecordVisitor,
    ) {
        let Some(element) = elements.first() else { return };
        tree.reset(source);
        let root = target.shape.root();
        let own = self.frame.mark.as_ref().map(|(prefix, _)| prefix.as_str());
        let mut builder = Builder { source, tree, own, escapes, namespaces: root.is_any(), visitor, refused: false };
        builder.value(At { all: elements, element }, root);
        let refused = builder.refused;
        if refused {
            let start = element.tag.span;
            visitor.surplus(Span::new(start.start, element.end.max(start.end)));
            visitor.malformed();
        } else {
            hand_out(tree, target, levels, visitor);
        }
    }
}

// The note on text among elements.
fn stray(source: &Arc<Source>, span: Span) -> Diagnostic {
    let message = format!("expected only elements, found the text {} among them", quote(xml::trim(source.slice(span)), true));
    Diagnostic::new(&rules::MIXED_CONTENT, source, span, message).help("put the text in its own element")
}

// Closes what is open around the records.
fn close(scanner: &mut Scanner<'_>, start: usize, name: Span, open: &mut Vec<OpenElement>) -> Read<()> {
    match open.pop().map(|element| element.name) {
        Some(expected) if scanner.source.slice(name) == expected => Ok(()),
        Some(expected) => {
            scanner.at = name.start as usize;
            scanner.unexpected(&format!("</{expected}>"))
        }
        None => {
            scanner.at = start;
            scanner.unexpected("an element")
        }
    }
}

impl Element {
    fn new(tag: Tag) -> Self {
        Self { end: tag.span.end, tag, first: 0, last: 0, next: 0, text: None, blank: true }
    }

    fn add(&mut self, source: &Source, span: Span, decoded: Option<String>) {
        if span.is_empty() {
            return;
        }
        let blank = decoded.as_deref().unwrap_or_else(|| source.slice(span)).bytes().all(xml::is_space);
        // What indents elements is no text, and is most of what stands between them.
        if blank && self.blank && self.first != 0 {
            return;
        }
        self.blank &= blank;
        self.text = Some(match self.text.take() {
            None => (span, decoded),
            Some((before, text)) => {
                let mut text = text.unwrap_or_else(|| source.slice(before).to_owned());
                text.push_str(decoded.as_deref().unwrap_or_else(|| source.slice(span)));
                (before.to(span), Some(text))
            }
        });
    }
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    tree: &'a mut Tree,
    // The prefix of our namespace, where the document is in our form.
    own: Option<&'a str>,
    // Whether the source has backslashes; what a reference stands for may be one in any.
    escapes: bool,
    // Whether namespace declarations are members.
    namespaces: bool,
    visitor: &'a mut dyn RecordVisitor,
    refused: bool,
}

impl<'a> Builder<'a> {
    fn text_of<'e>(&'e self, attribute: &'e Attribute) -> &'e str {
        attribute.decoded.as_deref().unwrap_or_else(|| self.source.slice(attribute.value))
    }

    // The value of one of our own marks on the element.
    fn mark(&self, element: &Element, name: &str) -> Option<String> {
        let prefix = self.own?;
        let wanted = |attribute: &&Attribute| self.source.slice(attribute.name).split_once(':') == Some((prefix, name));
        element.tag.attributes.iter().find(wanted).map(|attribute| self.text_of(attribute).to_owned())
    }

    fn is_member(&self, element: &Element) -> bool {
        // It has a name, so it has an attribute.
        !element.tag.attributes.is_empty()
            && self.own.is_some_and(|prefix| self.source.slice(element.tag.name).split_once(':') == Some((prefix, "member")))
    }

    fn is_data(&self, attribute: &Attribute, of_member: bool) -> bool {
        let name = self.source.slice(attribute.name);
        let declaration = name == "xmlns" || name.starts_with("xmlns:");
        let mark = self.own.is_some_and(|own| name.split_once(':').is_some_and(|(prefix, _)| prefix == own));
        !(mark || declaration && (self.own.is_some() || !self.namespaces) || of_member && name == "name")
    }

    fn refuse(&mut self, diagnostic: Diagnostic) {
        self.refused = true;
        self.visitor.emit(diagnostic);
    }

    // Depth is bounded by `max_depth`.
    fn value(&mut self, element: At<'_>, part: Part<'_>) {
        let whole = Span::new(element.tag.span.start, element.end);
        if self.mark(&element, "nil").as_deref() == Some("true") {
            self.tree.scalar(Kind::Null, whole, Text::Owned("null"));
            return;
        }
        let given = self.mark(&element, "empty").or_else(|| self.mark(&element, "type"));
        let given = match given.as_deref() {
            None => None,
            Some("array") => Some(Kind::Array),
            Some("object") => Some(Kind::Object),
            Some("string") => Some(Kind::String),
            Some("number") => Some(Kind::Number),
            Some("boolean") => Some(Kind::Bool),
            Some(other) => {
                let message = format!("expected array, object, string, number or boolean as the type, found {}", quote(other, true));
                self.refuse(Diagnostic::new(&rules::BAD_MARK, self.source, element.tag.span, message));
                None
            }
        };
        let text = element.text.as_ref().map_or("", |(span, text)| text.as_deref().unwrap_or_else(|| self.source.slice(*span)));
        let blank = element.blank;
        let of_member = self.is_member(&element);
        let bare = !element.tag.attributes.iter().any(|attribute| self.is_data(attribute, of_member));
        if element.first != 0 && !blank {
            let span = element.text.as_ref().map_or(whole, |(span, _)| *span);
            let message = format!("expected only elements, found the text {} among them", quote(xml::trim(text), true));
            self.refuse(Diagnostic::new(&rules::MIXED_CONTENT, self.source, span, message).help("put the text in its own element"));
        }
        if bare && element.first == 0 && !matches!(given, Some(Kind::Array | Kind::Object)) {
            let only = part.types().without(Types::NULL);
            if self.own.is_none() && blank && (only == Types::ARRAY || only == Types::OBJECT) {
                self.tree.open(if only == Types::ARRAY { Kind::Array } else { Kind::Object }, element.tag.span);
                return self.tree.close(element.end);
            }
            let (span, decoded) = match &element.text {
                None => (if element.tag.empty { element.tag.span } else { whole }, Some("")),
                Some((span, decoded)) => (*span, decoded.as_deref()),
            };
            return self.scalar(span, decoded, part, given, element.tag.span);
        }
        let implied = if bare { xml::implied_container(part) } else { Kind::Object };
        match given.unwrap_or(implied) {
            Kind::Array => {
                self.tree.open(Kind::Array, element.tag.span);
                for (index, child) in element.children().enumerate() {
                    self.value(child, part.item(index));
                }
                self.tree.close(element.end);
            }
            _ => self.object(element, part, blank, of_member),
        }
    }

    fn object(&mut self, element: At<'_>, part: Part<'_>, blank: bool, of_member: bool) {
        let source = self.source;
        let id = self.tree.open(Kind::Object, element.tag.span);
        let mut has_attributes = false;
        for attribute in &element.tag().attributes {
            if !self.is_data(attribute, of_member) {
                continue;
            }
            let name = source.slice(attribute.name);
            let name = if part.declared(name).is_some() { Cow::Borrowed(name) } else { format!("@{name}").into() };
            self.key(&name, attribute.name);
            self.scalar(attribute.value, attribute.decoded.as_deref(), part.member(&name), None, attribute.name);
            has_attributes = true;
        }
        if self.own.is_some() {
            for child in element.children() {
                let (name, span) = self.name(child);
                let name = match name {
                    Cow::Borrowed(_) => {
                        self.tree.key(span, Text::Source(span));
                        name
                    }
                    Cow::Owned(given) => {
                        let name = xml::unescape(&given).unwrap_or(given);
                        self.key(&name, span);
                        name.into()
                    }
                };
                self.value(child, part.member(&name));
            }
        } else {
            self.elements(element, part);
        }
        if element.first == 0
            && !blank
            && has_attributes
            && let Some((span, decoded)) = &element.text
        {
            self.key("#text", *span);
            // The name stands nowhere.
            self.tree.mark_key_shared();
            self.scalar(*span, decoded.as_deref(), part.member("#text"), None, element.tag.span);
        }
        self.tree.close(element.end);
        self.emit(id);
    }

    // The elements of a document of others, where several of one name may be a list.
    fn elements(&mut self, element: At<'_>, part: Part<'_>) {
        let mut members: Vec<(Cow<'_, str>, Span, Part<'_>, Vec<At<'_>>)> = Vec::new();
        let mut lists: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for child in element.children() {
            let (name, span) = self.name(child);
            let part = part.member(&name);
            if part.types().allows(Types::ARRAY) {
                if let Some((.., same)) = lists.get(&name).and_then(|at| members.get_mut(*at)) {
                    same.push(child);
                    continue;
                }
                lists.insert(name.clone(), members.len());
            }
            members.push((name, span, part, vec![child]));
        }
        for (name, span, part, same) in members {
            self.key(&name, span);
            // The name of a repeated element is at each.
            if same.len() > 1 {
                self.tree.mark_key_shared();
            }
            self.member(&same, part);
        }
    }

    // What an element is called as a member, and where that stands.
    fn name<'e>(&self, element: At<'e>) -> (Cow<'e, str>, Span)
    where
        'a: 'e,
    {
        let source = self.source;
        let given = || element.tag().attributes.iter().find(|attribute| source.slice(attribute.name) == "name");
        match self.is_member(&element).then(given).flatten() {
            Some(attribute) => (self.text_of(attribute).to_owned().into(), attribute.value),
            None => (Cow::Borrowed(source.slice(element.tag.name)), element.tag.name),
        }
    }

    fn key(&mut self, name: &str, span: Span) {
        let verbatim = self.source.slice(span) == name;
        self.tree.key(span, if verbatim { Text::Source(span) } else { Text::Owned(name) });
    }

    fn emit(&mut self, id: NodeId) {
        note_duplicates(self.tree, id, &mut *self.visitor);
    }

    // One element of a document of others, or several of one name.
    fn member(&mut self, same: &[At<'_>], part: Part<'_>) {
        let (first, last) = (same[0], same[same.len() - 1]);
        let list_only = part.types().without(Types::NULL) == Types::ARRAY;
        if same.len() == 1 && (!list_only || self.is_wrapper(first, part)) {
            return self.value(first, part);
        }
        self.tree.open(Kind::Array, first.tag.span);
        for (index, element) in same.iter().enumerate() {
            self.value(*element, part.item(index));
        }
        self.tree.close(last.end);
    }

    // Whether the element of a list holds the items, and is not itself the only item.
    fn is_wrapper(&self, element: At<'_>, part: Part<'_>) -> bool {
        let name = |child: At<'_>| self.source.slice(child.tag.name);
        let data = element.tag.attributes.iter().any(|attribute| self.is_data(attribute, false));
        let Some(first) = element.children().next() else {
            return !data && element.text.as_ref().is_none_or(|(span, _)| xml::trim(self.source.slice(*span)).is_empty());
        };
        !data && part.item(0).declared(name(first)).is_none() && element.children().all(|child| name(child) == name(first))
    }

    fn scalar(&mut self, span: Span, decoded: Option<&str>, part: Part<'_>, given: Option<Kind>, tag: Span) {
        let has_escapes = self.own.is_some() && (self.escapes || decoded.is_some());
        let undone = if has_escapes { xml::unescape(decoded.unwrap_or_else(|| self.source.slice(span))) } else { None };
        let decoded = undone.as_deref().or(decoded);
        let text = decoded.unwrap_or_else(|| self.source.slice(span));
        let kind = given.unwrap_or_else(|| xml::implied(part, text));
        if kind == Kind::String {
            match decoded {
                None => self.tree.scalar(kind, span, Text::Source(span)),
                Some(text) => self.tree.scalar(kind, span, Text::Owned(text)),
            };
            return;
        }
        let trimmed = xml::trim(text);
        let fits = if kind == Kind::Number { chancery_core::tree::number::is_number(trimmed) } else { matches!(trimmed, "true" | "false") };
        if !fits {
            let message = format!("expected a {}, found {}", kind.word(), quote(text, true));
            self.refuse(Diagnostic::new(&rules::BAD_MARK, self.source, tag, message));
        }
        let before = (text.len() - text.trim_start_matches([' ', '\t', '\n', '\r']).len()) as u32;
        let (span, text) = if decoded.is_none() {
            let span = Span::new(span.start + before, span.start + before + trimmed.len() as u32);
            (span, Text::Source(span))
        } else {
            (span, Text::Owned(trimmed))
        };
        self.tree.scalar(kind, span, text);
    }
}
