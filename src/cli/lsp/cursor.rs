//! The context of a cursor in a text that is being typed and is therefore rarely well-formed: the enclosing value, and
//! whether a name or a value is expected. One function per format; each looks only at the text before the cursor.

use std::ops::Range;

use chancery_formats::layout::column::{self, Column, Step, step_into};
use chancery_formats::layout::xml;
use chancery_schema::Part;

/// What is expected at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionTarget {
    /// The name of a member that the object does not have yet.
    Name {
        /// Existing names.
        present: Vec<String>,
        /// Whether the separator between name and value exists.
        parted: bool,
    },
    /// A value.
    Value,
}

/// The context of a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorContext {
    /// The path to the object or value, from the top of the document (in a table: from the row).
    pub path: Vec<Step>,
    /// What is expected.
    pub want: CompletionTarget,
    /// The typed bytes, which the completion replaces.
    pub typed: Range<usize>,
}

/// In JSON.
pub fn json(text: &str, cursor: usize) -> Option<CursorContext> {
    let mut scan = Json { text, cursor, at: 0, frames: Vec::new(), spot: None };
    scan.run();
    scan.spot.map(|(_, spot)| spot)
}

struct Frame {
    is_object: bool,
    // In an object: the last name, and whether its value is next.
    key: Option<String>,
    keys: Vec<String>,
    after_colon: bool,
    index: usize,
}

struct Json<'t> {
    text: &'t str,
    cursor: usize,
    at: usize,
    frames: Vec<Frame>,
    // The depth of the object being completed, whose other names are still collected.
    spot: Option<(usize, CursorContext)>,
}

impl Json<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let start = self.at;
            // Each step consumes at least one byte; otherwise the loop would not end.
            if self.step(bytes) || self.at <= start {
                debug_assert!(self.spot.is_some() || self.at > start, "the scan consumes text at byte {start}");
                break;
            }
        }
        if self.spot.is_none() && self.cursor >= bytes.len() {
            self.meet(self.cursor..self.cursor);
        }
    }

    // Consumes the next bracket, separator, string, word or blank. Returns true when the rest of the text is irrelevant.
    fn step(&mut self, bytes: &[u8]) -> bool {
        let start = self.at;
        if self.spot.is_none() && start >= self.cursor && !matches!(bytes[start], b'"') {
            self.meet(self.cursor..self.cursor);
        }
        match bytes[start] {
            b'{' | b'[' => {
                self.frames.push(Frame { is_object: bytes[start] == b'{', key: None, keys: Vec::new(), after_colon: false, index: 0 });
                self.at += 1;
            }
            b'}' | b']' => {
                self.frames.pop();
                self.at += 1;
                return self.spot.as_ref().is_some_and(|(depth, _)| self.frames.len() < *depth);
            }
            b':' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.after_colon = true;
                }
                self.at += 1;
            }
            b',' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.after_colon = false;
                    frame.key = None;
                    frame.index += 1;
                }
                self.at += 1;
            }
            b'"' => self.string(),
            byte if byte.is_ascii_whitespace() => self.at += 1,
            _ => {
                let end = self.text[start..].find([',', ':', '}', ']', '\n', '"', ' ']).map_or(bytes.len(), |end| start + end);
                self.at = end.max(start + 1);
                self.token(start..self.at, &self.text[start..self.at]);
            }
        }
        false
    }

    fn string(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        // An unclosed string ends with its line.
        while end < bytes.len() && !matches!(bytes[end], b'"' | b'\n') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let closed = bytes.get(end) == Some(&b'"');
        let mut inner = start + 1..end.min(bytes.len());
        let mut end = if closed { end + 1 } else { end.min(bytes.len()) };
        // A cursor before the opening quote is not inside the string.
        if !closed && (start + 1..=end).contains(&self.cursor) {
            // The rest of the line after the cursor does not belong to it.
            (inner.end, end) = (self.cursor.max(inner.start), self.cursor);
        }
        self.at = end;
        let name = self.text.get(inner).unwrap_or_default().to_owned();
        self.token(start..end, &name);
    }

    // A name or a scalar.
    fn token(&mut self, range: Range<usize>, text: &str) {
        let here = self.spot.is_none() && range.start < self.cursor && self.cursor <= range.end;
        if here {
            self.meet(range.clone());
        }
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.is_object && !frame.after_colon) else { return };
        frame.key = Some(text.to_owned());
        let parted = self.text[range.end..].trim_start().starts_with(':');
        if !here {
            frame.keys.push(text.to_owned());
        }
        let depth = self.frames.len();
        if let Some((of, CursorContext { want: CompletionTarget::Name { present, parted: known }, .. })) = &mut self.spot {
            if here {
                *known = parted;
            } else if depth == *of {
                present.push(text.to_owned());
            }
        }
    }

    fn meet(&mut self, typed: Range<usize>) {
        let mut path = Vec::new();
        let depth = self.frames.len();
        for (number, frame) in self.frames.iter().enumerate() {
            let innermost = number + 1 == depth;
            match (frame.is_object, &frame.key) {
                (true, Some(key)) if frame.after_colon || !innermost => path.push(Step::Name(key.clone())),
                (true, _) => {}
                (false, _) => path.push(Step::Index(frame.index)),
            }
        }
        let want = match self.frames.last() {
            Some(frame) if frame.is_object && !frame.after_colon => CompletionTarget::Name { present: frame.keys.clone(), parted: false },
            _ => CompletionTarget::Value,
        };
        self.spot = Some((depth, CursorContext { path, want, typed }));
    }
}

