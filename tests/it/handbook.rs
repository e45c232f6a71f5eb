//! Pages of printed directories: what is read, its locations, and that nothing is lost.

use std::sync::Arc;

use chancery::check::schema::Checker;
use chancery::diagnostic::{Diagnostic, DiagnosticSink, Severity};
use chancery::normalise::{self, Normaliser};
use chancery::read::handbook::Templates;
use chancery::read::{self, Format, Options, RecordVisitor};
use chancery::schema::Shape;
use chancery::source::{InputBuffer, Position, Source};
use chancery::tree::{Kind, Node, Tree};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support;

/// The records of a text, the notes on it, and which of its bytes a value, a label or a note stands for.
#[derive(Default)]
pub(crate) struct Pages {
    pub records: Vec<Value>,
    broken: usize,
    pub diagnostics: Vec<Diagnostic>,
    covered: Vec<(u64, u64)>,
    // Texts of values that are the source's own, with the bytes they point at.
    spans: Vec<(String, String)>,
}

impl Pages {
    fn cover(&mut self, node: Node<'_>) {
        // The id and a status that is supplied point at all of what they come from, and stand for nothing of it.
        let supplied = node.is_derived() && (node.text() == "member" || node.span().start == node.tree().root().span().start);
        if !matches!(node.kind(), Kind::Array | Kind::Object) && !supplied {
            let found = node.tree().source().locate(node.span());
            self.covered.push((found.start.byte, found.end.byte));
            self.spans.push((node.text().to_owned(), node.written().to_owned()));
        }
        for member in node.members() {
            let found = node.tree().source().locate(member.key.span());
            self.covered.push((found.start.byte, found.end.byte));
            self.cover(member.value);
        }
        node.items().for_each(|item| self.cover(item));
    }

    pub fn codes(&self) -> Vec<&str> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.rule.code).collect()
    }
}

impl DiagnosticSink for Pages {
    fn emit(&mut self, diagnostic: Diagnostic) {
        let found = diagnostic.place.locate();
        self.covered.push((found.start.byte, found.end.byte));
        self.diagnostics.push(diagnostic);
    }
}

impl RecordVisitor for Pages {
    fn record(&mut self, tree: &mut Tree) {
        let mut out = Vec::new();
        chancery::write::json::compact(tree.root(), &mut out);
        self.records.push(serde_json::from_slice(&out).expect("records are JSON"));
        self.cover(tree.root());
    }

    fn malformed(&mut self) {
        self.broken += 1;
    }

    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.emit(diagnostic);
    }

    fn stop(&mut self) {}
}

pub(crate) fn read_with(text: &str, options: &Options) -> Pages {
    let feed = InputBuffer::new("page.txt", Box::new(std::io::Cursor::new(text.as_bytes().to_vec())), Position::START);
    let mut pages = Pages::default();
    read::read_all(&mut *read::chunker(Format::Handbook, feed, options), &mut pages).expect("memory can be read");
    pages
}

pub(crate) fn read(text: &str) -> Pages {
    read_with(text, &Options::default())
}

/// Labels that stand again where a value of theirs stands already, and what parts two values.
const WORDS: [&str; 24] = [
    "sup",
    "tel",
    "tel.",
    "telephone",
    "phone",
    "fax",
    "telefax",
    "e-mail",
    "email",
    "mail",
    "or",
    "and",
    "mailto",
    "web",
    "website",
    "t",
    "f",
    "e",
    "w",
    "x",
    "ph",
    "url",
    "homepage",
    "telephones",
];

/// What is neither a value, a label nor in a note; only marks that part things may be, and words that do.
pub(crate) fn lost(text: &str, pages: &Pages) -> Vec<String> {
    let mut covered = vec![false; text.len()];
    for &(start, end) in &pages.covered {
        covered[start as usize..end as usize].fill(true);
    }
    let mut stretches = vec![String::new()];
    for (at, c) in text.char_indices() {
        if covered[at] {
            stretches.push(String::new());
        } else if let Some(last) = stretches.last_mut() {
            last.push(c);
        }
    }

    let part = |c: char| c.is_whitespace() || (!c.is_alphanumeric() && !matches!(c, '.' | '-'));
    let harmless = |word: &&str| word.chars().all(|c| !c.is_alphanumeric()) || WORDS.contains(&word.to_lowercase().trim_end_matches('.'));
    stretches.into_iter().filter(|stretch| !stretch.split(part).filter(|word| !word.is_empty()).all(|word| harmless(&word))).collect()
}

