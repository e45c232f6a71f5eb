//! Renders one self-contained page for a browser: charts, and a searchable table of findings.
//!
//! Nothing is fetched, and the page's content security policy forbids it; without JavaScript, the page shows the same.
//! Text from the data is never markup, address or script: templates escape all that is not [`Markup`]. Only the most
//! important findings are shown, so that the page works on a phone; charts and totals count all.

mod chart;
mod excerpt;
mod finding;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use super::escape;
use super::top_k::{Kept, TopFindings, omitted_text};
use super::{Options, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, Severity, one_line, rules};
use chart::{Counts, Part};
use finding::Row;

const STYLE: PreEscaped<&str> = PreEscaped(include_str!("page.css"));
const SCRIPT: PreEscaped<&str> = PreEscaped(include_str!("page.js"));
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// More findings are counted and not shown.
const MOST: usize = 5_000;
/// Maximum size of the table.
const ROOM: usize = 8 << 20;

/// The page.
pub(super) struct Html {
    findings: TopFindings<Row>,
    rules: Counts,
    files: Counts,
    members: Counts,
}

impl Html {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        let [rules, files, members] = [Counts::default(), Counts::default(), Counts::default()];
        Self { findings: TopFindings::new(most, ROOM), rules, files, members }
    }
}

impl Reporter for Html {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        self.rules.add(diagnostic.rule.code, diagnostic.severity);
        self.files.add(&diagnostic.place.locate().file, diagnostic.severity);
        self.members.add(&finding::member(diagnostic), diagnostic.severity);
        self.findings.take(diagnostic, || {
            let row = Row::new(diagnostic);
            let size = row.size();
            (row, size)
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let found = match chart::in_words([summary.errors, summary.warnings, summary.notes]) {
            found if found.is_empty() => "nothing found".to_owned(),
            found => found,
        };
        let (verdict, kind) = verdict(summary);
        // Elements around what is written in parts are opened and closed by constants.
        put(DOCTYPE, out)?;
        out.write_all(b"\n<html lang=\"en\">\n")?;
        let head = html! {
            head {
                "\n" meta charset="utf-8";
                "\n" meta name="viewport" content="width=device-width, initial-scale=1";
                "\n" meta http-equiv="Content-Security-Policy" content={
                    "default-src 'none'; style-src '" (digest(STYLE)) "'; script-src '" (digest(SCRIPT)) "'; base-uri 'none'; form-action 'none'"
                };
                "\n" meta name="generator" content={ "chancery " (VERSION) };
                "\n" title { "chancery: " (found) }
                "\n" style { (STYLE) }
                "\n"
            } "\n"
        };
        put(head, out)?;
        out.write_all(b"<body>\n")?;
        let header = html! {
            a.skip href="#findings" { "Skip to the findings" } "\n"
            header { "\n" h1 class=(kind) { (verdict) } "\n" p.soft { (summary_line(summary)) "." } "\n" } "\n"
        };
        put(header, out)?;
        out.write_all(b"<main>\n")?;
        put(overview(summary), out)?;
        put(self.charts(), out)?;
        self.table(out)?;
        self.pages(out)?;
        out.write_all(b"</main>\n")?;
        put(html! { footer { p { "Made by chancery " (VERSION) "." } } "\n" script { (SCRIPT) } "\n" }, out)?;
        out.write_all(b"</body>\n</html>\n")
    }
}

impl Html {
    fn charts(&self) -> Markup {
        let rule = |code: &str| rules::find(code).map_or_else(|| code.to_owned(), |rule| format!("{code} {}", rule.name));
        html! {
            div.charts {
                "\n"
                (self.rules.draw("Findings by rule", "rule", rule))
                (self.files.draw("Findings by file", "file", str::to_owned))
                (self.members.draw("Findings by member", "member", str::to_owned))
            } "\n"
        }
    }

    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<section class=\"sheet\" aria-labelledby=\"findings\">\n")?;
        put(html! { h2 #findings tabindex="-1" { "Findings" } "\n" }, out)?;
        let shown: Vec<_> = self.findings.by_importance().collect();
        let rest = omitted_text(&self.findings.omitted());
        if shown.is_empty() && rest.is_none() {
            put(html! { p { "No findings." } "\n" }, out)?;
            return out.write_all(b"</section>\n");
        }
        put(form(&shown), out)?;
        let findings: u64 = shown.iter().map(|kept| kept.times).sum();
        let count = match shown.len() as u64 {
            1 if findings == 1 => "1 finding is shown".to_owned(),
            rows if findings == rows => format!("{rows} findings are shown"),
            rows => format!("{} shown for {findings} findings", amount(rows, "row is", "rows are")),
        };
        put(html! { output { (count) @if let Some(rest) = rest { ", " (rest) } "." } "\n" }, out)?;
        out.write_all(b"<table role=\"table\" aria-labelledby=\"findings\">\n")?;
        let header = html! {
            thead role="rowgroup" {
                tr role="row" { @for name in ["Rule", "Place", "Finding"] { th role="columnheader" scope="col" { (name) } } }
            } "\n"
        };
        put(header, out)?;
        out.write_all(b"<tbody role=\"rowgroup\">\n")?;
        shown.into_iter().try_for_each(|kept| put(finding::draw(kept), out))?;
        out.write_all(b"</tbody>\n</table>\n</section>\n")
    }

    // The summary of each rule with findings.
    fn pages(&self, out: &mut dyn Write) -> io::Result<()> {
        let seen: BTreeSet<&str> = self.findings.seen().map(|(_, code, _)| code).collect();
        if seen.is_empty() {
            return Ok(());
        }
        let pages = html! {
            section.sheet aria-labelledby="rules" {
                "\n" h2 #rules { "Rules" } "\n"
                @for rule in seen.into_iter().filter_map(rules::find) { (rule::draw(rule)) }
            } "\n"
        };
        put(pages, out)
    }
}

fn put(markup: PreEscaped<impl AsRef<str>>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(markup.0.as_ref().as_bytes())
}

/// Text from the data, on one line, in a template: no markup, and nothing that a terminal or CI runner acts upon.
struct Text<'t>(&'t str);

