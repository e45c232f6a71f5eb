//! Keeps the most important findings of a run in bounded memory, for reports whose readers take no more.
//!
//! Errors come before warnings before advice; within one severity the first finding of each rule comes before all others,
//! so that no rule is crowded out by another; then the order of the input counts. What is not kept is counted by rule.
//! A finding that says the same at the same place for many records, such as an unknown column at its header cell, is kept
//! once with a count. Kept is what a report drew of a finding, not the finding, which would keep its whole window of input.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::fold::Saying;
use crate::diagnostic::{Diagnostic, Rule, Severity};

/// The most important findings, as a report drew them.
#[derive(Debug)]
pub struct Important<T> {
    most: usize,
    room: usize,
    taken: usize,
    kept: BTreeMap<Rank, Kept<T>>,
    // Where something had to go, nothing of the same or of less importance comes in any more: what is kept is exactly
    // what is most important, also when a smaller finding would still have found room.
    closed: Option<(Reverse<Severity>, bool)>,
    seen: BTreeMap<(Reverse<Severity>, &'static str), u64>,
    sayings: BTreeMap<Saying, Rank>,
    number: u64,
}

// Importance: severity, whether another finding of the rule came before, number in the input.
type Rank = (Reverse<Severity>, bool, u64);

/// A finding that is kept.
#[derive(Debug)]
pub struct Kept<T> {
    /// The rule that speaks.
    pub rule: &'static Rule,
    /// How grave it is.
    pub severity: Severity,
    /// How often it was made at this place.
    pub times: u64,
    /// What was drawn of it.
    pub drawn: T,
    size: usize,
}

/// How many findings of one rule are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// How grave they are.
    pub severity: Severity,
    /// The rule's code.
    pub code: &'static str,
    /// How many.
    pub count: u64,
}

impl<T> Important<T> {
    /// Keeps at most so many findings, and at most so much of them as `room` says, in the unit that [`Important::take`] is
    /// told sizes in.
    #[must_use]
    pub fn new(most: usize, room: usize) -> Self {
        Self { most, room, taken: 0, kept: BTreeMap::new(), closed: None, seen: BTreeMap::new(), sayings: BTreeMap::new(), number: 0 }
    }

    /// Counts a finding and, where it is important enough, keeps what `draw` makes of it, with its size.
    pub fn take(&mut self, diagnostic: &Diagnostic, draw: impl FnOnce() -> (T, usize)) {
        let (rule, severity) = (diagnostic.rule, diagnostic.severity);
        let seen = self.seen.entry((Reverse(severity), rule.code)).or_default();
        *seen += 1;
        let rank = (Reverse(severity), *seen > 1, self.number);
        self.number += 1;
        if let Some((saying, _)) = Saying::of(diagnostic) {
            if let Some(first) = self.sayings.get(&saying) {
                if let Some(kept) = self.kept.get_mut(first) {
                    kept.times += 1;
                }
                return;
            }
            self.sayings.insert(saying, rank);
        }
        if self.closed.is_some_and(|closed| closed <= (rank.0, rank.1)) {
            return;
        }
        let (drawn, size) = draw();
        self.taken += size;
        self.kept.insert(rank, Kept { rule, severity, times: 1, drawn, size });
        while self.kept.len() > self.most || self.taken > self.room {
            let Some(((severity, again, _), gone)) = self.kept.pop_last() else { break };
            self.taken -= gone.size;
            self.closed = Some((severity, again));
        }
    }

    /// How many findings there were, by severity and code: the gravest first.
    pub fn seen(&self) -> impl Iterator<Item = (Severity, &'static str, u64)> + '_ {
        self.seen.iter().map(|((Reverse(severity), code), count)| (*severity, *code, *count))
    }

    /// What is not kept, by severity and code: the gravest first.
    #[must_use]
    pub fn rest(&self) -> Vec<Rest> {
        let mut left = self.seen.clone();
        for kept in self.kept.values() {
            if let Some(count) = left.get_mut(&(Reverse(kept.severity), kept.rule.code)) {
                *count -= kept.times;
            }
        }
        let rest = left.into_iter().filter(|(_, count)| *count > 0);
        rest.map(|((Reverse(severity), code), count)| Rest { severity, code, count }).collect()
    }

    /// What is kept, the most important first.
    pub fn by_importance(&self) -> impl DoubleEndedIterator<Item = &Kept<T>> {
        self.kept.values()
    }

    /// What is kept, in the order of the input.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Kept<T>> {
        let mut kept: Vec<_> = self.kept.iter().collect();
        kept.sort_unstable_by_key(|((.., number), _)| *number);
        kept.into_iter().map(|(_, kept)| kept).collect()
    }

    /// Leaves out the least important finding that is kept, and gives it back.
    pub fn drop_last(&mut self) -> Option<Kept<T>> {
        let (_, gone) = self.kept.pop_last()?;
        self.taken -= gone.size;
        Some(gone)
    }
}

