//! Pages as they occur: page furniture, unlabelled addresses, several entries, values that are none, and what prose states.
//!
//! Each test has a text of its own, in the shape of pages that were read wrongly or not at all.

use std::io::Write as _;
use std::sync::Arc;

use chancery::read::Options;
use chancery::read::handbook::{Decisions, Templates};
use serde_json::{Value, json};

use crate::handbook::{check, lost, read, read_as_profiles, read_with, with_head};

/// The acronyms of missions with a mandate, each with its tasks.
fn mandates(text: &str) -> Vec<(String, Vec<String>)> {
    let words = |value: &Value| value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    let record = read(text).records.remove(0);
    let list = record["mandates"].as_array().cloned().unwrap_or_default();
    list.iter().map(|mandate| (mandate["mission"]["acronym"].as_str().unwrap_or_default().to_owned(), words(&mandate["tasks"]))).collect()
}

/// A page whose narrative is this.
fn narrative(text: &str) -> String {
    with_head(&format!("Established: 1999\n\n{text}\n"))
}

#[track_caller]
fn states(text: &str, expected: &[(&str, &[&str])]) {
    let found = mandates(&narrative(text));
    let found: Vec<(&str, Vec<&str>)> =
        found.iter().map(|(acronym, tasks)| (acronym.as_str(), tasks.iter().map(String::as_str).collect())).collect();
    let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(acronym, tasks)| (*acronym, tasks.to_vec())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_page_number_above_the_title_is_no_name() {
    for head in [
        "88\n\n",
        "A GUIDE TO BODIES\n\n88\n\n",
        "88\nA GUIDE TO BODIES\n\n",
        "88                     A GUIDE TO BODIES\n\n",
        "A Guide to Bodies        88\n\n",
    ] {
        let pages = read(&format!("{head}{}", with_head("Established: 1999\n")));
        assert_eq!(pages.records[0]["name"], json!("Office of Sample Affairs"), "{head:?}");
        assert_eq!(pages.records[0]["narrative"], Value::Null, "{head:?}");
        assert!(pages.codes().iter().all(|code| *code == "R166"), "{head:?}: {:?}", pages.codes());
    }
}

#[test]
fn furniture_inside_a_list_or_an_address_is_skipped() {
    check(
        &with_head(
            "Website: www.osa.example.org\n\nCTITF Working Group Membership:\n- First Group\n\nA GUIDE TO BODIES                    12\n\n- Second Group\n\n\
             The office keeps samples of every kind, and it shows them to\n\n13\nTHE WORLD OF BODIES\n\nwhoever comes by and asks.\n",
        ),
        &[
            ("/memberships/1/group", json!("Second Group")),
            ("/narrative/0/text", json!("The office keeps samples of every kind, and it shows them to whoever comes by and asks.")),
        ],
        &["R166", "R166", "R166", "R165", "R165"],
    );
}

#[test]
fn a_word_for_none_is_no_value() {
    check(
        &with_head(
            "Focal Points:\n\nTo be determined\n\nFax: N/A\n\nYear of Establishment: n.a.\n\nCTITF Working Group Membership: None\n\n\
             The office keeps samples of every kind that it can find in the country.\n",
        ),
        &[
            ("/contacts", Value::Null),
            ("/faxes", Value::Null),
            ("/founding_date", Value::Null),
            ("/memberships", Value::Null),
            ("/narrative/0/kind", json!("paragraph")),
        ],
        &["R200", "R200", "R200", "R200"],
    );
}

#[test]
fn a_bullet_ends_where_running_text_begins() {
    check(
        &with_head(
            "CTITF Working Group Membership:\n• First Group on Wood (lead; co-chair with the mill)\n• Second Group (lead until 2010)\n• Third Group (observer since 2011)\n\
             The Office of Sample Affairs keeps samples of every kind, and it shows them to whoever comes by.\n",
        ),
        &[
            ("/memberships/0/group", json!("First Group on Wood")),
            ("/memberships/0/status", json!("lead")),
            ("/memberships/0/note", json!("co-chair with the mill")),
            ("/memberships/1/end_date", json!("2010")),
            ("/memberships/2/status", json!("observer")),
            ("/memberships/2/start_date", json!("2011")),
            ("/memberships/3", Value::Null),
            (
                "/narrative/0/text",
                json!("The Office of Sample Affairs keeps samples of every kind, and it shows them to whoever comes by."),
            ),
        ],
        &[],
    );
}

#[test]
fn each_title_before_a_label_begins_an_entry() {
    let text = "Circle of 3 (C-3)\n\nestablished — 22 May 1984\n\naim — to agree\n\nmembers — (2) Chad, Mali\n\nCircle of 4 (C-4)\n\nestablished — NA October 1975\n\n\
                Circle of 5\n\nnote — also known as the Round Table; it meets twice\n\ntelephone — [33] (1) 40 69 30 80\n\nestablished — 22 June 1984, in Lima, Peru\n";
    let pages = read(text);
    let names: Vec<&Value> = pages.records.iter().map(|record| &record["name"]).collect();
    assert_eq!(names, ["Circle of 3", "Circle of 4", "Circle of 5"]);
    let last = &pages.records[2];
    assert_eq!(last["other_names"][0]["name"], json!("Round Table"));
    assert_eq!(last["telephones"][0]["number"], json!("+33140693080"));
    assert_eq!((&last["founding_date"], &last["founding_note"]), (&json!("1984-06-22"), &json!("in Lima, Peru")));
    assert_eq!(pages.records[1]["founding_date"], json!("1975-10"));
    assert_eq!(lost(text, &pages), Vec::<String>::new());
}

#[test]
fn a_mandate_is_its_missions_own() {
    states(
        "UNMIL's mandate covers human rights, whereas UNMIN is charged with arms control.",
        &[("UNMIL", &["human_rights"]), ("UNMIN", &["arms_control"])],
    );
    states("UNMIL's mandate does not include border management.", &[]);
    states("UNMIL is no longer mandated to support elections.", &[]);
    states("Unlike UNMIL, BINUB is mandated to support security sector reform.", &[("BINUB", &["security_sector_reform"])]);
    states("According to a newspaper, UNMIL was tasked with mine action.", &[]);
    states("A review argued that UNOCI should be mandated to provide mine action support.", &[]);
    states("UNOCI was tasked with customs management, which the mission denies.", &[]);
    states("UNMIS, in the view of the office, lacks a mandate for maritime security.", &[]);
    states("The head of UNMIL is mandated to protect civilians.", &[]);
    states("UNMIL is mandated to support elections, but not human rights.", &[("UNMIL", &["electoral_assistance"])]);
    states("UNMIL is mandated to advise the Human Rights Council.", &[]);
    states(
        "UNMIL and UNOCI are mandated to protect civilians.",
        &[("UNMIL", &["protection_of_civilians"]), ("UNOCI", &["protection_of_civilians"])],
    );
    states(
        "The mandates of UNMIL, UNOCI and UNMIS call for human rights.",
        &[("UNMIL", &["human_rights"]), ("UNOCI", &["human_rights"]), ("UNMIS", &["human_rights"])],
    );
    states("Neither UNMIL nor UNOCI is mandated to support elections.", &[]);
    states("UNMIL is mandated to support elections, the minister said.", &[]);
    states("The Council has not mandated UNMIL to support elections.", &[]);
    states("UNMIL is tasked with supporting the Office for Human Rights and Elections.", &[]);
    states("UNIFIL's mandate covers neither maritime security nor border management.", &[]);
    states("The Council tasked UNDOF with mine clearance.", &[("UNDOF", &["mine_action"])]);
}

#[test]
fn missions_are_known_by_their_acronyms() {
    let text = narrative(
        "In Haiti, for example, the UN mission helps with police training. UNAMID, set up in Sudan, is mandated to protect civilians.⁴",
    );
    let record = read(&text).records.remove(0);
    // Missions that are named come first.
    assert_eq!(record["mandates"][1]["mission_description"], json!("UN mission"));
    assert_eq!(record["mandates"][1]["host_countries"][0]["code"], json!("HT"));
    let named = &record["mandates"][0];
    assert_eq!(
        (&named["mission"], &named["host_countries"][0]["code"], &named["refs"]),
        (&json!({"acronym": "UNAMID"}), &json!("SD"), &json!(["4"]))
    );
    // The list of missions adds no country that the page does not state.
    let silent = read(&narrative("UNAMID is mandated to protect civilians.")).records.remove(0);
    assert_eq!(silent["mandates"][0]["host_countries"], Value::Null);
}

#[test]
fn a_seat_is_one_place() {
    check(
        "Office of Sample Affairs (OSA)\n\nLocation:\n\nGeneva, Switzerland, and New York, USA\n",
        &[("/location", json!({"display": "Geneva, Switzerland, and New York, USA", "locality": "Geneva", "country": "Switzerland"}))],
        &["R204"],
    );
}

#[test]
fn an_address_below_the_title_needs_no_label() {
    for between in ["\n", "\n\n"] {
        let text = format!(
            "Institute of Sample Studies (ISS){between}c/o House of Letters\n28 rue des Colonnes\nF-75002 Paris\nFrance\n\nTelephone: [33] (1) 40 69 30 80\nEstablished: 4 October 1962\n"
        );
        check(
            &text,
            &[
                ("/name", json!("Institute of Sample Studies")),
                ("/addresses/0/lines", json!(["c/o House of Letters", "28 rue des Colonnes", "F-75002 Paris", "France"])),
                ("/addresses/0/street_address", json!("28 rue des Colonnes")),
                ("/addresses/0/locality", json!("Paris")),
                ("/telephones/0/number", json!("+33140693080")),
            ],
            &[],
        );
    }
    check(
        "Mission of Samples to the United Nations\n115 East 65th Street\nNew York, N.Y. 10021\nTel: 212-288-8500\nWeb: www.samples.example.org\n",
        &[
            ("/name", json!("Mission of Samples to the United Nations")),
            ("/addresses/0/lines", json!(["115 East 65th Street", "New York, N.Y. 10021"])),
            ("/addresses/0/country_code", json!("US")),
        ],
        &["R207"],
    );
    check(
        "Commission of Samples (CS)\n\nPO Box 3243\nRoosevelt Street (Old Airport)\nW21K19\nAddis Ababa\nEthiopia\n\nTel: +251 11 551 7700\nEmail: a@cs.example.org\n",
        &[
            ("/addresses/0/post_office_box", json!("PO Box 3243")),
            ("/addresses/0/postal_code", json!("W21K19")),
            ("/addresses/0/locality", json!("Addis Ababa")),
        ],
        &[],
    );
}

#[test]
fn a_number_in_brackets_is_a_note_where_it_continues_the_count() {
    check(
        &narrative(
            "The office keeps samples under article [5] of its statutes, and calls go to [33] (1) 40 69 30 80.41\n\nIt shows them to whoever asks.42\n\n\
             41 Statutes of the office, article 5.\n42 Report of the office.",
        ),
        &[
            (
                "/narrative/0/text",
                json!("The office keeps samples under article [5] of its statutes, and calls go to [33] (1) 40 69 30 80."),
            ),
            ("/narrative/0/refs", json!(["41"])),
            ("/narrative/2", Value::Null),
            (
                "/references",
                json!([{"id": "41", "citation": "Statutes of the office, article 5."}, {"id": "42", "citation": "Report of the office."}]),
            ),
        ],
        &[],
    );
}

#[test]
fn persons_posts_numbers_and_dates_have_remarks() {
    check(
        &with_head(
            "Tel: +41 22 555 4275 / 4276\nExecutive Director: Mr. J. Doe\n\nFocal Points:\nMr. Karel Novotny and Ms. Ingrid Aalto\nAdviser, Standards Branch\nE-mail: a@osa.example.org\n\n\
             Deputy Secretary General: Sergio Mujica\n\nYear of Establishment: 2005 (institutionalized in 2009)\n",
        ),
        &[
            ("/telephones/1", json!({"number": "+41225554276", "display": "4276"})),
            ("/contacts/0", json!({"role": "head", "honorific_prefix": "Mr.", "name": "J. Doe", "title": "Executive Director"})),
            ("/contacts/1/name", json!("Karel Novotny")),
            ("/contacts/1/title", json!("Adviser")),
            ("/contacts/2/name", json!("Ingrid Aalto")),
            ("/contacts/2/emails", json!(["a@osa.example.org"])),
            ("/contacts/3", json!({"role": "deputy_head", "name": "Sergio Mujica", "title": "Deputy Secretary General"})),
            ("/founding_date", json!("2005")),
            ("/founding_note", json!("institutionalized in 2009")),
        ],
        &[],
    );
}

#[test]
fn a_wrapped_title_is_one_name() {
    for title in ["Office of Sample\nAffairs (OSA)", "  Office of Sample\n    Affairs\n  (OSA)", "Office of\nSample Affairs\n\n(OSA)"] {
        check(
            &format!("62\n\n{title}\n\nLocation:\nVienna, Austria\n"),
            &[("/name", json!("Office of Sample Affairs")), ("/acronym", json!("OSA"))],
            &["R166"],
        );
    }
    check(
        "Office of Samples\nto the United Nations\nLocation: Rome, Italy\n",
        &[("/name", json!("Office of Samples to the United Nations"))],
        &[],
    );
}

#[test]
fn hyphens_of_the_printer_are_undone() {
    let text = narrative(
        "The office has the job of keep-\ning samples, and it does so by work-\ning on the mea-\nsures of state-owned halls; its state-\nowned cellars and customs-\nand border posts help.\n\
         In all, keeping and working are what it does.",
    );
    let record = read(&text).records.remove(0);
    let found = record["narrative"][0]["text"].as_str().unwrap_or_default().to_owned();
    for expected in ["keeping samples", "by working on", "the measures of", "its state-owned cellars", "customs- and border posts"] {
        assert!(found.contains(expected), "{expected} in {found}");
    }
}

#[test]
fn raised_marks_that_became_digits_count() {
    check(
        &narrative(
            "The samples are many.39 Some of them concern the history of salt40 and others that of sugar, of which there is more.41",
        ),
        &[("/narrative/0/refs", json!(["39", "40", "41"]))],
        &["R164"],
    );
    check(
        &narrative("The samples are in hall B4 and in the halls that are called covid19 and sars2 by the staff of the house."),
        &[("/references", Value::Null)],
        &[],
    );
}

#[test]
fn parts_of_an_address_are_right_or_left_out() {
    let parts = |lines: &str| read(&with_head(&format!("Address:\n\n{lines}\n"))).records[0]["addresses"][0].clone();
    let london = parts("44 Long Lane\nLondon SW1Y5HX\nUnited Kingdom");
    assert_eq!(
        (&london["locality"], &london["postal_code"], &london["street_address"]),
        (&json!("London"), &json!("SW1Y5HX"), &json!("44 Long Lane"))
    );
    assert_eq!(parts("BP D5 Noumea CEDEX\nNew Caledonia")["post_office_box"], Value::Null);
}

const PLAIN: &str = "Office of Sample Affairs (OSA)\n\nLocation:\n\nVienna, Austria\n\nTel: +43 1 11 22 33\n\nCTITF Working Group Membership:\n\n• First Group\n• Second Group\n\n\
                     The office & its staff keep samples of every kind, and show them to whoever asks.¹²\n";

#[test]
fn html_is_read_like_its_text() {
    let html = "<!DOCTYPE html>\n<html><head><title>x</title><style>p { color: red }</style></head><body>\n<nav>Location: nowhere</nav>\n\
                <h1>Office of Sample Affairs (OSA)</h1>\n<h2>Location:</h2>\n<p>Vienna, Austria</p>\n<p><b>Tel:</b> +43 1 11 22 33</p>\n<h2>CTITF Working Group Membership:</h2>\n\
                <ul>\n<li>First Group</li>\n<li><p>Second Group</p></li>\n</ul>\n\
                <p>The office &amp; its staff keep samples of every kind,\nand show them to whoever asks.<sup>12</sup></p>\n</body></html>\n";
    let (html_records, plain_records) = (read(html).records, read(PLAIN).records);
    assert_eq!(html_records, plain_records);
    // Values point into the page.
    let place = read(html).diagnostics.iter().find(|found| found.rule.code == "R164").map(|found| found.place.locate().start.line);
    assert_eq!(place, Some(14));
}

/// A Word document of these paragraphs, as an archive with one stored and one deflated part.
fn word_document(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflated.write_all(document.as_bytes()).expect("memory can be written");
    let deflated = deflated.finish().expect("memory can be written");
    let parts: [(&str, u16, Vec<u8>, usize); 2] =
        [("[Content_Types].xml", 0, b"<Types/>".to_vec(), 8), ("word/document.xml", 8, deflated, document.len())];
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, method, packed, length) in &parts {
        let local = archive.len() as u32;
        let mut fields = Vec::new();
        fields.extend(method.to_le_bytes());
        fields.extend([0; 8]);
        fields.extend((packed.len() as u32).to_le_bytes());
        fields.extend((*length as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0; 2]);
        archive.extend(b"PK\x03\x04\x14\0\0\0");
        archive.extend(&fields);
        archive.extend(name.as_bytes());
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(local.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend((parts.len() as u16).to_le_bytes());
    archive.extend((parts.len() as u16).to_le_bytes());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn read_bytes(bytes: Vec<u8>, options: &Options) -> (Vec<Value>, Vec<String>) {
    let found = crate::support::read(chancery::read::Format::Handbook, &bytes, options);
    let records = found.records.iter().flatten().map(|record| serde_json::from_str(record).expect("records are JSON")).collect();
    (records, found.diagnostics.iter().map(|diagnostic| diagnostic.rule.code.to_owned()).collect())
}

#[test]
fn a_word_document_is_read_like_its_text() {
    let run = |text: &str| format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>");
    let item = |text: &str| format!("<w:p><w:pPr><w:numPr/></w:pPr>{}</w:p>", run(text));
    let paragraph = |text: &str| format!("<w:p>{}</w:p>", run(text));
    let body = [
        paragraph("Office of Sample Affairs (OSA)"),
        paragraph("Location:"),
        paragraph("Vienna, Austria"),
        paragraph("Tel: +43 1 11 22 33"),
        paragraph("CTITF Working Group Membership:"),
        item("First Group"),
        item("Second Group"),
        format!(
            "<w:p>{}<w:r><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr><w:t>12</w:t></w:r></w:p>",
            run("The office &amp; its staff keep samples of every kind, and show them to whoever asks.")
        ),
    ];
    let (records, _) = read_bytes(word_document(&body.concat()), &Options::default());
    assert_eq!(records, read(PLAIN).records);
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_rejected() {
    let bomb = word_document(&"<w:p/>".repeat(1 << 20));
    assert!(bomb.len() < 100_000);
    let (records, codes) = read_bytes(bomb, &Options { max_record_bytes: 1 << 20, ..Options::default() });
    assert_eq!((records, codes), (Vec::new(), vec!["R208".to_owned()]));
    let (records, codes) = read_bytes(b"PK\x03\x04 and nothing more".to_vec(), &Options::default());
    assert_eq!((records, codes), (Vec::new(), vec!["R208".to_owned()]));
}

#[test]
fn labels_may_come_after_running_text() {
    let text = "Organization of Samples in brief…\n\nEstablished in 1952 as the Council of Samples, the OS keeps samples of every kind in its many halls.\n\nFact file\n\n\
                Established: 1952\nHeadquarters: Brussels, Belgium\nSecretary General: Kunio Mikuriya\n";
    let record = read(text).records.remove(0);
    assert_eq!(record["name"], json!("Organization of Samples"));
    assert_eq!((&record["founding_date"], &record["location"]["locality"]), (&json!("1952"), &json!("Brussels")));
    assert_eq!(record["contacts"][0]["title"], json!("Secretary General"));
    assert_eq!(record["narrative"][1]["text"], json!("Fact file"));
}

#[test]
fn a_label_that_stays_in_running_text_is_an_error() {
    let text = narrative(
        "The office keeps samples of every kind and shows them to whoever comes by.\nWebsite: www.osa.example.org\nThe samples are kept in the cellar of the house, and nobody has counted them for years.",
    );
    assert!(read(&text).codes().contains(&"R201"));
}

#[test]
fn a_page_that_yields_little_never_passes() {
    let letter = "Dear reader\n\nIn 1990, 1991, 1992 and 1993 the office moved, as a letter to a@b.example.org said in 1994, and again in the year 1995.\n";
    assert!(read(letter).codes().contains(&"R206"));
    let text = with_head(
        "Established: 1999\n\nIn 1990, 1991, 1992 and 1993 the office moved, as a letter to a@b.example.org said in 1994, and again in the year 1995.\n",
    );
    assert!(read(&text).codes().contains(&"R205"));
}

#[test]
fn what_prose_states_has_its_evidence() {
    let text = with_head(
        "Established: 1999\n\nThe Office of Sample Affairs (OSA) collects samples, in partnership with the Department of Salt (DS). UNMIL, set up by Security Council resolution 1509 of 19 September 2003, is mandated to \
         support elections in Liberia.⁷\n\nOne of its projects is the Gulf of Salt Initiative, which was launched by OSA in March 2010 and brings together OSA and the World Salt Organization (WSO) in support of the \
         Union of Salt States' (USS) plan for maritime security.\n",
    );
    let record = read(&text).records.remove(0);
    assert_eq!(record["relationships"][0]["organization"]["acronym"], json!("DS"));
    let mandate = &record["mandates"][0];
    assert_eq!(mandate["instruments"][0]["symbol"], json!("S/RES/1509 (2003)"));
    assert_eq!(mandate["instruments"][0]["date"], json!("2003-09-19"));
    assert_eq!(mandate["instruments"][0]["effect"], json!("establishes"));
    let proof = &mandate["evidence"][0];
    assert_eq!((&proof["rule"], &proof["line"], &proof["confidence"]), (&json!("mandate"), &json!(9), &json!("certain")));
    assert!(proof["sentence"].as_str().is_some_and(|sentence| sentence.starts_with("UNMIL, set up") && sentence.ends_with("Liberia.")));
    let initiative = &record["initiatives"][0];
    assert_eq!((&initiative["name"], &initiative["role"]), (&json!("Gulf of Salt Initiative"), &json!("initiator")));
    assert_eq!((&initiative["start_date"], &initiative["tasks"]), (&json!("2010-03"), &json!(["maritime_security"])));
    assert_eq!(initiative["partners"].as_array().map(Vec::len), Some(1));
    assert_eq!(initiative["beneficiaries"][0]["acronym"], json!("USS"));
    let (_, errors) = read_as_profiles(&text);
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn contributions_have_the_pillars_that_are_claimed() {
    let text = narrative(
        "Its work falls under the first pillar and under Pillar III; it lays no claim to the second pillar. OSA contributes in two ways: (1) police training, and (2) mine action.",
    );
    let record = read(&text).records.remove(0);
    for (number, task) in [(0, "police_training"), (1, "mine_action")] {
        assert_eq!(record["contributions"][number]["tasks"], json!([task]));
        assert_eq!(record["contributions"][number]["pillars"], json!(["I", "III"]));
    }
}

#[test]
fn a_suggestion_is_written_once_it_is_accepted() {
    let text = narrative("The office advises on police training in many countries.");
    let pages = read(&text);
    assert_eq!(pages.records[0]["contributions"], Value::Null);
    let found = pages.diagnostics.iter().find(|found| found.rule.code == "R202").expect("it is suggested");
    let key = found.help.as_deref().and_then(|help| help.rsplit(' ').next()).expect("the help ends in the key").to_owned();
    let decided = |decision: Value| {
        let decisions = Some(Arc::new(Decisions::parse(json!([decision])).expect("it is a list of decisions")));
        let mut pages = read_with(&text, &Options { decisions, ..Options::default() });
        assert!(!pages.codes().contains(&"R202"));
        pages.records.remove(0)
    };
    let accepted = decided(json!({"key": key, "decision": "accept"}));
    assert_eq!(accepted["contributions"][0]["tasks"], json!(["police_training"]));
    assert_eq!(accepted["contributions"][0]["evidence"][0]["confidence"], json!("likely"));
    assert_eq!(decided(json!({"key": key, "decision": "reject"}))["contributions"], Value::Null);
    let edited = decided(json!({"key": key, "decision": "edit", "value": {"summary": "Advice"}}));
    assert_eq!(edited["contributions"][0]["summary"], json!("Advice"));
    // A sentence that has changed is suggested again.
    let other = read_with(
        &text.replace("many", "few"),
        &Options {
            decisions: Some(Arc::new(Decisions::parse(json!([{"key": key, "decision": "accept"}])).expect("it is a list of decisions"))),
            ..Options::default()
        },
    );
    assert!(other.codes().contains(&"R202"));
}

#[test]
fn a_table_of_contents_is_no_entry() {
    let chapter = |name: &str, page: usize| {
        format!(
            "{name}\n\nLocation:\n\nRome, Italy\n\nEstablished: 1999\n\nThe body has a narrative that is long enough to be taken for running text.\n\n\u{c}{page}\n\nA GUIDE TO BODIES\n\n"
        )
    };
    let text = format!(
        "Contents\n\nAlpha Body (AB) ........ 3\nBeta Body (BB) . . . . . 4\n\n\u{c}{}{}",
        chapter("Alpha Body (AB)", 3),
        chapter("Beta Body (BB)", 4)
    );
    let pages = read(&text);
    let names: Vec<&Value> = pages.records.iter().map(|record| &record["name"]).collect();
    assert_eq!(names, ["Alpha Body", "Beta Body"]);
    assert_eq!(lost(&text, &pages), Vec::<String>::new());
    let small = read_with(&text, &Options { window_bytes: 16, ..Options::default() });
    assert_eq!(pages.records, small.records);
}

#[test]
fn a_directory_is_taught_by_a_form_alone() {
    let form = "name = 'agency'\nseparators = [': ']\nnarrative = false\nrecords = 'titles'\nnone_words = ['not listed']\ncountry = 'AT'\n\n[[fields]]\nlabels = ['Post']\nkind = 'address'\n\n\
                [[fields]]\nlabels = ['Chief']\nkind = 'contacts'\nuse = 'head'\nnames = true\n\n[[fields]]\nlabels = ['Since']\nkind = 'date'\nmember = 'founding_date'\n";
    let forms = Templates::parse(&Arc::new(chancery::source::Source::whole("agency.toml", form))).expect("the form is right");
    let text = "Agency for Wood\nPost: Long Lane 1, 1010 Vienna\nChief: Ada Byron\nSince: 1999\n\nAgency for Water\nPost: not listed\nChief: Grace Hopper\nSince: May 2001\n";
    let pages = read_with(text, &Options { forms: Some(Arc::new(forms)), ..Options::default() });
    assert_eq!(pages.records.len(), 2);
    assert_eq!(pages.records[0]["contacts"][0], json!({"role": "head", "name": "Ada Byron", "title": "Chief"}));
    assert_eq!(pages.records[0]["addresses"][0]["country_code"], json!("AT"));
    assert_eq!((&pages.records[1]["addresses"], &pages.records[1]["founding_date"]), (&Value::Null, &json!("2001-05")));
}
