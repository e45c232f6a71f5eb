//! What is left out of a comparison: places named by pointers with wildcards.

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

/// How far each pattern has been followed on the way to a value: its number, and the token that comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way(Vec<(u32, u32)>);

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no pointer.
    #[error("{0:?} is no JSON pointer: it begins with /, as in /updated or /contacts/*/verified")]
    NoPointer(String),
    /// It would leave out everything.
    #[error("{0:?} leaves out everything")]
    Everything(String),
}

impl Ignored {
    /// What these patterns name, and all below it.
    ///
    /// # Errors
    /// When one is no pointer.
    pub fn new(patterns: &[String]) -> Result<Self, Refused> {
        let token = |token: &str| match token {
            "*" => Token::One,
            "**" => Token::Many,
            name => Token::Name(pointer::unescape(name).into()),
        };
        let parse = |pattern: &String| {
            let tokens: Vec<Token> =
                pattern.strip_prefix('/').ok_or_else(|| Refused::NoPointer(pattern.clone()))?.split('/').map(token).collect();
            if tokens.iter().all(|token| *token == Token::Many) { Err(Refused::Everything(pattern.clone())) } else { Ok(tokens) }
        };
        Ok(Self { patterns: patterns.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// The way to the record itself.
    #[must_use]
    pub(super) fn start(&self) -> Way {
        let mut way = Way::default();
        for number in 0..self.patterns.len() {
            self.add(&mut way, number as u32, 0);
        }
        way
    }

    /// The way to a member; `None` where it is left out.
    #[must_use]
    pub(super) fn below(&self, way: &Way, name: &str) -> Option<Way> {
        let mut next = Way::default();
        for &(number, at) in &way.0 {
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

    /// The way to an item; `None` where it is left out.
    #[must_use]
    pub(super) fn item(&self, way: &Way, index: usize) -> Option<Way> {
        if way.0.is_empty() { Some(Way::default()) } else { self.below(way, &index.to_string()) }
    }

    // Says whether the value that has been reached is still to be looked at.
    fn add(&self, way: &mut Way, number: u32, at: u32) -> bool {
        match self.patterns[number as usize].get(at as usize) {
            None => false,
            Some(token) => {
                if !way.0.contains(&(number, at)) {
                    way.0.push((number, at));
                }
                *token != Token::Many || self.add(way, number, at + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ignored(pattern: &str, path: &str) -> bool {
        let ignored = Ignored::new(&[pattern.to_owned()]).expect("a pattern");
        let mut way = ignored.start();
        for token in path.split('/').skip(1) {
            match ignored.below(&way, token) {
                Some(next) => way = next,
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
