//! Where in a document its records are: paths with names and wildcards, and the collection that each path belongs to.
//!
//! Readers ask [`Targets`] what a member, item or element is: a record, a list of records, something that leads to records, or
//! neither. [`Found`] gathers what a file has beside its records, and which paths lead nowhere.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{Options, RecordVisitor};
use chancery_core::diagnostic::{Diagnostic, Place, quote, rules};
use chancery_core::source::{InputBuffer, Position, Source, Span};
use chancery_core::tree::{Kind, Node, NodeId, Text, Tree, number, pointer};
use chancery_schema::Shape;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The member or element of this name, or the item of this index.
    Name(String),
    /// Any member, item or element.
    Any,
    /// The same, and its name or index becomes the member of this name.
    Capture(String),
}

/// Where the records of a document are: `/organizations`, `/{committee}/*`, `registry/organisation`.
///
/// A path is a JSON pointer in which a step may be `*` or `{name}`. `~*` and `~{` are these characters in a name, as `~0` and
/// `~1` are a tilde and a slash. The first slash may be left out. A path without steps is the whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsPath {
    text: String,
    steps: Vec<Step>,
}

/// Why paths cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// A tilde that begins no escape.
    #[error("records path {path}: a tilde in a name is written ~0, a slash ~1, a literal * or {{ after a tilde")]
    Escape {
        /// The path.
        path: String,
    },
    /// A brace that opens no capture.
    #[error("records path {path}: {step} is not a capture: write {{name}}, or ~{{ for a member name that begins with a brace")]
    Capture {
        /// The path.
        path: String,
        /// The step.
        step: String,
    },
    /// Two captures of one name.
    #[error("records path {path}: {{{name}}} is captured twice: give each capture its own name")]
    Twice {
        /// The path.
        path: String,
        /// The name.
        name: String,
    },
    /// Two paths that can lead to one record, or to a record inside another one.
    #[error("records paths {first} and {second} can claim the same record: name different members in them")]
    Overlap {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

impl fmt::Display for RecordsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RecordsPath {
    type Err = RecordsError;

    fn from_str(text: &str) -> Result<Self, RecordsError> {
        let path = || text.to_owned();
        let mut steps = Vec::new();
        if !text.is_empty() {
            for token in text.strip_prefix('/').unwrap_or(text).split('/') {
                let step = match token.strip_prefix('{') {
                    _ if token == "*" => Step::Any,
                    None => Step::Name(unescape(token).ok_or_else(|| RecordsError::Escape { path: path() })?),
                    Some(rest) => {
                        let name = rest.strip_suffix('}').filter(|name| !name.is_empty() && !name.contains(['{', '}']));
                        let name = name.ok_or_else(|| RecordsError::Capture { path: path(), step: token.to_owned() })?;
                        let name = unescape(name).ok_or_else(|| RecordsError::Escape { path: path() })?;
                        if steps.contains(&Step::Capture(name.clone())) {
                            return Err(RecordsError::Twice { path: path(), name });
                        }
                        Step::Capture(name)
                    }
                };
                steps.push(step);
            }
        }
        Ok(Self { text: path(), steps })
    }
}

impl RecordsPath {
    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    // Whether a document can have a place at which one of the paths ends and the other does or goes on.
    fn overlaps(&self, other: &Self) -> bool {
        self.steps.iter().zip(&other.steps).all(|pair| match pair {
            (Step::Name(name), Step::Name(other)) => name == other,
            _ => true,
        })
    }
}

// A step without its escapes; `None` if a tilde begins none.
fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                literal @ ('*' | '{') => literal,
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

/// A path with the collection that its records belong to.
#[derive(Clone)]
pub struct Claim {
    /// Where the records are.
    pub path: RecordsPath,
    /// The number that [`RecordVisitor::collection`] is given before such a record.
    pub collection: usize,
    /// What the records look like; `None` for the shape in [`Options`].
    pub shape: Option<Arc<Shape>>,
}

/// Where the records of a file are; by default, what the format's own rule says.
#[derive(Clone, Default)]
pub struct Records(Vec<Claim>);

// The shape says nothing about where records are, and is large.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|claim| (&claim.path.text, claim.collection))).finish()
    }
}

