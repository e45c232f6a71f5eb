//! Distributes work items to workers and returns the results in order, with a bounded number in flight.
//!
//! Input: a source of work items. Output: each result, in the order of the items, on the caller's thread. Workers take
//! turns at chunking, so that an item is processed where it was read, while it is in the CPU cache. An item in flight
//! holds a permit from before it is read until its result has been consumed, so that one slow item does not let the
//! others accumulate. Items and results also have a weight in bytes: nothing is read while the items in flight weigh
//! more than [`MAX_WEIGHT`], so that large records are processed one after another and memory depends only on the
//! largest. Order is restored here and nowhere else.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// The workers' stack: the check recurses as deep as values are nested.
const STACK: usize = 64 << 20;

/// Maximum bytes in flight.
const MAX_WEIGHT: usize = 16 << 20;

/// Gets items from `cut` until it returns `None`, processes each with one of `jobs` workers made by `worker`, and
/// passes the results to `take` in order. If `take` returns `false`, the rest is dropped.
pub fn ordered<P: Send, R: Send, W: FnMut(P) -> R>(
    jobs: usize,
    cut: impl FnMut() -> Option<P> + Send,
    worker: impl Fn() -> W + Sync,
    take: impl FnMut(R) -> bool,
) {
    weighed(jobs, cut, worker, take, |_| 0, |_| 0);
}

/// Like [`ordered`], for items and results that can be large: the last two functions return their weight in bytes.
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
    let scales = &WeightLimit::default();
    let of_piece = &of_piece;
    let (mut number, mut ended) = (0, false);
    let next = Mutex::new(move || {
        permit_out.recv().ok()?;
        if !scales.wait() {
            return None;
        }
        // After a panic there is nothing to cut; the panic takes the place of the piece.
        let piece = if ended { None } else { catch_unwind(AssertUnwindSafe(&mut cut)).transpose() }?;
        ended = piece.is_err();
        let weight = piece.as_ref().map_or(0, of_piece);
        scales.put(weight);
        number += 1;
        Some((number - 1, weight, piece))
    });
    thread::scope(|scope| {
        let (result_in, result_out) = sync_channel(permits);
        let (next, worker, of_result) = (&next, &worker, &of_result);
        let mut take = |result: R| {
            let weight = of_result(&result);
            let goes_on = take(result);
            scales.take(weight);
            goes_on
        };
        let work_with = move |result_in: &mut dyn FnMut((u64, thread::Result<R>)) -> bool| {
            let mut work = None;
            loop {
                let cut = next.lock().unwrap_or_else(PoisonError::into_inner)();
                let Some((number, weight, piece)) = cut else { return };
                // The others must not wait for a worker that has ended.
                let result = piece.and_then(|piece| catch_unwind(AssertUnwindSafe(|| work.get_or_insert_with(worker)(piece))));
                scales.put(result.as_ref().map_or(0, of_result));
                scales.take(weight);
                if !result_in((number, result)) {
                    return;
                }
            }
        };
        // The system may refuse threads; those that there are do the work.
        let workers = (0..jobs).take_while(|started| {
            let result_in = result_in.clone();
            let work = move || work_with(&mut |result| result_in.send(result).is_ok());
            may_start(*started) && thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok()
        });
        if workers.count() == 0 {
            return work_with(&mut |(_, result)| take(result.unwrap_or_else(|panic| resume_unwind(panic))) && permit_in.send(()).is_ok());
        }
        drop(result_in);
        // A worker's panic is propagated, and nobody may wait then.
        let ended = catch_unwind(AssertUnwindSafe(|| in_order(&result_out, &permit_in, &mut take)));
        scales.end();
        // Waiting workers see their channel closed and end.
        drop((result_out, permit_in));
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
    });
}

// Whether another worker may be started. Tests refuse it as the system does when it has no threads left.
#[cfg(not(test))]
const fn may_start(_started: usize) -> bool {
    true
}

#[cfg(test)]
fn may_start(started: usize) -> bool {
    started < tests::THREADS.get()
}

/// Limits the total weight in flight.
#[derive(Default)]
struct WeightLimit {
    // The weight, and whether nothing more is needed.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl WeightLimit {
    // Waits until there is room; `false` if nothing more is needed. Items in flight are processed meanwhile, so this ends.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |state: &mut (usize, bool)| state.0 > MAX_WEIGHT && !state.1;
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
    // Results that came before their turn; at most as many as there are permits.
    let mut early = BTreeMap::new();
    let mut turn = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&turn) {
            turn += 1;
            if !take(result.unwrap_or_else(|panic| resume_unwind(panic))) {
                return;
            }
            // The workers may have ended; the permit is then unused.
            let _ = permits.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        // How many workers may be started.
        pub(super) static THREADS: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
    }

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
        for threads in [0, 1, 3] {
            THREADS.set(threads);
            assert_eq!(run(7, u64::MAX), expected, "{threads} threads");
            assert_eq!(run(7, 10), [2, 4, 6, 8, 10], "{threads} threads");
        }
    }

    #[test]
    fn heavy_pieces_are_not_in_flight_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        for (weight, most) in [(MAX_WEIGHT + 1, 1), (MAX_WEIGHT / 2 + 1, 2), (1, 12)] {
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

    // What fails in these tests.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Failing {
        Cutting,
        Making,
        Working,
        Taking,
    }

    #[test]
    fn a_panic_reaches_the_caller_behind_the_results_before_it() {
        use std::sync::atomic::{AtomicU64, Ordering};
        const AT: u64 = 50;
        for failing in [Failing::Cutting, Failing::Making, Failing::Working, Failing::Taking] {
            for jobs in [1, 2, 7] {
                let (mut next, mut taken, made) = (0, Vec::new(), AtomicU64::new(0));
                let fail = |when: Failing, piece: u64| assert!(!(failing == when && piece == AT), "failed at {piece}");
                let done = catch_unwind(AssertUnwindSafe(|| {
                    ordered(
                        jobs,
                        || {
                            next += 1;
                            fail(Failing::Cutting, next);
                            (next <= 1000).then_some(next)
                        },
                        || {
                            made.fetch_add(1, Ordering::SeqCst);
                            fail(Failing::Making, AT);
                            |piece: u64| {
                                fail(Failing::Working, piece);
                                piece
                            }
                        },
                        |result| {
                            fail(Failing::Taking, result);
                            taken.push(result);
                            true
                        },
                    );
                }));
                let panic = done.expect_err("it fails");
                assert_eq!(super::super::bug::message(&*panic), format!("failed at {AT}"), "{failing:?}, {jobs} workers");
                let before = if failing == Failing::Making { 0 } else { AT - 1 };
                assert_eq!(taken, (1..=before).collect::<Vec<_>>(), "{failing:?}, {jobs} workers");
            }
        }
    }

    #[test]
    fn ends_early_when_reported() {
        for jobs in [1, 3] {
            assert_eq!(run(jobs, 10), [2, 4, 6, 8, 10]);
        }
    }
}