/// Reads one page, and compares what is at the pointers and which findings there are.
#[track_caller]
pub(crate) fn check(text: &str, expected: &[(&str, Value)], codes: &[&str]) {
    let pages = read(text);
    assert_eq!(pages.records.len(), 1, "{:#?}", pages.records);
    for (pointer, value) in expected {
        let found = pages.records[0].pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{pointer} in {:#}", pages.records[0]);
    }
    let messages: Vec<&str> = pages.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(pages.codes(), codes, "{messages:#?}");
    assert_eq!(lost(text, &pages), Vec::<String>::new());
}

const HEAD: &str = "Office of Sample Affairs (OSA)\n\nLocation:\n\nVienna, Austria\n\n";

pub(crate) fn with_head(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

#[test]
fn a_page_without_anything_but_a_heading_and_a_place() {
    check(
        HEAD,
        &[
            ("/id", json!("office-of-sample-affairs-osa")),
            ("/name", json!("Office of Sample Affairs")),
            ("/acronym", json!("OSA")),
            ("/location", json!({"display": "Vienna, Austria", "locality": "Vienna", "country": "Austria"})),
            ("/contacts", Value::Null),
        ],
        &[],
    );
}

#[test]
fn headings_may_take_several_lines() {
    let name = json!("Office for the Coordination of Many Long Words and Others");
    for text in [
        "  Office for the Coordination of Many\n  Long Words and Others (OCML)\n\nLocation: Rome, Italy\n",
        "Office for the Coordination of Many\nLong Words and Others\n\n(OCML)\n\nLocation: Rome, Italy\n",
    ] {
        check(text, &[("/name", name.clone()), ("/acronym", json!("OCML")), ("/location/country", json!("Italy"))], &[]);
    }
    check("Sample Board (Vienna)\n\nEstablished: 1999\n", &[("/name", json!("Sample Board (Vienna)")), ("/acronym", Value::Null)], &[]);
}

#[test]
fn labels_are_spelled_in_many_ways() {
    for (label, member) in [
        ("Tel.", "/telephones/0/number"),
        ("Phone", "/telephones/0/number"),
        ("TELEPHONE", "/telephones/0/number"),
        ("Telefax", "/faxes/0/number"),
    ] {
        for between in [": ", " -- ", " — ", " : ", ":\n\n", ":\n", ":\u{a0}"] {
            let text = with_head(&format!("{label}{between}+43 1 2606 0\n"));
            check(&text, &[(member, json!("+43 1 2606 0"))], &[]);
        }
    }
    for label in ["E-mail", "Email", "E-Mail", "Mail"] {
        check(&with_head(&format!("{label}: info@osa.example.org\n")), &[("/emails", json!(["info@osa.example.org"]))], &[]);
    }
    for label in ["Established", "Year of Establishment", "Founded"] {
        check(&with_head(&format!("{label} -- 1948\n")), &[("/founding_date", json!("1948"))], &[]);
    }
}

#[test]
fn dates_are_as_exact_as_they_are_printed() {
    for (printed, date) in [
        ("1948", "1948"),
        ("July 2009", "2009-07"),
        ("in 1999", "1999"),
        ("4 August 1963", "1963-08-04"),
        ("August 4, 1963", "1963-08-04"),
        ("NA October 1975", "1975-10"),
        ("2001-09-28", "2001-09-28"),
    ] {
        check(&with_head(&format!("Established: {printed}\n")), &[("/founding_date", json!(date))], &[]);
    }
    check(
        &with_head("Established: early 1970s\n"),
        &[("/founding_date", Value::Null), ("/x_founding_date", json!("early 1970s"))],
        &["R169"],
    );
}

#[test]
fn numbers_come_in_many_forms() {
    let numbers = |printed: &str, expected: Value| check(&with_head(&format!("Tel: {printed}\n")), &[("/telephones", expected)], &[]);
    numbers("+1 212 963 1234, +1 212 963 5678", json!([{"number": "+1 212 963 1234"}, {"number": "+1 212 963 5678"}]));
    numbers("+1 212 963 1234 / +1 212 963 5678", json!([{"number": "+1 212 963 1234"}, {"number": "+1 212 963 5678"}]));
    numbers("+32 (0)2 500 44 11", json!([{"number": "+32 (0)2 500 44 11"}]));
    numbers("1 917 367 2222", json!([{"number": "1 917 367 2222"}]));
    numbers("[43] (1) 2360 2045", json!([{"number": "+43123602045", "display": "[43] (1) 2360 2045"}]));
    numbers("+1 212 963 1234 ext. 56", json!([{"number": "+1 212 963 1234", "extension": "56", "display": "+1 212 963 1234 ext. 56"}]));
    numbers("+1 212 963 1234 (switchboard)", json!([{"number": "+1 212 963 1234", "label": "switchboard"}]));
    numbers(
        "[977] (1) 221785, 221787",
        json!([{"number": "+9771221785", "display": "[977] (1) 221785"}, {"number": "+9771221787", "display": "221787"}]),
    );
    check(
        &with_head("Tel: +43 1 11 22 33 Fax: +43 1 44 55 66 E-mail: a@osa.example.org\n"),
        &[
            ("/telephones", json!([{"number": "+43 1 11 22 33"}])),
            ("/faxes", json!([{"number": "+43 1 44 55 66"}])),
            ("/emails", json!(["a@osa.example.org"])),
        ],
        &[],
    );
    check(&with_head("Tel: none\n"), &[("/telephones", Value::Null)], &["R200"]);
    check(&with_head("Tel: ask the porter\n"), &[("/telephones", Value::Null)], &["R162"]);
}

#[test]
fn mail_addresses_are_cleaned_and_guards_refused() {
    check(
        &with_head("E-mail: <mailto:a@osa.example.org>, b@osa.example.org.\n"),
        &[("/emails", json!(["a@osa.example.org", "b@osa.example.org"]))],
        &[],
    );
    for guard in ["[email protected]", "unit [at] osa.example.org", "unit(at)osa.example.org", "unit at osa.example.org"] {
        check(&with_head(&format!("E-mail: {guard}\n")), &[("/emails", Value::Null)], &["R163"]);
    }
}

#[test]
fn addresses_get_the_parts_that_are_sure() {
    check(
        &with_head(
            "Contact Information:\n\nOffice of Sample Affairs,\nVienna International Centre,\nWagramer Strasse 5,\n1400 Vienna,\nAustria\n",
        ),
        &[(
            "/addresses",
            json!([{
                "kind": "postal",
                "lines": ["Office of Sample Affairs,", "Vienna International Centre,", "Wagramer Strasse 5,", "1400 Vienna,", "Austria"],
                "recipient": "Office of Sample Affairs", "unit": "Vienna International Centre", "street_address": "Wagramer Strasse 5",
                "locality": "Vienna", "postal_code": "1400", "country": "Austria"
            }]),
        )],
        &[],
    );
    check(
        &with_head("Address:\n\nBehind the old mill\nSomewhere\n"),
        &[("/addresses", json!([{"kind": "postal", "lines": ["Behind the old mill", "Somewhere"]}]))],
        &[],
    );
}

#[test]
fn further_offices_have_their_own_address_and_numbers() {
    check(
        &with_head(
            "Address:\n\nPO Box 500\n1400 Vienna\nAustria\nTel: +43 1 2606 0\n\n\
             New York Office:\n\n2 UN Plaza\nNew York, NY 10017\nUSA\nTel: +1 212 963 1234\n",
        ),
        &[
            ("/addresses/0/post_office_box", json!("PO Box 500")),
            ("/addresses/1/label", json!("New York Office")),
            ("/addresses/1/region", json!("NY")),
            ("/telephones", json!([{"number": "+43 1 2606 0"}, {"number": "+1 212 963 1234", "label": "New York Office"}])),
        ],
        &[],
    );
}

#[test]
fn contacts_come_one_after_another() {
    check(
        &with_head(
            "Focal Points:\n\nH.E. Dr. Ada Byron, Ph.D.\nHead of Branch, Mathematics Branch/Analytical Section\nTel: +43 1 1111 1\nTel: +43 1 1111 2\n\n\
             Grace Hopper\nE-mail: hopper@osa.example.org\nTel: +43 1 2222 2\n\nOffice of the Director\nFax: +43 1 3333 3\nMs. Mary Jackson\nEngineer\n",
        ),
        &[
            (
                "/contacts/0",
                json!({
                    "role": "focal_point", "honorific_prefix": "H.E. Dr.", "name": "Ada Byron", "honorific_suffix": "Ph.D.", "title": "Head of Branch",
                    "units": ["Mathematics Branch", "Analytical Section"], "display": "Head of Branch, Mathematics Branch/Analytical Section",
                    "telephones": [{"number": "+43 1 1111 1"}, {"number": "+43 1 1111 2"}]
                }),
            ),
            ("/contacts/1/name", json!("Grace Hopper")),
            ("/contacts/1/emails", json!(["hopper@osa.example.org"])),
            ("/contacts/2", json!({"role": "focal_point", "units": ["Office of the Director"], "faxes": [{"number": "+43 1 3333 3"}]})),
            ("/contacts/3/name", json!("Mary Jackson")),
            ("/contacts/3/title", json!("Engineer")),
        ],
        &[],
    );
}

#[test]
fn numbers_of_a_contact_may_stand_without_a_label() {
    check(
        &with_head("Focal Points:\n\nMs. Jane Doe\nDirector\njane@osa.example.org\n+43 1 1111 1\n\nESTABLISHED\n1999\n"),
        &[(
            "/contacts",
            json!([{
                "role": "focal_point", "honorific_prefix": "Ms.", "name": "Jane Doe", "title": "Director",
                "telephones": [{"number": "+43 1 1111 1"}], "emails": ["jane@osa.example.org"]
            }]),
        )],
        &[],
    );
}

#[test]
fn a_contact_cut_by_a_page_stays_one() {
    check(
        &with_head("Focal Point:\n\nMr. John Doe\n\n12\n\nChief, Records Section\n\nTel: +43 1 1111 1\nMobile: +43 664 1\n"),
        &[
            ("/contacts/0/title", json!("Chief")),
            ("/contacts/0/units", json!(["Records Section"])),
            ("/contacts/0/telephones/0/number", json!("+43 1 1111 1")),
            ("/contacts/0/x_mobile", json!("+43 664 1")),
            ("/contacts/1", Value::Null),
        ],
        &["R166", "R165", "R161"],
    );
}

#[test]
fn a_label_alone_has_its_value_below() {
    check(
        &with_head("Focal Point:\n\nMr. John Doe\nTel:\n+43 1 1111 1\nFax:\nE-mail:\n\ndoe@osa.example.org\n\nMs. Jane Doe\nFax:\n"),
        &[
            ("/contacts/0/telephones/0/number", json!("+43 1 1111 1")),
            ("/contacts/0/emails", json!(["doe@osa.example.org"])),
            ("/contacts/1/name", json!("Jane Doe")),
        ],
        &["R170", "R170"],
    );
}

#[test]
fn memberships_have_bullets_and_statuses() {
    for bullet in ["-", "•", "*", "–"] {
        let text = with_head(&format!(
            "CTITF Working Group Membership:\n\n{bullet} First Group (lead)\n\n{bullet} Second Group on\nTwo Lines (co-chair)\n{bullet} Third Group\n"
        ));
        check(
            &text,
            &[
                ("/memberships/0", json!({"organization": {"acronym": "CTITF"}, "group": "First Group", "status": "lead"})),
                (
                    "/memberships/1",
                    json!({"organization": {"acronym": "CTITF"}, "group": "Second Group on Two Lines", "status": "co_chair"}),
                ),
                ("/memberships/2/status", json!("member")),
            ],
            &["R165"],
        );
    }
}

#[test]
fn unknown_labels_are_kept_and_named() {
    check(&with_head("Annual Budget: 3 million\n"), &[("/x_annual_budget", json!("3 million"))], &["R161"]);
    check(&with_head("Website:\n\nEstablished: 1999\n"), &[("/websites", Value::Null), ("/founding_date", json!("1999"))], &["R170"]);
    check(
        "Just a text.\n\nIt says nothing of a directory, and yet it is a file of that kind.\n",
        &[("/name", json!("Just a text."))],
        &["R167", "R206"],
    );
}

#[test]
fn note_marks_come_in_many_notations() {
    for (first, second, third) in
        [("¹⁰", "¹¹", "¹²"), ("[10]", "[11]", "[12]"), ("<sup>10</sup>", "<sup>11</sup>", "<sup>12</sup>"), ("10", "11", "12")]
    {
        let text = with_head(&format!(
            "Established: 1999\n\nThe office keeps samples of every kind it can find.{first} It shows them in \"halls of wonder\",{second} all over the country.\n\n\
             In 1948 it had 3.5 million of them; by 2002.5 nobody counted any more.{third}\n"
        ));
        check(
            &text,
            &[
                ("/narrative/0/refs", json!(["10", "11"])),
                (
                    "/narrative/0/text",
                    json!(
                        "The office keeps samples of every kind it can find. It shows them in \"halls of wonder\", all over the country."
                    ),
                ),
                ("/narrative/1/refs", json!(["12"])),
                ("/narrative/1/text", json!("In 1948 it had 3.5 million of them; by 2002.5 nobody counted any more.")),
                ("/references", json!([{"id": "10"}, {"id": "11"}, {"id": "12"}])),
            ],
            &["R164"],
        );
    }
}

#[test]
fn notes_on_the_page_are_citations() {
    check(
        &with_head(
            "The office was asked to collect samples of many kinds.³ It did so with some delight, and for many years.⁵\n\n³ Report of the office, page 4.\n⁵ As before.\n",
        ),
        &[
            ("/narrative/1", Value::Null),
            ("/references", json!([{"id": "3", "citation": "Report of the office, page 4."}, {"id": "5", "citation": "As before."}])),
        ],
        &["R171"],
    );
}

#[test]
fn quotations_and_headings_are_distinguished_from_paragraphs() {
    check(
        &with_head(
            "As the board of the office put it in its report of the year before:\n\nSamples are the salt of every collection.⁷\n\nOutlook\n\n\
             “Curly quotes” and an author’s apostrophe are kept as they are printed, whoever typed them.\n\n- first point\n- second point that\n  goes on\n",
        ),
        &[
            ("/narrative/1/kind", json!("quotation")),
            ("/narrative/2", json!({"kind": "heading", "text": "Outlook"})),
            ("/narrative/3/kind", json!("paragraph")),
            ("/narrative/4", json!({"kind": "list_item", "text": "first point"})),
            ("/narrative/5", json!({"kind": "list_item", "text": "second point that goes on"})),
        ],
        &["R164"],
    );
}

#[test]
fn wrapped_and_cut_paragraphs_are_joined() {
    check(
        &with_head(
            "Established: 1999\n\nThe office keeps samples of every kind that it can find in the state-\nowned halls of the country, and it shows them to whoever comes by and\n\
             \n\u{c}Office of Sample Affairs (OSA)\n\n44\n\nasks for them in writing. Location: none of this is a label.\n",
        ),
        &[
            (
                "/narrative/0/text",
                json!(
                    "The office keeps samples of every kind that it can find in the state-owned halls of the country, and it shows them to whoever comes by and asks for them in writing. Location: none of this is a label."
                ),
            ),
            ("/narrative/1", Value::Null),
        ],
        &["R166", "R166", "R165"],
    );
}

#[test]
fn missions_charged_in_prose_are_derived_mandates() {
    let text = with_head(
        "The office advises the United Nations Multidimensional Integrated Stabilization Mission in the Central African Republic (MINUSCA). \
         Mandates of the United Nations Mission in South Sudan (UNMISS) call for the protection of civilians and for human rights monitoring.⁴ \
         The United Nations Office for West Africa (UNOWA) and the disarmament of combatants (DDR) are no missions with a host country.\n",
    );
    check(
        &text,
        &[
            ("/mandates/0/mission/acronym", json!("UNMISS")),
            ("/mandates/0/mission/name", json!("United Nations Mission in South Sudan")),
            ("/mandates/0/host_countries", json!([{"name": "South Sudan", "code": "SS"}])),
            ("/mandates/0/tasks", json!(["protection_of_civilians", "human_rights"])),
            ("/mandates/0/derived", json!(true)),
            ("/mandates/0/refs", json!(["4"])),
            ("/mandates/1", Value::Null),
        ],
        &["R164", "R160"],
    );
}

#[test]
fn a_file_may_hold_several_pages() {
    let page = |name: &str| {
        format!(
            "{name} (XY)\n\nLocation:\n\nRome, Italy\n\nEstablished: 1999\n\nThe body has a narrative that is long enough to be taken for running text.\n\n"
        )
    };
    let text = format!("{}{}\u{c}12\n\n{}=====\n{}", page("Alpha Body"), page("Beta Body"), page("Gamma\nBody"), page("Delta Body"));
    let names =
        |pages: &Pages| pages.records.iter().map(|record| record["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    let whole = read(&text);
    assert_eq!(names(&whole), ["Alpha Body", "Beta Body", "Gamma Body", "Delta Body"]);
    let small = read_with(&text, &Options { window_bytes: 16, ..Options::default() });
    assert_eq!(whole.records, small.records);
    assert_eq!(lost(&text, &whole), Vec::<String>::new());
    let refused = read_with(&text, &Options { max_record_bytes: 40, ..Options::default() });
    assert_eq!((refused.records.len(), refused.broken), (0, 4));
}

#[test]
fn a_large_file_is_cut_between_pages() {
    let variants = [
        "Alpha Body 0 (XY)\n\nLocation:\n\nRome, Italy\n\nEstablished: 1999\n\nThe body has a narrative that is long enough to be taken for running text.\n\n",
        "Beta\nBody 0\n\nLocation: Vienna, Austria\n\nAddress:\n\nPO Box 1\n1400 Vienna\nAustria\n\n44\n\n",
        "=====\nGamma Body 0 (GB)\n\nFocal Points:\n\nMr. John Doe\nTel: +43 1 1\n\nMs. Jane Doe\nTel: +43 1 2\n\n=====\n",
        "\u{c}Delta Body 0\n\nLocation:\n\nRome, Italy\n\nThe body has a narrative, and Location: stands in it, and yet it is one page alone and not two.\n\n",
    ];
    let mut text = String::new();
    let mut pages = 0;
    while text.len() < 1_500_000 {
        text.push_str(&variants[pages % 7 % 4].replacen('0', &pages.to_string(), 1));
        pages += 1;
    }
    let of = |window_bytes| support::read(Format::Handbook, text.as_bytes(), &Options { window_bytes, ..Options::default() }).records;
    let whole = of(64 << 20);
    assert_eq!(whole.len(), pages);
    assert!(whole == of(1000), "a page does not depend on where the file was cut");
}

#[test]
fn the_example_of_the_guide_works() {
    let guide = include_str!("../../docs/handbook.md");
    let block =
        |kind: &str| guide.split(&format!("~~~{kind}\n")).nth(1).and_then(|rest| rest.split("~~~").next()).expect("the guide has it");
    let source = Arc::new(Source::whole("mine.toml", block("toml")));
    let forms = Arc::new(Templates::parse(&source).expect("the description is right"));
    let pages = read_with(block("text"), &Options { forms: Some(forms), ..Options::default() });
    let expected = json!({
        "id": "sample-union-su", "name": "Sample Union", "acronym": "SU",
        "addresses": [{
            "kind": "postal", "lines": ["Main Street 1, 1010 Vienna, Austria"], "street_address": "Main Street 1", "locality": "Vienna",
            "postal_code": "1010", "country": "Austria"
        }],
        "telephones": [{"number": "+431112233", "display": "[43] (1) 11 22 33"}],
        "founding_date": "1963-08-04",
        "x_members": {"count": 3, "names": ["Austria", "Belgium", "Chile"]}
    });
    assert_eq!((pages.records, pages.diagnostics.len()), (vec![expected], 0));
}

#[test]
fn carriage_returns_and_marks_of_byte_order_change_nothing() {
    let text = with_head(
        "Focal Point:\n\nMr. John Doe\nTel: +43 1 1111 1\n\nThe office keeps a narrative that runs on and on and on,\nand is wrapped.\n",
    );
    let plain = read(&text);
    let other = read(&format!("\u{feff}{}", text.replace('\n', "\r\n").replace("Tel: +43", "Tel:\u{a0}+43")));
    assert_eq!(plain.records, other.records);
    assert_eq!(other.codes(), Vec::<&str>::new());
}

#[test]
fn values_point_at_their_own_bytes() {
    let text = with_head("Focal Point:\n\nMr. John Doe\nChief, Records Section/Unit\nTel: +43 1 1111 1 ext. 9\n");
    let pages = read(&text);
    for expected in ["Mr.", "John Doe", "Chief", "Records Section", "Unit", "+43 1 1111 1", "9", "Vienna", "Austria", "OSA"] {
        assert!(pages.spans.contains(&(expected.to_owned(), expected.to_owned())), "{expected}: {:?}", pages.spans);
    }
}

#[test]
fn a_member_that_stands_twice_is_reported() {
    check(&with_head("Established: 1999\n\nEstablished: 2001\n"), &[], &["R102"]);
}

/// Reads pages all the way: normalised and checked as profiles. Gives the records, and the errors as `code pointer message`.
pub(crate) fn read_as_profiles(text: &str) -> (Vec<Value>, Vec<String>) {
    struct Profiles {
        normaliser: Normaliser,
        checker: Checker,
        records: Vec<Value>,
        errors: Vec<String>,
    }
    impl DiagnosticSink for Profiles {
        fn emit(&mut self, diagnostic: Diagnostic) {
            if diagnostic.severity == Severity::Error {
                self.errors.push(format!("{} {} {}", diagnostic.rule.code, diagnostic.pointer.unwrap_or_default(), diagnostic.message));
            }
        }
    }
    impl RecordVisitor for Profiles {
        fn record(&mut self, tree: &mut Tree) {
            let mut diagnostics: Vec<Diagnostic> = Vec::new();
            self.normaliser.normalise(tree, &mut diagnostics);
            self.checker.check(tree, &mut diagnostics);
            for diagnostic in diagnostics {
                self.emit(diagnostic);
            }
            let mut out = Vec::new();
            chancery::write::json::compact(tree.root(), &mut out);
            self.records.push(serde_json::from_slice(&out).expect("records are JSON"));
        }

        fn malformed(&mut self) {}

        fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
            self.emit(diagnostic);
        }

        fn stop(&mut self) {}
    }
    let schema = Arc::new(support::schema(include_str!("../../schemas/profile.schema.json")));
    let shape = Arc::new(Shape::of(&schema));
    let normaliser = Normaliser::new(&shape, &normalise::Options::default());
    let mut profiles = Profiles { normaliser, checker: Checker::new(schema), records: Vec::new(), errors: Vec::new() };
    let feed = InputBuffer::new("page.txt", Box::new(std::io::Cursor::new(text.as_bytes().to_vec())), Position::START);
    read::read_all(&mut *read::chunker(Format::Handbook, feed, &Options::default()), &mut profiles).expect("memory can be read");
    (profiles.records, profiles.errors)
}

#[test]
fn samples_are_valid_profiles() {
    for sample in [SEED, include_str!("../../input/interpol.txt"), include_str!("../../input/unodc-tpb.txt")] {
        let (records, errors) = read_as_profiles(sample);
        assert_eq!((records.len(), errors), (1, Vec::new()));
    }
    let (records, _) = read_as_profiles(include_str!("../../input/interpol.txt"));
    assert_eq!(records[0]["telephones"], json!([{"number": "+33472447000", "display": "+33 (0)4 72 44 70 00"}]));
    assert_eq!(records[0]["location"]["country_code"], "FR");
}

// Whole members as a person wrote them, normal forms and all.
#[test]
fn the_seed_page_becomes_the_profile_a_person_made_of_it() {
    let (Some(page), Some(truth)) = (support::shared("data/seed-page/dpko.txt"), support::shared("design/dpko.json")) else { return };
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).expect("it is there")).expect("it is JSON");
    let (records, errors) = read_as_profiles(&std::fs::read_to_string(page).expect("the page is text"));
    assert_eq!(errors, Vec::<String>::new());
    for member in ["name", "acronym", "location", "addresses", "contacts", "websites", "founding_date", "memberships", "references"] {
        assert_eq!(records[0][member], truth[member], "{member}");
    }
    // The missions that the page names; a person called the other one in words of her own.
    for mandate in 0..3 {
        let mut rendered = truth["mandates"][mandate].clone();
        rendered["derived"] = json!(true);
        rendered["evidence"] = records[0]["mandates"][mandate]["evidence"].clone();
        assert_eq!(records[0]["mandates"][mandate], rendered);
    }
}

#[test]
fn samples_are_read_without_loss() {
    let folder = std::path::Path::new("input");
    let pages: Vec<_> =
        std::fs::read_dir(folder).expect("the samples are there").filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let pages: Vec<_> = pages.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    assert!(pages.len() >= 3, "{pages:?}");
    for path in pages {
        let text = std::fs::read_to_string(&path).expect("samples are text");
        let read = read(&text);
        assert!(!read.records.is_empty());
        assert_eq!(lost(&text, &read), Vec::<String>::new(), "{}", path.display());
        assert!(!read.codes().contains(&"R162"), "{}", path.display());
    }
}

// The members that a rule can read of the seed page, as a person read them.
#[test]
fn the_seed_page_is_read_as_a_person_reads_it() {
    let (Some(page), Some(truth)) = (support::shared("data/seed-page/dpko.txt"), support::shared("design/dpko.json")) else { return };
    let text = std::fs::read_to_string(page).expect("the page is text");
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).expect("it is there")).expect("it is JSON");
    let pages = read(&text);
    assert_eq!(lost(&text, &pages), Vec::<String>::new());
    let record = &pages.records[0];
    let same = |pointer: &str| assert_eq!(record.pointer(pointer), truth.pointer(pointer), "{pointer}");
    ["/name", "/acronym", "/founding_date", "/memberships", "/references"].into_iter().for_each(same);
    ["/location/display", "/location/locality", "/location/country"].into_iter().for_each(same);
    for part in ["kind", "lines", "recipient", "unit", "street_address", "locality", "region", "postal_code", "country"] {
        same(&format!("/addresses/0/{part}"));
    }
    for contact in 0..2 {
        for part in ["role", "honorific_prefix", "name", "title", "units", "display", "emails"] {
            same(&format!("/contacts/{contact}/{part}"));
        }
        for part in ["telephones", "faxes"] {
            let (found, printed) = (format!("/contacts/{contact}/{part}/0/number"), format!("/contacts/{contact}/{part}/0/display"));
            assert_eq!(record.pointer(&found), truth.pointer(&printed), "{found}");
        }
    }
    assert_eq!(record.pointer("/websites/0/url"), truth.pointer("/websites/0/display"));
    for mandate in 0..3 {
        for part in ["mission", "host_countries", "tasks", "refs"] {
            same(&format!("/mandates/{mandate}/{part}"));
        }
    }
    assert_eq!(record["mandates"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        record["mandates"][3]["tasks"],
        json!(["police_capacity", "transnational_organized_crime", "human_trafficking", "drug_trafficking", "maritime_security"])
    );
    let blocks = record["narrative"].as_array().expect("there is a narrative");
    let rendered = truth["narrative"].as_array().expect("there is a narrative");
    assert_eq!(blocks.len(), rendered.len());
    for (block, rendered) in blocks.iter().zip(rendered) {
        assert_eq!(block.get("refs"), rendered.get("refs"));
        assert_eq!(block["kind"] == "quotation", rendered.get("attribution").is_some());
    }
}

