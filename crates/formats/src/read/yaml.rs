//! Reads YAML 1.2 with the core schema.
//!
//! Input: a window of whole documents, or of whole items of a root sequence. Output: one record per item of a root sequence (unless the
//! schema allows only sequences), else one per document; `--records` sets another location.
//! Plain scalars are resolved by the core schema: `no` and `2001-12-14` are strings, `0x1F` is 31, `007` is 7. Aliases are
//! expanded within a budget. Values that JSON does not have (`.inf`, collections as keys) and tags outside the core schema are rejected.
//!
//! A malformed document affects only its own record, because `---` and `...` at the start of a line always separate documents. The same
//! is true for `- ` between the items of a root sequence, because the content of an item is indented. A sequence with anchors is read as
//! a whole, since its aliases can refer to other items.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::directive::Comments;
use super::limits::{TooLarge, floor_char};
use super::records::{Mark, Targets, hand_out_document};
use super::{MAX_RECORDS_PER_WINDOW, Options, Reader, RecordVisitor, TopLevel, Window, note_duplicates, too_deep, too_many};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Place, Rule, quote, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::{Kind, Node, NodeId, Text, Tree, number};

/// How many nodes aliases may stand for in one document.
const MAX_ALIASED_NODES: usize = 100_000;
/// How many anchors one document may have.
const MAX_ANCHORS: usize = 100_000;
/// Longer hexadecimal and octal numbers are rejected: turning them into decimals takes the square of their length.
const MAX_RADIX_DIGITS: usize = 1_000;

/// Cuts at the borders of documents and between the items of root sequences.
pub struct YamlChunker {
    feed: InputBuffer,
    options: Options,
    targets: Arc<Targets>,
    // Whether the items of a root sequence are records.
    items: bool,
    // For a file that is taken whole, whatever it is; until its first window is cut.
    whole: bool,
    // Whether the document is open at the start of what has not been cut yet, and what is known of it.
    open: Option<Content>,
    top_level: Option<TopLevel>,
}

impl YamlChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        Self {
            feed,
            options: options.clone(),
            targets: Targets::of(options),
            items: options.records.is_default() && !options.shape.is_array_only(),
            whole: options.records.is_whole(),
            open: None,
            top_level: None,
        }
    }

    // `open` is what is known of the document that goes on after the cut.
    fn take(&mut self, length: usize, open: Option<Content>) -> Result<Option<Window>, ReadError> {
        let all = self.feed.is_ended() && length == self.feed.bytes().len();
        let whole = std::mem::take(&mut self.whole);
        let goes_on = open.is_none() && !self.feed.is_ended();
        let top_level = *self.top_level.get_or_insert_with(|| match documents(self.feed.bytes(), self.items) {
            // Also where more documents follow: whether any do is not known yet in a file of several windows.
            (_, true) => TopLevel::List,
            _ if TopLevel::of_whole(&self.options.records) == TopLevel::List => TopLevel::List,
            (0 | 1, false) if !goes_on => TopLevel::Document,
            _ => TopLevel::Stream,
        });
        let reader: Arc<dyn Reader> = Arc::new(Documents {
            targets: Arc::clone(&self.targets),
            max_depth: self.options.max_depth,
            max_values: self.options.max_values(),
            max_record_bytes: self.options.max_record_bytes,
            items: self.items,
            open: std::mem::replace(&mut self.open, open),
            or_null: whole && all,
        });
        Ok(Some(Window::new(self.feed.consume(length)?, &reader).of(top_level)))
    }

    // Passes on the start of a document past the limit as a broken record, and drops the rest of it unread.
    fn cut_too_large(&mut self) -> Result<Option<Window>, ReadError> {
        let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.options.max_record_bytes });
        let shown = floor_char(self.feed.bytes(), 80);
        let window = Window::new(self.feed.consume(shown)?, &reader);
        let mut line_begins = window.source.text().ends_with('\n');
        loop {
            // All lines current are looked at before they are dropped together.
            let bytes = self.feed.bytes();
            let mut start = 0;
            let mut found = None;
            while start < bytes.len() && found.is_none() {
                let end = memchr::memchr(b'\n', &bytes[start..]).map(|length| start + length);
                let line = end.or(self.feed.is_ended().then_some(bytes.len())).filter(|_| line_begins).map(|end| &bytes[start..end]);
                if let Some(border) = line.and_then(marker) {
                    self.open = None;
                    found = Some(if border == Marker::Start { start } else { end.map_or(bytes.len(), |end| end + 1) });
                } else if self.open == Some(Content::Items) && line.is_some_and(is_item) {
                    found = Some(start);
                }
                let Some(end) = end else { break };
                (start, line_begins) = (end + 1, true);
            }
            if let Some(border) = found {
                self.feed.skip(border)?;
                return Ok(Some(window));
            }
            if self.feed.is_ended() {
                self.feed.skip(self.feed.bytes().len())?;
                return Ok(Some(window));
            }
            // A line so far of few bytes may still become a border.
            let rest = bytes.len() - start;
            if rest > 4 || !line_begins {
                let most = floor_char(bytes, bytes.len());
                line_begins = line_begins && most == start;
                self.feed.skip(most)?;
            } else {
                self.feed.skip(start)?;
            }
            self.feed.fill()?;
        }
    }
}

