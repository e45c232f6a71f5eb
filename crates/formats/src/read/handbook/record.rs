//! Makes a record of a page that has been taken apart: each section by the kind of its field.
//!
//! Values are taken as printed; telephone numbers, addresses of the web and countries get their normal form later. What fits
//! nowhere is kept in an `x_` member or named in a note: no byte of a page goes without one or the other.

use std::sync::Arc;

use super::decisions::Decisions;
use super::heading;
use super::rows::Row;
use super::sections::{Page, Section};
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, FieldKind, Lines, Template};
use super::value::{Object, Value};
use chancery_core::diagnostic::{Diagnostic, Rule, quote, rules};
use chancery_core::source::{Source, Span};

/// Members of a record in the order in which they are given; others come after.
const ORDER: &[&str] = &[
    "id",
    "name",
    "acronym",
    "other_names",
    "relationships",
    "location",
    "addresses",
    "telephones",
    "faxes",
    "emails",
    "contacts",
    "websites",
    "founding_date",
    "founding_note",
    "dissolution_date",
    "dissolution_note",
    "memberships",
    "functions",
    "mandates",
    "contributions",
    "initiatives",
    "narrative",
    "references",
    "evidence",
];

/// A record on its way.
pub(super) struct PageReader<'p> {
    pub source: &'p Arc<Source>,
    pub form: &'p Template,
    pub decisions: Option<&'p Decisions>,
    pub record: Object,
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the record of a page.
pub(super) fn read(
    source: &Arc<Source>,
    form: &Template,
    decisions: Option<&Decisions>,
    page: &Page,
    begin: Span,
) -> (Object, Vec<Diagnostic>) {
    let opening = if page.heading.is_empty() { begin } else { page.heading.span() };
    let mut reading = PageReader { source, form, decisions, record: Object::new(opening), diagnostics: Vec::new() };
    reading.heading(&page.heading);
    for line in &page.furniture {
        let message = format!("skipped page furniture: {}", quote(line.text(), true));
        reading.emit(&rules::PAGE_FURNITURE, line.span(), message, "");
    }
    if page.sections.iter().all(|section| section.field.is_none()) {
        let message = format!("no label of the form {} was found", quote(&form.name, true));
        let diagnostic = Diagnostic::new(&rules::NO_LABELS, source, opening, message)
            .at("")
            .help("name the page's form with --form, or define it (docs/handbook.md)");
        reading.diagnostics.push(diagnostic);
    }
    for section in &page.sections {
        reading.section(section);
    }
    for line in &page.labels_in_text {
        let message = format!("a label stands in the running text: {}", quote(line.text(), true));
        reading.emit(&rules::LABEL_IN_TEXT, line.span(), message, "/narrative").help =
            Some("give the line a block of its own, or describe the page in a form (docs/handbook.md)".to_owned());
    }
    reading.narrative(&page.narrative);
    reading.coverage(page);
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    reading.record.members.sort_by_key(|(name, ..)| rank(name));
    (reading.record, reading.diagnostics)
}

