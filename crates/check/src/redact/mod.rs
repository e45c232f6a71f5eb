//! What may be printed of records that hold sensitive values: the one place that decides it.
//!
//! A [`Redactor`] knows which members a schema marks with `x-sensitive`. In: a record and the findings about it. Output: the same
//! findings at the same places, without anything that the schema marks. The rules, everywhere the same:
//!
//! - Text of a file is shown only where it is proven to belong to a value that the schema describes and does not mark, or to be a
//!   name that the schema declares. Everything else is replaced by marks of the same length, except for punctuation.
//! - A sensitive value is replaced wherever in its record it is repeated, and so is a value that holds one.
//! - A message about something sensitive keeps what the schema says ("expected at most 9") and loses what was found.
//! - The name of a member is shown unless the member is sensitive and its name is not declared by the schema.
//! - A value that a YAML alias shares with other records of its document counts as sensitive, because it may be so in one of these.
//! - Of a record that could not be read, or whose cells may have moved to other columns, nothing is shown.
//!
//! Outputs that are data (`convert`, `load`, `fix --write`, rejected records) keep the values; they are no reports.

mod forms;
mod text;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chancery_core::diagnostic::{Diagnostic, Place, Rule, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Kind, Member, Node, Tree, key, pointer};
use chancery_schema::{Part, Shape, Types};

pub use forms::Forms;

/// What stands for a sensitive value.
pub const REDACTED: &str = "***";

/// A number of fewer digits is searched for only as written.
const DISTINCTIVE_DIGITS: usize = 6;

/// Rules whose messages are made of several members of a record.
const OF_SEVERAL: &[&Rule] = &[
    &rules::START_AFTER_END,
    &rules::UNKNOWN_COUNTRY,
    &rules::COUNTRY_MISMATCH,
    &rules::TELEPHONE_COUNTRY,
    &rules::REFERS_TO_ITSELF,
    &rules::ACRONYM_MISMATCH,
    &rules::TELEPHONE_FORM,
    &rules::COUNTRY_FORM,
];

/// Rules that say that values may are in other columns than those they belong to.
const MOVED: &[&Rule] = &[&rules::LONG_ROW, &rules::SHORT_ROW, &rules::STRAY_QUOTE, &rules::UNTERMINATED_QUOTE, &rules::MIXED_CONTENT];

/// Decides what may be printed of records of one schema.
pub struct Redactor {
    shape: Arc<Shape>,
    key: Vec<String>,
    // Collections whose keys are sensitive, so that references to them are; `None` for the records' own one.
    referred: HashSet<Option<String>>,
    is_active: bool,
    // Names that the schema declares, and the words in them.
    names: HashSet<Box<str>>,
    words: HashSet<Box<str>>,
    // Names of members in which passes keep what they take from sensitive siblings.
    made: HashSet<Box<str>>,
    keys: Arc<Keys>,
}

/// Which keys of records may be shown where the records themselves are no longer current.
#[derive(Debug, Default)]
pub struct Keys {
    redacts: bool,
    all: bool,
    hidden: Mutex<HashSet<Box<str>>>,
}

/// What was sensitive in a record before it was normalised.
#[derive(Debug, Default)]
pub struct Before {
    hidden: Vec<Span>,
    values: Vec<String>,
}

/// The decision about one record.
pub struct Redaction<'r> {
    redactor: &'r Redactor,
    tree: &'r Tree,
    forms: Forms,
    // Sorted and apart from each other.
    hidden: Vec<Span>,
    shown: Vec<Span>,
    // Whether its values may are in the wrong places.
    has_moved: bool,
}

/// What was decided about the text of a window, gathered record by record.
#[derive(Debug, Default)]
pub struct Regions {
    hidden: Vec<Span>,
    shown: Vec<Span>,
}

impl Regions {
    /// Hides the values of a record about which nothing is decided, because nothing was found in it.
    pub fn hide(&mut self, value: Node<'_>) {
        value.members().for_each(|member| self.hide(member.value));
        value.items().for_each(|item| self.hide(item));
        if !matches!(value.kind(), Kind::Object | Kind::Array) {
            self.hidden.push(value.span());
        }
    }
}

