//! Values of an enumeration in another spelling: `Focal Point` for `focal_point`.

/// The only choice that equals `text` except for case, blanks, hyphens and underscores; `None` if it is a choice itself.
#[must_use]
pub fn normal<'c>(text: &str, choices: &'c [Box<str>]) -> Option<&'c str> {
    if choices.iter().any(|choice| **choice == *text) {
        return None;
    }
    let folded = fold(text);
    let mut fitting = choices.iter().filter(|choice| fold(choice) == folded);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn fold(text: &str) -> String {
    text.trim().chars().filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        let choices = ["focal_point", "head", "II", "ii", "co_lead"].map(Box::from);
        for (text, expected) in [
            ("Focal Point", Some("focal_point")),
            ("FOCAL_POINT", Some("focal_point")),
            ("Co-Lead", Some("co_lead")),
            ("head", None),
            ("Ii", None),
            ("leader", None),
            ("", None),
        ] {
            assert_eq!(super::normal(text, &choices), expected, "{text}");
        }
    }
}
