//! Makes a schema of statistics, and lists what it claims and why.

use std::collections::BTreeMap;

use super::classes::Classes;
use super::distinct::Distinct;
use super::document::Json;
use super::keys::{self, Key};
use super::names;
use super::settle::{MOST_DIGITS, data_order, settled};
use super::statistics::{Example, Member, Members, Objects, Statistics, Texts, Value};
use chancery_core::tree::number::Decimal;
use chancery_core::tree::pointer;

/// The draft of the schemas.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Fewest texts of a format that is named, unless there are fewer records.
const FEWEST_OF_FORMAT: u64 = 3;

/// Fewest texts of a vocabulary, and the fewest for each of its words.
const FEWEST_OF_VOCABULARY: u64 = 20;
const FEWEST_OF_WORD: u64 = 5;

/// Fewest distinct texts from which a pattern is read.
const FEWEST_OF_PATTERN: u64 = 10;

/// How schemas are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether the least and greatest number, length and count become limits.
    pub limits: bool,
}

/// What a schema says, and why.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where in the records: a JSON pointer with `*` for every item and every name of a map.
    pub path: String,
    /// The keyword.
    pub keyword: &'static str,
    /// Its value.
    pub value: String,
    /// The reason.
    pub reason: String,
    /// Number of values.
    pub values: u64,
    /// Number of distinct ones, and whether that is exact; `None` for values that are not compared.
    pub distinct: Option<(u64, bool)>,
    /// The first values.
    pub examples: Vec<Example>,
    /// Whether the schema says it; otherwise, it is a suggestion.
    pub written: bool,
}

/// A schema of a collection.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The name of the collection.
    pub name: String,
    /// Number of records.
    pub records: u64,
    /// The schema.
    pub schema: Json,
    /// What it claims, in its order.
    pub claims: Vec<Claim>,
    /// Locations whose values are sensitive.
    pub sensitive: Vec<String>,
}

/// The schemas of collections that may refer to each other, by their names.
#[must_use]
pub fn schemas(mut collections: Vec<(String, Statistics)>, options: Options) -> Vec<Inferred> {
    let keys: Vec<(Option<Key>, Vec<String>)> = collections.iter_mut().map(|(_, statistics)| keys::of(statistics)).collect();
    let targets: Vec<(&str, &Key)> =
        collections.iter().zip(&keys).filter_map(|((name, _), (key, _))| Some((&**name, key.as_ref()?))).collect();
    collections
        .iter()
        .zip(&keys)
        .map(|((name, statistics), (key, undecided))| {
            let mut builder =
                Builder { options, records: statistics.records, name, targets: &targets, claims: Vec::new(), sensitive: Vec::new() };
            let schema = builder.record(&statistics.root, key.as_ref(), undecided);
            Inferred { name: name.clone(), records: statistics.records, schema, claims: builder.claims, sensitive: builder.sensitive }
        })
        .collect()
}

/// The schema of values that are a part of records, as members are, without names of collections.
#[must_use]
pub fn part(statistics: &Statistics) -> Json {
    let mut builder = Builder {
        options: Options::default(),
        records: statistics.records,
        name: "",
        targets: &[],
        claims: Vec::new(),
        sensitive: Vec::new(),
    };
    builder.value(&statistics.root, "/*", "")
}

struct Builder<'a> {
    options: Options,
    records: u64,
    name: &'a str,
    targets: &'a [(&'a str, &'a Key)],
    claims: Vec<Claim>,
    sensitive: Vec<String>,
}

type Keywords = Vec<(String, Json)>;

