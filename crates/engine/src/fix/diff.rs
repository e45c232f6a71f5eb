//! Changes in a text as a unified diff for `git apply` and `patch`.
//!
//! Input: the old text and the changes made to it. Output: hunks of whole lines, byte for byte, with three lines of
//! context. Because the changes are known, only the affected lines are compared.

use std::borrow::Cow;
use std::io::{self, Write};

use super::patch::Replacement;

const CONTEXT: usize = 3;

/// Whether a line is in both texts or in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// In both.
    Both,
    /// In the old one.
    Old,
    /// In the new one.
    New,
}

impl Sign {
    /// The prefix of the line.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Old => '-',
            Self::New => '+',
        }
    }
}

/// Changed lines with their context.
#[derive(Debug)]
pub struct Hunk<'t> {
    /// Index of the first line in the old text, from 0, and the number of lines.
    pub old: (usize, usize),
    /// The same in the new text.
    pub new: (usize, usize),
    /// The lines with their line ends; the last line of a text may have none.
    pub lines: Vec<(Sign, Cow<'t, [u8]>)>,
}

// Replaced lines.
struct Group<'t> {
    // The index of the first line, from 0.
    line: usize,
    old: Vec<&'t [u8]>,
    new: Vec<Vec<u8>>,
}

/// The hunks of the changes, which are in order and do not overlap.
#[must_use]
pub fn hunks<'t>(old: &'t [u8], changes: &[Replacement]) -> Vec<Hunk<'t>> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let groups = groups(old, changes);
    let mut hunks: Vec<Hunk<'t>> = Vec::new();
    // How many more lines the new text has so far.
    let mut shift = 0_isize;
    let mut groups = groups.into_iter().peekable();
    while let Some(first) = groups.next() {
        let from = first.line.saturating_sub(CONTEXT);
        let mut hunk = Hunk { old: (from, 0), new: (from.saturating_add_signed(shift), 0), lines: Vec::new() };
        let mut at = from;
        let mut group = Some(first);
        while let Some(Group { line, old, new }) = group {
            hunk.add(Sign::Both, lines[at..line].iter().map(|line| Cow::Borrowed(*line)));
            at = line + old.len();
            shift += new.len() as isize - old.len() as isize;
            hunk.add(Sign::Old, old.into_iter().map(Cow::Borrowed));
            hunk.add(Sign::New, new.into_iter().map(Cow::Owned));
            group = groups.next_if(|next| next.line - at <= 2 * CONTEXT);
        }
        hunk.add(Sign::Both, lines[at..lines.len().min(at + CONTEXT)].iter().map(|line| Cow::Borrowed(*line)));
        hunks.push(hunk);
    }
    hunks
}

impl<'t> Hunk<'t> {
    fn add(&mut self, sign: Sign, lines: impl Iterator<Item = Cow<'t, [u8]>>) {
        for line in lines {
            self.old.1 += usize::from(sign != Sign::New);
            self.new.1 += usize::from(sign != Sign::Old);
            self.lines.push((sign, line));
        }
    }

    /// The line above the hunk, `@@ -1,4 +1,5 @@`.
    #[must_use]
    pub fn heading(&self) -> String {
        let range = |(start, count): (usize, usize)| match count {
            // A range without lines is identified by the line before it.
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            _ => format!("{},{count}", start + 1),
        };
        format!("@@ -{} +{} @@", range(self.old), range(self.new))
    }
}

// The changes by the lines that they affect, without unchanged lines.
fn groups<'t>(old: &'t [u8], changes: &[Replacement]) -> Vec<Group<'t>> {
    let line_start = |at: usize| memchr::memrchr(b'\n', &old[..at]).map_or(0, |end| end + 1);
    let line_end = |at: usize| memchr::memchr(b'\n', &old[at..]).map_or(old.len(), |end| at + end + 1);
    let split = |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    // A last line without a line end continues where the text ends.
    let is_open = |end: usize| end == old.len() && !old.ends_with(b"\n");
    let mut groups = Vec::new();
    let (mut counted, mut line) = (0, 0);
    let mut changes = changes.iter().peekable();
    while let Some(first) = changes.next() {
        let start = line_start(first.range.start);
        let mut end = line_end(first.range.end);
        let mut new = old[start..first.range.start].to_vec();
        new.extend_from_slice(&first.text);
        let mut at = first.range.end;
        while let Some(next) = changes.next_if(|next| next.range.start < end || next.range.start == end && is_open(end)) {
            new.extend_from_slice(&old[at..next.range.start]);
            new.extend_from_slice(&next.text);
            at = next.range.end;
            end = line_end(at).max(end);
        }
        new.extend_from_slice(&old[at..end]);
        line += memchr::memchr_iter(b'\n', &old[counted..start]).count();
        counted = start;
        let mut before: Vec<&[u8]> = old[start..end].split_inclusive(|byte| *byte == b'\n').collect();
        let mut behind = split(&new);
        let same = before.iter().zip(&behind).take_while(|(a, b)| *a == b).count();
        before.drain(..same);
        behind.drain(..same);
        let last = before.iter().rev().zip(behind.iter().rev()).take_while(|(a, b)| *a == b).count();
        before.truncate(before.len() - last);
        behind.truncate(behind.len() - last);
        if !before.is_empty() || !behind.is_empty() {
            groups.push(Group { line: line + same, old: before, new: behind });
        }
    }
    groups
}

