//! Reads CSV and TSV (RFC 4180 with common extensions): one record per row.
//!
//! Input: a table, or a package of tables ([`package`]). Output: one record per row, with members at the paths given by the header.
//! The delimiter is detected from the first rows, the header is parsed once, and windows end at row boundaries. Each window
//! has the header as a segment of its own, so that findings can point at it. Blank lines are skipped.

mod lex;
pub mod package;
mod header_plan;
mod rows;

use std::borrow::Cow;
use std::sync::Arc;

use self::header_plan::{HeaderPlan, Role};
use self::lex::End;
use self::rows::Table;
use super::limits::{TooLarge, few_lines, floor_char};
use super::{Options, Reader, Window};
use crate::layout::cell;
use crate::layout::header::Header;
use chancery_core::diagnostic::{Diagnostic, Member};
use chancery_core::source::{InputBuffer, ReadError, Source, Span};

/// How a table is written, as far as the user said.
#[derive(Clone, Debug, Default)]
pub struct Dialect {
    /// What stands between cells; else found from the first rows.
    pub delimiter: Option<u8>,
    /// The first row is a record, not names.
    pub no_header: bool,
    /// Lines that begin with this are omitted.
    pub comment: Option<u8>,
    /// Bare cells with one of these texts are null, or missing where null is not admitted.
    pub null_words: Vec<String>,
    /// What stands between the items of a list in one cell.
    pub list_separator: Option<String>,
    /// How cells are typed.
    pub cells: Cells,
}

/// How cells are typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// By the shape, and by quotes where it leaves a choice.
    #[default]
    Typed,
    /// Every cell is text.
    Text,
}

/// How much is looked at to find the delimiter.
const SAMPLE: usize = 64 * 1024;

/// Cuts at the ends of rows.
pub struct CsvChunker {
    feed: InputBuffer,
    delimiter: Option<u8>,
    options: Options,
    state: State,
}

enum State {
    Start,
    Rows { table: Arc<Table>, reader: Arc<dyn Reader>, header: Arc<Header> },
    Done,
}

impl CsvChunker {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(feed: InputBuffer, delimiter: Option<u8>, options: &Options) -> Self {
        Self { feed, delimiter: options.csv.delimiter.or(delimiter), options: options.clone(), state: State::Start }
    }

    fn start(&mut self) -> Result<Option<Window>, ReadError> {
        let head = match Head::read(&mut self.feed, self.delimiter, &self.options)? {
            Head::Empty => {
                self.state = State::Done;
                return Ok(None);
            }
            Head::Broken(window) => {
                self.state = State::Done;
                return Ok(Some(window));
            }
            Head::Cells(head) => head,
        };
        let shape = Arc::clone(&self.options.shape);
        let plan = if self.options.csv.no_header {
            HeaderPlan::without_header(self.feed.name(), self.feed.position(), head.cells.len(), shape.root())
        } else {
            let base = self.feed.position();
            let header = self.feed.consume(head.length)?.into_text();
            HeaderPlan::new(self.feed.name(), header, base, &head.cells, shape.root(), false, self.options.max_depth)
        };
        let diagnostics = plan.diagnostics();
        let header = Arc::new(Header::of_table(plan.stored(), plan.role(Role::Record).is_some()));
        let table = Arc::new(Table::new(vec![plan], head.delimiter, &self.options));
        self.state = State::Rows { reader: Arc::clone(&table) as Arc<dyn Reader>, table, header: Arc::clone(&header) };
        let window = self.rows()?;
        // A header without rows is still worth a window.
        let reader: Arc<dyn Reader> = Arc::new(EmptyTable);
        let empty = || Window::new(Source::detached(Arc::clone(self.feed.name()), self.feed.position()), &reader);
        Ok(Some(Window { diagnostics, header: Some(header), ..window.unwrap_or_else(empty) }))
    }

