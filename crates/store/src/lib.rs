//! Stores: records as tables in SQLite and PostgreSQL, and as columns in Parquet and Arrow, behind one feature each.
//!
//! A [`relational::Layout`] says which tables the records of a shape make; every store follows it.
//!
//! ```
//! use chancery_schema::Shape;
//! use chancery_store::relational::Layout;
//!
//! // Without a schema, records are kept whole, each beside its key.
//! let layout = Layout::new(&Shape::any(), "profiles", &["/id".to_owned()], None);
//! assert_eq!(layout.tables[0].name, "profiles");
//! ```

#[cfg(feature = "parquet")]
pub mod columnar;
pub mod database;
pub mod relational;
pub mod row_writer;
pub mod sink;
