//! Locations ignored in a comparison, given by pointers with wildcards.

use chancery_core::tree::pattern::{Pattern, Progress};

/// Patterns of the ignored locations.
#[derive(Clone, Debug, Default)]
pub struct Ignored {
    patterns: Vec<Pattern>,
}

/// How far each pattern that may still match has been matched on the path to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnorePath(Vec<(u32, Progress)>);

/// Why a pattern is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// It is not a pointer.
    #[error("{0:?} is not a JSON pointer, which begins with /, as in /updated or /contacts/*/verified")]
    NoPointer(String),
    /// It would ignore everything.
    #[error("{0:?} ignores everything")]
    Everything(String),
}

impl Ignored {
    /// Ignores what these patterns match, and all below it.
    ///
    /// # Errors
    /// When one is not a pointer.
    pub fn new(patterns: &[String]) -> Result<Self, IgnoreError> {
        let parse = |text: &String| match Pattern::new(text).filter(|_| !text.is_empty()) {
            None => Err(IgnoreError::NoPointer(text.clone())),
            Some(pattern) if pattern.is_everything() => Err(IgnoreError::Everything(text.clone())),
            Some(pattern) => Ok(pattern),
        };
        Ok(Self { patterns: patterns.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// The path to the record itself.
    #[must_use]
    pub(super) fn start(&self) -> IgnorePath {
        IgnorePath(self.patterns.iter().enumerate().map(|(number, pattern)| (number as u32, pattern.start())).collect())
    }

    /// The path to a member; `None` if it is ignored.
    #[must_use]
    pub(super) fn below(&self, path: &IgnorePath, name: &str) -> Option<IgnorePath> {
        self.step(path, |pattern, progress| pattern.member(progress, name))
    }

    /// The path to an item; `None` if it is ignored.
    #[must_use]
    pub(super) fn item(&self, path: &IgnorePath, index: usize) -> Option<IgnorePath> {
        self.step(path, |pattern, progress| pattern.item(progress, index))
    }

    fn step(&self, path: &IgnorePath, step: impl Fn(&Pattern, &Progress) -> Progress) -> Option<IgnorePath> {
        let mut next = IgnorePath::default();
        for (number, progress) in &path.0 {
            let pattern = &self.patterns[*number as usize];
            let progress = step(pattern, progress);
            if pattern.is_matched(&progress) {
                return None;
            }
            if !progress.is_dead() {
                next.0.push((*number, progress));
            }
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ignored(pattern: &str, path: &str) -> bool {
        let ignored = Ignored::new(&[pattern.to_owned()]).expect("a pattern");
        let mut ignored_path = ignored.start();
        for token in path.split('/').skip(1) {
            match ignored.below(&ignored_path, token) {
                Some(next) => ignored_path = next,
                None => return true,
            }
        }
        false
    }

    #[test]
    fn wildcards_stand_for_steps() {
        for (pattern, path, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/b/a", false),
            ("/a/b", "/a", false),
            ("/a/*/c", "/a/0/c", true),
            ("/a/*/c", "/a/0/1/c", false),
            ("/**/c", "/c", true),
            ("/**/c", "/a/0/1/c", true),
            ("/**/c", "/a/d", false),
            ("/a/**/b/*", "/a/x/b/b/y", true),
            ("/a/**/b/*", "/a/x/b", false),
            ("/m~1n", "/m/n", false),
        ] {
            assert_eq!(is_ignored(pattern, path), expected, "{pattern} {path}");
        }
        assert!(Ignored::new(&["a".to_owned()]).is_err() && Ignored::new(&["/**".to_owned()]).is_err());
    }
}
