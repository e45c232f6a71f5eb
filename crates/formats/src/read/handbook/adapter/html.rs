//! Reads the text of an HTML page.
//!
//! Input: the page. Output: its text, with the place of each byte. What is not shown (scripts, styles, the head, comments) and what
//! leads elsewhere (navigation, forms) is left out. Markup need not be correct: an unknown or unclosed tag changes nothing.

use super::super::document::Document;
use super::raised;
use chancery_core::source::Source;
use std::sync::Arc;

// Elements whose content is not text of the page.
const HIDDEN: [&str; 9] = ["head", "script", "style", "nav", "template", "noscript", "svg", "button", "select"];
// Elements that stand in a line.
const INLINE: [&str; 28] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "s",
    "samp", "small", "span", "strong", "sub", "time", "tt", "u", "var",
];

/// The document that an HTML page holds.
pub(in super::super) fn document(source: &Arc<Source>) -> Document {
    let mut writer = Writer { text: String::new(), places: Vec::new(), raised: 0, pending: Gap::None };
    writer.page(source.text());
    Document::adapted(source, writer.text, writer.places)
}

/// Whether a text begins as an HTML page does.
pub(in super::super) fn is_page(text: &str) -> bool {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is = |tag: &str| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    is("<!doctype html") || is("<html")
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Blank,
    Line,
    Block,
}

struct Writer {
    text: String,
    places: Vec<u32>,
    // How many raised elements are open.
    raised: usize,
    // What goes before the next character.
    pending: Gap,
}

impl Writer {
    fn page(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if rest.starts_with("<!--") {
                at += rest.find("-->").map_or(rest.len(), |end| end + 3);
                continue;
            }
            if rest.starts_with('<')
                && let Some((name, closing, length)) = tag(rest)
            {
                at += length;
                at += self.tag(&name, closing, &text[at..]);
                continue;
            }
            at += self.character(rest, at);
        }
    }

    // Takes a tag; returns how much of what follows is not text.
    fn tag(&mut self, name: &str, closing: bool, rest: &str) -> usize {
        if HIDDEN.contains(&name) && !closing {
            self.gap(Gap::Block);
            return end_of(rest, name);
        }
        match name {
            "sup" => self.raised = if closing { self.raised.saturating_sub(1) } else { self.raised + 1 },
            "li" => {
                self.gap(Gap::Line);
                if !closing {
                    self.bullet();
                }
            }
            "br" | "tr" | "dt" | "dd" => self.gap(Gap::Line),
            "td" | "th" => self.gap(Gap::Blank),
            name if INLINE.contains(&name) => {}
            _ => self.gap(Gap::Block),
        }
        0
    }

    fn gap(&mut self, gap: Gap) {
        self.pending = self.pending.max(gap);
    }

    // A bullet stands at the last byte before it, as a blank that was put in does.
    fn bullet(&mut self) {
        self.flush();
        for c in ['\u{2022}', ' '] {
            self.put(c, self.places.last().copied().unwrap_or(0));
        }
    }

    fn flush(&mut self) {
        let between = match std::mem::replace(&mut self.pending, Gap::None) {
            Gap::None => "",
            Gap::Blank => " ",
            Gap::Line => "\n",
            Gap::Block => "\n\n",
        };
        let place = self.places.last().copied().unwrap_or(0);
        if !self.text.is_empty() {
            between.chars().for_each(|c| self.put(c, place));
        }
    }

    fn put(&mut self, c: char, place: u32) {
        self.text.push(c);
        self.places.extend(std::iter::repeat_n(place, c.len_utf8()));
    }

    // Takes one character of the text, or an entity; returns its length in the page.
    fn character(&mut self, rest: &str, at: usize) -> usize {
        let Some(first) = rest.chars().next() else { return 1 };
        let (c, length) = entity(rest).unwrap_or((first, first.len_utf8()));
        if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') {
            self.gap(Gap::Blank);
            return length;
        }
        if self.text.ends_with("\u{2022} ") {
            self.pending = Gap::None;
        }
        self.flush();
        if self.raised > 0 && c.is_ascii_digit() {
            self.put(raised(c), at as u32);
        } else if length == c.len_utf8() {
            // As it is in the page: each byte in its own place.
            self.text.push(c);
            self.places.extend(at as u32..(at + length) as u32);
        } else {
            self.put(c, at as u32);
        }
        length
    }
}

// The tag that opens a text: its name in lower case, whether it closes, its length.
fn tag(rest: &str) -> Option<(String, bool, usize)> {
    let inner = &rest[1..];
    let closing = inner.starts_with('/');
    let named = inner.strip_prefix('/').unwrap_or(inner);
    if named.starts_with(['!', '?']) {
        // A declaration or an instruction is not shown.
        return Some(("span".to_owned(), false, rest.find('>')? + 1));
    }
    let length = named.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(named.len());
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => return Some((named[..length].to_ascii_lowercase(), closing, at + 1)),
            _ => {}
        }
    }
    None
}

// Where the content of a hidden element ends, after its closing tag; the whole rest where there is none.
fn end_of(rest: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(found) = rest[from..].find("</") {
        let at = from + found;
        let behind = &rest[at + 2..];
        if behind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return at + behind.find('>').map_or(rest.len() - at, |end| end + 3);
        }
        from = at + 2;
    }
    rest.len()
}

// The character of an entity, and its length.
fn entity(rest: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 12;
    let inner = rest.strip_prefix('&')?;
    let end = inner.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = inner.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)?,
    };
    Some((c, end + 2))
}

// The entities that texts in western languages use (HTML 4.01, chapter 24).
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("sect", '§'),
    ("para", '¶'),
    ("sup1", '¹'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("euro", '€'),
    ("pound", '£'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("oslash", 'ø'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("yacute", 'ý'),
    ("szlig", 'ß'),
    ("Agrave", 'À'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Auml", 'Ä'),
    ("Aring", 'Å'),
    ("AElig", 'Æ'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Euml", 'Ë'),
    ("Icirc", 'Î'),
    ("Ntilde", 'Ñ'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Ouml", 'Ö'),
    ("Oslash", 'Ø'),
    ("Uacute", 'Ú'),
    ("Uuml", 'Ü'),
    ("oelig", 'œ'),
    ("OElig", 'Œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_core::source::Span;

    fn text(page: &str) -> String {
        document(&Arc::new(Source::whole("page.html", page))).text().to_owned()
    }

    #[test]
    fn blocks_lines_and_items_are_lines_of_the_text() {
        assert_eq!(
            text(
                "<html><head><title>x</title></head><body>\n<h1 id=\"a>b\">Name\n of it</h1>\n<p>one<br />\ntwo &amp; <b>th</b>ree</p><ul>\n<li>a</li>\n<li><p>b</p></li></ul>"
            ),
            "Name of it\n\none\ntwo & three\n\n• a\n• b"
        );
        assert_eq!(text("<html><!-- no --><script>if (a<b) c</script>5 < 6 said.<sup>31</sup>"), "5 < 6 said.³¹");
    }

    #[test]
    fn each_byte_has_its_place() {
        let source = Arc::new(Source::whole("page.html", "<html><p>a &amp; <i>bé</i>c</p>"));
        let document = document(&source);
        assert_eq!(document.text(), "a & béc");
        let found = |from, to| source.slice(document.piece(Span::new(from, to)).span());
        assert_eq!((found(0, 1), found(4, 5), found(5, 7)), ("a", "b", "é"));
    }
}
