//! Reads JSON (RFC 8259), strictly: its own tokenizer fills the tree directly.
//!
//! Input: a whole document, or a window of the items of an array. Output: one record an item of a root array, or one for any
//! other root; `--records` names another place, and an array there is cut at its items too. A syntax error costs the record it is in and ends the reading of the
//! file, because nothing after it can be trusted.

mod names;
mod scan;
mod seek;

use std::sync::Arc;

use super::limits::{TooLarge, floor_char};
use super::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, TopLevel, Window, note_duplicates, too_deep};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, rules};
use chancery_core::source::{InputBuffer, Position, ReadError, Source, Span};
use chancery_core::tree::{Kind, Text, Tree, key_hash, number, plain_length};
use names::Names;
use scan::{Border, Scan};
use seek::{PathSeek, SeekResult};

/// Cuts a root array at its items; takes any other document whole.
pub struct JsonChunker {
    feed: InputBuffer,
    options: Options,
    state: State,
    // What is before the array, where that is not the root.
    head: Option<Source>,
}

enum State {
    Start,
    // Inside the array, before its first item or after a comma.
    Items { first: bool },
    // After an array that is not the root.
    Tail,
    // After the root array, where nothing but white space may stand.
    AfterItems,
    Done,
}

impl JsonChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        Self { feed, options: options.clone(), state: State::Start, head: None }
    }

    fn is_space(byte: u8) -> bool {
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    }

    // Reads on until a byte that is no white space is available, and gives its offset and itself. White space is kept as far
    // as a window goes, and dropped beyond, so that any amount of it takes no memory.
    fn first_byte(&mut self) -> Result<Option<(usize, u8)>, ReadError> {
        let mut from = 0;
        loop {
            if let Some(at) = self.feed.bytes()[from..].iter().position(|byte| !Self::is_space(*byte)) {
                return Ok(Some((from + at, self.feed.bytes()[from + at])));
            }
            from = self.feed.bytes().len();
            if from >= self.options.window_bytes {
                self.feed.skip(from)?;
                from = 0;
            }
            if !self.feed.fill()? {
                return Ok(None);
            }
        }
    }

    // What stands after the root array: the first byte that is no white space, so that the reader can point at it.
    fn behind(&mut self) -> Result<Option<Window>, ReadError> {
        self.state = State::Done;
        let Some((at, _)) = self.first_byte()? else { return Ok(None) };
        self.feed.skip(at)?;
        self.feed.fill_from_stream(4)?;
        let bytes = self.feed.bytes();
        let mut length = bytes.len().min(4);
        while bytes.get(length).is_some_and(|byte| byte & 0xC0 == 0x80) {
            length += 1;
        }
        let reader: Arc<dyn Reader> = Arc::new(AfterItems);
        Ok(Some(Window::new(self.feed.consume(length)?, &reader)))
    }

    fn whole(&mut self) -> Result<Option<Window>, ReadError> {
        self.state = State::Done;
        while self.feed.bytes().len() <= self.options.max_record_bytes && self.feed.fill()? {}
        if self.feed.bytes().len() > self.options.max_record_bytes {
            return self.too_large();
        }
        let records = self.options.records.clone();
        let top_level = TopLevel::of_whole(records.as_deref());
        let reader: Arc<dyn Reader> =
            Arc::new(Document { max_depth: self.options.max_depth, max_values: self.options.max_values(), records });
        Ok(Some(Window::new(self.feed.consume(self.feed.bytes().len())?, &reader).of(top_level)))
    }

    // Passes on the start of a document past the limit; the rest is left unread.
    fn too_large(&mut self) -> Result<Option<Window>, ReadError> {
        let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.options.max_record_bytes });
        let shown = floor_char(self.feed.bytes(), 80);
        Ok(Some(Window::new(self.feed.consume(shown)?, &reader)))
    }

    // Passes on the start of an item past the limit, and drops the rest of it; `scan` has come to `at`.
    fn skip_item(&mut self, mut scan: Scan, mut at: usize) -> Result<Option<Window>, ReadError> {
        let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.options.max_record_bytes });
        let shown = floor_char(self.feed.bytes(), at.min(80));
        let window = Window::new(self.feed.consume(shown)?, &reader);
        at -= shown;
        loop {
            match scan.step(self.feed.bytes(), &mut at) {
                Some(Border::Comma(end)) => {
                    self.feed.consume(end)?;
                    self.state = State::Items { first: false };
                    return Ok(Some(window));
                }
                Some(Border::End(end)) => {
                    // What is left looks like the end of an empty array, and is right as such.
                    self.feed.consume(end - 1)?;
                    self.state = State::Items { first: true };
                    return Ok(Some(window));
                }
                None => {
                    let dropped = floor_char(self.feed.bytes(), at);
                    self.feed.consume(dropped)?;
                    at -= dropped;
                    if !self.feed.fill()? {
                        self.state = State::Done;
                        return Ok(Some(window));
                    }
                }
            }
        }
    }

    // Cuts after the comma after the last item that ends inside a window's length, or takes the array's end and all after it.
    fn items(&mut self, first: bool) -> Result<Option<Window>, ReadError> {
        self.feed.fill_from_stream(self.options.window_bytes)?;
        let mut scan = Scan::default();
        let mut at = 0;
        let mut cut = 0;
        let mut items = 0;
        loop {
            while let Some(found) = scan.step(self.feed.bytes(), &mut at) {
                match found {
                    Border::Comma(end) => {
                        cut = end;
                        items += 1;
                        if end >= self.options.window_bytes || items >= MAX_RECORDS_PER_WINDOW {
                            return self.take_items(end, first, false);
                        }
                    }
                    Border::End(end) if self.head.is_some() => {
                        let window = self.take_items(end, first, true);
                        self.state = State::Tail;
                        return window;
                    }
                    Border::End(end) => {
                        self.state = State::Done;
                        return self.take_end(end, first);
                    }
                }
            }
            if cut > 0 {
                return self.take_items(cut, first, false);
            }
            if self.feed.bytes().len() > self.options.max_record_bytes {
                return self.skip_item(scan, at);
            }
            if !self.feed.fill()? {
                // The array does not end; the reader says where.
                self.state = State::Done;
                return self.take_items(self.feed.bytes().len(), first, true);
            }
        }
    }

    // Looks for the array that `--records` names, and is at its first item; returns whether it is there.
    fn enter(&mut self, pointer: &str) -> Result<bool, ReadError> {
        let mut path = PathSeek::new(pointer);
        loop {
            match path.seek(self.feed.bytes()) {
                SeekResult::Array(end) => {
                    self.head = Some(self.feed.consume(end)?);
                    self.state = State::Items { first: true };
                    return Ok(true);
                }
                SeekResult::None => return Ok(false),
                SeekResult::Unknown => {
                    if self.feed.bytes().len() > self.options.max_record_bytes || !self.feed.fill()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    // What stands around the array, which is as if it were empty.
    fn tail(&mut self) -> Result<Option<Window>, ReadError> {
        self.state = State::Done;
        let Some(mut source) = self.head.take() else { return Ok(None) };
        while self.feed.bytes().len() <= self.options.max_record_bytes && self.feed.fill()? {}
        if self.feed.bytes().len() > self.options.max_record_bytes {
            return self.too_large();
        }
        let Position { byte, line, column } = self.feed.position();
        let bracket = Position { byte: byte - 1, line, column: column - 1 };
        let tail = self.feed.consume(self.feed.bytes().len())?;
        source.append(Arc::clone(tail.name()), &format!("]{}", tail.text()), bracket);
        let records = self.options.records.clone().unwrap_or_default();
        let (max_depth, max_values) = (self.options.max_depth, self.options.max_values());
        let reader: Arc<dyn Reader> = Arc::new(OutsideItems { max_depth, max_values, records });
        Ok(Some(Window::new(source, &reader)))
    }

    // After the array only white space may stand; the first other byte goes along, so that the reader can point at it.
    fn take_end(&mut self, end: usize, first: bool) -> Result<Option<Window>, ReadError> {
        let mut length = end;
        loop {
            if let Some(at) = self.feed.bytes()[length..].iter().position(|byte| !Self::is_space(*byte)) {
                length = (length + at + 4).min(self.feed.bytes().len());
                while length < self.feed.bytes().len() && self.feed.bytes()[length] & 0xC0 == 0x80 {
                    length += 1;
                }
                return self.take_items(length, first, true);
            }
            length = self.feed.bytes().len();
            if length - end > self.options.window_bytes {
                self.state = State::AfterItems;
                return self.take_items(end, first, true);
            }
            if !self.feed.fill()? {
                return self.take_items(length, first, true);
            }
        }
    }

    fn take_items(&mut self, length: usize, first: bool, last: bool) -> Result<Option<Window>, ReadError> {
        if !last {
            self.state = State::Items { first: false };
        }
        let Options { max_depth, max_record_bytes, .. } = self.options;
        let max_values = self.options.max_values();
        let reader: Arc<dyn Reader> = Arc::new(Items { max_depth, max_values, max_record_bytes, first, last });
        Ok(Some(Window::new(self.feed.consume(length)?, &reader)))
    }
}

impl super::Chunker for JsonChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        match self.state {
            State::Done => Ok(None),
            State::Items { first } => self.items(first),
            State::Tail => self.tail(),
            State::AfterItems => self.behind(),
            State::Start => {
                if let Some(pointer) = self.options.records.clone().filter(|pointer| !pointer.is_empty())
                    && self.enter(&pointer)?
                {
                    return self.items(true);
                }
                // A schema whose root allows only an array takes the document as one record.
                let items = self.options.records.is_none() && !self.options.shape.is_array_only();
                match self.first_byte()? {
                    Some((at, b'[')) if items => {
                        self.feed.consume(at + 1)?;
                        self.state = State::Items { first: true };
                        self.items(true)
                    }
                    _ => self.whole(),
                }
            }
        }
    }
}

/// Reads a document that is one record, or holds its records at a pointer.
struct Document {
    max_depth: usize,
    max_values: usize,
    records: Option<String>,
}

impl Reader for Document {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        tree.reset(source);
        let mut parser = Parser::new(source, 0, source.text().len(), self.max_depth).up_to(self.max_values);
        if let Err(diagnostic) = parser.document(tree, visitor) {
            visitor.emit(*diagnostic);
            visitor.surplus(Span::new(0, source.len()));
            visitor.malformed();
            return visitor.stop();
        }
        super::visit_record(tree, self.records.as_deref(), visitor);
    }
}

