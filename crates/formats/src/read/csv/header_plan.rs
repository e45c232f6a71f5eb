//! The meaning of a table header, computed once: a tree of the paths that its columns name, and the type of each column.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::lex::Cell;
use crate::layout::cell;
use crate::layout::column::{self, Column, Step};
use chancery_core::diagnostic::{Diagnostic, MAX_FINDINGS_PER_RECORD, Omitted, Place, quote, rules};
use chancery_core::source::{Position, Source, Span};
use chancery_schema::shape::{Part, Types};

/// A table's header, understood.
#[derive(Debug)]
pub(super) struct HeaderPlan {
    pub name: Arc<str>,
    /// The header as written, and where it stands; empty where the table has none.
    pub header: String,
    pub base: Position,
    pub columns: Vec<ColumnPlan>,
    /// The first is the row itself.
    pub nodes: Vec<PlanNode>,
    /// Nodes whose list is in a child table.
    pub lists: Vec<u32>,
    /// Whether quotes distinguish strings from literals.
    pub quotes: bool,
    /// Whether a mark before text has to come off.
    pub guarded: bool,
    // Header cells that name a place deeper than the limit; they are taken as one name.
    too_deep: Vec<Span>,
    max_depth: usize,
    // A header may have very many columns.
    known: HashMap<(u32, Step), u32>,
}

#[derive(Debug)]
pub(super) struct ColumnPlan {
    pub role: Role,
    /// The header cell, counted from the header's first byte.
    pub header: Span,
    pub types: Types,
    /// Types of the items, where a cell may hold several.
    pub item: Types,
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Value(u32),
    Record,
    Guarded,
    Row,
    Parent,
    Position,
}

#[derive(Debug)]
pub(super) struct PlanNode {
    pub parent: u32,
    pub step: Step,
    /// Where the step's name is in the header, if it is there as it is.
    pub written: Option<Span>,
    /// The column that brought it first.
    pub column: u32,
    /// Columns whose cells are this value.
    pub leaves: Vec<u32>,
    /// Parts of this value, in the order of the header.
    pub children: Vec<u32>,
    /// The child table that holds this list.
    pub table: Option<usize>,
}

impl HeaderPlan {
    /// Understands the header `cells` of the text `header`.
    pub fn new(name: &Arc<str>, header: String, base: Position, cells: &[Cell], row: Part<'_>, package: bool, max_depth: usize) -> Self {
        let mut plan = Self {
            name: Arc::clone(name),
            header: String::new(),
            base,
            columns: Vec::new(),
            nodes: vec![PlanNode::root()],
            lists: Vec::new(),
            quotes: !cells.iter().all(|cell| cell.quoted),
            guarded: false,
            too_deep: Vec::new(),
            max_depth,
            known: HashMap::new(),
        };
        for cell in cells {
            let raw = &header[cell.span.range()];
            let text = if cell.quoted { cell::unquote(raw) } else { raw.into() };
            let inner = if cell.quoted { cell.span.start + 1 } else { cell.span.start };
            let verbatim = !cell.quoted || cell.plain;
            plan.column(&text, cell.span, verbatim.then_some(inner), row, package);
        }
        plan.header = header;
        plan
    }

    /// A table without a header: the first `count` members of the shape, then numbered columns.
    pub fn without_header(name: &Arc<str>, base: Position, count: usize, row: Part<'_>) -> Self {
        let mut plan = Self::new(name, String::new(), base, &[], row, false, usize::MAX);
        plan.quotes = true;
        let declared: Vec<&str> = row.members().map(|(name, _)| name).take(count).collect();
        for index in 0..count {
            let step = Step::Name(declared.get(index).map_or_else(|| format!("column{}", index + 1), |name| (*name).to_owned()));
            plan.value(vec![step], false, Span::default(), None, "", row);
        }
        plan
    }

    fn column(&mut self, text: &str, span: Span, inner: Option<u32>, row: Part<'_>, package: bool) {
        let role = match column::parse(text, row, package) {
            Column::Value { path, json } if path.len() > self.max_depth => {
                self.too_deep.push(span);
                return self.value(vec![Step::Name(text.to_owned())], json, span, None, text, row);
            }
            Column::Value { path, json } => return self.value(path, json, span, inner, text, row),
            Column::Record => Role::Record,
            Column::Guarded => {
                self.guarded = true;
                Role::Guarded
            }
            Column::Row => Role::Row,
            Column::Parent => Role::Parent,
            Column::Position => Role::Position,
        };
        self.columns.push(ColumnPlan { role, header: span, types: Types::ANY, item: Types::ANY, json: role == Role::Record });
    }

