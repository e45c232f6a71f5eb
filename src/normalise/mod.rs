//! Normalisation: passes over one tree that bring values to one form. Spans survive, and each change of a value is noted.
//!
//! In: a tree as read. Out: the same tree, changed in place. The schema says what is done where, by the annotation
//! `x-normalise` on a subschema: the name of a pass, or an object with the name under `pass` and operands, or a list.
//!
//! | pass | where | operands |
//! | --- | --- | --- |
//! | `text`, `email`, `date`, `enum` | on a string | |
//! | `url` | on a string | `printed`: sibling that keeps the printed form |
//! | `telephone` | on a string | `printed`; `extension`: sibling for the digits to dial behind |
//! | `country` | on the string with the code | `from`: sibling with the name, from which a missing code is supplied |
//! | `order` | on an object, holds for all below | |
//!
//! Normalising what was normalised changes nothing. What a pass does not understand it leaves for the schema to refuse.
//! A walk finds what has to change without touching the tree, so a record in normal form costs no allocation.
//!
//! Start with [`email`]; the others are the same for harder values.

pub mod country;
pub mod date;
pub mod defaults;
pub mod email;
pub mod enumeration;
pub mod order;
pub mod phone;
pub mod text;
pub mod url;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Notes, Rule, Safety, quote, rules};
use crate::lexicon::{Country, PartialDate};
use crate::schema::guide::{self, Frame, Guide, Station};
use crate::schema::{Part, Shape};
use crate::source::Span;
use crate::tree::{Kind, Node, NodeId, Tree};

/// A pass: one way of bringing values to one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Unicode, line ends, white space at the ends.
    Text,
    /// Telephone and fax numbers.
    Telephone,
    /// Web addresses.
    Url,
    /// E-mail addresses.
    Email,
    /// Partial dates.
    Date,
    /// Country codes.
    Country,
    /// Values of a closed list.
    Enum,
    /// Order of members; the only pass that notes nothing.
    Order,
    /// Defaults of the schema; only when asked for.
    Defaults,
}

impl Pass {
    /// Every pass, in the order in which they are listed.
    pub const ALL: &[Self] =
        &[Self::Text, Self::Telephone, Self::Url, Self::Email, Self::Date, Self::Country, Self::Enum, Self::Order, Self::Defaults];

    /// Its name in annotations and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Telephone => "telephone",
            Self::Url => "url",
            Self::Email => "email",
            Self::Date => "date",
            Self::Country => "country",
            Self::Enum => "enum",
            Self::Order => "order",
            Self::Defaults => "defaults",
        }
    }

    /// The rule that notes its changes.
    #[must_use]
    pub fn rule(self) -> Option<&'static Rule> {
        Some(match self {
            Self::Text => &rules::TEXT_FORM,
            Self::Telephone => &rules::TELEPHONE_FORM,
            Self::Url => &rules::URL_FORM,
            Self::Email => &rules::EMAIL_FORM,
            Self::Date => &rules::DATE_FORM,
            Self::Country => &rules::COUNTRY_FORM,
            Self::Enum => &rules::ENUM_FORM,
            Self::Defaults => &rules::DEFAULT_FILLED,
            Self::Order => return None,
        })
    }

    /// The pass of that name, or of that rule's code or name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let is_rule = |rule: &Rule| rule.code.eq_ignore_ascii_case(name) || rule.name == name;
        Self::ALL.iter().copied().find(|pass| pass.name() == name || pass.rule().is_some_and(is_rule))
    }
}

/// Passes that the schema asks for and that do not exist.
#[must_use]
pub fn mistakes(shape: &Arc<Shape>) -> Vec<Diagnostic> {
    // Defaults are asked for on the command line, since a schema has them for all its readers.
    let names: Vec<_> = Pass::ALL.iter().filter(|pass| **pass != Pass::Defaults).map(|pass| pass.name()).collect();
    guide::mistakes(shape, ANNOTATION, "pass", &names)
}

