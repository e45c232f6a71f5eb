//! The normalisation walk: finds the changes of a tree and emits findings, without modifying the tree.
//!
//! It walks the tree in parallel with the shape. Changes are made afterwards by [`apply`], so that a normalised record
//! costs only a look at its values.

use std::borrow::Cow;

use super::{FieldTask, Pass, Step, country, date, email, enumeration, order, phone, text, url};
use crate::reference_data::{Country, PartialDate};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Edit, Member, Rule, Safety, Scalar, quote, rules};
use chancery_core::source::Span;
use chancery_core::tree::pattern::{Pattern, Progress};
use chancery_core::tree::{Kind, Node, NodeId, Tree};
use chancery_schema::annotation_index::{AnnotationIndex, Cursor, StateId, Token};

/// A change of the tree.
pub(super) enum Change {
    Replace { node: NodeId, text: String },
    Insert { object: NodeId, after: NodeId, key: Box<str>, text: String, span: Span },
    Sort { object: NodeId, at: StateId },
}

/// Makes the changes found by a walk.
pub(super) fn apply(tree: &mut Tree, index: &AnnotationIndex<FieldTask>, changes: &mut Vec<Change>) {
    for change in changes.drain(..) {
        match change {
            Change::Replace { node, text } => tree.replace(node, Kind::String, &text),
            Change::Insert { object, after, key, text, span } => {
                let value = tree.insert_member(object, Some(after), &key, span);
                tree.set_scalar(value, Kind::String, &text, span);
                tree.mark_derived(value);
            }
            Change::Sort { object, at } => order::sort(tree, object, index, at),
        }
    }
}

/// Finds the changes and emits findings.
pub(super) struct Walk<'w> {
    pub index: &'w AnnotationIndex<FieldTask>,
    pub diagnostics: &'w mut dyn DiagnosticSink,
    pub changes: &'w mut Vec<Change>,
}

