//! Properties of fix on generated data and layouts: a second run changes nothing, no error is introduced, and normalising
//! values in the text does not change the normalised record.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use chancery::check::Checker;
use chancery::diagnostic::{Diagnostic, Severity};
use chancery::files::open;
use chancery::fix::{self, Input, Job, Outcome};
use chancery::normalise::{self, Normaliser};
use chancery::pipeline::{Opened, Policy, RecordPipeline, Stage};
use chancery::read::{self, Format};
use chancery::schema::{Schema, Shape};
use proptest::prelude::*;

use crate::fix::SCHEMA;
use crate::support;

static KNOWN: LazyLock<(Arc<Schema>, Arc<Shape>)> = LazyLock::new(|| {
    let schema = Arc::new(support::schema(SCHEMA));
    let shape = Arc::new(Shape::of(&schema));
    (schema, shape)
});

fn stages() -> Vec<Arc<dyn Stage>> {
    let (schema, shape) = &*KNOWN;
    vec![Arc::new(Normaliser::new(shape, &normalise::Options::default())), Arc::new(Checker::new(Arc::clone(schema)))]
}

fn options() -> read::Options {
    read::Options { shape: Arc::clone(&KNOWN.1), ..read::Options::default() }
}

fn apply_fixes(text: &[u8], format: Format, guesses: bool, select: &[&str]) -> Outcome {
    mend_with(stages(), text, format, guesses, select)
}

fn mend_with(stages: Vec<Arc<dyn Stage>>, text: &[u8], format: Format, guesses: bool, select: &[&str]) -> Outcome {
    let input = open::Input::new("input", None);
    let text = text.to_vec();
    let open = move |files: &fix::FileOverlay| {
        files.load(&input.name, &*text);
        let opened = files.open(&input, None)?;
        Ok(Opened { format, decoded: opened.decoded, chunker: read::chunker(format, opened.feed, &options()) })
    };
    let job = Job {
        inputs: vec![Input { name: "input".into(), pipeline: 0, open: Box::new(open) }],
        pipelines: vec![RecordPipeline { stages, references: None, lenient: false, redactor: None }],
        complete: false,
        policy: Policy { select: select.iter().map(|code| (*code).to_owned()).collect(), ..Policy::default() },
        suppress: Vec::new(),
        guesses,
        jobs: 1,
    };
    fix::run(&job, &AtomicBool::new(false)).expect("keys are in memory")
}

/// The records in normal form, and how many errors of each rule there are.
fn seen(format: Format, text: &[u8]) -> (Vec<String>, BTreeMap<&'static str, usize>) {
    let mut read = read::collect(format, "input", text, &options()).expect("it is text");
    let mut diagnostics: Vec<Diagnostic> = std::mem::take(&mut read.diagnostics);
    let mut records = Vec::new();
    for record in &mut read.records {
        stages().iter().for_each(|stage| stage.work(record, &mut diagnostics));
        let mut out = Vec::new();
        chancery::write::json::compact(record.root(), &mut out);
        records.push(String::from_utf8(out).expect("JSON is UTF-8"));
    }
    let mut errors = BTreeMap::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
        *errors.entry(diagnostic.rule.code).or_default() += 1;
    }
    (records, errors)
}

fn laws(format: Format, text: &str) -> Result<(), TestCaseError> {
    let (normal, errors) = seen(format, text.as_bytes());
    for (guesses, select) in [(false, &[][..]), (true, &[]), (false, &["N"])] {
        let outcome = apply_fixes(text.as_bytes(), format, guesses, select);
        prop_assert!(outcome.unreadable.is_empty());
        let Some(file) = outcome.files.first() else { continue };
        let new = String::from_utf8_lossy(&file.new).into_owned();
        prop_assert_ne!(&new, text, "only changed files are reported");
        let mut again = text.as_bytes().to_vec();
        for change in file.changes.iter().rev() {
            again.splice(change.range.clone(), change.text.iter().copied());
        }
        prop_assert_eq!(&String::from_utf8_lossy(&again), &new, "the changes come to the new text");
        let (normal_after, errors_after) = seen(format, &file.new);
        prop_assert_eq!(normal.len(), normal_after.len());
        let worse = errors_after.iter().find(|(code, count)| errors.get(*code).is_none_or(|before| before < count));
        prop_assert!(worse.is_none(), "{worse:?} in\n{text}\n---\n{new}");
        if select == ["N"] {
            prop_assert_eq!(&normal, &normal_after, "{} became {}", text, new);
        }
        let twice = apply_fixes(&file.new, format, guesses, select);
        prop_assert!(twice.files.is_empty(), "twice: {text}\n---\n{new}\n---\n{}", String::from_utf8_lossy(&twice.files[0].new));
        prop_assert_eq!(twice.rejected.len(), outcome.rejected.len());
    }
    Ok(())
}

