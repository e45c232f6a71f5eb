//! Addresses of data stores: `sqlite:FILE`, `postgres://...`, `parquet:DIR`, `arrow:FILE` and `arrow:-`.

use std::path::PathBuf;

use super::CliError;

/// An address of a data store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database, by its URL, which may contain a password.
    Postgres(String),
    /// A directory of Parquet files.
    Parquet(PathBuf),
    /// An Arrow stream: a file, or `-` for standard output and input.
    Arrow(PathBuf),
}

impl Dsn {
    /// Parses an address.
    pub fn parse(text: &str) -> Result<Self, CliError> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let path = |example: &str| {
            if rest.is_empty() {
                return Err(CliError::usage(format!("expected a path after {scheme}:, as in {example}")));
            }
            Ok(PathBuf::from(rest))
        };
        match scheme {
            "sqlite" | "sqlite3" => {
                // Both `sqlite:records.db` and the common `sqlite:///records.db`.
                let path = rest.strip_prefix("///").unwrap_or(rest);
                if path.is_empty() {
                    return Err(CliError::usage("expected a file after sqlite:, as in sqlite:records.db"));
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(text.to_owned())),
            "parquet" => path("parquet:records/").map(Self::Parquet),
            "arrow" => path("arrow:records.arrows, or arrow:- for a pipe").map(Self::Arrow),
            _ => Err(CliError::usage("expected sqlite:FILE, postgres://HOST/DATABASE, parquet:DIR, arrow:FILE or arrow:-")),
        }
    }
}

/// The error for a store that is not part of this build.
#[cfg(any(test, not(all(feature = "sqlite", feature = "postgres", feature = "parquet"))))]
pub fn not_built(store: &str, feature: &str) -> CliError {
    CliError::usage(format!(
        "this program was built without {store}; use a published binary, or build it with cargo install --path . --features {feature}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_not_built_names_its_feature() {
        assert!(not_built("Parquet and Arrow", "parquet").to_string().ends_with("--features parquet"));
    }

    #[test]
    fn names() {
        let sqlite = |path: &str| Some(Dsn::Sqlite(PathBuf::from(path)));
        for (text, expected) in [
            ("sqlite:a.db", sqlite("a.db")),
            ("sqlite:/tmp/a.db", sqlite("/tmp/a.db")),
            ("sqlite:///a.db", sqlite("a.db")),
            ("sqlite:////tmp/a.db", sqlite("/tmp/a.db")),
            ("sqlite:", None),
            ("postgres://u@h/d", Some(Dsn::Postgres("postgres://u@h/d".to_owned()))),
            ("parquet:a/b", Some(Dsn::Parquet(PathBuf::from("a/b")))),
            ("parquet:", None),
            ("arrow:-", Some(Dsn::Arrow(PathBuf::from("-")))),
            ("arrow:", None),
            ("a.db", None),
            ("oracle:x", None),
        ] {
            assert_eq!(Dsn::parse(text).ok(), expected, "{text}");
        }
    }
}
