//! The lines around a place, with what is meant marked.

use super::escape;
use crate::diagnostic::Place;

/// Characters shown before and behind the place, in its line.
const AROUND: usize = 160;
/// More of what is marked is left out.
const LONGEST: usize = 400;

/// The excerpt as a block; nothing where the text is not at hand.
pub(super) fn draw(place: &Place, label: Option<&str>) -> String {
    let excerpt = place.source.excerpt(place.span);
    if excerpt.text.is_empty() {
        return String::new();
    }
    let start = (place.span.start.saturating_sub(excerpt.start) as usize).min(excerpt.text.len());
    let end = (place.span.end.saturating_sub(excerpt.start) as usize).clamp(start, excerpt.text.len());
    let (before, marked, behind) = (&excerpt.text[..start], &excerpt.text[start..end], &excerpt.text[end..]);
    let number = place.locate().start.line;
    let mut text = format!(
        "<pre>{number}: {}<mark>{}</mark>{}",
        last(before),
        lines(&escape::cut(marked, LONGEST)),
        lines(&escape::cut(behind, AROUND))
    );
    if let Some(label) = label {
        text.push_str(&format!("\n   {}", escape::xml(label)));
    }
    text.push_str("</pre>");
    text
}

fn last(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(AROUND);
    let shown: String = text.chars().skip(skipped).collect();
    if skipped > 0 { format!("…{}", lines(&shown)) } else { lines(&shown) }
}

// Text of several lines; what would disturb one is shown as an escape.
fn lines(text: &str) -> String {
    text.split('\n').map(|line| escape::xml(line.strip_suffix('\r').unwrap_or(line))).collect::<Vec<_>>().join("\n")
}
