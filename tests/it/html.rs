//! The HTML report: its content, that it loads nothing else, and its behaviour in a real browser.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use quick_xml::events::Event;

use crate::harness::{folder, run};

const SCHEMA: &str = r#"{"x-key": "/id", "required": ["id"], "properties": {"id": {"type": "string"}, "mails": {"items": {"format": "email"}},
    "kind": {"enum": ["office", "mission"]}, "size": {"maximum": 9}}}"#;

fn page(files: &[(&str, &str)], flags: &[&str]) -> (tempfile::TempDir, String) {
    let home = folder(&[&[("schema.json", SCHEMA)], files].concat());
    let ran = run(home.path(), &[&["check", "--schema", "schema.json", "--report", "html=page.html", "--quiet", "data"], flags].concat());
    assert!(ran.status < 2, "{}", ran.err);
    let page = std::fs::read_to_string(home.path().join("page.html")).expect("the page is there");
    well_formed(&page);
    (home, page)
}

const DATA: &[(&str, &str)] = &[
    ("data/a.json", "[{\"id\": \"a\", \"mails\": [\"x@y.org\", \"info@\"], \"kind\": \"ofice\"},\n {\"id\": \"a\", \"size\": 12}]"),
    ("data/b.csv", "id,size\nb,3\nc,10\n"),
];

/// What stands between two marks.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    page.split_once(from).and_then(|(_, behind)| behind.split_once(to)).expect("the page has both").0
}

/// How many rows the table has, of which this many are seen.
fn rows(page: &str) -> (usize, usize) {
    let tags: Vec<&str> = page.split("<tr role=\"row\" data-").skip(1).map(|tag| tag.split_once('>').expect("a tag ends").0).collect();
    (tags.len(), tags.iter().filter(|tag| !tag.contains("hidden=\"")).count())
}

