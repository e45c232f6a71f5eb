//! Which findings a setting of the config applies to: by code, by file, and by location in the record.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::diagnostic::{Diagnostic, Rule};
use crate::tree::pointer;

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

/// A JSON pointer in which the token `*` stands for any one token, and `**` for any number of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// Parses a pattern; `None` if it does not begin with `/`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut tokens = text.split('/');
        (tokens.next() == Some("")).then(|| Self(tokens.map(|token| pointer::unescape(token).into_owned()).collect()))
    }

    /// Whether the pointer matches.
    #[must_use]
    pub fn matches(&self, pointer: &str) -> bool {
        let tokens: Vec<_> = pointer.split('/').skip(1).map(pointer::unescape).collect();
        fits(&self.0, &tokens)
    }
}

fn fits(pattern: &[String], tokens: &[std::borrow::Cow<'_, str>]) -> bool {
    match (pattern.split_first(), tokens.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            fits(rest, tokens) || tokens.split_first().is_some_and(|(_, tokens)| fits(pattern, tokens))
        }
        (Some((first, rest)), Some((token, tokens))) => (first == "*" || *first == **token) && fits(rest, tokens),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_matched_token_by_token() {
        for (pattern, pointer, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a/*/b", "/a/0/b", true),
            ("/a/*/b", "/a/b", false),
            ("/a/**", "/a/0/b", true),
            ("/a/**", "/a", true),
            ("/**/b", "/b", true),
            ("/**/b", "/a/c/b", true),
            ("/**/b", "/a/b/c", false),
            ("/a~1b", "/a~1b", true),
            ("/", "/", true),
            ("/", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).expect("a pattern").matches(pointer), expected, "{pattern} {pointer}");
        }
        assert_eq!(Pattern::new("a/b"), None);
    }

    #[test]
    fn a_star_stays_within_its_folder() {
        let files = files(Path::new("a[b"), &["./data/*.csv", "old/**"]).expect("good patterns");
        let matches = |file: &str| files.is_match(normalised_path(Path::new(file)));
        assert!(matches("a[b/data/a.csv") && matches("a[b/old/x/y.json") && matches("c/../a[b/data/./a.csv"));
        assert!(!matches("a[b/data/x/a.csv") && !matches("a[b/new/y.json") && !matches("data/a.csv"));
    }
}
