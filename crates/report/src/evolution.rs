//! Renders a schema comparison: for people, for a comment on a merge request, for programs.
//!
//! The verdict is first, then each change with its locations, the most severe first, and an example if there is one.
//! Text from the schemas cannot contain markup.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::difference::{code, escape};
use chancery_compat::{Change, Compatibility, Direction, Meaning, Proof, Verdict};
use chancery_core::diagnostic::{Place, inert, one_line, quote};

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const FAINT: &str = "\x1b[2m";

/// Maximum number of changes shown in a comment; the others are counted.
const MOST: usize = 200;

/// An output format for schema comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people.
    Text,
    /// For comments on merge requests.
    Markdown,
    /// One JSON object; `schemas/schema-diff.schema.json` describes it.
    Json,
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Text, Self::Markdown, Self::Json];

    /// The name used for flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }
}

/// Rendering options.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether to use colours (`text`).
    pub color: bool,
    /// Whether to show changes that do not affect validity; otherwise they are counted (`text`, `markdown`).
    pub wording: bool,
}

/// Renders it; `names` are the names of the old and the new schema.
#[must_use]
pub fn render(format: Format, options: Options, evolution: &Compatibility, names: (&str, &str)) -> String {
    match format {
        Format::Text => inert(&text(options, evolution, names)).into_owned(),
        Format::Markdown => inert(&markdown(options, evolution, names)).into_owned(),
        Format::Json => super::escape::json_text(&json(evolution, names)).into_owned(),
    }
}

// The verdict as a sentence.
fn verdict(evolution: &Compatibility, (old, new): (&str, &str)) -> String {
    let (old, new) = (one_line(old), one_line(new));
    let (whose, by) = if evolution.direction == Direction::Backward { (old, new) } else { (new, old) };
    match evolution.verdict {
        Verdict::Compatible => format!("compatible: {by} accepts all data that {whose} accepts"),
        Verdict::Breaking if evolution.proof == Proof::Canonical => {
            format!("breaking: {by} rejects data that {whose} accepts, by their canonical forms; no example was found")
        }
        Verdict::Breaking => format!("breaking: {by} rejects data that {whose} accepts"),
        Verdict::Unknown => format!("unknown: it is not known whether {by} accepts all data that {whose} accepts"),
    }
}

fn shown(changes: &[Change], wording: bool) -> Vec<&Change> {
    let rank = |change: &&Change| match change.meaning {
        Meaning::Breaking => 0,
        Meaning::Undecided => 1,
        Meaning::Compatible => 2,
        Meaning::Wording => 3,
    };
    let mut shown: Vec<&Change> = changes.iter().filter(|change| wording || change.meaning != Meaning::Wording).collect();
    shown.sort_by_key(rank);
    shown
}

fn pointer(change: &Change) -> String {
    if change.pointer.is_empty() { "the record".to_owned() } else { one_line(&change.pointer).into_owned() }
}

fn places(change: &Change) -> String {
    let place = |place: &Place| {
        let location = place.locate();
        format!("{}:{}:{}", one_line(&location.file), location.start.line, location.start.column)
    };
    [&change.old, &change.new].into_iter().flatten().map(place).collect::<Vec<_>>().join(", ")
}

fn example(value: &Value) -> String {
    const LONGEST: usize = 400;
    let text = value.to_string();
    let cut: String = text.chars().take(LONGEST).collect();
    one_line(&if cut.len() < text.len() { format!("{cut}…") } else { cut }).into_owned()
}

fn counts(evolution: &Compatibility, wording: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (meaning, one, many) in [
        (Meaning::Breaking, "breaking change", "breaking changes"),
        (Meaning::Undecided, "undecided", "undecided"),
        (Meaning::Compatible, "compatible", "compatible"),
    ] {
        match evolution.count(meaning) {
            0 => {}
            count => parts.push(super::difference::plural(count as u64, one, many)),
        }
    }
    let wording_changes = evolution.count(Meaning::Wording);
    if wording_changes > 0 {
        let hidden = if wording { "" } else { " (shown with --verbose)" };
        parts.push(format!("{} of wording{hidden}", super::difference::plural(wording_changes as u64, "change", "changes")));
    }
    if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") }
}

