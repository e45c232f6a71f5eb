//! Sinks: where what was written ends up, complete or not at all.

pub mod file;
pub mod replace;
