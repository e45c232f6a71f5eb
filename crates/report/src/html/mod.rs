//! Renders one self-contained page for a browser: charts, and a searchable table of findings.
//!
//! Nothing is fetched, and the page's content security policy forbids it; without JavaScript, the page shows the same.
//! Text from the data is never markup, address or script. Only the most important findings are shown, so that the page
//! works on a phone; charts and totals count all.

mod chart;
mod excerpt;
mod finding;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::escape;
use super::top_k::{TopFindings, omitted_text};
use super::{Options, Reporter, Summary, summary_line};
use chancery_core::diagnostic::{Diagnostic, Severity, one_line, rules};
use chart::{Counts, Part};
use finding::Row;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

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
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
             base-uri 'none'; form-action 'none'\"/>\n<meta name=\"generator\" content=\"chancery {version}\"/>\n\
             <title>chancery: {found}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            digest(STYLE),
            digest(SCRIPT),
            version = env!("CARGO_PKG_VERSION")
        )?;
        let (verdict, kind) = verdict(summary);
        writeln!(
            out,
            "<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n<header>\n<h1 class=\"{kind}\">{verdict}</h1>\n<p class=\"soft\">{}.</p>\n</header>\n<main>",
            escape::xml(&summary_line(summary))
        )?;
        overview(summary, out)?;
        self.charts(out)?;
        self.table(out)?;
        self.pages(out)?;
        write!(
            out,
            "</main>\n<footer><p>Made by chancery {}.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        )
    }
}

impl Html {
    fn charts(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<div class=\"charts\">\n")?;
        let rule = |code: &str| rules::find(code).map_or_else(|| code.to_owned(), |rule| format!("{code} {}", rule.name));
        self.rules.draw("Findings by rule", "rule", rule, out)?;
        self.files.draw("Findings by file", "file", str::to_owned, out)?;
        self.members.draw("Findings by member", "member", str::to_owned, out)?;
        out.write_all(b"</div>\n")
    }

    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<section class=\"sheet\" aria-labelledby=\"findings\">\n<h2 id=\"findings\" tabindex=\"-1\">Findings</h2>\n")?;
        let shown: Vec<_> = self.findings.by_importance().collect();
        let rest = omitted_text(&self.findings.omitted());
        if shown.is_empty() && rest.is_none() {
            return out.write_all(b"<p>No findings.</p>\n</section>\n");
        }
        out.write_all(b"<form role=\"search\" aria-label=\"Findings\" hidden=\"\">\n")?;
        out.write_all(b"<label class=\"wide\">Search<input type=\"search\" name=\"q\" autocomplete=\"off\"/></label>\n")?;
        let severities: BTreeSet<Severity> = shown.iter().map(|kept| kept.severity).collect();
        let codes: BTreeMap<&str, &str> = shown.iter().map(|kept| (kept.rule.code, kept.rule.name)).collect();
        let files: BTreeSet<&str> = shown.iter().map(|kept| kept.drawn.file.as_str()).collect();
        let members: BTreeSet<&str> = shown.iter().map(|kept| kept.drawn.member.as_str()).collect();
        let itself = |value: &str| (value.to_owned(), value.to_owned());
        select("severity", "Severity", severities.iter().rev().map(|severity| itself(severity.word())), out)?;
        select("rule", "Rule", codes.iter().map(|(code, name)| ((*code).to_owned(), format!("{code} {name}"))), out)?;
        select("file", "File", files.into_iter().map(itself), out)?;
        select("member", "Member", members.into_iter().map(itself), out)?;
        out.write_all(
            b"<label>Order<select name=\"order\"><option value=\"\">importance</option><option value=\"place\">place</option>\
              <option value=\"rule\">rule</option><option value=\"member\">member</option></select></label>\n\
              <p class=\"buttons\"><button type=\"reset\">Clear</button><button type=\"button\" name=\"open\">Open all</button></p>\n</form>\n",
        )?;
        let findings: u64 = shown.iter().map(|kept| kept.times).sum();
        let count = match shown.len() as u64 {
            1 if findings == 1 => "1 finding is shown".to_owned(),
            rows if findings == rows => format!("{rows} findings are shown"),
            rows => format!("{} shown for {findings} findings", amount(rows, "row is", "rows are")),
        };
        let rest = rest.map(|rest| format!(", {rest}")).unwrap_or_default();
        writeln!(out, "<output>{count}{}.</output>", escape::xml(&rest))?;
        out.write_all(
            b"<table role=\"table\" aria-labelledby=\"findings\">\n<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Rule</th>\
              <th role=\"columnheader\" scope=\"col\">Place</th><th role=\"columnheader\" scope=\"col\">Finding</th></tr></thead>\n<tbody role=\"rowgroup\">\n",
        )?;
        shown.into_iter().try_for_each(|kept| out.write_all(finding::draw(kept).as_bytes()))?;
        out.write_all(b"</tbody>\n</table>\n</section>\n")
    }

    // The summary of each rule with findings.
    fn pages(&self, out: &mut dyn Write) -> io::Result<()> {
        let seen: BTreeSet<&str> = self.findings.seen().map(|(_, code, _)| code).collect();
        if seen.is_empty() {
            return Ok(());
        }
        out.write_all(b"<section class=\"sheet\" aria-labelledby=\"rules\">\n<h2 id=\"rules\">Rules</h2>\n")?;
        seen.into_iter().filter_map(rules::find).try_for_each(|rule| out.write_all(rule::draw(rule).as_bytes()))?;
        out.write_all(b"</section>\n")
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

fn overview(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let part = |count, label, kind, filter| Part { count, label, kind, filter };
    out.write_all(b"<div class=\"overview\">\n")?;
    if summary.valid + summary.invalid > 0 {
        let (valid, invalid) = (summary.valid, summary.invalid);
        let parts = [part(valid, format!("{valid} valid"), "good", None), part(invalid, format!("{invalid} invalid"), "error", None)];
        chart::bar("Records", &parts, out)?;
    }
    if summary.max_severity().is_some() {
        let (errors, warnings, notes) = (summary.errors, summary.warnings, summary.notes);
        let parts = [
            part(errors, amount(errors, "error", "errors"), "error", Some("severity=error")),
            part(warnings, amount(warnings, "warning", "warnings"), "warning", Some("severity=warning")),
            part(notes, amount(notes, "note", "notes"), "note", Some("severity=note")),
        ];
        chart::bar("Findings", &parts, out)?;
    }
    out.write_all(b"</div>\n")
}

fn select(name: &str, label: &str, values: impl Iterator<Item = (String, String)>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>")?;
    for (value, shown) in values {
        write!(out, "<option value=\"{}\">{}</option>", escape::xml(&value), escape::xml(&escape::cut(&one_line(&shown), 120)))?;
    }
    out.write_all(b"</select></label>\n")
}

fn amount(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

// The hash by which the policy allows a style or script.
fn digest(text: &str) -> String {
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
        assert_eq!(digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        // A browser reads each line end as one LF before it compares.
        assert!(!STYLE.contains('\r') && !SCRIPT.contains('\r'));
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
