//! Output that waits until all references have been compared.
//!
//! Where the records are the whole collection and invalid ones are omitted, a record is known to be written only after the
//! last one has been read: its reference may lead nowhere, or to a record that is itself omitted. Until then the encoded
//! records wait here in input order, in memory while they are few and in a temporary file otherwise.
//!
//! Input: what would be written, and the keys and references of each record. Output: the same in the same order, without the records
//! that are rejected, whose reject lines take their place.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use chancery_check::references::spill_index::{SpillIndex, SpillMultimap};
use chancery_check::references::{KeyOccurrence, Role};
use chancery_core::diagnostic::{Diagnostic, Place, RecordRef, Severity, quote, rules};
use chancery_core::growth::step;
use chancery_core::source::{Position, Source, Span};
use chancery_files::spool::{self, Decoder, Spool};
use chancery_formats::layout::header::Header;
use chancery_formats::read::TopLevel;

/// What happens next in an output.
pub(super) enum Event<'b> {
    Begin(&'b str),
    /// The header of the present input.
    Header(&'b Header),
    End,
    /// A document that begins with the next record, and whether it is a list.
    Document(bool),
    /// A record as encoded for each output.
    Record(Vec<&'b [u8]>),
    /// A line of the reject file.
    Reject(Vec<u8>),
}

/// What waits.
#[derive(Default)]
pub(super) struct Deferred {
    events: Entries,
    headers: Vec<Arc<Header>>,
    top_level: Option<TopLevel>,
    occurrences: Entries,
    // Records that are rejected after all, with where the last error of their reject lines stands among `errors`.
    rejected: BTreeMap<u64, u64>,
    // Each with where the error before it of the same record stands.
    errors: Entries,
}

// Pieces in the order in which they were put.
#[derive(Default)]
struct Entries {
    spool: Spool,
    end: u64,
    piece: Vec<u8>,
}

impl Entries {
    fn put(&mut self, piece: &[u8]) -> io::Result<u64> {
        let at = self.spool.put(piece)?;
        self.end = at + 8 + piece.len() as u64;
        Ok(at)
    }

    // The piece at `at`, and where the next one begins.
    fn get(&mut self, at: u64) -> io::Result<Option<(&[u8], u64)>> {
        if at >= self.end {
            return Ok(None);
        }
        self.spool.get(at, &mut self.piece)?;
        let next = at + 8 + self.piece.len() as u64;
        Ok(Some((&self.piece, next)))
    }
}

const BEGIN: u64 = 0;
const END: u64 = 1;
const RECORD: u64 = 2;
const REJECT: u64 = 3;
const HEADER: u64 = 4;
const DOCUMENT: u64 = 5;

/// Stands before the first error of a record.
const FIRST: u64 = u64::MAX;

/// The errors of a reject line stand after this.
const ERRORS: &[u8] = b",\"errors\":[";

/// A key of a collection.
type Key = (usize, u128);

/// A record of which something was put, by its keys and references.
pub(super) struct Facts<'r> {
    pub(super) record: &'r RecordRef,
    /// Whether it is written as far as is known.
    pub(super) admitted: bool,
    /// Whether it is the first with its key.
    pub(super) has_own_key: bool,
    /// Whether it is one to report on.
    pub(super) fresh: bool,
}

impl Deferred {
    pub(super) fn begin_input(&mut self, name: &str) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(BEGIN, &mut piece);
        spool::text(name, &mut piece);
        self.events.put(&piece).map(drop)
    }

    pub(super) fn header(&mut self, header: &Arc<Header>) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(HEADER, &mut piece);
        spool::number(self.headers.len() as u64, &mut piece);
        self.headers.push(Arc::clone(header));
        self.events.put(&piece).map(drop)
    }

    /// Sets how the only input holds its records.
    pub(super) fn set_top_level(&mut self, top_level: TopLevel) {
        self.top_level = Some(top_level);
    }

    /// How the only input holds its records, where that is kept.
    pub(super) fn top_level(&self) -> Option<TopLevel> {
        self.top_level
    }

    pub(super) fn end_input(&mut self) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(END, &mut piece);
        self.events.put(&piece).map(drop)
    }

    pub(super) fn document(&mut self, is_list: bool) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(DOCUMENT, &mut piece);
        spool::number(u64::from(is_list), &mut piece);
        self.events.put(&piece).map(drop)
    }

    /// Puts a record. `reject` is its reject line without errors, where the record may be rejected yet.
    pub(super) fn record<'e>(
        &mut self,
        number: u64,
        encoded: impl ExactSizeIterator<Item = &'e [u8]>,
        reject: Option<&[u8]>,
    ) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(RECORD, &mut piece);
        spool::number(number, &mut piece);
        bytes(reject.unwrap_or_default(), &mut piece);
        spool::number(encoded.len() as u64, &mut piece);
        encoded.for_each(|encoded| bytes(encoded, &mut piece));
        self.events.put(&piece).map(drop)
    }

    /// Puts the reject line of a record that is rejected already.
    pub(super) fn reject(&mut self, line: &[u8]) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(REJECT, &mut piece);
        bytes(line, &mut piece);
        self.events.put(&piece).map(drop)
    }

    /// Puts the keys and references of a record.
    pub(super) fn occurrences(&mut self, occurrences: &[KeyOccurrence], facts: &Facts<'_>) -> io::Result<()> {
        let Facts { record, admitted, has_own_key, fresh } = *facts;
        let (Some(number), false) = (record.number, occurrences.is_empty()) else { return Ok(()) };
        let mut piece = Vec::new();
        for part in [number, u64::from(admitted), u64::from(fresh), record.index] {
            spool::number(part, &mut piece);
        }
        option(record.key.as_deref(), &mut piece);
        spool::number(u64::from(record.content.is_some()), &mut piece);
        hash(record.content.unwrap_or_default(), &mut piece);
        let wanted = |occurrence: &&KeyOccurrence| occurrence.role == Role::Reference || has_own_key;
        spool::number(occurrences.iter().filter(wanted).count() as u64, &mut piece);
        for occurrence in occurrences.iter().filter(wanted) {
            let location = occurrence.place.locate();
            spool::number(u64::from(occurrence.role == Role::Key), &mut piece);
            spool::number(occurrence.collection as u64, &mut piece);
            hash(occurrence.hash(), &mut piece);
            spool::text(&location.file, &mut piece);
            spool::position(location.start, &mut piece);
            spool::text(occurrence.place.source.slice(occurrence.place.span), &mut piece);
            spool::text(&occurrence.text, &mut piece);
            spool::text(&occurrence.pointer, &mut piece);
        }
        self.occurrences.put(&piece).map(drop)
    }

    /// Rejects a record for a reason that has been found after it was put.
    pub(super) fn refuse(&mut self, number: u64, error: &[u8]) -> io::Result<()> {
        let mut piece = Vec::new();
        spool::number(self.rejected.get(&number).map_or(FIRST, |before| *before), &mut piece);
        bytes(error, &mut piece);
        let at = self.errors.put(&piece)?;
        self.rejected.insert(number, at);
        Ok(())
    }

    /// The records that refer to a record which is rejected, until nothing changes.
    pub(super) fn follow(&mut self) -> io::Result<Followers> {
        let mut followers = Followers::default();
        let mut at = 0;
        while let Some((piece, next)) = self.occurrences.get(at)? {
            step();
            let entry = Entry::read(piece)?;
            if (!entry.admitted || self.rejected.contains_key(&entry.number))
                && let Some(own) = entry.own_key()
            {
                followers.gone(own.key.0).insert(own.key.1, at)?;
            }
            at = next;
        }
        if followers.gone.is_empty() {
            return Ok(followers);
        }
        // Which records refer to a key of each collection, by where their entries are.
        let mut referring: BTreeMap<usize, SpillMultimap> = BTreeMap::new();
        let mut open: Vec<Key> = Vec::new();
        at = 0;
        while let Some((piece, next)) = self.occurrences.get(at)? {
            let entry = Entry::read(piece)?;
            if entry.admitted && !self.rejected.contains_key(&entry.number) {
                for reference in entry.occurrences.iter().filter(|occurrence| !occurrence.is_key) {
                    step();
                    referring.entry(reference.key.0).or_default().add(reference.key.1, at)?;
                }
            }
            at = next;
        }
        at = 0;
        while let Some((piece, next)) = self.occurrences.get(at)? {
            step();
            let entry = Entry::read(piece)?;
            if !entry.admitted || self.rejected.contains_key(&entry.number) {
                open.extend(entry.own_key().map(|own| own.key));
            }
            at = next;
            while let Some((collection, hash)) = open.pop() {
                let Some(referring) = referring.get_mut(&collection) else { continue };
                referring.each(hash, &mut |at| {
                    step();
                    if followers.entries.insert(at)
                        && let Some((piece, _)) = self.occurrences.get(at)?
                        && let Some(own) = Entry::read(piece)?.own_key()
                    {
                        let gone = followers.gone(own.key.0);
                        if gone.get(own.key.1)?.is_none() {
                            gone.insert(own.key.1, at)?;
                            open.push(own.key);
                        }
                    }
                    Ok(())
                })?;
            }
        }
        Ok(followers)
    }

    /// The findings about the next of these records in input order; `None` after the last.
    pub(super) fn findings(&mut self, followers: &mut Followers) -> io::Result<Option<Vec<(Diagnostic, bool)>>> {
        let Some(at) = followers.entries.pop_first() else { return Ok(None) };
        let Some((piece, _)) = self.occurrences.get(at)? else { return Ok(None) };
        let piece = piece.to_vec();
        let entry = Entry::read(&piece)?;
        let mut found = Vec::new();
        for reference in entry.occurrences.iter().filter(|occurrence| !occurrence.is_key) {
            if let Some(target) = followers.gone(reference.key.0).get(reference.key.1)?
                && let Some((piece, _)) = self.occurrences.get(target)?
                && let Some(own) = Entry::read(piece)?.own_key()
            {
                found.push((reference.finding(&entry, own), entry.fresh));
            }
        }
        Ok(Some(found))
    }

    /// Passes on what was put, in the same order, until `take` says `false`.
    pub(super) fn replay(self, take: &mut dyn FnMut(Event<'_>) -> io::Result<bool>) -> io::Result<()> {
        let Self { mut events, rejected, mut errors, headers, .. } = self;
        let mut at = 0;
        while let Some((piece, next)) = events.get(at)? {
            let event = read(piece, &rejected, &mut errors, &headers)?;
            if let Some(event) = event
                && !take(event)?
            {
                return Ok(());
            }
            at = next;
        }
        Ok(())
    }
}

