//! Renders bar charts: the number of findings by rule, file and member, and of valid records.
//!
//! Everything is counted, including what the table omits. A bar is an image next to its name and number, which are
//! text, so that it can be read aloud and on any screen. Lengths are integers in thousandths, so that they are printed
//! the same on every machine.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{amount, escape};
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
    pub(super) fn draw(&self, title: &str, filter: &str, shown: impl Fn(&str) -> String, out: &mut dyn Write) -> io::Result<()> {
        let mut bars: Vec<(&str, Found)> = self.by_name.iter().map(|(name, found)| (name.as_str(), *found)).collect();
        if bars.is_empty() {
            return Ok(());
        }
        bars.sort_by_key(|(name, found)| (Reverse(total(*found)), Reverse(*found), *name));
        let whole = total(bars[0].1);
        let bar = |(name, found): &(&str, Found)| {
            let address = format!("{filter}={}", url::form_urlencoded::byte_serialize(one_line(name).as_bytes()).collect::<String>());
            format!(
                "<li><a href=\"#{}\"><span class=\"row\"><span>{}</span><span class=\"number\">{}</span></span>{}</a></li>\n",
                escape::xml(&address),
                escape::xml(&escape::cut(&shown(name), 200)),
                total(*found),
                drawing(found, ["error", "warning", "note"], &in_words(*found), whole)
            )
        };
        let (first, rest) = bars.split_at(bars.len().min(BARS));
        let (second, rest) = rest.split_at(rest.len().min(MOST));
        writeln!(out, "<section class=\"sheet\">\n<h2>{title}</h2>\n<ol>\n{}</ol>", first.iter().map(bar).collect::<String>())?;
        let unseen = rest.iter().map(|(_, found)| total(*found)).sum::<u64>() + total(self.others);
        if !second.is_empty() {
            let more = second.iter().map(|(_, found)| total(*found)).sum::<u64>() + unseen;
            let count = match total(self.others) {
                0 => (second.len() + rest.len()).to_string(),
                _ => format!("more than {}", second.len() + rest.len()),
            };
            writeln!(
                out,
                "<details><summary><span>{count} more</span><span class=\"number\">{more}</span></summary>\n<ol>\n{}",
                second.iter().map(bar).collect::<String>()
            )?;
            if unseen > 0 {
                writeln!(out, "<li><span class=\"row\"><span>all others</span><span class=\"number\">{unseen}</span></span></li>")?;
            }
            out.write_all(b"</ol>\n</details>\n")?;
        }
        out.write_all(b"</section>\n")
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
pub(super) fn bar(title: &str, parts: &[Part], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>{title}</h2>\n<p class=\"row\">")?;
    for Part { label, kind, filter, .. } in parts.iter().filter(|part| part.count > 0) {
        match filter {
            Some(filter) => writeln!(out, "<a class=\"{kind}\" href=\"#{filter}\">{label}</a>")?,
            None => writeln!(out, "<span class=\"{kind}\">{label}</span>")?,
        }
    }
    let counts: Vec<u64> = parts.iter().map(|part| part.count).collect();
    let label: Vec<&str> = parts.iter().filter(|part| part.count > 0).map(|part| part.label.as_str()).collect();
    writeln!(out, "</p>\n{}\n</section>", drawing(&counts, parts.iter().map(|part| part.kind), &label.join(", "), counts.iter().sum()))
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

fn drawing(counts: &[u64], kinds: impl IntoIterator<Item = &'static str>, label: &str, whole: u64) -> String {
    let mut x = 0;
    let mut drawing = format!("<svg viewBox=\"0 0 {FULL} 8\" preserveAspectRatio=\"none\" role=\"img\"><title>{label}</title>");
    for (length, kind) in lengths(counts, whole).into_iter().zip(kinds) {
        if length > 0 {
            drawing.push_str(&format!("<rect class=\"fill-{kind}\" x=\"{x}\" width=\"{length}\" height=\"8\"/>"));
            x += length;
        }
    }
    drawing + "</svg>"
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
        let mut out = Vec::new();
        counts.draw("t", "file", str::to_owned, &mut out).expect("a vector takes everything");
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("more than 19994 more") && text.contains("<span class=\"number\">19995</span>"), "{text}");
        assert_eq!(text.matches("<svg").count(), BARS + MOST);
    }
}