// The beginning of a YAML line: dashes and a name, each with its column.
struct YamlLine<'t> {
    begin: usize,
    dashes: Vec<usize>,
    column: usize,
    key: Option<&'t str>,
    rest: &'t str,
}

impl<'t> YamlLine<'t> {
    fn new(text: &'t str, begin: usize) -> Self {
        let line = &text[begin..begin + text[begin..].find('\n').unwrap_or(text.len() - begin)];
        let mut column = line.len() - line.trim_start_matches(' ').len();
        let mut dashes = Vec::new();
        while line[column..].starts_with("- ") || &line[column..] == "-" {
            dashes.push(column);
            column = (column + 1).min(line.len());
            column += line[column..].len() - line[column..].trim_start_matches(' ').len();
        }
        let rest = &line[column..];
        let colon =
            rest.match_indices(':').map(|(at, _)| at).find(|at| rest[at + 1..].is_empty() || rest[at + 1..].starts_with([' ', '\t', '\r']));
        let key = colon.map(|at| rest[..at].trim().trim_matches(['"', '\''])).filter(|_| !rest.starts_with('#'));
        Self { begin, dashes, column, key, rest }
    }

    fn is_empty(&self) -> bool {
        (self.rest.trim().is_empty() && self.dashes.is_empty()) || self.rest.starts_with('#')
    }

    fn is_border(&self) -> bool {
        self.column == 0 && self.dashes.is_empty() && (self.rest.starts_with("---") || self.rest.starts_with("..."))
    }
}

/// In block style YAML, deeper indentation belongs to the line before it with less indentation.
pub fn yaml(text: &str, cursor: usize) -> Option<CursorContext> {
    let begin = text[..cursor].rfind('\n').map_or(0, |end| end + 1);
    let line = YamlLine::new(text, begin);
    let content = begin + line.column;
    if line.rest.starts_with('#') || text[begin..cursor].contains(" #") {
        return None;
    }
    let (mut path, want, typed) = if cursor < content {
        if !line.rest.trim().is_empty() {
            return None;
        }
        (Vec::new(), CompletionTarget::Name { present: Vec::new(), parted: false }, cursor..cursor)
    } else {
        let before = &text[content..cursor];
        match (line.key, before.find(": ")) {
            (Some(key), Some(colon)) => {
                let value = &before[colon + 2..];
                let from = cursor - value.trim_start().len();
                (vec![Step::Name(key.to_owned())], CompletionTarget::Value, from..cursor)
            }
            (key, _) => (Vec::new(), CompletionTarget::Name { present: Vec::new(), parted: key.is_some() }, content..cursor),
        }
    };
    let column = if line.rest.trim().is_empty() && line.dashes.is_empty() { cursor - begin } else { line.column };
    let above: Vec<YamlLine<'_>> = lines_above(text, begin).take_while(|line| !line.is_border()).collect();
    climb(&line.dashes, column, &above, &mut path);
    path.reverse();
    let want = match want {
        CompletionTarget::Name { parted, .. } => CompletionTarget::Name { present: siblings(text, &line, column, &above), parted },
        CompletionTarget::Value => CompletionTarget::Value,
    };
    Some(CursorContext { path, want, typed })
}

