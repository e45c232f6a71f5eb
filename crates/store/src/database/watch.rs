//! Watches a database connection while it works: cancels it when the user interrupts the run, and reports long waits.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
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

/// Does what cannot be cancelled, such as connecting to a server that may not answer, on a thread that an interrupted run
/// leaves alone.
///
/// # Errors
/// When it fails, the run is interrupted, or the system gives no thread.
pub fn apart<T: Send + 'static>(flag: Flag, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let (answer, answered) = channel();
    // Nobody listens any more where the run was interrupted.
    thread::Builder::new().spawn(move || drop(answer.send(work())))?;
    loop {
        match answered.recv_timeout(STEP) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) => check(flag)?,
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the connection was given up")),
        }
    }
}

/// Reports a wait on standard error.
pub fn report(text: &str) {
    // Nothing is left to be done where standard error is closed.
    let _ = writeln!(io::stderr(), "{}", chancery_core::diagnostic::one_line(text));
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
    /// Starts the thread. `cancel` ends what the connection is doing; `report` says whom it waits for, and
    /// whether there is anyone; it is asked again as long as there is not.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(flag: Flag, cancel: impl Fn() + Send + 'static, mut report: impl FnMut() -> bool + Send + 'static) -> io::Result<Self> {
        let (stop, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None::<Instant>)));
        let (stopped, working) = (Arc::clone(&stop), Arc::clone(&busy));
        let thread = thread::Builder::new().spawn(move || {
            // Of the work that is reported or not, and when it was asked about.
            let (mut reported, mut fingerprint) = (None, None::<Instant>);
            while !stopped.load(Ordering::Relaxed) {
                let since = *working.lock().unwrap_or_else(PoisonError::into_inner);
                if flag.load(Ordering::Relaxed) && since.is_some() {
                    cancel();
                }
                if let Some(begun) = since
                    && reported != since
                    && fingerprint.map_or(begun, |fingerprint| fingerprint.max(begun)).elapsed() >= LONG
                {
                    fingerprint = Some(Instant::now());
                    if report() {
                        reported = since;
                    }
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
