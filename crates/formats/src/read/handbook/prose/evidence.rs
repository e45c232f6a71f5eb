//! Evidence: which rule read a value, from which sentence, and how sure that is.

use std::ops::Range;

use super::super::blocks::Block;
use super::super::value::{Object, Value};
use chancery_core::source::{Source, Span};
use chancery_core::tree::Kind;

/// How sure a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Confidence {
    /// The sentence states it.
    Certain,
    /// The sentence probably states it; a person decides.
    Likely,
}

impl Confidence {
    pub(in super::super) fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
        }
    }
}

/// A sentence that a rule read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Evidence {
    pub rule: &'static str,
    pub block: usize,
    pub sentence: Range<usize>,
    pub confidence: Confidence,
}

/// Puts evidence into the object that it is of.
pub(super) fn put(object: &mut Object, source: &Source, blocks: &[Block], evidence: &[Evidence]) {
    for item in evidence {
        let value = value(source, blocks, item, None);
        let place = value.opening();
        object.list("evidence", place).push(value);
    }
}

/// Evidence as a value; `member` says what it is of, where it does not stand in it.
pub(super) fn value(source: &Source, blocks: &[Block], evidence: &Evidence, member: Option<&str>) -> Value {
    let sentence = blocks[evidence.block].text.slice(evidence.sentence.clone());
    let span = sentence.span();
    let (start, end) = (source.position(span.start), source.position(span.end));
    let at = Span::at(span.start);
    let mut object = Object { derived: true, ..Object::new(at) };
    if let Some(member) = member {
        object.derived("member", member, at);
    }
    object.derived("rule", evidence.rule, at);
    for (name, number) in [("line", start.line), ("column", start.column.into()), ("end_line", end.line), ("end_column", end.column.into())]
    {
        object.put(name, at, Value::Derived(Kind::Number, number.to_string(), at));
    }
    object.put("sentence", at, Value::Written(sentence.text().to_owned(), span));
    object.derived("confidence", evidence.confidence.word(), at);
    Value::Object(object)
}
