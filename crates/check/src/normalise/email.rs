//! E-mail: the bare address, its domain in lower case.
//!
//! Angle brackets, `mailto:` and punctuation around the address are removed. The part before the @ is defined by the
//! receiving host and stays as written.

/// Whether `text` certainly is in normal form.
#[must_use]
pub fn is_normal(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@._+-".contains(&byte);
    text.bytes().all(plain) && !text.ends_with('.')
}

/// The normal form of `text`.
#[must_use]
pub fn normal(text: &str) -> String {
    let mut address = text;
    // Each step can expose what another one removes.
    loop {
        let mut inner = address.trim().trim_end_matches(['.', ',', ';']);
        inner = inner.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(inner);
        if let Some((scheme, rest)) = inner.split_at_checked("mailto:".len())
            && scheme.eq_ignore_ascii_case("mailto:")
        {
            inner = rest;
        }
        if inner == address {
            break;
        }
        address = inner;
    }
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.contains('@') => format!("{local}@{}", domain.to_ascii_lowercase()),
        // Not an address: removing parts of it would not help.
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        for (text, expected) in [
            ("HansenA@UN.org", "HansenA@un.org"),
            ("<a@b.org>", "a@b.org"),
            ("mailto:a@b.org", "a@b.org"),
            ("MAILTO:<a@B.org>.", "a@b.org"),
            ("a@b.org;", "a@b.org"),
            ("info@", "info@"),
            ("see website.", "see website."),
            ("a [at] b.org", "a [at] b.org"),
            ("Unit <a@b.org>", "Unit <a@b.org>"),
            ("a@b@C", "a@b@C"),
        ] {
            assert_eq!(super::normal(text), expected, "{text}");
        }
    }
}
