//! Suppression comments such as `chancery: ignore S104 -- why`, in formats that have comments.
//!
//! Input: the text of a window and the comment syntax of its format. Output: a [`Directive`] for each comment, with the bytes that it
//! applies to. Text that looks like a comment but is part of a value is recognised once the record around it has been read. The work is
//! proportional to the text, the directives and the values of the records with directives.

use std::collections::BTreeSet;
use std::ops::Range;

use chancery_core::growth::{step, steps};
use chancery_core::source::Span;
use chancery_core::tree::{Kind, Node};

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

/// A comment that omits findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The comment.
    pub span: Span,
    /// Names of the rules, as written.
    pub codes: Vec<Span>,
    /// The bytes whose findings it is about; `None` for the whole file.
    pub covers: Option<Span>,
    // The line that it is about: its own, or the next one with data where it is alone. In order, as directives are.
    line: Span,
    // Whether it is on a line of its own, and so is about what follows.
    alone: bool,
    // Whether it has turned out to be part of a value.
    is_text: bool,
}

impl Directive {
    /// Whether it is a comment, as far as is known by now, and not part of a value.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        !self.is_text
    }
}

const SIGN: &str = "chancery:";

/// The directives of a window, in order.
#[must_use]
pub fn find(text: &str, comments: Comments) -> Vec<Directive> {
    let finder = memchr::memmem::Finder::new(SIGN);
    let mut signs = finder.find_iter(text.as_bytes()).peekable();
    let mut lines = Lines { text, comments, line: 0..0, first: None, done: 0, mark: None, next_data: None };
    let mut found = Vec::new();
    let mut line_end = 0;
    while let Some(sign) = signs.next() {
        if sign >= line_end {
            line_end = lines.end(sign);
        }
        // After a number sign on the same line another comment may begin, which ends this one's list of codes.
        let begins = |sign: usize| text[..sign].trim_end_matches([' ', '\t']).ends_with('#');
        while signs.next_if(|next| comments == Comments::Hash && *next < line_end && !begins(*next)).is_some() {}
        let next = signs.peek().filter(|next| **next < line_end).map_or(line_end, |next| text[..*next].trim_end().len() - 1);
        found.extend(lines.directive(sign, next));
    }
    found
}

// The lines of a window, scanned once.
struct Lines<'t> {
    text: &'t str,
    comments: Comments,
    // The line current, without its end.
    line: Range<usize>,
    // Of the line current, where what is neither blank nor a comment in markup begins.
    first: Option<usize>,
    // The end of the last comment in markup: signs inside it begin no other.
    done: usize,
    // Where the end of markup was looked for last, and the next one from there on.
    mark: Option<(usize, Option<usize>)>,
    // The line with data that was found last.
    next_data: Option<Span>,
}

