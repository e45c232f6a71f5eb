//! What is said about the data: one [`Diagnostic`] a finding, made by every stage, drawn by the reporters.
//!
//! Every stage hands its diagnostics to a [`Notes`]; decorators of it change severities, leave out and count.
//! The catalogue of what can be said is [`rules`].

pub mod hint;
pub mod rules;

use std::sync::Arc;

use crate::source::{Location, Source, Span};

pub use rules::Rule;

/// How grave a finding is; ordered from light to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Advice,
    /// Likely wrong; the record is still valid.
    Warning,
    /// Wrong; the record is not valid.
    Error,
}

impl Severity {
    /// `error`, `warning` or `advice`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A span with the source it lies in.
#[derive(Clone, Debug)]
pub struct Place {
    /// The window that holds the text.
    pub source: Arc<Source>,
    /// The bytes meant.
    pub span: Span,
}

impl Place {
    /// These bytes of that source.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// File, lines and columns; counted on demand, since only what is shown needs them.
    #[must_use]
    pub fn locate(&self) -> Location {
        self.source.locate(self.span)
    }
}

/// A further place that explains the finding.
#[derive(Clone, Debug)]
pub struct Related {
    /// What stands there.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// Whether applying an edit can change what the data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The value means the same afterwards.
    Safe,
    /// A guess that a person should look at.
    Unsafe,
}

/// A replacement of bytes of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace, in the finding's own source; empty where something is added.
    pub span: Span,
    /// What to put there, in the format's notation; empty until the pipeline has found that.
    pub text: String,
    /// What that is.
    pub new: New,
    /// JSON pointer of the value or member that is edited; that of the finding unless said otherwise.
    pub pointer: Option<String>,
}

/// What an edit puts in place, whatever the format's notation for it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum New {
    /// A scalar for another one.
    Scalar(Scalar),
    /// Another name of a member.
    Name(String),
    /// A member that was not there.
    Member(Box<Member>),
    /// Nothing: an item of a list, or a member, goes with the mark that parts it from the next.
    Gone,
    /// Nothing new: the same data in another layout. The text is the format's from the beginning.
    Layout,
}

/// A scalar, told by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number, boolean or null, as JSON writes it.
    Literal(String),
}

/// A member to be added, behind one that is there and whose layout it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// JSON pointer of the object.
    pub object: String,
    /// The object's opening.
    pub opening: Span,
    /// The name of the member that is there.
    pub key: Span,
    /// Its value.
    pub value: Span,
    /// The new name.
    pub name: String,
    /// The new value.
    pub scalar: Scalar,
    /// Whether the other edits make sense without this one, as a guess, where the layout has no place for it.
    pub spare: bool,
}

impl Edit {
    fn new(span: Span, text: String, new: New) -> Self {
        Self { span, text, new, pointer: None }
    }

    /// A scalar in the place of another.
    #[must_use]
    pub fn scalar(span: Span, scalar: Scalar) -> Self {
        Self::new(span, String::new(), New::Scalar(scalar))
    }

    /// Another name of a member.
    #[must_use]
    pub fn name(span: Span, name: impl Into<String>) -> Self {
        Self::new(span, String::new(), New::Name(name.into()))
    }

    /// A further member.
    #[must_use]
    pub fn member(member: Member) -> Self {
        Self::new(Span::at(member.value.end), String::new(), New::Member(Box::new(member)))
    }

    /// An item or a member that goes. The bytes are those that a list with marks between its items loses.
    #[must_use]
    pub fn gone(span: Span) -> Self {
        Self::new(span, String::new(), New::Gone)
    }

    /// The same in another layout.
    #[must_use]
    pub fn layout(span: Span, text: impl Into<String>) -> Self {
        Self::new(span, text.into(), New::Layout)
    }