/// Texts that one format or another has to be careful with, or that a pass brings to another form.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "x",
        " x ",
        "12",
        "007",
        "-0",
        "1e5",
        "true",
        "null",
        "no",
        "~",
        "",
        " ",
        "Dark Blue",
        "red",
        "+41 44 668 18 00 ext. 5",
        "0041446681800",
        "4 August 1963",
        "1963-08",
        "a\u{301}",
        "x\r\ny",
        "x\n\n y\n",
        "\tx",
        "it's",
        "\"q\"",
        "# a",
        "- a",
        "a: b",
        "a #b",
        "<b>&amp;",
        "]]>",
        "[1]",
        "{}",
        "=1",
        "'",
        "\\u0041",
        "\\",
        "mailto:<X@EX.org>;",
        "Kenya",
        "ke",
        "é€😀",
        "a,b;c|d",
        "*x",
        "&x",
        "!x",
        "@",
        "`",
        "%",
        "x:",
        "?",
        "|",
        ">",
        "\u{feff}x",
        "\u{2028}",
        "\u{85}",
        "\u{7f}",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "\\PC{0,12}", 1 => "[ a'\"\\\\\n:#,-]{0,8}"]
}

#[derive(Clone, Debug)]
enum Data {
    Text(String),
    Literal(String),
    List(Vec<Data>),
    Object(Vec<(String, Data)>),
}

