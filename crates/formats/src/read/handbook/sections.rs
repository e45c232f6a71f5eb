//! Splits one page into heading, labelled sections and narrative, and removes page furniture between them.
//!
//! Input: the lines of one record. Output: the sections with their rows, in order. Labels are recognised only in the header: after the
//! narrative has begun, a line with a colon is text.

use std::collections::HashMap;
use std::sync::Arc;

use super::spanned_text::{SpannedText, is_space};
use super::template::{FieldKind, Label, Records, Template, fold};
use chancery_core::source::{Source, Span};

/// A line without the white space around it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where the whole line begins.
    pub start: u32,
    pub span: Span,
    pub indent: u32,
    /// Whether a form feed is before it.
    pub fed: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.span.is_empty()
    }
}

/// The lines of a text; a form feed ends a line too.
pub(super) fn lines(text: &str, from: usize, to: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = from;
    let mut fed = false;
    while start < to {
        let end = text[start..to].find(['\n', '\u{c}']).map_or(to, |at| start + at);
        let line = &text[start..end];
        let inner = line.trim_start_matches(is_space);
        let first = start + (line.len() - inner.len());
        let indent = line.chars().take_while(|c| is_space(*c)).filter(|c| *c != '\u{feff}').count();
        let last = first + inner.trim_end_matches(is_space).len();
        lines.push(Line { start: start as u32, span: Span::new(first as u32, last as u32), indent: indent as u32, fed });
        fed = text[end..to].starts_with('\u{c}');
        start = end + 1;
    }
    lines
}

/// Numbers of the lines at which records begin: the first, and those before which a border lies.
///
/// Nothing is known beyond the last line. What is found does not change when lines are added after, as long as they are
/// added after the label that opens the last record found; so a text can be cut there and read piece by piece.
pub(super) fn record_starts(form: &Template, text: &str, lines: &[Line]) -> Vec<usize> {
    let mut starts = Vec::new();
    let of = |line: &Line| &text[line.span.range()];
    if form.records == Records::Unindented {
        let mut inside = false;
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_blank()) {
            if line.indent > 0 {
                inside = true;
            } else if inside || starts.is_empty() {
                starts.push(number);
                inside = false;
            }
        }
        return starts;
    }
    let mut opened: Vec<usize> = Vec::new();
    let mut narrative = false;
    let mut parted = true;
    // The block of lines before the one looked at, where it may be a heading.
    let mut block: Option<(usize, usize)> = None;
    let mut gap = true;
    for (number, line) in lines.iter().enumerate() {
        let row = of(line);
        if line.is_blank() || form.is_furniture(row) {
            gap = true;
            continue;
        }
        if form.is_separator(row) {
            (parted, gap, block) = (true, true, None);
            continue;
        }
        if parted {
            parted = false;
            starts.push(number);
            (opened, narrative) = (Vec::new(), false);
        }
        if let Some(label) = form.label(row) {
            let field = form.field(&label);
            if field.opens {
                let begun = if field.kind == FieldKind::Place { narrative || opened.contains(&label.field) } else { narrative };
                if let Some((from, to)) = block
                    && begun
                    && lines[from..=to].iter().all(|line| is_heading(of(line)))
                {
                    starts.push(from);
                    (opened, narrative) = (Vec::new(), false);
                }
                opened.push(label.field);
            }
            block = None;
        } else {
            block = match block {
                Some((from, to)) if !gap && to - from < 3 => Some((from, number)),
                None if !gap && number > 0 => None,
                Some(_) if !gap => None,
                _ => Some((number, number)),
            };
            narrative = narrative || (gap && is_prose(&rows_from(text, lines, number, form)));
        }
        gap = false;
    }
    starts
}

// A line that could be (a part of) a heading.
fn is_heading(row: &str) -> bool {
    row.chars().count() <= 100
        && row.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '(')
        && !row.ends_with(['.', ',', ';', ':', '?', '!'])
}

// The lines from `number` to the next blank one or label.
fn rows_from<'t>(text: &'t str, lines: &[Line], number: usize, form: &Template) -> Vec<&'t str> {
    let rows = lines[number..].iter().map(|line| &text[line.span.range()]);
    rows.take(4).take_while(|row| !row.is_empty() && form.label(row).is_none()).collect()
}

/// Whether a block of lines is running text: a long line, a sentence, or lines that were wrapped.
fn is_prose(rows: &[&str]) -> bool {
    const LONG: usize = 80;
    const WRAPPED: usize = 50;
    let Some(first) = rows.first() else { return false };
    let length = |row: &str| row.chars().count();
    let words = first.split(is_space).count();
    let small = first.split(is_space).filter(|word| word.starts_with(char::is_lowercase)).count();
    let sentence = first.trim_end_matches(is_mark).ends_with(['.', '!', '?', '”']) || first.ends_with(".\"");
    length(first) > LONG
        || (sentence && words >= 5 && small >= 2)
        || (rows.len() > 1 && length(first) >= WRAPPED && words >= 7 && small >= 3)
}

