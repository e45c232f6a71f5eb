//! Reads the contact points of a body or a person: telephone and fax numbers, e-mail and web addresses.

use super::record::{PageReader, x_name};
use super::rows::Row;
use super::sections::Section;
use super::spanned_text::{SpannedText, is_space};
use super::template::{Field, FieldKind};
use super::value::{Object, Value};
use chancery_core::diagnostic::{quote, rules};
use chancery_core::source::Span;

impl PageReader<'_> {
    // Numbers and mail addresses under a label; other such labels may follow on the same line.
    pub(super) fn reach(&mut self, target: &mut Object, kind: FieldKind, label: Span, value: &SpannedText, office: Option<&SpannedText>) {
        // No label is longer, and none is looked for after so much text.
        const LABEL: usize = 80;
        const LINE: usize = 4000;
        let text = value.text();
        let parts = |c: char| is_space(c) || matches!(c, ',' | ';' | '/' | '|');
        let mut borders = vec![(0, kind, label, 0)];
        for (at, _) in text.char_indices().skip(1).take_while(|(at, _)| *at < LINE).filter(|(at, _)| text[..*at].ends_with(parts)) {
            let near = &text[at..text.ceil_char_boundary((at + LABEL).min(text.len()))];
            if let Some(found) = self.form.contact_label(near).filter(|_| !near.starts_with(is_space)) {
                let words = value.slice(at + found.words.start..at + found.words.end).span();
                borders.push((at, self.form.field(&found).kind, words, at + found.value.start));
            }
        }
        for (number, &(_, kind, label, start)) in borders.iter().enumerate() {
            let end = borders.get(number + 1).map_or(text.len(), |next| next.0);
            // A label inside of another, as `Tel` in `Tel Fax: 1`, has no value.
            let own = value.slice(start.min(end)..end).trim_matches(|c| is_space(c) || matches!(c, ',' | ';' | '|' | '/'));
            let own = match kind {
                FieldKind::Telephones | FieldKind::Faxes if own.text().ends_with('.') => own.slice(0..own.text().len() - 1),
                _ => own,
            };
            match kind {
                _ if own.is_empty() => self.empty(label),
                _ if self.none(label, &own) => {}
                FieldKind::Telephones => self.numbers(target, "telephones", label, &own, office),
                FieldKind::Faxes => self.numbers(target, "faxes", label, &own, office),
                FieldKind::Emails => self.mails(target, label, &own),
                _ => self.unread(&own, "a number or a mail address"),
            }
        }
    }

    fn numbers(&mut self, target: &mut Object, member: &str, label: Span, value: &SpannedText, office: Option<&SpannedText>) {
        let mut country: Option<String> = None;
        // The last number with a country code, whose first digits hold for an ending after it.
        let mut whole: Option<(String, String)> = None;
        for entry in split_numbers(value) {
            let mut phone = Object::new(entry.span());
            let mut number = entry.clone();
            let mut note = None;
            if number.text().ends_with(')')
                && let Some(open) = number.text().rfind('(')
                && number.text()[open..].chars().any(char::is_alphabetic)
            {
                note = Some(number.slice(open + 1..number.text().len() - 1).trim());
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
            let ended = whole.as_ref().and_then(|(whole, printed)| with_ending(whole, printed, number.text()));
            if let Some(number) = ended {
                phone.put("number", Span::at(printed.start), Value::Written(number, printed));
                phone.text("display", entry.clone());
                target.list(member, label).push(Value::Object(phone));
                continue;
            }
            whole = number.text().starts_with('+').then(|| (international("+", number.text()), number.text().to_owned()));
            match bracketed(number.text()) {
                // With the country code printed nothing is left to guess: the number is all its digits after a plus. The code
                // holds for the numbers that follow without one.
                // More than one number, such as a range.
                Some((_, _, rest)) if !is_plain(rest) => phone.text("number", number),
                Some((code, area, rest)) => {
                    let text = international(&format!("+{code}{area}"), rest);
                    country = Some(format!("+{code}{area}"));
                    phone.put("number", Span::at(printed.start), Value::Written(text, printed));
                    phone.text("display", entry.clone());
                }
                None => match &country {
                    Some(prefix) if !number.text().starts_with('+') && is_plain(number.text()) => {
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
            if let Some(note) = note.or_else(|| office.cloned()) {
                phone.text("label", note);
            }
            target.list(member, label).push(Value::Object(phone));
        }
    }

    fn mails(&mut self, target: &mut Object, label: Span, value: &SpannedText) {
        if let Some(guard) = self.form.mail_guards.iter().find(|guard| guard.0.is_match(value.text())) {
            let found = guard.0.find(value.text()).map_or(0..value.text().len(), |found| found.range());
            // Addresses beside the guard are read all the same.
            if !value.text().contains('@') || found.len() == value.text().len() || value.split(|c| matches!(c, ',' | ';')).len() < 2 {
                let message = format!("expected an e-mail address, found an obfuscated one: {}", quote(value.text(), true));
                self.emit(&rules::GUARDED_EMAIL, value.span(), message, "").help = Some("write it as name@domain".to_owned());
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

    pub(super) fn websites(&mut self, section: &Section, field: &Field) {
        let is_url = |row: &Row| row.piece.text().contains("://") || row.piece.text().contains('.');
        if field.names && !section.rows.iter().any(is_url) {
            // The name of an account, without an address.
            let text = self.joined(&section.rows);
            return self.put(&x_name(section.label.text()), section.label.span(), Value::Text(text));
        }
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
                    if field.names {
                        website.text("label", section.label.clone());
                    }
                    self.record.list("websites", section.label.span()).push(Value::Object(website));
                } else if !url.is_empty() && !matches!(url.text(), "and" | "or" | "/") {
                    self.unread(&part, "a web address");
                }
            }
        }
    }
}

// What a line without a label is, where it can only be one of the two.
pub(super) fn bare_reach(line: &str) -> Option<FieldKind> {
    let words = line.split(is_space).filter(|word| !word.is_empty()).count();
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    if line.contains('@') && words == 1 {
        Some(FieldKind::Emails)
    } else if line.starts_with(['+', '[', '(']) && digits >= 6 && !line.contains(char::is_alphabetic) {
        Some(FieldKind::Telephones)
    } else {
        None
    }
}

// Whether there is nothing but digits and what parts them, as many as one number may have.
fn is_plain(number: &str) -> bool {
    number.chars().all(|c| c.is_ascii_digit() || is_space(c) || matches!(c, '-' | '.' | '/' | '(' | ')'))
        && number.bytes().filter(u8::is_ascii_digit).count() <= 12
}

// `4276` after `+41 22 555 4275`, `457-1854` after `+1 (212) 457-1712`: the number with another ending, which is written as the end of
// the one before.
fn with_ending(whole: &str, printed: &str, ending: &str) -> Option<String> {
    const SHORTEST: usize = 2;
    let shape = |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let digits: String = ending.chars().filter(char::is_ascii_digit).collect();
    let is_ending = ending.starts_with(|c: char| c.is_ascii_digit()) && !ending.contains(char::is_alphabetic);
    let head = shape(printed).strip_suffix(&shape(ending))?.len();
    // Of four digits the last two may be meant; more of them are parted as in the number before.
    let fits = digits.len() <= 4 || !printed[..head].ends_with(|c: char| c.is_ascii_digit());
    let start = whole
        .len()
        .checked_sub(digits.len())
        .filter(|start| is_ending && fits && digits.len() >= SHORTEST && *start > digits.len().min(4))?;
    Some(format!("{}{digits}", &whole[..start]))
}

// A plain number after its prefix, in digits alone.
fn international(prefix: &str, number: &str) -> String {
    prefix.chars().chain(number.chars().filter(char::is_ascii_digit)).collect()
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

// Parts of a line that are numbers each; a mark that does not part two numbers stays.
fn split_numbers(value: &SpannedText) -> Vec<SpannedText> {
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
        // The other ending of a number may be short.
        let ending = text[..behind].trim_end().ends_with('/')
            && (2..=4).contains(&digits(text[behind..next].trim()))
            && digits(&text[start..at]) >= 8;
        if digits(&text[start..at]) >= 4
            && (digits(&text[behind..next]) >= 4 || ending)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_at_the_end() {
        let found = |text: &'static str| find_extension(text).map(|(_, digits)| &text[digits]);
        assert_eq!(found("+1 212 963 1234 ext. 56"), Some("56"));
        assert_eq!(found("+1 212 963 1234 x5"), Some("5"));
        assert_eq!(found("+1 212 963 1234"), None);
        assert_eq!(bracketed("[358] (0) 18001"), Some(("358", "", "18001")));
    }
}