    fn rows(&mut self) -> Result<Option<Window>, ReadError> {
        let State::Rows { table, reader, header } = &self.state else { return Ok(None) };
        let (table, reader, header) = (Arc::clone(table), Arc::clone(reader), Arc::clone(header));
        // The header goes along with each window, so a long one makes for long windows.
        let window_bytes = self.options.window_bytes.max(table.plans[0].header.len());
        match cut_rows(&mut self.feed, table.delimiter, &self.options, window_bytes)? {
            RowRange::None => {
                self.state = State::Done;
                Ok(None)
            }
            RowRange::Rows(mut source) => {
                table.append_header(0, &mut source);
                Ok(Some(Window { header: Some(header), ..Window::new(source, &reader) }))
            }
            RowRange::TooLarge(window) => Ok(Some(window)),
        }
    }
}

impl super::Chunker for CsvChunker {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        match self.state {
            State::Start => self.start(),
            State::Rows { .. } => self.rows(),
            State::Done => Ok(None),
        }
    }
}

/// A window about a file in which there is nothing to read.
struct EmptyTable;

impl Reader for EmptyTable {
    fn read(&self, _source: &Arc<Source>, _tree: &mut chancery_core::tree::Tree, _visitor: &mut dyn super::RecordVisitor) {}
}

enum RowRange {
    None,
    Rows(Source),
    TooLarge(Window),
}

// Takes whole rows of about a window's length; at the end, what is left.
fn cut_rows(feed: &mut InputBuffer, delimiter: u8, options: &Options, window_bytes: usize) -> Result<RowRange, ReadError> {
    feed.fill_from_stream(window_bytes)?;
    loop {
        let bytes = feed.bytes();
        let length = if feed.is_ended() { bytes.len() } else { lex::whole_rows(bytes, delimiter, options.csv.comment) };
        if length > 0 {
            let few = few_lines(&bytes[..length]);
            let few = if few < length { lex::whole_rows(&bytes[..few], delimiter, options.csv.comment) } else { length };
            let length = if few > 0 { few } else { length };
            return Ok(RowRange::Rows(feed.consume(length)?));
        }
        if feed.is_ended() {
            return Ok(RowRange::None);
        }
        if bytes.len() > options.max_record_bytes {
            return Ok(RowRange::TooLarge(large_row(feed, delimiter, options)?));
        }
        feed.fill()?;
    }
}

// The start of a row past the limit; the rest of the row is dropped unread.
fn large_row(feed: &mut InputBuffer, delimiter: u8, options: &Options) -> Result<Window, ReadError> {
    let mut skip = lex::Skip::default();
    let shown = floor_char(feed.bytes(), 80);
    let mut end = skip.over(&feed.bytes()[..shown], delimiter);
    let reader: Arc<dyn Reader> = Arc::new(LargeRow { limit: options.max_record_bytes, is_header: false });
    let window = Window::new(feed.consume(end.unwrap_or(shown))?, &reader);
    while end.is_none() {
        let bytes = feed.bytes();
        let whole = if feed.is_ended() { bytes.len() } else { floor_char(bytes, bytes.len()) };
        end = skip.over(&bytes[..whole], delimiter);
        feed.consume(end.unwrap_or(whole))?;
        if end.is_none() && !feed.fill()? && feed.bytes().is_empty() {
            break;
        }
    }
    Ok(window)
}

/// Reports that a header has more columns than a table may have.
struct ManyColumns {
    limit: usize,
}

impl Reader for ManyColumns {
    fn read(&self, source: &Arc<Source>, _tree: &mut chancery_core::tree::Tree, visitor: &mut dyn super::RecordVisitor) {
        let message = format!("table has more than {} columns", self.limit);
        visitor.emit(
            Diagnostic::new(&chancery_core::diagnostic::rules::TOO_LARGE, source, Span::at(0), message)
                .help("raise --max-record-bytes; each 1024 bytes allow one column"),
        );
        visitor.malformed();
        visitor.stop();
    }
}