#[test]
fn another_directory_is_taught_by_a_description_alone() {
    let Some(folder) = support::shared("data/factbook-organizations") else { return };
    let source = Arc::new(Source::whole(
        "factbook.toml",
        std::fs::read_to_string("crates/formats/src/read/handbook/forms/factbook.toml").expect("it is there"),
    ));
    let forms = Arc::new(Templates::parse(&source).expect("the description is right"));
    let taught = Options { forms: Some(forms), ..Options::default() };
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).expect("it is text");
    let truth: Vec<Value> = truth.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let whole = std::fs::read_to_string(folder.join("all-entries.txt")).expect("it is text");
    let mut checked = 0;
    // By the description given, and found among those that come with the program.
    for options in [&taught, &Options::default(), &Options { window_bytes: 500, ..taught.clone() }] {
        let all = read_with(&whole, options);
        assert_eq!(lost(&whole, &all), Vec::<String>::new());
        assert_eq!(all.records.len(), truth.len());
        for (record, truth) in all.records.iter().zip(&truth) {
            checked += against_truth(record, truth);
        }
    }
    for truth in &truth {
        let text = std::fs::read_to_string(folder.join("entries").join(truth["file"].as_str().unwrap_or_default())).expect("it is text");
        let one = read_with(&text, &taught);
        assert_eq!(lost(&text, &one), Vec::<String>::new());
        checked += against_truth(&one.records[0], truth);
    }
    // One page has a control character where an apostrophe was, in its address and its country.
    let (_, errors) = read_as_profiles(&whole);
    assert_eq!(errors.iter().map(|error| &error[..4]).collect::<Vec<_>>(), ["S105", "S105"], "{errors:#?}");
    println!("factbook: {checked} values as in the truth");
    assert!(checked >= 1052, "{checked}");
}

