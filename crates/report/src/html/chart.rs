//! Renders bar charts: the number of findings by rule, file and member, and of valid records.
//!
//! Everything is counted, including what the table omits. A bar is an image next to its name and number, which are
//! text, so that it can be read aloud and on any screen. Lengths are integers in thousandths, so that they are printed
//! the same on every machine.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{Text, amount, escape};
use chancery_core::diagnostic::{Severity, one_line};

/// Number of visible bars.
const BARS: usize = 6;
/// Number of visible bars when the rest is expanded.
const MOST: usize = 60;
/// More files and members are combined.
const GROUPS: usize = 20_000;
/// The maximum length of a bar.
const FULL: u64 = 1000;
/// The minimum length, so that everything stays visible.
const LEAST: u64 = 6;

/// Errors, warnings, notes.
pub(super) type Found = [u64; 3];

/// The number of findings, by name.
#[derive(Default)]
pub(super) struct Counts {
    by_name: BTreeMap<String, Found>,
    others: Found,
}

impl Counts {
    pub(super) fn add(&mut self, name: &str, severity: Severity) {
        let new = !self.by_name.contains_key(name);
        let found = if new && self.by_name.len() >= GROUPS { &mut self.others } else { self.by_name.entry(name.to_owned()).or_default() };
        found[Severity::Error as usize - severity as usize] += 1;
    }

    /// Renders the most frequent first; each links to the view of the table filtered by its name.
    pub(super) fn draw(&self, title: &str, filter: &str, shown: impl Fn(&str) -> String) -> Markup {
        let mut bars: Vec<(&str, Found)> = self.by_name.iter().map(|(name, found)| (name.as_str(), *found)).collect();
        if bars.is_empty() {
            return Markup::default();
        }
        bars.sort_by_key(|(name, found)| (Reverse(total(*found)), Reverse(*found), *name));
        let whole = total(bars[0].1);
        let (first, rest) = bars.split_at(bars.len().min(BARS));
        let (second, rest) = rest.split_at(rest.len().min(MOST));
        let unseen = rest.iter().map(|(_, found)| total(*found)).sum::<u64>() + total(self.others);
        let list = |bars: &[(&str, Found)]| {
            html! {
                @for (name, found) in bars {
                    @let value: String = url::form_urlencoded::byte_serialize(one_line(name).as_bytes()).collect();
                    li {
                        a href={ "#" (filter) "=" (value) } {
                            span.row { span { (Text(&escape::cut(&shown(name), 200))) } span.number { (total(*found)) } }
                            (drawing(found, ["error", "warning", "note"], &in_words(*found), whole))
                        }
                    } "\n"
                }
            }
        };
        html! {
            section.sheet {
                h2 { (title) } "\n"
                ol { "\n" (list(first)) } "\n"
                @if !second.is_empty() {
                    details {
                        summary {
                            span { @if total(self.others) > 0 { "more than " } (second.len() + rest.len()) " more" }
                            span.number { (second.iter().map(|(_, found)| total(*found)).sum::<u64>() + unseen) }
                        } "\n"
                        ol {
                            "\n" (list(second))
                            @if unseen > 0 { li { span.row { span { "all others" } span.number { (unseen) } } } }
                        }
                    } "\n"
                }
            } "\n"
        }
    }
}

/// A part of a bar with its label; its filter links to a view of the table.
pub(super) struct Part {
    pub(super) count: u64,
    pub(super) label: String,
    pub(super) kind: &'static str,
    pub(super) filter: Option<&'static str>,
}

/// One bar of parts.
pub(super) fn bar(title: &str, parts: &[Part]) -> Markup {
    let counts: Vec<u64> = parts.iter().map(|part| part.count).collect();
    let found: Vec<&Part> = parts.iter().filter(|part| part.count > 0).collect();
    let label: Vec<&str> = found.iter().map(|part| part.label.as_str()).collect();
    html! {
        section {
            h2 { (title) } "\n"
            p.row {
                @for Part { label, kind, filter, .. } in found {
                    @match filter {
                        Some(filter) => a class=(kind) href={ "#" (filter) } { (label) },
                        None => span class=(kind) { (label) },
                    }
                }
            } "\n"
            (drawing(&counts, parts.iter().map(|part| part.kind), &label.join(", "), counts.iter().sum()))
        } "\n"
    }
}

/// The findings as text.
pub(super) fn in_words([errors, warnings, notes]: Found) -> String {
    let found = [(errors, "error", "errors"), (warnings, "warning", "warnings"), (notes, "note", "notes")];
    let found: Vec<String> =
        found.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| amount(count, one, many)).collect();
    found.join(", ")
}

fn total(found: Found) -> u64 {
    found.iter().sum()
}

fn drawing(counts: &[u64], kinds: impl IntoIterator<Item = &'static str>, label: &str, whole: u64) -> Markup {
    let parts = lengths(counts, whole).into_iter().zip(kinds).scan(0, |end, (length, kind)| {
        *end += length;
        Some((*end - length, length, kind))
    });
    html! {
        svg viewBox={ "0 0 " (FULL) " 8" } preserveAspectRatio="none" role="img" {
            title { (label) }
            @for (x, length, kind) in parts.filter(|(_, length, _)| *length > 0) {
                rect class={ "fill-" (kind) } x=(x) width=(length) height="8" {}
            }
        }
    }
}

// Each part's share of the total length.
fn lengths(counts: &[u64], whole: u64) -> Vec<u64> {
    let all: u64 = counts.iter().sum();
    let share = |count: u64, of: u64, room: u64| (u128::from(count) * u128::from(room) / u128::from(of.max(1))) as u64;
    let room = share(all, whole, FULL).max(LEAST * counts.iter().filter(|count| **count > 0).count() as u64);
    let mut lengths: Vec<u64> = counts.iter().map(|count| if *count > 0 { share(*count, all, room).max(LEAST) } else { 0 }).collect();
    // The longest part absorbs rounding differences.
    let others = |lengths: &[u64], longest: usize| lengths.iter().sum::<u64>() - lengths[longest];
    if let Some(longest) = (0..lengths.len()).max_by_key(|at| lengths[*at]) {
        lengths[longest] = room.saturating_sub(others(&lengths, longest));
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_add_up_and_the_smallest_part_is_seen() {
        assert_eq!(lengths(&[3, 1], 4), [750, 250]);
        assert_eq!(lengths(&[1_000_000, 1], 1_000_001), [994, 6]);
        assert_eq!(lengths(&[0, 5, 0], 10), [0, 500, 0]);
        assert_eq!(lengths(&[1, 1, 1], 1_000_000), [6, 6, 6]);
        assert_eq!(lengths(&[1, 1, 1], 3).iter().sum::<u64>(), 1000);
        assert_eq!(lengths(&[0, 0], 0), [0, 0]);
        assert_eq!(lengths(&[u64::MAX / 2, 7], u64::MAX / 2 + 7), [994, 6]);
    }

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut counts = Counts::default();
        (0..=GROUPS).for_each(|number| counts.add(&number.to_string(), Severity::Error));
        let text = counts.draw("t", "file", str::to_owned).into_string();
        assert!(text.contains("more than 19994 more") && text.contains("<span class=\"number\">19995</span>"), "{text}");
        assert_eq!(text.matches("<svg").count(), BARS + MOST);
    }
}