impl super::Chunker for YamlChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        self.feed.fill_from_stream(self.options.window_bytes)?;
        let mut borders = Borders::new(self.open, self.items);
        let mut cut = (0, None);
        let mut records = 0;
        loop {
            let bytes = self.feed.bytes();
            while let Some(border) = borders.next(bytes, self.feed.is_ended()) {
                cut = border;
                records += 1;
                if border.0 >= self.options.window_bytes || records >= MAX_RECORDS_PER_WINDOW {
                    return self.take(border.0, border.1);
                }
            }
            if cut.0 > 0 {
                return self.take(cut.0, cut.1);
            }
            if bytes.len() > self.options.max_record_bytes {
                self.open = borders.content;
                return self.cut_too_large();
            }
            if !self.feed.fill()? {
                let rest = self.feed.bytes().len();
                return if rest > 0 || self.whole { self.take(rest, None) } else { Ok(None) };
            }
        }
    }
}

// How many documents there are in a whole file, and whether the first one is a sequence whose items are records.
fn documents(bytes: &[u8], items: bool) -> (usize, bool) {
    let mut borders = Borders::new(None, false);
    let (mut count, mut start, mut sequence) = (0, 0, false);
    while start < bytes.len() {
        let (end, _) = borders.next(bytes, true).unwrap_or((bytes.len(), None));
        if let Some(first) = first_byte(&bytes[start..end]) {
            sequence |= count == 0 && items && matches!(first, b'[' | b'-');
            count += 1;
        }
        start = end;
    }
    (count, sequence)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    Start,
    End,
}

// What a line says about documents.
fn marker(line: &[u8]) -> Option<Marker> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let found = match line.get(..3)? {
        b"---" => Marker::Start,
        b"..." => Marker::End,
        _ => return None,
    };
    matches!(line.get(3), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some(found)
}

/// What is known of a document that has begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    // Nothing yet after its `---`.
    Undecided,
    // A block sequence without anchors and directives so far, so that its items can be read apart.
    Items,
    Other,
}

/// Goes over lines and finds the offsets at which a document, or an item of a root sequence, ends for certain.
struct Borders {
    // Offset of the next line.
    at: usize,
    // `None` if there are only comments and directives since the last document.
    content: Option<Content>,
    directives: bool,
    // Whether to stop between items.
    items: bool,
}

/// Where a document or an item ends, and what is known of the document where it goes on after.
type Border = (usize, Option<Content>);

impl Borders {
    fn new(open: Option<Content>, items: bool) -> Self {
        Self { at: 0, content: open, directives: false, items }
    }

    // The next border in `bytes`; a line without its end counts only when nothing follows.
    fn next(&mut self, bytes: &[u8], ended: bool) -> Option<Border> {
        while self.at < bytes.len() {
            let start = self.at;
            let end = match memchr::memchr(b'\n', &bytes[start..]) {
                Some(length) => start + length + 1,
                None if ended => bytes.len(),
                None => return None,
            };
            self.at = end;
            let line = &bytes[start..end];
            match marker(line) {
                Some(Marker::Start) => {
                    let behind = if is_without_content(&line[3..]) { Content::Undecided } else { Content::Other };
                    if self.content.replace(behind).is_some() {
                        self.directives = false;
                        return Some((start, None));
                    }
                }
                Some(Marker::End) => {
                    (self.content, self.directives) = (None, false);
                    return Some((end, None));
                }
                None => {
                    if self.content_line(line) && start > 0 {
                        return Some((start, self.content));
                    }
                }
            }
        }
        None
    }

    // Takes a line that is no marker; returns whether it begins a further item.
    fn content_line(&mut self, line: &[u8]) -> bool {
        match self.content {
            Some(Content::Other) => false,
            Some(Content::Items) => {
                if has_anchor(line) {
                    self.content = Some(Content::Other);
                }
                is_item(line)
            }
            None if line[0] == b'%' => {
                self.directives = true;
                false
            }
            None | Some(Content::Undecided) => {
                if !is_without_content(line) {
                    let splits = self.items && !self.directives && is_item(line) && !has_anchor(line);
                    self.content = Some(if splits { Content::Items } else { Content::Other });
                }
                false
            }
        }
    }
}

fn is_without_content(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), None | Some(b'#'))
}

