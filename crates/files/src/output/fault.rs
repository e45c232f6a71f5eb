//! Faults for tests: one call to the file system fails, as on a full or failing disk. Only in debug builds.
//!
//! Input: `KIND NUMBER MARKER`. Of the calls that can fail in this way, the one with that number does, counted from 1.
//! Then the file at MARKER is created with the name of the call, so that a test knows when it has tried all of them.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Call;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The disk is full (`ENOSPC`).
    Full,
    /// The disk fails (`EIO`).
    Io,
    /// A signal interrupts the call (`EINTR`).
    Interrupted,
    /// Only the first byte is written.
    Short,
    /// The directory refuses the new name (`EACCES`).
    Refused,
    /// The disk fails when it is waited for (`EIO`).
    Sync,
}

struct Fault {
    kind: Kind,
    number: u64,
    calls: AtomicU64,
    marker: PathBuf,
}

static FAULT: OnceLock<Fault> = OnceLock::new();

/// Makes a call of this process fail.
///
/// # Errors
/// When `text` names no fault.
pub fn inject(text: &str) -> Result<(), String> {
    let mut parts = text.splitn(3, ' ');
    let kind = match parts.next() {
        Some("full") => Kind::Full,
        Some("io") => Kind::Io,
        Some("interrupted") => Kind::Interrupted,
        Some("short") => Kind::Short,
        Some("refused") => Kind::Refused,
        Some("sync") => Kind::Sync,
        _ => return Err(format!("unknown fault: {text}")),
    };
    let number = parts.next().and_then(|number| number.parse().ok()).ok_or_else(|| format!("no number of a call: {text}"))?;
    let marker = parts.next().ok_or_else(|| format!("no path of a marker: {text}"))?.into();
    FAULT.set(Fault { kind, number, calls: AtomicU64::new(0), marker }).map_err(|_| "a second fault".to_owned())
}

/// Counts a call that does not write, and fails if it is the one.
///
/// # Errors
/// With the fault.
pub fn check(call: Call) -> io::Result<()> {
    happens(call).map_or(Ok(()), |kind| Err(kind.error()))
}

/// Counts a call that writes `bytes`: those to be written.
///
/// # Errors
/// With the fault.
pub fn shortened(bytes: &[u8]) -> io::Result<&[u8]> {
    match happens(Call::Write) {
        None => Ok(bytes),
        Some(Kind::Short) => Ok(&bytes[..bytes.len().min(1)]),
        Some(kind) => Err(kind.error()),
    }
}

// The fault that this call has to have.
fn happens(call: Call) -> Option<Kind> {
    let fault = FAULT.get().filter(|fault| fault.kind.concerns(call))?;
    if fault.calls.fetch_add(1, Ordering::Relaxed) + 1 != fault.number {
        return None;
    }
    // The test fails if there is none.
    let _ = std::fs::write(&fault.marker, format!("{call:?}"));
    Some(fault.kind)
}

impl Kind {
    fn concerns(self, call: Call) -> bool {
        match self {
            Self::Full => matches!(call, Call::Open | Call::Write | Call::Link | Call::MakeDir),
            Self::Io | Self::Interrupted => true,
            Self::Short => call == Call::Write,
            Self::Refused => matches!(call, Call::Rename | Call::Link),
            Self::Sync => call == Call::Sync,
        }
    }

    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Interrupted => io::ErrorKind::Interrupted.into(),
            Self::Refused => io::ErrorKind::PermissionDenied.into(),
            // EIO, which has no kind.
            Self::Io | Self::Sync | Self::Short => io::Error::from_raw_os_error(5),
        }
    }
}