fn lines_above(text: &str, begin: usize) -> impl Iterator<Item = YamlLine<'_>> {
    let mut end = begin;
    std::iter::from_fn(move || {
        let before = end.checked_sub(1)?;
        end = text[..before].rfind('\n').map_or(0, |at| at + 1);
        Some(YamlLine::new(text, end))
    })
    .filter(|line| !line.is_empty())
}

// From a column outwards: the enclosing dashes and names, the innermost first.
fn climb(dashes: &[usize], column: usize, above: &[YamlLine<'_>], path: &mut Vec<Step>) {
    let mut limit = column;
    // A list may have the same indentation as its name.
    let mut level = false;
    for at in dashes.iter().rev().filter(|at| **at < column) {
        path.push(Step::Index(0));
        (limit, level) = (*at, true);
    }
    for line in above {
        if limit == 0 && !level {
            break;
        }
        let opens = line.key.filter(|_| line.rest.trim_end().ends_with(':'));
        if let Some(key) = opens.filter(|_| line.column < limit || (level && line.column == limit && line.dashes.is_empty())) {
            path.push(Step::Name(key.to_owned()));
            (limit, level) = (line.column, false);
        }
        for at in line.dashes.iter().rev() {
            if *at < limit {
                path.push(Step::Index(0));
                (limit, level) = (*at, true);
            }
        }
    }
}

// Names of the object that contains the cursor's line.
fn siblings(text: &str, line: &YamlLine<'_>, column: usize, above: &[YamlLine<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    if line.dashes.is_empty() {
        for other in above {
            if other.column < column {
                break;
            }
            if other.column == column {
                names.extend(other.key.map(str::to_owned));
                // The dash begins the item, and therefore the object.
                if !other.dashes.is_empty() {
                    break;
                }
            }
        }
    }
    let mut from = line.begin;
    while let Some(end) = text[from..].find('\n') {
        from += end + 1;
        let other = YamlLine::new(text, from);
        if other.is_empty() {
            continue;
        }
        if other.is_border() || other.column < column || !other.dashes.is_empty() && other.dashes[0] < column {
            break;
        }
        if other.column == column {
            names.extend(other.key.map(str::to_owned));
        }
    }
    names
}

/// In XML; the path consists of element names, which [`elements`] converts to steps.
pub fn markup(text: &str, cursor: usize) -> Option<(Vec<String>, CompletionTarget, Range<usize>)> {
    let mut open: Vec<(String, Vec<String>)> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..cursor].find('<').map(|start| at + start) {
        let rest = &text[start..];
        let skip = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];
        if let Some((begin, end)) = skip.iter().find(|(begin, _)| rest.starts_with(begin)) {
            at = start + begin.len() + rest[begin.len()..].find(end)? + end.len();
            if at > cursor {
                return None;
            }
            continue;
        }
        let name_end = start + 1 + rest[1..].find([' ', '\t', '\r', '\n', '>', '/', '<']).unwrap_or(rest.len() - 1);
        let name = &text[start + 1..name_end];
        if cursor <= name_end && !rest.starts_with("</") {
            let present = open.last().map(|(_, children)| children.clone()).unwrap_or_default();
            let parted = text[name_end..].starts_with(['>', ' ', '/']);
            return Some((open.into_iter().map(|(name, _)| name).collect(), CompletionTarget::Name { present, parted }, start + 1..cursor));
        }
        let end = text[start + 1..].find(['>', '<']).map(|end| start + 1 + end).filter(|end| text[*end..].starts_with('>'));
        let end = end.filter(|end| *end < cursor)?;
        if rest.starts_with("</") {
            open.pop();
        } else {
            if let Some((_, children)) = open.last_mut() {
                children.push(name.to_owned());
            }
            if !text[..end].ends_with('/') {
                open.push((name.to_owned(), Vec::new()));
            }
        }
        at = end + 1;
    }
    open.last()?;
    let typed = cursor - text[at..cursor].trim_start().len()..cursor;
    Some((open.into_iter().map(|(name, _)| name).collect(), CompletionTarget::Value, typed))
}

