//! Files while they are mended: what they held when they were opened, and what edits have made of them since.
//!
//! A file is read once; every later look at it, of this input or again, is at the text held here.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::patch::{Patch, Replacement};
use crate::source::open::{self, Opened};
use crate::source::{Failure, Position};

/// The files of one input.
#[derive(Debug, Default)]
pub struct Files {
    // In the order in which they were opened.
    held: Mutex<Vec<Held>>,
}

/// A file that is held.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub name: Arc<str>,
    // `None` for standard input and for texts that were at hand.
    pub path: Option<PathBuf>,
    pub original: Arc<[u8]>,
    pub now: Arc<[u8]>,
    pub patch: Patch,
    // Whether places count unpacked or decoded text, so that nothing can be written back.
    pub decoded: bool,
}

impl Files {
    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a text that is at hand, which [`Files::open`] then gives for an input of that name.
    pub fn hold(&self, name: &Arc<str>, text: impl Into<Arc<[u8]>>) {
        self.take(name, None, text.into());
    }

    fn take(&self, name: &Arc<str>, path: Option<PathBuf>, text: Arc<[u8]>) {
        let mut held = self.lock();
        if !held.iter().any(|held| held.name == *name) {
            held.push(Held {
                name: Arc::clone(name),
                path,
                original: Arc::clone(&text),
                patch: Patch::new(Arc::clone(&text)),
                now: text,
                decoded: false,
            });
        }
    }

    /// The bytes of a file, with the edits that have been made.
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
        // Whoever opens it for real says what is wrong with it.
        let decoded = open::open_stream(&input.name, bytes(), encoding).is_ok_and(|opened| opened.decoded);
        let bytes = bytes();
        held.decoded = decoded;
        Ok(bytes)
    }

    /// Opens a file as [`open::open`] does, with the edits that have been made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&self, input: &open::Input, encoding: Option<&str>) -> Result<Opened, Failure> {
        open::open_stream(&input.name, self.read(input, encoding)?, encoding)
    }

    /// Makes edits in the files of these names; each list stands in order and does not overlap.
    pub(super) fn edit(&self, edits: &[(Arc<str>, Vec<Replacement>)]) {
        let mut held = self.lock();
        for (name, edits) in edits {
            for held in held.iter_mut().filter(|held| held.name == *name) {
                held.patch.apply(edits);
                held.now = held.patch.text().into();
            }
        }
    }

    /// What is held now, to be [restored](Self::restore).
    pub(super) fn state(&self) -> Vec<Held> {
        self.lock().clone()
    }

    pub(super) fn restore(&self, state: Vec<Held>) {
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

    /// Lets go of what is not changed; what was read from standard input cannot be had again.
    pub(super) fn release(&self) {
        self.lock().retain(|held| held.path.is_none() || !held.patch.changes().is_empty());
    }

    /// The place in the file, as it was opened, of a byte of the text as it is now.
    pub(super) fn position(&self, name: &str, offset: usize) -> Position {
        let held = self.lock();
        let Some(held) = held.iter().find(|held| *held.name == *name) else { return Position::START };
        let before = String::from_utf8_lossy(&held.original[..held.patch.origin(offset)]);
        Position::START.after(before.trim_start_matches('\u{feff}'))
    }

    pub(super) fn into_held(self) -> Vec<Held> {
        self.held.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