fn data() -> impl Strategy<Value = Data> {
    let literal = prop::sample::select(vec!["12", "1948", "1.0", "-5", "true", "null"]).prop_map(|text| Data::Literal(text.to_owned()));
    let scalar = prop_oneof![4 => text().prop_map(Data::Text), 1 => literal].boxed();
    let list = prop::collection::vec(scalar.clone(), 0..4).prop_map(Data::List);
    let inner = prop::collection::vec(
        (prop::sample::select(vec!["number", "display", "ext", "country", "code", "nubmer", "contry"]), scalar.clone()),
        0..4,
    );
    let object = inner.prop_map(|members| Data::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
    prop_oneof![6 => scalar, 1 => list, 2 => object]
}

const NAMES: &[&str] = &["id", "count", "zip", "ok", "note", "mail", "kind", "since", "tel", "seat", "tags", "knid", "nots", "a b"];

fn record() -> impl Strategy<Value = Vec<(String, Data)>> {
    prop::collection::vec((prop::sample::select(NAMES), data()), 0..7)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What stands between tokens, each taken in turn.
struct Gaps {
    gaps: Vec<&'static str>,
    at: usize,
}

impl Gaps {
    fn next(&mut self) -> &'static str {
        self.at += 1;
        self.gaps[self.at % self.gaps.len()]
    }
}

fn gaps(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(of), 1..8)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

fn json(data: &Data, gaps: &mut Gaps, out: &mut String) {
    let list = |open: char, close: char, parts: Vec<(Option<&String>, &Data)>, gaps: &mut Gaps, out: &mut String| {
        out.push(open);
        for (number, (name, value)) in parts.into_iter().enumerate() {
            if number > 0 {
                out.push_str(gaps.next());
                out.push(',');
            }
            out.push_str(gaps.next());
            if let Some(name) = name {
                let _ = write!(out, "{}{}:{}", quoted(name), gaps.next(), gaps.next());
            }
            json(value, gaps, out);
        }
        out.push_str(gaps.next());
        out.push(close);
    };
    match data {
        Data::Text(text) => out.push_str(&quoted(text)),
        Data::Literal(text) => out.push_str(text),
        Data::List(items) => list('[', ']', items.iter().map(|item| (None, item)).collect(), gaps, out),
        Data::Object(members) => list('{', '}', members.iter().map(|(name, value)| (Some(name), value)).collect(), gaps, out),
    }
}

/// A block of YAML in some style for each scalar; what cannot are in it is in double quotes.
fn yaml(members: &[(String, Data)], indent: usize, styles: &mut Gaps, out: &mut String) {
    let blanks = " ".repeat(indent);
    if members.is_empty() {
        let _ = writeln!(out, "{blanks}{{}}");
    }
    for (name, value) in members {
        let name = if styles.next() == "'" { format!("'{name}'") } else { name.clone() };
        let scalar = |text: &str, styles: &mut Gaps| {
            let one_line = !text.chars().any(|c| c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{85}'));
            let word = !text.is_empty() && text.chars().all(char::is_alphanumeric);
            match styles.next() {
                "'" if one_line => format!("'{}'", text.replace('\'', "''")),
                "plain" if word => text.to_owned(),
                "|" if one_line && !text.trim().is_empty() && !text.starts_with(' ') => format!("|\n{blanks}   {text}\n"),
                ">" if word => format!(">+ # c\n{blanks}  {text}\n\n"),
                _ => quoted(text).replace('\u{7f}', "\\x7f").replace('\u{85}', "\\x85").replace('\u{feff}', "\\ufeff"),
            }
        };
        let is_anchored = out.rfind("---\n").is_some_and(|start| out[start..].contains("&x "));
        match value {
            Data::Text(_) if is_anchored && styles.next() == "*" => {
                let _ = writeln!(out, "{blanks}{name}: *x");
            }
            Data::Text(text) if styles.next() == "&" => {
                let _ = writeln!(
                    out,
                    "{blanks}{name}: &x {}",
                    quoted(text).replace('\u{7f}', "\\x7f").replace('\u{85}', "\\x85").replace('\u{feff}', "\\ufeff")
                );
            }
            Data::Text(text) => {
                let text = scalar(text, styles);
                let comment = if text.contains('\n') { "" } else { ["", " # c", "   #"][text.len() % 3] };
                let _ = writeln!(out, "{blanks}{name}: {text}{comment}");
            }
            Data::Literal(text) => {
                let _ = writeln!(out, "{blanks}{name}:  {text}");
            }
            Data::List(items) if items.is_empty() => {
                let _ = writeln!(out, "{blanks}{name}: [ ]");
            }
            Data::List(items) => {
                let _ = writeln!(out, "{blanks}{name}:");
                for item in items {
                    let item = match item {
                        Data::Text(text) => scalar(text, styles),
                        Data::Literal(text) => text.clone(),
                        _ => "x".to_owned(),
                    };
                    let _ = writeln!(out, "{blanks}- {item}");
                }
            }
            Data::Object(members) if members.is_empty() => {
                let _ = writeln!(out, "{blanks}{name}: {{}}");
            }
            Data::Object(members) => {
                let _ = writeln!(out, "{blanks}{name}: # c");
                yaml(members, indent + 3, styles, out);
            }
        }
    }
}

fn xml_text(text: &str, style: &str) -> String {
    let kept: String =
        text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)).collect();
    if style == "cdata" && !kept.contains("]]>") {
        return format!("<![CDATA[{kept}]]>");
    }
    kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

fn xml(name: &str, data: &Data, styles: &mut Gaps, out: &mut String) {
    let name = if name == "a b" { "a_b" } else { name };
    match data {
        Data::Text(text) | Data::Literal(text) => {
            let style = styles.next();
            let _ = write!(out, "<{name}{}>{}</{name}\n>", if style == "gap" { " " } else { "" }, xml_text(text, style));
        }
        Data::List(items) => items.iter().for_each(|item| xml(name, item, styles, out)),
        Data::Object(members) => {
            let _ = write!(out, "<{name}");
            let mut elements = Vec::new();
            let mut seen = Vec::new();
            for (name, value) in members {
                match value {
                    Data::Text(text) if styles.next() == "attribute" && !seen.contains(name) && name != "a b" => {
                        seen.push(name.clone());
                        let text = xml_text(text, "").replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;");
                        let _ = write!(out, "\n {name}=\"{text}\"");
                    }
                    value => elements.push((name, value)),
                }
            }
            out.push('>');
            for (name, value) in elements {
                let _ = write!(out, "{}", if styles.next() == "gap" { "\n  <!-- c -->\n  " } else { "" });
                xml(name, value, styles, out);
            }
            let _ = write!(out, "</{name}>");
        }
    }
}

const BLANKS: &[&str] = &["", " ", "\n", "\r\n\t", "  "];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: ProptestConfig::default().failure_persistence, ..crate::property::cases(96) })]

    #[test]
    fn of_json(records in prop::collection::vec(record(), 1..4), blanks in gaps(BLANKS)) {
        let mut text = String::new();
        let all = Data::List(records.into_iter().map(Data::Object).collect());
        json(&all, &mut Gaps { gaps: blanks, at: 0 }, &mut text);
        laws(Format::Json, &text)?;
        // JSON is YAML too, in its flow style, except for a few characters.
        let is_yaml = !text.contains(['\u{7f}', '\u{85}', '\u{feff}', '\u{2028}', '\t']);
        if is_yaml && !text.contains('\r') {
            laws(Format::Yaml, text.trim_start_matches('[').trim_end_matches(']').split("},").next().unwrap_or_default().trim())?;
        }
    }

    #[test]
    fn of_ndjson(records in prop::collection::vec(record(), 1..5), end in prop::sample::select(&["\n", "\r\n", "\n\n", "\nx\n"][..]), last: bool) {
        let mut text = String::new();
        for record in records {
            json(&Data::Object(record), &mut Gaps { gaps: vec![" "], at: 0 }, &mut text);
            text.push_str(end);
        }
        laws(Format::Ndjson, if last { &text } else { text.trim_end() })?;
    }

    #[test]
    fn of_yaml(records in prop::collection::vec(record(), 1..3), styles in gaps(&["'", "plain", "\"", "|", ">", "&", "*"]), windows: bool) {
        let mut text = String::from("# top\n");
        for record in &records {
            text.push_str("---\n");
            yaml(record, 0, &mut Gaps { gaps: styles.clone(), at: 0 }, &mut text);
        }
        laws(Format::Yaml, &if windows { text.replace('\n', "\r\n") } else { text })?;
    }

    #[test]
    fn of_csv(
        rows in prop::collection::vec(prop::collection::vec((text(), 0_u8..4), 8..10), 1..5),
        end in prop::sample::select(&["\n", "\r\n"][..]),
        delimiter in prop::sample::select(&[",", ";", "\t"][..]),
        quotes: bool,
    ) {
        let names = ["id", "count", "knid", "note", "tel/number", "tel/display", "seat/country", "seat/code", "tags/0"];
        let names = names.map(|name| if quotes { format!("\"{name}\"") } else { name.to_owned() });
        let mut text = names.join(delimiter) + end;
        for row in rows {
            let cells: Vec<String> = row.iter().map(|(cell, style)| match style {
                0 => String::new(),
                1 if !cell.contains([',', ';', '\t', '"', '\n', '\r']) => cell.clone(),
                2 if !cell.contains([',', ';', '\t', '\n', '\r']) && !cell.starts_with('"') => cell.clone(),
                _ => format!("\"{}\"", cell.replace('"', "\"\"")),
            }).collect();
            text += &(cells.join(delimiter) + end);
        }
        laws(Format::Csv, &text)?;
        laws(Format::Csv, text.trim_end())?;
    }

    #[test]
    fn of_xml(records in prop::collection::vec(record(), 1..3), styles in gaps(&["", "cdata", "gap", "attribute"])) {
        let mut text = String::from("<records>");
        let mut styles = Gaps { gaps: styles, at: 0 };
        for record in records {
            text.push('\n');
            xml("record", &Data::Object(record), &mut styles, &mut text);
        }
        text.push_str("</records>");
        laws(Format::Xml, &text)?;
    }

    #[test]
    fn of_toml(record in record(), styles in gaps(&["'", "\"", "\"\"\""])) {
        let mut styles = Gaps { gaps: styles, at: 0 };
        let value = |data: &Data, styles: &mut Gaps| match data {
            Data::Literal(text) if text != "null" => text.clone(),
            Data::Text(text) => match styles.next() {
                "'" if !text.chars().any(|c| c.is_control() || c == '\'') => format!("'{text}' # c"),
                "\"\"\"" if !text.contains(['"', '\\', '\r', '\u{7f}']) && !text.is_empty() => format!("\"\"\"\n{text}\"\"\""),
                _ => quoted(text).replace('\u{7f}', "\\u007f"),
            },
            _ => "[ 'x', ' y ' ]".to_owned(),
        };
        let mut text = String::new();
        let (tables, plain): (Vec<_>, Vec<_>) = record.iter().partition(|(_, value)| matches!(value, Data::Object(_)));
        let mut seen: Vec<&String> = Vec::new();
        let mut is_new = |name| { let new = !seen.contains(&name); seen.push(name); new };
        for (name, data) in plain {
            if is_new(name) {
                let _ = writeln!(text, "{} = {}", if name == "a b" { "'a b'" } else { name }, value(data, &mut styles));
            }
        }
        for (name, data) in tables {
            if let Data::Object(members) = data && is_new(name) {
                let _ = writeln!(text, "[{}] # c", if name == "a b" { "'a b'" } else { name });
                let mut inner: Vec<&String> = Vec::new();
                for (name, data) in members {
                    if !inner.contains(&name) {
                        let _ = writeln!(text, "  {name} = {}", value(data, &mut styles));
                    }
                    inner.push(name);
                }
            }
        }
        laws(Format::Toml, &text)?;
    }
}

