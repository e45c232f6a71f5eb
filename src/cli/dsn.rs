//! Names of places that are no files: `sqlite:FILE` and `postgres://...`.

use std::path::PathBuf;

use super::Trouble;

/// A database by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL, by its URL, which may hold a password.
    Postgres(String),
}

impl Dsn {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
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
            _ => Err(Trouble::usage("expected sqlite:FILE or postgres://HOST/DATABASE")),
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
            ("a.db", None),
            ("oracle:x", None),
        ] {
            assert_eq!(Dsn::parse(text).ok(), expected, "{text}");
        }
    }
}
