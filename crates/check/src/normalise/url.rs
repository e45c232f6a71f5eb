//! Web addresses: a scheme, and scheme and host in lower case.
//!
//! `https` is added to a host without a scheme. A non-ASCII host is converted to its ASCII form, and the default port
//! of the scheme is removed. Everything after the host is unchanged.

/// Whether `text` certainly is in normal form.
#[must_use]
pub fn is_normal(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let host = &rest[..rest.find('/').unwrap_or(rest.len())];
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    host.bytes().all(plain) && !text.ends_with(char::is_whitespace)
}

/// The normal form of `text`.
#[must_use]
pub fn normal(text: &str) -> String {
    let trimmed = text.trim();
    let Some((scheme, rest)) = trimmed.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return match trimmed.strip_prefix("//").unwrap_or(trimmed) {
            bare if begins_with_host(bare) => join("https", bare),
            _ => trimmed.to_owned(),
        };
    };
    join(&scheme.to_ascii_lowercase(), rest)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn join(scheme: &str, rest: &str) -> String {
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let implied = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = match host.strip_suffix(implied) {
        Some(bare) if !implied.is_empty() && !bare.is_empty() && !bare.contains(':') => bare,
        _ => host,
    };
    let at = if user.is_some() { "@" } else { "" };
    format!("{scheme}://{}{at}{}{path}", user.unwrap_or(""), lower(host))
}

fn lower(host: &str) -> String {
    if host.is_ascii() {
        return host.to_ascii_lowercase();
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    match (url::Host::parse(name), port) {
        (Ok(name), None) => name.to_string(),
        (Ok(name), Some(port)) => format!("{name}:{port}"),
        (Err(_), _) => host.to_owned(),
    }
}

// Whether a text without a scheme is commonly used as a web address: `www.un.org/en`, `un.org:8080`.
fn begins_with_host(text: &str) -> bool {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let (name, port) = text[..end].split_once(':').unwrap_or((&text[..end], ""));
    let Some((rest, last)) = name.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        let edge = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        edge(label.chars().next()) && edge(label.chars().last()) && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    rest.split('.').all(is_label)
        && is_label(last)
        && last.chars().count() >= 2
        && last.starts_with(char::is_alphabetic)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        for (text, expected) in [
            ("www.un.org/en/peacekeeping/", "https://www.un.org/en/peacekeeping/"),
            ("UN.org", "https://un.org"),
            ("//un.org/a", "https://un.org/a"),
            ("HTTP://WWW.UN.org/En?Q=1#A", "http://www.un.org/En?Q=1#A"),
            ("https://un.org:443/", "https://un.org/"),
            ("http://un.org:443/", "http://un.org:443/"),
            ("https://User@UN.org", "https://User@un.org"),
            ("https://Österreich.at/ä", "https://xn--sterreich-z7a.at/ä"),
            ("urn:isbn:1", "urn:isbn:1"),
            ("mailto:a@b.org", "mailto:a@b.org"),
            ("see page 3", "see page 3"),
            ("not a.url at all", "not a.url at all"),
            ("a@b.org", "a@b.org"),
            ("1.5", "1.5"),
            ("", ""),
        ] {
            assert_eq!(super::normal(text), expected, "{text}");
        }
    }
}
