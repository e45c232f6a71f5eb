//! Writes CSV and TSV.

/// How tables are laid out.
#[derive(Clone, Debug, Default)]
pub struct Layout {}