/// Reports that a row is past the limit. Without its header a table cannot be read.
struct LargeRow {
    limit: usize,
    is_header: bool,
}

impl Reader for LargeRow {
    fn read(&self, source: &Arc<Source>, _tree: &mut chancery_core::tree::Tree, visitor: &mut dyn super::RecordVisitor) {
        visitor.emit(TooLarge::diagnostic(source, 0, self.limit));
        visitor.malformed();
        if self.is_header {
            visitor.stop();
        }
    }
}

/// The first row of a table.
enum Head {
    Empty,
    Broken(Window),
    Cells(FirstRow),
}

struct FirstRow {
    cells: Vec<lex::Cell>,
    length: usize,
    delimiter: u8,
}

impl Head {
    // Skips comments and blank lines, finds the delimiter and reads the first row; it is not taken.
    fn read(feed: &mut InputBuffer, delimiter: Option<u8>, options: &Options) -> Result<Self, ReadError> {
        feed.fill_from_stream(SAMPLE)?;
        loop {
            let bytes = feed.bytes();
            let Some(first) = bytes.first().copied() else { return Ok(Self::Empty) };
            let blank = matches!(first, b'\n' | b'\r');
            if !blank && Some(first) != options.csv.comment {
                break;
            }
            let end = lex::next_line(bytes, 0);
            let length = end.unwrap_or(bytes.len());
            if end.is_some() || feed.is_ended() {
                feed.skip(length)?;
                feed.fill_from_stream(SAMPLE)?;
            } else if bytes.len() > options.max_record_bytes {
                let reader: Arc<dyn Reader> = Arc::new(LargeRow { limit: options.max_record_bytes, is_header: true });
                let shown = floor_char(bytes, 80);
                return Ok(Self::Broken(Window::new(feed.consume(shown)?, &reader)));
            } else {
                feed.fill()?;
            }
        }
        let delimiter = delimiter.unwrap_or_else(|| sniff(feed.bytes(), options.csv.comment));
        let mut cells = Vec::new();
        loop {
            let mut length = 0;
            let limit = options.max_columns();
            let (end, count) = lex::row_up_to(feed.bytes(), &mut length, delimiter, &mut cells, limit);
            if count > limit {
                let reader: Arc<dyn Reader> = Arc::new(ManyColumns { limit });
                let shown = floor_char(feed.bytes(), 80);
                return Ok(Self::Broken(Window::new(feed.consume(shown)?, &reader)));
            }
            if end == End::Line || (feed.is_ended() && end == End::Input) {
                return Ok(Self::Cells(FirstRow { cells, length, delimiter }));
            }
            if feed.is_ended() {
                let reader: Arc<dyn Reader> = Arc::new(OpenHeader);
                return Ok(Self::Broken(Window::new(feed.consume(feed.bytes().len())?, &reader)));
            }
            if feed.bytes().len() > options.max_record_bytes {
                let reader: Arc<dyn Reader> = Arc::new(LargeRow { limit: options.max_record_bytes, is_header: true });
                let shown = floor_char(feed.bytes(), 80);
                return Ok(Self::Broken(Window::new(feed.consume(shown)?, &reader)));
            }
            feed.fill()?;
        }
    }
}

/// Reports that the header's quotes do not close.
struct OpenHeader;

impl Reader for OpenHeader {
    fn read(&self, source: &Arc<Source>, _tree: &mut chancery_core::tree::Tree, visitor: &mut dyn super::RecordVisitor) {
        let at = source.text().find('"').unwrap_or(0) as u32;
        visitor.emit(unterminated(source, at));
        visitor.malformed();
        visitor.stop();
    }
}

fn unterminated(source: &Arc<Source>, at: u32) -> Diagnostic {
    let span = source.character(at, source.len());
    Diagnostic::new(
        &chancery_core::diagnostic::rules::UNTERMINATED_QUOTE,
        source,
        span,
        "expected a closing quote, found the end of the file",
    )
    .label("opened here")
    .help("close the quote; a quote inside a quoted cell is written twice")
}

