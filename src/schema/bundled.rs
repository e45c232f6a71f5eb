//! The bundled schema: profiles of organisations.

/// Its name in findings.
pub const NAME: &str = "profile.schema.json";

/// Its text.
pub const PROFILE: &str = include_str!("../../schemas/profile.schema.json");
