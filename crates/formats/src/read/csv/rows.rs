//! Rows to trees: walks the header's plan once a row and places each cell where its column's path says.
//!
//! A ragged row is kept and located: cells that are not there are missing, cells too many are an error. Rows of child
//! tables, which are in stretches of their own, become the lists of their parent rows.

use std::borrow::Cow;
use std::sync::Arc;

use super::header_plan::{HeaderPlan, Role};
use super::lex::{self, Cell, End};
use super::{Cells, unterminated};
use crate::layout::cell::{self, Reading};
use crate::layout::column::Step;
use crate::read::directive::Comments;
use crate::read::json::Parser;
use crate::read::limits::TooLarge;
use crate::read::{Options, Reader, RecordVisitor, too_many};
use chancery_core::diagnostic::{Diagnostic, Edit, Place, Safety, quote, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Kind, Node, Text, Tree, Typing, pointer};
use chancery_schema::shape::Types;

/// The tables of one input: one, or a package with the root table first.
pub(super) struct Table {
    pub plans: Vec<HeaderPlan>,
    pub delimiter: u8,
    options: Options,
}

impl Table {
    pub fn new(plans: Vec<HeaderPlan>, delimiter: u8, options: &Options) -> Self {
        Self { plans, delimiter, options: options.clone() }
    }

    /// Adds the header of a table after its rows, so that findings can point at it.
    pub fn append_header(&self, table: usize, source: &mut Source) -> u32 {
        let plan = &self.plans[table];
        source.append(Arc::clone(&plan.name), &plan.header, plan.base)
    }
}

impl Reader for Table {
    fn comments(&self) -> Option<Comments> {
        self.options.csv.comment.map(Comments::Line)
    }

    fn read(&self, source: &Arc<Source>, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let header = source.len() - self.plans[0].header.len() as u32;
        RowReader::new(self, source, vec![Frame::new(0, header, header)]).read(tree, visitor);
    }
}

/// How many delimiters a fix may add to a short row.
const MOST_DELIMITERS: usize = 1000;

/// Where a table's rows and header are in a window, and the row current.
pub(super) struct Frame {
    at: usize,
    end: usize,
    header: u32,
    cells: Vec<Cell>,
    // Which nodes of the plan have something in this row, how many of their children have, and which nodes those are: the
    // work on a row goes with its cells, not with the columns of the table.
    present: Vec<bool>,
    inside: Vec<u32>,
    touched: Vec<u32>,
    row: Option<Span>,
    number: Option<u64>,
}

impl Frame {
    /// Rows from `start` to `end`, header at `header`.
    pub fn new(start: u32, end: u32, header: u32) -> Self {
        let (at, end) = (start as usize, end as usize);
        Self { at, end, header, cells: Vec::new(), present: Vec::new(), inside: Vec::new(), touched: Vec::new(), row: None, number: None }
    }
}

/// Reading one window.
pub(super) struct RowReader<'r> {
    table: &'r Table,
    source: &'r Arc<Source>,
    frames: Vec<Frame>,
    broken: bool,
}

impl<'r> RowReader<'r> {
    pub fn new(table: &'r Table, source: &'r Arc<Source>, frames: Vec<Frame>) -> Self {
        Self { table, source, frames, broken: false }
    }

    /// Passes on every row of the first table.
    pub fn read(&mut self, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        while self.next(0, visitor) {
            tree.reset(self.source);
            tree.mark_typing(Typing::Cells);
            if !self.broken {
                self.row(0, tree, visitor);
            }
            if std::mem::take(&mut self.broken) {
                visitor.surplus(self.frames[0].row.unwrap_or_default());
                visitor.malformed();
            } else {
                visitor.record(tree);
            }
            self.frames[0].row = None;
        }
        for table in 1..self.frames.len() {
            while self.next(table, visitor) {
                let orphan = self.orphan(table);
                visitor.file_diagnostic(orphan);
                self.frames[table].row = None;
            }
        }
    }

