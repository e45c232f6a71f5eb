//! The clerk: takes records to a database on a thread of its own, in one transaction.
//!
//! In: encoded records and findings, in order. Out: what changed, when all is settled. Where the clerk is dropped before it
//! was told to commit, its thread ends without having done so, and the database is as before.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::{Mode, Said, Settled, objections};
use crate::diagnostic::Diagnostic;
use crate::layout::relational::rows::Encoded;
use crate::load::{Sink, Totals};

/// Records go over in pieces of about this size.
const PIECE: usize = 256 << 10;

/// What a database does for a load.
pub trait Ledger {
    /// Takes a record.
    ///
    /// # Errors
    /// When the database fails.
    fn record(&mut self, record: &Encoded<'_>) -> io::Result<()>;

    /// Takes a finding, a line of the report.
    ///
    /// # Errors
    /// When the database fails.
    fn finding(&mut self, line: &[u8]) -> io::Result<()>;

    /// Ends the records.
    ///
    /// # Errors
    /// When the database fails.
    fn settle(&mut self, totals: Totals) -> io::Result<Settled>;

    /// Puts everything into place, with what was said.
    ///
    /// # Errors
    /// When the database fails.
    fn commit(&mut self, said: Option<Said>) -> io::Result<()>;
}

enum Order {
    // Each with its length before it.
    Records(Vec<u8>),
    Finding(Vec<u8>),
    Settle(Totals, Sender<Settled>),
    Commit(Option<Said>),
}

// The way to the thread, shared with the stream of findings; closed for both at once.
type Way = Arc<Mutex<Option<SyncSender<Order>>>>;

fn send(way: &Way, order: Order) -> bool {
    way.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|orders| orders.send(order).is_ok())
}

/// Hands records to the thread that has the database.
pub struct Clerk {
    orders: Way,
    thread: Option<JoinHandle<io::Result<()>>>,
    piece: Vec<u8>,
    mode: Mode,
    shown: String,
    settled: Arc<Mutex<Settled>>,
    said: Option<Said>,
}

/// What the thread of a clerk has to do: it opens a ledger and [serves](Orders::serve) it.
pub struct Orders(Receiver<Order>);

impl Orders {
    /// Does what is ordered until there is nothing more to come. Says whether it was told to commit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn serve(self, ledger: &mut dyn Ledger) -> io::Result<bool> {
        for order in self.0 {
            match order {
                Order::Records(piece) => {
                    let mut bytes = piece.as_slice();
                    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
                        let broken = || io::Error::other("a record was not encoded as it should be");
                        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(broken)?;
                        ledger.record(&Encoded::new(record).ok_or_else(broken)?)?;
                        bytes = rest;
                    }
                }
                Order::Finding(line) => ledger.finding(&line)?,
                Order::Settle(totals, answer) => {
                    // Who no longer listens has given up, and will not order a commit.
                    let _ = answer.send(ledger.settle(totals)?);
                }
                Order::Commit(said) => {
                    ledger.commit(said)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl Clerk {
    /// Starts the thread, on which `work` runs.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(shown: &str, mode: Mode, work: impl FnOnce(Orders) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (orders, taken) = sync_channel(4);
        let thread = thread::Builder::new().spawn(move || work(Orders(taken)))?;
        Ok(Self {
            orders: Arc::new(Mutex::new(Some(orders))),
            thread: Some(thread),
            piece: Vec::new(),
            mode,
            shown: shown.to_owned(),
            settled: Arc::default(),
            said: None,
        })
    }

    /// What the load did, once it is settled.
    #[must_use]
    pub fn settled(&self) -> Arc<Mutex<Settled>> {
        Arc::clone(&self.settled)
    }

    /// Leaves in the database what was said, when all is put into place.
    pub fn remember(&mut self, said: Said) {
        self.said = Some(said);
    }

    /// A stream for a report whose lines are findings.
    #[must_use]
    pub fn findings(&self) -> Box<dyn Write> {
        Box::new(Findings { orders: Arc::clone(&self.orders), line: Vec::new() })
    }

    fn send(&mut self, order: Order) -> io::Result<()> {
        if send(&self.orders, order) {
            Ok(())
        } else {
            Err(self.end().err().unwrap_or_else(|| io::Error::other("the database was given up")))
        }
    }

    fn send_piece(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() { Ok(()) } else { self.send(Order::Records(piece)) }
    }

    // Waits until the thread has ended, and tells how.
    fn end(&mut self) -> io::Result<()> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            // Never as a closed pipe, which would end the program as if all were well.
            Some(Ok(Err(error))) => Err(io::Error::other(format!("{}: {error}", self.shown))),
            // A bug is not the database's fault.
            Some(Err(panic)) if !thread::panicking() => std::panic::resume_unwind(panic),
            Some(Err(_)) => Err(io::Error::other(format!("{}: the database was given up", self.shown))),
        }
    }
}

impl Sink for Clerk {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.piece.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
        self.piece.extend_from_slice(encoded);
        if self.piece.len() < PIECE { Ok(()) } else { self.send_piece() }
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        self.send_piece()?;
        let (answer, settled) = channel();
        self.send(Order::Settle(totals, answer))?;
        let settled = match settled.recv() {
            Ok(settled) => settled,
            Err(error) => return Err(self.end().err().unwrap_or_else(|| io::Error::other(error))),
        };
        let objections = objections(&self.shown, &settled, self.mode, totals);
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner) = settled;
        Ok(objections)
    }

    fn commit(mut self: Box<Self>) -> io::Result<()> {
        let said = self.said.take();
        self.send(Order::Commit(said))?;
        self.end()
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        // What failed has been told, or is not wanted any more; what is half done is taken back before the program ends.
        let _ = self.end();
    }
}

struct Findings {
    orders: Way,
    line: Vec<u8>,
}

impl Write for Findings {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                // Where the database has failed, the next record says so.
                send(&self.orders, Order::Finding(line));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
