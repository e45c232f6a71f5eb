//! `chancery schema infer --update`: widens a schema until it accepts the data.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::args::InferArgs;
use super::infer::{Nothing, session, stopped};
use super::{CliError, ExitStatus, print, schemas};
use crate::check::Accepted;
use crate::check::schema::Checker;
use crate::diagnostic::{Diagnostic, DiagnosticSink, log_line};
use crate::infer::widen::{Contradictions, Edits};
use crate::load::output::{CommitSet, OutputTarget};
use crate::report::evolution;
use crate::schema::compat::{Direction, compare};
use crate::tree::Tree;
use crate::write::{OutputWriter, Writer};

/// What is behind one error may be another one; this many in one place are seen.
const ROUNDS: usize = 12;

/// Runs the command.
pub fn run(args: &InferArgs, schema: &Path) -> Result<ExitStatus, CliError> {
    if args.input.paths.iter().any(|path| path == "-") {
        return Err(CliError::usage("--update reads the data several times, so they cannot come from standard input; name files"));
    }
    let original = read(schema)?;
    let mut text = original.clone();
    let mut at = schema.to_owned();
    // Versions stand beside the schema, so that references lead where they led.
    let mut version: Option<tempfile::NamedTempFile>;
    let mut _kept = None;
    let mut open = Vec::new();
    for _ in 0..ROUNDS {
        let tree = schemas::parse_file(&at)?;
        let found = match contradictions(args, &at, &tree)? {
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
        version = Some(write_version(schema, &text)?);
        if let Some(version) = &version {
            at = version.path().to_owned();
        }
        _kept = version;
    }
    if text == original {
        print(&format!("{}: accepts the data as it is\n", log_line(&schema.to_string_lossy()))).map(|_| ())?;
    } else {
        let (old, new) = (load(schema)?, load(&at)?);
        let name = schema.to_string_lossy();
        let change = compare(&old, &new, Direction::Backward);
        print(&evolution::render(evolution::Format::Text, evolution::Options::default(), &change, (&name, &format!("{name} (widened)"))))?;
    }
    let output = args.output.as_deref().unwrap_or(schema);
    if text != original || args.output.is_some() {
        let mut target = OutputTarget::file(output);
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

fn read(path: &Path) -> Result<String, CliError> {
    let error = |error| CliError::File { path: path.to_owned(), error };
    let mut text = String::new();
    std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(error)?;
    Ok(text)
}

fn load(path: &Path) -> Result<Arc<crate::schema::Schema>, CliError> {
    schemas::load(&path.to_string_lossy(), &[], true)?.ok_or_else(|| CliError::usage("none is not a schema; name a file"))
}

fn write_version(schema: &Path, text: &str) -> Result<tempfile::NamedTempFile, CliError> {
    let folder = schema.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let suffix = schema.extension().map_or_else(String::new, |extension| format!(".{}", extension.to_string_lossy()));
    let error = |error| CliError::File { path: schema.to_owned(), error };
    let mut file = tempfile::Builder::new().prefix(".chancery-").suffix(&suffix).tempfile_in(folder).map_err(error)?;
    file.write_all(text.as_bytes()).map_err(error)?;
    Ok(file)
}

fn contradictions(args: &InferArgs, schema: &Path, tree: &Tree) -> Result<Result<Contradictions, ExitStatus>, CliError> {
    let session = session(args, &schema.to_string_lossy())?;
    let found = Arc::new(Mutex::new(Contradictions::default()));
    let (checker, tree) = (Checker::new(load(schema)?), tree.clone());
    let writer: Arc<dyn Writer> = Arc::new(Collector { checker, schema: tree, found: Arc::clone(&found) });
    let pipelines = session.inputs_by_pipeline().len();
    let outcomes = session.read_into(vec![writer; pipelines])?;
    if let Some(status) = stopped(&outcomes) {
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
        Box::new(Nothing)
    }
}
