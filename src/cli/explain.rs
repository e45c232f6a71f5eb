//! `chancery explain`: the page of a rule, or how a file was read, member by member.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::args::{CommonArgs, ExplainArgs, InputArgs};
use super::runner::resolve;
use super::{CliError, ExitStatus, print};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, log_text, one_line, quote, rules};
use chancery_core::source::{Format, Source};
use chancery_core::tree::{Kind, Node, Tree, pointer};
use chancery_engine::pipeline::{DiagnosticBuffer, RecordPipeline};
use chancery_engine::project::Project;
use chancery_formats::read::{self, RecordVisitor};

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Result<ExitStatus, CliError> {
    if let Some(rule) = rules::find(&args.subject) {
        return print(rule.page);
    }
    if !std::path::Path::new(&args.subject).exists() && args.subject != "-" {
        return Err(CliError::usage(unknown(&args.subject)));
    }
    let input = InputArgs {
        paths: vec![args.subject.clone()],
        from: args.from.clone(),
        records: args.records.clone(),
        encoding: args.encoding.clone(),
        form: args.form.clone(),
        ..InputArgs::default()
    };
    let common = CommonArgs { schema: args.schema.clone(), mask: args.mask, color: args.color, ..CommonArgs::default() };
    let Project { collections, inputs, .. } = resolve(&common, &input)?;
    if let Some(problem) = inputs.missing.first() {
        return Err(CliError::usage(problem.to_string()));
    }
    let Some(spec) = inputs.specs.into_iter().next() else { return print("") };
    let unreadable = |failure| CliError::File { path: PathBuf::from(&*spec.input.name), error: io::Error::other(failure) };
    let Some(collection) = collections.into_iter().nth(spec.collection) else { return print("") };
    let mut opened = spec.open(&collection.options, None).map_err(unreadable)?;
    let pipeline = collection.into_pipeline();
    let found = DiagnosticBuffer::default();
    let mut account = Explanation { pipeline, format: opened.format, text: String::new(), records: 0, found };
    read::read_all(&mut *opened.chunker, &mut account).map_err(unreadable)?;
    account.outside();
    print(&log_text(&account.text))
}

fn unknown(subject: &str) -> String {
    let near = rules::ALL
        .iter()
        .flat_map(|rule| [rule.code, rule.name])
        .filter(|known| strsim::damerau_levenshtein(known, subject) <= 2)
        .min_by_key(|known| strsim::damerau_levenshtein(known, subject));
    match near {
        Some(near) => format!("no rule or file named {subject}; did you mean {near}?"),
        None => format!("no rule or file named {subject}; see docs/rules for the list"),
    }
}

// Writes a line for each scalar of each record: its location, its member, and how it was derived.
struct Explanation {
    pipeline: RecordPipeline,
    format: Format,
    text: String,
    records: usize,
    // About the next record.
    found: DiagnosticBuffer,
}

impl DiagnosticSink for Explanation {
    fn emit(&mut self, diagnostic: Diagnostic) {
        self.found.emit(diagnostic);
    }
}

impl RecordVisitor for Explanation {
    fn record(&mut self, tree: &mut Tree) {
        let redactor = self.pipeline.redactor.clone();
        let redactor = redactor.as_deref();
        let before = redactor.map(|redactor| redactor.before(tree)).unwrap_or_default();
        self.pipeline.process(tree, self.format, &mut self.found);
        let mut diagnostics = self.take_found();
        let shown = redactor.map(|redactor| {
            let redaction = redactor.record(tree, before, &diagnostics);
            diagnostics.iter_mut().for_each(|diagnostic| redaction.emit(diagnostic));
            redaction.tree()
        });
        let _ = writeln!(self.text, "record {}", self.records);
        self.records += 1;
        let mut path = String::new();
        self.node(tree.root(), shown.as_ref().map(Tree::root), &mut path);
        diagnostics.iter().for_each(|diagnostic| self.line(diagnostic));
    }

    fn malformed(&mut self) {
        self.outside();
        let _ = writeln!(self.text, "record {} could not be read", self.records);
        self.records += 1;
    }

    fn file_diagnostic(&mut self, mut diagnostic: Diagnostic) {
        if let Some(redactor) = &self.pipeline.redactor {
            redactor.outside(&mut diagnostic, &Arc::new(Source::whole("", "")));
        }
        self.line(&diagnostic);
    }

    fn stop(&mut self) {}
}

impl Explanation {
    fn take_found(&mut self) -> Vec<Diagnostic> {
        let mut found = std::mem::take(&mut self.found);
        found.close();
        found.diagnostics
    }

    // Writes the findings that belong to no record.
    fn outside(&mut self) {
        for diagnostic in self.take_found() {
            self.file_diagnostic(diagnostic);
        }
    }

    fn line(&mut self, diagnostic: &Diagnostic) {
        let location = diagnostic.place.locate();
        let _ = writeln!(
            self.text,
            "{:>5}:{:<4} {}[{}] {}",
            location.start.line,
            location.start.column,
            diagnostic.severity.word(),
            diagnostic.rule.code,
            one_line(&diagnostic.message)
        );
    }

    // `shown` is the same value as it may be shown, where that is another one.
    fn node(&mut self, node: Node<'_>, shown: Option<Node<'_>>, path: &mut String) {
        let length = path.len();
        let mut below = shown.into_iter().flat_map(Node::members);
        for member in node.members() {
            let shown = below.next();
            pointer::push(path, shown.map_or(member.key, |shown| shown.key).text());
            self.node(member.value, shown.map(|shown| shown.value), path);
            path.truncate(length);
        }
        let mut below = shown.into_iter().flat_map(Node::items);
        for (index, item) in node.items().enumerate() {
            pointer::push_index(path, index);
            self.node(item, below.next(), path);
            path.truncate(length);
        }
        if !node.is_empty() {
            return;
        }
        let at = node.tree().source().position(node.span().start);
        let value = match node.kind() {
            Kind::Array => "[]".to_owned(),
            Kind::Object => "{}".to_owned(),
            kind => quote(node.text(), kind == Kind::String),
        };
        let written = node.written();
        if let Some(shown) = shown.filter(|shown| shown.text() != node.text()) {
            let _ = writeln!(self.text, "{:>5}:{:<4} {path} = {}", at.line, at.column, quote(shown.text(), true));
            return;
        }
        let how = if node.is_derived() {
            format!("  (derived from {})", quote(written, true))
        } else if node.is_altered() {
            format!("  (written {})", quote(written, true))
        } else {
            String::new()
        };
        let (path, value) = (one_line(path), one_line(&value));
        let _ = writeln!(self.text, "{:>5}:{:<4} {path} = {value}{how}", at.line, at.column);
    }
}
