//! Files during a fix: their content when they were opened, and with the edits made since.
//!
//! A file is read once; every later snapshot reads the text held here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::patch::{Origins, Patch, Replacement};
use chancery_core::source::{Position, ReadError};
use chancery_files::open::{self, Opened};

/// The files of one input.
#[derive(Debug, Default)]
pub struct FileOverlay {
    // In the order in which they were opened.
    held: Mutex<Vec<OverlayFile>>,
}

/// A file in memory.
#[derive(Clone, Debug)]
pub(super) struct OverlayFile {
    pub name: Arc<str>,
    // `None` for standard input and for texts in memory.
    pub path: Option<PathBuf>,
    pub original: Arc<[u8]>,
    pub now: Arc<[u8]>,
    pub patch: Patch,
    // Whether positions count decompressed or decoded text, so that nothing can be written back.
    pub decoded: bool,
}

impl FileOverlay {
    fn lock(&self) -> MutexGuard<'_, Vec<OverlayFile>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a text in memory, which [`FileOverlay::open`] then returns for an input of that name.
    pub fn load(&self, name: &Arc<str>, text: impl Into<Arc<[u8]>>) {
        self.take(name, None, text.into());
    }

    fn take(&self, name: &Arc<str>, path: Option<PathBuf>, text: Arc<[u8]>) {
        let mut held = self.lock();
        if !held.iter().any(|held| held.name == *name) {
            held.push(OverlayFile {
                name: Arc::clone(name),
                path,
                original: Arc::clone(&text),
                patch: Patch::new(Arc::clone(&text)),
                now: text,
                decoded: false,
            });
        }
    }

