//! Windows to workers and their results back in order, with a bounded number in flight.
//!
//! In: a source of pieces of work. Out: each result, in the order in which its piece was cut, on the caller's thread. Workers
//! take turns at cutting, so that a piece is worked on where it was read, while it is at hand there. A piece in flight holds
//! a permit from before it is cut until its result has been taken, so that one slow piece cannot make the rest pile up.
//! Order is restored here and nowhere else.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The workers' stack: the check recurses as deep as values are nested.
const STACK: usize = 64 << 20;

/// Cuts with `cut` until it gives `None`, works on each piece with one of `jobs` workers made by `worker`, and hands the
/// results to `take` in order. Where `take` says `false` the rest is dropped.
pub fn ordered<P: Send, R: Send, W: FnMut(P) -> R>(
    jobs: usize,
    mut cut: impl FnMut() -> Option<P> + Send,
    worker: impl Fn() -> W + Sync,
    mut take: impl FnMut(R) -> bool,
) {
    if jobs < 2 {
        let mut work = worker();
        while let Some(piece) = cut() {
            if !take(work(piece)) {
                return;
            }
        }
        return;
    }
    let permits = jobs * 3;
    let (permit_in, permit_out) = sync_channel::<()>(permits);
    for _ in 0..permits {
        permit_in.send(()).expect("the channel has room for every permit");
    }
    let mut number = 0;
    let next = Mutex::new(move || {
        permit_out.recv().ok()?;
        let piece = cut()?;
        number += 1;
        Some((number - 1, piece))
    });
    thread::scope(|scope| {
        let (result_in, result_out) = sync_channel(permits);
        let (next, worker) = (&next, &worker);
        for _ in 0..jobs {
            let result_in = result_in.clone();
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    let mut work = worker();
                    loop {
                        let cut = next.lock().unwrap_or_else(PoisonError::into_inner)();
                        let Some((number, piece)) = cut else { return };
                        // Nobody would wait for the others if one of them ended without a word.
                        let result = catch_unwind(AssertUnwindSafe(|| work(piece)));
                        if result_in.send((number, result)).is_err() {
                            return;
                        }
                    }
                })
                .expect("the system gives a thread");
        }
        drop(result_in);
        in_order(&result_out, &permit_in, &mut take);
        // Whoever still waits sees its channel closed and ends.
        drop((result_out, permit_in));
    });
}

fn in_order<R>(results: &Receiver<(u64, thread::Result<R>)>, permits: &SyncSender<()>, take: &mut impl FnMut(R) -> bool) {
    // Results that came before their turn; never more than there are permits.
    let mut early = BTreeMap::new();
    let mut turn = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&turn) {
            turn += 1;
            if !take(result.unwrap_or_else(|panic| resume_unwind(panic))) {
                return;
            }
            // The workers may have ended; the permit is then of no use to anyone.
            let _ = permits.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(jobs: usize, last: u64) -> Vec<u64> {
        let mut next = 0;
        let mut taken = Vec::new();
        ordered(
            jobs,
            || {
                next += 1;
                (next <= 1000).then_some(next)
            },
            || |piece: u64| piece * 2,
            |result| {
                taken.push(result);
                result < last
            },
        );
        taken
    }

    #[test]
    fn results_come_in_order_whatever_the_number_of_workers() {
        let expected: Vec<u64> = (1..=1000).map(|n| n * 2).collect();
        for jobs in [1, 2, 7] {
            assert_eq!(run(jobs, u64::MAX), expected);
        }
    }

    #[test]
    fn ends_early_when_told() {
        for jobs in [1, 3] {
            assert_eq!(run(jobs, 10), [2, 4, 6, 8, 10]);
        }
    }
}