// What is known of a value.
#[derive(Clone, Copy)]
struct State<'s> {
    part: Part<'s>,
    is_sensitive: bool,
    is_described: bool,
}

impl State<'_> {
    fn is_hidden(self) -> bool {
        self.is_sensitive || !self.is_described
    }
}

// What is known of a JSON pointer.
struct At {
    is_hidden: bool,
    shown: String,
    names: Vec<String>,
}

/// Deciding.
impl Redactor {
    /// For records of that shape, whose key has these parts.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, key: &[String]) -> Self {
        let mut redactor = Self {
            shape: Arc::clone(shape),
            key: key.to_vec(),
            referred: HashSet::new(),
            // Without a schema nothing is known to be harmless.
            is_active: shape.has_sensitive() || shape.root().is_any() && !shape.root().is_described(),
            names: shape.names().map(Into::into).collect(),
            words: HashSet::new(),
            made: shape.parts().filter(|part| part.is_sensitive()).flat_map(made_of).map(|node| node.text().into()).collect(),
            keys: Arc::default(),
        };
        let of_parts =
            shape.parts().flat_map(|part| ["x-item-name", "x-record-name"].into_iter().filter_map(move |name| part.keyword(name)));
        let names = shape.names().chain(of_parts.map(Node::text));
        redactor.words = names
            .flat_map(|name| words(name, Span::new(0, name.len() as u32)).map(|word| name[word.range()].trim_start_matches('@').into()))
            .collect();
        redactor.settle();
        redactor
    }

    /// Makes references sensitive that lead to records whose keys are: `is_hidden` says so of the collection of a name.
    pub fn refer(&mut self, is_hidden: &dyn Fn(Option<&str>) -> bool) {
        let names = self.shape.parts().flat_map(Part::references).filter_map(|node| match node.kind() {
            Kind::Bool if node.text() == "true" => Some(None),
            Kind::String => Some(Some(node.text().to_owned())),
            _ => None,
        });
        self.referred = names.filter(|name| is_hidden(name.as_deref())).collect();
        self.is_active |= !self.referred.is_empty();
        self.settle();
    }

    fn settle(&mut self) {
        self.keys = Arc::new(Keys { redacts: self.is_active, all: self.hides_keys(), hidden: Mutex::default() });
    }

    /// Whether there is anything to hide in records that can be read.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// Whether the key of every record is sensitive.
    #[must_use]
    pub fn hides_keys(&self) -> bool {
        self.is_active && self.key.iter().any(|part| self.at(None, part, &Forms::default()).is_hidden)
    }

    /// Which keys may be shown.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys)
    }

    fn root(&self) -> State<'_> {
        let part = self.shape.root();
        State { part, is_sensitive: part.is_sensitive(), is_described: part.is_described() }
    }

    // As `root`, for a record current. One of which the schema knows no member is not what the schema describes: its names may
    // be values, as those of a table are whose first row is no header.
    fn root_of(&self, record: Node<'_>) -> State<'_> {
        let state = self.root();
        // What its path gave it says nothing about the record.
        let mut own = record.members().filter(|member| !member.is_captured()).peekable();
        let is_known = own.peek().is_none() || own.any(|member| state.part.member(member.key.text()).is_described());
        State { is_described: state.is_described && (record.kind() != Kind::Object || is_known), ..state }
    }

    // As `state`, for the value that is there. A value of another type than the schema describes may be anything, such as one
    // of the values that belong into the object in whose place it stands.
    fn fitted<'s>(state: State<'s>, node: Node<'_>) -> State<'s> {
        let part = state.part;
        let has_members = part.members().len() > 0 || part.patterns().next().is_some();
        let has_items = part.item(0).is_described();
        let fits = match node.kind() {
            // What is in an object is known by its name.
            Kind::Null | Kind::Object => true,
            Kind::Array => has_items || !has_members,
            _ => !has_items && !has_members,
        };
        let is_admitted = part.types() != Types::ANY && part.types().allows(Types::of(node.kind()));
        State { is_described: state.is_described && (fits || is_admitted), is_sensitive: state.is_sensitive || node.is_repeated(), ..state }
    }

    // A member, and whether its name may be shown.
    fn member<'s>(&self, above: State<'s>, name: &str) -> (State<'s>, bool) {
        let part = above.part.member(name);
        let is_sensitive = above.is_sensitive
            || part.is_sensitive()
            || above.part.is_sensitive_name(name)
            || self.is_reference(part)
            || self.is_made(above.part, name);
        let is_declared = above.part.declared(name).is_some();
        // A name pattern that matches anything describes nothing.
        let is_described = above.is_described && part.is_described() && (is_declared || !part.is_any());
        (State { part, is_sensitive, is_described }, is_declared || (above.is_described && !is_sensitive))
    }

    // As `member`, for one that is there.
    fn member_of<'s>(&self, above: State<'s>, member: &Member<'_>) -> (State<'s>, bool) {
        let name = member.key.text();
        let (below, is_public) = self.member(above, name);
        (below, is_public && (!member.key.is_repeated() || above.part.declared(name).is_some()))
    }

    fn item<'s>(&self, above: State<'s>, index: usize) -> State<'s> {
        let part = above.part.item(index);
        // A list is described by what describes it, also where the schema says nothing more of its items.
        State { part, is_sensitive: above.is_sensitive || part.is_sensitive() || self.is_reference(part), is_described: above.is_described }
    }

    // Whether a pass keeps in the member of that name what it takes from a sensitive sibling.
    fn is_made(&self, above: Part<'_>, name: &str) -> bool {
        self.made.contains(name) && above.members().any(|(_, part)| part.is_sensitive() && made_of(part).any(|node| node.text() == name))
    }

    fn is_reference(&self, part: Part<'_>) -> bool {
        !self.referred.is_empty()
            && part.references().any(|node| match node.kind() {
                Kind::String => self.referred.contains(&Some(node.text().to_owned())),
                _ => self.referred.contains(&None),
            })
    }

    // What is known of a place in a record.
    fn at(&self, record: Option<Node<'_>>, pointer: &str, forms: &Forms) -> At {
        let (mut state, mut node) = (record.map_or_else(|| self.root(), |record| self.root_of(record)), record);
        let mut at = At { is_hidden: false, shown: String::new(), names: Vec::new() };
        let fitted = |state, node: Option<Node<'_>>| node.map_or(state, |node| Self::fitted(state, node));
        for token in pointer.split('/').skip(1) {
            state = fitted(state, node);
            let is_item =
                node.map_or_else(|| state.part.members().len() == 0 && pointer::index(token).is_some(), |node| node.kind() == Kind::Array);
            if is_item {
                let index = pointer::index(token);
                state = self.item(state, index.unwrap_or_default());
                node = index.and_then(|index| node?.items().nth(index));
                pointer::push(&mut at.shown, if index.is_some() { token } else { REDACTED });
                continue;
            }
            let name = pointer::unescape(token);
            let member = node.and_then(|node| node.member(&name));
            let (below, is_public) = member.as_ref().map_or_else(|| self.member(state, &name), |member| self.member_of(state, member));
            state = below;
            node = member.map(|member| member.value);
            let is_public = is_public && !forms.hits(&name);
            pointer::push(&mut at.shown, if is_public { &name } else { REDACTED });
            if is_public {
                at.names.push(name.into_owned());
            }
        }
        at.is_hidden = fitted(state, node).is_hidden() || node.is_some_and(|node| forms.hits(node.text()));
        at
    }

    /// What is sensitive in a record as it was read.
    #[must_use]
    pub fn before(&self, tree: &Tree) -> Before {
        let mut before = Before::default();
        if self.is_active {
            self.walk(tree.root(), self.root_of(tree.root()), &mut |node, state, is_name| {
                if is_name || state.is_sensitive {
                    before.hidden.push(node.span());
                    before.values.extend(values(node));
                }
            });
        }
        before
    }

    /// Decides about a record in its last form, with what was sensitive `before` and the findings about it so far.
    #[must_use]
    pub fn record<'r>(&'r self, tree: &'r Tree, before: Before, diagnostics: &[Diagnostic]) -> Redaction<'r> {
        let Before { mut hidden, mut values } = before;
        let has_moved = diagnostics.iter().any(|diagnostic| MOVED.contains(&diagnostic.rule));
        let mut open: Vec<Node<'r>> = Vec::new();
        if self.is_active {
            self.walk(tree.root(), self.root_of(tree.root()), &mut |node, state, is_name| {
                if is_name || state.is_sensitive {
                    hidden.push(node.span());
                    values.extend(self::values(node));
                } else if !state.is_described || has_moved {
                    hidden.push(node.span());
                } else {
                    open.push(node);
                }
            });
        }
        // What was made of the text of a hidden value: a part of it, or another form of it.
        hidden = joined(hidden);
        open.retain(|node| {
            let is_made_of_hidden = overlaps(&hidden, node.span());
            if is_made_of_hidden {
                values.extend(self::values(*node));
            }
            !is_made_of_hidden
        });
        let forms = Forms::new(values.iter().map(String::as_str));
        let mut shown = Vec::with_capacity(open.len());
        for node in open {
            if forms.hits(node.text()) {
                hidden.push(node.span());
            } else if !node.span().is_empty() {
                shown.push(node.span());
                if !node.is_verbatim() {
                    let start = node.span().start;
                    hidden.extend(forms.places(node.written()).iter().map(|place| Span::new(start + place.start, start + place.end)));
                }
            }
        }
        if self.is_active {
            self.names(tree.root(), self.root_of(tree.root()), &forms, &mut shown);
        } else {
            shown.push(tree.root().span());
        }
        let hidden = joined(hidden);
        let shown = without(&joined(shown), &hidden);
        Redaction { redactor: self, tree, forms, hidden, shown, has_moved }
    }

    // Calls `each` with every scalar, and with every name that is not to be shown.
    fn walk<'t, 's>(&'s self, node: Node<'t>, state: State<'s>, each: &mut dyn FnMut(Node<'t>, State<'s>, bool)) {
        let state = Self::fitted(state, node);
        for member in node.members() {
            let (below, is_public) = self.member_of(state, &member);
            if !is_public {
                each(member.key, below, true);
            }
            self.walk(member.value, below, each);
        }
        for (index, item) in node.items().enumerate() {
            self.walk(item, self.item(state, index), each);
        }
        if !matches!(node.kind(), Kind::Object | Kind::Array) {
            each(node, state, false);
        }
    }

    // Where names stand that may be shown and that the schema does not declare.
    fn names(&self, node: Node<'_>, state: State<'_>, forms: &Forms, shown: &mut Vec<Span>) {
        let state = Self::fitted(state, node);
        for member in node.members() {
            let name = member.key.text();
            let (below, is_public) = self.member_of(state, &member);
            if is_public && !self.names.contains(name) && member.key.written().trim_matches(['"', '\'']) == name && !forms.hits(name) {
                shown.push(member.key.span());
            }
            self.names(member.value, below, forms, shown);
        }
        for (index, item) in node.items().enumerate() {
            self.names(item, self.item(state, index), forms, shown);
        }
    }
}

