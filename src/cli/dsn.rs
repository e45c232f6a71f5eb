//! Names of places for records: `sqlite:FILE`, `postgres://...`, `parquet:DIR`, `arrow:FILE` and `arrow:-`.

use std::path::PathBuf;

use super::Trouble;

/// A place by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL, by its URL, which may hold a password.
    Postgres(String),
    /// A folder with files of Parquet.
    Parquet(PathBuf),
    /// A stream of Arrow: a file, or `-` for standard output and input.
    Arrow(PathBuf),
}

impl Dsn {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let path = |example: &str| {
            if rest.is_empty() {
                return Err(Trouble::usage(format!("expected a path behind {scheme}:, as in {example}")));
            }
            Ok(PathBuf::from(rest))
        };
        match scheme {
            "sqlite" | "sqlite3" => {
                // Both `sqlite:records.db` and the `sqlite:///records.db` of others.
                let path = rest.strip_prefix("///").unwrap_or(rest);
                if path.is_empty() {
                    return Err(Trouble::usage("expected a file behind sqlite:, as in sqlite:records.db"));
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(text.to_owned())),
            "parquet" => path("parquet:records/").map(Self::Parquet),
            "arrow" => path("arrow:records.arrows, or arrow:- for a pipe").map(Self::Arrow),
            _ => Err(Trouble::usage("expected sqlite:FILE, postgres://HOST/DATABASE, parquet:DIR, arrow:FILE or arrow:-")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