/// Reads what stands around an array whose items have been read: it is judged, and what lies outside is named.
struct OutsideItems {
    max_depth: usize,
    max_values: usize,
    records: String,
}

impl Reader for OutsideItems {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        tree.reset(source);
        let mut diagnostics = Vec::new();
        let mut parser = Parser::new(source, 0, source.text().len(), self.max_depth).up_to(self.max_values);
        let read = parser.document(tree, &mut diagnostics);
        diagnostics.into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
        match read {
            // An empty array has no items to hand out. One of the same name after it, an error already, may have some.
            Ok(()) => super::visit_record(tree, Some(&self.records), visitor),
            Err(diagnostic) => {
                visitor.file_diagnostic(*diagnostic);
                visitor.stop();
            }
        }
    }
}

/// Reads a run of items of an array, each with the comma after it; the last window has the closing bracket.
struct Items {
    max_depth: usize,
    max_values: usize,
    max_record_bytes: usize,
    first: bool,
    last: bool,
}

impl Reader for Items {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let mut parser = Parser::new(source, 0, source.text().len(), self.max_depth).up_to(self.max_values);
        parser.skip_space();
        if self.first && self.last && parser.peek() == Some(b']') {
            return self.finish(&mut parser, visitor);
        }
        while parser.peek().is_some() || self.last {
            let start = parser.at;
            tree.reset(source);
            let read = parser.value(tree, visitor).and_then(|()| {
                parser.skip_space();
                match parser.peek() {
                    Some(b',' | b']') => Ok(()),
                    _ => Err(parser.unexpected("a comma or the end of the array")),
                }
            });
            let mut is_refused = false;
            if let Err(diagnostic) = read {
                is_refused = diagnostic.rule == &rules::TOO_LARGE && parser.move_to_border(start);
                visitor.emit(*diagnostic);
                visitor.surplus(Span::new(start as u32, source.len()));
                visitor.malformed();
                if !is_refused {
                    return visitor.stop();
                }
            }
            if is_refused {
                // Its end has been found, so the items after it can be read.
            } else if parser.at - start > self.max_record_bytes {
                visitor.emit(TooLarge::diagnostic(source, start as u32, self.max_record_bytes));
                visitor.malformed();
            } else {
                visitor.record(tree);
            }
            if parser.peek() == Some(b']') {
                return self.finish(&mut parser, visitor);
            }
            parser.at += 1;
            parser.skip_space();
        }
    }
}