    /// What is new, without any notation; empty where nothing is.
    #[must_use]
    pub fn value(&self) -> &str {
        match &self.new {
            New::Scalar(scalar) => scalar.text(),
            New::Name(name) => name,
            New::Member(member) => member.scalar.text(),
            New::Gone | New::Layout => "",
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

/// Edits that mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Whether it can be applied unseen.
    pub safety: Safety,
    /// What to replace.
    pub edits: Vec<Edit>,
}

/// Which record of its file a finding belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordRef {
    /// Number of the record in its file, from 0.
    pub index: u64,
    /// The record's key, where it has one.
    pub key: Option<String>,
    /// Number of the record in the run, from 0, where it was read in this run.
    pub number: Option<u64>,
    /// A hash of the record's content as it was read, whatever its layout; only where a baseline is in use.
    pub content: Option<u128>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule that speaks.
    pub rule: &'static Rule,
    /// The rule's severity, unless config or `--strict` changed it.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, what was expected and what was found.
    pub message: String,
    /// The bytes that are wrong.
    pub place: Place,
    /// A short remark at the place.
    pub label: Option<String>,
    /// Other places that explain it.
    pub related: Vec<Related>,
    /// What to do about it.
    pub help: Option<String>,
    /// JSON pointer inside the record; `None` where the finding is about the file.
    pub pointer: Option<String>,
    /// JSON pointer inside the schema, `/properties/id/type`.
    pub schema_pointer: Option<String>,
    /// The record; filled in by the pipeline, which counts them.
    pub record: Option<RecordRef>,
    /// The name of the input's format; filled in by the pipeline, empty where there is no input.
    pub format: &'static str,
    /// Whether byte offsets count the unpacked or decoded text instead of the file's own bytes; filled in by the pipeline.
    pub decoded: bool,
    /// Edits that mend it.
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
            format: "",
            decoded: false,
            fix: None,
        }
    }

    /// With a short remark at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With a deed that helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the JSON pointer of the value inside its record.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// With the JSON pointer of the schema keyword.
    #[must_use]
    pub fn schema_at(mut self, pointer: impl Into<String>) -> Self {
        self.schema_pointer = Some(pointer.into());
        self
    }

    /// With a further place.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, place: Place) -> Self {
        self.related.push(Related { message: message.into(), place });
        self
    }

    /// With an edit that mends it: a text in the place of what `span` covers.
    #[must_use]
    pub fn fix(self, safety: Safety, span: Span, text: impl Into<String>) -> Self {
        self.mend(safety, vec![Edit::scalar(span, Scalar::Text(text.into()))])
    }

    /// With edits that mend it together, at the place that the finding's pointer names.
    #[must_use]
    pub fn mend(mut self, safety: Safety, mut edits: Vec<Edit>) -> Self {
        for edit in &mut edits {
            edit.pointer = edit.pointer.take().or_else(|| self.pointer.clone());
        }
        self.fix = Some(Fix { safety, edits });
        self
    }
}

/// How many findings about one record are kept; one more stands for the rest.
pub const MAX_FINDINGS_PER_RECORD: usize = 1000;

/// Takes diagnostics as they arise.
pub trait Notes {
    /// Takes one.
    fn note(&mut self, diagnostic: Diagnostic);

    /// Takes the number of those that are not kept.
    fn omit(&mut self, omitted: Omitted) {
        omitted.into_finding().into_iter().for_each(|finding| self.note(finding));
    }

    /// How many findings about one record are kept.
    fn limit(&self) -> usize {
        MAX_FINDINGS_PER_RECORD
    }

    /// How many candidates may be looked at for suggestions about the next record; see [`hint`].
    fn hints(&self) -> hint::Budget {
        hint::Budget::default()
    }

    /// Counts candidates that have been looked at.
    fn spend_hints(&mut self, _candidates: u64) {}
}

/// Findings about a record beyond those that are kept: how many, how severe, and where the first of them is.
#[derive(Clone, Debug, Default)]
pub struct Omitted {
    count: u64,
    // Whether there may be more than have been counted.
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

    /// Counts so many errors, the first of which is at `place`.
    pub fn count(&mut self, count: u64, place: impl FnOnce() -> Place) {
        if count > 0 {
            self.count += count;
            let (_, worst) = self.first.get_or_insert_with(|| (place(), Severity::Error));
            *worst = Severity::Error;
        }
    }

    /// Says that what else is wrong was not looked for, at the latest from `place` on.
    pub fn leave_open(&mut self, place: Place) {
        self.is_open = true;
        self.first.get_or_insert((place, Severity::Error));
    }

    /// Counts those of another stage too.
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

    /// The finding that stands for them, as severe as the worst of them; `None` where there are none.
    #[must_use]
    pub fn into_finding(self) -> Option<Diagnostic> {
        let (Place { source, span }, severity) = self.first?;
        let count = match (self.count, self.is_open) {
            (0, _) => "more findings about this record were not enumerated".to_owned(),
            (1, false) => "1 more finding about this record is not listed".to_owned(),
            (count, false) => format!("{count} more findings about this record are not listed"),
            (count, true) => format!("at least {count} more findings about this record are not listed"),
        };
        let mut finding = Diagnostic::new(&rules::MANY_FINDINGS, &source, span, count)
            .help(format!("fix the first {MAX_FINDINGS_PER_RECORD} findings of the record and run again"));
        finding.severity = severity;
        Some(finding)
    }
}

impl Notes for Vec<Diagnostic> {
    fn note(&mut self, diagnostic: Diagnostic) {
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
    if string { format!("{:?}", Escaped(&shown)) } else { shown }
}

struct Escaped<'a>(&'a str);

impl std::fmt::Debug for Escaped<'_> {
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

/// Whether a character would disturb a terminal or a log: controls, line and paragraph separators, and the marks
/// that change the direction of what follows.
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

/// A text made fit for one line of a terminal or a log: line ends and other disturbing characters are escaped.
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