impl Records {
    /// The records of several collections in one file.
    ///
    /// # Errors
    /// When two paths can claim the same record, or a record inside another one.
    pub fn new(claims: Vec<Claim>) -> Result<Self, RecordsError> {
        for (number, second) in claims.iter().enumerate() {
            if let Some(first) = claims[..number].iter().find(|first| first.path.overlaps(&second.path)) {
                return Err(RecordsError::Overlap { first: first.path.to_string(), second: second.path.to_string() });
            }
        }
        Ok(Self(claims))
    }

    /// The records of one collection, at one place.
    ///
    /// # Errors
    /// When the text is not a path.
    pub fn at(path: &str) -> Result<Self, RecordsError> {
        Ok(Self(vec![Claim { path: path.parse()?, collection: 0, shape: None }]))
    }

    /// The whole document, as one record.
    #[must_use]
    pub fn whole() -> Self {
        Self(vec![Claim { path: RecordsPath { text: String::new(), steps: Vec::new() }, collection: 0, shape: None }])
    }

    /// The paths; none for the format's own rule.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.0
    }

    /// Whether the format's own rule applies.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the whole document is the record.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.iter().any(|claim| claim.path.steps.is_empty())
    }
}

/// A path as a reader follows it.
pub(super) struct Target {
    pub path: RecordsPath,
    pub collection: usize,
    #[cfg_attr(not(feature = "xml"), expect(dead_code, reason = "the others take the shape of the options"))]
    pub shape: Arc<Shape>,
    // Whether an array at the end of the path is a list of records, and not itself the record.
    expands: bool,
}

/// What a value is to the paths.
pub(super) enum Role {
    /// A record of the target.
    Record(usize),
    /// An array of records of the target.
    List(usize),
    /// An object or array that paths lead into: the targets.
    Inside(Arc<[usize]>),
    /// No record, and none are in it.
    Outside,
}

/// Where a value is in what contains it.
#[derive(Clone, Copy)]
pub(super) enum At<'n> {
    Name(&'n str),
    Index(u64),
}

/// The paths of a file.
pub(super) struct Targets {
    list: Vec<Target>,
    all: Arc<[usize]>,
}

impl Targets {
    /// Those of the options; without any, a root array holds the records, unless the schema admits only an array.
    pub(super) fn of(options: &Options) -> Arc<Self> {
        let mut list: Vec<Target> = Vec::new();
        for Claim { path, collection, shape } in options.records.claims() {
            let shape = Arc::clone(shape.as_ref().unwrap_or(&options.shape));
            let expands = matches!(path.steps.last(), Some(Step::Name(_)));
            list.push(Target { path: path.clone(), collection: *collection, shape, expands });
        }
        if list.is_empty() {
            let path = RecordsPath { text: String::new(), steps: Vec::new() };
            let expands = !options.shape.is_array_only();
            list.push(Target { path, collection: 0, shape: Arc::clone(&options.shape), expands });
        }
        let all = (0..list.len()).collect();
        Arc::new(Self { list, all })
    }

    pub(super) fn get(&self, target: usize) -> &Target {
        &self.list[target]
    }

    /// How many steps the longest path has.
    #[cfg(any(feature = "xml", feature = "yaml"))]
    pub(super) fn depth(&self) -> usize {
        self.list.iter().map(|target| target.path.steps.len()).max().unwrap_or(0)
    }

    /// Whether a path captures its step after this many.
    pub(super) fn captures(&self, depth: usize) -> bool {
        self.list.iter().any(|target| matches!(target.path.steps.get(depth), Some(Step::Capture(_))))
    }

