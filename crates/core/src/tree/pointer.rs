//! JSON pointers (RFC 6901): escaping, parsing, and extending them while walking.

use std::borrow::Cow;

/// A member name as a reference token: `~` becomes `~0`, `/` becomes `~1`.
#[must_use]
pub fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { Cow::Owned(name.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(name) }
}

/// A reference token as a member name.
#[must_use]
pub fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { Cow::Owned(token.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(token) }
}

/// A reference token as an array index: digits without leading zeros.
#[must_use]
pub fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if token.is_empty() || !digits || (token.len() > 1 && token.starts_with('0')) { None } else { token.parse().ok() }
}

/// The pointer with one more member name.
pub fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&escape(name));
}

/// The pointer with one more index.
pub fn push_index(pointer: &mut String, index: usize) {
    use std::fmt::Write as _;
    write!(pointer, "/{index}").expect("writing to a string cannot fail");
}

/// The pointer split at its last token: the parent's pointer and the token as a name.
#[must_use]
pub fn split_last(pointer: &str) -> Option<(&str, Cow<'_, str>)> {
    pointer.rsplit_once('/').map(|(parent, token)| (parent, unescape(token)))
}

/// The pointer with `*` for the numbers of items, so that it is the same for each of them. A member whose name is a number is
/// taken for an item.
#[must_use]
pub fn general(pointer: &str) -> String {
    let is_number = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    pointer.split('/').map(|token| if is_number(token) { "*" } else { token }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_turn_into_each_other() {
        for name in ["", "a/b", "~", "~1", "m~n/o", "é"] {
            assert_eq!(unescape(&escape(name)), name);
        }
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("01"), None);
        assert_eq!(index("-1"), None);
        assert_eq!(split_last("/a/b~1c"), Some(("/a", Cow::Borrowed("b/c"))));
    }
}