impl Render for Text<'_> {
    fn render_to(&self, page: &mut String) {
        page.push_str(&escape::xml_commands(escape::holdable(self.0).render().into_string()));
    }
}

// The result of the run, and its style.
fn verdict(summary: &Summary) -> (String, &'static str) {
    match *summary {
        Summary { records: 1, invalid: 1, .. } => ("The record is invalid".to_owned(), "error"),
        Summary { records, invalid: 1, .. } => (format!("1 of {records} records is invalid"), "error"),
        Summary { records, invalid, .. } if invalid > 0 => (format!("{invalid} of {records} records are invalid"), "error"),
        Summary { errors, raised, records, .. } if errors > 0 && raised > 0 => {
            let valid = if records == 1 { "the record is valid".to_owned() } else { format!("all {records} records are valid") };
            (format!("{} by --strict or the config; {valid}", amount(errors, "error", "errors")), "error")
        }
        Summary { errors, .. } if errors > 0 => (format!("{} outside of records", amount(errors, "error", "errors")), "error"),
        Summary { records: 0, .. } => ("No records were read".to_owned(), "warning"),
        Summary { records: 1, .. } => ("The record is valid".to_owned(), "good"),
        Summary { records, .. } => (format!("All {records} records are valid"), "good"),
    }
}

fn overview(summary: &Summary) -> Markup {
    let part = |count, label, kind, filter| Part { count, label, kind, filter };
    let Summary { valid, invalid, errors, warnings, notes, .. } = *summary;
    html! {
        div.overview {
            "\n"
            @if valid + invalid > 0 {
                (chart::bar("Records", &[
                    part(valid, format!("{valid} valid"), "good", None),
                    part(invalid, format!("{invalid} invalid"), "error", None),
                ]))
            }
            @if summary.max_severity().is_some() {
                (chart::bar("Findings", &[
                    part(errors, amount(errors, "error", "errors"), "error", Some("severity=error")),
                    part(warnings, amount(warnings, "warning", "warnings"), "warning", Some("severity=warning")),
                    part(notes, amount(notes, "note", "notes"), "note", Some("severity=note")),
                ]))
            }
        } "\n"
    }
}

// Searches, filters and orders the rows that are shown.
fn form(shown: &[&Kept<Row>]) -> Markup {
    let severities: BTreeSet<Severity> = shown.iter().map(|kept| kept.severity).collect();
    let codes: BTreeMap<&str, &str> = shown.iter().map(|kept| (kept.rule.code, kept.rule.name)).collect();
    let files: BTreeSet<&str> = shown.iter().map(|kept| kept.drawn.file.as_str()).collect();
    let members: BTreeSet<&str> = shown.iter().map(|kept| kept.drawn.member.as_str()).collect();
    let itself = |value: &str| (value.to_owned(), value.to_owned());
    html! {
        form role="search" aria-label="Findings" hidden="" {
            "\n" label.wide { "Search" input type="search" name="q" autocomplete="off"; } "\n"
            (select("severity", "Severity", severities.iter().rev().map(|severity| itself(severity.word()))))
            (select("rule", "Rule", codes.iter().map(|(code, name)| ((*code).to_owned(), format!("{code} {name}")))))
            (select("file", "File", files.into_iter().map(itself)))
            (select("member", "Member", members.into_iter().map(itself)))
            label {
                "Order" select name="order" {
                    option value="" { "importance" }
                    @for order in ["place", "rule", "member"] { option value=(order) { (order) } }
                }
            } "\n"
            p.buttons { button type="reset" { "Clear" } button type="button" name="open" { "Open all" } } "\n"
        } "\n"
    }
}

fn select(name: &str, label: &str, values: impl Iterator<Item = (String, String)>) -> Markup {
    html! {
        label {
            (label) select name=(name) {
                option value="" { "all" }
                @for (value, shown) in values { option value=(Text(&value)) { (Text(&escape::cut(&one_line(&shown), 120))) } }
            }
        } "\n"
    }
}

fn amount(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

// The hash by which the policy allows a style or script.
fn digest(PreEscaped(text): PreEscaped<&str>) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::from("sha256-");
    for chunk in Sha256::digest(text).chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            coded.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_knows_a_text_by_its_digest() {
        assert_eq!(digest(PreEscaped("")), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        // A browser reads each line end as one LF before it compares.
        assert!(!STYLE.0.contains('\r') && !SCRIPT.0.contains('\r'));
    }

    #[test]
    fn the_verdict_is_about_records() {
        let of =
            |records, invalid, errors| verdict(&Summary { records, invalid, valid: records - invalid, errors, ..Summary::default() }).0;
        assert_eq!(of(9, 0, 0), "All 9 records are valid");
        assert_eq!(of(1, 0, 0), "The record is valid");
        assert_eq!(of(9, 0, 2), "2 errors outside of records");
        let raised = Summary { records: 9, valid: 9, errors: 2, raised: 2, ..Summary::default() };
        assert_eq!(verdict(&raised).0, "2 errors by --strict or the config; all 9 records are valid");
        assert_eq!(of(9, 1, 3), "1 of 9 records is invalid");
        assert_eq!(of(9, 4, 0), "4 of 9 records are invalid");
        assert_eq!(of(1, 1, 1), "The record is invalid");
        assert_eq!(of(0, 0, 2), "2 errors outside of records");
        assert_eq!(of(0, 0, 0), "No records were read");
    }
}
