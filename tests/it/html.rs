//! The page for a browser: what it holds, that it needs nothing from elsewhere, and what a real browser makes of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{folder, run};

const SCHEMA: &str = r#"{"x-key": "/id", "required": ["id"], "properties": {"id": {"type": "string"}, "mails": {"items": {"format": "email"}},
    "kind": {"enum": ["office", "mission"]}, "size": {"maximum": 9}}}"#;

fn page(files: &[(&str, &str)], flags: &[&str]) -> (tempfile::TempDir, String) {
    let home = folder(&[&[("schema.json", SCHEMA)], files].concat());
    let ran = run(home.path(), &[&["check", "--schema", "schema.json", "--report", "html=page.html", "--quiet", "data"], flags].concat());
    assert!(ran.status < 2, "{}", ran.err);
    let page = std::fs::read_to_string(home.path().join("page.html")).expect("the page is there");
    (home, page)
}

const DATA: &[(&str, &str)] = &[
    ("data/a.json", "[{\"id\": \"a\", \"mails\": [\"x@y.org\", \"desk@\"], \"kind\": \"ofice\"},\n {\"id\": \"a\", \"size\": 12}]"),
    ("data/b.csv", "id,size\nb,3\nc,10\n"),
];

#[test]
fn a_page_holds_charts_and_findings_and_nothing_from_elsewhere() {
    let (_home, text) = page(DATA, &[]);
    let body = text.split("</style>").nth(1).expect("a body").split("<script>").next().expect("a body");
    insta::assert_snapshot!(body.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    for call in ["http://", "https://", "src=", "@import", "url(", "<link", "<img", "<iframe", " on"] {
        let outside = text.replace("https://www.example.org", "");
        let found = outside
            .to_lowercase()
            .split("<script>")
            .next()
            .is_some_and(|text| text.contains(&format!("{call}\"")) || (call != " on" && text.contains(call)));
        assert!(!found, "{call}");
    }
    let (_, again) = page(DATA, &["--jobs", "2"]);
    assert_eq!(text, again);
}

#[test]
fn data_is_text_and_never_markup() {
    let hostile = "<script>alert(1)</script>\"' onload=x --> &amp; ]]> </pre></details>\u{202e}";
    let record = format!("{{\"id\": 5, \"kind\": {}, \"<b>\": 1}}", serde_json::to_string(hostile).expect("JSON"));
    let (_home, text) = page(&[("data/a&b<i>'\".json", &record), ("data/k.json", &record.replace('5', "\"<u>\""))], &[]);
    for raw in ["<script>alert", "<b>", "<i>", "<u>", "\u{202e}", "</pre></details>\\"] {
        assert!(!text.contains(raw), "{raw}");
    }
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_large_page_stays_one_that_can_be_opened() {
    let mut rows = String::from("id,size\n");
    for number in 0..20_000 {
        let _ = writeln!(rows, "r{number},{}", 10 + number);
    }
    let (_home, text) = page(&[("data/a.csv", &rows)], &[]);
    assert!(text.len() < 10 << 20, "{}", text.len());
    assert_eq!(text.matches("<tr data-").count(), 5_000);
    assert!(text.contains("<h1>20000 errors</h1>") && text.contains("and 15000 more errors: S107 out-of-range 15000"));
}

#[test]
fn nothing_found_is_a_page_too() {
    let (home, text) = page(&[("data/a.json", "{\"id\": \"a\"}")], &[]);
    assert!(text.contains("<h1>Nothing found</h1>") && text.contains("1 valid"));
    if let Some(dom) = dom(home.path(), "") {
        assert!(dom.contains("Nothing was found."), "{dom}");
    }
}

/// The page as a browser leaves it, with `#hash` behind its address. `None`, said aloud, where there is no browser.
fn dom(home: &Path, hash: &str) -> Option<String> {
    let mut browser = Command::new("chromium");
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]);
    browser.args(["--disable-component-update", "--disable-sync", "--dump-dom"]);
    browser.arg(format!("--user-data-dir={}", home.join("browser").display()));
    browser.arg(format!("file://{}{hash}", home.join("page.html").display()));
    match browser.output() {
        Ok(output) => Some(String::from_utf8(output.stdout).expect("a page is UTF-8")),
        Err(error) => {
            eprintln!("SKIPPED: chromium cannot be run: {error}");
            None
        }
    }
}

#[test]
fn a_browser_shows_the_findings_that_the_address_asks_for() {
    let (home, _) = page(DATA, &[]);
    let Some(all) = dom(home.path(), "") else { return };
    let shown = |dom: &str| dom.matches("<tr data-").count() - dom.matches("hidden=\"\"><td>").count();
    assert_eq!(shown(&all), 5, "{all}");
    for (hash, expected) in [
        ("#rule=S107", 2),
        ("#q=desk%40", 2),
        ("#severity=warning", 0),
        ("#file=data%2Fb.csv", 1),
        ("#q=expected+ofice&rule=S106", 1),
        ("#rule=none", 5),
    ] {
        let dom = dom(home.path(), hash).expect("it was there before");
        assert_eq!(shown(&dom), expected, "{hash}: {dom}");
    }
}

const LOOK: &str = r"
const { chromium } = require('playwright-core');
(async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  for (const [width, colorScheme] of [[390, 'dark'], [1280, 'light']]) {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    page.on('console', (message) => console.log('console', message.text()));
    page.on('pageerror', (error) => console.log('error', String(error)));
    page.on('request', (request) => { if (!request.url().startsWith('file:')) console.log('request', request.url()); });
    await page.goto('file://' + process.argv[1]);
    for (const details of await page.locator('details').all()) await details.evaluate((node) => { node.open = true; });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    await page.fill('input[name=q]', 'desk@');
    await page.selectOption('select[name=rule]', 'S104');
    const rows = await page.locator('tbody tr:visible').count();
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    console.log(width, wider, rows, await page.evaluate(() => location.hash), ground);
  }
  await browser.close();
})();
";

#[test]
fn a_browser_at_work_has_nothing_to_complain_of() {
    let modules = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/node_modules"));
    if !modules.join("playwright-core").exists() {
        return eprintln!("SKIPPED: {} has no playwright-core", modules.display());
    }
    let wide = format!("{{\"id\": \"{}\", \"mails\": [\"desk@\"], \"kind\": \"{}\"}}", "i".repeat(300), "k".repeat(3000));
    let (home, _) = page(&[("data/wide.json", &wide), DATA[0]], &[]);
    let output = Command::new("node")
        .env("NODE_PATH", modules)
        .args(["-e", LOOK, "--"])
        .arg(home.path().join("page.html"))
        .output()
        .expect("node was there to install it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "390 false 2 #q=desk%40&rule=S104 rgb(21, 24, 28)\n1280 false 2 #q=desk%40&rule=S104 rgb(251, 250, 247)\n");
}
