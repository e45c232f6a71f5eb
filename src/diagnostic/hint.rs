//! The nearest of some known words: "did you mean".

/// The known word that `word` most likely stands for; the first of equally near ones.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let wanted = plain(word);
    // A third of the letters may be wrong, in words of one or two none. Long words are cut, since the distance costs their product.
    let longest = 64;
    let within = wanted.chars().count().min(longest) / 3;
    let cut = |text: String| text.chars().take(longest).collect::<String>();
    let wanted = cut(wanted);
    if wanted.is_empty() {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in known.into_iter().take(5000).filter(|candidate| *candidate != word) {
        let plain = cut(plain(candidate));
        let mut distance = strsim::osa_distance(&wanted, &plain);
        // One name begun by the other: `tel` for `telephone`.
        if distance > within && wanted.len() >= 3 && (plain.starts_with(&wanted) || (plain.len() >= 3 && wanted.starts_with(&plain))) {
            distance = within;
        }
        if distance <= within && distance < plain.chars().count() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word() {
        let known = ["name", "names", "telephones", "emails", "id", "start_date"];
        for (word, expected) in [
            ("nmae", Some("name")),
            ("Name", Some("name")),
            ("tel", Some("telephones")),
            ("email", Some("emails")),
            ("startDate", Some("start_date")),
            ("ix", None),
            ("colour", None),
            ("", None),
            ("?", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