impl PageReader<'_> {
    pub(super) fn emit(&mut self, rule: &'static Rule, span: Span, message: String, pointer: &str) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::new(rule, self.source, span, message).at(pointer));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    // Says of a text that it was omitted.
    pub(super) fn unread(&mut self, piece: &SpannedText, expected: &str) {
        let message = format!("expected {expected}, found {}", quote(piece.text(), true));
        self.emit(&rules::UNREAD_TEXT, piece.span(), message, "").help =
            Some("this text belongs to no member; put it under a label".to_owned());
    }

    pub(super) fn seam(&mut self, piece: &SpannedText, pointer: &str) {
        let end = piece.text().find(is_space).unwrap_or(piece.text().len());
        let span = piece.slice(0..end).span();
        self.emit(&rules::PAGE_SEAM, span, "text continues here after blank lines; both parts were joined".to_owned(), pointer);
    }

    pub(super) fn empty(&mut self, label: Span) {
        let message = format!("no text under the label {}", quote(self.source.slice(label), true));
        self.emit(&rules::EMPTY_FIELD, label, message, "");
    }

    /// Whether a value says that there is none; says so.
    pub(super) fn none(&mut self, label: Span, value: &SpannedText) -> bool {
        let none = self.form.is_none_word(value.text());
        if none {
            let message =
                format!("the page states no value under {}: {}", quote(self.source.slice(label), true), quote(value.text(), true));
            let span = if label.is_empty() { value.span() } else { label.to(value.span()) };
            self.emit(&rules::STATED_NONE, span, message, "");
        }
        none
    }

    fn heading(&mut self, heading: &SpannedText) {
        if heading.is_empty() {
            return;
        }
        let (mut name, mut acronym) = (heading.clone(), None);
        if let Some((named, short)) = heading::acronym(heading) {
            (name, acronym) = (heading.slice(named), Some(heading.slice(short)));
        }
        if let Some(length) = self.without_tail(name.text()) {
            let tail = name.slice(length..name.text().len()).trim();
            self.emit(&rules::TITLE_TAIL, tail.span(), format!("left out of the name: {}", quote(tail.text(), true)), "/name");
            name = name.slice(0..length);
        }
        let id = slug(name.text(), acronym.as_ref().map(SpannedText::text));
        self.record.derived("id", id, heading.span());
        self.record.text("name", name);
        if let Some(acronym) = acronym {
            self.record.text("acronym", acronym);
        }
    }

    // The length of a name without words after it that say what the page is.
    fn without_tail(&self, name: &str) -> Option<usize> {
        let bare = name.trim_end_matches(|c: char| is_space(c) || matches!(c, '…' | '.' | ':'));
        let lower = bare.to_ascii_lowercase();
        let tail = self.form.title_tails.iter().find(|tail| lower.ends_with(tail.as_str()))?;
        let before = bare[..bare.len() - tail.len()].trim_end_matches(|c: char| is_space(c) || matches!(c, ',' | ':' | '-' | '–' | '—'));
        let parted = lower[..lower.len() - tail.len()].ends_with(|c: char| !c.is_alphanumeric());
        (parted && !before.is_empty()).then_some(before.len())
    }

    fn section(&mut self, section: &Section) {
        let label = section.label.span();
        let Some(field) = section.field.map(|field| &self.form.fields[field]) else { return self.unknown(section) };
        if field.kind == FieldKind::Narrative {
            return;
        }
        if section.rows.is_empty() {
            return self.empty(label);
        }
        if let [row] = &section.rows[..]
            && self.none(label, &row.piece)
        {
            return;
        }
        match field.kind {
            FieldKind::Place => self.place(section, field),
            FieldKind::Address => self.address(section, field),
            FieldKind::Contacts => self.contacts(section, field),
            FieldKind::Telephones | FieldKind::Faxes | FieldKind::Emails => {
                let mut reach = Object::default();
                let wrapped = (field.lines == Lines::Wrapped).then(|| vec![Row { piece: self.joined(&section.rows), gap: false }]);
                for row in wrapped.as_ref().unwrap_or(&section.rows) {
                    self.reach(&mut reach, field.kind, label, &row.piece, section.office.as_ref());
                }
                for (name, label, value) in reach.members {
                    if let Value::List(items) = value {
                        self.record.list(&name, label).extend(items);
                    }
                }
            }
            FieldKind::Websites => self.websites(section, field),
            FieldKind::Date => self.date(section, field),
            FieldKind::Text => {
                let text = self.joined(&section.rows);
                self.put(field.member(), label, Value::Text(text));
            }
            FieldKind::List => self.items(section, field),
            FieldKind::Count => self.counted(section, field),
            FieldKind::Memberships => self.memberships(section),
            FieldKind::Narrative => {}
        }
    }

    // Puts a member of the record. One that nobody checks becomes a list when it comes again; any other is duplicated.
    pub(super) fn put(&mut self, name: &str, label: Span, value: Value) {
        if name.starts_with("x_") && self.record.get(name).is_some() {
            self.record.list(name, label).push(value);
        } else {
            self.record.put(name, label, value);
        }
    }

    pub(super) fn joined(&mut self, rows: &[Row]) -> SpannedText {
        let mut text = SpannedText::default();
        for row in rows {
            if row.gap && !text.is_empty() {
                self.seam(&row.piece, "");
            }
            text.join(&row.piece);
        }
        text
    }

    fn unknown(&mut self, section: &Section) {
        // A page of labels that nobody taught is no page of this form; their members are looked up one by one.
        const MOST: usize = 200;
        if self.record.members.len() > MOST {
            self.unread(&section.label, "a label of the form");
            let text = self.joined(&section.rows);
            if !text.is_empty() {
                self.unread(&text, "a label of the form before it");
            }
            return;
        }
        if let Some(role) = self.form.post_role(section.label.text())
            && let [row] = &section.rows[..]
            && self.is_person(row.piece.text())
        {
            return self.post_holder(section, &row.piece, role);
        }
        if let [row] = &section.rows[..]
            && self.none(section.label.span(), &row.piece)
        {
            return;
        }
        let name = x_name(section.label.text());
        let message =
            format!("the label {} is not defined by the form {}", quote(section.label.text(), true), quote(&self.form.name, true));
        self.emit(&rules::UNKNOWN_LABEL, section.label.span(), message, &format!("/{name}")).help =
            Some(format!("kept as {name}; define the label in a form description (docs/handbook.md)"));
        if !section.rows.is_empty() {
            let text = self.joined(&section.rows);
            self.put(&name, section.label.span(), Value::Text(text));
        }
    }

    // The items of a list: at bullets if there are any, else line by line, or parted by commas.
    pub(super) fn rows_of_list(&mut self, section: &Section, pointer: &str) -> Vec<SpannedText> {
        // Numbers count as bullets where they number the rows.
        let numbered = section.rows.len() > 1 && section.rows.first().is_some_and(|row| number_of_item(row.piece.text()).is_some());
        let bullet_of = |text: &str| self.form.bullet(text).or_else(|| number_of_item(text).filter(|_| numbered));
        let bulleted = section.rows.iter().any(|row| bullet_of(row.piece.text()).is_some());
        let mut items: Vec<SpannedText> = Vec::new();
        // A list on one line.
        if let [row] = &section.rows[..]
            && !bulleted
        {
            return row.piece.split_outside(';');
        }
        for row in &section.rows {
            let text = row.piece.text();
            let bullet = bullet_of(text);
            // A number stays: it is text of the page.
            let item = row.piece.slice(self.form.bullet(text).unwrap_or(0)..text.len());
            match items.last_mut() {
                Some(last) if bulleted && bullet.is_none() && (!row.gap || text.starts_with(char::is_lowercase)) => {
                    last.join(&item);
                    if row.gap {
                        self.seam(&row.piece, pointer);
                    }
                }
                _ => {
                    if row.gap && !items.is_empty() {
                        self.seam(&item, pointer);
                    }
                    items.push(item);
                }
            }
        }
        items
    }

    fn items(&mut self, section: &Section, field: &Field) {
        let pointer = format!("/{}", field.member());
        let items = if field.split { self.rows_of_list(section, &pointer) } else { vec![self.joined(&section.rows)] };
        self.record.list(field.member(), section.label.span()).extend(items.into_iter().map(Value::Text));
    }

    // `(37) Belgium, Benin, ...`: how many there are, perhaps of what, and their names.
    fn counted(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows);
        let mut counted = Object::new(text.span());
        let mut rest = text.clone();
        let mut count = None;
        if let Some(inner) = text.text().strip_prefix('(')
            && let Some(close) = inner.find(')')
        {
            let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
            // JSON has no leading zeros.
            if digits > 0 && digits < 10 && !(inner.starts_with('0') && digits > 1) {
                let number = text.slice(1..digits + 1);
                count = number.text().parse::<usize>().ok();
                counted.put("count", Span::at(number.span().start), Value::Number(number));
                let diagnostic = text.slice(1 + digits..close + 1).trim();
                if !diagnostic.is_empty() {
                    counted.text("of", diagnostic);
                    count = None;
                }
                rest = text.slice(close + 2..text.text().len()).trim();
            }
        }
        let names = rest.split_list();
        if let Some(count) = count.filter(|count| names.len() > 1 && *count != names.len()) {
            let message = format!("the page counts {count}, the list has {}", names.len());
            self.emit(&rules::MISCOUNTED, text.span(), message, &format!("/{}", field.member()));
        }
        if let Some(first) = names.first() {
            counted.put("names", Span::at(first.span().start), Value::List(names.into_iter().map(Value::Text).collect()));
        }
        self.put(field.member(), section.label.span(), Value::Object(counted));
    }
}

