//! Findings: each is a [`Diagnostic`], emitted by a stage and rendered by the reporters.
//!
//! Every stage emits its diagnostics to a [`DiagnosticSink`]; decorators change severities, filter and count. [`rules`]
//! is the catalogue of all rules.

pub mod hint;
pub mod rules;

use std::sync::Arc;

use crate::source::{Format, Location, Source, Span};

pub use rules::Rule;

/// The severity of a finding, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Information; no action is needed.
    Note,
    /// Likely wrong; the record is still valid.
    Warning,
    /// Wrong; the record is not valid.
    Error,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A span with the source it is in.
#[derive(Clone, Debug)]
pub struct Place {
    /// The window that holds the text.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Span,
}

impl Place {
    /// These bytes of that source.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// File, lines and columns; computed on demand, because only shown findings need them.
    #[must_use]
    pub fn locate(&self) -> Location {
        self.source.locate(self.span)
    }
}

/// A related location that explains the finding.
#[derive(Clone, Debug)]
pub struct Related {
    /// Its meaning.
    pub message: String,
    /// The location.
    pub place: Place,
}

/// Whether applying an edit can change the meaning of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The value has the same meaning.
    Safe,
    /// A guess that a person should review.
    Unsafe,
}

/// A replacement of bytes of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace, in the finding's own source; empty for an insertion.
    pub span: Span,
    /// The replacement, in the format's notation; empty until the pipeline has computed it.
    pub text: String,
    /// The kind of edit.
    pub new: EditKind,
    /// JSON pointer of the edited value or member; by default that of the finding.
    pub pointer: Option<String>,
}

/// The kind of an edit, independent of the format's notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditKind {
    /// Replaces a scalar by another one.
    Scalar(Scalar),
    /// Renames a member.
    Name(String),
    /// Adds a member.
    Member(Box<Member>),
    /// Removes an item of a list, or a member, with its separator.
    Remove,
    /// Changes only the layout of the same data. The text is in the format's notation from the beginning.
    Layout,
}

/// A scalar, given by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number, boolean or null, as JSON writes it.
    Literal(String),
}

/// A member to be added after an existing one, in the same layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// JSON pointer of the object.
    pub object: String,
    /// The object's opening.
    pub opening: Span,
    /// The name of the existing member.
    pub key: Span,
    /// Its value.
    pub value: Span,
    /// The new name.
    pub name: String,
    /// The new value.
    pub scalar: Scalar,
    /// Whether the other edits make sense without this one, as a guess, if the layout has no place for it.
    pub optional: bool,
}

impl Edit {
    fn new(span: Span, text: String, new: EditKind) -> Self {
        Self { span, text, new, pointer: None }
    }

    /// A scalar replaced by another.
    #[must_use]
    pub fn scalar(span: Span, scalar: Scalar) -> Self {
        Self::new(span, String::new(), EditKind::Scalar(scalar))
    }

    /// Renames a member.
    #[must_use]
    pub fn name(span: Span, name: impl Into<String>) -> Self {
        Self::new(span, String::new(), EditKind::Name(name.into()))
    }

    /// An added member.
    #[must_use]
    pub fn member(member: Member) -> Self {
        Self::new(Span::at(member.value.end), String::new(), EditKind::Member(Box::new(member)))
    }

    /// A removed item or member. The bytes are those removed from a list with separators.
    #[must_use]
    pub fn removal(span: Span) -> Self {
        Self::new(span, String::new(), EditKind::Remove)
    }

    /// The same data in another layout.
    #[must_use]
    pub fn layout(span: Span, text: impl Into<String>) -> Self {
        Self::new(span, text.into(), EditKind::Layout)
    }

    /// The new text, without notation; empty if there is none.
    #[must_use]
    pub fn value(&self) -> &str {
        match &self.new {
            EditKind::Scalar(scalar) => scalar.text(),
            EditKind::Name(name) => name,
            EditKind::Member(member) => member.scalar.text(),
            EditKind::Remove | EditKind::Layout => "",
        }
    }
}

impl Scalar {
    /// The text of either.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Text(text) | Self::Literal(text)) = self;
        text
    }
}

