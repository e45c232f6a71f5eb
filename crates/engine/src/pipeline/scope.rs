//! Which findings a setting of the config applies to: by code, by file, and by location in the record.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use chancery_core::diagnostic::{Diagnostic, Rule};
use chancery_core::tree::pattern::Pattern;

/// A selection of findings. An empty list selects everything: a scope with only codes applies to all files.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Codes, code prefixes, or names of rules.
    pub codes: Vec<String>,
    /// Files, by their display names.
    pub files: Option<GlobSet>,
    /// A location in the record.
    pub pointer: Option<Pattern>,
}

impl Scope {
    /// Whether the finding is selected.
    #[must_use]
    pub fn matches(&self, diagnostic: &Diagnostic) -> bool {
        (self.codes.is_empty() || self.codes.iter().any(|code| is_of(diagnostic.rule, code)))
            && self.pointer.as_ref().is_none_or(|pattern| diagnostic.pointer.as_deref().is_some_and(|pointer| pattern.matches(pointer)))
            && self.files.as_ref().is_none_or(|files| files.is_match(normalised_path(Path::new(&*diagnostic.place.locate().file))))
    }
}

/// Whether the rule has this code, code prefix or name.
#[must_use]
pub fn is_of(rule: &Rule, code: &str) -> bool {
    rule.code.starts_with(code) || rule.name == code
}

/// Files by glob, relative to `folder`: `*` does not match `/`, `**` does.
///
/// # Errors
/// The invalid pattern.
pub fn files(folder: &Path, patterns: &[&str]) -> Result<GlobSet, globset::Error> {
    let above = globset::escape(&normalised_path(folder).to_string_lossy().replace('\\', "/"));
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        set.add(GlobBuilder::new(&format!("{}/{pattern}", above.trim_end_matches('/'))).literal_separator(true).build()?);
    }
    set.build()
}

// An absolute path without `..`, so that a file has the same name from every working directory.
pub(super) fn normalised_path(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let mut settled = PathBuf::new();
    for part in std::path::absolute(path).as_deref().unwrap_or(path).components() {
        match part {
            Component::ParentDir => {
                settled.pop();
            }
            Component::CurDir => {}
            part => settled.push(part),
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_folder() {
        let files = files(Path::new("a[b"), &["./data/*.csv", "old/**"]).expect("good patterns");
        let matches = |file: &str| files.is_match(normalised_path(Path::new(file)));
        assert!(matches("a[b/data/a.csv") && matches("a[b/old/x/y.json") && matches("c/../a[b/data/./a.csv"));
        assert!(!matches("a[b/data/x/a.csv") && !matches("a[b/new/y.json") && !matches("data/a.csv"));
    }
}
