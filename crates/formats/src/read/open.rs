//! Opens an input as windows: detects its format, and reads a package of tables through its description.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::csv::package::{self, Refusal};
#[cfg(feature = "handbook")]
use super::decisions;
#[cfg(feature = "handbook")]
use super::handbook::Templates;
use super::{Chunker, Options, refused};
use chancery_core::source::{FileKind, Format, ReadError};
use chancery_files::open::{self, Input};

/// An opened input.
pub struct Opened {
    /// Its format.
    pub format: Format,
    /// Whether byte offsets count decompressed or decoded text instead of the file's own bytes.
    pub decoded: bool,
    /// Splits it into windows.
    pub chunker: Box<dyn Chunker>,
}

/// How the tables of a package are opened.
pub struct Tables<'a> {
    /// Opens a file.
    pub open: &'a dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>>,
    /// Its display name.
    pub shown: &'a dyn Fn(&Path) -> String,
    /// The encoding of a file without a byte order mark.
    pub encoding: Option<&'a str>,
}

/// Starts reading an input in the format `given`, or in the one that is detected.
///
/// # Errors
/// When it cannot be read, or its format is not known.
pub fn start(
    input: &Input,
    mut opened: open::Opened,
    given: Option<Format>,
    tables: &Tables<'_>,
    options: &Options,
) -> Result<Opened, ReadError> {
    let format = detect(&input.name, &mut opened, given, options)?;
    if let Some(path) = input.path.as_deref().filter(|_| format == Format::Json && package::is_description(&input.name)) {
        let description = Arc::new(opened.feed.consume_all()?);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut table = |name: &str| {
            let path = folder.join(name);
            let shown = (tables.shown)(&path).into();
            open::open_stream(&shown, (tables.open)(&path)?, tables.encoding).map(|opened| opened.feed).map_err(io::Error::other)
        };
        // The tables are read side by side; an unusable package is reported as a finding.
        let chunker = match package::open(&description, &mut table, options) {
            Ok(chunker) => chunker,
            Err(Refusal::Description(why)) => refused(*why),
            Err(Refusal::Table(why)) => return Err(why),
        };
        return Ok(Opened { format: Format::Csv, decoded: opened.decoded, chunker });
    }
    #[cfg(feature = "handbook")]
    if let Some(path) = input.path.as_deref().filter(|_| format == Format::Handbook) {
        let options = Options { decisions: decisions::of_page(path, tables.open)?, ..options.clone() };
        return Ok(Opened { format, decoded: opened.decoded, chunker: super::chunker(format, opened.feed, &options) });
    }
    Ok(Opened { format, decoded: opened.decoded, chunker: super::chunker(format, opened.feed, options) })
}

// The format: as named, by the name of the file, or by its first bytes.
#[cfg_attr(not(feature = "handbook"), expect(unused_variables, reason = "only pages need the options"))]
fn detect(name: &str, opened: &mut open::Opened, given: Option<Format>, options: &Options) -> Result<Format, ReadError> {
    let by_name = Format::by_extension(open::strip_compression(name));
    let wrong = |kind: &FileKind| match (given, by_name) {
        (Some(Format::Handbook), _) | (None, Some(Format::Handbook)) if kind.is_document() => false,
        (Some(_), _) => kind.is_certain,
        (None, Some(_)) => by_name == Some(Format::Handbook) || !kind.is_markup(),
        (None, None) => true,
    };
    if let Some(kind) = opened.kind.filter(|kind| wrong(kind)) {
        return Err(ReadError::Kind { kind, packed: opened.packed });
    }
    match given.or(by_name) {
        None | Some(Format::Handbook) if given.is_none() && open::peek(&mut opened.feed)?.trim_ascii().is_empty() => {
            // Nothing holds no records, regardless of its format.
            Ok(Format::Handbook)
        }
        // The text of a Word document is known only when it is unpacked.
        Some(Format::Handbook) if given.is_none() && opened.kind.is_some_and(|kind| kind.is_certain) => Ok(Format::Handbook),
        #[cfg(feature = "handbook")]
        Some(Format::Handbook) if given.is_none() => {
            let head = if opened.kind.is_some_and(FileKind::is_markup) {
                // Styles and scripts may be before the text.
                const HEAD: usize = 256 * 1024;
                opened.feed.fill_from_stream(HEAD)?;
                opened.feed.bytes()
            } else {
                open::peek(&mut opened.feed)?
            };
            let text = String::from_utf8_lossy(head);
            let is_page = options.forms.as_ref().map_or_else(|| Templates::default().know(&text), |forms| forms.know(&text));
            let help = "no label of a form was found at its start: pass --from handbook if it is a page, else name its format with --from";
            if is_page { Ok(Format::Handbook) } else { Err(ReadError::UnknownFormat { help }) }
        }
        Some(format) => Ok(format),
        None => {
            let help = "name the format with --from, such as --from csv; chancery formats lists them";
            super::format_of(open::peek(&mut opened.feed)?).ok_or(ReadError::UnknownFormat { help })
        }
    }
}
