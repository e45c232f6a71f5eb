//! Records put aside until their partner is at hand: in memory while they are few, then in a temporary file.
//!
//! [`encode`] turns a record into bytes together with the place of each of its values, and [`decode`] turns it back into a
//! tree whose values lie in the files, lines and columns where they were written; the text around them is gone.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use tempfile::SpooledTempFile;

use crate::source::{Position, Source, Span};
use crate::tree::{Kind, Node, Text, Tree};

/// How much is held in memory.
const HELD: usize = 8 << 20;

/// Pieces of bytes, each found again by the place at which it was put.
pub struct Spool {
    file: SpooledTempFile,
    // What waits to be written.
    waiting: Vec<u8>,
    length: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: SpooledTempFile::new(HELD), waiting: Vec::new(), length: 0 }
    }
}

impl Spool {
    /// Puts a piece at the end and says where that is.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn put(&mut self, piece: &[u8]) -> io::Result<u64> {
        let at = self.length;
        self.waiting.extend_from_slice(&(piece.len() as u64).to_le_bytes());
        self.waiting.extend_from_slice(piece);
        self.length += 8 + piece.len() as u64;
        if self.waiting.len() > 1 << 16 {
            self.write()?;
        }
        Ok(at)
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// The piece at a place that [`Spool::put`] gave, put into `piece`.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn get(&mut self, at: u64, piece: &mut Vec<u8>) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.write()?;
        }
        self.file.seek(SeekFrom::Start(at))?;
        let mut length = [0; 8];
        self.file.read_exact(&mut length)?;
        piece.clear();
        let length = u64::from_le_bytes(length);
        if Read::by_ref(&mut self.file).take(length).read_to_end(piece)? as u64 == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// Appends a record to `out`: of members that are there twice, the last.
pub fn encode(record: Node<'_>, out: &mut Vec<u8>) {
    let mut encoder = Encoder { source: record.tree().source(), files: Vec::new(), last: None, out: Vec::new() };
    encoder.value(record);
    number(encoder.files.len() as u64, out);
    for file in &encoder.files {
        text(file, out);
    }
    out.extend_from_slice(&encoder.out);
}

/// Appends a number, as [`Decoder::number`] reads it.
pub fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a text with its length, as [`Decoder::text`] reads it.
pub fn text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

struct Encoder<'s> {
    source: &'s Source,
    files: Vec<Arc<str>>,
    // Offset and place of the value before: values mostly follow each other, so places are counted on from there.
    last: Option<(u32, usize, Position)>,
    out: Vec<u8>,
}

const KINDS: [Kind; 6] = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];

impl Encoder<'_> {
    fn value(&mut self, node: Node<'_>) {
        self.out.push(KINDS.iter().position(|kind| *kind == node.kind()).unwrap_or(0) as u8);
        self.place(node.opening().start);
        match node.kind() {
            Kind::Array => {
                number(node.len() as u64, &mut self.out);
                node.items().for_each(|item| self.value(item));
            }
            Kind::Object => {
                let counts = |member: &crate::tree::Member<'_>| !member.is_shadowed();
                number(node.members().filter(counts).count() as u64, &mut self.out);
                for member in node.members().filter(counts) {
                    text(member.key.text(), &mut self.out);
                    self.value(member.value);
                }
            }
            _ => text(node.text(), &mut self.out),
        }
    }

    fn place(&mut self, at: u32) {
        let (file, position) = match self.last {
            Some((before, file, position)) if before <= at && self.source.is_one_stretch(before, at) => {
                (file, position.after(self.source.slice(Span::new(before, at))))
            }
            _ => {
                let location = self.source.locate(Span::at(at));
                let file = self.files.iter().position(|file| *file == location.file).unwrap_or_else(|| {
                    self.files.push(location.file);
                    self.files.len() - 1
                });
                (file, location.start)
            }
        };
        self.last = Some((at, file, position));
        number(file as u64, &mut self.out);
        number(position.line, &mut self.out);
        number(u64::from(position.column), &mut self.out);
        number(position.byte, &mut self.out);
    }
}

/// A record from the beginning of what [`encode`] appended; `None` where it is something else.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Tree> {
    let mut decoder = Decoder::new(bytes);
    let mut files: Vec<Arc<str>> = Vec::new();
    for _ in 0..decoder.number()? {
        files.push(decoder.text()?.into());
    }
    // First the texts, each in a stretch of its own that knows its place; then the tree over them.
    let mut source = Source::whole("", "");
    let mut scan = Decoder(decoder.0);
    gather(&mut scan, &files, &mut source)?;
    let source = Arc::new(source);
    let mut tree = Tree::new(&source);
    let mut at = 0;
    build(&mut decoder, &mut tree, &mut at)?;
    Some(tree)
}

// A stretch has to hold something to be found again.
const FILLER: &str = " ";

fn gather(decoder: &mut Decoder<'_>, files: &[Arc<str>], source: &mut Source) -> Option<()> {
    let kind = decoder.kind()?;
    let (file, place) = decoder.place()?;
    let file = files.get(file)?;
    let mut add = |text: &str| source.append(Arc::clone(file), if text.is_empty() { FILLER } else { text }, place);
    match kind {
        Kind::Array => {
            add(FILLER);
            for _ in 0..decoder.number()? {
                gather(decoder, files, source)?;
            }
        }
        Kind::Object => {
            add(FILLER);
            for _ in 0..decoder.number()? {
                let key = decoder.text()?;
                source.append(Arc::clone(file), if key.is_empty() { FILLER } else { key }, place);
                gather(decoder, files, source)?;
            }
        }
        _ => {
            add(decoder.text()?);
        }
    }
    Some(())
}

fn build(decoder: &mut Decoder<'_>, tree: &mut Tree, at: &mut u32) -> Option<()> {
    // The next stretch, and the part of it that is the text.
    let next = |length: usize, at: &mut u32| {
        let start = *at;
        *at += (length.max(1)) as u32;
        (Span::new(start, *at), Text::Source(Span::new(start, start + length as u32)))
    };
    let kind = decoder.kind()?;
    decoder.place()?;
    match kind {
        Kind::Array => {
            tree.open(kind, next(FILLER.len(), at).0);
            for _ in 0..decoder.number()? {
                build(decoder, tree, at)?;
            }
            tree.close(*at);
        }
        Kind::Object => {
            tree.open(kind, next(FILLER.len(), at).0);
            for _ in 0..decoder.number()? {
                let (span, key) = next(decoder.text()?.len(), at);
                tree.key(span, key);
                build(decoder, tree, at)?;
            }
            tree.close(*at);
        }
        _ => {
            let (span, text) = next(decoder.text()?.len(), at);
            tree.scalar(kind, span, text);
        }
    }
    Some(())
}

/// Reads what was encoded, from its beginning on.
pub struct Decoder<'b>(&'b [u8]);

impl<'b> Decoder<'b> {
    /// At the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'b [u8] {
        self.0
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The number that comes next.
    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The text that comes next.
    pub fn text(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn kind(&mut self) -> Option<Kind> {
        KINDS.get(usize::from(self.byte()?)).copied()
    }

    fn place(&mut self) -> Option<(usize, Position)> {
        let file = usize::try_from(self.number()?).ok()?;
        let line = self.number()?;
        let column = u32::try_from(self.number()?).ok()?;
        Some((file, Position { byte: self.number()?, line, column }))
    }
}
