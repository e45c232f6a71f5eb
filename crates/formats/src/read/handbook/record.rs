//! Builds a record from a page that has been split into sections: each section by the kind of its field.
//!
//! Values are taken as printed; telephone numbers, web addresses and countries are normalised later. Text that fits
//! nowhere is kept in an `x_` member or reported: every byte of a page is in one or the other.

use std::sync::Arc;

use super::sections::{Page, Row, Section, is_closed};
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, FieldKind, Lines, Template, fold};
use super::value::{Object, Value};
use chancery_core::diagnostic::{Diagnostic, Rule, quote, rules};
use chancery_core::source::{Source, Span};

/// Members of a record in the order in which they are given; others come after.
const ORDER: &[&str] = &[
    "id",
    "name",
    "acronym",
    "location",
    "addresses",
    "telephones",
    "faxes",
    "emails",
    "contacts",
    "websites",
    "founding_date",
    "dissolution_date",
    "memberships",
    "functions",
    "mandates",
    "narrative",
    "references",
];

/// A record on its way.
pub(super) struct PageReader<'p> {
    pub source: &'p Arc<Source>,
    pub form: &'p Template,
    pub record: Object,
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the record of a page.
pub(super) fn read(source: &Arc<Source>, form: &Template, page: &Page, begin: Span) -> (Object, Vec<Diagnostic>) {
    let opening = if page.heading.is_empty() { begin } else { page.heading.span() };
    let mut reading = PageReader { source, form, record: Object::new(opening), diagnostics: Vec::new() };
    reading.heading(&page.heading);
    for span in &page.furniture {
        let line = quote(source.slice(*span), true);
        reading.emit(&rules::PAGE_FURNITURE, *span, format!("skipped page furniture: {line}"), "");
    }
    if page.sections.iter().all(|section| section.field.is_none()) {
        let message = format!("no label of the form {} was found", quote(&form.name, true));
        let diagnostic = Diagnostic::new(&rules::NO_LABELS, source, opening, message)
            .at("")
            .help("name the page's form with --form, or define it (docs/handbook.md)");
        reading.diagnostics.push(diagnostic);
    }
    for row in &page.stray {
        reading.unread(&row.piece, "a label before it");
    }
    for section in &page.sections {
        reading.section(section);
    }
    reading.narrative(&page.narrative);
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

    fn heading(&mut self, heading: &SpannedText) {
        if heading.is_empty() {
            return;
        }
        let text = heading.text();
        let mut name = heading.clone();
        let mut acronym = None;
        if text.ends_with(')')
            && let Some(open) = text.rfind('(')
        {
            let inner = heading.slice(open + 1..text.len() - 1).trim();
            let before = heading.slice(0..open).trim();
            let big = inner.text().chars().filter(|c| c.is_uppercase() || c.is_ascii_digit()).count();
            let short = (2..=16).contains(&inner.text().chars().count()) && inner.text().split(is_space).count() <= 2;
            if short && !before.is_empty() && (big >= 2 || (big == 1 && fits(inner.text(), before.text()))) {
                name = before;
                acronym = Some(inner);
            }
        }
        let id = slug(name.text(), acronym.as_ref().map(SpannedText::text));
        self.record.derived("id", id, heading.span());
        self.record.text("name", name);
        if let Some(acronym) = acronym {
            self.record.text("acronym", acronym);
        }
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
            FieldKind::Websites => self.websites(section),
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

    // Adds a member to the record. An unchecked member becomes a list when it is repeated; any other is duplicated.
    fn put(&mut self, name: &str, label: Span, value: Value) {
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
        // A page of unknown labels is not a page of this form; their members are looked up one by one.
        const MOST: usize = 200;
        if self.record.members.len() > MOST {
            self.unread(&section.label, "a label of the form");
            let text = self.joined(&section.rows);
            if !text.is_empty() {
                self.unread(&text, "a label of the form before it");
            }
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

    fn place(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows);
        let mut place = Object::new(text.span());
        place.text("display", text.clone());
        let parts = text.split(|c| c == ',');
        match &parts[..] {
            [one] if self.form.country(one.text()).is_some() => place.text("country", one.clone()),
            [one] => place.text("locality", one.clone()),
            [locality, middle @ .., country] if self.form.country(country.text()).is_some() => {
                place.text("locality", locality.clone());
                if let [region] = middle {
                    place.text("region", region.clone());
                }
                place.text("country", country.clone());
            }
            _ => {}
        }
        self.put(field.member(), section.label.span(), Value::Object(place));
    }

    fn date(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows).trim_matches(|c| is_space(c) || matches!(c, '.' | ','));
        let label = section.label.span();
        match self.partial_date(text.text()) {
            Some(date) if date == text.text() => self.put(field.member(), label, Value::Text(text)),
            Some(date) => self.put(field.member(), label, Value::Written(date, text.span())),
            None => {
                let name = format!("x_{}", field.member());
                let message = format!("expected a year, a month or a day, found {}", quote(text.text(), true));
                self.emit(&rules::UNREAD_DATE, text.span(), message, &format!("/{name}")).help = Some(format!("kept as {name}"));
                self.put(&name, label, Value::Text(text));
            }
        }
    }

    // `1948`, `July 2009`, `4 August 1963`, `August 4, 1963`, `1963-08-04`, each after words that say nothing of the date.
    fn partial_date(&self, text: &str) -> Option<String> {
        let mut rest = text;
        while let Some((word, behind)) = rest.split_once(is_space)
            && self.form.date_words.iter().any(|known| known.eq_ignore_ascii_case(word))
        {
            rest = behind.trim_start_matches(is_space);
        }
        let words: Vec<&str> = rest.split(|c: char| is_space(c) || c == ',').filter(|word| !word.is_empty()).collect();
        let year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        let day = |word: &str| {
            word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.').parse::<u8>().ok().filter(|day| (1..=31).contains(day))
        };
        let month = |word: &str| {
            let word = fold(word);
            let found = self.form.months.iter().position(|month| {
                let month = fold(month);
                word == month || (word.chars().count() >= 3 && month.starts_with(&word))
            });
            found.map(|at| at + 1)
        };
        Some(match words[..] {
            [only] if year(only) => only.to_owned(),
            [only]
                if only.len() >= 7
                    && only.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }) =>
            {
                only.to_owned()
            }
            [name, last] if year(last) => format!("{last}-{:02}", month(name)?),
            [one, two, last] if year(last) => match (day(one), month(two)) {
                (Some(day), Some(month)) => format!("{last}-{month:02}-{day:02}"),
                _ => format!("{last}-{:02}-{:02}", month(one)?, day(two)?),
            },
            _ => return None,
        })
    }

    // The items of a list: at bullets if there are any, else line by line, or parted by commas.
    fn rows_of_list(&mut self, section: &Section, pointer: &str) -> Vec<SpannedText> {
        let bulleted = section.rows.iter().any(|row| self.form.bullet(row.piece.text()).is_some());
        let mut items: Vec<SpannedText> = Vec::new();
        for row in &section.rows {
            let text = row.piece.text();
            let bullet = self.form.bullet(text);
            let item = row.piece.slice(bullet.unwrap_or(0)..text.len());
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

    fn memberships(&mut self, section: &Section) {
        let label = section.label.span();
        let body = section.named.clone().unwrap_or_else(|| section.label.clone());
        for item in self.rows_of_list(section, "/memberships") {
            let mut membership = Object::new(item.span());
            let mut organization = Object::new(body.span());
            organization.text(if is_acronym(body.text()) { "acronym" } else { "name" }, body.clone());
            membership.put("organization", label, Value::Object(organization));
            let mut group = item.trim_matches(|c| is_space(c) || matches!(c, ';' | ','));
            let mut status = None;
            if group.text().ends_with(')')
                && let Some(open) = group.text().rfind('(')
            {
                let inner = group.slice(open + 1..group.text().len() - 1).trim();
                if let Some(code) = self.form.statuses.get(&fold(inner.text())) {
                    status = Some((code.clone(), inner));
                    group = group.slice(0..open).trim();
                }
            }
            if !group.is_empty() {
                membership.text("group", group.clone());
            }
            match status {
                Some((code, printed)) => {
                    let at = printed.span();
                    let differs = fold(printed.text()).replace(['-', ' '], "_") != code;
                    membership.put("status", Span::at(at.start), Value::Written(code, at));
                    if differs {
                        membership.text("note", printed);
                    }
                }
                None => membership.derived("status", "member", group.span()),
            }
            self.record.list("memberships", label).push(Value::Object(membership));
        }
    }
}

// Up to 16 letters and digits without a blank, two of them capitals.
fn is_acronym(text: &str) -> bool {
    text.chars().count() <= 16 && !text.contains(is_space) && text.chars().filter(|c| c.is_uppercase()).count() >= 2
}

// A member for an unknown label.
pub(super) fn x_name(label: &str) -> String {
    let words = ascii_words(label, '_');
    format!("x_{}", if words.is_empty() { "label" } else { &words })
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
fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// Whether the next row goes on with a text that a page's end broke.
pub(super) fn goes_on(before: &str, row: &str) -> bool {
    row.starts_with(char::is_lowercase) && !is_closed(before)
}

/// Whether an acronym can stand for a name: its letters come in the name in their order, the first at its beginning.
pub(super) fn fits(acronym: &str, name: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (acronym, name) = (letters(acronym), letters(name));
    let mut rest = name.iter();
    !acronym.is_empty() && acronym.first() == name.first() && acronym.iter().all(|letter| rest.any(|other| other == letter))
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