/// Findings that are about no record.
impl Redactor {
    /// Redacts a finding about a file, or about a part of it that could not be read as a record. `window` is the text that is
    /// redacted by itself.
    pub fn outside(&self, diagnostic: &mut Diagnostic, window: &Arc<Source>) {
        let keep = |name: &str| self.names.contains(name);
        strict(diagnostic, &keep, &Forms::default(), None);
        diagnostic.pointer = diagnostic.pointer.take().map(|at| self.at(None, &at, &Forms::default()).shown);
        // The text of other windows is not redacted.
        for place in std::iter::once(&mut diagnostic.place).chain(diagnostic.related.iter_mut().map(|related| &mut related.place)) {
            if !Arc::ptr_eq(&place.source, window) {
                detach(place, &|word| self.is_known_word(word));
            }
        }
    }
}

/// Redacts a finding that is about no text current, such as an entry of a baseline.
pub fn detached(diagnostic: &mut Diagnostic) {
    strict(diagnostic, &|_| false, &Forms::default(), None);
    diagnostic.pointer = None;
    detach(&mut diagnostic.place, &|_| false);
    diagnostic.related.clear();
}

// Leaves of the text around a place only what the place covers, and of that only the words that may be shown.
fn detach(place: &mut Place, is_shown: &dyn Fn(&str) -> bool) {
    let location = place.locate();
    let covered = Source::window(location.file, place.source.slice(place.span), location.start);
    let all = Span::new(0, covered.len());
    let hidden: Vec<Span> = words(covered.text(), all).filter(|word| !is_shown(covered.slice(*word))).collect();
    *place = Place::new(&Arc::new(covered.redacted(&hidden)), all);
}