/// What is normalised besides what the schema asks for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Passes that are turned off.
    pub off: Vec<Pass>,
    /// Whether missing members get the default of the schema.
    pub defaults: bool,
    /// Passes that the configuration asks for.
    pub asked: Vec<Asked>,
}

/// A pass asked for at places of the record. Countries around a telephone number are those that the schema annotates.
#[derive(Clone, Debug)]
pub struct Asked {
    /// JSON pointer, in which `*` stands for any member or item: `/contacts/*/mail`.
    pub pointer: String,
    /// What `x-normalise` would say there.
    pub passes: Value,
}

/// Brings records to normal form.
#[derive(Debug)]
pub struct Normaliser {
    guide: Guide<Task>,
    asked: Vec<(Vec<String>, Task)>,
    defaults: Option<defaults::Filler>,
}

impl Default for Normaliser {
    fn default() -> Self {
        Self::new(&Arc::new(Shape::any()), &Options::default())
    }
}

// What is done at one part of the shape.
#[derive(Debug, Default)]
struct Task {
    // Passes over a scalar, in turn.
    steps: Vec<Step>,
    // Whether members are brought in order, here and below.
    sorts: bool,
    // Members of an object that hold a country's code, with the member that holds its name.
    codes: Vec<(Box<str>, Option<Box<str>>)>,
    // Members below which there are such: where telephones look for their country.
    below: Vec<Box<str>>,
    // Whether a code that is missing is supplied.
    supplies: bool,
}

#[derive(Debug)]
struct Step {
    pass: Pass,
    printed: Option<Box<str>>,
    extension: Option<Box<str>>,
    from: Option<Box<str>>,
    choices: Vec<Box<str>>,
}

const ANNOTATION: &str = "x-normalise";

fn passes(annotation: Option<&Value>) -> impl Iterator<Item = (Pass, &Value)> {
    guide::asked(annotation, "pass").filter_map(|(name, asked)| Some((Pass::ALL.iter().copied().find(|pass| pass.name() == name)?, asked)))
}

// Members that hold a country's code, with the member that holds its name.
fn codes(part: Part<'_>) -> Vec<(Box<str>, Option<Box<str>>)> {
    let mut found = Vec::new();
    for (name, member) in part.members() {
        let annotation = guide::annotation(member, ANNOTATION);
        for (_, asked) in passes(annotation.as_ref()).filter(|(pass, _)| *pass == Pass::Country) {
            found.push((name.into(), guide::operand(asked, "from")));
        }
    }
    found
}

// Strings that may stand here: all of them, or those that branches list beside others.
fn choices(part: Part<'_>) -> Vec<Box<str>> {
    let strings = |node: Node<'_>| -> Option<Box<str>> { (node.kind() == Kind::String).then(|| node.text().into()) };
    if let Some(all) = part.choices() {
        return all.filter_map(strings).collect();
    }
    let branches = ["anyOf", "oneOf"].into_iter().filter_map(|keyword| part.keyword(keyword)).flat_map(Node::items);
    branches.filter_map(|branch| branch.get("enum")).flat_map(Node::items).filter_map(strings).collect()
}

impl Task {
    fn of(annotation: Option<&Value>, part: Part<'_>, off: &[Pass]) -> Self {
        let mut task = Self::default();
        for (pass, asked) in passes(annotation).filter(|(pass, _)| !off.contains(pass)) {
            match pass {
                Pass::Order => task.sorts = true,
                Pass::Defaults => {}
                _ => task.steps.push(Step {
                    pass,
                    printed: guide::operand(asked, "printed"),
                    extension: guide::operand(asked, "extension"),
                    from: guide::operand(asked, "from"),
                    choices: choices(part),
                }),
            }
        }
        task.codes = codes(part);
        task.below = guide::below(part, |part| !codes(part).is_empty());
        task.supplies = !off.contains(&Pass::Country);
        task
    }

