//! Form descriptions: labels, words and patterns of the pages of one directory, read from TOML.
//!
//! No directory is hard-coded. Shared definitions are in `forms/words.toml`; the description of a form adds its fields and
//! overrides the shared definitions. `docs/handbook.md` explains the keys.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::Deserialize;

use super::adapter::html;
use super::spanned_text::is_space;
use chancery_check::reference_data::Country;
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{Source, Span};

/// The forms among which a page finds its own.
#[derive(Clone, Debug)]
pub struct Templates {
    // Never empty.
    templates: Vec<Arc<Template>>,
}

impl Default for Templates {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Vec<Arc<Template>>> = LazyLock::new(|| {
            let parse = |text: &str| Template::parse(text).expect("the forms that come with the program are tested");
            let texts = [include_str!("forms/un.toml"), include_str!("forms/factbook.toml"), include_str!("forms/factbook-web.toml")];
            texts.map(|text| Arc::new(parse(text))).to_vec()
        });
        Self { templates: BUILT_IN.clone() }
    }
}

impl Templates {
    /// The form that a description gives: the whole text of `source`, as TOML.
    ///
    /// # Errors
    /// The errors with the description, in its own file.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        match Template::parse(source.text()) {
            Ok(form) => Ok(Self { templates: vec![Arc::new(form)] }),
            Err(error) => {
                let span = error.span().map_or(Span::at(0), |range| Span::new(range.start as u32, range.end as u32));
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                Err(vec![
                    Diagnostic::new(&rules::BAD_FORM, source, span, format!("not a form description: {message}"))
                        .help("docs/handbook.md explains the keys of a form description"),
                ])
            }
        }
    }

    /// The built-in form of that name alone.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let form = Self::default().templates.into_iter().find(|form| form.name == name)?;
        Some(Self { templates: vec![form] })
    }

    /// The names of the forms.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|form| form.name.as_str())
    }

    /// Whether a text, or the text of an HTML page, has labels of one of the forms: at least two different ones.
    #[must_use]
    pub fn know(&self, text: &str) -> bool {
        if html::is_page(text) {
            return self.know_text(html::document(&Arc::new(Source::whole("", text))).text());
        }
        self.know_text(text)
    }

    fn know_text(&self, text: &str) -> bool {
        self.templates.iter().any(|form| {
            let mut fields = text.lines().filter_map(|line| form.label(line.trim_matches(is_space)).map(|label| label.field));
            let first = fields.next();
            first.is_some() && fields.any(|field| Some(field) != first)
        })
    }

    /// The form that knows most labels of a text; of equals the first.
    pub(super) fn best_match(&self, text: &str) -> Arc<Template> {
        let fit = |form: &Template| text.lines().filter(|line| form.label(line.trim_matches(is_space)).is_some()).count();
        let mut best = &self.templates[0];
        if self.templates.len() > 1 {
            let mut most = fit(best);
            for form in &self.templates[1..] {
                let count = fit(form);
                if count > most {
                    (best, most) = (form, count);
                }
            }
        }
        Arc::clone(best)
    }
}

/// What the value of a label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldKind {
    Place,
    Address,
    Contacts,
    Telephones,
    Faxes,
    Emails,
    Websites,
    Date,
    Text,
    List,
    Count,
    Memberships,
    Narrative,
}

impl FieldKind {
    /// Numbers and addresses that belong to a contact where they stand below one.
    pub(super) fn is_contact_point(self) -> bool {
        matches!(self, Self::Telephones | Self::Faxes | Self::Emails)
    }

    /// Whether its value may be a number of a few digits.
    pub(super) fn takes_number(self) -> bool {
        matches!(self, Self::Date | Self::Text | Self::Count)
    }

