//! Counts the steps of loops, so that tests can assert how work grows with the input.
//!
//! A loop whose work must stay proportional to its input calls [`step`] or [`steps`]; a unit test gives the same work at two
//! sizes to [`assert_linear`]. Steps are counted per thread and only in unit tests: elsewhere these functions are empty.

#[cfg(any(test, feature = "testing"))]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts one step.
#[inline]
pub fn step() {
    steps(1);
}

/// Counts this many steps.
#[cfg(not(any(test, feature = "testing")))]
#[inline]
pub const fn steps(_number: usize) {}

/// Counts this many steps.
#[cfg(any(test, feature = "testing"))]
pub fn steps(number: usize) {
    STEPS.set(STEPS.get() + number as u64);
}

/// Asserts that twice the work takes at most 2.5 times the steps: `work` is called with `size` and with twice that.
#[cfg(any(test, feature = "testing"))]
#[track_caller]
pub fn assert_linear(size: usize, mut work: impl FnMut(usize)) {
    let mut count = |size: usize| {
        let before = STEPS.get();
        work(size);
        STEPS.get() - before
    };
    let (once, twice) = (count(size), count(2 * size));
    assert!(once >= size as u64, "{once} steps for {size}: the loop does not count its steps");
    assert!(2 * twice <= 5 * once, "{once} steps for {size}, {twice} for {}", 2 * size);
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "100 steps for 10, 400 for 20")]
    fn quadratic_work_fails() {
        super::assert_linear(10, |size| super::steps(size * size));
    }

    #[test]
    #[should_panic(expected = "does not count its steps")]
    fn work_that_is_not_counted_fails() {
        super::assert_linear(10, |_| super::step());
    }
}