    fn is_idle(&self) -> bool {
        self.steps.is_empty() && !self.sorts && self.codes.is_empty() && self.below.is_empty()
    }
}

impl Normaliser {
    /// What `shape` asks for, compiled once.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, options: &Options) -> Self {
        let mut sorting = false;
        let _ = Guide::<()>::new(shape, |part| {
            sorting |= passes(guide::annotation(part, ANNOTATION).as_ref()).any(|(pass, _)| pass == Pass::Order);
            None
        });
        let sorting = sorting && !options.off.contains(&Pass::Order);
        let guide = Guide::new(shape, |part| {
            let task = Task::of(guide::annotation(part, ANNOTATION).as_ref(), part, &options.off);
            // Every part with members, since order may be asked for above it.
            let sortable = sorting && part.members().next().is_some();
            (sortable || !task.is_idle()).then_some(task)
        });
        let asked = options.asked.iter().map(|asked| {
            let tokens = asked.pointer.split('/').skip(1).map(|token| crate::tree::pointer::unescape(token).into_owned()).collect();
            (tokens, Task::of(Some(&asked.passes), Shape::any().root(), &options.off))
        });
        let defaults = (options.defaults && !options.off.contains(&Pass::Defaults)).then(|| defaults::Filler::new(shape));
        Self { guide, asked: asked.collect(), defaults }
    }

    /// Whether it never changes anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.guide.is_idle() && self.asked.is_empty() && self.defaults.is_none()
    }

    /// Normalises the record in place and notes what it changed.
    pub fn normalise(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        // First, since a default is to be in normal form like any other value.
        if let Some(filler) = &self.defaults {
            filler.fill(tree, notes);
        }
        let mut changes = Vec::new();
        for (tokens, task) in &self.asked {
            let mut walk = Walk { guide: &self.guide, notes, changes: &mut changes };
            walk.asked(tree.root(), tokens, task, None);
            self.apply(tree, &mut changes);
        }
        // Last, since it brings members in order, supplied ones too.
        if !self.guide.is_idle() {
            let mut walk = Walk { guide: &self.guide, notes, changes: &mut changes };
            walk.value(tree.root(), self.guide.root(), None, false);
            self.apply(tree, &mut changes);
        }
    }

    fn apply(&self, tree: &mut Tree, changes: &mut Vec<Change>) {
        for change in changes.drain(..) {
            match change {
                Change::Replace { node, text } => tree.replace(node, Kind::String, &text),
                Change::Insert { object, after, key, text, span } => {
                    let value = tree.insert_member(object, Some(after), &key, span);
                    tree.set_scalar(value, Kind::String, &text, span);
                    tree.mark_derived(value);
                }
                Change::Sort { object, at } => order::sort(tree, object, &self.guide, at),
            }
        }
    }
}

enum Change {
    Replace { node: NodeId, text: String },
    Insert { object: NodeId, after: NodeId, key: Box<str>, text: String, span: Span },
    Sort { object: NodeId, at: Station },
}

// Finds what has to change, and notes it.
struct Walk<'w> {
    guide: &'w Guide<Task>,
    notes: &'w mut dyn Notes,
    changes: &'w mut Vec<Change>,
}

