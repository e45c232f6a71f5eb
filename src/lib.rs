//! A chancery for data files.
#![forbid(unsafe_code)]

pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod layout;
pub mod load;
pub mod normalise;
pub mod pipeline;
pub mod read;
pub mod report;
pub mod schema;
pub mod source;
pub mod tree;
pub mod write;
