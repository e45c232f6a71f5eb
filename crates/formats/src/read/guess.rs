//! Detects the format of an input by its first bytes.
//!
//! Input: the first few thousand bytes, possibly cut in the middle of a line. Output: the most likely format, or none. Syntax that a
//! format forbids is decisive; typical syntax is only a hint. Not used if the file extension determines the format.

use super::Format;

/// The format that `bytes` look like.
pub fn format(bytes: &[u8]) -> Option<Format> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.valid_up_to() + 4 > bytes.len() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let text = text.trim_start_matches('\u{feff}');
    let start = text.trim_start();
    if start.is_empty() || start.contains('\0') {
        return None;
    }
    if start.starts_with('<') {
        return Some(Format::Xml);
    }
    if start.starts_with(['{', '[']) {
        return Some(bracket(start));
    }
    if text.starts_with("%YAML")
        || text.starts_with("%TAG")
        || text.lines().any(|line| line.trim_end() == "---" || line.starts_with("--- "))
    {
        return Some(Format::Yaml);
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    table(&lines).or_else(|| members(&lines))
}

// JSON, NDJSON, or the header of a TOML table.
fn bracket(start: &str) -> Format {
    let first = start.lines().next().unwrap_or_default().trim_end();
    if first.starts_with('[') && is_toml_header(first) && start.lines().skip(1).any(|line| assignment(line).is_some()) {
        return Format::Toml;
    }
    let mut values = serde_json::Deserializer::from_str(first).into_iter::<serde::de::IgnoredAny>();
    let whole_line = values.next().is_some_and(|value| value.is_ok()) && first[values.byte_offset()..].trim().is_empty();
    let more = start.lines().skip(1).any(|line| !line.trim().is_empty());
    if whole_line && more { Format::Ndjson } else { Format::Json }
}

// A name in brackets that no JSON array can be.
fn is_toml_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim_end();
    let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) else { return false };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | ' '))
}

// The name before the `=` of an assignment of TOML.
fn assignment(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'));
    (named
        && value
            .trim_start()
            .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | '[' | '{' | '+' | '-' | 't' | 'f' | 'i' | 'n')))
    .then_some(name)
}

// A first line of at least two cells, which the second line has as many of. Prose has commas too, but not so evenly.
fn table(lines: &[&str]) -> Option<Format> {
    let cells = |line: &str, delimiter: char| {
        let mut quoted = false;
        let mut count = 1;
        for c in line.chars() {
            quoted ^= c == '"';
            count += usize::from(c == delimiter && !quoted);
        }
        (count, quoted)
    };
    let header = lines.first()?;
    for (delimiter, format) in [('\t', Format::Tsv), (',', Format::Csv), (';', Format::Csv)] {
        let (count, open) = cells(header, delimiter);
        let names = header
            .split(delimiter)
            .all(|name| !name.trim().is_empty() && name.len() <= 80 && !name.contains(": ") && !name.trim_end().ends_with(':'));
        if count < 2 || open || !names {
            continue;
        }
        // After a quote that stays open lines are no rows; the last line may be cut.
        let rows = lines.iter().skip(1).map(|line| cells(line, delimiter)).take_while(|(_, open)| !open);
        let even = rows.take(10.min(lines.len().saturating_sub(2)).max(1)).all(|(found, _)| found == count);
        // A header has names, not sentences.
        let sentence = header.ends_with(['.', '!', '?']) || header.split(delimiter).any(|cell| cell.trim().split(' ').count() > 6);
        if even && !sentence {
            return Some(format);
        }
    }
    None
}

// `key: value`, `- item` or `key = value` in the first line that is no comment. Pages have labels with colons as well, so a
// YAML key has no blanks in it.
fn members(lines: &[&str]) -> Option<Format> {
    let mut content = lines.iter().filter(|line| !line.trim_start().starts_with('#'));
    let first = content.next()?;
    if assignment(first).is_some() || (first.starts_with('[') && is_toml_header(first)) {
        return Some(Format::Toml);
    }
    let plain = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let name = name.trim_matches(['"', '\'']);
        let fits = !name.is_empty() && !name.contains(char::is_whitespace) && (rest.is_empty() || rest.starts_with(' '));
        fits.then_some(())
    };
    let item = |line: &str| line.strip_prefix("- ").map(|_| ());
    let yaml = |line: &str| plain(line).or_else(|| item(line)).is_some() || line.starts_with(' ');
    let rest: Vec<_> = content.take(20).collect();
    // The last line may be cut.
    let whole = &rest[..rest.len().saturating_sub(1)];
    (!first.starts_with(' ') && yaml(first) && whole.iter().all(|line| yaml(line) || line.starts_with(['}', ']']))).then_some(Format::Yaml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_detected_by_their_first_bytes() {
        for (text, expected) in [
            ("", None),
            (" \n", None),
            ("{\"a\": 1}\n", Some(Format::Json)),
            ("\u{feff} [\n1]", Some(Format::Json)),
            ("{\n  \"a\": 1\n}\n", Some(Format::Json)),
            ("[1, 2]\n\n", Some(Format::Json)),
            ("[{\"a\": 1},\n{\"a\": 2}]\n", Some(Format::Json)),
            ("{\"a\": 1}\n{\"a\": 2}\n", Some(Format::Ndjson)),
            ("{\"a\": 1}\r\n\r\n{\"a\"", Some(Format::Ndjson)),
            ("{\"a\": 1", Some(Format::Json)),
            ("<?xml version=\"1.0\"?><a/>", Some(Format::Xml)),
            ("\n<a/>", Some(Format::Xml)),
            ("---\na: 1\n", Some(Format::Yaml)),
            ("# list\n--- # one\na", Some(Format::Yaml)),
            ("%YAML 1.2\n---\n1", Some(Format::Yaml)),
            ("name: Unit\nid: a\n", Some(Format::Yaml)),
            ("# comment\n\nname: Unit, Office\nplaces:\n  - a\n", Some(Format::Yaml)),
            ("- a\n- b\n", Some(Format::Yaml)),
            ("- name: x\n  id: y\n- name: z\n", Some(Format::Yaml)),
            ("name = \"x\"\n[t]\na = 1\n", Some(Format::Toml)),
            ("[t]\na = 1\n", Some(Format::Toml)),
            ("[[t]]\na = 1\n", Some(Format::Toml)),
            ("# c\nid = 'x'\n", Some(Format::Toml)),
            ("id,name\n1,Unit\n", Some(Format::Csv)),
            ("id;name\n1;Unit, Office\n", Some(Format::Csv)),
            ("id\tname\n1\tDesk\n", Some(Format::Tsv)),
            ("id,name", Some(Format::Csv)),
            ("id,text\n1,\"a\nb\"\n", Some(Format::Csv)),
            ("\"id\",\"na,me\"\n1,x\n", Some(Format::Csv)),
            ("Department of Peace Operations\n\nAddress: 1 Plaza, New York\nTel.: +1 212\n", None),
            ("The office was set up in 1990, and has grown.\nIt has three units, and more.\nSee below.\n", None),
            ("Address: 1 Plaza, New York\nMain office: x\nhead of mission\n", None),
            ("\u{1}\0\0", None),
        ] {
            assert_eq!(format(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(format(b"a,b\n1,\xc3"), Some(Format::Csv));
        assert_eq!(format(b"\xff\xfe\xfd and much more"), None);
    }
}
