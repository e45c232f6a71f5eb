//! Windows to workers and their results back in order, with a bounded number in flight.
//!
//! In: a source of pieces of work. Out: each result, in the order in which its piece was cut, on the caller's thread. Workers
//! take turns at cutting, so that a piece is worked on where it was read, while it is at hand there. A piece in flight holds
//! a permit from before it is cut until its result has been taken, so that one slow piece cannot make the rest pile up.
//! Pieces and results also have a weight in bytes: nothing is cut while what is in flight weighs more than [`HEAVIEST`], so
//! that large records are worked on one after another and memory depends on the largest of them alone.
//! Order is restored here and nowhere else.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// The workers' stack: the check recurses as deep as values are nested.
const STACK: usize = 64 << 20;

/// How many bytes may be in flight before cutting waits.
const HEAVIEST: usize = 16 << 20;

/// Cuts with `cut` until it gives `None`, works on each piece with one of `jobs` workers made by `worker`, and hands the
/// results to `take` in order. Where `take` says `false` the rest is dropped.
pub fn ordered<P: Send, R: Send, W: FnMut(P) -> R>(
    jobs: usize,
    cut: impl FnMut() -> Option<P> + Send,
    worker: impl Fn() -> W + Sync,
    take: impl FnMut(R) -> bool,
) {
    weighed(jobs, cut, worker, take, |_| 0, |_| 0);
}

/// As [`ordered`], for pieces and results that can be large: what each of them weighs, in bytes, is told by the last two.
pub fn weighed<P: Send, R: Send, W: FnMut(P) -> R>(
    jobs: usize,
    mut cut: impl FnMut() -> Option<P> + Send,
    worker: impl Fn() -> W + Sync,
    mut take: impl FnMut(R) -> bool,
    of_piece: impl Fn(&P) -> usize + Sync,
    of_result: impl Fn(&R) -> usize + Sync,
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
    let scales = &Scales::default();
    let of_piece = &of_piece;
    let mut number = 0;
    let next = Mutex::new(move || {
        permit_out.recv().ok()?;
        if !scales.wait() {
            return None;
        }
        let piece = cut()?;
        let weight = of_piece(&piece);
        scales.put(weight);
        number += 1;
        Some((number - 1, weight, piece))
    });
    thread::scope(|scope| {
        let (result_in, result_out) = sync_channel(permits);
        let (next, worker, of_result) = (&next, &worker, &of_result);
        for _ in 0..jobs {
            let result_in = result_in.clone();
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    let mut work = worker();
                    loop {
                        let cut = next.lock().unwrap_or_else(PoisonError::into_inner)();
                        let Some((number, weight, piece)) = cut else { return };
                        // Nobody would wait for the others if one of them ended without a word.
                        let result = catch_unwind(AssertUnwindSafe(|| work(piece)));
                        scales.put(result.as_ref().map_or(0, of_result));
                        scales.take(weight);
                        if result_in.send((number, result)).is_err() {
                            return;
                        }
                    }
                })
                .expect("the system gives a thread");
        }
        drop(result_in);
        let mut take = |result: R| {
            let weight = of_result(&result);
            let goes_on = take(result);
            scales.take(weight);
            goes_on
        };
        // A panic of a worker goes on from here, and nobody may wait then.
        let ended = catch_unwind(AssertUnwindSafe(|| in_order(&result_out, &permit_in, &mut take)));
        scales.end();
        // Whoever still waits sees its channel closed and ends.
        drop((result_out, permit_in));
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
    });
}

/// What is in flight weighs so many bytes.
#[derive(Default)]
struct Scales {
    // The weight, and whether nothing more is wanted.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Scales {
    // Waits until there is room; `false` where nothing more is wanted. What is in flight is worked on meanwhile, so it goes on.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |state: &mut (usize, bool)| state.0 > HEAVIEST && !state.1;
        !self.changed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner).1
    }

    fn put(&self, weight: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 += weight;
    }

    fn take(&self, weight: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.saturating_sub(weight);
        self.changed.notify_one();
    }

    fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }
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
    fn heavy_pieces_are_not_in_flight_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        for (weight, most) in [(HEAVIEST + 1, 1), (HEAVIEST / 2 + 1, 2), (1, 12)] {
            let (flying, highest) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut left = 40;
            let mut taken = 0;
            weighed(
                4,
                || {
                    if left == 0 {
                        return None;
                    }
                    left -= 1;
                    highest.fetch_max(flying.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    Some(left)
                },
                || |piece: i32| piece,
                |_| {
                    flying.fetch_sub(1, Ordering::SeqCst);
                    taken += 1;
                    true
                },
                |_| weight,
                |_| weight,
            );
            assert_eq!(taken, 40);
            assert!(highest.load(Ordering::SeqCst) <= most, "{weight}: {highest:?} in flight");
        }
    }

    #[test]
    fn ends_early_when_told() {
        for jobs in [1, 3] {
            assert_eq!(run(jobs, 10), [2, 4, 6, 8, 10]);
        }
    }
}
