//! Reads a package of tables.
