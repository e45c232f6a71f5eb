//! Watches a database connection while it works: cancels it when the user interrupts the run, and reports long waits.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the flag is looked at.
pub const STEP: Duration = Duration::from_millis(50);
/// After this time a wait is reported.
pub const LONG: Duration = Duration::from_secs(2);

/// Set when the user interrupts the run.
pub type Flag = &'static AtomicBool;

/// What an interrupted operation fails with.
pub fn interrupted() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "interrupted; nothing was committed")
}

/// Fails where the run was interrupted.
///
/// # Errors
/// When the flag is set.
pub fn check(flag: Flag) -> io::Result<()> {
    if flag.load(Ordering::Relaxed) { Err(interrupted()) } else { Ok(()) }
}

/// Reports a wait on standard error.
pub fn report(text: &str) {
    // Nothing is left to be done where standard error is closed.
    let _ = writeln!(io::stderr(), "{}", crate::diagnostic::one_line(text));
}

/// A thread beside a connection; it ends when this is dropped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    busy: Arc<Mutex<Option<Instant>>>,
    thread: Option<JoinHandle<()>>,
}

/// While it exists, the connection counts as working.
pub struct Busy(Arc<Mutex<Option<Instant>>>);

impl Watch {
    /// Starts the thread. `cancel` ends what the connection is doing; `report` says whom it waits for, if anyone.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(flag: Flag, cancel: impl Fn() + Send + 'static, mut report: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let (stop, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None::<Instant>)));
        let (stopped, working) = (Arc::clone(&stop), Arc::clone(&busy));
        let thread = thread::Builder::new().spawn(move || {
            let mut reported = None;
            while !stopped.load(Ordering::Relaxed) {
                let since = *working.lock().unwrap_or_else(PoisonError::into_inner);
                if flag.load(Ordering::Relaxed) && since.is_some() {
                    cancel();
                }
                if since.is_some_and(|since| since.elapsed() >= LONG) && reported != since {
                    reported = since;
                    report();
                }
                thread::park_timeout(STEP);
            }
        })?;
        Ok(Self { stop, busy, thread: Some(thread) })
    }

    /// Begins work on the connection.
    #[must_use]
    pub fn busy(&self) -> Busy {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Busy(Arc::clone(&self.busy))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It may be waiting for a server that does not answer; the connection does not depend on it.
            drop(thread);
        }
    }
}
