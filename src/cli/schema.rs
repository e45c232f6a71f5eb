//! `chancery schema`: shows, checks and documents schemas.

use super::args::{SchemaArgs, SchemaCommand};
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::{Trouble, Verdict, print, schemas};
use crate::check::facts;
use crate::normalise;
use crate::schema::{Schema, Shape, docs, outline};
use crate::write::{self, xsd};

/// Runs the command.
pub fn run(command: &SchemaCommand) -> Result<Verdict, Trouble> {
    match command {
        SchemaCommand::Show(args) => print(&schemas::text(&args.schema)?),
        SchemaCommand::Check(args) => check(args),
        SchemaCommand::Docs(args) => print(&docs::markdown(&*load(args)?)),
        SchemaCommand::Xsd(args) => {
            let shape = Arc::new(Shape::of(&*load(args)?));
            let name = super::session::collection_name(&shape);
            print(&xsd::schema(&write::Options { shape: Arc::clone(&shape), name, ..write::Options::default() }))
        }
        SchemaCommand::Shape(args) => print(&outline::text(&outline::outline(&Shape::of(&*load(args)?)))),
    }
}

fn load(args: &SchemaArgs) -> Result<Arc<Schema>, Trouble> {
    schemas::load(&args.schema, &args.schema_dir, true)?.ok_or_else(|| Trouble::usage("none is no schema; name a file, or profile"))
}

// Mistakes in the schema are what this command is about, so they are findings on standard output.
fn check(args: &SchemaArgs) -> Result<Verdict, Trouble> {
    match load(args) {
        Ok(schema) => {
            let shape = Arc::new(Shape::of(&schema));
            let notes: Vec<_> = normalise::mistakes(&shape).into_iter().chain(facts::mistakes(&shape)).collect();
            if notes.is_empty() {
                return print(&format!("{}: no mistakes\n", args.schema));
            }
            super::session::draw_findings(&notes, io::stdout().is_terminal(), &mut io::stdout().lock())?;
            Ok(Verdict::Clean)
        }
        Err(Trouble::Findings(notes)) => {
            super::session::draw_findings(&notes, io::stdout().is_terminal(), &mut io::stdout().lock())?;
            Ok(Verdict::Findings)
        }
        Err(trouble) => Err(trouble),
    }
}