// Whether a line begins an item of a root sequence.
fn is_item(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.first() == Some(&b'-') && matches!(line.get(1), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
}

// Whether a line may define an anchor; an ampersand within text may be taken for one.
fn has_anchor(line: &[u8]) -> bool {
    memchr::memchr_iter(b'&', line).any(|at| {
        let before = at.checked_sub(1).map(|before| line[before]);
        matches!(before, None | Some(b' ' | b'\t' | b'[' | b'{' | b',')) && line.get(at + 1).is_some_and(|byte| !byte.is_ascii_whitespace())
    })
}

// The first byte of a document's content; `None` if there is no document.
fn first_byte(document: &[u8]) -> Option<u8> {
    let mut begun = None;
    for line in document.split_inclusive(|byte| *byte == b'\n') {
        let line = match marker(line) {
            Some(Marker::Start) => {
                begun = Some(b'~');
                &line[3..]
            }
            Some(Marker::End) => return begun,
            None if line[0] == b'%' => continue,
            None => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
        };
        if !is_without_content(line) {
            return line.trim_ascii_start().first().copied();
        }
    }
    begun
}

/// Reads the documents of a window.
struct Documents {
    targets: Arc<Targets>,
    max_depth: usize,
    max_values: usize,
    max_record_bytes: usize,
    // Whether the items of a root sequence are records.
    items: bool,
    // What is known of the document that has begun before the window.
    open: Option<Content>,
    // Whether a text without any document is null, as it is where the whole document is the record.
    or_null: bool,
}

impl Reader for Documents {
    fn comments(&self) -> Option<Comments> {
        Some(Comments::Hash)
    }

    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let text = source.text();
        let mut borders = Borders::new(self.open, self.items);
        let mut start = 0;
        let mut found = false;
        // What is known of the document that goes on.
        let mut open = self.open;
        while start < text.len() {
            let (end, behind) = borders.next(text.as_bytes(), true).unwrap_or((text.len(), None));
            let is_begun = open.is_some();
            open = behind;
            if end - start > self.max_record_bytes {
                visitor.emit(TooLarge::diagnostic(source, start as u32, self.max_record_bytes));
                visitor.malformed();
                found = true;
            } else {
                found |= self.document(source, start..end, is_begun, tree, visitor);
            }
            start = end;
        }
        if self.or_null && !found {
            tree.reset(source);
            tree.scalar(Kind::Null, Span::at(0), Text::Owned("null"));
            visitor.record(tree);
        }
    }
}

impl Documents {
    // Reads what is between two borders: one document, further items of one that `is_begun`, or none if there are only comments.
    // Says whether there was something.
    fn document(&self, source: &Arc<Source>, part: Range<usize>, is_begun: bool, tree: &mut Tree, visitor: &mut dyn RecordVisitor) -> bool {
        let Range { start, end } = part;
        // The parser counts brackets and blocks apart; what they come to together is the builder's to count.
        let mut options = granit_parser::options! {
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            flow_nesting_limit: self.max_depth,
            block_nesting_limit: self.max_depth
        };
        options.set_emit_comments(false);
        let mut parser = Parser::new_from_str_with_options(&source.text()[start..end], options);
        let mut builder = Builder {
            source,
            base: start as u32,
            tree,
            max_depth: self.max_depth,
            max_values: self.max_values,
            max_bytes: self.max_record_bytes,
            frames: Vec::new(),
            anchors: HashMap::new(),
            aliased_nodes: 0,
            aliased_bytes: 0,
            has_places: self.targets.depth() > 0,
            has_items: self.items,
            last: start as u32,
            refused: false,
            skipping: 0,
            scratch: String::new(),
        };
        let mut found = false;
        // One that cannot be read may be the first item of a list. Records in places of the document make one list.
        let begins = !is_begun && self.targets.depth() == 0;
        let begin = |visitor: &mut dyn RecordVisitor, is_list| {
            if begins {
                visitor.document(is_list);
            }
        };
        while let Some(next) = parser.next_event() {
            let event = next.map_err(|error| builder.syntax(&error)).and_then(|(event, span)| {
                let opening = match &event {
                    Event::MappingStart(..) => parser.peek().and_then(Result::ok).and_then(|(_, next)| next.byte_range()),
                    _ => None,
                };
                builder.event(event, &span, opening, visitor)
            });
            match event {
                Ok(false) => continue,
                Ok(true) if builder.refused => {
                    begin(visitor, true);
                    visitor.surplus(Span::new(start as u32, end as u32));
                    visitor.malformed();
                }
                Ok(true) => {
                    begin(visitor, self.items && builder.tree.root().kind() == Kind::Array);
                    let root = Mark::of(source, builder.tree.root().opening());
                    let found = hand_out_document(builder.tree, &self.targets, visitor);
                    found.diagnostics(source, &root).into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
                }
                Err(diagnostic) => {
                    begin(visitor, true);
                    visitor.emit(*diagnostic);
                    visitor.surplus(Span::new(start as u32, end as u32));
                    visitor.malformed();
                    return true;
                }
            }
            found = true;
        }
        found
    }
}

/// What an anchor is on.
struct Anchored {
    // Where `&name` stands.
    place: Span,
    value: Value,
}

enum Value {
    // `key` is the text as a name, where that is another than the node's: a number that is not written as a decimal.
    Node { id: NodeId, key: Option<String> },
    // A collection that is still open: an alias to it would hold itself.
    Open,
    // A name, and what it is as a value, which it may not be able to be.
    Key { key: String, quoted: bool, value: Result<(Kind, String), Refusal> },
    Refused,
}

struct Frame {
    id: NodeId,
    anchor: usize,
    object: bool,
    flow: Flow,
    // In an object: whether the value of the last key is awaited.
    value_next: bool,
    // In an object: whether a key was rejected, so that names cannot be compared.
    without_key: bool,
}

#[derive(Clone, Copy)]
enum Flow {
    // A block collection, by its column.
    Block(usize),
    // Brackets that open in this line, and the column of the block collection around them.
    Brackets { line: usize, around: Option<usize> },
}

impl Flow {
    fn of(style: StructureStyle, span: &granit_parser::Span) -> Self {
        match style {
            StructureStyle::Block => Self::Block(span.start.col()),
            StructureStyle::Flow => Self::Brackets { line: span.start.line(), around: None },
        }
    }

    fn inside(self, frame: Option<&Frame>) -> Self {
        let around = match frame.map(|frame| frame.flow) {
            Some(Self::Block(column)) => Some(column),
            Some(Self::Brackets { around, .. }) => around,
            None => None,
        };
        match self {
            Self::Block(_) => self,
            Self::Brackets { line, .. } => Self::Brackets { line, around },
        }
    }
}