impl Walk<'_> {
    fn value(&mut self, node: Node<'_>, at: Station, above: Option<&Frame<'_, '_>>, sorts: bool) {
        if !self.guide.is_busy(at) {
            return;
        }
        let guide = self.guide;
        let task = guide.task(at);
        match node.kind() {
            Kind::Object => self.object(node, at, above, sorts || task.is_some_and(|task| task.sorts)),
            Kind::Array => {
                for (index, item) in node.items().enumerate() {
                    self.value(item, guide.item(at, index), above, sorts);
                }
            }
            _ => {
                if let Some(task) = task.filter(|task| !task.steps.is_empty()) {
                    self.scalar(node, task, above);
                }
            }
        }
    }

    fn object(&mut self, object: Node<'_>, at: Station, above: Option<&Frame<'_, '_>>, sorts: bool) {
        let frame = Frame { above, object, station: at };
        let before = self.changes.len();
        let mut last = 0;
        let mut sorted = true;
        for member in object.members() {
            let (rank, station) = self.guide.member(at, &member);
            sorted &= last <= rank;
            last = rank;
            self.value(member.value, station, Some(&frame), sorts);
        }
        if let Some(task) = self.guide.task(at).filter(|task| task.supplies) {
            for (code, from) in &task.codes {
                self.supply(object, code, from.as_deref());
            }
        }
        if sorts {
            let inserts = |change: &Change| matches!(change, Change::Insert { object: into, .. } if *into == object.id());
            if !sorted || self.changes[before..].iter().any(inserts) {
                self.changes.push(Change::Sort { object: object.id(), at });
            }
        }
    }

    fn asked(&mut self, node: Node<'_>, tokens: &[String], task: &Task, above: Option<&Frame<'_, '_>>) {
        let Some((token, rest)) = tokens.split_first() else {
            if !matches!(node.kind(), Kind::Array | Kind::Object) {
                self.scalar(node, task, above);
            }
            return;
        };
        let frame = Frame { above, object: node, station: self.guide.root() };
        for member in node.members().filter(|member| token == "*" || member.key.text() == token) {
            self.asked(member.value, rest, task, Some(&frame));
        }
        if let (Kind::Object, []) = (node.kind(), rest) {
            for step in task.steps.iter().filter(|step| step.pass == Pass::Country && token != "*") {
                self.supply(node, token, step.from.as_deref());
            }
        }
        for (index, item) in node.items().enumerate() {
            if token == "*" || crate::tree::pointer::index(token) == Some(index) {
                self.asked(item, rest, task, above);
            }
        }
    }

    // Passes over one scalar, each over what the one before left.
    fn scalar(&mut self, node: Node<'_>, task: &Task, above: Option<&Frame<'_, '_>>) {
        let mut changed: Option<String> = None;
        let mut notes = Vec::new();
        for step in &task.steps {
            let text = changed.as_deref().unwrap_or(node.text());
            let is_string = changed.is_some() || node.kind() == Kind::String;
            // The year alone is written as a number by many; no other number is touched.
            let is_year = step.pass == Pass::Date && node.kind() == Kind::Number && text.len() == 4;
            if !is_string && !is_year {
                continue;
            }
            let Some((new, remark)) = self.step(step, node, text, above) else { continue };
            if is_string && new == text {
                continue;
            }
            let rule = step.pass.rule().expect("passes over scalars note their changes");
            let message = format!("{} {} became {}{remark}", what(step.pass), quote(text, is_string), quote(&new, true));
            notes.push(Diagnostic::new(rule, node.tree().source(), node.span(), message).at(node.pointer()));
            changed = Some(new);
        }
        let Some(text) = changed else { return };
        // What was written may stand nowhere else; putting the normal form in its place is then for a person to decide.
        let printed = task.steps.iter().any(|step| step.printed.is_some());
        if let ([note], Kind::String) = (&mut notes[..], node.kind()) {
            let safety = if printed { Safety::Unsafe } else { Safety::Safe };
            *note = note.clone().fix(safety, node.span(), text.clone());
        }
        for note in notes {
            self.notes.note(note);
        }
        self.changes.push(Change::Replace { node: node.id(), text });
    }

    // The new text and a remark for the message; `None` where the pass leaves the value alone.
    fn step(&mut self, step: &Step, node: Node<'_>, text: &str, above: Option<&Frame<'_, '_>>) -> Option<(String, String)> {
        // Most values are in normal form; telling that is cheaper than making it again.
        let normal = match step.pass {
            Pass::Email => email::is_normal(text),
            Pass::Url => url::is_normal(text),
            Pass::Date => node.kind() == Kind::String && PartialDate::parse(text).is_some(),
            Pass::Country => country::normal(text) == Some(text),
            Pass::Telephone => phone::is_normal(text),
            _ => false,
        };
        if normal {
            return None;
        }
        let mut remark = String::new();
        let new = match step.pass {
            Pass::Text => match text::normal(text) {
                std::borrow::Cow::Borrowed(same) if same.len() == text.len() => return None,
                new => new.into_owned(),
            },
            Pass::Email => email::normal(text),
            Pass::Url => url::normal(text),
            Pass::Date => date::normal(text)?,
            Pass::Country => country::normal(text)?.to_owned(),
            Pass::Enum => enumeration::normal(text, &step.choices)?.to_owned(),
            Pass::Telephone => {
                let phone = phone::read(text, || self.countries(above))?;
                if let Some(country) = phone.supplied {
                    remark = format!(", its country {} taken from the record", country.code());
                }
                if let Some(extension) = phone.extension {
                    self.extension(step, node, &extension, above)?;
                    remark = format!("{remark}, extension {}", quote(&extension, true));
                }
                phone.number
            }
            Pass::Order | Pass::Defaults => return None,
        };
        if let (Some(name), Some(frame)) = (&step.printed, above)
            && node.kind() == Kind::String
        {
            let printed = text::normal(node.text());
            if printed != new && frame.object.get(name).is_none() {
                self.insert(frame.object, node, name, printed.into_owned());
            }
        }
        Some((new, remark))
    }

    // Puts an extension where the model has it; `None` where it has no place, so that nothing is lost.
    fn extension(&mut self, step: &Step, node: Node<'_>, digits: &str, above: Option<&Frame<'_, '_>>) -> Option<()> {
        let (name, frame) = (step.extension.as_deref()?, above?);
        if let Some(known) = frame.object.get(name) {
            return (known.text() == digits).then_some(());
        }
        self.insert(frame.object, node, name, digits.to_owned());
        Some(())
    }

    fn insert(&mut self, object: Node<'_>, from: Node<'_>, key: &str, text: String) {
        self.changes.push(Change::Insert { object: object.id(), after: from.id(), key: key.into(), text, span: from.span() });
    }

    // Supplies the code of a country that stands there by name alone.
    fn supply(&mut self, object: Node<'_>, code: &str, from: Option<&str>) {
        let Some(name) = from.and_then(|from| object.get(from)).filter(|name| name.kind() == Kind::String) else { return };
        if object.get(code).is_some() {
            return;
        }
        let Some(country) = Country::named(name.text()) else { return };
        let message = format!("country code {} supplied for {}", quote(country.code(), true), quote(name.text(), true));
        let note = Diagnostic::new(&rules::COUNTRY_FORM, name.tree().source(), name.span(), message);
        self.notes.note(note.at(name.pointer()));
        self.insert(object, name, code, country.code().to_owned());
    }

    // Countries around a value, each once: those of the nearest object that has any.
    fn countries(&self, above: Option<&Frame<'_, '_>>) -> Vec<Country> {
        self.guide.nearest(
            above,
            |task| &task.below,
            |task, object, found| {
                for (code, from) in &task.codes {
                    let written = object.get(code).and_then(|code| country::normal(code.text()).and_then(Country::coded));
                    let named = || from.as_deref().and_then(|from| object.get(from)).and_then(|name| Country::named(name.text()));
                    if let Some(country) = written.or_else(named).filter(|country| !found.contains(country)) {
                        found.push(country);
                    }
                }
            },
        )
    }
}

fn what(pass: Pass) -> &'static str {
    match pass {
        Pass::Text => "text",
        Pass::Telephone => "telephone number",
        Pass::Url => "web address",
        Pass::Email => "e-mail address",
        Pass::Date => "date",
        Pass::Country => "country code",
        Pass::Enum | Pass::Order | Pass::Defaults => "value",
    }
}