fn against_truth(record: &Value, truth: &Value) -> usize {
    let mut checked = 0;
    let mut same = |found: Value, expected: &Value| {
        checked += 1;
        assert_eq!(&found, expected, "{}", truth["heading"]);
    };
    same(record["name"].clone(), &truth["name"]);
    same(record["acronym"].clone(), &truth["acronym"]);
    let year = record["founding_date"].as_str().and_then(|date| date[..4].parse::<u64>().ok());
    same(json!(year), &truth["year"]);
    for (member, known) in [("telephones", "telephone_e164"), ("faxes", "fax_e164")] {
        if let Some(expected) = truth[known].as_str() {
            same(record[member][0]["number"].clone(), &json!(expected));
        }
    }
    same(record["x_members"].get("count").cloned().unwrap_or(Value::Null), &truth["member_count"]);
    for field in truth["fields"].as_array().into_iter().flatten() {
        let (label, text) = (field[0].as_str().unwrap_or_default(), field[1].as_str().unwrap_or_default());
        // The truth sets a blank where a line ends in a hyphen.
        let text = text.replace("- ", "-");
        let found = match label {
            "note" => record["x_note"].clone(),
            "address" => record["addresses"][0]["lines"][0].clone(),
            "aim" => record["functions"][0].clone(),
            "effective" => record["x_effective"].clone(),
            "telephone" | "FAX" => {
                let member = if label == "FAX" { "faxes" } else { "telephones" };
                let printed: Vec<&str> =
                    record[member].as_array().into_iter().flatten().filter_map(|phone| phone["display"].as_str()).collect();
                json!(printed.join(", "))
            }
            "established" => continue,
            members => {
                let plural = if members.ends_with('s') { members.to_owned() } else { format!("{members}s") };
                let entry = &record[format!("x_{}", plural.replace(' ', "_"))];
                let of = entry["of"].as_str().map(|of| format!(" {of}")).unwrap_or_default();
                let names: Vec<&str> = entry["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                json!(format!("({}{of}) {}", entry["count"], names.join(", ")))
            }
        };
        same(found, &json!(text));
    }
    checked
}

const SEED: &str = include_str!("../../input/dpko.txt");

fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\u{c}".to_owned()),
        Just("Location:".to_owned()),
        Just("Tel: 1 2 ext. 3 Fax: [43] (1) 22222, 33333\n".to_owned()),
        Just("E-mail: a at b.org".to_owned()),
        Just("- item (lead)\n".to_owned()),
        Just("¹²[3]<sup>4</sup>.5 ".to_owned()),
        Just("Focal Points:\n\n".to_owned()),
        Just("Vienna Office:\n".to_owned()),
        Just("(X".to_owned()),
        Just("United Nations Mission in Chad (UNMIC)".to_owned()),
        "\\PC{0,8}",
        "[A-Za-z:.,()/\\[\\]0-9 \n-]{0,20}",
    ];
    proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, piece), 0..12).prop_map(|edits| {
        let mut text: Vec<char> = SEED.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(crate::property::cases(96))]

    #[test]
    fn no_page_makes_the_reader_fall_or_lose_a_byte(text in mutated()) {
        let whole = read(&text);
        prop_assert_eq!(lost(&text, &whole), Vec::<String>::new());
        let small = read_with(&text, &Options { window_bytes: 64, ..Options::default() });
        prop_assert_eq!(whole.records, small.records);
    }
}
