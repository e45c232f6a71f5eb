//! `chancery export`: the records of a data store in any output format.

use std::sync::Arc;

use super::args::ExportArgs;
use super::dsn::Dsn;
use super::interrupt::interrupted;
use super::runner::Runner;
use super::{CliError, ExitStatus, convert};
use chancery_core::diagnostic::{Diagnostic, DiagnosticSink, rules};
use chancery_core::tree::{Kind, Node, Tree};
use chancery_engine::pipeline::Stage;
use chancery_store::database::export::{NdjsonReader, StoredStates};
use chancery_store::relational::digest;

/// Runs the command.
pub fn run(mut args: ExportArgs) -> Result<ExitStatus, CliError> {
    let dsn = Dsn::parse(&args.dsn)?;
    let lines = match open(&dsn, args.collection.as_deref(), args.common.quiet) {
        Err(_) if interrupted().load(std::sync::atomic::Ordering::Relaxed) => return Ok(ExitStatus::Interrupted),
        opened => opened?,
    };
    let name = lines.collection().to_owned();
    let stage = Arc::new(AsStored(lines.stored_states())) as Arc<dyn Stage>;
    // Records were checked when they were loaded; they are checked again only if a schema is given.
    args.common.schema.get_or_insert_with(|| "none".to_owned());
    let outlet = convert::ConvertTarget {
        to: args.to,
        output: args.output,
        compact: args.compact,
        csv_layout: args.csv_layout,
        spreadsheet_safe: args.spreadsheet_safe,
        on_invalid: args.invalid.on_invalid,
    };
    convert::write(outlet, || Runner::of_stream(args.common, &name, Box::new(lines), vec![stage]))
}

// Compares each record with what the place says of it.
struct AsStored(StoredStates);

impl Stage for AsStored {
    fn work(&self, tree: &mut Tree, diagnostics: &mut dyn DiagnosticSink) {
        let (root, source) = (tree.root(), tree.source());
        let Some(state) = self.0.take(source.locate(root.opening()).start.line) else { return };
        if state.digest.as_deref().is_some_and(|stored| stored == digest::digest(root)) {
            return;
        }
        let is_rewritten = state.is_migrated && has_number(root);
        if is_rewritten && state.edited.is_empty() {
            let message = "this record cannot be compared with its checksum: the tables have been migrated since it was stored";
            let finding =
                Diagnostic::new(&rules::NOT_COMPARED, source, root.span(), message).help("load it again, so that it gets a new one");
            return diagnostics.emit(finding.at(""));
        }
        if state.is_unedited && !is_rewritten {
            let message =
                "this record is damaged: its checksum does not match, and only chancery has written to the database since it was loaded";
            let damage = Diagnostic::new(&rules::DAMAGED_RECORD, source, root.span(), message)
                .help("restore the database from a backup, or load the records into a new one");
            return diagnostics.emit(damage.at(""));
        }
        for pointer in &state.edited {
            let value = root.at(pointer).unwrap_or(root);
            let message = "this value was changed in the database after it was loaded";
            diagnostics.emit(Diagnostic::new(&rules::EDITED_BY_HAND, source, value.span(), message).at(pointer.clone()));
        }
        if state.edited.is_empty() {
            let message = "this record was changed in the database after it was loaded";
            diagnostics.emit(Diagnostic::new(&rules::EDITED_BY_HAND, source, root.span(), message).at(""));
        }
    }
}

fn has_number(node: Node<'_>) -> bool {
    node.kind() == Kind::Number || node.items().any(has_number) || node.members().any(|member| has_number(member.value))
}

#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a password to warn about"))]
fn open(dsn: &Dsn, collection: Option<&str>, quiet: bool) -> Result<NdjsonReader, CliError> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            use chancery_store::database::sqlite::SqliteExporter;
            use chancery_store::relational::shred::Dialect;
            let reading = SqliteExporter::open(path, collection, interrupted()).map_err(|error| super::store::file(path, error))?;
            let layout = reading.layout().clone();
            Ok(NdjsonReader::new(Box::new(reading), layout, Dialect::Sqlite))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(super::dsn::not_built("SQLite", "sqlite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            use chancery_store::database::postgres::PostgresExporter;
            use chancery_store::relational::shred::Dialect;
            let (access, shown) = super::store::access(url, quiet)?;
            let reading =
                PostgresExporter::open(&access, collection, interrupted()).map_err(|error| super::store::file(shown.as_ref(), error))?;
            let layout = reading.layout().clone();
            Ok(NdjsonReader::new(Box::new(reading), layout, Dialect::Postgres))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(super::dsn::not_built("PostgreSQL", "postgres")),
        #[cfg(feature = "parquet")]
        Dsn::Parquet(_) | Dsn::Arrow(_) => super::load_columnar::lines(dsn, collection),
        #[cfg(not(feature = "parquet"))]
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(super::dsn::not_built("Parquet and Arrow", "parquet")),
    }
}