    /// All of them.
    pub(super) fn all(&self) -> &Arc<[usize]> {
        &self.all
    }

    /// What the root is.
    pub(super) fn root(&self, kind: Kind) -> Role {
        self.role(&self.all, 0, kind, |_| true)
    }

    /// What a value is that is in something that the first `depth` steps of the targets `within` lead to.
    pub(super) fn child(&self, within: &[usize], depth: usize, at: At<'_>, kind: Kind) -> Role {
        self.role(within, depth + 1, kind, |target| match (&target.path.steps[depth], at) {
            (Step::Name(wanted), At::Name(name)) => wanted == name,
            (Step::Name(wanted), At::Index(index)) => pointer::index(wanted).is_some_and(|wanted| wanted as u64 == index),
            _ => true,
        })
    }

    fn role(&self, within: &[usize], steps: usize, kind: Kind, leads: impl Fn(&Target) -> bool) -> Role {
        let mut further = Vec::new();
        for number in within {
            let target = &self.list[*number];
            if !leads(target) {
                continue;
            }
            if target.path.steps.len() == steps {
                return if target.expands && kind == Kind::Array { Role::List(*number) } else { Role::Record(*number) };
            }
            further.push(*number);
        }
        let leads_on = !further.is_empty() && matches!(kind, Kind::Array | Kind::Object);
        if leads_on { Role::Inside(further.into()) } else { Role::Outside }
    }
}

/// A step that was taken: the name of a member with its place, or the index of an item.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub text: String,
    pub span: Span,
    pub is_index: bool,
}

/// Hands on the record in `tree`, found by `levels`, with the members that its path captures.
pub(super) fn hand_out(tree: &mut Tree, target: &Target, levels: &[Level], visitor: &mut dyn RecordVisitor) {
    visitor.collection(target.collection);
    let captures = target.path.steps.iter().zip(levels).rev().filter_map(|(step, level)| match step {
        Step::Capture(name) => Some((name, level)),
        _ => None,
    });
    for (name, level) in captures {
        if !capture(tree, name, level, visitor) {
            let root = tree.root();
            let message =
                format!("expected an object with room for the member {}, found {}", quote(name, true), root.kind().with_article());
            let diagnostic = Diagnostic::new(&rules::NO_RECORDS, tree.source(), root.opening(), message).at("");
            let help = "name the location of objects, or write * in place of the capture";
            let span = root.span();
            visitor.emit(diagnostic.help(help));
            visitor.surplus(span);
            return visitor.malformed();
        }
    }
    visitor.record(tree);
}

// Puts a captured member first, unless the record has it with that value. Returns whether the record is an object.
fn capture(tree: &mut Tree, name: &str, level: &Level, visitor: &mut dyn RecordVisitor) -> bool {
    let root = tree.root();
    if root.kind() != Kind::Object {
        return false;
    }
    let kind = if level.is_index { Kind::Number } else { Kind::String };
    let own = root.member(name);
    let is_same = own.is_some_and(|own| match kind {
        Kind::Number => own.value.kind() == Kind::Number && number::equal(own.value.text(), &level.text),
        _ => own.value.kind() == kind && own.value.text() == level.text,
    });
    if is_same {
        return true;
    }
    let second = own.map(|own| own.key.span());
    let id = root.id();
    let value = tree.insert_first_member(id, Text::Owned(name), level.span);
    tree.set_scalar(value, kind, &level.text, level.span);
    tree.mark_captured(value);
    if let Some(second) = second {
        let source = tree.source();
        let mut at = String::new();
        pointer::push(&mut at, name);
        let diagnostic = Diagnostic::new(&rules::DUPLICATE_MEMBER, source, second, format!("member {} is duplicated", quote(name, true)));
        let first = Place::new(source, level.span);
        let help = "the records path captures this member with another value; correct the value, or give the capture another name";
        visitor.emit(diagnostic.label("second").at(at).related("first", first).help(help));
        tree.mark_shadowed(value);
    }
    true
}

