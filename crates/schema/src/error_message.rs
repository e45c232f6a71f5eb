//! Custom messages: the keyword `errorMessage`, as in ajv-errors.
//!
//! Input: an error and the findings that explain it. Output: the same findings with the custom message; the program's own message is
//! kept next to it. A message for several errors is reported once.
//!
//! `errorMessage` is a string, which applies to every error of its subschema and below, or an object: a string for each keyword
//! of its subschema (`required` also one for each name), under `properties` and `items` one for each value below, and
//! under `_` one for everything else. `${/pointer}`, `${1/name}` and `${0#}` in a string stand for values of the record.

use std::collections::HashMap;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::{Schema, Shape, json_impl, messages};
use chancery_core::diagnostic::{Diagnostic, Related};
use chancery_core::tree::{Kind, Node, pointer};

/// The keyword.
const KEYWORD: &str = "errorMessage";

/// The findings of one record, and which of them have custom messages.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    owners: Vec<Option<Owner>>,
    // How many further ones were not made.
    more: u64,
}

// The place of a message in the schema, and of the value that it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owner {
    schema: String,
    instance: String,
}

impl Findings {
    /// Takes one.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.list.push(finding);
        self.owners.push(None);
    }

    /// Counts findings that are not made, because there are too many.
    pub(super) fn more(&mut self, count: u64) {
        self.more += count;
    }

    /// How many further ones were counted.
    pub(super) fn counted(&self) -> u64 {
        self.more
    }

    /// Number of findings.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The findings from the number `from` on.
    pub(super) fn since(&mut self, from: usize) -> impl Iterator<Item = &mut Diagnostic> {
        self.list[from..].iter_mut()
    }

    /// The findings; those that share one message of the author are one, which names the places of the others.
    pub(super) fn into_list(self) -> Vec<Diagnostic> {
        let mut list: Vec<Diagnostic> = Vec::with_capacity(self.list.len());
        let mut first_of = HashMap::new();
        for (finding, owner) in self.list.into_iter().zip(self.owners) {
            let first = owner.map(|owner| *first_of.entry(owner).or_insert(list.len()));
            match first {
                Some(first) if first < list.len() => {
                    let message = finding.label.unwrap_or_default();
                    list[first].related.push(Related { message, place: finding.place });
                }
                _ => list.push(finding),
            }
        }
        list
    }
}

/// Finds the author's words.
pub(super) struct ErrorMessages<'e> {
    /// The record.
    pub(super) root: Node<'e>,
    /// Where the demands are written.
    pub(super) schema: &'e Schema,
    /// What is known of each value.
    pub(super) shape: &'e Shape,
}

// A subschema that an error goes through, with the part of the error's path that leads to its value.
struct Level<'e> {
    messages: Node<'e>,
    depth: usize,
}

struct MessageTemplate<'e> {
    text: Node<'e>,
    depth: usize,
}

impl<'e> ErrorMessages<'e> {
    /// Has the findings from the number `from` on, which explain `error`, replaced by custom messages, if there are any.
    pub(super) fn apply(&self, error: &ValidationError<'_>, findings: &mut Findings, from: usize) {
        let suppressed = findings.owners[from..].iter().any(Option::is_none);
        let Some(words) = suppressed.then(|| self.template(error)).flatten() else { return };
        let path = error.instance_path().as_str();
        let instance = prefix(path, words.depth);
        let message = self.fill(words.text.text(), instance);
        let owner = Owner { schema: words.text.pointer(), instance: instance.to_owned() };
        for (finding, known) in findings.list[from..].iter_mut().zip(&mut findings.owners[from..]) {
            if known.is_none() {
                *known = Some(owner.clone());
                // The program's own words stay, because they name what the author's leave open.
                finding.label = Some(std::mem::replace(&mut finding.message, message.clone()));
            }
        }
    }

