//! The formats of inputs, by their names and file name extensions.

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON document (RFC 8259).
    Json,
    /// A JSON document to a line.
    Ndjson,
    /// Comma-separated values (RFC 4180 and what is usual beside it).
    Csv,
    /// Tab-separated values.
    Tsv,
    /// XML 1.0.
    Xml,
    /// YAML 1.2, core schema.
    Yaml,
    /// TOML 1.0.
    Toml,
    /// A page of a directory: plain text, HTML, or a Word document.
    Handbook,
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Json, Self::Ndjson, Self::Csv, Self::Tsv, Self::Xml, Self::Yaml, Self::Toml, Self::Handbook];

    /// The name used for flags and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Xml => "xml",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Handbook => "handbook",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// File name extensions, without the dot.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["json"],
            Self::Ndjson => &["ndjson", "jsonl"],
            Self::Csv => &["csv"],
            Self::Tsv => &["tsv", "tab"],
            Self::Xml => &["xml"],
            Self::Yaml => &["yaml", "yml"],
            Self::Toml => &["toml"],
            Self::Handbook => &["txt", "html", "htm", "docx"],
        }
    }

    /// The format of a file name by its extension; a compression's extension has to be taken off before.
    #[must_use]
    pub fn by_extension(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Self::ALL.iter().copied().find(|format| format.extensions().iter().any(|known| known.eq_ignore_ascii_case(extension)))
    }

    /// Whether files of this format found in a directory of schemas may be schemas.
    #[must_use]
    pub const fn may_be_schema(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}