/// What is before a node.
struct Properties<'t> {
    // 0 for none.
    anchor: usize,
    tag: Option<&'t Tag>,
    tag_place: Span,
}

/// Makes a tree of events.
struct Builder<'a> {
    source: &'a Arc<Source>,
    // Offset of the parsed text in the source.
    base: u32,
    tree: &'a mut Tree,
    max_depth: usize,
    max_values: usize,
    max_bytes: usize,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    aliased_nodes: usize,
    aliased_bytes: usize,
    // Whether records are in places of the document, or the items of one that is a sequence.
    has_places: bool,
    has_items: bool,
    // Where the last scalar, alias or bracket ended.
    last: u32,
    // Whether something was reported that no JSON value can stand for.
    refused: bool,
    // Collections open inside a key that is rejected.
    skipping: usize,
    scratch: String,
}

type Step<T> = Result<T, Box<Diagnostic>>;

impl Builder<'_> {
    // Takes one event; returns whether a document is complete.
    fn event(
        &mut self,
        event: Event<'_>,
        span: &granit_parser::Span,
        next: Option<std::ops::Range<usize>>,
        diagnostics: &mut dyn RecordVisitor,
    ) -> Step<bool> {
        let place = self.span(span.byte_range());
        if self.skipping > 0 {
            self.skip(&event, place);
            return Ok(false);
        }
        self.indented(&event, span, place)?;
        if self.tree.slots() >= self.max_values {
            return Err(Box::new(too_many(self.source, place, self.max_values, "values")));
        }
        if self.anchors.len() > MAX_ANCHORS {
            let message = format!("document has more than {MAX_ANCHORS} anchors");
            let help = "write the values out, or split the document";
            return Err(Box::new(Diagnostic::new(&rules::ALIAS_BUDGET, self.source, place, message).help(help)));
        }
        let tag_place = span.tag_span().map_or(place, |tag| self.span(tag.byte_range()));
        let properties = |anchor, tag| Properties { anchor, tag, tag_place };
        match event {
            Event::DocumentStart(..) => {
                self.tree.reset(self.source);
                self.anchors.clear();
                (self.aliased_nodes, self.aliased_bytes, self.refused) = (0, 0, false);
            }
            Event::DocumentEnd => return Ok(true),
            Event::Scalar(text, style, anchor, tag) => {
                if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
                    self.quoted_lines(place)?;
                }
                self.scalar(&text, style, &properties(anchor, tag.as_deref()), place, diagnostics);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let opening = if place.is_empty() { self.byte_at(place.start) } else { place };
                self.open(Kind::Array, Flow::of(style, span), &properties(anchor, tag.as_deref()), opening, diagnostics)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let key = next.map(|range| self.span(Some(range))).filter(|key| key.start == place.start && !key.is_empty());
                let opening = if place.is_empty() { key.unwrap_or_else(|| self.byte_at(place.start)) } else { place };
                self.open(Kind::Object, Flow::of(style, span), &properties(anchor, tag.as_deref()), opening, diagnostics)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place, diagnostics),
            Event::Anchor(id, _) => {
                if let Some(anchored) = self.anchors.get_mut(&id) {
                    anchored.place = place;
                }
            }
            Event::Alias(id) => self.alias(id, place, diagnostics)?,
            Event::UnresolvedAlias(name) => {
                let shown = quote(&name, true);
                let message = format!("no anchor {shown} before this alias");
                self.refuse(&rules::BAD_ALIAS, place, message, "put &name before the value", diagnostics);
            }
            _ => {}
        }
        Ok(false)
    }

    // What is in brackets has to be indented more than the block collection around them. The closing bracket may stand
    // below the block's own first column, against the letter of the specification: people write it so.
    fn indented(&self, event: &Event<'_>, span: &granit_parser::Span, place: Span) -> Step<()> {
        let Some(Flow::Brackets { line, around: Some(column) }) = self.frames.last().map(|frame| frame.flow) else { return Ok(()) };
        if matches!(event, Event::SequenceEnd | Event::MappingEnd | Event::Anchor(..))
            || span.start.line() == line
            || self.blanks_before(place.start) > column
        {
            return Ok(());
        }
        let message = "not YAML: a flow collection is indented less than its parent";
        Err(Box::new(Diagnostic::new(&rules::SYNTAX, self.source, place, message).help("indent it")))
    }

    // How many blanks indent the line of `at`; tabs do not indent.
    fn blanks_before(&self, at: u32) -> usize {
        let before = &self.source.text()[..at as usize];
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let line = self.source.text()[line..].trim_start_matches('\u{feff}');
        line.len() - line.trim_start_matches(' ').len()
    }

    // The further lines of a text in quotes have to be indented more than the block collection around it.
    fn quoted_lines(&self, place: Span) -> Step<()> {
        let Some(Flow::Block(column) | Flow::Brackets { around: Some(column), .. }) = self.frames.last().map(|frame| frame.flow) else {
            return Ok(());
        };
        let written = self.source.slice(place);
        let mut at = 0;
        while let Some(end) = written[at..].find(['\n', '\r']) {
            at += end + 1;
            let line = written[at..].split(['\n', '\r']).next().unwrap_or_default();
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks <= column && !line.trim_start_matches([' ', '\t']).is_empty() {
                let first = self.byte_at(place.start + (at + blanks) as u32);
                let message = "not YAML: a further line of a text in quotes is indented no more than the collection around it";
                let help = "indent the line with blanks";
                return Err(Box::new(Diagnostic::new(&rules::SYNTAX, self.source, first, message).help(help)));
            }
        }
        Ok(())
    }

    fn span(&self, range: Option<std::ops::Range<usize>>) -> Span {
        range.map_or(Span::at(self.last), |range| Span::new(self.base + range.start as u32, self.base + range.end as u32))
    }

    fn byte_at(&self, at: u32) -> Span {
        let length = self.source.text()[at as usize..].chars().next().map_or(0, char::len_utf8);
        Span::new(at, at + length as u32)
    }

    // The parser's error at the bytes that are meant: it names the start of the scalar where something inside is wrong.
    fn syntax(&self, error: &ScanError) -> Box<Diagnostic> {
        let at = error.marker().byte_offset().map_or(self.last, |at| self.base + at as u32);
        let at = self.source.clamp_span(Span::at(at)).start;
        let rest = &self.source.text()[at as usize..];
        let first = |wanted: char| self.byte_at(at + rest.find(wanted).unwrap_or(0) as u32);
        let message = format!("not YAML: {}", error.kind());
        let (span, message, help) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => return Box::new(too_deep(self.source, self.byte_at(at), self.max_depth)),
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar => {
                let behind = self.source.text()[..at as usize].ends_with('\t');
                let tab = if behind { self.byte_at(at - 1) } else { first('\t') };
                (tab, "not YAML: a tab used for indentation".to_owned(), Some("indent with spaces"))
            }
            ErrorKind::UnexpectedCharacter { character } => {
                let shown = quote(&character.to_string(), true);
                (first(*character), format!("not YAML: unexpected character {shown}"), Some("quote the text"))
            }
            ErrorKind::MappingValueNotAllowed => {
                let message = "not YAML: unexpected colon: no member is allowed here".to_owned();
                (self.byte_at(at), message, Some("quote text that contains a colon, or fix the indentation"))
            }
            ErrorKind::UnknownQuotedScalarEscape
            | ErrorKind::InvalidQuotedScalarHexEscape
            | ErrorKind::InvalidLowSurrogateHexEscape
            | ErrorKind::InvalidLowSurrogate
            | ErrorKind::MissingLowSurrogate
            | ErrorKind::UnpairedLowSurrogate
            | ErrorKind::InvalidUnicodeEscape => return self.escape(at),
            _ => (self.byte_at(at), message, None),
        };
        let mut diagnostic = Diagnostic::new(&rules::SYNTAX, self.source, span, message);
        diagnostic.help = help.map(str::to_owned);
        Box::new(diagnostic)
    }

    // The first wrong escape in double quotes that open at `quote`.
    fn escape(&self, quote: u32) -> Box<Diagnostic> {
        let rest = &self.source.text()[quote as usize..];
        let hex = |from: usize, length: usize| {
            let digits = rest.get(from..from + length)?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
        };
        let mut at = 1;
        while let Some(found) = rest.get(at..).and_then(|text| text.find('\\')) {
            at += found;
            let kind = rest[at + 1..].chars().next();
            let length = match kind {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(c) if "0abtnvfre \"/\\N_LP\t\r\n".contains(c) => 0,
                _ => break,
            };
            let mut end = at + 2 + length;
            let value = if length > 0 { hex(at + 2, length) } else { Some(0) };
            let low =
                hex(end + 2, 4).filter(|low| rest.get(end..).is_some_and(|rest| rest.starts_with("\\u")) && (0xDC00..0xE000).contains(low));
            match value {
                Some(0xD800..0xDC00) if length == 4 && low.is_some() => end += 6,
                Some(value @ 0xD800..0xE000) if length == 4 => {
                    let span = Span::new(quote + at as u32, quote + end as u32);
                    return Box::new(super::json::lone_surrogate(self.source, span, value));
                }
                Some(value) if char::from_u32(value).is_some() => {}
                _ => break,
            }
            at = end;
        }
        let length = 1 + rest.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let span = Span::new(quote + at as u32, (quote + (at + length) as u32).min(self.source.len()));
        Box::new(
            Diagnostic::new(&rules::SYNTAX, self.source, span, "not YAML: unknown escape")
                .help("write a backslash as \\\\, or use single quotes"),
        )
    }

    // Whether the next node is a key.
    fn at_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.object && !frame.value_next)
    }

    fn anchor(&mut self, id: usize, place: Span, value: Value) {
        if id > 0 {
            self.anchors.insert(id, Anchored { place, value });
        }
    }

    // After a value: the object it is in awaits a key again.
    fn value_done(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.value_next = false;
        }
    }

    fn key(&mut self, place: Span, text: &str) {
        self.tree.key(place, in_source(self.source, place, text));
        if let Some(frame) = self.frames.last_mut() {
            frame.value_next = true;
        }
    }

    // A key that has been rejected.
    fn missing_key(&mut self, place: Span) {
        self.key(place, "");
        if let Some(frame) = self.frames.last_mut() {
            frame.without_key = true;
        }
    }

    // Reports what no value can stand for; null takes its place, and the document will not be a record.
    fn refuse(&mut self, rule: &'static Rule, place: Span, message: String, help: &str, diagnostics: &mut dyn DiagnosticSink) {
        self.refused = true;
        self.last = place.end;
        let diagnostic = Diagnostic::new(rule, self.source, place, message).help(help);
        if self.at_key() {
            diagnostics.emit(diagnostic);
            return self.missing_key(place);
        }
        let id = self.tree.scalar(Kind::Null, place, Text::Owned("null"));
        self.value_done();
        diagnostics.emit(diagnostic.at(self.tree.node(id).pointer()));
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, properties: &Properties<'_>, place: Span, diagnostics: &mut dyn DiagnosticSink) {
        let Properties { anchor, tag, tag_place } = *properties;
        let place = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.block(place),
            _ => place,
        };
        // The parser calls an empty node `~`.
        let text = if style == ScalarStyle::Plain && place.is_empty() { "" } else { text };
        self.last = place.end.max(self.last);
        let resolved = match resolve(text, style, tag) {
            Ok(resolved) => Ok(resolved),
            Err(refusal) if self.at_key() && refusal.0 == &rules::NO_NUMBER => Err(refusal),
            Err((rule, message, help)) => {
                let place = if rule == &rules::BAD_TAG { tag_place } else { place };
                self.anchor(anchor, place, Value::Refused);
                return self.refuse(rule, place, message, help, diagnostics);
            }
        };
        if self.at_key() {
            if text == "<<" && style == ScalarStyle::Plain {
                diagnostics.emit(
                    Diagnostic::new(
                        &rules::MERGE_KEY,
                        self.source,
                        place,
                        "merge keys are not part of YAML 1.2: this is a member named \"<<\"",
                    )
                    .help("write the members out"),
                );
            }
            if anchor > 0 {
                let value = resolved.map(|(kind, value)| (kind, value.into_owned()));
                self.anchor(anchor, place, Value::Key { key: text.to_owned(), quoted: style != ScalarStyle::Plain, value });
            }
            self.key(place, text);
            if anchor > 0 && self.crosses_records() {
                self.tree.mark_key_repeated();
            }
            return;
        }
        // Only a key can stand for what is no value.
        let Ok((kind, value)) = resolved else { return };
        let key = (anchor > 0 && value != text).then(|| text.to_owned());
        let id = self.tree.scalar(kind, place, in_source(self.source, place, &value));
        if style != ScalarStyle::Plain {
            self.tree.mark_quoted(id);
        }
        self.anchor(anchor, place, Value::Node { id, key });
        self.value_done();
    }

    // A block scalar from its `|` or `>` to its last character; the parser gives the lines alone.
    fn block(&self, place: Span) -> Span {
        let text = self.source.text();
        let before = text[self.base as usize..place.start as usize].trim_end();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let header = |line: &str| {
            let line = line.trim_end();
            let indicator = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
            indicator.ends_with(['|', '>']).then(|| indicator.len() - 1)
        };
        let mut comments = before[line..].match_indices(" #").map(|(at, _)| at).chain([before.len() - line]);
        let found = comments.find_map(|end| header(&before[line..line + end]));
        let start = found.map_or(place.start, |at| self.base + (line + at) as u32);
        let end = place.start + text[place.range()].trim_end().len() as u32;
        Span::new(start, end.max(start))
    }

    fn open(
        &mut self,
        kind: Kind,
        flow: Flow,
        properties: &Properties<'_>,
        opening: Span,
        diagnostics: &mut dyn DiagnosticSink,
    ) -> Step<()> {
        let Properties { anchor, tag, tag_place } = *properties;
        if self.at_key() {
            let message = format!("expected a scalar as the member name, found an {}", kind.word());
            self.refuse(&rules::COMPLEX_KEY, opening, message, "use text as the member name", diagnostics);
            self.skipping = 1;
            return Ok(());
        }
        if self.tree.depth() >= self.max_depth {
            return Err(Box::new(too_deep(self.source, opening, self.max_depth)));
        }
        let expected = if kind == Kind::Array { "seq" } else { "map" };
        let id = self.tree.open(kind, opening);
        if let Some(tag) = tag.filter(|tag| !is_bare(tag) && tag.core_suffix() != Some(expected)) {
            self.refused = true;
            let (_, message, help) = bad_tag(tag, kind.word());
            diagnostics.emit(Diagnostic::new(&rules::BAD_TAG, self.source, tag_place, message).help(help).at(self.tree.node(id).pointer()));
        }
        self.last = opening.end;
        self.anchor(anchor, opening, Value::Open);
        let flow = flow.inside(self.frames.last());
        self.frames.push(Frame { id, anchor, object: kind == Kind::Object, flow, value_next: false, without_key: false });
        Ok(())
    }

    fn close(&mut self, place: Span, diagnostics: &mut dyn DiagnosticSink) {
        // The end of a block collection is where the next token begins; what counts is where its last part ended.
        if !place.is_empty() {
            self.last = place.end;
        }
        let Some(frame) = self.frames.pop() else { return };
        self.tree.close(self.last);
        if frame.object && !frame.without_key {
            note_duplicates(self.tree, frame.id, diagnostics);
        }
        if let Some(anchored) = self.anchors.get_mut(&frame.anchor) {
            anchored.value = Value::Node { id: frame.id, key: None };
        }
        self.value_done();
    }

    // Passes over a collection that stands as a key.
    fn skip(&mut self, event: &Event<'_>, place: Span) {
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => self.skipping += 1,
            Event::SequenceEnd | Event::MappingEnd => self.skipping -= 1,
            Event::Scalar(..) | Event::Alias(_) => {}
            _ => return,
        }
        self.last = place.end.max(self.last);
        if let Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) = event {
            self.anchor(*anchor, place, Value::Refused);
        }
    }

    fn alias(&mut self, id: usize, place: Span, diagnostics: &mut dyn DiagnosticSink) -> Step<()> {
        self.last = place.end;
        let anchored = self.anchors.get(&id);
        let anchor = anchored.map_or(place, |anchored| anchored.place);
        match anchored.map(|anchored| &anchored.value) {
            Some(Value::Key { key: text, .. } | Value::Node { key: Some(text), .. }) if self.at_key() => {
                let text = text.clone();
                self.key(place, &text);
                self.mark_alias_key();
            }
            Some(Value::Key { value: Ok((kind, text)), quoted, .. }) => {
                let (kind, quoted) = (*kind, *quoted);
                let id = self.tree.scalar(kind, place, Text::Owned(text));
                if quoted {
                    self.tree.mark_quoted(id);
                }
                self.mark_alias(id, None);
                self.value_done();
            }
            Some(Value::Key { value: Err((rule, message, help)), .. }) => {
                let (rule, message, help) = (*rule, message.clone(), *help);
                self.refuse(rule, place, message, help, diagnostics);
            }
            Some(Value::Node { id: node, .. }) => {
                let node = *node;
                let target = self.tree.node(node);
                if !self.at_key() {
                    self.copy(node, place, anchor)?;
                    self.value_done();
                } else if matches!(target.kind(), Kind::Array | Kind::Object) {
                    let message = format!("expected a scalar as the member name, found an {}", target.kind().word());
                    self.refuse(&rules::COMPLEX_KEY, place, message, "use text as the member name", diagnostics);
                } else {
                    let text = target.text().to_owned();
                    self.key(place, &text);
                    self.mark_alias_key();
                    self.mark_repeated(node);
                }
            }
            Some(Value::Open) => {
                let diagnostic = Diagnostic::new(&rules::BAD_ALIAS, self.source, place, "an alias to a collection that contains it")
                    .related("the collection", Place::new(self.source, anchor))
                    .help("write the value out");
                return Err(Box::new(diagnostic));
            }
            Some(Value::Refused) | None => {
                // What it stands for has been reported where it is written.
                self.refused = true;
                if self.at_key() {
                    self.missing_key(place);
                } else {
                    self.tree.scalar(Kind::Null, place, Text::Owned("null"));
                    self.value_done();
                }
            }
        }
        Ok(())
    }

    // Marks the key that waits for its value, which an alias stands for.
    fn mark_alias_key(&mut self) {
        self.tree.mark_key_shared();
        if self.crosses_records() {
            self.tree.mark_key_repeated();
        }
    }

    // Marks a value that an alias stands for, and what the alias repeats where that is a value.
    fn mark_alias(&mut self, id: NodeId, of: Option<NodeId>) {
        self.tree.mark_shared(id);
        self.mark_repeated(id);
        if let Some(of) = of {
            self.mark_repeated(of);
        }
    }

    fn mark_repeated(&mut self, id: NodeId) {
        if self.crosses_records() {
            self.tree.mark_repeated(id);
        }
    }

    // Whether an alias and its anchor may be in different records.
    fn crosses_records(&self) -> bool {
        self.has_places || self.has_items && self.frames.first().is_some_and(|frame| !frame.object)
    }

    // Puts a copy of a node where the builder stands; every part of it has the alias's place.
    fn copy(&mut self, node: NodeId, place: Span, anchor: Span) -> Step<()> {
        let over = |what: String| {
            Box::new(
                Diagnostic::new(&rules::ALIAS_BUDGET, self.source, place, format!("aliases expand to more than {what} in this document"))
                    .related("the anchor", Place::new(self.source, anchor))
                    .help("write the values out, or split the document"),
            )
        };
        self.aliased_nodes += 1;
        if self.aliased_nodes > MAX_ALIASED_NODES {
            return Err(over(format!("{MAX_ALIASED_NODES} values")));
        }
        let copied = self.tree.node(node);
        let (kind, text) = (copied.kind(), copied.text());
        self.aliased_bytes += text.len();
        if self.aliased_bytes > self.max_bytes {
            return Err(over(format!("{} bytes of text", self.max_bytes)));
        }
        if !matches!(kind, Kind::Array | Kind::Object) {
            self.scratch.clear();
            self.scratch.push_str(text);
            let quoted = copied.is_quoted();
            let id = self.tree.scalar(kind, place, Text::Owned(&self.scratch));
            if quoted {
                self.tree.mark_quoted(id);
            }
            self.mark_alias(id, Some(node));
            return Ok(());
        }
        if self.tree.depth() >= self.max_depth {
            return Err(Box::new(too_deep(self.source, place, self.max_depth)));
        }
        let members: Vec<(String, NodeId, bool)> =
            copied.members().map(|member| (member.key.text().to_owned(), member.value.id(), member.is_shadowed())).collect();
        let items: Vec<NodeId> = copied.items().map(Node::id).collect();
        let id = self.tree.open(kind, place);
        self.mark_repeated(id);
        self.mark_repeated(node);
        for (key, value, is_shadowed) in members {
            self.aliased_bytes += key.len();
            self.tree.key(place, Text::Owned(&key));
            self.mark_alias_key();
            self.copy(value, place, anchor)?;
            if is_shadowed {
                self.tree.mark_last_shadowed();
            }
        }
        for item in items {
            self.copy(item, place, anchor)?;
        }
        self.tree.close(place.end);
        Ok(())
    }
}

