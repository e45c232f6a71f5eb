//! Texts that a pattern or a format takes.

use regex_syntax::hir::{Class, Hir, HirKind};

use chancery_schema::messages;

/// A longer text is not made.
const LONGEST: usize = 4096;

/// Some texts that match a pattern, short ones first, and one of at least `least` characters where there can be one; none
/// for a pattern that looks around.
pub fn matching(pattern: &str, least: usize) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let mut texts = Vec::new();
    for (extra, branch) in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 1), (5, 0), (least, 0)] {
        let mut text = String::new();
        write(&hir, extra, branch, &mut text);
        if text.len() <= LONGEST && !texts.contains(&text) {
            texts.push(text);
        }
    }
    // A pattern says nothing of what stands around what it matches, unless it has anchors.
    let padded: Vec<String> = texts
        .iter()
        .filter(|text| text.chars().count() < least && least <= LONGEST)
        .map(|text| format!("{text}{}", "x".repeat(least - text.chars().count())))
        .collect();
    texts.extend(padded);
    texts
}

/// A text in a format.
pub fn in_format(format: &str) -> Option<&'static str> {
    messages::format(format).1
}

fn write(hir: &Hir, extra: usize, branch: usize, text: &mut String) {
    if text.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(of_class(class)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.map_or(usize::MAX, |max| max as usize);
            let times = (repetition.min as usize).saturating_add(extra).min(most).min(LONGEST);
            for _ in 0..times {
                write(&repetition.sub, extra.min(1), branch, text);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, extra, branch, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, extra, branch, text)),
        HirKind::Alternation(parts) => {
            if let Some(part) = parts.get(branch.min(parts.len() - 1)) {
                write(part, extra, branch, text);
            }
        }
    }
}

// A character of a class, one that people can read if there is one.
fn of_class(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect(),
    };
    let plain = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("-_ .,:;/!?+*()[]{}@#$%&=<>\"'~^|\\`".chars());
    plain.into_iter().find(|c| ranges.iter().any(|(from, to)| from <= c && c <= to)).or_else(|| ranges.first().map(|(from, _)| *from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_their_pattern() {
        for pattern in [
            "^[a-z0-9]+(-[a-z0-9]+)*$",
            "^\\+[1-9][0-9]{5,14}$",
            "^(red|green)$",
            "a|b",
            "x{3}",
            "^$",
            "\\d{4}-\\d{2}",
            "[^a-zA-Z]",
            "^é+$",
            ".",
        ] {
            let regex = regex::Regex::new(pattern).expect("a pattern");
            let texts = matching(pattern, 7);
            assert!(!texts.is_empty(), "{pattern}");
            assert!(texts.iter().any(|text| regex.is_match(text)), "{pattern}: {texts:?}");
        }
        assert_eq!(matching("(?=a)b", 0), [""; 0]);
        assert!(matching("^[a-z]+$", 9).iter().any(|text| text.len() >= 9));
    }
}