// Takes from a finding about something sensitive what may be sensitive. `own` is the value it is about.
fn strict(diagnostic: &mut Diagnostic, keep: text::Keep<'_>, forms: &Forms, own: Option<&str>) {
    let rule = diagnostic.rule;
    let is_authored = rule.code.starts_with('S') && diagnostic.label.as_ref().is_some_and(|label| !label.starts_with("written as "));
    diagnostic.message = match own {
        Some(own) if is_authored => text::authored(rule, &diagnostic.message, own, forms),
        _ => text::message(rule, &diagnostic.message, keep, forms),
    };
    diagnostic.label = diagnostic.label.take().map(|label| text::label(rule, &label, keep, forms));
    diagnostic.help = diagnostic.help.take().and_then(|help| text::help(rule, &help, keep, forms));
    diagnostic.related.iter_mut().for_each(|related| related.message = text::label(rule, &related.message, keep, forms));
    diagnostic.fix = None;
}

/// Applying the decision.
impl Redaction<'_> {
    /// Redacts a finding about the record.
    pub fn emit(&self, diagnostic: &mut Diagnostic) {
        if !self.redactor.is_active {
            return;
        }
        let root = self.tree.root();
        let at = diagnostic.pointer.as_deref().map(|pointer| self.redactor.at(Some(root), pointer, &self.forms));
        let keep =
            |name: &str| self.redactor.names.contains(name) || at.as_ref().is_some_and(|at| at.names.iter().any(|known| known == name));
        let hides = |place: &Place| Arc::ptr_eq(&place.source, self.tree.source()) && !self.shows(place.span);
        let of_hidden = at.as_ref().map_or(diagnostic.rule.code.starts_with('R'), |at| at.is_hidden);
        let of_several = OF_SEVERAL.contains(&diagnostic.rule) && !self.forms.is_empty();
        let branches = diagnostic.rule == &rules::NO_BRANCH
            && diagnostic.pointer.as_deref().and_then(|at| root.at(at)).is_none_or(|node| self.hides_in(node));
        if self.has_moved
            || of_hidden
            || of_several
            || branches
            || hides(&diagnostic.place)
            || diagnostic.related.iter().any(|related| hides(&related.place))
        {
            let own = diagnostic.pointer.as_deref().and_then(|at| root.at(at)).map_or("", Node::text);
            strict(diagnostic, &keep, &self.forms, Some(own));
        } else if !self.forms.is_empty() {
            let is_whole = diagnostic.rule.code.starts_with('S') && diagnostic.label.is_some() && diagnostic.message.contains(['{', '[']);
            diagnostic.message =
                if is_whole { diagnostic.rule.summary.to_owned() } else { text::other(diagnostic.rule, &diagnostic.message, &self.forms) };
            for text in diagnostic
                .label
                .iter_mut()
                .chain(&mut diagnostic.help)
                .chain(diagnostic.related.iter_mut().map(|related| &mut related.message))
            {
                *text = text::known(text, &self.forms);
            }
        }
        // A report may join several edits by the text between them.
        let shows_more = |fix: &chancery_core::diagnostic::Fix| {
            (fix.edits.len() > 1 && !self.hidden.is_empty())
                || fix.edits.iter().any(|edit| self.forms.hits(&edit.text) || self.forms.hits(edit.value()) || self.overlaps(edit.span))
        };
        diagnostic.fix.take_if(|fix| shows_more(fix));
        if let Some(at) = at {
            diagnostic.pointer = Some(at.shown);
        }
    }

    /// Whether a value or what is shown of it, such as a part of a key, is to be hidden.
    #[must_use]
    pub fn hides(&self, pointer: &str, text: &str) -> bool {
        self.redactor.is_active
            && (self.has_moved || self.forms.hits(text) || self.redactor.at(Some(self.tree.root()), pointer, &self.forms).is_hidden)
    }

    /// A pointer without names that are to be hidden.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> String {
        if self.redactor.is_active { self.redactor.at(Some(self.tree.root()), pointer, &self.forms).shown } else { pointer.to_owned() }
    }

    /// Whether the record's key, which has these parts, is to be hidden; where records are no longer current that is known of
    /// it then.
    #[must_use]
    pub fn hides_key(&self, parts: &[Node<'_>]) -> bool {
        let hides = parts.iter().any(|part| self.hides(&part.pointer(), part.text()));
        if hides && !self.redactor.keys.all {
            let mut hidden = self.redactor.keys.hidden.lock().unwrap_or_else(PoisonError::into_inner);
            hidden.insert(key::text(parts).into());
        }
        hides
    }

    /// The record as it may be shown.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.redactor.redacted(self.tree, &[&self.forms], self.has_moved)
    }

    /// What was decided about the record's text.
    pub fn add_to(self, regions: &mut Regions) {
        regions.hidden.extend(self.hidden);
        regions.shown.extend(self.shown);
    }

    // Whether everything in a span may be shown.
    fn shows(&self, span: Span) -> bool {
        !self.overlaps(span)
            && without(&[self.tree.source().clamp_span(span)], &self.shown)
                .into_iter()
                .all(|rest| words(self.tree.source().text(), rest).all(|word| self.redactor.is_known_word(self.tree.source().slice(word))))
    }

    fn overlaps(&self, span: Span) -> bool {
        overlaps(&self.hidden, span)
    }

    fn hides_in(&self, node: Node<'_>) -> bool {
        self.overlaps(node.span())
            || node.members().any(|member| self.hides_in(member.value))
            || node.items().any(|item| self.hides_in(item))
    }
}

