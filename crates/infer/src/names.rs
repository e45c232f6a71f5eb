//! What names of members suggest.

/// The words of a name: `birthDate`, `birth_date` and `birth-date` have two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    let mut begins = true;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            begins = true;
            continue;
        }
        if begins || c.is_uppercase() && was_lower {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        begins = false;
    }
    words
}

fn has_word(name: &str, known: &[&str]) -> bool {
    words(name).iter().any(|word| known.contains(&&**word))
}

/// How much a name looks like that of a key, from 0; `parent` is the name of the object that holds it.
pub(super) fn key_rank(name: &str, parent: Option<&str>) -> u32 {
    let words = words(name);
    match words.as_slice() {
        [word] if word == "id" => 100,
        [word] if ["uuid", "guid", "identifier", "ident"].contains(&&**word) => 95,
        words if words.iter().any(|word| word == "alpha") => 90,
        [.., last] if ["id", "uuid", "identifier"].contains(&&**last) || last.len() > 3 && name.ends_with("Id") => 85,
        [word] if ["key", "code", "slug", "uri", "symbol", "number", "ref", "lei", "isbn", "doi", "sku"].contains(&&**word) => 75,
        _ if parent.is_some_and(|parent| has_word(parent, &["id", "ids", "identifiers"])) => 70,
        [.., last] if ["key", "code", "slug", "number", "ref", "nr", "no"].contains(&&**last) => 60,
        _ => 0,
    }
}

/// Whether digits under that name are mostly identifiers.
pub(super) fn names_digits(name: &str) -> bool {
    has_word(
        name,
        &["zip", "postcode", "postal", "plz", "phone", "telephone", "tel", "mobile", "fax", "isbn", "issn", "ean", "gtin", "fips"],
    )
}

pub(super) fn is_country(name: &str) -> bool {
    has_word(name, &["country", "countries", "nation", "nationality", "nationalities", "iso", "cc"])
}

pub(super) fn is_language(name: &str) -> bool {
    has_word(name, &["lang", "langs", "language", "languages", "locale", "locales"])
}

/// Whether values under that name are about a person alone.
pub(super) fn is_sensitive(name: &str) -> bool {
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&&**word));
    has(&["email", "emails", "phone", "phones", "telephone", "telephones", "mobile", "dob", "birthday", "birthdate"])
        || has(&["birth"]) && has(&["date", "day"])
        || words.windows(2).any(|pair| pair[0] == "e" && pair[1] == "mail")
}

/// Whether a member refers to records called `collection`, as its name has it: `parent_id`, `committee`.
pub(super) fn refers(name: &str, collection: &str) -> bool {
    let words = words(name);
    let own: Vec<String> = self::words(collection);
    let last = own.last().map(|word| singular(word).unwrap_or_else(|| word.clone()));
    let is_of = |word: &String| Some(word) == last.as_ref() || own.last() == Some(word);
    words.iter().any(is_of)
        || words.iter().any(|word| {
            ["id", "ids", "ref", "refs", "parent", "parents", "children", "predecessor", "successor", "superior"].contains(&&**word)
        })
}

/// What one of several is called, where that can be told in English: `names` gives `name`.
pub(super) fn singular(name: &str) -> Option<String> {
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || name.len() < 4 {
        return None;
    }
    if let Some(stem) = name.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return Some(format!("{stem}y"));
    }
    if ["sses", "xes", "ches", "shes", "zzes"].iter().any(|end| name.ends_with(end)) {
        return Some(name[..name.len() - 2].to_owned());
    }
    if ["ss", "us", "is", "as"].iter().any(|end| name.ends_with(end)) {
        return None;
    }
    name.strip_suffix('s').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suggest() {
        for (plural, expected) in [
            ("names", Some("name")),
            ("countries", Some("country")),
            ("addresses", Some("address")),
            ("boxes", Some("box")),
            ("status", None),
            ("alias", None),
            ("children", None),
            ("a b s", None),
        ] {
            assert_eq!(singular(plural).as_deref(), expected, "{plural}");
        }
        assert_eq!(words("birthDate_of-ISO2"), ["birth", "date", "of", "iso2"]);
        assert!(is_sensitive("birth_date") && is_sensitive("E-Mail") && is_sensitive("homePhone") && !is_sensitive("birth_place"));
        assert!(key_rank("id", None) > key_rank("org_id", None) && key_rank("orgId", None) > key_rank("code", None));
        assert!(key_rank("bioguide", Some("id")) > 0 && key_rank("name", None) == 0 && key_rank("valid", None) == 0);
        assert!(refers("committee", "committees") && refers("parent_id", "x") && !refers("size", "committees"));
    }
}
