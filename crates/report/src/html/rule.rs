//! Renders the page of a rule, which can be expanded.
//!
//! Pages are our own subset of Markdown: paragraphs, headings, code blocks, and code in backticks.

use maud::{Markup, html};

use super::Text;
use chancery_core::diagnostic::Rule;

/// The page after its summary; a link to the code opens it.
pub(super) fn draw(rule: &Rule) -> Markup {
    html! {
        details.rule {
            summary { strong { (rule.code) " " (rule.name) } " " span.soft { (Text(rule.summary)) } } "\n"
            div id=(rule.code) tabindex="-1" { "\n" (page(rule.page)) } "\n"
        } "\n"
    }
}

fn page(text: &str) -> Markup {
    // The first line is the title.
    let mut lines = text.lines().skip(1).peekable();
    html! {
        @while let Some(line) = lines.next() {
            @if let Some(fence) = line.strip_prefix("~~~") {
                p.soft { (Text(fence)) } "\n"
                pre {
                    @for (number, line) in lines.by_ref().take_while(|line| *line != "~~~").enumerate() {
                        @if number > 0 { "\n" }
                        (Text(line))
                    }
                } "\n"
            } @else if let Some(heading) = line.strip_prefix("## ") {
                h3 { (Text(heading)) } "\n"
            } @else if !line.is_empty() {
                @let more = std::iter::from_fn(|| lines.next_if(|line| !line.is_empty() && !line.starts_with("## ") && !line.starts_with("~~~")));
                p { (inline(&std::iter::once(line).chain(more).collect::<Vec<_>>().join(" "))) } "\n"
            }
        }
    }
}

// Every second piece between backticks is code.
fn inline(paragraph: &str) -> Markup {
    html! {
        @for (number, piece) in paragraph.split('`').enumerate() {
            @if number % 2 == 0 { (Text(piece)) } @else { code { (Text(piece)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::diagnostic::rules;

    #[test]
    fn a_page_is_paragraphs_headings_and_code() {
        assert_eq!(
            page("# S1 x\n\nUse `a < b`\nor not.\n## Why\nSo.\n~~~json\n{}\n\n[]\n~~~\n").into_string(),
            "<p>Use <code>a &lt; b</code> or not.</p>\n<h3>Why</h3>\n<p>So.</p>\n<p class=\"soft\">json</p>\n<pre>{}\n\n[]</pre>\n"
        );
    }

    #[test]
    fn no_page_has_markup_that_is_not_drawn() {
        for rule in rules::ALL {
            let drawn = page(rule.page).into_string();
            let text: String = drawn.split("<pre>").map(|piece| piece.split_once("</pre>").map_or(piece, |(_, behind)| behind)).collect();
            for mark in ["`", "**", "](", "\n# ", "~~~", "\n| ", "<p>- ", "<p>* ", "<p>1. "] {
                assert!(!text.contains(mark), "{}: {mark}", rule.code);
            }
            assert_eq!(rule.page.matches('`').count() % 2, 0, "{}", rule.code);
        }
    }
}