    // Brings the next row of a table to hand, unless one is.
    fn next(&mut self, table: usize, visitor: &mut dyn RecordVisitor) -> bool {
        let frame = &mut self.frames[table];
        if frame.row.is_some() {
            return true;
        }
        let bytes = &self.source.text().as_bytes()[..frame.end];
        loop {
            let start = frame.at;
            if start >= frame.end {
                return false;
            }
            if self.table.options.csv.comment == Some(bytes[start]) {
                frame.at = lex::next_line(bytes, start).unwrap_or(frame.end);
                continue;
            }
            let most = self.table.options.max_columns().max(self.table.plans[table].columns.len());
            let (ended, count) = lex::row_up_to(bytes, &mut frame.at, self.table.delimiter, &mut frame.cells, most);
            if let End::Quoted(at) = ended {
                frame.row = Some(Span::new(start as u32, frame.end as u32));
                self.broken = true;
                visitor.emit(unterminated(self.source, at as u32));
                return true;
            }
            let last = frame.cells.last().map_or(start as u32, |cell| cell.span.end);
            if last as usize == start {
                continue;
            }
            frame.row = Some(Span::new(start as u32, last));
            let limit = self.table.options.max_record_bytes;
            if last as usize - start > limit {
                self.broken = true;
                visitor.emit(TooLarge::diagnostic(self.source, start as u32, limit));
                return true;
            }
            if count > most {
                self.broken = true;
                visitor.emit(too_many(self.source, Span::at(start as u32), most, "cells"));
                return true;
            }
            let plan = &self.table.plans[table];
            frame.number = plan.role(Role::Row).and_then(|column| number(self.source.text(), frame.cells.get(column)?));
            return true;
        }
    }

    // Whether the row current of a child table belongs to the row `parent`; rows of parents that are past are reported.
    fn belongs(&mut self, table: usize, parent: Option<u64>, visitor: &mut dyn RecordVisitor) -> bool {
        while self.next(table, visitor) {
            if self.broken {
                return false;
            }
            let frame = &self.frames[table];
            let column = self.table.plans[table].role(Role::Parent);
            match (column.and_then(|column| number(self.source.text(), frame.cells.get(column)?)), parent) {
                (Some(of), Some(parent)) if of == parent => return true,
                (Some(of), Some(parent)) if of > parent => return false,
                _ => {
                    let orphan = self.orphan(table);
                    visitor.emit(orphan);
                    self.frames[table].row = None;
                }
            }
        }
        false
    }

    fn orphan(&self, table: usize) -> Diagnostic {
        let frame = &self.frames[table];
        let row = frame.row.unwrap_or_default();
        let column = self.table.plans[table].role(Role::Parent);
        let span = column.and_then(|column| frame.cells.get(column)).map_or(row, |cell| cell.span);
        let found = quote(self.source.slice(span), true);
        Diagnostic::new(&rules::ORPHAN_ROW, self.source, span, format!("expected the number of a row of the parent table, found {found}"))
            .help("rows of a child table are in the order of their parents and name them by _row")
    }

    // Builds the row current as an object.
    fn row(&mut self, table: usize, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let plan = &self.table.plans[table];
        self.ragged(table, visitor);
        self.mark(table, visitor);
        if self.broken {
            return;
        }
        let row = self.frames[table].row.unwrap_or_default();
        if let Some(column) = plan.columns.iter().position(|column| column.role == Role::Record)
            && let Some(cell) = self.frames[table].cells.get(column).copied()
            && !self.text(cell).is_empty()
        {
            if self.frames[table].present[0] {
                visitor.emit(self.conflict(cell.span, "a member", cell.span));
            }
            return self.json(cell, "", tree, visitor);
        }
        tree.open(Kind::Object, self.source.character(row.start, row.end));
        self.members(table, 0, tree, visitor);
        tree.close(row.end);
    }