    fn default_member(self) -> &'static str {
        match self {
            Self::Place => "location",
            Self::Address => "addresses",
            Self::Contacts => "contacts",
            Self::Telephones => "telephones",
            Self::Faxes => "faxes",
            Self::Emails => "emails",
            Self::Websites => "websites",
            Self::Date => "founding_date",
            Self::Memberships => "memberships",
            Self::Narrative => "narrative",
            Self::Text | Self::List | Self::Count => "",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lines {
    #[default]
    Printed,
    Wrapped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Records {
    /// A heading before a label that opens a record, or a line of separators.
    #[default]
    Headings,
    /// Every line that is not indented begins one.
    Unindented,
    /// Each heading right before a label.
    Titles,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    labels: Vec<String>,
    pub kind: FieldKind,
    #[serde(default)]
    member: Option<String>,
    /// The role of contacts, the kind of an address.
    #[serde(default, rename = "use")]
    pub purpose: Option<String>,
    /// Whether a heading before this label begins a record.
    #[serde(default)]
    pub opens: bool,
    /// Whether line ends in an address are the printer's or mean something.
    #[serde(default)]
    pub lines: Lines,
    /// Whether a list is split into items.
    #[serde(default = "yes")]
    pub split: bool,
    /// Whether the label is the post of the persons under it, or names the web addresses under it.
    #[serde(default)]
    pub names: bool,
}

impl Field {
    pub(super) fn member(&self) -> &str {
        self.member.as_deref().unwrap_or_else(|| self.kind.default_member())
    }
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug)]
pub(super) struct Pattern(pub Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Compiled inside the visitor, so that a mistake is pointed at where the text stands.
        struct Compile;
        impl serde::de::Visitor<'_> for Compile {
            type Value = Pattern;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a regular expression")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Pattern, E> {
                Regex::new(text).map(Pattern).map_err(E::custom)
            }
        }
        from.deserialize_str(Compile)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Town {
    pub pattern: Pattern,
    #[serde(default)]
    pub countries: Vec<String>,
    /// The country that the pattern shows where the address names none.
    #[serde(default)]
    pub implies: Option<String>,
}

impl Town {
    // Whether its lines have a postal code, so that nothing else looks like them.
    fn names_code(&self) -> bool {
        self.pattern.0.capture_names().flatten().any(|name| name == "postal_code")
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Missions {
    pub begins: Vec<String>,
    pub nouns: Vec<String>,
    pub host_after: Vec<String>,
}

macro_rules! prose_words {
    ($($key:ident)*) => {
        // The words by which running text states something; a key that is missing is that of words.toml.
        #[derive(Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct ProseSource {
            $($key: Option<Vec<String>>,)*
        }

        /// The words by which running text states something, in lower case. `docs/handbook.md` explains them.
        #[derive(Debug)]
        pub(super) struct ProseWords {
            $(pub $key: Vec<String>,)*
        }

        impl ProseSource {
            fn or(self, shared: Self) -> ProseWords {
                ProseWords { $($key: self.$key.or(shared.$key).unwrap_or_default(),)* }
            }
        }
    };
}

prose_words! {
    charged mandate_adjectives mandate_verbs establishes amends extends terminates see negations reported disputed conditional modals adverbs prepositions clause_borders scope_ends mission_nouns launched launch_ends initiative_nouns brings_together supports partnership succeeds succeeded_by formerly also_known actors functions mission_verbs
}

// The file as written: every word list may be omitted, and then is that of words.toml.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TemplateSource {
    name: Option<String>,
    title: Option<String>,
    fields: Vec<Field>,
    records: Records,
    narrative: Option<bool>,
    separators: Option<Vec<String>>,
    bullets: Option<Vec<String>>,
    honorifics: Option<Vec<String>>,
    suffixes: Option<Vec<String>>,
    post_words: Option<Vec<String>>,
    unit_words: Option<Vec<String>>,
    institution_words: Option<Vec<String>>,
    none_words: Option<Vec<String>>,
    title_tails: Option<Vec<String>>,
    name_openings: Option<Vec<String>>,
    head_posts: Option<Vec<String>>,
    deputy_words: Option<Vec<String>>,
    months: Option<Vec<String>>,
    date_words: Option<Vec<String>>,
    furniture: Option<Vec<Pattern>>,
    record_separators: Option<Vec<Pattern>>,
    mail_guards: Option<Vec<Pattern>>,
    street: Option<Pattern>,
    post_office_box: Option<Pattern>,
    address_line: Option<Pattern>,
    country: Option<String>,
    extended: Option<Pattern>,
    towns: Option<Vec<Town>>,
    countries: BTreeMap<String, String>,
    statuses: BTreeMap<String, String>,
    missions: Option<Missions>,
    prose: ProseSource,
    tasks: BTreeMap<String, Vec<String>>,
}

/// One form, ready for use.
#[derive(Debug)]
pub(super) struct Template {
    pub name: String,
    pub fields: Vec<Field>,
    pub records: Records,
    /// Whether pages end in narrative.
    pub narrative: bool,
    pub separators: Vec<String>,
    pub bullets: Vec<String>,
    pub honorifics: Vec<String>,
    pub suffixes: Vec<String>,
    pub post_words: Vec<String>,
    pub unit_words: Vec<String>,
    pub institution_words: Vec<String>,
    pub none_words: Vec<String>,
    pub title_tails: Vec<String>,
    pub name_openings: Vec<String>,
    pub head_posts: Vec<String>,
    pub deputy_words: Vec<String>,
    pub months: Vec<String>,
    pub date_words: Vec<String>,
    pub furniture: Vec<Pattern>,
    pub record_separators: Vec<Pattern>,
    pub mail_guards: Vec<Pattern>,
    pub street: Regex,
    pub post_office_box: Regex,
    address_line: Regex,
    /// The country of addresses that name none.
    pub default_country: Option<String>,
    pub extended: Regex,
    pub towns: Vec<Town>,
    countries: BTreeMap<String, String>,
    pub statuses: BTreeMap<String, String>,
    pub missions: Missions,
    pub prose: ProseWords,
    pub tasks: Vec<(String, Vec<String>)>,
    // Spellings of labels in folded form, with the number of their field.
    spellings: BTreeMap<String, usize>,
    // The same for labels with a name in braces: what is before the name, what after it.
    open_spellings: Vec<(String, String, usize)>,
}

/// A label found at the start of a line; ranges are of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub field: usize,
    /// The words of the label, without the separator.
    pub words: Range<usize>,
    /// What stands where the spelling has a name in braces.
    pub named: Option<Range<usize>>,
    pub value: Range<usize>,
}

