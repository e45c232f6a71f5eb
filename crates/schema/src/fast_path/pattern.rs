//! Patterns, most of which are tried as automata.
//!
//! Input: a pattern of ECMA 262 and the engine by which the validator would try it. Output: whether it is found in a string, as that
//! engine would say, or nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use regex::Regex;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, util::start};
use regex_syntax::hir::Look;

use super::Fallback;
use crate::Engine;
use crate::json_impl::InstanceRef;
use chancery_core::tree::Node;

/// A pattern, compiled for the first text.
pub(super) struct Pattern {
    text: Box<str>,
    // As a keyword.
    fallback: Arc<Fallback>,
    matcher: OnceLock<Matcher>,
}

/// What tries a pattern.
enum Matcher {
    Automaton(Box<Automaton>),
    Search(Regex),
    Fallback,
}

impl Pattern {
    /// A pattern of ECMA 262, and the keyword that it is in.
    pub(super) fn new(text: &str, fallback: Arc<Fallback>) -> Self {
        Self { text: text.into(), fallback, matcher: OnceLock::new() }
    }

    /// Whether the pattern is found in the string; `None` if only the validator can decide.
    pub(super) fn matches(&self, string: Node<'_>) -> Option<bool> {
        match self.matcher.get_or_init(|| Matcher::of(&self.text, self.fallback.engine)) {
            Matcher::Automaton(automaton) => automaton.matches(string.bytes()),
            // With some patterns the crate panics (github.com/rust-lang/regex, issue 1344); so the validator tries them, too.
            Matcher::Search(regex) => catch_unwind(AssertUnwindSafe(|| regex.is_match(string.text()))).ok(),
            Matcher::Fallback => self.fallback.holds(InstanceRef::Node(string)),
        }
    }
}

impl Matcher {
    // The engine that looks around also gives up, which the keyword knows what to make of.
    fn of(pattern: &str, engine: Engine) -> Self {
        let Ok(translated) = jsonschema_regex::to_rust_regex(pattern) else { return Self::Fallback };
        if engine == Engine::Linear || reads_alike(pattern) {
            if let Some(automaton) = Automaton::new(&translated) {
                return Self::Automaton(Box::new(automaton));
            }
            if let Ok(regex) = Regex::new(&translated) {
                return Self::Search(regex);
            }
        }
        Self::Fallback
    }
}

/// Reads a text byte by byte.
struct Automaton {
    table: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Automaton {
    // `None` for a pattern that cannot be one (it looks around), or of which it would be large.
    fn new(pattern: &str) -> Option<Self> {
        const LARGEST: usize = 1 << 14;
        let pattern = regex_syntax::parse(pattern).ok()?;
        let whole = thompson::Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(4 * LARGEST));
        let states = thompson::Compiler::new().configure(whole).build_from_hir(&pattern).ok()?;
        let begins = pattern.properties().look_set_prefix().contains(Look::Start);
        let (kind, anchored) = if begins { (StartKind::Anchored, Anchored::Yes) } else { (StartKind::Unanchored, Anchored::No) };
        let config = dense::Config::new().start_kind(kind).dfa_size_limit(Some(LARGEST)).determinize_size_limit(Some(4 * LARGEST));
        let table = dense::Builder::new().configure(config).build_from_nfa(&states).ok()?;
        let start = table.start_state(&start::Config::new().anchored(anchored)).ok()?;
        Some(Self { table, start })
    }

