//! Normalisation: passes over one tree that bring values to one form. Spans survive, and each change of a value is noted.
//!
//! In: a tree as read. Out: the same tree, changed in place. The schema says what is done where, by the annotation
//! `x-normalise` on a subschema: the name of a pass, or an object with the name under `pass` and operands, or a list.
//!
//! | pass | where | operands |
//! | --- | --- | --- |
//! | `text`, `email`, `enum` | on a string | |
//! | `date` | on a string | `order`: `dmy`, `mdy` or `ymd`, the order in which all values are written |
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
mod walk;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Notes, Rule, rules};
use crate::schema::guide::{self, Guide};
use crate::schema::{Part, Shape};
use crate::tree::{Kind, Node, Tree};
use walk::Walk;

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
    order: Option<date::Order>,
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
                    order: guide::operand(asked, "order").and_then(|name| date::Order::by_name(&name)),
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
            walk.asked(&self.guide.record(tree.root()), tokens, task);
            walk::apply(tree, &self.guide, &mut changes);
        }
        // Last, since it brings members in order, supplied ones too.
        if !self.guide.is_idle() {
            let mut walk = Walk { guide: &self.guide, notes, changes: &mut changes };
            walk.value(&self.guide.record(tree.root()), false);
            walk::apply(tree, &self.guide, &mut changes);
        }
    }
}
