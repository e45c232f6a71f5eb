//! Reads a place: locality, region and country; of two seats the first, with a note on the other.

use super::record::PageReader;
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::Field;
use super::value::{Object, Value};
use crate::diagnostic::{quote, rules};

impl PageReader<'_> {
    pub(super) fn place(&mut self, section: &Section, field: &Field) {
        let text = self.joined(&section.rows);
        let mut place = Object::new(text.span());
        place.text("display", text.clone());
        let parts = text.split(|c| matches!(c, ',' | ';'));
        let is_country = |part: &SpannedText| self.form.country(part.text()).is_some();
        match &parts[..] {
            [one] if is_country(one) => place.text("country", one.clone()),
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
                let other = others.text().strip_prefix("and ").unwrap_or(others.text()).trim_matches(is_space);
                let message = format!("the page names more than one seat; the first is taken, not {}", quote(other, true));
                self.emit(&rules::SEVERAL_SEATS, others.span(), message, &format!("/{}", field.member())).help =
                    Some("the printed text is kept whole in display".to_owned());
                place.text("locality", locality.clone());
                place.text("country", country.clone());
            }
            _ => {}
        }
        self.put(field.member(), section.label.span(), Value::Object(place));
    }
}
