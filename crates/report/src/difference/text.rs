//! Renders differences for people: a block for each record, a line for each change, then the counts.
//!
//! Text from the data cannot control the terminal.

use std::io::{self, Write};

use super::{DiffRenderer, Options, Overview, both, key, line, place, shown, summary_lines};
use chancery_check::compare::pairing::MatchedBy;
use chancery_check::compare::{Change, ChangeKind, Difference};
use chancery_core::diagnostic::{inert, one_line};

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const FAINT: &str = "\x1b[2m";

/// Blocks one after the other.
pub(super) struct Text;

impl DiffRenderer for Text {
    fn begin(&mut self, _overview: &Overview, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(drawn)
    }

    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        summary_lines(overview).iter().try_for_each(|line| writeln!(out, "{}", inert(line)))
    }
}

/// A record: its kind and location, then a line for each change.
pub(super) fn block(difference: &Difference<'_>, options: Options) -> String {
    let pen = Painter { options };
    let sign = match difference.kind() {
        ChangeKind::Added => pen.paint(GREEN, "+"),
        ChangeKind::Removed => pen.paint(RED, "-"),
        ChangeKind::Changed | ChangeKind::Moved => pen.paint(YELLOW, "~"),
    };
    let name = key(difference).unwrap_or_else(|| "record".to_owned());
    let mut places = [difference.old, difference.new].into_iter().flatten().map(line).collect::<Vec<_>>().join(", ");
    if difference.matched_by == Some(MatchedBy::Position) {
        places.push_str("; paired by position");
    }
    let mut text = format!("{sign} {name} {}\n", pen.paint(FAINT, &format!("({places})")));
    difference.changes.iter().for_each(|change| text.push_str(&format!("    {}\n", pen.change(change))));
    inert(&text).into_owned()
}

struct Painter {
    options: Options,
}

impl Painter {
    fn paint(&self, color: &str, text: &str) -> String {
        if self.options.color { format!("{color}{text}\x1b[0m") } else { text.to_owned() }
    }

    fn change(&self, change: &Change<'_, '_>) -> String {
        let pointer = if change.pointer().is_empty() { "the record".into() } else { one_line(change.pointer()) };
        let summary = match (change.kind, &change.old, &change.new) {
            (ChangeKind::Moved, Some(old), _) => format!("moved from {}", one_line(&old.pointer)),
            (ChangeKind::Added, _, Some(new)) => format!("added {}", self.paint(GREEN, &shown(new.node))),
            (ChangeKind::Removed, Some(old), _) => format!("removed {}", self.paint(RED, &shown(old.node))),
            (_, Some(old), Some(new)) => {
                let (old, new) = both(old.node, new.node);
                format!("{} → {}", self.paint(RED, &old), self.paint(GREEN, &new))
            }
            _ => change.kind.word().to_owned(),
        };
        let mut text = format!("{pointer}: {summary}");
        if self.options.places {
            let places: Vec<String> = [&change.old.as_ref().map(|found| found.node), &change.new.as_ref().map(|found| found.node)]
                .into_iter()
                .flatten()
                .map(|node| place(*node))
                .collect();
            text.push_str(&self.paint(FAINT, &format!(" ({})", places.join(", "))));
        }
        text
    }
}
