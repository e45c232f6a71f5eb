//! A chancery for data files.
#![forbid(unsafe_code)]

pub mod check;
pub mod diagnostic;
pub mod layout;
pub mod lexicon;
pub mod normalise;
pub mod read;
pub mod report;
pub mod schema;
pub mod source;
pub mod tree;
pub mod write;
