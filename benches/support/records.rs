//! Records for benchmarks: profiles of about 1.7 kB, the same ones each time.

use std::fmt::Write as _;

/// A small generator of numbers (xorshift), so that the data needs no crate and never changes.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.pick(WORDS)).collect();
        words.join(" ")
    }
}

const WORDS: &[&str] = &[
    "planning",
    "management",
    "deployment",
    "support",
    "operations",
    "partnership",
    "stability",
    "zones",
    "disarmament",
    "reform",
    "police",
    "capacity",
    "border",
    "customs",
    "strategy",
    "policy",
    "office",
    "adviser",
    "mission",
    "mandate",
    "territory",
    "règlement",
];
const CITIES: &[(&str, &str, &str)] = &[
    ("New York", "United States of America", "US"),
    ("Geneva", "Switzerland", "CH"),
    ("Vienna", "Austria", "AT"),
    ("Nairobi", "Kenya", "KE"),
    ("The Hague", "Netherlands", "NL"),
];
const NAMES: &[&str] = &["Andrea Example", "José Muster", "Marie Modèle", "Wei Sample", "Olga Obrazets"];
const TASKS: &[&str] = &["police_capacity", "border_management", "customs_management", "human_rights", "mine_action", "crime_analysis"];

/// `count` valid records as NDJSON.
#[must_use]
pub fn ndjson(count: usize) -> String {
    let mut numbers = Numbers(20_261_123);
    let mut text = String::with_capacity(count * 1700);
    for index in 0..count {
        record(index, &mut numbers, &mut text);
        text.push('\n');
    }
    text
}

fn record(index: usize, n: &mut Numbers, out: &mut String) {
    let (city, country, code) = CITIES[n.below(CITIES.len() as u64) as usize];
    let year = 1945 + n.below(70);
    write!(
        out,
        concat!(
            r#"{{"id":"body-{index}","kind":"office","lang":"en","name":"Office of {name}","acronym":"O{index}","#,
            r#""identifiers":[{{"scheme":"XI-TEST","id":"{index}","uri":"https://example.org/id/{index}"}}],"#,
            r#""location":{{"display":"{city}, {country}","locality":"{city}","country":"{country}","country_code":"{code}"}},"#,
            r#""addresses":[{{"kind":"postal","lines":["Office of {name}","{number} Example Street","{city}","{country}"],"#,
            r#""street_address":"{number} Example Street","locality":"{city}","country":"{country}","country_code":"{code}"}}],"#,
        ),
        index = index,
        name = n.words(4),
        city = city,
        country = country,
        code = code,
        number = n.below(200),
    )
    .expect("writing to a string cannot fail");
    out.push_str(r#""contacts":["#);
    for contact in 0..2 {
        if contact > 0 {
            out.push(',');
        }
        write!(
            out,
            concat!(
                r#"{{"role":"focal_point","honorific_prefix":"Ms.","name":"{name}","title":"Chief","units":["{unit}","{unit2}"],"#,
                r#""telephones":[{{"number":"+1212963{tel:04}","display":"+1 212 963 {tel:04}"}}],"emails":["desk{tel}@example.org"]}}"#,
            ),
            name = n.pick(NAMES),
            unit = n.words(2),
            unit2 = n.words(3),
            tel = n.below(9999),
        )
        .expect("writing to a string cannot fail");
    }
    write!(out, r#"],"websites":[{{"url":"https://www.example.org/{index}/"}}],"founding_date":"{year}","memberships":["#)
        .expect("as above");
    for membership in 0..2 {
        if membership > 0 {
            out.push(',');
        }
        write!(
            out,
            r#"{{"organization":{{"name":"Example Task Force","acronym":"ETF"}},"group":"{} {membership}","status":"member"}}"#,
            n.words(4)
        )
        .expect("as above");
    }
    write!(
        out,
        concat!(
            r#"],"functions":["{f1}","{f2}"],"mandates":[{{"mission":{{"name":"Example Mission in {city}","acronym":"EM"}},"#,
            r#""host_countries":[{{"name":"{country}","code":"{code}"}}],"tasks":["{t1}"],"#,
            r#""instruments":[{{"kind":"security_council_resolution","symbol":"S/RES/{res} ({year})","effect":"establishes"}}]}}],"#,
            r#""narrative":[{{"kind":"paragraph","text":"{text}.","refs":["1"]}}],"references":[{{"id":"1"}}]}}"#,
        ),
        f1 = n.words(3),
        f2 = n.words(4),
        city = city,
        country = country,
        code = code,
        t1 = n.pick(TASKS),
        res = 1000 + n.below(1700),
        year = year,
        text = n.words(14),
    )
    .expect("as above");
}
