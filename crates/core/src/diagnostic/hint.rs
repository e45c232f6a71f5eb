//! The nearest known word: "did you mean".
//!
//! Comparing a candidate costs about the same for all words. A [`Budget`] limits the number of candidates: one for a
//! record and one for a window of the input, so that the run time grows with the size of the input and not with the
//! product of wrong names and known names. When a budget is spent, findings have no suggestion. Budgets count
//! candidates, never time, so that the same input gives the same findings.

use std::cell::Cell;

/// Maximum number of candidates for the findings about one record.
pub const PER_RECORD: u64 = 100_000;
/// Maximum number of candidates for the findings about one window of the input, about 256 KiB.
pub const PER_WINDOW: u64 = 1_000_000;
/// Maximum number of candidates for one word.
pub const PER_WORD: usize = 5_000;

// Long words are cut, because a distance is computed in the bits of a machine word.
const LONGEST: usize = 64;

/// How many more candidates may be compared.
#[derive(Debug)]
pub struct Budget {
    remaining: Cell<u64>,
    total: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(PER_RECORD)
    }
}

impl Budget {
    /// A budget of that many candidates.
    #[must_use]
    pub fn new(candidates: u64) -> Self {
        Self { remaining: Cell::new(candidates), total: candidates }
    }

    /// How many candidates have been compared.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.total - self.remaining.get()
    }

    fn spend(&self) -> bool {
        let left = self.remaining.get();
        self.remaining.set(left.saturating_sub(1));
        left > 0
    }
}

/// The known word nearest to `word`, of those that `fits` accepts; the first of equally near ones. `fits` is called
/// only for words that are nearer than the previous ones.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>, fits: impl Fn(&str) -> bool, budget: &Budget) -> Option<&'k str> {
    let wanted = FoldedName::new(word);
    if wanted.length == 0 {
        return None;
    }
    // A third of the letters may be wrong, in words of one or two none.
    let within = wanted.length / 3;
    let mut best: Option<(usize, &str)> = None;
    for candidate in known.into_iter().take(PER_WORD) {
        if !budget.spend() {
            break;
        }
        if candidate == word {
            continue;
        }
        let plain = FoldedName::new(candidate);
        let limit = best.map_or(within, |(least, _)| least.saturating_sub(1).min(within));
        let begun = wanted.length >= 3 && (plain.starts_with(&wanted) || (plain.length >= 3 && wanted.starts_with(&plain)));
        let mut distance = if wanted.length.abs_diff(plain.length) <= limit { wanted.distance(&plain) } else { usize::MAX };
        // One name is a prefix of the other: `tel` for `telephone`.
        if distance > within && begun {
            distance = within;
        }
        if distance <= within && distance < plain.length && best.is_none_or(|(least, _)| distance < least) && fits(candidate) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, word)| word)
}

// The letters and digits of a word in lower case, at most `LONGEST`.
struct FoldedName {
    letters: [char; LONGEST],
    length: usize,
}

impl FoldedName {
    fn new(word: &str) -> Self {
        let mut plain = Self { letters: ['\0'; LONGEST], length: 0 };
        for letter in word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(LONGEST) {
            plain.letters[plain.length] = letter;
            plain.length += 1;
        }
        plain
    }

    fn letters(&self) -> &[char] {
        &self.letters[..self.length]
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.letters().starts_with(other.letters())
    }

    // The number of letters to insert, delete, change or swap with their neighbour (optimal string alignment). A column
    // of the table is a machine word (H. Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit
    // Distances, 2003).
    fn distance(&self, other: &Self) -> usize {
        if self.length == 0 || other.length == 0 {
            return self.length.max(other.length);
        }
        let last = 1_u64 << (self.length - 1);
        let (mut up, mut down, mut diagonal, mut before) = (u64::MAX, 0_u64, 0_u64, 0_u64);
        let mut distance = self.length;
        for letter in other.letters() {
            let same = self.letters().iter().enumerate().fold(0_u64, |bits, (at, own)| bits | (u64::from(own == letter) << at));
            let swapped = ((!diagonal & same) << 1) & before;
            diagonal = (((same & up).wrapping_add(up)) ^ up) | same | down | swapped;
            let (mut right, mut left) = (down | !(diagonal | up), diagonal & up);
            distance += usize::from(right & last != 0);
            distance -= usize::from(left & last != 0);
            right = (right << 1) | 1;
            left <<= 1;
            up = left | !(diagonal | right);
            down = right & diagonal;
            before = same;
        }
        distance
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            assert_eq!(nearest(word, known, |_| true, &Budget::default()), expected, "{word}");
        }
        assert_eq!(nearest("Names", known, |name| name != "names", &Budget::default()), Some("name"));
    }

    #[test]
    fn no_more_candidates_are_looked_at_than_the_budget_has() {
        let known: Vec<String> = (0..2_000).map(|number| format!("member{number:05}")).collect();
        let looked_at = |words: usize, known: usize| {
            let budget = Budget::new(PER_RECORD);
            for word in 0..words {
                let all = strings(known);
                let _ = nearest(&format!("membre{word:05}"), all.iter().map(String::as_str), |_| true, &budget);
            }
            budget.used()
        };
        assert_eq!(looked_at(10, 100), 1_000);
        assert!(looked_at(1_000, 1_000) <= PER_RECORD);
        assert!(looked_at(2_000, 2_000) <= PER_RECORD);
        let budget = Budget::new(5);
        assert_eq!(nearest("member00009", known.iter().map(String::as_str), |_| true, &budget).map(str::len), Some(11));
        assert_eq!(budget.used(), 5);
    }

    fn strings(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("member{number:05}")).collect()
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_table(one in "[a-cé]{0,70}", other in "[a-cé]{0,70}") {
            let (a, b) = (FoldedName::new(&one), FoldedName::new(&other));
            let cut = |word: &FoldedName| word.letters().iter().collect::<String>();
            prop_assert_eq!(a.distance(&b), strsim::osa_distance(&cut(&a), &cut(&b)));
        }
    }
}
