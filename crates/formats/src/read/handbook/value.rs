//! Values read from a page before they are added to a tree, with the locations of their bytes.

use super::spanned_text::SpannedText;
use chancery_core::source::Span;
use chancery_core::tree::{Kind, Text, Tree};

/// A value with its place.
#[derive(Debug)]
pub(super) enum Value {
    /// As printed.
    Text(SpannedText),
    /// A number as printed.
    Number(SpannedText),
    /// Printed otherwise than it is written here.
    Written(String, Span),
    /// Not printed as a value: supplied by the form or read out of prose at that place.
    Derived(Kind, String, Span),
    List(Vec<Value>),
    Object(Object),
}

/// An object whose members come together one by one.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// Where a missing member is shown.
    pub opening: Span,
    /// Whether the whole of it was read out of prose.
    pub derived: bool,
    /// Name, place of the label that stands for it, value.
    pub members: Vec<(String, Span, Value)>,
}

impl Object {
    pub(super) fn new(opening: Span) -> Self {
        Self { opening, ..Self::default() }
    }

    pub(super) fn put(&mut self, name: &str, label: Span, value: Value) {
        self.members.push((name.to_owned(), label, value));
    }

    /// Puts a text without a label of its own.
    pub(super) fn text(&mut self, name: &str, piece: SpannedText) {
        let span = piece.span();
        self.put(name, Span::at(span.start), Value::Text(piece));
    }

    pub(super) fn derived(&mut self, name: &str, text: impl Into<String>, span: Span) {
        self.put(name, Span::at(span.start), Value::Derived(Kind::String, text.into(), span));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(known, ..)| known == name).map(|(.., value)| value)
    }

    /// The items of the list `name`, which is made where it is not there.
    pub(super) fn list(&mut self, name: &str, label: Span) -> &mut Vec<Value> {
        let at = self.members.iter().position(|(known, ..)| known == name).unwrap_or_else(|| {
            self.put(name, label, Value::List(Vec::new()));
            self.members.len() - 1
        });
        if !matches!(self.members[at].2, Value::List(_)) {
            let value = std::mem::replace(&mut self.members[at].2, Value::List(Vec::new()));
            if let Value::List(items) = &mut self.members[at].2 {
                items.push(value);
            }
        }
        match &mut self.members[at].2 {
            Value::List(items) => items,
            _ => unreachable!("it has just been made a list"),
        }
    }

    /// How many items the list `name` has.
    pub(super) fn count(&self, name: &str) -> usize {
        match self.get(name) {
            Some(Value::List(items)) => items.len(),
            _ => 0,
        }
    }
}

impl Value {
    /// The value alone, without its place.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(piece) => piece.text().into(),
            Self::Number(piece) => serde_json::from_str(piece.text()).unwrap_or_else(|_| piece.text().into()),
            Self::Written(text, _) | Self::Derived(Kind::String, text, _) => text.as_str().into(),
            Self::Derived(_, text, _) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Object(object) => object.members.iter().map(|(name, _, value)| (name.clone(), value.json())).collect(),
        }
    }

    /// A value that a person decided on, for the sentence at `place`.
    pub(super) fn of_json(value: &serde_json::Value, place: Span) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Derived(Kind::Null, "null".to_owned(), place),
            Json::Bool(value) => Self::Derived(Kind::Bool, value.to_string(), place),
            Json::Number(value) => Self::Derived(Kind::Number, value.to_string(), place),
            Json::String(text) => Self::Derived(Kind::String, text.clone(), place),
            Json::Array(items) => Self::List(items.iter().map(|item| Self::of_json(item, place)).collect()),
            Json::Object(members) => {
                let mut object = Object::new(Span::at(place.start));
                for (name, value) in members {
                    object.put(name, Span::at(place.start), Self::of_json(value, place));
                }
                Self::Object(object)
            }
        }
    }

    /// The same value for another member: it points at the same bytes, and cannot be written back there alone.
    pub(super) fn shared(&self) -> Self {
        match self {
            Self::Text(piece) | Self::Number(piece) => Self::Written(piece.text().to_owned(), piece.span()),
            Self::Written(text, span) => Self::Written(text.clone(), *span),
            Self::Derived(kind, text, span) => Self::Derived(*kind, text.clone(), *span),
            Self::List(items) => Self::List(items.iter().map(Self::shared).collect()),
            Self::Object(object) => Self::Object(Object {
                opening: object.opening,
                derived: object.derived,
                members: object.members.iter().map(|(name, label, value)| (name.clone(), *label, value.shared())).collect(),
            }),
        }
    }

    /// Where it begins.
    pub(super) fn opening(&self) -> Span {
        match self {
            Self::Text(piece) | Self::Number(piece) => piece.span(),
            Self::Written(_, span) | Self::Derived(_, _, span) => *span,
            Self::List(items) => items.first().map_or(Span::default(), Self::opening),
            Self::Object(object) => object.opening,
        }
    }

    /// Lays the value into the tree and gives the offset after its last byte. Values are a few levels deep by construction.
    pub(super) fn build(&self, tree: &mut Tree) -> u32 {
        self.build_in(tree, false)
    }

    fn build_in(&self, tree: &mut Tree, derived: bool) -> u32 {
        let derived = derived || matches!(self, Self::Derived(..)) || matches!(self, Self::Object(object) if object.derived);
        let (id, end) = match self {
            Self::Text(piece) => (tree.scalar(Kind::String, piece.span(), piece.as_text()), piece.span().end),
            Self::Number(piece) => (tree.scalar(Kind::Number, piece.span(), piece.as_text()), piece.span().end),
            Self::Written(text, span) => (tree.scalar(Kind::String, *span, Text::Owned(text)), span.end),
            Self::Derived(kind, text, span) => (tree.scalar(*kind, *span, Text::Owned(text)), span.end),
            Self::List(items) => {
                let id = tree.open(Kind::Array, self.opening());
                let end = items.iter().map(|item| item.build_in(tree, derived)).max().unwrap_or(0);
                tree.close(end);
                (id, end)
            }
            Self::Object(object) => {
                let id = tree.open(Kind::Object, object.opening);
                let mut end = object.opening.end;
                for (name, label, value) in &object.members {
                    // A label is printed for many members, and no member's name.
                    tree.key(*label, Text::Owned(name));
                    tree.mark_key_shared();
                    end = end.max(value.build_in(tree, derived));
                }
                tree.close(end);
                (id, end)
            }
        };
        if derived {
            tree.mark_derived(id);
        }
        // What was put together of several pieces cannot be written back in one.
        let in_pieces = match self {
            Self::Text(piece) | Self::Number(piece) => matches!(piece.as_text(), Text::Owned(_)),
            Self::Written(..) => true,
            _ => false,
        };
        if in_pieces {
            tree.mark_shared(id);
        }
        end
    }
}
