//! Reads JSON (RFC 8259), strictly: its own tokenizer fills the tree directly.
//!
//! Input: a whole document, or a window that begins and ends between its records. Output: one record an item of a root array, or one
//! for any other root; `--records` names other places, and the document is cut at their records too. A syntax error costs the record
//! it is in and ends the reading of the file, because nothing after it can be trusted.

mod fragment;
mod names;
mod scan;
mod walk;

use std::sync::Arc;

use super::limits::{TooLarge, floor_char};
use super::records::{Found, Level, Mark, Positions, Role, Targets, hand_out_document};
use super::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, TopLevel, Window, note_duplicates, too_deep};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::{Kind, Text, Tree, key_hash, number, plain_length};
use fragment::Fragment;
use names::Names;
use scan::{Border, Scan};
use walk::{Content, Key, Place, Progress, Walk};

/// Follows the records paths and cuts at their records; takes a document that is a record whole.
pub struct JsonChunker {
    feed: InputBuffer,
    options: Options,
    targets: Arc<Targets>,
    state: State,
}

enum State {
    Start,
    // Inside the root. What is open at the next window, where it does not begin with the document.
    Inside(Box<Walk>, Option<Place>, Mark),
    // After the root, where nothing but white space may stand.
    AfterRoot,
    Done,
}

impl JsonChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        Self { feed, options: options.clone(), targets: Targets::of(options), state: State::Start }
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

    // Goes into the root, if it holds records and is none.
    fn start(&mut self) -> Result<Option<Window>, ReadError> {
        let Some((at, byte)) = self.first_byte()? else { return self.whole() };
        let kind = match byte {
            b'[' => Kind::Array,
            b'{' => Kind::Object,
            _ => return self.whole(),
        };
        let mut walk = Box::new(Walk::new(&self.targets));
        let root = Mark { position: Positions::default().at(&self.feed, at), text: char::from(byte).to_string() };
        match self.targets.root(kind) {
            Role::List(target) => {
                self.feed.consume(at + 1)?;
                walk.found.meet(target);
                let place = walk.enter(kind, Content::Records(target), 0);
                self.inside(walk, Some(place), root)
            }
            Role::Inside(targets) => {
                walk.enter(kind, Content::Paths(targets), at + 1);
                self.inside(walk, None, root)
            }
            Role::Record(_) | Role::Outside => self.whole(),
        }
    }

    // What stands after the root: the first byte that is no white space, so that the reader can point at it.
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
        let reader: Arc<dyn Reader> = Arc::new(AfterRoot);
        Ok(Some(Window::new(self.feed.consume(length)?, &reader)))
    }

    fn whole(&mut self) -> Result<Option<Window>, ReadError> {
        self.state = State::Done;
        while self.feed.bytes().len() <= self.options.max_record_bytes && self.feed.fill()? {}
        if self.feed.bytes().len() > self.options.max_record_bytes {
            return self.too_large();
        }
        let top_level = TopLevel::of_whole(&self.options.records);
        let (max_depth, max_values) = (self.options.max_depth, self.options.max_values());
        let reader: Arc<dyn Reader> = Arc::new(Document { max_depth, max_values, targets: Arc::clone(&self.targets) });
        Ok(Some(Window::new(self.feed.consume(self.feed.bytes().len())?, &reader).of(top_level)))
    }

    // Passes on the start of a document past the limit; the rest is left unread.
    fn too_large(&mut self) -> Result<Option<Window>, ReadError> {
        self.state = State::Done;
        let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.options.max_record_bytes });
        let shown = floor_char(self.feed.bytes(), 80);
        Ok(Some(Window::new(self.feed.consume(shown)?, &reader)))
    }

    // Cuts at the last place that the walk finds inside a window's length, or takes the end of the root and all after it.
    fn inside(&mut self, mut walk: Box<Walk>, place: Option<Place>, root: Mark) -> Result<Option<Window>, ReadError> {
        self.feed.fill_from_stream(self.options.window_bytes)?;
        loop {
            match walk.advance(&self.feed, self.options.window_bytes) {
                Progress::Closed(end) => {
                    let length = self.take_end(end)?;
                    let ending = Some((std::mem::replace(&mut walk.found, Found::new(&self.targets)), root));
                    let window = self.window(length, place, &mut walk, true, ending)?;
                    if length == end {
                        self.state = State::AfterRoot;
                    }
                    return Ok(Some(window));
                }
                Progress::Broken(at) => {
                    // The reader says what is wrong there.
                    self.feed.fill_from_stream(at + 8)?;
                    let all = self.feed.bytes().len();
                    let length = if self.feed.is_ended() { all } else { floor_char(self.feed.bytes(), all) };
                    return self.window(length, place, &mut walk, true, None).map(Some);
                }
                Progress::Full | Progress::More => {}
            }
            if let Some((end, next)) = walk.take_cut() {
                let window = self.window(end, place, &mut walk, false, None)?;
                self.state = State::Inside(walk, Some(next), root);
                return Ok(Some(window));
            }
            if self.feed.bytes().len() > self.options.max_record_bytes {
                return match walk.current() {
                    Some(target) => self.skip_value(walk, target, root),
                    None => self.too_large(),
                };
            }
            if !self.feed.fill()? {
                // The document does not end; the reader says where.
                let length = self.feed.bytes().len();
                return self.window(length, place, &mut walk, true, None).map(Some);
            }
        }
    }

    // A window of this length, which begins where `place` is open; `last` if none of the root follows.
    fn window(
        &mut self,
        length: usize,
        place: Option<Place>,
        walk: &mut Walk,
        last: bool,
        ending: Option<(Found, Mark)>,
    ) -> Result<Window, ReadError> {
        let mut source = self.feed.consume(length)?;
        let end = source.len() as usize;
        let levels = place.iter().flat_map(|place| &place.keys).map(|key| match key {
            None => Level { text: String::new(), span: Span::at(0), is_index: false },
            Some(Key { text, mark, is_index }) => {
                let name = Arc::clone(source.name());
                let start = source.append(name, &mark.text, mark.position);
                Level { text: text.clone(), span: Span::new(start, source.len()), is_index: *is_index }
            }
        });
        let levels = levels.collect();
        let reader: Arc<dyn Reader> = Arc::new(Fragment {
            targets: Arc::clone(&self.targets),
            max_depth: self.options.max_depth,
            max_values: self.options.max_values(),
            max_record_bytes: self.options.max_record_bytes,
            end,
            frames: place.map(|place| place.frames),
            levels,
            duplicates: walk.consumed(length),
            last,
            ending,
        });
        Ok(Window::new(source, &reader))
    }

    // Passes on the start of a value past the limit, and drops the rest of it.
    fn skip_value(&mut self, mut walk: Box<Walk>, target: Option<usize>, root: Mark) -> Result<Option<Window>, ReadError> {
        let collection = target.map(|target| self.targets.get(target).collection);
        let reader: Arc<dyn Reader> = Arc::new(TooLargeValue { limit: self.options.max_record_bytes, collection });
        let shown = floor_char(self.feed.bytes(), walk.offset().min(80));
        let window = Window::new(self.feed.consume(shown)?, &reader);
        walk.consumed(shown);
        loop {
            let (dropped, place) = walk.skip(self.feed.bytes());
            self.feed.consume(dropped)?;
            walk.consumed(dropped);
            if place.is_some() {
                self.state = State::Inside(walk, place, root);
                return Ok(Some(window));
            }
            if !self.feed.fill()? {
                self.state = State::Done;
                return Ok(Some(window));
            }
        }
    }

    // After the root only white space may stand; the first other byte goes along, so that the reader can point at it.
    fn take_end(&mut self, end: usize) -> Result<usize, ReadError> {
        let mut length = end;
        loop {
            if let Some(at) = self.feed.bytes()[length..].iter().position(|byte| !Self::is_space(*byte)) {
                length = (length + at + 4).min(self.feed.bytes().len());
                while length < self.feed.bytes().len() && self.feed.bytes()[length] & 0xC0 == 0x80 {
                    length += 1;
                }
                return Ok(length);
            }
            length = self.feed.bytes().len();
            if length - end > self.options.window_bytes {
                return Ok(end);
            }
            if !self.feed.fill()? {
                return Ok(length);
            }
        }
    }
}