    fn ragged(&self, table: usize, visitor: &mut dyn RecordVisitor) {
        let frame = &self.frames[table];
        let (expected, found) = (self.table.plans[table].columns.len(), frame.cells.len());
        let header =
            Place::new(self.source, Span::new(frame.header, frame.header + self.table.plans[table].header.trim_end().len() as u32));
        let message = format!("expected {expected} cells, found {found}");
        if found > expected {
            let span = frame.cells[expected].span.to(frame.cells[found - 1].span);
            let mut diagnostic = Diagnostic::new(&rules::LONG_ROW, self.source, span, message)
                .label("no column")
                .related("the columns", header)
                .help("quote cells that contain the delimiter, or add the missing columns to the header");
            let surplus = &frame.cells[expected..];
            if surplus.iter().all(|cell| cell.span.is_empty()) {
                // Nothing is lost with empty cells.
                diagnostic.severity = chancery_core::diagnostic::Severity::Warning;
                let from = expected.checked_sub(1).map_or(span.start, |last| frame.cells[last].span.end);
                diagnostic = diagnostic.with_edit(Safety::Safe, vec![Edit::layout(Span::new(from, span.end), "")]);
            } else {
                surplus.iter().for_each(|cell| visitor.surplus(cell.span));
            }
            visitor.emit(diagnostic);
        } else if found < expected {
            let row = frame.row.unwrap_or_default();
            let mut diagnostic = Diagnostic::new(&rules::SHORT_ROW, self.source, row, message)
                .related("the columns", header)
                .help("missing cells at the end are treated as missing values; write all delimiters");
            // Where every cell is text, an empty one is not missing. A fix that is much longer than the row is none.
            if self.table.options.csv.cells != Cells::Text && expected - found <= MOST_DELIMITERS {
                let delimiters = char::from(self.table.delimiter).to_string().repeat(expected - found);
                diagnostic = diagnostic.with_edit(Safety::Safe, vec![Edit::layout(Span::at(row.end), delimiters)]);
            }
            visitor.emit(diagnostic);
        }
        for cell in &frame.cells {
            if let Some(at) = cell.stray {
                let message = if cell.quoted {
                    "expected the end of the cell after the closing quote, found text"
                } else {
                    "unexpected quote in an unquoted cell"
                };
                let mut diagnostic = Diagnostic::new(&rules::STRAY_QUOTE, self.source, self.source.character(at, cell.span.end), message)
                    .help("quote the whole cell, and double each quote inside it");
                let text = self.text(*cell);
                // A bare cell may hold JSON, which would be text in quotes.
                if cell.quoted || !text.starts_with(['[', '{']) {
                    let mut quoted = String::new();
                    cell::quote(&text, &mut quoted);
                    diagnostic = diagnostic.with_edit(Safety::Safe, vec![Edit::layout(cell.span, quoted)]);
                }
                visitor.emit(diagnostic);
            }
        }
    }

    // Determines which nodes of the plan have something in the row current.
    fn mark(&mut self, table: usize, visitor: &mut dyn RecordVisitor) {
        let plan = &self.table.plans[table];
        let mut present = std::mem::take(&mut self.frames[table].present);
        let mut inside = std::mem::take(&mut self.frames[table].inside);
        let mut touched = std::mem::take(&mut self.frames[table].touched);
        present.resize(plan.nodes.len(), false);
        inside.resize(plan.nodes.len(), 0);
        for node in touched.drain(..) {
            present[node as usize] = false;
            inside[node as usize] = 0;
        }
        let mut set = |mut node: u32| {
            while !present[node as usize] {
                present[node as usize] = true;
                touched.push(node);
                let parent = plan.nodes[node as usize].parent;
                if node != 0 {
                    inside[parent as usize] += 1;
                }
                node = parent;
            }
        };
        // Cells that are not there are missing.
        for (index, column) in plan.columns.iter().enumerate().take(self.frames[table].cells.len()) {
            if let Role::Value(node) = column.role
                && !self.is_missing(table, index)
            {
                set(node);
            }
        }
        let number = self.frames[table].number;
        for &node in &plan.lists {
            if let Some(child) = plan.nodes[node as usize].table
                && self.belongs(child, number, visitor)
            {
                set(node);
            }
        }
        let frame = &mut self.frames[table];
        (frame.present, frame.inside, frame.touched) = (present, inside, touched);
    }

    // The children of a node that have something in the row current.
    fn children(&self, table: usize, node: u32) -> impl Iterator<Item = u32> {
        let frame = &self.frames[table];
        let count = frame.inside.get(node as usize).copied().unwrap_or(0) as usize;
        let children = &self.table.plans[table].nodes[node as usize].children;
        children.iter().copied().filter(|child| frame.present[*child as usize]).take(count)
    }

    fn is_missing(&self, table: usize, column: usize) -> bool {
        let plan = &self.table.plans[table];
        let Some(cell) = self.frames[table].cells.get(column) else { return true };
        let dialect = &self.table.options.csv;
        if dialect.cells == Cells::Text {
            return false;
        }
        let column = &plan.columns[column];
        if column.json || !plan.quotes {
            let raw = self.source.slice(cell.span);
            return raw.is_empty() || raw == "\"\"" || (!column.types.allows(Types::NULL) && self.is_null_word(plan, *cell));
        }
        cell.span.is_empty() || (!column.types.allows(Types::NULL) && self.is_null_word(plan, *cell))
    }