// A scalar's text as part of the source where it is there as it is, within quotes or without.
pub(super) fn in_source<'t>(source: &Source, place: Span, text: &'t str) -> Text<'t> {
    let written = source.slice(place);
    if written == text {
        return Text::Source(place);
    }
    if written.len() == text.len() + 2 && written.starts_with(['"', '\'']) && written.get(1..=text.len()) == Some(text) {
        return Text::Source(Span::new(place.start + 1, place.end - 1));
    }
    Text::Owned(text)
}

type Refusal = (&'static Rule, String, &'static str);

// The kind and text of a scalar.
fn resolve<'t>(text: &'t str, style: ScalarStyle, tag: Option<&Tag>) -> Result<(Kind, Cow<'t, str>), Refusal> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(text) } else { Ok((Kind::String, Cow::Borrowed(text))) };
    };
    let expected = match tag.core_suffix() {
        Some("str") => return Ok((Kind::String, Cow::Borrowed(text))),
        None if is_bare(tag) => return Ok((Kind::String, Cow::Borrowed(text))),
        Some("null") => Kind::Null,
        Some("bool") => Kind::Bool,
        Some("int" | "float") => Kind::Number,
        _ => return Err(bad_tag(tag, "scalar")),
    };
    let found = plain(text)?;
    let fraction = tag.core_suffix() == Some("int") && !number::is_integer(&found.1);
    if found.0 == expected && !(expected == Kind::Number && fraction) { Ok(found) } else { Err(bad_tag(tag, &quote(text, true))) }
}

