//! Reads contacts: a list of persons or posts, each followed by its numbers and e-mail addresses.

use super::contact_points::bare_reach;
use super::record::{PageReader, x_name};
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, FieldKind, Label, fold};
use super::value::{Object, Value};
use chancery_core::diagnostic::{quote, rules};
use chancery_core::source::Span;

impl PageReader<'_> {
    pub(super) fn contacts(&mut self, section: &Section, field: &Field) {
        let mut contact: Option<Object> = None;
        // Persons named on one line, who share what stands below it.
        let mut together: Vec<Object> = Vec::new();
        let mut alone: Option<(FieldKind, Span)> = None;
        let role = field.purpose.clone().unwrap_or_else(|| "general".to_owned());
        for row in &section.rows {
            let piece = &row.piece;
            let reach = |label: &Label| self.form.field(label).kind.is_contact_point();
            let label = self.form.contact_label(piece.text()).or_else(|| self.form.label(piece.text()).filter(reach));
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
                let message =
                    format!("the label {} is not defined by the form {}", quote(label.text(), true), quote(&self.form.name, true));
                self.emit(&rules::UNKNOWN_LABEL, label.span(), message, &at).help =
                    Some(format!("kept as {name}; define the label in a form description (docs/handbook.md)"));
                if !value.is_empty() {
                    contact.put(&name, label.span(), Value::Text(piece.slice(value)));
                }
                continue;
            }
            if self.none(section.label.span(), piece) {
                continue;
            }
            let titled = self.form.honorific(piece.text()).is_some();
            // A page's end may part a contact in two: its person from the post, or its post from the numbers.
            let goes_on = contact.as_ref().is_some_and(|contact| {
                let bare = !["telephones", "faxes", "emails", "title", "units"].iter().any(|name| contact.get(name).is_some());
                bare && contact.get("name").is_some() && !self.is_person(piece.text())
            });
            let begun = |name: &str| contact.as_ref().is_some_and(|contact| contact.get(name).is_some());
            if contact.is_none() || (titled && ["name", "telephones", "faxes", "emails"].into_iter().any(begun)) || (row.gap && !goes_on) {
                if let Some(done) = contact.take() {
                    self.push_contacts(std::mem::take(&mut together), done, section, field);
                }
                for person in self.persons(piece) {
                    let mut begun = Self::new_contact(&role, section, person.span());
                    self.person(&mut begun, &person);
                    together.extend(contact.replace(begun));
                }
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
            self.push_contacts(together, done, section, field);
        }
    }

    /// A person under a label that is a post.
    pub(super) fn post_holder(&mut self, section: &Section, person: &SpannedText, role: &str) {
        let mut contact = Self::new_contact(role, section, person.span());
        self.person(&mut contact, person);
        contact.text("title", section.label.clone());
        self.push_contact(contact, section);
    }

    // The persons of a line: each begins with an honorific, the first too.
    fn persons(&self, line: &SpannedText) -> Vec<SpannedText> {
        let text = line.text();
        if self.form.honorific(text).is_none() {
            return vec![line.clone()];
        }
        let mut persons = Vec::new();
        let mut start = 0;
        for word in [" and ", " & ", "; ", ", ", " / "] {
            for (at, found) in text.match_indices(word) {
                let behind = at + found.len();
                if at > start
                    && self.form.honorific(&text[behind..]).is_some_and(|length| text[behind + length..].starts_with(char::is_uppercase))
                {
                    persons.push(line.slice(start..at).trim());
                    start = behind;
                }
            }
        }
        persons.push(line.slice(start..text.len()).trim());
        persons
    }

    // The last of several persons has got what they share: post and numbers.
    fn push_contacts(&mut self, together: Vec<Object>, mut last: Object, section: &Section, field: &Field) {
        if field.names && last.get("title").is_none() && last.get("name").is_some() {
            last.text("title", section.label.clone());
        }
        for mut person in together {
            for (name, label, value) in &last.members {
                if person.get(name).is_none() && !matches!(name.as_str(), "honorific_prefix" | "honorific_suffix") {
                    person.put(name, *label, value.shared());
                }
            }
            self.push_contact(person, section);
        }
        self.push_contact(last, section);
    }

    fn new_contact(role: &str, section: &Section, opening: Span) -> Object {
        let mut contact = Object::new(opening);
        contact.derived("role", role, section.label.span());
        contact
    }

    fn push_contact(&mut self, mut contact: Object, section: &Section) {
        const PARTS: [&str; 10] =
            ["role", "honorific_prefix", "name", "honorific_suffix", "title", "units", "display", "telephones", "faxes", "emails"];
        // Values that were none leave a role without anybody.
        if contact.members.len() < 2 {
            return;
        }
        contact.members.sort_by_key(|(name, ..)| PARTS.iter().position(|part| part == name).unwrap_or(PARTS.len()));
        self.record.list("contacts", section.label.span()).push(Value::Object(contact));
    }

    pub(super) fn is_person(&self, line: &str) -> bool {
        if self.form.honorific(line).is_some() {
            return true;
        }
        // `Jane Roe, Ph.D.`
        if let Some((before, behind)) = line.split_once(',')
            && self.is_suffix(behind)
        {
            return self.is_person(before);
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

    fn is_suffix(&self, text: &str) -> bool {
        let folded = fold(text.trim_matches(is_space));
        self.form.suffixes.iter().any(|suffix| fold(suffix) == folded)
    }

    // The first line of a contact: a person, or a post without one.
    fn person(&mut self, contact: &mut Object, line: &SpannedText) {
        if !self.is_person(line.text()) {
            return self.post(contact, line);
        }
        let mut name = line.clone();
        if let Some(length) = self.form.honorific(line.text()) {
            contact.text("honorific_prefix", line.slice(0..length).trim());
            name = line.slice(length..line.text().len());
        }
        // `Jane Roe (Legal Officer)`: the post in parentheses.
        if name.text().ends_with(')')
            && let Some(open) = name.text().rfind('(').filter(|open| *open > 0)
        {
            let inner = name.slice(open + 1..name.text().len() - 1).trim();
            let before = name.slice(0..open).trim();
            if !inner.is_empty() && !before.is_empty() && !self.is_person(inner.text()) {
                contact.text("name", before);
                return self.post(contact, &inner);
            }
        }
        if let Some(comma) = name.text().find(',') {
            let behind = name.slice(comma + 1..name.text().len()).trim();
            let before = name.slice(0..comma).trim();
            if behind.is_empty() {
                name = before;
            } else if self.is_suffix(behind.text()) {
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
    fn post(&mut self, contact: &mut Object, line: &SpannedText) {
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
        if let Some(first) = units.first().map(SpannedText::span) {
            contact.list("units", Span::at(first.start)).extend(units.into_iter().map(Value::Text));
        }
    }
}

// Units are parted by a slash without blanks around it.
fn split_units(line: &SpannedText) -> Vec<SpannedText> {
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
