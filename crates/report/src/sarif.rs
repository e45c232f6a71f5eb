//! Renders SARIF 2.1.0 for code hosts and editors: one run with the rules that have findings, and their results.
//!
//! Code hosts accept 25,000 results, keep 5,000 of them and reject more than 10 MB. The most important ones are
//! therefore written, in input order; omitted ones are counted in a notification of the invocation.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::escape::{self, cut};
use super::fingerprint::{self, Occurrences};
use super::repo_root::RepoRoot;
use super::top_k::{TopFindings, omitted_text};
use super::{Options, Reporter, Summary, suppressed_notes};
use chancery_core::diagnostic::{Diagnostic, Fix, Place, Rule, Safety, Severity, one_line, rules};
use chancery_core::source::{Location, Source, Span};

/// The number of results that code hosts keep.
const MOST: usize = 5_000;
/// The size of all results: a file may have 10 MB, compressed, and the rules with their pages take some of it.
const ROOM: usize = 9_000_000;
/// Longer messages and fixes are useless.
const LONGEST: usize = 4_000;
/// Longer parts of a file are not quoted.
const SNIPPET: usize = 200;
/// A result may have 1,000 locations, including the finding's own.
const RELATED: usize = 900;
/// Relative paths start here.
const ROOT: &str = "%SRCROOT%";
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// SARIF.
pub(super) struct Sarif {
    results: TopFindings<RenderedResult>,
    checkout: RepoRoot,
}

// A result without the indices of its rule and occurrence, which are known last.
struct RenderedResult {
    fingerprint: String,
    body: String,
}

impl Sarif {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        Self { results: TopFindings::new(most, ROOM), checkout: options.checkout.clone() }
    }
}

impl Reporter for Sarif {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        let mut failed = None;
        self.results.take(diagnostic, || {
            let body = escape::json(&Body::new(diagnostic, &self.checkout)).unwrap_or_else(|error| {
                failed = Some(error);
                String::new()
            });
            let size = body.len() + 150;
            (RenderedResult { fingerprint: fingerprint::exact(diagnostic), body }, size)
        });
        failed.map_or(Ok(()), Err)
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let results = self.results.in_order();
        let mut used: BTreeMap<&str, (usize, &Rule)> = results.iter().map(|kept| (kept.rule.code, (0, kept.rule))).collect();
        used.values_mut().enumerate().for_each(|(index, (number, _))| *number = index);
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":")?;
        let rules = used.values().map(|(_, rule)| Descriptor::new(rule)).collect();
        out.write_all(escape::json(&Driver::new(rules))?.as_bytes())?;
        out.write_all(b"},\n\"columnKind\":\"unicodeCodePoints\",\n\"originalUriBaseIds\":")?;
        let root = Root { description: Message::new("the repository root, or the working directory") };
        out.write_all(escape::json(&BTreeMap::from([(ROOT, root)]))?.as_bytes())?;
        out.write_all(b",\n\"invocations\":[")?;
        let rest = omitted_text(&self.results.omitted()).map(|rest| format!("left out: {}", rest.strip_prefix("and ").unwrap_or(&rest)));
        out.write_all(escape::json(&Invocation::new(summary, rest))?.as_bytes())?;
        out.write_all(b"],\n\"results\":[")?;
        let mut occurrences = Occurrences::default();
        for (at, kept) in results.iter().enumerate() {
            let number = used.get(kept.rule.code).map_or(0, |(number, _)| *number);
            let fingerprint = occurrences.name(&kept.drawn.fingerprint);
            out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
            write!(out, "{{\"ruleId\":\"{}\",\"ruleIndex\":{number},", kept.rule.code)?;
            write!(out, "\"partialFingerprints\":{{\"chancery/v1\":\"{fingerprint}\"}},")?;
            if kept.times > 1 {
                write!(out, "\"occurrenceCount\":{},", kept.times)?;
            }
            out.write_all(kept.drawn.body.as_bytes().strip_prefix(b"{").unwrap_or_default())?;
        }
        out.write_all(if results.is_empty() { b"]}]}\n" } else { b"\n]}]}\n" })
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