    fn is_null_word(&self, plan: &HeaderPlan, cell: Cell) -> bool {
        let words = &self.table.options.csv.null_words;
        !(words.is_empty() || cell.quoted && plan.quotes) && words.iter().any(|word| *word == self.text(cell))
    }

    fn text(&self, cell: Cell) -> Cow<'r, str> {
        let raw = self.source.slice(cell.span);
        if cell.quoted { cell::unquote(raw) } else { Cow::Borrowed(raw) }
    }

    // The members of the object at `node` that the row has.
    fn members(&mut self, table: usize, node: u32, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let plan = &self.table.plans[table];
        let children: Vec<u32> = self.children(table, node).collect();
        for child in children {
            let Step::Name(name) = &plan.nodes[child as usize].step else { continue };
            self.key(table, child, name, tree);
            self.value(table, child, tree, visitor);
            if plan.nodes[child as usize].leaves.len() < 2 {
                continue;
            }
            let leaves = self.leaves(table, child);
            for second in leaves.iter().skip(1) {
                // Two columns of one name: the member is duplicated, as it would be in JSON.
                let cells = &self.frames[table].cells;
                let (first, second_cell) = (cells[leaves[0] as usize].span, cells[*second as usize].span);
                visitor.emit(
                    Diagnostic::new(
                        &rules::DUPLICATE_MEMBER,
                        self.source,
                        second_cell,
                        format!("member {} is duplicated", quote(name, true)),
                    )
                    .label("second")
                    .at(plan.pointer(child))
                    .related("first", Place::new(self.source, first))
                    .help("remove one of them; which one other programs read varies"),
                );
                tree.mark_last_shadowed();
                self.key(table, child, name, tree);
                self.cell(table, *second, tree, visitor);
            }
        }
    }

    fn key(&self, table: usize, node: u32, name: &str, tree: &mut Tree) {
        let plan = &self.table.plans[table];
        let node = &plan.nodes[node as usize];
        let header = self.frames[table].header;
        let shift = |span: Span| Span::new(span.start + header, span.end + header);
        if plan.header.is_empty() {
            let cell = self.frames[table].cells.get(node.column as usize).map_or(Span::at(header), |cell| cell.span);
            tree.key(cell, Text::Owned(name));
            tree.mark_key_shared();
        } else {
            let span = plan.columns.get(node.column as usize).map_or(Span::default(), |column| column.header);
            tree.key(shift(span), node.written.map_or(Text::Owned(name), |written| Text::Source(shift(written))));
            // Several header cells may spell a part of their paths.
            if !node.children.is_empty() || node.table.is_some() || node.leaves.len() != 1 {
                tree.mark_key_shared();
            }
        }
    }

    // The columns that hold the whole value of `node` in this row.
    fn leaves(&self, table: usize, node: u32) -> Vec<u32> {
        let leaves = &self.table.plans[table].nodes[node as usize].leaves;
        leaves.iter().copied().filter(|column| !self.is_missing(table, *column as usize)).collect()
    }

    fn value(&mut self, table: usize, node: u32, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let plan = &self.table.plans[table];
        let planned = &plan.nodes[node as usize];
        let leaf = planned.leaves.iter().copied().find(|column| !self.is_missing(table, *column as usize));
        let row = self.frames[table].row.unwrap_or_default();
        let number = self.frames[table].number;
        let child_table = planned.table.filter(|child| self.belongs(*child, number, visitor));
        if let Some(column) = leaf
            && planned.children.is_empty()
            && child_table.is_none()
        {
            return self.cell(table, column, tree, visitor);
        }
        let named = self.children(table, node).find(|child| matches!(plan.nodes[*child as usize].step, Step::Name(_)));
        let indexed = self.children(table, node).find(|child| matches!(plan.nodes[*child as usize].step, Step::Index(_)));
        let ways = [leaf.is_some(), indexed.is_some(), named.is_some(), child_table.is_some()];
        if ways.iter().filter(|path| **path).count() > 1 {
            let column = named.or(indexed).map_or(planned.column, |child| plan.nodes[child as usize].column);
            let at = self.frames[table].cells.get(column as usize).map_or(row, |cell| cell.span);
            let first = leaf.or(indexed.map(|child| plan.nodes[child as usize].column)).unwrap_or(planned.column);
            let first = self.frames[table].cells.get(first as usize).map_or(row, |cell| cell.span);
            visitor.emit(self.conflict(at, "a value", first).at(plan.pointer(node)));
        }
        let opening = self.source.character(row.start, row.end);
        if let Some(column) = leaf {
            self.cell(table, column, tree, visitor);
        } else if let Some(child) = child_table {
            tree.open(Kind::Array, opening);
            while !self.broken && self.belongs(child, number, visitor) {
                self.row(child, tree, visitor);
                self.frames[child].row = None;
            }
            tree.close(row.end);
        } else if indexed.is_some() {
            tree.open(Kind::Array, opening);
            let children: Vec<u32> = self.children(table, node).collect();
            for child in children {
                if matches!(plan.nodes[child as usize].step, Step::Index(_)) {
                    self.value(table, child, tree, visitor);
                }
            }
            tree.close(row.end);
        } else {
            tree.open(Kind::Object, opening);
            self.members(table, node, tree, visitor);
            tree.close(row.end);
        }
    }

    fn conflict(&self, at: Span, what: &str, first: Span) -> Diagnostic {
        Diagnostic::new(
            &rules::CONFLICTING_COLUMNS,
            self.source,
            at,
            format!("expected an empty cell, since another column has {what} for the same member"),
        )
        .related("the other", Place::new(self.source, first))
        .help("clear one of the two cells")
    }

    // Adds the value of one cell.
    fn cell(&mut self, table: usize, column: u32, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        let plan = &self.table.plans[table];
        let planned = &plan.columns[column as usize];
        let Some(cell) = self.frames[table].cells.get(column as usize).copied() else { return };
        let text = self.text(cell);
        let quoted = cell.quoted && plan.quotes;
        let dialect = &self.table.options.csv;
        let id = if dialect.cells == Cells::Text {
            self.scalar(Kind::String, cell, &text, &text, tree)
        } else if planned.json {
            let Role::Value(node) = planned.role else { return };
            return self.json(cell, &plan.pointer(node), tree, visitor);
        } else if let Some(guarded) = text.strip_prefix(cell::GUARD).filter(|_| plan.guarded) {
            let id = self.scalar(Kind::String, cell, &text, guarded, tree);
            // Another text in its place would have to be guarded again.
            tree.mark_shared(id);
            id
        } else if self.is_null_word(plan, cell) {
            tree.scalar(Kind::Null, cell.span, Text::Owned("null"))
        } else if let Some(separator) = dialect.list_separator.as_deref().filter(|separator| {
            planned.types.allows(Types::ARRAY)
                && (text.contains(separator) || !planned.types.allows(Types::STRING))
                && !text.starts_with('[')
        }) {
            tree.open(Kind::Array, self.source.character(cell.span.start, cell.span.end));
            for item in text.split(separator).map(|item| item.trim_matches([' ', '\t'])) {
                let id = match cell::read(planned.item, item, quoted) {
                    Reading::Scalar(kind, item) => self.scalar(kind, cell, &text, item, tree),
                    Reading::Missing | Reading::Json => self.scalar(Kind::String, cell, &text, item, tree),
                };
                tree.mark_shared(id);
            }
            return tree.close(cell.span.end);
        } else {
            match cell::read(planned.types, &text, quoted) {
                Reading::Scalar(kind, found) => self.scalar(kind, cell, &text, found, tree),
                Reading::Missing => self.scalar(Kind::String, cell, &text, "", tree),
                Reading::Json => {
                    if let Ok((parsed, diagnostics)) = self.parse(&text) {
                        return self.graft(&parsed, diagnostics, cell, "", tree, visitor);
                    }
                    self.scalar(Kind::String, cell, &text, &text, tree)
                }
            }
        };
        if cell.quoted {
            tree.mark_quoted(id);
        }
    }

    // A scalar whose text is `part` of the cell's `text`.
    #[expect(clippy::ptr_arg, reason = "whether the text is the source's own decides how it is kept")]
    fn scalar(&self, kind: Kind, cell: Cell, text: &Cow<'r, str>, part: &str, tree: &mut Tree) -> chancery_core::tree::NodeId {
        let place = match text {
            Cow::Borrowed(_) if !part.is_empty() => {
                let start = part.as_ptr() as usize - self.source.text().as_ptr() as usize;
                Text::Source(Span::new(start as u32, (start + part.len()) as u32))
            }
            _ => Text::Owned(part),
        };
        tree.scalar(kind, cell.span, place)
    }

    // Adds the value of a cell that holds JSON text.
    fn json(&mut self, cell: Cell, prefix: &str, tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        match self.parse(&self.text(cell)) {
            Ok((parsed, diagnostics)) => self.graft(&parsed, diagnostics, cell, prefix, tree, visitor),
            Err(mut diagnostic) => {
                self.relocate(&mut diagnostic, cell, prefix);
                visitor.emit(*diagnostic);
                self.broken = true;
                // The tree has to be whole, though it is not handed on.
                tree.scalar(Kind::Null, cell.span, Text::Owned("null"));
            }
        }
    }

    fn parse(&self, text: &str) -> Result<(Tree, Vec<Diagnostic>), Box<Diagnostic>> {
        let source = Arc::new(Source::whole(Arc::clone(self.source.name()), text));
        let mut tree = Tree::new(&source);
        let mut diagnostics = Vec::new();
        let options = &self.table.options;
        Parser::new(&source, 0, text.len(), options.max_depth).up_to(options.max_values()).document(&mut tree, &mut diagnostics)?;
        Ok((tree, diagnostics))
    }

    // Copies a parsed cell into the record, each node at the bytes of the cell it was read from.
    fn graft(
        &self,
        parsed: &Tree,
        diagnostics: Vec<Diagnostic>,
        cell: Cell,
        prefix: &str,
        tree: &mut Tree,
        visitor: &mut dyn RecordVisitor,
    ) {
        for mut diagnostic in diagnostics {
            self.relocate(&mut diagnostic, cell, prefix);
            visitor.emit(diagnostic);
        }
        copy(parsed.root(), &Placing::new(self.source, cell), tree);
    }

    fn relocate(&self, diagnostic: &mut Diagnostic, cell: Cell, prefix: &str) {
        let placing = Placing::new(self.source, cell);
        let place = |place: &Place| Place::new(self.source, placing.span(place.span));
        diagnostic.place = place(&diagnostic.place);
        for related in &mut diagnostic.related {
            related.place = place(&related.place);
        }
        if let Some(inner) = &diagnostic.pointer {
            diagnostic.pointer = Some(format!("{prefix}{inner}"));
        }
    }
}

