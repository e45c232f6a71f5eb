//! YAML: strings keep their style, and are plain only if every reader takes them for that string.
//!
//! A block scalar stays one if only its final line breaks are removed, or if its lines can be rewritten.

use super::{TextEdit, own_line};
use crate::read::{self, Format};
use crate::write::yaml;
use chancery_core::diagnostic::{Member, Scalar};
use chancery_core::source::{Source, Span};

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    yaml::quoted(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn is_bare(text: &str) -> bool {
    yaml::is_plain(text) && !text.contains([',', '[', ']', '{', '}'])
}

// In single quotes, where these are what was `written` and the text can are in them.
fn single(written: &str, text: &str) -> Option<String> {
    let fits = written.starts_with('\'') && !text.chars().any(yaml::needs_escape);
    fits.then(|| format!("'{}'", text.replace('\'', "''")))
}

pub(super) fn scalar(source: &Source, span: Span, new: &Scalar) -> Option<TextEdit> {
    let span = source.clamp_span(span);
    let written = source.slice(span);
    let block = written.starts_with(['|', '>']);
    // A block ends with its last character; blanks after that are text too.
    let behind = &source.text()[span.end as usize..];
    let blanks = if block { behind.len() - behind.trim_start_matches([' ', '\t']).len() } else { 0 };
    let text = in_style(written, new)?;
    (text != written || blanks > 0).then(|| TextEdit::new(Span::new(span.start, span.end + blanks as u32), text))
}

// A scalar in the style of the one that is `written`.
fn in_style(written: &str, new: &Scalar) -> Option<String> {
    let text = match new {
        Scalar::Text(text) => text,
        Scalar::Literal(literal) => return Some(literal.clone()),
    };
    Some(match written.chars().next()? {
        '|' | '>' => block(written, text).unwrap_or_else(|| quoted(text)),
        '"' => quoted(text),
        _ => single(written, text).or_else(|| is_bare(text).then(|| text.clone())).unwrap_or_else(|| quoted(text)),
    })
}

pub(super) fn name(written: &str, name: &str) -> String {
    let bare = !written.starts_with(['"', '\'']) && is_bare(name);
    if bare { name.to_owned() } else { single(written, name).unwrap_or_else(|| quoted(name)) }
}

// A block scalar that has `text`, without its last line end; `None` if none comes to mind that is read so.
fn block(written: &str, text: &str) -> Option<String> {
    let (header, body) = written.split_once('\n')?;
    let line_end = if header.ends_with('\r') { "\r\n" } else { "\n" };
    let header = header.trim_end_matches('\r');
    let indicators = 1 + header[1..].find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-'))).unwrap_or(header.len() - 1);
    let digits: String = header[1..indicators].chars().filter(char::is_ascii_digit).collect();
    let header = format!("{}{digits}-{}", &header[..1], &header[indicators..]);
    let indent = &body[..body.len() - body.trim_start_matches(' ').len()];
    let lines: Vec<String> = text.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") }).collect();
    let candidates = [format!("{header}{line_end}{body}"), format!("{header}{line_end}{}", lines.join(line_end))];
    candidates.into_iter().find(|candidate| means(candidate, text))
}

// Whether a scalar is read as that text.
fn means(scalar: &str, text: &str) -> bool {
    let document = format!("- {scalar}\n");
    let options = read::Options { records: read::records::Records::whole(), ..read::Options::default() };
    let Ok(read) = read::collect(Format::Yaml, "", document.as_bytes(), &options) else { return false };
    matches!(&read.records[..], [record] if record.root().items().next().is_some_and(|item| item.text() == text))
}

pub(super) fn member(source: &Source, new: &Member) -> Option<TextEdit> {
    let (key, value) = (source.slice(new.key), source.slice(new.value));
    let manner = if value.starts_with(['"', '\'']) { value } else { "a" };
    let text = format!("{}: {}", name(key, &new.name), in_style(manner, &new.scalar)?);
    if source.slice(new.opening).starts_with('{') {
        return Some(TextEdit::new(Span::at(new.value.end), format!(", {text}")));
    }
    // Blank lines at the end of such a block are its text, and would become that of no one.
    if value.starts_with(['|', '>']) && value.lines().next().is_some_and(|header| header.contains('+')) {
        return None;
    }
    let is_indent = |before: &str| {
        let dashes = before.trim_start_matches(' ');
        dashes.split(' ').all(|word| word.is_empty() || word == "-") && !dashes.ends_with('-')
    };
    let (at, before, line_end) = own_line(source, new, is_indent)?;
    Some(TextEdit::new(at, format!("{line_end}{}{text}", " ".repeat(before.len()))))
}
