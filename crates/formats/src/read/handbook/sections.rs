//! Takes one entry apart: title, sections under labels, narrative; page furniture is set aside.
//!
//! Input: the lines of one record. Output: the sections with their rows, in order. A label counts in the header; in running text a
//! line with a colon is text, unless lines under labels stand there as a block of their own.

use super::document::{Document, Line};
use super::prose_lines::{goes_on, is_open, is_prose};
use super::rows::Row;
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, FieldKind, Label, Lines, Template};
use super::{furniture, heading, hyphens};
use chancery_core::growth::step;

/// The lines from `number` to the next blank one or label.
pub(super) fn rows_from<'t>(text: &'t str, lines: &[Line], number: usize, form: &Template) -> Vec<&'t str> {
    let rows = lines[number..].iter().map(|line| line.of(text));
    rows.take(4).take_while(|row| !row.is_empty() && form.label(row).is_none()).collect()
}

/// What stands under a label.
#[derive(Debug)]
pub(super) struct Section {
    /// The label's text; of an unknown one too; empty for an address without a label.
    pub label: SpannedText,
    /// The part of it that is a name.
    pub named: Option<SpannedText>,
    /// The form's field; `None` if the form does not define the label.
    pub field: Option<usize>,
    /// The label of the office to which numbers belong.
    pub office: Option<SpannedText>,
    pub rows: Vec<Row>,
}

/// An entry taken apart.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub heading: SpannedText,
    pub sections: Vec<Section>,
    pub narrative: Vec<Row>,
    /// Lines omitted as page furniture.
    pub furniture: Vec<SpannedText>,
    /// Lines of the narrative that begin with a label and a value that fits it.
    pub labels_in_text: Vec<SpannedText>,
    /// The text of the entry without furniture: what the record can be compared with.
    pub lines: Vec<SpannedText>,
}

/// Takes the lines of one record apart.
pub(super) fn split_sections(document: &Document, form: &Template, lines: &[Line]) -> Page {
    let mut page = Page::default();
    let rows = clean(document, form, lines, &mut page.furniture);
    page.lines = rows.iter().map(|row| row.piece.clone()).collect();
    let title = heading::find(form, &rows);
    // What is above the title belongs to the book.
    page.furniture.extend(rows[..title.start].iter().map(|row| row.piece.clone()));
    page.heading = heading::joined(&rows[title.clone()]);
    let mut parser = SectionParser { form, page, rows: &rows, state: State::Header };
    let mut at = parser.unlabelled_address(title.end);
    while at < rows.len() {
        parser.row(at);
        at += 1;
    }
    parser.page
}

// The lines that are text, without furniture and with the hyphens that a printer put in marked.
fn clean(document: &Document, form: &Template, lines: &[Line], set_aside: &mut Vec<SpannedText>) -> Vec<Row> {
    let text = document.text();
    let furniture = furniture::of_record(form, text, lines);
    let mut rows: Vec<Row> = Vec::new();
    let mut gap = false;
    for (line, is_furniture) in lines.iter().zip(furniture) {
        if line.is_blank() {
            gap = true;
            continue;
        }
        // The value below a label that is alone may be a number alone.
        let bare_label = rows.last().is_some_and(|row| {
            let text = row.piece.text();
            form.label(text).is_some_and(|label| label.value.is_empty() && form.field(&label).kind.takes_number())
        });
        let row = line.of(text);
        if is_furniture && !(bare_label && row.bytes().all(|byte| byte.is_ascii_digit())) {
            set_aside.push(document.piece(line.span));
            gap = true;
            continue;
        }
        rows.push(Row { piece: document.piece(line.span), gap });
        gap = false;
    }
    hyphens::mark(&mut rows);
    rows
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    // Running text under a label, after which further labels may come.
    LabelledText,
    Narrative,
}

struct SectionParser<'p> {
    form: &'p Template,
    page: Page,
    rows: &'p [Row],
    state: State,
}

