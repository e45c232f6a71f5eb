//! The bundled schemas.

/// A schema that comes with the program and refers to no other.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Its name in findings.
    pub name: &'static str,
    /// Its text, which is JSON.
    pub text: &'static str,
}

/// Of profiles of organisations.
pub const PROFILE: Bundled = Bundled { name: "profile.schema.json", text: include_str!("../../../schemas/profile.schema.json") };

/// Of `chancery.toml`.
pub const CONFIG: Bundled = Bundled { name: "config.schema.json", text: include_str!("../../../schemas/config.schema.json") };

/// Of baselines.
pub const BASELINE: Bundled = Bundled { name: "baseline.schema.json", text: include_str!("../../../schemas/baseline.schema.json") };