/// Edits that fix a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Whether it can be applied without review.
    pub safety: Safety,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// The record of a finding in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordRef {
    /// Index of the record in its file, from 0.
    pub index: u64,
    /// The record's key, if it has one.
    pub key: Option<String>,
    /// Number of the record in the run, from 0, where it was read in this run.
    pub number: Option<u64>,
    /// A hash of the record's content as it was read, regardless of its layout; only where a baseline is in use.
    pub content: Option<u128>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule.
    pub rule: &'static Rule,
    /// The rule's severity, unless config or `--strict` changed it.
    pub severity: Severity,
    /// The message: lower case, no full stop, what was expected and what was found.
    pub message: String,
    /// The bytes that are wrong.
    pub place: Place,
    /// A short label at the location.
    pub label: Option<String>,
    /// Related locations.
    pub related: Vec<Related>,
    /// What to do about it.
    pub help: Option<String>,
    /// JSON pointer inside the record; `None` if the finding is about the file.
    pub pointer: Option<String>,
    /// JSON pointer inside the schema, `/properties/id/type`.
    pub schema_pointer: Option<String>,
    /// The record; set by the pipeline, which counts them.
    pub record: Option<RecordRef>,
    /// The format of the input; set by the pipeline, `None` if there is no input.
    pub format: Option<Format>,
    /// Whether byte offsets count decompressed or decoded text instead of the file's own bytes; set by the pipeline.
    pub decoded: bool,
    /// Edits that fix it.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding of `rule` at `span` of `source`, with the rule's severity.
    #[must_use]
    pub fn new(rule: &'static Rule, source: &Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            place: Place::new(source, span),
            label: None,
            related: Vec::new(),
            help: None,
            pointer: None,
            schema_pointer: None,
            record: None,
            format: None,
            decoded: false,
            fix: None,
        }
    }

    /// Sets the label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the help text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the JSON pointer of the value inside its record.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Sets the JSON pointer of the schema keyword.
    #[must_use]
    pub fn schema_at(mut self, pointer: impl Into<String>) -> Self {
        self.schema_pointer = Some(pointer.into());
        self
    }

    /// Adds a related location.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, place: Place) -> Self {
        self.related.push(Related { message: message.into(), place });
        self
    }

    /// Sets an edit that fixes it: a text that replaces `span`.
    #[must_use]
    pub fn fix(self, safety: Safety, span: Span, text: impl Into<String>) -> Self {
        self.with_edit(safety, vec![Edit::scalar(span, Scalar::Text(text.into()))])
    }

    /// Sets edits that fix it together, at the location of the finding's pointer.
    #[must_use]
    pub fn with_edit(mut self, safety: Safety, mut edits: Vec<Edit>) -> Self {
        for edit in &mut edits {
            edit.pointer = edit.pointer.take().or_else(|| self.pointer.clone());
        }
        self.fix = Some(Fix { safety, edits });
        self
    }
}

/// Maximum number of findings about one record; one more stands for the rest.
pub const MAX_FINDINGS_PER_RECORD: usize = 1000;

/// Receives diagnostics.
pub trait DiagnosticSink {
    /// Receives one.
    fn emit(&mut self, diagnostic: Diagnostic);

    /// Receives the number of omitted ones.
    fn omit(&mut self, omitted: Omitted) {
        omitted.into_finding().into_iter().for_each(|finding| self.emit(finding));
    }

    /// How many findings about one record are kept.
    fn limit(&self) -> usize {
        MAX_FINDINGS_PER_RECORD
    }

    /// How many candidates may be compared for suggestions about the next record; see [`hint`].
    fn hints(&self) -> hint::Budget {
        hint::Budget::default()
    }

    /// Counts compared candidates.
    fn spend_hints(&mut self, _candidates: u64) {}
}

/// Omitted findings about a record: their number, severity, and the location of the first.
#[derive(Clone, Debug, Default)]
pub struct Omitted {
    count: u64,
    // Whether there may be more than were counted.
    is_open: bool,
    first: Option<(Place, Severity)>,
}

impl Omitted {
    /// Counts one.
    pub fn add(&mut self, finding: Diagnostic) {
        self.count += 1;
        let Diagnostic { place, severity, .. } = finding;
        let (_, worst) = self.first.get_or_insert((place, severity));
        *worst = (*worst).max(severity);
    }

    /// Counts this many errors, the first of which is at `place`.
    pub fn count(&mut self, count: u64, place: impl FnOnce() -> Place) {
        if count > 0 {
            self.count += count;
            let (_, worst) = self.first.get_or_insert_with(|| (place(), Severity::Error));
            *worst = Severity::Error;
        }
    }

    /// Marks that further errors were not enumerated, from `place` on at the latest.
    pub fn keep_open(&mut self, place: Place) {
        self.is_open = true;
        self.first.get_or_insert((place, Severity::Error));
    }

    /// Adds those of another stage.
    pub fn join(&mut self, other: Self) {
        self.count += other.count;
        self.is_open |= other.is_open;
        self.first = match (self.first.take(), other.first) {
            (Some((place, one)), Some((_, other))) => Some((place, one.max(other))),
            (one, other) => one.or(other),
        };
    }

