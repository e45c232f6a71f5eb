//! The source lines around a location, with the span marked; and a line before and after an edit.
//!
//! Long lines are cut around the span, long spans after their first lines. Tabs are kept; other control characters are
//! escaped.

use maud::{Markup, PreEscaped, html};

use super::{Text, escape};
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
pub(super) fn lines(place: &Place, label: Option<&str>, around: usize) -> Markup {
    let source = &place.source;
    let span = source.clamp_span(place.span);
    if source.is_empty() {
        return Markup::default();
    }
    let excerpt = source.snippet_around(span, around, REACH);
    let first = source.position(excerpt.start);
    let start = (span.start.saturating_sub(excerpt.start) as usize).min(excerpt.text.len());
    let end = (span.end.saturating_sub(excerpt.start) as usize).clamp(start, excerpt.text.len());
    let cut_off = excerpt.text.len() >= end + REACH - 3;
    let mut drawn = Vec::new();
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
            drawn.push(html! { b {} span { "…" } "\n" });
            break;
        }
        let opens = if from == 0 && first.column > 1 { "…" } else { "" };
        let closes = if cut_off && to == excerpt.text.len() { "…" } else { "" };
        let line = line.strip_suffix('\r').unwrap_or(line);
        let [start, end] = [start, end].map(|at| at.saturating_sub(from).min(line.len()));
        drawn.push(html! {
            b { (number) " " }
            span {
                (opens)
                @if touched {
                    (before(&line[..start], AROUND))
                    @if start < end {
                        mark { (behind(&line[start..end], LONGEST)) }
                    } @else if opened == 0 {
                        // If the span has no visible text, such as the end of a line, its position is marked.
                        mark.point {}
                    }
                    (behind(&line[end..], AROUND))
                } @else {
                    (behind(line, AROUND))
                }
                (closes)
            } "\n"
            @if let Some(label) = label.filter(|_| touched && opened == 0) {
                b {} em { (Text(&escape::cut(label, LONGEST))) } "\n"
            }
        });
        opened += usize::from(touched);
        from = to + 1;
    }
    html! { pre { @for line in drawn { (line) } } }
}

/// A line before and after a replacement of a span.
pub(super) fn change(source: &Source, span: Span, new: &str) -> Markup {
    let span = source.clamp_span(span);
    let excerpt = source.snippet_around(span, 0, REACH);
    let start = (span.start.saturating_sub(excerpt.start) as usize).min(excerpt.text.len());
    let end = (span.end.saturating_sub(excerpt.start) as usize).clamp(start, excerpt.text.len());
    let (lead, tail) = (before(&excerpt.text[..start], BESIDE), behind(&excerpt.text[end..], BESIDE));
    let [old, new] = [&excerpt.text[start..end], new].map(|text| several(&escape::cut(text, LONGEST)));
    html! {
        pre.change {
            b { "- " } span { (lead) del { (old) } (tail) } "\n"
            b { "+ " } span { (lead) ins { (new) } (tail) } "\n"
        }
    }
}

// The end of a text.
fn before(line: &str, most: usize) -> Markup {
    match line.char_indices().rev().nth(most) {
        Some((at, c)) => html! { "…" (text(&line[at + c.len_utf8()..])) },
        None => text(line),
    }
}

// The beginning of a text.
fn behind(line: &str, most: usize) -> Markup {
    text(&escape::cut(line, most))
}

fn several(lines: &str) -> Markup {
    html! {
        @for (number, line) in lines.split('\n').enumerate() {
            @if number > 0 { "\n" }
            (text(line.strip_suffix('\r').unwrap_or(line)))
        }
    }
}

// A character reference keeps a tab out of a terminal, and shows it in a browser.
fn text(line: &str) -> Markup {
    const TAB: PreEscaped<&str> = PreEscaped("&#9;");
    html! {
        @for (number, piece) in line.split('\t').enumerate() {
            @if number > 0 { (TAB) }
            (Text(piece))
        }
    }
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
        let drawn = lines(&Place::new(&source, Span::new(start as u32, end as u32)), None, 1).into_string();
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
            change(&source, Span::new(9, 16), "\"office\"").into_string(),
            "<pre class=\"change\"><b>- </b><span>{&quot;kind&quot;: <del>&quot;ofice&quot;</del>}</span>\n\
             <b>+ </b><span>{&quot;kind&quot;: <ins>&quot;office&quot;</ins>}</span>\n</pre>"
        );
    }
}
