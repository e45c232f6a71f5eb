//! Draws one self-contained page for a browser: charts, and a table of the findings that can be searched.
//!
//! Nothing is fetched from elsewhere, and a policy in the page forbids it; without a script the page shows the same. What
//! comes from the data is text and never markup, address or script. The most important findings are drawn, so that the page
//! stays one that a telephone can open; charts and totals count all.

mod excerpt;

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::escape;
use super::important::{Important, rest_in_words};
use super::{Options, Reporter, Tally, sentence};
use crate::diagnostic::{Diagnostic, Severity, one_line, rules};
use crate::tree::pointer;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// More findings are counted and not drawn.
const MOST: usize = 5_000;
/// The table is at most so many bytes.
const ROOM: usize = 8 << 20;
/// A chart has at most so many bars.
const BARS: usize = 6;
/// More files and members are not told apart.
const GROUPS: usize = 20_000;

/// The page.
pub(super) struct Html {
    findings: Important<Row>,
    files: Counts,
    members: Counts,
}

struct Row {
    file: String,
    cells: String,
}

// How often something was met, by the gravest severity it was met with.
#[derive(Default)]
struct Counts {
    by_name: BTreeMap<String, (u64, Option<Severity>)>,
    others: u64,
}

impl Counts {
    fn add(&mut self, name: String, severity: Severity) {
        if self.by_name.len() >= GROUPS && !self.by_name.contains_key(&name) {
            self.others += 1;
            return;
        }
        let (count, gravest) = self.by_name.entry(name).or_default();
        *count += 1;
        *gravest = (*gravest).max(Some(severity));
    }
}

impl Html {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.most.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
        Self { findings: Important::new(most, ROOM), files: Counts::default(), members: Counts::default() }
    }
}

impl Reporter for Html {
    fn report(&mut self, diagnostic: &Diagnostic, _out: &mut dyn Write) -> io::Result<()> {
        let file = diagnostic.place.locate().file;
        self.files.add(file.to_string(), diagnostic.severity);
        let member = diagnostic.pointer.as_deref().map_or_else(|| "the file".to_owned(), pointer::general);
        self.members.add(member, diagnostic.severity);
        self.findings.take(diagnostic, || {
            let row = Row { file: file.to_string(), cells: cells(diagnostic) };
            let size = row.cells.len() + row.file.len() + 80;
            (row, size)
        });
        Ok(())
    }

    fn finish(&mut self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        let title = title(tally);
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
             base-uri 'none'; form-action 'none'\">\n<meta name=\"generator\" content=\"chancery {}\">\n\
             <title>chancery: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            digest(STYLE),
            digest(SCRIPT),
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(out, "<header>\n<h1>{title}</h1>\n<p class=\"soft\">{}.</p>\n</header>\n<main>", escape::xml(&sentence(tally)))?;
        self.charts(tally, out)?;
        self.table(out)?;
        self.rules(out)?;
        write!(
            out,
            "</main>\n<footer><p>Made by chancery {}.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        )
    }
}

impl Html {
    fn charts(&self, tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
        records(tally, out)?;
        out.write_all(b"<div class=\"charts\">\n")?;
        let mut rules: Vec<_> = self.findings.seen().collect();
        rules.sort_by_key(|(severity, code, count)| (std::cmp::Reverse(*count), std::cmp::Reverse(*severity), *code));
        let named = rules.into_iter().map(|(severity, code, count)| {
            let name = rules::find(code).map_or("", |rule| rule.name);
            (format!("{code} {name}"), count, severity.word(), Some(format!("rule={code}")))
        });
        chart("Findings by rule", named.collect(), out)?;
        chart("Findings by file", self.files.bars(|name| Some(format!("file={}", query(name)))), out)?;
        chart("Findings by member", self.members.bars(|_| None), out)?;
        out.write_all(b"</div>\n")
    }

    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let shown: Vec<_> = self.findings.by_importance().collect();
        if shown.is_empty() {
            return out.write_all("<section class=\"sheet\"><p>Nothing was found.</p><form hidden></form></section>\n".as_bytes());
        }
        let mut files: Vec<&str> = shown.iter().map(|kept| kept.drawn.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        let mut codes: Vec<(&str, &str)> = shown.iter().map(|kept| (kept.rule.code, kept.rule.name)).collect();
        codes.sort_unstable();
        codes.dedup();
        out.write_all(
            b"<section class=\"sheet\" aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n<form role=\"search\" hidden>\n",
        )?;
        out.write_all(b"<label class=\"wide\">Search<input type=\"search\" name=\"q\" autocomplete=\"off\"></label>\n")?;
        let severities =
            [Severity::Error, Severity::Warning, Severity::Advice].map(|severity| (severity.word(), severity.word().to_owned()));
        select("severity", "Severity", severities.into_iter(), out)?;
        select("rule", "Rule", codes.iter().map(|(code, name)| (*code, format!("{code} {name}"))), out)?;
        select("file", "File", files.iter().map(|file| (*file, one_line(file).into_owned())), out)?;
        let count = shown.len();
        let drawn = if count == 1 { "1 finding is shown".to_owned() } else { format!("{count} findings are shown") };
        let rest = rest_in_words(&self.findings.rest()).map(|rest| format!(", {rest}")).unwrap_or_default();
        writeln!(out, "</form>\n<output>{drawn}{}.</output>", escape::xml(&rest))?;
        out.write_all(b"<table>\n<thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Rule</th><th scope=\"col\">Place</th><th scope=\"col\">What</th></tr></thead>\n<tbody>\n")?;
        for kept in shown {
            let (severity, rule) = (kept.severity.word(), kept.rule);
            let again = if kept.times > 1 { format!("<p class=\"soft\">The same in {} records.</p>", kept.times) } else { String::new() };
            writeln!(
                out,
                "<tr data-severity=\"{severity}\" data-rule=\"{code}\" data-file=\"{}\"><td><span class=\"severity {severity}\">{severity}</span></td>\
                 <td><a class=\"{severity}\" href=\"#{code}\">{code}</a> {}</td>{}{again}</td></tr>",
                escape::xml(&kept.drawn.file),
                rule.name,
                kept.drawn.cells,
                code = rule.code,
            )?;
        }
        out.write_all(b"</tbody>\n</table>\n</section>\n")
    }

