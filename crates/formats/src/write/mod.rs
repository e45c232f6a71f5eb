//! Writers: each encodes an accepted record in its format, so that reading it gives the same record.
//!
//! Like reading, writing has two stages. A [`Writer`] encodes one record independently of the others, so it can run on any
//! thread. An [`OutputWriter`] takes the encoded records in order and creates files from them: it writes what is before,
//! between and after the records. What a format cannot represent is reported as an error and the record is not written; no value is
//! altered.

pub mod csv;
pub mod json;
pub mod text_edits;
pub mod xml;
pub mod xsd;
pub mod yaml;

use std::io;
use std::sync::Arc;

use crate::layout::header::Header;
use crate::read::TopLevel;
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_schema::Shape;

pub use chancery_files::output::Files;

/// Encodes records.
pub trait Writer: Send + Sync {
    /// Appends the record to `out` in a form that this writer's assembler understands. An error reported here means that
    /// the record is not carried; what was appended is then dropped.
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, diagnostics: &mut dyn DiagnosticSink);

    /// As [`Writer::encode`], for a record from a table with this header.
    fn encode_row(&self, record: Accepted<'_>, _header: &Header, out: &mut Vec<u8>, diagnostics: &mut dyn DiagnosticSink) {
        self.encode(record, out, diagnostics);
    }

    /// Why records that are held like this where they come from cannot be written, as a help for the user; none of them is encoded.
    fn refuses(&self, _top_level: TopLevel) -> Option<&'static str> {
        None
    }

    /// Begins the files.
    fn output_writer(&self) -> Box<dyn OutputWriter>;
}

/// Makes files of encoded records.
pub trait OutputWriter: Send {
    /// Says how the records are held where they come from, which the output keeps as far as its format can; called before
    /// the first record, or not at all where records come from several places.
    fn top_level(&mut self, _of_input: TopLevel) {}

    /// Says that a document of a stream begins with the next record, and whether it is a list; after [`OutputWriter::top_level`].
    fn document(&mut self, _is_list: bool) {}

    /// Takes the header of a table from which records come; it comes before them. Formats other than tables have no use for it.
    fn header(&mut self, _header: &Header) {}

    /// Takes the next record, as encoded.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()>;

    /// Writes what stands after the last record; also called when there was none.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()>;
}

/// Files in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// The main file.
    pub main: Vec<u8>,
    /// The others, by name.
    pub named: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Files for Memory {
    fn main(&mut self) -> io::Result<&mut dyn io::Write> {
        Ok(&mut self.main)
    }

    fn named(&mut self, name: &str) -> io::Result<&mut dyn io::Write> {
        Ok(self.named.entry(name.to_owned()).or_default())
    }
}

/// Writes records into memory. A record that the format cannot carry is reported and omitted.
///
/// # Errors
/// When rows that wait for the last record cannot be spooled on disk.
pub fn collect<'t>(
    writer: &dyn Writer,
    records: impl IntoIterator<Item = Accepted<'t>>,
    diagnostics: &mut dyn DiagnosticSink,
) -> io::Result<Memory> {
    let mut files = Memory::default();
    let mut assembler = writer.output_writer();
    let mut encoded = Vec::new();
    for record in records {
        let mut emitted = Vec::new();
        encoded.clear();
        writer.encode(record, &mut encoded, &mut emitted);
        if !emitted.iter().any(|diagnostic| diagnostic.severity == chancery_core::diagnostic::Severity::Error) {
            assembler.record(&encoded, &mut files)?;
        }
        for diagnostic in emitted {
            diagnostics.emit(diagnostic);
        }
    }
    assembler.finish(&mut files)?;
    Ok(files)
}

/// What writing depends on besides the records.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the records are expected to look like; the reader of the output is guided by the same shape.
    pub shape: Arc<Shape>,
    /// What a collection of the records is called (`profiles`): names files, root elements and tables.
    pub name: String,
    /// One line a record, or indented for people.
    pub compact: bool,
    /// How CSV and TSV are laid out.
    pub csv: csv::Layout,
}

impl Default for Options {
    fn default() -> Self {
        Self { shape: Arc::new(Shape::any()), name: "records".to_owned(), compact: false, csv: csv::Layout::default() }
    }
}

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One array of all records, or the document that is the only record.
    Json,
    /// A record to a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// XML 1.0.
    Xml,
    /// A YAML sequence of all records, a stream of documents, or the document that is the only record.
    Yaml,
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Json, Self::Ndjson, Self::Csv, Self::Tsv, Self::Xml, Self::Yaml];

    /// The formats that `run` writes unless the config names others.
    pub const DEFAULT: &[Self] = &[Self::Json, Self::Csv, Self::Xml];

    /// The name used for flags, which is also the file name extension.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Xml => "xml",
            Self::Yaml => "yaml",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The format of a file name by its extension.
    #[must_use]
    pub fn by_extension(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        match extension.as_str() {
            "jsonl" => Some(Self::Ndjson),
            "yml" => Some(Self::Yaml),
            "tab" => Some(Self::Tsv),
            other => Self::by_name(other),
        }
    }

    /// Its writer.
    #[must_use]
    pub fn writer(self, options: &Options) -> Arc<dyn Writer> {
        match self {
            Self::Json => Arc::new(json::Json::new(options)),
            Self::Ndjson => Arc::new(json::Ndjson),
            Self::Csv => Arc::new(csv::Csv::new(options)),
            Self::Tsv => {
                let layout = csv::Layout { delimiter: b'\t', ..options.csv.clone() };
                Arc::new(csv::Csv::new(&Options { csv: layout, ..options.clone() }))
            }
            Self::Xml => Arc::new(xml::Xml::new(options)),
            Self::Yaml => Arc::new(yaml::Yaml::new(options)),
        }
    }
}
