//! Reads TOML 1.0.
//!
//! Input: a whole file. Output: one record; `--records` sets another location. Dates and times are strings as written; integers
//! in other bases and with underscores are written as decimals; `inf` and `nan` are rejected.

use std::sync::Arc;

use toml_edit::{Document, InlineTable, Item, Key, Table, Value};

use super::directive::Comments;
use super::limits::{TooLarge, floor_char};
use super::records::{Mark, Targets, hand_out_document};
use super::{Options, Reader, RecordVisitor, TopLevel, Window, too_deep, too_many, yaml};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, quote, rules};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};
use chancery_core::tree::{Kind, Text, Tree, number};

/// Takes a file whole.
pub struct TomlChunker {
    feed: InputBuffer,
    max_record_bytes: usize,
    top_level: TopLevel,
    reader: Arc<File>,
    done: bool,
}

impl TomlChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, options: &Options) -> Self {
        let (max_depth, max_values) = (options.max_depth, options.max_values());
        let reader = Arc::new(File { targets: Targets::of(options), max_depth, max_values });
        let top_level = TopLevel::of_whole(&options.records);
        Self { feed, max_record_bytes: options.max_record_bytes, top_level, reader, done: false }
    }
}

impl super::Chunker for TomlChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        while self.feed.bytes().len() <= self.max_record_bytes && self.feed.fill()? {}
        let length = self.feed.bytes().len();
        if length > self.max_record_bytes {
            let reader: Arc<dyn Reader> = Arc::new(TooLarge { limit: self.max_record_bytes });
            let shown = floor_char(self.feed.bytes(), 80);
            return Ok(Some(Window::new(self.feed.consume(shown)?, &reader)));
        }
        let reader: Arc<dyn Reader> = Arc::clone(&self.reader) as _;
        Ok(Some(Window::new(self.feed.consume(length)?, &reader).of(self.top_level)))
    }
}

struct File {
    targets: Arc<Targets>,
    max_depth: usize,
    max_values: usize,
}

/// How many values one of the parser's values counts as: it takes so much more memory.
const PARSED: usize = 24;

// The byte at which a text may come to have more than `limit` values, names and tables. Each of them needs one of these bytes,
// and a comment or blank line may be kept with the next; in texts they count too, of which there are few.
fn surplus(text: &str, limit: usize) -> Option<usize> {
    let counts = |byte: &u8| matches!(byte, b'=' | b',' | b'[' | b'{' | b'.');
    text.as_bytes().iter().enumerate().filter(|(_, byte)| counts(byte)).nth(limit).map(|(at, _)| at)
}

impl Reader for File {
    fn comments(&self) -> Option<Comments> {
        Some(Comments::Hash)
    }

    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        tree.reset(source);
        let limit = (self.max_values / PARSED).max(1 << 14);
        if let Some(at) = surplus(source.text(), limit) {
            visitor.emit(too_many(source, Span::at(at as u32), limit, "values"));
            return visitor.malformed();
        }
        let document = match Document::parse(source.text()) {
            Ok(document) => document,
            Err(error) => {
                visitor.emit(syntax(source, &error));
                visitor.surplus(Span::new(0, source.len()));
                return visitor.malformed();
            }
        };
        let mut builder = Builder { source, tree, max_depth: self.max_depth, last: 0, refused: false };
        match builder.table(document.as_table(), Span::at(0), visitor) {
            Ok(()) if !builder.refused => {
                let root = Mark::of(source, tree.root().opening());
                let found = hand_out_document(tree, &self.targets, visitor);
                found.diagnostics(source, &root).into_iter().for_each(|diagnostic| visitor.file_diagnostic(diagnostic));
            }
            Ok(()) => {
                visitor.surplus(Span::new(0, source.len()));
                visitor.malformed();
            }
            Err(diagnostic) => {
                visitor.emit(*diagnostic);
                visitor.surplus(Span::new(0, source.len()));
                visitor.malformed();
            }
        }
    }
}

fn syntax(source: &Arc<Source>, error: &toml_edit::TomlError) -> Diagnostic {
    let end = source.len();
    let span = error.span().map_or(Span::at(end), |range| Span::new((range.start as u32).min(end), (range.end as u32).min(end)));
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    if message.starts_with("duplicate key") {
        // The parser knows the name and not the first place; the finding is the same as in the other formats.
        let name = source.slice(span).trim_matches(['"', '\'']);
        return Diagnostic::new(&rules::DUPLICATE_MEMBER, source, span, format!("member {} is duplicated", quote(name, true)))
            .label("second")
            .help("remove one of them; which one other programs read varies");
    }
    Diagnostic::new(&rules::SYNTAX, source, span, format!("not TOML: {message}"))
}

/// Makes a tree of a parsed document.
struct Builder<'a> {
    source: &'a Arc<Source>,
    tree: &'a mut Tree,
    max_depth: usize,
    // The furthest byte of what has been read of the open tables.
    last: u32,
    refused: bool,
}

type Step = Result<(), Box<Diagnostic>>;