/// The page is written so that a reader of XML takes it, apart from elements that are always empty: every other tag is closed,
/// every attribute quoted, every name known. No attribute leads anywhere but to a place in the page, and none holds a script or a style.
fn well_formed(page: &str) {
    let (style, script) = (between(page, "<style>", "</style>"), between(page, "<script>", "</script>"));
    let page = page.replace(style, "").replace(script, "");
    let page = ["<meta ", "<input "].iter().fold(page, |page, tag| {
        let pieces: Vec<String> = page.split(tag).enumerate().map(|(at, piece)| piece.replacen('>', "/>", usize::from(at > 0))).collect();
        pieces.join(tag)
    });
    let mut reader = quick_xml::Reader::from_str(&page);
    reader.config_mut().check_comments = true;
    let mut ids = std::collections::BTreeSet::new();
    loop {
        match reader.read_event().expect("the page is well-formed") {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                assert!(!["link", "img", "iframe", "object", "embed", "base", "use", "image"].contains(&name.as_str()), "{name}");
                for attribute in tag.attributes() {
                    let attribute = attribute.expect("attributes are quoted and unique");
                    let (key, value) = (attribute.key.as_ref(), attribute.value.to_string());
                    assert!(!key.starts_with("on") && !["style", "src", "srcset", "action"].contains(&key), "{name} {key}");
                    assert!(key != "href" || value.starts_with('#'), "{value}");
                    assert!(key != "id" || ids.insert(value.clone()), "{value} is duplicated");
                }
            }
            Event::Comment(comment) => panic!("{comment:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_page_holds_charts_and_findings() {
    let (_home, text) = page(DATA, &[]);
    let body = between(&text, "</style>", "<script>");
    insta::assert_snapshot!(body.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    let (_, again) = page(DATA, &["--jobs", "2"]);
    assert_eq!(text, again);
}

#[test]
fn nothing_is_asked_for_elsewhere() {
    let (_home, text) = page(DATA, &[]);
    let policy = between(&text, "<meta http-equiv=\"Content-Security-Policy\" content=\"", "\">");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    for call in ["//", "url(", "@import", "@font-face", "image-set(", "fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML"] {
        let own = between(&text, "<style>", "</style>").to_owned() + between(&text, "<script>", "</script>");
        let own: String = own.lines().filter(|line| !line.trim_start().starts_with("// ")).collect();
        assert!(!own.contains(call), "{call}");
    }
}

#[test]
fn data_is_text_and_never_markup() {
    let hostile = "<script>alert(1)</script>\"' onload=x --> &amp; ]]> </pre></details><!-- \u{202e}\u{7}\u{85}\u{fffe}";
    let record = |id: &str| {
        let [hostile, name] = [hostile, &format!("<b>{hostile}")].map(|text| serde_json::to_string(text).expect("JSON"));
        format!("{{\"id\": {id}, \"kind\": {hostile},\n\"mails\": [{hostile}], {name}: 1}}")
    };
    let name = "data/a&b<i>' onload=x.json";
    let files = [
        (name, record("5")),
        ("data/k.json", record("\"<u>\"")),
        ("data/l.json", record("\"<u>\"")),
        ("data/<s>.ndjson", "{\"id\": <img src=x>\n".into()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let schema = SCHEMA.replacen('{', "{\"additionalProperties\": false, \"$comment\": \"<em>\",", 1);
    let (home, text) = page(&[&[("schema.json", schema.as_str())], files.as_slice()].concat(), &[]);
    let body = between(&text, "</style>", "<script>");
    for raw in ["<script", "<b>\"", "<b>&", "<i>", "<u>", "<s>", "<em>", "<img", "\u{202e}", "\u{7}", "\u{85}", "\u{fffe}", "<!--"] {
        assert!(!body.contains(raw), "{raw}");
    }
    assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && body.contains("\\u202e"), "{body}");
    let Some(dom) = dom(home.path(), "#file=data%2Fa%26b%3Ci%3E%27+onload%3Dx.json") else { return };
    assert_eq!((dom.matches("<script").count(), dom.matches("<img").count()), (1, 0));
    let of_file = rows(&dom);
    assert!(of_file.1 > 0 && of_file.1 < of_file.0, "{of_file:?}");
}

#[test]
fn personal_values_are_hidden() {
    let schema = SCHEMA.replacen("\"format\": \"email\"", "\"format\": \"email\", \"x-sensitive\": true", 1);
    // Around a finding stand lines of other records, also of one that could not be read.
    let records = "[{\"id\": \"a\", \"mails\": [\"anna.at.example\"]},\n{\"id\": \"b\", \"mails\": [\"zoe@b.org\"], \"size\": 12}]";
    let broken = "{\"id\": \"c\", \"mails\": [\"anna.at.example\"] \"x\"}\n{\"id\": \"d\", \"mails\": [\"zoe@b.org\"], \"size\": 12}\n";
    let files = [("schema.json", schema.as_str()), ("data/a.json", records), ("data/b.ndjson", broken)];
    let (_home, text) = page(&files, &["--mask"]);
    assert_eq!(rows(&text).0, 4);
    assert!(!text.contains("anna.at") && !text.contains("zoe@"), "{text}");
    let (_home, text) = page(&files, &[]);
    assert!(text.contains("anna.at") && text.contains("zoe@"), "{text}");
}

#[test]
fn a_large_page_stays_one_that_can_be_opened() {
    let mut table = String::from("id,size\n");
    for number in 0..20_000 {
        let _ = writeln!(table, "r{number},{}", 10 + number);
    }
    let (home, text) = page(&[("data/a.csv", &table), DATA[0]], &[]);
    assert!(text.len() < 10 << 20, "{}", text.len());
    assert_eq!(rows(&text).0, 5_000);
    assert!(text.contains("<h1 class=\"error\">20002 of 20002 records are invalid</h1>"));
    assert!(text.contains("<output>5000 findings are shown, and 15004 more errors: S107 out-of-range 15004.</output>"));
    // Each rule has a row, however late it speaks.
    assert!(["S104", "S106", "S107", "X101"].iter().all(|code| text.contains(&format!("data-rule=\"{code}\""))));
    let Some(dom) = dom(home.path(), "#q=r4321") else { return };
    assert_eq!(rows(&dom), (5_000, 1));
    assert!(dom.contains("<output>1 of 5000 findings are shown, and 15004 more errors"));
}

#[test]
fn texts_of_any_length_leave_room_for_other_findings() {
    let long = "\"&\u{7}".repeat(100_000);
    let record = serde_json::json!([{"id": "a", "size": 12}, {"id": long, "kind": long}, {"id": long, long.as_str(): {"a": 1}}]);
    let (_home, text) = page(&[("data/a.json", &record.to_string())], &[]);
    assert_eq!(rows(&text).0, 3);
    assert!(text.len() < 100_000, "{}", text.len());
}

#[test]
fn a_limit_leaves_out_and_counts() {
    let (_home, text) = page(DATA, &["--max-diagnostics", "2"]);
    assert_eq!(rows(&text).0, 2);
    assert!(text.contains("<output>2 findings are shown, and 3 more errors: S107 out-of-range 2, X101 duplicate-key 1.</output>"));
    let (_home, text) = page(DATA, &["--max-diagnostics", "0"]);
    assert!(text.contains("<output>0 findings are shown, and 5 more errors: "), "{text}");
}

#[test]
fn what_stands_at_one_place_for_many_records_is_one_row() {
    let closed = SCHEMA.replacen('{', "{\"additionalProperties\": false,", 1);
    let (_home, text) = page(&[("schema.json", &closed), ("data/a.csv", "id,zz\na,1\nb,2\nc,3\n")], &[]);
    assert_eq!(rows(&text).0, 1);
    assert!(text.contains("<p class=\"soft\">The same in 3 records.</p>"), "{text}");
    assert!(text.contains("<output>1 row is shown for 3 findings.</output>"), "{text}");
}

#[test]
fn nothing_found_is_a_page_too() {
    let (home, text) = page(&[("data/a.json", "{\"id\": \"a\"}")], &[]);
    assert!(text.contains("<h1 class=\"good\">The record is valid</h1>") && text.contains("1 valid"));
    if let Some(dom) = dom(home.path(), "#q=a") {
        assert!(dom.contains("No findings."), "{dom}");
    }
}

/// The page as a browser leaves it, with `#hash` after its address. `None`, said aloud, if there is no browser.
fn dom(home: &Path, hash: &str) -> Option<String> {
    let mut browser = Command::new(chromium());
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]);
    browser.args(["--disable-component-update", "--disable-sync", "--dump-dom"]);
    browser.arg(format!("--user-data-dir={}", home.join("browser").display()));
    browser.arg(format!("file://{}{hash}", home.join("page.html").display()));
    match browser.output() {
        Ok(output) => Some(String::from_utf8(output.stdout).expect("a page is UTF-8")),
        Err(error) => {
            crate::support::skip("chromium", error);
            None
        }
    }
}

fn chromium() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|path| path.join("chromium")).find(|path| path.exists()).unwrap_or_else(|| "chromium".into())
}

