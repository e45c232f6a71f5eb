//! The config file, `chancery.toml`: defaults for the flags.
//!
//! It is read like any other data: into a spanned tree and validated against `schemas/config.schema.json`, so that a
//! mistake in it is a finding with a location. Paths in it are relative to its directory.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Error, discovery, schemas};
use crate::pipeline::policy::{self, Override};
use crate::pipeline::scope::{self, Scope};
use crate::pipeline::suppress::Suppress;
use chancery_check::OnInvalid;
use chancery_check::normalise::{self, ConfiguredPass, Pass};
use chancery_check::schema::Checker;
use chancery_core::diagnostic::{Diagnostic, Place, Severity, quote, rules};
use chancery_core::tree::pattern::Pattern;
use chancery_core::tree::{Node, Tree};
use chancery_formats::read;
use chancery_formats::read::csv::{Cells, Dialect};
use chancery_formats::write;
use chancery_schema::bundled;

/// Paths with their own settings.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub(super) paths: Vec<String>,
    pub(super) schema: Option<String>,
    pub(super) from: Option<read::Format>,
    pub(super) records: Option<String>,
    /// Whether these are files that no source claims: only their syntax is checked.
    pub(super) unclaimed: bool,
}

/// The settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Its directory, relative to the working directory; empty for the working directory.
    pub(super) folder: PathBuf,
    pub(super) sources: Vec<Group>,
    pub(super) schema: Option<String>,
    pub(super) schema_dir: Vec<PathBuf>,
    pub(super) from: Option<read::Format>,
    pub(super) records: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) form: Option<String>,
    pub(super) key: Option<String>,
    pub(super) jobs: Option<usize>,
    pub(super) max_record_bytes: Option<usize>,
    pub(super) max_depth: Option<usize>,
    pub(super) on_invalid: Option<OnInvalid>,
    /// `Some(None)` is never.
    pub(super) fail_on: Option<Option<Severity>>,
    pub(super) select: Vec<String>,
    pub(super) ignore: Vec<String>,
    /// `None` is off.
    pub(super) severities: Vec<(String, Option<Severity>)>,
    pub(super) overrides: Vec<Override>,
    pub(super) mask: bool,
    pub(super) suppress: Vec<Suppress>,
    pub(super) baseline: Option<PathBuf>,
    /// The file itself.
    pub(super) path: Option<PathBuf>,
    pub(super) strict: bool,
    pub(super) complete: bool,
    pub(super) defaults: bool,
    pub(super) report: Vec<String>,
    pub(super) output: Option<PathBuf>,
    pub(super) outputs: Vec<write::Format>,
    pub(super) normalise: normalise::Options,
    pub(super) csv: Dialect,
}

impl Config {
    /// The config in the file `named`, else that of the project that contains `paths`, else none.
    ///
    /// # Errors
    /// When it is invalid or cannot be read, or the paths belong to several projects.
    pub fn find(named: Option<&Path>, paths: &[String]) -> Result<Self, Error> {
        discovery::locate(named, paths)?.map_or_else(|| Ok(Self::default()), |path| Self::read(&path))
    }

    /// The nearest `chancery.toml` in a directory or above, else none.
    ///
    /// # Errors
    /// When it is invalid or cannot be read.
    pub fn above(folder: &Path) -> Result<Self, Error> {
        discovery::nearest(folder).map_or_else(|| Ok(Self::default()), |path| Self::read(&path))
    }

