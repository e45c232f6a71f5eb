//! `chancery export`: the records of a database in any format that can be written.

use std::sync::Arc;

use super::args::ExportArgs;
use super::dsn::Dsn;
use super::session::{Session, interrupted};
use super::{Trouble, Verdict, convert};
use crate::diagnostic::{Diagnostic, Notes, rules};
use crate::layout::relational::digest;
use crate::load::database::lines::{Lines, Remarks};
use crate::pipeline::Stage;
use crate::tree::Tree;

/// Runs the command.
pub fn run(mut args: ExportArgs) -> Result<Verdict, Trouble> {
    let dsn = Dsn::parse(&args.dsn)?;
    let lines = match open(&dsn, args.collection.as_deref(), args.common.quiet) {
        Err(_) if interrupted().load(std::sync::atomic::Ordering::Relaxed) => return Ok(Verdict::Interrupted),
        opened => opened?,
    };
    let name = lines.collection().to_owned();
    let stage = Arc::new(AsStored(lines.remarks())) as Arc<dyn Stage>;
    // What was checked when it was loaded is checked again only against a schema that is named.
    args.common.schema.get_or_insert_with(|| "none".to_owned());
    let outlet = convert::Outlet {
        to: args.to,
        output: args.output,
        compact: args.compact,
        csv_layout: args.csv_layout,
        spreadsheet_safe: args.spreadsheet_safe,
        on_invalid: args.invalid.on_invalid,
    };
    convert::write(outlet, || Session::of_stream(args.common, &name, Box::new(lines), vec![stage]))
}

// Compares each record with what the place says of it.
struct AsStored(Remarks);

impl Stage for AsStored {
    fn work(&self, tree: &mut Tree, notes: &mut dyn Notes) {
        let (root, source) = (tree.root(), tree.source());
        let Some(remark) = self.0.take(source.locate(root.opening()).start.line) else { return };
        if remark.digest.as_deref().is_some_and(|stored| stored == digest::digest(root)) {
            return;
        }
        if remark.is_unedited {
            let message =
                "this record is damaged: its checksum does not match, and only chancery has written to the database since it was loaded";
            let damage = Diagnostic::new(&rules::DAMAGED_RECORD, source, root.span(), message)
                .help("restore the database from a backup, or load the records into a new one");
            return notes.note(damage.at(""));
        }
        for pointer in &remark.edited {
            let value = root.at(pointer).unwrap_or(root);
            let message = "this value was changed in the database after it was loaded";
            notes.note(Diagnostic::new(&rules::EDITED_BY_HAND, source, value.span(), message).at(pointer.clone()));
        }
        if remark.edited.is_empty() {
            let message = "this record was changed in the database after it was loaded";
            notes.note(Diagnostic::new(&rules::EDITED_BY_HAND, source, root.span(), message).at(""));
        }
    }
}

#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a password to warn about"))]
fn open(dsn: &Dsn, collection: Option<&str>, quiet: bool) -> Result<Lines, Trouble> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            use crate::layout::relational::rows::Dialect;
            use crate::load::database::sqlite::Reading;
            let reading = Reading::open(path, collection, interrupted()).map_err(|error| super::load::file(path, error))?;
            let layout = reading.layout().clone();
            Ok(Lines::new(Box::new(reading), layout, Dialect::Sqlite))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(Trouble::usage("this program was built without SQLite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            use crate::layout::relational::rows::Dialect;
            use crate::load::database::postgres::Reading;
            let (access, shown) = super::load::access(url, quiet)?;
            let reading = Reading::open(&access, collection, interrupted()).map_err(|error| super::load::file(shown.as_ref(), error))?;
            let layout = reading.layout().clone();
            Ok(Lines::new(Box::new(reading), layout, Dialect::Postgres))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(Trouble::usage("this program was built without PostgreSQL")),
        #[cfg(feature = "parquet")]
        Dsn::Parquet(_) | Dsn::Arrow(_) => super::columns::lines(dsn, collection),
        #[cfg(not(feature = "parquet"))]
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(Trouble::usage("this program was built without Parquet and Arrow")),
    }
}
