//! Normalisation: passes over a tree that bring values to normal form. Spans are kept, and each change of a value is a finding.
//!
//! Input: a tree as read. Output: the same tree, changed in place. The annotation `x-normalise` on a subschema selects
//! passes: a name, or an object with the name under `pass` and operands, or a list.
//!
//! | pass | where | operands |
//! | --- | --- | --- |
//! | `text`, `email`, `enum` | on a string | |
//! | `date` | on a string | `order`: `dmy`, `mdy` or `ymd`, the order in which all values are written |
//! | `url` | on a string | `printed`: sibling that keeps the printed form |
//! | `telephone` | on a string | `printed`; `extension`: sibling for the digits to dial after |
//! | `country` | on the string with the code | `from`: sibling with the name, from which a missing code is supplied |
//! | `order` | on an object, holds for all below | |
//!
//! Normalisation is idempotent. A value that a pass cannot interpret is left for the schema to reject. A walk finds the
//! changes without modifying the tree, so a normalised record costs no allocation.
//!
//! Start with [`email`]; the others do the same for harder values.

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

use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Rule, rules};
use chancery_core::tree::pattern::Pattern;
use chancery_core::tree::{Kind, Node, Tree};
use chancery_schema::annotation_index::{self, AnnotationIndex};
use chancery_schema::{Part, Shape};
use walk::Walk;

/// A normalisation pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Unicode, line ends, surrounding white space.
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
    /// Values of an enumeration.
    Enum,
    /// Order of members; the only pass without findings.
    Order,
    /// Defaults of the schema; only on request.
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

    /// The rule of its findings.
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

/// Unknown passes in the schema.
#[must_use]
pub fn mistakes(shape: &Arc<Shape>) -> Vec<Diagnostic> {
    // Defaults are requested on the command line, because a schema declares them for all its readers.
    let names: Vec<_> = Pass::ALL.iter().filter(|pass| **pass != Pass::Defaults).map(|pass| pass.name()).collect();
    annotation_index::operand_errors(shape, ANNOTATION, "pass", &names)
}

/// Normalisation options besides the schema.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Disabled passes.
    pub off: Vec<Pass>,
    /// Whether missing members get the schema's default.
    pub defaults: bool,
    /// Passes requested in the config.
    pub configured: Vec<ConfiguredPass>,
}

/// A pass requested for locations of the record. Countries around a telephone number are those that the schema annotates.
#[derive(Clone, Debug)]
pub struct ConfiguredPass {
    /// Where: `/contacts/*/mail`.
    pub pattern: Pattern,
    /// Same as the value of `x-normalise`.
    pub passes: Value,
}

/// Normalises records.
#[derive(Debug)]
pub struct Normaliser {
    index: AnnotationIndex<FieldTask>,
    configured: Vec<(Pattern, FieldTask)>,
    defaults: Option<defaults::DefaultsPass>,
}

impl Default for Normaliser {
    fn default() -> Self {
        Self::new(&Arc::new(Shape::any()), &Options::default())
    }
}

// The passes of one part of the shape.
#[derive(Debug, Default)]
struct FieldTask {
    // Passes over a scalar, in order.
    steps: Vec<Step>,
    // Whether members are sorted, here and below.
    sorts: bool,
    // Members of an object with a country code, with the member that contains its name.
    codes: Vec<(Box<str>, Option<Box<str>>)>,
    // Members that contain such members: where telephone numbers look for their country.
    below: Vec<Box<str>>,
    // Whether a missing code is supplied.
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
    annotation_index::requested_names(annotation, "pass")
        .filter_map(|(name, asked)| Some((Pass::ALL.iter().copied().find(|pass| pass.name() == name)?, asked)))
}

// Members with a country code, with the member that contains its name.
fn codes(part: Part<'_>) -> Vec<(Box<str>, Option<Box<str>>)> {
    let mut found = Vec::new();
    for (name, member) in part.members() {
        let annotation = annotation_index::compile_annotation(member, ANNOTATION);
        for (_, asked) in passes(annotation.as_ref()).filter(|(pass, _)| *pass == Pass::Country) {
            found.push((name.into(), annotation_index::operand(asked, "from")));
        }
    }
    found
}

