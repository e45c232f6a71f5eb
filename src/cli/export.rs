//! `chancery export`: the records of a database in any format that can be written.

use super::args::ExportArgs;
use super::dsn::Dsn;
use super::session::Session;
use super::{Trouble, Verdict, convert};
use crate::load::database::lines::Lines;

/// Runs the command.
pub fn run(mut args: ExportArgs) -> Result<Verdict, Trouble> {
    let dsn = Dsn::parse(&args.dsn)?;
    let lines = open(&dsn, args.collection.as_deref(), args.common.quiet)?;
    let name = lines.collection().to_owned();
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
    convert::write(outlet, || Session::of_stream(args.common, &name, Box::new(lines)))
}

#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has a password to warn about"))]
fn open(dsn: &Dsn, collection: Option<&str>, quiet: bool) -> Result<Lines, Trouble> {
    match dsn {
        #[cfg(feature = "sqlite")]
        Dsn::Sqlite(path) => {
            use crate::load::database::sqlite::Reading;
            let reading = Reading::open(path, collection).map_err(|error| super::load::file(path, error))?;
            let layout = reading.layout().clone();
            Ok(Lines::new(Box::new(reading), layout))
        }
        #[cfg(not(feature = "sqlite"))]
        Dsn::Sqlite(_) => Err(Trouble::usage("this program was built without SQLite")),
        #[cfg(feature = "postgres")]
        Dsn::Postgres(url) => {
            use crate::load::database::postgres::Reading;
            let (access, shown) = super::load::access(url, quiet)?;
            let reading = Reading::open(&access, collection).map_err(|error| super::load::file(shown.as_ref(), error))?;
            let layout = reading.layout().clone();
            Ok(Lines::new(Box::new(reading), layout))
        }
        #[cfg(not(feature = "postgres"))]
        Dsn::Postgres(_) => Err(Trouble::usage("this program was built without PostgreSQL")),
        #[cfg(feature = "parquet")]
        Dsn::Parquet(_) | Dsn::Arrow(_) => super::columns::lines(dsn, collection),
        #[cfg(not(feature = "parquet"))]
        Dsn::Parquet(_) | Dsn::Arrow(_) => Err(Trouble::usage("this program was built without Parquet and Arrow")),
    }
}
