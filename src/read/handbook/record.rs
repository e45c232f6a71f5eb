//! Makes a record of a page that has been taken apart: each section by the kind of its field.
//!
//! Values are taken as printed; telephone numbers, addresses of the web and countries get their normal form later. What fits
//! nowhere is kept in an `x_` member or named in a note: no byte of a page goes without one or the other.

use std::sync::Arc;

use super::form::{Field, Form, Kind, Label, Lines, fold};
use super::page::{Page, Row, Section, is_closed};
use super::piece::{Piece, is_space};
use super::value::{Object, Value};
use crate::diagnostic::{Diagnostic, Rule, quote, rules};
use crate::source::{Source, Span};

/// Members of a record in the order in which they are given; others come behind.
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

/// Parts of an address in the order in which they are given.
const ADDRESS_PARTS: [&str; 9] =
    ["recipient", "unit", "post_office_box", "street_address", "extended_address", "locality", "region", "postal_code", "country"];

/// A record on its way.
pub(super) struct Reading<'p> {
    pub source: &'p Arc<Source>,
    pub form: &'p Form,
    pub record: Object,
    pub notes: Vec<Diagnostic>,
}

/// Makes the record of a page.
pub(super) fn read(source: &Arc<Source>, form: &Form, page: &Page, begin: Span) -> (Object, Vec<Diagnostic>) {
    let opening = if page.heading.is_empty() { begin } else { page.heading.span() };
    let mut reading = Reading { source, form, record: Object::new(opening), notes: Vec::new() };
    reading.heading(&page.heading);
    for span in &page.furniture {
        let line = quote(source.slice(*span), true);
        reading.note(&rules::PAGE_FURNITURE, *span, format!("left out what the printer put between the lines: {line}"), "");
    }
    if page.sections.iter().all(|section| section.field.is_none()) {
        let message = format!("not one label of the form {} was found", quote(&form.name, true));
        let note = Diagnostic::new(&rules::NO_LABELS, source, opening, message)
            .at("")
            .help("name the page's form with --form, or teach it (docs/handbook.md)");
        reading.notes.push(note);
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
    (reading.record, reading.notes)
}

impl Reading<'_> {
    pub(super) fn note(&mut self, rule: &'static Rule, span: Span, message: String, pointer: &str) -> &mut Diagnostic {
        self.notes.push(Diagnostic::new(rule, self.source, span, message).at(pointer));
        let last = self.notes.len() - 1;
        &mut self.notes[last]
    }

    // Says of a text that it was left out.
    fn unread(&mut self, piece: &Piece, expected: &str) {
        let message = format!("expected {expected}, found {}", quote(piece.text(), true));
        self.note(&rules::UNREAD_TEXT, piece.span(), message, "").help =
            Some("this text is in no member of the record; put it under a label".to_owned());
    }

    pub(super) fn seam(&mut self, piece: &Piece, pointer: &str) {
        let end = piece.text().find(is_space).unwrap_or(piece.text().len());
        let span = piece.slice(0..end).span();
        self.note(&rules::PAGE_SEAM, span, "text before the blank lines goes on here; both were taken as one".to_owned(), pointer);
    }

    fn empty(&mut self, label: Span) {
        let message = format!("nothing stands under the label {}", quote(self.source.slice(label), true));
        self.note(&rules::EMPTY_FIELD, label, message, "");
    }

    fn heading(&mut self, heading: &Piece) {
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
            if short && !before.is_empty() && (big >= 2 || (big == 1 && super::prose::fits(inner.text(), before.text()))) {
                name = before;
                acronym = Some(inner);
            }
        }
        let id = slug(name.text(), acronym.as_ref().map(Piece::text));
        self.record.derived("id", id, heading.span());
        self.record.text("name", name);
        if let Some(acronym) = acronym {
            self.record.text("acronym", acronym);
        }
    }

    fn section(&mut self, section: &Section) {
        let label = section.label.span();
        let Some(field) = section.field.map(|field| &self.form.fields[field]) else { return self.unknown(section) };
        if field.kind == Kind::Narrative {
            return;
        }
        if section.rows.is_empty() {
            return self.empty(label);
        }
        match field.kind {
            Kind::Place => self.place(section, field),
            Kind::Address => self.address(section, field),
            Kind::Contacts => self.contacts(section, field),
            Kind::Telephones | Kind::Faxes | Kind::Emails => {
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
            Kind::Websites => self.websites(section),
            Kind::Date => self.date(section, field),
            Kind::Text => {
                let text = self.joined(&section.rows);
                self.put(field.member(), label, Value::Text(text));
            }
            Kind::List => self.items(section, field),
            Kind::Count => self.counted(section, field),
            Kind::Memberships => self.memberships(section),
            Kind::Narrative => {}
        }
    }

    // Puts a member of the record. One that nobody checks becomes a list when it comes again; any other is there twice.
    fn put(&mut self, name: &str, label: Span, value: Value) {
        if name.starts_with("x_") && self.record.get(name).is_some() {
            self.record.list(name, label).push(value);
        } else {
            self.record.put(name, label, value);
        }
    }

    fn joined(&mut self, rows: &[Row]) -> Piece {
        let mut text = Piece::default();
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
        let name = x_name(section.label.text());
        let message = format!("the label {} is not one of the form {}", quote(section.label.text(), true), quote(&self.form.name, true));
        self.note(&rules::UNKNOWN_LABEL, section.label.span(), message, &format!("/{name}")).help =
            Some(format!("kept as {name}; teach the label in a form description (docs/handbook.md)"));
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

    fn address(&mut self, section: &Section, field: &Field) {
        let mut lines: Vec<Piece> = Vec::new();
        if field.lines == Lines::Wrapped {
            lines.push(self.joined(&section.rows));
        } else {
            for row in &section.rows {
                if row.gap && !lines.is_empty() {
                    self.seam(&row.piece, "/addresses");
                }
                lines.push(row.piece.clone());
            }
        }
        let mut address = Object::new(lines[0].span());
        if let Some(purpose) = &field.purpose {
            address.derived("kind", purpose.clone(), section.label.span());
        } else {
            address.put("label", section.label.span(), Value::Text(section.label.clone()));
        }
        address.put("lines", lines[0].span(), Value::List(lines.iter().cloned().map(Value::Text).collect()));
        self.address_parts(&mut address, &lines);
        self.record.list("addresses", section.label.span()).push(Value::Object(address));
    }

    // The parts of an address, from its end: country, town, then street and what stands before it. No part where it is not sure.
    fn address_parts(&self, address: &mut Object, lines: &[Piece]) {
        let bare = |piece: &Piece| piece.trim_matches(|c| is_space(c) || matches!(c, ',' | ';'));
        // One line holds what others print on several; the last comma-parted line may be town and country.
        let one_line = lines.len() == 1;
        let mut parts: Vec<Piece> = if one_line { lines[0].split(|c| c == ',') } else { lines.iter().map(bare).collect() };
        let Some(mut last) = parts.pop() else { return };
        let mut country = None;
        if self.form.country(last.text()).is_some() {
            country = Some(last);
            last = parts.pop().unwrap_or_default();
        } else if let Some(at) = last.text().rfind([',', ' ']).filter(|at| self.form.country(last.text()[at + 1..].trim()).is_some()) {
            country = Some(last.slice(at + 1..last.text().len()).trim());
            last = bare(&last.slice(0..at));
        } else if let Some(at) = two_words(last.text()).filter(|at| self.form.country(&last.text()[*at..]).is_some()) {
            country = Some(last.slice(at..last.text().len()));
            last = bare(&last.slice(0..at));
        }
        let Some(country) = country else { return };
        let code = self.form.country(country.text()).unwrap_or_default();
        let mut members: Vec<(&str, Piece)> = Vec::new();
        // A town's region may have been parted from it by a comma: `Washington, DC 20433`.
        let mut towns = vec![last.clone()];
        if one_line && let Some(before) = parts.last() {
            let (from, to) = (before.span().start, last.span().end);
            let text = &lines[0];
            let start = text.span().start;
            if text.text().len() == text.span().len() as usize {
                towns.push(text.slice((from - start) as usize..(to - start) as usize));
            }
        }
        let mut in_town = false;
        'town: for (number, town) in towns.iter().enumerate().rev() {
            for pattern in &self.form.towns {
                if !(pattern.countries.is_empty() || pattern.countries.iter().any(|known| known == code))
                    || (number == 1 && pattern.countries.is_empty())
                {
                    continue;
                }
                let Some(found) = pattern.pattern.0.captures(town.text()) else { continue };
                for part in ["locality", "region", "postal_code"] {
                    if let Some(group) = found.name(part) {
                        members.push((part, town.slice(group.range()).trim()));
                    }
                }
                if number == 1 {
                    parts.pop();
                }
                in_town = true;
                break 'town;
            }
        }
        if !in_town && !last.is_empty() {
            parts.push(last);
        }
        self.street_parts(&mut parts, &mut members);
        members.push(("country", country));
        members.sort_by_key(|(name, _)| ADDRESS_PARTS.iter().position(|part| part == name));
        for (name, piece) in members {
            address.text(name, piece);
        }
    }

    fn street_parts(&self, parts: &mut Vec<Piece>, members: &mut Vec<(&'static str, Piece)>) {
        let own = ["name", "acronym"].map(|member| match self.record.get(member) {
            Some(Value::Text(text)) => fold(text.text()),
            _ => String::new(),
        });
        let named = parts.first().is_some_and(|part| own.iter().any(|own| !own.is_empty() && fold(part.text()) == *own));
        if named {
            members.push(("recipient", parts.remove(0)));
        }
        let mut take = |parts: &mut Vec<Piece>, member: &'static str, pattern: &regex::Regex| {
            let found: Vec<usize> = (0..parts.len()).filter(|at| pattern.is_match(parts[*at].text())).collect();
            if let [at] = found[..] {
                members.push((member, parts.remove(at)));
                return Some(at);
            }
            None
        };
        take(parts, "post_office_box", &self.form.post_office_box);
        take(parts, "extended_address", &self.form.extended);
        let street = take(parts, "street_address", &self.form.street);
        // What stands alone between the body's name and the street is its unit.
        if let (true, Some(1), [unit]) = (named, street, &parts[..]) {
            members.push(("unit", unit.clone()));
        }
    }

    fn contacts(&mut self, section: &Section, field: &Field) {
        let mut contact: Option<Object> = None;
        let mut alone: Option<(Kind, Span)> = None;
        let role = field.purpose.clone().unwrap_or_else(|| "general".to_owned());
        for row in &section.rows {
            let piece = &row.piece;
            let reach = |label: &Label| self.form.field(label).kind.is_reach();
            let label = self.form.reach_label(piece.text()).or_else(|| self.form.label(piece.text()).filter(reach));
            // A label that stood alone has its value below.
            if label.is_none()
                && let Some((kind, label)) = alone.take()
            {
                if let Some(mut target) = contact.take_if(|_| piece.text().contains(|c: char| c.is_ascii_digit() || c == '@')) {
                    self.reach(&mut target, kind, label, piece, None);
                    contact = Some(target);
                    continue;
                }
                self.empty(label);
            }
            if let Some(label) = label {
                let kind = self.form.field(&label).kind;
                let words = piece.slice(label.words.clone()).span();
                if label.value.is_empty() {
                    if let Some((_, before)) = alone.replace((kind, words)) {
                        self.empty(before);
                    }
                    contact.get_or_insert_with(|| Self::new_contact(&role, section, words));
                    continue;
                }
                let mut target = contact.take().unwrap_or_else(|| Self::new_contact(&role, section, piece.span()));
                self.reach(&mut target, kind, words, &piece.slice(label.value.clone()), None);
                contact = Some(target);
                continue;
            }
            // Numbers and mail addresses may stand without a label.
            if let Some(kind) = bare_reach(piece.text())
                && let Some(contact) = &mut contact
            {
                self.reach(contact, kind, Span::at(piece.span().start), piece, None);
                continue;
            }
            if let Some((label, value)) = self.form.unknown_label(piece.text())
                && let Some(contact) = &mut contact
            {
                let label = piece.slice(label);
                let name = x_name(label.text());
                let at = format!("/contacts/{}/{name}", self.record.count("contacts"));
                let message = format!("the label {} is not one of the form {}", quote(label.text(), true), quote(&self.form.name, true));
                self.note(&rules::UNKNOWN_LABEL, label.span(), message, &at).help =
                    Some(format!("kept as {name}; teach the label in a form description (docs/handbook.md)"));
                if !value.is_empty() {
                    contact.put(&name, label.span(), Value::Text(piece.slice(value)));
                }
                continue;
            }
            let titled = self.honorific(piece.text()).is_some();
            // A page's end may part a contact in two: its person from the post, or its post from the numbers.
            let goes_on = contact.as_ref().is_some_and(|contact| {
                let bare = !["telephones", "faxes", "emails", "title", "units"].iter().any(|name| contact.get(name).is_some());
                bare && contact.get("name").is_some() && !self.is_person(piece.text())
            });
            let begun = |name: &str| contact.as_ref().is_some_and(|contact| contact.get(name).is_some());
            if contact.is_none() || (titled && ["name", "telephones", "faxes", "emails"].into_iter().any(begun)) || (row.gap && !goes_on) {
                if let Some(done) = contact.take() {
                    self.push_contact(done, section);
                }
                let mut begun = Self::new_contact(&role, section, piece.span());
                self.person(&mut begun, piece);
                contact = Some(begun);
            } else if let Some(mut open) = contact.take() {
                if row.gap {
                    let at = format!("/contacts/{}", self.record.count("contacts"));
                    self.seam(piece, &at);
                }
                if titled {
                    self.person(&mut open, piece);
                } else {
                    self.post(&mut open, piece);
                }
                contact = Some(open);
            }
        }
        if let Some((_, label)) = alone {
            self.empty(label);
        }
        if let Some(done) = contact {
            self.push_contact(done, section);
        }
    }

    fn new_contact(role: &str, section: &Section, opening: Span) -> Object {
        let mut contact = Object::new(opening);
        contact.derived("role", role, section.label.span());
        contact
    }

    fn push_contact(&mut self, mut contact: Object, section: &Section) {
        const PARTS: [&str; 10] =
            ["role", "honorific_prefix", "name", "honorific_suffix", "title", "units", "display", "telephones", "faxes", "emails"];
        contact.members.sort_by_key(|(name, ..)| PARTS.iter().position(|part| part == name).unwrap_or(PARTS.len()));
        self.record.list("contacts", section.label.span()).push(Value::Object(contact));
    }

    // The length of the honorifics that open a line, with the blank behind them.
    fn honorific(&self, line: &str) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = &line[at..];
            let found = self.form.honorifics.iter().filter_map(|title| {
                let behind = rest.strip_prefix(title.as_str())?;
                let behind = behind.strip_prefix('.').unwrap_or(behind);
                let next = behind.trim_start_matches(is_space);
                (next.len() < behind.len() && !next.is_empty()).then(|| rest.len() - next.len())
            });
            match found.max() {
                Some(length) => at += length,
                None => return (at > 0).then_some(at),
            }
        }
    }

    fn is_person(&self, line: &str) -> bool {
        if self.honorific(line).is_some() {
            return true;
        }
        let mut words = line.split(is_space).filter(|word| !word.is_empty());
        let count = words.clone().count();
        (2..=5).contains(&count)
            && !line.contains([',', '/', '&', ':', '@']) // a post, or an address
            && !line.chars().any(|c| c.is_ascii_digit())
            && line.starts_with(char::is_uppercase)
            && words.all(|word| {
                let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
                !self.form.post_words.iter().any(|post| post.eq_ignore_ascii_case(bare))
                    && !matches!(bare, "and" | "for" | "of" | "the")
            })
    }

    // The first line of a contact: a person, or a post without one.
    fn person(&mut self, contact: &mut Object, line: &Piece) {
        if !self.is_person(line.text()) {
            return self.post(contact, line);
        }
        let mut name = line.clone();
        if let Some(length) = self.honorific(line.text()) {
            contact.text("honorific_prefix", line.slice(0..length).trim());
            name = line.slice(length..line.text().len());
        }
        if let Some(comma) = name.text().find(',') {
            let behind = name.slice(comma + 1..name.text().len()).trim();
            let before = name.slice(0..comma).trim();
            if behind.is_empty() {
                name = before;
            } else if self.form.suffixes.iter().any(|suffix| fold(suffix) == fold(behind.text())) {
                contact.text("honorific_suffix", behind);
                name = before;
            } else if !before.is_empty() {
                contact.text("name", before);
                return self.post(contact, &behind);
            }
        }
        contact.text("name", name);
    }

    // A line that says what a contact is: title, comma, units parted by slashes; or one more unit.
    fn post(&mut self, contact: &mut Object, line: &Piece) {
        let text = line.text();
        let opens_with_unit =
            self.form.unit_words.iter().any(|word| text.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with(is_space)));
        let mut units = Vec::new();
        if contact.get("title").is_none() && contact.get("units").is_none() {
            match text.find(',') {
                Some(comma) if comma > 0 => {
                    contact.text("title", line.slice(0..comma).trim());
                    units = split_units(&line.slice(comma + 1..text.len()).trim());
                    if !units.is_empty() {
                        contact.text("display", line.clone());
                    }
                }
                _ if opens_with_unit => units = split_units(line),
                _ => contact.text("title", line.trim_matches(|c| is_space(c) || c == ',')),
            }
        } else {
            units = split_units(line);
        }
        if let Some(first) = units.first().map(Piece::span) {
            contact.list("units", Span::at(first.start)).extend(units.into_iter().map(Value::Text));
        }
    }

    // Numbers and mail addresses under a label; other such labels may follow on the same line.
    fn reach(&mut self, target: &mut Object, kind: Kind, label: Span, value: &Piece, office: Option<&Piece>) {
        // No label is longer, and none is looked for behind so much text.
        const LABEL: usize = 80;
        const LINE: usize = 4000;
        let text = value.text();
        let parts = |c: char| is_space(c) || matches!(c, ',' | ';' | '/' | '|');
        let mut borders = vec![(0, kind, label, 0)];
        for (at, _) in text.char_indices().skip(1).take_while(|(at, _)| *at < LINE).filter(|(at, _)| text[..*at].ends_with(parts)) {
            let near = &text[at..text.ceil_char_boundary((at + LABEL).min(text.len()))];
            if let Some(found) = self.form.reach_label(near) {
                let words = value.slice(at + found.words.start..at + found.words.end).span();
                borders.push((at, self.form.field(&found).kind, words, at + found.value.start));
            }
        }
        for (number, &(_, kind, label, start)) in borders.iter().enumerate() {
            let end = borders.get(number + 1).map_or(text.len(), |next| next.0);
            // A label inside of another, as `Tel` in `Tel Fax: 1`, has no value.
            let own = value.slice(start.min(end)..end).trim_matches(|c| is_space(c) || matches!(c, ',' | ';' | '|' | '/'));
            match kind {
                _ if own.is_empty() => self.empty(label),
                Kind::Telephones => self.numbers(target, "telephones", label, &own, office),
                Kind::Faxes => self.numbers(target, "faxes", label, &own, office),
                Kind::Emails => self.mails(target, label, &own),
                _ => self.unread(&own, "a number or a mail address"),
            }
        }
    }

    fn numbers(&mut self, target: &mut Object, member: &str, label: Span, value: &Piece, office: Option<&Piece>) {
        let mut country: Option<String> = None;
        for entry in split_numbers(value) {
            let mut phone = Object::new(entry.span());
            let mut number = entry.clone();
            let mut remark = None;
            if number.text().ends_with(')')
                && let Some(open) = number.text().rfind('(')
                && number.text()[open..].chars().any(char::is_alphabetic)
            {
                remark = Some(number.slice(open + 1..number.text().len() - 1).trim());
                number = number.slice(0..open).trim();
            }
            let mut extension = None;
            if let Some((at, digits)) = find_extension(number.text()) {
                extension = Some(number.slice(digits));
                number = number.slice(0..at).trim_matches(|c| is_space(c) || matches!(c, ',' | ';' | '('));
            }
            if number.is_empty() || !number.text().chars().any(|c| c.is_ascii_digit()) {
                self.unread(&entry, "a telephone number");
                continue;
            }
            let printed = number.span();
            match bracketed(number.text()) {
                // With the country code printed nothing is left to guess: the number is all its digits behind a plus. The code
                // holds for the numbers that follow without one.
                Some((code, area, rest)) => {
                    let text = international(&format!("+{code}{area}"), rest);
                    country = Some(format!("+{code}{area}"));
                    phone.put("number", Span::at(printed.start), Value::Written(text, printed));
                    phone.text("display", entry.clone());
                }
                None => match &country {
                    Some(prefix) if !number.text().starts_with('+') => {
                        phone.put("number", Span::at(printed.start), Value::Written(international(prefix, number.text()), printed));
                        phone.text("display", entry.clone());
                    }
                    _ => {
                        phone.text("number", number);
                        if extension.is_some() {
                            phone.text("display", entry.clone());
                        }
                    }
                },
            }
            if let Some(digits) = extension {
                let at = phone.members.len().min(1);
                phone.members.insert(at, ("extension".to_owned(), Span::at(digits.span().start), Value::Text(digits)));
            }
            if let Some(remark) = remark.or_else(|| office.cloned()) {
                phone.text("label", remark);
            }
            target.list(member, label).push(Value::Object(phone));
        }
    }

    fn mails(&mut self, target: &mut Object, label: Span, value: &Piece) {
        if let Some(guard) = self.form.mail_guards.iter().find(|guard| guard.0.is_match(value.text())) {
            let found = guard.0.find(value.text()).map_or(0..value.text().len(), |found| found.range());
            // Addresses beside the guard are read all the same.
            if !value.text().contains('@') || found.len() == value.text().len() || value.split(|c| matches!(c, ',' | ';')).len() < 2 {
                let message = format!("expected a mail address, found what guards one against programs: {}", quote(value.text(), true));
                self.note(&rules::GUARDED_EMAIL, value.span(), message, "").help = Some("write the address out, name@domain".to_owned());
                return;
            }
            for part in value.split(|c| matches!(c, ',' | ';')) {
                self.mails(target, label, &part);
            }
            return;
        }
        let edge = |c: char| is_space(c) || matches!(c, '<' | '>' | '.' | ',' | ';' | '(' | ')' | '[' | ']' | '"' | '\'');
        for part in value.split(|c| is_space(c) || matches!(c, ',' | ';')) {
            let mut mail = part.trim_matches(edge);
            if mail.text().get(..7).is_some_and(|head| head.eq_ignore_ascii_case("mailto:")) {
                mail = mail.slice(7..mail.text().len()).trim_matches(edge);
            }
            if mail.text().contains('@') {
                target.list("emails", label).push(Value::Text(mail));
            } else if !mail.is_empty() && !matches!(mail.text(), "or" | "and" | "/" | "&") {
                self.unread(&part, "a mail address");
            }
        }
    }

    fn websites(&mut self, section: &Section) {
        for row in &section.rows {
            for part in row.piece.split(|c| is_space(c) || matches!(c, ';' | '<' | '>')) {
                let url = part.trim_matches(|c| is_space(c) || matches!(c, ',' | ';' | '(' | ')' | '"'));
                let url = match url.text().strip_suffix('.') {
                    Some(bare) => url.slice(0..bare.len()),
                    None => url,
                };
                let scheme = url.text().contains("://");
                if scheme || url.text().split('/').next().is_some_and(|host| host.contains('.') && !host.contains('@')) {
                    let mut website = Object::new(url.span());
                    website.text("url", url);
                    self.record.list("websites", section.label.span()).push(Value::Object(website));
                } else if !url.is_empty() && !matches!(url.text(), "and" | "or" | "/") {
                    self.unread(&part, "a web address");
                }
            }
        }
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
                self.note(&rules::UNREAD_DATE, text.span(), message, &format!("/{name}")).help = Some(format!("kept as {name}"));
                self.put(&name, label, Value::Text(text));
            }
        }
    }

    // `1948`, `July 2009`, `4 August 1963`, `August 4, 1963`, `1963-08-04`, each behind words that say nothing of the date.
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

    // The items of a list: at bullets where there are any, else line by line, or parted by commas.
    fn rows_of_list(&mut self, section: &Section, pointer: &str) -> Vec<Piece> {
        let bulleted = section.rows.iter().any(|row| self.form.bullet(row.piece.text()).is_some());
        let mut items: Vec<Piece> = Vec::new();
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
                let note = text.slice(1 + digits..close + 1).trim();
                if !note.is_empty() {
                    counted.text("of", note);
                    count = None;
                }
                rest = text.slice(close + 2..text.text().len()).trim();
            }
        }
        let names = rest.split_list();
        if let Some(count) = count.filter(|count| names.len() > 1 && *count != names.len()) {
            let message = format!("the page counts {count}, the list has {}", names.len());
            self.note(&rules::MISCOUNTED, text.span(), message, &format!("/{}", field.member()));
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

// Units are parted by a slash without blanks around it.
fn split_units(line: &Piece) -> Vec<Piece> {
    let text = line.text();
    let mut units = Vec::new();
    let mut start = 0;
    for at in text.match_indices('/').map(|(at, _)| at).chain([text.len()]) {
        let tight = at == text.len() || !(text[..at].ends_with(is_space) || text[at + 1..].starts_with(is_space));
        if tight {
            let unit = line.slice(start..at).trim_matches(|c| is_space(c) || c == ',');
            if !unit.is_empty() {
                units.push(unit);
            }
            start = (at + 1).min(text.len());
        }
    }
    units
}

// Parts of a line that are numbers each; a mark that does not part two numbers stays.
fn split_numbers(value: &Piece) -> Vec<Piece> {
    // Longer than any line of numbers; the rest goes over the text again and again.
    const LINE: usize = 1000;
    let text = value.text();
    if text.len() > LINE {
        return vec![value.clone()];
    }
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let mut borders: Vec<(usize, usize)> = text.match_indices([',', ';', '|']).map(|(at, mark)| (at, at + mark.len())).collect();
    for word in [" or ", " and ", " / "] {
        borders.extend(text.match_indices(word).map(|(at, word)| (at, at + word.len())));
    }
    borders.sort_unstable();
    let mut numbers = Vec::new();
    let mut start = 0;
    for (at, behind) in borders {
        let next = text[behind..].find([',', ';', '|']).map_or(text.len(), |end| behind + end);
        if digits(&text[start..at]) >= 4
            && digits(&text[behind..next]) >= 4
            && find_extension(&text[start..next]).is_none_or(|(from, _)| start + from >= behind || start + from < at.saturating_sub(1))
        {
            numbers.push(value.slice(start..at).trim());
            start = behind;
        }
    }
    numbers.push(value.slice(start..text.len()).trim());
    numbers.retain(|number| !number.is_empty());
    numbers
}

// Where an extension begins, and its digits, at the end of a number.
fn find_extension(text: &str) -> Option<(usize, std::ops::Range<usize>)> {
    let text = text.trim_end_matches([')', '.']);
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let start = text.len() - digits;
    let before = text[..start].trim_end_matches([' ', '.', ':', '\u{a0}']);
    let lower = before.to_ascii_lowercase();
    let word = ["extension", "ext", "x"].iter().find(|word| lower.ends_with(**word))?;
    let at = before.len() - word.len();
    ((1..=9).contains(&digits) && lower[..at].ends_with(|c: char| !c.is_alphabetic())).then_some((at, start..text.len()))
}

// What a line without a label is, where it can only be one of the two.
fn bare_reach(line: &str) -> Option<Kind> {
    let words = line.split(is_space).filter(|word| !word.is_empty()).count();
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    if line.contains('@') && words == 1 {
        Some(Kind::Emails)
    } else if line.starts_with(['+', '[', '(']) && digits >= 6 && !line.contains(char::is_alphabetic) {
        Some(Kind::Telephones)
    } else {
        None
    }
}

// A number behind its prefix, in digits alone; as printed where it has anything but digits and what parts them.
fn international(prefix: &str, number: &str) -> String {
    if number.chars().all(|c| c.is_ascii_digit() || is_space(c) || matches!(c, '-' | '.' | '/' | '(' | ')')) {
        let digits = number.chars().filter(char::is_ascii_digit);
        prefix.chars().chain(digits).collect()
    } else {
        format!("{prefix} {number}")
    }
}

// A country code in brackets: the code, the area in its parentheses without a trunk zero, and the rest.
fn bracketed(text: &str) -> Option<(&str, &str, &str)> {
    let (code, rest) = text.strip_prefix('[')?.split_once(']')?;
    let code = code.trim().trim_start_matches('+');
    if code.is_empty() || code.len() > 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim();
    match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((area, rest)) if area.trim() == "0" => Some((code, "", rest.trim())),
        Some((area, rest)) if area.trim().bytes().all(|byte| byte.is_ascii_digit()) => Some((code, area.trim(), rest.trim())),
        _ => Some((code, "", rest)),
    }
}

// Where the last two words begin.
fn two_words(text: &str) -> Option<usize> {
    let last = text.rfind(' ')?;
    text[..last].rfind(' ').map(|at| at + 1)
}

// A member for a label nobody taught.
fn x_name(label: &str) -> String {
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

    #[test]
    fn extensions_are_found_at_the_end() {
        let found = |text: &'static str| find_extension(text).map(|(_, digits)| &text[digits]);
        assert_eq!(found("+1 212 963 1234 ext. 56"), Some("56"));
        assert_eq!(found("+1 212 963 1234 x5"), Some("5"));
        assert_eq!(found("+1 212 963 1234"), None);
        assert_eq!(bracketed("[358] (0) 18001"), Some(("358", "", "18001")));
    }
}