/// Element names below a record as steps: list items are elements of their own, or the list's name is repeated.
pub fn elements(names: &[String], record: Part<'_>) -> Vec<Step> {
    let mut part = record;
    let mut path = Vec::new();
    let mut step = |step: Step, part: &mut Part<'_>| {
        *part = step_into(*part, &step);
        path.push(step);
    };
    for name in names {
        if column::is_list(part, false) && !part.is_any() {
            step(Step::Index(0), &mut part);
            if *name == xml::item_name(record) || part.declared(name).is_none() {
                continue;
            }
        }
        step(Step::Name(name.clone()), &mut part);
    }
    path
}

/// In a table: the column by its header, and whether the cursor is in the header itself.
pub fn table(text: &str, cursor: usize, delimiter: u8, row: Part<'_>) -> Option<CursorContext> {
    let header_end = text.find(['\r', '\n']).unwrap_or(text.len());
    let header = cells(text, 0, header_end, delimiter);
    let unquoted = |range: &Range<usize>| text[range.clone()].trim_matches('"').to_owned();
    if cursor <= header_end {
        let own = header.iter().position(|cell| cell.start <= cursor && cursor <= cell.end)?;
        let others = header.iter().enumerate().filter(|(number, _)| *number != own);
        let present = others.map(|(_, cell)| unquoted(cell)).collect();
        return Some(CursorContext {
            path: Vec::new(),
            want: CompletionTarget::Name { present, parted: true },
            typed: header[own].start..cursor,
        });
    }
    let begin = text[..cursor].rfind('\n').map_or(0, |end| end + 1);
    let end = text[cursor..].find(['\r', '\n']).map_or(text.len(), |end| cursor + end);
    let cells = cells(text, begin, end, delimiter);
    let own = cells.iter().position(|cell| cell.start <= cursor && cursor <= cell.end)?;
    let Column::Value { path, json: false } = column::parse(&unquoted(header.get(own)?), row, false) else { return None };
    Some(CursorContext { path, want: CompletionTarget::Value, typed: cells[own].clone() })
}

