//! A progress bar with rate and remaining time, on a terminal, for long runs.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use chancery_engine::pipeline::Watch;

/// Shorter runs show no bar.
const PATIENCE: Duration = Duration::from_millis(700);

/// A bar on standard error, or nothing.
pub struct Progress {
    // Total bytes if known; `None` shows nothing.
    total: Option<Option<u64>>,
    begun: Instant,
    bytes: u64,
    records: u64,
    bar: Bar,
}

type Bar = Rc<RefCell<Option<ProgressBar>>>;

impl Progress {
    /// A bar over `total` bytes, or over an unknown number.
    #[must_use]
    pub fn new(shown: bool, total: Option<u64>) -> Self {
        Self { total: shown.then_some(total), begun: Instant::now(), bytes: 0, records: 0, bar: Bar::default() }
    }

    /// Removes the bar before other output is printed.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A stream to the same terminal, which hides the bar while it writes.
    pub fn beside(&self, out: impl Write + 'static) -> Box<dyn Write> {
        Box::new(io::BufWriter::with_capacity(1 << 16, BesideBar { bar: Rc::clone(&self.bar), out }))
    }
}

struct BesideBar<W> {
    bar: Bar,
    out: W,
}

impl<W: Write> Write for BesideBar<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| self.out.write(bytes)),
            None => self.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Watch for Progress {
    fn advanced(&mut self, bytes: u64, records: u64) {
        self.bytes += bytes;
        self.records += records;
        let Some(total) = self.total else { return };
        let mut shown = self.bar.borrow_mut();
        if shown.is_none() {
            if self.begun.elapsed() < PATIENCE {
                return;
            }
            let template = match total {
                Some(_) => "{bar:30} {percent:>3} %  {msg} records  {bytes_per_sec}  {eta} left",
                None => "{spinner} {bytes}  {msg} records  {bytes_per_sec}",
            };
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            *shown = Some(bar.with_elapsed(self.begun.elapsed()));
        }
        if let Some(bar) = &*shown {
            bar.set_position(self.bytes);
            bar.set_message(HumanCount(self.records).to_string());
        }
    }
}