impl Lines<'_> {
    // The end of the line that holds a byte, without the line end.
    fn end(&self, at: usize) -> usize {
        let end = memchr::memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |end| at + end);
        steps(end - at + 1);
        end
    }

    // Makes the line with this byte the one current; bytes come in order.
    fn go_to(&mut self, at: usize) {
        if at > self.line.end || self.line.end == 0 {
            let from = self.line.end;
            let start = memchr::memrchr(b'\n', &self.text.as_bytes()[from..at]).map_or(from, |end| from + end + 1);
            steps(at - from);
            self.line = start..self.end(at);
            self.first = None;
        }
    }

    // The bytes that the directive with this sign may take end at `next`.
    fn directive(&mut self, sign: usize, next: usize) -> Option<Directive> {
        let text = self.text;
        self.go_to(sign);
        let Range { start: line_start, end: line_end } = self.line;
        let before = text[line_start..sign].trim_end();
        let (start, mut end) = match self.comments {
            Comments::Hash => {
                let start = before.strip_suffix('#')?.len() + line_start;
                // YAML and TOML both want a blank, or nothing, in front of it.
                let free = start == line_start || text[..start].ends_with([' ', '\t']) || text[..start].ends_with(['"', '\'', ']', '}']);
                free.then_some((start, line_end))?
            }
            Comments::Markup if sign < self.done => return None,
            Comments::Markup => {
                let start = before.strip_suffix("<!--")?.len() + line_start;
                self.done = self.markup_end(sign)?;
                (start, self.done)
            }
            Comments::Line(byte) => (before.as_bytes() == [byte]).then_some((line_start, line_end))?,
        };
        while text[start..end].ends_with(['\r', ' ', '\t']) {
            end -= 1;
        }
        let body_end = match self.comments {
            Comments::Hash => end.min(next),
            Comments::Markup => end - 3,
            Comments::Line(_) => end,
        };
        let body = &text[sign + SIGN.len()..body_end];
        steps(body.len());
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
        let alone = self.is_alone(end);
        let line = if alone { self.next_line(end) } else { Span::new(line_start as u32, line_end as u32) };
        let covers = (!file).then_some(line);
        Some(Directive { span: Span::new(start as u32, end as u32), codes, covers, line, alone, is_text: false })
    }

    // The end of the first mark at or after a byte that ends a comment in markup.
    fn markup_end(&mut self, from: usize) -> Option<usize> {
        match self.mark {
            Some((searched, end)) if searched <= from && end.is_none_or(|end| from + 3 <= end) => end,
            _ => {
                let end = memchr::memmem::find(&self.text.as_bytes()[from..], b"-->").map(|at| from + at + 3);
                steps(end.unwrap_or(self.text.len()) - from);
                self.mark = Some((from, end));
                end
            }
        }
    }

    // Where on a line, or on the line on which its last comment in markup ends, something else begins.
    fn skip(&mut self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = from;
        loop {
            step();
            match bytes.get(at) {
                Some(b' ' | b'\t' | b'\r') => at += 1,
                Some(b'<') if self.comments == Comments::Markup && bytes[at..].starts_with(b"<!--") => match self.markup_end(at + 4) {
                    Some(end) => at = end,
                    None => return at,
                },
                _ => return at,
            }
        }
    }

    // Whether there is nothing but comments on the lines of a comment that ends here.
    fn is_alone(&mut self, end: usize) -> bool {
        let first = match self.first {
            Some(first) => first,
            None => self.skip(self.line.start),
        };
        self.first = Some(first);
        let byte = self.text.as_bytes().get(first);
        match self.comments {
            Comments::Hash => byte == Some(&b'#'),
            Comments::Markup => first >= end && byte.is_none_or(|byte| *byte == b'\n'),
            Comments::Line(_) => true,
        }
    }

    // The next line with something on it besides a comment or the mark between documents.
    fn next_line(&mut self, from: usize) -> Span {
        let mut start = (self.end(from) + 1).min(self.text.len());
        // Of comments one after the other all are about the same line.
        if let Some(known) = self.next_data.filter(|known| start <= known.start as usize) {
            return known;
        }
        let found = loop {
            let first = self.skip(start);
            let end = self.end(first);
            let byte = self.text.as_bytes().get(first);
            let is_comment = match self.comments {
                Comments::Hash => byte == Some(&b'#') || self.text[start..end].trim() == "---",
                Comments::Markup => false,
                Comments::Line(comment) => byte == Some(&comment),
            };
            match byte {
                None => break Span::new(self.text.len() as u32, self.text.len() as u32),
                Some(b'\n') => start = first + 1,
                Some(_) if is_comment => start = (end + 1).min(self.text.len()),
                Some(_) => {
                    // Of a line that a comment ends on, only what stands after it.
                    let start = if self.text[start..first].contains('\n') { first } else { start };
                    break Span::new(start as u32, end as u32);
                }
            }
        };
        self.next_data = Some(found);
        found
    }
}

/// Settles what a record says of the directives in and before it: those in its values are none, and those before a
/// member, an item or the record are about the whole of it.
pub fn resolve_spans(directives: &mut [Directive], root: Node<'_>) {
    let record = root.span();
    let first = directives.partition_point(|directive| directive.line.end <= record.start && directive.span.end <= record.start);
    let number = directives[first..].partition_point(|directive| directive.span.start < record.end);
    let near = &mut directives[first..first + number];
    if near.is_empty() {
        return;
    }
    let mut settling = Settling {
        spans: near.iter().map(|directive| directive.span).collect(),
        comments: (0..near.len()).filter(|at| overlap(near[*at].span, record)).collect(),
        lines: Vec::new(),
    };
    for line in near.iter().filter(|directive| directive.alone && directive.covers.is_some()).map(|directive| directive.line) {
        if overlap(line, record) && settling.lines.last().is_none_or(|(last, _)| *last != line) {
            settling.lines.push((line, line.end));
        }
    }
    settling.value(root);
    let Settling { comments, lines, .. } = settling;
    for (at, directive) in near.iter_mut().enumerate() {
        directive.is_text |= overlap(directive.span, record) && !comments.contains(&at);
        if let Ok(line) = lines.binary_search_by(|(line, _)| line.start.cmp(&directive.line.start))
            && directive.alone
            && directive.covers.is_some()
        {
            directive.covers = Some(Span::new(directive.line.start, lines[line].1));
        }
    }
}