/// The row number that a cell of `text` holds.
pub(super) fn number(text: &str, cell: &Cell) -> Option<u64> {
    let raw = &text[cell.span.range()];
    let text = if cell.quoted { cell::unquote(raw) } else { Cow::Borrowed(raw) };
    pointer::index(&text).map(|number| number as u64)
}

/// From offsets in a cell's text to offsets in the source, where each quote may stand twice.
struct Placing {
    start: u32,
    end: u32,
    // Offsets of quotes in the text, each of which takes two bytes in the source.
    quotes: Vec<u32>,
}

impl Placing {
    fn new(source: &Source, cell: Cell) -> Self {
        let raw = source.slice(cell.span);
        if !cell.quoted {
            return Self { start: cell.span.start, end: cell.span.end, quotes: Vec::new() };
        }
        let text = cell::unquote(raw);
        let quotes = if cell.plain { Vec::new() } else { memchr::memchr_iter(b'"', text.as_bytes()).map(|at| at as u32).collect() };
        Self { start: cell.span.start + 1, end: cell.span.end, quotes }
    }

    fn offset(&self, at: u32) -> u32 {
        (self.start + at + self.quotes.partition_point(|quote| *quote < at) as u32).min(self.end)
    }

    fn span(&self, span: Span) -> Span {
        Span::new(self.offset(span.start), self.offset(span.end))
    }
}

// Depth is bounded by the parser that built `node`.
fn copy(node: Node<'_>, placing: &Placing, tree: &mut Tree) {
    match node.kind() {
        kind @ (Kind::Array | Kind::Object) => {
            tree.open(kind, placing.span(node.opening()));
            for item in node.items() {
                copy(item, placing, tree);
            }
            for member in node.members() {
                tree.key(placing.span(member.key.span()), Text::Owned(member.key.text()));
                tree.mark_key_shared();
                copy(member.value, placing, tree);
                if member.is_shadowed() {
                    tree.mark_last_shadowed();
                }
            }
            tree.close(placing.offset(node.span().end));
        }
        kind => {
            // What is in its place would have to be JSON in a cell.
            let id = tree.scalar(kind, placing.span(node.span()), Text::Owned(node.text()));
            tree.mark_shared(id);
        }
    }
}
