//! Reference data: countries with their codes, missions of the United Nations, and dates of year, month or day precision.
//!
//! Independent of records and schemas, so that readers, normalisation and the check share it.

pub mod country;
pub mod date;
pub mod mission;

pub use country::Country;
pub use date::PartialDate;
pub use mission::Mission;