#[test]
fn a_browser_shows_the_findings_that_the_address_asks_for() {
    let (home, _) = page(DATA, &[]);
    let Some(all) = dom(home.path(), "") else { return };
    assert_eq!(rows(&all), (5, 5), "{all}");
    for (hash, expected) in [
        ("#rule=S107", 2),
        ("#q=info%40", 1),
        ("#severity=error&rule=S104", 1),
        ("#severity=warning", 5),
        ("#file=data%2Fb.csv", 1),
        ("#member=%2Fmails%2F*", 1),
        ("#q=EXPECTED+ofice&rule=S106", 1),
        ("#q=nowhere", 0),
        ("#rule=none", 5),
        ("#S104", 5),
        ("#<script>&q=%", 0),
    ] {
        let dom = dom(home.path(), hash).expect("it was there before");
        assert_eq!(rows(&dom), (5, expected), "{hash}: {dom}");
    }
}

#[test]
fn a_browser_at_work_reports_no_errors() {
    let (home, _) = page(DATA, &[]);
    if let Some(seen) = look(home.path(), "all") {
        insta::assert_snapshot!(seen);
    }
}

#[test]
fn nothing_is_too_wide_for_a_telephone() {
    let (long, wide) = ("i".repeat(300), "k".repeat(3000));
    let record = format!("{{\"id\": \"{long}\", \"mails\": [\"{wide}@\"], \"kind\": \"{wide}\", \"size\": {}}}", "9".repeat(400));
    let (home, _) = page(&[(&format!("data/{}.json", "w".repeat(200)), &record), DATA[0], DATA[1]], &[]);
    let Some(seen) = look(home.path(), "widths") else { return };
    assert_eq!(seen.matches("too wide 0, scrolls sideways false").count(), 4, "{seen}");
}

/// What `html.js` sees in a real browser. `None`, said aloud, where it or what drives it is absent.
fn look(home: &Path, what: &str) -> Option<String> {
    let modules = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node_modules"));
    if !chromium().exists() || !["playwright-core", "axe-core"].iter().all(|name| modules.join(name).exists()) {
        crate::support::skip("axe-core", format_args!("chromium, or playwright-core or axe-core in {} is absent", modules.display()));
        return None;
    }
    let output = crate::harness::outside_ci(Command::new("node"))
        .env("NODE_PATH", modules)
        .env("CHROMIUM", chromium())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/html.js"))
        .arg(what)
        .arg(home.join("page.html"))
        .output()
        .expect("node was there to install the modules");
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}