impl Items {
    // The closing bracket has been reached; only white space may follow.
    #[expect(clippy::unused_self, reason = "reads as a step of the reader")]
    fn finish(&self, parser: &mut Parser<'_>, visitor: &mut dyn RecordVisitor) {
        parser.at += 1;
        parser.skip_space();
        if parser.peek().is_some() {
            visitor.file_diagnostic(*parser.unexpected("the end of the file"));
            visitor.stop();
        }
    }
}

/// Reports that something stands after the array.
struct AfterItems;

impl Reader for AfterItems {
    fn read(&self, source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        visitor.file_diagnostic(*Parser::new(source, 0, source.text().len(), 0).unexpected("the end of the file"));
        visitor.stop();
    }
}

/// The tokenizer: reads one value between two offsets of a source into a tree.
pub struct Parser<'s> {
    source: &'s Arc<Source>,
    bytes: &'s [u8],
    /// Offset of the next byte.
    at: usize,
    max_depth: usize,
    max_values: usize,
    names: Names,
    scratch: String,
    // Whether the text of the last string is in `scratch`, because it has escapes.
    decoded: bool,
    // Whether the value current is written as it would be written again: no white space between tokens, no escape that is not needed.
    compact: bool,
}

type Read = Result<(), Box<Diagnostic>>;

