//! Reads the text of a Word document (ECMA-376).
//!
//! Input: the bytes of the file, a ZIP archive. Output: its text: paragraphs parted by blank lines, items with bullets, note marks as
//! superscript digits, and the notes themselves at the end. Archives that unpack to more than the limit are rejected.

use std::io::Read as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::raised;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum DocxError {
    #[error("the archive is damaged: {0}")]
    Archive(&'static str),
    #[error("it has no part word/document.xml, so it is no Word document")]
    NoDocument,
    #[error("its text unpacks to more than {0} bytes")]
    TooLarge(usize),
    #[error("its part {0} is no well-formed XML: {1}")]
    Xml(&'static str, quick_xml::Error),
}

/// Whether these are the first bytes of a ZIP archive.
pub(in super::super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The text of a document, whose parts together unpack to at most `limit` bytes.
pub(in super::super) fn text(bytes: &[u8], limit: usize) -> Result<String, DocxError> {
    const DOCUMENT: &str = "word/document.xml";
    let mut writer = Writer::default();
    let mut left = limit;
    let Some(document) = part(bytes, DOCUMENT, &mut left)? else { return Err(DocxError::NoDocument) };
    writer.read(&document).map_err(|error| DocxError::Xml(DOCUMENT, error))?;
    for name in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(notes) = part(bytes, name, &mut left)? {
            writer.notes = Some(name.ends_with("endnotes.xml"));
            writer.read(&notes).map_err(|error| DocxError::Xml(name, error))?;
        }
    }
    Ok(writer.text)
}

// The unpacked bytes of a part; takes them off `left`.
fn part(bytes: &[u8], name: &str, left: &mut usize) -> Result<Option<Vec<u8>>, DocxError> {
    const STORED: u16 = 0;
    const DEFLATED: u16 = 8;
    let Some((method, packed)) = entry(bytes, name)? else { return Ok(None) };
    let mut unpacked = Vec::new();
    let read = match method {
        STORED => packed.take(*left as u64 + 1).read_to_end(&mut unpacked),
        DEFLATED => flate2::read::DeflateDecoder::new(packed).take(*left as u64 + 1).read_to_end(&mut unpacked),
        _ => return Err(DocxError::Archive("a part is packed by an unknown method")),
    };
    read.map_err(|_| DocxError::Archive("a part cannot be unpacked"))?;
    if unpacked.len() > *left {
        return Err(DocxError::TooLarge(*left));
    }
    *left -= unpacked.len();
    Ok(Some(unpacked))
}

// The method and the packed bytes of an entry, by the central directory (APPNOTE 6.3.10, section 4.3).
fn entry<'b>(bytes: &'b [u8], name: &str) -> Result<Option<(u16, &'b [u8])>, DocxError> {
    const END: usize = 22;
    const LONGEST_COMMENT: usize = 0xffff;
    let cut = || DocxError::Archive("it ends too early");
    let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
    let from = bytes.len().saturating_sub(END + LONGEST_COMMENT);
    let end = memchr::memmem::rfind(&bytes[from..], b"PK\x05\x06").ok_or(DocxError::Archive("it has no directory"))? + from;
    let (count, mut at) = short(end + 10).zip(long(end + 16)).ok_or_else(cut)?;
    for _ in 0..count {
        if bytes.get(at..at + 4) != Some(b"PK\x01\x02") {
            return Err(DocxError::Archive("its directory is damaged"));
        }
        let lengths = short(at + 28).zip(short(at + 30)).zip(short(at + 32)).ok_or_else(cut)?;
        let ((named, extra), comment) = lengths;
        let own = bytes.get(at + 46..at + 46 + named as usize).ok_or_else(cut)?;
        if own == name.as_bytes() {
            let ((method, size), local) = short(at + 10).zip(long(at + 20)).zip(long(at + 42)).ok_or_else(cut)?;
            let (named, extra) = short(local + 26).zip(short(local + 28)).ok_or_else(cut)?;
            let start = local + 30 + named as usize + extra as usize;
            return Ok(Some((method, bytes.get(start..start + size).ok_or_else(cut)?)));
        }
        at += 46 + named as usize + extra as usize + comment as usize;
    }
    Ok(None)
}

#[derive(Default)]
struct Writer {
    text: String,
    paragraph: String,
    is_item: bool,
    after_item: bool,
    is_raised: bool,
    in_text: bool,
    // Which notes are read: endnotes or footnotes; `None` in the document.
    notes: Option<bool>,
    // Notes in the order of their marks: whether endnotes, and the id.
    marks: Vec<(bool, String)>,
    // The number of the note that is read, and whether its mark is written.
    number: Option<usize>,
    is_marked: bool,
    skipped: bool,
}

impl Writer {
    fn read(&mut self, xml: &[u8]) -> Result<(), quick_xml::Error> {
        let mut reader = Reader::from_reader(xml);
        let mut buffer = Vec::new();
        loop {
            match reader.read_event_into(&mut buffer)? {
                Event::Eof => return Ok(()),
                Event::Start(tag) => self.start(&tag),
                Event::Empty(tag) => {
                    self.start(&tag);
                    self.end(tag.local_name().as_ref());
                }
                Event::End(tag) => self.end(tag.local_name().as_ref()),
                Event::Text(text) if self.in_text => self.put(&text),
                Event::GeneralRef(entity) if self.in_text => {
                    let named = match entity.as_ref() {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => entity.resolve_char_ref().ok().flatten(),
                    };
                    if let Some(c) = named {
                        self.put(c.encode_utf8(&mut [0; 4]));
                    }
                }
                _ => {}
            }
            buffer.clear();
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "p" => (self.is_item, self.is_raised) = (false, false),
            "r" => self.is_raised = false,
            "numPr" => self.is_item = true,
            "vertAlign" => self.is_raised = attribute(tag, "val").is_some_and(|value| value == "superscript"),
            "t" => self.in_text = !self.skipped,
            "tab" => self.paragraph.push(' '),
            "br" | "cr" => self.paragraph.push('\n'),
            // The same content again, for older programs.
            "Fallback" => self.skipped = true,
            name @ ("footnoteReference" | "endnoteReference") if self.notes.is_none() => {
                if let Some(id) = attribute(tag, "id") {
                    self.marks.push((name == "endnoteReference", id));
                    let number = self.marks.len().to_string();
                    self.paragraph.extend(number.chars().map(raised));
                }
            }
            name @ ("footnote" | "endnote") => {
                let id = attribute(tag, "id").unwrap_or_default();
                let own = (name == "endnote", id);
                self.number = self.marks.iter().position(|mark| *mark == own).map(|at| at + 1);
                self.is_marked = false;
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "Fallback" => self.skipped = false,
            "p" => self.paragraph(),
            _ => {}
        }
    }

    fn put(&mut self, text: &str) {
        if self.is_raised {
            self.paragraph.extend(text.chars().map(raised));
        } else {
            self.paragraph.push_str(text);
        }
    }

    fn paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        // Separators and notes without a mark are no text of the document.
        let mark: String = match (self.notes, self.number) {
            (Some(_), None) => return,
            (Some(_), Some(number)) if !self.is_marked => number.to_string().chars().map(raised).chain([' ']).collect(),
            _ => String::new(),
        };
        let paragraph = paragraph.trim();
        if paragraph.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(if self.is_item && self.after_item { "\n" } else { "\n\n" });
        }
        if self.is_item {
            self.text.push_str("\u{2022} ");
        }
        self.text.push_str(&mark);
        self.text.push_str(paragraph);
        self.after_item = self.is_item;
        self.is_marked = true;
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().filter_map(Result::ok).find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(found.value.into_owned())
}