/// Writes the diff of one file, with its path after `a/` and `b/`; nothing if there are no hunks.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(path: &str, hunks: &[Hunk<'_>], out: &mut dyn Write) -> io::Result<()> {
    if hunks.is_empty() {
        return Ok(());
    }
    writeln!(out, "--- {}\n+++ {}", named('a', path), named('b', path))?;
    for hunk in hunks {
        writeln!(out, "{}", hunk.heading())?;
        for (sign, line) in &hunk.lines {
            write!(out, "{}", sign.mark())?;
            out.write_all(line)?;
            if !line.ends_with(b"\n") {
                out.write_all(b"\n\\ No newline at end of file\n")?;
            }
        }
    }
    Ok(())
}

/// A path in the head of a diff, as git writes it: quoted if it contains characters that would end a line or a name.
#[must_use]
pub fn named(side: char, path: &str) -> String {
    // An absolute path, or the directory itself, is not a path inside a tree of files.
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if path.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        let mut quoted = format!("\"{side}/");
        for c in path.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                c if c.is_control() => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| quoted.push_str(&format!("\\{byte:03o}"))),
                c => quoted.push(c),
            }
        }
        quoted.push('"');
        return quoted;
    }
    // Without the tab, text after a blank would be read as a date.
    let end = if path.contains(' ') { "\t" } else { "" };
    format!("{side}/{path}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::patch::Patch;

    fn diff(old: &str, edits: &[(std::ops::Range<usize>, &str)]) -> String {
        let mut patch = Patch::new(old.as_bytes().into());
        let edits: Vec<_> =
            edits.iter().map(|(range, text)| Replacement { range: range.clone(), text: text.as_bytes().to_vec() }).collect();
        patch.apply(&edits);
        let mut out = Vec::new();
        write("x", &hunks(old.as_bytes(), &patch.changes()), &mut out).expect("memory takes it");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn lines_that_change_and_three_around() {
        let old: String = (1..=19).map(|number| format!("{number}\n")).collect();
        let at = |line: &str| old.find(&format!("\n{line}\n")).map_or(0, |at| at + 1);
        assert_eq!(
            diff(
                &old,
                &[
                    (at("5")..at("5") + 1, "five"),
                    (at("6")..at("6"), "5a\n"),
                    (at("13")..at("13") + 2, "13!"),
                    (old.len()..old.len(), "21")
                ]
            ),
            "--- a/x\n+++ b/x\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+5a\n 6\n 7\n 8\n\
             @@ -10,10 +11,11 @@\n 10\n 11\n 12\n-13\n+13!\n 14\n 15\n 16\n 17\n 18\n 19\n+21\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn ends_of_lines_and_of_files() {
        assert_eq!(
            diff("a", &[(0..1, "b")]),
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
        );
        assert_eq!(diff("a\r\nb", &[(0..1, "c")]), "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\r\n+c\r\n b\n\\ No newline at end of file\n");
        assert_eq!(diff("a\nb\n", &[(1..1, "\nx")]), "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n+x\n b\n");
        assert_eq!(diff("a\nb\n", &[(0..2, "")]), "--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n b\n");
        assert_eq!(diff("", &[(0..0, "a\n")]), "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(diff("a\n", &[(0..1, "a")]), "");
    }

    #[test]
    fn names_that_would_break_a_line() {
        assert_eq!(named('a', "x.json"), "a/x.json");
        assert_eq!(named('b', "my data.json"), "b/my data.json\t");
        assert_eq!(named('a', "x\n\"\u{1b}"), "\"a/x\\n\\\"\\033\"");
        assert_eq!(named('a', "/tmp/é"), "a/tmp/é");
        assert_eq!(named('a', "./x.json"), "a/x.json");
    }
}
