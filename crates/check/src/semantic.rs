//! Checks within one record that a schema cannot express: dates that exist, marks that have their note, countries that match.
//!
//! Input: a normalised record. Output: findings. The annotation `x-check` on a subschema selects a check: its name, or
//! an object with the name under `check` and operands, or a list.
//!
//! | check | where | operands |
//! | --- | --- | --- |
//! | `date` | on a partial date | |
//! | `period` | on an object | `start`, `end`: its members |
//! | `country` | on a country code | `name`: sibling with the name |
//! | `telephone` | on a number | |
//! | `entry` | on a mark | `of`: pointer to the list in the record; `key`: member of an entry |
//! | `distinct` | on a list | `by`: members that together must differ |
//! | `other-body` | on a reference to a body | `by`: members by which it is known, the surest first |
//! | `mission` | on a mandate | `mission`: member with the mission; `hosts`: members with its host countries; `start`: its start |
//! | `acronym` | on an acronym | `of`: pointers from the object around it, with `*` for any item |

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::reference_data::{Country, Mission, PartialDate};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, Place, Rule, quote, rules};
use chancery_core::tree::{Kind, Node, Tree};
use chancery_schema::annotation_index::{self, AnnotationIndex, Cursor};
use chancery_schema::{Part, Shape};

/// Semantic checks within records.
#[derive(Debug)]
pub struct SemanticChecks {
    index: AnnotationIndex<FieldChecks>,
    // Lists of entries that marks refer to, with the member that is an entry's key.
    lists: Vec<(String, Box<str>)>,
}

// The checks of one part of the shape.
#[derive(Debug)]
struct FieldChecks {
    checks: Vec<SemanticCheck>,
    // Members with a country code, and members that contain such members: where telephone checks look for it.
    codes: Vec<Box<str>>,
    below: Vec<Box<str>>,
}

#[derive(Clone, Debug)]
enum SemanticCheck {
    Date,
    Period { start: Box<str>, end: Box<str> },
    Country { name: Option<Box<str>> },
    Telephone,
    Entry { list: usize },
    Distinct { by: Vec<Box<str>> },
    OtherBody { by: Vec<Box<str>> },
    Acronym { of: Vec<Box<str>> },
    Mission { mission: Box<str>, hosts: Box<str>, start: Box<str> },
}

const ANNOTATION: &str = "x-check";

/// Unknown checks in the schema.
#[must_use]
pub fn operand_errors(shape: &Arc<Shape>) -> Vec<Diagnostic> {
    const NAMES: [&str; 9] = ["date", "period", "country", "telephone", "entry", "distinct", "other-body", "acronym", "mission"];
    annotation_index::operand_errors(shape, ANNOTATION, "check", &NAMES)
}

fn operands(asked: &Value, name: &str) -> Vec<Box<str>> {
    match asked.get(name) {
        Some(Value::String(one)) => vec![one.as_str().into()],
        Some(Value::Array(list)) => list.iter().filter_map(|one| Some(one.as_str()?.into())).collect(),
        _ => Vec::new(),
    }
}

impl SemanticCheck {
    fn of(name: &str, asked: &Value, lists: &mut Vec<(String, Box<str>)>) -> Option<Self> {
        Some(match name {
            "date" => Self::Date,
            "period" => Self::Period { start: annotation_index::operand(asked, "start")?, end: annotation_index::operand(asked, "end")? },
            "country" => Self::Country { name: annotation_index::operand(asked, "name") },
            "telephone" => Self::Telephone,
            "entry" => {
                let list = (annotation_index::operand(asked, "of")?.into_string(), annotation_index::operand(asked, "key")?);
                let at = lists.iter().position(|known| *known == list).unwrap_or_else(|| {
                    lists.push(list);
                    lists.len() - 1
                });
                Self::Entry { list: at }
            }
            "distinct" => Self::Distinct { by: operands(asked, "by") },
            "other-body" => Self::OtherBody { by: operands(asked, "by") },
            "acronym" => Self::Acronym { of: operands(asked, "of") },
            "mission" => Self::Mission {
                mission: annotation_index::operand(asked, "mission")?,
                hosts: annotation_index::operand(asked, "hosts")?,
                start: annotation_index::operand(asked, "start")?,
            },
            _ => return None,
        })
    }
}