impl Builder<'_> {
    fn open(&mut self, kind: Kind, opening: Span) -> Step {
        if self.tree.depth() >= self.max_depth {
            return Err(Box::new(too_deep(self.source, opening, self.max_depth)));
        }
        self.last = opening.end;
        self.tree.open(kind, opening);
        Ok(())
    }

    fn key(&mut self, key: Option<&Key>, name: &str, otherwise: Span) -> Span {
        let span = key.and_then(Key::span).map_or(otherwise, span);
        self.tree.key(span, yaml::in_source(self.source, span, name));
        span
    }

    // A table opens at its header; one without, at its first key; one that dotted keys make, at its own part of them.
    fn table(&mut self, table: &Table, otherwise: Span, diagnostics: &mut dyn DiagnosticSink) -> Step {
        let first = table.iter().next().and_then(|(name, _)| table.key(name)).and_then(Key::span);
        let opening = if table.is_dotted() { None } else { table.span() }.map(span).filter(|span| !span.is_empty());
        self.open(Kind::Object, opening.or(first.map(span)).unwrap_or(otherwise))?;
        let mut end = self.last;
        for (name, item) in table {
            let key = self.key(table.key(name), name, otherwise);
            // Other headers and dotted keys may name a table again.
            if !item.is_value() || item.as_inline_table().is_some_and(InlineTable::is_dotted) {
                self.tree.mark_key_shared();
            }
            self.item(item, key, diagnostics)?;
            end = end.max(self.last);
        }
        self.last = end;
        self.tree.close(end);
        Ok(())
    }

    fn item(&mut self, item: &Item, key: Span, diagnostics: &mut dyn DiagnosticSink) -> Step {
        match item {
            Item::None => Ok(()),
            Item::Value(value) => self.value(value, key, diagnostics),
            Item::Table(table) => self.table(table, key, diagnostics),
            Item::ArrayOfTables(tables) => {
                let first = tables.iter().next().and_then(Table::span).map_or(key, span);
                self.open(Kind::Array, first)?;
                for table in tables {
                    self.table(table, key, diagnostics)?;
                }
                self.tree.close(self.last);
                Ok(())
            }
        }
    }

    fn value(&mut self, value: &Value, key: Span, diagnostics: &mut dyn DiagnosticSink) -> Step {
        let place = value.span().map_or(key, span);
        match value {
            Value::String(text) => {
                let id = self.tree.scalar(Kind::String, place, yaml::in_source(self.source, place, text.value()));
                self.tree.mark_quoted(id);
            }
            Value::Integer(integer) => {
                if number::is_number(self.source.slice(place)) {
                    self.tree.scalar(Kind::Number, place, Text::Source(place));
                } else {
                    self.tree.scalar(Kind::Number, place, Text::Owned(&integer.value().to_string()));
                }
            }
            Value::Float(_) => self.float(place, diagnostics),
            Value::Boolean(word) => {
                let word = if *word.value() { "true" } else { "false" };
                self.tree.scalar(Kind::Bool, place, Text::Owned(word));
            }
            Value::Datetime(_) => {
                self.tree.scalar(Kind::String, place, Text::Source(place));
            }
            Value::Array(array) => {
                self.open(Kind::Array, Span::new(place.start, place.start + 1))?;
                for value in array {
                    self.value(value, key, diagnostics)?;
                }
                self.tree.close(place.end);
            }
            Value::InlineTable(table) => self.inline(table, place, diagnostics)?,
        }
        self.last = self.last.max(place.end);
        Ok(())
    }

    fn inline(&mut self, table: &InlineTable, place: Span, diagnostics: &mut dyn DiagnosticSink) -> Step {
        let first = table.iter().next().and_then(|(name, _)| table.key(name)).and_then(Key::span).map_or(place, span);
        let opening = if table.is_dotted() { first } else { Span::new(place.start, place.start + 1) };
        self.open(Kind::Object, opening)?;
        for (name, value) in table {
            let key = self.key(table.key(name), name, place);
            if value.as_inline_table().is_some_and(InlineTable::is_dotted) {
                self.tree.mark_key_shared();
            }
            self.value(value, key, diagnostics)?;
        }
        self.tree.close(if table.is_dotted() { self.last } else { place.end });
        Ok(())
    }

    fn float(&mut self, place: Span, diagnostics: &mut dyn DiagnosticSink) {
        let written = self.source.slice(place).replace('_', "");
        if let Some(text) = yaml::json_number(&written) {
            self.tree.scalar(Kind::Number, place, yaml::in_source(self.source, place, &text));
            return;
        }
        self.refused = true;
        let id = self.tree.scalar(Kind::Null, place, Text::Owned("null"));
        let message = format!("expected a finite number, found {}", quote(&written, false));
        diagnostics.emit(
            Diagnostic::new(&rules::NO_NUMBER, self.source, place, message)
                .help("quote it if it is text, or omit the member")
                .at(self.tree.node(id).pointer()),
        );
    }
}

fn span(range: std::ops::Range<usize>) -> Span {
    Span::new(range.start as u32, range.end as u32)
}
