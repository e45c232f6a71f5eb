//! Draws differences as Markdown for a comment on a merge request: the numbers, then a section for each record, folded.
//!
//! Hosts refuse comments beyond about 65,000 characters, so what goes beyond is counted and not shown. Text from the data
//! is written so that neither Markdown nor HTML sees anything in it, nor a host a name to notify or a link.

use std::io::{self, Write};

use super::{Overview, Sheet, both, key, line, sentences, shown};
use crate::compare::pairing::By;
use crate::compare::{Change, Difference, What};

/// Records are shown while their sections are within so many bytes.
const ROOM: usize = 60_000;

/// Of one record, so many changes are shown.
const MOST: usize = 200;

/// A comment.
pub(super) struct Markdown {
    room: usize,
    left_out: u64,
}

impl Markdown {
    pub(super) fn new() -> Self {
        Self { room: ROOM, left_out: 0 }
    }
}

impl Sheet for Markdown {
    fn begin(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        let counts = &overview.counts;
        let head = |text: &str| code(text);
        writeln!(out, "| records | {} | {} |", head(&overview.old.name), head(&overview.new.name))?;
        writeln!(out, "| --- | ---: | ---: |")?;
        writeln!(out, "| unchanged | {0} | {0} |", counts.unchanged)?;
        writeln!(out, "| changed | {0} | {0} |", counts.changed)?;
        writeln!(out, "| added | | {} |", counts.added)?;
        writeln!(out, "| removed | {} | |", counts.removed)?;
        let (old, new) = (overview.old.unreadable, overview.new.unreadable);
        if old + new > 0 {
            writeln!(out, "| unreadable | {old} | {new} |")?;
        }
        writeln!(out, "| all | {} | {} |", overview.old.records, overview.new.records)?;
        // The numbers are in the table; the rest of what is to be said stands in sentences.
        let sentences = sentences(overview);
        let paired = super::paired(overview).map(|paired| format!("Records are {paired}")).into_iter();
        for sentence in paired.chain(sentences.into_iter().skip(1)) {
            writeln!(out, "\n{}.", escape(&sentence))?;
        }
        if counts.differ() { Ok(()) } else { writeln!(out, "\nNo record differs.") }
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if self.left_out > 0 || drawn.len() > self.room {
            self.left_out += 1;
            return Ok(());
        }
        self.room -= drawn.len();
        out.write_all(drawn)
    }

    fn finish(&mut self, _overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        match self.left_out {
            0 => Ok(()),
            1 => writeln!(out, "\n1 more record differs and is not shown here."),
            more => writeln!(out, "\n{more} more records differ and are not shown here."),
        }
    }
}

/// A record as a folded section.
pub(super) fn section(difference: &Difference<'_>) -> String {
    let name = key(difference).map_or_else(|| "a record".to_owned(), |key| code(&key));
    let places = [difference.old, difference.new].into_iter().flatten().map(|node| code(&line(node))).collect::<Vec<_>>().join(", ");
    let count = difference.changes.len();
    let said = match difference.what() {
        What::Added => "added".to_owned(),
        What::Removed => "removed".to_owned(),
        What::Changed | What::Moved => super::plural(count as u64, "change", "changes"),
    };
    let by = if difference.by == Some(By::Position) { ", paired by position" } else { "" };
    let mut text = format!("\n<details><summary>{name}: {said} ({places}{by})</summary>\n\n");
    let whole = difference.new.or(difference.old).filter(|_| difference.changes.is_empty());
    if let Some(node) = whole {
        text.push_str(&format!("{}\n", code(&shown(node))));
    } else {
        text.push_str("| | where | old | new |\n| --- | --- | --- | --- |\n");
        difference.changes.iter().take(MOST).for_each(|change| text.push_str(&row(change)));
        if count > MOST {
            text.push_str(&format!("| | {} more | | |\n", count - MOST));
        }
    }
    text.push_str("\n</details>\n");
    text
}

fn row(change: &Change<'_, '_>) -> String {
    let pointer = if change.pointer().is_empty() { "the record".to_owned() } else { code(change.pointer()) };
    let (old, new) = match (change.what, &change.old, &change.new) {
        (What::Moved, Some(old), Some(new)) => (code(&old.pointer), code(&new.pointer)),
        (_, Some(old), Some(new)) => {
            let (old, new) = both(old.node, new.node);
            (code(&old), code(&new))
        }
        (_, old, new) => {
            let cell = |found: Option<&crate::compare::Found<'_>>| found.map_or_else(String::new, |found| code(&shown(found.node)));
            (cell(old.as_ref()), cell(new.as_ref()))
        }
    };
    format!("| {} | {pointer} | {old} | {new} |\n", change.what.word())
}

/// A text as code, in which hosts look for no names and links.
pub(in crate::report) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A text with every character that could mean something to Markdown or HTML told by its number.
pub(in crate::report) fn escape(text: &str) -> String {
    crate::diagnostic::one_line(text).chars().fold(String::with_capacity(text.len() + 16), |mut escaped, c| {
        if c.is_ascii_punctuation() && !matches!(c, ',' | ';' | '"' | '/') {
            escaped.push_str(&format!("&#{};", u32::from(c)));
        } else {
            escaped.push(c);
        }
        escaped
    })
}
