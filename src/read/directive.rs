//! Comments that speak to the program: `chancery: ignore S104 -- why`, in formats that have comments.
//!
//! In: the text of a window and how its format writes comments. Out: a [`Directive`] for each, with the bytes it covers. What
//! only looks like a comment, being part of a value, is told from one once the record around it is at hand.

use crate::source::Span;
use crate::tree::{Kind, Node};

/// How a format writes comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// From a number sign to the end of the line.
    Hash,
    /// Between `<!--` and `-->`.
    Markup,
    /// Lines that begin with this byte.
    Line(u8),
}

/// A comment that leaves out findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The comment.
    pub span: Span,
    /// Names of the rules, as written.
    pub codes: Vec<Span>,
    /// The bytes whose findings it is about; `None` for the whole file.
    pub covers: Option<Span>,
    // Whether it stands on a line of its own, and so is about what follows.
    alone: bool,
}

const SIGN: &str = "chancery:";

/// The directives of a window, in order.
#[must_use]
pub fn find(text: &str, comments: Comments) -> Vec<Directive> {
    let finder = memchr::memmem::Finder::new(SIGN);
    finder.find_iter(text.as_bytes()).filter_map(|sign| at(text, sign, comments)).collect()
}

fn at(text: &str, sign: usize, comments: Comments) -> Option<Directive> {
    let line_start = text[..sign].rfind('\n').map_or(0, |end| end + 1);
    let line_end = text[sign..].find('\n').map_or(text.len(), |end| sign + end);
    let before = text[line_start..sign].trim_end();
    let (start, mut end) = match comments {
        Comments::Hash => {
            let start = before.strip_suffix('#')?.len() + line_start;
            // YAML and TOML both want a blank, or nothing, in front of it.
            let free = start == line_start || text[..start].ends_with([' ', '\t']) || text[..start].ends_with(['"', '\'', ']', '}']);
            free.then_some((start, line_end))?
        }
        Comments::Markup => (before.strip_suffix("<!--")?.len() + line_start, sign + text[sign..].find("-->")? + 3),
        Comments::Line(byte) => (before.as_bytes() == [byte]).then_some((line_start, line_end))?,
    };
    while text[start..end].ends_with(['\r', ' ', '\t']) {
        end -= 1;
    }
    let body_end = if comments == Comments::Markup { end - 3 } else { end };
    let body = &text[sign + SIGN.len()..body_end];
    let body_start = sign + SIGN.len() + (body.len() - body.trim_start().len());
    let body = body.trim();
    let (body, _reason) = body.split_once(" --").unwrap_or((body, ""));
    let (verb, list) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let file = match verb {
        "ignore" => false,
        "ignore-file" => true,
        _ => return None,
    };
    let list_start = body_start + (body.len() - list.len());
    let mut codes = Vec::new();
    let mut from = 0;
    for piece in list.split([',', ' ', '\t', '\r', '\n']) {
        if !piece.is_empty() {
            codes.push(Span::new((list_start + from) as u32, (list_start + from + piece.len()) as u32));
        }
        from += piece.len() + 1;
    }
    let alone = text[line_start..start].trim().is_empty() && text[end..].lines().next().is_none_or(|rest| rest.trim().is_empty());
    let covers = match (file, alone) {
        (true, _) => None,
        (false, false) => Some(Span::new(line_start as u32, line_end as u32)),
        (false, true) => Some(next_line(text, end, comments)),
    };
    Some(Directive { span: Span::new(start as u32, end as u32), codes, covers, alone })
}

// The next line with something on it besides a comment or the mark between documents.
fn next_line(text: &str, from: usize, comments: Comments) -> Span {
    let mut start = text[from..].find('\n').map_or(text.len(), |end| from + end + 1);
    while start < text.len() {
        let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
        let line = text[start..end].trim();
        let comment = match comments {
            Comments::Hash => line.starts_with('#') || line == "---",
            Comments::Markup => line.starts_with("<!--") && line.ends_with("-->"),
            Comments::Line(byte) => line.as_bytes().first() == Some(&byte),
        };
        if !line.is_empty() && !comment {
            return Span::new(start as u32, end as u32);
        }
        start = (end + 1).min(text.len());
    }
    Span::new(text.len() as u32, text.len() as u32)
}

/// Settles what a record says of the directives in and before it: those in its values are none, and those before a
/// member, an item or the record are about the whole of it.
pub fn settle(directives: &mut Vec<Directive>, root: Node<'_>) {
    let record = root.span();
    directives.retain(|directive| !(overlap(directive.span, record) && is_text(root, directive.span)));
    for directive in directives.iter_mut().filter(|directive| directive.alone) {
        if let Some(line) = directive.covers.filter(|line| overlap(*line, record)) {
            directive.covers = Some(Span::new(line.start, furthest(root, line, line.end)));
        }
    }
}

fn overlap(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

fn is_text(node: Node<'_>, span: Span) -> bool {
    match node.kind() {
        Kind::Object | Kind::Array => {
            node.members().any(|member| overlap(member.key.span(), span) || is_text(member.value, span))
                || node.items().any(|item| is_text(item, span))
        }
        _ => !node.is_derived() && overlap(node.span(), span),
    }
}

// The end of what begins on a line.
fn furthest(node: Node<'_>, line: Span, end: u32) -> u32 {
    let begins = |span: Span| line.start <= span.start && span.start < line.end;
    let own = if begins(node.opening()) { end.max(node.span().end) } else { end };
    let members = node.members().fold(own, |end, member| {
        let end = if begins(member.key.span()) { end.max(member.value.span().end) } else { end };
        furthest(member.value, line, end)
    });
    node.items().fold(members, |end, item| furthest(item, line, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, comments: Comments, expected: &[(&[&str], Option<&str>)]) {
        let found = find(text, comments);
        let slice = |span: &Span| &text[span.range()];
        let found: Vec<(Vec<&str>, Option<&str>)> =
            found.iter().map(|one| (one.codes.iter().map(slice).collect(), one.covers.as_ref().map(slice))).collect();
        let expected: Vec<(Vec<&str>, Option<&str>)> = expected.iter().map(|(codes, covers)| (codes.to_vec(), *covers)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn comments_are_read_in_each_notation() {
        check(
            "a: 1 # chancery: ignore S104, N105 -- known\nb: 2\n",
            Comments::Hash,
            &[(&["S104", "N105"], Some("a: 1 # chancery: ignore S104, N105 -- known"))],
        );
        check("# chancery: ignore S104\r\n\n# other\n---\n b: 2\r\n", Comments::Hash, &[(&["S104"], Some(" b: 2\r"))]);
        check("#chancery: ignore-file wrong-format\n", Comments::Hash, &[(&["wrong-format"], None)]);
        check("a: x# chancery: ignore S1\nb: chancery: ignore S1\n", Comments::Hash, &[]);
        check("# chancery: ignored S1\n# chancery: ignore", Comments::Hash, &[(&[], Some(""))]);
        check("<a>\n<!-- chancery: ignore S1\n S2 -->\n<b/></a>", Comments::Markup, &[(&["S1", "S2"], Some("<b/></a>"))]);
        check("<b/><!--chancery: ignore S1-->\n<c/>", Comments::Markup, &[(&["S1"], Some("<b/><!--chancery: ignore S1-->"))]);
        check("id\n;chancery: ignore S1\n1\n", Comments::Line(b';'), &[(&["S1"], Some("1"))]);
        check("id\n\"a;chancery: ignore S1\"\n", Comments::Line(b';'), &[]);
    }
}