    // The innermost words that stand for the error.
    fn template(&self, error: &ValidationError<'_>) -> Option<MessageTemplate<'e>> {
        let path = error.instance_path().as_str();
        let tokens: Vec<_> = path.split('/').skip(1).map(pointer::unescape).collect();
        let own = self.schema.subschema_of(error);
        let mut levels = self.schema_levels(error, tokens.len());
        levels.extend(self.shape_levels(&tokens));
        levels.sort_by_key(|level| std::cmp::Reverse(level.depth));
        levels.into_iter().find_map(|Level { messages, depth }| {
            let message = messages.get(KEYWORD)?;
            let text = match message.kind() {
                Kind::String => Some(message),
                Kind::Object => {
                    let of_keyword = || {
                        let of_own = depth == tokens.len() && own.is_some_and(|own| own.id() == messages.id() && same_file(own, messages));
                        of_own.then(|| by_keyword(message, error)).flatten()
                    };
                    let below = || {
                        let token = tokens.get(depth)?;
                        let of_member = || message.get("properties")?.get(token);
                        let of_item = || message.get("items")?.items().nth(pointer::index(token)?);
                        of_member().or_else(of_item)
                    };
                    of_keyword().or_else(below).or_else(|| message.get("_"))
                }
                _ => None,
            };
            text.filter(|text| text.kind() == Kind::String).map(|text| MessageTemplate { text, depth })
        })
    }

    // The subschemas on the way to the keyword, from the nearest `$defs` or the top of the file.
    fn schema_levels(&self, error: &ValidationError<'_>, depth: usize) -> Vec<Level<'e>> {
        let Some(chain) = self.schema.chain_of(error) else { return Vec::new() };
        let taken = chain.last().map_or(0, |(_, taken)| *taken);
        chain.into_iter().filter_map(|(messages, so_far)| Some(Level { messages, depth: depth.checked_sub(taken - so_far)? })).collect()
    }

    // The subschemas that hold for each value on the way, those after references included.
    fn shape_levels(&self, tokens: &[std::borrow::Cow<'_, str>]) -> Vec<Level<'e>> {
        let (mut part, mut at) = (self.shape.root(), Some(self.root));
        let mut levels: Vec<Level<'e>> = part.description_nodes().map(|messages| Level { messages, depth: 0 }).collect();
        for (depth, token) in tokens.iter().enumerate() {
            (part, at) = match at {
                Some(node) if node.kind() == Kind::Array => {
                    let index = pointer::index(token).unwrap_or_default();
                    (part.item(index), node.items().nth(index))
                }
                node => (part.member(token), node.and_then(|node| node.get(token))),
            };
            levels.extend(part.description_nodes().map(|messages| Level { messages, depth: depth + 1 }));
        }
        levels
    }

    // A message with the values that it asks for.
    fn fill(&self, text: &str, instance: &str) -> String {
        const LONGEST: usize = 400;
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((wanted, after)) = behind.split_once('}') else { break };
            filled.push_str(before);
            filled.push_str(&self.value(wanted, instance).unwrap_or_else(|| "nothing".to_owned()));
            rest = after;
        }
        filled.push_str(rest);
        messages::plain_up_to(&filled, LONGEST)
    }

    // The value that an absolute or relative JSON pointer names.
    fn value(&self, wanted: &str, instance: &str) -> Option<String> {
        let digits = wanted.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return self.root.at(wanted).map(shown);
        }
        let (up, below) = wanted.split_at(digits);
        let mut base = instance;
        for _ in 0..up.parse::<usize>().ok()? {
            base = pointer::split_last(base)?.0;
        }
        if below == "#" {
            return pointer::split_last(base).map(|(_, name)| chancery_core::diagnostic::quote(&name, pointer::index(&name).is_none()));
        }
        self.root.at(base)?.at(below).map(shown)
    }
}

// The words for the keyword of an error, in an `errorMessage` beside it.
fn by_keyword<'e>(message: Node<'e>, error: &ValidationError<'_>) -> Option<Node<'e>> {
    let (_, last) = pointer::split_last(error.schema_path().as_str())?;
    let of = message.get(error.kind().keyword()).or_else(|| message.get(&last))?;
    match error.kind() {
        ValidationErrorKind::Required { property } if of.kind() == Kind::Object => of.get(property.as_str()?),
        _ => Some(of),
    }
}

// A value as JSON.
fn shown(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Array | Kind::Object => chancery_core::diagnostic::quote(&json_impl::to_value(node).to_string(), false),
        _ => messages::found(node),
    }
}

fn same_file(one: Node<'_>, other: Node<'_>) -> bool {
    std::ptr::eq(one.tree(), other.tree())
}

// The pointer's first tokens.
fn prefix(path: &str, tokens: usize) -> &str {
    let end = path.match_indices('/').nth(tokens).map_or(path.len(), |(at, _)| at);
    &path[..end]
}
