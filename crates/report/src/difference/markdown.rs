//! Renders differences as Markdown for a comment on a merge request: the counts, then a collapsed section for each record.
//!
//! Code hosts reject comments beyond about 65,000 characters, so the excess is counted and not shown. Text from the
//! data is escaped, so that it cannot contain Markdown, HTML, mentions or links.

use std::io::{self, Write};

use super::{DiffRenderer, Overview, both, key, line, shown, summary_lines};
use chancery_check::compare::pairing::MatchedBy;
use chancery_check::compare::{Change, ChangeKind, Difference};

/// Records are shown while their sections fit into this many bytes.
const ROOM: usize = 60_000;

/// Maximum number of changes shown of one record.
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

impl DiffRenderer for Markdown {
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
        // The counts are in the table; other information is in sentences.
        let sentences = summary_lines(overview);
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
            1 => writeln!(out, "\n1 more record differs and is not shown."),
            more => writeln!(out, "\n{more} more records differ and are not shown."),
        }
    }
}

/// A record as a collapsed section.
pub(super) fn section(difference: &Difference<'_>) -> String {
    let name = key(difference).map_or_else(|| "a record".to_owned(), |key| code(&key));
    let places = [difference.old, difference.new].into_iter().flatten().map(|node| code(&line(node))).collect::<Vec<_>>().join(", ");
    let count = difference.changes.len();
    let summary = match difference.kind() {
        ChangeKind::Added => "added".to_owned(),
        ChangeKind::Removed => "removed".to_owned(),
        ChangeKind::Changed | ChangeKind::Moved => super::plural(count as u64, "change", "changes"),
    };
    let by = if difference.matched_by == Some(MatchedBy::Position) { ", paired by position" } else { "" };
    let mut text = format!("\n<details><summary>{name}: {summary} ({places}{by})</summary>\n\n");
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
    let (old, new) = match (change.kind, &change.old, &change.new) {
        (ChangeKind::Moved, Some(old), Some(new)) => (code(&old.pointer), code(&new.pointer)),
        (_, Some(old), Some(new)) => {
            let (old, new) = both(old.node, new.node);
            (code(&old), code(&new))
        }
        (_, old, new) => {
            let cell =
                |found: Option<&chancery_check::compare::Found<'_>>| found.map_or_else(String::new, |found| code(&shown(found.node)));
            (cell(old.as_ref()), cell(new.as_ref()))
        }
    };
    format!("| {} | {pointer} | {old} | {new} |\n", change.kind.word())
}

/// A text as code, in which hosts detect no mentions and links.
pub(crate) fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// A text in which every character with a meaning in Markdown or HTML is a character reference.
pub(crate) fn escape(text: &str) -> String {
    chancery_core::diagnostic::one_line(text).chars().fold(String::with_capacity(text.len() + 16), |mut escaped, c| {
        if c.is_ascii_punctuation() && !matches!(c, ',' | ';' | '"' | '/') {
            escaped.push_str(&format!("&#{};", u32::from(c)));
        } else {
            escaped.push(c);
        }
        escaped
    })
}
