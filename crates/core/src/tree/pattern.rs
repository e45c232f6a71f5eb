//! JSON pointers with wildcards: the token `*` stands for any one member or item, and `**` for any number of steps.

use super::pointer;

/// A pattern of JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(Box<str>),
    One,
    Many,
}

/// How far a pattern has been matched on the path to a value: the tokens that may come next, as there are several after `**`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress(Vec<u32>);

impl Progress {
    /// Whether nothing at this path or below it matches.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.is_empty()
    }
}

impl Pattern {
    /// Parses a pattern; `None` if it is neither empty nor begins with `/`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut tokens = text.split('/');
        let token = |token: &str| match token {
            "*" => Token::One,
            "**" => Token::Many,
            name => Token::Name(pointer::unescape(name).into()),
        };
        (tokens.next() == Some("")).then(|| Self(tokens.map(token).collect()))
    }

    /// Whether it matches every value.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|token| *token == Token::Many)
    }

    /// Whether the pointer matches.
    #[must_use]
    pub fn matches(&self, pointer: &str) -> bool {
        let tokens = pointer.split('/').skip(1).map(pointer::unescape);
        self.is_matched(&tokens.fold(self.start(), |progress, token| self.member(&progress, &token)))
    }

    /// At the root.
    #[must_use]
    pub fn start(&self) -> Progress {
        let mut progress = Progress::default();
        self.reach(0, &mut progress);
        progress
    }

    /// At a member of a value.
    #[must_use]
    pub fn member(&self, progress: &Progress, name: &str) -> Progress {
        self.step(progress, |wanted| wanted == name)
    }

    /// At an item of a value.
    #[must_use]
    pub fn item(&self, progress: &Progress, index: usize) -> Progress {
        self.step(progress, |wanted| pointer::index(wanted) == Some(index))
    }

    /// Whether the path matches.
    #[must_use]
    pub fn is_matched(&self, progress: &Progress) -> bool {
        progress.0.contains(&(self.0.len() as u32))
    }

    /// The name of the member of a value that would match, if there is one only.
    #[must_use]
    pub fn last_name(&self, progress: &Progress) -> Option<&str> {
        match self.0.split_last() {
            Some((Token::Name(name), before)) if progress.0.contains(&(before.len() as u32)) => Some(name),
            _ => None,
        }
    }

    fn step(&self, progress: &Progress, is_named: impl Fn(&str) -> bool) -> Progress {
        let mut next = Progress::default();
        for &at in &progress.0 {
            match self.0.get(at as usize) {
                Some(Token::One) => self.reach(at + 1, &mut next),
                Some(Token::Name(wanted)) if is_named(wanted) => self.reach(at + 1, &mut next),
                Some(Token::Many) => self.reach(at, &mut next),
                Some(Token::Name(_)) | None => {}
            }
        }
        next
    }

    // `**` also stands for no step.
    fn reach(&self, at: u32, progress: &mut Progress) {
        for at in at.. {
            if progress.0.contains(&at) {
                return;
            }
            progress.0.push(at);
            if self.0.get(at as usize) != Some(&Token::Many) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_matched_token_by_token() {
        for (pattern, pointer, expected) in [
            ("", "", true),
            ("", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a", "/b/a", false),
            ("/a/*/b", "/a/0/b", true),
            ("/a/*/b", "/a/b", false),
            ("/a/*/b", "/a/0/1/b", false),
            ("/a/**", "/a/0/b", true),
            ("/a/**", "/a", true),
            ("/**/b", "/b", true),
            ("/**/b", "/a/c/b", true),
            ("/**/b", "/a/b/c", false),
            ("/a/**/b/*", "/a/x/b/b/y", true),
            ("/a/**/b/*", "/a/x/b", false),
            ("/**/**/b", "/a/b", true),
            ("/a~1b", "/a~1b", true),
            ("/", "/", true),
            ("/", "", false),
        ] {
            assert_eq!(Pattern::new(pattern).expect("a pattern").matches(pointer), expected, "{pattern} {pointer}");
        }
        assert_eq!(Pattern::new("a/b"), None);
    }

    #[test]
    fn items_are_matched_by_number() {
        let pattern = Pattern::new("/a/1").expect("a pattern");
        let list = pattern.member(&pattern.start(), "a");
        assert!(pattern.is_matched(&pattern.item(&list, 1)) && pattern.item(&list, 10).is_dead());
        assert_eq!((pattern.last_name(&list), pattern.last_name(&pattern.start())), (Some("1"), None));
    }
}