// `None` is a record that is rejected and has no reject line.
fn read<'b>(
    piece: &'b [u8],
    rejected: &BTreeMap<u64, u64>,
    errors: &mut Entries,
    headers: &'b [Arc<Header>],
) -> io::Result<Option<Event<'b>>> {
    let mut decoder = Decoder::new(piece);
    let mut decode = || {
        Some(match decoder.number()? {
            BEGIN => Piece::Event(Event::Begin(decoder.text()?)),
            HEADER => Piece::Event(Event::Header(headers.get(usize::try_from(decoder.number()?).ok()?)?)),
            END => Piece::Event(Event::End),
            DOCUMENT => Piece::Event(Event::Document(decoder.number()? == 1)),
            REJECT => Piece::Event(Event::Reject(decoder.bytes()?.to_vec())),
            RECORD => {
                let number = decoder.number()?;
                let reject = decoder.bytes()?;
                if let Some(last) = rejected.get(&number) {
                    Piece::Rejected(reject, *last)
                } else {
                    let outputs = decoder.number()?;
                    Piece::Event(Event::Record((0..outputs).map(|_| decoder.bytes()).collect::<Option<_>>()?))
                }
            }
            _ => return None,
        })
    };
    match decode().ok_or(io::ErrorKind::InvalidData)? {
        Piece::Event(event) => Ok(Some(event)),
        Piece::Rejected([], _) => Ok(None),
        Piece::Rejected(line, last) => Ok(Some(Event::Reject(with_errors(line, &errors_of(last, errors)?)))),
    }
}

