//! XML names and characters, both ways.
