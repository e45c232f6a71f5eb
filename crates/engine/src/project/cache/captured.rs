//! Copies of what a run prints.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Longer reports are not cached.
const LONGEST_REPORT: usize = 1 << 20;

/// A copy of the report, unless it is too long.
#[derive(Clone)]
pub struct CapturedOutput(Rc<RefCell<Option<Vec<u8>>>>);

impl Default for CapturedOutput {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Some(Vec::new()))))
    }
}

impl CapturedOutput {
    /// The report, unless it is too long.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.0.borrow().clone()?).ok()
    }

    /// A stream to `out` that is copied here.
    pub fn of<W: Write>(&self, out: W) -> TeeWriter<W> {
        TeeWriter { out, copy: self.clone() }
    }
}

/// A stream that is copied.
pub struct TeeWriter<W> {
    out: W,
    copy: CapturedOutput,
}

impl<W: Write> Write for TeeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let mut copy = self.copy.0.borrow_mut();
        copy.take_if(|copy| copy.len() + written > LONGEST_REPORT);
        if let Some(copy) = &mut *copy {
            copy.extend_from_slice(&bytes[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