enum Piece<'b> {
    Event(Event<'b>),
    // A record that is rejected after all: its reject line without errors, and where the last of these stands.
    Rejected(&'b [u8], u64),
}

// The errors of a record of which the last is at `at`, in order.
fn errors_of(mut at: u64, errors: &mut Entries) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    while at != FIRST {
        let (piece, _) = errors.get(at)?.ok_or(io::ErrorKind::InvalidData)?;
        let mut decoder = Decoder::new(piece);
        let (Some(before), Some(error)) = (decoder.number(), decoder.bytes()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        found.push(error.to_vec());
        at = before;
    }
    found.reverse();
    Ok(found)
}

// The file and the format are before the errors, and no quote in either is bare.
fn with_errors(line: &[u8], errors: &[Vec<u8>]) -> Vec<u8> {
    let at = memchr::memmem::find(line, ERRORS).map_or(line.len(), |at| at + ERRORS.len());
    [&line[..at], &errors.join(&b','), &line[at..]].concat()
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    spool::number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn option(text: Option<&str>, out: &mut Vec<u8>) {
    spool::number(u64::from(text.is_some()), out);
    spool::text(text.unwrap_or_default(), out);
}

fn hash(hash: u128, out: &mut Vec<u8>) {
    bytes(&hash.to_le_bytes(), out);
}

/// Records that refer to one which is rejected.
#[derive(Default)]
pub(super) struct Followers {
    // Where what was put about them stands.
    entries: BTreeSet<u64>,
    // By collection, the keys of rejected records, with where what was put about these stands.
    gone: BTreeMap<usize, SpillIndex>,
}

impl Followers {
    fn gone(&mut self, collection: usize) -> &mut SpillIndex {
        self.gone.entry(collection).or_default()
    }
}

// What was put about a record.
struct Entry<'b> {
    number: u64,
    admitted: bool,
    fresh: bool,
    record: RecordRef,
    occurrences: Vec<Written<'b>>,
}

struct Written<'b> {
    is_key: bool,
    key: Key,
    file: &'b str,
    at: Position,
    shown: &'b str,
    text: &'b str,
    pointer: &'b str,
}