/// Whether a text is up to 16 letters and digits without a blank, two of them capitals.
pub(super) fn is_acronym(text: &str) -> bool {
    text.chars().count() <= 16 && !text.contains(is_space) && text.chars().filter(|c| c.is_uppercase()).count() >= 2
}

// A member for a label nobody taught.
pub(super) fn x_name(label: &str) -> String {
    let words = ascii_words(label, '_');
    format!("x_{}", if words.is_empty() { "label" } else { &words })
}

// What follows the number of an item, `1. ` or `2) `, as an offset.
pub(super) fn number_of_item(row: &str) -> Option<usize> {
    let digits = row.bytes().take_while(u8::is_ascii_digit).count();
    let rest = row[digits..].strip_prefix(['.', ')'])?.strip_prefix(' ')?;
    ((1..=2).contains(&digits) && !rest.trim().is_empty()).then(|| row.len() - rest.trim_start().len())
}

// Letters and digits in ASCII and lower case, words parted by `between`.
fn ascii_words(text: &str, between: char) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let mut words = String::new();
    let mut parted = false;
    for c in text.nfkd().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            if parted && !words.is_empty() {
                words.push(between);
            }
            parted = false;
            words.push(c);
        } else if !unicode_normalization::char::is_combining_mark(c) && !matches!(c, '\'' | '’') {
            parted = true;
        }
    }
    words
}

