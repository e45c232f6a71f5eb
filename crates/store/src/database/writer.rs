//! The writer thread, which writes records to a database in one transaction.
//!
//! Input: encoded records and findings, in order. Output: statistics, when everything is settled. If the writer is
//! dropped before the commit command, its thread ends without a commit, and the database is unchanged.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::{CachedReport, LoadStats, Mode, commit_blockers};
use crate::relational::shred::EncodedRow;
use crate::sink::{Sink, Totals};
use chancery_core::diagnostic::Diagnostic;
use chancery_files::output::Commit;

/// Records are sent in batches of about this size.
const BATCH: usize = 256 << 10;

/// The database operations of a load.
pub trait LoadTransaction {
    /// Writes a record.
    ///
    /// # Errors
    /// When the database fails.
    fn record(&mut self, record: &EncodedRow<'_>) -> io::Result<()>;

    /// Writes a finding, a line of the report.
    ///
    /// # Errors
    /// When the database fails.
    fn finding(&mut self, line: &[u8]) -> io::Result<()>;

    /// Ends the records.
    ///
    /// # Errors
    /// When the database fails.
    fn settle(&mut self, totals: Totals) -> io::Result<LoadStats>;

    /// Commits everything, with the report.
    ///
    /// # Errors
    /// When the database fails.
    fn commit(&mut self, report: Option<CachedReport>) -> io::Result<()>;
}

enum Command {
    // Each with its length before it.
    Records(Vec<u8>),
    Finding(Vec<u8>),
    Settle(Totals, Sender<LoadStats>),
    Commit(Option<CachedReport>),
}

// The channel to the thread, shared with the stream of findings; closed for both at once.
type CommandSender = Arc<Mutex<Option<SyncSender<Command>>>>;

fn send(path: &CommandSender, order: Command) -> bool {
    path.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|orders| orders.send(order).is_ok())
}

/// Sends records to the writer thread.
pub struct WriterThread {
    commands: CommandSender,
    thread: Option<JoinHandle<io::Result<()>>>,
    batch: Vec<u8>,
    mode: Mode,
    shown: String,
    stats: Arc<Mutex<LoadStats>>,
    report: Option<CachedReport>,
}

/// The commands for the thread, which opens a transaction and [runs](Commands::run) them.
pub struct Commands(Receiver<Command>);

impl Commands {
    /// Runs commands until the channel is closed. Returns whether there was a commit command.
    ///
    /// # Errors
    /// When the database fails.
    pub fn run(self, transaction: &mut dyn LoadTransaction) -> io::Result<bool> {
        for order in self.0 {
            match order {
                Command::Records(piece) => {
                    let mut bytes = piece.as_slice();
                    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
                        let broken = || io::Error::other("a record is encoded incorrectly");
                        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(broken)?;
                        transaction.record(&EncodedRow::new(record).ok_or_else(broken)?)?;
                        bytes = rest;
                    }
                }
                Command::Finding(line) => transaction.finding(&line)?,
                Command::Settle(totals, answer) => {
                    // A caller that no longer receives will not commit.
                    let _ = answer.send(transaction.settle(totals)?);
                }
                Command::Commit(report) => {
                    transaction.commit(report)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl WriterThread {
    /// Starts the thread, on which `work` runs.
    ///
    /// # Errors
    /// When the system cannot create a thread.
    pub fn start(shown: &str, mode: Mode, work: impl FnOnce(Commands) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (orders, taken) = sync_channel(4);
        let thread = thread::Builder::new().spawn(move || work(Commands(taken)))?;
        Ok(Self {
            commands: Arc::new(Mutex::new(Some(orders))),
            thread: Some(thread),
            batch: Vec::new(),
            mode,
            shown: shown.to_owned(),
            stats: Arc::default(),
            report: None,
        })
    }

    /// The statistics of the load, once it is settled.
    #[must_use]
    pub fn settled(&self) -> Arc<Mutex<LoadStats>> {
        Arc::clone(&self.stats)
    }

    /// Stores the report in the database on commit.
    pub fn record_report(&mut self, report: CachedReport) {
        self.report = Some(report);
    }

    /// A stream for a report whose lines are findings.
    #[must_use]
    pub fn findings(&self) -> Box<dyn Write> {
        Box::new(Findings { commands: Arc::clone(&self.commands), line: Vec::new() })
    }

    fn send(&mut self, order: Command) -> io::Result<()> {
        if send(&self.commands, order) {
            Ok(())
        } else {
            Err(self.end().err().unwrap_or_else(|| io::Error::other("the database writer stopped unexpectedly")))
        }
    }

    fn send_batch(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.batch);
        if piece.is_empty() { Ok(()) } else { self.send(Command::Records(piece)) }
    }

    // Waits for the thread and returns its result.
    fn end(&mut self) -> io::Result<()> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            // Never as a closed pipe, which would end the program silently.
            Some(Ok(Err(error))) => Err(io::Error::other(format!("{}: {error}", self.shown))),
            // A bug is not the database's fault.
            Some(Err(panic)) if !thread::panicking() => std::panic::resume_unwind(panic),
            Some(Err(_)) => Err(io::Error::other(format!("{}: the database writer stopped unexpectedly", self.shown))),
        }
    }
}

impl Sink for WriterThread {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.batch.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
        self.batch.extend_from_slice(encoded);
        if self.batch.len() < BATCH { Ok(()) } else { self.send_batch() }
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        self.send_batch()?;
        let (answer, stats) = channel();
        self.send(Command::Settle(totals, answer))?;
        let stats = match stats.recv() {
            Ok(stats) => stats,
            Err(error) => return Err(self.end().err().unwrap_or_else(|| io::Error::other(error))),
        };
        let objections = commit_blockers(&self.shown, &stats, self.mode, totals);
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
        Ok(objections)
    }
}

impl Commit for WriterThread {
    fn commit(mut self: Box<Self>) -> io::Result<()> {
        let report = self.report.take();
        self.send(Command::Commit(report))?;
        self.end()
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        // The error has been reported, or is no longer needed; the transaction is rolled back before the program ends.
        let _ = self.end();
    }
}

struct Findings {
    commands: CommandSender,
    line: Vec<u8>,
}

impl Write for Findings {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                // If the database has failed, the next record returns the error.
                send(&self.commands, Command::Finding(line));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
