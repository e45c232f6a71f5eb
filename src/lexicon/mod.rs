//! What words and digits of a directory mean: countries with their codes, and dates of year, month or day precision.
//!
//! Plain facts without records or schemas, so that readers, normalisation and the check know the same ones.

pub mod country;
pub mod date;

pub use country::Country;
pub use date::PartialDate;