    /// The bytes of a file, with the edits made so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, input: &open::Input, encoding: Option<&str>) -> io::Result<Box<dyn Read + Send>> {
        if !self.lock().iter().any(|held| held.name == input.name) {
            let mut text = Vec::new();
            match &input.path {
                Some(path) => File::open(path)?.read_to_end(&mut text)?,
                None => io::stdin().read_to_end(&mut text)?,
            };
            self.take(&input.name, input.path.clone(), text.into());
        }
        let mut held = self.lock();
        let Some(held) = held.iter_mut().find(|held| held.name == input.name) else { return Err(io::Error::other("not held")) };
        let bytes = || Box::new(Cursor::new(Arc::clone(&held.now)));
        // The actual open reports the error.
        let decoded = open::open_stream(&input.name, bytes(), encoding).is_ok_and(|opened| opened.decoded);
        let bytes = bytes();
        held.decoded = decoded;
        Ok(bytes)
    }

    /// Opens a file like [`open::open`], with the edits made so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&self, input: &open::Input, encoding: Option<&str>) -> Result<Opened, ReadError> {
        open::open_stream(&input.name, self.read(input, encoding)?, encoding)
    }

    /// Applies edits to the files of these names; each list is in order and does not overlap.
    pub(super) fn edit(&self, edits: &[(Arc<str>, Vec<Replacement>)]) {
        let mut held = self.lock();
        for (name, edits) in edits {
            for held in held.iter_mut().filter(|held| held.name == *name) {
                held.patch.apply(edits);
                held.now = held.patch.text().into();
            }
        }
    }

    /// The current state, to be [restored](Self::restore).
    pub(super) fn state(&self) -> Vec<OverlayFile> {
        self.lock().clone()
    }

    pub(super) fn restore(&self, state: Vec<OverlayFile>) {
        *self.lock() = state;
    }

    pub(super) fn is_decoded(&self, name: &str) -> bool {
        self.lock().iter().any(|held| *held.name == *name && held.decoded)
    }

    /// Undoes all edits.
    pub(super) fn reset(&self) {
        for held in self.lock().iter_mut() {
            held.patch = Patch::new(Arc::clone(&held.original));
            held.now = Arc::clone(&held.original);
        }
    }

    /// Releases unchanged files; standard input cannot be read again.
    pub(super) fn release(&self) {
        self.lock().retain(|held| held.path.is_none() || !held.patch.changes().is_empty());
    }

    /// Whether the texts are what they were in that state.
    pub(super) fn is_same(&self, state: &[OverlayFile]) -> bool {
        let held = self.lock();
        held.len() == state.len() && held.iter().zip(state).all(|(now, then)| now.now == then.now)
    }

    /// How many bytes the texts have.
    pub(super) fn size(&self) -> usize {
        self.lock().iter().map(|held| held.now.len()).sum()
    }

    /// Of each file, where its bytes come from.
    pub(super) fn origins(&self) -> BTreeMap<Arc<str>, Origins> {
        self.lock().iter().map(|held| (Arc::clone(&held.name), held.patch.origins())).collect()
    }

    /// The places of bytes of the files as they were opened. The work is proportional to the texts and the number of places.
    pub(super) fn positions(&self, places: &[(Arc<str>, usize)]) -> Vec<Position> {
        let held = self.lock();
        let texts: BTreeMap<&str, &[u8]> = held.iter().map(|held| (&*held.name, &*held.original)).collect();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|a, b| places[*a].cmp(&places[*b]));
        let mut positions = vec![Position::START; places.len()];
        let mut cursor: Option<(&str, usize, Position)> = None;
        for number in order {
            let (name, offset) = &places[number];
            let Some(text) = texts.get(&**name) else { continue };
            let (from, base) = match cursor {
                Some((last, from, base)) if *last == **name => (from, base),
                _ => (0, Position::START),
            };
            let offset = (*offset).min(text.len());
            chancery_core::growth::steps(offset - from);
            let between = String::from_utf8_lossy(&text[from..offset]);
            let position = base.after(if from == 0 { between.trim_start_matches('\u{feff}') } else { &between });
            positions[number] = position;
            // A later place is counted from here, unless this is inside a character or a line end.
            let is_inside = text.get(offset).is_some_and(|byte| byte & 0xC0 == 0x80 || *byte == b'\n' && text[..offset].ends_with(b"\r"));
            cursor = Some(if is_inside { (name, from, base) } else { (name, offset, position) });
        }
        positions
    }

    pub(super) fn into_held(self) -> Vec<OverlayFile> {
        self.held.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_once() {
        let text = "\u{feff}\u{e9}a\r\nb\rc\n\n\u{1f600}d";
        let files = FileOverlay::default();
        files.load(&"a".into(), text.as_bytes());
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(|at| *at > 0).chain([text.len()]).rev().collect();
        let places: Vec<(Arc<str>, usize)> = offsets.iter().map(|at| ("a".into(), *at)).collect();
        for (offset, position) in offsets.iter().zip(files.positions(&places)) {
            // Between CR and LF nothing is found.
            if !text[*offset..].starts_with('\n') || !text[..*offset].ends_with('\r') {
                let expected = Position::START.after(text[..*offset].trim_start_matches('\u{feff}'));
                assert_eq!((position.line, position.column), (expected.line, expected.column), "{offset}");
            }
        }
    }

    #[test]
    fn work_grows_with_the_text_and_the_places() {
        chancery_core::growth::assert_linear(4_000, |size| {
            let files = FileOverlay::default();
            files.load(&"a".into(), "ab\n".repeat(size).into_bytes());
            let edits = (0..size).map(|line| Replacement { range: 3 * line..3 * line + 1, text: b"xyz".to_vec() }).collect();
            files.edit(&[("a".into(), edits)]);
            let origins = files.origins();
            let places: Vec<(Arc<str>, usize)> = (0..size).rev().map(|line| ("a".into(), origins["a"].of(5 * line + 3))).collect();
            let lines: Vec<u64> = files.positions(&places).iter().map(|position| position.line).collect();
            assert_eq!(lines, (1..=size as u64).rev().collect::<Vec<_>>());
        });
    }
}