    /// The config in a file.
    fn read(path: &Path) -> Result<Self, Error> {
        let tree = schemas::parse_file(path)?;
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        Checker::new(schemas::own(bundled::CONFIG, true)?).check(&tree, &mut diagnostics);
        unknown_rules(&tree, &mut diagnostics);
        if !diagnostics.is_empty() {
            return Err(Error::Findings(diagnostics));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let overrides = overrides(tree.root(), folder, &mut diagnostics);
        let suppress = suppress(tree.root(), folder, &mut diagnostics);
        if !diagnostics.is_empty() {
            return Err(Error::Findings(diagnostics));
        }
        Ok(Self { overrides, suppress, path: Some(path.to_owned()), ..Self::of(tree.root(), folder) })
    }

    // The tree has been validated, so its values have the expected types.
    fn of(root: Node<'_>, folder: &Path) -> Self {
        let text = |name: &str| root.get(name).map(|node| node.text().to_owned());
        let number = |name: &str| root.get(name).and_then(|node| node.text().parse().ok());
        let yes = |name: &str| root.get(name).is_some_and(|node| node.text() == "true");
        let local = |path: &str| shown(folder, path);
        let format = |node: Node<'_>| node.get("from").and_then(|from| read::Format::by_name(from.text()));
        let schema = |node: Option<Node<'_>>| {
            node.map(|node| match node.text() {
                "profile" | "none" => node.text().to_owned(),
                path => local(path),
            })
        };
        let group = |node: Node<'_>| Group {
            paths: texts(node.get("paths")).iter().map(|path| local(path)).collect(),
            schema: schema(node.get("schema")),
            from: format(node),
            records: node.get("records").map(|records| records.text().to_owned()),
            unclaimed: false,
        };
        let sources = root.get("sources").map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
        let (tables, plain): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| !source.members().collect::<Vec<_>>().is_empty());
        let mut groups: Vec<Group> = tables.into_iter().map(group).collect();
        if !plain.is_empty() {
            groups.insert(0, Group { paths: plain.iter().map(|path| local(path.text())).collect(), ..Group::default() });
        }
        Self {
            folder: folder.to_owned(),
            sources: groups,
            schema: schema(root.get("schema")),
            schema_dir: texts(root.get("schema-dir")).iter().map(|path| PathBuf::from(local(path))).collect(),
            from: format(root),
            records: text("records"),
            encoding: text("encoding"),
            form: text("form").map(|form| if folder.join(&form).is_file() { local(&form) } else { form }),
            key: text("key"),
            jobs: number("jobs"),
            max_record_bytes: number("max-record-bytes"),
            max_depth: number("max-depth"),
            on_invalid: root.get("on-invalid").map(|node| match node.text() {
                "stop" => OnInvalid::Stop,
                "keep" => OnInvalid::Keep,
                _ => OnInvalid::Skip,
            }),
            fail_on: root.get("fail-on").map(|node| severity(node.text())),
            select: texts(root.get("select")),
            ignore: texts(root.get("ignore")),
            severities: root
                .get("severity")
                .map(|table| table.members().map(|member| (member.key.text().to_owned(), severity(member.value.text()))).collect())
                .unwrap_or_default(),
            overrides: Vec::new(),
            suppress: Vec::new(),
            baseline: text("baseline").map(|path| PathBuf::from(local(&path))),
            path: None,
            mask: yes("mask"),
            strict: yes("strict"),
            complete: yes("complete"),
            defaults: yes("defaults"),
            report: texts(root.get("report")).iter().map(|report| report_at(report, &local)).collect(),
            output: text("output").map(|path| PathBuf::from(local(&path))),
            outputs: texts(root.get("outputs")).iter().filter_map(|name| write::Format::by_name(name)).collect(),
            normalise: root.get("normalise").map(passes).unwrap_or_default(),
            csv: root.get("csv").map(dialect).unwrap_or_default(),
        }
    }
}

fn texts(list: Option<Node<'_>>) -> Vec<String> {
    list.map(|list| list.items().map(|item| item.text().to_owned()).collect()).unwrap_or_default()
}

fn severity(word: &str) -> Option<Severity> {
    [Severity::Error, Severity::Warning, Severity::Note].into_iter().find(|severity| severity.word() == word)
}

