//! All stages over many inputs: workers in parallel, results in order, in bounded memory; and the fixes that findings carry.

pub mod git;
pub mod project;
pub mod pipeline;
pub mod fix;