    // `None` if the automaton gives up.
    fn matches(&self, text: &[u8]) -> Option<bool> {
        let automaton = &self.table;
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

// Whether the engine that looks around takes a pattern for the same as the linear one. Possessive repetitions are its own, as
// are many escapes and groups; a second repetition, or a number that it does not know for one, it takes for letters.
fn reads_alike(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let repeats = |pair: &[u8]| matches!(pair, [b'*' | b'+' | b'}', b'*' | b'+' | b'{'] | [b'?', b'*' | b'+' | b'{' | b'?']);
    let is_count = |behind: &str| {
        let (count, _) = behind.split_once('}').unwrap_or_default();
        count.starts_with(|c: char| c.is_ascii_digit()) && count.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
    };
    let plain_escape = |behind: &str| {
        let plain = |c: char| c.is_ascii_punctuation() && !matches!(c, '<' | '>') || matches!(c, 'd' | 'D' | 'w' | 'W' | 's' | 'S');
        // Of two backslashes the second one begins an empty piece.
        behind.chars().next().is_none_or(plain)
    };
    !bytes.windows(2).any(repeats)
        && !pattern.contains("(*")
        && pattern.split('{').skip(1).all(is_count)
        && pattern.split("(?").skip(1).all(|behind| behind.starts_with(':'))
        && pattern.split('\\').skip(1).all(plain_escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::build_alone;
    use crate::json_impl::InstanceRef;

    const PATTERNS: [&str; 31] = [
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
        "^a.b$",
        "^.{2,3}$",
        "\\s",
        "^\\S(.{0,1}\\S)?$",
        "\\D",
        "^\\W+$",
        "^[^\\s\\u0000-\\u001f\\u007f]([^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f])?$",
        "^[\\S-]+$",
        "[a&&b]",
        "^[+--]$",
        "[a~~b]",
        "[[a]",
        "ä",
        "^[à-ö]+$",
        "\\x41",
        "^\\n|\\t$",
    ];

    #[test]
    fn what_looks_around_is_left() {
        for pattern in ["(?=a)", "(?<!a)b", "\\bx", "(a)\\1"] {
            assert!(Automaton::new(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn what_engines_read_differently_is_left() {
        for pattern in
            ["^a++a$", "a*+", "(?i)a", "\\h", "a{,3}", "\\\\\\e", "(?>a)", "^[ab]{2}{3}$", "a*{2}", "a??{2}", "^(ab){1, 3}$", "a{ 2}"]
        {
            assert!(matches!(Matcher::of(pattern, Engine::Bounded), Matcher::Fallback), "{pattern}");
        }
        assert!(matches!(Matcher::of("^(?:a\\.|\\\\|\\s)+$", Engine::Bounded), Matcher::Automaton(_)));
    }

    #[test]
    fn what_would_be_large_is_searched() {
        for pattern in ["(a|b)*a(a|b){20}", "^\\S(.{0,30}\\S)?$", "^\\p{L}+$"] {
            assert!(matches!(Matcher::of(pattern, Engine::Linear), Matcher::Search(_)), "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(chancery_core::property::cases(3000))]

        #[test]
        fn patterns_match_as_the_validator_has_them(
            which in 0..PATTERNS.len(),
            text in prop_oneof![
                "[a-d-]{0,6}",
                "[A-D/&-]{0,6}",
                "\\+?[0-9 ()-]{0,9}",
                "[a-c0-9ä._-]{0,5}",
                "x-\\PC{0,3}",
                "\\PC{0,4}\n?",
                "[ab\r\n\t\u{0}\u{7f}\u{a0}\u{2028}\u{3000}\u{feff}\u{85}à]{0,4}",
            ],
        ) {
            let Matcher::Automaton(pattern) = Matcher::of(PATTERNS[which], Engine::Linear) else { panic!("an automaton can be it") };
            let validator = build_alone(&json!({ "pattern": PATTERNS[which] }), false, Engine::Linear).expect("it is a schema");
            prop_assert_eq!(pattern.matches(text.as_bytes()), Some(validator.is_valid(InstanceRef::Name(&text))), "{} {:?}", PATTERNS[which], text);
        }
    }

    proptest! {
        #![proptest_config(chancery_core::property::cases(2000))]

        #[test]
        fn both_engines_agree(
            pattern in "\\^?((a|b|ä|\\.|\\\\s|\\\\S|\\\\w|\\\\D|\\\\n|\\\\\\.|\\[a-c\\]|\\[\\^a\\\\s-\\]|\\[\\+--\\]|\\(\\?:ab|c\\)|\\(a\\|b\\))(\\?|\\*|\\+|\\{2\\}|\\{1,3\\}|\\{,2\\}|\\{1, 2\\}|\\{2\\}\\{1,2\\}|\\*\\{2\\}|\\?\\?|\\*\\?|\\+\\+)?){1,4}\\$?",
            text in "[abcä.+, \r\n\u{2028}-]{0,5}|[abc]{1,2}(\\{(1, )?2\\})?b?",
        ) {
            for engine in [Engine::Linear, Engine::Bounded] {
                let Ok(validator) = build_alone(&json!({ "pattern": pattern }), false, engine) else { continue };
                let found = match Matcher::of(&pattern, engine) {
                    Matcher::Automaton(automaton) => automaton.matches(text.as_bytes()),
                    Matcher::Search(regex) => Some(regex.is_match(&text)),
                    Matcher::Fallback => None,
                };
                prop_assert!(found.is_none_or(|found| found == validator.is_valid(InstanceRef::Name(&text))), "{} {:?}", pattern, text);
            }
        }
    }
}
