//! Keeps the most important findings of a run in bounded memory, for reports with limits.
//!
//! Errors come before warnings before notes; within one severity, the first finding of each rule comes before all
//! others, so that no rule is crowded out; then input order applies. Omitted findings are counted by rule. Repeated
//! findings at one location, such as an unknown column at its header cell, are kept once with a count. What is kept is
//! the rendered finding, not the finding itself, which would keep its whole window of input.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::group::FindingGroup;
use chancery_core::diagnostic::{Diagnostic, Rule, Severity};

/// The most important findings, as rendered by a report.
#[derive(Debug)]
pub struct TopFindings<T> {
    most: usize,
    room: usize,
    taken: usize,
    kept: BTreeMap<Rank, Kept<T>>,
    // Once something was dropped, nothing of the same or lower importance is accepted: the kept findings are exactly
    // the most important ones, even if a smaller finding would still fit.
    closed: Option<(Reverse<Severity>, bool)>,
    seen: BTreeMap<(Reverse<Severity>, &'static str), u64>,
    groups: BTreeMap<FindingGroup, Rank>,
    number: u64,
}

// Importance: severity, whether another finding of the rule came before, index in the input.
type Rank = (Reverse<Severity>, bool, u64);

/// A finding that is kept.
#[derive(Debug)]
pub struct Kept<T> {
    /// The rule.
    pub rule: &'static Rule,
    /// Its severity.
    pub severity: Severity,
    /// How often it occurred at this location.
    pub times: u64,
    /// Its rendered form.
    pub drawn: T,
    size: usize,
}

/// How many findings of one rule are omitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OmittedGroup {
    /// Their severity.
    pub severity: Severity,
    /// The rule's code.
    pub code: &'static str,
    /// How many.
    pub count: u64,
}

impl<T> TopFindings<T> {
    /// Keeps at most this many findings with a total size of at most `room`, in the unit of the sizes passed to
    /// [`TopFindings::take`].
    #[must_use]
    pub fn new(most: usize, room: usize) -> Self {
        Self { most, room, taken: 0, kept: BTreeMap::new(), closed: None, seen: BTreeMap::new(), groups: BTreeMap::new(), number: 0 }
    }