impl Redactor {
    fn is_known_word(&self, word: &str) -> bool {
        self.words.contains(word.trim_start_matches('@'))
    }

    /// The window with marks for everything that may not be shown.
    #[must_use]
    pub fn window(&self, source: &Source, regions: Regions) -> Source {
        let mut hidden = joined(regions.hidden.into_iter().map(|span| source.clamp_span(span)).collect());
        let shown = without(&joined(regions.shown), &hidden);
        let known = joined(hidden.iter().chain(&shown).copied().collect());
        for rest in without(&[Span::new(0, source.len())], &known) {
            let text = source.text();
            hidden.extend(words(text, rest).filter(|word| !self.is_known_word(&text[word.range()])));
        }
        source.redacted(&hidden)
    }

    /// The sensitive values of a record.
    #[must_use]
    pub fn forms(&self, tree: &Tree) -> Forms {
        Forms::new(self.before(tree).values.iter().map(String::as_str))
    }

    /// The record with [`REDACTED`] in the place of everything that may not be shown, each node at its place. `more` are
    /// sensitive values of other versions of the record.
    #[must_use]
    pub fn tree(&self, tree: &Tree, forms: &[&Forms]) -> Tree {
        self.redacted(tree, forms, false)
    }

    fn redacted(&self, tree: &Tree, forms: &[&Forms], all: bool) -> Tree {
        let mut redacted = tree.clone();
        if self.is_active {
            let (mut names, mut nodes) = (Vec::new(), Vec::new());
            let root = self.root_of(tree.root());
            let root = State { is_described: root.is_described && !all, ..root };
            self.hidden(tree.root(), root, forms, &mut names, &mut nodes);
            nodes.into_iter().for_each(|node| redacted.replace(node, Kind::String, REDACTED));
            names.into_iter().for_each(|value| redacted.rename_member(value, REDACTED));
        }
        redacted
    }

