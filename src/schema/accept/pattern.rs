//! Patterns as automata: those that mean the same in ECMA 262 and in Rust's `regex`, which most patterns in use do.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, util::start};

/// An automaton that reads a text byte by byte.
pub(super) struct Pattern {
    automaton: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Pattern {
    /// The automaton of a pattern; `None` if the pattern is not plain, or the automaton large.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        const LARGEST: usize = 1 << 16;
        let config =
            dense::Config::new().start_kind(StartKind::Unanchored).dfa_size_limit(Some(LARGEST)).determinize_size_limit(Some(8 * LARGEST));
        let automaton = dense::Builder::new().configure(config).build(&portable(pattern)?).ok()?;
        let start = automaton.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        Some(Self { automaton, start })
    }

    /// Whether the pattern is found in the text; `None` where the automaton gives up.
    pub(super) fn matches(&self, text: &[u8]) -> Option<bool> {
        let automaton = &self.automaton;
        let mut state = self.start;
        for &byte in text {
            let next = automaton.next_state(state, byte);
            // Most bytes are one more of the same: the processor then need not wait for the state to look up the next.
            if next != state {
                state = next;
                if automaton.is_special_state(state) {
                    if automaton.is_match_state(state) {
                        return Some(true);
                    }
                    if automaton.is_dead_state(state) {
                        return Some(false);
                    }
                    if automaton.is_quit_state(state) {
                        return None;
                    }
                }
            }
        }
        Some(automaton.is_match_state(automaton.next_eoi_state(state)))
    }
}

// The pattern as `regex` reads it, if it has nothing that the two read differently: classes of letters, groups, repetitions,
// anchors; of the short classes those that ECMA 262 (section 22.2.2.9, CharacterClassEscape) limits to ASCII.
fn portable(pattern: &str) -> Option<String> {
    let mut portable = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let fits = match c {
            '\\' => {
                let escaped = rest.next()?;
                // A hyphen beside a class would make a range of its last letter.
                let alone = before != '-' && (rest.peek() != Some(&'-') || rest.clone().nth(1) == Some(']'));
                match (escaped, in_class) {
                    ('d', true) if alone => portable.push_str("0-9"),
                    ('d', false) => portable.push_str("[0-9]"),
                    ('w', true) if alone => portable.push_str("A-Za-z0-9_"),
                    ('w', false) => portable.push_str("[A-Za-z0-9_]"),
                    ('^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' | '-', _) => {
                        portable.extend(['\\', escaped]);
                    }
                    _ => return None,
                }
                before = ' ';
                continue;
            }
            '[' if !in_class => {
                in_class = true;
                next != Some(']')
            }
            ']' if in_class => {
                in_class = false;
                true
            }
            // Classes within classes, and sums and differences of classes, are not ECMA's.
            '[' => false,
            '&' | '~' | '-' if in_class => before != c,
            '^' if in_class => before != '[' || next != Some(']'),
            '(' if !in_class && next == Some('?') => {
                rest.next();
                rest.next_if_eq(&':')?;
                portable.push_str("(?:");
                before = ' ';
                continue;
            }
            // One more sign makes it greedy here and possessive elsewhere.
            '+' | '*' if !in_class => !matches!(before, '*' | '+' | '?' | '}'),
            '{' if !in_class => next.is_some_and(|c| c.is_ascii_digit()),
            '.' if !in_class => false,
            _ => c.is_ascii_graphic() || c == ' ',
        };
        if !fits {
            return None;
        }
        portable.push(c);
        before = c;
    }
    Some(portable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::schema::spanned::Instance;
    use crate::schema::{Engine, build_alone};

    const PLAIN: [&str; 15] = [
        "^[a-z0-9]+(-[a-z0-9]+)*$",
        "^[A-Z][A-Z0-9/&-]{1,15}$",
        "^\\+[0-9][0-9 ()-]{5,24}$",
        "^[A-Z]/[A-Z0-9/]+$",
        "^x-",
        "a|^b$",
        "",
        "^$",
        "\\d{2}$",
        "^[\\w-]+(?:\\.[\\w-]+)*$",
        "[^a-c]",
        "[^\\d-]",
        "^(a|ab)(c|bcd)$",
        "b+?",
        "^[-a]*$",
    ];

    #[test]
    fn what_reads_differently_is_left() {
        for pattern in [
            "a.b", "\\s", "\\D", "\\bx", "\\p{L}", "(?=a)", "(?i)a", "[a&&b]", "[a--b]", "[a~~b]", "[[a]", "[]", "[^]", "a{,3}", "ä",
            "\\x41", "[\\w-x]", "[+-\\w]", "(?<n>a)",
        ] {
            assert!(Pattern::new(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn large_automata_are_left() {
        assert!(Pattern::new("(a|b)*a(a|b){20}").is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn plain_patterns_match_as_the_validator_has_them(
            which in 0..PLAIN.len(),
            text in prop_oneof!["[a-d-]{0,6}", "[A-D/&-]{0,6}", "\\+?[0-9 ()-]{0,9}", "[a-c0-9ä._-]{0,5}", "x-\\PC{0,3}", "\\PC{0,4}\n?"],
        ) {
            let pattern = Pattern::new(PLAIN[which]).expect("it is plain");
            let validator = build_alone(&json!({ "pattern": PLAIN[which] }), false, Engine::Linear).expect("it is a schema");
            prop_assert_eq!(pattern.matches(text.as_bytes()), Some(validator.is_valid(Instance::Name(&text))), "{} {:?}", PLAIN[which], text);
        }
    }
}
