//! Renders a finding as a table row: the message, and expandable lines, edits and related locations.

use maud::{Markup, Render, html};

use super::{Text, amount, escape, excerpt};
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
    place: Markup,
    message: Markup,
}

impl Row {
    pub(super) fn new(diagnostic: &Diagnostic) -> Self {
        let location = diagnostic.place.locate();
        let at = format!("{}:{}", location.start.line, location.start.column);
        let place = html! {
            code { (Text(&location.file)) ":" (at) }
            @if let Some(pointer) = diagnostic.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
                p.soft { "member " (code(pointer)) }
            }
            @if let Some(record) = &diagnostic.record {
                p.soft { "record " (record.index + 1) @if let Some(key) = &record.key { " " (code(key)) } }
            }
        };
        let message = html! {
            (prose(&diagnostic.message))
            @if let Some(help) = &diagnostic.help { span.help { (prose(help)) } }
        };
        let more = more(diagnostic);
        let message = html! {
            @if more.0.is_empty() { div.said { (message) } } @else { details { summary.said { (message) } "\n" (more) } }
        };
        Self { file: location.file.to_string(), member: member(diagnostic), at, place, message }
    }

    /// Approximate size of the row in bytes.
    pub(super) fn size(&self) -> usize {
        self.place.0.len() + self.message.0.len() + self.file.len() + self.member.len() + self.at.len() + 300
    }
}

/// The row.
pub(super) fn draw(kept: &Kept<Row>) -> Markup {
    let (Row { file, member, at, place, message }, severity, rule) = (&kept.drawn, kept.severity.word(), kept.rule);
    html! {
        tr role="row" data-severity=(severity) data-rule=(rule.code) data-file=(Text(file)) data-member=(Text(member)) data-at=(at) {
            "\n" td role="cell" {
                span class={ "severity " (severity) } { (severity) } " " a href={ "#" (rule.code) } { (rule.code) } " "
                p.soft { (rule.name) }
            }
            "\n" td role="cell" { (place) }
            "\n" td role="cell" {
                (message)
                @if kept.times > 1 { p.soft { "The same in " (amount(kept.times, "record", "records")) "." } }
            }
        } "\n"
    }
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
fn more(diagnostic: &Diagnostic) -> Markup {
    html! {
        (excerpt::lines(&diagnostic.place, diagnostic.label.as_deref(), AROUND))
        @if let Some(fix) = &diagnostic.fix { (edits(fix, &diagnostic.place)) }
        @for related in diagnostic.related.iter().take(PLACES) {
            @let location = related.place.locate();
            p { (prose(&related.message)) " " code { (Text(&location.file)) ":" (location.start.line) ":" (location.start.column) } } "\n"
            (excerpt::lines(&related.place, None, 0))
        }
        @if diagnostic.related.len() > PLACES {
            p { (amount((diagnostic.related.len() - PLACES) as u64, "place", "places")) " more" } "\n"
        }
    }
}

fn edits(fix: &Fix, place: &Place) -> Markup {
    let title = match fix.safety {
        Safety::Safe => "Edit",
        Safety::Unsafe => "Possible edit (unsafe)",
    };
    html! {
        p { (title) } "\n"
        @for edit in fix.edits.iter().take(EDITS) { (excerpt::change(&place.source, edit.span, &edit.text)) }
        @if fix.edits.len() > EDITS {
            p { "and in " (amount((fix.edits.len() - EDITS) as u64, "more place", "more places")) } "\n"
        }
    }
}

fn prose(text: &str) -> Markup {
    Text(&escape::cut(text, PROSE)).render()
}

fn code(name: &str) -> Markup {
    html! { code { (Text(&escape::cut(name, NAME))) } }
}