impl super::Chunker for JsonChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done => Ok(None),
            State::Inside(walk, place, root) => self.inside(walk, place, root),
            State::AfterRoot => self.behind(),
            State::Start => self.start(),
        }
    }
}

/// Reads a document that is one record, or holds none.
struct Document {
    max_depth: usize,
    max_values: usize,
    targets: Arc<Targets>,
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
        let root = Mark::of(source, tree.root().opening());
        let found = hand_out_document(tree, &self.targets, visitor);
        found.diagnostics(source, &root).into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
    }
}

/// Reports a value that is larger than a record may be.
struct TooLargeValue {
    limit: usize,
    // `None` for what is no record.
    collection: Option<usize>,
}

impl Reader for TooLargeValue {
    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        match self.collection {
            None => visitor.file_diagnostic(TooLarge::diagnostic(source, 0, self.limit)),
            Some(collection) => {
                visitor.collection(collection);
                TooLarge { limit: self.limit }.read(source, tree, visitor);
            }
        }
    }
}

/// Reports that something stands after the root.
struct AfterRoot;

impl Reader for AfterRoot {
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

    // A member's name and the colon after it, outside a tree.
    fn name(&mut self) -> Result<(Span, String), Box<Diagnostic>> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member name"));
        }
        self.string()?;
        let span = Span::new(start as u32, self.at as u32);
        let name = if self.decoded { self.scratch.clone() } else { self.source.text()[start + 1..self.at - 1].to_owned() };
        self.colon()?;
        Ok((span, name))
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
        self.colon()
    }

    #[inline]
    fn colon(&mut self) -> Read {
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