impl Builder<'_> {
    fn record(&mut self, root: &Value, key: Option<&Key>, undecided: &[String]) -> Json {
        let mut schema: Keywords = vec![("$schema".into(), Json::text(DRAFT)), ("x-record-name".into(), Json::text(self.name))];
        if let Some(key) = key {
            schema.push(("x-key".into(), Json::text(&key.pointer)));
            let reason = format!("each of {} records has another value", self.records);
            self.claim("", "x-key", &Json::text(&key.pointer), reason, root);
        }
        for pointer in undecided {
            let reason = "there are too many values to see whether each is unique".to_owned();
            self.claim("", "x-key", &Json::text(pointer), reason, root);
            self.unwritten();
        }
        let Json::Object(rest) = self.value(root, "", "") else { return Json::Object(schema) };
        schema.extend(rest);
        Json::Object(schema)
    }

    fn claim(&mut self, path: &str, keyword: &'static str, value: &Json, reason: String, of: &Value) {
        self.claims.push(Claim {
            path: path.to_owned(),
            keyword,
            value: value.compact(),
            reason,
            values: of.count(),
            distinct: (of.scalars() > 0).then(|| of.distinct.number()),
            examples: of.examples.all().to_vec(),
            written: true,
        });
    }

    fn unwritten(&mut self) {
        if let Some(claim) = self.claims.last_mut() {
            claim.written = false;
        }
    }

    // Adds a keyword and says why.
    fn say(&mut self, out: &mut Keywords, path: &str, keyword: &'static str, value: Json, reason: String, of: &Value) {
        self.claim(path, keyword, &value, reason, of);
        out.push((keyword.to_owned(), value));
    }

    // The schema of the values at a path, which are those of a member of this name.
    fn value(&mut self, value: &Value, path: &str, name: &str) -> Json {
        let value = &*settled(value, name);
        let mut out = Keywords::new();
        let types = types(value);
        if types.is_empty() || types == ["null"] {
            if !types.is_empty() {
                self.claim(path, "type", &Json::text("null"), "no value but null, which says nothing of others".to_owned(), value);
                self.unwritten();
            }
            return Json::Object(out);
        }
        let listed = match &*types {
            [only] => Json::text(*only),
            several => Json::List(several.iter().map(|name| Json::text(*name)).collect()),
        };
        self.say(&mut out, path, "type", listed, of_types(value), value);
        self.reference(value, path, name, &mut out);
        if value.strings > 0 {
            self.strings(value, path, name, &types, &mut out);
        }
        if self.options.limits {
            self.limits(value, path, &mut out);
        }
        if let Some(items) = value.items.as_deref().filter(|_| value.arrays > 0) {
            if let Some(one) = names::singular(name) {
                self.say(&mut out, path, "x-item-name", Json::text(one), format!("an item of {name:?}"), value);
            }
            let items = self.value(items, &format!("{path}/*"), &names::singular(name).unwrap_or_else(|| name.to_owned()));
            out.push(("items".to_owned(), items));
        }
        if let Some(objects) = value.members.as_deref().filter(|_| value.objects > 0) {
            self.objects(objects, value, path, &mut out);
        }
        Json::Object(out)
    }

    fn strings(&mut self, value: &Value, path: &str, name: &str, types: &[&str], out: &mut Keywords) {
        let Some(texts) = value.texts.as_deref() else { return };
        let (distinct, _) = value.distinct.number();
        let fewest = FEWEST_OF_FORMAT.min(self.records);
        let has = |class: Classes, fewest: u64| texts.classes.has(class) && texts.count >= fewest;
        let all = format!("all {} strings", texts.count);
        let is_sure = |class: Classes| class == Classes::IPV4 || class == Classes::TIME;
        let format = Classes::FORMATS.iter().find(|(class, _)| has(*class, if is_sure(*class) { 5 } else { fewest }));
        let mut is_sensitive = names::is_sensitive(name) && types.iter().all(|kind| ["string", "null"].contains(kind));
        if let Some((class, format)) = format {
            self.say(out, path, "format", Json::text(*format), format!("{all} have it"), value);
            is_sensitive |= *class == Classes::EMAIL;
        } else if has(Classes::TELEPHONE, fewest) {
            let pattern = Json::text(r"^\+[1-9(][0-9 ()./-]+$");
            self.say(out, path, "pattern", pattern, format!("{all} are telephone numbers with a country code"), value);
            is_sensitive = true;
        } else if has(Classes::COUNTRY, fewest) && names::is_country(name) {
            let reason = format!("{all} are codes of ISO 3166-1");
            self.say(out, path, "pattern", Json::text("^[A-Z]{2}$"), reason.clone(), value);
            self.say(out, path, "x-check", Json::text("country"), reason, value);
        } else if has(Classes::LANGUAGE, fewest) && names::is_language(name) {
            let pattern = Json::text("^[a-z]{2,3}([-_][0-9A-Za-z]{2,4})*$");
            self.say(out, path, "pattern", pattern, format!("{all} are language tags"), value);
        } else if let Some(words) = vocabulary(value, texts) {
            let mut listed: Vec<Json> = words.iter().map(|word| Json::text(&**word)).collect();
            if value.nulls > 0 {
                listed.push(Json::Null);
            }
            let reason = format!("{} words make up {all}, and none of them is rare", words.len());
            self.say(out, path, "enum", Json::List(listed), reason, value);
        }
        let is_plain = !out.iter().any(|(keyword, _)| matches!(keyword.as_str(), "pattern" | "enum"));
        let may_have_pattern = format.is_none_or(|(class, _)| *class == Classes::URI) && is_plain && !texts.has_blank;
        if may_have_pattern && distinct >= FEWEST_OF_PATTERN {
            let of_places = texts.forms.of_places();
            let of_runs = || texts.forms.of_runs().filter(|_| distinct >= 2 * FEWEST_OF_PATTERN);
            if let Some(pattern) = of_places.or_else(of_runs) {
                self.say(out, path, "pattern", Json::text(pattern), format!("{all} have this form"), value);
            }
        }
        if is_sensitive {
            let reason = "values look personal; --mask hides them".to_owned();
            self.say(out, path, "x-sensitive", Json::Bool(true), reason, value);
            self.sensitive.push(path.to_owned());
        }
    }

    fn reference(&mut self, value: &Value, path: &str, name: &str, out: &mut Keywords) {
        let is_integer = value.integers > 0;
        let scalars = if is_integer { value.integers } else { value.strings };
        // A key in a map is no place for a reference that is checked.
        if scalars == 0 || value.count() != scalars + value.nulls {
            return;
        }
        let mut best: Option<(bool, &str, keys::Share)> = None;
        for (collection, key) in self.targets {
            let is_own = *collection == self.name;
            let is_named = names::refers(name, collection) || name == key.name && key.name.len() > 2;
            if key.is_integer != is_integer || is_own && key.pointer == path || !is_named && (is_integer || is_own) {
                continue;
            }
            // Few texts are keys by chance only if they are short.
            if let Some(share) = keys::share(&value.distinct, key).filter(|share| is_named || share.of >= 3)
                && best.as_ref().is_none_or(|(named, _, known)| (*named, known.found * share.of) < (is_named, share.found * known.of))
            {
                best = Some((is_named, collection, share));
            }
        }
        let Some((_, collection, share)) = best else { return };
        let target = if collection == self.name { Json::Bool(true) } else { Json::text(collection) };
        let sample = if share.is_exact { "distinct values" } else { "sampled values" };
        let reason = format!("{} of {} {sample} are keys of {collection}", share.found, share.of);
        if share.is_whole() {
            self.say(out, path, "x-references", target, reason, value);
        } else {
            self.claim(path, "x-references", &target, reason, value);
            self.unwritten();
        }
    }

    fn limits(&mut self, value: &Value, path: &str, out: &mut Keywords) {
        let mut of = |least: &'static str, most: &'static str, limits: Option<(Json, Json)>| {
            if let Some((low, high)) = limits {
                self.say(out, path, least, low, "the least".to_owned(), value);
                self.say(out, path, most, high, "the greatest".to_owned(), value);
            }
        };
        let counts = |limits: Option<(u64, u64)>| limits.map(|(least, most)| (Json::count(least), Json::count(most)));
        // Validators compare limits as 64-bit floats.
        let exact = |number: &Decimal| Some(number.plain()).filter(|text| text.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS);
        let range = value.range.as_ref().filter(|_| value.integers + value.numbers > 0);
        of("minimum", "maximum", range.and_then(|(least, most)| Some((Json::Number(exact(least)?), Json::Number(exact(most)?)))));
        of("minLength", "maxLength", counts(value.texts.as_ref().and_then(|texts| texts.lengths)).filter(|_| value.strings > 0));
        of("minItems", "maxItems", counts(value.lengths).filter(|_| value.arrays > 0));
    }

    fn objects(&mut self, objects: &Objects, value: &Value, path: &str, out: &mut Keywords) {
        let depth = u8::from(!path.is_empty());
        let all = objects.joined(depth);
        if is_map(&all, path.is_empty()) {
            return self.map(&all, value, path, out);
        }
        let mut named: Vec<&Member> = all.named.iter().collect();
        named.sort_by(|a, b| data_order(a, b));
        let union = Union::of(objects);
        let is_common = |member: &&Member| union.as_ref().is_none_or(|union| union.is_common(&member.name));
        let common: Vec<&Member> = named.into_iter().filter(is_common).collect();
        self.required(&common, all.objects, value, path, out);
        let properties = self.properties(&common, path);
        if !properties.is_empty() {
            out.push(("properties".to_owned(), Json::Object(properties)));
        }
        let Some(union) = &union else { return };
        let reason = format!("{:?} tells {} kinds of objects with other members apart", union.tag, union.kinds.len());
        self.claim(path, "oneOf", &Json::List(union.kinds.iter().map(|(kind, _)| Json::text(*kind)).collect()), reason, value);
        let mut branches = Vec::new();
        for (kind, variant) in &union.kinds {
            let mut branch = Keywords::new();
            let mut own: Vec<&Member> = variant.named.iter().filter(|member| !union.is_common(&member.name)).collect();
            own.sort_by(|a, b| data_order(a, b));
            self.required(&own, variant.objects, value, path, &mut branch);
            let mut properties: Keywords = vec![(union.tag.to_owned(), Json::Object(vec![("const".to_owned(), Json::text(*kind))]))];
            properties.extend(self.properties(&own, path));
            branch.push(("properties".to_owned(), Json::Object(properties)));
            branches.push(Json::Object(branch));
        }
        out.push(("oneOf".to_owned(), Json::List(branches)));
    }

    fn required(&mut self, members: &[&Member], objects: u64, value: &Value, path: &str, out: &mut Keywords) {
        let always: Vec<Json> = members.iter().filter(|member| member.count == objects).map(|member| Json::text(&*member.name)).collect();
        if !always.is_empty() {
            let reason = format!("present in all {objects} objects");
            self.say(out, path, "required", Json::List(always), reason, value);
        }
    }

    fn properties(&mut self, members: &[&Member], path: &str) -> Keywords {
        let mut properties = Keywords::new();
        for member in members {
            let mut at = path.to_owned();
            pointer::push(&mut at, &member.name);
            properties.push((member.name.to_string(), self.value(&member.value, &at, &member.name)));
        }
        properties
    }

    fn map(&mut self, members: &Members, value: &Value, path: &str, out: &mut Keywords) {
        let (names, inner) = members.as_map();
        let how_many = if members.map.is_some() { "more than can be kept".to_owned() } else { members.named.len().to_string() };
        let reason = format!("{how_many} names in {} objects, whose values have one shape", members.objects);
        self.claim(path, "additionalProperties", &Json::text("map"), reason, value);
        if let Some(pattern) = names_pattern(&names, members) {
            out.push(("propertyNames".to_owned(), Json::Object(vec![("pattern".to_owned(), Json::text(pattern))])));
        }
        let inner = self.value(&inner, &format!("{path}/*"), "");
        out.push(("additionalProperties".to_owned(), inner));
    }
}