// `!` alone: text, or just a collection.
fn is_bare(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}

fn bad_tag(tag: &Tag, value: &str) -> Refusal {
    let shown = quote(&tag.original(), false);
    match tag.core_suffix() {
        Some(_) => (&rules::BAD_TAG, format!("tag {shown} does not fit {value}"), "remove the tag, or correct the value"),
        None => (
            &rules::BAD_TAG,
            format!("expected no tag or a core schema tag, found {shown}"),
            "remove the tag, or write the value as plain YAML",
        ),
    }
}

/// A plain scalar in the core schema.
pub(crate) fn plain(text: &str) -> Result<(Kind, Cow<'_, str>), Refusal> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let simple = match text {
        "" | "~" | "null" | "Null" | "NULL" => Some((Kind::Null, "null")),
        "true" | "True" | "TRUE" => Some((Kind::Bool, "true")),
        "false" | "False" | "FALSE" => Some((Kind::Bool, "false")),
        ".nan" | ".NaN" | ".NAN" => return Err(no_value(text)),
        _ if matches!(unsigned, ".inf" | ".Inf" | ".INF") => return Err(no_value(text)),
        _ => None,
    };
    if let Some((kind, text)) = simple {
        return Ok((kind, Cow::Borrowed(text)));
    }
    if !matches!(unsigned.as_bytes().first(), Some(b'0'..=b'9' | b'.')) {
        return Ok((Kind::String, Cow::Borrowed(text)));
    }
    let radix =
        |prefix: &str, radix: u32| text.strip_prefix(prefix).filter(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)));
    let found = if let Some(digits) = radix("0x", 16) {
        decimal(digits, 16).ok_or_else(|| no_value(text))?.into()
    } else if let Some(digits) = radix("0o", 8) {
        decimal(digits, 8).ok_or_else(|| no_value(text))?.into()
    } else if let Some(number) = json_number(text) {
        number
    } else {
        return Ok((Kind::String, Cow::Borrowed(text)));
    };
    Ok((Kind::Number, found))
}