// A path of the config relative to the working directory.
fn shown(folder: &Path, path: &str) -> String {
    if path == "-" { path.to_owned() } else { folder.join(path).to_string_lossy().replace('\\', "/") }
}

fn report_at(report: &str, local: &dyn Fn(&str) -> String) -> String {
    match report.split_once('=') {
        Some((format, file)) => format!("{format}={}", local(file)),
        None => report.to_owned(),
    }
}

fn overrides(root: Node<'_>, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<Override> {
    let tables = root.get("overrides").into_iter().flat_map(Node::items);
    let special = |table: Node<'_>| Override {
        scope: scope(table, folder, diagnostics),
        severity: table.get("severity").and_then(|word| severity(word.text())),
    };
    tables.map(special).collect()
}

fn suppress(root: Node<'_>, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<Suppress> {
    let tables = root.get("suppress").into_iter().flat_map(Node::items);
    let one = |table: Node<'_>| Suppress {
        scope: scope(table, folder, diagnostics),
        place: Place::new(table.tree().source(), table.get("codes").map_or(table.opening(), Node::span)),
    };
    tables.map(one).collect()
}

// What `codes`, `files` and `pointer` of a table select.
fn scope(table: Node<'_>, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Scope {
    let mut named = |list: Node<'_>| {
        let patterns: Vec<&str> = list.items().map(Node::text).collect();
        let bad_pattern =
            |error| Diagnostic::new(&rules::BAD_PATTERN, table.tree().source(), list.span(), format!("expected globs: {error}"));
        scope::files(folder, &patterns).map_err(|error| diagnostics.push(bad_pattern(error).at(list.pointer()))).ok()
    };
    Scope {
        files: table.get("files").and_then(&mut named),
        codes: texts(table.get("codes")),
        pointer: table.get("pointer").and_then(|pattern| Pattern::new(pattern.text())),
    }
}

fn passes(table: Node<'_>) -> normalise::Options {
    let asked = table.get("ask").map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
    normalise::Options {
        off: texts(table.get("off")).iter().filter_map(|name| Pass::find(name)).collect(),
        configured: asked
            .into_iter()
            .filter_map(|ask| {
                Some(ConfiguredPass { pattern: Pattern::new(ask.get("pointer")?.text())?, passes: Value::from(ask.get("pass")?.text()) })
            })
            .collect(),
        ..normalise::Options::default()
    }
}

fn dialect(table: Node<'_>) -> Dialect {
    let byte = |name: &str| table.get(name).and_then(|node| node.text().bytes().next());
    Dialect {
        delimiter: byte("delimiter"),
        no_header: table.get("no-header").is_some_and(|node| node.text() == "true"),
        comment: byte("comment"),
        null_words: texts(table.get("null-words")),
        list_separator: table.get("list-separator").map(|node| node.text().to_owned()),
        cells: if table.get("cells").is_some_and(|node| node.text() == "text") { Cells::Text } else { Cells::Typed },
    }
}

// Unknown rule names: the schema cannot check them.
fn unknown_rules(tree: &Tree, diagnostics: &mut Vec<Diagnostic>) {
    let root = tree.root();
    let lists = ["select", "ignore"].into_iter().filter_map(|name| root.get(name)).flat_map(Node::items);
    let tables = ["overrides", "suppress"].into_iter().filter_map(|name| root.get(name));
    let special = tables.flat_map(Node::items).filter_map(|item| item.get("codes")).flat_map(Node::items);
    let severities = root.get("severity").into_iter().flat_map(Node::members).map(|member| member.key);
    for node in lists.chain(severities).chain(special) {
        if !policy::is_known(node.text()) {
            let message = format!("expected a rule code or name, found {}", quote(node.text(), true));
            diagnostics.push(
                Diagnostic::new(&rules::UNKNOWN_RULE, tree.source(), node.span(), message)
                    .at(node.pointer())
                    .help("see docs/rules for the list; S selects all schema rules"),
            );
        }
    }
}