fn types(value: &Value) -> Vec<&'static str> {
    let counts = [
        ("string", value.strings),
        ("integer", if value.numbers > 0 { 0 } else { value.integers }),
        ("number", value.numbers),
        ("boolean", value.booleans),
        ("array", value.arrays),
        ("object", value.objects),
        ("null", value.nulls),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect()
}

fn of_types(value: &Value) -> String {
    let counts = [
        ("strings", value.strings),
        ("integers", value.integers),
        ("other numbers", value.numbers),
        ("booleans", value.booleans),
        ("lists", value.arrays),
        ("objects", value.objects),
        ("nulls", value.nulls),
    ];
    let counts: Vec<String> = counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    counts.join(", ")
}

// The words of a closed vocabulary: few, used often, and hardly any of them once.
fn vocabulary<'v>(value: &'v Value, texts: &Texts) -> Option<Vec<&'v str>> {
    const LONGEST: usize = 48;
    let Distinct::Few(words) = &value.distinct else { return None };
    let number = words.len() as u64;
    let once = words.values().filter(|count| **count == 1).count() as u64;
    let others = value.scalars() - value.strings + value.arrays + value.objects;
    let fits = others == 0
        && (2..=50).contains(&number)
        && texts.count >= FEWEST_OF_VOCABULARY.max(FEWEST_OF_WORD * number)
        && texts.longest <= LONGEST
        // The share of what is seen once is the chance that the next is new (Good and Turing).
        && once * 200 <= texts.count;
    fits.then(|| words.keys().map(|word| &**word).collect())
}