    fn value(&mut self, path: Vec<Step>, json: bool, span: Span, inner: Option<u32>, text: &str, row: Part<'_>) {
        let column = self.columns.len() as u32;
        let mut node = 0;
        let mut part = row;
        let mut from = 0;
        for step in path {
            part = column::step_into(part, &step);
            // A name is taken from the header's own bytes, which costs no copy for each row.
            let word = column::word(&step).into_owned();
            let written = inner.and_then(|inner| {
                let found = from + text.get(from..)?.find(&word)?;
                from = found + word.len();
                Some(Span::new(inner + found as u32, inner + from as u32))
            });
            node = self.child(node, step, written, column);
        }
        self.nodes[node as usize].leaves.push(column);
        self.columns.push(ColumnPlan { role: Role::Value(node), header: span, types: part.types(), item: part.item(0).types(), json });
    }

    fn child(&mut self, parent: u32, step: Step, written: Option<Span>, column: u32) -> u32 {
        let id = self.nodes.len() as u32;
        let known = *self.known.entry((parent, step.clone())).or_insert(id);
        if known != id {
            return known;
        }
        self.nodes.push(PlanNode { parent, step, written, column, leaves: Vec::new(), children: Vec::new(), table: None });
        let Self { nodes, .. } = self;
        let mut children = std::mem::take(&mut nodes[parent as usize].children);
        // Items are in order of their index, regardless of the order of the columns.
        let at = match nodes[id as usize].step {
            Step::Name(_) => children.len(),
            Step::Index(index) => {
                children.partition_point(|child| !matches!(nodes[*child as usize].step, Step::Index(other) if other > index))
            }
        };
        children.insert(at, id);
        nodes[parent as usize].children = children;
        id
    }

    /// Reports that the list at `path` is in the child table of that number, and orders members as the shape has them.
    pub fn attach(&mut self, path: Vec<Step>, table: usize, row: Part<'_>) {
        let column = self.columns.len().saturating_sub(1) as u32;
        let mut node = 0;
        let mut part = row;
        for step in path {
            let parent = node;
            node = self.child(node, step.clone(), None, column);
            let Self { nodes, .. } = self;
            let mut children = std::mem::take(&mut nodes[parent as usize].children);
            children.sort_by_key(|child| rank(part, &nodes[*child as usize].step));
            nodes[parent as usize].children = children;
            part = column::step_into(part, &step);
        }
        self.nodes[node as usize].table = Some(table);
        self.lists.push(node);
    }

    /// The path of a node as a pointer inside the row.
    pub fn pointer(&self, node: u32) -> String {
        let mut steps = Vec::new();
        let mut at = node;
        while at != 0 {
            let node = &self.nodes[at as usize];
            steps.push(node.step.clone());
            at = node.parent;
        }
        steps.reverse();
        column::pointer(&steps)
    }

    /// The columns of values, in order, as [`column::stored`] takes them; one that is duplicated is named once.
    pub fn stored(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let values = self.columns.iter().filter_map(|column| match column.role {
            Role::Value(node) => Some(self.pointer(node) + if column.json { column::JSON } else { "" }),
            _ => None,
        });
        values.filter(|name| seen.insert(name.clone())).collect()
    }

    /// The column of that role.
    pub fn role(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|column| column.role == role)
    }

    /// The errors with the header itself.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let source = Arc::new(Source::window(Arc::clone(&self.name), self.header.as_str(), self.base));
        let mut diagnostics = Vec::new();
        let mut omitted = Omitted::default();
        let mut push = |diagnostic: Diagnostic| {
            if diagnostics.len() < MAX_FINDINGS_PER_RECORD { diagnostics.push(diagnostic) } else { omitted.add(diagnostic) }
        };
        self.too_deep.iter().for_each(|span| push(crate::read::too_deep(&source, *span, self.max_depth)));
        for column in self.columns.iter().filter(|column| !self.header.is_empty() && column.header.is_empty()) {
            push(
                Diagnostic::new(&rules::UNNAMED_COLUMN, &source, column.header, "expected a name for the column, found none")
                    .help("name the column; its cells are read as a member with an empty name"),
            );
        }
        for node in &self.nodes {
            let mut leaves = node.leaves.iter().map(|leaf| &self.columns[*leaf as usize]);
            let Some(first) = leaves.next() else { continue };
            for second in leaves.filter(|second| second.json == first.json) {
                let name = cell::unquote(&self.header[second.header.range()]);
                push(
                    Diagnostic::new(
                        &rules::DUPLICATE_COLUMN,
                        &source,
                        second.header,
                        format!("column {} is duplicated", quote(&name, true)),
                    )
                    .label("second")
                    .related("first", Place::new(&source, first.header))
                    .help("rename or remove one of them"),
                );
            }
        }
        diagnostics.extend(omitted.into_finding());
        diagnostics
    }
}

fn rank(part: Part<'_>, step: &Step) -> usize {
    match step {
        Step::Name(name) => part.position(name).unwrap_or(usize::MAX),
        Step::Index(index) => *index,
    }
}

impl PlanNode {
    fn root() -> Self {
        Self { parent: 0, step: Step::Index(0), written: None, column: 0, leaves: Vec::new(), children: Vec::new(), table: None }
    }
}