fn codes(part: Part<'_>) -> Vec<Box<str>> {
    let is_code = |member: Part<'_>| {
        let annotation = annotation_index::compile_annotation(member, ANNOTATION);
        annotation_index::requested_names(annotation.as_ref(), "check").any(|(check, _)| check == "country")
    };
    part.members().filter(|(_, member)| is_code(*member)).map(|(name, _)| name.into()).collect()
}

impl FieldChecks {
    fn of(part: Part<'_>, lists: &mut Vec<(String, Box<str>)>) -> Option<Self> {
        let annotation = annotation_index::compile_annotation(part, ANNOTATION);
        let checks = annotation_index::requested_names(annotation.as_ref(), "check")
            .filter_map(|(name, asked)| SemanticCheck::of(name, asked, lists))
            .collect();
        let task = Self { checks, codes: codes(part), below: annotation_index::below(part, |part| !codes(part).is_empty()) };
        (!task.checks.is_empty() || !task.codes.is_empty() || !task.below.is_empty()).then_some(task)
    }
}

impl SemanticChecks {
    /// The checks of `shape`, compiled once.
    #[must_use]
    pub fn new(shape: &Arc<Shape>) -> Self {
        let mut lists = Vec::new();
        let index = AnnotationIndex::new(shape, |part| FieldChecks::of(part, &mut lists));
        Self { index, lists }
    }

    /// Whether nothing is checked.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.index.is_idle()
    }

    /// Emits the findings about the record.
    pub fn check(&self, tree: &Tree, diagnostics: &mut dyn DiagnosticSink) {
        if self.is_idle() {
            return;
        }
        let mut walk = Walk { index: &self.index, record: tree.root(), marks: Vec::new(), diagnostics };
        walk.value(&self.index.record(tree.root()));
        let marks = std::mem::take(&mut walk.marks);
        for (at, (pointer, key)) in self.lists.iter().enumerate() {
            walk.entries(pointer, key, marks.iter().filter(|(list, _)| *list == at).map(|(_, mark)| *mark));
        }
    }
}

struct Walk<'w, 't> {
    index: &'w AnnotationIndex<FieldChecks>,
    record: Node<'t>,
    // Marks so far, with the index of the list they refer to.
    marks: Vec<(usize, Node<'t>)>,
    diagnostics: &'w mut dyn DiagnosticSink,
}

impl<'t> Walk<'_, 't> {
    fn emit_finding(
        &mut self,
        rule: &'static Rule,
        node: Node<'_>,
        pointer: String,
        message: String,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let diagnostic = Diagnostic::new(rule, node.tree().source(), node.span(), message).at(pointer);
        self.diagnostics.emit(more(diagnostic));
    }

    fn value(&mut self, here: &Cursor<'_, 't>) {
        let index = self.index;
        if !index.has_descendants(here.state) {
            return;
        }
        for check in index.annotation(here.state).map_or(&[][..], |task| &task.checks) {
            self.fact(check, here);
        }
        index.children(here, |child| self.value(child));
    }

    fn fact(&mut self, check: &SemanticCheck, here: &Cursor<'_, 't>) {
        let string = here.node.kind() == Kind::String;
        match check {
            SemanticCheck::Date if string => self.date(here),
            SemanticCheck::Period { start, end } => self.period(here, start, end),
            SemanticCheck::Country { name } if string => self.country(here, name.as_deref()),
            SemanticCheck::Telephone if string => self.telephone(here),
            SemanticCheck::Entry { list } if string => self.marks.push((*list, here.node)),
            SemanticCheck::Distinct { by } => self.distinct(here, by),
            SemanticCheck::OtherBody { by } => self.other_body(here, by),
            SemanticCheck::Acronym { of } if string => self.acronym(here, of),
            SemanticCheck::Mission { mission, hosts, start } => self.mission(here, mission, hosts, start),
            _ => {}
        }
    }

