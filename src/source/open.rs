//! Opens inputs.