    fn hidden(
        &self,
        node: Node<'_>,
        state: State<'_>,
        forms: &[&Forms],
        names: &mut Vec<chancery_core::tree::NodeId>,
        nodes: &mut Vec<chancery_core::tree::NodeId>,
    ) {
        let state = Self::fitted(state, node);
        let hits = |text: &str| forms.iter().any(|forms| forms.hits(text));
        for member in node.members() {
            let (below, is_public) = self.member_of(state, &member);
            if !is_public || hits(member.key.text()) {
                names.push(member.value.id());
            }
            self.hidden(member.value, below, forms, names, nodes);
        }
        for (index, item) in node.items().enumerate() {
            self.hidden(item, self.item(state, index), forms, names, nodes);
        }
        if !matches!(node.kind(), Kind::Object | Kind::Array) && (state.is_hidden() || hits(node.text())) {
            nodes.push(node.id());
        }
    }
}

impl Keys {
    /// The key of a record that was read in this run, as it may be shown.
    #[must_use]
    pub fn shown<'k>(&self, key: &'k str) -> &'k str {
        // The number of a record among those with the same key is before it; what else begins so is a hash of its content.
        let base = key.strip_prefix('#').and_then(|key| key.split_once(' ')).map_or(key, |(_, base)| base);
        let hides = self.all
            || base.starts_with('#')
            || key.starts_with("#key ")
            || self.hidden.lock().unwrap_or_else(PoisonError::into_inner).contains(base);
        if self.redacts && hides { REDACTED } else { key }
    }

    /// The key of a record that was not read in this run, so that nobody knows what it repeats.
    #[must_use]
    pub fn unread<'k>(&self, key: &'k str) -> &'k str {
        if self.redacts { REDACTED } else { key }
    }

    /// Whether anything is hidden.
    #[must_use]
    pub fn redacts(&self) -> bool {
        self.redacts
    }
}