impl Template {
    fn parse(text: &str) -> Result<Self, toml_edit::de::Error> {
        // Compiling patterns takes longer than copying what they became.
        static WORDS: LazyLock<TemplateSource> = LazyLock::new(|| {
            toml_edit::de::from_str(include_str!("forms/words.toml")).expect("the words that come with the program are tested")
        });
        let own: TemplateSource = toml_edit::de::from_str(text)?;
        let words = WORDS.clone();
        let missing = |what: &str| <toml_edit::de::Error as serde::de::Error>::custom(format!("{what} is missing"));
        if own.fields.is_empty() {
            return Err(missing("a table [[fields]]"));
        }
        for field in &own.fields {
            if field.member().is_empty() {
                return Err(missing(&format!(
                    "the key member of the field with the label {:?}",
                    field.labels.first().map_or("", |label| label)
                )));
            }
        }
        let mut spellings = BTreeMap::new();
        let mut open_spellings = Vec::new();
        for (number, field) in own.fields.iter().enumerate() {
            for label in &field.labels {
                match label.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|(_, behind)| (before, behind))) {
                    Some((before, behind)) => open_spellings.push((before.to_lowercase(), behind.to_lowercase(), number)),
                    None => {
                        spellings.entry(fold(label)).or_insert(number);
                    }
                }
            }
        }
        // The longest fixed part says most.
        open_spellings.sort_by_key(|(before, behind, _)| std::cmp::Reverse(before.len() + behind.len()));
        let countries = words.countries.iter().chain(&own.countries).map(|(name, code)| (fold(name), code.clone())).collect();
        let mut statuses = words.statuses;
        statuses.extend(own.statuses);
        let mut tasks = words.tasks;
        tasks.extend(own.tasks);
        macro_rules! word {
            ($key:ident) => {
                own.$key.or(words.$key).ok_or_else(|| missing(stringify!($key)))?
            };
        }
        Ok(Self {
            name: own.name.or(own.title).unwrap_or_default(),
            records: own.records,
            narrative: own.narrative.unwrap_or(true),
            separators: word!(separators),
            bullets: word!(bullets),
            honorifics: word!(honorifics),
            suffixes: word!(suffixes),
            post_words: word!(post_words),
            unit_words: word!(unit_words),
            institution_words: word!(institution_words),
            none_words: word!(none_words),
            title_tails: word!(title_tails),
            name_openings: word!(name_openings),
            head_posts: word!(head_posts),
            deputy_words: word!(deputy_words),
            months: word!(months),
            date_words: word!(date_words),
            furniture: word!(furniture),
            record_separators: word!(record_separators),
            mail_guards: word!(mail_guards),
            street: word!(street).0,
            post_office_box: word!(post_office_box).0,
            address_line: word!(address_line).0,
            default_country: own.country,
            extended: word!(extended).0,
            towns: word!(towns),
            missions: word!(missions),
            prose: own.prose.or(words.prose),
            fields: own.fields,
            countries,
            statuses,
            tasks: tasks.into_iter().collect(),
            spellings,
            open_spellings,
        })
    }

    pub(super) fn field(&self, label: &Label) -> &Field {
        &self.fields[label.field]
    }

    /// The ISO code of a country by one of its names. Two or three letters are a country only where the form says so: they
    /// stand for a state of the United States as often (`GA`).
    pub(super) fn country(&self, name: &str) -> Option<&str> {
        if let Some(code) = self.countries.get(&fold(name)) {
            return Some(code);
        }
        if name.chars().count() > 3 { Country::named(name).map(Country::code) } else { None }
    }

    /// The known label at the start of a trimmed line: one of the spellings, then a separator, or the line's end.
    pub(super) fn label(&self, line: &str) -> Option<Label> {
        for (end, value) in self.borders(line) {
            if let Some(found) = self.known(line, end, value) {
                return Some(found);
            }
        }
        // A label that is alone and whose separator was omitted.
        self.spellings.get(&fold(line)).map(|&field| Label { field, words: 0..line.len(), named: None, value: line.len()..line.len() })
    }

    /// A label of numbers anywhere: its separator may be missing where a number follows, as in `Fax [1] 202`.
    pub(super) fn contact_label(&self, text: &str) -> Option<Label> {
        let reach = |label: &Label| self.field(label).kind.is_contact_point();
        if let Some(found) = self.label(text).filter(|label| reach(label) && label.value.start < text.len()) {
            return Some(found);
        }
        let end = text.find(|c: char| is_space(c) || matches!(c, '+' | '[' | '(' | '0'..='9'))?;
        let value = end + text[end..].len() - text[end..].trim_start_matches(is_space).len();
        let numeric = text[value..].starts_with(|c: char| matches!(c, '+' | '[' | '(' | '0'..='9'));
        self.known(text, end, value).filter(|label| numeric && end > 0 && reach(label))
    }

    /// Text that looks like an unknown label: few words with a capital, then the form's first separator.
    pub(super) fn unknown_label(&self, line: &str) -> Option<(Range<usize>, Range<usize>)> {
        const LONGEST: usize = 40;
        let separator = self.separators.first()?;
        let (end, value) = self.borders_of(line, separator)?;
        let label = line[..end].trim_end_matches(is_space);
        let words = label.split(is_space).filter(|word| !word.is_empty()).count();
        let capital = separator != ":" || label.starts_with(char::is_uppercase);
        let plain = label.chars().all(|c| c.is_alphanumeric() || is_space(c) || matches!(c, '-' | '/' | '&' | '(' | ')' | '\'' | '.'));
        let followed = value >= line.len() || separator != ":" || line[end..value].len() > 1;
        (capital && plain && followed && (1..=5).contains(&words) && label.chars().count() <= LONGEST)
            .then_some((0..label.len(), value..line.len()))
    }

    // Where a label could end and its value begin, for each separator.
    fn borders<'l>(&'l self, line: &'l str) -> impl Iterator<Item = (usize, usize)> + 'l {
        self.separators.iter().filter_map(move |separator| self.borders_of(line, separator))
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the form")]
    fn borders_of(&self, line: &str, separator: &str) -> Option<(usize, usize)> {
        let end = match line.find(separator) {
            Some(end) => end,
            // The blank after a separator is lost where the line ends.
            None => line.strip_suffix(separator.trim_end_matches(is_space))?.len(),
        };
        let behind = (end + separator.len()).min(line.len());
        Some((end, behind + line[behind..].len() - line[behind..].trim_start_matches(is_space).len()))
    }

    // The field of a spelling, in the singular or the plural.
    fn spelled(&self, label: &str) -> Option<usize> {
        const SHORTEST: usize = 5;
        let folded = fold(label);
        if let Some(field) = self.spellings.get(&folded) {
            return Some(*field);
        }
        if folded.len() < SHORTEST {
            return None;
        }
        let other = folded.strip_suffix('s').map_or_else(|| format!("{folded}s"), str::to_owned);
        self.spellings.get(&other).copied()
    }

    fn known(&self, line: &str, end: usize, value: usize) -> Option<Label> {
        let label = line[..end].trim_end_matches(is_space);
        let found = |field, named| Some(Label { field, words: 0..label.len(), named, value: value..line.len() });
        if let Some(field) = self.spelled(label) {
            return found(field, None);
        }
        for (before, behind, field) in &self.open_spellings {
            let (Some(head), Some(tail)) =
                (label.get(..before.len()), label.len().checked_sub(behind.len()).and_then(|at| label.get(at..)))
            else {
                continue;
            };
            let inner = before.len()..label.len().saturating_sub(behind.len()).max(before.len());
            if head.to_lowercase() == *before && tail.to_lowercase() == *behind && !inner.is_empty() && inner.len() <= 60 {
                return found(*field, Some(inner));
            }
        }
        None
    }

    /// Whether a line is part of an address, whatever stands around it.
    pub(super) fn is_address_line(&self, line: &str) -> bool {
        self.address_line.is_match(line)
            || self.post_office_box.is_match(line)
            || self.towns.iter().any(|town| town.names_code() && town.pattern.0.is_match(line))
            || (line.len() > 3 && self.country(line).is_some())
    }

    /// Whether a word is one that names of institutions have.
    pub(super) fn is_institution_word(&self, word: &str) -> bool {
        self.institution_words.iter().any(|known| known == word)
    }

    /// Whether a value says that there is none.
    pub(super) fn is_none_word(&self, value: &str) -> bool {
        self.none_words.contains(&fold(value))
    }

    /// The role of a post that leads the body, or helps to.
    pub(super) fn post_role(&self, post: &str) -> Option<&'static str> {
        let folded = fold(post).replace('-', " ");
        let begins = |words: &[String], text: &str| {
            words.iter().any(|word| text.strip_prefix(word.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
        };
        if begins(&self.head_posts, &folded) {
            return Some("head");
        }
        let (first, rest) = folded.split_once(' ')?;
        (self.deputy_words.iter().any(|word| word == first) && begins(&self.head_posts, rest)).then_some("deputy_head")
    }

    /// The length of the honorifics that open a line, with the blank after them.
    pub(super) fn honorific(&self, line: &str) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = &line[at..];
            let found = self.honorifics.iter().filter_map(|title| {
                let behind = rest.strip_prefix(title.as_str())?;
                let behind = behind.strip_prefix('.').unwrap_or(behind);
                let next = behind.trim_start_matches(is_space);
                (next.len() < behind.len() && !next.is_empty()).then(|| rest.len() - next.len())
            });
            match found.max() {
                Some(length) => at += length,
                None => return (at > 0).then_some(at),
            }
        }
    }

    /// What stands after a bullet, as an offset into the trimmed line.
    pub(super) fn bullet(&self, line: &str) -> Option<usize> {
        self.bullets.iter().find_map(|bullet| {
            let rest = line.strip_prefix(bullet.as_str())?;
            let behind = rest.trim_start_matches(is_space);
            (behind.len() < rest.len() && !behind.is_empty()).then(|| line.len() - behind.len())
        })
    }

    pub(super) fn is_furniture(&self, line: &str) -> bool {
        self.furniture.iter().any(|pattern| pattern.0.is_match(line))
    }

    pub(super) fn is_separator(&self, line: &str) -> bool {
        self.record_separators.iter().any(|pattern| pattern.0.is_match(line))
    }
}