impl<'s> Parser<'s> {
    /// Reads `source` from offset `start` to `end`.
    #[must_use]
    pub fn new(source: &'s Arc<Source>, start: usize, end: usize, max_depth: usize) -> Self {
        Self {
            source,
            bytes: &source.text().as_bytes()[..end],
            at: start,
            max_depth,
            max_values: usize::MAX,
            names: Names::default(),
            scratch: String::new(),
            decoded: false,
            compact: true,
        }
    }

    /// The same parser, which rejects a tree of more than this many values and names.
    #[must_use]
    pub fn up_to(mut self, max_values: usize) -> Self {
        self.max_values = max_values;
        self
    }

    // Moves from the start of an item to the comma or bracket after it; returns whether there is one.
    fn move_to_border(&mut self, start: usize) -> bool {
        let mut at = start;
        let found = Scan::default().step(self.bytes, &mut at);
        if let Some(Border::Comma(end) | Border::End(end)) = found {
            self.at = end - 1;
        }
        found.is_some()
    }

    /// Goes on with another part of the source, with what has been learned of its names.
    pub fn set(&mut self, start: usize, end: usize) {
        self.bytes = &self.source.text().as_bytes()[..end];
        self.at = start;
    }

    /// Reads one value with nothing but white space around it.
    ///
    /// # Errors
    /// The first byte that cannot stand where it does; the tree is then unfinished.
    pub fn document(&mut self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) -> Read {
        self.skip_space();
        self.value(tree, diagnostics)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(self.unexpected("the end of the document"));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
            self.compact = false;
        }
    }

    // Reads a value; containers are kept on the tree's own stack, so depth costs no call stack.
    fn value(&mut self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) -> Read {
        let floor = tree.depth();
        self.compact = true;
        loop {
            // A value is here.
            let start = self.at as u32;
            if tree.slots() >= self.max_values {
                return Err(Box::new(super::too_many(self.source, Span::at(start), self.max_values, "values")));
            }
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    let span = Span::new(start, self.at as u32);
                    if self.decoded {
                        tree.scalar(Kind::String, span, Text::Owned(&self.scratch));
                    } else {
                        tree.scalar(Kind::String, span, Text::Source(Span::new(span.start + 1, span.end - 1)));
                    }
                }
                Some(byte @ (b'{' | b'[')) => {
                    if tree.depth() - floor >= self.max_depth {
                        return Err(Box::new(too_deep(self.source, Span::new(start, start + 1), self.max_depth)));
                    }
                    let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                    tree.open(kind, Span::new(start, start + 1));
                    self.at += 1;
                    self.skip_space();
                    match (kind, self.peek()) {
                        (Kind::Object, Some(b'}')) | (Kind::Array, Some(b']')) => {
                            self.at += 1;
                            tree.close(self.at as u32);
                        }
                        (Kind::Object, _) => {
                            self.key(tree, "a member name or }")?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number(tree)?,
                Some(b't') => self.word(tree, "true", Kind::Bool)?,
                Some(b'f') => self.word(tree, "false", Kind::Bool)?,
                Some(b'n') => self.word(tree, "null", Kind::Null)?,
                _ => return Err(self.unexpected("a value")),
            }
            // A value has ended; what follows depends on what it is in.
            loop {
                let Some((kind, id)) = tree.innermost().filter(|_| tree.depth() > floor) else {
                    if self.compact {
                        tree.mark_compact();
                    }
                    return Ok(());
                };
                self.skip_space();
                match (kind, self.peek()) {
                    (_, Some(b',')) => {
                        self.at += 1;
                        self.skip_space();
                        if kind == Kind::Object {
                            self.key(tree, "a member name")?;
                        }
                        break;
                    }
                    (Kind::Object, Some(b'}')) | (Kind::Array, Some(b']')) => {
                        self.at += 1;
                        tree.close(self.at as u32);
                        if kind == Kind::Object {
                            note_duplicates(tree, id, diagnostics);
                        }
                    }
                    (Kind::Object, _) => return Err(self.unexpected("a comma or }")),
                    _ => return Err(self.unexpected("a comma or ]")),
                }
            }
        }
    }

    fn key(&mut self, tree: &mut Tree, expected: &str) -> Read {
        let start = self.at;
        if let Some((length, hash)) = self.names.next(&self.bytes[start..]) {
            self.at += length;
            tree.plain_key(Span::new(start as u32, self.at as u32), hash);
        } else {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected(expected));
            }
            self.string()?;
            let span = Span::new(start as u32, self.at as u32);
            if self.decoded {
                tree.key(span, Text::Owned(&self.scratch));
            } else {
                let name = &self.source.text()[start + 1..self.at - 1];
                let hash = key_hash(name);
                tree.plain_key(span, hash);
                self.names.insert(name, hash);
            }
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn word(&mut self, tree: &mut Tree, word: &str, kind: Kind) -> Read {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            let same = self.bytes[self.at..].iter().zip(word.bytes()).take_while(|(a, b)| **a == *b).count();
            self.at += same;
            return Err(self.unexpected(word));
        }
        let span = Span::new(self.at as u32, (self.at + word.len()) as u32);
        tree.scalar(kind, span, Text::Source(span));
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self, tree: &mut Tree) -> Read {
        let Some(length) = number::scan(&self.bytes[self.at..]) else {
            return Err(self.bad_number());
        };
        // The text after it shows the kind of mistake better than "a comma was expected".
        if let Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') = self.bytes.get(self.at + length) {
            return Err(self.bad_number());
        }
        let span = Span::new(self.at as u32, (self.at + length) as u32);
        tree.scalar(Kind::Number, span, Text::Source(span));
        self.at += length;
        Ok(())
    }

    fn bad_number(&self) -> Box<Diagnostic> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')).count();
        let text = String::from_utf8_lossy(&rest[..length]);
        let span = Span::new(self.at as u32, (self.at + length.max(1)) as u32);
        let shown = chancery_core::diagnostic::quote(&text, false);
        Box::new(
            Diagnostic::new(&rules::SYNTAX, self.source, span, format!("not a JSON number: {shown}"))
                .help("remove leading zeros and plus signs, put digits on both sides of the point, or quote it if it is text"),
        )
    }

    // Reads a string from its opening quote; `decoded` then says whether its text is in the scratch buffer.
    #[inline]
    fn string(&mut self) -> Read {
        let end = self.at + 1 + plain_length(&self.bytes[self.at + 1..]);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            self.decoded = false;
            return Ok(());
        }
        self.string_by_parts()
    }

    #[cold]
    fn string_by_parts(&mut self) -> Read {
        let start = self.at;
        self.at += 1;
        let mut decoded = false;
        let mut plain = self.at;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    if decoded {
                        self.scratch.push_str(&self.source.text()[plain..self.at]);
                    }
                    self.at += 1;
                    self.decoded = decoded;
                    return Ok(());
                }
                Some(b'\\') => {
                    if !decoded {
                        decoded = true;
                        self.scratch.clear();
                    }
                    self.scratch.push_str(&self.source.text()[plain..self.at]);
                    self.escape()?;
                    plain = self.at;
                }
                Some(byte) => {
                    let span = Span::new(self.at as u32, self.at as u32 + 1);
                    let message = format!("control character U+{byte:04X} inside a string");
                    return Err(Box::new(
                        Diagnostic::new(&rules::SYNTAX, self.source, span, message)
                            .help("use an escape, such as \\n or \\u0009, or close the string before it"),
                    ));
                }
                None => {
                    let span = Span::at(self.at as u32);
                    let open = chancery_core::diagnostic::Place::new(self.source, Span::new(start as u32, start as u32 + 1));
                    return Err(Box::new(
                        Diagnostic::new(&rules::SYNTAX, self.source, span, "expected a closing quote, found the end")
                            .related("the string begins here", open),
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Read {
        let start = self.at;
        let simple = match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => {
                self.compact = false;
                '/'
            }
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at += 1;
                return Err(self.unexpected("an escape: one of \" \\ / b f n r t u"));
            }
        };
        self.scratch.push(simple);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self) -> Read {
        let start = self.at;
        // Hardly any is needed, and which case its digits have is no matter.
        self.compact = false;
        let first = self.hex4(start + 2)?;
        self.at = start + 6;
        if let Some(c) = char::from_u32(first) {
            self.scratch.push(c);
            return Ok(());
        }
        if first < 0xDC00 && self.bytes[self.at..].starts_with(b"\\u") {
            let second = self.hex4(self.at + 2)?;
            if (0xDC00..0xE000).contains(&second) {
                let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                self.scratch.push(char::from_u32(joined).expect("a surrogate pair is one character"));
                self.at += 6;
                return Ok(());
            }
        }
        let span = Span::new(start as u32, start as u32 + 6);
        Err(Box::new(lone_surrogate(self.source, span, first)))
    }

    fn hex4(&mut self, from: usize) -> Result<u32, Box<Diagnostic>> {
        let mut value = 0;
        for offset in 0..4 {
            let digit = self.bytes.get(from + offset).and_then(|byte| char::from(*byte).to_digit(16));
            let Some(digit) = digit else {
                self.at = from + offset;
                return Err(self.unexpected("four hexadecimal digits"));
            };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    // The note on the byte that is here.
    fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let at = self.at as u32;
        let found = self.source.text().get(self.at..self.bytes.len()).and_then(|rest| rest.chars().next());
        let (span, found) = match found {
            Some(c) => (Span::new(at, at + c.len_utf8() as u32), chancery_core::diagnostic::quote(&c.to_string(), true)),
            None => (Span::at(at), "the end".to_owned()),
        };
        let help = match (self.peek(), expected) {
            (Some(b'\''), _) => Some("use double quotes for strings"),
            (Some(b'/' | b'#'), _) => Some("JSON has no comments"),
            (Some(b']' | b'}'), "a value" | "a member name") => Some("remove the comma before it"),
            (Some(b'"'), "a comma or }" | "a comma or ]") => Some("a comma may be missing before it"),
            _ => None,
        };
        let mut diagnostic = Diagnostic::new(&rules::SYNTAX, self.source, span, format!("expected {expected}, found {found}"));
        diagnostic.help = help.map(str::to_owned);
        Box::new(diagnostic)
    }
}

/// The note on an escape that names half of a character.
pub(super) fn lone_surrogate(source: &Arc<Source>, span: Span, half: u32) -> Diagnostic {
    Diagnostic::new(&rules::LONE_SURROGATE, source, span, format!("\\u{half:04x} is an unpaired surrogate"))
        .help("write the character itself, or a surrogate pair, such as \\ud83d\\ude00")
}
