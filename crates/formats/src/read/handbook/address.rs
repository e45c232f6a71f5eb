//! Reads addresses: the printed lines, and the parts of them that are certain.

use super::record::PageReader;
use super::sections::Section;
use super::spanned_text::{SOFT, SpannedText, is_space};
use super::template::{Field, Lines, fold};
use super::value::{Object, Value};
use chancery_core::diagnostic::rules;

/// Parts of an address in the order in which they are given.
const ADDRESS_PARTS: [&str; 9] =
    ["recipient", "unit", "post_office_box", "street_address", "extended_address", "locality", "region", "postal_code", "country"];

impl PageReader<'_> {
    pub(super) fn address(&mut self, section: &Section, field: &Field) {
        let mut lines: Vec<SpannedText> = Vec::new();
        if field.lines == Lines::Wrapped {
            lines.push(self.joined(&section.rows));
        } else {
            for row in &section.rows {
                if row.gap && !lines.is_empty() {
                    self.seam(&row.piece, "/addresses");
                }
                match lines.last_mut() {
                    // `New` and `York, NY 10017`: a line that ends inside a name.
                    Some(last) if self.form.name_openings.iter().any(|word| word == last.text()) || last.text().ends_with(SOFT) => {
                        last.join(&row.piece);
                    }
                    _ => lines.push(row.piece.clone()),
                }
            }
        }
        let mut address = Object::new(lines[0].span());
        if let Some(purpose) = &field.purpose {
            address.derived("kind", purpose.clone(), section.label.span());
        } else if !section.label.is_empty() {
            address.put("label", section.label.span(), Value::Text(section.label.clone()));
        }
        address.put("lines", lines[0].span(), Value::List(lines.iter().cloned().map(Value::Text).collect()));
        self.address_parts(&mut address, &lines);
        self.record.list("addresses", section.label.span()).push(Value::Object(address));
    }

    // The parts of an address, from its end: country, town, then street and what is before it. No part where it is not sure.
    fn address_parts(&mut self, address: &mut Object, lines: &[SpannedText]) {
        let bare = |piece: &SpannedText| piece.trim_matches(|c| is_space(c) || matches!(c, ',' | ';'));
        // One line holds what others print on several; the last comma-parted line may be town and country.
        let one_line = lines.len() == 1;
        let mut parts: Vec<SpannedText> = if one_line { lines[0].split(|c| c == ',') } else { lines.iter().map(bare).collect() };
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
        let implied = self.form.towns.iter().find(|town| town.implies.is_some() && town.pattern.0.is_match(last.text()));
        let code = match (&country, implied) {
            (Some(country), _) => self.form.country(country.text()).unwrap_or_default(),
            (None, Some(town)) => town.implies.as_deref().unwrap_or_default(),
            (None, None) => self.form.default_country.as_deref().unwrap_or_default(),
        };
        if code.is_empty() {
            return;
        }
        let mut members: Vec<(&str, SpannedText)> = Vec::new();
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
            parts.push(last.clone());
        }
        // A code may stand alone on the line above its town, or below it.
        let alone = |member: &str, part: &SpannedText| {
            let mut codes = self.form.towns.iter().filter(|town| town.pattern.0.capture_names().flatten().all(|name| name == member));
            codes.any(|town| town.pattern.0.is_match(part.text()))
        };
        let other = match &members[..] {
            [("locality", _)] => Some("postal_code"),
            [("postal_code", _)] => Some("locality"),
            _ => None,
        };
        if let Some(member) = other
            && parts.last().is_some_and(|part| alone(member, part))
            && let Some(part) = parts.pop()
        {
            members.push((member, part));
        }
        self.street_parts(&mut parts, &mut members);
        if let Some(country) = country {
            members.push(("country", country));
        } else {
            let message = format!("the address names no country; its code is supplied: {code}");
            self.emit(&rules::COUNTRY_SUPPLIED, last.span(), message, &format!("/addresses/{}", self.record.count("addresses")));
            address.derived("country_code", code, last.span());
        }
        members.sort_by_key(|(name, _)| ADDRESS_PARTS.iter().position(|part| part == name));
        for (name, piece) in members {
            address.text(name, piece);
        }
    }

    fn street_parts(&self, parts: &mut Vec<SpannedText>, members: &mut Vec<(&'static str, SpannedText)>) {
        let own = ["name", "acronym"].map(|member| match self.record.get(member) {
            Some(Value::Text(text)) => fold(text.text()),
            _ => String::new(),
        });
        let named = parts.first().is_some_and(|part| own.iter().any(|own| !own.is_empty() && fold(part.text()) == *own));
        if named {
            members.push(("recipient", parts.remove(0)));
        }
        let mut take = |parts: &mut Vec<SpannedText>, member: &'static str, pattern: &regex::Regex| {
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
        // What is alone between the body's name and the street is its unit.
        if let (true, Some(1), [unit]) = (named, street, &parts[..]) {
            members.push(("unit", unit.clone()));
        }
    }
}

// Where the last two words begin.
fn two_words(text: &str) -> Option<usize> {
    let last = text.rfind(' ')?;
    text[..last].rfind(' ').map(|at| at + 1)
}