    /// How many there are; [`u64::MAX`] where there may be more than have been counted.
    #[must_use]
    pub fn number(&self) -> u64 {
        if self.is_open { u64::MAX } else { self.count }
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.first.as_ref().is_some_and(|(_, severity)| *severity == Severity::Error)
    }

    /// The finding that stands for them, with the highest severity; `None` if there are none.
    #[must_use]
    pub fn into_finding(self) -> Option<Diagnostic> {
        let (Place { source, span }, severity) = self.first?;
        let count = match (self.count, self.is_open) {
            (0, _) => "more findings about this record are not listed".to_owned(),
            (1, false) => "1 more finding about this record is not listed".to_owned(),
            (count, false) => format!("{count} more findings about this record are not listed"),
            (count, true) => format!("at least {count} more findings about this record are not listed"),
        };
        let mut finding = Diagnostic::new(&rules::MANY_FINDINGS, &source, span, count)
            .help(format!("fix the first {MAX_FINDINGS_PER_RECORD} findings of the record, then run again"));
        finding.severity = severity;
        Some(finding)
    }
}

impl DiagnosticSink for Vec<Diagnostic> {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.push(diagnostic);
    }
}

/// A value quoted for a message: one line, control characters escaped, long text cut with an ellipsis.
///
/// Takes a scalar's text and whether it is a string.
#[must_use]
pub fn quote(text: &str, string: bool) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    if string { format!("{:?}", EscapedText(&shown)) } else { shown }
}

struct EscapedText<'a>(&'a str);

impl std::fmt::Debug for EscapedText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_unprintable(c) => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Whether a character would disturb a terminal or a log: control characters, line and paragraph separators, and
/// characters that change the text direction.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Text in which nothing is a command to a CI runner: neither `##[name]`, `##vso[...]` and the like anywhere in a line, nor
/// two colons at the beginning of one, where runners skip blanks.
#[must_use]
pub fn inert(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("##") && !text.contains("::") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        let rest = if rest.starts_with("::") {
            out.push_str(&line[..line.len() - rest.len()]);
            out.push_str("\\u003a");
            &rest[1..]
        } else {
            line
        };
        let mut from = 0;
        for at in command_signs(rest) {
            out.push_str(&rest[from..at]);
            out.push_str("\\u0023");
            from = at + 1;
        }
        out.push_str(&rest[from..]);
    }
    out.into()
}

/// Where the second sign of each `##name[` stands.
pub fn command_signs(text: &str) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(text.as_bytes(), "##").filter_map(|mut at| {
        // Of several signs the last two count.
        while text[at + 1..].starts_with("##") {
            at += 1;
        }
        text[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[').then_some(at + 1)
    })
}

/// As [`one_line`], and not a command to a CI runner either.
#[must_use]
pub fn log_line(text: &str) -> String {
    inert(&one_line(text)).into_owned()
}

/// Text of several lines made fit for a terminal or a log: as [`log_line`], with its own line ends and tabs.
#[must_use]
pub fn log_text(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let bare = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        let shown: Vec<_> = bare.split('\t').map(one_line).collect();
        format!("{}{}", shown.join("\t"), &line[bare.len()..])
    });
    inert(&lines.collect::<String>()).into_owned()
}

/// A text for one line of a terminal or a log: line ends and other disturbing characters are escaped.
#[must_use]
pub fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    if !text.contains(is_unprintable) {
        return text.into();
    }
    text.chars()
        .fold(String::with_capacity(text.len() + 8), |mut line, c| {
            match c {
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                c if is_unprintable(c) => write!(line, "\\u{:04x}", u32::from(c)).expect("writing to a string cannot fail"),
                c => line.push(c),
            }
            line
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_log_is_a_command() {
        for (text, expected) in [
            ("##[add-matcher]x", "#\\u0023[add-matcher]x"),
            ("a ###[x] ##vso[task] ##teamcity[y]", "a ##\\u0023[x] #\\u0023vso[task] #\\u0023teamcity[y]"),
            ("::add-mask::x\n  ::error::y\n\t::z", "\\u003a:add-mask::x\n  \\u003a:error::y\n\t\\u003a:z"),
            ("a::b #1 [x] ## [y]", "a::b #1 [x] ## [y]"),
            ("## Title\n::", "## Title\n\\u003a:"),
        ] {
            assert_eq!(inert(text), expected);
        }
        assert_eq!(log_line("##[a]\n::b\u{202e}"), "#\\u0023[a]\\n::b\\u202e");
        assert_eq!(log_text("a\tb\u{1b}[1m\r\n::c\u{85}"), "a\tb\\u001b[1m\r\n\\u003a:c\\u0085");
    }
}