    fn date(&mut self, here: &Cursor<'_, '_>) {
        let node = here.node;
        let Some(date) = PartialDate::parse(node.text()).filter(|date| !date.exists()) else { return };
        let message = match (date.month, date.day) {
            (Some(month), Some(_)) if (1..=12).contains(&month) => {
                let days = crate::reference_data::date::days(date.year, month);
                format!("expected a date that exists, found {}: the month has {days} days", quote(node.text(), true))
            }
            _ => format!("expected a month from 01 to 12, found {}", quote(node.text(), true)),
        };
        self.emit_finding(&rules::IMPOSSIBLE_DATE, node, here.pointer(), message, |diagnostic| {
            diagnostic.help("correct the date, or omit the unknown part, as in \"2009-07\"")
        });
    }

    fn period(&mut self, here: &Cursor<'_, '_>, start: &str, end: &str) {
        let pointer = || here.pointer_to(end);
        let (Some(start), Some(end)) = (here.node.get(start), here.node.get(end)) else { return };
        let (Some(first), Some(last)) = (PartialDate::parse(start.text()), PartialDate::parse(end.text())) else { return };
        if first.compare(last).is_gt() {
            let message = format!("expected an end not before the start {}, found {}", quote(start.text(), true), quote(end.text(), true));
            self.emit_finding(&rules::START_AFTER_END, end, pointer(), message, |diagnostic| {
                diagnostic
                    .related("starts here", Place::new(start.tree().source(), start.span()))
                    .help("check whether the dates are swapped")
            });
        }
    }

    fn country(&mut self, here: &Cursor<'_, '_>, name: Option<&str>) {
        let code = here.node;
        let name = name.and_then(|name| here.object()?.get(name));
        let shaped = code.text().len() == 2 && code.text().bytes().all(|byte| byte.is_ascii_uppercase());
        let named = name.and_then(|name| Country::named(name.text()));
        let Some(country) = Country::coded(code.text()).filter(|_| shaped) else {
            // Other values are checked by the schema.
            if shaped {
                let message = format!("expected an ISO 3166-1 country code, found {}", quote(code.text(), true));
                self.emit_finding(&rules::UNKNOWN_COUNTRY, code, here.pointer(), message, |diagnostic| match named {
                    Some(named) => diagnostic.help(format!("write {:?}, the code of {}", named.code(), named.name())),
                    None => diagnostic.help("write the two-letter code of the country"),
                });
            }
            return;
        };
        if let (Some(named), Some(name)) = (named, name)
            && named != country
        {
            let (code_text, name_text) = (quote(code.text(), true), quote(name.text(), true));
            let message = format!("country code {code_text} is that of {}, but the country is given as {name_text}", country.name());
            self.emit_finding(&rules::COUNTRY_MISMATCH, code, here.pointer(), message, |diagnostic| {
                diagnostic
                    .related("the country's name", Place::new(name.tree().source(), name.span()))
                    .help(format!("write {:?} if the name is right", named.code()))
            });
        }
    }

