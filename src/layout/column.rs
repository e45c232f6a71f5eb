//! Column names as paths into a record, both ways.
