//! The source lines around a location, with the span marked; and a line before and after an edit.
//!
//! Long lines are cut around the span, long spans after their first lines. Tabs are kept; other control characters are
//! escaped.

use super::escape;
use chancery_core::diagnostic::Place;
use chancery_core::source::{Source, Span};

/// Characters shown before and after the span, in its line.
const AROUND: usize = 120;
/// Characters shown of a line that is marked completely or not at all.
const LONGEST: usize = 300;
/// Lines shown of the span.
const LINES: usize = 6;
/// Bytes searched on either side; characters shown around are never more.
const REACH: usize = 4096;
/// Characters shown on either side of an edit.
const BESIDE: usize = 40;

/// The lines with their numbers, and this many lines of context; nothing if the text is not available.
pub(super) fn lines(place: &Place, label: Option<&str>, around: usize) -> String {
    let source = &place.source;
    let span = source.clamp_span(place.span);
    if source.is_empty() {
        return String::new();
    }
    let excerpt = source.snippet_around(span, around, REACH);
    let first = source.position(excerpt.start);
    let start = (span.start.saturating_sub(excerpt.start) as usize).min(excerpt.text.len());
    let end = (span.end.saturating_sub(excerpt.start) as usize).clamp(start, excerpt.text.len());
    let cut_off = excerpt.text.len() >= end + REACH - 3;
    let mut drawn = String::from("<pre>");
    let (mut from, mut opened) = (0, 0);
    for (number, line) in (first.line..).zip(excerpt.text.split('\n')) {
        let to = from + line.len();
        let touched = start <= to && (end > from || start >= from);
        // If the window has only the end of a line, and that is empty, there is nothing to show.
        if from == 0 && first.column > 1 && line.is_empty() && !touched {
            from = to + 1;
            continue;
        }
        if touched && opened == LINES {
            drawn.push_str("<b></b><span>…</span>\n");
            break;
        }
        let opens = if from == 0 && first.column > 1 { "…" } else { "" };
        let closes = if cut_off && to == excerpt.text.len() { "…" } else { "" };
        drawn.push_str(&format!("<b>{number} </b><span>{opens}"));
        let line = line.strip_suffix('\r').unwrap_or(line);
        if touched {
            let [start, end] = [start, end].map(|at| at.saturating_sub(from).min(line.len()));
            let inside = &line[start..end];
            let mark = match inside {
                // If the span has no visible text, such as the end of a line, its position is marked.
                "" if opened == 0 => "<mark class=\"point\"></mark>".to_owned(),
                "" => String::new(),
                inside => format!("<mark>{}</mark>", behind(inside, LONGEST)),
            };
            drawn.push_str(&format!("{}{mark}{}", before(&line[..start], AROUND), behind(&line[end..], AROUND)));
        } else {
            drawn.push_str(&behind(line, AROUND));
        }
        drawn.push_str(&format!("{closes}</span>\n"));
        if let Some(label) = label.filter(|_| touched && opened == 0) {
            drawn.push_str(&format!("<b></b><em>{}</em>\n", escape::xml_text(&escape::cut(label, LONGEST))));
        }
        opened += usize::from(touched);
        from = to + 1;
    }
    drawn.push_str("</pre>");
    drawn
}

/// A line before and after a replacement of a span.
pub(super) fn change(source: &Source, span: Span, new: &str) -> String {
    let span = source.clamp_span(span);
    let excerpt = source.snippet_around(span, 0, REACH);
    let start = (span.start.saturating_sub(excerpt.start) as usize).min(excerpt.text.len());
    let end = (span.end.saturating_sub(excerpt.start) as usize).clamp(start, excerpt.text.len());
    let (lead, tail) = (before(&excerpt.text[..start], BESIDE), behind(&excerpt.text[end..], BESIDE));
    let [old, new] = [&excerpt.text[start..end], new].map(|text| several(&escape::cut(text, LONGEST)));
    format!(
        "<pre class=\"change\"><b>- </b><span>{lead}<del>{old}</del>{tail}</span>\n<b>+ </b><span>{lead}<ins>{new}</ins>{tail}</span>\n</pre>"
    )
}