/// Lower case, one blank between words, quotes straight, no stop at the end: for comparing labels and names.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{2010}' | '\u{2011}' => '-',
            c => c,
        }));
    }
    folded.truncate(folded.trim_end_matches('.').len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn un() -> Arc<Template> {
        Arc::clone(&Templates::default().templates[0])
    }

    fn check(line: &str, kind: FieldKind, value: &str) {
        let form = un();
        let label = form.label(line).unwrap_or_else(|| panic!("{line} has a label"));
        assert_eq!((form.field(&label).kind, &line[label.value]), (kind, value), "{line}");
    }

    #[test]
    fn labels_have_many_spellings() {
        check("Location:", FieldKind::Place, "");
        check("Tel. : +1 2", FieldKind::Telephones, "+1 2");
        check("E-Mail — a@b.org", FieldKind::Emails, "a@b.org");
        check("ESTABLISHED -- 1948", FieldKind::Date, "1948");
        check("Website: http://x.org", FieldKind::Websites, "http://x.org");
        check("CTITF Working Group Membership:", FieldKind::Memberships, "");
        check("Focal Points", FieldKind::Contacts, "");
        assert_eq!(un().label("Office of the Chief: Vienna"), None);
        assert_eq!(un().label("Contact the unit: now"), None);
        assert!(un().unknown_label("Budget: 3 million").is_some());
        assert!(un().unknown_label("it was observed: that").is_none());
    }

    #[test]
    fn a_broken_description_is_pointed_at() {
        let check = |text: &str, at: &str| {
            let source = Arc::new(Source::whole("form.toml", text));
            let found = Templates::parse(&source).expect_err("it is broken");
            assert_eq!(source.slice(found[0].place.span), at, "{}", found[0].message);
        };
        check("name = 'a'\nfeilds = []", "feilds");
        check("furniture = ['(']", "'('");
        check("[[fields]]\nlabels = ['a']\nkind = 'nonsense'", "'nonsense'");
    }
}
