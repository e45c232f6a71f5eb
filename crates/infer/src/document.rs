//! A JSON document whose members keep their order, and how it is printed.

use chancery_core::tree::json_string;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string
    Text(String),
    /// An array
    List(Vec<Json>),
    /// An object
    Object(Vec<(String, Json)>),
}

impl Json {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A count.
    #[must_use]
    pub fn count(count: u64) -> Self {
        Self::Number(count.to_string())
    }

    /// The value of a member; the first one of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(other, _)| other == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Indented by two spaces, with a final line end. Short lists of scalars are on one line.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = Vec::new();
        self.write(0, &mut out);
        out.push(b'\n');
        String::from_utf8_lossy(&out).into_owned()
    }

    /// On one line.
    #[must_use]
    pub fn compact(&self) -> String {
        let mut out = Vec::new();
        self.write_line(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }

    fn write_line(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => json_string(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b", " } else { b"" });
                    item.write_line(out);
                }
                out.push(b']');
            }
            Self::Object(members) if members.is_empty() => out.extend_from_slice(b"{}"),
            Self::Object(members) => {
                out.extend_from_slice(b"{ ");
                for (index, (name, value)) in members.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b", " } else { b"" });
                    json_string(name, out);
                    out.extend_from_slice(b": ");
                    value.write_line(out);
                }
                out.extend_from_slice(b" }");
            }
        }
    }

    fn write(&self, depth: usize, out: &mut Vec<u8>) {
        /// Longest line that a list of scalars or an object of few of them may fill.
        const LINE: usize = 88;
        let is_flat = match self {
            Self::List(items) => items.iter().all(Self::is_scalar),
            Self::Object(members) => members.len() < 2 && members.iter().all(|(_, value)| value.is_scalar()),
            _ => true,
        };
        let mut line = Vec::new();
        if is_flat {
            self.write_line(&mut line);
        }
        if is_flat && (line.len() + 2 * depth <= LINE || self.is_scalar()) {
            return out.extend_from_slice(&line);
        }
        let indent = |depth: usize, out: &mut Vec<u8>| {
            out.push(b'\n');
            out.extend(std::iter::repeat_n(b' ', 2 * depth));
        };
        match self {
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b"," } else { b"" });
                    indent(depth + 1, out);
                    item.write(depth + 1, out);
                }
                indent(depth, out);
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.extend_from_slice(if index > 0 { b"," } else { b"" });
                    indent(depth + 1, out);
                    json_string(name, out);
                    out.extend_from_slice(b": ");
                    value.write(depth + 1, out);
                }
                indent(depth, out);
                out.push(b'}');
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_parts_stay_on_one_line() {
        let list = Json::List(vec![Json::count(1), Json::text("a\"b"), Json::Null]);
        let json = Json::Object(vec![("a".into(), list), ("b".into(), Json::Object(vec![("c".into(), Json::Bool(true))]))]);
        assert_eq!(json.pretty(), "{\n  \"a\": [1, \"a\\\"b\", null],\n  \"b\": { \"c\": true }\n}\n");
        assert_eq!(json.compact(), r#"{ "a": [1, "a\"b", null], "b": { "c": true } }"#);
        let long = Json::List((0..60).map(Json::count).collect());
        assert!(long.pretty().lines().count() > 60);
    }
}
