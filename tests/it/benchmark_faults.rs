//! The ten kinds of faults in the benchmark data, each reported once and at its location. Other validators report up to
//! eight errors for one of them, without a location.

use std::process::Command;

use crate::harness::run;
use crate::support::shared;

#[test]
fn each_fault_of_the_benchmark_is_reported_once() {
    let Some(generator) = shared("bench/gen.py") else { return };
    let home = tempfile::tempdir().expect("a folder can be made");
    match Command::new("python3").arg(&generator).arg(home.path()).arg("500").output() {
        Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) => return crate::support::skip("python3", error),
    }
    let rendered: String =
        (0..10).map(|fault| run(home.path(), &["check", "--schema", "schema.json", "--quiet", &format!("bad{fault}.json")]).out).collect();
    insta::assert_snapshot!(rendered);
}
