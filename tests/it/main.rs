//! The outside-in tests: one binary, a module a subject.

mod across;
mod carriers;
mod check;
mod cli;
mod config;
mod csv;
mod docs;
mod git;
mod handbook;
mod house;
mod json_suite;
mod laws;
mod normalise;
mod open;
mod parity;
mod program;
mod reports;
mod roundtrip;
mod rules;
mod samples;
mod schema_suite;
mod shape;
mod support;
mod xml;
mod yaml;
