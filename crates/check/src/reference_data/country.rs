//! Countries by name and by code.
//!
//! Codes and short names are those of ISO 3166-1; `countries.txt` adds names used in directories and calling codes.
//! Names are compared without case, accents, punctuation and a leading article.

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A country or territory with its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Country(&'static str);

struct Atlas {
    // By common name, so that most names need not be folded.
    usual: HashMap<&'static str, &'static str>,
    // By folded name. Each value is an alpha-2 code.
    names: HashMap<String, &'static str>,
    // By alpha-2 code.
    calling: HashMap<&'static str, &'static str>,
}

impl Country {
    /// The country of that name, or of that code in capitals.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let atlas = atlas();
        let capitals = name.len() <= 3 && name.bytes().all(|byte| byte.is_ascii_uppercase());
        let code = || capitals.then(|| Self::coded(name)).flatten();
        let folded = || atlas.names.get(&fold(name)).map(|code| Self(code));
        atlas.usual.get(name).map(|code| Self(code)).or_else(code).or_else(folded)
    }

    /// The country of that alpha-2 or alpha-3 code, in any case.
    #[must_use]
    pub fn coded(code: &str) -> Option<Self> {
        let mut letters = [0; 3];
        let code = code.trim().as_bytes();
        let letters = letters.get_mut(..code.len())?;
        letters.copy_from_slice(code);
        letters.make_ascii_uppercase();
        let code = std::str::from_utf8(letters).ok()?;
        match code.len() {
            2 => atlas().calling.get_key_value(code).map(|(code, _)| Self(code)),
            3 => rust_iso3166::from_alpha3(code).map(|country| Self(country.alpha2)),
            _ => None,
        }
    }

    /// The alpha-2 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// The short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        rust_iso3166::from_alpha2(self.0).map_or("Kosovo", |country| country.name)
    }

    /// The calling code, which several countries may share; `None` for uninhabited territories.
    #[must_use]
    pub fn calling_code(self) -> Option<&'static str> {
        atlas().calling.get(self.0).copied().filter(|code| *code != "-")
    }
}

fn atlas() -> &'static Atlas {
    static ATLAS: OnceLock<Atlas> = OnceLock::new();
    ATLAS.get_or_init(|| {
        let mut usual = HashMap::new();
        let mut names = HashMap::new();
        let mut calling = HashMap::new();
        for country in rust_iso3166::ALL {
            usual.insert(country.name, country.alpha2);
            names.insert(fold(country.name), country.alpha2);
        }
        // "Korea (Republic of)" is also called "Republic of Korea".
        for country in rust_iso3166::ALL {
            if let Some((base, rest)) = country.name.split_once(" (") {
                names.entry(fold(&format!("{} {base}", rest.trim_end_matches(')')))).or_insert(country.alpha2);
            }
        }
        for line in include_str!("countries.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.splitn(3, ' ');
            let (Some(code), Some(prefix)) = (parts.next(), parts.next()) else { continue };
            calling.insert(code, prefix);
            for name in parts.next().into_iter().flat_map(|names| names.split('|')) {
                usual.insert(name, code);
                names.insert(fold(name), code);
            }
        }
        Atlas { usual, names, calling }
    })
}

// Lower case, without accents and punctuation, one blank between words, without a leading article.
fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.nfd().filter(|c| !is_combining_mark(*c)) {
        if c == '&' {
            folded.push_str(" and ");
        } else if c.is_alphanumeric() {
            folded.extend(c.to_lowercase());
        } else if !matches!(c, '.' | '\'' | '’') && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.strip_prefix(&["the"]).unwrap_or(&words).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, code: Option<&str>) {
        assert_eq!(Country::named(name).map(Country::code), code, "{name}");
    }

    #[test]
    fn names_and_aliases() {
        for (name, code) in [
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("United States of America", "US"),
            ("uk", "GB"),
            ("Cote d'Ivoire", "CI"),
            ("Côte d’Ivoire", "CI"),
            ("Co\u{302}te d'Ivoire", "CI"),
            ("Viet Nam", "VN"),
            ("VIETNAM", "VN"),
            ("The Netherlands", "NL"),
            ("Republic of Korea", "KR"),
            ("Democratic People's Republic of Korea", "KP"),
            ("Democratic Republic of the Congo", "CD"),
            ("Congo", "CG"),
            ("Timor-Leste", "TL"),
            ("Bosnia & Herzegovina", "BA"),
            ("St. Lucia", "LC"),
            ("Kosovo", "XK"),
            ("AUT", "AT"),
            ("FR", "FR"),
        ] {
            check(name, Some(code));
        }
        for name in ["", "Korea", "Virgin Islands", "Atlantis", "fr", "New York, USA", "QQ"] {
            check(name, None);
        }
    }

    #[test]
    fn every_code_of_the_standard_is_listed_with_the_calling_code_of_the_numbering_plans() {
        for country in rust_iso3166::ALL {
            let region: rlibphonenumber::Region = country.alpha2.parse().expect("a region for each code");
            let known = rlibphonenumber::PHONE_NUMBER_UTIL.get_country_code_for_region(region);
            let listed = Country::coded(country.alpha2).unwrap_or_else(|| panic!("{}", country.alpha2)).calling_code();
            assert_eq!(listed.map(str::to_owned), known.map(|code| code.to_string()), "{}", country.alpha2);
            check(country.name, Some(country.alpha2));
        }
    }
}