    // What each rule is about, for those that speak.
    fn rules(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut seen: Vec<&str> = self.findings.seen().map(|(_, code, _)| code).collect();
        seen.sort_unstable();
        seen.dedup();
        if seen.is_empty() {
            return Ok(());
        }
        out.write_all(b"<section class=\"sheet\" aria-labelledby=\"rules\">\n<h2 id=\"rules\">Rules</h2>\n")?;
        for rule in seen.into_iter().filter_map(rules::find) {
            let page = rule.page.lines().skip(1).collect::<Vec<_>>().join("\n");
            let page: Vec<String> = page.trim().lines().map(escape::xml).collect();
            writeln!(
                out,
                "<details id=\"{}\"><summary><strong>{}</strong> {}: {}</summary><pre>{}</pre></details>",
                rule.code,
                rule.code,
                rule.name,
                escape::xml(rule.summary),
                page.join("\n")
            )?;
        }
        out.write_all(b"</section>\n")
    }
}

impl Counts {
    fn bars(&self, link: impl Fn(&str) -> Option<String>) -> Vec<(String, u64, &'static str, Option<String>)> {
        let mut all: Vec<_> = self.by_name.iter().collect();
        all.sort_by_key(|(name, (count, _))| (std::cmp::Reverse(*count), (*name).clone()));
        let bar = |(name, (count, severity)): (&String, &(u64, Option<Severity>))| {
            let shown = if name.is_empty() { "the record".to_owned() } else { name.clone() };
            (shown, *count, severity.map_or("accent", Severity::word), link(name))
        };
        let mut bars: Vec<_> = all.into_iter().map(bar).collect();
        if self.others > 0 {
            bars.push(("others".to_owned(), self.others, "accent", None));
        }
        bars
    }
}

// One bar of two parts.
fn records(tally: &Tally, out: &mut dyn Write) -> io::Result<()> {
    let (valid, invalid) = (tally.valid, tally.invalid);
    if valid + invalid == 0 {
        return Ok(());
    }
    // What there is of either stays visible.
    let share = (valid * 1000 / (valid + invalid)).clamp(u64::from(valid > 0) * 4, 1000 - u64::from(invalid > 0) * 4);
    writeln!(
        out,
        "<section class=\"records\" aria-label=\"Records\">\n<span class=\"row\"><span class=\"good\">{valid} valid</span>\
         <span class=\"error\">{invalid} invalid</span></span>\n\
         <svg viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{valid} valid, {invalid} invalid\">\
         <rect class=\"fill-good\" width=\"{share}\" height=\"8\"/><rect class=\"fill-error\" x=\"{share}\" width=\"{}\" height=\"8\"/></svg>\n</section>",
        1000 - share
    )
}

// A bar for each name, as long as its share of the longest.
fn chart(title: &str, bars: Vec<(String, u64, &str, Option<String>)>, out: &mut dyn Write) -> io::Result<()> {
    if bars.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"sheet\" aria-label=\"{title}\">\n<h2>{title}</h2>\n<ol>")?;
    let whole = bars.iter().map(|(_, count, ..)| *count).max().unwrap_or(1).max(1);
    for (name, count, fill, link) in bars.iter().take(BARS) {
        let name = escape::xml(&escape::cut(name, 200));
        let (open, close) = match link {
            Some(link) => (format!("<a href=\"#{}\">", escape::xml(link)), "</a>"),
            None => (String::new(), ""),
        };
        // In thousandths, so that the drawing does not depend on how a machine prints fractions.
        let share = count * 1000 / whole;
        writeln!(
            out,
            "<li>{open}<span class=\"row\"><span class=\"name\">{name}</span><span class=\"number\">{count}</span></span>\
             <svg viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{count}\">\
             <rect class=\"fill-{fill}\" width=\"{share}\" height=\"8\"/></svg>{close}</li>"
        )?;
    }
    if bars.len() > BARS {
        let others: u64 = bars[BARS..].iter().map(|(_, count, ..)| count).sum();
        writeln!(out, "<li class=\"soft\"><span class=\"row\"><span>{} more</span><span>{others}</span></span></li>", bars.len() - BARS)?;
    }
    out.write_all(b"</ol>\n</section>\n")
}