/// How many names of what lies outside the records are reported, and how many are distinguished.
const NAMES_SHOWN: usize = 8;
const NAMES_KEPT: usize = 1000;

/// Names for a message: the first ones, and how many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    shown: Vec<String>,
    known: BTreeSet<String>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        if self.known.len() < NAMES_KEPT && self.known.insert(name.to_owned()) && self.shown.len() < NAMES_SHOWN {
            self.shown.push(quote(name, true));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown.join(", "))?;
        match self.known.len() - self.shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A place in a file whose text may be gone.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub position: Position,
    pub text: String,
}

impl Mark {
    pub(super) fn of(source: &Source, span: Span) -> Self {
        Self { position: source.position(span.start), text: source.slice(span).to_owned() }
    }

    /// The place: in this window, or by itself.
    pub(super) fn place(&self, source: &Arc<Source>) -> Place {
        let length = self.text.len() as u32;
        match source.offset_of(source.name(), self.position.byte).map(|at| Span::new(at, at + length)) {
            Some(span) if source.slice(span) == self.text => Place::new(source, span),
            _ => Place::new(&Arc::new(Source::window(Arc::clone(source.name()), &*self.text, self.position)), Span::new(0, length)),
        }
    }
}

/// Positions of bytes that are asked for in order, so that each stretch of a text is gone through once.
pub(super) struct Positions(Position);

impl Default for Positions {
    fn default() -> Self {
        Self(Position::START)
    }
}

impl Positions {
    /// The position of a byte that has not been consumed yet.
    pub(super) fn at(&mut self, feed: &InputBuffer, offset: usize) -> Position {
        let start = feed.position();
        let byte = start.byte + offset as u64;
        if !(start.byte..=byte).contains(&self.0.byte) {
            self.0 = start;
        }
        let from = (self.0.byte - start.byte) as usize;
        // What is not UTF-8 ends the reading when it is consumed.
        self.0 = Position { byte, ..self.0.after(&String::from_utf8_lossy(&feed.bytes()[from..offset])) };
        self.0
    }
}

/// What was found in a file, or in a document of it, beside the records.
pub(super) struct Found {
    targets: Arc<Targets>,
    // By target: whether it has led somewhere, and what is where it has not.
    met: Vec<bool>,
    misses: Vec<Option<(usize, String)>>,
    // Where the first thing outside the records stands, and the names of all.
    first: Option<Mark>,
    names: Names,
}

impl Found {
    pub(super) fn new(targets: &Arc<Targets>) -> Self {
        let count = targets.list.len();
        Self { targets: Arc::clone(targets), met: vec![false; count], misses: vec![None; count], first: None, names: Names::default() }
    }

    pub(super) fn meet(&mut self, target: usize) {
        self.met[target] = true;
    }

    pub(super) fn has_met(&self) -> bool {
        self.met.contains(&true)
    }

    pub(super) fn outside(&mut self, name: &str, mark: impl FnOnce() -> Mark) {
        self.first.get_or_insert_with(mark);
        self.names.add(name);
    }

    /// The first `depth` steps of the targets lead to a value, and the next one to nothing in it.
    pub(super) fn miss(&mut self, targets: &[usize], depth: usize, what: impl Fn() -> String) {
        for target in targets {
            let deeper = self.misses[*target].as_ref().is_none_or(|(before, _)| *before < depth);
            if deeper && !self.met[*target] {
                self.misses[*target] = Some((depth, what()));
            }
        }
    }

    /// An object or array that the first `depth` steps lead to has ended; `names` are those of its members.
    pub(super) fn close(&mut self, targets: &[usize], depth: usize, kind: Kind, is_empty: bool, names: &Names) {
        for target in targets {
            // What may be any number of members may be none.
            if is_empty && !matches!(self.targets.list[*target].path.steps[depth], Step::Name(_)) {
                self.met[*target] = true;
            }
        }
        let what = || match kind {
            Kind::Object if !names.is_empty() => format!("the members {names}"),
            _ if is_empty => format!("an empty {}", kind.word()),
            _ => kind.with_article().to_owned(),
        };
        self.miss(targets, depth, what);
    }

