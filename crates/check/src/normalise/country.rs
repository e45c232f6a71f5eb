//! Countries: the two-letter code in capitals, from a code in another form or from the name beside it.

use crate::reference_data::Country;

/// The country code of `text`, which is a code or a name.
#[must_use]
pub fn normal(text: &str) -> Option<&'static str> {
    Country::coded(text).or_else(|| Country::named(text)).map(Country::code)
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        for (text, expected) in [("us", Some("US")), ("USA", Some("US")), ("France", Some("FR")), ("QQ", None), ("", None)] {
            assert_eq!(super::normal(text), expected, "{text}");
        }
    }
}
