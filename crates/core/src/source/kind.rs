//! Unsupported kinds of files, detected by their first bytes.

/// A kind of file that no reader reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, with an article.
    pub name: &'static str,
    /// What to do instead.
    pub help: &'static str,
    /// Whether no text in any supported format begins like this.
    pub is_certain: bool,
}

/// How many first bytes are looked at.
pub const LENGTH: usize = 1024;

const IMAGE: &str = "name files that hold data, or leave this one out";
const UNPACK: &str = "unpack it, and name the files that it holds";
const REPACK: &str = "unpack it, or compress it with gzip or zstd instead";
const SHEET: &str = "export its sheets as CSV";
const TEXT: &str = "save it as plain text; a page of a handbook is then read with --from handbook";

const PDF: &str =
    "take its text with pdftotext FILE.pdf FILE.txt, with or without -layout; a page of a handbook is then read with --from handbook";

const fn kind(name: &'static str, help: &'static str) -> Kind {
    Kind { name, help, is_certain: true }
}

const OFFICE: &[(&str, Kind)] = &[
    ("xlsx", kind("an Excel workbook", SHEET)),
    ("xlsm", kind("an Excel workbook", SHEET)),
    ("ods", kind("an OpenDocument spreadsheet", SHEET)),
    ("docx", WORD),
    ("odt", kind("an OpenDocument text", TEXT)),
];
const WORD: Kind = kind("a Word document", "read it with --from handbook, or save it as plain text");
const ZIP: Kind = kind("a ZIP archive", UNPACK);
const TAR: Kind = kind("a tar archive", UNPACK);
const HTML: Kind = Kind { name: "an HTML page", help: TEXT, is_certain: false };

// The first bytes of each kind.
const SIGNATURES: &[(&[u8], Kind)] = &[
    (b"%PDF-", Kind { name: "a PDF document", help: PDF, is_certain: false }),
    (b"%!PS-", Kind { name: "a PostScript document", help: TEXT, is_certain: false }),
    (b"{\\rtf", Kind { name: "an RTF document", help: TEXT, is_certain: false }),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", kind("a document of an older Microsoft Office", "export it as CSV or plain text")),
    (b"\x89PNG\r\n\x1a\n", kind("a PNG image", IMAGE)),
    (b"\xff\xd8\xff", kind("a JPEG image", IMAGE)),
    (b"GIF87a", Kind { name: "a GIF image", help: IMAGE, is_certain: false }),
    (b"GIF89a", Kind { name: "a GIF image", help: IMAGE, is_certain: false }),
    (b"II*\0", kind("a TIFF image", IMAGE)),
    (b"MM\0*", kind("a TIFF image", IMAGE)),
    (b"SQLite format 3\0", kind("an SQLite database", "read a database that chancery has loaded with chancery export sqlite:FILE")),
    (b"PAR1", Kind { name: "a Parquet file", help: "read Parquet files with chancery export parquet:DIR", is_certain: false }),
    (b"ARROW1\0\0", kind("an Arrow file", "read an Arrow stream with chancery export arrow:-")),
    (b"7z\xbc\xaf\x27\x1c", kind("a 7z archive", UNPACK)),
    (b"Rar!\x1a\x07", kind("a RAR archive", UNPACK)),
    (b"\xfd7zXZ\0", kind("a file compressed with xz", REPACK)),
    (b"BZh", Kind { name: "a file compressed with bzip2", help: REPACK, is_certain: false }),
    (b"\x7fELF", kind("a program", IMAGE)),
];

/// The kind of a file with these first bytes and this name; `None` for what may be text.
pub fn of(name: &str, head: &[u8]) -> Option<&'static Kind> {
    if [b"PK\x03\x04", b"PK\x05\x06"].iter().any(|start| head.starts_with(*start)) {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let office = OFFICE.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
        return Some(office.map_or(&ZIP, |(_, kind)| kind));
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        const WEBP: Kind = kind("a WebP image", IMAGE);
        return Some(&WEBP);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(&TAR);
    }
    // The letters and level of bzip2 may begin a text; the next bytes may not.
    let found = SIGNATURES.iter().find(|(start, _)| head.starts_with(start)).map(|(_, kind)| kind);
    if let Some(kind) = found {
        return (!head.starts_with(b"BZh") || head.get(4..10) == Some(b"1AY&SY")).then_some(kind);
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is = |tag: &[u8]| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    (is(b"<!doctype html") || is(b"<html")).then_some(&HTML)
}

impl Kind {
    /// Whether it is written as XML is, so that a file that is called XML is read as that.
    #[must_use]
    pub fn is_markup(&self) -> bool {
        *self == HTML
    }

    /// Whether it is a document that the handbook reader takes the text of.
    #[must_use]
    pub fn is_document(&self) -> bool {
        *self == HTML || *self == WORD
    }
}