impl SectionParser<'_> {
    fn text(&self, at: usize) -> &str {
        self.rows[at].piece.text()
    }

    // The lines from `at` to the next gap or label.
    fn block(&self, at: usize) -> Vec<&str> {
        let rows = self.rows[at..].iter().enumerate();
        rows.take(4)
            .take_while(|(number, row)| {
                (*number == 0 || (!row.gap && self.form.bullet(row.piece.text()).is_none())) && self.form.label(row.piece.text()).is_none()
            })
            .map(|(_, row)| row.piece.text())
            .collect()
    }

    // An address that stands below the title without a label; returns the row after it.
    fn unlabelled_address(&mut self, from: usize) -> usize {
        const MOST: usize = 8;
        let Some(field) = self.form.fields.iter().position(|field| field.kind == FieldKind::Address && field.lines == Lines::Printed)
        else {
            return from;
        };
        let is_label = |row: &Row| {
            let text = row.piece.text();
            self.form.label(text).is_some() || self.form.contact_label(text).is_some() || self.form.unknown_label(text).is_some()
        };
        let length =
            self.rows[from..].iter().enumerate().take(MOST + 1).take_while(|(at, row)| (*at == 0 || !row.gap) && !is_label(row)).count();
        let rows = &self.rows[from..from + length];
        let is_address = rows.iter().any(|row| self.form.is_address_line(row.piece.text()))
            && rows.iter().all(|row| !is_prose(&[row.piece.text()]) && self.form.bullet(row.piece.text()).is_none());
        if !(1..=MOST).contains(&length) || !is_address {
            return from;
        }
        let rows = rows.to_vec();
        let label = rows[0].piece.slice(0..0);
        self.page.sections.push(Section { label, named: None, field: Some(field), office: None, rows });
        from + length
    }

    fn row(&mut self, at: usize) {
        step();
        let Row { piece, gap } = self.rows[at].clone();
        if self.state == State::Narrative && !self.header_resumes(at) {
            if self.form.label(piece.text()).is_some_and(|label| self.fits(self.form.field(&label), &piece.text()[label.value.clone()])) {
                self.page.labels_in_text.push(piece.clone());
            }
            self.page.narrative.push(Row { piece, gap });
            return;
        }
        let label = self.form.label(piece.text()).filter(|label| self.is_label_here(at, label));
        let last = self.page.sections.last().map(|section| section.field.map(|field| self.form.fields[field].kind));
        let is_none =
            |section: &Section| !section.rows.is_empty() && section.rows.iter().all(|row| self.form.is_none_word(row.piece.text()));
        let in_contact = last == Some(Some(FieldKind::Contacts))
            && self.state == State::Header
            && !(gap && self.page.sections.last().is_some_and(is_none));
        if let Some(label) = label.or_else(|| self.form.contact_label(piece.text())) {
            // Numbers under a contact are the contact's.
            if in_contact && self.form.field(&label).kind.is_contact_point() {
                self.push(Row { piece, gap });
            } else {
                self.open(&piece, &label);
            }
            return;
        }
        if self.state == State::Header
            && let Some((label, value)) = self.form.unknown_label(piece.text())
        {
            if in_contact && !gap {
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
        if self.state != State::Header {
            self.page.narrative.push(Row { piece, gap });
        } else if self.form.narrative && self.narrative_begins(at) {
            self.state = State::Narrative;
            self.page.narrative.push(Row { piece, gap: true });
        } else if self.is_stray(at) {
            // Text of the header that no label explains stays text.
            self.page.narrative.push(Row { piece, gap: true });
        } else {
            self.push(Row { piece, gap });
        }
    }

    // `Director` alone on a line of a contact is the post, not the label of the next section.
    fn is_label_here(&self, at: usize, label: &Label) -> bool {
        let Row { piece, gap } = &self.rows[at];
        let last = self.page.sections.last().and_then(|section| section.field).map(|field| self.form.fields[field].kind);
        let inside =
            !gap && matches!(last, Some(FieldKind::Contacts | FieldKind::Address)) && !piece.text().chars().all(|c| !c.is_lowercase());
        !inside || label.words.end < piece.text().len() || self.form.field(label).kind.is_contact_point()
    }

    // Whether lines under labels begin again in running text: two of them in a row, or one that stands alone, with values that fit.
    fn header_resumes(&mut self, at: usize) -> bool {
        let begins = self.rows[at].gap || self.page.narrative.last().is_none_or(|row| super::prose_lines::is_closed(row.piece.text()));
        let Some(label) = self.form.label(self.text(at)).filter(|_| begins) else { return false };
        let field = self.form.field(&label);
        if field.kind == FieldKind::Narrative {
            return false;
        }
        let next = self.rows.get(at + 1);
        let value = if label.value.is_empty() { next.map_or("", |row| row.piece.text()) } else { &self.text(at)[label.value.clone()] };
        let is_labelled = |row: &Row| self.form.label(row.piece.text()).is_some() || self.form.unknown_label(row.piece.text()).is_some();
        let alone = next.is_none_or(|row| row.gap || is_labelled(row)) || label.value.is_empty();
        let resumes = alone && self.fits(field, value);
        if resumes {
            self.state = State::Header;
        }
        resumes
    }

    // Whether a value has the form that its field asks for.
    fn fits(&self, field: &Field, value: &str) -> bool {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        match field.kind {
            FieldKind::Place => value.rsplit(',').next().is_some_and(|last| self.form.country(last.trim_matches(is_space)).is_some()),
            FieldKind::Telephones | FieldKind::Faxes => digits >= 5,
            FieldKind::Emails => value.contains('@'),
            FieldKind::Websites => !value.contains(is_space) && value.contains('.'),
            FieldKind::Date => value.len() <= 40 && digits >= 4,
            FieldKind::Memberships => self.form.bullet(value).is_some(),
            FieldKind::Contacts => self.form.honorific(value).is_some(),
            _ => false,
        }
    }

    // Whether a line cannot belong to the section above it: one value stands there, and it is complete.
    fn is_stray(&self, at: usize) -> bool {
        let Some(section) = self.page.sections.last() else { return true };
        let Some(before) = section.rows.last() else { return false };
        let kind = section.field.map(|field| self.form.fields[field].kind);
        let (before, row) = (before.piece.text(), self.text(at));
        let single = matches!(
            kind,
            Some(FieldKind::Place | FieldKind::Date | FieldKind::Websites | FieldKind::Telephones | FieldKind::Faxes | FieldKind::Emails)
        );
        let wrapped = self.form.fields.get(section.field.unwrap_or(usize::MAX)).is_some_and(|field| field.lines == Lines::Wrapped);
        let more = is_open(before)
            || row.starts_with(char::is_lowercase)
            || section.field.is_some_and(|field| self.fits(&self.form.fields[field], row));
        single && !wrapped && !more
    }

    fn push(&mut self, row: Row) {
        if let Some(section) = self.page.sections.last_mut() {
            section.rows.push(row);
        }
    }

    fn open(&mut self, line: &SpannedText, label: &Label) {
        let field = self.form.field(label);
        self.state = if field.kind == FieldKind::Narrative { State::LabelledText } else { State::Header };
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
        if self.state == State::LabelledText {
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
    fn narrative_begins(&self, at: usize) -> bool {
        let Row { piece: row, gap } = &self.rows[at];
        let block = self.block(at);
        let Some(section) = self.page.sections.last() else { return *gap || is_prose(&block) };
        let Some(before) = section.rows.last() else {
            // The value of a label that is alone.
            return self.form.bullet(row.text()).is_none()
                && section.field.is_some_and(|field| matches!(self.form.fields[field].kind, FieldKind::Contacts | FieldKind::Memberships))
                && is_prose(&block);
        };
        let before = before.piece.text();
        let kind = section.field.map_or(FieldKind::Text, |field| self.form.fields[field].kind);
        let goes_on = goes_on(before, row.text());
        match kind {
            FieldKind::Memberships | FieldKind::List => {
                let is_none = section.rows.len() == 1 && self.form.is_none_word(before);
                let bulleted = section.rows.iter().any(|row| self.form.bullet(row.piece.text()).is_some());
                self.form.bullet(row.text()).is_none()
                    && if bulleted {
                        (*gap && !goes_on) || (is_prose(&block) && !goes_on && !is_open(before))
                    } else {
                        is_none || is_prose(&block)
                    }
            }
            FieldKind::Contacts => *gap && is_prose(&block),
            FieldKind::Address => is_prose(&block) && *gap,
            FieldKind::Text | FieldKind::Count => *gap && !goes_on,
            _ => *gap || is_prose(&block),
        }
    }
}
