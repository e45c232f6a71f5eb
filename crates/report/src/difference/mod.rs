//! Renders the differences between two collections: for people, for a comment on a merge request, for programs.
//!
//! Two halves, as with writing. [`render`] renders one difference, independently of the others, so it can run anywhere.
//! A [`DiffRenderer`] receives the rendered differences in order, between an [`Overview`] first and last, so that a
//! long list needs no memory. Start with `text`.

mod json;
mod markdown;
mod text;

pub(super) use markdown::{code, escape};

use std::io::{self, Write};

use chancery_check::compare::Difference;
use chancery_check::compare::pairing::Counts;
use chancery_core::diagnostic::{one_line, quote};
use chancery_core::tree::{self, Kind, Node};

/// One of the two collections.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DiffSide {
    /// Its name: a path, or a path at a revision.
    pub name: String,
    /// Records read, including unreadable ones.
    pub records: u64,
    /// Unreadable records, which are not compared.
    pub unreadable: u64,
    /// Whether every file was read completely.
    pub complete: bool,
}

/// Everything except the differences themselves. Each side has unchanged, changed, unreadable, and removed or added
/// records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The old collection.
    pub old: DiffSide,
    /// The new collection.
    pub new: DiffSide,
    /// The numbers of records.
    pub counts: Counts,
    /// JSON pointers to the key by which records are matched; none if they have none.
    pub key: Vec<String>,
}

/// Assembles the rendered differences.
pub trait DiffRenderer {
    /// Writes the text before the first difference.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn begin(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()>;

    /// Writes a difference rendered by [`render`].
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn difference(&mut self, drawn: &[u8], out: &mut dyn Write) -> io::Result<()>;

    /// Writes the end.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, overview: &Overview, out: &mut dyn Write) -> io::Result<()>;
}

/// Renders one difference.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn render(format: Format, options: Options, difference: &Difference<'_>) -> io::Result<Vec<u8>> {
    Ok(match format {
        Format::Text => text::block(difference, options).into_bytes(),
        Format::Markdown => markdown::section(difference).into_bytes(),
        Format::Json | Format::Ndjson => json::record(difference)?,
    })
}

/// An output format for differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people.
    Text,
    /// For comments on merge requests.
    Markdown,
    /// One JSON object.
    Json,
    /// One JSON object per record and line, and the summary on the last line.
    Ndjson,
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Text, Self::Markdown, Self::Json, Self::Ndjson];

    /// The name used for flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// A new renderer.
    #[must_use]
    pub fn renderer(self, options: Options) -> Box<dyn DiffRenderer> {
        match self {
            Self::Text => Box::new(text::Text),
            Self::Markdown => Box::new(markdown::Markdown::new()),
            Self::Json => Box::new(json::Json::new(options)),
            Self::Ndjson => Box::new(json::Ndjson),
        }
    }
}

/// Rendering options.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether to use colours (`text`).
    pub color: bool,
    /// Whether to show the location of every change (`text`).
    pub places: bool,
    /// Whether to print only the counts.
    pub only_counts: bool,
}

// A longer value is cut.
const LONGEST: usize = 60;

// A value on one line, cut if it is long.
fn shown(node: Node<'_>) -> String {
    if node.kind() == Kind::String {
        return quote(node.text(), true);
    }
    let mut text = Vec::new();
    tree::json(node, &mut text);
    one_line(&quote(&String::from_utf8_lossy(&text), false)).into_owned()
}

// Two differing values, each on one line; long texts are cut so that the first difference is visible.
fn both(old: Node<'_>, new: Node<'_>) -> (String, String) {
    const LEAD: usize = 12;
    let whole = |node: Node<'_>| node.text().chars().nth(LONGEST).is_none();
    if old.kind() != Kind::String || new.kind() != Kind::String || (whole(old) && whole(new)) {
        return (shown(old), shown(new));
    }
    let common = old.text().chars().zip(new.text().chars()).take_while(|(a, b)| a == b).count();
    let skip = if common > 2 * LEAD { common - LEAD } else { 0 };
    let cut = |node: Node<'_>| {
        let lead = if skip > 0 { "…" } else { "" };
        let rest: String = node.text().chars().skip(skip).take(LONGEST).collect();
        let tail = if node.text().chars().nth(skip + LONGEST).is_some() { "…" } else { "" };
        let piece: String = rest.chars().take(LONGEST - 2).collect();
        let tail = if piece.len() < rest.len() { "…" } else { tail };
        quote(&format!("{lead}{piece}{tail}"), true)
    };
    (cut(old), cut(new))
}

// A key, cut if it is long.
fn key(difference: &Difference<'_>) -> Option<String> {
    difference.key.map(|key| one_line(&quote(key, false)).into_owned())
}

// File and line of a value.
fn line(node: Node<'_>) -> String {
    let location = node.tree().source().locate(node.opening());
    format!("{}:{}", one_line(&location.file), location.start.line)
}

fn place(node: Node<'_>) -> String {
    let location = node.tree().source().locate(node.opening());
    format!("{}:{}:{}", one_line(&location.file), location.start.line, location.start.column)
}

pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

// The counts as sentences, one per line.
fn summary_lines(overview: &Overview) -> Vec<String> {
    let Overview { old, new, counts, .. } = overview;
    let records = |side: &DiffSide| plural(side.records, "record", "records");
    let mut first = format!("{} in {}, {} in {}: ", records(old), one_line(&old.name), new.records, one_line(&new.name));
    let Counts { unchanged, changed, added, removed, .. } = *counts;
    let kinds = [(unchanged, "unchanged"), (changed, "changed"), (added, "added"), (removed, "removed")];
    let kinds: Vec<String> = kinds.iter().map(|(number, word)| format!("{number} {word}")).collect();
    first.push_str(&kinds.join(", "));
    if let Some(paired) = paired(overview) {
        first.push_str(&format!("; {paired}"));
    }
    let mut lines = vec![first];
    for side in [old, new] {
        let name = one_line(&side.name);
        if side.unreadable > 0 {
            lines.push(format!("{} of {name} could not be read", plural(side.unreadable, "record", "records")));
        }
        if !side.complete {
            lines.push(format!("{name} was not read completely: records after that point count as absent"));
        }
    }
    let repeated = counts.repeated_old + counts.repeated_new;
    if repeated > 0 {
        let (have, were) = if repeated == 1 { ("has", "was") } else { ("have", "were") };
        lines.push(format!(
            "{} {have} the key of an earlier one and {were} paired in order: {} in {}, {} in {}",
            plural(repeated, "record", "records"),
            counts.repeated_old,
            one_line(&old.name),
            counts.repeated_new,
            one_line(&new.name)
        ));
    }
    lines
}

// How records were matched.
fn paired(overview: &Overview) -> Option<String> {
    let Counts { by_key, by_content, by_position, .. } = overview.counts;
    let by_key_words = format!("by {}", one_line(&overview.key.join(" and ")));
    let ways = [(by_key, by_key_words.as_str()), (by_content, "by equal content"), (by_position, "by position")];
    let ways: Vec<_> = ways.into_iter().filter(|(number, _)| *number > 0).collect();
    match ways.as_slice() {
        [] => None,
        [(_, words)] => Some(format!("paired {words}")),
        several => {
            Some(format!("paired {}", several.iter().map(|(number, words)| format!("{number} {words}")).collect::<Vec<_>>().join(", ")))
        }
    }
}