/// The delimiter by which the first rows fall into columns: of those that split the first row at all, the one whose
/// number of columns most rows share; then the one with most columns; a comma if there is none.
fn sniff(bytes: &[u8], comment: Option<u8>) -> u8 {
    const ROWS: usize = 64;
    let bytes = &bytes[..bytes.len().min(SAMPLE)];
    let mut best = (b',', (0, 0));
    let mut cells = Vec::new();
    for delimiter in [b',', b';', b'\t', b'|'] {
        let mut at = 0;
        if lex::row(bytes, &mut at, delimiter, &mut cells) == End::Input && at > SAMPLE {
            continue;
        }
        let columns = cells.len();
        // A quoted name that does not begin its cell: this delimiter cuts through it.
        if columns < 2 || cells.iter().any(|cell| cell.stray.is_some()) {
            continue;
        }
        let (mut rows, mut alike) = (1, 1);
        while rows < ROWS && at < bytes.len() {
            let start = at;
            let end = lex::row(bytes, &mut at, delimiter, &mut cells);
            let blank = cells.len() == 1 && cells[0].span.is_empty();
            // The last row of the sample may be cut short.
            if blank || bytes.get(start).copied() == comment && comment.is_some() || end != End::Line && bytes.len() == SAMPLE {
                continue;
            }
            rows += 1;
            alike += usize::from(cells.len() == columns);
        }
        let score = (alike * 1000 / rows, columns);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// The text of a header cell.
#[must_use]
pub fn column_of(written: &str) -> Cow<'_, str> {
    if written.starts_with('"') { cell::unquote(written) } else { written.into() }
}

/// The empty cell of a row for a further member of an object, in the column whose path differs in its last step from that
/// of a member which the object has; `None` if the table has no such column or its cell holds something.
#[must_use]
pub fn vacant(source: &Source, member: &Member) -> Option<Span> {
    let header = source.segment_at(member.key.start);
    let text = source.text().as_bytes();
    // A header cell stands between two delimiters, or between one and an end of the header.
    let behind = text[..header.end as usize].get(member.key.end as usize).filter(|byte| !matches!(byte, b'\r' | b'\n'));
    let before = (member.key.start > header.start).then(|| text[member.key.start as usize - 1]);
    let delimiter = behind.copied().or(before)?;
    let cells = |from: u32| {
        let (mut at, mut cells) = (from as usize, Vec::new());
        let end = source.segment_at(from).end as usize;
        lex::row(&text[..end], &mut at, delimiter, &mut cells);
        cells
    };
    let columns = cells(header.start);
    let path = column_of(source.slice(member.key));
    // A name in the row itself may hold what parts the steps of a path.
    let above = if member.object.is_empty() { "" } else { path.rfind(['/', '.']).map_or("", |at| &path[..=at]) };
    let wanted = format!("{above}{}", member.name);
    let mut fitting = columns.iter().enumerate().filter(|(_, column)| column_of(source.slice(column.span)) == wanted);
    let (Some((index, _)), None) = (fitting.next(), fitting.next()) else { return None };
    let cell = cells(member.opening.start).get(index)?.span;
    let quotes_mean_nothing = columns.iter().all(|column| column.quoted);
    (cell.is_empty() || quotes_mean_nothing && source.slice(cell) == "\"\"").then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        for (text, expected) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2\n", b';'),
            ("a\tb, c\n1\t2\n", b'\t'),
            ("a|b|c\n1|2|3", b'|'),
            ("a\n1;2\n", b','),
            ("\"a;b\",c\n1,2\n", b','),
            ("\"a;b\"\n1;2\n", b','),
        ] {
            assert_eq!(sniff(text.as_bytes(), None), expected, "{text:?}");
        }
    }
}