fn no_value(text: &str) -> Refusal {
    let shown = quote(text, false);
    (&rules::NO_NUMBER, format!("expected a finite number, found {shown}"), "quote it if it is text, or omit the member")
}

// Digits of another base as a decimal; `None` if they are too many.
fn decimal(digits: &str, radix: u32) -> Option<String> {
    const LIMB: u64 = 1_000_000_000;
    if digits.len() > MAX_RADIX_DIGITS {
        return None;
    }
    // Limbs of nine decimal digits, the lowest first.
    let mut limbs = vec![0_u64];
    for digit in digits.chars().filter_map(|c| c.to_digit(radix)) {
        let mut carry = u64::from(digit);
        for limb in &mut limbs {
            let value = *limb * u64::from(radix) + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut out = limbs.pop().unwrap_or_default().to_string();
    for limb in limbs.iter().rev() {
        let _ = write!(out, "{limb:09}");
    }
    Some(out)
}

/// A decimal number of YAML's core schema in the grammar of RFC 8259, with the same value; `None` for other text.
pub(crate) fn json_number(text: &str) -> Option<Cow<'_, str>> {
    if number::is_number(text) {
        return Some(Cow::Borrowed(text));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.find(['e', 'E']).map_or((unsigned, ""), |at| unsigned.split_at(at));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) || (whole.is_empty() && fraction.is_none_or(str::is_empty)) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 2);
    if text.starts_with('-') {
        out.push('-');
    }
    let whole = whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
    out.push_str(exponent);
    number::is_number(&out).then_some(Cow::Owned(out))
}
