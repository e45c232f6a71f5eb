//! Finds where the entries of a file begin: each becomes one record.
//!
//! Nothing is known beyond the last line. What is found does not change when lines are added after, as long as they are added after
//! the label that opens the last entry found; so a text can be cut there and read piece by piece.

use super::document::Line;
use super::furniture;
use super::prose_lines::is_prose;
use super::sections::rows_from;
use super::template::{FieldKind, Records, Template};

/// Numbers of the lines at which entries begin: the first, and those before which a border lies.
pub(super) fn starts(form: &Template, text: &str, lines: &[Line]) -> Vec<usize> {
    match form.records {
        Records::Unindented => unindented(lines),
        Records::Titles => titles(form, text, lines),
        Records::Headings => headings(form, text, lines),
    }
}

fn unindented(lines: &[Line]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut inside = false;
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_blank()) {
        if line.indent > 0 {
            inside = true;
        } else if inside || starts.is_empty() {
            starts.push(number);
            inside = false;
        }
    }
    starts
}

// A block of lines that could be a heading, right before a label, begins an entry.
fn titles(form: &Template, text: &str, lines: &[Line]) -> Vec<usize> {
    let mut starts = Vec::new();
    let furniture = furniture::local(form, text, lines, false);
    let mut block: Option<(usize, usize)> = None;
    let mut gap = true;
    for (number, line) in lines.iter().enumerate() {
        let row = line.of(text);
        if line.is_blank() || furniture[number] || form.is_separator(row) {
            if starts.is_empty() && !line.is_blank() {
                starts.push(number);
            }
            gap = true;
            continue;
        }
        if form.label(row).is_some() || form.unknown_label(row).is_some() {
            if let Some((from, _)) = block.take()
                && starts.last() != Some(&from)
            {
                starts.push(from);
            }
        } else {
            block = match block {
                Some((from, to)) if !gap && to - from < 3 && is_heading(row) => Some((from, number)),
                _ if gap && is_heading(row) => Some((number, number)),
                _ => None,
            };
        }
        if starts.is_empty() {
            starts.push(number);
        }
        gap = false;
    }
    starts
}

fn headings(form: &Template, text: &str, lines: &[Line]) -> Vec<usize> {
    let mut starts = Vec::new();
    let furniture = furniture::local(form, text, lines, false);
    let mut opened: Vec<usize> = Vec::new();
    let mut narrative = false;
    let mut parted = false;
    // The block of lines before the one looked at, where it may be a heading.
    let mut block: Option<(usize, usize)> = None;
    let mut gap = true;
    for (number, line) in lines.iter().enumerate() {
        let row = line.of(text);
        if starts.is_empty() && !line.is_blank() {
            starts.push(number);
        }
        if line.is_blank() || furniture[number] {
            gap = true;
            continue;
        }
        if form.is_separator(row) {
            (parted, gap, block) = (true, true, None);
            continue;
        }
        if std::mem::take(&mut parted) && starts.last() != Some(&number) {
            starts.push(number);
            (opened, narrative) = (Vec::new(), false);
        }
        if let Some(label) = form.label(row) {
            let field = form.field(&label);
            if field.opens {
                let begun = if field.kind == FieldKind::Place { narrative || opened.contains(&label.field) } else { narrative };
                if let Some((from, to)) = block
                    && begun
                    && lines[from..=to].iter().all(|line| is_heading(line.of(text)))
                {
                    starts.push(from);
                    (opened, narrative) = (Vec::new(), false);
                }
                opened.push(label.field);
            }
            block = None;
        } else {
            block = match block {
                Some((from, to)) if !gap && to - from < 3 => Some((from, number)),
                None if !gap && number > 0 => None,
                Some(_) if !gap => None,
                _ => Some((number, number)),
            };
            narrative = narrative || (gap && is_prose(&rows_from(text, lines, number, form)));
        }
        gap = false;
    }
    starts
}

// A line that could be (a part of) a heading.
fn is_heading(row: &str) -> bool {
    const LONGEST: usize = 100;
    row.chars().count() <= LONGEST
        && row.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '(')
        && !row.ends_with(['.', ',', ';', ':', '?', '!'])
}