/// Kinds of objects that a member tells apart and that have other members.
struct Union<'o> {
    tag: &'static str,
    kinds: Vec<(&'o str, &'o Members)>,
    // By name: how many kinds have the member, and how many always have it.
    having: BTreeMap<&'o str, (usize, usize)>,
}

impl<'o> Union<'o> {
    fn of(objects: &'o Objects) -> Option<Self> {
        const FEWEST: u64 = 2;
        let (tag, _) = objects.variants.keys().next()?.as_ref()?;
        let mut kinds = Vec::new();
        let mut having: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (other, members) in &objects.variants {
            let (_, kind) = other.as_ref().filter(|(name, _)| name == tag && members.objects >= FEWEST && members.map.is_none())?;
            kinds.push((&**kind, members));
            for member in &members.named {
                let (some, all) = having.entry(&member.name).or_default();
                *some += 1;
                *all += usize::from(member.count == members.objects);
            }
        }
        // Some kind always has a member that another never has.
        let tells = having.values().any(|(some, all)| *all > 0 && *some < kinds.len());
        tells.then_some(Self { tag, kinds, having })
    }

    fn is_common(&self, name: &str) -> bool {
        self.having.get(name).is_some_and(|(some, _)| *some == self.kinds.len())
    }
}

// Whether names are keys of values of one shape, and not those of members.
fn is_map(members: &Members, is_record: bool) -> bool {
    const FEWEST: usize = 3;
    const MANY: usize = 12;
    if members.map.is_some() {
        return true;
    }
    let number = members.named.len();
    if is_record || number < FEWEST || !have_one_shape(members) {
        return false;
    }
    let mut names = Texts::default();
    members.named.iter().for_each(|member| names.add(&member.name, false));
    let are_codes =
        names.all_digits || names.classes.has(Classes::DATE) || names.classes.has(Classes::UUID) || names.classes.has(Classes::URI);
    let are_languages = names.classes.has(Classes::LANGUAGE) && names.longest <= 5 && names.shortest == 2 && number >= 2 * FEWEST;
    let numbered = number >= MANY && (names.forms.of_places().is_some() || names.forms.of_runs().is_some());
    let present: u64 = members.named.iter().map(|member| member.count).sum();
    let is_sparse = |share: u64| 100 * present <= share * members.objects * number as u64;
    let has_containers = members.named.iter().all(|member| member.value.objects + member.value.arrays > 0);
    are_codes
        || are_languages
        || numbered
        || number >= MANY && has_containers && is_sparse(50)
        || number >= 4 * MANY && is_sparse(10)
        || number >= 2 * MANY && has_containers && members.objects == 1
}

