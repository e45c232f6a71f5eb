//! Reads a place: locality, region and country; of two seats the first, with a note on the other.

use super::record::PageReader;
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::Field;
use super::value::{Object, Value};
use chancery_core::diagnostic::{quote, rules};

impl PageReader<'_> {
    pub(super) fn place(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows);
        let mut place = Object::new(text.span());
        place.text("display", text.clone());
        let is_country = |part: &SpannedText| self.form.country(part.text()).is_some();
        // `Vienna (Austria)` has its country in parentheses; other parentheses hold a remark.
        let (mut bare, mut inner) = (text.clone(), None);
        if text.text().ends_with(')')
            && let Some(open) = text.text().rfind('(').filter(|open| *open > 0)
        {
            bare = text.slice(0..open).trim();
            inner = Some(text.slice(open + 1..text.text().len() - 1).trim()).filter(is_country);
        }
        let mut parts = bare.split(|c| matches!(c, ',' | ';'));
        parts.extend(inner);
        match &parts[..] {
            [one] if is_country(one) => place.text("country", one.clone()),
            // `Geneva and New York`.
            [one] if [" and ", " / ", " & "].iter().any(|word| one.text().contains(word)) => {
                let end = [" and ", " / ", " & "].iter().filter_map(|word| one.text().find(word)).min().unwrap_or(one.text().len());
                self.several_seats(&one.slice(end..one.text().len()).trim(), field);
                place.text("locality", one.slice(0..end));
            }
            [one] => place.text("locality", one.clone()),
            [locality, middle @ .., country] if is_country(country) && !middle.iter().any(is_country) && middle.len() <= 1 => {
                place.text("locality", locality.clone());
                if let [region] = middle {
                    place.text("region", region.clone());
                }
                place.text("country", country.clone());
            }
            // `Geneva, Switzerland, and New York, USA`.
            [locality, country, others @ ..] if is_country(country) && others.last().is_some_and(is_country) => {
                let others = text.slice(text.offset_of(&others[0]).unwrap_or(0)..text.text().len());
                self.several_seats(&others, field);
                place.text("locality", locality.clone());
                place.text("country", country.clone());
            }
            _ => {}
        }
        self.put(field.member(), section.label.span(), Value::Object(place));
    }

    fn several_seats(&mut self, others: &SpannedText, field: &Field) {
        let other = ["and ", "/ ", "& "].iter().find_map(|word| others.text().strip_prefix(word)).unwrap_or(others.text());
        let message = format!("the page names more than one seat; the first is taken, not {}", quote(other.trim_matches(is_space), true));
        self.emit(&rules::SEVERAL_SEATS, others.span(), message, &format!("/{}", field.member())).help =
            Some("the printed text is kept whole in display".to_owned());
    }
}