/// The rest in words, `and 132 more errors: S104 wrong-format 90, ...`; `None` where there is none.
#[must_use]
pub fn rest_in_words(rest: &[Rest]) -> Option<String> {
    const MOST: usize = 10;
    let numbers =
        [(Severity::Error, "error", "errors"), (Severity::Warning, "warning", "warnings"), (Severity::Advice, "advice", "advice")];
    let of = |severity: Severity| rest.iter().filter(|rest| rest.severity == severity).map(|rest| rest.count).sum::<u64>();
    let numbers: Vec<String> = numbers
        .iter()
        .map(|(severity, one, many)| (of(*severity), one, many))
        .filter(|(count, ..)| *count > 0)
        .enumerate()
        .map(|(at, (count, one, many))| format!("{count} {}{}", if at == 0 { "more " } else { "" }, if count == 1 { one } else { many }))
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    rest.iter().for_each(|rest| *rules.entry(rest.code).or_default() += rest.count);
    let mut rules: Vec<(&str, u64)> = rules.into_iter().collect();
    rules.sort_by_key(|(_, count)| Reverse(*count));
    let named = |(code, count): &(&str, u64)| match crate::diagnostic::rules::find(code) {
        Some(rule) => format!("{code} {} {count}", rule.name),
        None => format!("{code} {count}"),
    };
    let mut list: Vec<String> = rules.iter().take(MOST).map(named).collect();
    if rules.len() > MOST {
        let others: u64 = rules[MOST..].iter().map(|(_, count)| count).sum();
        list.push(format!("{} other rules {others}", rules.len() - MOST));
    }
    Some(format!("and {}: {}", numbers.join(", "), list.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::rules;
    use crate::source::{Position, Source, Span};

    fn note(rule: &'static Rule) -> Diagnostic {
        Diagnostic::new(rule, &Arc::new(Source::whole("a.json", "x")), Span::new(0, 1), "m")
    }

    // Takes findings named by letters (E and F are rules of severity error, W a warning, A an advice) and gives what is kept.
    fn kept(most: usize, room: usize, letters: &str) -> (String, u64) {
        let mut important = Important::new(most, room);
        for (at, letter) in letters.chars().enumerate() {
            let rule = match letter {
                'E' => &rules::WRONG_FORMAT,
                'F' => &rules::MISSING_MEMBER,
                'W' => &rules::SHORT_ROW,
                _ => &rules::URL_FORM,
            };
            important.take(&note(rule), || (format!("{letter}{at}"), 2));
        }
        let drawn: Vec<&str> = important.by_importance().map(|kept| kept.drawn.as_str()).collect();
        let rest = important.rest().iter().map(|rest| rest.count).sum();
        (drawn.join(" "), rest)
    }

    #[test]
    fn errors_before_warnings_and_each_rule_before_repetition() {
        assert_eq!(kept(9, 99, "AWEEF"), ("E2 F4 E3 W1 A0".into(), 0));
        assert_eq!(kept(3, 99, "AWEEF"), ("E2 F4 E3".into(), 2));
        assert_eq!(kept(2, 99, "EEEEF"), ("E0 F4".into(), 3));
        assert_eq!(kept(9, 5, "AWEEF"), ("E2 F4".into(), 3));
        assert_eq!(kept(0, 99, "AWE"), (String::new(), 3));
        assert_eq!(kept(9, 1, "AWE"), (String::new(), 3));
    }

    #[test]
    fn what_is_less_important_never_takes_the_place_of_what_had_to_go() {
        let mut important = Important::new(9, 10);
        for (size, rule) in [(4, &rules::WRONG_FORMAT), (4, &rules::WRONG_FORMAT), (4, &rules::WRONG_FORMAT), (1, &rules::WRONG_FORMAT)] {
            important.take(&note(rule), || (size, size));
        }
        important.take(&note(&rules::SHORT_ROW), || (1, 1));
        assert_eq!(important.by_importance().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 4]);
        important.take(&note(&rules::MISSING_MEMBER), || (2, 2));
        assert_eq!(important.by_importance().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 2, 4]);
        assert_eq!(important.in_order().iter().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 4, 2]);
    }

    #[test]
    fn what_stands_at_one_place_for_many_records_is_kept_once() {
        let mut source = Source::whole("t.csv", "a,zz\n");
        source.append("t.csv", "1,2\n", Position { byte: 900, line: 101, column: 1 });
        let unknown = Diagnostic::new(&rules::UNKNOWN_MEMBER, &Arc::new(source), Span::new(2, 4), "unknown member \"zz\"");
        let mut important = Important::new(2, 99);
        (0..5).for_each(|at| important.take(&unknown, || (at, 1)));
        assert_eq!(important.by_importance().map(|kept| (kept.drawn, kept.times)).collect::<Vec<_>>(), [(0, 5)]);
        assert_eq!(important.rest(), []);
        important.drop_last();
        assert_eq!(rest_in_words(&important.rest()).as_deref(), Some("and 5 more errors: S102 unknown-member 5"));
    }

    #[test]
    fn the_rest_in_words() {
        let rest = |severity, code, count| Rest { severity, code, count };
        assert_eq!(rest_in_words(&[]), None);
        let all = [rest(Severity::Error, "S101", 1), rest(Severity::Error, "S104", 90), rest(Severity::Advice, "N103", 7)];
        assert_eq!(
            rest_in_words(&all).as_deref(),
            Some("and 91 more errors, 7 advice: S104 wrong-format 90, N103 url-form 7, S101 missing-member 1")
        );
    }
}
