//! The budget for checking one record.
//!
//! The validator has no way to stop it. It does read the record through our code, so the reads are counted. When there are
//! too many, or the user interrupts the run, the validator is left by unwinding, without a panic message. It has no state
//! that could be left half changed.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a record was not checked completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// More was asked of the record than the limit.
    Work,
    /// The record and the schema are nested so deeply that the stack would not hold the check.
    Depth,
    /// The user has interrupted the run.
    Interrupted,
}

// Steps are counted in spans of this length, between which somebody may interrupt.
const SPAN: u64 = 1 << 16;
// Worker threads have twice as much.
const MOST_STACK: usize = 32 << 20;

thread_local! {
    // What is left of the span.
    static SPAN_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    // What is left after it.
    static STEPS_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    // Where the stack stood, or 0.
    static BASE: Cell<usize> = const { Cell::new(0) };
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends the checks that are under way, and those to come.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// The limits of one piece of work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Answers that the record may be asked for.
    pub(super) steps: u64,
}

impl Limits {
    /// Those for a record of this many values.
    pub(super) fn of(values: usize) -> Self {
        // A value is asked a few things by each subschema that applies to it, and few apply.
        const LEAST: u64 = 40_000_000;
        const EACH: u64 = 100;
        Self { steps: LEAST + EACH * values as u64 }
    }

    /// Without limits, except for those of the stack and the user.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { steps: u64::MAX / 2 }
    }
}

/// Does the work within limits. Work within work counts for the outer one.
pub(super) fn within<T>(limits: Limits, work: impl FnOnce() -> T) -> Result<T, Exceeded> {
    if BASE.get() != 0 {
        return Ok(work());
    }
    SPAN_LEFT.set(0);
    STEPS_LEFT.set(limits.steps);
    BASE.set(stack());
    let done = catch_unwind(AssertUnwindSafe(work));
    BASE.set(0);
    SPAN_LEFT.set(u64::MAX);
    STEPS_LEFT.set(u64::MAX);
    done.map_err(exceeded)
}

// A panic of another kind goes on.
fn exceeded(panic: Box<dyn Any + Send>) -> Exceeded {
    panic.downcast_ref::<Exceeded>().copied().unwrap_or_else(|| resume_unwind(panic))
}

/// Counts an answer.
#[inline]
pub(super) fn step() {
    match SPAN_LEFT.get().checked_sub(1) {
        Some(left) => SPAN_LEFT.set(left),
        None => next_span(),
    }
    if BASE.get().saturating_sub(stack()) > MOST_STACK {
        leave(Exceeded::Depth);
    }
}

#[cold]
fn next_span() {
    if INTERRUPTED.load(Ordering::Relaxed) {
        leave(Exceeded::Interrupted);
    }
    let left = STEPS_LEFT.get();
    if left == 0 {
        leave(Exceeded::Work);
    }
    let span = left.min(SPAN);
    STEPS_LEFT.set(left - span);
    SPAN_LEFT.set(span - 1);
}

// No hook is called: the panic is no fault of the program.
#[cold]
fn leave(why: Exceeded) {
    resume_unwind(Box::new(why));
}

// The address of something on the stack, which grows downwards.
#[inline]
fn stack() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_at_its_limit() {
        let limits = Limits { steps: 100_000 };
        let count = Cell::new(0_u64);
        let work = |steps: u64| {
            count.set(0);
            within(limits, || {
                for _ in 0..steps {
                    step();
                    count.set(count.get() + 1);
                }
            })
        };
        assert_eq!(work(100_000), Ok(()));
        assert_eq!(work(100_001), Err(Exceeded::Work));
        assert_eq!(count.get(), 100_000);
        // One limit holds for work within work.
        let inner = within(limits, || within(limits, || (0..60_000).for_each(|_| step())).and_then(|()| work(60_000)));
        assert_eq!(inner, Err(Exceeded::Work));
        // Nothing is counted outside.
        (0..1_000_000).for_each(|_| step());
    }

    #[test]
    fn the_stack_is_not_used_up() {
        fn deeper(more: u64) -> u64 {
            step();
            let block = std::hint::black_box([more; 128]);
            if more == 0 { block[0] } else { deeper(more - 1) + block[1] }
        }
        let run = || within(Limits::none(), || deeper(1 << 40)).err();
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("the system gives a thread");
        assert_eq!(thread.join().expect("it ends"), Some(Exceeded::Depth));
    }
}