    /// What is to be reported at the end: each path that led nowhere, at `root`, and what was skipped.
    pub(super) fn diagnostics(&self, source: &Arc<Source>, root: &Mark) -> Vec<Diagnostic> {
        let mut found = self.missing(source, root);
        // Where nothing is found, all of it lies outside.
        found.extend(self.skipped(source).filter(|_| self.has_met()));
        found
    }

    pub(super) fn missing(&self, source: &Arc<Source>, root: &Mark) -> Vec<Diagnostic> {
        let missing = self.met.iter().enumerate().filter(|(_, met)| !**met);
        let diagnostic = |(target, _)| {
            let path = &self.targets.get(target).path;
            let message = match &self.misses[target] {
                None if self.names.is_empty() => format!("no records at {path}: nothing found there"),
                None => format!("no records at {path}: found the members {}", self.names),
                Some((0, what)) => format!("no records at {path}: found {what}"),
                Some((depth, what)) => {
                    let above: Vec<_> = path.text.trim_start_matches('/').split('/').take(*depth).collect();
                    format!("no records at {path}: found {what} in {}", above.join("/"))
                }
            };
            let Place { source, span } = root.place(source);
            Diagnostic::new(&rules::NO_RECORDS, &source, span, message).help("set the location of the records with --records")
        };
        missing.map(diagnostic).collect()
    }

    pub(super) fn skipped(&self, source: &Arc<Source>) -> Option<Diagnostic> {
        let Place { source, span } = self.first.as_ref()?.place(source);
        let message = format!("skipped content outside {}: {}", self.targets, self.names);
        Some(Diagnostic::new(&rules::OUTSIDE_RECORDS, &source, span, message))
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<&str> = self.list.iter().map(|target| &*target.path.text).filter(|path| !path.is_empty()).collect();
        f.write_str(if paths.is_empty() { "the records" } else { "" })?;
        f.write_str(&paths.join(", "))
    }
}

/// Hands on the records of a document that has been read whole, in order, and returns what else it has.
pub(super) fn hand_out_document(tree: &mut Tree, targets: &Arc<Targets>, visitor: &mut dyn RecordVisitor) -> Found {
    let mut search = Search { targets, found: Found::new(targets), records: Vec::new() };
    let kind = tree.root().kind();
    if search.value(tree.root(), targets.root(kind), &[]) {
        search.found.miss(targets.all(), 0, || kind.with_article().to_owned());
    }
    let Search { found, records, .. } = search;
    for Hit { node, target, levels } in records {
        tree.set_root_to(node);
        hand_out(tree, targets.get(target), &levels, visitor);
    }
    found
}

struct Hit {
    node: NodeId,
    target: usize,
    levels: Arc<[Level]>,
}

struct Search<'t> {
    targets: &'t Targets,
    found: Found,
    records: Vec<Hit>,
}

