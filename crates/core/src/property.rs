//! Settings of property tests, shared by the unit tests and the tests of the program.

use proptest::prelude::ProptestConfig;

/// This many cases, times `CHANCERY_CASES`, by which `.ci/extended` makes the search longer.
pub fn cases(usual: u32) -> ProptestConfig {
    let times = std::env::var("CHANCERY_CASES").map_or(1, |times| times.parse().expect("CHANCERY_CASES is a number"));
    ProptestConfig { cases: usual.saturating_mul(times), failure_persistence: None, ..ProptestConfig::default() }
}