impl<'b> Entry<'b> {
    fn read(piece: &'b [u8]) -> io::Result<Self> {
        Self::decode(&mut Decoder::new(piece)).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn decode(decoder: &mut Decoder<'b>) -> Option<Self> {
        let hash = |decoder: &mut Decoder<'b>| Some(u128::from_le_bytes(decoder.bytes()?.try_into().ok()?));
        let (number, admitted, fresh) = (decoder.number()?, decoder.number()? == 1, decoder.number()? == 1);
        let index = decoder.number()?;
        let (has_key, key) = (decoder.number()? == 1, decoder.text()?);
        let (has_content, content) = (decoder.number()? == 1, hash(decoder)?);
        let record =
            RecordRef { index, key: has_key.then(|| key.to_owned()), number: Some(number), content: has_content.then_some(content) };
        let count = decoder.number()?;
        let occurrences = (0..count)
            .map(|_| {
                let is_key = decoder.number()? == 1;
                let key = (usize::try_from(decoder.number()?).ok()?, hash(decoder)?);
                let (file, at) = (decoder.text()?, decoder.position()?);
                Some(Written { is_key, key, file, at, shown: decoder.text()?, text: decoder.text()?, pointer: decoder.text()? })
            })
            .collect::<Option<_>>()?;
        Some(Self { number, admitted, fresh, record, occurrences })
    }

    fn own_key(&self) -> Option<&Written<'b>> {
        self.occurrences.iter().find(|occurrence| occurrence.is_key)
    }
}

