//! Renders a finding as a table row: the message, and expandable lines, edits and related locations.

use super::{amount, escape, excerpt};
use crate::top_k::Kept;
use chancery_core::diagnostic::{Diagnostic, Fix, Place, Safety};
use chancery_core::tree::pointer;

/// Lines of context.
const AROUND: usize = 2;
/// Edits of one finding that are shown.
const EDITS: usize = 4;
/// Other places of one finding that are shown.
const PLACES: usize = 8;
/// Characters shown of a message.
const PROSE: usize = 1_000;
/// Characters shown of a pointer or key.
const NAME: usize = 200;

/// The cells of a row besides rule and severity.
pub(super) struct Row {
    pub(super) file: String,
    pub(super) member: String,
    // Line and column, by which rows are sorted.
    at: String,
    cells: String,
}

impl Row {
    pub(super) fn new(diagnostic: &Diagnostic) -> Self {
        let location = diagnostic.place.locate();
        let at = format!("{}:{}", location.start.line, location.start.column);
        let mut cells = format!("<td role=\"cell\"><code>{}:{at}</code>", escape::xml_text(&location.file));
        if let Some(pointer) = diagnostic.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
            cells.push_str(&format!("<p class=\"soft\">member {}</p>", code(pointer)));
        }
        if let Some(record) = &diagnostic.record {
            let key = record.key.as_deref().map(|key| format!(" {}", code(key))).unwrap_or_default();
            cells.push_str(&format!("<p class=\"soft\">record {}{key}</p>", record.index + 1));
        }
        let help = diagnostic.help.as_deref().map(|help| format!("<span class=\"help\">{}</span>", prose(help))).unwrap_or_default();
        let message = format!("{}{help}", prose(&diagnostic.message));
        let more = more(diagnostic);
        let message = if more.is_empty() {
            format!("<div class=\"said\">{message}</div>")
        } else {
            format!("<details><summary class=\"said\">{message}</summary>\n{more}</details>")
        };
        cells.push_str(&format!("</td>\n<td role=\"cell\">{message}"));
        Self { file: location.file.to_string(), member: member(diagnostic), at, cells }
    }

    /// Approximate size of the row in bytes.
    pub(super) fn size(&self) -> usize {
        self.cells.len() + self.file.len() + self.member.len() + self.at.len() + 300
    }
}

/// The row.
pub(super) fn draw(kept: &Kept<Row>) -> String {
    let (Row { file, member, at, cells }, severity, rule) = (&kept.drawn, kept.severity.word(), kept.rule);
    let again = match kept.times {
        1 => String::new(),
        times => format!("<p class=\"soft\">The same in {}.</p>", amount(times, "record", "records")),
    };
    let (code, name, file, member) = (rule.code, rule.name, escape::xml(file), escape::xml(member));
    format!(
        "<tr role=\"row\" data-severity=\"{severity}\" data-rule=\"{code}\" data-file=\"{file}\" data-member=\"{member}\" data-at=\"{at}\">\n\
         <td role=\"cell\"><span class=\"severity {severity}\">{severity}</span> <a href=\"#{code}\">{code}</a> <p class=\"soft\">{name}</p></td>\n\
         {cells}{again}</td></tr>\n"
    )
}

/// The member of a finding, with `*` for item indices.
pub(super) fn member(diagnostic: &Diagnostic) -> String {
    match diagnostic.pointer.as_deref() {
        None => "the file".to_owned(),
        Some("") => "the record".to_owned(),
        Some(pointer) => escape::cut(&pointer::general(pointer), NAME).into_owned(),
    }
}

// The expandable part of the row.
fn more(diagnostic: &Diagnostic) -> String {
    let mut more = excerpt::lines(&diagnostic.place, diagnostic.label.as_deref(), AROUND);
    if let Some(fix) = &diagnostic.fix {
        more.push_str(&edits(fix, &diagnostic.place));
    }
    for related in diagnostic.related.iter().take(PLACES) {
        let location = related.place.locate();
        let place = format!("{}:{}:{}", escape::xml_text(&location.file), location.start.line, location.start.column);
        more.push_str(&format!("<p>{} <code>{place}</code></p>\n", prose(&related.message)));
        more.push_str(&excerpt::lines(&related.place, None, 0));
    }
    if diagnostic.related.len() > PLACES {
        more.push_str(&format!("<p>{} more</p>\n", amount((diagnostic.related.len() - PLACES) as u64, "place", "places")));
    }
    more
}

fn edits(fix: &Fix, place: &Place) -> String {
    let title = match fix.safety {
        Safety::Safe => "Edit",
        Safety::Unsafe => "Possible edit (unsafe)",
    };
    let shown: String = fix.edits.iter().take(EDITS).map(|edit| excerpt::change(&place.source, edit.span, &edit.text)).collect();
    let rest = match fix.edits.len().saturating_sub(EDITS) {
        0 => String::new(),
        rest => format!("<p>and in {}</p>\n", amount(rest as u64, "more place", "more places")),
    };
    format!("<p>{title}</p>\n{shown}{rest}")
}

fn prose(text: &str) -> String {
    escape::xml_text(&escape::cut(text, PROSE))
}

fn code(name: &str) -> String {
    format!("<code>{}</code>", escape::xml_text(&escape::cut(name, NAME)))
}