fn text(options: Options, evolution: &Compatibility, names: (&str, &str)) -> String {
    let paint = |color: &str, text: &str| if options.color { format!("{color}{text}\x1b[0m") } else { text.to_owned() };
    let color = match evolution.verdict {
        Verdict::Compatible => GREEN,
        Verdict::Breaking => RED,
        Verdict::Unknown => YELLOW,
    };
    let mut text = format!("{}\n", paint(color, &verdict(evolution, names)));
    for change in shown(&evolution.changes, options.wording) {
        let sign = match change.meaning {
            Meaning::Breaking => paint(RED, "✗"),
            Meaning::Undecided => paint(YELLOW, "?"),
            Meaning::Compatible => paint(GREEN, "✓"),
            Meaning::Wording => paint(FAINT, "·"),
        };
        let places = paint(FAINT, &format!("({})", places(change)));
        let _ = writeln!(text, "{sign} {}: {} {places}", pointer(change), one_line(&change.message));
        if let Some(value) = &change.example {
            let _ = writeln!(text, "    refused now: {}", example(value));
        }
    }
    if let Some(value) = &evolution.example {
        let _ = writeln!(text, "refused now: {}", example(value));
    }
    let _ = writeln!(text, "{}", counts(evolution, options.wording));
    if evolution.direction == Direction::Forward { text.replace("refused now: ", "refused before: ") } else { text }
}

fn markdown(options: Options, evolution: &Compatibility, (old, new): (&str, &str)) -> String {
    let (before, after) = if evolution.direction == Direction::Backward { (old, new) } else { (new, old) };
    let summary = match evolution.verdict {
        Verdict::Compatible => "accepts all data of",
        Verdict::Breaking => "rejects data of",
        Verdict::Unknown => "may reject data of",
    };
    let mut text = format!("**{}**: {} {summary} {}\n", evolution.verdict.word(), code(after), code(before));
    let changes = shown(&evolution.changes, options.wording);
    if !changes.is_empty() {
        text.push_str("\n| | where | what | example |\n| --- | --- | --- | --- |\n");
    }
    for change in changes.iter().take(MOST) {
        let sample = change.example.as_ref().map_or_else(String::new, |value| code(&quote(&example(value), false)));
        let place = code(&places(change));
        let _ =
            writeln!(text, "| {} | {} | {} ({place}) | {sample} |", change.meaning.word(), code(&pointer(change)), escape(&change.message));
    }
    if changes.len() > MOST {
        let _ = writeln!(text, "| | {} more | | |", changes.len() - MOST);
    }
    if let Some(value) = &evolution.example {
        let _ = writeln!(text, "\nFor example {}", code(&example(value)));
    }
    let _ = writeln!(text, "\n{}.", escape(&counts(evolution, options.wording)));
    text
}

#[derive(Serialize)]
struct Report<'e> {
    tool: &'static str,
    version: &'static str,
    old: &'e str,
    new: &'e str,
    direction: &'static str,
    verdict: &'static str,
    proof: &'static str,
    example: Option<&'e Value>,
    summary: Summary,
    changes: Vec<Item<'e>>,
}

#[derive(Serialize)]
struct Summary {
    breaking: usize,
    undecided: usize,
    compatible: usize,
    wording: usize,
}

#[derive(Serialize)]
struct Item<'e> {
    meaning: &'static str,
    pointer: &'e str,
    message: &'e str,
    old: Option<At>,
    new: Option<At>,
    example: Option<&'e Value>,
}

impl<'e> Item<'e> {
    fn new(change: &'e Change) -> Self {
        Self {
            meaning: change.meaning.word(),
            pointer: &change.pointer,
            message: &change.message,
            old: change.old.as_ref().map(At::new),
            new: change.new.as_ref().map(At::new),
            example: change.example.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct At {
    file: String,
    line: u64,
    column: u32,
    end_line: u64,
    end_column: u32,
}

impl At {
    fn new(place: &Place) -> Self {
        let location = place.locate();
        Self {
            file: location.file.to_string(),
            line: location.start.line,
            column: location.start.column,
            end_line: location.end.line,
            end_column: location.end.column,
        }
    }
}

fn json(evolution: &Compatibility, (old, new): (&str, &str)) -> String {
    let report = Report {
        tool: "chancery",
        version: env!("CARGO_PKG_VERSION"),
        old,
        new,
        direction: if evolution.direction == Direction::Backward { "backward" } else { "forward" },
        verdict: evolution.verdict.word(),
        proof: evolution.proof.word(),
        example: evolution.example.as_ref(),
        summary: Summary {
            breaking: evolution.count(Meaning::Breaking),
            undecided: evolution.count(Meaning::Undecided),
            compatible: evolution.count(Meaning::Compatible),
            wording: evolution.count(Meaning::Wording),
        },
        changes: evolution.changes.iter().map(Item::new).collect(),
    };
    // Plain values, which can always be written.
    serde_json::to_string_pretty(&report).map_or_else(|error| error.to_string(), |text| text + "\n")
}
