//! Signals that end the program: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
//!
//! A run checks [`interrupted`] between two pieces of work and then ends without writing its outputs. It may not reach the next check:
//! a computation may take long, or a pipe may be full. Therefore the process also ends at the second signal, or when [`GRACE`] has
//! passed; a command that never checks ends at once. In every case the temporary files are removed, and the exit status is 128 plus
//! the number of the signal.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use chancery_files::output::temporary;

/// Time that a run has to end after a signal.
const GRACE: Duration = Duration::from_secs(2);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
// Whether the command checks the flag.
static HEEDED: AtomicBool = AtomicBool::new(false);
// The exit status for the first signal.
static STATUS: AtomicU8 = AtomicU8::new(130);

/// Set by the first signal. A caller that asks for the flag must check it regularly.
pub fn interrupted() -> &'static AtomicBool {
    HEEDED.store(true, Ordering::SeqCst);
    &INTERRUPTED
}

/// The exit status of a run that a signal has ended.
pub fn status() -> u8 {
    STATUS.load(Ordering::SeqCst)
}

/// What a signal leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// The process ends.
    AtOnce,
    /// The run ends by itself, or the process when [`GRACE`] has passed.
    AfterGrace,
}

fn effect(is_first: bool, is_heeded: bool) -> Effect {
    if is_first && is_heeded { Effect::AfterGrace } else { Effect::AtOnce }
}

// Takes a signal, by its exit status.
fn take(status: u8) {
    let is_first = !INTERRUPTED.swap(true, Ordering::SeqCst);
    if is_first {
        STATUS.store(status, Ordering::SeqCst);
    }
    // Ends the check of a record that takes long.
    chancery_schema::budget::interrupt();
    if effect(is_first, HEEDED.load(Ordering::SeqCst)) == Effect::AtOnce {
        leave(self::status());
    }
    let late = thread::Builder::new().spawn(|| {
        thread::sleep(GRACE);
        leave(self::status());
    });
    if late.is_err() {
        leave(self::status());
    }
}

/// Ends the process without waiting for any thread. No temporary file is left, and none appears meanwhile.
fn leave(status: u8) -> ! {
    let _exclusive = temporary::remove_all();
    exit(status)
}

#[cfg(unix)]
fn exit(status: u8) -> ! {
    // Unlike `std::process::exit`, this writes nothing, which might wait for ever for who reads.
    signal_hook::low_level::exit(i32::from(status))
}

#[cfg(not(unix))]
fn exit(status: u8) -> ! {
    std::process::exit(i32::from(status))
}

/// Listens to the signals from now on.
#[cfg(unix)]
pub fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // A program that was started by nohup outlives its terminal.
    let hangup = (!is_hangup_ignored()).then_some(SIGHUP);
    // Without a handler or a thread, the signals end the program as they would any other.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup)) else { return };
    let listener = thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            take(u8::try_from(128 + signal).unwrap_or(u8::MAX));
        }
    });
    drop(listener);
}

/// Listens to Ctrl-C from now on.
#[cfg(not(unix))]
pub fn listen() {
    // Without a handler, Ctrl-C ends the program as it would any other.
    let _ = ctrlc::set_handler(|| take(130));
}

#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    // proc_pid_status(5): a mask of signals in hexadecimal, of which SIGHUP is the first.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_first_signal_that_somebody_looks_at_is_waited_for() {
        assert_eq!(effect(true, true), Effect::AfterGrace);
        for (is_first, is_heeded) in [(true, false), (false, true), (false, false)] {
            assert_eq!(effect(is_first, is_heeded), Effect::AtOnce);
        }
    }
}
