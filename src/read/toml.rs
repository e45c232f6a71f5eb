//! Reads toml.

use super::{Options, Window};
use crate::source::{Failure, Feed};

/// Cuts.
pub struct Cutter {}

impl Cutter {
    /// Starts on `feed`.
    #[must_use]
    pub fn new(_feed: Feed, _options: &Options) -> Self {
        Self {}
    }
}

impl super::Cutter for Cutter {
    fn cut(&mut self) -> Result<Option<Window>, Failure> {
        Ok(None)
    }
}