// The part of the program a rule belongs to, by the letter of its code.
fn tag(rule: &Rule) -> &'static str {
    match rule.code.as_bytes().first() {
        Some(b'I') => "input",
        Some(b'R') => "syntax",
        Some(b'N') => "normalisation",
        Some(b'S') => "schema",
        Some(b'X') => "records",
        Some(b'C') => "configuration",
        Some(b'W') => "output",
        _ => "baseline",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<&'static str>,
    rules: Vec<Descriptor>,
}

impl Driver {
    fn new(rules: Vec<Descriptor>) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let home = Some(env!("CARGO_PKG_REPOSITORY")).filter(|home| !home.is_empty());
        Self { name: "chancery", version, semantic_version: version, information_uri: home, rules }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    name: &'static str,
    short_description: Message,
    full_description: Message,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 1],
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    severity: &'static str,
}

impl Descriptor {
    fn new(rule: &Rule) -> Self {
        // The page begins with its title; its first paragraph is the description.
        let paragraph = rule.page.split("\n\n").nth(1).unwrap_or(rule.summary);
        Self {
            id: rule.code,
            name: rule.name,
            short_description: Message { text: rule.summary.to_owned() },
            full_description: Message { text: paragraph.split_whitespace().collect::<Vec<_>>().join(" ") },
            help: Help { text: rule.page, markdown: rule.page },
            default_configuration: Configuration { level: level(rule.severity) },
            properties: RuleProperties {
                tags: [tag(rule)],
                precision: "very-high",
                severity: if rule.severity == Severity::Note { "recommendation" } else { rule.severity.word() },
            },
        }
    }
}

#[derive(Serialize)]
struct Root {
    description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    // Omitted findings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
    properties: Counts,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
struct Counts {
    files: u64,
    records: u64,
    valid: u64,
    invalid: u64,
    errors: u64,
    warnings: u64,
    notes: u64,
}

impl Invocation {
    fn new(summary: &Summary, rest: Option<String>) -> Self {
        let unreadable = [&rules::BAD_BYTES, &rules::UNREADABLE].iter().any(|rule| summary.by_code.contains_key(rule.code));
        let Summary { files, records, valid, invalid, errors, warnings, notes, .. } = *summary;
        let notification = |level, text: &str| Notification { level, message: Message::new(text) };
        let suppressed = suppressed_notes(summary).into_iter().map(|text| notification("note", &text));
        Self {
            execution_successful: !unreadable,
            tool_execution_notifications: rest.into_iter().map(|rest| notification("warning", &rest)).chain(suppressed).collect(),
            properties: Counts { files, records, valid, invalid, errors, warnings, notes },
        }
    }
}

#[derive(Serialize)]
struct Message {
    text: String,
}

impl Message {
    // Text that would be a link or an argument placeholder is split by a blank. The standard also requires doubled
    // braces; readers show text unchanged, so that would be read as two.
    fn new(text: &str) -> Self {
        let text = one_line(&cut(text, LONGEST)).replace("](", "] (");
        let mut apart = String::with_capacity(text.len());
        let mut signs = text.chars().peekable();
        while let Some(c) = signs.next() {
            apart.push(c);
            if c == '{' && signs.peek().is_some_and(char::is_ascii_digit) {
                apart.push(' ');
            }
        }
        Self { text: apart }
    }

    // With the help on a line of its own, because many readers show only the message.
    fn with_help(text: &str, help: Option<&str>) -> Self {
        let mut message = Self::new(text);
        if let Some(help) = help {
            message.text.push('\n');
            message.text.push_str(&Self::new(help).text);
        }
        message
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'d> {
    level: &'static str,
    message: Message,
    locations: [SarifLocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixes: Option<[SarifFix; 1]>,
    properties: Properties<'d>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_locations: Option<[Logical; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
    start_column: u32,
    end_line: u64,
    end_column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<Text>,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix {
    description: Message,
    artifact_changes: Vec<Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Text,
}

#[derive(Serialize)]
struct Properties<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "schemaPointer")]
    schema_pointer: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "fixSafety")]
    safety: Option<&'static str>,
}

