//! What the commands on data stores share: the records to load, their collection, and the connection.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::CliError;
use super::runner::Runner;
use chancery_engine::project::{Project, schemas};
use chancery_files::output::OutputTarget;
use chancery_schema::Shape;
#[cfg(feature = "postgres")]
use chancery_store::database::postgres;

/// The records of one schema, for a store that lays them out in tables.
pub struct Records {
    pub shape: Arc<Shape>,
    pub name: String,
    pub key: Vec<String>,
    /// The text of the schema and of the schemas it refers to.
    pub schema: Vec<u8>,
}

/// The records to load, which have one schema.
pub fn records(project: &Project) -> Result<Records, CliError> {
    let [collection] = &*project.collections else {
        return Err(CliError::usage("the inputs have several schemas; load them separately, or use --schema"));
    };
    let mut schema = if collection.schema == "none" { Vec::new() } else { schemas::text(&collection.schema)?.into_bytes() };
    for file in &collection.schema_files {
        schema.extend(std::fs::read(file).map_err(|error| CliError::File { path: file.clone(), error })?);
    }
    Ok(Records { shape: Arc::clone(&collection.shape), name: collection.name.clone(), key: collection.key.clone(), schema })
}

/// The collection: the one given, else the schema's.
pub fn collection(named: Option<String>, of_schema: String) -> Result<String, CliError> {
    let collection = named.unwrap_or(of_schema);
    match chancery_store::relational::refused_name(&collection) {
        Some(why) => Err(CliError::usage(format!(
            "{collection:?} cannot be the name of a collection: {why}; a name begins with a letter, has at most 63 bytes, and does not begin with \
             sqlite_, pg_ or _chancery; choose another one with --collection"
        ))),
        None => Ok(collection),
    }
}

/// Where rejected records go.
pub fn rejects(runner: &Runner, path: Option<&Path>) -> Result<Option<OutputTarget>, CliError> {
    path.map(|path| runner.refuse_output(path).map(|()| OutputTarget::file(path))).transpose()
}

/// An error of a store, which names it.
pub fn file(path: &Path, error: io::Error) -> CliError {
    if chancery_files::output::atomic::names_file(&error) { CliError::Io(error) } else { CliError::File { path: path.to_owned(), error } }
}

/// How to connect to a database, and its display name.
#[cfg(feature = "postgres")]
pub fn access(url: &str, quiet: bool) -> Result<(postgres::ConnectionConfig, String), CliError> {
    let access = postgres::ConnectionConfig::new(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .map_err(|error| file(Path::new("postgres"), error))?;
    let shown = access.shown.clone();
    if access.exposes_password && !quiet {
        errln!(
            "warning: other users of this machine can see the password in the address, as with ps; set PGPASSWORD or use the password file (~/.pgpass)"
        );
    }
    Ok((access, shown))
}
