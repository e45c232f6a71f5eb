//! JSON: strings in quotes; a new member gets the white space of the one before it.

use super::TextEdit;
use chancery_core::diagnostic::{Member, Scalar};
use chancery_core::source::{Source, Span};

pub(super) fn text(text: &str) -> String {
    let mut quoted = Vec::new();
    chancery_core::tree::json_string(text, &mut quoted);
    String::from_utf8_lossy(&quoted).into_owned()
}

pub(super) fn scalar(new: &Scalar) -> String {
    match new {
        Scalar::Text(new) => text(new),
        Scalar::Literal(literal) => literal.clone(),
    }
}

pub(super) fn member(source: &Source, new: &Member) -> Option<TextEdit> {
    let before = source.slice(Span::new(0, new.key.start));
    let gap = &before[before.trim_end_matches([' ', '\t', '\r', '\n']).len()..];
    let between = source.text().get(new.key.end as usize..new.value.start as usize)?;
    if between.trim_matches([' ', '\t', '\r', '\n']) != ":" {
        return None;
    }
    let gap = if gap.is_empty() && between.ends_with(' ') { " " } else { gap };
    let text = format!(",{gap}{}{between}{}", text(&new.name), scalar(&new.scalar));
    Some(TextEdit::new(Span::at(new.value.end), text))
}