// The end of a text.
fn before(line: &str, most: usize) -> String {
    match line.char_indices().rev().nth(most) {
        Some((at, c)) => format!("…{}", text(&line[at + c.len_utf8()..])),
        None => text(line),
    }
}

// The beginning of a text.
fn behind(line: &str, most: usize) -> String {
    text(&escape::cut(line, most))
}

fn several(lines: &str) -> String {
    lines.split('\n').map(|line| text(line.strip_suffix('\r').unwrap_or(line))).collect::<Vec<_>>().join("\n")
}

// A character reference keeps a tab out of a terminal, and shows it in a browser.
fn text(line: &str) -> String {
    line.split('\t').map(escape::xml_text).collect::<Vec<_>>().join("&#9;")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use chancery_core::source::Position;

    // Renders the text between the first `[` and the first `]`, with a line of context.
    fn drawn(text: &str, base: Position) -> String {
        let (start, end) = (text.find('[').unwrap_or(0), text.find(']').unwrap_or(1) - 1);
        let text = text.replacen('[', "", 1).replacen(']', "", 1);
        let source = Arc::new(Source::window("a", text, base));
        let drawn = lines(&Place::new(&source, Span::new(start as u32, end as u32)), None, 1);
        drawn.replace("<pre>", "").replace("</pre>", "").replace("<span>", "").replace("</span>", "").replace(" </b>", "</b>")
    }

    #[test]
    fn what_is_meant_is_marked_in_its_lines() {
        let of = |text: &str| drawn(text, Position::START);
        assert_eq!(of("a\nb [<c>] d\ne\nf"), "<b>1</b>a\n<b>2</b>b <mark>&lt;c&gt;</mark> d\n<b>3</b>e\n");
        assert_eq!(of("a\r\nb []c\r\n"), "<b>1</b>a\n<b>2</b>b <mark class=\"point\"></mark>c\n");
        assert_eq!(of("a[\r\n]b"), "<b>1</b>a<mark class=\"point\"></mark>\n<b>2</b>b\n");
        assert_eq!(of("[]"), "");
        assert_eq!(of("a [b\nc] d"), "<b>1</b>a <mark>b</mark>\n<b>2</b><mark>c</mark> d\n");
        assert_eq!(of("a\n\t[b\u{202e}\u{7}]"), "<b>1</b>a\n<b>2</b>&#9;<mark>b\\u202e\\u0007</mark>\n");
        let far = Position { byte: 90, line: 7, column: 9 };
        assert_eq!(drawn("\ny[z]", far), "<b>8</b>y<mark>z</mark>\n");
        assert_eq!(drawn("x\ny[z]", far), "<b>7</b>…x\n<b>8</b>y<mark>z</mark>\n");
    }

    #[test]
    fn long_lines_and_long_spans_are_cut() {
        let long = drawn(&format!("{}[{}]{}", "é".repeat(9000), "m".repeat(999), "z".repeat(9000)), Position::START);
        assert_eq!(long.matches(['é', 'm', 'z']).count(), AROUND + LONGEST + AROUND + "mm".len());
        assert_eq!(long.matches('…').count(), 5, "{long}");
        let tall = drawn(&format!("[{}]\nend", "x\n".repeat(99)), Position::START);
        assert_eq!((tall.matches("<mark>").count(), tall.contains("end")), (LINES, false));
    }

    #[test]
    fn an_edit_is_shown_in_its_line() {
        let source = Source::whole("a", "{\"kind\": \"ofice\"}\n");
        assert_eq!(
            change(&source, Span::new(9, 16), "\"office\""),
            "<pre class=\"change\"><b>- </b><span>{\"kind\": <del>\"ofice\"</del>}</span>\n\
             <b>+ </b><span>{\"kind\": <ins>\"office\"</ins>}</span>\n</pre>"
        );
    }
}