impl Search<'_> {
    // As deep as a path has steps. Returns whether the value leads to no record.
    fn value(&mut self, node: Node<'_>, role: Role, levels: &[Level]) -> bool {
        match role {
            Role::Record(target) => {
                self.found.meet(target);
                self.records.push(Hit { node: node.id(), target, levels: levels.into() });
            }
            Role::List(target) => {
                self.found.meet(target);
                let levels: Arc<[Level]> = levels.into();
                self.records.extend(node.items().map(|item| Hit { node: item.id(), target, levels: Arc::clone(&levels) }));
            }
            Role::Inside(within) => self.inside(node, &within, levels),
            Role::Outside => return true,
        }
        false
    }

    fn inside(&mut self, node: Node<'_>, within: &[usize], levels: &[Level]) {
        let mut levels = levels.to_vec();
        let depth = levels.len();
        let mut names = Names::default();
        let source = node.tree().source();
        for member in node.members() {
            let name = member.key.text();
            names.add(name);
            levels.push(Level { text: name.to_owned(), span: member.key.span(), is_index: false });
            self.child(member.value, within, At::Name(name), &levels, || Mark::of(source, member.key.span()));
            levels.truncate(depth);
        }
        for (index, item) in node.items().enumerate() {
            levels.push(Level { text: index.to_string(), span: item.opening(), is_index: true });
            self.child(item, within, At::Index(index as u64), &levels, || Mark::of(source, item.opening()));
            levels.truncate(depth);
        }
        self.found.close(within, depth, node.kind(), node.is_empty(), &names);
    }

    fn child(&mut self, node: Node<'_>, within: &[usize], at: At<'_>, levels: &[Level], mark: impl FnOnce() -> Mark) {
        let role = self.targets.child(within, levels.len() - 1, at, node.kind());
        if self.value(node, role, levels) {
            self.found.outside(&at.to_string(), mark);
            self.found.scalar(within, levels.len() - 1, at, node.kind());
        }
    }
}

impl Found {
    /// A value in what the first `depth` steps lead to is none that paths lead into.
    pub(super) fn scalar(&mut self, within: &[usize], depth: usize, at: At<'_>, kind: Kind) {
        let targets = Arc::clone(&self.targets);
        let leads = |target: &&usize| match (&targets.list[**target].path.steps[depth], at) {
            (Step::Name(wanted), At::Name(name)) => wanted == name,
            _ => false,
        };
        let leading: Vec<usize> = within.iter().filter(leads).copied().collect();
        self.miss(&leading, depth + 1, || kind.with_article().to_owned());
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &str) -> Result<Vec<Step>, RecordsError> {
        path.parse::<RecordsPath>().map(|path| path.steps)
    }

    #[test]
    fn steps_and_escapes() {
        let name = |name: &str| Step::Name(name.to_owned());
        assert_eq!(steps(""), Ok(vec![]));
        assert_eq!(steps("/"), Ok(vec![name("")]));
        assert_eq!(steps("registry/organisation"), Ok(vec![name("registry"), name("organisation")]));
        assert_eq!(steps("/{committee}/*"), Ok(vec![Step::Capture("committee".to_owned()), Step::Any]));
        assert_eq!(steps("/~*/~{a}/a~1b~0/a*/b{c}"), Ok(vec![name("*"), name("{a}"), name("a/b~"), name("a*"), name("b{c}")]));
        assert_eq!(steps("/{a~1b}"), Ok(vec![Step::Capture("a/b".to_owned())]));
        assert!(matches!(steps("/a~2"), Err(RecordsError::Escape { .. })));
        assert!(matches!(steps("/a~"), Err(RecordsError::Escape { .. })));
        for wrong in ["/{}", "/{a", "/{a}b", "/{{a}}", "/{a}{b}"] {
            assert!(matches!(steps(wrong), Err(RecordsError::Capture { .. })), "{wrong}");
        }
        assert!(matches!(steps("/{a}/{a}"), Err(RecordsError::Twice { .. })));
    }

    #[test]
    fn paths_that_can_claim_one_record() {
        let overlaps = |first: &str, second: &str| {
            let claim = |path: &str, collection| Claim { path: path.parse().expect("a path"), collection, shape: None };
            Records::new(vec![claim(first, 0), claim(second, 1)]).is_err()
        };
        assert!(!overlaps("/persons/*", "/organizations/*"));
        assert!(!overlaps("/*/persons", "/{a}/organizations"));
        for (first, second) in [("/a", "/a"), ("/a", "/a/b"), ("/a/*", "/a"), ("/a/*", "/{b}/c"), ("", "/a"), ("/*", "/a/b")] {
            assert!(overlaps(first, second), "{first} {second}");
        }
    }
}
