//! Escapes text from the data for its context: JSON, XML, Markdown, URIs, workflow commands.
//!
//! Control characters and characters that change the text direction are escaped everywhere, as in [`one_line`]; other
//! special characters are escaped by the rules of the context.

use std::borrow::Cow;
use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use chancery_core::diagnostic::{command_signs, inert, is_unprintable, one_line};

/// The first `most` characters, with an ellipsis if there are more.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// A value as JSON on one line, in which characters that disturb a terminal or an editor are `\uXXXX`.
pub(super) fn json(value: &impl Serialize) -> io::Result<String> {
    let mut out = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Escaping)).map_err(io::Error::from)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// JSON text in which characters that disturb a terminal or a log, and commands to CI runners, are `\uXXXX`. They can stand
/// in strings alone, so the values stay the same. White space between values stays.
pub fn json_text(text: &str) -> Cow<'_, str> {
    let disturbs = |c: char| is_unprintable(c) && !matches!(c, '\n' | '\r' | '\t');
    let mut signs = command_signs(text).peekable();
    if signs.peek().is_none() && !text.contains(disturbs) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if signs.next_if_eq(&at).is_some() || disturbs(c) {
            // All of these characters are in the basic multilingual plane.
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out.into()
}

struct Escaping;

impl serde_json::ser::Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        out.write_all(json_text(fragment).as_bytes())
    }
}

/// A path as a URI, relative if the path is: no part of it can be read as a scheme, a query or a fragment.
pub(super) fn uri(path: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let drive = cfg!(windows) && path.as_bytes().get(1) == Some(&b':');
    let scheme = match path {
        _ if drive => "file:///",
        _ if path.starts_with('/') => "file://",
        _ => "",
    };
    let kept = if drive { 2 } else { 0 };
    format!("{scheme}{}{}", &path[..kept], utf8_percent_encode(&path[kept..], ESCAPED))
}

/// The text of a workflow command, on one line.
pub(super) fn data(text: &str) -> String {
    one_line(text).replace('%', "%25")
}

/// A property of a workflow command.
pub(super) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A line of a workflow's log that is not a command, if it does not begin with a colon.
pub(super) fn log(line: &str) -> String {
    let line = one_line(line);
    // The older form of commands, `##[name]`, is recognised anywhere in a line, ignoring invisible characters.
    let command = line.find('#').is_some_and(|at| line[at..].contains('['));
    if command { line.replace('#', "\\u0023") } else { line.into_owned() }
}

/// Text and attribute values of XML, on one line; characters that XML cannot represent are escaped.
pub(super) fn xml(text: &str) -> String {
    xml_commands(quick_xml::escape::escape(holdable(text)).into_owned())
}

/// Escaped text of XML or HTML in which nothing is a command to a CI runner: references are the same text.
pub(super) fn xml_commands(text: String) -> String {
    let signs: Vec<usize> = command_signs(&text).collect();
    if signs.is_empty() && !text.contains("::") {
        return text;
    }
    let mut out = text;
    signs.into_iter().rev().for_each(|at| out.replace_range(at..=at, "&#35;"));
    if out.trim_start().starts_with("::") { out.replacen("::", "&#58;:", 1) } else { out }
}

/// What XML and HTML can represent, on one line.
pub(super) fn holdable(text: &str) -> Cow<'_, str> {
    let text = one_line(text);
    if text.contains(['\u{fffe}', '\u{ffff}']) { text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff").into() } else { text }
}

/// Text as code on one line of Markdown, such as in a table cell, without markup, links or mentions.
pub(super) fn markdown(text: &str) -> String {
    let text = one_line(text);
    let text = inert(&text);
    if text.is_empty() {
        return String::new();
    }
    if text.contains('|') {
        // A vertical bar ends a cell even inside a code span, so this is HTML code with character references.
        let sign = |c: char| if c.is_ascii_punctuation() { format!("&#{};", u32::from(c)) } else { c.to_string() };
        return format!("<code>{}</code>", text.chars().map(sign).collect::<String>());
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Readers strip one blank at both ends, so these keep the backticks and blanks of the text.
    let ends = |c| text.starts_with(c) || text.ends_with(c);
    let pad = if ends('`') || ends(' ') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_hides_nothing() {
        assert_eq!(json(&"a\u{202e}b\u{7f}\"\n\u{0}é").expect("JSON"), r#""a\u202eb\u007f\"\n\u0000é""#);
    }

    #[test]
    fn paths_as_uris() {
        for (path, expected) in [
            ("a/b c.json", "a/b%20c.json"),
            ("::error::x", "%3A%3Aerror%3A%3Ax"),
            ("http://x/?a#b", "http%3A//x/%3Fa%23b"),
            ("é%20\n", "%C3%A9%2520%0A"),
            ("/tmp/a", "file:///tmp/a"),
            ("../a", "../a"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn workflow_commands() {
        assert_eq!(data("::error::%0A\r\n"), "::error::%250A\\r\\n");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25\\n");
        assert_eq!(log("error[S104] ##[add-mask]x"), "error[S104] \\u0023\\u0023[add-mask]x");
        assert_eq!(log("error[S104] #1"), "error[S104] #1");
    }

    #[test]
    fn xml_holds_everything() {
        assert_eq!(xml("<a b='\"]]>&amp;\0\n\u{fffe}\u{85}é"), "&lt;a b=&apos;&quot;]]&gt;&amp;amp;\\u0000\\n\\ufffe\\u0085é");
    }

    #[test]
    fn markdown_is_code() {
        for (text, expected) in [
            ("", ""),
            ("@a #1 <b>", "`@a #1 <b>`"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            (" ", "`   `"),
            ("a\n\u{202e}b", "`a\\n\\u202eb`"),
            ("a\\|b`", "<code>a&#92;&#124;b&#96;</code>"),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!((cut("abc", 3), cut("ab\u{e9}d", 3)), ("abc".into(), "abé…".into()));
    }
}