// Names of siblings in which the passes over a value keep what they take from it.
fn made_of(part: Part<'_>) -> impl Iterator<Item = Node<'_>> {
    let passes = part.keyword("x-normalise");
    let each = passes.into_iter().flat_map(|passes| std::iter::once(passes).chain(passes.items()));
    each.flat_map(|pass| ["printed", "extension"].into_iter().filter_map(move |name| pass.get(name)))
}

// A value as it is and as it was written, and a number also in its shortest form.
fn values(node: Node<'_>) -> Vec<String> {
    match node.kind() {
        Kind::String => vec![node.text().to_owned(), node.written().to_owned()],
        Kind::Number => {
            let mut values = vec![node.text().to_owned(), node.written().to_owned(), key::part(node).into_owned()];
            // Without sign, fraction and exponent, where that is still a number that says something.
            let digits = node.text().trim_start_matches(['-', '+']).split(['.', 'e', 'E']).next().unwrap_or_default();
            values.extend((digits.len() >= DISTINCTIVE_DIGITS).then(|| digits.to_owned()));
            values
        }
        // Truth and absence are no names and numbers; replaced everywhere, they would make every text unreadable.
        _ => Vec::new(),
    }
}

// The runs of characters that are no punctuation between values.
fn words(text: &str, span: Span) -> impl Iterator<Item = Span> {
    let is_between = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '{' | '}' | '[' | ']' | ',' | ':' | '"' | '\'' | '<' | '>' | '/' | '=' | '-' | '|' | '#' | '?' | '!' | '\u{feff}'
            )
    };
    let (end, mut at) = (span.end as usize, span.start as usize);
    std::iter::from_fn(move || {
        let start = at + text[at..end].find(|c| !is_between(c))?;
        at = text[start..end].find(is_between).map_or(end, |length| start + length);
        Some(Span::new(start as u32, at as u32))
    })
}

// Whether a span has text in common with one of these, which are sorted and joined.
fn overlaps(spans: &[Span], span: Span) -> bool {
    let from = spans.partition_point(|other| other.end <= span.start);
    spans.get(from).is_some_and(|other| other.start < span.end)
}

// Spans sorted and joined where they overlap or touch.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable();
    spans.dedup_by(|next, kept| {
        let touches = next.start <= kept.end;
        if touches {
            kept.end = kept.end.max(next.end);
        }
        touches
    });
    spans
}

// What is left of sorted spans without other sorted ones.
fn without(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len());
    for span in spans {
        let mut start = span.start;
        let from = others.partition_point(|other| other.end <= span.start);
        for other in others[from..].iter().take_while(|other| other.start < span.end) {
            if other.start > start {
                left.push(Span::new(start, other.start));
            }
            start = start.max(other.end);
        }
        if start < span.end {
            left.push(Span::new(start, span.end));
        }
    }
    left
}