// Bench and sample data, whose faults were planted by others.
#[test]
fn of_the_files_at_hand() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for folder in ["input", "output", "docs/samples/library/output", "docs/samples/library/input"] {
        for entry in fs::read_dir(root.join(folder)).expect("it is there") {
            let path = entry.expect("it is readable").path();
            let Some(format) =
                Format::by_extension(&path.to_string_lossy()).filter(|_| path.file_name().is_some_and(|name| name != "report.json"))
            else {
                continue;
            };
            laws(format, &fs::read_to_string(&path).expect("it is text")).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            files += 1;
        }
    }
    assert!(files >= 4, "{files} files");
}

// Counts the values that it is given.
#[derive(Default)]
struct Counter(std::sync::atomic::AtomicU64);

impl Stage for Counter {
    fn work(&self, tree: &mut chancery::tree::Tree, _: &mut dyn chancery::diagnostic::DiagnosticSink) {
        fn count(node: chancery::tree::Node<'_>) -> u64 {
            1 + node.members().map(|member| count(member.value)).chain(node.items().map(count)).sum::<u64>()
        }
        self.0.fetch_add(count(tree.root()), std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn passes_do_not_grow_with_the_number_of_fixes() {
    // In one record and in many; equal items, other faults, and edits that are rejected.
    let one = |size: usize| {
        let items: Vec<String> = (0..size).map(|number| format!("\" {}\"", number / 2)).collect();
        (format!("{{\"tags\": [{}]}}", items.join(", ")), size)
    };
    let many = |size: usize| ((0..size).map(|number| format!("{{\"count\": \"{number}\", \"note\": \" x\"}}\n")).collect(), 2 * size);
    let refused = |size: usize| ((0..size).map(|_| "{\"count\": \"-1\", \"note\": \" x\"}\n").collect(), size);
    let made: [&dyn Fn(usize) -> (String, usize); 3] = [&one, &many, &refused];
    for (number, text) in made.into_iter().enumerate() {
        support::assert_linear(500, |size| {
            let counter = Arc::new(Counter::default());
            let (text, least) = text(size);
            let outcome =
                mend_with([stages(), vec![Arc::clone(&counter) as Arc<dyn Stage>]].concat(), text.as_bytes(), Format::Ndjson, true, &[]);
            let fixed: u64 = outcome.files.iter().flat_map(|file| file.fixed.values()).sum();
            assert!(fixed >= least as u64 && outcome.untried.is_empty(), "{number}: {fixed} of {least}");
            counter.0.load(std::sync::atomic::Ordering::Relaxed)
        });
    }
}
