//! Identifies a finding by its subject, not by its location, so that it is recognised in the next run.
//!
//! Moving a record with a key changes neither fingerprint. A record without a key is identified by its file.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use chancery_core::diagnostic::{Diagnostic, RecordRef};

/// The finding: record, path, rule and message. A record without a key is also identified by its index in the file.
#[must_use]
pub fn exact(diagnostic: &Diagnostic) -> String {
    let index = match &diagnostic.record {
        Some(RecordRef { key: None, index, .. }) => Some(format!("#{index}")),
        _ => None,
    };
    let owner = owner(diagnostic);
    let record = std::iter::once(&*owner).chain(index.as_deref());
    digest(record.chain([pointer(diagnostic), diagnostic.rule.code, &diagnostic.message]))
}

/// The kind of finding: record, path and rule. Records without a key share it, so it must be counted.
#[must_use]
pub fn sort(diagnostic: &Diagnostic) -> String {
    digest([&*owner(diagnostic), pointer(diagnostic), diagnostic.rule.code])
}

// The record's key, or the file if there is none.
fn owner(diagnostic: &Diagnostic) -> String {
    match &diagnostic.record {
        Some(RecordRef { key: Some(key), .. }) => key.clone(),
        _ => diagnostic.place.locate().file.to_string(),
    }
}

fn pointer(diagnostic: &Diagnostic) -> &str {
    diagnostic.pointer.as_deref().unwrap_or("")
}

fn digest<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        use std::fmt::Write as _;
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Distinguishes findings with the same fingerprint by their order in the input.
#[derive(Debug, Default)]
pub struct Occurrences(BTreeMap<String, u64>);

impl Occurrences {
    /// The fingerprint itself the first time, with the number of the occurrence from the second time on.
    pub fn name(&mut self, fingerprint: &str) -> String {
        let count = self.0.entry(fingerprint.to_owned()).or_default();
        *count += 1;
        if *count == 1 { fingerprint.to_owned() } else { format!("{fingerprint}-{count}") }
    }
}