impl Written<'_> {
    fn finding(&self, entry: &Entry<'_>, target: &Written<'_>) -> Diagnostic {
        let source = Arc::new(Source::window(self.file, self.shown, self.at));
        let span = Span::new(0, source.len());
        let place = Place::new(&Arc::new(Source::detached(target.file, target.at)), Span::at(0));
        let message = format!("reference to record {}, which is rejected", quote(self.text, true));
        let mut diagnostic = Diagnostic::new(&rules::DANGLING_REFERENCE, &source, span, message)
            .at(self.pointer)
            .related("the rejected record", place)
            .help("correct the record it refers to, or write invalid records too with --on-invalid keep");
        diagnostic.severity = Severity::Error;
        diagnostic.record = Some(entry.record.clone());
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_check::references::KeyDeclarations;
    use chancery_core::growth::assert_linear;
    use chancery_core::tree::Tree;
    use chancery_schema::{Schema, Shape};

    fn tree(text: &str) -> Tree {
        let source = Arc::new(Source::whole("a.json", text));
        let mut tree = Tree::new(&source);
        let read = chancery_formats::read::json::Parser::new(&source, 0, text.len(), 64).document(&mut tree, &mut Vec::new());
        read.unwrap_or_else(|diagnostic| panic!("{text}: {}", diagnostic.message));
        tree
    }

    // Records numbered from 0, each with the numbers of those it refers to, of which the first is rejected: the numbers of the
    // findings about each of those that follow, in order.
    fn followed(count: usize, refers: impl Fn(usize) -> Vec<usize>) -> Vec<(u64, usize)> {
        let schema = r#"{"x-key": "/id", "properties": {"id": {}, "to": {"items": {"x-references": true}}}}"#;
        let shape = Arc::new(Shape::of(&Schema::try_from(tree(schema)).expect("it is a schema")));
        let mut plan = KeyDeclarations::new(&shape, None);
        assert!(plan.bind(0, &|_| None).is_empty());
        let mut deferred = Deferred::default();
        for number in 0..count {
            let record =
                tree(&format!(r#"{{"id": "{number}", "to": {:?}}}"#, refers(number).iter().map(usize::to_string).collect::<Vec<_>>()));
            let reference = RecordRef { index: number as u64, key: None, number: Some(number as u64), content: None };
            let facts = Facts { record: &reference, admitted: number > 0, has_own_key: true, fresh: true };
            deferred.occurrences(&plan.extract(&record), &facts).expect("it is written");
        }
        let mut followers = deferred.follow().expect("it is read");
        let mut found = Vec::new();
        while let Some(findings) = deferred.findings(&mut followers).expect("it is read") {
            let record = findings[0].0.record.as_ref().and_then(|record| record.number);
            found.push((record.expect("it is numbered"), findings.len()));
        }
        found
    }

    #[test]
    fn what_refers_to_a_rejected_record_follows_it() {
        // 1 refers to it twice, 2 to 1 and 4, 4 to nothing that is rejected, 3 to itself and to 2.
        let refers = |number: usize| [vec![], vec![0, 0], vec![1, 4], vec![3, 2], vec![5], vec![4]][number].clone();
        assert_eq!(followed(6, refers), [(1, 2), (2, 1), (3, 2)]);
    }

    #[test]
    fn work_grows_with_the_records_that_follow() {
        assert_linear(200, |size| {
            let all: Vec<u64> = (1..size as u64).collect();
            let records = |found: Vec<(u64, usize)>| found.into_iter().map(|(number, _)| number).collect::<Vec<_>>();
            // A chain in order and in the opposite order, and references to one record.
            assert_eq!(records(followed(size, |number| number.checked_sub(1).into_iter().collect())), all);
            assert_eq!(records(followed(size, |number| if number == 0 { vec![] } else { vec![(number + 1) % size] })), all);
            assert_eq!(records(followed(size, |number| if number == 0 { vec![] } else { vec![0] })), all);
        });
    }
}