/// Superscript digits, from both of their Unicode blocks.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}' | '\u{2074}'..='\u{2079}')
}

/// A line of a section or of the narrative.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub piece: SpannedText,
    /// Whether blank lines, or what the printer put in, are before it.
    pub gap: bool,
}

/// What stands under a label.
#[derive(Debug)]
pub(super) struct Section {
    /// The label's text; of an unknown one too.
    pub label: SpannedText,
    /// The part of it that is a name.
    pub named: Option<SpannedText>,
    /// The form's field; `None` for an unknown label.
    pub field: Option<usize>,
    /// The label of the office to which numbers belong.
    pub office: Option<SpannedText>,
    pub rows: Vec<Row>,
}

/// A page taken apart.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub heading: SpannedText,
    pub sections: Vec<Section>,
    pub narrative: Vec<Row>,
    /// Lines omitted as the printer's.
    pub furniture: Vec<Span>,
    /// Rows of the header for which there was no label.
    pub stray: Vec<Row>,
}

struct SectionParser<'p> {
    source: &'p Arc<Source>,
    form: &'p Template,
    page: Page,
    /// Whether unknown labels are still recognised.
    in_text: bool,
}

/// Takes the lines of one record apart.
pub(super) fn split_sections(source: &Arc<Source>, form: &Template, lines: &[Line]) -> Page {
    let mut cursor = SectionParser { source, form, page: Page::default(), in_text: false };
    cursor.run(lines);
    cursor.page
}

impl SectionParser<'_> {
    fn run(&mut self, lines: &[Line]) {
        let text = self.source.text();
        let of = |line: &Line| &text[line.span.range()];
        let printers = unwrap_lines(self.form, text, lines);
        let mut gap = false;
        let mut in_heading = true;
        let mut number = 0;
        while number < lines.len() {
            let line = &lines[number];
            number += 1;
            if line.is_blank() {
                gap = true;
                continue;
            }
            let row = of(line);
            let bare_label = self.page.sections.last().is_some_and(|section| section.rows.is_empty()) && !self.in_text;
            if printers[number - 1] && !(bare_label && row.bytes().all(|byte| byte.is_ascii_digit())) {
                self.page.furniture.push(line.span);
                gap = true;
                continue;
            }
            let piece = SpannedText::of(self.source, line.span);
            if !self.page.narrative.is_empty() && !self.in_text {
                self.page.narrative.push(Row { piece, gap });
                gap = false;
                continue;
            }
            let label = self.form.label(row);
            if in_heading && label.is_none() {
                let empty = self.page.heading.is_empty();
                let bracket = row.starts_with('(') && row.ends_with(')') && !self.page.heading.text().ends_with(')');
                if empty || !gap || bracket {
                    self.page.heading.join(&piece);
                    gap = false;
                    continue;
                }
            }
            in_heading = false;
            self.row(piece, gap, label, lines, number - 1);
            gap = false;
        }
    }

    // A line after the heading and before the narrative.
    fn row(&mut self, piece: SpannedText, gap: bool, label: Option<Label>, lines: &[Line], number: usize) {
        let last = self.page.sections.last().map(|section| section.field.map(|field| self.form.fields[field].kind));
        // `Director` alone on a line of a contact is the post, not the label of the next section.
        let inside = !gap
            && matches!(last, Some(Some(FieldKind::Contacts | FieldKind::Address)))
            && !piece.text().chars().all(|c| !c.is_lowercase());
        let label = label.filter(|label| !inside || label.words.end < piece.text().len() || self.form.field(label).kind.is_contact_point());
        if let Some(label) = label {
            let kind = self.form.field(&label).kind;
            // Numbers under a contact are the contact's.
            if last == Some(Some(FieldKind::Contacts)) && kind.is_contact_point() {
                self.push(Row { piece, gap });
            } else {
                self.open(&piece, &label);
            }
            return;
        }
        let reach = self.form.contact_label(piece.text());
        if let Some(label) = reach {
            if last == Some(Some(FieldKind::Contacts)) {
                self.push(Row { piece, gap });
            } else {
                self.open(&piece, &label);
            }
            return;
        }
        let unknown = self.form.unknown_label(piece.text()).filter(|_| !self.in_text);
        if let Some((label, value)) = unknown {
            if last == Some(Some(FieldKind::Contacts)) && !gap {
                self.push(Row { piece, gap });
                return;
            }
            let mut section = Section { label: piece.slice(label), named: None, field: None, office: None, rows: Vec::new() };
            if !value.is_empty() {
                section.rows.push(Row { piece: piece.slice(value), gap: false });
            }
            self.page.sections.push(section);
            return;
        }
        let rows = rows_from(self.source.text(), lines, number, self.form);
        if self.in_text || (self.form.narrative && self.narrative_begins(&piece, gap, &rows)) {
            self.page.narrative.push(Row { piece, gap });
        } else {
            self.push(Row { piece, gap });
        }
    }

    fn push(&mut self, row: Row) {
        match self.page.sections.last_mut() {
            Some(section) => section.rows.push(row),
            None => self.page.stray.push(row),
        }
    }

    fn open(&mut self, line: &SpannedText, label: &Label) {
        let field = self.form.field(label);
        self.in_text = field.kind == FieldKind::Narrative;
        let mut section = Section {
            label: line.slice(label.words.clone()),
            named: label.named.clone().map(|range| line.slice(range).trim()),
            field: Some(label.field),
            office: None,
            rows: Vec::new(),
        };
        // An office is the address under a label that is not the form's first word for the address.
        if field.kind.is_contact_point() {
            section.office = self.page.sections.last().and_then(|before| match before.field.map(|at| &self.form.fields[at]) {
                Some(field) if field.kind == FieldKind::Address && field.purpose.is_none() => Some(before.label.clone()),
                Some(field) if field.kind.is_contact_point() => before.office.clone(),
                _ => None,
            });
        }
        let value = line.slice(label.value.clone());
        if self.in_text {
            self.page.narrative.push(Row { piece: section.label.clone(), gap: true });
            if !value.is_empty() {
                self.page.narrative.push(Row { piece: value, gap: true });
            }
        } else if !value.is_empty() {
            section.rows.push(Row { piece: value, gap: false });
        }
        self.page.sections.push(section);
    }

    // Whether a line without a label is the first of the narrative, and not one more of the section above it.
    fn narrative_begins(&self, row: &SpannedText, gap: bool, block: &[&str]) -> bool {
        let Some(section) = self.page.sections.last() else { return gap || is_prose(block) };
        let Some(before) = section.rows.last() else {
            // The value of a label that is alone.
            return section.field.is_some_and(|field| matches!(self.form.fields[field].kind, FieldKind::Contacts | FieldKind::Memberships))
                && is_prose(block);
        };
        let kind = section.field.map_or(FieldKind::Text, |field| self.form.fields[field].kind);
        let goes_on = row.text().starts_with(char::is_lowercase) && !is_closed(before.piece.text());
        match kind {
            FieldKind::Memberships | FieldKind::List => {
                let bulleted = section.rows.iter().any(|row| self.form.bullet(row.piece.text()).is_some());
                self.form.bullet(row.text()).is_none() && if bulleted { gap && !goes_on } else { is_prose(block) }
            }
            FieldKind::Contacts => gap && is_prose(block),
            FieldKind::Address => is_prose(block) && gap,
            FieldKind::Text | FieldKind::Count => gap && !goes_on,
            _ => gap || is_prose(block),
        }
    }
}