    // What the list of missions of the United Nations says of a mandate's mission.
    fn mission(&mut self, here: &Cursor<'_, '_>, mission: &str, hosts: &str, start: &str) {
        let Some(body) = here.node.get(mission) else { return };
        let Some(acronym) = body.get("acronym") else { return };
        let pointer = here.pointer_to(mission);
        let Some(known) = Mission::by_acronym(acronym.text()) else {
            // Other bodies have missions too; only those of the United Nations are listed.
            let is_listed = body.get("name").is_some_and(|name| name.text().starts_with("United Nations "));
            if is_listed {
                let message = format!("no mission of the United Nations is known as {}", quote(acronym.text(), true));
                self.emit_finding(&rules::UNKNOWN_MISSION, acronym, format!("{pointer}/acronym"), message, |diagnostic| {
                    diagnostic.help("check the acronym")
                });
            }
            return;
        };
        if let Some(start) = here.node.get(start)
            && let (Some(date), Some(end)) = (PartialDate::parse(start.text()), known.end)
            && i64::from(date.year) > i64::from(end)
        {
            let message = format!("the mandate starts in {}, but {} ended in {end}", date.year, known.acronym);
            self.emit_finding(&rules::MISSION_ENDED, start, start.pointer(), message, |diagnostic| {
                diagnostic.help("check the date, and which mission is meant")
            });
        }
        let others: Vec<Node<'_>> = here
            .node
            .get(hosts)
            .into_iter()
            .flat_map(Node::items)
            .filter_map(|host| host.get("code"))
            .filter(|code| Country::coded(code.text()).is_some_and(|country| !known.is_hosted_by(country)))
            .collect();
        for code in others {
            let hosts: Vec<&str> = known.hosts.iter().map(|host| host.code()).collect();
            let message = format!("{} was in {}, not in {}", known.acronym, hosts.join(", "), quote(code.text(), true));
            self.emit_finding(&rules::HOST_MISMATCH, code, code.pointer(), message, |diagnostic| {
                diagnostic.help("check the country, and which mission is meant")
            });
        }
    }

    fn telephone(&mut self, here: &Cursor<'_, '_>) {
        // Numbers without a country: freephone, shared cost, satellite, networks, personal numbers.
        const NOWHERE: [&str; 9] = ["800", "808", "870", "878", "881", "882", "883", "888", "979"];
        let Some(digits) = here.node.text().strip_prefix('+') else { return };
        if NOWHERE.iter().any(|code| digits.starts_with(code)) {
            return;
        }
        let index = self.index;
        let countries = index.nearest(
            here,
            |task| &task.below,
            |task, object, found: &mut Vec<Country>| {
                for code in &task.codes {
                    if let Some(country) = object.get(code).and_then(|code| Country::coded(code.text()))
                        && !found.contains(&country)
                    {
                        found.push(country);
                    }
                }
            },
        );
        let fits = |country: &Country| country.calling_code().is_some_and(|code| digits.starts_with(code));
        if countries.is_empty() || countries.iter().any(fits) {
            return;
        }
        let known: Vec<_> = countries.iter().map(|country| country.code()).collect();
        let message =
            format!("telephone number {} does not match the record's country {}", quote(here.node.text(), true), known.join(", "));
        self.emit_finding(&rules::TELEPHONE_COUNTRY, here.node, here.pointer(), message, |diagnostic| {
            diagnostic.help("check the country code of the number")
        });
    }

    fn entries(&mut self, pointer: &str, key: &str, marks: impl Iterator<Item = Node<'t>>) {
        let entries: Vec<Node<'t>> = self.record.at(pointer).into_iter().flat_map(Node::items).filter_map(|entry| entry.get(key)).collect();
        let known: HashSet<&str> = entries.iter().map(|entry| entry.text()).collect();
        let mut used: HashSet<&str> = HashSet::new();
        for mark in marks {
            used.insert(mark.text());
            if !known.contains(mark.text()) {
                let message = format!("expected an entry {} in {pointer}, found none", quote(mark.text(), true));
                self.emit_finding(&rules::MISSING_ENTRY, mark, mark.pointer(), message, |diagnostic| {
                    diagnostic.help("add the entry, at least with its key, or remove the mark")
                });
            }
        }
        for entry in entries.into_iter().filter(|entry| !used.contains(entry.text())) {
            let message = format!("entry {} is not referred to", quote(entry.text(), true));
            self.emit_finding(&rules::UNUSED_ENTRY, entry, entry.pointer(), message, |diagnostic| {
                diagnostic.help("refer to it, or remove it")
            });
        }
    }

