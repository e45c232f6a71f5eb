//! Draws differences for people: a block for each record, a line for each change, then the numbers.
//!
//! Nothing from the data reaches the terminal as anything but text.

use std::io::{self, Write};

use super::{Options, Overview, Sheet, both, key, line, place, sentences, shown};
use crate::compare::pairing::By;
use crate::compare::{Change, Difference, What};
use crate::diagnostic::{inert, one_line};

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const FAINT: &str = "\x1b[2m";

/// Blocks one after the other.
pub(super) struct Text;

impl Sheet for Text {
    fn begin(&mut self, _overview: &Overview, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(drawn)
    }

    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
        sentences(overview).iter().try_for_each(|line| writeln!(out, "{}", inert(line)))
    }
}

/// A record: what it is and where, then a line for each change.
pub(super) fn block(difference: &Difference<'_>, options: Options) -> String {
    let pen = Pen { options };
    let sign = match difference.what() {
        What::Added => pen.paint(GREEN, "+"),
        What::Removed => pen.paint(RED, "-"),
        What::Changed | What::Moved => pen.paint(YELLOW, "~"),
    };
    let name = key(difference).unwrap_or_else(|| "record".to_owned());
    let mut places = [difference.old, difference.new].into_iter().flatten().map(line).collect::<Vec<_>>().join(", ");
    if difference.by == Some(By::Position) {
        places.push_str("; paired by position");
    }
    let mut text = format!("{sign} {name} {}\n", pen.paint(FAINT, &format!("({places})")));
    difference.changes.iter().for_each(|change| text.push_str(&format!("    {}\n", pen.change(change))));
    inert(&text).into_owned()
}

struct Pen {
    options: Options,
}

impl Pen {
    fn paint(&self, color: &str, text: &str) -> String {
        if self.options.color { format!("{color}{text}\x1b[0m") } else { text.to_owned() }
    }

    fn change(&self, change: &Change<'_, '_>) -> String {
        let pointer = if change.pointer().is_empty() { "the record".into() } else { one_line(change.pointer()) };
        let said = match (change.what, &change.old, &change.new) {
            (What::Moved, Some(old), _) => format!("moved from {}", one_line(&old.pointer)),
            (What::Added, _, Some(new)) => format!("added {}", self.paint(GREEN, &shown(new.node))),
            (What::Removed, Some(old), _) => format!("removed {}", self.paint(RED, &shown(old.node))),
            (_, Some(old), Some(new)) => {
                let (old, new) = both(old.node, new.node);
                format!("{} → {}", self.paint(RED, &old), self.paint(GREEN, &new))
            }
            _ => change.what.word().to_owned(),
        };
        let mut text = format!("{pointer}: {said}");
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
