//! Writes XML.
