//! Readers and writers of the formats, and the layout that they share.
//!
//! ```
//! use chancery_formats::read::{self, Format, Options};
//!
//! let page = "id: un-dpko\nname: Department of Peacekeeping Operations\n";
//! let read = read::collect(Format::Yaml, "dpko.yaml", page.as_bytes(), &Options::default())?;
//! let name = read.records[0].root().get("name").expect("it has a name");
//! assert_eq!(name.text(), "Department of Peacekeeping Operations");
//! # Ok::<(), chancery_core::source::ReadError>(())
//! ```

pub mod layout;
pub mod read;
pub mod write;
