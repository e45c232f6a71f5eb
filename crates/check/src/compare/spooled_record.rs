//! Records as bytes, for spooling until their partner is known.
//!
//! [`encode`] converts a record to bytes with the location of each value, and [`decode`] restores a tree whose values
//! have their original files, lines and columns; the text around them is gone.

use std::sync::Arc;

use chancery_core::source::{Position, Source, Span};
use chancery_core::tree::{Kind, Node, NodeId, Text, Tree};
use chancery_files::spool::{self, Decoder, number, text};

/// Appends a record to `out`: of duplicate members, the last.
pub fn encode(record: Node<'_>, out: &mut Vec<u8>) {
    let mut encoder = RecordEncoder { source: record.tree().source(), files: Vec::new(), last: None, out: Vec::new() };
    encoder.value(record);
    number(encoder.files.len() as u64, out);
    for file in &encoder.files {
        text(file, out);
    }
    out.extend_from_slice(&encoder.out);
}

struct RecordEncoder<'s> {
    source: &'s Source,
    files: Vec<Arc<str>>,
    // Offset and position of the previous value: values usually follow each other, so positions are counted from there.
    last: Option<(u32, usize, Position)>,
    out: Vec<u8>,
}

// Added to the number of a kind where other records may hold the value too.
const REPEATED: u64 = 8;

const KINDS: [Kind; 6] = [Kind::Null, Kind::Bool, Kind::Number, Kind::String, Kind::Array, Kind::Object];

impl RecordEncoder<'_> {
    fn value(&mut self, node: Node<'_>) {
        let kind = KINDS.iter().position(|kind| *kind == node.kind()).unwrap_or(0) as u64;
        number(kind | if node.is_repeated() { REPEATED } else { 0 }, &mut self.out);
        self.place(node.opening().start);
        match node.kind() {
            Kind::Array => {
                number(node.len() as u64, &mut self.out);
                node.items().for_each(|item| self.value(item));
            }
            Kind::Object => {
                let counts = |member: &chancery_core::tree::Member<'_>| !member.is_shadowed();
                number(node.members().filter(counts).count() as u64, &mut self.out);
                for member in node.members().filter(counts) {
                    number(u64::from(member.key.is_repeated()) | u64::from(member.is_captured()) << 1, &mut self.out);
                    text(member.key.text(), &mut self.out);
                    self.value(member.value);
                }
            }
            _ => text(node.text(), &mut self.out),
        }
    }

    fn place(&mut self, at: u32) {
        let (file, position) = match self.last {
            Some((before, file, position)) if before <= at && self.source.is_one_segment(before, at) => {
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
        spool::position(position, &mut self.out);
    }
}

/// A record from the beginning of the output of [`encode`]; `None` for other bytes.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Tree> {
    let mut decoder = Decoder::new(bytes);
    let mut files: Vec<Arc<str>> = Vec::new();
    for _ in 0..decoder.number()? {
        files.push(decoder.text()?.into());
    }
    // First the texts, each in a segment with its own position; then the tree over them.
    let mut source = Source::whole("", "");
    let mut scan = Decoder::new(decoder.rest());
    gather(&mut scan, &files, &mut source)?;
    let source = Arc::new(source);
    let mut tree = Tree::new(&source);
    let mut at = 0;
    build(&mut decoder, &mut tree, &mut at)?;
    Some(tree)
}

// A segment must not be empty to be found again.
const FILLER: &str = " ";

fn gather(decoder: &mut Decoder<'_>, files: &[Arc<str>], source: &mut Source) -> Option<()> {
    let (kind, _) = kind(decoder)?;
    let (file, place) = place(decoder)?;
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
                decoder.number()?;
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

fn build(decoder: &mut Decoder<'_>, tree: &mut Tree, at: &mut u32) -> Option<NodeId> {
    // The next segment, and its part that is the text.
    let next = |length: usize, at: &mut u32| {
        let start = *at;
        *at += (length.max(1)) as u32;
        (Span::new(start, *at), Text::Source(Span::new(start, start + length as u32)))
    };
    let (kind, is_repeated) = kind(decoder)?;
    place(decoder)?;
    let id = match kind {
        Kind::Array => {
            let id = tree.open(kind, next(FILLER.len(), at).0);
            for _ in 0..decoder.number()? {
                build(decoder, tree, at)?;
            }
            tree.close(*at);
            id
        }
        Kind::Object => {
            let id = tree.open(kind, next(FILLER.len(), at).0);
            for _ in 0..decoder.number()? {
                let flags = decoder.number()?;
                let (span, key) = next(decoder.text()?.len(), at);
                tree.key(span, key);
                if flags & 1 != 0 {
                    tree.mark_key_repeated();
                }
                let value = build(decoder, tree, at)?;
                if flags & 2 != 0 {
                    tree.mark_captured(value);
                }
            }
            tree.close(*at);
            id
        }
        _ => {
            let (span, text) = next(decoder.text()?.len(), at);
            tree.scalar(kind, span, text)
        }
    };
    if is_repeated {
        tree.mark_repeated(id);
    }
    Some(id)
}

// The kind, and whether other records may hold the value too.
fn kind(decoder: &mut Decoder<'_>) -> Option<(Kind, bool)> {
    let number = decoder.number()?;
    Some((*KINDS.get(usize::try_from(number & !REPEATED).ok()?)?, number & REPEATED != 0))
}

fn place(decoder: &mut Decoder<'_>) -> Option<(usize, Position)> {
    Some((usize::try_from(decoder.number()?).ok()?, decoder.position()?))
}