    fn distinct(&mut self, here: &Cursor<'_, '_>, by: &[Box<str>]) {
        let mut seen: HashMap<u64, Vec<Node<'_>>> = HashMap::new();
        for (index, item) in here.node.items().enumerate().filter(|(_, item)| by.iter().any(|name| item.get(name).is_some())) {
            let mut hasher = DefaultHasher::new();
            for name in by {
                item.get(name).map(Node::hash_value).hash(&mut hasher);
            }
            let alike = seen.entry(hasher.finish()).or_default();
            let same = |other: &Node<'_>| {
                by.iter().all(|name| match (item.get(name), other.get(name)) {
                    (Some(left), Some(right)) => left.same(right),
                    (left, right) => left.is_none() && right.is_none(),
                })
            };
            if let Some(first) = alike.iter().copied().find(|other| same(other)) {
                let names: Vec<_> = by.iter().filter(|name| item.get(name).is_some()).map(|name| &**name).collect();
                let message = format!("duplicate entry with the same {}", names.join(", "));
                let place = Place::new(first.tree().source(), first.opening());
                self.emit_finding(&rules::REPEATED_ENTRY, item, here.pointer_to(&index.to_string()), message, |mut diagnostic| {
                    diagnostic.place.span = item.opening();
                    diagnostic.related("first one", place).help("remove one of them")
                });
            } else {
                alike.push(item);
            }
        }
    }

    fn other_body(&mut self, here: &Cursor<'_, '_>, by: &[Box<str>]) {
        // The first member that both have decides: two bodies may share an acronym, but not a key.
        let both = by.iter().find_map(|name| Some((name, here.node.get(name)?, self.record.get(name)?)));
        let Some((name, there, own)) = both else { return };
        if fold(there.text()) == fold(own.text()) && there.kind() == Kind::String {
            let message = format!("expected another body, found the record's own {name} {}", quote(there.text(), true));
            let place = Place::new(own.tree().source(), own.span());
            self.emit_finding(&rules::REFERS_TO_ITSELF, there, here.pointer_to(name), message, |diagnostic| {
                diagnostic.related("the record", place).help("name the other body, or remove this")
            });
        }
    }

    fn acronym(&mut self, here: &Cursor<'_, '_>, of: &[Box<str>]) {
        let (node, Some(object)) = (here.node, here.object()) else { return };
        let mut names = Vec::new();
        for pattern in of {
            select(object, pattern.split('/').skip(1).collect::<Vec<_>>().as_slice(), &mut names);
        }
        // Only the first word counts: the rest is a number (`UNOSOM II`).
        let Some(word) = node.text().split_whitespace().next() else { return };
        if names.is_empty() || names.iter().any(|name| fits(word, name.text())) {
            return;
        }
        let message =
            format!("the letters of {} are not found in this order in {}", quote(node.text(), true), quote(names[0].text(), true));
        self.emit_finding(&rules::ACRONYM_MISMATCH, node, here.pointer(), message, |diagnostic| {
            diagnostic.help("check both; if the acronym comes from another language, add that name to other_names")
        });
    }
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

// Whether the acronym's letters occur in the name in this order.
fn fits(acronym: &str, name: &str) -> bool {
    if acronym.is_ascii() && name.is_ascii() {
        let letters =
            |text: &'_ str| text.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
        return in_order(&letters(acronym), &letters(name));
    }
    let letters = |text: &str| text.nfd().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect::<Vec<_>>();
    in_order(&letters(acronym), &letters(name))
}

fn in_order<L: PartialEq>(few: &[L], many: &[L]) -> bool {
    let mut rest = many.iter();
    few.iter().all(|letter| rest.any(|other| other == letter))
}

// String nodes at the end of a path, in which `*` stands for any item.
fn select<'t>(node: Node<'t>, path: &[&str], found: &mut Vec<Node<'t>>) {
    match path.split_first() {
        None if node.kind() == Kind::String => found.push(node),
        None => {}
        Some((&"*", rest)) => node.items().for_each(|item| select(item, rest, found)),
        Some((name, rest)) => {
            if let Some(member) = node.get(&chancery_core::tree::pointer::unescape(name)) {
                select(member, rest, found);
            }
        }
    }
}