// Allowed strings: all of them, or those listed in branches.
fn choices(part: Part<'_>) -> Vec<Box<str>> {
    let strings = |node: Node<'_>| -> Option<Box<str>> { (node.kind() == Kind::String).then(|| node.text().into()) };
    if let Some(all) = part.choices() {
        return all.filter_map(strings).collect();
    }
    let branches = ["anyOf", "oneOf"].into_iter().filter_map(|keyword| part.keyword(keyword)).flat_map(Node::items);
    branches.filter_map(|branch| branch.get("enum")).flat_map(Node::items).filter_map(strings).collect()
}

impl FieldTask {
    fn of(annotation: Option<&Value>, part: Part<'_>, off: &[Pass]) -> Self {
        let mut task = Self::default();
        for (pass, asked) in passes(annotation).filter(|(pass, _)| !off.contains(pass)) {
            match pass {
                Pass::Order => task.sorts = true,
                Pass::Defaults => {}
                _ => task.steps.push(Step {
                    pass,
                    printed: annotation_index::operand(asked, "printed"),
                    extension: annotation_index::operand(asked, "extension"),
                    from: annotation_index::operand(asked, "from"),
                    order: annotation_index::operand(asked, "order").and_then(|name| date::Order::by_name(&name)),
                    choices: choices(part),
                }),
            }
        }
        task.codes = codes(part);
        task.below = annotation_index::below(part, |part| !codes(part).is_empty());
        task.supplies = !off.contains(&Pass::Country);
        task
    }

    fn is_idle(&self) -> bool {
        self.steps.is_empty() && !self.sorts && self.codes.is_empty() && self.below.is_empty()
    }
}

impl Normaliser {
    /// The passes of `shape`, compiled once.
    #[must_use]
    pub fn new(shape: &Arc<Shape>, options: &Options) -> Self {
        let mut sorting = false;
        let _ = AnnotationIndex::<()>::new(shape, |part| {
            sorting |= passes(annotation_index::compile_annotation(part, ANNOTATION).as_ref()).any(|(pass, _)| pass == Pass::Order);
            None
        });
        let sorting = sorting && !options.off.contains(&Pass::Order);
        let index = AnnotationIndex::new(shape, |part| {
            let task = FieldTask::of(annotation_index::compile_annotation(part, ANNOTATION).as_ref(), part, &options.off);
            // Every part with members, because sorting may be requested above it.
            let sortable = sorting && part.members().next().is_some();
            (sortable || !task.is_idle()).then_some(task)
        });
        let asked = options
            .configured
            .iter()
            .map(|asked| (asked.pattern.clone(), FieldTask::of(Some(&asked.passes), Shape::any().root(), &options.off)));
        let defaults = (options.defaults && !options.off.contains(&Pass::Defaults)).then(|| defaults::DefaultsPass::new(shape));
        Self { index, configured: asked.collect(), defaults }
    }

    /// Whether it never changes anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.index.is_idle() && self.configured.is_empty() && self.defaults.is_none()
    }

    /// Normalises the record in place and emits findings about the changes.
    pub fn normalise(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        // First, because a default is normalised like any other value.
        if let Some(filler) = &self.defaults {
            filler.fill(tree, diagnostics);
        }
        let mut changes = Vec::new();
        for (pattern, task) in &self.configured {
            let mut walk = Walk { index: &self.index, diagnostics, changes: &mut changes };
            walk.configured(&self.index.record(tree.root()), pattern, &pattern.start(), task);
            walk::apply(tree, &self.index, &mut changes);
        }
        // Last, because it sorts members, including supplied ones.
        if !self.index.is_idle() {
            let mut walk = Walk { index: &self.index, diagnostics, changes: &mut changes };
            walk.value(&self.index.record(tree.root()), false);
            walk::apply(tree, &self.index, &mut changes);
        }
    }
}