    /// Counts a finding and, if it is important enough, keeps the result of `draw`, with its size.
    pub fn take(&mut self, diagnostic: &Diagnostic, draw: impl FnOnce() -> (T, usize)) {
        let (rule, severity) = (diagnostic.rule, diagnostic.severity);
        let seen = self.seen.entry((Reverse(severity), rule.code)).or_default();
        *seen += 1;
        let rank = (Reverse(severity), *seen > 1, self.number);
        self.number += 1;
        if let Some((saying, _)) = FindingGroup::of(diagnostic) {
            if let Some(first) = self.groups.get(&saying) {
                if let Some(kept) = self.kept.get_mut(first) {
                    kept.times += 1;
                }
                return;
            }
            self.groups.insert(saying, rank);
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

    /// Number of findings by severity and code, the most severe first.
    pub fn seen(&self) -> impl Iterator<Item = (Severity, &'static str, u64)> + '_ {
        self.seen.iter().map(|((Reverse(severity), code), count)| (*severity, *code, *count))
    }

    /// Omitted findings by severity and code, the most severe first.
    #[must_use]
    pub fn omitted(&self) -> Vec<OmittedGroup> {
        let mut left = self.seen.clone();
        for kept in self.kept.values() {
            if let Some(count) = left.get_mut(&(Reverse(kept.severity), kept.rule.code)) {
                *count -= kept.times;
            }
        }
        let rest = left.into_iter().filter(|(_, count)| *count > 0);
        rest.map(|((Reverse(severity), code), count)| OmittedGroup { severity, code, count }).collect()
    }

    /// The kept findings, the most important first.
    pub fn by_importance(&self) -> impl DoubleEndedIterator<Item = &Kept<T>> {
        self.kept.values()
    }

    /// The kept findings, in input order.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Kept<T>> {
        let mut kept: Vec<_> = self.kept.iter().collect();
        kept.sort_unstable_by_key(|((.., number), _)| *number);
        kept.into_iter().map(|(_, kept)| kept).collect()
    }

    /// Drops the least important finding and returns it.
    pub fn drop_last(&mut self) -> Option<Kept<T>> {
        let (_, gone) = self.kept.pop_last()?;
        self.taken -= gone.size;
        Some(gone)
    }
}

/// The omitted findings as text, `and 132 more errors: S104 wrong-format 90, ...`; `None` if there are none.
#[must_use]
pub fn omitted_text(rest: &[OmittedGroup]) -> Option<String> {
    const MOST: usize = 10;
    let numbers = [(Severity::Error, "error", "errors"), (Severity::Warning, "warning", "warnings"), (Severity::Note, "note", "notes")];
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
    let named = |(code, count): &(&str, u64)| match chancery_core::diagnostic::rules::find(code) {
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
    use chancery_core::diagnostic::rules;
    use chancery_core::source::{Position, Source, Span};

    fn diagnostic(rule: &'static Rule) -> Diagnostic {
        Diagnostic::new(rule, &Arc::new(Source::whole("a.json", "x")), Span::new(0, 1), "m")
    }

    // Takes findings named by letters (E and F are rules of severity error, W a warning, A a note) and returns the kept ones.
    fn kept(most: usize, room: usize, letters: &str) -> (String, u64) {
        let mut important = TopFindings::new(most, room);
        for (at, letter) in letters.chars().enumerate() {
            let rule = match letter {
                'E' => &rules::WRONG_FORMAT,
                'F' => &rules::MISSING_MEMBER,
                'W' => &rules::SHORT_ROW,
                _ => &rules::URL_FORM,
            };
            important.take(&diagnostic(rule), || (format!("{letter}{at}"), 2));
        }
        let drawn: Vec<&str> = important.by_importance().map(|kept| kept.drawn.as_str()).collect();
        let rest = important.omitted().iter().map(|rest| rest.count).sum();
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
        let mut important = TopFindings::new(9, 10);
        for (size, rule) in [(4, &rules::WRONG_FORMAT), (4, &rules::WRONG_FORMAT), (4, &rules::WRONG_FORMAT), (1, &rules::WRONG_FORMAT)] {
            important.take(&diagnostic(rule), || (size, size));
        }
        important.take(&diagnostic(&rules::SHORT_ROW), || (1, 1));
        assert_eq!(important.by_importance().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 4]);
        important.take(&diagnostic(&rules::MISSING_MEMBER), || (2, 2));
        assert_eq!(important.by_importance().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 2, 4]);
        assert_eq!(important.in_order().iter().map(|kept| kept.drawn).collect::<Vec<_>>(), [4, 4, 2]);
    }

    #[test]
    fn what_stands_at_one_place_for_many_records_is_kept_once() {
        let mut source = Source::whole("t.csv", "a,zz\n");
        source.append("t.csv", "1,2\n", Position { byte: 900, line: 101, column: 1 });
        let unknown = Diagnostic::new(&rules::UNKNOWN_MEMBER, &Arc::new(source), Span::new(2, 4), "unknown member \"zz\"");
        let mut important = TopFindings::new(2, 99);
        (0..5).for_each(|at| important.take(&unknown, || (at, 1)));
        assert_eq!(important.by_importance().map(|kept| (kept.drawn, kept.times)).collect::<Vec<_>>(), [(0, 5)]);
        assert_eq!(important.omitted(), []);
        important.drop_last();
        assert_eq!(omitted_text(&important.omitted()).as_deref(), Some("and 5 more errors: S102 unknown-member 5"));
    }

    #[test]
    fn the_rest_in_words() {
        let rest = |severity, code, count| OmittedGroup { severity, code, count };
        assert_eq!(omitted_text(&[]), None);
        let all = [rest(Severity::Error, "S101", 1), rest(Severity::Error, "S104", 90), rest(Severity::Note, "N103", 7)];
        assert_eq!(
            omitted_text(&all).as_deref(),
            Some("and 91 more errors, 7 notes: S104 wrong-format 90, N103 url-form 7, S101 missing-member 1")
        );
    }
}
