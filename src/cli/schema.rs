//! `chancery schema`: shows, checks and documents schemas.

use super::args::{Dialect, SchemaArgs, SchemaCommand, SchemaDiffArgs, SqlArgs};
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::reporting::{colour, draw_findings};
use super::stdout::stdout;
use super::{CliError, ExitStatus, is_read, print};
use chancery_check::normalise;
use chancery_check::{references, semantic};
use chancery_compat::{Direction, compare};
use chancery_core::diagnostic::{Diagnostic, Severity, command_signs, is_unprintable, log_line, log_text, rules};
use chancery_engine::project::collection::collection_name;
use chancery_engine::project::schemas;
use chancery_files::output::{CommitSet, Files, OutputTarget};
use chancery_formats::write::{self, xsd};
use chancery_report::{evolution, json_text};
use chancery_schema::{Schema, Shape, docs, lint, shape_listing};
use chancery_store::relational::{self, Layout, sql};

/// Runs the command.
pub fn run(command: &SchemaCommand) -> Result<ExitStatus, CliError> {
    match command {
        SchemaCommand::Show(args) => print(&shown(schemas::text(&args.schema)?)),
        SchemaCommand::Check(args) => check(args),
        SchemaCommand::Docs(args) => print(&log_text(&docs::markdown(&*load(args)?))),
        SchemaCommand::Xsd(args) => {
            let shape = Arc::new(Shape::of(&*load(args)?));
            let name = collection_name(&shape);
            print(&xml(&xsd::schema(&write::Options { shape: Arc::clone(&shape), name, ..write::Options::default() })))
        }
        SchemaCommand::Diff(args) => diff(args),
        SchemaCommand::Sql(args) => print(&statements(args)?),
        SchemaCommand::Infer(args) => match &args.update {
            Some(schema) => super::widen::run(args, schema),
            None => super::infer::run(args),
        },
        SchemaCommand::Shape(args) => print(&log_text(&shape_listing::text(&shape_listing::shape_listing(&Shape::of(&*load(args)?))))),
    }
}

fn load(args: &SchemaArgs) -> Result<Arc<Schema>, CliError> {
    schemas::load(&args.schema, &args.schema_dir, true)?.ok_or_else(|| CliError::usage("none is not a schema; name a file, or use profile"))
}

// The text of a schema: the same document, with nothing in it that a terminal or a log would act upon.
fn shown(text: String) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        json_text(&text).into_owned()
    } else if io::stdout().is_terminal() {
        log_text(&text)
    } else {
        text
    }
}

// XML in which nothing is a command to a CI runner or disturbs a terminal: references stand for the same text.
fn xml(text: &str) -> String {
    let mut signs = command_signs(text).peekable();
    text.char_indices().fold(String::with_capacity(text.len()), |mut out, (at, c)| {
        if signs.next_if_eq(&at).is_some() || is_unprintable(c) && !matches!(c, '\n' | '\r' | '\t') {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

fn statements(args: &SqlArgs) -> Result<String, CliError> {
    let shape = Arc::new(Shape::of(&*load(&args.schema)?));
    let plan = references::KeyDeclarations::new(&shape, args.key.as_deref());
    let collection = args.collection.clone().unwrap_or_else(|| collection_name(&shape));
    let dialect = match args.dialect {
        Dialect::Sqlite => relational::shred::Dialect::Sqlite,
        Dialect::Postgres => relational::shred::Dialect::Postgres,
    };
    let mut layout = Layout::new(&shape, &collection, plan.pointers(), None);
    if args.keep_json {
        layout.keep_whole();
    }
    Ok(sql::create(&layout, dialect).iter().map(|statement| format!("{statement};\n\n")).collect())
}

// Errors in the schema are the result of this command, so they are findings on standard output.
fn check(args: &SchemaArgs) -> Result<ExitStatus, CliError> {
    match load(args) {
        Ok(schema) => {
            let shape = Arc::new(Shape::of(&schema));
            let doubts = if args.schema == "profile" { Vec::new() } else { [lint::warnings(&schema), lint::diagnostics(&schema)].concat() };
            let diagnostics: Vec<_> =
                normalise::mistakes(&shape).into_iter().chain(semantic::operand_errors(&shape)).chain(doubts).collect();
            // References to other collections can only be resolved in a run.
            let mut keys = references::KeyDeclarations::new(&shape, None);
            let any = |_: &str| Some(references::Collection { number: 1, has_key: true });
            let unusable: Vec<_> = keys.bind(0, &any).into_iter().chain(keys.mistakes().iter().cloned()).collect();
            if !unusable.is_empty() {
                is_read(draw_findings(&unusable, io::stdout().is_terminal(), &mut stdout()))?;
                return Ok(ExitStatus::Unable);
            }
            if diagnostics.is_empty() {
                return print(&format!("{}: no mistakes\n", log_line(&args.schema)));
            }
            is_read(draw_findings(&diagnostics, io::stdout().is_terminal(), &mut stdout()))?;
            Ok(if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
                ExitStatus::Findings
            } else {
                ExitStatus::Clean
            })
        }
        Err(CliError::Findings(diagnostics)) => {
            is_read(draw_findings(&diagnostics, io::stdout().is_terminal(), &mut stdout()))?;
            // A file that is not a schema, or asks for what cannot be checked, ends every command with the same status.
            let is_unusable = |diagnostic: &Diagnostic| [&rules::NOT_A_SCHEMA, &rules::BAD_OPERAND].contains(&diagnostic.rule);
            Ok(if diagnostics.iter().any(is_unusable) { ExitStatus::Unable } else { ExitStatus::Findings })
        }
        Err(error) => Err(error),
    }
}

fn diff(args: &SchemaDiffArgs) -> Result<ExitStatus, CliError> {
    let format = evolution::Format::by_name(&args.format).ok_or_else(|| {
        let names: Vec<&str> = evolution::Format::ALL.iter().map(|format| format.name()).collect();
        CliError::usage(format!("unknown format {}; formats are {}", args.format, names.join(", ")))
    })?;
    let load = |name: &str| {
        schemas::load_version(name, &args.schema_dir, !args.no_format)?
            .ok_or_else(|| CliError::usage("none is not a schema; name a file, or use profile"))
    };
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let direction = if args.forward { Direction::Forward } else { Direction::Backward };
    let change = compare(&old, &new, direction);
    let options =
        evolution::Options { color: args.output.is_none() && colour(args.color, io::stdout().is_terminal()), wording: args.verbose };
    let drawn = evolution::render(format, options, &change, (&args.old, &args.new));
    match &args.output {
        None => print(&drawn).map(|_| ())?,
        Some(path) => {
            let mut target = OutputTarget::file(path);
            let mut finished = CommitSet::default();
            target.main()?.write_all(drawn.as_bytes())?;
            target.finish(&mut finished)?;
            finished.commit()?;
        }
    }
    Ok(if change.verdict == chancery_compat::Verdict::Compatible { ExitStatus::Clean } else { ExitStatus::Findings })
}