fn select<'v>(name: &str, label: &str, values: impl Iterator<Item = (&'v str, String)>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>")?;
    for (value, shown) in values {
        write!(out, "<option value=\"{}\">{}</option>", escape::xml(value), escape::xml(&shown))?;
    }
    out.write_all(b"</select></label>\n")
}

// The cells behind severity and rule; the last is left open.
fn cells(diagnostic: &Diagnostic) -> String {
    let location = diagnostic.place.locate();
    let place = format!("{}:{}:{}", location.file, location.start.line, location.start.column);
    let mut text =
        format!("<td><code>{}</code></td><td><details><summary>{}</summary>", escape::xml(&place), escape::xml(&diagnostic.message));
    text.push_str(&excerpt::draw(&diagnostic.place, diagnostic.label.as_deref()));
    let mut facts = Vec::new();
    if let Some(help) = &diagnostic.help {
        facts.push(("help", escape::xml(help)));
    }
    if let Some(fix) = &diagnostic.fix {
        let edit = |edit: &crate::diagnostic::Edit| {
            let before = diagnostic.place.source.slice(edit.span);
            format!("<del>{}</del> <ins>{}</ins>", escape::xml(before), escape::xml(&edit.text))
        };
        facts.push(("edit", format!("<code>{}</code>", fix.edits.iter().map(edit).collect::<Vec<_>>().join("<br>"))));
    }
    if let Some(record) = &diagnostic.record {
        let key = record.key.as_ref().map(|key| format!(", <code>{}</code>", escape::xml(key))).unwrap_or_default();
        facts.push(("record", format!("{}{key}", record.index + 1)));
    }
    if let Some(pointer) = diagnostic.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
        facts.push(("member", format!("<code>{}</code>", escape::xml(pointer))));
    }
    if !facts.is_empty() {
        let facts: String = facts.iter().map(|(name, told)| format!("<dt>{name}</dt><dd>{told}</dd>")).collect();
        text.push_str(&format!("<dl>{facts}</dl>"));
    }
    for related in &diagnostic.related {
        let location = related.place.locate();
        let place = format!("{}:{}:{}", location.file, location.start.line, location.start.column);
        text.push_str(&format!("<p class=\"soft\">{}: <code>{}</code></p>", escape::xml(&related.message), escape::xml(&place)));
        text.push_str(&excerpt::draw(&related.place, None));
    }
    text.push_str("</details>");
    text
}

fn title(tally: &Tally) -> String {
    let count = |number: u64, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    };
    let found =
        [count(tally.errors, "error", "errors"), count(tally.warnings, "warning", "warnings"), count(tally.advice, "advice", "advice")];
    let found: Vec<String> = found.into_iter().flatten().collect();
    if found.is_empty() { "Nothing found".to_owned() } else { found.join(", ") }
}

// A value in the part of an address behind the number sign, as forms write it.
fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

// What the policy knows a style or script by.
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
    #[test]
    fn the_policy_knows_a_text_by_its_digest() {
        assert_eq!(super::digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