// The directives near a record while its values are visited.
struct Settling {
    spans: Vec<Span>,
    // Numbers of those in the record that are not part of a value, as far as has been seen.
    comments: BTreeSet<usize>,
    // Lines that directives are about, with the end of what begins on them.
    lines: Vec<(Span, u32)>,
}

impl Settling {
    // Depth is bounded by the readers.
    fn value(&mut self, node: Node<'_>) {
        self.begin(node.opening(), node.span().end);
        match node.kind() {
            Kind::Object | Kind::Array => {
                for member in node.members() {
                    self.text(member.key.span());
                    self.begin(member.key.span(), member.value.span().end);
                    self.value(member.value);
                }
                node.items().for_each(|item| self.value(item));
            }
            _ if node.is_derived() => {}
            _ => self.text(node.span()),
        }
    }

    // What overlaps a text is part of it.
    fn text(&mut self, span: Span) {
        step();
        let from = self.spans.partition_point(|directive| directive.end <= span.start);
        let to = self.spans.partition_point(|directive| directive.start < span.end);
        while let Some(at) = (from < to).then(|| self.comments.range(from..to).next().copied()).flatten() {
            self.comments.remove(&at);
        }
    }

    // Something that begins in one place and ends in another.
    fn begin(&mut self, start: Span, end: u32) {
        step();
        let behind = self.lines.partition_point(|(line, _)| line.start <= start.start);
        if let Some((_, reach)) = behind.checked_sub(1).and_then(|at| self.lines.get_mut(at)).filter(|(line, _)| start.start < line.end) {
            *reach = end.max(*reach);
        }
    }
}

fn overlap(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
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

    fn settled(name: &str, text: &str) -> Vec<(bool, Option<String>)> {
        let format = crate::read::Format::by_extension(name).expect("it is known");
        let mut directives = find(text, if name == ".xml" { Comments::Markup } else { Comments::Hash });
        let collected = crate::read::collect(format, "a", text.as_bytes(), &crate::read::Options::default()).expect("it is text");
        for record in &collected.records {
            resolve_spans(&mut directives, record.root());
        }
        let slice = |span: Span| text[span.range()].to_owned();
        directives.iter().map(|directive| (directive.is_comment(), directive.covers.map(slice))).collect()
    }

    #[test]
    fn records_settle_what_comments_are_about() {
        let whole = |text: &str| (true, Some(text.to_owned()));
        assert_eq!(
            settled(".yaml", "x: 0\n# chancery: ignore S1\n# chancery: ignore S2\na:\n  b: 1\n  c: 2\nd: 3 # chancery: ignore S3\n"),
            [whole("a:\n  b: 1\n  c: 2"), whole("a:\n  b: 1\n  c: 2"), whole("d: 3 # chancery: ignore S3")]
        );
        let text = "a: |\n  x\n  # chancery: ignore S1\n  # chancery: ignore S2\nb: 1 # chancery: ignore S3\n";
        assert_eq!(settled(".yaml", text).iter().map(|(is_comment, _)| *is_comment).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(settled(".xml", "<r>\n<p>\n<!-- x --> <!-- chancery: ignore S1 -->\n<a>1</a>\n</p>\n</r>"), [whole("<a>1</a>")]);
    }

    #[test]
    fn work_grows_with_directives() {
        use chancery_core::growth::assert_linear;
        let many = |line: &str, size: usize| line.repeat(size);
        assert_linear(2_000, |size| {
            // Before one value, in one value, beside values, and in one line.
            let text = format!(
                "{}a: 1\nb: |\n{}c:\n{}# {}\n",
                many("# chancery: ignore S1\n", size),
                many("  # chancery: ignore S1\n", size),
                many("- 1 # chancery: ignore S1\n", size),
                many("chancery: ", size)
            );
            assert_eq!(settled(".yaml", &text).iter().filter(|(is_comment, _)| *is_comment).count(), 2 * size);
        });
        assert_linear(2_000, |size| {
            let text = format!("<r>{}<p/></r>", many("<!-- chancery: ignore S1 -->", size));
            assert_eq!(find(&text, Comments::Markup).len(), size);
        });
    }
}