impl Walk<'_> {
    /// The passes at a value and below it. `sorts`: members are sorted.
    pub fn value(&mut self, here: &Cursor<'_, '_>, sorts: bool) {
        let index = self.index;
        if !index.has_descendants(here.state) {
            return;
        }
        let task = index.annotation(here.state);
        match here.node.kind() {
            Kind::Object => self.object(here, sorts || task.is_some_and(|task| task.sorts)),
            Kind::Array => index.children(here, |item| self.value(item, sorts)),
            _ => {
                if let Some(task) = task.filter(|task| !task.steps.is_empty()) {
                    self.scalar(here, task);
                }
            }
        }
    }

    fn object(&mut self, here: &Cursor<'_, '_>, sorts: bool) {
        let (index, object) = (self.index, here.node);
        let before = self.changes.len();
        let mut last = 0;
        let mut sorted = true;
        for member in object.members() {
            let (rank, state) = index.member(here.state, &member);
            sorted &= last <= rank;
            last = rank;
            self.value(&Cursor { above: Some(here), token: Token::Member(member.key.text()), node: member.value, state }, sorts);
        }
        if let Some(task) = index.annotation(here.state).filter(|task| task.supplies) {
            for (code, from) in &task.codes {
                self.supply(here, code, from.as_deref());
            }
        }
        if sorts {
            let inserts = |change: &Change| matches!(change, Change::Insert { object: into, .. } if *into == object.id());
            if !sorted || self.changes[before..].iter().any(inserts) {
                self.changes.push(Change::Sort { object: object.id(), at: here.state });
            }
        }
    }

    /// The configured passes at the locations that match.
    pub fn configured(&mut self, here: &Cursor<'_, '_>, pattern: &Pattern, progress: &Progress, task: &FieldTask) {
        let index = self.index;
        if pattern.is_matched(progress) && !matches!(here.node.kind(), Kind::Array | Kind::Object) {
            self.scalar(here, task);
        }
        index.children(here, |child| {
            let below = match child.token {
                Token::Member(name) => pattern.member(progress, name),
                Token::Item(index) => pattern.item(progress, index),
            };
            if !below.is_dead() {
                self.configured(child, pattern, &below, task);
            }
        });
        if let Some(name) = pattern.last_name(progress).filter(|_| here.node.kind() == Kind::Object) {
            for step in task.steps.iter().filter(|step| step.pass == Pass::Country) {
                self.supply(here, name, step.from.as_deref());
            }
        }
    }

    // Passes over one scalar, each over the result of the previous one.
    fn scalar(&mut self, here: &Cursor<'_, '_>, task: &FieldTask) {
        let node = here.node;
        let mut changed: Option<String> = None;
        let mut diagnostics = Vec::new();
        for step in &task.steps {
            let text = changed.as_deref().unwrap_or(node.text());
            let is_string = changed.is_some() || node.kind() == Kind::String;
            // Years are often written as numbers; no other number is changed.
            let is_year = step.pass == Pass::Date && node.kind() == Kind::Number && text.len() == 4;
            if !is_string && !is_year {
                continue;
            }
            let before = self.changes.len();
            let Some((new, addition)) = self.step(step, here, text) else { continue };
            if is_string && new == text {
                continue;
            }
            let rule = step.pass.rule().expect("passes over scalars note their changes");
            let message = format!("{} {} became {}{addition}", what(step.pass), quote(text, is_string), quote(&new, true));
            let change = Diagnostic::new(rule, node.tree().source(), node.span(), message).at(here.pointer());
            diagnostics.push(if node.is_own() { self.normalised(change, step, here, &new, before) } else { change });
            changed = Some(new);
        }
        let Some(text) = changed else { return };
        for diagnostic in diagnostics {
            self.diagnostics.emit(diagnostic);
        }
        self.changes.push(Change::Replace { node: node.id(), text });
    }

    // With edits of the source: the new text, and the members that it supplies.
    fn normalised(&self, change: Diagnostic, step: &Step, here: &Cursor<'_, '_>, new: &str, before: usize) -> Diagnostic {
        let node = here.node;
        let mut edits = vec![Edit::scalar(node.span(), Scalar::Text(new.to_owned()))];
        let mut safety = Safety::Safe;
        for supplied in self.changes[before..].iter().rev() {
            let Change::Insert { key, text, .. } = supplied else { continue };
            let spare = step.printed.as_ref() == Some(key);
            match here.above.and_then(|above| further(above, node, key, text, spare)) {
                Some(edit) => edits.push(edit),
                None if spare => safety = Safety::Unsafe,
                None => return change,
            }
        }
        // The written text may be lost; replacing it by the normal form is then an unsafe edit.
        let kept = |name: &str| here.object().and_then(|object| object.get(name)).map(Node::text);
        if let Some(other) = step.printed.as_deref().and_then(kept)
            && other != text::normal(node.text())
            && new != text::normal(node.text())
        {
            safety = Safety::Unsafe;
        }
        change.with_edit(safety, edits)
    }

    // The new text and an addition to the message; `None` if the pass does not change the value.
    fn step(&mut self, step: &Step, here: &Cursor<'_, '_>, text: &str) -> Option<(String, String)> {
        let node = here.node;
        // Most values are normalised; detecting that is cheaper than normalising again.
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
        let mut addition = String::new();
        let new = match step.pass {
            Pass::Text => match text::normal(text) {
                Cow::Borrowed(same) if same.len() == text.len() => return None,
                new => new.into_owned(),
            },
            Pass::Email => email::normal(text),
            Pass::Url => url::normal(text),
            Pass::Date => {
                let Ok(date) = date::read(text, step.order) else {
                    let message = format!("the order of day and month in {} is not known, so it was left as it is", quote(text, true));
                    let help = "give the order of all values: \"x-normalise\": {\"pass\": \"date\", \"order\": \"dmy\"}, or \"mdy\"";
                    self.left(&rules::DATE_ORDER, here, message, help);
                    return None;
                };
                date?
            }
            Pass::Country => country::normal(text)?.to_owned(),
            Pass::Enum => enumeration::normal(text, &step.choices)?.to_owned(),
            Pass::Telephone => {
                let Some(phone) = phone::read(text, || self.countries(here)) else {
                    if phone::is_several(text) {
                        let message = format!("expected one telephone number, found several in {}", quote(text, true));
                        let help = "give each number a value of its own";
                        self.left(&rules::SEVERAL_TELEPHONES, here, message, help);
                    }
                    return None;
                };
                if let Some(country) = phone.supplied {
                    addition = format!(", its country {} taken from the record", country.code());
                }
                if let Some(extension) = phone.extension {
                    self.extension(step, here, &extension)?;
                    addition = format!("{addition}, extension {}", quote(&extension, true));
                }
                phone.number
            }
            Pass::Order | Pass::Defaults => return None,
        };
        if let (Some(name), Some(object)) = (&step.printed, here.object())
            && node.kind() == Kind::String
        {
            let printed = text::normal(node.text());
            if printed != new && object.get(name).is_none() {
                self.insert(object, node, name, printed.into_owned());
            }
        }
        Some((new, addition))
    }

    // Notes why a value is left as it is.
    fn left(&mut self, rule: &'static Rule, here: &Cursor<'_, '_>, message: String, help: &str) {
        let node = here.node;
        self.diagnostics.emit(Diagnostic::new(rule, node.tree().source(), node.span(), message).help(help).at(here.pointer()));
    }

    // Stores an extension in the model; `None` if it has no place, so that nothing is lost.
    fn extension(&mut self, step: &Step, here: &Cursor<'_, '_>, digits: &str) -> Option<()> {
        let (name, object) = (step.extension.as_deref()?, here.object()?);
        if let Some(known) = object.get(name) {
            return (known.text() == digits).then_some(());
        }
        self.insert(object, here.node, name, digits.to_owned());
        Some(())
    }

    fn insert(&mut self, object: Node<'_>, from: Node<'_>, key: &str, text: String) {
        self.changes.push(Change::Insert { object: object.id(), after: from.id(), key: key.into(), text, span: from.span() });
    }

    // Supplies the code of a country given only by name.
    fn supply(&mut self, here: &Cursor<'_, '_>, code: &str, from: Option<&str>) {
        let object = here.node;
        let Some(from) = from else { return };
        let Some(name) = object.get(from).filter(|name| name.kind() == Kind::String) else { return };
        if object.get(code).is_some() {
            return;
        }
        let Some(country) = Country::named(name.text()) else { return };
        let message = format!("country code {} supplied for {}", quote(country.code(), true), quote(name.text(), true));
        let mut diagnostic = Diagnostic::new(&rules::COUNTRY_FORM, name.tree().source(), name.span(), message).at(here.pointer_to(from));
        if let Some(edit) = further(here, name, code, country.code(), false) {
            diagnostic = diagnostic.with_edit(Safety::Safe, vec![edit]);
        }
        self.diagnostics.emit(diagnostic);
        self.insert(object, name, code, country.code().to_owned());
    }

    // Countries around a value, each once: those of the nearest object that has any.
    fn countries(&self, here: &Cursor<'_, '_>) -> Vec<Country> {
        self.index.nearest(
            here,
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

// The edit that adds a member after the one with the value `beside`; `None` if that is not written as a member.
fn further(object: &Cursor<'_, '_>, beside: Node<'_>, name: &str, text: &str, spare: bool) -> Option<Edit> {
    let member = object.node.members().find(|member| member.value.id() == beside.id())?;
    (member.key.is_own() && beside.is_own()).then(|| {
        Edit::member(Member {
            object: object.pointer(),
            opening: object.node.opening(),
            key: member.key.span(),
            value: beside.span(),
            name: name.to_owned(),
            scalar: Scalar::Text(text.to_owned()),
            optional: spare,
        })
    })
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
