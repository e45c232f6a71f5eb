//! Locations ignored in a comparison, given by pointers with wildcards.

use crate::tree::pointer;

/// Patterns of JSON pointers: `*` stands for any one member or item, `**` for any number of steps.
#[derive(Clone, Debug, Default)]
pub struct Ignored {
    patterns: Vec<Vec<Token>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(Box<str>),
    One,
    Many,
}

/// How far each pattern has been matched on the path to a value: its index, and the next token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnorePath(Vec<(u32, u32)>);

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
        let token = |token: &str| match token {
            "*" => Token::One,
            "**" => Token::Many,
            name => Token::Name(pointer::unescape(name).into()),
        };
        let parse = |pattern: &String| {
            let tokens: Vec<Token> =
                pattern.strip_prefix('/').ok_or_else(|| IgnoreError::NoPointer(pattern.clone()))?.split('/').map(token).collect();
            if tokens.iter().all(|token| *token == Token::Many) { Err(IgnoreError::Everything(pattern.clone())) } else { Ok(tokens) }
        };
        Ok(Self { patterns: patterns.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// The path to the record itself.
    #[must_use]
    pub(super) fn start(&self) -> IgnorePath {
        let mut ignored_path = IgnorePath::default();
        for number in 0..self.patterns.len() {
            self.add(&mut ignored_path, number as u32, 0);
        }
        ignored_path
    }

    /// The path to a member; `None` if it is ignored.
    #[must_use]
    pub(super) fn below(&self, ignored_path: &IgnorePath, name: &str) -> Option<IgnorePath> {
        let mut next = IgnorePath::default();
        for &(number, at) in &ignored_path.0 {
            let kept = match &self.patterns[number as usize][at as usize] {
                Token::Name(wanted) if **wanted != *name => true,
                Token::Name(_) | Token::One => self.add(&mut next, number, at + 1),
                Token::Many => self.add(&mut next, number, at),
            };
            if !kept {
                return None;
            }
        }
        Some(next)
    }

    /// The path to an item; `None` if it is ignored.
    #[must_use]
    pub(super) fn item(&self, ignored_path: &IgnorePath, index: usize) -> Option<IgnorePath> {
        if ignored_path.0.is_empty() { Some(IgnorePath::default()) } else { self.below(ignored_path, &index.to_string()) }
    }

    // Returns whether the value must be compared.
    fn add(&self, ignored_path: &mut IgnorePath, number: u32, at: u32) -> bool {
        match self.patterns[number as usize].get(at as usize) {
            None => false,
            Some(token) => {
                if !ignored_path.0.contains(&(number, at)) {
                    ignored_path.0.push((number, at));
                }
                *token != Token::Many || self.add(ignored_path, number, at + 1)
            }
        }
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