// Whether the values of all members are of one type, and objects of similar members.
fn have_one_shape(members: &Members) -> bool {
    let kind = |value: &Value| {
        let kinds = [value.booleans, value.integers + value.numbers, value.strings, value.arrays, value.objects];
        let mut present = kinds.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, _)| at);
        (present.next(), present.next())
    };
    let Some(first) = members.named.iter().map(|member| kind(&member.value)).find(|kind| kind.0.is_some()) else { return false };
    let is_same = |member: &Member| matches!(kind(&member.value), (None, _)) || kind(&member.value) == first;
    if first.1.is_some() || !members.named.iter().all(is_same) {
        return false;
    }
    if first.0 != Some(4) {
        return true;
    }
    // On average, an object has at least half of the members that there are at all.
    let mut all = std::collections::BTreeSet::new();
    let mut sum = 0;
    let objects = members.named.iter().filter_map(|member| member.value.members.as_deref());
    let mut number = 0;
    for inner in objects.flat_map(|objects| objects.variants.values()) {
        sum += inner.named.len();
        number += 1;
        all.extend(inner.named.iter().map(|member| &member.name));
    }
    2 * sum >= all.len() * number
}

fn names_pattern(names: &Texts, members: &Members) -> Option<String> {
    (members.map.is_some() || members.named.len() >= 10).then_some(())?;
    names.forms.of_places().or_else(|| names.forms.of_runs())
}