impl<'d> Body<'d> {
    fn new(diagnostic: &'d Diagnostic, checkout: &RepoRoot) -> Self {
        let artifact = |location: &Location| Artifact::new(&location.file, checkout);
        let place = |place: &Place, decoded| {
            let location = place.locate();
            Physical { artifact_location: artifact(&location), region: Region::new(&place.source, place.span, &location, decoded) }
        };
        let related = diagnostic.related.iter().take(RELATED).enumerate().map(|(at, related)| SarifLocation {
            id: Some(at + 1),
            physical_location: place(&related.place, diagnostic.decoded),
            logical_locations: None,
            message: Some(Message::new(&related.message)),
        });
        let fix = diagnostic.fix.as_ref().filter(|fix| {
            // An edited span must consist of the file's own bytes and be short enough for review.
            !diagnostic.decoded && !fix.edits.is_empty() && fix.edits.iter().map(|edit| edit.text.len()).sum::<usize>() <= LONGEST
        });
        Self {
            level: level(diagnostic.severity),
            message: Message::with_help(&diagnostic.message, diagnostic.help.as_deref()),
            locations: [SarifLocation {
                id: None,
                physical_location: place(&diagnostic.place, diagnostic.decoded),
                logical_locations: diagnostic.pointer.as_deref().and_then(Logical::new).map(|logical| [logical]),
                message: diagnostic.label.as_deref().map(Message::new),
            }],
            related_locations: related.collect(),
            fixes: fix.map(|fix| [SarifFix::new(fix, diagnostic, &artifact)]),
            properties: Properties {
                record: diagnostic.record.as_ref().map(|record| record.index),
                key: diagnostic.record.as_ref().and_then(|record| record.key.as_deref()).map(|key| cut(key, LONGEST).into_owned()),
                schema_pointer: diagnostic.schema_pointer.as_deref(),
                safety: fix.map(|fix| if fix.safety == Safety::Safe { "safe" } else { "unsafe" }),
            },
        }
    }
}

impl Artifact {
    fn new(file: &str, checkout: &RepoRoot) -> Self {
        let path = checkout.path(file);
        let uri = escape::uri(&path);
        let inside = path != "-" && !path.starts_with("../") && !uri.starts_with("file:");
        Self { uri, uri_base_id: inside.then_some(ROOT) }
    }
}

impl Region {
    fn new(source: &Source, span: Span, location: &Location, decoded: bool) -> Self {
        let (start, end) = (location.start, location.end);
        let span = source.clamp_span(span);
        // Up to the end of the location: a window may contain text of another file after it.
        let snippet = source.slice(Span::new(span.start, span.start + end.byte.saturating_sub(start.byte) as u32));
        Self {
            start_line: start.line,
            start_column: start.column,
            end_line: end.line,
            end_column: end.column,
            byte_offset: (!decoded).then_some(start.byte),
            byte_length: (!decoded).then_some(end.byte - start.byte),
            snippet: (!snippet.is_empty() && snippet.len() <= SNIPPET).then(|| Text { text: snippet.to_owned() }),
        }
    }
}

impl Logical {
    fn new(pointer: &str) -> Option<Self> {
        let (_, last) = pointer.rsplit_once('/')?;
        let name = last.replace("~1", "/").replace("~0", "~");
        (pointer.len() <= LONGEST).then(|| Self { name, fully_qualified_name: pointer.to_owned(), kind: "value" })
    }
}

impl SarifFix {
    fn new(fix: &Fix, diagnostic: &Diagnostic, artifact: &dyn Fn(&Location) -> Artifact) -> Self {
        let source = &diagnostic.place.source;
        let mut by_file: BTreeMap<String, (Artifact, Vec<Replacement>)> = BTreeMap::new();
        for edit in &fix.edits {
            let location = source.locate_edit(edit.span);
            let region = Region { snippet: None, ..Region::new(source, edit.span, &location, false) };
            let replacement = Replacement { deleted_region: region, inserted_content: Text { text: edit.text.clone() } };
            by_file.entry(location.file.to_string()).or_insert_with(|| (artifact(&location), Vec::new())).1.push(replacement);
        }
        let what = diagnostic.help.as_deref().unwrap_or(if fix.safety == Safety::Safe { "a safe edit" } else { "unsafe fix: review it" });
        let changes = by_file.into_values().map(|(artifact_location, replacements)| Change { artifact_location, replacements });
        Self { description: Message::new(what), artifact_changes: changes.collect() }
    }
}