// Name and acronym as an id of at most 64 characters. A name that has to be cut gets a hash of the whole, so that ids stay distinct.
fn slug(name: &str, acronym: Option<&str>) -> String {
    const LONGEST: usize = 64;
    let mut id = ascii_words(name, '-');
    if let Some(acronym) = acronym {
        let acronym = ascii_words(acronym, '-');
        if !acronym.is_empty() {
            id = if id.is_empty() { acronym } else { format!("{id}-{acronym}") };
        }
    }
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        id = if id.is_empty() { format!("org-{}", hash(name)) } else { format!("org-{id}") };
    }
    if id.len() > LONGEST {
        let tail = acronym.map(|acronym| ascii_words(acronym, '-')).filter(|acronym| !acronym.is_empty() && acronym.len() <= 20);
        let tail = tail.map_or_else(|| hash(name), |acronym| format!("{}-{acronym}", hash(name)));
        let room = LONGEST - tail.len() - 1;
        let cut = id[..=room].rfind('-').unwrap_or(room);
        id = format!("{}-{tail}", &id[..cut]);
    }
    id
}

// FNV-1a: the same on every machine and in every release.
pub(super) fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_distinct() {
        assert_eq!(slug("Department of Peacekeeping Operations", Some("DPKO")), "department-of-peacekeeping-operations-dpko");
        assert_eq!(slug("Bureau de l’Équipe", None), "bureau-de-lequipe");
        assert_eq!(slug("34 Nations", None), "org-34-nations");
        let long = "United Nations Office of the High Commissioner for Something Very Long Indeed";
        let (a, b) = (slug(long, Some("UNX")), slug(&format!("{long} Too"), Some("UNX")));
        assert!(a != b && a.len() <= 64 && b.ends_with("-unx"), "{a} {b}");
        assert!(slug("日本", None).starts_with("org-"));
    }
}
