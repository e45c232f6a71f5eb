//! Stores: records as tables in SQLite and PostgreSQL, and as columns in Parquet and Arrow, behind one feature each.

#[cfg(feature = "parquet")]
pub mod columnar;
pub mod database;
pub mod relational;
pub mod row_writer;
pub mod sink;