fn cells(text: &str, begin: usize, end: usize, delimiter: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let (mut start, mut quoted) = (begin, false);
    for (at, byte) in text.bytes().enumerate().take(end).skip(begin) {
        match byte {
            b'"' => quoted = !quoted,
            byte if byte == delimiter && !quoted => {
                cells.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    cells.push(start..end);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    // The cursor is at `|`.
    fn shown(spot: Option<CursorContext>) -> String {
        let Some(CursorContext { path, want, typed }) = spot else { return "nothing".to_owned() };
        let path: String = path
            .iter()
            .map(|step| match step {
                Step::Name(name) => format!("/{name}"),
                Step::Index(index) => format!("/{index}"),
            })
            .collect();
        let want = match want {
            CompletionTarget::Name { present, parted } => {
                format!("name beside [{}]{}", present.join(" "), if parted { " parted" } else { "" })
            }
            CompletionTarget::Value => "value".to_owned(),
        };
        format!("{path}: {want} for {}", typed.len())
    }

    fn check(of: fn(&str, usize) -> Option<CursorContext>, text: &str, expected: &str) {
        let cursor = text.find('|').expect("a cursor");
        assert_eq!(shown(of(&text.replace('|', ""), cursor)), expected, "{text}");
    }

    #[test]
    fn in_json() {
        check(json, "{|}", ": name beside [] for 0");
        check(json, "{\"a\": 1, \"n|", ": name beside [a] for 2");
        check(json, "{\"a\": 1, \"n|\n \"b\": 2}", ": name beside [a b] for 2");
        check(json, "{\"a\": 1, n|, \"b\": 2}", ": name beside [a b] for 1");
        check(json, "{\"n|ame\": 2}", ": name beside [] parted for 6");
        check(json, "{\"a\": |}", "/a: value for 0");
        check(json, "{\"a\": \"x|\", \"b\": 1}", "/a: value for 3");
        check(json, "[{\"l\": [{\"x\": 1}, {\"y\": {\"z\": |", "/0/l/1/y/z: value for 0");
        check(json, "[{\"l\": [{\"x\": 1}, {|", "/0/l/1: name beside [] for 0");
        check(json, "{\"a\": {\"b\": 1}, |}", ": name beside [a] for 0");
        check(json, "{\"a\": [|]}", "/a/0: value for 0");
        check(json, "|", ": value for 0");
    }

    #[test]
    fn a_cursor_before_an_open_string() {
        check(json, "{\n|\"a", "nothing");
        check(json, "|\"a\n}", ": value for 0");
        check(json, "{\"b\": |\"a\n, \"c\": 1}", "/b: value for 0");
        check(json, "[|\"\\", "nothing");
    }

    #[test]
    fn in_yaml() {
        check(yaml, "|", ": name beside [] for 0");
        check(yaml, "a: 1\nn|\nb:\n  c: 2\n", ": name beside [a b] for 1");
        check(yaml, "a: |", "/a: value for 0");
        check(yaml, "a: xy|\n", "/a: value for 2");
        check(yaml, "l:\n  - x: 1\n    |\n  - z: 1\n", "/l/0: name beside [x] for 0");
        check(yaml, "l:\n- x: 1\n  y|\n- z: 1\nm: 2\n", "/l/0: name beside [x] for 1");
        check(yaml, "l:\n- x|\n  y: 1\n", "/l/0: name beside [y] for 1");
        check(yaml, "a:\n  b:\n    c: |\n", "/a/b/c: value for 0");
        check(yaml, "a:\n  b: 1\n---\nc:\n  |", "/c: name beside [] for 0");
        check(yaml, "a: 1 # n|", "nothing");
    }

    #[test]
    fn in_xml() {
        let shown = |text: &str| {
            let cursor = text.find('|').expect("a cursor");
            markup(&text.replace('|', ""), cursor)
                .map_or("nothing".to_owned(), |(names, want, typed)| format!("{} {want:?} {}", names.join("/"), typed.len()))
        };
        assert_eq!(shown("<l><r><a/><n|"), "l/r Name { present: [\"a\"], parted: false } 1");
        assert_eq!(shown("<l><r><!-- <x> --><b>1</b><|</r></l>"), "l/r Name { present: [\"b\"], parted: false } 0");
        assert_eq!(shown("<l><r><a>x|</a></r></l>"), "l/r/a Value 1");
        assert_eq!(shown("<l><r><a x=\"|\">"), "nothing");
        assert_eq!(shown("<l></|"), "nothing");
    }

    proptest::proptest! {
        // The scans stop within the text for any text and cursor position. A debug build asserts that each step of the
        // JSON scan consumes text, so that a loop shows as a failure.
        #[test]
        fn any_text_at_any_position(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12)) {
            let text = pieces.concat();
            let shape = chancery_schema::Shape::any();
            for cursor in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let spots = [json(&text, cursor), yaml(&text, cursor), table(&text, cursor, b',', shape.root())];
                let typed = spots.into_iter().flatten().map(|spot| spot.typed);
                let names = markup(&text, cursor);
                let steps = names.as_ref().map_or_else(Vec::new, |(names, ..)| elements(names, shape.root()));
                proptest::prop_assert!(names.as_ref().is_none_or(|(names, ..)| steps.len() <= 2 * names.len()));
                for range in typed.chain(names.map(|(.., typed)| typed)) {
                    proptest::prop_assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?} at {cursor}");
                }
            }
        }
    }

    const PIECES: &[&str] = &[
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\n",
        "\r",
        "\t",
        " ",
        "a",
        "\u{e9}",
        "\u{1f600}",
        "- ",
        "-",
        ": ",
        "#",
        "<",
        "</",
        "/>",
        ">",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!",
        "'",
        "---",
        "|",
        "&a",
        "*a",
        "1",
        "id",
    ];
}
