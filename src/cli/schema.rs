//! `chancery schema`: shows, checks and documents schemas.

use super::args::{Dialect, SchemaArgs, SchemaCommand, SchemaDiffArgs, SqlArgs};
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::stdout::stdout;
use super::{Trouble, Verdict, is_read, print, schemas};
use crate::check::{across, facts};
use crate::diagnostic::{Severity, command_signs, is_unprintable, log_line, log_text};
use crate::layout::relational::{self, Layout, sql};
use crate::load::file::{Finished, Target};
use crate::normalise;
use crate::report::{evolution, json_text};
use crate::schema::evolution::{Direction, compare};
use crate::schema::{self, Schema, Shape, docs, lint, outline};
use crate::write::{self, xsd};

/// Runs the command.
pub fn run(command: &SchemaCommand) -> Result<Verdict, Trouble> {
    match command {
        SchemaCommand::Show(args) => print(&shown(schemas::text(&args.schema)?)),
        SchemaCommand::Check(args) => check(args),
        SchemaCommand::Docs(args) => print(&log_text(&docs::markdown(&*load(args)?))),
        SchemaCommand::Xsd(args) => {
            let shape = Arc::new(Shape::of(&*load(args)?));
            let name = super::session::collection_name(&shape);
            print(&xml(&xsd::schema(&write::Options { shape: Arc::clone(&shape), name, ..write::Options::default() })))
        }
        SchemaCommand::Diff(args) => diff(args),
        SchemaCommand::Sql(args) => print(&statements(args)?),
        SchemaCommand::Shape(args) => print(&log_text(&outline::text(&outline::outline(&Shape::of(&*load(args)?))))),
    }
}

fn load(args: &SchemaArgs) -> Result<Arc<Schema>, Trouble> {
    schemas::load(&args.schema, &args.schema_dir, true)?.ok_or_else(|| Trouble::usage("none is no schema; name a file, or profile"))
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

fn statements(args: &SqlArgs) -> Result<String, Trouble> {
    let shape = Arc::new(Shape::of(&*load(&args.schema)?));
    let plan = across::Plan::new(&shape, args.key.as_deref());
    let collection = args.collection.clone().unwrap_or_else(|| super::session::collection_name(&shape));
    let dialect = match args.dialect {
        Dialect::Sqlite => relational::rows::Dialect::Sqlite,
        Dialect::Postgres => relational::rows::Dialect::Postgres,
    };
    let mut layout = Layout::new(&shape, &collection, plan.pointers(), None);
    if args.keep_json {
        layout.keep_whole();
    }
    Ok(sql::create(&layout, dialect).iter().map(|statement| format!("{statement};\n\n")).collect())
}

// Mistakes in the schema are what this command is about, so they are findings on standard output.
fn check(args: &SchemaArgs) -> Result<Verdict, Trouble> {
    match load(args) {
        Ok(schema) => {
            let shape = Arc::new(Shape::of(&schema));
            let doubts = if args.schema == "profile" { Vec::new() } else { [lint::warnings(&schema), lint::notes(&schema)].concat() };
            let notes: Vec<_> = normalise::mistakes(&shape).into_iter().chain(facts::mistakes(&shape)).chain(doubts).collect();
            // References to other collections can only be resolved in a run.
            let mut keys = across::Plan::new(&shape, None);
            let any = |_: &str| Some(across::Collection { number: 1, has_key: true });
            let unusable: Vec<_> = keys.bind(0, &any).into_iter().chain(keys.mistakes().iter().cloned()).collect();
            if !unusable.is_empty() {
                is_read(super::session::draw_findings(&unusable, io::stdout().is_terminal(), &mut stdout()))?;
                return Ok(Verdict::Findings);
            }
            if notes.is_empty() {
                return print(&format!("{}: no mistakes\n", log_line(&args.schema)));
            }
            is_read(super::session::draw_findings(&notes, io::stdout().is_terminal(), &mut stdout()))?;
            Ok(if notes.iter().any(|note| note.severity == Severity::Error) { Verdict::Findings } else { Verdict::Clean })
        }
        Err(Trouble::Findings(notes)) => {
            is_read(super::session::draw_findings(&notes, io::stdout().is_terminal(), &mut stdout()))?;
            Ok(Verdict::Findings)
        }
        Err(trouble) => Err(trouble),
    }
}

fn diff(args: &SchemaDiffArgs) -> Result<Verdict, Trouble> {
    let format = evolution::Format::by_name(&args.format).ok_or_else(|| {
        let names: Vec<&str> = evolution::Format::ALL.iter().map(|format| format.name()).collect();
        Trouble::usage(format!("no form is called {}; forms are {}", args.format, names.join(", ")))
    })?;
    let load = |name: &str| {
        schemas::load_version(name, &args.schema_dir, !args.no_format)?
            .ok_or_else(|| Trouble::usage("none is no schema; name a file, or profile"))
    };
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let direction = if args.forward { Direction::Forward } else { Direction::Backward };
    let change = compare(&old, &new, direction);
    let options = evolution::Options {
        color: args.output.is_none() && super::session::colour(args.color, io::stdout().is_terminal()),
        wording: args.verbose,
    };
    let drawn = evolution::draw(format, options, &change, (&args.old, &args.new));
    match &args.output {
        None => print(&drawn).map(|_| ())?,
        Some(path) => {
            let mut target = Target::file(path);
            let mut finished = Finished::default();
            target.main()?.write_all(drawn.as_bytes())?;
            target.finish(&mut finished)?;
            finished.commit()?;
        }
    }
    Ok(if change.verdict == schema::evolution::Verdict::Compatible { Verdict::Clean } else { Verdict::Findings })
}
