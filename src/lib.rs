//! A chancery for data files.
#![forbid(unsafe_code)]

pub mod source;
pub mod tree;
pub mod diagnostic;
pub mod lexicon;
pub mod schema;
pub mod layout;
pub mod read;
pub mod normalise;
pub mod check;
pub mod write;
pub mod load;
pub mod report;
pub mod pipeline;
pub mod cli;