/// Whether a text ends as a sentence or a quotation does.
pub(super) fn is_closed(text: &str) -> bool {
    let text = text.strip_suffix("</sup>").unwrap_or(text);
    let mark = |c: char| is_mark(c) || c.is_ascii_digit() || matches!(c, '"' | '”' | '’' | '\'' | ')' | ']' | '[' | '»' | '>');
    let text = text.trim_end_matches(mark);
    let text = text.strip_suffix("<sup").unwrap_or(text);
    text.ends_with(['.', '!', '?', ':', ';'])
}

// Which lines are the printer's: those of the form's patterns, numbers alone between blank lines, and what stands more than
// once at form feeds or repeats the heading there.
fn unwrap_lines(form: &Template, text: &str, lines: &[Line]) -> Vec<bool> {
    let of = |line: &Line| &text[line.span.range()];
    let plain = |line: &Line| fold(&of(line).replace(|c: char| c.is_ascii_digit(), ""));
    let mut printers = vec![false; lines.len()];
    let mut at_feeds: Vec<(usize, String)> = Vec::new();
    let first = lines.iter().position(|line| !line.is_blank());
    let (mut before, mut fed) = (None, false);
    for (number, line) in lines.iter().enumerate() {
        fed |= line.fed;
        if !line.is_blank() {
            if std::mem::take(&mut fed) {
                at_feeds.extend(before.map(|before: usize| (before, plain(&lines[before]))));
                at_feeds.push((number, plain(line)));
            }
            before = Some(number);
        }
        if line.is_blank() || Some(number) == first {
            continue;
        }
        let row = of(line);
        let lonely = |other: Option<&Line>| other.is_none_or(Line::is_blank) || line.fed;
        let number_alone = row.len() <= 4
            && row.bytes().all(|byte| byte.is_ascii_digit())
            && lonely(lines[..number].last())
            && lines.get(number + 1).is_none_or(|next| next.is_blank() || next.fed);
        printers[number] = number_alone || form.is_furniture(row) || form.is_separator(row);
    }
    let heading = first.map(|first| plain(&lines[first]));
    // A line between two form feeds is in the list twice.
    at_feeds.dedup_by_key(|(at, _)| *at);
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (_, row) in &at_feeds {
        *times.entry(row).or_default() += 1;
    }
    for (at, row) in at_feeds.iter().filter(|(at, _)| Some(*at) != first) {
        let again = times.get(row.as_str()).is_some_and(|times| *times > 1) || heading.as_ref() == Some(row);
        if again && of(&lines[*at]).chars().count() <= 100 {
            printers[*at] = true;
        }
    }
    printers
}
