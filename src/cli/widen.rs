//! `chancery schema infer --update`: widens a schema until it accepts the data.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::args::InferArgs;
use super::{CliError, ExitStatus, gather, print};
use chancery_check::{Accepted, Checker};
use chancery_compat::{Direction, compare};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, log_line};
use chancery_core::tree::Tree;
use chancery_engine::project::schemas;
use chancery_files::output::{CommitSet, Files as _, OutputTarget};
use chancery_formats::write::{OutputWriter, Writer};
use chancery_infer::widen::{Contradictions, Edits};
use chancery_report::evolution;

/// Behind one error may be another one; this many in one place are seen.
const ROUNDS: usize = 12;

/// Runs the command.
pub fn run(args: &InferArgs, schema: &Path) -> Result<ExitStatus, CliError> {
    if args.input.paths.iter().any(|path| path == "-") {
        return Err(CliError::usage("--update reads the data several times, so they cannot come from standard input; name files"));
    }
    let original = std::fs::read_to_string(schema).map_err(|error| CliError::File { path: schema.to_owned(), error })?;
    let mut text = original.clone();
    let mut open = Vec::new();
    for _ in 0..ROUNDS {
        let tree = schemas::parse_text(schema, &text)?;
        let found = match contradictions(args, schema, &text, &tree)? {
            Ok(found) => found,
            Err(status) => return Ok(status),
        };
        let Edits { edits, open: left } = found.edits(&tree);
        open = left;
        if edits.is_empty() {
            break;
        }
        for (span, new) in edits.iter().rev() {
            text.replace_range(span.range(), new);
        }
    }
    let name = schema.to_string_lossy();
    if text == original {
        print(&format!("{}: no change\n", log_line(&name)))?;
    } else {
        let (old, new) = (schemas::load_edited(schema, &original, &[])?, schemas::load_edited(schema, &text, &[])?);
        let change = compare(&old, &new, Direction::Backward);
        print(&evolution::render(evolution::Format::Text, evolution::Options::default(), &change, (&name, &format!("{name} (widened)"))))?;
    }
    if text != original || args.output.is_some() {
        let mut target = OutputTarget::file(args.output.as_deref().unwrap_or(schema));
        let mut finished = CommitSet::default();
        target.main()?.write_all(text.as_bytes())?;
        target.finish(&mut finished)?;
        finished.commit()?;
    }
    for left in &open {
        let line =
            format!("{}: not widened; decide what to do about {} rejected values, such as {}", left.pointer, left.values, left.example);
        print(&format!("{}\n", log_line(&line)))?;
    }
    Ok(if open.is_empty() { ExitStatus::Clean } else { ExitStatus::Findings })
}

// What the data contradict in this version of the schema. They are read as the file says: a wider type reads the same values.
fn contradictions(args: &InferArgs, schema: &Path, text: &str, tree: &Tree) -> Result<Result<Contradictions, ExitStatus>, CliError> {
    let source = gather::open(args, &schema.to_string_lossy())?;
    let found = Arc::new(Mutex::new(Contradictions::default()));
    let checker = Checker::new(schemas::load_edited(schema, text, &[])?);
    let writer: Arc<dyn Writer> = Arc::new(Collector { checker, schema: tree.clone(), found: Arc::clone(&found) });
    let collections = source.project.collections.len();
    let outcomes = gather::read(source, vec![writer; collections])?;
    if let Some(status) = gather::stopped(&outcomes) {
        return Ok(Err(status));
    }
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Ok(found))
}

struct Collector {
    checker: Checker,
    schema: Tree,
    found: Arc<Mutex<Contradictions>>,
}

impl Writer for Collector {
    fn encode(&self, record: Accepted<'_>, _: &mut Vec<u8>, _: &mut dyn DiagnosticSink) {
        let mut findings: Vec<Diagnostic> = Vec::new();
        self.checker.check(record.node().tree(), &mut findings);
        if !findings.is_empty() {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            findings.iter().for_each(|finding| found.add(finding, record.node(), &self.schema));
        }
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        gather::nothing()
    }
}
