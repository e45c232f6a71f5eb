//! Renders the page of a rule, which can be expanded.
//!
//! Pages are our own subset of Markdown: paragraphs, headings, code blocks, and code in backticks.

use super::escape;
use chancery_core::diagnostic::Rule;

/// The page after its summary; a link to the code opens it.
pub(super) fn draw(rule: &Rule) -> String {
    let (code, name, summary) = (rule.code, rule.name, escape::xml_text(rule.summary));
    format!(
        "<details class=\"rule\"><summary><strong>{code} {name}</strong> <span class=\"soft\">{summary}</span></summary>\n\
         <div id=\"{code}\" tabindex=\"-1\">\n{}</div>\n</details>\n",
        page(rule.page)
    )
}

fn page(text: &str) -> String {
    let mut drawn = String::new();
    // The first line is the title.
    let mut lines = text.lines().skip(1).peekable();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("~~~") {
            let block: Vec<String> = lines.by_ref().take_while(|line| *line != "~~~").map(escape::xml_text).collect();
            drawn.push_str(&format!("<p class=\"soft\">{}</p>\n<pre>{}</pre>\n", escape::xml_text(fence), block.join("\n")));
        } else if let Some(heading) = line.strip_prefix("## ") {
            drawn.push_str(&format!("<h3>{}</h3>\n", escape::xml_text(heading)));
        } else if !line.is_empty() {
            let mut paragraph = line.to_owned();
            while let Some(line) = lines.next_if(|line| !line.is_empty() && !line.starts_with("## ") && !line.starts_with("~~~")) {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            drawn.push_str(&format!("<p>{}</p>\n", inline(&paragraph)));
        }
    }
    drawn
}

// Every second piece between backticks is code.
fn inline(paragraph: &str) -> String {
    let piece = |(number, piece): (usize, &str)| match number % 2 {
        0 => escape::xml_text(piece),
        _ => format!("<code>{}</code>", escape::xml_text(piece)),
    };
    paragraph.split('`').enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::diagnostic::rules;

    #[test]
    fn a_page_is_paragraphs_headings_and_code() {
        assert_eq!(
            page("# S1 x\n\nUse `a < b`\nor not.\n## Why\nSo.\n~~~json\n{}\n\n[]\n~~~\n"),
            "<p>Use <code>a &lt; b</code> or not.</p>\n<h3>Why</h3>\n<p>So.</p>\n<p class=\"soft\">json</p>\n<pre>{}\n\n[]</pre>\n"
        );
    }

    #[test]
    fn no_page_has_markup_that_is_not_drawn() {
        for rule in rules::ALL {
            let drawn = page(rule.page);
            let text: String = drawn.split("<pre>").map(|piece| piece.split_once("</pre>").map_or(piece, |(_, behind)| behind)).collect();
            for mark in ["`", "**", "](", "\n# ", "~~~", "\n| ", "<p>- ", "<p>* ", "<p>1. "] {
                assert!(!text.contains(mark), "{}: {mark}", rule.code);
            }
            assert_eq!(rule.page.matches('`').count() % 2, 0, "{}", rule.code);
        }
    }
}
